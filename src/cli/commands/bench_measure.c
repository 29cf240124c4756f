/* bench_measure.c - the measurements of qw bench: the runs of a test, how long they took, and what
 * the machine did meanwhile. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/commands/bench.h"
#include "cli/output.h"

uint64_t status_bytes(const char *key) {
    char line[256];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    size_t n = strlen(key);
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, n) == 0) kib = strtoull(line + n, NULL, 10);
    if (f) fclose(f);
    return kib << 10;
}

int bench_progress(void *user, size_t done, size_t all) {
    struct bench *b = user;
    (void)done, (void)all;
    qw_watch_step(b->watch);
    return interrupted != 0;
}

double seconds_since(double started) {
    double t = monotonic_seconds() - started;
    return t > 0 ? t : 0;
}

/* 0: no time has passed, by a clock that is wrong. */
static double per_second(double n, double seconds) { return seconds > 0 ? n / seconds : 0; }

/* ---- one run ---- */

/* With --sustain: n more tokens. Those of the first ten seconds count by themselves. */
static void count_tokens(struct sustain *s, int n) {
    enum { FIRST = 10 };
    if (!s->wanted) return;
    s->tokens += n;
    if (s->first_seconds > 0 || seconds_since(s->began) < FIRST) return;
    s->first_seconds = seconds_since(s->began);
    s->first_tokens = s->tokens;
}

/* Feed the next n ids and compute the logits of the last one. */
static int feed(struct bench *b, qw_session *s, int n) {
    qw_error err;
    size_t at = qw_n_tokens(s);
    if (interrupted) return EXIT_SIGINT;
    if (qw_feed(s, b->ids + at, (size_t)n, &err)) return engine_error(&err, NULL);
    if (qw_logits(s, at + (size_t)n - 1, 1, b->logits, &err)) return engine_error(&err, NULL);
    count_tokens(&b->sustain, n);
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
        *seconds = seconds_since(started);
        b->drawn = highest_logit(b->logits, info->n_vocab);
        *first = seconds_since(started);
    }
    for (int i = 0; i < t.n_gen && !rc; i++) rc = feed(b, s, 1);
    if (t.n_gen) *seconds = seconds_since(started);
    return rc;
}

/* ---- all runs of a test ---- */

static void mean_and_deviation(const double *x, int n, double *mean, double *sd) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    *mean = sum / n;
    for (int i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

/* "pp512+tg128 @ d32" */
void name_test(struct test t, char out[TEST_NAME]) {
    int n = 0;
    if (t.n_prompt) n += snprintf(out, TEST_NAME, "pp%d", t.n_prompt);
    if (t.n_gen) n += snprintf(out + n, TEST_NAME - (size_t)n, "%stg%d", n ? "+" : "", t.n_gen);
    if (t.n_depth) snprintf(out + n, TEST_NAME - (size_t)n, " @ d%d", t.n_depth);
}

int test_threads(const struct bench *b, const struct loaded *m, const struct result *r) {
    const int n = r->test.n_prompt < b->n_batch ? r->test.n_prompt : b->n_batch;
    const bool batch = r->test.n_gen == 0 && n >= m->info->batch_from;
    return batch ? m->info->n_threads_batch : m->info->n_threads;
}

static void show_run(struct bench *b, const struct loaded *m, const struct result *r) {
    struct variants v = {.n = 0};
    int n = b->sustain.wanted ? (int)seconds_since(b->sustain.began) : r->n_runs + 1;
    int all = b->sustain.wanted ? b->sustain.wanted : b->n_runs;
    const char *what = b->sustain.wanted ? "second" : "run";
    if (!live_due(&b->live)) return;
    int threads = test_threads(b, m, r);
    add_variant(&v, "%s, %d thread%s: %s %d of %d", r->name, threads, plural((size_t)threads),
                what, n, all);
    add_variant(&v, "%.10s: %s %d", r->name, what, n);
    live_show(&b->live, &v);
}

/* A sample of --sustain is the mean of as many runs as fill its part of the time. */
static int sample(struct bench *b, qw_session *s, const struct loaded *m, struct result *r) {
    const struct test t = r->test;
    double all = 0, seconds = 0, first = 0, least = (double)b->sustain.wanted / MOST_SUSTAINED;
    int n = 0, rc;
    do {
        rc = run(b, s, m->info, t, &seconds, &first);
        all += seconds;
        n++;
    } while (!rc && all < least && seconds > 0);
    qw_watch_look(b->watch);
    b->ns[r->n_runs] = all / n * 1e9;
    b->ts[r->n_runs] = per_second((t.n_prompt + t.n_gen) * (double)n, all);
    r->first += first;
    r->n_runs++;
    return rc;
}

static bool is_done(const struct bench *b, const struct result *r) {
    const struct sustain *s = &b->sustain;
    if (!s->wanted) return r->n_runs == b->n_runs;
    return r->n_runs == MOST_SUSTAINED ||
           (r->n_runs > 0 && seconds_since(s->began) >= s->wanted);
}

static void judge_sustained(struct sustain *s, struct result *r) {
    double rest = seconds_since(s->began) - s->first_seconds;
    if (s->first_seconds <= 0 || s->tokens == s->first_tokens) return;
    r->first_ts = per_second(s->first_tokens, s->first_seconds);
    r->rest_ts = per_second(s->tokens - s->first_tokens, rest);
    r->rest_seconds = rest;
}

/* All runs of a test in a session: fills b->ns, b->ts, and of r what they show. */
static int run_all(struct bench *b, qw_session *s, const struct loaded *m, struct result *r) {
    const struct test t = r->test, small = {t.n_prompt, t.n_gen > 0, t.n_depth};
    double seconds = 0, first = 0;
    qw_error err;
    int rc = t.n_depth ? feed(b, s, t.n_depth) : 0;
    if (!rc && b->warm_up) rc = run(b, s, m->info, small, &seconds, &first);
    if (rc) return rc;
    if (qw_watch_begin(&b->watch, test_threads(b, m, r), &err)) return engine_error(&err, NULL);
    b->sustain = (struct sustain){.wanted = b->sustain.wanted, .began = monotonic_seconds()};
    while (!rc && !is_done(b, r)) {
        show_run(b, m, r);
        rc = sample(b, s, m, r);
    }
    judge_sustained(&b->sustain, r);
    qw_watch_end(b->watch, &r->watched);
    b->watch = NULL;
    r->first /= r->n_runs;
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
    for (int i = 0; i < 10 * b->delay && !interrupted; i++) nanosleep(&pause, NULL);
    return interrupted ? EXIT_SIGINT : 0;
}

int measure(struct bench *b, qw_model *model, const struct loaded *m, struct test t) {
    const qw_session_params params = {.n_ctx = t.n_depth + t.n_prompt + t.n_gen,
                                      .n_batch = b->n_batch,
                                      .kv_type = b->kv,
                                      .progress = bench_progress,
                                      .user = b};
    struct result r = {.test = t, .speed = -1, .first_ts = -1, .rest_ts = -1};
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
    mean_and_deviation(b->ns, r.n_runs, &r.ns, &r.ns_sd);
    mean_and_deviation(b->ts, r.n_runs, &r.ts, &r.ts_sd);
    if (t.n_prompt == 0) r.speed = (double)r.token_bytes * r.ts;
    keep_remarks(b, m, &r);
    return print_rows(b, m, &r);
}
