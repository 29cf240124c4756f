/* json.c - JSON into a flat array of nodes. One pass, an explicit stack, nothing copied. */
#include "base/json.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 200 };

struct parser {
    const unsigned char *s;
    size_t n, i;
    const char *what;
    qw_error *err;
    struct json *j;
    uint32_t cap;
};

static int bad(struct parser *p, const char *why) {
    size_t line = 1, column = 1;
    for (size_t k = 0; k < p->i && k < p->n; k++) {
        if (p->s[k] == '\n') { line++; column = 1; } else column++;
    }
    if (line == 1) return fail(p->err, QW_EFORMAT, "%s: not valid JSON at byte %zu: %s", p->what, p->i, why);
    return fail(p->err, QW_EFORMAT, "%s: not valid JSON at line %zu, column %zu (byte %zu): %s", p->what, line, column, p->i, why);
}

static void skip_space(struct parser *p) {
    while (p->i < p->n && (p->s[p->i] == ' ' || p->s[p->i] == '\n' || p->s[p->i] == '\t' || p->s[p->i] == '\r')) p->i++;
}

static int add_node(struct parser *p, enum json_type type, size_t pos, size_t len, bool escaped) {
    struct json *j = p->j;
    if (j->n == p->cap) {
        uint32_t cap = p->cap ? p->cap * 2 : 64;
        struct json_node *q = cap > UINT32_MAX / 2 || (uint64_t)cap * sizeof *q > PTRDIFF_MAX ? NULL : realloc(j->nodes, cap * sizeof *q);
        if (!q) return fail_memory(p->err, p->what, (uint64_t)p->cap * 2 * sizeof *q);
        j->nodes = q;
        p->cap = cap;
    }
    j->nodes[j->n] = (struct json_node){(uint32_t)pos, (uint32_t)len, j->n + 1, (uint8_t)type, escaped};
    j->n++;
    return 0;
}

static int hex4(const unsigned char *s, uint32_t *v) {
    *v = 0;
    for (int k = 0; k < 4; k++) {
        unsigned c = s[k], d = c - '0' < 10 ? c - '0' : (c | 32) - 'a' < 6 ? (c | 32) - 'a' + 10 : 16;
        if (d > 15) return 0;
        *v = *v << 4 | d;
    }
    return 1;
}

/* At the quote; leaves i behind the closing one. */
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
        if (c < 0x20) return bad(p, "control character in a string");
        if (c == '\\') {
            uint32_t u, low;
            size_t left = p->n - p->i;
            escaped = true;
            if (left < 2) break;
            c = p->s[p->i + 1];
            if (c != 'u') {
                if (!c || !strchr("\"\\/bfnrt", c)) return bad(p, "unknown escape");
                p->i += 2;
                continue;
            }
            if (left < 6 || !hex4(p->s + p->i + 2, &u)) return bad(p, "\\u needs four hexadecimal digits");
            if (u >= 0xD800 && u < 0xE000) {
                if (u >= 0xDC00 || left < 12 || p->s[p->i + 6] != '\\' || p->s[p->i + 7] != 'u' || !hex4(p->s + p->i + 8, &low) ||
                    low < 0xDC00 || low > 0xDFFF)
                    return bad(p, "half of a surrogate pair");
                p->i += 6;
            }
            p->i += 6;
            continue;
        }
        if (c < 0x80) { p->i++; continue; }
        uint32_t cp;
        int len = utf8_decode((const char *)p->s + p->i, p->n - p->i, &cp);
        if (len == 0) return bad(p, "invalid UTF-8");
        p->i += (size_t)len;
    }
    p->i = p->n;
    return bad(p, "string without an end");
}

static bool digit(const struct parser *p, size_t i) { return i < p->n && p->s[i] >= '0' && p->s[i] <= '9'; }

static int parse_number(struct parser *p) {
    size_t start = p->i, i = start;
    if (p->s[i] == '-') i++;
    if (!digit(p, i)) { p->i = i; return bad(p, "a value was expected"); }
    if (p->s[i] == '0') i++;
    else while (digit(p, i)) i++;
    if (i < p->n && p->s[i] == '.') {
        if (!digit(p, ++i)) { p->i = i; return bad(p, "a digit was expected"); }
        while (digit(p, i)) i++;
    }
    if (i < p->n && (p->s[i] | 32) == 'e') {
        i++;
        if (i < p->n && (p->s[i] == '+' || p->s[i] == '-')) i++;
        if (!digit(p, i)) { p->i = i; return bad(p, "a digit was expected"); }
        while (digit(p, i)) i++;
    }
    p->i = i;
    return add_node(p, JSON_NUMBER, start, i - start, false);
}

static int parse_word(struct parser *p, const char *word, enum json_type type) {
    size_t n = strlen(word);
    if (p->n - p->i < n || memcmp(p->s + p->i, word, n) != 0) return bad(p, "a value was expected");
    p->i += n;
    return add_node(p, type, p->i - n, n, false);
}

int json_parse(struct json *j, const char *text, size_t size, const char *what, qw_error *err) {
    struct parser p = {(const unsigned char *)text, size, 0, what, err, j, 0};
    uint32_t open[MAX_DEPTH];       /* the containers around the current place */
    int depth = 0, rc = 0;
    bool need_key = false;          /* in an object, in front of a key */
    *j = (struct json){text, NULL, 0};
    if (size >= UINT32_MAX) return fail(err, QW_EFORMAT, "%s: JSON of more than 4 GB", what);
    for (;;) {
        /* a value, or a key with its colon */
        skip_space(&p);
        if (p.i >= p.n) { rc = bad(&p, "the text ends too early"); break; }
        unsigned char c = p.s[p.i];
        if (need_key) {
            if (c != '"') { rc = bad(&p, "a key in quotes was expected"); break; }
            if ((rc = parse_string(&p)) != 0) break;
            skip_space(&p);
            if (p.i >= p.n || p.s[p.i] != ':') { rc = bad(&p, "':' was expected"); break; }
            p.i++;
            need_key = false;
            continue;
        }
        if (c == '{' || c == '[') {
            if (depth == MAX_DEPTH) { rc = bad(&p, "nested more than 200 deep"); break; }
            open[depth++] = j->n;
            if ((rc = add_node(&p, c == '{' ? JSON_OBJECT : JSON_ARRAY, p.i, 0, false)) != 0) break;
            p.i++;
            skip_space(&p);
            if (p.i < p.n && p.s[p.i] == (c == '{' ? '}' : ']')) goto close;
            need_key = c == '{';
            continue;
        }
        rc = c == '"' ? parse_string(&p) : c == 't' ? parse_word(&p, "true", JSON_TRUE) : c == 'f' ? parse_word(&p, "false", JSON_FALSE)
           : c == 'n' ? parse_word(&p, "null", JSON_NULL) : parse_number(&p);
        if (rc) break;
    after_value:
        skip_space(&p);
        if (depth == 0) {
            if (p.i < p.n) rc = bad(&p, "something follows the value");
            break;
        }
        struct json_node *box = &j->nodes[open[depth - 1]];
        box->len++;
        if (p.i < p.n && p.s[p.i] == ',') {
            p.i++;
            need_key = box->type == JSON_OBJECT;
            continue;
        }
        if (p.i >= p.n || p.s[p.i] != (box->type == JSON_OBJECT ? '}' : ']')) {
            rc = bad(&p, box->type == JSON_OBJECT ? "',' or '}' was expected" : "',' or ']' was expected");
            break;
        }
    close:
        p.i++;
        j->nodes[open[--depth]].next = j->n;
        goto after_value;
    }
    if (rc) json_free(j);
    return rc;
}

void json_free(struct json *j) { free(j->nodes); *j = (struct json){0}; }

/* ---- values ---- */

/* The escape at s[*i] == '\\' as UTF-8: its length; steps over it (and its second half). The parser has checked both. */
static size_t unescape(const char *s, size_t *i, char u8[4]) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = s[*i + 1];
    if (c != 'u') {
        u8[0] = to[strchr(from, c) - from];
        *i += 2;
        return 1;
    }
    uint32_t u, low;
    hex4((const unsigned char *)s + *i + 2, &u);
    *i += 6;
    if (u >= 0xD800 && u < 0xDC00) {
        hex4((const unsigned char *)s + *i + 2, &low);
        u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
        *i += 6;
    }
    return (size_t)utf8_encode(u, u8);
}

void json_string(const struct json *j, uint32_t node, struct buf *out) {
    const char *s = j->text + j->nodes[node].pos;
    size_t n = j->nodes[node].len, i = 0;
    char u8[4];
    if (!j->nodes[node].escaped) { buf_put(out, s, n); return; }
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
        size_t n = s[i] == '\\' ? unescape(s, &i, u8) : (u8[0] = s[i++], 1);
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

/* Decimal to double: exact where the digits fit 2^53 and the power of ten 10^22 (Clinger 1990), which covers what configurations
 * hold; beyond that within a few units of the last place, by IEEE operations alone, so the same everywhere and in every locale. */
bool json_double(const struct json *j, uint32_t node, double *out) {
    const struct json_node *v = &j->nodes[node];
    if (v->type != JSON_NUMBER) return false;
    const char *s = j->text + v->pos, *end = s + v->len;
    bool negative = *s == '-', point = false;
    uint64_t digits = 0;
    int64_t exp10 = 0;
    for (s += negative; s < end && (*s | 32) != 'e'; s++) {
        if (*s == '.') { point = true; continue; }
        if (digits < UINT64_C(900000000000000000)) { digits = digits * 10 + (uint64_t)(*s - '0'); exp10 -= point; }
        else exp10 += !point;
    }
    if (s < end) {
        int64_t e = 0;
        bool minus = *++s == '-';
        if (*s == '-' || *s == '+') s++;
        for (; s < end; s++) if (e < 100000) e = e * 10 + (*s - '0');
        exp10 += minus ? -e : e;
    }
    double r = (double)digits, power = 10;
    uint64_t e = (uint64_t)(exp10 < 0 ? -exp10 : exp10);
    if (e > 5000) e = 5000;
    double scale = 1;
    for (uint64_t k = e; k; k >>= 1) {
        if (k & 1) scale *= power;
        power *= power;
    }
    r = digits == 0 ? 0 : exp10 < 0 ? r / scale : r * scale;
    *out = negative ? -r : r;
    return true;
}

bool json_int(const struct json *j, uint32_t node, int64_t *out) {
    double d;
    if (!json_double(j, node, &d) || !(d >= -9007199254740992.0 && d <= 9007199254740992.0) || d != (double)(int64_t)d) return false;
    *out = (int64_t)d;
    return true;
}

void json_quote(struct buf *out, const char *p, size_t n) {
    static const char hex[] = "0123456789abcdef";
    buf_char(out, '"');
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i; k < n && (unsigned char)p[k] >= 0x20 && p[k] != '"' && p[k] != '\\'; k++) {}
        buf_put(out, p + i, k - i);
        if (k == n) break;
        unsigned char c = (unsigned char)p[k++];
        char two[2] = {'\\', 0}, six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        two[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '\b' ? 'b' : c == '\f' ? 'f' : c >= 0x20 ? (char)c : 0;
        if (two[1]) buf_put(out, two, 2);
        else buf_put(out, six, 6);
    }
    buf_char(out, '"');
}
