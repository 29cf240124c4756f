/* line.h - the text that is being edited: a cursor, what was killed, undo.
 *
 * A text has several lines when it holds newlines. It is valid UTF-8, but for folds: a fold stands
 * for a long paste, is four bytes in the text (FOLD and the number of the paste), and is one
 * character to every function here:
 *
 *     fix this: \xFF\x80\x80\x81 please       fix this: [pasted 120 lines, 4.1 KB] please
 *
 * Functions that change the text return false when nothing is to be done, when the text would be
 * longer than the limit, or when memory runs out; then nothing has changed, and `refused` is set
 * unless there was nothing to do. */
#ifndef QW_LINE_H
#define QW_LINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

struct line {
    struct buf text;
    size_t cursor;              /* between two characters */
    size_t size;                /* bytes with the pastes in place of their folds */
    size_t limit;               /* of size */
    bool refused;
    struct buf killed;          /* what yank gives */
    bool killed_paste;          /* it comes from an earlier line and had folds */
    struct paste { char *p; size_t n, lines; } *pastes;
    size_t n_pastes, paste_bytes;
    struct change *changes;     /* what undo takes back, the last one at the end */
    size_t n_changes, cap_changes;
    size_t undo_bytes;          /* what they hold */
    bool typing;                /* the last change was by line_type or line_backspace: the next one
                                 * may join it */
};

/* {.limit = n} is an empty line. */
void line_free(struct line *l);
/* Empty it and forget its changes, but not what was killed. */
void line_reset(struct line *l);

/* ---- reading ---- */

#define FOLD 0xFF
enum { FOLD_BYTES = 4 };
static inline bool is_fold(const char *p) { return (unsigned char)*p == FOLD; }
const struct paste *line_paste(const struct line *l, const char *fold);

/* The bytes of the character after, or before, an offset that is not the last, or first. */
size_t line_next(const struct line *l, size_t at);
size_t line_previous(const struct line *l, size_t at);
/* The beginning and the end of the line of text that an offset is in. */
size_t line_start(const struct line *l, size_t at);
size_t line_end(const struct line *l, size_t at);
/* The end of the word that ends after an offset, the beginning of the one that begins before it.
 * Words are letters and digits, anything but ASCII counts as a letter; with blank words, anything
 * but white space does. */
size_t word_end(const struct line *l, size_t at, bool blank_words);
size_t word_start(const struct line *l, size_t at, bool blank_words);
/* Appends part of the text with pastes in place of their folds. */
void line_expand(const struct line *l, size_t from, size_t to, struct buf *out);

/* ---- changing ---- */

/* Put text[0..n) where from..to was, the cursor after it. One step of undo. */
bool line_replace(struct line *l, size_t from, size_t to, const char *text, size_t n);
/* A character at the cursor; those that follow each other up to a blank are one step. */
bool line_type(struct line *l, const char *text, size_t n);
/* Delete the character before the cursor; several are one step. */
bool line_backspace(struct line *l);
/* Insert a paste, as a fold if it has more than FOLD_LINES lines or FOLD_SIZE bytes. */
enum { FOLD_LINES = 5, FOLD_SIZE = 4000 };
bool line_insert_paste(struct line *l, const char *text, size_t n);
/* Keep a paste of n > 0 bytes, and write the fold that stands for it. */
bool line_fold(struct line *l, const char *text, size_t n, char fold[FOLD_BYTES]);
/* Cut from..to; added: to what was killed before, at the side that it is on. */
bool line_kill(struct line *l, size_t from, size_t to, bool added);
bool line_yank(struct line *l);
/* Swap the characters around the cursor, at the end of a line those before it. */
bool line_transpose(struct line *l);
bool line_undo(struct line *l);
/* Move the cursor to the first place between characters at or after an offset. */
void line_move(struct line *l, size_t at);

#endif
