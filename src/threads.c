/* threads.c - L0: the thread pool.
 *
 * A job is a range cut into pieces; threads take the next piece from a shared counter until none is left. Between jobs workers
 * spin for a short while, since the next job of a forward pass comes within microseconds, then sleep on a condition variable. */
#include "threads.h"
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

int usable_cpus(void) {
    int n = 0;
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
#endif
    if (n < 1) n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

#ifdef _OPENMP

struct pool { int n; };

int pool_threads(const struct pool *p) { return p->n; }

int pool_new(struct pool **out, int n, qw_error *err) {
    *out = NULL;
    if (n < 1 || n > MAX_THREADS) return fail(err, QW_EARG, "%d threads: 1 to %d are possible", n, MAX_THREADS);
    if (!(*out = malloc(sizeof **out))) return fail_memory(err, "the thread pool", sizeof **out);
    (*out)->n = n;
    return 0;
}

void pool_free(struct pool *p) { free(p); }

void parallel_for(struct pool *p, int64_t n, int64_t grain, range_fn *fn, void *ctx) {
    int64_t pieces = (n + grain - 1) / grain;
#pragma omp parallel for schedule(dynamic) num_threads(p->n)
    for (int64_t i = 0; i < pieces; i++) fn(ctx, i * grain, i + 1 == pieces ? n : (i + 1) * grain);
}

#else

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { SPIN = 2000 };       /* rounds of looking before a thread sleeps: some tens of microseconds */

struct pool {
    int n;                          /* threads, the caller among them */
    pthread_t *worker;              /* n - 1 */
    pthread_mutex_t mutex;
    pthread_cond_t wake, idle;
    /* the job; written by the caller while all workers are at rest */
    range_fn *fn;
    void *ctx;
    int64_t count, grain;
    unsigned pieces;
    atomic_uint next;               /* first piece not taken yet; no 64-bit atomics, which some 32-bit machines lack */
    atomic_uint job;                /* number of the job: a change starts the workers */
    atomic_int busy;                /* workers that have not finished it */
    int sleeping;                   /* under the mutex */
    bool waiting, quit;             /* under the mutex: the caller sleeps until busy is 0; the workers shall end */
};

int pool_threads(const struct pool *p) { return p->n; }

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__arm__) && __ARM_ARCH >= 7)
    __asm__ volatile("yield");
#endif
}

static void work(struct pool *p) {
    for (;;) {
        unsigned piece = atomic_fetch_add(&p->next, 1);
        if (piece >= p->pieces) return;
        int64_t begin = piece * p->grain;
        p->fn(p->ctx, begin, p->count - begin < p->grain ? p->count : begin + p->grain);
    }
}

static void *worker_main(void *arg) {
    struct pool *p = arg;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0; i < SPIN && atomic_load_explicit(&p->job, memory_order_acquire) == seen; i++) relax();
        if (atomic_load(&p->job) == seen) {
            pthread_mutex_lock(&p->mutex);
            p->sleeping++;
            while (atomic_load(&p->job) == seen && !p->quit) pthread_cond_wait(&p->wake, &p->mutex);
            p->sleeping--;
            bool quit = p->quit;
            pthread_mutex_unlock(&p->mutex);
            if (quit) return NULL;
        }
        seen++;
        work(p);
        if (atomic_fetch_sub(&p->busy, 1) == 1) {
            pthread_mutex_lock(&p->mutex);
            if (p->waiting) pthread_cond_signal(&p->idle);
            pthread_mutex_unlock(&p->mutex);
        }
    }
}

int pool_new(struct pool **out, int n, qw_error *err) {
    *out = NULL;
    if (n < 1 || n > MAX_THREADS) return fail(err, QW_EARG, "%d threads: 1 to %d are possible", n, MAX_THREADS);
    struct pool *p = alloc_zero(1, sizeof *p);
    if (p) p->worker = calloc((size_t)n, sizeof *p->worker);
    if (!p || !p->worker) { free(p); return fail_memory(err, "the thread pool", sizeof *p); }
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->idle, NULL);
    sigset_t all, before;                           /* signals are for the caller's own threads: workers inherit a full mask */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (p->n = 1; p->n < n && pthread_create(&p->worker[p->n - 1], NULL, worker_main, p) == 0;) p->n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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

void parallel_for(struct pool *p, int64_t n, int64_t grain, range_fn *fn, void *ctx) {
    if (n <= 0) return;
    if (p->n == 1 || n <= grain) {
        for (int64_t i = 0; i < n; i += grain) fn(ctx, i, n - i < grain ? n : i + grain);
        return;
    }
    p->fn = fn;
    p->ctx = ctx;
    p->count = n;
    p->grain = grain;
    p->pieces = (unsigned)((n + grain - 1) / grain);
    atomic_store(&p->next, 0);
    atomic_store(&p->busy, p->n - 1);
    pthread_mutex_lock(&p->mutex);                  /* a worker either sees the new number or is counted as sleeping */
    atomic_fetch_add(&p->job, 1);
    if (p->sleeping) pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    work(p);
    for (int i = 0; i < SPIN && atomic_load_explicit(&p->busy, memory_order_acquire) > 0; i++) relax();
    if (atomic_load(&p->busy) > 0) {
        pthread_mutex_lock(&p->mutex);
        p->waiting = true;
        while (atomic_load(&p->busy) > 0) pthread_cond_wait(&p->idle, &p->mutex);
        p->waiting = false;
        pthread_mutex_unlock(&p->mutex);
    }
}

#endif
