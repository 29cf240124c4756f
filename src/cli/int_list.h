/* int_list.h - lists of numbers, written as llama-bench takes them: 1,2,4-16*2. */
#ifndef QW_INT_LIST_H
#define QW_INT_LIST_H
#include <stdbool.h>

enum { MOST_INTS = 1024 };

/* The caller frees p. */
struct int_list {
    int *p;
    int n;                      /* at most MOST_INTS */
    bool from_env;              /* then the command line replaces it */
};

/* Append the numbers and ranges of text, or, with pairs, an even number of numbers; each from lo to
 * hi, which is below 2^31. A range goes from its first number to its last, or as near as its step
 * leads: 1-4, 128-512+128, 4-16*2. 0, or an exit code after a message; name: the flag as it was
 * written. */
int append_ints(struct int_list *list, const char *text, bool pairs, double lo, double hi,
                const char *name);

#endif
