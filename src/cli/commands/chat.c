/* chat.c - qw chat, a conversation line by line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/generate.h"

#define CHAT_COMMANDS \
    "  /clear       forget the conversation\n" \
    "  /think       think before answering; /nothink: answer directly\n" \
    "  /exit        end; also /quit, /bye, Ctrl-D\n" \
    "  /help        this list\n" \
    "  Ctrl-C       stop an answer; at the prompt: end\n" \
    "Lines between two lines of \"\"\", or lines that end in \\, make one message.\n"

/* Linux passes on no more of a line that is edited by the terminal itself. */
enum { TERMINAL_LINE = 4095 };

enum input { INPUT_END, INPUT_TEXT, INPUT_INTERRUPTED, INPUT_FAILED };

/* ---- input ---- */

/* Why getline returned nothing. */
static enum input end_of_input(void) {
    if (interrupted) return INPUT_INTERRUPTED;
    if (!ferror(stdin) || errno == EBADF) return INPUT_END;     /* EBADF: stdin is closed */
    say("cannot read stdin: %s", strerror(errno));
    return INPUT_FAILED;
}

/* Append one line without its newline to t, and a NUL that t->n does not count. */
static enum input read_line(struct text *t, const char *prompt, bool terminal) {
    char *line = NULL;
    size_t cap = 0;
    if (terminal) {
        fputs(prompt, stderr);
        fflush(stderr);
    }
    errno = 0;
    ssize_t got = getline(&line, &cap, stdin);
    if (got < 0) {
        enum input end = end_of_input();
        free(line);
        return end;
    }
    if (got > 0 && line[got - 1] == '\n') got--;
    if (terminal && got >= TERMINAL_LINE)
        say("a terminal passes on %d bytes of a line, the rest is lost; -f FILE has no such limit",
            TERMINAL_LINE);
    char *more = realloc(t->p, t->n + (size_t)got + 1);
    if (more) {
        memcpy(more + t->n, line, (size_t)got);
        *t = (struct text){more, t->n + (size_t)got};
        t->p[t->n] = 0;
    } else {
        memory_error("the message");
    }
    free(line);
    return more ? INPUT_TEXT : INPUT_FAILED;
}

/* After a line of three quotes: all lines up to the next one, or to the end. */
static enum input read_quoted(struct text *t, bool terminal) {
    t->n = 0;
    for (;;) {
        size_t start = t->n;
        enum input in = read_line(t, ". ", terminal);
        if (in == INPUT_END) return INPUT_TEXT;
        if (in != INPUT_TEXT) return in;
        if (strcmp(t->p + start, "\"\"\"") == 0) {
            t->n = start ? start - 1 : 0;
            return INPUT_TEXT;
        }
        t->p[t->n++] = '\n';            /* in place of the NUL */
    }
}

/* A message: one line; lines joined by a backslash at their ends; or lines between two lines of
 * three quotes. */
static enum input read_message(struct text *t, bool terminal) {
    enum input in = read_line(t, "> ", terminal);
    if (in == INPUT_TEXT && strcmp(t->p, "\"\"\"") == 0) return read_quoted(t, terminal);
    while (in == INPUT_TEXT && t->n > 0 && t->p[t->n - 1] == '\\') {
        t->p[t->n - 1] = '\n';
        in = read_line(t, ". ", terminal);
        if (in == INPUT_END) return INPUT_TEXT;     /* what there is of the message */
    }
    return in;
}

/* ---- commands ---- */

/* A command is the only word of a message, with a slash at its start and none later. */
static bool is_command(const struct text *t) {
    if (t->n < 2 || t->p[0] != '/') return false;
    if (memchr(t->p, ' ', t->n) || memchr(t->p, '\n', t->n)) return false;
    return !memchr(t->p + 1, '/', t->n - 1);
}

/* 0 or an exit code after a message; *end is set if the conversation is over. */
static int run_command(struct generator *g, const struct text *t, bool *end) {
    char word[32];
    qw_error err;
    snprintf(word, sizeof word, "%.*s", (int)(t->n > 31 ? 31 : t->n), t->p);
    size_t n = strlen(word);
    if (has_name("/exit /quit /bye", word, n)) {
        *end = true;
    } else if (strcmp(word, "/clear") == 0) {
        qw_chat_clear(g->chat);
    } else if (strcmp(word, "/help") == 0) {
        fputs(CHAT_COMMANDS, stderr);
    } else if (has_name("/think /nothink", word, n)) {
        bool think = strcmp(word, "/think") == 0;
        if (qw_chat_set_thinking(g->chat, think, &err)) return generator_error(g, &err);
    } else {
        return usage_error("unknown command %s; /help lists them", word);
    }
    return 0;
}

/* ---- the conversation ---- */

static int answer_message(struct generator *g, struct text *t, bool terminal, bool *end) {
    int rc = clean_text(t, "the message");
    if (rc || t->n == 0) return rc;
    rc = is_command(t) ? run_command(g, t, end) : generate(g, t->p, t->n);
    if (rc == EXIT_CONTEXT && terminal && qw_n_tokens(g->session) > 0)
        say("/clear forgets the conversation and makes room");
    return rc;
}

static int chat(struct generator *g) {
    bool terminal = isatty(STDIN_FILENO), end = false;
    struct text first;
    int rc = read_prompt(&g->o, false, &first);
    if (!rc) rc = generator_open(g);
    if (!rc && terminal && !g->o.quiet) say("/help lists commands, Ctrl-D ends");
    if (!rc && first.n) rc = generate(g, first.p, first.n);
    free(first.p);
    /* On a terminal a turn that fails does not end the conversation. */
    while (!end && (rc == 0 || (terminal && g->chat))) {
        struct text t = {0};
        interrupted = 0;
        enum input in = read_message(&t, terminal);
        if (in == INPUT_TEXT) rc = answer_message(g, &t, terminal, &end);
        free(t.p);
        if (in == INPUT_TEXT) continue;
        if (terminal) fputc('\n', stderr);
        if (in == INPUT_INTERRUPTED) return EXIT_SIGINT;
        if (in == INPUT_FAILED) return EXIT_ERROR;
        return terminal ? 0 : rc;
    }
    return end ? 0 : rc;
}

static int cmd_chat(int argc, char **argv) {
    struct generator g = {0};
    int rc = options_read(&g.o, &command_chat, argc, argv);
    if (!rc) rc = chat(&g);
    generator_free(&g);
    return rc;
}

const struct command command_chat = {
    .name = "chat",
    .summary = "a conversation (default on a terminal)",
    .arguments = "[FLAGS]",
    .run = cmd_chat,
    .details = "In a conversation:\n" CHAT_COMMANDS,
};
