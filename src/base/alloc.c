/* alloc.c - aligned memory of a checked size. */
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>

void *alloc_zero(uint64_t n, uint64_t size) {
    uint64_t bytes;
    void *p;
    if (!mul_u64(n, size, &bytes) || !add_u64(bytes, 63, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    bytes &= ~(uint64_t)63;
    if (bytes == 0) bytes = 64;
    if (posix_memalign(&p, 64, (size_t)bytes) != 0) return NULL;
    memset(p, 0, (size_t)bytes);
    return p;
}

void *alloc_pages(uint64_t bytes) {
    void *p;
    if (bytes > PTRDIFF_MAX - 64) return NULL;
    return posix_memalign(&p, 64, (size_t)bytes + 64) == 0 ? p : NULL;
}
