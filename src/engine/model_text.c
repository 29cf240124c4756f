/* model_text.c - a model's text side: its tokenizer, its chat template, the end tokens that the
 * tokenizer names. */
#include <stdlib.h>
#include "base/buf.h"
#include "base/json.h"
#include "engine/model.h"

/* tokenizer_config.json's eos_token, a string or {"content": string}, is an end token, too. */
static int read_tokenizer_eos(struct qw_model *m, const struct json *j, qw_error *err) {
    uint32_t v = json_get(j, 0, "eos_token");
    struct buf name = {0};
    int rc = 0;
    if (v && json_type(j, v) == JSON_OBJECT) v = json_get(j, v, "content");
    if (!v || json_type(j, v) != JSON_STRING) return 0;
    json_string(j, v, &name);
    buf_char(&name, 0);
    if (name.oom) rc = fail_memory(err, "the end token", name.n);
    else config_add_eos(&m->config, tokenizer_added(m->tokenizer, name.p));
    buf_free(&name);
    return rc;
}

static int add_tokenizer_eos(struct qw_model *m, const struct model_files *files, qw_error *err) {
    struct file f;
    struct json j;
    char *path;
    int rc = model_file_read(files, "tokenizer_config.json", &f, &path, err);
    if (!rc && f.data) {
        rc = json_parse(&j, (const char *)f.data, (size_t)f.size, path, err);
        if (!rc) {
            rc = read_tokenizer_eos(m, &j, err);
            json_free(&j);
        }
    }
    file_close(&f);
    free(path);
    return rc;
}

int detect_template(enum chat_template *out, const struct model_files *files, qw_error *err) {
    static const char *const names[] = {"chat_template.jinja", "tokenizer_config.json"};
    for (int i = 0; i < 2; i++) {
        struct file f;
        char *path;
        qw_error inner = {0, ""};
        int rc = model_file_read(files, names[i], &f, &path, err);      /* its messages name it */
        bool found = rc != 0 || f.data != NULL;
        if (rc == 0 && found) {
            rc = i == 0 ? template_detect(out, (const char *)f.data, (size_t)f.size, &inner)
                        : template_detect_config(out, (const char *)f.data, (size_t)f.size, &inner);
            if (rc == QW_EUNSUPPORTED) rc = QW_ETEMPLATE;
            if (rc) fail(err, rc, "%s: %s", path, inner.message);
        }
        file_close(&f);
        free(path);
        if (found) return rc;
    }
    return fail(err, QW_ETEMPLATE,
                "%s: there is no chat template (neither chat_template.jinja nor "
                "tokenizer_config.json)",
                files->dir);
}

int load_text_side(struct qw_model *m, const struct model_files *files, qw_error *err) {
    struct file f;
    char *path;
    int rc = model_file_read(files, "tokenizer.json", &f, &path, err);
    if (!rc && !f.data)
        fail(&m->tokenizer_error, QW_EIO, "%s is missing; it holds the tokenizer", path);
    else if (!rc)
        rc = tokenizer_parse(&m->tokenizer, (const char *)f.data, (size_t)f.size, path, err);
    file_close(&f);
    free(path);
    if (!rc && m->tokenizer) rc = add_tokenizer_eos(m, files, err);
    if (rc) return rc;
    rc = detect_template(&m->chat_template, files, &m->template_error);
    m->has_template = rc == 0;
    if (rc == 0 || rc == QW_ETEMPLATE || rc == QW_EIO) return 0;
    if (err) *err = m->template_error;
    return rc;
}
