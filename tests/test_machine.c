/* test_machine.c - what a machine says of itself, on made-up machines and on this one: names,
 * clusters. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "fake_tree.h"
#include "sys/arm_cores.h"
#include "sys/machine.h"
#include "sys/thermal.h"
#include "test.h"

/* ---- the parts of a machine ---- */

#define CPU "sys/devices/system/cpu/"
#define DEVICE_TREE "proc/device-tree/"

static void add_to_cpuinfo(const char *text) {
    char full[512];
    tree_path(full, "proc/cpuinfo");
    FILE *f = fopen(full, "a");
    if (!f || fputs(text, f) < 0 || fclose(f)) tree_fail(full);
}

/* The lines of a CPU for each in the list. */
static void add_cpuinfo(const char *list, const char *lines) {
    char text[512];
    struct cpu_mask m = mask(list);
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(&m, i)) continue;
        snprintf(text, sizeof text, "processor\t: %d\n%s\n", i, lines);
        add_to_cpuinfo(text);
    }
}

static void add_arm(const char *list, int implementer, int part) {
    char lines[200];
    snprintf(lines, sizeof lines,
             "BogoMIPS\t: 48.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x%02x\n"
             "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0x%03x\nCPU revision\t: 4\n",
             implementer, part);
    add_cpuinfo(list, lines);
}

static void put_present(const char *present, const char *online) {
    put(CPU "present", present);
    put(CPU "online", online);
}

/* A clock that the CPUs of the list share; those in `online` have the files. */
static void put_policy(const char *list, const char *online, int min, int max, int now,
                       const char *governor) {
    char related[4096] = "", path[64];
    struct cpu_mask all = mask(list), on = mask(online);
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&all, i)) snprintf(related + strlen(related), 16, "%d ", i);
    strcpy(related + strlen(related) - 1, "\n");
    for (int i = 0; i < MAX_CPUS; i++) {
        if (!mask_has(&on, i)) continue;
        const struct { const char *name; int khz; } files[] = {
            {"cpuinfo_min_freq", min}, {"cpuinfo_max_freq", max}, {"scaling_cur_freq", now},
            {"scaling_max_freq", max}, {"scaling_min_freq", min}};
        for (int k = 0; k < 5; k++) {
            snprintf(path, sizeof path, CPU "cpu%d/cpufreq/%s", i, files[k].name);
            put_number(path, files[k].khz * 1000LL);
        }
        snprintf(path, sizeof path, CPU "cpu%d/cpufreq/related_cpus", i);
        put(path, related);
        snprintf(path, sizeof path, CPU "cpu%d/cpufreq/scaling_governor", i);
        put(path, governor);
    }
}

#define PUT_STRINGS(path, text) put_bytes(path, text, sizeof text)     /* with the last NUL */

/* ---- what is said of it ---- */

/* "0-3: 4/4 Cortex-A72 1024 600-1800 (1800) 1500 ondemand"; what is unknown is left out. */
static void describe_cluster(char *out, size_t size, const struct cluster *c) {
    char cpus[256], capacity[16] = "", clocks[64] = "", now[16] = "";
    mask_print(cpus, sizeof cpus, &c->cpus);
    if (c->capacity) snprintf(capacity, sizeof capacity, " %d", c->capacity);
    if (c->max_mhz)
        snprintf(clocks, sizeof clocks, " %d-%d (%d)", c->min_mhz, c->max_mhz, c->limit_mhz);
    if (c->now_mhz) snprintf(now, sizeof now, " %d", c->now_mhz);
    snprintf(out, size, "%s: %d/%d%s%s%s%s%s%s%s", cpus, c->n_online, c->n_cpus,
             c->core[0] ? " " : "", c->core, capacity, clocks, now, c->governor[0] ? " " : "",
             c->governor);
}

/* "": it is unknown. */
static void check_name(const char *what, const char *name, const char *want) {
    bool right = *want ? strcmp(name, want) == 0 : strncmp(name, "unknown ", 8) == 0 && name[8];
    CHECK(right, "%s: name '%s', not '%s'", what, name, *want ? want : "unknown ...");
}

static void check(const char *what, const char *allowed, const char *name, const char *soc,
                  const char *clusters) {
    struct machine m;
    struct cpu_mask cpus = mask(allowed);
    char text[4096] = "";
    machine_find(&m, &cpus, root);
    for (int i = 0; i < m.n_clusters; i++) {
        char line[512];
        describe_cluster(line, sizeof line, &m.clusters[i]);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "\n" : "", line);
    }
    check_name(what, m.name, name);
    CHECK(strcmp(m.soc, soc) == 0, "%s: SoC '%s', not '%s'", what, m.soc, soc);
    CHECK(strcmp(text, clusters) == 0, "%s:\n%s\ninstead of\n%s", what, text, clusters);
}

/* ---- machines ---- */

static void test_boards(void) {
    clear();
    put_present("0-3\n", "0-3\n");
    add_arm("0-3", 0x41, 0xd08);
    add_to_cpuinfo("Hardware\t: BCM2835\nRevision\t: c03111\nModel\t\t: Raspberry Pi 4 Model B\n");
    put_policy("0-3", "0-3", 600, 1800, 1500, "ondemand\n");
    put_cpus("cpu_capacity", "0-3:1024");
    PUT_STRINGS(DEVICE_TREE "model", "Raspberry Pi 4 Model B Rev 1.4");
    PUT_STRINGS(DEVICE_TREE "compatible", "raspberrypi,4-model-b\0brcm,bcm2711");
    check("Pi 4", "0-3", "Raspberry Pi 4 Model B Rev 1.4", "bcm2711",
          "0-3: 4/4 Cortex-A72 1024 600-1800 (1800) 1500 ondemand");
    put_cpus("cpufreq/scaling_max_freq", "0-3:1000000");
    check("Pi 4, limited", "0-3", "Raspberry Pi 4 Model B Rev 1.4", "bcm2711",
          "0-3: 4/4 Cortex-A72 1024 600-1800 (1000) 1500 ondemand");

    clear();
    put_present("0-3\n", "0-3\n");
    add_arm("0-3", 0x41, 0xd0b);
    put_policy("0-3", "0-3", 1500, 2400, 2400, "ondemand\n");
    PUT_STRINGS(DEVICE_TREE "model", "Raspberry Pi 5 Model B Rev 1.0");
    PUT_STRINGS(DEVICE_TREE "compatible", "raspberrypi,5-model-b\0brcm,bcm2712");
    check("Pi 5", "2", "Raspberry Pi 5 Model B Rev 1.0", "bcm2712",
          "0-3: 4/4 Cortex-A76 1500-2400 (2400) 2400 ondemand");

    clear();
    put_present("0-7\n", "0-7\n");
    add_cpuinfo("0-3", "model name\t: ARMv7 Processor rev 3 (v7l)\nCPU implementer\t: 0x41\n"
                "CPU part\t: 0xc07\n");
    add_cpuinfo("4-7", "model name\t: ARMv7 Processor rev 3 (v7l)\nCPU implementer\t: 0x41\n"
                "CPU part\t: 0xc0f\n");
    add_to_cpuinfo("Hardware\t: Samsung Exynos (Flattened Device Tree)\n");
    put_policy("0-3", "0-3", 200, 1400, 1400, "performance\n");
    put_policy("4-7", "4-7", 200, 2000, 1800, "performance\n");
    put("sys/devices/soc0/soc_id", "EXYNOS5800\n");
    PUT_STRINGS(DEVICE_TREE "compatible",
                "hardkernel,odroid-xu4\0samsung,exynos5800\0samsung,exynos5");
    check("Odroid XU4", "0-7", "Samsung Exynos (Flattened Device Tree)", "EXYNOS5800",
          "0-3: 4/4 Cortex-A7 200-1400 (1400) 1400 performance\n"
          "4-7: 4/4 Cortex-A15 200-2000 (2000) 1800 performance");

    clear();
    put_present("0-3\n", "0-3\n");
    add_cpuinfo("0-2", "hart\t\t: 1\nisa\t\t: rv64imafdc_zicntr\nmmu\t\t: sv39\n"
                "uarch\t\t: sifive,u74-mc\n");
    add_cpuinfo("3", "uarch\t\t: another\n");
    put_policy("0-3", "0-3", 375, 1500, 1500, "schedutil\n");
    check("RISC-V without a device tree", "0-3", "sifive,u74-mc", "",
          "0-3: 4/4 375-1500 (1500) 1500 schedutil");

    clear();
    put("proc/cpuinfo", "system type\t\t: MediaTek MT7621\nprocessor\t\t: 0\n"
        "cpu model\t\t: MIPS 1004Kc V2.15\n");
    check("MIPS", "0", "MIPS 1004Kc V2.15", "", "0: 1/1");
    put("proc/cpuinfo", "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n");
    check("POWER", "0", "POWER9, altivec supported", "", "0: 1/1");
}

static void test_phones(void) {
    clear();                            /* an app sees neither device tree nor soc0 */
    put_present("0-7\n", "0-7\n");
    put_cpus("regs/identification/midr_el1", "0-3:0x00000000518d805e 4-6:0x00000000518d804e "
             "7:0x00000000518d804e");
    add_arm("0-3", 0x41, 0xd05);       /* MIDR is the better source */
    put_policy("0-3", "0-3", 300, 1785, 1785, "schedutil\n");
    put_policy("4-6", "4-6", 710, 2419, 710, "schedutil\n");
    put_policy("7", "7", 825, 2842, 2842, "schedutil\n");
    put_cpus("cpu_capacity", "0-3:381 4-6:871 7:1024");
    add_to_cpuinfo("Hardware\t: Qualcomm Technologies, Inc SM8150\n");
    check("three clusters", "0-3", "Qualcomm Technologies, Inc SM8150", "",
          "0-3: 4/4 Kryo 4xx Silver 381 300-1785 (1785) 1785 schedutil\n"
          "4-6: 3/3 Kryo 4xx Gold 871 710-2419 (2419) 710 schedutil\n"
          "7: 1/1 Kryo 4xx Gold 1024 825-2842 (2842) 2842 schedutil");

    clear();                            /* Linux 3.4, two of four cores off, no policy folders */
    put_present("0-3\n", "0-1\n");
    put("proc/cpuinfo",
        "Processor\t: ARMv7 Processor rev 1 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 38.40\n"
        "\nprocessor\t: 1\nBogoMIPS\t: 38.40\n\nFeatures\t: swp half thumb neon\n"
        "CPU implementer\t: 0x51\nCPU architecture: 7\nCPU variant\t: 0x2\nCPU part\t: 0x06f\n"
        "CPU revision\t: 1\n\nHardware\t: Qualcomm MSM8974PRO-AC\nRevision\t: 0000\n");
    put_policy("0", "0", 300, 2457, 2265, "interactive\n");
    put_policy("1", "1", 300, 2457, 300, "interactive\n");
    put("sys/devices/soc0/soc_id", "194\n");
    put("sys/devices/soc0/machine", "MSM8974PRO-AC\n");
    check("Krait", "0-1", "Qualcomm MSM8974PRO-AC", "MSM8974PRO-AC",
          "0-1: 2/2 Krait 300-2457 (2457) 2265 interactive\n2-3: 0/2");

    clear();                            /* Linux 3.10: one core for all, but there are two kinds */
    put_present("0-7\n", "0-7\n");
    put("proc/cpuinfo",
        "Processor\t: AArch64 Processor rev 2 (aarch64)\nprocessor\t: 0\nprocessor\t: 1\n"
        "processor\t: 2\nprocessor\t: 3\nprocessor\t: 4\nprocessor\t: 5\nprocessor\t: 6\n"
        "processor\t: 7\nFeatures\t: fp asimd aes\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\n"
        "Hardware\t: Qualcomm Technologies, Inc MSM8994\n");
    put_policy("0-3", "0-3", 384, 1555, 1555, "interactive\n");
    put_policy("4-7", "4-7", 384, 1958, 960, "interactive\n");
    check("Snapdragon 810", "0-7", "Qualcomm Technologies, Inc MSM8994", "",
          "0-3: 4/4 384-1555 (1555) 1555 interactive\n4-7: 4/4 384-1958 (1958) 960 interactive");

    clear();                            /* one core, without a number */
    put("proc/cpuinfo", "Processor\t: ARMv7 Processor rev 2 (v7l)\nCPU implementer\t: 0x41\n"
        "CPU part\t: 0xc08\n\nHardware\t: Goldfish\nHardware\t: another\n");
    put("sys/devices/soc0/soc_id", "7\n");
    put("sys/devices/soc0/machine", "8\n");
    check("one core", "0", "Goldfish", "", "0: 1/1 Cortex-A8");

    clear();                            /* nothing but cores has a name */
    put_present("0-7\n", "0-7\n");
    add_arm("0-5", 0x41, 0xd05);
    add_arm("6-7", 0x41, 0xd99);
    PUT_STRINGS(DEVICE_TREE "model", "linux,dummy-virt");
    PUT_STRINGS(DEVICE_TREE "compatible", "linux,dummy-virt");
    check("no names", "0-7", "6 x Cortex-A55, 2 x 0x41:0xd99", "",
          "0-5: 6/6 Cortex-A55\n6-7: 2/2 0x41:0xd99");
}

static void test_offline(void) {
    clear();
    put_present("0-7\n", "0-4\n");
    add_arm("0-3", 0x41, 0xd03);
    add_arm("4", 0x41, 0xd08);
    put_policy("0-3", "0-3", 400, 1400, 1400, "schedutil\n");
    put_policy("4-7", "4", 400, 1800, 1800, "schedutil\n");
    check("offline, on a clock of others", "0-4", "4 x Cortex-A53, 4 x Cortex-A72", "",
          "0-3: 4/4 Cortex-A53 400-1400 (1400) 1400 schedutil\n"
          "4-7: 1/4 Cortex-A72 400-1800 (1800) 1800 schedutil");

    clear();
    put_present("0-5\n", "0-2\n");
    add_arm("0-2", 0x41, 0xd03);
    put_cpus("cpu_capacity", "0-3:485 4-5:1024");
    put_policy("0-3", "0-2", 400, 1400, 1400, "schedutil\n");
    check("offline, with a capacity", "0-2", "", "",
          "0-3: 3/4 Cortex-A53 485 400-1400 (1400) 1400 schedutil\n4-5: 0/2 1024");

    clear();
    put_present("0-3\n", "2-3\n");
    add_arm("2-3", 0x41, 0xd08);
    put_cpus("cpu_capacity", "0-3:1024");
    check("the first ones offline", "2-3", "4 x Cortex-A72", "", "0-3: 2/4 Cortex-A72 1024");

    clear();
    put_present("0-3\n", "0\n");
    put_policy("0", "0", 400, 1400, 1400, "ondemand\n");
    check("offline, nothing known", "0", "", "", "0: 1/1 400-1400 (1400) 1400 ondemand\n1-3: 0/3");
}

/* Each with a clock of its own. */
static void put_own_clocks(int first, int last, int max, int now) {
    char list[16];
    for (int i = first; i <= last; i++) {
        snprintf(list, sizeof list, "%d", i);
        put_policy(list, list, 400, max, now, "powersave\n");
    }
}

static void test_computers(void) {
    static const char epyc[] = "vendor_id\t: AuthenticAMD\n"
                               "model name\t: AMD EPYC  7R13 Processor\t\n"
                               "cpu MHz\t\t: 2445.404\n";
    clear();
    put_present("0-1\n", "0-1\n");
    add_cpuinfo("0-1", epyc);
    put_cpus("cpu_capacity", "0-1:1024");
    add_cpuinfo("1", "cpu MHz\t\t: 70000\n");
    check("a virtual machine", "0-1", "AMD EPYC 7R13 Processor", "", "0-1: 2/2 1024 2445");

    clear();
    put_present("0-11\n", "0-11\n");
    add_cpuinfo("0-11", "model name\t: 12th Gen Intel(R) Core(TM) i5-1240P\ncpu MHz\t\t: 400.0\n");
    put_own_clocks(0, 3, 4400, 4100);
    put_own_clocks(4, 11, 3700, 1000);
    put("sys/devices/cpu_core/cpus", "0-3\n");
    put("sys/devices/cpu_atom/cpus", "4-11\n");
    check("hybrid x86", "0-11", "12th Gen Intel(R) Core(TM) i5-1240P", "",
          "0-3: 4/4 P-core 400-4400 (4400) 4100 powersave\n"
          "4-11: 8/8 E-core 400-3700 (3700) 1000 powersave");

    clear();
    put_present("0-7\n", "0-7\n");
    put_own_clocks(0, 0, 5300, 900);
    put_own_clocks(1, 3, 5000, 1200);
    put_own_clocks(4, 7, 3800, 900);
    put_cpus("cpufreq/cpuinfo_min_freq", "0:800000 1:399600 2:500000");
    put_cpus("cpufreq/scaling_governor", "1-3:performance");
    put_cpus("cpufreq/scaling_cur_freq", "4:1000000001 5-7:18446744073709551615");
    check("favoured cores are no kind of their own", "0-7", "", "",
          "0-3: 4/4 400-5300 (5300) 1200 powersave\n4-7: 4/4 400-3800 (3800) powersave");
}

static void test_nothing_known(void) {
    clear();
    check("an empty tree", "0-2,9", "", "", "0-2,9: 4/4");
    put(CPU "present", "0-4999\n");
    put(CPU "online", "0-4999\n");
    add_cpuinfo("0-1023", "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n");
    for (int i = 1024; i < 5000; i++) {
        char line[64];
        snprintf(line, sizeof line, "processor\t: %d\nCPU part\t: 0xd08\n\n", i);
        add_to_cpuinfo(line);
    }
    check("5,000 CPUs", "0-3", "4 x Neoverse-N1", "", "0-3: 4/4 Neoverse-N1");
    check("as many as there can be", "0-1023", "1024 x Neoverse-N1", "",
          "0-1023: 1024/1024 Neoverse-N1");

    clear();
    for (int i = 0; i < 40; i++) {
        char list[16], value[32];
        snprintf(list, sizeof list, "%d", i);
        snprintf(value, sizeof value, "%d:%d", i, i + 1);
        put_cpus("cpu_capacity", value);
        put_policy("0-39", list, 1, 1000, 1, "x\n");
    }
    struct machine m;
    struct cpu_mask all = mask("0-39");
    machine_find(&m, &all, root);
    int last = m.clusters[m.n_clusters - 1].n_cpus;
    CHECK(m.n_clusters == MAX_CLUSTERS && last == 25, "40 kinds: %d clusters, %d in the last",
          m.n_clusters, last);
}

static void named(const char *want, const char *cpuinfo, const char *model) {
    struct machine m;
    struct cpu_mask cpus = mask("0");
    clear();
    if (cpuinfo) put("proc/cpuinfo", cpuinfo);
    if (model) put("proc/device-tree/model", model);
    machine_find(&m, &cpus, root);
    check_name(cpuinfo ? cpuinfo : "nothing", m.name, want);
}

#define CORE(number, part) \
    "processor\t: " number "\nCPU implementer\t: 0x41\nCPU part\t: " part "\n\n"

static void test_names(void) {
    char long_name[300], text[400];
    named("AMD EPYC 9R14 96-Core Processor",
          "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9R14 96-Core Processor \n", NULL);
    named("Raspberry Pi 5 Model B Rev 1.0", CORE("0", "0xd0b"), "Raspberry Pi 5 Model B Rev 1.0");
    named("Raspberry Pi 4 Model B Rev 1.4",
          "model name\t: ARMv7 Processor rev 3 (v7l)\nCPU part\t: 0xd08\n\nHardware\t: BCM2711\n",
          "Raspberry Pi 4 Model B Rev 1.4");
    named("1 x Neoverse-N1", CORE("0", "0xd0c"), "linux,dummy-virt");
    named("1 x 0x41:0xfff", CORE("0", "0xfff"), "");
    named("abc", "model name\t: \ta\033b\200c\n", NULL);
    named("1 x Neoverse-V1", "model name\t:\n" CORE("0", "0xd40"), NULL);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    snprintf(text, sizeof text, "model name\t: %s\n", long_name);
    long_name[126] = 0;                 /* after a blank */
    named(long_name, text, NULL);
    const char *const nothing[] = {NULL, "", "\n", ":\n", "model name\n", "CPU part\n",
                                   "model name of : nobody\n"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) named("", nothing[i], NULL);
}

static void test_cores(void) {
    static const struct { unsigned implementer, part; const char *name; } names[] = {
        {0x41, 0xd03, "Cortex-A53"}, {0x41, 0xc07, "Cortex-A7"}, {0x51, 0x06f, "Krait"},
        {0x41, 0xd0b, "Cortex-A76"}, {0x4e, 0x000, "Denver"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *name = arm_core_name(names[i].implementer, names[i].part);
        CHECK(name && strcmp(name, names[i].name) == 0, "%s: %s", names[i].name,
              name ? name : "none");
    }
    CHECK(!arm_core_name(0, 0) && !arm_core_name(0x41, 0xfff) && !arm_core_name(0x42, 0xd03),
          "names from nowhere");
    for (unsigned implementer = 0; implementer < 256; implementer++) {
        for (unsigned part = 0; part < 4096; part++) {
            const char *name = arm_core_name(implementer, part);
            CHECK(!name || strlen(name) < sizeof ((struct cluster *)0)->core, "%s is long", name);
        }
    }
}

/* ---- hostile contents ---- */

static const char *const files[] = {
    "proc/cpuinfo", "proc/meminfo", "proc/self/cgroup", "proc/sys/kernel/osrelease",
    CPU "present", CPU "online",
    CPU "cpu0/cpu_capacity", CPU "cpu1/cpu_capacity",
    CPU "cpu0/cpufreq/cpuinfo_max_freq",
    CPU "cpu0/cpufreq/cpuinfo_min_freq",
    CPU "cpu0/cpufreq/scaling_cur_freq",
    CPU "cpu0/cpufreq/scaling_max_freq",
    CPU "cpu0/cpufreq/scaling_governor",
    CPU "cpu0/cpufreq/related_cpus",
    CPU "cpu0/regs/identification/midr_el1",
    "sys/devices/cpu_core/cpus", "sys/devices/cpu_atom/cpus", "sys/devices/soc0/soc_id",
    "sys/devices/soc0/machine", DEVICE_TREE "model", DEVICE_TREE "compatible",
    "sys/class/thermal/thermal_zone0/type", "sys/class/thermal/thermal_zone0/temp",
    "sys/class/hwmon/hwmon0/name", "sys/class/hwmon/hwmon0/temp1_input",
};
enum { N_FILES = sizeof files / sizeof *files };

static bool printable(const char *text) {
    for (; *text; text++)
        if (*text < ' ' || *text > '~') return false;
    return true;
}

/* Whatever the files say, what comes out is in its bounds. */
static void check_sane(const char *what, const char *where) {
    struct machine m;
    struct cpu_mask allowed = mask("0-1");
    int n = 0;
    machine_find(&m, &allowed, where);
    CHECK(printable(m.name) && printable(m.soc) && printable(m.cores) && printable(m.kernel) &&
              m.kernel[0],
          "%s: '%s' '%s' '%s' '%s'", what, m.name, m.soc, m.cores, m.kernel);
    CHECK(m.n_clusters >= 1 && m.n_clusters <= MAX_CLUSTERS, "%s: %d clusters", what, m.n_clusters);
    for (int i = 0; i < m.n_clusters; i++) {
        const struct cluster *c = &m.clusters[i];
        n += c->n_cpus;
        CHECK(c->n_online >= 0 && c->n_online <= c->n_cpus && c->n_cpus == mask_count(&c->cpus),
              "%s: %d of %d online", what, c->n_online, c->n_cpus);
        CHECK(c->capacity >= 0 && c->min_mhz >= 0 && c->max_mhz >= 0 && c->limit_mhz >= 0 &&
                  c->now_mhz >= 0 && c->max_mhz <= 1000000 && printable(c->core) &&
                  printable(c->governor),
              "%s: %d %d-%d (%d) %d '%s' '%s'", what, c->capacity, c->min_mhz, c->max_mhz,
              c->limit_mhz, c->now_mhz, c->core, c->governor);
    }
    CHECK(n >= 2 && n <= MAX_CPUS, "%s: %d CPUs", what, n);
    double t = cpu_temperature(where);
    CHECK(isnan(t) || (t >= 1 && t <= 150), "%s: %g degrees", what, t);
}

static void test_hostile(void) {
    static char longest[200000], binary[4096];
    static const char *const texts[] = {
        "", "\n", "99999999999999999999999999\n", "-1\n", "3000000000", "%s%n%s%n",
        "\033[31mred\033[0m\n", "0-1023\n", "0-3,\n", "1", "cpu:::::", "processor\t: 99999999999\n",
        "processor: 5\nCPU part: ffffffffffffffffffffff\ncpu MHz: 1e999\ncpu MHz: nan\n",
        "processor\t: -1\nCPU part\t: 0x0\nCPU implementer\t: zz\nmodel name\t:\nisa:\n:\n",
        "0 1 2 3 1023 1024\n", "0x\n", "\xff\xfe\xfd", ",,,,", "cpu",
    };
    unsigned seed = 1;
    memset(longest, '7', sizeof longest);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        clear();
        for (int k = 0; k < N_FILES; k++) put(files[k], texts[i]);
        check_sane(texts[i], root);
    }
    clear();
    for (int k = 0; k < N_FILES; k++) put_bytes(files[k], longest, sizeof longest);
    check_sane("a long line", root);
    for (int round = 0; round < 20; round++) {
        clear();
        for (int k = 0; k < N_FILES; k++) {
            for (size_t i = 0; i < sizeof binary; i++) {
                seed = seed * 1103515245 + 12345;
                binary[i] = round % 2 ? (char)(seed >> 16) : "0123 ,-:\n\0cpux"[(seed >> 16) % 14];
            }
            put_bytes(files[k], binary, sizeof binary);
        }
        check_sane("binary", root);
    }
}

/* Files that cannot be read: folders in their place, links to themselves, no permission. */
static void test_refused(void) {
    char full[512], longest[2000];
    for (int kind = 0; kind < 3; kind++) {
        clear();
        for (int k = 0; k < N_FILES; k++) {
            tree_path(full, files[k]);
            if (kind == 0 && mkdir(full, 0700)) tree_fail(full);
            if (kind == 1 && symlink(full, full)) tree_fail(full);
            if (kind == 2) put(files[k], "1\n");
            if (kind == 2 && chmod(full, 0)) tree_fail(full);
        }
        if (kind == 2 && access(full, R_OK) == 0) continue;     /* root may read everything */
        check("refused", "0-1", "", "", "0-1: 2/2");
        check_sane("refused", root);
    }
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    check_sane("no such place", "/nowhere/at/all");
    check_sane("a path too long", longest);
}

/* ---- this machine ---- */

static void test_here(void) {
    struct machine m;
    struct cpu_mask allowed;
    int n = 0;
    cpus_allowed(&allowed);
    machine_find(&m, &allowed, "");
    for (int i = 0; i < m.n_clusters; i++) n += m.clusters[i].n_online;
    CHECK(n >= mask_count(&allowed), "%d CPUs online, %d allowed", n, mask_count(&allowed));
    CHECK(isdigit((unsigned char)m.kernel[0]), "kernel '%s'", m.kernel);
    long long total = (long long)m.memory.total;
    CHECK(total == 0 || total > 16 << 20, "%lld bytes", total);
    check_sane("this machine", "");
}

/* The same, as programs see it. */
static void test_public(void) {
    struct machine m;
    struct cpu_mask allowed;
    qw_machine p;
    char cpus[128];
    int n = 0;
    cpus_allowed(&allowed);
    machine_find(&m, &allowed, "");
    qw_find_machine(&p);
    CHECK(strcmp(p.name, m.name) == 0 && strcmp(p.soc, m.soc) == 0 && strcmp(p.arch, m.arch) == 0 &&
              strcmp(p.cores, m.cores) == 0 && strcmp(p.kernel, m.kernel) == 0,
          "'%s' '%s' '%s' '%s' '%s'", p.name, p.soc, p.cores, p.kernel, p.arch);
    CHECK(p.arch[0] && p.memory == m.memory.total && p.n_clusters == m.n_clusters,
          "'%s', %llu bytes, %d clusters", p.arch, (unsigned long long)p.memory, p.n_clusters);
    for (int i = 0; i < p.n_clusters; i++) {
        n += p.clusters[i].n_cpus;
        mask_print(cpus, sizeof cpus, &m.clusters[i].cpus);
        CHECK(strcmp(p.clusters[i].cpus, cpus) == 0, "CPUs %s", p.clusters[i].cpus);
    }
    CHECK(n == p.n_cpus && p.n_online >= mask_count(&allowed) && p.n_online <= n,
          "%d CPUs, %d online", p.n_cpus, p.n_online);
}

int main(void) {
    tree_begin();
    RUN("machine: boards", test_boards);
    RUN("machine: phones", test_phones);
    RUN("machine: cores that are offline", test_offline);
    RUN("machine: x86", test_computers);
    RUN("machine: nothing known, and very many CPUs", test_nothing_known);
    RUN("machine: names", test_names);
    RUN("machine: names of cores", test_cores);
    RUN("machine: hostile contents", test_hostile);
    RUN("machine: files that cannot be read", test_refused);
    RUN("machine: this one", test_here);
    RUN("machine: this one, in qw.h", test_public);
    tree_end();
    TEST_END();
}
