/* kernels.h - the operations of the forward pass: a table of functions, chosen once for the CPU.
 *
 * What a kernel computes is defined to the bit by the plain C of reference.c; every other version
 * equals it. So sums of floats have a fixed shape, whatever the vector width:
 *
 *   lanes   element k of a sum over k is added to virtual lane k mod 16, in ascending k, product
 *           and sum rounded separately; then lane i += lane i+8, i += i+4, i += i+2, i += i+1.
 *           16 lanes are one zmm, two ymm, or four NEON registers. A tail that is not a multiple of
 *           16 may be padded with zeros: no lane is ever -0, so +0 changes nothing.
 *   tiles   attention walks the positions in tiles of ATTN_TILE, counted from position 0, with a
 *           running maximum.
 *
 * Results below TINY in magnitude become +0, so that no kernel except `row` returns a subnormal:
 * some machines flush them. Sums over superblocks are multiples of 2^-123. cos and sin must be 0 or
 * at least TINY.
 *
 * Kernels know nothing of threads: the caller gives each its own rows, tokens or heads. They
 * allocate nothing. */
#ifndef QW_KERNELS_H
#define QW_KERNELS_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16, ATTN_TILE = 64, PANEL = 16, BLOCK = 32, SUPER = 256, BLOCKS = SUPER / BLOCK };
#define TINY 0x1p-100f

/* How weights are stored (and used, unless they are packed), and how they are packed. */
enum stored_type { NO_KERNELS = -1, STORED_F32, STORED_F16, STORED_BF16, N_STORED_TYPES };
enum packed_type { NOT_PACKED = -1, PACKED_Q8, PACKED_Q4, N_PACKED_TYPES };

/* ---- packed weights ----
 *
 * A matrix is cut into panels of 16 rows, a panel into superblocks of 256 columns; superblocks
 * follow one another along the row, panels down the matrix: one stream, read from front to back.
 * Rows are padded to 16 and columns to 256 with zeros. The same bytes serve every instruction set:
 * 4 columns of 16 rows are one zmm, two ymm, or four NEON registers,
 *
 *     |r0 k0-3|r1 k0-3|r2 k0-3| ... |r15 k0-3|       64 bytes
 *
 * and all sums within a superblock are integers, exact in any order. Block b is columns 32b to
 * 32b + 31. */

/* 2336 bytes for 16 x 256 weights, 4.5625 bits each: w = d (sc q - 16 m), q 0..15.
 *   q   [b][g][r][j]: low nibble column 32b + 4g + j, high nibble column 32b + 16 + 4g + j */
struct q4_super {
    uint8_t sc[8][16];      /* scale of block b, row r */
    uint8_t m[8][16];       /* minimum of block b, row r, in units of 16 d */
    uint8_t q[8][4][16][4];
    uint16_t d[16];         /* BF16 step of row r: 0, or at least 2^-50 */
};

/* 4256 bytes, 8.3125 bits a weight: w = d sc q, q -127..127.
 *   q   [b][g][r][j]: column 32b + 4g + j */
struct q8_super {
    uint8_t sc[8][16];      /* scale of block b, row r, 0..31 */
    int8_t q[8][8][16][4];
    uint16_t d[16];         /* BF16 step of row r: 0, or at least 2^-50 */
};

/* 256 activations: value k of block b is dx t[b] x[k]. The union repeats xs in the form that the
 * products of this architecture read; the other form is not filled in (see act_set_sum). */
struct act {
    int8_t x[256];          /* -127..127 */
    int16_t xs[8];          /* sum of x over block b, |xs| <= 4064 */
    union {
        int32_t m8[8];      /* -8 xs */
        struct {            /* 4096 - xs = 64 high + low, low < 64 */
            uint8_t low[8], high[8];
        };
    };
    float dx;               /* 0, or at least 2^-46 */
    uint8_t t[8];           /* integer factor of block b: 1..8 for q8 weights, 1 for q4 */
    uint8_t zero[4];        /* padding */
};

static inline void act_set_sum(struct act *a, int b, int sum) {
    a->xs[b] = (int16_t)sum;
#if defined(__aarch64__)
    a->low[b] = (4096 - sum) & 63;
    a->high[b] = (uint8_t)((4096 - sum) >> 6);
#else
    a->m8[b] = -8 * sum;
#endif
}

_Static_assert(sizeof(struct q4_super) == 2336, "packed files depend on it");
_Static_assert(sizeof(struct q8_super) == 4256, "packed files depend on it");
_Static_assert(sizeof(struct act) == 320, "five cache lines, and no padding but `zero`");

/* The number of superblocks for n columns. */
static inline int n_super(int n) { return (n + SUPER - 1) / SUPER; }

/* ---- KV cache ---- (the layout of a tile: common/attention.inc) */

enum kv_type { KV_F32, KV_F16, KV_Q8, N_KV_TYPES };
enum { MAX_HEAD_DIM = 1024 };

/* head_dim as the q8 cache pads it. */
static inline int kv_width(int head_dim) { return (head_dim + 15) / 16 * 16; }

/* Bytes of a tile: the keys and values of ATTN_TILE positions of one head. */
static inline int64_t kv_tile_size(enum kv_type type, int head_dim) {
    if (type == KV_Q8) return 2 * ATTN_TILE * ((int64_t)sizeof(float) + kv_width(head_dim));
    return 2 * ATTN_TILE * (int64_t)head_dim * (type == KV_F32 ? 4 : 2);
}

/* ---- the table ---- */

struct kernels {
    const char *name;

    /* y[t][r] = sum over k of w[r][k] * x[t][k], for rows r of w and tokens t; summed by lanes.
     *   w  [rows][n_in] weights as stored, without padding, at any alignment
     *   x  [n_tokens][n_in]
     *   y  [n_tokens][stride], of which columns 0..rows-1 are written */
    void (*matmul[N_STORED_TYPES])(float *y, int64_t stride, const void *w, int rows, int n_in,
                                   const float *x, int n_tokens);

    /* The same with packed weights and quantised tokens.
     *   w  whole panels of `supers` superblocks; `rows` may end inside the last one
     *   x  [n_tokens][supers]
     *   y  [n_tokens][stride], of which columns 0..rows-1 are written
     * Superblocks in ascending order, three roundings each, no fused multiply-add:
     *   isum = sum over b of sc[b] t[b] sum over k of q x8,
     *          less, for q4, 16 sum over b of m[b] xs[b]         (|isum| < 2^31)
     *   y = y + (d * dx) * (float)isum       from y = 0 */
    void (*matmul_q[N_PACKED_TYPES])(float *y, int64_t stride, const void *w, int rows, int supers,
                                     const struct act *x, int n_tokens);

    /* y[n_in] = one row of n_in stored weights as floats, exactly. */
    void (*row[N_STORED_TYPES])(float *y, const void *w, int n_in);

    /* Quantises x[n] into out[n_super(n)], padded with zeros at the end. fine: chooses t for each
     * block (for q8 weights); else t is 1. */
    void (*quantize)(struct act *out, const float *x, int n, bool fine);

    /* Packs rows[n_rows][n_in], up to 16 of them, into a panel of n_super(n_in) superblocks.
     * short_weights: each weight has at most 20 significant bits, so that its product with 4 bits
     * is exact. Only the speed depends on it, not the bytes. */
    void (*pack[N_PACKED_TYPES])(void *panel, const float *rows, int n_rows, int n_in,
                                 bool short_weights);

    /* y[n_in] = row `row` of a packed matrix as floats: d * (float)(sc q - 16 m). */
    void (*row_q[N_PACKED_TYPES])(float *y, const void *w, int64_t row, int n_in);

    /* y[i] = w[i] * (x[i] / sqrt(mean(x^2) + eps)); the squares are summed by lanes. All are [n]; y
     * may be x. (Zhang and Sennrich 2019) */
    void (*rmsnorm)(float *y, const float *x, const float *w, int n, float eps);

    /* Rotates the pairs (v[j], v[j + n/2]), j < n/2, by the angles of cos_sin = { cos[n/2],
     * sin[n/2] }. (Su et al. 2021, with GPT-NeoX's pairs) */
    void (*rope)(float *v, const float *cos_sin, int n);

    /* Puts the key k[head_dim] and the value v[head_dim] of position pos into the cache of their
     * key/value head: tiles of kv_tile_size bytes. */
    void (*store[N_KV_TYPES])(void *cache, const float *k, const float *v, int pos, int head_dim);

    /* Causal attention of one token's `group` query heads over positions 0..n_pos-1 of the
     * key/value head that they share.
     *   q, out  [group][head_dim]
     *   scores  f32, f16: (q * scale) . k, the products added in ascending dimension
     *           q8: (dq * dk) * (integer sum of q8 k8), where dq includes the scale
     *   tiles   the running maximum is raised to the tile's largest score, the sums so far are
     *           multiplied by exp(old - new), and the tile's weights p = exp(score - max) are
     *           summed by lanes (Milakov and Gimelshein 2018)
     *   values  f32, f16: p * v, added in ascending position
     *           q8: p times each value's scale is rounded to 14 bits, u; then step * (integer sum
     *           of u v8) of the tile is added, flushed */
    void (*attention[N_KV_TYPES])(float *out, const float *q, const void *cache, int group,
                                  int n_pos, int head_dim, float scale);

    /* g[i] = g[i] / (1 + exp(-g[i])) * u[i], both [n] */
    void (*silu_mul)(float *g, const float *u, int n);

    /* x[i] += y[i], both [n] */
    void (*add)(float *x, const float *y, int n);
};

/* The reference, for any machine. */
extern const struct kernels kernels_reference;

#endif
