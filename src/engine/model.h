/* model.h - what a model is, for the files of the engine. Programs see include/qw.h. */
#ifndef QW_MODEL_H
#define QW_MODEL_H
#include "chat/template.h"
#include "kernels/dispatch.h"
#include "model/config.h"
#include "model/model_files.h"
#include "model/safetensors.h"
#include "model/weights.h"
#include "sys/threads.h"
#include "text/tokenizer.h"

struct qw_model {
    char *path;
    struct config config;
    struct checkpoint checkpoint;
    struct weights weights;                 /* may point into checkpoint */
    const struct kernels *kernels;
    struct pool *pool;
    int n_threads, n_threads_batch;
    struct tokenizer *tokenizer;            /* NULL: tokenizer_error says why */
    qw_error tokenizer_error;
    bool has_template;                      /* false: template_error says why */
    enum chat_template chat_template;
    qw_error template_error;
    qw_model_info info;
};

/* A model's own chat template: chat_template.jinja, else "chat_template" of tokenizer_config.json.
 * Messages begin with the path. */
int  detect_template(enum chat_template *out, const struct model_files *files, qw_error *err);

/* Load everything, but leave the weights as the file has them, and info empty. Errors as for
 * qw_load. */
int load_unprepared(qw_model **out, const char *path, const qw_load_params *p, qw_error *err);

/* Load the tokenizer and the template, and add the tokenizer's end token to the config's. A missing
 * tokenizer, or a missing or unknown template, is no error until it is needed; a broken file is. */
int  load_text_side(struct qw_model *m, const struct model_files *files, qw_error *err);

#endif
