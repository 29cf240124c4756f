/* keys.h - from the bytes that a terminal sends to keys. */
#ifndef QW_KEYS_H
#define QW_KEYS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* A key is a code point (controls as they come: 1 is Ctrl-A, 127 Backspace), or one of these. */
enum {
    KEY_UP = 0x110000, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_DELETE,
    KEY_PASTE                   /* a paste, which keys.paste holds */
};
enum { KEY_ALT = 1, KEY_CTRL = 2 };
struct key { uint32_t code; unsigned mods; };

/* {.paste_limit = n} is its beginning. Free paste with buf_free. */
struct keys {
    int state;
    unsigned mods;
    char held[4];               /* the beginning of a character */
    int n_held;
    char params[16];            /* of a control sequence, as far as they fit */
    size_t n_params;
    struct buf paste;           /* what has been pasted: UTF-8 with newlines, once it has ended */
    size_t paste_limit;         /* bytes; what goes beyond is dropped, and paste_cut set */
    bool paste_cut;
    int paste_end;              /* bytes of the mark that ends it which have come */
    bool stalled;               /* nothing has come for a while */
};

/* The most keys that one byte completes. */
enum { KEYS_AT_ONCE = 2 };
/* One more byte: stores the keys that it completes and returns how many. Unknown sequences give
 * none. A byte that is not UTF-8 is U+FFFD. */
int keys_push(struct keys *k, unsigned char byte, struct key out[KEYS_AT_ONCE]);
/* Is a sequence or a character incomplete? */
bool keys_pending(const struct keys *k);
/* Nothing has come for a while: what is incomplete ends, ESC is the Escape key (27). A paste goes
 * on, but if Ctrl-C is next, it has lost its end: it ends. Returns the number of keys. */
int keys_idle(struct keys *k, struct key out[KEYS_AT_ONCE]);

#endif
