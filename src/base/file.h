/* file.h - reading and mapping files, and their paths. */
#ifndef QW_FILE_H
#define QW_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

/* A file's bytes, read-only: read into memory (read_file), mapped (map_file), or part of another
 * file's. Release with file_close, however it was filled. */
struct file {
    const unsigned char *data;
    uint64_t size;
    enum { FILE_OWNED, FILE_MAPPED, FILE_BORROWED } kind;
};
/* Both fail with QW_EIO, QW_EFORMAT (map_file: it is empty; read_file: it is longer than max_size)
 * or QW_ENOMEM; then there is nothing to close. */
int  map_file(struct file *f, const char *path, qw_error *err);
int  read_file(struct file *f, const char *path, uint64_t max_size, qw_error *err);
void file_close(struct file *f);
/* The first bytes of a regular file: how many there are, at most n; 0 also if it cannot be read. */
size_t file_start(const char *path, void *out, size_t n);

/* Tells the system that n bytes at p, mapped from a file, are not needed for now: their memory
 * can be reused, and they can be read again. */
void file_forget(const void *p, uint64_t n);
/* That of n bytes at p only a few here and there will be read, so that what lies around them need
 * not be; or, with false, all of them again. */
void file_scattered(const void *p, uint64_t n, bool scattered);
/* That they will be read soon: begin to fetch them. */
void file_want(const void *p, uint64_t n);

enum path_kind { PATH_MISSING, PATH_FILE, PATH_DIR };
enum path_kind path_kind(const char *path);
/* Does the path end with this suffix? */
bool path_ends_with(const char *path, const char *suffix);
/* dir + "/" + name as a new string, which the caller frees; NULL when memory runs out. */
char *path_join(const char *dir, const char *name);

#endif
