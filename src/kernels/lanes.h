/* lanes.h - L1: every operation on floats, in plain C. It defines the bits; see kernels.h for the shapes of the sums.
 *
 * Each instruction set's file includes it and is compiled with its own flags: loops over 16 lanes or rows become its vectors, and
 * since nothing may be reassociated or fused the results are the same. All functions are static, so none leaks from a file
 * compiled for a newer CPU. Only the products of packed weights, where whole-number instructions decide, are written by hand
 * for each; here is their definition. */
#ifndef QW_LANES_H
#define QW_LANES_H
#include <float.h>
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

/* ---- quantised activations ---- */

/* The nearest whole number, ties to even, for |x| < 2^22. */
static inline float round_even(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }

/* Per superblock dx is its largest magnitude / 127. fine: block b has its own factor t = 1..8, the least with which its largest value
 * fits 127 steps of dx t; dx is then 1/8 of the above. What is below 2^-40 altogether is 0. */
static void quantize(struct act *out, const float *x, int n, bool fine) {
    for (int s = 0; s < n_super(n); s++, out++) {
        float v[SUPER] = {0}, most[BLOCKS], all = 0;
        bool finite = true;
        int left = n - s * SUPER < SUPER ? n - s * SUPER : SUPER;
        memcpy(v, x + (int64_t)s * SUPER, (size_t)left * sizeof *v);
        for (int b = 0; b < BLOCKS; b++) {
            float m = 0;
            for (int i = 0; i < BLOCK; i++) {
                float a = fabsf(v[b * BLOCK + i]);
                finite &= a <= FLT_MAX;
                m = a > m ? a : m;
            }
            most[b] = m;
            all = m > all ? m : all;
        }
        bool zero = !(all >= 0x1p-40f) || !finite;
        float step = zero ? 0 : all / (fine ? 127 * 8 : 127);
        out->dx = finite ? step : NAN;          /* the products will not be finite either, and that is noticed */
        for (int b = 0; b < BLOCKS; b++) {
            int t = 1, sum = 0;
            if (fine && !zero) while (t < 8 && most[b] > (float)(127 * t) * step) t++;
            float inv = zero ? 0 : 1.0f / (step * (float)t);
            out->t[b] = (uint8_t)t;
            for (int i = 0; i < BLOCK; i++) {
                float q = round_even(v[b * BLOCK + i] * inv);
                int k = (int)(q > 127 ? 127 : q < -127 ? -127 : q);
                out->x[b * BLOCK + i] = (int8_t)k;
                sum += k;
            }
            out->xs[b] = (int16_t)sum;
            out->m8[b] = -8 * sum;
        }
        memset(out->zero, 0, sizeof out->zero);
    }
}

/* ---- packing weights ---- */

static inline uint16_t bf16_up(float x) { return (uint16_t)((to_bits(x) + 0xFFFF) >> 16); }     /* not below x, for x >= 0 */

/* Superblock s of stored row r as floats, the end padded with zeros. */
static void load_super(float v[SUPER], const void *w, enum weight_type from, int r, int n_in, int s) {
    int left = n_in - s * SUPER < SUPER ? n_in - s * SUPER : SUPER, size = from == WEIGHT_F32 ? 4 : 2;
    const unsigned char *p = (const unsigned char *)w + ((int64_t)r * n_in + s * SUPER) * size;
    if (from == WEIGHT_F32) row_f32(v, p, left);
    else if (from == WEIGHT_F16) row_f16(v, p, left);
    else row_bf16(v, p, left);
    for (int k = left; k < SUPER; k++) v[k] = 0;
}

static void pack_q8(void *panel, const void *w, enum weight_type from, int rows, int n_in) {
    struct q8_super *out = panel;
    for (int s = 0; s < n_super(n_in); s++, out++) {
        memset(out, 0, sizeof *out);
        for (int r = 0; r < rows; r++) {
            float v[SUPER], most[BLOCKS], all = 0;
            load_super(v, w, from, r, n_in, s);
            for (int b = 0; b < BLOCKS; b++) {
                most[b] = 0;
                for (int k = 0; k < BLOCK; k++) most[b] = fabsf(v[b * BLOCK + k]) > most[b] ? fabsf(v[b * BLOCK + k]) : most[b];
                all = most[b] > all ? most[b] : all;
            }
            if (!(all >= 0x1p-38f)) continue;
            out->d[r] = bf16_up(all / (127 * 31));
            float d = from_bits((uint32_t)out->d[r] << 16);
            for (int b = 0; b < BLOCKS; b++) {
                int sc = 1;
                while (sc < 31 && most[b] > 127 * (float)sc * d) sc++;
                float inv = 1.0f / (d * (float)sc);
                out->sc[b][r] = (uint8_t)sc;
                for (int k = 0; k < BLOCK; k++) {
                    float q = round_even(v[b * BLOCK + k] * inv);
                    out->q[b][k / 4][r][k % 4] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
                }
            }
        }
    }
}

static void pack_q4(void *panel, const void *w, enum weight_type from, int rows, int n_in) {
    struct q4_super *out = panel;
    for (int s = 0; s < n_super(n_in); s++, out++) {
        memset(out, 0, sizeof *out);
        for (int r = 0; r < rows; r++) {
            float v[SUPER], lo[BLOCKS], step[BLOCKS], all = 0;
            load_super(v, w, from, r, n_in, s);
            for (int b = 0; b < BLOCKS; b++) {
                float hi = 0;
                lo[b] = 0;
                for (int k = 0; k < BLOCK; k++) {
                    float x = v[b * BLOCK + k];
                    hi = x > hi ? x : hi;
                    lo[b] = x < lo[b] ? x : lo[b];
                }
                step[b] = (hi - lo[b]) / 15;
                all = step[b] > all ? step[b] : all;
                all = -lo[b] / 16 > all ? -lo[b] / 16 : all;
            }
            if (!(all >= 0x1p-40f)) continue;
            out->d[r] = bf16_up(all / 255);
            float d = from_bits((uint32_t)out->d[r] << 16);
            for (int b = 0; b < BLOCKS; b++) {
                int sc = (int)round_even(step[b] / d), m = (int)round_even(-lo[b] / (16 * d));
                out->sc[b][r] = (uint8_t)(sc > 255 ? 255 : sc);
                out->m[b][r] = (uint8_t)(m > 255 ? 255 : m);
                float inv = sc > 0 ? 1.0f / (d * (float)sc) : 0, min = 16 * d * (float)m;
                for (int k = 0; k < BLOCK; k++) {
                    float q = round_even((v[b * BLOCK + k] + min) * inv);
                    int n = (int)(q > 15 ? 15 : q < 0 ? 0 : q);
                    out->q[b][k % 16 / 4][r][k % 4] |= (uint8_t)(k < 16 ? n : n << 4);
                }
            }
        }
    }
}

/* ---- products of packed weights: the definition ---- */

static inline float step_value(uint16_t d) { return from_bits((uint32_t)d << 16); }

static inline void matmul_q4_reference(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    const struct q4_super *panel = w;
    for (int row = 0; row < rows; row += PANEL, panel += supers)
        for (int r = 0; r < PANEL && row + r < rows; r++)
            for (int t = 0; t < n; t++) {
                float sum = 0;
                for (int s = 0; s < supers; s++) {
                    const struct q4_super *p = &panel[s];
                    const struct act *a = &x[(int64_t)t * supers + s];
                    int32_t isum = 0;
                    for (int b = 0; b < BLOCKS; b++) {
                        int32_t dot = 0;
                        for (int k = 0; k < BLOCK; k++) {
                            int byte = p->q[b][k % 16 / 4][r][k % 4];
                            dot += (k < 16 ? byte & 15 : byte >> 4) * a->x[b * BLOCK + k];
                        }
                        isum += p->sc[b][r] * dot - 16 * p->m[b][r] * a->xs[b];
                    }
                    float scale = step_value(p->d[r]) * a->dx;
                    float product = scale * (float)isum;
                    sum = sum + product;
                }
                y[t * stride + row + r] = sum;
            }
}

static inline void matmul_q8_reference(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    const struct q8_super *panel = w;
    for (int row = 0; row < rows; row += PANEL, panel += supers)
        for (int r = 0; r < PANEL && row + r < rows; r++)
            for (int t = 0; t < n; t++) {
                float sum = 0;
                for (int s = 0; s < supers; s++) {
                    const struct q8_super *p = &panel[s];
                    const struct act *a = &x[(int64_t)t * supers + s];
                    int32_t isum = 0;
                    for (int b = 0; b < BLOCKS; b++) {
                        int32_t dot = 0;
                        for (int k = 0; k < BLOCK; k++) dot += p->q[b][k / 4][r][k % 4] * a->x[b * BLOCK + k];
                        isum += p->sc[b][r] * a->t[b] * dot;
                    }
                    float scale = step_value(p->d[r]) * a->dx;
                    float product = scale * (float)isum;
                    sum = sum + product;
                }
                y[t * stride + row + r] = sum;
            }
}

static void row_q4(float *y, const void *w, int64_t row, int n_in) {
    const struct q4_super *p = (const struct q4_super *)w + row / PANEL * n_super(n_in);
    int r = (int)(row % PANEL);
    for (int k = 0; k < n_in; k++) {
        const struct q4_super *s = &p[k / SUPER];
        int b = k % SUPER / BLOCK, i = k % BLOCK, byte = s->q[b][i % 16 / 4][r][i % 4];
        y[k] = step_value(s->d[r]) * (float)(s->sc[b][r] * (i < 16 ? byte & 15 : byte >> 4) - 16 * s->m[b][r]);
    }
}

static void row_q8(float *y, const void *w, int64_t row, int n_in) {
    const struct q8_super *p = (const struct q8_super *)w + row / PANEL * n_super(n_in);
    int r = (int)(row % PANEL);
    for (int k = 0; k < n_in; k++) {
        const struct q8_super *s = &p[k / SUPER];
        int b = k % SUPER / BLOCK, i = k % BLOCK;
        y[k] = step_value(s->d[r]) * (float)(s->sc[b][r] * s->q[b][i / 4][r][i % 4]);
    }
}

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

/* The table's entries for floats; an instruction set adds .name and .matmul_q. */
#define LANES_KERNELS \
    .matmul = {[WEIGHT_F32] = matmul_f32, [WEIGHT_F16] = matmul_f16, [WEIGHT_BF16] = matmul_bf16}, \
    .row = {[WEIGHT_F32] = row_f32, [WEIGHT_F16] = row_f16, [WEIGHT_BF16] = row_bf16}, \
    .quantize = quantize, .pack = {pack_q8, pack_q4}, .row_q = {row_q8, row_q4}, \
    .rmsnorm = rmsnorm, .rope = rope, .attention = attention, .silu_mul = silu_mul, .add = add

#endif
