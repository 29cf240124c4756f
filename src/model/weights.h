/* weights.h - the tensors of a checkpoint bound to their places in a Qwen3 decoder. Every name and shape is checked here. */
#ifndef QW_WEIGHTS_H
#define QW_WEIGHTS_H
#include "model/config.h"
#include "kernels/kernels.h"
#include "model/safetensors.h"
#include "sys/threads.h"

/* A linear map y = W x: rows outputs, cols inputs; row-major in the mapped file, or panels (kernels.h) if the type is packed. */
struct matrix { const unsigned char *data; enum weight_type type; int rows, cols; };

static inline bool is_packed(enum weight_type t) { return t == WEIGHT_Q8 || t == WEIGHT_Q4; }
/* Bytes of a panel of 16 packed rows. */
static inline uint64_t panel_size(enum weight_type t, int cols) {
    return (uint64_t)n_super(cols) * (t == WEIGHT_Q4 ? sizeof(struct q4_super) : sizeof(struct q8_super));
}
/* Bytes of a whole matrix, and the room a packed one takes so that the next begins at a multiple of 64. */
uint64_t matrix_size(enum weight_type t, int rows, int cols);
static inline uint64_t matrix_room(enum weight_type t, int rows, int cols) { return (matrix_size(t, rows, cols) + 63) & ~(uint64_t)63; }

/* "bf16" (as stored), "q8", "q4" */
const char *weight_type_name(enum weight_type t);
int weight_type_from_name(enum weight_type *out, const char *name, qw_error *err);      /* QW_EARG */

struct layer_weights {
    const float *attn_norm;         /* [n_embd]     input_layernorm */
    struct matrix q, k, v;          /* [n_head * head_dim][n_embd], twice [n_head_kv * head_dim][n_embd] */
    const float *q_norm, *k_norm;   /* [head_dim]   shared by all heads */
    struct matrix o;                /* [n_embd][n_head * head_dim] */
    const float *ffn_norm;          /* [n_embd]     post_attention_layernorm */
    struct matrix gate, up;         /* [n_ff][n_embd] */
    struct matrix down;             /* [n_embd][n_ff] */
};

/* A tensor in its place: a matrix, or a norm vector of n floats. Name and path of the file are the checkpoint's. */
struct bound { const char *name, *path; struct matrix *matrix; const float *norm; int n; };

struct weights {
    struct matrix embd;             /* [n_vocab][n_embd] */
    struct layer_weights *layers;   /* n_layer */
    const float *norm;              /* [n_embd] */
    struct matrix head;             /* [n_vocab][n_embd]; the embedding itself when tied */
    float *norms;                   /* what the norm pointers point into */
    struct bound *bound;            /* all of the above, once each, in the order of the forward pass but for the embedding */
    int n_bound;
    unsigned char *packed;          /* what matrices packed while loading point into; NULL: they are in the checkpoint */
    enum weight_type type;          /* of the matrices: WEIGHT_BF16 stands for "as stored" */
    int n_vocab;                    /* rows of embd, which may be fewer or more than config says */
    uint64_t n_params, bytes;       /* of the tensors used, each once */
    const char *stored_type;        /* "BF16", "F16", "F32" or "mixed": the matrices */
};

/* Names may begin with "model." or not. A packed file's matrices are used where they lie. The weights point into the checkpoint, which
 * must outlive them. */
int  weights_bind(struct weights *w, const struct checkpoint *c, const struct config *cfg, qw_error *err);

void weights_free(struct weights *w);

#endif
