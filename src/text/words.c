/* words.c - tokens of the vocabulary by their bytes, for tokenizers that look whole words up before
 * they merge. */
#include <string.h>
#include "base/alloc.h"
#include "text/tokenizer_impl.h"

/* The slot of a text, or the free slot where it belongs. */
static int32_t *find_slot(const struct tokenizer *t, const char *p, size_t n) {
    const struct word_table *w = &t->words;
    for (uint32_t i = hash_bytes(p, n) & w->mask;; i = (i + 1) & w->mask) {
        int32_t id = w->slots[i];
        if (id < 0) return &w->slots[i];
        size_t len = t->offset[id + 1] - t->offset[id];
        if (len == n && memcmp(t->bytes + t->offset[id], p, n) == 0) return &w->slots[i];
    }
}

int32_t find_word(const struct tokenizer *t, const char *p, size_t n) {
    return *find_slot(t, p, n);
}

bool index_words(struct tokenizer *t, const unsigned char *is_word) {
    uint32_t n = 16;
    while (n / 3 * 2 < t->size) n *= 2;                 /* at most two thirds full */
    t->words.slots = alloc_zero(n, sizeof *t->words.slots);
    if (!t->words.slots) return false;
    t->words.mask = n - 1;
    memset(t->words.slots, -1, n * sizeof *t->words.slots);
    for (uint32_t id = 0; id < t->size; id++)
        if (is_word[id >> 3] >> (id & 7) & 1)
            *find_slot(t, t->bytes + t->offset[id], t->offset[id + 1] - t->offset[id]) =
                (int32_t)id;
    return true;
}
