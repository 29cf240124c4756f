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
    double all_seconds;         /* of these CPUs together */
    double busy_seconds;        /* of those, spent on any program */
    double stolen_seconds;      /* of those, taken by a hypervisor */
    double own_seconds;         /* of all CPUs, spent on this process */
    double delayed_seconds;     /* in which this process's first thread waited for a CPU */
};

/* Looks at these CPUs, of which n_busy are running at full load at the moment: the n_busy with the
 * highest clocks, compared with their maximum. With 0, clocks are no sign of throttling. root is ""
 * except in tests. Takes some milliseconds; never fails. */
void snapshot_take(struct snapshot *out, const struct cpu_mask *cpus, int n_busy,
                   const char *root);

/* Its clocks alone, which takes less than a millisecond a CPU. */
void snapshot_clocks(struct snapshot *out, const struct cpu_mask *cpus, int n_busy,
                     const char *root);
/* Keep the lower one, as a share of its maximum. */
void snapshot_keep_lowest(struct snapshot_clock *to, const struct snapshot_clock *c);

/* Append to why[size], after "; " if there is something already. What does not fit is cut off. */
void add_reason(char *why, size_t size, const char *fmt, ...) QW_PRINTF(3, 4);

/* Whether CPUs were held back between the two, also by a limit that had been there before. If so,
 * why[size] says by what, in words, else it is empty. */
enum qw_throttled snapshot_throttled(const struct snapshot *before, const struct snapshot *after,
                                  char *why, size_t size);

/* What others did between two snapshots. NAN: unknown, as on Android. */
struct others {
    double share;               /* of the CPUs' time that went to other programs: 0 to 1 */
    double stolen;              /* of their time that a hypervisor took: 0 to 1 */
    double delayed;             /* seconds in which this process's first thread waited for one */
};
struct others snapshot_others(const struct snapshot *before, const struct snapshot *after);

#endif
