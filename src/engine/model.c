/* model.c - models: loaded, described, freed. */
#include "engine/model.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/file.h"
#include "engine/kv_cache.h"
#include "model/packing.h"
#include "model/weight_files.h"
#include "model/recognise.h"
#include "sys/memory.h"
#include "sys/topology.h"

/* ---- the type of the weights ---- */

/* The type that a name stands for, with this model and a cache of n_ctx_plan positions. */
static int choose_type(const struct qw_model *m, const char *name, int n_ctx_plan,
                       enum packed_type *out, qw_error *err) {
    const enum packed_type now = m->weights.type;
    const bool is_auto = !name || strcmp(name, "auto") == 0;
    *out = now;
    if (name && strcmp(name, "stored") == 0) return 0;
    int rc = is_auto ? 0 : weight_type_from_name(out, name, err);
    if (rc) return rc;
    if (is_auto && now == NOT_PACKED) {
        int plan = planned_context(&m->config, n_ctx_plan);
        uint64_t cache = kv_cache_size(&m->config, KV_Q8, plan);
        *out = auto_type(&m->weights, cache, available_memory(""));
    }
    if (now != NOT_PACKED && *out != now)
        return fail(err, QW_EARG, "%s holds weights packed as %s; it cannot be used as %s", m->path,
                    weight_type_name(now), name);
    return 0;
}

/* Convert the weights to the type in which they are used. */
static int prepare_weights(struct qw_model *m, const qw_load_params *p, qw_error *err) {
    struct weights *w = &m->weights;
    struct packer packer = {
        .kernels = m->kernels, .pool = m->batch_pool, .progress = p->progress, .user = p->user,
    };
    int rc = choose_type(m, p->weight_type, p->n_ctx_plan, &packer.type, err);
    if (rc) return rc;
    const bool pack = packer.type != w->type;
    uint64_t size = pack ? weights_packed_size(w, packer.type) : weights_widened_size(w);
    uint64_t free_now = size ? available_memory("") : 0;
    if (free_now && size > free_now)
        return fail(err, QW_ENOMEM,
                    "the weights take %" PRIu64 " MB as %s; %" PRIu64 " MB are available",
                    size / 1000000, weight_type_name(packer.type), free_now / 1000000);
    return pack ? weights_pack(w, &packer, err) : weights_widen(w, &packer, err);
}

int qw_weight_memory(const qw_model *m, const char *weight_type, const char **chosen,
                     uint64_t *bytes, qw_error *err) {
    enum packed_type type;
    int rc = choose_type(m, weight_type, 0, &type, err);
    *chosen = weight_type_name(type);
    *bytes = type == m->weights.type ? m->weights.bytes : weights_packed_size(&m->weights, type);
    return rc;
}

/* ---- threads and description ---- */

/* Kept on the fast cores if those are enough for n threads. */
static int start_pool(struct pool **out, int n, const struct cpus *c, qw_error *err) {
    const bool narrow = n <= c->n_fast && c->n_fast < c->n_usable;
    return pool_new(out, n, c->at_once, narrow ? &c->fast : NULL, err);
}

/* Small cores hold up a pass of fewer tokens, which waits for memory: an RK3588's by a tenth with 2
 * to 4 tokens, by the model of tests/test_thread_rule.c; with 16 all cores are faster. */
enum { WORTH_ALL_CORES = 16 };

int model_start_threads(struct qw_model *m, const qw_load_params *p, qw_error *err) {
    struct cpu_mask allowed;
    struct cpus c;
    cpus_allowed(&allowed);
    cpus_find(&c, &allowed, "");
    m->n_threads = p->n_threads ? p->n_threads : c.n_threads;
    m->n_threads_batch = p->n_threads || ONE_POOL ? m->n_threads : c.n_threads_batch;
    if (p->n_threads_batch) m->n_threads_batch = p->n_threads_batch;
    m->batch_from = p->n_threads || p->n_threads_batch ? 2 : WORTH_ALL_CORES;
    int rc = start_pool(&m->pool, m->n_threads, &c, err);
    m->batch_pool = m->pool;
    if (rc || m->n_threads_batch == m->n_threads) return rc;
    return start_pool(&m->batch_pool, m->n_threads_batch, &c, err);
}

void model_fill_info(struct qw_model *m) {
    const struct config *c = &m->config;
    const struct weights *w = &m->weights;
    m->info = (qw_model_info){
        .path = m->path,
        .stored_type = w->stored_type,
        .weight_type = weight_type_name(w->type),
        .n_layer = c->n_layer,
        .n_embd = c->n_embd,
        .n_ff = c->n_ff,
        .n_head = c->n_head,
        .n_head_kv = c->n_head_kv,
        .head_dim = c->head_dim,
        .n_vocab = w->n_vocab,
        .n_ctx_max = c->n_ctx_max,
        .rope_theta = c->rope_theta,
        .yarn_factor = c->yarn.factor,
        .rms_norm_eps = c->rms_norm_eps,
        .tied = w->head.data == w->embd.data,
        .n_eos = c->n_eos,
        .eos = c->eos,
        .n_params = w->n_params,
        .weight_bytes = w->bytes,
        .n_files = m->checkpoint.n_files,
        .files = (const char *const *)m->checkpoint.paths,
        .chat_template = m->template ? jinja_name(m->template) : NULL,
        .chat_template_error = m->template ? NULL : m->template_error.message,
        .tokenizer = m->tokenizer ? tokenizer_name(m->tokenizer) : NULL,
        .tokenizer_error = m->tokenizer ? NULL : m->tokenizer_error.message,
        .n_threads = m->n_threads,
        .n_threads_batch = m->n_threads_batch,
        .batch_from = m->batch_from,
        .kernels = m->kernels->name,
        .thinks = (enum qw_thinks)m->traits.thinks,
        .keeps_thoughts = m->traits.keeps_thoughts,
        .opens_thought = m->traits.opens_thought,
        .takes_system = m->traits.takes_system,
        .has_system = m->traits.has_system,
        .takes_tools = m->traits.takes_tools,
        .n_warnings = m->warnings.n,
        .warnings = (const char *const *)m->warnings.list,
        .max_new_tokens = c->gen.max_new_tokens,
        .n_stop = c->gen.n_stop,
        .stop = (const char *const *)c->gen.stop,
    };
}

/* ---- loading ---- */

/* Of a directory config.json is read first: it says best what the directory holds. A packed file
 * must be opened to get at it. */
static int open_files(struct qw_model *m, const char *path, struct model_files *files,
                      qw_error *err) {
    if (path_kind(path) == PATH_FILE) {
        int rc = checkpoint_open(&m->checkpoint, path, &m->warnings, err);
        if (!rc) rc = model_files_of(files, path, &m->checkpoint, err);
        return rc ? rc : config_read(&m->config, files, &m->warnings, err);
    }
    int rc = model_files_of(files, path, NULL, err);
    if (!rc) rc = config_read(&m->config, files, &m->warnings, err);
    return rc ? rc : checkpoint_open(&m->checkpoint, path, &m->warnings, err);
}

static int check_path(const char *path, qw_error *err) {
    const enum path_kind kind = path_kind(path);
    if (kind == PATH_MISSING) return fail(err, QW_EIO, "%s: no such file or directory", path);
    if (kind == PATH_DIR || path_ends_with(path, ".safetensors")) return 0;
    return fail(err, QW_EFORMAT, "%s is neither a model directory nor a .safetensors file", path);
}

int load_unprepared(qw_model **out, const char *path, const qw_load_params *p, qw_error *err) {
    struct model_files files = {0};
    *out = NULL;
    int rc = check_path(path, err);
    if (rc) return recognise(path, rc, err);
    struct qw_model *m = alloc_zero(1, sizeof *m);
    if (!m) return fail_memory(err, "the model", sizeof *m);
    m->path = strdup(path);
    if (!m->path) rc = fail_memory(err, "a path", strlen(path));
    if (!rc) rc = kernels_choose(&m->kernels, p->cpu, err);
    if (!rc) rc = open_files(m, path, &files, err);
    if (!rc) rc = weights_bind(&m->weights, &m->checkpoint, &m->config, p->compare_all,
                               &m->warnings, err);
    if (!rc) generation_keep_ids(&m->config.gen, m->weights.n_vocab);
    if (!rc) rc = load_text_side(m, &files, err);
    if (!rc) rc = model_start_threads(m, p, err);
    if (!rc && m->warnings.oom) rc = fail_memory(err, "warnings", sizeof m->warnings);
    model_files_close(&files);
    if (rc) qw_free(m);
    else *out = m;
    return rc ? recognise(path, rc, err) : 0;
}

int qw_load(qw_model **out, const char *path, const qw_load_params *params, qw_error *err) {
    const qw_load_params none = {0}, *p = params ? params : &none;
    struct qw_model *m;
    *out = NULL;
    int rc = load_unprepared(&m, path, p, err);
    if (rc) return rc;
    rc = prepare_weights(m, p, err);
    if (rc) {
        qw_free(m);
        return rc;
    }
    model_fill_info(m);
    *out = m;
    return 0;
}

void qw_free(qw_model *m) {
    if (!m) return;
    if (m->batch_pool != m->pool) pool_free(m->batch_pool);
    pool_free(m->pool);
    tokenizer_close(m->tokenizer);
    loop_classes_free(m->loop_classes);
    jinja_free(m->template);
    template_traits_free(&m->traits);
    chat_templates_free(&m->templates);
    config_free(&m->config);
    weights_free(&m->weights);
    checkpoint_close(&m->checkpoint);
    warnings_free(&m->warnings);
    free(m->path);
    free(m);
}

const qw_model_info *qw_info(const qw_model *m) { return &m->info; }
const qw_tokenizer *qw_model_tokenizer(const qw_model *m) {
    return (const qw_tokenizer *)m->tokenizer;
}

/* ---- sampling ---- */

/* generation_config.json as it stands, with one exception: direct answers of a hybrid model take
 * the pair that Qwen3's model card ("Best Practices") recommends for them when the file has the
 * pair for thinking (0.6, 0.95), or when there is no file. */
qw_sampling qw_default_sampling(const qw_model *m, int thinking) {
    const struct config *c = &m->config;
    qw_sampling s = {
        .temperature = (float)c->gen.temperature,
        .top_k = c->gen.top_k,
        .top_p = (float)c->gen.top_p,
        .min_p = (float)c->gen.min_p,
        .presence_penalty = (float)c->gen.presence_penalty,
        .frequency_penalty = (float)c->gen.frequency_penalty,
        .repetition_penalty = (float)c->gen.repetition_penalty,
        .suppress = c->gen.suppress.p,
        .n_suppress = (int)c->gen.suppress.n,
        .begin_suppress = c->gen.begin_suppress.p,
        .n_begin_suppress = (int)c->gen.begin_suppress.n,
    };
    if (!c->gen.do_sample) s.temperature = 0;
    else if (!thinking && c->gen.temperature == 0.6 && c->gen.top_p == 0.95) {
        s.temperature = 0.7f;
        s.top_p = 0.8f;
    }
    return s;
}
