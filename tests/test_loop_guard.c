/* test_loop_guard.c - each rule of the loop guard at its limit, and both against slow ones without
 * rings and hash tables, on random tokens. (test_loop_corpus.c has texts.) */
#include <inttypes.h>
#include <string.h>
#include "sample/loop_guard.h"
#include "test.h"

static uint64_t rng_state = 88172645463325252u;
static uint32_t rng(uint32_t below) {                    /* xorshift64 */
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (uint32_t)(rng_state >> 33) % below;
}

/* ---- a made-up vocabulary: the id tells what a token is ---- */

enum {
    A_DIGIT = 0,        /* "0" to "9" */
    A_NUMBER = 10,      /* "00" to "99" */
    A_BLANK = 110,
    A_MARK = 120,
    A_BRACKET = 130,    /* marks of code */
    A_CODE = 140,       /* ... with letters */
    AN_OTHER = 150,     /* letters and other things, but no word */
    A_WORD = 1000,      /* after a space */
    A_SUFFIX = 5000,    /* not after a space */
    A_FOREIGN = 6000,
    N_VOCAB = 7000
};

static const char *made_up(const void *ctx, int32_t id, size_t *n) {
    static const char *const few[][10] = {
        {" ", "\n", "\t", "\r\n", "  ", "\n\n", "\xC2\xA0", "\xE2\x80\x8B", "\xE2\x80\x8D",
         "\xE3\x80\x80"},
        {"-", "...", ".\n", " (", "\"", "\xF0\x9F\x98\x80", "\x98\x80", "\xE2\x80\xA6",
         "\xC2\xAB", "\xE3\x80\x82"},
        {"{", "}", " [", "];\n", "<", " >", "|", " |\n", "\\", ";"},
        {"x[", "<b", "a;", " i]", "int{", "|2", "\\n", "0};", ");x", ">a"},
    };
    static char text[32];
    if (id < A_NUMBER) snprintf(text, sizeof text, "%d", (int)id);
    else if (id < A_BLANK) snprintf(text, sizeof text, "%02d", (int)id - A_NUMBER);
    else if (id < AN_OTHER)
        snprintf(text, sizeof text, "%s", few[(id - A_BLANK) / 10][(id - A_BLANK) % 10]);
    else if (id < A_WORD) snprintf(text, sizeof text, " x%d", (int)id);
    else {
        const char *prefix = id >= A_FOREIGN ? "\xD0\xB4" : " ";
        if (id >= A_SUFFIX && id < A_FOREIGN) prefix = "";
        snprintf(text, sizeof text, "%s%c%c%c", prefix, 'a' + id % 26, 'a' + id / 26 % 26,
                 'a' + id / 676 % 26);
    }
    *n = strlen(text);
    (void)ctx;
    return text;
}

static struct loop_classes *vocabulary;
static struct loop_guard *guard;

static bool make_guard(void) {
    qw_error err;
    if (loop_classes_new(&vocabulary, N_VOCAB, made_up, NULL, &err) ||
        loop_guard_new(&guard, vocabulary, &err)) {
        printf("not ok - loop guard: %s\n", err.message);
        return false;
    }
    return true;
}

/* ---- tokens as tests write them ---- */

enum { MOST = 8000, NEVER = 0 };
struct stream { int32_t ids[MOST]; int n; };

static void put(struct stream *s, int32_t id) {
    if (s->n < MOST) s->ids[s->n++] = id;
}
/* n tokens of one kind, different ones while there are. */
static void put_run(struct stream *s, int32_t first, int n) {
    for (int i = 0; i < n; i++) put(s, first + i);
}
static void put_number(struct stream *s, int64_t v) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, v);
    for (const char *p = text; *p; p++) put(s, *p - '0');
}
/* The last `period` tokens again and again, to the end. */
static void put_rounds(struct stream *s, int period) {
    while (s->n < MOST) put(s, s->ids[s->n - period]);
}

/* How many tokens of the stream until the guard stops; NEVER. */
static int tokens_until_stop(struct loop_guard *g, const struct stream *s) {
    loop_guard_reset(g);
    for (int i = 0; i < s->n; i++)
        if (loop_guard_push(g, s->ids[i])) return i + 1;
    return NEVER;
}

static void check_stop(const char *what, const struct stream *s, int tokens, int period) {
    int got = tokens_until_stop(guard, s);
    CHECK(got == tokens, "%s: stopped after %d tokens, not %d", what, got, tokens);
    CHECK(loop_guard_period(guard) == period, "%s: period %d, not %d", what,
          loop_guard_period(guard), period);
}

/* ---- the exact rule ---- */

static void check_cycle(const char *what, int32_t first, int period, int tokens) {
    struct stream s = {.n = 0};
    put_run(&s, first, period);
    put_rounds(&s, period);
    check_stop(what, &s, tokens, tokens == NEVER ? 0 : period);
}

static void test_limits(void) {
    check_cycle("one word", A_WORD, 1, 256);
    check_cycle("two words", A_WORD, 2, 256);
    check_cycle("64 words", A_WORD, 64, 256);
    check_cycle("65 words: four rounds are more", A_WORD, 65, 260);
    check_cycle("150 words", A_WORD, 150, 600);
    check_cycle("foreign words", A_FOREIGN, 5, 256);
    check_cycle("one suffix", A_SUFFIX, 1, 300);
    check_cycle("one blank", A_BLANK, 1, 300);
    check_cycle("blanks", A_BLANK, 10, 300);
    check_cycle("one mark", A_MARK, 1, 300);
    check_cycle("two marks", A_MARK, 2, 600);
    check_cycle("marks", A_MARK, 10, 600);
    check_cycle("marks and marks of code", A_MARK, 20, 600);
    check_cycle("blanks and marks", A_BLANK, 20, 600);
    check_cycle("code", A_BRACKET, 20, 1000);
    check_cycle("one digit", A_DIGIT, 1, 300);
    check_cycle("digits", A_DIGIT, 9, 1000);
    check_cycle("no words", AN_OTHER, 250, 1000);
    check_cycle("251 of them", AN_OTHER, 251, 1004);
    check_cycle("the longest period", AN_OTHER, 512, 2048);
    check_cycle("longer ones are not looked for", AN_OTHER, 513, NEVER);
}

/* What a round is made of decides. */
static void test_make_up(void) {
    static const struct { int words, others, tokens; int32_t last; } cases[] = {
        {5, 3, 256, AN_OTHER + 9},
        {4, 3, 1000, AN_OTHER + 9},         /* half words are not enough */
        {5, 3, 1000, A_BRACKET},
        {5, 3, 1000, A_CODE},
        {5, 3, 256, A_MARK},
        {5, 3, 256, A_DIGIT},
        {4, 4, 256, A_SUFFIX},
        {0, 0, 256, A_WORD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stream s = {.n = 0};
        char what[64];
        put_run(&s, A_WORD, cases[i].words);
        put_run(&s, AN_OTHER, cases[i].others);
        put(&s, cases[i].last);
        int period = s.n;
        put_rounds(&s, period);
        snprintf(what, sizeof what, "case %zu", i);
        check_stop(what, &s, cases[i].tokens, period);
    }
    struct stream s = {.n = 0};
    put_run(&s, A_SUFFIX, 5);
    put_run(&s, AN_OTHER, 4);
    put_rounds(&s, 9);
    check_stop("words, but none after a space", &s, 1000, 9);
}

/* A token again and again, under two ids; and among five words and three others, where it makes
 * prose or code of them. */
static const char *of_list(const void *ctx, int32_t id, size_t *n) {
    const char *const *list = ctx;
    *n = strlen(list[id]);
    return list[id];
}
enum { SOFT_620 = 2 * 2 + 16 + 600 };       /* words, of which the soft rule is sure first */
static void test_classes(void) {
    static const struct { const char *text; int alone, among_words; } cases[] = {
        {" the", 256, 256}, {"the", SOFT_620, 256}, {"The", SOFT_620, 256}, {"a", 1000, 256},
        {" a", 1000, 256}, {"it's", 1000, 256}, {"x1", 1000, 256}, {" 5", 1000, 256},
        {"5", 1000, 256}, {"1234", 1000, 256}, {"0123456789012345678901234567890", 1000, 256},
        {"", 1000, 256}, {" ", 300, 256}, {" \t\r\n", 300, 256}, {"\xE3\x80\x80 ", 300, 256},
        {"\xE2\x80", 600, 256}, {".", 600, 256}, {" **", 600, 256}, {"  .", 600, 256},
        {"{", 600, 1000}, {" |", 600, 1000}, {"x;", 1000, 1000}, {"caf\xC3\xA9", SOFT_620, 256},
        {"\xC3\xA9", 256, 256}, {" \xD0\xB4\xD0\xB0", 256, 256}, {"\xE4\xBD\xA0", 256, 256},
        {"\xE3\x81\x82", 256, 256}, {"\xE3\x80\x82", 600, 256}, {"\xEF\xBC\x8C", 600, 256},
        {"\xF0\x9F\x98\x80", 600, 256}, {" \xF0\x9F", 600, 256}, {"\x80", 600, 256},
        {"\xE3", 256, 256}, {"\xC2\xA0", 300, 256}, {"\xC2", 600, 256},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const list[] = {
            cases[i].text, cases[i].text, " one", " two", " three", " four", " five", "x2", "x3",
            "x4",
        };
        struct loop_classes *classes;
        struct loop_guard *g;
        struct stream alone = {{0, 1}, 2}, among = {{2, 3, 4, 5, 6, 7, 8, 9, 0}, 9};
        qw_error err;
        put_rounds(&alone, 2);
        put_rounds(&among, 9);
        if (loop_classes_new(&classes, 10, of_list, list, &err) ||
            loop_guard_new(&g, classes, &err)) {
            CHECK(0, "%s", err.message);
            return;
        }
        int got = tokens_until_stop(g, &alone), got_among = tokens_until_stop(g, &among);
        CHECK(got == cases[i].alone, "'%s': %d", cases[i].text, got);
        CHECK(got_among == cases[i].among_words, "'%s' among words: %d", cases[i].text, got_among);
        loop_guard_free(g);
        loop_classes_free(classes);
    }
}

/* Wherever in its rings a loop begins. */
static void test_wrap_around(void) {
    for (int before = 0; before < 2100; before += before % 1024 > 1000 ? 1 : 37) {
        struct stream s = {.n = 0};
        put_run(&s, A_WORD, before);
        put_run(&s, A_FOREIGN, 5);
        put_rounds(&s, 5);
        check_stop("five words", &s, before + 256, 5);
        s.n = before;
        put_run(&s, AN_OTHER, 512);
        put_rounds(&s, 512);
        check_stop("a long round", &s, before + 2048, 512);
    }
}

/* A round that differs in one token begins the count anew. */
static void test_broken(void) {
    struct stream s = {.n = 0};
    for (int i = 0; i < 40; i++) {
        put_run(&s, AN_OTHER, 60);
        if (i % 16 == 15) put(&s, A_WORD + i);
    }
    int all = s.n;
    check_stop("960 of 1000 tokens", &s, NEVER, 0);
    put_run(&s, AN_OTHER, 60);
    put_run(&s, AN_OTHER, 60);
    put_rounds(&s, 60);
    check_stop("then on", &s, all - 480 + 1000, 60);
}

/* Any id may come, and any number of tokens after the stop. */
static void test_any_token(void) {
    static const int32_t odd[] = {-1, -2, INT32_MIN, INT32_MAX, N_VOCAB};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct stream s = {{odd[i]}, 1};
        put_rounds(&s, 1);
        check_stop("an id of nothing", &s, 300, 1);
    }
    loop_guard_reset(guard);
    for (int i = 0; i < 150000; i++) {
        bool stop = loop_guard_push(guard, AN_OTHER);
        int period = loop_guard_period(guard);
        if (stop != (i >= 299) || period != stop)
            CHECK(0, "%d, period %d, after %d tokens", stop, period, i + 1);
    }
}

/* ---- the soft rule ---- */

enum { LEAD = 16 };     /* symbols of the third round until the 17 that end with one are old */

/* Rounds of more than 512 tokens, so that the exact rule is silent. */
static void test_points(void) {
    static const struct { int pairs, words, tokens; } cases[] = {
        {0, 600, 2 * 600 + LEAD + 600},
        {0, 1023, 2 * 1023 + LEAD + 600},       /* the first round is 2046 symbols ago */
        {0, 1024, NEVER},
        {299, 2, 2 * 600 + LEAD + 1196},
        {300, 0, 2 * 600 + LEAD + 2400},        /* words are half of them */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stream s = {.n = 0};
        char what[64];
        for (int k = 0; k < cases[i].pairs; k++) {
            put(&s, AN_OTHER + k);
            put(&s, A_WORD + k);
        }
        put_run(&s, A_WORD + 1000, cases[i].words);
        put_rounds(&s, s.n);
        snprintf(what, sizeof what, "%d pairs, %d words", cases[i].pairs, cases[i].words);
        check_stop(what, &s, cases[i].tokens, 0);
    }

    /* Rounds of 1023 and 1024 words in turn: the one before the last is 2047 symbols ago. */
    struct stream s = {.n = 0};
    put_run(&s, A_WORD, 1023);
    put_run(&s, A_WORD, 1024);
    put_rounds(&s, 2047);
    int got = tokens_until_stop(guard, &s);
    CHECK(got == 2047 + LEAD + 600, "%d", got);
}

/* Rounds of a number, which changes by `step` and by `more` after every other round, and 8 words.
 *
 * The first symbol that counts is number 34, the seventh word of the fourth round, which gives two
 * points; each round from there on gives eight. So 600 are there 74 rounds later, at the sixth word
 * after round 78, and later by a round for each surprise. `digits`: tokens of each number. */
static void check_counting(const char *what, int64_t value, int64_t step, int more, int digits,
                           int rounds) {
    struct stream s = {.n = 0};
    for (int round = 0; s.n < MOST - 40; round++) {
        put_number(&s, value);
        put_run(&s, A_WORD, 8);
        value += step + round % 2 * more;
    }
    check_stop(what, &s, rounds ? rounds * (digits + 8) + digits + 6 : NEVER, 0);
}

static void test_numbers(void) {
    check_counting("up", 100, 1, 0, 3, 78);
    check_counting("up in tens", 1000, 10, 0, 4, 78);
    check_counting("down", 999, -1, 0, 3, NEVER);
    check_counting("up by one and two in turn", 1000, 1, 1, 4, NEVER);
    check_counting("up by one every other time", 1000, 1, -1, 4, 78);
    check_counting("18 digits", INT64_C(999999999999000000), 1, 0, 18, 78);
    check_counting("the first of 18 digits", INT64_C(100000000000000000),
                   INT64_C(10000000000000000), 0, 18, 78);
    check_counting("18 of 19 digits", INT64_C(1999999999999999980), 1, 0, 19, 78 + 2);
    struct stream odd = {.n = 0}, s = {.n = 0};
    for (int round = 0, value = 1000; odd.n < MOST - 40; round++) {
        static const int steps[] = {1, 0, 2, 0};
        put_number(&odd, value);
        put_run(&odd, A_WORD, 8);
        value += steps[round % 4];
    }
    CHECK(tokens_until_stop(guard, &odd) > 120 * 12, "a rest between two steps is no news");
    for (int value = 1050; s.n < MOST - 40; value++) {
        put(&s, A_NUMBER + value / 100);
        put(&s, A_NUMBER + value % 100);
        put_run(&s, A_WORD, 8);
    }
    check_stop("tokens of two digits", &s, 78 * (2 + 8) + 2 + 6, 0);
}

/* Dates: the day falls back at the end of a month, the month at the end of a year. */
static void test_dates(void) {
    struct stream s = {.n = 0};
    for (int day = 0; s.n < MOST - 60; day++) {
        put_number(&s, 2024 + day / 360);
        put(&s, A_MARK);
        put_number(&s, 1 + day / 30 % 12);
        put(&s, A_MARK);
        put_number(&s, 1 + day % 30);
        put_run(&s, A_WORD, 14);
    }
    int got = tokens_until_stop(guard, &s);
    CHECK(got > 600 && got <= 1500 && loop_guard_period(guard) == 0, "%d", got);
}

/* One word of a round changes: out of few, or a new one each time. */
static void test_slots(void) {
    for (int choices = 1; choices <= 4; choices++) {
        struct stream s = {.n = 0};
        while (s.n < MOST - 40) {
            put_run(&s, A_WORD, 24);
            put(&s, A_FOREIGN + (int32_t)rng((uint32_t)choices));
        }
        int got = tokens_until_stop(guard, &s);
        CHECK(got > 0 && got <= 1500, "one of %d: %d", choices, got);
        CHECK(choices == 1 || got > 600, "one of %d: %d", choices, got);
    }
    struct stream s = {.n = 0};
    for (int round = 0; s.n < MOST - 40; round++) {
        put_run(&s, A_WORD, 24);
        put(&s, A_FOREIGN + round);
    }
    check_stop("a new one", &s, NEVER, 0);
}

static void test_reset(void) {
    struct stream s = {.n = 0};
    put_run(&s, A_WORD, 600);
    put_rounds(&s, 600);
    for (int before = 0; before <= 1800; before += 150) {
        loop_guard_reset(guard);
        for (int i = 0; i < before; i++) loop_guard_push(guard, s.ids[i]);
        check_stop("after an unfinished answer", &s, 1816, 0);
    }
    struct stream digits = {{A_DIGIT + 7}, 1};
    tokens_until_stop(guard, &digits);
    check_counting("after a number", 100, 1, 0, 3, 78);
}

/* ---- both rules again, as plainly as they can be said ---- */

struct plain {
    int32_t ids[MOST];
    int n;
    int32_t symbols[MOST];              /* a number is -1 */
    int n_symbols, score, since;
    char digits[19];                    /* of the number that is being written */
    struct { int64_t value, step; int place; } numbers[MOST];
    int n_numbers;
};

static bool is_word(int32_t id) { return id >= A_WORD; }

static int plain_need(const int32_t *round, int period) {
    int words = 0, starts = 0, blanks = 0, marks = 0, code = 0;
    for (int i = 0; i < period; i++) {
        int32_t id = round[i];
        words += is_word(id);
        starts += is_word(id) && !(id >= A_SUFFIX && id < A_FOREIGN);
        blanks += id >= A_BLANK && id < A_MARK;
        marks += id >= A_BLANK && id < A_CODE;
        code += id >= A_BRACKET && id < AN_OTHER;
    }
    if (2 * words > period && starts && !code) return 256;
    if (period == 1 || blanks == period) return 300;
    return marks == period ? 600 : 1000;
}

static int plain_period(const struct plain *p) {
    const int32_t *last = p->ids + p->n - 1;
    for (int period = 1; period <= 512; period++) {
        int tokens = period;
        while (tokens < p->n && last[period - tokens] == last[-tokens]) tokens++;
        if (tokens >= 4 * period && tokens >= plain_need(last + 1 - period, period)) return period;
    }
    return 0;
}

/* Are the n symbols before places a and b the same? */
static bool same_symbols(const struct plain *p, int a, int b, int n) {
    for (int i = 1; i <= n; i++)
        if ((a < i ? -2 : p->symbols[a - i]) != (b < i ? -2 : p->symbols[b - i])) return false;
    return true;
}

static void plain_surprise(struct plain *p) {
    p->score = p->score < 8 ? 0 : p->score - 8;
    if (p->score == 0) p->since = 0;
}

static void plain_symbol(struct plain *p, int32_t symbol, bool word) {
    int here = p->n_symbols++, seen = 0;
    p->symbols[here] = symbol;
    p->since++;
    for (int at = here - 1; at >= 0 && at > here - 2048 && seen < 2; at--)
        seen += same_symbols(p, at + 1, here + 1, 17);
    if (seen < 2) plain_surprise(p);
    else p->score += word;
}

static void plain_number(struct plain *p) {
    int64_t value = strtoll(p->digits, NULL, 10), change = 0, step = 0;
    bool foretold = false;
    for (int i = p->n_numbers - 1; i >= 0 && p->numbers[i].place > p->n_symbols - 2048; i--) {
        if (!same_symbols(p, p->numbers[i].place, p->n_symbols, 6)) continue;
        change = value - p->numbers[i].value;
        step = p->numbers[i].step;
        foretold = change == 0 || (change > 0 && (step == 0 || step == change));
        break;
    }
    if (!foretold) plain_surprise(p);
    p->numbers[p->n_numbers].value = value;
    p->numbers[p->n_numbers].step = change ? change : step;
    p->numbers[p->n_numbers++].place = p->n_symbols;
    p->digits[0] = 0;
    plain_symbol(p, -1, false);
}

static bool plain_soft(struct plain *p, int32_t id) {
    if (id < A_BLANK) {
        char more[40];
        size_t n;
        snprintf(more, sizeof more, "%s%s", p->digits, made_up(NULL, id, &n));
        n = strlen(more);
        memcpy(p->digits, n > 18 ? more + n - 18 : more, n > 18 ? 19 : n + 1);
        return false;
    }
    if (p->digits[0]) plain_number(p);
    plain_symbol(p, id, is_word(id));
    return p->score >= 1200 || (p->score >= 600 && 2 * p->score > p->since);
}

/* ---- random tokens ---- */

/* An id out of `few` of its kind. */
static int32_t random_id(bool words, uint32_t few) {
    static const struct { int32_t first; uint32_t n; } kinds[] = {
        {A_WORD, 4000}, {A_SUFFIX, 1000}, {A_FOREIGN, 1000}, {AN_OTHER, 800}, {A_DIGIT, 10},
        {A_NUMBER, 100}, {A_BLANK, 10}, {A_MARK, 10}, {A_BRACKET, 10}, {A_CODE, 10},
    };
    uint32_t k = rng(words ? 3 : 10), n = kinds[k].n < few ? kinds[k].n : few;
    return kinds[k].first + (int32_t)rng(n);
}

/* Rounds of parts, some of which change from round to round; now and then a token that is out of
 * place. */
struct part { enum { TOKEN, CHOICE, COUNTER } kind; int32_t id; int64_t value; int step; };

static void put_random(struct stream *s) {
    static const uint32_t sizes[] = {1, 2, 4, 12, 60, 4000}, faults[] = {0, 0, 0, 1, 4, 30};
    static struct part parts[700];
    int n_parts = 1 + (int)rng(1 + rng(1 + rng(700))), end = s->n + (int)rng(4000);
    uint32_t few = sizes[rng(6)], changing = rng(4) ? rng(120) : 0, faulty = faults[rng(6)];
    bool words = rng(3) > 0;
    for (int i = 0; i < n_parts; i++) {
        struct part *p = &parts[i];
        *p = (struct part){TOKEN, random_id(words, few), rng(2000), (int)rng(5) - 1};
        if (rng(1000) < changing) p->kind = rng(2) ? CHOICE : COUNTER;
    }
    while (s->n < end && s->n < MOST) {
        for (int i = 0; i < n_parts; i++) {
            struct part *p = &parts[i];
            if (rng(1000) < faulty) put(s, random_id(words, 4000));
            if (p->kind == TOKEN) put(s, p->id);
            else if (p->kind == CHOICE) put(s, A_WORD + p->id % 1000 + (int32_t)rng(3));
            else put_number(s, p->value);
            if (rng(1000) < faulty) p->step = (int)rng(5) - 1;
            if (rng(9) > 0) p->value += p->value + p->step < 0 ? 0 : p->step;
        }
    }
}

static int n_streams = 300;             /* quick, for sanitizers: 60 */

static void test_random(void) {
    static struct stream s;
    static struct plain p;
    int exact = 0, soft = 0;
    for (int round = 0; round < n_streams; round++) {
        bool stop = false;
        s.n = 0;
        for (uint32_t segments = 1 + rng(4); segments > 0; segments--) put_random(&s);
        memset(&p, 0, sizeof p);
        loop_guard_reset(guard);
        for (int i = 0; i < s.n && !stop; i++) {
            p.ids[p.n++] = s.ids[i];
            int period = plain_period(&p);
            stop = plain_soft(&p, s.ids[i]) || period;
            bool got = loop_guard_push(guard, s.ids[i]);
            CHECK(got == stop && loop_guard_period(guard) == period,
                  "stream %d, token %d: %d, period %d; not %d, period %d", round, i, got,
                  loop_guard_period(guard), stop, period);
            exact += period > 0;
            soft += stop && !period;
            stop |= got;
        }
    }
    CHECK(exact >= n_streams / 8 && soft >= n_streams / 8, "only %d and %d stops", exact, soft);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "quick") == 0) n_streams = 60;
    if (!make_guard()) return 1;
    RUN("loop guard: rounds of each kind, and the tokens they need", test_limits);
    RUN("loop guard: what a round is made of", test_make_up);
    RUN("loop guard: classes of tokens", test_classes);
    RUN("loop guard: rings wrap around", test_wrap_around);
    RUN("loop guard: a break in a loop", test_broken);
    RUN("loop guard: any id, and tokens after the stop", test_any_token);
    RUN("loop guard: points of long rounds", test_points);
    RUN("loop guard: numbers that count", test_numbers);
    RUN("loop guard: dates", test_dates);
    RUN("loop guard: a word that changes", test_slots);
    RUN("loop guard: reset", test_reset);
    RUN("loop guard: random tokens, against slow rules without tables", test_random);
    loop_guard_free(guard);
    loop_classes_free(vocabulary);
    TEST_END();
}
