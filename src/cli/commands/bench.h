/* bench.h - what qw bench measures (bench.c) and prints (bench_rows.c, bench_table.c). */
#ifndef QW_BENCH_H
#define QW_BENCH_H
#include <stdio.h>
#include <time.h>
#include "cli/cpu_mask.h"
#include "cli/flags.h"
#include "cli/live.h"
#include "cli/model.h"

/* With n_depth tokens in the cache: a prompt, then tokens one by one. */
struct test {
    int n_prompt, n_gen, n_depth;
};

/* Where rows go: stdout, stderr. */
struct sink {
    FILE *to;
    int format;
    int n_rows;                     /* printed so far */
};
enum format { MARKDOWN, CSV, JSON, JSONL, NO_ROWS };
#define FORMATS "md|csv|json|jsonl|none"

struct bench {
    struct model_flags model;
    struct int_list threads, batches, prompts, gens, pairs, depths;
    int n_runs, delay;              /* delay: seconds */
    bool warm_up, verbose, progress;

    struct sink out, err;
    struct live live;               /* which run it is */
    const char *shape;              /* instead of a model */
    const char *shape_file;         /* where its weights are, or are to be written */
    bool check;                     /* compare with plain C */
    bool has_hash;
    uint64_t hash;                  /* of this model's logits, once n_loads > 0 */
    int n_loads;
    int n_batch;                    /* of batches, the one in use */
    double *ns, *ts;                /* [n_runs] nanoseconds, and tokens per second, of each run */
    int32_t *ids;                   /* [n_ctx_max] */
    float *logits;                  /* [n_vocab] */
    const char *kv;                 /* cache type; until a model is loaded NULL for its default */
    int32_t drawn;
    char weight_type[16], kernels[16], found[MODEL_PATH];
    qw_machine machine;
    char cpu_mask[CPU_MASK];
    int test_width;                 /* of the longest name of a test */
};

/* What is measured once for each load. */
struct loaded {
    const qw_model_info *info;
    double load;                    /* seconds */
    double read_speed;              /* bytes per second, or 0: unknown */
    uint64_t peak;                  /* bytes */
};

enum { TEST_NAME = 64 };
struct result {
    struct test test;
    char name[TEST_NAME];
    time_t started;
    double first;                   /* mean seconds from the prompt's start to the first token */
    double ns, ns_sd, ts, ts_sd;    /* means and deviations of nanoseconds, tokens per second */
    double speed;                   /* bytes per second that generating read; -1 with a prompt */
    uint64_t token_bytes;           /* that generating a token reads */
    uint64_t peak;                  /* bytes of memory */
};

/* Per cent of the read bandwidth; below 0: unknown. */
double percent_of_read(const struct loaded *m, const struct result *r);

/* Print a row in the format of s, and before the first one the heading. 0 or an exit code. */
int  print_row(const struct bench *b, struct sink *s, const struct loaded *m,
               const struct result *r);
/* Print what ends the rows. */
void print_end(const struct bench *b, const struct sink *s);

/* The same for MARKDOWN. */
void print_table_row(const struct bench *b, const struct sink *s, const struct loaded *m,
                     const struct result *r);
void print_table_end(const struct bench *b, const struct sink *s);

#endif
