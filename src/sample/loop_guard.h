/* loop_guard.h - notices that an answer repeats itself without end.
 *
 * It knows nothing but the token ids of one answer, thoughts included, prompt not, and it would
 * rather let a loop run on than cut a good text. Of two rules the first that fires counts:
 *
 *   exact   the last tokens are those of p tokens before, p = 1 to 512: for four rounds, and for
 *           256 tokens of prose, 300 of white space or of one token, 600 of other marks, 1000 of
 *           anything else, since code, tables and numbers repeat much before they are a loop
 *   soft    the rounds differ, but nothing new comes any more: for hundreds of symbols (a number is
 *           one), each with the 16 before it stood twice in the last 2048, and numbers that change
 *           count up in equal steps
 *
 * Whole numbers alone decide, so every machine stops at the same token. */
#ifndef QW_LOOP_GUARD_H
#define QW_LOOP_GUARD_H
#include <stdbool.h>
#include "base/error.h"

/* The *n bytes of a token; NULL and 0 for ids that stand for nothing. */
typedef const char *loop_token_bytes(const void *ctx, int32_t id, size_t *n);

/* What the tokens of a vocabulary are made of: a byte for each. Many guards may share it. */
struct loop_classes;

/* bytes(ctx, ..) is asked for the ids 0 to n_vocab - 1, and must go on to answer until
 * loop_classes_free. QW_ENOMEM. */
int  loop_classes_new(struct loop_classes **out, int n_vocab, loop_token_bytes *bytes,
                      const void *ctx, qw_error *err);
void loop_classes_free(struct loop_classes *c);

/* About 180 KB; later calls allocate nothing. */
struct loop_guard;

/* The classes must outlive the guard, which is ready for an answer. QW_ENOMEM. */
int  loop_guard_new(struct loop_guard **out, const struct loop_classes *classes, qw_error *err);
void loop_guard_free(struct loop_guard *g);
/* Another answer begins. */
void loop_guard_reset(struct loop_guard *g);
/* The next token of the answer, any id. True: it is the one to stop at. (To push more tokens is
 * safe, but means little without loop_guard_reset.) */
bool loop_guard_push(struct loop_guard *g, int32_t id);
/* After loop_guard_push returned true: the tokens of one round; 0: the rounds differ. */
int  loop_guard_period(const struct loop_guard *g);

#endif
