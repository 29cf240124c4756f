/* memory.c - how much memory there is for us. */
#include "sys/memory.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sys/cgroup.h"

/* The first number in the file dir/name, after `key` if that is not NULL; UINT64_MAX when there is none ("max", no such file). */
static uint64_t number_in(const char *dir, const char *name, const char *key) {
    char path[1200], text[8192], *at = text;
    snprintf(path, sizeof path, "%s/%s", dir, name);
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

/* The limit less what is used without the page cache, which gives way. ctx: uint64_t, the least so far */
static void left_in_group(void *ctx, const char *dir, bool v2) {
    uint64_t *least = ctx, limit = number_in(dir, v2 ? "memory.max" : "memory.limit_in_bytes", NULL);
    uint64_t used = number_in(dir, v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
    uint64_t cache = number_in(dir, "memory.stat", v2 ? "\nfile " : "\ntotal_cache ");
    if (limit == UINT64_MAX || used == UINT64_MAX) return;
    if (cache != UINT64_MAX) used -= cache < used ? cache : used;
    uint64_t left = limit > used ? limit - used : 0;
    if (left < *least) *least = left;
}

uint64_t available_memory(const char *root) {
    char proc[1024];
    snprintf(proc, sizeof proc, "%s/proc", root);
    uint64_t best = number_in(proc, "meminfo", "MemAvailable:");
    if (best != UINT64_MAX) best = best > UINT64_MAX >> 10 ? UINT64_MAX : best << 10;
    cgroup_each(root, "memory", left_in_group, &best);
    return best == UINT64_MAX ? 0 : best == 0 ? 1 : best;
}
