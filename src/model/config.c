/* config.c - config.json and generation_config.json of a dense Qwen3 checkpoint, checked. */
#include "model/config.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/exact_math.h"

#define PI 3.141592653589793

/* A parsed file, and what names it in messages. */
struct doc {
    const struct json *j;
    const char *path;
    struct warnings *warnings;
    qw_error *err;
};

static uint32_t get(const struct doc *s, uint32_t obj, const char *key) {
    uint32_t v = obj || json_type(s->j, 0) == JSON_OBJECT ? json_get(s->j, obj, key) : 0;
    return v && json_type(s->j, v) != JSON_NULL ? v : 0;         /* null counts as absent */
}

static int get_int(const struct doc *s, uint32_t obj, const char *key, int64_t fallback,
                   int64_t lo, int64_t hi, int *out) {
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

static int get_double(const struct doc *s, uint32_t obj, const char *key, double fallback,
                      double lo, double hi, double *out) {
    uint32_t v = get(s, obj, key);
    *out = fallback;
    if (v && !json_double(s->j, v, out))
        return fail(s->err, QW_EFORMAT, "%s: %s is not a number", s->path, key);
    if (!(*out >= lo && *out <= hi))
        return fail(s->err, QW_EFORMAT, "%s: %s is %g, out of range (%g to %g)", s->path, key, *out,
                    lo, hi);
    return 0;
}

static int get_bool(const struct doc *s, uint32_t obj, const char *key, bool fallback,
                    bool *out) {
    uint32_t v = get(s, obj, key);
    *out = fallback;
    if (v && json_type(s->j, v) != JSON_TRUE && json_type(s->j, v) != JSON_FALSE)
        return fail(s->err, QW_EFORMAT, "%s: %s is neither true nor false", s->path, key);
    if (v) *out = json_type(s->j, v) == JSON_TRUE;
    return 0;
}

/* A node for a message: its source text, cut to a readable length. */
static int shown_n(const struct doc *s, uint32_t v) {
    return s->j->nodes[v].len > 60 ? 60 : (int)s->j->nodes[v].len;
}
static const char *shown(const struct doc *s, uint32_t v) {
    return s->j->text + s->j->nodes[v].pos;
}

void config_add_eos(struct config *c, int64_t id) {
    if (id < 0 || id > INT32_MAX || c->n_eos == MAX_EOS) return;
    for (int i = 0; i < c->n_eos; i++)
        if (c->eos[i] == id) return;
    c->eos[c->n_eos++] = (int32_t)id;
}

static int read_eos(struct config *c, const struct doc *s) {
    uint32_t v = get(s, 0, "eos_token_id");
    int64_t id;
    if (!v) return 0;
    bool list = json_type(s->j, v) == JSON_ARRAY;
    for (uint32_t k = list ? v + 1 : v; k < json_end(s->j, v); k = json_next(s->j, k)) {
        if (!json_int(s->j, k, &id))
            return fail(s->err, QW_EFORMAT,
                        "%s: eos_token_id is neither a number nor a list of numbers", s->path);
        config_add_eos(c, id);
    }
    return 0;
}

/* ---- what is refused ---- */

static int check_architecture(struct config *c, const struct doc *s) {
    uint32_t type = get(s, 0, "model_type"), arch = get(s, 0, "architectures"), v;
    if (type && !json_is(s->j, type, "qwen3"))
        return fail(
            s->err, QW_EUNSUPPORTED,
            "%s: model_type is '%.*s'; this program runs dense Qwen3 only (model_type 'qwen3')",
            s->path, shown_n(s, type), shown(s, type));
    if (arch && json_type(s->j, arch) == JSON_ARRAY && s->j->nodes[arch].len > 0) {
        c->headless = json_is(s->j, arch + 1, "Qwen3Model");
        if (!c->headless && !json_is(s->j, arch + 1, "Qwen3ForCausalLM"))
            return fail(s->err, QW_EUNSUPPORTED,
                        "%s: architecture '%.*s'; this program runs Qwen3ForCausalLM only", s->path,
                        shown_n(s, arch + 1), shown(s, arch + 1));
    } else if (!type) {
        return fail(
            s->err, QW_EUNSUPPORTED,
            "%s: neither model_type nor architectures: not the config.json of a Qwen3 model",
            s->path);
    }
    if ((v = get(s, 0, "quantization_config")) != 0 || (v = get(s, 0, "quantization")) != 0) {
        uint32_t method = json_type(s->j, v) == JSON_OBJECT ? json_get(s->j, v, "quant_method") : 0;
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: the weights are quantised (%.*s); take the original BF16 checkpoint",
                    s->path, method ? shown_n(s, method) : 3, method ? shown(s, method) : "MLX");
    }
    if ((v = get(s, 0, "hidden_act")) != 0 && !json_is(s->j, v, "silu"))
        return fail(s->err, QW_EUNSUPPORTED, "%s: hidden_act '%.*s'; only 'silu' is supported",
                    s->path, shown_n(s, v), shown(s, v));
    if ((v = get(s, 0, "attention_bias")) != 0 && json_type(s->j, v) != JSON_FALSE)
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: attention_bias: projections with a bias are not supported", s->path);
    return 0;
}

/* Defaults as in transformers' Qwen3Config: with use_sliding_window there is a window unless
 * sliding_window is null, from layer 28 on. */
static int check_sliding_window(const struct config *c, const struct doc *s) {
    uint32_t window = json_get(s->j, 0, "sliding_window"), types = get(s, 0, "layer_types"), k;
    int full, rc;
    bool use;
    if ((rc = get_bool(s, 0, "use_sliding_window", false, &use)) != 0 ||
        (rc = get_int(s, 0, "max_window_layers", 28, 0, 1000000, &full)) != 0)
        return rc;
    if (use && (!window || json_type(s->j, window) != JSON_NULL) && full < c->n_layer)
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: use_sliding_window: sliding-window attention is not supported", s->path);
    if (types && json_type(s->j, types) == JSON_ARRAY)
        for (k = types + 1; k < json_end(s->j, types); k = json_next(s->j, k))
            if (!json_is(s->j, k, "full_attention"))
                return fail(s->err, QW_EUNSUPPORTED,
                            "%s: layer_types holds '%.*s'; only 'full_attention' is supported",
                            s->path, shown_n(s, k), shown(s, k));
    return 0;
}

/* ---- positions ---- */

static double yarn_mscale(double scale, double m) {
    return scale <= 1 ? 1 : 0.1 * m * num_log(scale) + 1;
}

/* rope_theta and rope_scaling (transformers 4), or both in rope_parameters (transformers 5). */
static int read_rope(struct config *c, const struct doc *s) {
    uint32_t params = get(s, 0, "rope_parameters"),
             scaling = params ? params : get(s, 0, "rope_scaling"), type = 0, v;
    double partial, m, m_all;
    int rc;
    if (scaling && json_type(s->j, scaling) != JSON_OBJECT)
        return fail(s->err, QW_EFORMAT, "%s: rope_scaling is not an object", s->path);
    if ((rc = get_double(s, 0, "rope_theta", 10000, 1, 1e15, &c->rope_theta)) != 0) return rc;
    if (params &&
        (rc = get_double(s, params, "rope_theta", c->rope_theta, 1, 1e15, &c->rope_theta)) != 0)
        return rc;
    if ((rc = get_double(s, params, "partial_rotary_factor", 1, 0, 1, &partial)) != 0) return rc;
    if (partial != 1)
        return fail(s->err, QW_EUNSUPPORTED, "%s: partial_rotary_factor %g is not supported",
                    s->path, partial);
    /* transformers 5 has one object for each kind of layer in models that have several */
    if (params)
        for (uint32_t k = params + 1; k < json_end(s->j, params); k = json_next(s->j, k + 1))
            if (json_type(s->j, k + 1) == JSON_OBJECT)
                return fail(
                    s->err, QW_EUNSUPPORTED,
                    "%s: rope_parameters has parts (%.*s); only one for all layers is supported",
                    s->path, shown_n(s, k), shown(s, k));
    if (scaling && !(type = get(s, scaling, "rope_type"))) type = get(s, scaling, "type");
    if (!type && scaling && !params && s->j->nodes[scaling].len > 0)
        return fail(s->err, QW_EFORMAT, "%s: rope_scaling has no rope_type", s->path);
    if (!type || json_is(s->j, type, "default")) return 0;
    if (!json_is(s->j, type, "yarn"))
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: rope_type '%.*s'; only 'default' and 'yarn' are supported", s->path,
                    shown_n(s, type), shown(s, type));
    if ((rc = get_int(s, scaling, "original_max_position_embeddings", c->n_ctx_max, 1, 1 << 24,
                      &c->yarn.n_ctx_orig)) != 0 ||
        (rc = get_double(s, scaling, "factor", (double)c->n_ctx_max / c->yarn.n_ctx_orig, 1, 1024,
                         &c->yarn.factor)) != 0 ||
        (rc = get_double(s, scaling, "beta_fast", 32, 1e-3, 1e6, &c->yarn.beta_fast)) != 0 ||
        (rc = get_double(s, scaling, "beta_slow", 1, 1e-3, 1e6, &c->yarn.beta_slow)) != 0 ||
        (rc = get_bool(s, scaling, "truncate", true, &c->yarn.truncate)) != 0 ||
        (rc = get_double(s, scaling, "mscale", 0, 0, 100, &m)) != 0 ||
        (rc = get_double(s, scaling, "mscale_all_dim", 0, 0, 100, &m_all)) != 0)
        return rc;
    if (c->rope_theta <= 1)
        return fail(s->err, QW_EFORMAT, "%s: rope_theta must be above 1 for yarn", s->path);
    double f = c->yarn.factor, by_scale = yarn_mscale(f, 1);
    if (m != 0 && m_all != 0) by_scale = yarn_mscale(f, m) / yarn_mscale(f, m_all);
    v = get(s, scaling, "attention_factor");
    if (!v) {
        c->yarn.attention_factor = by_scale;
        return 0;
    }
    return get_double(s, scaling, "attention_factor", by_scale, 1e-3, 1e3,
                      &c->yarn.attention_factor);
}

void rope_frequencies(const struct config *c, double *inv_freq, double *attention_factor) {
    int half = c->head_dim / 2;
    double dim = c->head_dim, ln_theta = num_log(c->rope_theta);
    for (int k = 0; k < half; k++) inv_freq[k] = num_exp(-2.0 * k / dim * ln_theta);
    *attention_factor = 1;
    if (c->yarn.factor == 0) return;
    double low = dim * num_log(c->yarn.n_ctx_orig / (c->yarn.beta_fast * 2 * PI)) / (2 * ln_theta);
    double high = dim * num_log(c->yarn.n_ctx_orig / (c->yarn.beta_slow * 2 * PI)) / (2 * ln_theta);
    if (c->yarn.truncate) {
        low = floor(low);
        high = ceil(high);
    }
    if (low < 0) low = 0;
    if (high > dim - 1) high = dim - 1;
    if (low == high) high += 0.001;
    for (int k = 0; k < half; k++) {
        double ramp = (k - low) / (high - low);
        if (ramp < 0) ramp = 0;
        if (ramp > 1) ramp = 1;
        inv_freq[k] = inv_freq[k] / c->yarn.factor * ramp + inv_freq[k] * (1 - ramp);
    }
    *attention_factor = c->yarn.attention_factor;
}

/* ---- the two files ---- */

static int read_config(struct config *c, const struct doc *s) {
    int rc;
    if (json_type(s->j, 0) != JSON_OBJECT)
        return fail(s->err, QW_EFORMAT, "%s: not a JSON object", s->path);
    if ((rc = check_architecture(c, s)) != 0 ||
        (rc = get_int(s, 0, "num_hidden_layers", 0, 1, 1024, &c->n_layer)) != 0 ||
        (rc = get_int(s, 0, "hidden_size", 0, 2, 1 << 18, &c->n_embd)) != 0 ||
        (rc = get_int(s, 0, "intermediate_size", 0, 1, 1 << 20, &c->n_ff)) != 0 ||
        (rc = get_int(s, 0, "num_attention_heads", 0, 1, 1024, &c->n_head)) != 0 ||
        (rc = get_int(s, 0, "num_key_value_heads", 32, 1, 1024, &c->n_head_kv)) != 0 ||
        (rc = get_int(s, 0, "head_dim", 128, 2, MAX_HEAD_DIM, &c->head_dim)) != 0 ||
        (rc = get_int(s, 0, "vocab_size", 0, 1, 1 << 22, &c->n_vocab)) != 0 ||
        (rc = get_int(s, 0, "max_position_embeddings", 32768, 1, 1 << 20, &c->n_ctx_max)) != 0 ||
        (rc = get_double(s, 0, "rms_norm_eps", 1e-6, 1e-12, 1, &c->rms_norm_eps)) != 0 ||
        (rc = get_bool(s, 0, "tie_word_embeddings", false, &c->tied)) != 0 ||
        (rc = check_sliding_window(c, s)) != 0 ||
        (rc = read_rope(c, s)) != 0 ||
        (rc = read_eos(c, s)) != 0)
        return rc;
    if (c->n_head % c->n_head_kv != 0)
        return fail(s->err, QW_EFORMAT, "%s: %d query heads cannot share %d key/value heads evenly",
                    s->path, c->n_head, c->n_head_kv);
    if (c->head_dim % 2 != 0)
        return fail(s->err, QW_EFORMAT, "%s: head_dim %d is odd", s->path, c->head_dim);
    return 0;
}

static int read_generation(struct config *c, const struct doc *s) {
    int rc;
    if (json_type(s->j, 0) != JSON_OBJECT)
        return fail(s->err, QW_EFORMAT, "%s: not a JSON object", s->path);
    if ((rc = get_bool(s, 0, "do_sample", false, &c->gen.do_sample)) != 0 ||
        (rc = get_double(s, 0, "temperature", 1, 0, 100, &c->gen.temperature)) != 0 ||
        (rc = get_double(s, 0, "top_p", 1, 0, 1, &c->gen.top_p)) != 0 ||
        (rc = get_double(s, 0, "min_p", 0, 0, 1, &c->gen.min_p)) != 0 ||
        (rc = get_double(s, 0, "repetition_penalty", 1, 1e-3, 1e3, &c->gen.repetition_penalty)) ||
        (rc = get_int(s, 0, "top_k", 50, 0, INT32_MAX, &c->gen.top_k)) != 0)
        return rc;
    return read_eos(c, s);
}

static int read_json(struct config *c, const struct model_files *files, const char *name,
                     bool required, int (*reader)(struct config *, const struct doc *),
                     struct warnings *warnings, qw_error *err) {
    struct file f;
    struct json j;
    char *path;
    int rc = model_file_read(files, name, &f, &path, err);
    if (!rc && !f.data && required) rc = fail(err, QW_EIO, "%s is missing", path);
    if (!rc && f.data &&
        (rc = json_parse(&j, (const char *)f.data, (size_t)f.size, path, err)) == 0) {
        rc = reader(c, &(struct doc){&j, path, warnings, err});
        json_free(&j);
    }
    file_close(&f);
    free(path);
    return rc;
}

int config_read(struct config *c, const struct model_files *files, struct warnings *warnings,
                qw_error *err) {
    *c = (struct config){0};
    c->gen.do_sample = true;
    c->gen.temperature = 0.6;
    c->gen.top_p = 0.95;
    c->gen.top_k = 20;
    c->gen.repetition_penalty = 1;
    int rc = read_json(c, files, "config.json", true, read_config, warnings, err);
    if (rc) return rc;
    return read_json(c, files, "generation_config.json", false, read_generation, warnings, err);
}
