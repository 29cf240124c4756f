/* session.c - sessions: a sequence of tokens, what the cache holds of it, and the next token. */
#include "engine/session.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "sys/memory.h"

enum {
    DEFAULT_BATCH = 64,
    /* A cache without a fixed size begins with FIRST positions, doubles up to PLAN_CONTEXT and goes
     * on in steps of that. */
    FIRST_CONTEXT = 512
};

static const char *const kv_names[N_KV_TYPES] = {
    [KV_F32] = "f32", [KV_F16] = "f16", [KV_Q8] = "q8"};

static int kv_type_from_name(enum kv_type *out, const char *name, qw_error *err) {
    for (int i = 0; i < N_KV_TYPES; i++) {
        if (strcmp(name, kv_names[i]) != 0) continue;
        *out = (enum kv_type)i;
        return 0;
    }
    return fail(err, QW_EARG, "unknown KV cache type '%s' (f32, f16 or q8)", name);
}

/* The sizes and the cache type that the parameters stand for; n_ctx 0 stays 0. params may be
 * NULL. */
static int resolve_params(const struct qw_model *m, const qw_session_params *params, int *n_ctx,
                          int *n_batch, enum kv_type *kv, qw_error *err) {
    const qw_session_params none = {0}, *p = params ? params : &none;
    const int most = p->n_ctx ? p->n_ctx : m->config.n_ctx_max;
    *n_ctx = p->n_ctx;
    *n_batch = p->n_batch ? p->n_batch : DEFAULT_BATCH;
    if (*n_batch > most && most > 0) *n_batch = most;
    *kv = m->weights.type == NOT_PACKED ? KV_F32 : KV_Q8;
    return p->kv_type ? kv_type_from_name(kv, p->kv_type, err) : 0;
}

int qw_session_memory(const qw_model *m, const qw_session_params *params, uint64_t *cache,
                      uint64_t *scratch, qw_error *err) {
    int n_ctx, n_batch;
    enum kv_type kv;
    int rc = resolve_params(m, params, &n_ctx, &n_batch, &kv, err);
    if (n_ctx == 0) n_ctx = planned_context(&m->config, params ? params->n_ctx_plan : 0);
    return rc ? rc : decoder_memory(&m->config, kv, n_ctx, n_batch, cache, scratch, err);
}

/* Refuse what cannot fit before any of it is allocated; say how much would fit. */
static int check_fits(const struct qw_session *s, int n_ctx, qw_error *err) {
    uint64_t cache, scratch, free_now = available_memory("");
    int rc = decoder_memory(&s->m->config, s->kv, n_ctx, s->n_batch, &cache, &scratch, err);
    if (rc || free_now == 0 || cache + scratch <= free_now) return rc;
    uint64_t fits = 0;
    if (free_now > scratch) fits = (free_now - scratch) / (cache / (uint64_t)n_ctx + 1);
    return fail(err, QW_ENOMEM,
                "a context of %d positions takes %" PRIu64 " MB of cache and %" PRIu64
                " MB of scratch; %" PRIu64 " MB are available: about %" PRIu64 " positions fit",
                n_ctx, cache / 1000000, scratch / 1000000, free_now / 1000000, fits);
}

static int new_parts(struct qw_session *s, qw_error *err) {
    const struct qw_model *m = s->m;
    const uint64_t n_vocab = (uint64_t)m->weights.n_vocab;
    const qw_sampling sampling = qw_default_sampling(m, 1);
    int rc = decoder_new(&s->decoder, &m->config, &m->weights, m->kernels, s->kv, s->n_room,
                         s->n_batch, err);
    if (!rc) rc = sampler_new(&s->sampler, &sampling, m->weights.n_vocab, err);
    if (rc) return rc;
    s->tokens = alloc_zero((uint64_t)s->n_room, sizeof *s->tokens);
    s->logits = alloc_zero(n_vocab, sizeof *s->logits);
    return s->tokens && s->logits ? 0
                                  : fail_memory(err, "the session", n_vocab * sizeof *s->logits);
}

int qw_session_new(qw_session **out, qw_model *m, const qw_session_params *params, qw_error *err) {
    *out = NULL;
    struct qw_session *s = alloc_zero(1, sizeof *s);
    if (!s) return fail_memory(err, "the session", sizeof *s);
    s->m = m;
    if (params) {
        s->progress = params->progress;
        s->user = params->user;
    }
    int rc = resolve_params(m, params, &s->n_ctx, &s->n_batch, &s->kv, err);
    int plan = planned_context(&m->config, params ? params->n_ctx_plan : 0);
    if (!rc) rc = check_fits(s, s->n_ctx ? s->n_ctx : plan, err);
    s->n_room = s->n_ctx;
    if (s->n_ctx == 0) {
        s->n_ctx = m->config.n_ctx_max;
        s->n_room = s->n_ctx < FIRST_CONTEXT ? s->n_ctx : FIRST_CONTEXT;
    }
    if (!rc) rc = new_parts(s, err);
    if (rc) qw_session_free(s);
    else *out = s;
    return rc;
}

void qw_session_free(qw_session *s) {
    if (!s) return;
    decoder_free(s->decoder);
    sampler_free(s->sampler);
    free(s->tokens);
    free(s->logits);
    free(s);
}

int qw_session_set_sampling(qw_session *s, const qw_sampling *sampling, qw_error *err) {
    struct sampler *fresh;
    int rc = sampler_new(&fresh, sampling, s->m->weights.n_vocab, err);
    if (rc) return rc;
    sampler_free(s->sampler);
    s->sampler = fresh;
    return 0;
}

/* ---- room ---- */

/* Take the room for `room` positions, if there is memory for what is more than now. */
static int take_room(struct qw_session *s, int room, qw_error *err) {
    const struct config *c = &s->m->config;
    uint64_t more = kv_cache_size(c, s->kv, room) - kv_cache_size(c, s->kv, s->n_room);
    uint64_t free_now = available_memory("");
    if (free_now && more > free_now)
        return fail(err, QW_ECONTEXT,
                    "the context cannot grow to %d positions: that takes %" PRIu64
                    " MB more, and %" PRIu64 " MB are available",
                    room, more / 1000000, free_now / 1000000);
    int32_t *tokens = realloc(s->tokens, (size_t)room * sizeof *tokens);
    if (tokens) s->tokens = tokens;
    if (!tokens || decoder_grow(s->decoder, room, NULL))
        return fail(err, QW_ECONTEXT, "there is no memory for a context of %d positions", room);
    s->n_room = room;
    return 0;
}

int session_grow(struct qw_session *s, size_t n, qw_error *err) {
    int room = s->n_room, least = (int)n;
    if (n <= (size_t)room) return 0;
    while (room < least) room = room < PLAN_CONTEXT ? 2 * room : room + PLAN_CONTEXT;
    if (room > s->n_ctx) room = s->n_ctx;
    int rc = take_room(s, room, err);
    /* a whole step does not fit, but a tile may */
    least = (least + ATTN_TILE - 1) / ATTN_TILE * ATTN_TILE;
    if (rc == 0 || room <= least) return rc;
    return take_room(s, least, err);
}

/* ---- tokens in and out ---- */

/* Who watches a long computation, and how far it is. */
struct watch {
    struct qw_session *s;
    size_t done, all;           /* tokens */
};

static bool asks_to_stop(void *user) {
    const struct watch *w = user;
    const struct qw_session *s = w->s;
    return s->progress && s->progress(s->user, w->done, w->all) != 0;
}

/* Compute tokens [n_cached .. n_tokens), batch by batch. If it is stopped, the first `keep` tokens
 * stay, computed or not, and those that were. */
static int run_pending(struct qw_session *s, size_t keep, qw_error *err) {
    size_t start = s->n_cached;
    struct watch watch = {s, 0, s->n_tokens - start};
    while (s->n_cached < s->n_tokens) {
        size_t n = s->n_tokens - s->n_cached;
        if (n > (size_t)s->n_batch) n = (size_t)s->n_batch;
        struct pool *pool = (int)n < s->m->batch_from ? s->m->pool : s->m->batch_pool;
        if (!decoder_forward(s->decoder, pool, s->tokens + s->n_cached, (int)n, (int)s->n_cached,
                             asks_to_stop, &watch)) {
            s->logits_valid = false;
            s->n_tokens = s->n_cached > keep ? s->n_cached : keep;
            return fail(err, QW_ECANCEL, "stopped after %zu tokens", watch.done);
        }
        s->pass_first = s->n_cached;
        s->n_cached += n;
        s->logits_valid = true;
        watch.done = s->n_cached - start;
    }
    return 0;
}

int session_append(struct qw_session *s, const int32_t *ids, size_t n, qw_error *err) {
    const int n_vocab = s->m->weights.n_vocab;
    if (n > (size_t)s->n_ctx - s->n_tokens)
        return fail(err, QW_ECONTEXT,
                    "%zu tokens after %zu do not fit in the context of %d positions", n,
                    s->n_tokens, s->n_ctx);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= n_vocab)
            return fail(err, QW_EARG,
                        "token id %" PRId32 " (number %zu) is outside the vocabulary (0 to %d)",
                        ids[i], i, n_vocab - 1);
    const size_t before = s->n_tokens;
    int rc = session_grow(s, before + n, err);
    if (rc) return rc;
    if (n) memcpy(s->tokens + s->n_tokens, ids, n * sizeof *ids);
    s->n_tokens += n;
    return run_pending(s, before, err);
}

int qw_feed(qw_session *s, const int32_t *ids, size_t n, qw_error *err) {
    int rc = session_append(s, ids, n, err);
    if (rc == 0 || rc == QW_ECANCEL) s->drawn = s->n_tokens;
    return rc;
}

int qw_next(qw_session *s, int32_t *id, qw_error *err) {
    if (s->n_tokens == 0) return fail(err, QW_EARG, "no tokens yet: there is nothing to continue");
    if (s->n_tokens == (size_t)s->n_ctx)
        return fail(err, QW_ECONTEXT, "the context of %d positions is full", s->n_ctx);
    int rc = session_grow(s, s->n_tokens + 1, err);
    if (rc) return rc;
    /* compute the last token again */
    if (!s->logits_valid && s->n_cached == s->n_tokens) s->n_cached--;
    rc = run_pending(s, s->n_tokens, err);
    if (!rc)
        rc = decoder_logits(s->decoder, (int)(s->n_cached - 1 - s->pass_first), 1, s->logits, err);
    if (rc) return rc;
    *id = sampler_draw(s->sampler, s->logits, s->tokens, s->n_tokens, s->drawn);
    for (int i = 0; i < s->m->config.n_eos; i++)
        if (s->m->config.eos[i] == *id) return 0;
    s->tokens[s->n_tokens++] = *id;
    return 1;
}

int qw_rewind(qw_session *s, size_t n, qw_error *err) {
    if (n > s->n_tokens) return fail(err, QW_EARG, "cannot keep %zu of %zu tokens", n, s->n_tokens);
    s->n_tokens = n;
    if (s->drawn > n) s->drawn = n;
    if (s->n_cached > n) {
        s->n_cached = n;
        s->logits_valid = false;
    }
    return 0;
}

int qw_logits(qw_session *s, size_t first, size_t count, float *out, qw_error *err) {
    size_t begin = s->logits_valid ? s->pass_first : s->n_cached;
    if (first < begin || first > s->n_cached || count > s->n_cached - first)
        return fail(err, QW_EARG,
                    "positions %zu to %zu are not in the last pass, which was %zu to %zu", first,
                    first + count, begin, s->n_cached);
    return decoder_logits(s->decoder, (int)(first - begin), (int)count, out, err);
}

/* ---- what a session is ---- */

size_t qw_n_tokens(const qw_session *s) { return s->n_tokens; }
const int32_t *qw_tokens(const qw_session *s) { return s->tokens; }
int qw_n_ctx(const qw_session *s) { return s->n_ctx; }
int qw_n_ctx_now(const qw_session *s) { return s->n_room; }
const char *qw_kv_type(const qw_session *s) { return kv_names[s->kv]; }

uint64_t qw_bytes_per_token(const qw_session *s, uint64_t positions) {
    const struct config *c = &s->m->config;
    const struct weights *w = &s->m->weights;
    const struct matrix *e = &w->embd;
    uint64_t bytes = w->bytes, row = matrix_size(e, 1);
    if (w->head.data != e->data) bytes -= matrix_size(e, e->rows) - row;
    return bytes + kv_cache_size(c, s->kv, c->n_ctx_max) / (uint64_t)c->n_ctx_max * positions;
}
