/* commands.h - the commands, each defined in its own file; main.c lists them. */
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

/* No command named: run or chat. Returns the exit code (run.c). */
int cmd_default(int argc, char **argv);

#endif
