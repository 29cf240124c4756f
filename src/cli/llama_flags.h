/* llama_flags.h - what becomes of the flags and words of llama.cpp and its relatives that are not
 * ours, so that their command lines either mean the same here or say what is different. */
#ifndef QW_LLAMA_FLAGS_H
#define QW_LLAMA_FLAGS_H
#include <stddef.h>
#include "cli/cli.h"

enum llama_value { LLAMA_NO_VALUE, LLAMA_VALUE, LLAMA_MAY_HAVE_VALUE };

enum llama_answer {
    LLAMA_MEANS,                /* one of our flags */
    LLAMA_SO_ANYWAY,            /* what it asks for is the case: nothing to do */
    LLAMA_REFUSED,              /* it cannot be honoured */
    LLAMA_DOWNLOAD              /* nor this one, whose value is a repository of a hub */
};

/* A flag, for some of its values: the first row that has the name and the value counts. */
struct llama_flag {
    const char *names;          /* separated by blanks; "--dry-*" stands for all that begin so */
    enum llama_value takes;     /* the same in all rows of a name */
    const char *values;         /* separated by blanks; NULL: all */
    enum llama_answer answer;
    const char *text;           /* our flag, or that and a value instead of the given one; or why it
                                 * is refused, in one sentence */
};

/* The flags that a command takes in addition to its own. They end with a row whose names are NULL;
 * NULL: none. */
const struct llama_flag *llama_flags(const char *command);

/* The first row of rows, or of those after the last one, that has this name; NULL: none. */
const struct llama_flag *find_llama_flag(const struct llama_flag *rows, const char *word, size_t n);
/* The row for a value; value NULL: the flag has none. row: as find_llama_flag returned it. NULL: it
 * does not take this value. */
const struct llama_flag *find_llama_value(const struct llama_flag *row, const char *name,
                                          const char *value);
/* Say why a flag is refused and return EXIT_USAGE. */
int  refuse_llama_flag(const struct llama_flag *row, const char *name, const char *value);

/* Why a first word that is a command of ollama or llama.cpp is none here, as a sentence without a
 * full stop; NULL: it is no such word. */
const char *refused_command(const char *word);

#endif
