/* tokenizer.h - the byte-level BPE tokenizer of a Hugging Face tokenizer.json, exactly: added
 * tokens, NFC, splitter, merges. */
#ifndef QW_TOKENIZER_H
#define QW_TOKENIZER_H
#include "base/error.h"
#include "base/buf.h"

struct tokenizer;

/* Read tokenizer.json at path. What this tokenizer does not do exactly (another model type,
 * normalizer, splitting pattern, added tokens that strip white space, ...) is refused by name:
 * QW_EUNSUPPORTED; damaged files: QW_EFORMAT. */
int  tokenizer_open(struct tokenizer **out, const char *path, qw_error *err);
/* The same from size bytes of JSON in memory; `what` names them in messages. The bytes are not
 * needed afterwards. */
int tokenizer_parse(struct tokenizer **out, const char *json, size_t size, const char *what,
                    qw_error *err);
void tokenizer_close(struct tokenizer *t);

/* Which added tokens of a text become control tokens. */
enum added_mode {
    ADDED_NONE,     /* none: all of it is text */
    ADDED_ALL,      /* each that occurs */
    ADDED_MASKED    /* those whose every byte i has mask[i] != 0 */
};

/* Append the ids of text[0..n) to out. mask: n bytes, only read with ADDED_MASKED. Text must be
 * UTF-8, else QW_EFORMAT with the offset. */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, enum added_mode mode,
                     const unsigned char *mask, struct ids *out, qw_error *err);

/* Bytes of a token; NULL and *n = 0 for ids that stand for nothing (negative, beyond the
 * vocabulary, gaps). */
const char *tokenizer_bytes(const struct tokenizer *t, int32_t id, size_t *n);
int  tokenizer_size(const struct tokenizer *t);                             /* highest id + 1 */
/* The id of an added token by its text, or -1. */
int32_t tokenizer_added(const struct tokenizer *t, const char *content);
bool tokenizer_is_added(const struct tokenizer *t, int32_t id);
/* an added token with "special": true */
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);

#endif
