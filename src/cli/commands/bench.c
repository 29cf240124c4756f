/* bench.c - qw bench: tokens per second under llama-bench's flags, columns and names; what the memory of this machine would allow;
 * and a hash of logits that is the same on every machine, so that a fast wrong answer shows. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/commands/bench.h"

/* ---- measuring ---- */

/* Bytes of a line such as "VmHWM:" of /proc/self/status; 0 where there is none. */
static uint64_t status_bytes(const char *key) {
    char line[256];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0) kib = strtoull(line + strlen(key), NULL, 10);
    if (f) fclose(f);
    return kib << 10;
}

static int stop(void *user, size_t done, size_t all) {
    (void)user, (void)done, (void)all;
    return interrupted != 0;
}

/* Feed n of the ids that belong behind what was fed, and compute the last one's logits. */
static int feed(struct bench *b, qw_session *s, int n) {
    qw_error err;
    size_t at = qw_n_tokens(s);
    if (interrupted) return EXIT_SIGINT;
    return qw_feed(s, b->ids + at, (size_t)n, &err) || qw_logits(s, at + (size_t)n - 1, 1, b->logits, &err) ? engine_error(&err) : 0;
}

static int32_t highest(const float *logits, int n) {
    int32_t best = 0;
    for (int i = 1; i < n; i++) if (logits[i] > logits[best]) best = i;
    return best;
}

/* One run: seconds in all, and until the first token was drawn. As in llama-bench nothing else is drawn: the next ids are fixed. */
static int run(struct bench *b, qw_session *s, const qw_model_info *info, struct test t, double *seconds, double *first) {
    qw_error err;
    int rc = qw_rewind(s, (size_t)t.n_depth, &err) ? engine_error(&err) : 0;
    double started = now();
    if (t.n_prompt && !rc) {
        rc = feed(b, s, t.n_prompt);
        *seconds = now() - started;
        b->drawn = highest(b->logits, info->n_vocab);
        *first = now() - started;
    }
    for (int i = 0; i < t.n_gen && !rc; i++) rc = feed(b, s, 1);
    if (t.n_gen) *seconds = now() - started;
    return rc;
}

static void deviation(const double *x, int n, double *mean, double *sd) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    *mean = sum / n;
    for (int i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

static int measure(struct bench *b, qw_model *model, const struct machine *m, struct test t) {
    const qw_session_params params = {.n_ctx = t.n_depth + t.n_prompt + t.n_gen, .n_batch = b->n_batch, .kv_type = b->kv, .progress = stop};
    struct result r = {.test = t, .speed = -1};
    struct test small = {t.n_prompt, t.n_gen > 0, t.n_depth};
    qw_session *s;
    qw_error err;
    double seconds = 0, first = 0;
    int n = 0;
    if (t.n_prompt) n += snprintf(r.name, sizeof r.name, "pp%d", t.n_prompt);
    if (t.n_gen) n += snprintf(r.name + n, sizeof r.name - (size_t)n, "%stg%d", n ? "+" : "", t.n_gen);
    if (t.n_depth) snprintf(r.name + n, sizeof r.name - (size_t)n, " @ d%d", t.n_depth);

    if (qw_session_new(&s, model, &params, &err)) return engine_error(&err);
    int rc = t.n_depth ? feed(b, s, t.n_depth) : 0;
    if (!rc && b->warm_up) rc = run(b, s, m->info, small, &seconds, &first);
    for (int i = 0; i < b->n_runs && !rc; i++) {
        if (b->live) LIVE_LINE("%s, %d threads: run %d of %d", r.name, m->info->n_threads, i + 1, b->n_runs);
        rc = run(b, s, m->info, t, &seconds, &first);
        b->ns[i] = seconds * 1e9;
        b->ts[i] = (t.n_prompt + t.n_gen) / seconds;
        r.first += first / b->n_runs;
    }
    if (b->live) fputs("\r\033[K", stderr);
    /* The high-water mark knows the buffer that the bandwidth was measured with; with the session still there, what is resident now is it. */
    uint64_t resident = status_bytes("VmRSS:");
    r.peak = resident > m->peak ? resident : m->peak;
    r.token_bytes = qw_bytes_per_token(s, (uint64_t)(t.n_depth + (t.n_gen + 1) / 2));      /* halfway */
    qw_session_free(s);
    if (rc) return rc;
    deviation(b->ns, b->n_runs, &r.ns, &r.ns_sd);
    deviation(b->ts, b->n_runs, &r.ts, &r.ts_sd);
    if (t.n_prompt == 0) r.speed = (double)r.token_bytes * r.ts;
    return print_row(b, m, &r);
}

/* FNV-1a over little-endian logits of the two last positions of HASHED tokens: one behind a batch, one alone. The ids depend only on the
 * vocabulary's size, so that this is one number for a checkpoint, weight and cache type, whatever the machine. */
enum { HASHED = 20 };

static int hash_logits(struct bench *b, qw_model *model, uint64_t *hash) {
    const qw_model_info *info = qw_info(model);
    const qw_session_params params = {.n_ctx = HASHED, .n_batch = b->n_batch, .kv_type = b->kv, .progress = stop};
    qw_session *s;
    qw_error err;
    int rc = 0;
    *hash = UINT64_C(0xcbf29ce484222325);
    if (qw_session_new(&s, model, &params, &err)) return engine_error(&err);
    b->kv = qw_kv_type(s);
    for (int part = 0; part < 2 && !rc; part++) {
        rc = feed(b, s, part ? 1 : HASHED - 1);
        for (int i = 0; i < info->n_vocab && !rc; i++) {
            uint32_t bits;
            memcpy(&bits, &b->logits[i], sizeof bits);
            for (int k = 0; k < 32; k += 8) *hash = (*hash ^ (bits >> k & 255)) * UINT64_C(0x100000001b3);
        }
    }
    qw_session_free(s);
    return rc;
}

/* ---- the list of tests ---- */

/* Calls f for each test: at each depth the prompts, the generations, the pairs. */
typedef int test_fn(struct bench *b, qw_model *model, const struct machine *m, struct test t);

static int each_test(struct bench *b, qw_model *model, const struct machine *m, test_fn *f) {
    int rc = 0;
    for (int k = 0; k < b->depths.n; k++) {
        int depth = b->depths.p[k];
        for (int i = 0; i < b->prompts.n && !rc; i++) if (b->prompts.p[i]) rc = f(b, model, m, (struct test){b->prompts.p[i], 0, depth});
        for (int i = 0; i < b->gens.n && !rc; i++) if (b->gens.p[i]) rc = f(b, model, m, (struct test){0, b->gens.p[i], depth});
        for (int i = 0; i < b->pairs.n && !rc; i += 2)
            if (b->pairs.p[i] || b->pairs.p[i + 1]) rc = f(b, model, m, (struct test){b->pairs.p[i], b->pairs.p[i + 1], depth});
    }
    return rc;
}

static int check(struct bench *b, qw_model *model, const struct machine *m, struct test t) {
    (void)b, (void)model;
    int64_t all = (int64_t)t.n_depth + t.n_prompt + t.n_gen;
    if (all <= m->info->n_ctx_max) return 0;
    say("-p %d, -n %d at -d %d: %" PRId64 " positions; this model has %d (max_position_embeddings)", t.n_prompt, t.n_gen, t.n_depth, all, m->info->n_ctx_max);
    return EXIT_CONTEXT;
}

/* Room, and ids for any test: spread over the vocabulary, the same on every machine. */
static int prepare(struct bench *b, const qw_model_info *info) {
    size_t n = (size_t)info->n_ctx_max;
    b->ns = calloc((size_t)b->n_runs, sizeof *b->ns);
    b->ts = calloc((size_t)b->n_runs, sizeof *b->ts);
    b->ids = calloc(n, sizeof *b->ids);
    b->logits = calloc((size_t)info->n_vocab, sizeof *b->logits);
    if (!b->ns || !b->ts || !b->ids || !b->logits) { say("not enough memory"); return EXIT_MEMORY; }
    for (size_t i = 0; i < n; i++) b->ids[i] = (int32_t)(((uint32_t)(i + 1) * UINT32_C(2654435761) >> 4) % (uint32_t)info->n_vocab);
    return 0;
}

/* Load with this many threads (0: the default) and run all tests. */
static int bench_threads(struct bench *b, int n_threads) {
    struct machine m = {0};
    qw_model *model;
    qw_error err;
    uint64_t hash = 0;
    double started = now();
    b->model.n_threads = n_threads;
    int rc = load_model(&model, &b->model, false);
    if (rc) return rc;
    m.info = qw_info(model);
    m.load = now() - started;
    snprintf(b->weight_type, sizeof b->weight_type, "%s", m.info->weight_type);
    b->model.weight_type = b->weight_type;              /* "auto" is decided once */
    if (b->n_loads == 0) rc = prepare(b, m.info);
    if (!rc) rc = each_test(b, model, &m, check);       /* rather now than after an hour */
    if (!rc) rc = hash_logits(b, model, &hash);
    m.peak = status_bytes(b->n_loads ? "VmRSS:" : "VmHWM:");
    if (!rc && b->n_loads++ && hash != b->hash) {
        say("the logits differ from those of another number of threads: %016" PRIx64 ", %016" PRIx64 "; this is a bug or a broken machine", hash, b->hash);
        rc = EXIT_ERROR;
    }
    b->hash = hash;
    if (!rc && qw_read_bandwidth(model, &m.read_speed, &err)) rc = engine_error(&err);
    if (!rc) {
        char speed[32] = "unknown, for little is free";
        if (m.read_speed > 0) snprintf(speed, sizeof speed, "%.1f GB/s", m.read_speed / 1e9);
        say("%s, %d thread%s: loaded in %.2f s, read bandwidth %s, logits %016" PRIx64, m.info->kernels, m.info->n_threads,
            m.info->n_threads > 1 ? "s" : "", m.load, speed, hash);
        rc = each_test(b, model, &m, measure);
    }
    qw_free(model);
    return rc;
}

static int default_list(struct int_list *list, int value) {
    if (list->n) return 0;
    if (!(list->p = malloc(sizeof *list->p))) { say("not enough memory"); return EXIT_MEMORY; }
    list->p[list->n++] = value;
    return 0;
}

static int begin(struct bench *b, const char *format) {
    static const char *const names[N_FORMATS] = {[MARKDOWN] = "md", [CSV] = "csv", [JSON] = "json", [JSONL] = "jsonl"};
    int rc = default_list(&b->threads, 0);
    if (!rc) rc = default_list(&b->prompts, 512);
    if (!rc) rc = default_list(&b->gens, 128);
    if (!rc) rc = default_list(&b->depths, 0);
    if (rc) return rc;
    while (b->format < N_FORMATS && strcmp(format, names[b->format]) != 0) b->format++;
    if (b->format == N_FORMATS) return usage_error("-o: '%s' is unknown; there are md, csv, json and jsonl", format);
    bool any = false;
    const struct int_list *const lists[] = {&b->prompts, &b->gens, &b->pairs};
    for (int k = 0; k < 3; k++) for (int i = 0; i < lists[k]->n; i++) any = any || lists[k]->p[i] > 0;
    if (!any) return usage_error("-p 0 and -n 0: nothing to measure");
    b->model.path = find_model(b->model.path, false, b->found);     /* named once, not with each load */
    b->live = load_bar(false).visible;
    return b->model.path ? 0 : EXIT_ERROR;
}

int cmd_bench(int argc, char **argv) {
    struct bench b = {.n_runs = 5, .n_batch = 64, .warm_up = true};
    const char *format = "md";
    int n_words;
    const struct flag flags[] = {
        MODEL_FLAGS_BUT_THREADS(&b.model, "QW_WEIGHT_TYPE", AUTO_TYPE_HELP),
        {"-t --threads", "N,N...", FLAG_INTS, &b.threads, 1, 256, "QW_THREADS", NULL, "threads, each with a load of its own; default one per fast core"},
        {"-p --n-prompt", "N,N...", FLAG_INTS, &b.prompts, 0, 1 << 24, NULL, NULL, "prompts of that many tokens; default 512; 0: none"},
        {"-n --n-gen", "N,N...", FLAG_INTS, &b.gens, 0, 1 << 24, NULL, NULL, "generate that many tokens; default 128; 0: none"},
        {"-pg", "P,N", FLAG_PAIRS, &b.pairs, 0, 1 << 24, NULL, NULL, "a prompt of P tokens and N generated, together; may be repeated, as the lists may"},
        {"-d --n-depth", "N,N...", FLAG_INTS, &b.depths, 0, 1 << 24, NULL, NULL, "tokens in the cache before, not timed; default 0"},
        {"-r --repetitions", "N", FLAG_INT, &b.n_runs, 1, 10000, NULL, NULL, "runs of each test; default 5"},
        KV_FLAG(&b.kv),
        {"-b --batch-size", "N", FLAG_INT, &b.n_batch, 1, 65536, "QW_BATCH_SIZE", NULL, "prompt tokens computed at a time; default 64"},
        {"-o --output", "FORMAT", FLAG_STRING, &format, 0, 0, NULL, NULL, "md (default), csv, json, jsonl"},
        {"--no-warmup", NULL, FLAG_OFF, &b.warm_up, 0, 0, NULL, NULL, "no run before those that count"},
    };
    const struct command c = {"bench", "tokens per second, and what this machine could do at best", "[FLAGS]", flags, sizeof flags / sizeof *flags,
        "Columns and names are llama-bench's. Added: bytes_per_token, what generating a token reads (weights, cache); gb_per_s, how fast that was;\n"
        "read_gb_per_s, how fast these threads read memory, measured in the same run; ttft_ns, loading, prompt and first token; peak_memory;\n"
        "logits_hash, one number for a model, weight and cache type, on every machine and with any other flags: another one is a wrong answer.\n"};
    int rc = parse_flags(&c, argc, argv, NULL, 0, &n_words);
    if (!rc) rc = check_kv(b.kv);
    if (!rc) rc = begin(&b, format);
    for (int i = 0; i < b.threads.n && !rc; i++) rc = bench_threads(&b, b.threads.p[i]);
    if (!ferror(stdout)) print_end(&b);
    struct int_list *const lists[] = {&b.threads, &b.prompts, &b.gens, &b.pairs, &b.depths};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) free(lists[i]->p);
    free(b.ns);
    free(b.ts);
    free(b.ids);
    free(b.logits);
    return rc;
}
