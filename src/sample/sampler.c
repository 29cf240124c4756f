/* sampler.c - from logits to a token.
 *
 * The order is Hugging Face's: bias, penalties, suppressed tokens, temperature, top-k, top-p,
 * min-p, draw.
 * Candidates are ranked by logit, of equal ones the lower id first, so every step cuts a tail
 * off one ranked list. Probabilities are doubles from num_exp, the same on every machine. */
#include "sample/sampler.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/exact_math.h"

struct candidate { float logit; int32_t id; double p; };    /* p: relative to the best one's */

struct sampler {
    qw_sampling set;
    int n_vocab;
    uint64_t state;                 /* of the random generator */
    int32_t *count;                 /* [n_vocab] occurrences; zero between draws */
    struct candidate *list;         /* [n_vocab] */
    qw_logit_bias *bias;
    int32_t *suppress, *begin_suppress;
};

static int check_ids(const int32_t *ids, int n, int n_vocab, qw_error *err) {
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= n_vocab)
            return fail(err, QW_EARG, "suppressed token %d is out of range (0 to %d)", ids[i],
                        n_vocab - 1);
    return 0;
}

static int check_settings(const qw_sampling *set, int n_vocab, qw_error *err) {
    const struct { const char *name; double v, lo, hi; } checks[] = {
        {"temperature", set->temperature, 0, 100},
        {"top-k", set->top_k, 0, INT32_MAX},
        {"top-p", set->top_p, 0, 1},
        {"min-p", set->min_p, 0, 1},
        {"presence penalty", set->presence_penalty, -100, 100},
        {"frequency penalty", set->frequency_penalty, -100, 100},
        {"repetition penalty", set->repetition_penalty, 0.001, 1000},
        {"number of logit biases", set->n_bias, 0, INT32_MAX},
        {"number of suppressed tokens", set->n_suppress, 0, INT32_MAX},
        {"number of suppressed first tokens", set->n_begin_suppress, 0, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!(checks[i].v >= checks[i].lo && checks[i].v <= checks[i].hi))
            return fail(err, QW_EARG, "%s %g is out of range (%g to %g)", checks[i].name,
                        checks[i].v, checks[i].lo, checks[i].hi);
    for (int i = 0; i < set->n_bias; i++) {
        float b = set->bias[i].bias;
        if (set->bias[i].id < 0 || set->bias[i].id >= n_vocab)
            return fail(err, QW_EARG, "logit bias for token %d, which is out of range (0 to %d)",
                        set->bias[i].id, n_vocab - 1);
        if (!(b >= -1e6f && b <= 1e6f))
            return fail(err, QW_EARG, "logit bias %g is out of range (-1e6 to 1e6)", b);
    }
    int rc = check_ids(set->suppress, set->n_suppress, n_vocab, err);
    return rc ? rc : check_ids(set->begin_suppress, set->n_begin_suppress, n_vocab, err);
}

/* NULL: out of memory. */
static void *copy(const void *p, int n, size_t size) {
    void *q = alloc_zero((uint64_t)n, size);
    if (q && n) memcpy(q, p, (size_t)n * size);
    return q;
}

int sampler_new(struct sampler **out, const qw_sampling *set, int n_vocab, qw_error *err) {
    *out = NULL;
    int rc = check_settings(set, n_vocab, err);
    if (rc) return rc;
    struct sampler *s = alloc_zero(1, sizeof *s);
    if (!s) return fail_memory(err, "the sampler", sizeof *s);
    s->set = *set;
    s->n_vocab = n_vocab;
    s->state = set->seed;
    s->count = alloc_zero((uint64_t)n_vocab, sizeof *s->count);
    s->list = alloc_zero((uint64_t)n_vocab, sizeof *s->list);
    s->bias = copy(set->bias, set->n_bias, sizeof *s->bias);
    s->suppress = copy(set->suppress, set->n_suppress, sizeof *s->suppress);
    s->begin_suppress = copy(set->begin_suppress, set->n_begin_suppress,
                             sizeof *s->begin_suppress);
    if (!s->count || !s->list || !s->bias || !s->suppress || !s->begin_suppress) {
        sampler_free(s);
        return fail_memory(err, "the sampler",
                           (uint64_t)n_vocab * (sizeof *s->count + sizeof *s->list));
    }
    s->set.bias = s->bias;
    s->set.suppress = s->suppress;
    s->set.begin_suppress = s->begin_suppress;
    *out = s;
    return 0;
}

void sampler_free(struct sampler *s) {
    if (!s) return;
    free(s->count);
    free(s->list);
    free(s->bias);
    free(s->suppress);
    free(s->begin_suppress);
    free(s);
}

/* SplitMix64 (Steele, Lea and Flood 2014); 53 bits of it as 0 <= u < 1. */
static double draw_uniform(struct sampler *s) {
    uint64_t z = s->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Repetition penalty: Keskar et al. 2019, over the whole sequence. Presence and frequency
 * penalties: OpenAI's, over this turn. */
static void penalise(struct sampler *s, float *logits, const int32_t *tokens, size_t n,
                     size_t drawn) {
    float repetition = s->set.repetition_penalty;
    float presence = s->set.presence_penalty, frequency = s->set.frequency_penalty;
    if (repetition != 1) {
        for (size_t i = 0; i < n; i++) {
            float *l = &logits[tokens[i]];
            if (s->count[tokens[i]]++ == 0) *l = *l > 0 ? *l / repetition : *l * repetition;
        }
        for (size_t i = 0; i < n; i++) s->count[tokens[i]] = 0;
    }
    if (presence != 0 || frequency != 0) {
        for (size_t i = drawn; i < n; i++) s->count[tokens[i]]++;
        for (size_t i = drawn; i < n; i++) {
            int32_t id = tokens[i];
            if (s->count[id]) logits[id] -= presence + frequency * (float)s->count[id];
            s->count[id] = 0;
        }
    }
}

/* Where no token is left, the lowest id is drawn. */
static void suppress(float *logits, const int32_t *ids, int n) {
    for (int i = 0; i < n; i++) logits[ids[i]] = -INFINITY;
}

static int by_rank(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Restores the heap of the k best, the worst on top, from place i downwards. */
static void sift_down(struct candidate *heap, int k, int i) {
    for (;;) {
        int worst = i, l = 2 * i + 1;
        if (l < k && by_rank(&heap[l], &heap[worst]) > 0) worst = l;
        if (l + 1 < k && by_rank(&heap[l + 1], &heap[worst]) > 0) worst = l + 1;
        if (worst == i) return;
        struct candidate t = heap[i];
        heap[i] = heap[worst];
        heap[worst] = t;
        i = worst;
    }
}

/* Puts the k best tokens, ranked, into s->list. */
static void rank_best(struct sampler *s, const float *logits, int k) {
    struct candidate *list = s->list;
    for (int i = 0; i < k; i++) list[i] = (struct candidate){logits[i], i, 0};
    if (k < s->n_vocab) {
        for (int i = k / 2 - 1; i >= 0; i--) sift_down(list, k, i);
        for (int i = k; i < s->n_vocab; i++)
            if (logits[i] > list[0].logit) {    /* equal ones stay out: their ids are higher */
                list[0] = (struct candidate){logits[i], i, 0};
                sift_down(list, k, 0);
            }
    }
    qsort(list, (size_t)k, sizeof *list, by_rank);
}

static int32_t best_token(const float *logits, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

int32_t sampler_draw(struct sampler *s, float *logits, const int32_t *tokens, size_t n_tokens,
                     size_t drawn) {
    const qw_sampling *set = &s->set;
    for (int i = 0; i < set->n_bias; i++) logits[s->bias[i].id] += s->bias[i].bias;
    penalise(s, logits, tokens, n_tokens, drawn);
    suppress(logits, set->suppress, set->n_suppress);
    if (n_tokens == drawn) suppress(logits, set->begin_suppress, set->n_begin_suppress);
    if (set->temperature == 0) return best_token(logits, s->n_vocab);

    struct candidate *list = s->list;
    int k = set->top_k > 0 && set->top_k < s->n_vocab ? set->top_k : s->n_vocab;
    rank_best(s, logits, k);
    double sum = 0, kept = 0;
    for (int i = 0; i < k; i++) {
        double below_best = (double)list[i].logit - (double)list[0].logit;
        list[i].p = num_exp(below_best / (double)set->temperature);
        sum += list[i].p;
    }
    double nucleus = (double)set->top_p * sum;
    int n = 0;
    do {
        kept += list[n++].p;
    } while (n < k && kept < nucleus);
    /* min-p is relative to the best one's probability, and list[0].p is 1. */
    while (n > 1 && list[n - 1].p < (double)set->min_p) kept -= list[--n].p;
    double u = draw_uniform(s) * kept;
    for (int i = 0; i < n; i++) {
        u -= list[i].p;
        if (u < 0) return list[i].id;
    }
    return list[n - 1].id;
}
