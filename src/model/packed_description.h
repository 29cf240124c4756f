/* packed_description.h - what a packed file says about itself.
 *
 * A packed file (packed_file.c writes it) is a safetensors file in which one more tensor,
 * "qw.json", holds {"version": 1, "weight_type": "q4", "stored_type": "BF16", "n_vocab": 151936,
 * "checksums": {...}, "checksum": "..."}. */
#ifndef QW_PACKED_DESCRIPTION_H
#define QW_PACKED_DESCRIPTION_H
#include "kernels/kernels.h"
#include "model/safetensors.h"

#define PACKED_DESCRIPTION "qw.json"

enum { PACKED_VERSION = 1, MAX_VOCAB = 1 << 22 };

struct packed_description {
    enum packed_type type;          /* of all matrices; NOT_PACKED: this is not a packed file */
    int n_vocab;                    /* rows of the embedding, which its padded size does not tell */
    const char *stored_type;        /* dtype that the matrices had, or "mixed" */
};

/* Is this checkpoint a packed file? */
bool is_packed_file(const struct checkpoint *c);

/* Read it. *out has NOT_PACKED for any other checkpoint. QW_EFORMAT where it is damaged,
 * QW_EUNSUPPORTED for another version. */
int  packed_describe(struct packed_description *out, const struct checkpoint *c, qw_error *err);

#endif
