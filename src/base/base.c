/* base.c - L0: errors, checked arithmetic, growing buffers, files. */
#include "base/base.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/utf8.h"

/* Messages quote files and end up on terminals: control characters and what is no UTF-8 become '?'. */
static void make_printable(char *s) {
    for (size_t n = strlen(s); n > 0;) {
        uint32_t cp;
        int len = utf8_decode(s, n, &cp);
        if (len == 0 || cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) memset(s, '?', len ? (size_t)len : 1);
        s += len ? len : 1;
        n -= len ? (size_t)len : 1;
    }
}

int fail(qw_error *err, int code, const char *fmt, ...) {
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, ap);
        va_end(ap);
        make_printable(err->message);
        err->code = code;
    }
    return code;
}

int fail_memory(qw_error *err, const char *what, uint64_t bytes) {
    return fail(err, QW_ENOMEM, "not enough memory for %s (%" PRIu64 " bytes)", what, bytes);
}

void *alloc_zero(uint64_t n, uint64_t size) {
    uint64_t bytes;
    void *p;
    if (!mul_u64(n, size, &bytes) || !add_u64(bytes, 63, &bytes) || bytes > PTRDIFF_MAX) return NULL;
    bytes &= ~(uint64_t)63;
    if (bytes == 0) bytes = 64;
    if (posix_memalign(&p, 64, (size_t)bytes) != 0) return NULL;
    memset(p, 0, (size_t)bytes);
    return p;
}

void *alloc_pages(uint64_t bytes) {
    void *p;
    return bytes > PTRDIFF_MAX - 64 || posix_memalign(&p, 64, (size_t)bytes + 64) != 0 ? NULL : p;
}

/* ---- buffers ---- */

bool buf_reserve(struct buf *b, size_t more) {
    if (b->oom) return false;
    if (b->cap - b->n >= more) return true;
    size_t cap = b->cap ? b->cap : 64;
    if (more > PTRDIFF_MAX - b->n) { b->oom = true; return false; }
    while (cap - b->n < more) cap = cap > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : cap * 2;
    char *p = realloc(b->p, cap);
    if (!p) { b->oom = true; return false; }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_put(struct buf *b, const void *p, size_t n) {
    if (n == 0 || !buf_reserve(b, n)) return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_str(struct buf *b, const char *s) { buf_put(b, s, strlen(s)); }
void buf_char(struct buf *b, char c) { buf_put(b, &c, 1); }
void buf_free(struct buf *b) { free(b->p); *b = (struct buf){0}; }

void ids_put(struct ids *a, int32_t id) {
    if (a->oom) return;
    if (a->n == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;
        int32_t *p = cap > PTRDIFF_MAX / sizeof *p ? NULL : realloc(a->p, cap * sizeof *p);
        if (!p) { a->oom = true; return; }
        a->p = p;
        a->cap = cap;
    }
    a->p[a->n++] = id;
}

void ids_free(struct ids *a) { free(a->p); *a = (struct ids){0}; }

/* ---- files ---- */

static int open_file(const char *path, int *fd, uint64_t *size, qw_error *err) {
    struct stat st = {0};
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);      /* O_NONBLOCK: a FIFO must not hang us */
    if (*fd < 0) return fail(err, QW_EIO, "cannot open %s: %s", path, strerror(errno));
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        int dir = S_ISDIR(st.st_mode);
        close(*fd);
        return fail(err, QW_EIO, "%s is %s, not a regular file", path, dir ? "a directory" : "special");
    }
    *size = (uint64_t)st.st_size;
    return 0;
}

int map_file(struct file *f, const char *path, qw_error *err) {
    int fd, rc = open_file(path, &fd, &f->size, err);
    f->data = NULL;
    f->kind = FILE_OWNED;
    if (rc) return rc;
    if (f->size == 0) { close(fd); return fail(err, QW_EFORMAT, "%s is empty", path); }
    void *p = f->size > PTRDIFF_MAX ? MAP_FAILED : mmap(NULL, (size_t)f->size, PROT_READ, MAP_PRIVATE, fd, 0);
    int saved = errno;
    close(fd);
    if (p == MAP_FAILED)
        return fail(err, QW_ENOMEM, "cannot map %s (%" PRIu64 " bytes) into this process: %s", path, f->size,
                    f->size > PTRDIFF_MAX ? "larger than the address space" : strerror(saved));
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
        return fail(err, QW_EFORMAT, "%s is too large for what it should be: %" PRIu64 " bytes, at most %" PRIu64, path, f->size, max_size);
    }
    unsigned char *p = malloc((size_t)f->size + 1);
    if (!p) { close(fd); return fail_memory(err, path, f->size); }
    size_t got = 0;
    while (got < f->size) {
        ssize_t r = read(fd, p + got, (size_t)f->size - got);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) {
            int saved = errno;
            close(fd);
            free(p);
            if (r < 0) return fail(err, QW_EIO, "cannot read %s: %s", path, strerror(saved));
            return fail(err, QW_EIO, "%s became shorter while it was read", path);
        }
        got += (size_t)r;
    }
    close(fd);
    p[got] = 0;
    f->data = p;
    return 0;
}

void file_close(struct file *f) {
    if (f->kind == FILE_MAPPED) munmap((void *)(uintptr_t)f->data, (size_t)f->size);
    else if (f->kind == FILE_OWNED) free((void *)(uintptr_t)f->data);
    *f = (struct file){0};
}

void file_forget(const void *p, uint64_t n) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = ((uintptr_t)p + page - 1) / page * page, end = ((uintptr_t)p + (uintptr_t)n) / page * page;
    if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

enum path_kind path_kind(const char *path) {
    struct stat st;
    /* Only what is not there is missing. A link that leads nowhere, or a folder we may not enter, fails when it is opened. */
    if (stat(path, &st) != 0) return (errno == ENOENT || errno == ENOTDIR) && lstat(path, &st) != 0 ? PATH_MISSING : PATH_FILE;
    return S_ISDIR(st.st_mode) ? PATH_DIR : PATH_FILE;
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
