/* fuzz_tokenizer.c - libFuzzer target: text to encode, or a tokenizer.json.
 *
 * The first byte chooses:
 *   0..3  the rest is text for models/tiny/tokenizer.json, in one of the modes of added tokens (3:
 *         its first half is the mask); its decoded ids must be its NFC, and each id in range
 *   else  the rest is a tokenizer.json; if it loads, it encodes a text
 * Runs in the project's root. */
#include "text/tokenizer.h"
#include "text/unicode.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) { if (!condition) abort(); }

/* With added tokens only the text between them is normalised; then the NFC of both must be
 * equal. */
static void encode(const struct tokenizer *t, const char *text, size_t n, enum added_mode mode,
                   const unsigned char *mask) {
    struct ids ids = {0};
    struct buf decoded = {0}, got = {0}, want = {0};
    qw_error err;
    int rc = tokenizer_encode(t, text, n, mode, mask, &ids, &err);
    expect(rc == (utf8_valid_prefix(text, n) == n ? 0 : QW_EFORMAT));
    if (rc == 0) {
        for (size_t i = 0; i < ids.n; i++) {
            size_t len;
            const char *p = tokenizer_bytes(t, ids.p[i], &len);
            expect(p && len > 0 && ids.p[i] >= 0 && ids.p[i] < tokenizer_size(t));
            expect(mode != ADDED_NONE || !tokenizer_is_added(t, ids.p[i]));
            buf_put(&decoded, p, len);
        }
        expect(utf8_valid_prefix(decoded.p, decoded.n) == decoded.n);
        if (mode == ADDED_NONE) buf_put(&got, decoded.p, decoded.n);
        else expect(nfc_normalise(decoded.p, decoded.n, &got));
        expect(nfc_normalise(text, n, &want));
        expect(got.n == want.n && (got.n == 0 || memcmp(got.p, want.p, got.n) == 0));
    }
    ids_free(&ids);
    buf_free(&decoded);
    buf_free(&got);
    buf_free(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct tokenizer *tiny;
    qw_error err;
    if (!tiny) expect(tokenizer_open(&tiny, "models/tiny/tokenizer.json", &err) == 0);
    if (size == 0) return 0;
    const char *rest = (const char *)data + 1;
    size_t n = size - 1;
    if (data[0] == 3) {
        encode(tiny, rest + n / 2, n - n / 2 - n % 2, ADDED_MASKED, data + 1);
    } else if (data[0] < 3) {
        encode(tiny, rest, n, data[0] ? ADDED_ALL : ADDED_NONE, NULL);
    } else {
        struct tokenizer *t;
        if (tokenizer_parse(&t, rest, n, "fuzz", &err) != 0) return 0;
        struct ids ids = {0};
        static const char text[] = "Hello wo\xCC\x81rld  123 \n<think>it's\0\xF0\x9F\x98\x80";
        expect(tokenizer_encode(t, text, sizeof text, ADDED_ALL, NULL, &ids, &err) == 0);
        for (size_t i = 0; i < ids.n; i++)
            expect(ids.p[i] >= 0 && ids.p[i] < tokenizer_size(t) &&
                   tokenizer_bytes(t, ids.p[i], &n));
        ids_free(&ids);
        tokenizer_close(t);
    }
    return 0;
}
