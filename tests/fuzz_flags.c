/* fuzz_flags.c - libFuzzer target: the input as a command line.
 *
 * Its words end at a NUL or a newline. Those that begin with QW_ and have a '=' are set in the
 * environment; the next one chooses the command, by its name or else by its first byte; the others
 * are the arguments. The command reads them and stops there: its parse_flags is the one below. */
#include "cli/commands/commands.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_WORDS = 256, STOP = 77 };   /* no exit code of qw */

static void expect(bool condition) { if (!condition) abort(); }

/* Instead of help.c's: a command line that is right ends here as well. */
int parse_flags(const struct command *c, const struct flag *flags, size_t n_flags, int argc,
                char **argv, struct words *words) {
    int rc = read_flags(c, flags, n_flags, argc, argv, words);
    expect(rc == 0 || rc == HELP_ASKED || rc == EXIT_USAGE);
    expect(!words || (words->n >= 0 && words->n <= words->max));
    return rc == EXIT_USAGE ? rc : STOP;
}

static const struct command *choose(const char *word) {
    const struct command *c = find_command(word);
    int n = 0;
    while (commands[n]) n++;
    return c ? c : commands[(unsigned char)word[0] % n];
}

/* Messages would be most of the time. (Of the C libraries those of the fuzzer's compilers let
 * stderr be set; the fuzzer itself keeps the one that it has.) */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    FILE *nowhere = fopen("/dev/null", "w");
    expect(nowhere != NULL);
    stderr = nowhere;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *words[MOST_WORDS], *set[MOST_WORDS];
    int n = 0, n_set = 0;
    expect(text != NULL);
    if (size) memcpy(text, data, size);
    text[size] = 0;
    for (size_t at = 0; at < size && n < MOST_WORDS && n_set < MOST_WORDS;) {
        char *word = text + at, *end = word + strcspn(word, "\n"), *value = strchr(word, '=');
        at += (size_t)(end - word) + 1;
        *end = 0;
        if (strncmp(word, "QW_", 3) != 0 || !value || value > end) {
            words[n++] = word;
            continue;
        }
        *value = 0;
        setenv(word, value + 1, 1);
        set[n_set++] = word;
    }
    if (n) {
        int rc = choose(words[0])->run(n - 1, words + 1);
        expect(rc == STOP || rc == EXIT_USAGE);
    }
    while (n_set) unsetenv(set[--n_set]);
    free(text);
    return 0;
}
