/* fuzz_json.c - libFuzzer target: the input as JSON text.
 *
 * What parses must be a sound tree, must come out of the getters as written, and must be the
 * same tree again when it is written anew. */
#include "base/json.h"
#include "base/utf8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition) { if (!condition) abort(); }

/* A string's value is UTF-8, equals itself, and survives quoting and unquoting. */
static void check_string(const struct json *j, uint32_t node) {
    struct buf value = {0}, quoted = {0};
    char *back;
    size_t back_n;
    qw_error err;
    json_string(j, node, &value);
    json_quote(&quoted, value.p, value.n);
    expect(utf8_valid_prefix(value.p, value.n) == value.n && value.n <= j->nodes[node].len);
    expect(qw_json_unquote(quoted.p, quoted.n, &back, &back_n, &err) == 0);
    expect(back_n == value.n && (value.n == 0 || memcmp(back, value.p, value.n) == 0));
    buf_char(&value, 0);
    expect(json_is(j, node, value.p) == (strlen(value.p) + 1 == value.n));
    qw_release(back);
    buf_free(&value);
    buf_free(&quoted);
}

/* Close to strtod wherever that is within the promised range; a whole number exactly. */
static void check_number(const struct json *j, uint32_t node) {
    const struct json_node *v = &j->nodes[node];
    char digits[400];
    double got;
    int64_t whole;
    expect(json_double(j, node, &got) && got == got);
    if (json_int(j, node, &whole)) expect((double)whole == got);
    if (v->len >= sizeof digits) return;
    snprintf(digits, sizeof digits, "%.*s", (int)v->len, j->text + v->pos);
    double want = strtod(digits, NULL);
    if (fabs(want) > 1e-280 && fabs(want) < 1e280) expect(fabs(got - want) <= 1e-14 * fabs(want));
}

/* Writes the subtree at node and returns the index after it. */
static uint32_t write_tree(const struct json *j, uint32_t node, struct buf *out) {
    const struct json_node *v = &j->nodes[node];
    uint32_t at = node + 1, left = v->len;
    expect(v->next > node && v->next <= j->n);
    switch (json_type(j, node)) {
    case JSON_STRING: {
        struct buf value = {0};
        check_string(j, node);
        json_string(j, node, &value);
        json_quote(out, value.p, value.n);
        buf_free(&value);
        break;
    }
    case JSON_ARRAY:
        for (buf_char(out, '['); left > 0; left--) {
            at = write_tree(j, at, out);
            if (left > 1) buf_char(out, ',');
        }
        buf_char(out, ']');
        break;
    case JSON_OBJECT:
        for (buf_char(out, '{'); left > 0; left--) {
            expect(json_type(j, at) == JSON_STRING);
            at = write_tree(j, at, out);
            buf_char(out, ':');
            at = write_tree(j, at, out);
            if (left > 1) buf_char(out, ',');
        }
        buf_char(out, '}');
        break;
    case JSON_NUMBER:
        check_number(j, node);
        /* fall through */
    default:
        buf_put(out, j->text + v->pos, v->len);
    }
    expect(at == v->next);
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct json j, again;
    struct buf out = {0};
    qw_error err;
    int rc = json_parse(&j, (const char *)data, size, "input", &err);
    if (rc) {
        expect(rc == QW_EFORMAT && err.code == rc && !j.nodes);
        return 0;
    }
    expect(utf8_valid_prefix((const char *)data, size) == size);
    expect(write_tree(&j, 0, &out) == j.n);
    expect(json_parse(&again, out.p, out.n, "output", &err) == 0 && again.n == j.n);
    for (uint32_t i = 0; i < j.n; i++) {
        expect(again.nodes[i].type == j.nodes[i].type && again.nodes[i].next == j.nodes[i].next);
        if (json_type(&j, i) == JSON_ARRAY || json_type(&j, i) == JSON_OBJECT)
            expect(again.nodes[i].len == j.nodes[i].len);
        (void)json_get(&j, i, "a");
    }
    json_free(&again);
    json_free(&j);
    buf_free(&out);
    return 0;
}
