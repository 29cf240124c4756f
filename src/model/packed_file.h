/* packed_file.h - writing and verifying packed files: everything a model needs in one safetensors
 * file, used in place. */
#ifndef QW_PACKED_FILE_H
#define QW_PACKED_FILE_H
#include "model/model_files.h"
#include "model/packing.h"

/* Where the bytes of a file go, in order; nonzero stops. */
typedef int write_fn(void *user, const void *p, size_t n);

/* Pack the weights, which must be as stored, and write them with the model's small files. Memory
 * stays bounded. The bytes depend on the model and p->type only: not on the machine, its kernels or
 * the number of threads. QW_EIO when write stops, and the errors of pack_panels and
 * model_file_read. */
int packed_file_write(const struct weights *w, const struct model_files *files, struct packer *p,
                      write_fn *write, void *user, qw_error *err);

/* Compare a packed file with its checksums: QW_EFORMAT names the tensor that is damaged, or has no
 * checksum. */
int  packed_file_verify(const char *path, qw_error *err);

#endif
