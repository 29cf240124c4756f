/* parser.c - what the parser stands on: tokens taken, nodes added, messages with their place. */
#include <stdio.h>
#include <string.h>
#include "chat/jinja/parser.h"

struct place jinja_place(const struct jinja *t, uint32_t pos) {
    struct place p = {1, 1};
    for (size_t i = 0; i < pos && i < t->n; i++) {
        if (((unsigned char)t->text[i] & 0xC0) != 0x80) p.column++;
        if (t->text[i] == '\n') p = (struct place){p.line + 1, 1};
    }
    return p;
}

const char *jinja_name(const struct jinja *t) { return t->name; }

_Noreturn void expected(struct parser *p, const char *what) {
    const struct token *k = p->tok;
    int n = k->n < 40 ? (int)k->n : 40;
    p->r->at = k->pos;
    if (k->type == T_END) run_fail(p->r, "%s was expected, but the template ends", what);
    run_fail(p->r, "%s was expected, not '%.*s'", what, n, p->t->text + k->pos);
}

void deeper(struct parser *p) {
    p->r->at = p->tok->pos;
    run_step(p->r);
    if (++p->depth > MAX_DEPTH_PARSE) run_fail(p->r, "nested more than %d deep", MAX_DEPTH_PARSE);
}

/* ---- tokens ---- */

bool token_is(const struct parser *p, const struct token *k, enum token_type type,
                     const char *text) {
    return k->type == type && k->n == strlen(text) && memcmp(p->t->text + k->pos, text, k->n) == 0;
}
bool is_name(const struct parser *p, const char *s) {
    return token_is(p, p->tok, T_NAME, s);
}
bool is_op(const struct parser *p, const char *s) {
    return token_is(p, p->tok, T_OPERATOR, s);
}
bool take_name(struct parser *p, const char *s) {
    if (!is_name(p, s)) return false;
    p->tok++;
    return true;
}
bool take_op(struct parser *p, const char *s) {
    if (!is_op(p, s)) return false;
    p->tok++;
    return true;
}
void need_op(struct parser *p, const char *s) {
    char what[8];
    snprintf(what, sizeof what, "'%s'", s);
    if (!take_op(p, s)) expected(p, what);
}
void need_end(struct parser *p) {
    if (p->tok->type != T_BLOCK_END) expected(p, "'%}'");
    p->tok++;
}
struct string word(const struct parser *p, const struct token *k) {
    return string_of(p->t->text + k->pos, k->n, true);
}

/* ---- nodes ---- */

uint32_t node(struct parser *p, enum node_type type, uint32_t a, uint32_t b, uint32_t c) {
    struct jinja *t = p->t;
    if (t->n_nodes == t->cap_nodes) {
        uint32_t cap = t->cap_nodes ? 2 * t->cap_nodes : 512;
        if (t->n_nodes > MAX_NODES)
            run_fail(p->r, "the template has more than %d parts", MAX_NODES);
        struct node *more = run_alloc(p->r, cap, sizeof *more);
        if (t->n_nodes) memcpy(more, t->nodes, t->n_nodes * sizeof *more);
        t->nodes = more;
        t->cap_nodes = cap;
    }
    t->nodes[t->n_nodes] = (struct node){.type = (uint8_t)type, .pos = p->tok->pos, .a = a, .b = b,
                                         .c = c};
    return t->n_nodes++;
}

uint32_t node_at(struct parser *p, uint32_t pos, enum node_type type, uint32_t a, uint32_t b,
                        uint32_t c) {
    uint32_t i = node(p, type, a, b, c);
    p->t->nodes[i].pos = pos;
    return i;
}

void append(struct parser *p, struct chain *c, uint32_t i) {
    if (c->last) p->t->nodes[c->last].next = i;
    else c->first = i;
    c->last = i;
}

uint32_t constant(struct parser *p, struct value v) {
    struct jinja *t = p->t;
    if (t->n_constants == t->cap_constants) {
        uint32_t cap = t->cap_constants ? 2 * t->cap_constants : 128;
        struct value *more = run_alloc(p->r, cap, sizeof *more);
        if (t->n_constants) memcpy(more, t->constants, t->n_constants * sizeof *more);
        t->constants = more;
        t->cap_constants = cap;
    }
    t->constants[t->n_constants] = v;
    return t->n_constants++;
}

uint32_t string_constant(struct parser *p, struct string s) {
    return constant(p, value_string(p->r, s));
}

uint32_t name_number(struct parser *p, struct string s) {
    struct jinja *t = p->t;
    for (uint32_t i = 0; i < t->n_names; i++)
        if (string_equal(p->r, t->names[i], s)) return i;
    run_work(p->r, 4 * t->n_names);
    if (t->n_names == MAX_NAMES) run_fail(p->r, "more than %d names", MAX_NAMES);
    t->names[t->n_names] = s;
    return t->n_names++;
}

uint32_t need_name(struct parser *p, const char *what) {
    static const char *const reserved[] = {"true", "false", "none", "True", "False", "None"};
    if (p->tok->type != T_NAME) expected(p, what);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (is_name(p, reserved[i])) expected(p, what);
    return name_number(p, word(p, p->tok++));
}

/* Remember the first word that is not known here. */
void warn(struct parser *p, const char *kind, const struct token *k) {
    struct jinja *t = p->t;
    if (t->warning[0]) return;
    struct place at = jinja_place(t, k->pos);
    snprintf(t->warning, sizeof t->warning, "%.150s: line %zu: unknown %s '%.*s'", t->name, at.line,
             kind, k->n < 40 ? (int)k->n : 40, t->text + k->pos);
}
