/* tokenizer_added.c - the added tokens that the files of a tokenizer list, in the order in which
 * transformers takes them (transformers' "Merging added tokens").
 *
 *   tokenizer.json            added_tokens
 *   tokenizer_config.json     added_tokens_decoder; only without it:
 *   added_tokens.json         {"<x>": 151669, ...}, and once more those of tokenizer.json
 *   tokenizer_config.json     eos_token, ... and additional_special_tokens; where it has no
 *   special_tokens_map.json   added_tokens_decoder, this one has the last word */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "text/tokenizer_loader.h"

const struct flag_name flag_names[N_FLAGS] = {
    {"single_word", ADDED_SINGLE_WORD}, {"lstrip", ADDED_LSTRIP},
    {"rstrip", ADDED_RSTRIP},           {"normalized", ADDED_NORMALIZED},
    {"special", ADDED_SPECIAL},
};

/* ---- lists of tokens ---- */

static int add_candidate(struct loader *l, struct candidates *c, struct candidate x) {
    if (l->text.oom) return fail_no_memory(l);
    if (c->n == c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 64;
        struct candidate *more = realloc(c->list, cap * sizeof *more);
        if (!more) return fail_no_memory(l);
        c->list = more;
        c->cap = cap;
    }
    c->list[c->n++] = x;
    return 0;
}

/* Appends a string's value to the texts. */
static struct candidate new_candidate(struct loader *l, const struct json *j, uint32_t string,
                                      enum origin origin) {
    struct candidate x = {.pos = (uint32_t)l->text.n, .id = -1, .origin = (uint8_t)origin};
    json_string(j, string, &l->text);
    x.len = (uint32_t)l->text.n - x.pos;
    return x;
}

/* The flags of a token's object. In tokenizer.json all must be there; elsewhere those that are not
 * are false, but that tokens are normalized unless they are special. */
static int read_flags(struct loader *l, const struct source *s, uint32_t node, bool all,
                      uint8_t *flags) {
    const struct json *j = &s->j;
    bool said = false;
    *flags = 0;
    for (int i = 0; i < N_FLAGS; i++) {
        char a[SHOWN], b[SHOWN];
        uint32_t v = json_get(j, node, flag_names[i].name);
        if (v && json_type(j, v) == JSON_TRUE) *flags |= flag_names[i].flag;
        else if ((!v && all) || (v && json_type(j, v) != JSON_FALSE))
            return fail(l->err, QW_EFORMAT, "%s: added token %s: %s is %s, not true or false",
                        s->name, show_value(j, json_get(j, node, "content"), a),
                        flag_names[i].name, show_value(j, v, b));
        said = said || (v && flag_names[i].flag == ADDED_NORMALIZED);
    }
    if (!said && !(*flags & ADDED_SPECIAL)) *flags |= ADDED_NORMALIZED;
    return 0;
}

/* A token as {"content": ..., flags}, which the file calls `what`; its id is for the caller. In
 * tokenizer.json all flags must be there. */
static int read_object(struct loader *l, const struct source *s, const char *what, uint32_t node,
                       enum origin origin, struct candidate *out) {
    uint32_t content = json_get(&s->j, node, "content");
    uint8_t flags;
    if (content == 0 || json_type(&s->j, content) != JSON_STRING)
        return fail(l->err, QW_EFORMAT, "%s: %s has no content", s->name, what);
    int rc = read_flags(l, s, node, origin == FROM_MAIN, &flags);
    *out = new_candidate(l, &s->j, content, origin);
    out->flags = flags;
    return rc;
}

static int list_main(struct loader *l, struct candidates *c, const struct source *s) {
    const struct json *j = &s->j;
    uint32_t list = json_get(j, 0, "added_tokens");
    int rc = 0;
    if (is_absent(j, list)) return 0;
    if (json_type(j, list) != JSON_ARRAY)
        return fail(l->err, QW_EFORMAT, "%s: added_tokens is not an array", s->name);
    for (uint32_t k = list + 1; !rc && k < json_end(j, list); k = json_next(j, k)) {
        struct candidate x;
        char what[32], a[SHOWN], b[SHOWN];
        uint32_t id = json_get(j, k, "id");
        snprintf(what, sizeof what, "added_tokens[%" PRIu32 "]", c->n);
        rc = read_object(l, s, what, k, FROM_MAIN, &x);
        if (!rc && (!id || !json_int(j, id, &x.id) || x.id < 0))
            rc = fail(l->err, QW_EFORMAT, "%s: the id of added token %s is %s", s->name,
                      show_value(j, json_get(j, k, "content"), a), show_value(j, id, b));
        if (!rc) rc = add_candidate(l, c, x);
    }
    return rc;
}

/* The number that a key of added_tokens_decoder is. */
static bool read_id(const struct json *j, uint32_t key, int64_t *id) {
    const struct json_node *v = &j->nodes[key];
    *id = 0;
    if (v->len == 0 || v->len > 9) return false;
    for (uint32_t i = 0; i < v->len; i++) {
        char digit = j->text[v->pos + i];
        if (digit < '0' || digit > '9') return false;
        *id = *id * 10 + (digit - '0');
    }
    return true;
}

static int list_decoder(struct loader *l, struct candidates *c, const struct source *s,
                        uint32_t decoder) {
    const struct json *j = &s->j;
    int rc = 0;
    if (json_type(j, decoder) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: added_tokens_decoder is not an object", s->name);
    for (uint32_t k = decoder + 1; !rc && k < json_end(j, decoder); k = json_next(j, k + 1)) {
        struct candidate x;
        char what[64], shown[SHOWN];
        int64_t id;
        if (!read_id(j, k, &id))
            return fail(l->err, QW_EFORMAT, "%s: added_tokens_decoder: %s is no id", s->name,
                        show_value(j, k, shown));
        snprintf(what, sizeof what, "token %" PRId64 " of added_tokens_decoder", id);
        rc = read_object(l, s, what, k + 1, FROM_CONFIG, &x);
        x.id = id;
        if (!rc) rc = add_candidate(l, c, x);
    }
    return rc;
}

/* {"<x>": 151669, ...} */
static int list_added_json(struct loader *l, struct candidates *c, const struct source *s) {
    const struct json *j = &s->j;
    int rc = 0;
    if (json_type(j, 0) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: not a JSON object", s->name);
    for (uint32_t k = 1; !rc && k < json_end(j, 0); k = json_next(j, k + 1)) {
        struct candidate x = new_candidate(l, j, k, FROM_ADDED);
        char a[SHOWN], b[SHOWN];
        x.flags = ADDED_NORMALIZED;         /* unless it turns out to be a special one */
        if (!json_int(j, k + 1, &x.id) || x.id < 0)
            return fail(l->err, QW_EFORMAT, "%s: the id of added token %s is %s", s->name,
                        show_value(j, k, a), show_value(j, k + 1, b));
        rc = add_candidate(l, c, x);
    }
    return rc;
}

static int by_id(const void *pa, const void *pb) {
    const struct candidate *a = pa, *b = pb;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    return (a->pos > b->pos) - (a->pos < b->pos);
}

/* Sorts list[first..n) by id; of those with one id only the last read stays. */
static void sort_by_id(struct candidates *c, uint32_t first) {
    uint32_t n = first;
    if (c->n - first < 2) return;
    qsort(c->list + first, c->n - first, sizeof *c->list, by_id);
    for (uint32_t i = first; i < c->n; i++) {
        if (i + 1 < c->n && c->list[i].id == c->list[i + 1].id) continue;
        c->list[n++] = c->list[i];
    }
    c->n = n;
}

/* Without an added_tokens_decoder: those of added_tokens.json, then those of tokenizer.json, which
 * come later: their texts are copied. */
static int list_without_decoder(struct loader *l, struct candidates *c,
                                const struct source *added) {
    const uint32_t n = c->n;
    int rc = added ? list_added_json(l, c, added) : 0;
    for (uint32_t i = 0; !rc && i < n; i++) {
        struct candidate x = c->list[i];
        x.pos = (uint32_t)l->text.n;
        if (!buf_reserve(&l->text, x.len)) return fail_no_memory(l);
        buf_put(&l->text, l->text.p + c->list[i].pos, x.len);
        rc = add_candidate(l, c, x);
    }
    return rc;
}

/* Beside an added_tokens_decoder added_tokens.json does not count: its texts, to be compared. */
static int list_unused(struct loader *l, struct candidates *c, const struct source *added) {
    const struct json *j = &added->j;
    int rc = 0;
    if (json_type(j, 0) != JSON_OBJECT) return 0;
    for (uint32_t k = 1; !rc && k < json_end(j, 0); k = json_next(j, k + 1))
        rc = add_candidate(l, c, new_candidate(l, j, k, FROM_ADDED));
    return rc;
}

/* ---- named special tokens ---- */

/* A text, or an object with flags; the file calls it `what`. */
static int list_named(struct loader *l, struct candidates *c, const struct source *s,
                      const char *what, uint32_t node, enum origin origin) {
    struct candidate x;
    int rc = 0;
    if (is_absent(&s->j, node)) return 0;
    if (json_type(&s->j, node) == JSON_STRING) {
        x = new_candidate(l, &s->j, node, origin);
        x.flags = ADDED_SPECIAL | NAMED;
    } else {
        rc = read_object(l, s, what, node, origin, &x);
        x.flags |= ADDED_SPECIAL | NAMED | WITH_FLAGS;
    }
    return rc ? rc : add_candidate(l, c, x);
}

/* A list of tokens, or an object with a name for each (transformers 5's extra_special_tokens). */
static int list_more_named(struct loader *l, struct candidates *c, const struct source *s,
                           const char *key, enum origin origin) {
    const struct json *j = &s->j;
    uint32_t list = json_get(j, 0, key);
    int rc = 0;
    if (is_absent(j, list)) return 0;
    if (json_type(j, list) != JSON_ARRAY && json_type(j, list) != JSON_OBJECT)
        return fail(l->err, QW_EFORMAT, "%s: %s is not a list", s->name, key);
    const uint32_t value = json_type(j, list) == JSON_OBJECT;       /* one after its key */
    char what[48];
    snprintf(what, sizeof what, "a token of %s", key);
    for (uint32_t k = list + 1; !rc && k < json_end(j, list); k = json_next(j, k + value))
        rc = list_named(l, c, s, what, k + value, origin);
    return rc;
}

/* The class that AutoTokenizer makes of model_type qwen3 has names of its own. */
static bool is_qwen_class(const struct source *config) {
    uint32_t v = config ? json_get(&config->j, 0, "tokenizer_class") : 0;
    return v == 0 || is_absent(&config->j, v) || json_is(&config->j, v, "Qwen2Tokenizer") ||
           json_is(&config->j, v, "Qwen2TokenizerFast");
}

static int list_all_named(struct loader *l, struct candidates *c, const struct source *config,
                          const struct source *map) {
    static const struct { const char *key; bool usual; } names[] = {
        {"bos_token", false}, {"eos_token", true},  {"unk_token", true},  {"sep_token", false},
        {"pad_token", true},  {"cls_token", false}, {"mask_token", false},
    };
    static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};
    static const char usual[] = "<|endoftext|>";
    const bool is_qwen = is_qwen_class(config);
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++) {
        uint32_t here = config ? json_get(&config->j, 0, names[i].key) : 0;
        uint32_t there = map ? json_get(&map->j, 0, names[i].key) : 0;
        if (there) rc = list_named(l, c, map, names[i].key, there, FROM_SPECIAL_MAP);
        else if (here) rc = list_named(l, c, config, names[i].key, here, FROM_CONFIG);
        else if (names[i].usual && is_qwen) {
            struct candidate x = {.pos = (uint32_t)l->text.n, .len = sizeof usual - 1, .id = -1,
                                  .flags = ADDED_SPECIAL | NAMED, .origin = FROM_CLASS};
            buf_str(&l->text, usual);
            rc = add_candidate(l, c, x);
        }
    }
    for (size_t i = 0; !rc && i < sizeof lists / sizeof *lists; i++) {
        if (config) rc = list_more_named(l, c, config, lists[i], FROM_CONFIG);
        if (!rc && map) rc = list_more_named(l, c, map, lists[i], FROM_SPECIAL_MAP);
    }
    return rc;
}

/* ---- all files ---- */

/* *out is s, or NULL if there is no such file. */
static int open_source(struct loader *l, const struct tokenizer_file *f, struct source *s,
                       const struct source **out) {
    *out = NULL;
    *s = (struct source){.name = f->name, .size = f->size};
    if (!f->data) return 0;
    int rc = json_parse(&s->j, f->data, f->size, f->name, l->err);
    if (!rc) *out = s;
    return rc;
}

static int list_beside(struct loader *l, struct candidates *c, const struct source *config,
                       const struct source *map, const struct source *added) {
    uint32_t decoder = config ? json_get(&config->j, 0, "added_tokens_decoder") : 0;
    const uint32_t first = c->n;
    uint32_t split = config ? json_get(&config->j, 0, "split_special_tokens") : 0;
    l->t->split_special = split && json_type(&config->j, split) == JSON_TRUE;
    c->has_decoder = decoder && !is_absent(&config->j, decoder);
    int rc = c->has_decoder ? list_decoder(l, c, config, decoder)
                            : list_without_decoder(l, c, added);
    if (rc) return rc;
    c->is_listed = c->n > first;
    sort_by_id(c, first);
    rc = list_all_named(l, c, config, c->has_decoder ? NULL : map);
    c->n_used = c->n;
    if (!rc && c->has_decoder && added) rc = list_unused(l, c, added);
    return rc;
}

int list_added(struct loader *l, struct candidates *c, const struct source *main,
               const struct tokenizer_files *files) {
    struct source sources[3] = {{0}};
    const struct source *config, *map = NULL, *added = NULL;
    c->names[FROM_MAIN] = main ? main->name : NULL;
    c->names[FROM_CONFIG] = files ? files->config.name : NULL;
    c->names[FROM_SPECIAL_MAP] = files ? files->special_map.name : NULL;
    c->names[FROM_ADDED] = files ? files->added.name : NULL;
    c->names[FROM_CLASS] = "transformers' class Qwen2Tokenizer";
    int rc = main ? list_main(l, c, main) : 0;
    c->n_base = c->n_used = c->n;
    if (rc || !files) return rc;
    rc = open_source(l, &files->config, &sources[0], &config);
    if (!rc) rc = open_source(l, &files->special_map, &sources[1], &map);
    if (!rc) rc = open_source(l, &files->added, &sources[2], &added);
    if (!rc) rc = list_beside(l, c, config, map, added);
    for (int i = 0; i < 3; i++) json_free(&sources[i].j);
    return rc;
}
