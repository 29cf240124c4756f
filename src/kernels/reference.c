/* reference.c - the definition of every kernel: the level that every machine can use, without
 * intrinsics. */
#define LEVEL reference
#define PLAIN_VECTORS
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"

/* ---- products of packed weights ---- */

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers,
                      const struct act *x, int n_tokens) {
    const struct q4_super *panel = w;
    for (int row = 0; row < rows; row += PANEL, panel += supers)
        for (int r = 0; r < PANEL && row + r < rows; r++)
            for (int t = 0; t < n_tokens; t++) {
                float sum = 0;
                for (int s = 0; s < supers; s++) {
                    const struct q4_super *p = &panel[s];
                    const struct act *a = &x[(int64_t)t * supers + s];
                    uint32_t isum = 0; /* wraps only in a damaged file */
                    for (int b = 0; b < BLOCKS; b++) {
                        int32_t dot = 0;
                        for (int k = 0; k < BLOCK; k++) {
                            int byte = p->q[b][k % 16 / 4][r][k % 4];
                            dot += (k < 16 ? byte & 15 : byte >> 4) * a->x[b * BLOCK + k];
                        }
                        isum += (uint32_t)(p->sc[b][r] * dot);
                        isum -= (uint32_t)(16 * p->m[b][r] * a->xs[b]);
                    }
                    float scale = from_bf16(p->d[r]) * a->dx;
                    float product = scale * (float)(int32_t)isum;
                    sum = sum + product;
                }
                y[t * stride + row + r] = sum;
            }
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers,
                      const struct act *x, int n_tokens) {
    const struct q8_super *panel = w;
    for (int row = 0; row < rows; row += PANEL, panel += supers)
        for (int r = 0; r < PANEL && row + r < rows; r++)
            for (int t = 0; t < n_tokens; t++) {
                float sum = 0;
                for (int s = 0; s < supers; s++) {
                    const struct q8_super *p = &panel[s];
                    const struct act *a = &x[(int64_t)t * supers + s];
                    uint32_t isum = 0; /* wraps only in a damaged file */
                    for (int b = 0; b < BLOCKS; b++) {
                        int32_t dot = 0;
                        for (int k = 0; k < BLOCK; k++)
                            dot += p->q[b][k / 4][r][k % 4] * a->x[b * BLOCK + k];
                        isum += (uint32_t)(p->sc[b][r] * a->t[b]) * (uint32_t)dot;
                    }
                    float scale = from_bf16(p->d[r]) * a->dx;
                    float product = scale * (float)(int32_t)isum;
                    sum = sum + product;
                }
                y[t * stride + row + r] = sum;
            }
}

/* ---- the q8 cache ---- */

INLINE void dot_columns(int32_t (*y)[ATTN_TILE], const int8_t *w, int stride, int columns,
                        const int8_t *x, int x_stride, int groups, int n, bool positive) {
    (void)positive;
    for (int t = 0; t < n; t++)
        for (int c = 0; c < columns; c++) {
            y[t][c] = 0;
            for (int k = 0; k < 4 * groups; k++)
                y[t][c] += w[(k / 4 * stride + c) * 4 + k % 4] * x[t * x_stride + k];
        }
}

#include "kernels/common/dots.inc"
#include "kernels/common/attention.inc"

const struct kernels kernels_reference = {
    .name = "scalar",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
