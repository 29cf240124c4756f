/* safetensors.c - tensors of a checkpoint in safetensors files, checked and mapped. */
#include "model/safetensors.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/json.h"

#define MAX_HEADER UINT64_C(100000000)      /* the reference implementation's limit */
#define MAX_TENSORS 1000000
#define MAX_FILES 10000

static const struct { const char *name; enum tensor_type type; int size; } types[] = {
    {"F32", TENSOR_F32, 4}, {"F16", TENSOR_F16, 2}, {"BF16", TENSOR_BF16, 2}, {"F64", TENSOR_OTHER, 8}, {"I64", TENSOR_OTHER, 8},
    {"U64", TENSOR_OTHER, 8}, {"I32", TENSOR_OTHER, 4}, {"U32", TENSOR_OTHER, 4}, {"I16", TENSOR_OTHER, 2}, {"U16", TENSOR_OTHER, 2},
    {"I8", TENSOR_OTHER, 1}, {"U8", TENSOR_OTHER, 1}, {"BOOL", TENSOR_OTHER, 1}, {"F8_E4M3", TENSOR_OTHER, 1}, {"F8_E5M2", TENSOR_OTHER, 1},
};

/* ---- one tensor's entry in the header ---- */

/* Whole number 0..2^53 at a node. */
static bool json_size(const struct json *j, uint32_t node, uint64_t *out) {
    int64_t v;
    if (!json_int(j, node, &v) || v < 0) return false;
    *out = (uint64_t)v;
    return true;
}

/* The text of a name goes into c->names, which may move: until all are known, t->name holds the offset. */
static const char *keep_name(struct checkpoint *c, const struct json *j, uint32_t node, bool *has_nul) {
    size_t at = c->names.n;
    json_string(j, node, &c->names);
    *has_nul = !c->names.oom && memchr(c->names.p + at, 0, c->names.n - at) != NULL;
    buf_char(&c->names, 0);
    return (const char *)(uintptr_t)at;
}

static int parse_entry(struct checkpoint *c, const struct json *j, uint32_t key, const char *path, uint64_t data_size, uint64_t *begin,
                       struct tensor *t, qw_error *err) {
    char shown[128];
    int n = (int)j->nodes[key].len;
    bool nul;
    snprintf(shown, sizeof shown, "%.*s", n > 100 ? 100 : n, j->text + j->nodes[key].pos);
    uint32_t v = key + 1, dtype = json_get(j, v, "dtype"), shape = json_get(j, v, "shape"), at = json_get(j, v, "data_offsets");
    if (json_type(j, v) != JSON_OBJECT || !dtype || !shape || !at || json_type(j, dtype) != JSON_STRING || json_type(j, shape) != JSON_ARRAY ||
        json_type(j, at) != JSON_ARRAY || j->nodes[at].len != 2)
        return fail(err, QW_EFORMAT, "%s: tensor '%s' lacks a dtype, a shape or two data_offsets", path, shown);
    if (j->nodes[v].len != 3) return fail(err, QW_EFORMAT, "%s: tensor '%s' has a key twice or one too many", path, shown);

    uint64_t end, count = 1, bytes;
    if (!json_size(j, at + 1, begin) || !json_size(j, at + 2, &end))
        return fail(err, QW_EFORMAT, "%s: the data_offsets of tensor '%s' are no byte counts", path, shown);
    if (*begin > end || end > data_size)
        return fail(err, QW_EFORMAT, "%s: tensor '%s' lies at bytes %" PRIu64 " to %" PRIu64 " of %" PRIu64 " in the file: it is cut short or damaged",
                    path, shown, *begin, end, data_size);
    t->size = end - *begin;

    t->n_dims = (int)j->nodes[shape].len;
    int i = 0;
    for (uint32_t k = shape + 1; k < json_end(j, shape); k = json_next(j, k), i++) {
        uint64_t d;
        if (!json_size(j, k, &d)) return fail(err, QW_EFORMAT, "%s: the shape of tensor '%s' is not made of whole numbers", path, shown);
        if (!mul_u64(count, d, &count)) return fail(err, QW_EFORMAT, "%s: the shape of tensor '%s' overflows", path, shown);
        if (i < TENSOR_DIMS) t->shape[i] = d;
    }
    t->type = TENSOR_OTHER;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        if (json_is(j, dtype, types[k].name)) {
            t->type = types[k].type;
            if (!mul_u64(count, (uint64_t)types[k].size, &bytes) || bytes != t->size)
                return fail(err, QW_EFORMAT, "%s: tensor '%s' has %" PRIu64 " bytes, but its shape and type %s need %" PRIu64, path, shown,
                            t->size, types[k].name, bytes);
        }
    t->name = keep_name(c, j, key, &nul);
    if (nul) return fail(err, QW_EFORMAT, "%s: the name of tensor '%s' holds a NUL", path, shown);
    t->type_name = keep_name(c, j, dtype, &nul);
    return 0;
}

/* ---- one file ---- */

struct extent { uint64_t begin, end; uint32_t tensor; };

static int by_begin(const void *a, const void *b) {
    const struct extent *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);       /* an empty tensor in front of its neighbour */
}

/* Do the tensors from `first` on fill the data exactly? */
static int check_extents(const struct checkpoint *c, struct extent *e, uint32_t n, uint64_t data_size, const char *path, qw_error *err) {
    uint64_t at = 0;
    qsort(e, n, sizeof *e, by_begin);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = c->names.p + (uintptr_t)c->tensors[e[i].tensor].name;
        if (e[i].begin != at)
            return fail(err, QW_EFORMAT, "%s: tensor '%s' begins at byte %" PRIu64 " of the data, but the one before it ends at %" PRIu64
                        ": they %s", path, name, e[i].begin, at, e[i].begin < at ? "overlap" : "leave a gap");
        at = e[i].end;
    }
    if (at != data_size)
        return fail(err, QW_EFORMAT, "%s: %" PRIu64 " bytes of data, but the tensors end at %" PRIu64, path, data_size, at);
    return 0;
}

static int read_header(struct checkpoint *c, const struct json *j, const char *path, const unsigned char *data, uint64_t data_size, qw_error *err) {
    if (json_type(j, 0) != JSON_OBJECT) return fail(err, QW_EFORMAT, "%s: the header is not a JSON object", path);
    uint32_t n = j->nodes[0].len, first = c->n_tensors;
    if (n > MAX_TENSORS || first > MAX_TENSORS) return fail(err, QW_EFORMAT, "%s: more than %d tensors", path, MAX_TENSORS);
    struct tensor *more = realloc(c->tensors, ((size_t)first + n + 1) * sizeof *more);
    struct extent *extents = malloc(((size_t)n + 1) * sizeof *extents);
    if (more) c->tensors = more;
    bool metadata = false;
    int rc = more && extents ? 0 : fail_memory(err, "the list of tensors", (uint64_t)n * sizeof *more);
    for (uint32_t k = 1; !rc && k < json_end(j, 0); k = json_next(j, k + 1)) {
        if (json_is(j, k, "__metadata__")) {
            if (metadata) rc = fail(err, QW_EFORMAT, "%s: __metadata__ is there twice", path);
            metadata = true;
            continue;
        }
        struct tensor *t = &c->tensors[c->n_tensors];
        uint64_t begin = 0;
        *t = (struct tensor){.file = c->n_files};
        if ((rc = parse_entry(c, j, k, path, data_size, &begin, t, err)) != 0) break;
        t->data = data + begin;
        extents[c->n_tensors - first] = (struct extent){begin, begin + t->size, c->n_tensors};
        c->n_tensors++;
    }
    if (!rc && c->names.oom) rc = fail_memory(err, "the names of tensors", c->names.n);
    if (!rc) rc = check_extents(c, extents, c->n_tensors - first, data_size, path, err);
    free(extents);
    return rc;
}

/* Map the file at path and add its tensors; takes over path. */
static int add_file(struct checkpoint *c, char *path, qw_error *err) {
    struct file f;
    struct json j;
    uint64_t n = 0;
    if (!path) return fail_memory(err, "a path", 0);
    struct file *files = realloc(c->files, (size_t)(c->n_files + 1) * sizeof *files);
    if (files) c->files = files;
    char **paths = realloc(c->paths, (size_t)(c->n_files + 1) * sizeof *paths);
    if (paths) c->paths = paths;
    int rc = files && paths ? map_file(&f, path, err) : fail_memory(err, "the list of files", 0);
    if (rc) { free(path); return rc; }
    if (f.size >= 8) for (int i = 7; i >= 0; i--) n = n << 8 | f.data[i];
    if (f.size < 8 || n > f.size - 8)
        rc = fail(err, QW_EFORMAT, "%s: a header of %" PRIu64 " bytes in a file of %" PRIu64 ": not a safetensors file, or cut short", path, n, f.size);
    else if (n > MAX_HEADER)
        rc = fail(err, QW_EFORMAT, "%s: a header of %" PRIu64 " bytes; at most %" PRIu64 " are possible", path, n, MAX_HEADER);
    else if (n == 0 || f.data[8] != '{')
        rc = fail(err, QW_EFORMAT, "%s: the header does not begin with '{': not a safetensors file", path);
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

/* ---- a directory ---- */

static int by_string(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void free_strings(char **s, size_t n) {
    for (size_t i = 0; i < n; i++) free(s[i]);
    free(s);
}

/* The distinct values of the index's weight_map. Names that could lead out of the directory are refused. */
static int index_files(const struct json *j, const char *path, char ***out, size_t *n_out, qw_error *err) {
    uint32_t map = json_get(j, 0, "weight_map");
    if (!map || json_type(j, map) != JSON_OBJECT || j->nodes[map].len == 0)
        return fail(err, QW_EFORMAT, "%s: no weight_map", path);
    char **list = calloc((size_t)j->nodes[map].len, sizeof *list);
    size_t n = 0, kept = 0;
    int rc = list ? 0 : fail_memory(err, path, j->nodes[map].len * sizeof *list);
    for (uint32_t k = map + 1; !rc && k < json_end(j, map); k = json_next(j, k + 1)) {
        struct buf b = {0};
        if (json_type(j, k + 1) != JSON_STRING) { rc = fail(err, QW_EFORMAT, "%s: a value of weight_map is not a file name", path); break; }
        json_string(j, k + 1, &b);
        buf_char(&b, 0);
        if (b.oom) rc = fail_memory(err, path, 0);
        else if (strlen(b.p) + 1 != b.n || b.n == 1 || strchr(b.p, '/') || strchr(b.p, '\\') || !strcmp(b.p, ".") || !strcmp(b.p, ".."))
            rc = fail(err, QW_EFORMAT, "%s: weight_map names '%.200s', which is not a file of this directory", path, b.p);
        if (rc) buf_free(&b);
        else list[n++] = b.p;
    }
    if (!rc) {
        qsort(list, n, sizeof *list, by_string);
        for (size_t i = 0; i < n; i++) {
            if (kept > 0 && strcmp(list[kept - 1], list[i]) == 0) free(list[i]);
            else list[kept++] = list[i];
        }
        n = kept;
        if (n > MAX_FILES) rc = fail(err, QW_EFORMAT, "%s: more than %d files", path, MAX_FILES);
    }
    if (rc) free_strings(list, n);
    else { *out = list; *n_out = n; }
    return rc;
}

/* model*.safetensors in the directory, sorted. */
static int glob_files(const char *dir, char ***out, size_t *n_out, qw_error *err) {
    char **list = NULL;
    size_t n = 0;
    int rc = 0;
    DIR *d = opendir(dir);
    if (!d) return fail(err, QW_EIO, "cannot read the directory %s", dir);
    for (struct dirent *e; !rc && (e = readdir(d)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len < 17 || strncmp(e->d_name, "model", 5) != 0 || strcmp(e->d_name + len - 12, ".safetensors") != 0) continue;
        char **more = realloc(list, (n + 1) * sizeof *list), *name = strdup(e->d_name);
        if (more) list = more;
        if (more && name) list[n++] = name;
        else { free(name); rc = fail_memory(err, dir, len); }
    }
    closedir(d);
    if (!rc && n == 0)
        rc = fail(err, QW_EIO, "%s holds no weights: neither model.safetensors nor model.safetensors.index.json with its files", dir);
    if (rc) { free_strings(list, n); return rc; }
    qsort(list, n, sizeof *list, by_string);
    *out = list;
    *n_out = n;
    return 0;
}

static int add_indexed(struct checkpoint *c, const char *dir, const char *index_path, qw_error *err) {
    struct file f;
    struct json j;
    char **list = NULL;
    size_t n = 0;
    int rc = read_file(&f, index_path, MAX_HEADER, err);
    if (rc) return rc;
    if ((rc = json_parse(&j, (const char *)f.data, (size_t)f.size, index_path, err)) == 0) {
        rc = index_files(&j, index_path, &list, &n, err);
        json_free(&j);
    }
    file_close(&f);
    for (size_t i = 0; !rc && i < n; i++) {
        char *path = path_join(dir, list[i]);
        if (path && path_kind(path) == PATH_MISSING)
            rc = fail(err, QW_EIO, "%s is missing; %s lists it (%zu weight files in all)", path, index_path, n);
        if (rc) free(path);
        else rc = add_file(c, path, err);
    }
    free_strings(list, n);
    return rc;
}

static int add_directory(struct checkpoint *c, const char *dir, qw_error *err) {
    char *index = path_join(dir, "model.safetensors.index.json"), *single = path_join(dir, "model.safetensors");
    char **list = NULL;
    size_t n = 0;
    int rc;
    if (!index || !single) rc = fail_memory(err, "a path", 0);
    else if (path_kind(index) != PATH_MISSING) rc = add_indexed(c, dir, index, err);
    else if (path_kind(single) != PATH_MISSING) { rc = add_file(c, single, err); single = NULL; }
    else {
        rc = glob_files(dir, &list, &n, err);
        for (size_t i = 0; !rc && i < n; i++) rc = add_file(c, path_join(dir, list[i]), err);
        free_strings(list, n);
    }
    free(index);
    free(single);
    return rc;
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name); }

int checkpoint_open(struct checkpoint *c, const char *path, qw_error *err) {
    *c = (struct checkpoint){0};
    enum path_kind kind = path_kind(path);
    int rc = kind == PATH_MISSING ? fail(err, QW_EIO, "%s: no such file or directory", path)
           : kind == PATH_DIR ? add_directory(c, path, err) : add_file(c, strdup(path), err);
    if (!rc) {
        for (uint32_t i = 0; i < c->n_tensors; i++) {       /* the names have stopped moving */
            c->tensors[i].name = c->names.p + (uintptr_t)c->tensors[i].name;
            c->tensors[i].type_name = c->names.p + (uintptr_t)c->tensors[i].type_name;
        }
        if (c->n_tensors) qsort(c->tensors, c->n_tensors, sizeof *c->tensors, by_name);
        for (uint32_t i = 1; !rc && i < c->n_tensors; i++)
            if (strcmp(c->tensors[i - 1].name, c->tensors[i].name) == 0)
                rc = fail(err, QW_EFORMAT, "%s: tensor '%s' is there twice", c->paths[c->tensors[i].file], c->tensors[i].name);
    }
    if (rc) checkpoint_close(c);
    return rc;
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
