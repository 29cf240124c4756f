/* text.c - values as text: Python's str() and repr(), and JSON. */
#include <stdio.h>
#include <string.h>
#include "chat/jinja/unicode.h"
#include "chat/jinja/value.h"

/* ---- str() and repr() ---- */

static void put_lit(struct run *r, struct builder *b, const char *text) {
    builder_put(r, b, string_lit(text));
}

static void put_escape(struct run *r, struct builder *b, uint32_t cp, bool control) {
    char text[12];
    const char *form = "\\U%08x";
    if (cp < 0x100) form = "\\x%02x";
    else if (cp < 0x10000) form = "\\u%04x";
    int n = 0;
    if (cp == '\n') n = snprintf(text, sizeof text, "\\n");
    else if (cp == '\r') n = snprintf(text, sizeof text, "\\r");
    else if (cp == '\t') n = snprintf(text, sizeof text, "\\t");
    else if (cp == '\\') n = snprintf(text, sizeof text, "\\\\");
    else if (cp == '\'') n = snprintf(text, sizeof text, "\\'");
    else n = snprintf(text, sizeof text, form, (unsigned)cp);
    builder_bytes(r, b, text, (size_t)n, control);
}

static void put_quoted(struct run *r, struct builder *b, struct string s) {
    bool one = memchr(s.p, '\'', s.n) != NULL, two = memchr(s.p, '"', s.n) != NULL;
    char quote = one && !two ? '"' : '\'';
    size_t plain = 0, next;
    run_work(r, 4 * s.n);
    builder_bytes(r, b, &quote, 1, true);
    for (size_t i = 0; i < s.n; i = next) {
        uint32_t cp = string_code_point(s, i, &next);
        if (cp != '\\' && cp != (unsigned char)quote && is_printable(cp)) continue;
        builder_put(r, b, string_part(s, plain, i));
        put_escape(r, b, cp, s.mask ? s.mask[i] != 0 : s.control);
        plain = next;
    }
    builder_put(r, b, string_part(s, plain, s.n));
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

void put_repr(struct run *r, struct builder *b, struct value v) { repr(r, b, v, 0); }

struct string value_str(struct run *r, struct value v) {
    struct builder b = {0};
    if (v.type == V_STRING) return *v.u.s;
    if (v.type != V_UNDEFINED) repr(r, &b, v, 0);
    return builder_string(&b);
}

/* ---- JSON ---- */

static void put_json_string(struct run *r, struct builder *b, struct string s, bool ascii) {
    static const char short_of[] = "btn.fr";    /* \b is 8 */
    size_t plain = 0, next;
    run_work(r, 4 * s.n);
    builder_bytes(r, b, "\"", 1, false);
    for (size_t i = 0; i < s.n; i = next) {
        uint32_t cp = string_code_point(s, i, &next);
        char text[16];
        int n;
        if (cp == '"' || cp == '\\') n = snprintf(text, sizeof text, "\\%c", (char)cp);
        else if (cp >= 8 && cp <= 13 && cp != 11)
            n = snprintf(text, sizeof text, "\\%c", short_of[cp - 8]);
        else if (cp < 0x20 || (ascii && cp >= 0x7F && cp < 0x10000))
            n = snprintf(text, sizeof text, "\\u%04x", (unsigned)cp);
        else if (ascii && cp >= 0x10000)
            n = snprintf(text, sizeof text, "\\u%04x\\u%04x",
                         (unsigned)(0xD800 + ((cp - 0x10000) >> 10)),
                         (unsigned)(0xDC00 + ((cp - 0x10000) & 0x3FF)));
        else continue;
        builder_put(r, b, string_part(s, plain, i));
        builder_bytes(r, b, text, (size_t)n, s.mask ? s.mask[i] != 0 : s.control);
        plain = next;
    }
    builder_put(r, b, string_part(s, plain, s.n));
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
