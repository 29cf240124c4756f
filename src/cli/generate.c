/* generate.c - loads a model and begins a conversation as the flags say. */
#include "cli/generate.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "terminal/tty.h"

/* ---- errors ---- */

/* What takes less memory than a context that does not fit. */
static const char *memory_hint(const struct generator *g) {
    const char *kv = g->o.kv_type;
    bool smallest = kv ? strcmp(kv, "q8") == 0
                       : strcmp(qw_info(g->model)->weight_type, "bf16") != 0;
    if (g->o.n_ctx >= 0)
        return "a smaller -c takes less memory, and without -c it grows as needed";
    if (smallest) return "that is for the prompt and -n: a shorter one, a smaller -n take less";
    return "that is for the prompt and -n: they, or --kv q8, could take less";
}

int generator_error(const struct generator *g, const qw_error *err, const struct text *said) {
    const char *hint = template_hint(err);
    char text[96];
    if (err->code == QW_ETEMPLATE)
        hint = "--template NAME chooses another one, --template none continues plain text";
    if (err->code == QW_ENOMEM && g->model && !g->session) hint = memory_hint(g);
    if (err->code == QW_ECONTEXT && g->session) {
        size_t tokens = qw_n_tokens(g->session) + (said ? message_tokens(g, said) : 0);
        hint = room_hint(g, tokens, text, sizeof text);
    }
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

struct reading reading_start(void) {
    return (struct reading){.live = live_start(0.5), .started = monotonic_seconds()};
}

static void show_reading(struct reading *r, bool back, size_t done, size_t all) {
    struct variants v = {.n = 0};
    if (done == 0) {                    /* nothing is known yet of the speed */
        if (back) add_variant(&v, "reading %zu tokens   Ctrl-C: back", all);
        add_variant(&v, "reading %zu tokens", all);
        add_variant(&v, "reading");
        live_show(&r->live, &v);
        return;
    }
    double t = monotonic_seconds() - r->started, rate = (double)done / t;
    double percent = 100.0 * (double)done / (double)all, left = (double)(all - done) / rate;
    if (back)
        add_variant(&v, "reading %zu of %zu tokens, %.0f %%, %.0f/s, %.0f s left   Ctrl-C: back",
                    done, all, percent, rate, left);
    add_variant(&v, "reading %zu of %zu tokens, %.0f %%, %.0f/s, %.0f s left", done, all, percent,
                rate, left);
    add_variant(&v, "reading %.0f %%, %.0f/s, %.0f s left", percent, rate, left);
    add_variant(&v, "reading %.0f %%", percent);
    live_show(&r->live, &v);
}

/* Between layers: stop after a SIGINT. */
static int on_progress(void *user, size_t done, size_t all) {
    struct generator *g = user;
    tty_collect();
    g->reading.read = all;
    if (live_due(&g->reading.live))
        show_reading(&g->reading, g->person && g->talks, done, all);
    return interrupted != 0;
}

double reading_end(struct reading *r) {
    char last[64];
    double t = monotonic_seconds() - r->started;
    snprintf(last, sizeof last, "read %zu tokens, %.1f s", r->read, t);
    live_end(&r->live, last);
    r->live.mode = LIVE_OFF;            /* the end of a thought is read, too, below its own line */
    return t;
}

int generator_set_sampling(struct generator *g, qw_error *err) {
    struct options *o = &g->o;
    int thinking = qw_chat_thinks(g->chat);
    qw_sampling s = qw_default_sampling(g->model, thinking);
    if (!o->given.temperature) o->temperature = s.temperature;
    if (!o->given.top_k) o->top_k = s.top_k;
    if (!o->given.top_p) o->top_p = s.top_p;
    if (!o->given.min_p) o->min_p = s.min_p;
    if (!o->given.repetition) o->repetition = s.repetition_penalty;
    if (!o->given.presence) o->presence = s.presence_penalty;
    if (!o->given.frequency) o->frequency = s.frequency_penalty;
    s.temperature = o->temperature;
    s.top_k = o->top_k;
    s.top_p = o->top_p;
    s.min_p = o->min_p;
    s.repetition_penalty = o->repetition;
    s.presence_penalty = o->presence;
    s.frequency_penalty = o->frequency;
    s.bias = o->bias.p;
    s.n_bias = o->bias.n;
    s.seed = o->seed;
    if (s.temperature == 0 && thinking && !g->greedy_told) {
        warning("temperature 0 with thinking: Qwen advises against it; thoughts may repeat "
                "endlessly");
        g->greedy_told = true;
    }
    if (o->verbose)
        note("%s: temperature %g, top-k %d, top-p %g, min-p %g, seed %llu",
             thinking ? "thinking" : "direct answers", s.temperature, s.top_k, s.top_p, s.min_p,
             (unsigned long long)s.seed);
    return qw_session_set_sampling(g->session, &s, err);
}

static void note_settings(const struct generator *g) {
    const qw_model_info *info = qw_info(g->model);
    const char *date = qw_chat_date(g->chat);
    if (!g->o.verbose) return;
    note("context to %d, cache %s, %d threads (prompts: %d), kernels %s", qw_n_ctx(g->session),
         qw_kv_type(g->session), info->n_threads, info->n_threads_batch, info->kernels);
    if (!g->o.given.n_predict && info->max_new_tokens)
        note("an answer has at most %d tokens, max_new_tokens of generation_config.json",
             info->max_new_tokens);
    if (date) note("the chat template is told that it is %s", date);
}

/* Keys come from stdin or, if that is something else, from /dev/tty: a descriptor that stays open,
 * or -1. */
static int keyboard(void) {
    if (isatty(STDIN_FILENO)) return STDIN_FILENO;
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void apply_display(struct generator *g) {
    const char *no_colour = getenv("NO_COLOR");
    bool colour = !is_dumb_terminal() && !(no_colour && *no_colour);
    if (g->o.colour != COLOUR_AUTO) colour = g->o.colour == COLOUR_ON;
    g->colour = colour && isatty(STDERR_FILENO);
    g->show_thoughts = g->o.show_thoughts;
}

static void choose_display(struct generator *g) {
    bool screen = isatty(STDERR_FILENO);
    int keys = screen && isatty(STDOUT_FILENO) ? keyboard() : -1;
    g->person = keys >= 0;
    g->plain = is_plain_terminal();
    apply_display(g);
    if (g->person && !g->typed && tty_open(keys, false)) tty_set_mode(TTY_HIDDEN);
}

static qw_chat_params chat_params(const struct generator *g) {
    const struct options *o = &g->o;
    bool drops = g->talks;
    if (o->context_full != FULL_UNSET) drops = o->context_full == FULL_DROP;
    return (qw_chat_params){
        .system = g->system.p,
        .thinking = o->given.think ? o->think : -1,
        .special = o->special,
        .max_tokens = o->given.n_predict ? o->n_predict : 0,
        .stop = o->stop.list,
        .n_stop = o->stop.n,
        .thought_budget = o->budget > 0 ? o->budget : 0,
        .no_loop_guard = o->no_loop_guard,
        .drop_turns = drops,
    };
}

int generator_set_limits(struct generator *g) {
    const qw_chat_params limits = chat_params(g);
    qw_error err;
    apply_display(g);
    return qw_chat_set_limits(g->chat, &limits, &err) ? generator_error(g, &err, NULL) : 0;
}

/* --ignore-eos: as low a bias as there is for all end tokens. */
static int bias_end_tokens(struct bias_list *bias, const qw_model_info *info) {
    size_t n = (size_t)bias->n + (size_t)info->n_eos;
    qw_logit_bias *more = realloc(bias->p, (n + 1) * sizeof *more);
    if (!more) return memory_error("the end tokens");
    bias->p = more;
    for (int i = 0; i < info->n_eos; i++)
        more[bias->n++] = (qw_logit_bias){info->eos[i], -1e6f};
    return 0;
}

int generator_open(struct generator *g, const struct text *prompt) {
    struct options *o = &g->o;
    qw_error err;
    double begun = monotonic_seconds();
    choose_display(g);
    int rc = read_system(o, &g->system);
    qw_chat_params chat = chat_params(g);
    if (!rc) rc = use_template_flags(&g->o.template, &chat);
    o->model.n_ctx_plan = rough_context(g, prompt);
    if (!rc) rc = load_model(&g->model, &g->o.model, o->quiet || g->typed);
    if (!rc && o->ignore_eos) rc = bias_end_tokens(&o->bias, qw_info(g->model));
    if (rc) return rc;
    const int limit = qw_info(g->model)->max_new_tokens;
    if (!o->given.n_predict && limit) o->n_predict = limit;
    if (!o->given.seed) o->seed = any_seed();
    qw_session_params session = {.n_ctx = o->n_ctx, .n_batch = o->n_batch, .kv_type = o->kv_type,
                                 .progress = on_progress, .user = g};
    if (o->n_ctx < 0) session.n_ctx = 0;                                /* it grows */
    if (o->n_ctx < 0) session.n_ctx_plan = exact_context(g, prompt);
    if (o->n_ctx == 0) session.n_ctx = qw_info(g->model)->n_ctx_max;
    if (qw_session_new(&g->session, g->model, &session, &err) ||
        qw_chat_new(&g->chat, g->session, &chat, &err))
        return generator_error(g, &err, NULL);
    note_settings(g);
    if (generator_set_sampling(g, &err)) return generator_error(g, &err, NULL);
    const char *odd = qw_chat_warning(g->chat);
    if (odd) warning("%s", odd);
    g->load_seconds = monotonic_seconds() - begun;
    return 0;
}

void generator_free(struct generator *g) {
    qw_chat_free(g->chat);
    qw_session_free(g->session);
    qw_free(g->model);
    free(g->system.p);
    for (int i = 0; i < g->kept.n; i++) free(g->kept.list[i]);
    free(g->kept.list);
    options_free(&g->o);
}
