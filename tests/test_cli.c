/* test_cli.c - the parts of the command line that are functions of text: what a terminal is shown,
 * the first fenced block of an answer. They are included, since they belong to no library. */
#include <string.h>
#include "../src/cli/fenced.c"
#include "terminal/visible.h"
#include "test.h"

/* ---- visible text ---- */

/* in: n bytes, given in pieces of `step`; the result must be `want`. */
static void shown(const char *in, size_t n, const char *want) {
    for (size_t step = 1; step <= n; step++) {
        struct visible v = {{0}, 0};
        char out[VISIBLE_GROWTH * 300], *end = out;
        for (size_t i = 0; i < n; i += step)
            end += visible_text(&v, in + i, i + step < n ? step : n - i, end);
        end += visible_end(&v, end);
        *end = 0;
        CHECK(strcmp(out, want) == 0, "step %zu: expected '%s', found '%s'", step, want, out);
    }
}

#define SHOWN(in, want) shown(in, sizeof in - 1, want)

static void test_visible(void) {
    SHOWN("plain\ttext\n", "plain\ttext\n");
    SHOWN("\033[31mred\033[0m\r\n", "^[[31mred^[[0m^M\n");
    SHOWN("a\0b\a\b\177", "a^@b^G^H^?");
    SHOWN("\302\200\302\233\302\237\302\240", "<U+0080><U+009B><U+009F>\302\240");
    SHOWN("\342\200\251\342\200\252\342\200\256\342\200\257",
          "\342\200\251<U+202A><U+202E>\342\200\257");
    SHOWN("\342\201\245\342\201\246\342\201\251\342\201\252",
          "\342\201\245<U+2066><U+2069>\342\201\252");
    SHOWN("\303\244\342\202\254\360\237\230\200", "\303\244\342\202\254\360\237\230\200");
    SHOWN("\364\217\277\277", "\364\217\277\277");
}

/* Bytes that are not UTF-8 may be controls in another encoding. */
static void test_visible_invalid(void) {
    SHOWN("\233", "<9B>");
    SHOWN("\300\233", "<C0><9B>");
    SHOWN("\302\302\233", "<C2><U+009B>");
    SHOWN("\340\200\233", "<E0><80><9B>");
    SHOWN("\342\200\033[m", "<E2><80>^[[m");
    SHOWN("\355\240\200", "<ED><A0><80>");
    SHOWN("\360\200\200\200", "<F0><80><80><80>");
    SHOWN("\364\220\200\200", "<F4><90><80><80>");
    SHOWN("\370\377", "<F8><FF>");
    SHOWN("x\342\200", "x<E2><80>");
}

/* ---- fenced blocks ---- */

/* want NULL: there is no block */
static void kept(const char *in, const char *want) {
    char buffer[256];
    struct text t = {buffer, strlen(in)};
    memcpy(buffer, in, t.n);
    bool found = keep_first_fenced(&t);
    if (!want) want = in;
    CHECK(found == (want != in), "found %d in '%s'", found, in);
    CHECK(t.n == strlen(want) && memcmp(t.p, want, t.n) == 0, "expected '%s', found '%.*s'", want,
          (int)t.n, t.p);
}

static void test_fenced(void) {
    kept("no block\nat all", NULL);
    kept("", NULL);
    kept("so:\n```sh\nls -l\n```\nand\n```\nrm\n```\n", "ls -l\n");
    kept("```\na\n\nb\n```", "a\n\nb\n");
    kept("~~~c\nint x;\n~~~\n", "int x;\n");
    kept("```\r\na\r\n```\r\n", "a\r\n");
    kept("```\n```\n", "");
    kept("```\nit was cut of", "it was cut of");
    kept("```py\nit was cut\n", "it was cut\n");
    kept("````md\n```sh\nls\n```\n````\nafter", "```sh\nls\n```\n");
    kept("```\n~~~\n````\n", "~~~\n");
    kept("```\n``` not the end\n```\n", "``` not the end\n");
    kept("1. so:\n   ```sh\n   if x\n     y\n  z\n\n   ```\n", "if x\n  y\nz\n\n");
    kept("in a line: ``` and ```\n``x``\n", NULL);
    kept("``` in a line ``` too\n", NULL);
    kept("~~~ a ` b\nx\n~~~\n", "x\n");
}

int main(void) {
    RUN("cli: what would control a terminal is visible", test_visible);
    RUN("cli: bytes that are not UTF-8 are visible", test_visible_invalid);
    RUN("cli: the first fenced block", test_fenced);
    TEST_END();
}
