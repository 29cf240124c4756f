/* rope.h - rotary positions: what config.json says of them, and the frequencies. */
#ifndef QW_ROPE_H
#define QW_ROPE_H
#include "model/config.h"

struct doc;

/* Fill rope_theta and yarn from rope_theta, rope_scaling and rope_parameters, as transformers 5
 * decides where they contradict each other. c->n_ctx_max must be known; yarn may raise it.
 * QW_EUNSUPPORTED for types and keys that are not supported. */
int rope_read(struct config *c, const struct doc *s);

/* inv_freq[head_dim / 2] and the factor on cos and sin: plain RoPE (Su et al. 2021) or YaRN (Peng
 * et al. 2023) as in transformers' modeling_rope_utils.py. */
void rope_frequencies(const struct config *c, double *inv_freq, double *attention_factor);

#endif
