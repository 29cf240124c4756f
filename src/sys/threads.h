/* threads.h - a pool that runs one function over a range of items. (make OPENMP=1: OpenMP's pool.)
 *
 * How items are split never decides a result: callers write disjoint outputs and sum nothing
 * across items. */
#ifndef QW_THREADS_H
#define QW_THREADS_H
#include "base/error.h"

struct pool;

enum { MAX_THREADS = 256 };

/* n threads, including the caller's own. If n exceeds `cpus`, the number of CPUs that can run at
 * the same time, no more than `cpus` threads are kept awake. Free the pool with pool_free, after
 * the last parallel_for has returned. QW_EARG outside 1..MAX_THREADS; QW_ENOMEM when the system
 * starts fewer. */
int  pool_new(struct pool **out, int n, int cpus, qw_error *err);
void pool_free(struct pool *pool);
/* How many threads take part, from the next job on; initially all of them. n >= 1; if n exceeds
 * their number, all take part. */
void pool_use(struct pool *pool, int n);
int  pool_threads(const struct pool *pool);

/* Call fn(ctx, begin, end) on chunks of [0..n) on all threads; returns when all are done. A chunk
 * is one or more grains of `grain` items; the last may be shorter. There are fewer than 2^31
 * grains. */
typedef void range_fn(void *ctx, int64_t begin, int64_t end);
void parallel_for(struct pool *pool, int64_t n, int64_t grain, range_fn *fn, void *ctx);

#endif
