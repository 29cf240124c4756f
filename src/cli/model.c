/* model.c - the flags that say which model to use and how, and loading it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli/model.h"
#include "cli/live.h"
#include "cli/words.h"

/* ---- flags ---- */

const char auto_type_help[] =
    "weights: bf16 (as stored), q8, q4; default auto: as stored below 100 M parameters, "
    "else q8 if it fits, else q4";

static const struct choice weight_types[] = {
    {.word = "bf16"}, {.word = "q8"}, {.word = "q4"}, {.word = "auto"},
    {.word = "stored", .means = "stored"},
    {.word = "q8_0", .means = "q8", .note = "taken as q8, which is qw's own"},
    {.word = "q4_0", .means = "q4", .note = "taken as q4, which is qw's own"},
    {.word = NULL}
};

static const struct choice kv_types[] = {
    {.word = "f32"}, {.word = "f16"}, {.word = "q8"},
    {.word = "fp32", .means = "f32"},
    {.word = "fp16", .means = "f16"},
    {.word = "q8_0", .means = "q8"},
    {.word = NULL}
};

void set_model_flags(struct flag *flags, int n, struct model_flags *to, const char *type_env,
                     const char *type_help) {
    const struct flag all[N_MODEL_AND_THREAD_FLAGS] = {
        {.heading = "Model", .names = "-m --model", .value = "DIR", .type = FLAG_PATH,
         .to = &to->path, .env = "QW_MODEL",
         .help = "model directory, packed file, .safetensors file next to its config.json, or "
                 "NAME: models/NAME, or NAME in the hub's cache"},
        {.names = "-q --weight-type", .value = "TYPE", .type = FLAG_TYPE, .to = &to->weight_type,
         .choices = weight_types, .env = type_env, .given = &to->given, .help = type_help},
        {.heading = "Processor", .names = "--cpu-list -Cr --cpu-range", .value = "LIST",
         .type = FLAG_STRING, .to = &to->cpu_list, .env = "QW_CPU_LIST", .given = &to->given,
         .help = "run on these CPUs only, one thread each unless -t says otherwise: 0-3,6"},
        {.names = "-C --cpu-mask", .value = "MASK", .type = FLAG_STRING, .to = &to->cpu_mask,
         .given = &to->given,
         .help = "the same as a mask in hexadecimal: f0 is 4-7"},
        {.names = "--cpu", .value = "LEVEL", .type = FLAG_STRING, .to = &to->cpu,
         .env = "QW_CPU", .given = &to->given,
         .help = "kernels of this level; qw --version lists those that this CPU can run"},
        {.names = "-t --threads", .value = "N", .type = FLAG_INT, .to = &to->n_threads,
         .lo = 1, .hi = 256, .unset = "-1", .env = "QW_THREADS", .given = &to->given,
         .help = "threads; default (-1) one per fast core, and one per core for prompts"},
        {.names = "-tb --threads-batch", .value = "N", .type = FLAG_INT, .to = &to->n_threads_batch,
         .lo = 1, .hi = 256, .unset = "-1", .env = "QW_THREADS_BATCH", .given = &to->given,
         .help = "threads for prompts and for quantising; default (-1) as many as -t, or without "
                 "it one per core"},
    };
    for (int i = 0; i < n; i++) flags[i] = all[i];
}

struct flag tokenizer_flag(const char **to) {
    return (struct flag){.names = "-m --model", .value = "DIR", .type = FLAG_PATH, .to = to,
                         .env = "QW_MODEL",
                         .help = "model as for qw run, whose weights are not needed, or a "
                                 "tokenizer.json"};
}

struct flag kv_flag(const char **to) {
    return (struct flag){.names = "--kv --kv-type", .value = "TYPE", .type = FLAG_TYPE, .to = to,
                         .choices = kv_types, .env = "QW_KV_TYPE",
                         .help = "KV cache: f32, f16, q8; default q8, or f32 if the weights are as "
                                 "stored"};
}

struct flag batch_flag(int *to) {
    return (struct flag){.names = "-b --batch-size", .value = "N", .type = FLAG_INT, .to = to,
                         .lo = 1, .hi = 65536, .env = "QW_BATCH_SIZE",
                         .help = "prompt tokens computed at a time; default 64"};
}

/* ---- loading ---- */

/* -C as --cpu-list, whose variable it wins over. */
static int use_mask(struct model_flags *f) {
    bool from_env = f->cpu_list && f->cpu_list == getenv("QW_CPU_LIST");
    if (f->cpu_list && !from_env)
        return usage_error("-C and --cpu-list are the same: give one of them");
    if (!list_mask(f->cpu_mask, f->mask_list))
        return usage_error("-C: '%s' is not a mask of CPUs in hexadecimal, such as f0 for 4-7",
                           f->cpu_mask);
    f->cpu_list = f->mask_list;
    return 0;
}

/* The first load restricts the threads; later ones start with the same CPUs. */
static int restrict_cpus(struct model_flags *f) {
    qw_error err;
    int rc = f->cpu_mask ? use_mask(f) : 0;
    if (rc || !f->cpu_list || qw_use_cpus(f->cpu_list, &err) == 0) return rc;
    const char *flag = f->cpu_mask ? "-C" : "--cpu-list";
    return usage_error("%s: %s", value_source(f->cpu_list, flag, "QW_CPU_LIST"), err.message);
}

int choose_cpus(struct model_flags *f) {
    if (f->cpus.n_usable == 0) {
        int rc = restrict_cpus(f);
        if (rc) return rc;
        qw_find_cpus(&f->cpus);
    } else if (f->cpus.n_fast < f->cpus.n_usable) qw_use_cpus(f->cpus.usable, NULL);
    if (f->cpu_list && f->n_threads == 0)
        f->n_threads = f->cpus.n_usable < 256 ? f->cpus.n_usable : 256;
    return 0;
}

void choose_own_cpus(const struct model_flags *f, const qw_model *m) {
    qw_error err;
    if (f->cpus.n_fast == f->cpus.n_usable || qw_info(m)->n_threads > f->cpus.n_fast) return;
    if (qw_use_cpus(f->cpus.fast, &err))
        warning("%s; the system chooses where the threads run", err.message);
}

int load_error(const struct model_flags *f, const qw_error *err) {
    int rc = engine_error(err, NULL);
    if (rc != EXIT_USAGE) return rc;
    const char *type = getenv("QW_WEIGHT_TYPE");
    const struct choice *choice = type ? find_choice(weight_types, type) : NULL;
    const char *means = choice && choice->means ? choice->means : type;
    if (choice && f->weight_type && strcasecmp(f->weight_type, means) == 0)
        say("(QW_WEIGHT_TYPE is set to '%s')", type);
    if (value_source(f->cpu, NULL, "QW_CPU")) say("(QW_CPU is set to '%s')", f->cpu);
    return rc;
}

/* What was chosen, and the command that saves the wait from now on. */
static void note_quantised(const qw_model_info *info, const char *path) {
    char name[MODEL_NAME], file[MODEL_NAME + 40], word[MODEL_PATH], file_word[2 * MODEL_NAME];
    model_name(info->path, name);
    snprintf(file, sizeof file, "%s-%s.safetensors", name, info->weight_type);
    note("quantised to %s, %.0f MB (-q chooses the type; bf16 keeps them as stored)",
         info->weight_type, (double)info->weight_bytes / 1e6);
    note("once and for all: qw quantize -m %s -q %s -o %s", shell_word(path, word, sizeof word),
         info->weight_type, shell_word(file, file_word, sizeof file_word));
}

int load_model(qw_model **out, struct model_flags *f, bool quiet) {
    char found[MODEL_PATH];
    const char *path = find_model(f->path, quiet, found);
    struct loading loading = loading_start("qw quantize once saves this");
    qw_error err;
    *out = NULL;
    if (!path) return EXIT_ERROR;
    int rc = choose_cpus(f);
    if (rc) return rc;
    set_level(f->cpu);
    const qw_load_params params = {.weight_type = f->weight_type,
                                   .n_threads = f->n_threads,
                                   .n_threads_batch = f->n_threads_batch,
                                   .cpu = f->cpu,
                                   .n_ctx_plan = f->n_ctx_plan,
                                   .compare_all = f->compare_all,
                                   .progress = on_load,
                                   .user = &loading};
    int failed = qw_load(out, path, &params, &err);
    loading_end(&loading);
    if (failed) return load_error(f, &err);
    choose_own_cpus(f, *out);
    poll_sigint(SIGINTS_OF_A_PIPE);
    const qw_model_info *info = qw_info(*out);
    for (int i = 0; i < info->n_warnings; i++) warning("%s", info->warnings[i]);
    if (loading.quantised) note_quantised(info, f->path ? f->path : path);
    return 0;
}

int load_tokenizer(qw_tokenizer **out, const char *path) {
    char found[MODEL_PATH];
    const char *const *lines;
    qw_error err;
    path = find_model(path, false, found);
    if (!path) return EXIT_ERROR;
    if (qw_tokenizer_load(out, path, &err)) return engine_error(&err, NULL);
    int n = qw_tokenizer_warnings(*out, &lines);
    for (int i = 0; i < n; i++) warning("%s", lines[i]);
    return 0;
}
