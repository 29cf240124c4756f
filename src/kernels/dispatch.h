/* cpu.h - which kernels this CPU can run, and the choice among them. */
#ifndef QW_CPU_H
#define QW_CPU_H
#include "base/error.h"
#include "kernels/kernels.h"

/* Kernels this program was built with, the fastest first and "scalar" last. usable: this CPU (and its operating system) can run them. */
struct level { const struct kernels *kernels; bool usable; };

enum { MAX_LEVELS = 8 };
int cpu_levels(struct level out[MAX_LEVELS]);       /* how many */

/* The fastest usable level, or the one of this name. QW_EARG: unknown, or more than this CPU can; the message lists what there is. */
int cpu_choose(const struct kernels **out, const char *name, qw_error *err);

#endif
