/* unicode.c - character classes and normalisation form C, from tables. */
#include "text/unicode.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

struct range { uint32_t first, last; };
struct decomposition { uint32_t cp, first, second; };   /* second 0: into one character */
#include "text/unicode_tables.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum cp_class cp_class(uint32_t cp) {
    if (cp >> 8 >= COUNT(class_index)) return CP_OTHER;
    unsigned four = class_blocks[class_index[cp >> 8] * 64u + (cp >> 2 & 63)];
    return (enum cp_class)(four >> (cp & 3) * 2 & 3);
}

bool is_word_character(uint32_t cp) {
    size_t lo = 0, hi = COUNT(word_ranges);
    if (cp_class(cp) == CP_LETTER) return true;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (word_ranges[mid].last < cp) lo = mid + 1;
        else hi = mid;
    }
    return lo < COUNT(word_ranges) && word_ranges[lo].first <= cp;
}

/* ---- normalisation ----
 *
 * A code point of kind INERT is a starter that stays as it is and joins nothing before it
 * (NFC_Quick_Check=Yes, class 0). So text falls into chunks, each an inert character (only the
 * first chunk may lack it) and all others up to the next inert one, and each chunk is normalised
 * by itself. Nearly all chunks are one inert character and are just copied. */

/* Kinds of code points; those in between are combining classes. */
enum { INERT = 0, CHANGING = 255 };

static unsigned kind_of(uint32_t cp) {
    if (cp >> 8 >= COUNT(kind_index)) return INERT;
    unsigned block = kind_parts[kind_index[cp >> 8] * 32u + (cp >> 3 & 31)];
    return kind_blocks[block * 8 + (cp & 7)];
}

static unsigned combining_class(uint32_t cp) {
    unsigned kind = kind_of(cp);
    return kind == CHANGING ? 0 : kind;
}

/* Hangul (Unicode, section 3.12): syllable = S_BASE + (l * V_COUNT + v) * T_COUNT + t. */
enum { S_BASE = 0xAC00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11A7 };
enum { L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = L_COUNT * V_COUNT * T_COUNT };

/* A growing list of code points, like struct buf. */
struct code_points { uint32_t *p; size_t n, cap; bool oom; };

static void put_code_point(struct code_points *a, uint32_t cp) {
    if (a->n == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;
        bool fits = !a->oom && cap <= PTRDIFF_MAX / sizeof *a->p;
        uint32_t *p = fits ? realloc(a->p, cap * sizeof *p) : NULL;
        if (!p) {
            a->oom = true;
            return;
        }
        a->p = p;
        a->cap = cap;
    }
    a->p[a->n++] = cp;
}

static const struct decomposition *find_decomposition(uint32_t cp) {
    size_t lo = 0, hi = COUNT(decompositions);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (decompositions[mid].cp < cp) lo = mid + 1;
        else hi = mid;
    }
    return lo < COUNT(decompositions) && decompositions[lo].cp == cp ? &decompositions[lo] : NULL;
}

static void put_decomposed(struct code_points *a, uint32_t cp) {
    /* Only first characters decompose further, in no more steps than these; tools/unicode.py
     * checks. */
    enum { MAX_STEPS = 4 };
    uint32_t seconds[MAX_STEPS];
    int n = 0;
    if (cp >= S_BASE && cp < S_BASE + S_COUNT) {
        uint32_t s = cp - S_BASE;
        put_code_point(a, L_BASE + s / (V_COUNT * T_COUNT));
        put_code_point(a, V_BASE + s / T_COUNT % V_COUNT);
        if (s % T_COUNT) put_code_point(a, T_BASE + s % T_COUNT);
        return;
    }
    for (int step = 0; step < MAX_STEPS; step++) {
        const struct decomposition *d = find_decomposition(cp);
        if (!d) break;
        if (d->second) seconds[n++] = d->second;
        cp = d->first;
    }
    put_code_point(a, cp);
    while (n > 0) put_code_point(a, seconds[--n]);
}

/* Sorts p[0..n), all of class > 0, by class, keeping the order of equals; tmp[n] is scratch. A
 * counting sort, because n may be huge. */
static void sort_marks(uint32_t *p, size_t n, uint32_t *tmp) {
    size_t start[256] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++) start[combining_class(p[i])]++;
    for (int c = 0; c < 256; c++) {
        size_t count = start[c];
        start[c] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) tmp[start[combining_class(p[i])]++] = p[i];
    memcpy(p, tmp, n * sizeof *p);
}

/* Canonical ordering: each run of marks that is not in order is sorted. */
static bool reorder(struct code_points *a) {
    for (size_t i = 0, end; i < a->n; i = end + 1) {
        bool sorted = true;
        unsigned last = 0, class;
        for (end = i; end < a->n; end++) {
            class = combining_class(a->p[end]);
            if (class == 0) break;
            if (class < last) sorted = false;
            last = class;
        }
        if (sorted) continue;
        uint32_t *tmp = malloc((end - i) * sizeof *tmp);
        if (!tmp) return false;
        sort_marks(a->p + i, end - i, tmp);
        free(tmp);
    }
    return true;
}

/* The character that a and b compose into, or 0. */
static uint32_t compose_pair(uint32_t a, uint32_t b) {
    if (a >= L_BASE && a < L_BASE + L_COUNT && b >= V_BASE && b < V_BASE + V_COUNT)
        return S_BASE + ((a - L_BASE) * V_COUNT + (b - V_BASE)) * T_COUNT;
    bool is_lv = a >= S_BASE && a < S_BASE + S_COUNT && (a - S_BASE) % T_COUNT == 0;
    if (is_lv && b > T_BASE && b < T_BASE + T_COUNT) return a + (b - T_BASE);
    size_t lo = 0, hi = COUNT(compositions);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct decomposition *d = &decompositions[compositions[mid]];
        if (d->first == a && d->second == b) return d->cp;
        if (d->first < a || (d->first == a && d->second < b)) lo = mid + 1;
        else hi = mid;
    }
    return 0;
}

/* Canonical composition, in place: each character joins the last starter unless something
 * between them blocks it. */
static void compose(struct code_points *a) {
    size_t n = 0, starter = SIZE_MAX;
    unsigned last = 0;          /* class of the character before, if one stands after the starter */
    for (size_t i = 0; i < a->n; i++) {
        uint32_t cp = a->p[i], joined = 0;
        unsigned class = combining_class(cp);
        if (starter != SIZE_MAX && (n == starter + 1 || last < class))
            joined = compose_pair(a->p[starter], cp);
        if (joined) {
            a->p[starter] = joined;
            continue;
        }
        if (class == 0) starter = n;
        last = class;
        a->p[n++] = cp;
    }
    a->n = n;
}

/* The length of text up to the start of the first chunk that is not one inert character; n if
 * there is none. */
static size_t inert_prefix(const char *text, size_t n) {
    size_t start = 0;           /* of the chunk that i is in */
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        int len = utf8_decode(text + i, n - i, &cp);
        if (kind_of(cp) != INERT) return start;
        start = i;
        i += (size_t)len;
    }
    return n;
}

size_t nfc_prefix(const char *text, size_t n) {
    unsigned char high = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        high = c > high ? c : high;
    }
    return high < 0xCC ? n : inert_prefix(text, n);     /* all below U+0300 is inert */
}

/* Puts the chunk at text[0..n) into a, decomposed; returns its length in bytes. */
static size_t decompose_chunk(struct code_points *a, const char *text, size_t n) {
    size_t i = 0;
    a->n = 0;
    while (i < n) {
        uint32_t cp;
        int len = utf8_decode(text + i, n - i, &cp);
        if (i > 0 && kind_of(cp) == INERT) break;
        put_decomposed(a, cp);
        i += (size_t)len;
    }
    return i;
}

static void put_code_points(struct buf *out, const struct code_points *a) {
    for (size_t k = 0; k < a->n; k++) {
        char bytes[4];
        buf_put(out, bytes, (size_t)utf8_encode(a->p[k], bytes));
    }
}

/* Appends the mask of n bytes that were made of the chunk whose mask is mask[0..n_chunk). */
static void put_mask(struct buf *out, size_t n, const unsigned char *mask, size_t n_chunk) {
    const bool marked = memchr(mask, 0, n_chunk) == NULL;
    for (size_t k = 0; k < n; k++) buf_char(out, (char)marked);
}

bool nfc_normalise_masked(const char *text, const unsigned char *mask, size_t n, struct buf *out,
                          struct buf *out_mask) {
    struct code_points a = {0};
    for (size_t i = 0; i < n && !a.oom && !out->oom;) {
        size_t stay = inert_prefix(text + i, n - i);
        buf_put(out, text + i, stay);
        if (mask) buf_put(out_mask, (const char *)mask + i, stay);
        i += stay;
        size_t chunk = decompose_chunk(&a, text + i, n - i), before = out->n;
        if (!a.oom && !reorder(&a)) a.oom = true;
        if (a.oom) break;
        compose(&a);
        put_code_points(out, &a);
        if (mask) put_mask(out_mask, out->n - before, mask + i, chunk);
        i += chunk;
    }
    bool ok = !a.oom && !out->oom && !(mask && out_mask->oom);
    free(a.p);
    return ok;
}

bool nfc_normalise(const char *text, size_t n, struct buf *out) {
    return nfc_normalise_masked(text, NULL, n, out, NULL);
}
