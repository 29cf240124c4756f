/* buf.h - buffers that grow: bytes, and token ids. */
#ifndef QW_BUF_H
#define QW_BUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing byte buffer; {0} is empty. Once an allocation fails, oom stays set and further puts
 * do nothing: check once at the end. */
struct buf { char *p; size_t n, cap; bool oom; };
bool buf_reserve(struct buf *b, size_t more);           /* room for `more` bytes after p + n */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_free(struct buf *b);

/* A growing list of token ids, the same way. */
struct ids { int32_t *p; size_t n, cap; bool oom; };
void ids_put(struct ids *a, int32_t id);
void ids_free(struct ids *a);

#endif
