/* generation.c - generation_config.json: how answers are to be drawn, and where they end.
 *
 * Rules and defaults are transformers' (GenerationConfig), but no value is an error: one that is
 * out of range counts as off. presence_penalty and frequency_penalty are vLLM's. */
#include "model/generation.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/listed.h"

/* ---- what is said of the file ---- */

/* The file, and those of its settings that a warning names: one for each kind. */
struct settings {
    const struct json *j;
    struct listed wrong, ignored, idle;
};

/* "top_k -1": the value only where it is short. */
static void mention(struct listed *l, const struct json *j, const char *key, uint32_t v) {
    const struct json_node *node = &j->nodes[v];
    const bool is_short = node->type <= JSON_NUMBER && node->len < 24;
    char text[80];
    int n = snprintf(text, sizeof text, "%s%s%.*s", key, is_short ? " " : "",
                     is_short ? (int)node->len : 0, j->text + node->pos);
    list_name(l, text, (size_t)n);
}

static void warn_of(struct listed *l, struct warnings *w, const char *path, const char *what) {
    if (l->n) add_warning(w, "%s: %s: %s", path, what, list_text(l));
}

/* ---- values ---- */

static uint32_t get(const struct settings *d, const char *key) {
    uint32_t v = json_get(d->j, 0, key);
    return v && json_type(d->j, v) != JSON_NULL ? v : 0;         /* null counts as absent */
}

static double get_double(struct settings *d, const char *key, double fallback, double off,
                         double lo, double hi) {
    uint32_t v = get(d, key);
    double x;
    if (!v) return fallback;
    if (json_double(d->j, v, &x) && x >= lo && x <= hi) return x;
    mention(&d->wrong, d->j, key, v);
    return off;
}

/* 0 is off; what is more than an int holds counts as the most. */
static int get_count(struct settings *d, const char *key, int fallback, int lo) {
    uint32_t v = get(d, key);
    int64_t n;
    if (!v) return fallback;
    if (json_int(d->j, v, &n) && n >= lo) return n > INT32_MAX ? INT32_MAX : (int)n;
    mention(&d->wrong, d->j, key, v);
    return 0;
}

static bool get_bool(struct settings *d, const char *key) {
    uint32_t v = get(d, key);
    if (!v) return false;
    if (json_type(d->j, v) != JSON_TRUE && json_type(d->j, v) != JSON_FALSE)
        mention(&d->wrong, d->j, key, v);
    return json_type(d->j, v) == JSON_TRUE;
}

/* A token id or a list of them. */
static void get_ids(struct settings *d, const char *key, struct ids *out) {
    uint32_t v = get(d, key);
    bool right = true;
    if (!v) return;
    bool list = json_type(d->j, v) == JSON_ARRAY;
    for (uint32_t k = list ? v + 1 : v; k < json_end(d->j, v); k = json_next(d->j, k)) {
        int64_t id;
        bool is_id = json_int(d->j, k, &id) && id >= 0 && id <= INT32_MAX;
        if (is_id) ids_put(out, (int32_t)id);
        right = right && is_id;
    }
    if (!right) mention(&d->wrong, d->j, key, v);
}

static bool is_eos(const struct generation *g, int64_t id) {
    for (int i = 0; i < g->n_eos; i++)
        if (g->eos[i] == id) return true;
    return false;
}

static int read_eos(struct generation *g, struct settings *d) {
    struct ids ids = {0};
    get_ids(d, "eos_token_id", &ids);
    for (size_t i = 0; i < ids.n; i++) {
        if (is_eos(g, ids.p[i])) continue;
        if (g->n_eos < MAX_EOS) g->eos[g->n_eos++] = ids.p[i];
        else g->eos_dropped = true;
    }
    int rc = ids.oom ? QW_ENOMEM : 0;
    ids_free(&ids);
    return rc;
}

/* An entry is the list of a word's tokens. transformers drops an end token here, and refuses the
 * file for an empty list. */
static void read_bad_words(struct generation *g, struct settings *d) {
    uint32_t v = get(d, "bad_words_ids");
    bool right = true, longer = false;
    if (!v) return;
    if (json_type(d->j, v) != JSON_ARRAY) right = false;
    for (uint32_t k = v + 1; right && k < json_end(d->j, v); k = json_next(d->j, k)) {
        const struct json_node *word = &d->j->nodes[k];
        int64_t id;
        right = word->type == JSON_ARRAY && word->len > 0;
        if (!right) break;
        if (word->len > 1) longer = true;
        else if (!json_int(d->j, k + 1, &id) || id < 0 || id > INT32_MAX) right = false;
        else if (!is_eos(g, id)) ids_put(&g->suppress, (int32_t)id);
    }
    if (!right) mention(&d->wrong, d->j, "bad_words_ids", v);
    else if (longer) mention(&d->ignored, d->j, "bad_words_ids of several tokens", v);
}

/* A text to stop at: false if it is none. */
static bool add_stop(struct generation *g, const struct json *j, uint32_t v, bool *oom) {
    struct buf text = {0};
    if (json_type(j, v) != JSON_STRING || j->nodes[v].len == 0) return false;
    json_string(j, v, &text);
    bool whole = !text.oom && !memchr(text.p, 0, text.n);
    buf_char(&text, 0);
    *oom = *oom || text.oom;
    if (whole && !text.oom) g->stop[g->n_stop++] = text.p;
    else buf_free(&text);
    return whole;
}

static int read_stops(struct generation *g, struct settings *d) {
    uint32_t v = get(d, "stop_strings");
    bool right = true, oom = false;
    if (!v) return 0;
    bool list = json_type(d->j, v) == JSON_ARRAY;
    g->stop = calloc(list ? (size_t)d->j->nodes[v].len + 1 : 1, sizeof *g->stop);
    if (!g->stop) return QW_ENOMEM;
    for (uint32_t k = list ? v + 1 : v; k < json_end(d->j, v); k = json_next(d->j, k))
        right = add_stop(g, d->j, k, &oom) && right;
    if (!right) mention(&d->wrong, d->j, "stop_strings", v);
    return oom ? QW_ENOMEM : 0;
}

/* ---- settings that are not honoured ---- */

/* Does a setting change nothing: false, empty, or the number that is its default? */
static bool is_neutral(const struct json *j, uint32_t v, double neutral) {
    double x;
    switch (json_type(j, v)) {
    case JSON_NULL: case JSON_FALSE: return true;
    case JSON_NUMBER: return json_double(j, v, &x) && x == neutral;
    case JSON_ARRAY: case JSON_OBJECT: return j->nodes[v].len == 0;
    default: return false;
    }
}

/* Those that change the tokens in transformers, with the number that does not. Other keys change
 * nothing there either. */
static void find_ignored(struct settings *d) {
    static const struct { const char *key; double neutral; } keys[] = {
        {"sequence_bias", NAN}, {"no_repeat_ngram_size", 0}, {"min_length", 0},
        {"min_new_tokens", 0}, {"forced_bos_token_id", NAN}, {"forced_eos_token_id", NAN},
        {"forced_decoder_ids", NAN}, {"num_beams", 1}, {"num_beam_groups", 1},
        {"diversity_penalty", 0}, {"penalty_alpha", 0}, {"constraints", NAN},
        {"force_words_ids", NAN}, {"guidance_scale", 1}, {"encoder_repetition_penalty", 1},
        {"encoder_no_repeat_ngram_size", 0}, {"exponential_decay_length_penalty", NAN},
        {"watermarking_config", NAN}, {"dola_layers", NAN}, {"token_healing", NAN},
        {"num_return_sequences", 1}, {"max_time", NAN}, {"top_h", NAN}, {"typical_p", 1},
        {"epsilon_cutoff", 0}, {"eta_cutoff", 0},
    };
    uint32_t length = get(d, "max_length");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        uint32_t v = get(d, keys[i].key);
        if (v && !is_neutral(d->j, v, keys[i].neutral))
            mention(&d->ignored, d->j, keys[i].key, v);
    }
    /* max_new_tokens wins over it; 20 is transformers' default, which limits nothing here */
    if (length && !get(d, "max_new_tokens") && !is_neutral(d->j, length, 20))
        mention(&d->ignored, d->j, "max_length", length);
}

/* Without do_sample these do nothing. */
static void find_idle(struct settings *d) {
    static const struct { const char *key; double neutral; } keys[] = {
        {"temperature", 1}, {"top_k", 50}, {"top_p", 1}, {"min_p", 0},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        uint32_t v = get(d, keys[i].key);
        if (v && !is_neutral(d->j, v, keys[i].neutral)) mention(&d->idle, d->j, keys[i].key, v);
    }
}

/* ---- the file ---- */

static int read_settings(struct generation *g, struct settings *d) {
    g->from_file = true;
    g->do_sample = get_bool(d, "do_sample");
    g->temperature = get_double(d, "temperature", 1, 1, 0, 100);        /* 0: as if not do_sample */
    g->top_k = get_count(d, "top_k", 50, 0);
    g->top_p = get_double(d, "top_p", 1, 1, 0, 1);
    g->min_p = get_double(d, "min_p", 0, 0, 0, 1);
    g->repetition_penalty = get_double(d, "repetition_penalty", 1, 1, 1e-3, 1e3);
    g->presence_penalty = get_double(d, "presence_penalty", 0, 0, -100, 100);
    g->frequency_penalty = get_double(d, "frequency_penalty", 0, 0, -100, 100);
    g->max_new_tokens = get_count(d, "max_new_tokens", 0, 1);
    int rc = read_eos(g, d);
    if (!rc) rc = read_stops(g, d);
    if (rc) return rc;
    get_ids(d, "suppress_tokens", &g->suppress);
    get_ids(d, "begin_suppress_tokens", &g->begin_suppress);
    read_bad_words(g, d);
    return g->suppress.oom || g->begin_suppress.oom ? QW_ENOMEM : 0;
}

int generation_parse(struct generation *g, const char *text, size_t n, const char *path,
                     struct warnings *w, qw_error *err) {
    struct json j;
    *g = (struct generation){0};
    int rc = json_parse(&j, text, n, path, err);
    if (rc) return rc;
    struct settings d = {.j = &j};
    if (json_type(&j, 0) != JSON_OBJECT) {
        json_free(&j);
        return fail(err, QW_EFORMAT, "%s: not a JSON object", path);
    }
    rc = read_settings(g, &d);
    if (!g->do_sample) find_idle(&d);
    find_ignored(&d);
    warn_of(&d.wrong, w, path, "out of range or of the wrong type, so off");
    warn_of(&d.idle, w, path, "without do_sample the likeliest token is taken, whatever these say");
    warn_of(&d.ignored, w, path, "not honoured");
    json_free(&j);
    return rc ? fail_memory(err, path, n) : 0;
}

/* As generation_config.json of the official hybrid models has it. */
static const struct generation without_file = {
    .do_sample = true, .temperature = 0.6, .top_p = 0.95, .top_k = 20, .repetition_penalty = 1,
};

int generation_read(struct generation *g, const struct model_files *files, struct warnings *w,
                    qw_error *err) {
    struct file f;
    char *path;
    *g = without_file;
    int rc = model_file_read(files, "generation_config.json", &f, &path, err);
    if (!rc && f.data)
        rc = generation_parse(g, (const char *)f.data, (size_t)f.size, path, w, err);
    file_close(&f);
    free(path);
    return rc;
}

void generation_free(struct generation *g) {
    for (int i = 0; i < g->n_stop; i++) free(g->stop[i]);
    free(g->stop);
    ids_free(&g->suppress);
    ids_free(&g->begin_suppress);
    *g = (struct generation){0};
}

void generation_compare_eos(const struct generation *g, const int32_t *eos, int n,
                            const char *model, struct warnings *w) {
    struct listed unnamed = {.n = 0};
    for (int i = 0; i < n && g->from_file; i++) {
        char id[16];
        if (!is_eos(g, eos[i])) list_name(&unnamed, id, (size_t)sprintf(id, "%d", eos[i]));
    }
    if (unnamed.n)
        add_warning(w, "%s: answers end at token %s of config.json, too, which "
                    "generation_config.json does not name: unlike in transformers",
                    model, list_text(&unnamed));
}

static int by_id(const void *a, const void *b) {
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void keep_ids(struct ids *ids, int n_vocab) {
    size_t n = 0;
    if (ids->n) qsort(ids->p, ids->n, sizeof *ids->p, by_id);
    for (size_t i = 0; i < ids->n && ids->p[i] < n_vocab; i++)
        if (n == 0 || ids->p[i] != ids->p[n - 1]) ids->p[n++] = ids->p[i];
    ids->n = n;
}

void generation_keep_ids(struct generation *g, int n_vocab) {
    keep_ids(&g->suppress, n_vocab);
    keep_ids(&g->begin_suppress, n_vocab);
}
