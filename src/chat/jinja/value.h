/* value.h - what an expression can be worth, and the memory and bounds of one rendering.
 *
 * Failing. A fault deep inside an expression leaves the rendering by longjmp (run_fail): nothing in
 * between owns anything, because all memory of a rendering is one arena that is freed at its
 * end. */
#ifndef QW_JINJA_VALUE_H
#define QW_JINJA_VALUE_H
#include <setjmp.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

/* ---- one rendering ---- */

enum {
    MAX_STEPS = 10000000,       /* nodes visited, and each 64 bytes copied, compared or hashed */
    MAX_DEPTH_RUN = 600,        /* nodes inside each other while running */
    MAX_DEPTH_VALUE = 200,      /* lists and dicts inside each other, where they are walked */
    MAX_MACROS = 16,            /* calls of macros inside each other */
    MAX_RANGE = 100000,         /* numbers in a range: jinja2's sandbox has the same */
    MIN_MEMORY = 48 << 20       /* of a rendering; more for a long conversation: 64 times its
                                 * bytes */
};

struct run {
    struct chunk *chunks;       /* the arena */
    size_t used, limit;         /* bytes taken of the system, and most */
    char *free;                 /* free[0 .. n_free) of the newest chunk */
    size_t n_free;
    uint32_t steps;
    int depth, n_macros;
    struct json json;           /* being converted; nodes NULL: none */
    const struct jinja *template;
    uint32_t at;                /* offset in the template of what is being run */
    const char *date;           /* "YYYY-MM-DD": today, for strftime_now */
    qw_error *err;
    int code;
    jmp_buf out;
};

/* input: bytes of what is to be rendered. err receives what run_fail says. */
void run_init(struct run *r, size_t input, qw_error *err);
void run_free(struct run *r);
/* Call f; 0, or the code of the failure that ended it. */
int  run_protected(struct run *r, void (*f)(struct run *r, void *ctx), void *ctx);

/* End the rendering: QW_ETEMPLATE with the template's name, line and column before the message. */
_Noreturn void run_fail(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with a code of its own and no place: for what is wrong with the conversation. */
_Noreturn void run_fail_plain(struct run *r, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory until the end of the rendering, aligned for any value, not zeroed. */
void *run_alloc(struct run *r, size_t count, size_t size);
/* Count work of that many bytes or values. */
void run_work(struct run *r, size_t bytes);
void run_step(struct run *r);

/* ---- values ---- */

enum value_type {
    V_UNDEFINED, V_NONE, V_BOOL, V_INT, V_BIG, V_FLOAT, V_STRING, V_LIST, V_DICT, V_NAMESPACE,
    V_RANGE, V_LOOP, V_MACRO, V_FUNCTION, V_METHOD
};

/* Bytes of UTF-8, and for each byte whether it may belong to a control token: those that the
 * template wrote are, those that came in with the conversation are not. Every operation on strings
 * carries the mask along. */
struct string {
    const char *p;
    size_t n;
    const unsigned char *mask;  /* [n], nonzero: control; NULL: all bytes are as `control` says */
    bool control;
    bool html;                  /* went through |safe: + then escapes the other side, as Markup */
};

enum list_kind {
    LIST_PLAIN, LIST_TUPLE, LIST_VIEW,      /* a view: keys(), values(), items() */
    LIST_GENERATOR              /* what filters such as map return: can be walked once */
};

struct list {
    enum list_kind kind;
    size_t n, next;             /* next: of a generator, how many were walked */
    struct value *items;        /* [n] */
};

struct range { int64_t start, stop, step; size_t n; };

/* A value. BIG: a whole number beyond 64 bits, as its digits; there is no arithmetic for it. */
struct value {
    enum value_type type;
    union {
        bool b;
        int64_t i;
        double f;
        const struct string *s;     /* STRING, BIG; UNDEFINED: what is undefined, or NULL */
        struct list *list;
        struct dict *dict;          /* DICT, NAMESPACE */
        struct range *range;
        struct loop *loop;          /* machine.c */
        const struct macro *macro;
        const struct function *function;
        const struct method *method;
    } u;
};

struct pair { struct value key, value; };

/* In the order of insertion; slots is a hash table of indices + 1 once there are many pairs. */
struct dict {
    struct pair *pairs;
    size_t n, cap;
    uint32_t *slots;
    size_t n_slots;
};

extern const struct value value_undefined, value_none;
struct value value_bool(bool b);
struct value value_int(int64_t i);
struct value value_float(double f);
struct value value_string(struct run *r, struct string s);
struct value value_list(struct run *r, enum list_kind kind, struct value *items, size_t n);
struct value value_dict(struct dict *d);

/* A literal; control says whose it is. */
struct string string_of(const char *p, size_t n, bool control);
struct string string_lit(const char *literal);          /* the template's */

struct dict *dict_new(struct run *r);
/* Keys that Python cannot hash fail. */
void dict_set(struct run *r, struct dict *d, struct value key, struct value value);
bool dict_get(struct run *r, const struct dict *d, struct value key, struct value *out);
void dict_set_name(struct run *r, struct dict *d, const char *name, struct value value);

/* A JSON value; whole numbers stay whole, strings are not control. The text of j must outlive the
 * run. */
struct value value_of_json(struct run *r, const struct json *j, uint32_t node);
/* Parses n bytes of JSON; `what` names them. */
struct value value_parse_json(struct run *r, const char *p, size_t n, const char *what);

const char *type_name(struct value v);          /* as Python calls it: 'str', 'NoneType', ... */
bool value_true(struct value v);
bool value_equal(struct run *r, struct value a, struct value b);
/* -1, 0, 1; 2 where one is not a number (NaN). Fails for types that have no order. */
int  value_compare(struct run *r, struct value a, struct value b);
bool value_number(struct value v, double *out);         /* bool, int, float */
bool value_whole(struct value v, int64_t *out);         /* bool, int */
/* `needle in haystack` */
bool value_in(struct run *r, struct value needle, struct value haystack);
/* The items of what can be walked, as a list; a generator is used up by it. Fails for others. */
struct list value_walk(struct run *r, struct value v);
/* len(): fails for what has none. */
size_t value_length(struct run *r, struct value v);
/* One level deeper into a value that is walked; fails where there are too many. */
void value_level(struct run *r, int depth);
/* Sorts stably by the keys, which are moved along; descending keeps equal ones in order, too. */
void sort_values(struct run *r, struct value *items, struct value *keys, size_t n, bool descending);

/* ---- strings (string.c) ---- */

/* Text that grows, with its mask. {0} is empty. */
struct builder {
    char *p;
    unsigned char *mask;        /* NULL while all bytes are as `control` says */
    size_t n, cap;
    bool control;
};
void builder_put(struct run *r, struct builder *b, struct string s);
void builder_bytes(struct run *r, struct builder *b, const char *p, size_t n, bool control);
struct string builder_string(const struct builder *b);

struct string string_part(struct string s, size_t from, size_t to);     /* byte offsets */
struct string string_join2(struct run *r, struct string a, struct string b);
bool string_is(struct string s, const char *literal);
bool string_equal(struct run *r, struct string a, struct string b);
/* Code points: how many, and the byte where number i begins (i up to their number). */
size_t string_length(struct run *r, struct string s);
size_t string_offset(struct run *r, struct string s, size_t i);
/* Where needle begins in s at or after from; s.n + 1: nowhere. */
size_t string_find(struct run *r, struct string s, struct string needle, size_t from);
size_t string_find_last(struct run *r, struct string s, struct string needle);

enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 };
/* Without the characters of *set at the ends, or without white space if set is NULL. */
struct string string_strip(struct run *r, struct string s, const struct string *set, int ends);

enum letter_case { CASE_UPPER, CASE_LOWER, CASE_TITLE, CASE_CAPITALIZE };
struct string string_case(struct run *r, struct string s, enum letter_case to);

/* The code point that begins at byte i, and where the next one does. */
uint32_t string_code_point(struct string s, size_t i, size_t *next);

/* ---- text (text.c, number.c) ---- */

struct string value_str(struct run *r, struct value v);         /* Python's str() */

struct json_style {
    bool ascii, sort;
    struct string indent;       /* one level; p NULL: all on one line */
    struct string between, colon;
};
void put_json(struct run *r, struct builder *b, struct value v, const struct json_style *style);

/* The run's day at noon, written as strftime does in the C locale. */
struct string date_text(struct run *r, struct string format);

/* Python's int() and float() of a text; false: it is no number. */
bool parse_int(struct string s, int base, struct run *r, struct value *out);
bool parse_float(struct run *r, struct string s, double *out);
/* The shortest digits that give the number back, as Python writes them; returns the length. */
int  float_text(double f, char out[40]);
void put_float(struct run *r, struct builder *b, double f, bool control);
void put_int(struct run *r, struct builder *b, int64_t i, bool control);

#endif
