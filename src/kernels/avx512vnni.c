/* avx512vnni.c - L1: kernels for AVX-512 with VNNI.
 *
 * One token (decode) streams each panel once: 4 columns of 16 rows are one register, vpdpbusd multiplies them by 4 broadcast
 * activations, and lines are asked for two superblocks ahead, which the hardware prefetcher does not do across pages.
 *
 * More tokens: a superblock of two panels is unpacked once into bytes for up to TOKENS tokens, and tiles of 32 rows x 6 tokens walk
 * it. Each broadcast feeds two vpdpbusd; 12 dots and 12 sums stay in registers, and 2 weight loads and 6 broadcasts for 12 vpdpbusd
 * leave the load ports room.
 *
 * Whole numbers may be regrouped freely, so:
 *   q4  dots start at -8 xs, that is, they are those of q - 8: |dot| <= 8 * 127 * 32 fits 16 bits, and vpdpwssd multiplies it by the
 *       scale (high word 0) and adds in one instruction. The 8 returns with the minima: (8 sc - 16 m) xs, two blocks at a time.
 *   q8  vpdpbusd wants unsigned weights: w + 128 with dots that start at -128 xs. */
#include <immintrin.h>
#include "lanes.h"

enum { TOKENS = 64, COLS = 6, AHEAD = 2 };

static inline __m512i broadcast(const void *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm512_set1_epi32(v);
}

static inline __m512i widen(const uint8_t p[PANEL]) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }

static inline __m512 steps(const uint16_t d[PANEL]) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)d)), 16));
}

static inline __m512 add_super(__m512 y, __m512 d, float dx, __m512i isum) {
    return _mm512_add_ps(y, _mm512_mul_ps(_mm512_mul_ps(d, _mm512_set1_ps(dx)), _mm512_cvtepi32_ps(isum)));
}

static inline __m512i low_nibbles(__m512i v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
static inline __m512i high_nibbles(__m512i v) { return low_nibbles(_mm512_srli_epi16(v, 4)); }
static inline __m512i with_128(__m512i v) { return _mm512_xor_si512(v, _mm512_set1_epi8(-128)); }

static inline __mmask16 first_rows(int rows) { return rows >= PANEL ? 0xFFFF : (__mmask16)((1u << rows) - 1); }

/* 8 sc - 16 m of blocks b and b + 1, as words of each row's 32 bits. */
static inline __m512i minima(const struct q4_super *w, int b) {
    __m512i low = _mm512_sub_epi32(_mm512_slli_epi32(widen(w->sc[b]), 3), _mm512_slli_epi32(widen(w->m[b]), 4));
    __m512i high = _mm512_sub_epi32(_mm512_slli_epi32(widen(w->sc[b + 1]), 3), _mm512_slli_epi32(widen(w->m[b + 1]), 4));
    return _mm512_mask_blend_epi16(0xAAAAAAAA, low, _mm512_slli_epi32(high, 16));
}

static inline void prefetch(const void *p, size_t ahead) { _mm_prefetch((const char *)p + ahead, _MM_HINT_T0); }
static inline void prefetch_super(const void *p, size_t size) { for (size_t i = 0; i < size; i += 64) prefetch(p, i); }

/* ---- one token ---- */

static void one_q4(float *y, const struct q4_super *w, int rows, int supers, const struct act *x) {
    const size_t ahead = AHEAD * sizeof *w;
    for (int row = 0; row < rows; row += PANEL) {
        __m512 sum = _mm512_setzero_ps();
        for (int s = 0; s < supers; s++, w++) {
            const struct act *a = &x[s];
            for (int i = 0; i < 2; i++) prefetch(w->sc[4 * i], ahead), prefetch(w->m[4 * i], ahead);
            prefetch(w->d, ahead);
            __m512i isum = _mm512_setzero_si512(), min = isum;
#pragma GCC unroll 4
            for (int b = 0; b < BLOCKS; b += 2) min = _mm512_dpwssd_epi32(min, minima(w, b), broadcast(&a->xs[b]));
#pragma GCC unroll 8
            for (int b = 0; b < BLOCKS; b++) {
                __m512i low = _mm512_set1_epi32(a->m8[b]), high = _mm512_setzero_si512();
#pragma GCC unroll 4
                for (int g = 0; g < 4; g++) {
                    __m512i q = _mm512_loadu_si512(w->q[b][g]);
                    prefetch(w->q[b][g], ahead);
                    low = _mm512_dpbusd_epi32(low, low_nibbles(q), broadcast(&a->x[BLOCK * b + 4 * g]));
                    high = _mm512_dpbusd_epi32(high, high_nibbles(q), broadcast(&a->x[BLOCK * b + 16 + 4 * g]));
                }
                isum = _mm512_dpwssd_epi32(isum, _mm512_add_epi32(low, high), widen(w->sc[b]));
            }
            sum = add_super(sum, steps(w->d), a->dx, _mm512_add_epi32(isum, min));
        }
        _mm512_mask_storeu_ps(y + row, first_rows(rows - row), sum);
    }
}

static void one_q8(float *y, const struct q8_super *w, int rows, int supers, const struct act *x) {
    const size_t ahead = AHEAD * sizeof *w;
    for (int row = 0; row < rows; row += PANEL) {
        __m512 sum = _mm512_setzero_ps();
        for (int s = 0; s < supers; s++, w++) {
            const struct act *a = &x[s];
            for (int i = 0; i < 2; i++) prefetch(w->sc[4 * i], ahead);
            prefetch(w->d, ahead);
            __m512i isum = _mm512_setzero_si512();
#pragma GCC unroll 8
            for (int b = 0; b < BLOCKS; b++) {
                __m512i even = _mm512_set1_epi32(16 * a->m8[b]), odd = _mm512_setzero_si512();
#pragma GCC unroll 4
                for (int g = 0; g < 8; g += 2) {
                    prefetch(w->q[b][g], ahead);
                    prefetch(w->q[b][g + 1], ahead);
                    even = _mm512_dpbusd_epi32(even, with_128(_mm512_loadu_si512(w->q[b][g])), broadcast(&a->x[BLOCK * b + 4 * g]));
                    odd = _mm512_dpbusd_epi32(odd, with_128(_mm512_loadu_si512(w->q[b][g + 1])), broadcast(&a->x[BLOCK * b + 4 * g + 4]));
                }
                __m512i scale = _mm512_mullo_epi16(widen(w->sc[b]), _mm512_set1_epi32(a->t[b]));
                isum = _mm512_add_epi32(isum, _mm512_mullo_epi32(_mm512_add_epi32(even, odd), scale));
            }
            sum = add_super(sum, steps(w->d), a->dx, isum);
        }
        _mm512_mask_storeu_ps(y + row, first_rows(rows - row), sum);
    }
}

/* ---- many tokens ---- */

/* A superblock of two panels, [.][panel][row]. */
struct unpacked {
    __m512i q[BLOCKS][8][2];    /* unsigned bytes: 4 columns of each row */
    __m512i sc[BLOCKS][2];
    __m512i min[BLOCKS / 2][2]; /* q4 only */
    __m512 d[2];
};

static inline void unpack_q4(struct unpacked *u, const struct q4_super *w, const struct q4_super *next, int panel) {
    prefetch_super(next, sizeof *next);
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 4; g++) {
            __m512i q = _mm512_loadu_si512(w->q[b][g]);
            u->q[b][g][panel] = low_nibbles(q);
            u->q[b][g + 4][panel] = high_nibbles(q);
        }
        u->sc[b][panel] = widen(w->sc[b]);
    }
    for (int b = 0; b < BLOCKS; b += 2) u->min[b / 2][panel] = minima(w, b);
    u->d[panel] = steps(w->d);
}

static inline void unpack_q8(struct unpacked *u, const struct q8_super *w, const struct q8_super *next, int panel) {
    prefetch_super(next, sizeof *next);
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 8; g++) {
            u->q[b][g][panel] = with_128(_mm512_loadu_si512(w->q[b][g]));
        }
        u->sc[b][panel] = widen(w->sc[b]);
    }
    u->d[panel] = steps(w->d);
}

/* Each macro is one step for token c of the tile; a tile has n <= COLS of them, known when it is compiled. The accumulators have
 * names because gcc leaves arrays in memory: i, j are the sums of the two panels, a, e the dots of a block. */
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5)
#define TOKEN(c) \
    const struct act *x##c = x + (c < n ? c * supers : 0); \
    __m512i i##c = _mm512_setzero_si512(), j##c = i##c, a##c = i##c, e##c = i##c;
#define MINIMA(c) if (c < n) { \
        __m512i v = broadcast(&x##c->xs[b]); \
        i##c = _mm512_dpwssd_epi32(i##c, u->min[b / 2][0], v); \
        j##c = _mm512_dpwssd_epi32(j##c, u->min[b / 2][1], v); \
    }
#define START_Q4(c) if (c < n) a##c = e##c = _mm512_set1_epi32(x##c->m8[b]);
#define START_Q8(c) if (c < n) a##c = e##c = _mm512_slli_epi32(_mm512_set1_epi32(x##c->m8[b]), 4);
/* The empty asm keeps the broadcast in a register; as an operand of both it would be loaded twice. */
#define DOT(c) if (c < n) { \
        __m512i v = broadcast(&x##c->x[BLOCK * b + 4 * g]); \
        __asm__("" : "+v"(v)); \
        a##c = _mm512_dpbusd_epi32(a##c, w0, v); \
        e##c = _mm512_dpbusd_epi32(e##c, w1, v); \
    }
#define SCALE_Q4(c) if (c < n) { \
        i##c = _mm512_dpwssd_epi32(i##c, a##c, u->sc[b][0]); \
        j##c = _mm512_dpwssd_epi32(j##c, e##c, u->sc[b][1]); \
    }
#define SCALE_Q8(c) if (c < n) { \
        __m512i t = _mm512_set1_epi32(x##c->t[b]); \
        i##c = _mm512_add_epi32(i##c, _mm512_mullo_epi32(a##c, _mm512_mullo_epi16(u->sc[b][0], t))); \
        j##c = _mm512_add_epi32(j##c, _mm512_mullo_epi32(e##c, _mm512_mullo_epi16(u->sc[b][1], t))); \
    }
#define FINISH(c) if (c < n) { \
        y[c][0] = add_super(y[c][0], u->d[0], x##c->dx, i##c); \
        y[c][1] = add_super(y[c][1], u->d[1], x##c->dx, j##c); \
    }
#define BLOCK_LOOP(START, SCALE) \
    for (int b = 0; b < BLOCKS; b++) { \
        EACH(START) \
        _Pragma("GCC unroll 8") \
        for (int g = 0; g < 8; g++) { \
            __m512i w0 = u->q[b][g][0], w1 = u->q[b][g][1]; \
            EACH(DOT) \
        } \
        EACH(SCALE) \
    }

static inline __attribute__((always_inline)) void tile_q4(__m512 (*y)[2], const struct unpacked *u, const struct act *x, int64_t supers,
                                                          const int n) {
    EACH(TOKEN)
    for (int b = 0; b < BLOCKS; b += 2) {
        EACH(MINIMA)
    }
    BLOCK_LOOP(START_Q4, SCALE_Q4)
    EACH(FINISH)
}

static inline __attribute__((always_inline)) void tile_q8(__m512 (*y)[2], const struct unpacked *u, const struct act *x, int64_t supers,
                                                          const int n) {
    EACH(TOKEN)
    BLOCK_LOOP(START_Q8, SCALE_Q8)
    EACH(FINISH)
}

#define MANY(TYPE) \
static void many_##TYPE(float *y, int64_t stride, const struct TYPE##_super *w, int rows, int supers, const struct act *x, int n) { \
    struct unpacked u; \
    __m512 sum[TOKENS][2]; \
    for (int row = 0; row < rows; row += 2 * PANEL, w += 2 * supers) { \
        const struct TYPE##_super *w1 = row + PANEL < rows ? w + supers : w;    /* an odd panel is its own partner */ \
        for (int t = 0, some; t < n; t += some) { \
            some = n - t < TOKENS ? n - t : TOKENS; \
            for (int c = 0; c < some; c++) sum[c][0] = sum[c][1] = _mm512_setzero_ps(); \
            for (int s = 0; s < supers; s++) { \
                int next = s + AHEAD < supers ? s + AHEAD : s + AHEAD + supers;         /* after w come w1 and the next pair */ \
                unpack_##TYPE(&u, w + s, w + next, 0); \
                unpack_##TYPE(&u, w1 + s, w1 + next, 1); \
                for (int c = 0, cols; c < some; c += cols) { \
                    int tiles = (some - c + COLS - 1) / COLS; \
                    const struct act *a = x + (int64_t)(t + c) * supers + s; \
                    cols = (some - c + tiles - 1) / tiles;      /* equal tiles: 8 is 4 + 4 */ \
                    switch (cols) { \
                    case 6: tile_##TYPE(&sum[c], &u, a, supers, 6); break; \
                    case 5: tile_##TYPE(&sum[c], &u, a, supers, 5); break; \
                    case 4: tile_##TYPE(&sum[c], &u, a, supers, 4); break; \
                    case 3: tile_##TYPE(&sum[c], &u, a, supers, 3); break; \
                    case 2: tile_##TYPE(&sum[c], &u, a, supers, 2); break; \
                    default: tile_##TYPE(&sum[c], &u, a, supers, 1); \
                    } \
                } \
            } \
            for (int c = 0; c < some; c++) { \
                float *out = y + (t + c) * stride + row; \
                _mm512_mask_storeu_ps(out, first_rows(rows - row), sum[c][0]); \
                if (w1 != w) _mm512_mask_storeu_ps(out + PANEL, first_rows(rows - row - PANEL), sum[c][1]); \
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

/* regs x 16 columns by n vectors. vpdpbusd wants one factor unsigned: x where it is, else w + 128, of which 128 x is taken back. */
static inline __attribute__((always_inline)) void dot_tile(int32_t *y, const int8_t *w, int stride, int regs, const int8_t *x, int x_stride,
                                                           int groups, int n, bool positive) {
    __m512i sum[4][4], extra[4];
    for (int t = 0; t < n; t++) {
        extra[t] = _mm512_setzero_si512();
        for (int c = 0; c < regs; c++) sum[t][c] = extra[t];
    }
    for (int g = 0; g < groups; g++, w += 4 * stride, x += 4) {
        __m512i v[4];
        for (int c = 0; c < regs; c++) {
            v[c] = _mm512_loadu_si512(w + 64 * c);
            if (!positive) v[c] = with_128(v[c]);
        }
        for (int t = 0; t < n; t++) {
            __m512i b = broadcast(x + t * x_stride);
            if (!positive) extra[t] = _mm512_dpbusd_epi32(extra[t], _mm512_set1_epi8(-128), b);
            for (int c = 0; c < regs; c++) {
                sum[t][c] = positive ? _mm512_dpbusd_epi32(sum[t][c], b, v[c]) : _mm512_dpbusd_epi32(sum[t][c], v[c], b);
                __asm__("" : "+v"(sum[t][c]));
            }
        }
    }
    for (int t = 0; t < n; t++)
        for (int c = 0; c < regs; c++) _mm512_storeu_si512(y + t * ATTN_TILE + 16 * c, positive ? sum[t][c] : _mm512_sub_epi32(sum[t][c], extra[t]));
}

static inline void dot_columns(int32_t (*y)[ATTN_TILE], const int8_t *w, int stride, int columns, const int8_t *x, int x_stride, int groups, int n,
                               bool positive) {
    for (int t = 0; t < n; t += 4, y += 4, x += 4 * x_stride) {
        int some = n - t < 4 ? n - t : 4;
        if (columns == 64 && some == 4) { dot_tile(y[0], w, stride, 4, x, x_stride, groups, 4, positive); continue; }
        if (columns == 64 && some == 2) { dot_tile(y[0], w, stride, 4, x, x_stride, groups, 2, positive); continue; }
        for (int i = 0; i < some; i++)
            for (int c = 0; c < columns; c += 16) dot_tile(&y[i][c], w + 4 * c, stride, 1, x + i * x_stride, x_stride, groups, 1, positive);
    }
}

const struct kernels kernels_avx512vnni = {.name = "avx512vnni", .matmul_q = {matmul_q8, matmul_q4}, LANES_KERNELS};
