/* cpufreq.h - the clocks of CPUs, as Linux tells and governs them. */
#ifndef QW_CPUFREQ_H
#define QW_CPUFREQ_H
#include "sys/topology.h"

/* In all of these root is "" except in tests. */

/* A file of a CPU's cpufreq folder, which is in kHz ("cpuinfo_max_freq": what the hardware can do,
 * "scaling_max_freq": what it may do, "scaling_cur_freq"), in MHz; 0: unknown. */
int cpufreq_mhz(const char *root, int cpu, const char *file);

/* The CPUs that share this one's clock; false: unknown. */
bool cpufreq_related(struct cpu_mask *out, const char *root, int cpu);

/* Whether a CPU that is busy along with all others should run at its highest clock: not if the
 * governor ignores load, and not on x86, where only a few at a time can. */
bool cpufreq_full_when_busy(const char *root, int cpu);

#endif
