/* threads.c - the thread pool.
 *
 * A job is a range of items. Threads claim chunks of it from a shared counter until none is
 * left. A job has a number of open slots. An idle worker claims one to join; the caller works as
 * well, then closes the slots that are still open and waits only for the workers that joined. So
 * a worker that sleeps, or that another process keeps off its core, delays nobody. Between jobs
 * workers spin for a short while, since in a forward pass the next job comes within
 * microseconds, then park on a condition variable.
 *
 * A worker:
 *               new job           slot claimed
 *     +-> SPIN ---------> CLAIM ----------------> WORK --+
 *     |   ^  |              | no slot open               | no chunk left: count as finished,
 *     +---|--|--------------+----------------------------+ signal the caller if it is parked
 *         |  |
 * woken up|  | no job for SPIN_NS, or more threads awake than CPUs
 *         |  v
 *         PARK ---> end (pool_free)
 *
 * The caller: publish the job -> open its slots -> wake parked workers -> WORK -> close
 * the slots -> JOIN: spin, then park, until all workers that claimed a slot have finished. */
#include "sys/threads.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include "base/alloc.h"

/* Chunks are whole grains. No 64-bit atomics, which some 32-bit machines lack. */
struct job {
    range_fn *fn;
    void *ctx;
    int64_t count, grain;           /* items */
    unsigned grains, threads;
    atomic_uint next;               /* first grain that is not claimed yet */
};

/* After a first grain, a chunk is half of what the thread will get of the rest if it goes on as it
 * began, and of an equal share at most: large at first, then smaller and smaller (guided
 * self-scheduling). So matrices are read in long stretches, and all threads, fast or slow, finish
 * at about the same time.
 *
 * A slow thread leaves when the others would wait for one more grain of its. They are at a grain
 * each, so all - others are done: in the time that this thread takes for a grain, all together do
 * (all - others) / done. If that is more than what is left and what they are at, it leaves. The
 * thread that has claimed most never does: its share is at least all / threads. */
unsigned next_chunk(unsigned left, unsigned all, unsigned done, unsigned threads) {
    const unsigned others = threads - 1, equal = left / threads / 2;
    if (left == 0) return 0;
    if (done && all > others && (all - others) / done > left + others) return 0;
    const uint64_t own = done ? (uint64_t)left * done / all / 2 : 1;
    const unsigned n = own < equal ? (unsigned)own : equal;
    return n < 1 ? 1 : n;
}

/* Claim chunks and run them as long as there are any for this thread. */
static void run_chunks(struct job *job) {
    unsigned first = atomic_load(&job->next), done = 0, n;
    const unsigned start = first;
    while ((n = next_chunk(job->grains - first, first - start, done, job->threads)) > 0) {
        if (!atomic_compare_exchange_weak(&job->next, &first, first + n)) continue;
        int64_t begin = first * job->grain, end = (first + n) * job->grain;
        job->fn(job->ctx, begin, end < job->count ? end : job->count);
        done += n;
        first = atomic_load(&job->next);
    }
}

/* Set up a job that no thread is working on. */
static void job_init(struct job *job, int64_t n, int64_t grain, range_fn *fn, void *ctx,
                     int threads) {
    job->fn = fn;
    job->ctx = ctx;
    job->count = n;
    job->grain = grain;
    job->grains = (unsigned)((n + grain - 1) / grain);
    job->threads = (unsigned)threads;
    atomic_store(&job->next, 0);
}

static int check_threads(int n, qw_error *err) {
    if (n >= 1 && n <= MAX_THREADS) return 0;
    return fail(err, QW_EARG, "%d threads is out of range (1 to %d)", n, MAX_THREADS);
}

#ifdef _OPENMP

#include <omp.h>

struct pool { int n; };

int pool_threads(const struct pool *pool) { return pool->n; }

int pool_new(struct pool **out, int n, int cpus, const struct cpu_mask *on, qw_error *err) {
    (void)cpus;
    *out = NULL;
    int rc = check_threads(n, err);
    if (rc) return rc;
    if (!(*out = malloc(sizeof **out))) return fail_memory(err, "the thread pool", sizeof **out);
    **out = (struct pool){n};
#pragma omp parallel num_threads(n)
    if (on && omp_get_thread_num() > 0) cpus_use(on, NULL);     /* if refused, the system chooses */
    return 0;
}

void pool_free(struct pool *pool) { free(pool); }

void parallel_for(struct pool *pool, int64_t n, int64_t grain, range_fn *fn, void *ctx) {
    struct job job;
    if (n <= 0) return;
    if (pool->n == 1 || n <= grain) {
        fn(ctx, 0, n);
        return;
    }
    job_init(&job, n, grain, fn, ctx, pool->n);
#pragma omp parallel num_threads(pool->n)
    run_chunks(&job);
}

#else

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

/* How long a thread spins before it parks: longer than the caller's own work between two jobs of a
 * layer takes. */
enum { SPIN_NS = 100000 };

struct pool {
    int n;                          /* threads, including the caller */
    int cpus;                       /* no more threads than these are kept awake */
    bool narrow;                    /* the workers keep to `on` */
    struct cpu_mask on;
    pthread_t *worker;              /* [n - 1] */
    pthread_mutex_t mutex;
    pthread_cond_t wake_worker, wake_caller;
    int wakeups;                    /* under the mutex: parked workers that may leave */
    bool quit;                      /* under the mutex: the workers must end */
    atomic_bool caller_parked;      /* it sleeps until the workers that joined have finished */
    /* What idle threads poll is kept off the cache lines that a running job writes: each write
     * would make them fetch the line again. */
    _Alignas(64) atomic_uint generation;    /* of the job; a change means that there is a new one */
    atomic_int awake;               /* threads not parked, caller included; set under the mutex */
    _Alignas(64) struct job job;    /* written by the caller: no slot open, nobody at work */
    atomic_int open_slots;          /* workers that may still join */
    atomic_int finished;            /* workers that joined and are done */
};

int pool_threads(const struct pool *pool) { return pool->n; }

/* ---- spinning, parking, waking ---- */

static inline void cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    __asm__ volatile("yield");
#endif
}

enum { MOST_ROUNDS = 1 << 20 };     /* which take at least some milliseconds */

struct spin { unsigned rounds; int64_t deadline; };

/* One round; false once SPIN_NS have passed. A round's length differs a hundredfold between
 * CPUs, so a clock decides, which is read every 64 rounds. At that point other threads may
 * take the CPU: a thread that used up its time slice spinning would lose the CPU in the middle of
 * its next chunk. */
static bool spin(struct spin *s) {
    cpu_relax();
    if (++s->rounds % 64) return true;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    if (s->deadline == 0) s->deadline = now + SPIN_NS;
    sched_yield();
    /* nor with a clock that stands still or has gone back */
    return now < s->deadline && now >= s->deadline - SPIN_NS && s->rounds < MOST_ROUNDS;
}

/* Sleep until woken up; but not at all if a new job has come meanwhile or, for a surplus thread
 * (more are awake than there are CPUs), if it is surplus no longer. False: the pool is ending. */
static bool park(struct pool *pool, unsigned seen, bool surplus) {
    pthread_mutex_lock(&pool->mutex);
    bool still = surplus ? atomic_load(&pool->awake) > pool->cpus
                         : atomic_load(&pool->generation) == seen;
    if (still) {
        atomic_fetch_sub(&pool->awake, 1);
        while (pool->wakeups == 0 && !pool->quit)
            pthread_cond_wait(&pool->wake_worker, &pool->mutex);
        if (pool->wakeups) pool->wakeups--;         /* `wake` has counted this thread as awake */
    }
    bool quit = pool->quit;
    pthread_mutex_unlock(&pool->mutex);
    return !quit;
}

static void wake(struct pool *pool, int n) {
    pthread_mutex_lock(&pool->mutex);
    pool->wakeups += n;
    atomic_fetch_add(&pool->awake, n);
    pthread_mutex_unlock(&pool->mutex);
    while (n-- > 0) pthread_cond_signal(&pool->wake_worker);
}

/* ---- working ---- */

static bool claim_slot(struct pool *pool) {
    int slots = atomic_load(&pool->open_slots);
    while (slots > 0)
        if (atomic_compare_exchange_weak(&pool->open_slots, &slots, slots - 1)) return true;
    return false;
}

static void finish(struct pool *pool) {
    atomic_fetch_add(&pool->finished, 1);
    if (!atomic_load(&pool->caller_parked)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->wake_caller);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *arg) {
    struct pool *pool = arg;
    struct spin s = {0};
    unsigned seen = 0;
    if (pool->narrow) cpus_use(&pool->on, NULL);    /* if refused, the system chooses */
    for (;;) {
        unsigned generation = atomic_load(&pool->generation);
        bool surplus = atomic_load(&pool->awake) > pool->cpus;
        if (generation != seen) {
            seen = generation;
            if (!claim_slot(pool)) continue;
            run_chunks(&pool->job);
            finish(pool);
            s = (struct spin){0};
        } else if (surplus || !spin(&s)) {
            if (!park(pool, seen, surplus)) return NULL;
            s = (struct spin){0};
        }
    }
}

/* Wait until `joined` workers have finished. */
static void join(struct pool *pool, int joined) {
    struct spin s = {0};
    while (atomic_load(&pool->finished) < joined && spin(&s)) {}
    if (atomic_load(&pool->finished) >= joined) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_parked, true);
    while (atomic_load(&pool->finished) < joined)
        pthread_cond_wait(&pool->wake_caller, &pool->mutex);
    atomic_store(&pool->caller_parked, false);
    pthread_mutex_unlock(&pool->mutex);
}

void parallel_for(struct pool *pool, int64_t n, int64_t grain, range_fn *fn, void *ctx) {
    if (n <= 0) return;
    if (pool->n == 1 || n <= grain) {
        fn(ctx, 0, n);
        return;
    }
    struct job *job = &pool->job;
    job_init(job, n, grain, fn, ctx, pool->n);
    int slots = (job->grains < (unsigned)pool->n ? (int)job->grains : pool->n) - 1;
    atomic_store(&pool->finished, 0);
    atomic_store(&pool->open_slots, slots);
    atomic_fetch_add(&pool->generation, 1);
    int missing = (slots < pool->cpus ? slots + 1 : pool->cpus) - atomic_load(&pool->awake);
    if (missing > 0) wake(pool, missing);
    run_chunks(job);
    /* A worker that comes after this is too late to join, and nobody waits for it. */
    join(pool, slots - atomic_exchange(&pool->open_slots, 0));
}

/* ---- beginning and end ---- */

int pool_new(struct pool **out, int n, int cpus, const struct cpu_mask *on, qw_error *err) {
    *out = NULL;
    int rc = check_threads(n, err);
    if (rc) return rc;
    struct pool *pool = alloc_zero(1, sizeof *pool);
    if (pool) pool->worker = calloc((size_t)n, sizeof *pool->worker);
    if (!pool || !pool->worker) {
        free(pool);
        return fail_memory(err, "the thread pool", sizeof *pool);
    }
    pool->cpus = cpus;
    pool->narrow = on;
    if (on) pool->on = *on;
    atomic_store(&pool->awake, n);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake_worker, NULL);
    pthread_cond_init(&pool->wake_caller, NULL);
    /* Signals are for the caller's own threads: workers inherit a full mask, but for what they may
     * raise themselves: a fault that is blocked ends the process without a word. */
    static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGSYS};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (pool->n = 1; pool->n < n; pool->n++)
        if (pthread_create(&pool->worker[pool->n - 1], NULL, worker_main, pool) != 0) break;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->n < n) {
        int got = pool->n;
        pool_free(pool);
        return fail(err, QW_ENOMEM, "the system started only %d of %d threads", got, n);
    }
    *out = pool;
    return 0;
}

void pool_free(struct pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->quit = true;
    pthread_cond_broadcast(&pool->wake_worker);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->n - 1; i++) pthread_join(pool->worker[i], NULL);
    pthread_cond_destroy(&pool->wake_caller);
    pthread_cond_destroy(&pool->wake_worker);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->worker);
    free(pool);
}

#endif
