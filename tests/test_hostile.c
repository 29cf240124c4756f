/* test_hostile.c - damaged, hostile and foreign model directories: each refused with the right code
 * and a message that names the file and what is wrong with it; and odd but valid ones, which load.
 *
 * Starts from the checkpoint tests/fixtures/forward/tied-bf16 and changes one thing at a time in a
 * directory of its own. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "qw.h"
#include "base/error.h"
#include "base/buf.h"
#include "base/file.h"
#include "test.h"

#define FIXTURE "tests/fixtures/forward/tied-bf16/"

static char dir[256];
static struct file config, model;           /* the fixture's files ... */
static struct buf header;                   /* ... and the header of its weights, as a string */
static const unsigned char *weights;
static size_t n_weights;

/* ---- the directory ---- */

static const char *in_dir(const char *name) {
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void write_parts(const char *name, const void *a, size_t n, const void *b, size_t m) {
    FILE *f = fopen(in_dir(name), "wb");
    int ok = f && fwrite(a, 1, n, f) == n && (m == 0 || fwrite(b, 1, m, f) == m);
    if (!f || fclose(f) != 0 || !ok) {
        perror(in_dir(name));
        exit(1);
    }
}

static void write_file(const char *name, const char *text) {
    write_parts(name, text, strlen(text), NULL, 0);
}

static void clear_dir(void) {
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && unlink(in_dir(e->d_name)) != 0)
            rmdir(in_dir(e->d_name));
    if (d) closedir(d);
}

static void write_config(void) { write_parts("config.json", config.data, config.size, NULL, 0); }

/* A safetensors file: the length of a header, the header, and n bytes of data. */
static void write_weights(const char *name, uint64_t length, const char *text, size_t text_n,
                          const void *data, size_t n) {
    struct buf b = {0};
    for (int i = 0; i < 8; i++) buf_char(&b, (char)(length >> 8 * i));
    buf_put(&b, text, text_n);
    write_parts(name, b.p, b.n, data, n);
    buf_free(&b);
}

static void write_model(const char *name, const char *text) {
    write_weights(name, strlen(text), text, strlen(text), weights, n_weights);
}

/* The directory as the fixture is. */
static void fresh_dir(void) {
    clear_dir();
    write_config();
    write_model("model.safetensors", header.p);
}

/* The same, where the file `name` counts: of an index nobody wants to know beside
 * model.safetensors. */
static void fresh_dir_for(const char *name) {
    fresh_dir();
    if (strcmp(name, "model.safetensors.index.json") == 0)
        CHECK(rename(in_dir("model.safetensors"), in_dir("model-0.safetensors")) == 0, "%s", dir);
}

/* text with the first `from` replaced by `to`; a new string. */
static char *replace(const char *text, const char *from, const char *to) {
    struct buf b = {0};
    const char *at = strstr(text, from);
    if (!at) {
        printf("  the fixture has no %s\n", from);
        exit(1);
    }
    buf_put(&b, text, (size_t)(at - text));
    buf_str(&b, to);
    buf_str(&b, at + strlen(from));
    buf_char(&b, 0);
    return b.p;
}

/* Load path: the code must be rc, and a message of it hold the words a and b. */
static void expect_load(const char *what, const char *path, int rc, const char *a, const char *b) {
    qw_error err = {0, ""};
    qw_model *m = NULL;
    int got = qw_load(&m, path, NULL, &err);
    CHECK(got == rc && (rc == 0 || err.code == rc), "%s: code %d, expected %d: %s", what, got, rc,
          err.message);
    CHECK((m != NULL) == (got == 0), "%s: a model in spite of an error, or none", what);
    if (rc && got == rc)
        CHECK(strstr(err.message, a) && strstr(err.message, b),
              "%s: '%s' does not name '%s' and '%s'", what, err.message, a, b);
    qw_free(m);
}

/* ---- weights: the header ---- */

#define T(type, shape, begin, end)                                                                 \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static const struct {
    const char *what, *header;
    int n_data;
    const char *reason;
} headers[] = {
    {"no JSON", "{\"a\":", 0, "not valid JSON"},
    {"no object", "[1]", 0, "does not begin with '{'"},
    {"space in front", " {}", 0, "does not begin with '{'"},
    {"bytes behind the JSON", "{}x", 0, "something follows"},
    {"a NUL behind the JSON", "{}\\0", 0, "something follows"},
    {"invalid UTF-8", "{\"\xC0\x80\":1}", 0, "invalid UTF-8"},
    {"no tensors", "{}", 0, "no tensors"},
    {"data without tensors", "{}", 8, "8 bytes of data"},
    {"tensor twice", "{\"a\":" T("U8", "[1]", 0, 1) ",\"a\":" T("U8", "[1]", 1, 2) "}", 2,
     "'a' appears twice"},
    {"tensor twice, once in escapes",
     "{\"a\":" T("U8", "[1]", 0, 1) ",\"\\u0061\":" T("U8", "[1]", 1, 2) "}", 2,
     "'a' appears twice"},
    {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
     "__metadata__ appears twice"},
    {"key twice",
     "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "'a' has an unexpected or repeated key"},
    {"key too many", "{\"a\":{\"dtype\":\"U8\",\"x\":0,\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "'a' has an unexpected or repeated key"},
    {"no object for a tensor", "{\"a\":[1]}", 0, "'a' lacks"},
    {"no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "'a' lacks"},
    {"dtype no string", "{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "'a' lacks"},
    {"three offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1,
     "'a' lacks"},
    {"reversed offsets", "{\"a\":" T("U8", "[1]", 1, 0) "}", 1, "'a' lies at bytes 1 to 0"},
    {"offset past the end", "{\"a\":" T("U8", "[9]", 0, 9) "}", 8, "'a' lies at bytes 0 to 9 of 8"},
    {"offset 2^63", "{\"a\":" T("U8", "[1]", 9223372036854775808, 9223372036854775809) "}", 1,
     "offsets of tensor 'a'"},
    {"offset negative", "{\"a\":" T("U8", "[1]", -1, 0) "}", 1, "offsets of tensor 'a'"},
    {"offset a fraction", "{\"a\":" T("U8", "[1]", 0, 0.5) "}", 1, "offsets of tensor 'a'"},
    {"overlap", "{\"a\":" T("U8", "[2]", 0, 2) ",\"b\":" T("U8", "[2]", 1, 3) "}", 3, "overlap"},
    {"one tensor inside another", "{\"a\":" T("U8", "[4]", 0, 4) ",\"b\":" T("U8", "[1]", 1, 2) "}",
     4, "overlap"},
    {"gap", "{\"a\":" T("U8", "[1]", 0, 1) ",\"b\":" T("U8", "[1]", 2, 3) "}", 3, "leave a gap"},
    {"bytes behind the data", "{\"a\":" T("U8", "[1]", 0, 1) "}", 2, "tensors end at 1"},
    {"shape and bytes differ", "{\"a\":" T("BF16", "[2,3]", 0, 10) "}", 10,
     "'a' has 10 bytes, but its shape and type BF16 need 12"},
    {"shape overflows", "{\"a\":" T("F32", "[4294967296,4294967296]", 0, 4) "}", 4,
     "shape of tensor 'a' overflows"},
    {"shape times type overflows", "{\"a\":" T("F32", "[4294967296,1073741824]", 0, 0) "}", 0,
     "'a' has 0 bytes"},
    {"shape negative", "{\"a\":" T("F32", "[-1]", 0, 4) "}", 4, "shape of tensor 'a'"},
    {"shape a string", "{\"a\":" T("F32", "[\"1\"]", 0, 4) "}", 4, "shape of tensor 'a'"},
    {"NUL in a name", "{\"a\\u0000b\":" T("U8", "[1]", 0, 1) "}", 1, "contains a NUL"},
    {"terminal codes in a name",
     "{\"a\":" T("U8", "[1]", 0, 1) ",\"\\u001b[31mb\":" T("U8", "[1]", 0, 1) "}", 1, "'?[31mb'"},
};

static void test_headers(void) {
    static const char data[64];
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        clear_dir();
        write_config();
        write_weights("model.safetensors", strlen(headers[i].header), headers[i].header,
                      strlen(headers[i].header), data, (size_t)headers[i].n_data);
        expect_load(headers[i].what, dir, QW_EFORMAT, "model.safetensors", headers[i].reason);
    }
}

static void test_lengths(void) {
    static const struct {
        const char *what;
        uint64_t length;
        int n_bytes;
        const char *reason;
    } cases[] = {
        {"empty file", 0, 0, "is empty"},
        {"half a length", 2, 4, "a file of 4"},
        {"only a length", 2, 8, "a file of 8"},
        {"truncated header", 100, 60, "a header of 100 bytes in a file of 60"},
        {"length 2^63", UINT64_C(1) << 63, 10, "9223372036854775808"},
        {"length 2^64-1", UINT64_MAX, 10, "18446744073709551615"},
        {"length 2^64-8: wraps to the file's size", UINT64_MAX - 7, 10, "18446744073709551608"},
        {"no header", 0, 8, "does not begin with '{'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[128] = {0};
        for (int k = 0; k < 8; k++) bytes[k] = (char)(cases[i].length >> 8 * k);
        memset(bytes + 8, '{', sizeof bytes - 8);
        clear_dir();
        write_config();
        write_parts("model.safetensors", bytes, (size_t)cases[i].n_bytes, NULL, 0);
        expect_load(cases[i].what, dir, QW_EFORMAT, "model.safetensors", cases[i].reason);
    }
    write_parts("model.safetensors", model.data, model.size - 1, NULL, 0);
    expect_load("last byte missing", dir, QW_EFORMAT, "model.safetensors", "cut short");
    /* sparse */
    if (truncate(in_dir("model.safetensors"), (off_t)(UINT64_C(200) << 20)) == 0) {
        FILE *f = fopen(in_dir("model.safetensors"), "r+b");
        const char huge[9] = {0, 0, 0, 8, 0, 0, 0, 0, '{'};                             /* 2^27 */
        CHECK(f && fwrite(huge, 1, 9, f) == 9 && fclose(f) == 0, "sparse file");
        expect_load("header of 2^27 bytes", dir, QW_EFORMAT, "model.safetensors",
                    "at most 100000000");
    }
}

static void test_deep(void) {
    enum { DEPTH = 100000 };
    static const char *const files[] = {"model.safetensors", "config.json",
                                        "model.safetensors.index.json", "generation_config.json",
                                        "tokenizer.json"};
    struct buf b = {0};
    buf_str(&b, "{\"a\":");
    for (int i = 0; i < DEPTH; i++) buf_char(&b, '[');
    for (int i = 0; i < DEPTH; i++) buf_char(&b, ']');
    buf_str(&b, "}");
    for (int i = 0; i < 5; i++) {
        fresh_dir_for(files[i]);
        if (i == 0) write_weights(files[i], b.n, b.p, b.n, NULL, 0);
        else write_parts(files[i], b.p, b.n, NULL, 0);
        expect_load("JSON 100000 deep", dir, QW_EFORMAT, files[i], "200 deep");
    }
    buf_free(&b);
}

/* ---- one change to a valid checkpoint ---- */

enum where { CONFIG, HEADER };
#define L1 "model.layers.1."
#define IN(name) "\"" L1 name "\":{\"dtype\":\"BF16\",\"shape\":"

static const struct edit {
    enum where where;
    const char *from, *to;
    int rc;
    const char *reason;
} edits[] = {
    /* tensors */
    {HEADER, L1 "mlp.up_proj", L1 "mlp.Xp_proj", QW_EFORMAT,
     "'" L1 "mlp.up_proj.weight' is missing"},
    {HEADER, L1 "self_attn.q_norm", L1 "self_attn.q_Norm", QW_EFORMAT,
     "'" L1 "self_attn.q_norm.weight' is missing"},
    {HEADER, "\"model.norm.weight", "\"Model.norm.weight", QW_EFORMAT,
     "'model.norm.weight' is missing"},
    {HEADER, "model.embed_tokens", "model.Embed_tokens", QW_EFORMAT, "is missing"},
    {HEADER, "model.layers.2.input_layernorm", "model.layers.2.Input_layernorm", QW_EFORMAT,
     "3 layers"},
    {HEADER, IN("mlp.up_proj.weight") "[160,64]", IN("mlp.up_proj.weight") "[64,160]", QW_EFORMAT,
     "'" L1 "mlp.up_proj.weight' has shape [64, 160], expected [160, 64]"},
    {HEADER, IN("mlp.up_proj.weight") "[160,64]", IN("mlp.up_proj.weight") "[10240]", QW_EFORMAT,
     "has shape [10240], expected [160, 64]"},
    {HEADER, IN("mlp.up_proj.weight") "[160,64]", IN("mlp.up_proj.weight") "[160,64,1]", QW_EFORMAT,
     "has shape [160, 64, 1]"},
    {HEADER, IN("self_attn.q_norm.weight") "[32]", IN("self_attn.q_norm.weight") "[1,32]",
     QW_EFORMAT, "has shape [1, 32], expected [32]"},
    {HEADER, "{\"dtype\":\"BF16\",\"shape\":[320,64]", "{\"dtype\":\"BF16\",\"shape\":[64,320]",
     QW_EFORMAT, "expected [vocabulary, 64]"},
    {HEADER, "{\"dtype\":\"BF16\",\"shape\":[320,64]", "{\"dtype\":\"F8_E4M3\",\"shape\":[320,128]",
     QW_EUNSUPPORTED, "F8_E4M3"},
    {HEADER, "{\"dtype\":\"BF16\",\"shape\":[320,64]", "{\"dtype\":\"X9\",\"shape\":[320,64]",
     QW_EUNSUPPORTED, "type X9"},
    {HEADER, "{", "{\"" L1 "self_attn.q_proj.bias\":" T("F32", "[0]", 0, 0) ",", QW_EUNSUPPORTED,
     "'" L1 "self_attn.q_proj.bias'"},
    {HEADER, "{", "{\"model.layers.0.self_attn.rotary_emb.inv_freq\":" T("F64", "[0]", 0, 0) ",", 0,
     ""},

    /* what is not a dense Qwen3 */
    {CONFIG, "\"qwen3\"", "\"qwen3_moe\"", QW_EUNSUPPORTED, "qwen3_moe"},
    {CONFIG, "\"qwen3\"", "\"llama\"", QW_EUNSUPPORTED, "llama"},
    {CONFIG, "\"qwen3\"", "7", QW_EUNSUPPORTED, "model_type is '7'"},
    {CONFIG, "Qwen3ForCausalLM", "Qwen3ForSequenceClassification", QW_EUNSUPPORTED,
     "Qwen3ForSequenceClassification"},
    {CONFIG, "\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"llama3\"}",
     QW_EUNSUPPORTED, "rope_type 'llama3'"},
    {CONFIG, "\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}",
     QW_EUNSUPPORTED, "rope_type 'dynamic'"},
    {CONFIG, "\"rope_scaling\": null",
     "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 1e6}}", QW_EUNSUPPORTED,
     "full_attention"},
    {CONFIG, "\"rope_scaling\": null", "\"rope_parameters\": {\"partial_rotary_factor\": 0.5}",
     QW_EUNSUPPORTED, "partial_rotary_factor"},
    {CONFIG, "\"use_sliding_window\": false",
     "\"use_sliding_window\": true, \"sliding_window\": 64, \"max_window_layers\": 1",
     QW_EUNSUPPORTED, "use_sliding_window"},
    /* sliding_window is null */
    {CONFIG, "\"use_sliding_window\": false", "\"use_sliding_window\": true", 0, ""},
    {CONFIG, "\"sliding_window\": null",
     "\"layer_types\": [\"full_attention\", \"sliding_attention\"]", QW_EUNSUPPORTED,
     "sliding_attention"},
    {CONFIG, "\"sliding_window\": null", "\"layer_types\": [\"full_attention\"]", QW_EFORMAT,
     "layer_types has 1 entries for 3 layers"},
    {CONFIG, "\"sliding_window\": null", "\"layer_types\": \"full_attention\"", QW_EFORMAT,
     "layer_types is not a list"},
    {CONFIG, "\"attention_bias\": false", "\"attention_bias\": true", QW_EUNSUPPORTED,
     "attention_bias"},
    {CONFIG, "\"silu\"", "\"gelu\"", QW_EUNSUPPORTED, "hidden_act 'gelu'"},

    /* absurd numbers */
    {CONFIG, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", QW_EFORMAT, "layers.3"},
    {CONFIG, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 0", QW_EFORMAT,
     "num_hidden_layers is 0"},
    {CONFIG, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": -1", QW_EFORMAT,
     "num_hidden_layers is -1"},
    {CONFIG, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 1e300", QW_EFORMAT,
     "num_hidden_layers is not a whole number"},
    {CONFIG, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 3.5", QW_EFORMAT,
     "num_hidden_layers is not a whole number"},
    {CONFIG, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": \"3\"", QW_EFORMAT,
     "num_hidden_layers is not a whole number"},
    {CONFIG, "\"num_hidden_layers\": 3,", "", QW_EFORMAT, "num_hidden_layers is missing"},
    {CONFIG, "\"hidden_size\": 64", "\"hidden_size\": 2147483648", QW_EFORMAT,
     "hidden_size is 2147483648"},
    {CONFIG, "\"hidden_size\": 64", "\"hidden_size\": 262144", QW_EFORMAT, "cannot hold the model"},
    {CONFIG, "\"intermediate_size\": 160", "\"intermediate_size\": 4611686018427387904", QW_EFORMAT,
     "intermediate_size"},
    {CONFIG, "\"num_attention_heads\": 4", "\"num_attention_heads\": 5", QW_EFORMAT,
     "5 query heads"},
    {CONFIG, "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 0", QW_EFORMAT,
     "num_key_value_heads is 0"},
    {CONFIG, "\"head_dim\": 32", "\"head_dim\": 31", QW_EFORMAT, "head_dim 31 is odd"},
    {CONFIG, "\"head_dim\": 32", "\"head_dim\": 100000", QW_EFORMAT, "head_dim is 100000"},
    {CONFIG, "\"max_position_embeddings\": 40960", "\"max_position_embeddings\": 1e12", QW_EFORMAT,
     "max_position_embeddings"},
    {CONFIG, "\"vocab_size\": 320", "\"vocab_size\": 1e9", QW_EFORMAT, "vocab_size"},
    /* the embedding's rows count */
    {CONFIG, "\"vocab_size\": 320", "\"vocab_size\": 300", 0, ""},
    {CONFIG, "\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": -1", QW_EFORMAT, "rms_norm_eps is -1"},
    {CONFIG, "\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": 1e999", QW_EFORMAT,
     "rms_norm_eps is inf"},
    {CONFIG, "\"rope_theta\": 1000000", "\"rope_theta\": 0", QW_EFORMAT, "rope_theta is 0"},
    {CONFIG, "\"rope_scaling\": null", "\"rope_scaling\": 4", QW_EFORMAT, "rope_scaling"},
    {CONFIG, "\"rope_scaling\": null", "\"rope_scaling\": {\"factor\": 4}", QW_EFORMAT,
     "no rope_type"},
    {CONFIG, "\"rope_scaling\": null",
     "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 1e9}", QW_EFORMAT, "factor is 1e+09"},
    {CONFIG, "\"rope_scaling\": null",
     "\"rope_scaling\": {\"rope_type\": \"yarn\", \"original_max_position_embeddings\": 81920}",
     QW_EFORMAT, "factor is 0.5"},
    {CONFIG, "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": 1", QW_EFORMAT,
     "tie_word_embeddings is neither"},
    {CONFIG, "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", QW_EFORMAT,
     "'lm_head.weight' is missing"},
    {CONFIG, "\"eos_token_id\": 151645", "\"eos_token_id\": \"151645\"", QW_EFORMAT,
     "eos_token_id"},
    {CONFIG, "\"eos_token_id\": 151645", "\"eos_token_id\": [1, [2]]", QW_EFORMAT, "eos_token_id"},
    {CONFIG, "{", "[", QW_EFORMAT, "not valid JSON"},
    {CONFIG, "\"torch_dtype\"", "\"torch\x01\"", QW_EFORMAT, "control character"},
};

static void test_edits(void) {
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const struct edit *e = &edits[i];
        char *text =
                 replace(e->where == CONFIG ? (const char *)config.data : header.p, e->from, e->to),
             what[200];
        fresh_dir();
        if (e->where == CONFIG) write_file("config.json", text);
        else write_model("model.safetensors", text);
        snprintf(what, sizeof what, "%s -> %s", e->from, e->to);
        expect_load(what, dir, e->rc,
                    e->where == HEADER || strstr(e->reason, "weight' is missing")
                        ? "model.safetensors"
                        : "config.json",
                    e->reason);
        free(text);
    }
    /* As in transformers, a window that is not null is 4096 wide, and used from layer 28 on. */
    fresh_dir();
    write_file("config.json",
               "{\"model_type\":\"qwen3\",\"num_hidden_layers\":29,\"hidden_size\":64,"
               "\"intermediate_size\":160,\"num_attention_heads\":32,\"vocab_size\":320,"
               "\"use_sliding_window\":true}");
    expect_load("sliding window by default", dir, QW_EUNSUPPORTED, "config.json",
                "use_sliding_window");
}

static void test_valid(void) {
    qw_model *m = NULL;
    qw_error err;
    fresh_dir();
    char *v5 = replace((const char *)config.data, "\"eos_token_id\": 151645",
                       "\"eos_token_id\": [7, 999999999, -1, 7]");
    write_file("config.json", v5);
    write_file("generation_config.json", "{\"eos_token_id\": 9, \"future_key\": {\"a\": [1]}}");
    int rc = qw_load(&m, dir, NULL, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc == 0) {
        const qw_model_info *info = qw_info(m);
        CHECK(info->n_eos == 3 && info->eos[0] == 7 && info->eos[1] == 999999999 &&
                  info->eos[2] == 9,
              "%d end tokens", info->n_eos);
        CHECK(!info->tokenizer && strstr(info->tokenizer_error, "tokenizer.json is missing"),
              "%s", info->tokenizer_error);
    }
    qw_free(m);
    free(v5);
    expect_load("one file", in_dir("model.safetensors"), 0, "", "");
    static const char *const fixtures[] = {"no-prefix", "dup-head-f16", "mha-v5",
                                           "untied-f32-shards", "yarn"};
    for (int i = 0; i < 5; i++) {
        char path[64];
        snprintf(path, sizeof path, "tests/fixtures/forward/%s", fixtures[i]);
        expect_load(fixtures[i], path, 0, "", "");
    }
}

/* ---- several files ---- */

#define INDEX "model.safetensors.index.json"
static void test_index(void) {
    static const struct {
        const char *what, *index;
        int rc;
        const char *file, *reason;
    } cases[] = {
        {"index points outside", "{\"weight_map\":{\"a\":\"../model.safetensors\"}}", QW_EFORMAT,
         INDEX, "'../model.safetensors'"},
        {"index has an absolute path", "{\"weight_map\":{\"a\":\"/etc/passwd\"}}", QW_EFORMAT,
         INDEX, "'/etc/passwd'"},
        {"index points to a subdirectory", "{\"weight_map\":{\"a\":\"x/y.safetensors\"}}",
         QW_EFORMAT, INDEX, "'x/y.safetensors'"},
        {"index has a backslash", "{\"weight_map\":{\"a\":\"..\\\\m.safetensors\"}}", QW_EFORMAT,
         INDEX, "m.safetensors', which"},
        {"index points to .", "{\"weight_map\":{\"a\":\".\"}}", QW_EFORMAT, INDEX, "'.'"},
        {"index points to ..", "{\"weight_map\":{\"a\":\"..\"}}", QW_EFORMAT, INDEX, "'..'"},
        {"index hides a slash in an escape", "{\"weight_map\":{\"a\":\"..\\u002fm\"}}", QW_EFORMAT,
         INDEX, "'../m'"},
        {"index has a NUL in a name", "{\"weight_map\":{\"a\":\"model.safetensors\\u0000x\"}}",
         QW_EFORMAT, INDEX, "not a file of this directory"},
        {"index has an empty name", "{\"weight_map\":{\"a\":\"\"}}", QW_EFORMAT, INDEX, "''"},
        {"index has a number for a name", "{\"weight_map\":{\"a\":1}}", QW_EFORMAT, INDEX,
         "not a file name"},
        {"index without weight_map", "{\"metadata\":{}}", QW_EFORMAT, INDEX, "no weight_map"},
        {"index with an empty weight_map", "{\"weight_map\":{}}", QW_EFORMAT, INDEX,
         "no weight_map"},
        {"index is a list", "[]", QW_EFORMAT, INDEX, "no weight_map"},
        {"missing shard",
         "{\"weight_map\":{\"a\":\"model-0.safetensors\",\"b\":\"model-2.safetensors\"}}", QW_EIO,
         INDEX, "model-2.safetensors is missing"},
        {"shard without safetensors in it", "{\"weight_map\":{\"a\":\"config.json\"}}", QW_EFORMAT,
         "config.json", "not a safetensors file"},
        {"the same tensors in two shards",
         "{\"weight_map\":{\"a\":\"model-0.safetensors\",\"b\":\"model-1.safetensors\"}}", 0, "",
         ""},
        {"valid index",
         "{\"weight_map\":{\"a\":\"model-0.safetensors\",\"b\":\"model-0.safetensors\"}}", 0, "",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fresh_dir_for(INDEX);
        write_model("model-1.safetensors", header.p);
        write_file(INDEX, cases[i].index);
        expect_load(cases[i].what, dir, cases[i].rc, cases[i].file, cases[i].reason);
    }
}

/* That a tensor may be in several files of an index does not let it be twice in one. */
static void test_twice_in_shard(void) {
    const char *text =
        "{\"a\":" T("U8", "[1]", 0, 1) ",\"\\u0061\":" T("U8", "[1]", 1, 2) "}";
    fresh_dir_for(INDEX);
    write_weights("model-1.safetensors", strlen(text), text, strlen(text), "ab", 2);
    write_file(INDEX, "{\"weight_map\":{\"x\":\"model-0.safetensors\","
                      "\"a\":\"model-1.safetensors\"}}");
    expect_load("twice in a shard", dir, QW_EFORMAT, "model-1.safetensors", "'a' appears twice");
}

/* ---- files that are not what they should be ---- */

static void test_files(void) {
    clear_dir();
    expect_load("empty directory", dir, QW_EIO, "config.json", "missing");
    write_config();
    expect_load("no weights", dir, QW_EIO, dir, "holds no weights");
    expect_load("missing directory", in_dir("nothing"), QW_EIO, "nothing", "no such file");
    expect_load("empty path", "", QW_EIO, "", "no such file");
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "generation_config.json", "model.safetensors.index.json",
                                        "tokenizer.json"};
    for (int i = 0; i < 5; i++) {
        fresh_dir_for(files[i]);
        unlink(in_dir(files[i]));
        CHECK(mkdir(in_dir(files[i]), 0700) == 0, "%s", files[i]);
        expect_load("directory instead of a file", dir, QW_EIO, files[i], "is a directory");

        fresh_dir_for(files[i]);
        unlink(in_dir(files[i]));
        CHECK(mkfifo(in_dir(files[i]), 0600) == 0, "%s", files[i]);
        expect_load("pipe instead of a file", dir, QW_EIO, files[i], "special");

        fresh_dir_for(files[i]);
        unlink(in_dir(files[i]));
        CHECK(symlink("nowhere", in_dir(files[i])) == 0, "%s", files[i]);
        expect_load("link to nowhere", dir, QW_EIO, files[i], "No such file");

        fresh_dir_for(files[i]);
        write_file(files[i], "");
        expect_load("empty file", dir, QW_EFORMAT, files[i], "");

        fresh_dir_for(files[i]);
        if (i != 1) write_file(files[i], "{}");
        CHECK(chmod(in_dir(files[i]), 0) == 0, "%s", files[i]);
        /* root reads all */
        if (access(in_dir(files[i]), R_OK) != 0)
            expect_load("unreadable file", dir, QW_EIO, files[i], strerror(EACCES));
        chmod(in_dir(files[i]), 0600);
    }
    fresh_dir();
    write_file("generation_config.json", "{\"temperature\": -1}");
    expect_load("negative temperature", dir, 0, "", "");
    write_file("generation_config.json", "[1]");
    expect_load("a list of settings", dir, QW_EFORMAT, "generation_config.json",
                "not a JSON object");
    for (int i = 0; i < 2; i++) {           /* do_sample decides whether the temperature counts */
        qw_error err = {0, ""};
        qw_model *m = NULL;
        write_file("generation_config.json",
                   i ? "{\"do_sample\": true, \"temperature\": 0.5}" : "{\"temperature\": 0.5}");
        int rc = qw_load(&m, dir, NULL, &err);
        CHECK(rc == 0, "%s", err.message);
        if (m) {
            float temperature = qw_default_sampling(m, 1).temperature;
            CHECK(temperature == (i ? 0.5f : 0), "do_sample %d: temperature %g", i, temperature);
        }
        qw_free(m);
    }
}

/* A tokenizer that is not supported stops only what needs one: the model in dir loads. */
static void expect_unsupported(const char *what, const char *reason) {
    qw_model *m = NULL;
    qw_session *s = NULL;
    qw_chat *chat = NULL;
    qw_error err = {0};
    int32_t ids[] = {1, 2, 3};
    CHECK(qw_load(&m, dir, NULL, &err) == 0, "%s: %s", what, err.message);
    if (!m) return;
    CHECK(!qw_info(m)->tokenizer && strstr(qw_info(m)->tokenizer_error, reason), "%s", what);
    int rc = qw_session_new(&s, m, NULL, &err);
    if (!rc) rc = qw_feed(s, ids, 3, &err);
    CHECK(rc == 0, "%s: %s", what, err.message);
    rc = s ? qw_chat_new(&chat, s, NULL, &err) : 0;
    CHECK(rc == QW_EUNSUPPORTED && strstr(err.message, reason), "%s: %s", what, err.message);
    qw_session_free(s);
    qw_free(m);
}

static void test_tokenizers(void) {
    static const struct {
        const char *what, *from, *to;
        int rc;
        const char *reason;
    } cases[] = {
        {"missing merges", "\"merges\"", "\"nerges\"", QW_EFORMAT, "model.merges is missing"},
        {"missing vocabulary", "\"vocab\"", "\"wocab\"", QW_EFORMAT, "model.vocab is missing"},
        {"other model", "\"BPE\"", "\"Unigram\"", QW_EUNSUPPORTED, "\"Unigram\""},
        {"other normalizer", "\"NFC\"", "\"NFKC\"", QW_EUNSUPPORTED, "\"NFKC\""},
        {"absurd id", "\"!\":", "\"!\":99999999999", QW_EFORMAT, "id of token \"!\""},
    };
    struct file f;
    qw_error err;
    int rc = read_file(&f, "models/tiny/tokenizer.json", 1 << 24, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc) return;
    const char *json = (const char *)f.data;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* a vocabulary entry, with or without a space behind the colon */
        const char *colon = strstr(cases[i].from, "\":");
        char spaced[64];
        snprintf(spaced, sizeof spaced, "%s ", cases[i].from);
        char *text =
            replace(json, colon && strstr(json, spaced) ? spaced : cases[i].from, cases[i].to);
        fresh_dir();
        write_file("tokenizer.json", text);
        free(text);
        if (cases[i].rc == QW_EUNSUPPORTED) expect_unsupported(cases[i].what, cases[i].reason);
        else expect_load(cases[i].what, dir, cases[i].rc, "tokenizer.json", cases[i].reason);
    }
    fresh_dir();
    write_parts("tokenizer.json", json, f.size / 2, NULL, 0);
    expect_load("half a tokenizer", dir, QW_EFORMAT, "tokenizer.json", "not valid JSON");
    qw_tokenizer *t = NULL;
    rc = qw_tokenizer_load(&t, in_dir("nothing"), &err);
    CHECK(rc == QW_EIO && !t && strstr(err.message, "nothing"), "%d: %s", rc, err.message);
    file_close(&f);
}

/* ---- what a loaded model refuses ---- */

static void expect_code(const char *what, int got, int rc, const qw_error *err,
                        const char *reason) {
    CHECK(got == rc && err->code == rc && strstr(err->message, reason),
          "%s: code %d, expected %d: %s", what, got, rc, err->message);
}

static void test_sessions(void) {
    qw_model *m = NULL;
    qw_session *s = NULL;
    qw_error err;
    int32_t id, ids[64] = {0};
    float logits[320];
    int rc = qw_load(&m, FIXTURE, NULL, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc) return;
    expect_code("context 50000", qw_session_new(&s, m, &(qw_session_params){.n_ctx = 50000}, &err),
                QW_EARG, &err, "40960");
    expect_code("context -1", qw_session_new(&s, m, &(qw_session_params){.n_ctx = -1}, &err),
                QW_EARG, &err, "-1");
    expect_code("batch -1", qw_session_new(&s, m, &(qw_session_params){.n_batch = -1}, &err),
                QW_EARG, &err, "-1");
    expect_code("cache of a type unknown",
                qw_session_new(&s, m, &(qw_session_params){.kv_type = "q4"}, &err), QW_EARG, &err,
                "f32, f16 or q8");
    qw_model *none = NULL;
    expect_code("weight type",
                qw_load(&none, FIXTURE, &(qw_load_params){.weight_type = "q2"}, &err), QW_EARG,
                &err, "q2");
    expect_code("threads", qw_load(&none, FIXTURE, &(qw_load_params){.n_threads = 100000}, &err),
                QW_EARG, &err, "100000 threads");
    expect_code("threads for prompts",
                qw_load(&none, FIXTURE, &(qw_load_params){.n_threads = 2, .n_threads_batch = 257},
                        &err),
                QW_EARG, &err, "257 threads");
    expect_code("threads for prompts",
                qw_load(&none, FIXTURE, &(qw_load_params){.n_threads_batch = -1}, &err), QW_EARG,
                &err, "-1 threads");
    expect_code("no CPUs", qw_use_cpus("", &err), QW_EARG, &err, "'' in ''");
    rc = qw_session_new(&s, m, &(qw_session_params){.n_ctx = 16}, &err);
    CHECK(rc == 0, "%s", err.message);
    expect_code("nothing fed", qw_next(s, &id, &err), QW_EARG, &err, "no tokens");
    expect_code("too long a prompt", qw_feed(s, ids, 17, &err), QW_ECONTEXT, &err, "17 tokens");
    CHECK(qw_n_tokens(s) == 0, "%zu tokens", qw_n_tokens(s));
    ids[3] = 320;
    expect_code("id beyond the vocabulary", qw_feed(s, ids, 4, &err), QW_EARG, &err, "320");
    ids[3] = -1;
    expect_code("negative id", qw_feed(s, ids, 4, &err), QW_EARG, &err, "-1");
    ids[3] = 0;
    CHECK(qw_n_tokens(s) == 0, "%zu tokens", qw_n_tokens(s));
    CHECK(qw_feed(s, ids, 16, &err) == 0, "%s", err.message);
    expect_code("full context", qw_next(s, &id, &err), QW_ECONTEXT, &err, "16 positions");
    expect_code("one more", qw_feed(s, ids, 1, &err), QW_ECONTEXT, &err, "1 tokens");
    int32_t next[2];
    qw_session *fresh = NULL;
    for (int i = 0; i < 12; i++) ids[i] = 7 * i + 3;
    CHECK(qw_rewind(s, 0, &err) == 0 && qw_feed(s, ids, 5, &err) == 0 &&
              qw_feed(s, ids + 5, 5, &err) == 0 && qw_rewind(s, 3, &err) == 0,
          "%s", err.message);
    CHECK(qw_session_new(&fresh, m, &(qw_session_params){.n_ctx = 16}, &err) == 0 &&
              qw_feed(fresh, ids, 3, &err) == 0,
          "%s", err.message);
    CHECK(qw_next(s, &next[0], &err) >= 0 && qw_next(fresh, &next[1], &err) >= 0 &&
              next[0] == next[1],
          "after a rewind %d, afresh %d", next[0], next[1]);
    qw_session_free(fresh);
    memset(ids, 0, sizeof ids);
    CHECK(qw_rewind(s, 0, &err) == 0 && qw_feed(s, ids, 16, &err) == 0, "%s", err.message);
    expect_code("rewind forward", qw_rewind(s, 17, &err), QW_EARG, &err, "17");
    expect_code("logits beyond", qw_logits(s, 16, 1, logits, &err), QW_EARG, &err, "16");
    expect_code("logits that wrap", qw_logits(s, 1, SIZE_MAX, logits, &err), QW_EARG, &err,
                "last pass");
    qw_sampling set = qw_default_sampling(m, 1);
    set.temperature = -1;
    expect_code("temperature", qw_session_set_sampling(s, &set, &err), QW_EARG, &err,
                "temperature");
    set = (qw_sampling){.top_p = 1,
                        .repetition_penalty = 1,
                        .bias = &(qw_logit_bias){320, 1},
                        .n_bias = 1};
    expect_code("bias", qw_session_set_sampling(s, &set, &err), QW_EARG, &err, "320");
    qw_session_free(s);
    qw_free(m);
}

/* Weights with a NaN or an infinity in them: they load, and the first token is refused. */
static void test_not_finite(void) {
    /* NaN, inf, -inf; the largest BF16, which overflows */
    static const uint16_t values[] = {0x7FC0, 0x7F80, 0xFF80, 0x7F7F};
    unsigned char *damaged = malloc(n_weights);
    memcpy(damaged, weights, n_weights);
    const char *norm = strstr(header.p, "\"model.norm.weight\""),
               *at = norm ? strstr(norm, "data_offsets\":[") : NULL;
    size_t offset = at ? strtoul(at + 15, NULL, 10) : 0;
    CHECK(offset > 0 && offset + 128 <= n_weights, "model.norm.weight at %zu", offset);
    for (int i = 0; i < 4; i++) {
        qw_model *m = NULL;
        qw_session *s = NULL;
        qw_error err;
        int32_t id = -1, ids[2] = {5, 6};
        for (int k = 0; k < 64; k++) memcpy(damaged + offset + 2 * k, &values[i], 2);
        fresh_dir();
        write_weights("model.safetensors", strlen(header.p), header.p, strlen(header.p), damaged,
                      n_weights);
        int rc = qw_load(&m, dir, NULL, &err);
        if (!rc) rc = qw_session_new(&s, m, NULL, &err);
        if (!rc) rc = qw_feed(s, ids, 2, &err);
        CHECK(rc == 0, "%s", err.message);
        if (!rc) expect_code("not finite", qw_next(s, &id, &err), QW_ENUMERIC, &err, "not finite");
        qw_session_free(s);
        qw_free(m);
    }
    /* Infinite logits without a NaN, of the second position alone: of all tokens only 6 has so
     * large an embedding. */
    const char *e = strstr(header.p, "\"model.embed_tokens.weight\""),
               *data = e ? strstr(e, "data_offsets\":[") : NULL;
    size_t embedding = data ? strtoul(data + 15, NULL, 10) : SIZE_MAX;
    memset(damaged, 0, n_weights);
    for (int k = 0; k < 64; k++) {
        static const uint16_t two = 0x4000, large = 0x7E00;     /* 2^125 */
        memcpy(damaged + offset + 2 * k, &large, 2);
        if (embedding < n_weights) memcpy(damaged + embedding + (6 * 64 + (size_t)k) * 2, &two, 2);
    }
    fresh_dir();
    write_weights("model.safetensors", strlen(header.p), header.p, strlen(header.p), damaged,
                  n_weights);
    qw_model *m = NULL;
    qw_session *s = NULL;
    qw_error err;
    float logits[2 * 320];
    int32_t ids[2] = {5, 6};
    int rc = qw_load(&m, dir, NULL, &err);
    if (!rc) rc = qw_session_new(&s, m, NULL, &err);
    if (!rc) rc = qw_feed(s, ids, 2, &err);
    CHECK(rc == 0, "%s", err.message);
    CHECK(rc || qw_logits(s, 0, 1, logits, &err) == 0, "%s", err.message);
    if (!rc)
        expect_code("infinite", qw_logits(s, 1, 1, logits, &err), QW_ENUMERIC, &err,
                    "token 6 of position 1");
    if (!rc)
        expect_code("infinite, second of two", qw_logits(s, 0, 2, logits, &err), QW_ENUMERIC, &err,
                    "token 6 of position 1");
    qw_session_free(s);
    qw_free(m);
    free(damaged);
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    qw_error err;
    snprintf(dir, sizeof dir, "%s/qw-hostile-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    if (read_file(&config, FIXTURE "config.json", 1 << 20, &err) ||
        read_file(&model, FIXTURE "model.safetensors", 1 << 24, &err)) {
        printf("not ok - hostile: %s\n", err.message);
        return 1;
    }
    size_t n = model.data[0] + 256u * model.data[1];
    buf_put(&header, model.data + 8, n);
    buf_char(&header, 0);
    weights = model.data + 8 + n;
    n_weights = (size_t)model.size - 8 - n;

    RUN("hostile: safetensors headers", test_headers);
    RUN("hostile: lengths and cut files", test_lengths);
    RUN("hostile: deep JSON", test_deep);
    RUN("hostile: tensors and config", test_edits);
    RUN("hostile: odd but valid", test_valid);
    RUN("hostile: index", test_index);
    RUN("hostile: a tensor twice in a shard", test_twice_in_shard);
    RUN("hostile: files", test_files);
    RUN("hostile: tokenizers", test_tokenizers);
    RUN("hostile: arguments of a loaded model", test_sessions);
    RUN("hostile: weights that are not finite", test_not_finite);

    clear_dir();
    rmdir(dir);
    file_close(&config);
    file_close(&model);
    buf_free(&header);
    TEST_END();
}
