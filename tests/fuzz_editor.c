/* fuzz_editor.c - libFuzzer target: keys, pastes, sizes and resizes against editor_model.h.
 *
 * The first byte chooses the screen and its opinion of widths. Then each byte is an action, some
 * with operands after it. The editor must hold what the model holds, with the cursor at the same
 * place, and a model of a terminal must show it, after some of the actions and at the end. With the
 * highest bit of the first byte set the other bytes are what a terminal sends: then nothing that is
 * unknown may come out, and nothing may break. */
#include <stdlib.h>
#include <string.h>
#include "terminal/editor.h"
#include "editor_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct editor *e;
static struct screen_model screen;
static struct grid grid;
static struct editor_model model;
static struct buf past;             /* the model of the history: texts with a NUL after each */
static struct model_text draft;
static size_t starts[64];           /* where they begin */
static size_t n_past, recalled;
static bool walking, was_walking, was_killing;     /* this action, and the one before */
static unsigned random_bits;

#define expect(condition) do { \
    if (condition) break; \
    fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
    abort(); \
} while (0)

/* ---- the editor and its terminal ---- */

static void flush(void) {
    struct buf *out = editor_output(e);
    model_write(&screen, out->p, out->n);
    out->n = 0;
}

/* Feeds bytes in pieces. Returns the event that the last one gave. */
static enum editor_event feed(const char *p, size_t n) {
    enum editor_event event = EDITOR_MORE;
    for (size_t at = 0, used; at < n; at += used) {
        random_bits = random_bits * 1664525u + 1013904223u;
        size_t piece = random_bits >> 30 ? n - at : 1;
        event = editor_feed(e, p + at, piece, &used);
        expect(used > 0 && used <= piece && (event != EDITOR_MORE || used == piece));
        flush();
    }
    return event;
}

static enum editor_event press(const char *keys) { return feed(keys, strlen(keys)); }

/* The text that an event gave must be this. */
static void expect_text(const char *p, size_t n) {
    size_t found_n;
    const char *found = editor_text(e, &found_n);
    expect(found && found_n == n && (n == 0 || memcmp(found, p, n) == 0));
}

static void check_screen(void) {
    if (screen.columns < 4) return;
    grid_render(&grid, &model, screen.columns);
    const char *wrong = grid_wrong(&grid, &screen);
    if (wrong) fprintf(stderr, "wrong: %s\n", wrong);
    expect(!wrong);
}

/* ---- the history ---- */

static void remember(const char *p, size_t n) {
    const char *last = n_past ? past.p + starts[n_past - 1] : NULL;
    if (n == 0 || *p == ' ' || *p == '\t' || *p == '\n') return;
    if (last && past.n - 1 - starts[n_past - 1] == n && memcmp(last, p, n) == 0) return;
    if (n_past == 63) {
        model.failed = true;
        return;
    }
    starts[n_past++] = past.n;
    buf_put(&past, p, n);
    buf_char(&past, 0);
    starts[n_past] = past.n;
}

static void recall(size_t i) {
    const char *p = draft.p;
    size_t n = draft.n;
    if (recalled == n_past) draft = model.now;
    if (i < n_past) {
        p = past.p + starts[i];
        n = starts[i + 1] - 1 - starts[i];
    }
    size_t lines = 1;
    for (size_t k = 0; i < n_past && k < n; k++) lines += p[k] == '\n';
    if (lines > EDITOR_TALL) model.failed = true;       /* it is folded, which is not modelled */
    model_replace(&model, 0, model.now.n, p, n);
    recalled = i;
}

static void vertical(bool up) {
    const struct model_text *t = &model.now;
    size_t start = model_start(t, t->cursor), end = model_end(t, t->cursor), steps = 0;
    bool other_line = !was_walking && (up ? start > 0 : end < t->n);
    if (!other_line) {
        walking = true;
        if (up && recalled > 0) recall(recalled - 1);
        if (!up && recalled < n_past) recall(recalled + 1);
        return;
    }
    for (size_t i = start; i < t->cursor; i += model_unit(t, i)) steps++;
    size_t at = up ? model_start(t, start - 1) : end + 1, last = model_end(t, at);
    for (; steps > 0 && at < last; steps--) at += model_unit(t, at);
    model_move(&model, at);
}

/* ---- ends of lines ---- */

/* The text is no more. A fold that was killed is yanked as a paste from now on, but the model has
 * forgotten it. */
static void forget(void) {
    if (model.killed.n && memchr(model.killed.p, 0xF8, model.killed.n)) model.failed = true;
    model_forget(&model);
}

static void begin_line(void) {
    forget();
    editor_begin(e, "> ", NULL, 0);
    flush();
    recalled = n_past;
}

static void enter(void) {
    struct model_text *t = &model.now;
    struct buf whole = {0};
    bool quoted = t->n >= 3 && memcmp(t->p, "\"\"\"", 3) == 0;
    bool closed = quoted && t->n >= 6 && memcmp(t->p + t->n - 3, "\"\"\"", 3) == 0;
    enum editor_event event = press("\r");
    if (quoted && !closed) {
        model_type(&model, "\n", 1);
        expect(event == EDITOR_MORE);
        return;
    }
    if (!quoted && t->n && t->p[t->n - 1] == '\\') {
        model_replace(&model, t->n - 1, t->n, "\n", 1);
        expect(event == EDITOR_MORE);
        return;
    }
    model_expand(&model, &whole);
    expect(event == EDITOR_LINE);
    remember(whole.p, whole.n);
    size_t from = closed ? 3 : 0, to = whole.n - from;
    if (closed && from < to && whole.p[from] == '\n') from++;
    if (closed && from < to && whole.p[to - 1] == '\n') to--;
    expect_text(whole.p ? whole.p + from : "", to - from);
    buf_free(&whole);
    expect(screen.x == 0);
    begin_line();
}

static void interrupt(void) {
    struct buf whole = {0};
    model_expand(&model, &whole);
    expect(press("\003") == EDITOR_INTERRUPT);
    expect_text(whole.p, whole.n);
    remember(whole.p, whole.n);
    if (whole.n) forget();
    model.grouping = 0;
    recalled = n_past;
    buf_free(&whole);
}

/* ---- actions ---- */

static const char *const characters[] = {
    "a", "b", " ", "/", "\\", "\"", "\"\"\"", "\u00e4", "\u4f60", "e\u0301", "\u0301", "\u200d",
    "\U0001f469", "\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\ufe0f", "\U0001f1e9",
    "\U0001f1e9\U0001f1ea", "\u1100", "\u1161", "\uac00", "\u200b", "\302\205", "\u202e", "\u0915",
    "\u093f", "\U0001f3fd", "0", "word ", "\u0600", "\uff21", "ab cd ef gh ij kl mn op qr st uv wx"
};

static void type_text(const char *p) {
    size_t n = strlen(p);
    press(p);
    for (size_t at = 0, one; at < n; at += one) {
        for (one = 1; at + one < n && ((unsigned char)p[at + one] & 0xC0) == 0x80;) one++;
        model_type(&model, p + at, one);
    }
}

/* A paste of this many characters, with newlines and controls in it. */
static void paste(unsigned length, unsigned kind) {
    char sent[1024], text[1024];
    size_t n = 0, m = 0;
    for (unsigned i = 0; i < length % 64; i++) {
        const char *c = characters[(i * kind + i) % 27];
        if (kind % 4 == 1 && i % 9 == 8) c = "\n";
        if (kind % 4 == 2 && i % 17 == 16) c = "\t";
        if (kind % 4 == 3 && i % 23 == 22) c = "\003";
        m = (size_t)(stpcpy(text + m, c) - text);
        n = (size_t)(stpcpy(sent + n, *c == '\n' && i % 2 ? "\r\n" : c) - sent);
    }
    press("\033[200~");
    feed(sent, n);
    press("\033[201~");
    if (m) model_paste(&model, text, m);
}

static void resize(unsigned a, unsigned b) {
    int rows = (int)(a % 30) + 1, columns = (int)(b % 100) + 4;
    if (a >= 128) rows = screen.rows;
    if (screen.sums) return;            /* it breaks rows elsewhere */
    model_resize(&screen, rows, columns);
    editor_resize(e, rows, columns);
    flush();
}

static void kill(size_t to) {
    size_t at = model.now.cursor;
    model_kill(&model, at < to ? at : to, at < to ? to : at, was_killing);
}

static void delete_next(void) {
    const struct model_text *t = &model.now;
    size_t at = t->cursor;
    if (at < t->n) model_replace(&model, at, at + model_unit(t, at), "", 0);
}

/* What a key does to the model; t: its text, at: its cursor. */
#define ACTION(name, what) \
    static void name(void) { \
        const struct model_text *t = &model.now; \
        size_t at = t->cursor; \
        (void)at; \
        what; \
    }
ACTION(left, if (at) model_move(&model, model_before(t, at)))
ACTION(right, if (at < t->n) model_move(&model, at + model_unit(t, at)))
ACTION(home, model_move(&model, model_start(t, at)))
ACTION(end, model_move(&model, model_end(t, at)))
ACTION(word_left, model_move(&model, model_word_start(t, at, false)))
ACTION(word_right, model_move(&model, model_word_end(t, at, false)))
ACTION(backspace, if (t->n) model_backspace(&model))
ACTION(kill_end, size_t to = model_end(t, at); kill(to == at && to < t->n ? to + 1 : to))
ACTION(kill_start, size_t to = model_start(t, at); kill(to == at && to > 0 ? to - 1 : to))
ACTION(kill_blank_word, kill(model_word_start(t, at, true)))
ACTION(kill_word_left, kill(model_word_start(t, at, false)))
ACTION(kill_word_right, kill(model_word_end(t, at, false)))
ACTION(yank, if (t) model_replace(&model, at, at, model.killed.p, model.killed.n))
ACTION(transpose, if (t) model_transpose(&model))
ACTION(undo, if (t) model_undo(&model))
ACTION(newline, if (t) model_type(&model, "\n", 1))
ACTION(up, if (t) vertical(true))
ACTION(down, if (t) vertical(false))
ACTION(nothing, (void)t)

static const struct { const char *keys; void (*follow)(void); } keys[] = {
    {"\002", left}, {"\033[D", left}, {"\033OD", left}, {"\006", right}, {"\033[C", right},
    {"\001", home}, {"\033[1~", home}, {"\005", end}, {"\033b", word_left},
    {"\033[1;5D", word_left}, {"\033f", word_right}, {"\177", backspace}, {"\010", backspace},
    {"\033[3~", delete_next}, {"\013", kill_end}, {"\025", kill_start}, {"\027", kill_blank_word},
    {"\033\177", kill_word_left}, {"\033d", kill_word_right}, {"\031", yank}, {"\024", transpose},
    {"\037", undo}, {"\037", undo}, {"\n", newline}, {"\033\r", newline}, {"\033[A", up},
    {"\020", up}, {"\033[B", down}, {"\014", nothing}, {"\t", nothing}
};

static void delete_or_end(void) {
    enum editor_event event = press("\004");
    expect(event == (model.now.n ? EDITOR_MORE : EDITOR_END));
    if (model.now.n) delete_next();
    else begin_line();
}

/* Not keys: they change nothing. */
static void no_key(unsigned which, unsigned a, unsigned b) {
    walking = was_walking;
    model.killing = was_killing;
    if (which < 2) resize(a, b);
    else if (which == 2) press("\033[99~\033]x\a");
    else if (which == 3) editor_idle(e);
    else {
        editor_hide(e);
        editor_repaint(e);
    }
    flush();
}

/* One action; p: what is left of the input. Returns the bytes it took. */
static size_t act(const uint8_t *p, size_t n) {
    enum { KEYS = sizeof keys / sizeof *keys };
    unsigned what = p[0] & 127, a = n > 1 ? p[1] : 0, b = n > 2 ? p[2] : 0;
    was_walking = walking;
    was_killing = model.killing;
    walking = model.killing = false;
    if (p[0] < 128) {
        type_text(characters[what % 32]);
        return 1;
    }
    if (what < 3 * KEYS) {
        press(keys[what % KEYS].keys);
        keys[what % KEYS].follow();
        return 1;
    }
    switch (what - 3 * KEYS) {
    case 0: case 1: case 2: case 3: enter(); break;
    case 4: interrupt(); break;
    case 5: delete_or_end(); break;
    case 6: case 7: case 8: case 9: case 10: paste(a, b); break;
    default: no_key(what % 5, a, b);
    }
    return what - 3 * KEYS > 5 ? 3 : 1;
}

static void follow_script(const uint8_t *p, size_t n) {
    for (size_t at = 0; at < n && !model.failed;) {
        at += act(p + at, n - at);
        if (!model.failed && (random_bits >> 16) % 8 == 0) check_screen();
    }
    if (model.failed) return;
    check_screen();
    struct buf whole = {0};
    model_expand(&model, &whole);
    expect(press("\030\005") == EDITOR_EXTERNAL);
    expect_text(whole.p, whole.n);
    buf_free(&whole);
}

/* Bytes of a terminal, in pieces; between them it may be resized, or be quiet. */
static void follow_bytes(const uint8_t *p, size_t n) {
    size_t used;
    for (size_t at = 0; at < n; at += used) {
        size_t piece = n - at < 16 ? n - at : 16;
        enum editor_event event = editor_feed(e, (const char *)p + at, piece, &used);
        expect(used > 0 && used <= piece);
        flush();
        expect(!screen.bad && event != EDITOR_FAILED);
        if (event == EDITOR_LINE || event == EDITOR_END) {
            size_t length;
            const char *text = editor_text(e, &length);
            expect(text != NULL);
            if (p[at] & 1) editor_begin(e, "> ", text, length);
            else editor_begin(e, "> ", NULL, 0);
        }
        if (p[at] % 8 == 1) editor_idle(e);
        if (p[at] % 8 == 2) resize(p[at], p[at + used - 1]);
        flush();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int columns[] = {80, 40, 20, 10};
    enum { LONGEST = 1000 };            /* the model is slow */
    struct history *h = history_open(NULL);
    if (size > LONGEST) size = LONGEST;
    unsigned first = size ? data[0] : 0;
    struct editor_params params = {.rows = first & 4 ? 6 : 24, .columns = columns[first & 3],
                                   .history = h, .plain = (first & 0x90) == 0x90};
    if (!model.steps) model.steps = calloc(STEPS_MOST, sizeof *model.steps);
    model_forget(&model);
    model.killed.n = 0;
    model.failed = model.killing = walking = false;
    past.n = n_past = recalled = 0;
    draft.n = 0;
    random_bits = first;
    e = editor_new(&params);
    model_init(&screen, params.rows, params.columns);
    screen.sums = first & 8;
    editor_begin(e, "> ", NULL, 0);
    flush();
    if (size && first & 128) follow_bytes(data + 1, size - 1);
    else if (size) follow_script(data + 1, size - 1);
    editor_free(e);
    history_close(h);
    model_forget(&model);
    return 0;
}
