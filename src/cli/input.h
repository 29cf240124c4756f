/* input.h - files and stdin, whole or line by line. */
#ifndef QW_INPUT_H
#define QW_INPUT_H
#include <stddef.h>
#include "qw.h"

/* n bytes at p, which the owner frees; {0} is empty. */
struct text {
    char *p;
    size_t n;
};

/* In all of these path "-" is stdin, and the result is 0 or an exit code after a message. */

/* The whole file, with room for one more byte. The caller frees out->p. */
int  read_all(const char *path, struct text *out);
/* Replace invalid UTF-8 in t by U+FFFD, with one warning that calls the text `what`. */
int  clean_text(struct text *t, const char *what);

/* Lines in, lines out: f gets the n bytes of each line, without the newline, and appends what to
 * print to `out` (allocated; each_line frees it). 0, or an error code with the reason in err: then
 * it is reported with the line's number and an empty line is printed. EXIT_ERROR if any failed. */
typedef int line_fn(void *ctx, const char *line, size_t n, struct text *out, qw_error *err);
int  each_line(const char *path, line_fn *f, void *ctx);

#endif
