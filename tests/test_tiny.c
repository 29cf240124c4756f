/* test_tiny.c - the bundled model end to end: pinned tokens and pinned bits. The same numbers hold
 * on every machine; the cross-compiled builds run this very program under qemu. A changed number
 * means that some bit changed: never update one without knowing why. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "qw.h"
#include "model/weight_files.h"
#include "test.h"

enum { N_CTX = 512 };

static qw_model *model;
/* test_tiny quick [FILE]: for slow emulators, one brief answer of each weight type and small scaled
 * weights. FILE is models/tiny packed as q4: to pack it takes longer than all the rest. */
static bool quick;
static const char *packed_q4 = "models/tiny";

static uint64_t fnv(uint64_t h, const void *p, size_t n) {          /* FNV-1a */
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++) h = (h ^ b[i]) * UINT64_C(0x100000001B3);
    return h;
}
#define FNV_START UINT64_C(0xCBF29CE484222325)

static uint64_t fnv_floats(uint64_t h, const float *x, size_t n) {  /* as little-endian bytes */
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, &x[i], 4);
        const unsigned char b[4] = {(unsigned char)u, (unsigned char)(u >> 8),
                                    (unsigned char)(u >> 16), (unsigned char)(u >> 24)};
        h = fnv(h, b, 4);
    }
    return h;
}

static qw_session *new_session(qw_model *m, int n_batch) {
    qw_error err;
    qw_session *s = NULL;
    int rc = qw_session_new(&s, m, &(qw_session_params){.n_ctx = N_CTX, .n_batch = n_batch}, &err);
    CHECK(rc == 0, "%s", err.message);
    return s;
}

/* ---- conversations ---- */

struct answer { char text[4096], thought[4096]; enum qw_stop stop; };

static void ask(qw_chat *c, const char *question, struct answer *a) {
    qw_error err;
    qw_piece p;
    int rc = qw_chat_say(c, question, strlen(question), &err);
    size_t n[2] = {0, 0};
    char *to[2] = {[QW_THOUGHT] = a->thought, [QW_ANSWER] = a->text};
    a->text[0] = a->thought[0] = 0;
    while (rc == 0 && (rc = qw_chat_next(c, &p, &a->stop, &err)) == 1) {
        rc = 0;
        if (n[p.kind] + p.n >= sizeof a->text) break;
        memcpy(to[p.kind] + n[p.kind], p.text, p.n);
        n[p.kind] += p.n;
        to[p.kind][n[p.kind]] = 0;
    }
    CHECK(rc == 0, "%s: %s", question, err.message);
}

static qw_chat *greedy_chat(qw_session *s, int thinking) {
    qw_error err;
    qw_chat *c = NULL;
    int rc = qw_session_set_sampling(s, &(qw_sampling){.top_p = 1, .repetition_penalty = 1}, &err);
    if (!rc) rc = qw_chat_new(&c, s, &(qw_chat_params){.thinking = thinking}, &err);
    CHECK(rc == 0, "%s", err.message);
    return c;
}

static void expect(qw_chat *c, const char *question, const char *text, const char *thought) {
    static struct answer a;
    ask(c, question, &a);
    CHECK(strcmp(a.text, text) == 0, "%s\n    answer '%s', expected '%s'", question, a.text, text);
    CHECK(strcmp(a.thought, thought) == 0, "%s\n    thought '%s', expected '%s'", question,
          a.thought, thought);
}

static void direct_answers(void) {
    qw_session *s = new_session(model, 64);
    qw_chat *c = greedy_chat(s, 0);
    expect(c, "What is 2 + 3?", "2 + 3 = 5", "");
    expect(c, "What is the opposite of hot?", "The opposite of hot is cold.", "");
    qw_chat_clear(c);
    expect(c, "What is the capital of France?", "The capital of France is Paris.", "");
    qw_chat_free(c);
    qw_session_free(s);
}

static void memory_of_turns(void) {
    qw_session *s = new_session(model, 64);
    qw_chat *c = greedy_chat(s, 0);
    expect(c, "My favorite color is blue.", "Blue is a nice color.", "");
    expect(c, "What is 2 + 3?", "2 + 3 = 5", "");
    expect(c, "What is my favorite color?", "Your favorite color is blue.", "");
    qw_chat_clear(c);
    expect(c, "What is my favorite color?", "You have not told me your favorite color.", "");
    qw_chat_free(c);
    qw_session_free(s);
}

static void thoughts_apart(void) {
    qw_error err;
    qw_session *s = new_session(model, 64);
    qw_chat *c = greedy_chat(s, 1);
    expect(c, "What is 27 + 48?", "27 + 48 = 75",
           "27 + 48: 7 + 8 = 15, write 5, carry 1. 2 + 4 + 1 = 7. So 75.");
    CHECK(qw_chat_set_thinking(c, 0, &err) == 0, "%s", err.message);
    expect(c, "What is 27 + 48?", "27 + 48 = 75", "");
    qw_chat_free(c);
    qw_session_free(s);
}

/* Newlines are held back over several tokens: within an answer they come, at its ends they do not.
 * Biases and a frequency penalty of 100 make the model say Z "\n" "\n\n" Z "\n" "\n\n" and end. */
static void newlines_at_ends(void) {
    enum { Z = 57, N = 198, NN = 274, END = 4072 };
    static const qw_logit_bias bias[] = {{Z, 1000}, {N, 980}, {NN, 960}, {END, 800}};
    static const int32_t wanted[] = {Z, N, NN, Z, N, NN};
    const qw_sampling forced = {
        .top_p = 1, .repetition_penalty = 1, .frequency_penalty = 100, .bias = bias, .n_bias = 4,
    };
    qw_error err;
    static struct answer a;
    qw_session *s = new_session(model, 64);
    qw_chat *c = greedy_chat(s, 0);
    CHECK(qw_session_set_sampling(s, &forced, &err) == 0, "%s", err.message);
    ask(c, "Hi", &a);
    size_t n = qw_n_tokens(s), first = n - sizeof wanted / sizeof *wanted;
    CHECK(memcmp(qw_tokens(s) + first, wanted, sizeof wanted) == 0, "other tokens were drawn");
    CHECK(strcmp(a.text, "Z\n\n\nZ") == 0, "the answer is '%s'", a.text);
    qw_chat_free(c);
    qw_session_free(s);
}

/* What a user writes cannot end a turn; with `special` it can. */
static void control_tokens_are_text(void) {
    qw_error err;
    static const char text[] = "<|im_end|>";
    for (int special = 0; special < 2; special++) {
        qw_session *s = new_session(model, 64);
        qw_chat *c = NULL;
        int ends = 0, rc = qw_chat_new(&c, s, &(qw_chat_params){.special = special}, &err);
        if (!rc) rc = qw_chat_say(c, text, strlen(text), &err);
        CHECK(rc == 0, "%s", err.message);
        for (size_t i = 0; i < qw_n_tokens(s); i++) ends += qw_tokens(s)[i] == 4072;
        CHECK(ends == 1 + special, "%d end tokens with special %d", ends, special);
        qw_chat_free(c);
        qw_session_free(s);
    }
}

/* ---- pinned tokens and bits ---- */

static const int32_t story[] = {554, 572, 258, 446, 442, 307};      /* Once upon a time there was */
enum { N_STORY = sizeof story / sizeof *story, N_DRAWN = 64 };

static void draw(qw_model *m, int n_batch, const qw_sampling *sampling, int32_t out[N_DRAWN]) {
    qw_error err;
    qw_session *s = new_session(m, n_batch);
    int rc = qw_session_set_sampling(s, sampling, &err);
    if (!rc) rc = qw_feed(s, story, N_STORY, &err);
    for (int i = 0; i < N_DRAWN && rc >= 0; i++) rc = qw_next(s, &out[i], &err);
    CHECK(rc >= 0, "%s", err.message);
    qw_session_free(s);
}

static void expect_hash(const char *what, uint64_t got, uint64_t want) {
    CHECK(got == want, "%s: hash 0x%016llX, expected 0x%016llX", what, (unsigned long long)got,
          (unsigned long long)want);
}

static uint64_t hash_ids(const int32_t *ids, int n) {
    uint64_t h = FNV_START;
    for (int i = 0; i < n; i++) {
        const unsigned char b[4] = {(unsigned char)ids[i], (unsigned char)(ids[i] >> 8),
                                    (unsigned char)(ids[i] >> 16), 0};
        h = fnv(h, b, 4);
    }
    return h;
}

/* The same 64 tokens as tests/reference.py draws in float64. */
static void greedy_tokens(void) {
    int32_t ids[N_DRAWN];
    static const int32_t first[] = {258, 507, 688, 986, 750, 286, 2405, 13};
    draw(model, 64, &(qw_sampling){.top_p = 1, .repetition_penalty = 1}, ids);
    for (int i = 0; i < 8; i++)
        CHECK(ids[i] == first[i], "token %d is %d, expected %d", i, ids[i], first[i]);
    expect_hash("64 greedy tokens", hash_ids(ids, N_DRAWN), UINT64_C(0x6B32DBE8D9A94485));
}

static void sampled_tokens(void) {
    int32_t ids[N_DRAWN];
    const qw_sampling plain = {
        .temperature = 0.8f, .top_k = 20, .top_p = 0.95f, .repetition_penalty = 1, .seed = 42};
    const qw_logit_bias bias[] = {{300, 2.5f}, {301, -3}};
    const qw_sampling all = {.temperature = 1.2f,
                             .top_p = 0.98f,
                             .min_p = 0.01f,
                             .presence_penalty = 0.5f,
                             .frequency_penalty = 0.25f,
                             .repetition_penalty = 1.1f,
                             .seed = UINT64_C(0xFFFFFFFFFFFFFFFF),
                             .bias = bias,
                             .n_bias = 2};
    draw(model, 64, &plain, ids);
    expect_hash("64 tokens of seed 42", hash_ids(ids, N_DRAWN), UINT64_C(0x5CF0B0C7B5A8A7DE));
    draw(model, 1, &plain, ids);
    expect_hash("64 tokens of seed 42, batch 1", hash_ids(ids, N_DRAWN),
                UINT64_C(0x5CF0B0C7B5A8A7DE));
    draw(model, 64, &all, ids);
    expect_hash("64 tokens with all settings", hash_ids(ids, N_DRAWN),
                UINT64_C(0x412144F7971695ED));
}

/* Logits of 80 tokens, all positions: an attention tile and a part of another. */
static uint64_t logits_hash(const char *path, const char *type, const char *kv, const char *cpu,
                            int n_threads, int n_batch) {
    enum { N = 80 };
    int32_t ids[N];
    qw_error err;
    qw_model *m = NULL;
    qw_session *s = NULL;
    uint64_t h = FNV_START;
    int rc =
        qw_load(&m, path,
                &(qw_load_params){.weight_type = type, .cpu = cpu, .n_threads = n_threads}, &err);
    if (!rc)
        rc = qw_session_new(&s, m,
                            &(qw_session_params){.n_ctx = N, .n_batch = n_batch, .kv_type = kv},
                            &err);
    size_t v = rc ? 0 : (size_t)qw_info(m)->n_vocab;
    for (int i = 0; !rc && i < N; i++) ids[i] = (i * 1237 + 11) % (v < 4000 ? (int)v : 4000);
    float *out = malloc((size_t)N * v * sizeof *out + 1);
    for (int at = 0; !rc && at < N; at += n_batch) {
        int n = N - at < n_batch ? N - at : n_batch;
        rc = qw_feed(s, ids + at, (size_t)n, &err);
        if (!rc) rc = qw_logits(s, (size_t)at, (size_t)n, out, &err);
        if (!rc) h = fnv_floats(h, out, (size_t)n * v);
    }
    CHECK(rc == 0, "%s: %s", path, err.message);
    free(out);
    qw_session_free(s);
    qw_free(m);
    return h;
}

static void logits_bits(void) {
    /* threads, batch */
    static const int ways[][2] = {{1, 80}, {1, 1}, {2, 64}, {3, 7}, {8, 32}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        expect_hash("logits of models/tiny",
                    logits_hash("models/tiny", "bf16", NULL, NULL, ways[i][0], ways[i][1]),
                    UINT64_C(0xA5B99E463FEAEA0E));
}

/* Quantised while loading, and types of cache: at each level that this CPU has. */
static void typed_bits(void) {
    static const struct {
        const char *type, *kv;
        uint64_t hash;
    } types[] = {{"q8", "q8", UINT64_C(0x4CB176AE085EEBD3)},
                 {"q4", "q8", UINT64_C(0xC2520CB9CA3669C3)},
                 {"q8", "f32", UINT64_C(0x0511F5FFC43B366A)},
                 {"q4", "f32", UINT64_C(0x1AD4728D52B7BF59)},
                 {"bf16", "f16", UINT64_C(0x09A1388528D60D9F)},
                 {"bf16", "q8", UINT64_C(0x93621DA16C6CF4D8)}};
    static const int ways[][2] = {{1, 80}, {1, 1}, {2, 64}, {3, 7}, {8, 16}};
    char list[128], *level = list;
    qw_cpu_levels(list, sizeof list);
    for (char *end; level; level = end ? end + 1 : NULL) {
        if ((end = strchr(level, ' ')) != NULL) *end = 0;
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
                char what[96];
                snprintf(what, sizeof what,
                         "logits as %s, cache %s, level %.20s, %d threads, batch %d", types[t].type,
                         types[t].kv, level, ways[i][0], ways[i][1]);
                expect_hash(what,
                            logits_hash("models/tiny", types[t].type, types[t].kv, level,
                                        ways[i][0], ways[i][1]),
                            types[t].hash);
            }
    }
}

/* Behind a prompt of at most 80 tokens its last logits, n_drawn tokens drawn greedily and as many
 * of a seed. */
static uint64_t answer_hash(qw_model *m, int n_batch, int n_prompt, int n_drawn) {
    const qw_sampling sampling[] = {
        {.top_p = 1, .repetition_penalty = 1},
        {.temperature = 1, .top_k = 40, .top_p = 0.95f, .repetition_penalty = 1, .seed = 7}};
    int32_t ids[80], drawn[N_DRAWN];
    uint64_t h = FNV_START;
    qw_error err;
    qw_session *s = new_session(m, n_batch);
    float *out = malloc((size_t)qw_info(m)->n_vocab * sizeof *out);
    for (int i = 0; i < n_prompt; i++) ids[i] = (i * 1237 + 11) % 4000;
    int rc = qw_feed(s, ids, (size_t)n_prompt, &err);
    if (!rc) rc = qw_logits(s, (size_t)n_prompt - 1, 1, out, &err);
    if (!rc) h = fnv_floats(h, out, (size_t)qw_info(m)->n_vocab);
    for (int k = 0; k < 2 && rc >= 0; k++) {
        rc = qw_session_set_sampling(s, &sampling[k], &err);
        for (int i = 0; i < n_drawn && rc >= 0; i++) rc = qw_next(s, &drawn[i], &err);
        h ^= hash_ids(drawn, n_drawn) + k;
    }
    CHECK(rc >= 0, "%s", err.message);
    free(out);
    qw_session_free(s);
    return h;
}

/* The brief answers are for slow emulators, on which floats take ten times as long as integers; 66
 * tokens are still more than an attention tile. */
static const struct pinned_answer {
    const char *type;
    uint64_t hash;
    int brief_prompt;
    uint64_t brief;
} answers[] = {{"q4", UINT64_C(0x9CF893C0ECF316E6), 66, UINT64_C(0x1E0DAD04F7224CC0)},
               {"q8", UINT64_C(0xA5B8C8F427D19F9E), 66, UINT64_C(0x930D07F03E5BBD62)},
               {"bf16", UINT64_C(0x2502B498543FF9EC), 9, UINT64_C(0xFE98C4A60C1AE5E9)}};

static void check_answers(const struct pinned_answer *want, const char *level, int n_threads,
                          int n_batch) {
    char what[96];
    qw_error err;
    qw_model *m = NULL;
    const qw_load_params p = {.weight_type = want->type, .cpu = level, .n_threads = n_threads};
    int rc = qw_load(&m, want == answers ? packed_q4 : "models/tiny", &p, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc) return;
    snprintf(what, sizeof what, "answer as %s, level %.20s, %d threads, batch %d", want->type,
             level, n_threads, n_batch);
    if (!quick) expect_hash(what, answer_hash(m, n_batch, 80, N_DRAWN), want->hash);
    if (n_threads == 1)
        expect_hash(what, answer_hash(m, n_batch, want->brief_prompt, 6), want->brief);
    qw_free(m);
}

/* The same answer for every number of threads, and of tokens at a time, at each level that this CPU
 * has. Each weight type pairs them in another way. */
static void one_answer(void) {
    static const int threads[] = {1, 2, 3, 8}, batches[] = {64, 512, 16, 1};
    char list[128], *level = list;
    qw_cpu_levels(list, sizeof list);
    for (char *end; level; level = end && !quick ? end + 1 : NULL) {
        if ((end = strchr(level, ' ')) != NULL) *end = 0;
        for (int type = 0; type < 3; type++)
            for (int i = 0; i < (quick ? 1 : 4); i++)
                check_answers(&answers[type], level, threads[i], batches[(type + i) % 4]);
    }
}

/* ---- weights near the subnormals ---- */

static void scale_bf16(unsigned char *p, uint64_t n) {
    for (uint64_t i = 0; i < n; i++, p += 2) {
        uint32_t u = ((uint32_t)p[1] << 8 | p[0]) << 16;
        float f;
        memcpy(&f, &u, 4);
        f *= 1e-20f;
        memcpy(&u, &f, 4);
        u = (u + 0x7FFF + ((u >> 16) & 1)) >> 16;
        p[0] = (unsigned char)u;
        p[1] = (unsigned char)(u >> 8);
    }
}

/* A model with every third row of every matrix, the embedding's among them, times 1e-20. */
static int write_scaled(const char *source, const char *dir, qw_error *err) {
    struct checkpoint c;
    struct file config;
    char path[256];
    int rc = checkpoint_open(&c, source, NULL, err);
    if (rc) return rc;
    unsigned char *copy = malloc((size_t)c.files[0].size);
    memcpy(copy, c.files[0].data, (size_t)c.files[0].size);
    for (uint32_t i = 0; i < c.n_tensors; i++) {
        const struct tensor *t = &c.tensors[i];
        for (uint64_t r = 0; t->n_dims == 2 && r < t->shape[0]; r += 3)
            scale_bf16(copy + (t->data - c.files[0].data) + r * t->shape[1] * 2, t->shape[1]);
    }
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    FILE *f = fopen(path, "wb");
    size_t wrote = f ? fwrite(copy, 1, (size_t)c.files[0].size, f) : 0;
    CHECK(f && fclose(f) == 0 && wrote == c.files[0].size, "cannot write %s", path);
    free(copy);
    checkpoint_close(&c);
    snprintf(path, sizeof path, "%s/config.json", source);
    rc = read_file(&config, path, 1 << 20, err);
    if (rc) return rc;
    snprintf(path, sizeof path, "%s/config.json", dir);
    f = fopen(path, "wb");
    wrote = f ? fwrite(config.data, 1, (size_t)config.size, f) : 0;
    CHECK(f && fclose(f) == 0 && wrote == config.size, "cannot write %s", path);
    file_close(&config);
    return 0;
}

static void check_scaled(const char *source, uint64_t q4, uint64_t bf16) {
    qw_error err;
    char dir[] = "/tmp/qw-scaled-XXXXXX", path[64];
    CHECK(mkdtemp(dir) != NULL, "no temporary directory");
    int rc = write_scaled(source, dir, &err);
    CHECK(rc == 0, "%s", err.message);
    expect_hash("logits with rows scaled by 1e-20, q4", logits_hash(dir, "q4", NULL, NULL, 2, 80),
                q4);
    expect_hash("logits with rows scaled by 1e-20", logits_hash(dir, "bf16", NULL, NULL, 1, 80),
                bf16);
    if (!quick)
        expect_hash("logits with rows scaled by 1e-20, batch 7, 3 threads",
                    logits_hash(dir, "bf16", NULL, NULL, 3, 7), bf16);
    snprintf(path, sizeof path, "%s/config.json", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    unlink(path);
    rmdir(dir);
}

static void tiny_weights(void) {
    check_scaled("tests/fixtures/forward/tied-bf16", UINT64_C(0x1F2C870573DF43AF),
                 UINT64_C(0x7F76EB132AC11A78));
    if (!quick)
        check_scaled("models/tiny", UINT64_C(0xBABD23A28BC6284D), UINT64_C(0x83D8DC916A64B445));
}

int main(int argc, char **argv) {
    qw_error err;
    quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    if (argc > 2) packed_q4 = argv[2];
    if (qw_load(&model, "models/tiny", NULL, &err)) {
        printf("not ok - models/tiny loads: %s\n", err.message);
        return 1;
    }
    if (!quick) {
        RUN("tiny answers directly", direct_answers);
        RUN("tiny remembers earlier turns", memory_of_turns);
        RUN("tiny keeps its thoughts apart", thoughts_apart);
        RUN("tiny drops newlines at the ends of an answer only", newlines_at_ends);
        RUN("tiny takes control tokens in a message as text", control_tokens_are_text);
        RUN("tiny draws the pinned greedy tokens", greedy_tokens);
        RUN("tiny draws the pinned sampled tokens", sampled_tokens);
        RUN("tiny has the pinned logits, however they are cut up", logits_bits);
        RUN("tiny has the pinned logits with each weight type and cache, at every level",
            typed_bits);
    }
    RUN("tiny gives one answer, however it is computed", one_answer);
    RUN("rows scaled by 1e-20 have the pinned logits", tiny_weights);
    qw_free(model);
    TEST_END();
}
