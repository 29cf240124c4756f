/* clock.h - seconds for measurements. */
#ifndef QW_CLOCK_H
#define QW_CLOCK_H
#include <time.h>

/* Seconds on a clock that nobody sets. */
static inline double clock_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The seconds since then; never 0, so that speeds are finite. */
static inline double clock_since(double then) {
    double passed = clock_seconds() - then;
    return passed > 1e-9 ? passed : 1e-9;
}

#endif
