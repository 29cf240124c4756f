/* avx2.c - kernels for AVX2 (with FMA and F16C): 8 rows a register. */
#define LEVEL avx2
#include <immintrin.h>
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"

#define MM(OP) _mm256_##OP
typedef __m256i ints;
typedef __m256 floats;

static inline ints widen_bytes(const void *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(p)); }
static inline ints widen_words(const void *p) { return _mm256_cvtepu16_epi32(_mm_loadu_si128(p)); }

#include "kernels/x86/maddubs.inc"
#include "kernels/x86/panels.inc"
#include "kernels/common/dot_tiles.inc"
#include "kernels/common/dots.inc"
#include "kernels/common/attention.inc"

const struct kernels kernels_avx2 = {
    .name = "avx2",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
