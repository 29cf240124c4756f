/* flags.c - parses the command line by a table of flags. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli/flags.h"
#include "cli/llama_flags.h"
#include "cli/suggest.h"

/* ---- names ---- */

/* Are the first n characters the same, but for '_' in a long flag? */
static bool same_name(const char *name, const char *word, size_t n) {
    bool is_long = n > 2 && word[0] == '-' && word[1] == '-';
    for (size_t i = 0; i < n; i++)
        if (name[i] != word[i] && !(is_long && i > 1 && name[i] == '-' && word[i] == '_'))
            return false;
    return true;
}

bool has_name(const char *names, const char *word, size_t n) {
    while (*names) {
        size_t len = strcspn(names, " ");
        bool begins = len > 1 && names[len - 1] == '*' && n >= len - 1;
        if (begins && same_name(names, word, len - 1)) return true;
        if (len == n && same_name(names, word, n)) return true;
        names += len;
        names += *names == ' ';
    }
    return false;
}

const struct choice *find_choice(const struct choice *choices, const char *word) {
    while (choices->word && strcasecmp(choices->word, word) != 0) choices++;
    return choices->word ? choices : NULL;
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

/* The first list on the command line replaces what the environment gave; later ones append. */
static int read_ints(const struct flag *f, const char *s, const char *name) {
    struct int_list *list = f->to;
    if (list->from_env && name != f->env) list->n = 0;
    list->from_env = name == f->env;
    return append_ints(list, s, f->type == FLAG_PAIRS, f->lo, f->hi, name);
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

static int read_type(const struct flag *f, const char *s, const char *name) {
    const struct choice *found = find_choice(f->choices, s);
    if (found) {
        *(const char **)f->to = found->means ? found->means : found->word;
        return 0;
    }
    char list[128] = "";
    size_t n = 0;
    int left = 0;
    for (const struct choice *c = f->choices; c->word; c++) left += !c->means;
    for (const struct choice *c = f->choices; c->word && n < sizeof list; c++) {
        const char *after = left > 2 ? ", " : " or ";
        if (c->means) continue;
        left--;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", c->word, left ? after : "");
    }
    return usage_error("%s: unknown type '%s' (%s)", name, s, list);
}

static int read_word(const struct flag *f, const char *s, const char *name) {
    int place = 0;
    for (const char *word = f->value; *word; place++) {
        size_t n = strcspn(word, "|");
        if (strlen(s) == n && memcmp(s, word, n) == 0) {
            *(int *)f->to = place;
            return 0;
        }
        word += n;
        word += *word == '|';
    }
    return usage_error("%s: '%s' is none of %s", name, s, f->value);
}

/* A switch in the environment. */
static int read_switch(const struct flag *f, const char *s, const char *name) {
    bool on = strcmp(s, "1") == 0;
    if (!on && strcmp(s, "0") != 0) return usage_error("%s: '%s' is neither 1 nor 0", name, s);
    if (on) *(bool *)f->to = f->type == FLAG_ON;
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

/* A value that stands for the default? */
static bool is_unset(const struct flag *f, const char *value) {
    const char *unset = f->type == FLAG_SEED ? "-1" : f->unset;
    return unset && strcmp(value, unset) == 0;
}

/* name: the flag or variable as the user wrote it. value: NULL for a switch on the command line. */
static int set_value(const struct flag *f, const char *name, const char *value) {
    switch (f->type) {
    case FLAG_ON: case FLAG_OFF:
        if (value) return read_switch(f, value, name);
        *(bool *)f->to = f->type == FLAG_ON;
        return 0;
    case FLAG_PATH:
        if (!*value) return usage_error("%s: the path is empty", name);
        *(const char **)f->to = value;
        return 0;
    case FLAG_STRING: *(const char **)f->to = value; return 0;
    case FLAG_STRINGS: return append_string(f->to, value, name);
    case FLAG_TYPE: return read_type(f, value, name);
    case FLAG_INTS: case FLAG_PAIRS: return read_ints(f, value, name);
    case FLAG_BIAS: return read_bias(f->to, value, name);
    case FLAG_SEED:
        if (!is_unset(f, value)) return read_seed(f->to, value, name);
        *(uint64_t *)f->to = 0;
        return 0;
    case FLAG_INT: case FLAG_FLOAT:
        if (!is_unset(f, value)) return read_range(f, value, name);
        *(int *)f->to = 0;
        return 0;
    case FLAG_WORD: return read_word(f, value, name);
    case FLAG_READ: return f->read(f->to, value, name);
    }
    return 0;
}

int set_live_flag(const struct flag *f, const char *name, const char *value) {
    bool is_switch = f->type == FLAG_ON || f->type == FLAG_OFF;
    if (is_switch && strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return usage_error("%s: '%s' is neither on nor off", name, value);
    if (is_switch) {
        *(bool *)f->to = (strcmp(value, "on") == 0) == (f->type == FLAG_ON);
        return 0;
    }
    int rc = set_value(f, name, value);
    if (!rc && f->given) *f->given = !is_unset(f, value);
    return rc;
}

static void print_number(const struct flag *f, char *out, size_t size) {
    if (f->type == FLAG_INT) {
        snprintf(out, size, "%d", *(const int *)f->to);
    } else if (f->type == FLAG_FLOAT) {         /* the shortest that reads as the same number */
        for (int digits = 6; digits <= 9; digits++) {
            snprintf(out, size, "%.*g", digits, *(const float *)f->to);
            if (strtof(out, NULL) == *(const float *)f->to) break;
        }
    } else {
        snprintf(out, size, "%llu", (unsigned long long)*(const uint64_t *)f->to);
    }
}

void print_flag_value(const struct flag *f, char *out, size_t size) {
    const struct string_list *texts = f->to;
    const char *word = f->value;
    switch (f->type) {
    case FLAG_ON: case FLAG_OFF:
        snprintf(out, size, "%s", *(const bool *)f->to == (f->type == FLAG_ON) ? "on" : "off");
        return;
    case FLAG_STRINGS:
        snprintf(out, size, "%s%s", texts->n ? texts->list[0] : "", texts->n > 1 ? " ..." : "");
        return;
    case FLAG_WORD:
        for (int i = *(const int *)f->to; i > 0; i--) word = strchr(word, '|') + 1;
        snprintf(out, size, "%.*s", (int)strcspn(word, "|"), word);
        return;
    default: print_number(f, out, size);
    }
}

static int read_environment(const struct flag *flags, size_t n_flags) {
    for (size_t i = 0; i < n_flags; i++) {
        const char *value = flags[i].env ? getenv(flags[i].env) : NULL;
        if (!value || !*value) continue;
        int rc = set_value(&flags[i], flags[i].env, value);
        if (rc) return rc;
    }
    return 0;
}

/* ---- the command line ---- */

struct reader {
    const struct command *command;
    const struct flag *flags;
    size_t n_flags;
    char **next, **end;                 /* arguments that are not read yet */
    struct words *words;
    const struct choice *noted;         /* the last value that -v explains, or NULL */
    const struct llama_flag *meant;     /* the last flag of llama.cpp that meant a type of ours */
    const char *meant_type;
};

static const struct flag *find_flag(const struct reader *r, const char *word, size_t n) {
    for (size_t i = 0; i < r->n_flags; i++)
        if (has_name(r->flags[i].names, word, n)) return &r->flags[i];
    return NULL;
}

/* A flag on the command line. */
static int set_flag(struct reader *r, const struct flag *f, const char *name, const char *value) {
    int rc = set_value(f, name, value);
    if (rc) return rc;
    bool unset = value && is_unset(f, value);
    if (f->given && !unset) *f->given = true;
    if (f->given && unset && f->type == FLAG_SEED) *f->given = false;
    const struct choice *choice = f->type == FLAG_TYPE ? find_choice(f->choices, value) : NULL;
    if (choice && choice->note) r->noted = choice;
    return 0;
}

/* ---- flags of llama.cpp ---- */

/* Those that mean the same type of ours must agree: ours is one for keys and values. */
static int check_agreement(struct reader *r, const struct llama_flag *row, const struct flag *f) {
    if (f->type != FLAG_TYPE) return 0;
    const char *type = *(const char **)f->to;
    if (r->meant && r->meant != row && r->meant_type != type)
        return usage_error("%s and %s: keys and values of the cache have one type here (%s)",
                           r->meant_type, type, f->names);
    r->meant = row;
    r->meant_type = type;
    return 0;
}

/* value: what followed a '=', or NULL */
static int read_llama_flag(struct reader *r, const struct llama_flag *row, const char *name,
                           const char *value) {
    bool more = r->next < r->end;
    if (row->takes == LLAMA_NO_VALUE && value) return usage_error("%s takes no value", name);
    if (row->takes == LLAMA_VALUE && !value) {
        if (!more) return usage_error("%s needs a value", name);
        value = *r->next++;
    }
    if (row->takes == LLAMA_MAY_HAVE_VALUE && !value && more &&
        find_llama_value(row, name, *r->next))
        value = *r->next++;
    const struct llama_flag *found = find_llama_value(row, name, value);
    if (!found) return usage_error("%s: unknown value '%s'", name, value);
    if (found->answer == LLAMA_SO_ANYWAY) return 0;
    if (found->answer != LLAMA_MEANS) return refuse_llama_flag(found, name, value);
    size_t n = strcspn(found->text, " ");
    const struct flag *f = find_flag(r, found->text, n);
    const char *ours = found->text[n] ? found->text + n + 1 : value;
    int rc = set_flag(r, f, name, f->value ? ours : NULL);
    return rc ? rc : check_agreement(r, found, f);
}

/* ---- unknown flags ---- */

/* Names for suggestions, each ended by a NUL. */
struct names {
    char text[4096];
    const char *list[256];
    size_t n_text;
    int n;
};

static void add_names(struct names *all, const char *names) {
    enum { MAX = sizeof all->list / sizeof *all->list };
    while (*names) {
        size_t len = strcspn(names, " ");
        if (all->n == MAX || all->n_text + len + 1 > sizeof all->text) return;
        char *to = all->text + all->n_text;
        if (names[len - 1] != '*') all->list[all->n++] = to;
        memcpy(to, names, len);
        to[len] = 0;
        all->n_text += len + 1;
        names += len;
        names += names[0] == ' ';
    }
}

/* Of flags of llama.cpp only those that are honoured are suggested. Two letters could be any. */
static int unknown_flag(const struct reader *r, const char *word, size_t n) {
    struct names all = {.n = 0};
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    for (char *p = name + 2; n > 2 && *p; p++)
        if (*p == '_') *p = '-';
    for (size_t i = 0; i < r->n_flags; i++) add_names(&all, r->flags[i].names);
    add_names(&all, "--help");
    const struct llama_flag *row = llama_flags(r->command->name);
    for (; row && row->names; row++)
        if (row->answer == LLAMA_MEANS || row->answer == LLAMA_SO_ANYWAY)
            add_names(&all, row->names);
    const char *nearest = n > 2 && n < sizeof name ? nearest_word(name, all.list, all.n) : NULL;
    if (nearest)
        return usage_error("unknown flag '%.*s'; did you mean %s?", (int)n, word, nearest);
    return usage_error("unknown flag '%.*s'; see: qw help %s", (int)n, word, r->command->name);
}

/* ---- arguments ---- */

/* "-", "-1" and "x" are words; "-x" is a flag. */
static bool is_word(const char *s) {
    return s[0] != '-' || s[1] == 0 || (s[1] >= '0' && s[1] <= '9');
}

/* Words right after a command that takes none may have been meant as a prompt. */
static int unexpected(const struct reader *r, const char *word, bool first) {
    const char *command = r->command->name;
    if (first)
        return usage_error("unexpected argument '%s' (see: qw help %s); as a prompt: qw -- %s %s%s",
                           word, command, command, word, r->next < r->end ? " ..." : "");
    return usage_error("unexpected argument '%s'; see: qw help %s", word, command);
}

static int add_word(const struct reader *r, const char *word, bool first) {
    struct words *words = r->words;
    if (!words || words->n == words->max) return unexpected(r, word, first);
    words->list[words->n++] = word;
    return 0;
}

static int read_flag(struct reader *r, const char *word) {
    const char *value = NULL;
    size_t n = strlen(word);
    if (word[1] == '-' && strchr(word, '=')) {
        n = strcspn(word, "=");
        value = word + n + 1;
    }
    char name[64];                      /* longer ones are unknown */
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    if (has_name("-h --help", word, n))
        return value ? usage_error("%s takes no value", name) : HELP_ASKED;
    const struct flag *f = find_flag(r, word, n);
    if (!f) {
        const struct llama_flag *row = find_llama_flag(llama_flags(r->command->name), word, n);
        return row ? read_llama_flag(r, row, name, value) : unknown_flag(r, word, n);
    }
    if (!f->value && value) return usage_error("%s takes no value", name);
    if (f->value && !value) {
        if (r->next == r->end) return usage_error("%s needs a value: %s", name, f->value);
        value = *r->next++;
    }
    return set_flag(r, f, name, value);
}

/* With -v, what a value was taken for. */
static void print_note(const struct reader *r) {
    const struct flag *verbose = find_flag(r, "--verbose", 9), *quiet = find_flag(r, "--quiet", 7);
    if (!r->noted || !verbose || !*(bool *)verbose->to) return;
    if (!quiet || !*(bool *)quiet->to) say("%s: %s", r->noted->word, r->noted->note);
}

int read_flags(const struct command *c, const struct flag *flags, size_t n_flags, int argc,
               char **argv, struct words *words) {
    struct reader r = {.command = c, .flags = flags, .n_flags = n_flags, .next = argv,
                       .end = argv + argc, .words = words};
    bool ended = false;                 /* by "--": only words follow */
    int rc = read_environment(flags, n_flags);
    if (words) words->n = 0;
    while (!rc && r.next < r.end) {
        const char *word = *r.next++;
        if (ended || is_word(word)) rc = add_word(&r, word, r.next == argv + 1);
        else if (strcmp(word, "--") == 0) ended = true;
        else rc = read_flag(&r, word);
    }
    if (words) words->ended = ended;
    if (!rc) print_note(&r);
    return rc;
}
