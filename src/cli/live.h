/* live.h - lines that say how far something is.
 *
 * On a terminal such a line is replaced in place, at most twice a second. Where it cannot be
 * (TERM=dumb, ACCESSIBLE, or with -v where stderr is no terminal) it becomes whole lines: one at
 * the start, one every 30 seconds, one at the end. */
#ifndef QW_LIVE_H
#define QW_LIVE_H
#include <stdbool.h>
#include <stdint.h>
#include "cli/cli.h"

/* Seconds on a clock that never goes back. */
double monotonic_seconds(void);

/* Does the terminal know no control sequences: is TERM unset or dumb? */
bool is_dumb_terminal(void);
/* Is nothing to be repainted: is it dumb, or ACCESSIBLE set? */
bool is_plain_terminal(void);

/* ---- a line in several widths ---- */

enum { N_VARIANTS = 5, VARIANT_SIZE = 160 };
/* The same line, longest first; the last has at most 19 characters. ASCII. {0} at the start. */
struct variants {
    char text[N_VARIANTS][VARIANT_SIZE];
    int n;
};
void add_variant(struct variants *v, const char *fmt, ...) CLI_PRINTF(2, 3);
/* The longest that leaves one of the columns free. */
const char *fitting(const struct variants *v, int columns);
/* The same, for stderr. */
const char *fitting_line(const struct variants *v);

/* ---- live lines ---- */

enum live_mode { LIVE_OFF, LIVE_REPLACE, LIVE_LINES };
struct live {
    enum live_mode mode;
    double next;                /* monotonic_seconds: not before */
    int shown;                  /* cells of the line on the screen; 0: there is none */
    bool told;                  /* there was a whole line */
};

/* One that first shows after so many seconds. As notes (cli.h), it may be off. */
struct live live_start(double delay);
/* Is it time to show it? */
bool live_due(const struct live *l);
void live_show(struct live *l, const struct variants *v);
/* Take it off the screen. */
void live_clear(struct live *l);
/* The end: clear it, or print `last` if whole lines were printed before. */
void live_end(struct live *l, const char *last);

/* ---- loading ---- */

/* How much of a model is quantised. */
struct loading {
    struct live live;
    double started;
    const char *hint;           /* what saves the wait, or NULL */
    bool quantised;             /* there was something to quantise */
};
struct loading loading_start(const char *hint);
/* The progress function of qw_load_params; user: struct loading. Stops after a SIGINT. */
int  on_load(void *user, uint64_t done, uint64_t all);
void loading_end(struct loading *l);

#endif
