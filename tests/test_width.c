/* test_width.c - grapheme clusters and their widths: known texts, and the test file of Unicode. */
#include <string.h>
#include "base/utf8.h"
#include "terminal/visible.h"
#include "terminal/width.h"
#include "test.h"

/* text: clusters separated by |; cells: the width of each, as digits. */
static void clusters(const char *text, const char *cells) {
    char plain[256];
    size_t ends[64], n = 0, at = 0;
    int count = 0;
    for (const char *p = text;; p++) {
        if (*p == '|' || *p == 0) ends[count++] = n;
        else plain[n++] = *p;
        if (*p == 0) break;
    }
    CHECK(strlen(cells) == (size_t)count, "%s", text);
    for (int i = 0; i < count && at < n; i++) {
        int width;
        size_t length = cluster_next(plain + at, n - at, &width);
        CHECK(at + length == ends[i], "'%s': cluster %d has %zu bytes", text, i, length);
        CHECK(width == cells[i] - '0', "'%s': cluster %d has %d cells", text, i, width);
        CHECK(cluster_previous(plain, ends[i]) == ends[i] - (i ? ends[i - 1] : 0),
              "'%s': back from cluster %d", text, i);
        at += length;
    }
}

static void test_widths(void) {
    clusters("a| |~|z", "1111");
    clusters("\u00e4|e\u0301|\u4f60|\uff21|\uac00|\u30ab\u3099", "112222");
    clusters("\U0001f600|\U0001f44d\U0001f3fd|x", "221");
    clusters("\U0001f469\u200d\U0001f469\u200d\U0001f467|\U0001f469", "22");
    clusters("\u2764|\u2764\ufe0f|1\ufe0f\u20e3|#", "1221");
    clusters("\U0001f1e9\U0001f1ea|\U0001f1eb\U0001f1f7|\U0001f1eb", "221");
    clusters("\u1112\u1161\u11ab|\uac00\u11a8|\uac01\u11a8|\u1161", "2220");
    clusters("\u0e01\u0e33|\u0e19\u0e49|\u0915\u093f|\u0915\u094d|\u0937", "21211");
    clusters("\u0301|a\u0301\u0302\u0303|\u00ad|\u200b|\u2060", "01100");
    clusters("\u05d0\u05b7|\u0628\u064e", "11");
    clusters("\u2014|\u2026|\u0416|\u03b1", "1111");
}

/* What may not reach a terminal has the width of what is shown instead. */
static void test_controls(void) {
    clusters("\033|\001|\177|\n|\t|a", "222001");
    clusters("\302\200|\302\233|\u202e|\u2066|\u2069", "88888");
    clusters("\xff|\x80|\xe2|\x82|a", "44441");
    clusters("\xed|\xa0|\x80|\u20ac|\xf0|\x9f|\x98", "4441444");
    clusters("a|\xcc", "14");
    char form[VISIBLE_FORM];
    CHECK(visible_form(27, 0, form) == 2 && strcmp(form, "^[") == 0, "%s", form);
    CHECK(visible_form(0x202E, 0, form) == 8 && strcmp(form, "<U+202E>") == 0, "%s", form);
    CHECK(visible_form(NO_CODE_POINT, 0x9B, form) == 4 && strcmp(form, "<9B>") == 0, "%s", form);
}

static void test_spread(void) {
    struct cluster k = cluster_at("\U0001f469\u200d\U0001f469\u200d\U0001f467", 18);
    CHECK(k.n == 18 && k.cells == 2 && k.spread == 8, "%zu %d %d", k.n, k.cells, k.spread);
    k = cluster_at("\u4f60x", 4);
    CHECK(k.n == 3 && k.cells == 2 && k.spread == 2 && !k.control, "%zu %d", k.n, k.spread);
    k = cluster_at("\xff", 1);
    CHECK(k.n == 1 && k.control && k.first == NO_CODE_POINT, "%zu", k.n);
    CHECK(text_cells("a\u4f60\033\u0301", 7) == 5, "%zu", text_cells("a\u4f60\033\u0301", 7));
}

/* Random bytes: forward and backward agree, and everything is covered. */
static void test_both_ways(void) {
    static const char *const parts[] = {
        "a", "\u0301", "\u200d", "\U0001f469", "\U0001f1e9", "\ufe0f", "\u1100", "\u1161", "\u11a8",
        "\uac00", "\uac01", "\u0600", "\u0903", "\n", "\xe2", "\x80", "\xff", "\U0001f3fd", "\u4f60"
    };
    unsigned random = 1;
    for (int round = 0; round < 20000; round++) {
        char text[128];
        size_t n = 0, at = 0;
        for (int i = 0; i < 12; i++) {
            random = random * 1664525u + 1013904223u;
            const char *part = parts[(random >> 16) % (sizeof parts / sizeof *parts)];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        while (at < n) {
            int cells;
            size_t length = cluster_next(text + at, n - at, &cells);
            CHECK(length > 0 && length <= n - at, "round %d", round);
            at += length;
            CHECK(cluster_previous(text, at) == length, "round %d at %zu", round, at);
        }
    }
}

/* ---- Unicode's own test file ---- */

static const char test_file[] = "/usr/share/unicode/auxiliary/GraphemeBreakTest.txt";
static int cases;

/* A line: a division sign, code points with a division or multiplication sign after each. */
static void one_line(const char *line) {
    char text[256];
    size_t ends[64], n = 0, at = 0;
    int count = 0;
    for (const char *p = strchr(line, ' '); p && *p && *p != '#';) {
        char *end;
        unsigned long c = strtoul(p, &end, 16);
        if (end == p) break;
        n += (size_t)utf8_encode((uint32_t)c, text + n);
        p = end + strspn(end, " ");
        if (memcmp(p, "\u00f7", 2) == 0) ends[count++] = n;
        p += 2;
    }
    for (int i = 0; i < count; i++) {
        size_t length = cluster_at(text + at, n - at).n;
        CHECK(at + length == ends[i], "%s", line);
        CHECK(cluster_previous(text, ends[i]) == ends[i] - at, "%s", line);
        at = ends[i];
    }
    cases++;
}

static void test_unicode(void) {
    char line[1024];
    FILE *f = fopen(test_file, "r");
    CHECK(f != NULL, "%s", test_file);
    while (f && fgets(line, sizeof line, f)) {
        if (line[0] == '#' || line[0] == '\n') continue;
        if (!strstr(line, "000D \u00d7 000A")) one_line(line);      /* CR LF is two here */
    }
    if (f) fclose(f);
    CHECK(cases > 500, "%d", cases);
}

int main(void) {
    RUN("widths of characters", test_widths);
    RUN("widths of controls and of invalid bytes", test_controls);
    RUN("what a terminal may make of a cluster", test_spread);
    RUN("clusters forward and backward", test_both_ways);
    if (access(test_file, R_OK) == 0) RUN("clusters as in Unicode's test file", test_unicode);
    else printf("skip - clusters as in Unicode's test file: unicode-data is not installed\n");
    TEST_END();
}
