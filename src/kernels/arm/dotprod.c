/* dotprod.c - kernels for ARMv8.2 dot products.
 *
 * One sdot multiplies a register of a panel (4 rows x 4 columns) by 4 activations of one token,
 * selected by lane. The sums within a superblock are integers, so their order is free, and is
 * chosen for the fewest instructions:
 *
 *   q4 scales   The dots D run on through the superblock and are never reset:
 *                   sum of sc[b] dot[b] = sum of D[b] (sc[b] - sc[b+1])
 *               q8 also has a factor per block and token, so there the dots start afresh.
 *   q4 minima   are products too (udot), 4 blocks at once: 4096 - xs = 64 high + low, two unsigned
 *               bytes.
 *
 * One token: all 16 rows of the panel, unpacked in registers.
 * More: a superblock is unpacked once for up to CHUNK tokens, then multiplied by 4 tokens at a
 * time, 8 rows at a time (dotprod_tile.inc). */
#define LEVEL dotprod
#include <arm_neon.h>
#include <stddef.h>
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"
#include "kernels/arm/sdot.inc"
#include "kernels/common/attention.inc"

/* The products below are written in the order that suits in-order cores, and gcc must keep it: its
 * own order costs such a core a quarter to a half more cycles. The loops of floats.inc above are
 * scheduled as usual. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-schedule-insns", "no-schedule-insns2", "no-tree-ter", "no-peephole2", \
                     "no-auto-inc-dec")
#endif

enum { TILE = 4, CHUNK = 64, AHEAD = 1024 };

/* The steps of 4 rows as floats. */
static inline float32x4_t load_steps(const uint16_t *d) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(d), 16));
}

/* y + (d * dx) * isum: three roundings. */
static inline float32x4_t add_super(float32x4_t y, float32x4_t d, float dx, int32x4_t isum) {
    return vaddq_f32(y, vmulq_f32(vmulq_n_f32(d, dx), vcvtq_f32_s32(isum)));
}

/* ---- minima ---- */

/* The minima of rows 8i..8i+3 (a) and 8i+4..8i+7 (b) in blocks 0-3 (low) and 4-7 (high), block
 * after block within a row; base is -64 times their sum. */
struct minima {
    uint8x16_t lowa, lowb, higha, highb;
    int32x4_t basea, baseb;
};

static inline void transpose_minima(uint8x16_t out[4], const uint8_t m[4][16]) {
    uint8x16x2_t even = vzipq_u8(vld1q_u8(m[0]), vld1q_u8(m[2]));
    uint8x16x2_t odd = vzipq_u8(vld1q_u8(m[1]), vld1q_u8(m[3]));
    uint8x16x2_t first = vzipq_u8(even.val[0], odd.val[0]);
    uint8x16x2_t last = vzipq_u8(even.val[1], odd.val[1]);
    out[0] = first.val[0];
    out[1] = first.val[1];
    out[2] = last.val[0];
    out[3] = last.val[1];
}

static inline int32x4_t minima_base(uint8x16_t low, uint8x16_t high) {
    uint8x16_t all = vdupq_n_u8(64);
    uint32x4_t sum = vdotq_u32(vdotq_u32(vdupq_n_u32(0), low, all), high, all);
    return vnegq_s32(vreinterpretq_s32_u32(sum));
}

static inline void load_minima(struct minima m[2], const struct q4_super *w) {
    uint8x16_t low[4], high[4];
    transpose_minima(low, w->m);
    transpose_minima(high, w->m + 4);
    for (int i = 0; i < 2; i++) {
        int a = 2 * i, b = 2 * i + 1;
        m[i] = (struct minima){low[a], low[b], high[a], high[b],
                               minima_base(low[a], high[a]), minima_base(low[b], high[b])};
    }
}

/* SUM + the minima M of 4 blocks times one part of their sums in PARTS: lanes 0 and 1 are the low
 * parts of blocks 0-3 and 4-7, lanes 2 and 3 the high parts. (LANE must be a constant.) */
#define DOT_MINIMA(SUM, M, PARTS, LANE) \
    vreinterpretq_s32_u32(vdotq_laneq_u32(vreinterpretq_u32_s32(SUM), M, PARTS, LANE))

/* -16 sum over b of m[b] xs[b] of 4 rows: 16 sum of m (64 high + low) - 16 * 4096 sum of m. */
static inline int32x4_t sum_minima(int32x4_t base, uint8x16_t low, uint8x16_t high,
                                   uint8x16_t parts) {
    int32x4_t sum = DOT_MINIMA(DOT_MINIMA(base, low, parts, 2), high, parts, 3);
    sum = vshlq_n_s32(sum, 6);
    return vshlq_n_s32(DOT_MINIMA(DOT_MINIMA(sum, low, parts, 0), high, parts, 1), 4);
}

/* ---- one token ---- */

/* dot += 16 rows W x 4 columns times lane LANE of X (a macro, as the lane must be a constant). */
#define DOT_ROWS(W, X, LANE) \
    for (int i = 0; i < 4; i++) dot[i] = vdotq_laneq_s32(dot[i], (W)[i], X, LANE)

INLINE void start_rows(int32x4_t rows[4]) {
    for (int i = 0; i < 4; i++) rows[i] = vdupq_n_s32(0);
}

/* sum += dot * scale, for 16 rows: low are the scales of rows 0-7, high those of rows 8-15. */
INLINE void add_scaled(int32x4_t sum[4], const int32x4_t dot[4], uint16x8_t low, uint16x8_t high) {
    int16x8_t l = vreinterpretq_s16_u16(low), h = vreinterpretq_s16_u16(high);
    sum[0] = vmlaq_s32(sum[0], dot[0], vmovl_s16(vget_low_s16(l)));
    sum[1] = vmlaq_s32(sum[1], dot[1], vmovl_high_s16(l));
    sum[2] = vmlaq_s32(sum[2], dot[2], vmovl_s16(vget_low_s16(h)));
    sum[3] = vmlaq_s32(sum[3], dot[3], vmovl_high_s16(h));
}

INLINE void add_super_rows(float32x4_t y[4], const uint16_t d[PANEL], float dx,
                           const int32x4_t sum[4]) {
    for (int i = 0; i < 4; i++) y[i] = add_super(y[i], load_steps(d + 4 * i), dx, sum[i]);
}

/* In-order cores stall on every line that was not prefetched. */
static inline void prefetch(const void *p, int bytes) {
    for (int i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)p + AHEAD + i);
}

static inline int8x16_t low_nibbles(uint8x16_t v) {
    return vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15)));
}
static inline int8x16_t high_nibbles(uint8x16_t v) {
    return vreinterpretq_s8_u8(vshrq_n_u8(v, 4));
}

/* After the last block: its scales less these, where others take those of the next block. */
static const _Alignas(16) uint8_t none[PANEL];

static inline void panel_q4(float out[PANEL], const struct q4_super *w, int supers,
                            const struct act *x) {
    float32x4_t y[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (; supers > 0; supers--, w++, x++) {
        prefetch(w, offsetof(struct q4_super, q));
        struct minima m[2];
        load_minima(m, w);
        uint8x16_t parts = vld1q_u8(x->low);
        int32x4_t sum[4], dot[4];
        for (int i = 0; i < 2; i++) {
            sum[2 * i] = sum_minima(m[i].basea, m[i].lowa, m[i].higha, parts);
            sum[2 * i + 1] = sum_minima(m[i].baseb, m[i].lowb, m[i].highb, parts);
        }
        start_rows(dot);
#pragma GCC unroll 2
        for (int b = 0; b < BLOCKS; b++) {
            int8x16_t xlow = vld1q_s8(x->x + b * BLOCK), xhigh = vld1q_s8(x->x + b * BLOCK + 16);
            prefetch(w->q[b], sizeof w->q[b]);
            /* Loads, masks and products apart, in lots as large as the registers allow: in-order
             * cores hardly mix them. */
#define GROUPS(G, H) { \
            uint8x16_t g[4], h[4]; \
            int8x16_t glow[4], ghigh[4], hlow[4], hhigh[4]; \
            for (int i = 0; i < 4; i++) g[i] = vld1q_u8(w->q[b][G][4 * i]); \
            for (int i = 0; i < 4; i++) h[i] = vld1q_u8(w->q[b][H][4 * i]); \
            for (int i = 0; i < 4; i++) ghigh[i] = high_nibbles(g[i]); \
            for (int i = 0; i < 4; i++) hhigh[i] = high_nibbles(h[i]); \
            for (int i = 0; i < 4; i++) glow[i] = low_nibbles(g[i]); \
            for (int i = 0; i < 4; i++) hlow[i] = low_nibbles(h[i]); \
            DOT_ROWS(ghigh, xhigh, G); \
            DOT_ROWS(hhigh, xhigh, H); \
            DOT_ROWS(glow, xlow, G); \
            DOT_ROWS(hlow, xlow, H); \
        }
            GROUPS(0, 1)
            GROUPS(2, 3)
#undef GROUPS
            uint8x16_t scale = vld1q_u8(w->sc[b]);
            uint8x16_t next = vld1q_u8(b + 1 < BLOCKS ? w->sc[b + 1] : none);
            uint16x8_t low = vsubl_u8(vget_low_u8(scale), vget_low_u8(next));
            uint16x8_t high = vsubl_high_u8(scale, next);
            add_scaled(sum, dot, low, high);
        }
        add_super_rows(y, w->d, x->dx, sum);
    }
    for (int i = 0; i < 4; i++) vst1q_f32(out + 4 * i, y[i]);
}

INLINE void load_group(int8x16_t v[4], const int8_t q[PANEL][4]) {
    for (int i = 0; i < 4; i++) v[i] = vld1q_s8(q[4 * i]);
}

/* Not inlined: in matmul_q8 gcc would run out of registers because of the tile. */
static NOINLINE void panel_q8(float out[PANEL], const struct q8_super *w, int supers,
                              const struct act *x) {
    float32x4_t y[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (; supers > 0; supers--, w++, x++) {
        prefetch(w, offsetof(struct q8_super, q));
        int32x4_t sum[4];
        start_rows(sum);
#pragma GCC unroll 1
        for (int b = 0; b < BLOCKS; b++) {
            int32x4_t dot[4];
            start_rows(dot);
            int8x16_t xlow = vld1q_s8(x->x + b * BLOCK), xhigh = vld1q_s8(x->x + b * BLOCK + 16);
            prefetch(w->q[b], sizeof w->q[b]);
            int8x16_t g[8][4];
            load_group(g[0], w->q[b][0]);
            load_group(g[1], w->q[b][1]);
            DOT_ROWS(g[0], xlow, 0);
            load_group(g[2], w->q[b][2]);
            DOT_ROWS(g[1], xlow, 1);
            load_group(g[3], w->q[b][3]);
            DOT_ROWS(g[2], xlow, 2);
            load_group(g[4], w->q[b][4]);
            DOT_ROWS(g[3], xlow, 3);
            load_group(g[5], w->q[b][5]);
            DOT_ROWS(g[4], xhigh, 0);
            load_group(g[6], w->q[b][6]);
            DOT_ROWS(g[5], xhigh, 1);
            load_group(g[7], w->q[b][7]);
            uint8x16_t scale = vld1q_u8(w->sc[b]), t = vld1q_dup_u8(&x->t[b]);
            uint16x8_t low = vmull_u8(vget_low_u8(scale), vget_low_u8(t));
            uint16x8_t high = vmull_high_u8(scale, t);
            DOT_ROWS(g[6], xhigh, 2);
            DOT_ROWS(g[7], xhigh, 3);
            add_scaled(sum, dot, low, high);
        }
        add_super_rows(y, w->d, x->dx, sum);
    }
    for (int i = 0; i < 4; i++) vst1q_f32(out + 4 * i, y[i]);
}

/* ---- many tokens ---- */

#include "kernels/arm/dotprod_tile.inc"

/* Up to CHUNK tokens; the last one is repeated to fill its tile, and those sums go nowhere. */
struct tokens { const struct act *x[CHUNK + TILE - 1]; };

/* Not inlined: gcc would give it registers that the tile needs. */
static NOINLINE void point_at(struct tokens *out, const struct act *x, int supers, int n) {
    for (int t = 0; t < n + TILE - 1; t++) out->x[t] = x + (int64_t)(t < n ? t : n - 1) * supers;
}

/* q: the unpacked weights, or those of q8 in place. */
INLINE void multiply_tokens(float (*y)[PANEL], const struct opened *o, const int8_t (*q)[8][16][4],
                            const struct tokens *x, int s, int n, bool fine) {
    int32_t factors[BLOCKS][TILE];
    for (int t = 0; t < n; t += TILE) {
        for (int b = 0; fine && b < BLOCKS; b++)
            for (int i = 0; i < TILE; i++) factors[b][i] = x->x[t + i][s].t[b];
        for (int row = 0; row < PANEL; row += 8)
            multiply_tile(y + t, o, q, x->x + t, s, factors, row, fine);
    }
}

static inline void store_rows(float *y, int64_t stride, float (*sums)[PANEL], int rows, int n) {
    for (int t = 0; t < n; t++, y += stride) {
        if (rows < PANEL) {
            memcpy(y, sums[t], (size_t)rows * sizeof *y);
            continue;
        }
        for (int r = 0; r < PANEL; r += 4)
            store_beside(y + r, vreinterpretq_s8_f32(vld1q_f32(sums[t] + r)));
    }
}

INLINE void matmul(float *y, int64_t stride, const char *w, int rows, int supers,
                   const struct act *x, int n, bool fine) {
    const size_t size = fine ? sizeof(struct q8_super) : sizeof(struct q4_super);
    float sums[CHUNK][PANEL];
    for (int row = 0; row < rows; row += PANEL, w += supers * size) {
        for (int first = 0; first < n; first += CHUNK) {
            int tokens = n - first < CHUNK ? n - first : CHUNK;
            const struct act *token = x + (int64_t)first * supers;
            if (tokens == 1) {
                if (fine) panel_q8(sums[0], (const struct q8_super *)w, supers, token);
                else panel_q4(sums[0], (const struct q4_super *)w, supers, token);
            } else {
                struct opened o;
                struct tokens all;
                point_at(&all, token, supers, tokens);
                memset(sums, 0, sizeof sums);
                for (int s = 0; s < supers; s++) {
                    const void *super = w + s * size;
                    if (fine) open_q8(&o, super);
                    else open_q4(&o, super);
                    multiply_tokens(sums, &o, fine ? ((const struct q8_super *)super)->q : o.q,
                                    &all, s, tokens, fine);
                }
            }
            store_rows(y + first * stride + row, stride, sums, rows - row, tokens);
        }
    }
}

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers,
                      const struct act *x, int n) {
    matmul(y, stride, w, rows, supers, x, n, false);
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers,
                      const struct act *x, int n) {
    matmul(y, stride, w, rows, supers, x, n, true);
}

const struct kernels kernels_dotprod = {
    .name = "dotprod",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
