/* weights.c - the tensors of a checkpoint bound to their places in a Qwen3 decoder. */
#include "model/weights.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

uint64_t matrix_size(enum weight_type t, int rows, int cols) {
    if (is_packed(t)) return ((uint64_t)rows + PANEL - 1) / PANEL * panel_size(t, cols);
    return (uint64_t)rows * (uint64_t)cols * (t == WEIGHT_F32 ? 4 : 2);
}

static const char *const use_names[N_WEIGHT_TYPES] = {[WEIGHT_BF16] = "bf16", [WEIGHT_Q8] = "q8", [WEIGHT_Q4] = "q4"};

const char *weight_type_name(enum weight_type t) { return use_names[t]; }

int weight_type_from_name(enum weight_type *out, const char *name, qw_error *err) {
    for (int t = WEIGHT_BF16; t < N_WEIGHT_TYPES; t++)
        if (strcmp(name, use_names[t]) == 0) { *out = (enum weight_type)t; return 0; }
    return fail(err, QW_EARG, "weight type '%s' is unknown; there are auto, bf16 (as stored), q8 and q4", name);
}

struct binder {
    struct weights *w;
    const struct checkpoint *c;
    const struct config *cfg;
    const char *prefix;             /* "model." or "" */
    float *next_norm;               /* free part of w->norms */
    qw_error *err;
    enum weight_type packed;        /* WEIGHT_Q8 or WEIGHT_Q4 in a packed file */
    int n_vocab;                    /* there: rows of the embedding, which its bytes do not tell */
};

enum { MAX_VOCAB = 1 << 22 };

static const char *const type_names[] = {[WEIGHT_F32] = "F32", [WEIGHT_F16] = "F16", [WEIGHT_BF16] = "BF16"};

static enum weight_type weight_type(const struct tensor *t) {
    return t->type == TENSOR_F32 ? WEIGHT_F32 : t->type == TENSOR_F16 ? WEIGHT_F16 : WEIGHT_BF16;
}

/* The tensor of this name, which must be [rows][cols], or [rows] when cols is 0. rows 0: any number. */
static int find(struct binder *b, const char *name, int rows, int cols, const struct tensor **out) {
    const struct tensor *t = checkpoint_find(b->c, name);
    char want[48], have[96];
    if (!t) return fail(b->err, QW_EFORMAT, "%s: tensor '%s' is missing", b->c->paths[0], name);
    const char *path = b->c->paths[t->file];
    if (t->type == TENSOR_OTHER)
        return fail(b->err, QW_EUNSUPPORTED, "%s: tensor '%s' has type %.20s; BF16, F16 and F32 are supported", path, name, t->type_name);
    int dims = cols ? 2 : 1;
    if (t->n_dims != dims || (rows && t->shape[0] != (uint64_t)rows) || (cols && t->shape[1] != (uint64_t)cols)) {
        int n = 0;
        have[0] = 0;
        for (int i = 0; i < t->n_dims && i < TENSOR_DIMS && n < 80; i++)
            n += snprintf(have + n, sizeof have - (size_t)n, "%s%" PRIu64, i ? ", " : "", t->shape[i]);
        if (cols) snprintf(want, sizeof want, rows ? "%2$d, %1$d" : "vocabulary, %1$d", cols, rows);
        else snprintf(want, sizeof want, "%d", rows);
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' has shape [%s], expected [%s]", path, name, have, want);
    }
    uint64_t count = cols ? t->shape[0] * t->shape[1] : t->shape[0];
    b->w->n_params += count;
    b->w->bytes += t->size;
    *out = t;
    return 0;
}

static void remember(struct binder *b, const struct tensor *t, struct matrix *m, const float *norm, int n) {
    b->w->bound[b->w->n_bound++] = (struct bound){t->name, b->c->paths[t->file], m, norm, n};
}

static int bind_packed(struct binder *b, struct matrix *m, const char *name, int rows, int cols) {
    const struct tensor *t = checkpoint_find(b->c, name);
    const char *path = b->c->paths[0];
    if (!t) return fail(b->err, QW_EFORMAT, "%s: tensor '%s' is missing", path, name);
    if (rows == 0) rows = b->n_vocab;
    uint64_t size = matrix_room(b->packed, rows, cols);
    if (strcmp(t->type_name, "U8") != 0 || t->size != size)
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' has %" PRIu64 " bytes of type %.20s, expected %" PRIu64 " of type U8", path, name, t->size, t->type_name, size);
    if ((uintptr_t)t->data % 64 != 0) return fail(b->err, QW_EFORMAT, "%s: tensor '%s' is not aligned to 64 bytes", path, name);
    *m = (struct matrix){t->data, b->packed, rows, cols};
    remember(b, t, m, NULL, 0);
    b->w->n_params += (uint64_t)rows * (uint64_t)cols;
    b->w->bytes += size;
    return 0;
}

static int bind_matrix(struct binder *b, struct matrix *m, const char *name, int rows, int cols) {
    const struct tensor *t;
    if (is_packed(b->packed)) return bind_packed(b, m, name, rows, cols);
    int rc = find(b, name, rows, cols, &t);
    if (rc) return rc;
    if (rows == 0 && (t->shape[0] == 0 || t->shape[0] > MAX_VOCAB))
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' has an absurd number of rows", b->c->paths[t->file], name);
    *m = (struct matrix){t->data, weight_type(t), (int)t->shape[0], cols};
    remember(b, t, m, NULL, 0);
    const char *type = type_names[m->type];
    if (!b->w->stored_type) b->w->stored_type = type;
    else if (b->w->stored_type != type) b->w->stored_type = "mixed";
    return 0;
}

/* Norm vectors are small and used as floats: converted, exactly. */
static int bind_norm(struct binder *b, const float **v, const char *name, int n) {
    const struct tensor *t;
    int rc = find(b, name, n, 0, &t);
    if (rc) return rc;
    kernels_scalar.row[weight_type(t)](b->next_norm, t->data, n);
    *v = b->next_norm;
    remember(b, t, NULL, *v, n);
    b->next_norm += n;
    return 0;
}

static int bind_layer(struct binder *b, int i) {
    const struct config *c = b->cfg;
    struct layer_weights *l = &b->w->layers[i];
    int q_dim = c->n_head * c->head_dim, kv_dim = c->n_head_kv * c->head_dim, rc;
    const struct { const char *name; const float **norm; struct matrix *m; int rows, cols; } parts[] = {
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
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        char name[96];
        snprintf(name, sizeof name, "%slayers.%d.%s.bias", b->prefix, i, parts[k].name);
        if (checkpoint_find(b->c, name))
            return fail(b->err, QW_EUNSUPPORTED, "%s: tensor '%s': projections with a bias are not supported", b->c->paths[0], name);
        snprintf(name, sizeof name, "%slayers.%d.%s.weight", b->prefix, i, parts[k].name);
        rc = parts[k].norm ? bind_norm(b, parts[k].norm, name, parts[k].rows) : bind_matrix(b, parts[k].m, name, parts[k].rows, parts[k].cols);
        if (rc) return rc;
    }
    return 0;
}

/* A packed file says what it is: {"version": 1, "weight_type": "q4", "stored_type": "BF16", "n_vocab": 151936, ...} */
static int read_description(struct binder *b) {
    const struct tensor *t = checkpoint_find(b->c, PACKED_DESCRIPTION);
    const char *path = b->c->paths[0];
    struct json j;
    int64_t version = 0, n_vocab = 0;
    char what[512];
    snprintf(what, sizeof what, "%.480s (" PACKED_DESCRIPTION ")", path);
    int rc = json_parse(&j, (const char *)t->data, (size_t)t->size, what, b->err);
    if (rc) return rc;
    uint32_t type = json_get(&j, 0, "weight_type"), stored = json_get(&j, 0, "stored_type"), v = json_get(&j, 0, "version"), n = json_get(&j, 0, "n_vocab");
    if (!v || !json_int(&j, v, &version))
        rc = fail(b->err, QW_EFORMAT, "%s: the packed format's version is missing or no number", path);
    else if (version != 1)
        rc = fail(b->err, QW_EUNSUPPORTED, "%s: packed format version %lld; this program reads version 1", path, (long long)version);
    else if (!type || (!json_is(&j, type, "q8") && !json_is(&j, type, "q4")))
        rc = fail(b->err, QW_EFORMAT, "%s: the packed format's weight_type is neither q8 nor q4", path);
    else if (!n || !json_int(&j, n, &n_vocab) || n_vocab < 1 || n_vocab > MAX_VOCAB)
        rc = fail(b->err, QW_EFORMAT, "%s: the packed format's n_vocab is missing or absurd", path);
    else b->packed = json_is(&j, type, "q8") ? WEIGHT_Q8 : WEIGHT_Q4;
    b->n_vocab = (int)n_vocab;
    b->w->stored_type = "mixed";
    for (int i = 0; stored && i < 3; i++) if (json_is(&j, stored, type_names[i])) b->w->stored_type = type_names[i];
    json_free(&j);
    return rc;
}

int weights_bind(struct weights *w, const struct checkpoint *c, const struct config *cfg, qw_error *err) {
    struct binder b = {w, c, cfg, checkpoint_find(c, "model.embed_tokens.weight") ? "model." : "", NULL, err, WEIGHT_BF16, 0};
    char name[64];
    uint64_t norms = (uint64_t)cfg->n_layer * (2 * (uint64_t)cfg->n_embd + 2 * (uint64_t)cfg->head_dim) + (uint64_t)cfg->n_embd;
    int rc = 0;
    *w = (struct weights){0};
    if (c->n_tensors == 0) return fail(err, QW_EFORMAT, "%s: no tensors", c->paths[0]);
    if (is_packed_file(c) && (rc = read_description(&b)) != 0) return rc;
    /* Before memory is taken for what config.json claims, see that the last layer is there and the files are large enough. */
    snprintf(name, sizeof name, "%slayers.%d.input_layernorm.weight", b.prefix, cfg->n_layer - 1);
    if (!checkpoint_find(c, name))
        return fail(err, QW_EFORMAT, "%s: tensor '%s' is missing (config.json: %d layers)", c->paths[0], name, cfg->n_layer);
    uint64_t stored = 0;
    for (int i = 0; i < c->n_files; i++) stored += c->files[i].size;
    if (2 * norms > stored) return fail(err, QW_EFORMAT, "%s: %" PRIu64 " bytes of weights cannot hold the model of config.json", c->paths[0], stored);
    w->layers = alloc_zero((uint64_t)cfg->n_layer, sizeof *w->layers);
    w->norms = b.next_norm = alloc_zero(norms, sizeof *w->norms);
    w->bound = alloc_zero((uint64_t)cfg->n_layer * 11 + 3, sizeof *w->bound);
    if (!w->layers || !w->norms || !w->bound) rc = fail_memory(err, "the norm vectors", norms * sizeof *w->norms);

    snprintf(name, sizeof name, "%sembed_tokens.weight", b.prefix);
    if (!rc) rc = bind_matrix(&b, &w->embd, name, 0, cfg->n_embd);
    if (!rc) w->n_vocab = w->embd.rows;
    for (int i = 0; !rc && i < cfg->n_layer; i++) rc = bind_layer(&b, i);
    snprintf(name, sizeof name, "%snorm.weight", b.prefix);
    if (!rc) rc = bind_norm(&b, &w->norm, name, cfg->n_embd);
    if (!rc && (cfg->tied || cfg->headless)) w->head = w->embd;        /* a duplicate in the file is ignored */
    else if (!rc) rc = bind_matrix(&b, &w->head, "lm_head.weight", w->n_vocab, cfg->n_embd);
    if (rc) weights_free(w);
    w->type = b.packed;
    return rc;
}

void weights_free(struct weights *w) {
    free(w->packed);
    free(w->bound);
    free(w->layers);
    free(w->norms);
    *w = (struct weights){0};
}
