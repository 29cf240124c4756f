/* flags.c - parses the command line by a table of flags and prints the help from it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/flags.h"
#include "cli/output.h"

bool has_name(const char *names, const char *word, size_t n) {
    bool is_long = n > 2 && word[0] == '-' && word[1] == '-';
    while (*names) {
        size_t len = strcspn(names, " "), i = 0;
        if (len == n) {
            while (i < n && (names[i] == word[i] ||
                             (is_long && i > 1 && names[i] == '-' && word[i] == '_')))
                i++;
            if (i == n) return true;
        }
        names += len;
        names += *names == ' ';
    }
    return false;
}

const char *value_source(const char *value, const char *flag, const char *env) {
    return value && value == getenv(env) ? env : flag;
}

/* ---- values ---- */

static bool read_number(const char *s, double *out) {
    char *end;
    errno = 0;
    *out = strtod(s, &end);
    return end != s && *end == 0 && *out == *out && strpbrk(s, "xXnN \t\n") == NULL;
}

static int read_bias(struct bias_list *list, const char *s, const char *name) {
    char *end;
    long id = strtol(s, &end, 10);
    double bias;
    if (end == s || (*end != '+' && *end != '-') || id < 0 || id > INT32_MAX ||
        !read_number(end, &bias))
        return usage_error("%s: '%s' is not ID+BIAS or ID-BIAS, such as 151645-5", name, s);
    qw_logit_bias *more = realloc(list->p, (size_t)(list->n + 1) * sizeof *more);
    if (!more) return memory_error(name);
    list->p = more;
    list->p[list->n++] = (qw_logit_bias){(int32_t)id, (float)bias};
    return 0;
}

static int append_int(struct int_list *list, int value, const char *name) {
    int *more = realloc(list->p, (size_t)(list->n + 1) * sizeof *more);
    if (!more) return memory_error(name);
    list->p = more;
    list->p[list->n++] = value;
    return 0;
}

/* The first list on the command line replaces what the environment gave; later ones append. */
static int read_ints(const struct flag *f, const char *whole, const char *name) {
    struct int_list *list = f->to;
    bool pairs = f->type == FLAG_PAIRS, more = true;
    const char *kind = pairs ? "a pair" : "a list", *example = pairs ? "512,128" : "1,2,4";
    if (list->from_env && name != f->env) list->n = 0;
    list->from_env = name == f->env;
    int before = list->n;
    for (const char *s = whole; more; s++) {
        char *end;
        errno = 0;
        long v = strtol(s, &end, 10);
        bool number = *s >= '0' && *s <= '9' && (*end == 0 || *end == ',') && errno == 0;
        if (!number || (double)v < f->lo || (double)v > f->hi)
            return usage_error("%s: '%s' is not %s of numbers from %.10g to %.10g, such as %s",
                               name, whole, kind, f->lo, f->hi, example);
        int rc = append_int(list, (int)v, name);
        if (rc) return rc;
        more = *end == ',';
        s = end;
    }
    if (pairs && (list->n - before) % 2)
        return usage_error("%s: '%s' is not a pair of numbers, such as 512,128", name, whole);
    return 0;
}

static int append_string(struct string_list *list, const char *s, const char *name) {
    const char **more = realloc(list->list, ((size_t)list->n + 1) * sizeof *more);
    if (!more) return memory_error(name);
    list->list = more;
    more[list->n++] = s;
    return 0;
}

static int read_seed(uint64_t *out, const char *s, const char *name) {
    char *end;
    errno = 0;
    unsigned long long seed = strtoull(s, &end, 10);
    if (*s < '0' || *s > '9' || *end || errno)
        return usage_error("%s: '%s' is not a whole number from 0 to 2^64-1", name, s);
    *out = seed;
    return 0;
}

/* FLAG_INT, FLAG_FLOAT */
static int read_range(const struct flag *f, const char *s, const char *name) {
    bool whole = f->type == FLAG_INT;
    double v;
    bool number = read_number(s, &v);
    if (number && whole)
        number = v >= INT32_MIN && v <= INT32_MAX && v == (double)(int32_t)v;
    if (!number) return usage_error("%s: '%s' is not a %snumber", name, s, whole ? "whole " : "");
    if (v < f->lo || v > f->hi)
        return usage_error("%s %s is out of range (%.10g to %.10g)", name, s, f->lo, f->hi);
    if (whole) *(int *)f->to = (int)v;
    else *(float *)f->to = (float)v;
    return 0;
}

/* name: the flag or variable as the user wrote it. value: NULL for FLAG_ON and FLAG_OFF. */
static int set_value(const struct flag *f, const char *name, const char *value) {
    switch (f->type) {
    case FLAG_ON: *(bool *)f->to = true; return 0;
    case FLAG_OFF: *(bool *)f->to = false; return 0;
    case FLAG_PATH:
        if (!*value) return usage_error("%s: the path is empty", name);
        *(const char **)f->to = value;
        return 0;
    case FLAG_STRING: *(const char **)f->to = value; return 0;
    case FLAG_STRINGS: return append_string(f->to, value, name);
    case FLAG_INTS: case FLAG_PAIRS: return read_ints(f, value, name);
    case FLAG_BIAS: return read_bias(f->to, value, name);
    case FLAG_SEED: return read_seed(f->to, value, name);
    case FLAG_INT: case FLAG_FLOAT: return read_range(f, value, name);
    }
    return 0;
}

/* ---- help ---- */

enum { HELP_WIDTH = 80, HELP_COLUMN = 29 };     /* where the explanations start */

/* Print the words of text from column `at` on, wrapped into HELP_COLUMN..HELP_WIDTH; returns the
 * column after the last one. */
static int print_words(const char *text, int at) {
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (at > HELP_COLUMN && at + 1 + n > HELP_WIDTH) {
            printf("\n%*s", HELP_COLUMN, "");
            at = HELP_COLUMN;
        } else if (at > HELP_COLUMN) {
            putchar(' ');
            at++;
        }
        printf("%.*s", n, text);
        at += n;
        text += n;
        text += *text == ' ';
    }
    return at;
}

static void print_flag(const struct flag *f) {
    int n = printf("  %s%s%s", f->names, f->value ? " " : "", f->value ? f->value : "");
    if (n >= HELP_COLUMN) {
        putchar('\n');
        n = 0;
    }
    printf("%*s", HELP_COLUMN - n, "");
    int at = print_words(f->help, HELP_COLUMN);
    if (f->env) {
        char env[64];
        snprintf(env, sizeof env, "[%s]", f->env);
        print_words(env, at);
    }
    putchar('\n');
}

static void print_help(const struct command *c, const struct flag *flags, size_t n_flags) {
    const struct flag help = {.names = "-h --help", .help = "this text"};
    printf("qw %s %s: %s\n\n", c->name, c->arguments, c->summary);
    for (size_t i = 0; i < n_flags; i++) print_flag(&flags[i]);
    print_flag(&help);
    if (c->details) printf("\n%s", c->details);
}

/* ---- the command line ---- */

static const struct flag *find_flag(const struct flag *flags, size_t n_flags, const char *word,
                                    size_t n) {
    for (size_t i = 0; i < n_flags; i++)
        if (has_name(flags[i].names, word, n)) return &flags[i];
    return NULL;
}

static int parse_environment(const struct flag *flags, size_t n_flags) {
    for (size_t i = 0; i < n_flags; i++) {
        const char *value = flags[i].env ? getenv(flags[i].env) : NULL;
        if (!value || !*value) continue;
        int rc = set_value(&flags[i], flags[i].env, value);
        if (rc) return rc;
    }
    return 0;
}

/* "-", "-1" and "x" are words; "-x" is a flag. */
static bool is_word(const char *s) {
    return s[0] != '-' || s[1] == 0 || (s[1] >= '0' && s[1] <= '9');
}

int parse_flags(const struct command *c, const struct flag *flags, size_t n_flags, int argc,
                char **argv, struct words *words) {
    int rc = parse_environment(flags, n_flags);
    if (words) words->n = 0;
    for (int i = 0; i < argc && !rc; i++) {
        const char *word = argv[i], *value = NULL;
        if (is_word(word)) {
            if (!words || words->n == words->max)
                return usage_error("unexpected argument '%s'; see: qw help %s", word, c->name);
            words->list[words->n++] = word;
            continue;
        }
        size_t n = strlen(word);
        if (word[1] == '-' && strchr(word, '=')) {
            n = strcspn(word, "=");
            value = word + n + 1;
        }
        if (has_name("-h --help", word, n)) {
            print_help(c, flags, n_flags);
            exit(flush_stdout());
        }
        const struct flag *f = find_flag(flags, n_flags, word, n);
        if (!f) return usage_error("unknown flag '%.*s'; see: qw help %s", (int)n, word, c->name);
        if (!f->value && value) return usage_error("%.*s takes no value", (int)n, word);
        if (f->value && !value) {
            if (++i == argc) return usage_error("%s needs a value: %s", word, f->value);
            value = argv[i];
        }
        rc = set_value(f, word, value);
        if (!rc && f->given) *f->given = true;
    }
    return rc;
}
