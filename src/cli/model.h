/* model.h - the flags that say which model to use and how, and loading it. */
#ifndef QW_CLI_MODEL_H
#define QW_CLI_MODEL_H
#include "cli/cpu_mask.h"
#include "cli/find_model.h"
#include "cli/flags.h"

/* ---- flags ---- */

struct model_flags {
    const char *path, *weight_type, *cpu, *cpu_list, *cpu_mask;
    int n_threads, n_threads_batch;
    int n_ctx_plan;             /* positions that will be needed, roughly; 0: unknown */
    bool compare_all;           /* as qw_load_params has it */
    bool given;                 /* the command line has one of these other than -m */
    qw_cpus cpus;               /* filled by choose_cpus */
    char mask_list[CPU_LIST];   /* cpu_mask as a list, then cpu_list points to it */
};

/* Fill the first n places of a command's table of flags: -m -q --cpu-list -C --cpu and, unless
 * the command has its own, -t -tb. type_env: the environment variable of -q, or NULL. */
enum { N_MODEL_FLAGS = 5, N_MODEL_AND_THREAD_FLAGS = 7 };
void set_model_flags(struct flag *flags, int n, struct model_flags *to, const char *type_env,
                     const char *type_help);
/* The help of -q where the default is auto. */
extern const char auto_type_help[];

/* -m of the commands that need a tokenizer and no weights. */
struct flag tokenizer_flag(const char **to);
struct flag kv_flag(const char **to);
struct flag batch_flag(int *to);

/* ---- loading ---- */

/* Load the model, and show how far it is; quiet: the bundled model is not named. 0, or an exit code
 * after a message. After it has loaded SIGINT is polled (cli.h). */
int load_model(qw_model **out, struct model_flags *f, bool quiet);

/* The tokenizer of the model at path, or of the bundled one. 0, or an exit code after a message. */
int load_tokenizer(qw_tokenizer **out, const char *path);

/* The steps of load_model, for commands that load in another way. */

/* Restrict the process to --cpu-list, with a thread on each of its CPUs if there is no -t. Called
 * before each load. 0, or an exit code after a message. */
int choose_cpus(struct model_flags *f);
/* Keep the main thread, which takes part in the work, with the model's on the fast cores, if those
 * are enough for answers. Called after each load. */
void choose_own_cpus(const struct model_flags *f, const qw_model *m);
/* engine_error, and what the environment asked for if that may be the cause. */
int load_error(const struct model_flags *f, const qw_error *err);

#endif
