/* memory.h - how much memory is available to this process. */
#ifndef QW_MEMORY_H
#define QW_MEMORY_H
#include <stdint.h>

/* Bytes that can be allocated without pushing anything else out: the least of MemAvailable and
 * of what this process's cgroup (v2 or v1) and the groups above it still allow. 0: unknown. root
 * is "" except in tests. */
uint64_t available_memory(const char *root);

struct memory {
    uint64_t total, available;  /* bytes; available_memory; 0: unknown */
    uint64_t swap, swap_free;   /* bytes; 0: none or unknown */
    uint64_t limit;             /* the least of the cgroups', if below total; 0: none */
};
void memory_find(struct memory *out, const char *root);

#endif
