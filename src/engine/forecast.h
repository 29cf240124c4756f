/* forecast.h - how many tokens per second a model will reach, from a short measurement of some of
 * its layers. */
#ifndef QW_FORECAST_H
#define QW_FORECAST_H
#include "model/config.h"

/* Seconds that a model's parts take on a machine. */
struct part_times {
    double token;               /* a layer, for a token of an answer */
    double prompt;              /* a layer, for each token of a prompt */
    double head;                /* the logits of one token */
};

/* What is forecast: a prompt of FORECAST_PROMPT tokens in batches, and an answer of
 * FORECAST_ANSWER, each from an empty context, as qw bench has them. */
enum { FORECAST_PROMPT = 512, FORECAST_BATCH = 64, FORECAST_ANSWER = 128 };

/* Tokens per second. */
double forecast_prompt(const struct config *c, const struct part_times *t);
double forecast_answer(const struct config *c, const struct part_times *t);

/* The seconds of a layer for n tokens that begin at position pos: the mean of as many as there is
 * time for, at least one. Below 0: stopped. head, unless NULL: those of the head for a token. */
typedef double layer_fn(void *ctx, int n, int pos, double seconds, double *head);

/* Measures the parts of a model in about half a second; on a slow machine it takes as long as some
 * layers take for one token. False: stopped. */
bool forecast_measure(struct part_times *out, layer_fn *layer, void *ctx);

#endif
