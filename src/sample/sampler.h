/* sampler.h - from logits to a token. Knows no model; the same inputs and seed give the same
 * token on every machine. */
#ifndef QW_SAMPLER_H
#define QW_SAMPLER_H
#include "base/error.h"

struct sampler;

/* Settings are checked (QW_EARG names the one outside its range) and copied. bias ids beyond
 * n_vocab are refused. */
int  sampler_new(struct sampler **out, const qw_sampling *settings, int n_vocab, qw_error *err);
void sampler_free(struct sampler *s);
/* Choose a token. logits[n_vocab] are changed. tokens[0..n_tokens) is the sequence so far, of
 * which those from `drawn` on were generated in this turn. */
int32_t sampler_draw(struct sampler *s, float *logits, const int32_t *tokens, size_t n_tokens,
                     size_t drawn);

#endif
