/* packed_description.c - what a packed file says about itself. */
#include "model/packed_description.h"
#include <stdio.h>
#include "base/json.h"
#include "model/formats/format.h"

bool is_packed_file(const struct checkpoint *c) {
    return checkpoint_find(c, PACKED_DESCRIPTION) != NULL;
}

static int read_fields(struct packed_description *d, const struct json *j, const char *path,
                       qw_error *err) {
    uint32_t type = json_get(j, 0, "weight_type"), stored = json_get(j, 0, "stored_type");
    uint32_t version = json_get(j, 0, "version"), rows = json_get(j, 0, "n_vocab");
    int64_t n;
    if (!version || !json_int(j, version, &n))
        return fail(err, QW_EFORMAT,
                    "%s: the version of the packed format is missing or not a number", path);
    if (n != PACKED_VERSION)
        return fail(err, QW_EUNSUPPORTED,
                    "%s: packed format version %lld; this program reads version %d", path,
                    (long long)n, PACKED_VERSION);
    if (!type || (!json_is(j, type, "q8") && !json_is(j, type, "q4")))
        return fail(err, QW_EFORMAT, "%s: the packed format's weight_type is neither q8 nor q4",
                    path);
    if (!rows || !json_int(j, rows, &n) || n < 1 || n > MAX_VOCAB)
        return fail(err, QW_EFORMAT, "%s: the packed format's n_vocab is missing or out of range",
                    path);
    d->type = json_is(j, type, "q8") ? PACKED_Q8 : PACKED_Q4;
    d->n_vocab = (int)n;
    d->stored_type = "mixed";
    char dtype[16];
    if (stored && json_type(j, stored) == JSON_STRING) {
        snprintf(dtype, sizeof dtype, "%.*s", (int)j->nodes[stored].len,
                 j->text + j->nodes[stored].pos);
        const struct format *f = format_of(dtype);
        if (f) d->stored_type = f->dtype;
    }
    return 0;
}

int packed_describe(struct packed_description *out, const struct checkpoint *c, qw_error *err) {
    const struct tensor *t = checkpoint_find(c, PACKED_DESCRIPTION);
    *out = (struct packed_description){.type = NOT_PACKED};
    if (!t) return 0;
    const char *path = c->paths[t->file];
    struct json j;
    char what[512];
    snprintf(what, sizeof what, "%.480s (" PACKED_DESCRIPTION ")", path);
    int rc = json_parse(&j, (const char *)t->data, (size_t)t->size, what, err);
    if (rc) return rc;
    rc = read_fields(out, &j, path, err);
    json_free(&j);
    return rc;
}
