/* loop_guard.c - notices that an answer repeats itself without end.
 *
 * Both rules do the same small work for each token, whatever came before. The limits were chosen on
 * texts that repeat themselves for good reasons (tables, logs, songs, drills, templates) and on
 * loops of many kinds; tests/fixtures/loops has some of both. The good texts reached at most: prose
 * 215 of 256 tokens, one token 100 of 300, marks 441 of 600, others 784 of 1000; soft, 220 of 600
 * points of prose and 874 of 1200 of others. */
#include "sample/loop_guard.h"
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

/* ---- classes of tokens ---- */

enum {
    WORD = 1,           /* two letters or more and nothing else; one is enough outside of ASCII */
    WORD_START = 2,     /* ... after a space, or not ASCII: not the rest of a longer word */
    DIGITS = 4,         /* ASCII digits alone */
    BLANK = 8,          /* white space alone */
    MARK = 16,          /* neither letters nor digits: punctuation, emoji */
    CODE = 32           /* holds a character that is frequent in code and tables only */
};

struct loop_classes {
    loop_token_bytes *bytes;
    const void *ctx;
    int n_vocab;
    uint8_t *of;        /* [n_vocab] the sum of the above; 0 for the rest */
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_ascii(char c) { return (unsigned char)c < 0x80; }
static bool is_code(char c) {
    return c == '<' || c == '>' || c == '{' || c == '}' || c == '[' || c == ']' || c == ';' ||
           c == '|' || c == '\\';
}

/* Bytes of the white space that p[0..n) begins with, or 0. */
static size_t blank_at(const char *p, size_t n) {
    static const char *const wide[] = {
        "\xC2\xA0",         /* U+00A0, no-break space */
        "\xE2\x80\x8B",     /* U+200B, zero width space */
        "\xE2\x80\x8D",     /* U+200D, zero width joiner */
        "\xE3\x80\x80",     /* U+3000, ideographic space */
    };
    if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') return 1;
    if (is_ascii(*p)) return 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        size_t k = strlen(wide[i]);
        if (n >= k && memcmp(p, wide[i], k) == 0) return k;
    }
    return 0;
}

static bool is_blank(const char *p, size_t n) {
    for (size_t i = 0, k; i < n; i += k) {
        k = blank_at(p + i, n - i);
        if (k == 0) return false;
    }
    return true;
}

/* Does a text that begins with a byte above 0x7F begin with a letter? Told from that byte: the
 * others are continuation bytes (a part of a character, most often of an emoji), or begin Latin-1
 * marks (C2), punctuation and symbols (E2), full-width forms (EF), emoji (F0), and ideographic
 * punctuation (E3 80). */
static bool begins_with_letter(const char *p, size_t n) {
    unsigned char first = (unsigned char)p[0], second = n > 1 ? (unsigned char)p[1] : 0;
    if (first < 0xC0) return false;
    if (first == 0xC2 || first == 0xE2 || first == 0xEF || first == 0xF0) return false;
    return !(first == 0xE3 && second == 0x80);
}

static uint8_t class_of(const char *p, size_t n) {
    size_t digits = 0, letters = 0, wide = 0, code = 0;
    if (n == 0) return 0;
    if (is_blank(p, n)) return BLANK;
    bool spaced = *p == ' ';
    if (spaced) {
        p++;
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        digits += is_digit(p[i]);
        letters += is_letter(p[i]);
        wide += !is_ascii(p[i]);
        code += is_code(p[i]);
    }
    if (digits == n && !spaced) return DIGITS;
    if (!is_ascii(*p)) return begins_with_letter(p, n) ? WORD | WORD_START : MARK;
    if (letters + wide == n && n > 1) return spaced ? WORD | WORD_START : WORD;
    return (uint8_t)((code ? CODE : 0) | (letters + digits ? 0 : MARK));
}

int loop_classes_new(struct loop_classes **out, int n_vocab, loop_token_bytes *bytes,
                     const void *ctx, qw_error *err) {
    *out = NULL;
    struct loop_classes *c = alloc_zero(1, sizeof *c);
    if (c) c->of = alloc_zero((uint64_t)n_vocab, sizeof *c->of);
    if (!c || !c->of) {
        loop_classes_free(c);
        return fail_memory(err, "the loop guard", (uint64_t)n_vocab);
    }
    c->bytes = bytes;
    c->ctx = ctx;
    c->n_vocab = n_vocab;
    for (int32_t id = 0; id < n_vocab; id++) {
        size_t n;
        const char *p = bytes(ctx, id, &n);
        c->of[id] = class_of(p, n);
    }
    *out = c;
    return 0;
}

void loop_classes_free(struct loop_classes *c) {
    if (!c) return;
    free(c->of);
    free(c);
}

/* ---- what a guard remembers ---- */

/* The exact rule. */
enum {
    PERIOD_MAX = 512,       /* tokens of the longest round */
    ROUNDS = 4,
    PROSE_TOKENS = 256,     /* tokens of a loop, by what a round is made of (tokens_needed) */
    BLANK_TOKENS = 300,
    MARK_TOKENS = 600,
    OTHER_TOKENS = 1000,
    RING = 2 * PERIOD_MAX,
    RUN_MAX = 60000         /* a run that is longer counts as this; more than any limit */
};

/* The soft rule. */
enum {
    NGRAM = 17,             /* a symbol and the 16 before it */
    NUMBER_CONTEXT = 6,     /* the symbols before a number that tell which one it is */
    WINDOW = 2048,          /* symbols; what was seen before them is forgotten */
    SURPRISE = 8,           /* points that something new takes off */
    PROSE_POINTS = 600,     /* points to stop at where words are more than half of the symbols */
    OTHER_POINTS = 1200,    /* ... and elsewhere */
    NGRAM_BUCKETS = 2048,
    NUMBER_BUCKETS = 512,
    WAYS = 4                /* entries of a bucket */
};
static const uint64_t NUMBER_LIMIT = UINT64_C(1000000000000000000);    /* 18 digits are kept */

enum { NUMBER = -1 };       /* the symbol of a number; the others are token ids */

/* How many tokens of a kind there were before some token. The difference of two is what lies
 * between them. */
struct tally { int32_t words, word_starts, blanks, marks, code; };     /* marks: and blanks */

/* Both tables are hash tables with WAYS places for what falls into one bucket; a new entry takes
 * the place of the oldest. An entry that is lost that way looks new when it comes again, which can
 * only make the guard stop later.
 *
 *       hash   63 ............ 32  31 .................. 0
 *              tag: which entry    modulo the table's size: which bucket
 *
 * Places count symbols; the first of an answer is WINDOW, so that an entry of zeros is too old to
 * count. */
struct ngram { uint32_t tag; int32_t last, before; };       /* its last two places */
struct number {
    uint32_t tag;
    int32_t last;           /* the place where a number last stood after this context */
    int64_t value;          /* of that number */
    int64_t step;           /* by which it last changed; 0: it has not yet */
};

struct loop_guard {
    const struct loop_classes *classes;

    /* The exact rule. Token i is at index i % RING, and once more RING further on, so that the 512
     * before the last one always lie in one row. After token 1026:
     *
     *     ids   | 1024 1025 1026    3    4 ... 1022 1023 | 1024 1025 1026    3    4 ... 1023 |
     *     index |    0    1    2    3    4               | RING      RING + 2                |
     *                                     <--- 512 of them --->
     */
    int32_t ids[2 * RING];
    struct tally before[RING];          /* of the tokens before token i, at i % RING */
    int32_t n;                          /* tokens so far */
    uint16_t run[PERIOD_MAX + 1];       /* [p] last tokens in a row that equal those p before */
    int period;                         /* of the exact loop that was found, or 0 */

    /* The soft rule. */
    int32_t symbols[NGRAM];             /* the last ones, the newest at the end */
    int32_t place;                      /* of the next symbol */
    bool in_number;                     /* the last token was of digits: their number is not yet a
                                         * symbol, since more may follow */
    uint64_t number;
    int32_t score;
    int32_t since;                      /* symbols since the score was last 0 */
    struct ngram ngrams[NGRAM_BUCKETS][WAYS];
    struct number numbers[NUMBER_BUCKETS][WAYS];
};

int loop_guard_new(struct loop_guard **out, const struct loop_classes *classes, qw_error *err) {
    *out = alloc_zero(1, sizeof **out);
    if (!*out) return fail_memory(err, "the loop guard", sizeof **out);
    (*out)->classes = classes;
    loop_guard_reset(*out);
    return 0;
}

void loop_guard_free(struct loop_guard *g) { free(g); }

void loop_guard_reset(struct loop_guard *g) {
    const struct loop_classes *classes = g->classes;
    memset(g, 0, sizeof *g);
    g->classes = classes;
    g->place = WINDOW;
}

/* ---- the exact rule ---- */

/* The tokens that a loop of period p needs, by its last round. */
static int tokens_needed(const struct loop_guard *g, int p) {
    const struct tally *end = &g->before[g->n % RING], *start = &g->before[(g->n - p) % RING];
    bool wordy = 2 * (end->words - start->words) > p;
    bool starts = end->word_starts > start->word_starts;
    if (wordy && starts && end->code == start->code) return PROSE_TOKENS;
    if (p == 1 || end->blanks - start->blanks == p) return BLANK_TOKENS;
    if (end->marks - start->marks == p) return MARK_TOKENS;
    return OTHER_TOKENS;
}

static void append(struct loop_guard *g, int32_t id, uint8_t class) {
    int at = g->n % RING;
    const struct tally *t = &g->before[at];
    g->ids[at] = g->ids[at + RING] = id;
    g->n++;
    g->before[g->n % RING] = (struct tally){
        .words = t->words + !!(class & WORD),
        .word_starts = t->word_starts + !!(class & WORD_START),
        .blanks = t->blanks + !!(class & BLANK),
        .marks = t->marks + !!(class & (BLANK | MARK)),
        .code = t->code + !!(class & CODE),
    };
}

/* The shortest period with which the answer loops up to this token, its last; or 0. */
static int exact_period(struct loop_guard *g) {
    const int32_t *last = &g->ids[(g->n - 1) % RING + RING];
    int longest = g->n - 1 < PERIOD_MAX ? g->n - 1 : PERIOD_MAX, found = 0;
    for (int p = 1; p <= longest; p++) {
        if (last[-p] != *last) {
            g->run[p] = 0;
            continue;
        }
        if (g->run[p] < RUN_MAX) g->run[p]++;
        int tokens = g->run[p] + p;             /* the first round has nothing before it */
        if (found || tokens < ROUNDS * p || tokens < PROSE_TOKENS) continue;
        if (tokens >= tokens_needed(g, p)) found = p;
    }
    return found;
}

/* ---- the soft rule ---- */

static uint64_t hash(const int32_t *symbols, int n) {
    uint64_t h = UINT64_C(0x9E3779B97F4A7C15);
    for (int i = 0; i < n; i++) {
        h = (h ^ (uint32_t)symbols[i]) * UINT64_C(0xD6E8FEB86659FD93);
        h ^= h >> 32;
    }
    return h;
}

static bool is_recent(const struct loop_guard *g, int32_t place) {
    return g->place - place < WINDOW;
}

/* The entry of the last NGRAM symbols: an empty one if they are new. */
static struct ngram *find_ngram(struct loop_guard *g) {
    uint64_t h = hash(g->symbols, NGRAM);
    uint32_t tag = (uint32_t)(h >> 32);
    struct ngram *bucket = g->ngrams[h % NGRAM_BUCKETS], *oldest = bucket;
    for (int i = 0; i < WAYS; i++) {
        if (bucket[i].tag == tag) return &bucket[i];
        if (bucket[i].last < oldest->last) oldest = &bucket[i];
    }
    *oldest = (struct ngram){.tag = tag};
    return oldest;
}

/* The same for a number after the last NUMBER_CONTEXT symbols. */
static struct number *find_number(struct loop_guard *g) {
    uint64_t h = hash(g->symbols + NGRAM - NUMBER_CONTEXT, NUMBER_CONTEXT);
    uint32_t tag = (uint32_t)(h >> 32);
    struct number *bucket = g->numbers[h % NUMBER_BUCKETS], *oldest = bucket;
    for (int i = 0; i < WAYS; i++) {
        if (bucket[i].tag == tag) return &bucket[i];
        if (bucket[i].last < oldest->last) oldest = &bucket[i];
    }
    *oldest = (struct number){.tag = tag};
    return oldest;
}

static void surprise(struct loop_guard *g) {
    g->score = g->score > SURPRISE ? g->score - SURPRISE : 0;
    if (g->score == 0) g->since = 0;
}

/* A symbol: worth a point if it is a word and stood twice after the same 16; a surprise if it is
 * new there. */
static void push_symbol(struct loop_guard *g, int32_t symbol, bool word) {
    memmove(g->symbols, g->symbols + 1, (NGRAM - 1) * sizeof *g->symbols);
    g->symbols[NGRAM - 1] = symbol;
    struct ngram *e = find_ngram(g);
    g->since++;
    if (!is_recent(g, e->before)) surprise(g);
    else if (word) g->score++;
    e->before = e->last;
    e->last = g->place++;
}

/* A number is foretold if it is what it was in the last round, or more by the same step as the time
 * before. One that gets smaller is news: a countdown comes to an end. */
static void push_number(struct loop_guard *g, int64_t value) {
    struct number *e = find_number(g);
    int64_t step = value - e->value;
    if (!is_recent(g, e->last)) {
        step = e->step = 0;
        surprise(g);
    } else if (step < 0 || (step > 0 && e->step != 0 && step != e->step)) {
        surprise(g);
    }
    if (step != 0) e->step = step;
    e->value = value;
    e->last = g->place;
    push_symbol(g, NUMBER, false);
}

static void add_digits(struct loop_guard *g, int32_t id) {
    size_t n;
    const char *p = g->classes->bytes(g->classes->ctx, id, &n);
    for (size_t i = 0; i < n; i++)
        g->number = (g->number * 10 + (uint64_t)(p[i] - '0')) % NUMBER_LIMIT;
    g->in_number = true;
}

static bool soft_loop(struct loop_guard *g, int32_t id, uint8_t class) {
    if (class & DIGITS) {
        add_digits(g, id);
        return false;
    }
    if (g->in_number) push_number(g, (int64_t)g->number);
    g->in_number = false;
    g->number = 0;
    push_symbol(g, id, class & WORD);
    return g->score >= (2 * g->score > g->since ? PROSE_POINTS : OTHER_POINTS);
}

/* ---- both ---- */

bool loop_guard_push(struct loop_guard *g, int32_t id) {
    const struct loop_classes *c = g->classes;
    uint8_t class = id >= 0 && id < c->n_vocab ? c->of[id] : 0;
    append(g, id, class);
    g->period = exact_period(g);
    bool soft = soft_loop(g, id, class);
    return g->period > 0 || soft;
}

int loop_guard_period(const struct loop_guard *g) { return g->period; }
