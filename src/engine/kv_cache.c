/* kv_cache.c - the keys and values of all positions so far. */
#include "engine/kv_cache.h"
#include <inttypes.h>
#include <stdlib.h>
#include "base/alloc.h"

/* Bytes of one head's tiles; at most 2^33 by the limits of config.c. */
static uint64_t head_size(enum kv_type type, int head_dim, int n_ctx) {
    uint64_t tiles = ((uint64_t)n_ctx + ATTN_TILE - 1) / ATTN_TILE;
    return tiles * (uint64_t)kv_tile_size(type, head_dim);
}

uint64_t kv_cache_size(const struct config *c, enum kv_type type, int n_ctx) {
    return (uint64_t)c->n_layer * (uint64_t)c->n_head_kv * head_size(type, c->head_dim, n_ctx);
}

int planned_context(const struct config *c, int needed) {
    if (needed < PLAN_CONTEXT) needed = PLAN_CONTEXT;
    return needed < c->n_ctx_max ? needed : c->n_ctx_max;
}

int kv_cache_new(struct kv_cache *out, const struct config *c, enum kv_type type, qw_error *err) {
    *out = (struct kv_cache){
        .type = type, .n_layer = c->n_layer, .n_head_kv = c->n_head_kv, .head_dim = c->head_dim,
    };
    uint64_t n = (uint64_t)c->n_layer * (uint64_t)c->n_head_kv;
    out->heads = alloc_zero(n, sizeof *out->heads);
    return out->heads ? 0 : fail_memory(err, "the KV cache", n * sizeof *out->heads);
}

int kv_cache_grow(struct kv_cache *c, int n_ctx, qw_error *err) {
    const uint64_t old = head_size(c->type, c->head_dim, c->n_ctx);
    const uint64_t size = head_size(c->type, c->head_dim, n_ctx);
    const int64_t n = (int64_t)c->n_layer * c->n_head_kv;
    for (int64_t i = 0; i < n; i++) {
        void *p = pages_resize(c->heads[i], old, size);
        if (p) {
            c->heads[i] = p;
            continue;
        }
        while (i-- > 0) c->heads[i] = pages_resize(c->heads[i], size, old);     /* cannot fail */
        return fail_memory(err, "the KV cache", (uint64_t)n * size);
    }
    c->n_ctx = n_ctx;
    return 0;
}

void kv_cache_free(struct kv_cache *c) {
    const uint64_t size = head_size(c->type, c->head_dim, c->n_ctx);
    for (int64_t i = 0; c->heads && i < (int64_t)c->n_layer * c->n_head_kv; i++)
        pages_resize(c->heads[i], size, 0);
    free(c->heads);
    *c = (struct kv_cache){0};
}
