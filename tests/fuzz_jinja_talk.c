/* fuzz_jinja_talk.c - libFuzzer target: the input as a template and the JSON that it is rendered
 * with, a NUL or a line of four minus signs between them. */
#include "fuzz_jinja.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char line[] = "\n----\n";
    const char *text = (const char *)data, *end = size ? memchr(text, 0, size) : NULL;
    size_t between = 1;
    if (!end) {
        end = size ? memmem(text, size, line, strlen(line)) : NULL;
        between = strlen(line);
    }
    if (!end) return 0;
    size_t n = (size_t)(end - text);
    struct json j;
    qw_error err;
    if (json_parse(&j, end + between, size - n - between, "talk", &err)) return 0;
    struct jinja *t = json_type(&j, 0) == JSON_OBJECT ? parse(text, n) : NULL;
    if (t) render(t, &j, !can_write_mark(text, n));
    jinja_free(t);
    json_free(&j);
    return 0;
}
