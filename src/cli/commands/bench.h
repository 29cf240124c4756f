/* bench.h - what qw bench measures (bench.c) and prints (bench_rows.c). */
#ifndef QW_BENCH_H
#define QW_BENCH_H
#include "cli/cli.h"

enum format { MARKDOWN, CSV, JSON, JSONL, N_FORMATS };

/* Behind n_depth tokens: a prompt, then tokens one by one. */
struct test { int n_prompt, n_gen, n_depth; };

struct bench {
    struct model_flags model;
    struct int_list threads, prompts, gens, pairs, depths;
    int n_runs, n_batch;
    enum format format;
    bool warm_up;

    int n_rows;                     /* printed so far */
    bool live;                      /* stderr shows which run it is */
    uint64_t hash;                  /* of this model's logits, once n_loads > 0 */
    int n_loads;
    double *ns, *ts;                /* [n_runs] each run's nanoseconds and tokens per second */
    int32_t *ids;                   /* enough for the hash and the longest test */
    float *logits;                  /* [n_vocab] */
    const char *kv;                 /* type of the cache; until the model is loaded NULL for its default */
    int32_t drawn;
    char weight_type[16], found[MODEL_PATH];
};

/* What is measured once for each load. */
struct machine { const qw_model_info *info; double load, read_speed; uint64_t peak; };

struct result {
    struct test test;
    char name[64];
    double first;                   /* seconds from the prompt's start to the first token drawn, mean */
    double ns, ns_sd, ts, ts_sd;    /* mean and deviation of nanoseconds, of tokens per second */
    double speed;                   /* bytes per second that the weights and the cache were read with; -1 unless it only generates */
    uint64_t token_bytes, peak;
};

/* Print a test's row, and before the first one what goes ahead of it; behind the last one what ends them. 0 or an exit code. */
int  print_row(struct bench *b, const struct machine *m, const struct result *r);
void print_end(const struct bench *b);

#endif
