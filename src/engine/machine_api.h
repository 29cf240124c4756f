/* machine_api.h - what qw.h tells of this machine, of any machine. */
#ifndef QW_MACHINE_API_H
#define QW_MACHINE_API_H
#include "sys/topology.h"

/* qw_find_machine and qw_find_cpus for a process that may run on the allowed CPUs, as the files
 * below root ("" except in tests) have it. */
void describe_machine(qw_machine *out, const struct cpu_mask *allowed, const char *root);
void describe_cpus(qw_cpus *out, const struct cpu_mask *allowed, const char *root);

#endif
