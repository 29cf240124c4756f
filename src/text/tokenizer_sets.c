/* tokenizer_sets.c - sets of added tokens, sorted to be searched in. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "text/tokenizer_loader.h"
#include "text/unicode.h"

static int by_text(const void *pa, const void *pb) {
    const struct added *a = pa, *b = pb;
    uint32_t n = a->len < b->len ? a->len : b->len;
    int c = memcmp(a->text, b->text, n);
    if (c) return c;
    if (a->len != b->len) return a->len > b->len ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

static bool same_text(const struct added *a, const struct added *b) {
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* Sorts a set and finds what to look for first. Of equal texts (two forms of one in NFC) the lowest
 * id stays. */
static void finish_set(struct added_set *set) {
    uint32_t n = 0;
    if (set->n) qsort(set->list, set->n, sizeof *set->list, by_text);
    for (uint32_t i = 0; i < set->n; i++) {
        const struct added a = set->list[i];
        if (n > 0 && same_text(&set->list[n - 1], &a)) continue;
        set->first[(unsigned char)a.text[0]] = true;
        if (a.len > set->longest) set->longest = a.len;
        set->list[n++] = a;
    }
    set->n = n;
}

/* Puts the content of all added tokens into texts, each at its offset, and behind that of a
 * normalized one its NFC, up to nfc_end. */
static bool copy_texts(struct loader *l, struct buf *texts, size_t *offset, size_t *nfc_end) {
    const struct added_set *all = &l->t->added;
    for (uint32_t i = 0; i < all->n; i++) {
        const struct entry *e = &l->entries[l->owner[all->list[i].id] - 1];
        offset[i] = texts->n;
        buf_put(texts, l->text.p + e->pos, e->len);
        bool normal = !(all->list[i].flags & ADDED_NORMALIZED) ||
                      nfc_normalise(l->text.p + e->pos, e->len, texts);
        if (!normal || texts->oom) return false;
        nfc_end[i] = texts->n;
    }
    return true;
}

static void fill_sets(struct tokenizer *t, const size_t *offset, const size_t *nfc_end) {
    for (uint32_t i = 0; i < t->added.n; i++) {
        struct added *a = &t->added.list[i];
        a->text = t->added_text + offset[i];
        if (!(a->flags & ADDED_NORMALIZED)) {
            t->raw.list[t->raw.n++] = *a;
            continue;
        }
        struct added normal = *a;
        normal.text += a->len;
        normal.len = (uint32_t)(nfc_end[i] - offset[i]) - a->len;
        t->normalised.list[t->normalised.n++] = normal;
    }
    finish_set(&t->raw);
    finish_set(&t->normalised);
    finish_set(&t->added);
}

int make_added_sets(struct loader *l) {
    struct tokenizer *t = l->t;
    const uint32_t n = t->added.n;
    struct buf texts = {0};
    size_t *offset = alloc_zero((uint64_t)n + 1, 2 * sizeof *offset);
    t->raw.list = alloc_zero(n, sizeof *t->raw.list);
    t->normalised.list = alloc_zero(n, sizeof *t->normalised.list);
    bool ok = offset && t->raw.list && t->normalised.list &&
              copy_texts(l, &texts, offset, offset + n);
    t->added_text = texts.p;
    if (ok && n) fill_sets(t, offset, offset + n);
    free(offset);
    return ok ? 0 : fail_no_memory(l);
}
