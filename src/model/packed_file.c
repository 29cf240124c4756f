/* quantize.c - packed files: everything a model needs in one safetensors file, to be mapped and used in place.
 *
 *   header
 *   model.embed_tokens.weight, ...      U8    panels (kernels.h), each matrix at a multiple of 64 bytes
 *   model.norm.weight, ...              F32
 *   qw.file.config.json, ...            U8    the small files of the model; JSON without its white space: half of tokenizer.json
 *   qw.json                             U8    {"version": 1, "weight_type": "q4", ..., "checksums": {name: 16 hex digits, ...}, "checksum": that of
 *                                               the header and of this text up to here}
 *
 * The bytes depend on the model and the type alone: not on the machine, its kernels, or the number of threads.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/engine.h"

static const char *const companion_names[] = {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"};
enum { N_COMPANIONS = sizeof companion_names / sizeof *companion_names };

struct writer {
    const struct qw_model *m;
    enum weight_type type;
    const qw_load_params *params;
    int (*write)(void *user, const void *p, size_t n);
    void *user;
    qw_error *err;
    struct file companions[N_COMPANIONS];
    struct buf header, description;
    uint64_t at;                    /* bytes of data announced in the header so far */
    uint64_t hash, done;
    uint64_t header_hash;
};

/* ---- the header ---- */

static void announce(struct writer *w, const char *name, const char *type, uint64_t count, uint64_t size) {
    char text[96];
    buf_str(&w->header, w->header.n == 1 ? "" : ",");
    json_quote(&w->header, name, strlen(name));
    snprintf(text, sizeof text, ":{\"dtype\":\"%s\",\"shape\":[%" PRIu64 "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", type, count, w->at, w->at + size);
    buf_str(&w->header, text);
    w->at += size;
}

static uint64_t room_of(const struct writer *w, const struct bound *b) { return matrix_room(w->type, b->matrix->rows, b->matrix->cols); }

/* Checksums have a fixed width, so the description's length is known before they are. */
static uint64_t describe(struct writer *w) {
    const struct weights *x = &w->m->weights;
    char text[160];
    w->description.n = 0;
    snprintf(text, sizeof text, "{\"version\":1,\"weight_type\":\"%s\",\"stored_type\":\"%s\",\"n_vocab\":%d,\"checksums\":{", weight_type_name(w->type),
             x->stored_type, x->n_vocab);
    buf_str(&w->description, text);
    return w->description.n;
}

static void add_checksum(struct writer *w, const char *name, uint64_t hash) {
    char text[24];
    if (w->description.n && w->description.p[w->description.n - 1] != '{') buf_char(&w->description, ',');
    json_quote(&w->description, name, strlen(name));
    snprintf(text, sizeof text, ":\"%016" PRIx64 "\"", hash);
    buf_str(&w->description, text);
}

/* The description ends with a checksum of the header and of itself. */
#define LAST_KEY ",\"checksum\":\""
enum { LAST = sizeof LAST_KEY - 1 + 16 + 2 };

static void end_description(struct writer *w) {
    char text[24];
    buf_str(&w->description, "}");
    snprintf(text, sizeof text, "%016" PRIx64 "\"}", checksum(w->header_hash, w->description.p, w->description.n));
    buf_str(&w->description, LAST_KEY);
    buf_str(&w->description, text);
}

static void companion_tensor(char out[64], int i) { snprintf(out, 64, PACKED_FILE_PREFIX "%s", companion_names[i]); }

static int write_header(struct writer *w) {
    const struct weights *x = &w->m->weights;
    char name[64];
    buf_char(&w->header, '{');
    describe(w);
    for (int pass = 0; pass < 2; pass++)            /* matrices first: they stay aligned */
        for (int i = 0; i < x->n_bound; i++) {
            const struct bound *b = &x->bound[i];
            if (pass == 0 && b->matrix) announce(w, b->name, "U8", room_of(w, b), room_of(w, b));
            else if (pass == 1 && b->norm) announce(w, b->name, "F32", (uint64_t)b->n, (uint64_t)b->n * 4);
            else continue;
            add_checksum(w, b->name, 0);
        }
    for (int i = 0; i < N_COMPANIONS; i++) {
        if (!w->companions[i].data) continue;
        companion_tensor(name, i);
        announce(w, name, "U8", w->companions[i].size, w->companions[i].size);
        add_checksum(w, name, 0);
    }
    end_description(w);
    announce(w, PACKED_DESCRIPTION, "U8", w->description.n, w->description.n);
    buf_char(&w->header, '}');
    while ((8 + w->header.n) % 64 != 0) buf_char(&w->header, ' ');
    if (w->header.oom || w->description.oom) return fail_memory(w->err, "the header", w->header.n);
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)w->header.n >> 8 * i);
    if (w->write(w->user, length, 8) || w->write(w->user, w->header.p, w->header.n)) return fail(w->err, QW_EIO, "the packed file could not be written");
    w->header_hash = checksum(checksum(0, length, 8), w->header.p, w->header.n);
    describe(w);                                    /* begin again, now with the real checksums */
    return 0;
}

/* ---- the data ---- */

static int put(struct writer *w, const void *p, uint64_t n) {
    w->hash = checksum(w->hash, p, n);
    return w->write(w->user, p, (size_t)n) ? fail(w->err, QW_EIO, "the packed file could not be written") : 0;
}

static int put_matrix(struct writer *w, const struct bound *b, unsigned char *slice) {
    const struct matrix *m = b->matrix;
    const uint64_t panel = panel_size(w->type, m->cols);
    const int64_t panels = (m->rows + PANEL - 1) / PANEL, most = slice_panels(m);
    static const unsigned char zeros[64];
    int rc = 0;
    for (int64_t first = 0; !rc && first < panels; first += most) {
        int64_t n = panels - first < most ? panels - first : most;
        rc = pack_panels(b, first, n, w->type, slice, w->m->kernels, w->m->pool, w->err);
        if (!rc) rc = put(w, slice, (uint64_t)n * panel);
        w->done += stored_size(m, first, n);
        if (!rc && w->params->progress && w->params->progress(w->params->user, w->done, w->m->weights.bytes))
            rc = fail(w->err, QW_ECANCEL, "stopped while the weights were quantised");
    }
    uint64_t pad = room_of(w, b) - (uint64_t)panels * panel;
    return rc || pad == 0 ? rc : put(w, zeros, pad);
}

static int put_norm(struct writer *w, const struct bound *b) {
    unsigned char bytes[256];
    int rc = 0;
    for (int i = 0, n; !rc && i < b->n; i += n) {
        n = b->n - i < 64 ? b->n - i : 64;
        for (int k = 0; k < n; k++) {
            uint32_t u;
            memcpy(&u, &b->norm[i + k], 4);
            for (int j = 0; j < 4; j++) bytes[4 * k + j] = (unsigned char)(u >> 8 * j);
        }
        rc = put(w, bytes, (uint64_t)n * 4);
    }
    return rc;
}

static int write_data(struct writer *w) {
    const struct weights *x = &w->m->weights;
    uint64_t most = 0;
    char name[64];
    int rc = 0;
    for (int i = 0; i < x->n_bound; i++) {
        const struct matrix *m = x->bound[i].matrix;
        uint64_t size = m ? (uint64_t)slice_panels(m) * panel_size(w->type, m->cols) : 0;
        if (size > most) most = size;
    }
    unsigned char *slice = alloc_pages(most);
    if (!slice) return fail_memory(w->err, "a slice of packed weights", most);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; !rc && i < x->n_bound; i++) {
            const struct bound *b = &x->bound[i];
            if ((pass == 0) != (b->matrix != NULL)) continue;
            w->hash = 0;
            rc = b->matrix ? put_matrix(w, b, slice) : put_norm(w, b);
            add_checksum(w, b->name, w->hash);
        }
    free(slice);
    for (int i = 0; !rc && i < N_COMPANIONS; i++) {
        if (!w->companions[i].data) continue;
        companion_tensor(name, i);
        w->hash = 0;
        rc = put(w, w->companions[i].data, w->companions[i].size);
        add_checksum(w, name, w->hash);
    }
    end_description(w);
    if (!rc && w->description.oom) rc = fail_memory(w->err, "the description", w->description.n);
    return rc ? rc : put(w, w->description.p, w->description.n);
}

/* Leave out the white space between tokens of a JSON text. */
static int minify(struct file *f, qw_error *err) {
    unsigned char *out = malloc((size_t)f->size + 1);
    size_t n = 0;
    bool in_string = false;
    if (!out) return fail_memory(err, "a file of the model", f->size);
    for (uint64_t i = 0; i < f->size; i++) {
        unsigned char c = f->data[i];
        if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
        if (c == '"') in_string = !in_string;
        out[n++] = c;
        if (in_string && c == '\\' && i + 1 < f->size) out[n++] = f->data[++i];
    }
    file_close(f);
    *f = (struct file){.data = out, .size = n, .kind = FILE_OWNED};
    return 0;
}

static int read_companions(struct writer *w) {
    struct companions files;
    int rc = companions_of(&files, w->m->path, &w->m->checkpoint, w->err);
    for (int i = 0; !rc && i < N_COMPANIONS; i++) {
        char *path = NULL;
        rc = companion_read(&files, companion_names[i], &w->companions[i], &path, w->err);
        free(path);
        size_t n = strlen(companion_names[i]);
        if (!rc && w->companions[i].data && strcmp(companion_names[i] + n - 5, ".json") == 0) rc = minify(&w->companions[i], w->err);
    }
    companions_close(&files);
    return rc;
}

int qw_quantize(const char *path, const char *weight_type, const qw_load_params *params, int (*write)(void *user, const void *p, size_t n), void *user,
                qw_error *err) {
    qw_load_params load = params ? *params : (qw_load_params){0};
    load.weight_type = "stored";
    struct qw_model *m;
    enum weight_type type;
    if (!weight_type || weight_type_from_name(&type, weight_type, NULL) || !is_packed(type))
        return fail(err, QW_EARG, "weight type '%s' is not a packed one; there are q8 and q4", weight_type ? weight_type : "");
    int rc = qw_load(&m, path, &load, err);
    if (rc) return rc;
    struct writer w = {.m = m, .type = type, .params = &load, .write = write, .user = user, .err = err};
    if (is_packed(m->weights.type)) rc = fail(err, QW_EARG, "%s is packed already, as %s; start from the original", path, weight_type_name(m->weights.type));
    if (!rc) rc = read_companions(&w);
    if (!rc) rc = write_header(&w);
    if (!rc) rc = write_data(&w);
    for (int i = 0; i < N_COMPANIONS; i++) file_close(&w.companions[i]);
    buf_free(&w.header);
    buf_free(&w.description);
    qw_free(m);
    return rc;
}

/* ---- verifying ---- */

static int verify_description(const struct checkpoint *c, const struct tensor *t, qw_error *err) {
    const unsigned char *file = c->files[t->file].data;
    uint64_t header = 8;
    char want[LAST + 1];
    for (int i = 0; i < 8; i++) header += (uint64_t)file[i] << 8 * i;
    uint64_t own = t->size < LAST ? 0 : t->size - LAST, hash = checksum(checksum(0, file, header), t->data, own);
    snprintf(want, sizeof want, LAST_KEY "%016" PRIx64 "\"}", hash);
    if (t->size >= LAST && memcmp(t->data + own, want, LAST) == 0) return 0;
    return fail(err, QW_EFORMAT, "%s: the header or tensor '%s' is damaged: the checksum of both is %016" PRIx64, c->paths[t->file], t->name, hash);
}

int qw_verify(const char *path, qw_error *err) {
    struct checkpoint c;
    struct json j;
    int rc = checkpoint_open(&c, path, err);
    if (rc) return rc;
    const struct tensor *description = checkpoint_find(&c, PACKED_DESCRIPTION);
    if (!description) rc = fail(err, QW_EFORMAT, "%s is not a packed file: it has no checksums", path);
    else rc = verify_description(&c, description, err);
    if (!rc && (rc = json_parse(&j, (const char *)description->data, (size_t)description->size, path, err)) == 0) {
        uint32_t sums = json_get(&j, 0, "checksums");
        for (uint32_t i = 0; !rc && i < c.n_tensors; i++) {
            const struct tensor *t = &c.tensors[i];
            char want[24];
            if (t == description) continue;
            uint32_t v = sums ? json_get(&j, sums, t->name) : 0;
            snprintf(want, sizeof want, "%016" PRIx64, checksum(0, t->data, t->size));
            if (!v) rc = fail(err, QW_EFORMAT, "%s: tensor '%s' has no checksum", path, t->name);
            else if (!json_is(&j, v, want)) rc = fail(err, QW_EFORMAT, "%s: tensor '%s' is damaged: its checksum is %s", path, t->name, want);
        }
        json_free(&j);
    }
    checkpoint_close(&c);
    return rc;
}
