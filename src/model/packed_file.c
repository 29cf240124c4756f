/* packed_file.c - writing and verifying packed files.
 *
 *   header                              safetensors' own
 *   model.embed_tokens.weight, ... U8   panels (kernels.h), each matrix at a multiple of 64 bytes
 *   model.norm.weight, ...         F32
 *   qw.file.config.json, ...       U8   the model's small files; JSON without white space, which
 *                                       halves tokenizer.json
 *   qw.json                        U8   the description (packed_description.h), with a checksum of
 *                                       each of these tensors and, last, one of the header and
 *                                       itself
 */
#include "model/packed_file.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "model/packed_description.h"
#include "model/weight_files.h"

static const char *const small_files[] = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",                           /* this and the next without a tokenizer.json only */
    "merges.txt",
};
enum { N_SMALL_FILES = sizeof small_files / sizeof *small_files };

struct writer {
    const struct weights *weights;
    struct packer *packer;
    write_fn *write;
    void *user;
    qw_error *err;
    struct name_list names;                 /* of the small files */
    struct file *files;                     /* [names.n]; data NULL: the model has no such file */
    struct buf header, description;
    uint64_t announced;                     /* bytes of data that the header has announced so far */
    uint64_t hash;                          /* of the tensor that is being written */
    uint64_t header_hash;
};

static uint64_t mix(uint64_t h, uint64_t word) {
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 32;
}

/* A checksum of a stream of bytes: 64-bit words, little-endian, mixed one after the other. All
 * pieces but the last must be a multiple of 8 bytes long. Starts with h = 0. */
static uint64_t checksum(uint64_t h, const void *data, uint64_t n) {
    const unsigned char *p = data;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = mix(h, word);
    }
    uint64_t rest = 0;
    memcpy(&rest, p, (size_t)n);
    return n ? mix(h, rest) : h;
}

/* ---- the header ---- */

static void announce(struct writer *w, const char *name, const char *type, uint64_t count,
                     uint64_t size) {
    char text[96];
    if (w->header.n > 1) buf_char(&w->header, ',');
    json_quote(&w->header, name, strlen(name));
    uint64_t begin = w->announced, end = begin + size;
    snprintf(text, sizeof text,
             ":{\"dtype\":\"%s\",\"shape\":[%" PRIu64 "],\"data_offsets\":[%" PRIu64 ",%" PRIu64
             "]}",
             type, count, begin, end);
    buf_str(&w->header, text);
    w->announced = end;
}

static uint64_t room_of(const struct writer *w, const struct bound *b) {
    return packed_room(w->packer->type, b->matrix->rows, b->matrix->cols);
}

/* Begin the description. Checksums have a fixed width, so its length is known before their values
 * are. */
static void describe(struct writer *w) {
    const struct weights *x = w->weights;
    char text[160];
    w->description.n = 0;
    snprintf(text, sizeof text,
             "{\"version\":%d,\"weight_type\":\"%s\",\"stored_type\":\"%s\",\"n_vocab\":%d,"
             "\"checksums\":{",
             PACKED_VERSION, weight_type_name(w->packer->type), x->stored_type, x->n_vocab);
    buf_str(&w->description, text);
}

static void add_checksum(struct writer *w, const char *name, uint64_t hash) {
    char text[24];
    if (w->description.n && w->description.p[w->description.n - 1] != '{')
        buf_char(&w->description, ',');
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
    snprintf(text, sizeof text, "%016" PRIx64 "\"}",
             checksum(w->header_hash, w->description.p, w->description.n));
    buf_str(&w->description, LAST_KEY);
    buf_str(&w->description, text);
}

/* The name of the tensor that holds small file i. */
static const char *small_file_tensor(const struct writer *w, size_t i, char out[MAX_FILE_KEY]) {
    snprintf(out, MAX_FILE_KEY, PACKED_FILE_PREFIX "%s", w->names.list[i]);
    return out;
}

static int write_out(struct writer *w, const void *p, uint64_t n) {
    if (w->write(w->user, p, (size_t)n) == 0) return 0;
    return fail(w->err, QW_EIO, "the packed file could not be written");
}

static void announce_weights(struct writer *w) {
    const struct weights *x = w->weights;
    for (int i = 0; i < x->n_bound; i++) {      /* matrices first: they stay aligned */
        const struct bound *b = &x->bound[i];
        if (!b->matrix) continue;
        announce(w, b->name, "U8", room_of(w, b), room_of(w, b));
        add_checksum(w, b->name, 0);
    }
    for (int i = 0; i < x->n_bound; i++) {
        const struct bound *b = &x->bound[i];
        if (b->matrix) continue;
        announce(w, b->name, "F32", (uint64_t)b->n, (uint64_t)b->n * 4);
        add_checksum(w, b->name, 0);
    }
}

static int write_header(struct writer *w) {
    char key[MAX_FILE_KEY];
    unsigned char length[8];
    buf_char(&w->header, '{');
    describe(w);
    announce_weights(w);
    for (size_t i = 0; i < w->names.n; i++) {
        if (!w->files[i].data) continue;
        announce(w, small_file_tensor(w, i, key), "U8", w->files[i].size, w->files[i].size);
        add_checksum(w, key, 0);
    }
    end_description(w);
    announce(w, PACKED_DESCRIPTION, "U8", w->description.n, w->description.n);
    buf_char(&w->header, '}');
    while (!w->header.oom && (8 + w->header.n) % 64 != 0) buf_char(&w->header, ' ');
    if (w->header.oom || w->description.oom) return fail_memory(w->err, "the header", w->header.n);
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)w->header.n >> 8 * i);
    int rc = write_out(w, length, 8);
    if (!rc) rc = write_out(w, w->header.p, w->header.n);
    w->header_hash = checksum(checksum(0, length, 8), w->header.p, w->header.n);
    describe(w);                                /* begin again, now with the real checksums */
    return rc;
}

/* ---- the data ---- */

/* A piece of the tensor that is being written. */
static int put(struct writer *w, const void *p, uint64_t n) {
    w->hash = checksum(w->hash, p, n);
    return write_out(w, p, n);
}

static int put_matrix(struct writer *w, const struct bound *b, unsigned char *slice) {
    const struct matrix *m = b->matrix;
    const uint64_t panel = panel_size(w->packer->type, m->cols);
    const int64_t panels = n_panels(m->rows), most = panels_per_slice(m);
    static const unsigned char zeros[64];
    int rc = 0;
    for (int64_t first = 0; !rc && first < panels; first += most) {
        int64_t n = panels - first < most ? panels - first : most;
        rc = pack_panels(w->packer, b, first, n, slice, w->err);
        if (!rc) rc = put(w, slice, (uint64_t)n * panel);
    }
    uint64_t pad = room_of(w, b) - (uint64_t)panels * panel;
    return rc || pad == 0 ? rc : put(w, zeros, pad);
}

static int put_norm(struct writer *w, const struct bound *b) {
    return put(w, b->norm, (uint64_t)b->n * sizeof *b->norm);
}

static int put_weights(struct writer *w, bool matrices, unsigned char *slice) {
    const struct weights *x = w->weights;
    int rc = 0;
    for (int i = 0; !rc && i < x->n_bound; i++) {
        const struct bound *b = &x->bound[i];
        if (matrices != (b->matrix != NULL)) continue;
        w->hash = 0;
        rc = b->matrix ? put_matrix(w, b, slice) : put_norm(w, b);
        add_checksum(w, b->name, w->hash);
    }
    return rc;
}

static int write_data(struct writer *w) {
    const struct weights *x = w->weights;
    uint64_t most = 0;
    char key[MAX_FILE_KEY];
    for (int i = 0; i < x->n_bound; i++) {
        const struct matrix *m = x->bound[i].matrix;
        uint64_t size =
            m ? (uint64_t)panels_per_slice(m) * panel_size(w->packer->type, m->cols) : 0;
        if (size > most) most = size;
    }
    unsigned char *slice = alloc_large(most);
    if (!slice) return fail_memory(w->err, "a slice of packed weights", most);
    int rc = put_weights(w, true, slice);
    free(slice);
    if (!rc) rc = put_weights(w, false, NULL);
    for (size_t i = 0; !rc && i < w->names.n; i++) {
        if (!w->files[i].data) continue;
        w->hash = 0;
        rc = put(w, w->files[i].data, w->files[i].size);
        add_checksum(w, small_file_tensor(w, i, key), w->hash);
    }
    end_description(w);
    if (!rc && w->description.oom) rc = fail_memory(w->err, "the description", w->description.n);
    return rc ? rc : write_out(w, w->description.p, w->description.n);
}

/* ---- the small files ---- */

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

/* Those that every model may have, and the chat templates beside its own. */
static int list_small_files(struct writer *w, const struct model_files *files) {
    int rc = 0;
    for (int i = 0; !rc && i < N_SMALL_FILES; i++) rc = add_name(&w->names, small_files[i], w->err);
    if (!rc) rc = model_files_list(files, MORE_TEMPLATES, ".jinja", &w->names, w->err);
    return rc;
}

static bool is_slow_tokenizer(const char *name) {
    return strcmp(name, "vocab.json") == 0 || strcmp(name, "merges.txt") == 0;
}

static int read_small_files(struct writer *w, const struct model_files *files) {
    bool has_tokenizer = false;
    int rc = list_small_files(w, files);
    if (rc) return rc;
    w->files = alloc_zero(w->names.n, sizeof *w->files);
    if (!w->files) return fail_memory(w->err, "files of the model", w->names.n * sizeof *w->files);
    for (size_t i = 0; !rc && i < w->names.n; i++) {
        const char *name = w->names.list[i];
        char *path = NULL;
        if (has_tokenizer && is_slow_tokenizer(name)) continue;
        rc = model_file_read(files, name, &w->files[i], &path, w->err);
        free(path);
        if (strcmp(name, "tokenizer.json") == 0) has_tokenizer = w->files[i].data != NULL;
        if (!rc && w->files[i].data && path_ends_with(name, ".json"))
            rc = minify(&w->files[i], w->err);
    }
    return rc;
}

int packed_file_write(const struct weights *weights, const struct model_files *files,
                      struct packer *p, write_fn *write, void *user, qw_error *err) {
    struct writer w = {.weights = weights, .packer = p, .write = write, .user = user, .err = err};
    p->all = weights->bytes;
    int rc = read_small_files(&w, files);
    if (!rc) rc = write_header(&w);
    if (!rc) rc = write_data(&w);
    for (size_t i = 0; w.files && i < w.names.n; i++) file_close(&w.files[i]);
    free(w.files);
    free_names(&w.names);
    buf_free(&w.header);
    buf_free(&w.description);
    return rc;
}

/* ---- verifying ---- */

static int verify_description(const struct checkpoint *c, const struct tensor *t, qw_error *err) {
    const unsigned char *file = c->files[t->file].data;
    uint64_t header = 8;
    char want[LAST + 1];
    for (int i = 0; i < 8; i++) header += (uint64_t)file[i] << 8 * i;
    uint64_t own = t->size < LAST ? 0 : t->size - LAST;
    uint64_t hash = checksum(checksum(0, file, header), t->data, own);
    snprintf(want, sizeof want, LAST_KEY "%016" PRIx64 "\"}", hash);
    if (t->size >= LAST && memcmp(t->data + own, want, LAST) == 0) return 0;
    return fail(err, QW_EFORMAT,
                "%s: the header or tensor '%s' is damaged: the checksum of both is %016" PRIx64,
                c->paths[t->file], t->name, hash);
}

/* The description must hold a checksum of every tensor but itself. */
static int verify_tensors(const struct checkpoint *c, const struct tensor *description,
                          const struct json *j, qw_error *err) {
    const char *path = c->paths[description->file];
    uint32_t sums = json_get(j, 0, "checksums");
    for (uint32_t i = 0; i < c->n_tensors; i++) {
        const struct tensor *t = &c->tensors[i];
        char want[24];
        if (t == description) continue;
        uint32_t v = sums ? json_get(j, sums, t->name) : 0;
        if (!v) return fail(err, QW_EFORMAT, "%s: tensor '%s' has no checksum", path, t->name);
        snprintf(want, sizeof want, "%016" PRIx64, checksum(0, t->data, t->size));
        if (!json_is(j, v, want))
            return fail(err, QW_EFORMAT, "%s: tensor '%s' is damaged: its checksum is %s", path,
                        t->name, want);
    }
    return 0;
}

int packed_file_verify(const char *path, qw_error *err) {
    struct checkpoint c;
    struct json j;
    int rc = checkpoint_open(&c, path, NULL, err);
    if (rc) return rc;
    const struct tensor *t = checkpoint_find(&c, PACKED_DESCRIPTION);
    if (t) rc = verify_description(&c, t, err);
    else rc = fail(err, QW_EFORMAT, "%s is not a packed file: it has no checksums", path);
    if (!rc) rc = json_parse(&j, (const char *)t->data, (size_t)t->size, path, err);
    if (!rc) {
        rc = verify_tensors(&c, t, &j, err);
        json_free(&j);
    }
    checkpoint_close(&c);
    return rc;
}
