/* tokens.c - qw tokenize and qw detokenize. Neither needs weights. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

static int open_tokenizer(const char *model, qw_tokenizer **t) {
    char found[MODEL_PATH];
    qw_error err;
    const char *path = find_model(model, false, found);
    if (!path) return EXIT_ERROR;
    return qw_tokenizer_load(t, path, &err) ? engine_error(&err) : 0;
}

/* ---- tokenize ---- */

struct job { const qw_tokenizer *t; bool special; };

/* The ids of a text, separated by spaces. */
static int ids_line(const struct job *job, const char *text, size_t n, struct text *out, qw_error *err) {
    int32_t *ids;
    long count = qw_tokenize(job->t, text, n, job->special, &ids, err);
    if (count < 0) return (int)count;
    out->p = malloc((size_t)count * 12 + 1);
    if (!out->p) {
        qw_release(ids);
        snprintf(err->message, sizeof err->message, "not enough memory for %ld ids", count);
        return err->code = QW_ENOMEM;
    }
    for (long i = 0; i < count; i++) out->n += (size_t)sprintf(out->p + out->n, i ? " %d" : "%d", (int)ids[i]);
    qw_release(ids);
    return 0;
}

static int json_line(void *ctx, const char *line, size_t n, struct text *out, qw_error *err) {
    char *text;
    size_t text_n;
    int rc = qw_json_unquote(line, n, &text, &text_n, err);
    if (rc) return rc;
    rc = ids_line(ctx, text, text_n, out, err);
    qw_release(text);
    return rc;
}

static int one_text(const struct job *job, const char *prompt) {
    struct text in = {0}, out = {0};
    qw_error err;
    int rc = prompt ? 0 : read_all("-", &in);
    if (rc) return rc;
    rc = ids_line(job, prompt ? prompt : in.p, prompt ? strlen(prompt) : in.n, &out, &err) ? engine_error(&err) : 0;
    if (!rc) rc = write_stdout(out.p, out.n);
    if (!rc) rc = write_stdout("\n", 1);
    free(in.p);
    free(out.p);
    return rc;
}

int cmd_tokenize(int argc, char **argv) {
    const char *model = NULL, *prompt = NULL;
    bool jsonl = false, special = true;
    int n_words;
    const struct flag flags[] = {
        {"-m --model", "DIR", FLAG_PATH, &model, 0, 0, "QW_MODEL", NULL, "directory with tokenizer.json, or that file"},
        {"-p --prompt", "TEXT", FLAG_STRING, &prompt, 0, 0, NULL, NULL, "the text; without it stdin, byte for byte"},
        {"--jsonl", NULL, FLAG_ON, &jsonl, 0, 0, NULL, NULL, "each line of stdin is a JSON string; a line of ids for each"},
        {"--no-special", NULL, FLAG_OFF, &special, 0, 0, NULL, NULL, "added tokens such as <|im_end|> are text"},
    };
    const struct command c = {"tokenize", "token ids of a text", "[FLAGS]", flags, sizeof flags / sizeof *flags,
                              "  qw tokenize -p \"Hello world\"\n  qw tokenize < README.md\n"};
    qw_tokenizer *t;
    int rc = parse_flags(&c, argc, argv, NULL, 0, &n_words);
    if (!rc && jsonl && prompt) rc = usage_error("--jsonl reads stdin; it does not go with -p");
    if (!rc) rc = open_tokenizer(model, &t);
    if (rc) return rc;
    struct job job = {t, special};
    rc = jsonl ? each_line("-", json_line, &job) : one_text(&job, prompt);
    qw_tokenizer_free(t);
    return rc;
}

/* ---- detokenize ---- */

/* Ids of a NUL-terminated text, separated by spaces, commas or newlines, to stdout as bytes. */
static int print_ids(const qw_tokenizer *t, const char *text, size_t size) {
    const char *s = text;
    for (;;) {
        s += strspn(s, " ,\t\r\n");
        if (!*s) break;
        char *end;
        errno = 0;
        long id = strtol(s, &end, 10);
        if (end == s || errno || id < 0 || id > INT32_MAX || (*end && !strchr(" ,\t\r\n", *end))) {
            say("'%.20s' is not a token id", s);
            return EXIT_ERROR;
        }
        size_t n;
        const char *bytes = qw_token_bytes(t, (int32_t)id, &n);
        if (!bytes) {
            say("token %ld stands for nothing in this vocabulary (0 to %d)", id, qw_tokenizer_size(t) - 1);
            return EXIT_ERROR;
        }
        int rc = n ? write_stdout(bytes, n) : 0;
        if (rc) return rc;
        s = end;
    }
    if ((size_t)(s - text) == size) return 0;
    say("a NUL byte is not a token id");
    return EXIT_ERROR;
}

int cmd_detokenize(int argc, char **argv) {
    enum { MAX_WORDS = 65536 };
    const char *model = NULL;
    const struct flag flags[] = {
        {"-m --model", "DIR", FLAG_PATH, &model, 0, 0, "QW_MODEL", NULL, "directory with tokenizer.json, or that file"},
    };
    const struct command c = {"detokenize", "the bytes of token ids", "[FLAGS] [IDS...]", flags, sizeof flags / sizeof *flags,
                              "Ids stand between spaces or commas, as arguments or on stdin. Raw bytes come out, without a newline.\n"
                              "  qw detokenize 9707 1879\n  qw tokenize -p \"Hello\" | qw detokenize\n"};
    const char **words = calloc(MAX_WORDS, sizeof *words);
    struct text in = {0};
    qw_tokenizer *t = NULL;
    int n_words = 0, rc = 0;
    if (!words) { say("not enough memory"); return EXIT_MEMORY; }
    rc = parse_flags(&c, argc, argv, words, MAX_WORDS, &n_words);
    if (!rc) rc = open_tokenizer(model, &t);
    for (int i = 0; !rc && i < n_words; i++) rc = print_ids(t, words[i], strlen(words[i]));
    if (!rc && n_words == 0 && (rc = read_all("-", &in)) == 0) {
        in.p[in.n] = 0;                 /* read_all leaves room */
        rc = print_ids(t, in.p, in.n);
    }
    free(in.p);
    free(words);
    qw_tokenizer_free(t);
    return rc;
}
