/* signals.c - SIGINT, which ends the process or asks it to stop; the other signals that end it, or
 * stop it, and leave the terminal as they found it. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/output.h"
#include "terminal/tty.h"

volatile sig_atomic_t interrupted, resized, resumed;
static volatile sig_atomic_t fatal_count = 1;       /* this many SIGINTs end the process */

/* What is said of an instruction that this CPU lacks: written beforehand, since a handler cannot
 * put it together. */
static char illegal[200] = "qw: this CPU lacks an instruction that this build of qw uses: build it "
                           "on this machine, or take another one\n";

void set_level(const char *level) {
    char levels[128];
    const char *first = level ? level : qw_cpu_levels(levels, sizeof levels);
    int n = (int)strcspn(first, " ");
    if (strncmp(first, "scalar", (size_t)n) == 0) return;
    snprintf(illegal, sizeof illegal, "qw: this CPU lacks an instruction of kernel level %.*s: "
             "--cpu scalar runs without it\n", n, first);
}

static void on_signal(int sig) {
    if (sig == SIGINT) interrupted = interrupted + 1;
    if (sig == SIGINT && interrupted < fatal_count) return;
    tty_leave();
    output_abandon();
    _exit(128 + sig);
}

/* SIGBUS: a page of a mapped file could not be read; the kernel has no other way to report it.
 * SIGILL: an instruction that this CPU lacks. */
static void on_told_fault(int sig) {
    static const char lost[] =
        "qw: a model file can no longer be read: it was truncated, or its disk failed\n";
    const char *text = sig == SIGBUS ? lost : illegal;
    tty_leave();
    output_abandon();
    bool told = write(STDERR_FILENO, text, strlen(text)) != 0;
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

/* ---- filters ---- */

/* Where a system call leaves its result. */
#if defined(__aarch64__)
#define CALL_RESULT regs[0]
#elif defined(__arm__)
#define CALL_RESULT arm_r0
#elif defined(__x86_64__)
#define CALL_RESULT gregs[REG_RAX]
#elif defined(__riscv)
#define CALL_RESULT __gregs[REG_A0]
#endif

#ifdef CALL_RESULT
/* Android's filter for apps answers a call that it does not know with SIGSYS, not with ENOSYS. C
 * libraries try new calls first, and go back to old ones at ENOSYS: so they get it. */
static void on_forbidden_call(int sig, siginfo_t *info, void *context) {
    enum { BY_FILTER = 1 };     /* SYS_SECCOMP, which not every C library names */
    if (info->si_code != BY_FILTER) {
        signal(sig, SIG_DFL);
        raise(sig);
        return;
    }
    ((ucontext_t *)context)->uc_mcontext.CALL_RESULT = (unsigned long)-ENOSYS;
}

void survive_filters(void) {
    struct sigaction action = {.sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGSYS, &action, NULL);
}
#else
void survive_filters(void) {}
#endif

/* ---- all of them ---- */

void catch_signals(void) {
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};
    static const int told[] = {SIGBUS, SIGILL}, faults[] = {SIGSEGV, SIGFPE, SIGABRT};
    signal(SIGXFSZ, SIG_IGN);       /* beyond ulimit -f a write fails, as on a full disk */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        /* What nohup ignores stays ignored. SIGINT does not: a shell ignores it for background
         * jobs, which must be interruptible all the same. No SA_RESTART: reads end. */
        if (ends[i] == SIGINT || !has_handler(ends[i], SIG_IGN)) set_handler(ends[i], on_signal, 0);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!has_handler(told[i], SIG_IGN)) set_handler(told[i], on_told_fault, 0);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (has_handler(faults[i], SIG_DFL)) set_handler(faults[i], on_fault, 0);
    if (!has_handler(SIGTSTP, SIG_IGN)) set_handler(SIGTSTP, on_stop, SA_RESTART);
    set_handler(SIGCONT, on_continue, SA_RESTART);
    set_handler(SIGWINCH, on_resize, SA_RESTART);
}

void poll_sigint(int fatal) { fatal_count = fatal; }
