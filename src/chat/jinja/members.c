/* members.c - what x.name, x[key] and x[a:b] give. */
#include <string.h>
#include "chat/jinja/call.h"

struct value get_field(struct run *r, struct value of, struct string name) {
    struct value v, key;
    run_step(r);
    if (of.type == V_UNDEFINED) fail_undefined(r, of);
    const struct method_entry *e = find_method(of, name);
    if (e) return method_value(r, e, of);
    if (of.type != V_DICT && of.type != V_NAMESPACE) return undefined_named(r, name);
    if (is_forbidden(of, name)) return undefined_named(r, name);
    key = (struct value){V_STRING, {.s = &name}};
    return dict_get(r, of.u.dict, key, &v) ? v : undefined_named(r, name);
}

/* Can it be a key? Lists and dicts cannot. */
static bool hashable(struct value v) {
    if (v.type == V_DICT) return false;
    if (v.type != V_LIST) return true;
    if (v.u.list->kind != LIST_TUPLE) return v.u.list->kind == LIST_GENERATOR;
    for (size_t i = 0; i < v.u.list->n; i++)
        if (v.u.list->items[i].type == V_LIST || v.u.list->items[i].type == V_DICT) return false;
    return true;
}

struct value get_item(struct run *r, struct value of, struct value key) {
    struct value v;
    int64_t i;
    run_step(r);
    if (of.type == V_UNDEFINED) fail_undefined(r, of);
    if (of.type == V_DICT && hashable(key) && dict_get(r, of.u.dict, key, &v)) return v;
    if (key.type == V_STRING) {
        const struct method_entry *e = find_method(of, *key.u.s);
        if (e) return method_value(r, e, of);
        return of.type == V_NAMESPACE ? get_field(r, of, *key.u.s)
                                      : undefined_named(r, *key.u.s);
    }
    bool list = of.type == V_LIST && of.u.list->kind <= LIST_TUPLE;
    if (!value_whole(key, &i) || !(list || of.type == V_STRING || of.type == V_RANGE))
        return value_undefined;
    int64_t n = (int64_t)value_length(r, of);
    if (i < 0) i += n;
    if (i < 0 || i >= n) return value_undefined;
    if (list) return of.u.list->items[i];
    if (of.type == V_RANGE) return value_int(of.u.range->start + i * of.u.range->step);
    size_t from = string_offset(r, *of.u.s, (size_t)i);
    size_t to = from + string_offset(r, string_part(*of.u.s, from, of.u.s->n), 1);
    return value_string(r, string_part(*of.u.s, from, to));
}

/* A bound of a slice: within lo..hi, counted from the end if negative. */
static int64_t bound(struct run *r, struct value v, int64_t n, int64_t lo, int64_t hi,
                     int64_t if_none) {
    int64_t i;
    if (v.type == V_NONE) return if_none;
    if (!value_whole(v, &i)) run_fail(r, "a slice takes int, not %s", type_name(v));
    if (i < 0) i = i < -n ? lo : i + n;
    if (i < lo) return lo;
    return i > hi ? hi : i;
}

static struct value range_slice(struct run *r, const struct range *x, int64_t from, int64_t to,
                                int64_t by) {
    int64_t start, stop, step;
    if (__builtin_mul_overflow(x->step, from, &start) ||
        __builtin_add_overflow(x->start, start, &start) ||
        __builtin_mul_overflow(x->step, to, &stop) ||
        __builtin_add_overflow(x->start, stop, &stop) ||
        __builtin_mul_overflow(x->step, by, &step))
        run_fail(r, "the result is beyond 64 bits");
    return new_range(r, start, stop, step);
}

struct value get_slice(struct run *r, struct value of, struct value start, struct value stop,
                       struct value step) {
    bool list = of.type == V_LIST && of.u.list->kind <= LIST_TUPLE;
    int64_t by = 1;
    if (of.type == V_UNDEFINED) fail_undefined(r, of);
    if (!list && of.type != V_STRING && of.type != V_RANGE)
        run_fail(r, "a %s has no slices", type_name(of));
    if (step.type != V_NONE && !value_whole(step, &by))
        run_fail(r, "a slice takes int, not %s", type_name(step));
    if (by == 0) run_fail(r, "the step of a slice is 0");
    int64_t n = (int64_t)value_length(r, of);
    int64_t lo = by > 0 ? 0 : -1, hi = by > 0 ? n : n - 1;
    int64_t from = bound(r, start, n, lo, hi, by > 0 ? lo : hi);
    int64_t to = bound(r, stop, n, lo, hi, by > 0 ? hi : lo);
    if (of.type == V_STRING && by == 1) {
        if (to <= from) return value_string(r, string_part(*of.u.s, 0, 0));
        size_t a = string_offset(r, *of.u.s, (size_t)from);
        struct string rest = string_part(*of.u.s, a, of.u.s->n);
        return value_string(r, string_part(rest, 0, string_offset(r, rest, (size_t)(to - from))));
    }
    if (of.type == V_RANGE) return range_slice(r, of.u.range, from, to, by);
    struct list all = value_walk(r, of);
    struct value *items = run_alloc(r, all.n, sizeof *items);
    size_t k = 0;
    for (int64_t i = from; by > 0 ? i < to : i > to; i += by) {
        items[k++] = all.items[i];
        run_step(r);
        if (by > 0 ? by >= to - i : by <= to - i) break;        /* i + by could overflow */
    }
    if (list) return value_list(r, of.u.list->kind, items, k);
    struct builder b = {0};
    for (size_t i = 0; i < k; i++) builder_put(r, &b, *items[i].u.s);
    return value_string(r, builder_string(&b));
}
