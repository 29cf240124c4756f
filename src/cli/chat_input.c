/* chat_input.c - messages of a conversation from a pipe or a file, line by line. */
#include <string.h>
#include <unistd.h>
#include "cli/talk.h"

/* Append one line without its newline to t, and a NUL that t->n does not count. *lost is set if a
 * terminal has cut it off. */
static enum line_result add_line(struct talk *talk, struct text *t, bool *lost) {
    struct text line;
    enum line_result in = read_line(&talk->in, &line);
    if (in != LINE_READ) return in;
    *lost = *lost || (line.n >= TERMINAL_LINE && isatty(talk->in.fd));
    if (!talk->begun) drop_mark(&line);
    talk->begun = true;
    if (text_append(t, line.p, line.n, "the message") || text_append(t, "", 1, "the message"))
        return LINE_FAILED;
    t->n--;
    return LINE_READ;
}

static bool ends_with_quotes(const struct text *t, size_t from) {
    return t->n >= from + 3 && memcmp(t->p + t->n - 3, "\"\"\"", 3) == 0;
}

/* t begins with three quotes: all lines up to one that ends with three, or to the end. The quotes
 * do not belong to the message, nor do newlines next to them. */
static enum line_result read_quoted(struct talk *talk, struct text *t, bool *lost) {
    size_t from = 3;
    enum line_result in = LINE_READ;
    while (!ends_with_quotes(t, from)) {
        t->p[t->n++] = '\n';            /* in place of the NUL */
        from = t->n;
        in = add_line(talk, t, lost);
        if (in != LINE_READ) break;
    }
    if (in != LINE_READ && in != LINE_END) return in;
    if (in == LINE_READ) t->n -= 3;
    size_t start = 3 + (t->n > 3 && t->p[3] == '\n');
    if (t->n > start && t->p[t->n - 1] == '\n') t->n--;
    t->n = t->n > start ? t->n - start : 0;
    memmove(t->p, t->p + start, t->n);
    return LINE_READ;
}

/* One line; lines joined by a backslash at their ends; or lines between three quotes. */
static enum line_result read_lines(struct talk *talk, struct text *t, bool *lost) {
    enum line_result in = add_line(talk, t, lost);
    if (in == LINE_READ && strncmp(t->p, "\"\"\"", 3) == 0) return read_quoted(talk, t, lost);
    while (in == LINE_READ && t->n > 0 && t->p[t->n - 1] == '\\') {
        t->p[t->n - 1] = '\n';
        in = add_line(talk, t, lost);
        if (in == LINE_END) return LINE_READ;       /* what there is of the message */
    }
    return in;
}

enum message read_piped_message(struct talk *talk, struct text *t) {
    bool lost = false;
    switch (read_lines(talk, t, &lost)) {
    case LINE_READ: break;
    case LINE_END: return MESSAGE_END;
    case LINE_INTERRUPTED: return MESSAGE_LEAVE;
    case LINE_FAILED: return MESSAGE_FAILED;
    }
    if (!lost) return MESSAGE;
    lost_line();
    return MESSAGE_FAILED;
}
