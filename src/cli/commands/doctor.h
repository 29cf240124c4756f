/* doctor.h - what qw doctor finds out (doctor.c), concludes (doctor_findings.c), and prints as text
 * and JSON (doctor_text.c, doctor_json.c). */
#ifndef QW_DOCTOR_H
#define QW_DOCTOR_H
#include <stdbool.h>
#include "qw.h"

/* CPUs that were measured together: first each cluster, if there are several, then all, then those
 * in use, unless that is the same. */
struct cpu_group {
    char cpus[128];             /* "4-7" */
    int cluster;                /* of the machine; -1: several */
    qw_rates rates;
    char failed[256];           /* why they could not be measured, or "" */
};

/* A shape and type, and what is forecast. */
struct outlook {
    const char *shape, *type;
    qw_forecast f;
    int n_ctx;                  /* positions that fit beside the weights; 0: it does not fit */
};

/* What holds this machine back. */
struct finding {
    const char *what;           /* a word for programs */
    char text[320];
    char remedy[256];           /* what to do about it, or "" */
};

enum { MOST_GROUPS = 18, MOST_OUTLOOKS = 6, MOST_FINDINGS = 24 };

struct doctor {
    qw_machine machine;
    qw_cpus cpus;               /* before any of them were chosen */
    bool chosen;                /* the user has chosen CPUs */
    bool is_32_bit;             /* this program */
    char levels[128], lacks[128];
    char level[24];             /* in use */
    int n_threads;              /* in use, on the CPUs of the last group */
    int n_threads_batch;        /* for prompts, on all CPUs if they are more */
    qw_watched watched;         /* while speeds were measured */

    int n_groups, n_outlooks, n_findings;
    struct cpu_group groups[MOST_GROUPS];
    struct outlook outlooks[MOST_OUTLOOKS];
    struct finding findings[MOST_FINDINGS];

    const char *file;           /* the model's, or NULL */
    uint64_t file_bytes;        /* of all of its files */
    double file_speed;          /* bytes per second */
    int file_cached;
};

/* Positions that fit in so much free memory (0: unknown, then all do) beside the rest. */
int fitting_positions(const qw_forecast *f, uint64_t free_memory);
/* Share of what the memory can do that answers of this model read; 0: unknown. */
double share_of_read(const struct doctor *d, const struct outlook *o);
/* Fills in the findings, worst first. */
void find_reasons(struct doctor *d);

/* 0, or an exit code after a message. */
int print_doctor_text(const struct doctor *d);
int print_doctor_json(const struct doctor *d);

#endif
