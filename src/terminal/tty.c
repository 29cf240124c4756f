/* tty.c - the terminal that a person sits at. */
#include "terminal/tty.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* What is typed while nobody reads: more than anybody types, less than hurts. */
enum { MOST_TYPED = 1 << 16 };

static struct {
    int fd;
    bool open, marks_pastes;
    struct termios found;
    volatile sig_atomic_t mode, line;   /* enum tty_mode, enum tty_line */
    char typed[MOST_TYPED];
    size_t n_typed;
} tty;

/* ---- modes ---- */

/* In the background a change would stop the process, or spoil another one's terminal. */
static bool in_foreground(void) { return tcgetpgrp(tty.fd) == getpgrp(); }

bool tty_open(int fd, bool marks_pastes) {
    tty.fd = fd;
    tty.marks_pastes = marks_pastes;
    if (!isatty(fd) || !in_foreground() || tcgetattr(fd, &tty.found) != 0) return false;
    tty.open = true;
    return true;
}

static struct termios settings(enum tty_mode mode) {
    struct termios t = tty.found;
    if (mode == TTY_FOUND) return t;
    t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    t.c_lflag |= NOFLSH;                /* Ctrl-C takes nothing of what was typed before */
    if (mode == TTY_HIDDEN) return t;
    t.c_lflag &= ~(tcflag_t)ICANON;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    if (mode == TTY_WATCHED) return t;
    t.c_lflag &= ~(tcflag_t)(ISIG | IEXTEN);
    t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | ISTRIP);
    return t;
}

static void put(const char *s) {
    ssize_t n = write(STDERR_FILENO, s, strlen(s));
    (void)n;                            /* a terminal that is gone needs nothing */
}

/* Bracketed paste is for the editor. The order matters: nothing of ours may follow the old mode. */
static void apply(enum tty_mode mode) {
    struct termios t = settings(mode);
    bool from = tty.mode == TTY_EDITED, to = mode == TTY_EDITED;
    if (tty.marks_pastes && from && !to) put("\033[?2004l");
    int failed;
    do {
        failed = tcsetattr(tty.fd, TCSANOW, &t);
    } while (failed && errno == EINTR);
    if (tty.marks_pastes && !from && to) put("\033[?2004h");
    tty.mode = mode;
}

void tty_set_mode(enum tty_mode mode) {
    if (tty.open && mode != (enum tty_mode)tty.mode) apply(mode);
}

void tty_set_line(enum tty_line line) { tty.line = line; }

void tty_leave(void) {
    int kept = errno;
    switch ((enum tty_line)tty.line) {
    case TTY_LINE_NONE: break;
    case TTY_LINE_HALF: put("\n"); break;
    case TTY_LINE_LIVE: put("\r\033[K"); break;
    case TTY_LINE_EDITED: put("\n\033[J"); break;
    }
    if (tty.open && tty.mode != TTY_FOUND && in_foreground()) {
        int mode = tty.mode;
        apply(TTY_FOUND);
        tty.mode = mode;                /* for tty_return */
    }
    errno = kept;
}

void tty_return(void) {
    int kept = errno, mode = tty.mode;
    if (tty.open && mode != TTY_FOUND && in_foreground()) {
        tty.mode = TTY_FOUND;
        apply(mode);
    }
    errno = kept;
}

void tty_size(int fd, int *columns, int *rows) {
    struct winsize size = {0};
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;
    *columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *rows = known && size.ws_row > 0 ? size.ws_row : 24;
}

/* ---- keys ---- */

int tty_read(char *p, size_t n, int milliseconds) {
    struct pollfd ready = {.fd = tty.fd, .events = POLLIN};
    int some = poll(&ready, 1, milliseconds);
    if (some == 0) return 0;
    ssize_t got = some > 0 ? read(tty.fd, p, n) : -1;
    if (got > 0) return (int)got;
    return got < 0 && errno == EINTR ? TTY_SIGNAL : TTY_ENDED;
}

void tty_collect(void) {
    if (!tty.open || tty.mode != TTY_WATCHED) return;
    while (tty.n_typed < MOST_TYPED) {
        int got = tty_read(tty.typed + tty.n_typed, MOST_TYPED - tty.n_typed, 0);
        if (got <= 0) return;
        tty.n_typed += (size_t)got;
    }
}

/* Read in TTY_EDITED, where Enter is a carriage return. */
void tty_put_back(const char *p, size_t n) {
    for (size_t i = 0; i < n && tty.n_typed < MOST_TYPED; i++)
        tty.typed[tty.n_typed++] = p[i] == '\r' ? '\n' : p[i];
}

const char *tty_typed(size_t *n) {
    *n = tty.n_typed;
    tty.n_typed = 0;
    return tty.typed;
}
