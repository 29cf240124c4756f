/* template.c - qw template, the prompt that a conversation becomes. */
#include <stdio.h>
#include <stdlib.h>
#include "cli/cli.h"

struct job { const char *path, *chat_template; };

static int json_line(void *ctx, const char *line, size_t n, struct text *out, qw_error *err) {
    const struct job *job = ctx;
    struct text rendered;
    int rc = qw_render_chat(job->path, job->chat_template, line, n, &rendered.p, &rendered.n, err);
    if (rc) return rc;
    rc = qw_json_quote(rendered.p, rendered.n, &out->p, &out->n, err);
    qw_release(rendered.p);
    return rc;
}

/* A name or a model that is no good is told once, not for each line. */
static int check(const struct job *job) {
    static const char json[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}";
    struct text out;
    qw_error err;
    if (qw_render_chat(job->path, job->chat_template, json, sizeof json - 1, &out.p, &out.n, &err)) return engine_error(&err);
    qw_release(out.p);
    return 0;
}

static int one_conversation(const struct job *job, const char *file) {
    struct text in, out;
    qw_error err;
    int rc = read_all(file, &in);
    if (rc) return rc;
    if (qw_render_chat(job->path, job->chat_template, in.p, in.n, &out.p, &out.n, &err)) rc = engine_error(&err);
    else {
        rc = write_stdout(out.p, out.n);
        qw_release(out.p);
    }
    free(in.p);
    return rc;
}

int cmd_template(int argc, char **argv) {
    char found[MODEL_PATH];
    const char *model = NULL, *messages = NULL, *name = NULL;
    bool jsonl = false;
    int n_words;
    const struct flag flags[] = {
        {"-m --model", "DIR", FLAG_PATH, &model, 0, 0, "QW_MODEL", NULL, "model directory whose template is used"},
        {"--messages", "FILE", FLAG_PATH, &messages, 0, 0, NULL, NULL, "JSON: {\"messages\":[...],\"tools\":[...],\"enable_thinking\":...,\"add_generation_prompt\":...}; - is stdin"},
        {"--template", "NAME", FLAG_STRING, &name, 0, 0, NULL, NULL, "hybrid, instruct2507 or thinking2507; then no model is needed"},
        {"--jsonl", NULL, FLAG_ON, &jsonl, 0, 0, NULL, NULL, "one such object per line in, one JSON string per line out"},
    };
    const struct command c = {"template", "the prompt that a conversation becomes", "--messages FILE [FLAGS]", flags, sizeof flags / sizeof *flags,
                              "  echo '{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"add_generation_prompt\":true}' | qw template --messages -\n"};
    int rc = parse_flags(&c, argc, argv, NULL, 0, &n_words);
    if (rc) return rc;
    if (!messages) return usage_error("--messages FILE is needed; see: qw help template");
    struct job job = {.path = model, .chat_template = name};
    if (!name && !(job.path = find_model(model, false, found))) return EXIT_ERROR;
    if ((rc = check(&job)) != 0) return rc;
    return jsonl ? each_line(messages, json_line, &job) : one_conversation(&job, messages);
}
