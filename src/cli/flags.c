/* flags.c - the command line, read from a table; the help is printed from the same table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

bool has_name(const char *names, const char *word, size_t n) {
    bool is_long = n > 2 && word[0] == '-' && word[1] == '-';
    while (*names) {
        size_t len = strcspn(names, " "), i = 0;
        if (len == n) {
            while (i < n && (names[i] == word[i] || (is_long && i > 1 && names[i] == '-' && word[i] == '_'))) i++;
            if (i == n) return true;
        }
        names += len;
        names += *names == ' ';
    }
    return false;
}

const char *given_by(const char *value, const char *flag, const char *env) { return value && value == getenv(env) ? env : flag; }

static bool read_number(const char *s, double *out) {
    char *end;
    errno = 0;
    *out = strtod(s, &end);
    return end != s && *end == 0 && *out == *out && strpbrk(s, "xXnN \t\n") == NULL;
}

/* ID+BIAS or ID-BIAS */
static int read_bias(struct bias_list *list, const char *s, const char *name) {
    char *end;
    long id = strtol(s, &end, 10);
    double bias;
    if (end == s || (*end != '+' && *end != '-') || id < 0 || id > INT32_MAX || !read_number(end, &bias))
        return usage_error("%s: '%s' is not ID+BIAS or ID-BIAS, such as 151645-5", name, s);
    qw_logit_bias *more = realloc(list->p, (size_t)(list->n + 1) * sizeof *more);
    if (!more) { say("not enough memory"); return EXIT_MEMORY; }
    list->p = more;
    list->p[list->n++] = (qw_logit_bias){(int32_t)id, (float)bias};
    return 0;
}

/* N,N,...; what the environment gave is forgotten at the command line's first. */
static int read_ints(const struct flag *f, const char *s, const char *name) {
    struct int_list *list = f->to;
    const char *whole = s;
    int before = list->from_env && name != f->env ? 0 : list->n;
    list->n = before;
    list->from_env = name == f->env;
    for (bool more = true; more; s++) {
        char *end;
        errno = 0;
        long v = strtol(s, &end, 10);
        if (*s < '0' || *s > '9' || (*end && *end != ',') || errno || (double)v < f->lo || (double)v > f->hi)
            return usage_error("%s: '%s' is not %s of numbers from %.10g to %.10g, such as %s", name, whole,
                               f->type == FLAG_PAIRS ? "a pair" : "a list", f->lo, f->hi, f->type == FLAG_PAIRS ? "512,128" : "1,2,4");
        int *p = realloc(list->p, (size_t)(list->n + 1) * sizeof *p);
        if (!p) { say("not enough memory"); return EXIT_MEMORY; }
        list->p = p;
        list->p[list->n++] = (int)v;
        more = *end == ',';
        s = end;
    }
    if (f->type == FLAG_PAIRS && (list->n - before) % 2) return usage_error("%s: '%s' is not a pair of numbers, such as 512,128", name, whole);
    return 0;
}

/* name: the flag or variable as the user wrote it */
static int set_value(const struct flag *f, const char *name, const char *value) {
    double v = 0;
    switch (f->type) {
    case FLAG_ON: *(bool *)f->to = true; return 0;
    case FLAG_OFF: *(bool *)f->to = false; return 0;
    case FLAG_PATH:
        if (!*value) return usage_error("%s: the path is empty", name);
        *(const char **)f->to = value;
        return 0;
    case FLAG_STRING: *(const char **)f->to = value; return 0;
    case FLAG_INTS: case FLAG_PAIRS: return read_ints(f, value, name);
    case FLAG_BIAS: return read_bias(f->to, value, name);
    case FLAG_SEED: {
        char *end;
        errno = 0;
        unsigned long long seed = strtoull(value, &end, 10);
        if (*value < '0' || *value > '9' || *end || errno) return usage_error("%s: '%s' is not a whole number from 0 to 2^64-1", name, value);
        *(uint64_t *)f->to = seed;
        return 0;
    }
    default:
        if (!read_number(value, &v) || (f->type == FLAG_INT && (v < -2147483648.0 || v > 2147483647.0 || v != (double)(int)v)))
            return usage_error("%s: '%s' is not a %snumber", name, value, f->type == FLAG_INT ? "whole " : "");
        if (v < f->lo || v > f->hi) return usage_error("%s %s: %.10g to %.10g are possible", name, value, f->lo, f->hi);
        if (f->type == FLAG_INT) *(int *)f->to = (int)v;
        else *(float *)f->to = (float)v;
        return 0;
    }
}

int parse_flags(const struct command *c, int argc, char **argv, const char **words, int max_words, int *n_words) {
    int n = 0, rc;
    for (int k = 0; k < c->n_flags; k++) {
        const char *value = c->flags[k].env ? getenv(c->flags[k].env) : NULL;
        if (value && *value && (rc = set_value(&c->flags[k], c->flags[k].env, value)) != 0) return rc;
    }
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i], *value = NULL;
        size_t len = strlen(word);
        const struct flag *f = NULL;
        if (word[0] != '-' || word[1] == 0 || (word[1] >= '0' && word[1] <= '9')) {
            if (n == max_words) return usage_error("'%s' is one word too many; see: qw help %s", word, c->name);
            words[n++] = word;
            continue;
        }
        if (word[1] == '-' && strchr(word, '=')) {
            len = strcspn(word, "=");
            value = word + len + 1;
        }
        if (has_name("-h --help", word, len)) {
            print_help(c);
            exit(flush_stdout());
        }
        for (int k = 0; k < c->n_flags && !f; k++) if (has_name(c->flags[k].names, word, len)) f = &c->flags[k];
        if (!f) return usage_error("'%.*s' is not a flag of qw %s; see: qw help %s", (int)len, word, c->name, c->name);
        if (!f->value && value) return usage_error("%.*s takes no value", (int)len, word);
        if (f->value && !value) {
            if (++i == argc) return usage_error("%s needs a value: %s", word, f->value);
            value = argv[i];
        }
        if ((rc = set_value(f, word, value)) != 0) return rc;
        if (f->given) *f->given = true;
    }
    *n_words = n;
    return 0;
}

void print_help(const struct command *c) {
    printf("qw %s%s%s: %s\n\n", c->name, *c->arguments ? " " : "", c->arguments, c->summary);
    for (int k = 0; k < c->n_flags; k++) {
        const struct flag *f = &c->flags[k];
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", f->names, f->value ? " " : "", f->value ? f->value : "");
        printf("  %-30s %s%s%s%s\n", left, f->help, f->env ? " [" : "", f->env ? f->env : "", f->env ? "]" : "");
    }
    printf("  %-30s %s\n", "-h --help", "this text");
    if (*c->details) printf("\n%s", c->details);
}
