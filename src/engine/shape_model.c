/* shape_model.c - Qwen3 decoders of known shapes, made of random numbers: for measuring without a
 * download, and for the test of a machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/shape_model.h"
#include "engine/shape_weights.h"
#include "sys/memory.h"

static const struct shape {
    const char *name;
    int n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab, n_ctx_max;
} shapes[] = {
    {"0.6b", 28, 1024, 3072, 16, 8, 128, 151936, 40960},
    {"1.7b", 28, 2048, 6144, 16, 8, 128, 151936, 40960},
    {"4b", 36, 2560, 9728, 32, 8, 128, 151936, 40960},
    /* widths that end within superblocks and vectors, a vocabulary that ends within a panel */
    {"micro", 2, 80, 144, 4, 2, 24, 301, 96},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* ---- matrices ---- */

static uint64_t round_up(uint64_t n) { return (n + 63) & ~(uint64_t)63; }

static uint64_t matrix_room(enum packed_type type, int rows, int cols) {
    return round_up(random_matrix_size(type, rows, cols));
}

uint64_t shape_layer_bytes(const struct config *c, enum packed_type type) {
    const int h = c->n_embd, q_dim = c->n_head * c->head_dim, kv_dim = c->n_head_kv * c->head_dim;
    return matrix_room(type, q_dim, h) + 2 * matrix_room(type, kv_dim, h) +
           matrix_room(type, h, q_dim) + 2 * matrix_room(type, c->n_ff, h) +
           matrix_room(type, h, c->n_ff);
}

uint64_t shape_bytes(const struct config *c, enum packed_type type) {
    return matrix_room(type, c->n_vocab, c->n_embd) +
           (uint64_t)c->n_layer * shape_layer_bytes(c, type);
}

/* Where the weights go: to memory (at), unless they are there already, or to write(). */
struct maker {
    struct qw_model *m;
    unsigned char *at;          /* of the next matrix */
    bool there;
    float *next_norm;           /* in weights.norms; NULL: none are made */
    int (*write)(void *user, const void *p, size_t n);
    void *user;
    unsigned char *slice;       /* [SLICE] on its way to write() */
    const qw_load_params *p;    /* for its progress() */
    uint64_t done, seed;
    int rc;                     /* the first error; then nothing more is made */
};
enum { SLICE = 4 << 20 };

/* The bytes up to the next matrix are 0. */
static int write_matrix(struct maker *k, enum packed_type type, uint64_t size) {
    static const unsigned char zeros[64];
    for (uint64_t at = 0, n; at < size; at += n) {
        n = size - at < SLICE ? size - at : SLICE;
        n = random_matrix_part(k->m->batch_pool, type, k->seed, at, n, k->slice);
        if (k->write(k->user, k->slice, n)) return QW_EIO;
    }
    return k->write(k->user, zeros, round_up(size) - size) ? QW_EIO : 0;
}

static void make_matrix(struct maker *k, struct matrix *out, int rows, int cols) {
    const enum packed_type type = k->m->weights.type;
    const uint64_t size = random_matrix_size(type, rows, cols), room = round_up(size);
    const uint64_t all = k->m->weights.bytes;
    k->done += room;
    k->seed++;
    if (k->rc) return;
    if (k->write) k->rc = write_matrix(k, type, size);
    else if (!k->there) random_matrix_part(k->m->batch_pool, type, k->seed, 0, size, k->at);
    if (!k->rc && k->p->progress && k->p->progress(k->p->user, k->done, all)) k->rc = QW_ECANCEL;
    if (!k->at) return;
    const struct format *format = type == NOT_PACKED ? format_of("BF16") : NULL;
    *out = (struct matrix){rows, cols, type, k->at, {format, k->at, rows, cols}};
    k->at += room;
}

static const float *make_norm(struct maker *k, int n) {
    float *norm = k->next_norm;
    k->seed++;
    if (!norm) return NULL;
    random_norm(norm, n, k->seed);
    k->next_norm += n;
    return norm;
}

/* All weights, in the order of the forward pass. */
static int make_weights(struct maker *k) {
    const struct config *c = &k->m->config;
    struct weights *w = &k->m->weights;
    const int q_dim = c->n_head * c->head_dim, kv_dim = c->n_head_kv * c->head_dim;
    make_matrix(k, &w->embd, c->n_vocab, c->n_embd);
    for (int i = 0; i < c->n_layer; i++) {
        struct layer_weights *l = &w->layers[i];
        l->attn_norm = make_norm(k, c->n_embd);
        make_matrix(k, &l->q, q_dim, c->n_embd);
        make_matrix(k, &l->k, kv_dim, c->n_embd);
        make_matrix(k, &l->v, kv_dim, c->n_embd);
        l->q_norm = make_norm(k, c->head_dim);
        l->k_norm = make_norm(k, c->head_dim);
        make_matrix(k, &l->o, c->n_embd, q_dim);
        l->ffn_norm = make_norm(k, c->n_embd);
        make_matrix(k, &l->gate, c->n_ff, c->n_embd);
        make_matrix(k, &l->up, c->n_ff, c->n_embd);
        make_matrix(k, &l->down, c->n_embd, c->n_ff);
    }
    w->norm = make_norm(k, c->n_embd);
    w->head = w->embd;
    return k->rc;
}

static int room_for_weights(struct weights *w, qw_error *err) {
    const uint64_t free_now = available_memory("");
    if (free_now && w->bytes > free_now)
        return fail(err, QW_ENOMEM,
                    "the weights take %" PRIu64 " MB as %s; %" PRIu64 " MB are available",
                    w->bytes / 1000000, weight_type_name(w->type), free_now / 1000000);
    w->own = alloc_large(w->bytes);
    return w->own ? 0 : fail_memory(err, "the weights", w->bytes);
}

/* ---- files ---- */

/* A file of a shape is in safetensors' format and holds one tensor, all of the matrices. Its name
 * tells what they are. */
static void file_tensor(const struct qw_model *m, const char *shape, char out[64]) {
    snprintf(out, 64, "qw shape %s %s, version 1", shape, weight_type_name(m->weights.type));
}

/* The data begin at a multiple of 64. */
static int write_header(struct maker *k, const char *tensor, uint64_t bytes) {
    char text[256];
    int n = snprintf(text + 8, sizeof text - 8,
                     "{\"%s\":{\"dtype\":\"U8\",\"shape\":[%" PRIu64
                     "],\"data_offsets\":[0,%" PRIu64 "]}}", tensor, bytes, bytes);
    memset(text + 8 + n, ' ', sizeof text - 8 - (size_t)n);
    memset(text, 0, 8);
    text[0] = (char)(sizeof text - 8);
    return k->write(k->user, text, sizeof text) ? QW_EIO : 0;
}

static int map_weights(struct qw_model *m, const char *shape, const char *path,
                       unsigned char **data, qw_error *err) {
    char name[64];
    int rc = checkpoint_add(&m->checkpoint, strdup(path), err);
    if (!rc) rc = checkpoint_sort(&m->checkpoint, false, &m->warnings, err);
    if (rc) return rc;
    file_tensor(m, shape, name);
    const struct tensor *t = checkpoint_find(&m->checkpoint, name);
    if (!t || t->size != m->weights.bytes || (uintptr_t)t->data % 64)
        return fail(err, QW_EFORMAT, "%s does not hold the tensor '%s' of %" PRIu64 " bytes", path,
                    name, m->weights.bytes);
    *data = (unsigned char *)t->data;       /* `there`: nothing is written to it */
    return 0;
}

/* ---- shapes ---- */

int shape_config(struct config *c, const char *name, qw_error *err) {
    const size_t n = strcspn(name, "/");
    for (int i = 0; i < N_SHAPES; i++) {
        const struct shape *s = &shapes[i];
        if (strlen(s->name) != n || strncmp(s->name, name, n) != 0) continue;
        char *end = NULL;
        const long layers = name[n] ? strtol(name + n + 1, &end, 10) : s->n_layer;
        if (layers < 1 || layers > s->n_layer || (end && *end)) break;
        *c = (struct config){
            .n_layer = (int)layers, .n_embd = s->n_embd, .n_ff = s->n_ff, .n_head = s->n_head,
            .n_head_kv = s->n_head_kv, .head_dim = s->head_dim, .n_vocab = s->n_vocab,
            .n_ctx_max = s->n_ctx_max, .rms_norm_eps = 1e-6, .rope_theta = 1e6, .tied = true,
            .gen = {.top_p = 1, .repetition_penalty = 1},       /* greedy */
        };
        return 0;
    }
    return fail(err, QW_EARG, "no shape is called '%s' (0.6b, 1.7b, 4b; 0.6b/2: two layers)", name);
}

/* All but the weights. */
static int begin(struct qw_model **out, const char *shape, const struct config *c,
                 const qw_load_params *p, qw_error *err) {
    struct qw_model *m = *out = alloc_zero(1, sizeof *m);
    if (!m) return fail_memory(err, "the model", sizeof *m);
    const bool automatic = !p->weight_type || strcmp(p->weight_type, "auto") == 0;
    m->config = *c;
    m->weights.n_vocab = c->n_vocab;
    m->weights.stored_type = "BF16";
    m->path = strdup(shape);
    fail(&m->tokenizer_error, QW_EUNSUPPORTED, "a shape has no tokenizer");
    fail(&m->template_error, QW_ETEMPLATE, "a shape has no chat template");
    if (!m->path) return fail_memory(err, "a name", strlen(shape));
    int rc = weight_type_from_name(&m->weights.type, automatic ? "q4" : p->weight_type, err);
    m->weights.bytes = shape_bytes(c, m->weights.type);
    m->weights.layers = alloc_zero((uint64_t)c->n_layer, sizeof *m->weights.layers);
    if (!m->weights.layers) return fail_memory(err, "the layers", (uint64_t)c->n_layer);
    if (!rc) rc = kernels_choose(&m->kernels, p->cpu, err);
    return rc ? rc : model_start_threads(m, p, err);
}

static int fill_weights(struct qw_model *m, const char *shape, const char *file,
                        const qw_load_params *p, qw_error *err) {
    const struct config *c = &m->config;
    struct weights *w = &m->weights;
    struct maker k = {.m = m, .p = p, .there = file};
    const uint64_t n_layer = (uint64_t)c->n_layer, n_embd = (uint64_t)c->n_embd;
    const uint64_t n_norms = n_layer * (2 * n_embd + 2 * (uint64_t)c->head_dim) + n_embd;
    w->n_params = n_norms + (uint64_t)c->n_vocab * n_embd +
                  n_layer * n_embd * (2 * (uint64_t)(c->n_head + c->n_head_kv) *
                                      (uint64_t)c->head_dim + 3 * (uint64_t)c->n_ff);
    k.next_norm = w->norms = alloc_zero(n_norms, sizeof *w->norms);
    if (!w->norms) return fail_memory(err, "the norm vectors", n_norms * 4);
    int rc = file ? map_weights(m, shape, file, &k.at, err) : room_for_weights(w, err);
    if (rc) return rc;
    if (!file) k.at = w->own;
    return make_weights(&k) ? fail(err, k.rc, "making the weights was stopped") : 0;
}

int shape_model_of(struct qw_model **out, const char *shape, const struct config *c,
                   const char *file, const qw_load_params *p, qw_error *err) {
    struct qw_model *m;
    *out = NULL;
    int rc = begin(&m, shape, c, p, err);
    if (!rc) rc = fill_weights(m, shape, file, p, err);
    if (rc) qw_free(m);
    else {
        model_fill_info(m);
        *out = m;
    }
    return rc;
}

int qw_load_shape(qw_model **out, const char *shape, const char *file,
                  const qw_load_params *params, qw_error *err) {
    const qw_load_params p = params ? *params : (qw_load_params){0};
    struct config c;
    *out = NULL;
    int rc = shape_config(&c, shape, err);
    return rc ? rc : shape_model_of(out, shape, &c, file, &p, err);
}

int qw_write_shape(const char *shape, const qw_load_params *params,
                   int (*write)(void *user, const void *p, size_t n), void *user, qw_error *err) {
    const qw_load_params p = params ? *params : (qw_load_params){0};
    struct maker k = {.p = &p, .write = write, .user = user};
    struct config c;
    char name[64];
    int rc = shape_config(&c, shape, err);
    if (rc) return rc;
    rc = begin(&k.m, shape, &c, &p, err);
    if (!rc && !(k.slice = alloc_large(SLICE))) rc = fail_memory(err, "a slice of weights", SLICE);
    if (!rc) {
        file_tensor(k.m, shape, name);
        k.rc = write_header(&k, name, k.m->weights.bytes);
        if (make_weights(&k)) rc = fail(err, k.rc, "writing the weights was stopped");
    }
    free(k.slice);
    qw_free(k.m);
    return rc;
}
