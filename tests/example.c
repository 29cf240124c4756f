/* example.c - a whole program on qw.h: continue a text.   example MODEL TEXT */
#include <stdio.h>
#include "qw.h"

static int fail(const qw_error *err) {
    fprintf(stderr, "%s\n", err->message);
    return 1;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "models/tiny";
    const char *text = argc > 2 ? argv[2] : "Once upon a time";
    const qw_session_params params = {.n_ctx = 128};
    const qw_sampling greedy = {.top_p = 1, .repetition_penalty = 1};
    qw_error err;
    qw_model *model;
    qw_session *session;
    int32_t *ids, id;
    size_t length = 0;
    int more = 0;

    if (qw_load(&model, path, NULL, &err)) return fail(&err);
    if (qw_session_new(&session, model, &params, &err)) return fail(&err);
    if (qw_session_set_sampling(session, &greedy, &err)) return fail(&err);

    const qw_tokenizer *tokenizer = qw_model_tokenizer(model);
    if (!tokenizer) {
        fprintf(stderr, "%s\n", qw_info(model)->tokenizer_error);
        return 1;
    }
    while (text[length]) length++;
    long n = qw_tokenize(tokenizer, text, length, 0, &ids, &err);
    if (n < 0 || qw_feed(session, ids, (size_t)n, &err)) return fail(&err);
    qw_release(ids);

    fputs(text, stdout);
    for (int i = 0; i < 40 && (more = qw_next(session, &id, &err)) == 1; i++) {
        const char *bytes = qw_token_bytes(tokenizer, id, &length);
        fwrite(bytes, 1, length, stdout);
    }
    putchar('\n');
    qw_session_free(session);
    qw_free(model);
    return more < 0 ? fail(&err) : 0;
}
