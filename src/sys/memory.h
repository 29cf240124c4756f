/* memory.h - how much memory is available to this process. */
#ifndef QW_MEMORY_H
#define QW_MEMORY_H
#include <stdint.h>

/* Bytes that can be allocated without pushing anything else out: the least of MemAvailable and
 * of what this process's cgroup (v2 or v1) and the groups above it still allow. 0: unknown. root
 * is "" except in tests. */
uint64_t available_memory(const char *root);

#endif
