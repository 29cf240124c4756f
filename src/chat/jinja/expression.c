/* expression.c - expressions into a tree: recursive descent, in jinja2's order of precedence. */
#include <string.h>
#include "base/utf8.h"
#include "chat/jinja/parser.h"

/* ---- literals ---- */

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
    return -1;
}

/* The code point of n hexadecimal digits at s[i]. */
static uint32_t hex_escape(struct parser *p, const char *s, size_t i, size_t n, size_t size) {
    uint32_t cp = 0;
    for (size_t k = 0; k < n; k++) {
        int d = i + k < size ? hex_value(s[i + k]) : -1;
        if (d < 0) run_fail(p->r, "an escape has too few hexadecimal digits");
        cp = cp * 16 + (uint32_t)d;
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
        run_fail(p->r, "an escape that is no character");
    return cp;
}

/* Resolve the escapes of a literal as Python does; unknown ones keep their backslash. */
static struct string unescape(struct parser *p, const char *s, size_t n) {
    static const char letters[] = "ntrabfv\\'\"", meaning[] = "\n\t\r\a\b\f\v\\'\"";
    char *out = run_alloc(p->r, n + 4, 1);
    size_t k = 0;
    for (size_t i = 0; i < n;) {
        if (s[i] != '\\' || i + 1 == n) {
            out[k++] = s[i++];
            continue;
        }
        char c = s[i + 1];
        const char *known = c ? strchr(letters, c) : NULL;
        i += 2;
        if (known) out[k++] = meaning[known - letters];
        else if (c == 'x' || c == 'u' || c == 'U') {
            size_t digits = 2;
            if (c == 'u') digits = 4;
            if (c == 'U') digits = 8;
            k += (size_t)utf8_encode(hex_escape(p, s, i, digits, n), out + k);
            i += digits;
        } else if (c >= '0' && c <= '7') {
            uint32_t cp = 0;
            i--;
            for (int d = 0; d < 3 && i < n && s[i] >= '0' && s[i] <= '7'; d++)
                cp = cp * 8 + (uint32_t)(s[i++] - '0');
            k += (size_t)utf8_encode(cp, out + k);
        } else if (c == 'N') {
            run_fail(p->r, "the escape \\N is not supported");
        } else if (c != '\n') {         /* a backslash at a line's end joins the lines */
            out[k++] = '\\';
            out[k++] = c;
        }
    }
    return string_of(out, k, true);
}

/* Strings side by side are one. */
static uint32_t parse_string(struct parser *p) {
    struct string s = string_of("", 0, true);
    const struct token *first = p->tok;
    for (; p->tok->type == T_STRING; p->tok++) {
        p->r->at = p->tok->pos;
        s = string_join2(p->r, s, unescape(p, p->t->text + p->tok->pos + 1, p->tok->n - 2));
    }
    s.control = true;
    return node_at(p, first->pos, N_CONSTANT, string_constant(p, s), 0, 0);
}

static uint32_t parse_number(struct parser *p) {
    struct string s = word(p, p->tok);
    struct value v;
    double f;
    if (p->tok->type == T_FLOAT) {
        if (!parse_float(p->r, s, &f)) expected(p, "a number");
        v = value_float(f);
    } else {
        int base = 10;
        if (s.n > 1 && s.p[0] == '0') {
            if ((s.p[1] | 32) == 'x') base = 16;
            if ((s.p[1] | 32) == 'o') base = 8;
            if ((s.p[1] | 32) == 'b') base = 2;
        }
        if (!parse_int(s, base, p->r, &v)) expected(p, "a whole number");
    }
    uint32_t i = node(p, N_CONSTANT, constant(p, v), 0, 0);
    p->tok++;
    return i;
}

/* ---- expressions ---- */

static uint32_t parse_or(struct parser *p);
static uint32_t parse_unary(struct parser *p, bool with_filters);

static uint32_t parse_list(struct parser *p) {
    struct chain items = {0};
    uint32_t pos = p->tok->pos;
    need_op(p, "[");
    while (!is_op(p, "]")) {
        if (items.first) need_op(p, ",");
        if (is_op(p, "]")) break;
        append(p, &items, parse_expression(p));
    }
    need_op(p, "]");
    return node_at(p, pos, N_LIST, items.first, 0, 0);
}

static uint32_t parse_dict(struct parser *p) {
    struct chain items = {0};
    uint32_t pos = p->tok->pos;
    need_op(p, "{");
    while (!is_op(p, "}")) {
        if (items.first) need_op(p, ",");
        if (is_op(p, "}")) break;
        append(p, &items, parse_expression(p));
        need_op(p, ":");
        append(p, &items, parse_expression(p));
    }
    need_op(p, "}");
    return node_at(p, pos, N_DICT, items.first, 0, 0);
}

static bool tuple_ends(const struct parser *p) {
    enum token_type t = p->tok->type;
    return t == T_BLOCK_END || t == T_PRINT_END || is_op(p, ")");
}

/* Expressions separated by commas: a tuple; one without a comma is itself. with_choice: may hold
 * `x if y else z`. */
uint32_t parse_tuple(struct parser *p, bool with_choice, bool in_brackets) {
    struct chain items = {0};
    uint32_t pos = p->tok->pos;
    bool comma = false;
    while (!tuple_ends(p)) {
        append(p, &items, with_choice ? parse_expression(p) : parse_or(p));
        if (!take_op(p, ",")) break;
        comma = true;
    }
    if (!comma && items.first) return items.first;
    if (!items.first && !in_brackets) expected(p, "an expression");
    return node_at(p, pos, N_TUPLE, items.first, 0, 0);
}

static uint32_t parse_primary(struct parser *p) {
    const struct token *k = p->tok;
    if (k->type == T_STRING) return parse_string(p);
    if (k->type == T_INTEGER || k->type == T_FLOAT) return parse_number(p);
    if (is_op(p, "[")) return parse_list(p);
    if (is_op(p, "{")) return parse_dict(p);
    if (take_op(p, "(")) {
        uint32_t i = parse_tuple(p, true, true);
        need_op(p, ")");
        return i;
    }
    if (k->type != T_NAME) expected(p, "an expression");
    struct value v = value_undefined;
    if (is_name(p, "true") || is_name(p, "True")) v = value_bool(true);
    else if (is_name(p, "false") || is_name(p, "False")) v = value_bool(false);
    else if (is_name(p, "none") || is_name(p, "None")) v = value_none;
    p->tok++;
    if (v.type != V_UNDEFINED) return node_at(p, k->pos, N_CONSTANT, constant(p, v), 0, 0);
    return node_at(p, k->pos, N_NAME, name_number(p, word(p, k)), 0, 0);
}

/* (a, b, name=c) */
uint32_t parse_arguments(struct parser *p) {
    struct chain list = {0};
    bool keywords = false;
    need_op(p, "(");
    while (!is_op(p, ")")) {
        if (list.first) need_op(p, ",");
        if (is_op(p, ")")) break;
        const struct token *k = p->tok;
        if (k->type == T_NAME && token_is(p, k + 1, T_OPERATOR, "=")) {
            p->tok += 2;
            uint32_t value = parse_expression(p);
            uint32_t name = string_constant(p, word(p, k));
            append(p, &list, node_at(p, k->pos, N_KEYWORD, name, value, 0));
            keywords = true;
            continue;
        }
        if (keywords) expected(p, "name=value");
        append(p, &list, parse_expression(p));
    }
    need_op(p, ")");
    return list.first;
}

static uint32_t parse_subscript(struct parser *p, uint32_t of) {
    uint32_t pos = p->tok->pos, part[3] = {0};
    int n = 0;
    need_op(p, "[");
    if (!is_op(p, ":")) part[0] = parse_expression(p);
    if (!is_op(p, ":")) {
        if (is_op(p, ",")) expected(p, "']'");
        need_op(p, "]");
        return node_at(p, pos, N_INDEX, of, part[0], 0);
    }
    while (n < 2 && take_op(p, ":")) {
        n++;
        if (!is_op(p, ":") && !is_op(p, "]")) part[n] = parse_expression(p);
    }
    need_op(p, "]");
    uint32_t parts = node_at(p, pos, N_SLICE_PARTS, part[0], part[1], part[2]);
    return node_at(p, pos, N_SLICE, of, parts, 0);
}

static uint32_t parse_call(struct parser *p, uint32_t of) {
    uint32_t pos = p->tok->pos;
    uint32_t arguments = parse_arguments(p);
    return node_at(p, pos, N_CALL, of, arguments, 0);
}

static uint32_t parse_postfix(struct parser *p, uint32_t i) {
    for (;;) {
        uint32_t pos = p->tok->pos;
        if (take_op(p, ".")) {
            const struct token *k = p->tok;
            if (k->type == T_INTEGER) {
                i = node_at(p, pos, N_INDEX, i, parse_number(p), 0);
                continue;
            }
            if (k->type != T_NAME) expected(p, "a name");
            p->tok++;
            i = node_at(p, pos, N_FIELD, i, string_constant(p, word(p, k)), 0);
        } else if (is_op(p, "[")) {
            i = parse_subscript(p, i);
        } else if (is_op(p, "(")) {
            i = parse_call(p, i);
        } else {
            return i;
        }
    }
}

uint32_t parse_filter(struct parser *p, uint32_t of) {
    const struct token *k = p->tok;
    if (k->type != T_NAME) expected(p, "the name of a filter");
    p->tok++;
    uint8_t number = find_filter(word(p, k));
    if (!number) warn(p, "filter", k);
    uint32_t arguments = is_op(p, "(") ? parse_arguments(p) : 0;
    uint32_t name = string_constant(p, word(p, k));
    uint32_t i = node_at(p, k->pos, N_FILTER, of, arguments, name);
    p->t->nodes[i].word = number;
    return i;
}

/* A test's argument may stand without brackets: x is divisibleby 3. */
static bool argument_follows(const struct parser *p) {
    switch (p->tok->type) {
    case T_STRING:
    case T_INTEGER:
    case T_FLOAT: return true;
    case T_NAME: return !is_name(p, "else") && !is_name(p, "or") && !is_name(p, "and");
    default: return is_op(p, "[") || is_op(p, "{");
    }
}

static uint32_t parse_test(struct parser *p, uint32_t of) {
    bool negated = take_name(p, "not");
    const struct token *k = p->tok;
    uint32_t arguments = 0;
    if (k->type != T_NAME) expected(p, "the name of a test");
    p->tok++;
    uint8_t number = find_test(word(p, k));
    if (!number) warn(p, "test", k);
    if (is_op(p, "(")) arguments = parse_arguments(p);
    else if (argument_follows(p)) {
        if (is_name(p, "is")) expected(p, "no second test");
        arguments = parse_postfix(p, parse_primary(p));
    }
    uint32_t name = string_constant(p, word(p, k));
    uint32_t i = node_at(p, k->pos, N_TEST, of, arguments, name);
    p->t->nodes[i].word = number;
    return negated ? node_at(p, k->pos, N_NOT, i, 0, 0) : i;
}

static uint32_t parse_filters(struct parser *p, uint32_t i) {
    for (;;) {
        if (take_op(p, "|")) i = parse_filter(p, i);
        else if (take_name(p, "is")) i = parse_test(p, i);
        else if (is_op(p, "(")) i = parse_call(p, i);
        else return i;
    }
}

static uint32_t parse_unary(struct parser *p, bool with_filters) {
    uint32_t pos = p->tok->pos, i;
    deeper(p);
    if (take_op(p, "-")) i = node_at(p, pos, N_NEGATIVE, parse_unary(p, false), 0, 0);
    else if (take_op(p, "+")) i = node_at(p, pos, N_POSITIVE, parse_unary(p, false), 0, 0);
    else i = parse_primary(p);
    i = parse_postfix(p, i);
    if (with_filters) i = parse_filters(p, i);
    p->depth--;
    return i;
}

static uint32_t parse_product(struct parser *p) {
    static const struct { const char *op; enum node_type type; } ops[] = {
        {"*", N_MULTIPLY}, {"/", N_DIVIDE}, {"//", N_FLOOR_DIVIDE}, {"%", N_MODULO},
    };
    uint32_t i = parse_unary(p, true);
    for (size_t k = 0; k < 4; k++) {
        uint32_t pos = p->tok->pos;
        if (!take_op(p, ops[k].op)) continue;
        i = node_at(p, pos, ops[k].type, i, parse_unary(p, true), 0);
        k = (size_t)-1;         /* from the first operator again */
    }
    return i;
}

static uint32_t parse_concat(struct parser *p) {
    struct chain items = {0};
    uint32_t pos = p->tok->pos;
    append(p, &items, parse_product(p));
    while (take_op(p, "~")) append(p, &items, parse_product(p));
    return items.first == items.last ? items.first : node_at(p, pos, N_CONCAT, items.first, 0, 0);
}

static uint32_t parse_sum(struct parser *p) {
    uint32_t i = parse_concat(p);
    for (;;) {
        uint32_t pos = p->tok->pos;
        if (take_op(p, "+")) i = node_at(p, pos, N_ADD, i, parse_concat(p), 0);
        else if (take_op(p, "-")) i = node_at(p, pos, N_SUBTRACT, i, parse_concat(p), 0);
        else return i;
    }
}

/* The operator of a comparison, taken; 0: there is none. */
static enum node_type take_comparison(struct parser *p) {
    static const struct { const char *op; enum node_type type; } ops[] = {
        {"==", N_EQUAL}, {"!=", N_NOT_EQUAL}, {"<", N_LESS}, {"<=", N_LESS_EQUAL},
        {">", N_GREATER}, {">=", N_GREATER_EQUAL},
    };
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
        if (take_op(p, ops[k].op)) return ops[k].type;
    if (take_name(p, "in")) return N_IN;
    if (is_name(p, "not") && token_is(p, p->tok + 1, T_NAME, "in")) {
        p->tok += 2;
        return N_NOT_IN;
    }
    return N_DATA;
}

static uint32_t parse_comparison(struct parser *p) {
    struct chain rest = {0};
    uint32_t pos = p->tok->pos, i = parse_sum(p);
    for (;;) {
        uint32_t at = p->tok->pos;
        enum node_type type = take_comparison(p);
        if (type == N_DATA) break;
        append(p, &rest, node_at(p, at, type, parse_sum(p), 0, 0));
    }
    return rest.first ? node_at(p, pos, N_COMPARE, i, rest.first, 0) : i;
}

static uint32_t parse_not(struct parser *p) {
    uint32_t pos = p->tok->pos;
    if (!take_name(p, "not")) return parse_comparison(p);
    deeper(p);
    uint32_t i = node_at(p, pos, N_NOT, parse_not(p), 0, 0);
    p->depth--;
    return i;
}

static uint32_t parse_and(struct parser *p) {
    uint32_t pos = p->tok->pos, i = parse_not(p);
    while (take_name(p, "and")) i = node_at(p, pos, N_AND, i, parse_not(p), 0);
    return i;
}

static uint32_t parse_or(struct parser *p) {
    uint32_t pos = p->tok->pos, i = parse_and(p);
    while (take_name(p, "or")) i = node_at(p, pos, N_OR, i, parse_and(p), 0);
    return i;
}

uint32_t parse_expression(struct parser *p) {
    uint32_t pos = p->tok->pos;
    deeper(p);
    uint32_t i = parse_or(p);
    while (take_name(p, "if")) {
        uint32_t condition = parse_or(p), other = 0;
        if (take_name(p, "else")) other = parse_expression(p);
        i = node_at(p, pos, N_CHOICE, condition, i, other);
    }
    p->depth--;
    return i;
}
