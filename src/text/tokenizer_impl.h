/* tokenizer_impl.h - what a loaded tokenizer is; private to tokenizer.c and tokenizer_load.c. */
#ifndef QW_TOKENIZER_IMPL_H
#define QW_TOKENIZER_IMPL_H
#include "text/bpe.h"
#include "text/tokenizer.h"

/* An added token; its text is in tokenizer.added_text. */
struct added { const char *text; uint32_t len; int32_t id; bool special; };

struct tokenizer {
    uint32_t size;              /* highest id + 1 */
    char *bytes;                /* token i is bytes[offset[i] .. offset[i + 1]); gaps are empty */
    uint32_t *offset;           /* [size + 1] */
    int32_t byte_id[256];       /* the token of each single byte */
    struct bpe merges;
    struct added *added;        /* [n_added], sorted by text bytewise, distinct, none empty */
    uint32_t n_added;
    uint32_t added_longest;     /* bytes */
    bool added_first[256];      /* bytes that an added token begins with */
    char *added_text;
    unsigned char *is_added;    /* bit i & 7 of byte i / 8: id i is an added token */
};

#endif
