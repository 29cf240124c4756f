/* cpu_name.c - what this machine's CPU is called. */
#include "sys/cpu_name.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "sys/small_file.h"

/* Without blanks around it; '?' for what is not printable ASCII. */
static void clean(char *text) {
    size_t begin = strspn(text, " \t"), n = strlen(text + begin);
    memmove(text, text + begin, n + 1);
    while (n && strchr(" \t\n", text[n - 1])) text[--n] = 0;
    for (char *p = text; *p; p++)
        if (*p < 32 || *p > 126) *p = '?';
}

/* ---- /proc/cpuinfo: lines of "key : value", a block of them for each CPU that is on ---- */

static FILE *open_cpuinfo(const char *root) {
    char path[1200];
    snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
    return fopen(path, "re");
}

/* The value in a line that has this key, cleaned; NULL: it has another one. */
static char *value_of(char *line, const char *key) {
    size_t n = strlen(key);
    if (strncmp(line, key, n) != 0) return NULL;
    n += strspn(line + n, " \t");
    if (line[n] != ':') return NULL;
    clean(line + n + 1);
    return line + n + 1;
}

/* The first value of the key; false: there is none. */
static bool cpuinfo_value(char out[CPU_NAME], const char *root, const char *key) {
    char line[4096], *value = NULL;
    FILE *f = open_cpuinfo(root);
    while (f && !value && fgets(line, sizeof line, f)) value = value_of(line, key);
    if (f) fclose(f);
    if (!value || !*value) return false;
    snprintf(out, CPU_NAME, "%s", value);
    return true;
}

/* ---- ARM cores, by the numbers of the main ID register ---- */

struct part {
    unsigned implementer, part;
    const char *name;
};

static const struct part parts[] = {
    {0x41, 0xb76, "ARM1176"},
    {0x41, 0xc05, "Cortex-A5"},
    {0x41, 0xc07, "Cortex-A7"},
    {0x41, 0xc08, "Cortex-A8"},
    {0x41, 0xc09, "Cortex-A9"},
    {0x41, 0xc0d, "Cortex-A12"},
    {0x41, 0xc0e, "Cortex-A17"},
    {0x41, 0xc0f, "Cortex-A15"},
    {0x41, 0xd01, "Cortex-A32"},
    {0x41, 0xd03, "Cortex-A53"},
    {0x41, 0xd04, "Cortex-A35"},
    {0x41, 0xd05, "Cortex-A55"},
    {0x41, 0xd07, "Cortex-A57"},
    {0x41, 0xd08, "Cortex-A72"},
    {0x41, 0xd09, "Cortex-A73"},
    {0x41, 0xd0a, "Cortex-A75"},
    {0x41, 0xd0b, "Cortex-A76"},
    {0x41, 0xd0c, "Neoverse-N1"},
    {0x41, 0xd0d, "Cortex-A77"},
    {0x41, 0xd0e, "Cortex-A76AE"},
    {0x41, 0xd40, "Neoverse-V1"},
    {0x41, 0xd41, "Cortex-A78"},
    {0x41, 0xd42, "Cortex-A78AE"},
    {0x41, 0xd44, "Cortex-X1"},
    {0x41, 0xd46, "Cortex-A510"},
    {0x41, 0xd47, "Cortex-A710"},
    {0x41, 0xd48, "Cortex-X2"},
    {0x41, 0xd49, "Neoverse-N2"},
    {0x41, 0xd4b, "Cortex-A78C"},
    {0x41, 0xd4c, "Cortex-X1C"},
    {0x41, 0xd4d, "Cortex-A715"},
    {0x41, 0xd4e, "Cortex-X3"},
    {0x41, 0xd4f, "Neoverse-V2"},
    {0x41, 0xd80, "Cortex-A520"},
    {0x41, 0xd81, "Cortex-A720"},
    {0x41, 0xd82, "Cortex-X4"},
    {0x41, 0xd84, "Neoverse-V3"},
    {0x41, 0xd85, "Cortex-X925"},
    {0x41, 0xd87, "Cortex-A725"},
    {0x43, 0x0a1, "ThunderX"},
    {0x43, 0x0af, "ThunderX2"},
    {0x46, 0x001, "A64FX"},
    {0x48, 0xd01, "Kunpeng-920"},
    {0x48, 0xd40, "Cortex-A76"},
    {0x4e, 0x000, "Denver"},
    {0x4e, 0x003, "Denver 2"},
    {0x4e, 0x004, "Carmel"},
    {0x51, 0x00f, "Scorpion"},
    {0x51, 0x02d, "Scorpion"},
    {0x51, 0x04d, "Krait"},
    {0x51, 0x06f, "Krait"},
    {0x51, 0x201, "Kryo"},
    {0x51, 0x205, "Kryo"},
    {0x51, 0x211, "Kryo"},
    {0x51, 0x800, "Kryo 2xx Gold"},
    {0x51, 0x801, "Kryo 2xx Silver"},
    {0x51, 0x802, "Kryo 3xx Gold"},
    {0x51, 0x803, "Kryo 3xx Silver"},
    {0x51, 0x804, "Kryo 4xx Gold"},
    {0x51, 0x805, "Kryo 4xx Silver"},
    {0x53, 0x001, "Exynos M1"},
    {0x53, 0x002, "Exynos M3"},
    {0x53, 0x003, "Exynos M4"},
    {0x53, 0x004, "Exynos M5"},
    {0x61, 0x022, "Apple M1 Icestorm"},
    {0x61, 0x023, "Apple M1 Firestorm"},
    {0x61, 0x032, "Apple M2 Blizzard"},
    {0x61, 0x033, "Apple M2 Avalanche"},
    {0xc0, 0xac3, "Ampere-1"},
    {0xc0, 0xac4, "Ampere-1A"},
};

static void name_part(char *out, size_t size, unsigned implementer, unsigned part) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].implementer != implementer || parts[i].part != part) continue;
        snprintf(out, size, "%s", parts[i].name);
        return;
    }
    snprintf(out, size, "ARM core 0x%02x:0x%03x", implementer, part);
}

static bool read_number(char *line, const char *key, unsigned *out) {
    const char *value = value_of(line, key);
    if (value) *out = (unsigned)strtoul(value, NULL, 0);
    return value != NULL;
}

/* "Cortex-A55 + Cortex-A76": each kind once, in the order of the CPUs. False: there are none. */
static bool arm_cores(char out[CPU_NAME], const char *root) {
    enum { MOST_KINDS = 8 };
    char line[4096], name[40];
    unsigned implementer = 0, part, seen[MOST_KINDS];
    size_t n = 0, used = 0;
    FILE *f = open_cpuinfo(root);
    while (f && n < MOST_KINDS && fgets(line, sizeof line, f)) {
        size_t i = 0;
        read_number(line, "CPU implementer", &implementer);
        if (!read_number(line, "CPU part", &part)) continue;
        seen[n] = implementer << 12 | part;
        while (seen[i] != seen[n]) i++;
        if (i < n) continue;
        name_part(name, sizeof name, implementer, part);
        used += (size_t)snprintf(out + used, CPU_NAME - used, "%s%s", n++ ? " + " : "", name);
        if (used >= CPU_NAME) break;
    }
    if (f) fclose(f);
    return n > 0;
}

/* ---- all of it ---- */

/* Names that many CPUs share: of 32-bit ARM kernels, and of qemu's virtual board. */
static bool says_little(const char *name) {
    return strncmp(name, "ARMv", 4) == 0 || strcmp(name, "linux,dummy-virt") == 0;
}

static bool board(char out[CPU_NAME], const char *root) {
    if (!small_file_line(out, CPU_NAME, "%s/proc/device-tree/model", root)) return false;
    clean(out);
    return *out != 0;
}

void cpu_name(char out[CPU_NAME], const char *root) {
    static const char *const others[] = {"cpu model", "uarch", "cpu"};  /* MIPS, RISC-V, POWER */
    struct utsname u;
    if (cpuinfo_value(out, root, "model name") && !says_little(out)) return;
    if (board(out, root) && !says_little(out)) return;
    if (cpuinfo_value(out, root, "Hardware")) return;
    if (arm_cores(out, root)) return;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (cpuinfo_value(out, root, others[i])) return;
    snprintf(out, CPU_NAME, "unknown %s", uname(&u) == 0 ? u.machine : "CPU");
}
