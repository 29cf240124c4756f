/* chat_templates.h - the chat templates of a model, as transformers finds them. */
#ifndef QW_CHAT_TEMPLATES_H
#define QW_CHAT_TEMPLATES_H
#include "chat/template.h"
#include "model/model_files.h"

/* A template as it lies in the model's files; source: which file that is. */
struct named_template { char *name, *source; struct buf text; };

/* chat_template.jinja ("default") and additional_chat_templates/NAME.jinja; without any of those
 * "chat_template" of tokenizer_config.json, which is a text ("default") or a list of
 * {"name", "template"}. */
struct chat_templates {
    struct named_template *list;
    size_t n;
    char *special_tokens[N_SPECIAL_TOKENS];     /* NULL: the tokenizer has none */
    qw_error error;             /* why n is 0 */
};

/* Whatever is wrong with the templates goes to out->error; only a file that cannot be read or is no
 * JSON is an error of its own. */
int  chat_templates_load(struct chat_templates *out, const struct model_files *files,
                         qw_error *err);
void chat_templates_free(struct chat_templates *c);

/* Parse a template. name: one of the list; one of our own (template_builtin); or a file, whose name
 * has a slash or ends in .jinja. NULL: "tool_use" if there are tools and one of that name, else
 * "default". c may be NULL: no model. QW_ETEMPLATE: it cannot be parsed, or there is none;
 * QW_EARG: an unknown name; QW_EIO. */
int  chat_template_open(struct jinja **out, const struct chat_templates *c, const char *name,
                        bool tools, qw_error *err);
/* What the templates of c get beside the conversation; c NULL: Qwen3's own special tokens. date:
 * YYYY-MM-DD or NULL for today, which is then written to today. QW_EARG for what is no date. */
int  template_settings_fill(struct template_settings *out, const struct chat_templates *c,
                            const char *date, const char *variables, char today[16],
                            qw_error *err);

#endif
