/* small_file.h - reads the small text files of /proc and /sys. */
#ifndef QW_SMALL_FILE_H
#define QW_SMALL_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/platform.h"

/* Reads the file at the path that fmt makes (up to 1,200 bytes) into text[size], NUL-terminated;
 * what does not fit is cut off. False: the file cannot be read, and text is unspecified. */
bool small_file(char *text, size_t size, const char *fmt, ...) QW_PRINTF(3, 4);

/* The same, but only the first line, without its newline. */
bool small_file_line(char *text, size_t size, const char *fmt, ...) QW_PRINTF(3, 4);

#endif
