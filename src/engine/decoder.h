/* decoder.h - the Qwen3 decoder: one forward pass for any number of tokens, and the KV cache it
 * appends to. */
#ifndef QW_DECODER_H
#define QW_DECODER_H
#include "engine/kv_cache.h"
#include "model/config.h"
#include "sys/threads.h"
#include "model/weights.h"

struct decoder;

/* Bytes that decoder_new would allocate. QW_EARG when n_ctx or n_batch is out of range. */
int decoder_memory(const struct config *c, enum kv_type kv, int n_ctx, int n_batch, uint64_t *cache,
                   uint64_t *scratch, qw_error *err);
/* A decoder with an empty cache for n_ctx positions that takes up to n_batch tokens in a pass.
 * Config and weights must outlive it. */
int decoder_new(struct decoder **out, const struct config *c, const struct weights *w,
                const struct kernels *k, enum kv_type kv, int n_ctx, int n_batch, qw_error *err);
void decoder_free(struct decoder *d);
/* Make room in the cache for n_ctx positions; what is in it stays. QW_ENOMEM: nothing has
 * changed. */
int  decoder_grow(struct decoder *d, int n_ctx, qw_error *err);

/* Run tokens ids[0..n), 1 <= n <= n_batch, at positions [pos..pos+n), pos + n <= n_ctx; the cache
 * holds the keys and values of positions [0..pos). Ids must lie in the vocabulary. Leaves the last
 * layer's output of all n tokens for decoder_logits. stop is asked before each layer, and ends the
 * pass by true: then the result is false, and nothing is left. NULL: nobody asks. The threads of
 * pool compute the pass and its logits. */
bool decoder_forward(struct decoder *d, struct pool *pool, const int32_t *ids, int n, int pos,
                     bool (*stop)(void *user), void *user);
/* Logits of tokens [first..first+count) of the last pass: out[count][n_vocab]. QW_ENUMERIC when one
 * is not finite. */
int  decoder_logits(struct decoder *d, int first, int count, float *out, qw_error *err);

/* The panels of 16 rows that a thread claims at least, of a product of `all` panels by so many
 * threads. */
int64_t panels_at_once(int64_t all, uint64_t panel_bytes, int threads);

#endif
