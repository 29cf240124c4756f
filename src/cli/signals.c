/* signals.c - SIGINT, which ends the process or asks it to stop; the other signals that end it, or
 * stop it, and leave the terminal as they found it. */
#include <pthread.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/output.h"
#include "terminal/tty.h"

volatile sig_atomic_t interrupted, resized, resumed;
static volatile sig_atomic_t fatal_count = 1;       /* this many SIGINTs end the process */

static void on_signal(int sig) {
    if (sig == SIGINT) interrupted = interrupted + 1;
    if (sig == SIGINT && interrupted < fatal_count) return;
    tty_leave();
    output_abandon();
    if (sig != SIGBUS) _exit(128 + sig);
    /* A page of a mapped file could not be read. The kernel has no other way to report it. */
    static const char lost[] =
        "qw: a model file can no longer be read: it was truncated, or its disk failed\n";
    bool told = write(STDERR_FILENO, lost, sizeof lost - 1) != 0;
    _exit(told ? EXIT_ERROR : 128 + sig);
}

/* A fault of our own: the terminal as it was, then what the system does at such a fault. */
static void on_fault(int sig) {
    tty_leave();
    output_abandon();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void set_handler(int sig, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(sig, &action, NULL);
}

/* Ctrl-Z: stop as any process does, with the terminal as it was; SIGCONT brings us back. */
static void on_stop(int sig) {
    sigset_t stop;
    tty_leave();
    signal(sig, SIG_DFL);
    raise(sig);
    sigemptyset(&stop);
    sigaddset(&stop, sig);
    pthread_sigmask(SIG_UNBLOCK, &stop, NULL);          /* here it stops */
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    set_handler(sig, on_stop, SA_RESTART);
}

static void on_continue(int sig) {
    (void)sig;
    tty_return();
    resumed = 1;
}

static void on_resize(int sig) {
    (void)sig;
    resized = 1;
}

static bool has_handler(int sig, void (*handler)(int)) {
    struct sigaction old;
    return sigaction(sig, NULL, &old) == 0 && old.sa_handler == handler;
}

void catch_signals(void) {
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGBUS};
    static const int faults[] = {SIGSEGV, SIGFPE, SIGABRT};
    signal(SIGXFSZ, SIG_IGN);       /* beyond ulimit -f a write fails, as on a full disk */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        /* What nohup ignores stays ignored. SIGINT does not: a shell ignores it for background
         * jobs, which must be interruptible all the same. No SA_RESTART: reads end. */
        if (ends[i] == SIGINT || !has_handler(ends[i], SIG_IGN)) set_handler(ends[i], on_signal, 0);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (has_handler(faults[i], SIG_DFL)) set_handler(faults[i], on_fault, 0);
    if (!has_handler(SIGTSTP, SIG_IGN)) set_handler(SIGTSTP, on_stop, SA_RESTART);
    set_handler(SIGCONT, on_continue, SA_RESTART);
    set_handler(SIGWINCH, on_resize, SA_RESTART);
}

void poll_sigint(int fatal) { fatal_count = fatal; }
