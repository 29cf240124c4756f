/* test_forward.c - the forward pass against reference logits (tests/fixtures/forward), and against
 * itself however it is cut up.
 *
 * cases.tsv: file of float32 rows TAB token ids TAB positions whose rows the file holds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engine/kv_cache.h"
#include "model/config.h"
#include "model/rope.h"
#include "qw.h"
#include "test.h"

enum { MAX_IDS = 1024 };

/* test_forward quick: compare with the reference only, for slow emulators */
static int quick;

struct test_case { char file[64]; int32_t ids[MAX_IDS], rows[MAX_IDS]; int n_ids, n_rows; };

static int read_list(char *s, int32_t *out) {
    int n = 0;
    for (char *p = strtok(s, ",\n"); p && n < MAX_IDS; p = strtok(NULL, ",\n"))
        out[n++] = (int32_t)atoi(p);
    return n;
}

static int read_case(FILE *f, struct test_case *c) {
    static char line[32768];
    if (!fgets(line, sizeof line, f)) return 0;
    char *ids = strchr(line, '\t'), *rows = ids ? strchr(ids + 1, '\t') : NULL;
    if (!rows) return 0;
    *ids++ = *rows++ = 0;
    snprintf(c->file, sizeof c->file, "%.63s", line);
    c->n_ids = read_list(ids, c->ids);
    c->n_rows = read_list(rows, c->rows);
    return 1;
}

/* Logits of all tokens of the case, batch by batch; the caller frees them. */
static float *compute(const char *dir, const struct test_case *c, int n_batch, int n_threads,
                      int *n_vocab) {
    qw_model *m = NULL;
    qw_session *s = NULL;
    qw_error err;
    float *out = NULL;
    int rc = qw_load(&m, dir, &(qw_load_params){.n_threads = n_threads}, &err);
    if (!rc)
        rc = qw_session_new(&s, m, &(qw_session_params){.n_ctx = c->n_ids, .n_batch = n_batch},
                            &err);
    if (!rc) {
        *n_vocab = qw_info(m)->n_vocab;
        out = malloc((size_t)c->n_ids * (size_t)*n_vocab * sizeof *out);
    }
    for (int at = 0; !rc && at < c->n_ids; at += n_batch) {
        int n = c->n_ids - at < n_batch ? c->n_ids - at : n_batch;
        rc = qw_feed(s, c->ids + at, (size_t)n, &err);
        if (!rc)
            rc = qw_logits(s, (size_t)at, (size_t)n, out + (size_t)at * (size_t)*n_vocab, &err);
    }
    CHECK(rc == 0, "%s, batch %d: %s", dir, n_batch, err.message);
    qw_session_free(s);
    qw_free(m);
    if (rc) {
        free(out);
        out = NULL;
    }
    return out;
}

static void compare(const char *dir, const struct test_case *c, const float *got, int n_vocab) {
    char path[256];
    size_t n = (size_t)n_vocab, bad = 0;
    snprintf(path, sizeof path, "%s/%s", dir, c->file);
    FILE *f = fopen(path, "rb");
    float *want = malloc(n * sizeof *want);
    double largest = 0, error = 0;
    for (int i = 0; i < c->n_rows; i++) {
        bad += !f || fread(want, sizeof *want, n, f) != n;
        for (size_t k = 0; k < n; k++) {
            double e = fabs((double)got[(size_t)c->rows[i] * n + k] - (double)want[k]);
            if (!(e <= error)) error = e;
            if (fabs((double)want[k]) > largest) largest = fabs((double)want[k]);
        }
    }
    CHECK(bad == 0 && c->n_rows > 0, "%s cannot be read", path);
    CHECK(error <= 1e-5 * largest, "%s: error %g, largest logit %g", path, error, largest);
    free(want);
    if (f) fclose(f);
}

static void check_model(const char *name) {
    static const int batches[] = {1, 7, 64, 256}, threads[] = {1, 3};
    static struct test_case c;
    char dir[128], path[160];
    int cases = 0;
    snprintf(dir, sizeof dir, "tests/fixtures/forward/%s", name);
    snprintf(path, sizeof path, "%s/cases.tsv", dir);
    FILE *f = fopen(path, "r");
    CHECK(f != NULL, "%s cannot be read", path);
    for (; f && read_case(f, &c); cases++) {
        int n_vocab = 0;
        float *whole = compute(dir, &c, c.n_ids, 1, &n_vocab);
        if (!whole) continue;
        compare(dir, &c, whole, n_vocab);
        for (size_t b = 0; !quick && b < sizeof batches / sizeof *batches; b++)
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                float *again = compute(dir, &c, batches[b], threads[t], &n_vocab);
                CHECK(again && memcmp(whole, again,
                                      (size_t)c.n_ids * (size_t)n_vocab * sizeof *whole) == 0,
                      "%s/%s: other bits with batch %d and %d threads", dir, c.file, batches[b],
                      threads[t]);
                free(again);
            }
        free(whole);
    }
    CHECK(cases >= 3, "%s: %d cases", path, cases);
    if (f) fclose(f);
}

#define MODEL(id, name) static void id(void) { check_model(name); }
MODEL(tied_bf16, "tied-bf16")
MODEL(dup_head_f16, "dup-head-f16")
MODEL(untied_f32_shards, "untied-f32-shards")
MODEL(no_prefix, "no-prefix")
MODEL(gqa5, "gqa5")
MODEL(mha_v5, "mha-v5")
MODEL(yarn, "yarn")

/* YaRN where low and high are equal: the ramp is a step, not a division by zero. */
static void yarn_step(void) {
    enum { HALF = 4 };
    struct config c = {.head_dim = 2 * HALF, .rope_theta = 10000};
    double inv_freq[HALF], plain[HALF], factor;
    rope_frequencies(&c, plain, &factor);
    c.yarn.factor = 4;
    c.yarn.beta_fast = 32;
    c.yarn.beta_slow = 1;
    c.yarn.n_ctx_orig = 5;          /* low = floor(-4.8), at least 0; high = ceil(-0.2) = 0 */
    c.yarn.attention_factor = 1;
    c.yarn.truncate = true;
    rope_frequencies(&c, inv_freq, &factor);
    CHECK(inv_freq[0] == plain[0], "frequency 0 is %g, not %g", inv_freq[0], plain[0]);
    for (int k = 1; k < HALF; k++)
        CHECK(inv_freq[k] == plain[k] / 4, "frequency %d is %g, not %g", k, inv_freq[k],
              plain[k] / 4);
}

/* A cache that grows keeps what is in it, and new room is zeros. */
static void growing_cache(void) {
    const struct config c = {.n_layer = 3, .n_head_kv = 2, .head_dim = 32};
    static const int steps[] = {1, 64, 65, 128, 4096, 8192};
    const int64_t tile = kv_tile_size(KV_Q8, c.head_dim);
    struct kv_cache cache;
    qw_error err = {0, ""};
    int rc = kv_cache_new(&cache, &c, KV_Q8, &err), bad = 0;
    int64_t before = 0;
    for (int i = 0; !rc && i < 6; i++) {
        const int64_t now = (steps[i] + ATTN_TILE - 1) / ATTN_TILE * tile;
        rc = kv_cache_grow(&cache, steps[i], &err);
        for (int h = 0; !rc && h < c.n_layer * c.n_head_kv; h++) {
            unsigned char *p = kv_head(&cache, h / c.n_head_kv, h % c.n_head_kv);
            for (int64_t k = 0; k < before; k++) bad += p[k] != (unsigned char)(h + 1);
            for (int64_t k = before; k < now; k++) bad += p[k] != 0;
            memset(p, h + 1, (size_t)now);
        }
        before = now;
    }
    CHECK(rc == 0 && bad == 0, "%s; %d bytes are wrong", err.message, bad);
    CHECK(kv_cache_size(&c, KV_Q8, 8192) == (uint64_t)(6 * before), "size of the cache");
    kv_cache_free(&cache);
}

/* A cache that cannot grow stays as it was: some of its heads may have had their room already. */
static void cache_too_large(void) {
    const struct config c = {.n_layer = 32, .n_head_kv = 8, .head_dim = 1024};
    struct kv_cache cache;
    qw_error err = {0, ""};
    int rc = kv_cache_new(&cache, &c, KV_F32, &err), bad = 0;
    if (!rc) rc = kv_cache_grow(&cache, ATTN_TILE, &err);
    CHECK(rc == 0, "%s", err.message);
    for (int h = 0; h < 256; h++) memset(kv_head(&cache, h / 8, h % 8), h, 100);
    rc = kv_cache_grow(&cache, INT32_MAX, &err);        /* 17 TB a head: no address space has it */
    CHECK(rc == QW_ENOMEM && cache.n_ctx == ATTN_TILE, "%d, %d positions", rc, cache.n_ctx);
    for (int h = 0; h < 256; h++) {
        const unsigned char *p = kv_head(&cache, h / 8, h % 8);
        for (int k = 0; k < 100; k++) bad += p[k] != h;
    }
    CHECK(bad == 0, "%d bytes changed", bad);
    kv_cache_free(&cache);
}

int main(int argc, char **argv) {
    quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    RUN("forward pass, tied BF16", tied_bf16);
    RUN("forward pass, F16 with a duplicate head", dup_head_f16);
    RUN("forward pass, untied F32 in shards", untied_f32_shards);
    RUN("forward pass, names without prefix", no_prefix);
    RUN("forward pass, five query heads to one key head", gqa5);
    RUN("forward pass, as many key heads as query heads, config of transformers 5", mha_v5);
    RUN("forward pass, YaRN", yarn);
    RUN("forward pass, YaRN whose ramp is a step", yarn_step);
    RUN("the KV cache grows", growing_cache);
    RUN("a KV cache that cannot grow", cache_too_large);
    TEST_END();
}
