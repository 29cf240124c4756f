/* companions.c - the small files of a model: beside its weights, or inside a packed file. */
#include "model/model_files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COMPANION (UINT64_C(512) << 20)

bool is_packed_file(const struct checkpoint *c) { return checkpoint_find(c, PACKED_DESCRIPTION) != NULL; }

/* The directory that a path is, or lies in, as a new string. */
static char *directory_of(const char *path) {
    if (path_kind(path) != PATH_FILE) return strdup(path);
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

int companions_of(struct companions *out, const char *path, const struct checkpoint *c, qw_error *err) {
    *out = (struct companions){.packed = c && is_packed_file(c) ? c : NULL};
    out->dir = out->packed ? strdup(path) : directory_of(path);
    return out->dir ? 0 : fail_memory(err, "a path", strlen(path));
}

int companions_open(struct companions *out, const char *path, qw_error *err) {
    struct checkpoint own = {0};
    size_t n = strlen(path);
    int rc = 0;
    if (path_kind(path) == PATH_FILE && n >= 12 && strcmp(path + n - 12, ".safetensors") == 0) rc = checkpoint_open(&own, path, err);
    if (!rc && (rc = companions_of(out, path, &own, err)) != 0) checkpoint_close(&own);
    if (rc) { *out = (struct companions){0}; return rc; }
    out->own = own;
    if (out->packed) out->packed = &out->own;
    return 0;
}

void companions_close(struct companions *c) {
    checkpoint_close(&c->own);
    free(c->dir);
    *c = (struct companions){0};
}

int companion_read(const struct companions *c, const char *name, struct file *f, char **path, qw_error *err) {
    *f = (struct file){0};
    if (!c->packed) {
        *path = path_join(c->dir, name);
        if (!*path) return fail_memory(err, "a path", strlen(name));
        return path_kind(*path) == PATH_MISSING ? 0 : read_file(f, *path, MAX_COMPANION, err);
    }
    size_t size = strlen(c->dir) + strlen(name) + 4;
    char key[128];
    *path = malloc(size);
    if (!*path) return fail_memory(err, "a path", size);
    snprintf(*path, size, "%s (%s)", c->dir, name);
    snprintf(key, sizeof key, PACKED_FILE_PREFIX "%s", name);
    const struct tensor *t = checkpoint_find(c->packed, key);
    if (t && strcmp(t->type_name, "U8") != 0) return fail(err, QW_EFORMAT, "%s is not made of bytes", *path);
    if (t) *f = (struct file){.data = t->data, .size = t->size, .kind = FILE_BORROWED};
    return 0;
}
