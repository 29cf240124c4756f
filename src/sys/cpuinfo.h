/* cpuinfo.h - what /proc/cpuinfo tells of the CPUs that are online. */
#ifndef QW_CPUINFO_H
#define QW_CPUINFO_H
#include "sys/topology.h"

struct cpuinfo {
    char model_name[128];       /* x86: "AMD Ryzen 7 ..."; ARM kernels may put "ARMv7 ..." here */
    char hardware[128];         /* ARM, older kernels: "Qualcomm MSM8974" */
    char model[128];            /* Raspberry Pi: "Raspberry Pi 4 Model B Rev 1.4" */
    char uarch[64], isa[64];    /* RISC-V: "sifive,u74-mc", "rv64imafdc" */
    char cpu[64];               /* MIPS, POWER: "MIPS 1004Kc V2.15", "POWER9" */
    uint32_t core[MAX_CPUS];    /* ARM: core_id; 0: unknown */
    uint16_t mhz[MAX_CPUS];     /* x86: current clock; 0: unknown */
    bool one_for_all;           /* there is one core_id for all CPUs, whatever they are: ARM, before
                                 * Linux 3.19 or so */
};

/* Implementer and part of an ARM core in one number. */
static inline uint32_t core_id(uint32_t implementer, uint32_t part) {
    return (implementer & 0xff) << 16 | (part & 0xfff);
}

/* root is "" except in tests. What is not there is empty or 0. */
void cpuinfo_read(struct cpuinfo *out, const char *root);

#endif
