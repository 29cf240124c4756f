/* tokenizer_files.c - a tokenizer from the files of a model. */
#include "engine/tokenizer_files.h"
#include <stdlib.h>

/* A file that is open while the tokenizer is made. */
struct open_file { struct file f; char *path; };

static int open_one(struct open_file *o, struct tokenizer_file *out, const char *name,
                    const struct model_files *files, qw_error *err) {
    int rc = model_file_read(files, name, &o->f, &o->path, err);
    *out = (struct tokenizer_file){o->path, (const char *)o->f.data, (size_t)o->f.size};
    return rc;
}

int model_tokenizer(struct tokenizer **out, const struct model_files *files, bool *missing,
                    qw_error *err) {
    struct tokenizer_files t = {.tokenizer = {.name = NULL}};
    struct open_file open[6] = {{.path = NULL}};
    *out = NULL;
    *missing = false;
    int rc = open_one(&open[0], &t.tokenizer, "tokenizer.json", files, err);
    if (!rc && !t.tokenizer.data) {
        rc = open_one(&open[1], &t.vocab, "vocab.json", files, err);
        if (!rc) rc = open_one(&open[2], &t.merges, "merges.txt", files, err);
    }
    if (!rc) rc = open_one(&open[3], &t.config, "tokenizer_config.json", files, err);
    if (!rc) rc = open_one(&open[4], &t.special_map, "special_tokens_map.json", files, err);
    if (!rc) rc = open_one(&open[5], &t.added, "added_tokens.json", files, err);
    if (!rc) {
        *missing = !t.tokenizer.data && !(t.vocab.data && t.merges.data);
        rc = tokenizer_load(out, &t, err);
    }
    for (int i = 0; i < 6; i++) {
        file_close(&open[i].f);
        free(open[i].path);
    }
    return rc;
}
