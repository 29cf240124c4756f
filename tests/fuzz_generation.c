/* fuzz_generation.c - libFuzzer target: a generation_config.json.
 *
 * Whatever it holds, its settings are in range, a sampler takes them and draws a token, and each
 * warning is one printable line. */
#include "engine/model.h"
#include "sample/sampler.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) { if (!condition) abort(); }

enum { VOCAB = 40 };

static bool contains(const struct ids *ids, int32_t id) {
    for (size_t i = 0; i < ids->n; i++)
        if (ids->p[i] == id) return true;
    return false;
}

static void draw(const struct qw_model *m) {
    const struct generation *g = &m->config.gen;
    static const int32_t before[] = {3, 5, 3};
    const qw_sampling set = qw_default_sampling(m, 1);
    struct sampler *s;
    qw_error err;
    expect(sampler_new(&s, &set, VOCAB, &err) == 0);
    for (size_t n = 2; n <= 3; n++) {
        float logits[VOCAB];
        for (int i = 0; i < VOCAB; i++) logits[i] = (float)((i * 7 + (int)n) % 11);
        int32_t id = sampler_draw(s, logits, before, n, 2);
        bool left = false;
        for (int32_t i = 0; i < VOCAB; i++)
            left = left || !(contains(&g->suppress, i) || contains(&g->begin_suppress, i));
        expect(id >= 0 && id < VOCAB);
        expect(!left || !contains(&g->suppress, id));
        expect(!left || n > 2 || !contains(&g->begin_suppress, id));
    }
    sampler_free(s);
}

static void check_lists(struct generation *g) {
    generation_keep_ids(g, VOCAB);
    expect(g->n_eos >= 0 && g->n_eos <= MAX_EOS);
    for (int i = 0; i < g->n_eos; i++) expect(g->eos[i] >= 0);
    for (int i = 0; i < g->n_stop; i++) expect(g->stop[i][0] != 0);
    expect(g->suppress.n <= VOCAB && g->begin_suppress.n <= VOCAB);
    for (size_t i = 0; i < g->suppress.n; i++)
        expect(g->suppress.p[i] >= 0 && g->suppress.p[i] < VOCAB);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct qw_model m;
    struct generation *g = &m.config.gen;
    struct warnings w = {.n = 0};
    qw_error err = {0, ""};
    int rc = generation_parse(g, (const char *)data, size, "fuzz", &w, &err);
    expect(rc == 0 || (rc == QW_EFORMAT && err.message[0]));
    if (rc == 0) {
        expect(g->max_new_tokens >= 0);
        check_lists(g);
        generation_compare_eos(g, (const int32_t[]){3, 9}, 2, "fuzz", &w);
        draw(&m);
    }
    expect(w.n <= 4 && !w.oom);
    for (int i = 0; i < w.n; i++) expect(w.list[i][0] && !strpbrk(w.list[i], "\n\t\x1b\x7f"));
    warnings_free(&w);
    generation_free(g);
    return 0;
}
