/* features.c - no levels besides the reference. */
#include "kernels/features.h"

const struct arch_level arch_levels[] = {{NULL, NULL}};
