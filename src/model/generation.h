/* generation.h - generation_config.json: how answers are to be drawn, and where they end. */
#ifndef QW_GENERATION_H
#define QW_GENERATION_H
#include "base/buf.h"
#include "base/warnings.h"
#include "model/model_files.h"

enum { MAX_EOS = 32 };

struct generation {
    bool do_sample;                 /* false: the likeliest token, whatever the next line says */
    double temperature, top_p, min_p;
    double repetition_penalty, presence_penalty, frequency_penalty;
    int top_k;                      /* 0: off */
    int max_new_tokens;             /* 0: no limit */
    bool from_file;                 /* there is one */
    int32_t eos[MAX_EOS];
    int n_eos;
    bool eos_dropped;               /* there was no room for all of them */
    struct ids suppress;            /* suppress_tokens, and bad_words_ids of one token */
    struct ids begin_suppress;      /* begin_suppress_tokens */
    char **stop;                    /* [n_stop] stop_strings; none is empty */
    int n_stop;
};

/* Read the file; where there is none, Qwen3's own settings for thinking. What it asks for and does
 * not get becomes a warning: settings that are not honoured, and values out of range, which count
 * as off. Call generation_free also on failure. QW_EIO, QW_EFORMAT, QW_ENOMEM. */
int  generation_read(struct generation *g, const struct model_files *files,
                     struct warnings *warnings, qw_error *err);
/* The same from n bytes of text, which messages call `path`. */
int  generation_parse(struct generation *g, const char *text, size_t n, const char *path,
                      struct warnings *warnings, qw_error *err);
void generation_free(struct generation *g);

/* Warn of end tokens of config.json, of the model called `model`, that the file does not name. In
 * transformers the file's are the only ones; here both files' end an answer: that of a chat model
 * whose file is still the base model's would not end at all. */
void generation_compare_eos(const struct generation *g, const int32_t *eos, int n,
                            const char *model, struct warnings *warnings);
/* Of suppress and begin_suppress forget the ids that are no token's, as transformers does, and
 * repeated ones. */
void generation_keep_ids(struct generation *g, int n_vocab);

#endif
