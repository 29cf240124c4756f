/* wrap.c - text as it comes, wrapped at words to the width of a terminal. */
#include "terminal/wrap.h"
#include <stdio.h>
#include <string.h>
#include "base/utf8.h"
#include "terminal/width.h"

enum { TAB = 8 };

bool wrap_at_line(const struct wrap *w) { return w->column == 0; }

/* A row that has become too long is wrapped by the terminal, and its word stays where it is. */
void wrap_resize(struct wrap *w, size_t columns) {
    w->columns = columns;
    if (columns == 0 || w->column <= columns) return;
    w->column = (w->column - 1) % columns + 1;
    w->spilled = true;
}

void wrap_restart(struct wrap *w) {
    w->column = w->word_at = w->word.n = 0;
    w->spilled = false;
}

void wrap_free(struct wrap *w) { buf_free(&w->word); }

/* ---- rows ---- */

static void begin_row(struct wrap *w, struct buf *out) {
    for (w->column = 0; w->column < w->indent; w->column++) buf_char(out, ' ');
    w->word_at = w->column;
}

static void next_row(struct wrap *w, struct buf *out) {
    buf_char(out, '\n');
    begin_row(w, out);
    w->continued = true;
}

/* Where the cursor is after so many cells more; the terminal wraps. */
static void advance(struct wrap *w, size_t cells) {
    if (w->columns > 0 && w->column + cells > w->columns) w->column = 0;
    w->column += cells;
}

static void end_word(struct wrap *w) {
    w->word.n = 0;
    w->word_at = w->column;
    w->spilled = false;
}

/* Take the word off this row; its last n bytes are not on it yet. */
static void move_word(struct wrap *w, size_t n, struct buf *out) {
    char to[32];
    if (w->word.n > n) {
        int len = snprintf(to, sizeof to, "\033[%zuG\033[K", w->word_at + 1);
        buf_put(out, to, (size_t)len);
    }
    next_row(w, out);
    buf_put(out, w->word.p, w->word.n);
    w->column += text_cells(w->word.p, w->word.n);
}

/* ---- words ---- */

/* Characters that do not begin a row where every character is a word: closing marks of Chinese and
 * Japanese. */
static bool is_closing(uint32_t c) {
    static const uint32_t marks[] = {
        0x3001, 0x3002, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x3015, 0x3017, 0xFF01, 0xFF09,
        0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF3D, 0xFF5D, 0x30FC,
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (c == marks[i]) return true;
    return false;
}

/* May a row end between the word and the n bytes at p, its next character? Never within a cluster;
 * before and after each wide character. */
static bool breaks_before(const struct wrap *w, const char *p, size_t n) {
    const struct buf *word = &w->word;
    if (word->n == n) return false;
    size_t last = cluster_previous(word->p, word->n);
    if (last > n) return false;
    struct cluster c = cluster_at(p, n);
    size_t before = word->n - n;
    struct cluster b = cluster_at(word->p + before - cluster_previous(word->p, before), before);
    if (c.cells == 2) return !is_closing(c.first);
    return b.cells == 2 && c.cells > 0;
}

/* A character that is no blank. */
static void put_character(struct wrap *w, const char *p, size_t n, struct buf *out) {
    size_t before = text_cells(w->word.p, w->word.n);
    buf_put(&w->word, p, n);
    if (w->word.oom) {
        out->oom = true;
        return;
    }
    if (breaks_before(w, p, n)) {
        end_word(w);
        buf_put(&w->word, p, n);
        before = 0;
    }
    size_t cells = text_cells(w->word.p, w->word.n);
    bool fits = w->whole || w->spilled || w->columns == 0 || w->word_at + cells <= w->columns;
    if (!fits && w->word_at > w->indent) {
        move_word(w, n, out);
        return;
    }
    if (!fits) w->spilled = true;
    buf_put(out, p, n);
    advance(w, cells > before ? cells - before : 0);
    if (!w->whole && !w->spilled) return;
    /* of a word that stays where it is only the last character counts */
    size_t last = cluster_previous(w->word.p, w->word.n);
    memmove(w->word.p, w->word.p + w->word.n - last, last);
    w->word.n = last;
}

/* A word that begins here and does not fit need not be shown first: as far as it is known, and has
 * no character that a row may end before. */
static void look_ahead(struct wrap *w, const char *p, size_t n, struct buf *out) {
    size_t cells = 0;
    if (w->word.n > 0 || w->whole || w->columns == 0 || w->word_at <= w->indent) return;
    while (cells < n && p[cells] > ' ' && p[cells] < 0x7F) cells++;
    if (w->word_at + cells > w->columns) next_row(w, out);
}

static void put_blank(struct wrap *w, char c, struct buf *out) {
    size_t cells = c == '\t' ? TAB - w->column % TAB : 1;
    end_word(w);
    if (!w->whole && w->columns > 0) {
        if (w->continued && w->column == w->indent) return;     /* the row's end stands for it */
        if (w->column + cells > w->columns) {
            next_row(w, out);
            return;
        }
    }
    buf_char(out, c);
    advance(w, cells);
    w->word_at = w->column;
}

/* ---- lines ---- */

static void end_line(struct wrap *w, struct buf *out) {
    buf_char(out, '\n');
    w->column = 0;
    w->n_begin = 0;
    w->continued = false;
    w->whole = w->in_fence;
    end_word(w);
}

/* The line begins with this: does it tell what kind of line it is? */
static void look_at_beginning(struct wrap *w, char c) {
    if (w->n_begin == sizeof w->begin || ((c == ' ' || c == '\t') && w->n_begin == 0)) return;
    w->begin[w->n_begin++] = c;
    if (w->n_begin == 1 && c == '|') w->whole = true;
    bool fence = w->n_begin == sizeof w->begin &&
                 (memcmp(w->begin, "```", 3) == 0 || memcmp(w->begin, "~~~", 3) == 0);
    if (!fence) return;
    w->in_fence = !w->in_fence;
    w->whole = true;
}

void wrap_put(struct wrap *w, const char *p, size_t n, struct buf *out) {
    for (size_t i = 0; i < n;) {
        uint32_t c;
        int length = utf8_decode(p + i, n - i, &c);
        size_t bytes = length > 0 ? (size_t)length : 1;
        if (p[i] == '\n') {
            end_line(w, out);
        } else {
            if (w->column == 0 && w->n_begin == 0) begin_row(w, out);
            look_at_beginning(w, p[i]);
            bool blank = p[i] == ' ' || p[i] == '\t';
            if (blank) put_blank(w, p[i], out);
            else look_ahead(w, p + i, n - i, out);
            if (!blank) put_character(w, p + i, bytes, out);
        }
        i += bytes;
    }
}
