/* call.h - what the machine calls: arguments, operators, members of values, filters, tests. */
#ifndef QW_JINJA_RUN_H
#define QW_JINJA_RUN_H
#include "chat/jinja/tree.h"

/* The arguments of a call. */
struct args {
    struct value *list;         /* [n] by position */
    size_t n;
    struct pair *named;         /* [n_named] keys are strings */
    size_t n_named;
};

/* Arguments by their parameters: names are separated by blanks ("old new count"), out has one value
 * for each, `absent` where none was given. Fails for what does not fit; `what` names the callee. */
void bind_args(struct run *r, const char *what, const char *names, const struct args *a,
               struct value *out);
extern const struct value absent;
bool is_absent(struct value v);
/* Those that must be given. */
struct value need_arg(struct run *r, const char *what, struct value v);
int64_t whole_arg(struct run *r, const char *what, struct value v, int64_t if_absent);
struct string string_arg(struct run *r, const char *what, struct value v);

/* A value that is not there; its name is for messages. */
struct value undefined_named(struct run *r, struct string name);
_Noreturn void fail_undefined(struct run *r, struct value v);

/* ---- operators (operators.c) ---- */

struct value binary_op(struct run *r, enum node_type op, struct value a, struct value b);
/* N_EQUAL to N_NOT_IN */
bool comparison_holds(struct run *r, enum node_type op, struct value a, struct value b);
struct value negative(struct run *r, struct value v);
struct value positive(struct run *r, struct value v);

/* ---- members (members.c), methods (methods.c), functions (functions.c) ---- */

struct method {
    const struct method_entry *entry;
    struct value self;
};
struct function {
    const char *name;
    struct value (*call)(struct run *r, const struct args *a);
};

/* x.name and x[key]: undefined where there is nothing. */
struct value get_field(struct run *r, struct value of, struct string name);
struct value get_item(struct run *r, struct value of, struct value key);
struct value get_slice(struct run *r, struct value of, struct value start, struct value stop,
                       struct value step);
const struct method_entry *find_method(struct value of, struct string name);    /* or NULL */
struct value method_value(struct run *r, const struct method_entry *e, struct value self);
/* A name that no template may call; it hides a key of the same name behind a dot. */
bool is_forbidden(struct value of, struct string name);
struct value call_method(struct run *r, const struct method *m, const struct args *a);
const struct function *function_number(uint8_t number);
/* The numbers from start on by step, up to stop. */
struct value new_range(struct run *r, int64_t start, int64_t stop, int64_t step);

/* ---- filters (filters.c) and tests (tests.c) ---- */

struct value apply_filter(struct run *r, uint8_t number, struct value in, const struct args *a);
bool apply_test(struct run *r, uint8_t number, struct value in, const struct args *a);

#endif
