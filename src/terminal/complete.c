/* complete.c - candidates for the end of a text, and names of files as such. */
#include "terminal/complete.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/utf8.h"

/* ---- candidates ---- */

static bool more_room(struct completions *c) {
    if (c->n < c->cap) return true;
    size_t cap = c->cap ? c->cap * 2 : 16;
    struct completion *list = realloc(c->list, cap * sizeof *list);
    if (!list) return false;
    c->list = list;
    c->cap = cap;
    return true;
}

void completions_add(struct completions *c, const char *text, size_t n, bool partial) {
    if (c->oom || c->n == COMPLETIONS_MOST || utf8_valid_prefix(text, n) < n) return;
    char *copy = more_room(c) ? malloc(n + 1) : NULL;
    if (!copy) {
        c->oom = true;
        return;
    }
    memcpy(copy, text, n);
    copy[n] = 0;
    c->list[c->n++] = (struct completion){copy, partial};
}

void completions_free(struct completions *c) {
    for (size_t i = 0; i < c->n; i++) free(c->list[i].text);
    free(c->list);
    *c = (struct completions){0};
}

/* ---- names of files ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/* The end of the word that begins at an offset: a backslash takes the next character along. */
static size_t end_of_word(const char *text, size_t n, size_t at) {
    while (at < n && !is_blank(text[at])) at += text[at] == '\\' && at + 1 < n ? 2 : 1;
    return at;
}

static size_t skip_blanks(const char *text, size_t n, size_t at) {
    while (at < n && is_blank(text[at])) at++;
    return at;
}

/* Appends a word without its backslashes, ~ resolved. */
static void put_name(const char *word, size_t n, struct buf *out) {
    const char *home = getenv("HOME");
    size_t i = 0;
    if (n > 1 && word[0] == '~' && word[1] == '/' && home) {
        buf_str(out, home);
        i = 1;
    }
    for (; i < n; i++) {
        if (word[i] == '\\' && i + 1 < n) i++;
        buf_char(out, word[i]);
    }
}

bool path_word(const char *text, size_t n, size_t *at, struct buf *out) {
    size_t start = skip_blanks(text, n, *at);
    *at = end_of_word(text, n, start);
    if (*at == start) return false;
    out->n = 0;
    put_name(text + start, *at - start, out);
    buf_char(out, 0);
    if (out->oom) return false;
    out->n--;
    return true;
}

/* A folder that is being searched. */
struct search {
    DIR *dir;
    const char *path;           /* of it, with a slash at its end, or "" */
    const char *begin;          /* of the names */
    const char *typed;          /* what stands before the name in the text */
    size_t n_typed;
    struct completions *out;
};

static bool is_folder(const struct search *s, const char *name) {
    struct buf path = {0};
    struct stat st;
    buf_str(&path, s->path);
    buf_str(&path, name);
    buf_char(&path, 0);
    bool folder = !path.oom && stat(path.p, &st) == 0 && S_ISDIR(st.st_mode);
    buf_free(&path);
    return folder;
}

static bool matches(const struct search *s, const char *name) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return false;
    if (name[0] == '.' && s->begin[0] != '.') return false;
    return strncmp(name, s->begin, strlen(s->begin)) == 0;
}

static void add_name(const struct search *s, const char *name) {
    struct buf text = {0};
    bool folder = is_folder(s, name);
    buf_put(&text, s->typed, s->n_typed);
    for (; *name; name++) {
        if (is_blank(*name) || *name == '\\') buf_char(&text, '\\');
        buf_char(&text, *name);
    }
    if (folder) buf_char(&text, '/');
    if (text.oom) s->out->oom = true;
    else completions_add(s->out, text.p, text.n, folder);
    buf_free(&text);
}

static int by_text(const void *a, const void *b) {
    return strcmp(((const struct completion *)a)->text, ((const struct completion *)b)->text);
}

static void add_names(struct search *s) {
    const struct dirent *entry;
    s->dir = opendir(s->path[0] ? s->path : ".");
    if (!s->dir) return;
    while (s->out->n < COMPLETIONS_MOST && (entry = readdir(s->dir)) != NULL)
        if (matches(s, entry->d_name)) add_name(s, entry->d_name);
    closedir(s->dir);
    if (s->out->n) qsort(s->out->list, s->out->n, sizeof *s->out->list, by_text);
}

void complete_path(const char *text, size_t n, struct completions *out) {
    size_t from = skip_blanks(text, n, 0);
    for (size_t end; (end = end_of_word(text, n, from)) < n;) from = skip_blanks(text, n, end);
    size_t slash = n;           /* the end of the last slash of the word */
    while (slash > from && text[slash - 1] != '/') slash--;
    struct buf path = {0}, begin = {0};
    put_name(text + from, slash - from, &path);
    put_name(text + slash, n - slash, &begin);
    buf_char(&path, 0);
    buf_char(&begin, 0);
    out->from = from;
    struct search s = {NULL, path.p, begin.p, text + from, slash - from, out};
    if (path.oom || begin.oom) out->oom = true;
    else add_names(&s);
    buf_free(&path);
    buf_free(&begin);
}
