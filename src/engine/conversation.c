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

/* Text and a mask of the same length: nonzero where a byte belongs to a control token. */
struct masked {
    struct buf text, control;
};

struct turn {
    struct buf user;
    struct masked answer, thought;
};

struct qw_chat {
    qw_session *session;
    const struct qw_model *m;
    bool raw;                           /* "none": no template, text is continued as it is */
    enum chat_template chat_template;
    int thinking;
    bool special;
    int max_tokens;
    char *system;                       /* or NULL */
    int32_t think_open, think_close, turn_open, turn_close;     /* -1: not in this vocabulary */

    struct turn *turns;
    size_t n_turns, cap_turns;

    /* the answer that is being drawn, of the last turn */
    bool answering;
    enum qw_stop stop;
    enum qw_piece_kind kind;
    bool begun;                         /* some text of this kind has come */
    size_t newlines;                    /* held back: dropped if nothing follows */
    int n_drawn;
    struct utf8_stream stream;
    struct buf fresh, piece;            /* what the stream has completed; what is returned */
};

/* ---- settings ---- */

static int check_thinking(const struct qw_chat *c, int wanted, int *out, qw_error *err) {
    bool hybrid = !c->raw && c->chat_template == TEMPLATE_HYBRID;
    bool always = !c->raw && c->chat_template == TEMPLATE_THINKING2507;
    const char *name = c->raw ? "none" : template_name(c->chat_template);
    if (wanted == 1 && !hybrid && !always)
        return fail(err, QW_EARG, "this model cannot think before it answers (template %s)", name);
    if (wanted == 0 && always)
        return fail(err, QW_EARG, "this model always thinks before it answers (template %s)", name);
    *out = wanted < 0 ? hybrid || always : wanted;
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

/* The template of this name, or the model's own if name is NULL. */
static int choose_template(struct qw_chat *c, const char *name, qw_error *err) {
    const struct qw_model *m = c->m;
    c->raw = name && strcmp(name, "none") == 0;
    if (c->raw) return 0;
    if (!name && !m->has_template) {
        if (err) *err = m->template_error;
        return m->template_error.code;
    }
    c->chat_template = m->chat_template;
    int rc = name ? template_from_name(&c->chat_template, name, NULL) : 0;
    if (rc)
        return fail(err, rc,
                    "unknown chat template '%s' (hybrid, instruct2507, thinking2507 or none)",
                    name);
    if (c->turn_open < 0 || c->turn_close < 0)
        return fail(err, QW_ETEMPLATE,
                    "%s: the tokenizer has no <|im_start|> and <|im_end|>, which the chat template "
                    "needs",
                    m->path);
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
    if (p->max_tokens < 0)
        return fail(err, QW_EARG, "max_tokens is %d; it cannot be negative", p->max_tokens);
    struct qw_chat *c = alloc_zero(1, sizeof *c);
    if (!c) return fail_memory(err, "the conversation", sizeof *c);
    c->session = s;
    c->m = m;
    c->special = p->special;
    c->max_tokens = p->max_tokens;
    c->think_open = tokenizer_added(m->tokenizer, "<think>");
    c->think_close = tokenizer_added(m->tokenizer, "</think>");
    c->turn_open = tokenizer_added(m->tokenizer, "<|im_start|>");
    c->turn_close = tokenizer_added(m->tokenizer, "<|im_end|>");
    int rc = choose_template(c, p->chat_template, err);
    if (!rc) rc = check_thinking(c, p->thinking, &c->thinking, err);
    if (!rc && c->thinking && (c->think_open < 0 || c->think_close < 0))
        rc = fail(err, QW_EUNSUPPORTED,
                  "%s: the tokenizer has no <think> and </think>, which the chat template needs",
                  m->path);
    if (!rc && p->system) rc = qw_chat_set_system(c, p->system, err);
    if (rc) qw_chat_free(c);
    else *out = c;
    return rc;
}

/* ---- turns ---- */

static void free_turn(struct turn *t) {
    buf_free(&t->user);
    buf_free(&t->answer.text);
    buf_free(&t->answer.control);
    buf_free(&t->thought.text);
    buf_free(&t->thought.control);
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
                .role = ROLE_SYSTEM, .content = given(c, c->system, strlen(c->system), ones),
            };
        for (size_t i = 0; i < c->n_turns; i++) {
            const struct turn *t = &c->turns[i];
            list[n++] = (struct chat_message){
                .role = ROLE_USER, .content = given(c, t->user.p, t->user.n, ones),
            };
            if (i + 1 < c->n_turns)
                list[n++] = (struct chat_message){
                    .role = ROLE_ASSISTANT,
                    .content = own(&t->answer),
                    .reasoning = own(&t->thought),
                };
        }
        struct conversation talk = {
            .messages = list,
            .n_messages = n,
            .add_generation_prompt = true,
            .thinking = c->thinking,
        };
        rc = template_render(&r, c->chat_template, &talk, err);
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
    c->kind = kind;
    c->begun = false;
    c->newlines = 0;
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
    c->answering = true;
    begin_part(c, !c->raw && c->chat_template == TEMPLATE_THINKING2507 ? QW_THOUGHT : QW_ANSWER);
    c->n_drawn = 0;
    c->stream = (struct utf8_stream){0};
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
    buf_put(&m->text, c->piece.p, c->piece.n);
    for (size_t i = 0; i < c->piece.n; i++) buf_char(&m->control, control);
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
    if (rc == 1 && !c->raw && (*id == c->turn_close || *id == c->turn_open)) rc = 0;
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
        } else if (!c->raw && id == c->think_open && kind == QW_ANSWER && !c->begun) {
            begin_part(c, QW_THOUGHT);
        } else if (!c->raw && id == c->think_close && kind == QW_THOUGHT) {
            flush_stream(c);
            begin_part(c, QW_ANSWER);
        } else {
            take_token(c, id);
        }
        if (c->fresh.oom || c->piece.oom || t->answer.text.oom || t->answer.control.oom ||
            t->thought.text.oom || t->thought.control.oom)
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
