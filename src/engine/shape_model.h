/* shape_model.h - models of given shapes with random weights: no file is needed for them. */
#ifndef QW_SHAPE_MODEL_H
#define QW_SHAPE_MODEL_H
#include "engine/model.h"

/* What the name of a shape stands for: "0.6b", "1.7b", "4b" are Qwen3's, "micro" has 0.1 M weights;
 * "0.6b/2" has the first two layers alone. QW_EARG: there is no such shape. */
int shape_config(struct config *out, const char *name, qw_error *err);
/* The bytes of the weights and of those of one layer. */
uint64_t shape_bytes(const struct config *c, enum packed_type type);
uint64_t shape_layer_bytes(const struct config *c, enum packed_type type);
/* qw_load_shape with this config; the model is called `shape`. */
int shape_model_of(struct qw_model **out, const char *shape, const struct config *c,
                   const char *file, const qw_load_params *p, qw_error *err);

#endif
