/* kernels.h - L1: the operations of the forward pass, one function each, in a table that is chosen once for the CPU.
 *
 * What a kernel computes is defined to the bit by its plain C reference in scalar.c; every other version equals it.
 * So sums have a fixed shape, whatever the vector width:
 *
 *   lanes   element k of a sum over k is added to virtual lane k mod 16, in ascending k, product and sum rounded apart;
 *           then lane i += lane i+8, i += i+4, i += i+2, i += i+1.   16 lanes are one zmm, two ymm, or four NEON registers.
 *           A tail that is no multiple of 16 may be padded with zeros: no lane is ever -0, so +0 changes nothing.
 *   tiles   attention walks the positions in tiles of ATTN_TILE, counted from position 0, with a running maximum.
 *
 * Results whose magnitude is below TINY become +0, so that subnormals never leave a kernel: some machines flush them.
 * Kernels know no threads: the caller gives each its own rows, tokens or heads. They allocate nothing. */
#ifndef QW_KERNELS_H
#define QW_KERNELS_H
#include <stdint.h>
#include <string.h>

enum { LANES = 16, ATTN_TILE = 64 };
#define TINY 0x1p-100f

enum weight_type { WEIGHT_F32, WEIGHT_F16, WEIGHT_BF16, N_WEIGHT_TYPES };

struct kernels {
    const char *name;

    /* y[t][r] = sum over k of w[r][k] * x[t][k], for rows r of w and n tokens t; summed by lanes.
     *   w  rows of n_in weights, row r at w + r * n_in * size of a weight, at any alignment
     *   x  [n][n_in] float;  y  [n][stride] float, of which columns 0..rows are written */
    void (*matmul[N_WEIGHT_TYPES])(float *y, int64_t stride, const void *w, int rows, int n_in, const float *x, int n);

    /* One row of n_in weights as floats, exactly. */
    void (*row[N_WEIGHT_TYPES])(float *y, const void *w, int n_in);

    /* y[i] = w[i] * (x[i] / sqrt(mean(x^2) + eps)); the squares summed by lanes. y may be x. (Zhang and Sennrich 2019) */
    void (*rmsnorm)(float *y, const float *x, const float *w, int n, float eps);

    /* Rotate the pairs (v[j], v[j + n/2]), j < n/2, by the angles of cos_sin = { cos[n/2], sin[n/2] }. (Su et al. 2021, NEOX order) */
    void (*rope)(float *v, const float *cos_sin, int n);

    /* Causal attention of one token's `group` query heads over positions 0..n_pos of the key/value head they share.
     *   q, out  [group][head_dim]
     *   k       tiles [.][head_dim][ATTN_TILE], v  [position][head_dim]
     * Scores: (q * scale) . k, the products added in ascending dimension. Per tile: the maximum moves up to that of its scores, what
     * was summed is multiplied by exp(old - new), the tile's weights exp(score - max) are summed by lanes and their values added in
     * ascending position. (Milakov and Gimelshein 2018) */
    void (*attention)(float *out, const float *q, const float *k, const float *v, int group, int n_pos, int head_dim, float scale);

    /* g[i] = g[i] / (1 + exp(-g[i])) * u[i] */
    void (*silu_mul)(float *g, const float *u, int n);

    /* x[i] += y[i] */
    void (*add)(float *x, const float *y, int n);
};

extern const struct kernels kernels_scalar;

#endif
