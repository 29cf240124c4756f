/* test_wrap.c - text wrapped at words as it comes, on a small terminal that shows it. */
#include <string.h>
#include "base/buf.h"
#include "screen_model.h"
#include "terminal/wrap.h"
#include "test.h"

static struct screen_model screen;

/* n bytes through the wrapper to the screen, whose LF is a new line and whose tabs are blanks. */
static void put(struct wrap *w, const char *p, size_t n) {
    struct buf out = {0};
    wrap_put(w, p, n, &out);
    CHECK(!out.oom, "memory");
    for (size_t i = 0; i < out.n; i++) {
        size_t plain = 0;
        while (i + plain < out.n && out.p[i + plain] != '\n' && out.p[i + plain] != '\t') plain++;
        model_write(&screen, out.p + i, plain);
        i += plain;
        if (i < out.n && out.p[i] == '\n') model_write(&screen, "\r\n", 2);
        if (i < out.n && out.p[i] == '\t')
            model_write(&screen, "        ", 8 - (size_t)screen.x % 8);
    }
    buf_free(&out);
}

/* All rows up to the last that is not empty, each ended by a newline. */
static void rows(char out[8192]) {
    char line[1024];
    size_t n = 0, used = 0;
    for (int y = 0; y < screen.rows; y++) {
        n += (size_t)snprintf(out + n, 8192 - n, "%s\n", model_line(&screen, y, line));
        if (*line) used = n;
    }
    out[used] = 0;
}

/* The text in pieces of `step` characters shows as `want`. */
static void shows_in(const char *text, size_t step, int columns, size_t indent, const char *want) {
    struct wrap w = {.columns = (size_t)columns, .indent = indent};
    char found[8192];
    model_init(&screen, 40, columns);
    for (const char *p = text; *p;) {
        size_t n = 0;
        for (size_t i = 0; i < step && p[n]; i++) {
            n++;
            while (((unsigned char)p[n] & 0xC0) == 0x80) n++;
        }
        put(&w, p, n);
        p += n;
    }
    rows(found);
    CHECK(strcmp(found, want) == 0, "in steps of %zu:\n%swanted:\n%s", step, found, want);
    CHECK(!screen.bad, "something that a terminal does not know");
    wrap_free(&w);
}

static void shows(const char *text, int columns, const char *want) {
    for (size_t step = 1; step <= 64; step = step * 2 + 1) shows_in(text, step, columns, 0, want);
}

static void test_words(void) {
    shows("Sunlight is scattered by air", 16, "Sunlight is\nscattered by air\n");
    shows("0123456789", 10, "0123456789\n");
    shows("0123456789 ab", 10, "0123456789\nab\n");
    shows("01234 6789 ab", 10, "01234 6789\nab\n");
    shows("01234 67890 ab", 10, "01234\n67890 ab\n");
    shows("a  b   c", 4, "a  b\nc\n");
    shows("one\n\ntwo three\n", 8, "one\n\ntwo\nthree\n");
    shows("0123456789\nab", 10, "0123456789\nab\n");
    shows("  - an item of a list", 12, "  - an item\nof a list\n");
    shows("a\tb", 20, "a       b\n");
}

static void test_long_words(void) {
    shows("see https://example.org/a/b", 12, "see\nhttps://exam\nple.org/a/b\n");
    shows("https://example.org/a/b is it", 12, "https://exam\nple.org/a/b\nis it\n");
    shows("0123456789012345678 x y", 10, "0123456789\n012345678\nx y\n");
}

static void test_wide(void) {
    shows("\u5929\u7a7a\u4e3a\u4ec0\u4e48\u84dd", 8, "\u5929\u7a7a\u4e3a\u4ec0\n\u4e48\u84dd\n");
    shows("\u5929\u7a7a\u4e3a\u4ec0\u3002\u84dd", 8, "\u5929\u7a7a\u4e3a\n\u4ec0\u3002\u84dd\n");
    shows("ab\u5929\u7a7acd", 5, "ab\u5929\n\u7a7acd\n");
    shows("x e\u0301e\u0301e\u0301 y", 6, "x e\u0301e\u0301e\u0301\ny\n");
    shows("hi \U0001f469\u200d\U0001f467 ok", 20,
          "hi \U0001f469\u200d\U0001f467 ok\n");
}

/* What may be copied stays as it is, but for the terminal's own wrapping. */
static void test_code(void) {
    shows("```\nint a = 1;\n```\none two three", 8, "```\nint a =\n1;\n```\none two\nthree\n");
    shows("```\nabc defghijk\n```\n", 8, "```\nabc defg\nhijk\n```\n");
    shows("~~~ c\nabc defghijk\n~~~\nabc defghijk", 8,
          "~~~ c\nabc defg\nhijk\n~~~\nabc\ndefghijk\n");
    shows("| ab | cdefg |\nab cdefghi", 8, "| ab | c\ndefg |\nab\ncdefghi\n");
    shows("a | b cdefghi", 8, "a | b\ncdefghi\n");
    shows("``a b`` cdefghi", 8, "``a b``\ncdefghi\n");
}

static void test_indent(void) {
    for (size_t step = 1; step < 30; step += 3) {
        shows_in("The user asks about\n\nthe sky.", step, 12, 2,
                 "  The user\n  asks about\n\n  the sky.\n");
        shows_in("abc", step, 12, 2, "  abc\n");
    }
}

static void test_off(void) {
    shows_in("one two three", 3, 8, 0, "one two\nthree\n");
    struct wrap w = {.columns = 0};
    struct buf out = {0};
    wrap_put(&w, "one two three four\n", 19, &out);
    CHECK(out.n == 19 && memcmp(out.p, "one two three four\n", 19) == 0, "%.*s", (int)out.n, out.p);
    CHECK(wrap_at_line(&w), "at the end of a line");
    buf_free(&out);
    wrap_free(&w);
}

/* A terminal that becomes narrower breaks its rows itself; what comes then fits. */
static void test_resize(void) {
    struct wrap w = {.columns = 30};
    char found[8192];
    model_init(&screen, 40, 30);
    put(&w, "one two three four five", 23);
    model_resize(&screen, 40, 12);
    wrap_resize(&w, 12);
    put(&w, " six seven eight\nnine ten eleven", 32);
    rows(found);
    CHECK(strcmp(found, "one two thre\ne four five\nsix seven\neight\nnine ten\neleven\n") == 0,
          "%s", found);
    wrap_free(&w);
}

/* ---- random text against wrapping it whole ---- */

static unsigned state = 1;
static unsigned draw(unsigned n) {
    state = state * 1664525 + 1013904223;
    return (state >> 16) % n;
}

/* Words of a line, one blank between them, none wider than the row. */
static void wrap_whole(const char *text, size_t columns, char *out) {
    size_t column = 0;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, " \n");
        if (column > 0 && column + 1 + n > columns) {
            *out++ = '\n';
            column = 0;
        } else if (column > 0) {
            *out++ = ' ';
            column++;
        }
        memcpy(out, p, n);
        out += n;
        column += n;
        p += n;
        if (*p == '\n') {
            *out++ = '\n';
            column = 0;
        }
        p += *p != 0;
    }
    *out++ = '\n';
    *out = 0;
}

static void test_random(void) {
    for (int run = 0; run < 3000; run++) {
        char text[512], want[1024];
        size_t columns = 10 + draw(30), n = 0;
        while (n < 200) {
            size_t word = 1 + draw(draw(8) ? 8 : (unsigned)columns);
            if (word > columns) word = columns;
            for (size_t i = 0; i < word; i++) text[n++] = (char)('a' + draw(26));
            text[n++] = draw(12) ? ' ' : '\n';
        }
        while (text[n - 1] == ' ' || text[n - 1] == '\n') n--;
        text[n] = 0;
        wrap_whole(text, columns, want);
        shows_in(text, 1 + draw(9), (int)columns, 0, want);
    }
}

int main(void) {
    RUN("wrap: words", test_words);
    RUN("wrap: words wider than a row", test_long_words);
    RUN("wrap: wide characters, marks, emoji", test_wide);
    RUN("wrap: code and tables are left alone", test_code);
    RUN("wrap: thoughts are indented", test_indent);
    RUN("wrap: off", test_off);
    RUN("wrap: a terminal that becomes narrower", test_resize);
    RUN("wrap: random text", test_random);
    TEST_END();
}
