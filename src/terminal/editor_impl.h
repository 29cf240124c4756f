/* editor_impl.h - what the parts of the line editor share. */
#ifndef QW_EDITOR_IMPL_H
#define QW_EDITOR_IMPL_H
#include "terminal/editor.h"
#include "terminal/keys.h"
#include "terminal/line.h"
#include "terminal/plain.h"
#include "terminal/screen.h"

/* What a key did, as far as the next one asks. */
enum deed { DID_OTHER, DID_KILL, DID_COMPLETE, DID_WALK };

/* An incremental search of the history. */
struct search {
    bool active, found;
    struct buf pattern, prompt;
    size_t at;                  /* the entry that is shown; the number of entries: none */
    struct line match;          /* its text, or before one is found that of the line */
};

struct editor {
    struct editor_params params;
    struct keys keys;
    struct line line;
    struct buf prompt;          /* a string */
    bool begun;                 /* a line is being edited */
    bool changed;               /* the screen may have to */
    bool ring;                  /* the bell is to be rung */
    bool after_ctrl_x;
    enum deed did, last_did;    /* what this key does, what the one before did */
    size_t recalled;            /* the entry that Up and Down have come to; their number: none */
    struct buf draft;           /* the text that Down comes back to */
    struct search search;
    struct screen screen;
    struct plain plain;
    struct buf out;
    struct buf text;            /* what editor_text gives: n_given bytes from `given` on */
    size_t given, n_given;
    const char *warning;        /* NULL: all went well */
};

/* ---- editor.c ---- */

/* Show the line as it is, on the screen or as plain text. */
void editor_show(struct editor *e);
/* To an empty row after the line, which stays on the screen. */
void editor_leave(struct editor *e);
/* Put a text, valid UTF-8, in place of the line's; a very long one as a fold. */
bool editor_put_whole(struct editor *e, const char *text, size_t n);
/* The text with pastes in place of their folds, for editor_text. */
void editor_take_text(struct editor *e);

/* ---- bindings.c: a key while a line is edited or typed ahead ---- */

enum editor_event editor_key(struct editor *e, const struct key *key);
/* Enter: a new line in the text, or its end. */
enum editor_event editor_enter(struct editor *e);

/* ---- recall.c: the history ---- */

void recall_older(struct editor *e);
void recall_newer(struct editor *e);
void search_begin(struct editor *e);
/* A key while the search is active. False: it has ended, and the key is still to be obeyed. */
bool search_key(struct editor *e, const struct key *key);
/* Back to the line as it was. */
void search_cancel(struct editor *e);
void search_free(struct search *s);

/* ---- editor_complete.c: Tab ---- */

void editor_complete(struct editor *e);

#endif
