/* template_flags.c - the flags of a chat template, and what they come to. */
#include "cli/template_flags.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void set_template_flags(struct flag *flags, struct template_flags *to) {
    const struct flag all[N_TEMPLATE_FLAGS] = {
        {.heading = "Chat template", .names = "--template --chat-template", .value = "NAME",
         .type = FLAG_PATH, .to = &to->name,
         .help = "chat template: hybrid, instruct2507, thinking2507, one of the model's own, "
                 "FILE.jinja, or none: continue the text as it is"},
        {.names = "--chat-template-file", .value = "FILE", .type = FLAG_PATH, .to = &to->file,
         .help = "chat template from a file of any name"},
        {.names = "--template-var", .value = "NAME=JSON", .type = FLAG_STRINGS, .to = &to->vars,
         .help = "a variable for the template; may be repeated"},
        {.names = "--chat-template-kwargs", .value = "JSON", .type = FLAG_STRING,
         .to = &to->kwargs, .help = "the same, all in one object: {\"NAME\": VALUE, ...}"},
        {.names = "--date", .value = "YYYY-MM-DD", .type = FLAG_STRING, .to = &to->date,
         .env = "QW_DATE", .help = "the day that the template is told; default today"},
    };
    for (int i = 0; i < N_TEMPLATE_FLAGS; i++) flags[i] = all[i];
}

void template_flags_free(struct template_flags *f) {
    free(f->vars.list);
    free(f->path);
    free(f->json);
}

static bool is_name(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] | 32) >= 'a' && (s[i] | 32) <= 'z';
        if (!letter && s[i] != '_' && (i == 0 || s[i] < '0' || s[i] > '9')) return false;
    }
    return n > 0;
}

/* {"NAME":JSON,...} of --template-var. The engine checks the JSON. */
static int join_vars(struct template_flags *f) {
    size_t size = 3, n = 1;
    for (int i = 0; i < f->vars.n; i++) size += strlen(f->vars.list[i]) + 4;
    f->json = malloc(size);
    if (!f->json) return memory_error("--template-var");
    f->json[0] = '{';
    for (int i = 0; i < f->vars.n; i++) {
        const char *var = f->vars.list[i], *value = strchr(var, '=');
        if (!value || !is_name(var, (size_t)(value - var)))
            return usage_error("--template-var: '%s' is not NAME=JSON", var);
        n += (size_t)snprintf(f->json + n, size - n, "%s\"%.*s\":%s", i ? "," : "",
                              (int)(value - var), var, value + 1);
    }
    snprintf(f->json + n, size - n, "}");
    return 0;
}

/* A file's name must have a slash, or it could be the name of a template. */
static int use_file(struct template_flags *f, qw_chat_params *params) {
    params->chat_template = f->file;
    if (strchr(f->file, '/')) return 0;
    size_t size = strlen(f->file) + 3;
    f->path = malloc(size);
    if (!f->path) return memory_error("--chat-template-file");
    snprintf(f->path, size, "./%s", f->file);
    params->chat_template = f->path;
    return 0;
}

int use_template_flags(struct template_flags *f, qw_chat_params *params) {
    if (f->name && f->file)
        return usage_error("--template and --chat-template-file are the same: give one of them");
    if (f->vars.n && f->kwargs)
        return usage_error("--template-var and --chat-template-kwargs are the same: give one of "
                           "them");
    if ((f->vars.n || f->kwargs) && f->name && strcmp(f->name, "none") == 0)
        return usage_error("%s: --template none has no variables",
                           f->kwargs ? "--chat-template-kwargs" : "--template-var");
    params->chat_template = f->name;
    params->template_vars = f->kwargs;
    params->date = f->date;
    int rc = f->file ? use_file(f, params) : 0;
    if (!rc && f->vars.n) {
        rc = join_vars(f);
        params->template_vars = f->json;
    }
    return rc;
}

const char *template_hint(const qw_error *err) {
    if (err->code == QW_EFORMAT && strstr(err->message, "the template's variables"))
        return "values are JSON, so texts are in double quotes";
    if (err->code == QW_ETEMPLATE)
        return "--template NAME chooses another one";
    return NULL;
}
