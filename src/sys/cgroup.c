/* cgroup.c - the control groups (v2 and v1) that this process belongs to. */
#include "sys/cgroup.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "sys/small_file.h"

/* Calls f for `group`, a path such as "/user.slice/a.scope" below the mount point, and all above
 * it. */
static void each_ancestor(const char *root, const char *mount, const char *group, bool v2,
                          cgroup_fn *f, void *ctx) {
    char dir[1024];
    int base = snprintf(dir, sizeof dir, "%s/sys/fs/cgroup%s%s", root, *mount ? "/" : "", mount);
    int len = base;
    if (base >= 0 && base < (int)sizeof dir)
        len = base + snprintf(dir + base, sizeof dir - (size_t)base, "%s", group);
    if (len < 0 || len >= (int)sizeof dir) return;
    for (char *slash;; *slash = 0) {
        f(ctx, dir, v2);
        if (!(slash = strrchr(dir + base, '/'))) return;
    }
}

/* Is `name` in the list, in which a comma stands before each item? */
static bool list_has(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *s = list; s; s = strchr(s + 1, ','))
        if (strncmp(s + 1, name, n) == 0 && (s[1 + n] == ',' || s[1 + n] == 0)) return true;
    return false;
}

void cgroup_each(const char *root, const char *controller, cgroup_fn *f, void *ctx) {
    char text[8192];
    if (!small_file(text, sizeof text, "%s/proc/self/cgroup", root)) return;
    /* Lines are "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1). */
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group) continue;
        *list = ',';
        *group++ = 0;
        bool v2 = list[1] == 0;
        if (v2) each_ancestor(root, "", group, v2, f, ctx);
        else if (list_has(list, controller)) each_ancestor(root, controller, group, v2, f, ctx);
    }
}
