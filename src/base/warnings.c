/* warnings.c - a list of lines about odd files. */
#include "base/warnings.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"

void add_warning(struct warnings *w, const char *fmt, ...) {
    qw_error printable;
    char text[sizeof printable.message];
    va_list ap;
    if (!w || w->n == MAX_WARNINGS) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bool last = w->n == MAX_WARNINGS - 1;
    fail(&printable, 0, "%s", last ? "there are more warnings about these files" : text);
    w->list[w->n] = strdup(printable.message);
    if (w->list[w->n]) w->n++;
    else w->oom = true;
}

void warnings_free(struct warnings *w) {
    for (int i = 0; i < w->n; i++) free(w->list[i]);
    *w = (struct warnings){.n = 0};
}
