/* small_tokenizer.h - the files of a tokenizer of 260 tokens, for test_tokenizer_files.c and
 * fuzz_tokenizer_files.c. */
#ifndef QW_SMALL_TOKENIZER_H
#define QW_SMALL_TOKENIZER_H
#include <stdio.h>
#include <string.h>
#include "base/json.h"
#include "base/utf8.h"
#include "text/pretokenize.h"

/* The bytes have ids 0 to 255; with `more` behind them. */
static inline void put_vocab(struct buf *out, const char *more) {
    uint32_t next = 256;
    buf_char(out, '{');
    for (int b = 0; b < 256; b++) {
        bool printable = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
        char c[4], item[16];
        if (b) buf_char(out, ',');
        json_quote(out, c, (size_t)utf8_encode(printable ? (uint32_t)b : next++, c));
        snprintf(item, sizeof item, ":%d", b);
        buf_str(out, item);
    }
    buf_str(out, more);
    buf_char(out, '}');
}

/* One token as tokenizer.json has it; flags: letters of "wlrns" for those that are true. */
static inline void put_added(struct buf *out, const char *content, int id, const char *flags) {
    static const char *const names[] = {"single_word", "lstrip", "rstrip", "normalized",
                                        "special"};
    char item[64];
    buf_str(out, "{\"content\":");
    json_quote(out, content, strlen(content));
    snprintf(item, sizeof item, ",\"id\":%d", id);
    buf_str(out, item);
    for (int i = 0; i < 5; i++) {
        snprintf(item, sizeof item, ",\"%s\":%s", names[i],
                 strchr(flags, "wlrns"[i]) ? "true" : "false");
        buf_str(out, item);
    }
    buf_char(out, '}');
}

/* ab and abc are tokens 256 and 257, by merges; added: <a> 258 special, <b> 259. */
static const char more_vocab[] = ",\"ab\":256,\"abc\":257";
static inline void put_main(struct buf *out) {
    buf_str(out, "{\"version\":\"1.0\",\"added_tokens\":[");
    put_added(out, "<a>", 258, "s");
    buf_char(out, ',');
    put_added(out, "<b>", 259, "");
    buf_str(out, "],\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"Sequence\","
                 "\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":");
    json_quote(out, SPLIT_PATTERN, strlen(SPLIT_PATTERN));
    buf_str(out, "},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","
                 "\"add_prefix_space\":false,\"use_regex\":false}]},"
                 "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":");
    put_vocab(out, more_vocab);
    buf_str(out, ",\"merges\":[\"a b\",\"ab c\"]}}");
}

#endif
