/* model_type.h - what kind of model it is, in three words. */
#ifndef QW_MODEL_TYPE_H
#define QW_MODEL_TYPE_H
#include "qw.h"

/* "qwen3 0.6B q4", as llama.cpp puts it: the official name of the size where it is one of Qwen3's
 * shapes, or else the number of parameters. */
enum { MODEL_TYPE = 64 };
void model_type(const qw_model_info *info, char out[MODEL_TYPE]);

#endif
