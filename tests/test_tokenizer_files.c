/* test_tokenizer_files.c - tokenizers from several files: added tokens merged and numbered, and
 * what is said where the files contradict each other; vocab.json with merges.txt. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "small_tokenizer.h"
#include "test.h"
#include "text/tokenizer.h"

/* ---- files made here ---- */

/* What there is beside the vocabulary; NULL: no such file. */
struct beside { const char *config, *map, *added; };
static const struct beside no_files;

static struct tokenizer_file text_file(const char *name, const char *text) {
    return (struct tokenizer_file){name, text, text ? strlen(text) : 0};
}

/* Loads the tokenizer of these files: with tokenizer.json, or (slow) with vocab.json and `merges`.
 * NULL: refused, err says why. */
static struct tokenizer *load_files(const struct beside *b, const char *merges, qw_error *err) {
    struct buf main = {0};
    struct tokenizer *t;
    if (merges) put_vocab(&main, more_vocab);
    else put_main(&main);
    buf_char(&main, 0);
    struct tokenizer_files f = {
        .tokenizer = text_file("tokenizer.json", merges ? NULL : main.p),
        .vocab = text_file("vocab.json", merges ? main.p : NULL),
        .merges = text_file("merges.txt", merges),
        .config = text_file("tokenizer_config.json", b->config),
        .special_map = text_file("special_tokens_map.json", b->map),
        .added = text_file("added_tokens.json", b->added),
    };
    int rc = tokenizer_load(&t, &f, err);
    CHECK((rc == 0) == (t != NULL), "code %d", rc);
    buf_free(&main);
    return t;
}

/* ---- merging ---- */

#define NAMES "\"eos_token\":\"<a>\",\"unk_token\":null,\"pad_token\":null"

/* A decoder with the tokens of tokenizer.json and `more`. */
#define DECODER(a_flags, more) "{" NAMES ",\"added_tokens_decoder\":{" \
    "\"258\":{\"content\":\"<a>\"," a_flags "\"special\":true}," \
    "\"259\":{\"content\":\"<b>\",\"normalized\":false}" more "}}"

static const struct merge_case {
    const char *name;
    struct beside files;
    const char *text, *ids;     /* what the ids of the text are */
    const char *special;        /* ids of special tokens */
    const char *warnings;       /* parts of the warnings, separated by newlines; "": none */
} merge_cases[] = {
    {"tokenizer.json alone", {0}, "<a><b><c>", "258 259 60 99 62", "258 260",
     "class Qwen2Tokenizer: added tokens that tokenizer.json lacks: <|endoftext|> (260)"},
    {"an equal decoder", {.config = DECODER("", "")}, "<a> <b>", "258 32 259", "258", ""},
    /* of the same content the id stays, the flags are replaced */
    {"other flags", {.config = DECODER("\"rstrip\":true,", "")}, "<a> <b>", "258 259", "258",
     "tokenizer_config.json: added tokens with other flags than in tokenizer.json: <a> (rstrip)"},
    /* special is never taken back */
    {"no longer special",
     {.config = "{\"eos_token\":null,\"unk_token\":null,\"pad_token\":null,"
                "\"added_tokens_decoder\":{"
                "\"258\":{\"content\":\"<a>\",\"normalized\":false},"
                "\"259\":{\"content\":\"<b>\",\"normalized\":false}}}"},
     "<a>", "258", "258", "<a> (special)"},
    {"one more", {.config = DECODER("", ",\"260\":{\"content\":\"<c>\",\"lstrip\":true}")},
     "x <c>", "120 260", "258", "tokenizer.json lacks: <c> (260)"},
    /* ids in the files are not honoured */
    {"ids with gaps",
     {.config = DECODER("", ",\"400\":{\"content\":\"<c>\"},\"310\":{\"content\":\"<d>\"}")},
     "<c><d>", "261 260", "258",
     "tokenizer.json lacks: <d> (260), <c> (261)\ndo not follow the vocabulary; their ids are: "
     "<d> (260), <c> (261)"},
    {"in the vocabulary", {.config = DECODER("", ",\"300\":{\"content\":\"ab\"}")},
     "cab<c>", "99 256 60 99 62", "258", "lacks: ab (256)\ntheir ids are: ab (256)"},
    {"fewer than in tokenizer.json",
     {.config = "{" NAMES ",\"added_tokens_decoder\":{\"258\":{\"content\":\"<a>\","
                "\"special\":true}}}"},
     "<a><b>", "258 259", "258",
     "not in added_tokens_decoder of tokenizer_config.json: <b>; they are used"},
    {"five more",
     {.config = DECODER("", ",\"260\":{\"content\":\"<c>\"},\"261\":{\"content\":\"<d>\"},"
                            "\"262\":{\"content\":\"<e>\"},\"263\":{\"content\":\"<f>\"},"
                            "\"264\":{\"content\":\"<g>\"}")},
     "<g>", "264", "258", "<c> (260), <d> (261), <e> (262), <f> (263) and 1 more"},
    /* named tokens */
    {"a named token that nobody lists",
     {.config = "{\"eos_token\":\"<e>\",\"unk_token\":null,\"pad_token\":null,"
                "\"additional_special_tokens\":[\"<x>\",\"<a>\"],\"added_tokens_decoder\":{"
                "\"258\":{\"content\":\"<a>\",\"special\":true},"
                "\"259\":{\"content\":\"<b>\",\"normalized\":false}}}"},
     "<e><x>", "260 261", "258 260 261", "lacks: <e> (260), <x> (261)"},
    {"a listed token becomes special by its name",
     {.config = "{\"eos_token\":\"<b>\",\"unk_token\":null,\"pad_token\":null,"
                "\"added_tokens_decoder\":{"
                "\"258\":{\"content\":\"<a>\",\"special\":true},"
                "\"259\":{\"content\":\"<b>\",\"normalized\":false}}}"},
     "<b>", "259", "258 259", ""},
    {"transformers 5's names",
     {.config = "{" NAMES ",\"extra_special_tokens\":{\"image_token\":\"<i>\"}}"}, "<i>", "260",
     "258 260", "lacks: <i> (260)"},
    {"a named token with flags",
     {.config = "{\"eos_token\":{\"content\":\"<e>\",\"lstrip\":true,\"normalized\":false},"
                "\"unk_token\":null,\"pad_token\":null}"},
     "x <e>", "120 260", "258 260", "lacks: <e> (260)"},
    {"another class has no <|endoftext|>",
     {.config = "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}"}, "<a>", "258", "258", ""},
    /* no added_tokens_decoder: added_tokens.json, special_tokens_map.json */
    {"added_tokens.json", {.config = "{" NAMES "}", .added = "{\"<c>\":260,\"<a>\":258}"},
     "<c><a>", "260 258", "258", "added_tokens.json: added tokens that tokenizer.json lacks: <c>"},
    {"special_tokens_map.json has the last word",
     {.config = "{\"eos_token\":\"<c>\",\"unk_token\":null,\"pad_token\":null}",
      .map = "{\"eos_token\":{\"content\":\"<m>\",\"rstrip\":true,\"normalized\":false}}"},
     "<m> <c>", "260 60 99 62", "258 260",
     "special_tokens_map.json: added tokens that tokenizer.json lacks: <m> (260)"},
    {"beside a decoder neither is read",
     {.config = DECODER("", ""), .map = "{\"eos_token\":\"<m>\"}", .added = "{\"<c>\":260}"},
     "<c>", "60 99 62", "258",
     "added_tokens.json: added tokens that are not used, for they are not in "
     "added_tokens_decoder of tokenizer_config.json: <c>"},
    {"beside a decoder that has the same", {.config = DECODER("", ""), .added = "{\"<b>\":300}"},
     "<b>", "259", "258", ""},
    /* listed there, and special by its name: not normalized */
    {"a special token of added_tokens.json",
     {.config = "{\"eos_token\":\"<\xC3\xA9>\",\"unk_token\":null,\"pad_token\":null}",
      .added = "{\"<\xC3\xA9>\":260}"},
     "<\xC3\xA9><e\xCC\x81>", "260 60 195 169 62", "258 260", "lacks: <\xC3\xA9> (260)"},
    {"a listed token that is named stays normalized",
     {.config = "{\"eos_token\":\"<\xC3\xA9>\",\"unk_token\":null,\"pad_token\":null,"
                "\"added_tokens_decoder\":{"
                "\"258\":{\"content\":\"<a>\",\"special\":true},"
                "\"259\":{\"content\":\"<b>\",\"normalized\":false},"
                "\"260\":{\"content\":\"<\xC3\xA9>\"}}}"},
     "<\xC3\xA9><e\xCC\x81>", "260 260", "258 260", "lacks: <\xC3\xA9> (260)"},
    {"a token that is listed and named twice keeps its flags",
     {.config = "{\"eos_token\":\"<b>\",\"pad_token\":{\"content\":\"<b>\",\"lstrip\":true},"
                "\"unk_token\":null,\"added_tokens_decoder\":{"
                "\"258\":{\"content\":\"<a>\",\"special\":true},"
                "\"259\":{\"content\":\"<b>\",\"normalized\":false}}}"},
     "x <b>", "120 32 259", "258 259", ""},
    {"a name does not list a token",
     {.config = "{\"eos_token\":\"<b>\",\"pad_token\":\"<b>\",\"unk_token\":null,"
                "\"added_tokens_decoder\":{\"258\":{\"content\":\"<a>\",\"special\":true}}}"},
     "<b>", "259", "258", ""},
    {"two with one NFC",
     {.config = DECODER("", ",\"260\":{\"content\":\"<e\xCC\x81>\"},"
                            "\"261\":{\"content\":\"<\xC3\xA9>\"}")},
     "<\xC3\xA9><e\xCC\x81>", "260 260", "258", "lacks: <e\xCC\x81> (260), <\xC3\xA9> (261)"},
    {"special tokens stay text",
     {.config = "{" NAMES ",\"split_special_tokens\":true}"}, "<a><b>", "60 97 62 259", "258",
     ""},
};

static bool next_number(const char **p, long *n) {
    char *end;
    *n = strtol(*p, &end, 10);
    if (end == *p) return false;
    *p = end;
    return true;
}

static void check_ids(const struct tokenizer *t, const char *name, const char *text,
                      const char *want) {
    struct ids ids = {0};
    qw_error err = {0};
    long id;
    size_t n = 0;
    int rc = tokenizer_encode(t, text, strlen(text), ADDED_ALL, NULL, &ids, &err);
    CHECK(rc == 0, "%s: %s", name, err.message);
    for (; next_number(&want, &id); n++)
        CHECK(n < ids.n && ids.p[n] == id, "%s: id %zu is %" PRId32 ", not %ld", name, n,
              n < ids.n ? ids.p[n] : -1, id);
    CHECK(n == ids.n, "%s: %zu ids", name, ids.n);
    ids_free(&ids);
}

/* Just these warnings, in this order. */
static void check_warnings(const char *name, const struct tokenizer *t, const char *parts) {
    const struct warnings *w = tokenizer_warnings(t);
    int n = 0;
    while (*parts) {
        char part[256];
        size_t len = strcspn(parts, "\n");
        snprintf(part, sizeof part, "%.*s", (int)len, parts);
        CHECK(n < w->n && strstr(w->list[n], part), "%s: %s", name,
              n < w->n ? w->list[n] : "no warning");
        n++;
        parts += len + (parts[len] == '\n');
    }
    CHECK(w->n == n, "%s: %d warnings: %s", name, w->n, w->n ? w->list[w->n - 1] : "");
}

static void test_merging(void) {
    for (size_t i = 0; i < sizeof merge_cases / sizeof *merge_cases; i++) {
        const struct merge_case *c = &merge_cases[i];
        qw_error err = {0};
        struct tokenizer *t = load_files(&c->files, NULL, &err);
        CHECK(t, "%s: %s", c->name, err.message);
        if (!t) continue;
        check_ids(t, c->name, c->text, c->ids);
        check_warnings(c->name, t, c->warnings);
        const char *special = c->special;
        long id = -1;
        for (int32_t k = 0; k < tokenizer_size(t); k++) {
            if (id < k && !next_number(&special, &id)) id = INT32_MAX;
            CHECK(tokenizer_is_special(t, k) == (k == id), "%s: special %" PRId32, c->name, k);
        }
        tokenizer_close(t);
    }
}

/* Puts a text of the same length in the place of another. */
static void overwrite(struct buf *b, const char *from, const char *to) {
    char *at = strstr(b->p, from);
    CHECK(at && strlen(from) == strlen(to), "%s", from);
    if (at) memcpy(at, to, strlen(to));
}

/* Tokens that the files beside tokenizer.json add come after all that it adds, also if one of those
 * is at the end of a vocabulary that has gaps (Hugging Face's library: add_tokens). */
static void test_gaps(void) {
    static const struct { const char *id, *content, *ids; } cases[] = {
        {"\"abc\":290", "\"content\":\"abc\"", "258 290 291 100 292"},
        {"\"abc\":257", "\"content\":\"abc\"", "258 257 259 100 260"},
        {"\"abc\":290", "\"content\":\"<b>\"", "258 290 259 100 260"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf main = {0};
        qw_error err = {0};
        struct tokenizer *t;
        put_main(&main);
        buf_char(&main, 0);
        overwrite(&main, "\"abc\":257", cases[i].id);
        overwrite(&main, "\"content\":\"<b>\"", cases[i].content);
        struct tokenizer_files f = {
            .tokenizer = text_file("tokenizer.json", main.p),
            .config = text_file("tokenizer_config.json",
                                DECODER("", ",\"290\":{\"content\":\"abc\",\"normalized\":false},"
                                            "\"291\":{\"content\":\"<c>\"}")),
        };
        CHECK(tokenizer_load(&t, &f, &err) == 0, "%s", err.message);
        if (t) check_ids(t, "gaps", "<a>abc<b>d<c>", cases[i].ids);
        tokenizer_close(t);
        buf_free(&main);
    }
}

/* ---- without tokenizer.json ---- */

static void test_slow(void) {
    static const char *const merges[] = {
        "#version: 0.2\na b\nab c\n", "a b\nab c", "#version: 0.2\r\n\r\na b\r\n  ab\tc \r\n\r\n",
    };
    static const struct beside config = {.config = DECODER("\"normalized\":false,", "")};
    for (int i = 0; i < 3; i++) {
        qw_error err = {0};
        struct tokenizer *t = load_files(&config, merges[i], &err);
        CHECK(t, "%d: %s", i, err.message);
        if (!t) continue;
        check_ids(t, "slow", "xabc abe\xCC\x81<a><b><|endoftext|>",
                  "120 257 32 256 195 169 258 259 60 124 101 110 100 111 102 116 101 120 116 124 "
                  "62");
        check_warnings("slow", t, "");
        tokenizer_close(t);
    }
    qw_error err = {0};
    struct tokenizer *t = load_files(&no_files, merges[0], &err);
    CHECK(t, "%s", err.message);
    if (!t) return;
    check_ids(t, "slow", "<a><|endoftext|>", "60 97 62 258");
    check_warnings("nothing beside", t, "no file lists added tokens");
    CHECK(strcmp(tokenizer_name(t), "vocab.json") == 0, "%s", tokenizer_name(t));
    tokenizer_close(t);
}

/* ---- the official files ---- */

#define REAL "tests/fixtures/qwen3-tokenizer/"
#define TINY "models/tiny/"

/* The text of the value whose node is v, an object or an array without brackets in its strings. */
static void put_object(struct buf *out, const char *text, const struct json *j, uint32_t v) {
    const struct json_node *last = &j->nodes[json_end(j, v) - 1];
    buf_put(out, text + j->nodes[v].pos, last->pos + last->len - j->nodes[v].pos);
    buf_char(out, '}');
}

static void put_merges(struct buf *out, const struct json *j, uint32_t merges) {
    buf_str(out, "#version: 0.2\n");
    for (uint32_t k = merges + 1; k < json_end(j, merges); k = json_next(j, k)) {
        json_string(j, k + 1, out);
        buf_char(out, ' ');
        json_string(j, k + 2, out);
        buf_char(out, '\n');
    }
}

/* The same text, with added tokens of all kinds in it, through both. */
static void check_same(const struct tokenizer *a, const struct tokenizer *b) {
    struct file f;
    struct ids ids[2] = {{0}, {0}};
    struct buf text = {0};
    qw_error err = {0};
    int rc = read_file(&f, "tests/fixtures/text/heldout.txt", 1 << 24, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc) return;
    buf_str(&text, "<|im_start|>user\n<think> </think>e\xCC\x81<|endoftext|><tool_call>");
    buf_put(&text, f.data, (size_t)f.size);
    file_close(&f);
    rc = tokenizer_encode(a, text.p, text.n, ADDED_ALL, NULL, &ids[0], &err);
    if (!rc) rc = tokenizer_encode(b, text.p, text.n, ADDED_ALL, NULL, &ids[1], &err);
    CHECK(rc == 0, "%s", err.message);
    CHECK(ids[0].n == ids[1].n && !memcmp(ids[0].p, ids[1].p, ids[0].n * sizeof *ids[0].p),
          "%zu and %zu ids", ids[0].n, ids[1].n);
    CHECK(tokenizer_size(a) == tokenizer_size(b), "sizes");
    ids_free(&ids[0]);
    ids_free(&ids[1]);
    buf_free(&text);
}

/* No warning; and the same from the slow files that say the same. */
static void check_official(const char *main_path, const char *config_path) {
    struct file main = {0}, config = {0};
    struct tokenizer *fast = NULL, *slow = NULL;
    struct buf vocab = {0}, merges = {0};
    struct json j;
    qw_error err = {0};
    int rc = read_file(&main, main_path, 1 << 28, &err);
    if (!rc) rc = read_file(&config, config_path, 1 << 28, &err);
    struct tokenizer_files f = {
        .tokenizer = {main_path, (const char *)main.data, (size_t)main.size},
        .config = {config_path, (const char *)config.data, (size_t)config.size},
    };
    if (!rc) rc = tokenizer_load(&fast, &f, &err);
    if (!rc) rc = json_parse(&j, f.tokenizer.data, f.tokenizer.size, main_path, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc == 0) {
        uint32_t model = json_get(&j, 0, "model");
        put_object(&vocab, j.text, &j, json_get(&j, model, "vocab"));
        put_merges(&merges, &j, json_get(&j, model, "merges"));
        json_free(&j);
        f.tokenizer.data = NULL;
        f.vocab = (struct tokenizer_file){"vocab.json", vocab.p, vocab.n};
        f.merges = (struct tokenizer_file){"merges.txt", merges.p, merges.n};
        rc = tokenizer_load(&slow, &f, &err);
        CHECK(rc == 0, "%s", err.message);
        if (rc == 0) check_same(fast, slow);
    }
    if (fast) check_warnings(main_path, fast, "");
    if (slow) check_warnings(main_path, slow, "");
    tokenizer_close(fast);
    tokenizer_close(slow);
    buf_free(&vocab);
    buf_free(&merges);
    file_close(&main);
    file_close(&config);
}

static void test_official(void) {
    check_official(REAL "tokenizer.json", REAL "tokenizer_config.json");
    check_official(TINY "tokenizer.json", TINY "tokenizer_config.json");
}

/* ---- bad files ---- */

static void test_bad(void) {
    static const struct { struct beside files; const char *merges; const char *reason; } cases[] = {
        {{.config = "{"}, NULL, "tokenizer_config.json: not valid JSON"},
        {{.config = "{\"added_tokens_decoder\":[]}"}, NULL, "decoder is not an object"},
        {{.config = "{\"added_tokens_decoder\":{\"-1\":{\"content\":\"x\"}}}"}, NULL,
         "\"-1\" is no id"},
        {{.config = "{\"added_tokens_decoder\":{\"99999999999\":{\"content\":\"x\"}}}"}, NULL,
         "\"99999999999\" is no id"},
        {{.config = "{\"added_tokens_decoder\":{\"\":{\"content\":\"x\"}}}"}, NULL, "is no id"},
        {{.config = "{\"added_tokens_decoder\":{\"300\":\"x\"}}"}, NULL,
         "token 300 of added_tokens_decoder has no content"},
        {{.config = "{\"added_tokens_decoder\":{\"300\":{\"content\":\"x\",\"lstrip\":0}}}"}, NULL,
         "\"x\": lstrip is 0"},
        {{.config = "{\"eos_token\":5}"}, NULL, "tokenizer_config.json: eos_token has no content"},
        {{.config = "{\"extra_special_tokens\":[\"x\",[]]}"}, NULL,
         "a token of extra_special_tokens has no content"},
        {{.config = "{\"additional_special_tokens\":\"x\"}"}, NULL,
         "additional_special_tokens is not a list"},
        {{.added = "[]"}, NULL, "added_tokens.json: not a JSON object"},
        {{.added = "{\"x\":\"y\"}"}, NULL, "the id of added token \"x\" is \"y\""},
        {{.added = "{\"x\":-1}"}, NULL, "the id of added token \"x\" is -1"},
        {{.map = "{\"eos_token\":[]}"}, NULL, "special_tokens_map.json: eos_token has no content"},
        {{0}, "a b\nab\n", "merges.txt: line 2: not a pair"},
        {{0}, "a b c\n", "merges.txt: line 1: not a pair"},
        {{0}, "#version: 1\na q\n", "merges.txt: line 2: their concatenation is not"},
        {{0}, "a b\n#version: 1\n", "merges.txt: line 2: the first is not"},
        {{0}, "\xFF \xFE\n", "merges.txt: not valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qw_error err = {0};
        struct tokenizer *t = load_files(&cases[i].files, cases[i].merges, &err);
        CHECK(!t && err.code == QW_EFORMAT && strstr(err.message, cases[i].reason),
              "case %zu: %d: %s", i, err.code, err.message);
        tokenizer_close(t);
    }
    struct tokenizer_files none = {.tokenizer = {"dir/tokenizer.json", NULL, 0}};
    struct tokenizer *t;
    qw_error err = {0};
    CHECK(tokenizer_load(&t, &none, &err) == QW_EIO && !t &&
              strstr(err.message, "dir/tokenizer.json is missing"),
          "%s", err.message);
}

/* ---- masks: what a user says stays text, also where tokens strip or are normalized ---- */

static void test_masked(void) {
    static const struct beside files = {
        .config = "{" NAMES ",\"added_tokens_decoder\":{"
                  "\"258\":{\"content\":\"<a>\",\"special\":true},"
                  "\"259\":{\"content\":\"<b>\",\"normalized\":true},"
                  "\"260\":{\"content\":\"<\xC3\xA9>\",\"normalized\":true},"
                  "\"261\":{\"content\":\"<l>\",\"lstrip\":true,\"rstrip\":true},"
                  "\"262\":{\"content\":\"<w>\",\"single_word\":true}}}"};
    static const struct { const char *text, *mask, *ids; } cases[] = {
        {"<b><b>", "111000", "259 60 98 62"},
        {"<b><b>", "111011", "259 60 98 62"},
        {"<b><b>", "111111", "259 259"},
        /* in either form of NFC, but only if all of it is marked */
        {"<\xC3\xA9><e\xCC\x81>", "111111111", "260 260"},
        {"<\xC3\xA9><e\xCC\x81>", "111111110", "260 60 195 169 62"},
        {"<e\xCC\x81>", "10111", "60 195 169 62"},
        {"<e\xCC\x81>", "11011", "60 195 169 62"},
        {"<b>e\xCC\x81<b>", "111111111", "259 195 169 259"},
        {"<b>e\xCC\x81<b>", "000000111", "60 98 62 195 169 259"},
        {"<b>e\xCC\x81<b>", "111000000", "259 195 169 60 98 62"},
        /* white space goes along, marked or not, as it does in the whole text */
        {"x <l> y", "0011100", "120 261 121"},
        {"x <l> y", "0000000", "120 32 60 108 62 32 121"},
        {"x<w>", "1111", "120 60 119 62"},
        {".<w>", "0111", "46 262"},
    };
    qw_error err = {0};
    struct tokenizer *t = load_files(&files, NULL, &err);
    CHECK(t, "%s", err.message);
    for (size_t i = 0; t && i < sizeof cases / sizeof *cases; i++) {
        unsigned char mask[32];
        struct ids ids = {0};
        size_t n = strlen(cases[i].text), at = 0;
        const char *want = cases[i].ids;
        long id;
        CHECK(strlen(cases[i].mask) == n, "case %zu", i);
        for (size_t k = 0; k < n; k++) mask[k] = cases[i].mask[k] == '1';
        int rc = tokenizer_encode(t, cases[i].text, n, ADDED_MASKED, mask, &ids, &err);
        CHECK(rc == 0, "case %zu: %s", i, err.message);
        for (; next_number(&want, &id); at++)
            CHECK(at < ids.n && ids.p[at] == id, "case %zu: %zu, not %ld", i, at, id);
        CHECK(at == ids.n, "case %zu: %zu ids", i, ids.n);
        ids_free(&ids);
    }
    tokenizer_close(t);
}

/* White space that each of many tokens takes along is not searched by each of them. */
static void test_long(void) {
    static const struct beside files = {
        .config = "{" NAMES ",\"added_tokens_decoder\":{"
                  "\"258\":{\"content\":\"<a>\",\"special\":true,\"lstrip\":true},"
                  "\"259\":{\"content\":\"\\n\",\"lstrip\":true,\"rstrip\":true},"
                  "\"260\":{\"content\":\"\\t\",\"rstrip\":true,\"normalized\":false},"
                  "\"261\":{\"content\":\"\xE2\x80\xA8\",\"single_word\":true}}}"};
    static const char *const units[] = {"\n", "\t", "\n\t", " ", "\xE2\x80\xA8", " <a>",
                                        "\xCC\x81"};
    enum { N = 1 << 20 };
    qw_error err = {0};
    struct tokenizer *t = load_files(&files, NULL, &err);
    char *text = malloc(N);
    CHECK(t && text, "%s", err.message);
    for (size_t u = 0; t && text && u < sizeof units / sizeof *units; u++) {
        size_t len = strlen(units[u]), n = N / len * len;
        struct ids ids = {0};
        for (size_t i = 0; i < n; i++) text[i] = units[u][i % len];
        clock_t start = clock();
        CHECK(tokenizer_encode(t, text, n, ADDED_ALL, NULL, &ids, &err) == 0, "%s", err.message);
        double took = (double)(clock() - start) / CLOCKS_PER_SEC;
        CHECK(took < 10, "a megabyte of unit %zu took %.1f s", u, took);
        ids_free(&ids);
    }
    free(text);
    tokenizer_close(t);
}

int main(void) {
    RUN("tokenizer files: added tokens merged and numbered", test_merging);
    RUN("tokenizer files: a vocabulary with gaps", test_gaps);
    RUN("tokenizer files: vocab.json and merges.txt", test_slow);
    RUN("tokenizer files: the official ones", test_official);
    RUN("tokenizer files: masks", test_masked);
    RUN("tokenizer files: long white space", test_long);
    RUN("tokenizer files: bad ones", test_bad);
    TEST_END();
}
