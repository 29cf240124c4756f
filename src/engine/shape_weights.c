/* shape_weights.c - the random weights of shapes.
 *
 * Packed matrices are made as they lie in memory (kernels.h); what is in them is roughly what
 * packing a matrix of small random weights would give. */
#include "engine/shape_weights.h"
#include <string.h>

/* ---- random numbers ---- */

/* Number i of stream `seed`. (Steele, Lea and Flood 2014, splitmix64) */
static inline uint64_t random_bits(uint64_t seed, uint64_t i) {
    uint64_t z = (seed << 40) + (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* 8 n bytes from number i on. */
static void random_bytes(void *out, uint64_t seed, uint64_t i, int n) {
    for (int k = 0; k < n; k++) {
        const uint64_t word = random_bits(seed, i + (uint64_t)k);
        memcpy((unsigned char *)out + 8 * k, &word, 8);
    }
}

enum { NUMBERS = 1024 };        /* set apart for each superblock, and for 4096 weights of BF16 */

/* Scales 128 to 255, minima so that a row's mean is about 0, a step of 2^-12. */
static void make_q4(struct q4_super *s, uint64_t seed, uint64_t i) {
    random_bytes(s->sc, seed, i * NUMBERS, sizeof s->sc / 8);
    random_bytes(s->q, seed, i * NUMBERS + sizeof s->sc / 8, sizeof s->q / 8);
    for (int b = 0; b < BLOCKS; b++)
        for (int r = 0; r < PANEL; r++) {
            s->sc[b][r] |= 128;
            s->m[b][r] = (uint8_t)(s->sc[b][r] * 15 / 32);
        }
    for (int r = 0; r < PANEL; r++) s->d[r] = 0x3980;
}

/* Scales 16 to 31, a step of 2^-13. */
static void make_q8(struct q8_super *s, uint64_t seed, uint64_t i) {
    int8_t *q = (int8_t *)s->q;
    random_bytes(s->sc, seed, i * NUMBERS, sizeof s->sc / 8);
    random_bytes(s->q, seed, i * NUMBERS + sizeof s->sc / 8, sizeof s->q / 8);
    for (int b = 0; b < BLOCKS; b++)
        for (int r = 0; r < PANEL; r++) s->sc[b][r] = (uint8_t)(16 | (s->sc[b][r] & 15));
    for (int k = 0; k < (int)sizeof s->q; k++)
        if (q[k] == -128) q[k] = 0;
    for (int r = 0; r < PANEL; r++) s->d[r] = 0x3900;
}

/* 4 weights, 2^-5 to 2^-2 and negative ones: signs, exponents of two bits, mantissas. */
static uint64_t make_bf16(uint64_t seed, uint64_t i) {
    const uint64_t bits = random_bits(seed, i), lowest = UINT64_C(0x3D003D003D003D00);
    return lowest + (bits & UINT64_C(0x81FF81FF81FF81FF));
}

/* ---- matrices ---- */

/* Makes superblocks, or words of 4 weights, from number `first` of the matrix on. */
struct make_job {
    enum packed_type type;
    uint64_t seed, first;
    unsigned char *out;
};

static void make(void *ctx, int64_t begin, int64_t end) {
    const struct make_job *j = ctx;
    for (int64_t i = begin; i < end; i++) {
        const uint64_t at = j->first + (uint64_t)i;
        if (j->type == PACKED_Q4) make_q4((struct q4_super *)j->out + i, j->seed, at);
        else if (j->type == PACKED_Q8) make_q8((struct q8_super *)j->out + i, j->seed, at);
        else {
            const uint64_t word = make_bf16(j->seed, at);
            memcpy(j->out + 8 * i, &word, 8);
        }
    }
}

static uint64_t unit_size(enum packed_type type) {
    if (type == PACKED_Q4) return sizeof(struct q4_super);
    return type == PACKED_Q8 ? sizeof(struct q8_super) : 8;
}

uint64_t random_matrix_size(enum packed_type type, int rows, int cols) {
    if (type != NOT_PACKED) return packed_size(type, rows, cols);
    return ((uint64_t)rows * (uint64_t)cols * 2 + 7) & ~(uint64_t)7;
}

uint64_t random_matrix_part(struct pool *pool, enum packed_type type, uint64_t seed, uint64_t at,
                            uint64_t n, void *out) {
    const uint64_t unit = unit_size(type);
    struct make_job j = {type, seed, at / unit, out};
    parallel_for(pool, (int64_t)(n / unit), type == NOT_PACKED ? 4096 : 16, make, &j);
    return n / unit * unit;
}

void random_norm(float *out, int n, uint64_t seed) {
    for (int i = 0; i < n; i++)
        out[i] = 0.75f + (float)(random_bits(seed, (uint64_t)i) >> 40) * 0x1p-25f;
}
