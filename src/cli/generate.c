/* generate.c - what qw run and qw chat share: flags, a loaded model with a conversation, and
 * showing an answer. */
#include "cli/generate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/output.h"
#include "cli/progress.h"

/* ---- flags ---- */

int options_read(struct options *o, const struct command *c, int argc, char **argv) {
    *o = (struct options){.n_predict = -1, .n_ctx = -1, .n_batch = 64, .think = true,
                          .top_p = 1, .repetition = 1};
    struct flag flags[] = {
        /* set_model_flags and set_template_flags fill those before */
        [N_MODEL_AND_THREAD_FLAGS + N_TEMPLATE_FLAGS] =
        {.names = "-p --prompt", .value = "TEXT", .type = FLAG_STRING, .to = &o->prompt,
         .help = "the message"},
        {.names = "-f --file", .value = "FILE", .type = FLAG_PATH, .to = &o->file,
         .help = "file with the message, appended to -p if both are given; - is stdin"},
        {.names = "-sys --system-prompt", .value = "TEXT", .type = FLAG_STRING, .to = &o->system,
         .help = "system message"},
        {.names = "-n --predict", .value = "N", .type = FLAG_INT, .to = &o->n_predict,
         .lo = -1, .hi = 1 << 30,
         .help = "maximum tokens of an answer; -1: until it ends by itself"},
        {.names = "-c --ctx-size", .value = "N", .type = FLAG_INT, .to = &o->n_ctx,
         .lo = 0, .hi = 1 << 30, .env = "QW_CTX_SIZE",
         .help = "context in tokens; default 4096 or the model's maximum, whichever is smaller; "
                 "0: the model's maximum"},
        kv_flag(&o->kv_type),
        batch_flag(&o->n_batch),
        {.names = "-s --seed", .value = "N", .type = FLAG_SEED, .to = &o->seed,
         .given = &o->given.seed,
         .help = "seed; the same one gives the same text on every machine; default: a new one each "
                 "time"},
        {.names = "--temp --temperature", .value = "T", .type = FLAG_FLOAT, .to = &o->temperature,
         .lo = 0, .hi = 100, .given = &o->given.temperature,
         .help = "temperature; 0: always the likeliest token"},
        {.names = "--top-k", .value = "K", .type = FLAG_INT, .to = &o->top_k,
         .lo = 0, .hi = 1 << 30, .given = &o->given.top_k,
         .help = "only the K likeliest tokens; 0: all"},
        {.names = "--top-p", .value = "P", .type = FLAG_FLOAT, .to = &o->top_p,
         .lo = 0, .hi = 1, .given = &o->given.top_p,
         .help = "only the likeliest tokens that together reach probability P"},
        {.names = "--min-p", .value = "P", .type = FLAG_FLOAT, .to = &o->min_p,
         .lo = 0, .hi = 1, .given = &o->given.min_p,
         .help = "only tokens at least P times as likely as the likeliest"},
        {.names = "--presence-penalty", .value = "X", .type = FLAG_FLOAT, .to = &o->presence,
         .lo = -100, .hi = 100,
         .help = "subtracted once from the logit of each token that this answer contains"},
        {.names = "--frequency-penalty", .value = "X", .type = FLAG_FLOAT, .to = &o->frequency,
         .lo = -100, .hi = 100,
         .help = "subtracted from it once for each time it occurred"},
        {.names = "--repeat-penalty --repetition-penalty", .value = "X", .type = FLAG_FLOAT,
         .to = &o->repetition, .lo = 0.001, .hi = 1000, .given = &o->given.repetition,
         .help = "divides the logits of all tokens so far; 1: off"},
        {.names = "-l --logit-bias", .value = "ID+BIAS", .type = FLAG_BIAS, .to = &o->bias,
         .help = "added to the logit of a token; may be repeated; also ID-BIAS"},
        {.names = "--think", .type = FLAG_ON, .to = &o->think, .given = &o->given.think,
         .help = "think before answering, and show it (on stderr)"},
        {.names = "--no-think", .type = FLAG_OFF, .to = &o->think, .given = &o->given.think,
         .help = "answer directly"},
        {.names = "--special", .type = FLAG_ON, .to = &o->special,
         .help = "tokens such as <|im_end|> in messages are control tokens, not text"},
        {.names = "--quiet", .type = FLAG_ON, .to = &o->quiet,
         .help = "nothing on stderr but errors and warnings about the input"},
        {.names = "-v --verbose", .type = FLAG_ON, .to = &o->verbose,
         .help = "settings and speeds on stderr"},
    };
    set_model_flags(flags, N_MODEL_AND_THREAD_FLAGS, &o->model, "QW_WEIGHT_TYPE", auto_type_help);
    set_template_flags(flags + N_MODEL_AND_THREAD_FLAGS, &o->template);
    int rc = parse_flags(c, flags, sizeof flags / sizeof *flags, argc, argv, NULL);
    return rc ? rc : check_kv(o->kv_type);
}

/* ---- errors ---- */

/* Would a larger -c make more room? Writes the hint, or returns NULL at the model's own limit. */
static const char *larger_context(const struct generator *g, char *out, size_t size) {
    int max = qw_info(g->model)->n_ctx_max;
    if (qw_n_ctx(g->session) >= max) return NULL;
    snprintf(out, size, "a larger -c makes room, up to %d", max);
    return out;
}

int generator_error(const struct generator *g, const qw_error *err) {
    const char *hint = template_hint(err);
    char text[64];
    if (err->code == QW_ETEMPLATE)
        hint = "--template NAME chooses another one, --template none continues plain text";
    if (err->code == QW_ENOMEM && !g->session) hint = "a smaller -c takes less memory";
    if (err->code == QW_ECONTEXT) hint = larger_context(g, text, sizeof text);
    return engine_error(err, hint);
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
    seed ^= (uint64_t)t.tv_nsec ^ (uint64_t)getpid() << 32;
    return seed & 0xFFFFFFFF;           /* short enough to type */
}

/* Between batches of the prompt: stop after a SIGINT; on a terminal, after the first second, show
 * how much is done. */
static int on_progress(void *user, size_t done, size_t all) {
    const struct generator *g = user;
    if (g->progress && monotonic_seconds() - g->started > 1) {
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
    if (!o->given.seed) o->seed = any_seed();
    s.seed = o->seed;
    if (s.temperature == 0 && thinking && !o->quiet)
        say("temperature 0 with thinking: Qwen advises against it; thoughts may repeat endlessly");
    if (o->verbose) {
        const qw_model_info *info = qw_info(g->model);
        say("temperature %g, top-k %d, top-p %g, min-p %g, seed %llu, context %d, cache %s, "
            "%d threads (prompts: %d), kernels %s", s.temperature, s.top_k, s.top_p, s.min_p,
            (unsigned long long)s.seed, qw_n_ctx(g->session), qw_kv_type(g->session),
            info->n_threads, info->n_threads_batch, info->kernels);
    }
    return qw_session_set_sampling(g->session, &s, err);
}

static void choose_display(struct generator *g) {
    const struct options *o = &g->o;
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool screen = isatty(STDERR_FILENO);
    bool person = screen && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    bool plain = !term || strcmp(term, "dumb") == 0;
    g->show_thoughts = !o->quiet && (person || (o->given.think && o->think));
    g->colour = person && !plain && !(no_colour && *no_colour);
    g->progress = screen && !plain && !o->quiet;
}

int generator_open(struct generator *g) {
    const struct options *o = &g->o;
    qw_error err;
    choose_display(g);
    if (o->n_predict == 0)
        return usage_error("-n 0 is out of range (1 or more, or -1 for no limit)");
    qw_chat_params chat = {.system = o->system,
                           .thinking = o->given.think ? o->think : -1,
                           .special = o->special,
                           .max_tokens = o->n_predict < 0 ? 0 : o->n_predict};
    int rc = use_template_flags(&g->o.template, &chat);
    if (!rc) rc = load_model(&g->model, &g->o.model, o->quiet);
    if (rc) return rc;
    qw_session_params session = {.n_ctx = o->n_ctx, .n_batch = o->n_batch, .kv_type = o->kv_type,
                                 .progress = on_progress, .user = g};
    if (o->n_ctx < 0) session.n_ctx = 0;                                /* the engine's default */
    if (o->n_ctx == 0) session.n_ctx = qw_info(g->model)->n_ctx_max;
    if (qw_session_new(&g->session, g->model, &session, &err) ||
        qw_chat_new(&g->chat, g->session, &chat, &err) || set_sampling(g, &err))
        return generator_error(g, &err);
    const char *warning = qw_chat_warning(g->chat), *date = qw_chat_date(g->chat);
    if (warning && !o->quiet) say("%s", warning);
    if (date && o->verbose) say("the chat template is told that it is %s", date);
    return 0;
}

void generator_free(struct generator *g) {
    qw_chat_free(g->chat);
    qw_session_free(g->session);
    qw_free(g->model);
    free(g->o.bias.p);
    template_flags_free(&g->o.template);
}

/* ---- an answer ---- */

static void show_thought(const struct generator *g, const qw_piece *piece, bool *begun) {
    if (!g->show_thoughts) return;
    *begun = true;
    if (g->colour) fputs("\033[2m", stderr);        /* for each piece: no exit leaves it dim */
    fwrite(piece->text, 1, piece->n, stderr);
    if (g->colour) fputs("\033[0m", stderr);
    fflush(stderr);
}

static void end_thought(bool *begun) {
    if (*begun) fputs("\n\n", stderr);
    *begun = false;
}

/* Print the pieces until the answer ends or a SIGINT comes. *answered: it had some text outside of
 * thoughts. 0 or an exit code after a message. */
static int print_answer(struct generator *g, enum qw_stop *stop, bool *answered) {
    qw_error err;
    qw_piece piece;
    bool thought = false, newline = true;
    int more = 0, rc = 0;
    *answered = false;
    while (rc == 0 && !interrupted && (more = qw_chat_next(g->chat, &piece, stop, &err)) == 1) {
        if (piece.kind == QW_THOUGHT) {
            show_thought(g, &piece, &thought);
            continue;
        }
        end_thought(&thought);
        *answered = true;
        rc = write_stdout(piece.text, piece.n);
        newline = piece.text[piece.n - 1] == '\n';
    }
    end_thought(&thought);
    if (!newline && rc == 0) rc = write_stdout("\n", 1);
    if (rc) return rc;
    return more < 0 ? generator_error(g, &err) : 0;
}

/* Why the answer ended, if it did not end by itself. 0 or an exit code. */
static int report_stop(const struct generator *g, enum qw_stop stop, bool answered) {
    if (stop == QW_STOP_CONTEXT) {
        char text[64];
        const char *hint = larger_context(g, text, sizeof text);
        say("the answer was cut off: the context of %d tokens is full%s%s", qw_n_ctx(g->session),
            hint ? "; " : "", hint ? hint : "");
        return EXIT_CONTEXT;
    }
    if (stop == QW_STOP_LENGTH && !answered && qw_chat_thinks(g->chat) && !g->o.quiet)
        say("all %d tokens of -n went into thoughts; --no-think answers directly", g->o.n_predict);
    return 0;
}

int generate(struct generator *g, const char *text, size_t n) {
    qw_error err;
    enum qw_stop stop = QW_STOP_END;
    bool answered;
    size_t before = qw_n_tokens(g->session);
    g->started = monotonic_seconds();
    int failed = qw_chat_say(g->chat, text, n, &err);
    double prompt_end = monotonic_seconds();
    if (g->progress && prompt_end - g->started > 1) fputs("\r\033[K", stderr);
    if (failed) return generator_error(g, &err);
    size_t after = qw_n_tokens(g->session);
    int rc = print_answer(g, &stop, &answered);
    double seconds = monotonic_seconds() - prompt_end;
    if (rc) return rc;
    if (g->o.verbose) {
        size_t drawn = qw_n_tokens(g->session) - after;
        say("prompt %zu tokens (%zu in all), %.2f s; answer %zu tokens, %.1f tokens/s",
            after - (before < after ? before : 0), after, prompt_end - g->started, drawn,
            seconds > 0 ? (double)drawn / seconds : 0.0);
    }
    if (interrupted) {
        qw_chat_cut(g->chat, NULL);             /* fails if the answer was complete; no matter */
        return EXIT_SIGINT;
    }
    return report_stop(g, stop, answered);
}

/* ---- the prompt ---- */

/* Append a part after a blank line. Takes ownership of part.p. */
static int join(struct text *all, struct text part) {
    size_t gap = all->n ? 2 : 0;
    char *p = part.n ? realloc(all->p, all->n + gap + part.n) : NULL;
    if (p) {
        memcpy(p + all->n, "\n\n", gap);
        memcpy(p + all->n + gap, part.p, part.n);
        *all = (struct text){p, all->n + gap + part.n};
    }
    free(part.p);
    return p || part.n == 0 ? 0 : memory_error("the prompt");
}

/* name: what messages call it */
static int join_file(struct text *all, const char *path, const char *name) {
    struct text part;
    int rc = read_all(path, &part);
    if (rc) return rc;
    if (part.n && part.p[part.n - 1] == '\n') part.n--;
    rc = clean_text(&part, name);
    if (!rc) return join(all, part);
    free(part.p);
    return rc;
}

static int join_string(struct text *all, const char *s, const char *name) {
    struct text part = {strdup(s), strlen(s)};
    if (!part.p) return memory_error("the prompt");
    int rc = clean_text(&part, name);
    if (!rc) return join(all, part);
    free(part.p);
    return rc;
}

int read_prompt(const struct options *o, bool with_stdin, struct text *out) {
    bool file_is_stdin = o->file && strcmp(o->file, "-") == 0;
    int rc = 0;
    *out = (struct text){0};
    if (o->prompt) rc = join_string(out, o->prompt, "-p");
    if (!rc && o->file) rc = join_file(out, o->file, file_is_stdin ? "stdin" : o->file);
    if (!rc && with_stdin && !file_is_stdin && !isatty(STDIN_FILENO))
        rc = join_file(out, "-", "stdin");
    if (rc) {
        free(out->p);
        *out = (struct text){0};
    }
    return rc;
}
