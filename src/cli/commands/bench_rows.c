/* bench_rows.c - the rows of qw bench, with llama-bench's columns and names and ours behind them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "cli/commands/bench.h"

/* Prints one field after another; or, for the first line of csv, their names. */
struct writer { enum format format; bool names; int n; };

static void put(struct writer *w, const char *name, const char *value) {
    if (w->format == CSV) {
        fputs(w->n++ ? ",\"" : "\"", stdout);
        for (const char *p = w->names ? name : value ? value : ""; *p; p++) printf(*p == '"' ? "\"\"" : "%c", *p);
        fputs("\"", stdout);
    } else {
        const char *before = w->format == JSON ? (w->n ? ",\n    " : "    ") : w->n ? ", " : "";
        printf("%s\"%s\": %s", before, name, value ? value : "null");
        w->n++;
    }
}

static void put_text(struct writer *w, const char *name, const char *text) {
    char *clean = NULL, *quoted = NULL;
    size_t n, bad;
    if (w->format != CSV && qw_utf8_clean(text, strlen(text), &clean, &n, &bad, NULL) == 0) qw_json_quote(clean, n, &quoted, &n, NULL);
    put(w, name, w->format == CSV ? text : quoted);
    qw_release(clean);
    qw_release(quoted);
}

/* Below 0: there is no such number in this row. */
static void put_number(struct writer *w, const char *name, double value, int decimals) {
    char text[64];
    snprintf(text, sizeof text, "%.*f", decimals, value);
    put(w, name, value < 0 ? NULL : text);
}

static void put_list(struct writer *w, const char *name, const double *samples, int n, int decimals) {
    if (w->format == CSV) return;
    printf("%s\"%s\": [ ", w->format == JSON ? ",\n    " : ", ", name);
    for (int i = 0; i < n; i++) printf("%s%.*f", i ? ", " : "", decimals, samples[i]);
    printf(" ]");
}

/* "qwen3 0.6B q4": sizes as the models are named. */
static void model_type(const qw_model_info *i, char *out, size_t size) {
    double p = (double)i->n_params;
    if (p >= 3e9) snprintf(out, size, "qwen3 %.0fB %s", floor(p / 1e9), i->weight_type);
    else if (p >= 1e8) snprintf(out, size, "qwen3 %.1fB %s", p / 1e9, i->weight_type);
    else snprintf(out, size, "qwen3 %.1fM %s", p / 1e6, i->weight_type);
}

/* Per cent of the read bandwidth; below 0: unknown. */
static double share(const struct machine *m, const struct result *r) { return m->read_speed > 0 ? r->speed / m->read_speed * 100 : -1; }

static void put_row(const struct bench *b, const struct machine *m, const struct result *r, struct writer w) {
    char type[64], date[32], hash[32];
    time_t t = time(NULL);
    struct tm utc;
    model_type(m->info, type, sizeof type);
    snprintf(hash, sizeof hash, "%016" PRIx64, b->hash);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
    put_text(&w, "model_filename", m->info->path);
    put_text(&w, "model_type", type);
    put_number(&w, "model_size", (double)m->info->weight_bytes, 0);
    put_number(&w, "model_n_params", (double)m->info->n_params, 0);
    put_number(&w, "n_batch", b->n_batch, 0);
    put_number(&w, "n_threads", m->info->n_threads, 0);
    put_text(&w, "type_k", b->kv);
    put_text(&w, "type_v", b->kv);
    put_number(&w, "n_prompt", r->test.n_prompt, 0);
    put_number(&w, "n_gen", r->test.n_gen, 0);
    put_number(&w, "n_depth", r->test.n_depth, 0);
    put_text(&w, "test_time", date);
    put_number(&w, "avg_ns", r->ns, 0);
    put_number(&w, "stddev_ns", r->ns_sd, 0);
    put_number(&w, "avg_ts", r->ts, 6);
    put_number(&w, "stddev_ts", r->ts_sd, 6);
    put_text(&w, "cpu", m->info->kernels);
    put_text(&w, "weight_type", m->info->weight_type);
    put_number(&w, "load_ns", m->load * 1e9, 0);
    put_number(&w, "ttft_ns", r->test.n_prompt ? (m->load + r->first) * 1e9 : -1, 0);
    put_number(&w, "peak_memory", (double)r->peak, 0);
    put_number(&w, "bytes_per_token", r->speed < 0 ? -1 : (double)r->token_bytes, 0);
    put_number(&w, "gb_per_s", r->speed / 1e9, 3);
    put_number(&w, "read_gb_per_s", m->read_speed > 0 ? m->read_speed / 1e9 : -1, 3);
    put_number(&w, "percent_of_read", share(m, r), 1);
    put_text(&w, "logits_hash", hash);
    put_list(&w, "samples_ns", b->ns, b->n_runs, 0);
    put_list(&w, "samples_ts", b->ts, b->n_runs, 6);
}

static void markdown(const struct bench *b, const struct machine *m, const struct result *r) {
    const qw_model_info *i = m->info;
    char type[64], size[32], params[32], ts[64], speed[32] = "", part[32] = "", first[32] = "";
    bool giga = i->weight_bytes >> 30 != 0, billions = i->n_params >= 1000000000;
    model_type(i, type, sizeof type);
    snprintf(size, sizeof size, "%.2f %s", (double)i->weight_bytes / (giga ? 1 << 30 : 1 << 20), giga ? "GiB" : "MiB");
    snprintf(params, sizeof params, "%.2f %s", (double)i->n_params / (billions ? 1e9 : 1e6), billions ? "B" : "M");
    snprintf(ts, sizeof ts, "%.2f ± %.2f", r->ts, r->ts_sd);
    if (r->speed > 0) {
        snprintf(speed, sizeof speed, "%.2f", r->speed / 1e9);
        if (share(m, r) >= 0) snprintf(part, sizeof part, "%.0f", share(m, r));
    }
    if (r->test.n_prompt) snprintf(first, sizeof first, "%.2f", m->load + r->first);
    if (b->n_rows == 0)
        printf("| model                |       size |     params | backend | cpu        | threads |  kv |            test |                  t/s |   GB/s | %% of read | ttft s | peak MiB | logits hash      |\n"
               "| -------------------- | ---------: | ---------: | ------- | ---------- | ------: | --- | --------------: | -------------------: | -----: | --------: | -----: | -------: | ---------------- |\n");
    printf("| %-20s | %10s | %10s | CPU     | %-10s | %7d | %3s | %15s | %21s | %6s | %9s | %6s | %8.1f | %016" PRIx64 " |\n", type, size, params, i->kernels,    /* ± is two bytes */
           i->n_threads, b->kv, r->name, ts, speed, part, first, (double)r->peak / (1 << 20), b->hash);
}

int print_row(struct bench *b, const struct machine *m, const struct result *r) {
    struct writer w = {.format = b->format};
    switch (b->format) {
    case MARKDOWN: markdown(b, m, r); break;
    case JSON:
        fputs(b->n_rows ? ",\n  {\n" : "[\n  {\n", stdout);
        put_row(b, m, r, w);
        fputs("\n  }", stdout);
        break;
    case JSONL:
        putchar('{');
        put_row(b, m, r, w);
        puts("}");
        break;
    default:
        if (b->n_rows == 0) {
            put_row(b, m, r, (struct writer){.format = CSV, .names = true});
            putchar('\n');
        }
        put_row(b, m, r, w);
        putchar('\n');
    }
    b->n_rows++;
    return flush_stdout();
}

void print_end(const struct bench *b) {
    if (b->format == JSON && b->n_rows) puts("\n]");
}
