/* watch.c - what disturbs a measurement: what is seen before, during and after it, put together. */
#include "sys/watch.h"
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sys/small_file.h"

/* The clock that goes on while the machine sleeps. */
#ifdef CLOCK_BOOTTIME
#define BOOT_CLOCK CLOCK_BOOTTIME
#else
#define BOOT_CLOCK CLOCK_MONOTONIC
#endif

static double clock_seconds(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t)) return NAN;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- where threads are ---- */

/* The CPU on which a thread ran last is the 39th field; the second, a name in parentheses, may hold
 * blanks. -1: unknown. */
static int last_cpu(const char *root, int tid) {
    char text[1024];
    if (!small_file_line(text, sizeof text, "%s/proc/self/task/%d/stat", root, tid)) return -1;
    const char *s = strrchr(text, ')');
    for (int field = 2; s && field < 39; field++) s = strchr(s + 1, ' ');
    int cpu = s ? atoi(s) : -1;
    return cpu < MAX_CPUS ? cpu : -1;
}

static void look_at_thread(struct places *p, const char *root, int tid) {
    int cpu = last_cpu(root, tid);
    if (cpu >= 0) mask_add(&p->seen, cpu);
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(tid, sizeof set, &set)) return;
    for (int i = 0; i < MAX_CPUS; i++)
        if (!CPU_ISSET(i, &set)) mask_remove(&p->common, i);
#endif
}

static void look_at_threads(struct places *p, const char *root) {
    char path[1024];
    memset(&p->common, 0xff, sizeof p->common);
    snprintf(path, sizeof path, "%s/proc/self/task", root);
    DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d)) != NULL)
        if (atoi(e->d_name) > 0) look_at_thread(p, root, atoi(e->d_name));
    if (d) closedir(d);
}

/* ---- watching ---- */

void watch_begin(struct watch *w, const struct cpu_mask *cpus, int n_threads, const char *root) {
    *w = (struct watch){.root = root, .n_threads = n_threads, .cpus = *cpus};
    look_at_threads(&w->places, root);
    w->first = w->places.common;
    w->places.seen = (struct cpu_mask){{0}};
    snapshot_take(&w->before, &w->cpus, 0, root);
    w->limit = w->before.limit;
    w->slowest.cpu = -1;
    w->boot = clock_seconds(BOOT_CLOCK);
    w->began = w->last_step = clock_seconds(CLOCK_MONOTONIC);
}

void watch_step(struct watch *w) {
    double now = clock_seconds(CLOCK_MONOTONIC), step = now - w->last_step;
    w->last_step = now;
    w->backwards |= step < 0;
    w->n_steps += w->n_steps < INT_MAX;
    for (int i = 0; i < WATCH_LONGEST && step > w->longest[WATCH_LONGEST - 1]; i++) {
        if (step <= w->longest[i]) continue;
        double shorter = w->longest[i];
        w->longest[i] = step;
        step = shorter;
    }
}

static void look(struct watch *w, struct snapshot *s) {
    snapshot_keep_lowest(&w->limit, &s->limit);
    snapshot_keep_lowest(&w->slowest, &s->slowest);
    look_at_threads(&w->places, w->root);
    for (int i = 0; i < MAX_CPUS / 64; i++)
        w->lost.bits[i] |= w->first.bits[i] & ~w->places.common.bits[i];
}

void watch_look(struct watch *w) {
    struct snapshot s;
    watch_step(w);
    snapshot_clocks(&s, &w->cpus, w->n_threads, w->root);
    look(w, &s);
    w->last_step = clock_seconds(CLOCK_MONOTONIC);
}

/* ---- what happened ---- */

#define DISTURBED(out, ...) add_reason((out)->disturbed_by, sizeof (out)->disturbed_by, __VA_ARGS__)

/* Of the time that was measured. On a machine that does nothing else they stay below a third of
 * these (tests/bench/LOG.md). */
#define MOST_OTHERS 0.05
#define MOST_DELAY 0.05

/* Seconds. What is shorter is lost in how coarsely the system counts, or does not matter. */
#define LEAST_WATCHED 1.0
#define LEAST_DELAY 0.1
#define LEAST_STILL 0.2

static void judge_others(const struct watch *w, const struct snapshot *after, qw_watched *out) {
    struct others o = snapshot_others(&w->before, after);
    bool known = out->seconds >= LEAST_WATCHED && !isnan(o.share);
    bool fits = w->n_threads <= mask_count(&w->cpus);
    if (known) out->others = o.share + o.stolen < 1 ? o.share + o.stolen : 1;
    if (known && o.share > MOST_OTHERS)
        DISTURBED(out, "other programs took %.0f %% of the CPUs", 100 * o.share);
    if (known && o.stolen > MOST_OTHERS)
        DISTURBED(out, "the hypervisor took %.0f %% of the CPUs", 100 * o.stolen);
    if (!out->disturbed_by[0] && fits && o.delayed > LEAST_DELAY &&
        o.delayed > MOST_DELAY * out->seconds)
        DISTURBED(out, "it waited %.1f s for a CPU", o.delayed);
}

/* CPUs that were switched off are lost, too. */
static void judge_places(const struct watch *w, qw_watched *out) {
    char lost[64];
    mask_print(lost, sizeof lost, &w->lost);
    mask_print(out->cpus, sizeof out->cpus, &w->places.seen);
    if (lost[0]) DISTURBED(out, "CPU %s was taken away", lost);
}

/* A step that is far longer than the eighth longest is one in which nothing went on. The output
 * head of a small model, of which there may be but one, takes eleven times as long as a layer. */
static void judge_steps(const struct watch *w, qw_watched *out) {
    double ordinary = w->longest[WATCH_LONGEST - 1], still = 0;
    for (int i = 0; i < WATCH_LONGEST; i++)
        if (w->longest[i] > LEAST_STILL + 12 * ordinary) still += w->longest[i] - ordinary;
    if (w->n_steps >= 2 * WATCH_LONGEST && still > 0)
        DISTURBED(out, "it stood still for %.1f s", still);
}

static void judge_clocks(const struct watch *w, const struct snapshot *after, qw_watched *out) {
    double slept = clock_seconds(BOOT_CLOCK) - w->boot - (w->last_step - w->began);
    double own = after->own_seconds - w->before.own_seconds;
    int n_cpus = mask_count(&w->cpus);
    /* All CPUs together cannot have worked for longer. */
    if (w->backwards || own > 1.1 * n_cpus * out->seconds + LEAST_STILL)
        DISTURBED(out, "the system's clock stood still or went back");
    else if (slept > LEAST_STILL) DISTURBED(out, "the machine slept for %.1f s", slept);
}

void watch_end(struct watch *w, qw_watched *out) {
    struct snapshot after;
    watch_step(w);
    *out = (qw_watched){.seconds = w->last_step - w->began, .others = NAN,
                        .celsius_before = w->before.temperature, .mhz_before = w->before.high_mhz};
    snapshot_take(&after, &w->cpus, w->n_threads, w->root);
    look(w, &after);
    after.limit = w->limit;
    after.slowest = w->slowest;
    out->celsius_after = after.temperature;
    out->mhz_after = after.high_mhz;
    out->throttled = snapshot_throttled(&w->before, &after, out->throttled_by,
                                        sizeof out->throttled_by);
    judge_others(w, &after, out);
    judge_places(w, out);
    judge_steps(w, out);
    judge_clocks(w, &after, out);
}
