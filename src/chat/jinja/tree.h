/* tree.h - a parsed template: its tokens while it is parsed, and the tree that is run.
 *
 * The tree is an array of nodes that refer to each other by index; 0 is no node. Lists are chained
 * through `next`. */
#ifndef QW_JINJA_TREE_H
#define QW_JINJA_TREE_H
#include "chat/jinja/jinja.h"

enum {
    MAX_NODES = 200000,
    MAX_NAMES = 2000,
    MAX_DEPTH_PARSE = 200
};

/* ---- tokens ---- */

enum token_type {
    T_DATA,                             /* text between tags */
    T_BLOCK_BEGIN, T_BLOCK_END, T_PRINT_BEGIN, T_PRINT_END,
    T_NAME, T_INTEGER, T_FLOAT, T_STRING, T_OPERATOR, T_END
};

/* pos, n: its bytes in the template's text */
struct token { enum token_type type; uint32_t pos, n; };

/* ---- nodes ---- */

enum node_type {
    /* statements */
    N_DATA,             /* a: constant */
    N_PRINT,            /* a: expression */
    N_IF,               /* a: condition, b: body, c: else; an elif is one N_IF there */
    N_FOR,              /* a: target, b: what is walked, c: N_FOR_PARTS */
    N_FOR_PARTS,        /* a: condition or 0, b: body, c: else */
    N_SET,              /* a: target, b: expression */
    N_SET_BLOCK,        /* a: target, b: body, c: N_FILTER chain over N_BODY, or 0 */
    N_MACRO,            /* a: name, b: N_PARAMETERs, c: body */
    N_PARAMETER,        /* a: name, b: default or 0 */
    N_CALL_BLOCK,       /* a: N_CALL, b: N_MACRO of the caller */
    N_GENERATION,       /* a: body */
    N_BREAK, N_CONTINUE,
    /* targets */
    N_TARGET_NAME,      /* a: name */
    N_TARGET_FIELD,     /* a: name of the namespace, b: constant */
    N_TARGET_TUPLE,     /* a: targets */
    /* expressions */
    N_CONSTANT,         /* a: constant */
    N_NAME,             /* a: name */
    N_BODY,             /* the text of the set block around it */
    N_LIST, N_TUPLE,    /* a: items */
    N_DICT,             /* a: keys and values in turn */
    N_FIELD,            /* a: expression, b: constant: x.name */
    N_INDEX,            /* a: expression, b: expression */
    N_SLICE,            /* a: expression, b: N_SLICE_PARTS */
    N_SLICE_PARTS,      /* a, b, c: start, stop, step or 0 */
    N_CALL,             /* a: expression, b: arguments */
    N_FILTER, N_TEST,   /* a: expression, b: arguments, c: constant, its name; also `word` */
    N_KEYWORD,          /* an argument; a: constant, b: expression */
    N_NOT, N_NEGATIVE, N_POSITIVE,      /* a */
    N_AND, N_OR,        /* a, b */
    N_ADD, N_SUBTRACT, N_MULTIPLY, N_DIVIDE, N_FLOOR_DIVIDE, N_MODULO,     /* a, b */
    N_CONCAT,           /* a: items */
    N_COMPARE,          /* a: expression, b: N_EQUAL and so on, each with its right side in a */
    N_EQUAL, N_NOT_EQUAL, N_LESS, N_LESS_EQUAL, N_GREATER, N_GREATER_EQUAL, N_IN, N_NOT_IN,
    N_CHOICE            /* a: condition, b: then, c: else or 0 */
};

struct node {
    uint8_t type;
    uint8_t word;       /* of a filter or test: its number in the table + 1; 0: unknown. Of a macro:
                         * it mentions `caller` */
    uint32_t next, pos, a, b, c;
};

/* Names that every template has. */
enum { NAME_LOOP, NAME_CALLER };

struct jinja {
    struct run run;                     /* its arena holds all of this */
    const char *name;
    const char *text;                   /* [n] with \n alone at the ends of lines */
    size_t n;
    struct token *tokens;
    size_t n_tokens, cap_tokens;
    struct node *nodes;
    uint32_t n_nodes, cap_nodes;
    struct value *constants;
    uint32_t n_constants, cap_constants;
    struct string *names;
    uint32_t n_names;
    uint32_t root;                      /* the first statement */
    char warning[256];
};

struct place { size_t line, column; };
struct place jinja_place(const struct jinja *t, uint32_t pos);

/* Split t->text into t->tokens (jinja_lex.c). */
void jinja_lex(struct jinja *t);

/* ---- words that the parser looks up (jinja_filters.c, jinja_methods.c) ---- */

/* The number of a filter, test or function + 1; 0: there is none of that name. */
uint8_t find_filter(struct string name);
uint8_t find_test(struct string name);
uint8_t find_function(struct string name);

#endif
