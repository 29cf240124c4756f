/* quantize.c - qw quantize, a model packed into one file; and the check of such a file. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/model.h"
#include "cli/output.h"
#include "cli/live.h"
#include "cli/words.h"

static int write_part(void *file, const void *p, size_t n) { return output_write(file, p, n); }

/* ---- is it safe to write there? ---- */

static bool same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool has_file(const char *dir, const char *name) {
    char path[MODEL_PATH + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* Would the file `out` become part of the model? In a directory model.safetensors counts before an
 * index, and every model*.safetensors where there is neither. */
static bool would_join(const char *model, const char *out) {
    char dir[MODEL_PATH];
    const char *slash = strrchr(out, '/'), *name = slash ? slash + 1 : out;
    if (strncmp(name, "model", 5) != 0) return false;
    if (slash) snprintf(dir, sizeof dir, "%.*s", (int)(slash - out) + 1, out);
    else snprintf(dir, sizeof dir, ".");
    if (!same_file(model, dir)) return false;
    return strcmp(name, "model.safetensors") == 0 ||
           (!has_file(model, "model.safetensors") &&
            !has_file(model, "model.safetensors.index.json"));
}

/* Refuse to replace a file of the model, or to add one. */
static int check_target(const char *model, const char *out) {
    static const qw_load_params as_stored = {.weight_type = "stored", .n_threads = 1,
                                             .compare_all = 1};
    size_t n = strlen(out);
    qw_model *m;
    qw_error err;
    if (n < 12 || strcmp(out + n - 12, ".safetensors") != 0)
        return usage_error("-o %s: the name must end in .safetensors", out);
    if (qw_load(&m, model, &as_stored, &err)) return engine_error(&err, NULL);
    bool own = would_join(model, out);
    const qw_model_info *info = qw_info(m);
    for (int i = 0; i < info->n_files; i++)
        if (same_file(info->files[i], out)) own = true;
    for (int i = 0; !own && i < info->n_warnings; i++) warning("%s", info->warnings[i]);
    if (!own && !info->tokenizer)
        warning("the packed file will have no tokenizer: %s", info->tokenizer_error);
    if (!own && !info->chat_template)
        warning("the packed file will have no chat template: %s", info->chat_template_error);
    qw_free(m);
    if (!own) return 0;
    return usage_error("-o %s is a file of the model itself; choose another name", out);
}

/* ---- the command ---- */

static void note_written(const char *type, const char *path) {
    struct stat st;
    char word[MODEL_PATH];
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) return;
    note("%s, %s, %.0f MB; run it: qw -m %s", path, type, (double)st.st_size / 1e6,
         shell_word(path, word, sizeof word));
}

static int pack(struct model_flags *f, const char *out) {
    char found[MODEL_PATH];
    const char *model = find_model(f->path, false, found);
    struct output file;
    struct loading loading = loading_start(NULL);
    qw_error err = {0, ""};
    if (!model) return EXIT_ERROR;
    int rc = check_target(model, out);
    if (!rc) rc = choose_cpus(f);
    if (!rc) rc = output_open(&file, out);
    if (rc) return rc;
    set_level(f->cpu);
    poll_sigint(SIGINTS_OF_A_PIPE);
    const qw_load_params params = {.n_threads = f->n_threads,
                                   .n_threads_batch = f->n_threads_batch,
                                   .cpu = f->cpu,
                                   .progress = on_load,
                                   .user = &loading};
    int failed = qw_quantize(model, f->weight_type, &params, write_part, &file, &err);
    loading_end(&loading);
    if (failed && !file.error) rc = load_error(f, &err);    /* output_close reports file.error */
    int closed = output_close(&file, !failed);
    if (!rc) rc = closed;
    if (!rc) note_written(f->weight_type, out);
    return rc;
}

static int verify(const struct model_flags *f) {
    qw_error err;
    if (f->given || !f->path) return usage_error("--verify takes -m FILE and nothing else");
    if (qw_verify(f->path, &err)) return engine_error(&err, NULL);
    note("%s: all checksums match", f->path);
    return 0;
}

static int cmd_quantize(int argc, char **argv) {
    struct model_flags model = {.weight_type = "q4"};
    const char *out = NULL;
    bool only_verify = false;
    struct flag flags[] = {
        [N_MODEL_AND_THREAD_FLAGS] =        /* set_model_flags fills those before */
        {.names = "-o --output", .value = "FILE", .type = FLAG_PATH, .to = &out,
         .help = "the packed file, FILE.safetensors; it appears when it is complete"},
        {.names = "--verify", .type = FLAG_ON, .to = &only_verify,
         .help = "instead: check the packed file -m against its checksums"},
    };
    set_model_flags(flags, N_MODEL_AND_THREAD_FLAGS, &model, NULL, "q4 (default) or q8");
    int rc = parse_flags(&command_quantize, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    if (rc) return rc;
    if (only_verify && out) return usage_error("--verify takes -m FILE and nothing else");
    if (only_verify) return verify(&model);
    if (!out) return usage_error("-o FILE.safetensors is needed; see: qw help quantize");
    return pack(&model, out);
}

const struct command command_quantize = {
    .name = "quantize",
    .summary = "pack a model into one file",
    .arguments = "-m DIR -q q4 -o FILE.safetensors",
    .run = cmd_quantize,
    .details =
        "The file holds weights, config, tokenizer and template: copy it anywhere and run\n"
        "it with -m FILE.\n"
        "  qw quantize -m models/Qwen3-0.6B -q q4 -o qwen3-0.6b-q4.safetensors\n"
        "  qw quantize --verify -m qwen3-0.6b-q4.safetensors\n",
};
