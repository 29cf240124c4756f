/* stored.c - BF16, F16 and F32: one number for each weight. The kernels convert them. */
#include "model/formats/format.h"

static void read_rows(const struct source *s, const struct kernels *k, int64_t first, int n,
                      float *out) {
    for (int i = 0; i < n; i++)
        k->row[s->format->stored](out + (int64_t)i * s->cols, source_row(s, first + i), s->cols);
}

const struct format format_bf16 = {
    .dtype = "BF16", .size = 2, .stored = STORED_BF16, .short_weights = true, .rows = read_rows,
};
const struct format format_f16 = {
    .dtype = "F16", .size = 2, .stored = STORED_F16, .short_weights = true, .rows = read_rows,
};
const struct format format_f32 = {
    .dtype = "F32", .size = 4, .stored = STORED_F32, .short_weights = false, .rows = read_rows,
};
