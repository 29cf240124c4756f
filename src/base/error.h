/* error.h - how a function reports a failure: a code, and a message that says what and where. */
#ifndef QW_ERROR_H
#define QW_ERROR_H
#include <stdint.h>
#include "base/platform.h"
#include "qw.h"

/* Fills *err (which may be NULL) and returns code, so that a failure is one statement:
 *     return fail(err, QW_EFORMAT, "..."); */
int fail(qw_error *err, int code, const char *fmt, ...) QW_PRINTF(3, 4);
/* QW_ENOMEM, with the bytes that `what` needs. */
int fail_memory(qw_error *err, const char *what, uint64_t bytes);

#endif
