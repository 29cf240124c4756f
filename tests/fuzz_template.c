/* fuzz_template.c - libFuzzer target: the input as a JSON conversation, and as Jinja to
 * recognise. */
#include "chat/template.h"
#include "base/utf8.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *text = (const char *)data;
    enum chat_template found;
    struct json j;
    qw_error err;
    if (template_detect(&found, text, n, &err) == 0 && found >= TEMPLATE_COUNT) abort();
    if (json_parse(&j, text, n, "input", &err) != 0) return 0;
    for (int t = 0; t < TEMPLATE_COUNT; t++) {
        struct rendered r = {{0}, {0}};
        int rc = template_render_json(&r, (enum chat_template)t, &j, &err);
        if (rc == 0) {
            if (r.text.n == 0 || r.text.n != r.control.n ||
                utf8_valid_prefix(r.text.p, r.text.n) != r.text.n)
                abort();
            for (size_t i = 0; i < r.control.n; i++)
                if (r.control.p[i] != 0 && r.control.p[i] != 1) abort();
        } else if (r.text.p || r.control.p) {
            abort();
        }
        rendered_free(&r);
    }
    json_free(&j);
    return 0;
}
