/* tokenizer_files.h - a tokenizer from the files of a model. */
#ifndef QW_TOKENIZER_FILES_H
#define QW_TOKENIZER_FILES_H
#include "model/model_files.h"
#include "text/tokenizer.h"

/* As tokenizer_load. *missing: it failed because the model has none (QW_EIO). */
int model_tokenizer(struct tokenizer **out, const struct model_files *files, bool *missing,
                    qw_error *err);

#endif
