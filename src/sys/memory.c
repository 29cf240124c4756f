/* memory.c - how much memory is available to this process. */
#include "sys/memory.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sys/cgroup.h"
#include "sys/small_file.h"

/* The first number in the file dir/name, or the one right after `key` if that is not NULL;
 * UINT64_MAX when there is none ("max", no such file). */
static uint64_t read_number(const char *dir, const char *name, const char *key) {
    char text[8192], *at = text;
    if (!small_file(text, sizeof text, "%s/%s", dir, name)) return UINT64_MAX;
    if (key && !(at = strstr(text, key))) return UINT64_MAX;
    if (key) at += strlen(key);
    at += strspn(at, " \t");
    return *at >= '0' && *at <= '9' ? strtoull(at, NULL, 10) : UINT64_MAX;
}

static uint64_t group_limit(const char *dir, bool v2) {
    return read_number(dir, v2 ? "memory.max" : "memory.limit_in_bytes", NULL);
}

/* The limit minus what is in use, not counting the page cache, which can be reclaimed. ctx:
 * uint64_t, the least so far. */
static void take_group_left(void *ctx, const char *dir, bool v2) {
    uint64_t *least = ctx;
    uint64_t limit = group_limit(dir, v2);
    uint64_t used = read_number(dir, v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
    uint64_t cache = read_number(dir, "memory.stat", v2 ? "\nfile " : "\ntotal_cache ");
    if (limit == UINT64_MAX || used == UINT64_MAX) return;
    if (cache != UINT64_MAX) used -= cache < used ? cache : used;
    uint64_t left = limit > used ? limit - used : 0;
    if (left < *least) *least = left;
}

/* A line of /proc/meminfo, which is in kB, in bytes; UINT64_MAX when there is none. */
static uint64_t read_meminfo(const char *root, const char *key) {
    char proc[1024];
    snprintf(proc, sizeof proc, "%s/proc", root);
    uint64_t n = read_number(proc, "meminfo", key);
    return n > UINT64_MAX >> 10 ? UINT64_MAX : n << 10;
}

uint64_t available_memory(const char *root) {
    uint64_t least = read_meminfo(root, "MemAvailable:");
    cgroup_each(root, "memory", take_group_left, &least);
    if (least == UINT64_MAX) return 0;
    return least == 0 ? 1 : least;
}

/* ctx: uint64_t, the least so far */
static void take_group_limit(void *ctx, const char *dir, bool v2) {
    uint64_t *least = ctx, limit = group_limit(dir, v2);
    if (limit < *least) *least = limit;
}

static uint64_t or_0(uint64_t n) {
    return n == UINT64_MAX ? 0 : n;
}

/* Without a limit, v1 has one of about 2^63. */
void memory_find(struct memory *out, const char *root) {
    uint64_t total = read_meminfo(root, "MemTotal:"), limit = total;
    cgroup_each(root, "memory", take_group_limit, &limit);
    *out = (struct memory){
        .total = or_0(total), .available = available_memory(root),
        .swap = or_0(read_meminfo(root, "SwapTotal:")),
        .swap_free = or_0(read_meminfo(root, "SwapFree:")),
        .limit = limit < total && limit < UINT64_C(1) << 62 ? limit : 0,
    };
}
