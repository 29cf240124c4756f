/* test_api.c - what each function of qw.h does when it fails: its code, a message that names what
 * was wrong, no outputs, and err allowed to be NULL; after that everything works as before. Built
 * with SAN=address this also shows that no error path leaks; files left open or mapped, which the
 * sanitizer does not see, are counted here. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "qw.h"
#include "test.h"

#define TINY "models/tiny"                              /* a whole model */
#define BARE "tests/fixtures/forward/gqa5"              /* no tokenizer, no template */
#define DAMAGED_UTF8 "ab\xFF"

static char dir[256];                   /* temporary: files that are damaged or packed */
static qw_model *tiny, *bare;
static qw_session *session;

static const char *in_dir(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(in_dir(name), "wb");
    CHECK(f && fputs(text, f) >= 0, "cannot write %s", name);
    if (f) fclose(f);
}

/* Whether a call that was to fail with `code` did; part: what its message must contain. */
static void check_refused(const char *call, long rc, int code, const char *part,
                          const qw_error *e) {
    CHECK(rc == code, "%s: code %ld, expected %d", call, rc, code);
    if (!e || rc >= 0) return;
    const char *text = e->message;
    CHECK(e->code == code, "%s: code in the error %d, expected %d", call, e->code, code);
    CHECK(strstr(text, part) != NULL, "%s: the message has no '%s': %s", call, part, text);
    CHECK(strchr(text, '\n') == NULL, "%s: more than a line: %s", call, text);
}

/* REFUSED(code, part, call): the call, which uses `e` for its error, fails so with it and with NULL
 * in its place. */
#define REFUSED(code, part, ...)                                      \
    for (int with = 1; with >= 0; with--) {                           \
        qw_error error = {0}, *e = with ? &error : NULL;              \
        check_refused(#__VA_ARGS__, (__VA_ARGS__), code, part, e);    \
    }

/* The same with an output, which must be NULL afterwards. */
#define REFUSED_OUT(out, code, part, ...)                             \
    for (int with = 1; with >= 0; with--) {                           \
        qw_error error = {0}, *e = with ? &error : NULL;              \
        memset(&(out), 1, sizeof(out));                               \
        check_refused(#__VA_ARGS__, (__VA_ARGS__), code, part, e);    \
        CHECK((out) == NULL, "%s leaves an output", #__VA_ARGS__);    \
    }

/* ---- loading ---- */

static int stop_bytes(void *user, uint64_t done, uint64_t all) {
    (void)user;
    return done <= all;
}

static void load_errors(void) {
    qw_model *m;
    REFUSED_OUT(m, QW_EIO, "/nowhere", qw_load(&m, "/nowhere", NULL, e));
    REFUSED_OUT(m, QW_EFORMAT, "README.md", qw_load(&m, "README.md", NULL, e));
    REFUSED_OUT(m, QW_EIO, "config.json", qw_load(&m, "tests/fixtures/text", NULL, e));
    REFUSED_OUT(m, QW_EIO, "config.json", qw_load(&m, "tests/fixtures/qwen3-tokenizer", NULL, e));
    REFUSED_OUT(m, QW_EARG, "q5", qw_load(&m, TINY, &(qw_load_params){.weight_type = "q5"}, e));
    REFUSED_OUT(m, QW_EARG, "z80", qw_load(&m, TINY, &(qw_load_params){.cpu = "z80"}, e));
    REFUSED_OUT(m, QW_EARG, "-1", qw_load(&m, TINY, &(qw_load_params){.n_threads = -1}, e));
    REFUSED_OUT(m, QW_EARG, "-2", qw_load(&m, TINY, &(qw_load_params){.n_threads_batch = -2}, e));
    const qw_load_params stopped = {.weight_type = "q8", .progress = stop_bytes};
    REFUSED_OUT(m, QW_ECANCEL, "", qw_load(&m, TINY, &stopped, e));
    qw_free(NULL);
}

static int write_file(void *user, const void *p, size_t n) { return fwrite(p, 1, n, user) != n; }
static int write_nothing(void *user, const void *p, size_t n) { return !user && p && n; }

static void packed_errors(void) {
    qw_model *m;
    char packed[512];
    snprintf(packed, sizeof packed, "%s", in_dir("packed.safetensors"));
    REFUSED(QW_EARG, "f32", qw_quantize(TINY, "f32", NULL, write_nothing, NULL, e));
    REFUSED(QW_EARG, "", qw_quantize(TINY, NULL, NULL, write_nothing, NULL, e));
    REFUSED(QW_EIO, "/nowhere", qw_quantize("/nowhere", "q8", NULL, write_nothing, NULL, e));
    REFUSED(QW_EIO, "", qw_quantize(TINY, "q8", NULL, write_nothing, NULL, e));
    const qw_load_params stopped = {.progress = stop_bytes};
    REFUSED(QW_ECANCEL, "", qw_quantize(TINY, "q8", &stopped, write_nothing, &m, e));
    REFUSED(QW_EIO, "/nowhere", qw_verify("/nowhere", e));
    REFUSED(QW_EFORMAT, "", qw_verify(TINY "/model.safetensors", e));
    REFUSED(QW_EFORMAT, "", qw_verify("README.md", e));

    qw_error err;
    FILE *f = fopen(packed, "wb");
    CHECK(f && qw_quantize(TINY, "q4", NULL, write_file, f, &err) == 0, "%s", err.message);
    if (f) fclose(f);
    CHECK(qw_verify(packed, &err) == 0, "%s", err.message);
    REFUSED(QW_EARG, "q4", qw_quantize(packed, "q8", NULL, write_nothing, NULL, e));
    REFUSED_OUT(m, QW_EARG, "q4", qw_load(&m, packed, &(qw_load_params){.weight_type = "q8"}, e));
    CHECK(truncate(packed, 100000) == 0, "truncate");
    REFUSED_OUT(m, QW_EFORMAT, "packed.safetensors", qw_load(&m, packed, NULL, e));
    REFUSED(QW_EFORMAT, "packed.safetensors", qw_verify(packed, e));
}

static void cpu_errors(void) {
    char levels[4] = "xxx";
    CHECK(qw_cpu_levels(levels, 0) == levels && levels[0] == 'x', "0 bytes are left alone");
    CHECK(qw_cpu_lacks(levels, 0) == levels && levels[0] == 'x', "0 bytes are left alone");
    CHECK(strlen(qw_cpu_levels(levels, sizeof levels)) == 3, "cut short: '%s'", levels);
    qw_watch *w = NULL;
    qw_watched seen;
    REFUSED_OUT(w, QW_EARG, "0 threads", qw_watch_begin(&w, 0, e));
    qw_watch_step(NULL);
    qw_watch_look(NULL);
    qw_watch_end(NULL, NULL);
    CHECK(qw_watch_begin(&w, 1, NULL) == 0, "a watch");
    qw_watch_end(w, &seen);
    CHECK(seen.seconds >= 0 && seen.seconds < 60, "%g s", seen.seconds);
    REFUSED(QW_EARG, "1-", qw_use_cpus("1-", e));
    REFUSED(QW_EARG, "", qw_use_cpus("", e));
    REFUSED(QW_EARG, "99999", qw_use_cpus("99999", e));
    REFUSED(QW_EARG, "mmx", qw_selftest("mmx", NULL, NULL, e));
    const qw_load_params mmx = {.cpu = "mmx"}, bf16 = {.weight_type = "bf16"};
    qw_rates rates;
    qw_forecast forecast;
    double speed;
    int cached;
    REFUSED(QW_EARG, "mmx", qw_probe(&rates, NULL, &mmx, e));
    REFUSED(QW_EARG, "1-", qw_probe(&rates, "1-", NULL, e));
    REFUSED(QW_EARG, "1023", qw_probe(&rates, "1023", NULL, e));
    REFUSED(QW_EARG, "mmx", qw_forecast_shape(&forecast, "0.6b/1", &mmx, e));
    REFUSED(QW_EARG, "bf16", qw_forecast_shape(&forecast, "0.6b", &bf16, e));
    REFUSED(QW_EARG, "5b", qw_forecast_shape(&forecast, "5b", NULL, e));
    REFUSED(QW_EIO, "/nowhere", qw_read_file("/nowhere", &speed, &cached, e));
    CHECK(qw_selftest(NULL, NULL, NULL, NULL) == 0, "the selftest finds something");
}

/* ---- shapes ---- */

static void shape_errors(void) {
    const qw_load_params q8 = {.weight_type = "q8"}, wrong = {.weight_type = "q5"},
                         stopped = {.progress = stop_bytes};
    const char *file = in_dir("shape");
    uint64_t hash, other, known;
    qw_error err;
    qw_model *m;
    qw_session *s;
    REFUSED_OUT(m, QW_EARG, "0.7b", qw_load_shape(&m, "0.7b", NULL, NULL, e));
    REFUSED_OUT(m, QW_EARG, "0.6b/29", qw_load_shape(&m, "0.6b/29", NULL, NULL, e));
    REFUSED_OUT(m, QW_EARG, "0.6b/1x", qw_load_shape(&m, "0.6b/1x", NULL, NULL, e));
    REFUSED_OUT(m, QW_EARG, "q5", qw_load_shape(&m, "micro", NULL, &wrong, e));
    REFUSED_OUT(m, QW_ECANCEL, "stopped", qw_load_shape(&m, "micro", NULL, &stopped, e));
    REFUSED_OUT(m, QW_EIO, "shape", qw_load_shape(&m, "micro", file, NULL, e));
    REFUSED(QW_EARG, "0.7b", qw_write_shape("0.7b", NULL, write_nothing, NULL, e));
    REFUSED(QW_EIO, "stopped", qw_write_shape("micro", NULL, write_nothing, NULL, e));
    FILE *f = fopen(file, "wb");
    CHECK(f && qw_write_shape("micro", NULL, write_file, f, &err) == 0, "%s", err.message);
    if (f) fclose(f);
    REFUSED_OUT(m, QW_EFORMAT, "micro q8", qw_load_shape(&m, "micro", file, &q8, e));
    REFUSED_OUT(m, QW_EFORMAT, "0.6b q4", qw_load_shape(&m, "0.6b", file, NULL, e));
    for (int i = 0; i < 2; i++) {
        const char *from = i ? file : NULL;
        CHECK(qw_load_shape(&m, "micro", from, NULL, &err) == 0, "%s", err.message);
        CHECK(qw_session_new(&s, m, NULL, &err) == 0, "%s", err.message);
        CHECK(qw_logits_hash(s, i ? &other : &hash, &err) == 0, "%s", err.message);
        CHECK(qw_known_hash(s, &known) == 0, "the selftest's shape has no hash of its own");
        qw_session_free(s);
        qw_free(m);
    }
    CHECK(hash == other, "a shape in memory and one from a file differ");
    unlink(file);
}

static void type_errors(void) {
    const char *chosen;
    uint64_t bytes;
    REFUSED(QW_EARG, "q5", qw_weight_memory(tiny, "q5", &chosen, &bytes, e));
    CHECK(qw_weight_memory(tiny, NULL, &chosen, &bytes, NULL) == 0 && bytes > 0, "auto");
}

/* ---- tokenizer ---- */

static void tokenizer_errors(void) {
    qw_tokenizer *t;
    int32_t *ids;
    const char *const *lines;
    size_t n = 1;
    REFUSED_OUT(t, QW_EIO, "/nowhere", qw_tokenizer_load(&t, "/nowhere", e));
    REFUSED_OUT(t, QW_EIO, "tokenizer.json", qw_tokenizer_load(&t, BARE, e));
    REFUSED_OUT(t, QW_EFORMAT, "README.md", qw_tokenizer_load(&t, "README.md", e));
    write_text("tokenizer.json", "{\"model\":");
    REFUSED_OUT(t, QW_EFORMAT, "tokenizer.json", qw_tokenizer_load(&t, dir, e));
    REFUSED_OUT(t, QW_EFORMAT, "tokenizer.json",
                qw_tokenizer_load(&t, in_dir("tokenizer.json"), e));
    write_text("tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}");
    REFUSED_OUT(t, QW_EUNSUPPORTED, "tokenizer.json", qw_tokenizer_load(&t, dir, e));
    REFUSED_OUT(t, QW_EIO, "tokenizer.json",
                qw_tokenizer_load(&t, BARE "/model.safetensors", e));
    unlink(in_dir("tokenizer.json"));
    qw_tokenizer_free(NULL);

    const qw_tokenizer *own = qw_model_tokenizer(tiny);
    CHECK(qw_tokenizer_warnings(own, &lines) == 0, "%s", lines[0]);
    CHECK(strcmp(qw_info(tiny)->tokenizer, TINY "/tokenizer.json") == 0, "%s",
          qw_info(tiny)->tokenizer);
    CHECK(qw_model_tokenizer(bare) == NULL, "a tokenizer that is not there");
    REFUSED_OUT(ids, QW_EFORMAT, "2", qw_tokenize(own, DAMAGED_UTF8, 3, 0, &ids, e));
    CHECK(qw_tokenize(own, "", 0, 0, &ids, NULL) == 0 && ids, "no tokens");
    qw_release(ids);
    qw_release(NULL);
    CHECK(qw_token_bytes(own, -1, &n) == NULL && n == 0, "the bytes of token -1");
    n = 1;
    CHECK(qw_token_bytes(own, qw_tokenizer_size(own), &n) == NULL && n == 0, "past the last token");
}

/* ---- sessions ---- */

static int stop_tokens(void *user, size_t done, size_t all) {
    (void)user;
    return done > 0 && done <= all;
}

static void session_errors(void) {
    qw_session *s;
    uint64_t cache, scratch;
#define PARAMS(...) &(qw_session_params){__VA_ARGS__}
    REFUSED_OUT(s, QW_EARG, "f64", qw_session_new(&s, tiny, PARAMS(.kv_type = "f64"), e));
    REFUSED_OUT(s, QW_EARG, "-1", qw_session_new(&s, tiny, PARAMS(.n_ctx = -1), e));
    REFUSED_OUT(s, QW_EARG, "-1", qw_session_new(&s, tiny, PARAMS(.n_batch = -1), e));
    REFUSED_OUT(s, QW_EARG, "2147483647", qw_session_new(&s, tiny, PARAMS(.n_ctx = INT32_MAX), e));
    REFUSED(QW_EARG, "f64",
            qw_session_memory(tiny, PARAMS(.kv_type = "f64"), &cache, &scratch, e));
    REFUSED(QW_EARG, "-1", qw_session_memory(tiny, PARAMS(.n_ctx = -1), &cache, &scratch, e));
    qw_session_free(NULL);

    const qw_session_params params = {.n_ctx = 8, .n_batch = 2, .progress = stop_tokens};
    const int32_t ids[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, outside[] = {1, -1}, beyond[] = {1 << 30};
    qw_error err;
    int32_t id = 0;
    float logits;
    if (qw_session_new(&s, tiny, &params, &err)) {
        CHECK(0, "%s", err.message);
        return;
    }
    REFUSED(QW_EARG, "", qw_next(s, &id, e));
    REFUSED(QW_ECONTEXT, "9", qw_feed(s, ids, 9, e));
    REFUSED(QW_EARG, "-1", qw_feed(s, outside, 2, e));
    REFUSED(QW_EARG, "1073741824", qw_feed(s, beyond, 1, e));
    REFUSED(QW_EARG, "", qw_rewind(s, 1, e));
    REFUSED(QW_EARG, "", qw_logits(s, 1, 1, &logits, e));
    CHECK(qw_n_tokens(s) == 0, "a feed that was refused left %zu tokens", qw_n_tokens(s));
    REFUSED(QW_ECANCEL, "2", qw_feed(s, ids, 4, e));
    CHECK(qw_n_tokens(s) == 4, "two feeds stopped after 2 tokens: %zu", qw_n_tokens(s));
    CHECK(qw_feed(s, ids, 2, &err) == 0 && qw_feed(s, ids, 2, &err) == 0, "%s", err.message);
    REFUSED(QW_ECONTEXT, "8", qw_next(s, &id, e));

    const qw_logit_bias bias = {-1, 1};
    const qw_sampling off = {.top_p = 1, .repetition_penalty = 1};
    qw_sampling wrong[] = {off, off, off, off};
    wrong[0].top_p = 2;
    wrong[1].temperature = -1;
    wrong[2].bias = &bias;
    wrong[2].n_bias = 1;
    wrong[3].repetition_penalty = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        REFUSED(QW_EARG, "", qw_session_set_sampling(s, &wrong[i], e));
    CHECK(qw_session_set_sampling(s, &off, NULL) == 0, "the sampling that is allowed");
    qw_session_free(s);
}

/* ---- conversations ---- */

static void chat_errors(void) {
    qw_chat *c;
    qw_error err;
    qw_session *without;
#define CHAT(...) &(qw_chat_params){__VA_ARGS__}
    if (qw_session_new(&without, bare, NULL, &err)) CHECK(0, "%s", err.message);
    else {
        REFUSED_OUT(c, QW_EIO, "tokenizer.json", qw_chat_new(&c, without, NULL, e));
        qw_session_free(without);
    }
    REFUSED_OUT(c, QW_EARG, "-2", qw_chat_new(&c, session, CHAT(.max_tokens = -2), e));
    REFUSED_OUT(c, QW_EARG, "alpaca", qw_chat_new(&c, session, CHAT(.chat_template = "alpaca"), e));
    REFUSED_OUT(c, QW_EARG, "instruct2507",
                qw_chat_new(&c, session, CHAT(.chat_template = "instruct2507", .thinking = 1), e));
    REFUSED_OUT(c, QW_EARG, "thinking2507",
                qw_chat_new(&c, session, CHAT(.chat_template = "thinking2507"), e));
    REFUSED_OUT(c, QW_EARG, "",
                qw_chat_new(&c, session, CHAT(.chat_template = "none", .system = "s"), e));
    REFUSED_OUT(c, QW_EFORMAT, "2", qw_chat_new(&c, session, CHAT(.system = DAMAGED_UTF8), e));
    REFUSED_OUT(c, QW_EARG, "2023-2-1", qw_chat_new(&c, session, CHAT(.date = "2023-2-1"), e));
    REFUSED_OUT(c, QW_EFORMAT, "variables",
                qw_chat_new(&c, session, CHAT(.template_vars = "{\"a\""), e));
    qw_chat_free(NULL);

    if (qw_chat_new(&c, session, CHAT(.system = "Answer."), &err)) {
        CHECK(0, "%s", err.message);
        return;
    }
    char *longer = calloc(1, 4000);
    for (int i = 0; longer && i < 3999; i++) longer[i] = i % 2 ? ' ' : 'x';
    REFUSED(QW_EFORMAT, "2", qw_chat_say(c, DAMAGED_UTF8, 3, e));
    REFUSED(QW_ECONTEXT, "", qw_chat_say(c, longer, 3999, e));
    free(longer);
    REFUSED(QW_EARG, "", qw_chat_cut(c, e));
    REFUSED(QW_EFORMAT, "2", qw_chat_set_system(c, DAMAGED_UTF8, e));
    CHECK(qw_chat_set_system(c, NULL, NULL) == 0, "no system message");
    CHECK(qw_chat_say(c, "Hello", 5, &err) == 0 && qw_chat_cut(c, &err) == 0, "%s", err.message);
    qw_chat_clear(c);
    qw_chat_free(c);

    if (qw_chat_new(&c, session, CHAT(.chat_template = "instruct2507", .thinking = -1), &err)) {
        CHECK(0, "%s", err.message);
        return;
    }
    REFUSED(QW_EARG, "instruct2507", qw_chat_set_thinking(c, 1, e));
    CHECK(!qw_chat_thinks(c), "thinks after it was refused");
    qw_chat_free(c);
}

/* ---- texts ---- */

static void text_errors(void) {
    char *out;
    size_t n, bad;
#define RENDER(path, name, json) \
    qw_render_chat(path, CHAT(.chat_template = name), json, strlen(json), &out, &n, e)
    REFUSED_OUT(out, QW_EARG, "alpaca", RENDER(NULL, "alpaca", "{\"messages\":[]}"));
    REFUSED_OUT(out, QW_EIO, "/nowhere", RENDER("/nowhere", NULL, "{\"messages\":[]}"));
    REFUSED_OUT(out, QW_ETEMPLATE, BARE, RENDER(BARE, NULL, "{\"messages\":[]}"));
    REFUSED_OUT(out, QW_EFORMAT, "1", RENDER(NULL, "hybrid", "{\"messages\":["));
    REFUSED_OUT(out, QW_EFORMAT, "messages", RENDER(NULL, "hybrid", "{}"));
    REFUSED_OUT(out, QW_EFORMAT, "messages[0].role",
                RENDER(NULL, "hybrid", "{\"messages\":[{\"role\":\"a b\",\"content\":\"\"}]}"));
    REFUSED_OUT(out, QW_EIO, "/no.jinja", RENDER(NULL, "/no.jinja", "{}"));
    REFUSED_OUT(out, QW_EARG, "2023-02-29",
                qw_render_chat(NULL, CHAT(.chat_template = "hybrid", .date = "2023-02-29"), "{}", 2,
                               &out, &n, e));
    REFUSED_OUT(out, QW_EFORMAT, "", qw_json_unquote("\"a", 2, &out, &n, e));
    REFUSED_OUT(out, QW_EFORMAT, "", qw_json_unquote("1", 1, &out, &n, e));
    REFUSED_OUT(out, QW_EFORMAT, "2", qw_json_quote(DAMAGED_UTF8, 3, &out, &n, e));
    const char *value;
    CHECK(qw_json_member("[1]", 3, "a", &value, &n, NULL) == QW_EFORMAT, "an array");
    CHECK(qw_json_member("{\"a\":", 5, "a", &value, &n, NULL) == QW_EFORMAT, "cut off");
    CHECK(qw_utf8_clean(DAMAGED_UTF8, 3, &out, &n, &bad, NULL) == 0, "cleaned");
    CHECK(n == 5 && bad == 2, "%zu bytes, the first bad one at %zu", n, bad);
    qw_release(out);
}

/* The JSON text of each member of an object. */
static void test_json_members(void) {
    static const char json[] =
        "{ \"s\" : \"a\\\"}\" , \"n\":-1.5e3, \"o\":{\"s\":[\"]\",{}], \"x\":\"{\"}, "
        "\"l\":[ [1], \"\\\\\" ],\"t\":true,\"s\":\"\"}";
    static const struct { const char *name, *value; } members[] = {
        {"s", "\"\""}, {"n", "-1.5e3"}, {"o", "{\"s\":[\"]\",{}], \"x\":\"{\"}"},
        {"l", "[ [1], \"\\\\\" ]"}, {"t", "true"}, {"x", NULL}, {"", NULL},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *value = NULL, *want = members[i].value;
        size_t n = 0;
        int found = qw_json_member(json, sizeof json - 1, members[i].name, &value, &n, NULL);
        CHECK(found == (want != NULL), "%s: %d", members[i].name, found);
        if (found == 1)
            CHECK(n == strlen(want) && memcmp(value, want, n) == 0, "%s: %.*s", members[i].name,
                  (int)n, value);
    }
    const char *value;
    size_t n;
    CHECK(qw_json_member("{\"a\":\"x\"}", 9, "a", &value, &n, NULL) == 1 && n == 3 &&
          memcmp(value, "\"x\"", 3) == 0, "a string with its quotes");
}

/* ---- what stays ---- */

/* Files that are open in this process, and those of models that are mapped. */
static int count_open(void) {
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}
static int count_mapped(void) {
    FILE *f = fopen("/proc/self/maps", "r");
    char line[4096];
    int n = 0;
    while (f && fgets(line, sizeof line, f)) n += strstr(line, "safetensors") || strstr(line, dir);
    if (f) fclose(f);
    return n;
}
static int opened, mapped;

static void nothing_stays_open(void) {
    CHECK(count_open() == opened, "%d files were open, now %d", opened, count_open());
    CHECK(count_mapped() == mapped, "%d files were mapped, now %d", mapped, count_mapped());
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    qw_error err;
    snprintf(dir, sizeof dir, "%s/qw-api-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    if (qw_load(&tiny, TINY, NULL, &err) || qw_load(&bare, BARE, NULL, &err) ||
        qw_session_new(&session, tiny, &(qw_session_params){.n_ctx = 256}, &err)) {
        printf("not ok - the models load: %s\n", err.message);
        return 1;
    }
    opened = count_open();
    mapped = count_mapped();
    RUN("errors of loading", load_errors);
    RUN("api: members of JSON objects", test_json_members);
    RUN("errors of packing", packed_errors);
    RUN("errors of CPUs and levels", cpu_errors);
    RUN("errors of weight types", type_errors);
    RUN("errors of shapes", shape_errors);
    RUN("errors of tokenizers", tokenizer_errors);
    RUN("errors of sessions", session_errors);
    RUN("errors of conversations", chat_errors);
    RUN("errors of texts", text_errors);
    RUN("no error leaves a file open or mapped", nothing_stays_open);
    qw_session_free(session);
    qw_free(bare);
    qw_free(tiny);
    unlink(in_dir("packed.safetensors"));
    rmdir(dir);
    TEST_END();
}
