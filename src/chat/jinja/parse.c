/* parse.c - a template's statements into a tree. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/utf8.h"
#include "chat/jinja/parser.h"

/* ---- statements ---- */

static uint32_t parse_body(struct parser *p, const char *const *ends);

static uint32_t parse_one_target(struct parser *p, bool fields) {
    uint32_t pos = p->tok->pos, name = need_name(p, "a name");
    if (!fields || !take_op(p, ".")) return node_at(p, pos, N_TARGET_NAME, name, 0, 0);
    const struct token *k = p->tok;
    if (k->type != T_NAME) expected(p, "a name");
    p->tok++;
    return node_at(p, pos, N_TARGET_FIELD, name, string_constant(p, word(p, k)), 0);
}

static uint32_t parse_target(struct parser *p, bool fields) {
    struct chain items = {0};
    uint32_t pos = p->tok->pos;
    bool bracket = take_op(p, "("), comma = false;
    for (;;) {
        append(p, &items, parse_one_target(p, fields && !bracket));
        if (!take_op(p, ",")) break;
        comma = true;
        if (p->tok->type != T_NAME || is_name(p, "in")) break;
    }
    if (bracket) need_op(p, ")");
    return comma ? node_at(p, pos, N_TARGET_TUPLE, items.first, 0, 0) : items.first;
}

/* Which word of ends stands in the tag that ended a body; the word and, unless it is followed by
 * more, the tag's end are taken. */
static bool ends_with(struct parser *p, const char *word) {
    if (!take_name(p, word)) return false;
    if (strcmp(word, "elif") != 0) need_end(p);
    return true;
}

static uint32_t parse_if(struct parser *p) {
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    static const char *const end[] = {"endif", NULL};
    uint32_t first = 0, last = 0;
    do {                                /* once for if, once for each elif */
        uint32_t pos = p->tok->pos, condition = parse_tuple(p, false, false);
        need_end(p);
        uint32_t body = parse_body(p, ends);
        uint32_t i = node_at(p, pos, N_IF, condition, body, 0);
        if (last) p->t->nodes[last].c = i;
        else first = i;
        last = i;
    } while (ends_with(p, "elif"));
    if (ends_with(p, "else")) {
        uint32_t other = parse_body(p, end);
        p->t->nodes[last].c = other;
    }
    ends_with(p, "endif");
    return first;
}

static uint32_t parse_for(struct parser *p) {
    static const char *const ends[] = {"else", "endfor", NULL}, *const end[] = {"endfor", NULL};
    uint32_t pos = p->tok->pos, target = parse_target(p, false), condition = 0, other = 0;
    if (!take_name(p, "in")) expected(p, "'in'");
    uint32_t walked = parse_tuple(p, false, false);
    if (take_name(p, "if")) condition = parse_expression(p);
    need_end(p);
    p->n_loops++;
    uint32_t body = parse_body(p, ends);
    p->n_loops--;
    if (ends_with(p, "else")) other = parse_body(p, end);
    ends_with(p, "endfor");
    uint32_t parts = node_at(p, pos, N_FOR_PARTS, condition, body, other);
    return node_at(p, pos, N_FOR, target, walked, parts);
}

static uint32_t parse_set(struct parser *p) {
    static const char *const end[] = {"endset", NULL};
    uint32_t pos = p->tok->pos, target = parse_target(p, true);
    if (take_op(p, "=")) {
        uint32_t value = parse_tuple(p, true, false);
        need_end(p);
        return node_at(p, pos, N_SET, target, value, 0);
    }
    uint32_t filters = node(p, N_BODY, 0, 0, 0), plain = filters;
    while (take_op(p, "|")) filters = parse_filter(p, filters);
    need_end(p);
    uint32_t body = parse_body(p, end);
    ends_with(p, "endset");
    return node_at(p, pos, N_SET_BLOCK, target, body, filters == plain ? 0 : filters);
}

/* (a, b=1) of a macro; the brackets may be missing where a caller has no parameters. */
static uint32_t parse_parameters(struct parser *p) {
    struct chain list = {0};
    bool defaults = false;
    need_op(p, "(");
    while (!is_op(p, ")")) {
        if (list.first) need_op(p, ",");
        uint32_t pos = p->tok->pos, name = need_name(p, "a name"), value = 0;
        if (take_op(p, "=")) {
            value = parse_expression(p);
            defaults = true;
        } else if (defaults) {
            expected(p, "a default");
        }
        append(p, &list, node_at(p, pos, N_PARAMETER, name, value, 0));
    }
    need_op(p, ")");
    return list.first;
}

/* The body of a function: break and continue do not reach out of it. */
static uint32_t parse_function_body(struct parser *p, const char *const *end) {
    int loops = p->n_loops;
    p->n_loops = 0;
    uint32_t body = parse_body(p, end);
    p->n_loops = loops;
    ends_with(p, end[0]);
    return body;
}

static uint32_t parse_macro(struct parser *p) {
    static const char *const end[] = {"endmacro", NULL};
    uint32_t pos = p->tok->pos, name = need_name(p, "the name of a macro");
    uint32_t parameters = parse_parameters(p), first = p->t->n_nodes;
    need_end(p);
    uint32_t body = parse_function_body(p, end);
    uint32_t i = node_at(p, pos, N_MACRO, name, parameters, body);
    for (uint32_t k = first; k < i; k++)
        if (p->t->nodes[k].type == N_NAME && p->t->nodes[k].a == NAME_CALLER)
            p->t->nodes[i].word = 1;
    return i;
}

static uint32_t parse_call_block(struct parser *p) {
    static const char *const end[] = {"endcall", NULL};
    uint32_t pos = p->tok->pos, parameters = is_op(p, "(") ? parse_parameters(p) : 0;
    uint32_t call = parse_expression(p);
    if (p->t->nodes[call].type != N_CALL) expected(p, "a call");
    need_end(p);
    uint32_t macro = node_at(p, pos, N_MACRO, NAME_CALLER, parameters, parse_function_body(p, end));
    return node_at(p, pos, N_CALL_BLOCK, call, macro, 0);
}

static uint32_t parse_generation(struct parser *p) {
    static const char *const end[] = {"endgeneration", NULL};
    uint32_t pos = p->tok->pos;
    need_end(p);
    return node_at(p, pos, N_GENERATION, parse_function_body(p, end), 0, 0);
}

static uint32_t parse_loop_control(struct parser *p, enum node_type type) {
    if (p->n_loops == 0) expected(p, "a loop around it");
    uint32_t i = node(p, type, 0, 0, 0);
    need_end(p);
    return i;
}

static uint32_t parse_statement(struct parser *p) {
    if (p->tok->type != T_NAME) expected(p, "a statement");
    if (take_name(p, "if")) return parse_if(p);
    if (take_name(p, "for")) return parse_for(p);
    if (take_name(p, "set")) return parse_set(p);
    if (take_name(p, "macro")) return parse_macro(p);
    if (take_name(p, "call")) return parse_call_block(p);
    if (take_name(p, "generation")) return parse_generation(p);
    if (take_name(p, "break")) return parse_loop_control(p, N_BREAK);
    if (take_name(p, "continue")) return parse_loop_control(p, N_CONTINUE);
    expected(p, "a statement that is supported");
}

/* {{ a, b }} prints a tuple. */
static uint32_t parse_print(struct parser *p) {
    uint32_t pos = p->tok->pos, i = parse_tuple(p, true, false);
    if (p->tok->type != T_PRINT_END) expected(p, "'}}'");
    p->tok++;
    return node_at(p, pos, N_PRINT, i, 0, 0);
}

/* Statements up to a tag that begins with one of the words, which is the next token then; ends
 * NULL: up to the template's end. */
static uint32_t parse_body(struct parser *p, const char *const *ends) {
    struct chain list = {0};
    deeper(p);
    for (;;) {
        const struct token *k = p->tok;
        if (k->type == T_END && !ends) break;
        if (k->type == T_END) expected(p, ends[0]);
        p->tok++;
        if (k->type == T_DATA) {
            uint32_t text = string_constant(p, word(p, k));
            append(p, &list, node_at(p, k->pos, N_DATA, text, 0, 0));
        } else if (k->type == T_PRINT_BEGIN) {
            append(p, &list, parse_print(p));
        } else {
            bool end = false;
            for (int i = 0; ends && ends[i]; i++) end |= is_name(p, ends[i]);
            if (end) break;
            append(p, &list, parse_statement(p));
        }
    }
    p->depth--;
    return list.first;
}

/* ---- the whole ---- */

/* A name that is called and that nothing sets may be a function that is not known here. */
static void check_functions(struct parser *p) {
    struct jinja *t = p->t;
    bool set[MAX_NAMES] = {false};
    for (uint32_t i = 1; i < t->n_nodes; i++) {
        const struct node *n = &t->nodes[i];
        if (n->type == N_TARGET_NAME || n->type == N_MACRO || n->type == N_PARAMETER)
            set[n->a] = true;
    }
    for (uint32_t i = 1; i < t->n_nodes; i++) {
        if (t->nodes[i].type != N_CALL) continue;
        const struct node *of = &t->nodes[t->nodes[i].a];
        if (of->type != N_NAME || set[of->a]) continue;
        struct token k = {T_NAME, of->pos, (uint32_t)t->names[of->a].n};
        if (!find_function(t->names[of->a])) warn(p, "function", &k);
    }
}

/* \r\n and \r become \n, and one newline at the end goes. */
static void copy_text(struct jinja *t, const char *text, size_t n) {
    char *copy = run_alloc(&t->run, n + 1, 1);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        copy[k++] = text[i] == '\r' ? '\n' : text[i];
        if (text[i] == '\r' && i + 1 < n && text[i + 1] == '\n') i++;
    }
    if (k > 0 && copy[k - 1] == '\n') k--;
    t->text = copy;
    t->n = k;
}

struct source { struct jinja *t; const char *text, *name; size_t n; };

static void parse(struct run *r, void *ctx) {
    const struct source *s = ctx;
    struct jinja *t = s->t;
    struct parser p = {.t = t, .r = r};
    size_t size = strlen(s->name) + 1;
    t->name = memcpy(run_alloc(r, size, 1), s->name, size);
    size_t valid = utf8_valid_prefix(s->text, s->n);
    if (valid < s->n)
        run_fail_plain(r, QW_ETEMPLATE, "%s: not valid UTF-8 at byte %zu", s->name, valid);
    if (s->n > 8 << 20) run_fail_plain(r, QW_ETEMPLATE, "%s: more than 8 MB", s->name);
    copy_text(t, s->text, s->n);
    r->template = t;
    t->names = run_alloc(r, MAX_NAMES, sizeof *t->names);
    jinja_lex(t);
    p.tok = t->tokens;
    node(&p, N_DATA, 0, 0, 0);          /* node 0 is none */
    name_number(&p, string_lit("loop"));        /* NAME_LOOP */
    name_number(&p, string_lit("caller"));      /* NAME_CALLER */
    t->root = parse_body(&p, NULL);
    check_functions(&p);
}

int jinja_parse(struct jinja **out, const char *text, size_t n, const char *name, qw_error *err) {
    struct jinja *t = alloc_zero(1, sizeof *t);
    *out = NULL;
    if (!t) return fail_memory(err, name, sizeof *t);
    struct source s = {t, text, name, n};
    run_init(&t->run, n, err);
    int rc = run_protected(&t->run, parse, &s);
    t->run.err = NULL;
    if (rc) jinja_free(t);
    else *out = t;
    return rc;
}

void jinja_free(struct jinja *t) {
    if (!t) return;
    run_free(&t->run);
    free(t);
}

const char *jinja_warning(const struct jinja *t) { return t->warning[0] ? t->warning : NULL; }

bool jinja_mentions(const struct jinja *t, const char *name) {
    for (uint32_t i = 0; i < t->n_names; i++)
        if (string_is(t->names[i], name)) return true;
    return false;
}
