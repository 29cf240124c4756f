/* filters.c - filters: x|name. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "chat/jinja/filters.h"

/* A filter: names are its parameters', a has a value for each. With names NULL it is given the
 * arguments as they are. */
struct filter {
    const char *name, *names;
    struct value (*bound)(struct run *r, struct value in, struct value *a);
    struct value (*free)(struct run *r, struct value in, const struct args *a);
};

enum { MAX_PARAMETERS = 4 };

/* ---- text ---- */

static struct value filter_string(struct run *r, struct value in, struct value *a) {
    (void)a;
    return in.type == V_STRING ? in : value_string(r, value_str(r, in));
}

static struct value filter_safe(struct run *r, struct value in, struct value *a) {
    (void)a;
    struct string s = value_str(r, in);
    s.html = true;
    return value_string(r, s);
}

struct value in_case(struct run *r, struct value in, enum letter_case to) {
    return value_string(r, string_case(r, value_str(r, in), to));
}
static struct value filter_upper(struct run *r, struct value in, struct value *a) {
    (void)a;
    return in_case(r, in, CASE_UPPER);
}
static struct value filter_lower(struct run *r, struct value in, struct value *a) {
    (void)a;
    return in_case(r, in, CASE_LOWER);
}
static struct value filter_capitalize(struct run *r, struct value in, struct value *a) {
    (void)a;
    return in_case(r, in, CASE_CAPITALIZE);
}

/* Words begin after white space, -, (, {, [ and <: It's, where .title() has It'S. */
static struct value filter_title(struct run *r, struct value in, struct value *a) {
    (void)a;
    struct string s = value_str(r, in);
    struct builder b = {0};
    size_t from = 0, i = 0, next;
    while (i <= s.n) {
        next = i < s.n ? i + string_offset(r, string_part(s, i, s.n), 1) : s.n + 1;
        bool ends = i == s.n || memchr("-({[<", s.p[i], 5) ||
                    string_strip(r, string_part(s, i, next), NULL, STRIP_LEFT).n == 0;
        if (ends) {
            builder_put(r, &b, string_case(r, string_part(s, from, i), CASE_CAPITALIZE));
            if (i < s.n) builder_put(r, &b, string_part(s, i, next));
            from = next;
        }
        i = next;
    }
    return value_string(r, builder_string(&b));
}

static struct value filter_trim(struct run *r, struct value in, struct value *a) {
    struct string set, s = value_str(r, in);
    bool spaces = missing(a[0]);
    if (!spaces) set = string_arg(r, "trim", a[0]);
    return value_string(r, string_strip(r, s, spaces ? NULL : &set, STRIP_LEFT | STRIP_RIGHT));
}

static struct value filter_replace(struct run *r, struct value in, struct value *a) {
    struct value list[3] = {
        value_string(r, value_str(r, need_arg(r, "replace", a[0]))),
        value_string(r, value_str(r, need_arg(r, "replace", a[1]))),
        a[2],
    };
    struct args args = {.list = list, .n = missing(a[2]) ? 2 : 3};
    struct value s = value_string(r, value_str(r, in));
    struct value method = get_field(r, s, string_lit("replace"));
    return call_method(r, method.u.method, &args);
}

static struct value filter_tojson(struct run *r, struct value in, struct value *a) {
    struct json_style style = {
        .ascii = flag(a[0]), .sort = flag(a[3]), .between = string_of(", ", 2, false),
        .colon = string_of(": ", 2, false),
    };
    int64_t blanks;
    struct builder b = {0};
    if (!missing(a[1])) {
        if (value_whole(a[1], &blanks)) {
            struct builder one = {0};
            for (int64_t i = 0; i < blanks; i++) builder_bytes(r, &one, " ", 1, false);
            style.indent = builder_string(&one);
        } else {
            style.indent = string_arg(r, "tojson: indent", a[1]);
        }
        style.between.n = 1;
    }
    if (!missing(a[2])) {
        struct list both = value_walk(r, a[2]);
        if (both.n != 2) run_fail(r, "tojson: separators are two str");
        style.between = string_arg(r, "tojson: separators", both.items[0]);
        style.colon = string_arg(r, "tojson: separators", both.items[1]);
    }
    put_json(r, &b, in, &style);
    return value_string(r, builder_string(&b));
}

static struct value filter_from_json(struct run *r, struct value in, struct value *a) {
    (void)a;
    struct string s = string_arg(r, "from_json", in);
    return value_parse_json(r, s.p, s.n, "from_json");
}

/* ---- numbers ---- */

static struct value filter_int(struct run *r, struct value in, struct value *a) {
    struct value v, other = is_absent(a[0]) ? value_int(0) : a[0];
    double f;
    int64_t base = whole_arg(r, "int", a[1], 10);
    if (in.type == V_UNDEFINED) fail_undefined(r, in);
    if (base != 2 && base != 8 && base != 10 && base != 16)
        run_fail(r, "int: the base is 2, 8, 10 or 16");
    if (in.type == V_STRING && parse_int(*in.u.s, (int)base, r, &v)) return v;
    if (in.type == V_BIG || in.type == V_INT) return in;
    bool text = in.type == V_STRING && parse_float(r, *in.u.s, &f);
    if (!text && !value_number(in, &f)) return other;
    if (!(fabs(f) < 9223372036854775808.0)) {       /* 2^63; false for NaN, too */
        if (f != f || (in.type == V_STRING && fabs(f) > 1.7976931348623157e308)) return other;
        run_fail(r, "int: the number is beyond 64 bits");
    }
    return value_int((int64_t)f);
}

static struct value filter_float(struct run *r, struct value in, struct value *a) {
    double f;
    if (in.type == V_UNDEFINED) fail_undefined(r, in);
    bool text = in.type == V_STRING || in.type == V_BIG;
    if (text && parse_float(r, *in.u.s, &f)) return value_float(f);
    if (value_number(in, &f)) return value_float(f);
    return is_absent(a[0]) ? value_float(0) : a[0];
}

static struct value filter_abs(struct run *r, struct value in, struct value *a) {
    int64_t i;
    (void)a;
    if (in.type == V_FLOAT) return value_float(fabs(in.u.f));
    if (!value_whole(in, &i) || i == INT64_MIN)
        run_fail(r, "abs takes a number of 64 bits, not %s", type_name(in));
    return value_int(i < 0 ? -i : i);
}

/* Exact: snprintf rounds the number's true decimal expansion, half to even. */
static double round_to(struct run *r, double f, int64_t digits) {
    char text[400];
    double out = f;
    if (!(fabs(f) < 1e16) || digits > 30) return f;
    snprintf(text, sizeof text, "%.*f", (int)digits, f);
    for (char *p = text; *p; p++)               /* whatever the locale has for the point */
        if ((*p < '0' || *p > '9') && *p != '-') *p = '.';
    parse_float(r, string_of(text, strlen(text), false), &out);
    return out;
}

/* To a multiple of 10^digits, half to even. above: what a fraction adds, for the sign of ties. */
static int64_t round_whole(struct run *r, int64_t i, double above, int64_t digits) {
    int64_t power = 1, rest, half;
    if (digits > 18) return 0;
    for (int64_t k = 0; k < digits; k++) power *= 10;
    rest = i % power;
    i -= rest;
    half = power / 2;
    double over = fabs((double)rest) - (double)half + fabs(above);
    bool up = over > 0 || (over == 0 && i / power % 2 != 0);
    if (!up) return i;
    if (__builtin_add_overflow(i, rest < 0 || above < 0 ? -power : power, &i))
        run_fail(r, "the result is beyond 64 bits");
    return i;
}

static struct value filter_round(struct run *r, struct value in, struct value *a) {
    int64_t digits = whole_arg(r, "round", a[0], 0), i;
    struct string how = is_absent(a[1]) ? string_lit("common") : string_arg(r, "round", a[1]);
    bool up = string_is(how, "ceil");
    double f;
    if (!value_number(in, &f)) run_fail(r, "round takes a number, not %s", type_name(in));
    if (string_is(how, "common")) {
        bool whole = value_whole(in, &i);
        if (whole) return value_int(digits < 0 ? round_whole(r, i, 0, -digits) : i);
        if (digits < 0) {
            if (!(fabs(f) < 9e18)) run_fail(r, "round: the number is too large");
            i = round_whole(r, (int64_t)f, f - trunc(f), -digits);
            return value_float(copysign((double)i, f));
        }
        return value_float(round_to(r, f, digits));
    }
    if (!up && !string_is(how, "floor")) run_fail(r, "round: common, ceil or floor");
    double power = 1;
    for (int64_t k = 0; k < digits && k < 309; k++) power *= 10;
    for (int64_t k = 0; k > digits && k > -309; k--) power /= 10;
    f = up ? ceil(f * power) : floor(f * power);
    return value_float((f + 0.0) / power);      /* by way of an int: there is no -0 */
}

static const struct filter filters[] = {
    {"tojson", "ensure_ascii indent separators sort_keys", filter_tojson, NULL},
    {"from_json", "", filter_from_json, NULL},
    {"string", "", filter_string, NULL},
    {"safe", "", filter_safe, NULL},
    {"trim", "chars", filter_trim, NULL},
    {"replace", "old new count", filter_replace, NULL},
    {"upper", "", filter_upper, NULL},
    {"lower", "", filter_lower, NULL},
    {"title", "", filter_title, NULL},
    {"capitalize", "", filter_capitalize, NULL},
    {"length", "", filter_length, NULL},
    {"count", "", filter_length, NULL},
    {"first", "", filter_first, NULL},
    {"last", "", filter_last, NULL},
    {"list", "", filter_list, NULL},
    {"join", "d attribute", filter_join, NULL},
    {"reverse", "", filter_reverse, NULL},
    {"items", "", filter_items, NULL},
    {"sort", "reverse case_sensitive attribute", filter_sort, NULL},
    {"dictsort", "case_sensitive by reverse", filter_dictsort, NULL},
    {"unique", "case_sensitive attribute", filter_unique, NULL},
    {"min", "case_sensitive attribute", filter_min, NULL},
    {"max", "case_sensitive attribute", filter_max, NULL},
    {"default", "default_value boolean", filter_default, NULL},
    {"d", "default_value boolean", filter_default, NULL},
    {"int", "default base", filter_int, NULL},
    {"float", "default", filter_float, NULL},
    {"abs", "", filter_abs, NULL},
    {"round", "precision method", filter_round, NULL},
    {"map", NULL, NULL, filter_map},
    {"select", NULL, NULL, filter_select},
    {"reject", NULL, NULL, filter_reject},
    {"selectattr", NULL, NULL, filter_selectattr},
    {"rejectattr", NULL, NULL, filter_rejectattr},
};

uint8_t find_filter(struct string name) {
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (string_is(name, filters[i].name)) return (uint8_t)(i + 1);
    return 0;
}

struct value apply_filter(struct run *r, uint8_t number, struct value in, const struct args *a) {
    const struct filter *f = &filters[number - 1];
    struct value bound[MAX_PARAMETERS];
    if (f->free) return f->free(r, in, a);
    bind_args(r, f->name, f->names, a, bound);
    return f->bound(r, in, bound);
}
