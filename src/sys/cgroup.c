/* cgroup.c - the control groups (v2 and v1) that this process belongs to. */
#include "sys/cgroup.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void each_above(const char *root, const char *mount, const char *group, bool v2, cgroup_fn *f, void *ctx) {
    char dir[1024];
    int base = snprintf(dir, sizeof dir, "%s/sys/fs/cgroup%s%s", root, *mount ? "/" : "", mount), len = base;
    if (base >= 0 && base < (int)sizeof dir) len = base + snprintf(dir + base, sizeof dir - (size_t)base, "%s", group);
    if (len < 0 || len >= (int)sizeof dir) return;
    for (char *slash;; *slash = 0) {
        f(ctx, dir, v2);
        if (!(slash = strrchr(dir + base, '/'))) return;
    }
}

void cgroup_each(const char *root, const char *controller, cgroup_fn *f, void *ctx) {
    char path[1024], line[1024];
    size_t n = strlen(controller);
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {        /* "0::/path" (v2), "4:cpu,cpuacct:/path" (v1) */
        line[strcspn(line, "\n")] = 0;
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group) continue;
        *list = ',';
        *group++ = 0;
        bool v2 = list[1] == 0, v1 = false;
        for (const char *s = list; s && !v1; s = strchr(s + 1, ',')) v1 = strncmp(s + 1, controller, n) == 0 && (s[1 + n] == ',' || s[1 + n] == 0);
        if (v1 || v2) each_above(root, v2 ? "" : controller, group, v2, f, ctx);
    }
    if (file) fclose(file);
}
