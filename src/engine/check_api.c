/* check_api.c - parts of qw.h that tell whether logits are right: their hash, and what it must be. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/session.h"
#include "engine/shape_model.h"

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

/* One position in a batch, the next on its own. The ids depend on nothing but the vocabulary. */
static int hash_session(qw_session *s, int n_vocab, float *logits, uint64_t *hash, qw_error *err) {
    int32_t ids[HASHED];
    *hash = UINT64_C(0xCBF29CE484222325);
    for (int i = 0; i < HASHED; i++) {
        const uint32_t spread = (uint32_t)(i + 1) * UINT32_C(2654435761) >> 4;
        ids[i] = (int32_t)(spread % (uint32_t)n_vocab);
    }
    for (int at = 0, n = HASHED - 1; at < HASHED; at += n, n = 1) {
        int rc = qw_feed(s, ids + at, (size_t)n, err);
        if (!rc) rc = qw_logits(s, (size_t)(at + n - 1), 1, logits, err);
        if (rc) return rc;
        *hash = hash_floats(*hash, logits, n_vocab);
    }
    return 0;
}

int qw_logits_hash(qw_model *m, const qw_session_params *params, uint64_t *hash, qw_error *err) {
    qw_session_params p = params ? *params : (qw_session_params){0};
    qw_session *s = NULL;
    const int n_vocab = m->weights.n_vocab;
    float *logits = alloc_zero((uint64_t)n_vocab, sizeof *logits);
    p.n_ctx = HASHED;
    int rc = logits ? qw_session_new(&s, m, &p, err) : fail_memory(err, "logits", (uint64_t)n_vocab);
    if (!rc) rc = hash_session(s, n_vocab, logits, hash, err);
    qw_session_free(s);
    free(logits);
    return rc;
}

/* ---- what it must be ---- */

static const struct {
    const char *shape, *type, *kv;
    uint64_t hash;
} known[] = {
    {"0.6b/2", "q4", "q8", 0},
};

int qw_known_hash(const qw_model *m, const char *kv_type, uint64_t *hash) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].shape, m->path) || strcmp(known[i].kv, kv_type) ||
            strcmp(known[i].type, weight_type_name(m->weights.type)))
            continue;
        *hash = known[i].hash;
        return 1;
    }
    return 0;
}
