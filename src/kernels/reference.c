/* scalar.c - the references themselves: the table that every machine can use. */
#define PLAIN_VECTORS
#include "kernels/common/floats.inc"

INLINE void dot_columns(int32_t (*y)[ATTN_TILE], const int8_t *w, int stride, int columns, const int8_t *x, int x_stride, int groups, int n,
                               bool positive) {
    (void)positive;
    for (int t = 0; t < n; t++)
        for (int c = 0; c < columns; c++) {
            y[t][c] = 0;
            for (int k = 0; k < 4 * groups; k++) y[t][c] += w[(k / 4 * stride + c) * 4 + k % 4] * x[t * x_stride + k];
        }
}

DOT_KEYS_VALUES

const struct kernels kernels_scalar = {.name = "scalar", .matmul_q = {matmul_q8_reference, matmul_q4_reference}, LANES_KERNELS};
