/* bench_rows.c - the rows of qw bench; csv, json and jsonl have llama-bench's fields in its order,
 * so that compare-llama-bench.py takes them, and then ours. Only ours may be null: a null in one of
 * theirs would never equal another row's. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "cli/commands/bench.h"
#include "cli/model_type.h"

double percent_of_read(const struct loaded *m, const struct result *r) {
    return m->read_speed > 0 && r->speed >= 0 ? r->speed / m->read_speed * 100 : -1;
}

/* ---- a row ---- */

enum kind { TEXT, NUMBER, FLAG, SAMPLES };

struct field {
    const char *name;
    enum kind kind;
    const char *text;           /* TEXT */
    double number;              /* NUMBER; FLAG: 0, 1; below 0 with `optional`: there is none */
    bool optional;
    const double *samples;      /* SAMPLES: one a run; not in csv */
    int decimals;               /* NUMBER, SAMPLES */
};

enum { MOST_FIELDS = 96 };
struct row {
    struct field f[MOST_FIELDS];
    size_t n;
};

static void add_text(struct row *row, const char *name, const char *text) {
    row->f[row->n++] = (struct field){.name = name, .kind = TEXT, .text = text};
}
static void add_int(struct row *row, const char *name, double number) {
    row->f[row->n++] = (struct field){.name = name, .kind = NUMBER, .number = number};
}
static void add_float(struct row *row, const char *name, double number) {
    row->f[row->n++] =
        (struct field){.name = name, .kind = NUMBER, .number = number, .decimals = 6};
}
static void add_flag(struct row *row, const char *name, bool on) {
    row->f[row->n++] = (struct field){.name = name, .kind = FLAG, .number = on};
}
/* Below 0: it is not known. */
static void add_maybe_flag(struct row *row, const char *name, int on) {
    row->f[row->n++] = (struct field){.name = name, .kind = FLAG, .number = on, .optional = true};
}
static void add_samples(struct row *row, const char *name, const double *samples, int decimals) {
    row->f[row->n++] =
        (struct field){.name = name, .kind = SAMPLES, .samples = samples, .decimals = decimals};
}
/* Below 0: this row has none. */
static void add_optional(struct row *row, const char *name, double number, int decimals) {
    row->f[row->n++] = (struct field){.name = name, .kind = NUMBER, .number = number,
                                      .optional = true, .decimals = decimals};
}

/* ---- its fields ---- */

static void add_build(struct row *row, const struct bench *b, const struct loaded *m,
                      const char *type) {
    add_text(row, "build_commit", *build_commit ? build_commit : QW_VERSION);
    add_int(row, "build_number", 0);
    add_text(row, "cpu_info", b->machine.name);
    add_text(row, "gpu_info", "");
    add_text(row, "backends", "CPU");
    add_text(row, "model_filename", m->info->path);
    add_text(row, "model_type", type);
    add_int(row, "model_size", (double)m->info->weight_bytes);
    add_int(row, "model_n_params", (double)m->info->n_params);
}

/* What qw has no setting for has llama-bench's default. */
static void add_settings(struct row *row, const struct bench *b, const struct loaded *m,
                         const struct result *r) {
    add_int(row, "n_batch", b->n_batch);
    add_int(row, "n_ubatch", b->n_batch);
    add_int(row, "n_threads", test_threads(b, m, r));
    add_text(row, "cpu_mask", b->cpu_mask);
    add_flag(row, "cpu_strict", false);
    add_int(row, "poll", 50);
    add_text(row, "type_k", b->kv);
    add_text(row, "type_v", b->kv);
    add_int(row, "n_gpu_layers", -1);
    add_int(row, "n_cpu_moe", 0);
    add_text(row, "split_mode", "layer");
    add_int(row, "main_gpu", 0);
    add_flag(row, "no_kv_offload", false);
    add_int(row, "flash_attn", -1);
    add_text(row, "devices", "auto");
    add_text(row, "tensor_split", "0.00");
    add_text(row, "tensor_buft_overrides", "none");
    add_text(row, "load_mode", "mmap");
    add_flag(row, "embeddings", false);
    add_int(row, "no_op_offload", 0);
    add_flag(row, "no_host", false);
    add_int(row, "fit_target", 0);
    add_int(row, "fit_min_ctx", 0);
}

static void add_result(struct row *row, const struct bench *b, const struct result *r,
                       const char *date) {
    add_int(row, "n_prompt", r->test.n_prompt);
    add_int(row, "n_gen", r->test.n_gen);
    add_int(row, "n_depth", r->test.n_depth);
    add_text(row, "test_time", date);
    add_int(row, "avg_ns", r->ns);
    add_int(row, "stddev_ns", r->ns_sd);
    add_float(row, "avg_ts", r->ts);
    add_float(row, "stddev_ts", r->ts_sd);
    add_samples(row, "samples_ns", b->ns, 0);
    add_samples(row, "samples_ts", b->ts, 6);
}

static void add_ours(struct row *row, const struct loaded *m, const struct result *r,
                     const char *hash) {
    bool generates = r->speed >= 0;
    add_flag(row, "use_mmap", true);            /* load_mode, until the middle of 2026 */
    add_flag(row, "use_direct_io", false);
    add_text(row, "cpu", m->info->kernels);
    add_text(row, "weight_type", m->info->weight_type);
    add_int(row, "load_ns", m->load * 1e9);
    add_optional(row, "ttft_ns", r->test.n_prompt ? (m->load + r->first) * 1e9 : -1, 0);
    add_int(row, "peak_memory", (double)r->peak);
    add_optional(row, "bytes_per_token", generates ? (double)r->token_bytes : -1, 0);
    add_optional(row, "gb_per_s", generates ? r->speed / 1e9 : -1, 3);
    add_optional(row, "read_gb_per_s", m->read_speed > 0 ? m->read_speed / 1e9 : -1, 3);
    add_optional(row, "percent_of_read", percent_of_read(m, r), 1);
    add_text(row, "logits_hash", hash);
}

/* Below 0, as nothing here is: unknown. */
static double known(double number) { return isnan(number) ? -1 : number; }

static void add_machine(struct row *row, const struct bench *b, const char *governors) {
    const qw_machine *m = &b->machine;
    add_text(row, "version", QW_VERSION);
    add_text(row, "soc", m->soc);
    add_text(row, "cores", m->cores);
    add_int(row, "n_cpus", m->n_cpus);
    add_text(row, "governor", governors);
    add_int(row, "total_memory", (double)m->memory);
    add_text(row, "kernel", m->kernel);
}

static void add_watched(struct row *row, const struct bench *b, const struct result *r) {
    const qw_watched *w = &r->watched;
    add_text(row, "cpus", w->cpus);
    add_optional(row, "celsius_before", known(w->celsius_before), 1);
    add_optional(row, "celsius_after", known(w->celsius_after), 1);
    add_optional(row, "mhz_before", w->mhz_before ? w->mhz_before : -1, 0);
    add_optional(row, "mhz_after", w->mhz_after ? w->mhz_after : -1, 0);
    add_optional(row, "percent_of_others", known(100 * w->others), 1);
    add_maybe_flag(row, "throttled", w->throttled - QW_THROTTLED_NO);
    add_text(row, "throttled_by", w->throttled_by);
    add_flag(row, "disturbed", w->disturbed_by[0] != 0);
    add_text(row, "disturbed_by", w->disturbed_by);
    add_int(row, "sustain_s", b->sustain.wanted);
    add_optional(row, "first_10_s_ts", r->first_ts, 6);
    add_optional(row, "rest_ts", r->rest_ts, 6);
}

/* ---- csv ---- */

/* In quotes, with those inside it doubled. */
static void print_quoted(FILE *to, const char *s) {
    putc('"', to);
    for (; *s; s++) {
        if (*s == '"') putc('"', to);
        putc(*s, to);
    }
    putc('"', to);
}

static void print_csv_names(FILE *to, const struct row *row) {
    for (size_t i = 0; i < row->n; i++)
        if (row->f[i].kind != SAMPLES) fprintf(to, "%s%s", i ? "," : "", row->f[i].name);
    putc('\n', to);
}

static void print_csv(FILE *to, const struct row *row) {
    for (size_t i = 0; i < row->n; i++) {
        const struct field *f = &row->f[i];
        char number[64] = "";
        if (f->kind == SAMPLES) continue;
        if (!f->optional || f->number >= 0)
            snprintf(number, sizeof number, "%.*f", f->decimals, f->number);
        if (i) putc(',', to);
        print_quoted(to, f->kind == TEXT ? f->text : number);
    }
    putc('\n', to);
}

/* ---- json, jsonl ---- */

/* False: there is no memory for it. */
static bool print_json_text(FILE *to, const char *text) {
    char *clean = NULL, *quoted = NULL;
    size_t n, bad;
    if (qw_utf8_clean(text, strlen(text), &clean, &n, &bad, NULL) == 0)
        qw_json_quote(clean, n, &quoted, &n, NULL);
    if (quoted) fputs(quoted, to);
    bool printed = quoted != NULL;
    qw_release(clean);
    qw_release(quoted);
    return printed;
}

static bool print_json_value(FILE *to, const struct field *f, int n_runs) {
    if (f->kind == TEXT) return print_json_text(to, f->text);
    if (f->optional && f->number < 0) {
        fputs("null", to);
    } else if (f->kind == FLAG) {
        fputs(f->number != 0 ? "true" : "false", to);
    } else if (f->kind == SAMPLES) {
        for (int k = 0; k < n_runs; k++)
            fprintf(to, "%s%.*f", k ? ", " : "[ ", f->decimals, f->samples[k]);
        fputs(" ]", to);
    } else {
        fprintf(to, "%.*f", f->decimals, f->number);
    }
    return true;
}

/* The members of an object, without its braces. */
static bool print_json(FILE *to, const struct row *row, int n_runs, const char *separator) {
    bool ok = true;
    for (size_t i = 0; i < row->n && ok; i++) {
        fprintf(to, "%s\"%s\": ", i ? separator : "", row->f[i].name);
        ok = print_json_value(to, &row->f[i], n_runs);
    }
    return ok;
}

/* ---- all formats ---- */

static int print_fields(const struct bench *b, const struct sink *s, const struct loaded *m,
                        const struct result *r) {
    struct row row = {.n = 0};
    char type[MODEL_TYPE], date[32], hash[32], governors[GOVERNORS];
    struct tm utc;
    bool ok = true;
    model_type(m->info, type);
    name_governors(&b->machine, governors);
    snprintf(hash, sizeof hash, "%016" PRIx64, b->hash);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&r->started, &utc));
    add_build(&row, b, m, type);
    add_settings(&row, b, m, r);
    add_result(&row, b, r, date);
    add_ours(&row, m, r, hash);
    add_machine(&row, b, governors);
    add_watched(&row, b, r);
    if (s->format == CSV) {
        if (s->n_rows == 0) print_csv_names(s->to, &row);
        print_csv(s->to, &row);
    } else if (s->format == JSON) {
        fputs(s->n_rows ? ",\n  {\n    " : "[\n  {\n    ", s->to);
        ok = print_json(s->to, &row, r->n_runs, ",\n    ");
        fputs("\n  }", s->to);
    } else {
        putc('{', s->to);
        ok = print_json(s->to, &row, r->n_runs, ", ");
        fputs("}\n", s->to);
    }
    return ok ? 0 : memory_error("a row");
}

int print_row(const struct bench *b, struct sink *s, const struct loaded *m,
              const struct result *r) {
    int rc = 0;
    if (s->format == NO_ROWS) return 0;
    if (s->format == MARKDOWN) print_table_row(b, s, m, r);
    else rc = print_fields(b, s, m, r);
    s->n_rows++;
    return rc;
}

void print_end(const struct bench *b, const struct sink *s) {
    if (s->n_rows == 0) return;
    if (s->format == JSON) fputs("\n]\n", s->to);
    if (s->format == MARKDOWN) print_table_end(b, s);
}
