/* value.c - values of the template language: made, compared, walked. */
#include "chat/jinja/value.h"
#include <string.h>

/* ---- making values ---- */

const struct value value_undefined = {V_UNDEFINED, {0}}, value_none = {V_NONE, {0}};

struct value value_bool(bool b) { return (struct value){V_BOOL, {.b = b}}; }
struct value value_int(int64_t i) { return (struct value){V_INT, {.i = i}}; }
struct value value_float(double f) { return (struct value){V_FLOAT, {.f = f}}; }
struct value value_dict(struct dict *d) { return (struct value){V_DICT, {.dict = d}}; }

struct value value_string(struct run *r, struct string s) {
    struct string *p = run_alloc(r, 1, sizeof *p);
    *p = s;
    return (struct value){V_STRING, {.s = p}};
}

struct value value_list(struct run *r, enum list_kind kind, struct value *items, size_t n) {
    struct list *l = run_alloc(r, 1, sizeof *l);
    *l = (struct list){.kind = kind, .n = n, .items = items};
    return (struct value){V_LIST, {.list = l}};
}

struct string string_of(const char *p, size_t n, bool control) {
    return (struct string){.p = p, .n = n, .control = control};
}
struct string string_lit(const char *literal) { return string_of(literal, strlen(literal), true); }

const char *type_name(struct value v) {
    static const char *const lists[] = {"list", "tuple", "view of a dict", "generator"};
    switch (v.type) {
    case V_UNDEFINED: return "undefined";
    case V_NONE: return "None";
    case V_BOOL: return "bool";
    case V_INT:
    case V_BIG: return "int";
    case V_FLOAT: return "float";
    case V_STRING: return "str";
    case V_LIST: return lists[v.u.list->kind];
    case V_DICT: return "dict";
    case V_NAMESPACE: return "namespace";
    case V_RANGE: return "range";
    case V_LOOP: return "loop";
    case V_MACRO: return "macro";
    case V_FUNCTION: return "function";
    case V_METHOD: return "method";
    }
    return "value";
}

/* ---- numbers ---- */

bool value_whole(struct value v, int64_t *out) {
    if (v.type == V_INT) *out = v.u.i;
    else if (v.type == V_BOOL) *out = v.u.b;
    else return false;
    return true;
}

bool value_number(struct value v, double *out) {
    int64_t i;
    if (value_whole(v, &i)) *out = (double)i;
    else if (v.type == V_FLOAT) *out = v.u.f;
    else return false;
    return true;
}

/* <0, 0, >0; 2 where one is not a number. Whole numbers are compared as such, as Python does. */
static int compare_numbers(struct value a, struct value b) {
    int64_t i, j;
    double x, y;
    if (value_whole(a, &i) && value_whole(b, &j)) return (i > j) - (i < j);
    if (!value_number(a, &x) || !value_number(b, &y) || x != x || y != y) return 2;
    if (x != y) return x < y ? -1 : 1;
    /* a whole number may have been rounded to meet the other */
    double limit = 9223372036854775808.0;           /* 2^63 */
    if (value_whole(a, &i)) return y >= limit ? -1 : (i > (int64_t)y) - (i < (int64_t)y);
    if (value_whole(b, &j)) return x >= limit ? 1 : ((int64_t)x > j) - ((int64_t)x < j);
    return 0;
}

static bool is_number(struct value v) {
    return v.type == V_INT || v.type == V_BOOL || v.type == V_FLOAT;
}

/* ---- truth, equality, order ---- */

bool value_true(struct value v) {
    switch (v.type) {
    case V_UNDEFINED:
    case V_NONE: return false;
    case V_BOOL: return v.u.b;
    case V_INT: return v.u.i != 0;
    case V_FLOAT: return v.u.f != 0;
    case V_STRING: return v.u.s->n > 0;
    case V_LIST: return v.u.list->kind == LIST_GENERATOR || v.u.list->n > 0;
    case V_DICT: return v.u.dict->n > 0;
    case V_RANGE: return v.u.range->n > 0;
    default: return true;
    }
}

static bool same_sequence(const struct list *a, const struct list *b) {
    return a->kind == b->kind && a->kind <= LIST_TUPLE;
}

void value_level(struct run *r, int depth) {
    run_step(r);
    if (depth > MAX_DEPTH_VALUE)
        run_fail(r, "a value has more than %d levels", MAX_DEPTH_VALUE);
}

static bool equal(struct run *r, struct value a, struct value b, int depth) {
    value_level(r, depth);
    if (is_number(a) && is_number(b)) return compare_numbers(a, b) == 0;
    if (a.type != b.type) return false;
    switch (a.type) {
    case V_UNDEFINED:
    case V_NONE: return true;
    case V_STRING:
    case V_BIG: return string_equal(r, *a.u.s, *b.u.s);
    case V_LIST:
        if (a.u.list == b.u.list) return true;
        if (!same_sequence(a.u.list, b.u.list) || a.u.list->n != b.u.list->n) return false;
        for (size_t i = 0; i < a.u.list->n; i++)
            if (!equal(r, a.u.list->items[i], b.u.list->items[i], depth + 1)) return false;
        return true;
    case V_DICT:
        if (a.u.dict->n != b.u.dict->n) return false;
        for (size_t i = 0; i < a.u.dict->n; i++) {
            struct value other;
            if (!dict_get(r, b.u.dict, a.u.dict->pairs[i].key, &other)) return false;
            if (!equal(r, a.u.dict->pairs[i].value, other, depth + 1)) return false;
        }
        return true;
    case V_RANGE: {
        const struct range *x = a.u.range, *y = b.u.range;
        if (x->n != y->n || (x->n > 0 && x->start != y->start)) return x->n == 0 && y->n == 0;
        return x->n < 2 || x->step == y->step;
    }
    default: return memcmp(&a.u, &b.u, sizeof a.u) == 0;
    }
}

bool value_equal(struct run *r, struct value a, struct value b) { return equal(r, a, b, 0); }

static int compare(struct run *r, struct value a, struct value b, int depth) {
    value_level(r, depth);
    if (is_number(a) && is_number(b)) return compare_numbers(a, b);
    if (a.type == V_STRING && b.type == V_STRING) {
        size_t n = a.u.s->n < b.u.s->n ? a.u.s->n : b.u.s->n;
        run_work(r, n);
        int c = n ? memcmp(a.u.s->p, b.u.s->p, n) : 0;  /* UTF-8 sorts as its code points do */
        if (c) return c < 0 ? -1 : 1;
        return (a.u.s->n > b.u.s->n) - (a.u.s->n < b.u.s->n);
    }
    if (a.type == V_LIST && b.type == V_LIST && same_sequence(a.u.list, b.u.list)) {
        const struct list *x = a.u.list, *y = b.u.list;
        for (size_t i = 0; i < x->n && i < y->n; i++)
            if (!equal(r, x->items[i], y->items[i], depth + 1))
                return compare(r, x->items[i], y->items[i], depth + 1);
        return (x->n > y->n) - (x->n < y->n);
    }
    run_fail(r, "%s and %s have no order", type_name(a), type_name(b));
}

int value_compare(struct run *r, struct value a, struct value b) { return compare(r, a, b, 0); }

void sort_values(struct run *r, struct value *items, struct value *keys, size_t n,
                 bool descending) {
    struct value *items2 = run_alloc(r, n, sizeof *items), *keys2 = run_alloc(r, n, sizeof *keys);
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo < n; lo += 2 * width) {
            size_t mid = lo + width < n ? lo + width : n, hi = mid + width < n ? mid + width : n;
            for (size_t i = lo, j = mid, k = lo; k < hi; k++) {
                bool left = j == hi;
                if (!left && i < mid) {
                    int c = descending ? compare(r, keys[i], keys[j], 0) >= 0
                                       : compare(r, keys[j], keys[i], 0) >= 0;
                    left = c != 0;
                }
                size_t from = left ? i++ : j++;
                items2[k] = items[from];
                keys2[k] = keys[from];
            }
        }
        memcpy(items, items2, n * sizeof *items);
        memcpy(keys, keys2, n * sizeof *keys);
    }
}

/* ---- from JSON ---- */

/* A number of n bytes as Python's json.loads reads it. */
static struct value json_number(struct run *r, const char *p, size_t n) {
    struct string s = string_of(p, n, false);
    struct value v;
    double f;
    if (!memchr(p, '.', n) && !memchr(p, 'e', n) && !memchr(p, 'E', n) &&
        parse_int(s, 10, r, &v))
        return v;
    if (!parse_float(r, s, &f)) f = 0;     /* json_parse has checked the form */
    return value_float(f);
}

static struct value json_text(struct run *r, const struct json *j, uint32_t node) {
    const struct json_node *v = &j->nodes[node];
    run_work(r, v->len);
    if (!v->escaped) return value_string(r, string_of(j->text + v->pos, v->len, false));
    char *copy = run_alloc(r, v->len, 1);       /* a value is never longer than its spelling */
    struct buf b = {.p = copy, .cap = v->len};
    json_string(j, node, &b);
    return value_string(r, string_of(copy, b.n, false));
}

/* Recursion is bounded by json_parse's 200 levels. */
struct value value_of_json(struct run *r, const struct json *j, uint32_t node) {
    const struct json_node *v = &j->nodes[node];
    run_step(r);
    switch (json_type(j, node)) {
    case JSON_NULL: return value_none;
    case JSON_FALSE: return value_bool(false);
    case JSON_TRUE: return value_bool(true);
    case JSON_NUMBER: return json_number(r, j->text + v->pos, v->len);
    case JSON_STRING: return json_text(r, j, node);
    case JSON_ARRAY: {
        struct value *items = run_alloc(r, v->len, sizeof *items);
        size_t n = 0;
        for (uint32_t i = node + 1; i < v->next; i = json_next(j, i))
            items[n++] = value_of_json(r, j, i);
        return value_list(r, LIST_PLAIN, items, n);
    }
    case JSON_OBJECT: break;
    }
    struct dict *d = dict_new(r);
    for (uint32_t k = node + 1; k < v->next; k = json_next(j, k + 1))
        dict_set(r, d, json_text(r, j, k), value_of_json(r, j, k + 1));
    return value_dict(d);
}

struct value value_parse_json(struct run *r, const char *p, size_t n, const char *what) {
    qw_error err;
    if (n > 1 << 20) run_fail(r, "%s: more than a megabyte of JSON", what);
    run_work(r, 16 * n);
    int rc = json_parse(&r->json, p, n, what, &err);
    if (rc) {
        r->json.nodes = NULL;
        if (!r->template) run_fail_plain(r, rc, "%s", err.message);
        run_fail(r, "%s", err.message);
    }
    struct value v = value_of_json(r, &r->json, 0);
    json_free(&r->json);
    r->json.nodes = NULL;
    return v;
}

/* ---- walking ---- */

size_t value_length(struct run *r, struct value v) {
    switch (v.type) {
    case V_UNDEFINED: return 0;
    case V_STRING: return string_length(r, *v.u.s);
    case V_DICT: return v.u.dict->n;
    case V_RANGE: return v.u.range->n;
    case V_LIST:
        if (v.u.list->kind != LIST_GENERATOR) return v.u.list->n;
        break;
    default: break;
    }
    run_fail(r, "a %s has no length", type_name(v));
}

/* The code points of a string, each a string. */
static struct list characters(struct run *r, struct string s) {
    size_t n = string_length(r, s), at = 0;
    struct value *items = run_alloc(r, n, sizeof *items);
    for (size_t i = 0; i < n; i++) {
        size_t next = at + 1;
        while (next < s.n && ((unsigned char)s.p[next] & 0xC0) == 0x80) next++;
        items[i] = value_string(r, string_part(s, at, next));
        at = next;
    }
    run_work(r, 64 * n);
    return (struct list){.n = n, .items = items};
}

struct list value_walk(struct run *r, struct value v) {
    struct list out = {0};
    switch (v.type) {
    case V_UNDEFINED: return out;
    case V_STRING: return characters(r, *v.u.s);
    case V_LIST:
        out = *v.u.list;
        if (out.kind == LIST_GENERATOR) {
            if (out.next) out.items += out.next;
            out.n -= out.next;
            v.u.list->next = v.u.list->n;
        }
        run_work(r, 16 * out.n);
        return out;
    case V_DICT:
        out.n = v.u.dict->n;
        out.items = run_alloc(r, out.n, sizeof *out.items);
        for (size_t i = 0; i < out.n; i++) out.items[i] = v.u.dict->pairs[i].key;
        run_work(r, 64 * out.n);
        return out;
    case V_RANGE:
        out.n = v.u.range->n;
        out.items = run_alloc(r, out.n, sizeof *out.items);
        for (size_t i = 0; i < out.n; i++)
            out.items[i] = value_int(v.u.range->start + (int64_t)i * v.u.range->step);
        run_work(r, 64 * out.n);
        return out;
    default: break;
    }
    run_fail(r, "a %s cannot be walked", type_name(v));
}

bool value_in(struct run *r, struct value needle, struct value haystack) {
    struct value found;
    if (haystack.type == V_STRING) {
        if (needle.type != V_STRING)
            run_fail(r, "only a str can be in a str, not %s", type_name(needle));
        return string_find(r, *haystack.u.s, *needle.u.s, 0) <= haystack.u.s->n;
    }
    if (haystack.type == V_DICT) return dict_get(r, haystack.u.dict, needle, &found);
    if (haystack.type == V_LIST && haystack.u.list->kind == LIST_GENERATOR) {
        struct list *l = haystack.u.list;       /* used up as far as it is looked at */
        while (l->next < l->n)
            if (value_equal(r, l->items[l->next++], needle)) return true;
        return false;
    }
    struct list l = value_walk(r, haystack);
    for (size_t i = 0; i < l.n; i++)
        if (value_equal(r, l.items[i], needle)) return true;
    return false;
}
