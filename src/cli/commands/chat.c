/* chat.c - qw chat, a conversation line by line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/generate.h"

#define COMMANDS \
    "  /clear       forget the conversation\n" \
    "  /think       think before answering; /nothink: answer directly\n" \
    "  /exit        end; also /quit, /bye, Ctrl-D\n" \
    "  /help        this list\n" \
    "  Ctrl-C       stop an answer; at the prompt: end\n" \
    "Lines between two lines of \"\"\", or lines that end in \\, make one message.\n"

enum { TERMINAL_LINE = 4095 };          /* of a line that it edits itself, Linux hands on no more */

enum input { INPUT_END, INPUT_TEXT, INPUT_INTERRUPTED, INPUT_FAILED };

/* One line without its newline, appended to t. */
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
        enum input end = interrupted ? INPUT_INTERRUPTED : ferror(stdin) && errno != EBADF ? INPUT_FAILED : INPUT_END;
        if (end == INPUT_FAILED) say("cannot read stdin: %s", strerror(errno));
        free(line);
        return end;
    }
    if (got > 0 && line[got - 1] == '\n') got--;
    if (terminal && got >= TERMINAL_LINE) say("the terminal keeps %d bytes of a line, what was longer is lost; -f FILE takes any length", TERMINAL_LINE);
    char *more = realloc(t->p, t->n + (size_t)got + 1);
    if (!more) { say("not enough memory for the message"); free(line); return INPUT_FAILED; }
    memcpy(more + t->n, line, (size_t)got);
    *t = (struct text){more, t->n + (size_t)got};
    t->p[t->n] = 0;
    free(line);
    return INPUT_TEXT;
}

/* A message: a line; lines joined by a trailing backslash; or lines between two lines of three quotes. */
static enum input read_message(struct text *t, bool terminal) {
    enum input in = read_line(t, "> ", terminal);
    if (in == INPUT_TEXT && strcmp(t->p, "\"\"\"") == 0) {
        t->n = 0;
        for (;;) {
            size_t start = t->n;
            if ((in = read_line(t, ". ", terminal)) != INPUT_TEXT) return in == INPUT_END ? INPUT_TEXT : in;
            if (strcmp(t->p + start, "\"\"\"") == 0) {
                t->n = start ? start - 1 : 0;
                return INPUT_TEXT;
            }
            t->p[t->n++] = '\n';            /* read_line left room for it */
        }
    }
    while (in == INPUT_TEXT && t->n > 0 && t->p[t->n - 1] == '\\') {
        t->p[t->n - 1] = '\n';
        in = read_line(t, ". ", terminal);
        if (in == INPUT_END) return INPUT_TEXT;
    }
    return in;
}

/* A command is one whole line. true: it was one, and *rc is set; *end when the conversation is over. */
static bool command(struct generator *g, const struct text *t, bool *end, int *rc) {
    qw_error err;
    *end = false;
    *rc = 0;
    if (t->n < 2 || t->p[0] != '/' || memchr(t->p, ' ', t->n) || memchr(t->p, '\n', t->n) || memchr(t->p + 1, '/', t->n - 1)) return false;
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)(t->n > 31 ? 31 : t->n), t->p);
    if (!strcmp(word, "/exit") || !strcmp(word, "/quit") || !strcmp(word, "/bye")) *end = true;
    else if (!strcmp(word, "/clear")) qw_chat_clear(g->chat);
    else if (!strcmp(word, "/help")) fputs(COMMANDS, stderr);
    else if (!strcmp(word, "/think") || !strcmp(word, "/nothink")) {
        if (qw_chat_set_thinking(g->chat, word[1] == 't', &err)) *rc = engine_error(&err);
    } else *rc = usage_error("unknown command %s; /help lists them", word);
    return true;
}

static int chat(struct generator *g) {
    bool terminal = isatty(STDIN_FILENO), end = false;
    struct text first;
    int rc = read_prompt(&g->o, false, &first);
    if (!rc) rc = generator_open(g);
    if (!rc && terminal && !g->o.quiet) say("/help lists commands, Ctrl-D ends");
    if (!rc && first.n) rc = generate(g, first.p, first.n);
    free(first.p);
    while (!end && (rc == 0 || (terminal && g->chat))) {        /* on a terminal one failed turn does not end it */
        struct text t = {0};
        interrupted = 0;
        enum input in = read_message(&t, terminal);
        if (in == INPUT_TEXT) {
            rc = clean_text(&t, "the message");
            if (!rc && t.n > 0 && !command(g, &t, &end, &rc)) rc = generate(g, t.p, t.n);
            if (rc == EXIT_CONTEXT && terminal && qw_n_tokens(g->session) > 0) say("/clear forgets the conversation and makes room");
        }
        free(t.p);
        if (in == INPUT_TEXT) continue;
        if (terminal) fputc('\n', stderr);
        return in == INPUT_INTERRUPTED ? EXIT_SIGINT : in == INPUT_FAILED ? EXIT_ERROR : terminal ? 0 : rc;
    }
    return end ? 0 : rc;
}

int cmd_chat(int argc, char **argv) {
    struct generator g = {0};
    int rc = options_read(&g.o, "chat", "a conversation", "In a conversation:\n" COMMANDS, argc, argv);
    if (rc) return rc;
    rc = chat(&g);
    generator_free(&g);
    return rc;
}
