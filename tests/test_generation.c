/* test_generation.c - generation_config.json: each setting's value, what is said of those that are
 * out of range or not honoured, and what a model and its conversations do with them. */
#include "engine/session.h"
#include "model/generation.h"
#include "sample/sampler.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the file ---- */

static struct generation parse(const char *text, struct warnings *w) {
    struct generation g;
    qw_error err = {0, ""};
    int rc = generation_parse(&g, text, strlen(text), "F", w, &err);
    CHECK(rc == 0, "%s: %s", text, err.message);
    return g;
}

/* The warnings of a text, with newlines between. */
static const char *said(const char *text) {
    static char all[4096];
    struct warnings w = {.n = 0};
    struct generation g = parse(text, &w);
    all[0] = 0;
    for (int i = 0; i < w.n; i++) {
        strcat(all, w.list[i]);
        strcat(all, "\n");
    }
    warnings_free(&w);
    generation_free(&g);
    return all;
}

static void test_official(void) {
    static const char *const files[] = {
        "{\"bos_token_id\": 151643, \"do_sample\": true, \"eos_token_id\": [151645, 151643],"
        "\"pad_token_id\": 151643, \"temperature\": 0.6, \"top_k\": 20, \"top_p\": 0.95,"
        "\"transformers_version\": \"4.51.0\"}",
        "{\"bos_token_id\": 151643, \"do_sample\": false, \"eos_token_id\": 151643,"
        "\"max_new_tokens\": 2048, \"transformers_version\": \"4.51.0\"}",
        "{\"bos_token_id\": 151643, \"do_sample\": true, \"eos_token_id\": [151645, 151643],"
        "\"pad_token_id\": 151643, \"temperature\": 0.7, \"top_k\": 20, \"top_p\": 0.8,"
        "\"transformers_version\": \"4.51.0\"}",
        "{}",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        CHECK(said(files[i])[0] == 0, "%s: %s", files[i], said(files[i]));
}

#define TOLD "out of range or of the wrong type, so off: "

/* One number of a file: its name in struct generation, what it is, and the warning. */
static void test_numbers(void) {
    static const struct { const char *text, *what; double want; const char *warning; } cases[] = {
        /* transformers' defaults for what is absent or null */
        {"{}", "do_sample", 0, ""},
        {"{}", "temperature", 1, ""},
        {"{\"temperature\": null}", "temperature", 1, ""},
        {"{}", "top_k", 50, ""},
        {"{\"top_k\": null}", "top_k", 50, ""},
        {"{}", "top_p", 1, ""},
        {"{}", "min_p", 0, ""},
        {"{}", "repetition", 1, ""},
        {"{}", "max_new_tokens", 0, ""},
        /* as they are */
        {"{\"do_sample\": true, \"temperature\": 0.3}", "temperature", 0.3, ""},
        {"{\"do_sample\": true, \"temperature\": 1.5}", "temperature", 1.5, ""},
        {"{\"do_sample\": true, \"temperature\": 0}", "temperature", 0, ""},
        {"{\"do_sample\": true, \"top_k\": 0}", "top_k", 0, ""},
        {"{\"do_sample\": true, \"top_k\": 10000000000}", "top_k", INT32_MAX, ""},
        {"{\"do_sample\": true, \"min_p\": 0.1}", "min_p", 0.1, ""},
        {"{\"repetition_penalty\": 1.05}", "repetition", 1.05, ""},
        {"{\"repetition_penalty\": 2}", "repetition", 2, ""},
        {"{\"presence_penalty\": 1.5}", "presence", 1.5, ""},
        {"{\"frequency_penalty\": -0.5}", "frequency", -0.5, ""},
        {"{\"max_new_tokens\": 2048}", "max_new_tokens", 2048, ""},
        {"{\"max_new_tokens\": 99999999999}", "max_new_tokens", INT32_MAX, ""},
        /* out of range */
        {"{\"do_sample\": true, \"top_k\": -1}", "top_k", 0, "F: " TOLD "top_k -1\n"},
        {"{\"do_sample\": true, \"top_k\": 2.5}", "top_k", 0, "F: " TOLD "top_k 2.5\n"},
        {"{\"do_sample\": true, \"top_p\": 1.2}", "top_p", 1, "F: " TOLD "top_p 1.2\n"},
        {"{\"do_sample\": true, \"top_p\": -0.1}", "top_p", 1, "F: " TOLD "top_p -0.1\n"},
        {"{\"do_sample\": true, \"min_p\": 1.5}", "min_p", 0, "F: " TOLD "min_p 1.5\n"},
        {"{\"do_sample\": true, \"temperature\": -1}", "temperature", 1,
         "F: " TOLD "temperature -1\n"},
        {"{\"do_sample\": true, \"temperature\": \"hot\"}", "temperature", 1,
         "F: " TOLD "temperature\n"},
        {"{\"do_sample\": 1}", "do_sample", 0, "F: " TOLD "do_sample 1\n"},
        {"{\"repetition_penalty\": 0}", "repetition", 1, "F: " TOLD "repetition_penalty 0\n"},
        {"{\"presence_penalty\": 1e9}", "presence", 0, "F: " TOLD "presence_penalty 1e9\n"},
        {"{\"frequency_penalty\": true}", "frequency", 0, "F: " TOLD "frequency_penalty true\n"},
        {"{\"max_new_tokens\": 0}", "max_new_tokens", 0, "F: " TOLD "max_new_tokens 0\n"},
        {"{\"do_sample\": true, \"top_p\": 2, \"top_k\": -1, \"min_p\": -1}", "top_k", 0,
         "F: " TOLD "top_k -1, top_p 2, min_p -1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct generation g = parse(cases[i].text, NULL);
        const struct { const char *name; double v; } values[] = {
            {"do_sample", g.do_sample}, {"temperature", g.temperature}, {"top_k", g.top_k},
            {"top_p", g.top_p}, {"min_p", g.min_p}, {"repetition", g.repetition_penalty},
            {"presence", g.presence_penalty}, {"frequency", g.frequency_penalty},
            {"max_new_tokens", g.max_new_tokens},
        };
        bool found = false;
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            if (strcmp(values[k].name, cases[i].what) != 0) continue;
            found = true;
            CHECK(values[k].v == cases[i].want, "%s: %g", cases[i].text, values[k].v);
        }
        CHECK(found, "%s", cases[i].what);
        CHECK(strcmp(said(cases[i].text), cases[i].warning) == 0, "%s: %s", cases[i].text,
              said(cases[i].text));
        generation_free(&g);
    }
}

/* The ids as "1 2 3". */
static const char *list(const int32_t *ids, size_t n) {
    static char out[256];
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < n && at < sizeof out - 16; i++)
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%d", i ? " " : "", ids[i]);
    return out;
}

static void test_lists(void) {
    static const struct { const char *text, *suppress, *begin, *eos, *warning; } cases[] = {
        {"{\"suppress_tokens\": [9, 3, 3, 100, 7]}", "3 7 9", "", "", ""},
        {"{\"suppress_tokens\": []}", "", "", "", ""},
        {"{\"suppress_tokens\": [1, -1, \"x\"]}", "1", "", "", "F: " TOLD "suppress_tokens\n"},
        {"{\"suppress_tokens\": [1, 4294967298]}", "1", "", "", "F: " TOLD "suppress_tokens\n"},
        {"{\"bad_words_ids\": [[4294967298]]}", "", "", "", "F: " TOLD "bad_words_ids\n"},
        {"{\"suppress_tokens\": {}}", "", "", "", "F: " TOLD "suppress_tokens\n"},
        {"{\"begin_suppress_tokens\": [5, 200, 4]}", "", "4 5", "", ""},
        {"{\"eos_token_id\": 5}", "", "", "5", ""},
        {"{\"eos_token_id\": [5, 6, 5]}", "", "", "5 6", ""},
        {"{\"eos_token_id\": [[5]]}", "", "", "", "F: " TOLD "eos_token_id\n"},
        /* transformers drops an end token here, and the last id of several is forbidden only
         * after the others */
        {"{\"bad_words_ids\": [[8], [2], [5]], \"eos_token_id\": 5}", "2 8", "", "5", ""},
        {"{\"bad_words_ids\": [[8], [2, 3]]}", "8", "", "",
         "F: not honoured: bad_words_ids of several tokens\n"},
        {"{\"bad_words_ids\": [[8], []]}", "8", "", "", "F: " TOLD "bad_words_ids\n"},
        {"{\"bad_words_ids\": [8]}", "", "", "", "F: " TOLD "bad_words_ids\n"},
        {"{\"bad_words_ids\": [[1], [\"x\"]]}", "1", "", "", "F: " TOLD "bad_words_ids\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        struct generation g = parse(text, NULL);
        generation_keep_ids(&g, 100);
        const char *found = list(g.suppress.p, g.suppress.n);
        CHECK(strcmp(found, cases[i].suppress) == 0, "%s: suppressed: %s", text, found);
        found = list(g.begin_suppress.p, g.begin_suppress.n);
        CHECK(strcmp(found, cases[i].begin) == 0, "%s: not first: %s", text, found);
        found = list(g.eos, (size_t)g.n_eos);
        CHECK(strcmp(found, cases[i].eos) == 0, "%s: end tokens: %s", text, found);
        CHECK(strcmp(said(text), cases[i].warning) == 0, "%s: %s", text, said(text));
        generation_free(&g);
    }
}

static void test_stop_strings(void) {
    static const struct { const char *text; int n; const char *last, *warning; } cases[] = {
        {"{\"stop_strings\": \"END\"}", 1, "END", ""},
        {"{\"stop_strings\": [\"a\", \"\\n\\u00e9\"]}", 2, "\n\xC3\xA9", ""},
        {"{\"stop_strings\": null}", 0, "", ""},
        {"{\"stop_strings\": []}", 0, "", ""},
        {"{\"stop_strings\": [\"a\", \"\", 3]}", 1, "a", "F: " TOLD "stop_strings\n"},
        {"{\"stop_strings\": [\"a\\u0000b\"]}", 0, "", "F: " TOLD "stop_strings\n"},
        {"{\"stop_strings\": 4}", 0, "", "F: " TOLD "stop_strings 4\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct generation g = parse(cases[i].text, NULL);
        CHECK(g.n_stop == cases[i].n, "%s: %d", cases[i].text, g.n_stop);
        if (g.n_stop && g.n_stop == cases[i].n)
            CHECK(strcmp(g.stop[g.n_stop - 1], cases[i].last) == 0, "%s: %s", cases[i].text,
                  g.stop[g.n_stop - 1]);
        CHECK(strcmp(said(cases[i].text), cases[i].warning) == 0, "%s: %s", cases[i].text,
              said(cases[i].text));
        generation_free(&g);
    }
}

static void test_not_honoured(void) {
    static const struct { const char *text, *warning; } cases[] = {
        {"{\"num_beams\": 4}", "F: not honoured: num_beams 4\n"},
        {"{\"num_beams\": 1, \"no_repeat_ngram_size\": 0, \"min_length\": 0, \"typical_p\": 1.0,"
         "\"guidance_scale\": 1, \"sequence_bias\": null, \"token_healing\": false,"
         "\"force_words_ids\": [], \"max_length\": 20, \"num_return_sequences\": 1}", ""},
        {"{\"sequence_bias\": [[[3], 2.0]]}", "F: not honoured: sequence_bias\n"},
        {"{\"token_healing\": true}", "F: not honoured: token_healing true\n"},
        {"{\"max_length\": 32768}", "F: not honoured: max_length 32768\n"},
        {"{\"max_length\": 32768, \"max_new_tokens\": 100}", ""},
        {"{\"forced_eos_token_id\": 0}", "F: not honoured: forced_eos_token_id 0\n"},
        {"{\"num_beams\": 2, \"min_length\": 1, \"min_new_tokens\": 1, \"typical_p\": 0.5,"
         "\"no_repeat_ngram_size\": 2, \"penalty_alpha\": 1, \"max_time\": 2, \"top_h\": 0.4}",
         "F: not honoured: no_repeat_ngram_size 2, min_length 1, min_new_tokens 1, num_beams 2 "
         "and 4 more\n"},
        {"{\"temperature\": 0.6, \"top_k\": 20}",
         "F: without do_sample the likeliest token is taken, whatever these say: temperature 0.6, "
         "top_k 20\n"},
        {"{\"top_p\": 0.9, \"min_p\": 0.1}",
         "F: without do_sample the likeliest token is taken, whatever these say: top_p 0.9, min_p "
         "0.1\n"},
        {"{\"temperature\": 1.0, \"top_k\": 50, \"top_p\": 1, \"min_p\": 0}", ""},
        {"{\"transformers_version\": \"5.0\", \"use_cache\": true, \"future\": {\"a\": [1]}}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(strcmp(said(cases[i].text), cases[i].warning) == 0, "%s: %s", cases[i].text,
              said(cases[i].text));
}

/* Each of them, with a value that changes the tokens in transformers and one that does not. */
static void test_each_not_honoured(void) {
    static const struct { const char *key, *changes, *neutral; } keys[] = {
        {"sequence_bias", "[[[1], 2]]", "[]"}, {"no_repeat_ngram_size", "3", "0"},
        {"min_length", "5", "0"}, {"min_new_tokens", "5", "0"},
        {"forced_bos_token_id", "1", "null"}, {"forced_eos_token_id", "[1]", "null"},
        {"forced_decoder_ids", "[[1, 2]]", "null"}, {"num_beams", "2", "1"},
        {"num_beam_groups", "2", "1"}, {"diversity_penalty", "0.5", "0.0"},
        {"penalty_alpha", "0.6", "0"}, {"constraints", "[1]", "null"},
        {"force_words_ids", "[[1]]", "[]"}, {"guidance_scale", "1.5", "1"},
        {"encoder_repetition_penalty", "1.2", "1.0"}, {"encoder_no_repeat_ngram_size", "3", "0"},
        {"exponential_decay_length_penalty", "[5, 1.1]", "null"},
        {"watermarking_config", "{\"bias\": 2}", "{}"}, {"dola_layers", "\"low\"", "null"},
        {"token_healing", "true", "false"}, {"num_return_sequences", "2", "1"},
        {"max_time", "1", "null"}, {"top_h", "0.4", "null"}, {"typical_p", "0.9", "1.0"},
        {"epsilon_cutoff", "0.1", "0.0"}, {"eta_cutoff", "0.1", "0.0"},
        {"max_length", "100", "20"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char text[128], warning[128];
        snprintf(warning, sizeof warning, "F: not honoured: %s", keys[i].key);
        snprintf(text, sizeof text, "{\"%s\": %s}", keys[i].key, keys[i].changes);
        CHECK(strncmp(said(text), warning, strlen(warning)) == 0, "%s: %s", text, said(text));
        snprintf(text, sizeof text, "{\"%s\": %s}", keys[i].key, keys[i].neutral);
        CHECK(said(text)[0] == 0, "%s: %s", text, said(text));
    }
}

/* ---- the sampler ---- */

enum { VOCAB = 6 };

static void test_suppress(void) {
    static const int32_t tokens[] = {1, 1}, never[] = {1, 4}, first[] = {2};
    static const float likes[VOCAB] = {0, 9, 8, 7, 6, 5};
    qw_sampling set = {.top_p = 1, .repetition_penalty = 1, .bias = &(qw_logit_bias){1, 1000},
                       .n_bias = 1, .suppress = never, .n_suppress = 2,
                       .begin_suppress = first, .n_begin_suppress = 1};
    struct sampler *s;
    qw_error err = {0, ""};
    for (int k = 0; k < 2; k++) {
        set.temperature = k ? 1e-3f : 0;
        CHECK(sampler_new(&s, &set, VOCAB, &err) == 0, "%s", err.message);
        float logits[VOCAB];
        memcpy(logits, likes, sizeof logits);
        int32_t id = sampler_draw(s, logits, tokens, 2, 2);
        CHECK(id == 3, "the first: %d", id);
        CHECK(logits[1] == -INFINITY && logits[4] == -INFINITY && logits[2] == -INFINITY &&
                  logits[3] == 7, "the logits, a bias included");
        memcpy(logits, likes, sizeof logits);
        id = sampler_draw(s, logits, tokens, 2, 1);
        CHECK(id == 2, "the second: %d", id);
        sampler_free(s);
    }
    static const int32_t all[VOCAB] = {0, 1, 2, 3, 4, 5};
    set = (qw_sampling){.temperature = 1, .top_p = 1, .repetition_penalty = 1, .suppress = all,
                        .n_suppress = VOCAB};
    CHECK(sampler_new(&s, &set, VOCAB, &err) == 0, "%s", err.message);
    float logits[VOCAB] = {0};
    int32_t id = sampler_draw(s, logits, NULL, 0, 0);
    CHECK(id >= 0 && id < VOCAB, "with nothing left: %d", id);
    sampler_free(s);
    set.suppress = &(int32_t){VOCAB};
    set.n_suppress = 1;
    CHECK(sampler_new(&s, &set, VOCAB, &err) == QW_EARG && strstr(err.message, "token 6"), "%s",
          err.message);
    set.n_suppress = -1;
    CHECK(sampler_new(&s, &set, VOCAB, &err) == QW_EARG, "%s", err.message);
}

/* ---- a model ---- */

static char dir[] = "/tmp/qw-generation-XXXXXX";

/* models/tiny with another generation_config.json; NULL: none. */
static qw_model *load(const char *generation) {
    static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json",
                                        "tokenizer_config.json"};
    char from[512], to[512], here[256];
    qw_model *m = NULL;
    qw_error err = {0, ""};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!getcwd(here, sizeof here)) return NULL;
        snprintf(from, sizeof from, "%s/models/tiny/%s", here, files[i]);
        snprintf(to, sizeof to, "%s/%s", dir, files[i]);
        unlink(to);
        CHECK(symlink(from, to) == 0, "%s", to);
    }
    snprintf(to, sizeof to, "%s/generation_config.json", dir);
    unlink(to);
    FILE *f = generation ? fopen(to, "w") : NULL;
    if (f) {
        fputs(generation, f);
        fclose(f);
    }
    CHECK(qw_load(&m, dir, NULL, &err) == 0, "%s", err.message);
    return m;
}

static void clean_up(void) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0) fprintf(stderr, "%s remains\n", dir);
}

static void test_warnings(void) {
    static const struct { const char *text, *warning; } cases[] = {
        {NULL, NULL},
        {"{\"eos_token_id\": [4072, 4070]}", NULL},
        {"{\"eos_token_id\": 4070}", "answers end at token 4072 of config.json, too, which "
                                     "generation_config.json does not name"},
        {"{}", "answers end at token 4072 of config.json, too"},
        {"{\"eos_token_id\": 4072, \"do_sample\": true, \"top_k\": -1}", "top_k -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qw_model *m = load(cases[i].text);
        if (!m) continue;
        const qw_model_info *info = qw_info(m);
        CHECK(info->n_warnings == (cases[i].warning ? 1 : 0), "case %zu: %d", i, info->n_warnings);
        if (cases[i].warning && info->n_warnings)
            CHECK(strstr(info->warnings[0], cases[i].warning), "%s", info->warnings[0]);
        CHECK(info->n_eos >= 1 && info->eos[0] == 4072, "config.json's end token stays");
        qw_free(m);
    }
}

/* No more end tokens than there is room for, and a word about it. */
static void test_end_tokens(void) {
    for (int n = MAX_EOS; n <= MAX_EOS + 1; n++) {
        char text[512] = "{\"eos_token_id\": [4072";
        for (int i = 1; i < n; i++) sprintf(text + strlen(text), ", %d", i);
        qw_model *m = load(strcat(text, ", 4072]}"));
        if (!m) continue;
        const qw_model_info *info = qw_info(m);
        CHECK(info->n_eos == MAX_EOS && info->n_warnings == n - MAX_EOS, "%d: %d, %d", n,
              info->n_eos, info->n_warnings);
        if (info->n_warnings)
            CHECK(strstr(info->warnings[0], "more than 32 end tokens"), "%s", info->warnings[0]);
        qw_free(m);
    }
}

/* The token that is the k-th likeliest after some others. */
static int32_t ranked(qw_session *s, int k) {
    const int n = qw_info(s->m)->n_vocab;
    float *logits = malloc((size_t)n * sizeof *logits);
    int32_t id = 0;
    qw_error err = {0, ""};
    CHECK(logits && qw_logits(s, qw_n_tokens(s) - 1, 1, logits, &err) == 0, "%s", err.message);
    for (; logits && k >= 0; k--) {
        id = 0;
        for (int i = 1; i < n; i++)
            if (logits[i] > logits[id]) id = i;
        logits[id] = -INFINITY;
    }
    free(logits);
    return id;
}

static qw_session *fed(qw_model *m) {
    static const int32_t ids[] = {100, 200, 300};
    qw_session *s = NULL;
    qw_error err = {0, ""};
    CHECK(qw_session_new(&s, m, NULL, &err) == 0 && qw_feed(s, ids, 3, &err) == 0, "%s",
          err.message);
    return s;
}

/* Tokens that are suppressed, or suppressed first: the next one in rank comes. */
static void test_tokens(void) {
    char text[256];
    int32_t best, second, id;
    qw_model *m = load("{\"eos_token_id\": 4072}");
    if (!m) return;
    qw_session *s = fed(m);
    best = ranked(s, 0);
    second = ranked(s, 1);
    CHECK(qw_next(s, &id, NULL) == 1 && id == best, "%d", id);
    qw_session_free(s);
    qw_free(m);
    static const char *const keys[] = {"\"suppress_tokens\": [%d, 99999]",
                                       "\"bad_words_ids\": [[%d]]",
                                       "\"begin_suppress_tokens\": [%d]"};
    for (int k = 0; k < 3; k++) {
        snprintf(text, sizeof text, keys[k], best);
        snprintf(text + strlen(text), sizeof text - strlen(text), ", \"eos_token_id\": 4072}");
        memmove(text + 1, text, strlen(text) + 1);
        text[0] = '{';
        if (!(m = load(text))) continue;
        const qw_sampling set = qw_default_sampling(m, 0);
        CHECK(set.n_suppress + set.n_begin_suppress == 1 && set.temperature == 0, "%s", text);
        s = fed(m);
        CHECK(qw_next(s, &id, NULL) == 1 && id == second, "%s: %d, not %d", text, id, second);
        /* the same tokens, but not first */
        CHECK(qw_rewind(s, 2, NULL) == 0 && qw_feed(s, &(int32_t){300}, 1, NULL) == 0, "back");
        s->drawn = 0;
        CHECK(qw_next(s, &id, NULL) == 1 && id == (k == 2 ? best : second), "%s: %d", text, id);
        qw_session_free(s);
        qw_free(m);
    }
}

/* ---- conversations ---- */

/* An answer as text; *stop is why it ended. */
static void answer(qw_model *m, const qw_chat_params *p, char out[4096], size_t *tokens,
                   enum qw_stop *stop) {
    qw_session *s = NULL;
    qw_chat *c = NULL;
    qw_piece piece;
    qw_error err = {0, ""};
    size_t n = 0;
    CHECK(qw_session_new(&s, m, NULL, &err) == 0 && qw_chat_new(&c, s, p, &err) == 0, "%s",
          err.message);
    CHECK(qw_chat_say(c, "Tell me a story.", 16, &err) == 0, "%s", err.message);
    while (qw_chat_next(c, &piece, stop, &err) == 1 && n + piece.n < 4096) {
        memcpy(out + n, piece.text, piece.n);
        n += piece.n;
    }
    out[n] = 0;
    *tokens = qw_chat_usage(c).completion_tokens;
    qw_chat_free(c);
    qw_session_free(s);
}

#define CHAT(...) &(qw_chat_params){__VA_ARGS__}

static void test_limits(void) {
    static char whole[4096], text[4096];
    size_t all, n;
    enum qw_stop stop;
    qw_model *m = load("{\"eos_token_id\": 4072, \"max_new_tokens\": 7}");
    if (!m) return;
    CHECK(qw_info(m)->max_new_tokens == 7, "%d", qw_info(m)->max_new_tokens);
    answer(m, CHAT(.max_tokens = -1), whole, &all, &stop);
    CHECK(all > 20 && stop == QW_STOP_END, "no limit: %zu tokens, %d", all, stop);
    answer(m, CHAT(.max_tokens = 0), text, &n, &stop);
    CHECK(n == 7 && stop == QW_STOP_LENGTH, "the model's limit: %zu tokens, %d", n, stop);
    answer(m, CHAT(.max_tokens = 12), text, &n, &stop);
    CHECK(n == 12 && stop == QW_STOP_LENGTH, "the caller's limit: %zu tokens, %d", n, stop);
    qw_free(m);
}

static void test_stops(void) {
    static char whole[4096], text[4096];
    static const char *const mine[] = {"time"};
    size_t n;
    enum qw_stop stop;
    qw_model *m = load("{\"eos_token_id\": 4072}");
    if (!m) return;
    answer(m, CHAT(.thinking = 0), whole, &n, &stop);
    qw_free(m);
    const char *comma = strstr(whole, ","), *time = strstr(whole, "time");
    CHECK(comma && time && time < comma, "the answer: %s", whole);
    m = load("{\"eos_token_id\": 4072, \"stop_strings\": [\"QQ\", \",\"]}");
    if (!m || !comma || !time) return;
    CHECK(qw_info(m)->n_stop == 2 && strcmp(qw_info(m)->stop[1], ",") == 0, "its stop texts");
    answer(m, CHAT(.thinking = 0), text, &n, &stop);
    CHECK(stop == QW_STOP_TEXT && strlen(text) == (size_t)(comma - whole), "%s", text);
    answer(m, CHAT(.thinking = 0, .stop = mine, .n_stop = 1), text, &n, &stop);
    CHECK(stop == QW_STOP_TEXT && strlen(text) == (size_t)(time - whole), "%s", text);
    static const char *const later[] = {"no such text"};
    answer(m, CHAT(.thinking = 0, .stop = later, .n_stop = 1), text, &n, &stop);
    CHECK(stop == QW_STOP_TEXT && strlen(text) == (size_t)(comma - whole), "both: %s", text);
    qw_free(m);
}

int main(void) {
    if (!mkdtemp(dir)) return 1;
    atexit(clean_up);
    RUN("generation: official files say nothing", test_official);
    RUN("generation: numbers", test_numbers);
    RUN("generation: token ids", test_lists);
    RUN("generation: stop strings", test_stop_strings);
    RUN("generation: settings that are not honoured", test_not_honoured);
    RUN("generation: each of those settings", test_each_not_honoured);
    RUN("generation: suppressed tokens in the sampler", test_suppress);
    RUN("generation: warnings of a model", test_warnings);
    RUN("generation: many end tokens", test_end_tokens);
    RUN("generation: suppressed tokens of a model", test_tokens);
    RUN("generation: max_new_tokens", test_limits);
    RUN("generation: stop strings of a model", test_stops);
    TEST_END();
}
