/* error.c - error messages, safe to show on a terminal. */
#include "base/error.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/utf8.h"

/* Messages quote files and end up on terminals: control characters and invalid UTF-8 become '?'. */
static void make_printable(char *s) {
    for (size_t n = strlen(s); n > 0;) {
        uint32_t cp;
        int len = utf8_decode(s, n, &cp);
        size_t step = len ? (size_t)len : 1;
        if (len == 0 || cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) memset(s, '?', step);
        s += step;
        n -= step;
    }
}

int fail(qw_error *err, int code, const char *fmt, ...) {
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, ap);
        va_end(ap);
        make_printable(err->message);
        err->code = code;
    }
    return code;
}

int fail_memory(qw_error *err, const char *what, uint64_t bytes) {
    return fail(err, QW_ENOMEM, "not enough memory for %s (%" PRIu64 " bytes)", what, bytes);
}
