/* cli.h - what all files of the command line share: exit codes, messages, signals.
 *
 * Only this layer prints or exits. Of the engine it uses qw.h and nothing else. */
#ifndef QW_CLI_H
#define QW_CLI_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "qw.h"

/* Exit codes. They are part of the interface. */
enum {
    EXIT_DONE = 0,
    EXIT_ERROR = 1,
    EXIT_USAGE = 2,
    EXIT_MEMORY = 3,
    EXIT_LOOP = 4,              /* an answer repeated itself */
    EXIT_CONTEXT = 5,           /* the context is full, or too small */
    EXIT_EMPTY = 6,             /* an answer without text */
    EXIT_SIGINT = 130
};

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args)
#endif

/* The commit that this was built from: "5b92730abc", with '+' after it if the source was changed
 * since; "": unknown. */
extern const char build_commit[];

/* The end of the word for n things. */
static inline const char *plural(size_t n) { return n == 1 ? "" : "s"; }

/* ---- messages (messages.c): a line "qw: ..." on stderr ---- */

/* An error: why the exit code is not 0. Always shown; so is that stdin is waited for. */
void say(const char *fmt, ...) CLI_PRINTF(1, 2);
/* A warning: it goes on, but not quite as it was asked to. Not with --quiet. */
void warning(const char *fmt, ...) CLI_PRINTF(1, 2);
/* A note: what was chosen, how fast it was. Only if stderr is a terminal, or with -v; not with
 * --quiet. */
void note(const char *fmt, ...) CLI_PRINTF(1, 2);
bool shows_notes(void);
/* What --quiet and -v say; before the first warning or note. */
void set_messages(bool quiet, bool verbose);
/* Print the message and return EXIT_USAGE. */
int  usage_error(const char *fmt, ...) CLI_PRINTF(1, 2);
/* Print "not enough memory for WHAT" and return EXIT_MEMORY. */
int  memory_error(const char *what);
/* Print an error of the engine and return its exit code. hint: which flags help, appended to the
 * message, or NULL. The engine has no flags, so the caller, which parsed them, gives the hint. */
int  engine_error(const qw_error *err, const char *hint);

/* ---- signals (signals.c) ---- */

/* SIGINTs received since it was last set to 0. */
extern volatile sig_atomic_t interrupted;
/* The terminal has another size; the process was stopped and goes on. Set to 0 by who reacts. */
extern volatile sig_atomic_t resized, resumed;
/* From now on a system call that a filter forbids fails as one that the kernel lacks. To be called
 * before any other. */
void survive_filters(void);
/* From now on SIGINT and the other fatal signals remove an incomplete output file, leave the
 * terminal as it was found and end the process, with EXIT_SIGINT after a SIGINT. */
void catch_signals(void);
/* Kernels of this level run from now on: for what is said if the CPU refuses an instruction. NULL:
 * of the fastest. */
void set_level(const char *level);
/* From now on only so many SIGINTs that nothing has reacted to end the process. The caller must
 * poll `interrupted`. */
enum { SIGINTS_OF_A_PIPE = 3, SIGINTS_OF_A_CHAT = 1000 };
void poll_sigint(int fatal);

#endif
