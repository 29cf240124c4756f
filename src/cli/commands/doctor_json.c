/* doctor_json.c - what qw doctor found, as one JSON object. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/commands/doctor.h"
#include "cli/output.h"

/* The object or list that is being printed. */
struct json {
    bool more;                  /* there is something in it */
    bool failed;                /* there was no memory for a text */
};

/* What comes before a value; name NULL: in a list. */
static void begin_value(struct json *j, const char *name) {
    if (j->more) fputs(", ", stdout);
    if (name) printf("\"%s\": ", name);
    j->more = true;
}

static void open_value(struct json *j, const char *name, char bracket) {
    begin_value(j, name);
    putchar(bracket);
    j->more = false;
}

static void close_value(struct json *j, char bracket) {
    putchar(bracket);
    j->more = true;
}

/* "": null */
static void put_text(struct json *j, const char *name, const char *text) {
    char *clean = NULL, *quoted = NULL;
    size_t n, bad;
    begin_value(j, name);
    if (!*text) {
        fputs("null", stdout);
        return;
    }
    if (qw_utf8_clean(text, strlen(text), &clean, &n, &bad, NULL) == 0)
        qw_json_quote(clean, n, &quoted, &n, NULL);
    if (quoted) fputs(quoted, stdout);
    else j->failed = true;
    qw_release(clean);
    qw_release(quoted);
}

/* NAN: null */
static void put_number(struct json *j, const char *name, double number, int decimals) {
    begin_value(j, name);
    if (isnan(number)) fputs("null", stdout);
    else printf("%.*f", decimals, number);
}

/* 0: unknown */
static void put_known(struct json *j, const char *name, double number, int decimals) {
    put_number(j, name, number > 0 ? number : NAN, decimals);
}

static void put_flag(struct json *j, const char *name, bool on) {
    begin_value(j, name);
    fputs(on ? "true" : "false", stdout);
}

/* ---- its parts ---- */

static void put_machine(struct json *j, const struct doctor *d) {
    const qw_machine *m = &d->machine;
    put_text(j, "version", QW_VERSION);
    put_text(j, "cpu", m->name);
    put_text(j, "soc", m->soc);
    put_text(j, "kernel", m->kernel);
    put_text(j, "arch", m->arch);
    put_known(j, "memory", (double)m->memory, 0);
    put_known(j, "memory_free", (double)m->memory_free, 0);
    put_known(j, "memory_limit", (double)m->memory_limit, 0);
    put_number(j, "swap", (double)m->swap, 0);
    put_number(j, "swap_free", (double)m->swap_free, 0);
    put_text(j, "level", d->level);
    put_text(j, "levels", d->levels);
    put_text(j, "lacks", d->lacks);
    put_number(j, "threads", d->n_threads, 0);
    put_number(j, "threads_batch", d->n_threads_batch, 0);
    put_number(j, "celsius_before", d->watched.celsius_before, 1);
    put_number(j, "celsius_after", d->watched.celsius_after, 1);
    put_number(j, "others", d->watched.others, 3);
}

static void put_group(struct json *j, const struct doctor *d, const struct cpu_group *g) {
    open_value(j, NULL, '{');
    put_text(j, "cpus", g->cpus);
    if (g->cluster >= 0) {
        const qw_cluster *c = &d->machine.clusters[g->cluster];
        put_text(j, "core", c->core);
        put_number(j, "n_cpus", c->n_cpus, 0);
        put_number(j, "n_online", c->n_online, 0);
        put_known(j, "min_mhz", c->min_mhz, 0);
        put_known(j, "max_mhz", c->max_mhz, 0);
        put_known(j, "limit_mhz", c->limit_mhz, 0);
        put_known(j, "now_mhz", c->now_mhz, 0);
        put_text(j, "governor", c->governor);
    }
    put_number(j, "threads", g->rates.n_threads, 0);
    put_known(j, "read_gb_per_s", g->rates.read_per_second / 1e9, 3);
    put_known(j, "int8_g_per_s", g->rates.int8_per_second / 1e9, 3);
    put_flag(j, "pinned", !g->rates.strayed && !g->failed[0]);
    close_value(j, '}');
}

static void put_outlook(struct json *j, const struct outlook *o) {
    open_value(j, NULL, '{');
    put_text(j, "model", o->shape);
    put_text(j, "type", o->type);
    put_number(j, "weight_bytes", (double)o->f.weight_bytes, 0);
    put_number(j, "context", o->n_ctx, 0);
    put_known(j, "pp512", o->f.prompt_per_second, 3);
    put_known(j, "tg128", o->f.answer_per_second, 3);
    close_value(j, '}');
}

static void put_file(struct json *j, const struct doctor *d) {
    if (!d->file) return;
    open_value(j, "storage", '{');
    put_text(j, "file", d->file);
    put_number(j, "bytes", (double)d->file_bytes, 0);
    put_known(j, "mb_per_s", d->file_speed / 1e6, 1);
    put_flag(j, "cached", d->file_cached);
    close_value(j, '}');
}

static void put_finding(struct json *j, const struct finding *f) {
    open_value(j, NULL, '{');
    put_text(j, "what", f->what);
    put_text(j, "text", f->text);
    put_text(j, "remedy", f->remedy);
    close_value(j, '}');
}

int print_doctor_json(const struct doctor *d) {
    struct json j = {.more = false};
    open_value(&j, NULL, '{');
    put_machine(&j, d);
    open_value(&j, "cpus", '[');
    for (int i = 0; i < d->n_groups; i++) put_group(&j, d, &d->groups[i]);
    close_value(&j, ']');
    open_value(&j, "models", '[');
    for (int i = 0; i < d->n_outlooks; i++) put_outlook(&j, &d->outlooks[i]);
    close_value(&j, ']');
    put_file(&j, d);
    open_value(&j, "holds_back", '[');
    for (int i = 0; i < d->n_findings; i++) put_finding(&j, &d->findings[i]);
    close_value(&j, ']');
    close_value(&j, '}');
    putchar('\n');
    int rc = flush_stdout();
    return j.failed ? memory_error("the report") : rc;
}
