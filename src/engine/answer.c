/* answer.c - what the model writes: told into thoughts and answer, and why it ends.
 *
 * The bytes of drawn tokens run through these steps, each of which may hold some back:
 *
 *     utf8_stream     whole characters
 *     find_stop       the answer only: text that may be the beginning of a stop text
 *     deliver         newlines at the beginning and the end of a thought or an answer
 *
 * What comes out is returned as a piece and becomes part of the turn. */
#include <string.h>
#include "engine/conversation.h"

/* Closes a thought (Qwen's documentation, "thinking budget"); </think> and two newlines follow. */
#define ANSWER_NOW \
    "\n\nConsidering the limited time by the user, I have to give the solution based on the " \
    "thinking directly now.\n"

static void begin_part(struct qw_chat *c, enum qw_piece_kind kind) {
    const struct turn *t = last_turn(c);
    c->kind = kind;
    c->begun = (kind == QW_THOUGHT ? t->thought : t->answer).text.n > 0;
    c->newlines = 0;
    c->n_thought = 0;
}

/* ---- text ---- */

/* Text that goes out, and into the turn. Newlines around a thought or an answer are not part of it,
 * so those at its end are held back until something follows. control: of each byte. */
static void deliver(struct qw_chat *c, const char *p, const char *control, size_t n) {
    struct turn *t = last_turn(c);
    struct masked *part = c->kind == QW_THOUGHT ? &t->thought : &t->answer;
    size_t skip = 0, tail = 0;
    masked_append(&t->drawn, p, control, n);
    if (!c->raw) {
        while (!c->begun && skip < n && p[skip] == '\n') skip++;
        if (skip == n) return;
        c->begun = true;
        while (tail < n - skip && p[n - 1 - tail] == '\n') tail++;
        if (tail == n - skip) {
            c->newlines += tail;
            return;
        }
        for (; c->newlines > 0; c->newlines--) {
            buf_char(&c->piece, '\n');
            masked_put(part, "\n", 1, false);
        }
        c->newlines = tail;
    }
    n -= skip + tail;
    buf_put(&c->piece, p + skip, n);
    masked_append(part, p + skip, control + skip, n);
}

/* How many bytes at the end of p[0..n) may be the beginning of a stop text. */
static size_t may_stop(const struct qw_chat *c, const char *p, size_t n) {
    size_t most = 0;
    for (int i = 0; i < c->n_stop; i++) {
        size_t k = strlen(c->stop[i]) - 1;
        if (k > n) k = n;
        while (k > most && memcmp(p + n - k, c->stop[i], k) != 0) k--;
        if (k > most) most = k;
    }
    return most;
}

/* Where the first stop text begins in p[0..n), or n. */
static size_t find_stop(const struct qw_chat *c, const char *p, size_t n) {
    size_t first = n;
    for (int i = 0; i < c->n_stop; i++) {
        const char *at = memmem(p, first, c->stop[i], strlen(c->stop[i]));
        /* one that begins earlier may end later than `first` */
        if (!at) at = memmem(p, n, c->stop[i], strlen(c->stop[i]));
        if (at && (size_t)(at - p) < first) first = (size_t)(at - p);
    }
    return first;
}

/* Text of the answer: out as far as it cannot belong to a stop text. */
static void filter(struct qw_chat *c, bool control) {
    const char *p = c->fresh.p;
    size_t n = c->fresh.n, skip = 0;
    struct masked *h = &c->held;
    /* newlines before the answer stop nothing */
    while (!c->raw && !c->begun && skip < n && p[skip] == '\n') skip++;
    if (skip) masked_put(&last_turn(c)->drawn, p, skip, control);
    if (n > skip) masked_put(h, p + skip, n - skip, control);   /* `p` may be NULL when n is 0 */
    if (h->text.n == 0 || masked_oom(h)) return;
    size_t out = find_stop(c, h->text.p, h->text.n);
    c->stopped = out < h->text.n;
    if (!c->stopped) out -= may_stop(c, h->text.p, h->text.n);
    deliver(c, h->text.p, h->control.p, out);
    h->text.n -= out;
    h->control.n -= out;
    memmove(h->text.p, h->text.p + out, h->text.n);
    memmove(h->control.p, h->control.p + out, h->control.n);
    if (c->stopped) h->text.n = h->control.n = 0;       /* nothing of the stop text remains */
}

/* What the stream has completed. */
static void emit(struct qw_chat *c, bool control) {
    if (c->kind == QW_ANSWER) {
        filter(c, control);
        return;
    }
    struct masked text = {0};
    masked_put(&text, c->fresh.p, c->fresh.n, control);
    if (masked_oom(&text)) c->piece.oom = true;
    else if (text.text.n) deliver(c, text.text.p, text.control.p, text.text.n);
    masked_free(&text);
}

/* No more bytes will complete the character that the stream holds back. */
static void flush_stream(struct qw_chat *c) {
    c->fresh.n = 0;
    utf8_finish(&c->stream, &c->fresh);
    emit(c, false);
}

static void flush_held(struct qw_chat *c) {
    struct masked *h = &c->held;
    if (h->text.n) deliver(c, h->text.p, h->control.p, h->text.n);
    h->text.n = h->control.n = 0;
}

void settle_answer(struct qw_chat *c) {
    c->answering = c->resumable = false;
    if (c->n_turns == 0) return;
    c->piece.n = 0;
    flush_held(c);
    c->piece.n = 0;
}

/* ---- beginning ---- */

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
void begin_answer(struct qw_chat *c) {
    struct turn *t = last_turn(c);
    size_t n = qw_n_tokens(c->session), at = c->raw ? n : open_thought(c), len;
    t->marked = at < n;
    begin_part(c, at < n ? QW_THOUGHT : QW_ANSWER);
    c->begins = n;
    for (; at < n; at++) {
        const char *p = tokenizer_bytes(c->m->tokenizer, qw_tokens(c->session)[at], &len);
        masked_put(&t->drawn, p, len, true);
    }
    c->answering = true;
    c->resumable = c->header = c->stopped = c->looped = c->ready = false;
    if (c->guard) loop_guard_reset(c->guard);
    c->ended = QW_STOP_END;
    c->closed = QW_CLOSE_MODEL;
    c->n_drawn = 0;
    c->stream = (struct utf8_stream){0};
}

/* ---- tokens ---- */

/* Emit the text of a token; a special one has none, as with transformers' skip_special_tokens. */
static void take_token(struct qw_chat *c, int32_t id) {
    const struct tokenizer *t = c->m->tokenizer;
    size_t n;
    const char *bytes = tokenizer_bytes(t, id, &n);
    if (!c->raw && tokenizer_is_special(t, id)) return;
    utf8_push(&c->stream, bytes, n, &c->fresh);
    emit(c, tokenizer_is_added(t, id));
}

/* <think> and </think>, where the model writes them as such, end one part and begin another. */
static void take_mark(struct qw_chat *c, int32_t id) {
    struct turn *t = last_turn(c);
    enum qw_piece_kind kind = id == c->marks.think_open ? QW_THOUGHT : QW_ANSWER;
    size_t n;
    const char *bytes = tokenizer_bytes(c->m->tokenizer, id, &n);
    flush_stream(c);
    flush_held(c);
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

static bool is_full(const struct qw_chat *c) {
    return qw_n_tokens(c->session) == (size_t)qw_n_ctx(c->session);
}

static int ends(struct qw_chat *c, enum qw_stop why) {
    c->ended = why;
    return 0;
}

/* Draw a token: 1; 0 and c->ended when the answer is over; negative on failure. */
static int draw(struct qw_chat *c, int32_t *id, qw_error *err) {
    if (c->max_tokens && c->n_drawn >= c->max_tokens) return ends(c, QW_STOP_LENGTH);
    int rc = is_full(c) ? QW_ECONTEXT : qw_next(c->session, id, err);
    if (rc == QW_ECONTEXT) {
        rc = make_room(c, err);
        if (rc == QW_ECONTEXT) return ends(c, QW_STOP_CONTEXT);
        if (!rc) rc = qw_next(c->session, id, err);
    }
    if (rc == 0) return ends(c, QW_STOP_END);
    if (rc < 0) return rc;
    const struct turn_marks *m = &c->marks;
    if (!c->raw && *id == m->open && c->n_drawn == 0 && !c->traits->prompts) c->header = true;
    else if (!c->raw && (*id == m->close || *id == m->open)) return ends(c, QW_STOP_END);
    c->looped = c->guard && loop_guard_push(c->guard, *id);
    c->n_drawn++;
    c->usage.completion_tokens++;
    if (c->kind == QW_THOUGHT) {
        c->n_thought++;
        c->usage.reasoning_tokens++;
    }
    return 1;
}

/* Close the thought that is open, as the model would. */
static int close_thought(struct qw_chat *c, enum qw_close why, qw_error *err) {
    static const char text[] = ANSWER_NOW "</think>\n\n";
    enum { N = sizeof text - 1, MARK = 8, MARK_AT = N - MARK - 2 };
    unsigned char mask[N] = {0};
    struct ids ids = {0};
    if (c->marks.think_close < 0)
        return fail(err, QW_EARG, "the tokenizer has no </think>: the thought cannot be closed");
    memset(mask + MARK_AT, 1, MARK);
    int rc = tokenizer_encode(c->m->tokenizer, text, N, ADDED_MASKED, mask, &ids, err);
    if (!rc && ids.oom) rc = fail_memory(err, "the end of a thought", N);
    if (!rc && ids.n >= (size_t)qw_n_ctx(c->session) - qw_n_tokens(c->session))
        rc = fail(err, QW_ECONTEXT, "the context has no room for the end of the thought");
    size_t before = qw_n_tokens(c->session);
    if (!rc) {
        flush_stream(c);
        rc = session_append(c->session, ids.p, ids.n, err);
    }
    ids_free(&ids);
    if (rc == QW_ECANCEL) qw_rewind(c->session, before, NULL);
    if (rc) return rc;
    char control[N] = {0};
    deliver(c, text, control, MARK_AT);
    masked_put(&last_turn(c)->drawn, text + MARK_AT, N - MARK_AT, true);
    begin_part(c, QW_ANSWER);
    c->closed = why;
    if (c->guard) loop_guard_reset(c->guard);
    return 0;
}

/* The answer is over. */
static void end_answer(struct qw_chat *c) {
    bool cut = c->ended == QW_STOP_LENGTH || c->ended == QW_STOP_CONTEXT;
    flush_stream(c);
    flush_held(c);
    c->answering = false;
    c->resumable = cut;
}

/* A loop ends the answer; in a thought it ends the thought, once. */
static int end_loop(struct qw_chat *c, qw_error *err) {
    if (c->kind == QW_THOUGHT && c->closed == QW_CLOSE_MODEL &&
        close_thought(c, QW_CLOSE_LOOP, err) == 0)
        return 0;
    c->ended = QW_STOP_LOOP;
    end_answer(c);
    return 0;
}

/* ---- the interface ---- */

/* One token, told into what it is. 0, or a failure. */
static int step(struct qw_chat *c, qw_error *err) {
    int32_t id;
    int rc = draw(c, &id, err);
    if (rc < 0) return rc;
    c->fresh.n = 0;
    if (rc == 0) {
        end_answer(c);
        return 0;
    }
    if (in_header(c, id)) return 0;
    if (!c->raw && (id == c->marks.think_open || id == c->marks.think_close)) take_mark(c, id);
    else take_token(c, id);
    if (c->stopped) {
        c->ended = QW_STOP_TEXT;
        c->answering = false;
        return 0;
    }
    if (c->looped) return end_loop(c, err);
    if (c->thought_budget && c->kind == QW_THOUGHT && c->n_thought >= c->thought_budget)
        return close_thought(c, QW_CLOSE_BUDGET, err);
    return 0;
}

int qw_chat_next(qw_chat *c, qw_piece *piece, enum qw_stop *stop, qw_error *err) {
    enum qw_piece_kind kind = QW_THOUGHT;       /* where it is ready */
    if (!c->ready) c->piece.n = 0;
    c->ready = false;
    while (c->answering && c->piece.n == 0) {
        const struct turn *t = last_turn(c);
        kind = c->kind;
        int rc = step(c, err);
        if (rc < 0) return rc;
        if (c->fresh.oom || c->piece.oom || masked_oom(&t->drawn) || masked_oom(&t->answer) ||
            masked_oom(&t->thought) || masked_oom(&c->held))
            return fail_memory(err, "the answer", c->piece.n);
    }
    if (c->piece.n) {
        *piece = (qw_piece){kind, c->piece.p, c->piece.n};
        return 1;
    }
    if (stop) *stop = c->ended;
    return 0;
}

int qw_chat_cut(qw_chat *c, qw_error *err) {
    if (!c->answering) return fail(err, QW_EARG, "there is no answer to cut");
    settle_answer(c);
    c->resumable = true;
    return 0;
}

int qw_chat_continue(qw_chat *c, qw_error *err) {
    if (!c->resumable)
        return fail(err, QW_EARG, "there is no answer that was cut: nothing to continue");
    c->answering = true;
    c->resumable = false;
    c->n_dropped = 0;
    c->n_drawn = 0;
    return 0;
}

int qw_chat_answer_now(qw_chat *c, qw_error *err) {
    if (!c->answering || c->kind != QW_THOUGHT)
        return fail(err, QW_EARG, "there is no thought to close");
    c->piece.n = 0;
    int rc = close_thought(c, QW_CLOSE_NOW, err);
    c->ready = rc == 0;
    return rc;
}

enum qw_close qw_chat_closed(const qw_chat *c) { return c->closed; }
qw_usage qw_chat_usage(const qw_chat *c) { return c->usage; }
