/* config.c - config.json and generation_config.json of a dense Qwen3 checkpoint, checked. */
#include "model/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/listed.h"
#include "model/fields.h"
#include "model/rope.h"

void config_add_eos(struct config *c, int64_t id) {
    if (id < 0 || id > INT32_MAX) return;
    for (int i = 0; i < c->n_eos; i++)
        if (c->eos[i] == id) return;
    if (c->n_eos < MAX_EOS) c->eos[c->n_eos++] = (int32_t)id;
    else c->eos_dropped = true;
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

/* The value of a key, or 0 if it is absent, null or an empty object. */
static uint32_t get_filled(const struct doc *s, const char *key) {
    uint32_t v = get(s, 0, key);
    return v && json_type(s->j, v) == JSON_OBJECT && s->j->nodes[v].len == 0 ? 0 : v;
}

/* Attention that is not the usual one: the newer keys. transformers 5.2 knows is_causal; only
 * vLLM knows the other, which is meant for contexts of a million. */
static int check_attention(const struct doc *s) {
    bool causal;
    int rc = get_bool(s, 0, "is_causal", true, &causal);
    if (rc) return rc;
    if (!causal)
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: is_causal is false; attention in both directions is not supported",
                    s->path);
    if (get_filled(s, "dual_chunk_attention_config"))
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: dual_chunk_attention_config: dual chunk attention is not supported",
                    s->path);
    return 0;
}

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
    if ((v = get(s, 0, "hidden_act")) != 0 && !json_is(s->j, v, "silu"))
        return fail(s->err, QW_EUNSUPPORTED, "%s: hidden_act '%.*s'; only 'silu' is supported",
                    s->path, shown_n(s, v), shown(s, v));
    if ((v = get(s, 0, "attention_bias")) != 0 && json_type(s->j, v) != JSON_FALSE)
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: attention_bias: projections with a bias are not supported", s->path);
    return check_attention(s);
}

/* What the config says of quantised weights; weights_bind sees whether they are. MLX names no
 * method: it has a key of its own, or sizes alone. */
static void read_quantisation(struct config *c, const struct doc *s) {
    uint32_t mlx = get_filled(s, "quantization"), v = get_filled(s, "quantization_config");
    const char *is = mlx ? "MLX" : "of no known method";
    if (!mlx && !v) return;
    uint32_t method = v ? get(s, v, "quant_method") : 0;
    if (v && get(s, v, "bits") && get(s, v, "group_size")) is = "MLX";
    if (method && json_type(s->j, method) == JSON_STRING)
        snprintf(c->quantised, sizeof c->quantised, "%.*s", shown_n(s, method), shown(s, method));
    else snprintf(c->quantised, sizeof c->quantised, "%s", is);
}

/* Where the weights are, if config.json says so (transformers 5.5): only the usual names, and of
 * both only the one that is read. */
static int check_weight_file(const struct doc *s, const struct model_files *files) {
    const char *single = "model.safetensors", *index = "model.safetensors.index.json";
    uint32_t v = get(s, 0, "transformers_weights");
    if (!v || json_is(s->j, v, single)) return 0;
    if (!json_is(s->j, v, index))
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: transformers_weights '%.*s'; only %s and its index are read", s->path,
                    shown_n(s, v), shown(s, v), single);
    if (!model_file_exists(files, single)) return 0;
    return fail(s->err, QW_EUNSUPPORTED,
                "%s: transformers_weights is %s, but %s beside it would be read: move that away",
                s->path, index, single);
}

/* layer_types, if given, decides alone. Otherwise, as in transformers' Qwen3Config, there is a
 * window from layer max_window_layers on with use_sliding_window, unless sliding_window is null. */
static int check_layer_types(const struct config *c, const struct doc *s, uint32_t types) {
    if (json_type(s->j, types) != JSON_ARRAY)
        return fail(s->err, QW_EFORMAT, "%s: layer_types is not a list", s->path);
    for (uint32_t k = types + 1; k < json_end(s->j, types); k = json_next(s->j, k))
        if (!json_is(s->j, k, "full_attention"))
            return fail(s->err, QW_EUNSUPPORTED,
                        "%s: layer_types holds '%.*s'; only 'full_attention' is supported", s->path,
                        shown_n(s, k), shown(s, k));
    if (s->j->nodes[types].len == (uint32_t)c->n_layer) return 0;
    return fail(s->err, QW_EFORMAT, "%s: layer_types has %u entries for %d layers", s->path,
                (unsigned)s->j->nodes[types].len, c->n_layer);
}

static int check_sliding_window(const struct config *c, const struct doc *s) {
    uint32_t types = get(s, 0, "layer_types");
    int full, rc;
    bool use;
    if (types) return check_layer_types(c, s, types);
    if ((rc = get_bool(s, 0, "use_sliding_window", false, &use)) != 0 ||
        (rc = get_int(s, 0, "max_window_layers", 28, 0, 1000000, &full)) != 0)
        return rc;
    if (use && !is_null(s, 0, "sliding_window") && full < c->n_layer)
        return fail(s->err, QW_EUNSUPPORTED,
                    "%s: use_sliding_window: sliding-window attention is not supported", s->path);
    return 0;
}

/* Heads, with the defaults of transformers' Qwen3Config: 32 key/value heads if the key is absent,
 * as many as query heads if it is null. What head_dim null stands for has changed: 5.5 refuses
 * it. */
static int read_heads(struct config *c, const struct doc *s) {
    int rc = get_int(s, 0, "num_attention_heads", 0, 1, 1024, &c->n_head);
    if (rc) return rc;
    int default_kv = is_null(s, 0, "num_key_value_heads") ? c->n_head : 32;
    if (is_null(s, 0, "head_dim"))
        return fail(s->err, QW_EFORMAT, "%s: head_dim is null, not a number", s->path);
    if ((rc = get_int(s, 0, "num_key_value_heads", default_kv, 1, 1024, &c->n_head_kv)) != 0 ||
        (rc = get_int(s, 0, "head_dim", 128, 2, MAX_HEAD_DIM, &c->head_dim)) != 0)
        return rc;
    if (c->n_head % c->n_head_kv != 0)
        return fail(s->err, QW_EFORMAT, "%s: %d query heads cannot share %d key/value heads evenly",
                    s->path, c->n_head, c->n_head_kv);
    if (c->head_dim % 2 != 0)
        return fail(s->err, QW_EFORMAT, "%s: head_dim %d is odd", s->path, c->head_dim);
    return 0;
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
        (rc = read_heads(c, s)) != 0 ||
        (rc = get_int(s, 0, "vocab_size", 0, 1, 1 << 22, &c->n_vocab)) != 0 ||
        (rc = get_int(s, 0, "max_position_embeddings", 32768, 1, MAX_CONTEXT,
                      &c->n_ctx_max)) != 0 ||
        (rc = get_double(s, 0, "rms_norm_eps", 1e-6, 1e-12, 1, &c->rms_norm_eps)) != 0 ||
        (rc = get_bool(s, 0, "tie_word_embeddings", false, &c->tied)) != 0 ||
        (rc = check_sliding_window(c, s)) != 0 ||
        (rc = rope_read(c, s)) != 0 ||
        (rc = read_eos(c, s)) != 0)
        return rc;
    read_quantisation(c, s);
    return 0;
}

/* An adapter (PEFT) whose files lie beside the model's would change its answers. */
static void warn_of_adapter(const struct model_files *files, struct warnings *warnings) {
    static const char *const names[] = {"adapter_config.json", "adapter_model.safetensors",
                                        "adapter_model.bin"};
    struct listed found = {.n = 0};
    for (int i = 0; i < 3; i++)
        if (model_file_exists(files, names[i])) list_name(&found, names[i], strlen(names[i]));
    if (found.n > 0)
        add_warning(warnings, "%s: the adapter beside the model (%s) is not applied", files->dir,
                    list_text(&found));
}

int config_read(struct config *c, const struct model_files *files, struct warnings *warnings,
                qw_error *err) {
    struct file f;
    struct json j;
    char *path;
    *c = (struct config){0};
    warn_of_adapter(files, warnings);
    int rc = model_file_read(files, "config.json", &f, &path, err);
    if (!rc && !f.data) rc = fail(err, QW_EIO, "%s is missing", path);
    if (!rc && (rc = json_parse(&j, (const char *)f.data, (size_t)f.size, path, err)) == 0) {
        const struct doc doc = {&j, path, warnings, err};
        rc = read_config(c, &doc);
        if (!rc) rc = check_weight_file(&doc, files);
        json_free(&j);
    }
    file_close(&f);
    free(path);
    if (!rc) rc = generation_read(&c->gen, files, warnings, err);
    if (rc) return rc;
    generation_compare_eos(&c->gen, c->eos, c->n_eos, files->dir, warnings);
    for (int i = 0; i < c->gen.n_eos; i++) config_add_eos(c, c->gen.eos[i]);
    if (c->eos_dropped || c->gen.eos_dropped)
        add_warning(warnings, "%s: more than %d end tokens: the others do not end an answer",
                    files->dir, MAX_EOS);
    return 0;
}

void config_free(struct config *c) { generation_free(&c->gen); }
