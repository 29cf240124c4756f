/* options.c - the table of flags of qw run and qw chat. */
#include "cli/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* There is one system message; a second one would win without a word. */
static int read_system_once(void *to, const char *value, const char *name) {
    const char **text = to;
    if (*text) return usage_error("%s is given twice: there is one system message", name);
    *text = value;
    return 0;
}

static int read_system_file_once(void *to, const char *value, const char *name) {
    if (!*value) return usage_error("%s: the path is empty", name);
    return read_system_once(to, value, name);
}

size_t options_flags(struct options *o, struct flag out[MOST_FLAGS]) {
    const struct flag flags[] = {
        /* set_model_flags and set_template_flags fill those before */
        [N_MODEL_AND_THREAD_FLAGS + N_TEMPLATE_FLAGS] =
        {.heading = "Prompt", .names = "-p --prompt", .value = "TEXT", .type = FLAG_READ,
         .to = &o->prompt, .read = add_prompt_text,
         .help = "the message; may be repeated, also with -f: joined in this order, with blank "
                 "lines between"},
        {.names = "-f --file", .value = "FILE", .type = FLAG_READ, .to = &o->prompt,
         .read = add_prompt_file, .help = "file with the message, or a part of it; - is stdin"},
        {.names = "--no-stdin", .type = FLAG_ON, .to = &o->no_stdin, .env = "QW_NO_STDIN",
         .given = &o->given.no_stdin,
         .help = "leave stdin alone, which else is the last part of the message unless it is a "
                 "terminal"},
        {.names = "-sys --system-prompt", .value = "TEXT", .type = FLAG_READ, .to = &o->system,
         .read = read_system_once, .help = "system message"},
        {.names = "-sysf --system-prompt-file", .value = "FILE", .type = FLAG_READ,
         .to = &o->system_file, .read = read_system_file_once,
         .help = "file with the system message"},
        {.heading = "Answer and context", .names = "-n --predict", .value = "N", .type = FLAG_INT,
         .to = &o->n_predict, .live = "n",
         .lo = -1, .hi = 1 << 30, .given = &o->given.n_predict,
         .help = "maximum tokens of an answer; -1: until it ends by itself; default: the model's "
                 "max_new_tokens, or -1"},
        {.names = "-c --ctx-size", .value = "N", .type = FLAG_INT, .to = &o->n_ctx,
         .lo = 0, .hi = 1 << 30, .env = "QW_CTX_SIZE",
         .help = "context in tokens; default: it grows as needed; 0: the model's maximum at once"},
        {.names = "--context-full", .value = "drop|stop", .type = FLAG_WORD,
         .to = &o->context_full, .live = "context-full",
         .help = "when the context is full: drop the oldest turns (default in a chat), or stop"},
        kv_flag(&o->kv_type),
        batch_flag(&o->n_batch),
        {.heading = "Sampling", .names = "-s --seed", .value = "N", .type = FLAG_SEED,
         .to = &o->seed, .live = "seed",
         .given = &o->given.seed,
         .help = "seed; the same one gives the same text on every machine; default: a new one each "
                 "time"},
        {.names = "--temp --temperature", .value = "T", .type = FLAG_FLOAT, .to = &o->temperature,
         .live = "temp",
         .lo = 0, .hi = 100, .given = &o->given.temperature,
         .help = "temperature; 0: always the likeliest token"},
        {.names = "--top-k", .value = "K", .type = FLAG_INT, .to = &o->top_k, .live = "top-k",
         .lo = 0, .hi = 1 << 30, .given = &o->given.top_k,
         .help = "only the K likeliest tokens; 0: all"},
        {.names = "--top-p", .value = "P", .type = FLAG_FLOAT, .to = &o->top_p, .live = "top-p",
         .lo = 0, .hi = 1, .given = &o->given.top_p,
         .help = "only the likeliest tokens that together reach probability P"},
        {.names = "--min-p", .value = "P", .type = FLAG_FLOAT, .to = &o->min_p, .live = "min-p",
         .lo = 0, .hi = 1, .given = &o->given.min_p,
         .help = "only tokens at least P times as likely as the likeliest"},
        {.names = "--presence-penalty", .value = "X", .type = FLAG_FLOAT, .to = &o->presence,
         .live = "presence-penalty",
         .lo = -100, .hi = 100, .given = &o->given.presence,
         .help = "subtracted once from the logit of each token that this answer contains"},
        {.names = "--frequency-penalty", .value = "X", .type = FLAG_FLOAT, .to = &o->frequency,
         .live = "frequency-penalty",
         .lo = -100, .hi = 100, .given = &o->given.frequency,
         .help = "subtracted from it once for each time it occurred"},
        {.names = "--repeat-penalty --repetition-penalty", .value = "X", .type = FLAG_FLOAT,
         .to = &o->repetition,
         .live = "repeat-penalty", .lo = 0.001, .hi = 1000, .given = &o->given.repetition,
         .help = "divides the logits of all tokens so far; 1: off"},
        {.names = "-l --logit-bias", .value = "ID+BIAS", .type = FLAG_BIAS, .to = &o->bias,
         .help = "added to the logit of a token; may be repeated; also ID-BIAS"},
        {.names = "-r --stop --reverse-prompt", .value = "TEXT", .type = FLAG_STRINGS,
         .to = &o->stop,
         .live = "stop",
         .help = "the answer ends before this text, as before the model's own stop texts; may be "
                 "repeated"},
        {.names = "--ignore-eos", .type = FLAG_ON, .to = &o->ignore_eos,
         .help = "never draw an end token"},
        {.names = "--no-loop-guard", .type = FLAG_ON, .to = &o->no_loop_guard,
         .live = "no-loop-guard",
         .help = "let an answer repeat itself without end"},
        {.heading = "Thinking", .names = "--think", .type = FLAG_ON,
         .to = &o->think, .given = &o->given.think,
         .help = "think before answering"},
        {.names = "--no-think", .type = FLAG_OFF, .to = &o->think, .given = &o->given.think,
         .help = "answer directly"},
        {.names = "--reasoning-budget", .value = "N", .type = FLAG_INT, .to = &o->budget,
         .live = "budget",
         .lo = -1, .hi = 1 << 30,
         .help = "close a thought after N tokens; -1: no limit (default); 0: as --no-think"},
        {.names = "--show-thoughts", .type = FLAG_ON, .to = &o->show_thoughts,
         .live = "show-thoughts",
         .help = "thoughts on stderr, wherever that goes"},
        {.heading = "Output", .names = "-x --extract", .type = FLAG_ON, .to = &o->extract,
         .help = "of the answer only its first fenced code block, if it has one"},
        {.names = "--json", .type = FLAG_ON, .to = &o->json,
         .help = "the answer as a JSON object: text, thinking, finish_reason, usage, timings, ..."},
        {.names = "-st --single-turn", .type = FLAG_ON, .to = &o->single_turn,
         .help = "end a chat after its first answer"},
        {.names = "-cnv --conversation -i --interactive", .type = FLAG_ON, .to = &o->talk,
         .help = "a chat, also where there is a prompt or a pipe"},
        {.names = "--wrap", .value = "on|off", .type = FLAG_WORD, .to = &o->wrap, .live = "wrap",
         .help = "on a terminal, wrap answers at words; default on"},
        {.names = "--special", .type = FLAG_ON, .to = &o->special,
         .help = "tokens such as <|im_end|> in messages are control tokens, not text"},
        {.names = "--color", .value = "auto|on|off", .type = FLAG_WORD, .to = &o->colour,
         .live = "color",
         .help = "colour on a terminal; auto: unless NO_COLOR is set or TERM is dumb"},
        {.names = "--quiet", .type = FLAG_ON, .to = &o->quiet,
         .help = "nothing on stderr but errors, and that stdin is waited for"},
        {.names = "-v --verbose", .type = FLAG_ON, .to = &o->verbose,
         .help = "settings and speeds on stderr"},
    };
    _Static_assert(sizeof flags / sizeof *flags <= MOST_FLAGS, "more flags than there is room");
    memcpy(out, flags, sizeof flags);
    set_model_flags(out, N_MODEL_AND_THREAD_FLAGS, &o->model, "QW_WEIGHT_TYPE", auto_type_help);
    set_template_flags(out + N_MODEL_AND_THREAD_FLAGS, &o->template);
    return sizeof flags / sizeof *flags;
}

int options_check(struct options *o) {
    if (o->n_predict == 0)
        return usage_error("-n 0 is out of range (1 or more, or -1 for no limit)");
    for (int i = 0; i < o->stop.n; i++)
        if (!*o->stop.list[i]) return usage_error("--stop: the text is empty");
    if (o->system && o->system_file)
        return usage_error("-sys and -sysf are the same: give one of them");
    if (o->budget == 0 && o->given.think && o->think)
        return usage_error("--reasoning-budget 0 is --no-think: it cannot be used with --think");
    if (o->budget == 0) {
        o->think = false;
        o->given.think = true;
    }
    return 0;
}

void options_start(struct options *o) {
    *o = (struct options){.n_predict = -1, .n_ctx = -1, .n_batch = 64, .think = true,
                          .top_p = 1, .repetition = 1, .budget = -1,
                          .context_full = FULL_UNSET};
}

int options_read(struct options *o, const struct command *c, int argc, char **argv) {
    struct flag flags[MOST_FLAGS];
    options_start(o);
    o->words.list = calloc((size_t)argc + 1, sizeof *o->words.list);
    o->words.max = argc;
    if (!o->words.list) return memory_error("the arguments");
    size_t n = options_flags(o, flags);
    int rc = parse_flags(c, flags, n, argc, argv, &o->words);
    if (!rc) rc = options_check(o);
    if (!rc) set_messages(o->quiet, o->verbose);
    return rc;
}

void options_free(struct options *o) {
    free(o->bias.p);
    free(o->stop.list);
    free(o->words.list);
    free(o->prompt.list);
    template_flags_free(&o->template);
}
