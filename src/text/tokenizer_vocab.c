/* tokenizer_vocab.c - the vocabulary and the merges of a tokenizer.
 *
 * In both each byte of a token is written as one character (GPT-2's byte-level alphabet). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/utf8.h"
#include "text/tokenizer_loader.h"

/* ---- tokens by text ---- */

/* The slot of a text, or the free slot where it belongs. */
static uint64_t *find_slot(const struct loader *l, const char *p, size_t n, uint32_t hash) {
    for (uint32_t i = hash & l->mask;; i = (i + 1) & l->mask) {
        if (l->slots[i] == 0) return &l->slots[i];
        if (l->slots[i] >> 32 != hash) continue;
        const struct entry *e = &l->entries[(uint32_t)l->slots[i] - 1];
        if (e->len == n && memcmp(l->text.p + e->pos, p, n) == 0) return &l->slots[i];
    }
}

const struct entry *find_entry(const struct loader *l, const char *p, size_t n) {
    uint64_t slot = *find_slot(l, p, n, hash_bytes(p, n));
    return slot ? &l->entries[(uint32_t)slot - 1] : NULL;
}

/* Enters a token in its slot, which is free. */
static void fill_slot(struct loader *l, uint64_t *slot, uint32_t hash, struct entry e) {
    l->entries[l->n_entries] = e;
    l->owner[e.id] = ++l->n_entries;
    *slot = (uint64_t)hash << 32 | l->n_entries;
    if (e.id >= l->t->size) l->t->size = e.id + 1;
}

void put_entry(struct loader *l, uint32_t pos, uint32_t len, uint32_t id) {
    uint32_t hash = hash_bytes(l->text.p + pos, len);
    uint64_t *slot = find_slot(l, l->text.p + pos, len, hash);
    fill_slot(l, slot, hash, (struct entry){pos, len, id});
}

int reserve_tables(struct loader *l, const struct source *s, uint64_t n) {
    uint32_t slots = 16;
    if (n > MAX_ID)
        return fail(l->err, QW_EFORMAT, "%s: %" PRIu64 " tokens; at most %d are supported",
                    s->name, n, MAX_ID);
    while (slots / 3 * 2 < n) slots *= 2;
    l->id_limit = 2 * (uint32_t)n + 65536;
    l->mask = slots - 1;
    l->slots = alloc_zero(slots, sizeof *l->slots);
    l->owner = alloc_zero(l->id_limit, sizeof *l->owner);
    l->entries = alloc_zero(n, sizeof *l->entries);
    l->added_at = alloc_zero(n, sizeof *l->added_at);
    return l->slots && l->owner && l->entries && l->added_at ? 0 : fail_no_memory(l);
}

/* ---- the vocabulary ---- */

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

/* Checks a token of the vocabulary and enters it: its text is text.p + pos to the end of text, key
 * and key + 1 are its nodes. */
static int add_token(struct loader *l, const struct source *s, uint32_t pos, uint32_t key) {
    char a[SHOWN], b[SHOWN];
    const struct json *j = &s->j;
    int64_t id;
    uint32_t len = (uint32_t)l->text.n - pos;
    if (l->text.oom) return fail_no_memory(l);
    if (len == 0)
        return fail(l->err, QW_EFORMAT, "%s: a token with an empty text (id %s)", s->name,
                    show_value(j, key + 1, a));
    if (!json_int(j, key + 1, &id) || id < 0 || id > MAX_ID)
        return fail(l->err, QW_EFORMAT,
                    "%s: the id of token %s is %s, not a whole number from 0 to %d", s->name,
                    show_value(j, key, a), show_value(j, key + 1, b), MAX_ID);
    if (id >= l->id_limit)
        return fail(l->err, QW_EFORMAT,
                    "%s: the id of token %s is %" PRId64 ", far beyond the number of tokens",
                    s->name, show_value(j, key, a), id);
    if (l->owner[id])
        return fail(l->err, QW_EFORMAT,
                    "%s: token %s has id %" PRId64 ", which another token has too", s->name,
                    show_value(j, key, a), id);
    uint32_t hash = hash_bytes(l->text.p + pos, len);
    uint64_t *slot = find_slot(l, l->text.p + pos, len, hash);
    if (*slot)
        return fail(l->err, QW_EFORMAT, "%s: token %s occurs twice in the vocabulary", s->name,
                    show_value(j, key, a));
    fill_slot(l, slot, hash, (struct entry){pos, len, (uint32_t)id});
    return 0;
}

int read_vocab(struct loader *l, const struct source *s, uint32_t vocab) {
    const struct json *j = &s->j;
    make_alphabet(l);
    for (uint32_t k = vocab + 1; k < json_end(j, vocab); k = json_next(j, k + 1)) {
        uint32_t pos = (uint32_t)l->text.n;
        json_string(j, k, &l->text);
        int rc = add_token(l, s, pos, k);
        if (rc) return rc;
    }
    l->n_vocab = l->n_entries;
    for (int b = 0; b < 256; b++) {
        char c[4];
        const struct entry *e = find_entry(l, c, (size_t)utf8_encode(l->byte_char[b], c));
        if (!e)
            return fail(l->err, QW_EUNSUPPORTED,
                        "%s: the vocabulary has no token for the byte 0x%02X", s->name,
                        (unsigned)b);
        l->t->byte_id[b] = (int32_t)e->id;
    }
    return 0;
}

/* ---- merges ---- */

/* Enters a merge: both parts one after the other, the first has cut bytes. NULL, or what is wrong
 * with it. */
static const char *add_merge(struct loader *l, const struct buf *both, size_t cut,
                             uint32_t rank) {
    if (cut == 0 || cut == both->n) return "a part is empty";
    const struct entry *a = find_entry(l, both->p, cut);
    const struct entry *b = find_entry(l, both->p + cut, both->n - cut);
    const struct entry *ab = find_entry(l, both->p, both->n);
    if (!a) return "the first is not in the vocabulary";
    if (!b) return "the second is not in the vocabulary";
    if (!ab) return "their concatenation is not in the vocabulary";
    bpe_add(&l->t->merges, a->id, b->id, rank, ab->id);
    return NULL;
}

static int fail_merge(const struct loader *l, const struct source *s, uint32_t node,
                      uint32_t rank, const char *why) {
    char a[SHOWN], b[SHOWN];
    const struct json *j = &s->j;
    if (json_type(j, node) == JSON_ARRAY && j->nodes[node].len == 2)
        return fail(l->err, QW_EFORMAT, "%s: merge %" PRIu32 " (%s, %s): %s", s->name, rank,
                    show_value(j, node + 1, a), show_value(j, json_next(j, node + 1), b), why);
    return fail(l->err, QW_EFORMAT, "%s: merge %" PRIu32 " (%s): %s", s->name, rank,
                show_value(j, node, a), why);
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

int read_merges(struct loader *l, const struct source *s, uint32_t merges) {
    const struct json *j = &s->j;
    struct buf both = {0};
    uint32_t rank = 0;
    size_t cut = 0;
    int rc = 0;
    if (!bpe_init(&l->t->merges, j->nodes[merges].len)) return fail_no_memory(l);
    for (uint32_t k = merges + 1; rc == 0 && k < json_end(j, merges); k = json_next(j, k)) {
        bool pair = read_merge(j, k, &both, &cut);
        if (both.oom) rc = fail_no_memory(l);
        if (rc) break;
        const char *wrong = pair ? add_merge(l, &both, cut, rank) : "not a pair of tokens";
        if (wrong) rc = fail_merge(l, s, k, rank, wrong);
        rank++;
    }
    buf_free(&both);
    return rc;
}

/* ---- merges.txt: a line for each merge, "a b"; the first may say "#version: ..." ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* The next line of text[*at..n), without blanks around it; false at the end. */
static bool next_line(const char *text, size_t n, size_t *at, const char **line, size_t *len) {
    if (*at >= n) return false;
    const char *p = text + *at, *end = memchr(p, '\n', n - *at);
    if (!end) end = text + n;
    *at = (size_t)(end - text) + 1;
    while (p < end && is_blank(*p)) p++;
    while (p < end && is_blank(end[-1])) end--;
    *line = p;
    *len = (size_t)(end - p);
    return true;
}

/* As read_merge. */
static bool split_line(const char *line, size_t len, struct buf *both, size_t *cut) {
    size_t first = 0, second;
    both->n = 0;
    while (first < len && !is_blank(line[first])) first++;
    second = first;
    while (second < len && is_blank(line[second])) second++;
    for (size_t i = second; i < len; i++)
        if (is_blank(line[i])) return false;
    *cut = first;
    buf_put(both, line, first);
    buf_put(both, line + second, len - second);
    return second < len;
}

int read_merges_text(struct loader *l, const struct tokenizer_file *f) {
    struct buf both = {0};
    const char *line;
    size_t at = 0, len, cut;
    uint32_t rank = 0, number = 0, lines = 1;
    int rc = 0;
    if (utf8_valid_prefix(f->data, f->size) < f->size)
        return fail(l->err, QW_EFORMAT, "%s: not valid UTF-8", f->name);
    for (size_t i = 0; i < f->size; i++) lines += f->data[i] == '\n';
    if (!bpe_init(&l->t->merges, lines)) return fail_no_memory(l);
    while (!rc && next_line(f->data, f->size, &at, &line, &len)) {
        static const char version[] = "#version:";
        const size_t n = sizeof version - 1;
        number++;
        if (len == 0 || (number == 1 && len >= n && memcmp(line, version, n) == 0)) continue;
        const char *wrong = "not a pair of tokens";
        if (split_line(line, len, &both, &cut) && !both.oom)
            wrong = add_merge(l, &both, cut, rank++);
        if (both.oom) rc = fail_no_memory(l);
        else if (wrong) rc = fail(l->err, QW_EFORMAT, "%s: line %" PRIu32 ": %s", f->name, number,
                                  wrong);
    }
    buf_free(&both);
    return rc;
}

/* ---- ids to bytes ---- */

/* Writes the bytes of a token and returns how many: those that its text stands for if all of it
 * is of the byte-level alphabet (*coded), else the text itself. Never more than the text has. */
static size_t put_token_bytes(const struct loader *l, const char *p, size_t n, char *out,
                              bool *coded) {
    size_t i = 0, k = 0;
    *coded = true;
    while (i < n) {
        uint32_t cp;
        i += (size_t)utf8_decode(p + i, n - i, &cp);
        if (cp >= sizeof l->char_byte / sizeof *l->char_byte || l->char_byte[cp] < 0) {
            memcpy(out, p, n);
            *coded = false;
            return n;
        }
        out[k++] = (char)l->char_byte[cp];
    }
    return k;
}

/* is_word: for ignore_merges, the tokens that a piece of text can be, which are those of the
 * vocabulary that are written in the alphabet; else NULL. */
static int fill_bytes(struct loader *l, unsigned char *is_word) {
    struct tokenizer *t = l->t;
    size_t n = 0;
    char *bytes = malloc(l->text.n + 1), *fitted;
    t->bytes = bytes;
    t->offset = alloc_zero((uint64_t)t->size + 1, sizeof *t->offset);
    t->is_added = alloc_zero(t->size / 8 + 1, 1);
    int rc = bytes && t->offset && t->is_added ? 0 : fail_no_memory(l);
    for (uint32_t id = 0; !rc && id < t->size; id++) {
        const uint32_t owner = l->owner[id];
        if (owner) {
            const struct entry *e = &l->entries[owner - 1];
            bool coded;
            n += put_token_bytes(l, l->text.p + e->pos, e->len, bytes + n, &coded);
            if (is_word && coded && owner <= l->n_vocab)
                is_word[id >> 3] |= (unsigned char)(1 << (id & 7));
        }
        t->offset[id + 1] = (uint32_t)n;
    }
    if (!rc && (fitted = realloc(bytes, n + 1)) != NULL) t->bytes = fitted;
    for (uint32_t i = 0; !rc && i < t->added.n; i++) {
        const int32_t id = t->added.list[i].id;
        t->is_added[id >> 3] |= (unsigned char)(1 << (id & 7));
    }
    return rc;
}

int make_bytes(struct loader *l) {
    if (!l->ignore_merges) return fill_bytes(l, NULL);
    unsigned char *is_word = alloc_zero(l->t->size / 8 + 1, 1);
    int rc = is_word ? fill_bytes(l, is_word) : fail_no_memory(l);
    if (!rc && !index_words(l->t, is_word)) rc = fail_no_memory(l);
    free(is_word);
    return rc;
}
