/* talk.h - a conversation in qw chat, for the files that carry it on:
 *
 *   commands/chat.c   the loop: a message, its answer, what ends the conversation
 *   chat_input.c      messages from a pipe
 *   keyboard.c        messages from a person
 *   chat_commands.c   /help and all the others
 *   chat_stats.c      /stats
 *   settings.c        /set
 *   chat_file.c       /save and /load
 */
#ifndef QW_TALK_H
#define QW_TALK_H
#include "cli/generate.h"

struct keyboard;

struct talk {
    struct generator *g;
    struct keyboard *keys;      /* a person types messages; NULL: they are lines of `in` */
    struct line_reader in;
    bool begun;                 /* a line of `in` has been read */
    struct text files;          /* of /read, for the next message */
    struct text edit;           /* what the next line begins with */
    double returned;            /* monotonic_seconds when a Ctrl-C led back to the prompt */
    bool end;                   /* the conversation is over */
};

/* A line about the conversation: to a person as it is, else a note. */
void tell(const struct talk *talk, const char *fmt, ...) CLI_PRINTF(2, 3);

/* ---- messages ---- */

enum message { MESSAGE, MESSAGE_END, MESSAGE_LEAVE, MESSAGE_FAILED };
/* The next message, in t, which the caller frees. MESSAGE_END: there is none; MESSAGE_LEAVE: after
 * Ctrl-C; MESSAGE_FAILED: after a message. A line that has lost its end counts as empty, after a
 * message. */
enum message read_piped_message(struct talk *talk, struct text *t);
enum message read_typed_message(struct talk *talk, struct text *t);

/* The keyboard of a person: stdin and stderr are a terminal. NULL: it is not so, or after a message
 * if *rc is an exit code. */
struct keyboard *keyboard_open(bool plain, int *rc);
void keyboard_close(struct keyboard *k);

/* ---- commands ---- */

/* Is the message a command: is its first word a slash and letters? */
bool is_chat_command(const struct text *t);
/* Carry it out. 0 or an exit code after a message. */
int  run_chat_command(struct talk *talk, const struct text *t);
/* A message that begins with two slashes is sent with one. */
void unescape_slash(struct text *t);
/* The name of command i, with its slash; NULL: there are no more. */
const char *chat_command_name(int i);

/* /set with its arguments: a name and a value, a name, or nothing. As run_chat_command. */
int  set_command(struct talk *talk, const char *args);
/* One setting; name: without dashes. */
int  set_by_name(struct talk *talk, const char *name, const char *value);
/* The name of setting i; NULL: there are no more. */
const char *setting_name(int i);
/* What differs from the start, as the members of a JSON object. 0, or an exit code. */
int  write_settings(const struct talk *talk, struct text *out);

/* As run_chat_command; args are not looked at. */
int  show_stats(struct talk *talk, const char *args);
/* As run_chat_command. */
int  save_chat(struct talk *talk, const char *path);
int  load_chat(struct talk *talk, const char *path);

#endif
