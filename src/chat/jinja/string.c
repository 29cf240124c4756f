/* string.c - strings with their masks: built, searched, stripped. */
#include <string.h>
#include "base/utf8.h"
#include "chat/jinja/unicode.h"
#include "chat/jinja/value.h"

/* ---- building ---- */

static void reserve(struct run *r, struct builder *b, size_t more) {
    if (more <= b->cap - b->n) return;
    size_t cap = b->cap ? 2 * b->cap : 64;
    if (cap - b->n < more) cap = b->n + more;
    char *p = run_alloc(r, cap, 1);
    if (b->n) memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
    run_work(r, b->n);
    if (!b->mask) return;
    unsigned char *mask = run_alloc(r, cap, 1);
    memcpy(mask, b->mask, b->n);
    b->mask = mask;
}

/* From here on the bytes differ in their control. */
static void begin_mask(struct run *r, struct builder *b) {
    b->mask = run_alloc(r, b->cap, 1);
    memset(b->mask, b->control, b->n);
}

void builder_put(struct run *r, struct builder *b, struct string s) {
    if (s.n == 0) return;
    run_step(r);
    run_work(r, s.n);
    reserve(r, b, s.n);
    if (b->n == 0) b->control = s.control;
    if (!b->mask && (s.mask || s.control != b->control)) begin_mask(r, b);
    memcpy(b->p + b->n, s.p, s.n);
    if (b->mask && s.mask) memcpy(b->mask + b->n, s.mask, s.n);
    else if (b->mask) memset(b->mask + b->n, s.control, s.n);
    b->n += s.n;
}

void builder_bytes(struct run *r, struct builder *b, const char *p, size_t n, bool control) {
    builder_put(r, b, string_of(p, n, control));
}

struct string builder_string(const struct builder *b) {
    return (struct string){.p = b->p ? b->p : "", .n = b->n, .mask = b->mask,
                           .control = b->control};
}

struct string string_part(struct string s, size_t from, size_t to) {
    s.p += from;
    s.n = to - from;
    if (s.mask) s.mask += from;
    return s;
}

struct string string_join2(struct run *r, struct string a, struct string b) {
    struct builder out = {0};
    if (a.n == 0 || b.n == 0) return a.n ? a : b;
    reserve(r, &out, a.n + b.n);
    builder_put(r, &out, a);
    builder_put(r, &out, b);
    return builder_string(&out);
}

/* ---- looking ---- */

bool string_is(struct string s, const char *literal) {
    return s.n == strlen(literal) && memcmp(s.p, literal, s.n) == 0;
}

bool string_equal(struct run *r, struct string a, struct string b) {
    if (a.n != b.n) return false;
    run_work(r, 4 * a.n);               /* some libcs compare byte by byte */
    return a.n == 0 || memcmp(a.p, b.p, a.n) == 0;
}

static bool continues(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

size_t string_length(struct run *r, struct string s) {
    size_t n = 0;
    run_work(r, 2 * s.n);
    for (size_t i = 0; i < s.n; i++) n += !continues(s.p[i]);
    return n;
}

size_t string_offset(struct run *r, struct string s, size_t i) {
    size_t at = 0;
    for (; i > 0 && at < s.n; i--) {
        at++;
        while (at < s.n && continues(s.p[at])) at++;
    }
    run_work(r, 4 * at);
    return at;
}

size_t string_find(struct run *r, struct string s, struct string needle, size_t from) {
    size_t i = from;
    if (needle.n == 0) return from;
    for (; i < s.n && needle.n <= s.n - i; i++) {
        const char *first = memchr(s.p + i, needle.p[0], s.n - i);
        if (!first) break;
        i = (size_t)(first - s.p);
        if (needle.n > s.n - i) break;
        run_step(r);
        run_work(r, needle.n);
        if (memcmp(first, needle.p, needle.n) == 0) {
            run_work(r, i - from);
            return i;
        }
    }
    run_work(r, s.n - from);
    return s.n + 1;
}

size_t string_find_last(struct run *r, struct string s, struct string needle) {
    if (needle.n > s.n) return s.n + 1;
    for (size_t i = s.n - needle.n + 1; i-- > 0;) {
        if (needle.n > 0 && s.p[i] != needle.p[0]) continue;
        run_step(r);
        run_work(r, needle.n);
        if (needle.n == 0 || memcmp(s.p + i, needle.p, needle.n) == 0) {
            run_work(r, s.n - i);
            return i;
        }
    }
    run_work(r, s.n);
    return s.n + 1;
}

/* The code point that begins at byte i, and where the next one does. */
uint32_t string_code_point(struct string s, size_t i, size_t *next) {
    uint32_t cp = (unsigned char)s.p[i];
    *next = i + 1;
    if (cp < 0x80) return cp;
    cp = 0xFFFD;
    int n = utf8_decode(s.p + i, s.n - i, &cp);
    *next = i + (n > 0 ? (size_t)n : 1);
    return cp;
}

static bool strips(struct run *r, struct string c, uint32_t cp, const struct string *set) {
    run_step(r);
    return set ? string_find(r, *set, c, 0) <= set->n : is_python_space(cp);
}

struct string string_strip(struct run *r, struct string s, const struct string *set, int ends) {
    size_t from = 0, to = s.n, next;
    while ((ends & STRIP_LEFT) && from < to) {
        uint32_t cp = string_code_point(s, from, &next);
        if (!strips(r, string_part(s, from, next), cp, set)) break;
        from = next;
    }
    while ((ends & STRIP_RIGHT) && to > from) {
        size_t i = to - 1;
        while (i > from && continues(s.p[i])) i--;
        uint32_t cp = string_code_point(s, i, &next);
        if (!strips(r, string_part(s, i, to), cp, set)) break;
        to = i;
    }
    return string_part(s, from, to);
}

struct string string_case(struct run *r, struct string s, enum letter_case to) {
    char *p = run_alloc(r, s.n, 1);
    bool inside = false;                /* a word: the letter before was one */
    size_t next;
    run_work(r, 8 * s.n);
    for (size_t i = 0; i < s.n; i = next) {
        uint32_t cp = string_code_point(s, i, &next);
        if (cp >= 0x80) {
            if (is_cased(cp))
                run_fail(r, "upper and lower case of U+%04X are not supported (only of A to Z)",
                         (unsigned)cp);
            memcpy(p + i, s.p + i, next - i);
            inside = to == CASE_CAPITALIZE;
            continue;
        }
        bool up = to == CASE_UPPER || (to != CASE_LOWER && !inside);
        bool letter = (cp | 32) >= 'a' && (cp | 32) <= 'z';
        p[i] = s.p[i];
        if (letter) p[i] = (char)(up ? cp & ~32u : cp | 32u);
        inside = letter || to == CASE_CAPITALIZE;
    }
    s.p = p;
    return s;
}
