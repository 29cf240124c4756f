/* bandwidth.h - how fast threads read memory. */
#ifndef QW_BANDWIDTH_H
#define QW_BANDWIDTH_H
#include "sys/threads.h"
#include "sys/topology.h"

/* Bytes per second that the pool's threads together read: the best of several passes over up to
 * `mib` MiB, and a quarter of the free memory at most, until so many seconds have passed. 0: less
 * than 16 MiB to measure with. ran: the CPUs that they ran on are added. */
int read_bandwidth(struct pool *pool, int mib, double seconds, struct cpu_mask *ran,
                   double *bytes_per_second, qw_error *err);

#endif
