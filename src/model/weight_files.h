/* weight_files.h - which files of a directory hold its model's weights.
 *
 * As in transformers: model.safetensors, even beside an index; else the files in
 * model.safetensors.index.json. Unlike there, without either all model*.safetensors count; and the
 * index does where only its files are complete, and model.safetensors is a stub that a trainer
 * left. */
#ifndef QW_WEIGHT_FILES_H
#define QW_WEIGHT_FILES_H
#include "model/safetensors.h"

/* Open a directory, or one file. What was decided between files becomes a warning. */
int checkpoint_open(struct checkpoint *c, const char *path, struct warnings *warnings,
                    qw_error *err);

#endif
