/* commands.c - the list of commands. */
#include <string.h>
#include "cli/commands/commands.h"

const struct command *const commands[MAX_COMMANDS] = {
    &command_run,
    &command_chat,
    &command_tokenize,
    &command_detokenize,
    &command_template,
    &command_logits,
    &command_quantize,
    &command_info,
    &command_bench,
    &command_doctor,
    &command_selftest,
};

const struct command *find_command(const char *name) {
    for (int i = 0; commands[i]; i++)
        if (strcmp(name, commands[i]->name) == 0) return commands[i];
    return NULL;
}
