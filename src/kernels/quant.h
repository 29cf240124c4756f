/* quant.h - L1: quantising: activations to int8, stored weights to the packed forms of kernels.h. Plain C, part of lanes.h.
 *
 * Weights: 16 rows side by side, w[k][r], so that a vector is some of 16 rows; rows do not influence one another. Every step is one IEEE
 * single operation in the written order (a product that is exact may be fused into a sum), and a row is scaled by a power of two first,
 * so that nothing subnormal arises: the bytes are the same on every machine. */
#ifndef QW_QUANT_H
#define QW_QUANT_H
#include <float.h>
#include "kernels.h"
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__) && !defined(PLAIN_VECTORS)
#include <arm_neon.h>
#endif

/* The nearest whole number, ties to even, for |x| < 2^22. */
static inline float round_even(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }
static inline float lesser(float a, float b) { return a < b ? a : b; }
static inline float greater(float a, float b) { return a > b ? a : b; }
static inline float within(float x, float lo, float hi) { return lesser(greater(x, lo), hi); }
/* The least BF16 value not below x, x >= 0. */
static inline float bf16_up(float x) { return from_bits((to_bits(x) + 0xFFFF) & 0xFFFF0000); }

/* ---- activations ---- */

static inline uint32_t most_bits(const float *v, int n) {          /* magnitudes are ordered as their bits are */
    const int whole = n - n % LANES;
    uvec most[LANES / FWIDTH];
    uint32_t parts[LANES], all = 0;
    for (int i = 0; i < LANES / FWIDTH; i++) most[i] = uv_all(0);
    for (int k = 0; k < whole; k += LANES)
        for (int i = 0; i < LANES / FWIDTH; i++) most[i] = uv_greater(most[i], uv_and(fv_bits(fv_load(v + k + i * FWIDTH)), 0x7FFFFFFF));
    memcpy(parts, most, sizeof parts);
    for (int i = 0; i < LANES; i++) all = parts[i] > all ? parts[i] : all;
    for (int k = whole; k < n; k++) {
        uint32_t u = to_bits(v[k]) & 0x7FFFFFFF;
        all = u > all ? u : all;
    }
    return all;
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
            for (int b = 0; b < BLOCKS; b++) act_set_sum(out, b, 0);
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
            act_set_sum(out, b, round_block_to_bytes(out->x + b * BLOCK, v + b * BLOCK, inv / t));
        }
    }
}

/* ---- weights: 16 rows of a superblock ---- */

/* Superblock s of up to 16 stored rows, transposed; what is missing is 0. Two rows at a time halve the stores. The next superblock is
 * asked for, which lies in 16 places and comes much later. */
static void load_rows(float w[SUPER][PANEL], const void *stored, enum weight_type from, int rows, int n_in, int s) {
    int left = n_in - s * SUPER < SUPER ? n_in - s * SUPER : SUPER, size = from == WEIGHT_F32 ? 4 : 2;
    int64_t next = s + 1 < n_super(n_in) ? SUPER : (int64_t)rows * n_in - s * SUPER;
    for (int r = 0; r < PANEL; r += 2) {
        float v[2][SUPER];
        for (int i = 0; i < 2; i++) {
            int known = r + i < rows ? left : 0;
            memset(v[i] + known, 0, (size_t)(SUPER - known) * sizeof **v);
            if (known == 0) continue;
            const unsigned char *p = (const unsigned char *)stored + ((int64_t)(r + i) * n_in + s * SUPER) * size;
            if (from == WEIGHT_F32) row_f32(v[i], p, left);
            else if (from == WEIGHT_F16) row_f16(v[i], p, left);
            else row_bf16(v[i], p, left);
            for (int k = 0; k < SUPER * size; k += 64) __builtin_prefetch(p + next * size + k);
        }
        for (int k = 0; k < SUPER; k++) {
            const float pair[2] = {v[0][k], v[1][k]};
            memcpy(&w[k][r], pair, sizeof pair);
        }
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

/* ---- vectors of rows ---- */

/* AT_ONCE rows side by side, the result of a comparison, and bits; single ones where there are no vectors, or as on ARMv7 the wrong ones.
 *   near_whole   x clamped to lo..hi and rounded to a whole number, ties to even; not for NaN
 *   add_exact    sum + a * b for products that are exact, which FUSED instructions then do not change
 *   choose       a where the comparison is true, else b;  any: is it true somewhere? */
#if defined(__x86_64__) || defined(__aarch64__)
enum { AT_ONCE = WIDTH };
typedef vec rvec;
typedef int32_t rtest __attribute__((vector_size(sizeof(vec))));
typedef uint32_t rbits __attribute__((vector_size(sizeof(vec))));
static inline rvec choose(rtest t, rvec a, rvec b) { return (rvec)((t & (rtest)a) | (~t & (rtest)b)); }
static inline rbits as_bits(rvec x) { return (rbits)x; }
#else
enum { AT_ONCE = 1 };
typedef float rvec;
typedef bool rtest;
typedef uint32_t rbits;
static inline rvec choose(rtest t, rvec a, rvec b) { return t ? a : b; }
static inline rbits as_bits(rvec x) { return to_bits(x); }
#endif

#if defined(__AVX512F__)
enum { FUSED = 1 };
static inline rvec near_whole(rvec x, float lo, float hi) {
    return (rvec)_mm512_roundscale_ps(_mm512_min_ps(_mm512_max_ps((__m512)x, _mm512_set1_ps(lo)), _mm512_set1_ps(hi)), _MM_FROUND_TO_NEAREST_INT);
}
static inline rvec add_exact(rvec sum, rvec a, rvec b) { return (rvec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)sum); }
static inline bool any(rtest t) { return _mm512_test_epi32_mask((__m512i)t, (__m512i)t) != 0; }
#elif defined(__AVX2__)
enum { FUSED = 1 };
static inline rvec near_whole(rvec x, float lo, float hi) {
    return (rvec)_mm256_round_ps(_mm256_min_ps(_mm256_max_ps((__m256)x, _mm256_set1_ps(lo)), _mm256_set1_ps(hi)), _MM_FROUND_TO_NEAREST_INT);
}
static inline rvec add_exact(rvec sum, rvec a, rvec b) { return (rvec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum); }
static inline bool any(rtest t) { return _mm256_movemask_ps((__m256)t) != 0; }
#elif defined(__aarch64__) && !defined(PLAIN_VECTORS)
enum { FUSED = 1 };
static inline rvec near_whole(rvec x, float lo, float hi) {
    return (rvec)vrndnq_f32(vminq_f32(vmaxq_f32((float32x4_t)x, vdupq_n_f32(lo)), vdupq_n_f32(hi)));
}
static inline rvec add_exact(rvec sum, rvec a, rvec b) { return (rvec)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b); }
static inline bool any(rtest t) { return vmaxvq_u32((uint32x4_t)t) != 0; }
#else
enum { FUSED = 0 };
static inline rvec near_whole(rvec x, float lo, float hi) {
    rvec moved = x + 0x1.8p23f;
    int32_t v[AT_ONCE], least = (int32_t)to_bits(lo + 0x1.8p23f), most = (int32_t)to_bits(hi + 0x1.8p23f);
    memcpy(v, &moved, sizeof v);
    for (int i = 0; i < AT_ONCE; i++) v[i] = v[i] > least ? v[i] : least;       /* as bits: compilers know minima of whole numbers */
    for (int i = 0; i < AT_ONCE; i++) v[i] = v[i] < most ? v[i] : most;
    memcpy(&moved, v, sizeof v);
    return moved - 0x1.8p23f;
}
static inline rvec add_exact(rvec sum, rvec a, rvec b) { return sum + a * b; }
static inline bool any(rtest t) {
    static const rtest none;
    return memcmp(&t, &none, sizeof t) != 0;
}
#endif

static const rvec zero;

static inline rvec load_some(const float *p) { rvec v; memcpy(&v, p, sizeof v); return v; }
static inline void store_some(float *p, rvec v) { memcpy(p, &v, sizeof v); }
static inline rvec lesser_of(rvec a, rvec b) { return choose(a < b, a, b); }
static inline rvec greater_of(rvec a, rvec b) { return choose(a > b, a, b); }
static inline rvec inverse(rvec x) { return choose(x > 0.0f, 1.0f / x, zero); }     /* 0 of what is not positive */
static inline rbits low_bits(rvec x) { return as_bits(x + 0x1.8p23f); }             /* of a whole number, two's complement; the upper 9 are others */

/* ---- q4 ---- */

enum { STARTS = 13, PASSES = 3, ABREAST = 4 };

/* Scale and minimum of some blocks, w ~ s q - m with s, m >= 0, not yet rounded. From several starting ranges, each end moved inward by
 * -1 .. 9 % of the range and both by about the same, least squares for (s, m) given q and rounding for q given (s, m) take turns. The
 * blocks have nothing in common: while one waits for a sum another is computed. exact: q w is, as for stored weights of 16 bits. */
static inline void search_blocks(const float (*w)[PANEL], bool exact, rvec s_best[ABREAST], rvec m_best[ABREAST]) {
    const rvec one = zero + 1.0f;
    rvec lo[ABREAST], hi[ABREAST], sw[ABREAST], best[ABREAST];
    for (int i = 0; i < ABREAST; i++) {
        lo[i] = sw[i] = best[i] = s_best[i] = m_best[i] = zero;
        hi[i] = load_some(w[i * BLOCK]);
    }
    for (int k = 0; k < BLOCK; k++) for (int i = 0; i < ABREAST; i++) {
        rvec x = load_some(w[i * BLOCK + k]);
        lo[i] = lesser_of(x, lo[i]);
        hi[i] = greater_of(x, hi[i]);
        sw[i] += x;
    }
    for (int start = 0; start < STARTS; start++) {
        int a = (start + 1) / 3, b = start - 2 * a;         /* 0..4, at most 1 apart */
        float cut_lo = -0.01f + 0.025f * (float)a, cut_hi = -0.01f + 0.025f * (float)b;
        rvec s[ABREAST], m[ABREAST];
        for (int i = 0; i < ABREAST; i++) {
            rvec range = hi[i] - lo[i], l = lo[i] + range * cut_lo, h = hi[i] - range * cut_hi;
            s[i] = (h - l) / 15.0f;
            m[i] = 0.0f - l;
        }
        for (int pass = 0; pass < PASSES; pass++) {
            rvec inv[ABREAST], shift[ABREAST], sq[ABREAST], sqq[ABREAST], sqw[ABREAST];
            for (int i = 0; i < ABREAST; i++) {
                inv[i] = inverse(s[i]);
                shift[i] = m[i] * inv[i];
                sq[i] = sqq[i] = sqw[i] = zero;
            }
            for (int k = 0; k < BLOCK; k++) for (int i = 0; i < ABREAST; i++) {
                rvec x = load_some(w[i * BLOCK + k]), q = near_whole(x * inv[i] + shift[i], 0, 15);
                sq[i] += q;
                sqq[i] = add_exact(sqq[i], q, q);
                sqw[i] = exact ? add_exact(sqw[i], q, x) : sqw[i] + q * x;
            }
            for (int i = 0; i < ABREAST; i++) {     /* the normal equations; gain: by how much the squared error drops */
                rvec det = 32.0f * sqq[i] - sq[i] * sq[i], c = 32.0f * sqw[i] - sq[i] * sw[i];
                rvec scale = choose(det > 0.0f, c / greater_of(det, one), zero), min = (scale * sq[i] - sw[i]) * 0.03125f;
                rtest below = min < 0.0f;
                if (any(below)) {                   /* then without a minimum */
                    scale = choose(below, sqw[i] / greater_of(sqq[i], one), scale);
                    min = choose(below, zero, min);
                }
                rvec gain = scale * sqw[i] - min * sw[i];
                rtest good = (scale >= 0.0f) & (gain > best[i]);        /* all q equal: scale 0 and the mean as minimum, or no minimum */
                best[i] = choose(good, gain, best[i]);
                s_best[i] = choose(good, scale, s_best[i]);
                m_best[i] = choose(good, min, m_best[i]);
                s[i] = scale;
                m[i] = min;
            }
        }
    }
}

/* Whole multiples (sc, m) of d and 16 d near the found (s, m): of the 3 x 3 candidates the one with the least squared error. */
static inline void round_block(const float (*w)[PANEL], rvec d, rvec *s, rvec *m) {
    rvec sc0 = near_whole(*s / d, 0, 255), m0 = near_whole(*m / (16.0f * d), 0, 255);
    rvec least = zero + FLT_MAX, sc_best = zero, m_best = zero;
    for (int i = -1; i <= 1; i++) {
        rvec sc = near_whole(sc0 + (float)i, 0, 255), step = d * sc, inv = inverse(step), min[3], shift[3], error[3];
        for (int j = 0; j < 3; j++) {
            min[j] = near_whole(m0 + (float)(j - 1), 0, 255);
            shift[j] = 16.0f * d * min[j];
            error[j] = zero;
        }
        for (int k = 0; k < BLOCK; k++) for (int j = 0; j < 3; j++) {       /* exact: 8 bits of d, 8 of sc, 4 of q */
            rvec x = load_some(w[k]) + shift[j], e = add_exact(zero - x, step, near_whole(x * inv, 0, 15));
            error[j] += e * e;
        }
        for (int j = 0; j < 3; j++) {
            rtest less = error[j] < least;
            least = choose(less, error[j], least);
            sc_best = choose(less, sc, sc_best);
            m_best = choose(less, min[j], m_best);
        }
    }
    *s = choose(d > 0.0f, sc_best, zero);           /* with d = 0 the above means nothing */
    *m = choose(d > 0.0f, m_best, zero);
}

static void pack_q4(void *panel, const void *stored, enum weight_type from, int rows, int n_in) {
    struct q4_super *out = panel;
    for (int s = 0; s < n_super(n_in); s++, out++) {
        bool broken[PANEL];
        float w[SUPER][PANEL], back[PANEL], d[PANEL], scale[BLOCKS][PANEL], min[BLOCKS][PANEL];
        load_rows(w, stored, from, rows, n_in, s);
        normalise(w, back, broken);
        for (int r = 0; r < PANEL; r += AT_ONCE) {
            rvec most = zero;
            for (int b = 0; b < BLOCKS; b += ABREAST) {
                const float (*x)[PANEL] = (const float (*)[PANEL])&w[b * BLOCK][r];
                rvec found[ABREAST], found_min[ABREAST];
                if (FUSED && from != WEIGHT_F32) search_blocks(x, true, found, found_min);
                else search_blocks(x, false, found, found_min);
                for (int i = 0; i < ABREAST; i++) {
                    most = greater_of(greater_of(found[i] / 255.0f, found_min[i] / 4080.0f), most);
                    store_some(&scale[b + i][r], found[i]);
                    store_some(&min[b + i][r], found_min[i]);
                }
            }
            store_some(d + r, most);
        }
        store_steps(out->d, d, back, broken);
        for (int b = 0; b < BLOCKS; b++) {
            for (int r = 0; r < PANEL; r += AT_ONCE) {
                const float (*x)[PANEL] = (const float (*)[PANEL])&w[b * BLOCK][r];
                rvec step = load_some(d + r), sc = load_some(&scale[b][r]), m = load_some(&min[b][r]);
                round_block(x, step, &sc, &m);
                store_some(&scale[b][r], sc);
                store_some(&min[b][r], m);
                rvec shift = 16.0f * step * m, inv = inverse(step * sc);
                for (int g = 0; g < 4; g++) {
                    rbits word = as_bits(zero);
                    for (int j = 0; j < 4; j++) {
                        rbits low = low_bits(near_whole((load_some(x[4 * g + j]) + shift) * inv, 0, 15));
                        rbits high = low_bits(near_whole((load_some(x[4 * g + j + 16]) + shift) * inv, 0, 15));
                        word |= ((low & 15) | (high & 15) << 4) << 8 * j;
                    }
                    memcpy(out->q[b][g][r], &word, sizeof word);
                }
            }
            for (int r = 0; r < PANEL; r++) {
                out->sc[b][r] = (uint8_t)scale[b][r];
                out->m[b][r] = (uint8_t)min[b][r];
            }
        }
    }
}

/* ---- q8 ---- */

enum { Q8_MAX_SCALE = 31 };

/* The whole multiple sc of d, of the one nearest to most / 127 and the next, with the least squared error. (One less would cut the
 * largest weight by 63 d and more.) */
static inline rvec round_q8(const float (*w)[PANEL], rvec d, rvec most) {
    rvec sc0 = near_whole(most / (127.0f * d), 0, Q8_MAX_SCALE), least = zero + FLT_MAX, best = zero, sc[2], step[2], inv[2], error[2];
    for (int i = 0; i < 2; i++) {
        sc[i] = near_whole(sc0 + (float)i, 0, Q8_MAX_SCALE);
        step[i] = d * sc[i];
        inv[i] = inverse(step[i]);
        error[i] = zero;
    }
    for (int k = 0; k < BLOCK; k++) for (int i = 0; i < 2; i++) {           /* exact: 8 bits of d, 5 of sc, 7 of q */
        rvec x = load_some(w[k]), e = add_exact(zero - x, step[i], near_whole(x * inv[i], -127, 127));
        error[i] += e * e;
    }
    for (int i = 0; i < 2; i++) {
        rtest less = error[i] < least;
        least = choose(less, error[i], least);
        best = choose(less, sc[i], best);
    }
    return choose(d > 0.0f, best, zero);            /* with d = 0 the above means nothing */
}

static void pack_q8(void *panel, const void *stored, enum weight_type from, int rows, int n_in) {
    struct q8_super *out = panel;
    for (int s = 0; s < n_super(n_in); s++, out++) {
        bool broken[PANEL];
        float w[SUPER][PANEL], back[PANEL], d[PANEL], most[BLOCKS][PANEL];
        load_rows(w, stored, from, rows, n_in, s);
        normalise(w, back, broken);
        for (int r = 0; r < PANEL; r += AT_ONCE) {
            rvec all = zero;
            for (int b = 0; b < BLOCKS; b++) {
                rvec its = zero;
                for (int k = b * BLOCK; k < (b + 1) * BLOCK; k++) its = greater_of(greater_of(load_some(&w[k][r]), zero - load_some(&w[k][r])), its);
                store_some(&most[b][r], its);
                all = greater_of(its, all);
            }
            store_some(d + r, all / (127.0f * Q8_MAX_SCALE));
        }
        store_steps(out->d, d, back, broken);
        for (int b = 0; b < BLOCKS; b++) for (int r = 0; r < PANEL; r += AT_ONCE) {
            const float (*x)[PANEL] = (const float (*)[PANEL])&w[b * BLOCK][r];
            rvec step = load_some(d + r), sc = round_q8(x, step, load_some(&most[b][r])), inv = inverse(step * sc);
            store_some(&most[b][r], sc);
            for (int g = 0; g < 8; g++) {
                rbits word = as_bits(zero);
                for (int j = 0; j < 4; j++) word |= (low_bits(near_whole(load_some(x[4 * g + j]) * inv, -127, 127)) & 255) << 8 * j;
                memcpy(out->q[b][g][r], &word, sizeof word);
            }
        }
        for (int b = 0; b < BLOCKS; b++) for (int r = 0; r < PANEL; r++) out->sc[b][r] = (uint8_t)most[b][r];
    }
}

#endif
