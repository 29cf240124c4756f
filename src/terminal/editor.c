/* editor.c - the line editor: what callers see of it. */
#include "terminal/editor_impl.h"
#include <stdlib.h>
#include "base/utf8_stream.h"

/* A longer text that is put into the line is folded: nobody edits it there, and it would have to be
 * laid out for each key. */
enum { WHOLE_MOST = 65536 };

/* ---- the screen ---- */

static void set_size(struct editor *e, int rows, int columns) {
    enum { MOST = 4096 };
    rows = rows < 1 ? 24 : rows;
    columns = columns < 1 ? 80 : columns;
    rows = rows > MOST ? MOST : rows;
    columns = columns > MOST ? MOST : columns;
    if (columns < LAYOUT_COLUMNS) columns = LAYOUT_COLUMNS;
    screen_resize(&e->screen, rows, columns, e->params.truncates, &e->out);
    e->plain.columns = columns;
}

void editor_show(struct editor *e) {
    struct view view = {e->prompt.p, &e->line, e->line.cursor};
    if (e->search.active) view = (struct view){e->search.prompt.p, &e->search.match,
                                               e->search.match.cursor};
    if (e->params.plain) plain_paint(&e->plain, &view, &e->out);
    else screen_paint(&e->screen, &view, &e->out);
    e->changed = false;
}

void editor_leave(struct editor *e) {
    if (e->params.plain) {
        if (e->changed) editor_show(e);
        plain_leave(&e->plain, &e->out);
        return;
    }
    line_move(&e->line, e->line.text.n);
    editor_show(e);
    screen_leave(&e->screen, &e->out);
}

void editor_hide(struct editor *e) {
    if (e->params.plain) plain_hide(&e->plain, &e->out);
    else screen_hide(&e->screen, &e->out);
    e->changed = false;
}

void editor_repaint(struct editor *e) {
    e->screen.shown.n = 0;
    e->plain.begun = false;
    if (e->begun) editor_show(e);
}

void editor_resize(struct editor *e, int rows, int columns) {
    bool shown = e->screen.shown.n > 0;
    set_size(e, rows, columns);
    if (shown) editor_show(e);
}

struct buf *editor_output(struct editor *e) { return &e->out; }

/* What a key has changed. A bell says that it could not. */
static void update(struct editor *e) {
    if (e->line.refused) {
        e->warning = "not done: the text would be longer than 16 MB, or memory is short";
        e->line.refused = false;
        e->ring = true;
    }
    if (e->changed && e->begun) editor_show(e);
    if (e->ring) buf_char(&e->out, '\a');
    e->ring = false;
}

/* ---- the text ---- */

static bool is_tall(const char *text, size_t n) {
    size_t lines = 1;
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    return lines > EDITOR_TALL;
}

bool editor_put_whole(struct editor *e, const char *text, size_t n) {
    char fold[FOLD_BYTES];
    if (n <= WHOLE_MOST && !is_tall(text, n))
        return line_replace(&e->line, 0, e->line.text.n, text, n);
    if (!line_fold(&e->line, text, n, fold)) return false;
    return line_replace(&e->line, 0, e->line.text.n, fold, sizeof fold);
}

void editor_take_text(struct editor *e) {
    if (e->text.oom) buf_free(&e->text);
    e->text.n = 0;
    line_expand(&e->line, 0, e->line.text.n, &e->text);
    e->given = 0;
    e->n_given = e->text.n;
}

const char *editor_text(struct editor *e, size_t *n) {
    *n = e->n_given;
    if (e->text.oom) return NULL;
    return e->text.p ? e->text.p + e->given : "";
}

/* What is not UTF-8 is replaced. */
static void put_clean(struct editor *e, const char *text, size_t n) {
    struct buf clean = {0};
    struct utf8_stream stream = {{0}, 0};
    utf8_push(&stream, text, n, &clean);
    utf8_finish(&stream, &clean);
    if (clean.oom) e->line.refused = true;
    else editor_put_whole(e, clean.p, clean.n);
    buf_free(&clean);
}

void editor_set_text(struct editor *e, const char *text, size_t n) {
    if (n) put_clean(e, text, n);
    else line_replace(&e->line, 0, e->line.text.n, NULL, 0);
    e->changed = true;
    update(e);
}

/* Type-ahead ends with the newlines of Enter, which send nothing. */
static void trim_newlines(struct line *l) {
    size_t end = l->text.n;
    while (end > 0 && l->text.p[end - 1] == '\n') end--;
    if (end < l->text.n) line_replace(l, end, l->text.n, NULL, 0);
}

/* Puts a text before what was typed ahead. */
static void put_before(struct editor *e, const char *text, size_t n) {
    struct buf ahead = {0};
    buf_put(&ahead, e->line.text.p, e->line.text.n);
    put_clean(e, text, n);
    if (ahead.oom) e->line.refused = true;
    else if (ahead.n && line_replace(&e->line, e->line.text.n, e->line.text.n, "\n", 1))
        line_replace(&e->line, e->line.text.n, e->line.text.n, ahead.p, ahead.n);
    buf_free(&ahead);
}

void editor_begin(struct editor *e, const char *prompt, const char *text, size_t n) {
    e->prompt.n = 0;
    buf_str(&e->prompt, prompt);
    buf_char(&e->prompt, 0);
    trim_newlines(&e->line);
    if (n) put_before(e, text, n);
    line_move(&e->line, e->line.text.n);
    e->begun = !e->prompt.oom;
    if (e->prompt.oom) e->out.oom = true;
    e->recalled = e->params.history ? history_count(e->params.history) : 0;
    e->did = DID_OTHER;
    e->screen.shown.n = 0;
    e->changed = true;
    update(e);
}

/* ---- keys ---- */

enum editor_event editor_feed(struct editor *e, const char *bytes, size_t n, size_t *used) {
    enum editor_event event = EDITOR_MORE;
    size_t i = 0;
    if (e->out.oom) buf_free(&e->out);
    while (i < n && event == EDITOR_MORE) {
        struct key keys[KEYS_AT_ONCE];
        int count = keys_push(&e->keys, (unsigned char)bytes[i++], keys);
        for (int k = 0; k < count; k++) event = editor_key(e, &keys[k]);
    }
    *used = i;
    update(e);
    return e->out.oom ? EDITOR_FAILED : event;
}

bool editor_pending(const struct editor *e) { return keys_pending(&e->keys); }

void editor_idle(struct editor *e) {
    struct key keys[KEYS_AT_ONCE];
    int count = keys_idle(&e->keys, keys);
    for (int k = 0; k < count; k++) editor_key(e, &keys[k]);
    update(e);
}

const char *editor_warning(struct editor *e) {
    const char *why = e->warning;
    e->warning = NULL;
    if (!why && e->params.history) why = history_error(e->params.history);
    return why;
}

/* ---- all of it ---- */

struct editor *editor_new(const struct editor_params *params) {
    struct editor *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->params = *params;
    e->keys.paste_limit = e->line.limit = e->search.match.limit = EDITOR_LIMIT;
    set_size(e, params->rows, params->columns);
    return e;
}

void editor_free(struct editor *e) {
    if (!e) return;
    buf_free(&e->keys.paste);
    line_free(&e->line);
    search_free(&e->search);
    screen_free(&e->screen);
    plain_free(&e->plain);
    buf_free(&e->prompt);
    buf_free(&e->draft);
    buf_free(&e->out);
    buf_free(&e->text);
    free(e);
}
