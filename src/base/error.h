/* error.h - how a function reports a failure: a code, and a message that names what and where. */
#ifndef QW_ERROR_H
#define QW_ERROR_H
#include <stdint.h>
#include "base/platform.h"
#include "qw.h"

/* Fill *err (may be NULL) and return code, so that a failure is one statement: return fail(err,
 * QW_EFORMAT, "..."); */
int fail(qw_error *err, int code, const char *fmt, ...) QW_PRINTF(3, 4);
int fail_memory(qw_error *err, const char *what, uint64_t bytes);

#endif
