/* probe.c - what some CPUs can do: how fast they read memory, and how fast they multiply. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/bandwidth.h"
#include "engine/model.h"
#include "sys/clock.h"

enum { PROBE_MIB = 128, ROWS = 2 * PANEL, SUPERS = 4, TOKENS = 64, MOST_ITEMS = 1024 };
enum { MOST_PASSES = 1000 };    /* for clocks that stand still */

/* Each item is two panels, the same ones, times the same tokens: they stay in the caches. */
struct product {
    const struct kernels *k;
    unsigned char *panels;      /* zeros, which take as long as anything else */
    struct act *acts;           /* [TOKENS][SUPERS] */
    float *y;                   /* [MOST_ITEMS][TOKENS][ROWS] */
};

static void multiply_items(void *ctx, int64_t begin, int64_t end) {
    const struct product *p = ctx;
    for (int64_t i = begin; i < end; i++)
        p->k->matmul_q[PACKED_Q8](p->y + i * TOKENS * ROWS, ROWS, p->panels, ROWS, SUPERS, p->acts,
                                  TOKENS);
}

/* Multiply-adds per second: the best of as many passes as there is time for. */
static double best_rate(struct product *p, struct pool *pool, double seconds) {
    const double begun = clock_seconds(), least = 0.002;    /* of a pass; starting it takes less */
    int64_t items = pool_threads(pool);
    double best = 0;
    for (int i = 0; i < MOST_PASSES && (i == 0 || clock_since(begun) < seconds); i++) {
        const double started = clock_seconds();
        parallel_for(pool, items, 1, multiply_items, p);
        const double t = clock_seconds() - started;
        const double products = (double)(items * ROWS * SUPERS * SUPER) * TOKENS;
        if (t > 0 && products > best * t) best = products / t;
        if (t < least && 2 * items <= MOST_ITEMS) items *= 2;
    }
    return best;
}

static int multiply_rate(const struct kernels *k, struct pool *pool, double seconds, double *rate,
                         qw_error *err) {
    struct product p = {
        .k = k,
        .panels = alloc_zero(ROWS / PANEL * SUPERS, sizeof(struct q8_super)),
        .acts = alloc_zero(TOKENS * SUPERS, sizeof *p.acts),
        .y = alloc_zero(MOST_ITEMS * TOKENS * ROWS, sizeof *p.y),
    };
    const bool ok = p.panels && p.acts && p.y;
    if (ok) *rate = best_rate(&p, pool, seconds);
    free(p.panels);
    free(p.acts);
    free(p.y);
    return ok ? 0 : fail_memory(err, "measuring the products", MOST_ITEMS * TOKENS * ROWS * 4);
}

/* The pool of a model without weights, whose threads are where this one is. */
static int probe_here(qw_rates *out, struct cpu_mask *ran, const qw_load_params *params,
                      qw_error *err) {
    const double part = 0.15;
    struct qw_model *m = alloc_zero(1, sizeof *m);
    if (!m) return fail_memory(err, "the probe", sizeof *m);
    int rc = kernels_choose(&m->kernels, params->cpu, err);
    if (!rc) rc = model_start_threads(m, params, err);
    if (!rc) {
        out->n_threads = m->n_threads;
        rc = read_bandwidth(m->pool, PROBE_MIB, part, ran, &out->read_per_second, err);
    }
    if (!rc) rc = multiply_rate(m->kernels, m->pool, part, &out->int8_per_second, err);
    qw_free(m);
    return rc;
}

int qw_probe(qw_rates *out, const char *cpus, const qw_load_params *params, qw_error *err) {
    const qw_load_params none = {0};
    struct cpu_mask before, wanted, ran = {{0}};
    *out = (qw_rates){0};
    cpus_allowed(&before);
    wanted = before;
    int rc = cpus ? mask_parse(&wanted, cpus, err) : 0;
    for (int i = 0; i < MAX_CPUS / 64; i++) wanted.bits[i] &= before.bits[i];
    if (!rc && mask_count(&wanted) == 0)
        rc = fail(err, QW_EARG, "CPUs %.100s are offline, or this process may not use them", cpus);
    if (!rc && cpus) rc = cpus_use(&wanted, err);
    if (rc) return rc;
    rc = probe_here(out, &ran, params ? params : &none, err);
    if (cpus) cpus_use(&before, NULL);
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&ran, i) && !mask_has(&wanted, i)) out->strayed = 1;
    return rc;
}
