/* flags.h - commands and flags as tables: the command line is parsed, and the help printed, from
 * the same entries. */
#ifndef QW_FLAGS_H
#define QW_FLAGS_H
#include "cli/cli.h"

/* A command. Each file in commands/ defines its own; main.c lists them. */
struct command {
    const char *name;
    const char *summary;        /* one line of `qw help` */
    const char *arguments;      /* after the name in the first line of its help */
    const char *details;        /* the end of its help; NULL: none */
    int (*run)(int argc, char **argv);      /* argv starts after the name; returns the exit code */
};

/* What a flag takes, and the type of the variable that it sets. */
enum flag_type {
    FLAG_ON, FLAG_OFF,          /* no value; bool */
    FLAG_INT, FLAG_FLOAT,       /* a number from lo to hi; int, float */
    FLAG_SEED,                  /* uint64_t */
    FLAG_STRING,                /* const char *, which points into argv or the environment */
    FLAG_PATH,                  /* the same, but never "" */
    FLAG_STRINGS,               /* struct string_list, appended to */
    FLAG_BIAS,                  /* ID+BIAS or ID-BIAS; struct bias_list, appended to */
    FLAG_INTS,                  /* N,N,... each from lo to hi; struct int_list, appended to */
    FLAG_PAIRS                  /* the same, an even number of them */
};

struct flag {
    const char *names;          /* "-n --predict" */
    const char *value;          /* placeholder in the help; NULL for FLAG_ON and FLAG_OFF */
    enum flag_type type;
    void *to;                   /* the variable; see enum flag_type */
    double lo, hi;
    const char *env;            /* environment variable that provides a value, or NULL */
    bool *given;                /* set if the flag is on the command line, or NULL */
    const char *help;
};

/* The caller frees p of each. */
struct bias_list {
    qw_logit_bias *p;
    int n;
};
struct string_list {
    const char **list;
    int n;
};
struct int_list {
    int *p;
    int n;
    bool from_env;              /* then the command line replaces it */
};

/* Arguments that are not flags. The caller provides room for `max`. */
struct words {
    const char **list;
    int max, n;
};

/* Parse the environment, then argv. words NULL: none are allowed. --help prints the help and exits.
 * 0, or an exit code after a message. */
int  parse_flags(const struct command *c, const struct flag *flags, size_t n_flags, int argc,
                 char **argv, struct words *words);

/* Is word[0..n) one of the space-separated names? In long flags '_' equals '-'. */
bool has_name(const char *names, const char *word, size_t n);
/* What a message about this value should name: env if the value came from there, else the flag. */
const char *value_source(const char *value, const char *flag, const char *env);

#endif
