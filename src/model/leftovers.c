/* leftovers.c - what a checkpoint holds besides the weights of its model. */
#include "model/leftovers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/listed.h"

/* ---- tensors that nothing uses ---- */

/* The number in "layers.28.", after any "model."; *n: the bytes up to there. -1: there is none. */
static long layer_number(const char *name, size_t *n) {
    const char *p = name;
    char *end;
    while (strncmp(p, "model.", 6) == 0) p += 6;
    if (strncmp(p, "layers.", 7) != 0) return -1;
    long i = strtol(p + 7, &end, 10);
    *n = (size_t)(end - name);
    return *end == '.' ? i : -1;
}

/* Names for one warning, and the file of the first. */
struct finding {
    struct listed names;
    const char *path;
};

static void note_name(struct finding *f, const char *path, const char *name, size_t n) {
    if (!f->path) f->path = path;
    list_name(&f->names, name, n);
}

/* Stored frequencies are passed over, as in transformers: they follow from config.json. */
void warn_of_unused(const struct checkpoint *c, const bool *used, int n_layer,
                    struct warnings *warnings) {
    struct finding layers = {.path = NULL}, others = {.path = NULL};
    const char *last = "";
    size_t last_n = 0, n = 0;
    for (uint32_t i = 0; i < c->n_tensors; i++) {
        const struct tensor *t = &c->tensors[i];
        if (used[i] || path_ends_with(t->name, "rotary_emb.inv_freq")) continue;
        if (layer_number(t->name, &n) < n_layer) {
            note_name(&others, c->paths[t->file], t->name, strlen(t->name));
            continue;
        }
        bool again = n == last_n && memcmp(last, t->name, n) == 0;      /* they are sorted */
        if (!again) note_name(&layers, c->paths[t->file], t->name, n);
        last = t->name;
        last_n = n;
    }
    if (layers.path)
        add_warning(warnings, "%s: not used, since num_hidden_layers is %d: %s", layers.path,
                    n_layer, list_text(&layers.names));
    if (others.path)
        add_warning(warnings, "%s: tensors that nothing uses: %s", others.path,
                    list_text(&others.names));
}

/* ---- quantised weights ---- */

/* The first tensor that quantised weights have beside or instead of X.weight, or NULL. */
static const struct tensor *find_companion(const struct checkpoint *c) {
    static const char *const suffixes[] = {
        ".qweight", ".qzeros", ".scales", ".g_idx", ".biases",      /* GPTQ, AWQ, MLX */
        ".weight_scale_inv", ".weight_scale", ".input_scale", ".activation_scale",  /* FP8 */
        ".weight_packed", ".weight_zero_point",                     /* compressed-tensors */
        ".weight.absmax", ".weight.quant_map", ".SCB",              /* bitsandbytes */
    };
    for (uint32_t i = 0; i < c->n_tensors; i++)
        for (size_t k = 0; k < sizeof suffixes / sizeof *suffixes; k++)
            if (path_ends_with(c->tensors[i].name, suffixes[k])) return &c->tensors[i];
    return NULL;
}

/* A known method that was left over breaks a model in transformers (it expects quantised weights),
 * an unknown one is passed over there; the author meant the weights that are there. */
int check_quantised(const struct checkpoint *c, const struct config *cfg, int rc,
                    struct warnings *warnings, qw_error *err) {
    const char *method = cfg->quantised[0] ? cfg->quantised : NULL;
    char reason[600];
    if (rc == QW_ENOMEM || (!rc && !method)) return rc;
    const struct tensor *t = find_companion(c);
    if (!rc && !t) {
        add_warning(warnings,
                    "%s: the weights are not quantised, although config.json says they are (%s): "
                    "that is ignored",
                    c->paths[0], method);
        return 0;
    }
    if (!method && !t) return rc;
    if (rc) snprintf(reason, sizeof reason, "%.590s", err->message);
    else snprintf(reason, sizeof reason, "%.400s: '%.150s'", c->paths[t->file], t->name);
    return fail(err, QW_EUNSUPPORTED,
                "%s: the weights are quantised (%.150s); take the original BF16 checkpoint", reason,
                method ? method : t->name);
}
