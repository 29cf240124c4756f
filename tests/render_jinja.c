/* render_jinja.c - runs templates for tests in other languages: a line of JSON in, one out.
 *
 *     {"template": TEXT, "variables": {...}, "date": "YYYY-MM-DD"}
 *     {"text": TEXT, "control": [[from, to], ...]}  or  {"error": MESSAGE}
 *
 * Without a template it is that of the line before. control: bytes of the text that the template
 * itself wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chat/jinja/jinja.h"

struct job {
    const struct jinja *t;
    const struct json *j;
    uint32_t variables;
};

static void put_control(struct string s) {
    size_t ranges = 0;
    for (size_t i = 0, k; i < s.n; i = k) {
        bool control = s.mask ? s.mask[i] != 0 : s.control;
        for (k = i; k < s.n && (s.mask ? s.mask[k] != 0 : s.control) == control; k++) {}
        if (control) printf("%s[%zu, %zu]", ranges++ ? ", " : "", i, k);
    }
}

static void render(struct run *r, void *ctx) {
    const struct job *job = ctx;
    struct value variables = value_of_json(r, job->j, job->variables);
    struct string s = jinja_run(r, job->t, variables.u.dict);
    struct buf quoted = {0};
    json_quote(&quoted, s.p, s.n);
    printf("{\"text\": %.*s, \"control\": [", (int)quoted.n, quoted.p);
    put_control(s);
    printf("]}\n");
    buf_free(&quoted);
}

static void put_error(const qw_error *err) {
    struct buf quoted = {0};
    json_quote(&quoted, err->message, strlen(err->message));
    printf("{\"error\": %.*s}\n", (int)quoted.n, quoted.p);
    buf_free(&quoted);
}

static int one(struct jinja **t, const char *line, size_t n, qw_error *err) {
    struct json j;
    struct run r;
    struct buf text = {0}, date = {0};
    int rc = json_parse(&j, line, n, "input", err);
    if (rc) return rc;
    uint32_t template = json_get(&j, 0, "template"), day = json_get(&j, 0, "date");
    struct job job = {NULL, &j, json_get(&j, 0, "variables")};
    if (template) {
        jinja_free(*t);
        json_string(&j, template, &text);
        rc = jinja_parse(t, text.p ? text.p : "", text.n, "template", err);
    }
    if (day) json_string(&j, day, &date);
    else buf_str(&date, "2025-11-27");
    buf_char(&date, 0);
    if (!rc && !*t) rc = fail(err, QW_EARG, "the template is the one before, which is wrong");
    if (!rc && (!job.variables || json_type(&j, job.variables) != JSON_OBJECT))
        rc = fail(err, QW_EARG, "variables are missing");
    if (!rc) {
        job.t = *t;
        run_init(&r, n, err);
        r.date = date.p;
        rc = run_protected(&r, render, &job);
        run_free(&r);
    }
    buf_free(&date);
    buf_free(&text);
    json_free(&j);
    return rc;
}

int main(void) {
    struct jinja *t = NULL;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        qw_error err = {0, ""};
        if (one(&t, line, (size_t)n, &err)) put_error(&err);
    }
    jinja_free(t);
    free(line);
    return 0;
}
