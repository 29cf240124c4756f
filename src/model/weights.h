/* weights.h - the tensors of a checkpoint bound to their places in a Qwen3 decoder. Every name and
 * shape is checked here. */
#ifndef QW_WEIGHTS_H
#define QW_WEIGHTS_H
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/formats/format.h"
#include "model/safetensors.h"

/* A linear map y = W x: rows outputs, cols inputs. */
struct matrix {
    int rows, cols;
    enum packed_type packed;        /* NOT_PACKED: used as it is stored */
    /* packed: ceil(rows / 16) panels (kernels.h); else source.data */
    const unsigned char *data;
    /* the tensor in the file; format NULL where the file holds panels */
    struct source source;
};

/* Bytes of one panel, 16 packed rows of `cols` weights. */
static inline uint64_t panel_size(enum packed_type t, int cols) {
    return (uint64_t)n_super(cols) *
           (t == PACKED_Q4 ? sizeof(struct q4_super) : sizeof(struct q8_super));
}
static inline int64_t n_panels(int64_t rows) { return (rows + PANEL - 1) / PANEL; }

/* Bytes of a whole packed matrix, and the same rounded up to a multiple of 64, where the next one
 * begins. */
static inline uint64_t packed_size(enum packed_type t, int rows, int cols) {
    return (uint64_t)n_panels(rows) * panel_size(t, cols);
}
static inline uint64_t packed_room(enum packed_type t, int rows, int cols) {
    return (packed_size(t, rows, cols) + 63) & ~(uint64_t)63;
}

/* Bytes of the first `rows` rows of a matrix as it is used; of a packed one, of the panels that
 * hold them. */
static inline uint64_t matrix_size(const struct matrix *m, int64_t rows) {
    if (m->packed == NOT_PACKED) return source_size(&m->source, rows);
    return (uint64_t)n_panels(rows) * panel_size(m->packed, m->cols);
}

/* How weights are used: "bf16" (as stored), "q8", "q4". */
const char *weight_type_name(enum packed_type t);
/* QW_EARG: there is no such type. */
int weight_type_from_name(enum packed_type *out, const char *name, qw_error *err);

struct layer_weights {
    const float *attn_norm;         /* [n_embd]     input_layernorm */
    /* [n_head * head_dim][n_embd], twice [n_head_kv * head_dim][n_embd] */
    struct matrix q, k, v;
    const float *q_norm, *k_norm;   /* [head_dim]   shared by all heads */
    struct matrix o;                /* [n_embd][n_head * head_dim] */
    const float *ffn_norm;          /* [n_embd]     post_attention_layernorm */
    struct matrix gate, up;         /* [n_ff][n_embd] */
    struct matrix down;             /* [n_embd][n_ff] */
};

/* A tensor in its place: a matrix, or a norm vector of n floats. Name and path are the
 * checkpoint's. */
struct bound {
    const char *name, *path;
    struct matrix *matrix;          /* NULL: a norm vector */
    const float *norm;
    int n;
};

struct weights {
    struct matrix embd;             /* [n_vocab][n_embd] */
    struct layer_weights *layers;   /* [n_layer] */
    const float *norm;              /* [n_embd] */
    struct matrix head;             /* [n_vocab][n_embd]; the embedding itself when tied */
    float *norms;                   /* what the norm pointers point into */
    /* all of the above once each: the embedding, then the order of the forward pass */
    struct bound *bound;
    int n_bound;
    /* what matrices packed or widened while loading point into; NULL: they are in the checkpoint */
    unsigned char *own;
    enum packed_type type;          /* how all matrices are used */
    int n_vocab;                    /* rows of embd, which may be fewer or more than config says */
    uint64_t n_params;              /* of the tensors used, each counted once */
    uint64_t bytes;                 /* of those tensors, as they are used */
    const char *stored_type;        /* dtype of the matrices in the file, or "mixed" */
};

/* Bind the tensors of a checkpoint, with or without "model." before their names. A packed file's
 * matrices are used where they lie. The weights point into the checkpoint, which must outlive them.
 * What is in it and not used, or contradicts config.json, becomes a warning. compare_all: whether a
 * head equals the embedding is found out from all rows, not from 256 of them. QW_EFORMAT,
 * QW_EUNSUPPORTED or QW_ENOMEM; *w is then empty. */
int weights_bind(struct weights *w, const struct checkpoint *c, const struct config *cfg,
                 bool compare_all, struct warnings *warnings, qw_error *err);
void weights_free(struct weights *w);

#endif
