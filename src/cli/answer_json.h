/* answer_json.h - an answer as a JSON object. */
#ifndef QW_ANSWER_JSON_H
#define QW_ANSWER_JSON_H
#include "cli/generate.h"

/* What the conversation does not know of it. */
struct json_answer {
    const struct text *text, *thinking;
    const char *finish_reason;
    qw_usage usage;
    double prompt_seconds, answer_seconds;
    size_t drawn_before;        /* of its tokens, before it went on */
};

/* Print it on one line of stdout. 0, or an exit code after a message. */
int  print_json_answer(const struct generator *g, const struct json_answer *a);

#endif
