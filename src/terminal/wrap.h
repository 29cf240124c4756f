/* wrap.h - text as it comes, wrapped at words to the width of a terminal.
 *
 * A word shows as it comes. When it turns out not to fit, it is taken off its row and goes on in
 * the next:
 *
 *     |Sunlight is scat|   "tered" comes    |Sunlight is     |
 *     |                |   ------------>    |scattered       |
 *
 * A blank that does not fit becomes the end of the row. Words wider than a row, lines inside ```
 * fences and lines that begin with '|' are left to the terminal, so that they can be copied whole.
 */
#ifndef QW_WRAP_H
#define QW_WRAP_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* Zeros but for the columns and the indent at the start. */
struct wrap {
    size_t columns;             /* of the terminal; 0: nothing is wrapped */
    size_t indent;              /* blanks at the beginning of each row */
    size_t column;              /* cells of the row that are filled, 0 to columns */
    size_t word_at;             /* the column where the word begins */
    struct buf word;            /* the word that is being shown: all since the last blank */
    char begin[3];              /* of the line, without the blanks before it */
    size_t n_begin;
    bool continued;             /* the row is not the first of its line */
    bool in_fence;
    bool whole;                 /* the line is not wrapped */
    bool spilled;               /* the word is wider than a row */
};

/* Append what the terminal is to be sent for n bytes of text to out. The text has only characters
 * that a terminal may get, and no part of one; what is out of memory shows in out->oom. */
void wrap_put(struct wrap *w, const char *p, size_t n, struct buf *out);
/* Is the cursor at the beginning of a line? */
bool wrap_at_line(const struct wrap *w);
/* The terminal has so many columns from now on. */
void wrap_resize(struct wrap *w, size_t columns);
/* The cursor is at the beginning of a row, wherever it was. */
void wrap_restart(struct wrap *w);
void wrap_free(struct wrap *w);

#endif
