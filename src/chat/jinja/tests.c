/* tests.c - tests: x is name. */
#include <math.h>
#include "chat/jinja/call.h"

struct test {
    const char *name;
    int n;                      /* arguments */
    bool (*holds)(struct run *r, struct value v, struct value other);
};

#define TYPE_TEST(name, condition) \
    static bool name(struct run *r, struct value v, struct value other) { \
        (void)r; \
        (void)other; \
        return condition; \
    }

TYPE_TEST(is_defined, v.type != V_UNDEFINED)
TYPE_TEST(is_undefined, v.type == V_UNDEFINED)
TYPE_TEST(is_none, v.type == V_NONE)
TYPE_TEST(is_true, v.type == V_BOOL && v.u.b)
TYPE_TEST(is_false, v.type == V_BOOL && !v.u.b)
TYPE_TEST(is_boolean, v.type == V_BOOL)
TYPE_TEST(is_string, v.type == V_STRING)
TYPE_TEST(is_mapping, v.type == V_DICT)
TYPE_TEST(is_integer, v.type == V_INT || v.type == V_BIG)
TYPE_TEST(is_float, v.type == V_FLOAT)
TYPE_TEST(is_number, v.type >= V_BOOL && v.type <= V_FLOAT)
TYPE_TEST(is_iterable, v.type == V_UNDEFINED || v.type == V_STRING || v.type == V_LIST ||
                       v.type == V_DICT || v.type == V_RANGE || v.type == V_LOOP)
TYPE_TEST(is_sequence, v.type == V_UNDEFINED || v.type == V_STRING || v.type == V_DICT ||
                       v.type == V_RANGE || (v.type == V_LIST && v.u.list->kind <= LIST_TUPLE))
TYPE_TEST(is_callable, v.type == V_MACRO || v.type == V_FUNCTION || v.type == V_METHOD)
TYPE_TEST(is_equal, value_equal(r, v, other))
TYPE_TEST(is_unequal, !value_equal(r, v, other))
TYPE_TEST(is_less, value_compare(r, v, other) == -1)
TYPE_TEST(is_less_or_equal, value_compare(r, v, other) <= 0)
TYPE_TEST(is_greater, value_compare(r, v, other) == 1)
TYPE_TEST(is_in, value_in(r, v, other))

static bool is_greater_or_equal(struct run *r, struct value v, struct value other) {
    int c = value_compare(r, v, other);
    return c == 0 || c == 1;
}

static bool is_odd(struct run *r, struct value v, struct value other) {
    double f;
    int64_t i;
    (void)other;
    if (value_whole(v, &i)) return i % 2 != 0;
    if (v.type == V_BIG) return (v.u.s->p[v.u.s->n - 1] - '0') % 2 == 1;
    if (!value_number(v, &f)) run_fail(r, "odd and even take a number, not %s", type_name(v));
    return fabs(fmod(f, 2)) == 1;
}

static bool is_even(struct run *r, struct value v, struct value other) {
    double f;
    if (is_odd(r, v, other)) return false;
    return v.type == V_BIG || (value_number(v, &f) && fmod(f, 2) == 0);
}

static const struct test tests[] = {
    {"defined", 0, is_defined},
    {"undefined", 0, is_undefined},
    {"none", 0, is_none},
    {"true", 0, is_true},
    {"false", 0, is_false},
    {"boolean", 0, is_boolean},
    {"string", 0, is_string},
    {"mapping", 0, is_mapping},
    {"integer", 0, is_integer},
    {"float", 0, is_float},
    {"number", 0, is_number},
    {"iterable", 0, is_iterable},
    {"sequence", 0, is_sequence},
    {"callable", 0, is_callable},
    {"odd", 0, is_odd},
    {"even", 0, is_even},
    {"equalto", 1, is_equal},
    {"eq", 1, is_equal},
    {"==", 1, is_equal},
    {"ne", 1, is_unequal},
    {"!=", 1, is_unequal},
    {"lt", 1, is_less},
    {"lessthan", 1, is_less},
    {"<", 1, is_less},
    {"le", 1, is_less_or_equal},
    {"<=", 1, is_less_or_equal},
    {"gt", 1, is_greater},
    {"greaterthan", 1, is_greater},
    {">", 1, is_greater},
    {"ge", 1, is_greater_or_equal},
    {">=", 1, is_greater_or_equal},
    {"in", 1, is_in},
};

uint8_t find_test(struct string name) {
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (string_is(name, tests[i].name)) return (uint8_t)(i + 1);
    return 0;
}

bool apply_test(struct run *r, uint8_t number, struct value in, const struct args *a) {
    const struct test *t = &tests[number - 1];
    struct value other = absent;
    bind_args(r, t->name, t->n ? "other" : "", a, &other);
    if (t->n) need_arg(r, t->name, other);
    return t->holds(r, in, other);
}
