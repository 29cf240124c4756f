/* chat_stats.c - /stats: the last turn, the context, the model, the settings. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/talk.h"
#include "terminal/tty.h"
#include "terminal/width.h"

enum { LABEL = 15 };                /* cells of the first column */

static const char *on_off(bool on) { return on ? "on" : "off"; }

/* Where the last field of a line begins, with what separates it; of a single one its last word.
 * NULL: it has one word. */
static char *last_field(char *line) {
    char *last = NULL;
    for (char *p = line; *p; p++)
        if (strncmp(p, ", ", 2) == 0 || strncmp(p, "; ", 2) == 0 || strncmp(p, "  ", 2) == 0)
            last = p;
    return last ? last : strrchr(line, ' ');
}

/* A line of /stats. Where the terminal is too narrow fields fall away from the right. */
static void stats_line(const char *label, const char *fmt, ...) CLI_PRINTF(2, 3);
static void stats_line(const char *label, const char *fmt, ...) {
    char line[1024];
    int columns, rows, n;
    va_list ap;
    tty_size(STDERR_FILENO, &columns, &rows);
    bool narrow = isatty(STDERR_FILENO) && columns < 2 * LABEL;
    if (narrow) n = snprintf(line, sizeof line, "%s ", label);
    else n = snprintf(line, sizeof line, "  %-*s", LABEL - 2, label);
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
    va_end(ap);
    while (isatty(STDERR_FILENO) && text_cells(line, strlen(line)) >= (size_t)columns) {
        char *end = last_field(line + n);
        if (!end) break;
        *end = 0;
    }
    struct text_out out = text_out(STDERR_FILENO);
    text_put(&out, line, strlen(line));
    text_end(&out);
    text_put(&out, "\n", 1);
}

static void show_turn(const struct talk *talk) {
    const struct last_turn *last = &talk->g->last;
    const qw_usage *u = &last->usage;
    if (!last->any) return;
    double speed = last->seconds > 0 ? (double)last->drawn / last->seconds : 0;
    stats_line("last turn",
               "%zu thought + %zu answer tokens, %.1f/s; %zu read (%zu reused), %.1f s",
               u->reasoning_tokens, u->completion_tokens - u->reasoning_tokens, speed,
               u->prompt_tokens - u->cached_tokens, u->cached_tokens, last->prompt_seconds);
}

static void show_context(const struct generator *g) {
    uint64_t cache = 0, scratch = 0;
    size_t turns = qw_chat_turns(g->chat);
    const qw_session_params now = {.n_ctx = qw_n_ctx_now(g->session), .n_batch = g->o.n_batch,
                                   .kv_type = qw_kv_type(g->session)};
    qw_session_memory(g->model, &now, &cache, &scratch, NULL);
    stats_line("context", "%zu of %d tokens, %.0f MB; %zu turn%s", qw_n_tokens(g->session),
               qw_n_ctx(g->session), (double)cache / 1e6, turns, plural(turns));
}

/* Where there is no room for the path, its name. */
static void show_model(const struct generator *g) {
    const qw_model_info *info = qw_info(g->model);
    char name[MODEL_NAME];
    const char *path = shown_model(info->path, name);
    int columns, rows;
    model_name(info->path, name);
    tty_size(STDERR_FILENO, &columns, &rows);
    if (isatty(STDERR_FILENO) && LABEL + text_cells(path, strlen(path)) >= (size_t)columns)
        path = name;
    stats_line("model", "%.200s  %s, %.0f MB; cache %s; %d thread%s, %s", path,
               info->weight_type, (double)info->weight_bytes / 1e6, qw_kv_type(g->session),
               info->n_threads, plural((size_t)info->n_threads), info->kernels);
}

int show_stats(struct talk *talk, const char *args) {
    const struct generator *g = talk->g;
    const struct options *o = &g->o;
    bool thinking = qw_chat_thinks(g->chat);
    char budget[40] = "no budget";
    (void)args;
    if (o->budget > 0) snprintf(budget, sizeof budget, "budget %d tokens", o->budget);
    show_turn(talk);
    show_context(g);
    show_model(g);
    stats_line("sampling", "%s: temp %g, top-k %d, top-p %g; seed %llu",
               thinking ? "thinking" : "direct", o->temperature, o->top_k, o->top_p,
               (unsigned long long)o->seed);
    stats_line("thinking", "%s, %s; loop guard %s", on_off(thinking), budget,
               on_off(!o->no_loop_guard));
    return 0;
}
