/* clusters.c - the CPUs of this machine by kind of core: clocks, capacity, names. */
#include "sys/clusters.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sys/arm_cores.h"
#include "sys/cpufreq.h"
#include "sys/small_file.h"

#define CPU_DIR "%s/sys/devices/system/cpu/cpu%d/"

/* What tells one kind of core from another; 0: unknown. */
struct kind {
    uint32_t core;              /* core_id, or one of the following two */
    int capacity, min_mhz, max_mhz;
    bool shares_clock;          /* with other CPUs */
};

enum { P_CORE = 1 << 24, E_CORE };      /* hybrid x86: above every core_id */

/* ---- one CPU ---- */

static int read_capacity(const char *root, int cpu) {
    uint64_t n;
    return small_file_number(&n, CPU_DIR "cpu_capacity", root, cpu) && n <= 1000000 ? (int)n : 0;
}

/* From MIDR: 0x00000000410fd034 is implementer 0x41, part 0xd03. */
static uint32_t read_core(const char *root, int cpu) {
    char text[64];
    if (!small_file_line(text, sizeof text, CPU_DIR "regs/identification/midr_el1", root, cpu))
        return 0;
    unsigned long long midr = strtoull(text, NULL, 16);
    return core_id((uint32_t)(midr >> 24), (uint32_t)(midr >> 4));
}

static void read_kind(struct kind *out, const struct cpuinfo *info, const char *root, int cpu) {
    *out = (struct kind){
        .core = read_core(root, cpu), .capacity = read_capacity(root, cpu),
        .min_mhz = cpufreq_mhz(root, cpu, "cpuinfo_min_freq"),
        .max_mhz = cpufreq_mhz(root, cpu, "cpuinfo_max_freq"),
    };
    if (!out->core) out->core = info->core[cpu];
}

/* ---- all CPUs ---- */

static void take_if_unknown(struct kind *to, const struct kind *from) {
    if (!to->core) to->core = from->core;
    if (!to->capacity) to->capacity = from->capacity;
    if (!to->max_mhz) {
        to->min_mhz = from->min_mhz;
        to->max_mhz = from->max_mhz;
    }
}

/* CPUs that share a clock are of one kind. Those that are offline have no clocks of their own, on
 * old kernels nothing at all. */
static void spread_kinds(struct kind *kinds, const struct cpu_mask *all, const char *root) {
    struct cpu_mask related;
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(all, i) || !cpufreq_related(&related, root, i)) continue;
        for (int k = 0; k < MAX_CPUS; k++) {
            if (k == i || !mask_has(&related, k)) continue;
            kinds[i].shares_clock = kinds[k].shares_clock = true;
            take_if_unknown(&kinds[k], &kinds[i]);
        }
    }
}

static void mark_hybrid(struct kind *kinds, const char *root, const char *name, uint32_t core) {
    char text[4096];
    struct cpu_mask m;
    if (!small_file_line(text, sizeof text, "%s/sys/devices/%s/cpus", root, name)) return;
    if (mask_parse(&m, text, NULL)) return;
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&m, i)) kinds[i].core = core;
}

/* ---- clusters ---- */

/* Unknown agrees with everything. Where each core has a clock of its own, some are favoured. */
static bool agree(int a, int b, bool own_clocks) {
    if (a == 0 || b == 0 || a == b) return true;
    return own_clocks && (a < b ? a : b) * INT64_C(100) >= (a > b ? a : b) * INT64_C(80);
}

static bool is_known(const struct kind *k) {
    return k->core || k->capacity || k->max_mhz;
}

static bool same_kind(const struct kind *a, const struct kind *b) {
    if (is_known(a) != is_known(b)) return false;
    bool own_clocks = !a->shares_clock && !b->shares_clock;
    return (a->core == b->core || !a->core || !b->core) &&
           agree(a->capacity, b->capacity, own_clocks) && agree(a->max_mhz, b->max_mhz, own_clocks);
}

static void keep_highest(int *to, int value) {
    if (value > *to) *to = value;
}

static void add_cpu(struct cluster *c, const struct kind *kind, int cpu) {
    mask_add(&c->cpus, cpu);
    c->n_cpus++;
    keep_highest(&c->capacity, kind->capacity);
    keep_highest(&c->max_mhz, kind->max_mhz);
    if (kind->min_mhz && (!c->min_mhz || kind->min_mhz < c->min_mhz)) c->min_mhz = kind->min_mhz;
}

/* What changes from one moment to the next. */
static void add_online(struct cluster *c, const struct cpuinfo *info, const char *root, int cpu) {
    int now = cpufreq_mhz(root, cpu, "scaling_cur_freq");
    c->n_online++;
    keep_highest(&c->now_mhz, now ? now : info->mhz[cpu]);
    keep_highest(&c->limit_mhz, cpufreq_mhz(root, cpu, "scaling_max_freq"));
    if (!c->governor[0])
        small_file_name(c->governor, sizeof c->governor, CPU_DIR "cpufreq/scaling_governor", root,
                        cpu);
}

static void name_core(char *out, size_t size, uint32_t core) {
    const char *name = arm_core_name(core >> 16, core & 0xfff);
    if (core == P_CORE) name = "P-core";
    if (core == E_CORE) name = "E-core";
    if (name) snprintf(out, size, "%s", name);
    else if (core) snprintf(out, size, "0x%02x:0x%03x", core >> 16, core & 0xfff);
}

/* The cluster of a CPU of this kind, a new one included; each has what is known of its kind. */
static int find_cluster(struct kind *of, int n, const struct kind *kind) {
    int k = 0;
    while (k < n && !same_kind(&of[k], kind)) k++;
    if (k == MAX_CLUSTERS) return k - 1;
    if (k == n) of[k] = *kind;
    take_if_unknown(&of[k], kind);
    return k;
}

/* Where there is one core for all, it is that of one kind, and which is not known. */
static void name_cores(struct cluster *out, const struct kind *of, int n, bool one_for_all) {
    int n_known = 0;
    for (int k = 0; k < n; k++) n_known += is_known(&of[k]);
    for (int k = 0; k < n; k++)
        if (!one_for_all || n_known < 2) name_core(out[k].core, sizeof out[k].core, of[k].core);
}

static void find_cpus(struct cpu_mask *all, struct cpu_mask *online,
                      const struct cpu_mask *allowed, const char *root) {
    if (!mask_read(all, root, "present")) *all = (struct cpu_mask){{0}};
    if (!mask_read(online, root, "online")) *online = *allowed;
    for (int i = 0; i < MAX_CPUS / 64; i++) {
        online->bits[i] |= allowed->bits[i];
        all->bits[i] |= online->bits[i];
    }
}

int clusters_find(struct cluster out[MAX_CLUSTERS], const struct cpu_mask *allowed,
                  const struct cpuinfo *info, const char *root) {
    struct kind kinds[MAX_CPUS] = {{0}}, of[MAX_CLUSTERS];
    struct cpu_mask all, online;
    int n = 0;
    find_cpus(&all, &online, allowed, root);
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&all, i)) read_kind(&kinds[i], info, root, i);
    mark_hybrid(kinds, root, "cpu_core", P_CORE);
    mark_hybrid(kinds, root, "cpu_atom", E_CORE);
    spread_kinds(kinds, &all, root);
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(&all, i)) continue;
        int k = find_cluster(of, n, &kinds[i]);
        if (k == n) out[n++] = (struct cluster){.n_cpus = 0};
        add_cpu(&out[k], &kinds[i], i);
        if (mask_has(&online, i)) add_online(&out[k], info, root, i);
    }
    name_cores(out, of, n, info->one_for_all);
    return n;
}
