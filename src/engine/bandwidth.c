/* bandwidth.c - how fast this machine reads memory, which bounds the speed of generating. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/alloc.h"
#include "engine/model.h"
#include "sys/memory.h"

/* Pieces are small enough to be shared fairly by cores of different speed, and large enough that
 * handing them out costs nothing. */
enum { PIECE = 1 << 20, LEAST_PIECES = 16, MOST_PIECES = 256, ROUNDS = 4 };

struct reader {
    uint64_t *words;
    size_t ahead;                   /* how far ahead of the reads to prefetch, in bytes */
    uint64_t sums[MOST_PIECES];     /* so that the reads are not optimised away */
};

static void fill(void *ctx, int64_t begin, int64_t end) {
    const struct reader *r = ctx;
    /* pages that were never written may all be the same page of zeros */
    memset(r->words + begin * (PIECE / 8), 1, (size_t)(end - begin) * PIECE);
}

static void read_pieces(void *ctx, int64_t begin, int64_t end) {
    struct reader *r = ctx;
    for (int64_t i = begin; i < end; i++) {
        const uint64_t *p = r->words + i * (PIECE / 8), *stop = p + PIECE / 8;
        size_t ahead = r->ahead;
        uint64_t a = 0, b = 0, c = 0, d = 0;
        for (; p < stop; p += 8) {
            /* harmless beyond the end */
            __builtin_prefetch((const void *)((uintptr_t)p + ahead));
            a ^= p[0] ^ p[4];
            b ^= p[1] ^ p[5];
            c ^= p[2] ^ p[6];
            d ^= p[3] ^ p[7];
        }
        r->sums[i] = a ^ b ^ c ^ d;
    }
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int qw_read_bandwidth(const qw_model *m, double *bytes_per_second, qw_error *err) {
    /* bytes; which one is best differs from core to core */
    static const size_t distances[] = {0, 512, 4096};
    enum { N = sizeof distances / sizeof *distances };
    uint64_t free_now = available_memory("");
    int64_t pieces = free_now == 0 || free_now / 4 / PIECE > MOST_PIECES
                         ? MOST_PIECES
                         : (int64_t)(free_now / 4 / PIECE);
    struct reader *r = alloc_zero(1, sizeof *r);
    *bytes_per_second = 0;
    if (!r) return fail_memory(err, "measuring the read bandwidth", sizeof *r);
    while (pieces >= LEAST_PIECES && !(r->words = alloc_large((uint64_t)pieces * PIECE)))
        pieces /= 2;
    if (!r->words) {
        free(r);
        return 0;
    }
    pool_use(m->pool, m->n_threads);
    parallel_for(m->pool, pieces, 1, fill, r);
    double best = 0;
    for (int i = 0; i < ROUNDS * N; i++) {
        r->ahead = distances[i % N];
        double started = seconds();
        parallel_for(m->pool, pieces, 1, read_pieces, r);
        double t = seconds() - started, read = (double)pieces * PIECE;
        if (t > 0 && read > best * t) best = read / t;
    }
    free(r->words);
    free(r);
    *bytes_per_second = best;
    return 0;
}
