/* chat_commands.c - what a line of a conversation that begins with a slash does. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/suggest.h"
#include "cli/talk.h"
#include "terminal/complete.h"
#include "terminal/tty.h"

enum arguments { NO_ARGUMENTS, ONE_FILE, FILES, ANY_TEXT };

struct chat_command {
    const char *names;
    const char *shows;                  /* its arguments, in the list */
    enum arguments takes;
    const char *help;
    /* args: without blanks at its ends; one file: its path. 0 or an exit code after a message. */
    int (*run)(struct talk *talk, const char *args);
};

/* ---- turns ---- */

static int quit(struct talk *talk, const char *args) {
    (void)args;
    talk->end = true;
    return 0;
}

static int clear(struct talk *talk, const char *args) {
    (void)args;
    qw_chat_clear(talk->g->chat);
    talk->g->last.any = false;
    talk->files.n = 0;
    tell(talk, "the conversation is forgotten");
    return 0;
}

static int undo(struct talk *talk, const char *args) {
    struct generator *g = talk->g;
    qw_error err;
    (void)args;
    if (qw_chat_undo(g->chat, &err)) return generator_error(g, &err, NULL);
    size_t n = qw_chat_turns(g->chat);
    tell(talk, "the last turn is forgotten; %zu left", n);
    return 0;
}

/* The last message again, with the next seed: the same one would give the same answer. */
static int regenerate(struct talk *talk, const char *args) {
    struct generator *g = talk->g;
    qw_error err;
    (void)args;
    g->o.seed++;
    if (generator_set_sampling(g, &err)) return generator_error(g, &err, NULL);
    return generate(g, TURN_REGENERATE, NULL);
}

static int go_on(struct talk *talk, const char *args) {
    (void)args;
    return generate(talk->g, TURN_CONTINUE, NULL);
}

static int edit(struct talk *talk, const char *args) {
    struct generator *g = talk->g;
    qw_error err;
    size_t n;
    (void)args;
    if (!talk->keys) return usage_error("/edit: there is no line to edit in a pipe");
    const char *message = qw_chat_last_message(g->chat, &n);
    if (!message) return usage_error("there is no message to edit");
    talk->edit.n = 0;
    int rc = text_append(&talk->edit, message, n, "the message");
    if (!rc && qw_chat_undo(g->chat, &err)) rc = generator_error(g, &err, NULL);
    return rc;
}

/* ---- files and the system message ---- */

/* A file that goes with the next message. */
static int read_one(struct talk *talk, const char *path) {
    struct text t;
    size_t lines = 1;
    int rc = read_prompt_file(path, &t);
    if (rc) return rc;
    drop_mark(&t);
    drop_newline(&t);
    rc = clean_text(&t, path);
    for (size_t i = 0; i < t.n; i++) lines += t.p[i] == '\n';
    if (!rc && talk->files.n) rc = text_append(&talk->files, "\n\n", 2, path);
    if (!rc) rc = text_append(&talk->files, t.p, t.n, path);
    if (!rc && t.n < 1000)
        tell(talk, "%s, %zu bytes: part of the next message", path, t.n);
    else if (!rc)
        tell(talk, "%s, %zu lines, %.1f KB: part of the next message", path, lines,
             (double)t.n / 1e3);
    free(t.p);
    return rc;
}

static int read_files(struct talk *talk, const char *args) {
    struct buf path = {0};
    size_t at = 0, before = talk->files.n;
    int rc = 0;
    while (!rc && path_word(args, strlen(args), &at, &path)) rc = read_one(talk, path.p);
    if (path.oom) rc = memory_error("the path");
    if (rc) talk->files.n = before;             /* all of them or none */
    buf_free(&path);
    return rc;
}

static int set_system(struct talk *talk, const char *args) {
    struct generator *g = talk->g;
    const char *system = strcmp(args, "\"\"") == 0 ? NULL : args;
    qw_error err;
    if (!*args) {
        struct text_out out = text_out(STDERR_FILENO);
        const char *now = qw_chat_system(g->chat);
        if (!now) now = "(no system message)";
        int rc = text_put(&out, now, strlen(now));
        return rc ? rc : text_put(&out, "\n", 1);
    }
    if (qw_chat_set_system(g->chat, system, &err)) return generator_error(g, &err, NULL);
    tell(talk, system ? "the system message is changed" : "there is no system message now");
    return 0;
}

/* ---- thinking ---- */

static int set_thinking(struct talk *talk, bool think) {
    struct generator *g = talk->g;
    qw_error err;
    if (qw_chat_set_thinking(g->chat, think, &err) || generator_set_sampling(g, &err))
        return generator_error(g, &err, NULL);
    tell(talk, think ? "it thinks before it answers" : "it answers directly");
    return 0;
}

static int think(struct talk *talk, const char *args) {
    (void)args;
    return set_thinking(talk, true);
}

static int no_think(struct talk *talk, const char *args) {
    (void)args;
    return set_thinking(talk, false);
}

static int thoughts(struct talk *talk, const char *args) {
    size_t n;
    const char *thought = qw_chat_last_thought(talk->g->chat, &n);
    (void)args;
    if (!thought) return usage_error("/thoughts: the last answer has none");
    return show_thought(talk->g, thought, n);
}

static int help(struct talk *talk, const char *args);

/* ---- the table ---- */

static const struct chat_command table[] = {
    {"/help", "", NO_ARGUMENTS, "this list", help},
    {"/exit /quit /bye", "", NO_ARGUMENTS, "end; also Ctrl-D", quit},
    {"/regen", "", NO_ARGUMENTS, "answer the last message again", regenerate},
    {"/continue", "", NO_ARGUMENTS, "go on with an answer that was cut", go_on},
    {"/edit", "", NO_ARGUMENTS, "take the last message back into the line", edit},
    {"/undo", "", NO_ARGUMENTS, "forget the last message and its answer", undo},
    {"/clear", "", NO_ARGUMENTS, "forget the conversation", clear},
    {"/read", "FILE...", FILES, "files as a part of the next message", read_files},
    {"/system", "[TEXT]", ANY_TEXT, "the system message; \"\" for none", set_system},
    {"/set", "[NAME VALUE]", ANY_TEXT, "settings, or change one", set_command},
    {"/think", "", NO_ARGUMENTS, "think before answering", think},
    {"/nothink", "", NO_ARGUMENTS, "answer directly", no_think},
    {"/thoughts", "", NO_ARGUMENTS, "show the last answer's thoughts", thoughts},
    {"/save", "FILE", ONE_FILE, "keep the conversation in a file", save_chat},
    {"/load", "FILE", ONE_FILE, "go on with one", load_chat},
    {"/stats", "", NO_ARGUMENTS, "speed, memory, settings", show_stats},
};
enum { N_COMMANDS = sizeof table / sizeof *table };

const char *chat_command_name(int i) {
    static const char *const first[] = {"/help", "/exit", "/quit", "/bye"};
    if (i < 4) return first[i];
    return i - 2 < N_COMMANDS ? table[i - 2].names : NULL;
}

static const struct {
    const char *keys, *help;
} keys[] = {
    {"Ctrl-C", "answer now (in a thought); stop (in an answer)"},
    {"Ctrl-J, \\ at the end", "another line of the same message"},
    {"\"\"\"", "begins and ends a message of several lines"},
    {"Up, Ctrl-R, Tab", "earlier lines, search them, complete"},
    {"Ctrl-X Ctrl-E", "the line in $VISUAL or $EDITOR"},
    {"//x", "sends /x"},
};

/* Broken at blanks, so that each row has fewer cells than that. */
static void indented(const char *text, int columns) {
    int room = columns - 5;
    while (*text) {
        int n = (int)strlen(text);
        if (n > room)
            for (n = room; n > 0 && text[n] != ' ';) n--;
        if (n <= 0) n = (int)strcspn(text, " ");
        fprintf(stderr, "    %.*s\n", n, text);
        text += n;
        text += strspn(text, " ");
    }
}

/* In two columns, if the terminal has room for them. */
static void help_line(const char *left, const char *right) {
    int columns, rows;
    tty_size(STDERR_FILENO, &columns, &rows);
    if (columns >= 72 || !isatty(STDERR_FILENO)) {
        fprintf(stderr, "  %-20s %s\n", left, right);
        return;
    }
    fprintf(stderr, "  %s\n", left);
    indented(right, columns);
}

static int help(struct talk *talk, const char *args) {
    (void)talk;
    (void)args;
    for (int i = 0; i < N_COMMANDS; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", table[i].names, table[i].shows);
        help_line(left, table[i].help);
    }
    fputs("\n", stderr);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) help_line(keys[i].keys, keys[i].help);
    return 0;
}

/* ---- which command ---- */

static size_t word_length(const struct text *t) {
    size_t n = 0;
    while (n < t->n && t->p[n] != ' ' && t->p[n] != '\t' && t->p[n] != '\n') n++;
    return n;
}

static const struct chat_command *find(const char *word, size_t n) {
    for (int i = 0; i < N_COMMANDS; i++)
        if (has_name(table[i].names, word, n)) return &table[i];
    return NULL;
}

/* Messages of several lines are text, unless the command takes one. */
bool is_chat_command(const struct text *t) {
    struct text line = *t;
    while (line.n > 0 && (*line.p == ' ' || *line.p == '\t')) {
        line.p++;
        line.n--;
    }
    size_t n = word_length(&line);
    if (n < 2 || *line.p != '/') return false;
    for (size_t i = 1; i < n; i++)
        if (!isascii((unsigned char)line.p[i]) || !isalpha((unsigned char)line.p[i])) return false;
    if (!memchr(line.p, '\n', line.n)) return true;
    const struct chat_command *c = find(line.p, n);
    return c && c->takes == ANY_TEXT;
}

void unescape_slash(struct text *t) {
    if (t->n < 2 || t->p[0] != '/' || t->p[1] != '/') return;
    t->n--;
    memmove(t->p, t->p + 1, t->n);
}

static int unknown(const char *word, size_t n) {
    const char *names[N_COMMANDS + 3];
    char shown[32];
    int count = 0;
    while ((names[count] = chat_command_name(count)) != NULL) count++;
    snprintf(shown, sizeof shown, "%.*s", (int)(n < 31 ? n : 31), word);
    const char *near = nearest_word(shown, names, count);
    if (near) return usage_error("unknown command %s; did you mean %s?", shown, near);
    return usage_error("unknown command %s; /help lists them", shown);
}

static int run_with_file(struct talk *talk, const struct chat_command *c, const char *args) {
    struct buf path = {0};
    size_t at = 0, n = strlen(args);
    bool one = path_word(args, n, &at, &path) && at >= n;
    int rc = one ? c->run(talk, path.p)
                 : usage_error("%s takes one file; blanks in its name need a backslash", c->names);
    buf_free(&path);
    return rc;
}

static int run(struct talk *talk, const struct chat_command *c, const char *args) {
    int first = (int)strcspn(c->names, " ");
    switch (c->takes) {
    case NO_ARGUMENTS:
        if (*args) return usage_error("%.*s takes no arguments", first, c->names);
        break;
    case ONE_FILE: return run_with_file(talk, c, args);
    case FILES:
        if (!*args) return usage_error("%s: which file?", c->names);
        break;
    case ANY_TEXT: break;
    }
    return c->run(talk, args);
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

int run_chat_command(struct talk *talk, const struct text *t) {
    const char *p = t->p, *end = t->p + t->n;
    while (p < end && is_blank(*p)) p++;
    while (end > p && is_blank(end[-1])) end--;
    const struct text line = {t->p + (p - t->p), (size_t)(end - p)};
    size_t word = word_length(&line);
    const struct chat_command *c = find(line.p, word);
    if (!c) return unknown(line.p, word);
    const char *rest = line.p + word;
    while (rest < end && is_blank(*rest)) rest++;
    if (memchr(rest, 0, (size_t)(end - rest)))
        return usage_error("%.*s: a NUL in its arguments", (int)word, line.p);
    char *args = strndup(rest, (size_t)(end - rest));
    if (!args) return memory_error("the command");
    int rc = run(talk, c, args);
    free(args);
    return rc;
}
