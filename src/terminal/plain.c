/* plain.c - the line on a terminal without control sequences. */
#include "terminal/plain.h"
#include <string.h>
#include "base/utf8.h"
#include "terminal/visible.h"
#include "terminal/width.h"

void plain_free(struct plain *s) { buf_free(&s->shown); }

static void put(struct plain *s, const char *p, size_t n, size_t cells, struct buf *out) {
    buf_put(out, p, n);
    s->column += cells;
}

static void put_newline(struct plain *s, struct buf *out) {
    buf_str(out, "\r\n");
    s->column = 0;
}

/* What cannot be printed as it is: printed as this. */
static int stand_in(const struct line *line, const char *p, const struct cluster *k,
                    char form[FOLD_LABEL]) {
    if (is_fold(p)) return fold_label(line_paste(line, p), form);
    if (*p == '\t') return visible_form('\t', 0, form);
    if (k->control || k->mark) return visible_form(k->first, (unsigned char)*p, form);
    return 0;
}

/* The character at p; *cells is its width. Returns its bytes. */
static size_t character(const struct line *line, const char *p, size_t n, char form[FOLD_LABEL],
                        size_t *cells) {
    struct cluster k = cluster_at(p, n);
    int length = stand_in(line, p, &k, form);
    form[length] = 0;
    *cells = length ? (size_t)length : (size_t)k.cells;
    return is_fold(p) ? FOLD_BYTES : k.n;
}

static void put_text(struct plain *s, const struct line *line, size_t from, struct buf *out) {
    const struct buf *text = &line->text;
    char form[FOLD_LABEL];
    size_t n, cells;
    for (; from < text->n; from += n) {
        const char *p = text->p + from;
        n = character(line, p, text->n - from, form, &cells);
        if (*p == '\n') {
            put_newline(s, out);
            put(s, ". ", 2, 2, out);
        } else if (form[0]) {
            put(s, form, strlen(form), cells, out);
        } else {
            put(s, p, n, cells, out);
        }
    }
}

/* Rub out what is shown beyond the first n bytes. False: some of it may not be on the last row. */
static bool rub_out(struct plain *s, const struct line *line, size_t n, struct buf *out) {
    char form[FOLD_LABEL];
    size_t cells, sum = 0;
    for (size_t at = n; at < s->shown.n; sum += cells) {
        if (s->shown.p[at] == '\n' || is_fold(s->shown.p + at)) return false;
        at += character(line, s->shown.p + at, s->shown.n - at, form, &cells);
    }
    if (s->column % (size_t)s->columns < sum) return false;
    for (size_t i = 0; i < sum; i++) buf_str(out, "\b \b");
    s->column -= sum;
    return true;
}

static size_t common(const struct buf *a, const struct buf *b) {
    size_t n = 0;
    while (n < a->n && n < b->n && a->p[n] == b->p[n]) n++;
    return n;
}

static bool ends_character(const struct buf *text, size_t at) {
    return at == 0 || at >= text->n || cluster_boundary(text->p, text->n, at) == at;
}

void plain_paint(struct plain *s, const struct view *view, struct buf *out) {
    const struct buf *text = &view->line->text;
    size_t same = common(&s->shown, text);
    bool kept = s->begun && ends_character(&s->shown, same) && ends_character(text, same);
    if (kept && same < s->shown.n) kept = same == text->n && rub_out(s, view->line, same, out);
    if (!kept) {
        if (s->begun) put_newline(s, out);
        put(s, view->prompt, strlen(view->prompt), text_cells(view->prompt, strlen(view->prompt)),
            out);
        same = 0;
    }
    put_text(s, view->line, same, out);
    s->begun = true;
    s->shown.n = 0;
    buf_put(&s->shown, text->p, text->n);
    if (!s->shown.oom) return;
    buf_free(&s->shown);
    out->oom = true;
}

void plain_leave(struct plain *s, struct buf *out) {
    if (s->begun) put_newline(s, out);
    s->begun = false;
    s->shown.n = 0;
}

void plain_hide(struct plain *s, struct buf *out) {
    if (!s->begun || s->shown.n > 0 || s->column >= (size_t)s->columns) {
        plain_leave(s, out);
        return;
    }
    for (; s->column > 0; s->column--) buf_str(out, "\b \b");
    s->begun = false;
}
