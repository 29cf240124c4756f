/* tokenizer_load.c - checks the files of a tokenizer and makes the tables of tokenizer_impl.h from
 * them.
 *
 *   {"added_tokens": [{"id": 5, "content": "<think>", "lstrip": false, ...}, ...],
 *    "normalizer": NFC,
 *    "pre_tokenizer": Split by SPLIT_PATTERN, then ByteLevel,
 *    "decoder": ByteLevel,
 *    "model": {"type": "BPE", "ignore_merges": false, "vocab": {"a": 64, ...},
 *              "merges": [["t", "h"], ...] or ["t h", ...]}}
 *
 * Not read: post_processor, truncation and padding, which concern whole inputs, not the tokens of a
 * text. Without a tokenizer.json the vocabulary is in vocab.json, the merges are in merges.txt, and
 * the rest is as above. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/file.h"
#include "text/pretokenize.h"
#include "text/tokenizer_loader.h"

enum { MAX_FILE = 1 << 29 };

/* ---- the parts around the model ---- */

static bool is_false(const struct json *j, uint32_t obj, const char *key) {
    uint32_t v = json_get(j, obj, key);
    return v && json_type(j, v) == JSON_FALSE;
}

/* `name`.type must be `type`. */
static int check_type(const struct loader *l, const struct source *s, uint32_t node,
                      const char *name, const char *type) {
    char full[64];
    bool object = node && json_type(&s->j, node) == JSON_OBJECT;
    uint32_t v = object ? json_get(&s->j, node, "type") : 0;
    if (v && json_is(&s->j, v, type)) return 0;
    snprintf(full, sizeof full, "%s%s", name, object ? ".type" : "");
    return fail_unsupported(l, s, full, object ? v : node, type);
}

/* `name` must be a list of n parts. */
static int check_parts(const struct loader *l, const struct source *s, uint32_t list,
                       const char *name, uint32_t n, const char *wanted) {
    const struct json *j = &s->j;
    struct some_names types = {.n = 0};
    if (list == 0 || json_type(j, list) != JSON_ARRAY)
        return fail_unsupported(l, s, name, list, wanted);
    if (j->nodes[list].len == n) return 0;
    for (uint32_t k = list + 1; k < json_end(j, list); k = json_next(j, k)) {
        char shown[SHOWN];
        const char *type = show_value(j, json_get(j, k, "type"), shown);
        add_to_names(&types, type, strlen(type), "");
    }
    return fail(l->err, QW_EUNSUPPORTED, "%s: %s is a list of %s; only %s is supported", s->name,
                name, types.n ? end_names(&types) : "nothing", wanted);
}

static int check_normalizer(const struct loader *l, const struct source *s) {
    const struct json *j = &s->j;
    uint32_t node = json_get(j, 0, "normalizer"), type = json_get(j, node, "type");
    uint32_t list = json_get(j, node, "normalizers");
    if (!type || !json_is(j, type, "Sequence")) return check_type(l, s, node, "normalizer", "NFC");
    int rc = check_parts(l, s, list, "normalizer.normalizers", 1, "one of NFC");
    return rc ? rc : check_type(l, s, list + 1, "normalizer.normalizers[0]", "NFC");
}

static int check_pre_tokenizer(const struct loader *l, const struct source *s) {
    const struct json *j = &s->j;
    uint32_t node = json_get(j, 0, "pre_tokenizer"), list, split, level, v;
    int rc = check_type(l, s, node, "pre_tokenizer", "Sequence");
    if (rc) return rc;
    list = json_get(j, node, "pretokenizers");
    rc = check_parts(l, s, list, "pre_tokenizer.pretokenizers", 2, "one of Split and ByteLevel");
    if (rc) return rc;
    split = list + 1;
    level = json_next(j, split);
    rc = check_type(l, s, split, "pre_tokenizer.pretokenizers[0]", "Split");
    if (!rc) rc = check_type(l, s, level, "pre_tokenizer.pretokenizers[1]", "ByteLevel");
    if (rc) return rc;
    v = json_get(j, split, "pattern");
    v = v ? json_get(j, v, "Regex") : 0;
    if (v == 0 || !json_is(j, v, SPLIT_PATTERN))
        return fail_unsupported(l, s, "the pre_tokenizer's splitting pattern", v,
                                "that of Qwen2 and Qwen3");
    v = json_get(j, split, "behavior");
    if (v == 0 || !json_is(j, v, "Isolated"))
        return fail_unsupported(l, s, "the pre_tokenizer's Split.behavior", v, "\"Isolated\"");
    if (!is_false(j, split, "invert"))
        return fail_unsupported(l, s, "the pre_tokenizer's Split.invert", 
                                json_get(j, split, "invert"), "false");
    static const char *const flags[] = {"add_prefix_space", "use_regex"};
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "the pre_tokenizer's ByteLevel.%s", flags[i]);
        if (!is_false(j, level, flags[i]))
            return fail_unsupported(l, s, name, json_get(j, level, flags[i]), "false");
    }
    return 0;
}

/* All 256 bytes are tokens of the vocabulary, so that no character is unknown: unk_token, fuse_unk
 * and byte_fallback say what happens to those, and need not be read. */
static int check_model(const struct loader *l, const struct source *s, uint32_t model) {
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const struct json *j = &s->j;
    double dropout = 1;
    int rc = check_type(l, s, model, "model", "BPE");
    if (rc) return rc;
    uint32_t v = json_get(j, model, "dropout");
    if (!is_absent(j, v) && (!json_double(j, v, &dropout) || dropout != 0))
        return fail_unsupported(l, s, "model.dropout", v, "null");
    for (int i = 0; i < 2; i++) {
        char name[64];
        v = json_get(j, model, affixes[i]);
        snprintf(name, sizeof name, "model.%s", affixes[i]);
        if (!is_absent(j, v) && !json_is(j, v, ""))
            return fail_unsupported(l, s, name, v, "an empty one");
    }
    return 0;
}

/* ---- all of it ---- */

static int finish(struct loader *l, const struct candidates *c) {
    struct tokenizer *t = l->t;
    int rc = number_added(l, c);
    if (!rc) rc = make_bytes(l);
    t->name = strdup(l->name);
    return !rc && (!t->name || t->warnings.oom) ? fail_no_memory(l) : rc;
}

/* files NULL: nothing is beside tokenizer.json. */
static int load_main(struct loader *l, struct candidates *c, const struct source *s,
                     const struct tokenizer_files *files) {
    const struct json *j = &s->j;
    if (json_type(j, 0) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: not a JSON object", s->name);
    uint32_t model = json_get(j, 0, "model");
    int rc = check_model(l, s, model);
    if (!rc) rc = check_normalizer(l, s);
    if (!rc) rc = check_pre_tokenizer(l, s);
    if (!rc) rc = check_type(l, s, json_get(j, 0, "decoder"), "decoder", "ByteLevel");
    if (rc) return rc;
    uint32_t vocab = json_get(j, model, "vocab"), merges = json_get(j, model, "merges");
    uint32_t ignore_merges = json_get(j, model, "ignore_merges");
    if (vocab == 0 || json_type(j, vocab) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: model.vocab is missing or not an object", s->name);
    if (merges == 0 || json_type(j, merges) != JSON_ARRAY)
        return fail(l->err, QW_EFORMAT, "%s: model.merges is missing or not an array", s->name);
    l->ignore_merges = ignore_merges && json_type(j, ignore_merges) == JSON_TRUE;
    rc = list_added(l, c, s, files);
    if (!rc) rc = reserve_tables(l, s, (uint64_t)j->nodes[vocab].len + c->n);
    if (!rc) rc = read_vocab(l, s, vocab);
    if (!rc) rc = read_merges(l, s, merges);
    return rc ? rc : finish(l, c);
}

/* vocab.json and merges.txt: the vocabulary is all of the JSON. */
static int load_slow(struct loader *l, struct candidates *c, const struct source *s,
                     const struct tokenizer_files *files) {
    if (json_type(&s->j, 0) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: not a JSON object", s->name);
    int rc = list_added(l, c, NULL, files);
    if (!rc) rc = reserve_tables(l, s, (uint64_t)s->j.nodes[0].len + c->n);
    if (!rc) rc = read_vocab(l, s, 0);
    if (!rc) rc = read_merges_text(l, &files->merges);
    return rc ? rc : finish(l, c);
}

static int load(struct tokenizer **out, const struct tokenizer_file *main,
                const struct tokenizer_files *files, qw_error *err) {
    const bool slow = files && !files->tokenizer.data;
    struct source s = {.name = main->name, .size = main->size};
    struct loader l = {.name = s.name, .size = s.size, .err = err};
    struct candidates c = {.n = 0};
    *out = NULL;
    int rc = json_parse(&s.j, main->data, main->size, s.name, err);
    if (rc) return rc;
    l.t = alloc_zero(1, sizeof *l.t);
    if (!l.t) rc = fail_no_memory(&l);
    else rc = slow ? load_slow(&l, &c, &s, files) : load_main(&l, &c, &s, files);
    json_free(&s.j);
    buf_free(&l.text);
    free(c.list);
    free(l.entries);
    free(l.slots);
    free(l.owner);
    free(l.added_at);
    if (rc) tokenizer_close(l.t);
    else *out = l.t;
    return rc;
}

int tokenizer_load(struct tokenizer **out, const struct tokenizer_files *f, qw_error *err) {
    *out = NULL;
    if (!f->tokenizer.data && !(f->vocab.data && f->merges.data))
        return fail(err, QW_EIO, "%s is missing; it holds the tokenizer", f->tokenizer.name);
    return load(out, f->tokenizer.data ? &f->tokenizer : &f->vocab, f, err);
}

int tokenizer_parse(struct tokenizer **out, const char *json, size_t size, const char *what,
                    qw_error *err) {
    const struct tokenizer_file f = {.name = what, .data = json, .size = size};
    return load(out, &f, NULL, err);
}

int tokenizer_open(struct tokenizer **out, const char *path, qw_error *err) {
    struct file f;
    *out = NULL;
    int rc = read_file(&f, path, MAX_FILE, err);
    if (rc) return rc;
    rc = tokenizer_parse(out, (const char *)f.data, (size_t)f.size, path, err);
    file_close(&f);
    return rc;
}
