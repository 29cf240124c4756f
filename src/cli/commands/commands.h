/* commands.h - the commands, each defined in its own file; commands.c lists them. */
#ifndef QW_COMMANDS_H
#define QW_COMMANDS_H
#include "cli/flags.h"

extern const struct command command_run;
extern const struct command command_chat;
extern const struct command command_tokenize;
extern const struct command command_detokenize;
extern const struct command command_template;
extern const struct command command_logits;
extern const struct command command_quantize;
extern const struct command command_info;
extern const struct command command_bench;
extern const struct command command_doctor;
extern const struct command command_selftest;

/* In the order of `qw help`; NULL ends them. */
enum { MAX_COMMANDS = 16 };
extern const struct command *const commands[MAX_COMMANDS];
/* By its name; NULL: there is none. */
const struct command *find_command(const char *name);

/* No command named: run or chat. Returns the exit code (run.c). */
int cmd_default(int argc, char **argv);

/* A conversation with the flags in g->o; the caller frees g. Returns the exit code (chat.c). */
struct generator;
int chat(struct generator *g);

#endif
