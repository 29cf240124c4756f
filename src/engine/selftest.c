/* selftest.c - qw_selftest: does this machine compute what every other one computes? */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/model.h"
#include "kernels/check.h"

/* Who is told, and how many parts were wrong. */
struct reporter {
    void (*report)(void *user, const char *part, int right);
    void *user;
    int wrong;
};

static void tell(void *user, const char *part, bool right) {
    struct reporter *r = user;
    if (!right) r->wrong++;
    if (r->report) r->report(r->user, part, right);
}

/* ---- the built-in model ---- */

/* N_PROMPT tokens end behind the first tile of the cache, and are one full batch and a rest. */
enum { N_PROMPT = 67, N_DRAWN = 6, N_LOGITS = 301 };

/* What the built-in model answers, with each type of weights and of the cache: a hash of the logits
 * after the prompt, and the tokens. Any level prints the same. */
static const struct answer {
    const char *name;
    const char *type, *kv_type;     /* of weights and cache */
    uint64_t logits;
    int32_t tokens[N_DRAWN];
} answers[] = {
    {"model as bf16", "bf16", "f32", UINT64_C(0x50D5A70F99CFD033),
     {93, 180, 174, 58, 242, 195}},
    {"model as q8", "q8", "f16", UINT64_C(0x0792DEC91A833609),
     {145, 272, 281, 195, 99, 163}},
    {"model as q4", "q4", "q8", UINT64_C(0x2C47955EE800F404),
     {230, 48, 240, 140, 27, 179}},
};

/* FNV-1a (Fowler, Noll and Vo 1991) */
static uint64_t hash(const void *p, size_t n) {
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (const unsigned char *c = p; n > 0; n--, c++) h = (h ^ *c) * UINT64_C(0x100000001B3);
    return h;
}

static int answer(qw_session *s, struct answer *out, qw_error *err) {
    int32_t prompt[N_PROMPT];
    float logits[N_LOGITS];
    for (int i = 0; i < N_PROMPT; i++) prompt[i] = (7 + 31 * i) % N_LOGITS;
    int rc = qw_feed(s, prompt, N_PROMPT, err);
    if (!rc) rc = qw_logits(s, N_PROMPT - 1, 1, logits, err);
    if (rc) return rc;
    out->logits = hash(logits, sizeof logits);
    for (int i = 0; i < N_DRAWN; i++)
        if ((rc = qw_next(s, &out->tokens[i], err)) < 0) return rc;
    return 0;
}

/* A failure for want of memory is one; logits that are not finite are a wrong result. */
static int check_model(const char *level, const struct answer *right, struct reporter *r,
                       qw_error *err) {
    const qw_load_params load = {.weight_type = right->type, .cpu = level};
    const qw_session_params params = {.n_ctx = N_PROMPT + N_DRAWN, .kv_type = right->kv_type};
    struct answer found = *right;
    struct qw_model *m;
    qw_session *s = NULL;
    int rc = qw_load_shape(&m, "micro", NULL, &load, err);
    if (!rc) rc = qw_session_new(&s, m, &params, err);
    if (!rc) rc = answer(s, &found, err);
    qw_session_free(s);
    qw_free(m);
    if (rc && rc != QW_ENUMERIC) return rc;
    bool same = rc == 0 && found.logits == right->logits &&
                memcmp(found.tokens, right->tokens, sizeof found.tokens) == 0;
    tell(r, right->name, same);
    return 0;
}

/* ---- all of it ---- */

int qw_selftest(const char *level, void (*report)(void *user, const char *part, int right),
                void *user, qw_error *err) {
    const struct kernels *k;
    struct reporter r = {report, user, 0};
    int rc = kernels_choose(&k, level, err);
    if (rc) return rc;
    struct check_room *room = alloc_large(sizeof *room);
    if (!room) return fail_memory(err, "the operands of kernels", sizeof *room);
    if (k != &kernels_reference) kernels_check(k, room, tell, &r);
    free(room);
    for (size_t i = 0; !rc && i < sizeof answers / sizeof *answers; i++)
        rc = check_model(level, &answers[i], &r, err);
    return rc ? rc : r.wrong;
}
