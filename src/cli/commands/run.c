/* run.c - qw run, one answer to one prompt; and what happens when no command is named. */
#include <stdlib.h>
#include <unistd.h>
#include "cli/generate.h"

static const char summary[] = "answer one prompt";
static const char details[] =
    "The prompt is -p, then the file of -f, then stdin unless that is a terminal, with blank lines between.\n"
    "The answer goes to stdout, everything else to stderr. Thoughts are shown if all of it is on a terminal, or with --think.\n"
    "Exit code: 0 done, 1 error, 2 wrong usage, 3 not enough memory, 5 context full, 130 interrupted.\n\n"
    "  qw run -p \"Why is the sky blue?\"\n  cat log.txt | qw run -p \"What went wrong here?\" --no-think\n";

static int run(struct generator *g) {
    struct text prompt;
    int rc = read_prompt(&g->o, true, &prompt);
    if (rc) return rc;
    if (prompt.n == 0) rc = usage_error("no prompt: give -p TEXT, -f FILE, or pipe text in; see: qw help run");
    if (!rc) rc = generator_open(g);
    if (!rc) rc = generate(g, prompt.p, prompt.n);
    free(prompt.p);
    return rc;
}

int cmd_run(int argc, char **argv) {
    struct generator g = {0};
    int rc = options_read(&g.o, "run", summary, details, argc, argv);
    if (rc) return rc;
    rc = run(&g);
    generator_free(&g);
    return rc;
}

/* Without a command: a conversation if both ends are terminals and no prompt is given, else one answer. */
int cmd_default(int argc, char **argv) {
    struct options o;
    int rc = options_read(&o, "run", summary, details, argc, argv);
    free(o.bias.p);
    if (rc) return rc;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    return terminal && !o.prompt && !o.file ? cmd_chat(argc, argv) : cmd_run(argc, argv);
}
