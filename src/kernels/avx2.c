/* avx2.c - L1: kernels for AVX2. */
#include "lanes.h"

const struct kernels kernels_avx2 = {.name = "avx2", .matmul_q = {matmul_q8_reference, matmul_q4_reference}, LANES_KERNELS};
