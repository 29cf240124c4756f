/* lanes.h - L1: every operation on floats, in plain C. It defines the bits; see kernels.h for the shapes of the sums.
 *
 * Each instruction set's file includes it and is compiled with its own flags: loops over 16 lanes or rows become its vectors, and
 * since nothing may be reassociated or fused the results are the same. All functions are static, so none leaks from a file
 * compiled for a newer CPU. Only the products of packed weights and of the q8 cache, where whole-number instructions decide, are written by
 * hand for each; their definitions are here and in scalar.c (dot_columns). */
#ifndef QW_LANES_H
#define QW_LANES_H
#include <float.h>
#include <math.h>
#include "kernels.h"
#include "vectors.h"
#if defined(__F16C__)
#include <immintrin.h>
#elif defined(__aarch64__) && !defined(PLAIN_VECTORS)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

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
    if (body > 0x0F800000) return from_bits(sign | 0x70400000 | body);          /* NaN, quiet as hardware makes it */
    if (body == 0x0F800000) return from_bits(sign | 0x7F800000);
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
#define HALVE(W) for (int i = 0; i < W; i++) a[i] += a[i + W];      /* a loop over W would stay scalar */
    HALVE(8) HALVE(4) HALVE(2)
#undef HALVE
    return a[0] + a[1];
}

/* The same of lanes that are in registers. */
static inline float sum_lane_vecs(fvec v[LANES / FWIDTH]) {
    float a[FWIDTH];
    for (int w = LANES / FWIDTH / 2; w > 0; w /= 2)
        for (int i = 0; i < w; i++) v[i] = fv_add(v[i], v[i + w]);
    fv_store(a, v[0]);
#define HALVE(W) if (W < (int)FWIDTH) for (int i = 0; i < W; i++) a[i] += a[i + W];
    HALVE(8) HALVE(4) HALVE(2) HALVE(1)
#undef HALVE
    return a[0];
}

/* exp_f32 of several. Subnormals vanish beside the 1 that is added at the end, and a result is 0 or at least exp(-60). */
static inline void exp_vecs(fvec x[SIDE]) {
    fvec t[SIDE], n[SIDE], r[SIDE], p[SIDE];
    EACH_SIDE r[i] = fv_least(x[i], 88.0f);
    EACH_SIDE t[i] = fv_add(fv_mul(r[i], fv_all(1.44269504f)), fv_all(0x1.8p23f));
    EACH_SIDE n[i] = fv_sub(t[i], fv_all(0x1.8p23f));
    EACH_SIDE r[i] = fv_sub(r[i], fv_mul(n[i], fv_all(0.693359375f)));
    EACH_SIDE r[i] = fv_sub(r[i], fv_mul(n[i], fv_all(-2.12194440e-4f)));
    EACH_SIDE p[i] = fv_add(fv_mul(r[i], fv_all(1.9875691500e-4f)), fv_all(1.3981999507e-3f));
    EACH_SIDE p[i] = fv_add(fv_mul(p[i], r[i]), fv_all(8.3334519073e-3f));
    EACH_SIDE p[i] = fv_add(fv_mul(p[i], r[i]), fv_all(4.1665795894e-2f));
    EACH_SIDE p[i] = fv_add(fv_mul(p[i], r[i]), fv_all(1.6666665459e-1f));
    EACH_SIDE p[i] = fv_add(fv_mul(p[i], r[i]), fv_all(5.0000001201e-1f));
    EACH_SIDE p[i] = fv_add(fv_add(fv_mul(p[i], fv_mul(r[i], r[i])), r[i]), fv_all(1.0f));
    EACH_SIDE p[i] = fv_mul(p[i], fv_from_bits(UV_LEFT(uv_add(fv_bits(t[i]), uv_all(127)), 23)));
    EACH_SIDE x[i] = fv_zero_below(p[i], x[i], -60.0f);
}

/* ---- matrix products ---- */

/* One row against two tokens at a time, so that each weight is converted half as often. */
#define MATMUL(NAME, LOAD, SIZE) \
static void NAME(float *y, int64_t stride, const void *w, int rows, int n_in, const float *x, int n) { \
    for (int r = 0; r < rows; r++) { \
        const unsigned char *row = (const unsigned char *)w + (int64_t)r * n_in * SIZE; \
        for (int t = 0; t < n; t += 2) { \
            const float *x0 = x + (int64_t)t * n_in, *x1 = t + 1 < n ? x0 + n_in : x0; \
            vec v0[LANES / WIDTH] = {{0}}, v1[LANES / WIDTH] = {{0}}; \
            int k = 0; \
            for (; k + LANES <= n_in; k += LANES) { \
                unsigned char raw[LANES * SIZE];        /* from a copy of known size gcc loads vectors, not one weight at a time */ \
                float v[LANES]; \
                memcpy(raw, row + k * SIZE, sizeof raw); \
                for (int l = 0; l < LANES; l++) v[l] = LOAD(raw + l * SIZE); \
                for (int i = 0; i < LANES / WIDTH; i++) { \
                    v0[i] += load_vec(v + i * WIDTH) * load_vec(x0 + k + i * WIDTH); \
                    v1[i] += load_vec(v + i * WIDTH) * load_vec(x1 + k + i * WIDTH); \
                } \
            } \
            float a0[LANES], a1[LANES]; \
            memcpy(a0, v0, sizeof a0); \
            memcpy(a1, v1, sizeof a1); \
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
ROW(row_bf16, load_bf16, 2)

static void row_f16(float *y, const void *w, int n_in) {
    const unsigned char *p = w;
    int k = 0;
#if defined(__AVX512F__)
    for (; k + 16 <= n_in; k += 16) _mm512_storeu_ps(y + k, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p + 2 * k))));
#elif defined(__F16C__)
    for (; k + 8 <= n_in; k += 8) _mm256_storeu_ps(y + k, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 2 * k))));
#elif defined(__aarch64__) && !defined(PLAIN_VECTORS)
    for (; k + 4 <= n_in; k += 4) vst1q_f32(y + k, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p + 2 * k))));
#endif
    for (; k < n_in; k++) y[k] = load_f16(p + 2 * k);
}

#include "quant.h"

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
                    uint32_t isum = 0;                  /* wraps in a damaged file only */
                    for (int b = 0; b < BLOCKS; b++) {
                        int32_t dot = 0;
                        for (int k = 0; k < BLOCK; k++) {
                            int byte = p->q[b][k % 16 / 4][r][k % 4];
                            dot += (k < 16 ? byte & 15 : byte >> 4) * a->x[b * BLOCK + k];
                        }
                        isum += (uint32_t)(p->sc[b][r] * dot) - (uint32_t)(16 * p->m[b][r] * a->xs[b]);
                    }
                    float scale = step_value(p->d[r]) * a->dx;
                    float product = scale * (float)(int32_t)isum;
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
                    uint32_t isum = 0;                  /* wraps in a damaged file only */
                    for (int b = 0; b < BLOCKS; b++) {
                        int32_t dot = 0;
                        for (int k = 0; k < BLOCK; k++) dot += p->q[b][k / 4][r][k % 4] * a->x[b * BLOCK + k];
                        isum += (uint32_t)(p->sc[b][r] * a->t[b]) * (uint32_t)dot;
                    }
                    float scale = step_value(p->d[r]) * a->dx;
                    float product = scale * (float)(int32_t)isum;
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

/* All 0 or at least 2^-62: then the squares are 0 or normal, and so is x * inv below, as inv >= 2^-64. */
static inline bool squares_are_normal(const float *x, int n) {
    uint32_t small = 0;
    for (int k = 0; k < n; k++) small |= (to_bits(x[k]) << 1) - 1 < (to_bits(0x1p-62f) << 1) - 1;
    return !small;
}

/* fvec: of w * (x * inv) only w may be subnormal; then the product is below TINY, as |x * inv| <= sqrt(n). */
static void rmsnorm(float *y, const float *x, const float *w, int n, float eps) {
    fvec v[LANES / FWIDTH], scale;
    float a[LANES];
    int whole = (int)FWIDTH == (int)WIDTH || squares_are_normal(x, n) ? n - n % LANES : 0, k;
    for (int i = 0; i < LANES / FWIDTH; i++) v[i] = fv_all(0);
    for (k = 0; k < whole; k += LANES)
        for (int i = 0; i < LANES / FWIDTH; i++) {
            fvec e = fv_load(x + k + i * FWIDTH);
            v[i] = fv_add(v[i], fv_mul(e, e));
        }
    for (int i = 0; i < LANES / FWIDTH; i++) fv_store(a + i * FWIDTH, v[i]);
    for (; k < n; k++) a[k % LANES] += x[k] * x[k];
    float inv = 1.0f / sqrtf(sum_lanes(a) / (float)n + eps);        /* sqrtf is exactly rounded by IEEE 754 */
    scale = fv_all(inv);
    for (k = 0; k < whole; k += LANES)
        for (int i = 0; i < LANES / FWIDTH; i++) {
            int at = k + i * FWIDTH;
            fv_store(y + at, fv_flush(fv_mul(fv_load(w + at), fv_mul(fv_load(x + at), scale))));
        }
    for (; k < n; k++) y[k] = flush(w[k] * (x[k] * inv));
}

/* fvec: next to a sum of at least TINY a subnormal term is less than half a unit of the last place, and a lesser sum is 0. */
static void rope(float *v, const float *cos_sin, int n) {
    const float *cs = cos_sin, *sn = cos_sin + n / 2;
    float *u = v + n / 2;
    int j = 0;
    for (; j + FWIDTH <= n / 2; j += FWIDTH) {
        fvec a = fv_load(v + j), b = fv_load(u + j), c = fv_load(cs + j), s = fv_load(sn + j);
        fv_store(v + j, fv_flush(fv_sub(fv_mul(a, c), fv_mul(b, s))));
        fv_store(u + j, fv_flush(fv_add(fv_mul(b, c), fv_mul(a, s))));
    }
    for (; j < n / 2; j++) {
        float a = v[j], b = u[j];
        v[j] = flush(a * cs[j] - b * sn[j]);
        u[j] = flush(b * cs[j] + a * sn[j]);
    }
}

/* fvec: g and u are products of matrices, 0 or at least 2^-123; g / (1 + exp) is 0 or normal then. */
static void silu_mul(float *g, const float *u, int n) {
    int k = 0;
    for (; k + FSTEP <= n; k += FSTEP) {
        fvec e[SIDE];
        EACH_SIDE e[i] = fv_sub(fv_all(-0.0f), fv_load(g + k + i * FWIDTH));
        exp_vecs(e);
        EACH_SIDE e[i] = fv_div(fv_load(g + k + i * FWIDTH), fv_add(fv_all(1.0f), e[i]));
        EACH_SIDE fv_store(g + k + i * FWIDTH, fv_flush(fv_mul(e[i], fv_load(u + k + i * FWIDTH))));
    }
    for (; k < n; k++) g[k] = flush(g[k] / (1.0f + exp_f32(-g[k])) * u[k]);
}

/* fvec: as in rope. */
static void add(float *x, const float *y, int n) {
    int k = 0;
    for (; k + FSTEP <= n; k += FSTEP) EACH_SIDE {
        int at = k + i * FWIDTH;
        fv_store(x + at, fv_flush(fv_add(fv_load(x + at), fv_load(y + at))));
    }
    for (; k < n; k++) x[k] = flush(x[k] + y[k]);
}

#include "attention.h"

/* The table's entries for floats; an instruction set adds .name and .matmul_q, and writes dot_columns. */
#define LANES_KERNELS \
    .matmul = {[WEIGHT_F32] = matmul_f32, [WEIGHT_F16] = matmul_f16, [WEIGHT_BF16] = matmul_bf16}, \
    .row = {[WEIGHT_F32] = row_f32, [WEIGHT_F16] = row_f16, [WEIGHT_BF16] = row_bf16}, \
    .quantize = quantize, .pack = {pack_q8, pack_q4}, .row_q = {row_q8, row_q4}, \
    .rmsnorm = rmsnorm, .rope = rope, .store = {store_f32, store_f16, store_q8}, .attention = {attention_f32, attention_f16, attention_q8}, \
    .silu_mul = silu_mul, .add = add

#endif
