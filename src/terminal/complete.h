/* complete.h - candidates for the end of a text, and names of files as such. */
#ifndef QW_COMPLETE_H
#define QW_COMPLETE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* {0} is empty. */
struct completions {
    size_t from;                /* where in the text the part begins that a candidate replaces */
    struct completion {
        char *text;             /* a string */
        bool partial;           /* more may follow at once: a folder */
    } *list;
    size_t n, cap;
    bool oom;
};

/* Adds a copy of text[0..n), but none that is not UTF-8, and not more than COMPLETIONS_MOST. */
enum { COMPLETIONS_MOST = 5000 };
void completions_add(struct completions *c, const char *text, size_t n, bool partial);
void completions_free(struct completions *c);

/* Adds the files that the last word of text[0..n) could become, ~ being the home folder, and sets
 * from. Blanks and backslashes in a name have a backslash before them, as path_word reads them. */
void complete_path(const char *text, size_t n, struct completions *out);

/* Takes the next word of text[*at..n), a file's name as complete_path writes it, into out, with a
 * NUL that is not counted and ~/ resolved. False: there is none, or memory ran out (out->oom). */
bool path_word(const char *text, size_t n, size_t *at, struct buf *out);

#endif
