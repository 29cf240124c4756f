/* chat.c - qw chat, a conversation. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/talk.h"
#include "terminal/tty.h"

void tell(const struct talk *talk, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!shows_notes()) return;
    if (!talk->keys) {
        note("%s", text);
        return;
    }
    struct text_out out = text_out(STDERR_FILENO);
    struct wrap wrap = {.columns = 0};
    int columns, rows;
    tty_size(STDERR_FILENO, &columns, &rows);
    if (!talk->g->plain) wrap_resize(&wrap, (size_t)columns);
    out.wrap = &wrap;
    text_put(&out, "(", 1);
    text_put(&out, text, strlen(text));
    text_end(&out);
    text_put(&out, ")\n", 2);
    wrap_free(&wrap);
}

/* ---- a message ---- */

/* The files of /read, a blank line, the message. */
static int add_files(struct talk *talk, struct text *t) {
    struct text whole = talk->files;
    if (whole.n == 0) return 0;
    int rc = t->n ? text_append(&whole, "\n\n", 2, "the message") : 0;
    if (!rc) rc = text_append(&whole, t->p, t->n, "the message");
    talk->files = (struct text){0};
    free(t->p);
    *t = whole;
    return rc;
}

/* A message that was not taken (Ctrl-C, or it is too long) comes back into the line. */
static int answer(struct talk *talk, struct text *t) {
    struct generator *g = talk->g;
    unescape_slash(t);
    int rc = add_files(talk, t);
    if (!rc) rc = generate(g, TURN_SAY, t);
    if (talk->keys && rc && g->last.unread)
        rc = text_append(&talk->edit, t->p, t->n, "the message");
    if (g->o.single_turn) talk->end = true;
    return rc;
}

static int react(struct talk *talk, struct text *t) {
    int rc = clean_text(t, "the message");
    if (rc || t->n == 0) return rc;
    interrupted = 0;
    rc = is_chat_command(t) ? run_chat_command(talk, t) : answer(talk, t);
    if (interrupted || rc == EXIT_SIGINT) talk->returned = monotonic_seconds();
    interrupted = 0;
    return rc;
}

/* ---- the conversation ---- */

/* A person's conversation goes on, whatever a turn ended with. */
static int talk_to_person(struct talk *talk) {
    while (!talk->end) {
        struct text t = {0};
        enum message in = read_typed_message(talk, &t);
        if (in == MESSAGE) react(talk, &t);
        free(t.p);
        if (in == MESSAGE_LEAVE) return EXIT_SIGINT;
        if (in == MESSAGE_FAILED) return EXIT_ERROR;
        if (in == MESSAGE_END) break;
    }
    return 0;
}

/* In a pipe an error ends the conversation, but not an answer that came to a bad end. rc: of the
 * first answer. Returns that of the last one that was not 0. */
static int talk_to_pipe(struct talk *talk, int rc) {
    while (!talk->end) {
        struct text t = {0};
        int next = 0;
        enum message in = read_piped_message(talk, &t);
        if (in == MESSAGE) next = react(talk, &t);
        free(t.p);
        if (in == MESSAGE_LEAVE) return EXIT_SIGINT;
        if (in == MESSAGE_FAILED) return EXIT_ERROR;
        if (in == MESSAGE_END) break;
        if (next) rc = next;
        if (next && !ends_turn_only(next)) break;
    }
    return rc;
}

/* ---- the beginning ---- */

/* One line: which model this is. */
static void introduce(const struct generator *g) {
    const qw_model_info *info = qw_info(g->model);
    const char *path = info->path, *s = plural((size_t)info->n_threads);
    char name[MODEL_NAME], left[MODEL_NAME + 80];
    struct variants v = {.n = 0};
    int columns, rows;
    if (!shows_notes()) return;
    model_name(path, name);
    tty_size(STDERR_FILENO, &columns, &rows);
    snprintf(left, sizeof left, "%s  %s  %d thread%s  context to %d", name, info->weight_type,
             info->n_threads, s, qw_n_ctx(g->session));
    int room = (columns < 80 ? columns : 80) - 1 - (int)strlen(left);
    if (room > 20) add_variant(&v, "%s%*s", left, room, "/help, Ctrl-D ends");
    add_variant(&v, "%s  /help", left);
    add_variant(&v, "%s %s, %d thread%s, /help", name, info->weight_type, info->n_threads, s);
    add_variant(&v, "%.12s %s", name, info->weight_type);
    view_line(g, &v);
    if (!is_bundled(path)) return;
    v.n = 0;
    add_variant(&v, "This is the bundled demo. Real models: README.md; then qw -m DIR.");
    add_variant(&v, "The bundled demo; qw -m DIR: a real one");
    add_variant(&v, "The bundled demo.");
    view_line(g, &v);
}

static int begin(struct talk *talk) {
    struct generator *g = talk->g;
    struct text first;
    int rc = read_prompt(&g->o, false, &first);
    if (!rc) rc = check_long_message(g, &first);
    if (!rc) rc = generator_open(g, &first);
    if (!rc && talk->keys) poll_sigint(SIGINTS_OF_A_CHAT);
    if (!rc && talk->keys) introduce(g);
    if (!rc && first.n) {
        rc = generate(g, TURN_SAY, &first);
        talk->end = g->o.single_turn;
    }
    free(first.p);
    return rc;
}

static int check_words(const struct options *o) {
    const char *word = o->words.n ? o->words.list[0] : NULL;
    if (word)
        return usage_error("unexpected argument '%s': qw chat takes no words; qw run %s%s answers "
                           "them", word, word, o->words.n > 1 ? " ..." : "");
    if (o->no_stdin && !has_prompt(o))
        return usage_error("no message: with --no-stdin qw chat answers -p or -f only");
    return 0;
}

static int converse(struct talk *talk, enum stdin_kind kind) {
    struct generator *g = talk->g;
    int rc = 0;
    if (kind == STDIN_TERMINAL && !g->o.no_stdin)
        talk->keys = keyboard_open(is_plain_terminal(), &rc);
    g->typed = talk->keys != NULL;
    if (!rc) rc = begin(talk);
    if (kind == STDIN_DEVICE || g->o.no_stdin) talk->end = true;
    if (!g->chat) return rc;
    if (talk->keys) return talk_to_person(talk);
    return rc == 0 || ends_turn_only(rc) ? talk_to_pipe(talk, rc) : rc;
}

int chat(struct generator *g) {
    struct talk talk = {.g = g, .in = {.fd = STDIN_FILENO, .name = "stdin"}};
    int rc = check_words(&g->o);
    if (rc) return rc;
    g->talks = true;
    rc = converse(&talk, stdin_kind());
    tty_set_mode(TTY_FOUND);
    keyboard_close(talk.keys);
    free(talk.in.p);
    free(talk.files.p);
    free(talk.edit.p);
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
    .details =
        "In a conversation /help lists the commands: /regen, /continue, /edit, /undo,\n"
        "/clear, /read FILE, /system TEXT, /set NAME VALUE, /think, /nothink, /thoughts,\n"
        "/save FILE, /load FILE, /stats, /exit. In a pipe each line is a message.\n"
        "QW_HISTORY=FILE keeps the lines that were typed there; QW_HISTORY= keeps none.\n",
};
