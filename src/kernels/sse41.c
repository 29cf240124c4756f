/* sse41.c - L1: kernels for SSE4.1. */
#include "lanes.h"

const struct kernels kernels_sse41 = {.name = "sse41", .matmul_q = {matmul_q8_reference, matmul_q4_reference}, LANES_KERNELS};
