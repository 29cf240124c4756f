/* plain.h - the line on a terminal without control sequences, or for a person who hears the screen:
 * what is typed is echoed, and what cannot be said so is printed anew on another row. */
#ifndef QW_PLAIN_H
#define QW_PLAIN_H
#include <stdbool.h>
#include "base/buf.h"
#include "terminal/layout.h"

struct plain {
    int columns;
    bool begun;                 /* something is shown */
    struct buf shown;           /* the text */
    size_t column;              /* cells since the last newline that was printed */
};

void plain_free(struct plain *s);
/* Show a text; the cursor is always at its end. */
void plain_paint(struct plain *s, const struct view *view, struct buf *out);
/* To an empty row. */
void plain_leave(struct plain *s, struct buf *out);
/* The same, but a prompt without a text is rubbed out. */
void plain_hide(struct plain *s, struct buf *out);

#endif
