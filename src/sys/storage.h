/* storage.h - how fast a file is read from where it is stored. */
#ifndef QW_STORAGE_H
#define QW_STORAGE_H
#include <stdbool.h>
#include "base/error.h"

/* Reads the file's first bytes, up to 64 MB, for half a second at most. *cached: they came out of
 * memory, so that this says nothing of the storage. QW_EIO: it cannot be read, or is empty. */
int storage_speed(const char *path, double *bytes_per_second, bool *cached, qw_error *err);

#endif
