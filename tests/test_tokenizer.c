/* test_tokenizer.c - the tokenizer against Hugging Face's ids, a naive BPE, and damaged files.
 * Runs in the project's root. `quick`, for sanitizers: fewer code points by themselves, fewer
 * random tokenizers. `added FILE`: only the texts of another output of tools/tokenizer-goldens.mjs
 * than the one in fixtures. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "test.h"
#include "text/pretokenize.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

#define REAL "tests/fixtures/qwen3-tokenizer/tokenizer.json"
#define GOLDEN "tests/fixtures/qwen3-tokenizer/golden.tsv"
#define TINY "models/tiny/tokenizer.json"
#define ADDED "tests/fixtures/tokenizers/golden.tsv"

static struct tokenizer *real, *tiny;
static bool quick;
static const char *added_golden = ADDED;

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t rng_state = 88172645463325252u;
static uint32_t rng(uint32_t below) {                    /* xorshift64 */
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (uint32_t)(rng_state >> 33) % below;
}

/* ---- helpers ---- */

static void decode(const struct tokenizer *t, const struct ids *ids, struct buf *out) {
    for (size_t i = 0; i < ids->n; i++) {
        size_t n;
        const char *p = tokenizer_bytes(t, ids->p[i], &n);
        buf_put(out, p, n);
    }
}

/* Do the ids of text stand for its NFC? */
static bool round_trip(const struct tokenizer *t, const char *text, size_t n) {
    struct ids ids = {0};
    struct buf want = {0}, got = {0};
    qw_error err;
    bool ok = tokenizer_encode(t, text, n, ADDED_NONE, NULL, &ids, &err) == 0 &&
              nfc_normalise(text, n, &want);
    decode(t, &ids, &got);
    ok = ok && got.n == want.n && (got.n == 0 || memcmp(got.p, want.p, got.n) == 0);
    if (nfc_prefix(text, n) == n) ok = ok && got.n == n && (n == 0 || memcmp(got.p, text, n) == 0);
    ids_free(&ids);
    buf_free(&want);
    buf_free(&got);
    return ok;
}

static bool same_ids(const struct ids *ids, const int32_t *want, size_t n) {
    return ids->n == n && (n == 0 || memcmp(ids->p, want, n * sizeof *want) == 0);
}

static void print_ids(const struct ids *ids) {
    printf("    got:");
    for (size_t i = 0; i < ids->n && i < 40; i++) printf(" %" PRId32, ids->p[i]);
    printf("\n");
}

/* The ids of a text are these. */
#define CHECK_IDS(t, text, n, mode, mask, ...) do { \
    static const int32_t want_[] = {__VA_ARGS__}; \
    struct ids ids_ = {0}; \
    qw_error err_ = {0}; \
    CHECK(tokenizer_encode(t, text, n, mode, mask, &ids_, &err_) == 0, "%s", err_.message); \
    bool same_ = same_ids(&ids_, want_, sizeof want_ / sizeof *want_); \
    CHECK(same_, "ids of %s", text); \
    if (!same_) print_ids(&ids_); \
    ids_free(&ids_); \
} while (0)

/* Replaces the first `from`. */
static bool replace(struct buf *b, const char *from, const char *to) {
    size_t n = strlen(from);
    for (size_t i = 0; i + n <= b->n; i++) {
        if (memcmp(b->p + i, from, n) != 0) continue;
        struct buf out = {0};
        buf_put(&out, b->p, i);
        buf_str(&out, to);
        buf_put(&out, b->p + i + n, b->n - i - n);
        buf_free(b);
        *b = out;
        return true;
    }
    return false;
}

/* ---- Hugging Face's ids ---- */

/* "hex<TAB>ids": where the line ends, or NULL if it is not one. */
static const char *read_line(const char *p, struct buf *text, struct ids *want) {
    text->n = want->n = 0;
    for (; *p != '\t'; p += 2) {
        const char hex[3] = {p[0], p[0] ? p[1] : 0, 0};
        char *end;
        buf_char(text, (char)strtol(hex, &end, 16));
        if (end != hex + 2) return NULL;
    }
    while (*p != '\n') {
        char *end;
        ids_put(want, (int32_t)strtol(p + 1, &end, 10));
        if (end == p + 1) return NULL;
        p = end;
    }
    return p;
}

static void test_golden(void) {
    struct file f;
    qw_error err;
    if (read_file(&f, GOLDEN, 1 << 24, &err)) {
        CHECK(0, "%s", err.message);
        return;
    }
    struct buf text = {0};
    struct ids want = {0}, got = {0};
    size_t lines = 0;
    for (const char *p = (const char *)f.data; *p; p++) {
        lines++;
        got.n = 0;
        p = read_line(p, &text, &want);
        CHECK(p, "line %zu", lines);
        if (!p) break;
        CHECK(tokenizer_encode(real, text.p, text.n, ADDED_ALL, NULL, &got, &err) == 0,
              "line %zu: %s", lines, err.message);
        CHECK(same_ids(&got, want.p, want.n), "line %zu", lines);
        CHECK(round_trip(real, text.p, text.n) && round_trip(tiny, text.p, text.n), "line %zu",
              lines);
    }
    CHECK(lines == 1506, "%zu lines", lines);
    buf_free(&text);
    ids_free(&want);
    ids_free(&got);
    file_close(&f);
}

/* Ends the merges of a tokenizer.json before number n; the rest becomes a list that nobody reads.
 * The last one occurs twice then, which changes nothing. */
static void cut_merges(struct buf *b, int64_t n) {
    struct buf out = {0};
    struct json j;
    qw_error err;
    if (json_parse(&j, b->p, b->n, "made", &err)) {
        CHECK(0, "%s", err.message);
        return;
    }
    uint32_t list = json_get(&j, json_get(&j, 0, "model"), "merges"), k = list + 1;
    if (n < j.nodes[list].len) {
        for (; n > 1; n--) k = json_next(&j, k);
        size_t from = j.nodes[k].pos, to = j.nodes[json_next(&j, k)].pos, end = to;
        while (b->p[end - 1] != ']') end--;
        buf_put(&out, b->p, to);
        buf_put(&out, b->p + from, end - from);
        buf_str(&out, "],\"unread\":[");
        buf_put(&out, b->p + to, b->n - to);
        buf_free(b);
        *b = out;
    }
    json_free(&j);
}

/* models/tiny/tokenizer.json with the settings of a line of ADDED. */
static struct tokenizer *make_tiny(const char *settings) {
    static const char key[] = "\"added_tokens\":", fast[] = "\"ignore_merges\":true";
    struct file f;
    struct buf json = {0}, list = {0};
    struct tokenizer *t = NULL;
    qw_error err = {0};
    const char *added = strstr(settings, key), *end = strchr(settings, '\n');
    if (!added || !end || read_file(&f, TINY, 1 << 24, &err)) return NULL;
    buf_put(&json, f.data, (size_t)f.size);
    file_close(&f);
    buf_put(&list, added, (size_t)(end - added) - 1);
    buf_str(&list, ",\"unread\":");
    buf_char(&list, 0);
    bool ok = replace(&json, key, list.p);
    if (strncmp(settings + 1, fast, sizeof fast - 1) == 0)
        ok = ok && replace(&json, "\"ignore_merges\": false", fast);
    cut_merges(&json, strtol(strstr(settings, "\"merges\":") + 9, NULL, 10));
    ok = ok && tokenizer_parse(&t, json.p, json.n, TINY, &err) == 0;
    CHECK(ok, "%s: %.200s", err.message, settings);
    buf_free(&json);
    buf_free(&list);
    return t;
}

/* Added tokens of all kinds, and ignore_merges, as Hugging Face's library has them. */
static void test_added_golden(void) {
    struct file f;
    qw_error err;
    if (read_file(&f, added_golden, 1 << 28, &err)) {
        CHECK(0, "%s", err.message);
        return;
    }
    struct buf text = {0};
    struct ids want = {0}, got = {0};
    struct tokenizer *t = NULL;
    size_t lines = 0, tokenizers = 0;
    for (const char *p = (const char *)f.data; *p; p++) {
        lines++;
        got.n = 0;
        if (*p == '#') {
            tokenizer_close(t);
            t = make_tiny(p + 2);
            tokenizers++;
            p = strchr(p, '\n');
        } else {
            p = read_line(p, &text, &want);
            CHECK(p, "line %zu", lines);
            CHECK(t && tokenizer_encode(t, text.p, text.n, ADDED_ALL, NULL, &got, &err) == 0,
                  "line %zu", lines);
            CHECK(same_ids(&got, want.p, want.n), "line %zu: %.*s", lines, (int)text.n, text.p);
        }
        if (!p || !t) break;
    }
    CHECK(tokenizers == 20 && lines >= 2020, "%zu lines", lines);
    tokenizer_close(t);
    buf_free(&text);
    ids_free(&want);
    ids_free(&got);
    file_close(&f);
}

static void test_known_ids(void) {
    CHECK(tokenizer_size(real) == 151669, "%d", tokenizer_size(real));
    CHECK(tokenizer_size(tiny) == 4096, "%d", tokenizer_size(tiny));
    CHECK(tokenizer_added(real, "<|im_end|>") == 151645, "id");
    CHECK(tokenizer_added(tiny, "<|im_end|>") == 4072, "id");
    CHECK(tokenizer_added(real, "<|im_end|") == -1 && tokenizer_added(real, "") == -1 &&
              tokenizer_added(real, "the") == -1,
          "id");
    CHECK(tokenizer_is_added(real, 151668) && !tokenizer_is_added(real, 151642) &&
              !tokenizer_is_added(real, 151669) && !tokenizer_is_added(real, -1) &&
              !tokenizer_is_added(real, INT32_MAX),
          "is_added");
    CHECK_IDS(real, "<|im_start|>user\nhi<|im_end|>\n", 30, ADDED_ALL, NULL, 151644, 872, 198, 6023,
              151645, 198);
    CHECK_IDS(real, "<think>\n\n</think>\n\n", 19, ADDED_ALL, NULL, 151667, 271, 151668, 271);
    CHECK_IDS(real, " \xF0\x9F\x98\x81", 5, ADDED_ALL, NULL, 26525, 223);
    CHECK_IDS(real, "/no_think", 9, ADDED_ALL, NULL, 33100, 5854, 766);
    size_t n;
    CHECK(tokenizer_bytes(real, -1, &n) == NULL && n == 0, "bytes of -1");
    CHECK(tokenizer_bytes(real, 151669, &n) == NULL && n == 0, "bytes of 151669");
    CHECK(tokenizer_bytes(real, INT32_MIN, &n) == NULL &&
              tokenizer_bytes(real, INT32_MAX, &n) == NULL,
          "bytes");
    const char *p = tokenizer_bytes(real, 188, &n);
    CHECK(n == 1 && p[0] == 0, "the token of the NUL byte");
    for (int32_t id = 0; id < 151669; id++)
        CHECK(tokenizer_bytes(real, id, &n) && n > 0, "id %" PRId32, id);
}

static void test_invalid_text(void) {
    static const struct { const char *text; size_t n; const char *offset; } cases[] = {
        {"ab\xFF", 3, "byte 2"},
        {"\xC0\x80", 2, "byte 0"},
        {"abc\xE2\x82", 5, "byte 3"},
        {"\xED\xA0\x80", 3, "byte 0"},
        {"x\xF4\x90\x80\x80", 5, "byte 1"},
        {"a\0\x80", 3, "byte 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ids ids = {0};
        qw_error err = {0};
        ids_put(&ids, 7);
        CHECK(tokenizer_encode(real, cases[i].text, cases[i].n, ADDED_ALL, NULL, &ids, &err) ==
                  QW_EFORMAT,
              "case %zu", i);
        CHECK(strstr(err.message, cases[i].offset), "%s", err.message);
        CHECK(ids.n == 1 && ids.p[0] == 7, "ids have been appended");
        ids_free(&ids);
    }
    CHECK(round_trip(real, "a\0b\0", 4) && round_trip(real, "", 0), "NUL bytes");
}

/* ---- Unicode ---- */

static void test_nfc(void) {
    static const struct { const char *name, *text, *want; } cases[] = {
        {"e + acute", "e\xCC\x81", "\xC3\xA9"},
        {"angstrom", "\xE2\x84\xAB", "\xC3\x85"},
        {"ohm", "\xE2\x84\xA6", "\xCE\xA9"},
        {"Hangul L V T", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "\xEA\xB0\x81"},
        {"Hangul LV T", "\xEA\xB0\x80\xE1\x86\xA8", "\xEA\xB0\x81"},
        {"Hangul LVT T", "\xEA\xB0\x81\xE1\x86\xA8", "\xEA\xB0\x81\xE1\x86\xA8"},
        {"Hangul L T", "\xE1\x84\x80\xE1\x86\xA8", "\xE1\x84\x80\xE1\x86\xA8"},
        {"U+11A7 is no final consonant", "\xEA\xB0\x80\xE1\x86\xA7", "\xEA\xB0\x80\xE1\x86\xA7"},
        {"excluded from composition", "\xE0\xA5\x98", "\xE0\xA4\x95\xE0\xA4\xBC"},
        {"decomposes into marks", "\xCD\x84", "\xCC\x88\xCC\x81"},
        {"reordered, then composed", "a\xCC\x81\xCC\xA3", "\xE1\xBA\xA1\xCC\x81"},
        {"composed one taken apart again", "\xC3\xA9\xCC\xA3", "\xE1\xBA\xB9\xCC\x81"},
        {"the second is blocked", "a\xCC\x81\xCC\x81", "\xC3\xA1\xCC\x81"},
        {"not blocked: a lower class between them", "a\xCC\xB8\xCC\x81", "\xC3\xA1\xCC\xB8"},
        {"class 0 between them blocks", "a\xE0\xA4\x80\xCC\x81", "a\xE0\xA4\x80\xCC\x81"},
        {"a mark at the start", "\xCC\x81" "e", "\xCC\x81" "e"},
        {"two marks, reordered", "\xCC\x81\xCC\xA3", "\xCC\xA3\xCC\x81"},
        {"compatibility ideograph", "\xEF\xA4\x80", "\xE8\xB1\x88"},
        {"U+2FA1D", "\xF0\xAF\xA8\x9D", "\xF0\xAA\x98\x80"},
        {"two starters", "\xE0\xA7\x87\xE0\xA6\xBE", "\xE0\xA7\x8B"},
        {"outside the BMP", "\xF0\x91\x84\xB1\xF0\x91\x84\xA7", "\xF0\x91\x84\xAE"},
        {"Unicode 13: not formed",
         "\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0", "\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0"},
        {"U+1DF6 came with Unicode 10: no mark here",
         "\xE1\xB7\xB6\xCC\xA3", "\xE1\xB7\xB6\xCC\xA3"},
        {"U+1E000 came with 9.0: reordered",
         "\xF0\x9E\x80\x80\xCC\xA3", "\xCC\xA3\xF0\x9E\x80\x80"},
        {"Unicode 13: stays", "\xF0\x91\xA4\xB8", "\xF0\x91\xA4\xB8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text, *want = cases[i].want;
        struct buf out = {0};
        CHECK(nfc_normalise(text, strlen(text), &out), "out of memory");
        CHECK(out.n == strlen(want) && memcmp(out.p, want, out.n) == 0, "%s: %.*s", cases[i].name,
              (int)out.n, out.p);
        bool whole = nfc_prefix(text, strlen(text)) == strlen(text);
        CHECK(!whole || strcmp(text, want) == 0, "%s: taken for NFC", cases[i].name);
        buf_free(&out);
    }
}

/* Next to white space and an apostrophe, pieces of the character c of n bytes are not empty: an
 * encoder that did not move on would never end. */
static void check_pieces(const char *c, size_t n) {
    static const char *const before[] = {" ", "\n", "'", "  ", " \n"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        char text[8] = "";
        size_t len = strlen(before[i]);
        memcpy(text, before[i], len);
        memcpy(text + len, c, n);
        size_t piece = split_piece(text, len + n);
        CHECK(piece > 0 && piece <= len + n, "%s: a piece of %zu bytes", text, piece);
    }
}

/* Each code point by itself: its ids stand for its NFC. 1120 of them are not in NFC. */
static void test_single_code_points(void) {
    unsigned changed = 0, classes[4] = {0};
    uint64_t hash = UINT64_C(0xCBF29CE484222325);       /* FNV-1a of the classes, in order */
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        char c[4];
        struct buf out = {0};
        if (cp >= 0xD800 && cp < 0xE000) continue;
        size_t n = (size_t)utf8_encode(cp, c);
        bool left_out = quick && cp >= 0x3000 && cp % 16 != 0;
        CHECK(left_out || (round_trip(tiny, c, n) && round_trip(real, c, n)), "U+%04X",
              (unsigned)cp);
        CHECK(split_piece(c, n) == n, "U+%04X", (unsigned)cp);
        check_pieces(c, n);
        CHECK(nfc_normalise(c, n, &out), "out of memory");
        changed += out.n != n || memcmp(out.p, c, n) != 0;
        classes[cp_class(cp)]++;
        hash = (hash ^ (unsigned)cp_class(cp)) * UINT64_C(0x100000001B3);
        buf_free(&out);
    }
    CHECK(changed == 1120, "%u", changed);
    CHECK(classes[CP_SPACE] == 25 && classes[CP_NUMBER] == 1911 && classes[CP_LETTER] == 141028,
          "%u %u %u", classes[1], classes[3], classes[2]);
    CHECK(hash == UINT64_C(0x7AC03FEFCDFB5785), "classes: %016" PRIX64, hash);
    CHECK(cp_class(0x110000) == CP_OTHER && cp_class(UINT32_MAX) == CP_OTHER, "outside");
}

/* NFC of random strings of hard characters: stable when repeated, and the same from either of
 * its canonical forms. */
static void test_random_nfc(void) {
    static const uint32_t hard[] = {
        'a', 'e', 'u', 0x301, 0x300, 0x308, 0x323, 0x327, 0x338, 0x345, 0xE9, 0x1EA5, 0x1100,
        0x1161, 0x11A8, 0xAC00, 0xAC01, 0x9C7, 0x9BE, 0x9CB, 0x344, 0x958, 0x212B, 0xF900, 0x1D15E,
        0x11131, 0x11127, 0x3B1, 0x1F80, 0x313, 0x342,
    };
    for (int round = 0; round < 20000; round++) {
        struct buf a = {0}, b = {0}, c = {0};
        char u8[4];
        for (uint32_t n = rng(12); n > 0; n--)
            buf_put(&a, u8, (size_t)utf8_encode(hard[rng(sizeof hard / sizeof *hard)], u8));
        CHECK(nfc_normalise(a.p, a.n, &b) && nfc_normalise(b.p, b.n, &c), "out of memory");
        CHECK(b.n == c.n && (b.n == 0 || memcmp(b.p, c.p, b.n) == 0), "round %d: %.*s", round,
              (int)a.n, a.p);
        CHECK(round_trip(tiny, a.p, a.n), "round %d", round);
        buf_free(&a);
        buf_free(&b);
        buf_free(&c);
    }
}

/* ---- the splitter ---- */

static void test_split(void) {
    /* pieces are separated by '|' in `want` */
    static const struct { const char *text, *want; } cases[] = {
        {"it's I'LL 'Ve x'd", "it|'s| I|'LL| '|Ve| x|'d"},
        {"'\xC5\xBF x", "'\xC5\xBF| x"},    /* long s folds to s */
        {"\xE2\x80\x99s", "\xE2\x80\x99s"}, /* a curly one is only a prefix */
        {"''s", "''|s"},
        {" 's", " '|s"},
        {"'", "'"},
        {"'r", "'r"},
        {"'re", "'re"},
        {"'rx", "'rx"},
        {"123 45", "1|2|3| |4|5"},
        {"\xC2\xBD\xC2\xB2", "\xC2\xBD|\xC2\xB2"},
        {"a  b", "a| | b"},
        {"a   \n  b", "a|   \n| | b"},
        {"a \n \n b", "a| \n \n| b"},
        {"a  ", "a|  "},
        {"\r\n\tx", "\r\n|\tx"},
        {" !?\n\nx", " !?\n\n|x"},
        {"\t!", "\t|!"},
        {"  !", " | !"},
        {"!a", "!a"},
        {"!!a", "!!|a"},
        {"(x)", "(x|)"},
        {"\xC2\xA0x", "\xC2\xA0x"},
        {"x\xCC\x81y", "x|\xCC\x81y"},
        {"\nx", "\n|x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf got = {0};
        for (size_t k = 0, n = strlen(cases[i].text), len; k < n; k += len) {
            len = split_piece(cases[i].text + k, n - k);
            CHECK(len > 0 && len <= n - k, "case %zu: length %zu", i, len);
            if (len == 0) break;
            if (k) buf_char(&got, '|');
            buf_put(&got, cases[i].text + k, len);
        }
        buf_char(&got, 0);
        CHECK(strcmp(got.p, cases[i].want) == 0, "case %zu: got %s", i, got.p);
        buf_free(&got);
    }
}

/* ---- speed: one piece of a megabyte must not take quadratic time ---- */

static void test_speed(void) {
    static const char *const units[] = {
        "a", " ", "7", "\n", "!", "ab", "\xF0\x9F\x98\x80", "\xCC\x81\xCC\xA3", "e\xCC\x81",
        "<", "<|im_start|", "<|im_start|>", " \n", "\xEA\xB0\x80\xE1\x86\xA8",
        "the quick brown fox ",
    };
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t len = strlen(units[u]), n = (1 << 20) / len * len;
        char *text = malloc(n);
        unsigned char *mask = malloc(n);
        for (size_t i = 0; i < n; i++) text[i] = units[u][i % len];
        memset(mask, 1, n);
        struct ids ids = {0};
        qw_error err = {0};
        double start = seconds();
        CHECK(tokenizer_encode(real, text, n, ADDED_MASKED, mask, &ids, &err) == 0, "%s",
              err.message);
        double took = seconds() - start;
        CHECK(took < 10, "a megabyte of \"%s\" took %.1f s", units[u], took);
        ids_free(&ids);
        free(text);
        free(mask);
    }
    double start = seconds();
    struct tokenizer *t = NULL;
    qw_error err;
    CHECK(tokenizer_open(&t, REAL, &err) == 0, "%s", err.message);
    CHECK(seconds() - start < 5, "loading took %.1f s", seconds() - start);
    tokenizer_close(t);
}

/* ---- small tokenizers made here ---- */

static const char *const flags =
    "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true";

/* Added tokens get the ids that follow the vocabulary: tokens that no text has fill it up to
 * 599. */
static void fill_vocab(struct buf *out, const char *vocab) {
    bool used[600] = {false};
    char item[64];
    for (int b = 0; b < 256; b++) used[2 * b] = true;
    for (const char *p = vocab; (p = strstr(p, "\":")) != NULL; p++) {
        long id = strtol(p + 2, NULL, 10);
        if (id >= 0 && id < 600) used[id] = true;
    }
    for (int id = 0; id < 600; id++) {
        if (used[id]) continue;
        snprintf(item, sizeof item, ",\"\xE2\x96\x81%d\":%d", id, id);
        buf_str(out, item);
    }
}

/* A tokenizer.json: the byte tokens have ids 2 * byte, then come `vocab` and `merges` (JSON,
 * both may be ""), `added` as id:text pairs; if there are any, then from 600 on. */
static void make_json(struct buf *out, const char *vocab, const char *merges, const char *added) {
    uint32_t next = 256;
    char item[64];
    const bool has_added = *added != 0;
    out->n = 0;
    buf_str(out, "{\"added_tokens\":[");
    while (*added) {                                     /* "600 <x>;601 <y>" */
        size_t id = strcspn(added, " "), end = strcspn(added, ";");
        buf_str(out, "{\"id\":");
        buf_put(out, added, id);
        buf_str(out, ",\"content\":\"");
        buf_put(out, added + id + 1, end - id - 1);
        buf_str(out, "\",");
        buf_str(out, flags);
        buf_str(out, "}");
        added += end;
        if (*added) {
            buf_char(out, ',');
            added++;
        }
    }
    buf_str(out, "],\"normalizer\":{\"type\":\"NFC\"},"
                 "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
                 "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
    json_quote(out, SPLIT_PATTERN, strlen(SPLIT_PATTERN));
    buf_str(out, "},\"behavior\":\"Isolated\",\"invert\":false},"
                 "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,"
                 "\"use_regex\":false}]},"
                 "\"post_processor\":null,\"decoder\":{\"type\":\"ByteLevel\"},"
                 "\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
                 "\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":\"\","
                 "\"byte_fallback\":false,\"ignore_merges\":false,\"vocab\":{");
    for (int b = 0; b < 256; b++) {
        bool printable = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
        char c[4];
        if (b) buf_char(out, ',');
        json_quote(out, c, (size_t)utf8_encode(printable ? (uint32_t)b : next++, c));
        snprintf(item, sizeof item, ":%d", 2 * b);
        buf_str(out, item);
    }
    buf_str(out, vocab);
    if (has_added) fill_vocab(out, vocab);
    buf_str(out, "},\"merges\":[");
    buf_str(out, merges);
    buf_str(out, "]}}");
}

static struct tokenizer *make(const char *vocab, const char *merges, const char *added) {
    struct buf json = {0};
    struct tokenizer *t = NULL;
    qw_error err = {0};
    make_json(&json, vocab, merges, added);
    CHECK(tokenizer_parse(&t, json.p, json.n, "made", &err) == 0, "%s", err.message);
    buf_free(&json);
    return t;
}

static void test_small(void) {
    /* both forms of merges; ids in no order; gaps */
    struct tokenizer *t = make(",\"ab\":519,\"abc\":513,\"bc\":517",
                               "[\"b\",\"c\"],\"a b\",[\"a\",\"bc\"]", "");
    if (!t) return;
    CHECK_IDS(t, "abc ab bca", 10, ADDED_ALL, NULL, 513, 64, 519, 64, 517, 194);
    size_t n;
    CHECK(tokenizer_size(t) == 520, "%d", tokenizer_size(t));
    CHECK(tokenizer_bytes(t, 518, &n) == NULL && n == 0 && tokenizer_bytes(t, 1, &n) == NULL,
          "gaps");
    CHECK(tokenizer_bytes(t, 513, &n) && n == 3 && !memcmp(tokenizer_bytes(t, 513, &n), "abc", 3),
          "bytes");
    tokenizer_close(t);

    /* of equal merges the last one counts */
    t = make(",\"ab\":519,\"bc\":517", "[\"a\",\"b\"],[\"b\",\"c\"],[\"a\",\"b\"]", "");
    if (!t) return;
    CHECK_IDS(t, "abc", 3, ADDED_ALL, NULL, 194, 517);
    tokenizer_close(t);

    /* ids that do not follow the vocabulary: the file is not believed; an empty one has none */
    t = make("", "", "605 <x>;700 ;603 <y>");
    if (!t) return;
    CHECK_IDS(t, "<x>a<y><y", 9, ADDED_ALL, NULL, 600, 194, 601, 120, 242);
    CHECK(tokenizer_size(t) == 602, "%d", tokenizer_size(t));
    tokenizer_close(t);

    /* an added token that is in the vocabulary, too; a token whose text is not all of the
     * byte-level alphabet */
    t = make(",\"ab\":519,\"\xE2\x96\x81x\":521", "[\"a\",\"b\"]", "519 ab");
    if (!t) return;
    CHECK_IDS(t, "cab b", 5, ADDED_ALL, NULL, 198, 519, 64, 196);
    CHECK(tokenizer_is_added(t, 519) && !tokenizer_is_added(t, 521), "is_added");
    CHECK(tokenizer_bytes(t, 521, &n) && n == 4, "%zu bytes", n);
    tokenizer_close(t);
}

/* Added tokens with a long beginning in common, and one that is too long. */
static void test_long_added(void) {
    char added[3 * 1024], text[2 * 1024 + 1];
    struct buf json = {0};
    struct tokenizer *t;
    qw_error err = {0};
    memset(text, 'a', sizeof text - 1);
    text[2048] = 0;
    snprintf(added, sizeof added, "600 %.*sb;601 %.*sc;602 aa", 1023, text, 1023, text);
    t = make("", "", added);
    if (!t) return;
    text[1023] = 'c';
    text[2047] = 'b';
    CHECK_IDS(t, text, 2048, ADDED_ALL, NULL, 601, 600);
    text[1022] = 'b';
    CHECK_IDS(t, text + 1018, 6, ADDED_ALL, NULL, 602, 602, 196, 198);
    tokenizer_close(t);

    snprintf(added, sizeof added, "600 %.*s", 1025, text);
    make_json(&json, "", "", added);
    CHECK(tokenizer_parse(&t, json.p, json.n, "made", &err) == QW_EUNSUPPORTED &&
              strstr(err.message, "an added token of 1025 bytes; at most 1024"),
          "%s", err.message);
    buf_free(&json);
}

/* With ignore_merges a whole piece that is a token of the vocabulary is taken: not one that only
 * reads like it, and not an added one. */
static void test_ignore_merges(void) {
    struct buf json = {0};
    struct tokenizer *t;
    qw_error err = {0};
    make_json(&json, ",\"ab\":519,\"\xE2\x96\x81x\":521", "", "600 cd");
    CHECK(replace(&json, "\"ignore_merges\":false", "\"ignore_merges\":true"), "not found");
    CHECK(tokenizer_parse(&t, json.p, json.n, "made", &err) == 0, "%s", err.message);
    buf_free(&json);
    if (!t) return;
    CHECK_IDS(t, "ab.ab abc", 9, ADDED_ALL, NULL, 519, 92, 194, 196, 64, 194, 196, 198);
    CHECK_IDS(t, "\xE2\x96\x81x", 4, ADDED_ALL, NULL, 452, 300, 258, 240);
    CHECK_IDS(t, "cd", 2, ADDED_NONE, NULL, 198, 200);
    tokenizer_close(t);
}

/* As HF tokenizers 0.22 does it: the leftmost match, the longest of those. */
static void test_added(void) {
    struct tokenizer *t =
        make("", "", "600 ab;601 abc;602 bcd;196 b;603 xyab;604 yabc;605 e\xCC\x81;606 <|end|>");
    if (!t) return;
    CHECK_IDS(t, "abc", 3, ADDED_ALL, NULL, 601);
    CHECK_IDS(t, "abd", 3, ADDED_ALL, NULL, 600, 200);
    CHECK_IDS(t, "abcd", 4, ADDED_ALL, NULL, 601, 200);
    CHECK_IDS(t, "bcd", 3, ADDED_ALL, NULL, 602);
    CHECK_IDS(t, "bc", 2, ADDED_ALL, NULL, 196, 198);
    CHECK_IDS(t, "xyabcd", 6, ADDED_ALL, NULL, 603, 198, 200);
    CHECK_IDS(t, "yabcd", 5, ADDED_ALL, NULL, 604, 200);
    CHECK_IDS(t, "xyac", 4, ADDED_ALL, NULL, 240, 242, 194, 198);
    /* matched before NFC */
    CHECK_IDS(t, "ae\xCC\x81", 4, ADDED_ALL, NULL, 194, 605);
    CHECK_IDS(t, "ae\xCC\x81", 4, ADDED_NONE, NULL, 194, 390, 338);
    /* no composition across it */
    CHECK_IDS(t, "e<|end|>\xCC\x81", 10, ADDED_ALL, NULL, 202, 606, 408, 258);
    CHECK_IDS(t, "abc", 3, ADDED_NONE, NULL, 194, 196, 198);
    tokenizer_close(t);
}

static void test_masked(void) {
    struct tokenizer *t = make(",\"es\":519", "[\"e\",\"s\"]", "600 ab;601 abc;602 <s>");
    if (!t) return;
    CHECK_IDS(t, "abcab", 5, ADDED_MASKED, (const unsigned char *)"\1\1\1\1\1", 601, 600);
    /* the longest within the mask */
    CHECK_IDS(t, "abcab", 5, ADDED_MASKED, (const unsigned char *)"\1\1\0\1\1", 600, 198, 600);
    CHECK_IDS(t, "abcab", 5, ADDED_MASKED, (const unsigned char *)"\0\1\1\1\0", 194, 196, 198, 194,
              196);
    CHECK_IDS(t, "<s><s>", 6, ADDED_MASKED, (const unsigned char *)"\1\1\0\1\1\1", 120, 230, 124,
              602);
    CHECK_IDS(t, "<s><s>", 6, ADDED_MASKED, (const unsigned char *)"\0\0\0\0\0\0", 120, 230, 124,
              120, 230, 124);
    tokenizer_close(t);

    /* an unmasked one is no border: what is around it is split and merged with it */
    unsigned char mask[64] = {0};
    const char *text = "a<|im_end|>b";
    struct ids masked = {0}, none = {0};
    qw_error err;
    memset(mask, 0xFF, 5);
    CHECK(tokenizer_encode(real, text, 12, ADDED_MASKED, mask, &masked, &err) == 0, "masked");
    CHECK(tokenizer_encode(real, text, 12, ADDED_NONE, NULL, &none, &err) == 0, "none");
    CHECK(same_ids(&masked, none.p, none.n), "differ");
    ids_free(&masked);
    ids_free(&none);
}

/* ---- a naive BPE on random tokenizers ---- */

enum { N_MERGES = 40 };
struct naive { struct { char text[3][64]; } merge[N_MERGES]; int n; };       /* left, right, both */

static int naive_id(const struct naive *v, const char *token) {
    if (token[1] == 0) return 2 * (unsigned char)token[0];
    for (int i = 0; i < v->n; i++)
        if (!strcmp(v->merge[i].text[2], token)) return 513 + 2 * ((i * 7) % N_MERGES);
    return -1;
}

static int naive_rank(const struct naive *v, const char *left, const char *right) {
    for (int i = 0; i < v->n; i++)
        if (!strcmp(v->merge[i].text[0], left) && !strcmp(v->merge[i].text[1], right)) return i;
    return N_MERGES;
}

/* Scan all pairs, merge the leftmost of the lowest rank, again and again. */
static void naive_encode(const struct naive *v, const char *text, struct ids *out) {
    static char s[128][64];
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        s[i][0] = text[i];
        s[i][1] = 0;
    }
    for (;;) {
        int best = N_MERGES;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            int rank = naive_rank(v, s[i], s[i + 1]);
            if (rank < best) {
                best = rank;
                at = i;
            }
        }
        if (best == N_MERGES) break;
        strcpy(s[at], v->merge[best].text[2]);
        memmove(s[at + 1], s[at + 2], (n - at - 2) * sizeof *s);
        n--;
    }
    for (size_t i = 0; i < n; i++) ids_put(out, naive_id(v, s[i]));
}

static void test_naive(void) {
    for (int round = 0; round < (quick ? 30 : 150); round++) {
        static struct naive v;
        struct buf vocab = {0}, merges = {0};
        char item[256];
        v.n = 0;
        for (int tries = 0; tries < 500 && v.n < N_MERGES; tries++) {
            char part[2][64];
            for (int k = 0; k < 2; k++) {
                uint32_t r = rng((uint32_t)v.n + 3);
                if (r < 3) snprintf(part[k], sizeof part[k], "%c", 'a' + (int)r);
                else memcpy(part[k], v.merge[r - 3].text[2], 64);
            }
            if (strlen(part[0]) + strlen(part[1]) > 40) continue;
            snprintf(item, sizeof item, "%s%s", part[0], part[1]);
            bool known = naive_rank(&v, part[0], part[1]) < N_MERGES,
                 made = naive_id(&v, item) >= 0;
            if (known || (made && rng(2))) continue;     /* a token may come from several merges */
            memcpy(v.merge[v.n].text[0], part[0], 64);
            memcpy(v.merge[v.n].text[1], part[1], 64);
            memcpy(v.merge[v.n++].text[2], item, 64);
            if (!made) {
                char entry[128];
                snprintf(entry, sizeof entry, ",\"%s\":%d", v.merge[v.n - 1].text[2],
                         naive_id(&v, v.merge[v.n - 1].text[2]));
                buf_str(&vocab, entry);
            }
            snprintf(item, sizeof item, rng(2) ? "%s\"%s %s\"" : "%s[\"%s\",\"%s\"]",
                     v.n > 1 ? "," : "", part[0], part[1]);
            buf_str(&merges, item);
        }
        buf_char(&vocab, 0);
        buf_char(&merges, 0);
        struct tokenizer *t = make(vocab.p, merges.p, "");
        buf_free(&vocab);
        buf_free(&merges);
        if (!t) return;
        for (int k = 0; k < 100; k++) {
            char text[101];
            uint32_t n = rng(100) + 1;
            struct ids want = {0}, got = {0};
            qw_error err;
            for (uint32_t i = 0; i < n; i++) text[i] = (char)('a' + rng(1 + rng(3)));
            text[n] = 0;
            naive_encode(&v, text, &want);
            CHECK(tokenizer_encode(t, text, n, ADDED_NONE, NULL, &got, &err) == 0, "round %d",
                  round);
            CHECK(same_ids(&got, want.p, want.n), "round %d: %s", round, text);
            ids_free(&want);
            ids_free(&got);
        }
        tokenizer_close(t);
    }
}

/* ---- bad files ---- */

static void test_bad(void) {
    static const struct { const char *from, *to; int code; const char *message; } cases[] = {
        {"\"type\":\"BPE\"", "\"type\":\"Unigram\"", QW_EUNSUPPORTED, "model.type is \"Unigram\""},
        {"\"type\":\"BPE\",", "", QW_EUNSUPPORTED, "model.type is missing"},
        {"\"model\"", "\"modal\"", QW_EUNSUPPORTED, "model is missing"},
        {"\"dropout\":null", "\"dropout\":0.1", QW_EUNSUPPORTED, "model.dropout is 0.1"},
        {"\"continuing_subword_prefix\":\"\"", "\"continuing_subword_prefix\":\"##\"",
         QW_EUNSUPPORTED, "model.continuing_subword_prefix is \"##\""},
        {"\"end_of_word_suffix\":\"\"", "\"end_of_word_suffix\":\"</w>\"", QW_EUNSUPPORTED,
         "model.end_of_word_suffix"},
        {"\"NFC\"", "\"NFKC\"", QW_EUNSUPPORTED, "normalizer.type is \"NFKC\""},
        {"{\"type\":\"NFC\"}", "null", QW_EUNSUPPORTED, "normalizer is null"},
        {"\"normalizer\":{\"type\":\"NFC\"}", "\"type\":\"NFC\"", QW_EUNSUPPORTED,
         "normalizer is missing"},
        {"{\"type\":\"NFC\"}",
         "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Lowercase\"}]}",
         QW_EUNSUPPORTED, "normalizers is a list of \"NFC\", \"Lowercase\"; only one of NFC"},
        {"{\"type\":\"NFC\"}", "{\"type\":\"Sequence\",\"normalizers\":[]}", QW_EUNSUPPORTED,
         "normalizers is a list of nothing"},
        {"{\"type\":\"NFC\"}", "{\"type\":\"Sequence\"}", QW_EUNSUPPORTED,
         "normalizer.normalizers is missing"},
        {"{\"type\":\"NFC\"}", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFD\"}]}",
         QW_EUNSUPPORTED, "normalizers[0].type is \"NFD\""},
        {"\"type\":\"Sequence\"", "\"type\":\"Whitespace\"", QW_EUNSUPPORTED,
         "pre_tokenizer.type is \"Whitespace\""},
        {"\"pretokenizers\":[", "\"pretokenizers\":[{\"type\":\"Digits\"},7,", QW_EUNSUPPORTED,
         "pretokenizers is a list of \"Digits\", missing, \"Split\", \"ByteLevel\"; only one of"},
        {"\"type\":\"Split\"", "\"type\":\"Digits\"", QW_EUNSUPPORTED,
         "pre_tokenizer.pretokenizers[0].type is \"Digits\"; only Split"},
        {"{\"type\":\"ByteLevel\",\"add", "{\"type\":\"Metaspace\",\"add", QW_EUNSUPPORTED,
         "pre_tokenizer.pretokenizers[1].type is \"Metaspace\"; only ByteLevel"},
        {"p{N}| ?", "p{N}{1,3}| ?", QW_EUNSUPPORTED, "splitting pattern is \"(?i:"},
        {"\"Regex\"", "\"String\"", QW_EUNSUPPORTED, "splitting pattern is missing"},
        {"\"Isolated\"", "\"Removed\"", QW_EUNSUPPORTED, "Split.behavior is \"Removed\""},
        {"\"invert\":false", "\"invert\":true", QW_EUNSUPPORTED, "Split.invert is true"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":true", QW_EUNSUPPORTED,
         "ByteLevel.add_prefix_space is true"},
        {",\"use_regex\":false", "", QW_EUNSUPPORTED, "ByteLevel.use_regex is missing"},
        {"\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":null", QW_EUNSUPPORTED,
         "decoder is null"},
        {"\"vocab\":{", "\"vocab\":[],\"vocabulary\":{", QW_EFORMAT, "model.vocab"},
        {"\"merges\":[", "\"mergers\":[", QW_EFORMAT, "model.merges is missing"},
        {"\"merges\":[", "\"merges\":{},\"mergers\":[", QW_EFORMAT, "model.merges"},
        {"[\"a\",\"b\"]", "[\"a\",\"zzz\"]", QW_EFORMAT,
         "merge 0 (\"a\", \"zzz\"): the second is not"},
        {"[\"a\",\"b\"]", "[\"zzz\",\"b\"]", QW_EFORMAT,
         "merge 0 (\"zzz\", \"b\"): the first is not"},
        {"[\"a\",\"b\"]", "[\"b\",\"b\"]", QW_EFORMAT,
         "merge 0 (\"b\", \"b\"): their concatenation"},
        {"[\"a\",\"b\"]", "[\"a\",\"b\",\"c\"]", QW_EFORMAT, "merge 0 (an array): not a pair"},
        {"[\"a\",\"b\"]", "[\"a\",5]", QW_EFORMAT, "merge 0 (\"a\", 5): not a pair"},
        {"[\"a\",\"b\"]", "\"ab\"", QW_EFORMAT, "merge 0 (\"ab\"): not a pair"},
        {"[\"a\",\"b\"]", "\"a b c\"", QW_EFORMAT, "merge 0 (\"a b c\"): not a pair"},
        {"[\"a\",\"b\"]", "[\"\",\"ab\"]", QW_EFORMAT, "merge 0 (\"\", \"ab\"): a part is empty"},
        {"[\"a\",\"b\"]", "\"ab \"", QW_EFORMAT, "merge 0 (\"ab \"): a part is empty"},
        {"[\"a\",\"b\"]", "7", QW_EFORMAT, "merge 0 (7): not a pair"},
        {"\"q\":226", "\"qq\":226", QW_EUNSUPPORTED, "no token for the byte 0x71"},
        {"\"q\":226", "\"q\":224", QW_EFORMAT, "token \"q\" has id 224, which another"},
        {"\"q\":226", "\"q\":226,\"q\":513", QW_EFORMAT, "token \"q\" occurs twice"},
        {"\"q\":226", "\"q\":226,\"\\u0071\":513", QW_EFORMAT, "token \"\\u0071\" occurs twice"},
        {"\"q\":226", "\"q\":226,\"\":513", QW_EFORMAT, "empty text (id 513)"},
        {"\"q\":226", "\"q\":-1", QW_EFORMAT, "id of token \"q\" is -1"},
        {"\"q\":226", "\"q\":1.5", QW_EFORMAT, "id of token \"q\" is 1.5"},
        {"\"q\":226", "\"q\":\"226\"", QW_EFORMAT, "id of token \"q\" is \"226\""},
        {"\"q\":226", "\"q\":4294967522", QW_EFORMAT, "id of token \"q\" is 4294967522"},
        {"\"q\":226", "\"q\":16777216", QW_EFORMAT, "id of token \"q\" is 16777216"},
        {"\"q\":226", "\"q\":16777215", QW_EFORMAT, "id of token \"q\" is 16777215, far beyond"},
        {"\"q\":226", "\"q\xC2\x9B\x7Fq\":[]", QW_EFORMAT, "id of token \"q??q\" is an array"},
        {"\"lstrip\":false", "\"lstrip\":1", QW_EFORMAT, "added token \"<x>\": lstrip is 1, not"},
        {"\"normalized\":false,", "", QW_EFORMAT, "added token \"<x>\": normalized is missing"},
        {"\"content\":\"<x>\",", "", QW_EFORMAT, "added_tokens[0] has no content"},
        {"{\"id\":600", "5,{\"id\":600", QW_EFORMAT, "added_tokens[0] has no content"},
        {"\"id\":600,", "", QW_EFORMAT, "the id of added token \"<x>\" is missing"},
        {"\"id\":600", "\"id\":-1", QW_EFORMAT, "the id of added token \"<x>\" is -1"},
        {"\"q\":226", "\"q\":601", QW_EUNSUPPORTED,
         "has gaps: added token <y> would have id 601, which"},
        {"\"added_tokens\":[", "\"added_tokens\":{},\"x\":[", QW_EFORMAT, "added_tokens"},
        {"{\"added_tokens\"", "[{\"added_tokens\"", QW_EFORMAT, "not valid JSON"},
    };
    struct buf json = {0};
    struct tokenizer *t;
    qw_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err = (qw_error){0};
        make_json(&json, ",\"ab\":513", "[\"a\",\"b\"]", "600 <x>;601 <y>");
        CHECK(replace(&json, cases[i].from, cases[i].to), "case %zu: %s not found", i,
              cases[i].from);
        int rc = tokenizer_parse(&t, json.p, json.n, "bad/tokenizer.json", &err);
        CHECK(rc == cases[i].code && err.code == rc && t == NULL, "case %zu (%s): %d, %s", i,
              cases[i].to, rc, err.message);
        CHECK(strstr(err.message, cases[i].message) &&
                  !strncmp(err.message, "bad/tokenizer.json: ", 20),
              "case %zu: %s", i, err.message);
        if (rc == 0) tokenizer_close(t);
    }
    /* what is fine */
    static const char *const fine[][2] = {
        {"{\"type\":\"NFC\"}", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]}"},
        {"\"dropout\":null", "\"dropout\":0.0"},
        {"\"continuing_subword_prefix\":\"\",", ""},
        {"\"end_of_word_suffix\":\"\"", "\"end_of_word_suffix\":null"},
        {"\"id\":601", "\"id\":1001"},
        {"\"id\":601", "\"id\":600"},
        {"\"content\":\"<y>\"", "\"content\":\"\""},
        {"\"unk_token\":null", "\"unk_token\":\"<unk>\""},
        {"\"byte_fallback\":false", "\"byte_fallback\":true,\"fuse_unk\":true"},
        {"\"normalizer\"", "\"new\":{\"in\":[5]},\"normalizer\""},
        {"\"added_tokens\":[", "\"added_tokens\":null,\"x\":["},
        {"[\"a\",\"b\"]", ""},
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        err = (qw_error){0};
        make_json(&json, ",\"ab\":513", "[\"a\",\"b\"]", "600 <x>;601 <y>");
        CHECK(replace(&json, fine[i][0], fine[i][1]), "case %zu: not found", i);
        CHECK(tokenizer_parse(&t, json.p, json.n, "made", &err) == 0, "case %zu: %s", i,
              err.message);
        tokenizer_close(t);
    }
    /* each prefix is refused */
    make_json(&json, ",\"ab\":513", "[\"a\",\"b\"]", "600 <x>;601 <y>");
    for (size_t n = 0; n < json.n; n++) {
        char *cut = malloc(n + 1);
        memcpy(cut, json.p, n);
        CHECK(tokenizer_parse(&t, cut, n, "cut", &err) == QW_EFORMAT && t == NULL, "%zu bytes", n);
        free(cut);
    }
    buf_free(&json);
    CHECK(tokenizer_open(&t, "tests/no/such/file", &err) == QW_EIO &&
              strstr(err.message, "tests/no/such/file"),
          "%s", err.message);
}

int main(int argc, char **argv) {
    qw_error err;
    quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    if (tokenizer_open(&real, REAL, &err) || tokenizer_open(&tiny, TINY, &err)) {
        printf("not ok - %s\n", err.message);
        return 1;
    }
    if (argc > 2 && strcmp(argv[1], "added") == 0) {
        added_golden = argv[2];
        RUN("tokenizer: added tokens, as Hugging Face's library has them", test_added_golden);
        TEST_END();
    }
    RUN("tokenizer: Hugging Face's ids, and round trips", test_golden);
    RUN("tokenizer: added tokens, as Hugging Face's library has them", test_added_golden);
    RUN("tokenizer: known ids", test_known_ids);
    RUN("tokenizer: invalid text", test_invalid_text);
    RUN("tokenizer: splitting", test_split);
    RUN("tokenizer: NFC", test_nfc);
    RUN("tokenizer: NFC of random strings", test_random_nfc);
    RUN("tokenizer: each code point by itself", test_single_code_points);
    RUN("tokenizer: small ones", test_small);
    RUN("tokenizer: added tokens", test_added);
    RUN("tokenizer: long added tokens", test_long_added);
    RUN("tokenizer: ignore_merges", test_ignore_merges);
    RUN("tokenizer: masked added tokens", test_masked);
    RUN("tokenizer: against a naive BPE", test_naive);
    RUN("tokenizer: bad files", test_bad);
    RUN("tokenizer: speed", test_speed);
    tokenizer_close(real);
    tokenizer_close(tiny);
    TEST_END();
}
