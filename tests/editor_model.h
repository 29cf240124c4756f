/* editor_model.h - what the line editor's text must be and how it must look, by the shortest code:
 * everything is read from the beginning, every change copies the text.
 *
 * A fold is the two bytes F8 and 80 + its number. */
#ifndef QW_EDITOR_MODEL_H
#define QW_EDITOR_MODEL_H
#include "base/buf.h"
#include "screen_model.h"

enum { TEXT_MOST = 6000, FOLDS_MOST = 60, GRID_ROWS = 1500, STEPS_MOST = 300 };

struct model_text { char p[TEXT_MOST]; size_t n, cursor; };

struct editor_model {
    struct model_text now, killed;
    struct model_text *steps;   /* what undo goes back to */
    int n_steps;
    char *folds[FOLDS_MOST];    /* the pastes */
    size_t fold_n[FOLDS_MOST];
    int n_folds;
    int grouping;               /* 1: the last change was typing, 2: a backspace; it ended at
                                 * group_end */
    size_t group_end;
    bool killing;               /* the last key killed */
    bool failed;                /* something did not fit in the model */
};

static inline bool model_is_fold(const char *p) { return (unsigned char)*p == 0xF8; }

static inline size_t model_unit(const struct model_text *t, size_t at) {
    int cells;
    return model_is_fold(t->p + at) ? 2 : cluster_next(t->p + at, t->n - at, &cells);
}

/* The first boundary at or after an offset, and the last one before it. */
static inline size_t model_settle(const struct model_text *t, size_t at) {
    size_t i = 0;
    while (i < at) i += model_unit(t, i);
    return i;
}

static inline size_t model_before(const struct model_text *t, size_t at) {
    size_t i = 0, last = 0;
    for (; i < at; i += model_unit(t, i)) last = i;
    return last;
}

/* ---- changes ---- */

static inline void model_step(struct editor_model *m) {
    if (m->n_steps == STEPS_MOST) m->failed = true;
    else m->steps[m->n_steps++] = m->now;
}

static inline void model_put_text(struct editor_model *m, size_t from, size_t to, const char *p,
                                  size_t n) {
    struct model_text *t = &m->now;
    if (t->n - (to - from) + n > TEXT_MOST) {
        m->failed = true;
        return;
    }
    memmove(t->p + from + n, t->p + to, t->n - to);
    memcpy(t->p + from, p, n);
    t->n += n - (to - from);
    t->cursor = model_settle(t, from + n);
}

static inline void model_replace(struct editor_model *m, size_t from, size_t to, const char *p,
                                 size_t n) {
    m->grouping = 0;
    if (from == to && n == 0) return;
    model_step(m);
    model_put_text(m, from, to, p, n);
}

static inline bool model_blank_at(const struct model_text *t, size_t at) {
    return t->p[at] == ' ' || t->p[at] == '\t' || t->p[at] == '\n';
}

static inline void model_type(struct editor_model *m, const char *p, size_t n) {
    size_t at = m->now.cursor;
    bool begins = at > 0 && model_blank_at(&m->now, at - 1) && !strchr(" \t\n", *p);
    bool joins = m->grouping == 1 && !begins && m->group_end == at;
    if (!joins) model_step(m);
    model_put_text(m, at, at, p, n);
    m->grouping = 1;
    m->group_end = at + n;
}

static inline void model_backspace(struct editor_model *m) {
    size_t to = m->now.cursor;
    if (to == 0) return;
    size_t from = model_before(&m->now, to);
    if (m->grouping != 2 || m->group_end != to) model_step(m);
    model_put_text(m, from, to, "", 0);
    m->grouping = 2;
    m->group_end = from;
}

static inline void model_paste(struct editor_model *m, const char *p, size_t n) {
    size_t lines = n > 0 && p[n - 1] != '\n';
    for (size_t i = 0; i < n; i++) lines += p[i] == '\n';
    if (lines <= 5 && n <= 4000) {
        model_replace(m, m->now.cursor, m->now.cursor, p, n);
        return;
    }
    if (m->n_folds == FOLDS_MOST) {
        m->failed = true;
        return;
    }
    char fold[2] = {(char)0xF8, (char)(0x80 + m->n_folds)};
    m->folds[m->n_folds] = malloc(n);
    memcpy(m->folds[m->n_folds], p, n);
    m->fold_n[m->n_folds++] = n;
    model_replace(m, m->now.cursor, m->now.cursor, fold, 2);
}

static inline void model_kill(struct editor_model *m, size_t from, size_t to, bool again) {
    struct model_text *k = &m->killed;
    bool forward = from == m->now.cursor;
    if (from == to) return;
    if (!again) k->n = 0;
    if (k->n + to - from > TEXT_MOST) {
        m->failed = true;
        return;
    }
    if (!forward) memmove(k->p + (to - from), k->p, k->n);
    memcpy(forward ? k->p + k->n : k->p, m->now.p + from, to - from);
    k->n += to - from;
    model_replace(m, from, to, "", 0);
    m->killing = true;
}

static inline void model_undo(struct editor_model *m) {
    m->grouping = 0;
    if (m->n_steps) m->now = m->steps[--m->n_steps];
}

/* ---- places ---- */

static inline void model_move(struct editor_model *m, size_t at) {
    m->grouping = 0;
    m->now.cursor = model_settle(&m->now, at);
}

static inline size_t model_start(const struct model_text *t, size_t at) {
    while (at > 0 && t->p[at - 1] != '\n') at--;
    return at;
}

static inline size_t model_end(const struct model_text *t, size_t at) {
    while (at < t->n && t->p[at] != '\n') at++;
    return at;
}

/* 0 between words, 1 in one, 2 a fold. */
static inline int model_class(const struct model_text *t, size_t at, bool blanks) {
    unsigned char c = (unsigned char)t->p[at];
    if (model_is_fold(t->p + at)) return 2;
    if (blanks) return !model_blank_at(t, at);
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static inline size_t model_word_end(const struct model_text *t, size_t at, bool blanks) {
    while (at < t->n && model_class(t, at, blanks) == 0) at += model_unit(t, at);
    if (at < t->n && model_class(t, at, blanks) == 2) return at + 2;
    while (at < t->n && model_class(t, at, blanks) == 1) at += model_unit(t, at);
    return at;
}

static inline size_t model_word_start(const struct model_text *t, size_t at, bool blanks) {
    while (at > 0 && model_class(t, model_before(t, at), blanks) == 0) at = model_before(t, at);
    if (at > 0 && model_class(t, model_before(t, at), blanks) == 2) return model_before(t, at);
    while (at > 0 && model_class(t, model_before(t, at), blanks) == 1) at = model_before(t, at);
    return at;
}

static inline void model_transpose(struct editor_model *m) {
    const struct model_text *t = &m->now;
    size_t start = model_start(t, t->cursor), end = model_end(t, t->cursor), middle = t->cursor;
    if (middle == end && middle > start) middle = model_before(t, middle);
    if (middle == start || middle == end) return;
    size_t from = model_before(t, middle), to = middle + model_unit(t, middle);
    char swapped[TEXT_MOST];
    memcpy(swapped, t->p + middle, to - middle);
    memcpy(swapped + (to - middle), t->p + from, middle - from);
    model_replace(m, from, to, swapped, to - from);
}

/* The text with the pastes in place of the folds. */
static inline void model_expand(const struct editor_model *m, struct buf *out) {
    const struct model_text *t = &m->now;
    for (size_t i = 0; i < t->n; i++) {
        if (!model_is_fold(t->p + i)) {
            buf_char(out, t->p[i]);
            continue;
        }
        int number = (unsigned char)t->p[++i] - 0x80;
        buf_put(out, m->folds[number], m->fold_n[number]);
    }
}

static inline void model_forget(struct editor_model *m) {
    while (m->n_folds > 0) free(m->folds[--m->n_folds]);
    m->n_steps = m->grouping = 0;
    m->now.n = m->now.cursor = 0;
}

/* ---- how it looks ---- */

struct grid {
    struct model_row rows[GRID_ROWS];
    int n, columns, x, cursor_x, cursor_y;
    int since;                  /* cells since the line of text began, for tabs */
    bool at_cursor;
};

static inline void grid_row(struct grid *g) {
    if (g->n < GRID_ROWS) g->n++;
    g->x = 0;
    for (int x = 0; x < g->columns; x++) g->rows[g->n - 1].cells[x] = model_blank;
}

/* A cell or two; needs: the columns that must be there for it. */
static inline void grid_put(struct grid *g, const char *s, size_t n, int width, int needs) {
    if (g->x > 0 && g->x + needs > g->columns) grid_row(g);
    if (g->at_cursor) {
        g->cursor_x = g->x;
        g->cursor_y = g->n - 1;
        g->at_cursor = false;
    }
    struct model_cell *c = &g->rows[g->n - 1].cells[g->x];
    memset(c->s, 0, sizeof c->s);
    c->n = (uint8_t)(n < MODEL_BYTES ? n : MODEL_BYTES);
    memcpy(c->s, s, c->n);
    c->width = (uint8_t)width;
    if (width == 2) c[1] = (struct model_cell){"", 0, 0};
    g->x += width;
    g->since += width;
}

static inline void grid_ascii(struct grid *g, const char *s) {
    for (; *s; s++) grid_put(g, s, 1, 1, 1);
}

static inline void grid_cluster(struct grid *g, const char *p, size_t n) {
    char form[VISIBLE_FORM];
    struct cluster k = cluster_at(p, n);
    size_t one = 1;
    if (k.control) {
        visible_form(k.first, (unsigned char)*p, form);
        grid_ascii(g, form);
        return;
    }
    while (one < n && ((unsigned char)p[one] & 0xC0) == 0x80) one++;
    if (k.mark || k.spread >= g->columns) {
        for (size_t i = 0; i < n;) {
            uint32_t c = cluster_at(p + i, n - i).first;
            visible_form(c, 0, form);
            if (c < 0x80) grid_put(g, p + i, 1, 1, 1);
            else grid_ascii(g, form);
            for (i++; i < n && ((unsigned char)p[i] & 0xC0) == 0x80;) i++;
        }
        return;
    }
    bool doubtful = one < n || k.spread > k.cells || (k.first >= 0x1F000 && k.first < 0x20000);
    grid_put(g, p, n, k.cells, doubtful ? k.spread + 1 : k.cells);
}

static inline void grid_fold(struct grid *g, const char *p, size_t n) {
    char label[80], size[32];
    size_t lines = p[n - 1] != '\n';
    for (size_t i = 0; i < n; i++) lines += p[i] == '\n';
    if (n < 1000) snprintf(size, sizeof size, "%zu bytes", n);
    else if (n < 999950) snprintf(size, sizeof size, "%.1f KB", (double)n / 1000);
    else snprintf(size, sizeof size, "%.1f MB", (double)n / 1000000);
    snprintf(label, sizeof label, "[pasted %zu line%s, %s]", lines, lines == 1 ? "" : "s", size);
    grid_ascii(g, label);
}

static inline void grid_render(struct grid *g, const struct editor_model *m, int columns) {
    const struct model_text *t = &m->now;
    g->columns = columns;
    g->n = 0;
    g->at_cursor = false;
    grid_row(g);
    grid_ascii(g, "> ");
    g->since = 0;
    for (size_t at = 0, n; at < t->n; at += n) {
        n = model_unit(t, at);
        g->at_cursor = g->at_cursor || at == t->cursor;
        if (model_is_fold(t->p + at)) {
            int number = (unsigned char)t->p[at + 1] - 0x80;
            grid_fold(g, m->folds[number], m->fold_n[number]);
        } else if (t->p[at] == '\n') {
            grid_ascii(g, " ");
            grid_row(g);
            grid_ascii(g, ". ");
            g->since = 0;
        } else if (t->p[at] == '\t') {
            for (int k = 8 - g->since % 8; k > 0; k--) grid_ascii(g, " ");
        } else {
            grid_cluster(g, t->p + at, n);
        }
    }
    if (t->cursor == t->n) g->at_cursor = true;
    grid_ascii(g, " ");
}

static inline bool same_cell(const struct model_cell *a, const struct model_cell *b) {
    bool blank_a = a->n == 0 || (a->n == 1 && a->s[0] == ' ');
    bool blank_b = b->n == 0 || (b->n == 1 && b->s[0] == ' ');
    if (a->width != b->width || blank_a != blank_b) return false;
    return blank_a || (a->n == b->n && memcmp(a->s, b->s, a->n) == 0);
}

/* Terminals do not agree on its width. */
static inline bool is_doubtful(const struct model_cell *c) {
    if (c->n == 0) return false;
    struct cluster k = cluster_at(c->s, c->n);
    size_t one = 1;
    while (one < c->n && ((unsigned char)c->s[one] & 0xC0) == 0x80) one++;
    return one < k.n || k.spread > k.cells || (k.first >= 0x1F000 && k.first < 0x20000);
}

/* Does screen row y show row i of the grid, or nothing where the grid has no such row? */
static inline bool same_row(const struct grid *g, int i, const struct screen_model *m, int y) {
    for (int x = 0; x < m->columns; x++) {
        const struct model_cell *want = i < g->n ? &g->rows[i].cells[x] : &model_blank;
        if (m->sums && i < g->n && is_doubtful(want)) x += want->width - 1;
        else if (!same_cell(want, &m->row[y]->cells[x])) return false;
    }
    return true;
}

/* Does the screen show the text, all of it or as much as fits around the cursor, and nothing below
 * it? Returns what is wrong, or NULL. */
static inline const char *grid_wrong(const struct grid *g, const struct screen_model *m) {
    int top = m->y - g->cursor_y;       /* where the first row of the text is */
    if (m->bad) return "something unknown was sent";
    if (m->x != g->cursor_x || m->pending) return "the cursor's column";
    if (g->n <= m->rows && top < 0) return "the text's first row is not there";
    if (g->n > m->rows && (top > 0 || top + g->n < m->rows)) return "the screen is not filled";
    for (int y = top < 0 ? 0 : top; y < m->rows; y++)
        if (!same_row(g, y - top, m, y)) return "a row";
    return NULL;
}

#endif
