/* small_file.h - reads the small text files of /proc and /sys. */
#ifndef QW_SMALL_FILE_H
#define QW_SMALL_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/platform.h"

/* Reads the file at the path that fmt makes (up to 1,200 bytes) into text[size], NUL-terminated;
 * what does not fit is cut off, and a NUL, which ends strings in device trees, becomes a newline.
 * False: the file cannot be read, and text is unspecified. */
bool small_file(char *text, size_t size, const char *fmt, ...) QW_PRINTF(3, 4);

/* The same, but only the first line, without its newline. */
bool small_file_line(char *text, size_t size, const char *fmt, ...) QW_PRINTF(3, 4);

/* The whole number, at most SMALL_FILE_MOST, that the file begins with, if a blank, a newline or
 * nothing follows; false for anything else, and *out is unspecified. */
#define SMALL_FILE_MOST UINT64_C(1000000000000000000)
bool small_file_number(uint64_t *out, const char *fmt, ...) QW_PRINTF(2, 3);

/* The first line as a name (clean_name). False: there is none, and text is empty. */
bool small_file_name(char *text, size_t size, const char *fmt, ...) QW_PRINTF(3, 4);

/* Calls take with each line of the file, without its newline and cut off after 511 bytes, until it
 * returns false. Reads at most 8 MB. */
typedef bool small_file_take(void *ctx, char *line);
void small_file_lines(small_file_take *take, void *ctx, const char *fmt, ...) QW_PRINTF(3, 4);

/* Leaves of text what may be printed: its first line without what is not ASCII, without blanks at
 * both ends and with one where there were several. */
void clean_name(char *text);

#endif
