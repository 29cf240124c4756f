/* prompt.h - the message, put together from -p, -f, words and stdin; and the system message. */
#ifndef QW_PROMPT_H
#define QW_PROMPT_H
#include <stdbool.h>
#include "cli/input.h"

struct options;

/* What -p and -f give, in the order of the command line. */
struct prompt_part {
    bool is_file;
    const char *value;          /* text, or the file's path */
};
struct prompt_parts {
    struct prompt_part *list;   /* the owner of the parts frees it */
    int n;
};

/* The functions of these flags (flags.h); to: struct prompt_parts. */
int  add_prompt_text(void *to, const char *value, const char *name);
int  add_prompt_file(void *to, const char *value, const char *name);

/* Is there a prompt without stdin? */
bool has_prompt(const struct options *o);
/* Does some flag read stdin? */
bool takes_stdin(const struct options *o);

/* -p and -f in their order, then the words, then stdin if with_stdin and it has an end, joined by
 * blank lines; files and stdin without a byte order mark and one newline at their end. The caller
 * frees out->p. 0, or an exit code after a message. */
int  read_prompt(const struct options *o, bool with_stdin, struct text *out);
/* -sys, or the file of -sysf with a NUL behind; out->p NULL: there is none. As read_prompt. */
int  read_system(const struct options *o, struct text *out);

#endif
