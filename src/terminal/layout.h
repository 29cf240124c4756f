/* layout.h - a line of text as rows of cells.
 *
 *     > What does this do? [pasted 120 lines, 4.1      soft: the terminal goes on by itself
 *     KB] I mean the part                              hard: it ends with a blank cell, where the
 *     . at the end                                           cursor stands on a newline or the end
 *
 * A soft row is full: where a wide character does not fit, blanks fill it. So the terminal knows
 * which rows belong together, and when it gets wider or narrower it breaks them again as
 * layout_reflow does. */
#ifndef QW_LAYOUT_H
#define QW_LAYOUT_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "terminal/line.h"

/* A row: what prints it, from the first column, and the widths of its cells, one byte each. */
struct row { size_t bytes, n_bytes, cells, n_cells; bool full, soft; };

struct layout {
    struct row *rows;           /* those of a window: first ... first + n - 1 */
    size_t first, n, cap;
    size_t total;               /* rows of the whole text */
    size_t cursor_row;          /* of the whole text */
    int cursor_column;
    struct buf bytes, cells;
    bool oom;                   /* memory ran out: the rows are incomplete */
};

struct view {
    const char *prompt;         /* before the first line of the text; ". " is before the others */
    const struct line *line;
    size_t cursor;
};

/* The narrowest screen that is laid out; a narrower one gets this. */
enum { LAYOUT_COLUMNS = 4 };

/* Lays out a text, but keeps only a window of rows around the cursor: at most `rows`, beginning at
 * `first` if the cursor is there, else as near to it as possible. */
void layout_text(struct layout *y, const struct view *view, int columns, size_t first, size_t rows);
/* The row that the cursor is in, counted from the first of the window, after a terminal of another
 * width has broken the rows again. */
size_t layout_reflow(const struct layout *y, int columns);
void layout_free(struct layout *y);

/* What the screen shows of a fold: [pasted 120 lines, 4.1 KB]. Returns its length. */
enum { FOLD_LABEL = 64 };
int fold_label(const struct paste *paste, char out[FOLD_LABEL]);

#endif
