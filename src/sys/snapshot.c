/* snapshot.c - what changes while a program runs: heat, clocks, what other programs do. */
#include "sys/snapshot.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "sys/cpufreq.h"
#include "sys/small_file.h"
#include "sys/thermal.h"

#define CPU_DIR "%s/sys/devices/system/cpu/cpu%d/"

/* ---- clocks ---- */

/* Is a, as a share of its maximum, below b? */
static bool is_below(const struct snapshot_clock *a, const struct snapshot_clock *b) {
    return (int64_t)a->mhz * b->max_mhz < (int64_t)b->mhz * a->max_mhz;
}

void snapshot_keep_lowest(struct snapshot_clock *to, const struct snapshot_clock *c) {
    if (c->mhz > 0 && c->max_mhz > 0 && (to->cpu < 0 || is_below(c, to))) *to = *c;
}

/* The slowest of the `count` clocks that are highest, as a share of their maximum. */
static struct snapshot_clock slowest_busy(struct snapshot_clock *clocks, int n, int count) {
    struct snapshot_clock slowest = {.cpu = -1};
    for (; count > 0; count--) {
        int top = -1;
        for (int i = 0; i < n; i++)
            if (clocks[i].cpu >= 0 && (top < 0 || is_below(&clocks[top], &clocks[i]))) top = i;
        if (top < 0) break;
        snapshot_keep_lowest(&slowest, &clocks[top]);
        clocks[top].cpu = -1;
    }
    return slowest;
}

void snapshot_clocks(struct snapshot *s, const struct cpu_mask *cpus, int n_busy,
                     const char *root) {
    struct snapshot_clock clocks[MAX_CPUS];
    int n = 0;
    s->low_mhz = s->high_mhz = 0;
    s->limit = s->slowest = (struct snapshot_clock){.cpu = -1};
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(cpus, i)) continue;
        int max = cpufreq_mhz(root, i, "cpuinfo_max_freq");
        int limit = cpufreq_mhz(root, i, "scaling_max_freq");
        int now = cpufreq_mhz(root, i, "scaling_cur_freq");
        snapshot_keep_lowest(&s->limit, &(struct snapshot_clock){i, limit, max});
        if (now == 0) continue;
        if (s->low_mhz == 0 || now < s->low_mhz) s->low_mhz = now;
        if (now > s->high_mhz) s->high_mhz = now;
        if (n_busy > 0 && max > 0 && cpufreq_full_when_busy(root, i))
            clocks[n++] = (struct snapshot_clock){i, now, max};
    }
    s->slowest = slowest_busy(clocks, n, n_busy);
}

/* ---- other signs of throttling ---- */

enum { UNDER_VOLTAGE = 1 };

/* The flags are hexadecimal. Later kernels have but an alarm for voltage. */
static int read_pi_flags(const char *root) {
    static const char *const dirs[] = {"soc/soc:firmware",
                                       "soc@107c000000/soc@107c000000:firmware"};   /* Pi 5 */
    char text[64], *end;
    uint64_t alarm;
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        if (!small_file_name(text, sizeof text, "%s/sys/devices/platform/%s/get_throttled", root,
                             dirs[i]))
            continue;
        unsigned long flags = strtoul(text, &end, 16);
        if (end > text && *end == 0 && flags <= 0xfffff) return (int)flags;
    }
    for (int i = 0; i < 16; i++)
        if (small_file_name(text, sizeof text, "%s/sys/class/hwmon/hwmon%d/name", root, i) &&
            strcmp(text, "rpi_volt") == 0 &&
            small_file_number(&alarm, "%s/sys/class/hwmon/hwmon%d/in0_lcrit_alarm", root, i) &&
            alarm == 1)
            return UNDER_VOLTAGE;
    return -1;
}

static int64_t read_heat_events(const struct cpu_mask *cpus, const char *root) {
    static const char *const files[] = {"core_throttle_count", "package_throttle_count"};
    int64_t sum = -1;
    uint64_t n;
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(cpus, i)) continue;
        for (int k = 0; k < 2; k++) {
            if (!small_file_number(&n, CPU_DIR "thermal_throttle/%s", root, i, files[k])) continue;
            if (n <= INT32_MAX) sum = (sum < 0 ? 0 : sum) + (int64_t)n;
        }
    }
    return sum;
}

/* ---- time ---- */

/* Up to n numbers, each at most SMALL_FILE_MOST; returns how many there are. */
static int read_numbers(double *out, int n, const char *text) {
    for (int i = 0; i < n; i++) {
        char *end;
        unsigned long long v = strtoull(text, &end, 10);
        if (end == text || v > SMALL_FILE_MOST) return i;
        out[i] = (double)v;
        text = end;
    }
    return n;
}

/* The ticks of some CPUs. */
struct ticks { const struct cpu_mask *cpus; double all, busy, stolen; };

/* "cpu3 user nice system idle iowait irq softirq steal ...". What follows is part of user and nice.
 * Older kernels have fewer numbers. The first line, "cpu", is the sum of all. */
static bool take_cpu_line(void *ctx, char *line) {
    struct ticks *sum = ctx;
    double t[8] = {0};
    char *end;
    if (strncmp(line, "cpu", 3) != 0) return false;
    unsigned long cpu = strtoul(line + 3, &end, 10);
    if (line[3] < '0' || line[3] > '9' || cpu >= MAX_CPUS || !mask_has(sum->cpus, (int)cpu))
        return true;
    if (read_numbers(t, 8, end) < 4) return true;
    sum->busy += t[0] + t[1] + t[2] + t[5] + t[6];
    sum->stolen += t[7];
    sum->all += t[0] + t[1] + t[2] + t[3] + t[4] + t[5] + t[6] + t[7];
    return true;
}

static void read_all_seconds(struct snapshot *s, const struct cpu_mask *cpus, const char *root) {
    struct ticks sum = {.cpus = cpus};
    long ticks = sysconf(_SC_CLK_TCK);
    double tick = 1.0 / (double)(ticks > 0 ? ticks : 100);
    small_file_lines(take_cpu_line, &sum, "%s/proc/stat", root);
    if (sum.all == 0) tick = NAN;
    s->all_seconds = sum.all * tick;
    s->busy_seconds = sum.busy * tick;
    s->stolen_seconds = sum.stolen * tick;
}

static double read_own_seconds(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t)) return NAN;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* "NANOSECONDS_RUN NANOSECONDS_WAITED TIMES"; kernels that do not count say "0 0 0". */
static double read_delay(const char *root) {
    char text[128];
    double t[2];
    if (!small_file_line(text, sizeof text, "%s/proc/self/schedstat", root)) return NAN;
    return read_numbers(t, 2, text) == 2 && t[0] > 0 ? t[1] / 1e9 : NAN;
}

void snapshot_take(struct snapshot *out, const struct cpu_mask *cpus, int n_busy,
                   const char *root) {
    snapshot_clocks(out, cpus, n_busy, root);           /* first: they soon fall */
    read_all_seconds(out, cpus, root);
    out->own_seconds = read_own_seconds();
    out->delayed_seconds = read_delay(root);
    out->pi_flags = read_pi_flags(root);
    out->heat_events = read_heat_events(cpus, root);
    out->temperature = cpu_temperature(root);
}

/* ---- two snapshots ---- */

void add_reason(char *why, size_t size, const char *fmt, ...) {
    size_t used = strlen(why);
    va_list args;
    if (used > 0) used += (size_t)snprintf(why + used, size - used, "; ");
    if (used >= size) return;
    va_start(args, fmt);
    vsnprintf(why + used, size - used, fmt, args);
    va_end(args);
}

struct verdict { enum qw_throttled throttled; char *why; size_t size; };

static void add_yes(struct verdict *v, const char *why) {
    v->throttled = QW_THROTTLED_YES;
    add_reason(v->why, v->size, "%s", why);
}

static void add_no(struct verdict *v) {
    if (v->throttled == QW_THROTTLED_UNKNOWN) v->throttled = QW_THROTTLED_NO;
}

/* Bits 0 to 3 are what is now, 16 to 19 the same since the start: of a bit that was set before the
 * measurement it is not known whether it was set again. */
static void judge_pi(struct verdict *v, int before, int after) {
    static const char *const reasons[] = {"under-voltage", "the firmware capped the clock",
                                          "the firmware throttled the CPU",
                                          "the soft temperature limit was reached"};
    int since = before >= 0 && after >= 0 ? (after & ~before) >> 16 : 0;
    int flags = since | (before >= 0 ? before : 0) | (after >= 0 ? after : 0);
    for (int i = 0; i < 4; i++)
        if (flags >> i & 1) add_yes(v, reasons[i]);
    if (before >= 0 && after >= 0 && before >> 16 == 0) add_no(v);
}

static void judge_heat(struct verdict *v, int64_t before, int64_t after) {
    if (before < 0 || after < 0) return;
    char text[64];
    snprintf(text, sizeof text, "slowed down for heat %" PRId64 " times", after - before);
    if (after > before) add_yes(v, text);
    else add_no(v);
}

/* A limit may be rounded to a clock that exists. It says nothing of other slow-downs, so that there
 * is none does not mean that nothing held the CPU back. */
static bool is_limited(const struct snapshot_clock *c) {
    return c->cpu >= 0 && c->mhz * INT64_C(100) < c->max_mhz * INT64_C(98);
}

static void judge_clocks(struct verdict *v, const struct snapshot *before,
                         const struct snapshot *after) {
    const struct snapshot_clock *limit = is_limited(&after->limit) ? &after->limit : &before->limit;
    const struct snapshot_clock *slow = &after->slowest;
    bool is_slow = slow->cpu >= 0 && slow->mhz * INT64_C(10) < slow->max_mhz * INT64_C(9);
    const struct snapshot_clock *c = is_limited(limit) ? limit : slow;
    char text[64];
    snprintf(text, sizeof text, "CPU %d %s %d of %d MHz", c->cpu,
             c == limit ? "is limited to" : "ran at", c->mhz, c->max_mhz);
    if (c == limit || is_slow) add_yes(v, text);
    else if (slow->cpu >= 0) add_no(v);
}

enum qw_throttled snapshot_throttled(const struct snapshot *before, const struct snapshot *after,
                                  char *why, size_t size) {
    struct verdict v = {QW_THROTTLED_UNKNOWN, why, size};
    why[0] = 0;
    judge_pi(&v, before->pi_flags, after->pi_flags);
    judge_heat(&v, before->heat_events, after->heat_events);
    judge_clocks(&v, before, after);
    return v.throttled;
}

/* Idle time is counted coarsely and may go back a little. NAN stays. */
static double passed(double before, double after) {
    double d = after - before;
    return d < 0 ? 0 : d;
}

/* 0 to 1, or NAN. */
static double share(double part, double all) {
    return part > all ? 1 : part / all;
}

struct others snapshot_others(const struct snapshot *before, const struct snapshot *after) {
    double all = passed(before->all_seconds, after->all_seconds);
    double busy = passed(before->busy_seconds, after->busy_seconds);
    double others = passed(passed(before->own_seconds, after->own_seconds), busy);
    return (struct others){
        .share = share(others, all),
        .stolen = share(passed(before->stolen_seconds, after->stolen_seconds), all),
        .delayed = passed(before->delayed_seconds, after->delayed_seconds),
    };
}
