/* topology.c - which CPUs this process may use, and which of them are worth using. */
#include "sys/topology.h"
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sys/cgroup.h"
#include "sys/threads.h"

/* ---- lists of CPUs ---- */

int mask_count(const struct cpu_mask *m) {
    int n = 0;
    for (int i = 0; i < MAX_CPUS / 64; i++) n += __builtin_popcountll(m->bits[i]);
    return n;
}

/* Digits alone, no sign or space; -1 when there are none or the number is MAX_CPUS or more. */
static int read_cpu(const char **s) {
    int cpu = -1;
    for (; **s >= '0' && **s <= '9'; ++*s) cpu = cpu < 0 ? **s - '0' : cpu < MAX_CPUS ? cpu * 10 + (**s - '0') : cpu;
    return cpu < MAX_CPUS ? cpu : -1;
}

int mask_parse(struct cpu_mask *out, const char *list, qw_error *err) {
    *out = (struct cpu_mask){{0}};
    for (const char *s = list;; s++) {
        const char *part = s;
        int len = (int)(strcspn(part, ",") < 40 ? strcspn(part, ",") : 40), first = read_cpu(&s), last = first;
        if (*s == '-') { s++; last = read_cpu(&s); }
        if (first < 0 || last < first || (*s && *s != ','))
            return fail(err, QW_EARG, "'%.*s' in '%.100s' is neither a CPU (0 to %d) nor a range of them, such as 0-3,6", len, part, list, MAX_CPUS - 1);
        for (int i = first; i <= last; i++) mask_add(out, i);
        if (!*s) return 0;
    }
}

void mask_print(char *out, size_t size, const struct cpu_mask *m) {
    size_t used = 0;
    out[0] = 0;
    for (int i = 0; i < MAX_CPUS; i++) {
        char part[16];
        int last = i;
        if (!mask_has(m, i)) continue;
        while (last + 1 < MAX_CPUS && mask_has(m, last + 1)) last++;
        int n = last > i ? snprintf(part, sizeof part, "%s%d-%d", used ? "," : "", i, last) : snprintf(part, sizeof part, "%s%d", used ? "," : "", i);
        if (used + (size_t)n + sizeof "..." > size) { snprintf(out + used, size - used, "..."); return; }
        memcpy(out + used, part, (size_t)n + 1);
        used += (size_t)n;
        i = last;
    }
}

/* ---- small files ---- */

/* The text of a file, without the newline at its end; false when it cannot be read. What is longer than size is cut. */
static bool small_file(char *text, size_t size, const char *fmt, ...) QW_PRINTF(3, 4);
static bool small_file(char *text, size_t size, const char *fmt, ...) {
    char path[1024];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(path, sizeof path, fmt, ap);
    va_end(ap);
    FILE *f = len > 0 && len < (int)sizeof path ? fopen(path, "re") : NULL;
    if (!f) return false;
    size_t n = fread(text, 1, size - 1, f);
    fclose(f);
    text[n] = 0;
    text[strcspn(text, "\n")] = 0;
    return true;
}

/* A whole number from 1 to 10^9; 0 for anything else. */
static uint64_t number(const char *text) {
    uint64_t n = 0;
    for (; *text >= '0' && *text <= '9'; text++) if ((n = n * 10 + (uint64_t)(*text - '0')) > 1000000000) return 0;
    return *text == 0 || *text == ' ' ? n : 0;
}

#define CPU_DIR "/sys/devices/system/cpu"

static bool mask_file(struct cpu_mask *out, const char *root, const char *name) {
    char text[4096];
    return small_file(text, sizeof text, "%s" CPU_DIR "/%s", root, name) && mask_parse(out, text, NULL) == 0;
}

/* ---- fast cores ---- */

/* CPUs whose value is nearer to the highest than to the lowest, as a ratio. So of little, big and prime cores the little ones alone
 * drop out, however far the prime one is ahead. When the lowest reaches `same` hundredths of the highest they count as one kind.
 * False when a value is missing. */
static bool choose_fast(struct cpus *c, const char *root, const char *file, uint64_t same) {
    uint64_t value[MAX_CPUS], low = UINT64_MAX, high = 0;
    for (int i = 0; i < MAX_CPUS; i++) {
        char text[64];
        if (!mask_has(&c->usable, i)) continue;
        value[i] = small_file(text, sizeof text, "%s" CPU_DIR "/cpu%d/%s", root, i, file) ? number(text) : 0;
        if (value[i] == 0) return false;
        if (value[i] < low) low = value[i];
        if (value[i] > high) high = value[i];
    }
    if (low * 100 >= high * same) return low != high;
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&c->usable, i) && value[i] * value[i] < low * high) c->fast.bits[i / 64] &= ~(UINT64_C(1) << i % 64);
    return true;
}

/* A core's hyperthreads share its vector units, which one thread of matrix products fills, and its way to memory: each core counts once. */
static int count_cores(const struct cpus *c, const char *root) {
    int n = 0;
    for (int i = 0; i < MAX_CPUS; i++) {
        char name[64];
        struct cpu_mask siblings;
        bool first = true;
        if (!mask_has(&c->fast, i)) continue;
        snprintf(name, sizeof name, "cpu%d/topology/thread_siblings_list", i);
        if (mask_file(&siblings, root, name) && mask_has(&siblings, i))
            for (int k = 0; k < i; k++) if (mask_has(&siblings, k) && mask_has(&c->fast, k)) first = false;
        n += first;
    }
    return n;
}

/* ---- quotas ---- */

/* CPUs that a quota per period amounts to, rounded to nearest: a thread that would stand still most of the time slows the others down. */
static int quota_cpus(uint64_t quota, uint64_t period) {
    if (quota == 0 || period == 0) return INT32_MAX;
    uint64_t n = (quota + period / 2) / period;
    return n < 1 ? 1 : n < INT32_MAX ? (int)n : INT32_MAX;
}

/* ctx: int, the least so far */
static void quota_of_group(void *ctx, const char *dir, bool v2) {
    char text[64], period[64];
    int *least = ctx, n;
    if (v2) {
        if (!small_file(text, sizeof text, "%s/cpu.max", dir)) return;                  /* "200000 100000", or "max 100000" */
        const char *second = strchr(text, ' ');
        n = quota_cpus(number(text), second ? number(second + 1) : 0);
    } else {
        if (!small_file(text, sizeof text, "%s/cpu.cfs_quota_us", dir) || !small_file(period, sizeof period, "%s/cpu.cfs_period_us", dir)) return;
        n = quota_cpus(number(text), number(period));
    }
    if (n < *least) *least = n;
}

/* ---- all of it ---- */

void cpus_allowed(struct cpu_mask *out) {
    *out = (struct cpu_mask){{0}};
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < MAX_CPUS; i++) if (CPU_ISSET(i, &set)) mask_add(out, i);
#endif
    if (mask_count(out)) return;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 0; i < (n < 1 ? 1 : n > MAX_CPUS ? MAX_CPUS : (int)n); i++) mask_add(out, i);
}

void cpus_find(struct cpus *out, const struct cpu_mask *allowed, const char *root) {
    struct cpu_mask online, present;
    char smt[32];
    int limit = INT32_MAX;
    cgroup_each(root, "cpu", quota_of_group, &limit);
    *out = (struct cpus){.usable = *allowed, .fast = *allowed, .n_usable = mask_count(allowed)};
    /* Capacity, where the kernel knows it, is speed. Clocks say less: a small core's is 0.6 to 0.79 of its big neighbour's, which does more
     * in a cycle; cores of one kind lie within 0.8. Small cores' capacities go up to 0.61 (A53 beside A73). */
    if (!choose_fast(out, root, "cpu_capacity", 65)) choose_fast(out, root, "cpufreq/cpuinfo_max_freq", 80);
    out->n_fast = mask_count(&out->fast);
    out->n_threads = count_cores(out, root);
    out->at_once = out->n_usable;
    /* Old phones switch cores off while there is little to do. A process that may use all others may use those as well, once they are back.
     * Hyperthreads that are off stay off. */
    bool off = small_file(smt, sizeof smt, "%s" CPU_DIR "/smt/control", root) && strstr(smt, "off");
    bool known = mask_file(&online, root, "online") && mask_file(&present, root, "present");
    if (!off && known && memcmp(&online, allowed, sizeof online) == 0 && mask_count(&present) > out->at_once) out->at_once = mask_count(&present);
    if (limit < out->n_threads) out->n_threads = limit;
    if (limit < out->at_once) out->at_once = limit;
    if (out->n_threads > MAX_THREADS) out->n_threads = MAX_THREADS;
}

#ifdef __linux__

int cpus_use(const struct cpu_mask *m, qw_error *err) {
    struct cpu_mask present, got;
    cpu_set_t before, wanted;
    CPU_ZERO(&wanted);
    for (int i = 0; i < MAX_CPUS; i++) if (mask_has(m, i)) CPU_SET(i, &wanted);
    if (sched_getaffinity(0, sizeof before, &before)) return fail(err, QW_EIO, "the system does not tell which CPUs there are");
    if (sched_setaffinity(0, sizeof wanted, &wanted) == 0) cpus_allowed(&got);
    else got = (struct cpu_mask){{0}};
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(m, i) || mask_has(&got, i)) continue;
        sched_setaffinity(0, sizeof before, &before);
        char list[128];
        if (!mask_file(&present, "", "present") || mask_has(&present, i)) return fail(err, QW_EARG, "CPU %d is offline, or this process may not use it", i);
        mask_print(list, sizeof list, &present);
        return fail(err, QW_EARG, "CPU %d does not exist; this machine has %s", i, list);
    }
    return 0;
}

#else

int cpus_use(const struct cpu_mask *m, qw_error *err) {
    (void)m;
    return fail(err, QW_EUNSUPPORTED, "choosing CPUs is possible on Linux alone");
}

#endif
