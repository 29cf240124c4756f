/* detokenize.c - qw detokenize, the bytes that token ids stand for. Needs no weights. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/input.h"
#include "cli/model.h"
#include "cli/output.h"

#define SEPARATORS " ,\t\r\n"

/* Write the bytes of one id. */
static int print_token(struct text_out *out, const qw_tokenizer *t, int32_t id) {
    size_t n;
    const char *bytes = qw_token_bytes(t, id, &n);
    if (bytes) return n ? text_put(out, bytes, n) : 0;
    say("there is no token %d in this vocabulary (0 to %d)", (int)id, qw_tokenizer_size(t) - 1);
    return EXIT_ERROR;
}

/* text: ids between separators, a NUL after its n bytes. */
static int print_tokens(struct text_out *out, const qw_tokenizer *t, const char *text,
                        size_t n) {
    const char *s = text;
    for (;;) {
        char *end;
        s += strspn(s, SEPARATORS);
        if (!*s) break;
        errno = 0;
        long id = strtol(s, &end, 10);
        bool number = end != s && errno == 0 && (*end == 0 || strchr(SEPARATORS, *end));
        if (!number || id < 0 || id > INT32_MAX) {
            say("'%.20s' is not a token id", s);
            return EXIT_ERROR;
        }
        int rc = print_token(out, t, (int32_t)id);
        if (rc) return rc;
        s = end;
    }
    if ((size_t)(s - text) == n) return 0;
    say("a NUL byte is not a token id");
    return EXIT_ERROR;
}

static int print_stdin(struct text_out *out, const qw_tokenizer *t) {
    struct text in;
    int rc = read_all("-", &in);
    if (rc) return rc;
    in.p[in.n] = 0;
    rc = print_tokens(out, t, in.p, in.n);
    free(in.p);
    return rc;
}

static int detokenize(int argc, char **argv, struct words *words) {
    const char *model = NULL;
    const struct flag flags[] = {tokenizer_flag(&model)};
    struct text_out out = text_out(STDOUT_FILENO);
    qw_tokenizer *t = NULL;
    int rc = parse_flags(&command_detokenize, flags, 1, argc, argv, words);
    if (!rc) rc = load_tokenizer(&t, model);
    for (int i = 0; !rc && i < words->n; i++)
        rc = print_tokens(&out, t, words->list[i], strlen(words->list[i]));
    if (!rc && words->n == 0) rc = print_stdin(&out, t);
    if (!rc) rc = text_end(&out);
    qw_tokenizer_free(t);
    return rc;
}

static int cmd_detokenize(int argc, char **argv) {
    struct words words = {.list = calloc((size_t)argc + 1, sizeof *words.list), .max = argc};
    if (!words.list) return memory_error("the arguments");
    int rc = detokenize(argc, argv, &words);
    free(words.list);
    return rc;
}

const struct command command_detokenize = {
    .name = "detokenize",
    .summary = "the bytes of token ids",
    .arguments = "[FLAGS] [IDS...]",
    .run = cmd_detokenize,
    .details =
        "Ids are separated by spaces or commas, as arguments or on stdin. Raw bytes come\n"
        "out, without a newline.\n"
        "  qw detokenize 9707 1879\n"
        "  qw tokenize -p \"Hello\" | qw detokenize\n",
};
