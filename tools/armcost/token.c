/* token.c - what armcost counts: loads a model, feeds a prompt, draws tokens. The difference of two
 * runs that differ in one of these is its cost.
 *
 *     token MODEL PROMPT-TOKENS DRAWN-TOKENS
 *
 * One thread, batches of 64, the model's own sampling, cache and kernels. */
#include <stdio.h>
#include <stdlib.h>
#include "qw.h"

enum { CONTEXT = 320 };

static int failed(const qw_error *err) {
    fprintf(stderr, "token: %s\n", err->message);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int prompt = atoi(argv[2]), drawn = atoi(argv[3]);
    int32_t ids[CONTEXT], id;
    qw_model *m;
    qw_session *s;
    qw_error err;
    if (prompt < 0 || drawn < 0 || prompt + drawn > CONTEXT) return 2;
    qw_load_params load = {.n_threads = 1, .cpu = getenv("QW_CPU")};
    if (qw_load(&m, argv[1], &load, &err)) return failed(&err);
    qw_session_params session = {.n_ctx = CONTEXT};
    if (qw_session_new(&s, m, &session, &err)) return failed(&err);
    for (int i = 0; i < prompt; i++)
        ids[i] = (int32_t)((uint32_t)(i + 1) * 2654435761u >> 4) % qw_info(m)->n_vocab;
    if (qw_feed(s, ids, (size_t)prompt, &err)) return failed(&err);
    for (int i = 0; i < drawn; i++) {
        if (qw_next(s, &id, &err) == 1) continue;
        fprintf(stderr, "token: generation ended early\n");
        return 1;
    }
    printf("%s\n", qw_info(m)->kernels);
    qw_session_free(s);
    qw_free(m);
    return 0;
}
