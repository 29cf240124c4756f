/* fenced.c - finds the first fenced code block of a text, as Markdown defines it. */
#include "cli/fenced.h"
#include <string.h>

struct fence {
    size_t indent;              /* blanks before it */
    char mark;                  /* ` or ~ */
    size_t n;                   /* how many of them */
};

/* The length of the line at p without its newline. */
static size_t line_length(const char *p, size_t n) {
    const char *newline = memchr(p, '\n', n);
    return newline ? (size_t)(newline - p) : n;
}

/* Does a line begin with a fence? Then *rest is where what follows begins. */
static bool find_fence(const char *p, size_t n, struct fence *f, size_t *rest) {
    size_t i = 0, start;
    while (i < n && (p[i] == ' ' || p[i] == '\t')) i++;
    start = i;
    if (i == n || (p[i] != '`' && p[i] != '~')) return false;
    *f = (struct fence){.indent = i, .mark = p[i]};
    while (i < n && p[i] == f->mark) i++;
    f->n = i - start;
    *rest = i;
    return f->n >= 3;
}

/* What follows an opening fence is the name of a language. It has no backticks after backticks, or
 * the line would be code within a line. */
static bool opens(const char *p, size_t n, struct fence *f) {
    size_t rest;
    if (!find_fence(p, n, f, &rest)) return false;
    return f->mark == '~' || !memchr(p + rest, '`', n - rest);
}

static bool closes(const char *p, size_t n, const struct fence *open) {
    struct fence f;
    size_t rest;
    if (!find_fence(p, n, &f, &rest) || f.mark != open->mark || f.n < open->n) return false;
    while (rest < n && (p[rest] == ' ' || p[rest] == '\t' || p[rest] == '\r')) rest++;
    return rest == n;
}

bool keep_first_fenced(struct text *t) {
    struct fence fence;
    size_t at = 0, kept = 0;
    bool open = false;
    while (at < t->n) {
        const char *line = t->p + at;
        size_t n = line_length(line, t->n - at), skip = 0;
        bool newline = at + n < t->n;
        at += n + newline;
        if (!open) {
            open = opens(line, n, &fence);
            continue;
        }
        if (closes(line, n, &fence)) break;
        while (skip < fence.indent && skip < n && (line[skip] == ' ' || line[skip] == '\t')) skip++;
        memmove(t->p + kept, line + skip, n - skip + newline);
        kept += n - skip + newline;
    }
    if (open) t->n = kept;
    return open;
}
