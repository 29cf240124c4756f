/* test_topology.c - which CPUs are used and how much memory is available, on
 * made-up machines: files as Linux shows them below /sys and /proc. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "fake_tree.h"
#include "sys/memory.h"
#include "sys/small_file.h"
#include "sys/threads.h"
#include "sys/topology.h"
#include "test.h"

static struct cpus find_cpus(const char *allowed) {
    struct cpu_mask m = mask(allowed);
    struct cpus c;
    cpus_find(&c, &m, root);
    return c;
}

/* n_batch: threads for prompts. */
static void check(const char *name, const char *allowed, const char *fast, int n_threads,
                  int n_batch, int at_once) {
    struct cpus c = find_cpus(allowed);
    char text[2048];
    mask_print(text, sizeof text, &c.fast);
    CHECK(strcmp(text, fast) == 0, "%s: %s instead of %s", name, text, fast);
    CHECK(c.n_fast == mask_count(&c.fast) && c.n_usable == mask_count(&c.usable),
          "%s: %d fast, %d usable", name, c.n_fast, c.n_usable);
    CHECK(c.n_threads == n_threads, "%s: %d threads instead of %d", name, c.n_threads, n_threads);
    CHECK(c.n_threads_batch == n_batch, "%s: %d threads for prompts instead of %d", name,
          c.n_threads_batch, n_batch);
    CHECK(c.at_once == at_once, "%s: %d at once instead of %d", name, c.at_once, at_once);
}

/* ---- small files ---- */

static void test_small_files(void) {
    static const struct { const char *text; int64_t want; } numbers[] = {
        {"0", 0}, {"7\n", 7}, {"12 max\n", 12}, {"1000000000000000000\n", 1000000000000000000},
        {"1000000000000000001\n", -1}, {"99999999999999999999999", -1}, {"", -1}, {"\n", -1},
        {"-1\n", -1}, {"+1\n", -1}, {" 1\n", -1}, {"1x\n", -1}, {"max\n", -1}, {"0x10\n", -1},
        {"1.5\n", -1}, {"18446744073709551617\n", -1},
    };
    static const char *const names[][2] = {
        {"schedutil\n", "schedutil"}, {"", ""}, {"\n", ""}, {" \t\n", ""}, {"a\nb\n", "a"},
        {"  AMD \t EPYC  \n", "AMD EPYC"}, {"\033[31mred\a\r\n", "[31mred"},
        {"na\xc3\xafve\n", "nave"}, {"~!\x7f\n", "~!"}, {"0123456789abcdefXYZ", "0123456789abcde"},
    };
    char text[16];
    uint64_t n;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        clear();
        put("n", numbers[i].text);
        bool ok = small_file_number(&n, "%s/n", root);
        CHECK(ok ? (int64_t)n == numbers[i].want : numbers[i].want < 0, "'%s': %d %lld",
              numbers[i].text, ok, (long long)n);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put("name", names[i][0]);
        bool ok = small_file_name(text, sizeof text, "%s/name", root);
        CHECK(strcmp(text, names[i][1]) == 0 && ok == (text[0] != 0), "'%s': '%s'", names[i][0],
              text);
    }
    put_bytes("strings", "one\0two", sizeof "one\0two");
    CHECK(small_file(text, sizeof text, "%s/strings", root) && strcmp(text, "one\ntwo\n") == 0,
          "strings: '%s'", text);
    CHECK(!small_file_number(&n, "%s/none", root), "a number from nowhere");
    CHECK(!small_file_name(text, sizeof text, "%s/none", root) && !text[0], "a name from nowhere");
}

/* ---- lists ---- */

static void test_lists(void) {
    static const char *const good[][2] = {
        {"0", "0"}, {"0-3,6", "0-3,6"}, {"6,3,0-2", "0-3,6"}, {"1-1", "1"}, {"0,1,2", "0-2"},
        {"1023", "1023"}, {"00,007", "0,7"}, {"63-64", "63-64"}, {"0-1023", "0-1023"},
    };
    static const char *const bad[][2] = {
        {"", "''"}, {"x", "'x'"}, {"0,", "''"}, {",0", "''"}, {"0,,1", "''"}, {"3-1", "'3-1'"},
        {"0-", "'0-'"}, {"-1", "'-1'"}, {"1024", "'1024'"}, {"0-1024", "'0-1024'"},
        {"99999999999999999999", "'99999999999999999999'"}, {"0 1", "'0 1'"}, {"0,+1", "'+1'"},
        {"1-2-3", "'1-2-3'"}, {"0-3:2", "'0-3:2'"}, {" 0", "' 0'"}, {"4294967296", "'4294967296'"},
    };
    struct cpu_mask m;
    qw_error err;
    char text[2048], small[12];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(mask_parse(&m, good[i][0], &err) == 0, "%s: %s", good[i][0], err.message);
        mask_print(text, sizeof text, &m);
        CHECK(strcmp(text, good[i][1]) == 0, "%s became %s", good[i][0], text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.message[0] = 0;
        CHECK(mask_parse(&m, bad[i][0], &err) == QW_EARG &&
                  strncmp(err.message, bad[i][1], strlen(bad[i][1])) == 0,
              "'%s': %s", bad[i][0], err.message);
    }
    m = (struct cpu_mask){{0}};
    for (int i = 0; i < MAX_CPUS; i += 2) mask_add(&m, i);
    mask_print(text, sizeof text, &m);
    CHECK(strlen(text) > 2000 && strcmp(text + strlen(text) - 5, ",1022") == 0,
          "the longest list is cut: %zu", strlen(text));
    mask_print(small, sizeof small, &m);
    CHECK(strcmp(small, "0,2,4,6...") == 0, "a list that is too long: %s", small);
}

/* ---- machines ---- */

static void test_machines(void) {
    static const struct {
        const char *name, *allowed, *capacity, *clock, *fast;
        int n_threads;
    } machines[] = {
        {"Pi 5", "0-3", "0-3:1024", "0-3:2400000", "0-3", 4},
        {"Pi 2: no capacity", "0-3", NULL, "0-3:900000", "0-3", 4},
        {"RK3588", "0-7", "0-3:414 4-5:1024 6-7:1010", "0-3:1800000 4-5:2400000 6-7:2256000", "4-7",
         4},
        {"RK3588, only its clocks", "0-7", NULL, "0-3:1800000 4-5:2400000 6-7:2256000", "4-7", 4},
        {"RK3588, one fast cluster at a lower clock", "0-7", "0-3:530 4-5:1024 6-7:768", NULL,
         "4-7", 4},
        {"RK3399", "0-5", "0-3:485 4-5:1024", "0-3:1416000 4-5:1800000", "4-5", 2},
        {"S922X: the small cores run at a higher clock", "0-5", "0-1:623 2-5:1024",
         "0-1:1896000 2-5:1800000", "2-5", 4},
        {"Snapdragon 855", "0-7", "0-3:381 4-6:871 7:1024", "0-3:1785600 4-6:2419200 7:2841600",
         "4-7", 4},
        {"Snapdragon 870, only its clocks", "0-7", NULL, "0-3:1804800 4-6:2419200 7:3187200",
         "4-7", 4},
        {"Tensor: a medium core in between", "0-7", "0-3:160 4-5:498 6-7:1024", NULL, "4-7", 4},
        {"Snapdragon 810: capacity says nothing", "0-7", "0-7:1024", "0-3:1555200 4-7:1958400",
         "4-7", 4},
        {"hybrid x86", "0-11", "0-7:1024 8-11:600", "0-7:5000000 8-11:3800000", "0-7", 8},
        {"hybrid x86, only its clocks", "0-5", NULL, "0-1:5000000 2-5:3800000", "0-1", 2},
        {"x86 with favoured cores", "0-3", NULL, "0:5300000 1-3:5000000", "0-3", 4},
        {"only small cores allowed", "0-2", "0-3:414 4-7:1024", NULL, "0-2", 3},
        {"one big core allowed", "2-4", "0-3:414 4-7:1024", NULL, "4", 1},
        {"nothing known", "0-7", NULL, NULL, "0-7", 8},
        {"gaps in the numbers", "1,4,130,1023", "1:400 4:1024 130:1000 1023:400", NULL, "4,130", 2},
        {"a capacity is missing: the clocks", "0-3", "0-2:1024", "0-1:1000000 2-3:2000000", "2-3",
         2},
        {"a clock is missing", "0-3", NULL, "0-2:1000000", "0-3", 4},
        {"capacity is no number", "0-3", "0-1:fast 2-3:1024", "0-3:1000000", "0-3", 4},
        {"capacity is negative", "0-3", "0-1:-5 2-3:1024", NULL, "0-3", 4},
        {"capacity is 0", "0-3", "0-1:0 2-3:1024", NULL, "0-3", 4},
        {"capacity is huge", "0-3", "0-1:99999999999999999999999 2-3:1024", NULL, "0-3", 4},
        {"as far apart as can be", "0-3", "0-1:1 2-3:1000000000", NULL, "2-3", 2},
        {"more than threads", "0-299", NULL, NULL, "0-299", MAX_THREADS},
    };
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        struct cpu_mask m;
        clear();
        put_cpus("cpu_capacity", machines[i].capacity);
        put_cpus("cpufreq/cpuinfo_max_freq", machines[i].clock);
        if (mask_parse(&m, machines[i].allowed, NULL)) continue;
        const int n = mask_count(&m);
        check(machines[i].name, machines[i].allowed, machines[i].fast, machines[i].n_threads,
              n < MAX_THREADS ? n : MAX_THREADS, n);
    }
}

static void test_siblings(void) {
    clear();
    put_cpus("topology/thread_siblings_list", "0,4:0,4 1,5:1,5 2,6:2,6 3,7:3,7");
    check("4 cores, 8 threads", "0-7", "0-7", 4, 4, 8);
    check("two cores, one with both of its threads", "2,6,7", "2,6-7", 2, 2, 3);
    put_cpus("topology/thread_siblings_list", "0-1:0-1 2-3:2-3 4:4 5:5 6:6 7:7");
    put_cpus("cpu_capacity", "0-3:1024 4-7:600");
    check("hybrid x86", "0-7", "0-3", 2, 6, 8);
    clear();
    put_cpus("topology/thread_siblings_list", "0:0-9999 1:-1 2:3 3:x");
    check("impossible siblings", "0-3", "0-3", 4, 4, 4);
}

/* CPUs 0 and 1 of 4 are online. */
static void test_offline(void) {
    clear();
    put("sys/devices/system/cpu/present", "0-3\n");
    put("sys/devices/system/cpu/online", "0-1\n");
    put_cpus("cpu_capacity", "0-1:1024");
    check("two that may come back", "0-1", "0-1", 2, 2, 4);
    check("one of the CPUs online", "1", "1", 1, 1, 1);
    check("as many CPUs as are online, but others", "0,2", "0,2", 2, 2, 2);
    check("more CPUs than are online", "0-2", "0-2", 3, 3, 3);
    static const struct { const char *control; int at_once; } smt[] = {
        {"off\n", 2}, {"forceoff\n", 2}, {"on\n", 4}, {"notsupported\n", 4},
        {"notimplemented\n", 4},
    };
    for (size_t i = 0; i < sizeof smt / sizeof *smt; i++) {
        put("sys/devices/system/cpu/smt/control", smt[i].control);
        check(smt[i].control, "0-1", "0-1", 2, 2, smt[i].at_once);
    }
    put("sys/devices/system/cpu/present", "0\n");
    check("fewer present than online", "0-1", "0-1", 2, 2, 2);
    put("sys/devices/system/cpu/present", "0-3,\n");
    check("a damaged list of those present", "0-1", "0-1", 2, 2, 2);
    put("sys/devices/system/cpu/present", "0-3\n");
    put("sys/devices/system/cpu/online", "0-1,\n");
    check("a damaged list of those online", "0-1", "0-1", 2, 2, 2);
    put("sys/devices/system/cpu/online", "");
    check("an empty list of those online", "0-1", "0-1", 2, 2, 2);
}

/* ---- quotas ---- */

static void test_quotas(void) {
    static const struct { const char *name, *group, *path, *text; int threads; } quotas[] = {
        {"v2, a container", "0::/\n", "sys/fs/cgroup/cpu.max", "200000 100000\n", 2},
        {"v2, none", "0::/\n", "sys/fs/cgroup/cpu.max", "max 100000\n", 8},
        {"v2, half a CPU", "0::/\n", "sys/fs/cgroup/cpu.max", "50000 100000\n", 1},
        {"v2, a hundredth", "0::/\n", "sys/fs/cgroup/cpu.max", "1000 100000\n", 1},
        {"v2, 2.4", "0::/\n", "sys/fs/cgroup/cpu.max", "240000 100000\n", 2},
        {"v2, 2.5", "0::/\n", "sys/fs/cgroup/cpu.max", "250000 100000\n", 3},
        {"v2, more than there are CPUs", "0::/\n", "sys/fs/cgroup/cpu.max", "6400000 100000\n", 8},
        {"v2, its own group", "0::/user.slice/a.scope\n",
         "sys/fs/cgroup/user.slice/a.scope/cpu.max", "300000 100000\n", 3},
        {"v2, a group above", "0::/user.slice/a.scope\n", "sys/fs/cgroup/user.slice/cpu.max",
         "300000 100000\n", 3},
        {"v2, another group", "0::/user.slice/a.scope\n",
         "sys/fs/cgroup/user.slice/b.scope/cpu.max", "300000 100000\n", 8},
        {"v1 and v2", "9:name=systemd:/\n3:cpuset:/\n2:cpuacct:/\n0::/a\n",
         "sys/fs/cgroup/a/cpu.max", "300000 100000\n", 3},
        {"no period", "0::/\n", "sys/fs/cgroup/cpu.max", "200000\n", 8},
        {"a period of 0", "0::/\n", "sys/fs/cgroup/cpu.max", "200000 0\n", 8},
        {"not a number", "0::/\n", "sys/fs/cgroup/cpu.max", "\xff\xfe many\n", 8},
        {"negative", "0::/\n", "sys/fs/cgroup/cpu.max", "-1 -1\n", 8},
        {"damaged lines", "\n:\n::\n0:\n0::\n", "sys/fs/cgroup/other", "", 8},
    };
    char longer[3000];
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++) {
        clear();
        put("proc/self/cgroup", quotas[i].group);
        put(quotas[i].path, quotas[i].text);
        check(quotas[i].name, "0-7", "0-7", quotas[i].threads, quotas[i].threads,
              quotas[i].threads);
    }
    static const struct { const char *name, *group, *dir, *quota; int threads; } old[] = {
        {"v1", "4:cpu,cpuacct:/a/b\n1:memory:/\n", "a/b/", "300000", 3},
        {"v1, above", "4:cpuacct,cpu:/a/b\n", "", "300000", 3},
        {"v1, none", "4:cpu:/a/b\n", "a/b/", "-1", 8},
        {"v1, cpuset is another", "4:cpuset:/a\n5:cpuacct:/a\n", "a/", "300000", 8},
    };
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        char path[128];
        clear();
        put("proc/self/cgroup", old[i].group);
        snprintf(path, sizeof path, "sys/fs/cgroup/cpu/%scpu.cfs_quota_us", old[i].dir);
        put(path, old[i].quota);
        snprintf(path, sizeof path, "sys/fs/cgroup/cpu/%scpu.cfs_period_us", old[i].dir);
        put(path, "100000\n");
        check(old[i].name, "0-7", "0-7", old[i].threads, old[i].threads, old[i].threads);
    }
    clear();
    memset(longer, '/', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    memcpy(longer, "0::", 3);
    put("proc/self/cgroup", longer);
    put("sys/fs/cgroup/cpu.max", "200000 100000\n");
    check("a path that is too long", "0-7", "0-7", 8, 8, 8);
    clear();
    put_cpus("cpu_capacity", "0-3:414 4-7:1024");
    put("proc/self/cgroup", "0::/\n");
    put("sys/fs/cgroup/cpu.max", "600000 100000\n");
    check("two kinds, more than the fast ones", "0-7", "4-7", 4, 6, 6);
    put("sys/fs/cgroup/cpu.max", "300000 100000\n");
    check("two kinds, less than the fast ones", "0-7", "4-7", 3, 3, 3);
}

/* ---- memory ---- */

static void test_memory(void) {
    static const struct {
        const char *name, *group, *dir;
        const char *max, *current, *stat;
        uint64_t want;
    } groups[] = {
        {"no limit", "0::/\n", "", "max\n", "5000000\n", "anon 1\nfile 1000000\n", 8192000},
        {"a container", "0::/\n", "", "6000000\n", "5000000\n", "anon 1\nfile 1000000\n", 2000000},
        {"its own group", "0::/a/b\n", "/a/b", "6000000\n", "5000000\n", "anon 1\nfile 9000000\n",
         6000000},
        {"a group above", "0::/a/b\n", "/a", "6000000\n", "5000000\n", "", 1000000},
        {"another group", "0::/a/b\n", "/c", "6000000\n", "5000000\n", "", 8192000},
        {"full", "0::/\n", "", "4000\n", "5000\n", "x", 1},
        {"not numbers", "0::/\n", "", "-1\n", "many\n", "\nfile \n", 8192000},
    };
    char path[128];
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        clear();
        put("proc/meminfo", "MemTotal: 90000 kB\nMemAvailable:    8000 kB\n");
        put("proc/self/cgroup", groups[i].group);
        const char *const files[][2] = {
            {"max", groups[i].max}, {"current", groups[i].current}, {"stat", groups[i].stat}};
        for (int k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "sys/fs/cgroup%s/memory.%s", groups[i].dir, files[k][0]);
            put(path, files[k][1]);
        }
        CHECK(available_memory(root) == groups[i].want, "%s: %d", groups[i].name,
              (int)available_memory(root));
    }
    clear();
    CHECK(available_memory(root) == 0, "nothing known: %d", (int)available_memory(root));
    put("proc/self/cgroup", "7:memory,x:/a\n");
    put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "700000\n");
    put("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "300000\n");
    put("sys/fs/cgroup/memory/a/memory.stat", "cache 3\ntotal_cache 100000\n");
    CHECK(available_memory(root) == 500000, "v1: %d", (int)available_memory(root));
}

static void test_memory_in_all(void) {
    static const struct { const char *name, *group, *file, *limit; uint64_t want; } cases[] = {
        {"no groups", "", "x", "", 0},
        {"v2", "0::/a/b\n", "sys/fs/cgroup/a/memory.max", "1048576\n", 1 << 20},
        {"v2, none", "0::/a/b\n", "sys/fs/cgroup/a/memory.max", "max\n", 0},
        {"v1", "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2097152\n",
         1 << 21},
        {"v1, none", "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
         "9223372036854771712\n", 0},
        {"above the total", "0::/\n", "sys/fs/cgroup/memory.max", "9000000000\n", 0},
    };
    struct memory m;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clear();
        put("proc/meminfo",
            "MemTotal:        8000000 kB\nMemFree:  100 kB\nMemAvailable:   7000000 kB\n"
            "SwapCached:  1 kB\nSwapTotal:  2048 kB\nSwapFree:   1024 kB\n");
        put("proc/self/cgroup", cases[i].group);
        put(cases[i].file, cases[i].limit);
        memory_find(&m, root);
        CHECK(m.limit == cases[i].want, "%s: limit %lld", cases[i].name, (long long)m.limit);
        CHECK(m.total == UINT64_C(8192000000) && m.available == UINT64_C(7168000000) &&
                  m.swap == 2 << 20 && m.swap_free == 1 << 20,
              "%s: %lld %lld %lld %lld", cases[i].name, (long long)m.total, (long long)m.available,
              (long long)m.swap, (long long)m.swap_free);
    }
    clear();
    memory_find(&m, root);
    CHECK(!m.total && !m.available && !m.swap && !m.swap_free && !m.limit, "from nowhere");
    put("proc/self/cgroup", "4:memory:/\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    memory_find(&m, root);
    CHECK(!m.limit, "v1 without a limit, total unknown: %lld", (long long)m.limit);
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
    memory_find(&m, root);
    CHECK(m.limit == 5000, "v1 with a limit, total unknown: %lld", (long long)m.limit);
}

/* ---- this machine ---- */

static void test_here(void) {
    struct cpu_mask before, after, one = {{0}};
    struct cpus c;
    qw_error err;
    int first = 0;
    cpus_allowed(&before);
    cpus_find(&c, &before, "");
    CHECK(c.n_usable >= 1 && c.n_fast >= 1 && c.n_threads >= 1 && c.n_threads <= c.n_fast &&
              c.at_once >= 1,
          "%d usable, %d fast, %d threads, %d at once", c.n_usable, c.n_fast, c.n_threads,
          c.at_once);
    while (!mask_has(&before, first)) first++;
    mask_add(&one, first);
    if (cpus_use(&one, &err) == QW_EUNSUPPORTED) return;
    cpus_allowed(&after);
    CHECK(memcmp(&one, &after, sizeof one) == 0, "the process is not on CPU %d only: %s", first,
          err.message);
    mask_add(&one, MAX_CPUS - 1);
    CHECK(cpus_use(&one, &err) == QW_EARG && strstr(err.message, "CPU 1023"),
          "a CPU that does not exist: %s", err.message);
    cpus_allowed(&after);
    CHECK(mask_count(&after) == 1, "a call that failed changed something");
    CHECK(cpus_use(&before, &err) == 0, "back: %s", err.message);
}

/* Where the threads of a pool may run: items that wait until each thread has one. */
struct places { atomic_int begun, on_one; };

static void look(void *ctx, int64_t begin, int64_t end) {
    struct places *p = ctx;
    struct cpu_mask m;
    atomic_fetch_add(&p->begun, (int)(end - begin));
    for (int i = 0; i < 20000 && atomic_load(&p->begun) < 3; i++) usleep(500);
    cpus_allowed(&m);
    if (mask_count(&m) == 1) atomic_fetch_add(&p->on_one, 1);
}

static void test_pool_on(void) {
    struct cpu_mask before, after, one = {{0}};
    struct places narrow = {0}, wide = {0};
    struct pool *on_one, *anywhere;
    qw_error err;
    int first = 0;
    cpus_allowed(&before);
    if (mask_count(&before) == 1 || cpus_use(&before, NULL)) {
        printf("skip - topology: threads of a pool keep to its CPUs: there is only one CPU, or the "
               "system does not offer it\n");
        return;
    }
    while (!mask_has(&before, first)) first++;
    mask_add(&one, first);
    CHECK(pool_new(&on_one, 3, 3, &one, &err) == 0, "%s", err.message);
    CHECK(pool_new(&anywhere, 3, 3, NULL, &err) == 0, "%s", err.message);
    parallel_for(on_one, 3, 1, look, &narrow);
    parallel_for(anywhere, 3, 1, look, &wide);
    cpus_allowed(&after);
    CHECK(atomic_load(&narrow.on_one) == 2, "%d of 2 threads keep to CPU %d",
          atomic_load(&narrow.on_one), first);
    CHECK(ONE_POOL || atomic_load(&wide.on_one) == 0, "%d of another pool, too",
          atomic_load(&wide.on_one));
    CHECK(memcmp(&before, &after, sizeof before) == 0, "and the caller");
    pool_free(on_one);
    pool_free(anywhere);
}

int main(void) {
    tree_begin();
    RUN("small files: numbers and names", test_small_files);
    RUN("topology: lists of CPUs", test_lists);
    RUN("topology: fast cores", test_machines);
    RUN("topology: hyperthreads count once", test_siblings);
    RUN("topology: CPUs offline", test_offline);
    RUN("topology: quotas", test_quotas);
    RUN("memory: what is available, and what groups leave", test_memory);
    RUN("memory: in all, swap, limits", test_memory_in_all);
    RUN("topology: this machine", test_here);
    RUN("topology: threads of a pool keep to its CPUs", test_pool_on);
    tree_end();
    TEST_END();
}
