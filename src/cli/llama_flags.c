/* llama_flags.c - the tables of llama.cpp's flags, for qw run and qw chat those of llama-cli, for
 * qw bench those of llama-bench. */
#include <stdio.h>
#include <string.h>
#include "cli/flags.h"
#include "cli/hub.h"
#include "cli/llama_flags.h"

#define NO_GPU "there is no GPU here: leave it out"
#define NO_MAP \
    "a packed file is mapped, weights that are quantised at the start are in memory: nothing to " \
    "switch"
#define ONE_ATTENTION "attention is computed in one way here, with any cache: leave it out"
#define FIXED_ORDER \
    "the order is penalties, temperature, top-k, top-p, min-p; each is off by its own flag"
#define NO_GRAMMAR "an answer cannot be bound to a grammar or schema"
#define FROM_CONFIG "config.json decides it"
#define ONE_DRAFT "there is no speculative decoding here"
#define PLACED "--cpu-list says which CPUs to run on; priorities are nice's"

static const struct llama_flag cli_flags[] = {
    {"--n-predict", LLAMA_VALUE, NULL, LLAMA_MEANS, "-n"},
    {"-ctk --cache-type-k", LLAMA_VALUE, NULL, LLAMA_MEANS, "--kv"},
    {"-ctv --cache-type-v", LLAMA_VALUE, NULL, LLAMA_MEANS, "--kv"},
    {"-rea --reasoning", LLAMA_VALUE, "on", LLAMA_MEANS, "--think"},
    {"-rea --reasoning", LLAMA_VALUE, "off", LLAMA_MEANS, "--no-think"},
    {"-rea --reasoning", LLAMA_VALUE, "auto", LLAMA_SO_ANYWAY, NULL},
    {"-rea --reasoning", LLAMA_VALUE, NULL, LLAMA_REFUSED, "the values are on, off and auto"},
    {"-no-cnv --no-conversation", LLAMA_NO_VALUE, NULL, LLAMA_MEANS, "--template none"},

    {"--jinja", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"-fa --flash-attn", LLAMA_MAY_HAVE_VALUE, "on auto 1", LLAMA_SO_ANYWAY, NULL},
    {"-fa --flash-attn", LLAMA_MAY_HAVE_VALUE, "off 0", LLAMA_REFUSED, ONE_ATTENTION},
    {"--mmap", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"--no-display-prompt", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"--no-warmup", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"-ngl --gpu-layers --n-gpu-layers", LLAMA_VALUE, "0 auto", LLAMA_SO_ANYWAY, NULL},
    {"-ngl --gpu-layers --n-gpu-layers", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"--log-disable", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"-ub --ubatch-size", LLAMA_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"--no-context-shift", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"--no-escape", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"--no-perf", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"--simple-io", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"-mli --multiline-input", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"-dev --device", LLAMA_VALUE, "none", LLAMA_SO_ANYWAY, NULL},
    {"-nkvo --no-kv-offload", LLAMA_NO_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"--repeat-last-n", LLAMA_VALUE, "-1", LLAMA_SO_ANYWAY, NULL},

    {"-dev --device", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-sm --split-mode", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-mg --main-gpu", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-ts --tensor-split", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-hf -hfr --hf-repo", LLAMA_VALUE, NULL, LLAMA_DOWNLOAD, NULL},
    {"-e --escape", LLAMA_NO_VALUE, NULL, LLAMA_REFUSED,
     "escapes are the shell's here: -p $'a\\nb'"},
    {"--mlock", LLAMA_NO_VALUE, NULL, LLAMA_REFUSED, NO_MAP},
    {"--no-mmap", LLAMA_NO_VALUE, NULL, LLAMA_REFUSED, NO_MAP},
    {"--mirostat --mirostat-*", LLAMA_VALUE, NULL, LLAMA_REFUSED,
     "there is no mirostat here; --top-p and --min-p cut off what is unlikely"},
    {"--dry-*", LLAMA_VALUE, NULL, LLAMA_REFUSED,
     "there is no dry here; --presence-penalty and --repeat-penalty work against repetition"},
    {"--xtc-*", LLAMA_VALUE, NULL, LLAMA_REFUSED,
     "there is no xtc here; a higher --temp makes answers more varied"},
    {"--samplers --sampling-seq --sampler-seq", LLAMA_VALUE, NULL, LLAMA_REFUSED, FIXED_ORDER},
    {"--typical --typical-p --top-nsigma --top-n-sigma", LLAMA_VALUE, NULL, LLAMA_REFUSED,
     "there is no such sampler here; --top-p and --min-p cut off what is unlikely"},
    {"--dynatemp-*", LLAMA_VALUE, NULL, LLAMA_REFUSED, "the temperature does not change: --temp"},
    {"--repeat-last-n", LLAMA_VALUE, NULL, LLAMA_REFUSED,
     "--repeat-penalty looks at all tokens so far"},
    {"--keep", LLAMA_VALUE, NULL, LLAMA_REFUSED,
     "the system message stays, and whole turns are dropped when the context is full"},
    {"--grammar --grammar-file", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GRAMMAR},
    {"-j --json-schema -jf --json-schema-file", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GRAMMAR},
    {"--prompt-cache", LLAMA_VALUE, NULL, LLAMA_REFUSED, "no cache is kept on disk"},
    {"--rope-* --yarn-*", LLAMA_VALUE, NULL, LLAMA_REFUSED, FROM_CONFIG},
    {"--lora --lora-scaled", LLAMA_VALUE, NULL, LLAMA_REFUSED,
     "adapters are not applied: merge it into the checkpoint first"},
    {"-md --model-draft --draft --draft-*", LLAMA_VALUE, NULL, LLAMA_REFUSED, ONE_DRAFT},
    {"--mmproj --image", LLAMA_VALUE, NULL, LLAMA_REFUSED, "models read text only here"},
    {"--numa --prio --cpu-strict --poll", LLAMA_VALUE, NULL, LLAMA_REFUSED, PLACED},
    {NULL, LLAMA_NO_VALUE, NULL, LLAMA_REFUSED, NULL}
};

static const struct llama_flag bench_flags[] = {
    {"-ctk --cache-type-k", LLAMA_VALUE, NULL, LLAMA_MEANS, "--kv"},
    {"-ctv --cache-type-v", LLAMA_VALUE, NULL, LLAMA_MEANS, "--kv"},

    {"-mmp --mmap", LLAMA_VALUE, "1", LLAMA_SO_ANYWAY, NULL},
    {"-mmp --mmap", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_MAP},
    {"-ngl --n-gpu-layers", LLAMA_VALUE, "0", LLAMA_SO_ANYWAY, NULL},
    {"-ngl --n-gpu-layers", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-fa --flash-attn", LLAMA_MAY_HAVE_VALUE, "1 on auto", LLAMA_SO_ANYWAY, NULL},
    {"-fa --flash-attn", LLAMA_MAY_HAVE_VALUE, "0 off 0,1 1,0", LLAMA_REFUSED, ONE_ATTENTION},
    {"-ub --ubatch-size", LLAMA_VALUE, NULL, LLAMA_SO_ANYWAY, NULL},
    {"-nkvo --no-kv-offload", LLAMA_VALUE, "0 1", LLAMA_SO_ANYWAY, NULL},
    {"-embd --embeddings", LLAMA_VALUE, "0", LLAMA_SO_ANYWAY, NULL},
    {"-lm --load-mode", LLAMA_VALUE, "mmap", LLAMA_SO_ANYWAY, NULL},
    {"-lm --load-mode", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_MAP},
    {"--prio --cpu-strict", LLAMA_VALUE, "0", LLAMA_SO_ANYWAY, NULL},
    {"-dev --device", LLAMA_VALUE, "none", LLAMA_SO_ANYWAY, NULL},

    {"-dev --device", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-sm --split-mode", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-mg --main-gpu", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-ts --tensor-split", LLAMA_VALUE, NULL, LLAMA_REFUSED, NO_GPU},
    {"-hf -hfr --hf-repo", LLAMA_VALUE, NULL, LLAMA_DOWNLOAD, NULL},
    {"-nkvo --no-kv-offload", LLAMA_VALUE, NULL, LLAMA_REFUSED, "the values are 0 and 1"},
    {"-embd --embeddings", LLAMA_VALUE, NULL, LLAMA_REFUSED, "prompts and answers are measured"},
    {"--numa --prio --cpu-strict --poll", LLAMA_VALUE, NULL, LLAMA_REFUSED, PLACED},
    {NULL, LLAMA_NO_VALUE, NULL, LLAMA_REFUSED, NULL}
};

const struct llama_flag *llama_flags(const char *command) {
    if (has_name("run chat", command, strlen(command))) return cli_flags;
    return strcmp(command, "bench") == 0 ? bench_flags : NULL;
}

const struct llama_flag *find_llama_flag(const struct llama_flag *rows, const char *word,
                                         size_t n) {
    while (rows && rows->names) {
        if (has_name(rows->names, word, n)) return rows;
        rows++;
    }
    return NULL;
}

const struct llama_flag *find_llama_value(const struct llama_flag *row, const char *name,
                                          const char *value) {
    while (row) {
        if (!value || !row->values || has_name(row->values, value, strlen(value))) return row;
        row = find_llama_flag(row + 1, name, strlen(name));
    }
    return NULL;
}

/* What -hf names is mostly a copy; what can run here is the original. */
static int refuse_download(const char *flag, const char *name) {
    char repository[REPOSITORY];
    original_repository(name, repository);
    return usage_error("%s: nothing is downloaded here; qw-fetch %s (tools/fetch-model) gets it, "
                       "then -m %s",
                       flag, repository, repository);
}

int refuse_llama_flag(const struct llama_flag *row, const char *name, const char *value) {
    if (row->answer == LLAMA_DOWNLOAD) return refuse_download(name, value);
    if (!value) return usage_error("%s: %s", name, row->text);
    return usage_error("%s %s: %s", name, value, row->text);
}

const char *refused_command(const char *word) {
    static const struct {
        const char *words, *why;
    } refused[] = {
        {"pull", "nothing is downloaded here; qw-fetch Qwen/Qwen3-0.6B (tools/fetch-model) gets "
                 "that model"},
        {"list", "there is no store of models: each is a directory or a file of your own, named "
                 "with -m or QW_MODEL"},
        {"show", "qw info -m DIR says what a model is"},
        {"serve", "there is no server here: qw run answers one prompt, qw chat holds a "
                  "conversation"},
        {"ps", "no model stays loaded when qw ends"},
        {"rm", "there is no store of models: remove the directory or file that you named with -m"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (has_name(refused[i].words, word, strlen(word))) return refused[i].why;
    return NULL;
}
