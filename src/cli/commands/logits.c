/* logits.c - qw logits, the raw output of the model for every position. Needs no tokenizer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/commands/commands.h"
#include "cli/model.h"
#include "cli/output.h"

enum { ROWS = 16 };                     /* positions whose logits are held at a time */

struct logits_job {
    int32_t *ids;
    size_t n;
    int n_batch;
    const char *kv, *path;
};

/* "1,2,3" to job->ids, which the caller frees; as many as there are commas, plus one. */
static int read_ids(struct logits_job *job, const char *s) {
    size_t n = 1;
    for (const char *p = s; *p; p++) n += *p == ',';
    job->ids = malloc(n * sizeof *job->ids);
    if (!job->ids) return memory_error("the ids");
    for (; job->n < n; job->n++) {
        char *end;
        errno = 0;
        long id = strtol(s, &end, 10);
        bool number = end != s && errno == 0 && (*end == ',' || *end == 0);
        if (!number || id < 0 || id > INT32_MAX)
            return usage_error("--ids: '%.20s' is not a token id", s);
        job->ids[job->n] = (int32_t)id;
        s = end + 1;
    }
    return 0;
}

/* Write the logits of positions first..first+n, all of the last batch. rows: room for ROWS. */
static int write_batch(qw_session *s, size_t first, size_t n, size_t n_vocab, float *rows,
                       struct output *o) {
    qw_error err;
    for (size_t i = 0, count; i < n; i += count) {
        count = n - i < ROWS ? n - i : ROWS;
        if (qw_logits(s, first + i, count, rows, &err)) return engine_error(&err, NULL);
        int rc = output_write(o, rows, count * n_vocab * sizeof *rows);
        if (interrupted) return EXIT_SIGINT;
        if (rc) return rc;
    }
    return 0;
}

static int write_logits(const struct logits_job *job, qw_session *s, size_t n_vocab,
                        struct output *o) {
    float *rows = malloc(ROWS * n_vocab * sizeof *rows);
    qw_error err;
    int rc = 0;
    if (!rows) return memory_error("the logits");
    for (size_t at = 0, part; !rc && at < job->n; at += part) {
        part = job->n - at < (size_t)job->n_batch ? job->n - at : (size_t)job->n_batch;
        if (qw_feed(s, job->ids + at, part, &err)) rc = engine_error(&err, NULL);
        else rc = write_batch(s, at, part, n_vocab, rows, o);
    }
    free(rows);
    return rc;
}

static int logits(struct logits_job *job, qw_model *m) {
    const qw_model_info *info = qw_info(m);
    qw_session *s;
    qw_error err;
    struct output o;
    if (job->n > (size_t)info->n_ctx_max) {
        say("--ids has %zu tokens; this model has %d positions (config.json)", job->n,
            info->n_ctx_max);
        return EXIT_CONTEXT;
    }
    int n = (int)job->n;
    if (job->n_batch > n) job->n_batch = n;
    const qw_session_params params = {.n_ctx = n, .n_batch = job->n_batch, .kv_type = job->kv};
    if (qw_session_new(&s, m, &params, &err)) return engine_error(&err, NULL);
    int rc = output_open(&o, job->path);
    if (!rc) {
        rc = write_logits(job, s, (size_t)info->n_vocab, &o);
        int closed = output_close(&o, rc == 0);
        if (!rc) rc = closed;
    }
    qw_session_free(s);
    return rc;
}

static int cmd_logits(int argc, char **argv) {
    struct model_flags model = {.weight_type = "stored"};
    struct logits_job job = {.n_batch = 64, .kv = "f32"};
    const char *ids = NULL;
    struct flag flags[] = {
        [N_MODEL_AND_THREAD_FLAGS] =        /* set_model_flags fills those before */
        {.names = "--ids", .value = "1,2,3", .type = FLAG_STRING, .to = &ids,
         .help = "token ids"},
        {.names = "-o --output", .value = "FILE", .type = FLAG_PATH, .to = &job.path,
         .help = "float32, little-endian, one row per position; - is stdout"},
        kv_flag(&job.kv),
        batch_flag(&job.n_batch),
    };
    struct flag *kv = &flags[N_MODEL_AND_THREAD_FLAGS + 2];
    kv->env = NULL;                         /* the reference is the same whatever is set */
    kv->help = "KV cache: f32 (default), f16, q8";
    qw_model *m = NULL;
    set_model_flags(flags, N_MODEL_AND_THREAD_FLAGS, &model, "QW_WEIGHT_TYPE",
                    "weights: bf16 (as stored, the default), q8, q4, auto");
    int rc = parse_flags(&command_logits, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    if (!rc && (!ids || !job.path))
        rc = usage_error("--ids and -o are needed; see: qw help logits");
    if (!rc) rc = read_ids(&job, ids);
    if (!rc) rc = load_model(&m, &model, false);
    if (!rc) rc = logits(&job, m);
    qw_free(m);
    free(job.ids);
    return rc;
}

const struct command command_logits = {
    .name = "logits",
    .summary = "the logits of every position",
    .arguments = "--ids 1,2,3 -o FILE [FLAGS]",
    .run = cmd_logits,
    .details = "A row has as many values as the embedding has rows. No tokenizer is needed.\n",
};
