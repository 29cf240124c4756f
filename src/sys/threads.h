/* threads.h - a pool that runs one function over a range of items. With OPENMP=1 the pool is OpenMP's.
 *
 * How items are split never decides a result: callers write disjoint outputs and add nothing up across items. */
#ifndef QW_THREADS_H
#define QW_THREADS_H
#include "base/error.h"

struct pool;

enum { MAX_THREADS = 256 };

/* n threads, the caller's own among them; when they are more than `cpus`, which can run at once, no more than these are kept awake.
 * QW_EARG outside 1..MAX_THREADS; QW_ENOMEM when the system gives no more threads. */
int  pool_new(struct pool **out, int n, int cpus, qw_error *err);
void pool_free(struct pool *p);
/* How many of them take part, from the next job on: at first all. */
void pool_use(struct pool *p, int n);
int  pool_threads(const struct pool *p);

/* Call fn(ctx, begin, end) over pieces of 0..n on all threads; returns when all are done. A piece is one or more times `grain` items, of
 * which there are fewer than 2^31 in all; the last may be shorter. */
typedef void range_fn(void *ctx, int64_t begin, int64_t end);
void parallel_for(struct pool *p, int64_t n, int64_t grain, range_fn *fn, void *ctx);

#endif
