/* messages.c - messages on stderr and the exit codes that go with them. */
#include <stdarg.h>
#include <stdio.h>
#include "cli/cli.h"

/* Messages quote what files and flags contain. Bytes that would control a terminal become '?'. */
static void print_message(const char *fmt, va_list ap) {
    char text[8192];
    vsnprintf(text, sizeof text, fmt, ap);
    for (char *p = text; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\n') || *p == 127) *p = '?';
    fprintf(stderr, "qw: %s\n", text);
}

void say(const char *fmt, ...) {
    va_list ap;
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
