/* session.h - what a session is, for the files of the engine that extend it. */
#ifndef QW_SESSION_H
#define QW_SESSION_H
#include "engine/decoder.h"
#include "engine/model.h"
#include "sample/sampler.h"

/* A sequence of tokens:
 *
 *     tokens[0 .. n_cached)           keys and values are in the cache
 *     tokens[n_cached .. n_tokens)    still to be computed: run_pending does it
 *     tokens[drawn .. n_tokens)       drawn since the last feed: what the penalties of a turn count
 *     tokens[pass_first .. n_cached)  computed by the last forward pass */
struct qw_session {
    struct qw_model *m;
    struct decoder *decoder;
    struct sampler *sampler;
    int n_ctx, n_batch;             /* n_ctx: most positions */
    int n_room;                     /* positions in the cache and in tokens now */
    enum kv_type kv;
    int (*progress)(void *user, size_t done, size_t all);
    void *user;
    int32_t *tokens;                /* [n_room] */
    size_t n_tokens, n_cached, drawn, pass_first;
    /* the decoder still has its outputs for tokens[pass_first .. n_cached) */
    bool logits_valid;
    float *logits;                  /* [n_vocab] */
};

/* Make room for n positions, n <= n_ctx. QW_ECONTEXT: there is not enough memory for them. */
int session_grow(struct qw_session *s, size_t n, qw_error *err);
/* qw_feed, but the tokens count as drawn where penalties ask for that. */
int session_append(struct qw_session *s, const int32_t *ids, size_t n, qw_error *err);

#endif
