/* input.c - reads files and stdin, whole or line by line. */
#include "cli/input.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/output.h"

static int read_error(const char *name) {
    say("cannot read %s: %s", name, strerror(errno));
    return EXIT_ERROR;
}

static int open_error(const char *path) {
    say("cannot open %s: %s", path, strerror(errno));
    return EXIT_ERROR;
}

/* ---- texts ---- */

int text_append(struct text *t, const char *p, size_t n, const char *what) {
    if (n == 0) return 0;
    char *more = realloc(t->p, t->n + n + 1);
    if (!more) return memory_error(what);
    memcpy(more + t->n, p, n);
    *t = (struct text){more, t->n + n};
    return 0;
}

void drop_mark(struct text *t) {
    static const char mark[] = "\357\273\277";
    if (t->n < 3 || memcmp(t->p, mark, 3) != 0) return;
    t->n -= 3;
    memmove(t->p, t->p + 3, t->n);
}

void drop_newline(struct text *t) {
    if (t->n == 0 || t->p[t->n - 1] != '\n') return;
    t->n--;
    if (t->n > 0 && t->p[t->n - 1] == '\r') t->n--;
}

int clean_text(struct text *t, const char *what) {
    qw_error err;
    struct text clean;
    size_t bad;
    if (qw_utf8_clean(t->p, t->n, &clean.p, &clean.n, &bad, &err)) return engine_error(&err, NULL);
    if (bad != t->n)
        warning("%s is not valid UTF-8 at byte %zu; invalid bytes were replaced by U+FFFD", what,
                bad);
    free(t->p);
    *t = clean;
    return 0;
}

/* ---- what is typed ---- */

int lost_line(void) {
    say("a line of more than %d bytes lost its end in the terminal, so nothing of it is used; "
        "a file has no such limit", TERMINAL_LINE);
    return EXIT_ERROR;
}

/* EXIT_ERROR after a message if the end of a line was lost. */
static int check_typed(const struct text *t) {
    size_t line = 0;
    for (size_t i = 0; i < t->n; i++) {
        line = t->p[i] == '\n' ? 0 : line + 1;
        if (line == TERMINAL_LINE) return lost_line();
    }
    return 0;
}

/* ---- descriptors ---- */

/* Wait until there is something to read, or the end of it, for so many milliseconds; -1: without
 * limit. Is there? */
static bool readable(int fd, int milliseconds) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, milliseconds) != 0;
}

/* As read, waiting where whoever shares a pipe has made it non-blocking. Closed stdin is empty. */
static ssize_t read_some(int fd, void *p, size_t n) {
    for (;;) {
        ssize_t got = read(fd, p, n);
        if (got >= 0) return got;
        if (errno == EBADF && fd == STDIN_FILENO) return 0;
        if (errno == EAGAIN) readable(fd, -1);
        else if (errno != EINTR || interrupted) return -1;
    }
}

/* Called before each read, with what there is so far: 1 to go on, 0 to stop here, or a negative
 * exit code after a message. */
typedef int before_read(void *ctx, const struct text *t);

/* All that fd has left, appended to out. before NULL: nothing stops it. */
static int read_fd(int fd, const char *name, struct text *out, before_read *before, void *ctx) {
    size_t cap = 0;
    for (;;) {
        int on = before ? before(ctx, out) : 1;
        if (on <= 0) return -on;
        if (cap - out->n < 65536) {
            cap = cap ? cap * 2 : 131072;
            char *more = realloc(out->p, cap);
            if (!more) return memory_error(name);
            out->p = more;
        }
        ssize_t got = read_some(fd, out->p + out->n, cap - out->n);
        if (got == 0) return 0;
        if (got < 0) return read_error(name);
        out->n += (size_t)got;
    }
}

static int read_path(const char *path, struct text *out, before_read *before, void *ctx) {
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    *out = (struct text){0};
    if (fd < 0) return open_error(path);
    int rc = read_fd(fd, is_stdin ? "stdin" : path, out, before, ctx);
    if (!rc && isatty(fd)) rc = check_typed(out);
    if (!is_stdin) close(fd);
    if (!rc) return 0;
    free(out->p);
    *out = (struct text){0};
    return rc;
}

int read_all(const char *path, struct text *out) { return read_path(path, out, NULL, NULL); }

/* More than any context holds. */
enum { MOST_OF_A_PROMPT = 64 * 1000 * 1000 };

/* before_read: ctx points to the name of the input */
static int check_length(void *ctx, const struct text *t) {
    const char *const *name = ctx;
    if (t->n <= MOST_OF_A_PROMPT) return 1;
    say("%s has more than %d MB: no context holds that", *name, MOST_OF_A_PROMPT / 1000000);
    return -EXIT_CONTEXT;
}

int read_prompt_file(const char *path, struct text *out) {
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    return read_path(path, out, check_length, &name);
}

/* ---- stdin ---- */

enum stdin_kind stdin_kind(void) {
    struct stat st;
    if (isatty(STDIN_FILENO)) return STDIN_TERMINAL;
    if (fstat(STDIN_FILENO, &st) != 0 || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        return STDIN_DEVICE;
    return S_ISSOCK(st.st_mode) ? STDIN_SOCKET : STDIN_STREAM;
}

/* before_read: ctx points to a bool, whether it has been said that stdin is waited for. */
static int wait_for_stdin(void *ctx, const struct text *t) {
    const char *name = "stdin";
    bool *said = ctx;
    if (*said || readable(STDIN_FILENO, 1000)) return check_length(&name, t);
    *said = true;
    if (t->n == 0 && stdin_kind() == STDIN_SOCKET) {
        say("stdin is a socket that has sent nothing for a second: left alone (</dev/null or "
            "--no-stdin: the prompt alone)");
        return 0;
    }
    say("reading stdin until it ends (</dev/null or --no-stdin: the prompt alone)");
    return 1;
}

int read_rest_of_prompt(struct text *out) {
    bool said = false;
    return read_path("-", out, wait_for_stdin, &said);
}

/* ---- lines ---- */

/* Read more behind what is there. */
static enum line_result fill(struct line_reader *r) {
    if (r->at > 0) {
        memmove(r->p, r->p + r->at, r->n - r->at);
        r->n -= r->at;
        r->at = 0;
    }
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 65536;
        char *more = realloc(r->p, cap);
        if (!more) {
            memory_error("a line");
            return LINE_FAILED;
        }
        r->p = more;
        r->cap = cap;
    }
    ssize_t got = read_some(r->fd, r->p + r->n, r->cap - r->n);
    if (got < 0 && errno == EINTR) return LINE_INTERRUPTED;
    if (got < 0) {
        read_error(r->name);
        return LINE_FAILED;
    }
    r->ended = got == 0;
    r->n += (size_t)got;
    return LINE_READ;
}

enum line_result read_line(struct line_reader *r, struct text *line) {
    char *newline = NULL;
    size_t searched = r->at;
    while (!(r->n > searched && (newline = memchr(r->p + searched, '\n', r->n - searched)))) {
        if (r->ended) break;
        searched = r->n - r->at;            /* fill moves the line to the beginning */
        enum line_result more = fill(r);
        if (more != LINE_READ) return more;
    }
    size_t end = newline ? (size_t)(newline - r->p) : r->n;
    if (!newline && end == r->at) return LINE_END;
    *line = (struct text){r->p + r->at, end - r->at};
    r->at = newline ? end + 1 : end;
    if (newline && line->n > 0 && line->p[line->n - 1] == '\r') line->n--;
    return LINE_READ;
}

/* One line, already without its newline: print what f makes of it. *failed is set if f fails. */
static int convert_line(line_fn *f, void *ctx, struct text_out *to, struct text line, long number,
                        bool *failed) {
    struct text out = {0};
    qw_error err;
    if (f(ctx, line.p, line.n, &out, &err) != 0) {
        say("line %ld: %s", number, err.message);
        *failed = true;
        out.n = 0;
    }
    int rc = text_put(to, out.p ? out.p : "", out.n);
    if (!rc) rc = text_end(to);
    if (!rc) rc = write_stdout("\n", 1);
    free(out.p);
    return rc;
}

int each_line(const char *path, line_fn *f, void *ctx) {
    bool is_stdin = strcmp(path, "-") == 0, failed = false;
    struct line_reader in = {.fd = STDIN_FILENO, .name = "stdin"};
    struct text_out to = text_out(STDOUT_FILENO);
    enum line_result got = LINE_READ;
    int rc = 0;
    if (!is_stdin) {
        in = (struct line_reader){.fd = open(path, O_RDONLY | O_CLOEXEC), .name = path};
        if (in.fd < 0) return open_error(path);
    }
    for (long number = 1; !rc; number++) {
        struct text line;
        got = read_line(&in, &line);
        if (got != LINE_READ) break;
        if (line.n >= TERMINAL_LINE && isatty(in.fd)) {
            rc = lost_line();
            break;
        }
        if (number == 1) drop_mark(&line);
        rc = convert_line(f, ctx, &to, line, number, &failed);
    }
    if (got == LINE_FAILED || (!rc && failed)) rc = EXIT_ERROR;
    if (got == LINE_INTERRUPTED) rc = EXIT_SIGINT;
    free(in.p);
    if (!is_stdin) close(in.fd);
    return rc;
}
