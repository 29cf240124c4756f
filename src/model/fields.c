/* fields.c - the fields of a model's small JSON files, with messages that name them. */
#include "model/fields.h"
#include "base/error.h"

uint32_t get(const struct doc *s, uint32_t obj, const char *key) {
    uint32_t v = obj || json_type(s->j, 0) == JSON_OBJECT ? json_get(s->j, obj, key) : 0;
    return v && json_type(s->j, v) != JSON_NULL ? v : 0;
}

bool is_null(const struct doc *s, uint32_t obj, const char *key) {
    uint32_t v = json_get(s->j, obj, key);
    return v && json_type(s->j, v) == JSON_NULL;
}

int get_int(const struct doc *s, uint32_t obj, const char *key, int64_t fallback, int64_t lo,
            int64_t hi, int *out) {
    uint32_t v = get(s, obj, key);
    int64_t n = fallback;
    if (!v && fallback < lo) return fail(s->err, QW_EFORMAT, "%s: %s is missing", s->path, key);
    if (v && !json_int(s->j, v, &n))
        return fail(s->err, QW_EFORMAT, "%s: %s is not a whole number", s->path, key);
    if (n < lo || n > hi)
        return fail(s->err, QW_EFORMAT, "%s: %s is %lld, out of range (%lld to %lld)", s->path, key,
                    (long long)n, (long long)lo, (long long)hi);
    *out = (int)n;
    return 0;
}

int get_double(const struct doc *s, uint32_t obj, const char *key, double fallback, double lo,
               double hi, double *out) {
    uint32_t v = get(s, obj, key);
    *out = fallback;
    if (v && !json_double(s->j, v, out))
        return fail(s->err, QW_EFORMAT, "%s: %s is not a number", s->path, key);
    if (!(*out >= lo && *out <= hi))
        return fail(s->err, QW_EFORMAT, "%s: %s is %g, out of range (%g to %g)", s->path, key, *out,
                    lo, hi);
    return 0;
}

int get_bool(const struct doc *s, uint32_t obj, const char *key, bool fallback, bool *out) {
    uint32_t v = get(s, obj, key);
    *out = fallback;
    if (v && json_type(s->j, v) != JSON_TRUE && json_type(s->j, v) != JSON_FALSE)
        return fail(s->err, QW_EFORMAT, "%s: %s is neither true nor false", s->path, key);
    if (v) *out = json_type(s->j, v) == JSON_TRUE;
    return 0;
}

int shown_n(const struct doc *s, uint32_t v) {
    return s->j->nodes[v].len > 60 ? 60 : (int)s->j->nodes[v].len;
}

const char *shown(const struct doc *s, uint32_t v) {
    return s->j->text + s->j->nodes[v].pos;
}
