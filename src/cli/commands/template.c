/* template.c - qw template, the prompt that a conversation becomes. */
#include <stdio.h>
#include <stdlib.h>
#include "cli/commands/commands.h"
#include "cli/input.h"
#include "cli/model.h"
#include "cli/output.h"

/* Whose template: the model's at path, or the one of that name. */
struct template_job {
    const char *path, *name;
};

static int template_error(const qw_error *err) {
    return engine_error(err, err->code == QW_ETEMPLATE ? "--template NAME chooses one" : NULL);
}

/* The prompt of a conversation in JSON; qw_release frees it. */
static int render(const struct template_job *job, const char *json, size_t n, struct text *out,
                  qw_error *err) {
    return qw_render_chat(job->path, job->name, json, n, &out->p, &out->n, err);
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
    if (render(job, json, sizeof json - 1, &out, &err)) return template_error(&err);
    qw_release(out.p);
    return 0;
}

static int one_conversation(const struct template_job *job, const char *file) {
    struct text in, out;
    qw_error err;
    int rc = read_all(file, &in);
    if (rc) return rc;
    if (render(job, in.p, in.n, &out, &err)) {
        rc = template_error(&err);
    } else {
        rc = write_stdout(out.p, out.n);
        qw_release(out.p);
    }
    free(in.p);
    return rc;
}

static int cmd_template(int argc, char **argv) {
    char found[MODEL_PATH];
    const char *messages = NULL;
    struct template_job job = {0};
    bool jsonl = false;
    const struct flag flags[] = {
        {.names = "-m --model", .value = "DIR", .type = FLAG_PATH, .to = &job.path,
         .env = "QW_MODEL", .help = "model directory whose template is used"},
        {.names = "--messages", .value = "FILE", .type = FLAG_PATH, .to = &messages,
         .help = "JSON: {\"messages\":[...], \"tools\":[...], \"enable_thinking\":..., "
                 "\"add_generation_prompt\":...}; - is stdin"},
        {.names = "--template", .value = "NAME", .type = FLAG_STRING, .to = &job.name,
         .help = "hybrid, instruct2507 or thinking2507; then no model is needed"},
        {.names = "--jsonl", .type = FLAG_ON, .to = &jsonl,
         .help = "one such object per line in, one JSON string per line out"},
    };
    int rc = parse_flags(&command_template, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    if (rc) return rc;
    if (!messages) return usage_error("--messages FILE is needed; see: qw help template");
    if (!job.name) {
        job.path = find_model(job.path, false, found);
        if (!job.path) return EXIT_ERROR;
    }
    rc = check(&job);
    if (rc) return rc;
    return jsonl ? each_line(messages, json_line, &job) : one_conversation(&job, messages);
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
