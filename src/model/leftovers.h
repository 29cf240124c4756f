/* leftovers.h - what a checkpoint holds besides the weights of its model. */
#ifndef QW_LEFTOVERS_H
#define QW_LEFTOVERS_H
#include "model/config.h"
#include "model/safetensors.h"

/* Warn of tensors that nothing uses (used[n_tensors]): of layers beyond n_layer, and others. */
void warn_of_unused(const struct checkpoint *c, const bool *used, int n_layer,
                    struct warnings *warnings);

/* Are the weights quantised, as config.json may say? rc is what came of binding them as plain ones,
 * with its message in err (not NULL). Returns rc, or QW_EUNSUPPORTED with a message that says so
 * too. A quantization_config that was left over beside plain weights becomes a warning. */
int check_quantised(const struct checkpoint *c, const struct config *cfg, int rc,
                    struct warnings *warnings, qw_error *err);

#endif
