/* safetensors.c - tensors of a checkpoint in safetensors files, checked and mapped. */
#include "model/safetensors.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/json.h"
#include "base/listed.h"

#define MAX_HEADER UINT64_C(100000000)      /* the reference implementation's limit */
#define MAX_TENSORS 1000000

/* The types whose size is known and checked. */
static const struct {
    const char *name;
    int size;
} types[] = {
    {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8},     {"I64", 8},
    {"U64", 8}, {"I32", 4}, {"U32", 4},  {"I16", 2},     {"U16", 2},
    {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
};

/* ---- one tensor's entry in the header ---- */

/* Whole number 0..2^53 at a node. */
static bool json_size(const struct json *j, uint32_t node, uint64_t *out) {
    int64_t v;
    if (!json_int(j, node, &v) || v < 0) return false;
    *out = (uint64_t)v;
    return true;
}

/* Append a string to c->names, which may move. Returns where it begins there. */
static size_t keep_name(struct checkpoint *c, const struct json *j, uint32_t node) {
    size_t at = c->names.n;
    json_string(j, node, &c->names);
    buf_char(&c->names, 0);
    return at;
}

/* An entry of the header that is being read, and what messages call it. */
struct entry {
    const struct json *j;
    uint32_t value;                 /* node of its object */
    const char *path;
    char name[128];                 /* as it stands in the header, cut short */
    qw_error *err;
};

/* The member of an entry with this key; 0 if it is missing or of another type. */
static uint32_t member(const struct entry *e, const char *key, enum json_type type) {
    uint32_t v = json_get(e->j, e->value, key);
    return v && json_type(e->j, v) == type ? v : 0;
}

/* Where the tensor's bytes begin in the data, and how many there are. */
static int read_offsets(const struct entry *e, uint32_t offsets, uint64_t data_size,
                        uint64_t *begin, uint64_t *size) {
    uint64_t end;
    if (!json_size(e->j, offsets + 1, begin) || !json_size(e->j, offsets + 2, &end))
        return fail(e->err, QW_EFORMAT, "%s: the data_offsets of tensor '%s' are not byte counts",
                    e->path, e->name);
    if (*begin > end || end > data_size)
        return fail(e->err, QW_EFORMAT,
                    "%s: tensor '%s' lies at bytes %" PRIu64 " to %" PRIu64 " of %" PRIu64
                    " in the file: it is cut short or damaged",
                    e->path, e->name, *begin, end, data_size);
    *size = end - *begin;
    return 0;
}

static int read_shape(const struct entry *e, uint32_t shape, struct tensor *t, uint64_t *count) {
    const struct json *j = e->j;
    *count = 1;
    for (uint32_t k = shape + 1; k < json_end(j, shape); k = json_next(j, k), t->n_dims++) {
        uint64_t d;
        if (!json_size(j, k, &d))
            return fail(e->err, QW_EFORMAT,
                        "%s: the shape of tensor '%s' is not made of whole numbers", e->path,
                        e->name);
        if (!mul_u64(*count, d, count))
            return fail(e->err, QW_EFORMAT, "%s: the shape of tensor '%s' overflows", e->path,
                        e->name);
        if (t->n_dims < TENSOR_DIMS) t->shape[t->n_dims] = d;
    }
    return 0;
}

/* Do `count` weights of this type take the tensor's bytes? Unknown types may take any. */
static int check_size(const struct entry *e, uint32_t dtype, uint64_t count, uint64_t size) {
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        uint64_t bytes;
        if (!json_is(e->j, dtype, types[k].name)) continue;
        if (mul_u64(count, (uint64_t)types[k].size, &bytes) && bytes == size) return 0;
        return fail(e->err, QW_EFORMAT,
                    "%s: tensor '%s' has %" PRIu64
                    " bytes, but its shape and type %s need %" PRIu64,
                    e->path, e->name, size, types[k].name, bytes);
    }
    return 0;
}

/* The tensor whose name is at node `key`. */
static int read_entry(struct checkpoint *c, const struct json *j, uint32_t key, const char *path,
                      uint64_t data_size, uint64_t *begin, struct tensor *t, qw_error *err) {
    struct entry e = {.j = j, .value = key + 1, .path = path, .err = err};
    uint64_t count;
    int n = j->nodes[key].len > 100 ? 100 : (int)j->nodes[key].len;
    snprintf(e.name, sizeof e.name, "%.*s", n, j->text + j->nodes[key].pos);
    uint32_t dtype = member(&e, "dtype", JSON_STRING), shape = member(&e, "shape", JSON_ARRAY);
    uint32_t offsets = member(&e, "data_offsets", JSON_ARRAY);
    if (!dtype || !shape || !offsets || j->nodes[offsets].len != 2)
        return fail(err, QW_EFORMAT, "%s: tensor '%s' lacks a dtype, a shape or two data_offsets",
                    path, e.name);
    if (j->nodes[e.value].len != 3)
        return fail(err, QW_EFORMAT, "%s: tensor '%s' has an unexpected or repeated key", path,
                    e.name);
    int rc = read_offsets(&e, offsets, data_size, begin, &t->size);
    if (!rc) rc = read_shape(&e, shape, t, &count);
    if (!rc) rc = check_size(&e, dtype, count, t->size);
    if (rc) return rc;
    t->name_at = keep_name(c, j, key);
    t->type_name_at = keep_name(c, j, dtype);
    if (!c->names.oom && strlen(c->names.p + t->name_at) + 1 != t->type_name_at - t->name_at)
        return fail(err, QW_EFORMAT, "%s: the name of tensor '%s' contains a NUL", path, e.name);
    return 0;
}

/* ---- one file ---- */

struct extent { uint64_t begin, end; uint32_t tensor; };

static int by_begin(const void *a, const void *b) {
    const struct extent *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    /* an empty tensor in front of its neighbour */
    return (x->end > y->end) - (x->end < y->end);
}

/* Do the tensors from `first` on fill the data exactly? */
static int check_extents(const struct checkpoint *c, struct extent *e, uint32_t n,
                         uint64_t data_size, const char *path, qw_error *err) {
    uint64_t at = 0;
    qsort(e, n, sizeof *e, by_begin);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = c->names.p + c->tensors[e[i].tensor].name_at;
        if (e[i].begin != at)
            return fail(err, QW_EFORMAT,
                        "%s: tensor '%s' begins at byte %" PRIu64
                        " of the data, but the one before it ends at %" PRIu64 ": they %s",
                        path, name, e[i].begin, at, e[i].begin < at ? "overlap" : "leave a gap");
        at = e[i].end;
    }
    if (at != data_size)
        return fail(err, QW_EFORMAT,
                    "%s: %" PRIu64 " bytes of data, but the tensors end at %" PRIu64, path,
                    data_size, at);
    return 0;
}

static int read_header(struct checkpoint *c, const struct json *j, const char *path,
                       const unsigned char *data, uint64_t data_size, qw_error *err) {
    if (json_type(j, 0) != JSON_OBJECT)
        return fail(err, QW_EFORMAT, "%s: the header is not a JSON object", path);
    uint32_t n = j->nodes[0].len, first = c->n_tensors;
    if (n > MAX_TENSORS || first > MAX_TENSORS)
        return fail(err, QW_EFORMAT, "%s: more than %d tensors", path, MAX_TENSORS);
    struct tensor *more = realloc(c->tensors, ((size_t)first + n + 1) * sizeof *more);
    struct extent *extents = malloc(((size_t)n + 1) * sizeof *extents);
    if (more) c->tensors = more;
    bool metadata = false;
    int rc = 0;
    if (!more || !extents) rc = fail_memory(err, "the list of tensors", (uint64_t)n * sizeof *more);
    for (uint32_t k = 1; !rc && k < json_end(j, 0); k = json_next(j, k + 1)) {
        if (json_is(j, k, "__metadata__")) {
            if (metadata) rc = fail(err, QW_EFORMAT, "%s: __metadata__ appears twice", path);
            metadata = true;
            continue;
        }
        struct tensor *t = &c->tensors[c->n_tensors];
        uint64_t begin = 0;
        *t = (struct tensor){.file = c->n_files};
        if ((rc = read_entry(c, j, k, path, data_size, &begin, t, err)) != 0) break;
        t->data = data + begin;
        extents[c->n_tensors - first] = (struct extent){begin, begin + t->size, c->n_tensors};
        c->n_tensors++;
    }
    if (!rc && c->names.oom) rc = fail_memory(err, "the names of tensors", c->names.n);
    if (!rc) rc = check_extents(c, extents, c->n_tensors - first, data_size, path, err);
    free(extents);
    return rc;
}

int checkpoint_add(struct checkpoint *c, char *path, qw_error *err) {
    struct file f;
    struct json j;
    uint64_t n = 0;
    if (!path) return fail_memory(err, "a path", 0);
    struct file *files = realloc(c->files, (size_t)(c->n_files + 1) * sizeof *files);
    if (files) c->files = files;
    char **paths = realloc(c->paths, (size_t)(c->n_files + 1) * sizeof *paths);
    if (paths) c->paths = paths;
    int rc = files && paths ? map_file(&f, path, err) : fail_memory(err, "the list of files", 0);
    if (rc) {
        free(path);
        return rc;
    }
    for (int i = 7; i >= 0 && f.size >= 8; i--) n = n << 8 | f.data[i];
    if (f.size < 8 || n > f.size - 8)
        rc = fail(err, QW_EFORMAT,
                  "%s: a header of %" PRIu64 " bytes in a file of %" PRIu64
                  ": not a safetensors file, or cut short",
                  path, n, f.size);
    else if (n > MAX_HEADER)
        rc = fail(err, QW_EFORMAT,
                  "%s: a header of %" PRIu64 " bytes is too large (at most %" PRIu64 ")", path, n,
                  MAX_HEADER);
    else if (n == 0 || f.data[8] != '{')
        rc = fail(err, QW_EFORMAT, "%s: the header does not begin with '{': not a safetensors file",
                  path);
    if (!rc && (rc = json_parse(&j, (const char *)f.data + 8, (size_t)n, path, err)) == 0) {
        rc = read_header(c, &j, path, f.data + 8 + n, f.size - 8 - n, err);
        json_free(&j);
    }
    if (rc) {
        file_close(&f);
        free(path);
        return rc;
    }
    c->files[c->n_files] = f;
    c->paths[c->n_files++] = path;
    return 0;
}

/* ---- all files ---- */

/* Within a name in the order of files. */
static int by_name_and_file(const void *a, const void *b) {
    const struct tensor *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->file > y->file) - (x->file < y->file);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

int checkpoint_sort(struct checkpoint *c, bool last_wins, struct warnings *warnings,
                    qw_error *err) {
    struct listed repeated = {.n = 0};
    const char *path = NULL;        /* the file of the first of them that counts */
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_tensors; i++) {       /* the names have stopped moving */
        c->tensors[i].name = c->names.p + c->tensors[i].name_at;
        c->tensors[i].type_name = c->names.p + c->tensors[i].type_name_at;
    }
    if (c->n_tensors) qsort(c->tensors, c->n_tensors, sizeof *c->tensors, by_name_and_file);
    for (uint32_t i = 0; i < c->n_tensors; i++) {
        struct tensor *t = &c->tensors[i], *kept = n > 0 ? &c->tensors[n - 1] : NULL;
        bool again = kept && strcmp(kept->name, t->name) == 0;
        if (again && kept->file == t->file)
            return fail(err, QW_EFORMAT, "%s: tensor '%s' appears twice", c->paths[t->file],
                        t->name);
        if (again && !last_wins)
            return fail(err, QW_EFORMAT, "%s: tensor '%s' is in %s, too", c->paths[t->file],
                        t->name, c->paths[kept->file]);
        if (again) {
            if (!path) path = c->paths[t->file];
            list_name(&repeated, t->name, strlen(t->name));
        }
        c->tensors[again ? n - 1 : n++] = *t;
    }
    c->n_tensors = n;
    if (repeated.n > 0)
        add_warning(warnings,
                    "%s: tensors that an earlier file has, too: %s; the last file's count, as in "
                    "transformers",
                    path, list_text(&repeated));
    return 0;
}

void checkpoint_close(struct checkpoint *c) {
    for (int i = 0; i < c->n_files; i++) {
        file_close(&c->files[i]);
        free(c->paths[i]);
    }
    free(c->files);
    free(c->paths);
    free(c->tensors);
    buf_free(&c->names);
    *c = (struct checkpoint){0};
}

const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name) {
    struct tensor key = {.name = name};
    return c->n_tensors ? bsearch(&key, c->tensors, c->n_tensors, sizeof key, by_name) : NULL;
}
