/* shape_model.h - models of given shapes with random weights: no file is needed for them. */
#ifndef QW_SHAPE_MODEL_H
#define QW_SHAPE_MODEL_H
#include "engine/model.h"

/* A model of this shape: "0.6b", "1.7b", "4b" are Qwen3's, "micro" has 0.1 M weights; "0.6b/2" has
 * the first two layers alone. Its weights are random, the same ones on every machine; it has no
 * tokenizer and no end token. Of params weight_type ("q8", "q4", "bf16"), cpu and threads count.
 * Free it with qw_free. QW_EARG: there is no such shape or type. QW_ENOMEM. */
int shape_model(struct qw_model **out, const char *shape, const qw_load_params *p, qw_error *err);

/* Its parts, for shapes between those: what such a name stands for (QW_EARG), the bytes of the
 * weights and of those of one layer, and a model of this config that is called `shape`. */
int shape_config(struct config *out, const char *name, qw_error *err);
uint64_t shape_bytes(const struct config *c, enum packed_type type);
uint64_t shape_layer_bytes(const struct config *c, enum packed_type type);
int shape_model_of(struct qw_model **out, const char *shape, const struct config *c,
                   const qw_load_params *p, qw_error *err);

#endif
