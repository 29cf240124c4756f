/* model_files.c - the small files of a model, next to its weights or inside a packed file. */
#include "model/model_files.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "model/packed_description.h"
#include "model/weight_files.h"

#define MAX_SMALL_FILE (UINT64_C(512) << 20)

/* The directory that a path is, or lies in, as a new string. */
static char *directory_of(const char *path) {
    if (path_kind(path) != PATH_FILE) return strdup(path);
    const char *slash = strrchr(path, '/');
    if (!slash) return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int model_files_of(struct model_files *out, const char *path, const struct checkpoint *c,
                   qw_error *err) {
    *out = (struct model_files){.packed = c && is_packed_file(c) ? c : NULL};
    out->dir = out->packed ? strdup(path) : directory_of(path);
    return out->dir ? 0 : fail_memory(err, "a path", strlen(path));
}

int model_files_open(struct model_files *out, const char *path, qw_error *err) {
    struct checkpoint own = {0};
    int rc = 0;
    *out = (struct model_files){0};
    if (path_kind(path) == PATH_MISSING)
        return fail(err, QW_EIO, "%s: no such file or directory", path);
    if (path_kind(path) == PATH_FILE && path_ends_with(path, ".safetensors"))
        rc = checkpoint_open(&own, path, NULL, err);
    if (!rc) rc = model_files_of(out, path, &own, err);
    if (rc) {
        checkpoint_close(&own);
        *out = (struct model_files){0};
        return rc;
    }
    out->own = own;
    if (out->packed) out->packed = &out->own;
    return 0;
}

void model_files_close(struct model_files *c) {
    checkpoint_close(&c->own);
    free(c->dir);
    *c = (struct model_files){0};
}

bool model_file_exists(const struct model_files *c, const char *name) {
    char *path = c->packed ? NULL : path_join(c->dir, name);
    bool exists = path && path_kind(path) == PATH_FILE;
    free(path);
    return exists;
}

int model_file_read(const struct model_files *c, const char *name, struct file *f, char **path,
                    qw_error *err) {
    *f = (struct file){0};
    if (!c->packed) {
        *path = path_join(c->dir, name);
        if (!*path) return fail_memory(err, "a path", strlen(name));
        return path_kind(*path) == PATH_MISSING ? 0 : read_file(f, *path, MAX_SMALL_FILE, err);
    }
    size_t size = strlen(c->dir) + strlen(name) + 4;
    char key[MAX_FILE_KEY];
    *path = malloc(size);
    if (!*path) return fail_memory(err, "a path", size);
    snprintf(*path, size, "%s (%s)", c->dir, name);
    snprintf(key, sizeof key, PACKED_FILE_PREFIX "%s", name);
    const struct tensor *t = checkpoint_find(c->packed, key);
    if (t && strcmp(t->type_name, "U8") != 0)
        return fail(err, QW_EFORMAT, "%s is not made of bytes", *path);
    if (t) *f = (struct file){.data = t->data, .size = t->size, .kind = FILE_BORROWED};
    return 0;
}

/* ---- folders ---- */

int add_name(struct name_list *names, const char *name, qw_error *err) {
    char **more = realloc(names->list, (names->n + 1) * sizeof *more);
    if (!more) return fail_memory(err, "names of files", names->n * sizeof *more);
    names->list = more;
    more[names->n] = strdup(name);
    if (!more[names->n]) return fail_memory(err, "the name of a file", strlen(name));
    names->n++;
    return 0;
}

void free_names(struct name_list *names) {
    for (size_t i = 0; i < names->n; i++) free(names->list[i]);
    free(names->list);
    *names = (struct name_list){0};
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_directory(const char *path, const char *folder, const char *suffix,
                          struct name_list *names, qw_error *err) {
    DIR *d = opendir(path);
    int rc = 0;
    if (!d) return fail(err, QW_EIO, "cannot open %s: %s", path, strerror(errno));
    for (struct dirent *e; !rc && (e = readdir(d)) != NULL;) {
        char name[MAX_FILE_KEY];
        if (!path_ends_with(e->d_name, suffix)) continue;
        snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
        rc = add_name(names, name, err);
    }
    closedir(d);
    return rc;
}

static int list_packed(const struct checkpoint *c, const char *folder, const char *suffix,
                       struct name_list *names, qw_error *err) {
    char prefix[MAX_FILE_KEY];
    int rc = 0, n = snprintf(prefix, sizeof prefix, PACKED_FILE_PREFIX "%s/", folder);
    for (uint32_t i = 0; !rc && i < c->n_tensors; i++) {
        const char *name = c->tensors[i].name;
        if (strncmp(name, prefix, (size_t)n) != 0 || !path_ends_with(name, suffix)) continue;
        if (strlen(name) < MAX_FILE_KEY)
            rc = add_name(names, name + strlen(PACKED_FILE_PREFIX), err);
    }
    return rc;
}

int model_files_list(const struct model_files *c, const char *folder, const char *suffix,
                     struct name_list *names, qw_error *err) {
    size_t before = names->n;
    int rc = 0;
    if (c->packed) {
        rc = list_packed(c->packed, folder, suffix, names, err);
    } else {
        char *path = path_join(c->dir, folder);
        if (!path) return fail_memory(err, "a path", strlen(folder));
        if (path_kind(path) == PATH_DIR) rc = list_directory(path, folder, suffix, names, err);
        free(path);
    }
    if (names->n > before)
        qsort(names->list + before, names->n - before, sizeof *names->list, by_name);
    return rc;
}
