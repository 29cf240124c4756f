/* micro_model.h - a small model that no file is needed for. */
#ifndef QW_MICRO_MODEL_H
#define QW_MICRO_MODEL_H
#include "engine/model.h"

/* A model of random weights, the same ones everywhere, packed by these kernels as `type`, or left
 * as BF16; free it with qw_free. It has no tokenizer and no end token. QW_ENOMEM. */
int micro_model(struct qw_model **out, const struct kernels *k, enum packed_type type,
                qw_error *err);

#endif
