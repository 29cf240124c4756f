/* split.h - the splitting pattern of Qwen's tokenizers, written by hand. */
#ifndef QW_SPLIT_H
#define QW_SPLIT_H
#include <stddef.h>

/* The pattern as it stands in tokenizer.json. Each match is a piece, and every character is in one. */
#define SPLIT_PATTERN "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* Length in bytes of the first piece of valid UTF-8, n > 0. */
size_t split_piece(const char *text, size_t n);

#endif
