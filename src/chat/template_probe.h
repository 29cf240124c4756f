/* template_probe.h - what a chat template does, found by rendering small conversations with it. */
#ifndef QW_TEMPLATE_PROBE_H
#define QW_TEMPLATE_PROBE_H
#include "chat/template.h"

enum template_thinks {
    THINKS_NEVER,               /* the prompt closes an empty thought, or there is no word of any */
    THINKS_ALWAYS,              /* the prompt opens a thought, whatever enable_thinking is */
    THINKS_BY_DEFAULT,          /* enable_thinking=false stops it */
    THINKS_IF_TOLD,             /* enable_thinking=true starts it */
    THINKS_AS_IT_LIKES          /* no switch, but thoughts in the history are known */
};

struct template_traits {
    enum template_thinks thinks;
    bool opens_thought;         /* the prompt of an answer ends inside a thought */
    bool takes_reasoning;       /* reasoning_content of a message is rendered */
    bool keeps_thoughts;        /* also of earlier turns */
    bool takes_system;          /* a system message is rendered */
    bool has_system;            /* without one there is some system text all the same */
    bool takes_tools;
    bool prompts;               /* add_generation_prompt adds something */
    /* two turns and the prompt of an answer; between the first answer and the second question lie
     * bytes end_at .. end_at + end_n, which end the one turn and open the other */
    struct rendered sample;
    size_t end_at, end_n;
};

/* QW_ETEMPLATE: not even a conversation of one message can be rendered. */
int  template_probe(struct template_traits *out, const struct jinja *t,
                    const struct template_settings *settings, qw_error *err);
void template_traits_free(struct template_traits *t);

#endif
