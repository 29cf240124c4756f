/* width.c - grapheme clusters and their widths, from tables. */
#include "terminal/width.h"
#include <stdio.h>
#include "base/utf8.h"
#include "terminal/visible.h"
#include "terminal/width_tables.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What a code point does to the clusters around it (UAX 29, table 2). The tables have all Hangul
 * syllables as LV. */
enum grapheme {
    OTHER, CONTROL, EXTEND, JOINER, REGIONAL, PREPEND, SPACING, HANGUL_L, HANGUL_V, HANGUL_T,
    HANGUL_LV, PICTOGRAPH, HANGUL_LVT
};

struct code_point {
    uint32_t c;                 /* NO_CODE_POINT: a byte that is not UTF-8 */
    size_t n;                   /* bytes */
    enum grapheme kind;
    int cells;
    bool emoji_style;           /* wide when U+FE0F follows */
};

static const struct code_point invalid = {NO_CODE_POINT, 1, CONTROL, 4, false};

static struct code_point decode(const char *p, size_t n) {
    struct code_point v;
    uint32_t c;
    int length = utf8_decode(p, n, &c);
    if (length == 0) return invalid;
    unsigned bits = 1 << 4;
    if (c >> 8 < COUNT(width_index)) {
        unsigned block = width_parts[width_index[c >> 8] * 64u + (c >> 2 & 63)];
        bits = width_blocks[block * 4 + (c & 3)];
    }
    v.c = c;
    v.n = (size_t)length;
    v.kind = (enum grapheme)(bits & 15);
    v.cells = (int)(bits >> 4 & 3);
    v.emoji_style = bits >> 6 & 1;
    if (v.kind == HANGUL_LV && (c - 0xAC00) % 28 != 0) v.kind = HANGUL_LVT;
    return v;
}

/* The code point that ends at p[n], n > 0. No valid sequence begins inside another one, so this
 * agrees with reading forward. */
static struct code_point decode_last(const char *p, size_t n) {
    for (size_t k = 1; k <= 4 && k <= n; k++) {
        struct code_point v = decode(p + n - k, k);
        if (v.c != NO_CODE_POINT && v.n == k) return v;
        if (((unsigned char)p[n - k] & 0xC0) != 0x80) break;
    }
    return invalid;
}

/* ---- where clusters end ---- */

/* Do a and b belong together whatever stands before them? */
static bool joined(enum grapheme a, enum grapheme b) {
    if (a == CONTROL || b == CONTROL) return false;
    if (b == EXTEND || b == JOINER || b == SPACING || a == PREPEND) return true;
    if (a == HANGUL_L) return b == HANGUL_L || b == HANGUL_V || b == HANGUL_LV || b == HANGUL_LVT;
    if (a == HANGUL_LV || a == HANGUL_V) return b == HANGUL_V || b == HANGUL_T;
    return (a == HANGUL_LVT || a == HANGUL_T) && b == HANGUL_T;
}

/* Is what stands before them needed to tell? */
static bool depends(enum grapheme a, enum grapheme b) {
    return (a == REGIONAL && b == REGIONAL) || (a == JOINER && b == PICTOGRAPH);
}

/* A cluster as far as it has been read. */
struct reading {
    enum grapheme last;
    bool picture;               /* a pictograph, then nothing but extenders */
    bool half_flag;             /* an odd number of regional indicators */
};

static void read_one(struct reading *r, enum grapheme kind) {
    if (kind == PICTOGRAPH) r->picture = true;
    else if (kind != EXTEND && kind != JOINER) r->picture = false;
    r->half_flag = kind == REGIONAL && !r->half_flag;
    r->last = kind;
}

static bool goes_on(const struct reading *r, enum grapheme kind) {
    if (joined(r->last, kind)) return true;
    if (r->last == REGIONAL && kind == REGIONAL) return r->half_flag;
    return r->last == JOINER && kind == PICTOGRAPH && r->picture;
}

static int visible_cells(uint32_t c) {
    if (c == NO_CODE_POINT) return 4;
    if (c == '\n' || c == '\t') return 0;
    return c < 0x80 ? 2 : 8;
}

struct cluster cluster_at(const char *p, size_t n) {
    struct code_point v = decode(p, n);
    struct cluster k = {.n = v.n, .cells = v.cells, .spread = v.cells, .first = v.c};
    k.control = v.c == NO_CODE_POINT || is_terminal_control(v.c);
    k.mark = v.cells == 0 || v.kind == EXTEND || v.kind == SPACING;
    if (k.control || v.c < 0x20) {
        k.cells = k.spread = visible_cells(v.c);
        return k;
    }
    struct reading r = {OTHER, false, false};
    bool styled = v.emoji_style;
    for (read_one(&r, v.kind); k.n < n; read_one(&r, v.kind)) {
        v = decode(p + k.n, n - k.n);
        if (!goes_on(&r, v.kind)) break;
        if (v.c == 0xFE0F && styled) k.cells = 2;
        styled = v.emoji_style;
        k.n += v.n;
        k.cells += v.cells;
        k.spread += v.cells > 0 ? v.cells : 1;
    }
    if (k.cells > 2) k.cells = 2;
    if (k.spread < k.cells) k.spread = k.cells;
    if (r.last == PREPEND) k.spread++;          /* what follows may be joined to it */
    return k;
}

size_t cluster_next(const char *p, size_t n, int *cells) {
    bool ascii = p[0] >= ' ' && p[0] < 0x7F && (n == 1 || !((unsigned char)p[1] & 0x80));
    if (ascii) {
        *cells = 1;
        return 1;
    }
    struct cluster k = cluster_at(p, n);
    *cells = k.cells;
    return k.n;
}

/* The last place before an offset where a cluster ends whatever stands before it. */
static size_t sure_boundary(const char *p, size_t at) {
    if (at == 0) return 0;
    struct code_point b = decode_last(p, at);
    for (at -= b.n; at > 0;) {
        struct code_point a = decode_last(p, at);
        if (!joined(a.kind, b.kind) && !depends(a.kind, b.kind)) break;
        b = a;
        at -= b.n;
    }
    return at;
}

size_t cluster_previous(const char *p, size_t n) {
    for (size_t at = sure_boundary(p, n);;) {
        size_t length = cluster_at(p + at, n - at).n;
        if (at + length >= n) return n - at;
        at += length;
    }
}

size_t cluster_boundary(const char *p, size_t n, size_t at) {
    size_t start = at;
    while (start > 0 && start < n && at - start < 3 && ((unsigned char)p[start] & 0xC0) == 0x80)
        start--;                    /* it may be inside a code point */
    size_t boundary = sure_boundary(p, start);
    while (boundary < at) boundary += cluster_at(p + boundary, n - boundary).n;
    return boundary;
}

size_t text_cells(const char *p, size_t n) {
    size_t sum = 0;
    int cells;
    for (size_t i = 0; i < n; sum += (size_t)cells) i += cluster_next(p + i, n - i, &cells);
    return sum;
}
