/* dotprod.c - L1: kernels for ARMv8.2 dot products.
 *
 * One sdot multiplies a register of a panel (4 rows x 4 columns) with 4 activations of one token, taken by lane. What a superblock
 * sums is whole, so its order is free, and is chosen for the fewest instructions:
 *
 *   q4 scales   The dots D run on through the superblock and are never reset: sum of sc[b] dot[b] = sum of D[b] (sc[b] - sc[b+1]).
 *               q8 has a factor per block and token besides, so there the dots start anew.
 *   q4 minima   sdot as well, 4 blocks at once: m - 128 fits a signed byte, and -xs = 64 high + low two of them.
 *
 * One token: all 16 rows of the panel, unpacked in registers.
 * More: a superblock is unpacked once for up to CHUNK tokens, then 8 rows x 4 tokens are multiplied at a time: 8 dots and 8 sums stay
 * in registers, and 16 + 8 loads serve 64 sdot. Half of the loads are ld1, which needs a register for its address, but is taken beside
 * an sdot by cores that run in order; the address is counted on beside one of the other loads. */
#include <arm_neon.h>
#include <stddef.h>
#include "sdot.h"

/* The products below are written in the order that suits cores that run in order: gcc keeps it, where its own costs such a core a quarter
 * to a half more cycles. The loops of lanes.h above are scheduled as ever. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-schedule-insns", "no-schedule-insns2", "no-tree-ter", "no-peephole2")
#endif

enum { TILE = 4, CHUNK = 64, AHEAD = 1024 };

/* 4 steps of rows as floats. */
static inline float32x4_t load_steps(const uint16_t *d) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(d), 16)); }

/* y + (d * dx) * isum: three roundings. */
static inline float32x4_t add_super(float32x4_t y, float32x4_t d, float dx, int32x4_t isum) {
    return vaddq_f32(y, vmulq_f32(vmulq_n_f32(d, dx), vcvtq_f32_s32(isum)));
}

/* ---- minima ---- */

/* Of rows 4i..4i+3 the minima of blocks 0-3 in low[i] and 4-7 in high[i], less 128, block after block within a row. */
struct minima { int8x16_t low[4], high[4]; };

static inline void transpose_minima(int8x16_t out[4], const uint8_t m[4][16]) {
    uint8x16_t flip = vdupq_n_u8(128), m0 = vld1q_u8(m[0]), m1 = vld1q_u8(m[1]), m2 = vld1q_u8(m[2]), m3 = vld1q_u8(m[3]);
    uint8x16x2_t even = vzipq_u8(veorq_u8(m0, flip), veorq_u8(m2, flip)), odd = vzipq_u8(veorq_u8(m1, flip), veorq_u8(m3, flip));
    uint8x16x2_t first = vzipq_u8(even.val[0], odd.val[0]), last = vzipq_u8(even.val[1], odd.val[1]);
    out[0] = vreinterpretq_s8_u8(first.val[0]);
    out[1] = vreinterpretq_s8_u8(first.val[1]);
    out[2] = vreinterpretq_s8_u8(last.val[0]);
    out[3] = vreinterpretq_s8_u8(last.val[1]);
}

static inline struct minima load_minima(const struct q4_super *w) {
    struct minima out;
    transpose_minima(out.low, w->m);
    transpose_minima(out.high, w->m + 4);
    return out;
}

/* The block sums of a token, negated, as bytes: lanes 0, 1 the low parts 0..63 of blocks 0-3, 4-7, lanes 2, 3 the high -64..63. */
static inline int8x16_t split_sums(int16x8_t sums) {
    return vcombine_s8(vmovn_s16(vandq_s16(sums, vdupq_n_s16(63))), vshrn_n_s16(sums, 6));
}

/* 2 * the sum of each token's 8 sums: it makes up for the 128 taken from the minima, where the high parts count 64. It fits 16 bits. */
static inline int32x4_t total_sums(int16x8_t a, int16x8_t b, int16x8_t c, int16x8_t d) {
    int16x8_t v = vpaddq_s16(vpaddq_s16(a, b), vpaddq_s16(c, d));
    return vshll_n_s16(vget_low_s16(vpaddq_s16(v, v)), 1);
}

/* -16 sum over b of m[b] xs[b] of rows 4i..4i+3, from their token's total and parts. */
static inline int32x4_t sum_minima(int32x4_t total, int8x16_t low, int8x16_t high, int8x16_t parts) {
    int32x4_t sum = vdotq_laneq_s32(vdotq_laneq_s32(total, low, parts, 2), high, parts, 3);
    sum = vshlq_n_s32(sum, 6);
    return vshlq_n_s32(vdotq_laneq_s32(vdotq_laneq_s32(sum, low, parts, 0), high, parts, 1), 4);
}

/* ---- one token ---- */

/* sum += dot * scale, for 16 rows with 16-bit scales. */
#define ADD_SCALED(LOW, HIGH) \
    sum0 = vmlaq_s32(sum0, dot0, vmovl_s16(vget_low_s16(LOW))); \
    sum1 = vmlaq_s32(sum1, dot1, vmovl_high_s16(LOW)); \
    sum2 = vmlaq_s32(sum2, dot2, vmovl_s16(vget_low_s16(HIGH))); \
    sum3 = vmlaq_s32(sum3, dot3, vmovl_high_s16(HIGH));

#define DOT_ROWS(W0, W1, W2, W3, X, LANE) \
    dot0 = vdotq_laneq_s32(dot0, W0, X, LANE); \
    dot1 = vdotq_laneq_s32(dot1, W1, X, LANE); \
    dot2 = vdotq_laneq_s32(dot2, W2, X, LANE); \
    dot3 = vdotq_laneq_s32(dot3, W3, X, LANE);

#define ADD_SUPER(W, X) \
    y0 = add_super(y0, load_steps((W)->d), (X)->dx, sum0); \
    y1 = add_super(y1, load_steps((W)->d + 4), (X)->dx, sum1); \
    y2 = add_super(y2, load_steps((W)->d + 8), (X)->dx, sum2); \
    y3 = add_super(y3, load_steps((W)->d + 12), (X)->dx, sum3);

#define STORE_ROWS(Y) \
    vst1q_f32(Y, y0); \
    vst1q_f32((Y) + 4, y1); \
    vst1q_f32((Y) + 8, y2); \
    vst1q_f32((Y) + 12, y3);

/* In-order cores wait for every line that is not asked for. */
static inline void prefetch(const void *p, int bytes) {
    for (int i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)p + AHEAD + i);
}

static inline int8x16_t low_nibbles(uint8x16_t v) { return vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15))); }
static inline int8x16_t high_nibbles(uint8x16_t v) { return vreinterpretq_s8_u8(vshrq_n_u8(v, 4)); }

static const uint8_t none[PANEL];

static inline void panel_q4(float y[PANEL], const struct q4_super *w, int supers, const struct act *x) {
    float32x4_t y0 = vdupq_n_f32(0), y1 = y0, y2 = y0, y3 = y0;
    for (; supers > 0; supers--, w++, x++) {
        prefetch(w, offsetof(struct q4_super, q));
        struct minima m = load_minima(w);
        int16x8_t sums = vnegq_s16(vld1q_s16(x->xs));
        int8x16_t parts = split_sums(sums);
        int32x4_t total = total_sums(sums, sums, sums, sums);
        int32x4_t sum0 = sum_minima(total, m.low[0], m.high[0], parts), sum1 = sum_minima(total, m.low[1], m.high[1], parts);
        int32x4_t sum2 = sum_minima(total, m.low[2], m.high[2], parts), sum3 = sum_minima(total, m.low[3], m.high[3], parts);
        int32x4_t dot0 = vdupq_n_s32(0), dot1 = dot0, dot2 = dot0, dot3 = dot0;
#pragma GCC unroll 2
        for (int b = 0; b < BLOCKS; b++) {
            int8x16_t xlow = vld1q_s8(x->x + b * BLOCK), xhigh = vld1q_s8(x->x + b * BLOCK + 16);
            prefetch(w->q[b], sizeof w->q[b]);
            /* loads, masks and products apart, in as large lots as there are registers: cores that run in order hardly mix them */
#define GROUPS(G, H) { \
            uint8x16_t g0 = vld1q_u8(w->q[b][G][0]), g1 = vld1q_u8(w->q[b][G][4]), g2 = vld1q_u8(w->q[b][G][8]), g3 = vld1q_u8(w->q[b][G][12]); \
            uint8x16_t h0 = vld1q_u8(w->q[b][H][0]), h1 = vld1q_u8(w->q[b][H][4]), h2 = vld1q_u8(w->q[b][H][8]), h3 = vld1q_u8(w->q[b][H][12]); \
            int8x16_t gh0 = high_nibbles(g0), gh1 = high_nibbles(g1), gh2 = high_nibbles(g2), gh3 = high_nibbles(g3); \
            int8x16_t hh0 = high_nibbles(h0), hh1 = high_nibbles(h1), hh2 = high_nibbles(h2), hh3 = high_nibbles(h3); \
            int8x16_t gl0 = low_nibbles(g0), gl1 = low_nibbles(g1), gl2 = low_nibbles(g2), gl3 = low_nibbles(g3); \
            int8x16_t hl0 = low_nibbles(h0), hl1 = low_nibbles(h1), hl2 = low_nibbles(h2), hl3 = low_nibbles(h3); \
            DOT_ROWS(gh0, gh1, gh2, gh3, xhigh, G) \
            DOT_ROWS(hh0, hh1, hh2, hh3, xhigh, H) \
            DOT_ROWS(gl0, gl1, gl2, gl3, xlow, G) \
            DOT_ROWS(hl0, hl1, hl2, hl3, xlow, H) }
            GROUPS(0, 1) GROUPS(2, 3)
#undef GROUPS
            uint8x16_t scale = vld1q_u8(w->sc[b]), next = vld1q_u8(b + 1 < BLOCKS ? w->sc[b + 1] : none);
            int16x8_t low = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(scale), vget_low_u8(next)));
            int16x8_t high = vreinterpretq_s16_u16(vsubl_high_u8(scale, next));
            ADD_SCALED(low, high)
        }
        ADD_SUPER(w, x)
    }
    STORE_ROWS(y)
}

/* Apart: within matmul_q8 gcc runs out of registers for the tile's sake. */
static __attribute__((noinline)) void panel_q8(float y[PANEL], const struct q8_super *w, int supers, const struct act *x) {
    float32x4_t y0 = vdupq_n_f32(0), y1 = y0, y2 = y0, y3 = y0;
    for (; supers > 0; supers--, w++, x++) {
        prefetch(w, offsetof(struct q8_super, q));
        int32x4_t sum0 = vdupq_n_s32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
#pragma GCC unroll 1
        for (int b = 0; b < BLOCKS; b++) {
            int32x4_t dot0 = vdupq_n_s32(0), dot1 = dot0, dot2 = dot0, dot3 = dot0;
            int8x16_t xlow = vld1q_s8(x->x + b * BLOCK), xhigh = vld1q_s8(x->x + b * BLOCK + 16);
            prefetch(w->q[b], sizeof w->q[b]);
#define LOAD(G) int8x16_t w##G##0 = vld1q_s8(w->q[b][G][0]), w##G##1 = vld1q_s8(w->q[b][G][4]), \
            w##G##2 = vld1q_s8(w->q[b][G][8]), w##G##3 = vld1q_s8(w->q[b][G][12]);
#define DOT(G, X) DOT_ROWS(w##G##0, w##G##1, w##G##2, w##G##3, X, (G) % 4)
            LOAD(0) LOAD(1)
            DOT(0, xlow) LOAD(2)
            DOT(1, xlow) LOAD(3)
            DOT(2, xlow) LOAD(4)
            DOT(3, xlow) LOAD(5)
            DOT(4, xhigh) LOAD(6)
            DOT(5, xhigh) LOAD(7)
            uint8x16_t scale = vld1q_u8(w->sc[b]), t = vld1q_dup_u8(&x->t[b]);
            int16x8_t low = vreinterpretq_s16_u16(vmull_u8(vget_low_u8(scale), vget_low_u8(t)));
            int16x8_t high = vreinterpretq_s16_u16(vmull_high_u8(scale, t));
            DOT(6, xhigh) DOT(7, xhigh)
#undef LOAD
#undef DOT
            ADD_SCALED(low, high)
        }
        ADD_SUPER(w, x)
    }
    STORE_ROWS(y)
}

/* ---- many tokens ---- */

/* A superblock made ready for many tokens. */
struct opened {
    int8_t q[8][8][16][4];      /* as in q8_super */
    int32_t scale[8][16];       /* q4: sc[b] - sc[b+1]; q8: sc[b] */
    struct minima m;
    float d[16];
};

static inline void open_steps(struct opened *o, const uint16_t *d) {
    for (int r = 0; r < PANEL; r += 4) vst1q_f32(o->d + r, load_steps(d + r));
}

static inline void open_q4(struct opened *o, const struct q4_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 4; g++)
            for (int r = 0; r < PANEL; r += 4) {
                uint8x16_t v = vld1q_u8(w->q[b][g][r]);
                vst1q_s8(o->q[b][g][r], low_nibbles(v));
                vst1q_s8(o->q[b][g + 4][r], high_nibbles(v));
            }
        for (int r = 0; r < PANEL; r += 8) {
            uint8x8_t next = b + 1 < BLOCKS ? vld1_u8(w->sc[b + 1] + r) : vdup_n_u8(0);
            int16x8_t scale = vreinterpretq_s16_u16(vsubl_u8(vld1_u8(w->sc[b] + r), next));
            vst1q_s32(o->scale[b] + r, vmovl_s16(vget_low_s16(scale)));
            vst1q_s32(o->scale[b] + r + 4, vmovl_high_s16(scale));
        }
    }
    o->m = load_minima(w);
    open_steps(o, w->d);
}

static inline void open_q8(struct opened *o, const struct q8_super *w) {
    for (int b = 0; b < BLOCKS; b++)
        for (int r = 0; r < PANEL; r += 8) {
            uint16x8_t scale = vmovl_u8(vld1_u8(w->sc[b] + r));
            vst1q_s32(o->scale[b] + r, vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(scale))));
            vst1q_s32(o->scale[b] + r + 4, vreinterpretq_s32_u32(vmovl_high_u16(scale)));
        }
    open_steps(o, w->d);
}

/* What 4 tokens bring to a superblock before its products. */
struct tile {
    const struct act *x[TILE];
    float dx[TILE];
    int8x16_t parts[TILE];      /* q4: of the block sums */
    int32x4_t total;            /* q4: of each token's block sums */
    int32_t t[BLOCKS][TILE];    /* q8: the factors */
};

/* p + n, which the compiler shall neither fold into later addresses nor put off. */
static inline const void *ahead(const void *p, int n) {
    p = (const char *)p + n;
    __asm__("" : "+r"(p));
    return p;
}

/* A load that in-order cores issue beside a product. */
static inline int8x16_t load_beside(const void *p) {
    int8x16_t v;
    __asm__("ld1 {%0.16b}, %1" : "=w"(v) : "Q"(*(const int8_t (*)[16])p));
    return v;
}

#define EACH_TOKEN(F) F(0) F(1) F(2) F(3)

/* 8 rows x 4 tokens: dota0 is rows 0-3 of token 0, dotb0 rows 4-7. */
static inline __attribute__((always_inline))
void multiply(float (*y)[PANEL], const struct opened *o, const int8_t (*q)[8][16][4], const struct tile *x, int row, bool fine) {
    const float *d = o->d;
#define START(T) \
    int32x4_t suma##T = fine ? vdupq_n_s32(0) : vdupq_laneq_s32(x->total, T), dota##T; \
    int32x4_t sumb##T = suma##T, dotb##T; \
    const int8_t *p##T = x->x[T]->x;
    EACH_TOKEN(START)
    if (!fine) {                /* sum_minima, step by step for 4 tokens */
        int8x16_t lowa = o->m.low[row / 4], lowb = o->m.low[row / 4 + 1], higha = o->m.high[row / 4], highb = o->m.high[row / 4 + 1];
#define PARTS(T) int8x16_t parts##T = x->parts[T];
#define HIGH_LOW(T) suma##T = vdotq_laneq_s32(suma##T, lowa, parts##T, 2); sumb##T = vdotq_laneq_s32(sumb##T, lowb, parts##T, 2);
#define HIGH_HIGH(T) suma##T = vdotq_laneq_s32(suma##T, higha, parts##T, 3); sumb##T = vdotq_laneq_s32(sumb##T, highb, parts##T, 3);
#define SHIFT(T) suma##T = vshlq_n_s32(suma##T, 6); sumb##T = vshlq_n_s32(sumb##T, 6);
#define LOW_LOW(T) suma##T = vdotq_laneq_s32(suma##T, lowa, parts##T, 0); sumb##T = vdotq_laneq_s32(sumb##T, lowb, parts##T, 0);
#define LOW_HIGH(T) suma##T = vdotq_laneq_s32(suma##T, higha, parts##T, 1); sumb##T = vdotq_laneq_s32(sumb##T, highb, parts##T, 1);
#define SHIFT_4(T) suma##T = vshlq_n_s32(suma##T, 4); sumb##T = vshlq_n_s32(sumb##T, 4);
        EACH_TOKEN(PARTS) EACH_TOKEN(HIGH_LOW) EACH_TOKEN(HIGH_HIGH) EACH_TOKEN(SHIFT) EACH_TOKEN(LOW_LOW) EACH_TOKEN(LOW_HIGH) EACH_TOKEN(SHIFT_4)
    }
#define ZERO(T) dota##T = dotb##T = vdupq_n_s32(0);
    EACH_TOKEN(ZERO)
    const int8_t *w = q[0][0][row + 4];
    const int32_t *scales = o->scale[0] + row + 4;
#define FIRST_X(T) int8x16_t xl##T = vld1q_s8(p##T), xh##T;
    EACH_TOKEN(FIRST_X)
#pragma GCC unroll 1
    for (int b = 0; b < BLOCKS; b++) {
/* q8: made anew just here; gcc would copy a zero for each first product, late. */
#define RESET(T) __asm__ volatile("movi %0.4s, #0" : "=w"(dota##T)); __asm__ volatile("movi %0.4s, #0" : "=w"(dotb##T));
        if (fine) { EACH_TOKEN(RESET) }
#define DOTS(G, X, LANE, LOAD) \
        dota0 = vdotq_laneq_s32(dota0, wa##G, X##0, LANE); \
        dota1 = vdotq_laneq_s32(dota1, wa##G, X##1, LANE); \
        dota2 = vdotq_laneq_s32(dota2, wa##G, X##2, LANE); \
        LOAD \
        dota3 = vdotq_laneq_s32(dota3, wa##G, X##3, LANE); \
        dotb0 = vdotq_laneq_s32(dotb0, wb##G, X##0, LANE); \
        dotb1 = vdotq_laneq_s32(dotb1, wb##G, X##1, LANE); \
        dotb2 = vdotq_laneq_s32(dotb2, wb##G, X##2, LANE); \
        dotb3 = vdotq_laneq_s32(dotb3, wb##G, X##3, LANE);
#define LOAD_A(G) int8x16_t wa##G = vld1q_s8(w + 48); w = ahead(w, 64);
#define LOAD_B(G) int8x16_t wb##G = load_beside(w);
#define LOAD_X(T) xh##T = vld1q_s8(p##T + 16); p##T = ahead(p##T, BLOCK);
        int8x16_t wa0 = vld1q_s8(w - 16);
        LOAD_X(0) LOAD_X(1)
        int8x16_t wb0 = vld1q_s8(w);
        LOAD_A(1)
        DOTS(0, xl, 0, LOAD_B(1)) LOAD_A(2) LOAD_X(2)
        DOTS(1, xl, 1, LOAD_B(2)) LOAD_A(3) LOAD_X(3)
        DOTS(2, xl, 2, LOAD_B(3)) LOAD_A(4)
        DOTS(3, xl, 3, LOAD_B(4)) LOAD_A(5)
        DOTS(4, xh, 0, LOAD_B(5)) LOAD_A(6)
        DOTS(5, xh, 1, LOAD_B(6)) LOAD_A(7)
        DOTS(6, xh, 2, LOAD_B(7))
        int32x4_t scalea = vld1q_s32(scales - 4);
        w = ahead(w, 64);
        DOTS(7, xh, 3, int32x4_t scaleb = vreinterpretq_s32_s8(load_beside(scales));)
#define SCALE_T(T) \
        dota##T = vmulq_laneq_s32(dota##T, t, T); \
        dotb##T = vmulq_laneq_s32(dotb##T, t, T);
        if (fine) { int32x4_t t = vld1q_s32(x->t[b]); EACH_TOKEN(SCALE_T) }
#define SCALE(T) \
        suma##T = vmlaq_s32(suma##T, dota##T, scalea); \
        xl##T = load_beside(p##T); \
        sumb##T = vmlaq_s32(sumb##T, dotb##T, scaleb);
        EACH_TOKEN(SCALE)
        scales = ahead(scales, 64);
    }
    /* add_super, step by step for 4 tokens */
    float32x4_t da = vld1q_f32(d + row), db = vld1q_f32(d + row + 4), dx = vld1q_f32(x->dx);
#define LOAD_Y(T) float32x4_t ya##T = vld1q_f32(y[T] + row), yb##T = vld1q_f32(y[T] + row + 4);
#define STEP(T) float32x4_t stepa##T = vmulq_laneq_f32(da, dx, T), stepb##T = vmulq_laneq_f32(db, dx, T);
#define CONVERT(T) float32x4_t fa##T = vcvtq_f32_s32(suma##T), fb##T = vcvtq_f32_s32(sumb##T);
#define PRODUCT(T) fa##T = vmulq_f32(stepa##T, fa##T); fb##T = vmulq_f32(stepb##T, fb##T);
#define SUM(T) fa##T = vaddq_f32(ya##T, fa##T); fb##T = vaddq_f32(yb##T, fb##T);
#define STORE_A(T) vst1q_f32(y[T] + row, fa##T);
#define STORE_B(T) vst1q_f32(y[T] + row + 4, fb##T);
    EACH_TOKEN(LOAD_Y) EACH_TOKEN(STEP) EACH_TOKEN(CONVERT) EACH_TOKEN(PRODUCT)
    SUM(0) SUM(1)
    fa2 = vaddq_f32(ya2, fa2); STORE_A(0)
    fb2 = vaddq_f32(yb2, fb2); STORE_B(0)
    fa3 = vaddq_f32(ya3, fa3); STORE_A(1)
    fb3 = vaddq_f32(yb3, fb3); STORE_B(1)
    STORE_A(2) STORE_B(2) STORE_A(3) STORE_B(3)
}

/* Tokens t.. of n, those after the last repeat it: their sums go nowhere. Step by step for 4 tokens, as in multiply. */
static inline void point_at(struct tile *tile, const struct act *x, int supers, int t, int n) {
#define AT(T) int at##T = t + T < n ? t + T : n - 1;
#define TOKEN(T) const struct act *x##T = x + (int64_t)at##T * supers;
#define LOAD_DX(T) float dx##T = x##T->dx;
#define POINT(T) tile->x[T] = x##T; tile->dx[T] = dx##T;
    EACH_TOKEN(AT) EACH_TOKEN(TOKEN) EACH_TOKEN(LOAD_DX) EACH_TOKEN(POINT)
}

/* The compiler shall read a tile again for each 8 rows: the registers are needed. */
#define IN_MEMORY(TILE) __asm__("" : "+m"(TILE))

static void tokens_q4(float (*y)[PANEL], const struct opened *o, const struct act *x, int supers, int n) {
    struct tile tile;
    for (int t = 0; t < n; t += TILE) {
        point_at(&tile, x, supers, t, n);
#define SUMS(T) int16x8_t sums##T = vld1q_s16(tile.x[T]->xs);
#define NEGATE(T) sums##T = vnegq_s16(sums##T);
#define LOW_PARTS(T) int16x8_t low##T = vandq_s16(sums##T, vdupq_n_s16(63));
#define NARROW(T) int8x8_t parts##T = vmovn_s16(low##T);
#define BOTH_PARTS(T) int8x16_t both##T = vcombine_s8(parts##T, vshrn_n_s16(sums##T, 6));
#define STORE_PARTS(T) tile.parts[T] = both##T;
        EACH_TOKEN(SUMS) EACH_TOKEN(NEGATE)
        int16x8_t total = vpaddq_s16(sums0, sums1), more = vpaddq_s16(sums2, sums3);    /* total_sums, split_sums */
        EACH_TOKEN(LOW_PARTS)
        total = vpaddq_s16(total, more);
        EACH_TOKEN(NARROW)
        total = vpaddq_s16(total, total);
        EACH_TOKEN(BOTH_PARTS)
        tile.total = vshll_n_s16(vget_low_s16(total), 1);
        EACH_TOKEN(STORE_PARTS)
        for (int row = 0; row < PANEL; row += 8) {
            IN_MEMORY(tile);
            multiply(y + t, o, o->q, &tile, row, false);
        }
    }
}

static void tokens_q8(float (*y)[PANEL], const struct opened *o, const int8_t (*q)[8][16][4], const struct act *x, int supers, int n) {
    struct tile tile;
    for (int t = 0; t < n; t += TILE) {
        point_at(&tile, x, supers, t, n);
        for (int b = 0; b < BLOCKS; b++)
            for (int i = 0; i < TILE; i++) tile.t[b][i] = tile.x[i]->t[b];
        for (int row = 0; row < PANEL; row += 8) {
            IN_MEMORY(tile);
            multiply(y + t, o, q, &tile, row, true);
        }
    }
}

static inline void store_rows(float *y, int64_t stride, float (*sums)[PANEL], int rows, int n) {
    for (int t = 0; t < n; t++, y += stride)
        if (rows >= PANEL) memcpy(y, sums[t], sizeof sums[t]);
        else memcpy(y, sums[t], (size_t)rows * sizeof *y);
}

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    float sums[CHUNK][PANEL];
    const struct q4_super *panel = w;
    for (int row = 0; row < rows; row += PANEL, panel += supers) {
        for (int first = 0; first < n; first += CHUNK) {
            int tokens = n - first < CHUNK ? n - first : CHUNK;
            const struct act *token = x + (int64_t)first * supers;
            if (tokens == 1) {
                panel_q4(sums[0], panel, supers, token);
            } else {
                struct opened o;
                memset(sums, 0, sizeof sums);
                for (int s = 0; s < supers; s++) {
                    open_q4(&o, panel + s);
                    tokens_q4(sums, &o, token + s, supers, tokens);
                }
            }
            store_rows(y + first * stride + row, stride, sums, rows - row, tokens);
        }
    }
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    float sums[CHUNK][PANEL];
    const struct q8_super *panel = w;
    for (int row = 0; row < rows; row += PANEL, panel += supers) {
        for (int first = 0; first < n; first += CHUNK) {
            int tokens = n - first < CHUNK ? n - first : CHUNK;
            const struct act *token = x + (int64_t)first * supers;
            if (tokens == 1) {
                panel_q8(sums[0], panel, supers, token);
            } else {
                struct opened o;
                memset(sums, 0, sizeof sums);
                for (int s = 0; s < supers; s++) {
                    open_q8(&o, panel + s);
                    tokens_q8(sums, &o, panel[s].q, token + s, supers, tokens);
                }
            }
            store_rows(y + first * stride + row, stride, sums, rows - row, tokens);
        }
    }
}

const struct kernels kernels_dotprod = {.name = "dotprod", .matmul_q = {matmul_q8, matmul_q4}, LANES_KERNELS};
