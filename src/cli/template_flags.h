/* template_flags.h - the flags of a chat template, and what they come to. */
#ifndef QW_TEMPLATE_FLAGS_H
#define QW_TEMPLATE_FLAGS_H
#include "cli/flags.h"

struct template_flags {
    const char *name;           /* of the template, or a file */
    const char *file;           /* the file, where it was given as such */
    const char *kwargs;         /* a JSON object */
    const char *date;
    struct string_list vars;    /* NAME=JSON each */
    char *path, *json;          /* made of these: owned */
};

/* Fill the first N_TEMPLATE_FLAGS places of a command's table of flags. */
enum { N_TEMPLATE_FLAGS = 5 };
void set_template_flags(struct flag *flags, struct template_flags *to);
void template_flags_free(struct template_flags *f);

/* Set chat_template, template_vars and date of params, which point into f. 0, or an exit code after
 * a message. */
int  use_template_flags(struct template_flags *f, qw_chat_params *params);

/* The hint that helps with an error of a template, or NULL. */
const char *template_hint(const qw_error *err);

#endif
