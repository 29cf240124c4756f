/* bench.c - qw bench: tokens per second under llama-bench's flags, columns and names; what the
 * memory of this machine would allow; and a hash of logits that is the same on every machine, so
 * that a fast wrong answer shows. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/bench.h"
#include "cli/commands/commands.h"
#include "cli/live.h"
#include "cli/output.h"

/* ---- measuring ---- */

/* Bytes of a line such as "VmHWM:" in /proc/self/status; 0 if there is none. */
static uint64_t status_bytes(const char *key) {
    char line[256];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    size_t n = strlen(key);
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, n) == 0) kib = strtoull(line + n, NULL, 10);
    if (f) fclose(f);
    return kib << 10;
}

static int stop(void *user, size_t done, size_t all) {
    (void)user, (void)done, (void)all;
    return interrupted != 0;
}

/* Feed the next n ids and compute the logits of the last one. */
static int feed(struct bench *b, qw_session *s, int n) {
    qw_error err;
    size_t at = qw_n_tokens(s);
    if (interrupted) return EXIT_SIGINT;
    if (qw_feed(s, b->ids + at, (size_t)n, &err)) return engine_error(&err, NULL);
    if (qw_logits(s, at + (size_t)n - 1, 1, b->logits, &err)) return engine_error(&err, NULL);
    return 0;
}

static int32_t highest_logit(const float *logits, int n) {
    int32_t best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* One run. *seconds: all of it; *first: until the first token was drawn. As in llama-bench no other
 * token is drawn: the next ids are fixed. */
static int run(struct bench *b, qw_session *s, const qw_model_info *info, struct test t,
               double *seconds, double *first) {
    qw_error err;
    if (qw_rewind(s, (size_t)t.n_depth, &err)) return engine_error(&err, NULL);
    double started = monotonic_seconds();
    int rc = 0;
    if (t.n_prompt) {
        rc = feed(b, s, t.n_prompt);
        *seconds = monotonic_seconds() - started;
        b->drawn = highest_logit(b->logits, info->n_vocab);
        *first = monotonic_seconds() - started;
    }
    for (int i = 0; i < t.n_gen && !rc; i++) rc = feed(b, s, 1);
    if (t.n_gen) *seconds = monotonic_seconds() - started;
    return rc;
}

static void mean_and_deviation(const double *x, int n, double *mean, double *sd) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    *mean = sum / n;
    for (int i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

/* "pp512+tg128 @ d32" */
static void name_test(struct test t, char out[TEST_NAME]) {
    int n = 0;
    if (t.n_prompt) n += snprintf(out, TEST_NAME, "pp%d", t.n_prompt);
    if (t.n_gen) n += snprintf(out + n, TEST_NAME - (size_t)n, "%stg%d", n ? "+" : "", t.n_gen);
    if (t.n_depth) snprintf(out + n, TEST_NAME - (size_t)n, " @ d%d", t.n_depth);
}

static void show_run(struct bench *b, const struct loaded *m, const struct result *r, int i) {
    struct variants v = {.n = 0};
    if (!live_due(&b->live)) return;
    add_variant(&v, "%s, %d threads: run %d of %d", r->name, m->info->n_threads, i + 1, b->n_runs);
    add_variant(&v, "%.12s: run %d", r->name, i + 1);
    live_show(&b->live, &v);
}

/* All runs of a test in a session: fills b->ns, b->ts and r->first. */
static int run_all(struct bench *b, qw_session *s, const struct loaded *m, struct result *r) {
    const struct test t = r->test, small = {t.n_prompt, t.n_gen > 0, t.n_depth};
    double seconds = 0, first = 0;
    int rc = t.n_depth ? feed(b, s, t.n_depth) : 0;
    if (!rc && b->warm_up) rc = run(b, s, m->info, small, &seconds, &first);
    for (int i = 0; i < b->n_runs && !rc; i++) {
        show_run(b, m, r, i);
        rc = run(b, s, m->info, t, &seconds, &first);
        b->ns[i] = seconds * 1e9;
        b->ts[i] = (t.n_prompt + t.n_gen) / seconds;
        r->first += first / b->n_runs;
    }
    live_clear(&b->live);
    return rc;
}

static int print_rows(struct bench *b, const struct loaded *m, const struct result *r) {
    int rc = print_row(b, &b->out, m, r);
    if (!rc) rc = print_row(b, &b->err, m, r);
    return rc ? rc : flush_stdout();
}

/* Let the machine cool down. */
static int wait_before_test(const struct bench *b) {
    const struct timespec pause = {.tv_nsec = 100000000};
    double until = monotonic_seconds() + b->delay;
    while (monotonic_seconds() < until && !interrupted) nanosleep(&pause, NULL);
    return interrupted ? EXIT_SIGINT : 0;
}

/* Run a test and print its row. */
static int measure(struct bench *b, qw_model *model, const struct loaded *m, struct test t) {
    const qw_session_params params = {.n_ctx = t.n_depth + t.n_prompt + t.n_gen,
                                      .n_batch = b->n_batch,
                                      .kv_type = b->kv,
                                      .progress = stop};
    struct result r = {.test = t, .speed = -1};
    qw_session *s;
    qw_error err;
    int rc = wait_before_test(b);
    if (rc) return rc;
    name_test(t, r.name);
    r.started = time(NULL);
    if (qw_session_new(&s, model, &params, &err)) return engine_error(&err, NULL);
    rc = run_all(b, s, m, &r);
    /* The high-water mark would include the buffer of the bandwidth test. While the session exists,
     * what is resident is the peak of this test. */
    uint64_t resident = status_bytes("VmRSS:");
    r.peak = resident > m->peak ? resident : m->peak;
    /* at half of the generation */
    r.token_bytes = qw_bytes_per_token(s, (uint64_t)(t.n_depth + (t.n_gen + 1) / 2));
    qw_session_free(s);
    if (rc) return rc;
    mean_and_deviation(b->ns, b->n_runs, &r.ns, &r.ns_sd);
    mean_and_deviation(b->ts, b->n_runs, &r.ts, &r.ts_sd);
    if (t.n_prompt == 0) r.speed = (double)r.token_bytes * r.ts;
    return print_rows(b, m, &r);
}

/* The hash of the model's logits; *known: what it must be, or the same if that is not known. */
static int hash_logits(struct bench *b, qw_model *model, uint64_t *hash, uint64_t *known) {
    enum { HASHED = 20 };
    const qw_session_params params = {.n_ctx = HASHED, .n_batch = b->n_batch, .kv_type = b->kv,
                                      .progress = stop};
    qw_session *s;
    qw_error err;
    if (qw_session_new(&s, model, &params, &err)) return engine_error(&err, NULL);
    b->kv = qw_kv_type(s);
    int rc = qw_logits_hash(s, hash, &err) ? engine_error(&err, NULL) : 0;
    if (!rc && !qw_known_hash(s, known)) *known = *hash;
    qw_session_free(s);
    return interrupted ? EXIT_SIGINT : rc;
}

/* ---- the list of tests ---- */

/* Called for each test; 0 or an exit code. */
typedef int test_fn(struct bench *b, qw_model *model, const struct loaded *m, struct test t);

/* At each depth: the prompts, the generations, the pairs. */
static int each_test(struct bench *b, qw_model *model, const struct loaded *m, test_fn *f) {
    int rc = 0;
    for (int k = 0; k < b->depths.n; k++) {
        struct test t = {.n_depth = b->depths.p[k]};
        for (int i = 0; i < b->prompts.n && !rc; i++) {
            t.n_prompt = b->prompts.p[i];
            if (t.n_prompt) rc = f(b, model, m, t);
        }
        t.n_prompt = 0;
        for (int i = 0; i < b->gens.n && !rc; i++) {
            t.n_gen = b->gens.p[i];
            if (t.n_gen) rc = f(b, model, m, t);
        }
        for (int i = 0; i < b->pairs.n && !rc; i += 2) {
            t.n_prompt = b->pairs.p[i];
            t.n_gen = b->pairs.p[i + 1];
            if (t.n_prompt || t.n_gen) rc = f(b, model, m, t);
        }
    }
    return rc;
}

static int widen(struct bench *b, qw_model *model, const struct loaded *m, struct test t) {
    char name[TEST_NAME];
    (void)model, (void)m;
    name_test(t, name);
    int n = (int)strlen(name);
    if (n > b->test_width) b->test_width = n;
    return 0;
}

static int check_length(struct bench *b, qw_model *model, const struct loaded *m, struct test t) {
    (void)b, (void)model;
    int64_t all = (int64_t)t.n_depth + t.n_prompt + t.n_gen;
    if (all <= m->info->n_ctx_max) return 0;
    say("-p %d, -n %d at -d %d: %" PRId64 " positions; this model has %d (config.json)",
        t.n_prompt, t.n_gen, t.n_depth, all, m->info->n_ctx_max);
    return EXIT_CONTEXT;
}

/* Allocate, and choose ids for any test: spread over the vocabulary, the same on every machine. */
static int prepare(struct bench *b, const qw_model_info *info) {
    size_t n = (size_t)info->n_ctx_max;
    b->ns = calloc((size_t)b->n_runs, sizeof *b->ns);
    b->ts = calloc((size_t)b->n_runs, sizeof *b->ts);
    b->ids = calloc(n, sizeof *b->ids);
    b->logits = calloc((size_t)info->n_vocab, sizeof *b->logits);
    if (!b->ns || !b->ts || !b->ids || !b->logits) return memory_error("the tests");
    qw_find_machine(&b->machine);
    mask_list(b->model.cpu_list ? b->model.cpus.usable : "", b->cpu_mask);
    snprintf(b->kernels, sizeof b->kernels, "%s", info->kernels);
    for (size_t i = 0; i < n; i++) {
        uint32_t spread = (uint32_t)(i + 1) * UINT32_C(2654435761) >> 4;
        b->ids[i] = (int32_t)(spread % (uint32_t)info->n_vocab);
    }
    return 0;
}

/* ---- one number of threads ---- */

/* A wrong answer has no speed. */
static int wrong(uint64_t found, uint64_t right, const char *whose) {
    say("WRONG: the hash of the logits is %016" PRIx64 "; %s %016" PRIx64
        ". qw selftest looks for the kernel that is at fault", found, whose, right);
    return EXIT_ERROR;
}

/* The hash must be the known one, that of plain C with --check, and the same with any number of
 * threads. */
static int check_hash(struct bench *b, qw_model *model) {
    uint64_t hash, known;
    int rc = hash_logits(b, model, &hash, &known);
    if (rc) return rc;
    if (hash != known)
        return wrong(hash, known, b->shape_file ? "if the file is not damaged, it must be"
                                                : "on every other machine it is");
    if (b->has_hash && hash != b->hash)
        return wrong(hash, b->hash, b->n_loads ? "with another number of threads it was"
                                               : "plain C computes");
    b->hash = hash;
    b->has_hash = true;
    return 0;
}

static void note_loaded(const struct bench *b, const struct loaded *m) {
    int n = m->info->n_threads;
    char speed[40] = "unknown (too little memory is free)";
    if (m->read_speed > 0) snprintf(speed, sizeof speed, "%.1f GB/s", m->read_speed / 1e9);
    note("%s, %d thread%s: loaded in %.2f s, read bandwidth %s, logits %016" PRIx64,
        m->info->kernels, n, n > 1 ? "s" : "", m->load, speed, b->hash);
}

/* Check first what would otherwise fail after an hour. */
static int bench_model(struct bench *b, qw_model *model, struct loaded *m) {
    qw_error err;
    int rc = b->n_loads == 0 ? prepare(b, m->info) : 0;
    if (!rc) rc = each_test(b, model, m, check_length);
    if (!rc) rc = each_test(b, model, m, widen);
    if (!rc) rc = check_hash(b, model);
    m->peak = status_bytes(b->n_loads == 0 ? "VmHWM:" : "VmRSS:");
    if (rc) return rc;
    b->n_loads++;
    if (qw_read_bandwidth(model, &m->read_speed, &err)) return engine_error(&err, NULL);
    note_loaded(b, m);
    for (int i = 0; i < b->batches.n && !rc; i++) {
        b->n_batch = b->batches.p[i];
        rc = each_test(b, model, m, measure);
    }
    return rc;
}

static int show_made(void *user, uint64_t done, uint64_t all) {
    struct bench *b = user;
    struct variants v = {.n = 0};
    if (live_due(&b->live)) {
        add_variant(&v, "making the weights %3.0f %%", 100.0 * (double)done / (double)all);
        add_variant(&v, "weights %3.0f %%", 100.0 * (double)done / (double)all);
        live_show(&b->live, &v);
    }
    return interrupted != 0;
}

static int write_part(void *file, const void *p, size_t n) { return output_write(file, p, n); }

static int write_shape(struct bench *b, const qw_load_params *params) {
    struct output file;
    qw_error err;
    int rc = output_open(&file, b->shape_file);
    if (rc) return rc;
    int failed = qw_write_shape(b->shape, params, write_part, &file, &err);
    live_clear(&b->live);
    if (failed && !file.error) rc = load_error(&b->model, &err);  /* else output_close reports it */
    int closed = output_close(&file, !failed);
    return rc ? rc : closed;
}

static int load_shape(struct bench *b, qw_model **out) {
    const struct model_flags *f = &b->model;
    const qw_load_params params = {.weight_type = f->weight_type, .n_threads = f->n_threads,
                                   .cpu = f->cpu, .progress = show_made, .user = b};
    qw_error err;
    int rc = 0;
    set_level(f->cpu);
    poll_sigint(SIGINTS_OF_A_PIPE);
    if (b->shape_file && access(b->shape_file, F_OK) != 0) rc = write_shape(b, &params);
    if (!rc && qw_load_shape(out, b->shape, b->shape_file, &params, &err)) rc = load_error(f, &err);
    live_clear(&b->live);
    return rc;
}

/* The model, or one of the shape. */
static int load(struct bench *b, qw_model **out) {
    if (!b->shape) return load_model(out, &b->model, false);
    int rc = choose_cpus(&b->model);
    return rc ? rc : load_shape(b, out);
}

/* The hash that plain C computes, which takes a while. */
static int hash_plainly(struct bench *b) {
    const char *cpu = b->model.cpu;
    uint64_t known;
    qw_model *model;
    b->model.cpu = "scalar";
    int rc = load(b, &model);
    b->model.cpu = cpu;
    if (rc) return rc;
    rc = hash_logits(b, model, &b->hash, &known);
    b->has_hash = !rc;
    qw_free(model);
    return rc;
}

/* Load with this many threads (0: the default) and run all tests. */
static int bench_threads(struct bench *b, int n_threads) {
    struct loaded m = {0};
    qw_model *model;
    int rc = b->check && !b->has_hash ? hash_plainly(b) : 0;
    if (rc) return rc;
    double started = monotonic_seconds();
    b->model.n_threads = n_threads;
    rc = load(b, &model);
    if (rc) return rc;
    m.info = qw_info(model);
    m.load = monotonic_seconds() - started;
    snprintf(b->weight_type, sizeof b->weight_type, "%s", m.info->weight_type);
    b->model.weight_type = b->weight_type;              /* "auto" is decided once */
    rc = bench_model(b, model, &m);
    qw_free(model);
    return rc;
}

/* ---- the command ---- */

static int default_list(struct int_list *list, int value) {
    if (list->n) return 0;
    list->p = malloc(sizeof *list->p);
    if (!list->p) return memory_error("the tests");
    list->p[list->n++] = value;
    return 0;
}

static bool any_positive(const struct int_list *list) {
    for (int i = 0; i < list->n; i++)
        if (list->p[i] > 0) return true;
    return false;
}

static int begin(struct bench *b) {
    int rc = default_list(&b->threads, 0);
    if (!rc) rc = default_list(&b->batches, 64);
    if (!rc) rc = default_list(&b->prompts, 512);
    if (!rc) rc = default_list(&b->gens, 128);
    if (!rc) rc = default_list(&b->depths, 0);
    if (rc) return rc;
    if (!any_positive(&b->prompts) && !any_positive(&b->gens) && !any_positive(&b->pairs))
        return usage_error("-p 0 and -n 0: nothing to measure");
    b->n_batch = b->batches.p[0];
    b->live = live_start(0);
    if (b->shape && b->model.path && b->model.path != getenv("QW_MODEL"))
        return usage_error("--shape needs no model: leave out -m");
    if (b->shape_file && !b->shape) return usage_error("--shape-file needs --shape");
    if (b->shape) return 0;
    b->model.path = find_model(b->model.path, false, b->found);     /* named once, not per load */
    return b->model.path ? 0 : EXIT_ERROR;
}

/* The flags of bench after those of the model. */
enum { N_BENCH_FLAGS = 17 };
static void set_bench_flags(struct flag *flags, struct bench *b) {
    const struct flag all[N_BENCH_FLAGS] = {
        {.names = "-t --threads", .value = "N,N...", .type = FLAG_INTS, .to = &b->threads,
         .lo = 1, .hi = 256, .env = "QW_THREADS",
         .help = "threads; the model is loaded anew for each number; default one per fast core"},
        {.heading = "Tests", .names = "-p --n-prompt", .value = "N,N...", .type = FLAG_INTS,
         .to = &b->prompts, .hi = 1 << 24,
         .help = "prompts of that many tokens; default 512; 0: none"},
        {.names = "-n --n-gen", .value = "N,N...", .type = FLAG_INTS, .to = &b->gens, .hi = 1 << 24,
         .help = "generate that many tokens; default 128; 0: none"},
        {.names = "-pg", .value = "P,N", .type = FLAG_PAIRS, .to = &b->pairs, .hi = 1 << 24,
         .help = "a prompt of P tokens and N generated, as one test"},
        {.names = "-d --n-depth", .value = "N,N...", .type = FLAG_INTS, .to = &b->depths,
         .hi = 1 << 24, .help = "tokens already in the cache, not timed; default 0"},
        {.names = "-b --batch-size", .value = "N,N...", .type = FLAG_INTS, .to = &b->batches,
         .lo = 1, .hi = 65536, .env = "QW_BATCH_SIZE",
         .help = "prompt tokens computed at a time; default 64"},
        kv_flag(&b->kv),
        {.names = "-r --repetitions", .value = "N", .type = FLAG_INT, .to = &b->n_runs,
         .lo = 1, .hi = 10000, .help = "runs of each test; default 5"},
        {.names = "--no-warmup", .type = FLAG_OFF, .to = &b->warm_up,
         .help = "no run before those that count"},
        {.names = "--shape", .value = "SHAPE", .type = FLAG_STRING, .to = &b->shape,
         .help = "no model, but random weights in the shape of Qwen3: 0.6b, 1.7b, 4b; -q is q4 "
                 "(default), q8 or bf16"},
        {.names = "--shape-file", .value = "FILE", .type = FLAG_PATH, .to = &b->shape_file,
         .help = "keep those weights there, and map them: for where memory is short"},
        {.names = "--check", .type = FLAG_ON, .to = &b->check,
         .help = "compare the logits with those of plain C first"},
        {.names = "--delay", .value = "N", .type = FLAG_INT, .to = &b->delay, .hi = 86400,
         .help = "seconds to wait before each test, so that the machine cools down; default 0"},
        {.heading = "Output", .names = "-o --output", .value = FORMATS, .type = FLAG_WORD,
         .to = &b->out.format, .help = "format of the rows; default md"},
        {.names = "-oe --output-err", .value = FORMATS, .type = FLAG_WORD, .to = &b->err.format,
         .help = "the same rows on stderr; default none"},
        {.names = "--progress", .type = FLAG_ON, .to = &b->progress,
         .help = "which run it is, also in a pipe"},
        {.names = "-v --verbose", .type = FLAG_ON, .to = &b->verbose,
         .help = "more columns; how long loading took and what the memory can do, also in a pipe"},
    };
    for (int i = 0; i < N_BENCH_FLAGS; i++) flags[i] = all[i];
}

static int cmd_bench(int argc, char **argv) {
    struct bench b = {.n_runs = 5, .warm_up = true, .out = {.to = stdout},
                      .err = {.to = stderr, .format = NO_ROWS}};
    struct flag flags[N_MODEL_FLAGS + N_BENCH_FLAGS];
    set_model_flags(flags, N_MODEL_FLAGS, &b.model, "QW_WEIGHT_TYPE", auto_type_help);
    set_bench_flags(flags + N_MODEL_FLAGS, &b);
    int rc = parse_flags(&command_bench, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    set_messages(false, b.verbose || b.progress);
    if (!rc) rc = begin(&b);
    for (int i = 0; i < b.threads.n && !rc; i++) rc = bench_threads(&b, b.threads.p[i]);
    if (!ferror(stdout)) print_end(&b, &b.out);
    print_end(&b, &b.err);
    struct int_list *const lists[] = {&b.threads, &b.batches, &b.prompts, &b.gens, &b.pairs,
                                      &b.depths};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) free(lists[i]->p);
    free(b.ns);
    free(b.ts);
    free(b.ids);
    free(b.logits);
    return rc;
}

const struct command command_bench = {
    .name = "bench",
    .summary = "tokens per second, and what this machine could do at best",
    .arguments = "[FLAGS]",
    .run = cmd_bench,
    .details =
        "Lists may have ranges: 128-512+128 is 128,256,384,512, and 1-8*2 is 1,2,4,8.\n"
        "A list or pair may be given several times. Tests are run for each number of\n"
        "threads, batch size and depth.\n"
        "\n"
        "csv, json and jsonl have llama-bench's fields, so that compare-llama-bench.py\n"
        "compares files of qw (-t llama-bench), and after them:\n"
        "  bytes_per_token  what generating a token reads (weights, cache)\n"
        "  gb_per_s         how fast that was\n"
        "  read_gb_per_s    how fast these threads read memory, measured in the same run\n"
        "  ttft_ns          loading, prompt and first token\n"
        "  peak_memory\n"
        "  logits_hash      one number for a model, weight type and cache type, on any\n"
        "                   machine and with any flags: another one is a wrong answer\n",
};
