/* test_config.c - config.json: what each rule makes of it, what is refused by name, what is said
 * where keys contradict each other. The rules are transformers' Qwen3Config and
 * modeling_rope_utils.py, those of transformers 5 where 4.x has others. */
#include <math.h>
#include <string.h>
#include "qw.h"
#include "base/buf.h"
#include "model/config.h"
#include "model/rope.h"
#include "test.h"

/* ---- config.json from a string: a packed file of nothing else ---- */

#define BEGIN                                                                                      \
    "{\"model_type\":\"qwen3\",\"num_hidden_layers\":3,\"hidden_size\":64,"                        \
    "\"intermediate_size\":96,\"num_attention_heads\":4,\"vocab_size\":320,"                       \
    "\"num_key_value_heads\":2,\"max_position_embeddings\":40960"

static int read_text(struct config *c, const char *text, struct warnings *w, qw_error *err) {
    static char name[] = "qw.file.config.json", type[] = "U8", dir[] = "some";
    struct tensor t = {.name = name, .type_name = type, .data = (const unsigned char *)text,
                       .size = strlen(text)};
    struct checkpoint packed = {.tensors = &t, .n_tensors = 1};
    struct model_files files = {.dir = dir, .packed = &packed};
    *w = (struct warnings){.n = 0};
    return config_read(c, &files, w, err);
}

/* BEGIN with more members, of which a repeated one counts. */
static int read_members(struct config *c, const char *members, struct warnings *w, qw_error *err) {
    char text[2048];
    snprintf(text, sizeof text, BEGIN "%s%s}", members[0] ? "," : "", members);
    return read_text(c, text, w, err);
}

/* Just these warnings, in this order; NULL ends them. */
static void check_warnings(const char *what, const struct warnings *w, const char *a,
                           const char *b) {
    const int n = (a != NULL) + (b != NULL);
    CHECK(w->n == n, "%s: %d warnings, not %d: %s", what, w->n, n, w->n ? w->list[0] : "");
    for (int i = 0; i < n && i < w->n; i++)
        CHECK(strstr(w->list[i], i ? b : a) && strstr(w->list[i], "config.json"),
              "%s: '%s' does not say '%s'", what, w->list[i], i ? b : a);
}

/* ---- rope ---- */

/* 0.1 ln 4 + 1, and DeepSeek-R1-0528-Qwen3-8B's factor that takes it back */
#define FOUR 1.138629436111989
#define ATTN 0.8782488562869419
#define YARN "\"rope_type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":10240"
/* what Qwen's model cards tell to add */
#define CARD_YARN "\"rope_type\":\"yarn\",\"factor\":4.0,\"original_max_position_embeddings\":32768"
#define RECIPE "{" CARD_YARN "}"

static const struct {
    const char *members;
    double theta, factor, attention;    /* factor 0: no yarn */
    int original;
    const char *says, *says_too;
} ropes[] = {
    {"", 10000, 0, 0, 0, NULL, NULL},
    {"\"rope_theta\":5e6", 5e6, 0, 0, 0, NULL, NULL},
    {"\"rope_theta\":null", 10000, 0, 0, 0, NULL, NULL},
    {"\"rope_theta\":1e6,\"rope_scaling\":null,\"rope_parameters\":null", 1e6, 0, 0, 0, NULL, NULL},
    {"\"rope_parameters\":{\"rope_theta\":1e6}", 1e6, 0, 0, 0, NULL, NULL},
    {"\"rope_parameters\":{\"rope_theta\":null},\"rope_theta\":3e6", 3e6, 0, 0, 0, NULL, NULL},
    {"\"rope_parameters\":{\"rope_theta\":1e6,\"rope_type\":\"default\"}", 1e6, 0, 0, 0, NULL,
     NULL},
    {"\"rope_theta\":1e6,\"rope_parameters\":{\"rope_theta\":1000000}", 1e6, 0, 0, 0, NULL, NULL},

    /* theta in two places: that of the object */
    {"\"rope_theta\":1e4,\"rope_parameters\":{\"rope_theta\":1e6}", 1e6, 0, 0, 0,
     "rope_theta is 1000000 in rope_parameters and 10000 outside it", NULL},
    {"\"rope_theta\":1e4,\"rope_scaling\":{\"rope_theta\":1e6,\"type\":\"default\"}", 1e6, 0, 0, 0,
     "rope_theta is 1000000 in rope_scaling and 10000 outside it", NULL},

    /* two objects: rope_scaling whole, then the top level's theta, then that of the other */
    {"\"rope_scaling\":{" YARN "},\"rope_parameters\":{\"rope_theta\":5e6},\"rope_theta\":1e6", 1e6,
     4, FOUR, 10240, "rope_scaling counts, not rope_parameters", NULL},
    {"\"rope_scaling\":{" YARN "},\"rope_parameters\":{\"rope_theta\":5e6}", 5e6, 4, FOUR, 10240,
     "rope_scaling counts", "rope_theta 5000000 is taken from rope_parameters"},
    {"\"rope_scaling\":{\"rope_theta\":2e6},\"rope_parameters\":{\"rope_theta\":5e6," YARN "}", 2e6,
     0, 0, 0, "rope_scaling counts", NULL},
    {"\"rope_scaling\":{},\"rope_parameters\":{\"rope_theta\":5e6," YARN "}", 5e6, 4, FOUR, 10240,
     NULL, NULL},
    {"\"rope_scaling\":{" YARN "},\"rope_parameters\":{" YARN "}", 10000, 4, FOUR, 10240, NULL,
     NULL},
    {"\"rope_scaling\":{" YARN "},\"rope_parameters\":{\"type\":\"yarn\",\"factor\":4,"
     "\"original_max_position_embeddings\":10240}", 10000, 4, FOUR, 10240, "rope_scaling counts",
     NULL},
    {"\"rope_scaling\":{" YARN "},\"rope_parameters\":{" YARN ",\"truncate\":false}", 10000, 4,
     FOUR, 10240, "rope_scaling counts", NULL},
    {"\"rope_scaling\":{\"rope_theta\":2e6},\"rope_parameters\":{\"x\":[{}],\"rope_type\":\"new\"}",
     2e6, 0, 0, 0, "rope_scaling counts", NULL},

    /* the type under two names */
    {"\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":10240}",
     10000, 4, FOUR, 10240, NULL, NULL},
    {"\"rope_scaling\":{" YARN ",\"type\":\"yarn\"}", 10000, 4, FOUR, 10240, NULL, NULL},
    {"\"rope_scaling\":{" YARN ",\"type\":\"linear\"}", 10000, 4, FOUR, 10240,
     "rope_type yarn and type linear: rope_type counts", NULL},
    {"\"rope_scaling\":{" YARN ",\"rope_type\":\"default\"}", 10000, 0, 0, 0,
     "rope_type 'default', which does not use factor, original_max_position_embeddings", NULL},

    /* the original length: the top level's before the object's, else max_position_embeddings */
    {"\"rope_scaling\":{" YARN "},\"original_max_position_embeddings\":5120", 10000, 4, FOUR, 5120,
     "5120 at the top level and 10240 in rope_scaling",
     "the factor of rope_scaling is 4, but max_position_embeddings / original_max_position_"},
    {"\"rope_scaling\":{" YARN "},\"original_max_position_embeddings\":10240", 10000, 4, FOUR,
     10240, NULL, NULL},
    {"\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4},\"original_max_position_embeddings\":10240",
     10000, 4, FOUR, 10240, NULL, NULL},
    {"\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4}", 10000, 4, FOUR, 40960,
     "factor of rope_scaling is 4, but max_position_embeddings / original_max_position_embeddings "
     "is 1: the factor counts", NULL},
    {"\"rope_scaling\":{\"type\":\"yarn\",\"factor\":null,\"original_max_position_embeddings\":"
     "10240}", 10000, 4, FOUR, 10240, NULL, NULL},
    {"\"original_max_position_embeddings\":10240", 10000, 0, 0, 0, NULL, NULL},

    /* the attention factor */
    {"\"rope_scaling\":{" YARN ",\"attn_factor\":0.8782488562869419}", 10000, 4, ATTN * FOUR, 10240,
     "attn_factor 0.878249 makes the attention factor 1, as in vLLM and SGLang; transformers "
     "ignores it and takes 1.13863", NULL},
    {"\"rope_scaling\":{" YARN ",\"attn_factor\":1}", 10000, 4, FOUR, 10240, NULL, NULL},
    {"\"rope_scaling\":{" YARN ",\"attention_factor\":1.5}", 10000, 4, 1.5, 10240, NULL, NULL},
    {"\"rope_scaling\":{" YARN ",\"attention_factor\":null}", 10000, 4, FOUR, 10240, NULL, NULL},
    {"\"rope_scaling\":{" YARN ",\"attention_factor\":1.5,\"attn_factor\":2}", 10000, 4, 1.5, 10240,
     "attention_factor 1.5 counts, not attn_factor 2", NULL},
    {"\"rope_scaling\":{" YARN ",\"mscale\":2,\"mscale_all_dim\":1}", 10000, 4,
     1.277258872223978 / FOUR, 10240, NULL, NULL},
    {"\"rope_scaling\":{" YARN ",\"mscale\":2}", 10000, 4, FOUR, 10240,
     "mscale without mscale_all_dim", NULL},
    {"\"rope_scaling\":{" YARN ",\"mscale\":0,\"mscale_all_dim\":2}", 10000, 4, FOUR, 10240,
     "mscale_all_dim without mscale", NULL},
    {"\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":1}", 10000, 1, 1, 40960, NULL, NULL},
    {"\"rope_scaling\":{\"attn_factor\":2,\"type\":\"default\"}", 10000, 0, 0, 0,
     "does not use attn_factor", NULL},
    {"\"rope_scaling\":{\"type\":\"default\",\"factor\":2,\"truncate\":true,\"mscale\":1,"
     "\"mscale_all_dim\":1,\"beta_fast\":1,\"beta_slow\":1}", 10000, 0, 0, 0,
     "does not use factor, truncate, mscale, mscale_all_dim and 2 more", NULL},

    /* the rest */
    {"\"rope_scaling\":{" YARN ",\"beta_fast\":0,\"beta_slow\":null,\"truncate\":null,"
     "\"unknown\":null}", 10000, 4, FOUR, 10240, NULL, NULL},
    {"\"partial_rotary_factor\":1.0,\"rope_scaling\":{\"partial_rotary_factor\":1}", 10000, 0, 0, 0,
     NULL, NULL},
};

static void test_rope(void) {
    for (size_t i = 0; i < sizeof ropes / sizeof *ropes; i++) {
        const char *what = ropes[i].members;
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        int rc = read_members(&c, what, &w, &err);
        CHECK(rc == 0, "%s: %s", what, err.message);
        CHECK(c.rope_theta == ropes[i].theta, "%s: theta %g", what, c.rope_theta);
        CHECK(c.yarn.factor == ropes[i].factor, "%s: factor %g", what, c.yarn.factor);
        if (c.yarn.factor != 0) {
            CHECK(fabs(c.yarn.attention_factor - ropes[i].attention) < 1e-12, "%s: attention %.17g",
                  what, c.yarn.attention_factor);
            CHECK(c.yarn.n_ctx_orig == ropes[i].original, "%s: original %d", what,
                  c.yarn.n_ctx_orig);
            CHECK(c.yarn.beta_fast == 32 && c.yarn.beta_slow == 1 && c.yarn.truncate, "%s: betas",
                  what);
        }
        check_warnings(what, &w, ropes[i].says, ropes[i].says_too);
        warnings_free(&w);
    }
}

static void test_yarn_settings(void) {
    struct config c;
    struct warnings w;
    qw_error err = {0, ""};
    int rc = read_members(&c, "\"rope_scaling\":{" YARN ",\"beta_fast\":16,\"beta_slow\":2,"
                              "\"truncate\":false}", &w, &err);
    CHECK(rc == 0 && c.yarn.beta_fast == 16 && c.yarn.beta_slow == 2 && !c.yarn.truncate, "%s",
          err.message);
    check_warnings("betas", &w, NULL, NULL);
    warnings_free(&w);
}

/* Each of yarn's own keys is said to do nothing without it. */
static void test_idle_keys(void) {
    static const char *const idle[] = {
        "factor", "original_max_position_embeddings", "attention_factor", "attn_factor",
        "beta_fast", "beta_slow", "mscale", "mscale_all_dim",
    };
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        char members[128], says[128];
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        snprintf(members, sizeof members, "\"rope_scaling\":{\"rope_type\":\"default\",\"%s\":2}",
                 idle[i]);
        snprintf(says, sizeof says, "rope_type 'default', which does not use %s", idle[i]);
        int rc = read_members(&c, members, &w, &err);
        CHECK(rc == 0 && c.yarn.factor == 0, "%s: %s", members, err.message);
        check_warnings(members, &w, says, NULL);
        warnings_free(&w);
    }
}

/* Frequencies of heads of 128 at theta 1e6: Qwen3's, and those of the model cards' yarn, whose ramp
 * goes from 23 to 40. */
static void test_frequencies(void) {
    static const struct { const char *members; double attention; int k; double freq; } cases[] = {
        {"\"rope_theta\":1e6", 1, 1, 0.8058421877614819},
        {"\"rope_theta\":1e6", 1, 63, 1.2409377607517195e-06},
        {"\"rope_theta\":5e6", 1, 32, 4.4721359549995795e-4},
        {"\"rope_theta\":5e6", 1, 63, 2.545079788037606e-07},
        {"\"rope_theta\":1e6,\"rope_scaling\":" RECIPE, FOUR, 23, 0.006978305848598663},
        {"\"rope_theta\":1e6,\"rope_scaling\":" RECIPE, FOUR, 24, 0.005375321490790102},
        {"\"rope_theta\":1e6,\"rope_scaling\":" RECIPE, FOUR, 31, 0.0008029597275452302},
        {"\"rope_theta\":1e6,\"rope_scaling\":" RECIPE, FOUR, 39, 6.490394320837029e-05},
        {"\"rope_theta\":1e6,\"rope_scaling\":" RECIPE, FOUR, 40, 4.445698525097307e-05},
        {"\"rope_theta\":1e6,\"rope_scaling\":" RECIPE, FOUR, 63, 3.102344401879299e-07},
        /* not rounded to whole numbers; a ramp that would go beyond the head */
        {"\"rope_theta\":1e6,\"rope_scaling\":{\"truncate\":false," CARD_YARN "}", FOUR, 31,
         0.0008117253745814111},
        {"\"rope_theta\":50,\"rope_scaling\":{\"beta_fast\":1000," CARD_YARN "}", FOUR, 63,
         0.015520269637805648},
        {"\"rope_theta\":1e6,\"max_position_embeddings\":65536,\"rope_scaling\":{\"type\":\"yarn\","
         "\"factor\":2,\"original_max_position_embeddings\":32768}", 1.0693147180559945, 31,
         0.0009489524052807267},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double freq[64], attention;
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        int rc = read_members(&c, cases[i].members, &w, &err);
        CHECK(rc == 0 && c.head_dim == 128, "%s: %s", cases[i].members, err.message);
        rope_frequencies(&c, freq, &attention);
        CHECK(fabs(attention - cases[i].attention) < 1e-12 &&
                  fabs(freq[cases[i].k] / cases[i].freq - 1) < 1e-12,
              "%s: %.17g, [%d] %.17g", cases[i].members, attention, cases[i].k, freq[cases[i].k]);
        warnings_free(&w);
    }
}

/* The recipe of Qwen's model cards says nothing, whatever max_position_embeddings is, and gives the
 * context that it promises: as many positions as in vLLM. */
static void test_yarn_context(void) {
    static const struct { const char *members; int context; const char *says; } cases[] = {
        {"\"rope_scaling\":" RECIPE ",\"rope_theta\":1000000", 131072, NULL},
        {"\"rope_parameters\":" RECIPE ",\"rope_theta\":1000000", 131072, NULL},
        {"\"rope_scaling\":" RECIPE ",\"max_position_embeddings\":131072", 131072, NULL},
        {"\"rope_parameters\":" RECIPE ",\"max_position_embeddings\":131072", 131072, NULL},
        {"\"rope_scaling\":" RECIPE ",\"original_max_position_embeddings\":16384", 65536,
         "16384 at the top level"},
        {"\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2.5},"
         "\"original_max_position_embeddings\":32768", 81920, NULL},
        {"\"rope_scaling\":{\"type\":\"yarn\",\"factor\":1024,"
         "\"original_max_position_embeddings\":16777216}", MAX_CONTEXT, NULL},
        /* less than the context, or no original length that could be meant */
        {"\"rope_scaling\":" RECIPE ",\"max_position_embeddings\":262144", 262144,
         "factor of rope_scaling is 4, but max_position_embeddings / original_max_position_"
         "embeddings is 8"},
        {"\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4}", 40960, "is 1: the factor counts"},
        {"\"rope_scaling\":{\"rope_type\":\"default\"}", 40960, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        int rc = read_members(&c, cases[i].members, &w, &err);
        CHECK(rc == 0 && c.n_ctx_max == cases[i].context, "%s: %d %s", cases[i].members,
              c.n_ctx_max, err.message);
        check_warnings(cases[i].members, &w, cases[i].says, NULL);
        warnings_free(&w);
    }
}

/* ---- heads, window, quantisation ---- */

static void test_heads(void) {
    static const struct { const char *members; int kv, dim; } cases[] = {
        {"", 2, 128},
        {"\"num_key_value_heads\":null", 4, 128},
        {"\"num_attention_heads\":64,\"num_key_value_heads\":null", 64, 128},
        {"\"head_dim\":64", 2, 64},
    };
    struct config c;
    struct warnings w;
    qw_error err = {0, ""};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = read_members(&c, cases[i].members, &w, &err);
        CHECK(rc == 0 && w.n == 0, "%s: %s", cases[i].members, err.message);
        CHECK(c.n_head_kv == cases[i].kv && c.head_dim == cases[i].dim, "%s: %d heads of %d",
              cases[i].members, c.n_head_kv, c.head_dim);
        warnings_free(&w);
    }
    /* absent: 32, however many query heads there are */
    int rc = read_text(&c, "{\"model_type\":\"qwen3\",\"num_hidden_layers\":3,\"hidden_size\":64,"
                           "\"intermediate_size\":96,\"num_attention_heads\":64,\"vocab_size\":9}",
                       &w, &err);
    CHECK(rc == 0 && c.n_head_kv == 32 && c.head_dim == 128 && c.n_ctx_max == 32768 && !c.tied &&
              c.rms_norm_eps == 1e-6 && c.rope_theta == 10000,
          "%s", err.message);
    warnings_free(&w);
}

/* What may stand there and changes nothing. */
static void test_accepted(void) {
    static const char *const members[] = {
        "\"architectures\":[],\"use_sliding_window\":null",
        "\"sliding_window\":64,\"max_window_layers\":0",
        "\"num_hidden_layers\":28,\"use_sliding_window\":true",
        "\"is_causal\":true,\"dual_chunk_attention_config\":{}",
        "\"is_causal\":null,\"dual_chunk_attention_config\":null",
        "\"use_sliding_window\":true,\"sliding_window\":null,\"max_window_layers\":0",
        "\"use_sliding_window\":true,\"sliding_window\":64,\"max_window_layers\":3",
        ("\"use_sliding_window\":true,\"max_window_layers\":0,\"layer_types\":[\"full_attention\","
         "\"full_attention\",\"full_attention\"]"),
        "\"transformers_weights\":\"model.safetensors.index.json\"",
        "\"new_key\":{\"a\":[1,2,{}]},\"partial_rotary_factor\":1",
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        int rc = read_members(&c, members[i], &w, &err);
        CHECK(rc == 0, "%s: %s", members[i], err.message);
        check_warnings(members[i], &w, NULL, NULL);
        warnings_free(&w);
    }
}

static void test_quantised(void) {
    static const struct { const char *members, *is; } cases[] = {
        {"", ""},
        {"\"quantization\":{},\"quantization_config\":{}", ""},
        {"\"quantization\":null,\"quantization_config\":null", ""},
        {"\"quantization\":{\"bits\":4,\"group_size\":64}", "MLX"},
        {"\"quantization\":{\"bits\":4},\"quantization_config\":{\"bits\":4}", "MLX"},
        {"\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4}", "awq"},
        {"\"quantization\":{},\"quantization_config\":{\"quant_method\":\"fp8\"}", "fp8"},
        {"\"quantization_config\":{\"quant_method\":\"never-heard-of\"}", "never-heard-of"},
        {"\"quantization_config\":{\"load_in_4bit\":true}", "of no known method"},
        {"\"quantization_config\":\"gptq\"", "of no known method"},
        {"\"quantization\":{},\"quantization_config\":{\"bits\":4}", "of no known method"},
        {"\"quantization_config\":{\"bits\":4,\"group_size\":64}", "MLX"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        int rc = read_members(&c, cases[i].members, &w, &err);
        CHECK(rc == 0 && strcmp(c.quantised, cases[i].is) == 0, "%s: '%s' %s", cases[i].members,
              c.quantised, err.message);
        check_warnings(cases[i].members, &w, NULL, NULL);
        warnings_free(&w);
    }
}

/* ---- refused ---- */

static const struct {
    const char *members;
    int rc;
    const char *reason;
} refused[] = {
    {"\"model_type\":null", QW_EUNSUPPORTED, "neither model_type nor architectures"},
    {"\"num_hidden_layers\":29,\"use_sliding_window\":true", QW_EUNSUPPORTED,
     "sliding-window attention is not supported"},
    {"\"is_causal\":false", QW_EUNSUPPORTED, "is_causal is false"},
    {"\"is_causal\":0", QW_EFORMAT, "is_causal is neither"},
    {"\"dual_chunk_attention_config\":{\"chunk_size\":262144}", QW_EUNSUPPORTED,
     "dual_chunk_attention_config"},
    {"\"transformers_weights\":\"other.safetensors\"", QW_EUNSUPPORTED,
     "transformers_weights 'other.safetensors'"},
    {"\"partial_rotary_factor\":0.5", QW_EUNSUPPORTED, "partial_rotary_factor 0.5"},
    {"\"partial_rotary_factor\":0.75,\"rope_scaling\":{\"type\":\"default\"}", QW_EUNSUPPORTED,
     "partial_rotary_factor 0.75"},
    {"\"rope_scaling\":{\"partial_rotary_factor\":0.25}", QW_EUNSUPPORTED,
     "partial_rotary_factor 0.25"},
    {"\"head_dim\":null", QW_EFORMAT, "head_dim is null"},
    {"\"rope_scaling\":{\"rope_type\":\"longrope\",\"short_factor\":[1]}", QW_EUNSUPPORTED,
     "rope_type 'longrope'"},
    {"\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":2}", QW_EUNSUPPORTED,
     "rope_type 'linear'"},
    {"\"rope_parameters\":{\"rope_type\":\"yarn\",\"type\":\"default\",\"low_freq_factor\":1}",
     QW_EUNSUPPORTED, "rope_parameters has a key 'low_freq_factor'"},
    {"\"rope_scaling\":{" YARN ",\"extrapolation_factor\":0.5}", QW_EUNSUPPORTED,
     "rope_scaling has a key 'extrapolation_factor'"},
    {"\"rope_scaling\":{\"mrope_section\":[8,8,8],\"type\":\"default\"}", QW_EUNSUPPORTED,
     "'mrope_section'"},
    {"\"rope_scaling\":{\"full_attention\":{\"rope_theta\":1e6}}", QW_EUNSUPPORTED,
     "'full_attention'"},
    {"\"rope_scaling\":{\"factor\":4}", QW_EFORMAT, "rope_scaling has no rope_type"},
    {"\"rope_parameters\":{\"rope_theta\":1e6,\"attn_factor\":2}", QW_EFORMAT,
     "rope_parameters has no rope_type"},
    {"\"rope_parameters\":[1]", QW_EFORMAT, "rope_parameters is not an object"},
    {"\"rope_scaling\":{" YARN ",\"attn_factor\":\"1\"}", QW_EFORMAT,
     "attn_factor is not a number"},
    {"\"rope_scaling\":{" YARN ",\"attn_factor\":0}", QW_EFORMAT, "attn_factor is 0"},
    {"\"rope_scaling\":{" YARN ",\"attn_factor\":1e3,\"mscale\":100,\"mscale_all_dim\":1e-9}",
     QW_EFORMAT, "attention_factor is"},
    {"\"rope_scaling\":{" YARN ",\"beta_fast\":1e-9}", QW_EFORMAT, "beta_fast is 1e-09"},
    {"\"rope_scaling\":{" YARN "},\"rope_theta\":1", QW_EFORMAT, "rope_theta must be above 1"},
    {"\"rope_scaling\":{" YARN "},\"original_max_position_embeddings\":0", QW_EFORMAT,
     "original_max_position_embeddings is 0"},
};

static void test_refused(void) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        int rc = read_members(&c, refused[i].members, &w, &err);
        CHECK(rc == refused[i].rc && strstr(err.message, refused[i].reason) &&
                  strstr(err.message, "config.json"),
              "%s: %d %s", refused[i].members, rc, err.message);
        warnings_free(&w);
    }
}

/* ---- the official ones ---- */

/* Layers, width, feed-forward, query heads, theta, context, tied, vocabulary: as published. */
static const struct {
    int layers, embd, ff, heads;
    const char *theta;
    int context;
    const char *tied;
    int vocab;
} official[] = {
    {28, 1024, 3072, 16, "1000000", 40960, "true", 151936},         /* 0.6B */
    {28, 1024, 3072, 16, "1000000", 32768, "true", 151936},         /* 0.6B-Base */
    {28, 2048, 6144, 16, "1000000", 40960, "true", 151936},         /* 1.7B */
    {36, 2560, 9728, 32, "1000000", 40960, "true", 151936},         /* 4B */
    {36, 2560, 9728, 32, "5000000", 262144, "true", 151936},        /* 4B-2507 */
    {36, 4096, 12288, 32, "1000000", 40960, "false", 151936},       /* 8B */
    {40, 5120, 17408, 40, "1000000", 40960, "false", 151936},       /* 14B */
    {64, 5120, 25600, 64, "1000000", 40960, "false", 151936},       /* 32B */
    {28, 1024, 3072, 16, "1000000", 32768, "true", 151669},         /* Embedding-0.6B */
    {36, 4096, 12288, 32, "1000000", 40960, "false", 151665},       /* Embedding-8B */
};

static void test_official(void) {
    for (size_t i = 0; i < sizeof official / sizeof *official; i++) {
        char text[2048];
        struct config c;
        struct warnings w;
        qw_error err = {0, ""};
        snprintf(text, sizeof text,
                 "{\"architectures\":[\"Qwen3ForCausalLM\"],\"attention_bias\":false,"
                 "\"attention_dropout\":0.0,\"bos_token_id\":151643,\"eos_token_id\":151645,"
                 "\"head_dim\":128,\"hidden_act\":\"silu\",\"hidden_size\":%d,"
                 "\"initializer_range\":0.02,\"intermediate_size\":%d,"
                 "\"max_position_embeddings\":%d,\"max_window_layers\":%d,\"model_type\":\"qwen3\","
                 "\"num_attention_heads\":%d,\"num_hidden_layers\":%d,\"num_key_value_heads\":8,"
                 "\"rms_norm_eps\":1e-06,\"rope_scaling\":null,\"rope_theta\":%s,"
                 "\"sliding_window\":null,\"tie_word_embeddings\":%s,\"torch_dtype\":\"bfloat16\","
                 "\"transformers_version\":\"4.51.0\",\"use_cache\":true,"
                 "\"use_sliding_window\":false,\"vocab_size\":%d}",
                 official[i].embd, official[i].ff, official[i].context, official[i].layers,
                 official[i].heads, official[i].layers, official[i].theta, official[i].tied,
                 official[i].vocab);
        int rc = read_text(&c, text, &w, &err);
        CHECK(rc == 0 && c.n_head_kv == 8 && c.head_dim == 128 && c.yarn.factor == 0 &&
                  c.n_layer == official[i].layers && c.quantised[0] == 0,
              "%zu: %s", i, err.message);
        check_warnings("official", &w, NULL, NULL);
        warnings_free(&w);
    }
}

int main(void) {
    RUN("config: theta, scaling, yarn", test_rope);
    RUN("config: yarn's other settings", test_yarn_settings);
    RUN("config: yarn's settings without yarn", test_idle_keys);
    RUN("config: frequencies", test_frequencies);
    RUN("config: how far yarn goes", test_yarn_context);
    RUN("config: heads", test_heads);
    RUN("config: what changes nothing", test_accepted);
    RUN("config: what it says of quantisation", test_quantised);
    RUN("config: what is refused, by name", test_refused);
    RUN("config: no warning for the official ones", test_official);
    TEST_END();
}
