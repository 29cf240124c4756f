/* sse41.c - L1: kernels for SSE4.1 (and SSSE3).
 *
 * As avx2.c with registers half as wide: 4 columns of 4 rows each.
 *
 * One token (decode) streams each panel once and asks for lines two superblocks ahead.
 *
 * More tokens: a superblock of a panel is unpacked once for up to TOKENS tokens, and tiles of 8 rows x 4 tokens walk it: 8 sums, 2
 * weights, a broadcast and a product fit the 16 registers. Whole numbers may be regrouped freely, so:
 *   q4  pmaddubsw of nibbles and activations, added up in 16 bits: a lane gets 16 products, 15 * 127 * 16 = 30480 fits. One pmaddwd
 *       per block multiplies by the scale, and makes -16 m xs for two blocks at a time.
 *   q8  one token: |w| times x with the sign of w, 2 * 127 * 127 fits 16 bits, then pmaddwd by the scale sc t <= 248.
 *       More: scales go into the factors, sc w <= 3937 and t x <= 1016 as 16 bits, and pmaddwd is all that is left to do. Even
 *       columns and odd columns make the pairs, for two shifts separate them. */
#include <immintrin.h>
#include "lanes.h"

enum { TOKENS = 64, COLS = 4, AHEAD = 2, PARTS = PANEL / 4 };

static inline __m128i load(const void *p) { return _mm_loadu_si128(p); }

static inline __m128i broadcast(const void *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm_set1_epi32(v);
}

static inline __m128i widen(const uint8_t p[4]) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(v));
}

/* Both words of each row's 32 bits. */
static inline __m128i twice(const uint8_t p[4]) { return _mm_or_si128(widen(p), _mm_slli_epi32(widen(p), 16)); }

/* -16 m of blocks b and b + 1, as words of each row's 32 bits. */
static inline __m128i minima(const struct q4_super *w, int b, int row) {
    __m128i m = _mm_or_si128(widen(&w->m[b][row]), _mm_slli_epi32(widen(&w->m[b + 1][row]), 16));
    return _mm_sub_epi16(_mm_setzero_si128(), _mm_slli_epi16(m, 4));
}

static inline __m128 steps(const uint16_t d[4]) {
    return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), _mm_loadl_epi64((const __m128i *)d)));
}

static inline __m128 add_super(__m128 y, __m128 d, float dx, __m128i isum) {
    return _mm_add_ps(y, _mm_mul_ps(_mm_mul_ps(d, _mm_set1_ps(dx)), _mm_cvtepi32_ps(isum)));
}

static inline __m128i low_nibbles(__m128i v) { return _mm_and_si128(v, _mm_set1_epi8(15)); }
static inline __m128i high_nibbles(__m128i v) { return low_nibbles(_mm_srli_epi16(v, 4)); }

/* Bytes 0 and 2, or 1 and 3, of 32 bits, as words. */
static inline __m128i even_bytes(__m128i v) { return _mm_srai_epi16(_mm_slli_epi16(v, 8), 8); }
static inline __m128i odd_bytes(__m128i v) { return _mm_srai_epi16(v, 8); }

static inline void prefetch(const void *p, size_t ahead) { _mm_prefetch((const char *)p + ahead, _MM_HINT_T0); }
static inline void prefetch_super(const void *p, size_t size) { for (size_t i = 0; i < size; i += 64) prefetch(p, i); }

static inline void store_rows(float *y, int rows, const __m128 v[PARTS]) {
    memcpy(y, v, (size_t)(rows < PANEL ? rows : PANEL) * sizeof *y);
}

/* ---- one token ---- */

static inline __m128i add_nibbles(__m128i sum, __m128i q, __m128i x_low, __m128i x_high) {
    sum = _mm_add_epi16(sum, _mm_maddubs_epi16(low_nibbles(q), x_low));
    return _mm_add_epi16(sum, _mm_maddubs_epi16(high_nibbles(q), x_high));
}

static void one_q4(float *y, const struct q4_super *w, int rows, int supers, const struct act *x) {
    const size_t ahead = AHEAD * sizeof *w;
    for (int row = 0; row < rows; row += PANEL) {
        __m128 sum[PARTS] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
        for (int s = 0; s < supers; s++, w++) {
            const struct act *a = &x[s];
            __m128i isum[PARTS];
            for (int i = 0; i < 2; i++) prefetch(w->sc[4 * i], ahead), prefetch(w->m[4 * i], ahead);
            prefetch(w->d, ahead);
            for (int p = 0; p < PARTS; p++) {
                isum[p] = _mm_setzero_si128();
                for (int b = 0; b < BLOCKS; b += 2)
                    isum[p] = _mm_add_epi32(isum[p], _mm_madd_epi16(minima(w, b, 4 * p), broadcast(&a->xs[b])));
            }
            for (int b = 0; b < BLOCKS; b++) {
                __m128i a0 = _mm_setzero_si128(), a1 = a0, a2 = a0, a3 = a0;
#pragma GCC unroll 4
                for (int g = 0; g < 4; g++) {
                    __m128i low = broadcast(&a->x[BLOCK * b + 4 * g]), high = broadcast(&a->x[BLOCK * b + 16 + 4 * g]);
                    prefetch(w->q[b][g], ahead);
                    a0 = add_nibbles(a0, load(w->q[b][g][0]), low, high);
                    a1 = add_nibbles(a1, load(w->q[b][g][4]), low, high);
                    a2 = add_nibbles(a2, load(w->q[b][g][8]), low, high);
                    a3 = add_nibbles(a3, load(w->q[b][g][12]), low, high);
                }
                isum[0] = _mm_add_epi32(isum[0], _mm_madd_epi16(a0, twice(&w->sc[b][0])));
                isum[1] = _mm_add_epi32(isum[1], _mm_madd_epi16(a1, twice(&w->sc[b][4])));
                isum[2] = _mm_add_epi32(isum[2], _mm_madd_epi16(a2, twice(&w->sc[b][8])));
                isum[3] = _mm_add_epi32(isum[3], _mm_madd_epi16(a3, twice(&w->sc[b][12])));
            }
            for (int p = 0; p < PARTS; p++) sum[p] = add_super(sum[p], steps(w->d + 4 * p), a->dx, isum[p]);
        }
        store_rows(y + row, rows - row, sum);
    }
}

static inline __m128i add_signed(__m128i sum, __m128i q, __m128i x, __m128i scale) {
    __m128i products = _mm_maddubs_epi16(_mm_abs_epi8(q), _mm_sign_epi8(x, q));
    return _mm_add_epi32(sum, _mm_madd_epi16(products, scale));
}

static void one_q8(float *y, const struct q8_super *w, int rows, int supers, const struct act *x) {
    const size_t ahead = AHEAD * sizeof *w;
    for (int row = 0; row < rows; row += PANEL) {
        __m128 sum[PARTS] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
        for (int s = 0; s < supers; s++, w++) {
            const struct act *a = &x[s];
            __m128i i0 = _mm_setzero_si128(), i1 = i0, i2 = i0, i3 = i0;
            for (int i = 0; i < 2; i++) prefetch(w->sc[4 * i], ahead);
            prefetch(w->d, ahead);
            for (int b = 0; b < BLOCKS; b++) {
                __m128i t = _mm_set1_epi16(a->t[b]);
                __m128i s0 = _mm_mullo_epi16(twice(&w->sc[b][0]), t), s1 = _mm_mullo_epi16(twice(&w->sc[b][4]), t);
                __m128i s2 = _mm_mullo_epi16(twice(&w->sc[b][8]), t), s3 = _mm_mullo_epi16(twice(&w->sc[b][12]), t);
#pragma GCC unroll 8
                for (int g = 0; g < 8; g++) {
                    __m128i v = broadcast(&a->x[BLOCK * b + 4 * g]);
                    prefetch(w->q[b][g], ahead);
                    i0 = add_signed(i0, load(w->q[b][g][0]), v, s0);
                    i1 = add_signed(i1, load(w->q[b][g][4]), v, s1);
                    i2 = add_signed(i2, load(w->q[b][g][8]), v, s2);
                    i3 = add_signed(i3, load(w->q[b][g][12]), v, s3);
                }
            }
            sum[0] = add_super(sum[0], steps(w->d), a->dx, i0);
            sum[1] = add_super(sum[1], steps(w->d + 4), a->dx, i1);
            sum[2] = add_super(sum[2], steps(w->d + 8), a->dx, i2);
            sum[3] = add_super(sum[3], steps(w->d + 12), a->dx, i3);
        }
        store_rows(y + row, rows - row, sum);
    }
}

/* ---- many tokens ---- */

/* A superblock of 8 rows, [.][half of the rows]. */
struct unpacked_q4 {
    __m128i q[BLOCKS][8][2];            /* bytes: 4 columns of each row */
    __m128i sc[BLOCKS][2];
    __m128i min[BLOCKS / 2][2];
    __m128 d[2];
};

struct unpacked_q8 {
    __m128i q[BLOCKS][16][2];           /* words, times the scale: 2 columns of each row */
    __m128 d[2];
};

static inline void unpack_q4(struct unpacked_q4 u[2], const struct q4_super *w) {
    prefetch_super(w + AHEAD, sizeof *w);
    for (int p = 0; p < PARTS; p++) {
        struct unpacked_q4 *half = &u[p / 2];
        int h = p % 2, row = 4 * p;
        for (int b = 0; b < BLOCKS; b++) {
            for (int g = 0; g < 4; g++) {
                __m128i q = load(w->q[b][g][row]);
                half->q[b][g][h] = low_nibbles(q);
                half->q[b][g + 4][h] = high_nibbles(q);
            }
            half->sc[b][h] = twice(&w->sc[b][row]);
            if (b % 2 == 0) half->min[b / 2][h] = minima(w, b, row);
        }
        half->d[h] = steps(w->d + row);
    }
}

static inline void unpack_q8(struct unpacked_q8 u[2], const struct q8_super *w) {
    prefetch_super(w + AHEAD, sizeof *w);
    for (int p = 0; p < PARTS; p++) {
        struct unpacked_q8 *half = &u[p / 2];
        int h = p % 2, row = 4 * p;
        for (int b = 0; b < BLOCKS; b++) {
            __m128i sc = twice(&w->sc[b][row]);
            for (int g = 0; g < 8; g++) {
                __m128i q = load(w->q[b][g][row]);
                half->q[b][2 * g][h] = _mm_mullo_epi16(even_bytes(q), sc);
                half->q[b][2 * g + 1][h] = _mm_mullo_epi16(odd_bytes(q), sc);
            }
        }
        half->d[h] = steps(w->d + row);
    }
}

/* A token's activations for q8: words, times t; the even and the odd pairs of 16 columns apart. */
struct wide { __m128i x[BLOCKS][2][2]; };

static inline void widen_act(struct wide *out, const struct act *x) {
    for (int b = 0; b < BLOCKS; b++) {
        __m128i t = _mm_set1_epi16(x->t[b]);
        for (int i = 0; i < 2; i++) {
            __m128i v = load(&x->x[BLOCK * b + 16 * i]);
            out->x[b][0][i] = _mm_mullo_epi16(even_bytes(v), t);
            out->x[b][1][i] = _mm_mullo_epi16(odd_bytes(v), t);
        }
    }
}

/* Each macro is one step for token c of the tile; a tile has n <= COLS of them, known when it is compiled. The accumulators have
 * names because gcc leaves arrays in memory: i, j are the sums of the rows' halves, a, e the dots of a block. */
#define EACH(F) F(0) F(1) F(2) F(3)
#define TOKEN(c) \
    const struct act *x##c = x + (c < n ? c * supers : 0); \
    __m128i i##c = _mm_setzero_si128(), j##c = i##c;
#define MINIMA(c) if (c < n) { \
        __m128i v = broadcast(&x##c->xs[b]); \
        i##c = _mm_add_epi32(i##c, _mm_madd_epi16(u->min[b / 2][0], v)); \
        j##c = _mm_add_epi32(j##c, _mm_madd_epi16(u->min[b / 2][1], v)); \
    }
/* The empty asm stops gcc from regrouping the additions: it would first make all the products and spill them. */
#define IN_ORDER(a, b) __asm__("" : "+x"(a), "+x"(b))
#define START_Q4(c) __m128i a##c = _mm_setzero_si128(), e##c = a##c;
#define DOT_Q4(c) if (c < n) { \
        __m128i v = broadcast(&x##c->x[BLOCK * b + 4 * g]); \
        a##c = _mm_add_epi16(a##c, _mm_maddubs_epi16(w0, v)); \
        e##c = _mm_add_epi16(e##c, _mm_maddubs_epi16(w1, v)); \
        IN_ORDER(a##c, e##c); \
    }
#define SCALE_Q4(c) if (c < n) { \
        i##c = _mm_add_epi32(i##c, _mm_madd_epi16(a##c, u->sc[b][0])); \
        j##c = _mm_add_epi32(j##c, _mm_madd_epi16(e##c, u->sc[b][1])); \
    }
#define DOT_Q8(c) if (c < n) { \
        __m128i v = broadcast((const char *)wide[c].x[b][g % 2] + g / 2 * 4); \
        i##c = _mm_add_epi32(i##c, _mm_madd_epi16(w0, v)); \
        j##c = _mm_add_epi32(j##c, _mm_madd_epi16(w1, v)); \
        IN_ORDER(i##c, j##c); \
    }
#define FINISH(c) if (c < n) { \
        y[c][p] = add_super(y[c][p], u->d[0], x##c->dx, i##c); \
        y[c][p + 1] = add_super(y[c][p + 1], u->d[1], x##c->dx, j##c); \
    }

static inline __attribute__((always_inline)) void tile_q4(__m128 (*y)[PARTS], const struct unpacked_q4 *u, const struct act *x,
                                                          int64_t supers, const int n) {
    for (int p = 0; p < PARTS; p += 2, u++) {
        EACH(TOKEN)
        for (int b = 0; b < BLOCKS; b += 2) {
            EACH(MINIMA)
        }
        for (int b = 0; b < BLOCKS; b++) {
            EACH(START_Q4)
#pragma GCC unroll 8
            for (int g = 0; g < 8; g++) {
                __m128i w0 = u->q[b][g][0], w1 = u->q[b][g][1];
                EACH(DOT_Q4)
            }
            EACH(SCALE_Q4)
        }
        EACH(FINISH)
    }
}

static inline __attribute__((always_inline)) void tile_q8(__m128 (*y)[PARTS], const struct unpacked_q8 *u, const struct act *x,
                                                          int64_t supers, const int n) {
    struct wide wide[COLS];
    for (int c = 0; c < n; c++) widen_act(&wide[c], x + c * supers);
    for (int p = 0; p < PARTS; p += 2, u++) {
        EACH(TOKEN)
        for (int b = 0; b < BLOCKS; b++) {
#pragma GCC unroll 16
            for (int g = 0; g < 16; g++) {
                __m128i w0 = u->q[b][g][0], w1 = u->q[b][g][1];
                EACH(DOT_Q8)
            }
        }
        EACH(FINISH)
    }
}

#define MANY(TYPE) \
static void many_##TYPE(float *y, int64_t stride, const struct TYPE##_super *w, int rows, int supers, const struct act *x, int n) { \
    struct unpacked_##TYPE u[2]; \
    __m128 sum[TOKENS][PARTS]; \
    for (int row = 0; row < rows; row += PANEL, w += supers) \
        for (int t = 0, some; t < n; t += some) { \
            some = n - t < TOKENS ? n - t : TOKENS; \
            memset(sum, 0, (size_t)some * sizeof *sum); \
            for (int s = 0; s < supers; s++) { \
                unpack_##TYPE(u, w + s); \
                for (int c = 0, cols; c < some; c += cols) { \
                    const struct act *a = x + (int64_t)(t + c) * supers + s; \
                    cols = some - c < COLS ? some - c : COLS; \
                    switch (cols) { \
                    case 4: tile_##TYPE(&sum[c], u, a, supers, 4); break; \
                    case 3: tile_##TYPE(&sum[c], u, a, supers, 3); break; \
                    case 2: tile_##TYPE(&sum[c], u, a, supers, 2); break; \
                    default: tile_##TYPE(&sum[c], u, a, supers, 1); \
                    } \
                } \
            } \
            for (int c = 0; c < some; c++) store_rows(y + (t + c) * stride + row, rows - row, sum[c]); \
        } \
}
MANY(q4)
MANY(q8)

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    if (n == 1) one_q4(y, w, rows, supers, x);
    else many_q4(y, stride, w, rows, supers, x, n);
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    if (n == 1) one_q8(y, w, rows, supers, x);
    else many_q8(y, stride, w, rows, supers, x, n);
}

/* ---- the q8 cache ---- */

/* 8 columns by n vectors. pmaddubsw wants one factor unsigned: x where it is, else |w|, whose sign x takes. 2 * 127 * 127 fits 16 bits. */
static inline __attribute__((always_inline)) void dot_tile(int32_t *y, const int8_t *w, int stride, const int8_t *x, int x_stride, int groups,
                                                           int n, bool positive) {
    __m128i sum[4][2], ones = _mm_set1_epi16(1);
    for (int t = 0; t < n; t++) sum[t][0] = sum[t][1] = _mm_setzero_si128();
    for (int g = 0; g < groups; g++, w += 4 * stride, x += 4) {
        __m128i w0 = load(w), w1 = load(w + 16), a0 = _mm_abs_epi8(w0), a1 = _mm_abs_epi8(w1);
        for (int t = 0; t < n; t++) {
            __m128i b = broadcast(x + t * x_stride);
            __m128i p0 = positive ? _mm_maddubs_epi16(b, w0) : _mm_maddubs_epi16(a0, _mm_sign_epi8(b, w0));
            __m128i p1 = positive ? _mm_maddubs_epi16(b, w1) : _mm_maddubs_epi16(a1, _mm_sign_epi8(b, w1));
            sum[t][0] = _mm_add_epi32(sum[t][0], _mm_madd_epi16(p0, ones));
            sum[t][1] = _mm_add_epi32(sum[t][1], _mm_madd_epi16(p1, ones));
        }
    }
    for (int t = 0; t < n; t++) {
        _mm_storeu_si128((__m128i *)(y + t * ATTN_TILE), sum[t][0]);
        _mm_storeu_si128((__m128i *)(y + t * ATTN_TILE + 4), sum[t][1]);
    }
}

DOT_COLUMNS(8)

const struct kernels kernels_sse41 = {.name = "sse41", .matmul_q = {matmul_q8, matmul_q4}, LANES_KERNELS};
