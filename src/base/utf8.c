/* utf8.c - L0: UTF-8 decoding, and the replacement of what is invalid. */
#include "base/utf8.h"
#include <string.h>

/* The second byte's range for a lead byte; 0 sequence length: no lead. */
static int lead(unsigned char c, unsigned char *lo, unsigned char *hi) {
    *lo = 0x80;
    *hi = 0xBF;
    if (c < 0x80) return 1;
    if (c < 0xC2) return 0;
    if (c < 0xE0) return 2;
    if (c < 0xF0) {
        if (c == 0xE0) *lo = 0xA0;
        if (c == 0xED) *hi = 0x9F;
        return 3;
    }
    if (c < 0xF5) {
        if (c == 0xF0) *lo = 0x90;
        if (c == 0xF4) *hi = 0x8F;
        return 4;
    }
    return 0;
}

int utf8_decode(const char *s, size_t n, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)s;
    unsigned char lo, hi;
    int len = lead(p[0], &lo, &hi);
    if (len == 1) { *cp = p[0]; return 1; }
    if (len == 0 || (size_t)len > n || p[1] < lo || p[1] > hi) return 0;
    uint32_t v = p[0] & (0x7F >> len);
    for (int i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        v = v << 6 | (p[i] & 0x3F);
    }
    *cp = v;
    return len;
}

int utf8_invalid(const char *s, size_t n, bool *cut) {
    const unsigned char *p = (const unsigned char *)s;
    unsigned char lo, hi;
    int len = lead(p[0], &lo, &hi), i = 1;
    *cut = false;
    if (len == 0) return 1;
    for (; i < len && (size_t)i < n; i++) {
        if (p[i] < lo || p[i] > hi) return i;
        lo = 0x80;
        hi = 0xBF;
    }
    *cut = i < len;
    return i;
}

int utf8_encode(uint32_t cp, char out[4]) {
    if (cp < 0x80) { out[0] = (char)cp; return 1; }
    int len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (int i = len - 1; i > 0; i--) { out[i] = (char)(0x80 | (cp & 0x3F)); cp >>= 6; }
    out[0] = (char)((0xF00 >> len) | cp);
    return len;
}

size_t utf8_valid_prefix(const char *p, size_t n) {
    size_t i = 0;
    uint32_t cp;
    while (i < n) {
        if ((unsigned char)p[i] < 0x80) { i++; continue; }
        int len = utf8_decode(p + i, n - i, &cp);
        if (len == 0) return i;
        i += (size_t)len;
    }
    return n;
}

void utf8_push(struct utf8_stream *s, const char *p, size_t n, struct buf *out) {
    uint32_t cp;
    bool cut;
    while (s->n > 0 && n > 0) {                         /* complete what is held, a byte at a time */
        s->held[s->n++] = *p++;
        n--;
        if (utf8_decode(s->held, (size_t)s->n, &cp)) { buf_put(out, s->held, (size_t)s->n); s->n = 0; break; }
        int bad = utf8_invalid(s->held, (size_t)s->n, &cut);
        if (cut) continue;
        buf_str(out, "\xEF\xBF\xBD");                   /* the new byte does not continue it: replace, look at that byte anew */
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
        int bad = utf8_invalid(p + i, n - i, &cut);
        if (cut) { memcpy(s->held, p + i, (size_t)bad); s->n = bad; return; }
        buf_str(out, "\xEF\xBF\xBD");
        i += (size_t)bad;
    }
}

void utf8_finish(struct utf8_stream *s, struct buf *out) {
    if (s->n > 0) buf_str(out, "\xEF\xBF\xBD");
    s->n = 0;
}
