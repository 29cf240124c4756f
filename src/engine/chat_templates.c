/* chat_templates.c - the chat templates of a model, as transformers finds them. */
#include "engine/chat_templates.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/alloc.h"
#include "base/json.h"

#define MAX_TEMPLATE_FILE (UINT64_C(8) << 20)

/* ---- finding ---- */

static int add_template(struct chat_templates *c, const char *name, size_t n_name,
                        const char *source, const void *text, size_t n, qw_error *err) {
    struct named_template *more = realloc(c->list, (c->n + 1) * sizeof *more);
    if (!more) return fail_memory(err, "chat templates", (c->n + 1) * sizeof *more);
    c->list = more;
    struct named_template *t = &more[c->n++];
    *t = (struct named_template){.name = strndup(name, n_name), .source = strdup(source)};
    buf_put(&t->text, text, n);
    if (t->name && t->source && !t->text.oom) return 0;
    return fail_memory(err, "a chat template", n);
}

static void free_list(struct chat_templates *c) {
    for (size_t i = 0; i < c->n; i++) {
        free(c->list[i].name);
        free(c->list[i].source);
        buf_free(&c->list[i].text);
    }
    free(c->list);
    c->list = NULL;
    c->n = 0;
}

/* name: of the file among the model's; as: of the template. */
static int add_file(struct chat_templates *c, const struct model_files *files, const char *name,
                    const char *as, size_t n_as, qw_error *err) {
    struct file f;
    char *path;
    int rc = model_file_read(files, name, &f, &path, err);
    if (!rc && f.data) rc = add_template(c, as, n_as, path, f.data, (size_t)f.size, err);
    file_close(&f);
    free(path);
    return rc;
}

static int add_files(struct chat_templates *c, const struct model_files *files, qw_error *err) {
    struct name_list names = {0};
    int rc = add_file(c, files, "chat_template.jinja", "default", 7, err);
    if (!rc) rc = model_files_list(files, MORE_TEMPLATES, ".jinja", &names, err);
    for (size_t i = 0; !rc && i < names.n; i++) {
        const char *as = names.list[i] + sizeof MORE_TEMPLATES;
        rc = add_file(c, files, names.list[i], as, strlen(as) - strlen(".jinja"), err);
    }
    free_names(&names);
    return rc;
}

static int add_string(struct chat_templates *c, const struct json *j, uint32_t name, uint32_t text,
                      const char *path, qw_error *err) {
    struct buf as = {0}, value = {0};
    if (name) json_string(j, name, &as);
    else buf_str(&as, "default");
    json_string(j, text, &value);
    int rc = as.oom || value.oom ? fail_memory(err, "a chat template", j->nodes[text].len) : 0;
    if (!rc) rc = add_template(c, as.p ? as.p : "", as.n, path, value.p, value.n, err);
    buf_free(&as);
    buf_free(&value);
    return rc;
}

/* The "chat_template" of tokenizer_config.json. */
static int add_config(struct chat_templates *c, const struct json *j, const char *path,
                      qw_error *err) {
    uint32_t v = json_get(j, 0, "chat_template");
    int rc = 0;
    if (!v || json_type(j, v) == JSON_NULL) return 0;
    if (json_type(j, v) == JSON_STRING) return add_string(c, j, 0, v, path, err);
    if (json_type(j, v) != JSON_ARRAY)
        return fail(err, QW_ETEMPLATE, "%s: chat_template is neither a text nor a list", path);
    for (uint32_t i = v + 1; !rc && i < json_end(j, v); i = json_next(j, i)) {
        uint32_t name = json_get(j, i, "name"), text = json_get(j, i, "template");
        bool good = name && text && json_type(j, name) == JSON_STRING &&
                    json_type(j, text) == JSON_STRING;
        if (!good)
            return fail(err, QW_ETEMPLATE,
                        "%s: chat_template is a list, but not of {\"name\", \"template\"}", path);
        rc = add_string(c, j, name, text, path, err);
    }
    return rc;
}

/* A special token is a text, or an object with a "content"; null takes away what an earlier file
 * has. */
static int read_special_tokens(struct chat_templates *c, const struct json *j, qw_error *err) {
    for (int i = 0; i < N_SPECIAL_TOKENS; i++) {
        uint32_t v = json_get(j, 0, special_token_names[i]);
        struct buf text = {0};
        if (!v) continue;
        free(c->special_tokens[i]);
        c->special_tokens[i] = NULL;
        if (json_type(j, v) == JSON_OBJECT) v = json_get(j, v, "content");
        if (!v || json_type(j, v) != JSON_STRING) continue;
        json_string(j, v, &text);
        buf_char(&text, 0);
        if (text.oom) return fail_memory(err, "a special token", j->nodes[v].len);
        c->special_tokens[i] = text.p;
    }
    return 0;
}

/* special_tokens_map.json overrides tokenizer_config.json, but only where that has no
 * added_tokens_decoder (transformers' "Merging added tokens"). */
static int read_special_map(struct chat_templates *c, const struct model_files *files,
                            qw_error *err) {
    struct file f;
    struct json j;
    char *path;
    int rc = model_file_read(files, "special_tokens_map.json", &f, &path, err);
    if (!rc && f.data && !(rc = json_parse(&j, (const char *)f.data, (size_t)f.size, path, err))) {
        rc = read_special_tokens(c, &j, err);
        json_free(&j);
    }
    file_close(&f);
    free(path);
    return rc;
}

static int read_config(struct chat_templates *c, const struct model_files *files, bool *found,
                       qw_error *err) {
    struct file f;
    struct json j;
    char *path;
    bool has_decoder = false;
    int rc = model_file_read(files, "tokenizer_config.json", &f, &path, err);
    *found = f.data != NULL;
    if (!rc && f.data) {
        rc = json_parse(&j, (const char *)f.data, (size_t)f.size, path, err);
        if (!rc) {
            uint32_t decoder = json_get(&j, 0, "added_tokens_decoder");
            has_decoder = decoder && json_type(&j, decoder) != JSON_NULL;
            rc = read_special_tokens(c, &j, err);
            if (!rc && c->n == 0) {
                int bad = add_config(c, &j, path, &c->error);
                if (bad) free_list(c);          /* not even the good ones of a list */
                if (bad == QW_ENOMEM) rc = bad;
            }
            json_free(&j);
        }
    }
    file_close(&f);
    free(path);
    return rc || has_decoder ? rc : read_special_map(c, files, err);
}

int chat_templates_load(struct chat_templates *out, const struct model_files *files,
                        qw_error *err) {
    bool config = false;
    *out = (struct chat_templates){0};
    int rc = add_files(out, files, &out->error);
    if (rc == QW_ENOMEM && err) *err = out->error;
    if (rc != QW_ENOMEM) rc = read_config(out, files, &config, err);
    if (rc) chat_templates_free(out);
    if (rc || out->n > 0 || out->error.code) return rc;
    fail(&out->error, QW_ETEMPLATE, "%s: there is no chat template (%s)", files->dir,
         config ? "no chat_template.jinja, and none in tokenizer_config.json"
                : "neither chat_template.jinja nor tokenizer_config.json");
    return 0;
}

void chat_templates_free(struct chat_templates *c) {
    free_list(c);
    for (int i = 0; i < N_SPECIAL_TOKENS; i++) free(c->special_tokens[i]);
    *c = (struct chat_templates){0};
}

/* ---- choosing ---- */

static const struct named_template *find(const struct chat_templates *c, const char *name) {
    for (size_t i = 0; c && i < c->n; i++)
        if (strcmp(c->list[i].name, name) == 0) return &c->list[i];
    return NULL;
}

static int open_file(struct jinja **out, const char *path, qw_error *err) {
    struct file f;
    int rc = read_file(&f, path, MAX_TEMPLATE_FILE, err);
    if (rc) return rc;
    rc = jinja_parse(out, (const char *)f.data, (size_t)f.size, path, err);
    file_close(&f);
    return rc;
}

/* The names of the list, for messages. */
static void put_names(const struct chat_templates *c, char *out, size_t size) {
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; c && i < c->n && n + 40 < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%.30s, ", c->list[i].name);
}

static int open_own(struct jinja **out, const struct chat_templates *c, bool tools, qw_error *err) {
    const struct named_template *t = tools ? find(c, "tool_use") : NULL;
    char names[256];
    if (!t) t = find(c, "default");
    if (t) return jinja_parse(out, t->text.p, t->text.n, t->source, err);
    if (c && c->n == 0) {
        if (err) *err = c->error;
        return c->error.code;
    }
    put_names(c, names, sizeof names);
    return fail(err, QW_ETEMPLATE,
                "the model has several chat templates and no default: choose one of %s"
                TEMPLATE_BUILTINS, names);
}

int chat_template_open(struct jinja **out, const struct chat_templates *c, const char *name,
                       bool tools, qw_error *err) {
    char names[256];
    *out = NULL;
    if (!name) return open_own(out, c, tools, err);
    const struct named_template *t = find(c, name);
    if (t) return jinja_parse(out, t->text.p, t->text.n, t->source, err);
    const char *builtin = template_builtin(name);
    if (builtin) return jinja_parse(out, builtin, strlen(builtin), name, err);
    if (strchr(name, '/') || path_ends_with(name, ".jinja")) return open_file(out, name, err);
    put_names(c, names, sizeof names);
    return fail(err, QW_EARG,
                "unknown chat template '%.60s' (%s" TEMPLATE_BUILTINS ", none, or FILE.jinja)",
                name, names);
}

/* ---- settings ---- */

int template_settings_fill(struct template_settings *out, const struct chat_templates *c,
                           const char *date, const char *variables, char today[16],
                           qw_error *err) {
    *out = (struct template_settings){.date = date ? date : today, .date_given = date != NULL,
                                      .variables = variables};
    for (int i = 0; c && i < N_SPECIAL_TOKENS; i++)
        out->special_tokens[i] = c->special_tokens[i];
    if (!c) {
        out->special_tokens[1] = "<|im_end|>";          /* eos_token */
        out->special_tokens[4] = "<|endoftext|>";       /* pad_token */
    }
    if (date && !is_date(date))
        return fail(err, QW_EARG, "'%.40s' is not a day (YYYY-MM-DD)", date);
    time_t now = time(NULL);
    struct tm local;
    if (!localtime_r(&now, &local) || strftime(today, 16, "%Y-%m-%d", &local) == 0)
        snprintf(today, 16, "1970-01-01");
    return 0;
}
