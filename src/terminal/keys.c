/* keys.c - from the bytes that a terminal sends to keys.
 *
 *     ESC [ 1 ; 5 D     control sequence (CSI): parameters, perhaps intermediates, a final byte
 *     ESC O D           the same key in another mode (SS3); ESC O 5 D in old terminals
 *     ESC [ [ A         a function key of the Linux console
 *     ESC ] ... BEL     a string, a terminal's answer; also ESC P, X, ^, _, and ended by ESC \
 *     ESC b             Alt-B
 *     ESC [200~ ... ESC [201~       a paste */
#include "terminal/keys.h"
#include <string.h>
#include "base/utf8.h"
#include "base/utf8_stream.h"

enum state { GROUND, ESCAPE, CSI, SS3, STRING, STRING_ESCAPE, SWALLOW_ONE, PASTE };
enum { ESC = 27, BEL = 7, REPLACEMENT = 0xFFFD, CTRL_C = 3 };
static const char paste_end[] = "\033[201~";

static int put(struct keys *k, struct key *out, uint32_t code) {
    *out = (struct key){code, k->mods};
    k->mods = 0;
    k->state = GROUND;
    k->n_held = 0;
    return 1;
}

/* ---- characters ---- */

static int byte_of_character(struct keys *k, unsigned char byte, struct key *out) {
    uint32_t c;
    bool cut;
    k->held[k->n_held++] = (char)byte;
    if (utf8_decode(k->held, (size_t)k->n_held, &c) == k->n_held) return put(k, out, c);
    if (utf8_invalid_length(k->held, (size_t)k->n_held, &cut) == k->n_held) {
        k->state = GROUND;
        return cut ? 0 : put(k, out, REPLACEMENT);
    }
    /* Only what came before belongs together. */
    int n = put(k, out, REPLACEMENT);
    return n + keys_push(k, byte, out + n);
}

/* ---- sequences ---- */

/* ESC [ 1 ~ and the like. */
static uint32_t numbered_key(int number) {
    switch (number) {
    case 1: case 7: return KEY_HOME;
    case 4: case 8: return KEY_END;
    case 3: return KEY_DELETE;
    }
    return 0;
}

static uint32_t lettered_key(unsigned char final) {
    switch (final) {
    case 'A': case 'a': return KEY_UP;
    case 'B': case 'b': return KEY_DOWN;
    case 'C': case 'c': return KEY_RIGHT;
    case 'D': case 'd': return KEY_LEFT;
    case 'H': return KEY_HOME;
    case 'F': return KEY_END;
    }
    return 0;
}

/* Up to two numbers divided by a semicolon; 0 where there is none. False: something else. */
static bool read_params(const struct keys *k, int number[2]) {
    int i = 0;
    number[0] = number[1] = 0;
    if (k->n_params >= sizeof k->params) return false;
    for (size_t at = 0; at < k->n_params; at++) {
        char c = k->params[at];
        if (c == ';' && i == 0) i = 1;
        else if (c < '0' || c > '9' || number[i] > 999) return false;
        else number[i] = number[i] * 10 + (c - '0');
    }
    return true;
}

/* 1 + the sum of 1 Shift, 2 Alt, 4 Ctrl, as xterm numbers them. */
static unsigned modifiers(int number) {
    int bits = number > 1 ? number - 1 : 0;
    return ((bits & 2) ? KEY_ALT : 0u) | ((bits & 4) ? KEY_CTRL : 0u);
}

static int begin_paste(struct keys *k) {
    if (k->paste.oom) buf_free(&k->paste);
    k->state = PASTE;
    k->mods = 0;
    k->paste.n = 0;
    k->paste_cut = k->stalled = false;
    k->paste_end = 0;
    return 0;
}

/* What has come so far is no sequence. */
static int abandon(struct keys *k, unsigned char byte, struct key *out) {
    k->state = GROUND;
    k->mods = 0;
    return keys_push(k, byte, out);
}

static int end_sequence(struct keys *k, unsigned char final, struct key *out) {
    int number[2];
    uint32_t code = 0;
    bool csi = k->state == CSI;
    k->state = GROUND;
    if (read_params(k, number)) {
        if (csi && final == '~' && number[0] == 200) return begin_paste(k);
        bool rxvt = csi && (final == '^' || final == '$' || final == '@');
        if (csi && (final == '~' || rxvt)) code = numbered_key(number[0]);
        else if (final < 'a' || k->n_params == 0) code = lettered_key(final);
        if (rxvt && final != '$') k->mods |= KEY_CTRL;
        if (!csi && final >= 'a') k->mods |= KEY_CTRL;          /* of rxvt */
        bool letter = final >= 'A' && !rxvt && final != '~';
        k->mods |= modifiers(letter && number[1] == 0 ? number[0] : number[1]);
    }
    if (code) return put(k, out, code);
    k->mods = 0;
    return 0;
}

static int byte_of_sequence(struct keys *k, unsigned char byte, struct key *out) {
    bool csi = k->state == CSI;
    if (byte < ' ' || byte >= 0x7F) return abandon(k, byte, out);
    if (csi && byte == '[' && k->n_params == 0) {
        k->state = SWALLOW_ONE;
        return 0;
    }
    /* rxvt ends a key with Shift with what is no final byte. */
    if (csi && byte == '$' && k->n_params && k->params[0] <= '9') return end_sequence(k, byte, out);
    if (byte < 0x40) {
        if (k->n_params < sizeof k->params) k->params[k->n_params++] = (char)byte;
        return 0;
    }
    return end_sequence(k, byte, out);
}

static int after_escape(struct keys *k, unsigned char byte, struct key *out) {
    k->n_params = 0;
    if (byte == ESC) {
        k->mods |= KEY_ALT;
        return 0;
    }
    if (byte == '[' || byte == 'O') {
        k->state = byte == '[' ? CSI : SS3;
        return 0;
    }
    if (memchr("]PX^_", byte, 5)) {
        k->state = STRING;
        return 0;
    }
    k->mods |= KEY_ALT;
    return byte_of_character(k, byte, out);
}

static int byte_of_string(struct keys *k, unsigned char byte, struct key *out) {
    if (k->state == STRING_ESCAPE) {
        k->state = byte == '\\' ? GROUND : ESCAPE;
        return k->state == GROUND ? 0 : after_escape(k, byte, out);
    }
    if (byte == ESC) k->state = STRING_ESCAPE;
    else if (byte == BEL) k->state = GROUND;
    else if (byte < ' ') return abandon(k, byte, out);
    return 0;
}

/* ---- pastes ---- */

/* Lines end with newlines. */
static void mend_newlines(struct buf *b) {
    size_t n = 0;
    char last = 0;
    for (size_t i = 0; i < b->n; i++) {
        char c = b->p[i];
        if (c != '\n' || last != '\r') b->p[n++] = c == '\r' ? '\n' : c;
        last = c;
    }
    b->n = n;
}

/* What is not UTF-8 is replaced. */
static void mend_characters(struct keys *k) {
    struct buf clean = {0};
    struct utf8_stream stream = {{0}, 0};
    if (k->paste.n == 0 || utf8_valid_prefix(k->paste.p, k->paste.n) == k->paste.n) return;
    utf8_push(&stream, k->paste.p, k->paste.n, &clean);
    utf8_finish(&stream, &clean);
    if (clean.oom || clean.n > k->paste_limit) {
        k->paste_cut = true;
        if (clean.n > k->paste_limit) clean.n = k->paste_limit;
        clean.n = clean.n ? utf8_valid_prefix(clean.p, clean.n) : 0;
    }
    buf_free(&k->paste);
    k->paste = clean;
}

static int finish_paste(struct keys *k, struct key *out) {
    mend_newlines(&k->paste);
    mend_characters(k);
    if (k->paste.oom) k->paste_cut = true;
    return put(k, out, KEY_PASTE);
}

/* The bytes of a mark that is not complete are kept back. */
static void add_pasted(struct keys *k, const char *p, size_t n) {
    if (k->paste.n + n > k->paste_limit || k->paste.oom) k->paste_cut = true;
    else buf_put(&k->paste, p, n);
}

static int byte_of_paste(struct keys *k, unsigned char byte, struct key *out) {
    if (k->stalled && byte == CTRL_C) {
        int n = finish_paste(k, out);
        return n + put(k, out + n, CTRL_C);
    }
    k->stalled = false;
    if (byte == (unsigned char)paste_end[k->paste_end]) {
        if (++k->paste_end < (int)sizeof paste_end - 1) return 0;
        return finish_paste(k, out);
    }
    add_pasted(k, paste_end, (size_t)k->paste_end);
    k->paste_end = byte == ESC;
    if (byte != ESC) add_pasted(k, (char *)&byte, 1);
    return 0;
}

/* ---- all of them ---- */

int keys_push(struct keys *k, unsigned char byte, struct key out[KEYS_AT_ONCE]) {
    switch ((enum state)k->state) {
    case ESCAPE: return after_escape(k, byte, out);
    case CSI: case SS3: return byte_of_sequence(k, byte, out);
    case STRING: case STRING_ESCAPE: return byte_of_string(k, byte, out);
    case PASTE: return byte_of_paste(k, byte, out);
    case SWALLOW_ONE:
        k->state = GROUND;
        k->mods = 0;
        return 0;
    case GROUND: break;
    }
    if (byte != ESC || k->n_held) return byte_of_character(k, byte, out);
    k->state = ESCAPE;
    k->mods = 0;
    return 0;
}

bool keys_pending(const struct keys *k) {
    return k->n_held > 0 || (k->state == PASTE ? !k->stalled : k->state != GROUND);
}

int keys_idle(struct keys *k, struct key out[KEYS_AT_ONCE]) {
    if (k->state == PASTE) {
        k->stalled = true;
        return 0;
    }
    if (k->n_held) return put(k, out, REPLACEMENT);
    bool escape = k->state == ESCAPE;
    k->state = GROUND;
    k->mods = 0;
    return escape ? put(k, out, ESC) : 0;
}
