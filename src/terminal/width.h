/* width.h - text in cells of a terminal: where characters end, and how wide they are.
 *
 * What a person calls a character is a grapheme cluster (UAX 29): a letter with its marks, an
 * emoji of several parts, a flag. The widths are the same in every locale. */
#ifndef QW_WIDTH_H
#define QW_WIDTH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first grapheme cluster of p[0..n), n > 0. Returns its bytes; *cells is its width: 0, 1 or 2.
 * What is shown in another form (visible.h) has the width of that: 2 for ^[, 8 for <U+202E>, 4 for
 * <9B>, one byte that is not UTF-8. A newline and a tab have 0: their place depends on the
 * column. */
size_t cluster_next(const char *p, size_t n, int *cells);
/* The bytes of the last cluster of p[0..n), n > 0. */
size_t cluster_previous(const char *p, size_t n);
/* The first place between two clusters, or an end of p[0..n), at or after an offset. */
size_t cluster_boundary(const char *p, size_t n, size_t at);
/* The sum of all clusters. */
size_t text_cells(const char *p, size_t n);

/* The same with what it takes to print it. */
struct cluster {
    size_t n;                   /* bytes */
    int cells;                  /* as in cluster_next */
    int spread;                 /* the most that a terminal may make of it that knows no clusters */
    uint32_t first;             /* its first code point; NO_CODE_POINT (visible.h): none */
    bool control;               /* a terminal may not get it as it is */
    bool mark;                  /* it has no base: it would go to the character before, or vanish */
};
struct cluster cluster_at(const char *p, size_t n);

#endif
