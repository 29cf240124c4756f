/* thermal.c - how hot the CPU is. */
#include "sys/thermal.h"
#include <math.h>
#include <string.h>
#include "sys/small_file.h"

/* Sensors are tried by number, as some systems do not let their folders be listed. Numbers may have
 * gaps. */
enum { MAX_ZONES = 256, MAX_CHIPS = 64, MAX_INPUTS = 128 };

/* Degrees. Beyond them a sensor is off or broken. */
enum { LOWEST = 1, HIGHEST = 150 };

#define ZONE "%s/sys/class/thermal/thermal_zone%d/"
#define CHIP "%s/sys/class/hwmon/hwmon%d/"

/* The higher one; NAN counts as none. */
static double hotter(double a, double b) {
    return a >= b || isnan(b) ? a : b;
}

static double plausible(double degrees) {
    return degrees >= LOWEST && degrees <= HIGHEST ? degrees : NAN;
}

/* The SoC's parts that compute, by what the sensor is called: "cpu-thermal", "x86_pkg_temp",
 * "tsens_tz_sensor4", "soc-thermal", "bigcore0-thermal", "LITTLE". */
static bool names_cpu(const char *type) {
    static const char *const words[] = {"cpu", "CPU", "soc", "tsens", "x86_pkg", "core", "cluster",
                                        "BIG", "LITTLE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(type, words[i])) return true;
    return false;
}

/* Zones are in thousandths of a degree, on older phones some are in degrees. "soc" alone may be a
 * battery's state of charge, in percent. */
static double read_zone(const char *root, int zone, const char *type) {
    uint64_t n;
    if (!small_file_number(&n, ZONE "temp", root, zone)) return NAN;
    if (n <= HIGHEST) return strcmp(type, "soc") == 0 ? NAN : plausible((double)n);
    return plausible((double)n / 1000);
}

/* The hottest zone that is a CPU's, or one of all. */
static double hottest_zone(const char *root, bool of_cpu) {
    double hottest = NAN;
    char type[64];
    for (int i = 0; i < MAX_ZONES; i++)
        if (small_file_name(type, sizeof type, ZONE "type", root, i) &&
            (!of_cpu || names_cpu(type)))
            hottest = hotter(hottest, read_zone(root, i, type));
    return hottest;
}

static double hottest_input(const char *root, int chip) {
    double hottest = NAN;
    uint64_t n;
    for (int i = 1; i <= MAX_INPUTS; i++)
        if (small_file_number(&n, CHIP "temp%d_input", root, chip, i))
            hottest = hotter(hottest, plausible((double)n / 1000));
    return hottest;
}

static double hottest_chip(const char *root) {
    double hottest = NAN;
    char name[64];
    for (int i = 0; i < MAX_CHIPS; i++) {
        if (!small_file_name(name, sizeof name, CHIP "name", root, i)) continue;
        if (names_cpu(name) || strcmp(name, "k10temp") == 0 || strcmp(name, "zenpower") == 0)
            hottest = hotter(hottest, hottest_input(root, i));
    }
    return hottest;
}

double cpu_temperature(const char *root) {
    double t = hottest_zone(root, true);
    if (isnan(t)) t = hottest_chip(root);
    return isnan(t) ? hottest_zone(root, false) : t;
}
