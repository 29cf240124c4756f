/* methods.c - methods of str, list and dict. */
#include <string.h>
#include "chat/jinja/call.h"

struct method_entry {
    enum value_type of;
    const char *name, *names;           /* names: of its parameters */
    struct value (*call)(struct run *r, struct value self, struct value *a);
};

static struct value strip(struct run *r, struct value self, struct value chars, int ends) {
    struct string set;
    bool spaces = is_absent(chars) || chars.type == V_NONE;
    if (!spaces) set = string_arg(r, "strip", chars);
    return value_string(r, string_strip(r, *self.u.s, spaces ? NULL : &set, ends));
}
static struct value str_strip(struct run *r, struct value self, struct value *a) {
    return strip(r, self, a[0], STRIP_LEFT | STRIP_RIGHT);
}
static struct value str_lstrip(struct run *r, struct value self, struct value *a) {
    return strip(r, self, a[0], STRIP_LEFT);
}
static struct value str_rstrip(struct run *r, struct value self, struct value *a) {
    return strip(r, self, a[0], STRIP_RIGHT);
}

static struct value str_upper(struct run *r, struct value self, struct value *a) {
    (void)a;
    return value_string(r, string_case(r, *self.u.s, CASE_UPPER));
}
static struct value str_lower(struct run *r, struct value self, struct value *a) {
    (void)a;
    return value_string(r, string_case(r, *self.u.s, CASE_LOWER));
}
static struct value str_title(struct run *r, struct value self, struct value *a) {
    (void)a;
    return value_string(r, string_case(r, *self.u.s, CASE_TITLE));
}
static struct value str_capitalize(struct run *r, struct value self, struct value *a) {
    (void)a;
    return value_string(r, string_case(r, *self.u.s, CASE_CAPITALIZE));
}

/* A list of strings that grows. */
struct parts { struct value *items; size_t n, cap; };

static void add_part(struct run *r, struct parts *p, struct string s) {
    run_step(r);
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 8;
        struct value *items = run_alloc(r, cap, sizeof *items);
        if (p->n) memcpy(items, p->items, p->n * sizeof *items);
        p->items = items;
        p->cap = cap;
    }
    p->items[p->n++] = value_string(r, s);
}

/* How often at most: any number below 0 stands for no limit. */
static int64_t times_arg(struct run *r, const char *what, struct value v) {
    int64_t most = whole_arg(r, what, v, -1);
    return most < 0 ? INT64_MAX : most;
}

/* Around white space, with none at the ends. */
static void split_words(struct run *r, struct parts *out, struct string s, int64_t most) {
    s = string_strip(r, s, NULL, STRIP_LEFT);
    while (s.n > 0) {
        size_t i = 0, next = 0;
        if (most == 0) {
            add_part(r, out, s);
            return;
        }
        for (; i < s.n; i = next) {
            next = i + 1;
            while (next < s.n && ((unsigned char)s.p[next] & 0xC0) == 0x80) next++;
            if (string_strip(r, string_part(s, i, next), NULL, STRIP_LEFT).n == 0) break;
        }
        add_part(r, out, string_part(s, 0, i));
        s = string_strip(r, string_part(s, i, s.n), NULL, STRIP_LEFT);
        most--;
    }
}

static struct value str_split(struct run *r, struct value self, struct value *a) {
    struct parts out = {0};
    struct string s = *self.u.s;
    int64_t most = times_arg(r, "split", a[1]);
    if (is_absent(a[0]) || a[0].type == V_NONE) {
        split_words(r, &out, s, most);
        return value_list(r, LIST_PLAIN, out.items, out.n);
    }
    struct string by = string_arg(r, "split", a[0]);
    size_t from = 0, i;
    if (by.n == 0) run_fail(r, "split: the separator is empty");
    while (most-- != 0 && (i = string_find(r, s, by, from)) <= s.n) {
        add_part(r, &out, string_part(s, from, i));
        from = i + by.n;
    }
    add_part(r, &out, string_part(s, from, s.n));
    return value_list(r, LIST_PLAIN, out.items, out.n);
}

static bool at_end(struct run *r, struct string s, struct value part, bool end) {
    if (part.type != V_STRING)
        run_fail(r, "startswith and endswith take a str or a tuple of them, not %s",
                 type_name(part));
    struct string p = *part.u.s;
    run_work(r, p.n);
    return p.n <= s.n && memcmp(end ? s.p + s.n - p.n : s.p, p.p, p.n) == 0;
}

static struct value at_either(struct run *r, struct value self, struct value what, bool end) {
    need_arg(r, "startswith", what);
    if (what.type != V_LIST || what.u.list->kind != LIST_TUPLE)
        return value_bool(at_end(r, *self.u.s, what, end));
    for (size_t i = 0; i < what.u.list->n; i++)
        if (at_end(r, *self.u.s, what.u.list->items[i], end)) return value_bool(true);
    return value_bool(false);
}
static struct value str_startswith(struct run *r, struct value self, struct value *a) {
    return at_either(r, self, a[0], false);
}
static struct value str_endswith(struct run *r, struct value self, struct value *a) {
    return at_either(r, self, a[0], true);
}

static struct value str_replace(struct run *r, struct value self, struct value *a) {
    struct string s = *self.u.s, old = string_arg(r, "replace", a[0]);
    struct string new = string_arg(r, "replace", a[1]);
    int64_t most = times_arg(r, "replace", a[2]);
    struct builder b = {0};
    size_t from = 0, i;
    if (old.n == 0) {                   /* before each character and at the end */
        for (; most != 0; most--) {
            builder_put(r, &b, new);
            if (from == s.n) break;
            i = from + string_offset(r, string_part(s, from, s.n), 1);
            builder_put(r, &b, string_part(s, from, i));
            from = i;
        }
    } else {
        while (most-- != 0 && (i = string_find(r, s, old, from)) <= s.n) {
            builder_put(r, &b, string_part(s, from, i));
            builder_put(r, &b, new);
            from = i + old.n;
        }
        if (from == 0) return self;
    }
    builder_put(r, &b, string_part(s, from, s.n));
    return value_string(r, builder_string(&b));
}

/* find and rfind between start and end, which count from the end where they are negative. */
static struct value find_in(struct run *r, struct value self, struct value *a, bool last) {
    struct string s = *self.u.s, what = string_arg(r, "find", a[0]);
    int64_t n = (int64_t)string_length(r, s), from = 0, to = n;
    if (!is_absent(a[1]) && a[1].type != V_NONE) from = whole_arg(r, "find", a[1], 0);
    if (!is_absent(a[2]) && a[2].type != V_NONE) to = whole_arg(r, "find", a[2], n);
    if (from < 0) from = from < -n ? 0 : from + n;
    if (to < 0) to = to < -n ? 0 : to + n;
    if (from > n || from > to) return value_int(-1);
    size_t begin = string_offset(r, s, (size_t)from);
    struct string part = string_part(s, begin, s.n);
    if (to < n) part = string_part(part, 0, string_offset(r, part, (size_t)(to - from)));
    size_t i = last ? string_find_last(r, part, what) : string_find(r, part, what, 0);
    if (i > part.n) return value_int(-1);
    return value_int(from + (int64_t)string_length(r, string_part(part, 0, i)));
}
static struct value str_find(struct run *r, struct value self, struct value *a) {
    return find_in(r, self, a, false);
}
static struct value str_rfind(struct run *r, struct value self, struct value *a) {
    return find_in(r, self, a, true);
}

static struct value str_count(struct run *r, struct value self, struct value *a) {
    struct string s = *self.u.s, part = string_arg(r, "count", a[0]);
    int64_t n = 0;
    if (part.n == 0) return value_int((int64_t)string_length(r, s) + 1);
    for (size_t i = 0; (i = string_find(r, s, part, i)) <= s.n; i += part.n) n++;
    return value_int(n);
}

static struct value str_join(struct run *r, struct value self, struct value *a) {
    struct list l = value_walk(r, need_arg(r, "join", a[0]));
    struct builder b = {0};
    for (size_t i = 0; i < l.n; i++) {
        if (i) builder_put(r, &b, *self.u.s);
        builder_put(r, &b, string_arg(r, "join", l.items[i]));
    }
    return value_string(r, builder_string(&b));
}

static struct value list_count(struct run *r, struct value self, struct value *a) {
    int64_t n = 0;
    need_arg(r, "count", a[0]);
    for (size_t i = 0; i < self.u.list->n; i++) n += value_equal(r, self.u.list->items[i], a[0]);
    return value_int(n);
}

static struct value dict_get_method(struct run *r, struct value self, struct value *a) {
    struct value v = is_absent(a[1]) ? value_none : a[1];
    dict_get(r, self.u.dict, need_arg(r, "get", a[0]), &v);
    return v;
}

enum { KEYS = 1, VALUES = 2 };

static struct value view(struct run *r, const struct dict *d, int what) {
    struct value *items = run_alloc(r, d->n, sizeof *items);
    run_work(r, 64 * d->n);
    for (size_t i = 0; i < d->n; i++) {
        struct pair *p = &d->pairs[i];
        if (what == KEYS) items[i] = p->key;
        else if (what == VALUES) items[i] = p->value;
        else {
            struct value *both = run_alloc(r, 2, sizeof *both);
            both[0] = p->key;
            both[1] = p->value;
            items[i] = value_list(r, LIST_TUPLE, both, 2);
        }
    }
    return value_list(r, LIST_VIEW, items, d->n);
}
static struct value dict_keys(struct run *r, struct value self, struct value *a) {
    (void)a;
    return view(r, self.u.dict, KEYS);
}
static struct value dict_values(struct run *r, struct value self, struct value *a) {
    (void)a;
    return view(r, self.u.dict, VALUES);
}
static struct value dict_items(struct run *r, struct value self, struct value *a) {
    (void)a;
    return view(r, self.u.dict, KEYS | VALUES);
}

/* A dash: a parameter without a name. */
static const struct method_entry methods[] = {
    {V_STRING, "strip", "-", str_strip},
    {V_STRING, "lstrip", "-", str_lstrip},
    {V_STRING, "rstrip", "-", str_rstrip},
    {V_STRING, "split", "sep maxsplit", str_split},
    {V_STRING, "startswith", "-", str_startswith},
    {V_STRING, "endswith", "-", str_endswith},
    {V_STRING, "replace", "- - -", str_replace},
    {V_STRING, "find", "- - -", str_find},
    {V_STRING, "rfind", "- - -", str_rfind},
    {V_STRING, "count", "-", str_count},
    {V_STRING, "join", "-", str_join},
    {V_STRING, "upper", "", str_upper},
    {V_STRING, "lower", "", str_lower},
    {V_STRING, "title", "", str_title},
    {V_STRING, "capitalize", "", str_capitalize},
    {V_LIST, "count", "-", list_count},
    {V_DICT, "get", "- -", dict_get_method},
    {V_DICT, "keys", "", dict_keys},
    {V_DICT, "values", "", dict_values},
    {V_DICT, "items", "", dict_items},
};

/* What a template may not call; it hides keys of the same name behind a dot, as in Python. */
static const char *const forbidden[] = {"clear", "pop", "popitem", "setdefault", "update"};

bool is_forbidden(struct value of, struct string name) {
    for (size_t i = 0; of.type == V_DICT && i < sizeof forbidden / sizeof *forbidden; i++)
        if (string_is(name, forbidden[i])) return true;
    return false;
}

const struct method_entry *find_method(struct value of, struct string name) {
    if (of.type == V_LIST && of.u.list->kind > LIST_TUPLE) return NULL;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i].of == of.type && string_is(name, methods[i].name)) return &methods[i];
    return NULL;
}

struct value method_value(struct run *r, const struct method_entry *e, struct value self) {
    struct method *m = run_alloc(r, 1, sizeof *m);
    *m = (struct method){e, self};
    return (struct value){V_METHOD, {.method = m}};
}

struct value call_method(struct run *r, const struct method *m, const struct args *a) {
    struct value bound[4];
    bind_args(r, m->entry->name, m->entry->names, a, bound);
    return m->entry->call(r, m->self, bound);
}
