/* cpu.c - which kernels this CPU can run, and the choice among them. */
#include "kernels/dispatch.h"
#include <stdio.h>

#if defined(__x86_64__)
#include <cpuid.h>

struct features { bool sse41, avx2, avx512vnni; };

/* CPUID says what the CPU has, XCR0 whether the operating system saves its registers. */
static struct features detect(void) {
    struct features f = {0};
    unsigned a, b, c, d, xcr0 = 0, xcr0_high;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return f;
    f.sse41 = (c & bit_SSE4_1) && (c & bit_SSSE3);
    if (c & bit_OSXSAVE) __asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(xcr0_high) : "c"(0));
    bool avx = (c & bit_AVX) && (c & bit_FMA) && (c & bit_F16C) && (xcr0 & 6) == 6;
    if (!avx || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return f;
    f.avx2 = (b & bit_AVX2) != 0;
    f.avx512vnni = f.avx2 && (xcr0 & 0xE6) == 0xE6 && (b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512VL) && (b & bit_AVX512DQ) &&
                   (c & bit_AVX512VNNI);
    return f;
}

extern const struct kernels kernels_avx512vnni, kernels_avx2, kernels_sse41;

int cpu_levels(struct level out[MAX_LEVELS]) {
    struct features f = detect();
    int n = 0;
    out[n++] = (struct level){&kernels_avx512vnni, f.avx512vnni};
    out[n++] = (struct level){&kernels_avx2, f.avx2};
    out[n++] = (struct level){&kernels_sse41, f.sse41};
    out[n++] = (struct level){&kernels_scalar, true};
    return n;
}

#elif defined(__linux__) && (defined(__aarch64__) || defined(__arm__))
#include <sys/auxv.h>

extern const struct kernels kernels_neon;

#if defined(__aarch64__)

extern const struct kernels kernels_i8mm, kernels_dotprod;
#define CAP_DOTPROD (1ul << 20)         /* HWCAP_ASIMDDP */
#define CAP2_I8MM (1ul << 13)           /* HWCAP2_I8MM */

int cpu_levels(struct level out[MAX_LEVELS]) {
    bool dotprod = getauxval(AT_HWCAP) & CAP_DOTPROD;
    int n = 0;
    out[n++] = (struct level){&kernels_i8mm, dotprod && (getauxval(AT_HWCAP2) & CAP2_I8MM)};
    out[n++] = (struct level){&kernels_dotprod, dotprod};
    out[n++] = (struct level){&kernels_neon, true};
    out[n++] = (struct level){&kernels_scalar, true};
    return n;
}

#else

#define CAP_NEON (1ul << 12)            /* HWCAP_NEON */

int cpu_levels(struct level out[MAX_LEVELS]) {
    int n = 0;
    out[n++] = (struct level){&kernels_neon, (getauxval(AT_HWCAP) & CAP_NEON) != 0};
    out[n++] = (struct level){&kernels_scalar, true};
    return n;
}

#endif
#else

int cpu_levels(struct level out[MAX_LEVELS]) {
    out[0] = (struct level){&kernels_scalar, true};
    return 1;
}

#endif

int cpu_choose(const struct kernels **out, const char *name, qw_error *err) {
    struct level levels[MAX_LEVELS];
    char list[128] = "";
    int n = cpu_levels(levels), used = 0;
    for (int i = 0; i < n; i++) {
        const char *its = levels[i].kernels->name;
        if (levels[i].usable && (!name || strcmp(name, its) == 0)) {
            *out = levels[i].kernels;
            return 0;
        }
        if (levels[i].usable) used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", used ? ", " : "", its);
    }
    return fail(err, QW_EARG, "CPU level '%s' cannot be used here; this CPU has: %s", name, list);
}
