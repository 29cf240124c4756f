/* faulty.c - what turns qw into a qw with a fault in one function of its kernels: linked with
 * -Wl,--wrap=kernels_choose, the function that QW_TEST_FAULT names ("matmul_q4", at any level)
 * writes one bit wrong. The level that QW_TEST_RIGHT names has no fault. */
#include <stdlib.h>
#include <string.h>
#include "kernels/dispatch.h"

int __real_kernels_choose(const struct kernels **out, const char *name, qw_error *err);
int __wrap_kernels_choose(const struct kernels **out, const char *name, qw_error *err);

static const struct kernels *right;     /* the level without the fault */
static struct kernels faulty;

/* The lowest bit of the first number. */
static void spoil(void *out) { *(unsigned char *)out ^= 1; }

#define STORED(name, TYPE) \
    static void matmul_##name(float *y, int64_t stride, const void *w, int rows, int n_in, \
                              const float *x, int n) { \
        right->matmul[TYPE](y, stride, w, rows, n_in, x, n); \
        spoil(y); \
    } \
    static void row_##name(float *y, const void *w, int n_in) { \
        right->row[TYPE](y, w, n_in); \
        spoil(y); \
    }
STORED(f32, STORED_F32)
STORED(f16, STORED_F16)
STORED(bf16, STORED_BF16)

#define PACKED(name, TYPE) \
    static void matmul_##name(float *y, int64_t stride, const void *w, int rows, int supers, \
                              const struct act *x, int n) { \
        right->matmul_q[TYPE](y, stride, w, rows, supers, x, n); \
        spoil(y); \
    } \
    static void row_##name(float *y, const void *w, int64_t row, int n_in) { \
        right->row_q[TYPE](y, w, row, n_in); \
        spoil(y); \
    } \
    static void pack_##name(void *panel, const float *rows, int n_rows, int n_in, bool few) { \
        right->pack[TYPE](panel, rows, n_rows, n_in, few); \
        spoil(panel); \
    }
PACKED(q8, PACKED_Q8)
PACKED(q4, PACKED_Q4)

#define CACHE(name, TYPE) \
    static void store_##name(void *cache, const float *k, const float *v, int pos, int dim) { \
        right->store[TYPE](cache, k, v, pos, dim); \
        spoil(cache); \
    } \
    static void attention_##name(float *out, const float *q, const void *cache, int group, \
                                 int n_pos, int head_dim, float scale) { \
        right->attention[TYPE](out, q, cache, group, n_pos, head_dim, scale); \
        spoil(out); \
    }
CACHE(f32, KV_F32)
CACHE(f16, KV_F16)
CACHE(q8, KV_Q8)

static void quantize(struct act *out, const float *x, int n, bool fine) {
    right->quantize(out, x, n, fine);
    if (!fine) spoil(out);
}

static void quantize_fine(struct act *out, const float *x, int n, bool fine) {
    right->quantize(out, x, n, fine);
    if (fine) spoil(out);
}

static void rmsnorm(float *y, const float *x, const float *w, int n, float eps) {
    right->rmsnorm(y, x, w, n, eps);
    spoil(y);
}

static void rope(float *v, const float *cos_sin, int n) {
    right->rope(v, cos_sin, n);
    spoil(v);
}

static void silu_mul(float *g, const float *u, int n) {
    right->silu_mul(g, u, n);
    spoil(g);
}

static void add(float *x, const float *y, int n) {
    right->add(x, y, n);
    spoil(x);
}

/* The level's functions, with the one called `fault` replaced; false: there is none. */
static bool plant(const char *fault) {
    struct kernels *k = &faulty;
#define PLANT(place, function) \
    if (strcmp(fault, #function) == 0) return k->place = function, true
    PLANT(matmul[STORED_F32], matmul_f32);
    PLANT(matmul[STORED_F16], matmul_f16);
    PLANT(matmul[STORED_BF16], matmul_bf16);
    PLANT(matmul_q[PACKED_Q8], matmul_q8);
    PLANT(matmul_q[PACKED_Q4], matmul_q4);
    PLANT(row[STORED_F32], row_f32);
    PLANT(row[STORED_F16], row_f16);
    PLANT(row[STORED_BF16], row_bf16);
    PLANT(row_q[PACKED_Q8], row_q8);
    PLANT(row_q[PACKED_Q4], row_q4);
    PLANT(pack[PACKED_Q8], pack_q8);
    PLANT(pack[PACKED_Q4], pack_q4);
    PLANT(store[KV_F32], store_f32);
    PLANT(store[KV_F16], store_f16);
    PLANT(store[KV_Q8], store_q8);
    PLANT(attention[KV_F32], attention_f32);
    PLANT(attention[KV_F16], attention_f16);
    PLANT(attention[KV_Q8], attention_q8);
    PLANT(quantize, quantize);
    PLANT(quantize, quantize_fine);
    PLANT(rmsnorm, rmsnorm);
    PLANT(rope, rope);
    PLANT(silu_mul, silu_mul);
    PLANT(add, add);
    return false;
}

int __wrap_kernels_choose(const struct kernels **out, const char *name, qw_error *err) {
    const char *fault = getenv("QW_TEST_FAULT"), *without = getenv("QW_TEST_RIGHT");
    int rc = __real_kernels_choose(out, name, err);
    if (rc || !fault || (without && strcmp(without, (*out)->name) == 0)) return rc;
    right = *out;
    faulty = *right;
    if (!plant(fault)) return fail(err, QW_EARG, "no function is called %s", fault);
    *out = &faulty;
    return 0;
}
