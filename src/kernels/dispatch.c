/* dispatch.c - the choice among the kernels that this CPU can run. */
#include "kernels/dispatch.h"
#include "kernels/features.h"
#include <stdio.h>

int kernels_levels(struct level out[MAX_LEVELS]) {
    int n = 0;
    for (const struct arch_level *l = arch_levels; l->cpu_has && n < MAX_LEVELS - 1; l++)
        if (l->kernels) out[n++] = (struct level){l->kernels, l->cpu_has()};
    out[n++] = (struct level){&kernels_reference, true};
    return n;
}

int kernels_choose(const struct kernels **out, const char *name, qw_error *err) {
    struct level levels[MAX_LEVELS];
    char list[128] = "";
    int n = kernels_levels(levels), used = 0;
    for (int i = 0; i < n; i++) {
        const char *its = levels[i].kernels->name;
        if (!levels[i].usable) continue;
        if (!name || strcmp(name, its) == 0) {
            *out = levels[i].kernels;
            return 0;
        }
        used += snprintf(list + used, sizeof list - (size_t)used, "%s%s", used ? ", " : "", its);
    }
    return fail(err, QW_EARG, "CPU level '%s' cannot be used here; this CPU has: %s", name, list);
}
