/* hub.h - models of the Hugging Face hub: their names, and the cache that hf download and
 * transformers fill. Nothing here touches the network.
 *
 *     CACHE/models--OWNER--NAME/refs/main             the name of the snapshot, a hash
 *                               snapshots/HASH/FILE   links to ../../blobs/ETAG, or copies
 */
#ifndef QW_CLI_HUB_H
#define QW_CLI_HUB_H
#include <stdbool.h>

enum { MODEL_PATH = 4096, REPOSITORY = 256 };

/* The cache's directory, whether it exists or not, as the environment has it: HF_HUB_CACHE,
 * HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HOME. False if none of them is set. */
bool hub_cache(char out[MODEL_PATH]);

/* Is dir a model's directory in a cache, models--OWNER--NAME? */
bool is_hub_model(const char *dir);
/* The snapshot of such a directory that refs/main names. False: there is none. */
bool hub_snapshot(const char *dir, char out[MODEL_PATH]);
/* Some snapshot of it. */
bool hub_some_snapshot(const char *dir, char out[MODEL_PATH]);

/* The directory in the cache of a model named OWNER/NAME, or NAME, which is Qwen's or else of the
 * only owner who has one. Returns how many owners have it: if more than one, no directory, but out
 * lists two of them, "OWNER/NAME and OWNER/NAME". */
int  hub_find(const char *cache, const char *name, char out[MODEL_PATH]);

/* The repository of the original. Copies for llama.cpp, often of somebody else, have "-GGUF",
 * ":Q8_0" or Qwen's name twice in theirs; and Qwen's own models need no owner. */
void original_repository(const char *name, char out[REPOSITORY]);

#endif
