/* find_model.c - which model is meant: a path, a name, or none; and what to call it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/find_model.h"

static bool exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;       /* a link to nowhere is a mistake of its own */
}

/* ---- the bundled model ---- */

/* The directory of the binary: false if /proc does not say. */
static bool binary_directory(char out[MODEL_PATH]) {
    ssize_t n = readlink("/proc/self/exe", out, MODEL_PATH - 1);
    out[n > 0 ? n : 0] = 0;
    char *slash = strrchr(out, '/');
    if (slash) *slash = 0;
    return slash != NULL;
}

static bool is_model(const char *dir) {
    char config[MODEL_PATH + 32];
    snprintf(config, sizeof config, "%s/config.json", dir);
    return access(config, F_OK) == 0;
}

/* Next to the binary, in ./models, or where `make install` puts it relative to the binary. */
static bool find_bundled(char out[MODEL_PATH]) {
    static const struct {
        bool relative;          /* to the binary's directory */
        const char *path;
    } places[] = {
        {true, "/models/tiny"},
        {false, "./models/tiny"},
        {true, "/../share/qw/models/tiny"},
    };
    char dir[MODEL_PATH];
    bool known = binary_directory(dir);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i].relative && !known) continue;
        const char *start = places[i].relative ? dir : "";
        int n = snprintf(out, MODEL_PATH, "%s%s", start, places[i].path);
        if (n > 0 && n < MODEL_PATH && is_model(out)) return true;
    }
    return false;
}

static const char *use_bundled(bool quiet, char found[MODEL_PATH]) {
    if (!find_bundled(found)) {
        say("no model: choose one with -m DIR or QW_MODEL (the bundled models/tiny is neither next "
            "to the binary, nor in this directory, nor where make install puts it)");
        return NULL;
    }
    if (!quiet) note("using the bundled model %s; -m DIR or QW_MODEL chooses another", found);
    return found;
}

bool is_bundled(const char *path) {
    char found[MODEL_PATH], *real = realpath(path, NULL), *bundled = NULL;
    if (find_bundled(found)) bundled = realpath(found, NULL);
    bool same = real && bundled && strcmp(real, bundled) == 0;
    free(real);
    free(bundled);
    return same;
}

/* ---- the hub's cache ---- */

/* The snapshot of a model's directory in the cache. NULL after a message: there is none. */
static const char *use_snapshot(const char *dir, char found[MODEL_PATH]) {
    if (hub_snapshot(dir, found)) return found;
    bool other = hub_some_snapshot(dir, found);
    say("%s holds no snapshot of the revision main: hf download gets it%s%s%s", dir,
        other ? "; -m " : "", other ? found : "", other ? " takes another" : "");
    return NULL;
}

static const char *ambiguous(const char *name, const char *owners) {
    say("%s: the hub's cache has %s: say whose", name, owners);
    return NULL;
}

/* ---- names ---- */

/* NAME or OWNER/NAME as the hub has them, and not a path or a file's name. */
static bool is_name(const char *s) {
    const char *slash = strchr(s, '/'), *name = slash ? slash + 1 : s, *dot = strrchr(s, '.');
    if (strlen(s) >= REPOSITORY || *s == '/' || *s == '.' || *s == '~' || !*name) return false;
    if (strchr(name, '/') || *name == '.') return false;
    return !dot || (strcmp(dot, ".safetensors") && strcmp(dot, ".gguf") && strcmp(dot, ".json"));
}

/* What the name is in models/, where Qwen's models need no owner. */
static bool in_models(const char *name, char found[MODEL_PATH]) {
    snprintf(found, MODEL_PATH, "models/%s", name);
    if (exists(found)) return true;
    if (strncmp(name, "Qwen/", 5) != 0) return false;
    snprintf(found, MODEL_PATH, "models/%s", name + 5);
    return exists(found);
}

/* It is nowhere: how to get it, if it is a model of the hub. cache NULL: unknown. */
static const char *not_found(const char *name, const char *cache) {
    char repository[REPOSITORY];
    original_repository(strncmp(name, "models/", 7) == 0 ? name + 7 : name, repository);
    say("no model '%s': neither a path, nor in models/, nor in the hub's cache%s%s%s; qw-fetch "
        "%s%s (tools/fetch-model) gets it",
        name, cache ? " (" : "", cache ? cache : "", cache ? ")" : "",
        strchr(repository, '/') ? "" : "OWNER/", repository);
    return NULL;
}

static const char *find_name(const char *name, char found[MODEL_PATH]) {
    char cache[MODEL_PATH], dir[MODEL_PATH];
    if (in_models(name, found)) return found;
    const bool has_cache = hub_cache(cache);
    int owners = has_cache ? hub_find(cache, name, dir) : 0;
    if (owners == 0) return not_found(name, has_cache ? cache : NULL);
    return owners == 1 ? use_snapshot(dir, found) : ambiguous(name, dir);
}

const char *find_model(const char *path, bool quiet, char found[MODEL_PATH]) {
    if (!path) return use_bundled(quiet, found);
    if (exists(path)) return is_hub_model(path) ? use_snapshot(path, found) : path;
    if (!is_name(path)) return path;            /* the engine says that it is not there */
    const char *model = find_name(path, found);
    if (model && !quiet) note("using %s", model);
    return model;
}

/* ---- what to call a model ---- */

/* The part of a path that ends before *end, which moves to where that part begins. */
static const char *last_part(const char *path, size_t *end, size_t *n) {
    size_t stop = *end;
    while (stop > 1 && path[stop - 1] == '/') stop--;
    size_t start = stop;
    while (start > 0 && path[start - 1] != '/') start--;
    *end = start;
    *n = stop - start;
    return path + start;
}

static bool cut_end(const char *s, size_t *n, const char *end) {
    size_t m = strlen(end);
    if (*n <= m || strncmp(s + *n - m, end, m) != 0) return false;
    *n -= m;
    return true;
}

/* NAME in .../models--OWNER--NAME/snapshots/HASH, which ends before end; NULL: it is none. */
static const char *snapshot_name(const char *path, size_t end, size_t *n) {
    last_part(path, &end, n);
    const char *part = last_part(path, &end, n);
    if (*n != 9 || strncmp(part, "snapshots", 9) != 0) return NULL;
    part = last_part(path, &end, n);
    if (*n <= 8 || strncmp(part, "models--", 8) != 0) return NULL;
    size_t start = *n;
    while (part[start - 1] != '-' || part[start - 2] != '-') start--;
    *n -= start;
    return *n ? part + start : NULL;
}

void model_name(const char *path, char out[MODEL_NAME]) {
    size_t end = strlen(path), n;
    cut_end(path, &end, "/model.safetensors");
    const char *name = snapshot_name(path, end, &n);
    if (!name) {
        name = last_part(path, &end, &n);
        cut_end(name, &n, ".safetensors");
    }
    snprintf(out, MODEL_NAME, "%.*s", (int)(n < MODEL_NAME ? n : MODEL_NAME - 1), name);
}

const char *shown_model(const char *path, char name[MODEL_NAME]) {
    size_t end = strlen(path), n;
    cut_end(path, &end, "/model.safetensors");
    if (!snapshot_name(path, end, &n)) return path;
    model_name(path, name);
    return name;
}
