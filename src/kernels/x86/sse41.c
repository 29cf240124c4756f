/* sse41.c - kernels for SSE4.1 (and SSSE3): 4 rows a register. */
#define LEVEL sse41
#include <immintrin.h>
#include "kernels/common/vectors.h"
#include "kernels/common/names.inc"
#include "kernels/common/floats.inc"
#include "kernels/common/quantize.inc"

#define MM(OP) _mm_##OP
typedef __m128i ints;
typedef __m128 floats;

static inline ints widen_bytes(const void *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(v));
}
static inline ints widen_words(const void *p) { return _mm_cvtepu16_epi32(_mm_loadl_epi64(p)); }

#include "kernels/x86/maddubs.inc"
#include "kernels/x86/panels.inc"
#include "kernels/common/dot_tiles.inc"
#include "kernels/common/dots.inc"
#include "kernels/common/attention.inc"

const struct kernels kernels_sse41 = {
    .name = "sse41",
    .matmul_q = {[PACKED_Q8] = matmul_q8, [PACKED_Q4] = matmul_q4},
    COMMON_KERNELS,
};
