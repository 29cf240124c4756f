/* vectors.h - vectors of floats for the common kernels, spelled for each instruction set.
 *
 * vec    The compiler's plain arithmetic, as wide as the registers of the including file. On ARMv7
 * it
 *        is a single float, because vectors there flush subnormals and the scalar unit does not.
 * fvec   The same through functions, four floats wide on ARMv7 as well. Only for results that no
 *        subnormal can change: each use says why. Division there is exact, by the scalar unit.
 * rvec   Some of the 16 rows of a panel, for packing weights. A single row where the compiler has
 * no
 *        vectors, or, as on ARMv7, only ones that flush.
 *
 * PLAIN_VECTORS, which only reference.c defines, turns all intrinsics off, so that the tests
 * compare them with plain C. */
#ifndef QW_VECTORS_H
#define QW_VECTORS_H
#include "kernels/kernels.h"
#if !defined(PLAIN_VECTORS) && defined(__AVX2__)
#include <immintrin.h>
#elif !defined(PLAIN_VECTORS) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

/* ---- single floats ---- */

static inline float from_bits(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline uint32_t to_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float from_bf16(uint16_t h) { return from_bits((uint32_t)h << 16); }

/* Half to float, exactly. A subnormal half is its integer times 2^-24. */
static inline float from_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, body = (uint32_t)(h & 0x7FFF) << 13;
    if (body < 0x00800000) return from_bits(sign | to_bits((float)(h & 0x3FF) * 0x1p-24f));
    if (body > 0x0F800000) return from_bits(sign | 0x70400000 | body); /* a quiet NaN */
    if (body == 0x0F800000) return from_bits(sign | 0x7F800000);
    return from_bits(sign | (body + 0x38000000));
}

/* ---- vec ----
 *
 * gcc keeps sums that are arrays of float in memory, and arrays of these in registers. */

#if defined(__arm__)
enum { WIDTH = 1 };
#elif defined(__AVX512F__)
enum { WIDTH = 16 };
#elif defined(__AVX__)
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif
typedef float vec __attribute__((vector_size(WIDTH * sizeof(float))));

static inline vec load_vec(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* ---- halves: from_f16 of HALVES of them, at any alignment ---- */

#if !defined(PLAIN_VECTORS) && defined(__AVX512F__)

enum { HALVES = 16 };
static inline void load_halves(float *out, const unsigned char *p) {
    _mm512_storeu_ps(out, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)));
}

#elif !defined(PLAIN_VECTORS) && defined(__AVX2__) && defined(__F16C__)

enum { HALVES = 8 };
static inline void load_halves(float *out, const unsigned char *p) {
    _mm256_storeu_ps(out, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)));
}

#elif !defined(PLAIN_VECTORS) && defined(__aarch64__)

enum { HALVES = 4 };
static inline void load_halves(float *out, const unsigned char *p) {
    vst1q_f32(out, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))));
}

#else

enum { HALVES = 1 };
static inline void load_halves(float *out, const unsigned char *p) {
    uint16_t h;
    memcpy(&h, p, sizeof h);
    *out = from_f16(h);
}

#endif

/* ---- fvec ----
 *
 * uvec is the same bits as unsigned integers. fv_max with a NaN returns either operand.
 *   fv_min(x, most)               x > most ? most : x
 *   fv_zero_below(y, x, least)    x < least ? 0 : y
 *   fv_flush(x)                   |x| < TINY ? 0 : x
 *   fv_from_ints(u)               the bits taken as signed integers, converted
 *   uv_store_low_bytes            the low byte of each of LANES integers */

#if !defined(PLAIN_VECTORS) && defined(__ARM_NEON)

enum { FWIDTH = 4 };
typedef float32x4_t fvec;
typedef uint32x4_t uvec;

static inline fvec fv_load(const float *p) { return vld1q_f32(p); }
static inline void fv_store(float *p, fvec x) { vst1q_f32(p, x); }
static inline fvec fv_all(float x) { return vdupq_n_f32(x); }
static inline fvec fv_add(fvec a, fvec b) { return vaddq_f32(a, b); }
static inline fvec fv_sub(fvec a, fvec b) { return vsubq_f32(a, b); }
static inline fvec fv_mul(fvec a, fvec b) { return vmulq_f32(a, b); }
static inline fvec fv_div(fvec a, fvec b) { return a / b; }
static inline fvec fv_min(fvec x, float most) { return vminq_f32(x, vdupq_n_f32(most)); }
static inline fvec fv_max(fvec a, fvec b) { return vmaxq_f32(a, b); }
static inline uvec fv_bits(fvec x) { return vreinterpretq_u32_f32(x); }
static inline fvec fv_from_bits(uvec u) { return vreinterpretq_f32_u32(u); }
static inline fvec fv_zero_below(fvec y, fvec x, float least) {
    return fv_from_bits(vbicq_u32(fv_bits(y), vcltq_f32(x, vdupq_n_f32(least))));
}
static inline fvec fv_flush(fvec x) {
    return fv_from_bits(vbicq_u32(fv_bits(x), vcaltq_f32(x, vdupq_n_f32(TINY))));
}
static inline fvec fv_from_ints(uvec u) { return vcvtq_f32_s32(vreinterpretq_s32_u32(u)); }

static inline uvec uv_load(const int32_t *p) { return vreinterpretq_u32_s32(vld1q_s32(p)); }
static inline uvec uv_all(uint32_t u) { return vdupq_n_u32(u); }
static inline uvec uv_add(uvec a, uvec b) { return vaddq_u32(a, b); }
static inline uvec uv_max(uvec a, uvec b) { return vmaxq_u32(a, b); }
static inline uvec uv_and(uvec a, uint32_t b) { return vandq_u32(a, vdupq_n_u32(b)); }
#define UV_LEFT(u, n) vshlq_n_u32(u, n)
#define UV_RIGHT(u, n) vshrq_n_u32(u, n)
static inline void uv_store_low_bytes(uint8_t out[LANES], const uvec u[LANES / FWIDTH]) {
    uint16x8_t low = vcombine_u16(vmovn_u32(u[0]), vmovn_u32(u[1]));
    uint16x8_t high = vcombine_u16(vmovn_u32(u[2]), vmovn_u32(u[3]));
    vst1q_u8(out, vcombine_u8(vmovn_u16(low), vmovn_u16(high)));
}

#else

enum { FWIDTH = WIDTH };
typedef vec fvec;
typedef uint32_t uvec __attribute__((vector_size(FWIDTH * sizeof(uint32_t))));
typedef int32_t ivec __attribute__((vector_size(FWIDTH * sizeof(int32_t))));

static inline fvec fv_load(const float *p) { return load_vec(p); }
static inline void fv_store(float *p, fvec x) { memcpy(p, &x, sizeof x); }
static inline fvec fv_all(float x) { return x - (fvec){0}; }
static inline fvec fv_add(fvec a, fvec b) { return a + b; }
static inline fvec fv_sub(fvec a, fvec b) { return a - b; }
static inline fvec fv_mul(fvec a, fvec b) { return a * b; }
static inline fvec fv_div(fvec a, fvec b) { return a / b; }
static inline uvec fv_bits(fvec x) { return (uvec)x; }
static inline fvec fv_from_bits(uvec u) { return (fvec)u; }
static inline fvec fv_min(fvec x, float most) {
    uvec more = (uvec)(x > fv_all(most));
    return (fvec)((more & (uvec)fv_all(most)) | (~more & (uvec)x));
}
static inline fvec fv_max(fvec a, fvec b) {
    uvec more = (uvec)(a > b);
    return (fvec)((more & (uvec)a) | (~more & (uvec)b));
}
static inline fvec fv_zero_below(fvec y, fvec x, float least) {
    return (fvec)((uvec)y & ~(uvec)(x < fv_all(least)));
}
static inline fvec fv_flush(fvec x) {
    return (fvec)((uvec)x & ~((uvec)(x > fv_all(-TINY)) & (uvec)(x < fv_all(TINY))));
}
static inline fvec fv_from_ints(uvec u) { return __builtin_convertvector((ivec)u, fvec); }

static inline uvec uv_load(const int32_t *p) {
    uvec u;
    memcpy(&u, p, sizeof u);
    return u;
}
static inline uvec uv_all(uint32_t u) { return u - (uvec){0}; }
static inline uvec uv_add(uvec a, uvec b) { return a + b; }
/* A loop, which compilers turn into the maximum instruction. They do not recognise masks. */
static inline uvec uv_max(uvec a, uvec b) {
    for (int i = 0; i < FWIDTH; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}
static inline uvec uv_and(uvec a, uint32_t b) { return a & b; }
#define UV_LEFT(u, n) ((u) << (n))
#define UV_RIGHT(u, n) ((u) >> (n))
static inline void uv_store_low_bytes(uint8_t out[LANES], const uvec u[LANES / FWIDTH]) {
    uint32_t part[LANES];
    memcpy(part, u, sizeof part);
    for (int i = 0; i < LANES; i++) out[i] = (uint8_t)part[i];
}

#endif

/* How many fvecs are worked on side by side where a single one would wait for its own results:
 * as many as the registers allow. */
#if defined(__aarch64__)
enum { SIDE = 4 };
#else
enum { SIDE = 2 };
#endif
enum { FSTEP = SIDE * FWIDTH };
#define EACH_SIDE for (int i = 0; i < SIDE; i++)

/* ---- rvec ----
 *
 * RWIDTH rows side by side; rtest is the result of a comparison, rbits the same bits as integers.
 *   rv_choose(t, a, b)            t ? a : b
 *   rv_any(t)                     whether t is true for some row
 *   rv_near_whole(x, lo, hi)      x clamped to lo..hi and rounded to an integer, ties to even;
 *                                 not for NaN
 *   rv_add_exact(sum, a, b)       sum + a * b where the product is exact, so that fusing the two
 *                                 changes nothing; RV_FUSED: it is a single instruction
 *   rv_inverse(x)                 1 / x, or 0 unless x > 0
 *   rv_low_bits(x)                the integer x, |x| < 2^22, in two's complement; only the low 23
 *                                 bits are valid */

#if defined(__x86_64__) || defined(__aarch64__)

enum { RWIDTH = WIDTH };
typedef vec rvec;
typedef int32_t rtest __attribute__((vector_size(sizeof(vec))));
typedef uint32_t rbits __attribute__((vector_size(sizeof(vec))));
static inline rvec rv_choose(rtest t, rvec a, rvec b) {
    return (rvec)((t & (rtest)a) | (~t & (rtest)b));
}
static inline rbits rv_bits(rvec x) { return (rbits)x; }

#else

enum { RWIDTH = 1 };
typedef float rvec;
typedef bool rtest;
typedef uint32_t rbits;
static inline rvec rv_choose(rtest t, rvec a, rvec b) { return t ? a : b; }
static inline rbits rv_bits(rvec x) { return to_bits(x); }

#endif

#if !defined(PLAIN_VECTORS) && defined(__AVX512F__)

enum { RV_FUSED = 1 };
static inline rvec rv_near_whole(rvec x, float lo, float hi) {
    __m512 least = _mm512_max_ps((__m512)x, _mm512_set1_ps(lo));
    __m512 clamped = _mm512_min_ps(least, _mm512_set1_ps(hi));
    return (rvec)_mm512_roundscale_ps(clamped, _MM_FROUND_TO_NEAREST_INT);
}
static inline rvec rv_add_exact(rvec sum, rvec a, rvec b) {
    return (rvec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)sum);
}
static inline bool rv_any(rtest t) { return _mm512_test_epi32_mask((__m512i)t, (__m512i)t) != 0; }

#elif !defined(PLAIN_VECTORS) && defined(__AVX2__)

enum { RV_FUSED = 1 };
static inline rvec rv_near_whole(rvec x, float lo, float hi) {
    __m256 least = _mm256_max_ps((__m256)x, _mm256_set1_ps(lo));
    __m256 clamped = _mm256_min_ps(least, _mm256_set1_ps(hi));
    return (rvec)_mm256_round_ps(clamped, _MM_FROUND_TO_NEAREST_INT);
}
static inline rvec rv_add_exact(rvec sum, rvec a, rvec b) {
    return (rvec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
}
static inline bool rv_any(rtest t) { return _mm256_movemask_ps((__m256)t) != 0; }

#elif !defined(PLAIN_VECTORS) && defined(__aarch64__)

enum { RV_FUSED = 1 };
static inline rvec rv_near_whole(rvec x, float lo, float hi) {
    float32x4_t least = vmaxq_f32((float32x4_t)x, vdupq_n_f32(lo));
    return (rvec)vrndnq_f32(vminq_f32(least, vdupq_n_f32(hi)));
}
static inline rvec rv_add_exact(rvec sum, rvec a, rvec b) {
    return (rvec)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
}
static inline bool rv_any(rtest t) { return vmaxvq_u32((uint32x4_t)t) != 0; }

#else

enum { RV_FUSED = 0 };
/* Clamped as bits: compilers turn minima of integers into single instructions. */
static inline rvec rv_near_whole(rvec x, float lo, float hi) {
    rvec moved = x + 0x1.8p23f;
    int32_t least = (int32_t)to_bits(lo + 0x1.8p23f), most = (int32_t)to_bits(hi + 0x1.8p23f);
    int32_t v[RWIDTH];
    memcpy(v, &moved, sizeof v);
    for (int i = 0; i < RWIDTH; i++) v[i] = v[i] > least ? v[i] : least;
    for (int i = 0; i < RWIDTH; i++) v[i] = v[i] < most ? v[i] : most;
    memcpy(&moved, v, sizeof v);
    return moved - 0x1.8p23f;
}
static inline rvec rv_add_exact(rvec sum, rvec a, rvec b) { return sum + a * b; }
static inline bool rv_any(rtest t) {
    static const rtest none;
    return memcmp(&t, &none, sizeof t) != 0;
}

#endif

static const rvec rv_zero;

static inline rvec rv_load(const float *p) {
    rvec v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void rv_store(float *p, rvec v) { memcpy(p, &v, sizeof v); }
static inline rvec rv_min(rvec a, rvec b) { return rv_choose(a < b, a, b); }
static inline rvec rv_max(rvec a, rvec b) { return rv_choose(a > b, a, b); }
static inline rvec rv_inverse(rvec x) { return rv_choose(x > 0.0f, 1.0f / x, rv_zero); }
static inline rbits rv_low_bits(rvec x) { return rv_bits(x + 0x1.8p23f); }

#endif
