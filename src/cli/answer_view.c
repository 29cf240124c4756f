/* answer_view.c - what a person sees next to an answer: how far the thought is, thoughts in words,
 * statistics. All of it on stderr. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/answer.h"
#include "terminal/tty.h"

enum { THOUGHT_INDENT = 2, LEAST_COLUMNS = 10 };

static const char *dim(const struct generator *g) { return g->colour ? "\033[2m" : ""; }
static const char *plain(const struct generator *g) { return g->colour ? "\033[0m" : ""; }

void view_line(const struct generator *g, const struct variants *v) {
    struct text_out out = text_out(STDERR_FILENO);
    const char *line = fitting_line(v);
    fputs(dim(g), stderr);
    text_put(&out, line, strlen(line));
    text_end(&out);
    fprintf(stderr, "%s\n", plain(g));
    tty_set_line(TTY_LINE_NONE);
}

/* ---- wrapping ---- */

/* Text for fd, with so many blanks before each row, goes through w. */
static void set_wrap(struct text_out *out, struct wrap *w, size_t indent) {
    int columns, rows;
    tty_size(out->fd, &columns, &rows);
    wrap_resize(w, columns < LEAST_COLUMNS ? 0 : (size_t)columns);
    w->indent = columns < LEAST_COLUMNS ? 0 : indent;
    out->wrap = w;
}

void view_begin(struct answer *a) {
    const struct generator *g = a->g;
    if (!g->person || g->plain || g->o.wrap == WRAP_OFF || g->o.json) return;
    set_wrap(&a->out, &a->wrap, 0);
    set_wrap(&a->thoughts, &a->thought_wrap, THOUGHT_INDENT);
}

void view_follow(struct answer *a) {
    if (resized) {
        resized = 0;
        view_begin(a);
    }
    if (!resumed) return;
    resumed = 0;                        /* what was on the last row is a row of its own now */
    wrap_restart(&a->wrap);
    wrap_restart(&a->thought_wrap);
    a->thinking.shown = 0;
    a->thinking.next = 0;
}

/* ---- thoughts ---- */

static void show_progress(struct answer *a) {
    struct variants v = {.n = 0};
    if (!live_due(&a->thinking)) return;
    size_t n = qw_chat_usage(a->g->chat).reasoning_tokens;
    double t = monotonic_seconds() - a->thought_began;
    const char *keys = "", *key = "";
    if (a->hurried) {
        keys = "   ^C answering now";
        key = "  ^C: answering";
    } else if (a->g->person) {
        keys = "   Ctrl-C: answer now";
        key = "  ^C: answer";
    }
    add_variant(&v, "thinking: %zu token%s, %.0f s%s", n, plural(n), t, keys);
    add_variant(&v, "thinking: %zu tok, %.0f s%s", n, t, key);
    add_variant(&v, "thinking: %zu, %.0f s", n, t);
    add_variant(&v, "thinking: %.0f s", t);
    live_show(&a->thinking, &v);
}

/* Thoughts in words. */
static int put_thought(struct answer *a, const qw_piece *piece) {
    const struct generator *g = a->g;
    fputs(dim(g), stderr);              /* for each piece: no exit leaves it dim */
    fflush(stderr);
    int rc = text_put(&a->thoughts, piece->text, piece->n);
    fputs(plain(g), stderr);
    fflush(stderr);
    return rc;
}

static void begin_thought(struct answer *a) {
    const struct generator *g = a->g;
    a->thought_began = monotonic_seconds();
    if (!g->show_thoughts) a->thinking = live_start(g->plain || !g->person ? 1 : 0);
    else if (g->person) fprintf(stderr, "%sthinking:%s\n", dim(g), plain(g));
}

int view_thought(struct answer *a, const qw_piece *piece) {
    if (!a->in_thought) begin_thought(a);
    a->thought = a->in_thought = true;
    if (a->g->show_thoughts) return put_thought(a, piece);
    show_progress(a);
    return 0;
}

void view_hurry(struct answer *a) {
    a->thinking.next = 0;
    if (a->in_thought && a->g->show_thoughts) {
        fputs("\n", stderr);
        note("answering now");
    } else if (a->in_thought) {
        show_progress(a);
    }
}

/* What closed the thought, where that was not the model. */
static const char *closed_by(const struct answer *a) {
    switch (qw_chat_closed(a->g->chat)) {
    case QW_CLOSE_MODEL: break;
    case QW_CLOSE_NOW: return ", closed by Ctrl-C";
    case QW_CLOSE_BUDGET: return ", closed by --reasoning-budget";
    case QW_CLOSE_LOOP: return ", closed: it repeated itself";
    }
    return "";
}

void view_thought_end(struct answer *a) {
    struct generator *g = a->g;
    struct variants v = {.n = 0};
    if (!a->in_thought) return;
    a->in_thought = false;
    size_t n = qw_chat_usage(g->chat).reasoning_tokens;
    double t = monotonic_seconds() - a->thought_began;
    live_clear(&a->thinking);
    if (g->show_thoughts) {
        text_end(&a->thoughts);
        fputs(g->person ? "\n" : "\n\n", stderr);
    }
    if (!shows_notes()) return;
    if (!g->person) {                   /* there is no such line, but -v asks for its words */
        if (a->thinking.told || *closed_by(a))
            note("thought %zu token%s, %.0f s%s", n, plural(n), t, closed_by(a));
        return;
    }
    const char *more = g->show_thoughts || g->o.json ? "" : "   --show-thoughts shows it";
    if (g->talks && !g->show_thoughts) more = "   /thoughts shows it";
    add_variant(&v, "thought %zu token%s, %.0f s%s%s", n, plural(n), t, closed_by(a), more);
    add_variant(&v, "thought %zu token%s, %.0f s%s", n, plural(n), t, closed_by(a));
    add_variant(&v, "thought %zu token%s, %.0f s", n, plural(n), t);
    add_variant(&v, "thought %.0f s", t);
    view_line(g, &v);
    if (g->show_thoughts) fputs("\n", stderr);
}

int show_thought(const struct generator *g, const char *thought, size_t n) {
    struct generator copy = *g;
    struct answer a = {.g = &copy, .thoughts = text_out(STDERR_FILENO)};
    view_begin(&a);
    const qw_piece piece = {QW_THOUGHT, thought, n};
    int rc = put_thought(&a, &piece);
    if (!rc) rc = text_end(&a.thoughts);
    fputs("\n", stderr);
    wrap_free(&a.wrap);
    wrap_free(&a.thought_wrap);
    tty_set_line(TTY_LINE_NONE);
    return rc;
}

/* ---- statistics ---- */

static double per_second(size_t n, double seconds) { return seconds > 0 ? (double)n / seconds : 0; }

void view_statistics(const struct answer *a) {
    const struct generator *g = a->g;
    const qw_usage u = qw_chat_usage(g->chat);
    struct variants v = {.n = 0};
    double speed = per_second(g->last.drawn, g->last.seconds);
    if (g->o.verbose) {
        note("prompt %zu tokens (%zu in all), %.2f s; answer %zu tokens, %.1f tokens/s",
             u.prompt_tokens - u.cached_tokens, u.prompt_tokens, a->prompt_seconds,
             u.completion_tokens, speed);
        return;
    }
    if (!g->person || !shows_notes() || g->o.json || !a->answered) return;
    size_t n = u.completion_tokens - u.reasoning_tokens, used = qw_n_tokens(g->session);
    int most = qw_n_ctx(g->session);
    add_variant(&v, "[%zu token%s, %.1f/s, context %zu of %d]", n, plural(n), speed, used,
                most);
    add_variant(&v, "[%zu tok, %.1f/s, %zu/%d]", n, speed, used, most);
    add_variant(&v, "[%zu tok, %.1f/s]", n, speed);
    add_variant(&v, "[%zu tok]", n);
    fputs("\n", stderr);
    view_line(g, &v);
}

void view_dropped(const struct answer *a) {
    const struct generator *g = a->g;
    size_t n = qw_chat_dropped(g->chat), left = qw_chat_turns(g->chat), all = n + left;
    struct variants v = {.n = 0};
    if (n == 0) return;
    if (!g->person || !g->talks) {
        note("context full: the oldest %zu of %zu turns were dropped (--context-full stop refuses)",
             n, all);
        return;
    }
    if (!shows_notes()) return;
    add_variant(&v, "[context full: the oldest %zu of %zu turns dropped; --context-full stop "
                "refuses]", n, all);
    add_variant(&v, "[context full: %zu of %zu turns dropped]", n, all);
    add_variant(&v, "[%zu turns dropped]", n);
    view_line(g, &v);
}
