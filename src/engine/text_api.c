/* text_api.c - the parts of qw.h that need no weights: tokenizer, template rendering, JSON strings,
 * UTF-8. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "engine/model.h"
#include "engine/tokenizer_files.h"
#include "base/utf8_stream.h"
#include "base/utf8.h"
#include "model/recognise.h"

/* qw_tokenizer is the public name of struct tokenizer. */
static const struct tokenizer *inner(const qw_tokenizer *t) { return (const struct tokenizer *)t; }

int qw_tokenizer_load(qw_tokenizer **out, const char *path, qw_error *err) {
    struct tokenizer *t = NULL;
    struct model_files files;
    bool missing;
    int rc;
    *out = NULL;
    if (path_kind(path) == PATH_FILE && !path_ends_with(path, ".safetensors")) {
        rc = tokenizer_open(&t, path, err);
    } else if ((rc = model_files_open(&files, path, err)) == 0) {
        rc = model_tokenizer(&t, &files, &missing, err);
        model_files_close(&files);
    }
    if (!rc) *out = (qw_tokenizer *)t;
    return rc ? recognise(path, rc, err) : 0;
}

void qw_tokenizer_free(qw_tokenizer *t) { tokenizer_close((struct tokenizer *)t); }

int qw_tokenizer_warnings(const qw_tokenizer *t, const char *const **lines) {
    const struct warnings *w = tokenizer_warnings(inner(t));
    *lines = (const char *const *)w->list;
    return w->n;
}

long qw_tokenize(const qw_tokenizer *t, const char *text, size_t n, int special, int32_t **ids,
                 qw_error *err) {
    struct ids list = {0};
    *ids = NULL;
    ids_put(&list, 0);                          /* so that an empty result is not NULL */
    list.n = 0;
    int rc =
        tokenizer_encode(inner(t), text, n, special ? ADDED_ALL : ADDED_NONE, NULL, &list, err);
    if (!rc && (list.oom || list.n > LONG_MAX)) rc = fail_memory(err, "the tokens", n);
    if (rc) {
        ids_free(&list);
        return rc;
    }
    *ids = list.p;
    return (long)list.n;
}

const char *qw_token_bytes(const qw_tokenizer *t, int32_t id, size_t *n) {
    return tokenizer_bytes(inner(t), id, n);
}
int qw_tokenizer_size(const qw_tokenizer *t) { return tokenizer_size(inner(t)); }
void qw_release(void *p) { free(p); }

/* Hand a buffer over to the caller, with a NUL behind it. */
static int give(struct buf *b, char **out, size_t *out_n, int rc, qw_error *err) {
    size_t n = b->n;
    if (!rc) buf_char(b, 0);
    if (!rc && b->oom) rc = fail_memory(err, "the text", n);
    *out = NULL;
    *out_n = 0;
    if (rc) buf_free(b);
    else {
        *out = b->p;
        *out_n = n;
    }
    return rc;
}

/* The templates of the model at path, if there is one. */
static int load_templates(struct chat_templates *out, const char *path, qw_error *err) {
    struct model_files files;
    int rc = model_files_open(&files, path, err);
    if (rc) return recognise(path, rc, err);
    rc = chat_templates_load(out, &files, err);
    model_files_close(&files);
    return rc ? recognise(path, rc, err) : 0;
}

/* Does the conversation bring tools along? */
static bool has_tools(const struct json *j) {
    uint32_t tools = json_get(j, 0, "tools");
    return tools && json_type(j, tools) != JSON_NULL;
}

static int render_with(struct rendered *out, const struct chat_templates *c,
                       const qw_chat_params *p, const struct json *j, qw_error *err) {
    struct template_settings settings;
    struct jinja *t;
    char today[16];
    int rc = chat_template_open(&t, c, p->chat_template, has_tools(j), err);
    if (rc) return rc;
    rc = template_settings_fill(&settings, c, p->date, p->template_vars, today, err);
    if (!rc) rc = template_render_json(out, t, &settings, j, err);
    jinja_free(t);
    return rc;
}

int qw_render_chat(const char *path, const qw_chat_params *params, const char *json, size_t n,
                   char **out, size_t *out_n, qw_error *err) {
    static const qw_chat_params none;
    struct chat_templates templates = {0};
    struct json j;
    struct rendered r = {{0}, {0}};
    int rc = path ? load_templates(&templates, path, err) : 0;
    if (!rc && (rc = json_parse(&j, json, n, "the conversation", err)) == 0) {
        rc = render_with(&r, path ? &templates : NULL, params ? params : &none, &j, err);
        json_free(&j);
    }
    chat_templates_free(&templates);
    rc = give(&r.text, out, out_n, rc, err);
    r.text = (struct buf){0};
    rendered_free(&r);
    return rc;
}

int qw_json_unquote(const char *json, size_t n, char **out, size_t *out_n, qw_error *err) {
    struct json j;
    struct buf b = {0};
    int rc = json_parse(&j, json, n, "the text", err);
    if (!rc) {
        if (json_type(&j, 0) == JSON_STRING) json_string(&j, 0, &b);
        else rc = fail(err, QW_EFORMAT, "not a JSON string");
        json_free(&j);
    }
    return give(&b, out, out_n, rc, err);
}

int qw_json_quote(const char *text, size_t n, char **out, size_t *out_n, qw_error *err) {
    struct buf b = {0};
    size_t ok = utf8_valid_prefix(text, n);
    int rc = ok == n ? 0 : fail(err, QW_EFORMAT, "not valid UTF-8 at byte %zu", ok);
    if (!rc) json_quote(&b, text, n);
    return give(&b, out, out_n, rc, err);
}

int qw_utf8_clean(const char *text, size_t n, char **out, size_t *out_n, size_t *bad,
                  qw_error *err) {
    struct buf b = {0};
    struct utf8_stream s = {0};
    *bad = utf8_valid_prefix(text, n);
    utf8_push(&s, text, n, &b);
    utf8_finish(&s, &b);
    return give(&b, out, out_n, 0, err);
}

/* Where a container ends that begins at p: after its last bracket. The text is valid. */
static const char *container_end(const char *p) {
    int depth = 0;
    bool inside = false;                /* a string */
    do {
        if (inside && *p == '\\') p++;
        else if (*p == '"') inside = !inside;
        else if (!inside && (*p == '[' || *p == '{')) depth++;
        else if (!inside && (*p == ']' || *p == '}')) depth--;
        p++;
    } while (depth > 0);
    return p;
}

int qw_json_member(const char *json, size_t n, const char *name, const char **value,
                   size_t *value_n, qw_error *err) {
    struct json j;
    int rc = json_parse(&j, json, n, "JSON", err);
    if (rc) return rc;
    if (json_type(&j, 0) != JSON_OBJECT) {
        json_free(&j);
        return fail(err, QW_EFORMAT, "JSON: not an object");
    }
    uint32_t node = json_get(&j, 0, name);
    if (node) {
        const struct json_node *v = &j.nodes[node];
        const char *p = json + v->pos;
        bool string = v->type == JSON_STRING;
        *value = p - string;
        *value_n = v->len + 2 * (size_t)string;
        if (v->type == JSON_ARRAY || v->type == JSON_OBJECT)
            *value_n = (size_t)(container_end(p) - p);
    }
    json_free(&j);
    return node != 0;
}
