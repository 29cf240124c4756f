/* doctor_text.c - what qw doctor found, for people: at most 80 columns. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/doctor.h"
#include "cli/output.h"

#define GB 1e9

static void print_machine(const struct doctor *d) {
    const qw_machine *m = &d->machine;
    char text[sizeof m->name + sizeof m->soc + sizeof m->kernel + sizeof m->arch + 16];
    snprintf(text, sizeof text, "%s, %s%s%s%s (%s)", m->name, m->soc, m->soc[0] ? ", " : "",
             m->kernel[0] ? "Linux " : "", m->kernel, m->arch);
    print_words(stdout, text, 0, 0);
    printf("\nmemory    %.2f GB, %.2f GB free", (double)m->memory / GB,
           (double)m->memory_free / GB);
    if (m->memory_limit) printf(", at most %.2f GB", (double)m->memory_limit / GB);
    if (m->swap) printf(", swap %.2f GB", (double)m->swap / GB);
    printf("\nkernels   %s; this CPU has %s", d->level, d->levels);
    if (d->lacks[0]) printf(", and lacks %s", d->lacks);
    putchar('\n');
}

/* What the clock can be, or else what it is. */
static void print_clock(const qw_cluster *c) {
    const int mhz = c->max_mhz ? c->max_mhz : c->now_mhz;
    char text[32] = "-";
    if (c->min_mhz) snprintf(text, sizeof text, "%d-%d", c->min_mhz, mhz);
    else if (mhz) snprintf(text, sizeof text, "%d", mhz);
    printf("%-10s ", text);
}

static void print_group(const struct doctor *d, const struct cpu_group *g) {
    const qw_cluster several = {.n_cpus = 0}, *c = &several;
    if (g->cluster >= 0) c = &d->machine.clusters[g->cluster];
    printf("%-10.24s %-14.14s ", g->cpus, c->core[0] ? c->core : "-");
    print_clock(c);
    printf("%-12.12s", c->governor[0] ? c->governor : "-");
    if (g->rates.int8_per_second <= 0) {
        printf("%7s %10s %9s\n", "-", "-", "-");
        return;
    }
    printf("%7d ", g->rates.n_threads);
    if (g->rates.read_per_second > 0) printf("%10.1f ", g->rates.read_per_second / GB);
    else printf("%10s ", "-");
    printf("%9.1f%s\n", g->rates.int8_per_second / 1e9, g->rates.strayed ? "*" : "");
}

static void print_groups(const struct doctor *d) {
    printf("\n%-10s %-14s %-10s %-12s%7s %10s %9s\n", "CPUs", "core", "MHz", "governor", "threads",
           "read GB/s", "int8 G/s");
    bool strayed = false;
    for (int i = 0; i < d->n_groups; i++) {
        print_group(d, &d->groups[i]);
        strayed = strayed || d->groups[i].rates.strayed;
    }
    if (strayed) puts("* on other CPUs than these");
    printf("In use: %d thread%s on CPUs %.40s", d->n_threads, d->n_threads == 1 ? "" : "s",
           d->groups[d->n_groups - 1].cpus);
    if (d->n_threads_batch != d->n_threads) printf(", %d for prompts", d->n_threads_batch);
    if (!isnan(d->watched.celsius_after))
        printf("; %.0f C, %.0f C at the end", d->watched.celsius_before, d->watched.celsius_after);
    putchar('\n');
}

static void print_outlooks(const struct doctor *d) {
    printf("\n%-6s %-5s %8s %18s %14s %14s\n", "model", "type", "GB", "context that fits",
           "prompt, t/s", "answer, t/s");
    for (int i = 0; i < d->n_outlooks; i++) {
        const struct outlook *o = &d->outlooks[i];
        printf("%-6s %-5s %8.2f ", o->shape, o->type, (double)o->f.weight_bytes / GB);
        if (o->n_ctx) printf("%18d ", o->n_ctx);
        else printf("%18s ", "does not fit");
        if (o->f.answer_per_second > 0)
            printf("%14.2f %14.2f\n", o->f.prompt_per_second, o->f.answer_per_second);
        else printf("%14s %14s\n", "-", "-");
    }
    puts("Foretold: a prompt of 512 tokens, an answer of 128 (qw bench: pp512, tg128).");
}

/* A path may hold anything. */
static int print_file(const struct doctor *d) {
    struct text_out out = text_out(STDOUT_FILENO);
    if (!d->file) return 0;
    printf("\nstorage   ");
    int rc = flush_stdout();
    if (!rc) rc = text_put(&out, d->file, strlen(d->file));
    if (!rc) rc = text_end(&out);
    printf("\n          %.0f MB/s%s, %.2f GB in all\n", d->file_speed / 1e6,
           d->file_cached ? " from memory, where it is already" : "", (double)d->file_bytes / GB);
    return rc;
}

static void print_findings(const struct doctor *d) {
    puts("\nWhat holds this machine back:");
    for (int i = 0; i < d->n_findings; i++) {
        const struct finding *f = &d->findings[i];
        print_words(stdout, f->text, 2, printf("- "));
        if (f->remedy[0]) {
            printf("\n  -> ");
            print_words(stdout, f->remedy, 5, 5);
        }
        putchar('\n');
    }
    if (d->n_findings == 0) puts("  nothing that shows");
}

int print_doctor_text(const struct doctor *d) {
    print_machine(d);
    print_groups(d);
    print_outlooks(d);
    int rc = print_file(d);
    print_findings(d);
    return rc ? rc : flush_stdout();
}
