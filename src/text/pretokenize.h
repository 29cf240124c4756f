/* pretokenize.h - the splitting pattern of Qwen's tokenizers, written by hand. */
#ifndef QW_PRETOKENIZE_H
#define QW_PRETOKENIZE_H
#include <stddef.h>

/* The pattern as written in tokenizer.json: seven alternatives, tried in this order. Each match
 * is a piece, and every character is in one. */
#define SPLIT_PATTERN                                                                              \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)"                                                                 \
    "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"                                                               \
    "|\\p{N}"                                                                                      \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"                                                              \
    "|\\s*[\\r\\n]+"                                                                               \
    "|\\s+(?!\\S)"                                                                                 \
    "|\\s+"

/* Length in bytes of the first piece of valid UTF-8, 1 <= length <= n; n > 0. */
size_t split_piece(const char *text, size_t n);

#endif
