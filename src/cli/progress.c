/* progress.c - what a terminal shows while something takes long. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/progress.h"

double monotonic_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct progress_bar progress_bar_start(bool quiet) {
    const char *term = getenv("TERM");
    bool terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    return (struct progress_bar){.started = monotonic_seconds(), .visible = !quiet && terminal};
}

void progress_bar_end(const struct progress_bar *b) {
    if (b->shown > 0) fputs("\r\033[K", stderr);
}

/* Four times a second: how much is quantised, how fast, and how long the rest will take. */
int on_load(void *user, uint64_t done, uint64_t all) {
    struct progress_bar *b = user;
    double t = monotonic_seconds();
    b->quantised = true;
    if (b->visible && t - b->shown > 0.25) {
        double rate = (double)done / (t - b->started);
        double percent = 100.0 * (double)done / (double)all, left = (double)(all - done) / rate;
        LIVE_LINE("quantising %3.0f %%, %.0f MB/s, %.0f s left ", percent, rate / 1e6, left);
        fflush(stderr);
        b->shown = t;
    }
    return interrupted != 0;
}
