/* machine.c - what this machine is, for people and for tables of measurements. */
#include "sys/machine.h"
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "sys/small_file.h"

#define DEVICE_TREE "/proc/device-tree"

/* A machine of qemu's that is none in particular. */
#define VIRTUAL "linux,dummy-virt"

/* "4 x Cortex-A55, 2 x Cortex-A76"; "" unless all have names. */
static void list_cores(struct machine *m) {
    size_t used = 0, size = sizeof m->cores;
    for (int i = 0; i < m->n_clusters; i++) {
        const struct cluster *c = &m->clusters[i];
        used += (size_t)snprintf(m->cores + used, size - used, "%s%d x %s", i ? ", " : "",
                                 c->n_cpus, c->core);
        if (used < size && c->core[0]) continue;
        m->cores[0] = 0;
        return;
    }
}

/* ARM kernels give the architecture as the model's name. */
static bool is_architecture(const char *model_name) {
    return strncmp(model_name, "ARMv", 4) == 0 || strncmp(model_name, "AArch64", 7) == 0;
}

static void find_name(struct machine *m, const struct cpuinfo *info, const char *root) {
    char board[128];
    small_file_name(board, sizeof board, "%s" DEVICE_TREE "/model", root);
    if (strcmp(board, VIRTUAL) == 0) board[0] = 0;
    const char *const names[] = {
        is_architecture(info->model_name) ? "" : info->model_name,
        board, info->model, info->hardware, info->uarch, info->cpu, m->cores, info->isa,
    };
    snprintf(m->name, sizeof m->name, "unknown %s", m->arch[0] ? m->arch : "CPU");
    for (size_t i = sizeof names / sizeof *names; i-- > 0;)
        if (names[i][0]) snprintf(m->name, sizeof m->name, "%s", names[i]);
}

/* The last of the device tree's names: "raspberrypi,5-model-b", "brcm,bcm2712". */
static void find_compatible(char *out, size_t size, const char *root) {
    char text[512];
    if (!small_file(text, sizeof text, "%s" DEVICE_TREE "/compatible", root)) return;
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '\n') text[--n] = 0;
    const char *last = strrchr(text, '\n');
    last = last ? last + 1 : text;
    if (strcmp(last, VIRTUAL) == 0) return;
    const char *comma = strchr(last, ',');
    snprintf(out, size, "%.63s", comma ? comma + 1 : last);
    clean_name(out);
}

/* soc_id is a name or, on phones, a number, and then machine is the name. */
static void find_soc(char *out, size_t size, const char *root) {
    static const char *const files[] = {"soc_id", "machine"};
    for (int i = 0; i < 2; i++) {
        small_file_name(out, size, "%s/sys/devices/soc0/%s", root, files[i]);
        if ((out[0] >= 'A' && out[0] <= 'Z') || (out[0] >= 'a' && out[0] <= 'z')) return;
    }
    out[0] = 0;
    find_compatible(out, size, root);
}

static void find_kernel(struct machine *m, const char *root) {
    struct utsname u;
    bool known = uname(&u) == 0;
    snprintf(m->arch, sizeof m->arch, "%.31s", known ? u.machine : "");
    clean_name(m->arch);
    if (small_file_name(m->kernel, sizeof m->kernel, "%s/proc/sys/kernel/osrelease", root)) return;
    snprintf(m->kernel, sizeof m->kernel, "%s", known ? u.release : "");
    clean_name(m->kernel);
}

void machine_find(struct machine *out, const struct cpu_mask *allowed, const char *root) {
    struct cpuinfo info;
    *out = (struct machine){.n_clusters = 0};
    cpuinfo_read(&info, root);
    out->n_clusters = clusters_find(out->clusters, allowed, &info, root);
    list_cores(out);
    find_kernel(out, root);
    find_name(out, &info, root);
    find_soc(out->soc, sizeof out->soc, root);
    memory_find(&out->memory, root);
}
