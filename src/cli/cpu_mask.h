/* cpu_mask.h - lists of CPUs as masks in hexadecimal, and back. */
#ifndef QW_CPU_MASK_H
#define QW_CPU_MASK_H
#include <stdbool.h>
#include <stddef.h>

enum { CPU_LIST = 4096, CPU_MASK = 2 + 1024 / 4 + 1 };

/* The CPUs of a mask, with or without 0x, as a list for qw_use_cpus: "4-7" for f0. False: it is no
 * such mask, or has no or too many CPUs. */
bool list_mask(const char *mask, char out[CPU_LIST]);
/* The mask, such as "0xf0", of a list that qw_find_cpus made: of its CPUs below 1024. */
void mask_list(const char *list, char out[CPU_MASK]);

#endif
