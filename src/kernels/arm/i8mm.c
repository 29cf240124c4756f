/* i8mm.c - kernels for ARMv8.6 matrix products of bytes.
 *
 * One smmla multiplies 2 rows x 8 columns by 8 columns x 2 tokens: twice as much as an sdot.
 * Neither panels nor tokens are stored in that shape. One zip per 2 registers makes it, done once
 * for many tokens and once for many rows:
 *
 *   rows    a superblock of PANELS panels is unpacked into row pairs for up to CHUNK tokens
 *   tokens  8 tokens of a superblock are interleaved into pairs for all these rows
 *
 * Then 4 rows x 8 tokens are multiplied at a time: 8 dots and 8 sums stay in registers, each
 * |r0 t0|r0 t1|r1 t0|r1 t1|, and 8 + 16 loads feed 32 smmla. Scales and minima as in dotprod.c:
 * q4 dots are never reset, sum of sc[b] dot[b] = sum of D[b] (sc[b] - sc[b+1]), and the minima are
 * products too (ummla), with 4096 - xs = 64 high + low.
 * Too few tokens to fill a tile are left to the dot products. */
#define LEVEL i8mm
#include <arm_neon.h>
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"
#include "kernels/arm/sdot.inc"
#include "kernels/common/attention.inc"

extern const struct kernels kernels_dotprod;

enum { TILE = 8, PAIRS = TILE / 2, CHUNK = 64, PANELS = 2, FEW = 4 };

/* ---- rows ---- */

/* A superblock of a panel, unpacked for many tokens. */
struct opened {
    int8_t q[8][4][8][16];      /* [b][o][pair]: columns 32b + 8o + 0..7 of the first row, then of
                                 * the second */
    int32_t scale[8][8][4];     /* of the rows of a pair, twice each; q4: sc[b] - sc[b+1];
                                 * q8: sc[b] */
    uint8_t m[8][16];           /* minima of blocks 0-7 of the first row, then of the second */
    int32_t base[8][4];         /* -64 times the sum of a row's minima, of the rows of a pair, twice
                                 * each */
    float d[16];
};

/* 4 rows x 4 columns twice, to 2 row pairs x 8 columns. */
static inline uint8x16x2_t pair_rows(const void *left, const void *right) {
    uint32x4_t a = vreinterpretq_u32_u8(vld1q_u8(left)), b = vreinterpretq_u32_u8(vld1q_u8(right));
    return (uint8x16x2_t){{vreinterpretq_u8_u32(vzip1q_u32(a, b)),
                           vreinterpretq_u8_u32(vzip2q_u32(a, b))}};
}

static inline void put_scales(int32_t out[8][4], uint16x8_t low, uint16x8_t high) {
    int16x8_t l = vreinterpretq_s16_u16(low), h = vreinterpretq_s16_u16(high);
    int16x8x2_t a = vzipq_s16(l, l), b = vzipq_s16(h, h);
    vst1q_s32(out[0], vmovl_s16(vget_low_s16(a.val[0])));
    vst1q_s32(out[1], vmovl_high_s16(a.val[0]));
    vst1q_s32(out[2], vmovl_s16(vget_low_s16(a.val[1])));
    vst1q_s32(out[3], vmovl_high_s16(a.val[1]));
    vst1q_s32(out[4], vmovl_s16(vget_low_s16(b.val[0])));
    vst1q_s32(out[5], vmovl_high_s16(b.val[0]));
    vst1q_s32(out[6], vmovl_s16(vget_low_s16(b.val[1])));
    vst1q_s32(out[7], vmovl_high_s16(b.val[1]));
}

static inline void put_steps(float out[PANEL], const uint16_t *d) {
    for (int r = 0; r < PANEL; r += 4)
        vst1q_f32(out + r, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(d + r), 16)));
}

/* [block][row] to [row][block]. Interleaving the halves of 128 bytes rotates the bits of an index:
 * its top bit becomes its last. Three rounds rotate the three bits of the block there. */
static inline void put_minima(uint8_t out[8][16], int32_t base[8][4], const uint8_t m[8][16]) {
    uint8x16_t v[8], next[8];
    for (int i = 0; i < 8; i++) v[i] = vld1q_u8(m[i]);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            next[2 * i] = vzip1q_u8(v[i], v[i + 4]);
            next[2 * i + 1] = vzip2q_u8(v[i], v[i + 4]);
        }
        for (int i = 0; i < 8; i++) v[i] = next[i];
    }
    for (int i = 0; i < 8; i++) {
        uint32x4_t sum = vmmlaq_u32(vdupq_n_u32(0), v[i], vdupq_n_u8(64));
        vst1q_u8(out[i], v[i]);
        vst1q_s32(base[i], vnegq_s32(vreinterpretq_s32_u32(sum)));
    }
}

static void open_q4(struct opened *o, const struct q4_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 4; g += 2)
            for (int r = 0; r < PANEL; r += 4) {
                uint8x16x2_t v = pair_rows(w->q[b][g][r], w->q[b][g + 1][r]);
                for (int i = 0; i < 2; i++) {
                    int8_t *low = o->q[b][g / 2][r / 2 + i], *high = o->q[b][g / 2 + 2][r / 2 + i];
                    vst1q_s8(low, vreinterpretq_s8_u8(vandq_u8(v.val[i], vdupq_n_u8(15))));
                    vst1q_s8(high, vreinterpretq_s8_u8(vshrq_n_u8(v.val[i], 4)));
                }
            }
        uint8x16_t scale = vld1q_u8(w->sc[b]);
        uint8x16_t next = b + 1 < BLOCKS ? vld1q_u8(w->sc[b + 1]) : vdupq_n_u8(0);
        put_scales(o->scale[b], vsubl_u8(vget_low_u8(scale), vget_low_u8(next)),
                   vsubl_high_u8(scale, next));
    }
    put_minima(o->m, o->base, w->m);
    put_steps(o->d, w->d);
}

static void open_q8(struct opened *o, const struct q8_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 8; g += 2)
            for (int r = 0; r < PANEL; r += 4) {
                uint8x16x2_t v = pair_rows(w->q[b][g][r], w->q[b][g + 1][r]);
                for (int i = 0; i < 2; i++)
                    vst1q_s8(o->q[b][g / 2][r / 2 + i], vreinterpretq_s8_u8(v.val[i]));
            }
        uint8x16_t scale = vld1q_u8(w->sc[b]);
        put_scales(o->scale[b], vmovl_u8(vget_low_u8(scale)), vmovl_high_u8(scale));
    }
    put_steps(o->d, w->d);
}

/* ---- tokens ---- */

/* 8 tokens of a superblock, in pairs. */
struct tile {
    int8_t x[8][4][PAIRS][16];  /* [b][o][pair]: activations 32b + 8o + 0..7 of the first token,
                                 * then of the second */
    uint8_t low[PAIRS][16];     /* q4: the low parts of the sums of blocks 0-7 of the first token,
                                 * then of the second */
    uint8_t high[PAIRS][16];    /* their high parts */
    int32_t t[8][PAIRS][4];     /* q8: the factors of both tokens, twice */
    float dx[TILE];
};

static inline int8x16_t pair_low(int8x16_t a, int8x16_t b) {
    return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
static inline int8x16_t pair_high(int8x16_t a, int8x16_t b) {
    return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}

/* Tokens t.. of n; after the end the last one is repeated, and its sums go nowhere. */
INLINE void pair_tokens(struct tile *out, const struct act *x, int supers, int t, int n,
                        bool fine) {
    for (int p = 0; p < PAIRS; p++, t += 2) {
        const struct act *a = x + (int64_t)(t < n ? t : n - 1) * supers;
        const struct act *b = x + (int64_t)(t + 1 < n ? t + 1 : n - 1) * supers;
        for (int i = 0; i < SUPER / 16; i++) {
            int8x16_t va = vld1q_s8(a->x + 16 * i), vb = vld1q_s8(b->x + 16 * i);
            vst1q_s8(out->x[i / 2][i % 2 * 2][p], pair_low(va, vb));
            vst1q_s8(out->x[i / 2][i % 2 * 2 + 1][p], pair_high(va, vb));
        }
        out->dx[2 * p] = a->dx;
        out->dx[2 * p + 1] = b->dx;
        if (fine) {
            for (int k = 0; k < BLOCKS; k++)
                for (int i = 0; i < 4; i++) out->t[k][p][i] = i % 2 ? b->t[k] : a->t[k];
        } else {
            vst1q_u8(out->low[p], vcombine_u8(vld1_u8(a->low), vld1_u8(b->low)));
            vst1q_u8(out->high[p], vcombine_u8(vld1_u8(a->high), vld1_u8(b->high)));
        }
    }
}

/* ---- products ---- */

/* sum += the minima of both row pairs times one part of the sums of a pair of tokens. */
INLINE void add_minima(int32x4_t *suma, int32x4_t *sumb, uint8x16_t ma, uint8x16_t mb,
                       const uint8_t sums[16]) {
    uint8x16_t part = vld1q_u8(sums);
    *suma = vreinterpretq_s32_u32(vmmlaq_u32(vreinterpretq_u32_s32(*suma), ma, part));
    *sumb = vreinterpretq_s32_u32(vmmlaq_u32(vreinterpretq_u32_s32(*sumb), mb, part));
}

/* q4: the sums begin with -16 sum over b of m[b] xs[b]. (With a loop around add_minima, or around
 * add_products below, gcc spills more.) */
INLINE void start_sums(int32x4_t suma[PAIRS], int32x4_t sumb[PAIRS], const struct opened *o,
                       const struct tile *x, int pair) {
    uint8x16_t ma = vld1q_u8(o->m[pair]), mb = vld1q_u8(o->m[pair + 1]);
    for (int i = 0; i < PAIRS; i++) {
        suma[i] = vld1q_s32(o->base[pair]);
        sumb[i] = vld1q_s32(o->base[pair + 1]);
    }
    add_minima(&suma[0], &sumb[0], ma, mb, x->high[0]);
    add_minima(&suma[1], &sumb[1], ma, mb, x->high[1]);
    add_minima(&suma[2], &sumb[2], ma, mb, x->high[2]);
    add_minima(&suma[3], &sumb[3], ma, mb, x->high[3]);
    for (int i = 0; i < PAIRS; i++) {
        suma[i] = vshlq_n_s32(suma[i], 6);
        sumb[i] = vshlq_n_s32(sumb[i], 6);
    }
    add_minima(&suma[0], &sumb[0], ma, mb, x->low[0]);
    add_minima(&suma[1], &sumb[1], ma, mb, x->low[1]);
    add_minima(&suma[2], &sumb[2], ma, mb, x->low[2]);
    add_minima(&suma[3], &sumb[3], ma, mb, x->low[3]);
    for (int i = 0; i < PAIRS; i++) {
        suma[i] = vshlq_n_s32(suma[i], 4);
        sumb[i] = vshlq_n_s32(sumb[i], 4);
    }
}

/* dot += 2 row pairs w x 8 columns times 4 pairs of tokens. */
INLINE void add_products(int32x4_t dota[PAIRS], int32x4_t dotb[PAIRS], const int8_t w[2][16],
                         const int8_t x[PAIRS][16]) {
    int8x16_t wa = vld1q_s8(w[0]), wb = vld1q_s8(w[1]), v[PAIRS];
    for (int i = 0; i < PAIRS; i++) v[i] = vld1q_s8(x[i]);
    for (int i = 0; i < PAIRS; i++) dota[i] = vmmlaq_s32(dota[i], wa, v[i]);
    for (int i = 0; i < PAIRS; i++) dotb[i] = vmmlaq_s32(dotb[i], wb, v[i]);
}

/* y += (d dx) sum, for 4 rows of a token. */
INLINE void add_sum(float *y, float32x4_t d, float dx, float32x4_t sum) {
    vst1q_f32(y, vaddq_f32(vld1q_f32(y), vmulq_f32(vmulq_n_f32(d, dx), sum)));
}

/* y += row pairs `pair` (a) and the next (b) times 8 tokens; y[token] are a panel's rows. */
INLINE void multiply(float (*y)[PANEL], const struct opened *o, const struct tile *x, int pair,
                     bool fine) {
    int32x4_t suma[PAIRS], sumb[PAIRS], dota[PAIRS], dotb[PAIRS];
    for (int i = 0; i < PAIRS; i++) suma[i] = sumb[i] = dota[i] = dotb[i] = vdupq_n_s32(0);
    if (!fine) start_sums(suma, sumb, o, x, pair);
#pragma GCC unroll 1
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; fine && i < PAIRS; i++) dota[i] = dotb[i] = vdupq_n_s32(0);
        add_products(dota, dotb, &o->q[b][0][pair], x->x[b][0]);
        add_products(dota, dotb, &o->q[b][1][pair], x->x[b][1]);
        add_products(dota, dotb, &o->q[b][2][pair], x->x[b][2]);
        add_products(dota, dotb, &o->q[b][3][pair], x->x[b][3]);
        for (int i = 0; fine && i < PAIRS; i++) {
            int32x4_t t = vld1q_s32(x->t[b][i]);
            dota[i] = vmulq_s32(dota[i], t);
            dotb[i] = vmulq_s32(dotb[i], t);
        }
        int32x4_t scalea = vld1q_s32(o->scale[b][pair]), scaleb = vld1q_s32(o->scale[b][pair + 1]);
        for (int i = 0; i < PAIRS; i++) {
            suma[i] = vmlaq_s32(suma[i], dota[i], scalea);
            sumb[i] = vmlaq_s32(sumb[i], dotb[i], scaleb);
        }
    }
    float32x4_t d = vld1q_f32(o->d + 2 * pair);
    y = (float (*)[PANEL])&y[0][2 * pair];
    for (int i = 0; i < PAIRS; i++) {
        float32x4_t first = vcvtq_f32_s32(vuzp1q_s32(suma[i], sumb[i]));
        float32x4_t second = vcvtq_f32_s32(vuzp2q_s32(suma[i], sumb[i]));
        add_sum(y[2 * i], d, x->dx[2 * i], first);
        add_sum(y[2 * i + 1], d, x->dx[2 * i + 1], second);
    }
}

/* 1 or 2 panels, one superblock of each, and n tokens. */
INLINE void multiply_tokens(float (*y)[CHUNK][PANEL], const struct opened *o, int panels,
                            const struct act *x, int supers, int n, bool fine) {
    struct tile tile;
    for (int t = 0; t < n; t += TILE) {
        pair_tokens(&tile, x, supers, t, n, fine);
        for (int p = 0; p < panels; p++)
            for (int pair = 0; pair < PANEL / 2; pair += 2)
                multiply(&y[p][t], &o[p], &tile, pair, fine);
    }
}

INLINE void matmul(float *y, int64_t stride, const void *w, int rows, int supers,
                   const struct act *x, int n, bool fine) {
    float sums[PANELS][CHUNK][PANEL];
    struct opened o[PANELS];
    for (int row = 0; row < rows; row += PANELS * PANEL) {
        int panels = rows - row > PANEL ? PANELS : 1;
        for (int first = 0; first < n; first += CHUNK) {
            int tokens = n - first < CHUNK ? n - first : CHUNK;
            memset(sums, 0, sizeof sums);
            for (int s = 0; s < supers; s++) {
                for (int p = 0; p < panels; p++) {
                    int64_t at = (int64_t)(row / PANEL + p) * supers + s;
                    if (fine) open_q8(&o[p], (const struct q8_super *)w + at);
                    else open_q4(&o[p], (const struct q4_super *)w + at);
                }
                multiply_tokens(sums, o, panels, x + (int64_t)first * supers + s, supers, tokens,
                                fine);
            }
            for (int p = 0; p < panels; p++)
                for (int t = 0; t < tokens; t++) {
                    float *out = y + (first + t) * stride + row + p * PANEL;
                    int left = rows - row - p * PANEL;
                    if (left >= PANEL) memcpy(out, sums[p][t], sizeof sums[p][t]);
                    else memcpy(out, sums[p][t], (size_t)left * sizeof *out);
                }
        }
    }
}

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers,
                      const struct act *x, int n) {
    if (n <= FEW) kernels_dotprod.matmul_q[PACKED_Q4](y, stride, w, rows, supers, x, n);
    else matmul(y, stride, w, rows, supers, x, n, false);
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers,
                      const struct act *x, int n) {
    if (n <= FEW) kernels_dotprod.matmul_q[PACKED_Q8](y, stride, w, rows, supers, x, n);
    else matmul(y, stride, w, rows, supers, x, n, true);
}

const struct kernels kernels_i8mm = {
    .name = "i8mm",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
