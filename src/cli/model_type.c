/* model_type.c - what kind of model it is, in three words. */
#include "cli/model_type.h"
#include <math.h>
#include <stdio.h>

static const struct {
    int n_layer, n_embd;
    const char *size;
} shapes[] = {
    {28, 1024, "0.6B"}, {28, 2048, "1.7B"}, {36, 2560, "4B"},
    {36, 4096, "8B"}, {40, 5120, "14B"}, {64, 5120, "32B"},
};

void model_type(const qw_model_info *info, char out[MODEL_TYPE]) {
    double p = (double)info->n_params;
    char size[32];
    if (p >= 3e9) snprintf(size, sizeof size, "%.0fB", floor(p / 1e9));
    else if (p >= 1e8) snprintf(size, sizeof size, "%.1fB", p / 1e9);
    else snprintf(size, sizeof size, "%.1fM", p / 1e6);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (info->n_layer == shapes[i].n_layer && info->n_embd == shapes[i].n_embd)
            snprintf(size, sizeof size, "%s", shapes[i].size);
    snprintf(out, MODEL_TYPE, "qwen3 %s %s", size, info->weight_type);
}
