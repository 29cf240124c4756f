/* sampler.h - from logits to a token: the same one on every machine for the same inputs and
 * seed. */
#ifndef QW_SAMPLER_H
#define QW_SAMPLER_H
#include "base/error.h"

struct sampler;

/* Checks the settings (QW_EARG names the one that is out of range, also a bias for an id beyond
 * n_vocab) and copies them. QW_ENOMEM. Free with sampler_free. */
int  sampler_new(struct sampler **out, const qw_sampling *settings, int n_vocab, qw_error *err);
void sampler_free(struct sampler *s);
/* Chooses a token. Changes logits[n_vocab]. tokens[0..n_tokens) is the sequence so far, of which
 * the tokens from index `drawn` on were generated in this turn. */
int32_t sampler_draw(struct sampler *s, float *logits, const int32_t *tokens, size_t n_tokens,
                     size_t drawn);

#endif
