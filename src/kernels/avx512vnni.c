/* avx512vnni.c - L1: kernels for AVX-512 with VNNI. */
#include "lanes.h"

const struct kernels kernels_avx512vnni = {.name = "avx512vnni", .matmul_q = {matmul_q8_reference, matmul_q4_reference}, LANES_KERNELS};
