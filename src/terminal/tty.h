/* tty.h - the terminal that a person sits at: its size, its modes, and the keys that are typed.
 *
 * A process has one terminal, and a signal handler must be able to leave it as it was found; so
 * there is one for all, and every function works on that. */
#ifndef QW_TTY_H
#define QW_TTY_H
#include <stdbool.h>
#include <stddef.h>

/* How the terminal treats keys. */
enum tty_mode {
    TTY_FOUND,                  /* as it was when the process began */
    TTY_HIDDEN,                 /* no echo; what is typed waits for the next program */
    TTY_WATCHED,                /* no echo; keys wait for tty_typed; Ctrl-C, Ctrl-Z are signals */
    TTY_EDITED                  /* every key is a byte */
};

/* What is left on the screen if the process ends here: nothing, half a line, a line that would be
 * replaced, or lines being edited. */
enum tty_line { TTY_LINE_NONE, TTY_LINE_HALF, TTY_LINE_LIVE, TTY_LINE_EDITED };

/* Use the terminal of this descriptor, which must stay open. marks_pastes: it can tell a paste from
 * keys. False: it is no terminal, or the process runs in its background. */
bool tty_open(int fd, bool marks_pastes);
/* TTY_FOUND on a terminal that was never opened: nothing happens. */
void tty_set_mode(enum tty_mode mode);
void tty_set_line(enum tty_line line);

/* For signal handlers (async-signal-safe): leave the terminal, and the line on the screen, as the
 * next program needs them; and, after a stop, as this one does. */
void tty_leave(void);
void tty_return(void);

/* Columns and rows of the terminal at fd, at least 1; what is unknown is 80 and 24. */
void tty_size(int fd, int *columns, int *rows);

/* Wait for keys, so many milliseconds, -1: without end. Returns how many bytes were read, 0 when
 * the time is over; TTY_ENDED after a hangup or an error; TTY_SIGNAL when a signal came. */
enum { TTY_ENDED = -1, TTY_SIGNAL = -2 };
int  tty_read(char *p, size_t n, int milliseconds);
/* Set aside what has been typed, so that the terminal has room for more; TTY_WATCHED only. */
void tty_collect(void);
/* Set aside bytes that were read too early. */
void tty_put_back(const char *p, size_t n);
/* What was set aside, *n bytes, and forget it. Valid until the next tty_collect. */
const char *tty_typed(size_t *n);

#endif
