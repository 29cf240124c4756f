/* engine.h - what engine.c and chat.c share of a model. Everything else goes through qw.h. */
#ifndef QW_ENGINE_H
#define QW_ENGINE_H
#include "model/config.h"
#include "kernels/dispatch.h"
#include "engine/decoder.h"
#include "sys/memory.h"
#include "model/packing.h"
#include "model/safetensors.h"
#include "sample/sampler.h"
#include "chat/template.h"
#include "sys/threads.h"
#include "text/tokenizer.h"
#include "sys/topology.h"
#include "model/weights.h"

struct qw_model {
    char *path;
    struct config config;
    struct checkpoint checkpoint;
    struct weights weights;                 /* points into checkpoint */
    const struct kernels *kernels;
    struct pool *pool;
    int n_threads, n_threads_batch;
    struct tokenizer *tokenizer;            /* NULL: tokenizer_error tells why */
    qw_error tokenizer_error;
    bool has_template;                      /* false: template_error tells why */
    enum chat_template chat_template;
    qw_error template_error;
    qw_model_info info;
};

/* A model's own chat template: chat_template.jinja, else "chat_template" of tokenizer_config.json. Messages begin with the path. */
int detect_template(enum chat_template *out, const struct companions *files, qw_error *err);

const struct qw_model *qw_session_model(const qw_session *s);

#endif
