/* bandwidth.c - how fast this machine reads memory, which bounds the speed of generating. */
#include "engine/bandwidth.h"
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/model.h"
#include "sys/clock.h"
#include "sys/memory.h"

/* Pieces are small enough to be shared fairly by cores of different speed, and large enough that
 * handing them out costs nothing. */
enum { PIECE = 1 << 20, LEAST_PIECES = 16, MOST_PIECES = 256, ROUNDS = 4 };

struct reader {
    uint64_t *words;
    size_t ahead;                   /* how far ahead of the reads to prefetch, in bytes */
    uint64_t sums[MOST_PIECES];     /* so that the reads are not optimised away */
    int cpu[MOST_PIECES];           /* that has read the piece */
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
        r->cpu[i] = cpu_now();
    }
}

/* Passes over so many pieces, until the time is over and each distance was tried; the best. */
static double best_speed(struct reader *r, struct pool *pool, int64_t pieces, double seconds) {
    /* bytes; which one is best differs from core to core */
    static const size_t distances[] = {0, 512, 4096};
    enum { N = sizeof distances / sizeof *distances };
    const double begun = clock_seconds();
    double best = 0;
    for (int i = 0; i < ROUNDS * N && (i < N || clock_since(begun) < seconds); i++) {
        r->ahead = distances[i % N];
        double started = clock_seconds();
        parallel_for(pool, pieces, 1, read_pieces, r);
        double t = clock_seconds() - started, read = (double)pieces * PIECE;
        if (t > 0 && read > best * t) best = read / t;
    }
    return best;
}

int read_bandwidth(struct pool *pool, int mib, double seconds, struct cpu_mask *ran,
                   double *bytes_per_second, qw_error *err) {
    const uint64_t free_now = available_memory(""), quarter = free_now / 4 / PIECE;
    int64_t pieces = mib < MOST_PIECES ? mib : MOST_PIECES;
    if (free_now && quarter < (uint64_t)pieces) pieces = (int64_t)quarter;
    struct reader *r = alloc_zero(1, sizeof *r);
    *bytes_per_second = 0;
    if (!r) return fail_memory(err, "measuring the read bandwidth", sizeof *r);
    while (pieces >= LEAST_PIECES && !(r->words = alloc_large((uint64_t)pieces * PIECE)))
        pieces /= 2;
    if (r->words) {
        parallel_for(pool, pieces, 1, fill, r);
        *bytes_per_second = best_speed(r, pool, pieces, seconds);
        for (int i = 0; i < pieces; i++)
            if (r->cpu[i] >= 0) mask_add(ran, r->cpu[i]);
    }
    free(r->words);
    free(r);
    return 0;
}

int qw_read_bandwidth(const qw_model *m, double *bytes_per_second, qw_error *err) {
    struct cpu_mask ran = {{0}};
    return read_bandwidth(m->pool, MOST_PIECES, 60, &ran, bytes_per_second, err);
}
