/* decoder.c - the Qwen3 decoder.
 *
 * For n tokens at positions pos .. pos+n-1 (h = n_embd, hd = head_dim):
 *
 *     x[n][h] = rows of the embedding
 *     for each layer:
 *         a = rmsnorm(x)                              [n][h]
 *         q, k, v = Wq a, Wk a, Wv a                  [n][n_head hd], twice [n][n_head_kv hd]
 *         each head of q and k: rmsnorm, then RoPE    k and v go into the cache
 *         b = attention(q, cache)                     [n][n_head hd]    query head j reads key/value head j / (n_head / n_head_kv)
 *         x += Wo b
 *         a = rmsnorm(x)
 *         x += Wdown (silu(Wgate a) * (Wup a))        [n][n_ff] in between
 *     logits = Whead rmsnorm(x)                       for the tokens that are asked for
 *
 * (Order of operations: transformers, modeling_qwen3.py.) Each line is one parallel step over rows, tokens or heads; sums are never
 * split, so neither n nor the threads change a bit. The decode path allocates nothing.
 */
#include "engine/decoder.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/exact_math.h"

struct decoder {
    const struct config *c;
    const struct weights *w;
    const struct kernels *kernels;
    struct pool *pool;
    int n_ctx, n_batch;

    enum kv_type kv;
    int64_t head_room;          /* bytes of a layer's key/value head in the cache: tiles of ATTN_TILE positions (attention.h), n_ctx rounded up */
    unsigned char *cache;       /* [n_layer][n_head_kv][head_room] */

    float *x;                   /* [n_batch][h]             the residual stream */
    float *a;                   /* [n_batch][h]             normalised */
    float *q, *b;               /* [n_batch][n_head hd]     queries; what attention gives */
    float *k, *v;               /* [n_batch][n_head_kv hd] */
    float *gate, *up;           /* [n_batch][n_ff] */
    float *y;                   /* [n_batch][h]             a product before it joins x */
    float *cos_sin;             /* [n_batch][hd]            cos[hd/2], sin[hd/2] of each token's position */
    double *inv_freq;           /* [hd/2] */
    double attention_factor;    /* YaRN's factor on cos and sin */
    float *scratch;             /* what x .. cos_sin point into */
    struct act *acts;           /* [n_batch][supers]        the input of a packed product, quantised; supers of the widest */
};

/* ---- memory ---- */

static int64_t head_room(const struct config *c, enum kv_type kv, int n_ctx) {
    return ((int64_t)n_ctx + ATTN_TILE - 1) / ATTN_TILE * kv_tile_size(kv, c->head_dim);      /* in all < 2^62 by config's limits */
}

/* Floats per token of the scratch arrays, in the order of struct decoder. */
static void scratch_widths(const struct config *c, uint64_t widths[10]) {
    uint64_t h = (uint64_t)c->n_embd, q = (uint64_t)(c->n_head * c->head_dim), kv = (uint64_t)(c->n_head_kv * c->head_dim), ff = (uint64_t)c->n_ff;
    const uint64_t list[10] = {h, h, q, q, kv, kv, ff, ff, h, (uint64_t)c->head_dim};
    memcpy(widths, list, sizeof list);
}

/* Superblocks of the widest input of a product. */
static int widest(const struct config *c) {
    int n = n_super(c->n_embd), q = n_super(c->n_head * c->head_dim), ff = n_super(c->n_ff);
    return q > n && q > ff ? q : ff > n ? ff : n;
}

int decoder_memory(const struct config *c, enum kv_type kv, int n_ctx, int n_batch, uint64_t *cache, uint64_t *scratch, qw_error *err) {
    uint64_t widths[10], sum = 0;
    if (n_ctx < 1 || n_ctx > c->n_ctx_max)
        return fail(err, QW_EARG, "a context of %d positions: this model has 1 to %d (max_position_embeddings); choose -c in that range", n_ctx, c->n_ctx_max);
    if (n_batch < 1 || n_batch > 65536) return fail(err, QW_EARG, "a batch of %d tokens: 1 to 65536 are possible", n_batch);
    scratch_widths(c, widths);
    for (int i = 0; i < 10; i++) sum += widths[i];
    *cache = (uint64_t)c->n_layer * (uint64_t)c->n_head_kv * (uint64_t)head_room(c, kv, n_ctx);
    *scratch = (uint64_t)n_batch * (sum * sizeof(float) + (uint64_t)widest(c) * sizeof(struct act));
    return 0;
}

int decoder_new(struct decoder **out, const struct config *c, const struct weights *w, const struct kernels *kernels, struct pool *pool,
                enum kv_type kv, int n_ctx, int n_batch, qw_error *err) {
    uint64_t cache, scratch, widths[10];
    *out = NULL;
    int rc = decoder_memory(c, kv, n_ctx, n_batch, &cache, &scratch, err);
    if (rc) return rc;
    struct decoder *d = alloc_zero(1, sizeof *d);
    if (!d) return fail_memory(err, "the decoder", sizeof *d);
    *d = (struct decoder){.c = c, .w = w, .kernels = kernels, .pool = pool, .n_ctx = n_ctx, .n_batch = n_batch,
                          .kv = kv, .head_room = head_room(c, kv, n_ctx)};
    d->cache = alloc_pages(cache);      /* not set to 0: pages come when they are used, and what a tile holds beyond the last position never counts */
    d->acts = alloc_zero((uint64_t)n_batch * (uint64_t)widest(c), sizeof *d->acts);
    d->scratch = alloc_zero(scratch - (uint64_t)n_batch * (uint64_t)widest(c) * sizeof *d->acts, 1);
    d->inv_freq = alloc_zero((uint64_t)c->head_dim / 2, sizeof *d->inv_freq);
    if (!d->cache || !d->scratch || !d->acts || !d->inv_freq) {
        decoder_free(d);
        return fail(err, QW_ENOMEM, "not enough memory for the KV cache and scratch (%" PRIu64 " bytes); a smaller context (-c) needs less", cache + scratch);
    }
    float **parts[10] = {&d->x, &d->a, &d->q, &d->b, &d->k, &d->v, &d->gate, &d->up, &d->y, &d->cos_sin}, *next = d->scratch;
    scratch_widths(c, widths);
    for (int i = 0; i < 10; i++) {
        *parts[i] = next;
        next += widths[i] * (uint64_t)n_batch;
    }
    rope_frequencies(c, d->inv_freq, &d->attention_factor);
    *out = d;
    return 0;
}

void decoder_free(struct decoder *d) {
    if (!d) return;
    free(d->cache);
    free(d->scratch);
    free(d->inv_freq);
    free(d->acts);
    free(d);
}

/* ---- steps ---- */

/* Products of up to three matrices with the same n input vectors, in one parallel step over all their rows, 16 at a time. */
struct products {
    const struct decoder *d;
    const float *x;             /* [n][cols] */
    int n, n_mats;
    const struct matrix *m[3];
    float *y[3];                /* [n][rows] */
};

static int64_t panels(const struct matrix *m) { return (m->rows + PANEL - 1) / PANEL; }

static void product_panels(void *ctx, int64_t begin, int64_t end) {
    const struct products *p = ctx;
    const struct kernels *k = p->d->kernels;
    for (int i = 0; i < p->n_mats && end > 0; i++) {
        const struct matrix *m = p->m[i];
        int64_t stop = end < panels(m) ? end : panels(m), row = begin * PANEL;
        int rows = stop * PANEL < m->rows ? (int)(stop * PANEL - row) : (int)(m->rows - row);
        if (begin < stop && is_packed(m->type))
            k->matmul_q[m->type - WEIGHT_Q8](p->y[i] + row, m->rows, m->data + (uint64_t)begin * panel_size(m->type, m->cols), rows,
                                             n_super(m->cols), p->d->acts, p->n);
        else if (begin < stop)
            k->matmul[m->type](p->y[i] + row, m->rows, m->data + matrix_size(m->type, (int)row, m->cols), rows, m->cols, p->x, p->n);
        begin = begin < panels(m) ? 0 : begin - panels(m);      /* the rest belongs to the next matrix */
        end -= panels(m);
    }
}

static void quantize_tokens(void *ctx, int64_t begin, int64_t end) {
    const struct products *p = ctx;
    const struct matrix *m = p->m[0];
    for (int64_t t = begin; t < end; t++)
        p->d->kernels->quantize(p->d->acts + t * n_super(m->cols), p->x + t * m->cols, m->cols, m->type == WEIGHT_Q8);
}

/* Least bytes of a matrix in one piece: shorter stretches stream badly, longer ones leave threads waiting for the last. Some kernels take
 * panels in pairs. */
enum { STRETCH = 80 << 10 };

static void multiply(const struct decoder *d, const struct products *p) {
    void *ctx = (void *)(uintptr_t)p;
    const struct matrix *m = p->m[0];
    uint64_t panel = is_packed(m->type) ? panel_size(m->type, m->cols) : matrix_size(m->type, PANEL, m->cols);
    int64_t all = 0, grain = (int64_t)(STRETCH / panel) & ~INT64_C(1);
    for (int i = 0; i < p->n_mats; i++) all += panels(p->m[i]);
    if (grain > all / (4 * pool_threads(d->pool))) grain = all / (4 * pool_threads(d->pool));
    if (is_packed(m->type)) parallel_for(d->pool, p->n, 4, quantize_tokens, ctx);
    parallel_for(d->pool, all, grain < 2 ? 2 : grain, product_panels, ctx);
}

/* A step over tokens, or over tokens and heads. */
struct step { struct decoder *d; const struct layer_weights *l; const float *norm; int layer, n, pos; };

static void norm_tokens(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    const struct decoder *d = s->d;
    int h = d->c->n_embd;
    for (int64_t t = begin; t < end; t++) d->kernels->rmsnorm(d->a + t * h, d->x + t * h, s->norm, h, (float)d->c->rms_norm_eps);
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
    for (int64_t t = begin; t < end; t++) d->kernels->silu_mul(d->gate + t * ff, d->up + t * ff, (int)ff);
}

static void *cache_of(const struct decoder *d, int layer, int64_t kv_head) {
    return d->cache + ((int64_t)layer * d->c->n_head_kv + kv_head) * d->head_room;
}

/* Normalise and rotate a key/value head of token t and the query heads that share it; its key and value go into the cache. */
static void store_head(const struct step *s, int64_t t, int64_t head) {
    const struct decoder *d = s->d;
    const struct config *c = d->c;
    int hd = c->head_dim, group = c->n_head / c->n_head_kv;
    float eps = (float)c->rms_norm_eps, *k = d->k + (t * c->n_head_kv + head) * hd, *v = d->v + (t * c->n_head_kv + head) * hd;
    const float *cos_sin = d->cos_sin + t * hd;
    for (int i = 0; i < group; i++) {
        float *q = d->q + (t * c->n_head + head * group + i) * hd;
        d->kernels->rmsnorm(q, q, s->l->q_norm, hd, eps);
        d->kernels->rope(q, cos_sin, hd);
    }
    d->kernels->rmsnorm(k, k, s->l->k_norm, hd, eps);
    d->kernels->rope(k, cos_sin, hd);
    d->kernels->store[d->kv](cache_of(d, s->layer, head), k, v, (int)(s->pos + t), hd);
}

/* Item i is key/value head i % n_head_kv of token i / n_head_kv. */
static void store_heads(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    for (int64_t i = begin; i < end; i++) store_head(s, i / s->d->c->n_head_kv, i % s->d->c->n_head_kv);
}

/* The same items, with the query heads that share them. A token alone needs no other's keys: it stores its own first. */
static void attend(void *ctx, int64_t begin, int64_t end) {
    const struct step *s = ctx;
    const struct decoder *d = s->d;
    const struct config *c = d->c;
    int hd = c->head_dim, group = c->n_head / c->n_head_kv;
    float scale = (float)(1 / sqrt(hd));
    for (int64_t i = begin; i < end; i++) {
        int64_t t = i / c->n_head_kv, head = i % c->n_head_kv, q = (t * c->n_head + head * group) * hd;
        if (s->n == 1) store_head(s, t, head);
        d->kernels->attention[d->kv](d->b + q, d->q + q, cache_of(d, s->layer, head), group, (int)(s->pos + t + 1), hd, scale);
    }
}

/* cos and sin of position p times inv_freq, computed in double precision and rounded once. */
static void positions(const struct decoder *d, int n, int pos) {
    int half = d->c->head_dim / 2;
    for (int t = 0; t < n; t++)
        for (int j = 0; j < half; j++) {
            double sn, cs;
            num_sincos((double)(pos + t) * d->inv_freq[j], &sn, &cs);
            d->cos_sin[t * 2 * half + j] = (float)(cs * d->attention_factor);
            d->cos_sin[t * 2 * half + half + j] = (float)(sn * d->attention_factor);
        }
}

/* ---- the forward pass ---- */

void decoder_forward(struct decoder *d, const int32_t *ids, int n, int pos) {
    const struct config *c = d->c;
    const struct weights *w = d->w;
    for (int t = 0; t < n; t++) {
        const struct matrix *e = &w->embd;
        float *x = d->x + (int64_t)t * c->n_embd;
        if (is_packed(e->type)) d->kernels->row_q[e->type - WEIGHT_Q8](x, e->data, ids[t], c->n_embd);
        else d->kernels->row[e->type](x, e->data + matrix_size(e->type, ids[t], e->cols), c->n_embd);
    }
    positions(d, n, pos);
    for (int i = 0; i < c->n_layer; i++) {
        const struct layer_weights *l = &w->layers[i];
        struct step s = {d, l, l->attn_norm, i, n, pos};
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
}

int decoder_logits(struct decoder *d, int first, int count, float *out, qw_error *err) {
    const struct weights *w = d->w;
    int h = d->c->n_embd;
    for (int t = 0; t < count; t++)
        d->kernels->rmsnorm(d->a + (int64_t)t * h, d->x + (int64_t)(first + t) * h, w->norm, h, (float)d->c->rms_norm_eps);
    multiply(d, &(struct products){d, d->a, count, 1, {&w->head}, {out}});
    uint32_t top = 0;                       /* magnitudes are ordered as their bits are, and small cores compare whole numbers faster */
    for (int64_t i = 0; i < (int64_t)count * w->n_vocab; i++) {
        uint32_t bits;
        memcpy(&bits, &out[i], sizeof bits);
        if ((bits & 0x7FFFFFFF) > top) top = bits & 0x7FFFFFFF;
    }
    for (int64_t i = 0; top >= 0x7F800000 && i < (int64_t)count * w->n_vocab; i++)
        if (!(fabsf(out[i]) <= FLT_MAX))
            return fail(err, QW_ENUMERIC, "the logits are not finite (token %" PRId64 " of position %" PRId64 " in this batch): the weights are damaged or overflow",
                        i % w->n_vocab, i / w->n_vocab + first);
    return 0;
}
