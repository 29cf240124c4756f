/* generate.c - what qw run and qw chat share: their flags, a loaded model with a conversation, and showing an answer. */
#include "cli/generate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- flags ---- */

int options_read(struct options *o, const char *command, const char *summary, const char *details, int argc, char **argv) {
    *o = (struct options){.n_predict = -1, .n_ctx = -1, .n_batch = 64, .think = true, .top_p = 1, .repetition = 1};
    const struct flag flags[] = {
        MODEL_FLAGS(&o->model, "QW_WEIGHT_TYPE", AUTO_TYPE_HELP),
        {"-p --prompt", "TEXT", FLAG_STRING, &o->prompt, 0, 0, NULL, NULL, "the message"},
        {"-f --file", "FILE", FLAG_PATH, &o->file, 0, 0, NULL, NULL, "a file with the message, behind -p if both are there; - is stdin"},
        {"-sys --system-prompt", "TEXT", FLAG_STRING, &o->system, 0, 0, NULL, NULL, "system message"},
        {"-n --predict", "N", FLAG_INT, &o->n_predict, -1, 1 << 30, NULL, &o->given.n_predict, "most tokens of an answer; -1: until it ends by itself"},
        {"-c --ctx-size", "N", FLAG_INT, &o->n_ctx, 0, 1 << 30, "QW_CTX_SIZE", NULL, "context in tokens; default the smaller of 4096 and the model's; 0: the model's"},
        KV_FLAG(&o->kv_type),
        {"-b --batch-size", "N", FLAG_INT, &o->n_batch, 1, 65536, "QW_BATCH_SIZE", NULL, "prompt tokens computed at a time; default 64"},
        {"-s --seed", "N", FLAG_SEED, &o->seed, 0, 0, NULL, &o->given.seed, "seed; the same one gives the same text on every machine; default: another each time"},
        {"--temp --temperature", "T", FLAG_FLOAT, &o->temperature, 0, 100, NULL, &o->given.temperature, "temperature; 0: always the likeliest token"},
        {"--top-k", "K", FLAG_INT, &o->top_k, 0, 1 << 30, NULL, &o->given.top_k, "only the K likeliest tokens; 0: all"},
        {"--top-p", "P", FLAG_FLOAT, &o->top_p, 0, 1, NULL, &o->given.top_p, "only the likeliest tokens that together reach P"},
        {"--min-p", "P", FLAG_FLOAT, &o->min_p, 0, 1, NULL, &o->given.min_p, "only tokens at least P times as likely as the likeliest"},
        {"--presence-penalty", "X", FLAG_FLOAT, &o->presence, -100, 100, NULL, NULL, "taken once from the logit of each token of this answer"},
        {"--frequency-penalty", "X", FLAG_FLOAT, &o->frequency, -100, 100, NULL, NULL, "taken from it for each time it occurred"},
        {"--repeat-penalty --repetition-penalty", "X", FLAG_FLOAT, &o->repetition, 0.001, 1000, NULL, &o->given.repetition, "divides the logits of all tokens so far; 1: off"},
        {"-l --logit-bias", "ID+BIAS", FLAG_BIAS, &o->bias, 0, 0, NULL, NULL, "added to a token's logit; may be given again; also ID-BIAS"},
        {"--think", NULL, FLAG_ON, &o->think, 0, 0, NULL, &o->given.think, "think before answering, and show it (on stderr)"},
        {"--no-think", NULL, FLAG_OFF, &o->think, 0, 0, NULL, &o->given.think, "answer directly"},
        {"--template", "NAME", FLAG_STRING, &o->chat_template, 0, 0, NULL, NULL, "hybrid, instruct2507, thinking2507; none: continue the text as it is"},
        {"--special", NULL, FLAG_ON, &o->special, 0, 0, NULL, NULL, "tokens such as <|im_end|> in messages are control tokens, not text"},
        {"--quiet", NULL, FLAG_ON, &o->quiet, 0, 0, NULL, NULL, "nothing on stderr but errors and warnings about the input"},
        {"-v --verbose", NULL, FLAG_ON, &o->verbose, 0, 0, NULL, NULL, "settings and speeds on stderr"},
    };
    const struct command c = {command, summary, "[FLAGS]", flags, sizeof flags / sizeof *flags, details};
    int n_words;
    int rc = parse_flags(&c, argc, argv, NULL, 0, &n_words);
    return rc ? rc : check_kv(o->kv_type);
}

/* ---- opening ---- */

static uint64_t any_seed(void) {
    struct timespec t;
    uint64_t seed = 0;
    FILE *f = fopen("/dev/urandom", "re");
    if (f) {
        if (fread(&seed, sizeof seed, 1, f) != 1) seed = 0;
        fclose(f);
    }
    clock_gettime(CLOCK_REALTIME, &t);
    return (seed ^ (uint64_t)t.tv_nsec ^ (uint64_t)getpid() << 32) & 0xFFFFFFFF;    /* short enough to type */
}

/* Between batches of the prompt: stop at Ctrl-C; on a terminal, and once it takes long, show how far it is. */
static int on_progress(void *user, size_t done, size_t all) {
    const struct generator *g = user;
    if (g->progress && now() - g->started > 1) {
        fprintf(stderr, "\rprompt: %zu of %zu tokens", done, all);
        fflush(stderr);
    }
    return interrupted != 0;
}

static int set_sampling(struct generator *g, qw_error *err) {
    struct options *o = &g->o;
    int thinking = qw_chat_thinks(g->chat);
    qw_sampling s = qw_default_sampling(g->model, thinking);
    if (o->given.temperature) s.temperature = o->temperature;
    if (o->given.top_k) s.top_k = o->top_k;
    if (o->given.top_p) s.top_p = o->top_p;
    if (o->given.min_p) s.min_p = o->min_p;
    if (o->given.repetition) s.repetition_penalty = o->repetition;
    s.presence_penalty = o->presence;
    s.frequency_penalty = o->frequency;
    s.bias = o->bias.p;
    s.n_bias = o->bias.n;
    s.seed = o->seed = o->given.seed ? o->seed : any_seed();
    if (s.temperature == 0 && thinking && !o->quiet)
        say("temperature 0 with thinking: Qwen advises against it, thoughts may go round in circles");
    if (o->verbose)
        say("temperature %g, top-k %d, top-p %g, min-p %g, seed %llu, context %d, cache %s, %d threads (prompts: %d), kernels %s", s.temperature, s.top_k,
            s.top_p, s.min_p, (unsigned long long)s.seed, qw_n_ctx(g->session), qw_kv_type(g->session), qw_info(g->model)->n_threads,
            qw_info(g->model)->n_threads_batch, qw_info(g->model)->kernels);
    return qw_session_set_sampling(g->session, &s, err);
}

int generator_open(struct generator *g) {
    const struct options *o = &g->o;
    qw_error err;
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool screen = isatty(STDERR_FILENO), person = screen && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    bool plain = !term || strcmp(term, "dumb") == 0;
    g->show_thoughts = !o->quiet && (person || (o->given.think && o->think));
    g->colour = person && !plain && !(no_colour && *no_colour);
    g->progress = screen && !plain && !o->quiet;
    if (o->n_predict == 0) return usage_error("-n 0: 1 or more tokens are possible, or -1 for no limit");
    int rc = load_model(&g->model, &g->o.model, o->quiet);
    if (rc) return rc;
    const qw_session_params session = {.n_ctx = o->n_ctx == 0 ? qw_info(g->model)->n_ctx_max : o->n_ctx < 0 ? 0 : o->n_ctx,
                                       .n_batch = o->n_batch, .kv_type = o->kv_type, .progress = on_progress, .user = g};
    const qw_chat_params chat = {.system = o->system, .chat_template = o->chat_template, .thinking = o->given.think ? o->think : -1,
                                 .special = o->special, .max_tokens = o->n_predict < 0 ? 0 : o->n_predict};
    if (qw_session_new(&g->session, g->model, &session, &err) || qw_chat_new(&g->chat, g->session, &chat, &err) || set_sampling(g, &err))
        return engine_error(&err);
    return 0;
}

void generator_free(struct generator *g) {
    qw_chat_free(g->chat);
    qw_session_free(g->session);
    qw_free(g->model);
    free(g->o.bias.p);
}

/* ---- an answer ---- */

static void show_thought(const struct generator *g, const qw_piece *piece, bool *begun) {
    if (!g->show_thoughts) return;
    *begun = true;
    if (g->colour) fputs("\033[2m", stderr);        /* on and off for each piece: no way out leaves the terminal dim */
    fwrite(piece->text, 1, piece->n, stderr);
    if (g->colour) fputs("\033[0m", stderr);
    fflush(stderr);
}

static void end_thought(bool *begun) {
    if (*begun) fputs("\n\n", stderr);
    *begun = false;
}

int generate(struct generator *g, const char *text, size_t n) {
    qw_error err;
    qw_piece piece;
    enum qw_stop stop = QW_STOP_END;
    bool thought = false, answered = false, newline = true;
    int more = 0, rc = 0;
    size_t before = qw_n_tokens(g->session);
    g->started = now();
    int failed = qw_chat_say(g->chat, text, n, &err);
    if (g->progress && now() - g->started > 1) fputs("\r\033[K", stderr);
    if (failed) return engine_error(&err);
    double prompt_done = now();
    size_t after = qw_n_tokens(g->session);
    while (rc == 0 && !interrupted && (more = qw_chat_next(g->chat, &piece, &stop, &err)) == 1) {
        if (piece.kind == QW_THOUGHT) {
            show_thought(g, &piece, &thought);
        } else {
            end_thought(&thought);
            answered = true;
            rc = write_stdout(piece.text, piece.n);
            newline = piece.text[piece.n - 1] == '\n';
        }
    }
    double end = now();
    end_thought(&thought);
    if (!newline && rc == 0) rc = write_stdout("\n", 1);
    if (rc) return rc;
    if (more < 0) return engine_error(&err);
    if (g->o.verbose) {
        size_t drawn = qw_n_tokens(g->session) - after;
        say("prompt %zu tokens (%zu in all), %.2f s; answer %zu tokens, %.1f tokens/s", after - (before < after ? before : 0), after,
            prompt_done - g->started, drawn, end > prompt_done ? (double)drawn / (end - prompt_done) : 0.0);
    }
    if (interrupted) {
        qw_chat_cut(g->chat, NULL);             /* fails when the answer is over; then there is nothing to cut */
        return EXIT_SIGINT;
    }
    if (stop == QW_STOP_CONTEXT) {
        say("the answer was cut: the context of %d tokens is full (-c)", qw_n_ctx(g->session));
        return EXIT_CONTEXT;
    }
    if (stop == QW_STOP_LENGTH && !answered && qw_chat_thinks(g->chat) && !g->o.quiet)
        say("all %d tokens of -n went into thoughts; --no-think answers directly", g->o.n_predict);
    return 0;
}

/* ---- the prompt ---- */

/* Append a part behind a blank line; takes over part. */
static int join(struct text *all, struct text part) {
    if (part.n == 0) { free(part.p); return 0; }
    size_t gap = all->n ? 2 : 0;
    char *p = realloc(all->p, all->n + gap + part.n);
    if (!p) { free(part.p); say("not enough memory for the prompt"); return EXIT_MEMORY; }
    memcpy(p + all->n, "\n\n", gap);
    memcpy(p + all->n + gap, part.p, part.n);
    free(part.p);
    *all = (struct text){p, all->n + gap + part.n};
    return 0;
}

static int join_file(struct text *all, const char *path, const char *name) {
    struct text part;
    int rc = read_all(path, &part);
    if (rc) return rc;
    if (part.n && part.p[part.n - 1] == '\n') part.n--;
    if ((rc = clean_text(&part, name)) != 0) { free(part.p); return rc; }
    return join(all, part);
}

int read_prompt(const struct options *o, bool with_stdin, struct text *out) {
    int rc = 0;
    *out = (struct text){0};
    if (o->prompt) {
        struct text p = {strdup(o->prompt), strlen(o->prompt)};
        if (!p.p) { say("not enough memory for the prompt"); return EXIT_MEMORY; }
        rc = clean_text(&p, "-p");
        if (rc) free(p.p);
        else rc = join(out, p);
    }
    bool file_is_stdin = o->file && strcmp(o->file, "-") == 0;
    if (!rc && o->file) rc = join_file(out, o->file, file_is_stdin ? "stdin" : o->file);
    if (!rc && with_stdin && !file_is_stdin && !isatty(STDIN_FILENO)) rc = join_file(out, "-", "stdin");
    if (rc) { free(out->p); *out = (struct text){0}; }
    return rc;
}
