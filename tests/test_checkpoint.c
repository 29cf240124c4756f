/* test_checkpoint.c - which tensors of a checkpoint become the model: heads that should be tied and
 * are not, names with and without a prefix, tensors that nothing uses, weights that are quantised
 * or were. Each checkpoint is a fixture's with a few changes, in a directory of its own. */
#include <inttypes.h>
#include <string.h>
#include "qw.h"
#include "base/buf.h"
#include "base/file.h"
#include "model/weight_files.h"
#include "test.h"

#define FIXTURE "tests/fixtures/forward/tied-bf16"
#define EMBEDDING "model.embed_tokens.weight"

enum { MAX_PARTS = 64, ROWS = 320, COLS = 64, ROW = COLS * 2 };

static char dir[256];
static struct checkpoint fixture;
static struct file fixture_config;

/* ---- a checkpoint as a list of tensors ---- */

struct part { char name[96], type[16], shape[32]; const void *data; size_t size; };
static struct part parts[MAX_PARTS];
static int n_parts;

static struct part *add_part(const char *name, const char *type, const char *shape,
                             const void *data, size_t size) {
    struct part *p = &parts[n_parts++];
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->type, sizeof p->type, "%s", type);
    snprintf(p->shape, sizeof p->shape, "%s", shape);
    p->data = data;
    p->size = size;
    return p;
}

static void start_with_fixture(void) {
    n_parts = 0;
    for (uint32_t i = 0; i < fixture.n_tensors; i++) {
        const struct tensor *t = &fixture.tensors[i];
        char shape[32];
        if (t->n_dims == 1) snprintf(shape, sizeof shape, "%" PRIu64, t->shape[0]);
        else snprintf(shape, sizeof shape, "%" PRIu64 ",%" PRIu64, t->shape[0], t->shape[1]);
        add_part(t->name, t->type_name, shape, t->data, (size_t)t->size);
    }
}

static struct part *find_part(const char *name) {
    for (int i = 0; i < n_parts; i++)
        if (strcmp(parts[i].name, name) == 0) return &parts[i];
    printf("  the fixture has no %s\n", name);
    exit(1);
}

static void drop_part(const char *name) {
    struct part *p = find_part(name);
    *p = parts[--n_parts];
}

static void write_file(const char *name, const void *p, size_t n) {
    char path[320];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

/* members: more for config.json, before its own; NULL: none. */
static void write_all(const char *members) {
    struct buf header = {0}, data = {0}, file = {0}, config = {0};
    for (int i = 0; i < n_parts; i++) {
        const struct part *p = &parts[i];
        char offsets[80];
        snprintf(offsets, sizeof offsets, "],\"data_offsets\":[%zu,%zu]}", data.n,
                 data.n + p->size);
        const char *text[] = {i ? ",\"" : "{\"", p->name, "\":{\"dtype\":\"", p->type,
                              "\",\"shape\":[", p->shape, offsets};
        for (int k = 0; k < 7; k++) buf_str(&header, text[k]);
        buf_put(&data, p->data, p->size);
    }
    buf_char(&header, '}');
    for (int i = 0; i < 8; i++) buf_char(&file, (char)((uint64_t)header.n >> 8 * i));
    buf_put(&file, header.p, header.n);
    buf_put(&file, data.p, data.n);
    write_file("model.safetensors", file.p, file.n);
    const char *own = (const char *)fixture_config.data;
    size_t end = strlen(own);
    while (end > 0 && own[end - 1] != '}') end--;
    buf_put(&config, own, end - 1);
    if (members) {
        buf_char(&config, ',');
        buf_str(&config, members);
    }
    buf_char(&config, '}');
    write_file("config.json", config.p, config.n);
    buf_free(&header);
    buf_free(&data);
    buf_free(&file);
    buf_free(&config);
}

/* ---- what loading makes of it ---- */

/* One warning that says so, or none (NULL). Returns whether the head is tied; -1: refused. */
static int load(const char *what, int compare_all, const char *says) {
    const qw_load_params params = {.n_threads = 1, .compare_all = compare_all};
    qw_error err = {0, ""};
    qw_model *m = NULL;
    int rc = qw_load(&m, dir, &params, &err);
    CHECK(rc == 0, "%s: %s", what, err.message);
    if (rc) return -1;
    const qw_model_info *info = qw_info(m);
    CHECK(info->n_warnings == (says != NULL), "%s: %d warnings: %s", what, info->n_warnings,
          info->n_warnings ? info->warnings[0] : "");
    if (says && info->n_warnings)
        CHECK(strstr(info->warnings[0], says), "%s: '%s' does not say '%s'", what,
              info->warnings[0], says);
    int tied = info->tied;
    qw_free(m);
    return tied;
}

static void refuse(const char *what, int rc, const char *a, const char *b) {
    qw_error err = {0, ""};
    qw_model *m = NULL;
    int got = qw_load(&m, dir, NULL, &err);
    CHECK(got == rc && strstr(err.message, a) && strstr(err.message, b), "%s: %d %s", what, got,
          err.message);
    qw_free(m);
}

/* ---- the head ---- */

static bool is_sampled(int row) {
    for (int i = 0; i < 256; i++)
        if (i * (ROWS - 1) / 255 == row) return true;
    return false;
}

/* One row of the copy differs: a sample may miss it, but not the whole. */
static void test_head(void) {
    static unsigned char copy[ROWS * ROW];
    const char *own = "'lm_head.weight' has values of its own";
    int sampled = 0;
    start_with_fixture();
    memcpy(copy, find_part(EMBEDDING)->data, sizeof copy);
    add_part("lm_head.weight", "BF16", "320,64", copy, sizeof copy);
    write_all(NULL);
    CHECK(load("a copy", 0, NULL) == 1 && load("a copy, all", 1, NULL) == 1, "tied");
    add_part("model.lm_head.weight", "U8", "1", copy, 1);
    write_all(NULL);
    CHECK(load("two heads", 0, "nothing uses: model.lm_head.weight") == 1, "tied");
    drop_part("model.lm_head.weight");
    for (int row = 0; row < ROWS; row++) {
        bool seen = is_sampled(row);
        sampled += seen;
        if (row > 20 && row < ROWS - 20) continue;
        copy[row * ROW + 100] ^= 1;
        write_all(NULL);
        CHECK(load("sampled", 0, seen ? own : NULL) == !seen, "row %d", row);
        CHECK(load("all", 1, own) == 0, "row %d", row);
        write_all("\"tie_word_embeddings\":false");
        CHECK(load("untied", 0, NULL) == 0, "row %d", row);
        copy[row * ROW + 100] ^= 1;
    }
    CHECK(sampled == 256 && is_sampled(0) && is_sampled(ROWS - 1), "%d rows", sampled);
}

/* More or fewer rows than config.json says. */
static void test_vocabulary(void) {
    start_with_fixture();
    write_all("\"vocab_size\":300");
    load("more rows", 0, "'model.embed_tokens.weight' has 320 rows, but config.json a vocab_size "
                         "of 300: the rows count");
    write_all("\"vocab_size\":321");
    load("fewer rows", 0, "a vocab_size of 321: the rows count");
    snprintf(find_part(EMBEDDING)->name, 96, "lm_head.weight");
    write_all("\"vocab_size\":320");
    CHECK(load("only the head", 0, "in its place") == 1, "tied");
}

/* Equal in value counts, not in bits. */
static void test_head_zero(void) {
    static unsigned char copy[ROWS * ROW], minus[ROWS * ROW];
    start_with_fixture();
    memcpy(copy, find_part(EMBEDDING)->data, sizeof copy);
    copy[0] = copy[1] = 0;
    memcpy(minus, copy, sizeof copy);
    minus[1] = 0x80;
    find_part(EMBEDDING)->data = copy;
    add_part("lm_head.weight", "BF16", "320,64", minus, sizeof minus);
    write_all(NULL);
    CHECK(load("minus zero", 0, NULL) == 1, "tied");
}

static void test_head_shapes(void) {
    static unsigned char rows[ROWS * ROW];
    start_with_fixture();
    struct part *p = add_part("lm_head.weight", "BF16", "310,64", rows, 310 * ROW);
    write_all(NULL);
    refuse("fewer rows", QW_EFORMAT, "'lm_head.weight' has shape [310, 64]", "expected [320, 64]");
    snprintf(p->shape, sizeof p->shape, "64,310");
    write_all(NULL);
    refuse("turned", QW_EFORMAT, "'lm_head.weight' has shape [64, 310]", "expected [320, 64]");
    snprintf(p->type, sizeof p->type, "F8_E5M2");
    snprintf(p->shape, sizeof p->shape, "310,128");
    write_all(NULL);
    refuse("another type", QW_EUNSUPPORTED, "lm_head.weight", "F8_E5M2");
    drop_part("lm_head.weight");
    snprintf(find_part(EMBEDDING)->name, 96, "lm_head.weight");
    write_all(NULL);
    CHECK(load("only the head", 0, "'lm_head.weight' is used in its place") == 1, "tied");
    write_all("\"tie_word_embeddings\":false");
    refuse("only the head, untied", QW_EFORMAT, "embed_tokens.weight", "is missing");
}

/* Of another shape, although the bytes from its first on are the embedding's: the rest of them is
 * the next tensor. */
static void test_head_part(void) {
    const struct part *embd;
    start_with_fixture();
    embd = find_part(EMBEDDING);
    struct part *p = add_part("lm_head.weight", "BF16", "160,64", embd->data, 160 * ROW);
    const unsigned char *rest = (const unsigned char *)embd->data + 160 * ROW;
    add_part("rest", "BF16", "160,64", rest, 160 * ROW);
    write_all(NULL);
    refuse("half of the rows", QW_EFORMAT, "has shape [160, 64]", "expected [320, 64]");
    snprintf(p->shape, sizeof p->shape, "320,32");
    write_all(NULL);
    refuse("half of the columns", QW_EFORMAT, "has shape [320, 32]", "expected [320, 64]");
    drop_part("rest");
    p->size = ROWS * ROW;
    snprintf(p->shape, sizeof p->shape, "320,64,1");
    write_all(NULL);
    refuse("three dimensions", QW_EFORMAT, "has shape [320, 64, 1]", "expected [320, 64]");
}

static void test_headless(void) {
    static unsigned char rows[ROWS * ROW];
    const char *bare = "\"architectures\":[\"Qwen3Model\"],\"tie_word_embeddings\":false";
    start_with_fixture();
    write_all(bare);
    CHECK(load("no head", 0, NULL) == 1, "tied");
    add_part("lm_head.weight", "BF16", "320,64", rows, sizeof rows);
    write_all(bare);
    CHECK(load("a head all the same", 0, NULL) == 0, "not tied");
}

/* Qwen3-Embedding-8B: nothing is tied, no head, no prefix, and the usual architecture. */
static void test_headless_names(void) {
    static unsigned char rows[ROWS * ROW];
    const char *untied = "\"tie_word_embeddings\":false";
    start_with_fixture();
    write_all(untied);
    refuse("no head", QW_EFORMAT, "'lm_head.weight' is missing", dir);
    for (int i = 0; i < n_parts; i++) {
        char *name = parts[i].name, *bare = name + strlen("model.");
        memmove(name, bare, strlen(bare) + 1);
    }
    write_all(untied);
    CHECK(load("no head, bare names", 0, NULL) == 1, "tied");
    add_part("lm_head.weight", "BF16", "320,64", rows, sizeof rows);
    write_all(untied);
    CHECK(load("a head, bare names", 0, NULL) == 0, "not tied");
}

/* ---- what nothing uses ---- */

static void test_unused(void) {
    static const unsigned char zeros[256];
    start_with_fixture();
    add_part("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", "16", zeros, 64);
    add_part("rotary_emb.inv_freq", "F32", "16", zeros, 64);
    write_all(NULL);
    load("frequencies", 0, NULL);
    add_part("score.weight", "I64", "1,2,3", zeros, 48);
    write_all(NULL);
    load("one", 0, "model.safetensors: tensors that nothing uses: score.weight");
    for (int i = 0; i < 5; i++) {
        char name[40];
        snprintf(name, sizeof name, "v.%d", i);
        add_part(name, "U8", "1", zeros, 1);
    }
    write_all(NULL);
    load("six", 0, "nothing uses: score.weight, v.0, v.1, v.2 and 2 more");
    start_with_fixture();
    add_part("base_model.model.model.layers.2.self_attn.q_proj.lora_B.weight", "U8", "1", zeros, 1);
    char long_name[81] = "";
    memset(long_name, 'x', 80);
    add_part(long_name, "U8", "1", zeros, 1);
    write_all(NULL);
    long_name[72] = 0;
    load("long names", 0, "base_model.model.model.layers.2.self_attn.q_proj.lora_B.weight, xx");
    load("long names", 0, strcat(long_name, ".."));
    start_with_fixture();
    add_part("model.layers.2.extra", "U8", "1", zeros, 1);
    add_part("model.layers.9x", "U8", "1", zeros, 1);
    add_part("model.layersX", "U8", "1", zeros, 1);
    write_all(NULL);
    load("of a layer that there is", 0,
         "nothing uses: model.layers.2.extra, model.layers.9x, model.layersX");
    start_with_fixture();
    add_part("layers.99999999999999999999.a", "U8", "1", zeros, 1);
    add_part("model.layers.3.a", "U8", "1", zeros, 1);
    add_part("model.layers.3.b", "U8", "1", zeros, 1);
    add_part("model.layers.11.mlp.x", "U8", "1", zeros, 1);
    add_part("model.model.layers.4.a", "U8", "1", zeros, 1);
    write_all(NULL);
    load("layers", 0, "not used, since num_hidden_layers is 3: layers.99999999999999999999, "
                      "model.layers.11, model.layers.3, model.model.layers.4");
}

/* A name that is repaired does not hide the one that is right. */
static void test_names(void) {
    static const unsigned char zeros[256];
    start_with_fixture();
    add_part("norm.weight", "BF16", "64", zeros, 128);
    write_all(NULL);
    load("two norms", 0, "nothing uses: norm.weight");
    snprintf(find_part("model.norm.weight")->name, 96, "model.model.norm.weight");
    write_all(NULL);
    load("two wrong norms", 0, "nothing uses: model.model.norm.weight");
    drop_part("norm.weight");
    write_all(NULL);
    load("one wrong norm", 0, NULL);
    drop_part("model.model.norm.weight");
    write_all(NULL);
    refuse("no norm", QW_EFORMAT, "'model.norm.weight' is missing", dir);
}

/* ---- quantised, or not ---- */

static void test_quantised(void) {
    static const unsigned char zeros[160 * 64];
    static const char q[] = "model.layers.1.mlp.up_proj.weight";
    static const char *const companions[] = {
        "qweight", "qzeros", "scales", "g_idx", "biases", "weight_scale_inv", "weight_scale",
        "weight_packed", "weight_zero_point", "weight.absmax", "weight.quant_map", "SCB",
        "input_scale", "activation_scale",
    };
    const char *awq = "\"quantization_config\":{\"quant_method\":\"awq\"}";
    start_with_fixture();
    write_all(awq);
    load("left over", 0, "not quantised, although config.json says they are (awq): that is "
                         "ignored");
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++) {
        char name[96];
        start_with_fixture();
        snprintf(name, sizeof name, "model.layers.1.mlp.up_proj.%s", companions[i]);
        add_part(name, "U8", "4", zeros, 4);
        write_all(awq);
        refuse(name, QW_EUNSUPPORTED, name, "quantised (awq); take the original");
        write_all(NULL);
        load(name, 0, "tensors that nothing uses");
        drop_part(q);
        write_all(NULL);
        refuse(name, QW_EUNSUPPORTED, "up_proj.weight' is missing: the weights are quantised",
               name);
    }
    start_with_fixture();
    drop_part(q);
    write_all("\"quantization_config\":{\"quant_method\":\"torchao\"}");
    refuse("of a method unknown here", QW_EUNSUPPORTED, "is missing", "quantised (torchao)");
    write_all(NULL);
    refuse("simply missing", QW_EFORMAT, "up_proj.weight' is missing", "");
    start_with_fixture();
    snprintf(find_part(q)->type, 16, "F8_E4M3");
    snprintf(find_part(q)->shape, 32, "160,128");
    write_all("\"quantization_config\":{\"quant_method\":\"fp8\"}");
    refuse("a type", QW_EUNSUPPORTED, "F8_E4M3", "quantised (fp8)");
}

static void test_adapter(void) {
    static const char *const names[] = {"adapter_config.json", "adapter_model.safetensors",
                                        "adapter_model.bin"};
    start_with_fixture();
    write_all(NULL);
    for (int i = 0; i < 3; i++) {
        char path[320], says[96];
        write_file(names[i], "", 0);
        snprintf(says, sizeof says, "the adapter beside the model (%s) is not applied", names[i]);
        load(names[i], 0, says);
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
}

/* transformers_weights names the file that counts; model.safetensors is there. */
static void test_named_file(void) {
    start_with_fixture();
    write_all("\"transformers_weights\":\"model.safetensors\"");
    load("the file that is there", 0, NULL);
    write_all("\"transformers_weights\":\"model.safetensors.index.json\"");
    refuse("the other file", QW_EUNSUPPORTED, "config.json: transformers_weights is model.",
           "but model.safetensors beside it would be read");
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    qw_error err;
    snprintf(dir, sizeof dir, "%s/qw-checkpoint-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir) || checkpoint_open(&fixture, FIXTURE, NULL, &err) ||
        read_file(&fixture_config, FIXTURE "/config.json", 1 << 20, &err)) {
        printf("not ok - checkpoint: no fixture, or no temporary directory\n");
        return 1;
    }
    RUN("checkpoint: a head that should be tied", test_head);
    RUN("checkpoint: rows and vocab_size", test_vocabulary);
    RUN("checkpoint: minus zero is zero", test_head_zero);
    RUN("checkpoint: heads of odd shapes", test_head_shapes);
    RUN("checkpoint: half a head", test_head_part);
    RUN("checkpoint: a bare model", test_headless);
    RUN("checkpoint: a bare model by its names", test_headless_names);
    RUN("checkpoint: what nothing uses", test_unused);
    RUN("checkpoint: names with and without prefix", test_names);
    RUN("checkpoint: quantised, or not", test_quantised);
    RUN("checkpoint: an adapter beside it", test_adapter);
    RUN("checkpoint: the file that config.json names", test_named_file);
    checkpoint_close(&fixture);
    file_close(&fixture_config);
    for (int i = 0; i < 2; i++) {
        char path[320];
        snprintf(path, sizeof path, "%s/%s", dir, i ? "config.json" : "model.safetensors");
        unlink(path);
    }
    rmdir(dir);
    TEST_END();
}
