/* cpu_names.h - what ARM cores are called. */
#ifndef QW_CPU_NAMES_H
#define QW_CPU_NAMES_H

/* The core's name, such as "Cortex-A53", from its implementer and part number, as in MIDR and in
 * /proc/cpuinfo; NULL if it is not known. */
const char *cpu_name(unsigned implementer, unsigned part);

#endif
