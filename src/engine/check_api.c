/* check_api.c - parts of qw.h that tell whether logits are right: their hash, and what it must be. */
#include <string.h>
#include "engine/session.h"

/* ---- the hash ---- */

enum { HASHED = 20 };

/* FNV-1a over little-endian floats. (Fowler, Noll and Vo 1991) */
static uint64_t hash_floats(uint64_t h, const float *x, int n) {
    for (int i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        for (int k = 0; k < 32; k += 8) h = (h ^ (bits >> k & 255)) * UINT64_C(0x100000001B3);
    }
    return h;
}

/* The ids depend on nothing but the vocabulary. */
int qw_logits_hash(qw_session *s, uint64_t *hash, qw_error *err) {
    const int n_vocab = s->m->weights.n_vocab;
    int32_t ids[HASHED];
    *hash = UINT64_C(0xCBF29CE484222325);
    for (int i = 0; i < HASHED; i++) {
        const uint32_t spread = (uint32_t)(i + 1) * UINT32_C(2654435761) >> 4;
        ids[i] = (int32_t)(spread % (uint32_t)n_vocab);
    }
    int rc = qw_rewind(s, 0, err);
    for (int at = 0, n = HASHED - 1; !rc && at < HASHED; at += n, n = 1) {
        rc = qw_feed(s, ids + at, (size_t)n, err);
        if (!rc) rc = qw_logits(s, (size_t)(at + n - 1), 1, s->logits, err);
        if (!rc) *hash = hash_floats(*hash, s->logits, n_vocab);
    }
    return rc;
}

/* ---- what it must be ---- */

static const struct {
    const char *shape, *type, *kv;
    uint64_t hash;
} known[] = {
    {"0.6b/2", "q4", "q8", 0},
};

int qw_known_hash(const qw_session *s, uint64_t *hash) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].shape, s->m->path) || strcmp(known[i].kv, qw_kv_type(s)) ||
            strcmp(known[i].type, weight_type_name(s->m->weights.type)))
            continue;
        *hash = known[i].hash;
        return 1;
    }
    return 0;
}
