/* test_jinja_unicode.c - the classes of characters that templates ask for, as Python 3.11 has
 * them. */
#include "chat/jinja/unicode.h"
#include "test.h"

/* Code points that are in a class at the ends of a range, and not beside them. */
struct range { uint32_t first, last; };

static void check_ranges(bool (*is_in)(uint32_t), const struct range *r, int n) {
    for (int i = 0; i < n; i++) {
        CHECK(is_in(r[i].first), "U+%04X is out", (unsigned)r[i].first);
        CHECK(is_in(r[i].last), "U+%04X is out", (unsigned)r[i].last);
        CHECK(!is_in(r[i].first - 1), "U+%04X is in", (unsigned)r[i].first - 1);
        CHECK(!is_in(r[i].last + 1), "U+%04X is in", (unsigned)r[i].last + 1);
    }
}

/* Over all code points: how many are in, and the sum of their squares. */
static void check_all(bool (*is_in)(uint32_t), long want, uint64_t want_sum) {
    long found = 0;
    uint64_t sum = 0;
    for (uint32_t cp = 0; cp < 0x120000; cp++) {
        if (!is_in(cp)) continue;
        found++;
        sum += (uint64_t)cp * cp;
    }
    CHECK(found == want && sum == want_sum, "%ld code points, sum of squares %llu", found,
          (unsigned long long)sum);
    CHECK(!is_in(0x110000) && !is_in(0x80000041) && !is_in(UINT32_MAX), "beyond U+10FFFF");
}

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static void test_cased(void) {
    static const struct range in[] = {
        {'A', 'Z'}, {'a', 'z'}, {0xAA, 0xAA}, {0xD8, 0xF6}, {0xF8, 0x1BA}, {0x1C4, 0x293},
        {0x345, 0x345}, {0x2160, 0x217F}, {0x24B6, 0x24E9}, {0xFB00, 0xFB06}, {0xFF21, 0xFF3A},
        {0xFF41, 0xFF5A}, {0x10400, 0x1044F}, {0x1E900, 0x1E943}, {0x1F170, 0x1F189},
    };
    check_ranges(is_cased, in, COUNT(in));
    CHECK(!is_cased(0x4E00) && !is_cased(0x5D0) && !is_cased(0xD800), "letters without case");
    check_all(is_cased, 4453, UINT64_C(20037584147022));
}

static void test_printable(void) {
    static const struct range in[] = {
        {' ', '~'}, {0xA1, 0xAC}, {0xAE, 0x377}, {0x2010, 0x2027}, {0x3001, 0x303F},
        {0xD7CB, 0xD7FB}, {0xF900, 0xFA6D}, {0xFFFC, 0xFFFD}, {0x20000, 0x2A6DF},
        {0x30000, 0x3134A}, {0xE0100, 0xE01EF},
    };
    check_ranges(is_printable, in, COUNT(in));
    CHECK(is_printable(0x1F600) && is_printable(0x10000), "the second plane");
    CHECK(!is_printable(0xFFFF) && !is_printable(0xDFFF) && !is_printable(0xE000) &&
              !is_printable(0xFEFF) && !is_printable(0x10FFFF),
          "neither a character nor visible");
    check_all(is_printable, 144516, UINT64_C(2291026766194654));
}

static void test_space(void) {
    static const struct range in[] = {
        {0x09, 0x0D}, {0x1C, 0x20}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
    };
    check_ranges(is_python_space, in, COUNT(in));
    check_all(is_python_space, 29, UINT64_C(1195423570));
}

int main(void) {
    RUN("jinja_unicode: letters with case", test_cased);
    RUN("jinja_unicode: printable characters", test_printable);
    RUN("jinja_unicode: white space", test_space);
    TEST_END();
}
