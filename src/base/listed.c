/* listed.c - names in a message, of which the first few are enough. */
#include "base/listed.h"
#include <stdio.h>
#include <string.h>

/* So many of the names, so many bytes of each: whole names of an adapter's or of quantised tensors
 * ("model.layers.10.self_attn.q_proj.weight.quant_state.bitsandbytes__nf4"). */
enum { MOST_NAMES = 4, MOST_BYTES = 72 };

void list_name(struct listed *l, const char *name, size_t n) {
    if (l->n++ >= MOST_NAMES) return;
    size_t at = strlen(l->text);
    snprintf(l->text + at, sizeof l->text - at, "%s%.*s%s", at ? ", " : "",
             n < MOST_BYTES ? (int)n : MOST_BYTES, name, n > MOST_BYTES ? ".." : "");
}

const char *list_text(struct listed *l) {
    size_t at = strlen(l->text);
    if (l->n > MOST_NAMES)
        snprintf(l->text + at, sizeof l->text - at, " and %d more", l->n - MOST_NAMES);
    return l->text;
}
