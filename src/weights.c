/* weights.c - L2: the tensors of a checkpoint bound to their places in a Qwen3 decoder. */
#include "weights.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct binder {
    struct weights *w;
    const struct checkpoint *c;
    const struct config *cfg;
    const char *prefix;             /* "model." or "" */
    float *next_norm;               /* free part of w->norms */
    qw_error *err;
};

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

static int bind_matrix(struct binder *b, struct matrix *m, const char *name, int rows, int cols) {
    const struct tensor *t;
    int rc = find(b, name, rows, cols, &t);
    if (rc) return rc;
    *m = (struct matrix){t->data, weight_type(t), (int)t->shape[0], cols};
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

int weights_bind(struct weights *w, const struct checkpoint *c, const struct config *cfg, qw_error *err) {
    struct binder b = {w, c, cfg, checkpoint_find(c, "model.embed_tokens.weight") ? "model." : "", NULL, err};
    char name[64];
    uint64_t norms = (uint64_t)cfg->n_layer * (2 * (uint64_t)cfg->n_embd + 2 * (uint64_t)cfg->head_dim) + (uint64_t)cfg->n_embd;
    int rc = 0;
    *w = (struct weights){0};
    if (c->n_tensors == 0) return fail(err, QW_EFORMAT, "%s: no tensors", c->paths[0]);
    /* Before memory is taken for what config.json claims, see that the last layer is there and the files are large enough. */
    snprintf(name, sizeof name, "%slayers.%d.input_layernorm.weight", b.prefix, cfg->n_layer - 1);
    if (!checkpoint_find(c, name))
        return fail(err, QW_EFORMAT, "%s: tensor '%s' is missing (config.json: %d layers)", c->paths[0], name, cfg->n_layer);
    uint64_t stored = 0;
    for (int i = 0; i < c->n_files; i++) stored += c->files[i].size;
    if (2 * norms > stored) return fail(err, QW_EFORMAT, "%s: %" PRIu64 " bytes of weights cannot hold the model of config.json", c->paths[0], stored);
    w->layers = alloc_zero((uint64_t)cfg->n_layer, sizeof *w->layers);
    w->norms = b.next_norm = alloc_zero(norms, sizeof *w->norms);
    if (!w->layers || !w->norms) rc = fail_memory(err, "the norm vectors", norms * sizeof *w->norms);

    snprintf(name, sizeof name, "%sembed_tokens.weight", b.prefix);
    if (!rc) rc = bind_matrix(&b, &w->embd, name, 0, cfg->n_embd);
    if (!rc && (checkpoint_find(c, name)->shape[0] == 0 || checkpoint_find(c, name)->shape[0] > (1 << 22)))
        rc = fail(err, QW_EFORMAT, "%s: tensor '%s' has an absurd number of rows", c->paths[0], name);
    if (!rc) w->n_vocab = w->embd.rows;
    for (int i = 0; !rc && i < cfg->n_layer; i++) rc = bind_layer(&b, i);
    snprintf(name, sizeof name, "%snorm.weight", b.prefix);
    if (!rc) rc = bind_norm(&b, &w->norm, name, cfg->n_embd);
    if (!rc && (cfg->tied || cfg->headless)) w->head = w->embd;        /* a duplicate in the file is ignored */
    else if (!rc) rc = bind_matrix(&b, &w->head, "lm_head.weight", w->n_vocab, cfg->n_embd);
    if (rc) weights_free(w);
    w->type = WEIGHT_BF16;
    return rc;
}

/* ---- packing ---- */

uint64_t matrix_size(enum weight_type t, int rows, int cols) {
    if (is_packed(t)) return ((uint64_t)rows + PANEL - 1) / PANEL * panel_size(t, cols);
    return (uint64_t)rows * (uint64_t)cols * (t == WEIGHT_F32 ? 4 : 2);
}

enum { LAYER_MATRICES = 7 };

static void layer_matrices(struct layer_weights *l, struct matrix *out[LAYER_MATRICES]) {
    struct matrix *const list[LAYER_MATRICES] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};
    memcpy(out, list, sizeof list);
}

/* Room for a packed matrix, so that the next one begins at a multiple of 64. */
static uint64_t room(enum weight_type t, const struct matrix *m) { return (matrix_size(t, m->rows, m->cols) + 63) & ~(uint64_t)63; }

uint64_t weights_packed_size(const struct weights *w, const struct config *cfg, enum weight_type type) {
    struct matrix *list[LAYER_MATRICES];
    uint64_t sum = room(type, &w->embd) + (w->head.data == w->embd.data ? 0 : room(type, &w->head));
    for (int i = 0; i < cfg->n_layer; i++) {
        layer_matrices(&w->layers[i], list);
        for (int k = 0; k < LAYER_MATRICES; k++) sum += room(type, list[k]);
    }
    return sum;
}

struct packer {
    const struct kernels *kernels;
    struct pool *pool;
    enum weight_type type;
    unsigned char *next;            /* where the next matrix goes */
    uint64_t done, all;
    int (*progress)(void *user, uint64_t done, uint64_t all);
    void *user;
    const struct matrix *from;
};

static void pack_panels(void *ctx, int64_t begin, int64_t end) {
    const struct packer *p = ctx;
    const struct matrix *m = p->from;
    uint64_t row = matrix_size(m->type, 1, m->cols), panel = panel_size(p->type, m->cols);
    for (int64_t i = begin; i < end; i++) {
        int rows = m->rows - i * PANEL < PANEL ? (int)(m->rows - i * PANEL) : PANEL;
        p->kernels->pack[p->type - WEIGHT_Q8](p->next + (uint64_t)i * panel, m->data + (uint64_t)i * PANEL * row, m->type, rows, m->cols);
    }
}

/* A large matrix goes in slices, so that progress is seen and what has been read does not pile up. */
static bool pack_matrix(struct packer *p, struct matrix *m) {
    const int64_t panels = (m->rows + PANEL - 1) / PANEL, slice = 1024;
    const unsigned char *stored = m->data;
    uint64_t stored_panel = matrix_size(m->type, PANEL, m->cols), packed_panel = panel_size(p->type, m->cols);
    unsigned char *start = p->next;
    struct matrix part = *m;
    for (int64_t i = 0; i < panels; i += slice) {
        int64_t n = panels - i < slice ? panels - i : slice;
        part.data = stored + (uint64_t)i * stored_panel;
        part.rows = m->rows - (int)(i * PANEL);
        p->from = &part;
        p->next = start + (uint64_t)i * packed_panel;
        parallel_for(p->pool, n, 4, pack_panels, p);
        int rows = (int)(n * PANEL) < part.rows ? (int)(n * PANEL) : part.rows;
        uint64_t bytes = matrix_size(m->type, rows, m->cols);
        file_forget(part.data, bytes);
        p->done += bytes;
        if (p->progress && p->progress(p->user, p->done, p->all)) return false;
    }
    m->data = start;
    p->next = start + room(p->type, m);
    m->type = p->type;
    return true;
}

int weights_pack(struct weights *w, const struct config *cfg, enum weight_type type, const struct kernels *k, struct pool *pool,
                 int (*progress)(void *user, uint64_t done, uint64_t all), void *user, qw_error *err) {
    struct packer p = {.kernels = k, .pool = pool, .type = type, .all = w->bytes, .progress = progress, .user = user};
    struct matrix *list[LAYER_MATRICES];
    uint64_t size = weights_packed_size(w, cfg, type);
    bool tied = w->head.data == w->embd.data, ok;
    w->packed = p.next = alloc_pages(size);
    if (!w->packed) return fail_memory(err, "the packed weights", size);
    ok = pack_matrix(&p, &w->embd) && (tied || pack_matrix(&p, &w->head));
    if (tied) w->head = w->embd;
    for (int i = 0; ok && i < cfg->n_layer; i++) {
        layer_matrices(&w->layers[i], list);
        for (int j = 0; ok && j < LAYER_MATRICES; j++) ok = pack_matrix(&p, list[j]);
    }
    if (!ok) return fail(err, QW_ECANCEL, "stopped while the weights were quantised");
    w->type = type;
    w->bytes = size;
    return 0;
}

void weights_free(struct weights *w) {
    free(w->packed);
    free(w->layers);
    free(w->norms);
    *w = (struct weights){0};
}
