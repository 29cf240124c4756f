/* visible.c - shows the characters that would control a terminal. */
#include "terminal/visible.h"
#include <stdio.h>
#include <string.h>

bool is_terminal_control(uint32_t c) {
    if (c < 0x20) return c != '\n' && c != '\t';
    if (c >= 0x7F && c <= 0x9F) return true;
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

int visible_form(uint32_t c, unsigned char byte, char out[VISIBLE_FORM]) {
    if (c == NO_CODE_POINT) return snprintf(out, VISIBLE_FORM, "<%02X>", byte);
    if (c < 0x80) return snprintf(out, VISIBLE_FORM, "^%c", (int)(c ^ 0x40));
    return snprintf(out, VISIBLE_FORM, "<U+%04X>", (unsigned)c);
}

/* ---- a stream ---- */

/* How many bytes a character has that begins with c; 0: none begins so. */
static int length(unsigned char c) {
    if (c < 0x80) return 1;
    if (c < 0xC2) return 0;
    if (c < 0xE0) return 2;
    if (c < 0xF0) return 3;
    return c < 0xF5 ? 4 : 0;
}

/* Can c be the next byte of the character that v holds? The second byte must not spell something
 * that has a shorter form, a surrogate, or what is beyond U+10FFFF. */
static bool continues(const struct visible *v, unsigned char c) {
    unsigned char lo = 0x80, hi = 0xBF;
    if (v->n == 1 && v->held[0] == 0xE0) lo = 0xA0;
    if (v->n == 1 && v->held[0] == 0xED) hi = 0x9F;
    if (v->n == 1 && v->held[0] == 0xF0) lo = 0x90;
    if (v->n == 1 && v->held[0] == 0xF4) hi = 0x8F;
    return c >= lo && c <= hi;
}

/* What v holds is no character: its bytes as numbers. */
static char *put_bytes(struct visible *v, char *out) {
    char form[VISIBLE_FORM];
    for (int i = 0; i < v->n; i++) {
        int n = visible_form(NO_CODE_POINT, v->held[i], form);
        memcpy(out, form, (size_t)n);
        out += n;
    }
    v->n = 0;
    return out;
}

/* What v holds is a character. */
static char *put_character(struct visible *v, char *out) {
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    char form[VISIBLE_FORM];
    uint32_t c = v->held[0] & lead_bits[v->n];
    for (int i = 1; i < v->n; i++) c = c << 6 | (v->held[i] & 0x3F);
    bool control = is_terminal_control(c);
    int n = control ? visible_form(c, 0, form) : v->n;
    memcpy(out, control ? form : (const char *)v->held, (size_t)n);
    v->n = 0;
    return out + n;
}

size_t visible_text(struct visible *v, const char *p, size_t n, char *out) {
    char *start = out;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (v->n > 0 && !continues(v, c)) out = put_bytes(v, out);
        v->held[v->n++] = c;
        int wanted = length(v->held[0]);
        if (wanted == 0) out = put_bytes(v, out);
        else if (v->n == wanted) out = put_character(v, out);
    }
    return (size_t)(out - start);
}

size_t visible_end(struct visible *v, char *out) { return (size_t)(put_bytes(v, out) - out); }
