/* tokenizer_impl.h - private to tokenizer.c and tokenizer_load.c: what a tokenizer is once it is
 * loaded. */
#ifndef QW_TOKENIZER_IMPL_H
#define QW_TOKENIZER_IMPL_H
#include "text/bpe.h"
#include "text/tokenizer.h"

/* An added token; its text lies in tokenizer.added_text. */
struct added { const char *text; uint32_t len; int32_t id; bool special; };

struct tokenizer {
    uint32_t size;              /* highest id + 1 */
    /* of all tokens by id: token i stands for bytes[offset[i] .. offset[i + 1]), empty for gaps */
    char *bytes;
    uint32_t *offset;           /* [size + 1] */
    int32_t byte_id[256];       /* the token of each single byte */
    struct bpe merges;
    /* [n_added], sorted by text bytewise, all different and none empty */
    struct added *added;
    uint32_t n_added;
    uint32_t added_longest;     /* bytes */
    bool added_first[256];      /* the first bytes of added tokens */
    char *added_text;
    unsigned char *is_added;    /* bit i & 7 of byte i / 8: id i is an added token */
};

#endif
