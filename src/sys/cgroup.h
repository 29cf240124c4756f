/* cgroup.h - the control groups (v2 and v1) that this process belongs to. */
#ifndef QW_CGROUP_H
#define QW_CGROUP_H
#include <stdbool.h>

/* Calls f with the directory of this process's group and of each group above it, of v2 and of
 * v1's `controller` ("cpu", "memory"). root is "" except in tests. In a container the path may
 * be that of the host: files may be missing, and a missing file means no limit. */
typedef void cgroup_fn(void *ctx, const char *dir, bool v2);
void cgroup_each(const char *root, const char *controller, cgroup_fn *f, void *ctx);

#endif
