/* answer.h - one answer while it comes, for the files that show it:
 *
 *   answer.c        takes its pieces: printed or kept
 *   answer_view.c   what a person sees beside the text: progress, thoughts, statistics
 *   answer_end.c    why it ended, as words and as an exit code
 *   answer_json.c   the JSON object
 */
#ifndef QW_ANSWER_H
#define QW_ANSWER_H
#include "cli/generate.h"
#include "terminal/wrap.h"

struct answer {
    struct generator *g;
    struct text_out out, thoughts;      /* stdout, stderr */
    bool keep;                          /* text is printed when it is complete */
    struct text text, thought_text;     /* if keep */
    struct wrap wrap, thought_wrap;     /* of out and thoughts, on a terminal */
    bool answered;                      /* there was some text outside of thoughts */
    bool thought;                       /* there was some text in thoughts */
    bool in_thought;                    /* and the last piece was of that kind */
    bool newline;                       /* stdout is at the beginning of a line */
    bool hurried;                       /* a SIGINT has closed the thought */
    bool stopped;                       /* by a SIGINT */
    bool unread;                        /* and that before the prompt was read */
    enum qw_stop stop;
    struct live thinking;
    double thought_began;               /* monotonic_seconds */
    size_t drawn_before;                /* tokens of an answer that goes on */
    double prompt_seconds, seconds;
};

/* ---- answer_view.c ---- */

/* Wrap text to the terminal, if there is one. */
void view_begin(struct answer *a);
/* The terminal may have another size, or the process may have been stopped for a while. */
void view_follow(struct answer *a);
/* A piece of a thought has come. 0, or an exit code after a message. */
int  view_thought(struct answer *a, const qw_piece *piece);
/* The thought is over. */
void view_thought_end(struct answer *a);
/* The thought is being closed by a SIGINT. */
void view_hurry(struct answer *a);
/* After the text. */
void view_statistics(const struct answer *a);
void view_dropped(const struct answer *a);

/* ---- answer_end.c ---- */

/* The finish_reason of JSON. */
const char *finish_reason(const struct answer *a);
/* Say why the answer ended, if not by itself; the exit code. */
int  report_end(const struct answer *a);

#endif
