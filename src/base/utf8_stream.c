/* utf8_stream.c - turns a stream of bytes into valid UTF-8. */
#include "base/utf8_stream.h"
#include <string.h>
#include "base/utf8.h"

void utf8_push(struct utf8_stream *s, const char *p, size_t n, struct buf *out) {
    uint32_t cp;
    bool cut;
    /* Complete what is held back, a byte at a time. */
    while (s->n > 0 && n > 0) {
        s->held[s->n++] = *p++;
        n--;
        if (utf8_decode(s->held, (size_t)s->n, &cp)) {
            buf_put(out, s->held, (size_t)s->n);
            s->n = 0;
            break;
        }
        int bad = utf8_invalid_length(s->held, (size_t)s->n, &cut);
        if (cut) continue;
        /* The new byte does not continue the sequence: replace what was held, then look again at
         * this byte. */
        buf_str(out, "\xEF\xBF\xBD");
        p -= s->n - bad;
        n += (size_t)(s->n - bad);
        s->n = 0;
    }
    size_t i = 0;
    while (i < n) {
        size_t ok = utf8_valid_prefix(p + i, n - i);
        buf_put(out, p + i, ok);
        i += ok;
        if (i == n) return;
        int bad = utf8_invalid_length(p + i, n - i, &cut);
        if (cut) {
            memcpy(s->held, p + i, (size_t)bad);
            s->n = bad;
            return;
        }
        buf_str(out, "\xEF\xBF\xBD");
        i += (size_t)bad;
    }
}

void utf8_finish(struct utf8_stream *s, struct buf *out) {
    if (s->n > 0) buf_str(out, "\xEF\xBF\xBD");
    s->n = 0;
}
