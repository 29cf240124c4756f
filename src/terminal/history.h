/* history.h - what was typed, kept in memory and in a file.
 *
 * The file has one entry a line, the oldest first; in an entry a newline is \n, a carriage return
 * \r, a backslash \\. Several programs may use it at the same time: each entry is appended at once,
 * so none is lost, and each program sees those that were there when it began. Nothing here waits
 * for long. */
#ifndef QW_HISTORY_H
#define QW_HISTORY_H
#include <stddef.h>

/* The entries that are kept, the longest that is written to the file in bytes, and what those in
 * memory may take altogether. */
enum { HISTORY_ENTRIES = 1000, HISTORY_LONGEST = 65536, HISTORY_MEMORY = 32000000 };

/* Read what path, a file that may be missing, has; NULL or "": none is read or written. What is
 * wrong with the file is no failure, but said by history_error. NULL: memory ran out. */
struct history *history_open(const char *path);
void history_close(struct history *h);

/* How many entries there are, and entry i, 0 being the oldest: *n bytes of UTF-8, which belong to
 * the history until the next history_add. */
size_t history_count(const struct history *h);
const char *history_entry(const struct history *h, size_t i, size_t *n);

/* Keep a text, unless it is empty, begins with a blank, or is the last entry again. */
void history_add(struct history *h, const char *text, size_t n);

/* The first thing that went wrong, told once, in words; then, and if nothing did, NULL. */
const char *history_error(struct history *h);

#endif
