/* neon.c - kernels for NEON of ARMv7 and ARMv8.0, which have no dot-product instructions.
 *
 * smlal multiplies 8 pairs of bytes and adds the products to 16-bit lanes: the four columns that a
 * group has of a row are in four lanes, and the four activations are repeated to match (a quad).
 * What decides the speed is how long sums may stay 16 bits wide:
 *
 *   q4   |(q - 8) x| <= 8 * 127, so a block's 32 products fit: 32 * 8 * 127 = 32512. Once per block
 *        a tree of pairwise additions makes one register of 8 rows' sums, and smlal by their scales
 *        adds them up in 32 bits. The 8 comes back with the minima:
 *            isum = sum of sc (sum of (q - 8) x) + 8 sum of (sc - 2 m) xs
 *   q8   two products fit, 2 * 127 * 127 = 32258; then a pairwise addition widens to 32 bits.
 *
 * For one token the panel is read once, from front to back, with one prefetch per line of 64 bytes;
 * with q4, sum of q x wraps in its 16 bits until -8 xs is added. For more tokens the tile is 8 rows
 * by TILE tokens: 4 fill the 32 registers of AArch64 with sums, 2 the 16 of ARMv7. There q4 is
 * unpacked to q - 8 first, once for TOKENS tokens.
 *
 * The float steps are the same on NEON of ARMv7, which flushes subnormals, because d and dx are 0
 * or at least 2^-50: what they yield is a multiple of 2^-123. The conversion of isum rounds to
 * nearest even on both. */
#define LEVEL neon
#include <arm_neon.h>
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"

enum { TOKENS = 64, AHEAD = 1024 };

/* ---- hints for the compilers ----
 *
 * ORDER                     gcc moves the loads of all quads of a block to its front, and spills:
 *                           this keeps them in their group. (Not for one token on AArch64, where
 *                           the registers suffice and the earlier loads help an A53.)
 * HIDE                      clang splits smlal2 by a quad, as it sees that both halves are equal.
 * IN_MEMORY, IN_REGISTERS   clang for ARMv7 keeps isum in registers and spills what is used more
 *                           often. */
#ifdef __clang__
#define ORDER (void)0
#define HIDE(v) __asm__("" : "+w"(v))
#else
#define ORDER __asm__ volatile("" ::: "memory")
#define HIDE(v) (void)0
#endif
#if defined(__clang__) && !defined(__aarch64__)
#define IN_MEMORY(v) __asm__("" : "+m"(v))
#define IN_REGISTERS(s) \
    __asm__ volatile("" : "+w"((s).r01), "+w"((s).r23), "+w"((s).r45), "+w"((s).r67))
#else
#define IN_MEMORY(v) (void)0
#define IN_REGISTERS(s) (void)0
#endif

/* ---- the two spellings of an operation ---- */

#ifdef __aarch64__

enum { TILE = 4, ROWS = 16 };   /* tokens of a tile; rows of q4 that one token takes at a time */
typedef int8x16_t quad;

INLINE quad load_quad(const int8_t *p) {
    quad x = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)p));
    HIDE(x);
    return x;
}
INLINE int16x8_t mul_low(int8x16_t w, quad x) {
    return vmull_s8(vget_low_s8(w), vget_low_s8(x));
}
INLINE int16x8_t mul_high(int8x16_t w, quad x) { return vmull_high_s8(w, x); }
INLINE int16x8_t mla_low(int16x8_t s, int8x16_t w, quad x) {
    return vmlal_s8(s, vget_low_s8(w), vget_low_s8(x));
}
INLINE int16x8_t mla_high(int16x8_t s, int8x16_t w, quad x) { return vmlal_high_s8(s, w, x); }
INLINE int16x8_t pairs16(int16x8_t a, int16x8_t b) { return vpaddq_s16(a, b); }
INLINE int32x4_t pairs32(int32x4_t a, int32x4_t b) { return vpaddq_s32(a, b); }
INLINE int32x4_t mla16_high(int32x4_t s, int16x8_t a, int16x8_t b) {
    return vmlal_high_s16(s, a, b);
}
#define MLA16_LANE(s, a, x, lane) vmlal_laneq_s16(s, vget_low_s16(a), x, lane)
#define MLA16_HIGH_LANE(s, a, x, lane) vmlal_high_laneq_s16(s, a, x, lane)

#else

enum { TILE = 2, ROWS = 8 };
typedef int8x8_t quad;

INLINE quad load_quad(const int8_t *p) {
    return vreinterpret_s8_s32(vld1_dup_s32((const int32_t *)(const void *)p));
}
INLINE int16x8_t mul_low(int8x16_t w, quad x) { return vmull_s8(vget_low_s8(w), x); }
INLINE int16x8_t mul_high(int8x16_t w, quad x) { return vmull_s8(vget_high_s8(w), x); }
INLINE int16x8_t mla_low(int16x8_t s, int8x16_t w, quad x) {
    return vmlal_s8(s, vget_low_s8(w), x);
}
INLINE int16x8_t mla_high(int16x8_t s, int8x16_t w, quad x) {
    return vmlal_s8(s, vget_high_s8(w), x);
}
INLINE int16x8_t pairs16(int16x8_t a, int16x8_t b) {
    return vcombine_s16(vpadd_s16(vget_low_s16(a), vget_high_s16(a)),
                        vpadd_s16(vget_low_s16(b), vget_high_s16(b)));
}
INLINE int32x4_t pairs32(int32x4_t a, int32x4_t b) {
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)),
                        vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}
INLINE int32x4_t mla16_high(int32x4_t s, int16x8_t a, int16x8_t b) {
    return vmlal_s16(s, vget_high_s16(a), vget_high_s16(b));
}
#define HALF_OF(x, lane) ((lane) < 4 ? vget_low_s16(x) : vget_high_s16(x))
#define MLA16_LANE(s, a, x, lane) \
    vmlal_lane_s16(s, vget_low_s16(a), HALF_OF(x, lane), (lane) & 3)
#define MLA16_HIGH_LANE(s, a, x, lane) \
    vmlal_lane_s16(s, vget_high_s16(a), HALF_OF(x, lane), (lane) & 3)

#endif

/* ---- pieces ---- */

#define EIGHT(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7)

struct isum { int32x4_t low, high; };                   /* of 8 rows, one lane each */
struct sums16 { int16x8_t r01, r23, r45, r67; };        /* of 8 rows, four lanes each */
struct sums32 { int32x4_t r01, r23, r45, r67; };        /* two lanes each */

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

INLINE void widen(struct sums32 *s, const struct sums16 *a) {
    s->r01 = vpaddlq_s16(a->r01);
    s->r23 = vpaddlq_s16(a->r23);
    s->r45 = vpaddlq_s16(a->r45);
    s->r67 = vpaddlq_s16(a->r67);
}

INLINE void widen_add(struct sums32 *s, const struct sums16 *a) {
    s->r01 = vpadalq_s16(s->r01, a->r01);
    s->r23 = vpadalq_s16(s->r23, a->r23);
    s->r45 = vpadalq_s16(s->r45, a->r45);
    s->r67 = vpadalq_s16(s->r67, a->r67);
}

/* One lane for each of the 8 rows, modulo 2^16. */
INLINE int16x8_t fold(const struct sums16 *s) {
    return pairs16(pairs16(s->r01, s->r23), pairs16(s->r45, s->r67));
}

INLINE int16x8_t load_u8(const uint8_t *p) { return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p))); }

INLINE void add_scaled16(struct isum *i, int16x8_t dot, int16x8_t sc) {
    IN_MEMORY(*i);
    i->low = vmlal_s16(i->low, vget_low_s16(dot), vget_low_s16(sc));
    i->high = mla16_high(i->high, dot, sc);
    IN_MEMORY(*i);
}

INLINE int32x4_t widen_u16(uint16x4_t v) { return vreinterpretq_s32_u32(vmovl_u16(v)); }

INLINE void add_scaled32(struct isum *i, const struct sums32 *s, uint8x8_t sc, uint8_t t) {
    uint16x8_t sct = vmull_u8(sc, vdup_n_u8(t));
    i->low = vmlaq_s32(i->low, pairs32(s->r01, s->r23), widen_u16(vget_low_u16(sct)));
    i->high = vmlaq_s32(i->high, pairs32(s->r45, s->r67), widen_u16(vget_high_u16(sct)));
}

/* The steps of 4 rows as floats. */
INLINE float32x4_t load_steps(const uint16_t *d) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(d), 16));
}

/* y += (d dx) isum, for 8 rows. */
INLINE void step(float *y, const uint16_t *d, float dx, const struct isum *i) {
    float32x4_t low = vmulq_n_f32(load_steps(d), dx), high = vmulq_n_f32(load_steps(d + 4), dx);
    vst1q_f32(y, vaddq_f32(vld1q_f32(y), vmulq_f32(low, vcvtq_f32_s32(i->low))));
    vst1q_f32(y + 4, vaddq_f32(vld1q_f32(y + 4), vmulq_f32(high, vcvtq_f32_s32(i->high))));
}

INLINE void prefetch(const void *p, int ahead) {
    __builtin_prefetch((const char *)p + ahead, 0, 3);
}

/* The scales of the next superblock, and the steps d before them. */
INLINE void prefetch_scales(const void *next, int size) {
    for (int i = -32; i < size; i += 64) prefetch(next, i);
}

/* ---- q4, one token ---- */

INLINE int16x8_t sc_less_2m(const uint8_t *sc, const uint8_t *m) {
    return vreinterpretq_s16_u16(vsubw_u8(vsubl_u8(vld1_u8(sc), vld1_u8(m)), vld1_u8(m)));
}

/* 8 sum of (sc - 2 m) xs, for 8 rows. */
INLINE struct isum minima(const struct q4_super *p, int row, int16x8_t xs) {
    int32x4_t low = vdupq_n_s32(0), high = low;
#define MINIMUM(B) { \
        int16x8_t a = sc_less_2m(p->sc[B] + row, p->m[B] + row); \
        low = MLA16_LANE(low, a, xs, B); \
        high = MLA16_HIGH_LANE(high, a, xs, B); \
    }
    EIGHT(MINIMUM)
#undef MINIMUM
    return (struct isum){vshlq_n_s32(low, 3), vshlq_n_s32(high, 3)};
}

/* 8 rows of a group: the low nibbles by x0, the high ones by x1. */
INLINE void nibbles(struct sums16 *s, const uint8_t *q, quad x0, quad x1, const bool first) {
    const uint8x16_t mask = vdupq_n_u8(15);
    uint8x16_t q03 = vld1q_u8(q), q47 = vld1q_u8(q + 16);
    int8x16_t low03 = vreinterpretq_s8_u8(vandq_u8(q03, mask));
    int8x16_t low47 = vreinterpretq_s8_u8(vandq_u8(q47, mask));
    int8x16_t high03 = vreinterpretq_s8_u8(vshrq_n_u8(q03, 4));
    int8x16_t high47 = vreinterpretq_s8_u8(vshrq_n_u8(q47, 4));
    if (first) mul(s, low03, low47, x0);
    else mla(s, low03, low47, x0);
    mla(s, high03, high47, x1);
}

/* A block of ROWS rows from `row`, added to their isum: upper of the first 8, lower of the rest. */
INLINE void block_q4(struct isum *upper, struct isum *lower, const struct q4_super *p,
                     const struct act *x, int b, const int row) {
    const int8_t *x8 = x->x + b * BLOCK;
    struct sums16 s, t;
#define GROUP(G) { \
        if (ROWS == 8) ORDER; \
        if (row == 0) prefetch(p->q[b][G], AHEAD); \
        quad x0 = load_quad(x8 + 4 * G), x1 = load_quad(x8 + 16 + 4 * G); \
        nibbles(&s, p->q[b][G][row], x0, x1, G == 0); \
        if (ROWS == 16) nibbles(&t, p->q[b][G][8], x0, x1, G == 0); \
    }
    GROUP(0)
    GROUP(1)
    GROUP(2)
    GROUP(3)
#undef GROUP
    int16x8_t less = vdupq_n_s16((int16_t)(-8 * x->xs[b]));
    add_scaled16(upper, vaddq_s16(fold(&s), less), load_u8(p->sc[b] + row));
    if (ROWS == 16) add_scaled16(lower, vaddq_s16(fold(&t), less), load_u8(p->sc[b] + 8));
}

static void panel_q4(float y[PANEL], const struct q4_super *p, int supers, const struct act *x) {
    for (int s = 0; s < supers; s++, p++, x++) {
        struct isum upper = minima(p, 0, vld1q_s16(x->xs));
        struct isum lower = minima(p, 8, vld1q_s16(x->xs));
        prefetch_scales(p + 1, sizeof p->sc + sizeof p->m);
        for (int b = 0; b < BLOCKS; b++) {
            block_q4(&upper, &lower, p, x, b, 0);
            if (ROWS == 8) block_q4(&lower, NULL, p, x, b, 8);
        }
        step(y, p->d, x->dx, &upper);
        step(y + 8, p->d + 8, x->dx, &lower);
    }
}

/* ---- q4, more tokens ---- */

struct unpacked {                   /* 8 rows of a superblock */
    int8_t q[8][8][8][4];           /* [b][g][r][j]: column 32b + 4g + j, less 8 */
    int16_t sc[8][8], min[8][8];    /* [b][r]: sc and sc - 2 m */
};

static void unpack(struct unpacked *u, const struct q4_super *p, int row) {
    const uint8x16_t mask = vdupq_n_u8(15);
    const int8x16_t eight = vdupq_n_s8(8);
    for (int b = 0; b < BLOCKS; b++) {
        vst1q_s16(u->sc[b], load_u8(p->sc[b] + row));
        vst1q_s16(u->min[b], sc_less_2m(p->sc[b] + row, p->m[b] + row));
        for (int g = 0; g < 4; g++)
            for (int r = 0; r < 8; r += 4) {
                uint8x16_t q = vld1q_u8(p->q[b][g][row + r]);
                int8x16_t low = vreinterpretq_s8_u8(vandq_u8(q, mask));
                int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(q, 4));
                vst1q_s8(u->q[b][g][r], vsubq_s8(low, eight));
                vst1q_s8(u->q[b][g + 4][r], vsubq_s8(high, eight));
            }
    }
}

struct token {
    const struct act *x;
    struct sums16 s;
    struct sums32 wide;
};

/* Each token of a tile has a name, t0..t3, as gcc keeps small arrays of vectors in memory. Their
 * isum i0..i3 are apart, as clang keeps the whole of a struct in memory.
 * F(token, its number, A) for each of the tile's `tokens`. */
#define EACH_TOKEN(F, A) \
    do { \
        F(t0, 0, A); \
        if (tokens > 1) F(t1, 1, A); \
        if (tokens > 2) F(t2, 2, A); \
        if (tokens > 2) F(t3, 3, A); \
    } while (0)
#define START(T, N, SUPERS) \
    do { \
        T.x = x + N * (int64_t)SUPERS; \
        i##N.low = i##N.high = vdupq_n_s32(0); \
    } while (0)
#define FINISH(T, N, D) step(y[N], D, T.x->dx, &i##N)

/* 8 rows by `tokens` tokens. */
INLINE void tile_q4(float (*y)[PANEL], const struct unpacked *u, const uint16_t *d,
                    const struct act *x, int supers, const int tokens) {
    struct token t0, t1, t2, t3;
    struct isum i0, i1, i2, i3;
    EACH_TOKEN(START, supers);
#define ADD_MINIMUM(T, N, B) \
    do { \
        int16x8_t xs = vld1q_s16(T.x->xs); \
        i##N.low = MLA16_LANE(i##N.low, min, xs, B); \
        i##N.high = MLA16_HIGH_LANE(i##N.high, min, xs, B); \
    } while (0)
#define MINIMUM(B) { \
        int16x8_t min = vld1q_s16(u->min[B]); \
        EACH_TOKEN(ADD_MINIMUM, B); \
    }
    EIGHT(MINIMUM)
#define SHIFT(T, N, BITS) \
    do { \
        i##N.low = vshlq_n_s32(i##N.low, BITS); \
        i##N.high = vshlq_n_s32(i##N.high, BITS); \
    } while (0)
    EACH_TOKEN(SHIFT, 3);
    for (int b = 0; b < BLOCKS; b++) {
#define MUL(T, N, G) mul(&T.s, w03, w47, load_quad(T.x->x + b * BLOCK + 4 * G))
#define MLA(T, N, G) \
    do { \
        mla(&T.s, w03, w47, load_quad(T.x->x + b * BLOCK + 4 * G)); \
        IN_REGISTERS(T.s); \
    } while (0)
#define GROUP(G) { \
        ORDER; \
        int8x16_t w03 = vld1q_s8(u->q[b][G][0]), w47 = vld1q_s8(u->q[b][G][4]); \
        if (G == 0) EACH_TOKEN(MUL, G); \
        else EACH_TOKEN(MLA, G); \
    }
        EIGHT(GROUP)
#define END_Q4(T, N, SC) add_scaled16(&i##N, fold(&T.s), SC)
        int16x8_t sc = vld1q_s16(u->sc[b]);
        EACH_TOKEN(END_Q4, sc);
    }
    EACH_TOKEN(FINISH, d);
#undef ADD_MINIMUM
#undef MINIMUM
#undef SHIFT
#undef MUL
#undef MLA
#undef GROUP
#undef END_Q4
}

static void tokens_q4(float (*y)[PANEL], const struct q4_super *p, int supers,
                      const struct act *x, int n) {
    struct unpacked u __attribute__((aligned(64)));
    for (int s = 0; s < supers; s++, p++, x++)
        for (int row = 0; row < PANEL; row += 8) {
            unpack(&u, p, row);
            int t = 0;
#define TILES(N) \
            for (; t + N <= n; t += N) \
                tile_q4((float (*)[PANEL])&y[t][row], &u, p->d + row, x + (int64_t)t * supers, \
                        supers, N)
            if (TILE == 4) TILES(4);
            TILES(2);
            TILES(1);
#undef TILES
        }
}

/* ---- q8 ---- */

/* Groups g and g + 1 of 8 rows: v and w. */
INLINE void pair(struct token *t, int8x16_t v03, int8x16_t v47, int8x16_t w03, int8x16_t w47,
                 int b, const int g) {
    const int8_t *x8 = t->x->x + b * BLOCK + 4 * g;
    mul(&t->s, v03, v47, load_quad(x8));
    mla(&t->s, w03, w47, load_quad(x8 + 4));
    if (g == 0) widen(&t->wide, &t->s);
    else widen_add(&t->wide, &t->s);
}

#define PAIR_OF(T, N, G) pair(&T, v03, v47, w03, w47, b, G)
#define PAIR(G) { \
        if (tokens > 1) ORDER; \
        int8x16_t v03 = vld1q_s8(p->q[b][G][row]), v47 = vld1q_s8(p->q[b][G][row + 4]); \
        int8x16_t w03 = vld1q_s8(p->q[b][G + 1][row]), w47 = vld1q_s8(p->q[b][G + 1][row + 4]); \
        EACH_TOKEN(PAIR_OF, G); \
    }
#define END_Q8(T, N, SC) add_scaled32(&i##N, &T.wide, SC, T.x->t[b])

/* 8 rows by `tokens` tokens. */
INLINE void tile_q8(float (*y)[PANEL], const struct q8_super *p, const int row,
                    const struct act *x, int supers, const int tokens) {
    struct token t0, t1, t2, t3;
    struct isum i0, i1, i2, i3;
    EACH_TOKEN(START, supers);
    for (int b = 0; b < BLOCKS; b++) {
        PAIR(0)
        PAIR(2)
        PAIR(4)
        PAIR(6)
        uint8x8_t sc = vld1_u8(p->sc[b] + row);
        EACH_TOKEN(END_Q8, sc);
    }
    EACH_TOKEN(FINISH, p->d + row);
}

static void tokens_q8(float (*y)[PANEL], const struct q8_super *p, int supers,
                      const struct act *x, int n) {
    for (int s = 0; s < supers; s++, p++, x++)
        for (int row = 0; row < PANEL; row += 8) {
            int t = 0;
#define TILES(N) \
            for (; t + N <= n; t += N) \
                tile_q8((float (*)[PANEL])&y[t][row], p, row, x + (int64_t)t * supers, supers, N)
            if (TILE == 4) TILES(4);
            TILES(2);
            TILES(1);
#undef TILES
        }
}

/* 8 rows of a block by one token. */
INLINE void block_q8(struct isum *isum, const struct q8_super *p, const struct act *x, int b,
                     const int row) {
    const int tokens = 1;
    struct token t0, t1, t2, t3;
    struct isum i0, i1, i2, i3;
    t0.x = x;
    i0 = *isum;
    PAIR(0)
    PAIR(2)
    PAIR(4)
    PAIR(6)
    EACH_TOKEN(END_Q8, vld1_u8(p->sc[b] + row));
    *isum = i0;
}

static void panel_q8(float y[PANEL], const struct q8_super *p, int supers, const struct act *x) {
    for (int s = 0; s < supers; s++, p++, x++) {
        struct isum upper = {vdupq_n_s32(0), vdupq_n_s32(0)}, lower = upper;
        prefetch_scales(p + 1, sizeof p->sc);
        for (int b = 0; b < BLOCKS; b++) {
            for (int g = 0; g < 8; g++) prefetch(p->q[b][g], AHEAD);
            block_q8(&upper, p, x, b, 0);
            block_q8(&lower, p, x, b, 8);
        }
        step(y, p->d, x->dx, &upper);
        step(y + 8, p->d + 8, x->dx, &lower);
    }
}

/* ---- all panels ---- */

#define MATMUL_Q(NAME, TYPE, ONE_TOKEN, MORE_TOKENS) \
static void NAME(float *y, int64_t stride, const void *w, int rows, int supers, \
                 const struct act *x, int n) { \
    float sum[TOKENS][PANEL] __attribute__((aligned(64))); \
    const TYPE *panel = w; \
    for (int row = 0; row < rows; row += PANEL, panel += supers) \
        for (int first = 0; first < n; first += TOKENS) { \
            const struct act *a = x + (int64_t)first * supers; \
            int tokens = n - first < TOKENS ? n - first : TOKENS; \
            memset(sum, 0, (size_t)tokens * sizeof *sum); \
            if (tokens == 1) ONE_TOKEN(sum[0], panel, supers, a); \
            else MORE_TOKENS(sum, panel, supers, a, tokens); \
            for (int t = 0; t < tokens; t++) \
                memcpy(y + (first + t) * stride + row, sum[t], \
                       (size_t)(rows - row < PANEL ? rows - row : PANEL) * sizeof *y); \
        } \
}
MATMUL_Q(matmul_q8, struct q8_super, panel_q8, tokens_q8)
MATMUL_Q(matmul_q4, struct q4_super, panel_q4, tokens_q4)

/* ---- the q8 cache ---- */

/* 8 columns, two lanes each, by n <= TILE vectors. */
INLINE void dot_some(int32_t *y, const int8_t *w, int stride, const int8_t *x, int x_stride,
                     int groups, int n) {
    struct sums32 sum[TILE];
    for (int t = 0; t < n; t++) sum[t].r01 = sum[t].r23 = sum[t].r45 = sum[t].r67 = vdupq_n_s32(0);
    for (int g = 0; g < groups; g += 2, w += 8 * stride, x += 8) {
        int8x16_t a03 = vld1q_s8(w), a47 = vld1q_s8(w + 16);
        int8x16_t b03 = vld1q_s8(w + 4 * stride), b47 = vld1q_s8(w + 4 * stride + 16);
        prefetch(w, AHEAD);
        for (int t = 0; t < n; t++) {
            struct sums16 s;
            mul(&s, a03, a47, load_quad(x + t * x_stride));
            mla(&s, b03, b47, load_quad(x + t * x_stride + 4));
            widen_add(&sum[t], &s);
        }
    }
    for (int t = 0; t < n; t++) {
        vst1q_s32(y + t * ATTN_TILE, pairs32(sum[t].r01, sum[t].r23));
        vst1q_s32(y + t * ATTN_TILE + 4, pairs32(sum[t].r45, sum[t].r67));
    }
}

INLINE void dot_tile(int32_t *y, const int8_t *w, int stride, const int8_t *x, int x_stride,
                     int groups, int n, bool positive) {
    (void)positive;
    for (int t = 0; t < n; t += TILE)
        dot_some(y + t * ATTN_TILE, w, stride, x + t * x_stride, x_stride, groups,
                 n - t < TILE ? n - t : TILE);
}

#define DOT_TILE_COLUMNS 8
#include "kernels/common/dot_tiles.inc"
#include "kernels/common/dots.inc"
#include "kernels/common/attention.inc"

const struct kernels kernels_neon = {
    .name = "neon",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
