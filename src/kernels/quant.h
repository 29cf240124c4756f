/* quant.h - L1: quantising: activations to int8, stored weights to the packed forms of kernels.h. Plain C, part of lanes.h.
 *
 * Weights: 16 rows side by side, w[k][r], so that a vector is 16 rows; rows do not influence one another. Every step is one IEEE
 * single operation in the written order, and a row is scaled by a power of two first, so that nothing subnormal arises: the bytes are
 * the same on every machine. */
#ifndef QW_QUANT_H
#define QW_QUANT_H
#include <float.h>
#include "kernels.h"

/* The nearest whole number, ties to even, for |x| < 2^22. */
static inline float round_even(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }
static inline float lesser(float a, float b) { return a < b ? a : b; }
static inline float greater(float a, float b) { return a > b ? a : b; }
static inline float within(float x, float lo, float hi) { return lesser(greater(x, lo), hi); }
/* The least BF16 value not below x, x >= 0. */
static inline float bf16_up(float x) { return from_bits((to_bits(x) + 0xFFFF) & 0xFFFF0000); }

/* ---- activations ---- */

static inline uint32_t most_bits(const float *v, int n) {          /* magnitudes are ordered as their bits are */
    uint32_t most = 0;
    for (int k = 0; k < n; k++) {
        uint32_t u = to_bits(v[k]) & 0x7FFFFFFF;
        most = u > most ? u : most;
    }
    return most;
}

/* out = v * scale rounded, BLOCK of them, all within +-127; returns their sum. In v * scale + 1.5 * 2^23 the whole number is in the low
 * bits. fvec: what is subnormal rounds to 0. */
static inline int round_block_to_bytes(int8_t *out, const float *v, float scale) {
    uvec sum = uv_all(0);
    uint32_t parts[FWIDTH], all = 0;
    for (int k = 0; k < BLOCK; k += LANES) {
        uvec u[LANES / FWIDTH];
        for (int i = 0; i < LANES / FWIDTH; i++) {
            u[i] = fv_bits(fv_add(fv_mul(fv_load(v + k + i * FWIDTH), fv_all(scale)), fv_all(0x1.8p23f)));
            sum = uv_add(sum, u[i]);
        }
        uv_store_low_bytes((uint8_t *)out + k, u);
    }
    memcpy(parts, &sum, sizeof parts);
    for (int i = 0; i < FWIDTH; i++) all += parts[i];
    return (int)(all - BLOCK * to_bits(0x1.8p23f));
}

/* Per superblock dx is the largest magnitude / 127. fine: dx is 1/8 of that, and block b has its own factor t = 1..8, the least with
 * which its largest value fits. Below 2^-36 altogether: 0. Not finite: dx is NaN, then the products are, too, and that is noticed. */
static void quantize(struct act *out, const float *x, int n, bool fine) {
    const float steps = fine ? 127.0f * 8 : 127.0f;
    for (int s = 0; s < n_super(n); s++, out++, x += SUPER) {
        float padded[SUPER];
        const float *v = x;
        int left = n - s * SUPER;
        if (left < SUPER) {
            memcpy(padded, x, (size_t)left * sizeof *x);
            for (int k = left; k < SUPER; k++) padded[k] = 0;
            v = padded;
        }
        uint32_t top = most_bits(v, SUPER);
        float all = from_bits(top);
        memset(out->t, 1, sizeof out->t);
        memset(out->zero, 0, sizeof out->zero);
        if (!(top < 0x7F800000 && all >= 0x1p-36f)) {
            memset(out->x, 0, sizeof out->x);
            memset(out->xs, 0, sizeof out->xs);
            memset(out->m8, 0, sizeof out->m8);
            out->dx = top < 0x7F800000 ? 0 : from_bits(0x7FC00000);
            continue;
        }
        float inv = steps / all;
        out->dx = all / steps;
        for (int b = 0; b < BLOCKS; b++) {
            float t = 1;
            if (fine) {
                float need = from_bits(most_bits(v + b * BLOCK, BLOCK)) * inv * (1.0f / 127.0f);
                t = round_even(need);
                t = within(t < need ? t + 1 : t, 1, 8);
                out->t[b] = (uint8_t)t;
            }
            int sum = round_block_to_bytes(out->x + b * BLOCK, v + b * BLOCK, inv / t);
            out->xs[b] = (int16_t)sum;
            out->m8[b] = -8 * sum;
        }
    }
}

/* ---- weights: 16 rows of a superblock ---- */

/* Superblock s of up to 16 stored rows, transposed; what is missing is 0. */
static void load_rows(float w[SUPER][PANEL], const void *stored, enum weight_type from, int rows, int n_in, int s) {
    int left = n_in - s * SUPER < SUPER ? n_in - s * SUPER : SUPER, size = from == WEIGHT_F32 ? 4 : 2;
    memset(w, 0, sizeof(float[SUPER][PANEL]));
    for (int r = 0; r < rows; r++) {
        float v[SUPER];
        const unsigned char *p = (const unsigned char *)stored + ((int64_t)r * n_in + s * SUPER) * size;
        if (from == WEIGHT_F32) row_f32(v, p, left);
        else if (from == WEIGHT_F16) row_f16(v, p, left);
        else row_bf16(v, p, left);
        for (int k = 0; k < left; k++) w[k][r] = v[k];
    }
}

/* Row r becomes w * 2^-e with its largest value in [1,2) (in [1,4) above 2^127); back[r] = 2^e. Below 2^-24 of that: 0. A row whose
 * largest value is below 2^-36 becomes 0, with back[r] = 0. broken: the row is not finite; it becomes 0, too, and its step NaN. */
static void normalise(float w[SUPER][PANEL], float back[PANEL], bool broken[PANEL]) {
    float mul[PANEL], most[PANEL] = {0};
    uint32_t top[PANEL] = {0};                          /* magnitudes are ordered as their bits are, with inf and NaN above all */
    for (int k = 0; k < SUPER; k++) for (int r = 0; r < PANEL; r++) {
        uint32_t u = to_bits(w[k][r]) & 0x7FFFFFFF;
        top[r] = u > top[r] ? u : top[r];
    }
    for (int r = 0; r < PANEL; r++) {
        bool finite = top[r] < 0x7F800000;
        most[r] = finite ? from_bits(top[r]) : 0;
        broken[r] = !finite;
        for (int k = 0; !finite && k < SUPER; k++) w[k][r] = 0;
        uint32_t e = to_bits(most[r]) >> 23;
        if (e > 253) e = 253;
        mul[r] = most[r] >= 0x1p-36f ? from_bits((254 - e) << 23) : 0;
        back[r] = most[r] >= 0x1p-36f ? from_bits(e << 23) : 0;
    }
    for (int k = 0; k < SUPER; k++) for (int r = 0; r < PANEL; r++) {
        float x = w[k][r] * mul[r];
        w[k][r] = fabsf(x) < 0x1p-24f ? 0 : x;
    }
}

/* The step as it is stored, and as it counts for the normalised rows: 0 rather than below 2^-50. */
static void store_steps(uint16_t out[PANEL], float d[PANEL], const float back[PANEL], const bool broken[PANEL]) {
    for (int r = 0; r < PANEL; r++) {
        d[r] = bf16_up(d[r]);
        if (d[r] * back[r] < 0x1p-50f) d[r] = 0;
        out[r] = broken[r] ? 0x7FC0 : (uint16_t)(to_bits(d[r] * back[r]) >> 16);     /* NaN: what it is multiplied into is noticed */
    }
}

/* ---- q4 ---- */

enum { STARTS = 5, PASSES = 3 };

/* Scale and minimum of a block, w ~ s q - m with s, m >= 0, not yet rounded. From several starting ranges, each end moved inward by
 * -1 .. 9 % of the range and both by about the same, least squares for (s, m) given q and rounding for q given (s, m) take turns. */
static void search_block(float w[BLOCK][PANEL], float s_best[PANEL], float m_best[PANEL]) {
    float lo[PANEL], hi[PANEL], sw[PANEL], best[PANEL] = {0};
    for (int r = 0; r < PANEL; r++) { lo[r] = 0; hi[r] = w[0][r]; sw[r] = 0; s_best[r] = m_best[r] = 0; }
    for (int k = 0; k < BLOCK; k++) for (int r = 0; r < PANEL; r++) {
        lo[r] = lesser(w[k][r], lo[r]);
        hi[r] = greater(w[k][r], hi[r]);
        sw[r] += w[k][r];
    }
    for (int a = 0; a < STARTS; a++) for (int b = a > 0 ? a - 1 : 0; b < STARTS && b <= a + 1; b++) {
        float cut_lo = -0.01f + 0.025f * (float)a, cut_hi = -0.01f + 0.025f * (float)b, s[PANEL], m[PANEL];
        for (int r = 0; r < PANEL; r++) {
            float range = hi[r] - lo[r], l = lo[r] + range * cut_lo, h = hi[r] - range * cut_hi;
            s[r] = (h - l) / 15.0f;
            m[r] = 0.0f - l;
        }
        for (int pass = 0; pass < PASSES; pass++) {
            float inv[PANEL], shift[PANEL], sq[PANEL] = {0}, sqq[PANEL] = {0}, sqw[PANEL] = {0};
            for (int r = 0; r < PANEL; r++) {
                inv[r] = s[r] > 0 ? 1.0f / s[r] : 0;
                shift[r] = m[r] * inv[r];
            }
            for (int k = 0; k < BLOCK; k++) for (int r = 0; r < PANEL; r++) {
                float q = within(round_even(w[k][r] * inv[r] + shift[r]), 0, 15);
                sq[r] += q;
                sqq[r] += q * q;
                sqw[r] += q * w[k][r];
            }
            for (int r = 0; r < PANEL; r++) {       /* the normal equations; gain: by how much the squared error drops */
                float det = 32.0f * sqq[r] - sq[r] * sq[r], c = 32.0f * sqw[r] - sq[r] * sw[r];
                float scale = det > 0 ? c / greater(det, 1) : 0, min = (scale * sq[r] - sw[r]) * 0.03125f, alone = sqw[r] / greater(sqq[r], 1);
                scale = min < 0 ? alone : scale;
                min = min < 0 ? 0 : min;
                float gain = scale * sqw[r] - min * sw[r];
                bool good = (scale >= 0) & (gain > best[r]);        /* all q equal: scale 0 and the mean as minimum, or no minimum */
                best[r] = good ? gain : best[r];
                s_best[r] = good ? scale : s_best[r];
                m_best[r] = good ? min : m_best[r];
                s[r] = scale;
                m[r] = min;
            }
        }
    }
}

/* Whole multiples (sc, m) of d and 16 d near the found (s, m): of the 3 x 3 candidates the one with the least squared error. */
static void round_block(float w[BLOCK][PANEL], const float d[PANEL], const float s[PANEL], const float m[PANEL], float sc_best[PANEL], float m_best[PANEL]) {
    float sc0[PANEL], m0[PANEL], least[PANEL];
    for (int r = 0; r < PANEL; r++) {
        sc0[r] = d[r] > 0 ? round_even(s[r] / d[r]) : 0;
        m0[r] = d[r] > 0 ? round_even(m[r] / (16.0f * d[r])) : 0;
        sc_best[r] = m_best[r] = 0;
        least[r] = FLT_MAX;
    }
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++) {
        float sc[PANEL], min[PANEL], step[PANEL], shift[PANEL], inv[PANEL], error[PANEL] = {0};
        for (int r = 0; r < PANEL; r++) {
            sc[r] = within(sc0[r] + (float)i, 0, 255);
            min[r] = within(m0[r] + (float)j, 0, 255);
            step[r] = d[r] * sc[r];
            shift[r] = 16.0f * d[r] * min[r];
            inv[r] = step[r] > 0 ? 1.0f / step[r] : 0;
        }
        for (int k = 0; k < BLOCK; k++) for (int r = 0; r < PANEL; r++) {
            float x = w[k][r] + shift[r], q = within(round_even(x * inv[r]), 0, 15), e = step[r] * q - x;
            error[r] += e * e;
        }
        for (int r = 0; r < PANEL; r++) {
            bool less = error[r] < least[r];
            least[r] = less ? error[r] : least[r];
            sc_best[r] = less ? sc[r] : sc_best[r];
            m_best[r] = less ? min[r] : m_best[r];
        }
    }
}

static void pack_q4(void *panel, const void *stored, enum weight_type from, int rows, int n_in) {
    struct q4_super *out = panel;
    for (int s = 0; s < n_super(n_in); s++, out++) {
        bool broken[PANEL];
        float w[SUPER][PANEL], back[PANEL], d[PANEL] = {0}, scale[BLOCKS][PANEL], min[BLOCKS][PANEL];
        load_rows(w, stored, from, rows, n_in, s);
        normalise(w, back, broken);
        for (int b = 0; b < BLOCKS; b++) {
            search_block(w + b * BLOCK, scale[b], min[b]);
            for (int r = 0; r < PANEL; r++) d[r] = greater(greater(scale[b][r] / 255.0f, min[b][r] / 4080.0f), d[r]);
        }
        store_steps(out->d, d, back, broken);
        for (int b = 0; b < BLOCKS; b++) {
            float sc[PANEL], m[PANEL];
            round_block(w + b * BLOCK, d, scale[b], min[b], sc, m);
            for (int r = 0; r < PANEL; r++) {
                if (!(d[r] > 0)) sc[r] = m[r] = 0;
                float step = d[r] * sc[r], shift = 16.0f * d[r] * m[r], inv = step > 0 ? 1.0f / step : 0;
                out->sc[b][r] = (uint8_t)sc[r];
                out->m[b][r] = (uint8_t)m[r];
                for (int k = 0; k < BLOCK / 2; k++) {
                    int low = (int)within(round_even((w[b * BLOCK + k][r] + shift) * inv), 0, 15);
                    int high = (int)within(round_even((w[b * BLOCK + 16 + k][r] + shift) * inv), 0, 15);
                    out->q[b][k / 4][r][k % 4] = (uint8_t)(low | high << 4);
                }
            }
        }
    }
}

/* ---- q8 ---- */

enum { Q8_MAX_SCALE = 31 };

static void pack_q8(void *panel, const void *stored, enum weight_type from, int rows, int n_in) {
    struct q8_super *out = panel;
    for (int s = 0; s < n_super(n_in); s++, out++) {
        bool broken[PANEL];
        float w[SUPER][PANEL], back[PANEL], d[PANEL] = {0}, most[BLOCKS][PANEL] = {{0}};
        load_rows(w, stored, from, rows, n_in, s);
        normalise(w, back, broken);
        for (int k = 0; k < SUPER; k++) for (int r = 0; r < PANEL; r++) most[k / BLOCK][r] = greater(fabsf(w[k][r]), most[k / BLOCK][r]);
        for (int b = 0; b < BLOCKS; b++) for (int r = 0; r < PANEL; r++) d[r] = greater(most[b][r], d[r]);
        for (int r = 0; r < PANEL; r++) d[r] = d[r] / (127.0f * Q8_MAX_SCALE);
        store_steps(out->d, d, back, broken);
        for (int b = 0; b < BLOCKS; b++) {
            float sc0[PANEL], best[PANEL] = {0}, least[PANEL];
            for (int r = 0; r < PANEL; r++) {
                sc0[r] = d[r] > 0 ? round_even(most[b][r] / (127.0f * d[r])) : 0;
                least[r] = FLT_MAX;
            }
            for (int i = -1; i <= 1; i++) {
                float sc[PANEL], step[PANEL], inv[PANEL], error[PANEL] = {0};
                for (int r = 0; r < PANEL; r++) {
                    sc[r] = within(sc0[r] + (float)i, 0, Q8_MAX_SCALE);
                    step[r] = d[r] * sc[r];
                    inv[r] = step[r] > 0 ? 1.0f / step[r] : 0;
                }
                for (int k = 0; k < BLOCK; k++) for (int r = 0; r < PANEL; r++) {
                    float x = w[b * BLOCK + k][r], e = step[r] * within(round_even(x * inv[r]), -127, 127) - x;
                    error[r] += e * e;
                }
                for (int r = 0; r < PANEL; r++) {
                    bool less = error[r] < least[r];
                    least[r] = less ? error[r] : least[r];
                    best[r] = less ? sc[r] : best[r];
                }
            }
            for (int r = 0; r < PANEL; r++) {
                if (!(d[r] > 0)) best[r] = 0;
                float step = d[r] * best[r], inv = step > 0 ? 1.0f / step : 0;
                out->sc[b][r] = (uint8_t)best[r];
                for (int k = 0; k < BLOCK; k++)
                    out->q[b][k / 4][r][k % 4] = (int8_t)within(round_even(w[b * BLOCK + k][r] * inv), -127, 127);
            }
        }
    }
}

#endif
