/* template.h - a conversation rendered with a chat template. */
#ifndef QW_TEMPLATE_H
#define QW_TEMPLATE_H
#include "chat/jinja/jinja.h"

/* ---- templates of our own (template_builtin.c) ---- */

/* "hybrid", "instruct2507", "thinking2507": what the models of these names ship with, as Jinja text
 * that renders the same bytes. NULL: there is none of that name. */
const char *template_builtin(const char *name);
#define TEMPLATE_BUILTINS "hybrid, instruct2507, thinking2507"

/* ---- rendering (template.c) ---- */

enum { N_SPECIAL_TOKENS = 7 };
/* "bos_token", "eos_token", ...: names of variables with the tokenizer's special tokens. */
extern const char *const special_token_names[N_SPECIAL_TOKENS];

/* What a template gets beside the conversation. */
struct template_settings {
    const char *special_tokens[N_SPECIAL_TOKENS];   /* NULL: undefined */
    const char *date;           /* YYYY-MM-DD, a day that exists: what strftime_now tells */
    bool date_given;            /* asked for by name: date_string is defined, too */
    const char *variables;      /* a JSON object with more variables, or NULL */
};

/* A text of the conversation: n bytes of UTF-8. control: n bytes, nonzero where the byte belongs to
 * a control token (see struct rendered); NULL: nowhere. p NULL: there is no such text. */
struct chat_text { const char *p; size_t n; const unsigned char *control; };

/* reasoning: reasoning_content of an assistant. */
struct chat_message {
    const char *role;
    struct chat_text content, reasoning;
};

struct conversation {
    const struct chat_message *messages;
    size_t n_messages;
    bool add_generation_prompt;
    int thinking;               /* enable_thinking: 0 false, 1 true, -1 not given */
};

/* A rendered conversation. control has as many bytes as text: 1 where the template itself wrote
 * the byte or where the control of a conversation's text is nonzero. Only there may added tokens
 * such as <|im_end|> be recognised; elsewhere the same characters are text. The mask says
 * nothing else: ordinary text is to be tokenized across its edges, as one. */
struct rendered { struct buf text, control; };

/* Render into *out, which is empty ({0}) before, and after a failure. QW_ETEMPLATE with the place
 * in the template where something went wrong; QW_EFORMAT for settings->variables that are not a
 * JSON object. */
int template_render(struct rendered *out, const struct jinja *t,
                    const struct template_settings *settings, const struct conversation *c,
                    qw_error *err);
void rendered_free(struct rendered *r);

/* The same from JSON: an object whose members are the template's variables: messages, tools,
 * documents, add_generation_prompt (false if absent), enable_thinking, and any other. Members of
 * its chat_template_kwargs are variables, too. Nothing in it is control but roles, which must be
 * words: letters, digits, _ and -. QW_EFORMAT names what is wrong: messages[2].role: ...;
 * QW_EUNSUPPORTED for continue_final_message. */
int template_render_json(struct rendered *out, const struct jinja *t,
                         const struct template_settings *settings, const struct json *j,
                         qw_error *err);

/* Is it a day of the calendar, as YYYY-MM-DD? */
bool is_date(const char *text);

#endif
