/* memory.h - how much memory there is for us. */
#ifndef QW_MEMORY_H
#define QW_MEMORY_H
#include <stdint.h>

/* Bytes that can be allocated without pushing others out: the least of MemAvailable and of what this process's cgroup (v2 or v1) and those
 * above it still allow. 0: unknown. root is "" but for tests. */
uint64_t available_memory(const char *root);

#endif
