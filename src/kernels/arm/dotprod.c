/* dotprod.c - kernels for ARMv8.2 dot products.
 *
 * One sdot multiplies a register of a panel (4 rows x 4 columns) with 4 activations of one token, taken by lane. What a superblock
 * sums is whole, so its order is free, and is chosen for the fewest instructions:
 *
 *   q4 scales   The dots D run on through the superblock and are never reset: sum of sc[b] dot[b] = sum of D[b] (sc[b] - sc[b+1]).
 *               q8 has a factor per block and token besides, so there the dots start anew.
 *   q4 minima   udot as well, 4 blocks at once: 4096 - xs = 64 high + low are two bytes without sign.
 *
 * One token: all 16 rows of the panel, unpacked in registers.
 * More: a superblock is unpacked once for up to CHUNK tokens, then 8 rows x 4 tokens are multiplied at a time: 8 dots and 8 sums stay
 * in registers, and 16 + 8 loads serve 64 sdot. Half of the loads are ld1, which needs a register for its address, but is taken beside
 * an sdot by cores that run in order; the address is counted on beside one of the other loads. */
#define LEVEL dotprod
#include <arm_neon.h>
#include <stddef.h>
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"
#include "kernels/arm/sdot.inc"
#include "kernels/common/attention.inc"

/* The products below are written in the order that suits cores that run in order: gcc keeps it, where its own costs such a core a quarter
 * to a half more cycles. The loops of lanes.h above are scheduled as ever. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-schedule-insns", "no-schedule-insns2", "no-tree-ter", "no-peephole2", "no-auto-inc-dec")
#endif

enum { TILE = 4, CHUNK = 64, AHEAD = 1024 };

/* 4 steps of rows as floats. */
static inline float32x4_t load_steps(const uint16_t *d) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(d), 16)); }

/* y + (d * dx) * isum: three roundings. */
static inline float32x4_t add_super(float32x4_t y, float32x4_t d, float dx, int32x4_t isum) {
    return vaddq_f32(y, vmulq_f32(vmulq_n_f32(d, dx), vcvtq_f32_s32(isum)));
}

/* ---- minima ---- */

/* Of rows 8i..8i+3 (a) and 8i+4..8i+7 (b) the minima of blocks 0-3 (low) and 4-7 (high), block after block within a row; base is -64
 * times their sum. */
struct minima { uint8x16_t lowa, lowb, higha, highb; int32x4_t basea, baseb; };

static inline void transpose_minima(uint8x16_t out[4], const uint8_t m[4][16]) {
    uint8x16x2_t even = vzipq_u8(vld1q_u8(m[0]), vld1q_u8(m[2])), odd = vzipq_u8(vld1q_u8(m[1]), vld1q_u8(m[3]));
    uint8x16x2_t first = vzipq_u8(even.val[0], odd.val[0]), last = vzipq_u8(even.val[1], odd.val[1]);
    out[0] = first.val[0];
    out[1] = first.val[1];
    out[2] = last.val[0];
    out[3] = last.val[1];
}

static inline int32x4_t minima_base(uint8x16_t low, uint8x16_t high) {
    uint8x16_t all = vdupq_n_u8(64);
    return vnegq_s32(vreinterpretq_s32_u32(vdotq_u32(vdotq_u32(vdupq_n_u32(0), low, all), high, all)));
}

static inline void load_minima(struct minima m[2], const struct q4_super *w) {
    uint8x16_t low[4], high[4];
    transpose_minima(low, w->m);
    transpose_minima(high, w->m + 4);
    for (int i = 0; i < 2; i++)
        m[i] = (struct minima){low[2 * i], low[2 * i + 1], high[2 * i], high[2 * i + 1],
                               minima_base(low[2 * i], high[2 * i]), minima_base(low[2 * i + 1], high[2 * i + 1])};
}

/* sum + the minima of 4 blocks times a part of the block sums: lanes 0, 1 the low parts of blocks 0-3, 4-7, lanes 2, 3 the high. */
#define DOT_MINIMA(SUM, M, PARTS, LANE) vreinterpretq_s32_u32(vdotq_laneq_u32(vreinterpretq_u32_s32(SUM), M, PARTS, LANE))

/* -16 sum over b of m[b] xs[b] of 4 rows: 16 sum of m (64 high + low) - 16 * 4096 sum of m. */
static inline int32x4_t sum_minima(int32x4_t base, uint8x16_t low, uint8x16_t high, uint8x16_t parts) {
    int32x4_t sum = DOT_MINIMA(DOT_MINIMA(base, low, parts, 2), high, parts, 3);
    sum = vshlq_n_s32(sum, 6);
    return vshlq_n_s32(DOT_MINIMA(DOT_MINIMA(sum, low, parts, 0), high, parts, 1), 4);
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

static const _Alignas(16) uint8_t none[PANEL];

static inline void panel_q4(float y[PANEL], const struct q4_super *w, int supers, const struct act *x) {
    float32x4_t y0 = vdupq_n_f32(0), y1 = y0, y2 = y0, y3 = y0;
    for (; supers > 0; supers--, w++, x++) {
        prefetch(w, offsetof(struct q4_super, q));
        struct minima m[2];
        load_minima(m, w);
        uint8x16_t parts = vld1q_u8(x->low);
        int32x4_t sum0 = sum_minima(m[0].basea, m[0].lowa, m[0].higha, parts), sum1 = sum_minima(m[0].baseb, m[0].lowb, m[0].highb, parts);
        int32x4_t sum2 = sum_minima(m[1].basea, m[1].lowa, m[1].higha, parts), sum3 = sum_minima(m[1].baseb, m[1].lowb, m[1].highb, parts);
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
    struct minima m[2];
    float d[16];
};

static inline void open_steps(struct opened *o, const uint16_t *d) {
    for (int r = 0; r < PANEL; r += 4) vst1q_f32(o->d + r, load_steps(d + r));
}

static inline void open_scales(int32_t to[PANEL], int16x8_t low, int16x8_t high) {
    store_beside(to, vreinterpretq_s8_s32(vmovl_s16(vget_low_s16(low))));
    store_beside(to + 4, vreinterpretq_s8_s32(vmovl_high_s16(low)));
    store_beside(to + 8, vreinterpretq_s8_s32(vmovl_s16(vget_low_s16(high))));
    store_beside(to + 12, vreinterpretq_s8_s32(vmovl_high_s16(high)));
}

/* Addresses are counted on well before they are needed: to wait for one is dear. */
static inline void open_q4(struct opened *o, const struct q4_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        void *low = o->q[b], *high = o->q[b][4];
        for (int g = 0; g < 4; g++) {
            uint8x16_t v0 = vld1q_u8(w->q[b][g][0]), v1 = vld1q_u8(w->q[b][g][4]), v2 = vld1q_u8(w->q[b][g][8]), v3 = vld1q_u8(w->q[b][g][12]);
#define OPEN(R) { \
            int8x16_t l = low_nibbles(v##R), h = high_nibbles(v##R); \
            store_beside(low, l); \
            low = ahead(low, 16); \
            store_beside(high, h); \
            high = ahead(high, 16); }
            OPEN(0) OPEN(1) OPEN(2) OPEN(3)
#undef OPEN
        }
        uint8x16_t scale = vld1q_u8(w->sc[b]), next = vld1q_u8(b + 1 < BLOCKS ? w->sc[b + 1] : none);
        open_scales(o->scale[b], vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(scale), vget_low_u8(next))),
                    vreinterpretq_s16_u16(vsubl_high_u8(scale, next)));
    }
    load_minima(o->m, w);
    open_steps(o, w->d);
}

static inline void open_q8(struct opened *o, const struct q8_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        uint8x16_t scale = vld1q_u8(w->sc[b]);
        open_scales(o->scale[b], vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(scale))), vreinterpretq_s16_u16(vmovl_high_u8(scale)));
    }
    open_steps(o, w->d);
}

#define EACH_TOKEN(F) F(0) F(1) F(2) F(3)

/* 8 rows x 4 tokens, superblock s: dota0 is rows 0-3 of token 0, dotb0 rows 4-7. t are the factors of q8's blocks and tokens. */
INLINE void multiply(float (*y)[PANEL], const struct opened *o, const int8_t (*q)[8][16][4], const struct act *const x[TILE], int s,
              const int32_t (*t)[TILE], int row, bool fine) {
    const float *d = o->d;
#define TOKEN(T) const int8_t *p##T = x[T]->x;
#define AT_SUPER(T) p##T = ahead(p##T, s * (int64_t)sizeof **x);
#define START(T) int32x4_t suma##T = vdupq_n_s32(0), sumb##T = suma##T, dota##T, dotb##T;
    EACH_TOKEN(TOKEN) EACH_TOKEN(AT_SUPER) EACH_TOKEN(START)
    if (!fine) {                /* sum_minima, step by step for 4 tokens */
        const struct minima *m = &o->m[row / 8];
        const int32x4_t *basea = ahead(&m->basea, 0), *baseb = ahead(&m->baseb, 0);
        uint8x16_t lowa = m->lowa, lowb = m->lowb, higha = m->higha, highb = m->highb;
/* Each time anew from memory, which is free beside a product; a copy is not. */
#define BASE(SUM, FROM) __asm__ volatile("ld1 {%0.4s}, %1" : "=w"(SUM) : "Q"(FROM));
#define PARTS(T) uint8x16_t parts##T = vld1q_u8((const uint8_t *)p##T + offsetof(struct act, low));
#define HIGH_LOW(T, MORE_A, MORE_B) suma##T = DOT_MINIMA(suma##T, lowa, parts##T, 2); MORE_A sumb##T = DOT_MINIMA(sumb##T, lowb, parts##T, 2); MORE_B
#define HIGH_HIGH(T) suma##T = DOT_MINIMA(suma##T, higha, parts##T, 3); sumb##T = DOT_MINIMA(sumb##T, highb, parts##T, 3);
#define SHIFT(T) suma##T = vshlq_n_s32(suma##T, 6); sumb##T = vshlq_n_s32(sumb##T, 6);
#define LOW_LOW(T) suma##T = DOT_MINIMA(suma##T, lowa, parts##T, 0); sumb##T = DOT_MINIMA(sumb##T, lowb, parts##T, 0);
#define LOW_HIGH(T) suma##T = DOT_MINIMA(suma##T, higha, parts##T, 1); sumb##T = DOT_MINIMA(sumb##T, highb, parts##T, 1);
#define SHIFT_4(T) suma##T = vshlq_n_s32(suma##T, 4); sumb##T = vshlq_n_s32(sumb##T, 4);
        EACH_TOKEN(PARTS)
        BASE(suma0, *basea) BASE(sumb0, *baseb) BASE(suma1, *basea) BASE(sumb1, *baseb)
        HIGH_LOW(0, BASE(suma2, *basea), BASE(sumb2, *baseb)) HIGH_LOW(1, BASE(suma3, *basea), BASE(sumb3, *baseb)) HIGH_LOW(2,,) HIGH_LOW(3,,)
        EACH_TOKEN(HIGH_HIGH) EACH_TOKEN(SHIFT) EACH_TOKEN(LOW_LOW) EACH_TOKEN(LOW_HIGH) EACH_TOKEN(SHIFT_4)
    }
/* Most from memory: to make a zero costs as much as a product. (All, and gcc copies sums in the loop.) */
    const volatile int32x4_t *zero = ahead(none, 0);
#define ZERO(T) dota##T = T > 1 ? *zero : vdupq_n_s32(0); dotb##T = *zero;
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
        dota##T = vmulq_laneq_s32(dota##T, factors, T); \
        dotb##T = vmulq_laneq_s32(dotb##T, factors, T);
        if (fine) { int32x4_t factors = vld1q_s32(t[b]); EACH_TOKEN(SCALE_T) }
#define SCALE(T) \
        suma##T = vmlaq_s32(suma##T, dota##T, scalea); \
        xl##T = load_beside(p##T); \
        sumb##T = vmlaq_s32(sumb##T, dotb##T, scaleb);
        EACH_TOKEN(SCALE)
        scales = ahead(scales, 64);
    }
    /* add_super, step by step for 4 tokens */
    float32x4_t da = vld1q_f32(d + row), db = vld1q_f32(d + row + 4);
    void *toa0 = y[0] + row;
#define LOAD_Y(T) \
    float dx##T = *(const float *)(const void *)(p##T + offsetof(struct act, dx) - SUPER); \
    float32x4_t ya##T = vld1q_f32(toa##T); void *tob##T = ahead(toa##T, 16); \
    float32x4_t yb##T = vld1q_f32((const float *)toa##T + 4);
#define NEXT(T, U) void *toa##U = ahead(tob##T, sizeof *y - 16);
    LOAD_Y(0) NEXT(0, 1) LOAD_Y(1) NEXT(1, 2) LOAD_Y(2) NEXT(2, 3) LOAD_Y(3)
#define STEP(T) float32x4_t stepa##T = vmulq_n_f32(da, dx##T), stepb##T = vmulq_n_f32(db, dx##T);
#define CONVERT(T) float32x4_t fa##T = vcvtq_f32_s32(suma##T), fb##T = vcvtq_f32_s32(sumb##T);
#define PRODUCT(T) fa##T = vmulq_f32(stepa##T, fa##T); fb##T = vmulq_f32(stepb##T, fb##T);
#define SUM(T) fa##T = vaddq_f32(ya##T, fa##T); fb##T = vaddq_f32(yb##T, fb##T);
#define STORE(T) store_beside(toa##T, vreinterpretq_s8_f32(fa##T)); store_beside(tob##T, vreinterpretq_s8_f32(fb##T));
    EACH_TOKEN(STEP) EACH_TOKEN(CONVERT) EACH_TOKEN(PRODUCT)
    SUM(0) SUM(1) STORE(0) SUM(2) STORE(1) SUM(3) STORE(2) STORE(3)
}

/* Up to CHUNK tokens, and after the last it again to fill its tile: those sums go nowhere. */
struct tokens { const struct act *x[CHUNK + TILE - 1]; };

static inline void point_at(struct tokens *out, const struct act *x, int supers, int n) {
    for (int t = 0; t < n + TILE - 1; t++) out->x[t] = x + (int64_t)(t < n ? t : n - 1) * supers;
}

/* q: the opened weights, or those of q8 where they lie. */
INLINE void multiply_tokens(float (*y)[PANEL], const struct opened *o, const int8_t (*q)[8][16][4], const struct tokens *x, int s, int n, bool fine) {
    int32_t factors[BLOCKS][TILE];
    for (int t = 0; t < n; t += TILE) {
        for (int b = 0; fine && b < BLOCKS; b++)
            for (int i = 0; i < TILE; i++) factors[b][i] = x->x[t + i][s].t[b];
        for (int row = 0; row < PANEL; row += 8) multiply(y + t, o, q, x->x + t, s, factors, row, fine);
    }
}

static inline void store_rows(float *y, int64_t stride, float (*sums)[PANEL], int rows, int n) {
    for (int t = 0; t < n; t++, y += stride)
        if (rows >= PANEL) for (int r = 0; r < PANEL; r += 4) store_beside(y + r, vreinterpretq_s8_f32(vld1q_f32(sums[t] + r)));
        else memcpy(y, sums[t], (size_t)rows * sizeof *y);
}

INLINE void matmul(float *y, int64_t stride, const char *w, int rows, int supers, const struct act *x, int n, bool fine) {
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
                    multiply_tokens(sums, &o, fine ? ((const struct q8_super *)super)->q : o.q, &all, s, tokens, fine);
                }
            }
            store_rows(y + first * stride + row, stride, sums, rows - row, tokens);
        }
    }
}

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    matmul(y, stride, w, rows, supers, x, n, false);
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    matmul(y, stride, w, rows, supers, x, n, true);
}

const struct kernels kernels_dotprod = {
    .name = "dotprod",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
