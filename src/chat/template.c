/* template.c - a conversation rendered with a chat template. */
#include "chat/template.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const special_token_names[N_SPECIAL_TOKENS] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
};

/* What one rendering is about; either c or j. */
struct job {
    struct rendered *out;
    const struct jinja *t;
    const struct template_settings *settings;
    const struct conversation *c;
    const struct json *j;
};

static void copy_members(struct run *r, struct dict *to, const struct dict *from) {
    for (size_t i = 0; i < from->n; i++) dict_set(r, to, from->pairs[i].key, from->pairs[i].value);
}

/* As transformers has it: what is not given is None or false, tokens that there are not are
 * undefined. */
static struct dict *new_variables(struct run *r, const struct template_settings *s) {
    struct dict *d = dict_new(r);
    dict_set_name(r, d, "tools", value_none);
    dict_set_name(r, d, "documents", value_none);
    dict_set_name(r, d, "add_generation_prompt", value_bool(false));
    for (int i = 0; i < N_SPECIAL_TOKENS; i++)
        if (s->special_tokens[i])
            dict_set_name(r, d, special_token_names[i],
                          value_string(r, string_lit(s->special_tokens[i])));
    if (s->date_given)
        dict_set_name(r, d, "date_string", value_string(r, date_text(r, string_lit("%d %b %Y"))));
    return d;
}

static void add_given(struct run *r, struct dict *d, const struct template_settings *s) {
    if (!s->variables) return;
    const char *what = "the template's variables";
    struct value v = value_parse_json(r, s->variables, strlen(s->variables), what);
    if (v.type != V_DICT)
        run_fail_plain(r, QW_EFORMAT, "%s: a JSON object was expected, not %s", what,
                       type_name(v));
    copy_members(r, d, v.u.dict);
}

/* ---- a conversation of the engine ---- */

static struct value text_value(struct run *r, struct chat_text t) {
    struct string s = string_of(t.p, t.n, false);
    s.mask = t.control;
    return value_string(r, s);
}

static struct value message_value(struct run *r, const struct chat_message *m) {
    struct dict *d = dict_new(r);
    dict_set_name(r, d, "role", value_string(r, string_lit(m->role)));
    dict_set_name(r, d, "content", text_value(r, m->content));
    if (m->reasoning.p) dict_set_name(r, d, "reasoning_content", text_value(r, m->reasoning));
    return value_dict(d);
}

static void add_conversation(struct run *r, struct dict *d, const struct conversation *c) {
    struct value *items = run_alloc(r, c->n_messages, sizeof *items);
    for (size_t i = 0; i < c->n_messages; i++) items[i] = message_value(r, &c->messages[i]);
    dict_set_name(r, d, "messages", value_list(r, LIST_PLAIN, items, c->n_messages));
    dict_set_name(r, d, "add_generation_prompt", value_bool(c->add_generation_prompt));
    if (c->thinking >= 0) dict_set_name(r, d, "enable_thinking", value_bool(c->thinking == 1));
}

/* ---- a conversation in JSON ---- */

static bool is_word(struct string s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-') return false;
    }
    return s.n > 0;
}

static void check_message(struct run *r, struct value v, size_t i) {
    struct value role;
    if (v.type != V_DICT)
        run_fail_plain(r, QW_EFORMAT, "messages[%zu]: an object was expected, not %s", i,
                       type_name(v));
    if (!dict_get(r, v.u.dict, value_string(r, string_lit("role")), &role))
        run_fail_plain(r, QW_EFORMAT, "messages[%zu].role is missing", i);
    if (role.type != V_STRING)
        run_fail_plain(r, QW_EFORMAT, "messages[%zu].role: a string was expected, not %s", i,
                       type_name(role));
    if (!is_word(*role.u.s))
        run_fail_plain(r, QW_EFORMAT,
                       "messages[%zu].role: a word was expected (letters, digits, _ and -)", i);
    struct string control = *role.u.s;
    control.control = true;
    dict_set_name(r, v.u.dict, "role", value_string(r, control));
}

static void check_messages(struct run *r, const struct dict *d) {
    struct value v;
    if (!dict_get(r, d, value_string(r, string_lit("messages")), &v))
        run_fail_plain(r, QW_EFORMAT, "messages: missing");
    if (v.type != V_LIST)
        run_fail_plain(r, QW_EFORMAT, "messages: an array was expected, not %s", type_name(v));
    if (v.u.list->n == 0) run_fail_plain(r, QW_EFORMAT, "messages: at least one is needed");
    for (size_t i = 0; i < v.u.list->n; i++) check_message(r, v.u.list->items[i], i);
}

static void add_json(struct run *r, struct dict *d, const struct json *j) {
    struct value all = value_of_json(r, j, 0), v;
    if (all.type != V_DICT)
        run_fail_plain(r, QW_EFORMAT, "the conversation: an object was expected, not %s",
                       type_name(all));
    check_messages(r, all.u.dict);
    if (dict_get(r, all.u.dict, value_string(r, string_lit("continue_final_message")), &v) &&
        value_true(v))
        run_fail_plain(r, QW_EUNSUPPORTED, "continue_final_message is not supported");
    copy_members(r, d, all.u.dict);
    if (!dict_get(r, d, value_string(r, string_lit("chat_template_kwargs")), &v)) return;
    if (v.type != V_DICT && v.type != V_NONE)
        run_fail_plain(r, QW_EFORMAT, "chat_template_kwargs: an object was expected, not %s",
                       type_name(v));
    if (v.type == V_DICT) copy_members(r, d, v.u.dict);
}

/* ---- rendering ---- */

static void render(struct run *r, void *ctx) {
    const struct job *job = ctx;
    struct dict *d = new_variables(r, job->settings);
    if (job->c) add_conversation(r, d, job->c);
    else add_json(r, d, job->j);
    add_given(r, d, job->settings);
    struct string s = jinja_run(r, job->t, d);
    struct rendered *out = job->out;
    buf_put(&out->text, s.p, s.n);
    if (buf_reserve(&out->control, s.n + 1)) {
        for (size_t i = 0; i < s.n; i++)
            out->control.p[i] = s.mask ? s.mask[i] != 0 : s.control;
        out->control.n = s.n;
    }
    if (out->text.oom || out->control.oom)
        run_fail_plain(r, QW_ENOMEM, "not enough memory for the rendered conversation");
}

static int run_job(struct job *job, size_t input, qw_error *err) {
    struct run r;
    run_init(&r, input, err);
    r.date = job->settings->date;
    int rc = run_protected(&r, render, job);
    run_free(&r);
    if (rc) rendered_free(job->out);
    return rc;
}

int template_render(struct rendered *out, const struct jinja *t,
                    const struct template_settings *settings, const struct conversation *c,
                    qw_error *err) {
    struct job job = {.out = out, .t = t, .settings = settings, .c = c};
    size_t input = 0;
    for (size_t i = 0; i < c->n_messages; i++)
        input += c->messages[i].content.n + c->messages[i].reasoning.n;
    return run_job(&job, input, err);
}

int template_render_json(struct rendered *out, const struct jinja *t,
                         const struct template_settings *settings, const struct json *j,
                         qw_error *err) {
    struct job job = {.out = out, .t = t, .settings = settings, .j = j};
    const struct json_node *last = &j->nodes[j->n - 1];     /* about the end of the text */
    return run_job(&job, (size_t)last->pos + last->len, err);
}

void rendered_free(struct rendered *r) {
    buf_free(&r->text);
    buf_free(&r->control);
}
