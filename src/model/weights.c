/* weights.c - the tensors of a checkpoint bound to their places in a Qwen3 decoder. */
#include "model/weights.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "model/packed_description.h"

const char *weight_type_name(enum packed_type t) {
    static const char *const names[N_PACKED_TYPES] = {[PACKED_Q8] = "q8", [PACKED_Q4] = "q4"};
    return t == NOT_PACKED ? "bf16" : names[t];
}

int weight_type_from_name(enum packed_type *out, const char *name, qw_error *err) {
    for (int t = NOT_PACKED; t < N_PACKED_TYPES; t++) {
        if (strcmp(name, weight_type_name((enum packed_type)t)) != 0) continue;
        *out = (enum packed_type)t;
        return 0;
    }
    return fail(err, QW_EARG, "unknown weight type '%s' (auto, bf16 (as stored), q8 or q4)", name);
}

struct binder {
    struct weights *w;
    const struct checkpoint *c;
    const struct config *cfg;
    struct packed_description packed;
    const char *prefix;             /* "model." or "" */
    float *next_norm;               /* free part of w->norms */
    qw_error *err;
};

/* ---- one tensor ---- */

static int missing(const struct binder *b, const char *name) {
    return fail(b->err, QW_EFORMAT, "%s: tensor '%s' is missing", b->c->paths[0], name);
}

/* "[3, 5]", of at most TENSOR_DIMS dimensions. */
static void print_shape(char *out, size_t size, const struct tensor *t) {
    int n = snprintf(out, size, "[");
    for (int i = 0; i < t->n_dims && i < TENSOR_DIMS; i++)
        n += snprintf(out + n, size - (size_t)n, "%s%" PRIu64, i ? ", " : "", t->shape[i]);
    snprintf(out + n, size - (size_t)n, "]");
}

/* The tensor of this name and its format. It must be [rows][cols], or [rows] when cols is 0; with
 * rows 0 any number of rows will do. */
static int find(struct binder *b, const char *name, int rows, int cols, const struct tensor **out,
                const struct format **format) {
    const struct tensor *t = checkpoint_find(b->c, name);
    if (!t) return missing(b, name);
    const char *path = b->c->paths[t->file];
    *format = format_of(t->type_name);
    if (!*format) {
        char supported[96];
        list_formats(supported, sizeof supported);
        return fail(b->err, QW_EUNSUPPORTED, "%s: tensor '%s' has type %.20s (supported: %s)", path,
                    name, t->type_name, supported);
    }
    bool fits = t->n_dims == (cols ? 2 : 1) && (!rows || t->shape[0] == (uint64_t)rows) &&
                (!cols || t->shape[1] == (uint64_t)cols);
    if (!fits) {
        char want[48], have[96];
        print_shape(have, sizeof have, t);
        if (!cols) snprintf(want, sizeof want, "%d", rows);
        else if (rows) snprintf(want, sizeof want, "%d, %d", rows, cols);
        else snprintf(want, sizeof want, "vocabulary, %d", cols);
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' has shape %s, expected [%s]", path, name,
                    have, want);
    }
    b->w->n_params += cols ? t->shape[0] * t->shape[1] : t->shape[0];
    b->w->bytes += t->size;
    *out = t;
    return 0;
}

static void remember(struct binder *b, const struct tensor *t, struct matrix *m, const float *norm,
                     int n) {
    const char *path = b->c->paths[t->file];
    b->w->bound[b->w->n_bound++] = (struct bound){t->name, path, m, norm, n};
}

static int bind_packed(struct binder *b, struct matrix *m, const char *name, int rows, int cols) {
    const struct tensor *t = checkpoint_find(b->c, name);
    const char *path = b->c->paths[0];
    const enum packed_type type = b->packed.type;
    if (!t) return missing(b, name);
    if (rows == 0) rows = b->packed.n_vocab;
    uint64_t size = packed_room(type, rows, cols);
    if (strcmp(t->type_name, "U8") != 0 || t->size != size)
        return fail(b->err, QW_EFORMAT,
                    "%s: tensor '%s' has %" PRIu64 " bytes of type %.20s, expected %" PRIu64
                    " of type U8",
                    path, name, t->size, t->type_name, size);
    if ((uintptr_t)t->data % 64 != 0)
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' is not aligned to 64 bytes", path, name);
    *m = (struct matrix){.rows = rows, .cols = cols, .packed = type, .data = t->data};
    remember(b, t, m, NULL, 0);
    b->w->n_params += (uint64_t)rows * (uint64_t)cols;
    b->w->bytes += size;
    return 0;
}

static int bind_matrix(struct binder *b, struct matrix *m, const char *name, int rows, int cols) {
    const struct tensor *t = NULL;
    const struct format *format = NULL;
    if (b->packed.type != NOT_PACKED) return bind_packed(b, m, name, rows, cols);
    int rc = find(b, name, rows, cols, &t, &format);
    if (rc) return rc;
    if (rows == 0 && (t->shape[0] == 0 || t->shape[0] > MAX_VOCAB))
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' has an absurd number of rows",
                    b->c->paths[t->file], name);
    rows = (int)t->shape[0];
    *m = (struct matrix){.rows = rows, .cols = cols, .packed = NOT_PACKED, .data = t->data,
                         .source = {format, t->data, rows, cols}};
    remember(b, t, m, NULL, 0);
    if (!b->w->stored_type) b->w->stored_type = format->dtype;
    else if (strcmp(b->w->stored_type, format->dtype) != 0) b->w->stored_type = "mixed";
    return 0;
}

/* Norm vectors are small and used as floats. */
static int bind_norm(struct binder *b, const float **v, const char *name, int n) {
    const struct tensor *t = NULL;
    const struct format *format = NULL;
    int rc = find(b, name, n, 0, &t, &format);
    if (rc) return rc;
    format->rows(&(struct source){format, t->data, 1, n}, &kernels_reference, 0, 1, b->next_norm);
    *v = b->next_norm;
    remember(b, t, NULL, *v, n);
    b->next_norm += n;
    return 0;
}

/* ---- the model ---- */

static int bind_layer(struct binder *b, int i) {
    const struct config *c = b->cfg;
    struct layer_weights *l = &b->w->layers[i];
    int q_dim = c->n_head * c->head_dim, kv_dim = c->n_head_kv * c->head_dim;
    const struct {
        const char *name;
        const float **norm;
        struct matrix *m;
        int rows, cols;
    } parts[] = {
        {"input_layernorm", &l->attn_norm, NULL, c->n_embd, 0},
        {"self_attn.q_proj", NULL, &l->q, q_dim, c->n_embd},
        {"self_attn.k_proj", NULL, &l->k, kv_dim, c->n_embd},
        {"self_attn.v_proj", NULL, &l->v, kv_dim, c->n_embd},
        {"self_attn.q_norm", &l->q_norm, NULL, c->head_dim, 0},
        {"self_attn.k_norm", &l->k_norm, NULL, c->head_dim, 0},
        {"self_attn.o_proj", NULL, &l->o, c->n_embd, q_dim},
        {"post_attention_layernorm", &l->ffn_norm, NULL, c->n_embd, 0},
        {"mlp.gate_proj", NULL, &l->gate, c->n_ff, c->n_embd},
        {"mlp.up_proj", NULL, &l->up, c->n_ff, c->n_embd},
        {"mlp.down_proj", NULL, &l->down, c->n_embd, c->n_ff},
    };
    int rc = 0;
    for (size_t k = 0; !rc && k < sizeof parts / sizeof *parts; k++) {
        char name[96];
        snprintf(name, sizeof name, "%slayers.%d.%s.bias", b->prefix, i, parts[k].name);
        if (checkpoint_find(b->c, name))
            return fail(b->err, QW_EUNSUPPORTED,
                        "%s: tensor '%s': projections with a bias are not supported",
                        b->c->paths[0], name);
        snprintf(name, sizeof name, "%slayers.%d.%s.weight", b->prefix, i, parts[k].name);
        if (parts[k].norm) rc = bind_norm(b, parts[k].norm, name, parts[k].rows);
        else rc = bind_matrix(b, parts[k].m, name, parts[k].rows, parts[k].cols);
    }
    return rc;
}

/* Before memory is allocated for what config.json claims: the last layer must be there, and the
 * files large enough. */
static int check_plausible(const struct binder *b, uint64_t norms) {
    const struct checkpoint *c = b->c;
    char name[64];
    snprintf(name, sizeof name, "%slayers.%d.input_layernorm.weight", b->prefix,
             b->cfg->n_layer - 1);
    if (!checkpoint_find(c, name))
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' is missing (config.json: %d layers)",
                    c->paths[0], name, b->cfg->n_layer);
    uint64_t stored = 0;
    for (int i = 0; i < c->n_files; i++) stored += c->files[i].size;
    if (2 * norms > stored)
        return fail(b->err, QW_EFORMAT,
                    "%s: %" PRIu64 " bytes of weights cannot hold the model of config.json",
                    c->paths[0], stored);
    return 0;
}

static int bind_all(struct binder *b) {
    struct weights *w = b->w;
    const struct config *cfg = b->cfg;
    char name[64];
    snprintf(name, sizeof name, "%sembed_tokens.weight", b->prefix);
    int rc = bind_matrix(b, &w->embd, name, 0, cfg->n_embd);
    if (!rc) w->n_vocab = w->embd.rows;
    for (int i = 0; !rc && i < cfg->n_layer; i++) rc = bind_layer(b, i);
    snprintf(name, sizeof name, "%snorm.weight", b->prefix);
    if (!rc) rc = bind_norm(b, &w->norm, name, cfg->n_embd);
    if (rc) return rc;
    if (!cfg->tied && !cfg->headless)
        return bind_matrix(b, &w->head, "lm_head.weight", w->n_vocab, cfg->n_embd);
    w->head = w->embd;              /* a duplicate in the file is ignored */
    return 0;
}

int weights_bind(struct weights *w, const struct checkpoint *c, const struct config *cfg,
                 struct warnings *warnings, qw_error *err) {
    const char *prefix = checkpoint_find(c, "model.embed_tokens.weight") ? "model." : "";
    struct binder b = {.w = w, .c = c, .cfg = cfg, .prefix = prefix, .err = err};
    uint64_t layer = 2 * (uint64_t)cfg->n_embd + 2 * (uint64_t)cfg->head_dim;
    uint64_t norms = (uint64_t)cfg->n_layer * layer + (uint64_t)cfg->n_embd;
    (void)warnings;
    *w = (struct weights){0};
    if (c->n_tensors == 0) return fail(err, QW_EFORMAT, "%s: no tensors", c->paths[0]);
    int rc = packed_describe(&b.packed, c, err);
    if (!rc) rc = check_plausible(&b, norms);
    if (rc) return rc;
    w->type = b.packed.type;
    w->stored_type = b.packed.stored_type;
    w->layers = alloc_zero((uint64_t)cfg->n_layer, sizeof *w->layers);
    w->norms = b.next_norm = alloc_zero(norms, sizeof *w->norms);
    w->bound = alloc_zero((uint64_t)cfg->n_layer * 11 + 3, sizeof *w->bound);
    if (w->layers && w->norms && w->bound) rc = bind_all(&b);
    else rc = fail_memory(err, "the norm vectors", norms * sizeof *w->norms);
    if (rc) weights_free(w);
    return rc;
}

void weights_free(struct weights *w) {
    free(w->own);
    free(w->bound);
    free(w->layers);
    free(w->norms);
    *w = (struct weights){0};
}
