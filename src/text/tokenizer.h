/* tokenizer.h - the byte-level BPE tokenizer of a Hugging Face tokenizer.json, exactly: added
 * tokens, NFC, splitting pattern, merges. */
#ifndef QW_TOKENIZER_H
#define QW_TOKENIZER_H
#include "base/error.h"
#include "base/buf.h"
#include "base/warnings.h"

struct tokenizer;

/* A file of a tokenizer; data NULL: there is none. name is what messages call it. */
struct tokenizer_file { const char *name; const char *data; size_t size; };
struct tokenizer_files {
    struct tokenizer_file tokenizer;        /* tokenizer.json; without it: */
    struct tokenizer_file vocab, merges;    /* vocab.json and merges.txt */
    struct tokenizer_file config;           /* tokenizer_config.json: more added tokens */
    struct tokenizer_file special_map;      /* special_tokens_map.json: ... */
    struct tokenizer_file added;            /* added_tokens.json: ... */
};

/* Makes a tokenizer of a model's files, which are not needed afterwards. Added tokens are merged
 * and numbered as transformers does it; where files contradict each other there is a warning. What
 * this tokenizer does not do exactly (another model type, normalizer or splitting pattern, ...) is
 * refused by name: QW_EUNSUPPORTED. Damaged files: QW_EFORMAT; none: QW_EIO. Close with
 * tokenizer_close. */
int  tokenizer_load(struct tokenizer **out, const struct tokenizer_files *files, qw_error *err);
/* The same from a tokenizer.json alone: at path, or size bytes in memory, which `what` names in
 * messages. */
int  tokenizer_open(struct tokenizer **out, const char *path, qw_error *err);
int  tokenizer_parse(struct tokenizer **out, const char *json, size_t size, const char *what,
                     qw_error *err);
void tokenizer_close(struct tokenizer *t);

/* What the file is called that the vocabulary is from. */
const char *tokenizer_name(const struct tokenizer *t);
const struct warnings *tokenizer_warnings(const struct tokenizer *t);

/* Which added tokens in a text become control tokens. */
enum added_mode {
    ADDED_NONE,     /* none: everything is text */
    ADDED_ALL,      /* each one that occurs */
    ADDED_MASKED    /* those for whose every byte i mask[i] != 0 */
};

/* Appends the ids of text[0..n) to out. mask: n bytes, read with ADDED_MASKED only. The text
 * must be UTF-8, else QW_EFORMAT with the offset. After an error out is as before. */
int  tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, enum added_mode mode,
                      const unsigned char *mask, struct ids *out, qw_error *err);

/* The bytes of a token; NULL and *n = 0 for ids that stand for nothing (negative, beyond the
 * vocabulary, gaps). They stay until tokenizer_close. */
const char *tokenizer_bytes(const struct tokenizer *t, int32_t id, size_t *n);
/* The highest id + 1. */
int  tokenizer_size(const struct tokenizer *t);
/* The id of an added token by its text, or -1. */
int32_t tokenizer_added(const struct tokenizer *t, const char *content);
bool tokenizer_is_added(const struct tokenizer *t, int32_t id);
/* An added token with "special": true? */
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);

#endif
