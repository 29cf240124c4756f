/* model.h - what a model is, for the files of the engine. Programs see include/qw.h. */
#ifndef QW_MODEL_H
#define QW_MODEL_H
#include "chat/template_probe.h"
#include "engine/chat_templates.h"
#include "kernels/dispatch.h"
#include "model/config.h"
#include "model/model_files.h"
#include "model/safetensors.h"
#include "base/warnings.h"
#include "model/weights.h"
#include "sample/loop_guard.h"
#include "sys/threads.h"
#include "text/tokenizer.h"

struct qw_model {
    char *path;
    struct config config;
    struct checkpoint checkpoint;
    struct weights weights;                 /* may point into checkpoint */
    const struct kernels *kernels;
    struct pool *pool, *batch_pool;         /* may be the same */
    int n_threads, n_threads_batch;
    int batch_from;                         /* tokens in a pass from which on it is batch_pool's */
    struct tokenizer *tokenizer;            /* NULL: tokenizer_error says why */
    qw_error tokenizer_error;
    struct chat_templates templates;
    struct jinja *template;                 /* the model's own; NULL: template_error says why */
    struct template_traits traits;          /* of it */
    qw_error template_error;
    struct loop_classes *loop_classes;      /* for guards; NULL until the first is wanted */
    struct warnings warnings;               /* about its files */
    qw_model_info info;
};

/* Load everything, but leave the weights as the file has them, and info empty. Errors as for
 * qw_load. */
int load_unprepared(qw_model **out, const char *path, const qw_load_params *p, qw_error *err);

/* Start as many threads as p says. QW_EARG, QW_ENOMEM. */
int  model_start_threads(struct qw_model *m, const qw_load_params *p, qw_error *err);
/* Fill in info, once all the rest is there. */
void model_fill_info(struct qw_model *m);

/* Load the tokenizer and the chat templates, and add the tokenizer's end token to the config's. A
 * tokenizer that is missing or not supported, or a template that is missing or wrong, is no error
 * until it is needed; a broken file is. */
int  load_text_side(struct qw_model *m, const struct model_files *files, qw_error *err);

#endif
