/* weight_files.c - which files of a directory hold its model's weights. */
#include "model/weight_files.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"

#define MAX_INDEX UINT64_C(100000000)
#define MAX_FILES 10000
#define SINGLE "model.safetensors"
#define INDEX "model.safetensors.index.json"

static int by_string(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_strings(char **s, size_t n) {
    for (size_t i = 0; i < n; i++) free(s[i]);
    free(s);
}

/* ---- names of files ---- */

/* The distinct values of the index's weight_map. Names that could lead out of the directory are
 * refused. */
static int index_files(const struct json *j, const char *path, char ***out, size_t *n_out,
                       qw_error *err) {
    uint32_t map = json_get(j, 0, "weight_map");
    if (!map || json_type(j, map) != JSON_OBJECT || j->nodes[map].len == 0)
        return fail(err, QW_EFORMAT, "%s: no weight_map", path);
    char **list = calloc((size_t)j->nodes[map].len, sizeof *list);
    size_t n = 0, kept = 0;
    int rc = list ? 0 : fail_memory(err, path, j->nodes[map].len * sizeof *list);
    for (uint32_t k = map + 1; !rc && k < json_end(j, map); k = json_next(j, k + 1)) {
        struct buf b = {0};
        if (json_type(j, k + 1) != JSON_STRING) {
            rc = fail(err, QW_EFORMAT, "%s: a value of weight_map is not a file name", path);
            break;
        }
        json_string(j, k + 1, &b);
        buf_char(&b, 0);
        if (b.oom) rc = fail_memory(err, path, 0);
        else if (strlen(b.p) + 1 != b.n || b.n == 1 || strchr(b.p, '/') || strchr(b.p, '\\') ||
                 !strcmp(b.p, ".") || !strcmp(b.p, ".."))
            rc = fail(err, QW_EFORMAT,
                      "%s: weight_map names '%.200s', which is not a file of this directory", path,
                      b.p);
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
    else {
        *out = list;
        *n_out = n;
    }
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
        if (strncmp(e->d_name, "model", 5) != 0 || !path_ends_with(e->d_name, ".safetensors"))
            continue;
        char **more = realloc(list, (n + 1) * sizeof *list), *name = strdup(e->d_name);
        if (more) list = more;
        if (more && name) list[n++] = name;
        else {
            free(name);
            rc = fail_memory(err, dir, len);
        }
    }
    closedir(d);
    if (!rc && n == 0)
        rc = fail(err, QW_EIO,
                  "%s holds no weights: neither model.safetensors nor "
                  "model.safetensors.index.json with its files",
                  dir);
    if (rc) {
        free_strings(list, n);
        return rc;
    }
    qsort(list, n, sizeof *list, by_string);
    *out = list;
    *n_out = n;
    return 0;
}

/* ---- the index ---- */

/* An index file, parsed, and the files that it lists. */
struct index {
    char *path;
    struct file file;
    struct json j;
    char **names;
    size_t n;
};

static void index_close(struct index *x) {
    free_strings(x->names, x->n);
    json_free(&x->j);
    file_close(&x->file);
}

/* x->path must be set. After a failure there is nothing to close. */
static int index_open(struct index *x, qw_error *err) {
    int rc = read_file(&x->file, x->path, MAX_INDEX, err);
    if (rc) return rc;
    rc = json_parse(&x->j, (const char *)x->file.data, (size_t)x->file.size, x->path, err);
    if (!rc && (rc = index_files(&x->j, x->path, &x->names, &x->n, err)) != 0) json_free(&x->j);
    if (rc) file_close(&x->file);
    return rc;
}

/* The first file of the index that is not there, as a new string, or NULL: all are. */
static int find_missing(const struct index *x, const char *dir, char **missing, qw_error *err) {
    *missing = NULL;
    for (size_t i = 0; i < x->n; i++) {
        char *path = path_join(dir, x->names[i]);
        if (!path) return fail_memory(err, "a path", 0);
        if (path_kind(path) == PATH_MISSING) {
            *missing = path;
            return 0;
        }
        free(path);
    }
    return 0;
}

static int add_files(struct checkpoint *c, const char *dir, char **names, size_t n,
                     qw_error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) rc = checkpoint_add(c, path_join(dir, names[i]), err);
    return rc;
}

static int add_indexed(struct checkpoint *c, const char *dir, const struct index *x,
                       struct warnings *warnings, qw_error *err) {
    char *missing;
    int rc = find_missing(x, dir, &missing, err);
    if (!rc && missing)
        rc = fail(err, QW_EIO, "%s is missing; %s lists it (%zu weight files in all)", missing,
                  x->path, x->n);
    free(missing);
    if (!rc) rc = add_files(c, dir, x->names, x->n, err);
    return rc ? rc : checkpoint_sort(c, true, warnings, err);
}

/* ---- one file beside an index ---- */

/* Is there a tensor of this name, with or without "model.", and not an empty one? Copies of the
 * embedding and stored frequencies are not missed. */
static bool has_tensor(const struct checkpoint *c, const char *with_prefix) {
    const char *name = with_prefix + strlen("model.");
    const char *without = strncmp(name, "model.", 6) == 0 ? name + 6 : name;
    const char *tries[] = {name, with_prefix, without};
    if (path_ends_with(name, "lm_head.weight") || path_ends_with(name, "rotary_emb.inv_freq"))
        return true;
    for (int i = 0; i < 3; i++) {
        const struct tensor *t = checkpoint_find(c, tries[i]);
        if (t && t->size > 0) return true;
    }
    return false;
}

static int has_all(const struct checkpoint *c, const struct index *x, bool *all, qw_error *err) {
    uint32_t map = json_get(&x->j, 0, "weight_map"), end = json_end(&x->j, map);
    struct buf name = {0};
    *all = true;
    for (uint32_t k = map + 1; *all && k < end; k = json_next(&x->j, k + 1)) {
        name.n = 0;
        buf_str(&name, "model.");
        json_string(&x->j, k, &name);
        buf_char(&name, 0);
        *all = !name.oom && has_tensor(c, name.p);
    }
    int rc = name.oom ? fail_memory(err, "the name of a tensor", name.n) : 0;
    buf_free(&name);
    return rc;
}

/* c holds the single file. It counts, unless only the shards are complete. */
static int compare_with_index(struct checkpoint *c, const char *dir, const struct index *x,
                              struct warnings *warnings, qw_error *err) {
    char *missing = NULL;
    if (x->n == 1 && strcmp(x->names[0], SINGLE) == 0) return 0;
    bool complete;
    int rc = has_all(c, x, &complete, err);
    if (!rc && !complete) rc = find_missing(x, dir, &missing, err);
    if (rc) return rc;
    bool single = complete || missing;
    free(missing);
    if (single) {
        add_warning(warnings,
                    "%s: " SINGLE " counts, not " INDEX " beside it, as in transformers",
                    dir);
        return 0;
    }
    add_warning(warnings,
                "%s: " INDEX " counts, since " SINGLE " lacks tensors of the files there "
                "(transformers takes " SINGLE " all the same)",
                dir);
    checkpoint_close(c);
    return add_indexed(c, dir, x, warnings, err);
}

/* Nobody needs the index here: that it cannot be read is not an error. */
static int add_single(struct checkpoint *c, const char *dir, char *path, struct index *x,
                      struct warnings *warnings, qw_error *err) {
    qw_error own;
    int rc = checkpoint_add(c, path, err);
    if (!rc) rc = checkpoint_sort(c, false, warnings, err);
    if (rc || path_kind(x->path) == PATH_MISSING) return rc;
    rc = index_open(x, &own);
    if (rc == QW_ENOMEM) return fail(err, rc, "%s", own.message);
    if (rc) {
        add_warning(warnings, "%s; " SINGLE " beside it is used", own.message);
        return 0;
    }
    rc = compare_with_index(c, dir, x, warnings, err);
    index_close(x);
    return rc;
}

/* ---- a directory ---- */

static int add_all(struct checkpoint *c, const char *dir, struct warnings *warnings,
                   qw_error *err) {
    char **names = NULL;
    size_t n = 0;
    int rc = glob_files(dir, &names, &n, err);
    if (!rc) rc = add_files(c, dir, names, n, err);
    free_strings(names, n);
    return rc ? rc : checkpoint_sort(c, false, warnings, err);
}

static int add_directory(struct checkpoint *c, const char *dir, struct warnings *warnings,
                         qw_error *err) {
    struct index x = {.path = path_join(dir, INDEX)};
    char *single = path_join(dir, SINGLE);
    int rc;
    if (!x.path || !single) {
        rc = fail_memory(err, "a path", 0);
    } else if (path_kind(single) != PATH_MISSING) {
        rc = add_single(c, dir, single, &x, warnings, err);
        single = NULL;
    } else if (path_kind(x.path) != PATH_MISSING) {
        rc = index_open(&x, err);
        if (!rc) {
            rc = add_indexed(c, dir, &x, warnings, err);
            index_close(&x);
        }
    } else {
        rc = add_all(c, dir, warnings, err);
    }
    free(x.path);
    free(single);
    return rc;
}

int checkpoint_open(struct checkpoint *c, const char *path, struct warnings *warnings,
                    qw_error *err) {
    *c = (struct checkpoint){0};
    enum path_kind kind = path_kind(path);
    int rc;
    if (kind == PATH_MISSING) {
        rc = fail(err, QW_EIO, "%s: no such file or directory", path);
    } else if (kind == PATH_DIR) {
        rc = add_directory(c, path, warnings, err);
    } else {
        rc = checkpoint_add(c, strdup(path), err);
        if (!rc) rc = checkpoint_sort(c, false, warnings, err);
    }
    if (rc) checkpoint_close(c);
    return rc;
}
