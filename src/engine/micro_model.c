/* micro_model.c - a Qwen3 decoder of two layers and 0.1 M weights, made of random numbers. Its
 * widths end within superblocks and vectors, its vocabulary within a panel. */
#include "engine/micro_model.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "sys/topology.h"

enum { N_LAYER = 2, N_EMBD = 80, N_FF = 144, N_HEAD = 4, N_HEAD_KV = 2, HEAD_DIM = 24,
       N_VOCAB = 301, N_CTX = 96, Q_DIM = N_HEAD * HEAD_DIM, KV_DIM = N_HEAD_KV * HEAD_DIM,
       N_NORMS = N_EMBD + N_LAYER * (2 * N_EMBD + 2 * HEAD_DIM) };

/* The matrices of a layer. */
static const struct place {
    size_t offset;              /* in struct layer_weights */
    int rows, cols;
} places[] = {
    {offsetof(struct layer_weights, q), Q_DIM, N_EMBD},
    {offsetof(struct layer_weights, k), KV_DIM, N_EMBD},
    {offsetof(struct layer_weights, v), KV_DIM, N_EMBD},
    {offsetof(struct layer_weights, o), N_EMBD, Q_DIM},
    {offsetof(struct layer_weights, gate), N_FF, N_EMBD},
    {offsetof(struct layer_weights, up), N_FF, N_EMBD},
    {offsetof(struct layer_weights, down), N_EMBD, N_FF},
};
enum { N_PLACES = sizeof places / sizeof *places };

/* What the weights are made with. */
struct maker {
    const struct kernels *kernels;
    enum packed_type type;
    uint64_t state;             /* of the random numbers */
    unsigned char *next;        /* in weights.own */
    float *next_norm;           /* in weights.norms */
};

/* A random number -1..1. (Steele, Lea and Flood 2014, splitmix64) */
static float random_float(struct maker *mk) {
    uint64_t z = mk->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (float)(int32_t)(z >> 32) * 0x1p-31f;
}

/* n weights that BF16 has, as floats; large ones, so that tokens do not repeat themselves. */
static void random_weights(struct maker *mk, float *out, int n) {
    for (int i = 0; i < n; i++) {
        const float w = 0.5f * random_float(mk);
        uint32_t bits;
        memcpy(&bits, &w, sizeof bits);
        bits &= 0xFFFF0000;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

static uint64_t matrix_room(enum packed_type type, int rows, int cols) {
    return type == NOT_PACKED ? (uint64_t)rows * (uint64_t)cols * 2 : packed_room(type, rows, cols);
}

static void make_matrix(struct maker *mk, struct matrix *out, int rows, int cols) {
    float floats[PANEL * N_FF];
    unsigned char *next = mk->next;
    *out = (struct matrix){rows, cols, mk->type, next, {format_of("BF16"), next, rows, cols}};
    for (int row = 0; row < rows; row += PANEL) {
        const int n = rows - row < PANEL ? rows - row : PANEL;
        random_weights(mk, floats, n * cols);
        if (mk->type != NOT_PACKED) {
            mk->kernels->pack[mk->type](next, floats, n, cols, true);
            next += panel_size(mk->type, cols);
        } else for (int i = 0; i < n * cols; i++, next += 2)
            memcpy(next, (const char *)&floats[i] + 2, 2);
    }
    mk->next += matrix_room(mk->type, rows, cols);
}

static const float *make_norm(struct maker *mk, int n) {
    float *norm = mk->next_norm;
    for (int i = 0; i < n; i++) norm[i] = 1 + 0.25f * random_float(mk);
    mk->next_norm += n;
    return norm;
}

static int make_weights(struct weights *w, const struct kernels *k, enum packed_type type,
                        qw_error *err) {
    uint64_t size = matrix_room(type, N_VOCAB, N_EMBD);
    for (int i = 0; i < N_PLACES; i++)
        size += N_LAYER * matrix_room(type, places[i].rows, places[i].cols);
    w->type = type;
    w->n_vocab = N_VOCAB;
    w->stored_type = "BF16";
    w->layers = alloc_zero(N_LAYER, sizeof *w->layers);
    w->norms = alloc_zero(N_NORMS, sizeof *w->norms);
    w->own = alloc_large(size);
    if (!w->layers || !w->norms || !w->own) return fail_memory(err, "the built-in model", size);
    struct maker mk = {k, type, 2026, w->own, w->norms};
    make_matrix(&mk, &w->embd, N_VOCAB, N_EMBD);
    w->head = w->embd;
    w->norm = make_norm(&mk, N_EMBD);
    for (struct layer_weights *l = w->layers; l < w->layers + N_LAYER; l++) {
        for (int i = 0; i < N_PLACES; i++)
            make_matrix(&mk, (struct matrix *)((char *)l + places[i].offset), places[i].rows,
                        places[i].cols);
        l->attn_norm = make_norm(&mk, N_EMBD);
        l->q_norm = make_norm(&mk, HEAD_DIM);
        l->k_norm = make_norm(&mk, HEAD_DIM);
        l->ffn_norm = make_norm(&mk, N_EMBD);
    }
    return 0;
}

int micro_model(struct qw_model **out, const struct kernels *k, enum packed_type type,
                qw_error *err) {
    struct cpu_mask allowed;
    struct cpus cpus;
    *out = NULL;
    struct qw_model *m = alloc_zero(1, sizeof *m);
    if (!m) return fail_memory(err, "the built-in model", sizeof *m);
    m->kernels = k;
    m->config = (struct config){
        .n_layer = N_LAYER, .n_embd = N_EMBD, .n_ff = N_FF, .n_head = N_HEAD,
        .n_head_kv = N_HEAD_KV, .head_dim = HEAD_DIM, .n_vocab = N_VOCAB, .n_ctx_max = N_CTX,
        .rms_norm_eps = 1e-6, .rope_theta = 1e6, .tied = true,
        .gen = {.top_p = 1, .repetition_penalty = 1},       /* greedy */
    };
    int rc = make_weights(&m->weights, k, type, err);
    cpus_allowed(&allowed);
    cpus_find(&cpus, &allowed, "");
    m->n_threads = m->n_threads_batch = cpus.n_threads;
    if (!rc) rc = pool_new(&m->pool, cpus.n_threads, cpus.at_once, err);
    if (rc) qw_free(m);
    else *out = m;
    return rc;
}
