/* avx512vnni.c - kernels for AVX-512 with VNNI.
 *
 * A register holds 4 columns of 16 rows, and vpdpbusd multiplies them by 4 broadcast activations.
 * Tiles are 32 rows x 6 tokens: each broadcast feeds two vpdpbusd; 12 dots and 12 sums stay in
 * registers, and 2 weight loads and 6 broadcasts for 12 vpdpbusd leave the load ports room. (The
 * walk: panels.inc)
 *
 * Integers may be regrouped freely, so:
 *   q4  dots start at -8 xs, that is, they are those of q - 8: |dot| <= 8 * 127 * 32 fits 16 bits,
 *       and vpdpwssd multiplies it by the scale (high word 0) and adds in one instruction. The 8
 *       returns with the minima: (8 sc - 16 m) xs, two blocks at a time.
 *   q8  vpdpbusd wants unsigned weights: w + 128 with dots that start at -128 xs. */
#define LEVEL avx512vnni
#include <immintrin.h>
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"

enum { COLS = 6 };

static inline __m512i load_ints(const void *p) { return _mm512_loadu_si512(p); }

static inline __m512i broadcast(const void *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm512_set1_epi32(v);
}

static inline __m512i widen_bytes(const uint8_t p[PANEL]) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

static inline __m512 load_steps(const uint16_t d[PANEL]) {
    __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)d));
    return _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
}

static inline void add_super(float *y, __m512 d, float dx, __m512i isum) {
    __m512 product = d * _mm512_set1_ps(dx) * _mm512_cvtepi32_ps(isum);
    _mm512_storeu_ps(y, _mm512_loadu_ps(y) + product);
}

static inline __m512i low_nibbles(__m512i v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
static inline __m512i high_nibbles(__m512i v) { return low_nibbles(_mm512_srli_epi16(v, 4)); }
static inline __m512i plus_128(__m512i v) { return _mm512_xor_si512(v, _mm512_set1_epi8(-128)); }

/* 8 sc - 16 m of a block, in 32 bits a row. */
static inline __m512i block_minima(const struct q4_super *w, int b) {
    __m512i sc = _mm512_slli_epi32(widen_bytes(w->sc[b]), 3);
    return _mm512_sub_epi32(sc, _mm512_slli_epi32(widen_bytes(w->m[b]), 4));
}

/* The same for blocks b and b + 1, as the words of each row's 32 bits. */
static inline __m512i load_minima(const struct q4_super *w, int b) {
    __m512i low = block_minima(w, b), high = block_minima(w, b + 1);
    return _mm512_mask_blend_epi16(0xAAAAAAAA, low, _mm512_slli_epi32(high, 16));
}

/* ---- one token ---- */

static inline void add_one_q4(float *y, const struct q4_super *w, const struct q4_super *next,
                              const struct act *x) {
    __m512i isum = _mm512_setzero_si512(), min = isum;
    for (int i = 0; i < 2; i++) {
        __builtin_prefetch(next->sc[4 * i]);
        __builtin_prefetch(next->m[4 * i]);
    }
    __builtin_prefetch(next->d);
#pragma GCC unroll 4
    for (int b = 0; b < BLOCKS; b += 2)
        min = _mm512_dpwssd_epi32(min, load_minima(w, b), broadcast(&x->xs[b]));
#pragma GCC unroll 8
    for (int b = 0; b < BLOCKS; b++) {
        const int8_t *v = x->x + BLOCK * b;
        __m512i low = _mm512_set1_epi32(x->m8[b]), high = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++) {
            __m512i q = load_ints(w->q[b][g]);
            __builtin_prefetch(next->q[b][g]);
            low = _mm512_dpbusd_epi32(low, low_nibbles(q), broadcast(v + 4 * g));
            high = _mm512_dpbusd_epi32(high, high_nibbles(q), broadcast(v + 16 + 4 * g));
        }
        isum = _mm512_dpwssd_epi32(isum, _mm512_add_epi32(low, high), widen_bytes(w->sc[b]));
    }
    add_super(y, load_steps(w->d), x->dx, _mm512_add_epi32(isum, min));
}

static inline void add_one_q8(float *y, const struct q8_super *w, const struct q8_super *next,
                              const struct act *x) {
    __m512i isum = _mm512_setzero_si512();
    for (int i = 0; i < 2; i++) __builtin_prefetch(next->sc[4 * i]);
    __builtin_prefetch(next->d);
#pragma GCC unroll 8
    for (int b = 0; b < BLOCKS; b++) {
        const int8_t *v = x->x + BLOCK * b;
        __m512i even = _mm512_set1_epi32(16 * x->m8[b]), odd = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (int g = 0; g < 8; g += 2) {
            __builtin_prefetch(next->q[b][g]);
            __builtin_prefetch(next->q[b][g + 1]);
            __m512i w0 = plus_128(load_ints(w->q[b][g])), w1 = plus_128(load_ints(w->q[b][g + 1]));
            even = _mm512_dpbusd_epi32(even, w0, broadcast(v + 4 * g));
            odd = _mm512_dpbusd_epi32(odd, w1, broadcast(v + 4 * g + 4));
        }
        __m512i scale = _mm512_mullo_epi16(widen_bytes(w->sc[b]), _mm512_set1_epi32(x->t[b]));
        isum = _mm512_add_epi32(isum, _mm512_mullo_epi32(_mm512_add_epi32(even, odd), scale));
    }
    add_super(y, load_steps(w->d), x->dx, isum);
}

/* ---- more tokens ---- */

/* A superblock of two panels, [.][panel][row]. */
struct unpacked {
    __m512i q[BLOCKS][8][2]; /* unsigned bytes: 4 columns of each row */
    __m512i sc[BLOCKS][2];
    __m512i min[BLOCKS / 2][2]; /* q4 only */
    __m512 d[2];
};

static inline void unpack_q4(struct unpacked *u, int panel, const struct q4_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 4; g++) {
            __m512i q = load_ints(w->q[b][g]);
            u->q[b][g][panel] = low_nibbles(q);
            u->q[b][g + 4][panel] = high_nibbles(q);
        }
        u->sc[b][panel] = widen_bytes(w->sc[b]);
    }
    for (int b = 0; b < BLOCKS; b += 2) u->min[b / 2][panel] = load_minima(w, b);
    u->d[panel] = load_steps(w->d);
}

static inline void unpack_q8(struct unpacked *u, int panel, const struct q8_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 8; g++) u->q[b][g][panel] = plus_128(load_ints(w->q[b][g]));
        u->sc[b][panel] = widen_bytes(w->sc[b]);
    }
    u->d[panel] = load_steps(w->d);
}

INLINE void add_tile(float (*y)[2 * PANEL], const struct unpacked *u, const struct act *x,
                     int64_t supers, const int n, const bool q8) {
    __m512i i[COLS], j[COLS]; /* the sums of the two panels */
    for (int c = 0; c < n; c++) i[c] = j[c] = _mm512_setzero_si512();
    for (int b = 0; b < BLOCKS && !q8; b += 2)
        for (int c = 0; c < n; c++) {
            __m512i v = broadcast(&x[c * supers].xs[b]);
            i[c] = _mm512_dpwssd_epi32(i[c], u->min[b / 2][0], v);
            j[c] = _mm512_dpwssd_epi32(j[c], u->min[b / 2][1], v);
        }
    for (int b = 0; b < BLOCKS; b++) {
        __m512i a[COLS], e[COLS]; /* the dots of a block */
        for (int c = 0; c < n; c++) {
            a[c] = _mm512_set1_epi32(x[c * supers].m8[b]);
            a[c] = e[c] = q8 ? _mm512_slli_epi32(a[c], 4) : a[c];
        }
#pragma GCC unroll 8
        for (int g = 0; g < 8; g++) {
            __m512i w0 = u->q[b][g][0], w1 = u->q[b][g][1];
            for (int c = 0; c < n; c++) {
                __m512i v = broadcast(&x[c * supers].x[BLOCK * b + 4 * g]);
                __asm__("" : "+v"(v)); /* a register: both would load it from memory */
                a[c] = _mm512_dpbusd_epi32(a[c], w0, v);
                e[c] = _mm512_dpbusd_epi32(e[c], w1, v);
            }
        }
        for (int c = 0; c < n; c++) {
            __m512i s0 = u->sc[b][0], s1 = u->sc[b][1];
            if (q8) {
                __m512i t = _mm512_set1_epi32(x[c * supers].t[b]);
                s0 = _mm512_mullo_epi16(s0, t);
                s1 = _mm512_mullo_epi16(s1, t);
                i[c] = _mm512_add_epi32(i[c], _mm512_mullo_epi32(a[c], s0));
                j[c] = _mm512_add_epi32(j[c], _mm512_mullo_epi32(e[c], s1));
            } else {
                i[c] = _mm512_dpwssd_epi32(i[c], a[c], s0);
                j[c] = _mm512_dpwssd_epi32(j[c], e[c], s1);
            }
        }
    }
    for (int c = 0; c < n; c++) {
        add_super(y[c], u->d[0], x[c * supers].dx, i[c]);
        add_super(y[c] + PANEL, u->d[1], x[c * supers].dx, j[c]);
    }
}

#include "kernels/x86/panels.inc"

/* ---- the q8 cache ---- */

/* 16 regs columns by n vectors. vpdpbusd wants one factor unsigned: x if it is, else w + 128, of
 * which 128 x is taken back. */
INLINE void dot_tile(int32_t *y, const int8_t *w, int stride, int regs, const int8_t *x,
                     int x_stride, int groups, int n, bool positive) {
    __m512i sum[4][4], extra[4];
    for (int t = 0; t < n; t++) {
        extra[t] = _mm512_setzero_si512();
        for (int c = 0; c < regs; c++) sum[t][c] = extra[t];
    }
    for (int g = 0; g < groups; g++, w += 4 * stride, x += 4) {
        __m512i v[4];
        for (int c = 0; c < regs; c++) {
            v[c] = load_ints(w + 64 * c);
            if (!positive) v[c] = plus_128(v[c]);
        }
        for (int t = 0; t < n; t++) {
            __m512i b = broadcast(x + t * x_stride);
            if (!positive) extra[t] = _mm512_dpbusd_epi32(extra[t], _mm512_set1_epi8(-128), b);
            for (int c = 0; c < regs; c++) {
                if (positive) sum[t][c] = _mm512_dpbusd_epi32(sum[t][c], b, v[c]);
                else sum[t][c] = _mm512_dpbusd_epi32(sum[t][c], v[c], b);
                __asm__("" : "+v"(sum[t][c]));
            }
        }
    }
    for (int t = 0; t < n; t++)
        for (int c = 0; c < regs; c++) {
            if (!positive) sum[t][c] = _mm512_sub_epi32(sum[t][c], extra[t]);
            _mm512_storeu_si512(y + t * ATTN_TILE + 16 * c, sum[t][c]);
        }
}

INLINE void dot_columns(int32_t (*y)[ATTN_TILE], const int8_t *w, int stride, int columns,
                        const int8_t *x, int x_stride, int groups, int n, bool positive) {
    for (int t = 0; t < n; t += 4, y += 4, x += 4 * x_stride) {
        int some = n - t < 4 ? n - t : 4;
        if (columns == 64 && some == 4) {
            dot_tile(y[0], w, stride, 4, x, x_stride, groups, 4, positive);
        } else if (columns == 64 && some == 2) {
            dot_tile(y[0], w, stride, 4, x, x_stride, groups, 2, positive);
        } else {
            for (int i = 0; i < some; i++)
                for (int c = 0; c < columns; c += 16)
                    dot_tile(&y[i][c], w + 4 * c, stride, 1, x + i * x_stride, x_stride, groups, 1,
                             positive);
        }
    }
}

#include "kernels/common/dots.inc"
#include "kernels/common/attention.inc"

const struct kernels kernels_avx512vnni = {
    .name = "avx512vnni",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
