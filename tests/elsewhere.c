/* elsewhere.c - what turns qw into a qw on another machine: linked with -Wl,--wrap of the functions
 * below.
 *
 *     QW_TEST_ROOT=DIR        files of /proc and /sys are those in DIR, but for what /proc says of
 *                             the memory and threads of this process
 *     QW_TEST_CPUS=0-3,6      the CPUs that it may use
 *     QW_TEST_CLOCK=WHAT      once there is a file QW_TEST_CLOCK_FROM=FILE, the clock MONOTONIC
 *                             still: stands still for a second, then is right again
 *                             stuck: stands still for ever
 *                             back: is an hour slow
 *                             or, with date, the clock REALTIME is an hour slow */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "sys/topology.h"

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __real_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __real_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
int __wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

static bool begins_with(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

FILE *__wrap_fopen(const char *path, const char *mode) {
    const char *root = getenv("QW_TEST_ROOT");
    char there[4096];
    bool moved = begins_with(path, "/proc/") || begins_with(path, "/sys/");
    if (begins_with(path, "/proc/self/status") || begins_with(path, "/proc/self/task/"))
        moved = false;
    if (!root || !moved) return __real_fopen(path, mode);
    snprintf(there, sizeof there, "%s%s", root, path);
    return __real_fopen(there, mode);
}

/* What glibc's fopen is with 64-bit offsets. */
FILE *__wrap_fopen64(const char *path, const char *mode) { return __wrap_fopen(path, mode); }

static bool made_up_cpus(struct cpu_mask *out) {
    const char *list = getenv("QW_TEST_CPUS");
    return list && mask_parse(out, list, NULL) == 0;
}

/* The CPUs that were chosen last. */
static struct cpu_mask chosen;

int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set) {
    struct cpu_mask m;
    if (!made_up_cpus(&m)) return __real_sched_getaffinity(pid, size, set);
    if (mask_count(&chosen)) m = chosen;
    CPU_ZERO_S(size, set);
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&m, i)) CPU_SET_S((size_t)i, size, set);
    return 0;
}

int __wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set) {
    struct cpu_mask m;
    if (!made_up_cpus(&m)) return __real_sched_setaffinity(pid, size, set);
    for (int i = 0; i < MAX_CPUS; i++)
        if (!CPU_ISSET_S((size_t)i, size, set)) mask_remove(&m, i);
    if (mask_count(&m) == 0) return -1;
    chosen = m;
    return 0;
}

/* MONOTONIC with a fault that began `since` seconds ago; *now is right. */
static void spoil(struct timespec *now, double since, const char *fault) {
    if (strcmp(fault, "back") == 0) now->tv_sec -= 3600;
    if (strcmp(fault, "stuck") == 0 || (strcmp(fault, "still") == 0 && since < 1)) {
        double stopped = (double)now->tv_sec + (double)now->tv_nsec / 1e9 - since;
        now->tv_sec = (time_t)stopped;
        now->tv_nsec = (long)((stopped - (double)now->tv_sec) * 1e9);
    }
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *t) {
    static _Atomic double began;            /* the fault, by the right clock */
    const char *fault = getenv("QW_TEST_CLOCK");
    struct timespec right;
    int rc = __real_clock_gettime(clock, t);
    if (rc || !fault) return rc;
    __real_clock_gettime(CLOCK_MONOTONIC, &right);
    double now = (double)right.tv_sec + (double)right.tv_nsec / 1e9;
    if (began == 0 && access(getenv("QW_TEST_CLOCK_FROM"), F_OK) == 0) began = now;
    if (began == 0) return 0;
    if (clock == CLOCK_MONOTONIC) spoil(t, now - began, fault);
    if (clock == CLOCK_REALTIME && strcmp(fault, "date") == 0) t->tv_sec -= 3600;
    return 0;
}
