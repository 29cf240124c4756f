/* json.c - JSON into a flat array of nodes. One pass, an explicit stack, nothing copied. */
#include "base/json.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 200 };

/* What must come next in the text. */
enum expected { VALUE, KEY, SEPARATOR, NOTHING };

struct parser {
    const unsigned char *s;         /* [n] the text; i is the next byte to read */
    size_t n, i;
    const char *what;
    qw_error *err;
    struct json *j;
    uint32_t cap;                   /* nodes there is room for */
    uint32_t open[MAX_DEPTH];       /* nodes of the containers around the current place */
    int depth;
};

static int fail_at(struct parser *p, const char *why) {
    size_t line = 1, column = 1;
    for (size_t k = 0; k < p->i && k < p->n; k++) {
        column++;
        if (p->s[k] == '\n') {
            line++;
            column = 1;
        }
    }
    if (line == 1)
        return fail(p->err, QW_EFORMAT, "%s: not valid JSON at byte %zu: %s", p->what, p->i, why);
    return fail(p->err, QW_EFORMAT, "%s: not valid JSON at line %zu, column %zu (byte %zu): %s",
                p->what, line, column, p->i, why);
}

static bool is_space(unsigned char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static void skip_space(struct parser *p) {
    while (p->i < p->n && is_space(p->s[p->i])) p->i++;
}

/* Is c the next byte? */
static bool next_is(const struct parser *p, char c) { return p->i < p->n && p->s[p->i] == c; }

static int add_node(struct parser *p, enum json_type type, size_t pos, size_t len, bool escaped) {
    struct json *j = p->j;
    if (j->n == p->cap) {
        uint32_t cap = p->cap ? p->cap * 2 : 64;
        bool fits = cap <= UINT32_MAX / 2 && (uint64_t)cap * sizeof *j->nodes <= PTRDIFF_MAX;
        struct json_node *q = fits ? realloc(j->nodes, cap * sizeof *q) : NULL;
        if (!q) return fail_memory(p->err, p->what, (uint64_t)p->cap * 2 * sizeof *q);
        j->nodes = q;
        p->cap = cap;
    }
    j->nodes[j->n] =
        (struct json_node){(uint32_t)pos, (uint32_t)len, j->n + 1, (uint8_t)type, escaped};
    j->n++;
    return 0;
}

/* Four hexadecimal digits; false when one of them is not a digit. */
static bool parse_hex4(const unsigned char *s, uint32_t *v) {
    *v = 0;
    for (int k = 0; k < 4; k++) {
        unsigned c = s[k], letter = (c | 32) - 'a';
        if (c - '0' < 10) *v = *v << 4 | (c - '0');
        else if (letter < 6) *v = *v << 4 | (letter + 10);
        else return false;
    }
    return true;
}

/* i is at a backslash: steps over the escape, or over both halves of a surrogate pair. */
static int parse_escape(struct parser *p) {
    const unsigned char *s = p->s + p->i;
    size_t left = p->n - p->i;
    uint32_t u, low;
    if (left < 2) {
        p->i = p->n;
        return fail_at(p, "string without an end");
    }
    if (s[1] != 'u') {
        if (!s[1] || !strchr("\"\\/bfnrt", s[1])) return fail_at(p, "unknown escape");
        p->i += 2;
        return 0;
    }
    if (left < 6 || !parse_hex4(s + 2, &u)) return fail_at(p, "\\u needs four hexadecimal digits");
    if (u >= 0xD800 && u < 0xE000) {
        bool pair = u < 0xDC00 && left >= 12 && s[6] == '\\' && s[7] == 'u' &&
                    parse_hex4(s + 8, &low) && low >= 0xDC00 && low <= 0xDFFF;
        if (!pair) return fail_at(p, "half of a surrogate pair");
        p->i += 6;
    }
    p->i += 6;
    return 0;
}

/* i is at the opening quote; leaves it after the closing one. */
static int parse_string(struct parser *p) {
    size_t start = ++p->i;
    bool escaped = false;
    while (p->i < p->n) {
        unsigned char c = p->s[p->i];
        if (c == '"') {
            int rc = add_node(p, JSON_STRING, start, p->i - start, escaped);
            p->i++;
            return rc;
        }
        if (c < 0x20) return fail_at(p, "control character in a string");
        if (c == '\\') {
            int rc = parse_escape(p);
            if (rc) return rc;
            escaped = true;
            continue;
        }
        if (c < 0x80) {
            p->i++;
            continue;
        }
        uint32_t cp;
        int len = utf8_decode((const char *)p->s + p->i, p->n - p->i, &cp);
        if (len == 0) return fail_at(p, "invalid UTF-8");
        p->i += (size_t)len;
    }
    p->i = p->n;
    return fail_at(p, "string without an end");
}

/* Steps over digits; false when there are none. */
static bool skip_digits(struct parser *p) {
    size_t start = p->i;
    while (p->i < p->n && p->s[p->i] >= '0' && p->s[p->i] <= '9') p->i++;
    return p->i > start;
}

static int parse_number(struct parser *p) {
    size_t start = p->i;
    if (next_is(p, '-')) p->i++;
    if (next_is(p, '0')) p->i++;
    else if (!skip_digits(p)) return fail_at(p, "a value was expected");
    if (next_is(p, '.')) {
        p->i++;
        if (!skip_digits(p)) return fail_at(p, "a digit was expected");
    }
    if (next_is(p, 'e') || next_is(p, 'E')) {
        p->i++;
        if (next_is(p, '+') || next_is(p, '-')) p->i++;
        if (!skip_digits(p)) return fail_at(p, "a digit was expected");
    }
    return add_node(p, JSON_NUMBER, start, p->i - start, false);
}

static int parse_word(struct parser *p, const char *word, enum json_type type) {
    size_t n = strlen(word);
    if (p->n - p->i < n || memcmp(p->s + p->i, word, n) != 0)
        return fail_at(p, "a value was expected");
    p->i += n;
    return add_node(p, type, p->i - n, n, false);
}

/* A key and its colon. */
static int parse_key(struct parser *p) {
    if (!next_is(p, '"')) return fail_at(p, "a key in quotes was expected");
    int rc = parse_string(p);
    if (rc) return rc;
    skip_space(p);
    if (!next_is(p, ':')) return fail_at(p, "':' was expected");
    p->i++;
    return 0;
}

/* The bracket that closes the innermost container. */
static void close_container(struct parser *p) {
    p->i++;
    p->j->nodes[p->open[--p->depth]].next = p->j->n;
}

static int open_container(struct parser *p, enum json_type type, enum expected *then) {
    if (p->depth == MAX_DEPTH) return fail_at(p, "nested more than 200 deep");
    p->open[p->depth++] = p->j->n;
    int rc = add_node(p, type, p->i, 0, false);
    if (rc) return rc;
    p->i++;
    skip_space(p);
    *then = type == JSON_OBJECT ? KEY : VALUE;
    if (next_is(p, type == JSON_OBJECT ? '}' : ']')) {
        close_container(p);
        *then = SEPARATOR;
    }
    return 0;
}

/* A scalar, an empty container, or the beginning of one that is not empty. */
static int parse_value(struct parser *p, enum expected *then) {
    *then = SEPARATOR;
    switch (p->s[p->i]) {
    case '{': return open_container(p, JSON_OBJECT, then);
    case '[': return open_container(p, JSON_ARRAY, then);
    case '"': return parse_string(p);
    case 't': return parse_word(p, "true", JSON_TRUE);
    case 'f': return parse_word(p, "false", JSON_FALSE);
    case 'n': return parse_word(p, "null", JSON_NULL);
    default: return parse_number(p);
    }
}

/* What follows a value: a comma, the end of the container that the value is in, or of the text. */
static int parse_separator(struct parser *p, enum expected *then) {
    *then = NOTHING;
    if (p->depth == 0) return p->i < p->n ? fail_at(p, "something follows the value") : 0;
    struct json_node *box = &p->j->nodes[p->open[p->depth - 1]];
    bool object = box->type == JSON_OBJECT;
    box->len++;
    *then = object ? KEY : VALUE;
    if (next_is(p, ',')) {
        p->i++;
        return 0;
    }
    if (!next_is(p, object ? '}' : ']'))
        return fail_at(p, object ? "',' or '}' was expected" : "',' or ']' was expected");
    close_container(p);
    *then = SEPARATOR;
    return 0;
}

int json_parse(struct json *j, const char *text, size_t size, const char *what, qw_error *err) {
    struct parser p;                /* `open` is not cleared: only [0..depth) is read */
    p.s = (const unsigned char *)text;
    p.n = size;
    p.i = 0;
    p.what = what;
    p.err = err;
    p.j = j;
    p.cap = 0;
    p.depth = 0;
    *j = (struct json){text, NULL, 0};
    if (size >= UINT32_MAX) return fail(err, QW_EFORMAT, "%s: JSON of more than 4 GB", what);
    enum expected expected = VALUE;
    int rc = 0;
    while (rc == 0 && expected != NOTHING) {
        skip_space(&p);
        if (expected == SEPARATOR) {
            rc = parse_separator(&p, &expected);
        } else if (p.i >= p.n) {
            rc = fail_at(&p, "the text ends too early");
        } else if (expected == KEY) {
            rc = parse_key(&p);
            expected = VALUE;
        } else {
            rc = parse_value(&p, &expected);
        }
    }
    if (rc) json_free(j);
    return rc;
}

void json_free(struct json *j) {
    free(j->nodes);
    *j = (struct json){0};
}

/* ---- values ---- */

/* The escape at s[*i], a backslash, as UTF-8: returns its length and steps over it (and over the
 * second half of a pair). The parser has checked both. */
static size_t unescape(const char *s, size_t *i, char u8[4]) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = s[*i + 1];
    if (c != 'u') {
        u8[0] = to[strchr(from, c) - from];
        *i += 2;
        return 1;
    }
    uint32_t u, low;
    parse_hex4((const unsigned char *)s + *i + 2, &u);
    *i += 6;
    if (u >= 0xD800 && u < 0xDC00) {
        parse_hex4((const unsigned char *)s + *i + 2, &low);
        u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
        *i += 6;
    }
    return (size_t)utf8_encode(u, u8);
}

void json_string(const struct json *j, uint32_t node, struct buf *out) {
    const char *s = j->text + j->nodes[node].pos;
    size_t n = j->nodes[node].len, i = 0;
    char u8[4];
    if (!j->nodes[node].escaped) {
        buf_put(out, s, n);
        return;
    }
    while (i < n) {
        size_t k = i;
        while (k < n && s[k] != '\\') k++;
        buf_put(out, s + i, k - i);
        i = k;
        if (i < n) buf_put(out, u8, unescape(s, &i, u8));
    }
}

bool json_is(const struct json *j, uint32_t node, const char *string) {
    const struct json_node *v = &j->nodes[node];
    const char *s = j->text + v->pos;
    size_t want = strlen(string), i = 0, k = 0;
    char u8[4];
    if (v->type != JSON_STRING) return false;
    if (!v->escaped) return v->len == want && memcmp(s, string, want) == 0;
    while (i < v->len) {
        size_t n = 1;
        if (s[i] == '\\') n = unescape(s, &i, u8);
        else u8[0] = s[i++];
        if (n > want - k || memcmp(u8, string + k, n) != 0) return false;
        k += n;
    }
    return k == want;
}

uint32_t json_get(const struct json *j, uint32_t obj, const char *key) {
    uint32_t found = 0;
    if (json_type(j, obj) != JSON_OBJECT) return 0;
    for (uint32_t k = obj + 1; k < json_end(j, obj); k = json_next(j, k + 1))
        if (json_is(j, k, key)) found = k + 1;
    return found;
}

/* Decimal to double: exact where the digits fit 2^53 and the power of ten 10^22 (Clinger 1990),
 * which covers what configurations hold; beyond that within a few units in the last place. Uses
 * IEEE operations only, so the result is the same everywhere and in every locale. */
bool json_double(const struct json *j, uint32_t node, double *out) {
    const struct json_node *v = &j->nodes[node];
    if (v->type != JSON_NUMBER) return false;
    const char *s = j->text + v->pos, *end = s + v->len;
    bool negative = *s == '-', point = false;
    uint64_t digits = 0;
    int64_t exp10 = 0;
    for (s += negative; s < end && (*s | 32) != 'e'; s++) {
        if (*s == '.') {
            point = true;
        } else if (digits < UINT64_C(900000000000000000)) {
            digits = digits * 10 + (uint64_t)(*s - '0');
            exp10 -= point;
        } else {
            exp10 += !point;
        }
    }
    if (s < end) {
        int64_t e = 0;
        bool minus = *++s == '-';
        if (*s == '-' || *s == '+') s++;
        for (; s < end; s++)
            if (e < 100000) e = e * 10 + (*s - '0');
        exp10 += minus ? -e : e;
    }
    double power = 10;
    uint64_t e = (uint64_t)(exp10 < 0 ? -exp10 : exp10);
    if (e > 5000) e = 5000;
    double scale = 1;
    for (uint64_t k = e; k; k >>= 1) {
        if (k & 1) scale *= power;
        power *= power;
    }
    double r = exp10 < 0 ? (double)digits / scale : (double)digits * scale;
    if (digits == 0) r = 0;         /* 0 * infinity is not a number */
    *out = negative ? -r : r;
    return true;
}

bool json_int(const struct json *j, uint32_t node, int64_t *out) {
    double d;
    if (!json_double(j, node, &d)) return false;
    if (!(d >= -9007199254740992.0 && d <= 9007199254740992.0)) return false;   /* 2^53 */
    if (d != (double)(int64_t)d) return false;
    *out = (int64_t)d;
    return true;
}

/* The letter of the short escape for c, such as n for a newline; 0: there is none. */
static char escape_letter(unsigned char c) {
    switch (c) {
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\b': return 'b';
    case '\f': return 'f';
    default: return c >= 0x20 ? (char)c : 0;        /* a quote or a backslash stands for itself */
    }
}

void json_quote(struct buf *out, const char *p, size_t n) {
    static const char hex[] = "0123456789abcdef";
    buf_char(out, '"');
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i; k < n && (unsigned char)p[k] >= 0x20 && p[k] != '"' && p[k] != '\\'; k++) {}
        buf_put(out, p + i, k - i);
        if (k == n) break;
        unsigned char c = (unsigned char)p[k++];
        char two[2] = {'\\', escape_letter(c)};
        char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        if (two[1]) buf_put(out, two, 2);
        else buf_put(out, six, 6);
    }
    buf_char(out, '"');
}
