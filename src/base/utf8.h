/* utf8.h - UTF-8 decoding, and the replacement of what is invalid. */
#ifndef QW_UTF8_H
#define QW_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/utf8.h"

/* Decode the sequence at p[0..n), n > 0: its length 1..4 and the code point, or 0 when it is
 * invalid or cut off. Invalid: overlong forms, surrogates, above U+10FFFF (Unicode 16.0, table
 * 3-7). */
int utf8_decode(const char *p, size_t n, uint32_t *cp);
/* Length of the maximal invalid subpart at p[0..n) where utf8_decode gave 0 (Unicode 16.0,
 * section 3.9): what one U+FFFD replaces. *cut is set when more bytes could still complete it. */
int utf8_invalid(const char *p, size_t n, bool *cut);
/* Write cp as 1..4 bytes. */
int utf8_encode(uint32_t cp, char out[4]);
/* The offset of the first invalid byte, or n when all is valid. */
size_t utf8_valid_prefix(const char *p, size_t n);

#endif
