/* conversation.c - conversations on top of a session: settings, and the list of turns. */
#include "engine/conversation.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/utf8.h"

/* ---- text with a mask ---- */

void masked_put(struct masked *m, const char *p, size_t n, bool control) {
    if (n == 0 || !buf_reserve(&m->text, n) || !buf_reserve(&m->control, n)) return;
    buf_put(&m->text, p, n);
    memset(m->control.p + m->control.n, control, n);
    m->control.n += n;
}

void masked_append(struct masked *m, const char *p, const char *mask, size_t n) {
    if (!mask) {
        masked_put(m, p, n, false);
        return;
    }
    if (n == 0 || !buf_reserve(&m->text, n) || !buf_reserve(&m->control, n)) return;
    buf_put(&m->text, p, n);
    buf_put(&m->control, mask, n);
}

bool masked_oom(const struct masked *m) { return m->text.oom || m->control.oom; }

void masked_free(struct masked *m) {
    buf_free(&m->text);
    buf_free(&m->control);
}

/* ---- settings ---- */

/* May the template be told to think (1) or not to (0)? -1: its default. */
static int check_thinking(const struct qw_chat *c, int wanted, int *out, qw_error *err) {
    enum template_thinks thinks = c->raw ? THINKS_NEVER : c->traits->thinks;
    const char *name = c->raw ? "none" : jinja_name(c->template);
    bool by_default = thinks == THINKS_ALWAYS || thinks == THINKS_BY_DEFAULT;
    if (wanted == 1 && thinks == THINKS_NEVER)
        return fail(err, QW_EARG, "this model does not think before it answers (template %s)",
                    name);
    if (wanted == 0 && thinks == THINKS_ALWAYS)
        return fail(err, QW_EARG, "this model always thinks before it answers (template %s)", name);
    if (wanted >= 0 && thinks == THINKS_AS_IT_LIKES)
        return fail(err, QW_EARG, "template %s cannot tell the model whether to think", name);
    *out = wanted < 0 ? by_default : wanted;
    return 0;
}

static int check_utf8(const char *text, size_t n, const char *what, qw_error *err) {
    size_t ok = utf8_valid_prefix(text, n);
    return ok == n ? 0 : fail(err, QW_EFORMAT, "%s is not valid UTF-8 at byte %zu", what, ok);
}

int qw_chat_set_system(qw_chat *c, const char *system, qw_error *err) {
    char *copy = NULL;
    if (c->raw && system)
        return fail(err, QW_EARG, "there is no system message without a chat template");
    if (system && !c->traits->takes_system)
        return fail(err, QW_EARG, "template %s leaves out the system message",
                    jinja_name(c->template));
    int rc = system ? check_utf8(system, strlen(system), "the system message", err) : 0;
    if (rc) return rc;
    if (system && !(copy = strdup(system)))
        return fail_memory(err, "the system message", strlen(system));
    free(c->system);
    c->system = copy;
    return 0;
}

const char *qw_chat_system(const qw_chat *c) { return c->system; }

int qw_chat_set_thinking(qw_chat *c, int thinking, qw_error *err) {
    return check_thinking(c, thinking, &c->thinking, err);
}
int qw_chat_thinks(const qw_chat *c) { return c->thinking; }

const char *qw_chat_warning(const qw_chat *c) {
    const char *warning = c->raw ? NULL : jinja_warning(c->template);
    if (warning) return warning;
    return c->marks.warning[0] ? c->marks.warning : NULL;
}

const char *qw_chat_date(const qw_chat *c) {
    bool asks = !c->raw && (jinja_mentions(c->template, "strftime_now") ||
                            (c->settings.date_given && jinja_mentions(c->template, "date_string")));
    return asks ? c->settings.date : NULL;
}

static void free_stops(char **stop, int n) {
    for (int i = 0; i < n; i++) free(stop[i]);
    free(stop);
}

static char *copy_stop(const char *text, qw_error *err) {
    if (!*text) {
        fail(err, QW_EARG, "a stop text is empty");
        return NULL;
    }
    if (check_utf8(text, strlen(text), "a stop text", err)) return NULL;
    char *copy = strdup(text);
    if (!copy) fail_memory(err, "a stop text", strlen(text));
    return copy;
}

/* Copies of the caller's stop texts, and of the model's after them; *n are all. NULL and an error
 * if it fails. */
static char **copy_stops(const qw_chat_params *p, const struct generation *g, int *n,
                         qw_error *err) {
    const uint64_t all = (uint64_t)p->n_stop + (uint64_t)g->n_stop;
    char **stop = all < INT_MAX ? alloc_zero(all + 1, sizeof *stop) : NULL;
    if (!stop) fail_memory(err, "stop texts", all * sizeof *stop);
    for (*n = 0; stop && *n < (int)all; ++*n) {
        stop[*n] = copy_stop(*n < p->n_stop ? p->stop[*n] : g->stop[*n - p->n_stop], err);
        if (stop[*n]) continue;
        free_stops(stop, *n);
        return NULL;
    }
    return stop;
}

static int copy_string(char **out, const char *s, const char *what, qw_error *err) {
    if (s && !(*out = strdup(s))) return fail_memory(err, what, strlen(s));
    return 0;
}

/* The template that the parameters ask for. The model's own is parsed and known already, unless
 * they change what it does. */
static int choose_template(struct qw_chat *c, const qw_chat_params *p, qw_error *err) {
    const struct qw_model *m = c->m;
    c->raw = p->chat_template && strcmp(p->chat_template, "none") == 0;
    if (c->raw) return 0;
    int rc = copy_string(&c->date, p->date, "a date", err);
    if (!rc) rc = copy_string(&c->variables, p->template_vars, "variables", err);
    if (!rc)
        rc = template_settings_fill(&c->settings, &m->templates, c->date, c->variables, c->today,
                                    err);
    if (rc) return rc;
    if (!p->chat_template && !p->template_vars) {
        c->template = m->template;
        c->traits = &m->traits;
        if (m->template) return 0;
        if (err) *err = m->template_error;
        return m->template_error.code;
    }
    rc = chat_template_open(&c->own_template, &m->templates, p->chat_template, false, err);
    if (!rc) rc = template_probe(&c->own_traits, c->own_template, &c->settings, err);
    c->template = c->own_template;
    c->traits = &c->own_traits;
    return rc;
}

static const char *token_bytes(const void *ctx, int32_t id, size_t *n) {
    return tokenizer_bytes(ctx, id, n);
}

/* The classes of a vocabulary's tokens are the model's: conversations share them. */
static int new_guard(struct qw_chat *c, qw_error *err) {
    struct qw_model *m = c->session->m;
    int rc = 0;
    if (!m->loop_classes)
        rc = loop_classes_new(&m->loop_classes, tokenizer_size(m->tokenizer), token_bytes,
                              m->tokenizer, err);
    return rc ? rc : loop_guard_new(&c->guard, m->loop_classes, err);
}

/* The code of a failure is in *why where the caller wants no message. */
int qw_chat_set_limits(qw_chat *c, const qw_chat_params *p, qw_error *err) {
    qw_error mine, *why = err ? err : &mine;
    if (p->max_tokens < -1) return fail(err, QW_EARG, "max_tokens is %d", p->max_tokens);
    if (p->thought_budget < 0)
        return fail(err, QW_EARG, "thought_budget is negative: %d", p->thought_budget);
    if (p->n_stop < 0) return fail(err, QW_EARG, "n_stop is %d", p->n_stop);
    const struct generation *g = &c->m->config.gen;
    int n_stop;
    char **stop = copy_stops(p, g, &n_stop, why);
    int rc = stop ? 0 : why->code;
    if (!rc && !p->no_loop_guard && !c->guard) rc = new_guard(c, why);
    if (rc) {
        if (stop) free_stops(stop, n_stop);
        return rc;
    }
    if (p->no_loop_guard) {
        loop_guard_free(c->guard);
        c->guard = NULL;
    }
    free_stops(c->stop, c->n_stop);
    c->stop = stop;
    c->n_stop = n_stop;
    c->max_tokens = p->max_tokens ? p->max_tokens : g->max_new_tokens;
    if (c->max_tokens < 0) c->max_tokens = 0;
    c->thought_budget = p->thought_budget;
    c->drop = p->drop_turns;
    return 0;
}

int qw_chat_new(qw_chat **out, qw_session *s, const qw_chat_params *params, qw_error *err) {
    const struct qw_model *m = s->m;
    const qw_chat_params none = {.thinking = -1}, *p = params ? params : &none;
    *out = NULL;
    if (!m->tokenizer) {
        if (err) *err = m->tokenizer_error;
        return m->tokenizer_error.code;
    }
    struct qw_chat *c = alloc_zero(1, sizeof *c);
    if (!c) return fail_memory(err, "the conversation", sizeof *c);
    c->session = s;
    c->m = m;
    c->special = p->special;
    int rc = qw_chat_set_limits(c, p, err);
    if (!rc) rc = choose_template(c, p, err);
    if (!rc && !c->raw)
        rc = turn_marks_find(&c->marks, m->tokenizer, c->traits, jinja_name(c->template), err);
    if (!rc) rc = check_thinking(c, p->thinking, &c->thinking, err);
    if (!rc && p->system) rc = qw_chat_set_system(c, p->system, err);
    if (rc) qw_chat_free(c);
    else *out = c;
    return rc;
}

/* ---- turns ---- */

void free_turn(struct turn *t) {
    buf_free(&t->user);
    masked_free(&t->drawn);
    masked_free(&t->answer);
    masked_free(&t->thought);
}

void drop_turns(struct qw_chat *c, size_t n) {
    for (size_t i = 0; i < n; i++) free_turn(&c->turns[i]);
    c->n_turns -= n;
    memmove(c->turns, c->turns + n, c->n_turns * sizeof *c->turns);
    c->n_dropped += n;
}

void qw_chat_clear(qw_chat *c) {
    for (size_t i = 0; i < c->n_turns; i++) free_turn(&c->turns[i]);
    c->n_turns = 0;
    c->answering = c->resumable = false;
}

void qw_chat_free(qw_chat *c) {
    if (!c) return;
    qw_chat_clear(c);
    free_stops(c->stop, c->n_stop);
    free(c->turns);
    free(c->system);
    free(c->date);
    free(c->variables);
    jinja_free(c->own_template);
    template_traits_free(&c->own_traits);
    masked_free(&c->held);
    loop_guard_free(c->guard);
    buf_free(&c->fresh);
    buf_free(&c->piece);
    free(c);
}

/* A new turn at the end, with the user's text. */
static int add_turn(struct qw_chat *c, const char *text, size_t n, qw_error *err) {
    if (c->n_turns == c->cap_turns) {
        size_t cap = c->cap_turns ? 2 * c->cap_turns : 8;
        struct turn *more = realloc(c->turns, cap * sizeof *more);
        if (!more) return fail_memory(err, "the conversation", cap * sizeof *more);
        c->turns = more;
        c->cap_turns = cap;
    }
    struct turn *t = &c->turns[c->n_turns];
    *t = (struct turn){.before = qw_n_tokens(c->session)};
    buf_put(&t->user, text, n);
    if (t->user.oom) {
        free_turn(t);
        return fail_memory(err, "the message", n);
    }
    c->n_turns++;
    return 0;
}

int qw_chat_say(qw_chat *c, const char *text, size_t n, qw_error *err) {
    int rc = check_utf8(text, n, "the message", err);
    if (rc) return rc;
    settle_answer(c);
    c->n_dropped = 0;
    rc = add_turn(c, text, n, err);
    if (!rc && (rc = feed_turn(c, text, n, err)) != 0) free_turn(&c->turns[--c->n_turns]);
    if (!rc) begin_answer(c);
    return rc;
}

int qw_chat_undo(qw_chat *c, qw_error *err) {
    if (c->n_turns == 0) return fail(err, QW_EARG, "there is no turn to forget");
    settle_answer(c);
    if (c->raw) qw_rewind(c->session, last_turn(c)->before, NULL);
    free_turn(&c->turns[--c->n_turns]);
    return 0;
}

int qw_chat_regenerate(qw_chat *c, qw_error *err) {
    if (c->n_turns == 0) return fail(err, QW_EARG, "there is no turn to answer");
    settle_answer(c);
    c->n_dropped = 0;
    struct turn *t = last_turn(c), kept = *t;
    *t = (struct turn){.user = kept.user, .before = kept.before};
    if (c->raw) qw_rewind(c->session, kept.before, NULL);
    int rc = feed_turn(c, kept.user.p ? kept.user.p : "", kept.user.n, err);
    if (rc) {
        *last_turn(c) = kept;
        return rc;
    }
    kept.user = (struct buf){0};
    free_turn(&kept);
    begin_answer(c);
    return 0;
}

size_t qw_chat_turns(const qw_chat *c) { return c->n_turns; }
size_t qw_chat_dropped(const qw_chat *c) { return c->n_dropped; }

const char *qw_chat_last_message(const qw_chat *c, size_t *n) {
    *n = 0;
    if (c->n_turns == 0) return NULL;
    const struct buf *text = &last_turn(c)->user;
    *n = text->n;
    return text->p ? text->p : "";
}

const char *qw_chat_last_thought(const qw_chat *c, size_t *n) {
    const struct buf *text = c->n_turns ? &last_turn(c)->thought.text : NULL;
    *n = text ? text->n : 0;
    return *n ? text->p : NULL;
}
