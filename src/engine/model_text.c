/* model_text.c - a model's text side: its tokenizer, its chat template, the end tokens that the tokenizer names. */
#include <stdlib.h>
#include "base/buf.h"
#include "base/json.h"
#include "engine/model.h"

/* tokenizer_config.json's eos_token, a string or {"content": string}, counts as an end token, too. */
static int add_tokenizer_eos(struct qw_model *m, const struct model_files *files, qw_error *err) {
    struct file f;
    struct json j;
    char *path;
    int rc = model_file_read(files, "tokenizer_config.json", &f, &path, err);
    if (!rc && f.data && (rc = json_parse(&j, (const char *)f.data, (size_t)f.size, path, err)) == 0) {
        uint32_t v = json_get(&j, 0, "eos_token");
        if (v && json_type(&j, v) == JSON_OBJECT) v = json_get(&j, v, "content");
        if (v && json_type(&j, v) == JSON_STRING) {
            struct buf b = {0};
            json_string(&j, v, &b);
            buf_char(&b, 0);
            if (b.oom) rc = fail_memory(err, path, f.size);
            else config_add_eos(&m->config, tokenizer_added(m->tokenizer, b.p));
            buf_free(&b);
        }
        json_free(&j);
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
        int rc = model_file_read(files, names[i], &f, &path, err);        /* its message has the path */
        bool found = rc != 0 || f.data != NULL;
        if (rc == 0 && found) {
            rc = i == 0 ? template_detect(out, (const char *)f.data, (size_t)f.size, &inner)
                        : template_detect_config(out, (const char *)f.data, (size_t)f.size, &inner);
            if (rc) fail(err, rc, "%s: %s", path, inner.message);
        }
        file_close(&f);
        free(path);
        if (found) return rc;
    }
    return fail(err, QW_EUNSUPPORTED, "%s: there is no chat template (neither chat_template.jinja nor tokenizer_config.json)", files->dir);
}

/* Tokenizer and template may be missing or unknown until somebody needs them; then the reason is told. A broken file is an error. */
int load_text_side(struct qw_model *m, const struct model_files *files, qw_error *err) {
    struct file f;
    char *path;
    int rc = model_file_read(files, "tokenizer.json", &f, &path, err);
    if (!rc && !f.data) fail(&m->tokenizer_error, QW_EIO, "%s is missing; it holds the tokenizer", path);
    else if (!rc && (rc = tokenizer_parse(&m->tokenizer, (const char *)f.data, (size_t)f.size, path, err)) == 0)
        rc = add_tokenizer_eos(m, files, err);
    file_close(&f);
    free(path);
    if (rc) return rc;
    rc = detect_template(&m->chat_template, files, &m->template_error);
    if (rc == 0) m->has_template = true;
    else if (rc != QW_EUNSUPPORTED && rc != QW_EIO) { if (err) *err = m->template_error; return rc; }
    return 0;
}
