/* answer_end.c - why an answer ended: the words for it, and the exit code. */
#include <stdio.h>
#include "cli/answer.h"

const char *finish_reason(const struct answer *a) {
    if (a->stopped) return "interrupted";
    switch (a->stop) {
    case QW_STOP_LOOP: return "loop";
    case QW_STOP_CONTEXT: return "context";
    case QW_STOP_LENGTH: return "length";
    case QW_STOP_END: case QW_STOP_TEXT: break;
    }
    return a->answered ? "stop" : "empty";
}

/* Does the model think although it could be told not to? */
static bool thinks_by_choice(const struct generator *g) {
    if (!qw_chat_thinks(g->chat) || qw_chat_set_thinking(g->chat, 0, NULL)) return false;
    qw_chat_set_thinking(g->chat, 1, NULL);
    return true;
}

static int exit_code(const struct answer *a) {
    if (a->stopped) return EXIT_SIGINT;
    if (a->stop == QW_STOP_LOOP) return EXIT_LOOP;
    if (a->stop == QW_STOP_CONTEXT) return EXIT_CONTEXT;
    return a->answered ? 0 : EXIT_EMPTY;
}

/* ---- as messages ---- */

static void say_context_full(const struct answer *a) {
    const struct generator *g = a->g;
    char text[96];
    int now = qw_n_ctx_now(g->session);
    const char *what = a->answered ? "the answer was cut off" : "no answer";
    if (now < qw_n_ctx(g->session)) {
        say("%s: the context of %d tokens is full, and there is no memory for more", what, now);
        return;
    }
    const char *hint = room_hint(g, (size_t)now, text, sizeof text);
    say("%s: the context of %d tokens is full%s%s", what, now, hint ? "; " : "", hint ? hint : "");
}

/* What limits the length of an answer. */
static const char *limit_name(const struct generator *g) {
    return g->o.given.n_predict ? "-n" : "max_new_tokens";
}

static const char *stop_owner(const struct generator *g) {
    const int own = qw_info(g->model)->n_stop;
    if (own == 0) return "a text of --stop";
    return g->o.stop.n ? "a stop text" : "a stop text of generation_config.json";
}

static void say_cut(const struct generator *g) {
    int n = g->o.n_predict;
    const char *s = plural((size_t)n);
    if (g->o.given.n_predict) note("the answer was cut at %d token%s (-n)", n, s);
    else
        warning("the answer was cut at %d token%s, max_new_tokens of generation_config.json; "
                "-n -1 lets it end by itself", n, s);
}

static void say_empty(const struct answer *a) {
    const struct generator *g = a->g;
    const char *hint = thinks_by_choice(g) ? "; --no-think answers directly" : "";
    if (a->stop == QW_STOP_LENGTH && (a->thought || qw_chat_thinks(g->chat)))
        say("no answer: all %d tokens of %s went into thoughts%s", g->o.n_predict, limit_name(g),
            hint);
    else if (a->stop == QW_STOP_LENGTH)
        say("no answer: the %d tokens of %s have no text", g->o.n_predict, limit_name(g));
    else if (a->stop == QW_STOP_TEXT)
        say("no answer: it began with %s", stop_owner(g));
    else if (a->thought)
        say("no answer: it ended inside its thoughts%s", hint);
    else
        say("no answer: the model ended its turn at once");
}

static void say_end(const struct answer *a) {
    switch (exit_code(a)) {
    case EXIT_LOOP:
        say("%s: the model repeats itself; --no-loop-guard lets it go on",
            a->answered ? "the answer was stopped" : "no answer");
        break;
    case EXIT_CONTEXT: say_context_full(a); break;
    case EXIT_EMPTY: say_empty(a); break;
    case 0:
        if (a->stop == QW_STOP_LENGTH) say_cut(a->g);
        break;
    default: break;
    }
}

/* ---- in a conversation, as lines with what can be done about it ---- */

static void empty_line(const struct answer *a, struct variants *v) {
    const char *hint = thinks_by_choice(a->g) ? ", /nothink" : "";
    int n = a->g->o.n_predict;
    if (a->stop == QW_STOP_LENGTH)
        add_variant(v, "[no answer: cut at %d token%s (%s); /continue goes on]", n,
                    plural((size_t)n), limit_name(a->g));
    else if (a->stop == QW_STOP_TEXT)
        add_variant(v, "[no answer: it began with a stop text; /regen]");
    else if (a->thought)
        add_variant(v, "[no answer: it ended inside its thoughts; /regen%s]", hint);
    else
        add_variant(v, "[no answer: the model ended its turn at once; /regen]");
    if (a->stop == QW_STOP_LENGTH) add_variant(v, "[no answer; /continue]");
    else add_variant(v, "[no answer; /regen%s]", hint);
    add_variant(v, "[no answer]");
}

static void context_line(const struct answer *a, struct variants *v) {
    const struct generator *g = a->g;
    const char *what = a->answered || a->drawn_before ? "the answer was cut off" : "no answer";
    bool memory = qw_n_ctx_now(g->session) < qw_n_ctx(g->session);
    add_variant(v, "[context full%s: %s; /clear makes room]",
                memory ? ", and no memory for more" : "", what);
    add_variant(v, "[context full; /clear makes room]");
    add_variant(v, "[context full]");
}

static void loop_line(const struct answer *a, struct variants *v) {
    const char *what = a->answered ? "stopped" : "no answer";
    add_variant(v, "[%s: it repeats itself; /regen, or /set presence-penalty 1.5]", what);
    add_variant(v, "[%s: it repeats itself; /regen]", what);
    add_variant(v, "[it repeats itself]");
}

static void view_end(const struct answer *a) {
    struct variants v = {.n = 0};
    int n = a->g->o.n_predict;
    bool always = true;
    switch (exit_code(a)) {
    case EXIT_LOOP: loop_line(a, &v); break;
    case EXIT_CONTEXT: context_line(a, &v); break;
    case EXIT_EMPTY: empty_line(a, &v); break;
    case EXIT_SIGINT:
        add_variant(&v, "(stopped; /continue goes on)");
        add_variant(&v, "(stopped)");
        always = false;
        break;
    default:
        if (a->stop != QW_STOP_LENGTH) return;
        add_variant(&v, "[cut at %d token%s (%s); /continue goes on]", n, plural((size_t)n),
                    limit_name(a->g));
        add_variant(&v, "[cut at %d; /continue]", a->g->o.n_predict);
        add_variant(&v, "[cut]");
        always = false;
    }
    if (always || shows_notes()) view_line(a->g, &v);
}

int report_end(const struct answer *a) {
    if (a->g->person && a->g->talks && !a->g->o.json) view_end(a);
    else say_end(a);
    return exit_code(a);
}
