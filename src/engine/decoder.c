/* decoder.c - the Qwen3 decoder.
 *
 * For n tokens at positions pos .. pos+n-1 (h = n_embd, hd = head_dim):
 *
 *     x[n][h] = rows of the embedding
 *     for each layer:
 *         a = rmsnorm(x)                              [n][h]
 *         q, k, v = Wq a, Wk a, Wv a                  [n][n_head hd], twice [n][n_head_kv hd]
 *         each head of q and k: rmsnorm, then RoPE    k and v go into the cache
 *         b = attention(q, cache)                     [n][n_head hd]
 *                                  query head j reads key/value head j / (n_head / n_head_kv)
 *         x += Wo b
 *         a = rmsnorm(x)
 *         x += Wdown (silu(Wgate a) * (Wup a))        [n][n_ff] in between
 *     logits = Whead rmsnorm(x)                       for the tokens that are asked for
 *
 * (Order of operations: transformers, modeling_qwen3.py.) The work of a layer is done in parallel
 * steps over panels of rows, tokens or heads; sums are never split, so neither n nor the number of
 * threads changes a bit. The forward pass allocates nothing.
 */
#include "engine/decoder.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/exact_math.h"
#include "model/rope.h"

struct decoder {
    const struct config *c;
    const struct weights *w;
    const struct kernels *kernels;
    struct pool *pool;          /* of the last pass */
    int n_batch;
    struct kv_cache cache;
    double *inv_freq;           /* [hd/2] */
    double attention_factor;    /* YaRN's factor on cos and sin */

    /* Scratch, taken from one allocation */
    float *x;                   /* [n_batch][h]             the residual stream */
    float *a;                   /* [n_batch][h]             normalised */
    float *q;                   /* [n_batch][n_head hd]     queries */
    float *b;                   /* [n_batch][n_head hd]     what attention gives */
    float *k, *v;               /* [n_batch][n_head_kv hd] */
    float *gate, *up;           /* [n_batch][n_ff] */
    float *y;                   /* [n_batch][h]             a product before it is added to x */
    float *cos_sin;             /* [n_batch][hd]            cos[hd/2], sin[hd/2] of a position */
    struct act *acts;           /* [n_batch][supers]        a packed product's input, quantised */
    void *scratch;
};

/* ---- memory ---- */

/* Hands out pieces of one block; without a block it only counts. */
struct arena {
    unsigned char *block;
    uint64_t used;
};

static void *take(struct arena *a, int n, int width, size_t size) {
    void *p = a->block ? a->block + a->used : NULL;
    a->used += ((uint64_t)n * (uint64_t)width * size + 63) & ~(uint64_t)63;
    return p;
}

/* Superblocks of the widest product input. */
static int widest_input(const struct config *c) {
    int widest = n_super(c->n_embd);
    const int others[] = {n_super(c->n_head * c->head_dim), n_super(c->n_ff)};
    for (int i = 0; i < 2; i++)
        if (others[i] > widest) widest = others[i];
    return widest;
}

static void take_scratch(struct decoder *d, struct arena *a, const struct config *c, int n) {
    const int h = c->n_embd, q = c->n_head * c->head_dim, kv = c->n_head_kv * c->head_dim;
    d->x = take(a, n, h, sizeof *d->x);
    d->a = take(a, n, h, sizeof *d->a);
    d->q = take(a, n, q, sizeof *d->q);
    d->b = take(a, n, q, sizeof *d->b);
    d->k = take(a, n, kv, sizeof *d->k);
    d->v = take(a, n, kv, sizeof *d->v);
    d->gate = take(a, n, c->n_ff, sizeof *d->gate);
    d->up = take(a, n, c->n_ff, sizeof *d->up);
    d->y = take(a, n, h, sizeof *d->y);
    d->cos_sin = take(a, n, c->head_dim, sizeof *d->cos_sin);
    d->acts = take(a, n, widest_input(c), sizeof *d->acts);
}

int decoder_memory(const struct config *c, enum kv_type kv, int n_ctx, int n_batch, uint64_t *cache,
                   uint64_t *scratch, qw_error *err) {
    struct decoder none;
    struct arena count = {0};
    if (n_ctx < 1 || n_ctx > c->n_ctx_max)
        return fail(err, QW_EARG,
                    "a context of %d positions is out of range: this model has 1 to %d "
                    "(config.json)",
                    n_ctx, c->n_ctx_max);
    if (n_batch < 1 || n_batch > 65536)
        return fail(err, QW_EARG, "a batch of %d tokens is out of range (1 to 65536)", n_batch);
    take_scratch(&none, &count, c, n_batch);
    *cache = kv_cache_size(c, kv, n_ctx);
    *scratch = count.used;
    return 0;
}

int decoder_new(struct decoder **out, const struct config *c, const struct weights *w,
                const struct kernels *kernels, enum kv_type kv, int n_ctx, int n_batch,
                qw_error *err) {
    uint64_t cache, scratch;
    *out = NULL;
    int rc = decoder_memory(c, kv, n_ctx, n_batch, &cache, &scratch, err);
    if (rc) return rc;
    struct decoder *d = alloc_zero(1, sizeof *d);
    if (!d) return fail_memory(err, "the decoder", sizeof *d);
    d->c = c;
    d->w = w;
    d->kernels = kernels;
    d->n_batch = n_batch;
    rc = kv_cache_new(&d->cache, c, kv, err);
    if (!rc) rc = kv_cache_grow(&d->cache, n_ctx, err);
    if (!rc) {
        d->scratch = alloc_zero(scratch, 1);
        d->inv_freq = alloc_zero((uint64_t)c->head_dim / 2, sizeof *d->inv_freq);
        if (!d->scratch || !d->inv_freq) rc = fail_memory(err, "the forward pass", scratch);
    }
    if (rc) {
        decoder_free(d);
        return rc;
    }
    take_scratch(d, &(struct arena){.block = d->scratch}, c, n_batch);
    rope_frequencies(c, d->inv_freq, &d->attention_factor);
    *out = d;
    return 0;
}

int decoder_grow(struct decoder *d, int n_ctx, qw_error *err) {
    return kv_cache_grow(&d->cache, n_ctx, err);
}

void decoder_free(struct decoder *d) {
    if (!d) return;
    kv_cache_free(&d->cache);
    free(d->scratch);
    free(d->inv_freq);
    free(d);
}

/* ---- matrix products ---- */

/* Up to three matrices times the same n input vectors, in one parallel step over all their panels
 * of 16 rows. */
struct products {
    const struct decoder *d;
    const float *x;             /* [n][cols] */
    int n, n_mats;
    const struct matrix *m[3];
    float *y[3];                /* [n][rows] */
};

/* Panels begin..end-1 of one matrix, for all n vectors. */
static void multiply_panels(const struct products *p, int i, int64_t begin, int64_t end) {
    const struct kernels *k = p->d->kernels;
    const struct matrix *m = p->m[i];
    int64_t row = begin * PANEL;
    int rows = (int)((end * PANEL < m->rows ? end * PANEL : m->rows) - row);
    const unsigned char *w = m->data + matrix_size(m, row);
    float *y = p->y[i] + row;
    if (m->packed == NOT_PACKED)
        k->matmul[m->source.format->stored](y, m->rows, w, rows, m->cols, p->x, p->n);
    else
        k->matmul_q[m->packed](y, m->rows, w, rows, n_super(m->cols), p->d->acts, p->n);
}

/* Panels begin..end-1 of all matrices, numbered consecutively across them. */
static void multiply_range(void *ctx, int64_t begin, int64_t end) {
    const struct products *p = ctx;
    for (int i = 0; i < p->n_mats && end > 0; i++) {
        const int64_t panels = n_panels(p->m[i]->rows), stop = end < panels ? end : panels;
        if (begin < stop) multiply_panels(p, i, begin, stop);
        begin = begin < panels ? 0 : begin - panels;    /* the rest belongs to the next matrix */
        end -= panels;
    }
}

static void quantize_tokens(void *ctx, int64_t begin, int64_t end) {
    const struct products *p = ctx;
    const struct matrix *m = p->m[0];
    const struct decoder *d = p->d;
    for (int64_t t = begin; t < end; t++)
        d->kernels->quantize(d->acts + t * n_super(m->cols), p->x + t * m->cols, m->cols,
                             m->packed == PACKED_Q8);
}

/* Least bytes of weights that a thread claims at once, in matrices large enough for it: less wastes
 * bandwidth, more would leave threads idle at the end. */
enum { MIN_ITEM_BYTES = 80 << 10 };

int64_t panels_at_once(int64_t all, uint64_t panel_bytes, int threads) {
    int64_t grain = MIN_ITEM_BYTES / (int64_t)panel_bytes;
    if (grain > all / (4 * threads)) grain = all / (4 * threads);
    return grain < 2 ? 2 : grain & ~INT64_C(1);             /* some kernels take panels in pairs */
}

static void multiply(const struct decoder *d, const struct products *p) {
    void *ctx = (void *)(uintptr_t)p;
    const struct matrix *m = p->m[0];
    int64_t all = 0;
    for (int i = 0; i < p->n_mats; i++) all += n_panels(p->m[i]->rows);
    int64_t grain = panels_at_once(all, matrix_size(m, PANEL), pool_threads(d->pool));
    if (m->packed != NOT_PACKED) parallel_for(d->pool, p->n, 4, quantize_tokens, ctx);
    parallel_for(d->pool, all, grain, multiply_range, ctx);
}

/* ---- steps over tokens, or over tokens and heads ---- */

struct step {
    struct decoder *d;
    const struct layer_weights *l;
    const float *norm;
    int layer, n, pos;
};

static void norm_tokens(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    const struct decoder *d = s->d;
    int h = d->c->n_embd;
    for (int64_t t = begin; t < end; t++)
        d->kernels->rmsnorm(d->a + t * h, d->x + t * h, s->norm, h, (float)d->c->rms_norm_eps);
}

static void add_tokens(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    const struct decoder *d = s->d;
    int h = d->c->n_embd;
    for (int64_t t = begin; t < end; t++) d->kernels->add(d->x + t * h, d->y + t * h, h);
}

static void silu_tokens(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    const struct decoder *d = s->d;
    int64_t ff = d->c->n_ff;
    for (int64_t t = begin; t < end; t++)
        d->kernels->silu_mul(d->gate + t * ff, d->up + t * ff, (int)ff);
}

/* Normalise and rotate a key/value head of token t and the query heads that share it; its key and
 * value go into the cache. */
static void store_head(const struct step *s, int64_t t, int64_t head) {
    const struct decoder *d = s->d;
    const struct config *c = d->c;
    const int hd = c->head_dim, group = c->n_head / c->n_head_kv;
    const float eps = (float)c->rms_norm_eps, *cos_sin = d->cos_sin + t * hd;
    float *k = d->k + (t * c->n_head_kv + head) * hd, *v = d->v + (t * c->n_head_kv + head) * hd;
    for (int i = 0; i < group; i++) {
        float *q = d->q + (t * c->n_head + head * group + i) * hd;
        d->kernels->rmsnorm(q, q, s->l->q_norm, hd, eps);
        d->kernels->rope(q, cos_sin, hd);
    }
    d->kernels->rmsnorm(k, k, s->l->k_norm, hd, eps);
    d->kernels->rope(k, cos_sin, hd);
    d->kernels->store[d->cache.type](kv_head(&d->cache, s->layer, head), k, v, (int)(s->pos + t),
                                     hd);
}

/* Item i is key/value head i % n_head_kv of token i / n_head_kv. */
static void store_heads(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    for (int64_t i = begin; i < end; i++)
        store_head(s, i / s->d->c->n_head_kv, i % s->d->c->n_head_kv);
}

/* The same items, each with the query heads that share the key/value head. With a single token each
 * item stores its own key and value here, and the store_heads step is skipped. */
static void attend(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    const struct decoder *d = s->d;
    const struct config *c = d->c;
    const int hd = c->head_dim, group = c->n_head / c->n_head_kv;
    const float scale = (float)(1 / sqrt(hd));
    for (int64_t i = begin; i < end; i++) {
        int64_t t = i / c->n_head_kv, head = i % c->n_head_kv,
                q = (t * c->n_head + head * group) * hd;
        if (s->n == 1) store_head(s, t, head);
        d->kernels->attention[d->cache.type](d->b + q, d->q + q, kv_head(&d->cache, s->layer, head),
                                             group, (int)(s->pos + t + 1), hd, scale);
    }
}

/* cos and sin of each position times inv_freq, computed in double precision and rounded once. */
static void rotate_positions(const struct decoder *d, int n, int pos) {
    const int half = d->c->head_dim / 2;
    for (int t = 0; t < n; t++) {
        float *cos_sin = d->cos_sin + t * 2 * half;
        for (int j = 0; j < half; j++) {
            double sn, cs;
            num_sincos((double)(pos + t) * d->inv_freq[j], &sn, &cs);
            cos_sin[j] = (float)(cs * d->attention_factor);
            cos_sin[half + j] = (float)(sn * d->attention_factor);
        }
    }
}

static void embed(const struct decoder *d, float *x, int32_t id) {
    const struct matrix *e = &d->w->embd;
    if (e->packed != NOT_PACKED) d->kernels->row_q[e->packed](x, e->data, id, e->cols);
    else e->source.format->rows(&e->source, d->kernels, id, 1, x);
}

/* ---- the forward pass ---- */

bool decoder_forward(struct decoder *d, struct pool *pool, const int32_t *ids, int n, int pos,
                     bool (*stop)(void *user), void *user) {
    const struct config *c = d->c;
    d->pool = pool;
    for (int t = 0; t < n; t++) embed(d, d->x + (int64_t)t * c->n_embd, ids[t]);
    rotate_positions(d, n, pos);
    for (int i = 0; i < c->n_layer; i++) {
        const struct layer_weights *l = &d->w->layers[i];
        struct step s = {.d = d, .l = l, .norm = l->attn_norm, .layer = i, .n = n, .pos = pos};
        if (stop && stop(user)) return false;
        parallel_for(d->pool, n, 4, norm_tokens, &s);
        multiply(d, &(struct products){d, d->a, n, 3, {&l->q, &l->k, &l->v}, {d->q, d->k, d->v}});
        if (n > 1) parallel_for(d->pool, (int64_t)n * c->n_head_kv, 8, store_heads, &s);
        parallel_for(d->pool, (int64_t)n * c->n_head_kv, 1, attend, &s);
        multiply(d, &(struct products){d, d->b, n, 1, {&l->o}, {d->y}});
        parallel_for(d->pool, n, 4, add_tokens, &s);
        s.norm = l->ffn_norm;
        parallel_for(d->pool, n, 4, norm_tokens, &s);
        multiply(d, &(struct products){d, d->a, n, 2, {&l->gate, &l->up}, {d->gate, d->up}});
        parallel_for(d->pool, n, 1, silu_tokens, &s);
        multiply(d, &(struct products){d, d->gate, n, 1, {&l->down}, {d->y}});
        parallel_for(d->pool, n, 4, add_tokens, &s);
    }
    return true;
}

/* Magnitudes compare as their bits do, and small cores compare integers faster. */
static int check_finite(const float *logits, int first, int count, int n_vocab, qw_error *err) {
    const int64_t n = (int64_t)count * n_vocab;
    uint32_t top = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &logits[i], sizeof bits);
        if ((bits & 0x7FFFFFFF) > top) top = bits & 0x7FFFFFFF;
    }
    for (int64_t i = 0; top >= 0x7F800000 && i < n; i++)
        if (!(fabsf(logits[i]) <= FLT_MAX))
            return fail(err, QW_ENUMERIC,
                        "the logits are not finite (token %" PRId64 " of position %" PRId64
                        " in this batch): the weights are damaged or overflow",
                        i % n_vocab, i / n_vocab + first);
    return 0;
}

int decoder_logits(struct decoder *d, int first, int count, float *out, qw_error *err) {
    const struct weights *w = d->w;
    const int h = d->c->n_embd;
    const float *x = d->x + (int64_t)first * h;
    for (int64_t t = 0; t < count; t++)
        d->kernels->rmsnorm(d->a + t * h, x + t * h, w->norm, h, (float)d->c->rms_norm_eps);
    multiply(d, &(struct products){d, d->a, count, 1, {&w->head}, {out}});
    return check_finite(out, first, count, w->n_vocab, err);
}
