/* json.h - a JSON text (RFC 8259) as a flat array of nodes that point into the text.
 *
 *   {"a": [1, "x"]}   ->  0 object len 1 next 5 | 1 string "a" next 2 | 2 array len 2 next 5 | 3 number | 4 string
 *
 * A container is followed by its children; node.next is the index behind its whole subtree. In an object keys and values
 * alternate. The text must outlive the nodes. */
#ifndef QW_JSON_H
#define QW_JSON_H
#include "base/error.h"
#include "base/buf.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
    uint32_t pos, len;      /* scalars: bytes of the text (strings without the quotes); containers: len = elements or pairs */
    uint32_t next;          /* index of the node behind this one and all below it */
    uint8_t type, escaped;  /* escaped: the string holds backslashes, so its text is not yet its value */
};

struct json { const char *text; struct json_node *nodes; uint32_t n; };

/* Parse size bytes of text, which must be one JSON value with nothing but white space around it; strings must be valid UTF-8.
 * `what` names the text in messages (a file name). At most 200 levels deep, 2^32-1 bytes. 0, or QW_EFORMAT or QW_ENOMEM. */
int  json_parse(struct json *j, const char *text, size_t size, const char *what, qw_error *err);
void json_free(struct json *j);

/* Walking:  for (uint32_t i = json_first(j, arr); i < json_end(j, arr); i = json_next(j, i))   [objects: key i, value i + 1] */
static inline uint32_t json_end(const struct json *j, uint32_t node) { return j->nodes[node].next; }
static inline uint32_t json_next(const struct json *j, uint32_t node) { return j->nodes[node].next; }
static inline enum json_type json_type(const struct json *j, uint32_t node) { return (enum json_type)j->nodes[node].type; }

/* The value of a key, or 0 (the root is nobody's value) if obj is no object or has no such key. Of equal keys the last counts. */
uint32_t json_get(const struct json *j, uint32_t obj, const char *key);

bool json_is(const struct json *j, uint32_t node, const char *string);       /* a string with this value */
void json_string(const struct json *j, uint32_t node, struct buf *out);      /* append a string's value, escapes resolved */
bool json_double(const struct json *j, uint32_t node, double *out);          /* false: not a number */
bool json_int(const struct json *j, uint32_t node, int64_t *out);            /* false: not a number, not whole, or outside int64 */

/* Append a quoted JSON string with the value p[0..n), which must be UTF-8; as Python's json.dumps(x, ensure_ascii=False). */
void json_quote(struct buf *out, const char *p, size_t n);

#endif
