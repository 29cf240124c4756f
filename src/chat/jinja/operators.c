/* operators.c - arithmetic and comparisons, as Python has them. */
#include <math.h>
#include <string.h>
#include "chat/jinja/call.h"

static _Noreturn void fail_types(struct run *r, const char *op, struct value a,
                                 struct value b) {
    if (a.type == V_UNDEFINED) fail_undefined(r, a);
    if (b.type == V_UNDEFINED) fail_undefined(r, b);
    run_fail(r, "%s does not take %s and %s", op, type_name(a), type_name(b));
}

/* What Markup + str escapes in str. */
static struct string escape_html(struct run *r, struct string s) {
    struct builder b = {0};
    size_t plain = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *as = NULL;
        switch (s.p[i]) {
        case '&': as = "&amp;"; break;
        case '<': as = "&lt;"; break;
        case '>': as = "&gt;"; break;
        case '"': as = "&#34;"; break;
        case '\'': as = "&#39;"; break;
        default: continue;
        }
        builder_put(r, &b, string_part(s, plain, i));
        builder_bytes(r, &b, as, strlen(as), s.mask ? s.mask[i] != 0 : s.control);
        plain = i + 1;
    }
    builder_put(r, &b, string_part(s, plain, s.n));
    return builder_string(&b);
}

static struct value add_strings(struct run *r, struct string a, struct string b) {
    bool html = a.html || b.html;
    if (html && !a.html) a = escape_html(r, a);
    if (html && !b.html) b = escape_html(r, b);
    struct string s = string_join2(r, a, b);
    s.html = html;
    return value_string(r, s);
}

static struct value add_lists(struct run *r, const struct list *a, const struct list *b) {
    struct value *items = run_alloc(r, a->n + b->n, sizeof *items);
    run_work(r, 16 * (a->n + b->n));
    if (a->n) memcpy(items, a->items, a->n * sizeof *items);
    if (b->n) memcpy(items + a->n, b->items, b->n * sizeof *items);
    return value_list(r, a->kind, items, a->n + b->n);
}

static struct value repeat(struct run *r, struct value what, int64_t times) {
    if (what.type == V_STRING) {
        struct builder b = {0};
        for (int64_t i = 0; i < times && what.u.s->n; i++) builder_put(r, &b, *what.u.s);
        return value_string(r, builder_string(&b));
    }
    const struct list *l = what.u.list;
    if (l->n && times > (int64_t)(r->limit / l->n)) run_fail(r, "the list is too long");
    size_t n = times > 0 && l->n ? (size_t)times : 0;
    struct value *items = run_alloc(r, n * l->n, sizeof *items);
    run_work(r, 16 * n * l->n);
    for (size_t i = 0; i < n; i++) memcpy(items + i * l->n, l->items, l->n * sizeof *items);
    return value_list(r, l->kind, items, n * l->n);
}

static bool is_sequence(struct value v) {
    return v.type == V_STRING || (v.type == V_LIST && v.u.list->kind <= LIST_TUPLE);
}

/* Python's //: rounds down. */
static double floor_divide(double a, double b) {
    double mod = fmod(a, b), div = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0)) div -= 1;
    if (div == 0) return copysign(0.0, a / b);
    double down = floor(div);
    return div - down > 0.5 ? down + 1 : down;
}

static double modulo(double a, double b) {
    double mod = fmod(a, b);
    if (mod == 0) return copysign(0.0, b);
    return (b < 0) != (mod < 0) ? mod + b : mod;
}

static struct value whole_op(struct run *r, enum node_type op, int64_t a, int64_t b) {
    int64_t out = 0;
    bool overflow = false;
    if (b == 0 && (op == N_FLOOR_DIVIDE || op == N_MODULO)) run_fail(r, "division by zero");
    if (op == N_ADD) overflow = __builtin_add_overflow(a, b, &out);
    else if (op == N_SUBTRACT) overflow = __builtin_sub_overflow(a, b, &out);
    else if (op == N_MULTIPLY) overflow = __builtin_mul_overflow(a, b, &out);
    else if (b == -1) overflow = op == N_FLOOR_DIVIDE && __builtin_sub_overflow(0, a, &out);
    else {
        int64_t down = a / b, rest = a % b;
        bool lower = rest != 0 && (rest < 0) != (b < 0);
        if (lower) {
            down--;
            rest += b;
        }
        out = op == N_FLOOR_DIVIDE ? down : rest;
    }
    if (overflow) run_fail(r, "the result is beyond 64 bits");
    return value_int(out);
}

static struct value float_op(struct run *r, enum node_type op, double a, double b) {
    switch (op) {
    case N_ADD: return value_float(a + b);
    case N_SUBTRACT: return value_float(a - b);
    case N_MULTIPLY: return value_float(a * b);
    default: break;
    }
    if (b == 0) run_fail(r, "division by zero");
    if (op == N_DIVIDE) return value_float(a / b);
    run_work(r, 64 * 40);            /* fmod takes long where a and b are far apart */
    return value_float(op == N_FLOOR_DIVIDE ? floor_divide(a, b) : modulo(a, b));
}

struct value binary_op(struct run *r, enum node_type op, struct value a, struct value b) {
    static const char *const names[] = {"+", "-", "*", "/", "//", "%"};
    int64_t i, j;
    double x, y;
    if (op != N_DIVIDE && value_whole(a, &i) && value_whole(b, &j)) return whole_op(r, op, i, j);
    if (value_number(a, &x) && value_number(b, &y)) return float_op(r, op, x, y);
    if (op == N_ADD && a.type == V_STRING && b.type == V_STRING)
        return add_strings(r, *a.u.s, *b.u.s);
    if (op == N_ADD && is_sequence(a) && is_sequence(b) && a.type == b.type &&
        a.u.list->kind == b.u.list->kind)
        return add_lists(r, a.u.list, b.u.list);
    if (op == N_MULTIPLY && is_sequence(a) && value_whole(b, &j)) return repeat(r, a, j);
    if (op == N_MULTIPLY && is_sequence(b) && value_whole(a, &i)) return repeat(r, b, i);
    fail_types(r, names[op - N_ADD], a, b);
}

bool comparison_holds(struct run *r, enum node_type op, struct value a, struct value b) {
    if (op == N_EQUAL) return value_equal(r, a, b);
    if (op == N_NOT_EQUAL) return !value_equal(r, a, b);
    if (op == N_IN) return value_in(r, a, b);
    if (op == N_NOT_IN) return !value_in(r, a, b);
    int c = value_compare(r, a, b);
    if (op == N_LESS) return c == -1;
    if (op == N_LESS_EQUAL) return c == -1 || c == 0;
    if (op == N_GREATER) return c == 1;
    return c == 1 || c == 0;
}

struct value negative(struct run *r, struct value v) {
    int64_t i;
    if (v.type == V_FLOAT) return value_float(-v.u.f);
    if (!value_whole(v, &i)) fail_types(r, "-", v, v);
    if (i == INT64_MIN) run_fail(r, "the result is beyond 64 bits");
    return value_int(-i);
}

struct value positive(struct run *r, struct value v) {
    int64_t i;
    if (v.type == V_FLOAT) return v;
    if (!value_whole(v, &i)) fail_types(r, "+", v, v);
    return value_int(i);
}
