/* features.c - the levels for 64-bit and 32-bit ARM, and how Linux reports them. */
#include "kernels/features.h"

#if defined(__linux__)
#include <sys/auxv.h>

/* Bits of HWCAP and HWCAP2, whose names older C libraries lack. */
enum { ARM64_ASIMDDP = 1 << 20, ARM64_I8MM_2 = 1 << 13, ARM32_NEON = 1 << 12 };

#if defined(__aarch64__)
static bool has_neon(void) { return true; }
static bool has_dotprod(void) { return (getauxval(AT_HWCAP) & ARM64_ASIMDDP) != 0; }
static bool has_i8mm(void) { return has_dotprod() && (getauxval(AT_HWCAP2) & ARM64_I8MM_2) != 0; }
#else
static bool has_neon(void) { return (getauxval(AT_HWCAP) & ARM32_NEON) != 0; }
static bool has_dotprod(void) { return false; }
static bool has_i8mm(void) { return false; }
#endif

extern const struct kernels kernels_neon, kernels_dotprod, kernels_i8mm;

const struct arch_level arch_levels[] = {
    {BUILT(i8mm), has_i8mm},
    {BUILT(dotprod), has_dotprod},
    {BUILT(neon), has_neon},
    {NULL, NULL},
};

#else

const struct arch_level arch_levels[] = {{NULL, NULL}};

#endif
