/* base.h - L0: errors, checked arithmetic, growing buffers, files. Knows nothing of models. */
#ifndef QW_BASE_H
#define QW_BASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <float.h>
#include "qw.h"

#if FLT_EVAL_METHOD != 0
#error "qw needs float arithmetic without excess precision; on 32-bit x86 add -msse2 -mfpmath=sse"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "qw reads safetensors, which are little-endian, in place"
#endif
#ifdef __FAST_MATH__
#error "qw promises the same bits everywhere: do not compile it with -ffast-math"
#endif

#if defined(__GNUC__)
#define QW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define QW_PRINTF(fmt, args)
#endif

/* Fill *err (may be NULL) and return code, so that a failure is one statement: return fail(err, QW_EFORMAT, "..."); */
int fail(qw_error *err, int code, const char *fmt, ...) QW_PRINTF(3, 4);
int fail_memory(qw_error *err, const char *what, uint64_t bytes);

/* Checked arithmetic: false on overflow, and *out is then unspecified. */
static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *out) { return !__builtin_mul_overflow(a, b, out); }

/* Memory for n elements of size bytes, zeroed, aligned to 64 bytes; NULL when n * size overflows or there is none. Free with free(). */
void *alloc_zero(uint64_t n, uint64_t size);

/* The same for large blocks, whose pages come when they are first written; not zeroed. */
void *alloc_pages(uint64_t bytes);

/* A growing byte buffer; {0} is empty. Once an allocation fails, oom stays set and further puts do nothing: check once at the end. */
struct buf { char *p; size_t n, cap; bool oom; };
bool buf_reserve(struct buf *b, size_t more);           /* room for `more` bytes behind p + n */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_free(struct buf *b);

/* A growing list of token ids, the same way. */
struct ids { int32_t *p; size_t n, cap; bool oom; };
void ids_put(struct ids *a, int32_t id);
void ids_free(struct ids *a);

/* A file's bytes, read-only: read into memory (read_file), mapped (map_file), or a part of another. Release with file_close in any case. */
struct file { const unsigned char *data; uint64_t size; enum { FILE_OWNED, FILE_MAPPED, FILE_BORROWED } kind; };
int  map_file(struct file *f, const char *path, qw_error *err);
int  read_file(struct file *f, const char *path, uint64_t max_size, qw_error *err);
void file_close(struct file *f);

/* These bytes of a mapped file are not needed for now: their memory may go back; they can be read again. */
void file_forget(const void *p, uint64_t n);

enum path_kind { PATH_MISSING, PATH_FILE, PATH_DIR };
enum path_kind path_kind(const char *path);
/* dir + "/" + name as a new string; NULL when there is no memory. The caller frees it. */
char *path_join(const char *dir, const char *name);

#endif
