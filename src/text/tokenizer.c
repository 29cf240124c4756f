/* tokenizer.c - text to ids and back. tokenizer_load.c makes the tables.
 *
 *   text -> added tokens cut out -> the rest: NFC -> normalised added tokens cut out
 *        -> the rest: pieces (pretokenize.c) -> ids (bpe.c) */
#include "text/tokenizer_impl.h"
#include "text/pretokenize.h"
#include "text/unicode.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

/* ---- lookups ---- */

const char *tokenizer_name(const struct tokenizer *t) { return t->name; }
const struct warnings *tokenizer_warnings(const struct tokenizer *t) { return &t->warnings; }

int tokenizer_size(const struct tokenizer *t) { return (int)t->size; }

const char *tokenizer_bytes(const struct tokenizer *t, int32_t id, size_t *n) {
    *n = 0;
    if (id < 0 || (uint32_t)id >= t->size || t->offset[id] == t->offset[id + 1]) return NULL;
    *n = t->offset[id + 1] - t->offset[id];
    return t->bytes + t->offset[id];
}

bool tokenizer_is_added(const struct tokenizer *t, int32_t id) {
    return id >= 0 && (uint32_t)id < t->size && (t->is_added[id >> 3] >> (id & 7) & 1);
}

bool tokenizer_is_special(const struct tokenizer *t, int32_t id) {
    if (!tokenizer_is_added(t, id)) return false;
    for (uint32_t i = 0; i < t->added.n; i++)
        if (t->added.list[i].id == id) return t->added.list[i].flags & ADDED_SPECIAL;
    return false;
}

/* The first of added[lo..hi), all longer than k bytes and equal up to there, whose byte k is >=
 * c. */
static uint32_t lower_bound(const struct added *added, uint32_t lo, uint32_t hi, size_t k,
                            unsigned c) {
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if ((unsigned char)added[mid].text[k] < c) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/* The longest added token that text[0..n) starts with, or NULL. Among the sorted tokens, those
 * that agree with the text so far form a range, which is narrowed byte by byte; a token that
 * ends here is the first of its range. Where the first and the last agree all do. */
static const struct added *find_added(const struct added_set *set, const char *text, size_t n) {
    const struct added *best = NULL;
    uint32_t lo = 0, hi = set->n;
    for (size_t k = 0; lo < hi; k++) {
        if (set->list[lo].len == k) {
            best = &set->list[lo];
            lo++;
        }
        if (k == n || lo == hi) break;
        unsigned char c = (unsigned char)text[k];
        if (set->list[lo].text[k] == text[k] && set->list[hi - 1].text[k] == text[k]) continue;
        lo = lower_bound(set->list, lo, hi, k, c);
        hi = lower_bound(set->list, lo, hi, k, (unsigned)c + 1);
    }
    return best;
}

int32_t tokenizer_added(const struct tokenizer *t, const char *content) {
    size_t n = strlen(content);
    const struct added *a = find_added(&t->added, content, n);
    return a && a->len == n ? a->id : -1;
}

/* ---- encoding ---- */

/* Keeps each piece below BPE_MAX_PIECE: NFC makes UTF-8 at most three times as long. */
enum { MAX_TEXT = 1 << 29 };

struct encoder {
    const struct tokenizer *t;
    enum added_mode mode;
    struct bpe_work work;
    struct ids *out;
};

/* Text, and the mask of its bytes with ADDED_MASKED. */
struct span { const char *text; const unsigned char *mask; size_t n; };

static struct span part_of(struct span s, size_t from, size_t to) {
    return (struct span){s.text + from, s.mask ? s.mask + from : NULL, to - from};
}

/* Appends the ids of a span, or parts of it; false: out of memory. */
typedef bool encode_fn(struct encoder *e, struct span s);

/* ---- text without added tokens ---- */

/* Text as it is, normalised. A whole piece that is a token needs no merges where they are ignored
 * (transformers' ignore_merges). */
static bool encode_words(struct encoder *e, struct span s) {
    const struct tokenizer *t = e->t;
    bool ok = true;
    for (size_t i = 0, len; ok && i < s.n; i += len) {
        len = split_piece(s.text + i, s.n - i);
        int32_t word = t->words.slots ? find_word(t, s.text + i, len) : -1;
        if (word >= 0) ids_put(e->out, word);
        else ok = bpe_encode(&t->merges, t->byte_id, s.text + i, len, &e->work, e->out);
    }
    return ok;
}

/* ---- added tokens (transformers' "how an added token matches") ---- */

/* The longest one at text[i], within the mask; NULL: none. */
static const struct added *match_added(const struct encoder *e, const struct added_set *set,
                                       struct span s, size_t i) {
    size_t most = s.n - i < set->longest ? s.n - i : set->longest, room = 0;
    while (room < most && (e->mode == ADDED_ALL || s.mask[i + room])) room++;
    return find_added(set, s.text + i, room);
}

static size_t step_back(const char *text, size_t i) {
    do i--;
    while (((unsigned char)text[i] & 0xC0) == 0x80);
    return i;
}

static bool is_class_at(struct span s, size_t i, enum cp_class class) {
    uint32_t cp;
    utf8_decode(s.text + i, s.n - i, &cp);
    return cp_class(cp) == class;
}

static bool is_word_at(struct span s, size_t i) {
    uint32_t cp;
    utf8_decode(s.text + i, s.n - i, &cp);
    return is_word_character(cp);
}

/* Does the match [begin, end) stand? If not, its text is text, and a shorter token inside it is
 * not looked for. */
static bool match_stands(const struct encoder *e, const struct added *a, struct span s,
                         size_t begin, size_t end) {
    if ((a->flags & ADDED_SPECIAL) && e->t->split_special) return false;
    if (!(a->flags & ADDED_SINGLE_WORD)) return true;
    return !(begin > 0 && is_word_at(s, step_back(s.text, begin))) &&
           !(end < s.n && is_word_at(s, end));
}

/* Where the white space before i begins; it is not looked for before `first`. */
static size_t space_before(struct span s, size_t first, size_t i) {
    while (i > first) {
        size_t before = step_back(s.text, i);
        if (!is_class_at(s, before, CP_SPACE)) break;
        i = before;
    }
    return i;
}

/* Where the white space after i ends. *last is the end that was found before, further left: tokens
 * inside that white space must not each search all of it. */
static size_t space_after(struct span s, size_t i, size_t *last) {
    if (i < *last) return *last;
    while (i < s.n && is_class_at(s, i, CP_SPACE)) {
        uint32_t cp;
        i += (size_t)utf8_decode(s.text + i, s.n - i, &cp);
    }
    *last = i;
    return i;
}

/* The added tokens of a set, leftmost first and the longest of those; what is between them goes to
 * `rest`. Matches do not overlap, but the white space that one takes along may run over the next:
 * then both count, and text goes on after the later one. */
static bool cut_added(struct encoder *e, const struct added_set *set, struct span s,
                      encode_fn *rest) {
    size_t start = 0, i = 0;            /* start: of what has not been encoded */
    size_t last = 0;
    bool ok = true;
    if (e->mode == ADDED_NONE || set->n == 0) return rest(e, s);
    while (ok && i < s.n) {
        const struct added *a = NULL;
        if (set->first[(unsigned char)s.text[i]]) a = match_added(e, set, s, i);
        if (!a) {
            i++;
            continue;
        }
        size_t begin = i, end = i + a->len;
        i = end;
        if (!match_stands(e, a, s, begin, end)) continue;
        if (a->flags & ADDED_LSTRIP) begin = space_before(s, start, begin);
        if (a->flags & ADDED_RSTRIP) end = space_after(s, end, &last);
        if (start < begin) ok = rest(e, part_of(s, start, begin));
        ids_put(e->out, a->id);
        start = end;
    }
    return ok && (start == s.n || rest(e, part_of(s, start, s.n)));
}

/* Text between the tokens that are looked for in text as it is. */
static bool encode_text(struct encoder *e, struct span s) {
    const struct added_set *normalised = &e->t->normalised;
    struct buf text = {0}, mask = {0};
    bool ok = true;
    if (nfc_prefix(s.text, s.n) < s.n) {
        const bool masked = e->mode == ADDED_MASKED && normalised->n > 0;
        ok = nfc_normalise_masked(s.text, masked ? s.mask : NULL, s.n, &text, &mask);
        s = (struct span){text.p, (const unsigned char *)mask.p, text.n};
    }
    ok = ok && cut_added(e, normalised, s, encode_words);
    buf_free(&text);
    buf_free(&mask);
    return ok;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, enum added_mode mode,
                     const unsigned char *mask, struct ids *out, qw_error *err) {
    struct encoder e = {.t = t, .mode = mode, .out = out};
    size_t begin = out->n, valid = utf8_valid_prefix(text, n);
    if (valid < n)
        return fail(err, QW_EFORMAT, "the text is not valid UTF-8 at byte %zu (0x%02X)", valid,
                    (unsigned char)text[valid]);
    if (n > MAX_TEXT)
        return fail(err, QW_EARG, "a text of %zu bytes is too long (at most %d)", n, MAX_TEXT);
    bool ok = !out->oom;
    if (ok && n == 0) return 0;     /* text may be NULL */
    if (mode != ADDED_MASKED) mask = NULL;
    ok = ok && cut_added(&e, &t->raw, (struct span){text, mask, n}, encode_text) && !out->oom;
    bpe_work_free(&e.work);
    if (ok) return 0;
    out->n = begin;
    return fail_memory(err, "the tokens of a text", n);
}

void tokenizer_close(struct tokenizer *t) {
    if (!t) return;
    free(t->name);
    warnings_free(&t->warnings);
    free(t->bytes);
    free(t->offset);
    bpe_free(&t->merges);
    free(t->words.slots);
    free(t->added.list);
    free(t->raw.list);
    free(t->normalised.list);
    free(t->added_text);
    free(t->is_added);
    free(t);
}
