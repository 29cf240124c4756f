/* i8mm.c - L1: kernels for ARMv8.6 matrix products of bytes. */
#include "lanes.h"

const struct kernels kernels_i8mm = {.name = "i8mm", .matmul_q = {matmul_q8_reference, matmul_q4_reference}, LANES_KERNELS};
