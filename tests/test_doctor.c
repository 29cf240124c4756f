/* test_doctor.c - what qw doctor foretells of made-up machines whose speed is known, what it says
 * of made-up trees of /proc and /sys, and what it measures on this one. */
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include "fake_tree.h"
#include "cli/commands/doctor.h"
#include "engine/forecast.h"
#include "engine/machine_api.h"
#include "engine/shape_model.h"
#include "sys/storage.h"
#include "test.h"

static bool within(double a, double b, double share) { return fabs(a - b) <= share * fabs(b); }

/* ---- the arithmetic ---- */

/* A machine that computes layers in time that it invents. */
struct fake_machine {
    const struct config *c;
    enum packed_type type;
    double read;                /* bytes per second */
    double single, batch;       /* multiply-adds per second with one token, with 64 */
    double per_position;        /* seconds of attention for each position before a token */
    double fixed;               /* of a layer: starting threads */
    double spent, longest;      /* seconds, in all and in one call */
    int stop_at, calls;
};

static double weights_of(uint64_t bytes, enum packed_type type) {
    return (double)bytes * 8 / (type == PACKED_Q4 ? 4.5625 : 8.3125);
}

static double fake_time(const struct fake_machine *f, uint64_t bytes, int n) {
    const double reading = (double)bytes / f->read, work = weights_of(bytes, f->type) * n;
    const double rate = n == 1 ? f->single : f->single + (f->batch - f->single) * (n - 1) / 63;
    return work / rate > reading ? work / rate : reading;
}

/* A layer whose n tokens begin at pos. */
static double fake_layer(const struct fake_machine *f, int n, int pos) {
    const double positions = n * (pos + (n + 1) / 2.0);
    return fake_time(f, shape_layer_bytes(f->c, f->type), n) + positions * f->per_position +
           f->fixed;
}

static double fake_head(const struct fake_machine *f) {
    struct config head = *f->c;
    head.n_layer = 0;
    return fake_time(f, shape_bytes(&head, f->type), 1);
}

static double time_fake(void *ctx, int n, int pos, double seconds, double *head) {
    struct fake_machine *f = ctx;
    const double took = fake_layer(f, n, pos);
    double spent = took > seconds ? took : seconds;
    if (++f->calls == f->stop_at) return -1;
    if (head) {
        *head = fake_head(f);
        spent += *head / 10;            /* a part of it, once */
    }
    f->spent += spent;
    if (spent > f->longest) f->longest = spent;
    return took;
}

/* Token by token and batch by batch, as qw bench does it. */
static double answer_of(const struct fake_machine *f) {
    double seconds = 0;
    for (int i = 0; i < FORECAST_ANSWER; i++)
        seconds += f->c->n_layer * fake_layer(f, 1, i) + fake_head(f);
    return FORECAST_ANSWER / seconds;
}

static double prompt_of(const struct fake_machine *f) {
    double seconds = fake_head(f);
    for (int at = 0; at < FORECAST_PROMPT; at += FORECAST_BATCH)
        seconds += f->c->n_layer * fake_layer(f, FORECAST_BATCH, at);
    return FORECAST_PROMPT / seconds;
}

static void test_arithmetic(void) {
    static const struct { const char *name; double read, single, batch, attention, fixed, near; }
    machines[] = {
        {"fast", 100e9, 400e9, 2000e9, 1e-8, 5e-6, 0.01},
        {"Pi 5", 12e9, 60e9, 150e9, 1e-7, 1e-5, 0.01},
        {"Pi 4", 4e9, 20e9, 40e9, 3e-7, 2e-5, 0.01},
        {"Zero 2 W", 1.5e9, 8e9, 16e9, 1e-6, 3e-5, 0.01},
        {"bound by attention", 20e9, 100e9, 300e9, 2e-6, 0, 0.01},
        /* too slow for a whole batch: what a smaller one takes */
        {"plain C", 10e9, 0.5e9, 0.5e9, 1e-6, 0, 0.02},
        {"Pi 1", 0.3e9, 0.04e9, 0.04e9, 1e-5, 0, 0.06},
    };
    static const char *const shapes[] = {"0.6b", "1.7b", "4b"};
    for (size_t i = 0; i < 3 * 2 * sizeof machines / sizeof *machines; i++) {
        const size_t k = i / 6;
        struct config c;
        struct part_times times;
        CHECK(shape_config(&c, shapes[i % 3], NULL) == 0, "%s", shapes[i % 3]);
        struct fake_machine f = {.c = &c, .type = i % 6 < 3 ? PACKED_Q8 : PACKED_Q4,
                                 .read = machines[k].read, .single = machines[k].single,
                                 .batch = machines[k].batch, .fixed = machines[k].fixed,
                                 .per_position = machines[k].attention};
        CHECK(forecast_measure(&times, time_fake, &f), "%s: stopped", machines[k].name);
        const double answer = forecast_answer(&c, &times), prompt = forecast_prompt(&c, &times);
        CHECK(within(answer, answer_of(&f), machines[k].near), "%s, %s: %g, not %g a second",
              machines[k].name, shapes[i % 3], answer, answer_of(&f));
        CHECK(within(prompt, prompt_of(&f), machines[k].near), "%s, %s: prompt %g, not %g a second",
              machines[k].name, shapes[i % 3], prompt, prompt_of(&f));
        const double layer = fake_layer(&f, 1, 64);
        CHECK(f.longest < 0.75 + 1.2 * layer + fake_head(&f) / 10, "%s: a step of %g s",
              machines[k].name, f.longest);
        CHECK(f.spent < 1.8 + 1.2 * layer + fake_head(&f) / 10, "%s: %g s in all",
              machines[k].name, f.spent);
    }
}

/* Whichever step is stopped. */
static void test_stopped(void) {
    struct config c;
    struct part_times times;
    CHECK(shape_config(&c, "0.6b", NULL) == 0, "0.6b");
    for (int i = 1; i <= 4; i++) {
        struct fake_machine f = {.c = &c, .type = PACKED_Q4, .read = 1e10, .single = 1e11,
                                 .batch = 1e11, .stop_at = i};
        CHECK(!forecast_measure(&times, time_fake, &f), "stopped at %d, and went on", i);
        CHECK(f.calls == i, "%d calls after a stop at %d", f.calls, i);
    }
}

static void test_room(void) {
    const qw_forecast f = {.weight_bytes = 300000000, .scratch_bytes = 10000000,
                           .position_bytes = 60000, .n_ctx_max = 40960};
    static const struct { uint64_t free_memory; int want; } cases[] = {
        {0, 40960}, {1, 0}, {299999999, 0}, {310000000, 0}, {340659999, 0}, {340720000, 512},
        {370000000, 1000}, {UINT64_C(4000000000), 40960}, {UINT64_MAX, 40960},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int n = fitting_positions(&f, cases[i].free_memory);
        CHECK(n == cases[i].want, "case %zu: %d, not %d", i, n, cases[i].want);
    }
}

/* ---- what is said of made-up machines ---- */

#define CPU "sys/devices/system/cpu/"

static struct doctor d;

/* The tree as a process sees it that may run on these CPUs, under a kernel of this architecture,
 * with speeds that suit the memory. */
static void visit(const char *allowed, const char *arch, const char *levels, const char *lacks) {
    const struct cpu_mask cpus = mask(allowed);
    d = (struct doctor){.n_groups = 0};
    describe_machine(&d.machine, &cpus, root);
    describe_cpus(&d.cpus, &cpus, root);
    snprintf(d.machine.arch, sizeof d.machine.arch, "%s", arch);
    snprintf(d.levels, sizeof d.levels, "%s", levels);
    snprintf(d.lacks, sizeof d.lacks, "%s", lacks);
    snprintf(d.level, sizeof d.level, "%.*s", (int)strcspn(levels, " "), levels);
    d.watched.celsius_before = d.watched.celsius_after = d.watched.others = NAN;
    d.n_threads = d.n_threads_batch = d.cpus.n_threads;
    const bool several = d.machine.n_clusters > 1;
    for (int i = 0; i < d.machine.n_clusters + several; i++) {
        struct cpu_group *g = &d.groups[d.n_groups++];
        g->cluster = i < d.machine.n_clusters ? i : -1;
        g->rates = (qw_rates){.n_threads = d.n_threads, .read_per_second = 8e9,
                              .int8_per_second = 5e10};
        snprintf(g->cpus, sizeof g->cpus, "%.120s",
                 g->cluster < 0 ? d.cpus.usable : d.machine.clusters[i].cpus);
    }
    for (int i = 0; i < 2; i++) {
        struct outlook *o = &d.outlooks[d.n_outlooks++];
        *o = (struct outlook){.shape = "0.6b", .type = i ? "q8" : "q4",
                              .f = {.weight_bytes = i ? 619000000 : 340000000,
                                    .scratch_bytes = 5000000, .position_bytes = 59000,
                                    .n_ctx_max = 40960, .prompt_per_second = 100,
                                    .answer_per_second = i ? 10 : 20}};
        o->n_ctx = fitting_positions(&o->f, d.machine.memory_free);
    }
}

/* The findings are of these kinds, in this order. */
static void expect(const char *what, const char *want) {
    char found[512] = "";
    find_reasons(&d);
    for (int i = 0; i < d.n_findings; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? ", " : "",
                 d.findings[i].what);
    CHECK(strcmp(found, want) == 0, "%s: '%s' instead of '%s'", what, found, want);
}

/* The finding's text has this in it. */
static void says(const char *kind, const char *text) {
    const char *found = "no such finding";
    for (int i = 0; i < d.n_findings; i++)
        if (strcmp(d.findings[i].what, kind) == 0) found = d.findings[i].text;
    CHECK(strstr(found, text), "%s: '%s' is not in '%s'", kind, text, found);
}

/* What a print function writes, in out[size]. */
static void printed(int (*print)(const struct doctor *d), char *out, size_t size) {
    fflush(stdout);
    char path[128];
    snprintf(path, sizeof path, "%s/printed", root);
    int before = dup(STDOUT_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (before < 0 || fd < 0 || dup2(fd, STDOUT_FILENO) < 0) tree_fail(path);
    const int rc = print(&d);
    dup2(before, STDOUT_FILENO);
    close(before);
    ssize_t n = pread(fd, out, size - 1, 0);
    out[n > 0 ? n : 0] = 0;
    close(fd);
    CHECK(rc == 0, "exit code %d", rc);
}

/* Both forms can be printed; text is printable and at most 80 columns wide. */
static void check_prints(const char *what) {
    char text[16384];
    printed(print_doctor_json, text, sizeof text);
    CHECK(text[0] == '{' && strstr(text, "\"holds_back\": ["), "%s: %.200s", what, text);
    printed(print_doctor_text, text, sizeof text);
    for (const char *line = text; *line;) {
        const size_t n = strcspn(line, "\n");
        CHECK(n <= 80, "%s: %zu columns: %.*s", what, n, (int)n, line);
        for (size_t i = 0; i < n; i++)
            CHECK(line[i] >= ' ' && line[i] < 127, "%s: byte %d", what, line[i]);
        line += n + (line[n] == '\n');
    }
    for (int i = 0; i < d.n_findings; i++)
        CHECK(d.findings[i].text[0] && d.findings[i].remedy[0], "%s: %s says nothing", what,
              d.findings[i].what);
}

static void put_memory(int total_mb, int free_mb, int swap_mb, int swap_free_mb) {
    char text[256];
    snprintf(text, sizeof text, "MemTotal: %d kB\nMemAvailable: %d kB\nSwapTotal: %d kB\n"
             "SwapFree: %d kB\n", total_mb * 1000, free_mb * 1000, swap_mb * 1000,
             swap_free_mb * 1000);
    put("proc/meminfo", text);
}

/* "0-3:0xd03 4-5:0xd08": ARM's cores. */
static void put_cores(const char *cores) {
    char list[32], part[16], text[8192] = "";
    int n;
    for (; sscanf(cores, " %31[^:]:%15s%n", list, part, &n) == 2; cores += n) {
        const struct cpu_mask m = mask(list);
        for (int i = 0; i < 16; i++)
            if (mask_has(&m, i))
                snprintf(text + strlen(text), sizeof text - strlen(text),
                         "processor : %d\nCPU implementer : 0x41\nCPU part : %s\n", i, part);
    }
    put("proc/cpuinfo", text);
}

/* Clusters in their normal state. */
static void put_board(const char *present, const char *cores, const char *max_khz) {
    clear();
    put(CPU "present", present);
    put(CPU "online", present);
    put_cores(cores);
    put_cpus("cpufreq/cpuinfo_max_freq", max_khz);
    put_cpus("cpufreq/scaling_max_freq", max_khz);
    put("proc/sys/kernel/osrelease", "6.1.0-rpi");
    put_memory(4000, 3500, 0, 0);
}

static void test_boards(void) {
    put_board("0-3", "0-3:0xd08", "0-3:1500000");
    visit("0-3", "aarch64", "neon scalar", "i8mm dotprod");
    expect("Pi 4", "memory speed");
    says("memory speed", "0.6b q4");
    check_prints("Pi 4");

    put_board("0-7", "0-3:0xd05 4-7:0xd0b", "0-3:1800000 4-7:2400000");
    put_cpus("cpu_capacity", "0-3:530 4-7:1024");
    put_cpus("cpufreq/scaling_governor", "0-7:schedutil");
    visit("0-7", "aarch64", "dotprod neon scalar", "i8mm");
    CHECK(d.machine.n_clusters == 2 && d.n_groups == 3, "%d clusters", d.machine.n_clusters);
    expect("RK3588", "memory speed");
    check_prints("RK3588");

    /* three clusters; the little one is powersave, the prime one hot */
    put_board("0-7", "0-3:0xd46 4-6:0xd47 7:0xd48", "0-3:1800000 4-6:2500000 7:3000000");
    put_cpus("cpu_capacity", "0-3:300 4-6:800 7:1024");
    put_cpus("cpufreq/scaling_governor", "0-3:powersave 4-7:walt");
    put_cpus("cpufreq/scaling_max_freq", "7:1800000");
    put(CPU "online", "0-5,7");
    visit("0-5,7", "aarch64", "i8mm dotprod neon scalar", "");
    expect("three clusters", "governor, limit, offline, memory speed");
    says("governor", "CPUs 0-3: the governor powersave");
    says("offline", "1 of 8");
    check_prints("three clusters");

    /* an old phone */
    clear();
    put(CPU "present", "0-3");
    put(CPU "online", "0");
    put("proc/cpuinfo", "Processor : ARMv7 Processor rev 1 (v7l)\nprocessor : 0\n"
        "CPU implementer : 0x51\nCPU part : 0x06f\nHardware : Qualcomm MSM8974\n");
    put_memory(1900, 700, 500, 300);
    visit("0", "armv7l", "neon scalar", "");
    d.is_32_bit = true;
    expect("Krait", "offline, swap, memory speed");
    check_prints("Krait");
}

static void test_programs(void) {
    put_board("0-3", "0-3:0xd03", "0-3:1400000");
    visit("0-3", "aarch64", "neon scalar", "");
    d.is_32_bit = true;
    expect("32 bits of 64", "32-bit, memory speed");
    says("32-bit", "64-bit kernel");
    put_board("0-3", "0-3:0xd03", "0-3:1400000");
    visit("0-3", "armv7l", "neon scalar", "");
    d.is_32_bit = true;
    expect("a 32-bit system", "32-bit, memory speed");
    says("32-bit", "Cortex-A53");
    put_board("0-3", "0-3:0xc07", "0-3:900000");
    visit("0-3", "armv7l", "neon scalar", "");
    d.is_32_bit = true;
    expect("Pi 2", "memory speed");

    put_board("0-3", "0-3:0xd0b", "0-3:2400000");
    visit("0-3", "aarch64", "neon scalar", "i8mm dotprod");
    expect("an old kernel", "dotprod, memory speed");
    says("dotprod", "Cortex-A76");
    visit("0-3", "aarch64", "dotprod neon scalar", "i8mm");
    strcpy(d.level, "neon");
    expect("another level", "level, memory speed");
    says("level", "neon; those of dotprod");

    clear();
    put_memory(500, 300, 0, 0);
    visit("0", "armv6l", "scalar", "neon");
    d.is_32_bit = true;
    expect("Pi 1", "scalar, memory, memory speed");
    says("memory", "0.31 GB of memory are free: 0 of these 2");
    check_prints("Pi 1");
}

static void test_limits(void) {
    put_board("0-3", "0-3:0xd08", "0-3:1500000");
    put("proc/self/cgroup", "0::/box\n");
    put("sys/fs/cgroup/box/cpu.max", "150000 100000\n");
    put("sys/fs/cgroup/box/memory.max", "1000000000\n");
    put("sys/fs/cgroup/box/memory.current", "100000000\n");
    visit("0-3", "aarch64", "neon scalar", "");
    expect("v2", "quota, memory limit, memory speed");
    says("quota", "2 of 4");
    says("memory limit", "1.00 of 4.10 GB");
    check_prints("v2");

    put_board("0-3", "0-3:0xd08", "0-3:1500000");
    put("proc/self/cgroup", "4:cpu,cpuacct:/box\n3:memory:/box\n");
    put("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "100000\n");
    put("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "400000000\n");
    put("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "1000000\n");
    visit("0-1", "aarch64", "neon scalar", "");
    expect("v1", "affinity, quota, memory limit, memory, memory speed");
    says("affinity", "2 of 4 CPUs (0-1)");
    says("quota", "1 of 2");
    d.chosen = true;
    expect("CPUs that were chosen", "quota, memory limit, memory, memory speed");
    check_prints("v1");
}

/* As Android's apps find it: hardly anything can be read. */
static void test_nothing_known(void) {
    clear();
    visit("0-7", "aarch64", "neon scalar", "");
    expect("nothing", "memory speed");
    CHECK(d.outlooks[0].n_ctx == 40960, "context %d", d.outlooks[0].n_ctx);
    check_prints("nothing");
    d.groups[0].rates.read_per_second = 0;
    expect("not even the memory", "");
    d.groups[0].rates.strayed = 1;
    strcpy(d.watched.throttled_by, "CPU 7 ran at 600 of 2400 MHz");
    strcpy(d.watched.disturbed_by, "other programs took 34 % of the CPUs");
    expect("what was seen", "throttled, pinning, load");
    says("load", "34 %");
    strcpy(d.groups[0].failed, "CPU 7 is offline, or this process may not use it");
    expect("not measured", "throttled, pinning, pinning, load");
}

static void test_storage_and_speed(void) {
    put_board("0-3", "0-3:0xd08", "0-3:1500000");
    visit("0-3", "aarch64", "neon scalar", "");
    d.file = "a\033[31mred\n";
    d.file_bytes = 400000000;
    d.file_speed = 20e6;
    expect("a slow card", "storage, memory speed");
    says("storage", "20 MB/s: it takes 20 s");
    d.file_cached = 1;
    expect("in memory", "memory speed");
    d.outlooks[0].f.answer_per_second = 2;
    expect("slow cores", "arithmetic");
    says("arithmetic", "9 % of");
    d.n_threads = 1;
    find_reasons(&d);
    CHECK(strstr(d.findings[0].remedy, "-t 1,4"), "'%s'", d.findings[0].remedy);
}

/* More than there is room for. */
static void test_many(void) {
    put_board("0-3", "0-3:0xd08", "0-3:1500000");
    visit("0-3", "aarch64", "neon scalar", "");
    d.machine.n_clusters = 16;
    for (int i = 0; i < 16; i++) {
        d.machine.clusters[i] = d.machine.clusters[0];
        d.machine.clusters[i].limit_mhz = 100;
        strcpy(d.machine.clusters[i].governor, "powersave");
    }
    find_reasons(&d);
    CHECK(d.n_findings == MOST_FINDINGS, "%d findings", d.n_findings);
}

/* ---- this machine ---- */

/* The bytes of a shape are those that it takes. */
static void test_bytes(void) {
    static const char *const types[] = {"q8", "q4", "bf16"};
    static const enum packed_type packed[] = {PACKED_Q8, PACKED_Q4, NOT_PACKED};
    struct config c;
    CHECK(shape_config(&c, "micro", NULL) == 0, "micro");
    for (int i = 0; i < 3; i++) {
        const qw_load_params p = {.weight_type = types[i], .n_threads = 1};
        qw_model *m;
        qw_error err;
        CHECK(qw_load_shape(&m, "micro", NULL, &p, &err) == 0, "%s", err.message);
        const unsigned long long want = shape_bytes(&c, packed[i]);
        CHECK(m && qw_info(m)->weight_bytes == want, "%s: not %llu bytes", types[i], want);
        qw_free(m);
    }
}

static void test_shape(void) {
    const qw_load_params p = {.weight_type = "q4"};
    qw_forecast f;
    qw_error err;
    CHECK(qw_forecast_shape(&f, "0.6b/1", &p, &err) == 0, "%s", err.message);
    CHECK(f.prompt_per_second > 0 && f.answer_per_second > 0, "%g, %g", f.prompt_per_second,
          f.answer_per_second);
    CHECK(isfinite(f.prompt_per_second + f.answer_per_second), "not finite");
    CHECK(f.position_bytes == 2 * 8 * (128 + 4), "a position takes %llu",
          (unsigned long long)f.position_bytes);
    CHECK(f.n_ctx_max == 40960, "%d positions", f.n_ctx_max);
}

static int stop_at_once(void *user, uint64_t done, uint64_t all) {
    return user == NULL && done == 0 && all == 0;
}

static void test_stop(void) {
    const qw_load_params p = {.progress = stop_at_once};
    qw_forecast f;
    qw_error err;
    CHECK(qw_forecast_shape(&f, "0.6b/1", &p, &err) == QW_ECANCEL, "it was not stopped");
    CHECK(f.answer_per_second == 0, "%g", f.answer_per_second);
}

/* Threads stay where they are put, and the caller gets its CPUs back. */
static void test_probe(void) {
    struct cpu_mask before, after;
    char list[16];
    qw_rates r;
    qw_error err;
    cpus_allowed(&before);
    int cpu = 0;
    while (!mask_has(&before, cpu)) cpu++;
    snprintf(list, sizeof list, "%d,1023", cpu);
    CHECK(qw_probe(&r, list, NULL, &err) == 0, "%s", err.message);
    CHECK(r.n_threads == 1 && !r.strayed, "%d threads, strayed %d", r.n_threads, r.strayed);
    CHECK(r.int8_per_second > 0 && r.read_per_second >= 0, "%g, %g", r.int8_per_second,
          r.read_per_second);
    cpus_allowed(&after);
    CHECK(memcmp(&before, &after, sizeof before) == 0, "the CPUs are others now");
}

static void test_storage(void) {
    char path[128];
    double speed;
    bool cached;
    qw_error err;
    clear();
    snprintf(path, sizeof path, "%s/file", root);
    CHECK(storage_speed(path, &speed, &cached, &err) == QW_EIO, "a file that is not there");
    CHECK(strstr(err.message, path), "%s", err.message);
    put("file", "");
    CHECK(storage_speed(path, &speed, &cached, &err) == QW_EIO, "an empty file");
    put("file", "abc");
    CHECK(storage_speed(path, &speed, &cached, &err) == 0, "%s", err.message);
    CHECK(speed > 0 && isfinite(speed), "%g", speed);
    CHECK(storage_speed(root, &speed, &cached, &err) == QW_EIO, "a folder");
}

int main(void) {
    tree_begin();
    RUN("doctor: what it foretells of machines whose speed is known", test_arithmetic);
    RUN("doctor: a measurement can be stopped", test_stopped);
    RUN("doctor: the context that fits", test_room);
    RUN("doctor: boards and phones", test_boards);
    RUN("doctor: programs and kernels that are not the fastest", test_programs);
    RUN("doctor: control groups, too few CPUs, too little memory", test_limits);
    RUN("doctor: a machine that tells nothing", test_nothing_known);
    RUN("doctor: slow storage, slow cores", test_storage_and_speed);
    RUN("doctor: more to say than there is room for", test_many);
    RUN("doctor: bytes of shapes", test_bytes);
    RUN("doctor: a small shape, measured", test_shape);
    RUN("doctor: a small shape, stopped", test_stop);
    RUN("doctor: threads are measured where they are put", test_probe);
    RUN("doctor: files are read", test_storage);
    tree_end();
    TEST_END();
}
