/* machine.c - statements and expressions of a template.
 *
 * Names live in scopes: for loops, macros, callers, set blocks and generation have their own, if
 * has none. A name is looked up from the innermost scope outwards, at last among the template's
 * own and the caller's variables, and among the functions. */
#include <string.h>
#include "chat/jinja/call.h"

struct binding { uint32_t name; struct value value; struct binding *next; };
struct scope { struct scope *parent; struct binding *first; };

/* A macro, or what a call block passes as caller. */
struct macro { uint32_t node; struct scope *scope; };

/* A for statement that is running. Items that its condition refuses are dropped one by one, when
 * the next is asked for. */
struct loop {
    const struct node *node;
    struct scope *around;
    struct list from;           /* what is walked; `next` is where */
    struct value *items;        /* [n] taken so far */
    size_t n, index;
};

struct machine {
    struct run *r;
    const struct jinja *t;
    const struct node *nodes;
    struct scope *scope;        /* NULL: outside of all */
    struct value *globals;      /* [t->n_names] */
    bool *is_set;               /* [t->n_names] */
    struct builder *out;
    struct value body;          /* of the set block whose filters run */
};

enum flow { NEXT, BREAK, CONTINUE };

static struct value eval(struct machine *m, uint32_t i);
static enum flow exec(struct machine *m, uint32_t i);

static void enter(struct machine *m) {
    run_step(m->r);
    if (++m->r->depth > MAX_DEPTH_RUN)
        run_fail(m->r, "nested more than %d deep while it runs", MAX_DEPTH_RUN);
}

/* ---- names ---- */

static struct scope *new_scope(struct machine *m, struct scope *parent) {
    struct scope *s = run_alloc(m->r, 1, sizeof *s);
    *s = (struct scope){parent, NULL};
    return s;
}

static void set_name(struct machine *m, uint32_t name, struct value v) {
    if (!m->scope) {
        m->globals[name] = v;
        m->is_set[name] = true;
        return;
    }
    for (struct binding *b = m->scope->first; b; b = b->next)
        if (b->name == name) {
            b->value = v;
            return;
        }
    struct binding *b = run_alloc(m->r, 1, sizeof *b);
    *b = (struct binding){name, v, m->scope->first};
    m->scope->first = b;
}

static struct value get_name(struct machine *m, uint32_t name) {
    size_t looked = 0;
    for (const struct scope *s = m->scope; s; s = s->parent)
        for (const struct binding *b = s->first; b; b = b->next, looked++)
            if (b->name == name) return b->value;
    run_work(m->r, 8 * looked);
    if (m->is_set[name]) return m->globals[name];
    uint8_t function = find_function(m->t->names[name]);
    if (function) return (struct value){V_FUNCTION, {.function = function_number(function)}};
    return (struct value){V_UNDEFINED, {.s = &m->t->names[name]}};
}

static struct string constant_string(const struct machine *m, uint32_t i) {
    return *m->t->constants[i].u.s;
}

static void assign(struct machine *m, uint32_t i, struct value v) {
    const struct node *n = &m->nodes[i];
    if (n->type == N_TARGET_NAME) {
        set_name(m, n->a, v);
    } else if (n->type == N_TARGET_FIELD) {
        struct value ns = get_name(m, n->a);
        m->r->at = n->pos;
        if (ns.type != V_NAMESPACE) run_fail(m->r, "only a namespace's fields can be set");
        dict_set(m->r, ns.u.dict, m->t->constants[n->b], v);
    } else {
        struct list l = value_walk(m->r, v);
        size_t k = 0;
        for (uint32_t j = n->a; j; j = m->nodes[j].next) {
            if (k == l.n) run_fail(m->r, "fewer values than names");
            assign(m, j, l.items[k++]);
        }
        if (k < l.n) run_fail(m->r, "more values than names");
    }
}

/* ---- calls ---- */

static struct args eval_args(struct machine *m, uint32_t first) {
    struct args a = {0};
    size_t n = 0;
    for (uint32_t i = first; i; i = m->nodes[i].next) n++;
    if (n == 0) return a;
    a.list = run_alloc(m->r, n, sizeof *a.list);
    a.named = run_alloc(m->r, n, sizeof *a.named);
    for (uint32_t i = first; i; i = m->nodes[i].next) {
        const struct node *k = &m->nodes[i];
        if (k->type != N_KEYWORD) {
            a.list[a.n++] = eval(m, i);
            continue;
        }
        struct value name = m->t->constants[k->a];
        run_work(m->r, 8 * a.n_named);
        for (size_t j = 0; j < a.n_named; j++)
            if (string_equal(m->r, *a.named[j].key.u.s, *name.u.s))
                run_fail(m->r, "an argument is given twice");
        a.named[a.n_named++] = (struct pair){name, eval(m, k->b)};
    }
    return a;
}

/* The text that a body writes. *flow: how the body ended. */
static struct string capture(struct machine *m, uint32_t body, enum flow *flow) {
    struct builder b = {0}, *out = m->out;
    m->out = &b;
    *flow = exec(m, body);
    m->out = out;
    return builder_string(&b);
}

static size_t count_parameters(const struct machine *m, const struct node *macro) {
    size_t n = 0;
    for (uint32_t i = macro->b; i; i = m->nodes[i].next) n++;
    return n;
}

/* The argument of parameter number k; absent: none. */
static struct value argument_of(struct machine *m, const struct args *a, size_t k, uint32_t name,
                                size_t *used) {
    struct value v = k < a->n ? a->list[k] : absent;
    run_work(m->r, 8 * a->n_named);
    for (size_t j = 0; j < a->n_named; j++) {
        if (!string_equal(m->r, *a->named[j].key.u.s, m->t->names[name])) continue;
        if (!is_absent(v)) run_fail(m->r, "an argument is given twice");
        v = a->named[j].value;
        ++*used;
    }
    return v;
}

static struct value call_macro(struct machine *m, const struct macro *f, const struct args *a,
                               struct value caller) {
    const struct node *n = &m->nodes[f->node];
    struct scope *before = m->scope;
    size_t k = 0, used = 0;
    if (a->n > count_parameters(m, n))
        run_fail(m->r, "the macro takes %zu arguments, not %zu", count_parameters(m, n), a->n);
    if (caller.type == V_MACRO && !n->word) run_fail(m->r, "the macro takes no caller");
    if (++m->r->n_macros > MAX_MACROS) run_fail(m->r, "macros more than %d deep", MAX_MACROS);
    m->scope = new_scope(m, f->scope);
    set_name(m, NAME_CALLER, caller);
    for (uint32_t i = n->b; i; i = m->nodes[i].next, k++) {
        const struct node *p = &m->nodes[i];
        struct value v = argument_of(m, a, k, p->a, &used);
        if (is_absent(v)) {
            v = (struct value){V_UNDEFINED, {.s = &m->t->names[p->a]}};
            if (p->b) v = eval(m, p->b);
        }
        set_name(m, p->a, v);
    }
    if (used < a->n_named) run_fail(m->r, "the macro does not take that argument");
    enum flow flow;
    struct string s = capture(m, n->c, &flow);
    m->scope = before;
    m->r->n_macros--;
    return value_string(m->r, s);
}

static struct value call(struct machine *m, const struct node *n, struct value caller) {
    struct value f = eval(m, n->a);
    struct args a = eval_args(m, n->b);
    m->r->at = n->pos;
    switch (f.type) {
    case V_MACRO: return call_macro(m, f.u.macro, &a, caller);
    case V_FUNCTION: return f.u.function->call(m->r, &a);
    case V_METHOD: return call_method(m->r, f.u.method, &a);
    case V_UNDEFINED: fail_undefined(m->r, f);
    default: run_fail(m->r, "a %s cannot be called", type_name(f));
    }
}

/* ---- loops ---- */

/* Take one more item into the loop; false: there is none. */
static bool take_item(struct machine *m, struct loop *l) {
    const struct node *parts = &m->nodes[l->node->c];
    while (l->from.next < l->from.n) {
        struct value v = l->from.items[l->from.next++];
        if (parts->a) {
            struct scope *before = m->scope;
            m->scope = new_scope(m, l->around);
            assign(m, l->node->a, v);
            bool keep = value_true(eval(m, parts->a));
            m->scope = before;
            if (!keep) continue;
        }
        l->items[l->n++] = v;
        return true;
    }
    return false;
}

static struct value loop_field(struct machine *m, struct loop *l, struct string name) {
    int64_t i = (int64_t)l->index;
    run_step(m->r);
    if (string_is(name, "index")) return value_int(i + 1);
    if (string_is(name, "index0")) return value_int(i);
    if (string_is(name, "first")) return value_bool(i == 0);
    if (string_is(name, "depth")) return value_int(1);
    if (string_is(name, "depth0")) return value_int(0);
    if (string_is(name, "previtem"))
        return i > 0 ? l->items[i - 1] : undefined_named(m->r, name);
    bool next = string_is(name, "nextitem"), last = string_is(name, "last");
    if (next || last) {
        bool more = l->index + 1 < l->n || take_item(m, l);
        if (last) return value_bool(!more);
        return more ? l->items[i + 1] : undefined_named(m->r, name);
    }
    while (take_item(m, l)) {}
    if (string_is(name, "length")) return value_int((int64_t)l->n);
    if (string_is(name, "revindex")) return value_int((int64_t)l->n - i);
    if (string_is(name, "revindex0")) return value_int((int64_t)l->n - i - 1);
    return undefined_named(m->r, name);
}

static enum flow exec_for(struct machine *m, const struct node *n) {
    const struct node *parts = &m->nodes[n->c];
    struct scope *before = m->scope;
    struct loop *l = run_alloc(m->r, 1, sizeof *l);
    struct value walked = eval(m, n->b);
    m->r->at = n->pos;
    *l = (struct loop){.node = n, .around = before, .from = value_walk(m->r, walked)};
    l->from.next = 0;
    l->items = run_alloc(m->r, l->from.n, sizeof *l->items);
    bool ended = false;         /* the body has once come to its end: jinja2's else asks for that */
    for (; l->index < l->n || take_item(m, l); l->index++) {
        run_step(m->r);
        m->scope = new_scope(m, before);
        set_name(m, NAME_LOOP, (struct value){V_LOOP, {.loop = l}});
        assign(m, n->a, l->items[l->index]);
        enum flow flow = exec(m, parts->b);
        if (flow == BREAK) break;
        ended |= flow == NEXT;
    }
    if (l->n > 0 && l->index == l->n) l->index--;       /* what a namespace may have kept of it */
    m->scope = before;
    if (ended) return NEXT;
    m->scope = new_scope(m, before);
    enum flow flow = exec(m, parts->c);
    m->scope = before;
    return flow;
}

/* ---- expressions ---- */

/* An operand of n, whose place messages name from here on. */
static struct value eval_at(struct machine *m, uint32_t i, const struct node *n) {
    struct value v = eval(m, i);
    m->r->at = n->pos;
    return v;
}

static struct value binary(struct machine *m, const struct node *n) {
    struct value a = eval(m, n->a), b = eval_at(m, n->b, n);
    return binary_op(m->r, (enum node_type)n->type, a, b);
}

/* a < b < c: each side is evaluated once, and none after the first that does not hold. */
static struct value compare(struct machine *m, const struct node *n) {
    struct value left = eval(m, n->a);
    for (uint32_t i = n->b; i; i = m->nodes[i].next) {
        const struct node *k = &m->nodes[i];
        struct value right = eval_at(m, k->a, k);
        if (!comparison_holds(m->r, (enum node_type)k->type, left, right)) return value_bool(false);
        left = right;
    }
    return value_bool(true);
}

static struct value make_list(struct machine *m, const struct node *n) {
    size_t count = 0, k = 0;
    for (uint32_t i = n->a; i; i = m->nodes[i].next) count++;
    struct value *items = run_alloc(m->r, count, sizeof *items);
    for (uint32_t i = n->a; i; i = m->nodes[i].next) items[k++] = eval(m, i);
    return value_list(m->r, n->type == N_LIST ? LIST_PLAIN : LIST_TUPLE, items, count);
}

static struct value make_dict(struct machine *m, const struct node *n) {
    struct dict *d = dict_new(m->r);
    for (uint32_t i = n->a; i; i = m->nodes[m->nodes[i].next].next) {
        struct value key = eval(m, i);
        dict_set(m->r, d, key, eval(m, m->nodes[i].next));
    }
    return value_dict(d);
}

static struct value concat(struct machine *m, const struct node *n) {
    struct builder b = {0};
    for (uint32_t i = n->a; i; i = m->nodes[i].next)
        builder_put(m->r, &b, value_str(m->r, eval(m, i)));
    return value_string(m->r, builder_string(&b));
}

static struct value field(struct machine *m, const struct node *n) {
    struct value of = eval(m, n->a);
    struct string name = constant_string(m, n->b);
    m->r->at = n->pos;
    return of.type == V_LOOP ? loop_field(m, of.u.loop, name) : get_field(m->r, of, name);
}

static struct value item(struct machine *m, const struct node *n) {
    struct value of = eval(m, n->a), key = eval(m, n->b);
    m->r->at = n->pos;
    if (of.type == V_LOOP && key.type == V_STRING) return loop_field(m, of.u.loop, *key.u.s);
    return get_item(m->r, of, key);
}

static struct value slice(struct machine *m, const struct node *n) {
    const struct node *parts = &m->nodes[n->b];
    struct value of = eval(m, n->a);
    struct value start = parts->a ? eval(m, parts->a) : value_none;
    struct value stop = parts->b ? eval(m, parts->b) : value_none;
    struct value step = parts->c ? eval(m, parts->c) : value_none;
    m->r->at = n->pos;
    return get_slice(m->r, of, start, stop, step);
}

static struct value filter_or_test(struct machine *m, const struct node *n) {
    struct value in = eval(m, n->a);
    struct args a = eval_args(m, n->b);
    struct string name = constant_string(m, n->c);
    m->r->at = n->pos;
    if (!n->word)
        run_fail(m->r, "unknown %s '%.*s'", n->type == N_FILTER ? "filter" : "test",
                 (int)(name.n < 40 ? name.n : 40), name.p);
    if (n->type == N_FILTER) return apply_filter(m->r, n->word, in, &a);
    return value_bool(apply_test(m->r, n->word, in, &a));
}

static struct value eval_node(struct machine *m, const struct node *n) {
    struct value v;
    switch ((enum node_type)n->type) {
    case N_CONSTANT: return m->t->constants[n->a];
    case N_NAME: return get_name(m, n->a);
    case N_BODY: return m->body;
    case N_LIST:
    case N_TUPLE: return make_list(m, n);
    case N_DICT: return make_dict(m, n);
    case N_FIELD: return field(m, n);
    case N_INDEX: return item(m, n);
    case N_SLICE: return slice(m, n);
    case N_CALL: return call(m, n, undefined_named(m->r, string_lit("caller")));
    case N_FILTER:
    case N_TEST: return filter_or_test(m, n);
    case N_NOT: return value_bool(!value_true(eval(m, n->a)));
    case N_NEGATIVE: return negative(m->r, eval_at(m, n->a, n));
    case N_POSITIVE: return positive(m->r, eval_at(m, n->a, n));
    case N_AND:
        v = eval(m, n->a);
        return value_true(v) ? eval(m, n->b) : v;
    case N_OR:
        v = eval(m, n->a);
        return value_true(v) ? v : eval(m, n->b);
    case N_CONCAT: return concat(m, n);
    case N_COMPARE: return compare(m, n);
    case N_CHOICE:
        if (value_true(eval(m, n->a))) return eval(m, n->b);
        return n->c ? eval(m, n->c) : value_undefined;
    default: return binary(m, n);
    }
}

static struct value eval(struct machine *m, uint32_t i) {
    enter(m);
    m->r->at = m->nodes[i].pos;
    struct value v = eval_node(m, &m->nodes[i]);
    m->r->depth--;
    return v;
}

/* ---- statements ---- */

static struct value new_macro(struct machine *m, uint32_t i) {
    struct macro *f = run_alloc(m->r, 1, sizeof *f);
    *f = (struct macro){i, m->scope};
    return (struct value){V_MACRO, {.macro = f}};
}

static enum flow exec_if(struct machine *m, const struct node *n) {
    while (!value_true(eval(m, n->a))) {
        const struct node *other = &m->nodes[n->c];
        if (!n->c) return NEXT;
        /* a chain of elif is walked, not descended */
        if (other->type != N_IF || other->next) return exec(m, n->c);
        n = other;
    }
    return exec(m, n->b);
}

/* A body in a scope of its own. */
static struct string capture_scoped(struct machine *m, uint32_t body, enum flow *flow) {
    struct scope *before = m->scope;
    m->scope = new_scope(m, before);
    struct string s = capture(m, body, flow);
    m->scope = before;
    return s;
}

static enum flow exec_set_block(struct machine *m, const struct node *n) {
    enum flow flow;
    struct value v = value_string(m->r, capture_scoped(m, n->b, &flow));
    if (flow != NEXT) return flow;      /* a break inside: nothing is set */
    if (n->c) {
        struct value before = m->body;
        m->body = v;
        v = eval(m, n->c);
        m->body = before;
    }
    assign(m, n->a, v);
    return NEXT;
}

static void put(struct machine *m, struct string s) { builder_put(m->r, m->out, s); }

static enum flow exec_node(struct machine *m, uint32_t i) {
    const struct node *n = &m->nodes[i];
    struct value v;
    enum flow flow;
    switch ((enum node_type)n->type) {
    case N_DATA: put(m, constant_string(m, n->a)); return NEXT;
    case N_PRINT:
        v = eval(m, n->a);
        m->r->at = n->pos;
        put(m, value_str(m->r, v));
        return NEXT;
    case N_IF: return exec_if(m, n);
    case N_FOR: return exec_for(m, n);
    case N_SET: assign(m, n->a, eval(m, n->b)); return NEXT;
    case N_SET_BLOCK: return exec_set_block(m, n);
    case N_MACRO: set_name(m, n->a, new_macro(m, i)); return NEXT;
    case N_CALL_BLOCK:
        put(m, value_str(m->r, call(m, &m->nodes[n->a], new_macro(m, n->b))));
        return NEXT;
    case N_GENERATION: put(m, capture_scoped(m, n->a, &flow)); return NEXT;
    case N_BREAK: return BREAK;
    default: return CONTINUE;
    }
}

static enum flow exec(struct machine *m, uint32_t i) {
    enum flow flow = NEXT;
    enter(m);
    for (; i && flow == NEXT; i = m->nodes[i].next) {
        run_step(m->r);
        m->r->at = m->nodes[i].pos;
        flow = exec_node(m, i);
    }
    m->r->depth--;
    return flow;
}

struct string jinja_run(struct run *r, const struct jinja *t, const struct dict *variables) {
    struct builder out = {0};
    struct machine m = {.r = r, .t = t, .nodes = t->nodes, .out = &out};
    struct value v;
    r->template = t;
    m.globals = run_alloc(r, t->n_names, sizeof *m.globals);
    m.is_set = run_alloc(r, t->n_names, sizeof *m.is_set);
    for (uint32_t i = 0; i < t->n_names; i++) {
        m.is_set[i] = dict_get(r, variables, (struct value){V_STRING, {.s = &t->names[i]}}, &v);
        if (m.is_set[i]) m.globals[i] = v;
    }
    exec(&m, t->root);
    return builder_string(&out);
}
