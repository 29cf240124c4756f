/* info.c - qw info, what a model is and what a run of it would take. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

static double mib(uint64_t bytes) { return (double)bytes / (1 << 20); }

static void print_threads(const qw_model_info *i, const struct model_flags *f) {
    const qw_cpus *c = &f->cpus;
    bool all = f->cpu_list || c->n_fast == c->n_usable, fast = !all && i->n_threads <= c->n_fast && i->n_threads_batch <= c->n_fast;
    printf("threads          %d", i->n_threads);
    if (i->n_threads_batch != i->n_threads) printf(", %d for prompts", i->n_threads_batch);
    printf(", on CPUs %s", fast ? c->fast : c->usable);
    if (fast) printf(", the fast ones of %s", c->usable);
    printf("\n");
}

static void print_info(const qw_model_info *i) {
    printf("model            %s\n", i->path);
    printf("architecture     Qwen3, dense\n");
    printf("parameters       %" PRIu64 "\n", i->n_params);
    bool packed = strcmp(i->weight_type, "bf16") != 0;              /* it is loaded as stored */
    printf("weights          %s%s%s, %" PRIu64 " bytes\n", packed ? i->weight_type : "", packed ? " of " : "", i->stored_type, i->weight_bytes);
    printf("layers           %d\n", i->n_layer);
    printf("embedding        %d\n", i->n_embd);
    printf("feed-forward     %d\n", i->n_ff);
    printf("heads            %d query, %d key/value, of %d\n", i->n_head, i->n_head_kv, i->head_dim);
    printf("vocabulary       %d, head %s\n", i->n_vocab, i->tied ? "tied to the embedding" : "of its own");
    printf("context          %d\n", i->n_ctx_max);
    printf("rope             theta %.10g", i->rope_theta);
    if (i->yarn_factor != 0) printf(", yarn factor %g", i->yarn_factor);
    printf("\nend tokens      ");
    for (int k = 0; k < i->n_eos; k++) printf(" %" PRId32, i->eos[k]);
    if (i->n_eos == 0) printf(" none");
    printf("\nchat template    %s\n", i->chat_template ? i->chat_template : i->chat_template_error);
    printf("tokenizer        %s\n", i->has_tokenizer ? "tokenizer.json" : i->tokenizer_error);
    for (int k = 0; k < i->n_files; k++) printf("%-16s %s\n", k ? "" : "files", i->files[k]);
    printf("kernels          %s\n", i->kernels);
}

int cmd_info(int argc, char **argv) {
    struct model_flags model = {0};
    int n_ctx = -1, n_batch = 64, n_words;
    const char *kv = NULL;
    const struct flag flags[] = {
        MODEL_FLAGS(&model, "QW_WEIGHT_TYPE", "weights whose memory is told: auto (the default), bf16 (as stored), q8, q4"),
        {"-c --ctx-size", "N", FLAG_INT, &n_ctx, 0, 1 << 30, "QW_CTX_SIZE", NULL, "context whose memory is told; default the smaller of 4096 and the model's; 0: the model's"},
        KV_FLAG(&kv),
        {"-b --batch-size", "N", FLAG_INT, &n_batch, 1, 65536, "QW_BATCH_SIZE", NULL, "prompt tokens computed at a time; default 64"},
    };
    const struct command c = {"info", "what a model is and what a run of it takes", "[FLAGS]", flags, sizeof flags / sizeof *flags, ""};
    qw_model *m;
    qw_error err;
    uint64_t cache, scratch, weights;
    const char *type;
    int rc = parse_flags(&c, argc, argv, NULL, 0, &n_words);
    if (rc || (rc = check_kv(kv)) != 0) return rc;
    const char *wanted = model.weight_type;
    model.weight_type = "stored";           /* nothing is quantised to tell what it would take */
    if ((rc = load_model(&m, &model, false)) != 0) return rc;
    const qw_model_info *i = qw_info(m);
    int used = n_ctx == 0 ? i->n_ctx_max : n_ctx > 0 ? n_ctx : i->n_ctx_max < 4096 ? i->n_ctx_max : 4096;
    if (qw_weight_memory(m, wanted, &type, &weights, &err)) rc = engine_error(&err);
    if (!rc && !kv) kv = strcmp(type, "bf16") == 0 ? "f32" : "q8";
    if (!rc && qw_session_memory(m, &(qw_session_params){.n_ctx = used, .n_batch = n_batch, .kv_type = kv}, &cache, &scratch, &err)) rc = engine_error(&err);
    if (!rc) {
        print_info(i);
        print_threads(i, &model);
        printf("memory at -c %d: weights as %s %.1f MiB, cache as %s %.1f MiB, scratch %.1f MiB, together %.1f MiB\n", used, type, mib(weights),
               kv, mib(cache), mib(scratch), mib(weights + cache + scratch));
    }
    qw_free(m);
    return rc;
}
