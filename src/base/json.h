/* json.h - a JSON text (RFC 8259) as a flat array of nodes that point into the text.
 *
 *   {"a": [1, "x"]}   ->   0 object len 1 next 5 | 1 string "a" next 2 | 2 array len 2 next 5
 *                          | 3 number next 4 | 4 string next 5
 *
 * A container is followed by its children; node.next is the index after its whole subtree. In an
 * object keys and values alternate. The text must outlive the nodes. */
#ifndef QW_JSON_H
#define QW_JSON_H
#include "base/error.h"
#include "base/buf.h"

enum json_type {
    JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT
};

struct json_node {
    uint32_t pos, len;      /* scalars: bytes of the text (strings without the quotes); containers:
                             * pos of the bracket, len = number of elements or pairs */
    uint32_t next;          /* index of the node after this one and all below it */
    uint8_t type, escaped;  /* escaped: a string with backslashes; its text is not its value */
};

struct json { const char *text; struct json_node *nodes; uint32_t n; };     /* node 0 is the root */

/* Parses size bytes of text, which must be one JSON value with nothing but white space around
 * it; strings must be valid UTF-8. `what` names the text in messages (a file name). At most 200
 * levels deep and less than 2^32 - 1 bytes. 0, or QW_EFORMAT or QW_ENOMEM; then there is nothing
 * to free. */
int  json_parse(struct json *j, const char *text, size_t size, const char *what, qw_error *err);
void json_free(struct json *j);

/* To walk an array:   for (uint32_t i = arr + 1; i < json_end(j, arr); i = json_next(j, i))
 * and an object:      for (uint32_t k = obj + 1; k < json_end(j, obj); k = json_next(j, k + 1))
 * where k is the key and k + 1 its value. */
static inline uint32_t json_end(const struct json *j, uint32_t node) {
    return j->nodes[node].next;
}
static inline uint32_t json_next(const struct json *j, uint32_t node) {
    return j->nodes[node].next;
}
static inline enum json_type json_type(const struct json *j, uint32_t node) {
    return (enum json_type)j->nodes[node].type;
}

/* The value of a key, or 0 (the root is no key's value) if obj is not an object or has no such
 * key. Of repeated keys the last counts. */
uint32_t json_get(const struct json *j, uint32_t obj, const char *key);

/* Is the node a string with this value? */
bool json_is(const struct json *j, uint32_t node, const char *string);
/* Appends a string's value, escapes resolved. */
void json_string(const struct json *j, uint32_t node, struct buf *out);
/* False: not a number. */
bool json_double(const struct json *j, uint32_t node, double *out);
/* False: not a number, not whole, or beyond 2^53. */
bool json_int(const struct json *j, uint32_t node, int64_t *out);

/* Appends a quoted JSON string with the value p[0..n), which must be UTF-8; as Python's
 * json.dumps(x, ensure_ascii=False) writes it. */
void json_quote(struct buf *out, const char *p, size_t n);

#endif
