/* io.c - reading files and stdin, writing stdout and files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"

static int no_memory(void) {
    say("not enough memory for the text");
    return EXIT_MEMORY;
}

static int open_input(const char *path, int *fd) {
    *fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0) return 0;
    say("cannot open %s: %s", path, strerror(errno));
    return EXIT_ERROR;
}

int read_all(const char *path, struct text *out) {
    int fd, rc = open_input(path, &fd);
    size_t cap = 0;
    *out = (struct text){0};
    while (rc == 0) {
        if (cap - out->n < 65536) {
            cap = cap ? cap * 2 : 131072;
            char *more = realloc(out->p, cap);
            if (!more) { rc = no_memory(); break; }
            out->p = more;
        }
        ssize_t got = read(fd, out->p + out->n, cap - out->n);
        if (got == 0) break;
        if (got > 0) { out->n += (size_t)got; continue; }
        if (errno == EINTR) continue;
        if (errno == EBADF && fd == STDIN_FILENO) break;        /* closed stdin is an empty one */
        say("cannot read %s: %s", fd == STDIN_FILENO ? "stdin" : path, strerror(errno));
        rc = EXIT_ERROR;
    }
    if (fd > STDIN_FILENO) close(fd);
    if (rc) { free(out->p); *out = (struct text){0}; }
    return rc;
}

int clean_text(struct text *t, const char *what) {
    qw_error err;
    struct text clean;
    size_t bad;
    if (qw_utf8_clean(t->p, t->n, &clean.p, &clean.n, &bad, &err)) return engine_error(&err);
    if (bad != t->n) say("%s is not valid UTF-8 at byte %zu; what is invalid was replaced by U+FFFD", what, bad);
    free(t->p);
    t->n = clean.n;
    t->p = clean.p;
    return 0;
}

/* A reader who has left knows; whoever ignores SIGPIPE gets the exit code alone. */
static int write_error(const char *name, int error) {
    if (error != EPIPE) say("cannot write %s: %s", name, strerror(error));
    return EXIT_ERROR;
}

/* 0, or errno. */
static int write_fd(int fd, const void *p, size_t n) {
    const char *at = p;
    while (n > 0) {
        ssize_t put = write(fd, at, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        at += put;
        n -= (size_t)put;
    }
    return 0;
}

int write_stdout(const void *p, size_t n) {
    int error = write_fd(STDOUT_FILENO, p, n);
    return error ? write_error("stdout", error) : 0;
}

int flush_stdout(void) { return fflush(stdout) == 0 ? 0 : write_error("stdout", errno); }

/* ---- files that appear when complete ---- */

static const char *volatile incomplete;

void output_abandon(void) {
    if (incomplete) unlink(incomplete);
}

int output_open(struct output *o, const char *path) {
    struct stat st;
    *o = (struct output){.fd = -1};
    if (strcmp(path, "-") == 0) {
        o->fd = STDOUT_FILENO;
        o->path = strdup("stdout");
        return o->path ? 0 : no_memory();
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        o->path = strdup(path);
        o->fd = open(path, O_WRONLY | O_CLOEXEC);               /* a device or pipe has no "complete"; a directory fails here */
    } else {
        o->path = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : strdup(path);      /* a link stays: its target is written */
        size_t n = o->path ? strlen(o->path) + 32 : 0;
        o->temporary = o->path ? malloc(n) : NULL;
        /* In containers every process may have the same number, and one that was killed has left its file: then the next name. */
        for (int i = 0; o->temporary && o->fd < 0 && (i == 0 || errno == EEXIST) && i < 100; i++) {
            snprintf(o->temporary, n, "%s.%ld.part", o->path, (long)getpid() + i);
            o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        }
        if (o->fd >= 0) incomplete = o->temporary;
    }
    if (o->path && o->fd >= 0) return 0;
    say("cannot write %s: %s", path, strerror(errno));
    free(o->temporary);
    free(o->path);
    return EXIT_ERROR;
}

int output_write(struct output *o, const void *p, size_t n) {
    if (!o->error) o->error = write_fd(o->fd, p, n);
    return o->error ? EXIT_ERROR : 0;
}

int output_close(struct output *o, bool keep) {
    int error = o->error;
    if (!error && o->temporary && keep && fsync(o->fd) != 0) error = errno;
    if (o->fd != STDOUT_FILENO && close(o->fd) != 0 && !error) error = errno;
    if (!error && o->temporary && keep && rename(o->temporary, o->path) != 0) error = errno;
    if (o->temporary && (error || !keep)) unlink(o->temporary);
    incomplete = NULL;
    int rc = error ? write_error(o->path, error) : 0;
    free(o->temporary);
    free(o->path);
    return rc;
}

/* ---- lines ---- */

int each_line(const char *path, line_fn *f, void *ctx) {
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    FILE *in = name == path ? fopen(path, "re") : stdin;
    char *line = NULL;
    size_t cap = 0;
    ssize_t got;
    int rc = 0;
    if (!in) {
        say("cannot open %s: %s", name, strerror(errno));
        return EXIT_ERROR;
    }
    for (long number = 1; (got = getline(&line, &cap, in)) >= 0; number++) {
        struct text out = {0};
        qw_error err;
        size_t n = (size_t)got;
        if (n > 0 && line[n - 1] == '\n') n--;
        if (f(ctx, line, n, &out, &err) != 0) {
            say("line %ld: %s", number, err.message);
            rc = EXIT_ERROR;
            out.n = 0;
        }
        int wrote = write_stdout(out.p ? out.p : "", out.n);
        if (!wrote) wrote = write_stdout("\n", 1);
        free(out.p);
        if (wrote) { rc = wrote; break; }
    }
    if (ferror(in)) {
        say("cannot read %s: %s", name, strerror(errno));
        rc = EXIT_ERROR;
    }
    free(line);
    if (in != stdin) fclose(in);
    return rc;
}
