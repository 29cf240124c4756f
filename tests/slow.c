/* slow.c - what turns qw into a qw whose model takes its time: linked with
 * -Wl,--wrap=decoder_forward, each pass of the decoder waits QW_TEST_PASS_MS milliseconds first. So
 * a test on a terminal can meet every phase of an answer. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "engine/decoder.h"

typedef bool stop_fn(void *user);

bool __real_decoder_forward(struct decoder *d, struct pool *pool, const int32_t *ids, int n,
                            int pos, stop_fn *stop, void *user);
bool __wrap_decoder_forward(struct decoder *d, struct pool *pool, const int32_t *ids, int n,
                            int pos, stop_fn *stop, void *user);

bool __wrap_decoder_forward(struct decoder *d, struct pool *pool, const int32_t *ids, int n,
                            int pos, stop_fn *stop, void *user) {
    const char *value = getenv("QW_TEST_PASS_MS");
    long ms = value ? atol(value) : 0;
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&wait, &wait) != 0 && errno == EINTR) continue;
    return __real_decoder_forward(d, pool, ids, n, pos, stop, user);
}
