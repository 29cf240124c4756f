/* topology.c - which CPUs this process may use, and which of them are worth using. */
#include "sys/topology.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sys/cgroup.h"
#include "sys/small_file.h"
#include "sys/threads.h"

/* ---- lists of CPUs ---- */

int mask_count(const struct cpu_mask *m) {
    int n = 0;
    for (int i = 0; i < MAX_CPUS / 64; i++) n += __builtin_popcountll(m->bits[i]);
    return n;
}

/* Only digits, no sign or space; -1 when there are none or the number is MAX_CPUS or more. */
static int read_cpu(const char **s) {
    const char *start = *s;
    int cpu = 0;
    for (; **s >= '0' && **s <= '9'; ++*s)
        if (cpu < MAX_CPUS) cpu = cpu * 10 + (**s - '0');
    return *s > start && cpu < MAX_CPUS ? cpu : -1;
}

int mask_parse(struct cpu_mask *out, const char *list, qw_error *err) {
    *out = (struct cpu_mask){{0}};
    for (const char *s = list;; s++) {
        const char *part = s;
        size_t len = strcspn(part, ",");
        int first = read_cpu(&s), last = first;
        if (*s == '-') {
            s++;
            last = read_cpu(&s);
        }
        if (first < 0 || last < first || (*s && *s != ','))
            return fail(err, QW_EARG,
                        "'%.*s' in '%.100s' is neither a CPU (0 to %d) nor a range, such as 0-3,6",
                        len < 40 ? (int)len : 40, part, list, MAX_CPUS - 1);
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
        int n = snprintf(part, sizeof part, "%s%d", used ? "," : "", i);
        if (last > i) n += snprintf(part + n, sizeof part - (size_t)n, "-%d", last);
        if (used + (size_t)n + sizeof "..." > size) {
            snprintf(out + used, size - used, "...");
            return;
        }
        memcpy(out + used, part, (size_t)n + 1);
        used += (size_t)n;
        i = last;
    }
}

/* ---- files below /sys ---- */

/* A whole number from 1 to 10^9, ended by the text's end or a space; 0 for anything else. */
static uint64_t parse_number(const char *text) {
    uint64_t n = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (uint64_t)(*text - '0');
        if (n > 1000000000) return 0;
    }
    return *text == 0 || *text == ' ' ? n : 0;
}

#define CPU_DIR "/sys/devices/system/cpu"

bool mask_read(struct cpu_mask *out, const char *root, const char *name) {
    char text[4096];
    return small_file_line(text, sizeof text, "%s" CPU_DIR "/%s", root, name) &&
           mask_parse(out, text, NULL) == 0;
}

/* The number in a CPU's file; 0 when there is none. */
static uint64_t read_cpu_number(const char *root, int cpu, const char *file) {
    char text[64];
    if (!small_file_line(text, sizeof text, "%s" CPU_DIR "/cpu%d/%s", root, cpu, file)) return 0;
    return parse_number(text);
}

/* ---- fast cores ---- */

/* Keeps the CPUs whose value is nearer to the highest than to the lowest, as a ratio. So of
 * little, big and prime cores only the little ones drop out, however far ahead the prime one is.
 * If the lowest reaches `same` hundredths of the highest, all count as one kind. False when a
 * value is missing or all are equal. */
static bool choose_fast(struct cpus *c, const char *root, const char *file, uint64_t same) {
    uint64_t value[MAX_CPUS], low = UINT64_MAX, high = 0;
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(&c->usable, i)) continue;
        value[i] = read_cpu_number(root, i, file);
        if (value[i] == 0) return false;
        if (value[i] < low) low = value[i];
        if (value[i] > high) high = value[i];
    }
    if (low * 100 >= high * same) return low != high;
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&c->usable, i) && value[i] * value[i] < low * high) mask_remove(&c->fast, i);
    return true;
}

/* Is CPU i the first of its core's hyperthreads that are among these CPUs? Yes, where nothing is
 * known. */
static bool first_of_core(const struct cpu_mask *among, const char *root, int i) {
    char name[64];
    struct cpu_mask siblings;
    snprintf(name, sizeof name, "cpu%d/topology/thread_siblings_list", i);
    if (!mask_read(&siblings, root, name) || !mask_has(&siblings, i)) return true;
    for (int k = 0; k < i; k++)
        if (mask_has(&siblings, k) && mask_has(among, k)) return false;
    return true;
}

/* A core's hyperthreads share its vector units, which one thread of matrix products saturates,
 * and its path to memory: each core counts once. */
static int count_cores(const struct cpu_mask *among, const char *root) {
    int n = 0;
    for (int i = 0; i < MAX_CPUS; i++) n += mask_has(among, i) && first_of_core(among, root, i);
    return n;
}

/* ---- quotas ---- */

/* The CPUs that a quota per period amounts to, rounded to nearest: a thread that stood still
 * most of the time would slow the others down. */
static int quota_to_cpus(uint64_t quota, uint64_t period) {
    if (quota == 0 || period == 0) return INT32_MAX;
    uint64_t n = (quota + period / 2) / period;     /* at most 10^9 */
    return n < 1 ? 1 : (int)n;
}

/* ctx: int, the least so far */
static void take_group_quota(void *ctx, const char *dir, bool v2) {
    char quota[64], period[64];
    int *least = ctx, n;
    if (v2) {                                       /* "200000 100000", or "max 100000" */
        if (!small_file_line(quota, sizeof quota, "%s/cpu.max", dir)) return;
        const char *space = strchr(quota, ' ');
        n = quota_to_cpus(parse_number(quota), space ? parse_number(space + 1) : 0);
    } else {
        if (!small_file_line(quota, sizeof quota, "%s/cpu.cfs_quota_us", dir)) return;
        if (!small_file_line(period, sizeof period, "%s/cpu.cfs_period_us", dir)) return;
        n = quota_to_cpus(parse_number(quota), parse_number(period));
    }
    if (n < *least) *least = n;
}

/* ---- all of it ---- */

void cpus_allowed(struct cpu_mask *out) {
    *out = (struct cpu_mask){{0}};
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < MAX_CPUS; i++)
            if (CPU_ISSET(i, &set)) mask_add(out, i);
#endif
    if (mask_count(out)) return;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    mask_add(out, 0);
    for (int i = 1; i < n && i < MAX_CPUS; i++) mask_add(out, i);
}

/* The most threads that can run at the same time, apart from quotas. Old phones switch cores off
 * while there is little to do. A process that may use all cores that are on may also use the others
 * once they are back on. Hyperthreads that are off stay off. */
static int count_at_once(const struct cpus *c, const char *root) {
    struct cpu_mask online, present;
    char smt[32];
    bool smt_off = small_file_line(smt, sizeof smt, "%s" CPU_DIR "/smt/control", root) &&
                   strstr(smt, "off");
    if (smt_off) return c->n_usable;
    if (!mask_read(&online, root, "online") || !mask_read(&present, root, "present"))
        return c->n_usable;
    int n = mask_count(&present);
    bool all_others = memcmp(&online, &c->usable, sizeof online) == 0;
    return all_others && n > c->n_usable ? n : c->n_usable;
}

int cpu_now(void) {
#ifdef __linux__
    int cpu = sched_getcpu();
    return cpu < MAX_CPUS ? cpu : -1;
#else
    return -1;
#endif
}

/* A thread for each core, within a quota. */
static int threads_for(const struct cpu_mask *m, int limit, const char *root) {
    int n = count_cores(m, root);
    if (n > limit) n = limit;
    return n < MAX_THREADS ? n : MAX_THREADS;
}

/* An answer waits for memory, which the fast cores keep busy alone; a prompt is arithmetic, and
 * each core does its share. (tests/test_thread_rule.c compares this with a model of time.) */
void cpus_find(struct cpus *out, const struct cpu_mask *allowed, const char *root) {
    int limit = INT32_MAX;
    cgroup_each(root, "cpu", take_group_quota, &limit);
    *out = (struct cpus){.usable = *allowed, .fast = *allowed, .n_usable = mask_count(allowed),
                         .quota = limit < INT32_MAX ? limit : 0};
    /* Capacity, where the kernel knows it, is speed. Clocks say less: a small core's is 0.6 to
     * 0.79 of its big neighbour's, which also does more per cycle; cores of one kind lie within
     * 0.8. Small cores' capacities go up to 0.61 of the big ones' (A53 next to A73). */
    if (!choose_fast(out, root, "cpu_capacity", 65))
        choose_fast(out, root, "cpufreq/cpuinfo_max_freq", 80);
    out->n_fast = mask_count(&out->fast);
    out->n_threads = threads_for(&out->fast, limit, root);
    out->n_threads_batch = threads_for(&out->usable, limit, root);
    out->at_once = count_at_once(out, root);
    if (limit < out->at_once) out->at_once = limit;
}

#ifdef __linux__

int cpus_use(const struct cpu_mask *m, qw_error *err) {
    struct cpu_mask present, got;
    cpu_set_t before, wanted;
    CPU_ZERO(&wanted);
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(m, i)) CPU_SET(i, &wanted);
    if (sched_getaffinity(0, sizeof before, &before))
        return fail(err, QW_EIO, "the system does not report which CPUs there are");
    if (sched_setaffinity(0, sizeof wanted, &wanted) == 0) cpus_allowed(&got);
    else got = (struct cpu_mask){{0}};
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(m, i) || mask_has(&got, i)) continue;
        sched_setaffinity(0, sizeof before, &before);
        char list[128];
        if (!mask_read(&present, "", "present") || mask_has(&present, i))
            return fail(err, QW_EARG, "CPU %d is offline, or this process may not use it", i);
        mask_print(list, sizeof list, &present);
        return fail(err, QW_EARG, "CPU %d does not exist; this machine has %s", i, list);
    }
    return 0;
}

#else

int cpus_use(const struct cpu_mask *m, qw_error *err) {
    (void)m;
    return fail(err, QW_EUNSUPPORTED, "CPUs can be chosen on Linux only");
}

#endif
