/* shape_model.h - models of random weights in any shape. */
#ifndef QW_SHAPE_MODEL_H
#define QW_SHAPE_MODEL_H
#include "engine/model.h"

/* What a shape's name stands for: "0.6b", "1.7b", "4b" are Qwen3's, "micro" has 0.1 M weights; the
 * name may end in "/LAYERS". QW_EARG. */
int shape_config(struct config *out, const char *name, qw_error *err);

/* Bytes of the weights, and of those of a layer. */
uint64_t shape_bytes(const struct config *c, enum packed_type type);
uint64_t shape_layer_bytes(const struct config *c, enum packed_type type);

/* qw_load_shape with a model of this config, which is called `shape`. */
int shape_model_of(qw_model **out, const char *shape, const struct config *c, const char *file,
                   const qw_load_params *p, qw_error *err);

#endif
