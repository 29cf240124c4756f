/* generate.h - what qw run and qw chat share: their flags, a loaded model with a conversation, and showing an answer. */
#ifndef QW_GENERATE_H
#define QW_GENERATE_H
#include "cli/cli.h"

struct options {
    struct model_flags model;
    const char *prompt, *file, *system, *chat_template, *kv_type;
    int n_predict, n_ctx, n_batch, top_k;
    float temperature, top_p, min_p, presence, frequency, repetition;
    uint64_t seed;
    bool think, special, quiet, verbose;
    struct bias_list bias;
    struct { bool n_predict, think, seed, temperature, top_k, top_p, min_p, repetition; } given;
};

struct generator {
    struct options o;
    qw_model *model;
    qw_session *session;
    qw_chat *chat;
    bool show_thoughts, colour, progress;   /* on stderr */
    double started;                         /* seconds; when the prompt began */
};

/* Read the flags of `command` and fill o; 0 or an exit code. */
int  options_read(struct options *o, const char *command, const char *summary, const char *details, int argc, char **argv);

/* Load the model and begin a conversation. 0 or an exit code after a message; generator_free in either case. */
int  generator_open(struct generator *g);
void generator_free(struct generator *g);

/* Say text, print the answer on stdout (with a newline at its end) and thoughts on stderr. EXIT_SIGINT when interrupted. */
int  generate(struct generator *g, const char *text, size_t n);

/* -p, -f and, unless it is a terminal, stdin: joined by blank lines, stdin less one newline at its end. */
int  read_prompt(const struct options *o, bool with_stdin, struct text *out);

#endif
