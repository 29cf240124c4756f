/* text.c - values as text: Python's str() and repr(), and JSON. */
#include <stdio.h>
#include <string.h>
#include "chat/jinja/unicode.h"
#include "chat/jinja/value.h"

/* ---- str() and repr() ---- */

static void put_lit(struct run *r, struct builder *b, const char *text) {
    builder_put(r, b, string_lit(text));
}

/* Writes what stands for a character; returns its length, 0 where it stands for itself. */
typedef int escape_fn(uint32_t cp, int option, char out[16]);

/* A string with some of its characters escaped. An escape is control where its character is. */
static void put_escaped(struct run *r, struct builder *b, struct string s, escape_fn *escape,
                        int option) {
    char text[256];
    size_t i = 0, next;
    run_work(r, 8 * s.n);
    while (i < s.n) {
        size_t plain = i, k = 0;
        int n = 0;
        while (i < s.n && (n = escape(string_code_point(s, i, &next), option, text)) == 0) i = next;
        builder_put(r, b, string_part(s, plain, i));
        if (i == s.n) return;
        bool control = s.mask ? s.mask[i] != 0 : s.control;
        do {                            /* escapes in a row go out together */
            k += (size_t)n;
            i = next;
            n = 0;
            if (i == s.n || k + 16 > sizeof text) break;
            if ((s.mask ? s.mask[i] != 0 : s.control) != control) break;
            n = escape(string_code_point(s, i, &next), option, text + k);
        } while (n > 0);
        builder_bytes(r, b, text, k, control);
    }
}

/* option: the quote around it */
static int escape_repr(uint32_t cp, int option, char out[16]) {
    const char *form = "\\U%08x";
    if (cp == '\\' || cp == (uint32_t)option) {
        out[0] = '\\';
        out[1] = (char)cp;
        return 2;
    }
    if ((cp >= ' ' && cp < 0x7F) || is_printable(cp)) return 0;
    if (cp == '\n') return snprintf(out, 16, "\\n");
    if (cp == '\r') return snprintf(out, 16, "\\r");
    if (cp == '\t') return snprintf(out, 16, "\\t");
    if (cp < 0x100) form = "\\x%02x";
    else if (cp < 0x10000) form = "\\u%04x";
    return snprintf(out, 16, form, (unsigned)cp);
}

static void put_quoted(struct run *r, struct builder *b, struct string s) {
    bool one = memchr(s.p, '\'', s.n) != NULL, two = memchr(s.p, '"', s.n) != NULL;
    char quote = one && !two ? '"' : '\'';
    builder_bytes(r, b, &quote, 1, true);
    put_escaped(r, b, s, escape_repr, quote);
    builder_bytes(r, b, &quote, 1, true);
}

static void repr(struct run *r, struct builder *b, struct value v, int depth);

static void put_items(struct run *r, struct builder *b, const struct list *l, int depth) {
    for (size_t i = 0; i < l->n; i++) {
        if (i) put_lit(r, b, ", ");
        repr(r, b, l->items[i], depth + 1);
    }
}

static void put_pairs(struct run *r, struct builder *b, const struct dict *d, int depth) {
    put_lit(r, b, "{");
    for (size_t i = 0; i < d->n; i++) {
        if (i) put_lit(r, b, ", ");
        repr(r, b, d->pairs[i].key, depth + 1);
        put_lit(r, b, ": ");
        repr(r, b, d->pairs[i].value, depth + 1);
    }
    put_lit(r, b, "}");
}

static void repr(struct run *r, struct builder *b, struct value v, int depth) {
    run_step(r);
    if (depth > MAX_DEPTH_VALUE) run_fail(r, "a value has more than %d levels", MAX_DEPTH_VALUE);
    switch (v.type) {
    case V_UNDEFINED: put_lit(r, b, "Undefined"); return;
    case V_NONE: put_lit(r, b, "None"); return;
    case V_BOOL: put_lit(r, b, v.u.b ? "True" : "False"); return;
    case V_INT: put_int(r, b, v.u.i, true); return;
    case V_BIG: builder_put(r, b, *v.u.s); return;
    case V_FLOAT: put_float(r, b, v.u.f, true); return;
    case V_STRING: put_quoted(r, b, *v.u.s); return;
    case V_LIST:
        if (v.u.list->kind > LIST_TUPLE) break;
        put_lit(r, b, v.u.list->kind == LIST_PLAIN ? "[" : "(");
        put_items(r, b, v.u.list, depth);
        if (v.u.list->kind == LIST_TUPLE) put_lit(r, b, v.u.list->n == 1 ? ",)" : ")");
        else put_lit(r, b, "]");
        return;
    case V_DICT: put_pairs(r, b, v.u.dict, depth); return;
    case V_RANGE:
        put_lit(r, b, "range(");
        put_int(r, b, v.u.range->start, true);
        put_lit(r, b, ", ");
        put_int(r, b, v.u.range->stop, true);
        if (v.u.range->step != 1) {
            put_lit(r, b, ", ");
            put_int(r, b, v.u.range->step, true);
        }
        put_lit(r, b, ")");
        return;
    default: break;
    }
    run_fail(r, "a %s has no text", type_name(v));
}

struct string value_str(struct run *r, struct value v) {
    struct builder b = {0};
    if (v.type == V_STRING) return *v.u.s;
    if (v.type != V_UNDEFINED) repr(r, &b, v, 0);
    return builder_string(&b);
}

/* ---- JSON ---- */

/* option: all but ASCII, too */
static int escape_json(uint32_t cp, int option, char out[16]) {
    static const char short_of[] = "btn.fr";    /* \b is 8 */
    if (cp == '"' || cp == '\\') {
        out[0] = '\\';
        out[1] = (char)cp;
        return 2;
    }
    if (cp >= 0x20 && (cp < 0x7F || !option)) return 0;
    if (cp >= 8 && cp <= 13 && cp != 11) return snprintf(out, 16, "\\%c", short_of[cp - 8]);
    if (cp < 0x10000) return snprintf(out, 16, "\\u%04x", (unsigned)cp);
    cp -= 0x10000;
    return snprintf(out, 16, "\\u%04x\\u%04x", (unsigned)(0xD800 + (cp >> 10)),
                    (unsigned)(0xDC00 + (cp & 0x3FF)));
}

static void put_json_string(struct run *r, struct builder *b, struct string s, bool ascii) {
    builder_bytes(r, b, "\"", 1, false);
    put_escaped(r, b, s, escape_json, ascii);
    builder_bytes(r, b, "\"", 1, false);
}

static void put_json_float(struct run *r, struct builder *b, double f) {
    if (f != f) builder_bytes(r, b, "NaN", 3, false);
    else if (f > 1.7976931348623157e308) builder_bytes(r, b, "Infinity", 8, false);
    else if (f < -1.7976931348623157e308) builder_bytes(r, b, "-Infinity", 9, false);
    else put_float(r, b, f, false);
}

static void json(struct run *r, struct builder *b, struct value v, const struct json_style *style,
                 int depth);

static void put_json_key(struct run *r, struct builder *b, struct value key,
                         const struct json_style *style) {
    if (key.type == V_STRING) {
        put_json_string(r, b, *key.u.s, style->ascii);
        return;
    }
    if (key.type > V_FLOAT || key.type == V_UNDEFINED)
        run_fail(r, "a %s cannot be a key in JSON", type_name(key));
    builder_bytes(r, b, "\"", 1, false);
    json(r, b, key, style, 0);
    builder_bytes(r, b, "\"", 1, false);
}

static void new_line(struct run *r, struct builder *b, const struct json_style *style, int depth) {
    if (!style->indent.p) return;
    builder_bytes(r, b, "\n", 1, false);
    for (int i = 0; i < depth; i++) builder_put(r, b, style->indent);
}

/* A dict's pairs in the order of their keys. */
static const struct pair *sorted_pairs(struct run *r, const struct dict *d) {
    struct value *keys = run_alloc(r, d->n, sizeof *keys);
    struct value *values = run_alloc(r, d->n, sizeof *values);
    struct pair *out = run_alloc(r, d->n, sizeof *out);
    for (size_t i = 0; i < d->n; i++) {
        keys[i] = d->pairs[i].key;
        values[i] = d->pairs[i].value;
    }
    sort_values(r, values, keys, d->n, false);
    for (size_t i = 0; i < d->n; i++) out[i] = (struct pair){keys[i], values[i]};
    return out;
}

static void json(struct run *r, struct builder *b, struct value v, const struct json_style *style,
                 int depth) {
    run_step(r);
    if (depth > MAX_DEPTH_VALUE) run_fail(r, "a value has more than %d levels", MAX_DEPTH_VALUE);
    if (v.type == V_NONE) builder_bytes(r, b, "null", 4, false);
    else if (v.type == V_BOOL && v.u.b) builder_bytes(r, b, "true", 4, false);
    else if (v.type == V_BOOL) builder_bytes(r, b, "false", 5, false);
    else if (v.type == V_INT) put_int(r, b, v.u.i, false);
    else if (v.type == V_BIG) builder_bytes(r, b, v.u.s->p, v.u.s->n, false);
    else if (v.type == V_FLOAT) put_json_float(r, b, v.u.f);
    else if (v.type == V_STRING) put_json_string(r, b, *v.u.s, style->ascii);
    else if (v.type == V_LIST && v.u.list->kind <= LIST_TUPLE) {
        const struct list *l = v.u.list;
        builder_bytes(r, b, "[", 1, false);
        for (size_t i = 0; i < l->n; i++) {
            if (i) builder_put(r, b, style->between);
            new_line(r, b, style, depth + 1);
            json(r, b, l->items[i], style, depth + 1);
        }
        if (l->n) new_line(r, b, style, depth);
        builder_bytes(r, b, "]", 1, false);
    } else if (v.type == V_DICT) {
        const struct dict *d = v.u.dict;
        const struct pair *pairs = style->sort ? sorted_pairs(r, d) : d->pairs;
        builder_bytes(r, b, "{", 1, false);
        for (size_t i = 0; i < d->n; i++) {
            if (i) builder_put(r, b, style->between);
            new_line(r, b, style, depth + 1);
            put_json_key(r, b, pairs[i].key, style);
            builder_put(r, b, style->colon);
            json(r, b, pairs[i].value, style, depth + 1);
        }
        if (d->n) new_line(r, b, style, depth);
        builder_bytes(r, b, "}", 1, false);
    } else {
        run_fail(r, "%s cannot be written as JSON", type_name(v));
    }
}

void put_json(struct run *r, struct builder *b, struct value v, const struct json_style *style) {
    json(r, b, v, style, 0);
}
