/* editor.h - the line editor: keys in, text and what the screen shall show out.
 *
 *     struct editor *e = editor_new(&params);
 *     editor_begin(e, "> ", NULL, 0);
 *     for (;;) {
 *         write what editor_output(e) holds, and empty it; read some bytes
 *         switch (editor_feed(e, bytes, n, &used)) {...}
 *     }
 *
 * It neither reads nor writes a terminal, and owns no clock: whoever calls it does. The terminal is
 * raw (no echo, bytes as they come), bracketed paste is switched on. */
#ifndef QW_EDITOR_H
#define QW_EDITOR_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "terminal/complete.h"
#include "terminal/history.h"

/* The longest text in bytes, pastes included. */
enum { EDITOR_LIMIT = 16000000 };
/* A text with more lines that is put into the line (by the caller, or from the history) is shown
 * folded, as a paste is: else it would flood the screen. */
enum { EDITOR_TALL = 20 };

struct editor_params {
    struct history *history;    /* NULL: there is none. Must outlive the editor. */
    /* Adds to out what could stand in place of the end of text[0..n), the text up to the cursor;
     * sets out->from to where that end begins. NULL: Tab completes nothing. */
    void (*complete)(void *data, const char *text, size_t n, struct completions *out);
    void *data;
    int rows, columns;          /* of the screen; below 1: 24 and 80 */
    bool plain;                 /* nothing is repainted: a terminal without control sequences, or a
                                 * person who hears the screen */
    bool truncates;             /* when it gets narrower the terminal cuts rows off (xterm, the
                                 * Linux console), instead of breaking them again (most) */
};

enum editor_event {
    EDITOR_MORE,                /* go on feeding */
    EDITOR_LINE,                /* Enter: the text is complete, the line over */
    EDITOR_END,                 /* Ctrl-D on an empty line: the line is over */
    EDITOR_INTERRUPT,           /* Ctrl-C: a text that there was is in the history, and the line,
                                 * now empty, goes on */
    EDITOR_SUSPEND,             /* Ctrl-Z: nothing has changed: hide, stop, repaint */
    EDITOR_QUIT,                /* Ctrl-\: the same */
    EDITOR_EXTERNAL,            /* Ctrl-X Ctrl-E: the same, with editor_set_text */
    EDITOR_FAILED               /* memory ran out; the screen may be behind */
};

/* NULL: memory ran out. */
struct editor *editor_new(const struct editor_params *params);
void editor_free(struct editor *e);

/* Begin a line at the start of an empty row, with a text in it (NULL, 0: none). What was fed since
 * the last line, type-ahead, follows it. Prompt: a string, copied. */
void editor_begin(struct editor *e, const char *prompt, const char *text, size_t n);

/* Bytes from the terminal. *used: how many were taken, all of them with EDITOR_MORE; after another
 * event, feed the rest once that is dealt with. While no line is begun the bytes are type-ahead:
 * they edit the text of the next line unseen, Enter is a newline in it; then EDITOR_INTERRUPT
 * changes nothing. */
enum editor_event editor_feed(struct editor *e, const char *bytes, size_t n, size_t *used);
/* Does the editor wait for the rest of a key? Then call editor_idle after 50 ms without a byte: it
 * was Escape, or will never be complete. */
bool editor_pending(const struct editor *e);
void editor_idle(struct editor *e);

/* The text of the last EDITOR_LINE (without the marks of several lines), or what was in the line at
 * EDITOR_INTERRUPT and EDITOR_EXTERNAL; *n bytes of UTF-8, which may hold any control character.
 * Belongs to the editor until the next call. NULL: memory ran out. */
const char *editor_text(struct editor *e, size_t *n);
/* Put another text into the line, and show it. The old one can be had back by undo. */
void editor_set_text(struct editor *e, const char *text, size_t n);

/* What is to be written to the terminal: write p[0..n), then set n = 0. */
struct buf *editor_output(struct editor *e);

/* The terminal has a new size. */
void editor_resize(struct editor *e, int rows, int columns);
/* Erase the line from the screen; the cursor is where it began, or on an empty row (plain). Keys
 * that follow show it again. */
void editor_hide(struct editor *e);
/* Show the line from where the cursor is, in the first column of an empty row: after editor_hide,
 * and whatever else was printed. */
void editor_repaint(struct editor *e);

/* What went wrong since the last call (a paste was cut, the history cannot be written), in words,
 * or NULL. Belongs to the editor until the next call. */
const char *editor_warning(struct editor *e);

#endif
