/* watch_api.c - the part of qw.h that tells whether a measurement was disturbed. */
#include <stdlib.h>
#include "base/alloc.h"
#include "sys/watch.h"

struct qw_watch { struct watch watch; };

int qw_watch_begin(qw_watch **out, int n_threads, qw_error *err) {
    struct cpu_mask allowed;
    *out = NULL;
    if (n_threads < 1) return fail(err, QW_EARG, "%d threads is out of range", n_threads);
    qw_watch *w = alloc_zero(1, sizeof *w);
    if (!w) return fail_memory(err, "watching a measurement", sizeof *w);
    cpus_allowed(&allowed);
    watch_begin(&w->watch, &allowed, n_threads, "");
    *out = w;
    return 0;
}

void qw_watch_step(qw_watch *w) {
    if (w) watch_step(&w->watch);
}

void qw_watch_look(qw_watch *w) {
    if (w) watch_look(&w->watch);
}

void qw_watch_end(qw_watch *w, qw_watched *out) {
    if (w) watch_end(&w->watch, out);
    free(w);
}
