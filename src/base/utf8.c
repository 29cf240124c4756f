/* utf8.c - decoding, encoding and checking UTF-8. */
#include "base/utf8.h"
#include <string.h>

/* Sequence length that lead byte c announces (0: c cannot start a sequence) and the valid range
 * of the second byte. */
static int sequence_length(unsigned char c, unsigned char *lo, unsigned char *hi) {
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
    int len = sequence_length(p[0], &lo, &hi);
    if (len == 1) {
        *cp = p[0];
        return 1;
    }
    if (len == 0 || (size_t)len > n || p[1] < lo || p[1] > hi) return 0;
    uint32_t v = p[0] & (0x7F >> len);
    for (int i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        v = v << 6 | (p[i] & 0x3F);
    }
    *cp = v;
    return len;
}

int utf8_invalid_length(const char *s, size_t n, bool *cut) {
    const unsigned char *p = (const unsigned char *)s;
    unsigned char lo, hi;
    int len = sequence_length(p[0], &lo, &hi), i = 1;
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
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    int len = 2 + (cp >= 0x800) + (cp >= 0x10000);
    for (int i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3F));
        cp >>= 6;
    }
    out[0] = (char)((0xF00 >> len) | cp);
    return len;
}

size_t utf8_valid_prefix(const char *p, size_t n) {
    size_t i = 0;
    uint32_t cp;
    while (i < n) {
        if ((unsigned char)p[i] < 0x80) {
            i++;
            continue;
        }
        int len = utf8_decode(p + i, n - i, &cp);
        if (len == 0) return i;
        i += (size_t)len;
    }
    return n;
}
