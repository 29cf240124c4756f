/* unicode.h - what the tokenizer needs of Unicode: the classes its splitting pattern uses, and
 * normalisation form C. */
#ifndef QW_UNICODE_H
#define QW_UNICODE_H
#include "base/buf.h"

/* \s (White_Space), \p{L} and \p{N} of Unicode 16.0; any number outside 0..10FFFF is CP_OTHER. */
enum cp_class { CP_OTHER, CP_SPACE, CP_LETTER, CP_NUMBER };
enum cp_class cp_class(uint32_t cp);
/* \w of the regex crate: letters, marks, decimal digits, connectors, joiners. */
bool is_word_character(uint32_t cp);

/* The length of a prefix of valid UTF-8 that is in NFC whatever follows it; n when all of the
 * text is. Not always the longest one: it ends at the first place that needs a closer look. */
size_t nfc_prefix(const char *text, size_t n);
/* Appends the NFC of valid UTF-8 to out, by the data of Unicode 9.0 (see tools/unicode-nfc.txt).
 * False: out of memory. */
bool nfc_normalise(const char *text, size_t n, struct buf *out);
/* The same, and the mask of the result in out_mask: a byte is marked (not 0) when all bytes are
 * that it was made of. mask may be NULL: then out_mask is left alone. */
bool nfc_normalise_masked(const char *text, const unsigned char *mask, size_t n, struct buf *out,
                          struct buf *out_mask);

#endif
