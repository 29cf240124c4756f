/* qw.h - Qwen3 on any CPU: the engine's public interface, and its only one.
 *
 *     qw_error err;
 *     qw_model *m; qw_session *s;
 *     if (qw_load(&m, "models/Qwen3-0.6B", NULL, &err)) die(err.message);
 *     if (qw_session_new(&s, m, NULL, &err)) die(err.message);
 *     if (qw_feed(s, ids, n, &err)) die(err.message);              token ids in: any number at a time
 *     while (qw_next(s, &id, &err) == 1) ...                       token ids out, until an end token
 *     qw_session_free(s); qw_free(m);
 *
 * For conversations there is qw_chat on top of it: text in, text out. tests/example.c is a whole program.
 *
 * Functions that can fail return 0 (or a count) when all went well and a negative code otherwise, with the reason in *err,
 * which may be NULL. Nothing here prints, exits, or touches the caller's floating-point mode, locale or signals.
 * One model may serve several sessions; a session, and the model below it, is used by one thread at a time.
 * The same model, weight type, tokens, settings and seed give the same bytes on every machine, for any number of threads
 * and any way of cutting the tokens into batches.
 */
#ifndef QW_H
#define QW_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define QW_VERSION "0.1.0"

/* ---- errors ---- */

enum {
    QW_OK = 0,
    QW_EIO = -1,            /* a file cannot be opened, read or written */
    QW_EFORMAT = -2,        /* a file or text is damaged or not what it should be */
    QW_EUNSUPPORTED = -3,   /* well-formed, but not a dense Qwen3 model, or a feature that is not here */
    QW_ENOMEM = -4,         /* it does not fit in memory */
    QW_EARG = -5,           /* an argument outside its range */
    QW_ECONTEXT = -6,       /* the context is full, or the prompt longer than it */
    QW_ENUMERIC = -7,       /* weights that are quantised, or the logits, are not finite: damaged weights */
    QW_ECANCEL = -8         /* the caller's progress function said stop */
};

typedef struct { int code; char message[1024]; } qw_error;

/* ---- model ---- */

typedef struct qw_model qw_model;

typedef struct {
    /* "bf16": as stored (BF16, F16 and F32 are used as they are). "q8", "q4": quantised to 8.3 or 4.6 bits while loading.
     * "auto" or NULL: as stored below 100 M parameters, else q8 if it fits the memory there is, else q4; a packed file's own type.
     * "stored": as the file has them, packed or not. */
    const char *weight_type;
    int n_threads;              /* 0: one for each fast core (qw_find_cpus). The caller's own thread is one of them. */
    int n_threads_batch;        /* for passes of more than one token, and for quantising; 0: as many */
    const char *cpu;            /* kernels of this level (see qw_cpu_levels) instead of the fastest; NULL: the fastest */
    /* Called while weights are quantised, with bytes done and in all; nonzero stops (QW_ECANCEL). */
    int (*progress)(void *user, uint64_t done, uint64_t all);
    void *user;
} qw_load_params;

/* The levels of kernels that this CPU can run, fastest first, separated by spaces. */
const char *qw_cpu_levels(char *out, size_t size);

/* CPUs that the calling thread may run on, those among them that are no small cores, both as lists such as "0-3,6"; and the default
 * number of threads: one for each fast core, hyperthreads not counted, less where a cgroup's quota is smaller. */
typedef struct { int n_usable, n_fast, n_threads; char usable[2048], fast[2048]; } qw_cpus;
void qw_find_cpus(qw_cpus *out);
/* Keep the calling thread, and threads that it starts from now on, on the CPUs of such a list. A model's threads are started by qw_load.
 * Nothing else here changes where a thread may run. QW_EARG names what is wrong: the text, or a CPU that does not exist or is not allowed. */
int  qw_use_cpus(const char *list, qw_error *err);

/* What a checkpoint is. Strings belong to the model. */
typedef struct {
    const char *path;
    const char *stored_type;                        /* type of the matrices in the file, or of those that were packed: "BF16", "F16", "F32", or "mixed" */
    const char *weight_type;                        /* type in use: "bf16" (as stored), "q8", "q4" */
    int n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab;
    int n_ctx_max;                                  /* max_position_embeddings */
    double rope_theta, yarn_factor;                 /* yarn_factor 0: plain RoPE */
    double rms_norm_eps;
    int tied;                                       /* the embedding serves as the head, too */
    int n_eos;                                      /* end tokens: union of config, generation_config and tokenizer */
    const int32_t *eos;
    uint64_t n_params, weight_bytes;                /* each tensor that is used, counted once; bytes in the type in use */
    int n_files;
    const char *const *files;                       /* weight files, n_files paths */
    const char *chat_template;                      /* "hybrid", "instruct2507", "thinking2507", or NULL */
    const char *chat_template_error;                /* why chat_template is NULL */
    int has_tokenizer;
    const char *tokenizer_error;                    /* why there is none */
    int n_threads, n_threads_batch;
    const char *kernels;                            /* instruction set in use */
} qw_model_info;

/* Load a directory as it lies on the hub (config.json, *.safetensors, tokenizer.json, ...), one .safetensors file beside its
 * config.json, or a packed file (qw_quantize). Weights stay mapped files. A missing tokenizer is no error until one is needed. params may be NULL. */
int  qw_load(qw_model **out, const char *path, const qw_load_params *params, qw_error *err);
void qw_free(qw_model *m);                          /* after its sessions; NULL is allowed, as in every free here */
const qw_model_info *qw_info(const qw_model *m);
/* Write a model packed as "q8" or "q4" into one file: weights, config, tokenizer, template and checksums, the same bytes on every machine.
 * They come in order through write, which returns nonzero to stop (QW_EIO). Memory stays bounded. qw_load takes such a file by its path. */
int  qw_quantize(const char *path, const char *weight_type, const qw_load_params *params, int (*write)(void *user, const void *p, size_t n), void *user,
                 qw_error *err);
/* Compare a packed file with its checksums: QW_EFORMAT names the tensor that is damaged. */
int  qw_verify(const char *path, qw_error *err);
/* What a weight type ("auto" or NULL among them) would be for this model, and the bytes its weights would take. */
int  qw_weight_memory(const qw_model *m, const char *weight_type, const char **chosen, uint64_t *bytes, qw_error *err);

/* ---- tokenizer ---- */

typedef struct qw_tokenizer qw_tokenizer;

/* From a directory with tokenizer.json (or that file itself); needs no weights and no config. */
int  qw_tokenizer_load(qw_tokenizer **out, const char *path, qw_error *err);
void qw_tokenizer_free(qw_tokenizer *t);
/* The model's own, or NULL. Belongs to the model. */
const qw_tokenizer *qw_model_tokenizer(const qw_model *m);

/* Token ids of n bytes of UTF-8 (NUL bytes allowed). With `special`, added tokens such as <|im_end|> in the text become their ids;
 * without, they are text. *ids is allocated, the caller frees it with qw_release. Returns how many, or QW_EFORMAT for invalid UTF-8
 * (the message has the offset), QW_ENOMEM. */
long qw_tokenize(const qw_tokenizer *t, const char *text, size_t n, int special, int32_t **ids, qw_error *err);
/* The bytes a token stands for (not always whole UTF-8 characters), *n of them; NULL and 0 for ids that stand for nothing. */
const char *qw_token_bytes(const qw_tokenizer *t, int32_t id, size_t *n);
int  qw_tokenizer_size(const qw_tokenizer *t);      /* highest id + 1 */
void qw_release(void *p);                           /* frees what a function here has allocated for the caller */

/* ---- sampling ---- */

typedef struct { int32_t id; float bias; } qw_logit_bias;

/* Steps in this order (Hugging Face's): bias, penalties, temperature, top-k, top-p, min-p, draw. */
typedef struct {
    float temperature;          /* 0: greedy, of equal logits the lowest id */
    int top_k;                  /* 0: off */
    float top_p;                /* 1: off; smallest set whose probability reaches it, at least one token */
    float min_p;                /* 0: off; relative to the likeliest token */
    float presence_penalty;     /* subtracted once from each token generated in this turn */
    float frequency_penalty;    /* subtracted once per occurrence in this turn */
    float repetition_penalty;   /* 1: off; HF's: logits of all tokens so far, prompt included, divided (> 0) or multiplied (< 0) */
    uint64_t seed;
    const qw_logit_bias *bias;  /* n_bias of them; copied */
    int n_bias;
} qw_sampling;

/* What the checkpoint's generation_config.json recommends, for thinking or direct answers. */
qw_sampling qw_default_sampling(const qw_model *m, int thinking);

/* ---- session: a sequence of tokens and its KV cache ---- */

typedef struct qw_session qw_session;

typedef struct {
    int n_ctx;                  /* positions; 0: the smaller of the model's and 4096 */
    int n_batch;                /* most tokens in one forward pass; 0: 64 */
    /* KV cache: "f32"; "f16", half of it; "q8", a quarter, bytes with a scale per head and position. NULL: f32 with weights as stored, else q8. */
    const char *kv_type;
    /* Called between batches of a long qw_feed with tokens done and in all; nonzero stops (QW_ECANCEL; what was done stays fed). */
    int (*progress)(void *user, size_t done, size_t all);
    void *user;
} qw_session_params;

int  qw_session_new(qw_session **out, qw_model *m, const qw_session_params *params, qw_error *err);
void qw_session_free(qw_session *s);
/* Bytes a session would allocate: the KV cache and the scratch of the forward pass. The weights are mapped and not part of it. */
int  qw_session_memory(const qw_model *m, const qw_session_params *params, uint64_t *cache, uint64_t *scratch, qw_error *err);
int  qw_session_set_sampling(qw_session *s, const qw_sampling *sampling, qw_error *err);  /* also reseeds */

/* Append n tokens. QW_ECONTEXT when they do not fit, QW_EARG for an id outside the vocabulary; then nothing has changed. */
int  qw_feed(qw_session *s, const int32_t *ids, size_t n, qw_error *err);
/* Draw the next token and append it: 1 and *id; 0 when it is an end token (*id is set, the token is not appended);
 * QW_ECONTEXT when the context is full; QW_ENUMERIC. Something must have been fed before. */
int  qw_next(qw_session *s, int32_t *id, qw_error *err);
/* Keep the first n tokens. */
int  qw_rewind(qw_session *s, size_t n, qw_error *err);
size_t qw_n_tokens(const qw_session *s);
const int32_t *qw_tokens(const qw_session *s);      /* the sequence so far; valid until the next call */
int  qw_n_ctx(const qw_session *s);
const char *qw_kv_type(const qw_session *s);        /* "f32", "f16", "q8" */
/* Logits of `count` positions from `first` on, out[count][n_vocab]. They must lie in the last forward pass (the last n_batch tokens fed). */
int  qw_logits(qw_session *s, size_t first, size_t count, float *out, qw_error *err);

/* ---- what bounds the speed ---- */

/* Bytes that generating one token reads behind that many positions: the weights, of an embedding that is not the head one row, the cache. */
uint64_t qw_bytes_per_token(const qw_session *s, uint64_t positions);
/* Bytes per second that the model's threads read from memory together: best of several passes over 256 MiB, or a quarter of what is free.
 * 0: not even 16 MiB are free. Not while a session of this model is in use. */
int  qw_read_bandwidth(const qw_model *m, double *bytes_per_second, qw_error *err);

/* ---- conversations ---- */

typedef struct qw_chat qw_chat;

typedef struct {
    const char *system;         /* system message, or NULL */
    const char *chat_template;  /* "hybrid", "instruct2507", "thinking2507": instead of what was recognised; "none": the text as it is, no turns */
    int thinking;               /* 1 think, 0 answer directly, where the template knows the difference; -1: the model's default */
    int special;                /* added tokens such as <|im_end|> in the user's and the system text are control tokens, not text */
    int max_tokens;             /* most tokens of one answer, thoughts included; 0: to the end of the context */
} qw_chat_params;

enum qw_piece_kind { QW_THOUGHT, QW_ANSWER };
enum qw_stop { QW_STOP_END, QW_STOP_LENGTH, QW_STOP_CONTEXT };   /* an end token; max_tokens; the context is full */

typedef struct { enum qw_piece_kind kind; const char *text; size_t n; } qw_piece;

int  qw_chat_new(qw_chat **out, qw_session *s, const qw_chat_params *params, qw_error *err);
void qw_chat_free(qw_chat *c);
/* Append a user message of n bytes of UTF-8 and compute up to where the answer begins. If it fails the conversation is as before. */
int  qw_chat_say(qw_chat *c, const char *text, size_t n, qw_error *err);
/* The next piece of the answer: 1 and *piece (whole UTF-8 characters, valid until the next call); 0 at its end, then *stop tells why. */
int  qw_chat_next(qw_chat *c, qw_piece *piece, enum qw_stop *stop, qw_error *err);
/* End the answer here; what there is of it stays in the conversation. */
int  qw_chat_cut(qw_chat *c, qw_error *err);
void qw_chat_clear(qw_chat *c);                     /* forget all turns; the system message stays */
int  qw_chat_thinks(const qw_chat *c);              /* does this conversation think before it answers? */
int  qw_chat_set_thinking(qw_chat *c, int thinking, qw_error *err);  /* QW_EARG where the template cannot */
int  qw_chat_set_system(qw_chat *c, const char *system, qw_error *err);

/* Render {"messages":[...],"tools":[...],"enable_thinking":...,"add_generation_prompt":...} (JSON, n bytes) with the template of the
 * model directory at path, or with chat_template ("hybrid", ...) if not NULL (path is then not read, and may be NULL).
 * *out is allocated, *out_n bytes, the caller frees it with qw_release. */
int  qw_render_chat(const char *path, const char *chat_template, const char *json, size_t n, char **out, size_t *out_n, qw_error *err);

/* ---- small things that callers of the above need ---- */

/* Bytes of a JSON string literal's value, and the literal of a value; results are allocated, the caller frees them with qw_release. */
int  qw_json_unquote(const char *json, size_t n, char **out, size_t *out_n, qw_error *err);
int  qw_json_quote(const char *text, size_t n, char **out, size_t *out_n, qw_error *err);
/* A copy of n bytes in which each invalid part of UTF-8 is U+FFFD; *bad is the offset of the first, or n when there was none. */
int  qw_utf8_clean(const char *text, size_t n, char **out, size_t *out_n, size_t *bad, qw_error *err);

#ifdef __cplusplus
}
#endif
#endif
