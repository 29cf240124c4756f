/* input.c - reads files and stdin, whole or line by line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/output.h"

static int read_error(const char *name) {
    say("cannot read %s: %s", name, strerror(errno));
    return EXIT_ERROR;
}

static int open_error(const char *path) {
    say("cannot open %s: %s", path, strerror(errno));
    return EXIT_ERROR;
}

/* All that fd has left, appended to out. */
static int read_fd(int fd, const char *name, struct text *out) {
    size_t cap = 0;
    for (;;) {
        if (cap - out->n < 65536) {
            cap = cap ? cap * 2 : 131072;
            char *more = realloc(out->p, cap);
            if (!more) return memory_error(name);
            out->p = more;
        }
        ssize_t got = read(fd, out->p + out->n, cap - out->n);
        if (got == 0) return 0;
        if (got > 0) {
            out->n += (size_t)got;
        } else if (errno != EINTR) {
            bool closed = errno == EBADF && fd == STDIN_FILENO;     /* that is an empty one */
            return closed ? 0 : read_error(name);
        }
    }
}

int read_all(const char *path, struct text *out) {
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    *out = (struct text){0};
    if (fd < 0) return open_error(path);
    int rc = read_fd(fd, is_stdin ? "stdin" : path, out);
    if (!is_stdin) close(fd);
    if (rc) {
        free(out->p);
        *out = (struct text){0};
    }
    return rc;
}

int clean_text(struct text *t, const char *what) {
    qw_error err;
    struct text clean;
    size_t bad;
    if (qw_utf8_clean(t->p, t->n, &clean.p, &clean.n, &bad, &err)) return engine_error(&err, NULL);
    if (bad != t->n)
        say("%s is not valid UTF-8 at byte %zu; invalid bytes were replaced by U+FFFD", what, bad);
    free(t->p);
    *t = clean;
    return 0;
}

/* ---- lines ---- */

/* One line, already without its newline: print what f makes of it. *failed is set if f fails. */
static int convert_line(line_fn *f, void *ctx, const char *line, size_t n, long number,
                        bool *failed) {
    struct text out = {0};
    qw_error err;
    if (f(ctx, line, n, &out, &err) != 0) {
        say("line %ld: %s", number, err.message);
        *failed = true;
        out.n = 0;
    }
    int rc = write_stdout(out.p ? out.p : "", out.n);
    if (!rc) rc = write_stdout("\n", 1);
    free(out.p);
    return rc;
}

int each_line(const char *path, line_fn *f, void *ctx) {
    bool is_stdin = strcmp(path, "-") == 0, failed = false;
    FILE *in = is_stdin ? stdin : fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t got;
    int rc = 0;
    if (!in) return open_error(path);
    for (long number = 1; !rc && (got = getline(&line, &cap, in)) >= 0; number++) {
        size_t n = (size_t)got;
        if (n > 0 && line[n - 1] == '\n') n--;
        rc = convert_line(f, ctx, line, n, number, &failed);
    }
    if (ferror(in)) rc = read_error(is_stdin ? "stdin" : path);
    if (!rc && failed) rc = EXIT_ERROR;
    free(line);
    if (!is_stdin) fclose(in);
    return rc;
}
