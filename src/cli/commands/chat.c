/* chat.c - qw chat, a conversation line by line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/generate.h"

#define CHAT_COMMANDS \
    "  /regen       answer the last message again; /continue: go on with the answer\n" \
    "  /undo        forget the last message and its answer; /clear: everything\n" \
    "  /think       think before answering; /nothink: answer directly\n" \
    "  /exit        end; also /quit, /bye, Ctrl-D\n" \
    "  /help        this list\n" \
    "  Ctrl-C       answer now (in a thought); stop (in an answer); end (twice)\n" \
    "Lines between two lines of \"\"\", or lines that end in \\, make one message.\n"

/* Where messages come from. */
struct talk {
    struct generator *g;
    struct line_reader in;
    bool keyboard;              /* a person types them */
    bool begun;                 /* a line has been read */
    bool end;                   /* the conversation is over */
};

/* ---- input ---- */

/* Append one line without its newline to t, and a NUL that t->n does not count. *lost is set if the
 * terminal has cut it off. */
static enum line_result add_line(struct talk *talk, struct text *t, const char *prompt,
                                 bool *lost) {
    struct text line;
    if (talk->keyboard) {
        fputs(prompt, stderr);
        fflush(stderr);
    }
    enum line_result in = read_line(&talk->in, &line);
    if (in != LINE_READ) return in;
    *lost = *lost || (talk->keyboard && line.n >= TERMINAL_LINE);
    if (!talk->begun) drop_mark(&line);
    talk->begun = true;
    if (text_append(t, line.p, line.n, "the message") || text_append(t, "", 1, "the message"))
        return LINE_FAILED;
    t->n--;
    return LINE_READ;
}

/* After a line of three quotes: all lines up to the next one, or to the end. */
static enum line_result read_quoted(struct talk *talk, struct text *t, bool *lost) {
    t->n = 0;
    for (;;) {
        size_t start = t->n;
        enum line_result in = add_line(talk, t, ". ", lost);
        if (in == LINE_END) return LINE_READ;
        if (in != LINE_READ) return in;
        if (strcmp(t->p + start, "\"\"\"") == 0) {
            t->n = start ? start - 1 : 0;
            return LINE_READ;
        }
        t->p[t->n++] = '\n';            /* in place of the NUL */
    }
}

/* A message: one line; lines joined by a backslash at their ends; or lines between two lines of
 * three quotes. */
static enum line_result read_message(struct talk *talk, struct text *t, bool *lost) {
    enum line_result in = add_line(talk, t, "> ", lost);
    if (in == LINE_READ && strcmp(t->p, "\"\"\"") == 0) return read_quoted(talk, t, lost);
    while (in == LINE_READ && t->n > 0 && t->p[t->n - 1] == '\\') {
        t->p[t->n - 1] = '\n';
        in = add_line(talk, t, ". ", lost);
        if (in == LINE_END) return LINE_READ;       /* what there is of the message */
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

/* Thinking or not, and the sampling that goes with it. 0, or a code of the engine. */
static int set_thinking(struct generator *g, bool think, qw_error *err) {
    int rc = qw_chat_set_thinking(g->chat, think, err);
    return rc ? rc : generator_set_sampling(g, err);
}

/* The last message again, with the next seed: the same one would give the same answer. */
static int regenerate(struct generator *g) {
    qw_error err;
    g->o.seed++;
    if (generator_set_sampling(g, &err)) return generator_error(g, &err, NULL);
    return generate(g, TURN_REGENERATE, NULL);
}

/* 0 or an exit code after a message. */
static int run_command(struct talk *talk, const struct text *t) {
    struct generator *g = talk->g;
    char word[32];
    qw_error err;
    snprintf(word, sizeof word, "%.*s", (int)(t->n > 31 ? 31 : t->n), t->p);
    size_t n = strlen(word);
    if (has_name("/exit /quit /bye", word, n)) {
        talk->end = true;
    } else if (strcmp(word, "/clear") == 0) {
        qw_chat_clear(g->chat);
    } else if (strcmp(word, "/undo") == 0) {
        if (qw_chat_undo(g->chat, &err)) return generator_error(g, &err, NULL);
    } else if (strcmp(word, "/regen") == 0) {
        return regenerate(g);
    } else if (strcmp(word, "/continue") == 0) {
        return generate(g, TURN_CONTINUE, NULL);
    } else if (strcmp(word, "/help") == 0) {
        fputs(CHAT_COMMANDS, stderr);
    } else if (has_name("/think /nothink", word, n)) {
        if (set_thinking(g, strcmp(word, "/think") == 0, &err))
            return generator_error(g, &err, NULL);
    } else {
        return usage_error("unknown command %s; /help lists them", word);
    }
    return 0;
}

/* ---- the conversation ---- */

static int answer(struct talk *talk, struct text *t) {
    struct generator *g = talk->g;
    int rc = clean_text(t, "the message");
    if (rc || t->n == 0) return rc;
    if (is_command(t)) return run_command(talk, t);
    rc = generate(g, TURN_SAY, t);
    if (rc == EXIT_CONTEXT && talk->keyboard && qw_n_tokens(g->session) > 0)
        note("/clear forgets the conversation and makes room");
    if (g->o.single_turn) talk->end = true;
    return rc;
}

/* Read a message and answer it; *rc is 0 or an exit code. */
static enum line_result one_message(struct talk *talk, int *rc) {
    struct text t = {0};
    bool lost = false;
    interrupted = 0;
    *rc = 0;
    enum line_result in = read_message(talk, &t, &lost);
    if (talk->keyboard && in != LINE_READ) fputc('\n', stderr);
    switch (in) {
    case LINE_READ: *rc = lost ? lost_line() : answer(talk, &t); break;
    case LINE_END: break;
    case LINE_INTERRUPTED: *rc = EXIT_SIGINT; break;
    case LINE_FAILED: *rc = EXIT_ERROR; break;
    }
    free(t.p);
    return in;
}

/* A person's conversation goes on, whatever a turn ended with. */
static int talk_to_person(struct talk *talk) {
    bool pressed = false;           /* Ctrl-C was the answer to the last prompt */
    while (!talk->end) {
        int rc;
        enum line_result in = one_message(talk, &rc);
        if (in == LINE_END) break;
        if (in == LINE_FAILED || (in == LINE_INTERRUPTED && pressed)) return rc;
        pressed = in == LINE_INTERRUPTED;
        if (pressed) fputs("(Ctrl-C again or Ctrl-D leaves)\n", stderr);
    }
    return 0;
}

/* In a pipe an error ends the conversation, but not an answer that came to a bad end. rc: of the
 * first answer. Returns that of the last one that was not 0. */
static int talk_to_pipe(struct talk *talk, int rc) {
    while (!talk->end) {
        int next;
        enum line_result in = one_message(talk, &next);
        if (in == LINE_END) break;
        if (next) rc = next;
        if (next && !ends_turn_only(next)) break;
    }
    return rc;
}

static int begin(struct generator *g, struct talk *talk) {
    struct text first;
    int rc = read_prompt(&g->o, false, &first);
    if (!rc) rc = check_long_message(g, &first);
    if (!rc) rc = generator_open(g, true);
    if (!rc && talk->keyboard) note("/help lists commands, Ctrl-D ends");
    if (!rc && first.n) {
        rc = generate(g, TURN_SAY, &first);
        talk->end = g->o.single_turn;
    }
    free(first.p);
    return rc;
}

int chat(struct generator *g) {
    enum stdin_kind kind = stdin_kind();
    struct talk talk = {.g = g, .in = {.fd = STDIN_FILENO, .name = "stdin"},
                        .keyboard = kind == STDIN_TERMINAL && !g->o.no_stdin};
    if (g->o.words.n) {
        const char *word = g->o.words.list[0];
        return usage_error("unexpected argument '%s': qw chat takes no words; qw run %s%s answers "
                           "them", word, word, g->o.words.n > 1 ? " ..." : "");
    }
    if (g->o.no_stdin && !has_prompt(&g->o))
        return usage_error("no message: with --no-stdin qw chat answers -p or -f only");
    int rc = begin(g, &talk);
    if (kind == STDIN_DEVICE || g->o.no_stdin) talk.end = true;
    if (!g->chat) return rc;
    if (talk.keyboard) rc = talk_to_person(&talk);
    else if (rc == 0 || ends_turn_only(rc)) rc = talk_to_pipe(&talk, rc);
    free(talk.in.p);
    return rc;
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
