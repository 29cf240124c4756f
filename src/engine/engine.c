/* engine.c - models and sessions, the ground floor of qw.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "engine/engine.h"

/* ---- model ---- */

/* tokenizer_config.json's eos_token, a string or {"content": string}, counts as an end token, too. */
static int add_tokenizer_eos(struct qw_model *m, const struct companions *files, qw_error *err) {
    struct file f;
    struct json j;
    char *path;
    int rc = companion_read(files, "tokenizer_config.json", &f, &path, err);
    if (!rc && f.data && (rc = json_parse(&j, (const char *)f.data, (size_t)f.size, path, err)) == 0) {
        uint32_t v = json_get(&j, 0, "eos_token");
        if (v && json_type(&j, v) == JSON_OBJECT) v = json_get(&j, v, "content");
        if (v && json_type(&j, v) == JSON_STRING) {
            struct buf b = {0};
            json_string(&j, v, &b);
            buf_char(&b, 0);
            if (b.oom) rc = fail_memory(err, path, f.size);
            else config_add_eos(&m->config, tokenizer_added(m->tokenizer, b.p));
            buf_free(&b);
        }
        json_free(&j);
    }
    file_close(&f);
    free(path);
    return rc;
}

int detect_template(enum chat_template *out, const struct companions *files, qw_error *err) {
    static const char *const names[] = {"chat_template.jinja", "tokenizer_config.json"};
    for (int i = 0; i < 2; i++) {
        struct file f;
        char *path;
        qw_error inner = {0, ""};
        int rc = companion_read(files, names[i], &f, &path, err);        /* its message has the path */
        bool found = rc != 0 || f.data != NULL;
        if (rc == 0 && found) {
            rc = i == 0 ? template_detect(out, (const char *)f.data, (size_t)f.size, &inner)
                        : template_detect_config(out, (const char *)f.data, (size_t)f.size, &inner);
            if (rc) fail(err, rc, "%s: %s", path, inner.message);
        }
        file_close(&f);
        free(path);
        if (found) return rc;
    }
    return fail(err, QW_EUNSUPPORTED, "%s: there is no chat template (neither chat_template.jinja nor tokenizer_config.json)", files->dir);
}

/* Tokenizer and template may be missing or unknown until somebody needs them; then the reason is told. A broken file is an error. */
static int load_text_side(struct qw_model *m, const struct companions *files, qw_error *err) {
    struct file f;
    char *path;
    int rc = companion_read(files, "tokenizer.json", &f, &path, err);
    if (!rc && !f.data) fail(&m->tokenizer_error, QW_EIO, "%s is missing; it holds the tokenizer", path);
    else if (!rc && (rc = tokenizer_parse(&m->tokenizer, (const char *)f.data, (size_t)f.size, path, err)) == 0)
        rc = add_tokenizer_eos(m, files, err);
    file_close(&f);
    free(path);
    if (rc) return rc;
    rc = detect_template(&m->chat_template, files, &m->template_error);
    if (rc == 0) m->has_template = true;
    else if (rc != QW_EUNSUPPORTED && rc != QW_EIO) { if (err) *err = m->template_error; return rc; }
    return 0;
}

/* "auto" keeps small models as they are, and takes the better type that leaves a quarter of the free memory to the cache. */
static int choose_type(const struct qw_model *m, const char *name, enum weight_type *out, qw_error *err) {
    bool by_itself = !name || strcmp(name, "auto") == 0;
    if (name && strcmp(name, "stored") == 0) { *out = m->weights.type; return 0; }
    int rc = by_itself ? 0 : weight_type_from_name(out, name, err);
    if (rc) return rc;
    if (is_packed(m->weights.type)) {
        if (!by_itself && *out != m->weights.type)
            return fail(err, QW_EARG, "%s holds weights packed as %s; it cannot be used as %s", m->path, weight_type_name(m->weights.type), name);
        *out = m->weights.type;
    } else if (by_itself) {
        uint64_t free_now = available_memory(""), q8 = packed_size(&m->weights, WEIGHT_Q8);
        *out = m->weights.n_params < 100000000 ? WEIGHT_BF16 : free_now == 0 || q8 <= free_now / 4 * 3 ? WEIGHT_Q8 : WEIGHT_Q4;
    }
    return 0;
}

/* Quantise the weights unless they are used as they lie in the file. */
static int prepare_weights(struct qw_model *m, const qw_load_params *p, qw_error *err) {
    enum weight_type type = WEIGHT_BF16;
    int rc = choose_type(m, p->weight_type, &type, err);
    if (rc || type == m->weights.type) return rc;
    uint64_t size = packed_size(&m->weights, type), free_now = available_memory("");
    if (free_now && size > free_now)
        return fail(err, QW_ENOMEM, "the weights take %" PRIu64 " MiB as %s; %" PRIu64 " MiB are available", size >> 20, weight_type_name(type), free_now >> 20);
    return weights_pack(&m->weights, type, m->kernels, m->pool, p->progress, p->user, err);
}

int qw_weight_memory(const qw_model *m, const char *weight_type, const char **chosen, uint64_t *bytes, qw_error *err) {
    enum weight_type type = WEIGHT_BF16;
    int rc = choose_type(m, weight_type, &type, err);
    *chosen = weight_type_name(type);
    *bytes = type == m->weights.type ? m->weights.bytes : packed_size(&m->weights, type);
    return rc;
}

const char *qw_cpu_levels(char *out, size_t size) {
    struct level levels[MAX_LEVELS];
    int n = cpu_levels(levels);
    size_t used = 0;
    if (size) out[0] = 0;
    for (int i = 0; i < n && used < size; i++)
        if (levels[i].usable) used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", levels[i].kernels->name);
    return out;
}

void qw_find_cpus(qw_cpus *out) {
    struct cpu_mask allowed;
    struct cpus c;
    cpus_allowed(&allowed);
    cpus_find(&c, &allowed, "");
    *out = (qw_cpus){.n_usable = c.n_usable, .n_fast = c.n_fast, .n_threads = c.n_threads};
    mask_print(out->usable, sizeof out->usable, &c.usable);
    mask_print(out->fast, sizeof out->fast, &c.fast);
}

int qw_use_cpus(const char *list, qw_error *err) {
    struct cpu_mask m;
    int rc = mask_parse(&m, list, err);
    return rc ? rc : cpus_use(&m, err);
}

static int start_threads(struct qw_model *m, const qw_load_params *p, qw_error *err) {
    struct cpu_mask allowed;
    struct cpus c;
    cpus_allowed(&allowed);
    cpus_find(&c, &allowed, "");
    m->n_threads = p->n_threads ? p->n_threads : c.n_threads;
    m->n_threads_batch = p->n_threads_batch ? p->n_threads_batch : m->n_threads;
    int least = m->n_threads < m->n_threads_batch ? m->n_threads : m->n_threads_batch;
    int most = m->n_threads < m->n_threads_batch ? m->n_threads_batch : m->n_threads;
    int rc = pool_new(&m->pool, least < 1 ? least : most, c.at_once, err);
    if (!rc) pool_use(m->pool, m->n_threads_batch);
    return rc;
}

static void fill_info(struct qw_model *m) {
    const struct config *c = &m->config;
    m->info = (qw_model_info){
        .path = m->path, .stored_type = m->weights.stored_type, .weight_type = weight_type_name(m->weights.type),
        .n_layer = c->n_layer, .n_embd = c->n_embd, .n_ff = c->n_ff, .n_head = c->n_head, .n_head_kv = c->n_head_kv, .head_dim = c->head_dim,
        .n_vocab = m->weights.n_vocab, .n_ctx_max = c->n_ctx_max,
        .rope_theta = c->rope_theta, .yarn_factor = c->yarn.factor, .rms_norm_eps = c->rms_norm_eps,
        .tied = m->weights.head.data == m->weights.embd.data, .n_eos = c->n_eos, .eos = c->eos,
        .n_params = m->weights.n_params, .weight_bytes = m->weights.bytes,
        .n_files = m->checkpoint.n_files, .files = (const char *const *)m->checkpoint.paths,
        .chat_template = m->has_template ? template_name(m->chat_template) : NULL,
        .chat_template_error = m->has_template ? NULL : m->template_error.message,
        .has_tokenizer = m->tokenizer != NULL, .tokenizer_error = m->tokenizer ? NULL : m->tokenizer_error.message,
        .n_threads = m->n_threads, .n_threads_batch = m->n_threads_batch, .kernels = m->kernels->name,
    };
}

/* config.json comes first: it says best what a directory is. In a packed file it is inside. */
static int open_files(struct qw_model *m, const char *path, struct companions *files, qw_error *err) {
    if (path_kind(path) == PATH_FILE) {
        int rc = checkpoint_open(&m->checkpoint, path, err);
        if (!rc) rc = companions_of(files, path, &m->checkpoint, err);
        return rc ? rc : config_read(&m->config, files, err);
    }
    int rc = companions_of(files, path, NULL, err);
    if (!rc) rc = config_read(&m->config, files, err);
    return rc ? rc : checkpoint_open(&m->checkpoint, path, err);
}

int qw_load(qw_model **out, const char *path, const qw_load_params *params, qw_error *err) {
    *out = NULL;
    const qw_load_params none = {0}, *p = params ? params : &none;
    struct companions files = {0};
    if (path_kind(path) == PATH_MISSING) return fail(err, QW_EIO, "%s: no such file or directory", path);
    size_t len = strlen(path);
    if (path_kind(path) == PATH_FILE && (len < 12 || strcmp(path + len - 12, ".safetensors") != 0))
        return fail(err, QW_EFORMAT, "%s is neither a model directory nor a .safetensors file", path);
    struct qw_model *m = alloc_zero(1, sizeof *m);
    if (!m) return fail_memory(err, "the model", sizeof *m);
    m->path = strdup(path);
    int rc = m->path ? 0 : fail_memory(err, "a path", len);
    if (!rc) rc = cpu_choose(&m->kernels, p->cpu, err);
    if (!rc) rc = open_files(m, path, &files, err);
    if (!rc) rc = weights_bind(&m->weights, &m->checkpoint, &m->config, err);
    if (!rc) rc = load_text_side(m, &files, err);
    if (!rc) rc = start_threads(m, p, err);
    if (!rc) rc = prepare_weights(m, p, err);
    companions_close(&files);
    if (rc) { qw_free(m); return rc; }
    fill_info(m);
    *out = m;
    return 0;
}

void qw_free(qw_model *m) {
    if (!m) return;
    pool_free(m->pool);
    tokenizer_close(m->tokenizer);
    weights_free(&m->weights);
    checkpoint_close(&m->checkpoint);
    free(m->path);
    free(m);
}

const qw_model_info *qw_info(const qw_model *m) { return &m->info; }
const qw_tokenizer *qw_model_tokenizer(const qw_model *m) { return (const qw_tokenizer *)m->tokenizer; }

/* generation_config.json as it stands, but: without it, or where it holds the pair published for thinking (0.6, 0.95), direct answers
 * of a hybrid model take the pair published for them (Qwen3's model card, "Best Practices"). */
qw_sampling qw_default_sampling(const qw_model *m, int thinking) {
    const struct config *c = &m->config;
    qw_sampling s = {.temperature = (float)c->gen.temperature, .top_k = c->gen.top_k, .top_p = (float)c->gen.top_p,
                     .min_p = (float)c->gen.min_p, .repetition_penalty = (float)c->gen.repetition_penalty};
    if (!c->gen.do_sample) s.temperature = 0;
    else if (!thinking && c->gen.temperature == 0.6 && c->gen.top_p == 0.95) {
        s.temperature = 0.7f;
        s.top_p = 0.8f;
    }
    return s;
}

/* ---- session ---- */

struct qw_session {
    struct qw_model *m;
    struct decoder *decoder;
    struct sampler *sampler;
    int n_ctx, n_batch;
    enum kv_type kv;
    int (*progress)(void *user, size_t done, size_t all);
    void *user;
    int32_t *tokens;            /* [n_ctx] */
    size_t n_tokens;            /* of which the cache holds the first n_cached */
    size_t n_cached;
    size_t drawn;               /* tokens from here on were drawn since the last feed */
    size_t pass_first;          /* the last forward pass: tokens pass_first .. n_cached */
    float *logits;              /* [n_vocab] */
};

enum { DEFAULT_CONTEXT = 4096, DEFAULT_BATCH = 64 };

static const char *const kv_names[N_KV_TYPES] = {[KV_F32] = "f32", [KV_F16] = "f16", [KV_Q8] = "q8"};

static int session_size(const struct qw_model *m, const qw_session_params *p, int *n_ctx, int *n_batch, enum kv_type *kv, qw_error *err) {
    *n_ctx = p && p->n_ctx ? p->n_ctx : m->config.n_ctx_max < DEFAULT_CONTEXT ? m->config.n_ctx_max : DEFAULT_CONTEXT;
    *n_batch = p && p->n_batch ? p->n_batch : DEFAULT_BATCH;
    if (*n_batch > *n_ctx && *n_ctx > 0) *n_batch = *n_ctx;
    *kv = is_packed(m->weights.type) ? KV_Q8 : KV_F32;
    if (!p || !p->kv_type) return 0;
    for (int i = 0; i < N_KV_TYPES; i++)
        if (strcmp(p->kv_type, kv_names[i]) == 0) { *kv = (enum kv_type)i; return 0; }
    return fail(err, QW_EARG, "KV cache type '%s' is unknown; there are f32, f16 and q8", p->kv_type);
}

int qw_session_memory(const qw_model *m, const qw_session_params *params, uint64_t *cache, uint64_t *scratch, qw_error *err) {
    int n_ctx, n_batch;
    enum kv_type kv;
    int rc = session_size(m, params, &n_ctx, &n_batch, &kv, err);
    return rc ? rc : decoder_memory(&m->config, kv, n_ctx, n_batch, cache, scratch, err);
}

/* Refuse what cannot fit before any of it is touched; say what would. */
static int check_fits(const struct qw_session *s, qw_error *err) {
    uint64_t cache, scratch, free_now = available_memory("");
    int n_ctx = s->n_ctx, rc = decoder_memory(&s->m->config, s->kv, n_ctx, s->n_batch, &cache, &scratch, err);
    if (rc || free_now == 0 || cache + scratch <= free_now) return rc;
    uint64_t fits = free_now > scratch ? (free_now - scratch) / (cache / (uint64_t)n_ctx + 1) : 0;
    return fail(err, QW_ENOMEM, "a context of %d positions takes %" PRIu64 " MiB of cache and %" PRIu64 " MiB of scratch; %" PRIu64 " MiB are available: "
                "at most about %" PRIu64 " positions fit (-c)", n_ctx, cache >> 20, scratch >> 20, free_now >> 20, fits);
}

int qw_session_new(qw_session **out, qw_model *m, const qw_session_params *params, qw_error *err) {
    *out = NULL;
    struct qw_session *s = alloc_zero(1, sizeof *s);
    if (!s) return fail_memory(err, "the session", sizeof *s);
    s->m = m;
    int rc = session_size(m, params, &s->n_ctx, &s->n_batch, &s->kv, err);
    if (params) { s->progress = params->progress; s->user = params->user; }
    if (!rc) rc = check_fits(s, err);
    if (!rc) rc = decoder_new(&s->decoder, &m->config, &m->weights, m->kernels, m->pool, s->kv, s->n_ctx, s->n_batch, err);
    if (!rc) {
        qw_sampling sampling = qw_default_sampling(m, 1);
        rc = sampler_new(&s->sampler, &sampling, m->weights.n_vocab, err);
    }
    if (!rc) {
        s->tokens = alloc_zero((uint64_t)s->n_ctx, sizeof *s->tokens);
        s->logits = alloc_zero((uint64_t)m->weights.n_vocab, sizeof *s->logits);
        if (!s->tokens || !s->logits) rc = fail_memory(err, "the session", (uint64_t)m->weights.n_vocab * sizeof *s->logits);
    }
    if (rc) { qw_session_free(s); return rc; }
    *out = s;
    return 0;
}

void qw_session_free(qw_session *s) {
    if (!s) return;
    decoder_free(s->decoder);
    sampler_free(s->sampler);
    free(s->tokens);
    free(s->logits);
    free(s);
}

int qw_session_set_sampling(qw_session *s, const qw_sampling *sampling, qw_error *err) {
    struct sampler *fresh;
    int rc = sampler_new(&fresh, sampling, s->m->weights.n_vocab, err);
    if (rc) return rc;
    sampler_free(s->sampler);
    s->sampler = fresh;
    return 0;
}

/* Run what is not in the cache yet, batch by batch. */
static int catch_up(struct qw_session *s, qw_error *err) {
    size_t start = s->n_cached;
    while (s->n_cached < s->n_tokens) {
        size_t n = s->n_tokens - s->n_cached;
        if (n > (size_t)s->n_batch) n = (size_t)s->n_batch;
        pool_use(s->m->pool, n == 1 ? s->m->n_threads : s->m->n_threads_batch);
        decoder_forward(s->decoder, s->tokens + s->n_cached, (int)n, (int)s->n_cached);
        s->pass_first = s->n_cached;
        s->n_cached += n;
        if (s->progress && s->n_cached < s->n_tokens && s->progress(s->user, s->n_cached - start, s->n_tokens - start)) {
            s->n_tokens = s->drawn = s->n_cached;
            return fail(err, QW_ECANCEL, "stopped after %zu tokens of the prompt", s->n_cached - start);
        }
    }
    return 0;
}

int qw_feed(qw_session *s, const int32_t *ids, size_t n, qw_error *err) {
    if (n > (size_t)s->n_ctx - s->n_tokens)
        return fail(err, QW_ECONTEXT, "%zu tokens on top of %zu do not fit in the context of %d positions", n, s->n_tokens, s->n_ctx);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= s->m->weights.n_vocab)
            return fail(err, QW_EARG, "token id %" PRId32 " (number %zu); the vocabulary has 0 to %d", ids[i], i, s->m->weights.n_vocab - 1);
    if (n) memcpy(s->tokens + s->n_tokens, ids, n * sizeof *ids);
    s->n_tokens += n;
    s->drawn = s->n_tokens;
    return catch_up(s, err);
}

int qw_next(qw_session *s, int32_t *id, qw_error *err) {
    if (s->n_tokens == 0) return fail(err, QW_EARG, "no tokens yet: there is nothing to continue");
    if (s->n_tokens == (size_t)s->n_ctx) return fail(err, QW_ECONTEXT, "the context of %d positions is full", s->n_ctx);
    if (s->n_cached == s->n_tokens && s->pass_first == s->n_cached) s->n_cached--;       /* after a rewind: the last token once more */
    int rc = catch_up(s, err);
    if (!rc) rc = decoder_logits(s->decoder, (int)(s->n_cached - 1 - s->pass_first), 1, s->logits, err);
    if (rc) return rc;
    *id = sampler_draw(s->sampler, s->logits, s->tokens, s->n_tokens, s->drawn);
    for (int i = 0; i < s->m->config.n_eos; i++) if (s->m->config.eos[i] == *id) return 0;
    s->tokens[s->n_tokens++] = *id;
    return 1;
}

int qw_rewind(qw_session *s, size_t n, qw_error *err) {
    if (n > s->n_tokens) return fail(err, QW_EARG, "cannot keep %zu of %zu tokens", n, s->n_tokens);
    s->n_tokens = n;
    if (s->n_cached > n) s->n_cached = s->pass_first = n;       /* the last pass is void */
    if (s->drawn > n) s->drawn = n;
    return 0;
}

const struct qw_model *qw_session_model(const qw_session *s) { return s->m; }
size_t qw_n_tokens(const qw_session *s) { return s->n_tokens; }
const int32_t *qw_tokens(const qw_session *s) { return s->tokens; }
int qw_n_ctx(const qw_session *s) { return s->n_ctx; }
const char *qw_kv_type(const qw_session *s) { return kv_names[s->kv]; }

uint64_t qw_bytes_per_token(const qw_session *s, uint64_t positions) {
    const struct weights *w = &s->m->weights;
    const struct matrix *e = &w->embd;
    uint64_t cache = 0, scratch, bytes = w->bytes;
    if (w->head.data != e->data) bytes -= matrix_size(e->type, e->rows, e->cols) - matrix_size(e->type, 1, e->cols);
    decoder_memory(&s->m->config, s->kv, s->m->config.n_ctx_max, 1, &cache, &scratch, NULL);
    return bytes + cache / (uint64_t)s->m->config.n_ctx_max * positions;
}

int qw_logits(qw_session *s, size_t first, size_t count, float *out, qw_error *err) {
    if (first < s->pass_first || first > s->n_cached || count > s->n_cached - first)
        return fail(err, QW_EARG, "positions %zu to %zu are not in the last pass, which was %zu to %zu", first, first + count, s->pass_first, s->n_cached);
    return decoder_logits(s->decoder, (int)(first - s->pass_first), (int)count, out, err);
}
