/* check.h - does a level compute on this CPU what the reference computes? */
#ifndef QW_CHECK_H
#define QW_CHECK_H
#include "kernels/kernels.h"

enum { CHECK_BYTES = 1 << 18 };

/* The operands of one operation, and what two levels make of them. */
struct check_room {
    _Alignas(64) unsigned char w[CHECK_BYTES], x[CHECK_BYTES];
    _Alignas(64) unsigned char out[2][CHECK_BYTES];
    uint64_t state;             /* of the random numbers */
};

/* Run every function of k over operands that are the same on every machine, and compare what it
 * writes with what the reference writes, byte by byte. report() is told the name of each function,
 * such as "matmul_q4", and whether it was right. */
void kernels_check(const struct kernels *k, struct check_room *room,
                   void (*report)(void *user, const char *function, bool right), void *user);

#endif
