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
    int n_ctx, n_batch;
    enum kv_type kv;
    int (*progress)(void *user, size_t done, size_t all);
    void *user;
    int32_t *tokens;                /* [n_ctx] */
    size_t n_tokens, n_cached, drawn, pass_first;
    /* the decoder still has its outputs for tokens[pass_first .. n_cached) */
    bool logits_valid;
    float *logits;                  /* [n_vocab] */
};

#endif
