/* messages.c - messages on stderr, exit codes, signals. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "cli/cli.h"

/* Messages quote what files and flags hold; what would steer a terminal there is shown as '?'. */
static void vsay(const char *fmt, va_list ap) {
    char text[8192];
    vsnprintf(text, sizeof text, fmt, ap);
    for (char *p = text; *p; p++) if (((unsigned char)*p < ' ' && *p != '\n') || *p == 127) *p = '?';
    fprintf(stderr, "qw: %s\n", text);
}

void say(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsay(fmt, ap);
    va_end(ap);
}

int usage_error(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsay(fmt, ap);
    va_end(ap);
    return EXIT_USAGE;
}

int engine_error(const qw_error *err) {
    if (err->code == QW_ECANCEL) return EXIT_SIGINT;
    say("%s", err->message);
    switch (err->code) {
    case QW_ENOMEM: return EXIT_MEMORY;
    case QW_ECONTEXT: return EXIT_CONTEXT;
    case QW_EARG: return EXIT_USAGE;
    default: return EXIT_ERROR;
    }
}

volatile sig_atomic_t interrupted;
static volatile sig_atomic_t patience = 1;          /* as many SIGINTs end the process */

static void on_signal(int sig) {
    if (sig == SIGINT) interrupted = interrupted + 1;
    if (sig == SIGINT && interrupted < patience) return;
    output_abandon();
    /* SIGBUS: a page of a mapped file is not there; the kernel has no other way to tell. */
    static const char lost[] = "\nqw: a file of the model cannot be read any more: it became shorter, or its disk fails\n";
    _exit(sig == SIGBUS && write(STDERR_FILENO, lost, sizeof lost - 1) != 0 ? EXIT_ERROR : 128 + sig);
}

void catch_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGBUS};
    struct sigaction a = {.sa_handler = on_signal}, old;    /* no SA_RESTART: a read at the prompt ends */
    sigemptyset(&a.sa_mask);
    signal(SIGXFSZ, SIG_IGN);                               /* past ulimit -f a write fails, as on a full disk */
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], NULL, &old) == 0 && (signals[i] == SIGINT || old.sa_handler != SIG_IGN)) sigaction(signals[i], &a, NULL);
}

void poll_sigint(void) { patience = 3; }
