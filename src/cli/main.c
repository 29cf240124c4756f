/* main.c - which command is meant, the help and the version of qw itself. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/output.h"
#include "cli/suggest.h"
#include "cli/words.h"
#include "terminal/tty.h"

/* Words after `version` and `help` that do not fit may have been meant as a prompt. word: what
 * stands before them. */
static int surplus(const char *word, int argc, char **argv) {
    if (word[0] == '-') return usage_error("unexpected argument '%s' after %s", argv[0], word);
    const char *near = near_command(argv[0]);
    return usage_error("unexpected argument '%s' (%s%s%s); as a prompt: qw -- %s %s%s", argv[0],
                       near ? "did you mean qw help " : "see: qw help", near ? near : "",
                       near ? "?" : "", word, argv[0], argc > 1 ? " ..." : "");
}

static int version(const char *word, int argc, char **argv) {
    if (argc > 0) return surplus(word, argc, argv);
    char levels[128];
    const char *wanted = getenv("QW_CPU"), *used = qw_cpu_levels(levels, sizeof levels);
    if (wanted && *wanted) {
        if (!has_name(levels, wanted, strlen(wanted)))
            return usage_error("QW_CPU: unknown level '%s' (this CPU can run %s)", wanted, levels);
        used = wanted;
    }
    int n = (int)strcspn(used, " ");
    printf("qw %s%s%s%s, kernels %.*s (CPU levels: %s)\n", QW_VERSION, *build_commit ? " (" : "",
           build_commit, *build_commit ? ")" : "", n, used, levels);
    return 0;
}

static int help(const char *word, int argc, char **argv) {
    const struct command *c = argc > 0 ? find_command(argv[0]) : NULL;
    if (argc > 0 && !c) return surplus(word, argc, argv);
    if (argc > 1) return surplus(word, argc - 1, argv + 1);
    if (c) {
        char flag[] = "--help", *flags[] = {flag};
        return c->run(1, flags);
    }
    printf("qw: Qwen3 on any CPU\n\n  qw [COMMAND] [FLAGS]\n\n");
    for (int i = 0; commands[i]; i++)
        printf("  %-12s %s\n", commands[i]->name, commands[i]->summary);
    printf("  %-12s %s\n", "help", "this text, or a command's flags: qw help run");
    printf("  %-12s %s\n", "--version", "version and kernels");
    printf("\nFlags to begin with; qw help run has them all:\n\n");
    print_first_flags();
    printf("\nWithout -m DIR or QW_MODEL the bundled model is used.\n\n"
           "  qw                                   talk\n"
           "  qw \"Why is the sky blue?\"            ask once\n"
           "  cat log.txt | qw \"What failed?\"      ask about a file\n");
    return 0;
}

/* Flags and prompts go to run or chat. A word that is neither a command nor quoted is a mistake,
 * whatever follows; the words up to the first flag are quoted in the message. */
static int dispatch(int argc, char **argv) {
    if (argc == 0) return cmd_default(argc, argv);
    const char *word = argv[0];
    size_t n = strlen(word);
    if (has_name("--version version", word, n)) return version(word, argc - 1, argv + 1);
    if (has_name("-h --help help", word, n)) return help(word, argc - 1, argv + 1);
    const struct command *c = find_command(word);
    if (c) return c->run(argc - 1, argv + 1);
    static const char *const flags[] = {"--version"};
    if (word[0] == '-' && nearest_word(word, flags, 1))
        return usage_error("unknown flag '%s'; did you mean %s?", word, flags[0]);
    if (word[0] == '-' || is_quoted(word)) return cmd_default(argc, argv);
    struct words words = {.list = (const char **)argv, .n = 1};
    while (words.n < argc && argv[words.n][0] != '-') words.n++;
    return check_words(&words);
}

int main(int argc, char **argv) {
    survive_filters();
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
    tty_set_mode(TTY_FOUND);
    return rc ? rc : flushed;
}
