/* selftest.c - qw selftest, whether this machine computes right. */
#include <stdio.h>
#include <string.h>
#include "cli/commands/commands.h"

/* Parts of one level: how many there are, and the names of those that are wrong. */
struct parts {
    int n, n_wrong;
    char wrong[1024];
};

static void on_part(void *user, const char *part, int right) {
    struct parts *p = user;
    size_t used = strlen(p->wrong);
    p->n++;
    if (right) return;
    snprintf(p->wrong + used, sizeof p->wrong - used, "%s%s", p->n_wrong++ ? ", " : "", part);
}

/* 0, or an exit code after a message. */
static int test_level(const char *level) {
    struct parts p = {0};
    qw_error err;
    set_level(level);
    if (qw_selftest(level, on_part, &p, &err) < 0) return engine_error(&err, NULL);
    printf("%-12s %d of %d parts right\n", level, p.n - p.n_wrong, p.n);
    if (p.n_wrong == 0) return 0;
    say("kernel level %s computes wrong results: %s", level, p.wrong);
    return EXIT_ERROR;
}

static int cmd_selftest(int argc, char **argv) {
    char levels[128];
    const char *level = NULL;
    int worst = 0;
    struct flag flags[] = {
        {.names = "--cpu", .value = "LEVEL", .type = FLAG_STRING, .to = &level, .env = "QW_CPU",
         .help = "kernels of this level alone; qw --version lists those that this CPU can run"},
    };
    int rc = parse_flags(&command_selftest, flags, 1, argc, argv, NULL);
    if (rc) return rc;
    if (level) return test_level(level);
    qw_cpu_levels(levels, sizeof levels);
    for (char *next = levels, *one; (one = strtok_r(NULL, " ", &next)) != NULL;) {
        rc = test_level(one);
        if (rc > worst) worst = rc;
    }
    return worst;
}

const struct command command_selftest = {
    .name = "selftest",
    .summary = "whether this machine computes right",
    .arguments = "[FLAGS]",
    .details = "Each kernel of each level is compared with plain C, bit for bit; then a small\n"
               "built-in model must answer as it does on every other machine.\n",
    .run = cmd_selftest,
};
