/* signals.c - SIGINT, which ends the process or asks it to stop, and the other fatal signals. */
#include <unistd.h>
#include "cli/cli.h"
#include "cli/output.h"

volatile sig_atomic_t interrupted;
static volatile sig_atomic_t fatal_count = 1;       /* this many SIGINTs end the process */

static void on_signal(int sig) {
    if (sig == SIGINT) interrupted = interrupted + 1;
    if (sig == SIGINT && interrupted < fatal_count) return;
    output_abandon();
    if (sig != SIGBUS) _exit(128 + sig);
    /* A page of a mapped file could not be read. The kernel has no other way to report it. */
    static const char lost[] =
        "\nqw: a model file can no longer be read: it was truncated, or its disk failed\n";
    bool told = write(STDERR_FILENO, lost, sizeof lost - 1) != 0;
    _exit(told ? EXIT_ERROR : 128 + sig);
}

void catch_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGBUS};
    struct sigaction action = {.sa_handler = on_signal}, old;   /* no SA_RESTART: reads end */
    sigemptyset(&action.sa_mask);
    signal(SIGXFSZ, SIG_IGN);       /* beyond ulimit -f a write fails, as on a full disk */
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], NULL, &old) != 0) continue;
        /* What nohup ignores stays ignored. SIGINT does not: a shell ignores it for background
         * jobs, which must be interruptible all the same. */
        if (signals[i] == SIGINT || old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

void poll_sigint(void) { fatal_count = 3; }
