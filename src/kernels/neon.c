/* neon.c - L1: kernels for NEON of ARMv7 and ARMv8.0: no dot-product instructions.
 *
 * smlal multiplies 8 pairs of bytes into 16-bit lanes: row r's four columns of a group lie in four lanes, and the four activations
 * are repeated in every four bytes. What makes it fast is how long the sums may stay 16 bits wide:
 *
 *   q4   (q - 8) x is at most 8 * 127, so all 32 columns of a block fit: 32 * 8 * 127 = 32512. One tree of pairwise additions per
 *        block makes 8 rows' sums of 8 registers' lanes, and smlal by the scales adds them up in 32 bits. The 8 is put back with the
 *        minima:  isum = sum of sc (dot - 8 xs) + 8 sum of (sc - 2 m) xs.
 *   q8   two products fit, 2 * 127 * 127 = 32258; then a pairwise addition widens to 32 bits.
 *
 * One token: the panel is read once, straight from the packed bytes, prefetched line by line; dot - 8 xs may wrap on the way.
 * More tokens: q4 is unpacked to q - 8, once for TOKENS tokens, and the tile is 8 rows by TILE tokens: with 4 tokens it fills the
 * 32 registers of AArch64, with 2 the 16 of ARMv7. */
#include <arm_neon.h>
#include "lanes.h"

#define INLINE static inline __attribute__((always_inline))

enum { TOKENS = 64, AHEAD = 1024 };

/* ---- the two spellings of one operation ---- */

#ifdef __aarch64__

enum { TILE = 4, ROWS = 16 };                   /* tokens of a tile; rows of a pass over a block with one token */
typedef int8x16_t quad;                         /* four activations, repeated in either half of a register */

/* clang takes smlal2 apart when it sees that both halves are equal: hide it. */
#ifdef __clang__
#define HIDE(v) __asm__("" : "+w"(v))
#else
#define HIDE(v) (void)(v)
#endif

INLINE quad load_quad(const int8_t *p) {
    quad x = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)p));
    HIDE(x);
    return x;
}
INLINE int16x8_t mul_low(int8x16_t w, quad x) { return vmull_s8(vget_low_s8(w), vget_low_s8(x)); }
INLINE int16x8_t mul_high(int8x16_t w, quad x) { return vmull_high_s8(w, x); }
INLINE int16x8_t mla_low(int16x8_t s, int8x16_t w, quad x) { return vmlal_s8(s, vget_low_s8(w), vget_low_s8(x)); }
INLINE int16x8_t mla_high(int16x8_t s, int8x16_t w, quad x) { return vmlal_high_s8(s, w, x); }
INLINE int16x8_t pairs16(int16x8_t a, int16x8_t b) { return vpaddq_s16(a, b); }
INLINE int32x4_t pairs32(int32x4_t a, int32x4_t b) { return vpaddq_s32(a, b); }
INLINE int32x4_t mla16_high(int32x4_t s, int16x8_t a, int16x8_t b) { return vmlal_high_s16(s, a, b); }
#define MLA16_LANE(s, a, x, lane) vmlal_laneq_s16(s, vget_low_s16(a), x, lane)
#define MLA16_HIGH_LANE(s, a, x, lane) vmlal_high_laneq_s16(s, a, x, lane)

#else

enum { TILE = 2, ROWS = 8 };
typedef int8x8_t quad;

INLINE quad load_quad(const int8_t *p) { return vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)(const void *)p)); }
INLINE int16x8_t mul_low(int8x16_t w, quad x) { return vmull_s8(vget_low_s8(w), x); }
INLINE int16x8_t mul_high(int8x16_t w, quad x) { return vmull_s8(vget_high_s8(w), x); }
INLINE int16x8_t mla_low(int16x8_t s, int8x16_t w, quad x) { return vmlal_s8(s, vget_low_s8(w), x); }
INLINE int16x8_t mla_high(int16x8_t s, int8x16_t w, quad x) { return vmlal_s8(s, vget_high_s8(w), x); }
INLINE int16x8_t pairs16(int16x8_t a, int16x8_t b) {
    return vcombine_s16(vpadd_s16(vget_low_s16(a), vget_high_s16(a)), vpadd_s16(vget_low_s16(b), vget_high_s16(b)));
}
INLINE int32x4_t pairs32(int32x4_t a, int32x4_t b) {
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)), vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}
INLINE int32x4_t mla16_high(int32x4_t s, int16x8_t a, int16x8_t b) { return vmlal_s16(s, vget_high_s16(a), vget_high_s16(b)); }
#define MLA16_LANE(s, a, x, lane) vmlal_lane_s16(s, vget_low_s16(a), (lane) < 4 ? vget_low_s16(x) : vget_high_s16(x), (lane) & 3)
#define MLA16_HIGH_LANE(s, a, x, lane) vmlal_lane_s16(s, vget_high_s16(a), (lane) < 4 ? vget_low_s16(x) : vget_high_s16(x), (lane) & 3)

#endif

/* ---- pieces ---- */

INLINE void prefetch(const void *p) { __builtin_prefetch((const char *)p + AHEAD, 0, 3); }

/* y += (d dx) isum, for four rows */
INLINE void step(float *y, const uint16_t *d, float dx, int32x4_t isum) {
    float32x4_t scale = vmulq_n_f32(vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(d), 16)), dx);
    vst1q_f32(y, vaddq_f32(vld1q_f32(y), vmulq_f32(scale, vcvtq_f32_s32(isum))));
}

struct isum { int32x4_t low, high; };           /* of 8 rows */
struct sums16 { int16x8_t r01, r23, r45, r67; };    /* of 8 rows, four lanes each */

INLINE void mul(struct sums16 *s, int8x16_t w03, int8x16_t w47, quad x) {
    s->r01 = mul_low(w03, x);
    s->r23 = mul_high(w03, x);
    s->r45 = mul_low(w47, x);
    s->r67 = mul_high(w47, x);
}

INLINE void mla(struct sums16 *s, int8x16_t w03, int8x16_t w47, quad x) {
    s->r01 = mla_low(s->r01, w03, x);
    s->r23 = mla_high(s->r23, w03, x);
    s->r45 = mla_low(s->r45, w47, x);
    s->r67 = mla_high(s->r67, w47, x);
}

/* One sum for each of the 8 rows, modulo 2^16. */
INLINE int16x8_t fold(const struct sums16 *s) { return pairs16(pairs16(s->r01, s->r23), pairs16(s->r45, s->r67)); }

INLINE void mla_scaled(struct isum *i, int16x8_t dot, int16x8_t sc) {
    i->low = vmlal_s16(i->low, vget_low_s16(dot), vget_low_s16(sc));
    i->high = mla16_high(i->high, dot, sc);
}

#define EACH_BLOCK(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7)

/* ---- q4 ---- */

INLINE int16x8_t sc_less_2m(uint8x8_t sc, uint8x8_t m) {
    return vreinterpretq_s16_u16(vsubw_u8(vsubl_u8(sc, m), m));
}

/* 8 sum over b of (sc - 2 m) xs */
INLINE struct isum minima(const struct q4_super *p, int row, int16x8_t xs) {
    int32x4_t low = vdupq_n_s32(0), high = low;
#define MIN(B) { \
        int16x8_t a = sc_less_2m(vld1_u8(p->sc[B] + row), vld1_u8(p->m[B] + row)); \
        low = MLA16_LANE(low, a, xs, B); \
        high = MLA16_HIGH_LANE(high, a, xs, B); \
    }
    EACH_BLOCK(MIN)
#undef MIN
    return (struct isum){vshlq_n_s32(low, 3), vshlq_n_s32(high, 3)};
}

/* 8 rows of a group of the packed block: columns of the low nibbles by x0, of the high ones by x1. */
INLINE void nibbles(struct sums16 *s, const uint8_t *q, quad x0, quad x1, bool first) {
    const uint8x16_t low = vdupq_n_u8(15);
    uint8x16_t a = vld1q_u8(q), b = vld1q_u8(q + 16);
    int8x16_t a0 = vreinterpretq_s8_u8(vandq_u8(a, low)), b0 = vreinterpretq_s8_u8(vandq_u8(b, low));
    if (first) mul(s, a0, b0, x0);
    else mla(s, a0, b0, x0);
    mla(s, vreinterpretq_s8_u8(vshrq_n_u8(a, 4)), vreinterpretq_s8_u8(vshrq_n_u8(b, 4)), x1);
}

/* A panel by one token. */
static void panel_q4(float y[PANEL], const struct q4_super *p, int supers, const struct act *x) {
    for (int s = 0; s < supers; s++, p++, x++) {
        struct isum isum[2] = {minima(p, 0, vld1q_s16(x->xs)), minima(p, 8, vld1q_s16(x->xs))};
        for (int line = 0; line < 5; line++) prefetch((const char *)(p + 1) - sizeof p->d + 64 * line - AHEAD);
        for (int b = 0; b < BLOCKS; b++) {
            const int8_t *x8 = x->x + b * BLOCK;
            int16x8_t less = vdupq_n_s16((int16_t)x->m8[b]);
            for (int h = 0; h < PANEL; h += ROWS) {
                struct sums16 upper, lower;
                for (int g = 0; g < 4; g++) {
                    if (h == 0) prefetch(p->q[b][g]);
                    quad x0 = load_quad(x8 + 4 * g), x1 = load_quad(x8 + 16 + 4 * g);
                    nibbles(&upper, p->q[b][g][h], x0, x1, g == 0);
                    if (ROWS == 16) nibbles(&lower, p->q[b][g][8], x0, x1, g == 0);
                }
                mla_scaled(&isum[h / 8], vaddq_s16(fold(&upper), less), vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p->sc[b] + h))));
                if (ROWS == 16) mla_scaled(&isum[1], vaddq_s16(fold(&lower), less), vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p->sc[b] + 8))));
            }
        }
        for (int h = 0; h < 2; h++) {
            step(y + 8 * h, p->d + 8 * h, x->dx, isum[h].low);
            step(y + 8 * h + 4, p->d + 8 * h + 4, x->dx, isum[h].high);
        }
    }
}

/* 8 rows of a superblock for many tokens */
struct rows_q4 {
    int8_t q[8][8][8][4];       /* [b][g][r][j]: column 32b + 4g + j, less 8 */
    int16_t sc[8][8], min[8][8];    /* [b][r]; min = sc - 2 m */
    uint16_t d[8];
};

static void unpack(struct rows_q4 *u, const struct q4_super *p, int row) {
    const uint8x16_t low = vdupq_n_u8(15);
    const int8x16_t eight = vdupq_n_s8(8);
    for (int b = 0; b < BLOCKS; b++) {
        uint8x8_t sc = vld1_u8(p->sc[b] + row);
        vst1q_s16(u->sc[b], vreinterpretq_s16_u16(vmovl_u8(sc)));
        vst1q_s16(u->min[b], sc_less_2m(sc, vld1_u8(p->m[b] + row)));
        for (int g = 0; g < 4; g++)
            for (int r = 0; r < 8; r += 4) {
                uint8x16_t v = vld1q_u8(p->q[b][g][row + r]);
                vst1q_s8(u->q[b][g][r], vsubq_s8(vreinterpretq_s8_u8(vandq_u8(v, low)), eight));
                vst1q_s8(u->q[b][g + 4][r], vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(v, 4)), eight));
            }
    }
    memcpy(u->d, p->d + row, sizeof u->d);
}

/* 8 rows by `tokens` tokens, which are `supers` acts apart. */
INLINE void tile_q4(float (*y)[PANEL], const struct rows_q4 *u, const struct act *x, int supers, const int tokens) {
    struct isum isum[TILE];
    int16x8_t xs[TILE];
    const int8_t *x8[TILE];
#define EACH_TOKEN _Pragma("GCC unroll 4") for (int t = 0; t < tokens; t++)
    EACH_TOKEN {
        x8[t] = x[t * supers].x;
        xs[t] = vld1q_s16(x[t * supers].xs);
        isum[t].low = isum[t].high = vdupq_n_s32(0);
    }
#define MIN(B) { \
        int16x8_t a = vld1q_s16(u->min[B]); \
        EACH_TOKEN { \
            isum[t].low = MLA16_LANE(isum[t].low, a, xs[t], B); \
            isum[t].high = MLA16_HIGH_LANE(isum[t].high, a, xs[t], B); \
        } \
    }
    EACH_BLOCK(MIN)
#undef MIN
    EACH_TOKEN {
        isum[t].low = vshlq_n_s32(isum[t].low, 3);
        isum[t].high = vshlq_n_s32(isum[t].high, 3);
    }
    for (int b = 0; b < BLOCKS; b++) {
        struct sums16 s[TILE];
        _Pragma("GCC unroll 8") for (int g = 0; g < 8; g++) {
            int8x16_t w03 = vld1q_s8(u->q[b][g][0]), w47 = vld1q_s8(u->q[b][g][4]);
            EACH_TOKEN {
                quad q = load_quad(x8[t] + 4 * g);
                if (g == 0) mul(&s[t], w03, w47, q);
                else mla(&s[t], w03, w47, q);
            }
        }
        int16x8_t sc = vld1q_s16(u->sc[b]);
        EACH_TOKEN {
            mla_scaled(&isum[t], fold(&s[t]), sc);
            x8[t] += BLOCK;
        }
    }
    EACH_TOKEN {
        step(y[t], u->d, x[t * supers].dx, isum[t].low);
        step(y[t] + 4, u->d + 4, x[t * supers].dx, isum[t].high);
    }
}

static void tokens_q4(float (*y)[PANEL], const struct q4_super *p, int supers, const struct act *x, int n) {
    struct rows_q4 u __attribute__((aligned(64)));
    for (int s = 0; s < supers; s++)
        for (int h = 0; h < PANEL; h += 8) {
            int t = 0;
            unpack(&u, &p[s], h);
            for (; t + TILE <= n; t += TILE) tile_q4((float (*)[PANEL])&y[t][h], &u, &x[(int64_t)t * supers + s], supers, TILE);
            for (; t < n; t++) tile_q4((float (*)[PANEL])&y[t][h], &u, &x[(int64_t)t * supers + s], supers, 1);
        }
}

/* ---- all panels ---- */

#define MATMUL_Q(NAME, TYPE, PANEL_BY_ONE, PANEL_BY_MANY) \
static void NAME(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) { \
    float sum[TOKENS][PANEL] __attribute__((aligned(64))); \
    const TYPE *panel = w; \
    for (int row = 0; row < rows; row += PANEL, panel += supers) \
        for (int first = 0; first < n; first += TOKENS) { \
            const struct act *a = x + (int64_t)first * supers; \
            int tokens = n - first < TOKENS ? n - first : TOKENS; \
            memset(sum, 0, (size_t)tokens * sizeof *sum); \
            if (tokens == 1) PANEL_BY_ONE(sum[0], panel, supers, a); \
            else PANEL_BY_MANY(sum, panel, supers, a, tokens); \
            for (int t = 0; t < tokens; t++) \
                memcpy(y + (first + t) * stride + row, sum[t], (size_t)(rows - row < PANEL ? rows - row : PANEL) * sizeof *y); \
        } \
}
MATMUL_Q(matmul_q4, struct q4_super, panel_q4, tokens_q4)

const struct kernels kernels_neon = {.name = "neon", .matmul_q = {matmul_q8_reference, matmul_q4}, LANES_KERNELS};
