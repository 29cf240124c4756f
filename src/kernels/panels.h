/* panels.h - L1: the walk over panels, tokens and superblocks of packed weights, for the kernels of x86.
 *
 * One token (decode) streams each panel once. More tokens: a superblock of two panels is unpacked once for up to TOKENS of them, and
 * tiles of up to COLS tokens walk it. Lines are asked for AHEAD superblocks ahead, which the hardware prefetcher does not do across pages.
 *
 * It is included behind what it calls:
 *   one_q4, one_q8          add a superblock's products with one token to y, for 16 rows; they ask for the lines of `next`
 *   struct unpacked         a superblock of two panels; unpack_q4, unpack_q8 fill in the first or the second
 *   tile                    add its products with n <= COLS tokens to y, for 32 rows; n is known when it is compiled */
#ifndef QW_PANELS_H
#define QW_PANELS_H
#include "lanes.h"

enum { TOKENS = 64, AHEAD = 2 };

INLINE void store_rows(float *y, const float *sum, int rows, const int most) {
    if (rows >= most) memcpy(y, sum, (size_t)most * sizeof *y);
    else memcpy(y, sum, (size_t)rows * sizeof *y);
}

/* Not inline, so that its constants have registers. */
static __attribute__((noinline)) void unpack(struct unpacked *u, int panel, const void *w, bool q8) {
    if (q8) unpack_q8(u, panel, w);
    else unpack_q4(u, panel, w);
}

/* Ask for n bytes from p and as many of the panel below; returns where they end. */
INLINE const char *ask(const char *p, int64_t n, int64_t panel) {
    for (const char *end = p + n; p < end; p += 64) __builtin_prefetch(p), __builtin_prefetch(p + panel);
    return p;
}

INLINE void one_token(float *y, const char *w, int rows, int supers, const struct act *x, const bool q8) {
    const size_t size = q8 ? sizeof(struct q8_super) : sizeof(struct q4_super);
    for (int row = 0; row < rows; row += PANEL) {
        float sum[PANEL] __attribute__((aligned(64))) = {0};
        for (int s = 0; s < supers; s++, w += size) {
            if (q8) one_q8(sum, (const struct q8_super *)w, (const struct q8_super *)(w + AHEAD * size), &x[s]);
            else one_q4(sum, (const struct q4_super *)w, (const struct q4_super *)(w + AHEAD * size), &x[s]);
        }
        store_rows(y + row, sum, rows - row, PANEL);
    }
}

INLINE void more_tokens(float *y, int64_t stride, const char *w, int rows, int supers, const struct act *x, int n, const bool q8) {
    const int64_t size = q8 ? sizeof(struct q8_super) : sizeof(struct q4_super), panel = supers * size;
    float sum[TOKENS][2 * PANEL] __attribute__((aligned(64)));
    struct unpacked u;
    for (int row = 0; row < rows; row += 2 * PANEL, w += 2 * panel) {
        const char *w1 = row + PANEL < rows ? w + panel : w;            /* an odd panel is its own partner */
        for (int t = 0, some; t < n; t += some) {
            some = n - t < TOKENS ? n - t : TOKENS;
            memset(sum, 0, (size_t)some * sizeof *sum);
            for (int s = 0; s < supers; s++) {
                int tiles = (some + COLS - 1) / COLS;
                int64_t at = s * size, share = size / 64 / (tiles + 2) * 64 + 64;
                const char *next = w + at + AHEAD * size + (s + AHEAD < supers ? 0 : panel);    /* after w come w1 and the next pair */
                next = ask(next, share, panel);         /* a share at each step: then memory is neither idle nor waited for */
                unpack(&u, 0, w + at, q8);
                next = ask(next, share, panel);
                unpack(&u, 1, w1 + at, q8);
                for (int c = 0, cols; c < some; c += cols, tiles--) {
                    const struct act *a = x + (int64_t)(t + c) * supers + s;
                    next = ask(next, share, panel);
                    cols = (some - c + tiles - 1) / tiles;              /* equal tiles: 8 is 4 + 4 */
#define TILE(N) case N: tile(&sum[c], &u, a, supers, N < COLS ? N : COLS, q8); break;
                    switch (cols) { TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) }
#undef TILE
                }
            }
            for (int c = 0; c < some; c++) store_rows(y + (t + c) * stride + row, sum[c], rows - row, 2 * PANEL);
        }
    }
}

static void matmul_q4(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    if (n == 1) one_token(y, w, rows, supers, x, false);
    else more_tokens(y, stride, w, rows, supers, x, n, false);
}

static void matmul_q8(float *y, int64_t stride, const void *w, int rows, int supers, const struct act *x, int n) {
    if (n == 1) one_token(y, w, rows, supers, x, true);
    else more_tokens(y, stride, w, rows, supers, x, n, true);
}

#endif
