/* model_defaults.c - what a model's generation_config.json asks for, in words. */
#include "cli/model_defaults.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "terminal/visible.h"

static void add(char out[DEFAULTS_TEXT], const char *fmt, ...) CLI_PRINTF(2, 3);
static void add(char out[DEFAULTS_TEXT], const char *fmt, ...) {
    va_list ap;
    size_t n = strlen(out);
    va_start(ap, fmt);
    vsnprintf(out + n, DEFAULTS_TEXT - n, fmt, ap);
    va_end(ap);
}

void sampling_in_words(const qw_sampling *s, char out[DEFAULTS_TEXT]) {
    out[0] = 0;
    if (s->temperature == 0) add(out, "the likeliest token");
    else add(out, "temperature %g, top-k %d, top-p %g", s->temperature, s->top_k, s->top_p);
    if (s->temperature != 0 && s->min_p != 0) add(out, ", min-p %g", s->min_p);
    if (s->repetition_penalty != 1) add(out, ", repetition penalty %g", s->repetition_penalty);
    if (s->presence_penalty != 0) add(out, ", presence penalty %g", s->presence_penalty);
    if (s->frequency_penalty != 0) add(out, ", frequency penalty %g", s->frequency_penalty);
    if (s->n_suppress)
        add(out, "; %d token%s never drawn", s->n_suppress, plural((size_t)s->n_suppress));
    if (s->n_begin_suppress)
        add(out, "; %d token%s not drawn first", s->n_begin_suppress,
            plural((size_t)s->n_begin_suppress));
}

void stops_in_words(const qw_model_info *info, char out[DEFAULTS_TEXT]) {
    struct visible v = {0};
    out[0] = 0;
    for (int i = 0; i < info->n_stop; i++) {
        const size_t n = strlen(out), room = DEFAULTS_TEXT - sizeof ", ..." - n;
        char *text;
        size_t length;
        if (qw_json_quote(info->stop[i], strlen(info->stop[i]), &text, &length, NULL)) return;
        const bool fits = VISIBLE_GROWTH * (length + 4) < room;
        if (i) strcpy(out + n, ", ");
        char *end = out + strlen(out);
        if (fits) end[visible_text(&v, text, length, end)] = 0;
        else strcpy(end, "...");
        qw_release(text);
        if (!fits) return;
    }
}
