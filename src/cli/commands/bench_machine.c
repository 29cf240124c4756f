/* bench_machine.c - what stands below the tables of qw bench: the machine, and what must be known
 * of the tests, such as that they were disturbed. */
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/bench.h"
#include "cli/output.h"

/* ---- the machine ---- */

/* Append; what does not fit is cut off. */
static void add(char *out, size_t size, const char *fmt, ...) CLI_PRINTF(3, 4);
static void add(char *out, size_t size, const char *fmt, ...) {
    size_t used = strlen(out);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out + used, size - used, fmt, ap);
    va_end(ap);
}

void name_governors(const qw_machine *m, char out[GOVERNORS]) {
    out[0] = 0;
    for (int i = 0; i < m->n_clusters; i++) {
        const char *governor = m->clusters[i].governor;
        if (governor[0] && !strstr(out, governor))
            add(out, GOVERNORS, "%s%s", out[0] ? "/" : "", governor);
    }
}

static void name_cores(const qw_machine *m, char *out, size_t size) {
    out[0] = 0;
    if (m->cores[0]) add(out, size, "%s", m->cores);
    else add(out, size, "%d CPU%s", m->n_cpus, plural((size_t)m->n_cpus));
    if (m->n_online < m->n_cpus) add(out, size, ", %d offline", m->n_cpus - m->n_online);
}

static struct cell cell_of(const char *title, const char *text) {
    size_t n = strlen(text) > strlen(title) ? strlen(text) : strlen(title);
    return (struct cell){title, n > 3 ? (int)n : 3, LEFT, text, true};
}

static void print_machine_row(const struct bench *b, FILE *to, const char *cores,
                              const char *governors, const char *memory) {
    const qw_machine *m = &b->machine;
    char version[64];
    snprintf(version, sizeof version, QW_VERSION "%s%.40s", *build_commit ? " " : "", build_commit);
    const struct cell cells[] = {cell_of("machine", m->name),      cell_of("SoC", m->soc),
                                 cell_of("cores", cores),          cell_of("governor", governors),
                                 cell_of("memory", memory),        cell_of("kernel", m->kernel),
                                 cell_of("qw", version)};
    putc('\n', to);
    print_heading(to, cells, sizeof cells / sizeof *cells);
    print_cells(to, cells, sizeof cells / sizeof *cells);
}

static void print_machine_text(const struct bench *b, FILE *to, const char *cores,
                               const char *governors, const char *memory) {
    const qw_machine *m = &b->machine;
    char text[1024] = "machine:";
    add(text, sizeof text, " %s%s%s, %s", m->name, m->soc[0] ? ", " : "", m->soc, cores);
    if (governors[0]) add(text, sizeof text, ", governor %s", governors);
    add(text, sizeof text, "%s%s, kernel %s", memory[0] ? ", " : "", memory, m->kernel);
    if (b->mhz_most) add(text, sizeof text, ", %d MHz", b->mhz_most);
    if (b->celsius_most > 0) add(text, sizeof text, ", up to %.0f C", b->celsius_most);
    print_words(to, text, 0, 0);
    putc('\n', to);
}

void print_machine(const struct bench *b, FILE *to) {
    char governors[GOVERNORS], cores[200], memory[32] = "";
    name_governors(&b->machine, governors);
    name_cores(&b->machine, cores, sizeof cores);
    if (b->machine.memory)
        snprintf(memory, sizeof memory, "%.1f GB", (double)b->machine.memory / 1e9);
    if (b->verbose) print_machine_row(b, to, cores, governors, memory);
    else print_machine_text(b, to, cores, governors, memory);
}

/* ---- remarks ---- */

/* Keep a line about a test for below the table. Where no table shows it soon, say it now. */
static void remark(struct bench *b, const struct loaded *m, const struct result *r,
                   const char *what, const char *text) {
    char line[512];
    struct remarks *all = &b->remarks;
    int n = test_threads(b, m, r);
    snprintf(line, sizeof line, "%s: %s, %d thread%s: %s", what, r->name, n, plural((size_t)n),
             text);
    if (b->out.format != MARKDOWN || !isatty(STDOUT_FILENO)) note("%s", line);
    if (strlen(all->text) + strlen(line) + 2 > sizeof all->text) all->n_left_off++;
    else add(all->text, sizeof all->text, "%s\n", line);
}

void keep_remarks(struct bench *b, const struct loaded *m, const struct result *r) {
    const qw_watched *w = &r->watched;
    char text[128];
    if (w->celsius_after > b->celsius_most) b->celsius_most = w->celsius_after;
    if (w->mhz_after > b->mhz_most) b->mhz_most = w->mhz_after;
    if (w->throttled_by[0]) remark(b, m, r, "throttled", w->throttled_by);
    if (w->disturbed_by[0]) remark(b, m, r, "disturbed", w->disturbed_by);
    if (r->rest_ts < 0) return;
    snprintf(text, sizeof text, "%.2f t/s in the first 10 s, %.2f in the next %.0f s (%+.1f %%)",
             r->first_ts, r->rest_ts, r->rest_seconds, 100 * (r->rest_ts / r->first_ts - 1));
    remark(b, m, r, "sustained", text);
}

void print_remarks(const struct bench *b, FILE *to) {
    const struct remarks *all = &b->remarks;
    char line[512];
    if (all->text[0]) putc('\n', to);
    for (const char *s = all->text; *s; s += strlen(line) + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(s, "\n"), s);
        print_words(to, line, 2, 0);
        putc('\n', to);
    }
    if (all->n_left_off) fprintf(to, "%d more are in the formats of -o\n", all->n_left_off);
}
