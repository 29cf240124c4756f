/* model_files.h - the small files of a model (config, tokenizer, template), next to its weights or
 * inside a packed file.
 *
 * A packed file (packed_file.c writes it) holds them as tensors of bytes named "qw.file.NAME". */
#ifndef QW_MODEL_FILES_H
#define QW_MODEL_FILES_H
#include "model/safetensors.h"

#define PACKED_FILE_PREFIX "qw.file."
enum { MAX_FILE_KEY = 384 };        /* bytes of a tensor's name for a file, at most */

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

/* Is there a file of this name? Never in a packed file, which holds only what is needed. */
bool model_file_exists(const struct model_files *c, const char *name);

/* Read one. *path is what to call it in messages (the caller frees it), also on failure if not
 * NULL. A file that is not there gives 0 and f->data NULL. */
int model_file_read(const struct model_files *c, const char *name, struct file *f, char **path,
                    qw_error *err);

/* The folder of chat templates beside a model's own. */
#define MORE_TEMPLATES "additional_chat_templates"

/* Names of files. {0} is empty. */
struct name_list { char **list; size_t n; };
int  add_name(struct name_list *names, const char *name, qw_error *err);
void free_names(struct name_list *names);

/* Add those of the files in a folder of the model that end in suffix, sorted, as FOLDER/NAME. A
 * folder that is not there has none. */
int model_files_list(const struct model_files *c, const char *folder, const char *suffix,
                     struct name_list *names, qw_error *err);

#endif
