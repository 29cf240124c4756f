/* fields.h - the fields of a model's small JSON files, with messages that name them. */
#ifndef QW_FIELDS_H
#define QW_FIELDS_H
#include "base/json.h"
#include "base/warnings.h"

/* A parsed file, and what names it in messages. */
struct doc {
    const struct json *j;
    const char *path;
    struct warnings *warnings;
    qw_error *err;
};

/* The value of a key of an object (0: the root), or 0 if it is absent or null. */
uint32_t get(const struct doc *s, uint32_t obj, const char *key);
/* Is the key there, and null? */
bool is_null(const struct doc *s, uint32_t obj, const char *key);

/* The value of a key, lo to hi; `fallback` if it is absent or null. QW_EFORMAT if it is of another
 * type or out of range; get_int also if it is absent and the fallback below lo. */
int get_int(const struct doc *s, uint32_t obj, const char *key, int64_t fallback, int64_t lo,
            int64_t hi, int *out);
int get_double(const struct doc *s, uint32_t obj, const char *key, double fallback, double lo,
               double hi, double *out);
int get_bool(const struct doc *s, uint32_t obj, const char *key, bool fallback, bool *out);

/* A node for a message: its source text ("%.*s", shown_n, shown), cut to a readable length. */
int shown_n(const struct doc *s, uint32_t v);
const char *shown(const struct doc *s, uint32_t v);

#endif
