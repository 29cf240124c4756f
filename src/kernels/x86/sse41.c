/* sse41.c - kernels for SSE4.1 (and SSSE3): 4 rows a register. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define MM(OP) _mm_##OP
typedef __m128i ints;
typedef __m128 floats;

static inline ints widen_bytes(const void *p) { int32_t v; memcpy(&v, p, sizeof v); return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(v)); }
static inline ints widen_words(const void *p) { return _mm_cvtepu16_epi32(_mm_loadl_epi64(p)); }

#include "kernels/x86/maddubs.inc"

const struct kernels kernels_sse41 = {.name = "sse41", .matmul_q = {matmul_q8, matmul_q4}, LANES_KERNELS};
