/* split.c - the splitting pattern of Qwen's tokenizers, written by hand: its seven alternatives in their order. */
#include "text/pretokenize.h"
#include "text/unicode.h"
#include "base/utf8.h"

/* A character of the text: its place, and what the pattern asks about it. At the end of the text len is 0, class CP_OTHER. */
struct at { size_t pos; uint32_t cp; int len; enum cp_class class; };

static struct at at(const char *text, size_t n, size_t pos) {
    struct at c = {pos, 0, 0, CP_OTHER};
    if (pos == n) return c;
    c.cp = (unsigned char)text[pos];
    c.len = c.cp < 0x80 ? 1 : utf8_decode(text + pos, n - pos, &c.cp);
    c.class = cp_class(c.cp);
    return c;
}

static struct at next(const char *text, size_t n, struct at c) { return at(text, n, c.pos + (size_t)c.len); }

static bool newline(struct at c) { return c.cp == '\n' || c.cp == '\r'; }
static bool symbol(struct at c) { return c.len > 0 && c.class == CP_OTHER; }     /* [^\s\p{L}\p{N}] */

/* Simple case folding as far as it can yield a letter of the contractions: ASCII, and U+017F (long s). */
static uint32_t fold(struct at c) { return c.cp >= 'A' && c.cp <= 'Z' ? c.cp + 32 : c.cp == 0x17F ? 's' : c.cp; }

/* (?i:'s|'t|'re|'ve|'m|'ll|'d), c being the apostrophe: its length, or 0. */
static size_t contraction(const char *text, size_t n, struct at c) {
    struct at c1 = next(text, n, c), c2 = next(text, n, c1);
    uint32_t a = fold(c1), b = fold(c2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return c2.pos;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return c2.pos + (size_t)c2.len;
    return 0;
}

size_t split_piece(const char *text, size_t n) {
    struct at first = at(text, n, 0), c;
    size_t len;
    if (first.cp == '\'' && (len = contraction(text, n, first)) != 0) return len;

    /* [^\r\n\p{L}\p{N}]?\p{L}+ */
    c = first.class == CP_LETTER || first.class == CP_NUMBER || newline(first) ? first : next(text, n, first);
    if (c.class == CP_LETTER) {
        while (c.class == CP_LETTER) c = next(text, n, c);
        return c.pos;
    }
    /* \p{N} */
    if (first.class == CP_NUMBER) return (size_t)first.len;

    /* ' '?[^\s\p{L}\p{N}]+[\r\n]* */
    c = first.cp == ' ' ? next(text, n, first) : first;
    if (symbol(c)) {
        while (symbol(c)) c = next(text, n, c);
        while (newline(c)) c = next(text, n, c);
        return c.pos;
    }
    /* White space: \s*[\r\n]+ up to its last newline; else \s+(?!\S), which leaves the last one to a following word; else \s+. */
    size_t last = 0, behind_newline = 0;
    for (c = first; c.class == CP_SPACE; c = next(text, n, c)) {
        last = c.pos;
        if (newline(c)) behind_newline = c.pos + 1;
    }
    if (behind_newline) return behind_newline;
    return c.len == 0 || last == 0 ? c.pos : last;
}
