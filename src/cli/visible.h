/* visible.h - text of unknown origin for a terminal: what would control it is shown instead. */
#ifndef QW_VISIBLE_H
#define QW_VISIBLE_H
#include <stddef.h>

/* A stream of text. {0} is its beginning. */
struct visible {
    unsigned char held[4];      /* the beginning of a character whose other bytes are to come */
    int n;
};

/* An input byte becomes at most so many. */
enum { VISIBLE_GROWTH = 4 };

/* Write to out what n more bytes look like: ^[ and the like for the controls of ASCII but newline
 * and tab, <U+009B> for C1 controls, <U+202E> for those that turn the direction of writing, <9B>
 * for a byte that is not UTF-8. out has room for VISIBLE_GROWTH * (n + 4) bytes. Returns how many
 * were written. */
size_t visible_text(struct visible *v, const char *p, size_t n, char *out);
/* The stream ends: what it still holds. out has room for VISIBLE_GROWTH * 4 bytes. */
size_t visible_end(struct visible *v, char *out);

#endif
