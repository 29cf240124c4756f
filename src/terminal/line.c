/* line.c - the text that is being edited: a cursor, what was killed, undo. */
#include "terminal/line.h"
#include <stdlib.h>
#include <string.h>
#include "terminal/width.h"

/* The steps of undo, and what they may hold besides the last one. */
enum { CHANGES_MOST = 1000, UNDO_MEMORY = 32000000 };
/* Pastes stay, even if undone, until the line ends: so many times the limit. */
enum { PASTE_MEMORY = 4 };

/* What stood at an offset before a change put `inserted` bytes there. */
struct change {
    size_t at, inserted;
    size_t cursor;              /* before the change */
    char *removed;
    size_t n_removed;
};

static void free_changes(struct line *l) {
    for (size_t i = 0; i < l->n_changes; i++) free(l->changes[i].removed);
    l->n_changes = 0;
    l->undo_bytes = 0;
}

static void free_pastes(struct line *l) {
    for (size_t i = 0; i < l->n_pastes; i++) free(l->pastes[i].p);
    free(l->pastes);
    l->pastes = NULL;
    l->n_pastes = 0;
    l->paste_bytes = 0;
}

void line_free(struct line *l) {
    free_changes(l);
    free_pastes(l);
    free(l->changes);
    buf_free(&l->text);
    buf_free(&l->killed);
    *l = (struct line){.limit = l->limit};
}

/* What was killed outlives the pastes that it names. */
static void keep_killed(struct line *l) {
    struct buf whole = {0};
    if (l->killed.n == 0 || !memchr(l->killed.p, FOLD, l->killed.n)) return;
    struct line from = *l;
    from.text = l->killed;
    line_expand(&from, 0, l->killed.n, &whole);
    if (whole.oom) buf_free(&whole);
    buf_free(&l->killed);
    l->killed = whole;
    l->killed_paste = true;
}

void line_reset(struct line *l) {
    keep_killed(l);
    free_changes(l);
    free_pastes(l);
    l->text.n = l->cursor = l->size = 0;
    l->refused = l->typing = false;
}

/* ---- reading ---- */

/* The number is 18 bits, six in each byte after the first. */
static void write_fold(size_t number, char out[FOLD_BYTES]) {
    out[0] = (char)FOLD;
    for (int i = 1; i < FOLD_BYTES; i++) out[i] = (char)(0x80 | (number >> 6 * (3 - i) & 0x3F));
}

const struct paste *line_paste(const struct line *l, const char *fold) {
    size_t number = 0;
    for (int i = 1; i < FOLD_BYTES; i++) number = number << 6 | ((unsigned char)fold[i] & 0x3F);
    return &l->pastes[number];
}

size_t line_next(const struct line *l, size_t at) {
    int cells;
    if (is_fold(l->text.p + at)) return FOLD_BYTES;
    return cluster_next(l->text.p + at, l->text.n - at, &cells);
}

size_t line_previous(const struct line *l, size_t at) {
    if (at >= FOLD_BYTES && is_fold(l->text.p + at - FOLD_BYTES)) return FOLD_BYTES;
    return cluster_previous(l->text.p, at);
}

size_t line_start(const struct line *l, size_t at) {
    while (at > 0 && l->text.p[at - 1] != '\n') at--;
    return at;
}

size_t line_end(const struct line *l, size_t at) {
    const char *end = at < l->text.n ? memchr(l->text.p + at, '\n', l->text.n - at) : NULL;
    return end ? (size_t)(end - l->text.p) : l->text.n;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

static bool in_word(char c, bool blank_words) {
    if (blank_words) return !is_blank(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c & 0x80;
}

size_t word_end(const struct line *l, size_t at, bool blank_words) {
    const char *p = l->text.p;
    while (at < l->text.n && !in_word(p[at], blank_words)) at += line_next(l, at);
    if (at < l->text.n && is_fold(p + at)) return at + FOLD_BYTES;
    while (at < l->text.n && in_word(p[at], blank_words) && !is_fold(p + at))
        at += line_next(l, at);
    return at;
}

size_t word_start(const struct line *l, size_t at, bool blank_words) {
    const char *p = l->text.p;
    bool inside = false;
    while (at > 0) {
        size_t before = at - line_previous(l, at);
        if (!in_word(p[before], blank_words)) {
            if (inside) break;
        } else if (is_fold(p + before)) {
            return inside ? at : before;
        } else {
            inside = true;
        }
        at = before;
    }
    return at;
}

void line_expand(const struct line *l, size_t from, size_t to, struct buf *out) {
    const char *p = l->text.p;
    while (from < to) {
        const char *fold = memchr(p + from, FOLD, to - from);
        size_t plain = fold ? (size_t)(fold - p) : to;
        buf_put(out, p + from, plain - from);
        from = plain;
        if (!fold) continue;
        const struct paste *paste = line_paste(l, fold);
        buf_put(out, paste->p, paste->n);
        from += FOLD_BYTES;
    }
}

/* ---- changing ---- */

static bool refuse(struct line *l) {
    l->refused = true;
    l->text.oom = l->killed.oom = false;        /* what they hold is as it was */
    return false;
}

static size_t expanded_size(const struct line *l, const char *p, size_t n) {
    size_t size = n;
    for (size_t at = 0; at < n; at += FOLD_BYTES) {
        const char *fold = memchr(p + at, FOLD, n - at);
        if (!fold) break;
        size = size - FOLD_BYTES + line_paste(l, fold)->n;
        at = (size_t)(fold - p);
    }
    return size;
}

/* line_replace without undo. */
static bool put_text(struct line *l, size_t from, size_t to, const char *text, size_t n) {
    size_t left = l->size, more = expanded_size(l, text, n);
    if (to > from) left -= expanded_size(l, l->text.p + from, to - from);
    if (more > l->limit - left || !buf_reserve(&l->text, n)) return refuse(l);
    char *p = l->text.p;
    memmove(p + from + n, p + to, l->text.n - to);
    if (n) memcpy(p + from, text, n);
    l->text.n += n - (to - from);
    l->size = left + more;
    l->cursor = cluster_boundary(p, l->text.n, from + n);
    return true;
}

static void forget_oldest(struct line *l) {
    l->undo_bytes -= l->changes[0].n_removed;
    free(l->changes[0].removed);
    memmove(l->changes, l->changes + 1, --l->n_changes * sizeof *l->changes);
}

static bool more_changes(struct line *l) {
    if (l->n_changes < l->cap_changes) return true;
    size_t cap = l->cap_changes ? l->cap_changes * 2 : 16;
    struct change *changes = realloc(l->changes, cap * sizeof *changes);
    if (!changes) return false;
    l->changes = changes;
    l->cap_changes = cap;
    return true;
}

/* The record of a change that is to be made. NULL: memory ran out. */
static struct change *remember(struct line *l, size_t from, size_t to, size_t inserted) {
    while (l->n_changes == CHANGES_MOST || (l->n_changes && l->undo_bytes > UNDO_MEMORY))
        forget_oldest(l);
    char *removed = more_changes(l) ? malloc(to - from + 1) : NULL;
    if (!removed) return NULL;
    if (to > from) memcpy(removed, l->text.p + from, to - from);
    l->undo_bytes += to - from;
    struct change *c = &l->changes[l->n_changes++];
    *c = (struct change){from, inserted, l->cursor, removed, to - from};
    return c;
}

static void drop_last(struct line *l) {
    struct change *c = &l->changes[--l->n_changes];
    l->undo_bytes -= c->n_removed;
    free(c->removed);
}

bool line_replace(struct line *l, size_t from, size_t to, const char *text, size_t n) {
    l->typing = false;
    if (from == to && n == 0) return false;
    if (!remember(l, from, to, n)) return refuse(l);
    if (put_text(l, from, to, text, n)) return true;
    drop_last(l);
    return false;
}

/* The last change, if the next one may join it. */
static struct change *joinable(struct line *l) {
    return l->typing && l->n_changes ? &l->changes[l->n_changes - 1] : NULL;
}

bool line_type(struct line *l, const char *text, size_t n) {
    struct change *last = joinable(l);
    size_t at = l->cursor;
    bool word_begins = at > 0 && is_blank(l->text.p[at - 1]) && !is_blank(*text);
    if (last && !word_begins && last->n_removed == 0 && last->at + last->inserted == at) {
        if (!put_text(l, at, at, text, n)) return false;
        last->inserted += n;
        return true;
    }
    bool done = line_replace(l, at, at, text, n);
    l->typing = done;
    return done;
}

/* Puts text[0..n) before what the change has removed. */
static bool prepend_removed(struct line *l, struct change *c, const char *text, size_t n) {
    char *p = realloc(c->removed, c->n_removed + n);
    if (!p) return false;
    memmove(p + n, p, c->n_removed);
    memcpy(p, text, n);
    c->removed = p;
    c->n_removed += n;
    c->at -= n;
    l->undo_bytes += n;
    return true;
}

bool line_backspace(struct line *l) {
    if (l->cursor == 0) return false;
    size_t to = l->cursor, from = to - line_previous(l, to);
    struct change *last = joinable(l);
    if (last && last->inserted == 0 && last->at == to) {
        if (!prepend_removed(l, last, l->text.p + from, to - from)) return refuse(l);
        return put_text(l, from, to, NULL, 0);
    }
    l->typing = line_replace(l, from, to, NULL, 0);
    return l->typing;
}

static size_t count_lines(const char *text, size_t n) {
    size_t lines = n > 0 && text[n - 1] != '\n';
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    return lines;
}

bool line_fold(struct line *l, const char *text, size_t n, char fold[FOLD_BYTES]) {
    enum { MOST = 1 << 18 };            /* numbers of folds */
    uint64_t room = PASTE_MEMORY * (uint64_t)l->limit - l->paste_bytes;
    if (l->n_pastes == MOST || n > l->limit || n > room) return refuse(l);
    struct paste *list = realloc(l->pastes, (l->n_pastes + 1) * sizeof *list);
    if (!list) return refuse(l);
    l->pastes = list;
    char *copy = malloc(n);
    if (!copy) return refuse(l);
    memcpy(copy, text, n);
    write_fold(l->n_pastes, fold);
    list[l->n_pastes++] = (struct paste){copy, n, count_lines(text, n)};
    l->paste_bytes += n;
    return true;
}

bool line_insert_paste(struct line *l, const char *text, size_t n) {
    char fold[FOLD_BYTES];
    if (count_lines(text, n) <= FOLD_LINES && n <= FOLD_SIZE)
        return line_replace(l, l->cursor, l->cursor, text, n);
    if (!line_fold(l, text, n, fold)) return false;
    return line_replace(l, l->cursor, l->cursor, fold, sizeof fold);
}

bool line_kill(struct line *l, size_t from, size_t to, bool added) {
    struct buf killed = {0};
    bool forward = from == l->cursor;
    if (from == to) return false;
    if (added && forward) buf_put(&killed, l->killed.p, l->killed.n);
    buf_put(&killed, l->text.p + from, to - from);
    if (added && !forward) buf_put(&killed, l->killed.p, l->killed.n);
    if (killed.oom || !line_replace(l, from, to, NULL, 0)) {
        buf_free(&killed);
        return refuse(l);
    }
    buf_free(&l->killed);
    l->killed = killed;
    l->killed_paste = false;
    return true;
}

bool line_yank(struct line *l) {
    if (l->killed_paste) return line_insert_paste(l, l->killed.p, l->killed.n);
    return line_replace(l, l->cursor, l->cursor, l->killed.p, l->killed.n);
}

bool line_transpose(struct line *l) {
    size_t from = line_start(l, l->cursor), end = line_end(l, l->cursor), middle = l->cursor;
    if (middle == end && middle > from) middle -= line_previous(l, middle);
    if (middle == from || middle == end) return false;
    from = middle - line_previous(l, middle);
    size_t to = middle + line_next(l, middle);
    struct buf swapped = {0};
    buf_put(&swapped, l->text.p + middle, to - middle);
    buf_put(&swapped, l->text.p + from, middle - from);
    bool done = swapped.oom ? refuse(l) : line_replace(l, from, to, swapped.p, swapped.n);
    buf_free(&swapped);
    return done;
}

bool line_undo(struct line *l) {
    l->typing = false;
    if (l->n_changes == 0) return false;
    struct change *c = &l->changes[l->n_changes - 1];
    if (!put_text(l, c->at, c->at + c->inserted, c->removed, c->n_removed)) return false;
    l->cursor = c->cursor;
    drop_last(l);
    return true;
}

void line_move(struct line *l, size_t at) {
    l->typing = false;
    l->cursor = at >= l->text.n ? l->text.n : cluster_boundary(l->text.p, l->text.n, at);
}
