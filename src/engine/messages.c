/* messages.c - the turns of a conversation to JSON and from it. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/conversation.h"

/* ---- out ---- */

static void put_message(struct buf *out, const char *role, const char *text, size_t n) {
    buf_str(out, out->n > 1 ? ",\n " : "");
    buf_str(out, "{\"role\": \"");
    buf_str(out, role);
    buf_str(out, "\", \"content\": ");
    json_quote(out, text ? text : "", n);
}

int qw_chat_messages(const qw_chat *c, char **out, size_t *out_n, qw_error *err) {
    struct buf b = {0};
    buf_char(&b, '[');
    if (c->system) {
        put_message(&b, "system", c->system, strlen(c->system));
        buf_char(&b, '}');
    }
    for (size_t i = 0; i < c->n_turns; i++) {
        const struct turn *t = &c->turns[i];
        put_message(&b, "user", t->user.p, t->user.n);
        buf_char(&b, '}');
        put_message(&b, "assistant", t->answer.text.p, t->answer.text.n);
        if (t->thought.text.n) {
            buf_str(&b, ", \"reasoning_content\": ");
            json_quote(&b, t->thought.text.p, t->thought.text.n);
        }
        buf_char(&b, '}');
    }
    buf_char(&b, ']');
    *out_n = b.n;
    buf_char(&b, 0);
    *out = b.p;
    if (!b.oom) return 0;
    buf_free(&b);
    *out = NULL;
    *out_n = 0;
    return fail_memory(err, "the conversation as JSON", b.n);
}

/* ---- in ---- */

/* What is read, before any of it is used. */
struct reader {
    const struct json *j;
    qw_error *err;
    struct buf system;
    bool has_system;
    struct turn *turns;
    size_t n, cap;              /* n: of turns; the last one may lack its answer */
    bool answered;              /* the last one has it */
};

static int read_text(struct reader *r, uint32_t message, size_t i, const char *key,
                     struct buf *out) {
    uint32_t v = json_get(r->j, message, key);
    if (!v || json_type(r->j, v) != JSON_STRING)
        return fail(r->err, QW_EFORMAT, "messages[%zu].%s: a string was expected", i, key);
    json_string(r->j, v, out);
    return out->oom ? fail_memory(r->err, "a message", r->j->nodes[v].len) : 0;
}

static int read_user(struct reader *r, uint32_t message, size_t i) {
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 8;
        struct turn *more = realloc(r->turns, cap * sizeof *more);
        if (!more) return fail_memory(r->err, "the conversation", cap * sizeof *more);
        r->turns = more;
        r->cap = cap;
    }
    r->turns[r->n++] = (struct turn){0};
    r->answered = false;
    return read_text(r, message, i, "content", &r->turns[r->n - 1].user);
}

/* The thought and the answer, and both as the model would have written them. */
static int read_assistant(struct reader *r, uint32_t message, size_t i) {
    struct turn *t = &r->turns[r->n - 1];
    struct buf text = {0}, thought = {0};
    int rc = read_text(r, message, i, "content", &text);
    if (!rc && json_get(r->j, message, "reasoning_content"))
        rc = read_text(r, message, i, "reasoning_content", &thought);
    if (!rc && thought.n) {
        t->marked = true;
        masked_put(&t->drawn, "<think>", 7, true);
        masked_put(&t->drawn, "\n", 1, false);
        masked_put(&t->drawn, thought.p, thought.n, false);
        masked_put(&t->drawn, "\n", 1, false);
        masked_put(&t->drawn, "</think>", 8, true);
        masked_put(&t->drawn, "\n\n", 2, false);
        masked_put(&t->thought, thought.p, thought.n, false);
    }
    masked_put(&t->drawn, text.p, text.n, false);
    masked_put(&t->answer, text.p, text.n, false);
    if (!rc && (masked_oom(&t->drawn) || masked_oom(&t->answer) || masked_oom(&t->thought)))
        rc = fail_memory(r->err, "a message", text.n);
    buf_free(&text);
    buf_free(&thought);
    r->answered = true;
    return rc;
}

static int read_message(struct reader *r, uint32_t message, size_t i) {
    uint32_t role = json_get(r->j, message, "role");
    bool system = role && json_is(r->j, role, "system");
    if (system && i == 0) {
        r->has_system = true;
        return read_text(r, message, i, "content", &r->system);
    }
    bool user = role && json_is(r->j, role, "user") && (r->n == 0 || r->answered);
    if (user) return read_user(r, message, i);
    if (role && json_is(r->j, role, "assistant") && r->n > 0 && !r->answered)
        return read_assistant(r, message, i);
    return fail(r->err, QW_EFORMAT,
                "messages[%zu]: user and assistant were expected in turn, behind a system message "
                "at most", i);
}

static int read_messages(struct reader *r) {
    const struct json *j = r->j;
    size_t n = 0;
    int rc = 0;
    if (json_type(j, 0) != JSON_ARRAY)
        return fail(r->err, QW_EFORMAT, "messages: an array was expected");
    for (uint32_t i = 1; !rc && i < json_end(j, 0); i = json_next(j, i))
        rc = read_message(r, i, n++);
    if (!rc && r->n > 0 && !r->answered)
        rc = fail(r->err, QW_EFORMAT, "messages: the last one is not an assistant's");
    return rc;
}

int qw_chat_set_messages(qw_chat *c, const char *json, size_t n, qw_error *err) {
    struct json j;
    int rc = json_parse(&j, json, n, "the conversation", err);
    if (rc) return rc;
    struct reader r = {.j = &j, .err = err};
    rc = read_messages(&r);
    if (!rc && r.has_system) {
        buf_char(&r.system, 0);
        rc = r.system.oom ? fail_memory(err, "the system message", n) : 0;
    }
    if (!rc) rc = qw_chat_set_system(c, r.has_system ? r.system.p : NULL, err);
    if (!rc) {
        qw_chat_clear(c);
        free(c->turns);
        c->turns = r.turns;
        c->n_turns = r.n;
        c->cap_turns = r.cap;
    } else {
        for (size_t i = 0; i < r.n; i++) free_turn(&r.turns[i]);
        free(r.turns);
    }
    buf_free(&r.system);
    json_free(&j);
    return rc;
}
