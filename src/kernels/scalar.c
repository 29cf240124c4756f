/* scalar.c - L1: the references themselves: the table that every machine can use. */
#include "lanes.h"

const struct kernels kernels_scalar = {.name = "scalar", .matmul_q = {matmul_q8_reference, matmul_q4_reference}, LANES_KERNELS};
