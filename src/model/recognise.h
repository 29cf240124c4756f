/* recognise.h - what a path holds that could not be opened as a model. */
#ifndef QW_RECOGNISE_H
#define QW_RECOGNISE_H
#include "base/error.h"

/* After the model at path failed to open with rc and the message in err: make the message say what
 * is there instead, if that is known, such as a Git LFS pointer, a saved web page, an adapter, or a
 * download that has not finished. The code stays. Returns rc. */
int recognise(const char *path, int rc, qw_error *err);

#endif
