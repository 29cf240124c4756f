/* find_model.h - which model is meant: a path, a name, or none; and what to call it. */
#ifndef QW_CLI_FIND_MODEL_H
#define QW_CLI_FIND_MODEL_H
#include "cli/hub.h"

/* The path of a model that -m or QW_MODEL names. What exists is a path, and a model's directory in
 * the hub's cache stands for its snapshot. Else NAME and OWNER/NAME are looked for in models/, then
 * in the cache. NULL stands for the bundled model. Unless quiet a note says what was chosen.
 * Returns path, or found, or NULL after a message. */
const char *find_model(const char *path, bool quiet, char found[MODEL_PATH]);

/* What people call the model at path: the last part of it, without .safetensors; of a snapshot in
 * the hub's cache, the model's name. */
enum { MODEL_NAME = 128 };
void model_name(const char *path, char out[MODEL_NAME]);
/* What answers and lists call it: the path, but of a snapshot in the hub's cache the name, in
 * name. */
const char *shown_model(const char *path, char name[MODEL_NAME]);
bool is_bundled(const char *path);

#endif
