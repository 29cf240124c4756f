/* screen.c - the line on the screen: what it shows, and what has to be printed to change that. */
#include "terminal/screen.h"
#include <stdio.h>
#include <string.h>

/* CSI n and a letter. */
static void put_control(struct buf *out, size_t n, char letter) {
    char control[32];
    snprintf(control, sizeof control, "\033[%zu%c", n, letter);
    buf_str(out, control);
}

/* To the first column of a row that is there, or the next one. */
static void go(struct buf *out, size_t *at, size_t row) {
    buf_char(out, '\r');
    if (row < *at) put_control(out, *at - row, 'A');
    for (; *at < row; ++*at) buf_str(out, "\r\n");
    *at = row;
}

static size_t cursor_row(const struct layout *y) { return y->n ? y->cursor_row - y->first : 0; }

static bool same_row(const struct layout *a, const struct layout *b, size_t i) {
    const struct row *x = &a->rows[i], *y = &b->rows[i];
    return x->soft == y->soft && x->n_bytes == y->n_bytes &&
           memcmp(a->bytes.p + x->bytes, b->bytes.p + y->bytes, x->n_bytes) == 0;
}

static void print_row(const struct layout *y, size_t i, struct buf *out) {
    const struct row *row = &y->rows[i];
    buf_put(out, y->bytes.p + row->bytes, row->n_bytes);
    if (!row->full) buf_str(out, "\033[K");
}

/* A row that is no longer soft is cleared: so the terminal forgets that it was. */
static void clear_soft_rows(const struct layout *old, const struct layout *new, struct buf *out,
                            size_t *at) {
    for (size_t i = 0; i < old->n && i < new->n; i++) {
        if (!old->rows[i].soft || new->rows[i].soft) continue;
        go(out, at, i);
        buf_str(out, "\033[K");
    }
}

/* Print the rows that differ. What follows a soft row is printed right after it: the terminal
 * wraps, and knows that they belong together. Returns the row that the cursor is in. */
static size_t print_changes(const struct layout *old, const struct layout *new, struct buf *out) {
    size_t at = cursor_row(old);
    bool goes_on = false;
    if (old->n == 0) buf_str(out, "\r\033[J");
    clear_soft_rows(old, new, out, &at);
    for (size_t i = 0; i < new->n; i++) {
        if (!goes_on && i < old->n && same_row(old, new, i)) continue;
        if (!goes_on) go(out, &at, i);
        at = i;
        print_row(new, i, out);
        goes_on = new->rows[i].soft;
    }
    if (old->n > new->n) {
        go(out, &at, new->n);
        buf_str(out, "\033[J");
    }
    return at;
}

void screen_paint(struct screen *s, const struct view *view, struct buf *out) {
    layout_text(&s->next, view, s->columns, s->shown.n ? s->shown.first : 0, (size_t)s->rows);
    if (s->next.oom) {
        out->oom = true;
        return;
    }
    size_t at = print_changes(&s->shown, &s->next, out), row = cursor_row(&s->next);
    go(out, &at, row);
    if (s->next.cursor_column > 0) put_control(out, (size_t)s->next.cursor_column + 1, 'G');
    struct layout last = s->shown;
    s->shown = s->next;
    s->next = last;
}

void screen_hide(struct screen *s, struct buf *out) {
    size_t at = cursor_row(&s->shown);
    if (s->shown.n == 0) return;
    go(out, &at, 0);
    buf_str(out, "\033[J");
    s->shown.n = 0;
}

void screen_leave(struct screen *s, struct buf *out) {
    size_t at = cursor_row(&s->shown);
    go(out, &at, s->shown.n);
    s->shown.n = 0;
}

void screen_resize(struct screen *s, int rows, int columns, bool truncates, struct buf *out) {
    if (s->shown.n) {
        size_t at = truncates ? cursor_row(&s->shown) : layout_reflow(&s->shown, columns);
        go(out, &at, 0);
        buf_str(out, "\033[J");
        s->shown.n = 0;
    }
    s->rows = rows;
    s->columns = columns;
}

void screen_free(struct screen *s) {
    layout_free(&s->shown);
    layout_free(&s->next);
}
