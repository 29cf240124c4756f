/* input.h - files and stdin, whole or line by line. */
#ifndef QW_INPUT_H
#define QW_INPUT_H
#include <stdbool.h>
#include <stddef.h>
#include "qw.h"

/* n bytes at p, which the owner frees; {0} is empty. */
struct text {
    char *p;
    size_t n;
};

/* Append n bytes. 0, or an exit code after a message that calls the text `what`. */
int  text_append(struct text *t, const char *p, size_t n, const char *what);
/* A byte order mark at the beginning goes; one newline at the end, \n or \r\n. */
void drop_mark(struct text *t);
void drop_newline(struct text *t);

/* In all of these path "-" is stdin, and the result is 0 or an exit code after a message. */

/* The whole file, with room for one more byte. The caller frees out->p. */
int  read_all(const char *path, struct text *out);
/* The same for a part of a prompt: EXIT_CONTEXT after a message where no context would hold it, so
 * that an input without an end does not fill the memory. */
int  read_prompt_file(const char *path, struct text *out);
/* Replace invalid UTF-8 in t by U+FFFD, with one warning that calls the text `what`. */
int  clean_text(struct text *t, const char *what);

/* ---- stdin ---- */

enum stdin_kind {
    STDIN_TERMINAL,
    STDIN_STREAM,               /* a pipe or a file */
    STDIN_SOCKET,               /* some programs give their children sockets for pipes */
    STDIN_DEVICE                /* /dev/null, which is empty, or what has no end */
};
enum stdin_kind stdin_kind(void);

/* All of stdin, which is a stream or a socket, where there is a prompt without it: after a second
 * of silence it says that it waits; a socket that has sent nothing until then is left alone, for it
 * may never end. As read_prompt_file. */
int  read_rest_of_prompt(struct text *out);

/* A terminal that edits lines itself passes on no more bytes of one, and says nothing about the
 * rest: a line of so many may have lost its end. */
enum { TERMINAL_LINE = 4095 };
/* Says so; returns EXIT_ERROR. */
int  lost_line(void);

/* ---- lines ---- */

/* Lines of a descriptor. Zero but for the first two at the start; the owner frees p. */
struct line_reader {
    int fd;
    const char *name;           /* what messages call it */
    char *p;
    size_t at, n, cap;          /* p[at..n) is read and not yet returned */
    bool ended;
};
enum line_result { LINE_END, LINE_READ, LINE_INTERRUPTED, LINE_FAILED };
/* The next line, without \n or \r\n; it belongs to r, until the next call. LINE_INTERRUPTED: a
 * SIGINT came. LINE_FAILED: after a message. */
enum line_result read_line(struct line_reader *r, struct text *line);

/* Lines in, lines out: f gets the n bytes of each line, without the newline, and appends what to
 * print to `out` (allocated; each_line frees it). 0, or an error code with the reason in err: then
 * it is reported with the line's number and an empty line is printed. EXIT_ERROR if any failed. */
typedef int line_fn(void *ctx, const char *line, size_t n, struct text *out, qw_error *err);
int  each_line(const char *path, line_fn *f, void *ctx);

#endif
