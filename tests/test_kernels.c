/* test_kernels.c - every kernel of every level against the scalar reference, bit for bit; the reference against double precision.
 * Inputs end where memory ends, at every alignment that the engine may use; outputs stand between canaries.
 *
 * test_kernels [SEED | quick | bench]      quick: part of the grid, for slow emulators; bench: how fast each level is */
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "kernels/dispatch.h"
#include "test.h"

#define COUNT(list) (int)(sizeof (list) / sizeof *(list))

static const struct kernels *levels[MAX_LEVELS];        /* the usable ones; the last is kernels_scalar */
static int n_levels;
static bool quick;
static uint64_t seed = 20240613;

static int below(int n) {       /* a random number 0..n-1 (Steele, Lea and Flood 2014, splitmix64) */
    uint64_t z = seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (int)((z ^ z >> 31) >> 33) % n;
}

static float uniform(void) { return (float)(below(1 << 24) - (1 << 23)) * 0x1p-23f; }      /* -1..1 */

/* ---- memory: each slot ends at an unmapped page ---- */

enum { SLOT = 1 << 20, MARGIN = 64, CANARY = 0xA5 };
enum slot { W, X, Z, INPUTS, OUT = INPUTS, REF, N_SLOTS };

static struct { unsigned char *end, *data, copy[SLOT]; size_t size; } slots[N_SLOTS];

static bool open_slots(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *p = mmap(NULL, N_SLOTS * (SLOT + page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool ok = p != MAP_FAILED;
    for (int i = 0; i < N_SLOTS && ok; i++, p += page) {
        slots[i].end = slots[i].data = p += SLOT;
        ok = mprotect(p, page, PROT_NONE) == 0;
    }
    return ok;
}

static void *place(enum slot s, size_t size, int slack) {       /* size bytes that end `slack` bytes before the unmapped page */
    slots[s].size = size;
    return slots[s].data = slots[s].end - slack - size;
}

/* LEAST: down to subnormals, which some vectors take for 0. FAINT, FAINTER: above and below 2^-36, where quantising begins. */
enum kind { NORMAL, CONSTANT, ALTERNATING, ZEROS, OUTLIER, SMALL, WIDE, TIES, POSITIVE, NEGATIVE, LEAST, FAINT, FAINTER, N_PLAIN, MIXED = N_PLAIN, N_KINDS };

static void fill(float *x, int n, int kind) {
    int hot = below(n), now = kind;
    for (int i = 0; i < n; i++) {
        if (kind == MIXED && i % BLOCK == 0) now = below(N_PLAIN);
        float u = uniform(), tie = i % SUPER ? (float)below(254) - 126.5f : 127;        /* with a step of 1, halfway between steps */
        const float of[] = {u + uniform(), 0.75f, i & 1 ? 1 : -1, i & 1 ? 0.0f : -0.0f, i == hot ? 1e4f : 0.01f * u, 1e-20f * u,
                            ldexpf(u, below(60) - 40), tie, 1.5f + u, -1.5f + u, ldexpf(u, -below(90) - 60), 0x1p-33f * u, 0x1p-39f * u};
        x[i] = of[now];
    }
}

static float *floats(enum slot s, int n, int kind) {
    float *x = place(s, (size_t)n * sizeof *x, below(2) * 4 * below(16));
    fill(x, n, kind);
    return x;
}

/* n stored weights that begin at any byte, or end at the unmapped page. F16 takes the bits of a BF16, less the upper exponents. */
static const void *stored(int type, int n, int kind) {
    static float v[SLOT / sizeof(float)];
    int size = type == STORED_F32 ? 4 : 2;
    char *w = place(W, (size_t)n * (size_t)size, below(3) ? below(4) : 0);
    fill(v, n, kind);
    for (int i = 0; i < n; i++) {
        memcpy(w + i * size, (char *)&v[i] + 4 - size, (size_t)size);
        if (type == STORED_F16) w[2 * i + 1] &= 0xBF;
    }
    return w;
}

/* Steps: 0, the least, the largest that 13 superblocks of the largest sums leave finite, the usual. */
static float any_step(float least) {
    const float usual = ldexpf(1.5f + 0.5f * uniform(), -below(20)), of[] = {0, least, 1.9921875f * least, 0x1p40f, usual, usual, usual, usual};
    return of[below(COUNT(of))];
}

enum packed { ANY, HIGHEST, LOWEST, FLIPPING, NOTHING, ONE, N_PATTERNS };

static int packed_value(int p, int i, int lowest, int highest) {
    if (p == ANY) return lowest + below(highest - lowest + 1);
    return p == HIGHEST || (p == FLIPPING && i & 1) || (p == ONE && !below(SUPER)) ? highest : p == NOTHING || p == ONE ? 0 : lowest;
}

static size_t super_size(int type) { return type ? sizeof(struct q4_super) : sizeof(struct q8_super); }

/* count superblocks: weights of pattern p, scales and minima of pattern s. Rows that only pad the panel hold other values, too. */
static const void *panels(int type, int count, int p, int s) {
    unsigned char *w = place(W, (size_t)count * super_size(type), 0);
    for (int i = 0; i < count; i++) {
        int opposite = below(2) * 255;
        for (int j = 0; j < BLOCKS * PANEL; j++) *w++ = (unsigned char)packed_value(s, j / PANEL, 0, type ? 255 : 31);
        for (int j = 0; j < BLOCKS * PANEL && type; j++) *w++ = (unsigned char)(packed_value(s, j / PANEL, 0, 255) ^ opposite);
        for (int j = 0; j < SUPER * PANEL / 2 && type; j++) *w++ = (unsigned char)(packed_value(p, j, 0, 15) | packed_value(p, j, 0, 15) << 4);
        for (int j = 0; j < SUPER * PANEL && !type; j++) *w++ = (unsigned char)packed_value(p, j, -127, 127);
        for (int j = 0; j < PANEL; j++, w += 2) {
            float d = any_step(0x1p-50f);
            memcpy(w, (char *)&d + 2, 2);
        }
    }
    return slots[W].data;
}

static const struct act *acts(int type, int count, int p) {
    struct act *x = place(X, (size_t)count * sizeof *x, 0);
    memset(x, 0, (size_t)count * sizeof *x);
    for (int i = 0; i < count; i++) {
        x[i].dx = any_step(0x1p-46f);
        for (int k = 0; k < SUPER; k++) x[i].xs[k / BLOCK] += x[i].x[k] = (int8_t)packed_value(p, k, -127, 127);
        for (int b = 0; b < BLOCKS; b++) {
            act_set_sum(&x[i], b, x[i].xs[b]);
            x[i].t[b] = (uint8_t)(type ? 1 : 1 + packed_value(p, b, 0, 7));
        }
    }
    return x;
}

/* ---- one call, and its comparison ---- */

enum op { MATMUL, MATMUL_Q, ROW, QUANTIZE, PACK, ROW_Q, ATTENTION, STORE, RMSNORM, ROPE, SILU_MUL, ADD };
static const char *const op_names[] = {"matmul", "matmul_q", "row", "quantize", "pack", "row_q", "attention", "store", "rmsnorm", "rope", "silu_mul", "add"};

/* type: of stored weights, 0 or 1 for q8 or q4, or 1 for quantize's fine. rows: or the row, or the group. n: tokens or positions. */
struct args { int op, type, rows, n_in, n; int64_t stride; bool in_place, short_weights; const void *w, *x, *z; const char *level; };

static void call(const struct kernels *k, const struct args *a, void *out) {
    switch (a->op) {
    case MATMUL: k->matmul[a->type](out, a->stride, a->w, a->rows, a->n_in, a->x, a->n); break;
    case MATMUL_Q: k->matmul_q[a->type](out, a->stride, a->w, a->rows, n_super(a->n_in), a->x, a->n); break;
    case ROW: k->row[a->type](out, a->w, a->n_in); break;
    case QUANTIZE: k->quantize(out, a->x, a->n_in, a->type != 0); break;
    case PACK: k->pack[a->type](out, a->w, a->rows, a->n_in, a->short_weights); break;
    case ROW_Q: k->row_q[a->type](out, a->w, a->rows, a->n_in); break;
    case RMSNORM: k->rmsnorm(out, a->in_place ? out : a->x, a->w, a->n_in, 1e-6f); break;
    case ROPE: k->rope(out, a->x, a->n_in); break;
    case ATTENTION: k->attention[a->type](out, a->x, a->w, a->rows, a->n, a->n_in, (float)(1 / sqrt(a->n_in))); break;
    case STORE: k->store[a->type](out, a->x, a->w, a->n, a->n_in); break;
    case SILU_MUL: k->silu_mul(out, a->x, a->n_in); break;
    case ADD: k->add(out, a->x, a->n_in); break;
    }
}

static struct args running;

static const char *describe(void) {
    static char s[256];
    snprintf(s, sizeof s, "%s %s: type %d, rows %d, n_in %d, n %d, stride %d%s%s", running.level, op_names[running.op], running.type,
             running.rows, running.n_in, running.n, (int)running.stride, running.short_weights ? ", short weights" : "", running.in_place ? ", in place" : "");
    return s;
}

static void on_fault(int sig) {
    printf("not ok - kernels: %s in %s\n", sig == SIGILL ? "an unknown instruction" : "memory that is not its own", describe());
    fflush(stdout), _exit(1);
}

/* The output at `area` + MARGIN, after what `start` holds, if anything. */
static void execute(const struct kernels *k, const struct args *a, unsigned char *area, size_t size, const void *start) {
    memset(area, CANARY, size + 2 * MARGIN);
    if (start) memcpy(area + MARGIN, start, size);
    running = *a;
    running.level = k->name;
    call(k, a, area + MARGIN);
}

/* All levels against kernels_scalar, which must write its `size` bytes, skip the gaps between rows, and leave the inputs. An operation
 * that works in place starts from what slot Z holds. */
static void compare(struct args a, size_t size) {
    size_t all = size + 2 * MARGIN;
    const void *start = a.in_place ? slots[Z].data : NULL;
    const void *inputs[INPUTS] = {a.w, a.x, a.z};
    for (int s = 0; s < INPUTS; s++) memcpy(slots[s].copy, slots[s].data, inputs[s] ? slots[s].size : 0);
    unsigned char *ref = place(REF, all, 0), *out = place(OUT, all, a.op == PACK || a.op == QUANTIZE ? 0 : 4 * below(16));
    execute(&kernels_scalar, &a, ref, size, start);
    for (size_t i = 0; i < all; i++) {
        bool outside = i < MARGIN || i >= MARGIN + size || (a.stride && (i - MARGIN) / 4 % (size_t)a.stride >= (size_t)a.rows);
        CHECK(!outside || ref[i] == CANARY, "%s: wrote byte %d", describe(), (int)i - MARGIN);
    }
    bool flushed = a.op == MATMUL || a.op == ATTENTION || a.op >= RMSNORM;
    for (size_t i = 0; i + 4 <= size && flushed; i += 4) {
        float y;
        memcpy(&y, ref + MARGIN + i, sizeof y);
        CHECK(!(fabsf(y) > 0 && fabsf(y) < 0x1p-100f), "%s: %g", describe(), (double)y);
    }
    for (int i = 0; i + 1 < n_levels; i++) {
        size_t at = 0;
        execute(levels[i], &a, out, size, start);
        while (at < all && ref[at] == out[at]) at++;
        CHECK(at == all, "%s: byte %d differs", describe(), (int)at - MARGIN);
    }
    for (int s = 0; s < INPUTS; s++)
        CHECK(!inputs[s] || memcmp(slots[s].copy, slots[s].data, slots[s].size) == 0, "%s: input %d has changed", describe(), s);
}

static const int widths[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 40, 47, 48, 49, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 512, 515, 1024};
static const int head_dims[] = {2, 4, 6, 8, 10, 14, 16, 18, 30, 32, 34, 64, 66, 80, 96, 128, 130, 192, 256};
static const int positions[] = {1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 191, 192, 193, 200};

static int any_kind(void) { return below(N_KINDS); }
static bool leave_out(int steps, int percent) { return quick && (steps > 100000 || below(100) >= percent); }       /* of the quick run */

static void compare_product(struct args a) {
    a.stride = a.rows + below(2) * below(40);
    compare(a, (size_t)((a.n - 1) * a.stride + a.rows) * sizeof(float));
}

static void test_matmul(void) {
    for (int i = 0; i < COUNT(widths) * 9 * N_STORED_TYPES; i++)
        for (int rows = 1; rows <= 50; rows += rows < 9 ? 1 : below(20) + 1) {
            int n_in = widths[i / 9 / N_STORED_TYPES], n = 1 + i / N_STORED_TYPES % 9, type = i % N_STORED_TYPES;
            if (leave_out(rows * n * n_in, 15)) continue;
            const void *w = stored(type, rows * n_in, any_kind());
            const float *x = floats(X, n * n_in, any_kind());
            compare_product((struct args){MATMUL, type, rows, n_in, n, .w = w, .x = x});
        }
}

static void packed_case(int type, int rows, int supers, int n, int weights, int scales, int tokens) {
    if (leave_out(rows * n * supers * SUPER, 30)) return;
    const void *x = acts(type, n * supers, tokens), *w = panels(type, (rows + PANEL - 1) / PANEL * supers, weights, scales);
    compare_product((struct args){MATMUL_Q, type, rows, supers * SUPER, n, .w = w, .x = x});
}

static void test_matmul_q(int type) {
    static const int batches[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 64, 70};
    for (int i = 0; i < COUNT(batches); i++) {
        for (int rows = 1; rows <= 50; rows++) packed_case(type, rows, 1 + below(2), batches[i], ANY, ANY, ANY);
        for (int supers = 1; supers <= 13; supers++) packed_case(type, 1 + below(33), supers, batches[i], ANY, ANY, ANY);
    }
    for (int i = 0; i < N_PATTERNS * N_PATTERNS * N_PATTERNS; i++)
        packed_case(type, 17, 2, 1 + below(9), i % N_PATTERNS, i / N_PATTERNS % N_PATTERNS, i / N_PATTERNS / N_PATTERNS);
}
static void test_matmul_q8(void) { test_matmul_q(0); }
static void test_matmul_q4(void) { test_matmul_q(1); }

static void *noise(enum slot s, size_t size) {
    unsigned char *p = place(s, size, 0);
    for (size_t i = 0; i < size; i++) p[i] = (unsigned char)below(256);
    return p;
}

/* A cache of n positions; what it holds behind the last one must not count. */
static const void *cache(int type, int n, int hd, int kind) {
    float k[MAX_HEAD_DIM], v[MAX_HEAD_DIM];
    void *c = noise(W, (size_t)(kv_tile_size(type, hd) * ((n + ATTN_TILE - 1) / ATTN_TILE)));
    for (int i = 0; i < n; i++) {
        fill(k, hd, kind), fill(v, hd, kind);
        for (int d = 0; d < hd && type == KV_F16; d++)         /* more is NaN, of any sign */
            k[d] = fmaxf(fminf(k[d], 6e4f), -6e4f), v[d] = fmaxf(fminf(v[d], 6e4f), -6e4f);
        kernels_scalar.store[type](c, k, v, i, hd);
    }
    return c;
}

static void test_attention(int type) {
    for (int i = 0; i < COUNT(head_dims) * COUNT(positions) * 10; i++) {
        int hd = head_dims[i / 10 % COUNT(head_dims)], n = positions[i / 10 / COUNT(head_dims)], group = i % 10 + 1;
        if (leave_out(group * n * hd, 5)) continue;
        noise(Z, (size_t)kv_tile_size(type, hd));
        const float *k = floats(X, hd, any_kind()), *v = floats(W, hd, any_kind());
        compare((struct args){STORE, type, .n_in = hd, .n = below(ATTN_TILE), .in_place = true, .w = v, .x = k}, (size_t)kv_tile_size(type, hd));
        const void *c = cache(type, n, hd, any_kind());
        const float *q = floats(X, group * hd, any_kind());
        compare((struct args){ATTENTION, type, group, hd, n, .w = c, .x = q}, (size_t)(group * hd) * sizeof(float));
    }
}
static void test_attention_f32(void) { test_attention(KV_F32); }
static void test_attention_f16(void) { test_attention(KV_F16); }
static void test_attention_q8(void) { test_attention(KV_Q8); }

/* What has one row or panel: all widths with all kinds of values. */
static void test_vectors(void) {
    for (int i = 0; i < COUNT(widths) * N_KINDS; i++) {
        int n = widths[i / N_KINDS], kind = i % N_KINDS, supers = n_super(n), from = below(N_STORED_TYPES), rows = 1 + below(PANEL);
        size_t size = (size_t)n * sizeof(float);
        compare((struct args){ROW, from, .n_in = n, .w = stored(from, n, kind)}, size);
        for (int type = 0; type < 2; type++) {
            compare((struct args){ROW_Q, type, below(2 * PANEL), n, .w = panels(type, 2 * supers, ANY, ANY)}, size);
            compare((struct args){QUANTIZE, type, .n_in = n, .x = floats(X, n, kind)}, (size_t)supers * sizeof(struct act));
            if (leave_out(10 * rows * n, 15)) continue;
            bool bits16 = below(2);                 /* as short weights: those of BF16 */
            float *w = floats(W, rows * n, kind);
            for (int k = 0; k < rows * n && bits16; k++) memset(&w[k], 0, 2);
            compare((struct args){PACK, type, rows, n, .w = w, .short_weights = bits16}, (size_t)supers * super_size(type));
        }
        for (int op = RMSNORM; op <= ADD; op++) {
            float *z = floats(Z, n, kind);
            for (int k = 0; k < n && op == SILU_MUL; k++) z[k] *= 50;           /* past both ends of exp */
            float *x = floats(X, n, op == RMSNORM ? kind : any_kind()), *w = floats(W, n, any_kind());
            for (int k = 0; k < n && op == ROPE; k++) if (fabsf(x[k]) < 0x1p-100f) x[k] = 0;       /* cos and sin: see kernels.h */
            if (op == RMSNORM) compare((struct args){op, .n_in = n, .w = w, .x = x}, size);
            if (op != ROPE || n % 2 == 0) compare((struct args){op, .n_in = n, .in_place = true, .w = w, .x = x}, size);
        }
    }
}

/* One value makes the others subnormal in between, large weights bring them back: they must not be lost on the way. */
static void test_rmsnorm_subnormal(void) {
    for (int i = 0; i < 4 * COUNT(widths); i++) {
        int n = widths[i / 4];
        float *x = floats(X, n, NORMAL), *w = floats(W, n, NORMAL);
        for (int k = 0; k < n; k++) x[k] = ldexpf(x[k], -60 - below(6)), w[k] = ldexpf(w[k], 60);
        x[below(n)] = 1e19f;
        compare((struct args){RMSNORM, .n_in = n, .w = w, .x = x}, (size_t)n * sizeof(float));
    }
}

/* A token that is not finite gives nothing finite, and leaves the others alone. */
static void test_not_finite(void) {
    enum { N = 5, N_IN = 600, ROWS = 19, SUPERS = 3 };
    for (int i = 0; i < 60 * n_levels; i++) {
        const struct kernels *k = levels[i / 60];
        float y[N * ROWS], bad = i % 3 ? i % 3 == 1 ? INFINITY : -INFINITY : NAN, *x = floats(Z, N * N_IN, MIXED);
        int type = i & 1, which = below(N), first = below(N_IN - BLOCK);
        for (int j = 0; j <= i % BLOCK; j++) x[which * N_IN + first + j] = bad;
        struct act *a = place(X, N * SUPERS * sizeof *a, 0);
        for (int t = 0; t < N; t++) k->quantize(a + t * SUPERS, x + t * N_IN, N_IN, type == 0);
        k->matmul_q[type](y, ROWS, panels(type, 2 * SUPERS, ANY, ANY), ROWS, SUPERS, a, N);
        for (int t = 0; t < N * ROWS; t++)
            CHECK((fabsf(y[t]) <= FLT_MAX) == (t / ROWS != which), "%s q%d: %g of token %d", k->name, type ? 4 : 8, (double)y[t], t / ROWS);
    }
}

/* ---- meaning, in double precision ---- */

static void mean_quantize(void) {
    for (int i = 0; i < COUNT(widths) * N_KINDS * 2; i++) {
        int n = widths[i / 2 / N_KINDS], kind = i / 2 % N_KINDS, fine = i % 2, bad = 0, ts = 0, sums = 0;
        const float *x = floats(X, n, kind);
        struct act *a = place(OUT, (size_t)n_super(n) * sizeof *a, 0);
        kernels_scalar.quantize(a, x, n, fine != 0);
        for (int block = 0; block < n_super(n) * BLOCKS; block++) {
            const struct act *s = &a[block / BLOCKS];
            int sum = 0, b = block % BLOCKS, t = s->t[b];
            double step = (double)s->dx * t;
            for (int k = block * BLOCK; k < (block + 1) * BLOCK; k++) {
                int q = s->x[k % SUPER];
                sum += q, bad += q < -127 || (k < n ? fabs(x[k] - step * q) > 0.50001 * step + (step == 0) * 0x1p-36 : q != 0);
            }
            ts += t < 1 || t > (fine ? 8 : 1) || !(s->dx == 0 || s->dx >= 0x1p-46f) || s->zero[b % 4];
            sums += s->xs[b] != sum;
        }
        CHECK(!bad && !ts && !sums, "width %d, kind %d, fine %d: %d values, %d steps, %d sums", n, kind, fine, bad, ts, sums);
    }
}

/* Of the values that its block has, a weight takes the nearest. A q8 block errs no more than with a scale for its largest weight, half a
 * step at most; the ends of a q4 block's range may be cut by three steps of it. On average normal weights are much nearer. What is tiny
 * beside the rest of its superblock is 0. */
static void mean_pack(void) {
    enum { SUPERS = 3, N_IN = SUPERS * SUPER - 168, ROWS = 13 };
    for (int i = 0; i < 2 * N_KINDS; i++) {
        int type = i % 2, kind = i / 2, bad = 0, far = 0;
        float y[N_IN];
        double error = 0, power = 0, block_error = 0;
        const float *w = floats(W, PANEL * N_IN, kind);
        unsigned char *panel = place(OUT, SUPERS * super_size(type), 0);
        kernels_scalar.pack[type](panel, w, ROWS, N_IN, false);
        for (int at = 0; at < PANEL * N_IN; at++) {
            int r = at / N_IN, k = at % N_IN, first = at - k % BLOCK, super_first = at - k % SUPER, n = 0, b = k % SUPER / BLOCK;
            const unsigned char *super = panel + (size_t)(k / SUPER) * super_size(type);
            float d = 0, lo = 0, hi = 0, all = 0;
            if (k == 0) kernels_scalar.row_q[type](y, panel, r, N_IN);
            memcpy((char *)&d + 2, super + super_size(type) - 2 * PANEL + 2 * r, 2);
            if (r >= ROWS) { bad += d != 0 || y[k] != 0; continue; }
            for (int j = first; j < first + BLOCK && j < (r + 1) * N_IN; j++, n++) lo = fminf(lo, w[j]), hi = fmaxf(hi, w[j]);
            for (int j = super_first; j < super_first + SUPER && j < (r + 1) * N_IN; j++) all = fmaxf(all, fabsf(w[j]));
            double tiny = 0x1p-36 + 0x1p-24 * all, step = (double)d * super[b * PANEL + r], base = type ? -16.0 * d * super[(BLOCKS + b) * PANEL + r] : 0;
            double off = fabs((double)w[at] - y[k]), q = step > 0 ? fmin(fmax(rint((w[at] - base) / step), type ? 0 : -127), type ? 15 : 127) : 0;
            bad += off > fabs(w[at] - (base + step * q)) + 1e-5 * step + tiny || !(d == 0 || d >= 0x1p-50f);
            far += type && off > 3.0003 * (hi - lo) / 15 + 16 * (double)d + tiny;
            error += off * off, power += (double)w[at] * w[at];
            block_error = (at == first ? 0 : block_error) + off * off;
            double half = d * fmin(floor(fmaxf(hi, -lo) / (127 * fmax(d, 0x1p-100)) + 1.5), 31) / 2 + tiny;
            far += !type && at == first + n - 1 && block_error > 1.0001 * n * half * half;
        }
        CHECK(!bad && !far, "q%d, kind %d: %d weights are not the nearest, %d too far", type ? 4 : 8, kind, bad, far);
        CHECK(kind != NORMAL || sqrt(error / power) < (type ? 0.076 : 0.006), "q%d: an error of %g", type ? 4 : 8, sqrt(error / power));
    }
}

/* Short weights give the same bytes whether or not the packer is told that they are short. */
static void test_pack_short(void) {
    enum { SUPERS = 2, N_IN = SUPERS * SUPER, N = PANEL * N_IN };
    static float w[N];
    for (int i = 0; i < N; i++) {           /* 20 significant bits */
        w[i] = ldexpf(uniform(), -below(6));
        uint32_t bits;
        memcpy(&bits, &w[i], sizeof bits);
        bits &= ~UINT32_C(15);
        memcpy(&w[i], &bits, sizeof bits);
    }
    for (int i = 0; i < 2 * n_levels; i++) {
        size_t size = SUPERS * super_size(i % 2);
        unsigned char *as[2] = {place(REF, size, 0), place(OUT, size, 0)};
        for (int k = 0; k < 2; k++) levels[i / 2]->pack[i % 2](as[k], w, PANEL, N_IN, k != 0);
        CHECK(memcmp(as[0], as[1], size) == 0, "%s q%d", levels[i / 2]->name, i % 2 ? 4 : 8);
    }
}

/* F16 to float, exactly. */
static void test_row_f16(void) {
    for (unsigned h = 0; h < 0x7C00; h++) {
        uint16_t half = (uint16_t)h;
        float x, want = h < 1024 ? ldexpf((float)h, -24) : ldexpf((float)(1024 + (h & 1023)), (int)(h >> 10) - 25);
        for (int i = 0; i < n_levels; i++) {
            levels[i]->row[STORED_F16](&x, &half, 1);
            CHECK(x == want, "%s: F16 %04X is %g", levels[i]->name, h, (double)x);
        }
    }
}

/* Rows that are not finite: a step of NaN where they are not, and the other rows as if they were not there. */
static void test_pack_not_finite(void) {
    enum { SUPERS = 3, N_IN = SUPERS * SUPER, N = PANEL * N_IN };
    for (int i = 0; i < 30 * n_levels; i++) {
        int type = i % 2, row = below(PANEL), k = below(N_IN), wrong = 0;
        float y[2][N_IN], bad = i % 3 ? i % 3 == 1 ? INFINITY : -INFINITY : NAN, *w = floats(W, N, NORMAL);
        unsigned char *panel[2] = {place(OUT, SUPERS * super_size(type), 0), place(REF, SUPERS * super_size(type), 0)};
        for (int j = 0; j < 2; j++) {
            levels[i / 30]->pack[type](panel[j], w, PANEL, N_IN, false);
            w[row * N_IN + k] = bad;
        }
        for (int r = 0; r < PANEL; r++) {
            for (int j = 0; j < 2; j++) kernels_scalar.row_q[type](y[j], panel[j], r, N_IN);
            for (int j = 0; j < N_IN; j++) wrong += r == row && j / SUPER == k / SUPER ? y[1][j] == y[1][j] : y[0][j] != y[1][j];
        }
        CHECK(!wrong, "%s q%d: %d weights, column %d of row %d is %g", levels[i / 30]->name, type ? 4 : 8, wrong, k, row, (double)bad);
    }
}

static void mean_matmul_q(void) {
    enum { N = 7, ROWS = 37, SUPERS = 5, N_IN = SUPERS * SUPER };
    for (int i = 0; i < 8; i++) {
        float y[N * ROWS], row[N_IN];
        const void *w = panels(i % 2, 3 * SUPERS, ANY, ANY);
        const struct act *x = acts(i % 2, N * SUPERS, i < 2 ? HIGHEST : ANY);
        kernels_scalar.matmul_q[i % 2](y, ROWS, w, ROWS, SUPERS, x, N);
        for (int at = 0; at < N * ROWS; at++) {
            const struct act *a = x + at / ROWS * SUPERS;
            double sum = 0, size = 0;
            kernels_scalar.row_q[i % 2](row, w, at % ROWS, N_IN);
            for (int k = 0; k < N_IN; k++) {
                double product = (double)row[k] * a[k / SUPER].dx * a[k / SUPER].t[k % SUPER / BLOCK] * a[k / SUPER].x[k % SUPER];
                sum += product, size += fabs(product);
            }
            CHECK(fabs(sum - (double)y[at]) <= 1e-6 * size, "q%d, row %d, token %d: %g, expected %g", i % 2 ? 4 : 8, at % ROWS, at / ROWS, (double)y[at], sum);
        }
    }
}

/* Against keys and values as they were, so that this bounds what a type of cache loses. */
static void mean_attention(void) {
    enum { HD = 80, N = 150, GROUP = 11 };              /* more than go over a tile together */
    static const double most[N_KV_TYPES] = {[KV_F32] = 2e-6, [KV_F16] = 1e-3, [KV_Q8] = 0.03};
    for (int i = 0; i < 8 * N_KV_TYPES; i++) {
        static float q[GROUP * HD], k[N * HD], v[N * HD], out[GROUP * HD];
        int type = i % N_KV_TYPES;
        double error = 0, power = 0;
        fill(q, GROUP * HD, NORMAL), fill(k, N * HD, NORMAL), fill(v, N * HD, NORMAL);
        void *c = noise(W, (size_t)kv_tile_size(type, HD) * ((N + ATTN_TILE - 1) / ATTN_TILE));
        for (int j = 0; j < N; j++) kernels_scalar.store[type](c, k + j * HD, v + j * HD, j, HD);
        kernels_scalar.attention[type](out, q, c, GROUP, N, HD, 0.25f);
        for (int h = 0; h < GROUP; h++) {
            double sum = 0, mean[HD] = {0};
            for (int j = 0; j < N; j++) {
                double dot = 0;
                for (int d = 0; d < HD; d++) dot += 0.25 * (double)q[h * HD + d] * (double)k[j * HD + d];
                sum += exp(dot);
                for (int d = 0; d < HD; d++) mean[d] += exp(dot) * (double)v[j * HD + d];
            }
            for (int d = 0; d < HD; d++) {
                double off = (double)out[h * HD + d] - mean[d] / sum;
                error += off * off, power += mean[d] / sum * mean[d] / sum;
            }
        }
        CHECK(sqrt(error / power) <= most[type], "cache type %d: an error of %g", type, sqrt(error / power));
    }
}

/* One key or value that is not finite makes all of its heads so. */
static void attention_not_finite(void) {
    enum { HD = 64, N = 70 };
    for (int i = 0; i < 2 * N_KV_TYPES * n_levels; i++) {
        int type = i / 2 % N_KV_TYPES, bad = 0;
        float x[HD], y[HD], q[HD], out[HD];
        void *c = (void *)(uintptr_t)cache(type, N, HD, POSITIVE);
        fill(x, HD, NORMAL), fill(y, HD, NORMAL), fill(q, HD, NORMAL);
        (i % 2 ? x : y)[below(HD)] = type == KV_F16 ? 65520 : type == KV_F32 || below(2) ? NAN : INFINITY;
        if (type == KV_Q8 || i % 2) levels[i / 2 / N_KV_TYPES]->store[type](c, x, y, below(N), HD);
        else continue;          /* as floats a bad dimension of a value is that dimension's */
        levels[i / 2 / N_KV_TYPES]->attention[type](out, q, c, 1, N, HD, 1);
        for (int d = 0; d < HD; d++) bad += fabsf(out[d]) <= FLT_MAX;
        CHECK(!bad, "cache type %d: %d of %d finite", type, bad, HD);
    }
}

/* ---- speed ---- */

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

/* The median of 9 samples of 5 ms or more; steps: multiply-adds, weights or elements. */
static void bench(const char *name, struct args a, void *out, double steps, double bytes) {
    for (int l = 0; l < n_levels; l++) {
        double took[9], start = cpu_seconds(), repeats = 0;
        do call(levels[l], &a, out); while (repeats++, cpu_seconds() - start < 5e-3);
        for (int i = 0; i < COUNT(took); i++) {
            start = cpu_seconds();
            for (int j = 0; j < (int)repeats; j++) call(levels[l], &a, out);
            took[i] = (cpu_seconds() - start) / repeats;
        }
        qsort(took, COUNT(took), sizeof *took, by_size);
        printf("%-25s %-11s %13.0f %9.2f %9.2f\n", name, levels[l]->name, took[4] * 1e9, steps / took[4] * 1e-9, bytes / took[4] * 1e-9);
    }
}

static void bench_all(void) {
    enum { BIG = 128 << 20, MAX_N = 256, N_IN = 1024, SUPERS = N_IN / SUPER, ROWS = 128, HD = 128 };
    static _Alignas(64) char w[BIG];
    static _Alignas(64) struct act a[MAX_N * SUPERS];
    static float x[MAX_N * N_IN], out[BIG / N_IN];
    fill(x, MAX_N * N_IN, NORMAL);
    printf("%-25s %-11s %13s %9s %9s\n", "operation", "level", "ns", "G steps/s", "GB/s");
    for (int type = 0; type <= N_PACKED_TYPES; type++) {   /* q8, q4, BF16 */
        bool packed = type < 2;
        const void *part = packed ? panels(type, ROWS / PANEL * SUPERS, ANY, ANY) : stored(STORED_BF16, ROWS * N_IN, NORMAL);
        int size = (int)slots[W].size;
        for (int i = 0; i < BIG / size; i++) memcpy(w + i * size, part, (size_t)size);
        kernels_scalar.quantize(a, x, MAX_N * N_IN, type == 0);
        for (int n = 1; n <= MAX_N; n *= n < 64 ? 8 : 4) {
            int parts = n == 1 ? BIG / size : 1, rows = ROWS * parts;
            char name[64];
            snprintf(name, sizeof name, "matmul_%s %d%s", packed ? type ? "q4" : "q8" : "bf16", n, n == 1 ? " (128 MB)" : "");
            bench(name, (struct args){packed ? MATMUL_Q : MATMUL, type, rows, N_IN, n, .stride = rows, .w = w, .x = packed ? (void *)a : x}, out,
                  (double)rows * N_IN * n, (double)parts * size);
        }
    }
    for (int type = 0; type < N_KV_TYPES; type++) {
        static const char *const names[] = {"f32", "f16", "q8"};
        for (int n = 256; n <= 131072; n *= 512) {        /* two heads of Qwen3-0.6B */
            char name[64];
            snprintf(name, sizeof name, "attention %s, %d", names[type], n);
            for (int i = 0; i < n; i++) kernels_scalar.store[type](w, x + i % 64 * HD, x + i % 64 * HD + HD, i, HD);
            bench(name, (struct args){ATTENTION, type, 2, HD, n, .w = w, .x = x}, out, 4.0 * HD * n, (double)kv_tile_size(type, HD) * n / ATTN_TILE);
        }
    }
    for (int type = 0; type < 2; type++) {
        bench(type ? "pack_q4" : "pack_q8", (struct args){PACK, type, PANEL, N_IN, .w = x, .short_weights = true}, w, PANEL * N_IN, 4 * PANEL * N_IN);
        bench(type ? "quantize, fine" : "quantize", (struct args){QUANTIZE, type, .n_in = N_IN, .x = x}, a, N_IN, 4 * N_IN);
    }
    bench("rmsnorm", (struct args){RMSNORM, .n_in = N_IN, .w = x, .x = x + N_IN}, out, N_IN, 12 * N_IN);
    fill(out, N_IN, NORMAL);
    bench("silu_mul", (struct args){SILU_MUL, .n_in = N_IN, .x = x}, out, N_IN, 12 * N_IN);
}

int main(int argc, char **argv) {
    struct level all[MAX_LEVELS];
    int n = cpu_levels(all);
    const char *arg = argc > 1 ? argv[1] : "";
    quick = strcmp(arg, "quick") == 0;
    if (*arg >= '0' && *arg <= '9') seed = strtoull(arg, NULL, 0);
    printf("test_kernels: seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < n; i++) {
        printf(all[i].usable ? "  level %s\n" : "skip - kernels %s: this CPU lacks it\n", all[i].kernels->name);
        if (all[i].usable) levels[n_levels++] = all[i].kernels;
    }
    if (!open_slots()) return perror("test_kernels"), 1;
    if (strcmp(arg, "bench") == 0) return bench_all(), 0;
    signal(SIGSEGV, on_fault), signal(SIGBUS, on_fault), signal(SIGILL, on_fault);
    RUN("kernels: quantize to half a step, in double precision", mean_quantize);
    RUN("kernels: pack to the nearest, in double precision", mean_pack);
    RUN("kernels: pack short weights", test_pack_short);
    RUN("kernels: F16 to float, all of them", test_row_f16);
    RUN("kernels: matmul_q is the product of what is packed", mean_matmul_q);
    RUN("kernels: attention in double precision", mean_attention);
    RUN("kernels: attention, a key or value that is not finite", attention_not_finite);
    RUN("kernels: matmul, the same bits at all levels", test_matmul);
    RUN("kernels: matmul_q8, the same bits", test_matmul_q8);
    RUN("kernels: matmul_q4, the same bits", test_matmul_q4);
    RUN("kernels: attention over f32, the same bits", test_attention_f32);
    RUN("kernels: attention over f16, the same bits", test_attention_f16);
    RUN("kernels: attention over q8, the same bits", test_attention_q8);
    RUN("kernels: row, row_q, quantize, pack, rmsnorm, rope, silu_mul, add, the same bits", test_vectors);
    RUN("kernels: rmsnorm through subnormals", test_rmsnorm_subnormal);
    RUN("kernels: what is not finite stays so", test_not_finite);
    RUN("kernels: rows that are not finite are marked", test_pack_not_finite);
    TEST_END();
}
