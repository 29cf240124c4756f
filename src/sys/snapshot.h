/* snapshot.h - what changes while a program runs: heat, clocks, what other programs do. Two
 * snapshots, before and after a measurement, tell whether it was disturbed. */
#ifndef QW_SNAPSHOT_H
#define QW_SNAPSHOT_H
#include "sys/topology.h"

struct snapshot_clock {
    int cpu;                    /* -1: unknown */
    int mhz, max_mhz;
};

struct snapshot {
    double temperature;         /* cpu_temperature: degrees Celsius, NAN: unknown */
    int low_mhz, high_mhz;      /* current clocks of the CPUs looked at; 0: unknown */

    /* Signs of throttling. */
    int pi_flags;               /* Raspberry Pi's firmware: get_throttled; -1: unknown */
    int64_t heat_events;        /* x86: how often a CPU has slowed down for heat; -1: unknown */
    struct snapshot_clock limit;        /* the CPU that is limited most */
    struct snapshot_clock slowest;      /* the busy CPU furthest below its maximum */

    /* Seconds since the start; NAN: unknown. */
    double all_seconds;         /* of all CPUs together */
    double busy_seconds;        /* of those, spent on any program, or taken by a hypervisor */
    double own_seconds;         /* of those, spent on this process */
    double pressure_seconds;    /* in which some program waited for a CPU */
    double delayed_seconds;     /* in which this process's first thread did */
};

/* Looks at these CPUs, of which n_busy are running at full load at the moment: the n_busy with the
 * highest clocks, compared with their maximum. With 0, clocks are no sign of throttling. root is ""
 * except in tests. Takes some milliseconds; never fails. */
void snapshot_take(struct snapshot *out, const struct cpu_mask *cpus, int n_busy,
                   const char *root);

enum throttled { THROTTLED_UNKNOWN, THROTTLED_NO, THROTTLED_YES };

/* Whether CPUs were held back between the two, also by a limit that had been there before. If so,
 * why[size] says by what, in words, else it is empty. */
enum throttled snapshot_throttled(const struct snapshot *before, const struct snapshot *after,
                                  char *why, size_t size);

/* What others did between two snapshots. NAN: unknown, as on Android. */
struct others {
    double seconds;             /* of CPU time that went to others, a hypervisor's included */
    double share;               /* the same as a share of all CPUs' time: 0 to 1 */
    double pressure;            /* seconds in which some program waited for a CPU */
    double delayed;             /* seconds in which this process's first thread did */
};
struct others snapshot_others(const struct snapshot *before, const struct snapshot *after);

#endif
