/* format.h - how a tensor's bytes become floats: one struct format for each stored format.
 *
 * Everything above reads weights through it, so a new format is a file in this folder and a line in
 * format.c. What config.json says of the format belongs in config.c. */
#ifndef QW_FORMAT_H
#define QW_FORMAT_H
#include <stddef.h>
#include "kernels/kernels.h"

struct format;

/* A matrix as it is stored: rows x cols weights. Borrows its bytes. */
struct source {
    const struct format *format;
    const unsigned char *data;      /* at any alignment */
    int rows, cols;
};

struct format {
    const char *dtype;              /* its name in a safetensors header */
    int size;                       /* bytes of a weight; rows follow one another without gaps */
    enum stored_type stored;        /* kernels that read it in place; NO_KERNELS: made F32 first */
    bool short_weights;             /* at most 20 significant bits (see pack in kernels.h) */
    /* Rows [first..first+n) as floats, exactly: out[n][cols]. */
    void (*rows)(const struct source *s, const struct kernels *k, int64_t first, int n, float *out);
};

/* The format of tensors of this dtype, or NULL. */
const struct format *format_of(const char *dtype);
/* The dtypes that have one, for messages: "BF16, F16, F32". */
void list_formats(char *out, size_t size);

/* Bytes of n rows. */
static inline uint64_t source_size(const struct source *s, int64_t n) {
    return (uint64_t)n * (uint64_t)s->cols * (uint64_t)s->format->size;
}
/* Where a row begins. */
static inline const unsigned char *source_row(const struct source *s, int64_t row) {
    return s->data + source_size(s, row);
}

#endif
