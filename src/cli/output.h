/* output.h - stdout, and files that appear under their name only when they are complete. */
#ifndef QW_OUTPUT_H
#define QW_OUTPUT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "terminal/visible.h"
#include "terminal/wrap.h"

/* All n bytes to a descriptor. 0 or errno. */
int  write_fd(int fd, const void *p, size_t n);

/* Each returns 0, or EXIT_ERROR after a message. */
int  write_stdout(const void *p, size_t n);     /* all of it, unbuffered */
int  flush_stdout(void);                        /* what printf has buffered */

/* Print the words of text from column `at` on, wrapped into left..TEXT_WIDTH; returns the column
 * after the last one. */
enum { TEXT_WIDTH = 80 };
int  print_words(FILE *to, const char *text, int left, int at);

/* Text that a model, a prompt or a file wrote, for stdout or stderr. Pipes and files get its bytes;
 * a terminal gets what would control it as visible text. Characters may be cut anywhere. */
struct text_out {
    int fd;
    bool terminal;
    struct visible visible;
    struct wrap *wrap;          /* wraps what goes to a terminal; NULL: nothing does */
};
struct text_out text_out(int fd);
/* All of it, unbuffered, and what is left at its end. 0, or EXIT_ERROR after a message. */
int  text_put(struct text_out *t, const void *p, size_t n);
int  text_end(struct text_out *t);

/* A file written under a temporary name. Path "-" is stdout; devices and pipes are written
 * directly. */
struct output {
    int fd;
    int error;                  /* errno of the first failed write, or 0 */
    char *path, *temporary;     /* owned; temporary is NULL when path is written directly */
};

/* 0, or an exit code after a message; then there is nothing to close. */
int  output_open(struct output *o, const char *path);
/* 0, or EXIT_ERROR without a message: output_close reports it. */
int  output_write(struct output *o, const void *p, size_t n);
/* keep: sync the file to disk and rename it to its path. Otherwise, and after any error, remove it.
 * 0, or EXIT_ERROR after a message. */
int  output_close(struct output *o, bool keep);
/* For a signal handler: remove the incomplete file, if there is one. */
void output_abandon(void);

#endif
