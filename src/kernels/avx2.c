/* avx2.c - L1: kernels for AVX2.
 *
 * One token (decode) streams each panel once: 4 columns of 8 rows are one register, and lines are asked for two superblocks ahead,
 * which the hardware prefetcher does not do across pages.
 *
 * More tokens: a superblock of a panel is unpacked once for up to TOKENS tokens, and tiles of 16 rows x 4 tokens walk it: 8 sums, 2
 * weights, a broadcast and a product fit the 16 registers. Whole numbers may be regrouped freely, so:
 *   q4  vpmaddubsw of nibbles and activations, added up in 16 bits: a lane gets 16 products, 15 * 127 * 16 = 30480 fits. One vpmaddwd
 *       per block multiplies by the scale, and makes -16 m xs for two blocks at a time.
 *   q8  one token: |w| times x with the sign of w, 2 * 127 * 127 fits 16 bits, then vpmaddwd by the scale sc t <= 248.
 *       More: scales go into the factors, sc w <= 3937 and t x <= 1016 as 16 bits, and vpmaddwd is all that is left to do. Even
 *       columns and odd columns make the pairs, for two shifts separate them. */
#include <immintrin.h>
#include "lanes.h"

enum { TOKENS = 64, COLS = 4, AHEAD = 2 };

static inline __m256i load(const void *p) { return _mm256_loadu_si256(p); }

static inline __m256i broadcast(const void *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm256_set1_epi32(v);
}

static inline __m256i widen(const uint8_t p[8]) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }

/* Both words of each row's 32 bits. */
static inline __m256i twice(const uint8_t p[8]) { return _mm256_or_si256(widen(p), _mm256_slli_epi32(widen(p), 16)); }

/* -16 m of blocks b and b + 1, as words of each row's 32 bits. */
static inline __m256i minima(const struct q4_super *w, int b, int row) {
    __m256i m = _mm256_or_si256(widen(&w->m[b][row]), _mm256_slli_epi32(widen(&w->m[b + 1][row]), 16));
    return _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_slli_epi16(m, 4));
}

static inline __m256 steps(const uint16_t d[8]) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)d)), 16));
}

static inline __m256 add_super(__m256 y, __m256 d, float dx, __m256i isum) {
    return _mm256_add_ps(y, _mm256_mul_ps(_mm256_mul_ps(d, _mm256_set1_ps(dx)), _mm256_cvtepi32_ps(isum)));
}

static inline __m256i low_nibbles(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
static inline __m256i high_nibbles(__m256i v) { return low_nibbles(_mm256_srli_epi16(v, 4)); }

/* Bytes 0 and 2, or 1 and 3, of 32 bits, as words. */
static inline __m256i even_bytes(__m256i v) { return _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8); }
static inline __m256i odd_bytes(__m256i v) { return _mm256_srai_epi16(v, 8); }

static inline void prefetch(const void *p, size_t ahead) { _mm_prefetch((const char *)p + ahead, _MM_HINT_T0); }
static inline void prefetch_super(const void *p, size_t size) { for (size_t i = 0; i < size; i += 64) prefetch(p, i); }

static inline void store_rows(float *y, int rows, __m256 low, __m256 high) {
    float v[PANEL];
    _mm256_storeu_ps(v, low);
    _mm256_storeu_ps(v + 8, high);
    memcpy(y, v, (size_t)(rows < PANEL ? rows : PANEL) * sizeof *v);
}

/* ---- one token ---- */

static inline __m256i add_nibbles(__m256i sum, __m256i q, __m256i x_low, __m256i x_high) {
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(low_nibbles(q), x_low));
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(high_nibbles(q), x_high));
}

static void one_q4(float *y, const struct q4_super *w, int rows, int supers, const struct act *x) {
    const size_t ahead = AHEAD * sizeof *w;
    for (int row = 0; row < rows; row += PANEL) {
        __m256 y0 = _mm256_setzero_ps(), y1 = y0;
        for (int s = 0; s < supers; s++, w++) {
            const struct act *a = &x[s];
            __m256i i0 = _mm256_setzero_si256(), i1 = i0;
            for (int i = 0; i < 2; i++) prefetch(w->sc[4 * i], ahead), prefetch(w->m[4 * i], ahead);
            prefetch(w->d, ahead);
#pragma GCC unroll 4
            for (int b = 0; b < BLOCKS; b += 2) {
                __m256i xs = broadcast(&a->xs[b]);
                i0 = _mm256_add_epi32(i0, _mm256_madd_epi16(minima(w, b, 0), xs));
                i1 = _mm256_add_epi32(i1, _mm256_madd_epi16(minima(w, b, 8), xs));
            }
            for (int b = 0; b < BLOCKS; b++) {
                __m256i a0 = _mm256_setzero_si256(), a1 = a0;
#pragma GCC unroll 4
                for (int g = 0; g < 4; g++) {
                    __m256i low = broadcast(&a->x[BLOCK * b + 4 * g]), high = broadcast(&a->x[BLOCK * b + 16 + 4 * g]);
                    prefetch(w->q[b][g], ahead);
                    a0 = add_nibbles(a0, load(w->q[b][g][0]), low, high);
                    a1 = add_nibbles(a1, load(w->q[b][g][8]), low, high);
                }
                i0 = _mm256_add_epi32(i0, _mm256_madd_epi16(a0, twice(&w->sc[b][0])));
                i1 = _mm256_add_epi32(i1, _mm256_madd_epi16(a1, twice(&w->sc[b][8])));
            }
            y0 = add_super(y0, steps(w->d), a->dx, i0);
            y1 = add_super(y1, steps(w->d + 8), a->dx, i1);
        }
        store_rows(y + row, rows - row, y0, y1);
    }
}

static inline __m256i add_signed(__m256i sum, __m256i q, __m256i x, __m256i scale) {
    __m256i products = _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(products, scale));
}

static void one_q8(float *y, const struct q8_super *w, int rows, int supers, const struct act *x) {
    const size_t ahead = AHEAD * sizeof *w;
    for (int row = 0; row < rows; row += PANEL) {
        __m256 y0 = _mm256_setzero_ps(), y1 = y0;
        for (int s = 0; s < supers; s++, w++) {
            const struct act *a = &x[s];
            __m256i i0 = _mm256_setzero_si256(), i1 = i0;
            for (int i = 0; i < 2; i++) prefetch(w->sc[4 * i], ahead);
            prefetch(w->d, ahead);
            for (int b = 0; b < BLOCKS; b++) {
                __m256i t = _mm256_set1_epi16(a->t[b]);
                __m256i s0 = _mm256_mullo_epi16(twice(&w->sc[b][0]), t), s1 = _mm256_mullo_epi16(twice(&w->sc[b][8]), t);
#pragma GCC unroll 8
                for (int g = 0; g < 8; g++) {
                    __m256i v = broadcast(&a->x[BLOCK * b + 4 * g]);
                    prefetch(w->q[b][g], ahead);
                    i0 = add_signed(i0, load(w->q[b][g][0]), v, s0);
                    i1 = add_signed(i1, load(w->q[b][g][8]), v, s1);
                }
            }
            y0 = add_super(y0, steps(w->d), a->dx, i0);
            y1 = add_super(y1, steps(w->d + 8), a->dx, i1);
        }
        store_rows(y + row, rows - row, y0, y1);
    }
}

/* ---- many tokens ---- */

/* A superblock of a panel, [.][half of the rows]. */
struct unpacked_q4 {
    __m256i q[BLOCKS][8][2];            /* bytes: 4 columns of each row */
    __m256i sc[BLOCKS][2];
    __m256i min[BLOCKS / 2][2];
    __m256 d[2];
};

struct unpacked_q8 {
    __m256i q[BLOCKS][16][2];           /* words, times the scale: 2 columns of each row */
    __m256 d[2];
};

static inline void unpack_q4(struct unpacked_q4 *u, const struct q4_super *w, const struct q4_super *next) {
    prefetch_super(next, sizeof *next);
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 4; g++) {
            for (int h = 0; h < 2; h++) {
                __m256i q = load(w->q[b][g][8 * h]);
                u->q[b][g][h] = low_nibbles(q);
                u->q[b][g + 4][h] = high_nibbles(q);
            }
        }
    }
    for (int h = 0; h < 2; h++) {
        for (int b = 0; b < BLOCKS; b++) u->sc[b][h] = twice(&w->sc[b][8 * h]);
        for (int b = 0; b < BLOCKS; b += 2) u->min[b / 2][h] = minima(w, b, 8 * h);
        u->d[h] = steps(w->d + 8 * h);
    }
}

static inline void unpack_q8(struct unpacked_q8 *u, const struct q8_super *w, const struct q8_super *next) {
    prefetch_super(next, sizeof *next);
    for (int b = 0; b < BLOCKS; b++) {
        __m256i sc[2] = {twice(&w->sc[b][0]), twice(&w->sc[b][8])};
        for (int g = 0; g < 8; g++) {
            for (int h = 0; h < 2; h++) {
                __m256i q = load(w->q[b][g][8 * h]);
                u->q[b][2 * g][h] = _mm256_mullo_epi16(even_bytes(q), sc[h]);
                u->q[b][2 * g + 1][h] = _mm256_mullo_epi16(odd_bytes(q), sc[h]);
            }
        }
    }
    for (int h = 0; h < 2; h++) u->d[h] = steps(w->d + 8 * h);
}

/* A token's activations for q8: words, times t; the even and the odd pair of 4 columns apart. */
struct wide { __m256i x[BLOCKS][2]; };

static inline void widen_act(struct wide *out, const struct act *x) {
    for (int b = 0; b < BLOCKS; b++) {
        __m256i v = load(&x->x[BLOCK * b]), t = _mm256_set1_epi16(x->t[b]);
        out->x[b][0] = _mm256_mullo_epi16(even_bytes(v), t);
        out->x[b][1] = _mm256_mullo_epi16(odd_bytes(v), t);
    }
}

/* Each macro is one step for token c of the tile; a tile has n <= COLS of them, known when it is compiled. The accumulators have
 * names because gcc leaves arrays in memory: i, j are the sums of the rows' halves, a, e the dots of a block. */
#define EACH(F) F(0) F(1) F(2) F(3)
#define TOKEN(c) \
    const struct act *x##c = x + (c < n ? c * supers : 0); \
    __m256i i##c = _mm256_setzero_si256(), j##c = i##c;
#define MINIMA(c) if (c < n) { \
        __m256i v = broadcast(&x##c->xs[b]); \
        i##c = _mm256_add_epi32(i##c, _mm256_madd_epi16(u->min[b / 2][0], v)); \
        j##c = _mm256_add_epi32(j##c, _mm256_madd_epi16(u->min[b / 2][1], v)); \
    }
/* The empty asm stops gcc from regrouping the additions: it would first make all the products and spill them. */
#define IN_ORDER(a, b) __asm__("" : "+x"(a), "+x"(b))
#define START_Q4(c) __m256i a##c = _mm256_setzero_si256(), e##c = a##c;
#define DOT_Q4(c) if (c < n) { \
        __m256i v = broadcast(&x##c->x[BLOCK * b + 4 * g]); \
        a##c = _mm256_add_epi16(a##c, _mm256_maddubs_epi16(w0, v)); \
        e##c = _mm256_add_epi16(e##c, _mm256_maddubs_epi16(w1, v)); \
        IN_ORDER(a##c, e##c); \
    }
#define SCALE_Q4(c) if (c < n) { \
        i##c = _mm256_add_epi32(i##c, _mm256_madd_epi16(a##c, u->sc[b][0])); \
        j##c = _mm256_add_epi32(j##c, _mm256_madd_epi16(e##c, u->sc[b][1])); \
    }
#define DOT_Q8(c) if (c < n) { \
        __m256i v = broadcast((const char *)&wide[c].x[b][g % 2] + g / 2 * 4); \
        i##c = _mm256_add_epi32(i##c, _mm256_madd_epi16(w0, v)); \
        j##c = _mm256_add_epi32(j##c, _mm256_madd_epi16(w1, v)); \
        IN_ORDER(i##c, j##c); \
    }
#define FINISH(c) if (c < n) { \
        y[c][p][0] = add_super(y[c][p][0], u->d[0], x##c->dx, i##c); \
        y[c][p][1] = add_super(y[c][p][1], u->d[1], x##c->dx, j##c); \
    }

static inline __attribute__((always_inline)) void tile_q4(__m256 (*y)[2][2], const struct unpacked_q4 *u, const struct act *x,
                                                          int64_t supers, const int n) {
    for (int p = 0; p < 2; p++, u++) {
        EACH(TOKEN)
        for (int b = 0; b < BLOCKS; b += 2) {
            EACH(MINIMA)
        }
        for (int b = 0; b < BLOCKS; b++) {
            EACH(START_Q4)
#pragma GCC unroll 8
            for (int g = 0; g < 8; g++) {
                __m256i w0 = u->q[b][g][0], w1 = u->q[b][g][1];
                EACH(DOT_Q4)
            }
            EACH(SCALE_Q4)
        }
        EACH(FINISH)
    }
}

static inline __attribute__((always_inline)) void tile_q8(__m256 (*y)[2][2], const struct unpacked_q8 *u, const struct act *x,
                                                          int64_t supers, const int n) {
    struct wide wide[COLS];
    for (int c = 0; c < n; c++) widen_act(&wide[c], x + c * supers);
    for (int p = 0; p < 2; p++, u++) {
        EACH(TOKEN)
        for (int b = 0; b < BLOCKS; b++) {
#pragma GCC unroll 16
            for (int g = 0; g < 16; g++) {
                __m256i w0 = u->q[b][g][0], w1 = u->q[b][g][1];
                EACH(DOT_Q8)
            }
        }
        EACH(FINISH)
    }
}

#define MANY(TYPE) \
static void many_##TYPE(float *y, int64_t stride, const struct TYPE##_super *w, int rows, int supers, const struct act *x, int n) { \
    struct unpacked_##TYPE u[2]; \
    __m256 sum[TOKENS][2][2]; \
    for (int row = 0; row < rows; row += 2 * PANEL, w += 2 * supers) { \
        const struct TYPE##_super *w1 = row + PANEL < rows ? w + supers : w;    /* an odd panel is its own partner */ \
        for (int t = 0, some; t < n; t += some) { \
            some = n - t < TOKENS ? n - t : TOKENS; \
            memset(sum, 0, (size_t)some * sizeof *sum); \
            for (int s = 0; s < supers; s++) { \
                int next = s + AHEAD < supers ? s + AHEAD : s + AHEAD + supers;         /* after w come w1 and the next pair */ \
                unpack_##TYPE(&u[0], w + s, w + next); \
                unpack_##TYPE(&u[1], w1 + s, w1 + next); \
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
            for (int c = 0; c < some; c++) { \
                float *out = y + (t + c) * stride + row; \
                store_rows(out, rows - row, sum[c][0][0], sum[c][0][1]); \
                if (w1 != w) store_rows(out + PANEL, rows - row - PANEL, sum[c][1][0], sum[c][1][1]); \
            } \
        } \
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

/* 16 columns by n vectors. vpmaddubsw wants one factor unsigned: x where it is, else |w|, whose sign x takes. 2 * 127 * 127 fits 16 bits. */
static inline __attribute__((always_inline)) void dot_tile(int32_t *y, const int8_t *w, int stride, const int8_t *x, int x_stride, int groups,
                                                           int n, bool positive) {
    __m256i sum[4][2], ones = _mm256_set1_epi16(1);
    for (int t = 0; t < n; t++) sum[t][0] = sum[t][1] = _mm256_setzero_si256();
    for (int g = 0; g < groups; g++, w += 4 * stride, x += 4) {
        __m256i w0 = load(w), w1 = load(w + 32), a0 = _mm256_abs_epi8(w0), a1 = _mm256_abs_epi8(w1);

        for (int t = 0; t < n; t++) {
            __m256i b = broadcast(x + t * x_stride);
            __m256i p0 = positive ? _mm256_maddubs_epi16(b, w0) : _mm256_maddubs_epi16(a0, _mm256_sign_epi8(b, w0));
            __m256i p1 = positive ? _mm256_maddubs_epi16(b, w1) : _mm256_maddubs_epi16(a1, _mm256_sign_epi8(b, w1));
            sum[t][0] = _mm256_add_epi32(sum[t][0], _mm256_madd_epi16(p0, ones));
            sum[t][1] = _mm256_add_epi32(sum[t][1], _mm256_madd_epi16(p1, ones));
        }
    }
    for (int t = 0; t < n; t++) {
        _mm256_storeu_si256((__m256i *)(y + t * ATTN_TILE), sum[t][0]);
        _mm256_storeu_si256((__m256i *)(y + t * ATTN_TILE + 8), sum[t][1]);
    }
}

DOT_COLUMNS(16)

const struct kernels kernels_avx2 = {.name = "avx2", .matmul_q = {matmul_q8, matmul_q4}, LANES_KERNELS};
