/* dict.c - dicts: pairs in the order of their insertion, found by hashing. */
#include <string.h>
#include "chat/jinja/value.h"

enum { LINEAR = 8 };            /* up to that many pairs are searched one by one */

static uint32_t hash(struct run *r, struct value v, int depth) {
    value_level(r, depth);
    double d;
    uint32_t h = 2166136261u;
    if (v.type == V_STRING || v.type == V_BIG) {
        run_work(r, 4 * v.u.s->n);
        for (size_t i = 0; i < v.u.s->n; i++)
            h = (h ^ (unsigned char)v.u.s->p[i]) * 16777619u;       /* FNV-1a */
    } else if (value_number(v, &d)) {
        uint64_t bits;
        if (d == 0) d = 0;      /* -0.0 equals 0 */
        memcpy(&bits, &d, 8);
        h = (uint32_t)(bits * UINT64_C(0x9E3779B97F4A7C15) >> 32);
    } else if (v.type == V_LIST && v.u.list->kind == LIST_TUPLE) {
        for (size_t i = 0; i < v.u.list->n; i++)
            h = (h ^ hash(r, v.u.list->items[i], depth + 1)) * 16777619u;
    } else if (v.type == V_LIST || v.type == V_DICT) {
        run_fail(r, "a %s cannot be a key", type_name(v));
    } else {
        h += (uint32_t)v.type;
    }
    return h;
}

/* The slot of a key: where it is, or the free one where it belongs. */
static uint32_t *slot_of(struct run *r, const struct dict *d, struct value key) {
    size_t mask = d->n_slots - 1, i = hash(r, key, 0) & mask;
    for (; d->slots[i]; i = (i + 1) & mask)
        if (value_equal(r, d->pairs[d->slots[i] - 1].key, key)) break;
    return &d->slots[i];
}

static struct pair *find_pair(struct run *r, const struct dict *d, struct value key) {
    if (d->slots) {
        uint32_t at = *slot_of(r, d, key);
        return at ? &d->pairs[at - 1] : NULL;
    }
    hash(r, key, 0);            /* what cannot be hashed is no key */
    for (size_t i = 0; i < d->n; i++)
        if (value_equal(r, d->pairs[i].key, key)) return &d->pairs[i];
    return NULL;
}

bool dict_get(struct run *r, const struct dict *d, struct value key, struct value *out) {
    const struct pair *p = find_pair(r, d, key);
    if (p) *out = p->value;
    return p != NULL;
}

struct dict *dict_new(struct run *r) {
    struct dict *d = run_alloc(r, 1, sizeof *d);
    *d = (struct dict){0};
    return d;
}

static void make_room(struct run *r, struct dict *d) {
    size_t cap = d->cap ? 2 * d->cap : 4;
    struct pair *pairs = run_alloc(r, cap, sizeof *pairs);
    if (d->n) memcpy(pairs, d->pairs, d->n * sizeof *pairs);
    d->pairs = pairs;
    d->cap = cap;
    if (cap <= LINEAR) return;
    d->n_slots = 2 * cap;
    d->slots = run_alloc(r, d->n_slots, sizeof *d->slots);
    memset(d->slots, 0, d->n_slots * sizeof *d->slots);
    for (size_t i = 0; i < d->n; i++) *slot_of(r, d, pairs[i].key) = (uint32_t)i + 1;
}

void dict_set(struct run *r, struct dict *d, struct value key, struct value value) {
    struct pair *p = find_pair(r, d, key);
    if (p) {
        p->value = value;
        return;
    }
    if (d->n == d->cap) make_room(r, d);
    if (d->slots) *slot_of(r, d, key) = (uint32_t)d->n + 1;
    d->pairs[d->n++] = (struct pair){key, value};
}

void dict_set_name(struct run *r, struct dict *d, const char *name, struct value value) {
    dict_set(r, d, value_string(r, string_lit(name)), value);
}
