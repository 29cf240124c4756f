/* maddubs.h - L1: kernels on the sums of products that x86 has had since SSSE3, whatever the registers' width. (The walk: panels.h)
 *
 * 4 columns of ROWS rows are a register. Tiles are 2 registers of rows x 4 tokens: 8 sums, 2 weights, a broadcast and a product fit the
 * 16 registers. Whole numbers may be regrouped freely, so:
 *   q4  pmaddubsw of nibbles and activations, added up in 16 bits: a lane gets 16 products, 15 * 127 * 16 = 30480 fits. One pmaddwd
 *       per block multiplies by the scale, and makes -16 m xs for two blocks at a time.
 *   q8  one token: |w| times x with the sign of w, 2 * 127 * 127 fits 16 bits, then pmaddwd by the scale sc t <= 248.
 *       More: scales go into the factors, sc w <= 3937 and t x <= 1016 as 16 bits, and pmaddwd is all that is left to do. Even
 *       columns and odd columns make the pairs, for a shift and a mask separate them.
 *
 * The file that includes it defines
 *   MM(OP)                          the name of an intrinsic of its width
 *   ints, floats                    its registers
 *   widen_bytes, widen_words        ROWS unsigned bytes, or words, as 32 bits each */
#ifndef QW_MADDUBS_H
#define QW_MADDUBS_H
#include "lanes.h"

enum { ROWS = sizeof(ints) / 4, PARTS = PANEL / ROWS, COLS = 4 };

static inline ints load(const void *p) { ints v; memcpy(&v, p, sizeof v); return v; }

static inline ints broadcast(const void *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return MM(set1_epi32)(v);
}

/* Both words of each row's 32 bits. */
static inline ints twice(const uint8_t *p) { return widen_bytes(p) | MM(slli_epi32)(widen_bytes(p), 16); }

/* -16 m of blocks b and b + 1, as words of each row's 32 bits. */
static inline ints minima(const struct q4_super *w, int b, int row) {
    ints m = widen_bytes(&w->m[b][row]) | MM(slli_epi32)(widen_bytes(&w->m[b + 1][row]), 16);
    return MM(sub_epi16)((ints){0}, MM(slli_epi16)(m, 4));
}

static inline floats steps(const uint16_t *d) { return (floats)MM(slli_epi32)(widen_words(d), 16); }

static inline void add_super(float *y, floats d, float dx, ints isum) {
    MM(storeu_ps)(y, MM(loadu_ps)(y) + d * MM(set1_ps)(dx) * MM(cvtepi32_ps)(isum));
}

static inline ints low_nibbles(ints v) { return v & MM(set1_epi8)(15); }
static inline ints high_nibbles(ints v) { return low_nibbles(MM(srli_epi16)(v, 4)); }

/* Bytes 0 and 2, or 1 and 3, of 32 bits times a factor that stands in the high byte of each word, as words. */
static inline ints even_times(ints v, ints factor) { return MM(mulhi_epi16)(MM(slli_epi16)(v, 8), factor); }
static inline ints odd_times(ints v, ints factor) { return MM(mulhi_epi16)(v & MM(set1_epi16)(-256), factor); }

/* The empty asm stops gcc from regrouping the additions: it would first make all the products and spill them. */
static inline ints in_order(ints sum) { __asm__("" : "+x"(sum)); return sum; }
static inline ints add_words(ints sum, ints w, ints x) { return in_order(MM(add_epi32)(sum, MM(madd_epi16)(w, x))); }
static inline ints add_bytes(ints sum, ints w, ints x) { return in_order(MM(add_epi16)(sum, MM(maddubs_epi16)(w, x))); }

/* ---- one token ---- */

static inline void one_q4(float *y, const struct q4_super *w, const struct q4_super *next, const struct act *x) {
    ints isum[PARTS] = {{0}};
    for (int i = 0; i < 2; i++) __builtin_prefetch(next->sc[4 * i]), __builtin_prefetch(next->m[4 * i]);
    __builtin_prefetch(next->d);
#pragma GCC unroll 4
    for (int b = 0; b < BLOCKS; b += 2)
        for (int p = 0; p < PARTS; p++) isum[p] = add_words(isum[p], minima(w, b, p * ROWS), broadcast(&x->xs[b]));
    for (int b = 0; b < BLOCKS; b++) {
        ints dot[PARTS] = {{0}};
#pragma GCC unroll 4
        for (int g = 0; g < 4; g++) {
            ints low = broadcast(&x->x[BLOCK * b + 4 * g]), high = broadcast(&x->x[BLOCK * b + 16 + 4 * g]);
            __builtin_prefetch(next->q[b][g]);
            for (int p = 0; p < PARTS; p++) {
                ints q = load(w->q[b][g][p * ROWS]);
                dot[p] = add_bytes(add_bytes(dot[p], low_nibbles(q), low), high_nibbles(q), high);
            }
        }
        for (int p = 0; p < PARTS; p++) isum[p] = add_words(isum[p], dot[p], twice(&w->sc[b][p * ROWS]));
    }
    for (int p = 0; p < PARTS; p++) add_super(y + p * ROWS, steps(w->d + p * ROWS), x->dx, isum[p]);
}

static inline void one_q8(float *y, const struct q8_super *w, const struct q8_super *next, const struct act *x) {
    ints isum[PARTS] = {{0}};
    for (int i = 0; i < 2; i++) __builtin_prefetch(next->sc[4 * i]);
    __builtin_prefetch(next->d);
    for (int b = 0; b < BLOCKS; b++) {
        ints scale[PARTS];
        for (int p = 0; p < PARTS; p++) scale[p] = MM(mullo_epi16)(twice(&w->sc[b][p * ROWS]), MM(set1_epi16)(x->t[b]));
#pragma GCC unroll 8
        for (int g = 0; g < 8; g++) {
            ints v = broadcast(&x->x[BLOCK * b + 4 * g]);
            __builtin_prefetch(next->q[b][g]);
            for (int p = 0; p < PARTS; p++) {
                ints q = load(w->q[b][g][p * ROWS]);
                isum[p] = add_words(isum[p], MM(maddubs_epi16)(MM(abs_epi8)(q), MM(sign_epi8)(v, q)), scale[p]);
            }
        }
    }
    for (int p = 0; p < PARTS; p++) add_super(y + p * ROWS, steps(w->d + p * ROWS), x->dx, isum[p]);
}

/* ---- more tokens ---- */

/* The rows of two panels are PARTS pairs of registers. */
struct unpacked {
    struct pair {
        ints q[BLOCKS * 16][2];         /* q4: [8b + g], bytes, 4 columns of each row; q8: [16b + g], words times the scale, 2 columns */
        ints sc[BLOCKS][2], min[BLOCKS / 2][2];         /* q4 only */
        floats d[2];
    } pair[PARTS];
};

static inline void unpack_q4(struct unpacked *u, int panel, const struct q4_super *w) {
    struct pair *pair = &u->pair[panel * PARTS / 2];
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 4; g++)
            for (int p = 0; p < PARTS; p++) {
                ints q = load(w->q[b][g][p * ROWS]);
                pair[p / 2].q[8 * b + g][p % 2] = low_nibbles(q);
                pair[p / 2].q[8 * b + g + 4][p % 2] = high_nibbles(q);
            }
    }
    for (int p = 0; p < PARTS; p++) {
        for (int b = 0; b < BLOCKS; b++) pair[p / 2].sc[b][p % 2] = twice(&w->sc[b][p * ROWS]);
        for (int b = 0; b < BLOCKS; b += 2) pair[p / 2].min[b / 2][p % 2] = minima(w, b, p * ROWS);
        pair[p / 2].d[p % 2] = steps(w->d + p * ROWS);
    }
}

static inline void unpack_q8(struct unpacked *u, int panel, const struct q8_super *w) {
    struct pair *pair = &u->pair[panel * PARTS / 2];
    for (int b = 0; b < BLOCKS; b++) {
        ints sc[PARTS];
        for (int p = 0; p < PARTS; p++) sc[p] = MM(slli_epi16)(twice(&w->sc[b][p * ROWS]), 8);
        for (int g = 0; g < 8; g++)
            for (int p = 0; p < PARTS; p++) {
                ints q = load(w->q[b][g][p * ROWS]);
                pair[p / 2].q[16 * b + 2 * g][p % 2] = even_times(q, sc[p]);
                pair[p / 2].q[16 * b + 2 * g + 1][p % 2] = odd_times(q, sc[p]);
            }
    }
    for (int p = 0; p < PARTS; p++) pair[p / 2].d[p % 2] = steps(w->d + p * ROWS);
}

/* A token's activations for q8: words, times t; the even and the odd pair of 4 columns apart. */
struct wide { ints even[SUPER / sizeof(ints)], odd[SUPER / sizeof(ints)]; };

static inline void widen_act(struct wide *out, const struct act *x) {
    for (int i = 0; i < SUPER / (int)sizeof(ints); i++) {
        ints v = load(&x->x[i * sizeof v]), t = MM(set1_epi16)((int16_t)(x->t[i * sizeof v / BLOCK] << 8));
        out->even[i] = even_times(v, t);
        out->odd[i] = odd_times(v, t);
    }
}

INLINE void tile(float (*y)[2 * PANEL], const struct unpacked *u, const struct act *x, int64_t supers, const int n, const bool q8) {
    struct wide wide[COLS];
    for (int c = 0; q8 && c < n; c++) widen_act(&wide[c], &x[c * supers]);
    for (int p = 0; p < PARTS; p++) {
        const struct pair *w = &u->pair[p];
        ints i[COLS] = {{0}}, j[COLS] = {{0}};              /* the sums of both registers */
        for (int b = 0; !q8 && b < BLOCKS; b += 2)
            for (int c = 0; c < n; c++) {
                ints v = broadcast(&x[c * supers].xs[b]);
                i[c] = add_words(i[c], w->min[b / 2][0], v);
                j[c] = add_words(j[c], w->min[b / 2][1], v);
            }
        for (int b = 0; !q8 && b < BLOCKS; b++) {
            ints a[COLS] = {{0}}, e[COLS] = {{0}};          /* the dots of a block */
#pragma GCC unroll 8
            for (int g = 0; g < 8; g++) {
                ints w0 = w->q[8 * b + g][0], w1 = w->q[8 * b + g][1];
                for (int c = 0; c < n; c++) {
                    ints v = broadcast(&x[c * supers].x[BLOCK * b + 4 * g]);
                    a[c] = add_bytes(a[c], w0, v);
                    e[c] = add_bytes(e[c], w1, v);
                }
            }
            for (int c = 0; c < n; c++) {
                i[c] = add_words(i[c], a[c], w->sc[b][0]);
                j[c] = add_words(j[c], e[c], w->sc[b][1]);
            }
        }
        for (int b = 0; q8 && b < BLOCKS; b++) {
#pragma GCC unroll 16
            for (int g = 0; g < 16; g++) {
                ints w0 = w->q[16 * b + g][0], w1 = w->q[16 * b + g][1];
                for (int c = 0; c < n; c++) {
                    ints v = broadcast((const char *)(g % 2 ? wide[c].odd : wide[c].even) + BLOCK * b + g / 2 * 4);
                    i[c] = add_words(i[c], w0, v);
                    j[c] = add_words(j[c], w1, v);
                }
            }
        }
        for (int c = 0; c < n; c++) {
            add_super(&y[c][2 * p * ROWS], w->d[0], x[c * supers].dx, i[c]);
            add_super(&y[c][(2 * p + 1) * ROWS], w->d[1], x[c * supers].dx, j[c]);
        }
    }
}

#include "panels.h"

/* ---- the q8 cache ---- */

/* 2 ROWS columns by n vectors. One factor must be unsigned: x where it is, else |w|, whose sign x takes. 2 * 127 * 127 fits 16 bits. */
INLINE void dot_tile(int32_t *y, const int8_t *w, int stride, const int8_t *x, int x_stride, int groups, int n, bool positive) {
    ints sum[4][2], ones = MM(set1_epi16)(1);
    for (int t = 0; t < n; t++) sum[t][0] = sum[t][1] = (ints){0};
    for (int g = 0; g < groups; g++, w += 4 * stride, x += 4) {
        ints w0 = load(w), w1 = load(w + sizeof w0), a0 = MM(abs_epi8)(w0), a1 = MM(abs_epi8)(w1);
        for (int t = 0; t < n; t++) {
            ints b = broadcast(x + t * x_stride);
            sum[t][0] = add_words(sum[t][0], positive ? MM(maddubs_epi16)(b, w0) : MM(maddubs_epi16)(a0, MM(sign_epi8)(b, w0)), ones);
            sum[t][1] = add_words(sum[t][1], positive ? MM(maddubs_epi16)(b, w1) : MM(maddubs_epi16)(a1, MM(sign_epi8)(b, w1)), ones);
        }
    }
    for (int t = 0; t < n; t++) memcpy(y + t * ATTN_TILE, sum[t], sizeof sum[t]);
}

DOT_COLUMNS(2 * ROWS)

#endif
