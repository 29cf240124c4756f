/* functions.c - arguments of calls, and the functions that every template has. */
#include <string.h>
#include "chat/jinja/call.h"

/* ---- arguments ---- */

static const struct string absent_mark;
const struct value absent = {V_UNDEFINED, {.s = &absent_mark}};
bool is_absent(struct value v) { return v.type == V_UNDEFINED && v.u.s == &absent_mark; }

/* The number of a word among those of names; their count if it is not there. */
static size_t find_word(const char *names, struct string word, size_t *count) {
    size_t i = 0, found = SIZE_MAX;
    for (const char *p = names; *p; i++) {
        size_t n = strcspn(p, " ");
        if (n == word.n && memcmp(p, word.p, n) == 0) found = i;
        p += n + (p[n] == ' ');
    }
    *count = i;
    return found < i ? found : i;
}

void bind_args(struct run *r, const char *what, const char *names, const struct args *a,
               struct value *out) {
    size_t count;
    find_word(names, string_of("", 0, false), &count);
    for (size_t i = 0; i < count; i++) out[i] = i < a->n ? a->list[i] : absent;
    if (a->n > count) run_fail(r, "%s takes at most %zu arguments, not %zu", what, count, a->n);
    for (size_t k = 0; k < a->n_named; k++) {
        struct string name = *a->named[k].key.u.s;
        size_t i = find_word(names, name, &count);
        if (i == count || !is_absent(out[i]))
            run_fail(r, "%s cannot take the argument %.*s", what, (int)(name.n < 40 ? name.n : 40),
                     name.p);
        out[i] = a->named[k].value;
    }
}

struct value need_arg(struct run *r, const char *what, struct value v) {
    if (is_absent(v)) run_fail(r, "%s: an argument is missing", what);
    return v;
}

int64_t whole_arg(struct run *r, const char *what, struct value v, int64_t if_absent) {
    int64_t i;
    if (is_absent(v)) return if_absent;
    if (!value_whole(v, &i)) run_fail(r, "%s: an int was expected, not %s", what, type_name(v));
    return i;
}

struct string string_arg(struct run *r, const char *what, struct value v) {
    need_arg(r, what, v);
    if (v.type != V_STRING) run_fail(r, "%s: a str was expected, not %s", what, type_name(v));
    return *v.u.s;
}

struct value undefined_named(struct run *r, struct string name) {
    struct value v = value_string(r, name);
    v.type = V_UNDEFINED;
    return v;
}

void fail_undefined(struct run *r, struct value v) {
    if (!v.u.s || is_absent(v)) run_fail(r, "the value is undefined");
    run_fail(r, "'%.*s' is undefined", (int)(v.u.s->n < 60 ? v.u.s->n : 60), v.u.s->p);
}

/* ---- functions ---- */

/* The numbers from start on by step, up to stop. */
struct value new_range(struct run *r, int64_t start, int64_t stop, int64_t step) {
    uint64_t by = step > 0 ? (uint64_t)step : -(uint64_t)step, n = 0;
    if (step > 0 && stop > start) n = ((uint64_t)stop - (uint64_t)start - 1) / by + 1;
    if (step < 0 && stop < start) n = ((uint64_t)start - (uint64_t)stop - 1) / by + 1;
    if (n > MAX_RANGE) run_fail(r, "a range of more than %d numbers", MAX_RANGE);
    struct range *x = run_alloc(r, 1, sizeof *x);
    *x = (struct range){start, stop, step, (size_t)n};
    return (struct value){V_RANGE, {.range = x}};
}

/* The members of a dict, or of a list of pairs. */
static void put_pairs(struct run *r, struct dict *d, struct value from) {
    if (from.type == V_DICT) {
        const struct dict *other = from.u.dict;
        for (size_t i = 0; i < other->n; i++)
            dict_set(r, d, other->pairs[i].key, other->pairs[i].value);
        return;
    }
    if (from.type == V_UNDEFINED) fail_undefined(r, from);
    struct list l = value_walk(r, from);
    for (size_t i = 0; i < l.n; i++) {
        struct list pair = value_walk(r, l.items[i]);
        if (pair.n != 2) run_fail(r, "dict: a pair was expected, not %zu values", pair.n);
        dict_set(r, d, pair.items[0], pair.items[1]);
    }
}

static struct value make_dict(struct run *r, const struct args *a) {
    struct dict *d = dict_new(r);
    if (a->n > 1) run_fail(r, "dict takes one argument by position, not %zu", a->n);
    if (a->n) put_pairs(r, d, a->list[0]);
    for (size_t i = 0; i < a->n_named; i++) dict_set(r, d, a->named[i].key, a->named[i].value);
    return value_dict(d);
}

static struct value make_namespace(struct run *r, const struct args *a) {
    struct value v = make_dict(r, a);
    v.type = V_NAMESPACE;
    return v;
}

static struct value make_range(struct run *r, const struct args *a) {
    int64_t start = 0, step = 1;
    if (a->n < 1 || a->n > 3 || a->n_named) run_fail(r, "range takes one to three int");
    int64_t stop = whole_arg(r, "range", a->list[0], 0);
    if (a->n > 1) {
        start = stop;
        stop = whole_arg(r, "range", a->list[1], 0);
    }
    if (a->n > 2) step = whole_arg(r, "range", a->list[2], 1);
    if (step == 0) run_fail(r, "the step of a range is 0");
    return new_range(r, start, stop, step);
}

static struct value raise_exception(struct run *r, const struct args *a) {
    struct value v;
    bind_args(r, "raise_exception", "message", a, &v);
    struct string s = value_str(r, need_arg(r, "raise_exception", v));
    run_fail(r, "the template refuses this conversation: %.*s", (int)(s.n < 600 ? s.n : 600), s.p);
}

static struct value strftime_now(struct run *r, const struct args *a) {
    struct value v;
    bind_args(r, "strftime_now", "format", a, &v);
    return value_string(r, date_text(r, string_arg(r, "strftime_now", v)));
}

static const struct function functions[] = {
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
    {"range", make_range},
    {"dict", make_dict},
};

uint8_t find_function(struct string name) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (string_is(name, functions[i].name)) return (uint8_t)(i + 1);
    return 0;
}

const struct function *function_number(uint8_t number) { return &functions[number - 1]; }
