/* flags.h - commands and flags as tables: the command line is parsed (flags.c), and the help, the
 * manual page and the completions made (help.c, tools/manual.sh), from the same entries. */
#ifndef QW_FLAGS_H
#define QW_FLAGS_H
#include "cli/cli.h"
#include "cli/int_list.h"

/* A command. Each file in commands/ defines its own; commands.c there lists them. */
struct command {
    const char *name;
    const char *summary;        /* one line of `qw help` */
    const char *arguments;      /* after the name in the first line of its help */
    const char *details;        /* the end of its help; NULL: none */
    int (*run)(int argc, char **argv);      /* argv starts after the name; returns the exit code */
};

/* What a flag takes, and the type of the variable that it sets. */
enum flag_type {
    FLAG_ON, FLAG_OFF,          /* no value (in the environment 1, or 0: not this one); bool */
    FLAG_INT, FLAG_FLOAT,       /* a number from lo to hi; int, float */
    FLAG_SEED,                  /* uint64_t; -1: as if not given */
    FLAG_STRING,                /* const char *, which points into argv or the environment */
    FLAG_PATH,                  /* the same, but never "" */
    FLAG_TYPE,                  /* one of `choices` in any case; const char *, what it means */
    FLAG_STRINGS,               /* struct string_list, appended to */
    FLAG_BIAS,                  /* ID+BIAS or ID-BIAS; struct bias_list, appended to */
    FLAG_INTS,                  /* numbers and ranges from lo to hi; struct int_list, appended to */
    FLAG_PAIRS,                 /* N,N from lo to hi; struct int_list, appended to */
    FLAG_WORD,                  /* one of the words of `value`, between '|'; int, its place */
    FLAG_READ                   /* whatever the function `read` of the flag makes of it */
};

/* A value of FLAG_TYPE. A list of them ends with a NULL word. */
struct choice {
    const char *word;
    const char *means;          /* another word for this one; NULL: itself, and help names it */
    const char *note;           /* what -v says of it, or NULL */
};

struct flag {
    const char *heading;        /* of the flags from here on, in the help; or NULL */
    const char *names;          /* "-n --predict" */
    const char *value;          /* placeholder in the help; NULL for FLAG_ON and FLAG_OFF */
    enum flag_type type;
    void *to;                   /* the variable; see enum flag_type */
    double lo, hi;
    const struct choice *choices;
    const char *unset;          /* FLAG_INT: a value that stands for the default, which is 0 */
    const char *env;            /* environment variable that provides a value, or NULL; an empty one
                                 * counts as unset, and switches are on with 1, off with 0 */
    bool *given;                /* set if the flag is on the command line, or NULL */
    const char *live;           /* its name for /set in a conversation; NULL: not to be set there */
    const char *help;
    /* FLAG_READ: 0, or an exit code after a message. name: the flag as it was written. */
    int (*read)(void *to, const char *value, const char *name);
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

/* Arguments that are not flags. The caller provides room for `max`. */
struct words {
    const char **list;
    int max, n;
    bool ended;                 /* "--" stood before some of them, or after all */
};

/* Parse the environment, then argv; "--" ends the flags. words NULL: none are allowed. Flags of
 * llama.cpp are taken where the command has some (llama_flags.h). 0, an exit code after a message,
 * or HELP_ASKED at a --help. */
enum { HELP_ASKED = -1 };
int  read_flags(const struct command *c, const struct flag *flags, size_t n_flags, int argc,
                char **argv, struct words *words);

/* read_flags for the commands (help.c): --help prints the help and exits, as does --dump-flags as
 * the only argument, which prints the tables for tools/manual.sh. 0, or an exit code after a
 * message. */
int  parse_flags(const struct command *c, const struct flag *flags, size_t n_flags, int argc,
                 char **argv, struct words *words);

/* The flags that somebody needs on the first day, for the help of qw itself. */
void print_first_flags(void);

/* Set a flag whose field `live` is set: 0, or an exit code after a message that calls it `name`.
 * Switches are on or off. A text must live as long as the flag's variable. */
int  set_live_flag(const struct flag *f, const char *name, const char *value);
/* What it is set to, in so many bytes. */
void print_flag_value(const struct flag *f, char *out, size_t size);

/* Is word[0..n) one of the space-separated names? In long flags '_' equals '-'. A name that ends in
 * '*' stands for all that begin so. */
bool has_name(const char *names, const char *word, size_t n);
/* The choice that a word names, in any case; NULL: none. */
const struct choice *find_choice(const struct choice *choices, const char *word);
/* What a message about this value should name: env if the value came from there, else the flag. */
const char *value_source(const char *value, const char *flag, const char *env);

#endif
