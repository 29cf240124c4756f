/* model_text.c - a model's text side: its tokenizer, its chat template, the end token that the
 * tokenizer names. */
#include <stdlib.h>
#include "engine/model.h"
#include "engine/tokenizer_files.h"
#include "model/recognise.h"

static void take_warnings(struct warnings *w, const struct warnings *from) {
    for (int i = 0; i < from->n; i++) add_warning(w, "%s", from->list[i]);
}

/* One that is missing or that is not supported is no error until it is needed. */
static int load_tokenizer(struct qw_model *m, const struct model_files *files, qw_error *err) {
    qw_error *why = &m->tokenizer_error;
    const int n_vocab = m->weights.n_vocab;
    bool missing;
    int rc = model_tokenizer(&m->tokenizer, files, &missing, why);
    if (missing || rc == QW_EUNSUPPORTED) {
        recognise(files->dir, rc, why);
        return 0;
    }
    if (rc && err) *err = *why;
    if (rc) return rc;
    take_warnings(&m->warnings, tokenizer_warnings(m->tokenizer));
    if (tokenizer_size(m->tokenizer) > n_vocab)
        add_warning(&m->warnings, "%s: the tokenizer has %d tokens, but the embedding %d rows: "
                    "those from %d on cannot be used", files->dir, tokenizer_size(m->tokenizer),
                    n_vocab, n_vocab);
    return 0;
}

/* Parse the model's own template and find out what it does. */
static int open_template(struct qw_model *m) {
    struct template_settings settings;
    qw_error *err = &m->template_error;
    char today[16];
    int rc = chat_template_open(&m->template, &m->templates, NULL, false, err);
    if (rc) return rc;
    rc = template_settings_fill(&settings, &m->templates, NULL, NULL, today, err);
    if (!rc) rc = template_probe(&m->traits, m->template, &settings, err);
    if (rc) {
        jinja_free(m->template);
        m->template = NULL;
    }
    return rc;
}

int load_text_side(struct qw_model *m, const struct model_files *files, qw_error *err) {
    enum { EOS = 1 };           /* in special_token_names */
    int rc = load_tokenizer(m, files, err);
    if (!rc) rc = chat_templates_load(&m->templates, files, err);
    if (rc) return rc;
    const char *eos = m->templates.special_tokens[EOS];
    if (m->tokenizer && eos) config_add_eos(&m->config, tokenizer_added(m->tokenizer, eos));
    rc = open_template(m);
    if (rc != QW_ENOMEM) return 0;
    if (err) *err = m->template_error;
    return rc;
}
