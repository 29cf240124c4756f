/* features.h - which levels of kernels this architecture has, and which the CPU can run. */
#ifndef QW_FEATURES_H
#define QW_FEATURES_H
#include <stddef.h>
#include "kernels/kernels.h"

/* kernels: NULL if the program was built without them. cpu_has: whether this CPU, and its operating
 * system, can run them. */
struct arch_level {
    const struct kernels *kernels;
    bool (*cpu_has)(void);
};

/* The levels of this architecture besides the reference, fastest first; an entry without cpu_has
 * ends the list. Each architecture's features.c defines it. */
extern const struct arch_level arch_levels[];

/* BUILT(avx2) is &kernels_avx2 if the Makefile builds src/kernels/x86/avx2.c, else NULL. Where it
 * does, it defines QW_LEVEL_avx2 as 1, so that BUILT_COMMA_1 makes the address the second of three
 * arguments; otherwise the address follows an undefined name in the first, and NULL is second. */
#define BUILT_COMMA_1 NULL,
#define BUILT_SECOND(first, second, ...) second
#define BUILT_CHOOSE(junk_or_comma, address) BUILT_SECOND(junk_or_comma address, NULL, NULL)
#define BUILT_JOIN(value, address) BUILT_CHOOSE(BUILT_COMMA_##value, address)
#define BUILT_EXPAND(value, address) BUILT_JOIN(value, address)
#define BUILT(level) BUILT_EXPAND(QW_LEVEL_##level, &kernels_##level)

#endif
