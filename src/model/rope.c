/* rope.c - rotary positions: what config.json says of them, and the frequencies.
 *
 * The rules are transformers' "RoPE": modeling_rope_utils.py of transformers 5. */
#include "model/rope.h"
#include <math.h>
#include <string.h>
#include "base/exact_math.h"
#include "base/listed.h"
#include "model/fields.h"

#define PI 3.141592653589793
#define ORIGINAL "original_max_position_embeddings"

/* Where each part is: nodes of config.json, 0 if it is not there. */
struct rope {
    const struct doc *s;
    uint32_t scaling, params;       /* the objects rope_scaling and rope_parameters, not empty */
    uint32_t dict;                  /* that of the two which counts */
    const char *name;               /* its name */
    bool yarn;
};

/* ---- which object counts ---- */

static int find_object(const struct doc *s, const char *key, uint32_t *out) {
    uint32_t v = get(s, 0, key);
    *out = 0;
    if (!v) return 0;
    if (json_type(s->j, v) != JSON_OBJECT)
        return fail(s->err, QW_EFORMAT, "%s: %s is not an object", s->path, key);
    if (s->j->nodes[v].len > 0) *out = v;
    return 0;
}

static bool same_text(const struct doc *s, uint32_t a, uint32_t b) {
    const struct json_node *x = &s->j->nodes[a], *y = &s->j->nodes[b];
    return x->type == y->type && x->len == y->len &&
           memcmp(s->j->text + x->pos, s->j->text + y->pos, x->len) == 0;
}

/* Do both objects have the same members, written the same way? */
static bool same_members(const struct doc *s, uint32_t a, uint32_t b) {
    const struct json *j = s->j;
    uint32_t k = a + 1, l = b + 1;
    while (k < json_end(j, a) && l < json_end(j, b)) {
        if (json_type(j, k + 1) > JSON_STRING || !same_text(s, k, l) ||
            !same_text(s, k + 1, l + 1))
            return false;
        k = json_next(j, k + 1);
        l = json_next(j, l + 1);
    }
    return k == json_end(j, a) && l == json_end(j, b);
}

/* rope_scaling counts whole as soon as it is not empty; there is no merging. */
static int choose_object(struct rope *r) {
    int rc = find_object(r->s, "rope_scaling", &r->scaling);
    if (!rc) rc = find_object(r->s, "rope_parameters", &r->params);
    if (rc) return rc;
    r->dict = r->scaling ? r->scaling : r->params;
    r->name = r->scaling ? "rope_scaling" : "rope_parameters";
    if (r->scaling && r->params && !same_members(r->s, r->scaling, r->params))
        add_warning(r->s->warnings,
                    "%s: rope_scaling counts, not rope_parameters beside it, as in transformers",
                    r->s->path);
    return 0;
}

/* ---- its keys ---- */

/* The closed list: any other key could change the positions. */
static const struct {
    const char *name;
    bool yarn;                      /* has an effect only there */
} keys[] = {
    {"rope_type", false},
    {"type", false},
    {"rope_theta", false},
    {"partial_rotary_factor", false},
    {"factor", true},
    {ORIGINAL, true},
    {"attention_factor", true},
    {"attn_factor", true},
    {"beta_fast", true},
    {"beta_slow", true},
    {"mscale", true},
    {"mscale_all_dim", true},
    {"truncate", true},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static int find_key(const struct rope *r, uint32_t k) {
    int i = 0;
    while (i < N_KEYS && !json_is(r->s->j, k, keys[i].name)) i++;
    return i;
}

/* rope_type, or its old name. */
static int read_type(struct rope *r) {
    const struct doc *s = r->s;
    uint32_t new = get(s, r->dict, "rope_type"), old = get(s, r->dict, "type");
    uint32_t type = new ? new : old;
    if (new && old && !same_text(s, new, old))
        add_warning(s->warnings,
                    "%s: %s has rope_type %.*s and type %.*s: rope_type counts, as in "
                    "transformers 5 (4.x: type)",
                    s->path, r->name, shown_n(s, new), shown(s, new), shown_n(s, old),
                    shown(s, old));
    if (!type) return 0;
    r->yarn = json_is(s->j, type, "yarn");
    if (r->yarn || json_is(s->j, type, "default")) return 0;
    return fail(s->err, QW_EUNSUPPORTED,
                "%s: rope_type '%.*s'; only 'default' and 'yarn' are supported", s->path,
                shown_n(s, type), shown(s, type));
}

static int check_keys(const struct rope *r) {
    const struct doc *s = r->s;
    const struct json *j = s->j;
    struct listed idle = {.n = 0};
    for (uint32_t k = r->dict + 1; k < json_end(j, r->dict); k = json_next(j, k + 1)) {
        int i = find_key(r, k);
        if (json_type(j, k + 1) == JSON_NULL) continue;
        if (i == N_KEYS)
            return fail(s->err, QW_EUNSUPPORTED, "%s: %s has a key '%.*s', which is not supported",
                        s->path, r->name, shown_n(s, k), shown(s, k));
        if (keys[i].yarn && !r->yarn) list_name(&idle, keys[i].name, strlen(keys[i].name));
    }
    if (idle.n == 0) return 0;
    if (!get(s, r->dict, "rope_type") && !get(s, r->dict, "type"))
        return fail(s->err, QW_EFORMAT, "%s: %s has no rope_type", s->path, r->name);
    add_warning(s->warnings, "%s: %s has rope_type 'default', which does not use %s", s->path,
                r->name, list_text(&idle));
    return 0;
}

/* Only whole heads are rotated. */
static int check_partial(const struct rope *r) {
    const uint32_t places[] = {0, r->dict};
    for (int i = 0; i < 2; i++) {
        double partial;
        int rc = get_double(r->s, places[i], "partial_rotary_factor", 1, 0, 1, &partial);
        if (rc) return rc;
        if (partial != 1)
            return fail(r->s->err, QW_EUNSUPPORTED,
                        "%s: partial_rotary_factor %g is not supported", r->s->path, partial);
    }
    return 0;
}

/* ---- values that may be in two places ---- */

/* The object's own, else that of the top level, else 10000. transformers stops there; a theta that
 * only the ignored rope_parameters have is what the file was trained with. */
static int read_theta(struct config *c, const struct rope *r) {
    const struct doc *s = r->s;
    uint32_t own = r->dict ? get(s, r->dict, "rope_theta") : 0, top = get(s, 0, "rope_theta");
    uint32_t spare = r->scaling && r->params ? get(s, r->params, "rope_theta") : 0;
    uint32_t from = own ? r->dict : 0;
    if (!own && !top && spare) from = r->params;
    int rc = get_double(s, from, "rope_theta", 10000, 1, 1e15, &c->rope_theta);
    if (rc) return rc;
    double other;
    if (own && top && json_double(s->j, top, &other) && other != c->rope_theta)
        add_warning(s->warnings,
                    "%s: rope_theta is %.10g in %s and %.10g outside it: the former counts, as in "
                    "transformers 5 (4.x: the latter)",
                    s->path, c->rope_theta, r->name, other);
    if (from && from != r->dict)
        add_warning(s->warnings,
                    "%s: rope_theta %.10g is taken from rope_parameters, since rope_scaling has "
                    "none (transformers takes 10000)",
                    s->path, c->rope_theta);
    return 0;
}

/* The top level counts first. */
static int read_original(struct config *c, const struct rope *r) {
    const struct doc *s = r->s;
    uint32_t top = get(s, 0, ORIGINAL), own = get(s, r->dict, ORIGINAL);
    int64_t other;
    int rc = get_int(s, top ? 0 : r->dict, ORIGINAL, c->n_ctx_max, 1, 1 << 24,
                     &c->yarn.n_ctx_orig);
    if (rc) return rc;
    if (top && own && json_int(s->j, own, &other) && other != c->yarn.n_ctx_orig)
        add_warning(s->warnings,
                    "%s: " ORIGINAL " is %d at the top level and %lld in %s: the former counts, as "
                    "in transformers 5 (4.x: the latter)",
                    s->path, c->yarn.n_ctx_orig, (long long)other, r->name);
    return 0;
}

/* ---- YaRN ---- */

/* scale is at least 1. */
static double yarn_mscale(double scale, double m) { return 0.1 * m * num_log(scale) + 1; }

/* Absent, null and 0 mean the default. */
static int read_beta(const struct rope *r, const char *key, double fallback, double *out) {
    int rc = get_double(r->s, r->dict, key, fallback, 0, 1e6, out);
    if (!rc && *out == 0) *out = fallback;
    if (rc || *out >= 1e-3) return rc;
    return fail(r->s->err, QW_EFORMAT, "%s: %s is %g, which is too small", r->s->path, key, *out);
}

/* attention_factor, else by the factor (and by mscale, if both halves are there) times
 * attn_factor. The latter is what vLLM and SGLang know: DeepSeek-R1-0528-Qwen3-8B has 0.878, so
 * that nothing is scaled. transformers passes over it. */
static int read_attention_factor(struct config *c, const struct rope *r) {
    const struct doc *s = r->s;
    double f = c->yarn.factor, m, m_all, more;
    int rc;
    if ((rc = get_double(s, r->dict, "mscale", 0, 0, 100, &m)) != 0 ||
        (rc = get_double(s, r->dict, "mscale_all_dim", 0, 0, 100, &m_all)) != 0 ||
        (rc = get_double(s, r->dict, "attn_factor", 1, 1e-3, 1e3, &more)) != 0)
        return rc;
    double by_scale = yarn_mscale(f, 1);
    if (m != 0 && m_all != 0) by_scale = yarn_mscale(f, m) / yarn_mscale(f, m_all);
    rc = get_double(s, r->dict, "attention_factor", by_scale * more, 1e-3, 1e3,
                    &c->yarn.attention_factor);
    if (rc) return rc;
    if ((m != 0) != (m_all != 0))
        add_warning(s->warnings, "%s: %s without %s does nothing, as in transformers", s->path,
                    m != 0 ? "mscale" : "mscale_all_dim", m != 0 ? "mscale_all_dim" : "mscale");
    if (more != 1 && get(s, r->dict, "attention_factor"))
        add_warning(s->warnings, "%s: attention_factor %g counts, not attn_factor %g", s->path,
                    c->yarn.attention_factor, more);
    else if (more != 1)
        add_warning(s->warnings,
                    "%s: attn_factor %g makes the attention factor %g, as in vLLM and SGLang; "
                    "transformers ignores it and takes %g",
                    s->path, more, c->yarn.attention_factor, by_scale);
    return 0;
}

/* Qwen's model cards add rope_scaling to a config.json whose max_position_embeddings stays as it
 * was: the model then takes as many positions as the factor makes of the original ones, as in
 * vLLM. */
static void compare_lengths(struct config *c, const struct rope *r, double implied) {
    const struct doc *s = r->s;
    const double reach = c->yarn.factor * c->yarn.n_ctx_orig;
    const bool given = get(s, 0, ORIGINAL) || get(s, r->dict, ORIGINAL);
    if (c->yarn.factor == implied) return;
    if (given && reach > c->n_ctx_max)
        c->n_ctx_max = reach < MAX_CONTEXT ? (int)reach : MAX_CONTEXT;
    else
        add_warning(s->warnings,
                    "%s: the factor of %s is %g, but max_position_embeddings / " ORIGINAL
                    " is %g: the factor counts, as in transformers",
                    s->path, r->name, c->yarn.factor, implied);
}

static int read_yarn(struct config *c, const struct rope *r) {
    const struct doc *s = r->s;
    int rc = read_original(c, r);
    if (rc) return rc;
    double implied = (double)c->n_ctx_max / c->yarn.n_ctx_orig;
    if ((rc = get_double(s, r->dict, "factor", implied, 1, 1024, &c->yarn.factor)) != 0 ||
        (rc = read_beta(r, "beta_fast", 32, &c->yarn.beta_fast)) != 0 ||
        (rc = read_beta(r, "beta_slow", 1, &c->yarn.beta_slow)) != 0 ||
        (rc = get_bool(s, r->dict, "truncate", true, &c->yarn.truncate)) != 0 ||
        (rc = read_attention_factor(c, r)) != 0)
        return rc;
    if (c->rope_theta <= 1)
        return fail(s->err, QW_EFORMAT, "%s: rope_theta must be above 1 for yarn", s->path);
    compare_lengths(c, r, implied);
    return 0;
}

int rope_read(struct config *c, const struct doc *s) {
    struct rope r = {.s = s};
    int rc = choose_object(&r);
    if (!rc && r.dict) rc = read_type(&r);
    if (!rc && r.dict) rc = check_keys(&r);
    if (!rc) rc = check_partial(&r);
    if (!rc) rc = read_theta(c, &r);
    if (!rc && r.yarn) rc = read_yarn(c, &r);
    return rc;
}

/* ---- the frequencies ---- */

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
