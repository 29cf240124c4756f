/* screen.h - the line on the screen: what it shows, and what has to be printed to change that.
 *
 * Rows are printed from the first column on, never by moving over what is there, so a terminal that
 * disagrees about the width of a character shows that one wrong, but no other. */
#ifndef QW_SCREEN_H
#define QW_SCREEN_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "terminal/layout.h"

struct screen {
    int rows, columns;
    struct layout shown;        /* n 0: nothing is shown, and the cursor is where it would begin */
    struct layout next;         /* scratch */
};

void screen_free(struct screen *s);
/* Show a text: append to out what changes. If out->oom is set then, the screen may be behind. */
void screen_paint(struct screen *s, const struct view *view, struct buf *out);
/* Erase it: the cursor is where it began. */
void screen_hide(struct screen *s, struct buf *out);
/* Leave it there: the cursor is on the row after it, which is empty. */
void screen_leave(struct screen *s, struct buf *out);
/* The terminal has a new size, and cuts rows off, or breaks them again. Erases the text. */
void screen_resize(struct screen *s, int rows, int columns, bool truncates, struct buf *out);

#endif
