/* config.h - config.json and generation_config.json of a dense Qwen3 checkpoint, checked. */
#ifndef QW_CONFIG_H
#define QW_CONFIG_H
#include "model/generation.h"
#include "model/model_files.h"
#include "base/warnings.h"
#include "kernels/kernels.h"

enum { MAX_CONTEXT = 1 << 20 };

struct config {
    int n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab;
    int n_ctx_max;                  /* max_position_embeddings, or as far as yarn goes; at most
                                     * MAX_CONTEXT */
    double rms_norm_eps, rope_theta;
    bool tied;                      /* tie_word_embeddings */
    bool headless;                  /* architecture Qwen3Model: need not have a head */
    char quantised[64];             /* how the weights are quantised, if they are; "": not */

    /* rope_type "yarn" if factor is not 0; see rope.h */
    struct {
        double factor, beta_fast, beta_slow, attention_factor;
        int n_ctx_orig;
        bool truncate;
    } yarn;

    /* union of config and generation_config; engine/model_text.c adds the tokenizer's */
    int32_t eos[MAX_EOS];
    int n_eos;
    bool eos_dropped;               /* there was no room for all of them */

    struct generation gen;          /* generation_config.json */
};

/* Read config.json and, if there is one, generation_config.json. What is not a dense Qwen3 model is
 * refused, by name; what is not honoured becomes a warning. Call config_free also on failure. */
int config_read(struct config *c, const struct model_files *files, struct warnings *warnings,
                qw_error *err);
void config_free(struct config *c);
/* Add an end token unless it is there already. */
void config_add_eos(struct config *c, int64_t id);

#endif
