/* packing.c - from matrices as stored to packed ones, in memory or piece by piece. */
#include "model/packing.h"
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/file.h"

enum {
    SLICE = 16 << 20,               /* stored bytes to pack at a time */
    SMALL_MODEL = 100000000,        /* parameters; models with fewer are used as stored */
};

uint64_t weights_packed_size(const struct weights *w, enum packed_type type) {
    uint64_t sum = 0;
    for (int i = 0; i < w->n_bound; i++) {
        const struct matrix *m = w->bound[i].matrix;
        if (m) sum += packed_room(type, m->rows, m->cols);
    }
    return sum;
}

enum packed_type auto_type(const struct weights *w, uint64_t cache_bytes, uint64_t free_bytes) {
    if (w->n_params < SMALL_MODEL) return NOT_PACKED;
    if (free_bytes == 0) return PACKED_Q8;
    uint64_t q8 = weights_packed_size(w, PACKED_Q8);
    bool fits = q8 <= free_bytes / 4 * 3 && cache_bytes <= free_bytes - q8;
    return fits ? PACKED_Q8 : PACKED_Q4;
}

/* Stored bytes of panels [first..first+n); the last panel may have fewer than 16 rows. */
static uint64_t stored_size(const struct matrix *m, int64_t first, int64_t n) {
    int64_t begin = first * PANEL,
            end = (first + n) * PANEL < m->rows ? (first + n) * PANEL : m->rows;
    return source_size(&m->source, end - begin);
}

int64_t panels_per_slice(const struct matrix *m) {
    return SLICE / (int64_t)source_size(&m->source, PANEL) + 1;
}

/* ---- panels in parallel ---- */

struct pack_job {
    const struct packer *p;
    const struct matrix *m;
    int64_t first;                  /* panel that goes to out */
    unsigned char *out;
    atomic_int bad_row;             /* the first row that is not finite; INT_MAX: none so far */
    atomic_bool no_memory;
};

/* The first row of a packed panel that is not finite, which `pack` marks by a step of NaN; `rows`
 * if there is none. */
static int find_bad_row(const unsigned char *panel, enum packed_type type, int cols, int rows) {
    for (int s = 0; s < n_super(cols); s++) {
        const uint16_t *d = ((const struct q8_super *)panel)[s].d;
        if (type == PACKED_Q4) d = ((const struct q4_super *)panel)[s].d;
        for (int r = 0; r < rows; r++)
            if (d[r] >= 0x7F80) rows = r;
    }
    return rows;
}

static void pack_range(void *ctx, int64_t begin, int64_t end) {
    struct pack_job *j = ctx;
    const struct matrix *m = j->m;
    const struct kernels *k = j->p->kernels;
    const struct format *format = m->source.format;
    const enum packed_type type = j->p->type;
    float *floats = malloc(PANEL * (size_t)m->cols * sizeof *floats);
    if (!floats) {
        atomic_store(&j->no_memory, true);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        int64_t row = (j->first + i) * PANEL;
        int rows = m->rows - row < PANEL ? (int)(m->rows - row) : PANEL;
        unsigned char *panel = j->out + (uint64_t)i * panel_size(type, m->cols);
        format->rows(&m->source, k, row, rows, floats);
        k->pack[type](panel, floats, rows, m->cols, format->short_weights);
        int bad = find_bad_row(panel, type, m->cols, rows), known = atomic_load(&j->bad_row);
        if (bad == rows) continue;
        bad += (int)row;
        while (bad < known && !atomic_compare_exchange_weak(&j->bad_row, &known, bad)) {}
    }
    free(floats);
}

int pack_panels(struct packer *p, const struct bound *b, int64_t first, int64_t n,
                unsigned char *out, qw_error *err) {
    const struct matrix *m = b->matrix;
    struct pack_job j = {.p = p, .m = m, .first = first, .out = out, .bad_row = INT_MAX};
    parallel_for(p->pool, n, 4, pack_range, &j);
    file_forget(source_row(&m->source, first * PANEL), stored_size(m, first, n));
    if (atomic_load(&j.no_memory))
        return fail_memory(err, "rows to be packed", PANEL * (uint64_t)m->cols * sizeof(float));
    int bad = atomic_load(&j.bad_row);
    if (bad != INT_MAX)
        return fail(err, QW_ENUMERIC,
                    "%s: tensor '%s', row %d: a weight is not finite: the file is damaged", b->path,
                    b->name, bad);
    p->done += stored_size(m, first, n);
    if (p->progress && p->progress(p->user, p->done, p->all))
        return fail(err, QW_ECANCEL, "stopped while the weights were quantised");
    return 0;
}

/* ---- in memory ---- */

static int pack_matrix(struct packer *p, const struct bound *b, unsigned char *out, qw_error *err) {
    const struct matrix *m = b->matrix;
    int64_t panels = n_panels(m->rows), slice = panels_per_slice(m);
    int rc = 0;
    for (int64_t first = 0; !rc && first < panels; first += slice) {
        int64_t n = panels - first < slice ? panels - first : slice;
        rc = pack_panels(p, b, first, n, out + (uint64_t)first * panel_size(p->type, m->cols), err);
    }
    return rc;
}

int weights_pack(struct weights *w, struct packer *p, qw_error *err) {
    bool tied = w->head.data == w->embd.data;
    uint64_t size = weights_packed_size(w, p->type);
    unsigned char *next = w->own = alloc_large(size);
    if (!next) return fail_memory(err, "the packed weights", size);
    p->all = w->bytes;
    for (int i = 0; i < w->n_bound; i++) {
        struct matrix *m = w->bound[i].matrix;
        if (!m) continue;
        int rc = pack_matrix(p, &w->bound[i], next, err);
        if (rc) return rc;
        m->data = next;
        m->packed = p->type;
        next += packed_room(p->type, m->rows, m->cols);
    }
    if (tied) w->head = w->embd;
    w->type = p->type;
    w->bytes = size;
    return 0;
}

/* ---- as F32 in memory ---- */

static bool needs_widening(const struct matrix *m) {
    return m && m->packed == NOT_PACKED && m->source.format->stored == NO_KERNELS;
}

uint64_t weights_widened_size(const struct weights *w) {
    uint64_t sum = 0;
    for (int i = 0; i < w->n_bound; i++) {
        const struct matrix *m = w->bound[i].matrix;
        if (needs_widening(m)) sum += (uint64_t)m->rows * (uint64_t)m->cols * sizeof(float);
    }
    return sum;
}

struct widen_job {
    const struct packer *p;
    const struct source *source;
    float *out;
};

static void widen_range(void *ctx, int64_t begin, int64_t end) {
    const struct widen_job *j = ctx;
    float *out = j->out + begin * j->source->cols;
    j->source->format->rows(j->source, j->p->kernels, begin, (int)(end - begin), out);
}

int weights_widen(struct weights *w, struct packer *p, qw_error *err) {
    const uint64_t size = weights_widened_size(w);
    const bool tied = w->head.data == w->embd.data;
    if (size == 0) return 0;
    float *next = alloc_large(size);
    w->own = (unsigned char *)next;
    if (!next) return fail_memory(err, "the weights as floats", size);
    p->all = w->bytes;
    for (int i = 0; i < w->n_bound; i++) {
        struct matrix *m = w->bound[i].matrix;
        if (!needs_widening(m)) continue;
        struct widen_job j = {.p = p, .source = &m->source, .out = next};
        parallel_for(p->pool, m->rows, 16, widen_range, &j);
        const uint64_t stored = source_size(&m->source, m->rows);
        file_forget(m->source.data, stored);
        m->data = (const unsigned char *)next;
        m->source = (struct source){format_of("F32"), m->data, m->rows, m->cols};
        w->bytes += source_size(&m->source, m->rows) - stored;
        next += (int64_t)m->rows * m->cols;
        p->done += stored;
        if (p->progress && p->progress(p->user, p->done, p->all))
            return fail(err, QW_ECANCEL, "stopped while the weights were converted");
    }
    if (tied) w->head = w->embd;
    return 0;
}
