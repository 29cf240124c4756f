/* small_file.c - reads the small text files of /proc and /sys. */
#include "sys/small_file.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool read_text(char *text, size_t size, const char *fmt, va_list args) {
    char path[1200];
    int len = vsnprintf(path, sizeof path, fmt, args);
    FILE *f = len > 0 && len < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!f) return false;
    size_t n = fread(text, 1, size - 1, f);
    fclose(f);
    text[n] = 0;
    return true;
}

bool small_file(char *text, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    bool ok = read_text(text, size, fmt, args);
    va_end(args);
    return ok;
}

bool small_file_line(char *text, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    bool ok = read_text(text, size, fmt, args);
    va_end(args);
    if (ok) text[strcspn(text, "\n")] = 0;
    return ok;
}
