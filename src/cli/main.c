/* main.c - the list of commands, and which one is meant. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/output.h"

/* In the order of `qw help`. */
static const struct command *const commands[] = {
    &command_run,
    &command_chat,
    &command_tokenize,
    &command_detokenize,
    &command_template,
    &command_logits,
    &command_quantize,
    &command_info,
    &command_bench,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find_command(const char *name) {
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(name, commands[i]->name) == 0) return commands[i];
    return NULL;
}

static int version(int argc, char **argv) {
    if (argc > 0) return usage_error("unexpected argument '%s' after --version", argv[0]);
    char levels[128];
    const char *wanted = getenv("QW_CPU"), *used = qw_cpu_levels(levels, sizeof levels);
    if (wanted && *wanted) {
        if (!has_name(levels, wanted, strlen(wanted)))
            return usage_error("QW_CPU: unknown level '%s' (this CPU can run %s)", wanted, levels);
        used = wanted;
    }
    int n = (int)strcspn(used, " ");
    printf("qw %s, kernels %.*s (CPU levels: %s)\n", QW_VERSION, n, used, levels);
    return 0;
}

static int help(int argc, char **argv) {
    if (argc > 1) return usage_error("unexpected argument '%s'; see: qw help", argv[1]);
    if (argc == 1) {
        char flag[] = "--help", *flags[] = {flag};
        const struct command *c = find_command(argv[0]);
        return c ? c->run(1, flags) : usage_error("unknown command '%s'; see: qw help", argv[0]);
    }
    printf("qw: Qwen3 on any CPU\n\n  qw [COMMAND] [FLAGS]\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        printf("  %-12s %s\n", commands[i]->name, commands[i]->summary);
    printf("  %-12s %s\n", "help", "this text, or a command's flags: qw help run");
    printf("  %-12s %s\n", "--version", "version and kernels");
    printf("\nWithout -m DIR or QW_MODEL the bundled model is used.\n\n"
           "  qw                                   talk\n"
           "  qw -p \"Why is the sky blue?\"         ask once\n"
           "  cat log.txt | qw -p \"What failed?\"   ask about a file\n");
    return 0;
}

static int dispatch(int argc, char **argv) {
    if (argc == 0) return cmd_default(argc, argv);
    const char *word = argv[0];
    if (has_name("--version version", word, strlen(word))) return version(argc - 1, argv + 1);
    if (has_name("-h --help help", word, strlen(word))) return help(argc - 1, argv + 1);
    if (word[0] == '-') return cmd_default(argc, argv);
    const struct command *c = find_command(word);
    if (c) return c->run(argc - 1, argv + 1);
    return usage_error("unknown command '%s'; see: qw help. A prompt needs -p", word);
}

int main(int argc, char **argv) {
    /* If 0, 1 or 2 is closed, a model file would get that number and our output would go there.
     * Opened read-only, so that writing still fails. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd) return EXIT_ERROR;
    setvbuf(stderr, NULL, _IOLBF, 0);
    static char room[1 << 16];      /* help goes out in one piece, so that its error is not lost */
    setvbuf(stdout, room, _IOFBF, sizeof room);
    catch_signals();
    int rc = dispatch(argc > 0 ? argc - 1 : 0, argv + 1);
    int flushed = flush_stdout();
    return rc ? rc : flushed;
}
