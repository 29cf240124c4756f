/* model.c - which model is meant when none is named, and loading it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"

/* Beside the binary, in ./models, or where `make install` puts it next to its bin directory. */
static bool bundled(char out[MODEL_PATH]) {
    char exe[MODEL_PATH];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash) *slash = 0;
    const char *const places[] = {"%s/models/tiny", "./models/tiny", "%s/../share/qw/models/tiny"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!slash && places[i][0] == '%') continue;
        char probe[MODEL_PATH + 32];
        int len = places[i][0] == '%' ? snprintf(out, MODEL_PATH, "%s%s", exe, places[i] + 2) : snprintf(out, MODEL_PATH, "%s", places[i]);
        if (len < 0 || len >= MODEL_PATH) continue;
        snprintf(probe, sizeof probe, "%s/config.json", out);
        if (access(probe, F_OK) == 0) return true;
    }
    return false;
}

const char *find_model(const char *path, bool quiet, char found[MODEL_PATH]) {
    if (path) return path;
    if (!bundled(found)) {
        say("no model: name one with -m DIR or QW_MODEL (the bundled models/tiny is not beside the binary, here, or where make install puts it)");
        return NULL;
    }
    if (!quiet) say("using the bundled model %s; -m DIR or QW_MODEL choose another", found);
    return found;
}

/* ---- loading ---- */

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct bar load_bar(bool quiet) {
    const char *term = getenv("TERM");
    return (struct bar){.started = now(), .visible = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0};
}

void load_bar_end(const struct bar *b) { if (b->shown > 0) fputs("\r\033[K", stderr); }

/* On a terminal, four times a second: how much of the weights is quantised, how fast, and how long it will still take. */
int on_load(void *user, uint64_t done, uint64_t all) {
    struct bar *b = user;
    double t = now();
    b->quantised = true;
    if (b->visible && t - b->shown > 0.25) {
        double rate = (double)done / (t - b->started);
        LIVE_LINE("quantising %3.0f %%, %.0f MB/s, %.0f s left ", 100.0 * (double)done / (double)all, rate / 1e6, (double)(all - done) / rate);
        fflush(stderr);
        b->shown = t;
    }
    return interrupted != 0;
}

int check_kv(const char *type) {
    if (!type || strcmp(type, "f32") == 0 || strcmp(type, "f16") == 0 || strcmp(type, "q8") == 0) return 0;
    return usage_error("%s: '%s' is unknown; there are f32, f16 and q8", given_by(type, "--kv", "QW_KV_TYPE"), type);
}

/* Main threads take part in the work, and the engine's inherit their CPUs. */
int choose_cpus(struct model_flags *f) {
    qw_error err;
    if (f->cpus.n_usable == 0) {                    /* the first load: later ones begin with the same CPUs */
        if (f->cpu_list && qw_use_cpus(f->cpu_list, &err)) return usage_error("%s: %s", given_by(f->cpu_list, "--cpu-list", "QW_CPU_LIST"), err.message);
        qw_find_cpus(&f->cpus);
    }
    if (f->cpu_list) {
        if (f->n_threads == 0) f->n_threads = f->cpus.n_usable < 256 ? f->cpus.n_usable : 256;
        return 0;
    }
    if (f->cpus.n_fast == f->cpus.n_usable) return 0;
    bool fast = f->n_threads <= f->cpus.n_fast && f->n_threads_batch <= f->cpus.n_fast;
    if (qw_use_cpus(fast ? f->cpus.fast : f->cpus.usable, &err)) say("%s: the threads run where the system puts them", err.message);
    return 0;
}

int load_error(const struct model_flags *f, const qw_error *err) {
    int rc = engine_error(err);
    if (rc == EXIT_USAGE && given_by(f->weight_type, NULL, "QW_WEIGHT_TYPE")) say("(QW_WEIGHT_TYPE is set to '%s')", f->weight_type);
    if (rc == EXIT_USAGE && given_by(f->cpu, NULL, "QW_CPU")) say("(QW_CPU is set to '%s')", f->cpu);
    return rc;
}

int load_model(qw_model **out, struct model_flags *f, bool quiet) {
    char found[MODEL_PATH];
    const char *path = find_model(f->path, quiet, found);
    *out = NULL;
    struct bar bar = load_bar(quiet);
    int rc = choose_cpus(f);
    if (rc) return rc;
    const qw_load_params params = {.weight_type = f->weight_type, .n_threads = f->n_threads, .n_threads_batch = f->n_threads_batch,
                                   .cpu = f->cpu, .progress = on_load, .user = &bar};
    qw_error err;
    if (!path) return EXIT_ERROR;
    int failed = qw_load(out, path, &params, &err);
    load_bar_end(&bar);
    if (failed) return load_error(f, &err);
    poll_sigint();
    const qw_model_info *i = qw_info(*out);
    if (!quiet && bar.quantised && (!f->weight_type || strcmp(f->weight_type, "auto") == 0))
        say("weights as %s, %.0f MB (-q chooses; bf16: as stored)", i->weight_type, (double)i->weight_bytes / 1e6);
    return 0;
}
