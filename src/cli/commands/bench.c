/* bench.c - qw bench: tokens per second under llama-bench's flags, columns and names; what the
 * memory of this machine would allow; and a hash of logits that is the same on every machine, so
 * that a fast wrong answer shows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/bench.h"
#include "cli/commands/commands.h"
#include "cli/live.h"
#include "cli/output.h"

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
    size_t n_samples = (size_t)(b->sustain.wanted ? MOST_SUSTAINED : b->n_runs);
    b->ns = calloc(n_samples, sizeof *b->ns);
    b->ts = calloc(n_samples, sizeof *b->ts);
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

/* The hash of the model's logits; *known: what it must be, or the same if that is not known. */
static int hash_logits(struct bench *b, qw_model *model, uint64_t *hash, uint64_t *known) {
    enum { HASHED = 20 };
    const qw_session_params params = {.n_ctx = HASHED, .n_batch = b->n_batch, .kv_type = b->kv,
                                      .progress = bench_progress, .user = b};
    qw_session *s;
    qw_error err;
    if (qw_session_new(&s, model, &params, &err)) return engine_error(&err, NULL);
    b->kv = qw_kv_type(s);
    int rc = qw_logits_hash(s, hash, &err) ? engine_error(&err, NULL) : 0;
    if (!rc && !qw_known_hash(s, known)) *known = *hash;
    qw_session_free(s);
    return interrupted ? EXIT_SIGINT : rc;
}

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
    m.load = seconds_since(started);
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
enum { N_BENCH_FLAGS = 18 };
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
        {.names = "--sustain", .value = "SECONDS", .type = FLAG_INT, .to = &b->sustain.wanted,
         .lo = 11, .hi = 86400,
         .help = "repeat each test for that long instead; says how fast it was in the first ten "
                 "seconds, and in the rest"},
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
        "  peak_memory      bytes\n"
        "  logits_hash      one number for a model, weight type and cache type, on any\n"
        "                   machine and with any flags: another one is a wrong answer\n"
        "  version ... cpus what this machine is, and on which CPUs threads ran\n"
        "  celsius_before, celsius_after, mhz_before, mhz_after\n"
        "                   of the CPU, before the test and at its end\n"
        "  percent_of_others\n"
        "                   how much of the CPUs' time other programs took\n"
        "  throttled, throttled_by\n"
        "                   did heat, power or a limit slow the CPUs down? null: unknown\n"
        "  disturbed, disturbed_by\n"
        "                   did anything else falsify the speed?\n"
        "  first_10_s_ts, rest_ts\n"
        "                   tokens per second with --sustain\n",
};
