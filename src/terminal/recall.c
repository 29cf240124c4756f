/* recall.c - the history in the line: up and down, and the incremental search. */
#include <string.h>
#include "base/utf8.h"
#include "terminal/editor_impl.h"
#include "terminal/width.h"

static size_t entries(const struct editor *e) {
    return e->params.history ? history_count(e->params.history) : 0;
}

/* ---- up and down ---- */

/* The text that Down shall come back to, folds and all. */
static bool keep_draft(struct editor *e) {
    if (e->recalled < entries(e)) return true;
    if (e->draft.oom) buf_free(&e->draft);
    e->draft.n = 0;
    buf_put(&e->draft, e->line.text.p, e->line.text.n);
    return !e->draft.oom;
}

static void recall(struct editor *e, size_t i) {
    size_t n;
    if (i < entries(e)) {
        const char *text = history_entry(e->params.history, i, &n);
        editor_put_whole(e, text, n);
    } else {
        line_replace(&e->line, 0, e->line.text.n, e->draft.p, e->draft.n);
    }
    e->recalled = i;
}

void recall_older(struct editor *e) {
    e->did = DID_WALK;
    if (e->recalled > 0 && keep_draft(e)) recall(e, e->recalled - 1);
    else e->ring = true;
}

void recall_newer(struct editor *e) {
    e->did = DID_WALK;
    if (e->recalled < entries(e)) recall(e, e->recalled + 1);
    else e->ring = true;
}

/* ---- the search ---- */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* Where p[0..n) holds the pattern, whatever the case of ASCII letters; n: nowhere. */
static size_t find(const char *p, size_t n, const struct buf *pattern) {
    for (size_t at = 0; at + pattern->n <= n; at++) {
        size_t same = 0;
        while (same < pattern->n && lower(p[at + same]) == lower(pattern->p[same])) same++;
        if (same == pattern->n) return at;
    }
    return n;
}

static void set_prompt(struct search *s) {
    s->prompt.n = 0;
    buf_str(&s->prompt, s->found ? "(search '" : "(no match '");
    buf_put(&s->prompt, s->pattern.p, s->pattern.n);
    buf_put(&s->prompt, "') ", 4);
}

static bool is_match(const struct editor *e, const char *p, size_t n) {
    const struct buf *shown = &e->search.match.text;
    return e->search.at < entries(e) && shown->n == n && memcmp(shown->p, p, n) == 0;
}

/* Show the last match before entry `from`; another text than the one shown, if that is one. */
static void look(struct editor *e, size_t from, bool another) {
    struct search *s = &e->search;
    s->found = s->pattern.n == 0;
    while (from-- > 0 && s->pattern.n) {
        size_t n, at;
        const char *p = history_entry(e->params.history, from, &n);
        at = find(p, n, &s->pattern);
        if (at == n || (another && is_match(e, p, n))) continue;
        s->match.text.n = 0;
        buf_put(&s->match.text, p, n);
        s->match.cursor = s->match.text.oom ? 0 : cluster_boundary(p, n, at);
        s->at = from;
        s->found = true;
        break;
    }
    set_prompt(s);
    e->ring = !s->found;
}

static void out_of_memory(struct editor *e) {
    search_free(&e->search);
    e->search = (struct search){.match.limit = EDITOR_LIMIT};
    e->line.refused = true;
}

void search_begin(struct editor *e) {
    struct search *s = &e->search;
    s->pattern.n = s->match.text.n = s->match.cursor = 0;
    s->at = entries(e);
    s->active = s->found = true;
    line_expand(&e->line, 0, e->line.text.n, &s->match.text);
    set_prompt(s);
    if (s->match.text.oom || s->prompt.oom) out_of_memory(e);
}

void search_cancel(struct editor *e) { e->search.active = false; }

/* The match becomes the text of the line. */
static void accept(struct editor *e) {
    struct search *s = &e->search;
    s->active = false;
    if (s->at >= entries(e) || !keep_draft(e)) return;
    recall(e, s->at);
    line_move(&e->line, s->match.cursor);
}

static void extend(struct editor *e, uint32_t c) {
    enum { PATTERN_MOST = 1000 };
    char text[4];
    struct search *s = &e->search;
    if (s->pattern.n < PATTERN_MOST) buf_put(&s->pattern, text, (size_t)utf8_encode(c, text));
    size_t all = entries(e);
    look(e, s->at < all ? s->at + 1 : all, false);
}

static void shorten(struct editor *e) {
    struct search *s = &e->search;
    if (s->pattern.n) s->pattern.n -= cluster_previous(s->pattern.p, s->pattern.n);
    if (s->pattern.n) look(e, entries(e), false);
    else search_begin(e);
}

bool search_key(struct editor *e, const struct key *key) {
    enum { CTRL_C = 3, CTRL_G = 7, CTRL_H = 8, CTRL_R = 18, ESC = 27, BACKSPACE = 127 };
    struct search *s = &e->search;
    bool printable = key->code >= ' ' && key->code != BACKSPACE && key->code <= 0x10FFFF;
    bool more = true;
    if (key->mods == 0 && printable) extend(e, key->code);
    else if (key->code == BACKSPACE || key->code == CTRL_H) shorten(e);
    else if (key->code == CTRL_R) look(e, s->at, true);
    else if (key->code == CTRL_G) search_cancel(e);
    else more = false;
    if (!more && key->code == CTRL_C) search_cancel(e);
    else if (!more) accept(e);
    if (s->match.text.oom || s->pattern.oom || s->prompt.oom) out_of_memory(e);
    return more || key->code == ESC;
}

void search_free(struct search *s) {
    buf_free(&s->pattern);
    buf_free(&s->prompt);
    line_free(&s->match);
}
