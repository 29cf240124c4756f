/* cli.h - what the commands share. Only this layer prints or exits; of the engine it knows qw.h alone. */
#ifndef QW_CLI_H
#define QW_CLI_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "qw.h"

/* Exit codes; they are part of the interface. */
enum { EXIT_DONE = 0, EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_MEMORY = 3, EXIT_CONTEXT = 5, EXIT_SIGINT = 130 };

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args)
#endif

/* ---- messages (messages.c): "qw: ..." on stderr ---- */

void say(const char *fmt, ...) CLI_PRINTF(1, 2);
int  usage_error(const char *fmt, ...) CLI_PRINTF(1, 2);    /* EXIT_USAGE */
int  engine_error(const qw_error *err);                     /* prints it; the exit code that fits */

extern volatile sig_atomic_t interrupted;                   /* SIGINTs since it was last set to 0 */
void catch_signals(void);                                   /* SIGINT ends the process: EXIT_SIGINT */
void poll_sigint(void);                                     /* from now on only the third one does; whoever calls this looks at `interrupted` */

/* ---- flags (flags.c) ---- */

enum flag_type { FLAG_ON, FLAG_OFF, FLAG_INT, FLAG_FLOAT, FLAG_SEED, FLAG_STRING, FLAG_PATH, FLAG_BIAS, FLAG_INTS, FLAG_PAIRS };

struct flag {
    const char *names;          /* "-n --predict" */
    const char *value;          /* what stands for the value in the help; NULL for FLAG_ON and FLAG_OFF */
    enum flag_type type;
    void *to;                   /* bool, int, float, uint64_t, const char * (FLAG_PATH: never ""), struct bias_list, struct int_list */
    double lo, hi;              /* range of FLAG_INT, FLAG_FLOAT, and each of FLAG_INTS and FLAG_PAIRS */
    const char *env;            /* environment variable that gives the value, or NULL */
    bool *given;                /* set when the command line names it, or NULL */
    const char *help;
};

struct bias_list { qw_logit_bias *p; int n; };

/* "1,2,4", and more of them each time the flag is given; FLAG_PAIRS: an even number each time. */
struct int_list { int *p; int n; bool from_env; };

struct command {
    const char *name, *summary, *arguments;
    const struct flag *flags;
    int n_flags;
    const char *details;        /* more help, or "" */
};

/* Read flags; words that are none go to words[0..*n_words), at most max_words. 0, or EXIT_USAGE after a message. */
int  parse_flags(const struct command *c, int argc, char **argv, const char **words, int max_words, int *n_words);
void print_help(const struct command *c);

/* Is word[0..n) one of the space-separated names? In long flags '_' equals '-'. */
bool has_name(const char *names, const char *word, size_t n);
/* For messages about a value: the variable if it came from there, else the flag. */
const char *given_by(const char *value, const char *flag, const char *env);

/* ---- input and output (io.c) ---- */

struct text { char *p; size_t n; };

/* Each returns 0, or an exit code after a message. path "-" is stdin. */
int  read_all(const char *path, struct text *out);
int  clean_text(struct text *t, const char *what);          /* invalid UTF-8 becomes U+FFFD, with one warning */
int  write_stdout(const void *p, size_t n);                 /* all of it, at once */
int  flush_stdout(void);                                    /* what printf left */

/* A file that appears under its name only when it is complete. path "-" is stdout; devices are written directly. */
struct output { int fd, error; char *path, *temporary; };
int  output_open(struct output *o, const char *path);
int  output_write(struct output *o, const void *p, size_t n);   /* EXIT_ERROR without a message: output_close tells why */
int  output_close(struct output *o, bool keep);             /* keep: rename it into place; else, and after a failure, remove it */
void output_abandon(void);                                  /* in a signal handler: remove what is not complete */

/* Lines of JSON in, lines out: for each line of the file f gets its bytes without the newline and appends a line's text to out. When
 * it fails, message in err, the line is reported with its number and an empty one goes out. EXIT_ERROR if any did. */
typedef int line_fn(void *ctx, const char *line, size_t n, struct text *out, qw_error *err);
int  each_line(const char *path, line_fn *f, void *ctx);

/* ---- the model (model.c) ---- */

enum { MODEL_PATH = 4096 };

/* path, else the bundled model's, written to found; one line on stderr names it unless quiet. NULL after a message when there is none. */
const char *find_model(const char *path, bool quiet, char found[MODEL_PATH]);

/* The flags that say which model is loaded, and how. */
struct model_flags { const char *path, *weight_type, *cpu, *cpu_list; int n_threads, n_threads_batch; bool given; qw_cpus cpus; };     /* given: any but -m */
#define MODEL_FLAGS(f, type_env, type_help) \
    MODEL_FLAGS_BUT_THREADS(f, type_env, type_help), \
    {"-t --threads", "N", FLAG_INT, &(f)->n_threads, 1, 256, "QW_THREADS", &(f)->given, "threads; default one per fast core"}, \
    {"-tb --threads-batch", "N", FLAG_INT, &(f)->n_threads_batch, 1, 256, "QW_THREADS_BATCH", &(f)->given, "threads for prompts and for quantising; default as many as -t"}
#define MODEL_FLAGS_BUT_THREADS(f, type_env, type_help) \
    {"-m --model", "DIR", FLAG_PATH, &(f)->path, 0, 0, "QW_MODEL", NULL, "model directory, packed file, or .safetensors file beside its config.json"}, \
    {"-q --weight-type", "TYPE", FLAG_STRING, &(f)->weight_type, 0, 0, type_env, &(f)->given, type_help}, \
    {"--cpu-list", "LIST", FLAG_STRING, &(f)->cpu_list, 0, 0, "QW_CPU_LIST", &(f)->given, "run on these CPUs alone, one thread each unless -t says otherwise: 0-3,6"}, \
    {"--cpu", "LEVEL", FLAG_STRING, &(f)->cpu, 0, 0, "QW_CPU", &(f)->given, "kernels of this level; qw --version lists those of this CPU"}
#define KV_FLAG(to) {"--kv --kv-type", "TYPE", FLAG_STRING, to, 0, 0, "QW_KV_TYPE", NULL, "KV cache: f32, f16, q8; default q8, with weights as stored f32"}
#define AUTO_TYPE_HELP "weights: bf16 (as stored), q8, q4; default auto: as stored below 100 M parameters, else q8 if it fits, else q4"

/* Is it a type of cache, or NULL? Told before a model is loaded: 0, or an exit code after a message. */
int check_kv(const char *type);
/* Where the threads shall run: on --cpu-list, else on the fast cores if these are enough for -t and -tb. Fills f->cpus; before each load. */
int choose_cpus(struct model_flags *f);

/* Load it, with a progress bar on a terminal unless quiet. 0, or an exit code after a message. From its end on SIGINT is polled. */
int load_model(qw_model **out, struct model_flags *f, bool quiet);

/* Its parts, for whoever loads otherwise. engine_error, with a word on what the environment asked for; a progress bar that is the
 * `user` of on_load; `quantised` when there was something to do. */
int  load_error(const struct model_flags *f, const qw_error *err);
struct bar { double started, shown; bool visible, quantised; };
struct bar load_bar(bool quiet);
int  on_load(void *user, uint64_t done, uint64_t all);
void load_bar_end(const struct bar *b);
/* A line that the next one replaces. Where the terminal is narrow its end is not seen: lines that wrap could not be replaced. */
#define LIVE_LINE(fmt, ...) fprintf(stderr, "\r\033[?7l" fmt "\033[?7h\033[K", __VA_ARGS__)

double now(void);                           /* seconds, of a clock that only goes forward */

/* ---- commands: argv begins behind the command's name; they return the exit code ---- */

int cmd_run(int argc, char **argv);
int cmd_chat(int argc, char **argv);
int cmd_default(int argc, char **argv);     /* no command: run or chat */
int cmd_tokenize(int argc, char **argv);
int cmd_detokenize(int argc, char **argv);
int cmd_template(int argc, char **argv);
int cmd_logits(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_quantize(int argc, char **argv);

#endif
