/* bench_table.c - the rows of qw bench as a table in Markdown: at most 80 columns unless -v asks
 * for more, since people paste it; what is the same in all rows stands below it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "cli/commands/bench.h"
#include "cli/model_type.h"
#include "cli/output.h"

static int at_least(int width, int least) { return width > least ? width : least; }

static void print_padded(FILE *to, const char *text, int width, bool left) {
    for (const char *p = text; *p; p++)
        if ((*p & 0xC0) == 0x80) width++;       /* printf counts bytes */
    fprintf(to, left ? "| %-*s " : "| %*s ", width, text);
}

void print_heading(FILE *to, const struct cell *cells, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (cells[i].shown)
            print_padded(to, cells[i].title, cells[i].width, cells[i].align == LEFT);
    fputs("|\n", to);
    for (size_t i = 0; i < n; i++) {
        if (!cells[i].shown) continue;
        fputs("| ", to);
        for (int k = 1; k < cells[i].width; k++) putc('-', to);
        fputs(cells[i].align == LEFT ? "- " : ": ", to);
    }
    fputs("|\n", to);
}

void print_cells(FILE *to, const struct cell *cells, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (cells[i].shown)
            print_padded(to, cells[i].text, cells[i].width, cells[i].align == LEFT);
    fputs("|\n", to);
}

/* With at least three digits. */
static void print_mb(uint64_t bytes, char out[32]) {
    double mb = (double)bytes / 1e6;
    snprintf(out, 32, "%.*f MB", mb < 100 ? 1 : 0, mb);
}

/* "12.34 ± 0.05", in 16 characters. */
static void print_speed(const struct result *r, char out[64]) {
    int decimals = r->ts < 10000 ? 2 : 1;
    snprintf(out, 64, "%.*f ± %.*f", decimals, r->ts, decimals, r->ts_sd);
}

void print_table_row(const struct bench *b, const struct sink *s, const struct loaded *m,
                     const struct result *r) {
    const qw_model_info *info = m->info;
    bool more = b->verbose, billions = info->n_params >= 1000000000;
    char type[MODEL_TYPE], size[32], params[32], threads[16], batch[16], ts[64], speed[32] = "";
    char percent[32] = "", first[32] = "", peak[32], hash[32], celsius[32] = "", mhz[16] = "";
    char others[32] = "";
    const qw_watched *w = &r->watched;
    double share = percent_of_read(m, r);
    model_type(info, type);
    print_mb(info->weight_bytes, size);
    print_mb(r->peak, peak);
    print_speed(r, ts);
    snprintf(params, sizeof params, "%.2f %s", (double)info->n_params / (billions ? 1e9 : 1e6),
             billions ? "B" : "M");
    snprintf(threads, sizeof threads, "%d", test_threads(b, m, r));
    snprintf(batch, sizeof batch, "%d", b->n_batch);
    snprintf(hash, sizeof hash, "%016" PRIx64, b->hash);
    if (r->speed > 0) snprintf(speed, sizeof speed, "%.2f", r->speed / 1e9);
    if (share >= 0) snprintf(percent, sizeof percent, "%.0f", share);
    if (r->test.n_prompt) snprintf(first, sizeof first, "%.2f", m->load + r->first);
    if (!isnan(w->celsius_after)) snprintf(celsius, sizeof celsius, "%.0f", w->celsius_after);
    if (w->mhz_after) snprintf(mhz, sizeof mhz, "%d", w->mhz_after);
    if (!isnan(w->others)) snprintf(others, sizeof others, "%.0f", 100 * w->others);
    const struct cell cells[] = {
        {"model",       at_least((int)strlen(type), 5), LEFT, type, true},
        {"size",        at_least((int)strlen(size), 4), RIGHT, size, true},
        {"params",      8, RIGHT, params, more},
        {"backend",     7, LEFT, "CPU", more},
        {"cpu",         10, LEFT, info->kernels, more},
        {"threads",     7, RIGHT, threads, true},
        {"kv",          3, LEFT, b->kv, more},
        {"n_batch",     7, RIGHT, batch, more || b->batches.n > 1},
        {"test",        at_least(b->test_width, 4), RIGHT, r->name, true},
        {"t/s",         16, RIGHT, ts, true},
        {"GB/s",        6, RIGHT, speed, more},
        {"% of read",   9, RIGHT, percent, more},
        {"ttft s",      6, RIGHT, first, more},
        {"peak",        8, RIGHT, peak, more},
        {"MHz",         5, RIGHT, mhz, more},
        {"temp C",      6, RIGHT, celsius, more},
        {"others %",    8, RIGHT, others, more},
        {"logits hash", 16, LEFT, hash, more},
    };
    size_t n = sizeof cells / sizeof *cells;
    if (s->n_rows == 0) print_heading(s->to, cells, n);
    print_cells(s->to, cells, n);
}

/* ---- below the table ---- */

void print_table_end(const struct bench *b, const struct sink *s) {
    char text[512], cpus[80] = "", batch[32] = "";
    if (b->model.cpu_list) snprintf(cpus, sizeof cpus, "CPUs %.60s, ", b->model.cpus.usable);
    if (b->batches.n == 1) snprintf(batch, sizeof batch, "batch %d, ", b->n_batch);
    snprintf(text, sizeof text,
             "build: qw " QW_VERSION "%s%.40s, %s, %scache %s, %slogits %016" PRIx64,
             *build_commit ? " " : "", build_commit, b->kernels, cpus, b->kv, batch, b->hash);
    putc('\n', s->to);
    print_words(s->to, text, 0, 0);
    putc('\n', s->to);
    print_machine(b, s->to);
    print_remarks(b, s->to);
}
