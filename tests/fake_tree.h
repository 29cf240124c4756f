/* fake_tree.h - a made-up machine: files as Linux shows them below /sys and /proc, in a temporary
 * folder. */
#ifndef QW_FAKE_TREE_H
#define QW_FAKE_TREE_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sys/topology.h"

static char root[64];           /* the folder */

static inline void tree_fail(const char *what) {
    perror(what);
    exit(1);
}

static inline struct cpu_mask mask(const char *list) {
    struct cpu_mask m;
    if (mask_parse(&m, list, NULL)) tree_fail(list);
    return m;
}

/* The path in the tree, with the folders that lead to it. */
static inline void tree_path(char full[512], const char *path) {
    snprintf(full, 512, "%s/%s", root, path);
    for (char *s = full + strlen(root) + 1; (s = strchr(s, '/')) != NULL; *s++ = '/') {
        *s = 0;
        mkdir(full, 0700);
    }
}

static inline void put_bytes(const char *path, const void *p, size_t n) {
    char full[512];
    tree_path(full, path);
    FILE *f = fopen(full, "w");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f)) tree_fail(full);
}

static inline void put(const char *path, const char *text) {
    put_bytes(path, text, strlen(text));
}

static inline void put_number(const char *path, long long n) {
    char text[32];
    snprintf(text, sizeof text, "%lld\n", n);
    put(path, text);
}

/* "0-3:530 4-7:1024": a file with a line for each of those CPUs. */
static inline void put_cpus(const char *name, const char *values) {
    char list[32], value[64], path[128], text[80];
    int n;
    for (; values && sscanf(values, " %31[^:]:%63s%n", list, value, &n) == 2; values += n) {
        struct cpu_mask m = mask(list);
        for (int i = 0; i < MAX_CPUS; i++) {
            if (!mask_has(&m, i)) continue;
            snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/%s", i, name);
            snprintf(text, sizeof text, "%s\n", value);
            put(path, text);
        }
    }
}

/* Empties the tree. */
static inline void clear(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    if (system(command) || mkdir(root, 0700)) tree_fail(root);
}

static inline void tree_begin(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%.40s/qw-tree-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(root)) tree_fail(root);
}

static inline void tree_end(void) {
    clear();
    rmdir(root);
}

#endif
