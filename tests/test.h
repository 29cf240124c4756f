/* test.h - a test program is a main() of RUN lines. Each test is a function; CHECK reports and
 * remembers a failure and goes on. A test that takes longer than QW_TEST_SECONDS (600 unless
 * set; 0: no limit) ends the program with a line that names it. */
#ifndef QW_TEST_H
#define QW_TEST_H
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int test_failures_here, test_failures;
static char test_too_long[256];         /* what the handler prints: it may not format */
static int test_too_long_n;

#define CHECK(cond, ...) do { \
    if (cond) break; \
    if (++test_failures_here > 10) break; \
    printf("  %s:%d: %s: ", __FILE__, __LINE__, #cond); \
    printf(__VA_ARGS__); \
    printf("\n"); \
    fflush(stdout); \
} while (0)

static inline void test_timeout(int sig) {
    (void)sig;
    _exit(write(STDOUT_FILENO, test_too_long, (size_t)test_too_long_n) < 0 ? 2 : 1);
}

static inline void test_run(const char *name, void (*fn)(void)) {
    const char *limit = getenv("QW_TEST_SECONDS");
    unsigned seconds = limit ? (unsigned)strtoul(limit, NULL, 10) : 600;
    test_too_long_n = snprintf(test_too_long, sizeof test_too_long,
                               "not ok - %.180s: took longer than %u seconds\n", name, seconds);
    test_failures_here = 0;
    signal(SIGALRM, test_timeout);
    alarm(seconds);
    fn();
    alarm(0);
    printf("%s - %s\n", test_failures_here ? "not ok" : "ok", name);
    fflush(stdout);
    if (test_failures_here) test_failures++;
}

#define RUN(name, fn) test_run(name, fn)
#define TEST_END() return test_failures != 0

#endif
