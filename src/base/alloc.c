/* alloc.c - aligned memory of a checked size. */
#include "base/alloc.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

void *alloc_large(uint64_t bytes) {
    void *p;
    if (bytes > PTRDIFF_MAX - 64) return NULL;
    return posix_memalign(&p, 64, (size_t)bytes + 64) == 0 ? p : NULL;
}

static void *pages_new(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *pages_resize(void *p, uint64_t old, uint64_t bytes) {
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (bytes > PTRDIFF_MAX - page) return NULL;
    size_t have = (size_t)((old + page - 1) / page * page);
    size_t want = (size_t)((bytes + page - 1) / page * page);
    if (have == 0) return want ? pages_new(want) : NULL;
    if (have == want) return p;
    if (want < have) {
        munmap((char *)p + want, have - want);
        return want ? p : NULL;
    }
#ifdef MREMAP_MAYMOVE
    void *grown = mremap(p, have, want, MREMAP_MAYMOVE);
    return grown == MAP_FAILED ? NULL : grown;
#else
    void *grown = pages_new(want);
    if (!grown) return NULL;
    memcpy(grown, p, have);
    munmap(p, have);
    return grown;
#endif
}
