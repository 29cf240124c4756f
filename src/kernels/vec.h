/* vec.h - L1: the float operations that take the most time, written with vectors of 16 lanes (GNU C), for machines whose vector units
 * follow IEEE 754 to the subnormals: the same bits as lanes.h, which defines them. The compiler makes each vector one zmm, two ymm, or
 * four 128-bit registers. ARMv7 is no such machine and stays with lanes.h. */
#ifndef QW_VEC_H
#define QW_VEC_H
#include "lanes.h"

typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef uint32_t v16u __attribute__((vector_size(64)));
typedef uint16_t v16h __attribute__((vector_size(32)));

/* Macros, not functions: a vector argument or result would change the ABI with the compiler's flags. */
#define LOAD16(v, p) memcpy(&(v), (p), sizeof(v))
#define STORE16(p, v) memcpy((p), &(v), sizeof(v))
#define SPLAT16(x) ((v16f){0} + (x))
#define CHOOSE16(mask, a, b) ((v16f)(((v16i)(a) & (mask)) | ((v16i)(b) & ~(mask))))     /* mask: all ones or zeros per lane */

/* y = exp_f32(x), lane by lane the same steps */
#define EXP16(y, x) do { \
    v16f x_ = (x), lo_ = x_; \
    x_ = CHOOSE16(x_ > 88.0f, SPLAT16(88.0f), x_); \
    v16f t_ = x_ * 1.44269504f + 0x1.8p23f, n_ = t_ - 0x1.8p23f; \
    v16f r_ = (x_ - n_ * 0.693359375f) - n_ * -2.12194440e-4f; \
    v16f p_ = r_ * 1.9875691500e-4f + 1.3981999507e-3f; \
    p_ = p_ * r_ + 8.3334519073e-3f; \
    p_ = p_ * r_ + 4.1665795894e-2f; \
    p_ = p_ * r_ + 1.6666665459e-1f; \
    p_ = p_ * r_ + 5.0000001201e-1f; \
    p_ = (p_ * (r_ * r_) + r_) + 1.0f; \
    p_ = p_ * (v16f)(((v16u)t_ + 127u) << 23); \
    (y) = CHOOSE16(lo_ < -60.0f, SPLAT16(0.0f), p_); \
} while (0)

#define SUM16(x) ({ float lane_[LANES]; v16f x_ = (x); STORE16(lane_, x_); sum_lanes(lane_); })

/* ---- attention: two query heads at a time, so that each key and value is loaded once for both ---- */

/* Scores of two heads for a tile: s = (q * scale) . k for all of its positions, 32 at a time. */
static void scores_pair(float s0[ATTN_TILE], float s1[ATTN_TILE], const float *q0, const float *q1, const float *k, int head_dim, float scale) {
    for (int j = 0; j < ATTN_TILE; j += 32) {
        v16f a = {0}, b = {0}, c = {0}, d = {0};
        for (int i = 0; i < head_dim; i++) {
            v16f k0, k1;
            float x = q0[i] * scale, y = q1[i] * scale;
            LOAD16(k0, k + i * ATTN_TILE + j);
            LOAD16(k1, k + i * ATTN_TILE + j + 16);
            a += k0 * x;
            b += k1 * x;
            c += k0 * y;
            d += k1 * y;
        }
        STORE16(s0 + j, a);
        STORE16(s0 + j + 16, b);
        STORE16(s1 + j, c);
        STORE16(s1 + j + 16, d);
    }
}

/* Scores to weights: the running maximum moves up, `keep` is what the sums so far are multiplied by, the sum of the weights joins *sum. */
static float soften(float s[ATTN_TILE], int valid, float *max, float *sum) {
    float old = *max, top = old;
    for (int j = 0; j < valid; j++) if (s[j] > top) top = s[j];
    float keep = exp_f32(old - top);
    v16f lanes = {0};
    for (int j = valid; j < ATTN_TILE; j++) s[j] = -INFINITY;           /* whatever stood there weighs exp(-inf) = 0 */
    for (int j = 0; j < ATTN_TILE; j += 16) {
        v16f x;
        LOAD16(x, s + j);
        EXP16(x, x - top);
        STORE16(s + j, x);
        lanes += x;
    }
    *max = top;
    *sum = *sum * keep + SUM16(lanes);
    return keep;
}

/* out = out * keep + weights . v for two heads. */
static void mix_pair(float *out0, float *out1, const float *p0, const float *p1, float keep0, float keep1, const float *v, int valid, int head_dim) {
    int i = 0;
    for (; i + 32 <= head_dim; i += 32) {
        v16f a, b, c, d;
        LOAD16(a, out0 + i);
        LOAD16(b, out0 + i + 16);
        LOAD16(c, out1 + i);
        LOAD16(d, out1 + i + 16);
        a *= keep0;
        b *= keep0;
        c *= keep1;
        d *= keep1;
        for (int j = 0; j < valid; j++) {
            v16f v0, v1;
            LOAD16(v0, v + (int64_t)j * head_dim + i);
            LOAD16(v1, v + (int64_t)j * head_dim + i + 16);
            a += v0 * p0[j];
            b += v1 * p0[j];
            c += v0 * p1[j];
            d += v1 * p1[j];
        }
        STORE16(out0 + i, a);
        STORE16(out0 + i + 16, b);
        STORE16(out1 + i, c);
        STORE16(out1 + i + 16, d);
    }
    for (; i < head_dim; i++) {
        float x = out0[i] * keep0, y = out1[i] * keep1;
        for (int j = 0; j < valid; j++) {
            x += p0[j] * v[(int64_t)j * head_dim + i];
            y += p1[j] * v[(int64_t)j * head_dim + i];
        }
        out0[i] = x;
        out1[i] = y;
    }
}

static void attention_vec(float *out, const float *q, const float *k, const float *v, int group, int n_pos, int head_dim, float scale) {
    for (int g = 0; g + 2 <= group; g += 2, q += 2 * head_dim, out += 2 * head_dim) {
        float *out0 = out, *out1 = out + head_dim, max0 = -INFINITY, max1 = -INFINITY, sum0 = 0, sum1 = 0;
        memset(out, 0, (size_t)head_dim * 2 * sizeof *out);
        for (int first = 0; first < n_pos; first += ATTN_TILE) {
            float s0[ATTN_TILE], s1[ATTN_TILE];
            int valid = n_pos - first < ATTN_TILE ? n_pos - first : ATTN_TILE;
            scores_pair(s0, s1, q, q + head_dim, k + (int64_t)first * head_dim, head_dim, scale);
            float keep0 = soften(s0, valid, &max0, &sum0), keep1 = soften(s1, valid, &max1, &sum1);
            mix_pair(out0, out1, s0, s1, keep0, keep1, v + (int64_t)first * head_dim, valid, head_dim);
        }
        float inv0 = 1.0f / sum0, inv1 = 1.0f / sum1;
        for (int i = 0; i < head_dim; i++) {
            out0[i] = flush(out0[i] * inv0);
            out1[i] = flush(out1[i] * inv1);
        }
    }
    if (group % 2) attention(out, q, k, v, 1, n_pos, head_dim, scale);
}

/* ---- products with BF16 weights: a row against four tokens ---- */

#define BF16_16(v, p) do { v16h h_; LOAD16(h_, (p)); (v) = (v16f)(__builtin_convertvector(h_, v16u) << 16); } while (0)

static void bf16_rows(float *y, int64_t stride, const unsigned char *w, int rows, int n_in, const float *x0, const float *x1, const float *x2, const float *x3, int n) {
    for (int r = 0; r < rows; r++, w += (int64_t)n_in * 2) {
        v16f a = {0}, b = {0}, c = {0}, d = {0};
        float tail[4][LANES];
        int k = 0;
        for (; k + LANES <= n_in; k += LANES) {
            v16f v, x;
            BF16_16(v, w + k * 2);
            LOAD16(x, x0 + k);
            a += v * x;
            LOAD16(x, x1 + k);
            b += v * x;
            LOAD16(x, x2 + k);
            c += v * x;
            LOAD16(x, x3 + k);
            d += v * x;
        }
        STORE16(tail[0], a);
        STORE16(tail[1], b);
        STORE16(tail[2], c);
        STORE16(tail[3], d);
        for (int l = 0; k < n_in; k++, l++) {
            float v = load_bf16(w + k * 2);
            tail[0][l] += v * x0[k];
            tail[1][l] += v * x1[k];
            tail[2][l] += v * x2[k];
            tail[3][l] += v * x3[k];
        }
        for (int t = 0; t < n; t++) y[t * stride + r] = flush(sum_lanes(tail[t]));
    }
}

/* One token: four rows at a time keep four sums going. */
static void bf16_token(float *y, const unsigned char *w, int rows, int n_in, const float *x) {
    const int64_t row = (int64_t)n_in * 2;
    int r = 0;
    for (; r + 4 <= rows; r += 4, w += 4 * row) {
        v16f a = {0}, b = {0}, c = {0}, d = {0};
        float tail[4][LANES];
        int k = 0;
        for (; k + LANES <= n_in; k += LANES) {
            v16f v, t;
            LOAD16(t, x + k);
            BF16_16(v, w + k * 2);
            a += v * t;
            BF16_16(v, w + row + k * 2);
            b += v * t;
            BF16_16(v, w + 2 * row + k * 2);
            c += v * t;
            BF16_16(v, w + 3 * row + k * 2);
            d += v * t;
        }
        STORE16(tail[0], a);
        STORE16(tail[1], b);
        STORE16(tail[2], c);
        STORE16(tail[3], d);
        for (int l = 0; k < n_in; k++, l++)
            for (int i = 0; i < 4; i++) tail[i][l] += load_bf16(w + i * row + k * 2) * x[k];
        for (int i = 0; i < 4; i++) y[r + i] = flush(sum_lanes(tail[i]));
    }
    if (r < rows) matmul_bf16(y + r, 0, w, rows - r, n_in, x, 1);
}

static void matmul_bf16_vec(float *y, int64_t stride, const void *w, int rows, int n_in, const float *x, int n) {
    if (n == 1) { bf16_token(y, w, rows, n_in, x); return; }
    for (int t = 0; t < n; t += 4) {
        const float *x0 = x + (int64_t)t * n_in, *x1 = t + 1 < n ? x0 + n_in : x0, *x2 = t + 2 < n ? x1 + n_in : x0, *x3 = t + 3 < n ? x2 + n_in : x0;
        bf16_rows(y + t * stride, stride, w, rows, n_in, x0, x1, x2, x3, n - t < 4 ? n - t : 4);
    }
}

/* ---- SiLU ---- */

static void silu_mul_vec(float *g, const float *u, int n) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        v16f a, b, e;
        LOAD16(a, g + i);
        LOAD16(b, u + i);
        EXP16(e, -a);
        a = a / (e + 1.0f) * b;
        a = CHOOSE16((a > -TINY) & (a < TINY), SPLAT16(0.0f), a);
        STORE16(g + i, a);
    }
    silu_mul(g + i, u + i, n - i);
}

/* The table's entries: lanes.h's, and these in their place. */
#define VEC_KERNELS \
    .matmul = {[WEIGHT_F32] = matmul_f32, [WEIGHT_F16] = matmul_f16, [WEIGHT_BF16] = matmul_bf16_vec}, \
    .row = {[WEIGHT_F32] = row_f32, [WEIGHT_F16] = row_f16, [WEIGHT_BF16] = row_bf16}, \
    .quantize = quantize, .pack = {pack_q8, pack_q4}, .row_q = {row_q8, row_q4}, \
    .rmsnorm = rmsnorm, .rope = rope, .attention = attention_vec, .silu_mul = silu_mul_vec, .add = add

#endif
