/* fuzz_tokenizer_files.c - libFuzzer target: the files beside a small tokenizer.
 *
 * The first byte chooses: even, they stand beside a tokenizer.json; odd, beside a vocab.json. NUL
 * bytes part the rest into tokenizer_config.json, added_tokens.json, special_tokens_map.json,
 * merges.txt (odd only) and a text to encode; an empty one is not there. */
#include "small_tokenizer.h"
#include "text/tokenizer.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) { if (!condition) abort(); }

/* The part up to the next NUL or the end. */
static struct tokenizer_file next_part(const char **p, const char *end, const char *name) {
    const char *begin = *p, *nul = begin < end ? memchr(begin, 0, (size_t)(end - begin)) : NULL;
    const char *stop = nul ? nul : end;
    struct tokenizer_file f = {name, begin < stop ? begin : NULL, (size_t)(stop - begin)};
    *p = nul ? nul + 1 : end;
    return f;
}

static bool same(const struct ids *a, const struct ids *b) {
    return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n * sizeof *a->p) == 0);
}

/* Whatever the added tokens are: ids stand for something; a mask of all bytes is as good as none,
 * and a mask of no byte as text alone. */
static void encode(const struct tokenizer *t, const struct tokenizer_file *text) {
    struct ids all = {0}, none = {0}, masked = {0};
    qw_error err;
    unsigned char *mask = malloc(text->size + 1);
    expect(mask);
    int rc = tokenizer_encode(t, text->data, text->size, ADDED_ALL, NULL, &all, &err);
    for (size_t i = 0; i < all.n; i++) {
        size_t len;
        expect(tokenizer_bytes(t, all.p[i], &len) && len > 0);
    }
    memset(mask, 1, text->size + 1);
    expect(tokenizer_encode(t, text->data, text->size, ADDED_MASKED, mask, &masked, &err) == rc);
    expect(same(&all, &masked));
    masked.n = 0;
    memset(mask, 0, text->size + 1);
    expect(tokenizer_encode(t, text->data, text->size, ADDED_MASKED, mask, &masked, &err) == rc);
    expect(tokenizer_encode(t, text->data, text->size, ADDED_NONE, NULL, &none, &err) == rc);
    expect(same(&none, &masked));
    free(mask);
    ids_free(&all);
    ids_free(&none);
    ids_free(&masked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct buf main, vocab;
    if (main.n == 0) {
        put_main(&main);
        put_vocab(&vocab, more_vocab);
    }
    if (size == 0) return 0;
    const char *p = (const char *)data + 1, *end = p + size - 1;
    const bool slow = data[0] & 1;
    struct tokenizer_files f = {.tokenizer = {"tokenizer.json", main.p, main.n}};
    if (slow) {
        f.tokenizer.data = NULL;
        f.vocab = (struct tokenizer_file){"vocab.json", vocab.p, vocab.n};
    }
    f.config = next_part(&p, end, "tokenizer_config.json");
    f.added = next_part(&p, end, "added_tokens.json");
    f.special_map = next_part(&p, end, "special_tokens_map.json");
    if (slow) f.merges = next_part(&p, end, "merges.txt");
    struct tokenizer_file text = next_part(&p, end, "text");
    struct tokenizer *t;
    qw_error err;
    if (tokenizer_load(&t, &f, &err) == 0) {
        expect(!tokenizer_warnings(t)->oom);
        if (text.data) encode(t, &text);
        tokenizer_close(t);
    }
    return 0;
}
