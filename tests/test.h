/* test.h - a test program is a main() of RUN lines. Each test is a function; CHECK reports and remembers a failure and goes on. */
#ifndef QW_TEST_H
#define QW_TEST_H
#include <stdio.h>

static int test_failures_here, test_failures;

#define CHECK(cond, ...) do { if (!(cond)) { test_failures_here++; \
    if (test_failures_here <= 10) { printf("  %s:%d: %s: ", __FILE__, __LINE__, #cond); printf(__VA_ARGS__); printf("\n"); } } } while (0)

#define RUN(name, fn) do { test_failures_here = 0; fn(); \
    printf("%s - %s\n", test_failures_here ? "not ok" : "ok", name); fflush(stdout); \
    if (test_failures_here) test_failures++; } while (0)

#define TEST_END() return test_failures != 0

#endif
