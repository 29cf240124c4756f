/* alloc.h - checked sizes and aligned memory. */
#ifndef QW_ALLOC_H
#define QW_ALLOC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checked arithmetic: false on overflow, and *out is then unspecified. */
static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *out) {
    return !__builtin_add_overflow(a, b, out);
}
static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

/* Memory for n elements of size bytes, zeroed and aligned to 64 bytes; NULL when n * size overflows
 * or memory runs out. Free with free(). */
void *alloc_zero(uint64_t n, uint64_t size);

/* A large block of that many bytes, aligned to 64, but not zeroed, so that each page takes memory
 * only once it is written. Free with free(). */
void *alloc_large(uint64_t bytes);

/* Whole pages that can grow and shrink: what is kept keeps its contents, new bytes are 0, and
 * pages take memory only once they are written. p NULL and old 0: new ones. bytes 0: releases
 * them and returns NULL. Also NULL when memory runs out; p is then as it was. Shrinking cannot
 * fail. */
void *pages_resize(void *p, uint64_t old, uint64_t bytes);

#endif
