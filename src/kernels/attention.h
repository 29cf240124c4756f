/* attention.h - L1: what the KV cache holds, and causal attention over it, in plain C; part of lanes.h.
 *
 * The cache of a key/value head is a row of tiles of ATTN_TILE = 64 positions each, and a tile is read from front to back (hd: head_dim,
 * w: hd rounded up to a multiple of 16):
 *
 *   f32, f16   keys    [hd][64]        dimension by dimension, so that a vector is one dimension of several positions
 *              values  [64][hd]
 *   q8         scales  float [2][64]   of each position's key and value; NaN for a key or value that was not finite
 *              keys    int8 [w/4][64][4]       4 dimensions of each position
 *              values  int8 [16][64][4]        4 positions of each of the first 64 dimensions, then of the next 64; the last may be fewer
 *
 * Both parts of q8 are laid out as a panel of packed weights is: 4 bytes of a sum for each of 16 columns are one zmm, two ymm, or four
 * NEON registers, so that dot_columns, which each instruction set writes for itself, serves the scores and the weighted values alike. */
#ifndef QW_ATTENTION_H
#define QW_ATTENTION_H
#include "kernels.h"

enum { HEADS = 8 };                                     /* query heads that go over a tile together */
enum { WIDE = 2048 };                                   /* floats of a tile that are worked on at a time */

/* y[t][c] = sum over k < 4 groups of w[k / 4][c][k % 4] * x[t][k], for n vectors x and `columns` columns, in whole numbers.
 *   w  [groups][stride][4], from -127 to 127    x  [n][x_stride], from -127 to 127, or from 0 if `positive`    y  [n][ATTN_TILE]
 * groups is a multiple of 4, columns one of 16; x lies at a multiple of 16 bytes, x_stride is one of 4. Each instruction set writes it as
 *   void dot_columns(int32_t (*y)[ATTN_TILE], const int8_t *w, int stride, int columns, const int8_t *x, int x_stride, int groups, int n, bool positive)
 * and makes two functions of it, which know some of that when they are compiled. (Within attention_q8 gcc ran out of registers.) */
static void dot_keys(int32_t (*y)[ATTN_TILE], const int8_t *w, int columns, const int8_t *x, int x_stride, int groups, int n);
static void dot_values(int32_t (*y)[ATTN_TILE], const int8_t *w, int columns, const int8_t *x, int groups, int n);

#define DOT_KEYS_VALUES \
static NOINLINE void dot_keys(int32_t (*y)[ATTN_TILE], const int8_t *w, int columns, const int8_t *x, int x_stride, int groups, int n) { \
    dot_columns(y, w, ATTN_TILE, columns, x, x_stride, groups, n, false); \
} \
static NOINLINE void dot_values(int32_t (*y)[ATTN_TILE], const int8_t *w, int columns, const int8_t *x, int groups, int n) { \
    dot_columns(y, w, columns, columns, x, ATTN_TILE, groups, n, true); \
}

/* All of it, from an instruction set's dot_tile for COLS columns and a fixed n up to 4. */
#define DOT_COLUMNS(COLS) \
INLINE void dot_columns(int32_t (*y)[ATTN_TILE], const int8_t *w, int stride, int columns, const int8_t *x, int x_stride, int groups, int n, bool positive) { \
    for (int c = 0; c < columns; c += COLS, w += 4 * COLS) \
        for (int t = 0; t < n; t += 4) { \
            int32_t *out = &y[t][c]; \
            const int8_t *u = x + t * x_stride; \
            switch (n - t) { \
            case 1: dot_tile(out, w, stride, u, x_stride, groups, 1, positive); break; \
            case 2: dot_tile(out, w, stride, u, x_stride, groups, 2, positive); break; \
            case 3: dot_tile(out, w, stride, u, x_stride, groups, 3, positive); break; \
            default: dot_tile(out, w, stride, u, x_stride, groups, 4, positive); \
            } \
        } \
} \
DOT_KEYS_VALUES

/* What will be read next. x86: asked for in large pieces it arrives while what is at hand is computed, at the memory's full speed; asked for
 * line by line within dot_columns it did not. q8 asks before each softmax, which reads little itself and waits for its own results.
 * Other machines ask within dot_columns: small cores wait when too much is asked for. */
static inline void fetch(const void *p, int64_t bytes) {
#if defined(__x86_64__)
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)p + i);
#else
    (void)p, (void)bytes;
#endif
}

/* ---- the softmax of a tile ---- */

/* Of a tile's numbers; if some are not numbers, it or what is left may not be one. */
static inline float largest(const float p[ATTN_TILE]) {
    enum { N = ATTN_TILE / FWIDTH };
    fvec v[N];
    float a[FWIDTH];
    for (int i = 0; i < N; i++) v[i] = fv_load(p + i * FWIDTH);
    for (int w = N / 2; w > 0; w /= 2)
        for (int i = 0; i < w; i++) v[i] = fv_greater(v[i], v[i + w]);
    fv_store(a, v[0]);
#define HALVE(W) if (W < (int)FWIDTH) for (int i = 0; i < W; i++) a[i] = greater(a[i + W], a[i]);
    HALVE(8) HALVE(4) HALVE(2) HALVE(1)
#undef HALVE
    return a[0];
}

/* Scores become weights exp(score - max), those from `valid` on 0. The running maximum moves up first; what was summed so far is to be
 * multiplied by what is returned, as *sum has been. fvec: exp of anything near 0 is 1, so subnormal scores and differences may as well be 0;
 * weights are 0 or at least exp(-60). */
static inline float softmax_tile(float p[ATTN_TILE], int valid, float *max, float *sum) {
    for (int j = valid; j < ATTN_TILE; j++) p[j] = -INFINITY;
    float now = greater(*max, largest(p)), keep = exp_f32(*max - now);
    *max = now;
    for (int j = 0; j < ATTN_TILE; j += FSTEP) {
        fvec e[SIDE];
        EACH_SIDE e[i] = fv_sub(fv_load(p + j + i * FWIDTH), fv_all(now));
        exp_vecs(e);
        EACH_SIDE fv_store(p + j + i * FWIDTH, e[i]);
    }
    fvec lane[LANES / FWIDTH];
    for (int i = 0; i < LANES / FWIDTH; i++) {
        lane[i] = fv_load(p + i * FWIDTH);
        for (int j = LANES; j < ATTN_TILE; j += LANES) lane[i] = fv_add(lane[i], fv_load(p + j + i * FWIDTH));
    }
    *sum = *sum * keep + sum_lane_vecs(lane);
    return keep;
}

static inline void begin_heads(float *out, float *max, float *sum, int heads, int head_dim) {
    for (int i = 0; i < heads * head_dim; i++) out[i] = 0;
    for (int h = 0; h < heads; h++) max[h] = -INFINITY, sum[h] = 0;
}

/* fvec: products below TINY are 0. */
static inline void end_heads(float *out, const float *sum, int heads, int head_dim) {
    for (int h = 0; h < heads; h++, out += head_dim) {
        float inv = 1.0f / sum[h];
        int d = 0;
        for (; d + FSTEP <= head_dim; d += FSTEP)
            EACH_SIDE fv_store(out + d + i * FWIDTH, fv_flush(fv_mul(fv_load(out + d + i * FWIDTH), fv_all(inv))));
        for (; d < head_dim; d++) out[d] = flush(out[d] * inv);
    }
}

static inline int valid_in_tile(int n_pos, int tile) { return n_pos - tile * ATTN_TILE < ATTN_TILE ? n_pos - tile * ATTN_TILE : ATTN_TILE; }

/* ---- f32 and f16 ---- */

static inline void *tile_of(void *cache, enum kv_type type, int pos, int head_dim) {
    return (unsigned char *)cache + kv_tile_size(type, head_dim) * (pos / ATTN_TILE);
}

static void store_f32(void *cache, const float *k, const float *v, int pos, int head_dim) {
    float *tile = tile_of(cache, KV_F32, pos, head_dim), *values = tile + ATTN_TILE * head_dim;
    int column = pos % ATTN_TILE;
    for (int d = 0; d < head_dim; d++) tile[d * ATTN_TILE + column] = k[d];
    memcpy(values + column * head_dim, v, (size_t)head_dim * sizeof *v);
}

/* The nearest half, ties to even; what rounds beyond 65504 is NaN, so that it is noticed. Below 2^-14 adding 1/2 rounds to a multiple of 2^-24, the step down there. */
static inline uint16_t to_f16(float x) {
    uint32_t u = to_bits(x), sign = u >> 16 & 0x8000, body = u & 0x7FFFFFFF;
    if (body >= 0x477FF000) return 0x7E00;
    if (body < 0x38800000) return (uint16_t)(sign | (to_bits(from_bits(body) + 0.5f) - to_bits(0.5f)));
    return (uint16_t)(sign | (body + 0xFFF + (body >> 13 & 1) - 0x38000000) >> 13);
}

static void store_f16(void *cache, const float *k, const float *v, int pos, int head_dim) {
    uint16_t *tile = tile_of(cache, KV_F16, pos, head_dim), *values = tile + ATTN_TILE * head_dim;
    int column = pos % ATTN_TILE;
    for (int d = 0; d < head_dim; d++) tile[d * ATTN_TILE + column] = to_f16(k[d]);
    for (int d = 0; d < head_dim; d++) values[column * head_dim + d] = to_f16(v[d]);
}

/* p += (q * scale) . keys over n dimensions, some positions at a time so that their sums stay in registers. */
static inline void add_scores(float p[ATTN_TILE], const float *q, const float *keys, int n, float scale) {
    enum { N = WIDTH == 16 ? 4 : 8 };
    for (int j = 0; j < ATTN_TILE; j += N * WIDTH) {
        vec sum[N];
        memcpy(sum, p + j, sizeof sum);
        for (int d = 0; d < n; d++) {
            float qd = q[d] * scale;
            for (int i = 0; i < N; i++) sum[i] += qd * load_vec(keys + d * ATTN_TILE + j + i * WIDTH);
        }
        memcpy(p + j, sum, sizeof sum);
    }
}

/* out = out * keep + the weighted values of n positions, some dimensions at a time. */
static inline void add_values(float *out, float keep, const float *p, const float *values, int n, int head_dim) {
    enum { N = 4 };
    int d = 0;
    for (; d + N * WIDTH <= head_dim; d += N * WIDTH) {
        vec sum[N];
        for (int i = 0; i < N; i++) sum[i] = load_vec(out + d + i * WIDTH) * keep;
        for (int j = 0; j < n; j++)
            for (int i = 0; i < N; i++) sum[i] += p[j] * load_vec(values + j * head_dim + d + i * WIDTH);
        memcpy(out + d, sum, sizeof sum);
    }
    for (; d < head_dim; d++) {
        float sum = out[d] * keep;
        for (int j = 0; j < n; j++) sum += p[j] * values[j * head_dim + d];
        out[d] = sum;
    }
}

/* A part of a tile as floats: where it lies, or halves turned into floats in `wide`. */
static inline const float *as_floats(const void *tile, int at, int n, bool half, float *wide) {
    const int size = half ? 2 : 4;
    fetch((const char *)tile + (at + 2 * WIDE) * size, n * size);
    if (!half) return (const float *)tile + at;
    row_f16(wide, (const uint16_t *)tile + at, n);
    return wide;
}

static inline void attention_float(float *out, const float *q, const void *cache, int group, int n_pos, int head_dim, float scale, bool half) {
    const int dims = WIDE / ATTN_TILE, positions = WIDE / head_dim;
    for (int first = 0; first < group; first += HEADS, q += HEADS * head_dim, out += HEADS * head_dim) {
        int heads = group - first < HEADS ? group - first : HEADS;
        float max[HEADS], sum[HEADS], keep[HEADS], wide[WIDE];
        begin_heads(out, max, sum, heads, head_dim);
        for (int t = 0; t * ATTN_TILE < n_pos; t++) {
            const void *tile = (const unsigned char *)cache + t * kv_tile_size(half ? KV_F16 : KV_F32, head_dim);
            int valid = valid_in_tile(n_pos, t);
            float p[HEADS][ATTN_TILE] = {{0}};
            for (int d = 0; d < head_dim; d += dims) {
                int n = head_dim - d < dims ? head_dim - d : dims;
                const float *keys = as_floats(tile, d * ATTN_TILE, n * ATTN_TILE, half, wide);
                for (int h = 0; h < heads; h++) add_scores(p[h], q + h * head_dim + d, keys, n, scale);
            }
            for (int h = 0; h < heads; h++) keep[h] = softmax_tile(p[h], valid, &max[h], &sum[h]);
            for (int j = 0; j < valid; j += positions) {
                int n = valid - j < positions ? valid - j : positions;
                const float *values = as_floats(tile, (ATTN_TILE + j) * head_dim, n * head_dim, half, wide);
                for (int h = 0; h < heads; h++) add_values(out + h * head_dim, j ? 1 : keep[h], p[h] + j, values, n, head_dim);
            }
        }
        end_heads(out, sum, heads, head_dim);
    }
}

static void attention_f32(float *out, const float *q, const void *cache, int group, int n_pos, int head_dim, float scale) {
    attention_float(out, q, cache, group, n_pos, head_dim, scale, false);
}
static void attention_f16(float *out, const float *q, const void *cache, int group, int n_pos, int head_dim, float scale) {
    attention_float(out, q, cache, group, n_pos, head_dim, scale, true);
}

/* ---- q8 ---- */

/* x = returned scale * out: largest magnitude / 127. All below 2^-36: 0. Not finite: NaN. */
static inline float quantize_head(int8_t *out, const float *x, int n) {
    uint32_t top = most_bits(x, n);
    bool finite = top < 0x7F800000;
    if (!finite || from_bits(top) < 0x1p-36f) {
        memset(out, 0, (size_t)n);
        return finite ? 0 : from_bits(0x7FC00000);
    }
    float inv = 127.0f / from_bits(top);
    int d = 0;
    for (; d + BLOCK <= n; d += BLOCK) round_block_to_bytes(out + d, x + d, inv);
    for (; d < n; d++) out[d] = (int8_t)round_even(x[d] * inv);
    return from_bits(top) / 127.0f;
}

static inline int8_t *q8_keys(const void *tile) { return (int8_t *)(uintptr_t)((const float *)tile + 2 * ATTN_TILE); }

static void store_q8(void *cache, const float *k, const float *v, int pos, int head_dim) {
    int w = kv_width(head_dim), column = pos % ATTN_TILE;
    float *scales = tile_of(cache, KV_Q8, pos, head_dim);
    int8_t *keys = q8_keys(scales), *values = keys + ATTN_TILE * w, x[MAX_HEAD_DIM];
    memset(x, 0, (size_t)w);
    float dk = quantize_head(x, k, head_dim);
    for (int d = 0; d < w; d += 4) memcpy(keys + d * ATTN_TILE + column * 4, x + d, 4);
    float dv = quantize_head(x, v, head_dim);
    for (int part = 0; part < head_dim; part += ATTN_TILE) {
        int stride = w - part < ATTN_TILE ? w - part : ATTN_TILE, dims = head_dim - part < stride ? head_dim - part : stride;
        int8_t *to = values + part * ATTN_TILE + column / 4 * stride * 4 + column % 4;
        for (int d = 0; d < dims; d++) to[4 * d] = x[part + d];
    }
    scales[column] = dv == dv ? dk : dv;                /* a score that is not a number is noticed, a value might not be */
    scales[ATTN_TILE + column] = dv;
}

/* p = score of a head: (dq * dk) * dots. fvec: dq * dk is 0 or at least 2^-91. */
static inline void scale_scores(float *p, const int32_t *dots, float dq, const float *dk, int n) {
    for (int j = 0; j < n; j += LANES)
        for (int i = j; i < j + LANES; i += FWIDTH)
            fv_store(p + i, fv_mul(fv_from_ints(uv_load(dots + i)), fv_mul(fv_all(dq), fv_load(dk + i))));
}

/* The weights p times the values' scales as 14-bit whole numbers u = 128 high + low, the largest 16383. Returns their step.
 * fvec: products below TINY are 0, and what is subnormal rounds to 0. */
static inline float quantize_weights(int8_t high[ATTN_TILE], int8_t low[ATTN_TILE], const float *p, const float *dv, int valid) {
    float w[ATTN_TILE];
    for (int j = 0; j < ATTN_TILE; j += FWIDTH) fv_store(w + j, fv_flush(fv_mul(fv_load(p + j), fv_load(dv + j))));
    for (int j = valid; j < ATTN_TILE; j++) w[j] = 0;
    float top = largest(w);
    float inv = top > 0 ? 16383.0f / top : 0;
    for (int j = 0; j < ATTN_TILE; j += LANES) {
        uvec u[LANES / FWIDTH], v[LANES / FWIDTH];
        for (int i = 0; i < LANES / FWIDTH; i++) {
            u[i] = fv_bits(fv_add(fv_mul(fv_load(w + j + i * FWIDTH), fv_all(inv)), fv_all(0x1.8p23f)));
            v[i] = uv_and(u[i], 127);
            u[i] = uv_and(UV_RIGHT(u[i], 7), 127);
        }
        uv_store_low_bytes((uint8_t *)high + j, u);
        uv_store_low_bytes((uint8_t *)low + j, v);
    }
    return top / 16383.0f;
}

/* out = out * keep + step * (128 high + low). fvec: out is 0 or at least TINY, beside which a subnormal is nothing, and step is 0 or at
 * least 2^-114. */
static inline void add_dots(float *out, float keep, const int32_t *high, const int32_t *low, float step, int n) {
    int d = 0;
    for (; d + FSTEP <= n; d += FSTEP) {
        fvec sum[SIDE], old[SIDE];
        EACH_SIDE sum[i] = fv_from_ints(uv_add(UV_LEFT(uv_load(high + d + i * FWIDTH), 7), uv_load(low + d + i * FWIDTH)));
        EACH_SIDE old[i] = fv_mul(fv_load(out + d + i * FWIDTH), fv_all(keep));
        EACH_SIDE sum[i] = fv_flush(fv_add(old[i], fv_mul(sum[i], fv_all(step))));
        EACH_SIDE fv_store(out + d + i * FWIDTH, sum[i]);
    }
    for (; d < n; d++) out[d] = flush(out[d] * keep + (float)(128 * high[d] + low[d]) * step);
}

static void attention_q8(float *out, const float *q, const void *cache, int group, int n_pos, int head_dim, float scale) {
    const int w = kv_width(head_dim);
    const int64_t tile = kv_tile_size(KV_Q8, head_dim);
    for (int first = 0; first < group; first += HEADS, q += HEADS * head_dim, out += HEADS * head_dim) {
        int heads = group - first < HEADS ? group - first : HEADS;
        float max[HEADS], sum[HEADS], dq[HEADS], keep[HEADS], step[HEADS];
        _Alignas(16) int8_t x[HEADS * MAX_HEAD_DIM], u[2 * HEADS][ATTN_TILE];     /* u: high parts of the weights of each head, then low parts */
        int32_t dots[2 * HEADS][ATTN_TILE];
        memset(x, 0, (size_t)(heads * w));
        for (int h = 0; h < heads; h++) dq[h] = quantize_head(x + h * w, q + h * head_dim, head_dim) * scale;
        begin_heads(out, max, sum, heads, head_dim);
        for (int t = 0; t * ATTN_TILE < n_pos; t++) {
            const float *scales = (const float *)(const void *)((const unsigned char *)cache + t * tile);
            const int8_t *keys = q8_keys(scales), *values = keys + ATTN_TILE * w;
            int valid = valid_in_tile(n_pos, t), used = (valid + 15) / 16 * 16;
            dot_keys(dots, keys, used, x, w, w / 4, heads);
            for (int h = 0; h < heads; h++) {
                float p[ATTN_TILE];
                fetch((const char *)scales + tile + h * (tile / heads), tile / heads);
                scale_scores(p, dots[h], dq[h], scales, used);
                keep[h] = softmax_tile(p, valid, &max[h], &sum[h]);
                step[h] = quantize_weights(u[2 * h], u[2 * h + 1], p, scales + ATTN_TILE, valid);
            }
            for (int d = 0; d < head_dim; d += ATTN_TILE) {
                int columns = w - d < ATTN_TILE ? w - d : ATTN_TILE, dims = head_dim - d < columns ? head_dim - d : columns;
                dot_values(dots, values + d * ATTN_TILE, columns, u[0], used / 4, 2 * heads);
                for (int h = 0; h < heads; h++) add_dots(out + h * head_dim + d, keep[h], dots[2 * h], dots[2 * h + 1], step[h], dims);
            }
        }
        end_heads(out, sum, heads, head_dim);
    }
}

#endif
