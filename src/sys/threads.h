/* threads.h - a pool that runs one function over a range of items. (make OPENMP=1: OpenMP's pool.)
 *
 * How items are split never decides a result: callers write disjoint outputs and sum nothing
 * across items. */
#ifndef QW_THREADS_H
#define QW_THREADS_H
#include "sys/topology.h"

struct pool;

enum { MAX_THREADS = 256 };

/* Do pools of different sizes disturb each other? OpenMP has one set of threads for all, and starts
 * some anew when the size changes. */
#ifdef _OPENMP
enum { ONE_POOL = 1 };
#else
enum { ONE_POOL = 0 };
#endif

/* n threads, including the caller's own. If n exceeds `cpus`, the number of CPUs that can run at
 * the same time, no more than `cpus` threads are kept awake. The others than the caller's run on
 * `on`, if the system lets them; NULL: where the caller may run. Free the pool with pool_free,
 * after the last parallel_for has returned. QW_EARG outside 1..MAX_THREADS; QW_ENOMEM when the
 * system starts fewer. */
int  pool_new(struct pool **out, int n, int cpus, const struct cpu_mask *on, qw_error *err);
void pool_free(struct pool *pool);
int  pool_threads(const struct pool *pool);

/* Call fn(ctx, begin, end) on chunks of [0..n) on all threads; returns when all are done. A chunk
 * is one or more grains of `grain` items; the last may be shorter. There are fewer than 2^31
 * grains. */
typedef void range_fn(void *ctx, int64_t begin, int64_t end);
void parallel_for(struct pool *pool, int64_t n, int64_t grain, range_fn *fn, void *ctx);

/* The rule by which it shares: how many grains a thread claims next of a job of which `left` are
 * not claimed. Since it joined, all threads have claimed `all`, `done` of them itself; `threads`
 * may take part. 0: it leaves. */
unsigned next_chunk(unsigned left, unsigned all, unsigned done, unsigned threads);

#endif
