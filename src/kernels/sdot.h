/* sdot.h - L1: loads, stores and the q8 cache with ARM's dot products of bytes, for dotprod.c and i8mm.c. */
#ifndef QW_SDOT_H
#define QW_SDOT_H
#include <arm_neon.h>
#include "lanes.h"

/* p + n, which the compiler shall neither fold into later addresses nor put off. */
static inline void *ahead(const void *p, int64_t n) {
    uintptr_t at = (uintptr_t)p + (uintptr_t)n;
    __asm__("" : "+r"(at));
    return (void *)at;
}

/* A load that in-order cores issue beside a product, and a store that takes other cores' vector units half as long as str. */
static inline int8x16_t load_beside(const void *p) {
    int8x16_t v;
    __asm__("ld1 {%0.16b}, %1" : "=w"(v) : "Q"(*(const int8_t (*)[16])p));
    return v;
}

static inline void store_beside(void *p, int8x16_t v) { __asm__("st1 {%1.16b}, %0" : "=Q"(*(int8_t (*)[16])p) : "w"(v)); }

/* As it is written it suits cores that run in order, see dotprod.c. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("no-schedule-insns", "no-schedule-insns2", "no-tree-ter", "no-peephole2")
#endif

/* 16 columns by n vectors, of which 4 groups are a register. */
INLINE void dot_tile(int32_t *y, const int8_t *w, int stride, const int8_t *x, int x_stride, int groups, int n, bool positive) {
    int32x4_t sum[4][4];
    (void)positive;
    for (int t = 0; t < n; t++) sum[t][0] = sum[t][1] = sum[t][2] = sum[t][3] = vdupq_n_s32(0);
    for (int g = 0; g < groups; g += 4, x += 16) {
        int8x16_t v[4];
        for (int t = 0; t < n; t++) v[t] = vld1q_s8(x + t * x_stride);
#define GROUP(LANE) { \
            int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16), w2 = vld1q_s8(w + 32), w3 = vld1q_s8(w + 48); \
            __builtin_prefetch(w + 1024); \
            for (int t = 0; t < n; t++) { \
                sum[t][0] = vdotq_laneq_s32(sum[t][0], w0, v[t], LANE); \
                sum[t][1] = vdotq_laneq_s32(sum[t][1], w1, v[t], LANE); \
                sum[t][2] = vdotq_laneq_s32(sum[t][2], w2, v[t], LANE); \
                sum[t][3] = vdotq_laneq_s32(sum[t][3], w3, v[t], LANE); \
            } \
            for (int t = 0; t < n; t++) \
                for (int c = 0; c < 4; c++) __asm__("" : "+w"(sum[t][c]));      /* or gcc moves them about */ \
            w += 4 * stride; \
        }
        GROUP(0) GROUP(1) GROUP(2) GROUP(3)
#undef GROUP
    }
    void *to[4] = {y, y + ATTN_TILE, y + 2 * ATTN_TILE, y + 3 * ATTN_TILE};
    for (int c = 0; c < 4; c++)
        for (int t = 0; t < n; t++) {
            store_beside(to[t], vreinterpretq_s8_s32(sum[t][c]));
            to[t] = ahead(to[t], 16);
        }
}

DOT_COLUMNS(16)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif

#endif
