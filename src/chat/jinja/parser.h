/* parser.h - what the parser's files share: the parser's state, tokens, nodes. */
#ifndef QW_JINJA_PARSER_H
#define QW_JINJA_PARSER_H
#include "chat/jinja/tree.h"

struct parser {
    struct jinja *t;
    struct run *r;
    const struct token *tok;    /* the next one */
    int depth, n_loops;         /* n_loops: for statements around, for break and continue */
};

/* ---- messages (parser.c) ---- */

/* "WHAT was expected, not 'TOKEN'" */
_Noreturn void expected(struct parser *p, const char *what);
/* One level deeper: p->depth, which the caller decreases again. */
void deeper(struct parser *p);
/* Remember the first word that is not known here. */
void warn(struct parser *p, const char *kind, const struct token *k);

/* ---- tokens ---- */

bool token_is(const struct parser *p, const struct token *k, enum token_type type,
              const char *text);
bool is_name(const struct parser *p, const char *s);
bool is_op(const struct parser *p, const char *s);
/* Take the next token if it is that. */
bool take_name(struct parser *p, const char *s);
bool take_op(struct parser *p, const char *s);
void need_op(struct parser *p, const char *s);
void need_end(struct parser *p);                /* %} */
/* A name that can be set; `what` is for the message. Returns its number. */
uint32_t need_name(struct parser *p, const char *what);
struct string word(const struct parser *p, const struct token *k);

/* ---- nodes ---- */

/* A new node at the next token, or at pos. Returns its number. */
uint32_t node(struct parser *p, enum node_type type, uint32_t a, uint32_t b, uint32_t c);
uint32_t node_at(struct parser *p, uint32_t pos, enum node_type type, uint32_t a, uint32_t b,
                 uint32_t c);
/* A chain of nodes, built at its end. */
struct chain { uint32_t first, last; };
void append(struct parser *p, struct chain *c, uint32_t i);
uint32_t constant(struct parser *p, struct value v);
uint32_t string_constant(struct parser *p, struct string s);
uint32_t name_number(struct parser *p, struct string s);

/* ---- expressions (expression.c) ---- */

uint32_t parse_expression(struct parser *p);
uint32_t parse_tuple(struct parser *p, bool with_choice, bool in_brackets);
/* Behind a bar: the filter over expression `of`. */
uint32_t parse_filter(struct parser *p, uint32_t of);
/* (a, b, name=c): the first argument, or 0. */
uint32_t parse_arguments(struct parser *p);

#endif
