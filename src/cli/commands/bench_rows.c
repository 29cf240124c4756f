/* bench_rows.c - the rows of qw bench: llama-bench's columns and names, followed by ours. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "cli/commands/bench.h"
#include "cli/output.h"

/* "qwen3 0.6B q4": sizes as the models are named. */
static void model_type(const qw_model_info *info, char *out, size_t size) {
    double p = (double)info->n_params;
    const char *type = info->weight_type;
    if (p >= 3e9) snprintf(out, size, "qwen3 %.0fB %s", floor(p / 1e9), type);
    else if (p >= 1e8) snprintf(out, size, "qwen3 %.1fB %s", p / 1e9, type);
    else snprintf(out, size, "qwen3 %.1fM %s", p / 1e6, type);
}

/* Per cent of the read bandwidth; below 0: unknown. */
static double percent_of_read(const struct machine *m, const struct result *r) {
    return m->read_speed > 0 ? r->speed / m->read_speed * 100 : -1;
}

/* ---- csv, json, jsonl ---- */

/* A column and its value in one row. */
struct column {
    const char *name;
    enum { TEXT, NUMBER, SAMPLES } kind;
    const char *text;           /* TEXT */
    double number;              /* NUMBER; below 0: this row has none */
    const double *samples;      /* SAMPLES: one a run; not in csv */
    int decimals;               /* NUMBER, SAMPLES */
};

/* A field of csv: in quotes, with those inside it doubled. */
static void print_csv_field(const char *s) {
    putchar('"');
    for (; *s; s++) {
        if (*s == '"') putchar('"');
        putchar(*s);
    }
    putchar('"');
}

/* A line of csv: the names of the columns, or their values. */
static void print_csv(const struct column *columns, size_t n, bool names) {
    for (size_t i = 0; i < n; i++) {
        const struct column *c = &columns[i];
        char number[64] = "";
        if (c->kind == SAMPLES) continue;
        if (c->kind == NUMBER && c->number >= 0)
            snprintf(number, sizeof number, "%.*f", c->decimals, c->number);
        if (i) putchar(',');
        if (names) print_csv_field(c->name);
        else print_csv_field(c->kind == TEXT ? c->text : number);
    }
    putchar('\n');
}

static void print_json_text(const char *text) {
    char *clean = NULL, *quoted = NULL;
    size_t n, bad;
    if (qw_utf8_clean(text, strlen(text), &clean, &n, &bad, NULL) == 0)
        qw_json_quote(clean, n, &quoted, &n, NULL);
    fputs(quoted ? quoted : "null", stdout);
    qw_release(clean);
    qw_release(quoted);
}

/* The members of an object, without its braces. */
static void print_json(const struct column *columns, size_t n, int n_runs, const char *separator) {
    for (size_t i = 0; i < n; i++) {
        const struct column *c = &columns[i];
        printf("%s\"%s\": ", i ? separator : "", c->name);
        if (c->kind == TEXT) {
            print_json_text(c->text);
        } else if (c->kind == NUMBER && c->number < 0) {
            fputs("null", stdout);
        } else if (c->kind == NUMBER) {
            printf("%.*f", c->decimals, c->number);
        } else {
            fputs("[ ", stdout);
            for (int k = 0; k < n_runs; k++)
                printf("%s%.*f", k ? ", " : "", c->decimals, c->samples[k]);
            fputs(" ]", stdout);
        }
    }
}

static void print_fields(const struct bench *b, const struct machine *m, const struct result *r) {
    const qw_model_info *info = m->info;
    char type[64], date[32], hash[32];
    time_t t = time(NULL);
    struct tm utc;
    model_type(info, type, sizeof type);
    snprintf(hash, sizeof hash, "%016" PRIx64, b->hash);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &utc));
    double first_ns = r->test.n_prompt ? (m->load + r->first) * 1e9 : -1;
    double token_bytes = r->speed < 0 ? -1 : (double)r->token_bytes;
    double read_speed = m->read_speed > 0 ? m->read_speed / 1e9 : -1;
    const struct column columns[] = {
        {"model_filename",  TEXT,    .text = info->path},
        {"model_type",      TEXT,    .text = type},
        {"model_size",      NUMBER,  .number = (double)info->weight_bytes},
        {"model_n_params",  NUMBER,  .number = (double)info->n_params},
        {"n_batch",         NUMBER,  .number = b->n_batch},
        {"n_threads",       NUMBER,  .number = info->n_threads},
        {"type_k",          TEXT,    .text = b->kv},
        {"type_v",          TEXT,    .text = b->kv},
        {"n_prompt",        NUMBER,  .number = r->test.n_prompt},
        {"n_gen",           NUMBER,  .number = r->test.n_gen},
        {"n_depth",         NUMBER,  .number = r->test.n_depth},
        {"test_time",       TEXT,    .text = date},
        {"avg_ns",          NUMBER,  .number = r->ns},
        {"stddev_ns",       NUMBER,  .number = r->ns_sd},
        {"avg_ts",          NUMBER,  .number = r->ts, .decimals = 6},
        {"stddev_ts",       NUMBER,  .number = r->ts_sd, .decimals = 6},
        {"cpu",             TEXT,    .text = info->kernels},
        {"weight_type",     TEXT,    .text = info->weight_type},
        {"load_ns",         NUMBER,  .number = m->load * 1e9},
        {"ttft_ns",         NUMBER,  .number = first_ns},
        {"peak_memory",     NUMBER,  .number = (double)r->peak},
        {"bytes_per_token", NUMBER,  .number = token_bytes},
        {"gb_per_s",        NUMBER,  .number = r->speed / 1e9, .decimals = 3},
        {"read_gb_per_s",   NUMBER,  .number = read_speed, .decimals = 3},
        {"percent_of_read", NUMBER,  .number = percent_of_read(m, r), .decimals = 1},
        {"logits_hash",     TEXT,    .text = hash},
        {"samples_ns",      SAMPLES, .samples = b->ns},
        {"samples_ts",      SAMPLES, .samples = b->ts, .decimals = 6},
    };
    size_t n = sizeof columns / sizeof *columns;
    if (b->format == CSV) {
        if (b->n_rows == 0) print_csv(columns, n, true);
        print_csv(columns, n, false);
    } else if (b->format == JSON) {
        fputs(b->n_rows ? ",\n  {\n    " : "[\n  {\n    ", stdout);
        print_json(columns, n, b->n_runs, ",\n    ");
        fputs("\n  }", stdout);
    } else {
        putchar('{');
        print_json(columns, n, b->n_runs, ", ");
        puts("}");
    }
}

/* ---- markdown ---- */

/* A column of the table and its value in one row. */
struct cell {
    const char *title;
    int width;                  /* characters */
    enum { LEFT, RIGHT } align;
    const char *text;
};

static void print_padded(const char *text, int width, bool left) {
    for (const char *p = text; *p; p++)
        if ((*p & 0xC0) == 0x80) width++;       /* printf counts bytes */
    printf(left ? "| %-*s " : "| %*s ", width, text);
}

static void print_heading(const struct cell *cells, size_t n) {
    for (size_t i = 0; i < n; i++)
        print_padded(cells[i].title, cells[i].width, cells[i].align == LEFT);
    puts("|");
    for (size_t i = 0; i < n; i++) {
        fputs("| ", stdout);
        for (int k = 1; k < cells[i].width; k++) putchar('-');
        fputs(cells[i].align == LEFT ? "- " : ": ", stdout);
    }
    puts("|");
}

static void print_markdown(const struct bench *b, const struct machine *m, const struct result *r) {
    const qw_model_info *info = m->info;
    bool giga = info->weight_bytes >> 30 != 0, billions = info->n_params >= 1000000000;
    char type[64], size[32], params[32], threads[16], kv[16], ts[64], speed[32] = "";
    char percent[32] = "", first[32] = "", peak[32], hash[32];
    model_type(info, type, sizeof type);
    snprintf(size, sizeof size, "%.2f %s", (double)info->weight_bytes / (giga ? 1 << 30 : 1 << 20),
             giga ? "GiB" : "MiB");
    snprintf(params, sizeof params, "%.2f %s", (double)info->n_params / (billions ? 1e9 : 1e6),
             billions ? "B" : "M");
    snprintf(threads, sizeof threads, "%d", info->n_threads);
    snprintf(kv, sizeof kv, "%3s", b->kv);
    snprintf(ts, sizeof ts, "%.2f ± %.2f", r->ts, r->ts_sd);
    if (r->speed > 0) {
        double share = percent_of_read(m, r);
        snprintf(speed, sizeof speed, "%.2f", r->speed / 1e9);
        if (share >= 0) snprintf(percent, sizeof percent, "%.0f", share);
    }
    if (r->test.n_prompt) snprintf(first, sizeof first, "%.2f", m->load + r->first);
    snprintf(peak, sizeof peak, "%.1f", (double)r->peak / (1 << 20));
    snprintf(hash, sizeof hash, "%016" PRIx64, b->hash);
    const struct cell cells[] = {
        {"model",       20, LEFT,  type},
        {"size",        10, RIGHT, size},
        {"params",      10, RIGHT, params},
        {"backend",      7, LEFT,  "CPU"},
        {"cpu",         10, LEFT,  info->kernels},
        {"threads",      7, RIGHT, threads},
        {" kv",          3, LEFT,  kv},
        {"test",        15, RIGHT, r->name},
        {"t/s",         20, RIGHT, ts},
        {"GB/s",         6, RIGHT, speed},
        {"% of read",    9, RIGHT, percent},
        {"ttft s",       6, RIGHT, first},
        {"peak MiB",     8, RIGHT, peak},
        {"logits hash", 16, LEFT,  hash},
    };
    size_t n = sizeof cells / sizeof *cells;
    if (b->n_rows == 0) print_heading(cells, n);
    for (size_t i = 0; i < n; i++)
        print_padded(cells[i].text, cells[i].width, cells[i].align == LEFT);
    puts("|");
}

/* ---- rows ---- */

int print_row(struct bench *b, const struct machine *m, const struct result *r) {
    if (b->format == MARKDOWN) print_markdown(b, m, r);
    else print_fields(b, m, r);
    b->n_rows++;
    return flush_stdout();
}

void print_end(const struct bench *b) {
    if (b->format == JSON && b->n_rows) puts("\n]");
}
