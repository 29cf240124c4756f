/* utf8.h - decoding, encoding and checking UTF-8. */
#ifndef QW_UTF8_H
#define QW_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the sequence at the start of p[0..n), n > 0: returns its length, 1..4, and stores the
 * code point; 0 when the sequence is invalid or cut off. Overlong forms, surrogates, and code
 * points above U+10FFFF are invalid (Unicode 16.0, table 3-7). */
int utf8_decode(const char *p, size_t n, uint32_t *cp);
/* Where utf8_decode has returned 0: the length of the maximal invalid subpart at the start of
 * p[0..n), which one U+FFFD replaces (Unicode 16.0, section 3.9). *cut: more bytes could still
 * complete it. */
int utf8_invalid_length(const char *p, size_t n, bool *cut);
/* Writes cp as 1..4 bytes and returns how many. */
int utf8_encode(uint32_t cp, char out[4]);
/* The offset of the first invalid byte, or n when all are valid. */
size_t utf8_valid_prefix(const char *p, size_t n);

#endif
