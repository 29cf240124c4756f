/* bpe.c - byte pair encoding with a linked list of symbols and a heap of pairs. */
#include "text/bpe.h"
#include <stdlib.h>
#include "base/alloc.h"

/* ---- merges ---- */

static uint32_t hash_pair(uint32_t left, uint32_t right) {
    uint64_t h = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 52);
}

/* The slot of a pair, or the free slot where it belongs. */
static struct bpe_slot *find_slot(const struct bpe *b, uint32_t left, uint32_t right) {
    uint32_t i = hash_pair(left, right) & b->mask;
    while (b->slots[i].rank != BPE_NONE && (b->slots[i].left != left || b->slots[i].right != right))
        i = (i + 1) & b->mask;
    return &b->slots[i];
}

bool bpe_init(struct bpe *b, uint32_t n_merges) {
    uint32_t n = 16;
    while (n / 3 * 2 < n_merges && n < UINT32_C(1) << 31) n *= 2;     /* at most two thirds full */
    if (n_merges >= n || !(b->slots = alloc_zero(n, sizeof *b->slots))) return false;
    b->mask = n - 1;
    for (uint32_t i = 0; i < n; i++) b->slots[i].rank = BPE_NONE;
    return true;
}

void bpe_add(struct bpe *b, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged) {
    *find_slot(b, left, right) = (struct bpe_slot){left, right, rank, merged};
}

void bpe_free(struct bpe *b) {
    free(b->slots);
    *b = (struct bpe){0};
}

/* ---- heap of pairs: rank << 32 | position of the left symbol, the smallest on top ---- */

static void sift_down(uint64_t *heap, uint32_t n, uint32_t i) {
    uint64_t x = heap[i];
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= x) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static void sift_up(uint64_t *heap, uint32_t i) {
    uint64_t x = heap[i];
    for (; i > 0 && heap[(i - 1) / 2] > x; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = x;
}

/* ---- encoding ---- */

void bpe_work_free(struct bpe_work *w) {
    free(w->symbols);
    free(w->heap);
    *w = (struct bpe_work){0};
}

/* Makes room for a piece of n symbols. The heap starts with at most n - 1 pairs; each merge
 * takes one out and puts at most two in. */
static bool reserve_work(struct bpe_work *w, size_t n) {
    if (w->cap >= n) return true;
    size_t cap = n < BPE_MAX_PIECE / 2 ? n + n / 2 : n;
    if (cap < 256) cap = 256;
    bpe_work_free(w);
    if (cap > PTRDIFF_MAX / sizeof *w->symbols) return false;
    w->symbols = malloc(cap * sizeof *w->symbols);
    w->heap = malloc(cap * 2 * sizeof *w->heap);
    if (!w->symbols || !w->heap) {
        bpe_work_free(w);
        return false;
    }
    w->cap = (uint32_t)cap;
    return true;
}

/* Looks up the pair of symbol i and the next one; true if they merge. */
static bool find_merge(const struct bpe *b, struct bpe_symbol *s, uint32_t i) {
    s[i].rank = BPE_NONE;
    if (s[i].next == BPE_NONE) return false;
    const struct bpe_slot *slot = find_slot(b, s[i].id, s[s[i].next].id);
    s[i].rank = slot->rank;
    s[i].merged = slot->merged;
    return slot->rank != BPE_NONE;
}

bool bpe_encode(const struct bpe *b, const int32_t byte_id[256], const char *piece, size_t n,
                struct bpe_work *w, struct ids *out) {
    if (n == 0) return true;
    if (n == 1) {
        ids_put(out, byte_id[(unsigned char)piece[0]]);
        return !out->oom;
    }
    if (n > BPE_MAX_PIECE || !reserve_work(w, n)) return false;
    struct bpe_symbol *s = w->symbols;
    uint64_t *heap = w->heap;
    uint32_t count = (uint32_t)n, n_heap = 0;
    for (uint32_t i = 0; i < count; i++)
        s[i] = (struct bpe_symbol){.id = (uint32_t)byte_id[(unsigned char)piece[i]],
                                   .prev = i ? i - 1 : BPE_NONE,
                                   .next = i + 1 < count ? i + 1 : BPE_NONE};
    for (uint32_t i = 0; i < count; i++)
        if (find_merge(b, s, i)) heap[n_heap++] = (uint64_t)s[i].rank << 32 | i;
    for (uint32_t i = n_heap / 2; i-- > 0;) sift_down(heap, n_heap, i);

    while (n_heap > 0) {
        uint32_t i = (uint32_t)heap[0], rank = (uint32_t)(heap[0] >> 32);
        heap[0] = heap[--n_heap];
        sift_down(heap, n_heap, 0);
        /* Outdated if one of the two has been merged since (a rank stands for one pair). */
        if (s[i].rank != rank) continue;
        uint32_t gone = s[i].next, before = s[i].prev;
        s[i].id = s[i].merged;
        s[i].next = s[gone].next;
        s[gone].rank = BPE_NONE;
        if (s[i].next != BPE_NONE) s[s[i].next].prev = i;
        if (find_merge(b, s, i)) {
            heap[n_heap] = (uint64_t)s[i].rank << 32 | i;
            sift_up(heap, n_heap++);
        }
        if (before != BPE_NONE && find_merge(b, s, before)) {
            heap[n_heap] = (uint64_t)s[before].rank << 32 | before;
            sift_up(heap, n_heap++);
        }
    }
    for (uint32_t i = 0; i != BPE_NONE; i = s[i].next) ids_put(out, (int32_t)s[i].id);
    return !out->oom;
}
