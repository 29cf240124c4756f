/* visible.h - text of unknown origin for a terminal: what would control it is shown instead: ^[ and
 * the like for the controls of ASCII but newline and tab, <U+009B> for C1 controls, <U+202E> for
 * those that turn the direction of writing, <9B> for a byte that is not UTF-8. */
#ifndef QW_VISIBLE_H
#define QW_VISIBLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* May a terminal not get this code point as it is? */
bool is_terminal_control(uint32_t c);
/* Its visible form; with NO_CODE_POINT that of a byte. Writes it with a NUL and returns its
 * length. */
#define NO_CODE_POINT UINT32_MAX
enum { VISIBLE_FORM = 12 };
int  visible_form(uint32_t c, unsigned char byte, char out[VISIBLE_FORM]);

/* A stream of text. {0} is its beginning. */
struct visible {
    unsigned char held[4];      /* the beginning of a character whose other bytes are to come */
    int n;
};

/* An input byte becomes at most so many. */
enum { VISIBLE_GROWTH = 4 };

/* Write to out what n more bytes look like. out has room for VISIBLE_GROWTH * (n + 4) bytes.
 * Returns how many were written. */
size_t visible_text(struct visible *v, const char *p, size_t n, char *out);
/* The stream ends: what it still holds. out has room for VISIBLE_GROWTH * 4 bytes. */
size_t visible_end(struct visible *v, char *out);

#endif
