/* progress.h - what a terminal shows while something takes long. */
#ifndef QW_PROGRESS_H
#define QW_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Seconds on a clock that never goes back. */
double monotonic_seconds(void);

/* How much of a model is quantised. */
struct progress_bar {
    double started, shown;      /* monotonic_seconds */
    bool visible;
    bool quantised;             /* there was something to quantise */
};
struct progress_bar progress_bar_start(bool quiet);
void progress_bar_end(const struct progress_bar *b);
/* The progress function of qw_load_params; user: the progress bar. Stops after a SIGINT. */
int  on_load(void *user, uint64_t done, uint64_t all);

/* Print a line that the next one replaces. A narrow terminal cuts it off: a line that wraps could
 * not be replaced. */
#define LIVE_LINE(fmt, ...) fprintf(stderr, "\r\033[?7l" fmt "\033[?7h\033[K", __VA_ARGS__)

#endif
