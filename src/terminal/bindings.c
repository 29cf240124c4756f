/* bindings.c - what each key does. */
#include <string.h>
#include "base/utf8.h"
#include "terminal/editor_impl.h"

/* ---- moving ---- */

static void move_to(struct editor *e, size_t at) { line_move(&e->line, at); }

static enum editor_event left(struct editor *e) {
    if (e->line.cursor > 0) move_to(e, e->line.cursor - line_previous(&e->line, e->line.cursor));
    return EDITOR_MORE;
}

static enum editor_event right(struct editor *e) {
    size_t at = e->line.cursor;
    if (at < e->line.text.n) move_to(e, at + line_next(&e->line, at));
    return EDITOR_MORE;
}

static enum editor_event home(struct editor *e) {
    move_to(e, line_start(&e->line, e->line.cursor));
    return EDITOR_MORE;
}

static enum editor_event end(struct editor *e) {
    move_to(e, line_end(&e->line, e->line.cursor));
    return EDITOR_MORE;
}

static enum editor_event word_left(struct editor *e) {
    move_to(e, word_start(&e->line, e->line.cursor, false));
    return EDITOR_MORE;
}

static enum editor_event word_right(struct editor *e) {
    move_to(e, word_end(&e->line, e->line.cursor, false));
    return EDITOR_MORE;
}

/* To the line of text that begins at an offset, as far from its beginning as the cursor is from
 * that of its own. */
static void move_to_line(struct editor *e, size_t start) {
    const struct line *l = &e->line;
    size_t at = start, last = line_end(l, start);
    for (size_t i = line_start(l, l->cursor); i < l->cursor && at < last; i += line_next(l, i))
        at += line_next(l, at);
    move_to(e, at);
}

/* Up and Down move in the text; but while they walk through the history they go on with that,
 * whatever an entry holds. */
static bool walks(const struct editor *e) { return e->params.plain || e->last_did == DID_WALK; }

static enum editor_event up(struct editor *e) {
    size_t start = line_start(&e->line, e->line.cursor);
    if (start > 0 && !walks(e)) move_to_line(e, line_start(&e->line, start - 1));
    else recall_older(e);
    return EDITOR_MORE;
}

static enum editor_event down(struct editor *e) {
    size_t last = line_end(&e->line, e->line.cursor);
    if (last < e->line.text.n && !walks(e)) move_to_line(e, last + 1);
    else recall_newer(e);
    return EDITOR_MORE;
}

/* ---- changing ---- */

static enum editor_event backspace(struct editor *e) {
    line_backspace(&e->line);
    return EDITOR_MORE;
}

static enum editor_event delete(struct editor *e) {
    size_t at = e->line.cursor;
    if (at < e->line.text.n) line_replace(&e->line, at, at + line_next(&e->line, at), NULL, 0);
    return EDITOR_MORE;
}

static void kill_to(struct editor *e, size_t to) {
    size_t at = e->line.cursor, from = at < to ? at : to;
    if (line_kill(&e->line, from, at < to ? to : at, e->last_did == DID_KILL)) e->did = DID_KILL;
}

/* At the end of a line of text: its newline. */
static enum editor_event kill_end(struct editor *e) {
    size_t at = e->line.cursor, to = line_end(&e->line, at);
    kill_to(e, to == at && to < e->line.text.n ? to + 1 : to);
    return EDITOR_MORE;
}

/* At the beginning of a line of text: the newline before it. */
static enum editor_event kill_start(struct editor *e) {
    size_t at = e->line.cursor, to = line_start(&e->line, at);
    kill_to(e, to == at && to > 0 ? to - 1 : to);
    return EDITOR_MORE;
}

static enum editor_event kill_blank_word(struct editor *e) {
    kill_to(e, word_start(&e->line, e->line.cursor, true));
    return EDITOR_MORE;
}

static enum editor_event kill_word_left(struct editor *e) {
    kill_to(e, word_start(&e->line, e->line.cursor, false));
    return EDITOR_MORE;
}

static enum editor_event kill_word_right(struct editor *e) {
    kill_to(e, word_end(&e->line, e->line.cursor, false));
    return EDITOR_MORE;
}

static enum editor_event yank(struct editor *e) {
    line_yank(&e->line);
    return EDITOR_MORE;
}

static enum editor_event transpose(struct editor *e) {
    line_transpose(&e->line);
    return EDITOR_MORE;
}

static enum editor_event undo(struct editor *e) {
    e->ring = !line_undo(&e->line);
    return EDITOR_MORE;
}

static enum editor_event newline(struct editor *e) {
    line_type(&e->line, "\n", 1);
    return EDITOR_MORE;
}

/* ---- the line and its surroundings ---- */

static enum editor_event complete(struct editor *e) {
    editor_complete(e);
    return EDITOR_MORE;
}

static enum editor_event search(struct editor *e) {
    search_begin(e);
    return EDITOR_MORE;
}

static enum editor_event clear_screen(struct editor *e) {
    if (e->params.plain) {
        plain_leave(&e->plain, &e->out);
        return EDITOR_MORE;
    }
    buf_str(&e->out, "\033[H\033[J");
    e->screen.shown.n = 0;
    return EDITOR_MORE;
}

static enum editor_event ctrl_x(struct editor *e) {
    e->after_ctrl_x = true;
    return EDITOR_MORE;
}

static enum editor_event external(struct editor *e) {
    editor_take_text(e);
    return EDITOR_EXTERNAL;
}

static enum editor_event suspend(struct editor *e) {
    (void)e;
    return EDITOR_SUSPEND;
}

static enum editor_event quit(struct editor *e) {
    (void)e;
    return EDITOR_QUIT;
}

/* Three quotes at the beginning: the text goes on, whatever lines it has, up to three quotes. */
static const char quotes[] = "\"\"\"";
enum { QUOTES = 3 };

static bool is_quoted(const struct buf *t) {
    return t->n >= QUOTES && memcmp(t->p, quotes, QUOTES) == 0;
}

static bool ends_quote(const struct buf *t) {
    return t->n >= 2 * QUOTES && memcmp(t->p + t->n - QUOTES, quotes, QUOTES) == 0;
}

/* Of what editor_text gives, the marks are no part, nor the newlines next to them. */
static void drop_quotes(struct editor *e) {
    const char *p = e->text.p;
    size_t from = QUOTES, to = e->text.n - QUOTES;
    if (from < to && p[from] == '\n') from++;
    if (from < to && p[to - 1] == '\n') to--;
    e->given = from;
    e->n_given = to - from;
}

/* The text, as it was typed, goes to the history. */
static void end_line(struct editor *e) {
    bool quoted = is_quoted(&e->line.text);
    editor_take_text(e);
    if (e->params.history && !e->text.oom) history_add(e->params.history, e->text.p, e->text.n);
    if (quoted && !e->text.oom) drop_quotes(e);
    line_reset(&e->line);
}

enum editor_event editor_enter(struct editor *e) {
    struct line *l = &e->line;
    if (!e->begun) return newline(e);
    if (is_quoted(&l->text) && !ends_quote(&l->text)) return newline(e);
    if (!is_quoted(&l->text) && l->text.n && l->text.p[l->text.n - 1] == '\\') {
        line_replace(l, l->text.n - 1, l->text.n, "\n", 1);
        return EDITOR_MORE;
    }
    editor_leave(e);
    end_line(e);
    e->begun = false;
    return e->text.oom ? EDITOR_FAILED : EDITOR_LINE;
}

static enum editor_event interrupt(struct editor *e) {
    editor_take_text(e);
    if (!e->begun) return EDITOR_INTERRUPT;
    if (e->params.plain) plain_leave(&e->plain, &e->out);
    if (e->text.n) {
        end_line(e);
        e->given = 0;
        e->n_given = e->text.n;
    }
    e->recalled = e->params.history ? history_count(e->params.history) : 0;
    return EDITOR_INTERRUPT;
}

static enum editor_event delete_or_end(struct editor *e) {
    if (e->line.text.n) return delete(e);
    if (!e->begun) return EDITOR_MORE;
    editor_leave(e);
    line_reset(&e->line);
    e->begun = false;
    return EDITOR_END;
}

/* ---- which key does what ---- */

enum { AHEAD = 1, PLAIN = 2, ALWAYS = 3 };      /* also typed ahead; also without repainting */
#define CTRL(letter) ((letter) & 31)

static const struct binding {
    uint32_t code;
    unsigned mods;
    enum editor_event (*act)(struct editor *e);
    int where;
} bindings[] = {
    {KEY_LEFT, 0, left, AHEAD}, {CTRL('B'), 0, left, AHEAD},
    {KEY_RIGHT, 0, right, AHEAD}, {CTRL('F'), 0, right, AHEAD},
    {KEY_HOME, 0, home, AHEAD}, {CTRL('A'), 0, home, AHEAD},
    {KEY_END, 0, end, AHEAD}, {CTRL('E'), 0, end, AHEAD},
    {KEY_LEFT, KEY_CTRL, word_left, AHEAD}, {KEY_LEFT, KEY_ALT, word_left, AHEAD},
    {'b', KEY_ALT, word_left, AHEAD},
    {KEY_RIGHT, KEY_CTRL, word_right, AHEAD}, {KEY_RIGHT, KEY_ALT, word_right, AHEAD},
    {'f', KEY_ALT, word_right, AHEAD},
    {KEY_UP, 0, up, PLAIN}, {CTRL('P'), 0, up, PLAIN},
    {KEY_DOWN, 0, down, PLAIN}, {CTRL('N'), 0, down, PLAIN},
    {127, 0, backspace, ALWAYS}, {CTRL('H'), 0, backspace, ALWAYS},
    {KEY_DELETE, 0, delete, AHEAD}, {CTRL('D'), 0, delete_or_end, ALWAYS},
    {CTRL('K'), 0, kill_end, AHEAD}, {CTRL('U'), 0, kill_start, ALWAYS},
    {CTRL('W'), 0, kill_blank_word, ALWAYS},
    {127, KEY_ALT, kill_word_left, ALWAYS}, {CTRL('H'), KEY_ALT, kill_word_left, ALWAYS},
    {'d', KEY_ALT, kill_word_right, AHEAD}, {KEY_DELETE, KEY_CTRL, kill_word_right, AHEAD},
    {CTRL('Y'), 0, yank, ALWAYS}, {CTRL('T'), 0, transpose, ALWAYS},
    {CTRL('_'), 0, undo, ALWAYS},
    {CTRL('M'), 0, editor_enter, ALWAYS},
    {CTRL('J'), 0, newline, ALWAYS}, {CTRL('M'), KEY_ALT, newline, ALWAYS},
    {CTRL('J'), KEY_ALT, newline, ALWAYS},
    {CTRL('I'), 0, complete, PLAIN}, {CTRL('R'), 0, search, 0},
    {CTRL('L'), 0, clear_screen, PLAIN}, {CTRL('X'), 0, ctrl_x, PLAIN},
    {CTRL('C'), 0, interrupt, ALWAYS}, {CTRL('C'), KEY_ALT, interrupt, ALWAYS},
    {CTRL('Z'), 0, suspend, ALWAYS}, {CTRL('\\'), 0, quit, ALWAYS},
};

static enum editor_event obey(struct editor *e, const struct key *key) {
    int needed = (e->begun ? 0 : AHEAD) | (e->params.plain ? PLAIN : 0);
    for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++) {
        const struct binding *b = &bindings[i];
        if (b->code != key->code || b->mods != key->mods) continue;
        if ((b->where & needed) == needed) return b->act(e);
        break;
    }
    e->ring = e->begun;
    return EDITOR_MORE;
}

static enum editor_event after_ctrl_x(struct editor *e, const struct key *key) {
    e->after_ctrl_x = false;
    if (key->code == CTRL('E') && key->mods == 0) return external(e);
    if (key->code == CTRL('U') && key->mods == 0) return undo(e);
    return obey(e, key);
}

static void type(struct editor *e, uint32_t c) {
    char text[4];
    line_type(&e->line, text, (size_t)utf8_encode(c, text));
}

static void paste(struct editor *e) {
    struct buf *p = &e->keys.paste;
    if (p->n) line_insert_paste(&e->line, p->p, p->n);
    if (e->keys.paste_cut) e->warning = "the paste was longer than 16 MB: its end is missing";
    buf_free(p);
}

enum editor_event editor_key(struct editor *e, const struct key *key) {
    enum editor_event event = EDITOR_MORE;
    e->changed = true;
    if (e->search.active && search_key(e, key)) return EDITOR_MORE;
    e->last_did = e->did;
    e->did = DID_OTHER;
    bool printable = key->code >= ' ' && key->code != 127 && key->code <= 0x10FFFF;
    if (key->code == KEY_PASTE) paste(e);
    else if (e->after_ctrl_x) event = after_ctrl_x(e, key);
    else if (printable && key->mods == 0) type(e, key->code);
    else event = obey(e, key);
    if (e->params.plain) e->line.cursor = e->line.text.n;
    return event;
}
