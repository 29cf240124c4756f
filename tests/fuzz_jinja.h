/* fuzz_jinja.h - what both fuzzers of templates do: parse, render, and look at what came out. */
#ifndef QW_FUZZ_JINJA_H
#define QW_FUZZ_JINJA_H
#include "base/utf8.h"
#include "chat/jinja/jinja.h"
#include <stdlib.h>
#include <string.h>

static void expect(bool condition) { if (!condition) abort(); }

static bool has(const char *p, size_t n, const char *word) {
    return memmem(p, n, word, strlen(word)) != NULL;
}

/* A message is one line of text that says something. */
static void check_error(int rc, const qw_error *err) {
    size_t n = strlen(err->message);
    expect(rc < 0 && err->code == rc && n > 0);
    expect(utf8_valid_prefix(err->message, n) == n);
    for (size_t i = 0; i < n; i++) expect((unsigned char)err->message[i] >= ' ');
}

/* U+E000, the mark: the conversations have it in their strings. A template that cannot write it
 * by itself must not make it control, whatever it does with those strings. */
#define MARK "\xEE\x80\x80"

static bool can_write_mark(const char *p, size_t n) {
    if (has(p, n, MARK) || has(p, n, "from_json")) return true;
    for (size_t i = 0; i + 1 < n; i++)
        if (p[i] == '\\' && strchr("xuUN01234567", p[i + 1])) return true;
    return false;
}

struct job {
    const struct jinja *template;
    const struct json *variables;       /* an object */
    struct string text;
};

static void run_job(struct run *r, void *ctx) {
    struct job *job = ctx;
    struct value v = value_of_json(r, job->variables, 0);
    job->text = jinja_run(r, job->template, v.u.dict);
}

static void render(const struct jinja *t, const struct json *variables,
                   bool marks_are_not_control) {
    enum { STEPS = 300000, MEMORY = 8 << 20 };      /* of what is allowed, so that none is slow */
    struct job job = {t, variables, {0}};
    struct run r;
    qw_error err;
    run_init(&r, variables->n, &err);
    r.date = "2025-11-27";
    r.steps = MAX_STEPS - STEPS;
    r.limit = MEMORY;
    int rc = run_protected(&r, run_job, &job);
    if (rc) {
        check_error(rc, &err);
        run_free(&r);
        return;
    }
    struct string s = job.text;
    expect(utf8_valid_prefix(s.p, s.n) == s.n);
    for (size_t i = 0; i < s.n && s.mask; i++) expect(s.mask[i] <= 1);
    for (size_t i = 0; marks_are_not_control && i + strlen(MARK) <= s.n; i++) {
        if (memcmp(s.p + i, MARK, strlen(MARK)) != 0) continue;
        for (size_t k = i; k < i + strlen(MARK); k++) expect(!(s.mask ? s.mask[k] : s.control));
    }
    run_free(&r);
}

/* The template, or NULL: it is none. */
static struct jinja *parse(const char *p, size_t n) {
    struct jinja *t = NULL;
    qw_error err;
    int rc = jinja_parse(&t, p, n, "input", &err);
    if (rc) {
        expect(!t);
        check_error(rc, &err);
        return NULL;
    }
    const char *warning = jinja_warning(t);
    expect(!warning || *warning);
    (void)jinja_mentions(t, "enable_thinking");
    return t;
}

#endif
