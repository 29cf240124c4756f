/* filter_lists.c - filters on lists. */
#include <string.h>
#include "chat/jinja/filters.h"

static struct value generator(struct run *r, struct value *items, size_t n) {
    return value_list(r, LIST_GENERATOR, items, n);
}

struct value filter_length(struct run *r, struct value in, struct value *a) {
    (void)a;
    return value_int((int64_t)value_length(r, in));
}

struct value filter_list(struct run *r, struct value in, struct value *a) {
    (void)a;
    struct list l = value_walk(r, in);
    return value_list(r, LIST_PLAIN, l.items, l.n);
}

struct value filter_first(struct run *r, struct value in, struct value *a) {
    (void)a;
    if (in.type == V_LIST && in.u.list->kind == LIST_GENERATOR)
        return in.u.list->next < in.u.list->n ? in.u.list->items[in.u.list->next++]
                                              : value_undefined;
    struct list l = value_walk(r, in);
    return l.n ? l.items[0] : value_undefined;
}

struct value filter_last(struct run *r, struct value in, struct value *a) {
    (void)a;
    if (in.type == V_LIST && in.u.list->kind == LIST_GENERATOR)
        run_fail(r, "last: a generator cannot be walked from its end");
    struct list l = value_walk(r, in);
    return l.n ? l.items[l.n - 1] : value_undefined;
}

struct value filter_reverse(struct run *r, struct value in, struct value *a) {
    (void)a;
    if (in.type == V_STRING)
        return get_slice(r, in, value_none, value_none, value_int(-1));
    bool plain = in.type == V_LIST && in.u.list->kind == LIST_GENERATOR;
    struct list l = value_walk(r, in);
    struct value *items = run_alloc(r, l.n, sizeof *items);
    for (size_t i = 0; i < l.n; i++) items[i] = l.items[l.n - 1 - i];
    return value_list(r, plain ? LIST_PLAIN : LIST_GENERATOR, items, l.n);
}

struct value filter_items(struct run *r, struct value in, struct value *a) {
    (void)a;
    if (in.type == V_UNDEFINED) return generator(r, NULL, 0);
    if (in.type != V_DICT) run_fail(r, "items takes a dict, not %s", type_name(in));
    struct args none = {0};
    struct value method = get_field(r, in, string_lit("items"));
    struct value view = call_method(r, method.u.method, &none);
    return generator(r, view.u.list->items, view.u.list->n);
}

/* "a.b.0" of a value, step by step. */
static struct value get_path(struct run *r, struct value v, struct value path) {
    int64_t i;
    if (value_whole(path, &i)) return get_item(r, v, path);
    struct string s = string_arg(r, "attribute", path);
    for (size_t from = 0; from <= s.n;) {
        size_t to = string_find(r, s, string_lit("."), from);
        if (to > s.n) to = s.n;
        struct string part = string_part(s, from, to);
        struct value key = value_string(r, part);
        bool digits = part.n > 0;
        for (size_t k = 0; k < part.n; k++) digits &= part.p[k] >= '0' && part.p[k] <= '9';
        if (digits) parse_int(part, 10, r, &key);
        v = get_item(r, v, key);
        from = to + 1;
    }
    return v;
}

/* What sort, unique, min and max compare: the value or its attribute, letters in lower case. */
static struct value sort_key(struct run *r, struct value v, struct value path, bool exact) {
    if (!missing(path)) v = get_path(r, v, path);
    return v.type == V_STRING && !exact ? in_case(r, v, CASE_LOWER) : v;
}

struct value filter_join(struct run *r, struct value in, struct value *a) {
    struct string between = is_absent(a[0]) ? string_of("", 0, true) : value_str(r, a[0]);
    struct list l = value_walk(r, in);
    struct builder b = {0};
    for (size_t i = 0; i < l.n; i++) {
        struct value v = missing(a[1]) ? l.items[i] : get_path(r, l.items[i], a[1]);
        if (i) builder_put(r, &b, between);
        builder_put(r, &b, value_str(r, v));
    }
    return value_string(r, builder_string(&b));
}

static struct value *sort_keys(struct run *r, struct list l, struct value path, bool exact) {
    struct value *keys = run_alloc(r, l.n, sizeof *keys);
    for (size_t i = 0; i < l.n; i++) keys[i] = sort_key(r, l.items[i], path, exact);
    return keys;
}

/* sort's keys are lists, one item for each of the attributes "a,b": so equal items are never asked
 * for an order, as in jinja2. */
static struct value *sort_lists(struct run *r, struct list l, struct value paths, bool exact) {
    struct value *keys = run_alloc(r, l.n, sizeof *keys);
    struct list by = {.n = 1, .items = &paths};
    if (paths.type == V_STRING) {
        struct value comma = value_string(r, string_lit(","));
        struct args args = {.list = &comma, .n = 1};
        struct value split = get_field(r, paths, string_lit("split"));
        by = *call_method(r, split.u.method, &args).u.list;
    }
    for (size_t i = 0; i < l.n; i++) {
        struct value *items = run_alloc(r, by.n, sizeof *items);
        for (size_t k = 0; k < by.n; k++)
            items[k] = sort_key(r, l.items[i], by.items[k], exact);
        keys[i] = value_list(r, LIST_PLAIN, items, by.n);
    }
    return keys;
}

static struct value sorted(struct run *r, struct list l, struct value *keys, bool descending) {
    struct value *items = run_alloc(r, l.n, sizeof *items);
    if (l.n) memcpy(items, l.items, l.n * sizeof *items);
    sort_values(r, items, keys, l.n, descending);
    return value_list(r, LIST_PLAIN, items, l.n);
}

struct value filter_sort(struct run *r, struct value in, struct value *a) {
    struct list l = value_walk(r, in);
    return sorted(r, l, sort_lists(r, l, a[2], flag(a[1])), flag(a[0]));
}

struct value filter_dictsort(struct run *r, struct value in, struct value *a) {
    struct string by = is_absent(a[1]) ? string_lit("key") : string_arg(r, "dictsort", a[1]);
    if (in.type != V_DICT) run_fail(r, "dictsort takes a dict, not %s", type_name(in));
    if (!string_is(by, "key") && !string_is(by, "value"))
        run_fail(r, "dictsort: by is 'key' or 'value'");
    struct list l = value_walk(r, filter_items(r, in, NULL));
    struct value path = value_int(string_is(by, "value"));
    return sorted(r, l, sort_keys(r, l, path, flag(a[0])), flag(a[2]));
}

struct value filter_unique(struct run *r, struct value in, struct value *a) {
    struct list l = value_walk(r, in);
    struct value *items = run_alloc(r, l.n, sizeof *items), seen;
    struct dict *d = dict_new(r);
    size_t n = 0;
    for (size_t i = 0; i < l.n; i++) {
        struct value key = sort_key(r, l.items[i], a[1], flag(a[0]));
        if (dict_get(r, d, key, &seen)) continue;
        dict_set(r, d, key, value_none);
        items[n++] = l.items[i];
    }
    return generator(r, items, n);
}

static struct value extreme(struct run *r, struct value in, struct value *a, int sign) {
    struct list l = value_walk(r, in);
    struct value *keys = sort_keys(r, l, a[1], flag(a[0]));
    size_t best = 0;
    for (size_t i = 1; i < l.n; i++)
        if (value_compare(r, keys[i], keys[best]) == sign) best = i;
    return l.n ? l.items[best] : value_undefined;
}
struct value filter_min(struct run *r, struct value in, struct value *a) {
    return extreme(r, in, a, -1);
}
struct value filter_max(struct run *r, struct value in, struct value *a) {
    return extreme(r, in, a, 1);
}

struct value filter_default(struct run *r, struct value in, struct value *a) {
    if (in.type != V_UNDEFINED && !(flag(a[1]) && !value_true(in))) return in;
    return is_absent(a[0]) ? value_string(r, string_lit("")) : a[0];
}

/* map('filter', arguments) or map(attribute='a.b', default=x) */
struct value filter_map(struct run *r, struct value in, const struct args *a) {
    struct value path = absent, other = absent;
    struct args rest = *a;
    uint8_t number = 0;
    if (!value_true(in)) return generator(r, NULL, 0);
    for (size_t i = 0; a->n == 0 && i < a->n_named; i++) {
        struct string name = *a->named[i].key.u.s;
        if (string_is(name, "attribute")) path = a->named[i].value;
        else if (string_is(name, "default")) other = a->named[i].value;
        else run_fail(r, "map: an argument that it cannot take");
    }
    if (is_absent(path)) {
        if (a->n == 0) run_fail(r, "map takes the name of a filter or attribute=");
        number = find_filter(string_arg(r, "map", a->list[0]));
        if (!number) run_fail(r, "map: an unknown filter");
        rest.list++;
        rest.n--;
    }
    struct list l = value_walk(r, in);
    struct value *items = run_alloc(r, l.n, sizeof *items);
    for (size_t i = 0; i < l.n; i++) {
        run_step(r);
        if (number) {
            items[i] = apply_filter(r, number, l.items[i], &rest);
        } else {
            items[i] = get_path(r, l.items[i], path);
            if (items[i].type == V_UNDEFINED && !missing(other)) items[i] = other;
        }
    }
    return generator(r, items, l.n);
}

/* select and reject: by a test on the items, or on an attribute of theirs. */
static struct value choose(struct run *r, struct value in, const struct args *a, bool attribute,
                           bool keep) {
    struct args rest = *a;
    struct value path = absent;
    uint8_t number = 0;
    if (!value_true(in)) return generator(r, NULL, 0);
    if (attribute) {
        if (a->n == 0) run_fail(r, "an attribute is missing");
        path = rest.list[0];
        rest.list++;
        rest.n--;
    }
    if (rest.n) {
        number = find_test(string_arg(r, "a test", rest.list[0]));
        if (!number) run_fail(r, "an unknown test");
        rest.list++;
        rest.n--;
    }
    struct list l = value_walk(r, in);
    struct value *items = run_alloc(r, l.n, sizeof *items);
    size_t n = 0;
    for (size_t i = 0; i < l.n; i++) {
        struct value v = attribute ? get_path(r, l.items[i], path) : l.items[i];
        run_step(r);
        if ((number ? apply_test(r, number, v, &rest) : value_true(v)) == keep)
            items[n++] = l.items[i];
    }
    return generator(r, items, n);
}
struct value filter_select(struct run *r, struct value in, const struct args *a) {
    return choose(r, in, a, false, true);
}
struct value filter_reject(struct run *r, struct value in, const struct args *a) {
    return choose(r, in, a, false, false);
}
struct value filter_selectattr(struct run *r, struct value in, const struct args *a) {
    return choose(r, in, a, true, true);
}
struct value filter_rejectattr(struct run *r, struct value in, const struct args *a) {
    return choose(r, in, a, true, false);
}

