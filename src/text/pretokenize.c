/* pretokenize.c - the splitting pattern of Qwen's tokenizers, written by hand. */
#include "text/pretokenize.h"
#include "text/unicode.h"
#include "base/utf8.h"

/* A character of the text: its place, and what the pattern asks about it. At the end of the text
 * its length is 0 and its class CP_OTHER. */
struct character { size_t pos; uint32_t cp; int len; enum cp_class class; };

static struct character char_at(const char *text, size_t n, size_t pos) {
    struct character c = {pos, 0, 0, CP_OTHER};
    if (pos == n) return c;
    c.cp = (unsigned char)text[pos];
    c.len = c.cp < 0x80 ? 1 : utf8_decode(text + pos, n - pos, &c.cp);
    c.class = cp_class(c.cp);
    return c;
}

static struct character char_after(const char *text, size_t n, struct character c) {
    return char_at(text, n, c.pos + (size_t)c.len);
}

static bool is_newline(struct character c) { return c.cp == '\n' || c.cp == '\r'; }

/* [^\s\p{L}\p{N}] */
static bool is_symbol(struct character c) { return c.len > 0 && c.class == CP_OTHER; }

/* Simple case folding, as far as it can yield a letter of the contractions: ASCII, and U+017F
 * (long s). */
static uint32_t fold_case(struct character c) {
    if (c.cp == 0x17F) return 's';
    return c.cp >= 'A' && c.cp <= 'Z' ? c.cp + 32 : c.cp;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d) at the apostrophe c: its length, or 0 if there is none. */
static size_t contraction_length(const char *text, size_t n, struct character c) {
    struct character c1 = char_after(text, n, c), c2 = char_after(text, n, c1);
    uint32_t a = fold_case(c1), b = fold_case(c2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return c2.pos;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
        return c2.pos + (size_t)c2.len;
    return 0;
}

/* White space from `first` on: \s*[\r\n]+ up to its last newline; else \s+(?!\S), which leaves
 * the last character to a following word; else \s+. At least one character, whatever class the
 * tables give it, so that no piece is empty. */
static size_t space_length(const char *text, size_t n, struct character first) {
    struct character c = first;
    size_t last = 0, after_newline = 0;
    do {
        last = c.pos;
        if (is_newline(c)) after_newline = c.pos + 1;
        c = char_after(text, n, c);
    } while (c.class == CP_SPACE);
    if (after_newline) return after_newline;
    return c.len == 0 || last == 0 ? c.pos : last;
}

size_t split_piece(const char *text, size_t n) {
    struct character first = char_at(text, n, 0), c = first;
    if (first.cp == '\'') {
        size_t len = contraction_length(text, n, first);
        if (len) return len;
    }
    /* [^\r\n\p{L}\p{N}]?\p{L}+ */
    bool prefix = first.class != CP_LETTER && first.class != CP_NUMBER && !is_newline(first);
    if (prefix) c = char_after(text, n, first);
    if (c.class == CP_LETTER) {
        while (c.class == CP_LETTER) c = char_after(text, n, c);
        return c.pos;
    }
    /* \p{N} */
    if (first.class == CP_NUMBER) return (size_t)first.len;

    /* ' '?[^\s\p{L}\p{N}]+[\r\n]* */
    c = first.cp == ' ' ? char_after(text, n, first) : first;
    if (is_symbol(c)) {
        while (is_symbol(c)) c = char_after(text, n, c);
        while (is_newline(c)) c = char_after(text, n, c);
        return c.pos;
    }
    return space_length(text, n, first);
}
