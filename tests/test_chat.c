/* test_chat.c - conversations with models/tiny under templates of many kinds: the tokens are those
 * of the whole conversation, rendered from scratch; what can be kept is kept; thoughts are told
 * from answers by control tokens alone. */
#include "engine/model.h"
#include "test.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static qw_model *tiny;
static qw_session *session;
static char dir[] = "/tmp/qw-chat-XXXXXX";

/* ---- templates ---- */

#define TURN "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
#define TURNS "{% for m in messages %}" TURN "{% endfor %}"
#define ASSISTANT "<|im_start|>assistant\n"
#define PROMPT(thought) "{% if add_generation_prompt %}" ASSISTANT thought "{% endif %}"
#define KEEP_THOUGHTS \
    "{% for m in messages %}<|im_start|>{{ m.role }}\n" \
    "{% if m.role == 'assistant' %}{{ '<think>\n' + (m.reasoning_content or '') + " \
    "'\n</think>\n\n' }}{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"

static const struct {
    const char *name, *text;
    bool keeps;                 /* all tokens of a turn stay as they are in the next */
} templates[] = {
    {"plain", TURNS PROMPT(""), true},
    {"no_prompt", TURNS, true},
    {"closed", TURNS PROMPT("<think>\n\n</think>\n\n"), false},
    {"open", TURNS PROMPT("<think>\n"), true},
    {"keeps", KEEP_THOUGHTS PROMPT(""), true},
    {"trims", "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content|trim }}<|im_end|>\n"
              "{% endfor %}" PROMPT(""), true},
    {"splits", "{% for m in messages %}<|im_start|>{{ m.role }}\n"
               "{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}" PROMPT(""), false},
    {"system", "<|im_start|>system\nBe brief.<|im_end|>\n" TURNS PROMPT(""), true},
    {"counts", "{{ messages|length }}\n" TURNS PROMPT(""), false},
    {"switch", TURNS PROMPT("{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"),
     true},
};
enum { N_TEMPLATES = sizeof templates / sizeof *templates };

/* The file of a template in dir. */
static const char *path_of(const char *name, char out[128]) {
    snprintf(out, 128, "%s/%s.jinja", dir, name);
    return out;
}

static void write_templates(void) {
    char path[128];
    for (int i = 0; i < N_TEMPLATES; i++) {
        FILE *f = fopen(path_of(templates[i].name, path), "wb");
        CHECK(f && fputs(templates[i].text, f) >= 0 && fclose(f) == 0, "cannot write %s", path);
    }
}

/* ---- a conversation ---- */

enum { N_TURNS = 3 };
static const char *const questions[N_TURNS] = {"What is 2 + 3?", "Tell me a story.", "Thank you!"};

struct turn { struct buf answer, thought, drawn; bool marked; };

/* Take the answer: what it consists of, and all that was drawn. */
static void take_answer(qw_chat *c, struct turn *t) {
    qw_piece piece;
    enum qw_stop stop;
    qw_error err;
    int rc;
    const struct tokenizer *tok = tiny->tokenizer;
    int32_t open = tokenizer_added(tok, "<think>"), close = tokenizer_added(tok, "</think>");
    size_t first = qw_n_tokens(session), n;
    while (first > 0 && qw_tokens(session)[first - 1] != tokenizer_added(tok, "<|im_start|>") &&
           qw_tokens(session)[first - 1] != close && qw_tokens(session)[first - 1] != open)
        first--;
    if (first > 0 && qw_tokens(session)[first - 1] == open) first--;     /* the prompt opens it */
    else first = qw_n_tokens(session);
    while ((rc = qw_chat_next(c, &piece, &stop, &err)) == 1)
        buf_put(piece.kind == QW_THOUGHT ? &t->thought : &t->answer, piece.text, piece.n);
    CHECK(rc == 0, "%s", err.message);
    bool header = false;                /* <|im_start|>assistant and a newline of the model's own */
    for (size_t i = first; i < qw_n_tokens(session); i++) {
        int32_t id = qw_tokens(session)[i];
        const char *p = tokenizer_bytes(tok, id, &n);
        bool before = header;
        if (id == tokenizer_added(tok, "<|im_start|>")) header = true;
        else if (n > 0 && memchr(p, '\n', n)) header = false;
        if (header || before) continue;
        if (!tokenizer_is_special(tok, id)) buf_put(&t->drawn, p, n);
        t->marked |= id == open || id == close;
    }
}

static void put_message(struct buf *b, const char *role, const char *p, size_t n) {
    if (b->p[b->n - 1] != '[') buf_char(b, ',');
    buf_str(b, "{\"role\":\"");
    buf_str(b, role);
    buf_str(b, "\",\"content\":");
    json_quote(b, p ? p : "", n);
}

/* The conversation so far in JSON, for qw_render_chat. */
static void put_talk(struct buf *b, const struct turn *turns, int n, bool reasoning, int thinking) {
    buf_str(b, "{\"add_generation_prompt\":true,");
    if (thinking == 0) buf_str(b, "\"enable_thinking\":false,");
    if (thinking == 1) buf_str(b, "\"enable_thinking\":true,");
    buf_str(b, "\"messages\":[");
    for (int i = 0; i <= n; i++) {
        const struct turn *t = &turns[i];
        put_message(b, "user", questions[i], strlen(questions[i]));
        buf_char(b, '}');
        if (i == n) break;
        const struct buf *content = reasoning && t->marked ? &t->answer : &t->drawn;
        put_message(b, "assistant", content->p, content->n);
        if (reasoning) {
            buf_str(b, ",\"reasoning_content\":");
            json_quote(b, t->thought.p ? t->thought.p : "", t->thought.n);
        }
        buf_char(b, '}');
    }
    buf_str(b, "]}");
}

/* Compare the session's tokens with those of the conversation rendered from scratch. */
static void compare(const char *name, const struct buf *talk) {
    char *text = NULL;
    int32_t *ids = NULL;
    size_t n_text;
    qw_error err;
    const qw_chat_params p = {.chat_template = name};
    int rc = qw_render_chat("models/tiny", &p, talk->p, talk->n, &text, &n_text, &err);
    CHECK(rc == 0, "%s: %s", name, err.message);
    if (rc) return;
    long n = qw_tokenize(qw_model_tokenizer(tiny), text, n_text, 1, &ids, &err);
    CHECK((size_t)n == qw_n_tokens(session), "%s: %ld tokens from scratch, %zu here", name, n,
          qw_n_tokens(session));
    CHECK(n == (long)qw_n_tokens(session) &&
          memcmp(ids, qw_tokens(session), (size_t)n * sizeof *ids) == 0,
          "%s: other tokens than those of\n%s", name, text);
    qw_release(ids);
    qw_release(text);
}

/* Three turns of at most max_tokens. keeps: see templates; -1: do not ask. thinking as in
 * qw_chat_params. */
static void talk(const char *name, int keeps, int thinking, int max_tokens) {
    struct turn turns[N_TURNS] = {{{0}, {0}, {0}, false}};
    struct template_traits traits = {0};
    struct template_settings settings;
    struct jinja *t;
    char today[16];
    qw_chat *c = NULL;
    qw_error err;
    const qw_chat_params p = {.chat_template = name, .thinking = thinking,
                              .max_tokens = max_tokens};
    int rc = chat_template_open(&t, NULL, name, false, &err);
    if (!rc) rc = template_settings_fill(&settings, &tiny->templates, NULL, NULL, today, &err);
    if (!rc) rc = template_probe(&traits, t, &settings, &err);
    jinja_free(t);
    CHECK(rc == 0, "%s: %s", name, err.message);
    if (!rc) rc = qw_rewind(session, 0, &err);
    if (!rc) rc = qw_chat_new(&c, session, &p, &err);
    CHECK(rc == 0, "%s: %s", name, err.message);
    bool refuses = traits.sample.text.n == 0;   /* a second turn, whoever renders it */
    bool told = traits.thinks == THINKS_BY_DEFAULT || traits.thinks == THINKS_IF_TOLD;
    for (int i = 0; !rc && i < N_TURNS; i++) {
        struct buf json = {0};
        size_t before = qw_n_tokens(session), same = 0;
        int32_t *old = malloc((before + 1) * sizeof *old);
        memcpy(old, qw_tokens(session), before * sizeof *old);
        rc = qw_chat_say(c, questions[i], strlen(questions[i]), &err);
        CHECK(rc == 0 || (refuses && i > 0), "%s: %s", name, err.message);
        while (same < before && old[same] == qw_tokens(session)[same]) same++;
        CHECK(keeps < 0 || keeps == (same == before) || i == 0,
              "%s: of %zu tokens %zu stay", name, before, same);
        if (!rc) {
            put_talk(&json, turns, i, traits.takes_reasoning, told ? qw_chat_thinks(c) : -1);
            compare(name, &json);
            take_answer(c, &turns[i]);
        }
        buf_free(&json);
        free(old);
    }
    for (int i = 0; i < N_TURNS; i++) {
        buf_free(&turns[i].answer);
        buf_free(&turns[i].thought);
        buf_free(&turns[i].drawn);
    }
    template_traits_free(&traits);
    qw_chat_free(c);
}

static void test_own(void) {
    char path[128];
    for (int i = 0; i < N_TEMPLATES; i++)
        talk(path_of(templates[i].name, path), templates[i].keeps, -1, 40);
    talk(path_of("switch", path), false, 0, 40);
    talk("hybrid", -1, 1, 40);
    talk("hybrid", false, 0, 40);
    talk("instruct2507", true, -1, 40);
    talk("thinking2507", false, -1, 40);
}

/* Templates of public checkpoints, where they lie beside the project. */
#define PUBLIC "../shared/golden/templates"

static void test_public(void) {
    DIR *d = opendir(PUBLIC);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char *path = path_join(PUBLIC, e->d_name);
        /* this one, of a reranker, has no conversations */
        if (path_ends_with(path, ".jinja") && !path_ends_with(path, "18ef053cfe.jinja")) {
            talk(path, -1, -1, 12);
            n++;
        }
        free(path);
    }
    if (d) closedir(d);
    CHECK(n >= 40, "only %d templates", n);
}

/* ---- thoughts ---- */

enum { MAX_FORCED = 8 };       /* the penalties are not large enough for more */

/* Make the model write these tokens, all different, in this order. */
static void force(const int32_t *ids, int n) {
    qw_logit_bias bias[MAX_FORCED];
    qw_sampling s = {.top_p = 1, .repetition_penalty = 1, .presence_penalty = 100,
                     .frequency_penalty = 100, .bias = bias, .n_bias = n};
    qw_error err;
    for (int i = 0; i < n; i++) bias[i] = (qw_logit_bias){ids[i], 1000 - 24 * (float)i};
    CHECK(qw_session_set_sampling(session, &s, &err) == 0, "%s", err.message);
}

/* What comes out: "answer", "(thought)", in the order in which they come. */
static void expect_pieces(const char *template, int thinking, const char *const *words,
                          const char *want) {
    int32_t ids[MAX_FORCED];
    int n = 0;
    struct buf out = {0};
    qw_chat *c;
    qw_piece piece;
    qw_error err;
    enum qw_piece_kind last = QW_ANSWER;
    for (; words[n]; n++) {
        ids[n] = tokenizer_added(tiny->tokenizer, words[n]);
        int32_t *one;
        if (ids[n] >= 0) continue;
        long k = qw_tokenize(qw_model_tokenizer(tiny), words[n], strlen(words[n]), 0, &one, &err);
        CHECK(k == 1, "'%s' is %ld tokens", words[n], k);
        ids[n] = one[0];
        qw_release(one);
    }
    force(ids, n);
    const qw_chat_params p = {.chat_template = template, .thinking = thinking, .max_tokens = 12};
    int rc = qw_chat_new(&c, session, &p, &err);
    if (!rc) rc = qw_chat_say(c, "hi", 2, &err);
    CHECK(rc == 0, "%s", err.message);
    while (!rc && qw_chat_next(c, &piece, NULL, &err) == 1) {
        if (piece.kind != last) buf_char(&out, piece.kind == QW_THOUGHT ? '(' : ')');
        last = piece.kind;
        buf_put(&out, piece.text, piece.n);
    }
    if (last == QW_THOUGHT) buf_char(&out, ')');
    buf_char(&out, 0);
    CHECK(strcmp(out.p, want) == 0, "%s: \"%s\", not \"%s\"", template, out.p, want);
    buf_free(&out);
    qw_chat_free(c);
}

static void test_thoughts(void) {
#define WORDS(...) (const char *const[]){__VA_ARGS__, "<|im_end|>", NULL}
    expect_pieces("hybrid", 1, WORDS("<think>", "a", "</think>", "b"), "(a)b");
    expect_pieces("hybrid", 0, WORDS("a", "<think>", "b", "</think>", "c"), "a(b)c");
    expect_pieces("hybrid", 0, WORDS("a", "</think>", "b"), "ab");
    expect_pieces("hybrid", 0, WORDS("</think>", "b"), "b");
    expect_pieces("hybrid", 0, WORDS("<think>", "a"), "(a)");
    expect_pieces("thinking2507", -1, WORDS("a", "</think>", "b"), "(a)b");
    expect_pieces("thinking2507", -1, WORDS("a", "<think>", "b", "</think>", "c"), "(ab)c");
    expect_pieces("instruct2507", -1, WORDS("a", "\n", "<think>", "b", "</think>", "c"), "a(b)c");
    expect_pieces("hybrid", 0, WORDS("a", "<think>", "b", "</think>", "\n", "c"), "a(b)\nc");
    /* the same letters, spelled by other tokens */
    expect_pieces("hybrid", 0, WORDS("<", "think", ">", "a"), "<think>a");
}

/* Without a prompt for its answer the model writes <|im_start|>assistant itself. */
static void test_header(void) {
    char path[128];
    expect_pieces(path_of("no_prompt", path), -1, WORDS("<|im_start|>", "a", "\n", "b"), "b");
    expect_pieces(path_of("no_prompt", path), -1, WORDS("a", "b"), "ab");
    expect_pieces(path_of("plain", path), -1, WORDS("<|im_start|>", "a", "\n", "b"), "");
}

int main(int argc, char **argv) {
    qw_error err;
    char path[128];
    /* Under sanitizers the kernels of q4 are the fastest by far. */
    const bool quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    const qw_load_params p = {.weight_type = quick ? "q4" : NULL};
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    if (qw_load(&tiny, "models/tiny", &p, &err) ||
        qw_session_new(&session, tiny, &(qw_session_params){.n_ctx = 1024}, &err)) {
        printf("not ok - models/tiny loads: %s\n", err.message);
        return 1;
    }
    write_templates();
    RUN("chat: three turns with templates of many kinds", test_own);
    if (path_kind(PUBLIC) == PATH_DIR)
        RUN("chat: three turns with public templates", test_public);
    else printf("skip - chat: three turns with public templates: there is no " PUBLIC "\n");
    RUN("chat: thoughts and answers", test_thoughts);
    RUN("chat: a model that opens its turn itself", test_header);
    for (int i = 0; i < N_TEMPLATES; i++) remove(path_of(templates[i].name, path));
    rmdir(dir);
    qw_session_free(session);
    qw_free(tiny);
    TEST_END();
}
