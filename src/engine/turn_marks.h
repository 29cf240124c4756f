/* turn_marks.h - the control tokens that a chat template puts around turns and thoughts. */
#ifndef QW_TURN_MARKS_H
#define QW_TURN_MARKS_H
#include "chat/template_probe.h"
#include "text/tokenizer.h"

/* Token ids, -1: there is none. An answer ends at either of close and open. */
struct turn_marks {
    int32_t close, open;                /* <|im_end|>, <|im_start|> */
    int32_t think_open, think_close;    /* <think>, </think> */
    char warning[256];                  /* what is odd, or "" */
};

/* From the template's sample. QW_ETEMPLATE: what ends or opens a turn is no token here; t_name is
 * the template's name for messages. */
int turn_marks_find(struct turn_marks *out, const struct tokenizer *t,
                    const struct template_traits *traits, const char *t_name, qw_error *err);

#endif
