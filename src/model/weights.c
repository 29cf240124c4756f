/* weights.c - the tensors of a checkpoint bound to their places in a Qwen3 decoder. */
#include "model/weights.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "model/leftovers.h"
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

#define EMBEDDING "embed_tokens.weight"
#define HEAD "lm_head.weight"

struct binder {
    struct weights *w;
    const struct checkpoint *c;
    const struct config *cfg;
    struct packed_description packed;
    float *next_norm;               /* free part of w->norms */
    bool *used;                     /* [n_tensors] bound, or known to hold nothing new */
    bool compare_all;               /* not only samples of what may be the same */
    struct warnings *warnings;
    qw_error *err;
};

/* ---- one tensor ---- */

/* The tensor of this name, with or without the "model." that the whole model's tensors have before
 * theirs: one that is missing or too many is repaired for each name by itself, as in transformers'
 * core_model_loading.py. */
static const struct tensor *lookup(const struct binder *b, const char *name) {
    static const char *const inner[] = {"model.", "", "model.model."};
    static const char *const outer[] = {"", "model."};
    const bool is_head = strcmp(name, HEAD) == 0;
    const char *const *prefixes = is_head ? outer : inner;
    const struct tensor *t = NULL;
    for (int i = 0; !t && i < (is_head ? 2 : 3); i++) {
        char full[96];
        snprintf(full, sizeof full, "%s%s", prefixes[i], name);
        t = checkpoint_find(b->c, full);
    }
    return t;
}

/* why: more for the message. */
static int missing(const struct binder *b, const char *name, const char *why) {
    const char *prefix = strcmp(name, HEAD) == 0 ? "" : "model.";
    char others[48] = "";
    if (b->c->n_files > 1)
        snprintf(others, sizeof others, " and %d more file%s", b->c->n_files - 1,
                 b->c->n_files > 2 ? "s" : "");
    return fail(b->err, QW_EFORMAT, "%s%s: tensor '%s%s' is missing%s", b->c->paths[0], others,
                prefix, name, why);
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
    const struct tensor *t = lookup(b, name);
    if (!t) return missing(b, name, "");
    const char *path = b->c->paths[t->file];
    *format = format_of(t->type_name);
    if (!*format) {
        char supported[96];
        list_formats(supported, sizeof supported);
        return fail(b->err, QW_EUNSUPPORTED, "%s: tensor '%s' has type %.20s (supported: %s)", path,
                    t->name, t->type_name, supported);
    }
    bool fits = t->n_dims == (cols ? 2 : 1) && (!rows || t->shape[0] == (uint64_t)rows) &&
                (!cols || t->shape[1] == (uint64_t)cols);
    if (!fits) {
        char want[48], have[96];
        print_shape(have, sizeof have, t);
        if (!cols) snprintf(want, sizeof want, "%d", rows);
        else if (rows) snprintf(want, sizeof want, "%d, %d", rows, cols);
        else snprintf(want, sizeof want, "vocabulary, %d", cols);
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' has shape %s, expected [%s]", path,
                    t->name, have, want);
    }
    b->w->n_params += cols ? t->shape[0] * t->shape[1] : t->shape[0];
    b->w->bytes += t->size;
    *out = t;
    return 0;
}

static void remember(struct binder *b, const struct tensor *t, struct matrix *m, const float *norm,
                     int n) {
    const char *path = b->c->paths[t->file];
    b->used[t - b->c->tensors] = true;
    b->w->bound[b->w->n_bound++] = (struct bound){t->name, path, m, norm, n};
}

static int bind_packed(struct binder *b, struct matrix *m, const char *name, int rows, int cols) {
    const struct tensor *t = lookup(b, name);
    const char *path = b->c->paths[0];
    const enum packed_type type = b->packed.type;
    if (!t) return missing(b, name, "");
    if (rows == 0) rows = b->packed.n_vocab;
    uint64_t size = packed_room(type, rows, cols);
    if (strcmp(t->type_name, "U8") != 0 || t->size != size)
        return fail(b->err, QW_EFORMAT,
                    "%s: tensor '%s' has %" PRIu64 " bytes of type %.20s, expected %" PRIu64
                    " of type U8",
                    path, t->name, t->size, t->type_name, size);
    if ((uintptr_t)t->data % 64 != 0)
        return fail(b->err, QW_EFORMAT, "%s: tensor '%s' is not aligned to 64 bytes", path,
                    t->name);
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
                    b->c->paths[t->file], t->name);
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
        snprintf(name, sizeof name, "layers.%d.%s.bias", i, parts[k].name);
        const struct tensor *bias = lookup(b, name);
        if (bias)
            return fail(b->err, QW_EUNSUPPORTED,
                        "%s: tensor '%s': projections with a bias are not supported",
                        b->c->paths[bias->file], bias->name);
        snprintf(name, sizeof name, "layers.%d.%s.weight", i, parts[k].name);
        if (parts[k].norm) rc = bind_norm(b, parts[k].norm, name, parts[k].rows);
        else rc = bind_matrix(b, parts[k].m, name, parts[k].rows, parts[k].cols);
    }
    return rc;
}

/* Before memory is allocated for what config.json claims: the last layer must be there, and the
 * files large enough. */
static int check_plausible(const struct binder *b, uint64_t norms) {
    const struct checkpoint *c = b->c;
    char name[64], why[48];
    snprintf(name, sizeof name, "layers.%d.input_layernorm.weight", b->cfg->n_layer - 1);
    snprintf(why, sizeof why, " (config.json: %d layers)", b->cfg->n_layer);
    if (!lookup(b, name)) return missing(b, name, why);
    uint64_t stored = 0;
    for (int i = 0; i < c->n_files; i++) stored += c->files[i].size;
    if (2 * norms > stored)
        return fail(b->err, QW_EFORMAT,
                    "%s: %" PRIu64 " bytes of weights cannot hold the model of config.json",
                    c->paths[0], stored);
    return 0;
}

/* ---- the head ---- */

/* Row i of n that are spread evenly, the first and the last among them. */
static int64_t spread(const struct source *s, int64_t i, int64_t n) {
    return n == 1 ? 0 : i * (s->rows - 1) / (n - 1);
}

/* Fetch n rows spread evenly, and nothing around them: all at once, not one after the other. */
static void want_rows(const struct source *s, int64_t n) {
    file_scattered(s->data, source_size(s, s->rows), true);
    for (int64_t i = 0; i < n; i++) file_want(source_row(s, spread(s, i, n)), source_size(s, 1));
}

/* Have both tensors the same values in n rows spread evenly? */
static int compare_rows(const struct source *a, const struct source *b, int64_t n, bool *same,
                        qw_error *err) {
    const size_t size = (size_t)a->cols;
    float *x = alloc_zero(2 * (uint64_t)size, sizeof *x);
    if (!x) return fail_memory(err, "two rows of weights", 2 * size * sizeof *x);
    *same = true;
    for (int64_t i = 0; *same && i < n; i++) {
        int64_t row = spread(a, i, n);
        if (a->format == b->format &&
            memcmp(source_row(a, row), source_row(b, row), (size_t)source_size(a, 1)) == 0)
            continue;
        a->format->rows(a, &kernels_reference, row, 1, x);
        b->format->rows(b, &kernels_reference, row, 1, x + size);
        for (size_t k = 0; *same && k < size; k++) *same = x[k] == x[size + k];
    }
    free(x);
    return 0;
}

/* Does lm_head.weight hold something else than the embedding, to which config.json ties it? A
 * tensor that cannot be compared does; binding it says why. */
static int head_differs(struct binder *b, const struct tensor *t, bool *differs) {
    enum { SAMPLES = 256 };
    const struct matrix *embd = &b->w->embd;
    const struct format *format = format_of(t->type_name);
    bool same = false;
    *differs = true;
    if (!format || t->n_dims != 2 || t->shape[0] != (uint64_t)embd->rows ||
        t->shape[1] != (uint64_t)embd->cols)
        return 0;
    const struct source head = {format, t->data, embd->rows, embd->cols};
    const bool all = b->compare_all || embd->rows <= SAMPLES;
    if (!all) want_rows(&head, SAMPLES);        /* the embedding will be needed whole anyway */
    int rc = compare_rows(&embd->source, &head, all ? embd->rows : SAMPLES, &same, b->err);
    file_scattered(t->data, t->size, false);
    if (all) file_forget(t->data, t->size);
    *differs = !same;
    return rc;
}

/* Was the checkpoint saved from a model without a head? Qwen3-Embedding-8B was, as its names
 * without "model." show, though its config.json names Qwen3ForCausalLM and ties nothing. */
static bool is_headless(const struct binder *b) {
    return b->cfg->headless || strcmp(b->w->bound[0].name, EMBEDDING) == 0;
}

/* transformers' "tie_word_embeddings true, and lm_head.weight in the file": a head with values of
 * its own is used although it should be tied. A packed file has one only where this was decided
 * when it was made. */
static int bind_head(struct binder *b) {
    const struct config *cfg = b->cfg;
    struct weights *w = b->w;
    const struct tensor *t = lookup(b, HEAD);
    bool own = !cfg->tied && (t || !is_headless(b));
    if (t && cfg->tied && t->data != w->embd.data) {
        bool packed = b->packed.type != NOT_PACKED;
        int rc = packed ? 0 : head_differs(b, t, &own);
        if (rc) return rc;
        if (packed) own = true;
        else if (own)
            add_warning(b->warnings,
                        "%s: tie_word_embeddings is true, but '%s' has values of its own: they are "
                        "used, as in transformers 5 (4.x drops them)",
                        b->c->paths[t->file], t->name);
        b->used[t - b->c->tensors] = true;
    }
    if (own) return bind_matrix(b, &w->head, HEAD, w->n_vocab, cfg->n_embd);
    w->head = w->embd;
    return 0;
}

/* The embedding's rows are the vocabulary, whatever config.json says. */
static void compare_vocab(const struct binder *b) {
    const struct bound *embd = &b->w->bound[b->w->n_bound - 1];
    if (b->packed.type != NOT_PACKED || b->w->n_vocab == b->cfg->n_vocab) return;
    add_warning(b->warnings,
                "%s: '%s' has %d rows, but config.json a vocab_size of %d: the rows count "
                "(transformers refuses that)",
                embd->path, embd->name, b->w->n_vocab, b->cfg->n_vocab);
}

/* Where only the head is in the file, both are tied the other way round. */
static int bind_embedding(struct binder *b) {
    const struct tensor *head = lookup(b, HEAD);
    const char *name = EMBEDDING;
    if (b->cfg->tied && head && !lookup(b, EMBEDDING)) {
        name = HEAD;
        if (b->packed.type == NOT_PACKED)
            add_warning(b->warnings,
                        "%s: there is no '" EMBEDDING "': '%s' is used in its place, as in "
                        "transformers 5 (4.x fills it with random values)",
                        b->c->paths[head->file], head->name);
    }
    int rc = bind_matrix(b, &b->w->embd, name, 0, b->cfg->n_embd);
    if (rc) return rc;
    b->w->n_vocab = b->w->embd.rows;
    compare_vocab(b);
    return 0;
}

/* ---- all of it ---- */

static int bind_all(struct binder *b) {
    struct weights *w = b->w;
    int rc = bind_embedding(b);
    for (int i = 0; !rc && i < b->cfg->n_layer; i++) rc = bind_layer(b, i);
    if (!rc) rc = bind_norm(b, &w->norm, "norm.weight", b->cfg->n_embd);
    return rc ? rc : bind_head(b);
}

static int bind_checked(struct binder *b) {
    struct weights *w = b->w;
    const struct config *cfg = b->cfg;
    uint64_t layer = 2 * (uint64_t)cfg->n_embd + 2 * (uint64_t)cfg->head_dim;
    uint64_t norms = (uint64_t)cfg->n_layer * layer + (uint64_t)cfg->n_embd;
    int rc = check_plausible(b, norms);
    if (rc) return rc;
    w->layers = alloc_zero((uint64_t)cfg->n_layer, sizeof *w->layers);
    w->norms = b->next_norm = alloc_zero(norms, sizeof *w->norms);
    w->bound = alloc_zero((uint64_t)cfg->n_layer * 11 + 3, sizeof *w->bound);
    if (!w->layers || !w->norms || !w->bound)
        return fail_memory(b->err, "the norm vectors", norms * sizeof *w->norms);
    return bind_all(b);
}

int weights_bind(struct weights *w, const struct checkpoint *c, const struct config *cfg,
                 bool compare_all, struct warnings *warnings, qw_error *err) {
    qw_error own = {0, ""};
    struct binder b = {.w = w, .c = c, .cfg = cfg, .compare_all = compare_all,
                       .warnings = warnings, .err = err ? err : &own};
    *w = (struct weights){0};
    if (c->n_tensors == 0) return fail(err, QW_EFORMAT, "%s: no tensors", c->paths[0]);
    int rc = packed_describe(&b.packed, c, err);
    if (rc) return rc;
    w->type = b.packed.type;
    w->stored_type = b.packed.stored_type;
    b.used = alloc_zero(c->n_tensors, sizeof *b.used);
    rc = b.used ? bind_checked(&b) : fail_memory(err, "a list of tensors", c->n_tensors);
    if (w->type == NOT_PACKED) rc = check_quantised(c, cfg, rc, warnings, b.err);
    if (!rc && w->type == NOT_PACKED) warn_of_unused(c, b.used, cfg->n_layer, warnings);
    free(b.used);
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
