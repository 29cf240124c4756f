/* pack.c - from matrices as stored to packed ones, in memory or piece by piece. */
#include "model/packing.h"
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include "base/alloc.h"

enum { SLICE = 16 << 20 };     /* bytes as stored */

uint64_t packed_size(const struct weights *w, enum weight_type type) {
    uint64_t sum = 0;
    for (int i = 0; i < w->n_bound; i++)
        if (w->bound[i].matrix) sum += matrix_room(type, w->bound[i].matrix->rows, w->bound[i].matrix->cols);
    return sum;
}

uint64_t stored_size(const struct matrix *m, int64_t first, int64_t n) {
    int64_t begin = first * PANEL, end = (first + n) * PANEL < m->rows ? (first + n) * PANEL : m->rows;
    return matrix_size(m->type, (int)(end - begin), m->cols);
}

int64_t slice_panels(const struct matrix *m) { return SLICE / (int64_t)matrix_size(m->type, PANEL, m->cols) + 1; }

struct job { const struct matrix *m; const struct kernels *kernels; enum weight_type type; int64_t first; unsigned char *out; atomic_int bad; };

/* The kernels mark a row that is not finite with a NaN for a step: the first of them in a packed panel, or rows. */
static int bad_row(const unsigned char *panel, enum weight_type type, int cols, int rows) {
    for (int s = 0; s < n_super(cols); s++) {
        const uint16_t *d = type == WEIGHT_Q4 ? ((const struct q4_super *)panel)[s].d : ((const struct q8_super *)panel)[s].d;
        for (int r = 0; r < rows; r++) if (d[r] >= 0x7F80) rows = r;
    }
    return rows;
}

static void pack_some(void *ctx, int64_t begin, int64_t end) {
    struct job *j = ctx;
    const struct matrix *m = j->m;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = (j->first + i) * PANEL;
        int rows = m->rows - row < PANEL ? (int)(m->rows - row) : PANEL;
        unsigned char *panel = j->out + (uint64_t)i * panel_size(j->type, m->cols);
        j->kernels->pack[j->type - WEIGHT_Q8](panel, m->data + matrix_size(m->type, (int)row, m->cols), m->type, rows, m->cols);
        int bad = bad_row(panel, j->type, m->cols, rows), known = atomic_load(&j->bad);
        while (bad < rows && row + bad < known && !atomic_compare_exchange_weak(&j->bad, &known, (int)row + bad)) {}
    }
}

int pack_panels(const struct bound *b, int64_t first, int64_t n, enum weight_type type, unsigned char *out, const struct kernels *k, struct pool *pool,
                qw_error *err) {
    const struct matrix *m = b->matrix;
    struct job j = {m, k, type, first, out, INT_MAX};
    parallel_for(pool, n, 4, pack_some, &j);
    file_forget(m->data + matrix_size(m->type, (int)(first * PANEL), m->cols), stored_size(m, first, n));
    int bad = atomic_load(&j.bad);
    return bad == INT_MAX ? 0 : fail(err, QW_ENUMERIC, "%s: tensor '%s', row %d: a weight is not finite: the file is damaged", b->path, b->name, bad);
}

int weights_pack(struct weights *w, enum weight_type type, const struct kernels *k, struct pool *pool, pack_progress *progress, void *user, qw_error *err) {
    bool tied = w->head.data == w->embd.data;
    uint64_t size = packed_size(w, type), done = 0;
    unsigned char *next = w->packed = alloc_pages(size);
    if (!next) return fail_memory(err, "the packed weights", size);
    for (int i = 0; i < w->n_bound; i++) {
        struct matrix *m = w->bound[i].matrix;
        if (!m) continue;
        int64_t panels = (m->rows + PANEL - 1) / PANEL, slice = slice_panels(m);
        for (int64_t first = 0; first < panels; first += slice) {
            int64_t n = panels - first < slice ? panels - first : slice;
            int rc = pack_panels(&w->bound[i], first, n, type, next + (uint64_t)first * panel_size(type, m->cols), k, pool, err);
            if (rc) return rc;
            done += stored_size(m, first, n);
            if (progress && progress(user, done, w->bytes)) return fail(err, QW_ECANCEL, "stopped while the weights were quantised");
        }
        m->data = next;
        next += matrix_room(type, m->rows, m->cols);
        m->type = type;
    }
    if (tied) w->head = w->embd;
    w->type = type;
    w->bytes = size;
    return 0;
}

uint64_t checksum(uint64_t h, const void *data, uint64_t n) {
    const unsigned char *p = data;
    for (; n > 0; p += 8) {
        uint64_t word = 0, take = n < 8 ? n : 8;
        for (uint64_t i = 0; i < take; i++) word |= (uint64_t)p[i] << 8 * i;
        h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
        n -= take;
    }
    return h;
}
