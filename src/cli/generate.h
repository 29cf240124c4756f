/* generate.h - what qw run and qw chat share: a loaded model with a conversation, and answers. */
#ifndef QW_GENERATE_H
#define QW_GENERATE_H
#include "cli/live.h"
#include "cli/options.h"
#include "cli/output.h"

/* How far the prompt is read. */
struct reading {
    struct live live;
    double started;
    size_t read;                            /* tokens */
};

/* What /stats shows. */
struct last_turn {
    bool any;
    bool unread;                            /* its message was not taken */
    qw_usage usage;
    double prompt_seconds, seconds;
    size_t drawn;                           /* tokens in those seconds */
};

struct generator {
    struct options o;
    struct text system;                     /* of the flags; p NULL: none */
    qw_model *model;
    qw_session *session;
    qw_chat *chat;
    bool person;                            /* stdout and stderr are terminals with a keyboard */
    bool plain;                             /* nothing is repainted there */
    bool talks, typed;                      /* a conversation; its messages are typed */
    bool show_thoughts, colour;             /* on stderr */
    bool greedy_told;                       /* that thoughts without chance may never end */
    double load_seconds;
    struct reading reading;
    struct last_turn last;
    struct {
        char **list;
        int n;
    } kept;                                 /* texts that o points to since /set */
};

/* Load the model and begin a conversation as g->o says, with memory for this prompt and its answer.
 * 0 or an exit code after a message; call generator_free in either case. g->talks is set before:
 * then a full context drops turns. */
int  generator_open(struct generator *g, const struct text *prompt);
void generator_free(struct generator *g);

/* engine_error, with the flags of run and chat that could help. text: the message that was said, if
 * that failed. */
int  generator_error(const struct generator *g, const qw_error *err, const struct text *said);
/* Sampling for thinking or direct answers, whichever is on; what the flags leave open is then in
 * g->o. 0, or a code of the engine. */
int  generator_set_sampling(struct generator *g, qw_error *err);
/* The settings of an answer, after g->o has changed. 0, or an exit code after a message. */
int  generator_set_limits(struct generator *g);

/* Show on stderr how far a prompt is, from now on; the end returns how many seconds it took. */
struct reading reading_start(void);
double reading_end(struct reading *r);

/* How an answer begins: to a new message, again to the last one, or where the last one stopped. */
enum turn { TURN_SAY, TURN_REGENERATE, TURN_CONTINUE };
/* Begin an answer (said: the message, for TURN_SAY); print it on stdout, with a newline at its end,
 * and thoughts on stderr. 0, an exit code after a message, or EXIT_SIGINT. */
int  generate(struct generator *g, enum turn turn, const struct text *said);

/* Print a line on stderr that fits, dim if that is possible. */
void view_line(const struct generator *g, const struct variants *v);
/* A thought that was kept, as --show-thoughts shows it. 0, or an exit code after a message. */
int  show_thought(const struct generator *g, const char *thought, size_t n);

/* Does this exit code of generate end the answer only, and not the conversation? */
bool ends_turn_only(int rc);

/* ---- how much fits (context_room.c) ---- */

/* Does a message so obviously not fit that it is not worth computing? 0, or EXIT_CONTEXT after a
 * message that says how much of it would. */
int  check_message(const struct generator *g, const struct text *said);
/* The same for a long message before the model is loaded, which can take longer than reading it. */
int  check_long_message(const struct generator *g, const struct text *said);
/* Positions for a prompt and its answer, before the model is loaded and after that. */
int  rough_context(const struct generator *g, const struct text *prompt);
int  exact_context(const struct generator *g, const struct text *prompt);
/* What would make room for a context of so many more tokens: a hint, or NULL if nothing does. */
const char *room_hint(const struct generator *g, size_t tokens, char *out, size_t size);
/* Tokens of a message, without those of the template; 0: unknown. */
size_t message_tokens(const struct generator *g, const struct text *said);

#endif
