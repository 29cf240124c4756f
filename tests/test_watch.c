/* test_watch.c - what is said of a measurement that was disturbed, on made-up machines and on this
 * one. */
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include "fake_tree.h"
#include "sys/watch.h"
#include "test.h"

static void wait_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t)) {}
}

/* Nearly no time passes: the watch is told that it was `seconds`. */
static qw_watched end_after(struct watch *w, double seconds) {
    qw_watched out;
    w->began -= seconds;
    w->boot -= seconds;
    watch_end(w, &out);
    return out;
}

static void begin(struct watch *w, const char *list, int n_threads) {
    struct cpu_mask m = mask(list);
    watch_begin(w, &m, n_threads, root);
}

/* ---- what others do ---- */

static void put_stat(int user, int idle, int stolen) {
    char text[128];
    snprintf(text, sizeof text, "cpu  1 1 1 1\ncpu0 %d 0 0 %d 0 0 0 %d\n", user, idle, stolen);
    put("proc/stat", text);
}

static void test_others(void) {
    static const struct {
        const char *name;
        int user, idle, stolen;
        double seconds, others;
        const char *why;
    } cases[] = {
        {"nothing", 0, 1000, 0, 10, 0, ""},
        {"little", 20, 970, 10, 10, 0.03, ""},
        {"programs", 340, 660, 0, 10, 0.34, "other programs took 34 % of the CPUs"},
        {"a hypervisor", 0, 800, 200, 10, 0.2, "the hypervisor took 20 % of the CPUs"},
        {"both", 300, 500, 200, 10, 0.5,
         "other programs took 30 % of the CPUs; the hypervisor took 20 % of the CPUs"},
        {"too short", 10, 10, 10, 0.2, NAN, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct watch w;
        clear();
        put_stat(1000, 1000, 0);
        begin(&w, "0", 1);
        put_stat(1000 + cases[i].user, 1000 + cases[i].idle, cases[i].stolen);
        qw_watched out = end_after(&w, cases[i].seconds);
        bool near = isnan(cases[i].others) ? isnan(out.others)
                                           : fabs(out.others - cases[i].others) < 0.005;
        CHECK(near, "%s: %g instead of %g", cases[i].name, out.others, cases[i].others);
        CHECK(strcmp(out.disturbed_by, cases[i].why) == 0, "%s: '%s'", cases[i].name,
              out.disturbed_by);
    }
}

/* Where /proc/stat cannot be read, as on Android. */
static void test_delay(void) {
    static const struct {
        const char *after;
        int n_threads;
        double seconds;
        const char *why;
    } cases[] = {
        {"5000000000 1400000000 9\n", 2, 10, ""},
        {"5000000000 4200000000 9\n", 2, 10, "it waited 3.2 s for a CPU"},
        {"5000000000 4200000000 9\n", 3, 10, ""},       /* for its own threads */
        {"5000000000 1050000000 9\n", 2, 0.2, ""},
        {"0 0 0\n", 2, 10, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct watch w;
        clear();
        put("proc/self/schedstat", "1000000000 1000000000 5\n");
        begin(&w, "0-1", cases[i].n_threads);
        put("proc/self/schedstat", cases[i].after);
        qw_watched out = end_after(&w, cases[i].seconds);
        CHECK(isnan(out.others) && strcmp(out.disturbed_by, cases[i].why) == 0, "%zu: %g, '%s'", i,
              out.others, out.disturbed_by);
    }
}

/* ---- heat and clocks ---- */

static void put_machine(int celsius, const char *now, const char *limit) {
    put("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
    put_number("sys/class/thermal/thermal_zone0/temp", celsius * 1000);
    put_cpus("cpufreq/cpuinfo_max_freq", "0-3:1800000");
    put_cpus("cpufreq/scaling_max_freq", limit);
    put_cpus("cpufreq/scaling_cur_freq", now);
}

static void test_heat(void) {
    struct watch w;
    clear();
    put_machine(45, "0-3:600000", "0-3:1800000");
    begin(&w, "0-3", 4);
    put_machine(61, "0-3:1800000", "0-3:1800000");
    qw_watched out = end_after(&w, 10);
    CHECK(out.throttled == QW_THROTTLED_NO && !out.throttled_by[0], "'%s'", out.throttled_by);
    CHECK(out.celsius_before == 45 && out.celsius_after == 61, "%g to %g C", out.celsius_before,
          out.celsius_after);
    CHECK(out.mhz_before == 600 && out.mhz_after == 1800, "%d to %d MHz", out.mhz_before,
          out.mhz_after);

    begin(&w, "0-3", 4);
    put_machine(85, "0-2:1800000 3:1000000", "0-3:1800000");
    watch_look(&w);
    put_machine(80, "0-3:1800000", "0-3:1800000");
    out = end_after(&w, 10);
    CHECK(strcmp(out.throttled_by, "CPU 3 ran at 1000 of 1800 MHz") == 0,
          "throttled at one look: '%s'", out.throttled_by);

    begin(&w, "0-3", 4);
    put_machine(85, "0-3:1200000", "0-3:1200000");
    watch_look(&w);
    put_machine(80, "0-3:1800000", "0-3:1800000");
    out = end_after(&w, 10);
    CHECK(strcmp(out.throttled_by, "CPU 0 is limited to 1200 of 1800 MHz") == 0,
          "limited at one look: '%s'", out.throttled_by);

    clear();
    begin(&w, "0-3", 4);
    out = end_after(&w, 10);
    CHECK(out.throttled == QW_THROTTLED_UNKNOWN && isnan(out.celsius_before) &&
              isnan(out.celsius_after) && !out.mhz_before && !out.mhz_after && !out.cpus[0] &&
              !out.disturbed_by[0],
          "an empty tree: %g C, %d MHz, '%s', '%s'", out.celsius_after, out.mhz_after, out.cpus,
          out.disturbed_by);
}

/* ---- this process ---- */

static void test_steps(void) {
    struct watch w;
    clear();
    begin(&w, "0", 1);
    for (int i = 0; i < 20; i++) watch_step(&w);
    for (int i = 0; i < WATCH_LONGEST; i++) w.longest[i] = 0.05;
    w.longest[0] = 0.75;                /* not above 0.2 + 12 x 0.05 */
    CHECK(!end_after(&w, 10).disturbed_by[0], "steps of unlike length");
    w.longest[0] = 2.1;
    w.longest[1] = 1.1;
    qw_watched out = end_after(&w, 0);
    CHECK(strcmp(out.disturbed_by, "it stood still for 3.1 s") == 0, "'%s'", out.disturbed_by);

    begin(&w, "0", 1);
    static const double steps[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
    static const double longest[WATCH_LONGEST] = {9, 6, 5, 5, 5, 4, 3, 3};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        w.last_step -= steps[i];
        watch_step(&w);
    }
    for (int i = 0; i < WATCH_LONGEST; i++)
        CHECK(fabs(w.longest[i] - longest[i]) < 0.9, "%g instead of %g", w.longest[i], longest[i]);
    out = end_after(&w, 50);
    CHECK(!out.disturbed_by[0], "few steps: '%s'", out.disturbed_by);

    begin(&w, "0", 1);
    w.last_step += 3600;
    watch_step(&w);
    out = end_after(&w, 1);
    CHECK(strstr(out.disturbed_by, "clock stood still or went back"), "'%s'", out.disturbed_by);
    begin(&w, "0", 1);
    w.boot -= 60;
    out = end_after(&w, 1);
    CHECK(strcmp(out.disturbed_by, "the machine slept for 60.0 s") == 0, "'%s'", out.disturbed_by);
}

/* A CPU that is taken away and given back. */
static void test_places(void) {
    struct watch w;
    struct cpu_mask allowed, one = {{0}};
    qw_watched out;
    char lost[64];
    int first = 0;
    qw_error err;
    cpus_allowed(&allowed);
    while (!mask_has(&allowed, first)) first++;
    mask_add(&one, first);
    watch_begin(&w, &allowed, 1, "");
    watch_end(&w, &out);
    CHECK(!strstr(out.disturbed_by, "taken away"), "nothing was: '%s'", out.disturbed_by);
    struct cpu_mask seen;
    CHECK(!out.cpus[0] || mask_parse(&seen, out.cpus, &err) == 0, "CPUs '%s'", out.cpus);
    if (mask_count(&allowed) == 1 || cpus_use(&one, &err)) return;
    cpus_use(&allowed, NULL);
    watch_begin(&w, &allowed, 1, "");
    cpus_use(&one, NULL);
    watch_look(&w);
    cpus_use(&allowed, NULL);
    watch_end(&w, &out);
    mask_remove(&allowed, first);
    mask_print(lost, sizeof lost, &allowed);
    const char *at = strstr(out.disturbed_by, lost);
    CHECK(at && strstr(at, " was taken away"), "CPU %s: '%s'", lost, out.disturbed_by);
}

/* A process that is stopped for a while, by a child. */
static void test_stopped(void) {
    struct watch w;
    qw_watched out;
    clear();
    begin(&w, "0", 1);
    for (int i = 0; i < 20; i++) {
        wait_ms(1);
        watch_step(&w);
    }
    pid_t child = fork();
    if (child == 0) {
        kill(getppid(), SIGSTOP);
        wait_ms(2500);
        kill(getppid(), SIGCONT);
        _exit(0);
    }
    while (waitpid(child, NULL, WNOHANG) == 0) {
        wait_ms(1);
        watch_step(&w);
    }
    watch_end(&w, &out);
    CHECK(strstr(out.disturbed_by, "it stood still for "), "'%s', longest %g s, then %g s",
          out.disturbed_by, w.longest[0], w.longest[1]);
}

int main(void) {
    tree_begin();
    RUN("watch: other programs, and a hypervisor", test_others);
    RUN("watch: waiting for a CPU", test_delay);
    RUN("watch: heat and clocks", test_heat);
    RUN("watch: steps that are too long, clocks that are wrong", test_steps);
    RUN("watch: a CPU that is taken away", test_places);
    RUN("watch: a process that is stopped", test_stopped);
    tree_end();
    TEST_END();
}
