/* test_base.c - unit tests of base (errors, memory, UTF-8, JSON, exact math), sampler and
 * threads. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/utf8_stream.h"
#include "base/utf8.h"
#include "base/json.h"
#include "base/exact_math.h"
#include "sample/sampler.h"
#include "sys/threads.h"
#include "test.h"

static uint64_t random_state;

static uint64_t next_random(void) {         /* xorshift64*, Vigna 2016 */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static double uniform(double lo, double hi) {
    return lo + (hi - lo) * (double)(next_random() >> 11) * 0x1p-53;
}

/* ---- base ---- */

static void test_messages(void) {
    qw_error err;
    char longer[2 * sizeof err.message];
    CHECK(fail(NULL, QW_EIO, "%s", "nowhere to go") == QW_EIO, "no place for a message");
    CHECK(fail(&err, QW_EIO, "%s %d", "x", 5) == QW_EIO && err.code == QW_EIO &&
              strcmp(err.message, "x 5") == 0,
          "%s", err.message);
    fail(&err, QW_EIO, "a\x1B[1m\r\n\x7F \xC2\x9B" "b \xC3\xA4 \xE2\x82\xAC \xFF \xE2\x82");
    CHECK(strcmp(err.message, "a?[1m??? ??b \xC3\xA4 \xE2\x82\xAC ? ??") == 0, "%s", err.message);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    memcpy(longer + sizeof err.message - 2, "\xC3\xA4", 2);         /* cut in the middle */
    fail(&err, QW_EIO, "%s", longer);
    CHECK(strlen(err.message) == sizeof err.message - 1 &&
              err.message[sizeof err.message - 2] == '?',
          "%zu bytes", strlen(err.message));
}

static void test_memory(void) {
    CHECK(!alloc_zero(UINT64_MAX, 2) && !alloc_zero(UINT64_MAX, 1) &&
              !alloc_zero(UINT64_C(1) << 62, 2),
          "overflow gives memory");
    unsigned char *p = alloc_zero(0, 8), *q = alloc_zero(3, 33), sum = 0;
    for (int i = 0; q && i < 99; i++) sum |= q[i];
    CHECK(p && q && (uintptr_t)p % 64 == 0 && (uintptr_t)q % 64 == 0 && sum == 0, "%p %p",
          (void *)p, (void *)q);
    free(p);
    free(q);
    struct buf b = {0};
    CHECK(!buf_reserve(&b, SIZE_MAX) && b.oom, "reserved all there is");
    buf_str(&b, "x");
    CHECK(b.n == 0 && b.oom, "a put after a failed one");
    buf_free(&b);
    for (int i = 0; i < 1000; i++) buf_put(&b, "abc", (size_t)(i % 4));
    CHECK(b.n == 1500 && b.p[b.n - 1] == 'c', "%zu bytes", b.n);
    buf_free(&b);
    struct ids ids = {0};
    for (int i = 0; i < 1000; i++) ids_put(&ids, i);
    CHECK(ids.n == 1000 && ids.p[0] == 0 && ids.p[999] == 999, "%zu ids", ids.n);
    ids_free(&ids);
}

static void test_paths(void) {
    static const struct {
        const char *dir, *name, *path;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (int i = 0; i < 4; i++) {
        char *p = path_join(joins[i].dir, joins[i].name);
        CHECK(p && strcmp(p, joins[i].path) == 0, "%s", p);
        free(p);
    }
    CHECK(path_kind("tests") == PATH_DIR && path_kind("tests/test.h") == PATH_FILE,
          "what is there");
    CHECK(path_kind("tests/nothing") == PATH_MISSING && path_kind("tests/test.h/x") == PATH_MISSING,
          "what is not there");
    struct file f;
    qw_error err;
    CHECK(map_file(&f, "tests", &err) == QW_EIO && strstr(err.message, "a directory"), "%s",
          err.message);
    CHECK(map_file(&f, "/dev/null", &err) == QW_EIO && strstr(err.message, "special"), "%s",
          err.message);
    CHECK(read_file(&f, "tests/test.h", 10, &err) == QW_EFORMAT && strstr(err.message, "too large"),
          "%s", err.message);
    int rc = read_file(&f, "tests/test.h", 1 << 20, &err);
    CHECK(rc == 0 && f.size > 100 && f.data[f.size] == 0 && memcmp(f.data, "/* test.h", 9) == 0,
          "%s", err.message);
    if (rc == 0) file_close(&f);
}

/* ---- utf8 ---- */

static void test_utf8_all(void) {
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char s[5];
        uint32_t back = 0;
        int n = utf8_encode(cp, s), got = utf8_decode(s, (size_t)n, &back);
        bool surrogate = cp >= 0xD800 && cp < 0xE000;
        bool right = surrogate ? got == 0 : got == n && back == cp;
        if (!right) {
            CHECK(false, "U+%04X: %d of %d bytes", cp, got, n);
            return;
        }
        for (int cut = 1; cut < n; cut++)
            CHECK(utf8_decode(s, (size_t)cut, &back) == 0, "U+%04X cut", cp);
    }
}

/* A text, and the same with each maximal invalid subpart replaced (Unicode 16.0, section 3.9,
 * tables 3-8 to 3-11); '.' stands for U+FFFD. */
static void test_utf8_replace(void) {
    static const struct { const char *in, *out; } cases[] = {
        {"abc", "abc"}, {"\xC3\xA4", "\xC3\xA4"},
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82" "A", "........A"},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF" "A", "........A"},
        {"\xF4\x91\x92\x93\xFF" "A\x80\xBF" "B", ".....A..B"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF" "A", "....A"},
        {"a\xF0\x9F\x98", "a."}, {"\xF0\x9F\x98\xF0\x9F\x98\x80", ".\xF0\x9F\x98\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].in);
        struct buf want = {0};
        for (const char *p = cases[i].out; *p; p++) {
            if (*p == '.') buf_str(&want, "\xEF\xBF\xBD");
            else buf_char(&want, *p);
        }
        for (size_t a = 0; a <= n; a++)
            for (size_t b = a; b <= n; b++) {               /* in three pushes */
                struct utf8_stream s = {{0}, 0};
                struct buf out = {0};
                utf8_push(&s, cases[i].in, a, &out);
                utf8_push(&s, cases[i].in + a, b - a, &out);
                utf8_push(&s, cases[i].in + b, n - b, &out);
                utf8_finish(&s, &out);
                CHECK(out.n == want.n && memcmp(out.p, want.p, out.n) == 0,
                      "case %zu cut at %zu and %zu: %zu bytes, not %zu", i, a, b, out.n, want.n);
                buf_free(&out);
            }
        buf_free(&want);
    }
    CHECK(utf8_valid_prefix("ab\xC3\xA4\xFFz", 6) == 4 && utf8_valid_prefix("", 0) == 0,
          "valid prefix");
}

/* ---- json ---- */

static int parse(struct json *j, const char *text, qw_error *err) {
    return json_parse(j, text, strlen(text), "text", err);
}

static void test_json_errors(void) {
    static const struct { const char *text, *reason; } cases[] = {
        {"", "byte 0: the text ends"},
        {"  ", "ends too early"},
        {"[1,]", "byte 3: a value was expected"},
        {"[1 2]", "',' or ']'"},
        {"{\"a\" 1}", "':' was expected"},
        {"{\"a\":1,}", "a key in quotes"},
        {"{a:1}", "a key in quotes"},
        {"[1}", "',' or ']'"},
        {"{\"a\":1]", "',' or '}'"},
        {"1 2", "something follows"},
        {"nul", "a value"},
        {"truex", "something follows"},
        {"+1", "a value"},
        {"01", "something follows"},
        {".5", "a value"},
        {"1.", "a digit"},
        {"1e", "a digit"},
        {"-", "a value"},
        {"NaN", "a value"},
        {"\"a", "without an end"},
        {"\"a\nb\"", "control character"},
        {"\"\\x\"", "unknown escape"},
        {"\"\\u12g4\"", "four hexadecimal"},
        {"\"\\ud800\"", "surrogate"},
        {"\"\\udc00\"", "surrogate"},
        {"\"\\ud800\\u0041\"", "surrogate"},
        {"\"\xC0\xAF\"", "invalid UTF-8"},
        {"\"\\", "without an end"},
        {"\n\n [", "line 3, column 3"},
        {"\xEF\xBB\xBF{}", "a value"},
    };
    struct json j;
    qw_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = parse(&j, cases[i].text, &err);
        CHECK(rc == QW_EFORMAT && strstr(err.message, "text: ") &&
                  strstr(err.message, cases[i].reason),
              "%s: %d, %s", cases[i].text, rc, rc ? err.message : "");
        if (rc == 0) json_free(&j);
    }
    char deep[403];
    for (int depth = 200; depth <= 201; depth++) {
        memset(deep, '[', (size_t)depth);
        memset(deep + depth, ']', (size_t)depth);
        int rc = json_parse(&j, deep, 2 * (size_t)depth, "text", &err);
        CHECK(depth == 200 ? rc == 0 : rc == QW_EFORMAT && strstr(err.message, "200 deep"),
              "%d deep: %d", depth, rc);
        if (rc == 0) json_free(&j);
    }
}

static void test_json_values(void) {
    static const char text[] =
        " {\"a\": [1, {\"b\": []}, \"\\u00e4\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000.\"], "
        "\"\\u0063\": null, \"a2\": 1, \"a2\": true} ";
    static const char value[] = "\xC3\xA4\xF0\x9F\x98\x80\"\\/\b\f\n\r\t\0.";
    struct json j;
    struct buf b = {0};
    qw_error err;
    int rc = parse(&j, text, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc) return;
    uint32_t a = json_get(&j, 0, "a");
    CHECK(j.nodes[0].len == 4 && json_end(&j, 0) == j.n, "%u pairs", j.nodes[0].len);
    CHECK(a && json_type(&j, a) == JSON_ARRAY && j.nodes[a].len == 3, "the list");
    uint32_t s = json_next(&j, json_next(&j, a + 1));
    json_string(&j, s, &b);
    CHECK(b.n == sizeof value - 1 && memcmp(b.p, value, b.n) == 0, "the string has %zu bytes", b.n);
    CHECK(json_get(&j, 0, "c") && json_type(&j, json_get(&j, 0, "c")) == JSON_NULL,
          "an escaped key");
    CHECK(json_type(&j, json_get(&j, 0, "a2")) == JSON_TRUE, "the last of equal keys");
    CHECK(json_get(&j, 0, "b") == 0 && json_get(&j, a, "a") == 0, "keys that are not there");
    b.n = 0;
    json_quote(&b, value, sizeof value - 1);
    buf_char(&b, 0);
    CHECK(strcmp(b.p, "\"\xC3\xA4\xF0\x9F\x98\x80\\\"\\\\/\\b\\f\\n\\r\\t\\u0000.\"") == 0, "%s",
          b.p);
    buf_free(&b);
    json_free(&j);
}

static void test_json_numbers(void) {
    static const struct { const char *text; double value; bool whole; } cases[] = {
        {"0", 0, true},
        {"-0", 0, true},
        {"1e-06", 1e-6, false},
        {"1e-6", 1e-6, false},
        {"0.000001", 1e-6, false},
        {"5000000", 5e6, true},
        {"1000000.0", 1e6, true},
        {"1e2", 100, true},
        {"-2.5E+1", -25, true},
        {"0.6", 0.6, false},
        {"0.95", 0.95, false},
        {"1e22", 1e22, false},
        {"9007199254740992", 9007199254740992.0, true},
        {"123456789012345678", 123456789012345678.0, false},
        {"1e400", HUGE_VAL, false},
        {"-1e400", -HUGE_VAL, false},
        {"1e-400", 0, true},
        {"0e999999999999", 0, true},
        {"3.14159265358979", 3.14159265358979, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json j;
        qw_error err;
        double d = 0;
        int64_t n;
        int rc = parse(&j, cases[i].text, &err);
        CHECK(rc == 0 && json_double(&j, 0, &d) && d == cases[i].value, "%s: %.17g", cases[i].text,
              d);
        if (rc) continue;
        bool whole = json_int(&j, 0, &n);
        CHECK(whole == cases[i].whole && (!whole || (double)n == d), "%s: whole %d", cases[i].text,
              whole);
        json_free(&j);
    }
}

/* ---- exact math ---- */

/* |a - b| in units of b's last place. */
static double ulps(double a, double b) {
    return fabs(a - b) / fmax(nextafter(fabs(b), HUGE_VAL) - fabs(b), 0x1p-1074);
}

static void test_exact_math(void) {
    double worst_exp = 0, worst_log = 0, worst_trig = 0;
    random_state = 1;
    for (int i = 0; i < 200000; i++) {
        double x = uniform(-690, 690), z = uniform(-1048576, 1048576), s, c;
        double y = i % 2 ? uniform(0.4, 2.5) : exp(uniform(-600, 600));
        worst_exp = fmax(worst_exp, ulps(num_exp(x), exp(x)));
        worst_log = fmax(worst_log, ulps(num_log(y), log(y)));
        num_sincos(z, &s, &c);
        worst_trig = fmax(worst_trig, fmax(fabs(s - sin(z)), fabs(c - cos(z))));
    }
    CHECK(worst_exp <= 2, "exp: %g units of the last place", worst_exp);
    CHECK(worst_log <= 4, "log: %g units of the last place", worst_log);
    CHECK(worst_trig <= 4e-16, "sin and cos: %g", worst_trig);
    CHECK(num_exp(0) == 1 && num_exp(-1000) == 0 && num_exp(1000) == num_exp(700) &&
              isnan(num_exp(NAN)),
          "exp at the edges");
    CHECK(num_log(1) == 0 && fabs(num_log(1 + 0x1p-52) - 0x1p-52) < 0x1p-100, "log near 1");
    double s, c;
    num_sincos(0, &s, &c);
    CHECK(s == 0 && c == 1, "sin 0 and cos 0");
}

/* ---- sampler ---- */

enum { VOCAB = 8 };
/* Ranked: 1 3 2 7 5 0 4 6. */
static const float example[VOCAB] = {0, 2, 1, 2, -1, 0.5f, -30, 1};

static qw_sampling plain(float temperature) {
    qw_sampling set = {.temperature = temperature, .top_p = 1, .repetition_penalty = 1, .seed = 42};
    return set;
}

/* How often each token is drawn in n draws. */
static void draw_many(const qw_sampling *set, const float list[VOCAB], int n, int count[VOCAB]) {
    struct sampler *s;
    qw_error err;
    int rc = sampler_new(&s, set, VOCAB, &err);
    CHECK(rc == 0, "%s", err.message);
    memset(count, 0, VOCAB * sizeof *count);
    for (int i = 0; !rc && i < n; i++) {
        float logits[VOCAB];
        memcpy(logits, list, sizeof logits);
        int32_t id = sampler_draw(s, logits, NULL, 0, 0);
        CHECK(id >= 0 && id < VOCAB, "token %d", id);
        if (id >= 0 && id < VOCAB) count[id]++;
    }
    if (!rc) sampler_free(s);
}

/* The set of tokens that are ever drawn, as bits. */
static unsigned support(const qw_sampling *set) {
    int count[VOCAB];
    unsigned bits = 0;
    draw_many(set, example, 20000, count);
    for (int i = 0; i < VOCAB; i++) bits |= (unsigned)(count[i] > 0) << i;
    return bits;
}

static int32_t greedy(const qw_sampling *set) {
    int count[VOCAB], best = 0;
    draw_many(set, example, 1, count);
    while (best < VOCAB - 1 && !count[best]) best++;
    return best;
}

static void test_sampler(void) {
    qw_sampling set = plain(0);
    CHECK(greedy(&set) == 1, "of equal logits the lowest id");
    set.bias = &(qw_logit_bias){4, 10};
    set.n_bias = 1;
    CHECK(greedy(&set) == 4, "bias");

    /* Frequencies at two temperatures, and of what min-p leaves: within 4 standard deviations. */
    for (int k = 0; k < 3; k++) {
        int count[VOCAB], n = 20000;
        double sum = 0, p[VOCAB], t = k == 1 ? 0.5 : 1;
        set = plain((float)t);
        if (k == 2) set.min_p = 0.36f;
        draw_many(&set, example, n, count);
        for (int i = 0; i < VOCAB; i++)
            sum += p[i] = k == 2 && example[i] < 1 ? 0 : exp(example[i] / t);
        for (int i = 0; i < VOCAB; i++) {
            double want = n * p[i] / sum;
            CHECK(fabs(count[i] - want) <= 4 * sqrt(want * (1 - p[i] / sum)) + 1e-3,
                  "round %d, token %d: %d of %g", k, i, count[i], want);
        }
    }
    for (int k = 1; k <= 5; k++) {
        /* Of equal logits at the edge the lower id stays. */
        static const unsigned sets[] = {0, 1 << 1, 1 << 1 | 1 << 3, 0x0E, 0x8E, 0xAE};
        set = plain(2);
        set.top_k = k;
        CHECK(support(&set) == sets[k], "top-k %d: %X", k, support(&set));
    }
    /* probabilities, ranked: 0.334 0.334 0.123 0.123 0.075 0.045 0.017 */
    static const struct { float p; unsigned bits; } nuclei[] = {
        {0, 0x02}, {0.3f, 0x02}, {0.5f, 0x0A}, {0.7f, 0x0E}, {0.8f, 0x8E}, {0.93f, 0xAE}};
    for (int k = 0; k < 6; k++) {
        set = plain(1);
        set.top_p = nuclei[k].p;
        CHECK(support(&set) == nuclei[k].bits, "top-p %g: %X", nuclei[k].p, support(&set));
    }
    int count[VOCAB];
    set = plain(1);
    set.top_p = 0.5f;
    draw_many(&set, (const float[VOCAB]){-100, -100, 3, -100, -100, 3, -100, -100}, 1000, count);
    CHECK(count[2] == 1000, "the first of two halves reaches top-p 0.5: %d", count[2]);
    static const struct { float p; unsigned bits; } floors[] = {
        {1, 0x0A}, {0.36f, 0x8E}, {0.37f, 0x0A}, {0.2f, 0xAE}};
    for (int k = 0; k < 4; k++) {
        set = plain(1);
        set.min_p = floors[k].p;
        CHECK(support(&set) == floors[k].bits, "min-p %g: %X", floors[k].p, support(&set));
    }
}

/* The exact logits that the penalties leave. tokens: 1 3 3 4 | 1 3 3, with the turn after the
 * bar. */
static void test_penalties(void) {
    static const int32_t tokens[] = {1, 3, 3, 4, 1, 3, 3};
    static const struct {
        const char *name;
        float repetition, presence, frequency, want[VOCAB];
    } cases[] = {
        {"none", 1, 0, 0, {0, 2, 1, 2, -1, 0.5f, -30, 1}},
        {"repetition: prompt and turn, each token once, towards less likely", 2, 0, 0,
         {0, 1, 1, 1, -2, 0.5f, -30, 1}},
        {"presence: the turn, each token once", 1, 0.5f, 0, {0, 1.5f, 1, 1.5f, -1, 0.5f, -30, 1}},
        {"frequency: the turn, each occurrence", 1, 0, 0.5f, {0, 1.5f, 1, 1, -1, 0.5f, -30, 1}},
        {"all", 2, 0.25f, -0.5f, {0, 1.25f, 1, 1.75f, -2, 0.5f, -30, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qw_sampling set = plain(0);
        struct sampler *s;
        qw_error err;
        set.repetition_penalty = cases[i].repetition;
        set.presence_penalty = cases[i].presence;
        set.frequency_penalty = cases[i].frequency;
        CHECK(sampler_new(&s, &set, VOCAB, &err) == 0, "%s", err.message);
        /* A draw leaves nothing behind for the next one. */
        for (int draw = 0; draw < 2; draw++) {
            float logits[VOCAB];
            memcpy(logits, example, sizeof logits);
            sampler_draw(s, logits, tokens, 7, 4);
            for (int k = 0; k < VOCAB; k++)
                CHECK(logits[k] == cases[i].want[k], "%s, draw %d: logit %d is %g, expected %g",
                      cases[i].name, draw, k, logits[k], cases[i].want[k]);
        }
        sampler_free(s);
    }
}

static void test_seed(void) {
    int32_t first[2][50];
    for (int k = 0; k < 2; k++) {
        struct sampler *s;
        qw_error err;
        qw_sampling set = plain(1);
        CHECK(sampler_new(&s, &set, VOCAB, &err) == 0, "%s", err.message);
        for (int i = 0; i < 50; i++) {
            float logits[VOCAB];
            memcpy(logits, example, sizeof logits);
            first[k][i] = sampler_draw(s, logits, NULL, 0, 0);
        }
        sampler_free(s);
    }
    CHECK(memcmp(first[0], first[1], sizeof first[0]) == 0, "the same seed gave other tokens");
}

static void test_sampler_refuses(void) {
    struct { const char *name; qw_sampling set; } cases[] = {
        {"temperature", plain(-0.1f)},
        {"temperature", plain(NAN)},
        {"temperature", plain(INFINITY)},
        {"top-k", plain(1)},
        {"top-p", plain(1)},
        {"min-p", plain(1)},
        {"presence", plain(1)},
        {"frequency", plain(1)},
        {"repetition", plain(1)},
        {"logit bias", plain(1)},
        {"token 8", plain(1)},
    };
    qw_logit_bias nan_bias = {0, NAN}, beyond = {VOCAB, 0};
    cases[3].set.top_k = -1;
    cases[4].set.top_p = 1.01f;
    cases[5].set.min_p = NAN;
    cases[6].set.presence_penalty = 1000;
    cases[7].set.frequency_penalty = NAN;
    cases[8].set.repetition_penalty = 0;
    cases[9].set.bias = &nan_bias;
    cases[10].set.bias = &beyond;
    cases[9].set.n_bias = cases[10].set.n_bias = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sampler *s;
        qw_error err;
        int rc = sampler_new(&s, &cases[i].set, VOCAB, &err);
        CHECK(rc == QW_EARG && !s && strstr(err.message, cases[i].name), "%s: %d %s", cases[i].name,
              rc, rc ? err.message : "");
    }
}

/* ---- threads ---- */

enum { MAX_ITEMS = 5000 };
struct items { unsigned char seen[MAX_ITEMS]; int64_t grain, n; int bad[MAX_ITEMS]; };

/* Each item is written by the thread that has it: a data race shows as a wrong count, and to the
 * thread sanitizer. */
static void count_items(void *ctx, int64_t begin, int64_t end) {
    struct items *j = ctx;
    if (begin < 0 || begin >= end || end > j->n || begin % j->grain ||
        (end % j->grain && end != j->n)) {
        j->bad[begin < 0 || begin >= MAX_ITEMS ? 0 : begin] = 1;
        return;
    }
    for (int64_t i = begin; i < end; i++) j->seen[i]++;
}

/* Grains claimed of a job when all threads have left, or too many: thread k comes for a chunk in
 * every turn that 1 + k * late divides. */
static unsigned share(unsigned grains, unsigned threads, unsigned late) {
    unsigned first = 0, n, done[8] = {0}, start[8] = {0};
    bool left[8] = {false};
    for (unsigned turn = 0, n_left = 0; n_left < threads && first <= grains; turn++)
        for (unsigned k = 0; k < threads; k++) {
            if (left[k] || turn % (1 + k * late)) continue;
            if (done[k] == 0) start[k] = first;
            n = next_chunk(grains - first, first - start[k], done[k], threads);
            left[k] = n == 0;
            n_left += left[k];
            first += n;
            done[k] += n;
        }
    return first;
}

static void test_chunks(void) {
    static const unsigned late[] = {0, 1, 5, 50};
    for (unsigned threads = 1; threads <= 8; threads++)
        for (unsigned grains = 1; grains < 600; grains++)
            for (int i = 0; i < 4; i++)
                CHECK(share(grains, threads, late[i]) == grains, "%u grains, %u threads, late %u",
                      grains, threads, late[i]);
    CHECK(next_chunk(1000, 0, 0, 2) == 1 && next_chunk(998, 2, 1, 2) == 249 &&
              next_chunk(500, 500, 250, 2) == 125 && next_chunk(4, 996, 500, 2) == 1,
          "a grain, then large to small");
    CHECK(next_chunk(800, 200, 40, 2) == 80, "a slow thread has smaller chunks");
    CHECK(next_chunk(998, 1, 1, 2) == 249, "who is alone leaves the others their share");
    CHECK(next_chunk(2000000000, 2000000000, 1000000000, 2) == 500000000, "as many as may be");
    CHECK(next_chunk(0, 100, 3, 2) == 0 && next_chunk(0, 0, 0, 2) == 0, "none is left");
    CHECK(next_chunk(10, 90, 7, 4) == 1 && next_chunk(10, 90, 6, 4) == 0,
          "a thread leaves when a grain of its own takes as long as 14 of all");
    CHECK(next_chunk(10, 1, 1, 4) == 1, "one that came late stays");
}

/* With more threads than may be awake, as many, and fewer. */
static void test_threads(void) {
    static const int64_t sizes[] = {0, 1, 2, 15, 16, 17, 100, 4999, MAX_ITEMS};
    static const int64_t grains[] = {1, 3, 16, 4999, 100000};
    static const int pools[][2] = {{1, 1}, {2, 2}, {3, 2}, {4, 4}, {5, 1}, {7, 64}};
    static struct items j;
    qw_error err;
    struct pool *p;
    for (int k = 0; k < 6; k++) {
        int threads = pools[k][0], rc = pool_new(&p, threads, pools[k][1], NULL, &err);
        CHECK(rc == 0 && pool_threads(p) == threads, "%s", err.message);
        if (rc) return;
        for (int round = 0; round < 20; round++)
            for (int a = 0; a < 9; a++)
                for (int b = 0; b < 5; b++) {
                    int wrong = 0;
                    j = (struct items){.grain = grains[b], .n = sizes[a]};
                    parallel_for(p, sizes[a], grains[b], count_items, &j);
                    for (int i = 0; i < MAX_ITEMS; i++)
                        wrong += j.seen[i] != (i < sizes[a]) || j.bad[i];
                    CHECK(wrong == 0, "%d threads, %d items by %d: %d wrong", threads,
                          (int)sizes[a], (int)grains[b], wrong);
                }
        /* Far enough apart that the workers park. */
        for (int round = 0; round < 40; round++) {
            j = (struct items){.grain = 1, .n = threads};
            usleep(1000);
            parallel_for(p, threads, 1, count_items, &j);
            for (int i = 0; i < threads; i++)
                CHECK(j.seen[i] == 1, "item %d of a job for parked workers: %d", i, j.seen[i]);
        }
        pool_free(p);
    }
    CHECK(pool_new(&p, 0, 1, NULL, &err) == QW_EARG &&
              pool_new(&p, MAX_THREADS + 1, 1, NULL, &err) == QW_EARG && !p,
          "0 or too many threads");
}

/* Tiny jobs close together: workers still come late to one job while the next is being written. */
static void test_tiny_jobs(void) {
    static const int pools[][2] = {{2, 2}, {3, 1}, {4, 3}, {5, 5}, {8, 8}};
    static struct items j;
    qw_error err;
    for (int k = 0; k < 5; k++) {
        struct pool *p;
        int wrong = 0;
        CHECK(pool_new(&p, pools[k][0], pools[k][1], NULL, &err) == 0, "%s", err.message);
        if (!p) return;
        for (int round = 0; round < 5000; round++) {
            int n = 1 + round % 13;
            memset(j.seen, 0, 16);
            j.grain = 1;
            j.n = n;
            parallel_for(p, n, 1, count_items, &j);
            for (int i = 0; i < 16; i++) wrong += j.seen[i] != (i < n) || j.bad[i];
            if (round % 1000 == 0) usleep(500);
        }
        CHECK(wrong == 0, "%d threads on %d CPUs: %d items wrong", pools[k][0], pools[k][1], wrong);
        pool_free(p);
    }
}

/* A caller that is done long before its workers waits for them, parked in the end. */
struct slow { pthread_t caller; int done[12]; };

static void slow_items(void *ctx, int64_t begin, int64_t end) {
    struct slow *s = ctx;
    for (int64_t i = begin; i < end; i++) {
        usleep(pthread_equal(pthread_self(), s->caller) ? 200 : 20000);
        s->done[i]++;
    }
}

/* Items that each wait until all have begun: every thread must join. */
struct meeting { atomic_int begun; int n; atomic_int alone; };

static void meet(void *ctx, int64_t begin, int64_t end) {
    struct meeting *m = ctx;
    atomic_fetch_add(&m->begun, (int)(end - begin));
    for (int i = 0; i < 20000 && atomic_load(&m->begun) < m->n; i++) usleep(500);
    if (atomic_load(&m->begun) < m->n) atomic_fetch_add(&m->alone, 1);
}

static void test_waiting(void) {
    qw_error err;
    struct pool *p;
    CHECK(pool_new(&p, 4, 4, NULL, &err) == 0, "%s", err.message);
    if (!p) return;
    for (int round = 0; round < 20; round++) {
        struct slow s = {.caller = pthread_self()};
        parallel_for(p, 12, 1, slow_items, &s);
        for (int i = 0; i < 12; i++)
            CHECK(s.done[i] == 1, "round %d: item %d was done %d times when parallel_for returned",
                  round, i, s.done[i]);
        struct meeting m = {.n = 4};
        if (round % 2) usleep(3000);
        parallel_for(p, 4, 1, meet, &m);
        CHECK(m.alone == 0, "round %d: %d items were alone", round, m.alone);
        if (m.alone) break;
    }
    pool_free(p);
}

int main(void) {
    RUN("base: messages", test_messages);
    RUN("base: memory", test_memory);
    RUN("base: paths and files", test_paths);
    RUN("utf8: every code point", test_utf8_all);
    RUN("utf8: replacement, cut anywhere", test_utf8_replace);
    RUN("json: errors", test_json_errors);
    RUN("json: values", test_json_values);
    RUN("json: numbers", test_json_numbers);
    RUN("exact math: against libm", test_exact_math);
    RUN("sampler: choice", test_sampler);
    RUN("sampler: penalties", test_penalties);
    RUN("sampler: seed", test_seed);
    RUN("sampler: settings out of range", test_sampler_refuses);
    RUN("threads: all of a job is claimed, large chunks first", test_chunks);
    RUN("threads: each item once", test_threads);
    RUN("threads: tiny jobs in a row", test_tiny_jobs);
    RUN("threads: the caller waits, and all join", test_waiting);
    TEST_END();
}
