/* arm_cores.h - what ARM cores are called. */
#ifndef QW_ARM_CORES_H
#define QW_ARM_CORES_H

/* The core's name, such as "Cortex-A53", from its implementer and part number, as in MIDR and in
 * /proc/cpuinfo; NULL if it is not known. */
const char *arm_core_name(unsigned implementer, unsigned part);

#endif
