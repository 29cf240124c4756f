/* words.h - what words on the command line mean: a command, a prompt, or a mistake. */
#ifndef QW_WORDS_H
#define QW_WORDS_H
#include "cli/flags.h"

/* Does the word contain a blank? Then it was quoted, and is a prompt. */
bool is_quoted(const char *word);

/* After `qw` without a command: are the words a prompt? They are if there are none, after "--", and
 * if there is one that was quoted. Else EXIT_USAGE after a message with both readings. */
int  check_words(const struct words *words);

/* The command whose name is nearest to a mistyped word, or NULL. */
const char *near_command(const char *word);

/* A word as a shell takes it, in quotes if it needs them; cut off to so many bytes. Returns out. */
const char *shell_word(const char *word, char *out, size_t size);

#endif
