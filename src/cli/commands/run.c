/* run.c - qw run, one answer to one prompt; and what happens when no command is named. */
#include <stdlib.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/generate.h"
#include "cli/words.h"

static int run(struct generator *g) {
    struct text prompt;
    int rc = read_prompt(&g->o, true, &prompt);
    if (rc) return rc;
    if (prompt.n == 0)
        rc = usage_error("no prompt: give it as words or with -p TEXT or -f FILE, or pipe text in; "
                         "see: qw help run");
    if (!rc) rc = check_long_message(g, &prompt);
    if (!rc) rc = generator_open(g, &prompt);
    if (!rc) rc = generate(g, TURN_SAY, &prompt);
    free(prompt.p);
    return rc;
}

static int cmd_run(int argc, char **argv) {
    struct generator g = {0};
    int rc = options_read(&g.o, &command_run, argc, argv);
    if (!rc && g.o.talk) rc = usage_error("-cnv: that is qw chat; qw run answers once");
    if (!rc) rc = run(&g);
    generator_free(&g);
    return rc;
}

/* Without a command: a conversation if it is asked for, or if both ends are terminals and no prompt
 * is given; else one answer. */
int cmd_default(int argc, char **argv) {
    struct generator g = {0};
    int rc = options_read(&g.o, &command_run, argc, argv);
    if (!rc) rc = check_words(&g.o.words);
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !g.o.no_stdin;
    bool talk = g.o.talk || (terminal && !has_prompt(&g.o));
    if (!rc) rc = talk ? chat(&g) : run(&g);
    generator_free(&g);
    return rc;
}

const struct command command_run = {
    .name = "run",
    .summary = "answer one prompt (default with a prompt or a pipe)",
    .arguments = "[FLAGS] [WORDS...]",
    .run = cmd_run,
    .details =
        "The prompt is -p and -f in the order given, then the words, then stdin unless\n"
        "that is a terminal or another device, with blank lines between. The answer goes\n"
        "to stdout, everything else to stderr: errors and warnings always, the rest only\n"
        "if that is a terminal, or with -v.\n"
        "Exit codes: 0 done, 1 error, 2 wrong usage, 3 not enough memory, 4 stopped in a\n"
        "loop, 5 context full, 6 no answer, 130 interrupted.\n\n"
        "  qw run why is the sky blue\n"
        "  cat log.txt | qw run -p \"What went wrong here?\" --no-think\n"
        "  qw -f contract.txt -p \"Who signed it?\"\n",
};
