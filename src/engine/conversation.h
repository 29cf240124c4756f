/* conversation.h - what a conversation is, for the files of the engine that make it up:
 *
 *   conversation.c   settings, turns
 *   prompt.c         the whole conversation as tokens, in the session
 *   answer.c         what the model writes: thoughts, text, and why it ends
 *   messages.c       turns from JSON and to JSON
 */
#ifndef QW_CONVERSATION_H
#define QW_CONVERSATION_H
#include "base/utf8_stream.h"
#include "engine/session.h"
#include "engine/turn_marks.h"

/* Text and a mask of the same length: nonzero where a byte belongs to a control token. */
struct masked {
    struct buf text, control;
};

/* Append n bytes, all control or none; or with the mask of each (NULL: none). */
void masked_put(struct masked *m, const char *p, size_t n, bool control);
void masked_append(struct masked *m, const char *p, const char *mask, size_t n);
bool masked_oom(const struct masked *m);
void masked_free(struct masked *m);

/* drawn: all that the model wrote, with the marks of thoughts; answer, thought: what of it is
 * which, without newlines at the ends */
struct turn {
    struct buf user;
    struct masked drawn, answer, thought;
    bool marked;                        /* there is a mark in drawn */
    size_t before;                      /* tokens of the session before this turn */
};

struct qw_chat {
    qw_session *session;
    const struct qw_model *m;
    bool raw;                           /* "none": no template, text is continued as it is */
    const struct jinja *template;       /* the model's, or own_template */
    const struct template_traits *traits;
    struct jinja *own_template;
    struct template_traits own_traits;
    struct template_settings settings;  /* points into the next three */
    char today[16];
    char *date, *variables;             /* or NULL */
    struct turn_marks marks;
    int thinking;                       /* enable_thinking, and what sampling is for */
    bool special, drop;
    int max_tokens, thought_budget;     /* 0: no limit */
    char *system;                       /* or NULL */
    char **stop;                        /* [n_stop] */
    int n_stop;
    struct loop_guard *guard;           /* NULL: none */

    struct turn *turns;
    size_t n_turns, cap_turns;
    size_t n_dropped;                   /* see qw_chat_dropped */

    /* the last turn's answer (answer.c) */
    bool answering;                     /* more of it may be drawn */
    bool resumable;                     /* it was cut, and nothing has changed since */
    enum qw_stop ended;                 /* why no more is drawn, once answering is false */
    enum qw_close closed;
    enum qw_piece_kind kind;
    bool begun;                         /* some text of this kind has come */
    bool header;                        /* the model opens its turn itself: to be skipped */
    bool stopped;                       /* a stop text has come */
    bool looped;                        /* the guard has seen a loop */
    bool ready;                         /* piece has a thought's end that was not returned yet */
    size_t newlines;                    /* held back: dropped if nothing follows */
    struct masked held;                 /* held back: it may be the beginning of a stop text */
    size_t begins;                      /* where the answer begins in the session's tokens */
    int n_drawn;                        /* since the answer began or went on */
    int n_thought;                      /* in the thought that is open */
    qw_usage usage;
    struct utf8_stream stream;
    struct buf fresh, piece;            /* what the stream has completed; what is returned */
};

static inline struct turn *last_turn(const struct qw_chat *c) { return &c->turns[c->n_turns - 1]; }

/* ---- conversation.c ---- */

void free_turn(struct turn *t);
/* Forget the n oldest turns. */
void drop_turns(struct qw_chat *c, size_t n);

/* ---- prompt.c ---- */

/* Make the session's tokens those of the conversation, up to where the answer of the last turn
 * begins. text: of the last message, for conversations without a template. Where the context is too
 * small, and the conversation may, drops the oldest turns. If it fails, no turn is lost. */
int feed_turn(struct qw_chat *c, const char *text, size_t n, qw_error *err);
/* The context is full in the middle of an answer: drop old turns, keep what was drawn. QW_ECONTEXT:
 * there is nothing to drop, or it does not help. */
int make_room(struct qw_chat *c, qw_error *err);

/* ---- answer.c ---- */

void begin_answer(struct qw_chat *c);
/* What is held back becomes part of the turn. */
void settle_answer(struct qw_chat *c);

#endif
