/* i8mm.c - kernels for ARMv8.6 matrix products of bytes.
 *
 * One smmla multiplies 2 rows x 8 columns with 8 columns x 2 tokens: twice an sdot. Neither panels nor tokens are stored so; one zip
 * for every 2 registers, done once for many tokens and once for many rows, makes them so:
 *
 *   rows    a superblock of PANELS panels is unpacked into row pairs for up to CHUNK tokens
 *   tokens  8 tokens of a superblock are interleaved into pairs for all these rows
 *
 * Then 4 rows x 8 tokens are multiplied at a time: 8 dots and 8 sums stay in registers, each |r0 t0|r0 t1|r1 t0|r1 t1|, and
 * 8 + 16 loads serve 32 smmla. Scales and minima as in dotprod.c: q4 dots are never reset, sum of sc[b] dot[b] = sum of
 * D[b] (sc[b] - sc[b+1]), and the minima are products too (ummla), with 4096 - xs = 64 high + low.
 * So few tokens that they would fill no tile are left to the dot products. */
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

/* A superblock of a panel made ready for many tokens. */
struct opened {
    int8_t q[8][4][8][16];      /* [b][o][pair]: columns 32b + 8o + 0..7 of the first row, then of the second */
    int32_t scale[8][8][4];     /* of the rows of a pair, twice each; q4: sc[b] - sc[b+1]; q8: sc[b] */
    uint8_t m[8][16];           /* minima of blocks 0-7 of the first row, then of the second */
    int32_t base[8][4];         /* -64 times the sum of a row's minima, of the rows of a pair, twice each */
    float d[16];
};

/* 4 rows x 4 columns twice, to 2 row pairs x 8 columns. */
static inline uint8x16x2_t pair_rows(const void *left, const void *right) {
    uint32x4_t a = vreinterpretq_u32_u8(vld1q_u8(left)), b = vreinterpretq_u32_u8(vld1q_u8(right));
    return (uint8x16x2_t){{vreinterpretq_u8_u32(vzip1q_u32(a, b)), vreinterpretq_u8_u32(vzip2q_u32(a, b))}};
}

static inline void put_scales(int32_t out[8][4], int16x8_t low, int16x8_t high) {
    int16x8x2_t a = vzipq_s16(low, low), b = vzipq_s16(high, high);
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
    for (int r = 0; r < PANEL; r += 4) vst1q_f32(out + r, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(d + r), 16)));
}

/* [block][row] to [row][block]: to interleave the halves of 128 bytes moves the top bit of an index to its end; 3 times the block. */
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
        vst1q_u8(out[i], v[i]);
        vst1q_s32(base[i], vnegq_s32(vreinterpretq_s32_u32(vmmlaq_u32(vdupq_n_u32(0), v[i], vdupq_n_u8(64)))));
    }
}

static void open_q4(struct opened *o, const struct q4_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 4; g += 2)
            for (int r = 0; r < PANEL; r += 4) {
                uint8x16x2_t v = pair_rows(w->q[b][g][r], w->q[b][g + 1][r]);
                for (int i = 0; i < 2; i++) {
                    vst1q_s8(o->q[b][g / 2][r / 2 + i], vreinterpretq_s8_u8(vandq_u8(v.val[i], vdupq_n_u8(15))));
                    vst1q_s8(o->q[b][g / 2 + 2][r / 2 + i], vreinterpretq_s8_u8(vshrq_n_u8(v.val[i], 4)));
                }
            }
        uint8x16_t scale = vld1q_u8(w->sc[b]), next = b + 1 < BLOCKS ? vld1q_u8(w->sc[b + 1]) : vdupq_n_u8(0);
        put_scales(o->scale[b], vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(scale), vget_low_u8(next))),
                   vreinterpretq_s16_u16(vsubl_high_u8(scale, next)));
    }
    put_minima(o->m, o->base, w->m);
    put_steps(o->d, w->d);
}

static void open_q8(struct opened *o, const struct q8_super *w) {
    for (int b = 0; b < BLOCKS; b++) {
        for (int g = 0; g < 8; g += 2)
            for (int r = 0; r < PANEL; r += 4) {
                uint8x16x2_t v = pair_rows(w->q[b][g][r], w->q[b][g + 1][r]);
                for (int i = 0; i < 2; i++) vst1q_s8(o->q[b][g / 2][r / 2 + i], vreinterpretq_s8_u8(v.val[i]));
            }
        uint8x16_t scale = vld1q_u8(w->sc[b]);
        put_scales(o->scale[b], vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(scale))), vreinterpretq_s16_u16(vmovl_high_u8(scale)));
    }
    put_steps(o->d, w->d);
}

/* ---- tokens ---- */

/* 8 tokens of a superblock, in pairs. */
struct tile {
    int8_t x[8][4][PAIRS][16];  /* [b][o][pair]: activations 32b + 8o + 0..7 of the first token, then of the second */
    uint8_t low[PAIRS][16];     /* q4: low and high parts of the sums of blocks 0-7 of the first token, then of the second */
    uint8_t high[PAIRS][16];
    int32_t t[8][PAIRS][4];     /* q8: the factors of both tokens, twice */
    float dx[TILE];
};

static inline int8x16_t pair_low(int8x16_t a, int8x16_t b) {
    return vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}
static inline int8x16_t pair_high(int8x16_t a, int8x16_t b) {
    return vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a), vreinterpretq_s64_s8(b)));
}

/* Tokens t.. of n; after the last it is repeated: its sums go nowhere. */
INLINE void pair_tokens(struct tile *out, const struct act *x, int supers, int t, int n, bool fine) {
    for (int p = 0; p < PAIRS; p++, t += 2) {
        const struct act *a = x + (int64_t)(t < n ? t : n - 1) * supers, *b = x + (int64_t)(t + 1 < n ? t + 1 : n - 1) * supers;
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

#define EACH_PAIR(F) F(0) F(1) F(2) F(3)

/* Row pairs `pair` and the next (a and b) with 8 tokens. */
INLINE void multiply(float (*y)[PANEL], const struct opened *o, const struct tile *x, int pair, bool fine) {
#define DECLARE(P) int32x4_t suma##P = vdupq_n_s32(0), sumb##P = suma##P, dota##P = suma##P, dotb##P = suma##P;
    EACH_PAIR(DECLARE)
    if (!fine) {
        uint8x16_t ma = vld1q_u8(o->m[pair]), mb = vld1q_u8(o->m[pair + 1]);
#define BASE(P) suma##P = vld1q_s32(o->base[pair]); sumb##P = vld1q_s32(o->base[pair + 1]);
#define ADD(SUM, M, PART) SUM = vreinterpretq_s32_u32(vmmlaq_u32(vreinterpretq_u32_s32(SUM), M, PART));
#define HIGH(P) { uint8x16_t high = vld1q_u8(x->high[P]); ADD(suma##P, ma, high) ADD(sumb##P, mb, high) }
#define SHIFT(P) suma##P = vshlq_n_s32(suma##P, 6); sumb##P = vshlq_n_s32(sumb##P, 6);
#define LOW(P) { uint8x16_t low = vld1q_u8(x->low[P]); ADD(suma##P, ma, low) ADD(sumb##P, mb, low) }
#define TIMES16(P) suma##P = vshlq_n_s32(suma##P, 4); sumb##P = vshlq_n_s32(sumb##P, 4);
        EACH_PAIR(BASE) EACH_PAIR(HIGH) EACH_PAIR(SHIFT) EACH_PAIR(LOW) EACH_PAIR(TIMES16)
    }
#pragma GCC unroll 1
    for (int b = 0; b < BLOCKS; b++) {
#define RESET(P) dota##P = dotb##P = vdupq_n_s32(0);
        if (fine) { EACH_PAIR(RESET) }
#define DOT(O) { \
        int8x16_t wa = vld1q_s8(o->q[b][O][pair]), wb = vld1q_s8(o->q[b][O][pair + 1]); \
        int8x16_t x0 = vld1q_s8(x->x[b][O][0]), x1 = vld1q_s8(x->x[b][O][1]), x2 = vld1q_s8(x->x[b][O][2]), x3 = vld1q_s8(x->x[b][O][3]); \
        dota0 = vmmlaq_s32(dota0, wa, x0); \
        dota1 = vmmlaq_s32(dota1, wa, x1); \
        dota2 = vmmlaq_s32(dota2, wa, x2); \
        dota3 = vmmlaq_s32(dota3, wa, x3); \
        dotb0 = vmmlaq_s32(dotb0, wb, x0); \
        dotb1 = vmmlaq_s32(dotb1, wb, x1); \
        dotb2 = vmmlaq_s32(dotb2, wb, x2); \
        dotb3 = vmmlaq_s32(dotb3, wb, x3); }
        DOT(0) DOT(1) DOT(2) DOT(3)
#define SCALE_T(P) { int32x4_t t = vld1q_s32(x->t[b][P]); dota##P = vmulq_s32(dota##P, t); dotb##P = vmulq_s32(dotb##P, t); }
        if (fine) { EACH_PAIR(SCALE_T) }
        int32x4_t scalea = vld1q_s32(o->scale[b][pair]), scaleb = vld1q_s32(o->scale[b][pair + 1]);
#define SCALE(P) suma##P = vmlaq_s32(suma##P, dota##P, scalea); sumb##P = vmlaq_s32(sumb##P, dotb##P, scaleb);
        EACH_PAIR(SCALE)
    }
    float32x4_t d = vld1q_f32(o->d + 2 * pair);
    y = (float (*)[PANEL])&y[0][2 * pair];
#define FINISH(P) { \
    float32x4_t first = vcvtq_f32_s32(vuzp1q_s32(suma##P, sumb##P)), second = vcvtq_f32_s32(vuzp2q_s32(suma##P, sumb##P)); \
    vst1q_f32(y[2 * P], vaddq_f32(vld1q_f32(y[2 * P]), vmulq_f32(vmulq_n_f32(d, x->dx[2 * P]), first))); \
    vst1q_f32(y[2 * P + 1], vaddq_f32(vld1q_f32(y[2 * P + 1]), vmulq_f32(vmulq_n_f32(d, x->dx[2 * P + 1]), second))); }
    EACH_PAIR(FINISH)
}

/* 1 or 2 panels, one superblock of each, and n tokens. */
INLINE void multiply_tokens(float (*y)[CHUNK][PANEL], const struct opened *o, int panels, const struct act *x, int supers, int n, bool fine) {
    struct tile tile;
    for (int t = 0; t < n; t += TILE) {
        pair_tokens(&tile, x, supers, t, n, fine);
        for (int p = 0; p < panels; p++)
            for (int pair = 0; pair < PANEL / 2; pair += 2) multiply(&y[p][t], &o[p], &tile, pair, fine);
    }
}

INLINE void matmul(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n, bool fine) {
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
                multiply_tokens(sums, o, panels, x + (int64_t)first * supers + s, supers, tokens, fine);
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

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    if (n <= FEW) kernels_dotprod.matmul_q[PACKED_Q4](y, stride, w, rows, supers, x, n);
    else matmul(y, stride, w, rows, supers, x, n, false);
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    if (n <= FEW) kernels_dotprod.matmul_q[PACKED_Q8](y, stride, w, rows, supers, x, n);
    else matmul(y, stride, w, rows, supers, x, n, true);
}

const struct kernels kernels_i8mm = {
    .name = "i8mm",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
