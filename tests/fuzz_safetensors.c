/* fuzz_safetensors.c - libFuzzer target: a model directory, one file of which is the input.
 *
 * The first byte chooses:
 *   0  model.safetensors                 1  config.json
 *   2  model.safetensors.index.json      3  generation_config.json
 * The others are those of tests/corpus/safetensors, each after its own first byte. What loads
 * must be sound, and must run. Runs in the project's root. */
#include "model/weight_files.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct { const char *name, *seed; } files[] = {
    {"model.safetensors", "tests/corpus/safetensors/model"},
    {"config.json", "tests/corpus/safetensors/config"},
    {"model.safetensors.index.json", NULL},             /* only there when it is the input */
    {"generation_config.json", "tests/corpus/safetensors/generation"},
};
enum { N_FILES = sizeof files / sizeof *files };

static char dir[256], paths[N_FILES][320];
static struct { uint8_t bytes[16384]; size_t n; } seeds[N_FILES];

static void expect(bool condition) { if (!condition) abort(); }

static void write_file(const char *path, const uint8_t *p, size_t n) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    expect(fd >= 0);
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        expect(put > 0);
        p += put;
        n -= (size_t)put;
    }
    close(fd);
}

static void set_file(int i, const uint8_t *p, size_t n) {
    if (p) write_file(paths[i], p, n);
    else unlink(paths[i]);
}

static void clean_up(void) {
    for (int i = 0; i < N_FILES; i++) unlink(paths[i]);
    rmdir(dir);
}

static void start(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/fuzz-XXXXXX", tmp ? tmp : "/tmp");
    expect(mkdtemp(dir) != NULL);
    atexit(clean_up);
    for (int i = 0; i < N_FILES; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", dir, files[i].name);
        if (!files[i].seed) continue;
        FILE *f = fopen(files[i].seed, "rb");
        expect(f && fgetc(f) == i);
        seeds[i].n = fread(seeds[i].bytes, 1, sizeof seeds[i].bytes, f);
        fclose(f);
        set_file(i, seeds[i].bytes, seeds[i].n);
    }
}

/* Every tensor lies inside its file and can be found; the names are sorted. */
static void check_checkpoint(const char *path) {
    struct checkpoint c;
    qw_error err;
    int rc = checkpoint_open(&c, path, NULL, &err);
    if (rc) {
        expect(err.code == rc && err.message[0] && c.n_tensors == 0 && !c.files);
        return;
    }
    for (uint32_t i = 0; i < c.n_tensors; i++) {
        const struct tensor *t = &c.tensors[i];
        expect(t->file >= 0 && t->file < c.n_files);
        const struct file *f = &c.files[t->file];
        expect(t->data >= f->data && t->size <= f->size &&
               (uint64_t)(t->data - f->data) <= f->size - t->size);
        expect(checkpoint_find(&c, t->name) == t);
        expect(i == 0 || strcmp(t[-1].name, t->name) < 0);
        if (t->size) expect(t->data[0] + t->data[t->size - 1] >= 0);        /* mapped */
    }
    expect(!checkpoint_find(&c, "no such tensor"));
    checkpoint_close(&c);
}

static void run_model(void) {
    static const qw_load_params one_thread = {.n_threads = 1};
    qw_model *m;
    qw_session *s;
    qw_error err;
    int32_t id = 0, ids[3] = {0};
    int rc = qw_load(&m, dir, &one_thread, &err);
    if (rc) {
        expect(rc < 0 && err.code == rc && err.message[0] && !m);
        return;
    }
    const qw_model_info *info = qw_info(m);
    ids[1] = info->n_vocab - 1;
    for (int i = 0; i < info->n_eos; i++) expect(info->eos[i] >= 0);
    const qw_session_params params = {.n_ctx = info->n_ctx_max < 4 ? info->n_ctx_max : 4};
    rc = qw_session_new(&s, m, &params, &err);
    expect(rc == 0 || rc == QW_ENOMEM);
    if (!rc) {
        rc = qw_feed(s, ids, 3, &err);
        expect(rc == (params.n_ctx < 3 ? QW_ECONTEXT : 0));
        if (!rc) rc = qw_next(s, &id, &err);
        expect(rc == 0 || rc == 1 || rc == QW_ENUMERIC || rc == QW_ECONTEXT);
        expect(id >= 0 && id < info->n_vocab);
        qw_session_free(s);
    }
    qw_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!dir[0]) start();
    if (size == 0 || data[0] >= N_FILES) return 0;
    int i = data[0];
    set_file(i, data + 1, size - 1);
    check_checkpoint(i == 0 ? paths[0] : dir);
    run_model();
    set_file(i, files[i].seed ? seeds[i].bytes : NULL, seeds[i].n);
    return 0;
}
