/* tokenizer_messages.c - what loading a tokenizer says. */
#include <stdio.h>
#include <string.h>
#include "base/utf8.h"
#include "text/tokenizer_loader.h"

const char *show_value(const struct json *j, uint32_t node, char out[SHOWN]) {
    const struct json_node *v = &j->nodes[node];
    size_t n = 0, i = 0;
    bool quotes = v->type == JSON_STRING;
    if (node == 0) return "missing";
    if (v->type == JSON_ARRAY) return "an array";
    if (v->type == JSON_OBJECT) return "an object";
    if (quotes) out[n++] = '"';
    while (i < v->len && n < SHOWN - 12) {
        uint32_t cp;
        size_t len = (size_t)utf8_decode(j->text + v->pos + i, v->len - i, &cp);
        if (len == 0 || cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) {
            out[n++] = '?';
        } else {
            memcpy(out + n, j->text + v->pos + i, len);
            n += len;
        }
        i += len ? len : 1;
    }
    if (i < v->len) {
        memcpy(out + n, "...", 3);
        n += 3;
    }
    if (quotes) out[n++] = '"';
    out[n] = 0;
    return out;
}

int fail_unsupported(const struct loader *l, const struct source *s, const char *name,
                     uint32_t node, const char *wanted) {
    char shown[SHOWN];
    return fail(l->err, QW_EUNSUPPORTED, "%s: %s is %s; only %s is supported", s->name, name,
                show_value(&s->j, node, shown), wanted);
}

int fail_no_memory(const struct loader *l) { return fail_memory(l->err, l->name, l->size); }

enum { MOST = 4 };             /* names that a warning lists */

void add_to_names(struct some_names *names, const char *p, size_t n, const char *remark) {
    enum { LONGEST = 40 };
    if (++names->count > MOST) return;
    bool cut = n > LONGEST;
    if (cut) n = utf8_valid_prefix(p, LONGEST);
    int more = snprintf(names->text + names->n, sizeof names->text - names->n, "%s%.*s%s%s",
                        names->n ? ", " : "", (int)n, p, cut ? "..." : "", remark);
    names->n += (size_t)more;
    if (names->n >= sizeof names->text) names->n = sizeof names->text - 1;
}

const char *end_names(struct some_names *names) {
    if (names->count > MOST)
        snprintf(names->text + names->n, sizeof names->text - names->n, " and %u more",
                 names->count - MOST);
    return names->text;
}
