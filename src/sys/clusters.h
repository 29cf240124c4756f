/* clusters.h - the CPUs of this machine by kind of core: clocks, capacity, names. */
#ifndef QW_CLUSTERS_H
#define QW_CLUSTERS_H
#include "sys/cpuinfo.h"

enum { MAX_CLUSTERS = 16 };

/* CPUs of the same kind. Numbers that are not known are 0, texts "". */
struct cluster {
    struct cpu_mask cpus;       /* also those that are offline */
    int n_cpus, n_online;
    char core[32];              /* ARM: "Cortex-A53", or "0x41:0xd99"; hybrid x86: "P-core" */
    int capacity;               /* 1024: a core of the fastest kind */
    int min_mhz, max_mhz;       /* what the hardware can do */
    int limit_mhz;              /* what it may do at the moment: heat and users lower it */
    int now_mhz;                /* of the fastest core at the moment */
    char governor[32];          /* "schedutil" */
};

/* All CPUs, those that are offline included, in clusters by the lowest CPU in each; `allowed` are
 * CPUs that there are for certain. Returns how many there are, at least 1; from MAX_CLUSTERS on
 * all others are in the last. A CPU of which nothing is known counts as a kind of its own. */
int clusters_find(struct cluster out[MAX_CLUSTERS], const struct cpu_mask *allowed,
                  const struct cpuinfo *info, const char *root);

#endif
