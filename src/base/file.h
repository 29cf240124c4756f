/* file.h - files that are read, and their paths. */
#ifndef QW_FILE_H
#define QW_FILE_H
#include "base/error.h"

/* A file's bytes, read-only: read into memory (read_file), mapped (map_file), or a part of
 * another. Release with file_close in any case. */
struct file {
    const unsigned char *data;
    uint64_t size;
    enum { FILE_OWNED, FILE_MAPPED, FILE_BORROWED } kind;
};
int  map_file(struct file *f, const char *path, qw_error *err);
int  read_file(struct file *f, const char *path, uint64_t max_size, qw_error *err);
void file_close(struct file *f);

/* These bytes of a mapped file are not needed for now: their memory may go back; they can be
 * read again. */
void file_forget(const void *p, uint64_t n);

enum path_kind { PATH_MISSING, PATH_FILE, PATH_DIR };
enum path_kind path_kind(const char *path);
/* dir + "/" + name as a new string; NULL when there is no memory. The caller frees it. */
char *path_join(const char *dir, const char *name);

#endif
