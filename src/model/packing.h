/* pack.h - from matrices as stored to packed ones (kernels.h draws the layout), in memory or piece by piece. */
#ifndef QW_PACK_H
#define QW_PACK_H
#include "sys/threads.h"
#include "model/weights.h"

/* Told bytes as stored that are done and in all; nonzero stops. */
typedef int pack_progress(void *user, uint64_t done, uint64_t all);

/* Bytes that the matrices take when they are packed as q8 or q4. */
uint64_t packed_size(const struct weights *w, enum weight_type type);

/* Bytes as stored of panels first..first+n; the last panel may have fewer rows than PANEL. */
uint64_t stored_size(const struct matrix *m, int64_t first, int64_t n);

/* Panels to pack at a time: some megabytes, which are what packing needs of memory besides its result. */
int64_t slice_panels(const struct matrix *m);

/* Pack panels first..first+n of a stored matrix to out, in parallel. Pages of the file that have been read are given back. A row with a
 * weight that is not finite: QW_ENUMERIC names it. */
int  pack_panels(const struct bound *b, int64_t first, int64_t n, enum weight_type type, unsigned char *out, const struct kernels *k, struct pool *pool,
                 qw_error *err);

/* Replace all matrices as stored by packed ones in memory. progress may be NULL; when it stops: QW_ECANCEL. */
int  weights_pack(struct weights *w, enum weight_type type, const struct kernels *k, struct pool *pool, pack_progress *progress, void *user, qw_error *err);

/* A checksum of a stream of bytes: 64-bit words, little-endian, mixed one after the other. All pieces but the last must be a multiple
 * of 8 bytes long. Start with 0. */
uint64_t checksum(uint64_t h, const void *p, uint64_t n);

#endif
