/* vectors.h - floats side by side; part of lanes.h.
 *
 * vec    plain arithmetic of the compiler, as wide as this file's registers. On ARMv7 it is one float: the vectors there take subnormals
 *        for 0, the scalar unit does not.
 * fvec   the same by functions, and on ARMv7 four floats all the same. It is for what no subnormal can decide: whoever uses it says
 *        why. Division is by the scalar unit there, and exact.
 *
 * fv_greater of what is not a number gives that or the other.
 *
 * scalar.c defines PLAIN_VECTORS and has no intrinsics, so that the tests compare the two. */
#ifndef QW_VECTORS_H
#define QW_VECTORS_H
#include "kernels/kernels.h"

/* Sums kept in arrays of float stay in memory with gcc. */
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

static inline vec load_vec(const float *p) { vec v; memcpy(&v, p, sizeof v); return v; }

/* ---- fvec ---- */

#if defined(__ARM_NEON) && !defined(PLAIN_VECTORS)
#include <arm_neon.h>

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
static inline fvec fv_least(fvec x, float most) { return vminq_f32(x, vdupq_n_f32(most)); }
static inline uvec fv_bits(fvec x) { return vreinterpretq_u32_f32(x); }
static inline fvec fv_from_bits(uvec u) { return vreinterpretq_f32_u32(u); }
static inline fvec fv_zero_below(fvec y, fvec x, float least) { return fv_from_bits(vbicq_u32(fv_bits(y), vcltq_f32(x, vdupq_n_f32(least)))); }
static inline fvec fv_flush(fvec x) { return fv_from_bits(vbicq_u32(fv_bits(x), vcaltq_f32(x, vdupq_n_f32(TINY)))); }
static inline fvec fv_greater(fvec a, fvec b) { return vmaxq_f32(a, b); }
static inline fvec fv_from_ints(uvec u) { return vcvtq_f32_s32(vreinterpretq_s32_u32(u)); }
static inline uvec uv_load(const int32_t *p) { return vreinterpretq_u32_s32(vld1q_s32(p)); }
static inline uvec uv_all(uint32_t u) { return vdupq_n_u32(u); }
static inline uvec uv_add(uvec a, uvec b) { return vaddq_u32(a, b); }
static inline uvec uv_greater(uvec a, uvec b) { return vmaxq_u32(a, b); }
static inline uvec uv_and(uvec a, uint32_t b) { return vandq_u32(a, vdupq_n_u32(b)); }
#define UV_LEFT(u, n) vshlq_n_u32(u, n)
#define UV_RIGHT(u, n) vshrq_n_u32(u, n)
static inline void uv_store_low_bytes(uint8_t out[LANES], const uvec u[LANES / FWIDTH]) {
    uint16x8_t low = vcombine_u16(vmovn_u32(u[0]), vmovn_u32(u[1])), high = vcombine_u16(vmovn_u32(u[2]), vmovn_u32(u[3]));
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
/* x > most ? most : x */
static inline fvec fv_least(fvec x, float most) {
    uvec more = (uvec)(x > fv_all(most));
    return (fvec)((more & (uvec)fv_all(most)) | (~more & (uvec)x));
}
/* x < least ? 0 : y */
static inline fvec fv_zero_below(fvec y, fvec x, float least) { return (fvec)((uvec)y & ~(uvec)(x < fv_all(least))); }
static inline fvec fv_flush(fvec x) { return (fvec)((uvec)x & ~((uvec)(x > fv_all(-TINY)) & (uvec)(x < fv_all(TINY)))); }
static inline fvec fv_greater(fvec a, fvec b) { uvec more = (uvec)(a > b); return (fvec)((more & (uvec)a) | (~more & (uvec)b)); }
static inline fvec fv_from_ints(uvec u) { return __builtin_convertvector((ivec)u, fvec); }
static inline uvec uv_load(const int32_t *p) { uvec u; memcpy(&u, p, sizeof u); return u; }
static inline uvec uv_all(uint32_t u) { return u - (uvec){0}; }
static inline uvec uv_add(uvec a, uvec b) { return a + b; }
static inline uvec uv_greater(uvec a, uvec b) {       /* compilers know this for one instruction, masks they do not */
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

/* So many of them go side by side where one must wait for its own results: as the registers allow. */
#if defined(__aarch64__)
enum { SIDE = 4 };
#else
enum { SIDE = 2 };
#endif
enum { FSTEP = SIDE * FWIDTH };
#define EACH_SIDE for (int i = 0; i < SIDE; i++)

#endif
