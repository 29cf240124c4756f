/* test_quality.c - what quantising costs models/tiny: divergence from the weights as stored,
 * perplexity, and the error of the weights.
 *
 * Windows of 512 tokens, the second half of each scored. Plain text (stories.txt): mean
 * Kullback-Leibler divergence of the next token's distribution, in nats. Conversations
 * (heldout.txt, added tokens parsed): perplexity. "test_quality full" scores all windows of the
 * conversations; without it the first ten. "test_quality quick", for slow builds: the error of the
 * weights alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "kernels/kernels.h"
#include "test.h"

enum { WINDOW = 512, HALF = WINDOW / 2 };

static int most_windows = 10;

struct score { double kl, perplexity; long n; };

/* Tokens of a text file; the caller frees them. */
static long read_tokens(qw_model *m, const char *path, int special, int32_t **ids) {
    struct file f;
    qw_error err;
    long n = -1;
    if (read_file(&f, path, 1 << 24, &err) == 0) {
        n = qw_tokenize(qw_model_tokenizer(m), (const char *)f.data, (size_t)f.size, special, ids,
                        &err);
        file_close(&f);
    }
    CHECK(n > WINDOW, "%s: %s", path, n < 0 ? err.message : "too short");
    return n;
}

/* Log-probabilities in double precision, in place of logits. */
static void log_softmax(const float *x, double *out, int n) {
    double max = x[0], sum = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > max) max = x[i];
    for (int i = 0; i < n; i++) sum += exp(x[i] - max);
    for (int i = 0; i < n; i++) out[i] = x[i] - max - log(sum);
}

/* Logits of the scored half of a window: HALF rows. */
static int window_logits(qw_model *m, const char *kv, const int32_t *ids, float *out) {
    qw_session *s = NULL;
    qw_error err;
    int rc =
        qw_session_new(&s, m, &(qw_session_params){.n_ctx = WINDOW, .n_batch = HALF, .kv_type = kv},
                       &err);
    if (!rc) rc = qw_feed(s, ids, WINDOW, &err);
    if (!rc) rc = qw_logits(s, HALF, HALF, out, &err);
    CHECK(rc == 0, "%s", err.message);
    qw_session_free(s);
    return rc;
}

static struct score compare(const char *type, const char *kv, const char *path, int special,
                            int windows) {
    struct score sum = {0, 0, 0};
    qw_model *ref = NULL, *m = NULL;
    qw_error err;
    int32_t *ids = NULL;
    int rc = qw_load(&ref, "models/tiny", &(qw_load_params){.weight_type = "bf16"}, &err);
    if (!rc) rc = qw_load(&m, "models/tiny", &(qw_load_params){.weight_type = type}, &err);
    CHECK(rc == 0, "%s", err.message);
    long n = rc ? 0 : read_tokens(ref, path, special, &ids), v = rc ? 0 : qw_info(ref)->n_vocab;
    float *a = malloc(sizeof *a * (size_t)(HALF * v + 1)),
          *b = malloc(sizeof *b * (size_t)(HALF * v + 1));
    double *p = malloc(sizeof *p * (size_t)(v + 1)), *q = malloc(sizeof *q * (size_t)(v + 1));
    for (long w = 0; (w + 1) * WINDOW <= n && w < windows; w++) {
        if (window_logits(ref, "f32", ids + w * WINDOW, a) ||
            window_logits(m, kv, ids + w * WINDOW, b))
            break;
        for (int t = 0; t + 1 < HALF; t++) {
            int32_t next = ids[w * WINDOW + HALF + t + 1];
            log_softmax(a + t * v, p, (int)v);
            log_softmax(b + t * v, q, (int)v);
            for (long i = 0; i < v; i++) sum.kl += exp(p[i]) * (p[i] - q[i]);
            /* for now the sum of what the logarithm rises by */
            sum.perplexity += p[next] - q[next];
            sum.n++;
        }
    }
    CHECK(sum.n > 0, "nothing was scored");
    sum.kl /= (double)sum.n;
    sum.perplexity = exp(sum.perplexity / (double)sum.n);   /* relative to the weights as stored */
    free(a);
    free(b);
    free(p);
    free(q);
    qw_release(ids);
    qw_free(m);
    qw_free(ref);
    return sum;
}

static void check_type(const char *type, const char *kv, double kl_limit, double perplexity_limit) {
    struct score plain = compare(type, kv, "tests/fixtures/text/stories.txt", 0, 1 << 20);
    struct score chat = compare(type, kv, "tests/fixtures/text/heldout.txt", 1, most_windows);
    printf("  %s, cache %s: KL %.6f nats over %ld tokens of stories; "
           "perplexity of conversations %+.3f %% over %ld tokens\n",
        type, kv, plain.kl, plain.n, 100 * (chat.perplexity - 1), chat.n);
    CHECK(plain.kl <= kl_limit, "%s: KL %g, at most %g", type, plain.kl, kl_limit);
    CHECK(chat.perplexity <= 1 + perplexity_limit, "%s: perplexity times %g, at most %g", type,
          chat.perplexity, 1 + perplexity_limit);
}

static void q8(void) { check_type("q8", "f32", 0.0003, 0.001); }
static void q4(void) { check_type("q4", "f32", 0.0125, 0.01); }
/* The cache alone, and with the weights that it is the default of. */
static void cache(void) {
    check_type("bf16", "f16", 0.000001, 0.0001);
    check_type("bf16", "q8", 0.0001, 0.001);
    check_type("q8", "q8", 0.0003, 0.001);
    check_type("q4", "q8", 0.0125, 0.01);
}

/* ---- the error of the weights themselves ---- */

static double uniform(uint64_t *state) {            /* SplitMix64, in (0, 1) */
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t *state) {
    return sqrt(-2 * log(uniform(state))) * cos(6.283185307179586 * uniform(state));
}

/* Relative root mean square error of q4 over random weights: Student's t with 4 degrees of freedom,
 * or normal. */
static double q4_error(bool student) {
    enum { N = 1024, PANELS = 64 };
    static float w[PANEL * N], back[N];
    static struct q4_super panel[N / SUPER];
    double error = 0, power = 0;
    uint64_t state = 1;
    for (int k = 0; k < PANELS; k++) {
        for (int i = 0; i < PANEL * N; i++) {
            double x = normal(&state), chi = 0;
            for (int j = 0; student && j < 4; j++) {
                double y = normal(&state);
                chi += y * y;
            }
            w[i] = (float)(0.03 * (student ? x / sqrt(chi / 4) : x));
        }
        kernels_reference.pack[PACKED_Q4](panel, w, PANEL, N, false);
        for (int r = 0; r < PANEL; r++) {
            kernels_reference.row_q[PACKED_Q4](back, panel, r, N);
            for (int i = 0; i < N; i++) {
                double e = (double)back[i] - (double)w[r * N + i];
                error += e * e;
                power += (double)w[r * N + i] * (double)w[r * N + i];
            }
        }
    }
    return sqrt(error / power);
}

static void weight_error(void) {
    double student = q4_error(true), gauss = q4_error(false);
    printf("  q4: relative RMS error %.4f on Student-t(4), %.4f on normal weights\n", student,
           gauss);
    CHECK(student <= 0.092, "Student-t(4): %g", student);
    CHECK(gauss <= 0.076, "normal: %g", gauss);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "full") == 0) most_windows = 1 << 20;
    RUN("quality: error of q4 weights", weight_error);
    if (argc > 1 && strcmp(argv[1], "quick") == 0) TEST_END();
    RUN("quality: q8 against the weights as stored", q8);
    RUN("quality: q4 against the weights as stored", q4);
    RUN("quality: types of cache", cache);
    TEST_END();
}
