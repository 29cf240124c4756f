/* test_thread_rule.c - the default numbers of threads against a model of time: on made-up machines
 * the rule's choice reaches 95 % of the best set of cores' speed, for answers and for prompts.
 *
 * The model: a core multiplies at its int8 rate and gets its share of what the set of cores reads
 * from memory. It claims chunks of a matrix as parallel_for hands them out (next_chunk,
 * panels_at_once), so that a slow core costs what its last chunk costs. Each further thread costs
 * BARRIER for each parallel_for. How much more than one core k cores of a kind read is not known:
 * twice as much at most, so all from 1.0 to 2.0 is tried. All kinds share one memory, which gives
 * no more than the kind that draws most from it. */
#include <stdbool.h>
#include <string.h>
#include "engine/decoder.h"
#include "fake_tree.h"
#include "sys/threads.h"
#include "sys/topology.h"
#include "test.h"

enum { MAX_KINDS = 3, MAX_CORES = 24 };

/* Cores of one kind, slowest kind first, as the CPUs are numbered. */
struct kind {
    int n, capacity, mhz;       /* as Linux tells them */
    double rate, read;          /* of one core: int8 multiply-adds, bytes, in 10^9 a second */
};

struct board {
    const char *name;
    int hyperthreads;           /* of a core: 1 or 2 */
    struct kind kinds[MAX_KINDS];
    bool counted;               /* rates by the cycles that tools/arm-table.sh counts for a token of
                                 * a prompt, not at peak; no answers are compared */
};

/* rate: multiply-adds per cycle (A53, A72, A73, A15 8, A7 4, A55 and A520 16, A76 and the like 32,
 * X1 and X4 64) x clock; read: tinymembench on that board, or another with the same core. */
static const struct board boards[] = {
    {"Pi Zero 2W", 1, {{4, 1024, 1000, 8, 2.1}}, false},
    {"Pi 4", 1, {{4, 1024, 1500, 12, 4.0}}, false},
    {"RK3399", 1, {{4, 381, 1416, 11.3, 2.35}, {2, 1024, 1800, 14.4, 7.3}}, false},
    {"Pi 5", 1, {{4, 1024, 2400, 76.8, 14.5}}, false},
    {"RK3588", 1, {{4, 397, 1800, 28.8, 5}, {4, 1024, 2400, 76.8, 19}}, false},
    {"Odroid XU4", 1, {{4, 377, 1400, 5.6, 1.34}, {4, 1024, 2000, 16, 4.5}}, false},
    {"RK3399, counted", 1, {{4, 381, 1416, 4.5, 2.35}, {2, 1024, 1800, 10.7, 7.3}}, true},
    {"RK3588, counted", 1, {{4, 397, 1800, 13.4, 5}, {4, 1024, 2400, 44, 19}}, true},
    {"S922X", 1, {{2, 623, 1896, 15.2, 2.5}, {4, 1024, 1800, 14.4, 6}}, false},
    {"2+6", 1, {{6, 382, 2000, 32, 5}, {2, 1024, 2050, 65.6, 14}}, false},
    {"4+3+1", 1,
     {{4, 381, 1785, 28.6, 5}, {3, 871, 2419, 77.4, 15}, {1, 1024, 2841, 90.9, 17}}, false},
    {"4+2+2", 1,
     {{4, 160, 1803, 28.8, 5}, {2, 498, 2253, 72, 14}, {2, 1024, 2802, 179, 18}}, false},
    {"2+5+1", 1,
     {{2, 290, 2265, 36.2, 6}, {5, 870, 3000, 96, 17}, {1, 1024, 3300, 211, 20}}, false},
    {"2+5+1, two small cores share a vector unit", 1,
     {{2, 290, 2265, 18.1, 6}, {5, 870, 3000, 96, 17}, {1, 1024, 3300, 211, 20}}, false},
    {"4+1", 1, {{4, 600, 2800, 45, 8}, {1, 1024, 3000, 90, 20}}, false},
    {"hyperthreads", 2, {{4, 1024, 3000, 200, 12}}, false},
    {"hyperthreads, 8 cores", 2, {{8, 1024, 4000, 250, 20}}, false},
    {"16 small, 8 large cores", 1, {{16, 600, 3900, 60, 12}, {8, 1024, 5200, 150, 30}}, false},
};

/* ---- the model ---- */

/* What of each kind works. */
struct set { int n[MAX_KINDS]; };

/* Reading by up to 1, 2, and from 4 cores on, in rates of one core. */
struct factors { double two, four; };

struct load {
    double bits;                /* of a weight */
    int tokens, jobs;           /* of a pass; parallel_for's of a layer */
    bool head;                  /* for each pass */
};

static const struct load answer_q4 = {4.5625, 1, 5, true}, answer_q8 = {8.3125, 1, 5, true},
                         prompt_q4 = {4.5625, 64, 15, false}, prompt_q8 = {8.3125, 64, 15, false};

#define BARRIER 0.3e-6          /* seconds; 0.2 to 0.4 measured on x86 */

/* Qwen3-0.6B */
static const struct product { int rows, cols; bool head; } products[] = {
    {4096, 1024, false}, {1024, 2048, false}, {6144, 1024, false}, {1024, 3072, false},
    {151936, 1024, true},
};
enum { N_PRODUCTS = sizeof products / sizeof *products, LAYERS = 28 };

/* What n cores of a kind read. */
static double scale_reads(const struct kind *k, int n, struct factors f) {
    const double by[] = {0, 1, f.two, (f.two + f.four) / 2, f.four};
    return k->read * by[n < 4 ? n : 4];
}

/* What a core of the set reads, as a share of what one of its kind reads alone. */
static double share_of_reads(const struct board *b, const struct set *s, struct factors f) {
    double sum = 0, all = 0, most = 0;
    for (int i = 0; i < MAX_KINDS; i++) {
        const double whole = scale_reads(&b->kinds[i], b->kinds[i].n, f);
        sum += scale_reads(&b->kinds[i], s->n[i], f);
        all += b->kinds[i].read * s->n[i];
        if (whole > most) most = whole;
    }
    return (sum < most ? sum : most) / all;
}

/* A thread at work. */
struct worker {
    int kind;
    double wobble;              /* a little faster or slower than its kind */
    unsigned start, done;       /* grains: those that others had claimed before, its own */
    double ahead;               /* panels of its chunk that are not computed yet */
    double rate;                /* panels per second */
};

/* A product, as a job of all threads. */
struct job {
    const struct board *b;
    struct factors f;
    double macs, bytes;         /* of a panel, in 10^9 */
    int64_t panels, grain;
    unsigned grains, first, threads;
};

/* Those that are still at work share what memory gives. */
static void set_rates(const struct job *j, struct worker *w, int n) {
    struct set s = {{0}};
    for (int k = 0; k < n; k++) s.n[w[k].kind]++;
    const double share = share_of_reads(j->b, &s, j->f);
    for (int k = 0; k < n; k++) {
        const struct kind *kind = &j->b->kinds[w[k].kind];
        const double multiply = kind->rate / j->macs, read = kind->read * share / j->bytes;
        w[k].rate = w[k].wobble * (multiply < read ? multiply : read);
    }
}

/* False: it leaves. */
static bool claim(struct job *j, struct worker *w) {
    const unsigned n = next_chunk(j->grains - j->first, j->first - w->start, w->done,
                                  j->threads);
    const int64_t begin = j->first * j->grain, end = (j->first + n) * j->grain;
    w->ahead = (double)((end < j->panels ? end : j->panels) - begin);
    w->done += n;
    j->first += n;
    return n > 0;
}

/* Seconds until the last of n threads has left. */
static double time_job(struct job *j, struct worker *w, int n) {
    double sum = 0;
    for (int k = 0; k < n; k++) {
        w[k].start = j->first;
        if (!claim(j, &w[k])) w[k--] = w[--n];
    }
    set_rates(j, w, n);
    while (n > 0) {
        const int before = n;
        double least = 1e9;
        for (int k = 0; k < n; k++)
            if (w[k].ahead / w[k].rate < least) least = w[k].ahead / w[k].rate;
        sum += least;
        for (int k = 0; k < n; k++) {
            w[k].ahead -= least * w[k].rate;
            if (w[k].ahead < 1e-9 && !claim(j, &w[k])) w[k--] = w[--n];
        }
        if (n != before && n > 0) set_rates(j, w, n);
    }
    return sum;
}

/* The mean of several rounds with other wobbles: cores are never so equal as to finish in step. */
static double time_product(const struct board *b, const struct set *s, const struct load *l,
                           const struct product *p, struct factors f) {
    enum { ROUNDS = 4 };
    double sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct job j = {.b = b, .f = f, .macs = 16.0 * p->cols * l->tokens / 1e9,
                        .bytes = 16.0 * p->cols * l->bits / 8e9, .panels = p->rows / 16};
        struct worker w[MAX_CORES];
        int n = 0;
        for (int i = 0; i < MAX_KINDS; i++)
            for (int c = 0; c < s->n[i]; c++, n++)
                w[n] = (struct worker){i, 1 + 0.01 * ((7 * n + 5 * round) % 9 - 4), 0, 0, 0, 0};
        j.threads = (unsigned)n;
        j.grain = panels_at_once(j.panels, (uint64_t)(j.bytes * 1e9), n);
        j.grains = (unsigned)((j.panels + j.grain - 1) / j.grain);
        sum += time_job(&j, w, n);
    }
    return sum / ROUNDS;
}

/* Seconds of a pass. */
static double time_pass(const struct board *b, const struct set *s, const struct load *l,
                        struct factors f) {
    const int threads = s->n[0] + s->n[1] + s->n[2];
    double sum = (LAYERS * l->jobs + l->head) * BARRIER * (threads - 1);
    for (int i = 0; i < N_PRODUCTS; i++)
        if (!products[i].head) sum += LAYERS * time_product(b, s, l, &products[i], f);
        else if (l->head) sum += time_product(b, s, l, &products[i], f);
    return sum;
}

static double time_best(const struct board *b, const struct load *l, struct factors f,
                        struct set *best) {
    double least = 1e9;
    for (int i = 0; i <= b->kinds[0].n; i++)
        for (int j = 0; j <= b->kinds[1].n; j++)
            for (int k = 0; k <= b->kinds[2].n; k++) {
                const struct set s = {{i, j, k}};
                if (i + j + k == 0) continue;
                const double t = time_pass(b, &s, l, f);
                if (t >= least) continue;
                least = t;
                *best = s;
            }
    return least;
}

/* ---- the rule ---- */

static void make_tree(const struct board *b, bool capacities) {
    const int width = b->hyperthreads;
    char path[128], text[32];
    int cpu = 0;
    clear();
    for (int i = 0; i < MAX_KINDS; i++)
        for (int k = 0; k < width * b->kinds[i].n; k++, cpu++) {
            const int core = cpu / width * width;
            snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/cpu_capacity", cpu);
            if (capacities) put_number(path, b->kinds[i].capacity);
            snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/cpufreq/cpuinfo_max_freq",
                     cpu);
            put_number(path, 1000LL * b->kinds[i].mhz);
            snprintf(path, sizeof path,
                     "sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
            snprintf(text, sizeof text, "%d-%d\n", core, core + width - 1);
            put(path, text);
        }
}

/* The cores that n threads have among these CPUs: one each. */
static struct set cores_of(const struct board *b, const struct cpu_mask *m, int n,
                           const char *what) {
    struct set s = {{0}};
    int cpu = 0, all = 0;
    for (int i = 0; i < MAX_KINDS; i++)
        for (int k = 0; k < b->kinds[i].n; k++, cpu += b->hyperthreads) {
            s.n[i] += mask_has(m, cpu);
            all += mask_has(m, cpu);
        }
    CHECK(all == n, "%s: %d threads %s, on %d cores", b->name, n, what, all);
    return s;
}

static void compare(const struct board *b, const struct set *s, const struct load *l,
                    struct factors f, const char *what) {
    struct set best = {{0}};
    const double least = time_best(b, l, f, &best), t = time_pass(b, s, l, f);
    CHECK(t * 0.95 <= least,
          "%s, %s, reads x %.2f with two cores, %.2f with four: %d+%d+%d reach %.1f %% of %d+%d+%d",
          b->name, what, f.two, f.four, s->n[0], s->n[1], s->n[2], 100 * least / t, best.n[0],
          best.n[1], best.n[2]);
}

static void check_board(const struct board *b, bool capacities) {
    struct cpu_mask all = {{0}};
    struct cpus c;
    int n = 0;
    for (int i = 0; i < MAX_KINDS; i++) n += b->hyperthreads * b->kinds[i].n;
    for (int i = 0; i < n; i++) mask_add(&all, i);
    make_tree(b, capacities);
    cpus_find(&c, &all, root);
    const struct set one = cores_of(b, &c.fast, c.n_threads, "for answers");
    const struct set more = cores_of(b, &c.usable, c.n_threads_batch, "for prompts");
    for (int two = 0; two <= 4 && !b->counted; two++)
        for (int four = two; four <= 4; four++) {
            const struct factors f = {1 + 0.25 * two, 1 + 0.25 * four};
            compare(b, &one, &answer_q4, f, "answers q4");
            compare(b, &one, &answer_q8, f, "answers q8");
        }
    compare(b, &more, &prompt_q4, (struct factors){2, 2}, "prompts q4");
    compare(b, &more, &prompt_q8, (struct factors){2, 2}, "prompts q8");
}

static void test_boards(void) {
    for (size_t i = 0; i < sizeof boards / sizeof *boards; i++) check_board(&boards[i], true);
}

/* Without cpu_capacity the clocks decide. */
static void test_clocks(void) {
    static const char *const names[] = {"RK3399", "RK3588", "Odroid XU4", "4+3+1", "4+2+2"};
    for (size_t i = 0; i < sizeof boards / sizeof *boards; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strcmp(boards[i].name, names[k]) == 0) check_board(&boards[i], false);
}

static void test_equal_cores(void) {
    for (int n = 1; n <= 16; n++) {
        const struct board a53 = {"equal, as A53", 1, {{n, 1024, 1200, 9.6, 2}}, false};
        const struct board x86 = {"equal, as x86", 1, {{n, 1024, 3000, 110, 16}}, false};
        check_board(&a53, true);
        check_board(&x86, true);
    }
}

/* Of 6.5 times the speed, six large cores would be held up by two small ones. */
static void test_two_kinds(void) {
    static const int kinds[][2] = {{4, 4}, {4, 2}, {6, 2}, {2, 6}, {7, 1}, {2, 2}};
    for (int i = 0; i < 6; i++)
        for (double ratio = 1.5; ratio < 6.1; ratio += 0.5) {
            char name[64];
            snprintf(name, sizeof name, "one kind %.1f times as fast", ratio);
            const struct board b = {name, 1,
                                    {{kinds[i][0], (int)(1024 / ratio), 1500, 12, 9 / ratio},
                                     {kinds[i][1], 1024, 2400, 12 * ratio, 9}}, false};
            check_board(&b, true);
        }
}

int main(void) {
    tree_begin();
    RUN("thread rule: boards, and machines of two and three kinds of cores", test_boards);
    RUN("thread rule: only the clocks are known", test_clocks);
    RUN("thread rule: 1 to 16 equal cores", test_equal_cores);
    RUN("thread rule: small cores of every speed", test_two_kinds);
    tree_end();
    TEST_END();
}
