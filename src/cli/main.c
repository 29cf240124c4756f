/* main.c - the commands of qw. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

static const struct { const char *name; int (*run)(int argc, char **argv); const char *summary; } commands[] = {
    {"run", cmd_run, "answer one prompt (default when there is a prompt or a pipe)"},
    {"chat", cmd_chat, "a conversation (default on a terminal)"},
    {"tokenize", cmd_tokenize, "token ids of a text"},
    {"detokenize", cmd_detokenize, "the bytes of token ids"},
    {"template", cmd_template, "the prompt that a conversation becomes"},
    {"logits", cmd_logits, "the logits of every position"},
    {"quantize", cmd_quantize, "pack a model into one file"},
    {"info", cmd_info, "what a model is and what a run of it takes"},
    {"bench", cmd_bench, "tokens per second, and what this machine could do at best"},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static int version(int argc, char **argv) {
    if (argc > 0) return usage_error("'%s' is one word too many behind --version", argv[0]);
    char levels[128];
    const char *wanted = getenv("QW_CPU"), *used = qw_cpu_levels(levels, sizeof levels);
    if (wanted && *wanted && !has_name(levels, wanted, strlen(wanted))) return usage_error("QW_CPU: '%s' cannot be used here; there are %s", wanted, levels);
    if (wanted && *wanted) used = wanted;
    printf("qw %s, kernels %.*s (CPU levels: %s)\n", QW_VERSION, (int)strcspn(used, " "), used, levels);
    return 0;
}

static int help(int argc, char **argv) {
    char flag[] = "--help", *flags[] = {flag};
    if (argc > 1) return usage_error("'%s' is one word too many; see: qw help", argv[1]);
    if (argc == 1) {
        for (int i = 0; i < N_COMMANDS; i++) if (strcmp(argv[0], commands[i].name) == 0) return commands[i].run(1, flags);
        return usage_error("'%s' is not a command; see: qw help", argv[0]);
    }
    printf("qw: Qwen3 on any CPU\n\n  qw [COMMAND] [FLAGS]\n\n");
    for (int i = 0; i < N_COMMANDS; i++) printf("  %-12s %s\n", commands[i].name, commands[i].summary);
    printf("  %-12s %s\n  %-12s %s\n", "help", "this text, or a command's flags: qw help run", "--version", "version and kernels");
    printf("\nWithout -m DIR or QW_MODEL the bundled model is used.\n\n"
           "  qw                                   talk\n"
           "  qw -p \"Why is the sky blue?\"         ask once\n"
           "  cat log.txt | qw -p \"What failed?\"   ask about a file\n");
    return 0;
}

static int dispatch(int argc, char **argv) {
    if (argc == 0 || (argv[0][0] == '-' && strcmp(argv[0], "--version") && strcmp(argv[0], "-h") && strcmp(argv[0], "--help")))
        return cmd_default(argc, argv);
    if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "version")) return version(argc - 1, argv + 1);
    if (!strcmp(argv[0], "-h") || !strcmp(argv[0], "--help") || !strcmp(argv[0], "help")) return help(argc - 1, argv + 1);
    for (int i = 0; i < N_COMMANDS; i++) if (strcmp(argv[0], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    return usage_error("'%s' is not a command; see: qw help. A prompt goes behind -p", argv[0]);
}

int main(int argc, char **argv) {
    /* With 0, 1 or 2 closed a model file would get that number, and our output go there. Read-only: writing still fails. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) return EXIT_ERROR;
    setvbuf(stderr, NULL, _IOLBF, 0);
    catch_signals();
    int rc = dispatch(argc > 0 ? argc - 1 : 0, argv + 1);
    int flushed = flush_stdout();
    return rc ? rc : flushed;
}
