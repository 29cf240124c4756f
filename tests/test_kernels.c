/* test_kernels.c - every kernel of every level against the scalar reference, bit for bit; the
 * reference against double precision. Inputs end where memory ends, at every alignment that the
 * engine may use; outputs lie between canaries.
 *
 * test_kernels [SEED | quick | bench]
 *   quick   part of the grid, for slow emulators
 *   bench   how fast each level is */
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "kernels/dispatch.h"
#include "test.h"

#define COUNT(list) (int)(sizeof(list) / sizeof *(list))

/* the usable ones; the last is kernels_reference */
static const struct kernels *levels[MAX_LEVELS];
static int n_levels;
static bool quick;
static uint64_t seed = 20240613;

/* A random number 0..n-1. (Steele, Lea and Flood 2014, splitmix64) */
static int random_below(int n) {
    uint64_t z = seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (int)((z ^ z >> 31) >> 33) % n;
}

/* A random number -1..1. */
static float random_float(void) { return (float)(random_below(1 << 24) - (1 << 23)) * 0x1p-23f; }

/* ---- memory: each slot ends at an unmapped page ---- */

enum { SLOT = 1 << 20, MARGIN = 64, CANARY = 0xA5 };
enum slot { W, X, Z, INPUTS, OUT = INPUTS, REF, N_SLOTS };

static struct {
    unsigned char *end, *data, copy[SLOT];
    size_t size;
} slots[N_SLOTS];

static bool open_slots(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = N_SLOTS * (SLOT + page);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    unsigned char *p = memory;
    for (int i = 0; i < N_SLOTS; i++, p += page) {
        p += SLOT;
        slots[i].end = slots[i].data = p;
        if (mprotect(p, page, PROT_NONE) != 0) return false;
    }
    return true;
}

/* The slot's data: size bytes that end `slack` bytes before the unmapped page. */
static void *place(enum slot s, size_t size, int slack) {
    slots[s].size = size;
    slots[s].data = slots[s].end - slack - size;
    return slots[s].data;
}

/* ---- random inputs ---- */

/* TIES: halfway between quantising steps. LEAST: down to subnormals, which some vectors take for 0.
 * FAINT, FAINTER: above and below 2^-36, where quantising begins. MIXED: a kind for each block. */
enum kind {
    NORMAL, CONSTANT, ALTERNATING, ZEROS, OUTLIER, SMALL, WIDE, TIES, POSITIVE, NEGATIVE, LEAST,
    FAINT, FAINTER, N_PLAIN, MIXED = N_PLAIN, N_KINDS
};

static void fill(float *x, int n, int kind) {
    int hot = random_below(n), now = kind;
    for (int i = 0; i < n; i++) {
        if (kind == MIXED && i % BLOCK == 0) now = random_below(N_PLAIN);
        float u = random_float();
        const float of[] = {
            [NORMAL] = u + random_float(),
            [CONSTANT] = 0.75f,
            [ALTERNATING] = i & 1 ? 1 : -1,
            [ZEROS] = i & 1 ? 0.0f : -0.0f,
            [OUTLIER] = i == hot ? 1e4f : 0.01f * u,
            [SMALL] = 1e-20f * u,
            [WIDE] = ldexpf(u, random_below(60) - 40),
            [TIES] = i % SUPER ? (float)random_below(254) - 126.5f : 127, /* a step of 1 */
            [POSITIVE] = 1.5f + u,
            [NEGATIVE] = -1.5f + u,
            [LEAST] = ldexpf(u, -random_below(90) - 60),
            [FAINT] = 0x1p-33f * u,
            [FAINTER] = 0x1p-39f * u,
        };
        x[i] = of[now];
    }
}

static float *random_floats(enum slot s, int n, int kind) {
    float *x = place(s, (size_t)n * sizeof *x, random_below(2) * 4 * random_below(16));
    fill(x, n, kind);
    return x;
}

/* n stored weights that begin at any byte, or end at the unmapped page. F16 takes the bits of a
 * BF16 without the upper exponents. */
static const void *random_stored(int type, int n, int kind) {
    static float v[SLOT / sizeof(float)];
    int size = type == STORED_F32 ? 4 : 2;
    char *w = place(W, (size_t)n * (size_t)size, random_below(3) ? random_below(4) : 0);
    fill(v, n, kind);
    for (int i = 0; i < n; i++) {
        memcpy(w + i * size, (char *)&v[i] + 4 - size, (size_t)size);
        if (type == STORED_F16) w[2 * i + 1] &= 0xBF;
    }
    return w;
}

/* A step: 0, the least, the largest with which 13 superblocks of the largest sums stay finite, or a
 * usual one. */
static float random_step(float least) {
    const float usual = ldexpf(1.5f + 0.5f * random_float(), -random_below(20));
    const float of[] = {0, least, 1.9921875f * least, 0x1p40f, usual, usual, usual, usual};
    return of[random_below(COUNT(of))];
}

enum pattern { ANY, HIGHEST, LOWEST, FLIPPING, NOTHING, ONE, N_PATTERNS };

/* Value i of a pattern. ONE: on average one of SUPER is not 0. */
static int patterned(int pattern, int i, int lowest, int highest) {
    switch (pattern) {
    case ANY: return lowest + random_below(highest - lowest + 1);
    case HIGHEST: return highest;
    case LOWEST: return lowest;
    case FLIPPING: return i & 1 ? highest : lowest;
    case ONE: return random_below(SUPER) ? 0 : highest;
    default: return 0;
    }
}

static const char *const packed_names[] = {[PACKED_Q8] = "q8", [PACKED_Q4] = "q4"};

static size_t super_size(int type) {
    return type == PACKED_Q4 ? sizeof(struct q4_super) : sizeof(struct q8_super);
}

/* `count` superblocks: weights of pattern p, scales and minima of pattern s. Rows that only pad the
 * panel hold other values too. */
static const void *random_panels(int type, int count, int p, int s) {
    bool q4 = type == PACKED_Q4;
    unsigned char *w = place(W, (size_t)count * super_size(type), 0);
    for (int i = 0; i < count; i++) {
        int opposite = random_below(2) * 255;
        for (int j = 0; j < BLOCKS * PANEL; j++)
            *w++ = (unsigned char)patterned(s, j / PANEL, 0, q4 ? 255 : 31);
        for (int j = 0; j < BLOCKS * PANEL && q4; j++)
            *w++ = (unsigned char)(patterned(s, j / PANEL, 0, 255) ^ opposite);
        for (int j = 0; j < SUPER * PANEL / 2 && q4; j++) {
            int low = patterned(p, j, 0, 15), high = patterned(p, j, 0, 15);
            *w++ = (unsigned char)(low | high << 4);
        }
        for (int j = 0; j < SUPER * PANEL && !q4; j++)
            *w++ = (unsigned char)patterned(p, j, -127, 127);
        for (int j = 0; j < PANEL; j++, w += 2) {
            float d = random_step(0x1p-50f);
            memcpy(w, (char *)&d + 2, 2);
        }
    }
    return slots[W].data;
}

/* `count` superblocks of activations for products with weights of this type. */
static const struct act *random_acts(int type, int count, int p) {
    struct act *x = place(X, (size_t)count * sizeof *x, 0);
    memset(x, 0, (size_t)count * sizeof *x);
    for (int i = 0; i < count; i++) {
        x[i].dx = random_step(0x1p-46f);
        for (int b = 0; b < BLOCKS; b++) {
            int sum = 0;
            for (int k = b * BLOCK; k < (b + 1) * BLOCK; k++) {
                x[i].x[k] = (int8_t)patterned(p, k, -127, 127);
                sum += x[i].x[k];
            }
            act_set_sum(&x[i], b, sum);
            x[i].t[b] = (uint8_t)(type == PACKED_Q4 ? 1 : 1 + patterned(p, b, 0, 7));
        }
    }
    return x;
}

static void *random_bytes(enum slot s, size_t size) {
    unsigned char *p = place(s, size, 0);
    for (size_t i = 0; i < size; i++) p[i] = (unsigned char)random_below(256);
    return p;
}

static size_t cache_size(int type, int n, int head_dim) {
    return (size_t)(kv_tile_size(type, head_dim) * ((n + ATTN_TILE - 1) / ATTN_TILE));
}

/* Beyond the range of a half the cache holds NaN, of any sign. */
static void limit_to_f16(float *x, int n) {
    for (int i = 0; i < n; i++) x[i] = fmaxf(fminf(x[i], 6e4f), -6e4f);
}

/* A cache of n positions. What it holds after the last one must have no effect. */
static void *random_cache(int type, int n, int head_dim, int kind) {
    float k[MAX_HEAD_DIM], v[MAX_HEAD_DIM];
    void *c = random_bytes(W, cache_size(type, n, head_dim));
    for (int i = 0; i < n; i++) {
        fill(k, head_dim, kind);
        fill(v, head_dim, kind);
        if (type == KV_F16) {
            limit_to_f16(k, head_dim);
            limit_to_f16(v, head_dim);
        }
        kernels_reference.store[type](c, k, v, i, head_dim);
    }
    return c;
}

static int random_kind(void) { return random_below(N_KINDS); }

/* ---- one call, and its comparison ---- */

enum op {
    MATMUL, MATMUL_Q, ROW, QUANTIZE, PACK, ROW_Q, ATTENTION, STORE, RMSNORM, ROPE, SILU_MUL, ADD
};
static const char *const op_names[] = {
    "matmul", "matmul_q", "row", "quantize", "pack", "row_q",
    "attention", "store", "rmsnorm", "rope", "silu_mul", "add",
};

/* type: of the weights or the cache, or 1 for quantize's fine. rows: or the row, or the group.
 * n_in: or the dimension of a head. n: tokens, positions or the position. */
struct args {
    int op, type, rows, n_in, n;
    int64_t stride;
    bool in_place, short_weights;
    const void *w, *x, *z;
    const char *level;
};

static void call(const struct kernels *k, const struct args *a, void *out) {
    int type = a->type, rows = a->rows, n_in = a->n_in, n = a->n;
    switch (a->op) {
    case MATMUL:
        k->matmul[type](out, a->stride, a->w, rows, n_in, a->x, n);
        break;
    case MATMUL_Q:
        k->matmul_q[type](out, a->stride, a->w, rows, n_super(n_in), a->x, n);
        break;
    case ROW:
        k->row[type](out, a->w, n_in);
        break;
    case QUANTIZE:
        k->quantize(out, a->x, n_in, type != 0);
        break;
    case PACK:
        k->pack[type](out, a->w, rows, n_in, a->short_weights);
        break;
    case ROW_Q:
        k->row_q[type](out, a->w, rows, n_in);
        break;
    case RMSNORM:
        k->rmsnorm(out, a->in_place ? out : a->x, a->w, n_in, 1e-6f);
        break;
    case ROPE:
        k->rope(out, a->x, n_in);
        break;
    case ATTENTION:
        k->attention[type](out, a->x, a->w, rows, n, n_in, (float)(1 / sqrt(n_in)));
        break;
    case STORE:
        k->store[type](out, a->x, a->w, n, n_in);
        break;
    case SILU_MUL:
        k->silu_mul(out, a->x, n_in);
        break;
    case ADD:
        k->add(out, a->x, n_in);
        break;
    }
}

static struct args running;

static const char *describe(void) {
    static char s[256];
    const struct args *a = &running;
    snprintf(s, sizeof s, "%s %s: type %d, rows %d, n_in %d, n %d, stride %d%s%s", a->level,
             op_names[a->op], a->type, a->rows, a->n_in, a->n, (int)a->stride,
             a->short_weights ? ", short weights" : "", a->in_place ? ", in place" : "");
    return s;
}

static void on_fault(int sig) {
    const char *what = sig == SIGILL ? "an unknown instruction" : "memory that is not its own";
    printf("not ok - kernels: %s in %s\n", what, describe());
    fflush(stdout);
    _exit(1);
}

/* Runs a kernel whose output, at area + MARGIN, begins as a copy of `start` unless that is NULL. */
static void execute(const struct kernels *k, const struct args *a, unsigned char *area, size_t size,
                    const void *start) {
    memset(area, CANARY, size + 2 * MARGIN);
    if (start) memcpy(area + MARGIN, start, size);
    running = *a;
    running.level = k->name;
    call(k, a, area + MARGIN);
}

/* The reference must skip what surrounds its output, and the gaps between its rows. */
static void check_canaries(const struct args *a, const unsigned char *area, size_t size) {
    for (size_t i = 0; i < size + 2 * MARGIN; i++) {
        bool outside = i < MARGIN || i >= MARGIN + size;
        if (a->stride) outside |= (i - MARGIN) / 4 % (size_t)a->stride >= (size_t)a->rows;
        CHECK(!outside || area[i] == CANARY, "%s: wrote byte %d", describe(), (int)i - MARGIN);
    }
}

static void check_no_subnormal(const unsigned char *out, size_t size) {
    for (size_t i = 0; i + 4 <= size; i += 4) {
        float y;
        memcpy(&y, out + i, sizeof y);
        CHECK(!(fabsf(y) > 0 && fabsf(y) < 0x1p-100f), "%s: %g", describe(), (double)y);
    }
}

/* Compares all levels with kernels_reference, which must write its `size` bytes and nothing else.
 * An operation in place starts from the data of slot Z. */
static void compare(struct args a, size_t size) {
    size_t all = size + 2 * MARGIN;
    const void *start = a.in_place ? slots[Z].data : NULL;
    const void *inputs[INPUTS] = {a.w, a.x, a.z};
    for (int s = 0; s < INPUTS; s++)
        if (inputs[s]) memcpy(slots[s].copy, slots[s].data, slots[s].size);
    bool aligned = a.op == PACK || a.op == QUANTIZE;
    unsigned char *ref = place(REF, all, 0);
    unsigned char *out = place(OUT, all, aligned ? 0 : 4 * random_below(16));
    execute(&kernels_reference, &a, ref, size, start);
    check_canaries(&a, ref, size);
    bool flushed = a.op == MATMUL || a.op == ATTENTION || a.op >= RMSNORM;
    if (flushed) check_no_subnormal(ref + MARGIN, size);
    for (int i = 0; i + 1 < n_levels; i++) {
        size_t at = 0;
        execute(levels[i], &a, out, size, start);
        while (at < all && ref[at] == out[at]) at++;
        CHECK(at == all, "%s: byte %d differs", describe(), (int)at - MARGIN);
    }
    for (int s = 0; s < INPUTS; s++) {
        bool same = !inputs[s] || memcmp(slots[s].copy, slots[s].data, slots[s].size) == 0;
        CHECK(same, "%s: input %d has changed", describe(), s);
    }
}

/* ---- the same bits ---- */

static const int widths[] = {
    1,  2,  3,  4,  7,  8,   9,   15,  16,  17,  18,  31,  32,  33,  40,   47,
    48, 49, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 512, 515, 1024,
};
static const int head_dims[] = {
    2, 4, 6, 8, 10, 14, 16, 18, 30, 32, 34, 64, 66, 80, 96, 128, 130, 192, 256,
};
static const int positions[] = {
    1,  2,  3,  4,   15,  16,  17,  31,  32,  33,  63,
    64, 65, 66, 127, 128, 129, 191, 192, 193, 200,
};

/* Whether the quick run leaves out a case of so many steps: all the large ones, and of the others
 * all but some percent. */
static bool leave_out(int steps, int percent) {
    return quick && (steps > 100000 || random_below(100) >= percent);
}

static void compare_product(struct args a) {
    a.stride = a.rows + random_below(2) * random_below(40);
    compare(a, (size_t)((a.n - 1) * a.stride + a.rows) * sizeof(float));
}

static void test_matmul(void) {
    for (int i = 0; i < COUNT(widths) * 9 * N_STORED_TYPES; i++) {
        int n_in = widths[i / 9 / N_STORED_TYPES], n = 1 + i / N_STORED_TYPES % 9;
        int type = i % N_STORED_TYPES;
        for (int rows = 1; rows <= 50; rows += rows < 9 ? 1 : random_below(20) + 1) {
            if (leave_out(rows * n * n_in, 15)) continue;
            const void *w = random_stored(type, rows * n_in, random_kind());
            const float *x = random_floats(X, n * n_in, random_kind());
            compare_product((struct args){MATMUL, type, rows, n_in, n, .w = w, .x = x});
        }
    }
}

static void compare_packed(int type, int rows, int supers, int n, int weights, int scales,
                           int tokens) {
    if (leave_out(rows * n * supers * SUPER, 30)) return;
    const void *x = random_acts(type, n * supers, tokens);
    const void *w = random_panels(type, (rows + PANEL - 1) / PANEL * supers, weights, scales);
    compare_product((struct args){MATMUL_Q, type, rows, supers * SUPER, n, .w = w, .x = x});
}

static void test_matmul_q(int type) {
    static const int batches[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 64, 70};
    for (int i = 0; i < COUNT(batches); i++) {
        int n = batches[i];
        for (int rows = 1; rows <= 50; rows++)
            compare_packed(type, rows, 1 + random_below(2), n, ANY, ANY, ANY);
        for (int supers = 1; supers <= 13; supers++)
            compare_packed(type, 1 + random_below(33), supers, n, ANY, ANY, ANY);
    }
    for (int weights = 0; weights < N_PATTERNS; weights++)
        for (int scales = 0; scales < N_PATTERNS; scales++)
            for (int tokens = 0; tokens < N_PATTERNS; tokens++)
                compare_packed(type, 17, 2, 1 + random_below(9), weights, scales, tokens);
}
static void test_matmul_q8(void) { test_matmul_q(PACKED_Q8); }
static void test_matmul_q4(void) { test_matmul_q(PACKED_Q4); }

static void compare_attention(int type, int group, int n, int hd) {
    size_t tile = (size_t)kv_tile_size(type, hd);
    random_bytes(Z, tile);
    const float *k = random_floats(X, hd, random_kind());
    const float *v = random_floats(W, hd, random_kind());
    struct args store = {STORE, type, .n_in = hd, .n = random_below(ATTN_TILE), .w = v, .x = k};
    store.in_place = true;
    compare(store, tile);
    const void *c = random_cache(type, n, hd, random_kind());
    const float *q = random_floats(X, group * hd, random_kind());
    struct args attention = {ATTENTION, type, group, hd, n, .w = c, .x = q};
    compare(attention, (size_t)(group * hd) * sizeof(float));
}

static void test_attention(int type) {
    for (int p = 0; p < COUNT(positions); p++)
        for (int d = 0; d < COUNT(head_dims); d++)
            for (int group = 1; group <= 10; group++) {
                if (leave_out(group * positions[p] * head_dims[d], 5)) continue;
                compare_attention(type, group, positions[p], head_dims[d]);
            }
}
static void test_attention_f32(void) { test_attention(KV_F32); }
static void test_attention_f16(void) { test_attention(KV_F16); }
static void test_attention_q8(void) { test_attention(KV_Q8); }

/* Operations on a row or a panel, at all widths with all kinds of values. */
static void test_rows(void) {
    for (int i = 0; i < COUNT(widths) * N_KINDS; i++) {
        int n = widths[i / N_KINDS], kind = i % N_KINDS, supers = n_super(n);
        int from = random_below(N_STORED_TYPES), rows = 1 + random_below(PANEL);
        size_t size = (size_t)n * sizeof(float), acts = (size_t)supers * sizeof(struct act);
        const void *w = random_stored(from, n, kind);
        compare((struct args){ROW, from, .n_in = n, .w = w}, size);
        for (int type = 0; type < N_PACKED_TYPES; type++) {
            w = random_panels(type, 2 * supers, ANY, ANY);
            compare((struct args){ROW_Q, type, random_below(2 * PANEL), n, .w = w}, size);
            const float *x = random_floats(X, n, kind);
            compare((struct args){QUANTIZE, type, .n_in = n, .x = x}, acts);
            if (leave_out(10 * rows * n, 5)) continue;
            bool bits16 = random_below(2); /* short weights: those of BF16 */
            float *v = random_floats(W, rows * n, kind);
            for (int k = 0; k < rows * n && bits16; k++) memset(&v[k], 0, 2);
            struct args pack = {PACK, type, rows, n, .w = v, .short_weights = bits16};
            compare(pack, (size_t)supers * super_size(type));
        }
    }
}

static void test_vectors(void) {
    for (int i = 0; i < COUNT(widths) * N_KINDS; i++) {
        int n = widths[i / N_KINDS], kind = i % N_KINDS;
        size_t size = (size_t)n * sizeof(float);
        for (int op = RMSNORM; op <= ADD; op++) {
            float *z = random_floats(Z, n, kind);
            float *x = random_floats(X, n, op == RMSNORM ? kind : random_kind());
            float *w = random_floats(W, n, random_kind());
            struct args a = {op, .n_in = n, .w = w, .x = x};
            for (int k = 0; k < n; k++) {
                if (op == SILU_MUL) z[k] *= 50; /* past both ends of exp */
                if (op != ROPE) continue;
                if (fabsf(x[k]) > 1) x[k] = 1 / x[k]; /* cos and sin: kernels.h */
                if (fabsf(x[k]) < TINY) x[k] = 0;
            }
            if (op == RMSNORM) compare(a, size);
            a.in_place = true;
            if (op != ROPE || n % 2 == 0) compare(a, size);
        }
    }
}

/* One value makes the others subnormal for a moment, and large weights bring them back: they must
 * not be lost on the way. */
static void test_rmsnorm_subnormal(void) {
    for (int i = 0; i < 4 * COUNT(widths); i++) {
        int n = widths[i / 4];
        float *x = random_floats(X, n, NORMAL), *w = random_floats(W, n, NORMAL);
        for (int k = 0; k < n; k++) {
            x[k] = ldexpf(x[k], -60 - random_below(6));
            w[k] = ldexpf(w[k], 60);
        }
        x[random_below(n)] = 1e19f;
        struct args a = {RMSNORM, .n_in = n, .w = w, .x = x};
        compare(a, (size_t)n * sizeof(float));
    }
}

static const float not_finite[] = {NAN, INFINITY, -INFINITY};

/* A token that is not finite yields nothing finite, and leaves the other tokens alone. */
static void test_not_finite(void) {
    enum { N = 5, N_IN = 600, ROWS = 19, SUPERS = 3 };
    for (int i = 0; i < 60 * n_levels; i++) {
        const struct kernels *k = levels[i / 60];
        float y[N * ROWS], *x = random_floats(Z, N * N_IN, MIXED);
        int type = i & 1, which = random_below(N), first = random_below(N_IN - BLOCK);
        for (int j = 0; j <= i % BLOCK; j++) x[which * N_IN + first + j] = not_finite[i % 3];
        struct act *a = place(X, N * SUPERS * sizeof *a, 0);
        for (int t = 0; t < N; t++)
            k->quantize(a + t * SUPERS, x + t * N_IN, N_IN, type == PACKED_Q8);
        const void *w = random_panels(type, 2 * SUPERS, ANY, ANY);
        k->matmul_q[type](y, ROWS, w, ROWS, SUPERS, a, N);
        for (int j = 0; j < N * ROWS; j++) {
            bool finite = fabsf(y[j]) <= FLT_MAX;
            CHECK(finite == (j / ROWS != which), "%s %s: %g of token %d", k->name,
                  packed_names[type], (double)y[j], j / ROWS);
        }
    }
}

/* ---- meaning, in double precision ---- */

/* What is wrong with n floats' acts: values off by more than half a step, steps, and sums. */
struct act_errors {
    int values, steps, sums;
};

static void check_act_block(struct act_errors *wrong, const struct act *a, int b, const float *x,
                            int n, bool fine) {
    int sum = 0, t = a->t[b];
    double step = (double)a->dx * t, most = 0.50001 * step + (step == 0 ? 0x1p-36 : 0);
    for (int k = 0; k < BLOCK; k++) {
        int q = a->x[b * BLOCK + k];
        sum += q;
        wrong->values += q < -127 || (k < n ? fabs(x[k] - step * q) > most : q != 0);
    }
    wrong->steps += t < 1 || t > (fine ? 8 : 1) || !(a->dx == 0 || a->dx >= 0x1p-46f);
    wrong->steps += a->zero[b % 4] != 0;
    wrong->sums += a->xs[b] != sum;
}

static void mean_quantize(void) {
    for (int i = 0; i < COUNT(widths) * N_KINDS * 2; i++) {
        int n = widths[i / 2 / N_KINDS], kind = i / 2 % N_KINDS, fine = i % 2;
        struct act_errors wrong = {0};
        const float *x = random_floats(X, n, kind);
        struct act *a = place(OUT, (size_t)n_super(n) * sizeof *a, 0);
        kernels_reference.quantize(a, x, n, fine != 0);
        for (int b = 0; b < n_super(n) * BLOCKS; b++) {
            int left = n - b * BLOCK;
            const float *block = left > 0 ? x + b * BLOCK : NULL;
            check_act_block(&wrong, &a[b / BLOCKS], b % BLOCKS, block, left, fine != 0);
        }
        CHECK(!wrong.values && !wrong.steps && !wrong.sums,
              "width %d, kind %d, fine %d: %d values, %d steps, %d sums", n, kind, fine,
              wrong.values, wrong.steps, wrong.sums);
    }
}

/* What mean_pack finds: weights that are not the nearest of their block, or too far off; and the
 * squared error, and the squares that it is measured by. */
struct pack_errors {
    int bad, far;
    double error, power;
};

static float packed_step(int type, const unsigned char *super, int r) {
    float d = 0;
    memcpy((char *)&d + 2, super + super_size(type) - 2 * PANEL + 2 * r, 2);
    return d;
}

/* Columns first.. of row r of a panel, for a row w[n_in]; y: the packed row as floats. */
static void check_packed_block(struct pack_errors *found, int type, const unsigned char *panel,
                               int r, int first, const float *w, const float *y, int n_in) {
    bool q4 = type == PACKED_Q4;
    const unsigned char *super = panel + (size_t)(first / SUPER) * super_size(type);
    int b = first % SUPER / BLOCK, super_first = first - first % SUPER, end = first + BLOCK;
    float d = packed_step(type, super, r), lo = 0, hi = 0, all = 0;
    if (end > n_in) end = n_in;
    for (int k = first; k < end; k++) {
        lo = fminf(lo, w[k]);
        hi = fmaxf(hi, w[k]);
    }
    for (int k = super_first; k < super_first + SUPER && k < n_in; k++)
        all = fmaxf(all, fabsf(w[k]));
    double tiny = 0x1p-36 + 0x1p-24 * all, step = (double)d * super[b * PANEL + r];
    double base = q4 ? -16.0 * d * super[(BLOCKS + b) * PANEL + r] : 0, block_error = 0;
    for (int k = first; k < end; k++) {
        double off = fabs((double)w[k] - y[k]), q = 0;
        if (step > 0) q = fmin(fmax(rint((w[k] - base) / step), q4 ? 0 : -127), q4 ? 15 : 127);
        double nearest = fabs(w[k] - (base + step * q));
        found->bad += off > nearest + 1e-5 * step + tiny || !(d == 0 || d >= 0x1p-50f);
        found->far += q4 && off > 3.0003 * (hi - lo) / 15 + 16 * (double)d + tiny;
        block_error += off * off;
        found->power += (double)w[k] * w[k];
    }
    found->error += block_error;
    double scale = floor(fmaxf(hi, -lo) / (127 * fmax(d, 0x1p-100)) + 1.5);
    double half = d * fmin(scale, 31) / 2 + tiny;
    found->far += !q4 && block_error > 1.0001 * (end - first) * half * half;
}

/* A weight takes the nearest of the values that its block has. A q8 block errs no more than with a
 * scale for its largest weight, by half a step at most; the ends of a q4 block's range may be cut
 * by three steps of it. On average normal weights are much nearer. What is tiny next to the rest of
 * its superblock is 0. */
static void mean_pack(void) {
    enum { SUPERS = 3, N_IN = SUPERS * SUPER - 168, ROWS = 13 };
    for (int i = 0; i < N_PACKED_TYPES * N_KINDS; i++) {
        int type = i % N_PACKED_TYPES, kind = i / N_PACKED_TYPES, padding = 0;
        struct pack_errors found = {0};
        float y[N_IN];
        const float *w = random_floats(W, PANEL * N_IN, kind);
        unsigned char *panel = place(OUT, SUPERS * super_size(type), 0);
        kernels_reference.pack[type](panel, w, ROWS, N_IN, false);
        for (int r = 0; r < PANEL; r++, w += N_IN) {
            kernels_reference.row_q[type](y, panel, r, N_IN);
            for (int k = 0; k < N_IN && r >= ROWS; k++) {
                const unsigned char *super = panel + (size_t)(k / SUPER) * super_size(type);
                padding += y[k] != 0 || packed_step(type, super, r) != 0;
            }
            for (int k = 0; k < N_IN && r < ROWS; k += BLOCK)
                check_packed_block(&found, type, panel, r, k, w, y, N_IN);
        }
        double error = sqrt(found.error / found.power);
        CHECK(!found.bad && !found.far && !padding,
              "%s, kind %d: %d weights are not the nearest, %d too far, %d of the padding not 0",
              packed_names[type], kind, found.bad, found.far, padding);
        CHECK(kind != NORMAL || error < (type == PACKED_Q4 ? 0.076 : 0.006), "%s: an error of %g",
              packed_names[type], error);
    }
}

/* Short weights give the same bytes whether or not the packer is told that they are short. */
static void test_pack_short(void) {
    enum { SUPERS = 2, N_IN = SUPERS * SUPER, N = PANEL * N_IN };
    static float w[N];
    for (int i = 0; i < N; i++) { /* 20 significant bits */
        w[i] = ldexpf(random_float(), -random_below(6));
        uint32_t bits;
        memcpy(&bits, &w[i], sizeof bits);
        bits &= ~UINT32_C(15);
        memcpy(&w[i], &bits, sizeof bits);
    }
    for (int i = 0; i < N_PACKED_TYPES * n_levels; i++) {
        const struct kernels *level = levels[i / N_PACKED_TYPES];
        int type = i % N_PACKED_TYPES;
        size_t size = SUPERS * super_size(type);
        unsigned char *as[2] = {place(REF, size, 0), place(OUT, size, 0)};
        for (int k = 0; k < 2; k++) level->pack[type](as[k], w, PANEL, N_IN, k != 0);
        CHECK(memcmp(as[0], as[1], size) == 0, "%s %s", level->name, packed_names[type]);
    }
}

/* F16 to float, exactly. */
static void test_row_f16(void) {
    for (int h = 0; h < 0x7C00; h++) {
        uint16_t half = (uint16_t)h;
        float x, want = ldexpf((float)(1024 + (h & 1023)), (h >> 10) - 25);
        if (h < 1024) want = ldexpf((float)h, -24);
        for (int i = 0; i < n_levels; i++) {
            levels[i]->row[STORED_F16](&x, &half, 1);
            CHECK(x == want, "%s: F16 %04X is %g", levels[i]->name, (unsigned)h, (double)x);
        }
    }
}

/* A row that is not finite: a step of NaN in that superblock, and all else as if it were finite. */
static void test_pack_not_finite(void) {
    enum { SUPERS = 3, N_IN = SUPERS * SUPER, N = PANEL * N_IN };
    const int times = quick ? 6 : 30;
    for (int i = 0; i < times * n_levels; i++) {
        const struct kernels *level = levels[i / times];
        int type = i % 2, row = random_below(PANEL), k = random_below(N_IN), wrong = 0;
        size_t size = SUPERS * super_size(type);
        float y[2][N_IN], bad = not_finite[i % 3], *w = random_floats(W, N, NORMAL);
        unsigned char *panel[2] = {place(OUT, size, 0), place(REF, size, 0)};
        level->pack[type](panel[0], w, PANEL, N_IN, false);
        w[row * N_IN + k] = bad;
        level->pack[type](panel[1], w, PANEL, N_IN, false);
        for (int r = 0; r < PANEL; r++) {
            for (int j = 0; j < 2; j++) kernels_reference.row_q[type](y[j], panel[j], r, N_IN);
            for (int j = 0; j < N_IN; j++) {
                bool broken = r == row && j / SUPER == k / SUPER;
                wrong += broken ? y[1][j] == y[1][j] : y[0][j] != y[1][j];
            }
        }
        CHECK(!wrong, "%s %s: %d weights, column %d of row %d is %g", level->name,
              packed_names[type], wrong, k, row, (double)bad);
    }
}

static void mean_matmul_q(void) {
    enum { N = 7, ROWS = 37, SUPERS = 5, N_IN = SUPERS * SUPER };
    for (int i = 0; i < 8; i++) {
        int type = i % 2;
        float y[N * ROWS], row[N_IN];
        const void *w = random_panels(type, 3 * SUPERS, ANY, ANY);
        const struct act *x = random_acts(type, N * SUPERS, i < 2 ? HIGHEST : ANY);
        kernels_reference.matmul_q[type](y, ROWS, w, ROWS, SUPERS, x, N);
        for (int at = 0; at < N * ROWS; at++) {
            double sum = 0, size = 0;
            kernels_reference.row_q[type](row, w, at % ROWS, N_IN);
            for (int k = 0; k < N_IN; k++) {
                const struct act *a = &x[at / ROWS * SUPERS + k / SUPER];
                double value = (double)a->dx * a->t[k % SUPER / BLOCK] * a->x[k % SUPER];
                sum += row[k] * value;
                size += fabs(row[k] * value);
            }
            CHECK(fabs(sum - (double)y[at]) <= 1e-6 * size,
                  "%s, row %d, token %d: %g, expected %g", packed_names[type], at % ROWS,
                  at / ROWS, (double)y[at], sum);
        }
    }
}

/* mean[hd] = attention of one head, in double precision. */
static void precise_attention(double *mean, const float *q, const float *k, const float *v, int n,
                              int hd, double scale) {
    double sum = 0;
    for (int d = 0; d < hd; d++) mean[d] = 0;
    for (int j = 0; j < n; j++, k += hd, v += hd) {
        double dot = 0;
        for (int d = 0; d < hd; d++) dot += scale * (double)q[d] * (double)k[d];
        sum += exp(dot);
        for (int d = 0; d < hd; d++) mean[d] += exp(dot) * (double)v[d];
    }
    for (int d = 0; d < hd; d++) mean[d] /= sum;
}

/* Against keys and values before they were stored, so that this bounds what a type of cache loses.
 * The group has more heads than go over a tile together. */
static void mean_attention(void) {
    enum { HD = 80, N = 150, GROUP = 11 };
    static const double most[N_KV_TYPES] = {[KV_F32] = 2e-6, [KV_F16] = 1e-3, [KV_Q8] = 0.03};
    for (int i = 0; i < 8 * N_KV_TYPES; i++) {
        static float q[GROUP * HD], k[N * HD], v[N * HD], out[GROUP * HD];
        int type = i % N_KV_TYPES;
        double error = 0, power = 0, mean[HD];
        fill(q, GROUP * HD, NORMAL);
        fill(k, N * HD, NORMAL);
        fill(v, N * HD, NORMAL);
        void *c = random_bytes(W, cache_size(type, N, HD));
        for (int j = 0; j < N; j++) kernels_reference.store[type](c, k + j * HD, v + j * HD, j, HD);
        kernels_reference.attention[type](out, q, c, GROUP, N, HD, 0.25f);
        for (int h = 0; h < GROUP; h++) {
            precise_attention(mean, q + h * HD, k, v, N, HD, 0.25);
            for (int d = 0; d < HD; d++) {
                double off = (double)out[h * HD + d] - mean[d];
                error += off * off;
                power += mean[d] * mean[d];
            }
        }
        error = sqrt(error / power);
        CHECK(error <= most[type], "cache type %d: an error of %g", type, error);
    }
}

/* One key or value that is not finite makes all of its heads so. (In f32 and f16 a bad dimension of
 * a value stays in that dimension, so there only keys are tried.) */
static void test_attention_not_finite(void) {
    enum { HD = 64, N = 70 };
    for (int i = 0; i < 2 * N_KV_TYPES * n_levels; i++) {
        const struct kernels *level = levels[i / 2 / N_KV_TYPES];
        int type = i / 2 % N_KV_TYPES, finite = 0;
        bool key = i % 2;
        if (!key && type != KV_Q8) continue;
        float k[HD], v[HD], q[HD], out[HD], bad = NAN;
        void *c = random_cache(type, N, HD, POSITIVE);
        fill(k, HD, NORMAL);
        fill(v, HD, NORMAL);
        fill(q, HD, NORMAL);
        if (type == KV_F16) bad = 65520;
        if (type == KV_Q8 && random_below(2)) bad = INFINITY;
        (key ? k : v)[random_below(HD)] = bad;
        level->store[type](c, k, v, random_below(N), HD);
        level->attention[type](out, q, c, 1, N, HD, 1);
        for (int d = 0; d < HD; d++) finite += fabsf(out[d]) <= FLT_MAX;
        CHECK(!finite, "cache type %d: %d of %d finite", type, finite, HD);
    }
}

/* ---- speed ---- */

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of 9 samples of 5 ms or more. steps: multiply-adds, weights or elements. */
static void bench(const char *name, struct args a, void *out, double steps, double bytes) {
    for (int l = 0; l < n_levels; l++) {
        double took[9], start = cpu_seconds(), repeats = 0;
        do {
            call(levels[l], &a, out);
            repeats++;
        } while (cpu_seconds() - start < 5e-3);
        for (int i = 0; i < COUNT(took); i++) {
            start = cpu_seconds();
            for (int j = 0; j < (int)repeats; j++) call(levels[l], &a, out);
            took[i] = (cpu_seconds() - start) / repeats;
        }
        qsort(took, COUNT(took), sizeof *took, by_size);
        printf("%-25s %-11s %13.0f %9.2f %9.2f\n", name, levels[l]->name, took[4] * 1e9,
               steps / took[4] * 1e-9, bytes / took[4] * 1e-9);
    }
}

enum { BIG = 128 << 20, MAX_N = 256, N_IN = 1024, SUPERS = N_IN / SUPER, ROWS = 128, HD = 128 };

/* out: BIG bytes are fewer than 2 * BIG / N_IN rows, even of q4. */
static struct {
    _Alignas(64) char w[BIG];
    _Alignas(64) struct act acts[MAX_N * SUPERS];
    float x[MAX_N * N_IN], out[2 * BIG / N_IN];
} big;

/* `part`: ROWS rows of weights, of `size` bytes, of which big.w is filled with copies. A single
 * token is multiplied by all of them, more tokens by the first. */
static void bench_products(const char *name, int op, int type, const void *part, int size) {
    for (int i = 0; i < BIG / size; i++) memcpy(big.w + i * size, part, (size_t)size);
    for (int n = 1; n <= MAX_N; n *= n < 64 ? 8 : 4) {
        int parts = n == 1 ? BIG / size : 1, rows = ROWS * parts;
        char text[64];
        struct args a = {op, type, rows, N_IN, n, .stride = rows, .w = big.w, .x = big.x};
        if (op == MATMUL_Q) a.x = big.acts;
        snprintf(text, sizeof text, "matmul_%s %d%s", name, n, n == 1 ? " (128 MB)" : "");
        bench(text, a, big.out, (double)rows * N_IN * n, (double)parts * size);
    }
}

/* Two heads of Qwen3-0.6B. */
static void bench_attention(const char *name, int type) {
    for (int n = 256; n <= 131072; n *= 512) {
        char text[64];
        struct args a = {ATTENTION, type, 2, HD, n, .w = big.w, .x = big.x};
        for (int i = 0; i < n; i++) {
            const float *key = big.x + i % 64 * HD;
            kernels_reference.store[type](big.w, key, key + HD, i, HD);
        }
        snprintf(text, sizeof text, "attention %s, %d", name, n);
        bench(text, a, big.out, 4.0 * HD * n, (double)kv_tile_size(type, HD) * n / ATTN_TILE);
    }
}

static void bench_all(void) {
    static const char *const kv_names[] = {[KV_F32] = "f32", [KV_F16] = "f16", [KV_Q8] = "q8"};
    float *x = big.x;
    fill(x, MAX_N * N_IN, NORMAL);
    printf("%-25s %-11s %13s %9s %9s\n", "operation", "level", "ns", "G steps/s", "GB/s");
    for (int type = 0; type < N_PACKED_TYPES; type++) {
        const void *part = random_panels(type, ROWS / PANEL * SUPERS, ANY, ANY);
        kernels_reference.quantize(big.acts, x, MAX_N * N_IN, type == PACKED_Q8);
        bench_products(packed_names[type], MATMUL_Q, type, part, (int)slots[W].size);
    }
    const void *part = random_stored(STORED_BF16, ROWS * N_IN, NORMAL);
    bench_products("bf16", MATMUL, STORED_BF16, part, (int)slots[W].size);
    for (int type = 0; type < N_KV_TYPES; type++) bench_attention(kv_names[type], type);
    for (int type = 0; type < N_PACKED_TYPES; type++) {
        struct args pack = {PACK, type, PANEL, N_IN, .w = x, .short_weights = true};
        struct args quantize = {QUANTIZE, type, .n_in = N_IN, .x = x};
        bench(type ? "pack_q4" : "pack_q8", pack, big.w, PANEL * N_IN, 4 * PANEL * N_IN);
        bench(type ? "quantize, fine" : "quantize", quantize, big.acts, N_IN, 4 * N_IN);
    }
    struct args rmsnorm = {RMSNORM, .n_in = N_IN, .w = x, .x = x + N_IN};
    struct args silu_mul = {SILU_MUL, .n_in = N_IN, .x = x};
    bench("rmsnorm", rmsnorm, big.out, N_IN, 12 * N_IN);
    fill(big.out, N_IN, NORMAL);
    bench("silu_mul", silu_mul, big.out, N_IN, 12 * N_IN);
}

/* ---- main ---- */

static void find_levels(void) {
    struct level all[MAX_LEVELS];
    int n = kernels_levels(all);
    for (int i = 0; i < n; i++) {
        const char *name = all[i].kernels->name;
        if (all[i].usable) {
            printf("  level %s\n", name);
            levels[n_levels++] = all[i].kernels;
        } else printf("skip - kernels %s: this CPU lacks it\n", name);
    }
}

int main(int argc, char **argv) {
    const char *arg = argc > 1 ? argv[1] : "";
    quick = strcmp(arg, "quick") == 0;
    if (*arg >= '0' && *arg <= '9') seed = strtoull(arg, NULL, 0);
    printf("test_kernels: seed %llu\n", (unsigned long long)seed);
    find_levels();
    if (!open_slots()) {
        perror("test_kernels");
        return 1;
    }
    if (strcmp(arg, "bench") == 0) {
        bench_all();
        return 0;
    }
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    signal(SIGILL, on_fault);
    RUN("kernels: quantize to half a step, in double precision", mean_quantize);
    RUN("kernels: pack to the nearest, in double precision", mean_pack);
    RUN("kernels: pack short weights", test_pack_short);
    RUN("kernels: F16 to float, all of them", test_row_f16);
    RUN("kernels: matmul_q is the product of what is packed", mean_matmul_q);
    RUN("kernels: attention in double precision", mean_attention);
    RUN("kernels: attention, a key or value that is not finite", test_attention_not_finite);
    RUN("kernels: matmul, the same bits at all levels", test_matmul);
    RUN("kernels: matmul_q8, the same bits", test_matmul_q8);
    RUN("kernels: matmul_q4, the same bits", test_matmul_q4);
    RUN("kernels: attention over f32, the same bits", test_attention_f32);
    RUN("kernels: attention over f16, the same bits", test_attention_f16);
    RUN("kernels: attention over q8, the same bits", test_attention_q8);
    RUN("kernels: row, row_q, quantize, pack, the same bits", test_rows);
    RUN("kernels: rmsnorm, rope, silu_mul, add, the same bits", test_vectors);
    RUN("kernels: rmsnorm through subnormals", test_rmsnorm_subnormal);
    RUN("kernels: a token that is not finite stays so", test_not_finite);
    RUN("kernels: rows that are not finite are marked", test_pack_not_finite);
    TEST_END();
}
