/* conversation.c - conversations on top of a session.
 *
 * Each turn the whole conversation is rendered by the template, tokenised, and compared with what
 * the session holds: the common beginning stays in the cache, the rest is fed. So the tokens are
 * always those of the whole conversation as the template renders it now, even where it rewrites
 * history (hybrid models forget their earlier thoughts).
 *
 * Control tokens are only those that the template writes or that the model itself has drawn: the
 * same characters in a user's text (unless `special` is set), or spelled out by the model, cannot
 * end a turn.
 */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/utf8.h"
#include "base/utf8_stream.h"
#include "engine/session.h"
#include "engine/turn_marks.h"

/* Text and a mask of the same length: nonzero where a byte belongs to a control token. */
struct masked {
    struct buf text, control;
};

static void masked_put(struct masked *m, const char *p, size_t n, bool control) {
    if (n == 0 || !buf_reserve(&m->text, n) || !buf_reserve(&m->control, n)) return;
    buf_put(&m->text, p, n);
    memset(m->control.p + m->control.n, control, n);
    m->control.n += n;
}

static bool masked_oom(const struct masked *m) { return m->text.oom || m->control.oom; }

/* drawn: all that the model wrote, with the marks of thoughts; answer, thought: what of it is
 * which, without newlines at the ends */
struct turn {
    struct buf user;
    struct masked drawn, answer, thought;
    bool marked;                        /* there is a mark in drawn */
};

struct qw_chat {
    qw_session *session;
    const struct qw_model *m;
    bool raw;                           /* "none": no template, text is continued as it is */
    const struct jinja *template;       /* the model's, or own_template */
    const struct template_traits *traits;
    struct jinja *own_template;
    struct template_traits own_traits;
    struct template_settings settings;  /* points into the next three */
    char today[16];
    char *date, *variables;             /* or NULL */
    struct turn_marks marks;
    int thinking;                       /* enable_thinking, and what sampling is for */
    bool special;
    int max_tokens;
    char *system;                       /* or NULL */

    struct turn *turns;
    size_t n_turns, cap_turns;

    /* the answer that is being drawn, of the last turn */
    bool answering;
    enum qw_stop stop;
    enum qw_piece_kind kind;
    bool begun;                         /* some text of this kind has come */
    bool header;                        /* the model opens its turn itself: to be skipped */
    size_t newlines;                    /* held back: dropped if nothing follows */
    int n_drawn;
    struct utf8_stream stream;
    struct buf fresh, piece;            /* what the stream has completed; what is returned */
};

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

int qw_chat_new(qw_chat **out, qw_session *s, const qw_chat_params *params, qw_error *err) {
    const struct qw_model *m = s->m;
    const qw_chat_params none = {.thinking = -1}, *p = params ? params : &none;
    *out = NULL;
    if (!m->tokenizer) {
        if (err) *err = m->tokenizer_error;
        return m->tokenizer_error.code;
    }
    if (p->max_tokens < 0)
        return fail(err, QW_EARG, "max_tokens is %d; it cannot be negative", p->max_tokens);
    struct qw_chat *c = alloc_zero(1, sizeof *c);
    if (!c) return fail_memory(err, "the conversation", sizeof *c);
    c->session = s;
    c->m = m;
    c->special = p->special;
    c->max_tokens = p->max_tokens;
    int rc = choose_template(c, p, err);
    if (!rc && !c->raw)
        rc = turn_marks_find(&c->marks, m->tokenizer, c->traits, jinja_name(c->template), err);
    if (!rc) rc = check_thinking(c, p->thinking, &c->thinking, err);
    if (!rc && p->system) rc = qw_chat_set_system(c, p->system, err);
    if (rc) qw_chat_free(c);
    else *out = c;
    return rc;
}

/* ---- turns ---- */

static void free_turn(struct turn *t) {
    struct masked *parts[] = {&t->drawn, &t->answer, &t->thought};
    buf_free(&t->user);
    for (int i = 0; i < 3; i++) {
        buf_free(&parts[i]->text);
        buf_free(&parts[i]->control);
    }
}

void qw_chat_clear(qw_chat *c) {
    for (size_t i = 0; i < c->n_turns; i++) free_turn(&c->turns[i]);
    c->n_turns = 0;
    c->answering = false;
}

void qw_chat_free(qw_chat *c) {
    if (!c) return;
    qw_chat_clear(c);
    free(c->turns);
    free(c->system);
    free(c->date);
    free(c->variables);
    jinja_free(c->own_template);
    template_traits_free(&c->own_traits);
    buf_free(&c->fresh);
    buf_free(&c->piece);
    free(c);
}

static struct chat_text plain(const char *p, size_t n) {
    return (struct chat_text){p ? p : "", n, NULL};
}

/* Text of a user or a system message; its mask is `ones` if it may contain control tokens. */
static struct chat_text given(const struct qw_chat *c, const char *p, size_t n,
                              const unsigned char *ones) {
    return (struct chat_text){p ? p : "", n, c->special ? ones : NULL};
}

static struct chat_text own(const struct masked *m) {
    struct chat_text t = plain(m->text.p, m->text.n);
    t.control = (const unsigned char *)m->control.p;
    return t;
}

/* enable_thinking is given only where it makes a difference. */
static int told_to_think(const struct qw_chat *c) {
    enum template_thinks t = c->traits->thinks;
    return t == THINKS_BY_DEFAULT || t == THINKS_IF_TOLD ? c->thinking : -1;
}

/* An answer as the template is to see it: thoughts as reasoning_content where it renders that, else
 * just what the model wrote. */
static struct chat_message answer_message(const struct qw_chat *c, const struct turn *t) {
    struct chat_message m = {.role = "assistant", .content = own(&t->drawn)};
    if (!c->traits->takes_reasoning) return m;
    if (t->marked) m.content = own(&t->answer);
    m.reasoning = own(&t->thought);
    return m;
}

/* Render and tokenise the conversation, up to where the answer of the last turn begins. */
static int render(const struct qw_chat *c, struct ids *ids, qw_error *err) {
    size_t longest = c->system ? strlen(c->system) : 0, n = 0;
    for (size_t i = 0; i < c->n_turns; i++)
        if (c->turns[i].user.n > longest) longest = c->turns[i].user.n;
    struct chat_message *list = calloc(2 * c->n_turns + 1, sizeof *list);
    unsigned char *ones = malloc(longest + 1);
    struct rendered r = {0};
    int rc = list && ones ? 0 : fail_memory(err, "the conversation", longest);
    if (!rc) {
        memset(ones, 1, longest + 1);
        if (c->system)
            list[n++] = (struct chat_message){
                .role = "system", .content = given(c, c->system, strlen(c->system), ones),
            };
        for (size_t i = 0; i < c->n_turns; i++) {
            const struct turn *t = &c->turns[i];
            list[n++] = (struct chat_message){
                .role = "user", .content = given(c, t->user.p, t->user.n, ones),
            };
            if (i + 1 < c->n_turns) list[n++] = answer_message(c, t);
        }
        struct conversation talk = {
            .messages = list,
            .n_messages = n,
            .add_generation_prompt = true,
            .thinking = told_to_think(c),
        };
        rc = template_render(&r, c->template, &c->settings, &talk, err);
    }
    if (!rc)
        rc = tokenizer_encode(c->m->tokenizer, r.text.p, r.text.n, ADDED_MASKED,
                              (const unsigned char *)r.control.p, ids, err);
    rendered_free(&r);
    free(ones);
    free(list);
    return rc;
}

/* Make the session's tokens exactly these. If they do not fit, nothing changes. */
static int set_tokens(const struct qw_chat *c, const struct ids *ids, qw_error *err) {
    size_t common = 0, have = qw_n_tokens(c->session), room = (size_t)qw_n_ctx(c->session);
    const int32_t *old = qw_tokens(c->session);
    if (ids->n >= room)
        return fail(err, QW_ECONTEXT,
                    "the prompt is %zu tokens long; the context has %zu positions, and the answer "
                    "needs some of them",
                    ids->n, room);
    while (common < have && common + 1 < ids->n && old[common] == ids->p[common]) common++;
    int rc = qw_rewind(c->session, common, err);
    return rc ? rc : qw_feed(c->session, ids->p + common, ids->n - common, err);
}

static int feed_turn(struct qw_chat *c, const char *text, size_t n, qw_error *err) {
    struct ids ids = {0};
    int rc;
    if (c->raw) {
        const int32_t *old = qw_tokens(c->session);
        for (size_t i = 0; c->n_turns > 1 && i < qw_n_tokens(c->session); i++)
            ids_put(&ids, old[i]);
        rc = tokenizer_encode(c->m->tokenizer, text, n, c->special ? ADDED_ALL : ADDED_NONE, NULL,
                              &ids, err);
        if (!rc && ids.n == 0)
            rc = fail(err, QW_EARG, "the prompt is empty: there is nothing to continue");
    } else {
        rc = render(c, &ids, err);
    }
    if (!rc && ids.oom) rc = fail_memory(err, "the prompt", n);
    if (!rc) rc = set_tokens(c, &ids, err);
    ids_free(&ids);
    return rc;
}

static void begin_part(struct qw_chat *c, enum qw_piece_kind kind) {
    const struct turn *t = &c->turns[c->n_turns - 1];
    c->kind = kind;
    c->begun = (kind == QW_THOUGHT ? t->thought : t->answer).text.n > 0;
    c->newlines = 0;
}

/* Where in the session's tokens a thought begins that the prompt has left open; their number: it
 * has not. */
static size_t open_thought(const struct qw_chat *c) {
    const int32_t *ids = qw_tokens(c->session);
    size_t n = qw_n_tokens(c->session);
    const struct turn_marks *m = &c->marks;
    for (size_t i = n; i-- > 0;) {
        if (ids[i] == m->think_open) return i;
        if (ids[i] == m->think_close || ids[i] == m->close || ids[i] == m->open) break;
    }
    return n;
}

/* The answer begins: inside a thought where the prompt says so. What the prompt has written of the
 * thought counts as the model's. */
static void begin_answer(struct qw_chat *c) {
    struct turn *t = &c->turns[c->n_turns - 1];
    size_t n = qw_n_tokens(c->session), at = c->raw ? n : open_thought(c), len;
    t->marked = at < n;
    begin_part(c, at < n ? QW_THOUGHT : QW_ANSWER);
    for (; at < n; at++) {
        const char *p = tokenizer_bytes(c->m->tokenizer, qw_tokens(c->session)[at], &len);
        masked_put(&t->drawn, p, len, true);
    }
    c->answering = true;
    c->header = false;
    c->n_drawn = 0;
    c->stream = (struct utf8_stream){0};
}

int qw_chat_say(qw_chat *c, const char *text, size_t n, qw_error *err) {
    int rc = check_utf8(text, n, "the message", err);
    if (rc) return rc;
    c->answering = false;
    if (c->n_turns == c->cap_turns) {
        size_t cap = c->cap_turns ? 2 * c->cap_turns : 8;
        struct turn *more = realloc(c->turns, cap * sizeof *more);
        if (!more) return fail_memory(err, "the conversation", cap * sizeof *more);
        c->turns = more;
        c->cap_turns = cap;
    }
    struct turn *t = &c->turns[c->n_turns];
    *t = (struct turn){0};
    buf_put(&t->user, text, n);
    if (t->user.oom) {
        free_turn(t);
        return fail_memory(err, "the message", n);
    }
    c->n_turns++;
    if ((rc = feed_turn(c, text, n, err)) != 0) {
        free_turn(&c->turns[--c->n_turns]);
        return rc;
    }
    begin_answer(c);
    return 0;
}

/* ---- the answer ---- */

/* Text that the stream has completed goes out and into the turn. Newlines around a thought or an
 * answer are not part of it, so those at its end are held back until something follows. */
static void emit(struct qw_chat *c, bool control) {
    struct turn *t = &c->turns[c->n_turns - 1];
    struct masked *m = c->kind == QW_THOUGHT ? &t->thought : &t->answer;
    const char *p = c->fresh.p;
    size_t n = c->fresh.n, tail = 0;
    masked_put(&t->drawn, p, n, control);
    if (!c->raw) {
        for (; !c->begun && n > 0 && *p == '\n'; n--) p++;
        if (n == 0) return;
        c->begun = true;
        while (tail < n && p[n - 1 - tail] == '\n') tail++;
        if (tail == n) {
            c->newlines += n;
            return;
        }
        for (; c->newlines > 0; c->newlines--) buf_char(&c->piece, '\n');
    }
    buf_put(&c->piece, p, n - tail);
    c->newlines = tail;
    masked_put(m, c->piece.p, c->piece.n, control);
}

/* Emit the text of a token; a special one has none, as with transformers' skip_special_tokens. */
static void take_token(struct qw_chat *c, int32_t id) {
    const struct tokenizer *t = c->m->tokenizer;
    size_t n;
    const char *bytes = tokenizer_bytes(t, id, &n);
    if (!c->raw && tokenizer_is_special(t, id)) return;
    utf8_push(&c->stream, bytes, n, &c->fresh);
    emit(c, tokenizer_is_added(t, id));
}

/* No more bytes will complete the character that the stream holds back. */
static void flush_stream(struct qw_chat *c) {
    utf8_finish(&c->stream, &c->fresh);
    emit(c, false);
}

/* <think> and </think>, where the model writes them as such, end one part and begin another. */
static void take_mark(struct qw_chat *c, int32_t id) {
    struct turn *t = &c->turns[c->n_turns - 1];
    enum qw_piece_kind kind = id == c->marks.think_open ? QW_THOUGHT : QW_ANSWER;
    size_t n;
    const char *bytes = tokenizer_bytes(c->m->tokenizer, id, &n);
    flush_stream(c);
    masked_put(&t->drawn, bytes, n, true);
    t->marked = true;
    if (kind != c->kind) begin_part(c, kind);
}

/* Without a prompt for its answer the model opens its turn itself: <|im_start|>assistant and a
 * newline. Is this token still part of that? */
static bool in_header(struct qw_chat *c, int32_t id) {
    size_t n;
    if (!c->header) return false;
    const char *bytes = tokenizer_bytes(c->m->tokenizer, id, &n);
    c->header = !(n > 0 && memchr(bytes, '\n', n)) && id != c->marks.think_open;
    return id != c->marks.think_open;
}

/* Draw a token: 1; 0 and c->stop when the answer is over; negative on failure. */
static int draw(struct qw_chat *c, int32_t *id, qw_error *err) {
    if (c->max_tokens && c->n_drawn >= c->max_tokens) {
        c->stop = QW_STOP_LENGTH;
        return 0;
    }
    if (qw_n_tokens(c->session) == (size_t)qw_n_ctx(c->session)) {
        c->stop = QW_STOP_CONTEXT;
        return 0;
    }
    int rc = qw_next(c->session, id, err);
    if (rc == 1 && !c->raw && *id == c->marks.open && c->n_drawn == 0 && !c->traits->prompts)
        c->header = true;
    else if (rc == 1 && !c->raw && (*id == c->marks.close || *id == c->marks.open)) rc = 0;
    if (rc == 0) c->stop = QW_STOP_END;
    if (rc == 1) c->n_drawn++;
    return rc;
}

int qw_chat_next(qw_chat *c, qw_piece *piece, enum qw_stop *stop, qw_error *err) {
    while (c->answering) {
        const struct turn *t = &c->turns[c->n_turns - 1];
        enum qw_piece_kind kind = c->kind;
        int32_t id;
        int rc = draw(c, &id, err);
        if (rc < 0) return rc;
        c->fresh.n = c->piece.n = 0;
        if (rc == 0) {
            flush_stream(c);
            c->answering = false;
        } else if (in_header(c, id)) {
            continue;
        } else if (!c->raw && (id == c->marks.think_open || id == c->marks.think_close)) {
            take_mark(c, id);
        } else {
            take_token(c, id);
        }
        if (c->fresh.oom || c->piece.oom || masked_oom(&t->drawn) || masked_oom(&t->answer) ||
            masked_oom(&t->thought))
            return fail_memory(err, "the answer", c->piece.n);
        if (c->piece.n) {
            *piece = (qw_piece){kind, c->piece.p, c->piece.n};
            return 1;
        }
    }
    if (stop) *stop = c->stop;
    return 0;
}

int qw_chat_cut(qw_chat *c, qw_error *err) {
    if (!c->answering) return fail(err, QW_EARG, "there is no answer to cut");
    c->answering = false;
    return 0;
}
