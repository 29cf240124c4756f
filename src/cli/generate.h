/* generate.h - what qw run and qw chat share: flags, a loaded model with a conversation, and
 * showing an answer. */
#ifndef QW_GENERATE_H
#define QW_GENERATE_H
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/model.h"
#include "cli/template_flags.h"

struct options {
    struct model_flags model;
    struct template_flags template;
    const char *prompt, *file, *system, *kv_type;
    int n_predict, n_ctx, n_batch, top_k;
    float temperature, top_p, min_p, presence, frequency, repetition;
    uint64_t seed;
    bool think, special, quiet, verbose;
    struct bias_list bias;
    struct {
        bool think, seed, temperature, top_k, top_p, min_p, repetition;
    } given;                    /* on the command line */
};

struct generator {
    struct options o;
    qw_model *model;
    qw_session *session;
    qw_chat *chat;
    bool show_thoughts, colour, progress;   /* on stderr */
    double started;                         /* monotonic_seconds at the start of the prompt */
};

/* Fill o with defaults, the environment and the flags of this command. 0 or an exit code after a
 * message. The caller frees o->bias.p (generator_free does). */
int  options_read(struct options *o, const struct command *c, int argc, char **argv);

/* Load the model and begin a conversation as g->o says. 0 or an exit code after a message; call
 * generator_free in either case. */
int  generator_open(struct generator *g);
void generator_free(struct generator *g);

/* engine_error, with the flags of run and chat that could help. */
int  generator_error(const struct generator *g, const qw_error *err);

/* Say n bytes of text; print the answer on stdout, with a newline at its end, and thoughts on
 * stderr. 0, an exit code after a message, or EXIT_SIGINT. */
int  generate(struct generator *g, const char *text, size_t n);

/* The prompt: -p, the file of -f and, if with_stdin and it is no terminal, stdin, joined by blank
 * lines; files without one newline at their end. The caller frees out->p. 0 or an exit code after a
 * message. */
int  read_prompt(const struct options *o, bool with_stdin, struct text *out);

#endif
