/* fenced.h - the code block in an answer. */
#ifndef QW_FENCED_H
#define QW_FENCED_H
#include <stdbool.h>
#include "cli/input.h"

/* Reduce t to the lines of its first fenced code block: between a line of at least three backticks
 * or tildes and the next one of at least as many, or the end. As many blanks as stand before the
 * fence go from each line. false, and nothing changes, if there is no fence. */
bool keep_first_fenced(struct text *t);

#endif
