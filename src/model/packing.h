/* packing.h - from matrices as stored to packed ones (kernels.h draws the layout), in memory or
 * piece by piece. */
#ifndef QW_PACKING_H
#define QW_PACKING_H
#include "model/weights.h"
#include "sys/threads.h"

/* How to pack, and how far packing has come. */
struct packer {
    enum packed_type type;
    const struct kernels *kernels;
    struct pool *pool;
    /* NULL, or called after each slice with the stored bytes done and in all; nonzero stops. */
    int (*progress)(void *user, uint64_t done, uint64_t all);
    void *user;
    uint64_t done, all;             /* stored bytes */
};

/* Bytes that the matrices take when they are packed. */
uint64_t weights_packed_size(const struct weights *w, enum packed_type type);

/* What "auto" stands for: as stored below 100 M parameters, else q8 if that leaves a quarter of the
 * free bytes to the cache, else q4. free_bytes 0: unknown, q8. */
enum packed_type auto_type(const struct weights *w, uint64_t cache_bytes, uint64_t free_bytes);

/* How many panels to pack at a time: about 16 MiB of stored weights. */
int64_t panels_per_slice(const struct matrix *m);

/* Pack panels [first..first+n) of a stored matrix into out, in parallel. Pages of the file that
 * have been read are given back. QW_ENUMERIC names the first row with a weight that is not finite;
 * QW_ENOMEM; QW_ECANCEL when progress stops it. */
int pack_panels(struct packer *p, const struct bound *b, int64_t first, int64_t n,
                unsigned char *out, qw_error *err);

/* Replace all stored matrices by packed ones in memory. Errors as above. */
int  weights_pack(struct weights *w, struct packer *p, qw_error *err);

/* Bytes that weights_widen takes: 0 when kernels read all matrices in place. */
uint64_t weights_widened_size(const struct weights *w);
/* Make the weights usable as they are stored: replace matrices in a format that has no kernels by
 * F32 in memory. p->type is not used. Errors as above. */
int  weights_widen(struct weights *w, struct packer *p, qw_error *err);

#endif
