/* qw.h - Qwen3 on any CPU: the engine's public interface, and its only one.
 *
 *     qw_error err;
 *     qw_model *m;
 *     qw_session *s;
 *     if (qw_load(&m, "models/Qwen3-0.6B", NULL, &err)) die(err.message);
 *     if (qw_session_new(&s, m, NULL, &err)) die(err.message);
 *     if (qw_feed(s, ids, n, &err)) die(err.message);          token ids in: any number at a time
 *     while (qw_next(s, &id, &err) == 1) ...                   token ids out, until an end token
 *     qw_session_free(s);
 *     qw_free(m);
 *
 * For conversations there is qw_chat on top of it: text in, text out. tests/example.c is a whole
 * program. Compile with: cc program.c $(pkg-config --cflags --libs qw)
 *
 * Results. Functions that can fail return 0 (or a count) on success. On failure they return a
 * negative code, with the reason in *err, which may be NULL; outputs are then NULL or unspecified,
 * and nothing else has changed unless the function says so. Any function with an err may return
 * QW_ENOMEM, and QW_EARG for an argument outside its range; what else it may return is named at
 * the function.
 *
 * Memory. A model, tokenizer, session or conversation owns all memory that calls on it allocate;
 * its free function releases it. Functions with a char ** or int32_t ** allocate for the caller,
 * who frees with qw_release. Any other memory is released before the call returns. Free functions
 * take NULL.
 *
 * Structs of parameters are zeroed by the caller, who then sets what matters; 0 and NULL are the
 * defaults unless a field says otherwise. New fields are only ever added at the end.
 *
 * Nothing here prints, exits, or touches the caller's floating-point mode, locale or signals. One
 * model may serve several sessions; a session, and the model below it, is used by one thread at a
 * time. The same model, weight type, tokens, settings and seed give the same bytes on every
 * machine, for any number of threads and any way of cutting the tokens into batches.
 */
#ifndef QW_H
#define QW_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define QW_VERSION "0.1.0"

/* ---- errors ---- */

enum {
    QW_OK = 0,
    QW_EIO = -1,                /* a file cannot be opened, read or written */
    QW_EFORMAT = -2,            /* a file or text is damaged or not what it should be */
    QW_EUNSUPPORTED = -3,       /* well-formed, but not a dense Qwen3 model, or not supported */
    QW_ENOMEM = -4,             /* it does not fit in memory */
    QW_EARG = -5,               /* an argument outside its range */
    QW_ECONTEXT = -6,           /* the context is full, or too small for the prompt */
    QW_ENUMERIC = -7,           /* weights or logits are not finite: damaged weights */
    QW_ECANCEL = -8,            /* the caller's progress function said stop */
    QW_ETEMPLATE = -9           /* there is no chat template, it is wrong, or it refuses */
};

typedef struct {
    int code;
    char message[1024];         /* one line, no control characters */
} qw_error;

/* ---- model ---- */

typedef struct qw_model qw_model;

typedef struct {
    /* "bf16": as stored (BF16, F16 and F32 are used as they are). "q8", "q4": quantised to 8.3 or
     * 4.6 bits while loading. "auto" or NULL: as stored below 100 M parameters, else q8 if it
     * takes at most three quarters of the free memory and leaves room for a cache of n_ctx_plan
     * positions, else q4; for a packed file its own type.
     * "stored": as the file has them, packed or not. */
    const char *weight_type;
    int n_threads;              /* the caller's own included; 0: one per fast core (qw_find_cpus) */
    int n_threads_batch;        /* for passes of several tokens and for quantising; 0: n_threads, or
                                 * if that is 0 as well, one per core from 16 tokens on */
    const char *cpu;            /* kernel level (see qw_cpu_levels); NULL: the fastest */
    /* Called with the bytes done and in all while weights are quantised; nonzero stops
     * (QW_ECANCEL). */
    int (*progress)(void *user, uint64_t done, uint64_t all);
    void *user;
    int n_ctx_plan;             /* positions that will be needed, for "auto"; at least 4096 */
    int compare_all;            /* 1: read all of an output head to see whether it is a copy of the
                                 * embedding, not samples; qw_quantize always does */
} qw_load_params;

/* The kernel levels that this CPU can run, fastest first, separated by spaces. Returns out. */
const char *qw_cpu_levels(char *out, size_t size);
/* Those that this program has and that this CPU cannot run; "" if there are none. Returns out. */
const char *qw_cpu_lacks(char *out, size_t size);

/* What the calling thread can run on. Lists look like "0-3,6". */
typedef struct {
    int n_usable;               /* CPUs that it may run on */
    int n_fast;                 /* of those, CPUs that are not efficiency cores */
    int n_threads;              /* the default: one per fast core, second hyperthreads not counted,
                                 * fewer where a cgroup's quota is smaller */
    char usable[2048], fast[2048];
    int n_threads_batch;        /* for passes of several tokens: the same of all cores */
    int n_quota;                /* as many as a cgroup's quota amounts to; 0: there is none */
} qw_cpus;
void qw_find_cpus(qw_cpus *out);

/* Keep the calling thread, and threads that it starts from now on, on the CPUs of such a list. A
 * model's threads are started by qw_load: as many as there are fast CPUs, or fewer, stay on those,
 * others may run wherever the calling thread may. Nothing else here changes where a thread runs.
 * QW_EARG names what is wrong: the text, or a CPU that does not exist or is not allowed. QW_EIO,
 * QW_EUNSUPPORTED: the system does not offer it. */
int qw_use_cpus(const char *list, qw_error *err);

/* CPUs of one kind. */
typedef struct {
    char cpus[128];             /* "0-3"; those that are offline, too */
    int n_cpus, n_online;
    char core[32];              /* ARM: "Cortex-A53", or "0x41:0xd99"; hybrid x86: "P-core" */
    int capacity;               /* 1024: a core of the fastest kind */
    int min_mhz, max_mhz;       /* what the hardware can do */
    int limit_mhz;              /* what it may do at the moment: heat and users lower it */
    int now_mhz;                /* of the fastest core at the moment */
    char governor[32];          /* "schedutil" */
} qw_cluster;

/* This machine, as far as it tells. Numbers that are not known are 0, texts "". Texts are printable
 * ASCII. */
typedef struct {
    char name[160];             /* of the CPU on x86 ("AMD Ryzen 7 ..."), else of the board or phone
                                 * ("Raspberry Pi 5 Model B Rev 1.0"), or what else there is; never
                                 * empty */
    char soc[64];               /* "bcm2712", "SM8150"; not on x86 */
    char cores[160];            /* "4 x Cortex-A55, 2 x Cortex-A76" */
    char kernel[96];            /* release: "6.6.31+rpt-rpi-v8" */
    char arch[32];              /* of the kernel: "aarch64", also where this program is 32-bit */
    int n_cpus, n_online;
    int n_clusters;
    qw_cluster clusters[16];
    uint64_t memory;            /* bytes */
    uint64_t memory_limit;      /* the least of the control groups', if below that; 0: none */
    uint64_t memory_free;       /* that can be allocated without pushing anything else out */
    uint64_t swap, swap_free;   /* 0: none, too */
} qw_machine;
void qw_find_machine(qw_machine *out);

/* How a chat template has the model think, found by rendering small conversations. */
enum qw_thinks {
    QW_THINKS_NEVER,
    QW_THINKS_ALWAYS,
    QW_THINKS_BY_DEFAULT,       /* unless it is told not to */
    QW_THINKS_IF_TOLD,
    QW_THINKS_AS_IT_LIKES       /* the template knows of thoughts, but has no switch */
};

/* What a checkpoint is. Strings belong to the model. */
typedef struct {
    const char *path;
    const char *stored_type;    /* dtype of the matrices in the file, or before they were packed:
                                 * "BF16", "F16", "F32", or "mixed" */
    const char *weight_type;    /* type in use: "bf16" (as stored), "q8", "q4" */
    int n_layer, n_embd, n_ff, n_head, n_head_kv, head_dim, n_vocab;
    int n_ctx_max;              /* max_position_embeddings, or as far as YaRN goes */
    double rope_theta;
    double yarn_factor;         /* 0: plain RoPE */
    double rms_norm_eps;
    int tied;                   /* the embedding is also the head */
    int n_eos;                  /* end tokens: union of config, generation_config and tokenizer */
    const int32_t *eos;
    uint64_t n_params;          /* of the tensors in use, each counted once */
    uint64_t weight_bytes;      /* in the type in use */
    int n_files;
    const char *const *files;   /* weight files, n_files paths */
    const char *chat_template;  /* the file that the model's own comes from, or NULL */
    const char *chat_template_error;    /* why chat_template is NULL */
    const char *tokenizer;      /* the file that its vocabulary comes from, or NULL */
    const char *tokenizer_error;        /* why tokenizer is NULL */
    int n_threads, n_threads_batch;
    int batch_from;             /* passes of so many tokens on are for n_threads_batch */
    const char *kernels;        /* kernel level in use */
    /* of the chat template, if there is one */
    enum qw_thinks thinks;
    int keeps_thoughts;         /* of earlier turns, in the conversation */
    int opens_thought;          /* an answer begins inside a thought */
    int takes_system;           /* a system message is not ignored */
    int has_system;             /* there is some system text also without one */
    int takes_tools;
    /* What is odd about its files, a line each: what is in them and not used, what contradicts
     * something else and how that was decided, settings that are not honoured. */
    int n_warnings;
    const char *const *warnings;
    /* of generation_config.json; defaults of a conversation (qw_chat_params) */
    int max_new_tokens;         /* 0: no limit */
    int n_stop;
    const char *const *stop;    /* n_stop texts */
} qw_model_info;

/* Load a directory as downloaded from the hub (config.json, *.safetensors, tokenizer.json, ...), a
 * .safetensors file with a config.json next to it, or a packed file (qw_quantize). Weights stay
 * in the mapped files unless they are quantised. A tokenizer that is missing or not supported, or a
 * missing template, is no error until it is needed. params may be NULL.
 * QW_EIO, QW_EFORMAT, QW_EUNSUPPORTED, QW_ENUMERIC, QW_ECANCEL; QW_EARG also when a packed file is
 * asked for as another type. */
int qw_load(qw_model **out, const char *path, const qw_load_params *params, qw_error *err);
void qw_free(qw_model *m);      /* after its sessions */
const qw_model_info *qw_info(const qw_model *m);

/* Write a model, packed as "q8" or "q4", as one file: weights, config, tokenizer, template and
 * checksums; the same bytes on every machine. write() is given the bytes in order, a piece at a
 * time, and returns nonzero to stop (QW_EIO). Memory stays bounded. qw_load takes such a file by
 * its path. The codes of qw_load; QW_EARG also when the model is packed already. */
int qw_quantize(const char *path, const char *weight_type, const qw_load_params *params,
                int (*write)(void *user, const void *p, size_t n), void *user, qw_error *err);
/* Compare a packed file with its checksums: QW_EFORMAT names the tensor that is damaged. QW_EIO. */
int qw_verify(const char *path, qw_error *err);
/* What a weight type (NULL and "auto" included) stands for with this model, and the bytes that the
 * weights take in it. */
int qw_weight_memory(const qw_model *m, const char *weight_type, const char **chosen,
                     uint64_t *bytes, qw_error *err);

/* A model of random weights in the shape of a Qwen3, the same ones on every machine: for measuring
 * without a download. shape: "0.6b", "1.7b", "4b"; "0.6b/2" has the first two layers alone. Its
 * weights are made in memory, or else are mapped from a file of qw_write_shape. Of params
 * weight_type ("bf16", "q8", "q4"), cpu, threads and progress count. It has no tokenizer and no end
 * token; generating with it is greedy. QW_EARG, QW_ENOMEM, QW_ECANCEL; the file's QW_EIO,
 * QW_EFORMAT (also: it is one of another shape or type). */
int qw_load_shape(qw_model **out, const char *shape, const char *file,
                  const qw_load_params *params, qw_error *err);
/* Such a file, of one weight type, in pieces as qw_quantize writes them; memory stays bounded. */
int qw_write_shape(const char *shape, const qw_load_params *params,
                   int (*write)(void *user, const void *p, size_t n), void *user, qw_error *err);

/* ---- tokenizer ---- */

typedef struct qw_tokenizer qw_tokenizer;

/* From a directory with tokenizer.json, or with vocab.json and merges.txt, from a tokenizer.json
 * itself, or a packed file; needs no weights and no config. QW_EIO, QW_EFORMAT, QW_EUNSUPPORTED. */
int qw_tokenizer_load(qw_tokenizer **out, const char *path, qw_error *err);
void qw_tokenizer_free(qw_tokenizer *t);
/* What is odd about its files: how many lines, which belong to the tokenizer. Those of a model's
 * own tokenizer are also among the warnings of the model. */
int qw_tokenizer_warnings(const qw_tokenizer *t, const char *const **lines);
/* The model's own, or NULL. Belongs to the model. */
const qw_tokenizer *qw_model_tokenizer(const qw_model *m);

/* Token ids of n bytes of UTF-8 (NUL bytes allowed). special: added tokens such as <|im_end|> in
 * the text become their ids; otherwise they are text. *ids is allocated. Returns how many, or
 * QW_EFORMAT for invalid UTF-8 (the message has the offset). */
long qw_tokenize(const qw_tokenizer *t, const char *text, size_t n, int special, int32_t **ids,
                 qw_error *err);
/* The *n bytes that a token stands for, not always whole UTF-8 characters; NULL and 0 for ids that
 * stand for nothing. */
const char *qw_token_bytes(const qw_tokenizer *t, int32_t id, size_t *n);
int qw_tokenizer_size(const qw_tokenizer *t);   /* highest id + 1 */
void qw_release(void *p);       /* frees what a function here has allocated for the caller */

/* ---- sampling ---- */

typedef struct {
    int32_t id;
    float bias;
} qw_logit_bias;

/* Steps in this order (Hugging Face's): bias, penalties, suppressed tokens, temperature, top-k,
 * top-p, min-p, draw. Begin with qw_default_sampling, since zeros are not the defaults here. */
typedef struct {
    float temperature;          /* 0: greedy; of equal logits the lowest id */
    int top_k;                  /* 0: off */
    float top_p;                /* 1: off; the smallest set whose probability reaches it */
    float min_p;                /* 0: off; relative to the likeliest token */
    float presence_penalty;     /* subtracted once from the logit of each token drawn since the last
                                 * qw_feed */
    float frequency_penalty;    /* subtracted once for each time that it was drawn since then */
    float repetition_penalty;   /* 1: off; logits of all tokens so far, prompt included, are
                                 * divided (> 0) or multiplied (< 0) by it */
    uint64_t seed;
    const qw_logit_bias *bias;  /* n_bias of them; copied */
    int n_bias;
    const int32_t *suppress;    /* n_suppress tokens that are never drawn; copied */
    int n_suppress;
    const int32_t *begin_suppress;  /* n_begin_suppress tokens that are not the first one drawn
                                     * after a qw_feed; copied */
    int n_begin_suppress;
} qw_sampling;

/* What the checkpoint's generation_config.json recommends, for thinking or direct answers. Its
 * lists belong to the model. */
qw_sampling qw_default_sampling(const qw_model *m, int thinking);

/* ---- session: a sequence of tokens and its KV cache ---- */

typedef struct qw_session qw_session;

typedef struct {
    /* Most positions. 0: the model's; the cache then grows as it is needed, in steps that are
     * checked against the free memory, and a step that does not fit ends as QW_ECONTEXT. A number
     * takes the memory for all of them at once. */
    int n_ctx;
    int n_batch;                /* most tokens in one forward pass; 0: 64 */
    /* KV cache: "f32"; "f16", half of that; "q8", a quarter: int8 with one scale per position and
     * head. NULL: f32 with weights as stored, else q8. */
    const char *kv_type;
    /* Called between the layers of each pass of qw_feed and qw_next, with the tokens that are done
     * and all that are to be; nonzero stops. A qw_feed then keeps what was done, a qw_next has
     * changed nothing (QW_ECANCEL). */
    int (*progress)(void *user, size_t done, size_t all);
    void *user;
    /* With n_ctx 0: positions that will be needed, as far as that is known. They are checked
     * against the free memory at once; at least 4096 are, or the model's. */
    int n_ctx_plan;
} qw_session_params;

/* params may be NULL. The model must outlive the session. */
int qw_session_new(qw_session **out, qw_model *m, const qw_session_params *params, qw_error *err);
void qw_session_free(qw_session *s);
/* Bytes that a session would allocate: the KV cache (with n_ctx 0 that of n_ctx_plan
 * positions), and the scratch of the forward pass. */
int qw_session_memory(const qw_model *m, const qw_session_params *params, uint64_t *cache,
                      uint64_t *scratch, qw_error *err);
/* Also reseeds. */
int qw_session_set_sampling(qw_session *s, const qw_sampling *sampling, qw_error *err);

/* Append n tokens. QW_ECONTEXT when they do not fit, QW_EARG for an id outside the vocabulary;
 * QW_ECANCEL, after which the batches that were done stay fed. */
int qw_feed(qw_session *s, const int32_t *ids, size_t n, qw_error *err);
/* Draw the next token and append it: 1 and *id; 0 when it is an end token (*id is set, the token is
 * not appended). Something must have been fed before. QW_ECONTEXT when the context is full;
 * QW_ENUMERIC; QW_ECANCEL, after which it can be called again. */
int qw_next(qw_session *s, int32_t *id, qw_error *err);
/* Keep the first n tokens. */
int qw_rewind(qw_session *s, size_t n, qw_error *err);
size_t qw_n_tokens(const qw_session *s);
const int32_t *qw_tokens(const qw_session *s);      /* the sequence; valid until the next call */
int qw_n_ctx(const qw_session *s);                  /* most positions */
int qw_n_ctx_now(const qw_session *s);              /* positions that the cache has room for now */
const char *qw_kv_type(const qw_session *s);        /* "f32", "f16", "q8" */
/* Logits of `count` positions from `first` on, out[count][n_vocab]. They must lie in the last
 * forward pass (the last batch of a qw_feed, which may be shorter than n_batch), else QW_EARG.
 * QW_ENUMERIC. */
int qw_logits(qw_session *s, size_t first, size_t count, float *out, qw_error *err);

/* ---- what bounds the speed ---- */

/* Bytes read to generate one token after that many positions: the cache and the weights (only one
 * row of an embedding that is not also the head). */
uint64_t qw_bytes_per_token(const qw_session *s, uint64_t positions);
/* Bytes per second that the model's threads together read from memory: the best of several passes
 * over 256 MiB, or over a quarter of the free memory if that is less. 0: less than 16 MiB to
 * measure with. Not to be called while a session of this model is in use. */
int qw_read_bandwidth(const qw_model *m, double *bytes_per_second, qw_error *err);

/* What some CPUs do together. */
typedef struct {
    int n_threads;
    double read_per_second;     /* bytes of memory; 0: too little is free to measure with */
    double int8_per_second;     /* multiply-adds of a product of q8 weights and 64 tokens */
    int strayed;                /* 1: threads were seen on other CPUs than they were put on */
} qw_rates;

/* Measures those of these CPUs (NULL: of all) that the calling thread may run on, for about a third
 * of a second. Of params, which may be NULL, n_threads (0: the default) and cpu count. Errors as
 * for qw_use_cpus. */
int qw_probe(qw_rates *out, const char *cpus, const qw_load_params *params, qw_error *err);

/* How fast a file is read from where it is stored: its first 64 MB, for half a second at most.
 * *cached: they came out of memory, so that this says nothing of the storage. QW_EIO. */
int qw_read_file(const char *path, double *bytes_per_second, int *cached, qw_error *err);

/* What a model of a shape takes, and how fast it will be. */
typedef struct {
    uint64_t weight_bytes;
    uint64_t scratch_bytes;     /* of a session's forward pass */
    uint64_t position_bytes;    /* of the q8 cache, for each position */
    int n_ctx_max;
    /* tokens per second of a prompt of 512 and an answer of 128, from an empty context; 0: the
     * weights do not fit in the free memory */
    double prompt_per_second, answer_per_second;
} qw_forecast;

/* Measures some layers of a model of this shape (qw_load_shape) for about half a second, in a
 * quarter of the free memory at most. Of params, which may be NULL, weight_type ("q8", or "q4" as
 * without one), cpu, threads and progress count; progress is only asked whether to stop
 * (QW_ECANCEL). */
int qw_forecast_shape(qw_forecast *out, const char *shape, const qw_load_params *params,
                      qw_error *err);

/* ---- was a measurement disturbed? ---- */

typedef struct qw_watch qw_watch;

enum qw_throttled { QW_THROTTLED_UNKNOWN, QW_THROTTLED_NO, QW_THROTTLED_YES };

/* What happened between qw_watch_begin and qw_watch_end. */
typedef struct {
    double seconds;
    double celsius_before, celsius_after;       /* of the CPU; NAN: unknown */
    int mhz_before, mhz_after;  /* of the fastest core; 0: unknown */
    double others;              /* share of the CPUs' time that other programs took, or a
                                 * hypervisor, 0 to 1; NAN: unknown, as on Android and in less than
                                 * a second */
    char cpus[128];             /* "4-7": where this process's threads were seen; "": unknown */
    enum qw_throttled throttled;        /* did heat, power or a limit slow the CPUs down? */
    char throttled_by[320];     /* how, in words; "": they did not, or it is unknown */
    char disturbed_by[320];     /* what else falsified the time that was measured, in words, such as
                                 * "other programs took 34 % of the CPUs"; "": nothing */
} qw_watched;

/* Begin to watch this process, of which n_threads threads work at a time. The first thread of the
 * process must be one of them. */
int qw_watch_begin(qw_watch **out, int n_threads, qw_error *err);
/* To be called several times a second, at steps of about the same length: a gap shows that the
 * process stood still. Takes no time. */
void qw_watch_step(qw_watch *w);
/* A look at clocks and CPUs, as often as wanted: right after work, while clocks are still high.
 * Takes about a millisecond. */
void qw_watch_look(qw_watch *w);
/* Look for the last time, then say what happened. Releases w. In all of these w may be NULL; then
 * nothing is done. */
void qw_watch_end(qw_watch *w, qw_watched *out);

/* ---- does this machine compute right? ---- */

/* Test a kernel level (NULL: the fastest): each of its kernels against plain C, bit for bit; then
 * the logits and tokens of a small built-in model against what every other machine computes.
 * report() is told of each part in turn; it may be NULL. Returns how many parts were wrong. */
int qw_selftest(const char *level, void (*report)(void *user, const char *part, int right),
                void *user, qw_error *err);

/* A hash of logits: one number for a model, weight type and cache type on every machine, with any
 * number of threads and any n_batch. FNV-1a over the logits, little-endian, of the last two of 20
 * positions, of which one was computed in a batch, the other on its own. Forgets the session's
 * tokens; it must have room for 20. QW_ENUMERIC, QW_ECANCEL. */
int qw_logits_hash(qw_session *s, uint64_t *hash, qw_error *err);
/* What it must be in a session of a model of qw_load_shape: 1 and *hash; 0: it is not known. */
int qw_known_hash(const qw_session *s, uint64_t *hash);

/* ---- conversations ---- */

typedef struct qw_chat qw_chat;

/* A chat template is a program from the model's files. It can take up to 256 KB of stack, and more
 * time and memory than a bound allows ends it as QW_ETEMPLATE.
 *
 * Zeros are the defaults, except for thinking, where 0 means to answer directly. */
typedef struct {
    const char *system;         /* system message, or NULL */
    /* Instead of the model's default template: the name of another one of its own; "hybrid",
     * "instruct2507", "thinking2507"; a file with Jinja text (its name has a slash or ends in
     * .jinja); "none": the text as it is, without turns. NULL: the model's default. */
    const char *chat_template;
    /* 1: think first; 0: answer directly; -1: the model's default. QW_EARG where the template
     * cannot be told. */
    int thinking;
    int special;                /* control tokens such as <|im_end|> in the user's and the system
                                 * text count as such; otherwise they are text */
    int max_tokens;             /* most tokens of an answer, thoughts included; 0: the model's
                                 * max_new_tokens; -1: no limit */
    const char *template_vars;  /* a JSON object: more variables for the template; or NULL */
    const char *date;           /* what day the template is told, YYYY-MM-DD; NULL: today */
    /* n_stop texts before which an answer ends, and the model's own; thoughts do not count. Nothing
     * of a stop text is returned. Copied. */
    const char *const *stop;
    int n_stop;
    int thought_budget;         /* after so many tokens a thought is closed; 0: no limit */
    int no_loop_guard;          /* 1: let the model repeat itself without end */
    int drop_turns;             /* 1: a full context drops the oldest turns (qw_chat_dropped) */
} qw_chat_params;

enum qw_piece_kind { QW_THOUGHT, QW_ANSWER };
/* Why an answer ended: at an end token, at max_tokens, because the context is full, before a stop
 * text, or because it repeated itself. */
enum qw_stop { QW_STOP_END, QW_STOP_LENGTH, QW_STOP_CONTEXT, QW_STOP_TEXT, QW_STOP_LOOP };
/* What closed the answer's thought: nothing so far or the model itself, qw_chat_answer_now,
 * thought_budget, or the loop guard. */
enum qw_close { QW_CLOSE_MODEL, QW_CLOSE_NOW, QW_CLOSE_BUDGET, QW_CLOSE_LOOP };

/* Of the last turn. */
typedef struct {
    size_t prompt_tokens;       /* of the whole conversation, up to where the answer begins, or
                                 * where QW_ECANCEL ended the reading */
    size_t cached_tokens;       /* of those, how many were in the cache already */
    size_t completion_tokens;   /* drawn, thoughts included */
    size_t reasoning_tokens;    /* of those, in thoughts */
} qw_usage;

typedef struct {
    enum qw_piece_kind kind;
    const char *text;
    size_t n;
} qw_piece;

/* params NULL: no system message, the model's own template and its default for thinking. The
 * session must outlive the conversation, which alone may change the session's tokens meanwhile.
 * QW_ETEMPLATE, QW_EIO for a template's file, QW_EFORMAT for a system message that is not UTF-8 and
 * for template_vars, and the code for a missing tokenizer. */
int qw_chat_new(qw_chat **out, qw_session *s, const qw_chat_params *params, qw_error *err);
void qw_chat_free(qw_chat *c);
/* What is odd about the template, in one line, or NULL: a word in it that is not known here, or a
 * control text such as <think> for which the tokenizer has no token of its own. */
const char *qw_chat_warning(const qw_chat *c);
/* The day that the template was told, YYYY-MM-DD; NULL if it does not ask. */
const char *qw_chat_date(const qw_chat *c);
/* Append a user message of n bytes of UTF-8 and compute up to where the answer begins. On failure
 * the turns are as before, but an unfinished answer may have ended. QW_EFORMAT, QW_ECONTEXT,
 * QW_ECANCEL, QW_ETEMPLATE. */
int qw_chat_say(qw_chat *c, const char *text, size_t n, qw_error *err);
/* The next piece of the answer: 1 and *piece (whole UTF-8 characters, valid until the next call); 0
 * at its end, with the reason in *stop. QW_ENUMERIC. */
int qw_chat_next(qw_chat *c, qw_piece *piece, enum qw_stop *stop, qw_error *err);
/* End the answer here; what there is of it stays in the conversation. QW_EARG: there is none. */
int qw_chat_cut(qw_chat *c, qw_error *err);
/* Close the thought that is being drawn, with the sentence that Qwen documents for it; the answer
 * follows. QW_EARG: none is open. QW_ECONTEXT. */
int qw_chat_answer_now(qw_chat *c, qw_error *err);
/* Go on with the last answer where it was cut (max_tokens, qw_chat_cut, a full context): the tokens
 * are those that would have come. max_tokens counts anew. QW_EARG: there is none, or it had come to
 * its end. */
int qw_chat_continue(qw_chat *c, qw_error *err);
/* Forget the last answer and begin it again; qw_session_set_sampling with another seed before gives
 * another one. QW_EARG: no turns. Else as qw_chat_say. */
int qw_chat_regenerate(qw_chat *c, qw_error *err);
/* Forget the last turn. QW_EARG: no turns. */
int qw_chat_undo(qw_chat *c, qw_error *err);
size_t qw_chat_turns(const qw_chat *c);
/* The text of the last user's message; NULL and 0: none. Valid until the next call. */
const char *qw_chat_last_message(const qw_chat *c, size_t *n);
/* The thought of the last answer, as far as it has come; the same. */
const char *qw_chat_last_thought(const qw_chat *c, size_t *n);
/* How many of the oldest turns were dropped since the last qw_chat_say, qw_chat_regenerate or
 * qw_chat_continue began: as many as leave at most half of the context used. */
size_t qw_chat_dropped(const qw_chat *c);
enum qw_close qw_chat_closed(const qw_chat *c);
qw_usage qw_chat_usage(const qw_chat *c);
/* All turns as a JSON array of {"role", "content"} and, for thoughts, "reasoning_content"; the
 * system message first. *out is allocated. */
int qw_chat_messages(const qw_chat *c, char **out, size_t *out_n, qw_error *err);
/* The turns, and the system message, from such an array instead of what there is: an optional
 * system message, then user and assistant in turn, ending with an assistant. On failure nothing
 * changes. QW_EFORMAT names the message that is wrong. */
int qw_chat_set_messages(qw_chat *c, const char *json, size_t n, qw_error *err);
void qw_chat_clear(qw_chat *c);                     /* forget all turns; the system message stays */
int qw_chat_thinks(const qw_chat *c);               /* does it think before it answers? */
/* As in qw_chat_params. QW_EARG if the template does not allow it. */
int qw_chat_set_thinking(qw_chat *c, int thinking, qw_error *err);
/* What limits answers from the next one on: max_tokens, stop, thought_budget, no_loop_guard and
 * drop_turns of params; the rest of it does not count. On failure nothing changes. */
int qw_chat_set_limits(qw_chat *c, const qw_chat_params *params, qw_error *err);
/* NULL: none. QW_EFORMAT for what is not UTF-8; QW_EARG if the template takes none. */
int qw_chat_set_system(qw_chat *c, const char *system, qw_error *err);
/* The system message; NULL: none. Valid until there is another one. */
const char *qw_chat_system(const qw_chat *c);

/* Render a conversation in n bytes of JSON, an object of the template's variables:
 * {"messages":[..],"tools":[..],"enable_thinking":..,"add_generation_prompt":.., ...}; members of
 * its "chat_template_kwargs" are variables, too. Of params chat_template, template_vars and date
 * count; it may be NULL. The templates are those of the model at path; NULL: of no model. With
 * tools a model's template of the name tool_use is preferred. *out is allocated, *out_n bytes.
 * QW_EIO, QW_EFORMAT, QW_EUNSUPPORTED, QW_ETEMPLATE. */
int qw_render_chat(const char *path, const qw_chat_params *params, const char *json, size_t n,
                   char **out, size_t *out_n, qw_error *err);

/* ---- small things that callers of the above need ---- */

/* The bytes that a JSON string literal stands for, and the literal for a text; *out is allocated,
 * *out_n bytes. QW_EFORMAT. */
int qw_json_unquote(const char *json, size_t n, char **out, size_t *out_n, qw_error *err);
int qw_json_quote(const char *text, size_t n, char **out, size_t *out_n, qw_error *err);
/* The member of this name of a JSON object in n bytes: *value is its JSON text, *value_n bytes
 * within json. 1; 0: there is none; QW_EFORMAT: no object, or damaged. */
int qw_json_member(const char *json, size_t n, const char *name, const char **value,
                   size_t *value_n, qw_error *err);
/* A copy of n bytes of UTF-8 with U+FFFD in place of each invalid part; *bad is the offset of the
 * first, or n when there was none. *out is allocated, *out_n bytes. */
int qw_utf8_clean(const char *text, size_t n, char **out, size_t *out_n, size_t *bad,
                  qw_error *err);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
