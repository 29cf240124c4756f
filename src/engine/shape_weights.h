/* shape_weights.h - the random weights of shapes. Every weight is a function of its place alone, so
 * that threads can make any part of a matrix. */
#ifndef QW_SHAPE_WEIGHTS_H
#define QW_SHAPE_WEIGHTS_H
#include "model/weights.h"
#include "sys/threads.h"

/* Bytes of a matrix; as BF16 up to three weights more. */
uint64_t random_matrix_size(enum packed_type type, int rows, int cols);

/* Make its bytes from `at` on, at most n, in out, which is aligned to 8. at: 0, or the end of the
 * part before. Returns how many were made: as many whole superblocks or words as n has room for. */
uint64_t random_matrix_part(struct pool *pool, enum packed_type type, uint64_t seed, uint64_t at,
                            uint64_t n, void *out);

/* n weights of a norm, 0.75 to 1.25. */
void random_norm(float *out, int n, uint64_t seed);

#endif
