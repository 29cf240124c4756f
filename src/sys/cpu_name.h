/* cpu_name.h - what this machine's CPU is called. */
#ifndef QW_CPU_NAME_H
#define QW_CPU_NAME_H

enum { CPU_NAME = 128 };

/* What /proc and the device tree below root ("" except in tests) call it: the CPU, or else the
 * board, the SoC, or the kinds of its ARM cores. Printable ASCII, never empty; what does not fit
 * into out is cut off. */
void cpu_name(char out[CPU_NAME], const char *root);

#endif
