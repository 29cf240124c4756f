/* cgroup.h - the control groups (v2 and v1) that this process belongs to. */
#ifndef QW_CGROUP_H
#define QW_CGROUP_H
#include <stdbool.h>

/* Call f with the directory of this process's group and of each above it: of v2, and of v1's `controller` ("cpu", "memory"). root is
 * "" but for tests. In a container the path may be that outside: files may be missing, and what is missing limits nothing. */
typedef void cgroup_fn(void *ctx, const char *dir, bool v2);
void cgroup_each(const char *root, const char *controller, cgroup_fn *f, void *ctx);

#endif
