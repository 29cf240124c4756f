/* recognise.c - what a path holds that could not be opened as a model.
 *
 * Looked at only after a failure, so that a good model is not slower for it. A file is explained if
 * the message names it; a directory if something is missing in it. */
#include "model/recognise.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"

#define GGUF "is in llama.cpp's format GGUF; take the original model, in safetensors"
#define TORCH "is in PyTorch's format; save_pretrained of transformers writes safetensors"
#define NOT_FINISHED "is there: the download has not finished; start it again"

/* ---- messages ---- */

/* The message with more behind it. */
static void append(qw_error *err, const char *more) {
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    fail(err, err->code, "%s; %s", message, more);
}

static void append_name(qw_error *err, const char *name, const char *what) {
    char more[600];
    snprintf(more, sizeof more, "%.400s %s", name, what);
    append(err, more);
}

/* ---- the wrong file ---- */

static bool begins(const char *p, size_t n, const char *with) {
    size_t m = strlen(with);
    return n >= m && strncasecmp(p, with, m) == 0;
}

static bool begins_any(const char *p, size_t n, const char *const *list) {
    while (*list && !begins(p, n, *list)) list++;
    return *list != NULL;
}

static bool is_text(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < ' ' && (p[i] < '\t' || p[i] > '\r')) return false;
    return n > 0 && utf8_valid_prefix(p, n) == n;
}

/* What files of another kind begin with, and what each is. */
static const char *kind_of(const char *p, size_t n) {
    static const char *const html[] = {"<!doctype", "<html", "<head", "<?xml", NULL};
    if (begins(p, n, "version https://git-lfs"))
        return "is a Git LFS pointer, not the file itself: git lfs pull gets that";
    if (n >= 4 && memcmp(p, "GGUF", 4) == 0)
        return GGUF;
    if (n >= 4 && (memcmp(p, "PK\3\4", 4) == 0 || memcmp(p, "\x80\2", 2) == 0))
        return TORCH;
    if (begins(p, n, "\xEF\xBB\xBF")) {
        p += 3;
        n -= 3;
    }
    while (n > 0 && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) {
        p++;
        n--;
    }
    if (begins_any(p, n, html))
        return "is a web page, not the file itself; the address of a file of the hub has "
               "/resolve/ in it, not /blob/";
    return NULL;
}

/* A short text where JSON or weights should be: {"error":"..."}, or a sentence. */
static bool is_answer(const char *path, const char *p, size_t n) {
    static const char *const keys[] = {"{\"error\"", "{\"code\"", "{\"message\"", NULL};
    if (!is_text(p, n)) return false;
    if (begins_any(p, n, keys)) return true;
    return path_ends_with(path, ".safetensors") || (n >= 8 && !strpbrk(p, "{}[]\""));
}

/* Replace the message if the file at path is not what its name says. */
static bool explain_file(const char *path, qw_error *err) {
    enum { SHORT = 400 };
    char start[SHORT + 1];
    size_t n = file_start(path, start, SHORT);
    start[n] = 0;
    const char *kind = kind_of(start, n);
    if (kind) {
        fail(err, err->code, "%s %s", path, kind);
        return true;
    }
    if (n == SHORT || !is_answer(path, start, n)) return false;
    fail(err, err->code, "%s looks like a server's answer, not like the file itself: '%.*s'", path,
         (int)strcspn(start, "\r\n"), start);
    return true;
}

/* ---- what is in a directory ---- */

/* Names of at most 255 bytes each; "" stands for none, and the first in order counts. */
struct contents {
    char named[256];            /* the file that the message names */
    char unfinished[256];       /* a download */
    char gguf[256], torch[256];
    char model[256];            /* a subdirectory with a config.json */
    char cached[256];           /* a subdirectory as the hub's cache has one for each model */
    int n_models;               /* how many of them */
    bool empty, config, adapter, weights;
};

static void keep_first(char kept[256], const char *name) {
    if (!*kept || strcmp(name, kept) < 0) snprintf(kept, 256, "%.255s", name);
}

static bool has_file(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    bool has = path && path_kind(path) == PATH_FILE;
    free(path);
    return has;
}

static bool is_unfinished(const char *name) {
    static const char *const ends[] = {".incomplete", ".aria2", ".crdownload", ".part"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (path_ends_with(name, ends[i])) return true;
    return false;
}

static void note_entry(struct contents *c, const char *dir, const char *name, const qw_error *err) {
    char *path = path_join(dir, name);
    if (!path) return;
    c->empty = false;
    if (path_kind(path) == PATH_DIR) {
        if (has_file(path, "config.json")) {
            keep_first(c->model, name);
            c->n_models++;
        }
        if (strncmp(name, "models--", 8) == 0) keep_first(c->cached, name);
    } else {
        /* one name may begin another: the longest is meant */
        if (strstr(err->message, path) && strlen(name) > strlen(c->named))
            snprintf(c->named, sizeof c->named, "%.255s", name);
        if (is_unfinished(name)) keep_first(c->unfinished, name);
        if (path_ends_with(name, ".gguf")) keep_first(c->gguf, name);
        if (strncmp(name, "pytorch_model", 13) == 0) keep_first(c->torch, name);
        if (strcmp(name, "config.json") == 0) c->config = true;
        if (strcmp(name, "adapter_config.json") == 0) c->adapter = true;
        if (strncmp(name, "model", 5) == 0 && strstr(name, ".safetensors")) c->weights = true;
    }
    free(path);
}

/* Call for each entry; a directory that cannot be read has none. */
static void look_into(struct contents *c, const char *dir, const qw_error *err) {
    DIR *d = opendir(dir);
    *c = (struct contents){.empty = d != NULL};
    if (!d) return;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) note_entry(c, dir, e->d_name, err);
    closedir(d);
}

/* The first unfinished download in a folder below dir. */
static void find_unfinished(const char *dir, const char *folder, char out[256]) {
    char *path = path_join(dir, folder);
    DIR *d = path ? opendir(path) : NULL;
    if (d) {
        for (struct dirent *e; (e = readdir(d)) != NULL;)
            if (is_unfinished(e->d_name)) keep_first(out, e->d_name);
        closedir(d);
    }
    free(path);
}

/* ---- what is missing in a directory ---- */

static void explain_adapter(const char *dir, qw_error *err) {
    char *path = path_join(dir, "adapter_config.json"), more[600];
    struct buf base = {0};
    struct file f;
    struct json j;
    if (path && read_file(&f, path, 1 << 20, NULL) == 0) {
        if (json_parse(&j, (const char *)f.data, (size_t)f.size, path, NULL) == 0) {
            uint32_t v = json_get(&j, 0, "base_model_name_or_path");
            if (v && json_type(&j, v) == JSON_STRING) json_string(&j, v, &base);
            json_free(&j);
        }
        file_close(&f);
    }
    snprintf(more, sizeof more, "the directory holds an adapter, not a model: merge it into %s%.*s",
             base.n ? "" : "its base model", (int)(base.n < 300 ? base.n : 300),
             base.n ? base.p : "");
    append(err, more);
    buf_free(&base);
    free(path);
}

/* One level too high. */
static void explain_level(const struct contents *c, const char *dir, qw_error *err) {
    char *model = path_join(dir, c->model), more[600];
    if (!model) return;
    if (c->n_models == 1)
        snprintf(more, sizeof more, "a subdirectory has one: %.500s", model);
    else
        snprintf(more, sizeof more, "%d subdirectories have one, such as %.500s", c->n_models,
                 model);
    append(err, more);
    free(model);
}

/* Further up: where the hub keeps its models. */
static void explain_cache(const struct contents *c, const char *dir, qw_error *err) {
    char *model = path_join(dir, c->cached), more[600];
    if (!model) return;
    snprintf(more, sizeof more, "the directory is the hub's cache; a model in it is %.500s", model);
    append(err, more);
    free(model);
}

static bool is_snapshot(const char *dir) {
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--;
    while (n > 0 && dir[n - 1] != '/') n--;
    while (n > 0 && dir[n - 1] == '/') n--;
    return n > 10 && strncmp(dir + n - 10, "/snapshots", 10) == 0;
}

static void explain_download(struct contents *c, const char *dir, qw_error *err) {
    const bool snapshot = is_snapshot(dir);
    if (!*c->unfinished) find_unfinished(dir, ".cache/huggingface/download", c->unfinished);
    if (!*c->unfinished && snapshot) find_unfinished(dir, "../../blobs", c->unfinished);
    if (*c->unfinished)
        append_name(err, c->unfinished, NOT_FINISHED);
    else if (c->empty)
        append(err, "the directory is empty");
    else if (snapshot)
        append(err, "the hub's cache holds only some files of this model: hf download gets the "
                    "others");
}

/* Say what a directory in which something is missing does hold. */
static void explain_missing(struct contents *c, const char *dir, qw_error *err) {
    char *snapshots = path_join(dir, "snapshots");      /* in the hub's cache */
    struct contents below = {0};
    if (snapshots && !c->config) look_into(&below, snapshots, err);
    if (c->adapter && !(c->config && c->weights)) explain_adapter(dir, err);
    else if (!c->config && c->n_models) explain_level(c, dir, err);
    else if (!c->config && below.n_models) explain_level(&below, snapshots, err);
    else if (!c->config && *c->cached) explain_cache(c, dir, err);
    else if (!c->weights && *c->gguf)
        append_name(err, c->gguf, GGUF);
    else if (!c->weights && *c->torch)
        append_name(err, c->torch, TORCH);
    else explain_download(c, dir, err);
    free(snapshots);
}

/* A link whose target is gone, as in a snapshot that was copied without what its links point to. */
static bool explain_link(const char *path, qw_error *err) {
    struct stat st;
    char to[256], more[600];
    ssize_t n = stat(path, &st) != 0 ? readlink(path, to, sizeof to) : -1;
    if (n < 0) return false;
    snprintf(more, sizeof more, "it is a link to %.*s, which is not there: copy the files, not the "
             "links (cp -L)", (int)n, to);
    append(err, more);
    return true;
}

static void explain_directory(const char *dir, qw_error *err) {
    struct contents c;
    look_into(&c, dir, err);
    const size_t n = strlen(c.named);
    char *named = n ? path_join(dir, c.named) : NULL;
    const bool readable = !named || access(named, R_OK) == 0;
    bool done = named && (explain_file(named, err) || explain_link(named, err));
    if (!done && err->code == QW_EIO && readable) explain_missing(&c, dir, err);
    /* FILE.aria2 stands beside a FILE of full length */
    if (!done && err->code == QW_EFORMAT && n && strncmp(c.unfinished, c.named, n) == 0)
        append_name(err, c.unfinished, NOT_FINISHED);
    free(named);
}

/* ---- a path ---- */

/* A file that is no model: of another kind, or one of a model's directory. */
static void explain_other(const char *path, const char *dir, qw_error *err) {
    char more[600];
    if (explain_link(path, err) || explain_file(path, err)) return;
    if (!has_file(dir, "config.json")) return;
    snprintf(more, sizeof more, "it lies in a model's directory, %.400s", dir);
    append(err, more);
}

int recognise(const char *path, int rc, qw_error *err) {
    const char *slash = strrchr(path, '/');
    if (!err || (rc != QW_EIO && rc != QW_EFORMAT && rc != QW_EUNSUPPORTED)) return rc;
    enum path_kind kind = path_kind(path);
    if (kind == PATH_MISSING) return rc;
    if (kind == PATH_DIR) {
        explain_directory(path, err);
        return rc;
    }
    char *dir = slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
    if (!dir) return rc;
    if (path_ends_with(path, ".safetensors")) {
        if (!explain_link(path, err) && !explain_file(path, err)) explain_directory(dir, err);
    } else {
        explain_other(path, dir, err);
    }
    free(dir);
    return rc;
}
