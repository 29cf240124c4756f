/* tokenizer_load.c - checks tokenizer.json and makes the tables of tokenizer_impl.h from it.
 *
 *   {"added_tokens": [{"id": 5, "content": "<think>", "lstrip": false, ...}, ...],
 *    "normalizer": NFC,
 *    "pre_tokenizer": Split by SPLIT_PATTERN, then ByteLevel,
 *    "decoder": ByteLevel,
 *    "model": {"type": "BPE", "vocab": {"a": 64, ...},
 *              "merges": [["t", "h"], ...] or ["t h", ...]}}
 *
 * In vocab and merges each byte of a token is written as one character (GPT-2's byte-level
 * alphabet, below). Not read: post_processor, truncation and padding, which concern whole
 * inputs, not the tokens of a text. */
#include "base/json.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/file.h"
#include "base/utf8.h"
#include "text/pretokenize.h"
#include "text/tokenizer_impl.h"

enum { MAX_FILE = 1 << 29, MAX_ID = (1 << 24) - 1 };

/* Tokens by text, as written in the file; only needed while loading. */
struct entry { uint32_t pos, len, id; };                /* text.p[pos .. pos + len) */
struct loader {
    struct tokenizer *t;
    struct json j;
    const char *what;
    size_t size;                /* of the JSON text */
    qw_error *err;
    struct buf text;
    struct entry *entries;
    uint32_t n_entries;
    uint64_t *slots;            /* hash << 32 | entry + 1, or 0; open addressing */
    uint32_t mask;              /* mask + 1 slots, a power of two */
    uint32_t *owner;            /* [id_limit] entry + 1 of each id, or 0 */
    uint32_t id_limit;
    uint32_t byte_char[256];    /* the byte-level alphabet: byte -> character ... */
    int16_t char_byte[512];     /* ... and back, or -1 */
};

/* ---- messages ---- */

enum { SHOWN = 72 };

/* A JSON value as written in the file, cut short, without the control characters that a terminal
 * would obey. */
static const char *show_value(const struct json *j, uint32_t node, char out[SHOWN]) {
    const struct json_node *v = &j->nodes[node];
    size_t n = 0, i = 0;
    bool quotes = v->type == JSON_STRING;
    if (node == 0) return "missing";
    if (v->type == JSON_ARRAY) return "an array";
    if (v->type == JSON_OBJECT) return "an object";
    if (quotes) out[n++] = '"';
    while (i < v->len && n < SHOWN - 12) {
        uint32_t cp;
        size_t len = (size_t)utf8_decode(j->text + v->pos + i, v->len - i, &cp);
        if (len == 0 || cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) {
            out[n++] = '?';
        } else {
            memcpy(out + n, j->text + v->pos + i, len);
            n += len;
        }
        i += len ? len : 1;
    }
    if (i < v->len) {
        memcpy(out + n, "...", 3);
        n += 3;
    }
    if (quotes) out[n++] = '"';
    out[n] = 0;
    return out;
}

static int fail_unsupported(const struct loader *l, const char *name, uint32_t node,
                       const char *wanted) {
    char s[SHOWN];
    return fail(l->err, QW_EUNSUPPORTED, "%s: %s is %s; only %s is supported", l->what, name,
                show_value(&l->j, node, s), wanted);
}

static int fail_no_memory(const struct loader *l) { return fail_memory(l->err, l->what, l->size); }

/* ---- tokens by text ---- */

static uint32_t hash_text(const char *p, size_t n) {
    uint64_t h = UINT64_C(0xCBF29CE484222325);          /* FNV-1a, its high bits folded down */
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001B3);
    return (uint32_t)(h ^ h >> 32);
}

/* The slot of a text, or the free slot where it belongs. */
static uint64_t *find_slot(const struct loader *l, const char *p, size_t n, uint32_t hash) {
    for (uint32_t i = hash & l->mask;; i = (i + 1) & l->mask) {
        if (l->slots[i] == 0) return &l->slots[i];
        if (l->slots[i] >> 32 != hash) continue;
        const struct entry *e = &l->entries[(uint32_t)l->slots[i] - 1];
        if (e->len == n && memcmp(l->text.p + e->pos, p, n) == 0) return &l->slots[i];
    }
}

static const struct entry *find_entry(const struct loader *l, const char *p, size_t n) {
    uint64_t slot = *find_slot(l, p, n, hash_text(p, n));
    return slot ? &l->entries[(uint32_t)slot - 1] : NULL;
}

/* Checks an id and gives it to the token whose text is text.p + pos to the end of text. The
 * token is new: no other may have that text. `key` is its node in the file, for messages. */
static int add_entry(struct loader *l, uint32_t pos, uint32_t key, uint32_t value) {
    char s[SHOWN], s2[SHOWN];
    int64_t id;
    uint32_t len = (uint32_t)l->text.n - pos;
    if (l->text.oom) return fail_no_memory(l);
    if (len == 0)
        return fail(l->err, QW_EFORMAT, "%s: a token with an empty text (id %s)", l->what,
                    show_value(&l->j, value, s));
    if (!json_int(&l->j, value, &id) || id < 0 || id > MAX_ID)
        return fail(l->err, QW_EFORMAT,
                    "%s: the id of token %s is %s, not a whole number from 0 to %d", l->what,
                    show_value(&l->j, key, s), show_value(&l->j, value, s2), MAX_ID);
    if (id >= l->id_limit)
        return fail(l->err, QW_EFORMAT,
                    "%s: the id of token %s is %" PRId64 ", far beyond the number of tokens",
                    l->what, show_value(&l->j, key, s), id);
    if (l->owner[id])
        return fail(l->err, QW_EFORMAT,
                    "%s: token %s has id %" PRId64 ", which another token has too", l->what,
                    show_value(&l->j, key, s), id);
    uint32_t hash = hash_text(l->text.p + pos, len);
    uint64_t *slot = find_slot(l, l->text.p + pos, len, hash);
    if (*slot)
        return fail(l->err, QW_EFORMAT, "%s: token %s occurs twice in the vocabulary", l->what,
                    show_value(&l->j, key, s));
    l->entries[l->n_entries] = (struct entry){pos, len, (uint32_t)id};
    l->owner[id] = ++l->n_entries;
    *slot = (uint64_t)hash << 32 | l->n_entries;
    if ((uint32_t)id >= l->t->size) l->t->size = (uint32_t)id + 1;
    return 0;
}

/* ---- the parts around the model ---- */

static bool is_absent(const struct json *j, uint32_t node) {
    return node == 0 || json_type(j, node) == JSON_NULL;
}

static bool is_false(const struct json *j, uint32_t obj, const char *key) {
    uint32_t v = json_get(j, obj, key);
    return v && json_type(j, v) == JSON_FALSE;
}

/* `name`.type must be `type`. */
static int check_type(const struct loader *l, uint32_t node, const char *name, const char *type) {
    char full[64];
    bool object = node && json_type(&l->j, node) == JSON_OBJECT;
    uint32_t v = object ? json_get(&l->j, node, "type") : 0;
    if (v && json_is(&l->j, v, type)) return 0;
    snprintf(full, sizeof full, "%s%s", name, object ? ".type" : "");
    return fail_unsupported(l, full, object ? v : node, type);
}

static int check_normalizer(const struct loader *l) {
    const struct json *j = &l->j;
    uint32_t node = json_get(j, 0, "normalizer"), type = json_get(j, node, "type");
    uint32_t list = json_get(j, node, "normalizers");
    if (node && type && json_is(j, type, "Sequence") && list && json_type(j, list) == JSON_ARRAY) {
        if (j->nodes[list].len != 1)
            return fail_unsupported(l, "normalizer.normalizers", list, "a list of one NFC");
        return check_type(l, list + 1, "normalizer.normalizers[0]", "NFC");
    }
    return check_type(l, node, "normalizer", "NFC");
}

static int check_pre_tokenizer(const struct loader *l) {
    const struct json *j = &l->j;
    uint32_t node = json_get(j, 0, "pre_tokenizer"), list, split, level, v;
    int rc = check_type(l, node, "pre_tokenizer", "Sequence");
    if (rc) return rc;
    list = json_get(j, node, "pretokenizers");
    if (list == 0 || json_type(j, list) != JSON_ARRAY || j->nodes[list].len != 2)
        return fail_unsupported(l, "pre_tokenizer.pretokenizers", list,
                                "a list of Split and ByteLevel");
    split = list + 1;
    level = json_next(j, split);
    if ((rc = check_type(l, split, "pre_tokenizer.pretokenizers[0]", "Split")) != 0) return rc;
    if ((rc = check_type(l, level, "pre_tokenizer.pretokenizers[1]", "ByteLevel")) != 0) return rc;
    v = json_get(j, split, "pattern");
    v = v ? json_get(j, v, "Regex") : 0;
    if (v == 0 || !json_is(j, v, SPLIT_PATTERN))
        return fail_unsupported(l, "the pre_tokenizer's splitting pattern", v,
                           "that of Qwen2 and Qwen3");
    v = json_get(j, split, "behavior");
    if (v == 0 || !json_is(j, v, "Isolated"))
        return fail_unsupported(l, "the pre_tokenizer's Split.behavior", v, "\"Isolated\"");
    if (!is_false(j, split, "invert"))
        return fail_unsupported(l, "the pre_tokenizer's Split.invert", json_get(j, split, "invert"),
                           "false");
    static const char *const flags[] = {"add_prefix_space", "use_regex"};
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "the pre_tokenizer's ByteLevel.%s", flags[i]);
        if (!is_false(j, level, flags[i]))
            return fail_unsupported(l, name, json_get(j, level, flags[i]), "false");
    }
    return 0;
}

static int check_model(const struct loader *l, uint32_t model) {
    const struct json *j = &l->j;
    double dropout = 1;
    uint32_t v;
    int rc = check_type(l, model, "model", "BPE");
    if (rc) return rc;
    v = json_get(j, model, "dropout");
    if (!is_absent(j, v) && (!json_double(j, v, &dropout) || dropout != 0))
        return fail_unsupported(l, "model.dropout", v, "null");
    v = json_get(j, model, "unk_token");
    if (!is_absent(j, v)) return fail_unsupported(l, "model.unk_token", v, "null");
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    static const char *const flags[] = {"byte_fallback", "ignore_merges"};
    for (int i = 0; i < 2; i++) {
        char name[64];
        v = json_get(j, model, affixes[i]);
        snprintf(name, sizeof name, "model.%s", affixes[i]);
        if (!is_absent(j, v) && !json_is(j, v, ""))
            return fail_unsupported(l, name, v, "an empty one");
        v = json_get(j, model, flags[i]);
        snprintf(name, sizeof name, "model.%s", flags[i]);
        if (!is_absent(j, v) && json_type(j, v) != JSON_FALSE)
            return fail_unsupported(l, name, v, "false");
    }
    return 0;
}

/* ---- the model: vocabulary and merges ---- */

/* The alphabet: printable bytes of Latin-1 stand for themselves, the 68 others are U+0100,
 * U+0101, ... in order. */
static void make_alphabet(struct loader *l) {
    uint32_t next = 256;
    memset(l->char_byte, -1, sizeof l->char_byte);
    for (uint32_t b = 0; b < 256; b++) {
        bool printable = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
        l->byte_char[b] = printable ? b : next++;
        l->char_byte[l->byte_char[b]] = (int16_t)b;
    }
}

/* Makes room for all tokens that there can be. Ids may leave gaps, but no more than a few times
 * the number of tokens: memory is then proportional to the file. */
static int reserve_tables(struct loader *l, uint32_t n) {
    uint32_t slots = 16;
    if (n > MAX_ID)
        return fail(l->err, QW_EFORMAT, "%s: %" PRIu32 " tokens; at most %d are supported", l->what,
                    n, MAX_ID);
    while (slots / 3 * 2 < n) slots *= 2;
    l->id_limit = 2 * n + 65536;
    l->mask = slots - 1;
    l->slots = alloc_zero(slots, sizeof *l->slots);
    l->owner = alloc_zero(l->id_limit, sizeof *l->owner);
    l->entries = alloc_zero(n, sizeof *l->entries);
    return l->slots && l->owner && l->entries ? 0 : fail_no_memory(l);
}

static int read_vocab(struct loader *l, uint32_t vocab) {
    const struct json *j = &l->j;
    for (uint32_t k = vocab + 1; k < json_end(j, vocab); k = json_next(j, k + 1)) {
        uint32_t pos = (uint32_t)l->text.n;
        json_string(j, k, &l->text);
        int rc = add_entry(l, pos, k, k + 1);
        if (rc) return rc;
    }
    for (int b = 0; b < 256; b++) {
        char c[4];
        const struct entry *e = find_entry(l, c, (size_t)utf8_encode(l->byte_char[b], c));
        if (!e)
            return fail(l->err, QW_EFORMAT, "%s: the vocabulary has no token for the byte 0x%02X",
                        l->what, (unsigned)b);
        l->t->byte_id[b] = (int32_t)e->id;
    }
    return 0;
}

static int fail_merge(const struct loader *l, uint32_t node, uint32_t rank, const char *why) {
    char s[SHOWN], s2[SHOWN];
    if (json_type(&l->j, node) == JSON_ARRAY && l->j.nodes[node].len == 2)
        return fail(l->err, QW_EFORMAT, "%s: merge %" PRIu32 " (%s, %s): %s", l->what, rank,
                    show_value(&l->j, node + 1, s),
                    show_value(&l->j, json_next(&l->j, node + 1), s2), why);
    return fail(l->err, QW_EFORMAT, "%s: merge %" PRIu32 " (%s): %s", l->what, rank,
                show_value(&l->j, node, s), why);
}

/* Puts both parts of a merge into `both`, one after the other; the first has *cut bytes. False:
 * the node is not a pair of strings. */
static bool read_merge(const struct json *j, uint32_t node, struct buf *both, size_t *cut) {
    both->n = 0;
    if (json_type(j, node) == JSON_STRING) {            /* "a b" */
        json_string(j, node, both);
        const char *space = both->n ? memchr(both->p, ' ', both->n) : NULL;
        if (!space) return false;
        *cut = (size_t)(space - both->p);
        size_t rest = both->n - *cut - 1;
        if (memchr(space + 1, ' ', rest)) return false;
        memmove(both->p + *cut, space + 1, rest);
        both->n--;
        return true;
    }
    if (json_type(j, node) != JSON_ARRAY || j->nodes[node].len != 2) return false;
    uint32_t a = node + 1, b = json_next(j, a);
    if (json_type(j, a) != JSON_STRING || json_type(j, b) != JSON_STRING) return false;
    json_string(j, a, both);
    *cut = both->n;
    json_string(j, b, both);
    return true;
}

static int read_merges(struct loader *l, uint32_t merges) {
    struct buf both = {0};
    uint32_t rank = 0;
    size_t cut = 0;
    int rc = 0;
    if (!bpe_init(&l->t->merges, l->j.nodes[merges].len)) return fail_no_memory(l);
    for (uint32_t k = merges + 1; rc == 0 && k < json_end(&l->j, merges);
         k = json_next(&l->j, k), rank++) {
        bool pair = read_merge(&l->j, k, &both, &cut);
        if (both.oom) rc = fail_no_memory(l);
        else if (!pair) rc = fail_merge(l, k, rank, "not a pair of tokens");
        else if (cut == 0 || cut == both.n) rc = fail_merge(l, k, rank, "a part is empty");
        if (rc) break;
        const struct entry *a = find_entry(l, both.p, cut);
        const struct entry *b = find_entry(l, both.p + cut, both.n - cut);
        const struct entry *ab = find_entry(l, both.p, both.n);
        if (!a) rc = fail_merge(l, k, rank, "the first is not in the vocabulary");
        else if (!b) rc = fail_merge(l, k, rank, "the second is not in the vocabulary");
        else if (!ab) rc = fail_merge(l, k, rank, "their concatenation is not in the vocabulary");
        else bpe_add(&l->t->merges, a->id, b->id, rank, ab->id);
    }
    buf_free(&both);
    return rc;
}

/* ---- added tokens ---- */

static int by_text(const void *pa, const void *pb) {
    const struct added *a = pa, *b = pb;
    uint32_t n = a->len < b->len ? a->len : b->len;
    int c = memcmp(a->text, b->text, n);
    if (c) return c;
    return (a->len > b->len) - (a->len < b->len);
}

/* Reads one added token: its text goes to the end of l->text, its place there and its id to
 * *out. */
static int read_added_token(struct loader *l, uint32_t node, struct entry *out) {
    static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized"};
    const struct json *j = &l->j;
    char s[SHOWN], s2[SHOWN];
    uint32_t content = json_get(j, node, "content"), id = json_get(j, node, "id");
    if (content == 0 || json_type(j, content) != JSON_STRING || id == 0)
        return fail(l->err, QW_EFORMAT, "%s: an added token has no id or no content", l->what);
    for (int i = 0; i < 4; i++)
        if (!is_false(j, node, flags[i]))
            return fail(l->err, QW_EUNSUPPORTED,
                        "%s: added token %s: %s is %s; only false is supported", l->what,
                        show_value(j, content, s), flags[i],
                        show_value(j, json_get(j, node, flags[i]), s2));
    uint32_t pos = (uint32_t)l->text.n;
    json_string(j, content, &l->text);
    if (l->text.oom) return fail_no_memory(l);
    const struct entry *known = find_entry(l, l->text.p + pos, l->text.n - pos);
    if (!known) {
        int rc = add_entry(l, pos, content, id);
        if (rc) return rc;
        *out = l->entries[l->n_entries - 1];
        return 0;
    }
    int64_t n;
    if (!json_int(j, id, &n) || n != known->id)
        return fail(l->err, QW_EFORMAT,
                    "%s: added token %s has id %s, but the vocabulary says %" PRIu32, l->what,
                    show_value(j, content, s), show_value(j, id, s2), known->id);
    *out = *known;
    return 0;
}

static int read_added(struct loader *l, uint32_t list) {
    struct tokenizer *t = l->t;
    uint32_t n = l->j.nodes[list].len, i = 0;
    size_t bytes = 0;
    struct entry *found = alloc_zero(n, sizeof *found);
    t->added = alloc_zero(n, sizeof *t->added);
    t->n_added = n;
    int rc = found && t->added ? 0 : fail_no_memory(l);
    for (uint32_t k = list + 1; rc == 0 && k < json_end(&l->j, list); k = json_next(&l->j, k)) {
        uint32_t special = json_get(&l->j, k, "special");
        rc = read_added_token(l, k, &found[i]);
        t->added[i].special = special != 0 && json_type(&l->j, special) == JSON_TRUE;
        bytes += found[i++].len;
    }
    if (rc == 0 && !(t->added_text = malloc(bytes + 1))) rc = fail_no_memory(l);
    bytes = 0;
    for (i = 0; rc == 0 && i < n; i++) {
        const struct entry *e = &found[i];
        struct added *added = &t->added[i];
        added->text = t->added_text + bytes;
        added->len = e->len;
        added->id = (int32_t)e->id;
        memcpy(t->added_text + bytes, l->text.p + e->pos, e->len);
        t->added_first[(unsigned char)t->added_text[bytes]] = true;
        if (e->len > t->added_longest) t->added_longest = e->len;
        bytes += e->len;
    }
    free(found);
    if (rc) return rc;
    qsort(t->added, n, sizeof *t->added, by_text);
    for (i = 1; i < n; i++)
        if (by_text(&t->added[i - 1], &t->added[i]) == 0)
            return fail(l->err, QW_EFORMAT,
                        "%s: the added token with id %" PRId32 " is listed twice", l->what,
                        t->added[i].id);
    return 0;
}

/* ---- ids to bytes ---- */

/* Writes the bytes of a token and returns how many: those that its text stands for if all of it
 * is of the byte-level alphabet, else the text itself. Never more than the text has. */
static size_t put_token_bytes(const struct loader *l, const char *p, size_t n, char *out) {
    size_t i = 0, k = 0;
    while (i < n) {
        uint32_t cp;
        i += (size_t)utf8_decode(p + i, n - i, &cp);
        if (cp >= sizeof l->char_byte / sizeof *l->char_byte || l->char_byte[cp] < 0) {
            memcpy(out, p, n);
            return n;
        }
        out[k++] = (char)l->char_byte[cp];
    }
    return k;
}

static int make_bytes(struct loader *l) {
    struct tokenizer *t = l->t;
    size_t n = 0;
    char *bytes = malloc(l->text.n + 1), *fitted;
    t->bytes = bytes;
    t->offset = alloc_zero((uint64_t)t->size + 1, sizeof *t->offset);
    t->is_added = alloc_zero(t->size / 8 + 1, 1);
    if (!bytes || !t->offset || !t->is_added) return fail_no_memory(l);
    for (uint32_t id = 0; id < t->size; id++) {
        if (l->owner[id]) {
            const struct entry *e = &l->entries[l->owner[id] - 1];
            n += put_token_bytes(l, l->text.p + e->pos, e->len, bytes + n);
        }
        t->offset[id + 1] = (uint32_t)n;
    }
    if ((fitted = realloc(bytes, n + 1)) != NULL) t->bytes = fitted;
    for (uint32_t i = 0; i < t->n_added; i++)
        t->is_added[t->added[i].id >> 3] |= (unsigned char)(1 << (t->added[i].id & 7));
    return 0;
}

/* ---- all of it ---- */

static int load_tables(struct loader *l) {
    const struct json *j = &l->j;
    uint32_t model, vocab, merges, added;
    int rc;
    if (json_type(j, 0) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: not a JSON object", l->what);
    model = json_get(j, 0, "model");
    rc = check_model(l, model);
    if (!rc) rc = check_normalizer(l);
    if (!rc) rc = check_pre_tokenizer(l);
    if (!rc) rc = check_type(l, json_get(j, 0, "decoder"), "decoder", "ByteLevel");
    if (rc) return rc;
    vocab = json_get(j, model, "vocab");
    merges = json_get(j, model, "merges");
    added = json_get(j, 0, "added_tokens");
    if (vocab == 0 || json_type(j, vocab) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: model.vocab is missing or not an object", l->what);
    if (merges == 0 || json_type(j, merges) != JSON_ARRAY)
        return fail(l->err, QW_EFORMAT, "%s: model.merges is missing or not an array", l->what);
    if (!is_absent(j, added) && json_type(j, added) != JSON_ARRAY)
        return fail(l->err, QW_EFORMAT, "%s: added_tokens is not an array", l->what);
    make_alphabet(l);
    uint32_t n_added = is_absent(j, added) ? 0 : j->nodes[added].len;
    rc = reserve_tables(l, j->nodes[vocab].len + n_added);
    if (!rc) rc = read_vocab(l, vocab);
    if (!rc) rc = read_merges(l, merges);
    if (!rc && !is_absent(j, added)) rc = read_added(l, added);
    if (rc) return rc;
    return make_bytes(l);
}

int tokenizer_parse(struct tokenizer **out, const char *json, size_t size, const char *what,
                    qw_error *err) {
    struct loader l = {.what = what, .size = size, .err = err};
    *out = NULL;
    int rc = json_parse(&l.j, json, size, what, err);
    if (rc) return rc;
    l.t = alloc_zero(1, sizeof *l.t);
    rc = l.t ? load_tables(&l) : fail_no_memory(&l);
    json_free(&l.j);
    buf_free(&l.text);
    free(l.entries);
    free(l.slots);
    free(l.owner);
    if (rc) tokenizer_close(l.t);
    else *out = l.t;
    return rc;
}

int tokenizer_open(struct tokenizer **out, const char *path, qw_error *err) {
    struct file f;
    *out = NULL;
    int rc = read_file(&f, path, MAX_FILE, err);
    if (rc) return rc;
    rc = tokenizer_parse(out, (const char *)f.data, (size_t)f.size, path, err);
    file_close(&f);
    return rc;
}
