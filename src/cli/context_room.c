/* context_room.c - how much of a message fits in the context, and what would make room. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "cli/generate.h"

enum {
    CHUNK = 65536,              /* bytes of a message that are counted at a time */
    TEMPLATE_TOKENS = 64,       /* what a template adds to a message, roughly */
    ANSWER_TOKENS = 1024,       /* room for an answer of unknown length */
    LONG_MESSAGE = 4 * CHUNK,   /* bytes that may be too much for every context */
    STEP = 256                  /* a suggested -c is a multiple of this */
};

/* Where a chunk that begins at `at` ends: after a line if possible, never within a character. A
 * newline ends a token unless white space follows, so lines are counted exactly. */
static size_t chunk_end(const struct text *t, size_t at) {
    size_t end = at + CHUNK;
    if (end >= t->n) return t->n;
    for (size_t i = end; i > at + CHUNK / 2; i--)
        if (t->p[i - 1] == '\n' && t->p[i] > ' ') return i;
    while (((unsigned char)t->p[end] & 0xC0) == 0x80) end--;
    return end;
}

/* Count the tokens of t until they are more than `most` or it ends; *at is how far that is. */
static size_t count_tokens(const struct generator *g, const struct text *t, size_t most,
                           size_t *at) {
    const qw_tokenizer *tokenizer = qw_model_tokenizer(g->model);
    size_t n = 0;
    *at = 0;
    if (!tokenizer) return 0;
    while (*at < t->n && n <= most) {
        size_t end = chunk_end(t, *at);
        int32_t *ids;
        long more = qw_tokenize(tokenizer, t->p + *at, end - *at, g->o.special, &ids, NULL);
        if (more < 0) return 0;
        qw_release(ids);
        n += (size_t)more;
        *at = end;
    }
    return n;
}

size_t message_tokens(const struct generator *g, const struct text *said) {
    size_t at;
    return count_tokens(g, said, (size_t)-2, &at);
}

/* What -n asks for; the model's max_new_tokens is more than most answers need. */
static size_t answer_tokens(const struct generator *g) {
    const struct options *o = &g->o;
    return o->given.n_predict && o->n_predict > 0 ? (size_t)o->n_predict : ANSWER_TOKENS;
}

static int with_answer(const struct generator *g, size_t prompt) {
    size_t all = prompt + TEMPLATE_TOKENS + answer_tokens(g);
    return all < INT_MAX ? (int)all : INT_MAX;
}

int rough_context(const struct generator *g, const struct text *prompt) {
    enum { BYTES_PER_TOKEN = 4 };
    return with_answer(g, prompt->n / BYTES_PER_TOKEN);
}

/* Short prompts are not counted: the engine plans for 4,096 positions anyway. */
int exact_context(const struct generator *g, const struct text *prompt) {
    enum { SHORT = 2048 };
    size_t tokens = prompt->n < SHORT ? prompt->n : message_tokens(g, prompt);
    return with_answer(g, tokens);
}

const char *room_hint(const struct generator *g, size_t tokens, char *out, size_t size) {
    size_t max = (size_t)qw_info(g->model)->n_ctx_max, want;
    uint64_t cache, scratch;
    if (g->o.n_ctx <= 0 || (size_t)g->o.n_ctx >= max || tokens >= max) return NULL;
    want = tokens + answer_tokens(g);
    want = (want + STEP - 1) / STEP * STEP;
    if (want > max) want = max;
    qw_session_params session = {.n_ctx = (int)want, .n_batch = g->o.n_batch,
                                 .kv_type = g->o.kv_type};
    if (qw_session_memory(g->model, &session, &cache, &scratch, NULL)) return NULL;
    snprintf(out, size, "-c %zu takes %.0f MB; without -c it grows as needed", want,
             (double)(cache + scratch) / 1e6);
    return out;
}

static int check_room(const struct generator *g, const struct text *said, size_t room) {
    size_t most = room + room / 50 + TEMPLATE_TOKENS, at;
    if (said->n <= most) return 0;          /* a token has at least one byte */
    size_t n = count_tokens(g, said, most, &at);
    if (n <= most) return 0;                /* the engine counts exactly */
    double per_byte = (double)n / (double)at;
    char text[96];
    const char *hint = room_hint(g, (size_t)((double)said->n * per_byte), text, sizeof text);
    say("the prompt of %zu bytes is far too long: the context of %zu tokens has room for about %zu "
        "bytes of it%s%s", said->n, room, (size_t)((double)room / per_byte), hint ? "; " : "",
        hint ? hint : "");
    return EXIT_CONTEXT;
}

int check_message(const struct generator *g, const struct text *said) {
    return check_room(g, said, (size_t)qw_n_ctx(g->session));
}

/* The weights as stored need no quantising, which may take a minute. That they could not even be
 * loaded like this is for load_model to say. */
int check_long_message(const struct generator *g, const struct text *said) {
    const qw_load_params params = {.weight_type = "stored", .n_threads = 1};
    struct generator probe = {.o = g->o};
    char found[MODEL_PATH];
    const char *path, *type;
    uint64_t bytes;
    if (said->n < LONG_MESSAGE) return 0;
    if (!(path = find_model(g->o.model.path, true, found))) return EXIT_ERROR;
    if (qw_load(&probe.model, path, &params, NULL)) return 0;
    size_t room = (size_t)(g->o.n_ctx > 0 ? g->o.n_ctx : qw_info(probe.model)->n_ctx_max);
    if (!g->o.kv_type && qw_weight_memory(probe.model, g->o.model.weight_type, &type, &bytes, NULL)
        == 0)
        probe.o.kv_type = strcmp(type, "bf16") == 0 ? "f32" : "q8";
    int rc = check_room(&probe, said, room);
    qw_free(probe.model);
    return rc;
}
