/* bench.h - what qw bench runs (bench.c), measures (bench_measure.c) and prints (bench_rows.c,
 * bench_table.c, bench_machine.c). */
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

/* What --sustain counts in a test. */
struct sustain {
    int wanted;                     /* seconds; 0: it was not given */
    double began;                   /* monotonic_seconds */
    double tokens, first_tokens;    /* in all; in the first ten seconds */
    double first_seconds;           /* these ten, to the next token; 0: they are not over */
};
enum { MOST_SUSTAINED = 1000 };     /* samples */

/* Lines that stand below the table: what must be known of the tests. */
struct remarks {
    char text[4096];                /* each ends in a newline */
    int n_left_off;                 /* for which there is no room */
};

struct bench {
    struct model_flags model;
    struct int_list threads, batches, prompts, gens, pairs, depths;
    int n_runs, delay;              /* delay: seconds */
    bool warm_up, verbose, progress;

    struct sustain sustain;
    qw_watch *watch;                /* NULL: nothing is measured at the moment */
    struct remarks remarks;
    double celsius_most;            /* after any test; 0: unknown */
    int mhz_most;                   /* the same */

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

enum { TEST_NAME = 64, GOVERNORS = 160 };
struct result {
    struct test test;
    char name[TEST_NAME];
    time_t started;
    int n_runs;                     /* samples */
    qw_watched watched;
    double first_ts, rest_ts;       /* --sustain: tokens per second; -1: unknown */
    double rest_seconds;
    double first;                   /* mean seconds from the prompt's start to the first token */
    double ns, ns_sd, ts, ts_sd;    /* means and deviations of nanoseconds, tokens per second */
    double speed;                   /* bytes per second that generating read; -1 with a prompt */
    uint64_t token_bytes;           /* that generating a token reads */
    uint64_t peak;                  /* bytes of memory */
};

/* ---- measuring ---- */

/* Bytes of a line such as "VmHWM:" in /proc/self/status; 0 if there is none. */
uint64_t status_bytes(const char *key);
/* Since a time of monotonic_seconds; 0 if that clock went back. */
double seconds_since(double started);
/* The progress function of a session; user: struct bench. Stops after a SIGINT. */
int  bench_progress(void *user, size_t done, size_t all);
void name_test(struct test t, char out[TEST_NAME]);
/* Run a test and print its row. 0 or an exit code. */
int  measure(struct bench *b, qw_model *model, const struct loaded *m, struct test t);

/* ---- printing ---- */

/* That the test used. */
int test_threads(const struct bench *b, const struct loaded *m, const struct result *r);
/* Per cent of the read bandwidth; below 0: unknown. */
double percent_of_read(const struct loaded *m, const struct result *r);

/* Print a row in the format of s, and before the first one the heading. 0 or an exit code. */
int  print_row(const struct bench *b, struct sink *s, const struct loaded *m,
               const struct result *r);
/* Print what ends the rows. */
void print_end(const struct bench *b, const struct sink *s);

/* A column of a table in Markdown and its value in one row. */
struct cell {
    const char *title;
    int width;                      /* characters; at least 3, and those of the title */
    enum { LEFT, RIGHT } align;
    const char *text;
    bool shown;
};
void print_heading(FILE *to, const struct cell *cells, size_t n);
void print_cells(FILE *to, const struct cell *cells, size_t n);

/* The same for MARKDOWN. */
void print_table_row(const struct bench *b, const struct sink *s, const struct loaded *m,
                     const struct result *r);
void print_table_end(const struct bench *b, const struct sink *s);

/* Governors of the CPUs, each once: "schedutil/performance". */
void name_governors(const qw_machine *m, char out[GOVERNORS]);
/* Keep for below the table what must be known of a test; say it, unless the terminal shows the
 * table. */
void keep_remarks(struct bench *b, const struct loaded *m, const struct result *r);
void print_remarks(const struct bench *b, FILE *to);
/* What the machine is, as a paragraph; with -v as a row of a table in Markdown. */
void print_machine(const struct bench *b, FILE *to);

#endif
