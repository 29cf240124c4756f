/* messages.c - what is said on stderr, and the exit codes that go with it.
 *
 * The only place that decides which lines are shown: errors always, warnings unless --quiet, notes
 * only to a person who watches, or with -v. So stderr of a good run in a pipe is empty. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "terminal/visible.h"

/* What the flags ask for; set once, before anything is said that depends on it. */
static struct {
    bool quiet, verbose;
} wanted;

void set_messages(bool quiet, bool verbose) {
    wanted.quiet = quiet;
    wanted.verbose = verbose;
}

bool shows_notes(void) { return !wanted.quiet && (wanted.verbose || isatty(STDERR_FILENO)); }

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
    fprintf(stderr, "qw: %.*s\n", (int)n, line);
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
