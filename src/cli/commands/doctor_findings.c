/* doctor_findings.c - what holds a machine back, from what is known of it: a function of struct
 * doctor alone. */
#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/commands/doctor.h"

#define GB 1e9

static void add(struct doctor *d, const char *what, const char *remedy, const char *fmt, ...)
    CLI_PRINTF(4, 5);
static void add(struct doctor *d, const char *what, const char *remedy, const char *fmt, ...) {
    struct finding *f = &d->findings[d->n_findings];
    va_list args;
    if (d->n_findings == MOST_FINDINGS) return;
    d->n_findings++;
    f->what = what;
    snprintf(f->remedy, sizeof f->remedy, "%s", remedy);
    va_start(args, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, args);
    va_end(args);
}

/* ---- the program and its kernels ---- */

/* "Cortex-A53" and such: A3x, A5x, A6x, A7xx. */
static bool is_64_bit_core(const char *core) {
    static const char cortex[] = "Cortex-A";
    const size_t n = sizeof cortex - 1;
    return strncmp(core, cortex, n) == 0 && core[n] && strchr("3567", core[n]) &&
           isdigit((unsigned char)core[n + 1]) && strcmp(core + n, "32") != 0;
}

/* Those that multiply int8 with one instruction: from Armv8.2 on, nearly all. */
static bool has_dotprod(const char *core) {
    static const char *const without[] = {"32", "34", "35", "53", "57", "72", "73"};
    if (strncmp(core, "Cortex-X", 8) == 0 || strncmp(core, "Neoverse", 8) == 0) return true;
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (strcmp(core + strlen("Cortex-A"), without[i]) == 0) return false;
    return is_64_bit_core(core);
}

static void judge_program(struct doctor *d) {
    const qw_machine *m = &d->machine;
    const char *core = m->clusters[0].core, *best = d->levels;
    const bool is_64_bit = strcmp(m->arch, "aarch64") == 0 || strcmp(m->arch, "x86_64") == 0;
    if (strncmp(best, d->level, strlen(d->level)) != 0)
        add(d, "level", "leave out --cpu, and unset QW_CPU",
            "The kernels are %s; those of %.*s are faster.", d->level,
            (int)strcspn(best, " "), best);
    if (d->is_32_bit && is_64_bit)
        add(d, "32-bit", "take qw for aarch64, or a 64-bit system",
            "This is a 32-bit program under a 64-bit kernel (%s).", m->arch);
    else if (d->is_32_bit && is_64_bit_core(core))
        add(d, "32-bit", "install a 64-bit system, if there is one",
            "The system has 32 bits, the cores (%s) have 64.", core);
    else if (strstr(d->lacks, "dotprod") && has_dotprod(core))
        add(d, "dotprod", "a newer kernel: Linux 4.15, Android 10",
            "The cores (%s) should have int8 products (dotprod), but the kernel, %s, does not "
            "offer them.", core, m->kernel);
    else if (strcmp(best, "scalar") == 0)
        add(d, "scalar", "nothing: this is as fast as plain C gets",
            "There are no vector kernels for this CPU.");
}

/* ---- clocks ---- */

/* x86 has a powersave that is none. */
static bool is_slow_governor(const qw_machine *m, const qw_cluster *c) {
    return strcmp(c->governor, "powersave") == 0 && strcmp(m->arch, "x86_64") != 0;
}

static void judge_clocks(struct doctor *d) {
    const qw_machine *m = &d->machine;
    const char *throttled = d->watched.throttled_by;
    bool limited = false;
    for (int i = 0; i < m->n_clusters; i++) {
        const qw_cluster *c = &m->clusters[i];
        if (is_slow_governor(m, c))
            add(d, "governor",
                "echo performance | sudo tee "
                "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor",
                "CPUs %s: the governor %s keeps the clock down.", c->cpus, c->governor);
        if (c->limit_mhz == 0 || c->limit_mhz * INT64_C(100) >= c->max_mhz * INT64_C(98)) continue;
        limited = true;
        add(d, "limit", "let it cool down, or raise scaling_max_freq",
            "CPUs %s may run at %d of %d MHz.", c->cpus, c->limit_mhz, c->max_mhz);
    }
    if (limited && strstr(throttled, "is limited to") && !strchr(throttled, ';')) return;
    if (throttled[0])
        add(d, "throttled", "a heat sink, a fan, a stronger power supply",
            "While it was measured: %s.", throttled);
}

/* ---- CPUs that cannot be used ---- */

/* Those in use may be a cluster, or all. */
static bool is_repeated(const struct doctor *d, int group) {
    for (int i = 0; i < group; i++)
        if (strcmp(d->groups[i].cpus, d->groups[group].cpus) == 0) return true;
    return false;
}

static void judge_pinning(struct doctor *d) {
    for (int i = 0; i < d->n_groups; i++) {
        const struct cpu_group *g = &d->groups[i];
        if (is_repeated(d, i)) continue;
        if (g->failed[0] && !d->chosen)
            add(d, "pinning", "", "CPUs %s could not be measured: %s.", g->cpus, g->failed);
        if (g->rates.strayed)
            add(d, "pinning", "",
                "Threads that were put on CPUs %s ran elsewhere: the system decides (Android, "
                "containers).", g->cpus);
    }
}

static void judge_cpus(struct doctor *d) {
    const qw_machine *m = &d->machine;
    const qw_cpus *c = &d->cpus;
    if (m->n_online < m->n_cpus)
        add(d, "offline", "echo 1 | sudo tee /sys/devices/system/cpu/cpu*/online",
            "%d of %d CPUs are offline.", m->n_cpus - m->n_online, m->n_cpus);
    if (c->n_usable < m->n_online && !d->chosen)
        add(d, "affinity", "on Android: keep the app in the foreground; else see taskset -p",
            "This process may use %d of %d CPUs (%.80s).", c->n_usable, m->n_online, c->usable);
    if (c->n_quota > 0 && c->n_quota < c->n_usable)
        add(d, "quota", "raise it (of a container: --cpus)",
            "A control group's quota amounts to %d of %d CPUs.", c->n_quota, c->n_usable);
    judge_pinning(d);
    if (d->watched.disturbed_by[0])
        add(d, "load", "run this again while nothing else runs", "While it was measured: %s.",
            d->watched.disturbed_by);
}

/* ---- memory, storage ---- */

int fitting_positions(const qw_forecast *f, uint64_t free_memory) {
    enum { FEWEST = 512 };
    const uint64_t fixed = f->weight_bytes + f->scratch_bytes;
    if (free_memory == 0) return f->n_ctx_max;
    if (free_memory < fixed || f->position_bytes == 0) return 0;
    const uint64_t n = (free_memory - fixed) / f->position_bytes;
    if (n < FEWEST) return 0;
    return n < (uint64_t)f->n_ctx_max ? (int)n : f->n_ctx_max;
}

static void judge_memory(struct doctor *d) {
    const qw_machine *m = &d->machine;
    const uint64_t swapped = m->swap - m->swap_free;
    int n_fit = 0;
    for (int i = 0; i < d->n_outlooks; i++) n_fit += d->outlooks[i].n_ctx > 0;
    if (m->memory_limit)
        add(d, "memory limit", "raise it (of a container: --memory)",
            "A control group allows %.2f of %.2f GB of memory.", (double)m->memory_limit / GB,
            (double)m->memory / GB);
    if (n_fit < d->n_outlooks)
        add(d, "memory", "close other programs; a q4 file (qw quantize) takes the least",
            "%.2f GB of memory are free: %d of these %d models fit.", (double)m->memory_free / GB,
            n_fit, d->n_outlooks);
    if (m->swap && swapped * 4 > m->swap)
        add(d, "swap", "close other programs: a model that is swapped out is slow",
            "%.2f of %.2f GB of swap are in use.", (double)swapped / GB, (double)m->swap / GB);
}

static void judge_storage(struct doctor *d) {
    const double slow = 100e6, seconds = (double)d->file_bytes / d->file_speed;
    if (!d->file || d->file_cached || !(d->file_speed < slow) || seconds < 2) return;
    add(d, "storage", "keep it on faster storage; pack it once (qw quantize)",
        "The model's file is read at %.0f MB/s: it takes %.0f s to load.", d->file_speed / 1e6,
        seconds);
}

/* ---- what bounds an answer ---- */

double share_of_read(const struct doctor *d, const struct outlook *o) {
    const double read = d->n_groups > 0 ? d->groups[d->n_groups - 1].rates.read_per_second : 0;
    const double bytes = (double)o->f.weight_bytes + 64.0 * (double)o->f.position_bytes;
    return read > 0 ? bytes * o->f.answer_per_second / read : 0;
}

static void judge_answers(struct doctor *d) {
    const struct outlook *o = &d->outlooks[0];
    const double share = d->n_outlooks > 0 ? share_of_read(d, o) : 0;
    char remedy[128];
    if (share <= 0) return;
    if (share >= 0.7) {
        add(d, "memory speed", "fewer bytes: q4 instead of q8, or a smaller model",
            "Answers (%s %s) wait for the memory: they take %.0f %% of what it gives.", o->shape,
            o->type, share < 1 ? share * 100 : 100);
        return;
    }
    snprintf(remedy, sizeof remedy, "%s", "a smaller model, or a faster CPU");
    if (d->n_threads < d->cpus.n_usable)
        snprintf(remedy, sizeof remedy, "try more threads: qw bench -t %d,%d", d->n_threads,
                 d->cpus.n_usable);
    add(d, "arithmetic", remedy,
        "Answers (%s %s) wait for the arithmetic: they take %.0f %% of what the memory gives.",
        o->shape, o->type, share * 100);
}

void find_reasons(struct doctor *d) {
    d->n_findings = 0;
    judge_program(d);
    judge_clocks(d);
    judge_cpus(d);
    judge_memory(d);
    judge_storage(d);
    judge_answers(d);
}
