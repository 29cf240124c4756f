/* test_kernels.c - every kernel of every level against the scalar reference, bit for bit; the reference against double precision.
 *
 * test_kernels [SEED]      the whole grid
 * test_kernels quick       a part of it, for slow emulators
 * test_kernels bench       how fast each level is
 *
 * Inputs end where memory ends, at every alignment that the engine may use; outputs stand between canaries. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "cpu.h"
#include "test.h"

#define COUNT(list) (int)(sizeof (list) / sizeof *(list))

static const struct kernels *levels[MAX_LEVELS];        /* the usable ones; the last is kernels_scalar */
static int n_levels;
static bool quick;

/* ---- random numbers (Steele, Lea and Flood 2014, splitmix64) ---- */

static uint64_t seed = 20240613;

static int below(int n) {
    uint64_t z = seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (int)((z ^ z >> 31) >> 33) % n;
}

static float uniform(void) { return (float)(below(1 << 24) - (1 << 23)) * 0x1p-23f; }      /* -1..1 */

/* ---- memory: each slot ends at an unmapped page ---- */

enum { SLOT = 1 << 20, MARGIN = 64, CANARY = 0xA5 };
enum slot { W, X, Z, INPUTS, OUT = INPUTS, REF, N_SLOTS };

static struct { unsigned char *end, *data, *copy; size_t size; } slots[N_SLOTS];

static void open_slots(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < N_SLOTS; i++) {
        unsigned char *p = mmap(NULL, SLOT + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        slots[i].copy = malloc(SLOT);
        if (p == MAP_FAILED || mprotect(p + SLOT, page, PROT_NONE) || !slots[i].copy) {
            perror("not ok - kernels: memory");
            exit(1);
        }
        slots[i].end = slots[i].data = p + SLOT;
    }
}

/* size bytes that end `slack` bytes before the unmapped page. */
static void *place(enum slot s, size_t size, int slack) {
    if (size + (size_t)slack > SLOT) {
        printf("not ok - kernels: a case of %zu bytes does not fit\n", size);
        exit(1);
    }
    slots[s].size = size;
    return slots[s].data = slots[s].end - slack - size;
}

/* ---- values ---- */

enum kind { NORMAL, CONSTANT, ALTERNATING, ZEROS, OUTLIER, SMALL, WIDE, TIES, POSITIVE, NEGATIVE, N_PLAIN, MIXED = N_PLAIN, N_KINDS };

static void fill(float *x, int n, enum kind kind) {
    int hot = below(n);
    enum kind now = kind;
    for (int i = 0; i < n; i++) {
        float u = uniform();
        if (kind == MIXED && i % BLOCK == 0) now = (enum kind)below(N_PLAIN);
        switch (now) {
        case CONSTANT: x[i] = 0.75f; break;
        case ALTERNATING: x[i] = i & 1 ? 1 : -1; break;
        case ZEROS: x[i] = i & 1 ? 0.0f : -0.0f; break;
        case OUTLIER: x[i] = i == hot ? 1e4f : 0.01f * u; break;
        case SMALL: x[i] = 1e-20f * u; break;
        case WIDE: x[i] = ldexpf(u, below(60) - 40); break;
        case TIES: x[i] = i % SUPER == 0 ? 127 : (float)below(254) - 126.5f; break;     /* halfway between steps */
        case POSITIVE: x[i] = 1.5f + u; break;
        case NEGATIVE: x[i] = -1.5f + u; break;
        default: x[i] = u + uniform() + uniform();
        }
    }
}

static float *floats(enum slot s, int n, enum kind kind) {
    float *x = place(s, (size_t)n * sizeof *x, below(2) * 4 * below(16));
    fill(x, n, kind);
    return x;
}

static uint16_t half(float x) {                 /* cut off, not rounded */
    int e, sign = signbit(x) ? 0x8000 : 0;
    double a = fabs(x) < 65504 ? fabs(x) : 65504;
    if (a < 0x1p-14) return (uint16_t)(sign | (int)(a * 0x1p24));
    double f = frexp(a, &e);
    return (uint16_t)(sign | (e + 14) << 10 | ((int)(f * 2048) - 1024));
}

/* n stored weights; a third of the cases end at the unmapped page, the others begin at any byte. */
static void *stored(enum weight_type type, int n, enum kind kind) {
    static float v[SLOT / 4];
    int size = type == WEIGHT_F32 ? 4 : 2;
    unsigned char *w = place(W, (size_t)n * (size_t)size, below(3) ? below(4) : 0);
    fill(v, n, kind);
    for (int i = 0; i < n; i++) {
        uint16_t h = half(v[i]);
        if (type == WEIGHT_F16) memcpy(w + i * size, &h, 2);
        else memcpy(w + i * size, (char *)&v[i] + 4 - size, (size_t)size);      /* BF16: the upper half */
    }
    return w;
}

/* Steps: 0, the least, the usual, the largest that 13 superblocks of the largest sums leave finite. */
static float any_step(void) {
    static const float edges[] = {0, 0x1p-50f, 0x1p-50f * 1.9921875f, 0x1p40f};
    int i = below(2 * COUNT(edges));
    return i < COUNT(edges) ? edges[i] : ldexpf(1.5f + 0.5f * uniform(), -below(20));
}

enum packed { ANY, HIGHEST, LOWEST, FLIPPING, NOTHING, ONE, N_PACKED };

static int packed_value(enum packed p, int i, int lowest, int highest) {
    switch (p) {
    case HIGHEST: return highest;
    case LOWEST: return lowest;
    case FLIPPING: return i & 1 ? highest : lowest;
    case NOTHING: return 0;
    case ONE: return below(SUPER) ? 0 : highest;
    default: return lowest + below(highest - lowest + 1);
    }
}

/* count superblocks: weights of pattern p, scales and minima of pattern s. Rows that only pad the panel hold other values, too. */
static void *panels(int type, int count, enum packed p, enum packed s) {
    size_t size = type ? sizeof(struct q4_super) : sizeof(struct q8_super);
    unsigned char *w = place(W, (size_t)count * size, 0);
    for (int i = 0; i < count; i++, w += size) {
        struct q4_super *q4 = (void *)w;
        struct q8_super *q8 = (void *)w;
        for (int j = 0; j < PANEL; j++) {
            float d = any_step();
            memcpy(type ? &q4->d[j] : &q8->d[j], (char *)&d + 2, 2);
        }
        for (int j = 0; j < BLOCKS * PANEL; j++) {
            if (type) q4->m[0][j] = (uint8_t)packed_value(s, j / PANEL, 255, 0);
            (type ? q4->sc[0] : q8->sc[0])[j] = (uint8_t)packed_value(s, j / PANEL, 0, type ? 255 : 31);
        }
        for (int j = 0; j < PANEL * SUPER / 2 && type; j++)
            q4->q[0][0][0][j] = (uint8_t)(packed_value(p, j, 0, 15) | packed_value(p, j, 0, 15) << 4);
        for (int j = 0; j < PANEL * SUPER && !type; j++) q8->q[0][0][0][j] = (int8_t)packed_value(p, j, -127, 127);
    }
    return slots[W].data;
}

static struct act *acts(int type, int count, enum packed p) {
    struct act *x = place(X, (size_t)count * sizeof *x, 0);
    memset(x, 0, (size_t)count * sizeof *x);
    for (int i = 0; i < count; i++) {
        x[i].dx = any_step();
        for (int k = 0; k < SUPER; k++) x[i].xs[k / BLOCK] += x[i].x[k] = (int8_t)packed_value(p, k, -127, 127);
        for (int b = 0; b < BLOCKS; b++) {
            x[i].m8[b] = -8 * x[i].xs[b];
            x[i].t[b] = (uint8_t)(type ? 1 : packed_value(p, b, 1, 8) + (p == NOTHING || p == ONE));
            if (x[i].t[b] > 8) x[i].t[b] = 8;
        }
    }
    return x;
}

/* ---- one call, and its comparison ---- */

enum op { MATMUL, MATMUL_Q, ROW, QUANTIZE, PACK, ROW_Q, RMSNORM, ROPE, ATTENTION, SILU_MUL, ADD };
static const char *const op_names[] = {"matmul", "matmul_q", "row", "quantize", "pack", "row_q", "rmsnorm", "rope", "attention", "silu_mul", "add"};

/* type: of stored weights, 0 or 1 for q8 or q4, or 1 for quantize's fine. rows: or the row, or the group. n: tokens or positions. */
struct args { enum op op; int type, rows, n_in, n, from; int64_t stride; bool in_place; const void *w, *x, *z; };

static void call(const struct kernels *k, const struct args *a, void *out) {
    switch (a->op) {
    case MATMUL: k->matmul[a->type](out, a->stride, a->w, a->rows, a->n_in, a->x, a->n); break;
    case MATMUL_Q: k->matmul_q[a->type](out, a->stride, a->w, a->rows, n_super(a->n_in), a->x, a->n); break;
    case ROW: k->row[a->type](out, a->w, a->n_in); break;
    case QUANTIZE: k->quantize(out, a->x, a->n_in, a->type != 0); break;
    case PACK: k->pack[a->type](out, a->w, (enum weight_type)a->from, a->rows, a->n_in); break;
    case ROW_Q: k->row_q[a->type](out, a->w, a->rows, a->n_in); break;
    case RMSNORM: k->rmsnorm(out, a->in_place ? out : a->x, a->w, a->n_in, 1e-6f); break;
    case ROPE: k->rope(out, a->x, a->n_in); break;
    case ATTENTION: k->attention(out, a->x, a->w, a->z, a->rows, a->n, a->n_in, (float)(1 / sqrt(a->n_in))); break;
    case SILU_MUL: k->silu_mul(out, a->x, a->n_in); break;
    case ADD: k->add(out, a->x, a->n_in); break;
    }
}

static struct { struct args a; const char *level; } running;

static const char *describe(void) {
    static char s[256];
    const struct args *a = &running.a;
    snprintf(s, sizeof s, "%s %s: type %d, rows %d, n_in %d, n %d, stride %d, from %d%s", running.level, op_names[a->op], a->type, a->rows,
             a->n_in, a->n, (int)a->stride, a->from, a->in_place ? ", in place" : "");
    return s;
}

static void on_fault(int sig) {
    printf("not ok - kernels: %s in %s\n", sig == SIGILL ? "an unknown instruction" : "memory that is not its own", describe());
    fflush(stdout);
    _exit(1);
}

/* The output at `area` + MARGIN, after what `start` holds, if anything. */
static void execute(const struct kernels *k, const struct args *a, unsigned char *area, size_t size, const void *start) {
    memset(area, CANARY, size + 2 * MARGIN);
    if (start) memcpy(area + MARGIN, start, size);
    running.a = *a;
    running.level = k->name;
    call(k, a, area + MARGIN);
}

static bool untouched(const unsigned char *p, size_t n) {
    size_t i = 0;
    while (i < n && p[i] == CANARY) i++;
    return i == n;
}

/* All levels against kernels_scalar, which must write its `size` bytes, skip the gaps between rows, and leave the inputs. An operation
 * that works in place starts from what slot Z holds. */
static void compare(struct args a, size_t size) {
    size_t all = size + 2 * MARGIN;
    bool aligned = a.op == PACK || a.op == QUANTIZE;
    const void *start = a.in_place ? slots[Z].data : NULL;
    for (int s = 0; s < INPUTS; s++) memcpy(slots[s].copy, slots[s].data, slots[s].size);
    unsigned char *ref = place(REF, all, 0), *out = place(OUT, all, aligned ? 0 : 4 * below(16));
    execute(&kernels_scalar, &a, ref, size, start);
    CHECK(untouched(ref, MARGIN) && untouched(ref + MARGIN + size, MARGIN), "%s", describe());
    for (int t = 0; t + 1 < a.n && a.stride; t++)
        CHECK(untouched(ref + MARGIN + 4 * (t * a.stride + a.rows), 4 * (size_t)(a.stride - a.rows)), "%s, token %d", describe(), t);
    for (int i = 0; i + 1 < n_levels; i++) {
        execute(levels[i], &a, out, size, start);
        size_t at = 0;
        while (at < all && ref[at] == out[at]) at++;
        CHECK(at == all, "%s: byte %d differs", describe(), (int)at - MARGIN);
    }
    for (int s = 0; s < INPUTS; s++) {
        CHECK(memcmp(slots[s].copy, slots[s].data, slots[s].size) == 0, "%s: input %d has changed", describe(), s);
        slots[s].size = 0;
    }
}

/* ---- grids ---- */

static const int tokens[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 64, 70};
static const int widths[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 18, 31, 32, 33, 40, 47, 48, 49, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 512, 515, 1024};
static const int head_dims[] = {2, 4, 6, 8, 10, 14, 16, 18, 30, 32, 34, 64, 66, 80, 96, 128, 130, 192, 256};

static enum kind any_kind(void) { return (enum kind)below(N_KINDS); }
static int any_stride(int rows) { return rows + below(2) * below(40); }
static size_t matrix_bytes(int rows, int n, int64_t stride) { return (size_t)((n - 1) * stride + rows) * sizeof(float); }

/* Whether the quick run leaves a case of this many steps out. */
static bool leave_out(int64_t steps, int percent) { return quick && (steps > 100000 || below(100) >= percent); }

static void test_matmul(void) {
    for (int i = 0; i < COUNT(widths); i++)
        for (int rows = 1; rows <= 50; rows += rows < 9 ? 1 : below(20) + 1)
            for (int n = 1; n <= 9; n++)
                for (int type = 0; type <= WEIGHT_BF16; type++) {
                    int n_in = widths[i], stride = any_stride(rows);
                    if (leave_out(rows * n * n_in, 15)) continue;
                    const void *w = stored((enum weight_type)type, rows * n_in, any_kind());
                    compare((struct args){MATMUL, type, rows, n_in, n, .stride = stride, .w = w, .x = floats(X, n * n_in, any_kind())},
                            matrix_bytes(rows, n, stride));
                }
}

static void compare_matmul_q(int type, int rows, int supers, int n, enum packed w, enum packed scale, enum packed x) {
    int stride = any_stride(rows);
    if (leave_out((int64_t)rows * n * supers * SUPER, 30)) return;
    panels(type, (rows + PANEL - 1) / PANEL * supers, w, scale);
    acts(type, n * supers, x);
    compare((struct args){MATMUL_Q, type, rows, supers * SUPER, n, .stride = stride, .w = slots[W].data, .x = slots[X].data},
            matrix_bytes(rows, n, stride));
}

static void test_matmul_q(int type) {
    for (int i = 0; i < COUNT(tokens); i++) {
        for (int rows = 1; rows <= 50; rows++) compare_matmul_q(type, rows, 1 + below(2), tokens[i], ANY, ANY, ANY);
        for (int supers = 1; supers <= 13; supers++)
            compare_matmul_q(type, below(2) ? PANEL : 1 + below(33), supers, tokens[i], ANY, ANY, ANY);
    }
    for (int w = 0; w < N_PACKED; w++)
        for (int scale = 0; scale < N_PACKED; scale++)
            for (int x = 0; x < N_PACKED; x++)
                compare_matmul_q(type, 17, 2, 1 + below(9), (enum packed)w, (enum packed)scale, (enum packed)x);
}
static void test_matmul_q8(void) { test_matmul_q(0); }
static void test_matmul_q4(void) { test_matmul_q(1); }

static void test_rows(void) {
    for (int i = 0; i < COUNT(widths); i++)
        for (int type = 0; type <= WEIGHT_BF16; type++) {
            compare((struct args){ROW, type, .n_in = widths[i], .w = stored((enum weight_type)type, widths[i], any_kind())},
                    (size_t)widths[i] * sizeof(float));
            if (type < 2) compare((struct args){ROW_Q, type, below(2 * PANEL), widths[i], .w = panels(type, 2 * n_super(widths[i]), ANY, ANY)},
                                  (size_t)widths[i] * sizeof(float));
        }
}

static void test_quantize(void) {
    for (int i = 0; i < COUNT(widths); i++)
        for (int kind = 0; kind < N_KINDS; kind++)
            for (int fine = 0; fine < 2; fine++)
                compare((struct args){QUANTIZE, fine, .n_in = widths[i], .x = floats(X, widths[i], (enum kind)kind)},
                        (size_t)n_super(widths[i]) * sizeof(struct act));
}

static void test_pack(void) {
    for (int i = 0; i < COUNT(widths); i++)
        for (int kind = 0; kind < N_KINDS; kind++)
            for (int type = 0; type < 2; type++) {
                int from = below(WEIGHT_BF16 + 1), rows = 1 + below(PANEL), n_in = widths[i];
                if (leave_out(10 * rows * n_in, 15)) continue;
                compare((struct args){PACK, type, rows, n_in, .from = from, .w = stored((enum weight_type)from, rows * n_in, (enum kind)kind)},
                        (size_t)n_super(n_in) * (type ? sizeof(struct q4_super) : sizeof(struct q8_super)));
            }
}

static void test_attention(void) {
    static const int positions[] = {1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 191, 192, 193, 200};
    for (int i = 0; i < COUNT(head_dims); i++)
        for (int j = 0; j < COUNT(positions); j++)
            for (int group = 1; group <= 8; group++) {
                int hd = head_dims[i], n = positions[j], tiles = (n + ATTN_TILE - 1) / ATTN_TILE;
                if (leave_out(group * n * hd, 5)) continue;
                float *k = floats(W, tiles * ATTN_TILE * hd, any_kind()), *q = floats(X, group * hd, any_kind());
                for (int d = 0; d < hd; d++)            /* what lies behind the last position must not count */
                    for (int c = (n - 1) % ATTN_TILE + 1; c < ATTN_TILE; c++) k[((tiles - 1) * hd + d) * ATTN_TILE + c] = NAN;
                compare((struct args){ATTENTION, 0, group, hd, n, .w = k, .x = q, .z = floats(Z, n * hd, any_kind())},
                        (size_t)(group * hd) * sizeof(float));
            }
}

static void test_vectors(void) {
    for (int i = 0; i < COUNT(widths); i++)
        for (int kind = 0; kind < N_KINDS; kind++) {
            int n = widths[i];
            size_t size = (size_t)n * sizeof(float);
            const float *x = floats(X, n, (enum kind)kind);
            compare((struct args){RMSNORM, .n_in = n, .w = floats(W, n, any_kind()), .x = x}, size);
            floats(Z, n, (enum kind)kind);
            compare((struct args){RMSNORM, .n_in = n, .in_place = true, .w = floats(W, n, any_kind())}, size);
            for (enum op op = SILU_MUL; op <= ADD; op++) {
                float *z = floats(Z, n, (enum kind)kind);
                for (int k = 0; k < n && op == SILU_MUL; k++) z[k] *= 50;       /* past both ends of exp */
                compare((struct args){op, .n_in = n, .in_place = true, .x = floats(X, n, any_kind())}, size);
            }
        }
    for (int i = 0; i < COUNT(head_dims); i++)
        for (int kind = 0; kind < N_KINDS; kind++) {
            floats(Z, head_dims[i], (enum kind)kind);
            compare((struct args){ROPE, .n_in = head_dims[i], .in_place = true, .x = floats(X, head_dims[i], NORMAL)},
                    (size_t)head_dims[i] * sizeof(float));
        }
}

/* A token that is not finite gives nothing finite, and leaves the others alone. */
static void test_not_finite(void) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    enum { N = 5, N_IN = 600, ROWS = 19, SUPERS = 3 };
    for (int l = 0; l < n_levels; l++)
        for (int type = 0; type < 2; type++)
            for (int i = 0; i < 30; i++) {
                float y[N * ROWS], *x = floats(Z, N * N_IN, MIXED);
                int which = below(N), start = below(N_IN - BLOCK);
                for (int j = 0; j <= i % BLOCK; j++) x[which * N_IN + start + j] = bad[i % 3];
                struct act *a = place(X, N * SUPERS * sizeof *a, 0);
                for (int t = 0; t < N; t++) levels[l]->quantize(a + t * SUPERS, x + t * N_IN, N_IN, type == 0);
                levels[l]->matmul_q[type](y, ROWS, panels(type, 2 * SUPERS, ANY, ANY), ROWS, SUPERS, a, N);
                for (int t = 0; t < N * ROWS; t++)
                    CHECK((fabsf(y[t]) <= 1e38f) == (t / ROWS != which), "%s, q%d: %g of token %d", levels[l]->name, type ? 4 : 8, (double)y[t], t / ROWS);
            }
    for (int s = 0; s < INPUTS; s++) slots[s].size = 0;
}

/* ---- meaning, in double precision ---- */

static void mean_quantize(void) {
    for (int i = 0; i < COUNT(widths); i++)
        for (int kind = 0; kind < N_KINDS; kind++)
            for (int fine = 0; fine < 2; fine++) {
                int n = widths[i], bad = 0, ts = 0, sums = 0;
                const float *x = floats(X, n, (enum kind)kind);
                struct act *a = place(OUT, (size_t)n_super(n) * sizeof *a, 0);
                kernels_scalar.quantize(a, x, n, fine != 0);
                for (int b = 0; b < n_super(n) * BLOCKS; b++) {
                    const struct act *s = &a[b / BLOCKS];
                    double step = (double)s->dx * s->t[b % BLOCKS];
                    int sum = 0;
                    for (int k = b * BLOCK; k < (b + 1) * BLOCK; k++) {
                        int q = s->x[k % SUPER];
                        sum += q;
                        bad += q < -127 || (k < n ? fabs(x[k] - step * q) > 0.50001 * step + (step == 0) * 0x1p-40 : q != 0);
                    }
                    ts += s->t[b % BLOCKS] < 1 || s->t[b % BLOCKS] > (fine ? 8 : 1) || !(s->dx == 0 || s->dx >= 0x1p-50f) || s->zero[0];
                    sums += s->xs[b % BLOCKS] != sum || s->m8[b % BLOCKS] != -8 * sum;
                }
                CHECK(!bad && !ts && !sums, "width %d, kind %d, fine %d: %d values, %d steps, %d sums", n, kind, fine, bad, ts, sums);
            }
}

/* Each weight comes back to within a step of its block (for q4 a minimum's step, too), and normal ones much nearer on average. */
static void mean_pack(void) {
    enum { N_IN = 600, ROWS = 13, SUPERS = 3 };
    for (int type = 0; type < 2; type++)
        for (int kind = 0; kind < N_KINDS; kind++) {
            float y[N_IN];
            double error = 0, power = 0;
            int bad = 0;
            const float *w = floats(W, ROWS * N_IN, (enum kind)kind);
            struct q4_super *q4 = place(OUT, SUPERS * (type ? sizeof *q4 : sizeof(struct q8_super)), 0);
            struct q8_super *q8 = (void *)q4;
            kernels_scalar.pack[type](q4, w, WEIGHT_F32, ROWS, N_IN);
            for (int r = 0; r < ROWS; r++, w += N_IN) {
                kernels_scalar.row_q[type](y, q4, r, N_IN);
                for (int k = 0; k < N_IN; k++) {
                    uint32_t bits = (uint32_t)(type ? q4[k / SUPER].d[r] : q8[k / SUPER].d[r]) << 16;
                    float d, lo = 0, hi = 0, step;
                    memcpy(&d, &bits, 4);
                    for (int i = k / BLOCK * BLOCK; i < N_IN && i < (k / BLOCK + 1) * BLOCK; i++) lo = fminf(lo, w[i]), hi = fmaxf(hi, w[i]);
                    step = type ? (hi - lo) / 15 + 16 * d : d * q8[k / SUPER].sc[k % SUPER / BLOCK][r];
                    bad += fabs((double)w[k] - y[k]) > 1.0001 * step + 0x1p-38 || !(d == 0 || d >= 0x1p-50f);
                    error += ((double)w[k] - y[k]) * ((double)w[k] - y[k]);
                    power += (double)w[k] * w[k];
                }
            }
            for (int r = ROWS; r < PANEL; r++) bad += type ? q4[0].d[r] || q4[SUPERS - 1].d[r] : q8[0].d[r] || q8[SUPERS - 1].d[r];
            CHECK(!bad, "q%d, kind %d: %d weights", type ? 4 : 8, kind, bad);
            CHECK(kind != NORMAL || sqrt(error / power) < (type ? 0.1 : 0.006), "q%d: an error of %g", type ? 4 : 8, sqrt(error / power));
        }
}

static void mean_matmul_q(void) {
    enum { N = 7, ROWS = 37, SUPERS = 5, N_IN = SUPERS * SUPER };
    for (int type = 0; type < 2; type++)
        for (int i = 0; i < 4; i++) {
            float y[N * ROWS], row[N_IN];
            const void *w = panels(type, 3 * SUPERS, ANY, ANY);
            const struct act *x = acts(type, N * SUPERS, i ? ANY : HIGHEST);
            kernels_scalar.matmul_q[type](y, ROWS, w, ROWS, SUPERS, x, N);
            for (int r = 0; r < ROWS; r++) {
                kernels_scalar.row_q[type](row, w, r, N_IN);
                for (int t = 0; t < N; t++) {
                    double sum = 0, size = 0;
                    for (int k = 0; k < N_IN; k++) {
                        const struct act *a = &x[t * SUPERS + k / SUPER];
                        double product = (double)row[k] * a->dx * a->t[k % SUPER / BLOCK] * a->x[k % SUPER];
                        sum += product;
                        size += fabs(product);
                    }
                    CHECK(fabs(sum - (double)y[t * ROWS + r]) <= 1e-6 * size, "q%d, row %d, token %d: %g, expected %g", type ? 4 : 8, r, t,
                          (double)y[t * ROWS + r], sum);
                }
            }
        }
}

static void mean_floats(void) {
    enum { N = 300, HD = 64, POS = 150 };
    float y[N], g[N];
    for (int i = 0; i < 65536; i++) {
        uint16_t h = (uint16_t)i;
        int e = i >> 10 & 31, m = i & 1023;
        double want = (i & 0x8000 ? -1 : 1) * (e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24));
        kernels_scalar.row[WEIGHT_F16](y, &h, 1);
        CHECK(y[0] == want ? !signbit(y[0]) == !signbit(want) : isnan(want) && isnan(y[0]), "half 0x%04X: %g", i, (double)y[0]);
    }
    const float *x = floats(X, N, NORMAL), *w = floats(W, N, NORMAL);
    double squares = 0, dot = 0;
    for (int i = 0; i < N; i++) {
        squares += (double)x[i] * x[i];
        dot += (double)x[i] * w[i];
        g[i] = 40 * x[i];
    }
    kernels_scalar.matmul[WEIGHT_F32](y, 1, w, 1, N, x, 1);
    CHECK(fabs(y[0] - dot) < 1e-4, "dot product %g, expected %g", (double)y[0], dot);
    kernels_scalar.rmsnorm(y, x, w, N, 1e-6f);
    for (int i = 0; i < N; i++) CHECK(fabs(y[i] - w[i] * (x[i] / sqrt(squares / N + 1e-6))) <= 1e-6 * fabs(w[i] * x[i]), "rmsnorm %d", i);
    memcpy(y, g, sizeof y);
    kernels_scalar.silu_mul(y, w, N);
    for (int i = 0; i < N; i++) {
        double want = g[i] / (1 + exp(-(double)g[i])) * w[i];
        CHECK(fabs(y[i] - want) <= 1e-6 * fabs(want) + 1e-20, "silu_mul of %g: %g, expected %g", (double)g[i], (double)y[i], want);
    }
    memcpy(y, g, sizeof y);
    kernels_scalar.rope(y, x, HD);
    for (int i = 0; i < HD; i++) {
        int j = i % (HD / 2);
        double want = i == j ? (double)g[j] * x[j] - (double)g[j + HD / 2] * x[j + HD / 2] : (double)g[i] * x[j] + (double)g[j] * x[j + HD / 2];
        CHECK(fabs(y[i] - want) <= 1e-4, "rope %d: %g, expected %g", i, (double)y[i], want);
    }
    const float *q = floats(X, HD, NORMAL), *k = floats(W, 3 * ATTN_TILE * HD, NORMAL), *v = floats(Z, POS * HD, NORMAL);
    double sum = 0, out[HD] = {0};
    for (int p = 0; p < POS; p++) {
        double score = 0;
        for (int d = 0; d < HD; d++) score += (double)q[d] * k[(p / ATTN_TILE * HD + d) * ATTN_TILE + p % ATTN_TILE];
        sum += exp(score / 8);
        for (int d = 0; d < HD; d++) out[d] += exp(score / 8) * v[p * HD + d];
    }
    kernels_scalar.attention(y, q, k, v, 1, POS, HD, 0.125f);
    for (int d = 0; d < HD; d++) CHECK(fabs(y[d] - out[d] / sum) <= 1e-5, "attention %d: %g, expected %g", d, (double)y[d], out[d] / sum);
    for (int s = 0; s < INPUTS; s++) slots[s].size = 0;
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
        double took[9] = {0}, start = cpu_seconds();
        int repeats = 0;
        for (; repeats == 0 || cpu_seconds() - start < 5e-3; repeats++) call(levels[l], &a, out);
        for (int i = 0; i < COUNT(took); i++) {
            start = cpu_seconds();
            for (int j = 0; j < repeats; j++) call(levels[l], &a, out);
            took[i] = (cpu_seconds() - start) / repeats;
        }
        qsort(took, COUNT(took), sizeof *took, by_size);
        double s = took[COUNT(took) / 2];
        printf("%-24s %-11s %13.0f %9.2f %9.2f\n", name, levels[l]->name, s * 1e9, steps / s * 1e-9, bytes / s * 1e-9);
        fflush(stdout);
    }
}

static int bench_all(void) {
    enum { BIG = 128 << 20, MAX_N = 256, N_IN = 1024, SUPERS = N_IN / SUPER, ROWS = 128, POS = 2048, HD = 128, GROUP = 2 };
    static const int batches[] = {8, 64, MAX_N};
    char *w = aligned_alloc(64, BIG);
    float *x = aligned_alloc(64, MAX_N * N_IN * sizeof *x), *out = aligned_alloc(64, BIG / 16);
    struct act *a = aligned_alloc(64, MAX_N * SUPERS * sizeof *a);
    if (!w || !x || !out || !a) return perror("test_kernels"), 1;
    fill(x, MAX_N * N_IN, NORMAL);
    printf("%-24s %-11s %13s %9s %9s\n", "operation", "level", "ns", "G steps/s", "GB/s");
    for (int type = 0; type < 2; type++) {
        size_t super = type ? sizeof(struct q4_super) : sizeof(struct q8_super), done = super * ROWS / PANEL * SUPERS;
        int rows = (int)(BIG / (super * SUPERS)) * PANEL;
        char name[64];
        for (int t = 0; t < MAX_N; t++) kernels_scalar.quantize(a + t * SUPERS, x + t * N_IN, N_IN, type == 0);
        memcpy(w, panels(type, ROWS / PANEL * SUPERS, ANY, ANY), done);
        for (; done < BIG; done *= 2) memcpy(w + done, w, done < BIG - done ? done : BIG - done);
        snprintf(name, sizeof name, "matmul_q%d 1 (128 MB)", type ? 4 : 8);
        bench(name, (struct args){MATMUL_Q, type, rows, N_IN, 1, .stride = rows, .w = w, .x = a}, out, (double)rows * N_IN, BIG);
        for (int i = 0; i < COUNT(batches); i++) {
            snprintf(name, sizeof name, "matmul_q%d %d", type ? 4 : 8, batches[i]);
            bench(name, (struct args){MATMUL_Q, type, ROWS, N_IN, batches[i], .stride = ROWS, .w = w, .x = a}, out,
                  (double)ROWS * N_IN * batches[i], (double)super * ROWS / PANEL * SUPERS);
        }
        snprintf(name, sizeof name, "quantize%s %d", type ? " fine" : "", N_IN);
        bench(name, (struct args){QUANTIZE, type, .n_in = N_IN, .x = x}, out, N_IN, N_IN * 4);
    }
    for (size_t i = 0; i < BIG / 4; i++) memcpy(w + i * 4, &x[i % (MAX_N * N_IN)], 4);     /* BF16s of any size, and F32s */
    for (size_t i = 0; i < BIG; i += 4) memcpy(w + i, w + i + 2, 2);
    bench("matmul_bf16 1 (128 MB)", (struct args){MATMUL, WEIGHT_BF16, BIG / 2 / N_IN, N_IN, 1, .stride = BIG / 2 / N_IN, .w = w, .x = x}, out, BIG / 2, BIG);
    bench("matmul_bf16 8", (struct args){MATMUL, WEIGHT_BF16, ROWS, N_IN, 8, .stride = ROWS, .w = w, .x = x}, out, ROWS * N_IN * 8, ROWS * N_IN * 2);
    bench("matmul_bf16 64", (struct args){MATMUL, WEIGHT_BF16, ROWS, N_IN, 64, .stride = ROWS, .w = w, .x = x}, out, ROWS * N_IN * 64, ROWS * N_IN * 2);
    for (int type = 0; type < 2; type++)
        bench(type ? "pack_q4 16 x 1024" : "pack_q8 16 x 1024", (struct args){PACK, type, PANEL, N_IN, .from = WEIGHT_BF16, .w = w}, out, PANEL * N_IN, PANEL * N_IN * 2);
    for (int n = 1; n <= POS; n += POS - 1)
        bench(n == 1 ? "attention 2 heads, at 0" : "attention 2 heads, at 2k", (struct args){ATTENTION, 0, GROUP, HD, n, .w = x, .x = x, .z = (float *)w}, out,
              2.0 * GROUP * HD * n, 8.0 * HD * n);
    bench("rmsnorm 1024", (struct args){RMSNORM, .n_in = N_IN, .w = x, .x = x + N_IN}, out, N_IN, N_IN * 12);
    fill(out, N_IN, NORMAL);
    bench("silu_mul 1024", (struct args){SILU_MUL, .n_in = N_IN, .x = x}, out, N_IN, N_IN * 12);
    free(w), free(x), free(out), free(a);
    return 0;
}

int main(int argc, char **argv) {
    struct level all[MAX_LEVELS];
    int n = cpu_levels(all);
    bool speed = argc > 1 && strcmp(argv[1], "bench") == 0;
    quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    if (argc > 1 && !quick && !speed) seed = strtoull(argv[1], NULL, 0);
    printf("test_kernels: seed %llu, levels", (unsigned long long)seed);
    for (int i = 0; i < n; i++)
        if (all[i].usable) printf(" %s", (levels[n_levels++] = all[i].kernels)->name);
    printf("\n");
    open_slots();
    if (speed) return bench_all();
    for (int i = 0; i < n; i++)
        if (!all[i].usable) printf("skip - kernels %s: this CPU lacks it\n", all[i].kernels->name);
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    signal(SIGILL, on_fault);
    RUN("kernels: quantize to half a step, in double precision", mean_quantize);
    RUN("kernels: pack to a step", mean_pack);
    RUN("kernels: matmul_q is the product of what is packed", mean_matmul_q);
    RUN("kernels: halves, dot product, rmsnorm, silu_mul, rope, attention in double precision", mean_floats);
    RUN("kernels: matmul, the same bits at all levels", test_matmul);
    RUN("kernels: matmul_q8, the same bits", test_matmul_q8);
    RUN("kernels: matmul_q4, the same bits", test_matmul_q4);
    RUN("kernels: row and row_q, the same bits", test_rows);
    RUN("kernels: quantize, the same bits", test_quantize);
    RUN("kernels: pack, the same bits", test_pack);
    RUN("kernels: attention, the same bits", test_attention);
    RUN("kernels: rmsnorm, silu_mul, add and rope, the same bits", test_vectors);
    RUN("kernels: what is not finite stays so", test_not_finite);
    TEST_END();
}
