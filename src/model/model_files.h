/* companions.h - the small files of a model (config, tokenizer, template): beside its weights, or inside a packed file.
 *
 * A packed file (quantize.c writes it) is a safetensors file that holds them as tensors of bytes, "qw.file.NAME", and the description
 * of its own format as "qw.json". */
#ifndef QW_COMPANIONS_H
#define QW_COMPANIONS_H
#include "model/safetensors.h"

#define PACKED_DESCRIPTION "qw.json"
#define PACKED_FILE_PREFIX "qw.file."

struct companions {
    char *dir;                      /* the directory, or a packed file's path */
    const struct checkpoint *packed;/* NULL: files of dir */
    struct checkpoint own;          /* what companions_open opened */
};

/* Is this checkpoint a packed file? */
bool is_packed_file(const struct checkpoint *c);

/* The companions of an open checkpoint at path (a directory, or a file in one). */
int  companions_of(struct companions *out, const char *path, const struct checkpoint *c, qw_error *err);
/* The same when only they are wanted: weights are opened only where path is a file. */
int  companions_open(struct companions *out, const char *path, qw_error *err);
void companions_close(struct companions *c);

/* Read one. *path is what to call it in messages (the caller frees it), also on failure if not NULL. A file that is not there gives 0
 * and f->data NULL. */
int  companion_read(const struct companions *c, const char *name, struct file *f, char **path, qw_error *err);

#endif
