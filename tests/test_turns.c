/* test_turns.c - what can be done with turns: stop texts, budgets, answers cut short and continued,
 * turns forgotten, dropped, saved; and contexts that grow. With models/tiny. */
#include "engine/conversation.h"
#include "test.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static qw_model *tiny;
static bool quick;              /* for sanitizers, which make everything slow */

#define QUESTION "Tell me a story."
#define CHAT(...) &(qw_chat_params){__VA_ARGS__}

static qw_session *new_session(int n_ctx) {
    qw_session *s = NULL;
    qw_error err;
    CHECK(qw_session_new(&s, tiny, &(qw_session_params){.n_ctx = n_ctx}, &err) == 0, "%s",
          err.message);
    return s;
}

static qw_chat *new_chat(qw_session *s, const qw_chat_params *p) {
    qw_chat *c = NULL;
    qw_error err;
    CHECK(qw_chat_new(&c, s, p, &err) == 0, "%s", err.message);
    return c;
}

static void seed(qw_session *s, uint64_t n) {
    qw_sampling sampling = qw_default_sampling(tiny, 0);
    sampling.seed = n;
    CHECK(qw_session_set_sampling(s, &sampling, NULL) == 0, "the sampling");
}

static void say(qw_chat *c, const char *text) {
    qw_error err = {0, ""};
    CHECK(qw_chat_say(c, text, strlen(text), &err) == 0, "%s: %s", text, err.message);
}

/* Take at most `most` pieces (0: all) into out: thoughts in brackets. Returns why it ended, -1
 * while it has not. */
static int take(qw_chat *c, int most, struct buf *out) {
    qw_piece piece;
    enum qw_stop stop;
    qw_error err;
    int rc = 1;
    for (int i = 0; most == 0 || i < most; i++) {
        rc = qw_chat_next(c, &piece, &stop, &err);
        if (rc != 1) break;
        if (piece.kind == QW_THOUGHT) buf_char(out, '(');
        buf_put(out, piece.text, piece.n);
        if (piece.kind == QW_THOUGHT) buf_char(out, ')');
    }
    CHECK(rc >= 0, "%s", err.message);
    return rc == 0 ? (int)stop : -1;
}

static bool same(const struct buf *a, const struct buf *b) {
    return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

static bool same_tokens(const qw_session *a, const qw_session *b) {
    return qw_n_tokens(a) == qw_n_tokens(b) &&
           memcmp(qw_tokens(a), qw_tokens(b), qw_n_tokens(a) * sizeof(int32_t)) == 0;
}

/* ---- contexts that grow ---- */

enum { N_FED = 520, PIECE = 104 };      /* more than a growing context begins with */

/* The logits behind those tokens, fed in pieces. */
static void logits_after(qw_session *s, float *out) {
    int32_t ids[PIECE];
    qw_error err = {0, ""};
    int rc = 0;
    for (int first = 0; !rc && first < N_FED; first += PIECE) {
        for (int i = 0; i < PIECE; i++) ids[i] = ((first + i) * 37 + i / 7) % 4000;
        rc = qw_feed(s, ids, PIECE, &err);
    }
    if (!rc) rc = qw_logits(s, N_FED - 1, 1, out, &err);
    CHECK(rc == 0, "%s", err.message);
}

/* A fixed context and one that grows, with a cache of that type. */
static void compare_growing(qw_model *m, const char *type, const char *what) {
    const size_t n_vocab = (size_t)qw_info(m)->n_vocab;
    float *a = malloc(n_vocab * sizeof *a), *b = malloc(n_vocab * sizeof *b);
    qw_session *fixed, *grows;
    qw_error err;
    int rc = qw_session_new(&fixed, m, &(qw_session_params){.n_ctx = 1024, .kv_type = type}, &err);
    if (!rc) rc = qw_session_new(&grows, m, &(qw_session_params){.kv_type = type}, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc) return;
    CHECK(qw_n_ctx_now(fixed) == 1024 && qw_n_ctx(fixed) == 1024, "fixed");
    CHECK(qw_n_ctx_now(grows) < N_FED && qw_n_ctx(grows) == 1024, "more than it needs");
    logits_after(fixed, a);
    logits_after(grows, b);
    CHECK(memcmp(a, b, n_vocab * sizeof *a) == 0, "%s, %s: other bits", what, type);
    CHECK(qw_n_ctx_now(grows) == 1024, "%d", qw_n_ctx_now(grows));
    qw_session_free(fixed);
    qw_session_free(grows);
    free(a);
    free(b);
}

static void test_growing(void) {
    static const char *const types[] = {"f32", "f16", "q8"};
    char levels[256], *next = NULL;
    qw_cpu_levels(levels, sizeof levels);
    for (char *level = strtok_r(levels, " ", &next); level; level = strtok_r(NULL, " ", &next))
        for (int threads = 1; threads <= 3; threads += 2) {
            bool slow = strcmp(level, "scalar") == 0;
            if ((slow && threads == 1) || (quick && (level != levels || threads == 1))) continue;
            qw_model *m;
            qw_error err;
            const qw_load_params p = {.cpu = level, .n_threads = threads,
                                      .weight_type = quick ? "q4" : NULL};
            CHECK(qw_load(&m, "models/tiny", &p, &err) == 0, "%s", err.message);
            for (int t = 0; m && t < 3; t++) compare_growing(m, types[t], level);
            qw_free(m);
        }
}

/* Before the model's end a context that grows is full, too. */
static void test_growing_ends(void) {
    qw_session *s = new_session(0);
    int32_t ids[64] = {5};
    qw_error err;
    int rc = 0;
    for (int i = 0; !rc && i < 20; i++) rc = qw_feed(s, ids, 64, &err);
    CHECK(rc == QW_ECONTEXT && qw_n_tokens(s) == 1024, "%d, %zu", rc, qw_n_tokens(s));
    qw_session_free(s);
}

/* A batch has no more tokens than the context, nor memory for them. */
static void test_batch(void) {
    uint64_t cache, small, large;
    qw_error err = {0, ""};
    qw_session_params p = {.n_ctx = 64, .n_batch = 64};
    CHECK(qw_session_memory(tiny, &p, &cache, &small, &err) == 0, "%s", err.message);
    p.n_batch = 65536;
    CHECK(qw_session_memory(tiny, &p, &cache, &large, &err) == 0, "%s", err.message);
    CHECK(large == small, "%llu and %llu bytes", (unsigned long long)large,
          (unsigned long long)small);
}

/* ---- why answers end ---- */

static void test_stop_texts(void) {
    struct buf all = {0};
    qw_session *s = new_session(512);
    qw_chat *c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 40));
    seed(s, 1);
    say(c, QUESTION);
    take(c, 0, &all);
    qw_chat_free(c);
    CHECK(all.n > 60, "a story of %zu bytes", all.n);
    /* some places of the text as a stop text, of some lengths: it ends right before the first */
    for (size_t from = 1; from + 12 < all.n && from < 40; from += 9)
        for (size_t n = 1; n < 12; n += 7) {
            struct buf out = {0};
            char stop[16];
            snprintf(stop, sizeof stop, "%.*s", (int)n, all.p + from);
            const char *stops[] = {"not in the text", stop};
            const char *first = memmem(all.p, all.n, stop, n);
            c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 40, .stop = stops, .n_stop = 2));
            seed(s, 1);
            say(c, QUESTION);
            int why = take(c, 0, &out);
            CHECK(why == QW_STOP_TEXT, "'%s': %d", stop, why);
            CHECK(out.n == (size_t)(first - all.p) && memcmp(out.p ? out.p : "", all.p, out.n) == 0,
                  "'%s': %.*s", stop, (int)out.n, out.p);
            buf_free(&out);
            qw_chat_free(c);
        }
    buf_free(&all);
    qw_session_free(s);
}

/* What limits an answer can change in a conversation; a failure changes nothing. */
static void test_limits(void) {
    struct buf all = {0}, out = {0};
    qw_session *s = new_session(512);
    qw_chat *c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 40));
    seed(s, 1);
    say(c, QUESTION);
    CHECK(take(c, 0, &all) == QW_STOP_LENGTH, "40 tokens");
    char stop[4] = "";
    memcpy(stop, all.p + 20, 3);
    const char *stops[] = {stop}, *wrong[] = {stop, ""};
    const qw_chat_params limits = {.stop = stops, .n_stop = 1};
    CHECK(qw_chat_set_limits(c, &limits, NULL) == 0, "limits");
    CHECK(qw_chat_set_limits(c, CHAT(.max_tokens = -2), NULL) == QW_EARG, "-2 tokens");
    CHECK(qw_chat_set_limits(c, CHAT(.stop = wrong, .n_stop = 2), NULL) == QW_EARG, "an empty one");
    CHECK(qw_chat_set_limits(c, CHAT(.n_stop = -1), NULL) == QW_EARG, "-1 texts");
    seed(s, 1);
    CHECK(qw_chat_regenerate(c, NULL) == 0, "again");
    CHECK(take(c, 0, &out) == QW_STOP_TEXT, "the stop text");
    CHECK(out.n < all.n && memcmp(out.p, all.p, out.n) == 0, "up to it: %.*s", (int)out.n, out.p);
    CHECK(qw_chat_set_limits(c, CHAT(.max_tokens = 40, .no_loop_guard = 1), NULL) == 0, "back");
    seed(s, 1);
    out.n = 0;
    CHECK(qw_chat_regenerate(c, NULL) == 0 && take(c, 0, &out) == QW_STOP_LENGTH, "again");
    CHECK(same(&out, &all), "as at first: %.*s", (int)out.n, out.p);
    buf_free(&all);
    buf_free(&out);
    qw_chat_free(c);
    qw_session_free(s);
}

/* What cannot begin a stop text is not held back: the pieces are those without one. */
static void test_nothing_held(void) {
    const char *const stops[] = {"\x01.", "\x02"};
    qw_session *s = new_session(512), *with = new_session(512);
    qw_chat *c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 20));
    qw_chat *d = new_chat(with, CHAT(.thinking = 0, .max_tokens = 20, .stop = stops, .n_stop = 2));
    seed(s, 1);
    seed(with, 1);
    say(c, QUESTION);
    say(d, QUESTION);
    int n = 0, more = 1;
    for (; more == 1; n++) {
        qw_piece a = {0}, b = {0};
        qw_error err = {0, ""};
        more = qw_chat_next(c, &a, NULL, &err);
        CHECK(qw_chat_next(d, &b, NULL, &err) == more, "%s", err.message);
        CHECK(a.n == b.n && (a.n == 0 || memcmp(a.text, b.text, a.n) == 0), "piece %d: %.*s", n,
              (int)b.n, b.text);
    }
    CHECK(n > 10, "%d pieces", n);
    qw_chat_free(c);
    qw_chat_free(d);
    qw_session_free(s);
    qw_session_free(with);
}

static void test_thought_ends(void) {
    struct buf out = {0};
    qw_session *s = new_session(512);
    qw_error err = {0, ""};
    qw_chat *c = new_chat(s, CHAT(.thinking = 1, .thought_budget = 3));
    say(c, "What is 2 + 3?");
    int why = take(c, 0, &out);
    buf_char(&out, 0);
    CHECK(why == QW_STOP_END && qw_chat_closed(c) == QW_CLOSE_BUDGET, "%d, %d", why,
          (int)qw_chat_closed(c));
    CHECK(strstr(out.p, "thinking directly now.)") && out.p[0] == '(', "%s", out.p);
    qw_usage u = qw_chat_usage(c);
    CHECK(u.reasoning_tokens == 3 && u.completion_tokens > 3 && u.prompt_tokens > 5,
          "%zu thought, %zu in all, %zu before", u.reasoning_tokens, u.completion_tokens,
          u.prompt_tokens);
    CHECK(qw_chat_answer_now(c, &err) == QW_EARG, "no thought is open");
    qw_chat_free(c);

    out.n = 0;
    c = new_chat(s, CHAT(.thinking = 1));
    say(c, "What is 2 + 3?");
    CHECK(take(c, 2, &out) == -1, "more is to come");
    CHECK(qw_chat_answer_now(c, &err) == 0, "%s", err.message);
    CHECK(take(c, 0, &out) == QW_STOP_END && qw_chat_closed(c) == QW_CLOSE_NOW, "closed");
    buf_char(&out, 0);
    CHECK(strstr(out.p, "thinking directly now.)") != NULL, "%s", out.p);
    CHECK(strstr(out.p, "</think>") == NULL, "%s", out.p);
    buf_free(&out);
    qw_chat_free(c);
    qw_session_free(s);
}

/* Two pieces into a thought, in a context of n_ctx positions: close it. *before, *after: tokens. */
static int close_in(int n_ctx, size_t *before, size_t *after) {
    struct buf out = {0};
    qw_error err = {0, ""};
    qw_session *s = new_session(n_ctx);
    qw_chat *c = new_chat(s, CHAT(.thinking = 1));
    seed(s, 1);
    say(c, "What is 2 + 3?");
    take(c, 2, &out);
    *before = qw_n_tokens(s);
    int rc = qw_chat_answer_now(c, &err);
    *after = qw_n_tokens(s);
    buf_free(&out);
    qw_chat_free(c);
    qw_session_free(s);
    return rc;
}

/* A thought is closed where the sentence fits, and a token of the answer after it. */
static void test_room_to_close(void) {
    size_t before, after, n, same_n;
    CHECK(close_in(512, &before, &after) == 0 && after > before + 10, "%zu, %zu", before, after);
    CHECK(close_in((int)after + 1, &n, &same_n) == 0 && same_n == after, "%zu, %zu", n, same_n);
    CHECK(close_in((int)after, &n, &same_n) == QW_ECONTEXT && n == before && same_n == before,
          "no room for an answer: %zu, %zu", n, same_n);
}

/* One token for ever: the thought is closed, the answer is stopped. */
static void test_loops(void) {
    struct buf out = {0};
    qw_session *s = new_session(1024);
    int32_t *id;
    qw_error err = {0, ""};
    CHECK(qw_tokenize(qw_model_tokenizer(tiny), "a", 1, 0, &id, &err) == 1, "%s", err.message);
    qw_sampling sampling = {.top_p = 1, .repetition_penalty = 1, .n_bias = 1,
                            .bias = &(qw_logit_bias){id[0], 1000}};
    for (int off = 0; off < 2; off++) {
        qw_chat *c = new_chat(s, CHAT(.chat_template = "thinking2507", .thinking = -1,
                                      .max_tokens = off ? 310 : 700, .no_loop_guard = off));
        CHECK(qw_session_set_sampling(s, &sampling, &err) == 0, "%s", err.message);
        say(c, "hi");
        int why = take(c, 0, &out);
        qw_usage u = qw_chat_usage(c);
        CHECK(why == (off ? QW_STOP_LENGTH : QW_STOP_LOOP), "%d", why);
        CHECK(qw_chat_closed(c) == (off ? QW_CLOSE_MODEL : QW_CLOSE_LOOP), "closed");
        CHECK(u.reasoning_tokens == (off ? 310 : 300) && u.completion_tokens == (off ? 310 : 600),
              "%zu of %zu in thoughts", u.reasoning_tokens, u.completion_tokens);
        qw_chat_free(c);
    }
    qw_release(id);
    buf_free(&out);
    qw_session_free(s);
}

/* ---- answers cut and continued ---- */

static void test_continue(void) {
    struct buf whole = {0};
    qw_session *a = new_session(512), *b = new_session(512);
    qw_error err = {0, ""};
    qw_chat *c = new_chat(a, CHAT(.thinking = 1, .max_tokens = 60));
    seed(a, 3);
    say(c, QUESTION);
    take(c, 0, &whole);
    for (int pieces = 1; pieces < 30; pieces += 7) {
        struct buf out = {0};
        qw_chat *d = new_chat(b, CHAT(.thinking = 1, .max_tokens = 25));
        seed(b, 3);
        say(d, QUESTION);
        CHECK(qw_chat_continue(d, &err) == QW_EARG, "it has only begun");
        take(d, pieces, &out);
        if (qw_chat_cut(d, NULL) == 0)
            CHECK(qw_chat_continue(d, &err) == 0, "%s", err.message);
        while (take(d, 0, &out) == QW_STOP_LENGTH && qw_n_tokens(b) < qw_n_tokens(a))
            CHECK(qw_chat_continue(d, &err) == 0, "%s", err.message);
        CHECK(qw_n_tokens(b) >= qw_n_tokens(a) &&
              memcmp(qw_tokens(a), qw_tokens(b), qw_n_tokens(a) * sizeof(int32_t)) == 0,
              "cut after %d pieces: other tokens", pieces);
        buf_free(&out);
        qw_chat_free(d);
    }
    buf_free(&whole);
    qw_chat_free(c);
    qw_session_free(a);
    qw_session_free(b);
}

static void test_again(void) {
    struct buf first = {0}, again = {0}, other = {0};
    qw_session *s = new_session(512);
    qw_error err = {0, ""};
    size_t n;
    qw_chat *c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 30));
    CHECK(qw_chat_regenerate(c, &err) == QW_EARG && qw_chat_undo(c, &err) == QW_EARG, "no turns");
    CHECK(qw_chat_last_message(c, &n) == NULL && n == 0, "no message");
    CHECK(qw_chat_last_thought(c, &n) == NULL && n == 0, "no thought");
    seed(s, 5);
    say(c, "Hello!");
    take(c, 0, &again);
    again.n = 0;
    say(c, QUESTION);
    take(c, 0, &first);
    seed(s, 5);
    CHECK(qw_chat_regenerate(c, &err) == 0, "%s", err.message);
    take(c, 0, &again);
    seed(s, 6);
    CHECK(qw_chat_regenerate(c, &err) == 0 && qw_chat_turns(c) == 2, "%s", err.message);
    take(c, 0, &other);
    CHECK(!same(&again, &other), "another seed, the same answer");
    const char *last = qw_chat_last_message(c, &n);
    CHECK(n == strlen(QUESTION) && memcmp(last, QUESTION, n) == 0, "%.*s", (int)n, last);
    CHECK(qw_chat_undo(c, &err) == 0 && qw_chat_turns(c) == 1, "%s", err.message);
    seed(s, 5);
    other.n = 0;
    say(c, QUESTION);
    take(c, 0, &other);
    CHECK(same(&again, &other), "after undo: another answer");
    buf_free(&first);
    buf_free(&again);
    buf_free(&other);
    qw_chat_free(c);
    qw_session_free(s);
}

/* ---- a full context ---- */

static void test_dropping(void) {
    qw_session *s = new_session(160);
    qw_error err = {0, ""};
    struct buf out = {0};
    size_t dropped = 0;
    qw_chat *c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 30, .drop_turns = 1));
    seed(s, 1);
    for (int i = 0; i < 8; i++) {
        say(c, QUESTION);
        CHECK(qw_n_tokens(s) < 160, "%zu tokens", qw_n_tokens(s));
        if (qw_chat_dropped(c)) CHECK(qw_n_tokens(s) <= 80, "%zu tokens", qw_n_tokens(s));
        int why = take(c, 0, &out);
        CHECK(why == QW_STOP_LENGTH || why == QW_STOP_END, "%d", why);
        /* also in the middle of the answer: half of the context at most is left */
        CHECK(qw_chat_dropped(c) == 0 || c->begins <= 80, "%zu tokens are left", c->begins);
        dropped += qw_chat_dropped(c);
    }
    CHECK(dropped >= 3 && qw_chat_turns(c) + dropped == 8, "%zu dropped, %zu left", dropped,
          qw_chat_turns(c));
    char *longer = calloc(1, 1000);
    memset(longer, 'x', 999);
    for (int i = 0; i < 999; i += 2) longer[i] = ' ';
    size_t turns = qw_chat_turns(c);
    CHECK(qw_chat_say(c, longer, 999, &err) == QW_ECONTEXT && qw_chat_turns(c) == turns,
          "%s, %zu turns", err.message, qw_chat_turns(c));
    free(longer);
    qw_chat_free(c);

    c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 30));
    int rc = 0;
    for (int i = 0; !rc && i < 8; i++) {
        rc = qw_chat_say(c, QUESTION, strlen(QUESTION), &err);
        if (!rc) take(c, 0, &out);
    }
    CHECK(rc == QW_ECONTEXT && qw_chat_dropped(c) == 0, "%d", rc);
    qw_chat_free(c);

    /* in the middle of an answer: it goes on */
    qw_session_free(s);
    s = new_session(130);
    c = new_chat(s, CHAT(.thinking = 0, .drop_turns = 1, .max_tokens = 60));
    seed(s, 1);
    for (int i = 0; i < 4 && !qw_chat_dropped(c); i++) {
        say(c, QUESTION);
        CHECK(qw_chat_dropped(c) == 0, "dropped before the answer");
        size_t prompt = qw_chat_usage(c).prompt_tokens;
        out.n = 0;
        CHECK(take(c, 0, &out) != QW_STOP_CONTEXT, "turn %d", i);
        qw_usage u = qw_chat_usage(c);
        CHECK(u.prompt_tokens == prompt && u.completion_tokens == qw_n_tokens(s) - c->begins,
              "counted: %zu of %zu, %zu", u.prompt_tokens, prompt, u.completion_tokens);
    }
    CHECK(qw_chat_dropped(c) > 0, "nothing was dropped");
    buf_free(&out);
    qw_chat_free(c);
    qw_session_free(s);
}

/* No more than this process has and 1 MB; false: that is not obeyed here. */
static bool limit_memory(struct rlimit *before) {
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%lu", &pages) != 1) pages = 0;
    if (f) fclose(f);
    getrlimit(RLIMIT_AS, before);
    struct rlimit low = *before;
    low.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (1 << 20);
    if (pages == 0 || setrlimit(RLIMIT_AS, &low)) return false;
    void *p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return true;
    munmap(p, 2 << 20);
    setrlimit(RLIMIT_AS, before);
    return false;
}

/* A step that does not fit in memory is a full context: what was said is kept, and goes on when
 * there is memory again. */
static void test_no_memory(void) {
    struct buf out = {0}, text = {0};
    struct rlimit before;
    qw_session *s = NULL;
    qw_error err = {0, ""};
    const qw_session_params f32 = {.kv_type = "f32"};       /* the largest cache */
    CHECK(qw_session_new(&s, tiny, &f32, &err) == 0, "%s", err.message);
    const qw_model_info *info = qw_info(tiny);
    qw_logit_bias no_end[8];
    for (int i = 0; i < info->n_eos && i < 8; i++) no_end[i] = (qw_logit_bias){info->eos[i], -1e6f};
    qw_sampling greedy = {.top_p = 1, .repetition_penalty = 1, .bias = no_end,
                          .n_bias = info->n_eos};
    qw_chat *c = new_chat(s, CHAT(.chat_template = "none", .thinking = -1, .no_loop_guard = 1,
                                  .max_tokens = 300));
    for (int i = 0; i < 230; i++) buf_str(&text, "the cat ");
    CHECK(qw_session_set_sampling(s, &greedy, &err) == 0, "%s", err.message);
    CHECK(qw_chat_say(c, text.p, text.n, &err) == 0, "%s", err.message);
    int room = qw_n_ctx_now(s);
    CHECK(room == 512 && qw_n_tokens(s) < 512, "%d positions, %zu tokens", room, qw_n_tokens(s));
    buf_reserve(&out, 65536);
    if (!limit_memory(&before)) {
        printf("skip - turns: memory that runs out: limits are not obeyed here\n");
    } else {
        int why = take(c, 0, &out);
        setrlimit(RLIMIT_AS, &before);
        CHECK(why == QW_STOP_CONTEXT, "%d", why);
        size_t full = qw_n_tokens(s);
        CHECK(out.n > 0 && full >= 512 && full < 760 && (int)full == qw_n_ctx_now(s),
              "%zu tokens, %d positions", full, qw_n_ctx_now(s));
        CHECK(qw_chat_continue(c, &err) == 0, "%s", err.message);
        take(c, 3, &out);
        CHECK(qw_n_tokens(s) > full && qw_n_ctx_now(s) == 1024, "%zu tokens", qw_n_tokens(s));
    }
    buf_free(&out);
    buf_free(&text);
    qw_chat_free(c);
    qw_session_free(s);
}

/* ---- reading that is stopped ---- */

static int stop_at_once(void *user, size_t done, size_t all) {
    (void)user;
    return done > 0 && done < all;
}

static void test_stopped_reading(void) {
    struct buf text = {0};
    qw_session *s = NULL;
    qw_error err = {0, ""};
    const qw_session_params stopped = {.n_ctx = 512, .n_batch = 16, .progress = stop_at_once};
    CHECK(qw_session_new(&s, tiny, &stopped, &err) == 0, "%s", err.message);
    qw_chat *c = new_chat(s, CHAT(.thinking = 0));
    for (int i = 0; i < 60; i++) buf_str(&text, "the cat ");
    CHECK(qw_chat_say(c, text.p, text.n, &err) == QW_ECANCEL, "%s", err.message);
    qw_usage u = qw_chat_usage(c);
    CHECK(u.prompt_tokens == 16 && u.cached_tokens == 0, "%zu tokens, %zu cached", u.prompt_tokens,
          u.cached_tokens);
    CHECK(qw_chat_turns(c) == 0, "the turn stays");
    CHECK(qw_chat_say(c, text.p, text.n, &err) == QW_ECANCEL, "%s", err.message);
    u = qw_chat_usage(c);
    CHECK(u.prompt_tokens == 32 && u.cached_tokens == 16, "again: %zu tokens, %zu cached",
          u.prompt_tokens, u.cached_tokens);
    buf_free(&text);
    qw_chat_free(c);
    qw_session_free(s);
}

/* Stops at its n-th call from now on; 0: never. */
static int stop_at_call(void *user, size_t done, size_t all) {
    int *left = user;
    CHECK(done < all, "%zu of %zu", done, all);
    return *left > 0 && --*left == 0;
}

/* The greedy token after the first n ids. */
static int32_t token_after(qw_session *s, const int32_t *ids, size_t n) {
    int32_t id = -1;
    qw_error err = {0, ""};
    CHECK(qw_rewind(s, 0, NULL) == 0 && qw_feed(s, ids, n, &err) == 0 &&
          qw_next(s, &id, &err) >= 0, "%s", err.message);
    return id;
}

/* Wherever a feed or a draw is stopped, what comes after it has the same bits. */
static void test_stopped_anywhere(void) {
    enum { N = 40, DRAWN = 4 };
    int left = 0, stops = 0;
    int32_t ids[N], want[DRAWN], within[2], id = 0;
    qw_session *s = NULL;
    qw_error err = {0, ""};
    const qw_session_params params = {.n_ctx = 64, .n_batch = 16, .progress = stop_at_call,
                                      .user = &left};
    const qw_sampling greedy = {.top_p = 1, .repetition_penalty = 1};
    CHECK(qw_session_new(&s, tiny, &params, &err) == 0, "%s", err.message);
    CHECK(qw_session_set_sampling(s, &greedy, &err) == 0, "%s", err.message);
    for (int i = 0; i < N; i++) ids[i] = (i * 37 + 5) % 4000;
    for (size_t i = 0; i < 2; i++) within[i] = token_after(s, ids, 16 * (i + 1));
    for (int call = 0; call < 30; call++) {
        CHECK(qw_rewind(s, 0, NULL) == 0, "from the start");
        left = call;
        while (qw_n_tokens(s) < N) {
            size_t have = qw_n_tokens(s);
            int rc = qw_feed(s, ids + have, N - have, &err);
            CHECK(rc == 0 || rc == QW_ECANCEL, "%s", err.message);
            CHECK(rc == 0 || qw_n_tokens(s) % 16 == 0, "stopped after %zu", qw_n_tokens(s));
            stops += rc == QW_ECANCEL;
            if (rc && rc != QW_ECANCEL) break;
            if (rc == 0 || (have = qw_n_tokens(s)) == 0) continue;
            CHECK(qw_next(s, &id, &err) >= 0 && id == within[have / 16 - 1], "after %zu: %d", have,
                  (int)id);
            CHECK(qw_rewind(s, have, NULL) == 0, "back to what was read");
        }
        for (int i = 0; i < DRAWN; i++) {
            left = call % 7;
            while (qw_next(s, &id, &err) == QW_ECANCEL) {
                CHECK(qw_n_tokens(s) == (size_t)(N + i), "a token is lost");
                stops++;
            }
            if (call == 0) want[i] = id;
            CHECK(id == want[i], "stopped at call %d: token %d is %d, not %d", call, i, (int)id,
                  (int)want[i]);
        }
    }
    CHECK(stops > 60, "%d stops", stops);
    qw_session_free(s);
}

/* An answer that is stopped within a token goes on as if it had not been. */
static void test_stopped_answer(void) {
    int left = 0;
    struct buf all = {0}, out = {0};
    qw_session *s = NULL;
    qw_piece piece;
    enum qw_stop stop;
    qw_error err = {0, ""};
    const qw_session_params params = {.n_ctx = 512, .progress = stop_at_call, .user = &left};
    CHECK(qw_session_new(&s, tiny, &params, &err) == 0, "%s", err.message);
    qw_chat *c = new_chat(s, CHAT(.thinking = 0, .max_tokens = 20));
    seed(s, 1);
    say(c, QUESTION);
    take(c, 0, &all);
    seed(s, 1);
    CHECK(qw_chat_regenerate(c, NULL) == 0, "again");
    for (int rc = 1, n = 0; rc == 1; n++) {
        left = n % 5;
        while ((rc = qw_chat_next(c, &piece, &stop, &err)) == QW_ECANCEL) continue;
        if (rc == 1) buf_put(&out, piece.text, piece.n);
    }
    CHECK(same(&all, &out), "%.*s", (int)out.n, out.p);
    buf_free(&all);
    buf_free(&out);
    qw_chat_free(c);
    qw_session_free(s);
}

/* The end of a thought that is stopped while it is computed leaves the thought as it was. */
static void test_stopped_close(void) {
    int left = 0;
    struct buf all = {0}, out = {0};
    qw_session *s = NULL;
    qw_error err = {0, ""};
    const qw_session_params params = {.n_ctx = 512, .n_batch = 8, .progress = stop_at_call,
                                      .user = &left};
    CHECK(qw_session_new(&s, tiny, &params, &err) == 0, "%s", err.message);
    qw_chat *c = new_chat(s, CHAT(.thinking = 1, .max_tokens = 30));
    seed(s, 1);
    say(c, QUESTION);
    take(c, 0, &all);
    seed(s, 1);
    CHECK(qw_chat_regenerate(c, NULL) == 0, "again");
    take(c, 2, &out);
    for (int call = 1; call < 20; call += 3) {
        left = call;
        CHECK(qw_chat_answer_now(c, &err) == QW_ECANCEL, "call %d: %s", call, err.message);
    }
    left = 0;
    take(c, 0, &out);
    CHECK(same(&all, &out), "%.*s", (int)out.n, out.p);
    buf_free(&all);
    buf_free(&out);
    qw_chat_free(c);
    qw_session_free(s);
}

/* ---- tokens taken back ---- */

/* Fed six tokens, of which three were taken back: the next token is drawn a second time only if the
 * penalty does not count it. */
static void test_rewound_penalty(void) {
    const int32_t fed[] = {64, 65, 66, 67, 68, 69};
    qw_session *s = new_session(64);
    qw_error err = {0, ""};
    qw_sampling sampling = {.top_p = 1, .repetition_penalty = 1, .presence_penalty = 100,
                            .n_bias = 1, .bias = &(qw_logit_bias){64, 60}};
    int32_t first, second;
    CHECK(qw_session_set_sampling(s, &sampling, &err) == 0, "%s", err.message);
    CHECK(qw_feed(s, fed, 6, &err) == 0 && qw_rewind(s, 3, &err) == 0, "%s", err.message);
    CHECK(qw_next(s, &first, &err) == 1 && qw_next(s, &second, &err) >= 0, "%s", err.message);
    CHECK(first == 64 && second != 64, "drawn: %d, %d", (int)first, (int)second);
    qw_session_free(s);
}

/* ---- JSON ---- */

static void test_messages(void) {
    char *json, *again;
    size_t n, n_again;
    struct buf out = {0};
    qw_session *a = new_session(512), *b = new_session(512);
    qw_error err = {0, ""};
    qw_chat *c = new_chat(a, CHAT(.thinking = 1, .max_tokens = 50, .system = "Be \"brief\"."));
    qw_chat *d = new_chat(b, CHAT(.thinking = 1));
    say(c, "What is 2 + 3?");
    take(c, 0, &out);
    say(c, "Hello!");
    take(c, 0, &out);
    CHECK(qw_chat_messages(c, &json, &n, &err) == 0, "%s", err.message);
    CHECK(strstr(json, "\"role\": \"system\", \"content\": \"Be \\\"brief\\\".\"") &&
          strstr(json, "\"reasoning_content\": "), "%s", json);
    CHECK(qw_chat_set_messages(d, json, n, &err) == 0 && qw_chat_turns(d) == 2, "%s", err.message);
    CHECK(qw_chat_messages(d, &again, &n_again, &err) == 0, "%s", err.message);
    CHECK(n == n_again && memcmp(json, again, n) == 0, "%s\n%s", json, again);
    say(c, QUESTION);
    say(d, QUESTION);
    CHECK(same_tokens(a, b), "%zu and %zu tokens", qw_n_tokens(a), qw_n_tokens(b));
    static const char *const wrong[][2] = {
        {"{}", "an array"},
        {"[{\"role\":\"assistant\",\"content\":\"\"}]", "messages[0]"},
        {"[{\"role\":\"user\",\"content\":\"\"}]", "not an assistant's"},
        {"[{\"role\":\"user\",\"content\":3}]", "messages[0].content"},
        {"[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"\"}]",
         "messages[1]"},
        {"[3]", "messages[0]"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int rc = qw_chat_set_messages(d, wrong[i][0], strlen(wrong[i][0]), &err);
        CHECK(rc == QW_EFORMAT && strstr(err.message, wrong[i][1]), "%s: %d, %s", wrong[i][0], rc,
              err.message);
        CHECK(qw_chat_turns(d) == 3, "%s changed something", wrong[i][0]);
    }
    CHECK(qw_chat_set_messages(d, "[]", 2, &err) == 0 && qw_chat_turns(d) == 0, "no turns");
    CHECK(qw_chat_system(d) == NULL, "no system message");
    const char system[] = "[{\"role\": \"system\", \"content\": \"be brief\"}]";
    CHECK(qw_chat_set_messages(d, system, sizeof system - 1, &err) == 0 && qw_chat_system(d) &&
              strcmp(qw_chat_system(d), "be brief") == 0, "a system message");
    qw_release(json);
    qw_release(again);
    buf_free(&out);
    qw_chat_free(c);
    qw_chat_free(d);
    qw_session_free(a);
    qw_session_free(b);
}

int main(int argc, char **argv) {
    qw_error err;
    quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    /* Under sanitizers the kernels of q4 are the fastest by far. */
    const qw_load_params p = {.weight_type = quick ? "q4" : NULL};
    if (qw_load(&tiny, "models/tiny", &p, &err)) {
        printf("not ok - models/tiny loads: %s\n", err.message);
        return 1;
    }
    RUN("turns: a context that grows", test_growing);
    RUN("turns: a context that cannot grow further", test_growing_ends);
    RUN("turns: a batch larger than the context", test_batch);
    RUN("turns: stop texts", test_stop_texts);
    RUN("turns: limits that change", test_limits);
    RUN("turns: text that stops nothing comes at once", test_nothing_held);
    RUN("turns: thoughts closed", test_thought_ends);
    RUN("turns: room to close a thought", test_room_to_close);
    RUN("turns: loops", test_loops);
    RUN("turns: answers continued", test_continue);
    RUN("turns: answers again, turns forgotten", test_again);
    RUN("turns: a full context drops turns", test_dropping);
    RUN("turns: memory that runs out", test_no_memory);
    RUN("turns: reading that is stopped", test_stopped_reading);
    RUN("turns: feeds and draws stopped anywhere", test_stopped_anywhere);
    RUN("turns: an answer stopped within a token", test_stopped_answer);
    RUN("turns: the end of a thought stopped", test_stopped_close);
    RUN("turns: a penalty after tokens were taken back", test_rewound_penalty);
    RUN("turns: to JSON and back", test_messages);
    qw_free(tiny);
    TEST_END();
}
