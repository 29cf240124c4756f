/* tokenizer_impl.h - what a loaded tokenizer is; private to tokenizer*.c. */
#ifndef QW_TOKENIZER_IMPL_H
#define QW_TOKENIZER_IMPL_H
#include "text/bpe.h"
#include "text/tokenizer.h"

/* An added token, and what to look for: its content, or the NFC of it. The text is in
 * tokenizer.added_text. */
struct added {
    const char *text;
    uint32_t len;
    int32_t id;
    uint8_t flags;
};
enum added_flag {
    ADDED_SINGLE_WORD = 1,      /* only where no word character stands next to it */
    ADDED_LSTRIP = 2,           /* takes the white space before it along ... */
    ADDED_RSTRIP = 4,           /* ... and after it */
    ADDED_NORMALIZED = 8,       /* looked for in normalised text */
    ADDED_SPECIAL = 16          /* not part of the text of an answer */
};

/* Sorted by text bytewise, distinct, none empty. */
struct added_set {
    struct added *list;         /* [n] */
    uint32_t n;
    uint32_t longest;           /* bytes */
    bool first[256];            /* bytes that one of them begins with */
};

/* Ids of the vocabulary by their bytes, for ignore_merges: a hash table with open addressing, mask
 * + 1 slots, a power of two; -1 marks a free one. slots NULL: merges are not ignored. */
struct word_table { int32_t *slots; uint32_t mask; };

struct tokenizer {
    char *name;                 /* of the file with the vocabulary */
    struct warnings warnings;   /* about the files */
    uint32_t size;              /* highest id + 1 */
    char *bytes;                /* token i is bytes[offset[i] .. offset[i + 1]); gaps are empty */
    uint32_t *offset;           /* [size + 1] */
    int32_t byte_id[256];       /* the token of each single byte */
    struct bpe merges;
    struct word_table words;
    struct added_set added;     /* all, by content */
    struct added_set raw;       /* those not ADDED_NORMALIZED */
    struct added_set normalised;/* the others, by the NFC of their content */
    char *added_text;
    unsigned char *is_added;    /* bit i & 7 of byte i / 8: id i is an added token */
    bool split_special;         /* special tokens in a text are text */
};

static inline uint32_t hash_bytes(const char *p, size_t n) {
    uint64_t h = UINT64_C(0xCBF29CE484222325);          /* FNV-1a, its high bits folded down */
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001B3);
    return (uint32_t)(h ^ h >> 32);
}

/* ---- words.c ---- */

/* Enters the ids whose bit of is_word is set; their bytes are distinct. False: out of memory. */
bool index_words(struct tokenizer *t, const unsigned char *is_word);
/* -1: no token has these bytes. */
int32_t find_word(const struct tokenizer *t, const char *p, size_t n);

#endif
