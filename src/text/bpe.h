/* bpe.h - byte pair encoding: a piece of text, as symbols, is merged pair by pair, lowest rank
 * first, leftmost first. */
#ifndef QW_BPE_H
#define QW_BPE_H
#include "base/buf.h"

/* The merges: (left, right) -> rank and merged symbol; a hash table with open addressing. {0} is
 * empty. */
struct bpe_slot { uint32_t left, right, rank, merged; };        /* rank BPE_NONE: free */
struct bpe { struct bpe_slot *slots; uint32_t mask; };          /* mask + 1 slots, a power of two */
#define BPE_NONE UINT32_MAX

/* room for n_merges; false: no memory */
bool bpe_init(struct bpe *b, uint32_t n_merges);
/* Of equal pairs the last one added counts. rank < n_merges of bpe_init. */
void bpe_add(struct bpe *b, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged);
void bpe_free(struct bpe *b);

/* Scratch of bpe_encode, kept from piece to piece. {0} is empty. */
/* rank and merged: of this symbol with the next one */
struct bpe_symbol { uint32_t id, prev, next, rank, merged; };
struct bpe_work { struct bpe_symbol *symbols; uint64_t *heap; uint32_t cap; };
void bpe_work_free(struct bpe_work *w);

/* Append the ids of a piece of n bytes, byte c being symbol byte_id[c]. At most BPE_MAX_PIECE
 * bytes; false: no memory. O(n log n) time and O(n) scratch. */
#define BPE_MAX_PIECE UINT32_C(0x7FFFFFF0)
bool bpe_encode(const struct bpe *b, const int32_t byte_id[256], const char *piece, size_t n,
                struct bpe_work *w, struct ids *out);

#endif
