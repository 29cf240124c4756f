/* safetensors.h - tensors of a checkpoint in safetensors files, checked and mapped. Knows nothing
 * of models.
 *
 *   file:  | u64 header length n | n bytes of JSON | tensor data |
 * JSON: {"name": {"dtype": "BF16", "shape": [out, in], "data_offsets": [begin, end]}, ...,
 * "__metadata__": {...}}
 *
 * As in the reference implementation the tensors must fill the data without a gap or overlap. */
#ifndef QW_SAFETENSORS_H
#define QW_SAFETENSORS_H
#include "base/error.h"
#include "base/buf.h"
#include "base/warnings.h"
#include "base/file.h"

enum { TENSOR_DIMS = 4 };

struct tensor {
    const char *name;
    const char *type_name;          /* as in the file: "BF16" */
    size_t name_at, type_name_at;   /* where both are in checkpoint.names */
    int n_dims;                     /* may be more than shape holds */
    uint64_t shape[TENSOR_DIMS];
    const unsigned char *data;      /* in the mapped file, at any alignment */
    uint64_t size;                  /* bytes; checked against the shape for types of known size */
    int file;                       /* index into files */
};

struct checkpoint {
    struct tensor *tensors;         /* sorted by name, names unique */
    uint32_t n_tensors;
    struct file *files;
    char **paths;                   /* n_files */
    int n_files;
    struct buf names;               /* what name and type_name point into */
};

/* {0} is empty. Map the file at path and add its tensors; takes over path. Data stays on disk until
 * it is read. After a failure only checkpoint_close is left to do. */
int  checkpoint_add(struct checkpoint *c, char *path, qw_error *err);
/* Once all files are added. last_wins: a tensor that is in several files is taken from the last one
 * and becomes a warning; otherwise it is an error. */
int  checkpoint_sort(struct checkpoint *c, bool last_wins, struct warnings *warnings,
                     qw_error *err);
void checkpoint_close(struct checkpoint *c);
const struct tensor *checkpoint_find(const struct checkpoint *c, const char *name);

#endif
