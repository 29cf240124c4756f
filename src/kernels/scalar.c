/* scalar.c - L1: the reference of every kernel, in plain C. It defines the bits; see kernels.h for the shapes of the sums. */
#include <math.h>
#include "kernels.h"

/* ---- pieces ---- */

static inline float from_bits(uint32_t u) { float f; memcpy(&f, &u, sizeof f); return f; }
static inline uint32_t to_bits(float f) { uint32_t u; memcpy(&u, &f, sizeof u); return u; }
static inline float flush(float x) { return x > -TINY && x < TINY ? 0.0f : x; }

static inline float load_f32(const unsigned char *p) { float f; memcpy(&f, p, sizeof f); return f; }
static inline float load_bf16(const unsigned char *p) { uint16_t h; memcpy(&h, p, sizeof h); return from_bits((uint32_t)h << 16); }

/* Half to float, exactly. A subnormal half is its whole number times 2^-24. */
static inline float load_f16(const unsigned char *p) {
    uint16_t h;
    memcpy(&h, p, sizeof h);
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, body = (uint32_t)(h & 0x7FFF) << 13;
    if (body < 0x00800000) return from_bits(sign | to_bits((float)(h & 0x3FF) * 0x1p-24f));
    if (body >= 0x0F800000) return from_bits(sign | 0x70000000 | body);         /* inf and NaN */
    return from_bits(sign | (body + 0x38000000));
}

/* exp x within 2 units of the last place: x = n ln 2 + r, a polynomial in r (Moshier, Cephes expf), times 2^n.
 * 0 below -60: next to 1 that is nothing, and products with it stay normal. Clamped above 88. NaN stays NaN. */
static inline float exp_f32(float x) {
    if (x < -60.0f) return 0.0f;
    if (x > 88.0f) x = 88.0f;
    float t = x * 1.44269504f + 0x1.8p23f;          /* rounded to whole: n stands in the low bits */
    float n = t - 0x1.8p23f;
    float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = (p * (r * r) + r) + 1.0f;
    return p * from_bits((to_bits(t) + 127u) << 23);
}

static inline float sum_lanes(float a[LANES]) {
    for (int w = LANES / 2; w > 0; w /= 2)
        for (int i = 0; i < w; i++) a[i] += a[i + w];
    return a[0];
}

/* ---- matrix products ---- */

/* One row against two tokens at a time, so that each weight is converted half as often. */
#define MATMUL(NAME, LOAD, SIZE) \
static void NAME(float *y, int64_t stride, const void *w, int rows, int n_in, const float *x, int n) { \
    for (int r = 0; r < rows; r++) { \
        const unsigned char *row = (const unsigned char *)w + (int64_t)r * n_in * SIZE; \
        for (int t = 0; t < n; t += 2) { \
            const float *x0 = x + (int64_t)t * n_in, *x1 = t + 1 < n ? x0 + n_in : x0; \
            float a0[LANES] = {0}, a1[LANES] = {0}; \
            int k = 0; \
            for (; k + LANES <= n_in; k += LANES) { \
                float v[LANES]; \
                for (int l = 0; l < LANES; l++) v[l] = LOAD(row + (k + l) * SIZE); \
                for (int l = 0; l < LANES; l++) a0[l] += v[l] * x0[k + l]; \
                for (int l = 0; l < LANES; l++) a1[l] += v[l] * x1[k + l]; \
            } \
            for (int l = 0; k < n_in; k++, l++) { \
                float v = LOAD(row + k * SIZE); \
                a0[l] += v * x0[k]; \
                a1[l] += v * x1[k]; \
            } \
            y[t * stride + r] = flush(sum_lanes(a0)); \
            if (t + 1 < n) y[(t + 1) * stride + r] = flush(sum_lanes(a1)); \
        } \
    } \
}
MATMUL(matmul_f32, load_f32, 4)
MATMUL(matmul_f16, load_f16, 2)
MATMUL(matmul_bf16, load_bf16, 2)

#define ROW(NAME, LOAD, SIZE) \
static void NAME(float *y, const void *w, int n_in) { \
    for (int k = 0; k < n_in; k++) y[k] = LOAD((const unsigned char *)w + k * SIZE); \
}
ROW(row_f32, load_f32, 4)
ROW(row_f16, load_f16, 2)
ROW(row_bf16, load_bf16, 2)

/* ---- the rest of a layer ---- */

static void rmsnorm(float *y, const float *x, const float *w, int n, float eps) {
    float a[LANES] = {0};
    for (int k = 0; k < n; k++) a[k % LANES] += x[k] * x[k];
    float inv = 1.0f / sqrtf(sum_lanes(a) / (float)n + eps);        /* sqrtf is exactly rounded by IEEE 754 */
    for (int k = 0; k < n; k++) y[k] = flush(w[k] * (x[k] * inv));
}

static void rope(float *v, const float *cos_sin, int n) {
    const float *cs = cos_sin, *sn = cos_sin + n / 2;
    for (int j = 0; j < n / 2; j++) {
        float a = v[j], b = v[j + n / 2];
        v[j] = flush(a * cs[j] - b * sn[j]);
        v[j + n / 2] = flush(b * cs[j] + a * sn[j]);
    }
}

static void attention(float *out, const float *q, const float *k, const float *v, int group, int n_pos, int head_dim, float scale) {
    for (int g = 0; g < group; g++, q += head_dim, out += head_dim) {
        float max = -INFINITY, sum = 0;
        for (int d = 0; d < head_dim; d++) out[d] = 0;
        for (int first = 0; first < n_pos; first += ATTN_TILE) {
            const float *kt = k + (int64_t)first * head_dim, *vt = v + (int64_t)first * head_dim;
            int valid = n_pos - first < ATTN_TILE ? n_pos - first : ATTN_TILE;
            float p[ATTN_TILE] = {0}, lane[LANES] = {0}, old = max;
            for (int d = 0; d < head_dim; d++) {
                float qd = q[d] * scale;
                for (int j = 0; j < ATTN_TILE; j++) p[j] += qd * kt[d * ATTN_TILE + j];
            }
            for (int j = 0; j < valid; j++) if (p[j] > max) max = p[j];
            float keep = exp_f32(old - max);
            for (int j = 0; j < ATTN_TILE; j++) {
                p[j] = j < valid ? exp_f32(p[j] - max) : 0;
                lane[j % LANES] += p[j];
            }
            sum = sum * keep + sum_lanes(lane);
            for (int d = 0; d < head_dim; d++) out[d] *= keep;
            for (int j = 0; j < valid; j++)
                for (int d = 0; d < head_dim; d++) out[d] += p[j] * vt[j * head_dim + d];
        }
        float inv = 1.0f / sum;
        for (int d = 0; d < head_dim; d++) out[d] = flush(out[d] * inv);
    }
}

static void silu_mul(float *g, const float *u, int n) {
    for (int i = 0; i < n; i++) g[i] = flush(g[i] / (1.0f + exp_f32(-g[i])) * u[i]);
}

static void add(float *x, const float *y, int n) {
    for (int i = 0; i < n; i++) x[i] = flush(x[i] + y[i]);
}

const struct kernels kernels_scalar = {
    .name = "scalar",
    .matmul = {[WEIGHT_F32] = matmul_f32, [WEIGHT_F16] = matmul_f16, [WEIGHT_BF16] = matmul_bf16},
    .row = {[WEIGHT_F32] = row_f32, [WEIGHT_F16] = row_f16, [WEIGHT_BF16] = row_bf16},
    .rmsnorm = rmsnorm,
    .rope = rope,
    .attention = attention,
    .silu_mul = silu_mul,
    .add = add,
};
