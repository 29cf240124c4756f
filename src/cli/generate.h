/* generate.h - what qw run and qw chat share: a loaded model with a conversation, and answers. */
#ifndef QW_GENERATE_H
#define QW_GENERATE_H
#include "cli/options.h"
#include "cli/output.h"

struct generator {
    struct options o;
    struct text system;                     /* p NULL: none */
    qw_model *model;
    qw_session *session;
    qw_chat *chat;
    bool person;                            /* stdin, stdout and stderr are terminals */
    bool show_thoughts, colour, progress;   /* on stderr */
    bool greedy_told;                       /* that thoughts without chance may never end */
    double load_seconds;
    double started;                         /* monotonic_seconds at the start of the prompt */
};

/* Load the model and begin a conversation as g->o says; drops: by default a full context drops
 * turns. 0 or an exit code after a message; call generator_free in either case. */
int  generator_open(struct generator *g, bool drops);
void generator_free(struct generator *g);

/* engine_error, with the flags of run and chat that could help. text: the message that was said, if
 * that failed. */
int  generator_error(const struct generator *g, const qw_error *err, const struct text *said);
/* Sampling for thinking or direct answers, whichever is on. 0, or a code of the engine. */
int  generator_set_sampling(struct generator *g, qw_error *err);

/* How an answer begins: to a new message, again to the last one, or where the last one stopped. */
enum turn { TURN_SAY, TURN_REGENERATE, TURN_CONTINUE };
/* Begin an answer (said: the message, for TURN_SAY); print it on stdout, with a newline at its end,
 * and thoughts on stderr. 0, an exit code after a message, or EXIT_SIGINT. */
int  generate(struct generator *g, enum turn turn, const struct text *said);

/* Does this exit code of generate end the answer only, and not the conversation? */
bool ends_turn_only(int rc);

/* ---- how much fits (context_room.c) ---- */

/* Does a message so obviously not fit that it is not worth computing? 0, or EXIT_CONTEXT after a
 * message that says how much of it would. */
int  check_message(const struct generator *g, const struct text *said);
/* The same for a long message before the model is loaded, which can take longer than reading it. */
int  check_long_message(const struct generator *g, const struct text *said);
/* What would make room for a context of so many more tokens: a hint, or NULL if nothing does. */
const char *room_hint(const struct generator *g, size_t tokens, char *out, size_t size);
/* Tokens of a message, without those of the template; 0: unknown. */
size_t message_tokens(const struct generator *g, const struct text *said);

#endif
