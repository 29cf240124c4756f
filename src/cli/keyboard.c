/* keyboard.c - messages that a person types: the line editor on the terminal. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/talk.h"
#include "terminal/editor.h"
#include "terminal/tty.h"

struct keyboard {
    struct editor *editor;
    struct history *history;
    bool armed;                 /* Ctrl-C on an empty line has been answered: again ends */
};

enum {
    CTRL_C = 3,
    KEY_MILLISECONDS = 50       /* an Escape of its own, if nothing follows for so long */
};

/* ---- opening ---- */

/* Where the history is; out is empty if there is none. */
static void find_history(char *out, size_t size) {
    const char *own = getenv("QW_HISTORY"), *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    *out = 0;
    if (own) snprintf(out, size, "%s", own);
    else if (state && *state == '/') snprintf(out, size, "%s/qw/history", state);
    else if (home && *home) snprintf(out, size, "%s/.local/state/qw/history", home);
}

static bool begins(const char *word, size_t n, const char *text) {
    return strlen(text) >= n && memcmp(text, word, n) == 0;
}

/* Names of commands for the first word; files after those that take one; settings after /set. */
static void complete(void *data, const char *text, size_t n, struct completions *out) {
    (void)data;
    const char *name, *blank = memchr(text, ' ', n);
    if (n == 0 || *text != '/') return;
    if (!blank) {
        out->from = 0;
        for (int i = 0; (name = chat_command_name(i)) != NULL; i++)
            if (begins(text, n, name)) completions_add(out, name, strlen(name), false);
        return;
    }
    size_t word = (size_t)(blank - text);
    if (has_name("/read /save /load", text, word)) {
        complete_path(text, n, out);
    } else if (has_name("/set", text, word)) {
        out->from = word + 1;
        for (int i = 0; (name = setting_name(i)) != NULL; i++)
            if (begins(blank + 1, n - word - 1, name))
                completions_add(out, name, strlen(name), false);
    }
}

/* The Linux console and xterm do not break rows again when they get narrower; others do. */
static bool truncates_rows(void) {
    const char *term = getenv("TERM");
    return getenv("XTERM_VERSION") || (term && strcmp(term, "linux") == 0);
}

struct keyboard *keyboard_open(bool plain, int *rc) {
    char path[4096];
    int columns, rows;
    *rc = 0;
    if (!isatty(STDERR_FILENO) || !tty_open(STDIN_FILENO, !is_dumb_terminal()))
        return NULL;
    struct keyboard *k = calloc(1, sizeof *k);
    find_history(path, sizeof path);
    tty_size(STDERR_FILENO, &columns, &rows);
    if (k) k->history = history_open(path);
    const struct editor_params params = {.history = k ? k->history : NULL, .complete = complete,
                                         .rows = rows, .columns = columns, .plain = plain,
                                         .truncates = truncates_rows()};
    if (k) k->editor = editor_new(&params);
    if (k && k->history && k->editor) {
        tty_set_mode(TTY_WATCHED);
        return k;
    }
    keyboard_close(k);
    *rc = memory_error("the line editor");
    return NULL;
}

void keyboard_close(struct keyboard *k) {
    if (!k) return;
    editor_free(k->editor);
    history_close(k->history);
    free(k);
}

/* ---- the screen ---- */

static void put_output(struct keyboard *k) {
    struct buf *out = editor_output(k->editor);
    fwrite(out->p ? out->p : "", 1, out->n, stderr);
    fflush(stderr);
    out->n = 0;
}

static void hide(struct keyboard *k) {
    editor_hide(k->editor);
    put_output(k);
    tty_set_line(TTY_LINE_NONE);
}

static void show_again(struct keyboard *k) {
    tty_set_line(TTY_LINE_EDITED);
    editor_repaint(k->editor);
    put_output(k);
}

/* What signals have said since. */
static void follow_terminal(struct keyboard *k) {
    int columns, rows;
    if (resized) {
        resized = 0;
        tty_size(STDERR_FILENO, &columns, &rows);
        editor_resize(k->editor, rows, columns);
    }
    if (!resumed) return;
    resumed = 0;                        /* something else may have been written: begin a new row */
    editor_hide(k->editor);
    editor_output(k->editor)->n = 0;
    fputs("\r\033[K", stderr);
    editor_repaint(k->editor);
}

/* ---- another editor ---- */

/* $VISUAL or $EDITOR on a file with the text; returns whether it ended well. */
static bool edit_file(const char *path) {
    const char *visual = getenv("VISUAL"), *other = getenv("EDITOR");
    const char *editor = visual && *visual ? visual : other;
    if (!editor || !*editor) editor = "vi";
    pid_t child = fork();
    if (child == 0) {
        static const int defaults[] = {SIGINT, SIGQUIT, SIGTSTP};
        for (size_t i = 0; i < 3; i++) signal(defaults[i], SIG_DFL);
        char command[4096];
        snprintf(command, sizeof command, "exec %s \"$1\"", editor);
        execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The text of the line, edited there. */
static void edit_elsewhere(struct keyboard *k) {
    const char *folder = getenv("TMPDIR");
    char path[4096];
    size_t n;
    const char *text = editor_text(k->editor, &n);
    snprintf(path, sizeof path, "%s/qw-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = text ? mkstemp(path) : -1;
    bool written = fd >= 0 && write_fd(fd, text, n) == 0;
    hide(k);
    if (fd >= 0) close(fd);
    tty_set_mode(TTY_FOUND);
    struct text edited = {0};
    if (!written) say("cannot write %s: %s", path, strerror(errno));
    else if (!edit_file(path)) say("the editor failed; the line is as it was");
    else if (read_all(path, &edited) == 0 && clean_text(&edited, "the edited text") == 0) {
        drop_newline(&edited);
        editor_set_text(k->editor, edited.p, edited.n);
        editor_output(k->editor)->n = 0;        /* below it is shown as a whole */
    }
    if (fd >= 0) unlink(path);
    free(edited.p);
    tty_set_mode(TTY_EDITED);
    interrupted = 0;
    show_again(k);
}

/* ---- keys ---- */

/* Ctrl-C has cleared the line, if there was one. True: it was the second one on an empty line. */
static bool interrupts(struct keyboard *k) {
    size_t n;
    editor_text(k->editor, &n);
    if (n > 0) return false;
    if (k->armed) return true;
    hide(k);
    fputs("Ctrl-C again or Ctrl-D leaves\n", stderr);
    show_again(k);
    k->armed = true;
    return false;
}

/* Feed bytes until a line is complete, or they are used up. */
static enum editor_event feed(struct keyboard *k, const char *p, size_t n) {
    while (n > 0) {
        size_t used;
        enum editor_event event = editor_feed(k->editor, p, n, &used);
        p += used;
        n -= used;
        put_output(k);
        switch (event) {
        case EDITOR_MORE: k->armed = false; break;
        case EDITOR_INTERRUPT:
            if (interrupts(k)) return event;
            break;
        case EDITOR_SUSPEND:
            hide(k);
            raise(SIGTSTP);
            resumed = 0;
            show_again(k);
            break;
        case EDITOR_QUIT: raise(SIGQUIT); break;
        case EDITOR_EXTERNAL: edit_elsewhere(k); break;
        case EDITOR_LINE: case EDITOR_END: case EDITOR_FAILED:
            tty_put_back(p, n);
            return event;
        }
    }
    return EDITOR_MORE;
}

/* A Ctrl-C right after one that has stopped an answer was meant for that: without those of the n
 * bytes. Returns how many are left. */
static size_t swallow(const struct talk *talk, char *p, size_t n) {
    size_t kept = 0;
    if (monotonic_seconds() - talk->returned >= 1) return n;
    for (size_t i = 0; i < n; i++)
        if (p[i] != CTRL_C) p[kept++] = p[i];
    return kept;
}

/* Until a line is complete. */
static enum editor_event edit(struct talk *talk) {
    struct keyboard *k = talk->keys;
    char bytes[4096];
    for (;;) {
        follow_terminal(k);
        put_output(k);
        int n = tty_read(bytes, sizeof bytes, editor_pending(k->editor) ? KEY_MILLISECONDS : -1);
        if (interrupted) {              /* from another process: here Ctrl-C is a key */
            interrupted = 0;
            bytes[0] = CTRL_C;
            n = 1;
        }
        if (n == 0) editor_idle(k->editor);
        if (n == TTY_ENDED) return EDITOR_END;
        if (n <= 0) continue;
        enum editor_event event = feed(k, bytes, swallow(talk, bytes, (size_t)n));
        if (event != EDITOR_MORE) return event;
    }
}

/* What was typed meanwhile stands in the line, but does not send it. */
static void feed_typed(struct keyboard *k) {
    size_t n, used;
    tty_collect();
    const char *p = tty_typed(&n);
    while (n > 0 && p[n - 1] == '\n') n--;
    for (; n > 0; p += used, n -= used) editor_feed(k->editor, p, n, &used);
}

enum message read_typed_message(struct talk *talk, struct text *t) {
    struct keyboard *k = talk->keys;
    size_t n;
    feed_typed(k);
    tty_set_mode(TTY_EDITED);
    tty_set_line(TTY_LINE_EDITED);
    k->armed = false;
    editor_begin(k->editor, "> ", talk->edit.p, talk->edit.n);
    talk->edit.n = 0;
    enum editor_event event = edit(talk);
    put_output(k);
    tty_set_line(TTY_LINE_NONE);
    tty_set_mode(TTY_WATCHED);
    const char *odd = editor_warning(k->editor);
    if (odd) warning("%s", odd);
    if (event == EDITOR_END) return MESSAGE_END;
    if (event == EDITOR_INTERRUPT) hide(k);
    if (event == EDITOR_INTERRUPT) return MESSAGE_LEAVE;
    const char *text = event == EDITOR_LINE ? editor_text(k->editor, &n) : NULL;
    if (!text) memory_error("the line");
    if (!text || text_append(t, text, n, "the message")) return MESSAGE_FAILED;
    return MESSAGE;
}
