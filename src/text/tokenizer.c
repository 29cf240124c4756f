/* tokenizer.c - text to ids and back. tokenizer_load.c makes the tables.
 *
 *   text -> added tokens cut out -> the rest: NFC -> pieces (pretokenize.c) -> ids (bpe.c) */
#include "text/tokenizer_impl.h"
#include "text/pretokenize.h"
#include "text/unicode.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

/* ---- lookups ---- */

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
    for (uint32_t i = 0; i < t->n_added; i++)
        if (t->added[i].id == id) return t->added[i].special;
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
 * ends here is the first of its range. */
static const struct added *find_added(const struct tokenizer *t, const char *text, size_t n) {
    const struct added *best = NULL;
    uint32_t lo = 0, hi = t->n_added;
    for (size_t k = 0; lo < hi; k++) {
        if (t->added[lo].len == k) {
            best = &t->added[lo];
            lo++;
        }
        if (k == n) break;
        unsigned char c = (unsigned char)text[k];
        lo = lower_bound(t->added, lo, hi, k, c);
        hi = lower_bound(t->added, lo, hi, k, (unsigned)c + 1);
    }
    return best;
}

int32_t tokenizer_added(const struct tokenizer *t, const char *content) {
    size_t n = strlen(content);
    const struct added *a = find_added(t, content, n);
    return a && a->len == n ? a->id : -1;
}

/* ---- encoding ---- */

/* Keeps each piece below BPE_MAX_PIECE: NFC makes UTF-8 at most three times as long. */
enum { MAX_TEXT = 1 << 29 };

/* Appends the ids of text[0..n), which holds no added tokens. */
static bool encode_text(const struct tokenizer *t, const char *text, size_t n,
                        struct bpe_work *work, struct ids *out) {
    struct buf normalised = {0};
    bool ok = true;
    if (nfc_prefix(text, n) < n) {
        ok = nfc_normalise(text, n, &normalised);
        text = normalised.p;
        n = normalised.n;
    }
    for (size_t i = 0, len; ok && i < n; i += len) {
        len = split_piece(text + i, n - i);
        ok = bpe_encode(&t->merges, t->byte_id, text + i, len, work, out);
    }
    buf_free(&normalised);
    return ok;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, enum added_mode mode,
                     const unsigned char *mask, struct ids *out, qw_error *err) {
    struct bpe_work work = {0};
    size_t begin = out->n, valid = utf8_valid_prefix(text, n), start = 0, i = 0;
    if (valid < n)
        return fail(err, QW_EFORMAT, "the text is not valid UTF-8 at byte %zu (0x%02X)", valid,
                    (unsigned char)text[valid]);
    if (n > MAX_TEXT)
        return fail(err, QW_EARG, "a text of %zu bytes is too long (at most %d)", n, MAX_TEXT);
    bool ok = !out->oom;
    if (ok && n == 0) return 0;     /* text may be NULL */
    if (mode == ADDED_NONE) i = n;
    while (ok && i < n) {
        const struct added *a = NULL;
        if (t->added_first[(unsigned char)text[i]]) {
            size_t most = n - i < t->added_longest ? n - i : t->added_longest, room = 0;
            while (room < most && (mode == ADDED_ALL || mask[i + room])) room++;
            a = find_added(t, text + i, room);
        }
        if (!a) {
            i++;
            continue;
        }
        ok = encode_text(t, text + start, i - start, &work, out);
        ids_put(out, a->id);
        start = i += a->len;
    }
    ok = ok && encode_text(t, text + start, n - start, &work, out) && !out->oom;
    bpe_work_free(&work);
    if (ok) return 0;
    out->n = begin;
    return fail_memory(err, "the tokens of a text", n);
}

void tokenizer_close(struct tokenizer *t) {
    if (!t) return;
    free(t->bytes);
    free(t->offset);
    bpe_free(&t->merges);
    free(t->added);
    free(t->added_text);
    free(t->is_added);
    free(t);
}
