/* test_packed.c - packed files: the same bytes for any number of threads and any level, read back
 * as what -q makes while loading, damage found and named, hostile ones refused; what is not finite
 * is refused; the memory it takes. With `quick` one number of threads and the fastest level only;
 * with `bytes` nothing but the bytes of small models, quickly. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "model/packing.h"
#include "qw.h"
#include "test.h"

#define SOURCE "models/tiny"

static bool quick;
static char path[300], changed[300];        /* q4 of models/tiny; and a file with a change */
/* a model made here: its directory and files */
static char made[300], made_config[320], made_weights[320];
static struct buf files[2];                 /* q8, q4 */
static const char *const types[2] = {"q8", "q4"};
static const uint64_t pinned[2] = {UINT64_C(0x8D0774BF74086928), UINT64_C(0xD7EE1BD982DF5FD2)};

static uint64_t fnv(const void *p, size_t n) {
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)p)[i]) * UINT64_C(0x100000001B3);
    return h;
}

static int collect(void *user, const void *p, size_t n) {
    struct buf *b = user;
    buf_put(b, p, n);
    return b->oom;
}

static void save(const char *to, const void *p, size_t n) {
    FILE *f = fopen(to, "wb");
    int ok = f && fwrite(p, 1, n, f) == n;
    if (!f || fclose(f) != 0 || !ok) {
        perror(to);
        exit(1);
    }
}

/* The packed file of a model in out, and its hash, from every level and number of threads. */
static void check_bytes(const char *source, const char *type, uint64_t want, struct buf *out) {
    static const int threads[] = {1, 2, 3, 8};
    char levels[256];
    qw_error err;
    qw_cpu_levels(levels, sizeof levels);
    for (char *next, *at = levels; at; at = quick ? NULL : next) {
        if ((next = strchr(at, ' ')) != NULL) *next++ = 0;
        for (int k = 0; k < (quick ? 1 : 4); k++) {
            buf_free(out);
            int rc = qw_quantize(source, type,
                                 &(qw_load_params){.n_threads = threads[k], .cpu = at}, collect,
                                 out, &err);
            CHECK(rc == 0, "%s", err.message);
            uint64_t h = fnv(out->p, out->n);
            CHECK(h == want, "%s, %s, %s, %d threads: %zu bytes, hash 0x%016llX", source, type, at,
                  threads[k], out->n, (unsigned long long)h);
        }
    }
}

static void test_bytes(void) {
    for (int i = 0; i < 2; i++) check_bytes(SOURCE, types[i], pinned[i], &files[i]);
    save(path, files[1].p, files[1].n);
}

/* Weights of 16 bits and of 32. */
static void test_small_bytes(void) {
    static const struct {
        const char *source;
        uint64_t hash[2];
    } small[] = {
        {"tests/fixtures/forward/no-prefix",
         {UINT64_C(0xD8025A94128074A1), UINT64_C(0x86F05C173C0749CD)}},
        {"tests/fixtures/forward/untied-f32-shards",
         {UINT64_C(0xFECA3FBC376E2357), UINT64_C(0xD322FE8DC58A2D9C)}},
    };
    struct buf b = {0};
    for (int i = 0; i < 4; i++)
        check_bytes(small[i / 2].source, types[i % 2], small[i / 2].hash[i % 2], &b);
    buf_free(&b);
}

/* Logits of a few tokens with the weights as `type`. */
static int logits(const char *model, const char *type, const char *cpu, float *out, qw_error *err) {
    static const int32_t ids[] = {1022, 220, 4072, 17, 488, 3, 4070, 5};
    qw_model *m = NULL;
    qw_session *s = NULL;
    int rc = qw_load(&m, model, &(qw_load_params){.weight_type = type, .cpu = cpu}, err);
    if (!rc) rc = qw_session_new(&s, m, &(qw_session_params){.n_ctx = 16}, err);
    if (!rc) rc = qw_feed(s, ids, 8, err);
    if (!rc) rc = qw_logits(s, 6, 2, out, err);
    qw_session_free(s);
    qw_free(m);
    return rc;
}

static void test_logits(void) {
    static float loaded[2 * 4096], read_back[2 * 4096];
    qw_error err;
    for (int i = 0; i < 2; i++) {
        save(changed, files[i].p, files[i].n);
        int rc = logits(SOURCE, types[i], NULL, loaded, &err);
        CHECK(rc == 0, "%s", err.message);
        static const char *const as[] = {NULL, "auto", "stored"};
        for (int k = 0; k < 4; k++) {
            rc = logits(changed, k < 3 ? as[k] : types[i], NULL, read_back, &err);
            CHECK(rc == 0, "%s", err.message);
            CHECK(memcmp(loaded, read_back, sizeof loaded) == 0,
                  "%s: other logits from a packed file", types[i]);
        }
    }
}

/* What is around the weights, from the file alone, with nothing beside it. */
static void test_text(void) {
    static const char say[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello <|im_end|>\"}]}",
                      *const from[] = {SOURCE, path};
    qw_error err;
    qw_tokenizer *t[2] = {0};
    int32_t *ids[2] = {0};
    char *out[2] = {0};
    long n[2];
    size_t out_n[2];
    for (int i = 0; i < 2; i++) {
        int rc = qw_tokenizer_load(&t[i], from[i], &err);
        CHECK(rc == 0, "%s", err.message);
        if (rc) return;
        n[i] = qw_tokenize(t[i], say, sizeof say - 1, 1, &ids[i], &err);
        rc = qw_render_chat(from[i], NULL, say, sizeof say - 1, &out[i], &out_n[i], &err);
        CHECK(rc == 0, "%s", err.message);
    }
    CHECK(n[0] > 5 && n[0] == n[1] && !memcmp(ids[0], ids[1], (size_t)n[0] * sizeof **ids),
          "%ld and %ld tokens", n[0], n[1]);
    CHECK(out[0] && out[1] && !strcmp(out[0], out[1]), "%s, %s", out[0], out[1]);
    for (int i = 0; i < 2; i++) {
        qw_tokenizer_free(t[i]);
        qw_release(ids[i]);
        qw_release(out[i]);
    }
}

static void expect(const char *what, int got, int rc, const qw_error *err, const char *a,
                   const char *b) {
    CHECK(got == rc &&
              (!rc || (err->code == rc && strstr(err->message, a) && strstr(err->message, b))),
          "%s: code %d, expected %d, '%s', '%s': %s", what, got, rc, a, b, got ? err->message : "");
}

struct limit { size_t left; uint64_t last; int calls; };
static int refuse(void *user, const void *p, size_t n) {
    struct limit *l = user;
    (void)p;
    l->calls++;
    if (n > l->left) return 1;
    l->left -= n;
    return 0;
}
static int stop(void *user, uint64_t done, uint64_t all) {
    struct limit *l = user;
    CHECK(done > l->last && done <= all, "progress %llu of %llu", (unsigned long long)done,
          (unsigned long long)all);
    l->last = done;
    return ++l->calls == 5;
}

static void test_stopping(void) {
    const size_t rooms[] = {0, 8, 5000, 100000, files[1].n - 300000, files[1].n - 1};
    qw_error err;
    for (int i = 0; i < 6; i++) {
        struct limit l = {rooms[i], 0, 0};
        int rc = qw_quantize(SOURCE, "q4", NULL, refuse, &l, &err);
        expect("a full disk", rc, QW_EIO, &err, "could not be written", "");
        CHECK(i > 0 || l.calls == 1, "%d calls", l.calls);
    }
    struct limit l = {0}, sink = {SIZE_MAX, 0, 0};
    int rc = qw_quantize(SOURCE, "q4", &(qw_load_params){.progress = stop, .user = &l}, refuse,
                         &sink, &err);
    expect("progress says stop", rc, QW_ECANCEL, &err, "stopped", "");
    CHECK(l.calls == 5, "%d reports", l.calls);
    struct buf b = {0};
    expect("packed already", qw_quantize(path, "q4", NULL, collect, &b, &err), QW_EARG, &err,
           "already packed as q4", path);
    expect("to bf16", qw_quantize(SOURCE, "bf16", NULL, collect, &b, &err), QW_EARG, &err, "'bf16'",
           "q8 or q4");
    expect("to auto", qw_quantize(SOURCE, "auto", NULL, collect, &b, &err), QW_EARG, &err, "'auto'",
           "q8 or q4");
    expect("to nothing", qw_quantize(SOURCE, NULL, NULL, collect, &b, &err), QW_EARG, &err,
           "not a packed one", "");
    expect("from nowhere", qw_quantize("/no/such", "q4", NULL, collect, &b, &err), QW_EIO, &err,
           "/no/such", "");
    CHECK(b.n == 0, "%zu bytes in spite of an error", b.n);
    qw_model *m = NULL;
    expect("as q8", qw_load(&m, path, &(qw_load_params){.weight_type = "q8"}, &err), QW_EARG, &err,
           "packed as q4", "as q8");
    expect("as bf16", qw_load(&m, path, &(qw_load_params){.weight_type = "bf16"}, &err), QW_EARG,
           &err, "packed as q4", "as bf16");
    expect("not packed", qw_verify(SOURCE, &err), QW_EFORMAT, &err, "not a packed file", SOURCE);
    expect("nothing", qw_verify("/no/such", &err), QW_EIO, &err, "/no/such", "");
}

/* Where a tensor of the q4 file lies. */
static size_t offset_of(const struct buf *f, const char *tensor) {
    char key[128];
    size_t header = 0;
    for (int i = 0; i < 8; i++) header |= (size_t)(unsigned char)f->p[i] << 8 * i;
    snprintf(key, sizeof key, "\"%s\":", tensor);
    const char *at = memmem(f->p + 8, header, key, strlen(key)),
               *offsets = at ? strstr(at, "data_offsets\":[") : NULL;
    if (!offsets) {
        printf("  no tensor %s\n", tensor);
        exit(1);
    }
    return 8 + header + strtoul(offsets + 15, NULL, 10);
}

/* As packed_file.c documents it. */
static uint64_t checksum(uint64_t h, const char *p, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        for (size_t k = i; k < i + 8 && k < n; k++)
            word |= (uint64_t)(unsigned char)p[k] << 8 * (k - i);
        h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    return h;
}

/* A tensor without a checksum, although the description's own is right. */
static void test_no_checksum(void) {
    enum { TAIL = 18 };             /* the description ends with 16 digits and "} */
    struct buf f = {0};
    qw_error err;
    buf_put(&f, files[1].p, files[1].n);
    size_t at = offset_of(&f, "qw.json"), header = 8, n = f.n - at;
    for (int i = 0; i < 8; i++) header += (size_t)(unsigned char)f.p[i] << 8 * i;
    char *name = memmem(f.p + at, n, "\"model.norm.weight\"", 19), digits[17];
    CHECK(name != NULL, "no checksum of model.norm.weight");
    if (name) name[1] = 'M';
    const size_t own = n - TAIL - strlen(",\"checksum\":\"");
    const uint64_t h = checksum(checksum(0, f.p, header), f.p + at, own);
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)h);
    memcpy(f.p + f.n - TAIL, digits, 16);
    save(changed, f.p, f.n);
    expect("no checksum", qw_verify(changed, &err), QW_EFORMAT, &err, "'model.norm.weight'",
           "has no checksum");
    buf_free(&f);
}

/* BF16 with its bytes swapped, a format that has no kernels. */
static void swapped_rows(const struct source *s, const struct kernels *k, int64_t first, int n,
                         float *out) {
    (void)k;
    const unsigned char *p = source_row(s, first);
    for (int64_t i = 0; i < (int64_t)n * s->cols; i++) {
        const uint32_t bits = (uint32_t)p[2 * i] << 24 | (uint32_t)p[2 * i + 1] << 16;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

enum { SEAM_ROWS = 37, SEAM_COLS = 520, SEAM_N = SEAM_ROWS * SEAM_COLS };
static unsigned char seam_bytes[2][2 * SEAM_N];     /* BF16, swapped */

/* A matrix of these weights. They are written anew, because packing gives back what it has read,
 * which is lost where it is not a file. */
static struct matrix seam_matrix(const struct format *format, bool swapped) {
    unsigned char *p = seam_bytes[swapped];
    for (int i = 0; i < SEAM_N; i++) {
        p[2 * i + swapped] = (unsigned char)(i * 37);
        p[2 * i + !swapped] = (unsigned char)(0x38 + i % 5 + (i % 3 ? 0x80 : 0));
    }
    struct matrix m = {.rows = SEAM_ROWS, .cols = SEAM_COLS, .packed = NOT_PACKED, .data = p};
    m.source = (struct source){format, p, SEAM_ROWS, SEAM_COLS};
    return m;
}

/* A stored format packs to the bytes that the same weights give from BF16, and is used as F32
 * where it is not packed. */
static void test_format(void) {
    static const struct format swapped = {
        .dtype = "swapped",
        .size = 2,
        .stored = NO_KERNELS,
        .short_weights = true,
        .rows = swapped_rows,
    };
    static float floats[SEAM_N];
    struct pool *pool = NULL;
    qw_error err = {0, ""};
    CHECK(pool_new(&pool, 2, 2, NULL, &err) == 0, "%s", err.message);
    struct packer p = {.kernels = &kernels_reference, .pool = pool};
    for (int type = 0; type < N_PACKED_TYPES; type++) {
        struct matrix m[2] = {seam_matrix(format_of("BF16"), false), seam_matrix(&swapped, true)};
        struct weights w[2];
        p.type = type;
        for (int i = 0; i < 2; i++) {
            struct bound b = {"w", "none", &m[i], NULL, 0};
            w[i] = (struct weights){.type = NOT_PACKED, .bound = &b, .n_bound = 1};
            CHECK(weights_pack(&w[i], &p, &err) == 0, "%s", err.message);
        }
        const uint64_t size = packed_size(p.type, SEAM_ROWS, SEAM_COLS);
        CHECK(memcmp(m[0].data, m[1].data, size) == 0, "type %d", type);
        free(w[0].own);
        free(w[1].own);
    }
    const struct matrix plain = seam_matrix(format_of("BF16"), false);
    struct matrix m = seam_matrix(&swapped, true);
    struct bound b = {"w", "none", &m, NULL, 0};
    struct weights w = {.type = NOT_PACKED, .bound = &b, .n_bound = 1, .bytes = 2 * SEAM_N};
    kernels_reference.row[STORED_BF16](floats, plain.data, SEAM_N);
    CHECK(weights_widened_size(&w) == 4 * SEAM_N, "size as F32");
    CHECK(weights_widen(&w, &p, &err) == 0, "%s", err.message);
    CHECK(m.source.format->stored == STORED_F32 && w.bytes == 4 * SEAM_N, "not F32");
    CHECK(memcmp(m.data, floats, sizeof floats) == 0, "other weights");
    free(w.own);
    pool_free(pool);
}

/* The rule of "auto", at its edges. */
static void test_auto(void) {
    struct matrix m = {.rows = 1 << 20, .cols = 1024};
    struct bound b = {.matrix = &m};
    struct weights w = {.bound = &b, .n_bound = 1, .n_params = 100000000};
    const uint64_t q8 = weights_packed_size(&w, PACKED_Q8), enough = (q8 + 2) / 3 * 4;
    CHECK(q8 == (uint64_t)(1 << 16) * 4 * 4256, "%llu bytes", (unsigned long long)q8);
    CHECK(auto_type(&w, 0, enough) == PACKED_Q8, "q8 in a third more than it takes");
    CHECK(auto_type(&w, 0, enough - 4) == PACKED_Q4, "q8 in less than that");
    CHECK(auto_type(&w, 0, q8) == PACKED_Q4, "q8 in just what it takes");
    CHECK(auto_type(&w, 1, 0) == PACKED_Q8, "unknown memory");
    CHECK(auto_type(&w, enough - q8, enough) == PACKED_Q8, "a cache that just fits");
    CHECK(auto_type(&w, enough - q8 + 1, enough) == PACKED_Q4, "a cache that does not");
    w.n_params--;
    CHECK(auto_type(&w, 0, 0) == NOT_PACKED && auto_type(&w, 0, q8) == NOT_PACKED, "small models");
}

static void test_verify(void) {
    static const char *const names[] = {"model.embed_tokens.weight",
                                        "model.layers.3.self_attn.q_proj.weight",
                                        "model.layers.5.mlp.down_proj.weight",
                                        "model.norm.weight",
                                        "model.layers.0.self_attn.k_norm.weight",
                                        "qw.file.config.json",
                                        "qw.file.tokenizer.json",
                                        "qw.file.tokenizer_config.json",
                                        "qw.json"};
    qw_error err;
    int rc = qw_verify(path, &err);
    CHECK(rc == 0, "%s", err.message);
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 60; k += 59) {
            char *p = files[1].p + offset_of(&files[1], names[i]) + k;
            *p ^= 1;
            save(changed, files[1].p, files[1].n);
            *p ^= 1;
            expect(names[i], qw_verify(changed, &err), QW_EFORMAT, &err, names[i], "is damaged");
        }
    for (size_t at = 0; at < 2000; at += quick ? 501 : 37) {         /* the header; any message */
        files[1].p[at] ^= 1;
        save(changed, files[1].p, files[1].n);
        files[1].p[at] ^= 1;
        expect("header", qw_verify(changed, &err), QW_EFORMAT, &err, changed, "");
    }
    save(changed, files[1].p, files[1].n - 1);
    expect("cut short", qw_verify(changed, &err), QW_EFORMAT, &err, changed, "cut short");
}

/* The q4 file with the first `from` behind `after` replaced by `to` of the same length. */
static const struct edit {
    const char *after, *from, *to;
    int rc;
    const char *reason;
} edits[] = {
    {"{\"version\":1,", "{", "[", QW_EFORMAT, "qw.json"},
    {"{\"version\":1,", "version", "verzion", QW_EFORMAT,
     "version of the packed format is missing"},
    {"{\"version\":1,", ":1", ":2", QW_EUNSUPPORTED, "version 2"},
    {"{\"version\":1,", "\"q4\"", "\"q5\"", QW_EFORMAT, "weight_type"},
    {"{\"version\":1,", "\"q4\"", "\"q8\"", QW_EFORMAT, "bytes of type U8, expected"},
    {"{\"version\":1,", "n_vocab", "N_VOCAB", QW_EFORMAT, "n_vocab is missing"},
    {"{\"version\":1,", ":4096", ":4112", QW_EFORMAT, "'model.embed_tokens.weight' has"},
    {"{\"version\":1,", ":4096", ":9e99", QW_EFORMAT, "n_vocab is missing"},
    {"{\"version\":1,", ":4096", ":-196", QW_EFORMAT, "n_vocab is missing"},
    {"{\"version\":1,", ":4096", ": 1e9", QW_EFORMAT, "n_vocab is missing"},
    {"", "q_proj.weight\":{\"dtype\":\"U8\"", "q_proj.weight\":{\"dtype\":\"I8\"", QW_EFORMAT,
     "of type I8"},
    {"", "layers.2.mlp.up_proj", "layers.2.mlp.uq_proj", QW_EFORMAT,
     "mlp.up_proj.weight' is missing"},
    {"", "qw.file.config.json", "qw.file.c0nfig.json", QW_EIO, "config.json"},
    {"", "qw.file.config.json\":{\"dtype\":\"U8\"", "qw.file.config.json\":{\"dtype\":\"I8\"",
     QW_EFORMAT, "config.json) is not made of bytes"},
    {"\"architectures\"", "\"hidden_size\":256", "\"hidden_size\":999", QW_EFORMAT, ""},
    {"\"architectures\"", "\"num_hidden_layers\":6", "\"num_hidden_layers\":9", QW_EFORMAT,
     "is missing"},
    {"\"architectures\"", "\"intermediate_size\":768", "\"intermediate_size\":1e9", QW_EFORMAT, ""},
    {"\"architectures\"", "\"qwen3\"", "\"qwen9\"", QW_EUNSUPPORTED, "qwen9"},
    {"\"architectures\"", "[", "{", QW_EFORMAT, "config.json"},
    {"", "qw.json", "qw.jsom", QW_EIO, "config.json"},
};

static void load_changed(const char *what, const void *p, size_t n, int rc, const char *reason) {
    qw_error err = {0, ""};
    qw_model *m = NULL;
    save(changed, p, n);
    int got = qw_load(&m, changed, NULL, &err);
    expect(what, got, rc, &err, rc == QW_EIO ? "" : changed, reason);
    qw_free(m);
}

static void test_hostile(void) {
    const struct buf *f = &files[1];
    char *copy = malloc(f->n + 64);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const struct edit *e = &edits[i];
        memcpy(copy, f->p, f->n);
        char *at = memmem(copy, f->n, e->after, strlen(e->after));
        at = at ? memmem(at, f->n - (size_t)(at - copy), e->from, strlen(e->from)) : NULL;
        CHECK(at && strlen(e->from) == strlen(e->to), "no %s", e->from);
        if (!at) continue;
        memcpy(at, e->to, strlen(e->to));
        load_changed(e->to, copy, f->n, e->rc, e->reason);
    }
    /* One more space in the header: no tensor is aligned any more. */
    memcpy(copy, f->p, 8);
    size_t header = offset_of(f, "model.embed_tokens.weight");      /* the first */
    copy[0]++;
    memcpy(copy + 8, f->p + 8, header - 8);
    copy[header] = ' ';
    memcpy(copy + header + 1, f->p + header, f->n - header);
    load_changed("misaligned", copy, f->n + 1, QW_EFORMAT, "not aligned to 64 bytes");
    for (size_t n = 0; n < f->n; n += f->n / 7) load_changed("cut short", f->p, n, QW_EFORMAT, "");
    free(copy);
}

/* The first matrix gives a byte to the second. */
static void test_one_byte_short(void) {
    const struct buf *f = &files[1];
    char *copy = malloc(f->n), *at = copy + 8, was[24], now[24];
    memcpy(copy, f->p, f->n);
    /* shape and end of the first, shape and beginning of the second */
    for (int i = 0; i < 4; i++) {
        at = i == 1 || i == 3 ? strstr(at, "data_offsets\":[") + 15 : strstr(at, "shape\":[") + 8;
        if (i == 1) at = strchr(at, ',') + 1;
        unsigned long size = strtoul(at, NULL, 10);
        int digits = snprintf(was, sizeof was, "%lu", size);
        snprintf(now, sizeof now, "%lu", i == 2 ? size + 1 : size - 1);
        memcpy(at, now, (size_t)digits);
    }
    load_changed("one byte short", copy, f->n, QW_EFORMAT, "'model.embed_tokens.weight' has");
    free(copy);
}

/* Any bytes are weights: nothing crashes, and what is not finite is noticed. Every level, both
 * types. */
static void test_noise(void) {
    static float out[2 * 4096];
    uint64_t x = 1;
    qw_error err;
    for (int i = 0; i < 2; i++) {
        size_t begin = offset_of(&files[i], "model.embed_tokens.weight"),
               end = offset_of(&files[i], "model.norm.weight");
        char *copy = malloc(files[i].n), levels[256];
        for (int fill = 0; fill < 3; fill++) {
            memcpy(copy, files[i].p, files[i].n);
            if (fill < 2) memset(copy + begin, fill ? 0x80 : 0xFF, end - begin);
            else
                for (size_t k = begin; k < end; k++)
                    copy[k] = (char)((x = x * UINT64_C(6364136223846793005) + 1) >> 56);
            save(changed, copy, files[i].n);
            qw_cpu_levels(levels, sizeof levels);
            for (char *next, *at = levels; at; at = next) {
                if ((next = strchr(at, ' ')) != NULL) *next++ = 0;
                int rc = logits(changed, NULL, at, out, &err);
                CHECK(rc == 0 || rc == QW_ENUMERIC, "%s, %s: %d: %s", types[i], at, rc,
                      err.message);
                if (quick) break;
            }
        }
        free(copy);
    }
}

/* A last panel of one row, at the end of a mapping: what lies behind it in memory is somebody
 * else's. */
static void test_last_panel(void) {
    enum { COLS = 4096, SIZE = 17 * COLS * 2, BEHIND = 1 << 18 };
    struct pool *pool = NULL;
    qw_error err;
    char *p = mmap(NULL, SIZE + BEHIND, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED && pool_new(&pool, 2, 2, NULL, &err) == 0, "no memory");
    memset(p + SIZE, 0x55, BEHIND);
    const unsigned char *data = (const unsigned char *)p;
    struct matrix m = {17, COLS, NOT_PACKED, data, {format_of("BF16"), data, 17, COLS}};
    struct packer packer = {.type = PACKED_Q4, .kernels = &kernels_reference, .pool = pool};
    unsigned char *out = alloc_large(packed_size(PACKED_Q4, 17, COLS));
    int rc = pack_panels(&packer, &(struct bound){"last", "none", &m, NULL, 0}, 0, 2, out, &err);
    CHECK(rc == 0, "%s", err.message);
    int lost = 0;
    for (int i = 0; i < BEHIND; i++) lost += p[SIZE + i] != 0x55;
    CHECK(lost == 0, "%d bytes behind the matrix were given back", lost);
    pool_free(pool);
    free(out);
    munmap(p, SIZE + BEHIND);
}

/* ---- weights that are not finite ---- */

static int quantise(const char *type, const char *from, qw_error *err) {
    struct limit sink = {SIZE_MAX, 0, 0};
    return qw_quantize(from, type, NULL, refuse, &sink, err);
}

static void test_not_finite(void) {
    static const struct {
        const char *tensor;
        int cols, row, col;
        uint16_t bits;
        const char *says;
    } cases[] = {
        {"model.embed_tokens.weight", 256, 4094, 255, 0x7F80, "row 4094:"},
        {"model.layers.0.mlp.down_proj.weight", 768, 100, 300, 0xFFC1, "row 100:"},
        {"model.layers.5.self_attn.k_proj.weight", 256, 0, 0, 0xFF80, "row 0:"},
    };
    struct file config, weights;
    qw_error err;
    int rc = read_file(&config, SOURCE "/config.json", 1 << 20, &err);
    CHECK(rc == 0, "%s", err.message);
    rc = rc ? rc : read_file(&weights, SOURCE "/model.safetensors", 1 << 30, &err);
    CHECK(rc == 0, "%s", err.message);
    if (rc) return;
    save(made_config, config.data, (size_t)config.size);
    struct buf copy = {0};
    buf_put(&copy, weights.data, (size_t)weights.size);
    for (int i = 0; i < 3; i++) {
        char *at = copy.p + offset_of(&copy, cases[i].tensor) +
                   (cases[i].row * cases[i].cols + cases[i].col) * 2;
        uint16_t was[2] = {0, 0};
        memcpy(was, at, 2);
        memcpy(was + 1, at + cases[i].cols * 2, 2);
        memcpy(at, &cases[i].bits, 2);
        /* and the next row: the first is named */
        memcpy(at + cases[i].cols * 2, &cases[i].bits, 2);
        save(made_weights, copy.p, copy.n);
        for (int type = 0; type < 2; type++) {
            qw_model *m = NULL;
            expect("quantising", quantise(types[type], made, &err), QW_ENUMERIC, &err,
                   cases[i].tensor, cases[i].says);
            rc = qw_load(&m, made, &(qw_load_params){.weight_type = types[type]}, &err);
            expect("quantising while loading", rc, QW_ENUMERIC, &err, cases[i].says, made_weights);
            qw_free(m);
        }
        memcpy(at, was, 2);
        memcpy(at + cases[i].cols * 2, was + 1, 2);
    }
    save(made_weights, copy.p, copy.n);
    rc = quantise("q4", made, &err);
    CHECK(rc == 0, "as it was: %s", err.message);
    buf_free(&copy);
    file_close(&config);
    file_close(&weights);
    unlink(made_config);
    unlink(made_weights);
}

/* A step that is NaN, which no packed file of ours has: the logits are refused. */
static void test_bad_step(void) {
    static float out[2 * 4096];
    static const size_t size[2] = {sizeof(struct q8_super), sizeof(struct q4_super)};
    static const uint16_t bad[3] = {0x7FC0, 0x7F80, 0xFFFF};
    qw_error err;
    for (int i = 0; i < 6; i++) {
        char *at = files[i % 2].p +
                   offset_of(&files[i % 2], "model.layers.3.self_attn.o_proj.weight") +
                   size[i % 2] - 2 * PANEL,
             was[2];
        memcpy(was, at, 2);
        memcpy(at, &bad[i / 2], 2);
        save(changed, files[i % 2].p, files[i % 2].n);
        memcpy(at, was, 2);
        expect("a step that is not finite", logits(changed, NULL, NULL, out, &err), QW_ENUMERIC,
               &err, "not finite", "");
    }
}

/* ---- models made here: a wide vocabulary in a sparse file, odd shapes ---- */

struct watch { long before, most; uint64_t last, step; };

/* Kilobytes of mapped files in memory; -1: the system does not say. */
static long mapped(void) {
    char line[256];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "RssFile:", 8) == 0) kb = strtol(line + 8, NULL, 10);
    if (f) fclose(f);
    return kb;
}

static int watch(void *user, uint64_t done, uint64_t all) {
    struct watch *w = user;
    long now = mapped();
    (void)all;
    if (now > w->most) w->most = now;
    if (done - w->last > w->step) w->step = done - w->last;
    w->last = done;
    return 0;
}

/* A model of one layer in `made`: F32, tied, its weights random; or a file with a hole, all zero
 * but the last norm and the last rows of the embedding. Returns the bytes of its tensors. */
enum { HOLE_ROWS = 64 };

static int make_model(int n_vocab, int n_embd, int n_ff, bool hole) {
    const struct {
        const char *name;
        int rows, cols;
    } tensors[] = {
        {"embed_tokens", n_vocab, n_embd},
        {"layers.0.input_layernorm", n_embd, 0},
        {"layers.0.post_attention_layernorm", n_embd, 0},
        {"layers.0.self_attn.q_norm", 32, 0},
        {"layers.0.self_attn.k_norm", 32, 0},
        {"layers.0.self_attn.q_proj", 64, n_embd},
        {"layers.0.self_attn.k_proj", 32, n_embd},
        {"layers.0.self_attn.v_proj", 32, n_embd},
        {"layers.0.self_attn.o_proj", n_embd, 64},
        {"layers.0.mlp.gate_proj", n_ff, n_embd},
        {"layers.0.mlp.up_proj", n_ff, n_embd},
        {"layers.0.mlp.down_proj", n_embd, n_ff},
        {"norm", n_embd, 0},
    };
    char config[1024], header[4096];
    int n = 8, at = 0, rows_at = 0;
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        int cols = tensors[i].cols, size = tensors[i].rows * (cols ? cols : 1) * 4;
        char shape[32];
        snprintf(shape, sizeof shape, cols ? "%d,%d" : "%d", tensors[i].rows, cols);
        n += snprintf(header + n, sizeof header - (size_t)n,
                      "%s\"model.%s.weight\":{\"dtype\":\"F32\",\"data_offsets\":[%d,%d],"
                      "\"shape\":[%s]}",
                      i ? "," : "{", tensors[i].name, at, at + size, shape);
        at += size;
        if (i == 0) rows_at = size - HOLE_ROWS * n_embd * 4;
    }
    header[n++] = '}';
    for (int i = 0; i < 8; i++) header[i] = (char)((uint64_t)(n - 8) >> 8 * i);
    int length = snprintf(
        config, sizeof config,
        "{\"architectures\":[\"Qwen3ForCausalLM\"],\"model_type\":\"qwen3\",\"hidden_size\":%d,"
        "\"intermediate_size\":%d,\"num_hidden_layers\":1,\"num_attention_heads\":2,"
        "\"num_key_value_heads\":1,\"head_dim\":32,\"vocab_size\":%d,"
        "\"max_position_embeddings\":64,\"rms_norm_eps\":1e-6,\"rope_theta\":10000,"
        "\"tie_word_embeddings\":true,\"hidden_act\":\"silu\"}",
        n_embd, n_ff, n_vocab);
    save(made_config, config, (size_t)length);
    FILE *f = fopen(made_weights, "wb");
    bool ok = f && fwrite(header, 1, (size_t)n, f) == (size_t)n;
    for (int i = 0; ok && i < at; i += 4) {
        bool norm = i >= at - 4 * n_embd;
        if (hole && i == 0) ok = fseek(f, n + rows_at, SEEK_SET) == 0, i = rows_at;
        if (hole && i == rows_at + HOLE_ROWS * n_embd * 4)
            ok = fseek(f, n + at - 4 * n_embd, SEEK_SET) == 0, norm = true, i = at - 4 * n_embd;
        random = random * 1664525 + 1013904223;             /* Numerical Recipes */
        float w = norm ? 1 : (float)(int32_t)random * 0x1p-33f;
        ok = fwrite(&w, sizeof w, 1, f) == 1;
    }
    CHECK(f && fclose(f) == 0 && ok, "%s", made_weights);
    return at;
}

/* Logits of the last position of 3 tokens; *out is allocated. */
static int logits_of(const char *model, const char *type, const int32_t ids[3], float **out,
                     int *n_vocab, qw_error *err) {
    qw_model *m = NULL;
    qw_session *s = NULL;
    *out = NULL;
    int rc = qw_load(&m, model, &(qw_load_params){.weight_type = type, .n_threads = 2}, err);
    if (!rc) rc = qw_session_new(&s, m, &(qw_session_params){.n_ctx = 16, .kv_type = "f32"}, err);
    if (!rc) rc = qw_feed(s, ids, 3, err);
    if (!rc) *n_vocab = qw_info(m)->n_vocab;
    if (!rc)
        rc = (*out = malloc((size_t)*n_vocab * sizeof **out)) ? qw_logits(s, 2, 1, *out, err)
                                                              : QW_ENOMEM;
    qw_session_free(s);
    qw_free(m);
    return rc;
}

/* Of a matrix that is packed in several slices every row arrives at its place. */
static void test_slices(void) {
    enum { WIDE = 65536 };
    static const int32_t ids[3] = {WIDE - 3, WIDE - 40, WIDE - 2};
    float *stored, *packed;
    qw_error err;
    int n = 0, far = 0;
    make_model(WIDE, 256, 32, true);
    int rc = logits_of(made, "bf16", ids, &stored, &n, &err);
    if (!rc) rc = logits_of(made, "q8", ids, &packed, &n, &err);
    CHECK(rc == 0 && n == WIDE, "%s", err.message);
    for (int i = 0; !rc && i < WIDE; i++)
        far += !(packed[i] - stored[i] < 0.02f * stored[WIDE - 2] &&
                 stored[i] - packed[i] < 0.02f * stored[WIDE - 2]);
    CHECK(rc || (stored[WIDE - 2] > 1 && far == 0),
          "logits up to %g; %d of %d are others when packed", stored ? (double)stored[WIDE - 2] : 0,
          far, WIDE);
    free(stored);
    free(packed);
}

/* Odd numbers of panels and superblocks: tensors of a packed file end with padding, and are found
 * behind it. */
static void test_odd_shapes(void) {
    static const int32_t ids[3] = {0, 320, 77};
    for (int i = 0; i < 2; i++) {
        struct buf b = {0};
        float *loaded = NULL, *read_back = NULL;
        qw_error err;
        int n = 0;
        make_model(321, 64, 176, false);
        int rc = qw_quantize(made, types[i], NULL, collect, &b, &err);
        if (!rc) save(changed, b.p, b.n);
        buf_free(&b);
        if (!rc) rc = qw_verify(changed, &err);
        if (!rc) rc = logits_of(made, types[i], ids, &loaded, &n, &err);
        if (!rc) rc = logits_of(changed, NULL, ids, &read_back, &n, &err);
        CHECK(rc == 0 && n == 321, "%s: %s", types[i], err.message);
        CHECK(rc || memcmp(loaded, read_back, (size_t)n * sizeof *loaded) == 0,
              "%s: other logits from the file", types[i]);
        CHECK(rc || (loaded[77] != loaded[78] && loaded[320] != 0), "%s: %g %g", types[i],
              (double)loaded[77], (double)loaded[320]);
        free(loaded);
        free(read_back);
    }
}

static void test_memory(void) {
    enum { WIDE = 65536, MB = 1 << 20 };            /* 64 MB of F32 */
    int size = make_model(WIDE, 256, 32, true);
    for (int i = 0; i < 2; i++) {
        struct watch w = {mapped(), 0, 0, 0};
        struct limit sink = {SIZE_MAX, 0, 0};
        const qw_load_params params = {.weight_type = "q8",
                                       .n_threads = 2,
                                       .progress = watch,
                                       .user = &w};
        qw_model *m = NULL;
        qw_error err = {0, ""};
        int rc = i ? qw_quantize(made, "q8", &params, refuse, &sink, &err)
                   : qw_load(&m, made, &params, &err);
        CHECK(rc == 0, "%s", err.message);
        CHECK(w.last == (uint64_t)size - (2 * 256 + 2 * 32 + 256) * 4, "%llu bytes done",
              (unsigned long long)w.last);
        CHECK(w.step <= 17 * MB, "%llu bytes at a time", (unsigned long long)w.step);
        CHECK(w.before < 0 || w.most - w.before <= 8 * 1024, "%s keeps %ld kB of the source",
              i ? "qw_quantize" : "qw_load", w.most - w.before);
        qw_free(m);
    }
    unlink(made_config);
    unlink(made_weights);
}

int main(int argc, char **argv) {
    const char *tmp = getenv("TMPDIR");
    char dir[256];
    bool bytes = argc > 1 && strcmp(argv[1], "bytes") == 0;
    quick = bytes || (argc > 1 && strcmp(argv[1], "quick") == 0);
    snprintf(dir, sizeof dir, "%s/qw-packed-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    snprintf(path, sizeof path, "%s/q4.safetensors", dir);
    snprintf(changed, sizeof changed, "%s/changed.safetensors", dir);
    snprintf(made, sizeof made, "%s/made", dir);
    snprintf(made_config, sizeof made_config, "%s/config.json", made);
    snprintf(made_weights, sizeof made_weights, "%s/model.safetensors", made);
    if (mkdir(made, 0777) != 0) {
        perror(made);
        return 1;
    }
    RUN("packed: the same bytes of small models", test_small_bytes);
    if (!bytes) {
        RUN("packed: the same bytes", test_bytes);
        RUN("packed: the logits of quantising while loading", test_logits);
        RUN("packed: tokenizer and template", test_text);
        RUN("packed: stopping, and what is refused", test_stopping);
        RUN("packed: damage is found and named", test_verify);
        RUN("packed: a tensor without a checksum", test_no_checksum);
        RUN("packed: a stored format without kernels", test_format);
        RUN("packed: what auto chooses", test_auto);
        RUN("packed: hostile files", test_hostile);
        RUN("packed: a matrix one byte short", test_one_byte_short);
        RUN("packed: noise for weights", test_noise);
        RUN("packed: the last panel", test_last_panel);
        RUN("packed: weights that are not finite", test_not_finite);
        RUN("packed: a step that is not finite", test_bad_step);
        RUN("packed: a matrix of several slices", test_slices);
        RUN("packed: odd shapes", test_odd_shapes);
        RUN("packed: the source is not held in memory", test_memory);
    }
    unlink(path);
    unlink(changed);
    rmdir(made);
    rmdir(dir);
    for (int i = 0; i < 2; i++) buf_free(&files[i]);
    TEST_END();
}
