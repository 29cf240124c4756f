/* logits.c - qw logits, the raw output of the model for every position. Needs no tokenizer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

enum { ROWS = 16 };                     /* positions whose logits are held at a time */

/* "1,2,3": as many ids as there are commas, plus one. */
static int read_ids(const char *s, int32_t **out, size_t *n_out) {
    size_t n = 1, i = 0;
    for (const char *p = s; *p; p++) n += *p == ',';
    int32_t *ids = malloc(n * sizeof *ids);
    if (!ids) { say("not enough memory for %zu ids", n); return EXIT_MEMORY; }
    for (; i < n; i++) {
        char *end;
        errno = 0;
        long id = strtol(s, &end, 10);
        if (end == s || errno || id < 0 || id > INT32_MAX || (*end != ',' && *end != 0)) {
            free(ids);
            return usage_error("--ids: '%.20s' is not a token id", s);
        }
        ids[i] = (int32_t)id;
        s = end + 1;
    }
    *out = ids;
    *n_out = n;
    return 0;
}

static int write_logits(qw_session *s, int n_batch, size_t n_vocab, const int32_t *ids, size_t n, struct output *o) {
    float *rows = malloc(ROWS * n_vocab * sizeof *rows);
    qw_error err;
    int rc = 0;
    if (!rows) { say("not enough memory for the logits"); return EXIT_MEMORY; }
    for (size_t at = 0, part; !rc && at < n; at += part) {
        part = n - at < (size_t)n_batch ? n - at : (size_t)n_batch;
        if (qw_feed(s, ids + at, part, &err)) rc = engine_error(&err);
        for (size_t i = 0, count; !rc && i < part; i += count) {
            count = part - i < ROWS ? part - i : ROWS;
            if (qw_logits(s, at + i, count, rows, &err)) { rc = engine_error(&err); break; }
            rc = output_write(o, rows, count * n_vocab * sizeof *rows);
            if (interrupted) rc = EXIT_SIGINT;
        }
    }
    free(rows);
    return rc;
}

static int logits(qw_model *m, int n_batch, const char *kv, const int32_t *ids, size_t n, const char *path) {
    const qw_model_info *info = qw_info(m);
    qw_session *s;
    qw_error err;
    struct output o;
    if (n > (size_t)info->n_ctx_max) {
        say("%zu tokens; this model has %d positions (max_position_embeddings)", n, info->n_ctx_max);
        return EXIT_CONTEXT;
    }
    const qw_session_params params = {.n_ctx = (int)n, .n_batch = n_batch < (int)n ? n_batch : (int)n, .kv_type = kv};
    if (qw_session_new(&s, m, &params, &err)) return engine_error(&err);
    int rc = output_open(&o, path);
    if (!rc) {
        rc = write_logits(s, params.n_batch, (size_t)info->n_vocab, ids, n, &o);
        int closed = output_close(&o, rc == 0);
        if (!rc) rc = closed;
    }
    qw_session_free(s);
    return rc;
}

int cmd_logits(int argc, char **argv) {
    struct model_flags model = {.weight_type = "stored"};
    const char *ids_text = NULL, *path = NULL, *kv = "f32";
    int n_batch = 64, n_words;
    const struct flag flags[] = {
        MODEL_FLAGS(&model, "QW_WEIGHT_TYPE", "weights: bf16 (as stored, the default), q8, q4, auto"),
        {"--ids", "1,2,3", FLAG_STRING, &ids_text, 0, 0, NULL, NULL, "token ids"},
        {"-o --output", "FILE", FLAG_PATH, &path, 0, 0, NULL, NULL, "float32, little-endian, one row per position; - is stdout"},
        {"--kv --kv-type", "TYPE", FLAG_STRING, &kv, 0, 0, NULL, NULL, "KV cache: f32 (default), f16, q8"},
        {"-b --batch-size", "N", FLAG_INT, &n_batch, 1, 65536, "QW_BATCH_SIZE", NULL, "tokens computed at a time; default 64"},
    };
    const struct command c = {"logits", "the logits of every position", "--ids 1,2,3 -o FILE [FLAGS]", flags, sizeof flags / sizeof *flags,
                              "A row has as many values as the embedding has rows. No tokenizer is needed.\n"};
    int32_t *ids = NULL;
    size_t n = 0;
    qw_model *m = NULL;
    int rc = parse_flags(&c, argc, argv, NULL, 0, &n_words);
    if (!rc && (!ids_text || !path)) rc = usage_error("--ids and -o are needed; see: qw help logits");
    if (!rc) rc = check_kv(kv);
    if (!rc) rc = read_ids(ids_text, &ids, &n);
    if (!rc) rc = load_model(&m, &model, false);
    if (!rc) rc = logits(m, n_batch, kv, ids, n, path);
    qw_free(m);
    free(ids);
    return rc;
}
