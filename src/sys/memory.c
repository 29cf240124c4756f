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

/* The limit minus what is in use, not counting the page cache, which can be reclaimed. ctx:
 * uint64_t, the least so far. */
static void take_group_limit(void *ctx, const char *dir, bool v2) {
    uint64_t *least = ctx;
    uint64_t limit = read_number(dir, v2 ? "memory.max" : "memory.limit_in_bytes", NULL);
    uint64_t used = read_number(dir, v2 ? "memory.current" : "memory.usage_in_bytes", NULL);
    uint64_t cache = read_number(dir, "memory.stat", v2 ? "\nfile " : "\ntotal_cache ");
    if (limit == UINT64_MAX || used == UINT64_MAX) return;
    if (cache != UINT64_MAX) used -= cache < used ? cache : used;
    uint64_t left = limit > used ? limit - used : 0;
    if (left < *least) *least = left;
}

uint64_t available_memory(const char *root) {
    char proc[1024];
    snprintf(proc, sizeof proc, "%s/proc", root);
    uint64_t least = read_number(proc, "meminfo", "MemAvailable:");     /* in kB */
    if (least != UINT64_MAX) least = least > UINT64_MAX >> 10 ? UINT64_MAX : least << 10;
    cgroup_each(root, "memory", take_group_limit, &least);
    if (least == UINT64_MAX) return 0;
    return least == 0 ? 1 : least;
}
