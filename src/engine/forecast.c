/* forecast.c - how many tokens per second a model will reach, from a short measurement of some of
 * its layers.
 *
 * What is measured is the forward pass itself, on random weights in the model's shape: a part of
 * its layers and of its head, small enough to be made in no time, too large for a cache. All layers
 * take the same time, and so do all rows of the head. Attention takes longer the deeper the context
 * is, in proportion, so layers are measured at the mean depth of the test. */
#include "engine/forecast.h"
#include <stdlib.h>
#include "base/alloc.h"
#include "engine/decoder.h"
#include "engine/shape_model.h"
#include "sys/clock.h"
#include "sys/memory.h"

/* ---- the arithmetic ---- */

/* Only the last token of a prompt has logits. */
double forecast_prompt(const struct config *c, const struct part_times *t) {
    return 1 / (c->n_layer * t->prompt + t->head / FORECAST_PROMPT);
}

double forecast_answer(const struct config *c, const struct part_times *t) {
    return 1 / (c->n_layer * t->token + t->head);
}

/* Four times as many tokens take at most four times as long, so each batch tells whether there is
 * time for the next. */
bool forecast_measure(struct part_times *out, layer_fn *layer, void *ctx) {
    const double part = 0.25, longest = 0.7;
    int n = 1;
    double last = out->token = layer(ctx, n, FORECAST_ANSWER / 2, part, &out->head);
    while (last >= 0 && n < FORECAST_BATCH && 4 * last < longest) {
        n *= 4;
        last = layer(ctx, n, (FORECAST_PROMPT - n) / 2, n < FORECAST_BATCH ? 0 : part, NULL);
    }
    out->prompt = last / n;
    return last >= 0;
}

/* ---- measuring ---- */

/* A part of a model, and how far its measurement is. */
struct probe {
    struct qw_model *m;
    struct decoder *decoder;
    float *logits;
    int n_vocab;                /* of the whole model */
    const qw_load_params *params;
    double begun, seconds;      /* of this measurement: its begin, and how long it may take */
    int layers;                 /* that have begun in it */
    bool cancelled;
};

enum { MOST_LAYERS = 100000 };  /* for clocks that stand still */

static bool is_over(void *user) {
    struct probe *p = user;
    const qw_load_params *q = p->params;
    if (q->progress && q->progress(q->user, 0, 0) != 0) p->cancelled = true;
    bool enough = p->layers > 0 && clock_since(p->begun) >= p->seconds;
    if (p->cancelled || enough || p->layers == MOST_LAYERS) return true;
    p->layers++;
    return false;
}

static double time_head(struct probe *p) {
    const double started = clock_seconds();
    decoder_logits(p->decoder, 0, 1, p->logits, NULL);
    return clock_since(started);
}

static double time_layers(void *ctx, int n, int pos, double seconds, double *head) {
    struct probe *p = ctx;
    int32_t ids[FORECAST_BATCH];
    int heads = 0;
    double in_heads = 0;
    bool over = false;
    for (int i = 0; i < n; i++) ids[i] = i;
    struct pool *pool = n == 1 ? p->m->pool : p->m->batch_pool;
    p->begun = clock_seconds();
    p->seconds = seconds;
    p->layers = 0;
    while (!over) {
        over = !decoder_forward(p->decoder, pool, ids, n, pos, is_over, p);
        if (!head || (over && heads > 0)) continue;
        in_heads += time_head(p);
        heads++;
    }
    if (head) *head = in_heads / heads * p->n_vocab / p->m->config.n_vocab;
    return p->cancelled ? -1 : (clock_since(p->begun) - in_heads) / p->layers;
}

/* ---- the part of a model ---- */

enum { MOST_BYTES = 256 << 20, FEWEST_IDS = 1024 };

/* The same part of its layers and of its head: what takes a quarter of the free memory at most. */
static void take_part(struct config *part, const struct config *c, enum packed_type type) {
    const uint64_t free_now = available_memory("");
    double room = free_now && free_now / 4 < MOST_BYTES ? (double)(free_now / 4) : MOST_BYTES;
    const double share = room / (double)shape_bytes(c, type);
    *part = *c;
    if (share >= 1) return;
    part->n_layer = (int)(c->n_layer * share);
    part->n_vocab = (int)(c->n_vocab * share) / PANEL * PANEL;
    if (part->n_layer < 1) part->n_layer = 1;
    if (part->n_vocab < FEWEST_IDS) part->n_vocab = FEWEST_IDS;
}

static int measure(struct probe *p, const char *shape, const struct config *c,
                   enum packed_type type, struct part_times *times, qw_error *err) {
    struct config part;
    take_part(&part, c, type);
    int rc = shape_model_of(&p->m, shape, &part, NULL, p->params, err);
    if (rc) return rc;
    rc = decoder_new(&p->decoder, &p->m->config, &p->m->weights, p->m->kernels, KV_Q8,
                     FORECAST_PROMPT, FORECAST_BATCH, err);
    p->logits = alloc_zero((uint64_t)part.n_vocab, sizeof *p->logits);
    if (!rc && !p->logits) rc = fail_memory(err, "the logits", (uint64_t)part.n_vocab * 4);
    if (!rc && !forecast_measure(times, time_layers, p))
        rc = fail(err, QW_ECANCEL, "the measurement was stopped");
    decoder_free(p->decoder);
    free(p->logits);
    qw_free(p->m);
    return rc;
}

int qw_forecast_shape(qw_forecast *out, const char *shape, const qw_load_params *params,
                      qw_error *err) {
    const uint64_t free_now = available_memory("");
    qw_load_params q = params ? *params : (qw_load_params){0};
    struct config c;
    struct part_times times;
    enum packed_type type;
    *out = (qw_forecast){0};
    if (!q.weight_type) q.weight_type = "q4";
    int rc = shape_config(&c, shape, err);
    if (!rc) rc = weight_type_from_name(&type, q.weight_type, err);
    if (!rc && type == NOT_PACKED)
        rc = fail(err, QW_EARG, "speeds are forecast with q8 and q4, not %s", q.weight_type);
    if (!rc) rc = decoder_memory(&c, KV_Q8, ATTN_TILE, FORECAST_BATCH, &out->position_bytes,
                                 &out->scratch_bytes, err);
    if (rc) return rc;
    out->position_bytes /= ATTN_TILE;
    out->weight_bytes = shape_bytes(&c, type);
    out->n_ctx_max = c.n_ctx_max;
    if (free_now && out->weight_bytes > free_now) return 0;
    struct probe p = {.params = &q, .n_vocab = c.n_vocab};
    rc = measure(&p, shape, &c, type, &times, err);
    if (rc) return rc;
    out->prompt_per_second = forecast_prompt(&c, &times);
    out->answer_per_second = forecast_answer(&c, &times);
    return 0;
}
