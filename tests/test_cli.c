/* test_cli.c - the parts of the command line that are functions of text: what a terminal is shown,
 * the first fenced block of an answer, lists and masks of numbers, what a model is called. They are
 * included, since they belong to no library. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "../src/cli/cpu_mask.c"
#include "../src/cli/fenced.c"
#include "../src/cli/int_list.c"
#include "../src/cli/model_type.c"
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

/* ---- lists of numbers ---- */

static char message[400];

/* Instead of messages.c's. */
int usage_error(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return EXIT_USAGE;
}
int memory_error(const char *what) {
    snprintf(message, sizeof message, "memory for %s", what);
    return EXIT_MEMORY;
}

/* want: the numbers, or what the message has. More than one text: flags that are repeated. */
static void list_is(const char *want, bool pairs, double lo, const char *text, const char *more) {
    struct int_list list = {NULL, 0, false};
    char found[400] = "";
    size_t n = 0;
    int rc = append_ints(&list, text, pairs, lo, 1 << 24, "-x");
    if (!rc && more) rc = append_ints(&list, more, pairs, lo, 1 << 24, "-x");
    for (int i = 0; i < list.n && !rc && n < sizeof found; i++)
        n += (size_t)snprintf(found + n, sizeof found - n, "%s%d", i ? "," : "", list.p[i]);
    if (rc) snprintf(found, sizeof found, "%s", message);
    bool right = rc ? strstr(found, want) != NULL : strcmp(found, want) == 0;
    CHECK(right && (!rc || rc == EXIT_USAGE), "'%s': expected '%s', found '%s'", text, want, found);
    free(list.p);
}

static void test_lists(void) {
    list_is("512", false, 0, "512", NULL);
    list_is("1,2,4", false, 0, "1,2,4", NULL);
    list_is("1,2,4,512", false, 0, "1,2,4", "512");
    list_is("128,256,384,512", false, 0, "128-512+128", NULL);
    list_is("1,4,8,16", false, 0, "1,4-16*2", NULL);
    list_is("1,2,3,4", false, 1, "1-4", NULL);
    list_is("3", false, 0, "3-3", NULL);
    list_is("4,8", false, 0, "4-15*2", NULL);
    list_is("0,10", false, 0, "0-19+10", NULL);
    list_is("7,1,2,7,9", false, 0, "7,1-2,7", "9");
    list_is("0", false, 0, "0-16777216+2147483647", NULL);
    list_is("1", false, 0, "1-16777216*2147483647", NULL);
}

static void test_bad_lists(void) {
    static const char *const bad[] = {"", ",", "1,", ",1", "1,,2", "x", "1x", "-1", "1-", "1-2-3",
                                      "1-x", "1+2", "1*2", "1-2+", "1-2*", "1-2+x", "1-2+1+1",
                                      "1-2+-1", " 1", "1 ", "1- 2", "16777217", "1-16777217",
                                      "99999999999999999999", "1-2+99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        list_is("is not a list of numbers from 0 to 16777216", false, 0, bad[i], NULL);
    list_is("is not a list of numbers from 1", false, 1, "0-4", NULL);
    list_is("-x: '512-128' ends before it begins", false, 0, "1,512-128,7", NULL);
    list_is("-x: '128-512+0': the step +0 does not grow from 128", false, 0, "128-512+0", NULL);
    list_is("-x: '1-16*1': the step *1 does not grow from 1", false, 0, "1-16*1", NULL);
    list_is("the step *0 does not grow from 2", false, 0, "2-16*0", NULL);
    list_is("-x: '0-512*2': the step *2 does not grow from 0", false, 0, "0-512*2,1", NULL);
    list_is("-x: more than 1024 numbers", false, 0, "0-16777216", NULL);
    list_is("more than 1024", false, 0, "1-1024", "5");
    list_is("8,2,16,4", true, 0, "8,2", "16,4");
    list_is("is not a pair", true, 0, "8", NULL);
    list_is("is not a pair", true, 0, "8,2,1", NULL);
    list_is("is not a pair", true, 0, "8-16,2", NULL);
}

/* ---- masks of CPUs ---- */

static void test_masks(void) {
    static const struct {
        const char *list, *mask, *back;         /* back: the list that the mask becomes */
    } cases[] = {
        {"0", "0x1", "0-0"}, {"4-7", "0xf0", "4-7"}, {"0-3,6", "0x4f", "0-3,6-6"},
        {"3,5", "0x28", "3-3,5-5"}, {"63-64", "0x18000000000000000", "63-64"},
    };
    char mask[CPU_MASK], list[CPU_LIST];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mask_list(cases[i].list, mask);
        CHECK(strcmp(mask, cases[i].mask) == 0, "%s: %s", cases[i].list, mask);
        CHECK(list_mask(mask, list) && strcmp(list, cases[i].back) == 0, "%s: %s", mask, list);
    }
    mask_list("", mask);
    CHECK(strcmp(mask, "0x0") == 0, "none: %s", mask);
    mask_list("0-1023", mask);
    CHECK(strlen(mask) == 258 && mask[2 + strspn(mask + 2, "f")] == 0, "all: %s", mask);
    mask_list("5,1024-99999", mask);
    CHECK(strcmp(mask, "0x20") == 0, "only those below 1024 count: %s", mask);
    mask_list("1,2...", mask);
    CHECK(strcmp(mask, "0x6") == 0, "a list that was cut: %s", mask);
}

/* ---- models ---- */

static void type_is(const char *want, int n_layer, int n_embd, double n_params) {
    const qw_model_info info = {.n_layer = n_layer, .n_embd = n_embd,
                                .n_params = (uint64_t)n_params, .weight_type = "q4"};
    char type[MODEL_TYPE];
    model_type(&info, type);
    CHECK(strcmp(type, want) == 0, "expected %s, found %s", want, type);
}

static void test_model_type(void) {
    type_is("qwen3 0.6B q4", 28, 1024, 596e6);
    type_is("qwen3 0.6B q4", 28, 1024, 751e6);          /* a head of its own */
    type_is("qwen3 1.7B q4", 28, 2048, 1.72e9);
    type_is("qwen3 4B q4", 36, 2560, 4.02e9);
    type_is("qwen3 8B q4", 36, 4096, 8.19e9);
    type_is("qwen3 14B q4", 40, 5120, 14.77e9);
    type_is("qwen3 32B q4", 64, 5120, 32.76e9);
    type_is("qwen3 6.2M q4", 6, 256, 6.16e6);
    type_is("qwen3 0.2B q4", 2, 1024, 187e6);
    type_is("qwen3 3B q4", 30, 2048, 3.9e9);
}

int main(void) {
    RUN("cli: what would control a terminal is visible", test_visible);
    RUN("cli: bytes that are not UTF-8 are visible", test_visible_invalid);
    RUN("cli: the first fenced block", test_fenced);
    RUN("cli: lists of numbers, with ranges", test_lists);
    RUN("cli: lists that are wrong", test_bad_lists);
    RUN("cli: masks of CPUs", test_masks);
    RUN("cli: what a model is called", test_model_type);
    TEST_END();
}
