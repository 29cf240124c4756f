/* live.c - lines that say how far something is. */
#include "cli/live.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "terminal/tty.h"

double monotonic_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool is_dumb_terminal(void) {
    const char *term = getenv("TERM");
    return !term || !*term || strcmp(term, "dumb") == 0;
}

bool is_plain_terminal(void) {
    const char *accessible = getenv("ACCESSIBLE");
    return is_dumb_terminal() || (accessible && *accessible);
}

/* ---- a line in several widths ---- */

void add_variant(struct variants *v, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->text[v->n++], VARIANT_SIZE, fmt, ap);
    va_end(ap);
}

const char *fitting(const struct variants *v, int columns) {
    int i = 0;
    while (i < v->n - 1 && strlen(v->text[i]) >= (size_t)columns) i++;
    return v->text[i];
}

const char *fitting_line(const struct variants *v) {
    int columns, rows;
    tty_size(STDERR_FILENO, &columns, &rows);
    return fitting(v, isatty(STDERR_FILENO) ? columns : VARIANT_SIZE);
}

/* ---- live lines ---- */

static const double every = 0.5, every_line = 30;       /* seconds */

static enum live_mode choose_mode(void) {
    if (!shows_notes()) return LIVE_OFF;
    return isatty(STDERR_FILENO) && !is_plain_terminal() ? LIVE_REPLACE : LIVE_LINES;
}

struct live live_start(double delay) {
    return (struct live){.mode = choose_mode(), .next = monotonic_seconds() + delay};
}

bool live_due(const struct live *l) {
    return l->mode != LIVE_OFF && monotonic_seconds() >= l->next;
}

/* Take the line off, which is more rows if the terminal has become narrower.
 * (Some terminals keep a screen that is cleared as a whole, so J is for this case only.) */
static void take_off(const struct live *l, int columns) {
    int above = l->shown > 0 ? (l->shown - 1) / columns : 0;
    if (above > 0) fprintf(stderr, "\033[%dA\r\033[J", above);
    else fputs("\r\033[K", stderr);
}

void live_show(struct live *l, const struct variants *v) {
    int columns, rows;
    if (l->mode == LIVE_LINES) {
        note("%s", v->text[0]);
        l->told = true;
        l->next = monotonic_seconds() + every_line;
        return;
    }
    tty_size(STDERR_FILENO, &columns, &rows);
    const char *line = fitting(v, columns);
    if (l->shown > 0) take_off(l, columns);
    tty_set_line(TTY_LINE_LIVE);
    fputs(line, stderr);
    fflush(stderr);
    l->shown = (int)strlen(line);
    l->next = monotonic_seconds() + every;
}

void live_clear(struct live *l) {
    int columns, rows;
    if (l->shown == 0) return;
    tty_size(STDERR_FILENO, &columns, &rows);
    take_off(l, columns);
    fflush(stderr);
    tty_set_line(TTY_LINE_NONE);
    l->shown = 0;
}

void live_end(struct live *l, const char *last) {
    live_clear(l);
    if (l->told) note("%s", last);
    l->told = false;
}

/* ---- loading ---- */

struct loading loading_start(const char *hint) {
    return (struct loading){.live = live_start(0.25), .started = monotonic_seconds(),
                            .hint = hint};
}

int on_load(void *user, uint64_t done, uint64_t all) {
    struct loading *l = user;
    l->quantised = true;
    if (live_due(&l->live) && done > 0) {
        double rate = (double)done / (monotonic_seconds() - l->started);
        double percent = 100.0 * (double)done / (double)all, left = (double)(all - done) / rate;
        struct variants v = {.n = 0};
        if (l->hint)
            add_variant(&v, "quantising %3.0f %%, %.0f MB/s, %.0f s left   (%s)", percent,
                        rate / 1e6, left, l->hint);
        add_variant(&v, "quantising %3.0f %%, %.0f MB/s, %.0f s left", percent, rate / 1e6, left);
        add_variant(&v, "quantising %.0f %%, %.0f s left", percent, left);
        add_variant(&v, "quantising %.0f %%", percent);
        live_show(&l->live, &v);
    }
    return interrupted != 0;
}

void loading_end(struct loading *l) {
    char last[64];
    snprintf(last, sizeof last, "quantised, %.0f s", monotonic_seconds() - l->started);
    live_end(&l->live, last);
}
