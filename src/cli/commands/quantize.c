/* quantize.c - qw quantize, a model packed into one file; and the check of such a file. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"

static int write_part(void *file, const void *p, size_t n) { return output_write(file, p, n); }

/* Would writing `out` replace a file of the model, or sit in for one? */
static bool same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool has_file(const char *dir, const char *name) {
    char path[MODEL_PATH + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* Without an index and model.safetensors, every model*.safetensors of a directory is part of the model. */
static bool would_join(const char *model, const char *out) {
    char dir[MODEL_PATH];
    const char *slash = strrchr(out, '/'), *name = slash ? slash + 1 : out;
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - out) + 1 : 1, slash ? out : ".");
    return strncmp(name, "model", 5) == 0 && same_file(model, dir) && !has_file(model, "model.safetensors") && !has_file(model, "model.safetensors.index.json");
}

static int check_target(const char *model, const char *out) {
    size_t n = strlen(out);
    qw_model *m;
    qw_error err;
    if (n < 12 || strcmp(out + n - 12, ".safetensors") != 0) return usage_error("-o %s: the name must end in .safetensors", out);
    if (qw_load(&m, model, &(qw_load_params){.weight_type = "stored", .n_threads = 1}, &err)) return engine_error(&err);
    bool own = would_join(model, out);
    const qw_model_info *i = qw_info(m);
    for (int k = 0; k < i->n_files; k++) if (same_file(i->files[k], out)) own = true;
    if (!own && !i->has_tokenizer) say("the packed file will have no tokenizer: %s", i->tokenizer_error);
    if (!own && !i->chat_template) say("the packed file will have no chat template: %s", i->chat_template_error);
    qw_free(m);
    return own ? usage_error("-o %s is a file of the model itself; choose another name", out) : 0;
}

static int pack(struct model_flags *f, const char *out) {
    char found[MODEL_PATH];
    const char *model = find_model(f->path, false, found);
    struct output file;
    struct bar bar = load_bar(false);
    qw_error err = {0, ""};
    if (!model) return EXIT_ERROR;
    int rc = check_target(model, out);
    if (!rc) rc = choose_cpus(f);
    if (!rc) rc = output_open(&file, out);
    if (rc) return rc;
    poll_sigint();
    const qw_load_params params = {.n_threads = f->n_threads, .n_threads_batch = f->n_threads_batch, .cpu = f->cpu, .progress = on_load, .user = &bar};
    int failed = qw_quantize(model, f->weight_type, &params, write_part, &file, &err);
    load_bar_end(&bar);
    if (failed && !file.error) rc = load_error(f, &err);        /* output_close tells of its own failures */
    int closed = output_close(&file, !failed);
    return rc ? rc : closed;
}

int cmd_quantize(int argc, char **argv) {
    struct model_flags model = {.weight_type = "q4"};
    const char *out = NULL;
    bool verify = false;
    int n_words;
    qw_error err;
    const struct flag flags[] = {
        MODEL_FLAGS(&model, NULL, "q4 (default) or q8"),
        {"-o --output", "FILE", FLAG_PATH, &out, 0, 0, NULL, NULL, "the packed file, FILE.safetensors; it appears when it is complete"},
        {"--verify", NULL, FLAG_ON, &verify, 0, 0, NULL, NULL, "instead: check the packed file -m against its checksums"},
    };
    const struct command c = {"quantize", "pack a model into one file", "-m DIR -q q4 -o FILE.safetensors", flags, sizeof flags / sizeof *flags,
                              "The file holds weights, config, tokenizer and template: copy it anywhere and run it with -m FILE.\n"
                              "  qw quantize -m models/Qwen3-0.6B -q q4 -o qwen3-0.6b-q4.safetensors\n"
                              "  qw quantize --verify -m qwen3-0.6b-q4.safetensors\n"};
    int rc = parse_flags(&c, argc, argv, NULL, 0, &n_words);
    if (rc) return rc;
    if (!verify) return out ? pack(&model, out) : usage_error("-o FILE.safetensors is needed; see: qw help quantize");
    if (out || model.given || !model.path) return usage_error("--verify takes -m FILE and nothing else");
    if (qw_verify(model.path, &err)) return engine_error(&err);
    say("%s: all checksums are right", model.path);
    return 0;
}
