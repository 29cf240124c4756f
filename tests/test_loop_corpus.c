/* test_loop_corpus.c - the loop guard on texts: no false alarm in good ones, and every loop stopped
 * in time.
 *
 * A corpus has an object on each line: kind, name, text, loop; and of loops start, the character
 * where the loop begins (what comes before is good), and within: so many tokens after that the
 * guard must have stopped, and never before it. Counted are the tokens of the real tokenizer, added
 * tokens as text. tests/fixtures/loops has one (README.md); a larger one counts where `../shared`
 * has it.
 *
 *     test_loop_corpus FILE...     a line for each text: where the guard stops */
#include <string.h>
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "sample/loop_guard.h"
#include "test.h"
#include "text/tokenizer.h"

#define TOKENIZER "tests/fixtures/qwen3-tokenizer/tokenizer.json"
#define SHARED "../shared/golden/loops/corpus.jsonl.gz"

static struct tokenizer *tokenizer;
static struct loop_classes *classes;
static struct loop_guard *guard;
static bool chatty;                 /* print where each text stops */

static const char *token_bytes(const void *ctx, int32_t id, size_t *n) {
    return tokenizer_bytes(ctx, id, n);
}

/* ---- one text ---- */

struct text { const char *kind, *name; struct buf text; bool loop; int64_t start, within; };
struct totals { int good, loops; size_t tokens; };

static void encode(const char *p, size_t n, struct ids *out) {
    qw_error err;
    int rc = tokenizer_encode(tokenizer, p, n, ADDED_NONE, NULL, out, &err);
    CHECK(rc == 0 && !out->oom, "%s", err.message);
}

/* The bytes of the first so many characters. */
static size_t bytes_of(const struct buf *text, int64_t characters) {
    size_t n = 0;
    for (; n < text->n; n++) {
        bool begins = (text->p[n] & 0xC0) != 0x80;
        if (begins && characters-- == 0) break;
    }
    return n;
}

/* The index of the token that stops the answer; or its length. */
static size_t stop_at(const struct ids *ids) {
    loop_guard_reset(guard);
    for (size_t i = 0; i < ids->n; i++)
        if (loop_guard_push(guard, ids->p[i])) return i;
    return ids->n;
}

static void score(const struct text *t, struct totals *sum) {
    struct ids ids = {0}, good = {0};
    encode(t->text.p, t->text.n, &ids);
    encode(t->text.p, t->loop ? bytes_of(&t->text, t->start) : t->text.n, &good);
    size_t stop = stop_at(&ids), delay = stop - good.n + 1;
    if (chatty)
        printf("%s\t%s\t%zu tokens\tgood up to %zu\tstop at %zd\tperiod %d\n", t->kind, t->name,
               ids.n, good.n, stop < ids.n ? (ssize_t)stop : -1, loop_guard_period(guard));
    else if (!t->loop)
        CHECK(stop == ids.n, "false alarm: %s %s, %zu tokens, stopped at %zu, period %d", t->kind,
              t->name, ids.n, stop, loop_guard_period(guard));
    else
        CHECK(stop < ids.n && stop >= good.n && delay <= (size_t)t->within,
              "%s %s: %zu tokens, the loop begins at %zu, stopped at %zu, not within %d", t->kind,
              t->name, ids.n, good.n, stop, (int)t->within);
    sum->good += !t->loop;
    sum->loops += t->loop;
    sum->tokens += ids.n;
    ids_free(&ids);
    ids_free(&good);
}

/* ---- a corpus ---- */

static void score_line(const char *line, size_t n, struct totals *sum) {
    struct json j;
    struct buf kind = {0}, name = {0};
    struct text t = {0};
    qw_error err;
    if (json_parse(&j, line, n, "a line of the corpus", &err)) {
        CHECK(0, "%s", err.message);
        return;
    }
    json_string(&j, json_get(&j, 0, "kind"), &kind);
    json_string(&j, json_get(&j, 0, "name"), &name);
    json_string(&j, json_get(&j, 0, "text"), &t.text);
    buf_char(&kind, 0);
    buf_char(&name, 0);
    t.kind = kind.p;
    t.name = name.p;
    t.loop = json_type(&j, json_get(&j, 0, "loop")) == JSON_TRUE;
    if (t.loop)
        CHECK(json_int(&j, json_get(&j, 0, "start"), &t.start) &&
                  json_int(&j, json_get(&j, 0, "within"), &t.within),
              "%s: no start or within", t.name);
    score(&t, sum);
    buf_free(&kind);
    buf_free(&name);
    buf_free(&t.text);
    json_free(&j);
}

/* A file as it is, or as gzip unpacks it. */
static bool read_text(const char *path, struct buf *out) {
    if (!path_ends_with(path, ".gz")) {
        struct file f;
        if (read_file(&f, path, 1 << 26, NULL)) return false;
        buf_put(out, f.data, f.size);
        file_close(&f);
        return !out->oom;
    }
    char command[4096], part[65536];
    snprintf(command, sizeof command, "gzip -dc '%s'", path);
    FILE *f = popen(command, "r");
    if (!f) return false;
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) buf_put(out, part, n);
    return pclose(f) == 0 && !out->oom;
}

static struct totals score_corpus(const char *path) {
    struct totals sum = {0};
    struct buf all = {0};
    bool ok = read_text(path, &all);
    CHECK(ok, "cannot read %s", path);
    for (size_t at = 0; ok && at < all.n;) {
        const char *end = memchr(all.p + at, '\n', all.n - at);
        size_t n = end ? (size_t)(end - all.p) - at : all.n - at;
        score_line(all.p + at, n, &sum);
        at += n + 1;
    }
    buf_free(&all);
    return sum;
}

static void test_pieces(void) {
    struct totals sum = score_corpus("tests/fixtures/loops/pieces.jsonl");
    CHECK(sum.good >= 60 && sum.loops >= 20, "%d good texts, %d loops", sum.good, sum.loops);
}

static void test_generated(void) {
    struct totals sum = score_corpus("tests/fixtures/loops/generated.jsonl");
    CHECK(sum.good >= 60 && sum.loops >= 50, "%d good texts, %d loops", sum.good, sum.loops);
}

static void test_shared(void) {
    struct totals sum = score_corpus(SHARED);
    CHECK(sum.good == 386 && sum.loops == 227, "%d good texts, %d loops", sum.good, sum.loops);
}

/* Sources and documents are good texts, too. */
static void test_own_files(void) {
    static const char *const paths[] = {
        "README.md", "src/README.md", "tests/README.md", "tests/bench/LOG.md", "include/qw.h",
        "src/engine/conversation.c", "src/kernels/kernels.h", "src/text/tokenizer_load.c",
        "src/chat/jinja/filters.c", "tests/test_api.c", "tests/test_jinja_unicode.c",
        "tests/style.sh", "tests/jinja_cases.py", "tools/mkmodel.py", "Makefile", "LICENSE",
    };
    struct totals sum = {0};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct text t = {.kind = "file", .name = paths[i]};
        bool ok = read_text(paths[i], &t.text);
        CHECK(ok && t.text.n > 0, "cannot read %s", paths[i]);
        if (ok) score(&t, &sum);
        buf_free(&t.text);
    }
    CHECK(sum.tokens > 50000, "%zu tokens", sum.tokens);
}

int main(int argc, char **argv) {
    qw_error err;
    int rc = tokenizer_open(&tokenizer, TOKENIZER, &err);
    if (!rc)
        rc = loop_classes_new(&classes, tokenizer_size(tokenizer), token_bytes, tokenizer, &err);
    if (!rc) rc = loop_guard_new(&guard, classes, &err);
    if (rc) {
        printf("not ok - loop guard: %s\n", err.message);
        return 1;
    }
    chatty = argc > 1 && strcmp(argv[1], "quick") != 0;     /* quick: as every test has it */
    for (int i = 1; chatty && i < argc; i++) score_corpus(argv[i]);
    if (!chatty) {
        RUN("loop guard: written texts and real loops", test_pieces);
        RUN("loop guard: generated texts and loops", test_generated);
        RUN("loop guard: own documents and sources", test_own_files);
        if (path_kind(SHARED) == PATH_FILE) RUN("loop guard: the large corpus", test_shared);
        else printf("skip - loop guard: the large corpus: there is no " SHARED "\n");
    }
    loop_guard_free(guard);
    loop_classes_free(classes);
    tokenizer_close(tokenizer);
    TEST_END();
}
