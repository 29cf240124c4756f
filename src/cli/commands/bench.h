/* bench.h - what qw bench measures (bench.c) and prints (bench_rows.c). */
#ifndef QW_BENCH_H
#define QW_BENCH_H
#include "cli/flags.h"
#include "cli/live.h"
#include "cli/model.h"

enum format { MARKDOWN, CSV, JSON, JSONL, N_FORMATS };

/* With n_depth tokens in the cache: a prompt, then tokens one by one. */
struct test {
    int n_prompt, n_gen, n_depth;
};

struct bench {
    struct model_flags model;
    struct int_list threads, prompts, gens, pairs, depths;
    int n_runs, n_batch;
    enum format format;
    bool warm_up;

    int n_rows;                     /* printed so far */
    struct live live;               /* which run it is */
    uint64_t hash;                  /* of this model's logits, once n_loads > 0 */
    int n_loads;
    double *ns, *ts;                /* [n_runs] nanoseconds, and tokens per second, of each run */
    int32_t *ids;                   /* [n_ctx_max] */
    float *logits;                  /* [n_vocab] */
    const char *kv;                 /* cache type; until a model is loaded NULL for its default */
    int32_t drawn;
    char weight_type[16], found[MODEL_PATH];
};

/* What is measured once for each load. */
struct machine {
    const qw_model_info *info;
    double load;                    /* seconds */
    double read_speed;              /* bytes per second, or 0: unknown */
    uint64_t peak;                  /* bytes */
};

struct result {
    struct test test;
    char name[64];
    double first;                   /* mean seconds from the prompt's start to the first token */
    double ns, ns_sd, ts, ts_sd;    /* means and deviations of nanoseconds, tokens per second */
    double speed;                   /* bytes per second that generating read; -1 with a prompt */
    uint64_t token_bytes;           /* that generating a token reads */
    uint64_t peak;                  /* bytes of memory */
};

/* Print the row of a test, and before the first one the heading. 0 or an exit code. */
int  print_row(struct bench *b, const struct machine *m, const struct result *r);
/* Print what ends the rows. */
void print_end(const struct bench *b);

#endif
