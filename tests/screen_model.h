/* screen_model.h - a small terminal for tests: what the bytes that are sent to it make it show.
 *
 * It knows CR, LF, BS, BEL and CSI A G H J K m; it wraps at the right margin only when the next
 * character comes; it breaks rows again when it gets wider or narrower, as most terminals do. */
#ifndef QW_SCREEN_MODEL_H
#define QW_SCREEN_MODEL_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "terminal/visible.h"
#include "terminal/width.h"

enum { MODEL_ROWS = 50, MODEL_COLUMNS = 210, MODEL_BYTES = 14 };

/* The right half of a wide character has width 0; a cell that nothing was printed in has n 0. */
struct model_cell { char s[MODEL_BYTES]; uint8_t n, width; };
struct model_row { struct model_cell cells[MODEL_COLUMNS]; bool soft; };

struct screen_model {
    int rows, columns, x, y;    /* the cursor */
    bool pending;               /* it is beyond the last column */
    bool sums;                  /* the widths of code points are added up: no clusters */
    bool truncates;             /* a narrower screen cuts rows off */
    int bells;
    bool bad;                   /* something came that is not known */
    struct model_row *row[MODEL_ROWS], storage[MODEL_ROWS];
};

static const struct model_cell model_blank = {"", 0, 1};

static inline void model_clear(struct screen_model *m, int y, int from) {
    for (int x = from; x < m->columns; x++) m->row[y]->cells[x] = model_blank;
    if (from == 0) m->row[y]->soft = false;
}

static inline void model_init(struct screen_model *m, int rows, int columns) {
    m->rows = rows;
    m->columns = columns;
    m->x = m->y = m->bells = 0;
    m->pending = m->sums = m->bad = m->truncates = false;
    for (int y = 0; y < MODEL_ROWS; y++) m->row[y] = &m->storage[y];
    for (int y = 0; y < rows; y++) model_clear(m, y, 0);
}

static inline void model_down(struct screen_model *m) {
    if (m->y + 1 < m->rows) {
        m->y++;
        return;
    }
    struct model_row *top = m->row[0];
    memmove(m->row, m->row + 1, (size_t)(m->rows - 1) * sizeof *m->row);
    m->row[m->rows - 1] = top;
    model_clear(m, m->rows - 1, 0);
}

/* Half of a wide character cannot stay alone. */
static inline void model_split(struct screen_model *m, int x) {
    struct model_cell *cells = m->row[m->y]->cells;
    if (x > 0 && x < m->columns && cells[x].width == 0) cells[x] = cells[x - 1] = model_blank;
}

static inline void model_put(struct screen_model *m, const char *s, size_t n, int width) {
    if (width == 0) {                   /* over the character before */
        struct model_cell *c = &m->row[m->y]->cells[m->pending || m->x == 0 ? m->x : m->x - 1];
        if (c->width == 0) c--;
        for (size_t i = 0; i < n && c->n < MODEL_BYTES; i++) c->s[c->n++] = s[i];
        return;
    }
    if (width > m->columns) return;
    if (m->pending || m->x + width > m->columns) {
        m->row[m->y]->soft = true;
        model_down(m);
        m->x = 0;
        m->pending = false;
    }
    model_split(m, m->x);
    model_split(m, m->x + width);
    struct model_cell *c = &m->row[m->y]->cells[m->x];
    memset(c->s, 0, sizeof c->s);
    c->n = (uint8_t)(n < MODEL_BYTES ? n : MODEL_BYTES);
    memcpy(c->s, s, c->n);
    c->width = (uint8_t)width;
    if (width == 2) c[1] = (struct model_cell){"", 0, 0};
    m->x += width;
    m->pending = m->x == m->columns;
    if (m->pending) m->x--;
}

/* Characters; what a terminal may not get is bad. */
static inline void model_text(struct screen_model *m, const char *p, size_t n) {
    while (n > 0) {
        if ((unsigned char)*p < 0x7F && (n == 1 || (unsigned char)p[1] < 0x7F)) {
            model_put(m, p++, 1, 1);
            n--;
            continue;
        }
        struct cluster k = cluster_at(p, n);
        size_t length = 1;
        while (length < n && ((unsigned char)p[length] & 0xC0) == 0x80) length++;
        if (m->sums && length < k.n) k = cluster_at(p, length);
        m->bad = m->bad || k.control;
        model_put(m, p, k.n, k.cells > 2 ? 2 : k.cells);
        p += k.n;
        n -= k.n;
    }
}

static inline void model_control(struct screen_model *m, int number, char letter) {
    m->pending = false;
    switch (letter) {
    case 'A':
        m->y = number > m->y ? 0 : m->y - number;
        break;
    case 'G':
        m->x = number - 1;
        if (m->x >= m->columns || number < 1) m->bad = true;
        if (m->bad) m->x = 0;
        break;
    case 'H':
        m->x = m->y = 0;
        break;
    case 'J':
        model_split(m, m->x);
        model_clear(m, m->y, m->x);
        for (int y = m->y + 1; y < m->rows; y++) model_clear(m, y, 0);
        break;
    case 'K':
        model_split(m, m->x);
        model_clear(m, m->y, m->x);
        break;
    case 'm':
        break;
    default:
        m->bad = true;
    }
}

static inline void model_write(struct screen_model *m, const char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t text = 0;
        while (i + text < n && (unsigned char)p[i + text] >= ' ') text++;
        model_text(m, p + i, text);
        i += text;
        if (i == n) break;
        char c = p[i++];
        if (c == '\r' || c == '\b') {
            m->x = c == '\r' || m->x == 0 ? 0 : m->x - 1;
            m->pending = false;
        } else if (c == '\n') {
            m->pending = false;
            model_down(m);
        } else if (c == '\a') {
            m->bells++;
        } else if (c == '\033' && i < n && p[i] == '[') {
            int number = 0;
            for (i++; i < n && p[i] >= '0' && p[i] <= '9' && number < 9999; i++)
                number = number * 10 + p[i] - '0';
            if (i < n) model_control(m, number, p[i++]);
        } else {
            m->bad = true;
        }
    }
}

/* ---- resizing ---- */

/* Cells of a row up to the last one that something was printed in. */
static inline int model_used(const struct model_row *r, int columns) {
    while (columns > 0 && r->cells[columns - 1].n == 0 && r->cells[columns - 1].width == 1)
        columns--;
    return columns;
}

/* Rows from y on were broken at `columns`: the same text in rows of m->columns. */
static inline void model_reflow(struct screen_model *m, int columns) {
    enum { MOST = MODEL_ROWS * MODEL_COLUMNS / 4 };
    static struct model_row rows[MOST];
    int n = 0, cursor_x = 0, cursor_y = 0, x = 0, last = m->rows;
    while (last > m->y + 1 && model_used(m->row[last - 1], columns) == 0) last--;
    rows[0].soft = false;
    for (int y = 0; y < last && n < MOST - 1; y++) {
        const struct model_row *old = m->row[y];
        int used = old->soft ? columns : model_used(old, columns);
        if (y == m->y && used <= m->x) used = m->x + 1;
        for (int i = 0; i < used; i += old->cells[i].width == 2 ? 2 : 1) {
            int width = old->cells[i].width == 2 ? 2 : 1;
            if (x + width > m->columns) {
                for (int k = x; k < m->columns; k++) rows[n].cells[k] = model_blank;
                rows[n++].soft = true;
                rows[n].soft = false;
                x = 0;
            }
            if (y == m->y && (i == m->x || (width == 2 && i + 1 == m->x))) {
                cursor_x = x;
                cursor_y = n;
            }
            memcpy(&rows[n].cells[x], &old->cells[i], (size_t)width * sizeof *old->cells);
            x += width;
        }
        if (old->soft && y + 1 < last) continue;
        for (int k = x; k < m->columns; k++) rows[n].cells[k] = model_blank;
        rows[++n].soft = false;
        x = 0;
    }
    int top = n > m->rows ? n - m->rows : 0;
    if (cursor_y < top) top = cursor_y;
    for (int y = 0; y < m->rows; y++) {
        if (top + y < n) *m->row[y] = rows[top + y];
        else model_clear(m, y, 0);
    }
    m->x = cursor_x;
    m->y = cursor_y - top;
    m->pending = false;
}

static inline void model_resize(struct screen_model *m, int rows, int columns) {
    for (; m->rows > rows; m->rows--) {
        if (m->y < m->rows - 1) continue;       /* the last row goes */
        struct model_row *top = m->row[0];
        memmove(m->row, m->row + 1, (size_t)(m->rows - 1) * sizeof *m->row);
        m->row[m->rows - 1] = top;
        m->y--;
    }
    for (; m->rows < rows; m->rows++) model_clear(m, m->rows, 0);
    int before = m->columns;
    m->columns = columns;
    if (columns == before) return;
    if (!m->truncates) {
        model_reflow(m, before);
        return;
    }
    for (int y = 0; y < rows; y++) {
        for (int x = before; x < columns; x++) m->row[y]->cells[x] = model_blank;
        if (m->row[y]->cells[columns].width == 0 && columns < before)
            m->row[y]->cells[columns - 1] = model_blank;
        m->row[y]->soft = false;
    }
    if (m->x >= columns) m->x = columns - 1;
    m->pending = false;
}

/* A row as text, without blanks at its end. */
static inline const char *model_line(const struct screen_model *m, int y, char out[1024]) {
    size_t n = 0;
    for (int x = 0; x < m->columns; x++) {
        const struct model_cell *c = &m->row[y]->cells[x];
        if (c->width == 0) continue;
        if (c->n == 0) out[n++] = ' ';
        memcpy(out + n, c->s, c->n);
        n += c->n;
        if (n > 1024 - 2 * MODEL_BYTES) break;
    }
    while (n > 0 && out[n - 1] == ' ') n--;
    out[n] = 0;
    return out;
}

#endif
