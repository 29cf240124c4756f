/* warnings.h - what is odd about files that are used all the same: one line each, for whoever loads
 * them. */
#ifndef QW_WARNINGS_H
#define QW_WARNINGS_H
#include <stdbool.h>
#include "base/platform.h"

/* {0} is empty. At most MAX_WARNINGS are kept; the last one then says that there are more. */
enum { MAX_WARNINGS = 64 };
struct warnings {
    char *list[MAX_WARNINGS];
    int n;
    bool oom;                   /* one was lost: check once at the end */
};

/* A line, cut to the length of an error message, without control characters. w NULL: nobody wants
 * to know. */
void add_warning(struct warnings *w, const char *fmt, ...) QW_PRINTF(2, 3);
void warnings_free(struct warnings *w);

#endif
