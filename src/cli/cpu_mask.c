/* cpu_mask.c - lists of CPUs as masks in hexadecimal, and back. */
#include "cli/cpu_mask.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;                            /* lower case */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool list_mask(const char *mask, char out[CPU_LIST]) {
    const char *digits = mask + (strncasecmp(mask, "0x", 2) == 0 ? 2 : 0);
    size_t n_digits = strlen(digits), n = 0;
    size_t first = 0, bits = 4 * n_digits;
    bool inside = false;                /* of a run of CPUs that began with first */
    if (n_digits == 0 || digits[strspn(digits, "0123456789abcdefABCDEF")]) return false;
    for (size_t cpu = 0; cpu <= bits; cpu++) {
        int digit = cpu < bits ? hex_digit(digits[n_digits - 1 - cpu / 4]) : 0;
        bool in = digit >> cpu % 4 & 1;
        if (in && !inside) first = cpu;
        if (!in && inside)
            n += (size_t)snprintf(out + n, CPU_LIST - n, "%s%zu-%zu", n ? "," : "", first, cpu - 1);
        if (n >= CPU_LIST) return false;
        inside = in;
    }
    return n > 0;
}

void mask_list(const char *list, char out[CPU_MASK]) {
    enum { DIGITS = CPU_MASK - 3 };
    int digits[DIGITS] = {0}, n = 1;            /* lowest first */
    while (*list >= '0' && *list <= '9') {
        char *end;
        long first = strtol(list, &end, 10), last = first;
        if (*end == '-') last = strtol(end + 1, &end, 10);
        for (long cpu = first; cpu <= last && cpu < 4 * DIGITS; cpu++) {
            digits[cpu / 4] |= 1 << cpu % 4;
            if (cpu / 4 >= n) n = (int)(cpu / 4) + 1;
        }
        list = *end ? end + 1 : end;
    }
    strcpy(out, "0x");
    for (int i = 0; i < n; i++) out[2 + i] = "0123456789abcdef"[digits[n - 1 - i]];
    out[2 + n] = 0;
}
