/* memory.c - L0: how much memory there is for us. */
#include "memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first number in a small file, after `key` if that is not NULL; UINT64_MAX when there is none ("max", no such file). */
static uint64_t number_in(const char *path, const char *key) {
    char text[8192], *at = text;
    FILE *f = fopen(path, "re");
    if (!f) return UINT64_MAX;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    if (key && !(at = strstr(text, key))) return UINT64_MAX;
    if (key) at += strlen(key);
    at += strspn(at, " \t");
    return *at >= '0' && *at <= '9' ? strtoull(at, NULL, 10) : UINT64_MAX;
}

/* limit - used, where used leaves out the page cache, which gives way. */
static uint64_t left(const char *limit_file, const char *usage_file, const char *stat_file, const char *cache_key) {
    uint64_t limit = number_in(limit_file, NULL), used = number_in(usage_file, NULL), cache = number_in(stat_file, cache_key);
    if (limit == UINT64_MAX || used == UINT64_MAX) return UINT64_MAX;
    if (cache != UINT64_MAX && cache < used) used -= cache;
    return limit > used ? limit - used : 0;
}

uint64_t available_memory(void) {
    uint64_t best = number_in("/proc/meminfo", "MemAvailable:");
    if (best != UINT64_MAX) best = best > UINT64_MAX >> 10 ? UINT64_MAX : best << 10;
#define CGROUP "/sys/fs/cgroup/"
    uint64_t v2 = left(CGROUP "memory.max", CGROUP "memory.current", CGROUP "memory.stat", "\nfile ");
    uint64_t v1 = left(CGROUP "memory/memory.limit_in_bytes", CGROUP "memory/memory.usage_in_bytes", CGROUP "memory/memory.stat", "\ntotal_cache ");
#undef CGROUP
    if (v2 < best) best = v2;
    if (v1 < best) best = v1;
    return best == UINT64_MAX ? 0 : best == 0 ? 1 : best;
}
