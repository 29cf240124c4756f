/* fuzz_config.c - libFuzzer target: the input as a config.json.
 *
 * What is read must be within the limits that the rest relies on, and give finite frequencies; what
 * is refused or said must have words. */
#include "model/config.h"
#include "model/rope.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) { if (!condition) abort(); }

static void check_warnings(const struct warnings *w) {
    expect(w->n >= 0 && w->n <= MAX_WARNINGS && !w->oom);
    for (int i = 0; i < w->n; i++) {
        expect(w->list[i][0] != 0);
        for (const char *p = w->list[i]; *p; p++) expect((unsigned char)*p >= ' ' && *p != 0x7F);
    }
}

static void check_frequencies(const struct config *c) {
    double inv_freq[MAX_HEAD_DIM / 2], factor;
    rope_frequencies(c, inv_freq, &factor);
    expect(isfinite(factor) && factor > 0);
    for (int i = 0; i < c->head_dim / 2; i++) expect(inv_freq[i] >= 0 && inv_freq[i] <= 1);
}

static void check_config(const struct config *c) {
    expect(c->n_layer >= 1 && c->n_embd >= 2 && c->n_ff >= 1 && c->n_vocab >= 1);
    expect(c->n_ctx_max >= 1 && c->n_ctx_max <= MAX_CONTEXT);
    expect(c->n_head >= 1 && c->n_head_kv >= 1);
    expect(c->n_head % c->n_head_kv == 0 && c->head_dim % 2 == 0 && c->head_dim <= MAX_HEAD_DIM);
    expect(c->rms_norm_eps > 0 && c->rope_theta >= 1);
    expect(strlen(c->quantised) < sizeof c->quantised && c->n_eos <= MAX_EOS);
    check_frequencies(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char name[] = "qw.file.config.json", type[] = "U8", dir[] = "some";
    struct tensor file = {.name = name, .type_name = type, .data = data, .size = size};
    struct checkpoint packed = {.tensors = &file, .n_tensors = 1};
    struct model_files files = {.dir = dir, .packed = &packed};
    struct warnings warnings = {.n = 0};
    struct config c;
    qw_error err = {0, ""};
    int rc = config_read(&c, &files, &warnings, &err);
    if (rc) expect(rc < 0 && err.code == rc && err.message[0]);
    else check_config(&c);
    check_warnings(&warnings);
    warnings_free(&warnings);
    return 0;
}
