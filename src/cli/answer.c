/* answer.c - takes an answer as it comes: printed or kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/answer.h"
#include "cli/answer_json.h"
#include "cli/fenced.h"
#include "terminal/tty.h"

/* ---- pieces ---- */

static int take_thought(struct answer *a, const qw_piece *piece) {
    int rc = a->keep ? text_append(&a->thought_text, piece->text, piece->n, "the thought") : 0;
    return rc ? rc : view_thought(a, piece);
}

static int put_text(struct answer *a, const qw_piece *piece) {
    view_thought_end(a);
    a->answered = true;
    a->newline = piece->text[piece->n - 1] == '\n';
    if (a->keep) return text_append(&a->text, piece->text, piece->n, "the answer");
    int rc = text_put(&a->out, piece->text, piece->n);
    if (rc) a->newline = true;          /* nothing can be written any more */
    return rc;
}

/* A SIGINT has come. A person who sees the model think gets the answer now; else it is over. Only
 * one is used up: there may have been two since the last token, and the end of the thought, too, is
 * computed until one comes. */
static bool hurry(struct answer *a) {
    if (!a->g->person || a->hurried) return false;
    interrupted = interrupted - 1;
    a->hurried = true;
    view_hurry(a);                      /* to compute the end of the thought may take a while */
    return qw_chat_answer_now(a->g->chat, NULL) == 0;
}

/* All pieces, until the answer ends or is stopped. 0 or an exit code after a message. */
static int take_pieces(struct answer *a) {
    qw_error err;
    qw_piece piece;
    int rc = 0;
    while (rc == 0) {
        tty_collect();
        if (interrupted && !hurry(a)) {
            a->stopped = true;
            qw_chat_cut(a->g->chat, NULL);          /* fails if it was complete; no matter */
            break;
        }
        int more = qw_chat_next(a->g->chat, &piece, &a->stop, &err);
        view_follow(a);                             /* before the piece is shown */
        if (more < 0 && err.code == QW_ECANCEL) continue;       /* a SIGINT, within a token */
        if (more < 0) rc = generator_error(a->g, &err, NULL);
        if (more <= 0) break;
        rc = piece.kind == QW_THOUGHT ? take_thought(a, &piece) : put_text(a, &piece);
    }
    view_thought_end(a);
    return rc;
}

/* ---- the end ---- */

bool ends_turn_only(int rc) {
    return rc == EXIT_LOOP || rc == EXIT_CONTEXT || rc == EXIT_EMPTY;
}

/* Print what was kept. 0 or an exit code after a message. */
static int print_kept(struct answer *a) {
    const struct generator *g = a->g;
    if (g->o.extract && keep_first_fenced(&a->text))
        a->newline = a->text.n == 0 || a->text.p[a->text.n - 1] == '\n';
    if (g->o.json) {
        const struct json_answer json = {&a->text, &a->thought_text, finish_reason(a),
                                         qw_chat_usage(g->chat), a->prompt_seconds, a->seconds,
                                         a->drawn_before};
        return print_json_answer(g, &json);
    }
    return a->text.n ? text_put(&a->out, a->text.p, a->text.n) : 0;
}

static void keep_statistics(const struct answer *a) {
    struct last_turn *last = &a->g->last;
    last->usage = qw_chat_usage(a->g->chat);
    last->prompt_seconds = a->prompt_seconds;
    last->seconds = a->seconds;
    last->drawn = last->usage.completion_tokens - a->drawn_before;
    last->any = true;
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
    g->reading = reading_start();
    int failed = begin(g, turn, said, &err);
    a->prompt_seconds = reading_end(&g->reading);
    a->stopped = a->unread = failed && err.code == QW_ECANCEL;
    return failed && !a->stopped ? generator_error(g, &err, said) : 0;
}

static int take_answer(struct answer *a, enum turn turn, const struct text *said) {
    int rc = read_message(a, turn, said);
    a->g->last.unread = rc || a->unread;
    if (turn == TURN_CONTINUE) a->drawn_before = qw_chat_usage(a->g->chat).completion_tokens;
    view_begin(a);
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
    if (a->unread) return EXIT_SIGINT;
    keep_statistics(a);
    if (!a->stopped) view_statistics(a);
    view_dropped(a);
    return report_end(a);
}

int generate(struct generator *g, enum turn turn, const struct text *said) {
    struct answer a = {.g = g, .out = text_out(STDOUT_FILENO), .thoughts = text_out(STDERR_FILENO),
                       .keep = g->o.json || g->o.extract, .newline = true, .stop = QW_STOP_END};
    int rc = take_answer(&a, turn, said);
    free(a.text.p);
    free(a.thought_text.p);
    wrap_free(&a.wrap);
    wrap_free(&a.thought_wrap);
    tty_set_line(TTY_LINE_NONE);
    return rc;
}
