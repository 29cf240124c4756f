/* features.c - the levels for x86-64, and how CPUID reports them. */
#include "kernels/features.h"
#include <cpuid.h>

struct features {
    bool sse41, avx2, avx512vnni;
};

/* CPUID says what the CPU has, XCR0 whether the operating system saves the registers. */
static struct features detect(void) {
    enum { XCR0_AVX = 0x06, XCR0_AVX512 = 0xE6 };
    const unsigned avx_bits = bit_AVX | bit_FMA | bit_F16C;
    const unsigned avx512_bits = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
    struct features f = {0};
    unsigned a, b, c, d, xcr0 = 0, xcr0_high;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return f;
    f.sse41 = (c & bit_SSE4_1) && (c & bit_SSSE3);
    if (c & bit_OSXSAVE) __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(xcr0_high) : "c"(0));
    bool avx = (c & avx_bits) == avx_bits && (xcr0 & XCR0_AVX) == XCR0_AVX;
    if (!avx || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return f;
    f.avx2 = (b & bit_AVX2) != 0;
    f.avx512vnni = f.avx2 && (b & avx512_bits) == avx512_bits && (c & bit_AVX512VNNI) &&
                   (xcr0 & XCR0_AVX512) == XCR0_AVX512;
    return f;
}

static bool has_sse41(void) { return detect().sse41; }
static bool has_avx2(void) { return detect().avx2; }
static bool has_avx512vnni(void) { return detect().avx512vnni; }

extern const struct kernels kernels_sse41, kernels_avx2, kernels_avx512vnni;

const struct arch_level arch_levels[] = {
    {BUILT(avx512vnni), has_avx512vnni},
    {BUILT(avx2), has_avx2},
    {BUILT(sse41), has_sse41},
    {NULL, NULL},
};
