/* editor_complete.c - Tab: as much as all candidates share; again: the list of them. */
#include <stdio.h>
#include <string.h>
#include "terminal/editor_impl.h"
#include "terminal/visible.h"
#include "terminal/width.h"

enum { LISTED_MOST = 200, GAP = 2 };

/* ---- the list ---- */

/* The last part of a path is what tells candidates apart. (Commands begin with a slash.) */
static const char *label(const char *text) {
    const char *last = text;
    for (const char *p = text; *p; p++)
        if (*p == '/' && p > text && p[1]) last = p + 1;
    return last;
}

/* Appends a name without what would control the terminal; returns its width. */
static size_t put_name(struct buf *out, const char *name) {
    size_t n = strlen(name), width = 0;
    struct cluster k;
    for (size_t at = 0; at < n; at += k.n) {
        char form[VISIBLE_FORM];
        k = cluster_at(name + at, n - at);
        bool shown = k.control || k.first < ' ';
        if (shown) width += (size_t)visible_form(k.first, (unsigned char)name[at], form);
        else width += (size_t)k.cells;
        if (shown) buf_str(out, form);
        else buf_put(out, name + at, k.n);
    }
    return width;
}

static size_t widest(const struct completions *c, size_t n) {
    struct buf scratch = {0};
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        scratch.n = 0;
        size_t width = put_name(&scratch, label(c->list[i].text));
        most = width > most ? width : most;
    }
    buf_free(&scratch);
    return most;
}

/* In columns, row by row. */
static void put_list(struct editor *e, const struct completions *c) {
    size_t n = c->n < LISTED_MOST ? c->n : LISTED_MOST, width = widest(c, n) + GAP;
    size_t columns = (size_t)e->plain.columns / width;
    if (columns == 0) columns = 1;
    for (size_t i = 0; i < n; i++) {
        bool last = (i + 1) % columns == 0 || i + 1 == n;
        size_t used = put_name(&e->out, label(c->list[i].text));
        for (; !last && used < width; used++) buf_char(&e->out, ' ');
        if (last) buf_str(&e->out, "\r\n");
    }
    char more[64];
    snprintf(more, sizeof more, "... and %zu more\r\n", c->n - n);
    if (c->n > n) buf_str(&e->out, more);
}

static void list(struct editor *e, const struct completions *c) {
    size_t cursor = e->line.cursor;
    editor_leave(e);
    put_list(e, c);
    line_move(&e->line, cursor);
    e->changed = true;
}

/* ---- what they share ---- */

static size_t shared(const struct completions *c) {
    size_t n = strlen(c->list[0].text);
    for (size_t i = 1; i < c->n; i++) {
        size_t same = 0;
        while (same < n && c->list[i].text[same] == c->list[0].text[same]) same++;
        n = same;
    }
    while (n > 0 && ((unsigned char)c->list[0].text[n] & 0xC0) == 0x80) n--;
    return n;
}

static void apply(struct editor *e, const struct completions *c) {
    struct line *l = &e->line;
    struct buf text = {0};
    size_t n = shared(c), typed = l->cursor - c->from;
    buf_put(&text, c->list[0].text, n);
    if (c->n == 1 && !c->list[0].partial) buf_char(&text, ' ');
    if (text.oom) {
        l->refused = true;
    } else if (text.n > typed || (c->n == 1 && text.n > 0)) {
        line_replace(l, c->from, l->cursor, text.p, text.n);
        e->ring = c->n > 1;
    } else if (e->last_did == DID_COMPLETE && c->n > 1) {
        list(e, c);
    } else {
        e->ring = true;
    }
    buf_free(&text);
}

void editor_complete(struct editor *e) {
    struct line *l = &e->line;
    struct completions c = {0};
    bool has_fold = l->cursor && memchr(l->text.p, FOLD, l->cursor);
    e->did = DID_COMPLETE;
    if (e->params.complete && l->cursor && !has_fold)
        e->params.complete(e->params.data, l->text.p, l->cursor, &c);
    if (c.oom) l->refused = true;
    else if (c.n && c.from <= l->cursor) apply(e, &c);
    else e->ring = true;
    completions_free(&c);
}
