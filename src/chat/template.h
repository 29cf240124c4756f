/* template.h - Qwen3's chat templates, rendered in C.
 *
 *   hybrid        0.6B ... 32B and Base: thinks unless told not to; thoughts stay in the history
 *                 only within a run of tool calls
 *   instruct2507  no thoughts: an assistant's content is rendered as it is
 *   thinking2507  hybrid's history; the prompt for the answer always opens <think>
 *
 * The reference is the Jinja text that the models ship with (its current revision), run as
 * Hugging Face's transformers does. */
#ifndef QW_TEMPLATE_H
#define QW_TEMPLATE_H
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

enum chat_template {
    TEMPLATE_HYBRID,
    TEMPLATE_INSTRUCT2507,
    TEMPLATE_THINKING2507,
    TEMPLATE_COUNT
};

const char *template_name(enum chat_template t);
int template_from_name(enum chat_template *out, const char *name, qw_error *err);   /* QW_EARG */

/* ---- recognising (template_detect.c) ---- */

/* Recognises a checkpoint's own template (n bytes of Jinja) by its features. QW_EUNSUPPORTED
 * names the feature that does not fit; QW_ENOMEM. */
int template_detect(enum chat_template *out, const char *jinja, size_t n, qw_error *err);
/* The same for the "chat_template" of a tokenizer_config.json of n bytes: a string, or a list of
 * {"name","template"} of which "default" counts. Also QW_EFORMAT where it is not JSON, or the
 * value is neither. */
int template_detect_config(enum chat_template *out, const char *text, size_t n, qw_error *err);

/* ---- rendering (template.c) ---- */

/* A text of the conversation: n bytes of UTF-8. control: n bytes, nonzero where the
 * byte belongs to a control token (see struct rendered); NULL: nowhere. p NULL: there is no such
 * text (null in JSON), which is not the same as an empty one. */
struct chat_text { const char *p; size_t n; const unsigned char *control; };

/* arguments is put out as it is: JSON, as template_json_text writes it. */
struct chat_call { struct chat_text name, arguments; };

enum chat_role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL };

struct chat_message {
    enum chat_role role;
    struct chat_text content;       /* none: rendered as '', and not a query of the user */
    /* reasoning_content; none: hybrid and thinking2507 look for it in the content, before
     * </think> */
    struct chat_text reasoning;
    const struct chat_call *calls;  /* of an assistant */
    size_t n_calls;
};

struct conversation {
    const struct chat_message *messages;
    size_t n_messages;              /* at least one */
    const struct chat_text *tools;  /* each the JSON text of one tool, on one line */
    size_t n_tools;
    bool add_generation_prompt;
    /* enable_thinking: 0 false, 1 true, -1 not given; only hybrid looks at it, and only for 0 */
    int thinking;
};

/* A rendered conversation. control has as many bytes as text: 1 where the template itself wrote
 * the byte or where the control of a conversation's text is nonzero. Only there may added tokens
 * such as <|im_end|> be recognised; elsewhere the same characters are text. The mask says
 * nothing else: ordinary text is to be tokenized across its edges, as one. */
struct rendered { struct buf text, control; };

/* Render into *out, which is empty ({0}) before. 0, QW_EARG for no messages, or QW_ENOMEM; then
 * *out is empty again. */
int template_render(struct rendered *out, enum chat_template t, const struct conversation *c,
                    qw_error *err);
void rendered_free(struct rendered *r);

/* The same from JSON: {"messages":[...], "tools":[...], "enable_thinking":bool,
 * "add_generation_prompt":bool}, all but messages may be absent or null. As apply_chat_template
 * has it: add_generation_prompt is false unless given; keys that no template reads are ignored,
 * here and in messages; content that is not a string (null, absent, a list of parts) is ''; tool
 * calls may be {"function":{"name","arguments"}} or {"name","arguments"}. Nothing in it is
 * control. Refused although Jinja would go on: a role that the templates would skip, values of a
 * wrong type, calls without name or arguments; and, because ignoring them would change the text,
 * continue_final_message and chat_template_kwargs. Those are QW_EFORMAT (QW_EUNSUPPORTED for the
 * last two) with a message such as: messages[2].role: a string was expected, not null. */
int template_render_json(struct rendered *out, enum chat_template t, const struct json *j,
                         qw_error *err);

/* Append a JSON value as Python's json.dumps(x, ensure_ascii=False) writes it: ", " and ": ",
 * strings escaped no more than needed, of equal keys the first one's place and the last one's
 * value; numbers keep their spelling. QW_ENOMEM. */
int  template_json_text(struct buf *out, const struct json *j, uint32_t node, qw_error *err);

#endif
