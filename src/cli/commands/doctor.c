/* doctor.c - qw doctor: measures this machine for some seconds. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "cli/commands/commands.h"
#include "cli/commands/doctor.h"
#include "cli/live.h"
#include "cli/model.h"

/* What the flags say, and how far it is. */
struct visit {
    struct doctor d;
    struct model_flags model;
    struct live live;
    qw_watch *watch;
    bool watching;              /* it has begun, or there was no memory for it */
    char found[MODEL_PATH], path[MODEL_PATH];
};

/* Called while weights are made, and then, with zeros, for each layer. From the first layer on all
 * threads are where they stay. */
static int stop(void *user, uint64_t done, uint64_t all) {
    struct visit *v = user;
    (void)done;
    if (all == 0 && !v->watching) {
        v->watching = true;
        qw_watch_begin(&v->watch, v->d.n_threads, NULL);
    }
    qw_watch_step(v->watch);
    return interrupted != 0;
}

static void show(struct visit *v, const char *what, const char *which) {
    struct variants line = {.n = 0};
    if (!live_due(&v->live)) return;
    add_variant(&line, "measuring %s %s   (takes some seconds)", what, which);
    add_variant(&line, "%.9s %.9s", what, which);
    live_show(&v->live, &line);
}

/* ---- storage ---- */

static void add_size(struct doctor *d, const char *path) {
    struct stat st;
    if (stat(path, &st) == 0) d->file_bytes += (uint64_t)st.st_size;
}

/* Of the first of the model's files, if there is a model. */
static int read_model(struct visit *v) {
    struct doctor *d = &v->d;
    const qw_load_params params = {.weight_type = "stored", .n_threads = 1};
    qw_model *m;
    qw_error err;
    if (!v->model.path) return 0;
    const char *path = find_model(v->model.path, false, v->found);
    if (!path) return EXIT_ERROR;
    if (qw_load(&m, path, &params, &err)) return engine_error(&err, NULL);
    const qw_model_info *info = qw_info(m);
    snprintf(v->path, sizeof v->path, "%s", info->n_files > 0 ? info->files[0] : path);
    for (int i = 0; i < info->n_files; i++) add_size(d, info->files[i]);
    qw_free(m);
    d->file = v->path;
    show(v, "the storage of", path);
    if (qw_read_file(v->path, &d->file_speed, &d->file_cached, &err))
        return engine_error(&err, NULL);
    return 0;
}

/* ---- CPUs ---- */

/* n_threads 0: as many as the CPUs are good for. */
static int measure_group(struct visit *v, const char *cpus, int cluster, int n_threads) {
    struct doctor *d = &v->d;
    struct cpu_group *g = &d->groups[d->n_groups++];
    const qw_load_params params = {.cpu = v->model.cpu, .n_threads = n_threads};
    qw_error err;
    *g = (struct cpu_group){.cluster = cluster};
    snprintf(g->cpus, sizeof g->cpus, "%.120s", cpus);
    if (cluster >= 0 && d->machine.clusters[cluster].n_online == 0) return 0;
    show(v, "CPUs", g->cpus);
    int rc = qw_probe(&g->rates, cpus, &params, &err);
    if (interrupted) return EXIT_SIGINT;
    if (rc) snprintf(g->failed, sizeof g->failed, "%.250s", err.message);
    return 0;
}

/* Each cluster, and all of them. */
static int measure_clusters(struct visit *v) {
    const struct doctor *d = &v->d;
    int rc = 0;
    if (d->machine.n_clusters == 1) return 0;
    for (int i = 0; i < d->machine.n_clusters && !rc; i++)
        rc = measure_group(v, d->machine.clusters[i].cpus, i, 0);
    return rc ? rc : measure_group(v, d->cpus.usable, -1, d->cpus.n_usable);
}

/* Those that answers will be computed on, unless they were measured just now. */
static int measure_in_use(struct visit *v) {
    struct doctor *d = &v->d;
    qw_cpus now;
    int rc = choose_cpus(&v->model);
    if (rc) return rc;
    qw_find_cpus(&now);
    d->n_threads = d->n_threads_batch = v->model.n_threads;
    if (d->n_threads == 0) {
        d->n_threads = now.n_threads;
        d->n_threads_batch = now.n_threads_batch;
    }
    if (v->model.n_threads_batch) d->n_threads_batch = v->model.n_threads_batch;
    const char *cpus = d->n_threads <= now.n_fast ? now.fast : now.usable;
    for (int i = 0; i < d->n_groups; i++) {
        const struct cpu_group same = d->groups[i];
        if (strcmp(same.cpus, cpus) != 0 || same.rates.n_threads != d->n_threads) continue;
        if (i < d->n_groups - 1) d->groups[d->n_groups++] = same;
        return 0;
    }
    return measure_group(v, cpus, d->machine.n_clusters == 1 ? 0 : -1, d->n_threads);
}

/* ---- models ---- */

static int foretell(struct visit *v, const char *shape, const char *type) {
    struct doctor *d = &v->d;
    struct outlook *o = &d->outlooks[d->n_outlooks++];
    const struct model_flags *f = &v->model;
    const qw_load_params params = {.weight_type = type, .n_threads = f->n_threads,
                                   .n_threads_batch = f->n_threads_batch, .cpu = f->cpu,
                                   .progress = stop, .user = v};
    qw_error err;
    *o = (struct outlook){.shape = shape, .type = type};
    show(v, shape, type);
    int rc = qw_forecast_shape(&o->f, shape, &params, &err);
    qw_watch_look(v->watch);            /* while the clocks are still high */
    if (interrupted) return EXIT_SIGINT;
    if (rc && rc != QW_ENOMEM) return load_error(f, &err);
    o->n_ctx = fitting_positions(&o->f, d->machine.memory_free);
    return 0;
}

static int foretell_all(struct visit *v) {
    static const char *const shapes[] = {"0.6b", "1.7b", "4b"}, *const types[] = {"q4", "q8"};
    const char *only = v->model.weight_type;
    int rc = 0;
    for (int i = 0; i < 6 && !rc; i++)
        if (!only || strcmp(only, types[i % 2]) == 0) rc = foretell(v, shapes[i / 2], types[i % 2]);
    return rc;
}

/* ---- the command ---- */

static void look_around(struct doctor *d) {
    qw_find_machine(&d->machine);
    qw_find_cpus(&d->cpus);
    qw_cpu_levels(d->levels, sizeof d->levels);
    qw_cpu_lacks(d->lacks, sizeof d->lacks);
    d->is_32_bit = sizeof(void *) == 4;
}

static int examine(struct visit *v) {
    struct doctor *d = &v->d;
    int rc = read_model(v);
    d->chosen = v->model.cpu_list || v->model.cpu_mask;
    look_around(d);
    if (!rc && d->chosen) rc = choose_cpus(&v->model);
    set_level(v->model.cpu);
    const char *level = v->model.cpu ? v->model.cpu : d->levels;
    snprintf(d->level, sizeof d->level, "%.*s", (int)strcspn(level, " "), level);
    if (!rc) rc = measure_clusters(v);
    if (!rc) rc = measure_in_use(v);
    if (rc) return rc;
    d->watched.celsius_before = d->watched.celsius_after = d->watched.others = NAN;
    rc = foretell_all(v);
    qw_watch_end(v->watch, &d->watched);
    return rc;
}

enum format { TEXT, JSON };

static int cmd_doctor(int argc, char **argv) {
    struct visit v = {.watch = NULL};
    int format = TEXT;
    struct flag flags[N_MODEL_AND_THREAD_FLAGS + 1] = {
        [N_MODEL_AND_THREAD_FLAGS] =        /* set_model_flags fills those before */
        {.heading = "Output", .names = "-o --output", .value = "text|json", .type = FLAG_WORD,
         .to = &format, .help = "for people (default), or one JSON object"},
    };
    set_model_flags(flags, N_MODEL_AND_THREAD_FLAGS, &v.model, NULL,
                    "foretell speeds with these weights alone: q8 or q4");
    int rc = parse_flags(&command_doctor, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    if (rc) return rc;
    const char *type = v.model.weight_type;
    if (type && strcmp(type, "q8") != 0 && strcmp(type, "q4") != 0)
        return usage_error("-q %s: speeds are foretold with q8 and q4", type);
    v.live = live_start(0);
    poll_sigint(SIGINTS_OF_A_PIPE);
    rc = examine(&v);
    live_clear(&v.live);
    if (rc) return rc;
    find_reasons(&v.d);
    return format == JSON ? print_doctor_json(&v.d) : print_doctor_text(&v.d);
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "how fast models will run here, and what holds them back",
    .arguments = "[FLAGS]",
    .run = cmd_doctor,
    .details =
        "Takes about five seconds. What is foretold are pp512 and tg128 of qw bench: the\n"
        "speed of a prompt of 512 tokens and of an answer of 128. With a model (-m) its\n"
        "storage is measured, too.\n"
        "\n"
        "json is one object; null is unknown:\n"
        "  cpu, soc, kernel, arch, memory, memory_free, memory_limit, swap, swap_free\n"
        "                what this machine is; bytes\n"
        "  level, levels, lacks, threads, threads_batch\n"
        "                kernels in use, those that this CPU has and lacks; threads for\n"
        "                answers and for prompts\n"
        "  celsius_before, celsius_after, others\n"
        "                temperature; share of the CPUs that other programs took\n"
        "  cpus          a list: each cluster if there are several, all CPUs, and last\n"
        "                those in use: read_gb_per_s, int8_g_per_s (10^9 multiply-adds),\n"
        "                pinned (threads ran where they were put)\n"
        "  models        a list: model, type, weight_bytes, context (tokens that fit; 0:\n"
        "                it does not), pp512, tg128 (tokens per second)\n"
        "  storage       of -m: file, bytes, mb_per_s, cached (it was in memory)\n"
        "  holds_back    a list: what, text, remedy\n",
};
