/* run.c - qw run, one answer to one prompt; and what happens when no command is named. */
#include <stdlib.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/generate.h"

static int run(struct generator *g) {
    struct text prompt;
    int rc = read_prompt(&g->o, true, &prompt);
    if (rc) return rc;
    if (prompt.n == 0)
        rc = usage_error("no prompt: give -p TEXT, -f FILE, or pipe text in; see: qw help run");
    if (!rc) rc = generator_open(g);
    if (!rc) rc = generate(g, prompt.p, prompt.n);
    free(prompt.p);
    return rc;
}

static int cmd_run(int argc, char **argv) {
    struct generator g = {0};
    int rc = options_read(&g.o, &command_run, argc, argv);
    if (!rc) rc = run(&g);
    generator_free(&g);
    return rc;
}

/* Without a command: a conversation if both ends are terminals and no prompt is given, else one
 * answer. */
int cmd_default(int argc, char **argv) {
    struct options o;
    int rc = options_read(&o, &command_run, argc, argv);
    free(o.bias.p);
    if (rc) return rc;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    bool talk = terminal && !o.prompt && !o.file;
    return talk ? command_chat.run(argc, argv) : cmd_run(argc, argv);
}

const struct command command_run = {
    .name = "run",
    .summary = "answer one prompt (default when there is a prompt or a pipe)",
    .arguments = "[FLAGS]",
    .run = cmd_run,
    .details =
        "The prompt is -p, then the file of -f, then stdin unless that is a terminal,\n"
        "with blank lines between. The answer goes to stdout, everything else to stderr.\n"
        "Thoughts are shown if all of it is on a terminal, or with --think.\n"
        "Exit codes: 0 done, 1 error, 2 wrong usage, 3 not enough memory, 5 context full,\n"
        "130 interrupted.\n\n"
        "  qw run -p \"Why is the sky blue?\"\n"
        "  cat log.txt | qw run -p \"What went wrong here?\" --no-think\n",
};
