/* watch.h - what disturbs a measurement: what is seen before, during and after it, put together. */
#ifndef QW_WATCH_H
#define QW_WATCH_H
#include "sys/snapshot.h"

/* Where threads of this process may run, and where they did. */
struct places {
    struct cpu_mask common;             /* the CPUs that each of them may run on */
    struct cpu_mask seen;               /* the CPUs on which one was last seen; of all looks */
};

enum { WATCH_LONGEST = 8 };

struct watch {
    const char *root;
    int n_threads;                      /* that work at a time */
    struct cpu_mask cpus;               /* that clocks and the time of others are about */
    struct places places;
    struct cpu_mask first, lost;        /* common at the beginning; what of it was missing later */
    struct snapshot before;
    struct snapshot_clock limit, slowest;       /* the lowest so far */
    double began, boot;                 /* seconds of the clocks MONOTONIC, BOOTTIME */
    double last_step;                   /* MONOTONIC */
    double longest[WATCH_LONGEST];      /* steps, in seconds, the longest first */
    int n_steps;
    bool backwards;                     /* the clock went back */
};

/* As the functions of qw.h. cpus: where threads may run (cpus_allowed). root is "" except in tests,
 * and must last as long as the watch. */
void watch_begin(struct watch *w, const struct cpu_mask *cpus, int n_threads, const char *root);
void watch_step(struct watch *w);
void watch_look(struct watch *w);
void watch_end(struct watch *w, qw_watched *out);

#endif
