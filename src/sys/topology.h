/* topology.h - which CPUs this process may use, and which of them are worth using. */
#ifndef QW_TOPOLOGY_H
#define QW_TOPOLOGY_H
#include <stdbool.h>
#include "base/error.h"

enum { MAX_CPUS = 1024 };               /* as many as cpu_set_t knows */

struct cpu_mask { uint64_t bits[MAX_CPUS / 64]; };

static inline bool mask_has(const struct cpu_mask *m, int cpu) {
    return m->bits[cpu / 64] >> cpu % 64 & 1;
}
static inline void mask_add(struct cpu_mask *m, int cpu) {
    m->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
}
static inline void mask_remove(struct cpu_mask *m, int cpu) {
    m->bits[cpu / 64] &= ~(UINT64_C(1) << cpu % 64);
}
int  mask_count(const struct cpu_mask *m);

/* From a list such as "0-3,6", and back to one. QW_EARG names the part that is wrong; a text
 * that is too long for out[size] ends in "...". */
int  mask_parse(struct cpu_mask *out, const char *list, qw_error *err);
void mask_print(char *out, size_t size, const struct cpu_mask *m);

/* The list in a file of /sys/devices/system/cpu below root ("" except in tests), such as "online";
 * false when it cannot be read or is damaged. */
bool mask_read(struct cpu_mask *out, const char *root, const char *name);

struct cpus {
    struct cpu_mask usable;             /* the CPUs that this process may run on */
    struct cpu_mask fast;               /* usable without the small cores, if there are two kinds */
    int n_usable, n_fast;
    int n_threads;                      /* one for each fast core, or a cgroup's quota if less */
    int n_threads_batch;                /* the same of all cores, for passes of several tokens */
    int at_once;                        /* most threads that can run at the same time */
    int quota;                          /* a cgroup's, in CPUs; 0: none */
};

/* The CPUs that the calling thread may run on; at least one. */
void cpus_allowed(struct cpu_mask *out);
/* The CPU that the calling thread runs on at the moment, below MAX_CPUS; -1: unknown. */
int cpu_now(void);
/* What /sys and /proc below root ("" except in tests) say about the allowed CPUs. Their content
 * is not trusted. */
void cpus_find(struct cpus *out, const struct cpu_mask *allowed, const char *root);
/* Keeps the calling thread, and the threads that it starts from now on, on these CPUs. QW_EARG
 * names one that does not exist or cannot be used; then nothing has changed. */
int  cpus_use(const struct cpu_mask *m, qw_error *err);

#endif
