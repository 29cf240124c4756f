/* cpuinfo.c - what /proc/cpuinfo tells of the CPUs that are online. */
#include "sys/cpuinfo.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sys/small_file.h"

/* A CPU's lines follow its "processor" line. Older ARM kernels list all processors first and then
 * one core for all; where there is but one CPU, it may have no number. */
struct reading {
    struct cpuinfo *out;
    struct cpu_mask group;              /* the CPUs that the next lines are about */
    bool has_core;                      /* the group is complete: the next CPU begins another */
    uint32_t implementer;
    int last;                           /* the last CPU seen, or -1 */
};

static void take_processor(struct reading *r, const char *value) {
    char *end;
    long cpu = strtol(value, &end, 10);
    if (r->has_core) r->group = (struct cpu_mask){{0}};
    r->has_core = false;
    r->last = end > value && cpu >= 0 && cpu < MAX_CPUS ? (int)cpu : -1;
    if (r->last >= 0) mask_add(&r->group, r->last);
}

static uint32_t read_hex(const char *text) {
    return (uint32_t)strtoul(text, NULL, 16);
}

static void take_part(struct reading *r, uint32_t part) {
    uint32_t id = core_id(r->implementer, part);
    for (int i = 0; i < MAX_CPUS; i++)
        if (mask_has(&r->group, i)) r->out->core[i] = id;
    r->out->one_for_all = mask_count(&r->group) > 1;
    r->has_core = true;
}

static void take_mhz(struct reading *r, const char *value) {
    double mhz = strtod(value, NULL);
    if (r->last >= 0 && mhz >= 1 && mhz < 65535) r->out->mhz[r->last] = (uint16_t)(mhz + 0.5);
}

/* The first one counts. */
static void take_name(char *out, size_t size, const char *value) {
    if (out[0]) return;
    snprintf(out, size, "%s", value);
    clean_name(out);
}

static bool take_line(void *ctx, char *line) {
    struct reading *r = ctx;
    char *colon = strchr(line, ':');
    if (!colon) return true;
    *colon = 0;
    clean_name(line);
    const char *value = colon + 1;
    struct cpuinfo *o = r->out;
    if (strcmp(line, "processor") == 0) take_processor(r, value);
    else if (strcmp(line, "CPU implementer") == 0) r->implementer = read_hex(value);
    else if (strcmp(line, "CPU part") == 0) take_part(r, read_hex(value));
    else if (strcmp(line, "cpu MHz") == 0) take_mhz(r, value);
    else if (strcmp(line, "model name") == 0) take_name(o->model_name, sizeof o->model_name, value);
    else if (strcmp(line, "Hardware") == 0) take_name(o->hardware, sizeof o->hardware, value);
    else if (strcmp(line, "Model") == 0) take_name(o->model, sizeof o->model, value);
    else if (strcmp(line, "uarch") == 0) take_name(o->uarch, sizeof o->uarch, value);
    else if (strcmp(line, "isa") == 0) take_name(o->isa, sizeof o->isa, value);
    else if (strcmp(line, "cpu model") == 0) take_name(o->cpu, sizeof o->cpu, value);
    else if (strcmp(line, "cpu") == 0) take_name(o->cpu, sizeof o->cpu, value);
    return true;
}

void cpuinfo_read(struct cpuinfo *out, const char *root) {
    struct reading r = {.out = out, .has_core = true, .last = -1};
    *out = (struct cpuinfo){.model_name = ""};
    mask_add(&r.group, 0);
    small_file_lines(take_line, &r, "%s/proc/cpuinfo", root);
}
