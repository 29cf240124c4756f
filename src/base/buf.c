/* buf.c - buffers that grow. */
#include "base/buf.h"
#include <stdlib.h>
#include <string.h>

bool buf_reserve(struct buf *b, size_t more) {
    if (b->oom) return false;
    if (b->cap - b->n >= more) return true;
    size_t cap = b->cap ? b->cap : 64;
    if (more > PTRDIFF_MAX - b->n) {
        b->oom = true;
        return false;
    }
    while (cap - b->n < more) cap = cap > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : cap * 2;
    char *p = realloc(b->p, cap);
    if (!p) {
        b->oom = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_put(struct buf *b, const void *p, size_t n) {
    if (n == 0 || !buf_reserve(b, n)) return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_str(struct buf *b, const char *s) { buf_put(b, s, strlen(s)); }
void buf_char(struct buf *b, char c) { buf_put(b, &c, 1); }
void buf_free(struct buf *b) {
    free(b->p);
    *b = (struct buf){0};
}

void ids_put(struct ids *a, int32_t id) {
    if (a->oom) return;
    if (a->n == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;
        int32_t *p = cap > PTRDIFF_MAX / sizeof *p ? NULL : realloc(a->p, cap * sizeof *p);
        if (!p) {
            a->oom = true;
            return;
        }
        a->p = p;
        a->cap = cap;
    }
    a->p[a->n++] = id;
}

void ids_free(struct ids *a) {
    free(a->p);
    *a = (struct ids){0};
}
