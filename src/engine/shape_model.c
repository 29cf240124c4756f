/* shape_model.c - Qwen3 decoders of known shapes, made of random numbers: for measuring without a
 * download, and for the test of a machine.
 *
 * Every weight is a function of its place alone, so that threads can make any part of a matrix.
 * Packed matrices are made as they lie in memory (kernels.h); what is in them is roughly what
 * packing a matrix of small random weights would give. */
#include "engine/shape_model.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "sys/memory.h"

static const struct shape {
    const char *name;
    int n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab, n_ctx_max;
} shapes[] = {
    {"0.6b", 28, 1024, 3072, 16, 8, 128, 151936, 40960},
    {"1.7b", 28, 2048, 6144, 16, 8, 128, 151936, 40960},
    {"4b", 36, 2560, 9728, 32, 8, 128, 151936, 40960},
    /* widths that end within superblocks and vectors, a vocabulary that ends within a panel */
    {"micro", 2, 80, 144, 4, 2, 24, 301, 96},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* ---- random numbers ---- */

/* Number i of stream `seed`. (Steele, Lea and Flood 2014, splitmix64) */
static inline uint64_t random_bits(uint64_t seed, uint64_t i) {
    uint64_t z = (seed << 40) + (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* 8 n bytes from number i on. */
static void random_bytes(void *out, uint64_t seed, uint64_t i, int n) {
    for (int k = 0; k < n; k++) {
        const uint64_t word = random_bits(seed, i + (uint64_t)k);
        memcpy((unsigned char *)out + 8 * k, &word, 8);
    }
}

enum { NUMBERS = 1024 };        /* set apart for each superblock, and for 4096 weights of BF16 */

/* Scales 128 to 255, minima so that a row's mean is about 0, a step of 2^-12. */
static void make_q4(struct q4_super *s, uint64_t seed, uint64_t i) {
    random_bytes(s->sc, seed, i * NUMBERS, sizeof s->sc / 8);
    random_bytes(s->q, seed, i * NUMBERS + sizeof s->sc / 8, sizeof s->q / 8);
    for (int b = 0; b < BLOCKS; b++)
        for (int r = 0; r < PANEL; r++) {
            s->sc[b][r] |= 128;
            s->m[b][r] = (uint8_t)(s->sc[b][r] * 15 / 32);
        }
    for (int r = 0; r < PANEL; r++) s->d[r] = 0x3980;
}

/* Scales 16 to 31, a step of 2^-13. */
static void make_q8(struct q8_super *s, uint64_t seed, uint64_t i) {
    int8_t *q = (int8_t *)s->q;
    random_bytes(s->sc, seed, i * NUMBERS, sizeof s->sc / 8);
    random_bytes(s->q, seed, i * NUMBERS + sizeof s->sc / 8, sizeof s->q / 8);
    for (int b = 0; b < BLOCKS; b++)
        for (int r = 0; r < PANEL; r++) s->sc[b][r] = (uint8_t)(16 | (s->sc[b][r] & 15));
    for (int k = 0; k < (int)sizeof s->q; k++)
        if (q[k] == -128) q[k] = 0;
    for (int r = 0; r < PANEL; r++) s->d[r] = 0x3900;
}

/* 4 weights, 2^-5 to 2^-2 and negative ones: signs, exponents of two bits, mantissas. */
static uint64_t make_bf16(uint64_t seed, uint64_t i) {
    const uint64_t bits = random_bits(seed, i), lowest = UINT64_C(0x3D003D003D003D00);
    return lowest + (bits & UINT64_C(0x81FF81FF81FF81FF));
}

/* ---- matrices ---- */

struct make_job {
    const struct matrix *m;
    unsigned char *out;
    uint64_t seed;
};

static void make_panels(void *ctx, int64_t begin, int64_t end) {
    const struct make_job *j = ctx;
    const int64_t supers = n_super(j->m->cols);
    for (int64_t i = begin * supers; i < end * supers; i++)
        if (j->m->packed == PACKED_Q4) make_q4((struct q4_super *)j->out + i, j->seed, (uint64_t)i);
        else make_q8((struct q8_super *)j->out + i, j->seed, (uint64_t)i);
}

/* Items are words of 4 weights. */
static void make_words(void *ctx, int64_t begin, int64_t end) {
    const struct make_job *j = ctx;
    for (int64_t i = begin; i < end; i++) {
        const uint64_t word = make_bf16(j->seed, (uint64_t)i);
        memcpy(j->out + 8 * i, &word, 8);
    }
}

static uint64_t matrix_room(enum packed_type type, int rows, int cols) {
    if (type != NOT_PACKED) return packed_room(type, rows, cols);
    return ((uint64_t)rows * (uint64_t)cols * 2 + 63) & ~(uint64_t)63;
}

uint64_t shape_layer_bytes(const struct config *c, enum packed_type type) {
    const int h = c->n_embd, q_dim = c->n_head * c->head_dim, kv_dim = c->n_head_kv * c->head_dim;
    return matrix_room(type, q_dim, h) + 2 * matrix_room(type, kv_dim, h) +
           matrix_room(type, h, q_dim) + 2 * matrix_room(type, c->n_ff, h) +
           matrix_room(type, h, c->n_ff);
}

uint64_t shape_bytes(const struct config *c, enum packed_type type) {
    return matrix_room(type, c->n_vocab, c->n_embd) +
           (uint64_t)c->n_layer * shape_layer_bytes(c, type);
}

/* What the weights are made with. */
struct maker {
    struct qw_model *m;
    unsigned char *next;        /* in weights.own */
    float *next_norm;           /* in weights.norms */
    uint64_t seed;
};

static void make_matrix(struct maker *k, struct matrix *out, int rows, int cols) {
    struct weights *w = &k->m->weights;
    const uint64_t room = matrix_room(w->type, rows, cols);
    k->seed++;
    *out = (struct matrix){rows, cols, w->type, k->next,
                           {format_of("BF16"), k->next, rows, cols}};
    struct make_job job = {out, k->next, k->seed};
    if (w->type == NOT_PACKED)
        parallel_for(k->m->pool, (int64_t)(room / 8), 4096, make_words, &job);
    else parallel_for(k->m->pool, n_panels(rows), 4, make_panels, &job);
    k->next += room;
}

static const float *make_norm(struct maker *k, int n) {
    float *norm = k->next_norm;
    k->seed++;
    for (int i = 0; i < n; i++)
        norm[i] = 0.75f + (float)(random_bits(k->seed, (uint64_t)i) >> 40) * 0x1p-25f;
    k->next_norm += n;
    return norm;
}

/* All weights, in the order of the forward pass. */
static void make_weights(struct maker *k) {
    const struct config *c = &k->m->config;
    struct weights *w = &k->m->weights;
    const int q_dim = c->n_head * c->head_dim, kv_dim = c->n_head_kv * c->head_dim;
    make_matrix(k, &w->embd, c->n_vocab, c->n_embd);
    for (int i = 0; i < c->n_layer; i++) {
        struct layer_weights *l = &w->layers[i];
        l->attn_norm = make_norm(k, c->n_embd);
        make_matrix(k, &l->q, q_dim, c->n_embd);
        make_matrix(k, &l->k, kv_dim, c->n_embd);
        make_matrix(k, &l->v, kv_dim, c->n_embd);
        l->q_norm = make_norm(k, c->head_dim);
        l->k_norm = make_norm(k, c->head_dim);
        make_matrix(k, &l->o, c->n_embd, q_dim);
        l->ffn_norm = make_norm(k, c->n_embd);
        make_matrix(k, &l->gate, c->n_ff, c->n_embd);
        make_matrix(k, &l->up, c->n_ff, c->n_embd);
        make_matrix(k, &l->down, c->n_embd, c->n_ff);
    }
    w->norm = make_norm(k, c->n_embd);
    w->head = w->embd;
}

static int fill_weights(struct qw_model *m, qw_error *err) {
    const struct config *c = &m->config;
    struct weights *w = &m->weights;
    const uint64_t n_layer = (uint64_t)c->n_layer, n_embd = (uint64_t)c->n_embd;
    const uint64_t n_norms = n_layer * (2 * n_embd + 2 * (uint64_t)c->head_dim) + n_embd;
    w->layers = alloc_zero(n_layer, sizeof *w->layers);
    w->norms = alloc_zero(n_norms, sizeof *w->norms);
    if (!w->layers || !w->norms) return fail_memory(err, "the norm vectors", n_norms * 4);
    const uint64_t size = shape_bytes(c, w->type), free_now = available_memory("");
    if (free_now && size > free_now)
        return fail(err, QW_ENOMEM,
                    "the weights take %" PRIu64 " MB as %s; %" PRIu64 " MB are available",
                    size / 1000000, weight_type_name(w->type), free_now / 1000000);
    w->own = alloc_large(size);
    if (!w->own) return fail_memory(err, "the weights", size);
    make_weights(&(struct maker){.m = m, .next = w->own, .next_norm = w->norms});
    w->bytes = size;
    w->n_params = n_norms + (uint64_t)c->n_vocab * n_embd +
                  n_layer * n_embd * (2 * (uint64_t)(c->n_head + c->n_head_kv) *
                                      (uint64_t)c->head_dim + 3 * (uint64_t)c->n_ff);
    return 0;
}

/* ---- shapes ---- */

int shape_config(struct config *c, const char *name, qw_error *err) {
    const size_t n = strcspn(name, "/");
    for (int i = 0; i < N_SHAPES; i++) {
        const struct shape *s = &shapes[i];
        if (strlen(s->name) != n || strncmp(s->name, name, n) != 0) continue;
        char *end = NULL;
        const long layers = name[n] ? strtol(name + n + 1, &end, 10) : s->n_layer;
        if (layers < 1 || layers > s->n_layer || (end && *end)) break;
        *c = (struct config){
            .n_layer = (int)layers, .n_embd = s->n_embd, .n_ff = s->n_ff, .n_head = s->n_head,
            .n_head_kv = s->n_head_kv, .head_dim = s->head_dim, .n_vocab = s->n_vocab,
            .n_ctx_max = s->n_ctx_max, .rms_norm_eps = 1e-6, .rope_theta = 1e6, .tied = true,
            .gen = {.top_p = 1, .repetition_penalty = 1},       /* greedy */
        };
        return 0;
    }
    return fail(err, QW_EARG, "no shape is called '%s' (0.6b, 1.7b, 4b; 0.6b/2: two layers)", name);
}

int shape_model_of(struct qw_model **out, const char *shape, const struct config *c,
                   const qw_load_params *p, qw_error *err) {
    *out = NULL;
    struct qw_model *m = alloc_zero(1, sizeof *m);
    if (!m) return fail_memory(err, "the model", sizeof *m);
    m->config = *c;
    int rc = weight_type_from_name(&m->weights.type, p->weight_type, err);
    if (!rc) rc = kernels_choose(&m->kernels, p->cpu, err);
    m->path = strdup(shape);
    if (!rc && !m->path) rc = fail_memory(err, "a name", strlen(shape));
    if (!rc) rc = model_start_threads(m, p, err);
    m->weights.n_vocab = m->config.n_vocab;
    m->weights.stored_type = "BF16";
    if (!rc) rc = fill_weights(m, err);
    fail(&m->tokenizer_error, QW_EUNSUPPORTED, "a shape has no tokenizer");
    fail(&m->template_error, QW_ETEMPLATE, "a shape has no chat template");
    if (rc) qw_free(m);
    else {
        model_fill_info(m);
        *out = m;
    }
    return rc;
}

int shape_model(struct qw_model **out, const char *shape, const qw_load_params *p, qw_error *err) {
    struct config c;
    *out = NULL;
    int rc = shape_config(&c, shape, err);
    return rc ? rc : shape_model_of(out, shape, &c, p, err);
}

int qw_load_shape(qw_model **out, const char *shape, const qw_load_params *params, qw_error *err) {
    qw_load_params p = params ? *params : (qw_load_params){0};
    if (!p.weight_type || strcmp(p.weight_type, "auto") == 0) p.weight_type = "q4";
    return shape_model(out, shape, &p, err);
}
