/* prompt.c - the whole conversation as tokens.
 *
 * Each turn the conversation is rendered by the template, tokenised, and compared with what the
 * session holds: the common beginning stays in the cache, the rest is fed. So the tokens are always
 * those of the whole conversation as the template renders it now, even where it rewrites history
 * (hybrid models forget their earlier thoughts).
 *
 * Control tokens are only those that the template writes or that the model itself has drawn: the
 * same characters in a user's text (unless `special` is set), or spelled out by the model, cannot
 * end a turn.
 */
#include <stdlib.h>
#include <string.h>
#include "engine/conversation.h"

/* Text of a user or a system message; its mask is `ones` if it may contain control tokens. */
static struct chat_text given(const struct qw_chat *c, const char *p, size_t n,
                              const unsigned char *ones) {
    return (struct chat_text){p ? p : "", n, c->special ? ones : NULL};
}

static struct chat_text own(const struct masked *m) {
    return (struct chat_text){m->text.p ? m->text.p : "", m->text.n,
                              (const unsigned char *)m->control.p};
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

/* The messages from turn number first on, up to the last user's. */
static size_t list_messages(const struct qw_chat *c, size_t first, const unsigned char *ones,
                            struct chat_message *list) {
    size_t n = 0;
    if (c->system)
        list[n++] = (struct chat_message){
            .role = "system", .content = given(c, c->system, strlen(c->system), ones),
        };
    for (size_t i = first; i < c->n_turns; i++) {
        const struct turn *t = &c->turns[i];
        list[n++] = (struct chat_message){
            .role = "user", .content = given(c, t->user.p, t->user.n, ones),
        };
        if (i + 1 < c->n_turns) list[n++] = answer_message(c, t);
    }
    return n;
}

/* Render and tokenise the conversation from turn number first on, up to where the answer of the
 * last turn begins. */
static int render(const struct qw_chat *c, size_t first, struct ids *ids, qw_error *err) {
    size_t longest = c->system ? strlen(c->system) : 0;
    for (size_t i = 0; i < c->n_turns; i++)
        if (c->turns[i].user.n > longest) longest = c->turns[i].user.n;
    struct chat_message *list = calloc(2 * c->n_turns + 1, sizeof *list);
    unsigned char *ones = malloc(longest + 1);
    struct rendered r = {0};
    int rc = list && ones ? 0 : fail_memory(err, "the conversation", longest);
    if (!rc) {
        memset(ones, 1, longest + 1);
        struct conversation talk = {
            .messages = list,
            .n_messages = list_messages(c, first, ones, list),
            .add_generation_prompt = true,
            .thinking = told_to_think(c),
        };
        rc = template_render(&r, c->template, &c->settings, &talk, err);
    }
    if (!rc)
        rc = tokenizer_encode(c->m->tokenizer, r.text.p, r.text.n, ADDED_MASKED,
                              (const unsigned char *)r.control.p, ids, err);
    if (!rc && ids->oom) rc = fail_memory(err, "the prompt", r.text.n);
    rendered_free(&r);
    free(ones);
    free(list);
    return rc;
}

/* Without a template: what the session has, and the message. */
static int continue_text(struct qw_chat *c, const char *text, size_t n, struct ids *ids,
                         qw_error *err) {
    const int32_t *old = qw_tokens(c->session);
    for (size_t i = 0; c->n_turns > 1 && i < qw_n_tokens(c->session); i++) ids_put(ids, old[i]);
    int rc = tokenizer_encode(c->m->tokenizer, text, n, c->special ? ADDED_ALL : ADDED_NONE, NULL,
                              ids, err);
    if (!rc && ids->oom) return fail_memory(err, "the prompt", n);
    if (!rc && ids->n == 0)
        rc = fail(err, QW_EARG, "the prompt is empty: there is nothing to continue");
    return rc;
}

static int too_long(size_t n, size_t room, qw_error *err) {
    return fail(err, QW_ECONTEXT,
                "the prompt is %zu tokens long; the context has %zu positions, and the answer "
                "needs some of them",
                n, room);
}

/* Make the session's tokens exactly these. If they do not fit, nothing changes. */
static int set_tokens(struct qw_chat *c, const struct ids *ids, qw_error *err) {
    size_t common = 0, have = qw_n_tokens(c->session), room = (size_t)qw_n_ctx(c->session);
    if (ids->n >= room) return too_long(ids->n, room, err);
    int rc = session_grow(c->session, ids->n + 1, err);
    if (rc) return rc;
    const int32_t *old = qw_tokens(c->session);
    while (common < have && common + 1 < ids->n && old[common] == ids->p[common]) common++;
    rc = qw_rewind(c->session, common, err);
    if (!rc) rc = qw_feed(c->session, ids->p + common, ids->n - common, err);
    /* when it was stopped, what has been read */
    c->usage = (qw_usage){.prompt_tokens = qw_n_tokens(c->session), .cached_tokens = common};
    return rc;
}

/* A context of `room` positions is too small for the conversation: how many of the oldest turns
 * must go so that what remains and `more` tokens use at most half of it, and the ids of that. If no
 * number does it, all but the last turn go. */
static int shorten(struct qw_chat *c, size_t room, size_t more, struct ids *ids, size_t *dropped,
                   qw_error *err) {
    int rc = 0;
    for (size_t first = 1; !rc && first < c->n_turns; first++) {
        ids->n = 0;
        rc = render(c, first, ids, err);
        *dropped = first;
        if (ids->n + more <= room / 2) break;
    }
    if (!rc && ids->n + more >= room) rc = too_long(ids->n + more, room, err);
    return rc;
}

/* The positions that n tokens did not fit in: what the model allows, or what memory does. */
static size_t room_for(const struct qw_chat *c, size_t n) {
    size_t most = (size_t)qw_n_ctx(c->session);
    return n < most ? (size_t)qw_n_ctx_now(c->session) : most;
}

int feed_turn(struct qw_chat *c, const char *text, size_t n, qw_error *err) {
    struct ids ids = {0};
    size_t dropped = 0;
    int rc = c->raw ? continue_text(c, text, n, &ids, err) : render(c, 0, &ids, err);
    if (!rc) rc = set_tokens(c, &ids, err);
    if (rc == QW_ECONTEXT && c->drop && !c->raw && c->n_turns > 1) {
        rc = shorten(c, room_for(c, ids.n), 0, &ids, &dropped, err);
        if (!rc) rc = set_tokens(c, &ids, err);
        if (!rc) drop_turns(c, dropped);
    }
    ids_free(&ids);
    return rc;
}

int make_room(struct qw_chat *c, qw_error *err) {
    struct ids ids = {0};
    size_t n = qw_n_tokens(c->session) - c->begins, dropped = 0;
    if (!c->drop || c->raw || c->n_turns < 2)
        return fail(err, QW_ECONTEXT, "the context of %d positions is full",
                    qw_n_ctx(c->session));
    int32_t *drawn = malloc((n + 1) * sizeof *drawn);
    if (!drawn) return fail_memory(err, "the answer", n * sizeof *drawn);
    memcpy(drawn, qw_tokens(c->session) + c->begins, n * sizeof *drawn);
    size_t room = room_for(c, qw_n_tokens(c->session));
    int rc = shorten(c, room, n, &ids, &dropped, err);
    qw_usage usage = c->usage;
    if (!rc) rc = set_tokens(c, &ids, err);
    if (!rc) rc = session_append(c->session, drawn, n, err);
    if (rc == QW_ECANCEL) {             /* the tokens are a part of the shorter conversation */
        c->answering = c->resumable = false;
        c->ended = QW_STOP_CONTEXT;
    }
    if (!rc || rc == QW_ECANCEL) {
        drop_turns(c, dropped);
        c->begins = ids.n < qw_n_tokens(c->session) ? ids.n : qw_n_tokens(c->session);
    }
    c->usage = usage;
    free(drawn);
    ids_free(&ids);
    return rc;
}
