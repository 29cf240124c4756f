/* sdot.h - L1: the q8 cache with ARM's dot products of bytes, for dotprod.c and i8mm.c. */
#ifndef QW_SDOT_H
#define QW_SDOT_H
#include <arm_neon.h>
#include "lanes.h"

/* 16 columns by n vectors. */
static inline __attribute__((always_inline)) void dot_tile(int32_t *y, const int8_t *w, int stride, const int8_t *x, int x_stride, int groups, int n,
                                                           bool positive) {
    int32x4_t sum[4][4];
    (void)positive;
    for (int t = 0; t < n; t++) sum[t][0] = sum[t][1] = sum[t][2] = sum[t][3] = vdupq_n_s32(0);
    for (int g = 0; g < groups; g++, w += 4 * stride, x += 4) {
        int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16), w2 = vld1q_s8(w + 32), w3 = vld1q_s8(w + 48);
        __builtin_prefetch(w + 1024);
        for (int t = 0; t < n; t++) {
            int8x16_t v = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)(x + t * x_stride)));
            sum[t][0] = vdotq_s32(sum[t][0], w0, v);
            sum[t][1] = vdotq_s32(sum[t][1], w1, v);
            sum[t][2] = vdotq_s32(sum[t][2], w2, v);
            sum[t][3] = vdotq_s32(sum[t][3], w3, v);
        }
    }
    for (int t = 0; t < n; t++)
        for (int c = 0; c < 4; c++) vst1q_s32(y + t * ATTN_TILE + 4 * c, sum[t][c]);
}

DOT_COLUMNS(16)

#endif
