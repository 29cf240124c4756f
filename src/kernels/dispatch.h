/* dispatch.h - which kernels this CPU can run, and the choice among them. */
#ifndef QW_DISPATCH_H
#define QW_DISPATCH_H
#include "base/error.h"
#include "kernels/kernels.h"

/* A level of kernels that this program was built with. usable: this CPU and its operating system
 * can run it. */
struct level {
    const struct kernels *kernels;
    bool usable;
};

enum { MAX_LEVELS = 8 };

/* Fills in the levels, fastest first and "scalar" last, and returns how many there are. */
int kernels_levels(struct level out[MAX_LEVELS]);

/* The fastest usable level, or the one called `name` unless that is NULL. QW_EARG: it is unknown,
 * or this CPU cannot run it; the message lists those that it can run. */
int kernels_choose(const struct kernels **out, const char *name, qw_error *err);

#endif
