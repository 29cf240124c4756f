/* machine_api.c - the parts of qw.h that tell what this machine has (kernel levels, CPUs, storage)
 * and choose the CPUs to use. */
#include "engine/machine_api.h"
#include <stdio.h>
#include "kernels/dispatch.h"
#include "sys/machine.h"
#include "sys/storage.h"

static const char *list_levels(char *out, size_t size, bool usable) {
    struct level levels[MAX_LEVELS];
    int n = kernels_levels(levels);
    size_t used = 0;
    if (size) out[0] = 0;
    for (int i = 0; i < n && used < size; i++)
        if (levels[i].usable == usable)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
                                     levels[i].kernels->name);
    return out;
}

const char *qw_cpu_levels(char *out, size_t size) { return list_levels(out, size, true); }
const char *qw_cpu_lacks(char *out, size_t size) { return list_levels(out, size, false); }

static void take_cluster(qw_machine *m, qw_cluster *out, const struct cluster *c) {
    *out = (qw_cluster){.n_cpus = c->n_cpus, .n_online = c->n_online, .capacity = c->capacity,
                        .min_mhz = c->min_mhz, .max_mhz = c->max_mhz, .limit_mhz = c->limit_mhz,
                        .now_mhz = c->now_mhz};
    mask_print(out->cpus, sizeof out->cpus, &c->cpus);
    snprintf(out->core, sizeof out->core, "%s", c->core);
    snprintf(out->governor, sizeof out->governor, "%s", c->governor);
    m->n_cpus += c->n_cpus;
    m->n_online += c->n_online;
}

void describe_machine(qw_machine *out, const struct cpu_mask *allowed, const char *root) {
    struct machine m;
    machine_find(&m, allowed, root);
    *out = (qw_machine){.n_clusters = m.n_clusters,
                        .memory = m.memory.total, .memory_limit = m.memory.limit,
                        .memory_free = m.memory.available,
                        .swap = m.memory.swap, .swap_free = m.memory.swap_free};
    snprintf(out->name, sizeof out->name, "%s", m.name);
    snprintf(out->soc, sizeof out->soc, "%s", m.soc);
    snprintf(out->cores, sizeof out->cores, "%s", m.cores);
    snprintf(out->kernel, sizeof out->kernel, "%s", m.kernel);
    snprintf(out->arch, sizeof out->arch, "%s", m.arch);
    for (int i = 0; i < m.n_clusters; i++) take_cluster(out, &out->clusters[i], &m.clusters[i]);
}

void describe_cpus(qw_cpus *out, const struct cpu_mask *allowed, const char *root) {
    struct cpus c;
    cpus_find(&c, allowed, root);
    *out = (qw_cpus){.n_usable = c.n_usable, .n_fast = c.n_fast, .n_threads = c.n_threads,
                     .n_threads_batch = c.n_threads_batch, .n_quota = c.quota};
    mask_print(out->usable, sizeof out->usable, &c.usable);
    mask_print(out->fast, sizeof out->fast, &c.fast);
}

void qw_find_machine(qw_machine *out) {
    struct cpu_mask allowed;
    cpus_allowed(&allowed);
    describe_machine(out, &allowed, "");
}

void qw_find_cpus(qw_cpus *out) {
    struct cpu_mask allowed;
    cpus_allowed(&allowed);
    describe_cpus(out, &allowed, "");
}

int qw_use_cpus(const char *list, qw_error *err) {
    struct cpu_mask m;
    int rc = mask_parse(&m, list, err);
    return rc ? rc : cpus_use(&m, err);
}

int qw_read_file(const char *path, double *bytes_per_second, int *cached, qw_error *err) {
    bool from_memory = false;
    int rc = storage_speed(path, bytes_per_second, &from_memory, err);
    *cached = from_memory;
    return rc;
}
