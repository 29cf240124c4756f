/* small_file.c - reads the small text files of /proc and /sys. */
#include "sys/small_file.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static FILE *open_path(const char *fmt, va_list args) {
    char path[1200];
    int len = vsnprintf(path, sizeof path, fmt, args);
    return len > 0 && len < (int)sizeof path ? fopen(path, "re") : NULL;
}

static bool read_text(char *text, size_t size, const char *fmt, va_list args) {
    FILE *f = open_path(fmt, args);
    if (!f) return false;
    size_t n = fread(text, 1, size - 1, f);
    fclose(f);
    for (size_t i = 0; i < n; i++)
        if (!text[i]) text[i] = '\n';
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

bool small_file_number(uint64_t *out, const char *fmt, ...) {
    char text[64] = "";
    va_list args;
    va_start(args, fmt);
    bool ok = read_text(text, sizeof text, fmt, args);
    va_end(args);
    const char *s = text;
    for (*out = 0; ok && *s >= '0' && *s <= '9'; s++) {
        *out = *out * 10 + (uint64_t)(*s - '0');
        ok = *out <= SMALL_FILE_MOST;
    }
    return ok && s > text && (*s == 0 || *s == ' ' || *s == '\n');
}

bool small_file_name(char *text, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    bool ok = read_text(text, size, fmt, args);
    va_end(args);
    if (!ok) text[0] = 0;
    clean_name(text);
    return text[0] != 0;
}

/* The next line, of which size - 1 bytes are kept; false at the end. *left bytes may be read. */
static bool next_line(FILE *f, char *line, size_t size, long *left) {
    size_t n = 0;
    int c = EOF;
    while (--*left > 0 && (c = getc(f)) != EOF && c != '\n')
        if (n + 1 < size) line[n++] = (char)c;
    line[n] = 0;
    return c == '\n' || n > 0;
}

void small_file_lines(small_file_take *take, void *ctx, const char *fmt, ...) {
    long left = 8 << 20;                /* 1,024 CPUs of an x86 machine have 2 MB of cpuinfo */
    char line[512];
    va_list args;
    va_start(args, fmt);
    FILE *f = open_path(fmt, args);
    va_end(args);
    if (!f) return;
    while (next_line(f, line, sizeof line, &left) && take(ctx, line)) {}
    fclose(f);
}

void clean_name(char *text) {
    size_t n = 0;
    for (const char *s = text; *s && *s != '\n'; s++) {
        bool blank = *s == ' ' || *s == '\t';
        if (blank && n > 0 && text[n - 1] != ' ') text[n++] = ' ';
        if (!blank && *s > ' ' && *s <= '~') text[n++] = *s;
    }
    if (n > 0 && text[n - 1] == ' ') n--;
    text[n] = 0;
}
