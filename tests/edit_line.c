/* edit_line.c - a program for the tests: reads lines from its terminal with the line editor and
 * prints each as a C string.
 *
 *     edit_line [plain] [HISTORY]
 *
 * Ends at Ctrl-D, or at Ctrl-\ with "quit". */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "terminal/editor.h"

static volatile sig_atomic_t resized;
static void on_resize(int sig) { resized = sig; }

static void write_out(struct editor *e) {
    struct buf *out = editor_output(e);
    for (size_t at = 0; at < out->n;) {
        ssize_t n = write(STDOUT_FILENO, out->p + at, out->n - at);
        if (n < 0) break;
        at += (size_t)n;
    }
    out->n = 0;
}

static void size_now(struct editor *e) {
    struct winsize w = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
    resized = 0;
    editor_resize(e, w.ws_row, w.ws_col);
    write_out(e);
}

static void print_text(struct editor *e, const char *event) {
    size_t n;
    const char *p = editor_text(e, &n);
    printf("%s \"", event);
    for (size_t i = 0; p && i < n && i < 400; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '\n') printf("\\n");
        else if (c < ' ' || c == 127) printf("\\%03o", c);
        else putchar(c);
    }
    printf("\" %zu\r\n", n);
    fflush(stdout);
}

/* The text in angle brackets, as another program might change it. */
static void edit_elsewhere(struct editor *e) {
    struct buf text = {0};
    size_t n;
    const char *p = editor_text(e, &n);
    buf_char(&text, '<');
    if (p) buf_put(&text, p, n);
    buf_char(&text, '>');
    editor_set_text(e, text.p, text.n);
    buf_free(&text);
}

static void complete(void *data, const char *text, size_t n, struct completions *out) {
    static const char *const commands[] = {"/clear", "/continue", "/read", "/regen", "/save"};
    (void)data;
    if (text[0] != '/') return;
    if (memchr(text, ' ', n)) {
        complete_path(text, n, out);
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strncmp(commands[i], text, n) == 0)
            completions_add(out, commands[i], strlen(commands[i]), false);
}

/* True: the program goes on. */
static bool deal_with(struct editor *e, enum editor_event event) {
    const char *why = editor_warning(e);
    if (why) printf("[%s]\r\n", why);
    switch (event) {
    case EDITOR_MORE: return true;
    case EDITOR_LINE:
        print_text(e, "line");
        editor_begin(e, "> ", NULL, 0);
        return true;
    case EDITOR_INTERRUPT:
        editor_hide(e);
        write_out(e);
        print_text(e, "interrupt");
        editor_repaint(e);
        return true;
    case EDITOR_EXTERNAL: edit_elsewhere(e); return true;
    case EDITOR_SUSPEND: return true;
    case EDITOR_END: printf("end\r\n"); return false;
    case EDITOR_QUIT: printf("quit\r\n"); return false;
    case EDITOR_FAILED: printf("failed\r\n"); return false;
    }
    return false;
}

static bool read_some(struct editor *e) {
    char bytes[4096];
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    if (resized) size_now(e);
    int ready = poll(&in, 1, editor_pending(e) ? 50 : -1);
    if (ready < 0) return true;
    if (ready == 0) {
        editor_idle(e);
        write_out(e);
        return true;
    }
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n <= 0) return false;
    for (size_t at = 0, used; at < (size_t)n; at += used) {
        enum editor_event event = editor_feed(e, bytes + at, (size_t)n - at, &used);
        write_out(e);
        if (!deal_with(e, event)) return false;
        write_out(e);
    }
    return true;
}

int main(int argc, char **argv) {
    bool plain = argc > 1 && strcmp(argv[1], "plain") == 0;
    const char *path = argc > 1 + plain ? argv[1 + plain] : NULL;
    struct termios before, raw;
    if (tcgetattr(STDIN_FILENO, &before)) return 2;
    raw = before;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | ISTRIP);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    struct history *h = history_open(path);
    struct editor_params params = {.history = h, .complete = complete, .plain = plain};
    struct editor *e = editor_new(&params);
    if (!h || !e) return 3;
    struct sigaction action = {.sa_handler = on_resize};
    sigaction(SIGWINCH, &action, NULL);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    if (!plain) printf("\033[?2004h");
    fflush(stdout);
    size_now(e);
    editor_begin(e, "> ", NULL, 0);
    write_out(e);
    while (read_some(e)) fflush(stdout);
    write_out(e);
    if (!plain) printf("\033[?2004l");
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    editor_free(e);
    history_close(h);
    return 0;
}
