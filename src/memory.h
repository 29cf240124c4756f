/* memory.h - L0: how much memory there is for us. */
#ifndef QW_MEMORY_H
#define QW_MEMORY_H
#include "base.h"

/* Bytes that can be allocated without pushing others out: the least of MemAvailable and of what the cgroup (v2 or v1) still allows.
 * 0: unknown. */
uint64_t available_memory(void);

#endif
