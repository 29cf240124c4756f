/* machine_api.c - the parts of qw.h that tell what this machine has (kernel levels, CPUs) and
 * choose the CPUs to use. */
#include <stdio.h>
#include "kernels/dispatch.h"
#include "sys/cpu_name.h"
#include "sys/topology.h"

const char *qw_cpu_levels(char *out, size_t size) {
    struct level levels[MAX_LEVELS];
    int n = kernels_levels(levels);
    size_t used = 0;
    if (size) out[0] = 0;
    for (int i = 0; i < n && used < size; i++)
        if (levels[i].usable)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
                                     levels[i].kernels->name);
    return out;
}

const char *qw_cpu_name(char *out, size_t size) {
    char name[CPU_NAME];
    cpu_name(name, "");
    snprintf(out, size, "%s", name);
    return out;
}

void qw_find_cpus(qw_cpus *out) {
    struct cpu_mask allowed;
    struct cpus c;
    cpus_allowed(&allowed);
    cpus_find(&c, &allowed, "");
    *out = (qw_cpus){.n_usable = c.n_usable, .n_fast = c.n_fast, .n_threads = c.n_threads,
                     .n_threads_batch = c.n_threads_batch};
    mask_print(out->usable, sizeof out->usable, &c.usable);
    mask_print(out->fast, sizeof out->fast, &c.fast);
}

int qw_use_cpus(const char *list, qw_error *err) {
    struct cpu_mask m;
    int rc = mask_parse(&m, list, err);
    return rc ? rc : cpus_use(&m, err);
}
