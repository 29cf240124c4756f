/* options.h - the flags that qw run and qw chat share. */
#ifndef QW_OPTIONS_H
#define QW_OPTIONS_H
#include "cli/flags.h"
#include "cli/model.h"
#include "cli/prompt.h"
#include "cli/template_flags.h"

enum colour_mode { COLOUR_AUTO, COLOUR_ON, COLOUR_OFF };
/* What a full context does: the oldest turns go; the answer ends; or as the command likes. */
enum context_full { FULL_UNSET = -1, FULL_DROP, FULL_STOP };
enum wrap_mode { WRAP_ON, WRAP_OFF };

struct options {
    struct model_flags model;
    struct template_flags template;
    struct prompt_parts prompt;         /* of -p and -f, in their order */
    struct words words;
    bool no_stdin;
    const char *system, *system_file, *kv_type;
    int n_predict;                      /* most tokens of an answer; -1: no limit */
    int n_ctx, n_batch, top_k;          /* n_ctx -1: it grows; 0: the model's maximum */
    float temperature, top_p, min_p, presence, frequency, repetition;
    uint64_t seed;
    struct bias_list bias;
    struct string_list stop;
    int budget;                         /* most tokens of a thought; -1: no limit */
    int colour, context_full, wrap;     /* the enums above */
    bool think, show_thoughts, no_loop_guard, special;
    bool json, extract, single_turn, talk, ignore_eos;
    bool quiet, verbose;
    struct {
        bool think, seed, temperature, top_k, top_p, min_p, repetition, presence, frequency,
             n_predict, no_stdin;
    } given;                            /* on the command line */
};

/* Fill o with defaults, the environment and the flags of this command. 0, or an exit code after a
 * message. Call options_free in either case. */
int  options_read(struct options *o, const struct command *c, int argc, char **argv);
void options_free(struct options *o);
/* What o is without any flag. */
void options_start(struct options *o);
/* The table of flags, whose variables are o's. Returns how many there are. */
enum { MOST_FLAGS = 64 };
size_t options_flags(struct options *o, struct flag out[MOST_FLAGS]);
/* What one flag alone does not show. 0, or EXIT_USAGE after a message. */
int  options_check(struct options *o);

#endif
