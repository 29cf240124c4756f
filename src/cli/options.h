/* options.h - the flags that qw run and qw chat share. */
#ifndef QW_OPTIONS_H
#define QW_OPTIONS_H
#include "cli/flags.h"
#include "cli/model.h"
#include "cli/prompt.h"
#include "cli/template_flags.h"

enum colour_mode { COLOUR_AUTO, COLOUR_ON, COLOUR_OFF };
/* What a full context does: the oldest turns go; the answer ends; or as the command likes. */
enum context_full { FULL_UNSET, FULL_DROP, FULL_STOP };

struct options {
    struct model_flags model;
    struct template_flags template;
    struct prompt_parts prompt;         /* of -p and -f, in their order */
    struct words words;
    bool no_stdin;
    const char *system, *system_file, *kv_type;
    int n_predict, n_ctx, n_batch, top_k;       /* n_ctx -1: it grows; 0: the model's maximum */
    float temperature, top_p, min_p, presence, frequency, repetition;
    uint64_t seed;
    struct bias_list bias;
    struct string_list stop;
    int budget;                         /* most tokens of a thought; -1: no limit */
    int colour, context_full;           /* enum colour_mode, enum context_full */
    bool think, show_thoughts, no_loop_guard, special;
    bool json, extract, single_turn, talk, ignore_eos;
    bool quiet, verbose;
    struct {
        bool think, seed, temperature, top_k, top_p, min_p, repetition, no_stdin;
    } given;                            /* on the command line */
};

/* Fill o with defaults, the environment and the flags of this command. 0, or an exit code after a
 * message. Call options_free in either case. */
int  options_read(struct options *o, const struct command *c, int argc, char **argv);
void options_free(struct options *o);

#endif
