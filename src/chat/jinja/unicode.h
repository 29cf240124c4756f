/* unicode.h - what Python's strings know of characters: Unicode 14.0. A number outside
 * 0..10FFFF is none of these. */
#ifndef QW_JINJA_UNICODE_H
#define QW_JINJA_UNICODE_H
#include <stdbool.h>
#include <stdint.h>

/* An upper, lower or title case letter, or what counts as one (U+2160, U+24D0). All others are
 * the same in upper and lower case. */
bool is_cased(uint32_t cp);

/* str.isprintable: what repr writes as it is. False for controls, formats, surrogates, private
 * and unassigned code points, and for white space other than U+0020. */
bool is_printable(uint32_t cp);

/* str.isspace: what strip and split take for white space. */
bool is_python_space(uint32_t cp);

#endif
