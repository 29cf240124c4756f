/* avx2.c - kernels for AVX2: 8 rows a register. */
#include <immintrin.h>

#define MM(OP) _mm256_##OP
typedef __m256i ints;
typedef __m256 floats;

static inline ints widen_bytes(const void *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(p)); }
static inline ints widen_words(const void *p) { return _mm256_cvtepu16_epi32(_mm_loadu_si128(p)); }

#include "kernels/x86/maddubs.inc"

const struct kernels kernels_avx2 = {.name = "avx2", .matmul_q = {matmul_q8, matmul_q4}, LANES_KERNELS};
