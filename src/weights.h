/* weights.h - L2: the tensors of a checkpoint bound to their places in a Qwen3 decoder. Every name and shape is checked here. */
#ifndef QW_WEIGHTS_H
#define QW_WEIGHTS_H
#include "config.h"
#include "kernels/kernels.h"
#include "safetensors.h"

/* A linear map y = W x: rows outputs, cols inputs, row-major in the mapped file. */
struct matrix { const unsigned char *data; enum weight_type type; int rows, cols; };

struct layer_weights {
    const float *attn_norm;         /* [n_embd]     input_layernorm */
    struct matrix q, k, v;          /* [n_head * head_dim][n_embd], twice [n_head_kv * head_dim][n_embd] */
    const float *q_norm, *k_norm;   /* [head_dim]   shared by all heads */
    struct matrix o;                /* [n_embd][n_head * head_dim] */
    const float *ffn_norm;          /* [n_embd]     post_attention_layernorm */
    struct matrix gate, up;         /* [n_ff][n_embd] */
    struct matrix down;             /* [n_embd][n_ff] */
};

struct weights {
    struct matrix embd;             /* [n_vocab][n_embd] */
    struct layer_weights *layers;   /* n_layer */
    const float *norm;              /* [n_embd] */
    struct matrix head;             /* [n_vocab][n_embd]; the embedding itself when tied */
    float *norms;                   /* what the norm pointers point into */
    int n_vocab;                    /* rows of embd, which may be fewer or more than config says */
    uint64_t n_params, bytes;       /* of the tensors used, each once */
    const char *stored_type;        /* "BF16", "F16", "F32" or "mixed": the matrices */
};

/* Names may begin with "model." or not. The weights point into the checkpoint, which must outlive them. */
int  weights_bind(struct weights *w, const struct checkpoint *c, const struct config *cfg, qw_error *err);
void weights_free(struct weights *w);

#endif
