/* bpe.h - byte pair encoding: merges pairs of symbols, the lowest rank first, leftmost first. */
#ifndef QW_BPE_H
#define QW_BPE_H
#include "base/buf.h"

/* The merges: (left, right) -> rank and merged symbol, in a hash table with open addressing:
 * mask + 1 slots, a power of two; rank BPE_NONE marks a free one. {0} is empty. */
struct bpe_slot { uint32_t left, right, rank, merged; };
struct bpe { struct bpe_slot *slots; uint32_t mask; };
#define BPE_NONE UINT32_MAX

/* Makes room for n_merges. False: out of memory. */
bool bpe_init(struct bpe *b, uint32_t n_merges);
/* rank < n_merges of bpe_init. Of equal pairs the last one added counts. */
void bpe_add(struct bpe *b, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged);
void bpe_free(struct bpe *b);

/* Scratch of bpe_encode, reused from piece to piece. {0} is empty. rank and merged are those of
 * this symbol with the next one. */
struct bpe_symbol { uint32_t id, prev, next, rank, merged; };
struct bpe_work { struct bpe_symbol *symbols; uint64_t *heap; uint32_t cap; };
void bpe_work_free(struct bpe_work *w);

/* Appends the ids of a piece of n bytes, n <= BPE_MAX_PIECE; byte c starts as symbol byte_id[c].
 * False: out of memory. O(n log n) time and O(n) scratch. */
#define BPE_MAX_PIECE UINT32_C(0x7FFFFFF0)
bool bpe_encode(const struct bpe *b, const int32_t byte_id[256], const char *piece, size_t n,
                struct bpe_work *w, struct ids *out);

#endif
