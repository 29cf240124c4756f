/* threads.c - the thread pool.
 *
 * A job is a range; threads take the next piece of it from a shared counter until none is left. The job has seats: workers that look
 * for work take one, and the caller, which works as well, waits at the end for those alone that took one. So a worker that sleeps, or
 * that another process keeps off its core, holds nobody up. Between jobs workers look for the next one for a short while, since in
 * a forward pass it comes within microseconds, then sleep on a condition variable. */
#include "base/alloc.h"
#include <stdbool.h>
#include "sys/threads.h"
#include <stdatomic.h>
#include <stdlib.h>

/* Pieces are whole grains, large at first and then smaller and smaller: matrices are read in long stretches, and all threads, fast or
 * slow, end at about the same time. No 64-bit atomics, which some 32-bit machines lack. */
struct job {
    range_fn *fn;
    void *ctx;
    int64_t count, grain;
    unsigned grains, shares;
    atomic_uint next;               /* first grain not taken yet */
};

static void work(struct job *j) {
    unsigned first = atomic_load(&j->next), n;
    while (first < j->grains) {
        n = (j->grains - first) / j->shares;
        if (n < 1) n = 1;
        if (!atomic_compare_exchange_weak(&j->next, &first, first + n)) continue;
        int64_t begin = first * j->grain, end = (first + n) * j->grain;
        j->fn(j->ctx, begin, end < j->count ? end : j->count);
        first = atomic_load(&j->next);
    }
}

/* Nobody may be working on it. */
static void job_begin(struct job *j, int64_t n, int64_t grain, range_fn *fn, void *ctx, int threads) {
    j->fn = fn;
    j->ctx = ctx;
    j->count = n;
    j->grain = grain;
    j->grains = (unsigned)((n + grain - 1) / grain);
    j->shares = 2 * (unsigned)threads;
    atomic_store(&j->next, 0);
}

#ifdef _OPENMP

struct pool { int n, limit; };

int pool_threads(const struct pool *p) { return p->limit; }
void pool_use(struct pool *p, int n) { p->limit = n < p->n ? n : p->n; }

int pool_new(struct pool **out, int n, int cpus, qw_error *err) {
    (void)cpus;
    *out = NULL;
    if (n < 1 || n > MAX_THREADS) return fail(err, QW_EARG, "%d threads: 1 to %d are possible", n, MAX_THREADS);
    if (!(*out = malloc(sizeof **out))) return fail_memory(err, "the thread pool", sizeof **out);
    **out = (struct pool){n, n};
    return 0;
}

void pool_free(struct pool *p) { free(p); }

void parallel_for(struct pool *p, int64_t n, int64_t grain, range_fn *fn, void *ctx) {
    struct job j;
    if (n <= 0) return;
    if (p->limit == 1 || n <= grain) { fn(ctx, 0, n); return; }
    job_begin(&j, n, grain, fn, ctx, p->limit);
#pragma omp parallel num_threads(p->limit)
    work(&j);
}

#else

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

/* How long a thread looks for work before it sleeps. What the caller does alone between two jobs of a layer takes less. */
enum { SPIN_NS = 100000 };

struct pool {
    int n;                          /* threads, the caller among them */
    int limit;                      /* how many take part in a job */
    int cpus;                       /* more than these are not kept awake */
    pthread_t *worker;              /* n - 1 */
    pthread_mutex_t mutex;
    pthread_cond_t wake, idle;
    int calls;                      /* under the mutex: sleepers that shall wake */
    bool quit;                      /* under the mutex: the workers shall end */
    atomic_bool waiting;            /* the caller sleeps until those who joined have finished */
    /* What is looked at while there is no work stands apart from what a job writes: each write would fetch its cache line back. */
    _Alignas(64) atomic_uint number;    /* of the job: a change tells the workers */
    atomic_int awake;               /* threads not asleep, the caller among them; written under the mutex */
    _Alignas(64) struct job job;    /* written by the caller while it has no seats and nobody is in it */
    atomic_int seats;               /* workers that may still join */
    atomic_int done;                /* workers that joined and have finished */
};

int pool_threads(const struct pool *p) { return p->limit; }
void pool_use(struct pool *p, int n) { p->limit = n < p->n ? n : p->n; }

/* ---- looking for work ---- */

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    __asm__ volatile("yield");
#endif
}

struct spin { unsigned rounds; int64_t until; };

/* One round; false when it has been SPIN_NS. Rounds differ a hundredfold between CPUs, so a clock decides; it is read now and then. Whoever
 * else wants this CPU gets it then: a thread that has used up its time with looking would lose the CPU in the middle of its next piece. */
static bool spin(struct spin *s) {
    relax();
    if (++s->rounds % 64) return true;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    if (s->until == 0) s->until = now + SPIN_NS;
    sched_yield();
    return now < s->until;
}

/* Sleep until called, unless there is a new job or, for a thread that is one too many, no longer one too many. False: the end. */
static bool rest(struct pool *p, unsigned seen, bool surplus) {
    pthread_mutex_lock(&p->mutex);
    if (surplus ? atomic_load(&p->awake) > p->cpus : atomic_load(&p->number) == seen) {
        atomic_fetch_sub(&p->awake, 1);
        while (p->calls == 0 && !p->quit) pthread_cond_wait(&p->wake, &p->mutex);
        if (p->calls) p->calls--;                   /* whoever called has counted this thread as awake */
    }
    bool quit = p->quit;
    pthread_mutex_unlock(&p->mutex);
    return !quit;
}

static void call(struct pool *p, int n) {
    pthread_mutex_lock(&p->mutex);
    p->calls += n;
    atomic_fetch_add(&p->awake, n);
    pthread_mutex_unlock(&p->mutex);
    while (n-- > 0) pthread_cond_signal(&p->wake);
}

/* ---- working ---- */

static bool take_seat(struct pool *p) {
    int seats = atomic_load(&p->seats);
    while (seats > 0) if (atomic_compare_exchange_weak(&p->seats, &seats, seats - 1)) return true;
    return false;
}

static void *worker_main(void *arg) {
    struct pool *p = arg;
    struct spin s = {0};
    unsigned seen = 0;
    for (;;) {
        unsigned number = atomic_load(&p->number);
        bool surplus = atomic_load(&p->awake) > p->cpus;
        if (number != seen) {
            seen = number;
            if (!take_seat(p)) continue;
            work(&p->job);
            atomic_fetch_add(&p->done, 1);
            if (atomic_load(&p->waiting)) {
                pthread_mutex_lock(&p->mutex);
                pthread_cond_signal(&p->idle);
                pthread_mutex_unlock(&p->mutex);
            }
            s = (struct spin){0};
        } else if (surplus || !spin(&s)) {
            if (!rest(p, seen, surplus)) return NULL;
            s = (struct spin){0};
        }
    }
}

void parallel_for(struct pool *p, int64_t n, int64_t grain, range_fn *fn, void *ctx) {
    if (n <= 0) return;
    if (p->limit == 1 || n <= grain) { fn(ctx, 0, n); return; }
    job_begin(&p->job, n, grain, fn, ctx, p->limit);
    int seats = (p->job.grains < (unsigned)p->limit ? (int)p->job.grains : p->limit) - 1;
    atomic_store(&p->done, 0);
    atomic_store(&p->seats, seats);
    atomic_fetch_add(&p->number, 1);
    int missing = (seats < p->cpus ? seats + 1 : p->cpus) - atomic_load(&p->awake);
    if (missing > 0) call(p, missing);
    work(&p->job);
    int joined = seats - atomic_exchange(&p->seats, 0);         /* who comes now comes too late, and is not waited for */
    struct spin s = {0};
    while (atomic_load(&p->done) < joined && spin(&s)) {}
    if (atomic_load(&p->done) < joined) {
        pthread_mutex_lock(&p->mutex);
        atomic_store(&p->waiting, true);
        while (atomic_load(&p->done) < joined) pthread_cond_wait(&p->idle, &p->mutex);
        atomic_store(&p->waiting, false);
        pthread_mutex_unlock(&p->mutex);
    }
}

/* ---- beginning and end ---- */

int pool_new(struct pool **out, int n, int cpus, qw_error *err) {
    *out = NULL;
    if (n < 1 || n > MAX_THREADS) return fail(err, QW_EARG, "%d threads: 1 to %d are possible", n, MAX_THREADS);
    struct pool *p = alloc_zero(1, sizeof *p);
    if (p) p->worker = calloc((size_t)n, sizeof *p->worker);
    if (!p || !p->worker) { free(p); return fail_memory(err, "the thread pool", sizeof *p); }
    p->cpus = cpus;
    atomic_store(&p->awake, n);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->idle, NULL);
    sigset_t all, before;                           /* signals are for the caller's own threads: workers inherit a full mask, */
    sigfillset(&all);
    sigdelset(&all, SIGBUS);                        /* but for what their own reads of a mapped file may bring */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (p->n = 1; p->n < n && pthread_create(&p->worker[p->n - 1], NULL, worker_main, p) == 0;) p->n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    p->limit = p->n;
    if (p->n < n) {
        int got = p->n;
        pool_free(p);
        return fail(err, QW_ENOMEM, "the system gave %d of %d threads", got, n);
    }
    *out = p;
    return 0;
}

void pool_free(struct pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->mutex);
    p->quit = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    for (int i = 0; i < p->n - 1; i++) pthread_join(p->worker[i], NULL);
    pthread_cond_destroy(&p->idle);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    free(p->worker);
    free(p);
}

#endif
