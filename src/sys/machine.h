/* machine.h - what this machine is, for people and for tables of measurements. */
#ifndef QW_MACHINE_H
#define QW_MACHINE_H
#include "sys/clusters.h"
#include "sys/memory.h"

/* Texts are printable ASCII, "" where nothing is known. */
struct machine {
    char name[160];             /* of the CPU (x86: "AMD Ryzen 7 ...") or the board or phone
                                 * ("Raspberry Pi 5 Model B Rev 1.0"); else the cores; else
                                 * "unknown" and arch: never empty */
    char soc[64];               /* "bcm2712", "SM8150"; not on x86 */
    char cores[160];            /* "4 x Cortex-A55, 2 x Cortex-A76" */
    char kernel[96];            /* release: "6.6.31+rpt-rpi-v8" */
    char arch[32];              /* of the kernel: "aarch64", also where this program is 32-bit */
    int n_clusters;
    struct cluster clusters[MAX_CLUSTERS];
    struct memory memory;
};

/* What /proc and /sys below root ("" except in tests) say; `allowed` are CPUs that there are for
 * certain (cpus_allowed). Their content is not trusted; what cannot be read is unknown, and
 * nothing fails. */
void machine_find(struct machine *out, const struct cpu_mask *allowed, const char *root);

#endif
