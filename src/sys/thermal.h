/* thermal.h - how hot the CPU is. */
#ifndef QW_THERMAL_H
#define QW_THERMAL_H

/* Degrees Celsius of the hottest sensor of the CPU or SoC; of the hottest sensor at all where none
 * says what it measures; NAN: unknown. root is "" except in tests. */
double cpu_temperature(const char *root);

#endif
