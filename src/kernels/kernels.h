/* kernels.h - the operations of the forward pass, one function each, in a table that is chosen once for the CPU.
 *
 * What a kernel computes is defined to the bit by its plain C reference (lanes.h, scalar.c); every other version equals it.
 * So sums of floats have a fixed shape, whatever the vector width:
 *
 *   lanes   element k of a sum over k is added to virtual lane k mod 16, in ascending k, product and sum rounded apart;
 *           then lane i += lane i+8, i += i+4, i += i+2, i += i+1.   16 lanes are one zmm, two ymm, or four NEON registers.
 *           A tail that is no multiple of 16 may be padded with zeros: no lane is ever -0, so +0 changes nothing.
 *   tiles   attention walks the positions in tiles of ATTN_TILE, counted from position 0, with a running maximum.
 *
 * Results whose magnitude is below TINY become +0, so that subnormals leave no kernel but `row`: some machines flush them. Sums over
 * superblocks are multiples of 2^-123. cos and sin are 0 or above TINY.
 * Kernels know no threads: the caller gives each its own rows, tokens or heads. They allocate nothing. */
#ifndef QW_KERNELS_H
#define QW_KERNELS_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16, ATTN_TILE = 64, PANEL = 16, BLOCK = 32, SUPER = 256, BLOCKS = SUPER / BLOCK };
#define TINY 0x1p-100f

/* What weights are stored as, and used as without packing them; and what they are packed as. */
enum stored_type { STORED_F32, STORED_F16, STORED_BF16, N_STORED_TYPES };
enum packed_type { NOT_PACKED = -1, PACKED_Q8, PACKED_Q4, N_PACKED_TYPES };

/* ---- packed weights ----
 *
 * A matrix is cut into panels of 16 rows, a panel into superblocks of 256 columns; superblocks follow one another along the row,
 * panels down the matrix: one stream, read from front to back. Rows are padded to 16 and columns to 256 with zeros. The same bytes
 * serve every instruction set: 4 columns of 16 rows are one zmm, two ymm, or four NEON registers,
 *
 *     |r0 k0-3|r1 k0-3|r2 k0-3| ... |r15 k0-3|       64 bytes
 *
 * and all sums within a superblock are whole numbers, exact in any order. Blocks b are 32 columns. */

struct q4_super {               /* 2336 bytes for 16 x 256 weights: 4.5625 bits each */
    uint8_t sc[8][16];          /* scale of block b, row r */
    uint8_t m[8][16];           /* minimum of block b, row r, in units of 16 d */
    uint8_t q[8][4][16][4];     /* [b][g][r][j]: low nibble column 32b + 4g + j, high nibble column 32b + 16 + 4g + j */
    uint16_t d[16];             /* BF16 step of row r: 0, or at least 2^-50 */
};                              /* w = d (sc q - 16 m), q 0..15 */

struct q8_super {               /* 4256 bytes: 8.3125 bits each */
    uint8_t sc[8][16];          /* scale of block b, row r, 0..31 */
    int8_t q[8][8][16][4];      /* [b][g][r][j]: column 32b + 4g + j, -127..127 */
    uint16_t d[16];             /* BF16 step of row r: 0, or at least 2^-50 */
};                              /* w = d sc q */

struct act {                    /* 256 activations. x = dx t x8 */
    int8_t x[256];              /* -127..127 */
    int16_t xs[8];              /* sum of x over block b, |xs| <= 4064 */
#if defined(__x86_64__)         /* the sums again, as this machine's products want them */
    int32_t m8[8];              /* -8 xs */
#elif defined(__aarch64__)
    uint8_t low[8], high[8];    /* 4096 - xs = 64 high + low, low < 64 */
#endif
    float dx;                   /* 0, or at least 2^-46 */
    uint8_t t[8];               /* whole factor of block b: 1..8 for q8 weights, 1 for q4 */
    uint8_t zero[4];
};

static inline void act_set_sum(struct act *a, int b, int sum) {
    a->xs[b] = (int16_t)sum;
#if defined(__x86_64__)
    a->m8[b] = -8 * sum;
#elif defined(__aarch64__)
    a->low[b] = (4096 - sum) & 63;
    a->high[b] = (uint8_t)((4096 - sum) >> 6);
#endif
}

_Static_assert(sizeof(struct q4_super) == 2336 && sizeof(struct q8_super) == 4256 && sizeof(struct act) % 16 == 0, "packed layouts");

/* ---- KV cache ---- (tiles: attention.h) */

enum kv_type { KV_F32, KV_F16, KV_Q8, N_KV_TYPES };
enum { MAX_HEAD_DIM = 1024 };

static inline int kv_width(int head_dim) { return (head_dim + 15) / 16 * 16; }
/* Bytes of a tile: the keys and values of ATTN_TILE positions of one head. */
static inline int64_t kv_tile_size(enum kv_type type, int head_dim) {
    if (type == KV_Q8) return 2 * ATTN_TILE * ((int64_t)sizeof(float) + kv_width(head_dim));
    return 2 * ATTN_TILE * (int64_t)head_dim * (type == KV_F32 ? 4 : 2);
}

/* Superblocks along n columns. */
static inline int n_super(int n) { return (n + SUPER - 1) / SUPER; }

struct kernels {
    const char *name;

    /* y[t][r] = sum over k of w[r][k] * x[t][k], for rows r of w and n tokens t; summed by lanes.
     *   w  rows of n_in weights, row r at w + r * n_in * size of a weight, at any alignment
     *   x  [n][n_in] float;  y  [n][stride] float, of which columns 0..rows are written */
    void (*matmul[N_STORED_TYPES])(float *y, int64_t stride, const void *w, int rows, int n_in, const float *x, int n);

    /* The same with packed weights and quantised tokens x[n][supers]; w begins with a panel, and the last
     * panel may have fewer than 16 rows. Superblocks s in ascending order, three roundings each, no fused multiply-add:
     *   isum = sum over b of sc[b] t[b] sum over k of q x8, less 16 sum over b of m[b] xs[b] for q4     (|isum| < 2^31)
     *   y = y + (d * dx) * (float)isum       from y = 0 */
    void (*matmul_q[N_PACKED_TYPES])(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n);

    /* One row of n_in weights as floats, exactly. */
    void (*row[N_STORED_TYPES])(float *y, const void *w, int n_in);

    /* Quantise n floats into n_super(n) acts, the end padded with zeros. fine: with a factor t per block (for q8). */
    void (*quantize)(struct act *out, const float *x, int n, bool fine);

    /* Pack rows[n_rows][n_in], up to 16 of them, into a panel of n_super(n_in) superblocks. short_weights: each weight has at
     * most 20 significant bits, so that its product with 4 bits is exact. The bytes do not depend on it, only the speed. */
    void (*pack[N_PACKED_TYPES])(void *panel, const float *rows, int n_rows, int n_in, bool short_weights);

    /* One row of a packed matrix as floats: d * (float)(sc q - 16 m). */
    void (*row_q[N_PACKED_TYPES])(float *y, const void *w, int64_t row, int n_in);

    /* y[i] = w[i] * (x[i] / sqrt(mean(x^2) + eps)); the squares summed by lanes. y may be x. (Zhang and Sennrich 2019) */
    void (*rmsnorm)(float *y, const float *x, const float *w, int n, float eps);

    /* Rotate the pairs (v[j], v[j + n/2]), j < n/2, by the angles of cos_sin = { cos[n/2], sin[n/2] }. (Su et al. 2021, NEOX order) */
    void (*rope)(float *v, const float *cos_sin, int n);

    /* Put one position's key and value, [head_dim] each, into the cache of its key/value head: tiles of kv_tile_size bytes. (index: kv_type) */
    void (*store[N_KV_TYPES])(void *cache, const float *k, const float *v, int pos, int head_dim);

    /* Causal attention of one token's `group` query heads over positions 0..n_pos of the key/value head they share.
     *   q, out  [group][head_dim]
     * Scores: f32 and f16 (q * scale) . k, the products added in ascending dimension; q8 (dq * dk) * (whole sum of q8 k8), where dq has
     * the scale in it. Per tile: the maximum moves up to that of its scores, what was summed is multiplied by exp(old - new), and the
     * tile's weights p = exp(score - max) are summed by lanes. (Milakov and Gimelshein 2018) Values: f32 and f16 p * v added in ascending
     * position; q8 the weights times the values' scales are rounded to 14 bits, and step * (whole sum of u v8) of the tile is added, flushed. */
    void (*attention[N_KV_TYPES])(float *out, const float *q, const void *cache, int group, int n_pos, int head_dim, float scale);

    /* g[i] = g[i] / (1 + exp(-g[i])) * u[i] */
    void (*silu_mul)(float *g, const float *u, int n);

    /* x[i] += y[i] */
    void (*add)(float *x, const float *y, int n);
};

extern const struct kernels kernels_scalar;

#endif
