/* template.c - qw template, the prompt that a conversation becomes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/input.h"
#include "cli/model.h"
#include "cli/output.h"
#include "cli/template_flags.h"

/* Whose templates: the model's at path, or of no model. */
struct template_job {
    const char *path;
    qw_chat_params params;
};

/* The prompt of a conversation in JSON; qw_release frees it. */
static int render(const struct template_job *job, const char *json, size_t n, struct text *out,
                  qw_error *err) {
    return qw_render_chat(job->path, &job->params, json, n, &out->p, &out->n, err);
}

static int json_line(void *ctx, const char *line, size_t n, struct text *out, qw_error *err) {
    struct text prompt;
    int rc = render(ctx, line, n, &prompt, err);
    if (rc) return rc;
    rc = qw_json_quote(prompt.p, prompt.n, &out->p, &out->n, err);
    qw_release(prompt.p);
    return rc;
}

/* An unusable name or model is reported once, not for each line. */
static int check(const struct template_job *job) {
    static const char json[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}";
    struct text out;
    qw_error err;
    int rc = render(job, json, sizeof json - 1, &out, &err);
    if (rc == 0) qw_release(out.p);
    if (rc == 0 || rc == QW_ETEMPLATE) return 0;        /* it may refuse just this one */
    return engine_error(&err, template_hint(&err));
}

static int one_conversation(const struct template_job *job, const char *file) {
    struct text in, out;
    qw_error err;
    int rc = read_all(file, &in);
    if (rc) return rc;
    drop_mark(&in);
    if (render(job, in.p, in.n, &out, &err)) {
        rc = engine_error(&err, template_hint(&err));
    } else {
        struct text_out to = text_out(STDOUT_FILENO);
        rc = text_put(&to, out.p, out.n);
        if (!rc) rc = text_end(&to);
        qw_release(out.p);
    }
    free(in.p);
    return rc;
}

/* Templates of our own need no model. */
static int render_all(struct template_job *job, const char *messages, bool jsonl) {
    char found[MODEL_PATH];
    const char *name = job->params.chat_template;
    if (name && has_name("hybrid instruct2507 thinking2507", name, strlen(name))) job->path = NULL;
    else if (!name && !(job->path = find_model(job->path, false, found))) return EXIT_ERROR;
    int rc = check(job);
    if (rc) return rc;
    return jsonl ? each_line(messages, json_line, job) : one_conversation(job, messages);
}

static int cmd_template(int argc, char **argv) {
    const char *messages = NULL;
    struct template_job job = {0};
    struct template_flags template = {0};
    bool jsonl = false;
    struct flag flags[] = {
        [N_TEMPLATE_FLAGS] =            /* set_template_flags fills those before */
        {.names = "-m --model", .value = "DIR", .type = FLAG_PATH, .to = &job.path,
         .env = "QW_MODEL", .help = "model directory whose template is used"},
        {.names = "--messages", .value = "FILE", .type = FLAG_PATH, .to = &messages,
         .help = "JSON: {\"messages\":[...], \"tools\":[...], \"enable_thinking\":..., "
                 "\"add_generation_prompt\":...}; - is stdin"},
        {.names = "--jsonl", .type = FLAG_ON, .to = &jsonl,
         .help = "one such object per line in, one JSON string per line out"},
    };
    set_template_flags(flags, &template);
    int rc = parse_flags(&command_template, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    if (!rc && !messages) rc = usage_error("--messages FILE is needed; see: qw help template");
    if (!rc) rc = use_template_flags(&template, &job.params);
    if (!rc) rc = render_all(&job, messages, jsonl);
    template_flags_free(&template);
    return rc;
}

const struct command command_template = {
    .name = "template",
    .summary = "the prompt that a conversation becomes",
    .arguments = "--messages FILE [FLAGS]",
    .run = cmd_template,
    .details =
        "  echo '{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}],\n"
        "         \"add_generation_prompt\": true}' | qw template --messages -\n",
};
