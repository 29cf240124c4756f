/* output.c - stdout, and files that appear under their name only when they are complete. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/output.h"
#include "terminal/tty.h"

/* After EPIPE (SIGPIPE is ignored) no message: the reader left on purpose. */
static int write_error(const char *name, int error) {
    if (error != EPIPE) say("cannot write %s: %s", name, strerror(error));
    return EXIT_ERROR;
}

/* Whoever shares a pipe with us may have made it non-blocking. */
int write_fd(int fd, const void *p, size_t n) {
    const char *at = p;
    while (n > 0) {
        ssize_t put = write(fd, at, n);
        if (put < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            poll(&room, 1, -1);
            continue;
        }
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        at += put;
        n -= (size_t)put;
    }
    return 0;
}

int write_stdout(const void *p, size_t n) {
    int error = write_fd(STDOUT_FILENO, p, n);
    return error ? write_error("stdout", error) : 0;
}

int print_words(FILE *to, const char *text, int left, int at) {
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (at > left && at + 1 + n > TEXT_WIDTH) {
            fprintf(to, "\n%*s", left, "");
            at = left;
        } else if (at > left) {
            putc(' ', to);
            at++;
        }
        fprintf(to, "%.*s", n, text);
        at += n;
        text += n;
        text += *text == ' ';
    }
    return at;
}


struct text_out text_out(int fd) {
    return (struct text_out){.fd = fd, .terminal = isatty(fd) != 0};
}

static int write_text(const struct text_out *t, const void *p, size_t n) {
    const char *name = t->fd == STDERR_FILENO ? "stderr" : "stdout";
    int error = write_fd(t->fd, p, n);
    return error ? write_error(name, error) : 0;
}

/* To a terminal: wrapped, if it is, and noted whether a line is left unfinished. */
static int show(const struct text_out *t, const char *p, size_t n) {
    struct buf out = {0};
    if (n == 0) return 0;
    if (!t->wrap) {
        tty_set_line(p[n - 1] == '\n' ? TTY_LINE_NONE : TTY_LINE_HALF);
        return write_text(t, p, n);
    }
    wrap_put(t->wrap, p, n, &out);
    tty_set_line(wrap_at_line(t->wrap) ? TTY_LINE_NONE : TTY_LINE_HALF);
    int rc = out.oom ? memory_error("the text on the screen") : write_text(t, out.p, out.n);
    buf_free(&out);
    return rc;
}

int text_put(struct text_out *t, const void *p, size_t n) {
    enum { STEP = 1024 };
    char shown[VISIBLE_GROWTH * (STEP + 4)];
    const char *at = p;
    int rc = 0;
    fflush(t->fd == STDERR_FILENO ? stderr : stdout);
    if (!t->terminal) return write_text(t, p, n);
    while (n > 0 && rc == 0) {
        size_t part = n < STEP ? n : STEP;
        rc = show(t, shown, visible_text(&t->visible, at, part, shown));
        at += part;
        n -= part;
    }
    return rc;
}

int text_end(struct text_out *t) {
    char shown[VISIBLE_GROWTH * 4];
    size_t n = visible_end(&t->visible, shown);
    return t->terminal ? show(t, shown, n) : write_text(t, shown, n);
}

int flush_stdout(void) { return fflush(stdout) == 0 ? 0 : write_error("stdout", errno); }

/* ---- files that appear when complete ---- */

static const char *volatile incomplete;     /* path of the open temporary file */

void output_abandon(void) {
    if (incomplete) unlink(incomplete);
}

/* PATH.PID.part, next to the file that it will replace. -1 and errno, or o->fd. */
static int open_temporary(struct output *o) {
    size_t n = strlen(o->path) + 32;
    o->temporary = malloc(n);
    if (!o->temporary) return -1;
    /* A signal between the file and the note of its name would leave the file. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    /* The name may be taken: a killed process leaves its file, and in containers all processes may
     * have the same number. Then try the next one. */
    for (int i = 0; i < 100; i++) {
        snprintf(o->temporary, n, "%s.%ld.part", o->path, (long)getpid() + i);
        o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (o->fd >= 0 || errno != EEXIST) break;
    }
    if (o->fd >= 0) incomplete = o->temporary;
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return o->fd;
}

/* -1 and errno, or o->fd. */
static int open_path(struct output *o, const char *path) {
    struct stat st;
    if (strcmp(path, "-") == 0) {
        o->path = strdup("stdout");
        if (o->path) o->fd = STDOUT_FILENO;
        return o->fd;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        /* A device or pipe is never "complete". A directory fails here. */
        o->path = strdup(path);
        if (o->path) o->fd = open(path, O_WRONLY | O_CLOEXEC);
        return o->fd;
    }
    /* A symbolic link stays; its target is replaced. */
    bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    o->path = link ? realpath(path, NULL) : strdup(path);
    return o->path ? open_temporary(o) : -1;
}

int output_open(struct output *o, const char *path) {
    *o = (struct output){.fd = -1};
    if (open_path(o, path) >= 0) return 0;
    say("cannot write %s: %s", path, strerror(errno));
    free(o->temporary);
    free(o->path);
    return EXIT_ERROR;
}

int output_write(struct output *o, const void *p, size_t n) {
    if (!o->error) o->error = write_fd(o->fd, p, n);
    return o->error ? EXIT_ERROR : 0;
}

int output_close(struct output *o, bool keep) {
    int error = o->error;
    bool rename_it = o->temporary && keep;
    if (!error && rename_it && fsync(o->fd) != 0) error = errno;
    if (o->fd != STDOUT_FILENO && close(o->fd) != 0 && !error) error = errno;
    if (!error && rename_it && rename(o->temporary, o->path) != 0) error = errno;
    if (o->temporary && (error || !keep)) unlink(o->temporary);
    incomplete = NULL;
    int rc = error ? write_error(o->path, error) : 0;
    free(o->temporary);
    free(o->path);
    return rc;
}
