/* help.c - what the tables of flags become besides a parser: the help of a command, and the lines
 * that tools/manual.sh makes the manual page and the completions of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/flags.h"
#include "cli/llama_flags.h"
#include "cli/output.h"

enum { HELP_COLUMN = 29 };     /* where the explanations start */

static const struct flag help_flag = {.names = "-h --help", .help = "this text"};

static void print_flag(const struct flag *f) {
    int n = printf("  %s%s%s", f->names, f->value ? " " : "", f->value ? f->value : "");
    if (n >= HELP_COLUMN) {
        putchar('\n');
        n = 0;
    }
    printf("%*s", HELP_COLUMN - n, "");
    int at = print_words(stdout, f->help, HELP_COLUMN, HELP_COLUMN);
    if (f->env) {
        char env[64];
        snprintf(env, sizeof env, "[%s]", f->env);
        print_words(stdout, env, HELP_COLUMN, at);
    }
    putchar('\n');
}

/* "-fa on|auto|1", "-ctk (--kv)": the first of its names, for which values, and what it means. */
static int name_llama_flag(const struct llama_flag *row, char *out, size_t size) {
    int n = snprintf(out, size, "%.*s", (int)strcspn(row->names, " "), row->names);
    if (row->values) n += snprintf(out + n, size - (size_t)n, " %s", row->values);
    for (char *p = strchr(out, ' '); p && (p = strchr(p + 1, ' '));) *p = '|';
    if (row->answer == LLAMA_MEANS) n += snprintf(out + n, size - (size_t)n, " (%s)", row->text);
    return n;
}

/* Those that are taken; the manual page has those that are refused as well. */
static void print_llama_flags(const struct llama_flag *rows) {
    char text[2048];
    int n = 0;
    if (!rows) return;
    for (; rows->names; rows++) {
        if (rows->answer != LLAMA_MEANS && rows->answer != LLAMA_SO_ANYWAY) continue;
        if (n + 256 > (int)sizeof text) break;
        if (n) n += snprintf(text + n, sizeof text - (size_t)n, ", ");
        n += name_llama_flag(rows, text + n, sizeof text - (size_t)n);
    }
    printf("\nFlags of llama.cpp that are taken as well; the others are refused with a reason:\n"
           "    ");
    print_words(stdout, text, 4, 4);
    putchar('\n');
}

static void print_help(const struct command *c, const struct flag *flags, size_t n_flags) {
    printf("qw %s %s: %s\n", c->name, c->arguments, c->summary);
    if (!flags[0].heading) putchar('\n');
    for (size_t i = 0; i < n_flags; i++) {
        if (flags[i].heading) printf("\n%s\n", flags[i].heading);
        print_flag(&flags[i]);
    }
    putchar('\n');
    print_flag(&help_flag);
    print_llama_flags(llama_flags(c->name));
    if (c->details) printf("\n%s", c->details);
}

void print_first_flags(void) {
    fputs("  -m DIR         the model: a directory, or a packed file\n"
          "  -p TEXT        the prompt; -f FILE: from a file\n"
          "  -n N           at most N tokens of answer\n"
          "  --no-think     answer directly\n"
          "  -q TYPE        weights: q8, q4 (smaller, faster), bf16 (as stored)\n"
          "  --temp T       temperature; 0: always the likeliest token\n"
          "  -s N           seed: the same one gives the same answer\n"
          "  -v             settings and speeds\n", stdout);
}

/* ---- the tables as lines, with tabs between the fields ---- */

static const char *or_empty(const char *s) { return s ? s : ""; }

static void dump_flag(const struct flag *f) {
    printf("flag\t%s\t%s\t%s\t", or_empty(f->heading), f->names, or_empty(f->value));
    if (!f->value) {
        printf("switch");
    } else if (f->type == FLAG_TYPE) {
        printf("one of");
        for (const struct choice *c = f->choices; c->word; c++)
            if (!c->means) printf(" %s", c->word);
    } else if (strchr(f->value, '|')) {
        printf("one of ");
        for (const char *p = f->value; *p; p++) putchar(*p == '|' ? ' ' : *p);
    } else {
        bool file = f->type == FLAG_PATH || strcmp(f->value, "FILE") == 0;
        printf(file ? "file" : "value");
    }
    printf("\t%s\t%s\n", or_empty(f->env), f->help);
}

static void dump_llama_flag(const struct llama_flag *row) {
    static const char *const answers[] = {
        [LLAMA_MEANS] = "means",
        [LLAMA_SO_ANYWAY] = "anyway",
        [LLAMA_REFUSED] = "refused",
        [LLAMA_DOWNLOAD] = "refused",
    };
    const char *text = row->text;
    if (row->answer == LLAMA_DOWNLOAD) text = "nothing is downloaded here; the message says how to";
    printf("%s\t%s\t%s\t%s\n", answers[row->answer], row->names, or_empty(row->values),
           or_empty(text));
}

static void dump_details(const char *details) {
    while (*details) {
        int n = (int)strcspn(details, "\n");
        printf("detail\t%.*s\n", n, details);
        details += n;
        details += *details == '\n';
    }
}

static void dump(const struct command *c, const struct flag *flags, size_t n_flags) {
    printf("command\t%s\t%s\t%s\n", c->name, c->arguments, c->summary);
    for (size_t i = 0; i < n_flags; i++) dump_flag(&flags[i]);
    dump_flag(&help_flag);
    const struct llama_flag *row = llama_flags(c->name);
    for (; row && row->names; row++) dump_llama_flag(row);
    if (c->details) dump_details(c->details);
}

/* ---- the command line of a command ---- */

int parse_flags(const struct command *c, const struct flag *flags, size_t n_flags, int argc,
                char **argv, struct words *words) {
    if (argc == 1 && strcmp(argv[0], "--dump-flags") == 0) {
        dump(c, flags, n_flags);
        exit(flush_stdout());
    }
    int rc = read_flags(c, flags, n_flags, argc, argv, words);
    if (rc != HELP_ASKED) return rc;
    print_help(c, flags, n_flags);
    exit(flush_stdout());
}
