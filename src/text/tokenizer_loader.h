/* tokenizer_loader.h - what the files that load a tokenizer share: tokenizer_load.c (around the
 * model), tokenizer_vocab.c (vocabulary and merges), tokenizer_added.c, tokenizer_numbers.c and
 * tokenizer_sets.c (added tokens), tokenizer_messages.c. */
#ifndef QW_TOKENIZER_LOADER_H
#define QW_TOKENIZER_LOADER_H
#include "base/json.h"
#include "text/tokenizer_impl.h"

/* A JSON file that is being read. */
struct source { const char *name; size_t size; struct json j; };

/* Tokens by text, as written in the files. */
struct entry { uint32_t pos, len, id; };                /* text.p[pos .. pos + len) */
struct loader {
    struct tokenizer *t;
    qw_error *err;
    const char *name;           /* of the tokenizer's main file */
    size_t size;
    struct buf text;
    struct entry *entries;      /* the vocabulary, then added tokens that are not in it */
    uint32_t n_entries, n_vocab;
    uint64_t *slots;            /* hash << 32 | entry + 1, or 0; open addressing */
    uint32_t mask;              /* mask + 1 slots, a power of two */
    uint32_t *owner;            /* [id_limit] entry + 1 of each id, or 0 */
    uint32_t id_limit;
    uint32_t *added_at;         /* of each entry: its place in t->added.list + 1, or 0 */
    bool ignore_merges;
    uint32_t byte_char[256];    /* the byte-level alphabet: byte -> character ... */
    int16_t char_byte[512];     /* ... and back, or -1 */
};

enum { MAX_ID = (1 << 24) - 1 };

static inline bool is_absent(const struct json *j, uint32_t node) {
    return node == 0 || json_type(j, node) == JSON_NULL;
}

/* ---- tokenizer_messages.c ---- */

enum { SHOWN = 72 };
/* A JSON value as written in the file, cut short, without the control characters that a terminal
 * would obey. */
const char *show_value(const struct json *j, uint32_t node, char out[SHOWN]);
int fail_unsupported(const struct loader *l, const struct source *s, const char *name,
                     uint32_t node, const char *wanted);
int fail_no_memory(const struct loader *l);

/* Names for a warning: the first few, and how many there are. {0} is empty. */
struct some_names { char text[320]; size_t n; unsigned count; };
void add_to_names(struct some_names *names, const char *p, size_t n, const char *remark);
const char *end_names(struct some_names *names);

/* ---- tokenizer_vocab.c ---- */

/* Makes room for n tokens. Ids may leave gaps, but no more than a few times their number: memory is
 * then proportional to the files. */
int reserve_tables(struct loader *l, const struct source *s, uint64_t n);
int read_vocab(struct loader *l, const struct source *s, uint32_t vocab);
/* The merges of tokenizer.json, or of merges.txt. */
int read_merges(struct loader *l, const struct source *s, uint32_t merges);
int read_merges_text(struct loader *l, const struct tokenizer_file *f);
/* NULL: no token has this text. */
const struct entry *find_entry(const struct loader *l, const char *p, size_t n);
/* Enters the token whose text is text.p[pos .. pos + len); neither text nor id may be known. */
void put_entry(struct loader *l, uint32_t pos, uint32_t len, uint32_t id);
/* Ids to bytes: last of all. */
int make_bytes(struct loader *l);

/* ---- tokenizer_added.c ---- */

enum origin { FROM_MAIN, FROM_CONFIG, FROM_SPECIAL_MAP, FROM_ADDED, FROM_CLASS, N_ORIGINS };
/* A token as a file lists it. flags: those of enum added_flag, and of eos_token and the like NAMED,
 * and WITH_FLAGS if it is an object. */
struct candidate { uint32_t pos, len; int64_t id; uint8_t flags, origin; };
enum { NAMED = 64, WITH_FLAGS = 128, FLAGS = 31 };
extern const struct flag_name { const char *name; uint8_t flag; } flag_names[];
enum { N_FLAGS = 5 };

struct candidates {
    struct candidate *list;
    uint32_t n, cap;
    uint32_t n_base;            /* the first of them are those of tokenizer.json */
    uint32_t n_used;            /* those behind are in a file that does not count */
    bool has_decoder;           /* there is an added_tokens_decoder */
    bool is_listed;             /* it, or added_tokens.json, has tokens */
    const char *names[N_ORIGINS];           /* of the files, and of the class */
};

/* The added tokens of tokenizer.json (main NULL: there is none), then those of the files beside it,
 * in the order in which they get ids. */
int list_added(struct loader *l, struct candidates *c, const struct source *main,
               const struct tokenizer_files *files);

/* ---- tokenizer_numbers.c ---- */

/* Numbers them and fills the sets of the tokenizer, and says where the files disagree. */
int number_added(struct loader *l, const struct candidates *c);

/* ---- tokenizer_sets.c ---- */

/* Makes the sets to search in of t->added.list, which has no texts yet. */
int make_added_sets(struct loader *l);

#endif
