/* test_snapshot.c - temperature, throttling, and what other programs do during a measurement: on
 * made-up machines and on this one. */
#include <math.h>
#include <string.h>
#include <time.h>
#include "fake_tree.h"
#include "sys/snapshot.h"
#include "sys/thermal.h"
#include "test.h"

static struct snapshot take(const char *list, int n_busy) {
    struct snapshot s;
    struct cpu_mask m = mask(list);
    snapshot_take(&s, &m, n_busy, root);
    return s;
}

/* NAN is near NAN. */
static bool near(double a, double b) {
    return isnan(b) ? isnan(a) : fabs(a - b) < 1e-9;
}

/* ---- temperature ---- */

/* "0=cpu-thermal:45123 1=battery:30000": thermal zones; "hwmon0=k10temp:1:52000": chips. */
static void put_sensors(const char *zones, const char *chips) {
    char type[64], path[128];
    int zone, value, n, input;
    for (; zones && sscanf(zones, " %d=%63[^:]:%d%n", &zone, type, &value, &n) == 3; zones += n) {
        snprintf(path, sizeof path, "sys/class/thermal/thermal_zone%d/type", zone);
        put(path, type);
        snprintf(path, sizeof path, "sys/class/thermal/thermal_zone%d/temp", zone);
        put_number(path, value);
    }
    for (; chips && sscanf(chips, " %d=%63[^:]:%d:%d%n", &zone, type, &input, &value, &n) == 4;
         chips += n) {
        snprintf(path, sizeof path, "sys/class/hwmon/hwmon%d/name", zone);
        put(path, type);
        snprintf(path, sizeof path, "sys/class/hwmon/hwmon%d/temp%d_input", zone, input);
        put_number(path, value);
    }
}

static void test_temperature(void) {
    static const struct { const char *name, *zones, *chips; double want; } cases[] = {
        {"nothing", NULL, NULL, NAN},
        {"Pi", "0=cpu-thermal:48200", NULL, 48.2},
        {"RK3588", "0=soc-thermal:40000 1=bigcore0-thermal:43461 2=littlecore-thermal:41000 "
                   "4=gpu-thermal:60000", NULL, 43.461},
        {"laptop", "0=acpitz:95000 1=x86_pkg_temp:61000 2=iwlwifi_1:70000", "0=coretemp:1:64000",
         61},
        {"AMD", "0=acpitz:16800", "0=nvme:1:70000 1=k10temp:1:52125 1=k10temp:3:49000", 52.125},
        {"coretemp with gaps", NULL, "3=coretemp:1:40000 3=coretemp:26:45000", 45},
        {"Exynos", "0=BIG:51000 1=LITTLE:44000 2=G3D:60000", NULL, 51},
        {"only others", "0=acpitz:27800 1=battery:31000", "0=nvme:1:70000", 31},
        {"old phone: degrees", "0=tsens_tz_sensor0:41 5=tsens_tz_sensor5:44", NULL, 44},
        {"a battery's charge is no temperature", "0=soc:97 1=cpu-0-0-usr:39000", NULL, 39},
        {"alone, neither", "0=soc:97", NULL, NAN},
        {"broken sensors", "0=cpu0:-40000 1=cpu1:0 2=cpu2:999 3=cpu3:2147483647 4=cpu4:150001 "
                           "255=cpu5:150000", NULL, 150},
        {"one broken", "0=cpu0:45000 1=cpu1:0", NULL, 45},
        {"all broken: others", "0=cpu0:-40000 1=pmic:35000", NULL, 35},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clear();
        put_sensors(cases[i].zones, cases[i].chips);
        double t = cpu_temperature(root);
        CHECK(near(t, cases[i].want), "%s: %g instead of %g", cases[i].name, t, cases[i].want);
    }
}

/* ---- throttling ---- */

static const char *word(enum qw_throttled t) {
    static const char *const words[] = {"unknown", "no", "yes"};
    return words[t];
}

static void check(const char *what, const struct snapshot *before, const struct snapshot *after,
                  enum qw_throttled want, const char *want_why) {
    char why[256];
    enum qw_throttled t = snapshot_throttled(before, after, why, sizeof why);
    CHECK(t == want, "%s: %s instead of %s: %s", what, word(t), word(want), why);
    CHECK(strcmp(why, want_why) == 0, "%s: '%s' instead of '%s'", what, why, want_why);
}

#define PI4 "sys/devices/platform/soc/soc:firmware/get_throttled"
#define PI5 "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"

static void test_pi(void) {
    static const struct {
        const char *before, *after;
        enum qw_throttled want;
        const char *why;
    } cases[] = {
        {"0\n", "0\n", QW_THROTTLED_NO, ""},
        {"0\n", "50005\n", QW_THROTTLED_YES, "under-voltage; the firmware throttled the CPU"},
        {"0\n", "20002\n", QW_THROTTLED_YES, "the firmware capped the clock"},
        {"0\n", "80000\n", QW_THROTTLED_YES, "the soft temperature limit was reached"},
        {"50000\n", "50000\n", QW_THROTTLED_UNKNOWN, ""},      /* before, and maybe again */
        {"50000\n", "d0008\n", QW_THROTTLED_YES, "the soft temperature limit was reached"},
        {"80008\n", "80000\n", QW_THROTTLED_YES, "the soft temperature limit was reached"},
        {"0\n", "", QW_THROTTLED_UNKNOWN, ""},
        {"throttled\n", "0\n", QW_THROTTLED_UNKNOWN, ""},
        {"0\n", "ffffffffffff\n", QW_THROTTLED_UNKNOWN, ""},
        {"-1\n", "100000\n", QW_THROTTLED_UNKNOWN, ""},
        {"x\n", "1\n", QW_THROTTLED_YES, "under-voltage"},
        {"0\n", "5 5\n", QW_THROTTLED_UNKNOWN, ""},
        {"0\n", "1000000\n", QW_THROTTLED_UNKNOWN, ""},
    };
    static const char *const paths[] = {PI4, PI5};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        clear();
        put(paths[i % 2], cases[i / 2].before);
        struct snapshot before = take("0-3", 4);
        put(paths[i % 2], cases[i / 2].after);
        struct snapshot after = take("0-3", 4);
        check(cases[i / 2].after, &before, &after, cases[i / 2].want, cases[i / 2].why);
    }
    clear();                            /* a kernel that has an alarm only */
    put("sys/class/hwmon/hwmon0/name", "cpu_thermal\n");
    put("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
    put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n");
    struct snapshot before = take("0-3", 4);
    check("no alarm", &before, &before, QW_THROTTLED_UNKNOWN, "");
    put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
    struct snapshot after = take("0-3", 4);
    check("alarm", &before, &after, QW_THROTTLED_YES, "under-voltage");
}

static void put_clocks(const char *now, const char *limit, const char *max) {
    put_cpus("cpufreq/scaling_cur_freq", now);
    put_cpus("cpufreq/scaling_max_freq", limit);
    put_cpus("cpufreq/cpuinfo_max_freq", max);
}

static void test_clocks(void) {
    static const struct {
        const char *name, *now, *limit, *max;
        int n_busy;
        enum qw_throttled want;
        const char *why;
    } cases[] = {
        {"at full speed", "0-3:1800000", "0-3:1800000", "0-3:1800000", 4, QW_THROTTLED_NO, ""},
        {"a little below", "0-3:1700000", "0-3:1800000", "0-3:1800000", 4, QW_THROTTLED_NO, ""},
        {"limited", "0-3:1200000", "0-3:1200000", "0-3:1800000", 4, QW_THROTTLED_YES,
         "CPU 0 is limited to 1200 of 1800 MHz"},
        {"a limit that is rounded", "0-3:1800000", "0-3:1790000", "0-3:1800000", 4, QW_THROTTLED_NO,
         ""},
        {"limited, and idle", "0-3:600000", "0-2:1800000 3:1500000", "0-3:1800000", 0,
         QW_THROTTLED_YES, "CPU 3 is limited to 1500 of 1800 MHz"},
        {"slow", "0-3:1500000", "0-3:1800000", "0-3:1800000", 4, QW_THROTTLED_YES,
         "CPU 0 ran at 1500 of 1800 MHz"},
        {"slow, and idle", "0-3:600000", "0-3:1800000", "0-3:1800000", 0, QW_THROTTLED_UNKNOWN, ""},
        {"two busy cores, two idle ones", "0-1:2265000 2-3:300000", NULL, "0-3:2457000", 2,
         QW_THROTTLED_NO, ""},
        {"three busy cores, two idle ones", "0-1:2265000 2-3:300000", NULL, "0-3:2457000", 3,
         QW_THROTTLED_YES, "CPU 2 ran at 300 of 2457 MHz"},
        {"more busy threads than cores", "0-3:1800000", NULL, "0-3:1800000", 99,
         QW_THROTTLED_NO, ""},
        {"big.LITTLE, big cores slow", "0-1:1416000 2-3:1000000", NULL, "0-1:1416000 2-3:1800000",
         4, QW_THROTTLED_YES, "CPU 2 ran at 1000 of 1800 MHz"},
        {"big.LITTLE, big cores idle", "0-1:1416000 2-3:1500000", NULL, "0-1:1416000 2-3:2400000",
         2, QW_THROTTLED_NO, ""},
        {"one maximum unknown", "0-1:1000000", NULL, "1:1800000", 1, QW_THROTTLED_YES,
         "CPU 1 ran at 1000 of 1800 MHz"},
        {"maximum unknown", "0-3:1500000", "0-3:1800000", NULL, 4, QW_THROTTLED_UNKNOWN, ""},
        {"clock unknown", NULL, "0-3:1800000", "0-3:1800000", 4, QW_THROTTLED_UNKNOWN, ""},
        {"not numbers", "0-3:fast", "0-3:-1", "0-3:99999999999999999999", 4,
         QW_THROTTLED_UNKNOWN, ""},
        {"huge", "0-3:1000000000", "0-3:1000000001", "0-3:1000000000", 4, QW_THROTTLED_NO, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clear();
        put_clocks(cases[i].now, cases[i].limit, cases[i].max);
        struct snapshot s = take("0-3", cases[i].n_busy);
        check(cases[i].name, &s, &s, cases[i].want, cases[i].why);
    }
    clear();
    put_clocks("0-1:600000 2:1200000 3:1800000", "0-3:1200000", "0-3:1800000");
    struct snapshot before = take("0-3", 0);
    CHECK(before.low_mhz == 600 && before.high_mhz == 1800, "%d to %d MHz", before.low_mhz,
          before.high_mhz);
    put_clocks("0-3:1800000", "0-3:1800000", "0-3:1800000");
    struct snapshot after = take("2-3", 2);
    check("limited before only", &before, &after, QW_THROTTLED_YES,
          "CPU 0 is limited to 1200 of 1800 MHz");
    check("after only", &after, &before, QW_THROTTLED_YES, "CPU 0 is limited to 1200 of 1800 MHz");
}

/* A clock below the maximum is no sign where it need not be reached. */
static void test_drivers(void) {
    static const struct { const char *file, *value; enum qw_throttled want; } cases[] = {
        {"driver", "0-3:cpufreq-dt", QW_THROTTLED_YES},
        {"driver", "0-3:intel_pstate", QW_THROTTLED_UNKNOWN},
        {"driver", "0-3:acpi-cpufreq", QW_THROTTLED_UNKNOWN},
        {"driver", "0-3:amd-pstate-epp", QW_THROTTLED_UNKNOWN},
        {"governor", "0-3:schedutil", QW_THROTTLED_YES},
        {"governor", "0-3:ondemand", QW_THROTTLED_YES},
        {"governor", "0-3:powersave", QW_THROTTLED_UNKNOWN},
        {"governor", "0-3:userspace", QW_THROTTLED_UNKNOWN},
    };
    char file[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clear();
        put_clocks("0-3:1000000", "0-3:2000000", "0-3:2000000");
        snprintf(file, sizeof file, "cpufreq/scaling_%s", cases[i].file);
        put_cpus(file, cases[i].value);
        struct snapshot s = take("0-3", 4);
        check(cases[i].value, &s, &s, cases[i].want,
              cases[i].want == QW_THROTTLED_YES ? "CPU 0 ran at 1000 of 2000 MHz" : "");
    }
}

static void test_heat_events(void) {
    clear();
    put_cpus("thermal_throttle/core_throttle_count", "0-3:5");
    put_cpus("thermal_throttle/package_throttle_count", "0-3:7");
    struct snapshot before = take("0-3", 4);
    check("an x86 laptop at rest", &before, &before, QW_THROTTLED_NO, "");
    put_cpus("thermal_throttle/core_throttle_count", "2:9");
    put_cpus("thermal_throttle/package_throttle_count", "2:8");
    struct snapshot after = take("0-3", 4);
    check("an x86 laptop that is hot", &before, &after, QW_THROTTLED_YES,
          "slowed down for heat 5 times");
    struct snapshot other = take("0-1", 2);
    CHECK(other.heat_events == 24, "only of CPUs that are in use: %d", (int)other.heat_events);
    clear();
    struct snapshot none = take("0-3", 4);
    check("no counters after", &before, &none, QW_THROTTLED_UNKNOWN, "");
    check("nothing known", &none, &none, QW_THROTTLED_UNKNOWN, "");
    put_cpus("thermal_throttle/core_throttle_count", "0-3:3000000000");
    struct snapshot huge = take("0-3", 4);
    check("a huge count", &huge, &huge, QW_THROTTLED_UNKNOWN, "");
}

/* Reasons that do not fit are cut off. */
static void test_reasons(void) {
    char why[64];
    clear();
    put_clocks("0-3:600000", "0-3:600000", "0-3:1800000");
    put(PI4, "f000f\n");
    struct snapshot s = take("0-3", 4);
    check("all at once", &s, &s, QW_THROTTLED_YES,
          "under-voltage; the firmware capped the clock; the firmware throttled the CPU; "
          "the soft temperature limit was reached; CPU 0 is limited to 600 of 1800 MHz");
    for (size_t size = 1; size <= sizeof why; size++) {
        memset(why, 'x', sizeof why);
        snapshot_throttled(&s, &s, why, size);
        CHECK(strlen(why) == size - 1, "%zu of %zu bytes", strlen(why), size);
    }
}

/* ---- other programs ---- */

/* Ticks of user, nice, system, idle, iowait, irq, softirq and steal of CPUs 0 and 1, and of this
 * process; it looks at CPUs of the list. */
static struct snapshot take_times(const char *list, const char *cpu0, const char *cpu1,
                                  double own) {
    char text[512];
    snprintf(text, sizeof text, "cpu  9 9 9 9 9 9 9 9\ncpu0 %s\ncpu1 %s\nintr 5\n", cpu0, cpu1);
    put("proc/stat", text);
    struct snapshot s = take(list, 1);
    s.own_seconds = own / (double)sysconf(_SC_CLK_TCK);
    return s;
}

static void check_others(const char *what, const struct snapshot *before,
                         const struct snapshot *after, double share, double stolen) {
    struct others o = snapshot_others(before, after);
    CHECK(near(o.share, share) && near(o.stolen, stolen), "%s: %g of all, %g stolen", what,
          o.share, o.stolen);
}

static void test_others(void) {
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    static const char zero[] = "0 0 0 0 0 0 0 0";
    clear();
    /* 350 of 1000 ticks busy in all, of which 320 are its own and 18 stolen */
    struct snapshot before = take_times("0-1", "1000 100 200 5000 50 10 20 5 7 8", zero, 310);
    struct snapshot after = take_times("0-1", "1300 110 220 5140 60 11 21 23 99 99",
                                       "0 0 0 500 0 0 0 0", 630);
    check_others("of two CPUs", &before, &after, 0.012, 0.018);
    check_others("nothing has passed", &before, &before, NAN, NAN);
    check_others("backwards", &after, &before, NAN, NAN);
    before = take_times("0", "100 0 0 1000 0 0 0 0", zero, 0);
    after = take_times("0", "150 0 0 1050 0 0 0 0", "9000 0 0 0 0 0 0 0", 40);
    check_others("of one CPU", &before, &after, 0.1, 0);
    before = take_times("0", "1000 0 0 5000 0 0 0 0", zero, 0);
    after = take_times("0", "1010 0 0 4995 0 0 0 0", zero, 0);
    check_others("idle time went back", &before, &after, 1, 0);
    after = take_times("0", "900 0 0 5100 0 0 0 0", zero, 0);
    check_others("a CPU was switched off and on", &before, &after, NAN, NAN);

    struct snapshot shorter = take_times("0", "1300 110 220 5640", zero, 630);  /* Linux 2.4 */
    CHECK(near(shorter.busy_seconds, 1630 * tick) && near(shorter.all_seconds, 7270 * tick),
          "four numbers: %g of %g s", shorter.busy_seconds, shorter.all_seconds);
    struct snapshot other = take_times("2-3", "1300 110 220 5640", zero, 630);
    CHECK(isnan(other.all_seconds) && isnan(other.busy_seconds), "CPUs that have no line");

    clear();                                            /* Android: no /proc/stat for apps */
    put("proc/self/schedstat", "5000000000 250000000 900\n");
    before = take("0", 1);
    put("proc/self/schedstat", "9000000000 1500000000 1200\n");
    after = take("0", 1);
    check_others("Android", &before, &after, NAN, NAN);
    struct others o = snapshot_others(&before, &after);
    CHECK(near(o.delayed, 1.25), "Android: %g s late", o.delayed);
    put("proc/self/schedstat", "0 0 0\n");
    after = take("0", 1);
    CHECK(isnan(snapshot_others(&before, &after).delayed), "a kernel that does not count");
}

/* ---- hostile contents ---- */

static void check_sane(const char *what) {
    struct snapshot s = take("0-3", 4);
    char why[256];
    enum qw_throttled t = snapshot_throttled(&s, &s, why, sizeof why);
    struct others o = snapshot_others(&s, &s);
    CHECK((t == QW_THROTTLED_YES) == (why[0] != 0), "%s: %s '%s'", what, word(t), why);
    CHECK(s.low_mhz >= 0 && s.high_mhz >= s.low_mhz && s.heat_events >= -1 && s.pi_flags >= -1,
          "%s: %d to %d MHz, %d, %d", what, s.low_mhz, s.high_mhz, (int)s.heat_events, s.pi_flags);
    CHECK(isnan(o.share), "%s: %g", what, o.share);
    CHECK(isnan(s.all_seconds) || (s.all_seconds >= 0 && s.all_seconds < 1e17), "%s: %g s", what,
          s.all_seconds);
}

static void test_hostile(void) {
    static const char *const files[] = {
        "proc/stat", "proc/self/schedstat", PI4, PI5,
        "sys/class/hwmon/hwmon0/name", "sys/class/hwmon/hwmon0/in0_lcrit_alarm",
        "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count",
    };
    static const char *const texts[] = {
        "", "\n", "99999999999999999999999999", "-1\n", "18446744073709551615\n", "cpu ",
        "cpu  1 2", "cpu  1 2 3 99999999999999999999999\n", "cpu  -1 -1 -1 -1 -1\n",
        "cpu0 1 2 3 x\n", "cpu99999999999999999999 1 2 3 4\n", "1\n",
        "cpu\ncpu0\ncpu0 1\n", "cpu-1 5 5 5 5\n", "%s%n\n", "1 2\n",
        "rpi_volt\n",
        "cpu0 1000000000000000000 1000000000000000000 1000000000000000000 1000000000000000000\n",
    };
    enum { N_FILES = sizeof files / sizeof *files };
    static char longest[100000];
    char full[512];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        clear();
        for (int k = 0; k < N_FILES; k++) put(files[k], texts[i]);
        check_sane(texts[i]);
    }
    for (int c = 0; c < 256; c += 15) {
        memset(longest, c, sizeof longest);
        clear();
        for (int k = 0; k < N_FILES; k++) put_bytes(files[k], longest, sizeof longest);
        check_sane("a long line");
    }
    clear();                            /* folders in place of files */
    for (int k = 0; k < N_FILES; k++) {
        tree_path(full, files[k]);
        if (mkdir(full, 0700)) tree_fail(full);
    }
    check_sane("folders");
    struct snapshot s = take("0-1023", 1024);
    CHECK(isnan(s.temperature) && s.pi_flags == -1 && s.heat_events == -1 && s.limit.cpu == -1 &&
              s.slowest.cpu == -1 && isnan(s.all_seconds),
          "something known from folders");
}

/* ---- this machine ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_here(void) {
    struct snapshot before, after;
    struct cpu_mask allowed;
    char why[256];
    cpus_allowed(&allowed);
    snapshot_take(&before, &allowed, 0, "");
    double end = now() + 0.3;
    volatile unsigned spin = 0;
    while (now() < end) spin++;
    snapshot_take(&after, &allowed, 1, "");
    struct others o = snapshot_others(&before, &after);
    enum qw_throttled t = snapshot_throttled(&before, &after, why, sizeof why);
    CHECK(after.own_seconds > before.own_seconds, "no time passed: %g s", after.own_seconds);
    CHECK(isnan(o.share) || (o.share >= 0 && o.share <= 1), "others had %g", o.share);
    CHECK((t == QW_THROTTLED_YES) == (why[0] != 0), "%s '%s'", word(t), why);
}

int main(void) {
    tree_begin();
    RUN("snapshot: temperature", test_temperature);
    RUN("snapshot: Raspberry Pi's flags", test_pi);
    RUN("snapshot: clocks and their limits", test_clocks);
    RUN("snapshot: clocks that need not be reached", test_drivers);
    RUN("snapshot: x86's counters of heat", test_heat_events);
    RUN("snapshot: reasons", test_reasons);
    RUN("snapshot: what other programs do", test_others);
    RUN("snapshot: hostile contents", test_hostile);
    RUN("snapshot: this machine", test_here);
    tree_end();
    TEST_END();
}
