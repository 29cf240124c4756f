/* layout.c - a line of text as rows of cells. */
#include "terminal/layout.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "terminal/visible.h"
#include "terminal/width.h"

enum { TAB_STOP = 8 };

/* Where the next cell goes. */
struct pen {
    struct layout *y;
    int columns, column;
    size_t row, last;           /* rows from y->first up to last are kept */
    size_t since;               /* cells since the line of text began */
    bool at_cursor;             /* the next cell is the cursor's */
};

/* ---- rows ---- */

static bool kept(const struct pen *pen) {
    return pen->row >= pen->y->first && pen->row < pen->last;
}

static void begin_row(struct pen *pen) {
    struct layout *y = pen->y;
    if (!kept(pen) || y->oom) return;
    if (y->n == y->cap) {
        size_t cap = y->cap ? y->cap * 2 : 16;
        struct row *rows = realloc(y->rows, cap * sizeof *rows);
        if (!rows) {
            y->oom = true;
            return;
        }
        y->rows = rows;
        y->cap = cap;
    }
    y->rows[y->n++] = (struct row){y->bytes.n, 0, y->cells.n, 0, false, false};
}

static void finish_row(struct pen *pen, bool soft) {
    struct layout *y = pen->y;
    if (!kept(pen) || y->oom) return;
    struct row *row = &y->rows[y->n - 1];
    row->n_bytes = y->bytes.n - row->bytes;
    row->n_cells = y->cells.n - row->cells;
    row->full = pen->column == pen->columns;
    row->soft = soft;
}

static void next_row(struct pen *pen, bool soft) {
    finish_row(pen, soft);
    pen->row++;
    pen->column = 0;
    begin_row(pen);
}

/* ---- cells ---- */

/* Text that advances by so many cells. */
static void put_cells(struct pen *pen, const char *p, size_t n, int cells) {
    if (pen->at_cursor) {
        pen->y->cursor_row = pen->row;
        pen->y->cursor_column = pen->column;
        pen->at_cursor = false;
    }
    if (kept(pen)) {
        buf_put(&pen->y->bytes, p, n);
        buf_char(&pen->y->cells, (char)cells);
    }
    pen->column += cells;
    pen->since += (size_t)cells;
}

static void wrap(struct pen *pen) {
    bool at_cursor = pen->at_cursor;
    size_t since = pen->since;
    pen->at_cursor = false;
    while (pen->column < pen->columns) put_cells(pen, " ", 1, 1);
    next_row(pen, true);
    pen->at_cursor = at_cursor;
    pen->since = since;
}

static void put_ascii(struct pen *pen, char c) {
    if (pen->column == pen->columns) wrap(pen);
    put_cells(pen, &c, 1, 1);
}

static void put_string(struct pen *pen, const char *s) {
    for (; *s; s++) put_ascii(pen, *s);
}

static void put_form(struct pen *pen, uint32_t c, unsigned char byte) {
    char form[VISIBLE_FORM];
    visible_form(c, byte, form);
    put_string(pen, form);
}

/* The code points of a cluster one by one. */
static void put_parts(struct pen *pen, const char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += (size_t)utf8_decode(p + i, n - i, &c);
        if (c < 0x80) put_ascii(pen, (char)c);
        else put_form(pen, c, 0);
    }
}

/* A cluster whose width terminals do not agree on: its cells are cleared, it is printed, and the
 * cursor is put where it belongs; it keeps away from the margin, where a wider one would wrap. */
static void put_doubtful(struct pen *pen, const char *p, const struct cluster *k) {
    char before[32], after[24];
    if (pen->column + k->spread >= pen->columns) wrap(pen);
    int column = pen->column + 1;
    snprintf(before, sizeof before, "%*s\033[%dG", k->cells, "", column);
    snprintf(after, sizeof after, "\033[%dG", column + k->cells);
    put_cells(pen, before, strlen(before), k->cells);
    if (!kept(pen)) return;
    buf_put(&pen->y->bytes, p, k->n);
    buf_str(&pen->y->bytes, after);
}

static bool doubtful(const struct cluster *k) {
    size_t first = k->first < 0x80 ? 1 : 2u + (k->first >= 0x800) + (k->first >= 0x10000);
    return k->n > first || k->spread > k->cells || (k->first >= 0x1F000 && k->first < 0x20000);
}

static void put_cluster(struct pen *pen, const char *p, const struct cluster *k) {
    if (k->control) {
        put_form(pen, k->first, (unsigned char)*p);
    } else if (k->mark || k->spread >= pen->columns) {
        put_parts(pen, p, k->n);
    } else if (doubtful(k)) {
        put_doubtful(pen, p, k);
    } else {
        if (pen->column + k->cells > pen->columns) wrap(pen);
        put_cells(pen, p, k->n, k->cells);
    }
}

/* ---- texts ---- */

int fold_label(const struct paste *paste, char out[FOLD_LABEL]) {
    const char *lines = paste->lines == 1 ? "line" : "lines";
    double size = (double)paste->n;
    if (paste->n < 1000)
        return snprintf(out, FOLD_LABEL, "[pasted %zu %s, %zu bytes]", paste->lines, lines,
                        paste->n);
    bool kilo = paste->n < 999950;
    return snprintf(out, FOLD_LABEL, "[pasted %zu %s, %.1f %s]", paste->lines, lines,
                    size / (kilo ? 1e3 : 1e6), kilo ? "KB" : "MB");
}

static void put_prompt(struct pen *pen, const char *prompt) {
    struct cluster k;
    for (size_t n = strlen(prompt); n > 0; n -= k.n, prompt += k.n) {
        k = cluster_at(prompt, n);
        put_cluster(pen, prompt, &k);
    }
}

static void put_tab(struct pen *pen) {
    size_t blanks = TAB_STOP - pen->since % TAB_STOP;
    while (blanks-- > 0) put_ascii(pen, ' ');
}

/* The character at an offset; returns its bytes. */
static size_t put_character(struct pen *pen, const struct line *line, size_t at) {
    const char *p = line->text.p + at;
    if (is_fold(p)) {
        char label[FOLD_LABEL];
        fold_label(line_paste(line, p), label);
        put_string(pen, label);
        return FOLD_BYTES;
    }
    struct cluster k = cluster_at(p, line->text.n - at);
    if (*p == '\t') {
        put_tab(pen);
    } else if (*p == '\n') {
        put_ascii(pen, ' ');
        next_row(pen, false);
        put_string(pen, ". ");
        pen->since = 0;
    } else {
        put_cluster(pen, p, &k);
    }
    return k.n;
}

/* Is the character there one byte for one cell? */
static bool is_simple(const struct buf *text, size_t at) {
    unsigned char c = (unsigned char)text->p[at];
    if (c < ' ' || c >= 0x7F) return false;
    return at + 1 == text->n || !((unsigned char)text->p[at + 1] & 0x80);
}

/* Lays out everything; keeps a window of rows. */
static void lay_out(struct layout *y, const struct view *view, int columns, size_t first,
                    size_t rows) {
    const struct buf *text = &view->line->text;
    struct pen pen = {.y = y, .columns = columns, .last = first + rows};
    y->first = first;
    y->n = y->bytes.n = y->cells.n = 0;
    begin_row(&pen);
    put_prompt(&pen, view->prompt);
    pen.since = 0;
    for (size_t at = 0; at < text->n;) {
        if (at == view->cursor) pen.at_cursor = true;
        if (is_simple(text, at)) put_ascii(&pen, text->p[at++]);
        else at += put_character(&pen, view->line, at);
    }
    if (view->cursor == text->n) pen.at_cursor = true;
    put_ascii(&pen, ' ');
    finish_row(&pen, false);
    y->total = pen.row + 1;
    y->oom = y->oom || y->bytes.oom || y->cells.oom;
}

/* Nearly always the window stays where it was, and one pass is enough. */
void layout_text(struct layout *y, const struct view *view, int columns, size_t first,
                 size_t rows) {
    if (columns < LAYOUT_COLUMNS) columns = LAYOUT_COLUMNS;
    y->oom = y->bytes.oom = y->cells.oom = false;
    lay_out(y, view, columns, first, rows);
    size_t tried = first;
    if (first + rows > y->total) first = y->total > rows ? y->total - rows : 0;
    if (y->cursor_row < first) first = y->cursor_row;
    if (y->cursor_row >= first + rows) first = y->cursor_row - rows + 1;
    if (first != tried) lay_out(y, view, columns, first, rows);
}

size_t layout_reflow(const struct layout *y, int columns) {
    size_t row = 0;
    int column = 0;
    for (size_t i = 0; i < y->n; i++) {
        const struct row *r = &y->rows[i];
        int x = 0;
        for (size_t k = 0; k < r->n_cells; k++) {
            int cells = y->cells.p[r->cells + k];
            if (column > 0 && column + cells > columns) {
                row++;
                column = 0;
            }
            if (i == y->cursor_row - y->first && x == y->cursor_column) return row;
            column += cells;
            x += cells;
        }
        if (r->soft) continue;
        row++;
        column = 0;
    }
    return row;
}

void layout_free(struct layout *y) {
    free(y->rows);
    buf_free(&y->bytes);
    buf_free(&y->cells);
    *y = (struct layout){0};
}
