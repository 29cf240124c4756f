/* messages.c - what is said on stderr, and the exit codes that go with it.
 *
 * The only place that decides which lines are shown: errors always, warnings unless --quiet, notes
 * only to a person who watches, or with -v. So stderr of a good run in a pipe is empty. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/live.h"
#include "terminal/visible.h"
#include "terminal/tty.h"
#include "terminal/wrap.h"

/* What the flags ask for; set once, before anything is said that depends on it. */
static struct {
    bool quiet, verbose;
} wanted;

void set_messages(bool quiet, bool verbose) {
    wanted.quiet = quiet;
    wanted.verbose = verbose;
}

bool shows_notes(void) { return !wanted.quiet && (wanted.verbose || isatty(STDERR_FILENO)); }

/* On a terminal wrapped at words, so that nobody has to put them together. */
static void print_wrapped(const char *line, size_t n) {
    struct wrap wrap = {.columns = 0};
    struct buf out = {0};
    int columns, rows;
    if (isatty(STDERR_FILENO) && !is_plain_terminal()) {
        tty_size(STDERR_FILENO, &columns, &rows);
        wrap_resize(&wrap, (size_t)columns);
    }
    wrap_put(&wrap, "qw: ", 4, &out);
    wrap_put(&wrap, line, n, &out);
    wrap_put(&wrap, "\n", 1, &out);
    if (out.oom) fprintf(stderr, "qw: %.*s\n", (int)n, line);
    else fwrite(out.p, 1, out.n, stderr);
    wrap_free(&wrap);
    buf_free(&out);
}

/* One line. Messages quote what files, flags and models contain, so controls are made visible; a
 * newline, too. */
static void print_message(const char *fmt, va_list ap) {
    char text[8192], line[VISIBLE_GROWTH * (sizeof text + 8)];
    struct visible v = {{0}, 0};
    size_t n = 0;
    vsnprintf(text, sizeof text, fmt, ap);
    for (const char *p = text; *p;) {
        size_t part = strcspn(p, "\n");
        n += visible_text(&v, p, part, line + n);
        p += part;
        if (*p != '\n') continue;
        n += visible_end(&v, line + n);
        line[n++] = '^';
        line[n++] = 'J';
        p++;
    }
    n += visible_end(&v, line + n);
    print_wrapped(line, n);
}

void say(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
}

void warning(const char *fmt, ...) {
    va_list ap;
    if (wanted.quiet) return;
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
}

void note(const char *fmt, ...) {
    va_list ap;
    if (!shows_notes()) return;
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
}

int usage_error(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
    return EXIT_USAGE;
}

int memory_error(const char *what) {
    say("not enough memory for %s", what);
    return EXIT_MEMORY;
}

int engine_error(const qw_error *err, const char *hint) {
    if (err->code == QW_ECANCEL) return EXIT_SIGINT;
    say("%s%s%s", err->message, hint ? "; " : "", hint ? hint : "");
    switch (err->code) {
    case QW_ENOMEM: return EXIT_MEMORY;
    case QW_ECONTEXT: return EXIT_CONTEXT;
    case QW_EARG: return EXIT_USAGE;
    default: return EXIT_ERROR;
    }
}
