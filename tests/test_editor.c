/* test_editor.c - the line editor: what each key makes of the text, and what a terminal shows. */
#include <string.h>
#include <time.h>
#include "terminal/editor.h"
#include "editor_model.h"
#include "test.h"

static struct editor *e;
static struct screen_model screen;
static struct grid grid;
static enum editor_event last;          /* the last event that was not EDITOR_MORE */
static char given[100000];              /* the text that came with it */
static struct buf sent;                 /* everything that was sent since the test cleared it */

/* ---- an editor at a terminal ---- */

static void flush(void) {
    struct buf *out = editor_output(e);
    model_write(&screen, out->p, out->n);
    buf_put(&sent, out->p, out->n);
    out->n = 0;
}

static void begin(struct editor_params params) {
    e = editor_new(&params);
    model_init(&screen, params.rows, params.columns);
    sent.n = 0;
    editor_begin(e, "> ", NULL, 0);
    flush();
}

static void begin_at(int columns) {
    begin((struct editor_params){.rows = 24, .columns = columns});
}

static void end(void) {
    editor_free(e);
    e = NULL;
}

static void type_n(const char *bytes, size_t n) {
    for (size_t at = 0, used; at < n; at += used) {
        enum editor_event event = editor_feed(e, bytes + at, n - at, &used);
        flush();
        if (event == EDITOR_MORE) continue;
        size_t length;
        const char *p = editor_text(e, &length);
        last = event;
        snprintf(given, sizeof given, "%.*s", (int)length, p);
    }
}

static void type(const char *bytes) {
    last = EDITOR_MORE;
    type_n(bytes, strlen(bytes));
}

/* What the line holds. */
static const char *text(void) {
    type("\030\005");
    return given;
}

static const char *row(int y) {
    static char line[4][1024];
    static int i;
    i = (i + 1) % 4;
    return model_line(&screen, y, line[i]);
}

/* want: the text with | where the cursor is. */
static void expect(const char *want, const char *where) {
    static struct editor_model m;
    const char *bar = strchr(want, '|');
    m.now.n = (size_t)snprintf(m.now.p, sizeof m.now.p, "%.*s%s", (int)(bar - want), want, bar + 1);
    m.now.cursor = (size_t)(bar - want);
    CHECK(strcmp(text(), m.now.p) == 0 && strlen(given) == m.now.n, "%s at %d columns: '%s', not "
          "'%s'", where, screen.columns, given, m.now.p);
    grid_render(&grid, &m, screen.columns);
    const char *wrong = grid_wrong(&grid, &screen);
    CHECK(!wrong, "%s at %d columns: %s; row 0 '%s'", where, screen.columns, wrong, row(0));
}

/* ---- the keys of the contract ---- */

static const struct { const char *keys, *want; } key_cases[] = {
    {"abc", "abc|"},
    {"abc\002\002X", "aX|bc"},                              /* Ctrl-B */
    {"abc\033[D\033[DX", "aX|bc"},
    {"abc\001X", "X|abc"},                                  /* Ctrl-A */
    {"abc\001\006X", "aX|bc"},                              /* Ctrl-F */
    {"abc\001\033[CX", "aX|bc"},
    {"abc\001\005X", "abcX|"},                              /* Ctrl-E */
    {"abc\177", "ab|"}, {"abc\010", "ab|"}, {"\177", "|"},
    {"abc\001\004", "|bc"}, {"abc\002\004\004", "ab|"},     /* Ctrl-D */
    {"abc\001\033[3~", "|bc"},
    {"a bc\002\002\013", "a |"}, {"a bc\013", "a bc|"},     /* Ctrl-K */
    {"a bc\002\025", "|c"}, {"abc\001\025", "|abc"},        /* Ctrl-U */
    {"a b/c d\027", "a b/c |"}, {"a b/c \027", "a |"},      /* Ctrl-W */
    {"a bc\027\031\031", "a bcbc|"},                        /* Ctrl-Y */
    {"a b c\027\027\031", "a b c|"},                        /* two kills are one */
    {"ab cd\001\013\031", "ab cd|"}, {"ab\033b\033d\031\031", "abab|"},
    {"abc\024", "acb|"}, {"abc\002\024", "acb|"}, {"a\001\024", "|a"},   /* Ctrl-T */
    {"a\024", "a|"}, {"abc\001\006\024", "ba|c"},
    {"ab cd ef\033[1;5D\033[1;5DX", "ab X|cd ef"},          /* Ctrl-Left */
    {"ab cd ef\001\033[1;5CX", "abX| cd ef"},
    {"ab cd\033bX", "ab X|cd"}, {"ab cd\001\033f\033fX", "ab cdX|"},
    {"ab cd\001\033d", "| cd"}, {"ab c/d\033\177\033\177", "ab |"},
    {"ab cd\033[1;3DX", "ab X|cd"}, {"ab cd\001\033[1;3CX", "abX| cd"},
    {"ab\037", "|"}, {"ab cd\037", "ab |"}, {"ab cd\037\037", "|"},     /* Ctrl-_ */
    {"abc\025\037", "abc|"}, {"abc\001\013\037", "|abc"}, {"ab\177\177\037", "ab|"},
    {"ab\177x\037\037", "ab|"}, {"\037a", "a|"},
    {"a\nb", "a\nb|"}, {"a\033\rb", "a\nb|"}, {"a\033\nb", "a\nb|"},
    {"ab\ncd\001X", "ab\nX|cd"}, {"ab\ncd\033[A\005X", "abX|\ncd"},
    {"ab\ncd\033[AX", "abX|\ncd"}, {"abc\nd\033[AX", "aX|bc\nd"}, {"a\nbcd\033[AX", "aX|\nbcd"},
    {"ab\ncd\033[A\001\033[BX", "ab\nX|cd"},
    {"ab\ncd\001\025X", "abX|cd"}, {"ab\ncd\033[A\005\013X", "abX|cd"},
    {"a\tb", "ab|"},                                      /* Tab without candidates */
    {"\314\201\001eX", "e\314\201X|"},                     /* two characters became one */
    {"\302\344\344x\033\302\244y", "\357\277\275\357\277\275\357\277\275xy|"},
};

static void test_keys(void) {
    static const int columns[] = {80, 40, 20, 7, 4};
    for (size_t i = 0; i < sizeof key_cases / sizeof *key_cases; i++) {
        for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
            char where[32];
            snprintf(where, sizeof where, "case %zu", i);
            begin_at(columns[k]);
            type(key_cases[i].keys);
            expect(key_cases[i].want, where);
            end();
            /* The same with each byte by itself. */
            begin_at(columns[k]);
            for (const char *p = key_cases[i].keys; *p; p++) type_n(p, 1);
            expect(key_cases[i].want, where);
            end();
        }
    }
}

/* ---- spellings ---- */

static void test_spellings(void) {
    static const char *const home[] = {"\033[H", "\033OH", "\033[1~", "\033[7~"};
    static const char *const to_end[] = {"\033[F", "\033OF", "\033[4~", "\033[8~"};
    static const char *const left[] = {"\033[D", "\033OD", "\033[1;2D", "\033[d"};
    static const char *const word[] = {"\033[1;5D", "\033[5D", "\033O5D", "\033Od", "\033[1;3D",
                                       "\033\033[D", "\033b"};
    for (int i = 0; i < 4; i++) {
        begin_at(80);
        type("ab cd");
        type(home[i]);
        type("X");
        type(to_end[i]);
        type("Y");
        type(left[i]);
        type("Z");
        expect("Xab cdZ|Y", home[i] + 1);
        end();
    }
    for (int i = 0; i < 7; i++) {
        begin_at(80);
        type("ab cd");
        type(word[i]);
        type("X");
        expect("ab X|cd", word[i] + 1);
        end();
    }
}

/* Whole sequences go, and nothing else. */
static void test_unknown(void) {
    static const char *const unknown[] = {
        "\033[15~", "\033[[A", "\033OP", "\033[?1;2c", "\033[200;1z", "\033[1;2;3;4;5;6;7;8;9;10m",
        "\033]0;title\a", "\033]0;title\033\\", "\033P1$r0m\033\\", "\033[?2026;2$y", "\033[24~",
        "\033[3$", "\033[25^", "\033[M", "\033Ob", "\033q", "\033[<0;1;2M", "\033[I", "\033\033[5~"
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        begin_at(80);
        type("ab");
        type(unknown[i]);
        type("c");
        expect("abc|", unknown[i] + 1);
        end();
    }
}

static void test_escape(void) {
    begin_at(80);
    type("ab\033");
    CHECK(editor_pending(e), "ESC alone");
    editor_idle(e);
    CHECK(!editor_pending(e), "after it");
    type("b\033[");
    editor_idle(e);
    type("c\033]");
    editor_idle(e);
    type("d\342\202");
    CHECK(editor_pending(e), "half a character");
    editor_idle(e);
    flush();
    type("e\033[1\003");
    CHECK(last == EDITOR_INTERRUPT && strcmp(given, "abbcd\357\277\275e") == 0, "'%s'", given);
    end();
}

/* ---- ends of lines ---- */

static void ended(const char *keys, enum editor_event event, const char *want) {
    begin_at(40);
    type(keys);
    CHECK(last == event && strcmp(given, want) == 0, "after '%s': event %d, '%s'", keys, last,
          given);
    end();
}

static void test_enter(void) {
    ended("abc\r", EDITOR_LINE, "abc");
    ended("abc\001\r", EDITOR_LINE, "abc");
    ended("\r", EDITOR_LINE, "");
    ended("a\nb\r", EDITOR_LINE, "a\nb");
    ended("a\\\rb\r", EDITOR_LINE, "a\nb");
    ended("a\\\\\rb\r", EDITOR_LINE, "a\\\nb");
    ended("\"\"\"\rab\r\rc\r\"\"\"\r", EDITOR_LINE, "ab\n\nc");
    ended("\"\"\"ab\rc\"\"\"\r", EDITOR_LINE, "ab\nc");
    ended("\"\"\"ab\"\"\"\r", EDITOR_LINE, "ab");
    ended("\"\"\"\r\"\"\"\r", EDITOR_LINE, "");
    ended("\"\"\"\"\"\"\r", EDITOR_LINE, "");
    ended("\"\"\"\"\r", EDITOR_MORE, "");
    ended("\"\"\"a\\\rb\"\"\"\r", EDITOR_LINE, "a\\\nb");
    ended("\"\"\r", EDITOR_LINE, "\"\"");
    ended("a\"\"\"\r", EDITOR_LINE, "a\"\"\"");
    ended("\004", EDITOR_END, "");
    ended("a\004", EDITOR_MORE, "");
    ended("abc\003", EDITOR_INTERRUPT, "abc");
    ended("\003", EDITOR_INTERRUPT, "");
    ended("\"\"\"a\rb\003", EDITOR_INTERRUPT, "\"\"\"a\nb");
    ended("ab\032", EDITOR_SUSPEND, "");
    ended("ab\034", EDITOR_QUIT, "");
    ended("ab\030\005", EDITOR_EXTERNAL, "ab");
}

/* Where things are on the screen after the line has ended. */
static void test_after_line(void) {
    begin_at(20);
    type("one\r");
    editor_begin(e, "> ", NULL, 0);
    flush();
    CHECK(strcmp(row(0), "> one") == 0 && strcmp(row(1), ">") == 0, "'%s' '%s'", row(0), row(1));
    type("0123456789abcdefgh\001\r");        /* as wide as the screen: its end has a row */
    editor_begin(e, "> ", NULL, 0);
    flush();
    CHECK(strcmp(row(1), "> 0123456789abcdefgh") == 0 && screen.y == 3 && screen.x == 2,
          "'%s' %d", row(1), screen.y);
    type("x\003");
    CHECK(strcmp(row(3), ">") == 0 && screen.y == 3, "'%s'", row(3));
    type("y\r");
    CHECK(strcmp(given, "y") == 0, "%s", given);
    end();
}

/* ---- pastes ---- */

static char hundred[2000];

static void make_lines(char *out, int lines, const char *newline) {
    size_t n = 0;
    for (int i = 0; i < lines; i++)
        n += (size_t)sprintf(out + n, "row %d of it%s", i, i + 1 < lines ? newline : "");
}

static void paste(const char *p) {
    type_n("\033[200~", 6);
    type_n(p, strlen(p));
    type_n("\033[201~", 6);
}

static void test_paste(void) {
    begin_at(80);
    make_lines(hundred, 5, "\r\n");
    paste(hundred);
    expect("row 0 of it\nrow 1 of it\nrow 2 of it\nrow 3 of it\nrow 4 of it|", "five lines");
    end();
    begin_at(80);
    make_lines(hundred, 6, "\r");
    type("see: ");
    paste(hundred);
    type("!");
    CHECK(strcmp(row(0), "> see: [pasted 6 lines, 71 bytes]!") == 0, "'%s'", row(0));
    type("\r");
    CHECK(strcmp(given, "see: row 0 of it\nrow 1 of it\nrow 2 of it\nrow 3 of it\nrow 4 of it\n"
                 "row 5 of it!") == 0, "'%s'", given);
    end();
}

/* A fold is one character. */
static void test_fold(void) {
    begin_at(80);
    make_lines(hundred, 120, "\n");
    type("ab ");
    paste(hundred);
    type(" cd");
    CHECK(strcmp(row(0), "> ab [pasted 120 lines, 1.6 KB] cd") == 0, "'%s'", row(0));
    type("\002\002\002\002X");
    CHECK(strcmp(row(0), "> ab X[pasted 120 lines, 1.6 KB] cd") == 0, "'%s'", row(0));
    type("\006\006\177\177");
    CHECK(strcmp(text(), "ab Xcd") == 0, "'%s'", given);
    type("\037");
    CHECK(strcmp(row(0), "> ab X[pasted 120 lines, 1.6 KB] cd") == 0, "'%s'", row(0));
    type("\005\033b\033b\013\001\031");         /* a word by itself; kill, yank */
    CHECK(strcmp(row(0), "> [pasted 120 lines, 1.6 KB] cdab X") == 0, "'%s'", row(0));
    type("\r");
    CHECK(strncmp(given, hundred, strlen(hundred)) == 0, "'%.40s'", given);
    CHECK(strcmp(given + strlen(hundred), " cdab X") == 0, "'%s'", given + strlen(hundred));
    editor_begin(e, "> ", NULL, 0);
    type("\031");                               /* what was killed is still there */
    CHECK(strcmp(row(1), "> [pasted 120 lines, 1.6 KB]") == 0, "'%s'", row(1));
    end();
    begin_at(80);
    type("a");
    paste(hundred);
    type("b\033bx\033b\033b\033by\033f\033fz");     /* a word of its own, next to others */
    CHECK(strcmp(row(0), "> ya[pasted 120 lines, 1.6 KB]zxb") == 0, "'%s'", row(0));
    end();
}

/* Controls in a paste are data, and shown; a paste that lost its end is left by Ctrl-C. */
static void test_hostile_paste(void) {
    begin_at(80);
    paste("a\003b\033[31mc\033[201x\033\302\233\342\200\256\377d");
    CHECK(strcmp(row(0), "> a^Cb^[[31mc^[[201x^[<U+009B><U+202E>\357\277\275d") == 0, "'%s'",
          row(0));
    expect("a\003b\033[31mc\033[201x\033\302\233\342\200\256\357\277\275d|", "controls");
    end();
    begin_at(80);
    paste("a\033");                             /* its end follows at once */
    type("b");
    expect("a\033b|", "Escape at the end of a paste");
    end();
    begin_at(80);
    type("x\033[200~abc\033[20");
    editor_idle(e);
    type("\003");
    CHECK(last == EDITOR_INTERRUPT && strcmp(given, "xabc") == 0, "%d '%s'", last, given);
    end();
}

static void test_limit(void) {
    size_t n = EDITOR_LIMIT + 1000;
    char *big = malloc(n);
    memset(big, 'x', n);
    begin_at(80);
    type("\033[200~");
    type_n(big, n);
    type("\033[201~");
    const char *why = editor_warning(e);
    CHECK(why && strstr(why, "16 MB"), "%s", why ? why : "no warning");
    CHECK(strcmp(row(0), "> [pasted 1 line, 16.0 MB]") == 0, "'%s'", row(0));
    type("y");
    CHECK(editor_warning(e) != NULL && screen.bells > 0, "no warning");
    CHECK(strcmp(row(0), "> [pasted 1 line, 16.0 MB]") == 0, "'%s'", row(0));
    type("\177a\r");
    CHECK(strcmp(given, "a") == 0, "'%.10s'", given);
    free(big);
    end();
}

/* A megabyte in one line without the marks of a paste, and keys in the middle of it. */
static void test_speed(void) {
    size_t n = 1000000;
    char *big = malloc(n);
    struct timespec t0, t1;
    memset(big, 'x', n);
    begin_at(80);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (size_t at = 0; at < n; at += 20000) type_n(big + at, 20000);
    for (int i = 0; i < 20; i++) type("\002y\177\033[A");
    clock_gettime(CLOCK_MONOTONIC, &t1);
    double seconds = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) * 1e-9;
    CHECK(seconds < 60, "%.1f s", seconds);
    if (getenv("QW_TEST_VERBOSE")) printf("  %.2f s\n", seconds);
    free(big);
    end();
}

/* ---- what the screen shows ---- */

static void test_wide(void) {
    static const int columns[] = {80, 40, 20, 7};
    for (size_t k = 0; k < 4; k++) {
        begin_at(columns[k]);
        type("a");
        for (int i = 0; i < 300; i++) type("\u4f60");
        type("\001\006\006X\033[1;5D\005\177\002\002\004");
        size_t n;
        type("\030\005");
        editor_text(e, &n);
        CHECK(n == 2 + 298 * 3, "%zu bytes", n);
        static struct editor_model m;
        memcpy(m.now.p, given, n);
        m.now.n = n;
        m.now.cursor = n - 3;
        grid_render(&grid, &m, columns[k]);
        const char *wrong = grid_wrong(&grid, &screen);
        CHECK(!wrong, "%d columns: %s", columns[k], wrong);
        end();
    }
}

/* Characters at the margin, of all kinds, before and after it. */
static void test_margin(void) {
    static const char *const tails[] = {
        "x", "\u4f60", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "e\u0301", "\u2764\ufe0f",
        "\n", "\033[200~\t\033[201~", "\U0001f600", "\u200b", "\302\233", "\u0301",
        "\U0001f1e9\U0001f1ea", "\u0915\u093f", "x\u4f60y"
    };
    for (int fill = 8; fill < 40; fill++) {
        for (size_t i = 0; i < 2 * (sizeof tails / sizeof *tails); i++) {
            static struct editor_model m;
            begin_at(20);
            screen.sums = i % 2;
            for (int n = 0; n < fill; n++) type("f");
            type(tails[i / 2]);
            type("end\002\002");
            text();
            m.now.n = strlen(given);
            memcpy(m.now.p, given, m.now.n);
            m.now.cursor = m.now.n - 2;
            grid_render(&grid, &m, 20);
            const char *wrong = grid_wrong(&grid, &screen);
            CHECK(!wrong, "%d before '%s', sums %d: %s", fill, tails[i / 2], screen.sums, wrong);
            end();
        }
    }
}

/* A text taller than the screen: the rows around the cursor. */
static void test_tall(void) {
    begin((struct editor_params){.rows = 5, .columns = 20});
    for (int i = 0; i < 9; i++) {
        char line[16];
        snprintf(line, sizeof line, "%sline %d", i ? "\n" : "", i);
        type(line);
    }
    CHECK(strcmp(row(0), ". line 4") == 0 && strcmp(row(4), ". line 8") == 0, "'%s'", row(0));
    type("\033[A\033[A\033[A\033[A\033[A");
    CHECK(strcmp(row(0), ". line 3") == 0 && screen.y == 0, "'%s' %d", row(0), screen.y);
    type("\033[B\177");
    CHECK(strcmp(row(0), ". line 3") == 0 && strcmp(row(1), ". line") == 0, "'%s'", row(1));
    type("\003");
    CHECK(strcmp(row(0), ">") == 0 && strcmp(row(1), "") == 0 && screen.y == 0, "'%s'", row(0));
    end();
}

/* What is above the line stays, whatever width the terminal gets; nothing is left of the line. */
static void resize(bool truncates, const char *keys, bool near_end) {
    static const int widths[] = {100, 40, 20, 100, 80, 21, 9, 10, 80};
    for (size_t i = 0; i < sizeof widths / sizeof *widths + 1; i++) {
        int columns = i ? widths[i - 1] : 80;
        if (i == 0) {
            begin((struct editor_params){.rows = 40, .columns = 80, .truncates = truncates});
            editor_hide(e);
            flush();
            screen.truncates = truncates;
            for (int y = 10; y < 40; y++) {
                char old[32];
                int n = sprintf(old, "old %d\r\n", y);
                model_write(&screen, old, (size_t)n);
            }
            editor_repaint(e);
            flush();
            for (const char *p = keys; *p; p++) type_n(p, 1);
        } else {
            model_resize(&screen, 40, columns);
            editor_resize(e, 40, columns);
            flush();
        }
        static struct editor_model m;
        text();
        m.now.n = strlen(given);
        memcpy(m.now.p, given, m.now.n);
        m.now.cursor = near_end ? m.now.n - 1 : 0;
        grid_render(&grid, &m, columns);
        const char *wrong = grid_wrong(&grid, &screen);
        CHECK(!wrong, "'%s' at %d columns, %d: %s", keys, columns, truncates, wrong);
        int top = screen.y - grid.cursor_y;
        const char *above = row(top - 1);
        CHECK(strcmp(above, "old 39") == 0, "'%s' at %d columns, %d: above is '%s'", keys, columns,
              truncates, above);
    }
    end();
}

static void test_resize(void) {
    static const char *const keys[] = {
        "some words that are longer than a screen of forty columns and a half, or of twenty\002",
        "eighty columns: 7890123456789012345678901234567890123456789012345678901234567\002",
        "seventy-nine  : 789012345678901234567890123456789012345678901234567890123456\002",
        ("\u4f60\u4f60\u4f60\u4f60\u4f60\u4f60 \u4f60\u4f60\u4f60\u4f60x\u4f60\u4f60\u4f60\u4f60"
         "\u4f60\u4f60\u4f60\u4f60\u4f60\u4f60x\u4f60\u4f60\u4f60\u4f60\u4f60\u4f60\u4f60.\002"),
        "several\nlines, one of them rather long, so that it is broken\nand more\002"
    };
    /* A row that the next one belongs to no more. */
    resize(false, "two rows of eighty columns, the second of which is going to be deleted, and "
           "then it is one\nsecond\033[A\005\027\027\027\027\027\027\027\033[B\005\002", true);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char start[512];
        resize(false, keys[i], true);
        resize(true, keys[i], true);
        snprintf(start, sizeof start, "%s\033[A\033[A\001", keys[i]);
        resize(false, start, false);
    }
}

/* The same bytes in the first row, to which the second one belongs from now on. */
static void test_joined(void) {
    static const char full[] =
        "seventy-seven: 67890123456789012345678901234567890123456789012345678901234567";
    struct history *h = history_open(NULL);
    char entry[100];
    history_add(h, entry, (size_t)snprintf(entry, sizeof entry, "%s b", full));
    begin((struct editor_params){.rows = 24, .columns = 80, .history = h});
    type(full);
    type("\nb");
    CHECK(strcmp(row(1), ". b") == 0, "'%s'", row(1));
    type("\033[A\033[A");
    CHECK(strcmp(row(1), "b") == 0, "'%s'", row(1));
    model_resize(&screen, 24, 100);
    editor_resize(e, 24, 100);
    flush();
    CHECK(strlen(row(0)) == 81 && screen.y == 0 && screen.x == 81, "'%s' %d", row(0), screen.y);
    end();
    history_close(h);
}

static void test_clear_and_hide(void) {
    begin_at(40);
    model_write(&screen, "\r\n\n", 3);
    editor_repaint(e);
    flush();
    type("abc\002\014");
    CHECK(strcmp(row(0), "> abc") == 0 && screen.y == 0 && screen.x == 4, "'%s'", row(0));
    editor_hide(e);
    flush();
    CHECK(strcmp(row(0), "") == 0 && screen.x == 0, "'%s'", row(0));
    model_write(&screen, "note\r\n", 6);
    type("X");
    CHECK(strcmp(row(0), "note") == 0 && strcmp(row(1), "> abXc") == 0, "'%s'", row(1));
    editor_set_text(e, "new \377text", 9);
    flush();
    CHECK(strcmp(row(1), "> new \357\277\275text") == 0, "'%s'", row(1));
    type("\037");
    CHECK(strcmp(row(1), "> abXc") == 0, "'%s'", row(1));
    end();
}

static void test_ahead(void) {
    begin_at(40);
    type("one\r");
    CHECK(last == EDITOR_LINE, "%d", last);
    size_t before = editor_output(e)->n;
    type("two\177o\rthree\002X\033[A\022\t\r\004");
    CHECK(last == EDITOR_MORE && editor_output(e)->n == before, "%d", last);
    CHECK(screen.y == 1 && strcmp(row(1), "") == 0, "'%s'", row(1));
    type("\003");
    CHECK(last == EDITOR_INTERRUPT, "%d", last);
    type("\005\r\r");
    editor_begin(e, "> ", NULL, 0);
    flush();
    expect("two\nthreX|", "type-ahead");
    type("\005\r");
    type("more");
    editor_begin(e, "> ", "old", 3);
    flush();
    expect("old\nmore|", "a text and type-ahead");
    end();
}

/* ---- without repainting ---- */

/* keys, each by itself: what is sent after the prompt. */
static void plainly(const char *keys, const char *want) {
    begin((struct editor_params){.rows = 24, .columns = 20, .plain = true});
    flush();
    sent.n = 0;
    for (const char *p = keys; *p; p++) type_n(p, 1);
    size_t n = strlen(want);
    CHECK(sent.n == n && memcmp(sent.p, want, n) == 0, "'%s': sent '%.*s'", keys, (int)sent.n,
          sent.p);
    end();
}

static void test_plain(void) {
    plainly("abc\177d\r", "abc\b \bd\r\n");
    plainly("\u4f60\177x", "\u4f60\b \b\b \bx");
    plainly("ab cd\027x", "ab cd\b \b\b \bx");
    plainly("ab\025", "ab\b \b\b \b");
    plainly("a\nb\177\177c", "a\r\n. b\b \b\r\n> ac");
    plainly("123456789012345678\1779", "123456789012345678\r\n> 12345678901234567" "9");
    plainly("1234567890123456789\1779", "1234567890123456789\b \b9");
    plainly("\033[200~a\003b\033[201~", "a^Cb");
    plainly("ab\033[Dc", "ab\ac");
    plainly("ab\037", "ab\b \b\b \b");
    plainly("ab\003", "ab\r\n> ");
}

/* Whatever is typed, no control sequence is sent. */
static void test_plain_sequences(void) {
    struct history *h = history_open(NULL);
    history_add(h, "first\nentry", 11);
    begin((struct editor_params){.rows = 24, .columns = 20, .plain = true, .history = h});
    type("ab\033[A\033[B\022x\014\033[A\177\r");
    CHECK(strcmp(given, "first\nentr") == 0, "'%s'", given);
    for (size_t i = 0; i < sent.n; i++)
        CHECK(strchr("\r\n\b\a", sent.p[i]) || sent.p[i] >= ' ', "byte %d", sent.p[i]);
    end();
    history_close(h);
}

/* ---- the history in the line ---- */

static void add(struct history *h, const char *entry) { history_add(h, entry, strlen(entry)); }

static struct history *some_history(void) {
    struct history *h = history_open(NULL);
    add(h, "first");
    add(h, "two\nlines");
    add(h, "third entry");
    return h;
}

static void test_recall(void) {
    struct history *h = some_history();
    begin((struct editor_params){.rows = 24, .columns = 40, .history = h});
    type("draft\033[A");
    expect("third entry|", "Up");
    type("\020");
    expect("two\nlines|", "Ctrl-P");
    type("\033[A");
    expect("two|\nlines", "Up, but the key before was another");
    end();
    begin((struct editor_params){.rows = 24, .columns = 40, .history = h});
    type("draft\033[A\033[A\033[A\033[A");
    expect("first|", "Up at the oldest");
    CHECK(screen.bells == 1, "%d", screen.bells);
    end();
    begin((struct editor_params){.rows = 24, .columns = 40, .history = h});
    type("draft\033[A\033[A\033[A\033[B");
    expect("two\nlines|", "Down");
    end();
    begin((struct editor_params){.rows = 24, .columns = 40, .history = h});
    type("draft\033[A\033[A\033[B\033[B");
    expect("draft|", "Down to the draft");
    type("\033[A!\037\037");
    expect("draft|", "undo brings back what was there");
    end();
    history_close(h);
}

static void test_keeps(void) {
    struct history *h = some_history();
    size_t n;
    begin((struct editor_params){.rows = 24, .columns = 40, .history = h});
    type("third entry\r");
    editor_begin(e, "> ", NULL, 0);
    type(" secret\r");
    editor_begin(e, "> ", NULL, 0);
    CHECK(history_count(h) == 3, "%zu", history_count(h));
    type("cleared\003");
    CHECK(strcmp(history_entry(h, 3, &n), "") && n == 7, "%zu", n);
    type("\"\"\"\rquoted\r\"\"\"\r");
    CHECK(strcmp(given, "quoted") == 0, "'%s'", given);
    editor_begin(e, "> ", NULL, 0);
    type("\033[A");
    CHECK(last == EDITOR_MORE, "%d", last);
    type("\r");
    CHECK(strcmp(given, "quoted") == 0, "'%s'", given);
    end();
    history_close(h);
}

static void test_search(void) {
    struct history *h = some_history();
    begin((struct editor_params){.rows = 24, .columns = 60, .history = h});
    type("draft\022T");
    CHECK(strcmp(row(0), "(search 'T') third entry") == 0 && screen.x == 13, "'%s'", row(0));
    type("\022");
    CHECK(strcmp(row(0), "(search 'T') two") == 0 && strcmp(row(1), ". lines") == 0, "'%s'",
          row(0));
    type("\022");
    CHECK(strcmp(row(0), "(search 'T') first") == 0 && screen.x == 17, "'%s'", row(0));
    type("\022x");
    CHECK(strcmp(row(0), "(no match 'Tx') first") == 0 && screen.bells == 1, "'%s'", row(0));
    type("\177");
    CHECK(strcmp(row(0), "(search 'T') third entry") == 0, "'%s'", row(0));
    type("\007");
    CHECK(strcmp(row(0), "> draft") == 0 && screen.x == 7, "'%s'", row(0));
    type("\022entry\001X");
    CHECK(strcmp(row(0), "> Xthird entry") == 0, "'%s'", row(0));
    type("\022fir\033");
    editor_idle(e);
    flush();
    CHECK(strcmp(row(0), "> first") == 0, "'%s'", row(0));
    type("\022lin\r");
    CHECK(last == EDITOR_LINE && strcmp(given, "two\nlines") == 0, "'%s'", given);
    editor_begin(e, "> ", NULL, 0);
    flush();
    type("abc\022fir\003");
    CHECK(last == EDITOR_INTERRUPT && strcmp(given, "abc") == 0, "'%s'", given);
    add(h, "first");
    type("\022fir\022");
    CHECK(strcmp(row(2), "(no match 'fir') first") == 0, "'%s'", row(2));     /* the same again */
    end();
    history_close(h);
}

/* ---- completion ---- */

static void candidates(void *data, const char *text_, size_t n, struct completions *out) {
    static const char *const words[] = {"/clear", "/continue", "/read", "/z\u00e9", "/z\u00e8"};
    (void)data;
    if (memchr(text_, ' ', n)) {
        complete_path(text_, n, out);
        return;
    }
    for (int i = 0; i < 5; i++)
        if (strncmp(words[i], text_, n) == 0)
            completions_add(out, words[i], strlen(words[i]), false);
}

static void begin_completing(void) {
    begin((struct editor_params){.rows = 24, .columns = 40, .complete = candidates});
}

static void test_complete(void) {
    begin_completing();
    type("/cl\t");
    expect("/clear |", "one candidate");
    end();
    begin_completing();
    type("/co\002\tX");
    expect("/cX|o", "several, nothing more is shared");
    CHECK(screen.bells == 1, "%d", screen.bells);
    end();
    begin_completing();
    type("/c\t\t");
    CHECK(strcmp(row(1), "/clear     /continue") == 0 && strcmp(row(2), "> /c") == 0 &&
          screen.y == 2 && screen.x == 4, "'%s' '%s'", row(1), row(2));
    type("l\t");
    CHECK(strcmp(row(2), "> /clear") == 0, "'%s'", row(2));
    type("\025/z\t");                           /* they share half a character more */
    CHECK(strcmp(row(2), "> /z") == 0, "'%s'", row(2));
    type("\303\251\tx");
    CHECK(strcmp(row(2), "> /z\u00e9 x") == 0, "'%s'", row(2));
    type("\025/x\t");
    CHECK(strcmp(row(2), "> /x") == 0, "'%s'", row(2));
    end();
}

static char folder[64];

static void make_file(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL, "%s", path);
    if (f) fclose(f);
}

static void test_files(void) {
    char keys[300], want[300];
    begin_completing();
    make_file("notes.txt");
    make_file("two words\\.md");
    make_file(".hidden");
    make_file("esc\033[31m");
    snprintf(keys, sizeof keys, "mkdir -p %s/sub", folder);
    CHECK(system(keys) == 0, "mkdir");
    snprintf(keys, sizeof keys, "/read a %s/n\t", folder);
    snprintf(want, sizeof want, "/read a %s/notes.txt |", folder);
    type(keys);
    expect(want, "a file");
    end();
    begin_completing();
    snprintf(keys, sizeof keys, "/read %s/t\t", folder);
    snprintf(want, sizeof want, "/read %s/two\\ words\\\\.md |", folder);
    type(keys);
    expect(want, "blanks");
    struct buf word = {0};
    size_t at = 5;
    CHECK(path_word(given, strlen(given), &at, &word), "no word");
    CHECK(strstr(word.p, "/two words\\.md") != NULL, "'%s'", word.p);
    CHECK(!path_word(given, strlen(given), &at, &word), "another word");
    buf_free(&word);
    end();
    begin_completing();
    snprintf(keys, sizeof keys, "/read %s/s\t", folder);
    snprintf(want, sizeof want, "/read %s/sub/|", folder);
    type(keys);
    expect(want, "a folder");
    snprintf(keys, sizeof keys, "\025/read %s/\t\t", folder);
    type(keys);
    CHECK(strstr(row(1), "esc^[[31m") && !strstr(row(1), "hidden"), "'%s'", row(1));
    snprintf(keys, sizeof keys, "\025/read %s/.\t", folder);
    type(keys);
    CHECK(strstr(text(), "/.hidden "), "'%s'", given);
    end();
}

int main(void) {
    RUN("editor keys", test_keys);
    RUN("editor spellings of keys", test_spellings);
    RUN("editor swallows unknown sequences", test_unknown);
    RUN("editor Escape and what is incomplete", test_escape);
    RUN("editor ends of lines", test_enter);
    RUN("editor after a line", test_after_line);
    RUN("editor pastes", test_paste);
    RUN("editor folds", test_fold);
    RUN("editor hostile pastes", test_hostile_paste);
    RUN("editor longest text", test_limit);
    RUN("editor speed", test_speed);
    RUN("editor wide characters", test_wide);
    RUN("editor margin", test_margin);
    RUN("editor tall text", test_tall);
    RUN("editor resizing", test_resize);
    RUN("editor rows that are joined", test_joined);
    RUN("editor hiding and clearing", test_clear_and_hide);
    RUN("editor type-ahead", test_ahead);
    RUN("editor without repainting", test_plain);
    RUN("editor without control sequences", test_plain_sequences);
    RUN("editor history", test_recall);
    RUN("editor keeps lines", test_keeps);
    RUN("editor search", test_search);
    RUN("editor completion", test_complete);
    strcpy(folder, "/tmp/qw-editor-XXXXXX");
    if (mkdtemp(folder)) {
        char command[128];
        RUN("editor completes files", test_files);
        snprintf(command, sizeof command, "rm -rf %s", folder);
        if (system(command)) return 1;
    }
    buf_free(&sent);
    TEST_END();
}
