/* answer.c - an answer as it comes: printed or kept, and why it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/answer_json.h"
#include "cli/fenced.h"
#include "cli/generate.h"
#include "cli/progress.h"

struct answer {
    struct generator *g;
    struct text_out out, thoughts;      /* stdout, stderr */
    bool keep;                          /* text is printed when it is complete */
    struct text text, thinking;         /* if keep; thinking for --json only */
    bool answered;                      /* there was some text outside of thoughts */
    bool thought;                       /* there was some text in thoughts */
    bool in_thought;                    /* and the last piece was of that kind */
    bool newline;                       /* stdout is at the beginning of a line */
    bool hurried;                       /* a SIGINT has closed the thought */
    bool close_told;                    /* it has been said what closed the thought */
    bool stopped;                       /* by a SIGINT */
    enum qw_stop stop;
    double prompt_seconds, seconds;
};

/* ---- pieces ---- */

static int put_thought(struct answer *a, const qw_piece *piece) {
    const struct generator *g = a->g;
    a->thought = a->in_thought = true;
    if (g->o.json) {
        int rc = text_append(&a->thinking, piece->text, piece->n, "the answer");
        if (rc) return rc;
    }
    if (!g->show_thoughts) return 0;
    if (g->colour) fputs("\033[2m", stderr);        /* for each piece: no exit leaves it dim */
    fflush(stderr);
    int rc = text_put(&a->thoughts, piece->text, piece->n);
    if (g->colour) fputs("\033[0m", stderr);
    fflush(stderr);
    return rc;
}

/* Before the answer, or at its end. */
static void end_thought(struct answer *a) {
    const struct generator *g = a->g;
    enum qw_close closed = qw_chat_closed(g->chat);
    if (a->in_thought && g->show_thoughts) fputs("\n\n", stderr);
    a->in_thought = false;
    if (a->close_told) return;
    a->close_told = closed != QW_CLOSE_MODEL;
    if (closed == QW_CLOSE_BUDGET)
        note("the thought was closed after %d tokens (--reasoning-budget)", g->o.budget);
    if (closed == QW_CLOSE_LOOP)
        note("the thought repeated itself and was closed (--no-loop-guard lets it go on)");
}

static int put_text(struct answer *a, const qw_piece *piece) {
    end_thought(a);
    a->answered = true;
    a->newline = piece->text[piece->n - 1] == '\n';
    if (a->keep) return text_append(&a->text, piece->text, piece->n, "the answer");
    return text_put(&a->out, piece->text, piece->n);
}

/* A SIGINT has come. A person who sees the model think gets the answer now; else it is over. */
static bool hurry(struct answer *a) {
    if (!a->g->person || a->hurried || qw_chat_answer_now(a->g->chat, NULL)) return false;
    a->hurried = true;
    interrupted = 0;
    if (a->in_thought && a->g->show_thoughts) fputs("\n", stderr);
    note("answering now");
    return true;
}

/* All pieces, until the answer ends or is stopped. 0 or an exit code after a message. */
static int take_pieces(struct answer *a) {
    qw_error err;
    qw_piece piece;
    int rc = 0;
    while (rc == 0) {
        if (interrupted && !hurry(a)) {
            a->stopped = true;
            qw_chat_cut(a->g->chat, NULL);          /* fails if it was complete; no matter */
            break;
        }
        int more = qw_chat_next(a->g->chat, &piece, &a->stop, &err);
        if (more < 0) rc = generator_error(a->g, &err, NULL);
        if (more <= 0) break;
        rc = piece.kind == QW_THOUGHT ? put_thought(a, &piece) : put_text(a, &piece);
    }
    end_thought(a);
    return rc;
}

/* ---- the end ---- */

static const char *finish_reason(const struct answer *a) {
    if (a->stopped) return "interrupted";
    switch (a->stop) {
    case QW_STOP_LOOP: return "loop";
    case QW_STOP_CONTEXT: return "context";
    case QW_STOP_LENGTH: return "length";
    case QW_STOP_END: case QW_STOP_TEXT: break;
    }
    return a->answered ? "stop" : "empty";
}

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

/* Does the model think although it could be told not to? */
static bool thinks_by_choice(const struct generator *g) {
    if (!qw_chat_thinks(g->chat) || qw_chat_set_thinking(g->chat, 0, NULL)) return false;
    qw_chat_set_thinking(g->chat, 1, NULL);
    return true;
}

static void say_empty(const struct answer *a) {
    const struct generator *g = a->g;
    const char *hint = thinks_by_choice(g) ? "; --no-think answers directly" : "";
    if (a->stop == QW_STOP_LENGTH && (a->thought || qw_chat_thinks(g->chat)))
        say("no answer: all %d tokens of -n went into thoughts%s", g->o.n_predict, hint);
    else if (a->stop == QW_STOP_LENGTH)
        say("no answer: the %d tokens of -n have no text", g->o.n_predict);
    else if (a->stop == QW_STOP_TEXT)
        say("no answer: it began with a text of --stop");
    else if (a->thought)
        say("no answer: it ended inside its thoughts%s", hint);
    else
        say("no answer: the model ended its turn at once");
}

/* Say why the answer ended, if not by itself; the exit code. */
static int report_end(const struct answer *a) {
    if (a->stopped) return EXIT_SIGINT;
    switch (a->stop) {
    case QW_STOP_LOOP:
        say("%s: the model repeats itself; --no-loop-guard lets it go on",
            a->answered ? "the answer was stopped" : "no answer");
        return EXIT_LOOP;
    case QW_STOP_CONTEXT:
        say_context_full(a);
        return EXIT_CONTEXT;
    case QW_STOP_LENGTH: case QW_STOP_END: case QW_STOP_TEXT: break;
    }
    if (!a->answered) {
        say_empty(a);
        return EXIT_EMPTY;
    }
    if (a->stop == QW_STOP_LENGTH) note("the answer was cut at %d tokens (-n)", a->g->o.n_predict);
    return 0;
}

bool ends_turn_only(int rc) {
    return rc == EXIT_LOOP || rc == EXIT_CONTEXT || rc == EXIT_EMPTY;
}

/* Print what was kept. 0 or an exit code after a message. */
static int print_kept(struct answer *a) {
    const struct generator *g = a->g;
    if (g->o.extract && keep_first_fenced(&a->text))
        a->newline = a->text.n == 0 || a->text.p[a->text.n - 1] == '\n';
    if (g->o.json) {
        const struct json_answer json = {&a->text, &a->thinking, finish_reason(a),
                                         qw_chat_usage(g->chat), a->prompt_seconds, a->seconds};
        return print_json_answer(g, &json);
    }
    return a->text.n ? text_put(&a->out, a->text.p, a->text.n) : 0;
}

static void note_statistics(const struct answer *a) {
    const struct generator *g = a->g;
    qw_usage u = qw_chat_usage(g->chat);
    if (!g->o.verbose) return;
    note("prompt %zu tokens (%zu in all), %.2f s; answer %zu tokens, %.1f tokens/s",
         u.prompt_tokens - u.cached_tokens, u.prompt_tokens, a->prompt_seconds,
         u.completion_tokens, a->seconds > 0 ? (double)u.completion_tokens / a->seconds : 0.0);
}

static void note_dropped(const struct generator *g) {
    size_t n = qw_chat_dropped(g->chat);
    if (n)
        note("context full: the oldest %zu turns were dropped, %zu are left (--context-full stop "
             "refuses)", n, qw_chat_turns(g->chat));
}

/* ---- a turn ---- */

static int begin(const struct generator *g, enum turn turn, const struct text *said,
                 qw_error *err) {
    switch (turn) {
    case TURN_REGENERATE: return qw_chat_regenerate(g->chat, err);
    case TURN_CONTINUE: return qw_chat_continue(g->chat, err);
    case TURN_SAY: break;
    }
    return qw_chat_say(g->chat, said->p, said->n, err);
}

/* Compute up to where the answer begins. 0 or an exit code after a message; a->stopped is set if a
 * SIGINT came. */
static int read_message(struct answer *a, enum turn turn, const struct text *said) {
    struct generator *g = a->g;
    qw_error err;
    if (turn == TURN_SAY) {
        int rc = check_message(g, said);
        if (rc) return rc;
    }
    g->started = monotonic_seconds();
    int failed = begin(g, turn, said, &err);
    a->prompt_seconds = monotonic_seconds() - g->started;
    if (g->progress && a->prompt_seconds > 1) fputs("\r\033[K", stderr);
    a->stopped = failed && err.code == QW_ECANCEL;
    return failed && !a->stopped ? generator_error(g, &err, said) : 0;
}

static int take_answer(struct answer *a, enum turn turn, const struct text *said) {
    int rc = read_message(a, turn, said);
    if (!rc && !a->stopped) {
        double begun = monotonic_seconds();
        rc = take_pieces(a);
        a->seconds = monotonic_seconds() - begun;
        if (rc && a->keep) return rc;           /* an error gives no object, and no half block */
    }
    if (!rc && a->keep) rc = print_kept(a);
    if (!a->newline && !a->g->o.json) {
        int failed = text_end(&a->out);
        if (!failed) failed = write_stdout("\n", 1);
        if (!rc) rc = failed;
    }
    if (rc) return rc;
    if (!a->stopped) note_statistics(a);
    note_dropped(a->g);
    return report_end(a);
}

int generate(struct generator *g, enum turn turn, const struct text *said) {
    struct answer a = {.g = g, .out = text_out(STDOUT_FILENO), .thoughts = text_out(STDERR_FILENO),
                       .keep = g->o.json || g->o.extract, .newline = true, .stop = QW_STOP_END};
    int rc = take_answer(&a, turn, said);
    free(a.text.p);
    free(a.thinking.p);
    return rc;
}
