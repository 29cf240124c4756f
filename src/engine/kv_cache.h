/* kv_cache.h - the keys and values of all positions so far, for every layer and key/value head.
 *
 * head h of layer l: | tile 0 | tile 1 | ... | 64 positions each; attention.inc draws a tile
 *
 * Each head's tiles are one block of memory that is read from front to back. The kernels' `store`
 * writes a position; once a session has computed n tokens, positions [0..n) are defined. The bytes
 * after them are zeros or leftovers of positions that were rewound, never uninitialised, and no
 * result depends on them. */
#ifndef QW_KV_CACHE_H
#define QW_KV_CACHE_H
#include <stdint.h>
#include "base/error.h"
#include "kernels/kernels.h"
#include "model/config.h"

struct kv_cache {
    enum kv_type type;
    int n_layer, n_head_kv, head_dim;
    int n_ctx;                      /* positions there is room for */
    unsigned char **heads;          /* [n_layer][n_head_kv]: the tiles of a head */
};

/* Bytes of a cache with room for n_ctx positions. */
uint64_t kv_cache_size(const struct config *c, enum kv_type type, int n_ctx);

/* Positions that must fit where a context has no fixed size: as many as will be needed, but at
 * least PLAN_CONTEXT, and no more than the model has. */
enum { PLAN_CONTEXT = 4096 };
int  planned_context(const struct config *c, int needed);

/* An empty cache without room. QW_ENOMEM. */
int  kv_cache_new(struct kv_cache *out, const struct config *c, enum kv_type type, qw_error *err);
/* Make room for n_ctx positions, rounded up to whole tiles; what is in the cache stays. Blocks may
 * move. QW_ENOMEM: the cache is as it was. */
int  kv_cache_grow(struct kv_cache *c, int n_ctx, qw_error *err);
void kv_cache_free(struct kv_cache *c);

/* All tiles of a head, for the kernels' store and attention. */
static inline void *kv_head(const struct kv_cache *c, int layer, int64_t head) {
    return c->heads[(int64_t)layer * c->n_head_kv + head];
}

#endif
