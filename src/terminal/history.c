/* history.c - what was typed, kept in memory and in a file. */
#include "terminal/history.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/utf8_stream.h"

/* Of a larger file, so many bytes at its end are read; a file that has so many more entries than
 * are kept, or more bytes than are read, is written anew. */
enum { READ_MOST = 8000000, TOO_MANY = 1000 };

struct entry { char *p; size_t n; };

struct history {
    struct entry list[HISTORY_ENTRIES];     /* entry i is list[(first + i) % HISTORY_ENTRIES] */
    size_t first, n, bytes;
    char *path;                 /* NULL: there is no file, or it is no longer used */
    char error[512];            /* "": nothing went wrong */
    bool told;
};

/* ---- in memory ---- */

static struct entry *entry_at(const struct history *h, size_t i) {
    return (struct entry *)&h->list[(h->first + i) % HISTORY_ENTRIES];
}

size_t history_count(const struct history *h) { return h->n; }

const char *history_entry(const struct history *h, size_t i, size_t *n) {
    *n = entry_at(h, i)->n;
    return entry_at(h, i)->p;
}

static void forget_oldest(struct history *h) {
    struct entry *e = entry_at(h, 0);
    h->bytes -= e->n;
    free(e->p);
    h->first = (h->first + 1) % HISTORY_ENTRIES;
    h->n--;
}

static bool is_wanted(const struct history *h, const char *text, size_t n) {
    if (n == 0 || text[0] == ' ' || text[0] == '\t' || text[0] == '\n') return false;
    if (h->n == 0) return true;
    const struct entry *last = entry_at(h, h->n - 1);
    return last->n != n || memcmp(last->p, text, n) != 0;
}

/* False: it is not wanted, or memory ran out. */
static bool remember(struct history *h, const char *text, size_t n) {
    if (!is_wanted(h, text, n) || n > HISTORY_MEMORY) return false;
    char *copy = malloc(n);
    if (!copy) return false;
    memcpy(copy, text, n);
    while (h->n == HISTORY_ENTRIES || h->bytes > HISTORY_MEMORY - n) forget_oldest(h);
    *entry_at(h, h->n++) = (struct entry){copy, n};
    h->bytes += n;
    return true;
}

/* ---- one entry as a line of the file ---- */

static void put_line(struct buf *out, const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *escaped = NULL;
        if (p[i] == '\n') escaped = "\\n";
        if (p[i] == '\r') escaped = "\\r";
        if (p[i] == '\\') escaped = "\\\\";
        if (escaped) buf_str(out, escaped);
        else buf_char(out, p[i]);
    }
    buf_char(out, '\n');
}

/* A line without its newline; what is not UTF-8 is replaced. */
static void take_line(struct history *h, const char *p, size_t n) {
    struct buf raw = {0}, text = {0};
    struct utf8_stream stream = {{0}, 0};
    if (n == 0 || n > 2 * HISTORY_LONGEST) return;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (c == '\\' && i + 1 < n && strchr("nr\\", p[i + 1]) && p[i + 1]) {
            i++;
            if (p[i] != '\\') c = p[i] == 'n' ? '\n' : '\r';
        }
        buf_char(&raw, c);
    }
    utf8_push(&stream, raw.p, raw.n, &text);
    utf8_finish(&stream, &text);
    if (!raw.oom && !text.oom && text.n <= HISTORY_LONGEST) remember(h, text.p, text.n);
    buf_free(&raw);
    buf_free(&text);
}

/* ---- the file ---- */

static void failed(struct history *h, const char *what, const char *why) {
    if (!h->error[0])
        snprintf(h->error, sizeof h->error, "history: %s %.300s: %s", what, h->path, why);
}

/* An open regular file, or -1. missing: it is no error that there is none. A pipe never blocks;
 * /dev/null and other devices are no error and no history either. */
static int open_file(struct history *h, int flags, bool missing) {
    struct stat st;
    int fd = open(h->path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0) {
        if (!missing || errno != ENOENT) failed(h, "cannot open", strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return fd;
    if (!S_ISCHR(st.st_mode)) failed(h, "cannot use", "it is no file");
    close(fd);
    free(h->path);
    h->path = NULL;
    return -1;
}

/* Is the path's file still this one? Another program may have written it anew. */
static bool is_current(const struct history *h, int fd) {
    struct stat mine, theirs;
    return fstat(fd, &mine) == 0 && stat(h->path, &theirs) == 0 && mine.st_ino == theirs.st_ino &&
           mine.st_dev == theirs.st_dev;
}

/* Keep other programs from writing the file; whoever does holds it for a moment only, so a lock
 * that cannot be had in 200 ms never will be. */
static bool lock_file(int fd) {
    for (int i = 0; i < 20; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK && errno != EINTR) return false;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return false;
}

/* The file for appending, locked if that is possible, or -1. */
static int open_locked(struct history *h, bool *locked) {
    for (int i = 0; i < 5; i++) {
        int fd = open_file(h, O_RDWR | O_APPEND | O_CREAT, false);
        if (fd < 0) return -1;
        *locked = lock_file(fd);
        if (!*locked || is_current(h, fd)) return fd;
        close(fd);
    }
    failed(h, "cannot lock", "it changes all the time");
    return -1;
}

static void make_folders(const char *path) {
    char *copy = strdup(path);
    if (!copy) return;
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        mkdir(copy, 0700);
        *p = '/';
    }
    free(copy);
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* Reads the end of the file: what there is of up to READ_MOST bytes. */
static void read_end(int fd, off_t size, struct buf *out) {
    off_t at = size > READ_MOST ? size - READ_MOST : 0;
    if (!buf_reserve(out, (size_t)(size - at))) return;
    while (at < size) {
        ssize_t n = pread(fd, out->p + out->n, (size_t)(size - at), at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        out->n += (size_t)n;
        at += n;
    }
}

/* Takes all entries of the file, of a long one the last. Returns how many lines it has read. */
static size_t take_entries(struct history *h, int fd, off_t size) {
    struct buf text = {0};
    size_t lines = 0, at = 0;
    read_end(fd, size, &text);
    if (size > READ_MOST) {         /* the first line is the end of one */
        const char *end = memchr(text.p, '\n', text.n);
        at = end ? (size_t)(end - text.p) + 1 : text.n;
    }
    while (at < text.n) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        size_t n = end ? (size_t)(end - (text.p + at)) : text.n - at;
        take_line(h, text.p + at, n);
        lines++;
        at += n + 1;
    }
    if (text.oom) failed(h, "cannot read", "out of memory");
    buf_free(&text);
    return lines;
}

/* Writes the entries to a new file that takes the place of path's. False: that failed. */
static bool replace_file(const struct history *h, const char *path) {
    struct buf all = {0}, temporary = {0};
    for (size_t i = 0; i < h->n; i++) put_line(&all, entry_at(h, i)->p, entry_at(h, i)->n);
    buf_str(&temporary, path);
    buf_put(&temporary, ".XXXXXX", 8);
    bool done = false;
    int fd = all.oom || temporary.oom ? -1 : mkostemp(temporary.p, O_CLOEXEC);
    if (fd >= 0) {
        done = write_all(fd, all.p, all.n) && fsync(fd) == 0;
        done = close(fd) == 0 && done && rename(temporary.p, path) == 0;
        if (!done) unlink(temporary.p);
    }
    buf_free(&all);
    buf_free(&temporary);
    return done;
}

/* Reads the file again, now that nobody else writes it, and writes it anew. It is only too long, so
 * that this fails is no error. */
static void shorten_file(struct history *h) {
    bool locked;
    struct stat st;
    int fd = open_locked(h, &locked);
    if (fd < 0) return;
    char *path = realpath(h->path, NULL);       /* not the link that leads to it */
    if (locked && path && fstat(fd, &st) == 0) {
        while (h->n) forget_oldest(h);
        take_entries(h, fd, st.st_size);
        replace_file(h, path);
    }
    free(path);
    close(fd);
}

static void load(struct history *h) {
    struct stat st;
    int fd = open_file(h, O_RDONLY, true);
    if (fd < 0) return;
    size_t lines = fstat(fd, &st) == 0 ? take_entries(h, fd, st.st_size) : 0;
    close(fd);
    if (lines > HISTORY_ENTRIES + TOO_MANY || st.st_size > READ_MOST) shorten_file(h);
}

static void append(struct history *h, const char *text, size_t n) {
    struct buf line = {0};
    struct stat st;
    bool locked;
    char last = '\n';
    int fd = open_locked(h, &locked);
    if (fd < 0) return;
    bool known = fstat(fd, &st) == 0;
    if (known && st.st_mode & 077) fchmod(fd, 0600);
    if (known && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1) last = '\n';
    if (last != '\n') buf_char(&line, '\n');    /* the entry before was cut off */
    put_line(&line, text, n);
    if (line.oom) failed(h, "cannot write", "out of memory");
    else if (!write_all(fd, line.p, line.n)) failed(h, "cannot write", strerror(errno));
    buf_free(&line);
    close(fd);
}

/* ---- all of it ---- */

struct history *history_open(const char *path) {
    struct history *h = calloc(1, sizeof *h);
    if (!h || !path || !*path) return h;
    h->path = strdup(path);
    if (!h->path) {
        free(h);
        return NULL;
    }
    load(h);
    return h;
}

void history_close(struct history *h) {
    if (!h) return;
    while (h->n) forget_oldest(h);
    free(h->path);
    free(h);
}

void history_add(struct history *h, const char *text, size_t n) {
    if (!remember(h, text, n) || !h->path || n > HISTORY_LONGEST) return;
    make_folders(h->path);
    append(h, text, n);
}

const char *history_error(struct history *h) {
    if (!h->error[0] || h->told) return NULL;
    h->told = true;
    return h->error;
}
