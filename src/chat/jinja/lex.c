/* lex.c - a template's text into tokens.
 *
 *     text {%- if x -%} text {{ x }} text {# comment #}
 *
 * White space around tags, as with jinja2's trim_blocks and lstrip_blocks: a minus inside a tag
 * removes all of it on that side; else a newline right after %} or #} goes, and so do blanks
 * between the beginning of a line and {% or {#; a plus keeps them. {{ }} is left alone. */
#include <string.h>
#include "base/utf8.h"
#include "chat/jinja/tree.h"
#include "chat/jinja/unicode.h"

struct lexer {
    struct jinja *t;
    struct run *r;
    const char *s;              /* [n] */
    size_t n, i;
    bool line_starts;           /* a newline was removed right before i, or i is 0 */
    char open[MAX_DEPTH_PARSE]; /* brackets inside the tag */
    int depth;
};

static _Noreturn void lex_fail(struct lexer *x, size_t at, const char *why) {
    x->r->at = (uint32_t)at;
    run_fail(x->r, "%s", why);
}

static void add(struct lexer *x, enum token_type type, size_t pos, size_t n) {
    struct jinja *t = x->t;
    if (t->n_tokens == t->cap_tokens) {
        size_t cap = t->cap_tokens ? 2 * t->cap_tokens : 256;
        struct token *more = run_alloc(x->r, cap, sizeof *more);
        if (t->n_tokens) memcpy(more, t->tokens, t->n_tokens * sizeof *more);
        t->tokens = more;
        t->cap_tokens = cap;
    }
    t->tokens[t->n_tokens++] = (struct token){type, (uint32_t)pos, (uint32_t)n};
}

static bool at(const struct lexer *x, size_t i, const char *word) {
    size_t n = strlen(word);
    return i <= x->n && n <= x->n - i && memcmp(x->s + i, word, n) == 0;
}

/* The length of the white space character at i; 0: there is none. */
static size_t space_at(const struct lexer *x, size_t i) {
    uint32_t cp;
    if (i >= x->n) return 0;
    int n = utf8_decode(x->s + i, x->n - i, &cp);
    return n > 0 && is_python_space(cp) ? (size_t)n : 0;
}

static size_t skip_spaces(const struct lexer *x, size_t i) {
    for (size_t n; (n = space_at(x, i)) > 0;) i += n;
    return i;
}

/* Text from..to before a tag: without the white space that the tag's sign ('-', '+' or 0) or the
 * beginning of the line takes. */
static void add_data(struct lexer *x, size_t from, size_t to, char sign, bool print) {
    if (sign == '-') {
        while (to > from) {
            size_t k = to - 1;
            while (k > from && ((unsigned char)x->s[k] & 0xC0) == 0x80) k--;
            if (!space_at(x, k)) break;
            to = k;
        }
    } else if (sign != '+' && !print) {
        size_t line = to;
        while (line > from && x->s[line - 1] != '\n') line--;
        if ((line > from || x->line_starts) && skip_spaces(x, line) >= to) to = line;
    }
    if (to > from) add(x, T_DATA, from, to - from);
}

/* Behind the end of a tag whose last two bytes are at i - 2. */
static void after_tag(struct lexer *x, char sign) {
    size_t i = x->i;
    if (sign == '-') x->i = skip_spaces(x, i);
    else if (sign != '+' && x->i < x->n && x->s[x->i] == '\n') x->i++;
    x->line_starts = x->i > i && x->s[x->i - 1] == '\n';
}

static char sign_at(const struct lexer *x, size_t i) {
    return i < x->n && (x->s[i] == '-' || x->s[i] == '+') ? x->s[i] : 0;
}

/* Does a tag of one word begin at i ("{%")? Where it ends, or 0; *sign: of its end. */
static size_t word_tag(const struct lexer *x, size_t i, const char *word, char *sign) {
    i += 2;
    if (sign_at(x, i)) i++;
    i = skip_spaces(x, i);
    if (!at(x, i, word)) return 0;
    i = skip_spaces(x, i + strlen(word));
    *sign = sign_at(x, i);
    if (*sign) i++;
    return at(x, i, "%}") ? i + 2 : 0;
}

static void lex_comment(struct lexer *x) {
    size_t begin = x->i, from = begin + 2, i;
    if (sign_at(x, from)) from++;
    for (i = from; i < x->n && !at(x, i, "#}"); i++) {}
    if (i >= x->n) lex_fail(x, begin, "the comment has no end");
    x->i = i + 2;
    after_tag(x, i > from ? sign_at(x, i - 1) : 0);
}

static void lex_raw(struct lexer *x, size_t begin, size_t from, char sign) {
    size_t end = 0, i;
    char last = 0;
    x->i = from;
    if (sign == '-') from = skip_spaces(x, from);
    x->line_starts = from > x->i && x->s[from - 1] == '\n';
    for (i = from; i < x->n; i++)
        if (at(x, i, "{%") && (end = word_tag(x, i, "endraw", &last)) > 0) break;
    if (end == 0) lex_fail(x, begin, "raw has no endraw");
    add_data(x, from, i, sign_at(x, i + 2), false);
    x->i = end;
    after_tag(x, last);
}

static bool digit(const struct lexer *x, size_t i) {
    return i < x->n && x->s[i] >= '0' && x->s[i] <= '9';
}

static bool name_byte(unsigned char c) {
    return c == '_' || c >= 0x80 || (c >= '0' && c <= '9') ||
           ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Digits with single underscores between them. */
static size_t skip_digits(const struct lexer *x, size_t i) {
    while (digit(x, i) || (i < x->n && x->s[i] == '_' && digit(x, i + 1))) i++;
    return i;
}

static void lex_number(struct lexer *x) {
    size_t begin = x->i, i = skip_digits(x, begin);
    bool fraction = false;
    if (x->s[begin] == '0' && begin + 1 < x->n && strchr("xXoObB", x->s[begin + 1])) {
        for (i = begin + 2; i < x->n && name_byte((unsigned char)x->s[i]); i++) {}
        add(x, T_INTEGER, begin, i - begin);
        x->i = i;
        return;
    }
    if (begin == 0 || x->s[begin - 1] != '.') {
        if (i < x->n && x->s[i] == '.' && digit(x, i + 1)) {
            i = skip_digits(x, i + 1);
            fraction = true;
        }
        if (i < x->n && (x->s[i] | 32) == 'e') {
            size_t e = i + 1;
            if (sign_at(x, e)) e++;
            if (digit(x, e)) {
                i = skip_digits(x, e);
                fraction = true;
            }
        }
    }
    if (!fraction && x->s[begin] == '0' && strspn(x->s + begin, "0_") < i - begin)
        lex_fail(x, begin, "a whole number begins with 0");
    add(x, fraction ? T_FLOAT : T_INTEGER, begin, i - begin);
    x->i = i;
}

static void lex_string(struct lexer *x) {
    size_t begin = x->i, i = begin + 1;
    char quote = x->s[begin];
    for (; i < x->n && x->s[i] != quote; i++)
        if (x->s[i] == '\\') i++;
    if (i >= x->n) lex_fail(x, begin, "the string has no end");
    x->i = i + 1;
    add(x, T_STRING, begin, x->i - begin);
}

static void lex_operator(struct lexer *x) {
    static const char *const two[] = {"//", "==", "!=", ">=", "<="};
    size_t i = x->i, n = 1;
    char c = x->s[i];
    if (c == 0 || !strchr("+-*/%~[](){}=<>.:|,!", c)) {
        x->r->at = (uint32_t)i;
        run_fail(x->r, "the character U+%04X is not expected here", (unsigned char)c);
    }
    for (size_t k = 0; k < sizeof two / sizeof *two; k++)
        if (at(x, i, two[k])) n = 2;
    if (n == 1 && c == '!') lex_fail(x, i, "the character '!' is not expected here");
    if (strchr("([{", c)) {
        if (x->depth == MAX_DEPTH_PARSE) lex_fail(x, i, "brackets are nested too deeply");
        x->open[x->depth++] = c;
    } else if (strchr(")]}", c)) {
        char opened = c == ')' ? '(' : (char)(c - 2);
        if (x->depth == 0 || x->open[x->depth - 1] != opened)
            lex_fail(x, i, "a closing bracket without an opening one");
        x->depth--;
    }
    add(x, T_OPERATOR, i, n);
    x->i = i + n;
}

/* The inside of {% %} or {{ }}, from behind its beginning. */
static void lex_tag(struct lexer *x, size_t begin, bool print) {
    const char *end = print ? "}}" : "%}";
    x->depth = 0;
    for (;;) {
        x->i = skip_spaces(x, x->i);
        size_t i = x->i;
        if (i >= x->n) lex_fail(x, begin, "the tag has no end");
        char sign = print && x->s[i] == '+' ? 0 : sign_at(x, i);
        if (x->depth == 0 && at(x, i + (sign != 0), end)) {
            add(x, print ? T_PRINT_END : T_BLOCK_END, i, 2);
            x->i = i + (sign != 0) + 2;
            if (!print || sign == '-') after_tag(x, sign);
            else x->line_starts = false;
            return;
        }
        unsigned char c = (unsigned char)x->s[i];
        if (digit(x, i)) {
            lex_number(x);
        } else if (name_byte(c)) {
            while (x->i < x->n && name_byte((unsigned char)x->s[x->i])) x->i++;
            add(x, T_NAME, i, x->i - i);
        } else if (c == '\'' || c == '"') {
            lex_string(x);
        } else {
            lex_operator(x);
        }
    }
}

void jinja_lex(struct jinja *t) {
    struct lexer x = {.t = t, .r = &t->run, .s = t->text, .n = t->n, .line_starts = true};
    while (x.i < x.n) {
        size_t from = x.i, i = from;
        while (i < x.n && !(x.s[i] == '{' && i + 1 < x.n && strchr("%{#", x.s[i + 1]) &&
                            x.s[i + 1]))
            i++;
        if (i == x.n) {
            add(&x, T_DATA, from, i - from);
            break;
        }
        char kind = x.s[i + 1], sign = sign_at(&x, i + 2), raw_sign = 0;
        add_data(&x, from, i, sign, kind == '{');
        x.i = i;
        size_t raw = kind == '%' ? word_tag(&x, i, "raw", &raw_sign) : 0;
        if (kind == '#') {
            lex_comment(&x);
        } else if (raw && raw_sign != '+') {
            lex_raw(&x, i, raw, raw_sign);
        } else {
            x.i = i + 2 + (sign != 0);
            add(&x, kind == '{' ? T_PRINT_BEGIN : T_BLOCK_BEGIN, i, 2);
            lex_tag(&x, i, kind == '{');
        }
    }
    add(&x, T_END, x.n, 0);
}
