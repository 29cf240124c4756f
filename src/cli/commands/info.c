/* info.c - qw info, what a model is and what a run of it would take. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/commands/commands.h"
#include "cli/model.h"
#include "cli/model_defaults.h"
#include "terminal/visible.h"

enum { DEFAULT_CONTEXT = 4096 };

static double mb(uint64_t bytes) { return (double)bytes / 1e6; }

static void print_threads(const qw_model_info *info, const struct model_flags *f) {
    const qw_cpus *cpus = &f->cpus;
    const int n = info->n_threads, n_batch = info->n_threads_batch;
    bool fast = cpus->n_fast < cpus->n_usable && n <= cpus->n_fast, all = n_batch > cpus->n_fast;
    printf("threads          %d", n);
    if (n_batch != n && !(fast && all)) printf(", %d for prompts", n_batch);
    printf(", on CPUs %s", fast ? cpus->fast : cpus->usable);
    if (fast) printf(", the fast ones of %s", cpus->usable);
    if (fast && all) printf("; %d for prompts, on all", n_batch);
    printf("\n");
}

static void print_weights(const qw_model_info *info) {
    printf("weights          ");
    if (strcmp(info->weight_type, "bf16") != 0) printf("%s of ", info->weight_type);    /* packed */
    printf("%s, %" PRIu64 " bytes\n", info->stored_type, info->weight_bytes);
}

/* The last part of a path. */
static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_template(const qw_model_info *info) {
    static const char *const thinks[] = {
        [QW_THINKS_NEVER] = "does not think",
        [QW_THINKS_ALWAYS] = "always thinks",
        [QW_THINKS_BY_DEFAULT] = "thinks unless --no-think",
        [QW_THINKS_IF_TOLD] = "thinks with --think",
        [QW_THINKS_AS_IT_LIKES] = "has no switch for thinking",
    };
    printf("chat template    ");
    if (!info->chat_template) {
        printf("%s\n", info->chat_template_error);
        return;
    }
    printf("%s: %s", base_name(info->chat_template), thinks[info->thinks]);
    if (info->thinks != QW_THINKS_NEVER)
        printf("; keeps %s", info->keeps_thoughts ? "thoughts" : "no thoughts");
    if (info->has_system) printf("; has a system text of its own");
    if (!info->takes_system) printf("; leaves out system messages");
    printf("; %s\n", info->takes_tools ? "tools" : "no tools");
}

/* What generation_config.json asks for. */
static void print_defaults(const qw_model *m) {
    const qw_model_info *info = qw_info(m);
    const qw_sampling s = qw_default_sampling(m, 1);
    char text[DEFAULTS_TEXT];
    sampling_in_words(&s, text);
    printf("sampling         %s\n", text);
    if (info->max_new_tokens) printf("answers          %d tokens at most\n", info->max_new_tokens);
    if (info->n_stop == 0) return;
    stops_in_words(info, text);
    printf("stop texts       %s\n", text);
}

/* A name that a file system gave: what would control a terminal is shown as text there. */
static void print_name(const char *label, const char *name) {
    struct visible v = {0};
    char out[VISIBLE_GROWTH * 5];
    printf("%-16s ", label);
    for (const char *p = name; *p; p++) {
        if (isatty(STDOUT_FILENO)) fwrite(out, 1, visible_text(&v, p, 1, out), stdout);
        else putchar(*p);
    }
    fwrite(out, 1, visible_end(&v, out), stdout);
    putchar('\n');
}

static void print_info(const qw_model *m) {
    const qw_model_info *info = qw_info(m);
    print_name("model", info->path);
    printf("architecture     Qwen3, dense\n");
    printf("parameters       %" PRIu64 "\n", info->n_params);
    print_weights(info);
    printf("layers           %d\n", info->n_layer);
    printf("embedding        %d\n", info->n_embd);
    printf("feed-forward     %d\n", info->n_ff);
    printf("heads            %d query, %d key/value, of %d\n", info->n_head, info->n_head_kv,
           info->head_dim);
    printf("vocabulary       %d, head %s\n", info->n_vocab,
           info->tied ? "tied to the embedding" : "of its own");
    printf("context          %d\n", info->n_ctx_max);
    printf("rope             theta %.10g", info->rope_theta);
    if (info->yarn_factor != 0) printf(", yarn factor %g", info->yarn_factor);
    printf("\nend tokens      ");
    for (int i = 0; i < info->n_eos; i++) printf(" %" PRId32, info->eos[i]);
    if (info->n_eos == 0) printf(" none");
    printf("\n");
    print_defaults(m);
    print_template(info);
    printf("tokenizer        %s\n",
           info->tokenizer ? base_name(info->tokenizer) : info->tokenizer_error);
    for (int i = 0; i < info->n_files; i++) print_name(i ? "" : "files", info->files[i]);
    printf("kernels          %s\n", info->kernels);
}

/* What a run takes. */
struct memory {
    const char *weight_type, *kv;
    int n_ctx;
    uint64_t weights, cache, scratch;
};

/* weight_type and kv of r may be NULL: the defaults, which are filled in. 0 or an exit code after a
 * message. */
static int compute_memory(const qw_model *m, struct memory *r, int n_batch) {
    qw_error err;
    if (qw_weight_memory(m, r->weight_type, &r->weight_type, &r->weights, &err))
        return engine_error(&err, NULL);
    if (!r->kv) r->kv = strcmp(r->weight_type, "bf16") == 0 ? "f32" : "q8";
    const qw_session_params params = {.n_ctx = r->n_ctx, .n_batch = n_batch, .kv_type = r->kv};
    if (qw_session_memory(m, &params, &r->cache, &r->scratch, &err))
        return engine_error(&err, NULL);
    return 0;
}

static void print_memory(const struct memory *r) {
    printf("memory at -c %d: weights as %s %.1f MB, cache as %s %.1f MB, scratch %.1f MB, "
           "together %.1f MB\n", r->n_ctx, r->weight_type, mb(r->weights), r->kv, mb(r->cache),
           mb(r->scratch), mb(r->weights + r->cache + r->scratch));
}

/* n_ctx as -c has it: below 0 the default, 0 the maximum. */
static int report(qw_model *m, const struct model_flags *f, struct memory *r, int n_batch) {
    const qw_model_info *info = qw_info(m);
    int max = info->n_ctx_max;
    if (r->n_ctx < 0) r->n_ctx = max < DEFAULT_CONTEXT ? max : DEFAULT_CONTEXT;
    if (r->n_ctx == 0) r->n_ctx = max;
    int rc = compute_memory(m, r, n_batch);
    if (rc) return rc;
    print_info(m);
    print_threads(info, f);
    print_memory(r);
    return 0;
}

static int cmd_info(int argc, char **argv) {
    struct model_flags model = {0};
    struct memory r = {.n_ctx = -1};
    int n_batch = 64;
    struct flag flags[] = {
        [N_MODEL_AND_THREAD_FLAGS] =        /* set_model_flags fills those before */
        {.names = "-c --ctx-size", .value = "N", .type = FLAG_INT, .to = &r.n_ctx,
         .lo = 0, .hi = 1 << 30, .env = "QW_CTX_SIZE",
         .help = "context whose memory is reported; default 4096 or the model's maximum, whichever "
                 "is smaller; 0: the model's maximum"},
        kv_flag(&r.kv),
        batch_flag(&n_batch),
    };
    qw_model *m;
    set_model_flags(flags, N_MODEL_AND_THREAD_FLAGS, &model, "QW_WEIGHT_TYPE",
                    "weights whose memory is reported: auto (default), bf16 (as stored), q8, q4");
    int rc = parse_flags(&command_info, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    if (rc) return rc;
    r.weight_type = model.weight_type;
    model.weight_type = "stored";           /* quantise nothing only to report its size */
    model.compare_all = true;
    rc = load_model(&m, &model, false);
    if (rc) return rc;
    rc = report(m, &model, &r, n_batch);
    qw_free(m);
    return rc;
}

const struct command command_info = {
    .name = "info",
    .summary = "what a model is and what a run of it takes",
    .arguments = "[FLAGS]",
    .run = cmd_info,
};
