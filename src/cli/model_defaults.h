/* model_defaults.h - what a model's generation_config.json asks for, in words. */
#ifndef QW_MODEL_DEFAULTS_H
#define QW_MODEL_DEFAULTS_H
#include "cli/cli.h"

enum { DEFAULTS_TEXT = 512 };

/* "temperature 0.6, top-k 20, top-p 0.95; 3 tokens never drawn" */
void sampling_in_words(const qw_sampling *s, char out[DEFAULTS_TEXT]);
/* The stop texts, each as a JSON string, fit for a terminal; what is too long becomes "...". */
void stops_in_words(const qw_model_info *info, char out[DEFAULTS_TEXT]);

#endif
