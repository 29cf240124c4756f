/* check.c - every function of a level against the reference, over a few shapes: whole vectors and
 * tails, one panel and several, one token and as many as kernels take at a time. The tests compare
 * far more (tests/test_kernels.c); this asks whether the machine computes right. */
#include "kernels/check.h"

/* ---- operands ---- */

/* (Steele, Lea and Flood 2014, splitmix64) */
static uint64_t random_bits(struct check_room *room) {
    uint64_t z = room->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* n numbers -2..2; every seventh is 16 times as large. */
static float *random_floats(struct check_room *room, void *at, int n) {
    float *x = at;
    for (int i = 0; i < n; i++) {
        float u = (float)(int32_t)(random_bits(room) >> 32) * 0x1p-30f;
        x[i] = i % 7 == 3 ? 16 * u : u;
    }
    return x;
}

/* n weights as they are stored: the upper bits of floats, for F16 with exponents that it has. */
static void random_stored(struct check_room *room, int type, int n) {
    random_floats(room, room->x, n);
    const int size = type == STORED_F32 ? 4 : 2;
    for (int i = 0; i < n; i++) {
        memcpy(room->w + i * size, room->x + 4 * i + 4 - size, (size_t)size);
        if (type == STORED_F16) room->w[2 * i + 1] &= 0xBF;
    }
}

/* A packed matrix in w. */
static void random_panels(struct check_room *room, int type, int rows, int n_in) {
    const size_t size = type == PACKED_Q4 ? sizeof(struct q4_super) : sizeof(struct q8_super);
    unsigned char *panel = room->w;
    for (int row = 0; row < rows; row += PANEL, panel += (size_t)n_super(n_in) * size) {
        const int n = rows - row < PANEL ? rows - row : PANEL;
        kernels_reference.pack[type](panel, random_floats(room, room->x, n * n_in), n, n_in, false);
    }
}

/* n positions of a cache in w. */
static void random_cache(struct check_room *room, int type, int n, int head_dim) {
    memset(room->w, 0, CHECK_BYTES);
    for (int pos = 0; pos < n; pos++) {
        const float *k = random_floats(room, room->x, 2 * head_dim);
        kernels_reference.store[type](room->w, k, k + head_dim, pos, head_dim);
    }
}

/* ---- operations ---- */

/* For products: weights [rows][n_in], n tokens. For a cache: `rows` query heads of n_in dimensions
 * over n positions. Else n_in numbers. */
struct shape {
    int rows, n_in, n;
};
enum { MAX_SHAPES = 5 };
static const struct shape products[MAX_SHAPES] = {
    {1, 18, 1}, {17, 300, 3}, {33, 520, 8}, {16, 256, 33}, {5, 770, 2},
};
static const struct shape caches[MAX_SHAPES] = {
    {1, 18, 1}, {2, 128, 64}, {5, 80, 65}, {8, 32, 130}, {3, 64, 191},
};

static void stored_operands(struct check_room *room, int type, struct shape s) {
    random_stored(room, type, s.rows * s.n_in);
    random_floats(room, room->x, s.n * s.n_in);
}

static void run_matmul(const struct kernels *k, const struct check_room *room, void *out, int type,
                       struct shape s) {
    k->matmul[type](out, s.rows + 3, room->w, s.rows, s.n_in, (const float *)room->x, s.n);
}

static void run_row(const struct kernels *k, const struct check_room *room, void *out, int type,
                    struct shape s) {
    k->row[type](out, room->w, s.n_in);
}

static void packed_operands(struct check_room *room, int type, struct shape s) {
    random_panels(room, type, s.rows, s.n_in);
    const float *x = random_floats(room, room->out, s.n * s.n_in);
    struct act *acts = (struct act *)room->x;
    for (int t = 0; t < s.n; t++)
        kernels_reference.quantize(acts + t * n_super(s.n_in), x + t * s.n_in, s.n_in,
                                   type == PACKED_Q8);
}

static void run_matmul_q(const struct kernels *k, const struct check_room *room, void *out,
                         int type, struct shape s) {
    k->matmul_q[type](out, s.rows + 3, room->w, s.rows, n_super(s.n_in),
                      (const struct act *)room->x, s.n);
}

static void run_row_q(const struct kernels *k, const struct check_room *room, void *out, int type,
                      struct shape s) {
    k->row_q[type](out, room->w, s.rows - 1, s.n_in);
}

/* Floats in w and x, as many as the largest operation on vectors takes. */
static void float_operands(struct check_room *room, int type, struct shape s) {
    (void)type;
    random_floats(room, room->w, PANEL * s.n_in);
    random_floats(room, room->x, s.n_in);
}

static void run_pack(const struct kernels *k, const struct check_room *room, void *out, int type,
                     struct shape s) {
    k->pack[type](out, (const float *)room->w, s.rows < PANEL ? s.rows : PANEL, s.n_in, false);
}

/* type: whether it is the fine one */
static void run_quantize(const struct kernels *k, const struct check_room *room, void *out,
                         int type, struct shape s) {
    k->quantize(out, (const float *)room->x, s.n_in, type != 0);
}

static void run_rmsnorm(const struct kernels *k, const struct check_room *room, void *out, int type,
                        struct shape s) {
    (void)type;
    k->rmsnorm(out, (const float *)room->x, (const float *)room->w, s.n_in, 1e-6f);
}

static void run_rope(const struct kernels *k, const struct check_room *room, void *out, int type,
                     struct shape s) {
    (void)type;
    memcpy(out, room->x, (size_t)s.n_in * sizeof(float));
    k->rope(out, (const float *)room->w, s.n_in);
}

static void run_silu_mul(const struct kernels *k, const struct check_room *room, void *out,
                         int type, struct shape s) {
    (void)type;
    memcpy(out, room->x, (size_t)s.n_in * sizeof(float));
    k->silu_mul(out, (const float *)room->w, s.n_in);
}

static void run_add(const struct kernels *k, const struct check_room *room, void *out, int type,
                    struct shape s) {
    (void)type;
    memcpy(out, room->x, (size_t)s.n_in * sizeof(float));
    k->add(out, (const float *)room->w, s.n_in);
}

static void cache_operands(struct check_room *room, int type, struct shape s) {
    random_cache(room, type, s.n, s.n_in);
    random_floats(room, room->x, 2 * s.rows * s.n_in);
}

/* One more position, after those of the cache in w. */
static void run_store(const struct kernels *k, const struct check_room *room, void *out, int type,
                      struct shape s) {
    const float *key = (const float *)room->x;
    memcpy(out, room->w, CHECK_BYTES);
    k->store[type](out, key, key + s.n_in, s.n, s.n_in);
}

static void run_attention(const struct kernels *k, const struct check_room *room, void *out,
                          int type, struct shape s) {
    k->attention[type](out, (const float *)room->x, room->w, s.rows, s.n, s.n_in, 0x1p-9f);
}

static const struct operation {
    const char *name;
    const struct shape *shapes;
    void (*operands)(struct check_room *room, int type, struct shape s);
    void (*run)(const struct kernels *k, const struct check_room *room, void *out, int type,
                struct shape s);
    int type;
} operations[] = {
    {"matmul_f32", products, stored_operands, run_matmul, STORED_F32},
    {"matmul_f16", products, stored_operands, run_matmul, STORED_F16},
    {"matmul_bf16", products, stored_operands, run_matmul, STORED_BF16},
    {"matmul_q8", products, packed_operands, run_matmul_q, PACKED_Q8},
    {"matmul_q4", products, packed_operands, run_matmul_q, PACKED_Q4},
    {"row_f32", products, stored_operands, run_row, STORED_F32},
    {"row_f16", products, stored_operands, run_row, STORED_F16},
    {"row_bf16", products, stored_operands, run_row, STORED_BF16},
    {"row_q8", products, packed_operands, run_row_q, PACKED_Q8},
    {"row_q4", products, packed_operands, run_row_q, PACKED_Q4},
    {"pack_q8", products, float_operands, run_pack, PACKED_Q8},
    {"pack_q4", products, float_operands, run_pack, PACKED_Q4},
    {"quantize", products, float_operands, run_quantize, 0},
    {"quantize_fine", products, float_operands, run_quantize, 1},
    {"rmsnorm", products, float_operands, run_rmsnorm, 0},
    {"rope", products, float_operands, run_rope, 0},
    {"silu_mul", products, float_operands, run_silu_mul, 0},
    {"add", products, float_operands, run_add, 0},
    {"store_f32", caches, cache_operands, run_store, KV_F32},
    {"store_f16", caches, cache_operands, run_store, KV_F16},
    {"store_q8", caches, cache_operands, run_store, KV_Q8},
    {"attention_f32", caches, cache_operands, run_attention, KV_F32},
    {"attention_f16", caches, cache_operands, run_attention, KV_F16},
    {"attention_q8", caches, cache_operands, run_attention, KV_Q8},
};

static bool check(const struct kernels *k, struct check_room *room, const struct operation *op) {
    room->state = 1;
    for (int i = 0; i < MAX_SHAPES; i++) {
        op->operands(room, op->type, op->shapes[i]);
        memset(room->out, 0xA5, sizeof room->out);
        op->run(&kernels_reference, room, room->out[0], op->type, op->shapes[i]);
        op->run(k, room, room->out[1], op->type, op->shapes[i]);
        if (memcmp(room->out[0], room->out[1], CHECK_BYTES) != 0) return false;
    }
    return true;
}

void kernels_check(const struct kernels *k, struct check_room *room,
                   void (*report)(void *user, const char *function, bool right), void *user) {
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        report(user, operations[i].name, check(k, room, &operations[i]));
}
