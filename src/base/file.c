/* file.c - reading and mapping files, and their paths. */
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(const char *path, int *fd, uint64_t *size, qw_error *err) {
    struct stat st = {0};
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);    /* O_NONBLOCK: do not wait on a FIFO */
    if (*fd < 0) return fail(err, QW_EIO, "cannot open %s: %s", path, strerror(errno));
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        int dir = S_ISDIR(st.st_mode);
        close(*fd);
        return fail(err, QW_EIO, "%s is %s, not a regular file", path,
                    dir ? "a directory" : "special");
    }
    *size = (uint64_t)st.st_size;
    return 0;
}

int map_file(struct file *f, const char *path, qw_error *err) {
    int fd, rc = open_file(path, &fd, &f->size, err);
    f->data = NULL;
    f->kind = FILE_OWNED;
    if (rc) return rc;
    if (f->size == 0) {
        close(fd);
        return fail(err, QW_EFORMAT, "%s is empty", path);
    }
    void *p = MAP_FAILED;
    bool fits = f->size <= PTRDIFF_MAX;
    if (fits) p = mmap(NULL, (size_t)f->size, PROT_READ, MAP_PRIVATE, fd, 0);
    int saved = errno;
    close(fd);
    if (p == MAP_FAILED)
        return fail(err, QW_ENOMEM, "cannot map %s (%" PRIu64 " bytes) into this process: %s", path,
                    f->size, fits ? strerror(saved) : "larger than the address space");
    f->data = p;
    f->kind = FILE_MAPPED;
    return 0;
}

int read_file(struct file *f, const char *path, uint64_t max_size, qw_error *err) {
    int fd, rc = open_file(path, &fd, &f->size, err);
    f->data = NULL;
    f->kind = FILE_OWNED;
    if (rc) return rc;
    if (f->size > max_size) {
        close(fd);
        return fail(err, QW_EFORMAT,
                    "%s is too large: %" PRIu64 " bytes; at most %" PRIu64 " were expected",
                    path, f->size, max_size);
    }
    unsigned char *p = malloc((size_t)f->size + 1);
    if (!p) {
        close(fd);
        return fail_memory(err, path, f->size);
    }
    size_t got = 0;
    while (got < f->size) {
        ssize_t r = read(fd, p + got, (size_t)f->size - got);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) {
            int saved = errno;
            close(fd);
            free(p);
            if (r < 0) return fail(err, QW_EIO, "cannot read %s: %s", path, strerror(saved));
            return fail(err, QW_EIO, "%s was truncated while it was being read", path);
        }
        got += (size_t)r;
    }
    close(fd);
    p[got] = 0;
    f->data = p;
    return 0;
}

size_t file_start(const char *path, void *out, size_t n) {
    uint64_t size;
    int fd;
    if (open_file(path, &fd, &size, NULL)) return 0;
    ssize_t got = read(fd, out, n);
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

void file_close(struct file *f) {
    if (f->kind == FILE_MAPPED) munmap((void *)(uintptr_t)f->data, (size_t)f->size);
    else if (f->kind == FILE_OWNED) free((void *)(uintptr_t)f->data);
    *f = (struct file){0};
}

void file_forget(const void *p, uint64_t n) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)p + (uintptr_t)n) / page * page;
    if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* For all pages that have some of these bytes. */
static void advise(const void *p, uint64_t n, int advice) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)p / page * page, end = (uintptr_t)p + (uintptr_t)n;
    if (n > 0) madvise((void *)begin, end - begin, advice);
}

void file_scattered(const void *p, uint64_t n, bool scattered) {
    advise(p, n, scattered ? MADV_RANDOM : MADV_NORMAL);
}

void file_want(const void *p, uint64_t n) { advise(p, n, MADV_WILLNEED); }

enum path_kind path_kind(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        /* Only what does not exist is missing. A dangling link, or a file in a folder that we
         * may not enter, exists and fails when it is opened. */
        bool absent = errno == ENOENT || errno == ENOTDIR;
        return absent && lstat(path, &st) != 0 ? PATH_MISSING : PATH_FILE;
    }
    return S_ISDIR(st.st_mode) ? PATH_DIR : PATH_FILE;
}

bool path_ends_with(const char *path, const char *suffix) {
    size_t n = strlen(path), m = strlen(suffix);
    return n >= m && strcmp(path + n - m, suffix) == 0;
}

char *path_join(const char *dir, const char *name) {
    size_t n = strlen(dir), m = strlen(name);
    bool slash = n > 0 && dir[n - 1] != '/';
    char *p = malloc(n + m + 2);
    if (!p) return NULL;
    memcpy(p, dir, n);
    if (slash) p[n++] = '/';
    memcpy(p + n, name, m + 1);
    return p;
}
