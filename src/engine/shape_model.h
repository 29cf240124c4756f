/* shape_model.h - models of given shapes with random weights: no file is needed for them. */
#ifndef QW_SHAPE_MODEL_H
#define QW_SHAPE_MODEL_H
#include "engine/model.h"

/* A model of this shape: "0.6b", "1.7b", "4b" are Qwen3's, "micro" has 0.1 M weights; "0.6b/2" has
 * the first two layers alone. Its weights are random, the same ones on every machine; it has no
 * tokenizer and no end token. Of params weight_type ("q8", "q4", "bf16"), cpu and threads count.
 * Free it with qw_free. QW_EARG: there is no such shape or type. QW_ENOMEM. */
int shape_model(struct qw_model **out, const char *shape, const qw_load_params *p, qw_error *err);

#endif
