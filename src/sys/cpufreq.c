/* cpufreq.c - the clocks of CPUs, as Linux tells and governs them. */
#include "sys/cpufreq.h"
#include <string.h>
#include "sys/small_file.h"

#define CPUFREQ "%s/sys/devices/system/cpu/cpu%d/cpufreq/"

int cpufreq_mhz(const char *root, int cpu, const char *file) {
    uint64_t khz;
    bool ok = small_file_number(&khz, CPUFREQ "%s", root, cpu, file);
    return ok && khz <= 1000000000 ? (int)((khz + 500) / 1000) : 0;
}

/* The kernel writes "0 1 2 3". */
bool cpufreq_related(struct cpu_mask *out, const char *root, int cpu) {
    char text[8192];
    if (!small_file_name(text, sizeof text, CPUFREQ "related_cpus", root, cpu)) return false;
    for (char *s = text; (s = strchr(s, ' ')) != NULL;) *s = ',';
    return mask_parse(out, text, NULL) == 0;
}

static bool begins_with(const char *text, const char *const *words, int n) {
    for (int i = 0; i < n; i++)
        if (strncmp(text, words[i], strlen(words[i])) == 0) return true;
    return false;
}

bool cpufreq_full_when_busy(const char *root, int cpu) {
    static const char *const turbo[] = {"intel_", "acpi-cpufreq", "amd", "pcc-cpufreq"};
    static const char *const fixed[] = {"powersave", "userspace"};
    char text[32];
    if (small_file_line(text, sizeof text, CPUFREQ "scaling_driver", root, cpu) &&
        begins_with(text, turbo, 4))
        return false;
    return !small_file_line(text, sizeof text, CPUFREQ "scaling_governor", root, cpu) ||
           !begins_with(text, fixed, 2);
}
