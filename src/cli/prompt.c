/* prompt.c - puts the message together. */
#include "cli/prompt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/options.h"

static int add_part(struct prompt_parts *parts, struct prompt_part part) {
    struct prompt_part *more = realloc(parts->list, ((size_t)parts->n + 1) * sizeof *more);
    if (!more) return memory_error("the prompt");
    parts->list = more;
    more[parts->n++] = part;
    return 0;
}

int add_prompt_text(void *to, const char *value, const char *name) {
    (void)name;
    return add_part(to, (struct prompt_part){false, value});
}

int add_prompt_file(void *to, const char *value, const char *name) {
    if (!*value) return usage_error("%s: the path is empty", name);
    return add_part(to, (struct prompt_part){true, value});
}

/* ---- what reads stdin ---- */

static bool is_stdin(const char *path) { return strcmp(path, "-") == 0; }

static int stdin_readers(const struct options *o) {
    int n = o->system_file && is_stdin(o->system_file);
    for (int i = 0; i < o->prompt.n; i++)
        n += o->prompt.list[i].is_file && is_stdin(o->prompt.list[i].value);
    return n;
}

bool takes_stdin(const struct options *o) { return stdin_readers(o) > 0; }

bool has_prompt(const struct options *o) { return o->prompt.n > 0 || o->words.n > 0; }

/* 0, or EXIT_USAGE after a message. */
static int check_stdin(const struct options *o) {
    if (stdin_readers(o) > 1) return usage_error("-f -: stdin can be read only once");
    if (!takes_stdin(o)) return 0;
    if (o->given.no_stdin)
        return usage_error("-f - reads stdin: it cannot be used with --no-stdin");
    return 0;
}

/* ---- parts ---- */

/* Append a part after a blank line. name: what messages call it. Frees part.p. */
static int join(struct text *all, struct text part, const char *name) {
    drop_mark(&part);
    int rc = clean_text(&part, name);
    if (!rc && part.n && all->n) rc = text_append(all, "\n\n", 2, "the prompt");
    if (!rc) rc = text_append(all, part.p, part.n, "the prompt");
    free(part.p);
    return rc;
}

static int join_string(struct text *all, const char *s, const char *name) {
    struct text part = {strdup(s), strlen(s)};
    if (!part.p) return memory_error("the prompt");
    return join(all, part, name);
}

static int join_file(struct text *all, const char *path) {
    struct text part;
    int rc = read_prompt_file(path, &part);
    if (rc) return rc;
    drop_newline(&part);
    return join(all, part, is_stdin(path) ? "stdin" : path);
}

/* The words with one blank between. */
static int join_words(struct text *all, const struct words *words) {
    struct text part = {0};
    int rc = 0;
    for (int i = 0; i < words->n && !rc; i++) {
        if (i) rc = text_append(&part, " ", 1, "the prompt");
        if (!rc) rc = text_append(&part, words->list[i], strlen(words->list[i]), "the prompt");
    }
    if (!rc) return join(all, part, "the prompt");
    free(part.p);
    return rc;
}

static int join_stdin(struct text *all, const struct options *o) {
    struct text part;
    enum stdin_kind kind = stdin_kind();
    if (kind != STDIN_STREAM && kind != STDIN_SOCKET) return 0;
    int rc = has_prompt(o) ? read_rest_of_prompt(&part) : read_prompt_file("-", &part);
    if (rc) return rc;
    drop_newline(&part);
    return join(all, part, "stdin");
}

int read_prompt(const struct options *o, bool with_stdin, struct text *out) {
    *out = (struct text){0};
    int rc = check_stdin(o);
    for (int i = 0; i < o->prompt.n && !rc; i++) {
        const struct prompt_part *part = &o->prompt.list[i];
        rc = part->is_file ? join_file(out, part->value) : join_string(out, part->value, "-p");
    }
    if (!rc && o->words.n) rc = join_words(out, &o->words);
    if (!rc && with_stdin && !o->no_stdin && !takes_stdin(o)) rc = join_stdin(out, o);
    if (rc) {
        free(out->p);
        *out = (struct text){0};
    }
    return rc;
}

int read_system(const struct options *o, struct text *out) {
    *out = (struct text){0};
    struct text part = {0};
    int rc = check_stdin(o);
    if (o->system) rc = text_append(&part, o->system, strlen(o->system), "the system message");
    if (!rc && o->system_file) rc = read_prompt_file(o->system_file, &part);
    if (rc || !part.p) return rc;
    drop_mark(&part);
    if (o->system_file) {
        const char *name = is_stdin(o->system_file) ? "stdin" : o->system_file;
        drop_newline(&part);
        rc = clean_text(&part, name);
        if (!rc && memchr(part.p, 0, part.n)) {
            say("%s has a NUL byte; a system message has none", name);
            rc = EXIT_ERROR;
        }
    }
    if (!rc) rc = text_append(out, part.p, part.n, "the system message");
    if (out->p) out->p[out->n] = 0;
    free(part.p);
    return rc;
}
