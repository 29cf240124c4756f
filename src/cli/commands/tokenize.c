/* tokenize.c - qw tokenize, the token ids of a text. Needs no weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/commands/commands.h"
#include "cli/input.h"
#include "cli/model.h"
#include "cli/output.h"

struct tokenize_job {
    const qw_tokenizer *tokenizer;
    bool special;
};

/* Append the ids of a text, separated by spaces. */
static int put_ids(const struct tokenize_job *job, const char *text, size_t n, struct text *out,
                   qw_error *err) {
    int32_t *ids;
    long count = qw_tokenize(job->tokenizer, text, n, job->special, &ids, err);
    if (count < 0) return (int)count;
    out->p = malloc((size_t)count * 12 + 1);
    if (!out->p) {
        qw_release(ids);
        snprintf(err->message, sizeof err->message, "not enough memory for %ld ids", count);
        return err->code = QW_ENOMEM;
    }
    for (long i = 0; i < count; i++)
        out->n += (size_t)sprintf(out->p + out->n, i ? " %d" : "%d", (int)ids[i]);
    qw_release(ids);
    return 0;
}

/* A JSON string in, its ids out. */
static int json_line(void *ctx, const char *line, size_t n, struct text *out, qw_error *err) {
    struct text text;
    int rc = qw_json_unquote(line, n, &text.p, &text.n, err);
    if (rc) return rc;
    rc = put_ids(ctx, text.p, text.n, out, err);
    qw_release(text.p);
    return rc;
}

/* prompt NULL: stdin */
static int one_text(const struct tokenize_job *job, const char *prompt) {
    struct text in = {0}, out = {0};
    qw_error err;
    int rc = prompt ? 0 : read_all("-", &in);
    if (rc) return rc;
    const char *text = prompt ? prompt : in.p;
    size_t n = prompt ? strlen(prompt) : in.n;
    if (put_ids(job, text, n, &out, &err)) rc = engine_error(&err, NULL);
    if (!rc) rc = write_stdout(out.p, out.n);
    if (!rc) rc = write_stdout("\n", 1);
    free(in.p);
    free(out.p);
    return rc;
}

static int cmd_tokenize(int argc, char **argv) {
    const char *model = NULL, *prompt = NULL;
    bool jsonl = false, special = true;
    const struct flag flags[] = {
        tokenizer_flag(&model),
        {.names = "-p --prompt", .value = "TEXT", .type = FLAG_STRING, .to = &prompt,
         .help = "the text; without it stdin, byte for byte"},
        {.names = "--jsonl", .type = FLAG_ON, .to = &jsonl,
         .help = "each line of stdin is a JSON string; a line of ids for each"},
        {.names = "--no-special", .type = FLAG_OFF, .to = &special,
         .help = "added tokens such as <|im_end|> are text"},
    };
    qw_tokenizer *t;
    int rc = parse_flags(&command_tokenize, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    if (!rc && jsonl && prompt) rc = usage_error("--jsonl reads stdin; it cannot be used with -p");
    if (!rc) rc = load_tokenizer(&t, model);
    if (rc) return rc;
    struct tokenize_job job = {t, special};
    rc = jsonl ? each_line("-", json_line, &job) : one_text(&job, prompt);
    qw_tokenizer_free(t);
    return rc;
}

const struct command command_tokenize = {
    .name = "tokenize",
    .summary = "token ids of a text",
    .arguments = "[FLAGS]",
    .run = cmd_tokenize,
    .details =
        "  qw tokenize -p \"Hello world\"\n"
        "  qw tokenize < README.md\n",
};
