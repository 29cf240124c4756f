/* fuzz_index.c - libFuzzer target: a directory whose model.safetensors.index.json is the input.
 *
 * Its other files are model-1.safetensors and model-2.safetensors with a tensor each and one that
 * both have. The first byte of the input chooses what else there is:
 *   0  nothing
 *   1  a model.safetensors that has all three tensors
 *   2  one that has none of them
 * What opens must consist of whole files of this directory. */
#include "model/weight_files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define T(name, at) "\"" name "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" at "]}"

enum { N_FILES = 5, SINGLE = 2, STUB = 3, INDEX = 4 };
static const struct { const char *name, *header, *data; } files[N_FILES] = {
    {"model-1.safetensors", "{" T("model.a", "0,1") "," T("model.both", "1,2") "}", "a1"},
    {"model-2.safetensors", "{" T("model.b", "0,1") "," T("model.both", "1,2") "}", "b2"},
    {"model.safetensors", "{" T("a", "0,1") "," T("b", "1,2") "," T("both", "2,3") "}", "abs"},
    {"model.safetensors", "{" T("other", "0,1") "}", "o"},
    {"model.safetensors.index.json", NULL, NULL},
};

static char dir[256], paths[N_FILES][320];

static void expect(bool condition) { if (!condition) abort(); }

static void write_file(const char *path, const void *p, size_t n, const char *more) {
    FILE *f = fopen(path, "wb");
    expect(f && fwrite(p, 1, n, f) == n && fputs(more, f) >= 0 && fclose(f) == 0);
}

static void write_weights(int i) {
    unsigned char text[512] = {0};
    size_t n = strlen(files[i].header);
    expect(n < 256);
    text[0] = (unsigned char)n;
    memcpy(text + 8, files[i].header, n);
    write_file(paths[i], text, 8 + n, files[i].data);
}

static void clean_up(void) {
    for (int i = 0; i < N_FILES; i++) unlink(paths[i]);
    rmdir(dir);
}

static void start(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/fuzz-index-XXXXXX", tmp ? tmp : "/tmp");
    expect(mkdtemp(dir) != NULL);
    atexit(clean_up);
    for (int i = 0; i < N_FILES; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", dir, files[i].name);
    write_weights(0);
    write_weights(1);
}

/* The byte that a tensor of this name has; 0: there is none. */
static int value(const struct checkpoint *c, const char *name) {
    const struct tensor *t = checkpoint_find(c, name);
    return t && t->size == 1 ? t->data[0] : 0;
}

/* Each file is there with all its tensors, but for the one that a later file has as well. */
static void check_files(const struct checkpoint *c) {
    int a = value(c, "model.a"), b = value(c, "model.b"), both = value(c, "model.both");
    int single = value(c, "a"), stub = value(c, "other");
    uint32_t n = (uint32_t)((a != 0) + (b != 0) + (both != 0) + 3 * (single != 0) + (stub != 0));
    if (b) expect(both == '2');
    else expect(both == (a ? '1' : 0));
    if (single) expect(value(c, "b") == 'b' && value(c, "both") == 's');
    expect(c->n_files == (a != 0) + (b != 0) + (single != 0) + (stub != 0));
    expect(n > 0 && c->n_tensors == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct checkpoint c;
    struct warnings warnings = {.n = 0};
    qw_error err = {0, ""};
    if (!dir[0]) start();
    if (size == 0 || data[0] > 2) return 0;
    write_file(paths[INDEX], data + 1, size - 1, "");
    unlink(paths[SINGLE]);
    if (data[0] > 0) write_weights(data[0] == 1 ? SINGLE : STUB);
    int rc = checkpoint_open(&c, dir, &warnings, &err);
    if (rc) expect(rc < 0 && err.code == rc && err.message[0] && !c.files);
    else check_files(&c);
    for (int i = 0; i < warnings.n; i++) expect(warnings.list[i][0] != 0);
    checkpoint_close(&c);
    warnings_free(&warnings);
    return 0;
}
