/* check_api.c - parts of qw.h that tell whether logits are right: their hash, what it must be. */
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
    {"0.6b", "q4", "q8", UINT64_C(0x7DC69697BCF2E0B8)},
    {"0.6b", "q4", "f16", UINT64_C(0x45E0CD76708C289E)},
    {"0.6b", "q4", "f32", UINT64_C(0x23BD62B1D4948EE0)},
    {"0.6b", "q8", "q8", UINT64_C(0x6BBB72AD93C9CCCC)},
    {"0.6b", "q8", "f16", UINT64_C(0x2D415B972485FA17)},
    {"0.6b", "q8", "f32", UINT64_C(0x1D1A91C2698AB17E)},
    {"0.6b", "bf16", "q8", UINT64_C(0x9C107BB40E911FFE)},
    {"0.6b", "bf16", "f16", UINT64_C(0xF2FF5FD4F15CE3CB)},
    {"0.6b", "bf16", "f32", UINT64_C(0xC6C669C0F7AF38AB)},
    {"1.7b", "q4", "q8", UINT64_C(0x75F32A1ACA8C391B)},
    {"1.7b", "q4", "f16", UINT64_C(0xA4460C354B89318C)},
    {"1.7b", "q4", "f32", UINT64_C(0xAE69BF12C026347A)},
    {"1.7b", "q8", "q8", UINT64_C(0x61400C7AC63D2FA9)},
    {"1.7b", "q8", "f16", UINT64_C(0x5CEB85085B8A8FD7)},
    {"1.7b", "q8", "f32", UINT64_C(0x2308BF274FA99700)},
    {"1.7b", "bf16", "q8", UINT64_C(0x2CB7DDE706EB1BEF)},
    {"1.7b", "bf16", "f16", UINT64_C(0xD67B0CD3A2BFD646)},
    {"1.7b", "bf16", "f32", UINT64_C(0x2C3AD90964111E78)},
    {"4b", "q4", "q8", UINT64_C(0x607B664E38AD7EA6)},
    {"4b", "q4", "f16", UINT64_C(0xF8B005CA9F66CBB8)},
    {"4b", "q4", "f32", UINT64_C(0xA7198F3A224A9CA8)},
    {"4b", "q8", "q8", UINT64_C(0x3FA109AB6097B26C)},
    {"4b", "q8", "f16", UINT64_C(0x4D1E516E9F47E0D7)},
    {"4b", "q8", "f32", UINT64_C(0x69D6D1439ADFA515)},
    {"4b", "bf16", "q8", UINT64_C(0xC76B3743A724B501)},
    {"4b", "bf16", "f16", UINT64_C(0x9A16DF14227273C1)},
    {"4b", "bf16", "f32", UINT64_C(0x5B5D6FA93CA20940)},
    {"0.6b/2", "q4", "q8", UINT64_C(0x4E40337D574C8A1D)},
    {"0.6b/2", "q4", "f16", UINT64_C(0x6FBAF1730399EA8C)},
    {"0.6b/2", "q4", "f32", UINT64_C(0x4ED429A0F6E926BC)},
    {"0.6b/2", "q8", "q8", UINT64_C(0x30F157510860E8DB)},
    {"0.6b/2", "q8", "f16", UINT64_C(0x226D5D6A727B89BE)},
    {"0.6b/2", "q8", "f32", UINT64_C(0x5BF89C08D2EBEE1A)},
    {"0.6b/2", "bf16", "q8", UINT64_C(0xED838FE56654BD29)},
    {"0.6b/2", "bf16", "f16", UINT64_C(0x2EBEFEE18734092F)},
    {"0.6b/2", "bf16", "f32", UINT64_C(0x2D61EB6A8DD447A6)},
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
