/* model_files.h - the small files of a model (config, tokenizer, template), next to its weights or
 * inside a packed file.
 *
 * A packed file (packed_file.c writes it) holds them as tensors of bytes named "qw.file.NAME". */
#ifndef QW_MODEL_FILES_H
#define QW_MODEL_FILES_H
#include "model/safetensors.h"

#define PACKED_FILE_PREFIX "qw.file."

struct model_files {
    char *dir;                      /* the directory, or a packed file's path */
    const struct checkpoint *packed;/* NULL: files of dir */
    struct checkpoint own;          /* what model_files_open opened */
};

/* The small files of an open checkpoint at path (a directory, or a file in one). */
int model_files_of(struct model_files *out, const char *path, const struct checkpoint *c,
                   qw_error *err);
/* The same when nothing else is wanted: opens weights only where path is a .safetensors file. */
int  model_files_open(struct model_files *out, const char *path, qw_error *err);
void model_files_close(struct model_files *c);

/* Read one. *path is what to call it in messages (the caller frees it), also on failure if not
 * NULL. A file that is not there gives 0 and f->data NULL. */
int model_file_read(const struct model_files *c, const char *name, struct file *f, char **path,
                    qw_error *err);

#endif
