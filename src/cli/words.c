/* words.c - tells words that are a prompt from commands, and names both where it cannot. */
#include "cli/words.h"
#include <stdio.h>
#include <string.h>
#include "cli/commands/commands.h"
#include "cli/llama_flags.h"
#include "cli/suggest.h"

bool is_quoted(const char *word) { return strpbrk(word, " \t\n") != NULL; }

/* The words with blanks between, as far as a message needs them. */
static void quote_words(const char *const *words, int n, char *out, size_t size) {
    size_t at = 0;
    out[0] = 0;
    for (int i = 0; i < n; i++) {
        int put = snprintf(out + at, size - at, "%s%s", i ? " " : "", words[i]);
        if (put < 0 || (size_t)put >= size - at) {
            snprintf(out + size - 4, 4, "...");
            return;
        }
        at += (size_t)put;
    }
}

/* Of the commands and of `more`, which may be NULL. */
static const char *near_name(const char *word, const char *const more[2]) {
    const char *names[MAX_COMMANDS + 2];
    int n = 0;
    for (; n < MAX_COMMANDS && commands[n]; n++) names[n] = commands[n]->name;
    for (int i = 0; more && i < 2; i++) names[n++] = more[i];
    return nearest_word(word, names, n);
}

const char *near_command(const char *word) { return near_name(word, NULL); }

int check_words(const struct words *words) {
    char why[256], prompt[64];
    if (words->ended || words->n == 0) return 0;
    const char *first = words->list[0];
    if (words->n == 1 && is_quoted(first)) return 0;
    static const char *const of_main[2] = {"help", "version"};
    const char *near = near_name(first, of_main), *refused = refused_command(first);
    if (refused)
        snprintf(why, sizeof why, "is no command (%s)", refused);
    else if (find_command(first))
        snprintf(why, sizeof why, "is a command only in the first place (qw %s ...)", first);
    else if (near)
        snprintf(why, sizeof why, "is no command (did you mean qw %s?)", near);
    else
        snprintf(why, sizeof why, "is no command (qw help lists them)");
    quote_words(words->list, words->n, prompt, sizeof prompt);
    return usage_error("'%.60s' %s; as a prompt: qw -- %s", first, why, prompt);
}

const char *shell_word(const char *word, char *out, size_t size) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./-+=:@,%";
    size_t n = 0;
    if (*word && !word[strspn(word, plain)]) {
        snprintf(out, size, "%s", word);
        return out;
    }
    out[n++] = '\'';
    for (; *word && n + 6 < size; word++) {
        bool quote = *word == '\'';
        n += (size_t)snprintf(out + n, size - n, quote ? "'\\''" : "%c", *word);
    }
    snprintf(out + n, size - n, "'");
    return out;
}
