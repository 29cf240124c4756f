/* jinja.h - chat templates are programs in Jinja: parsed once, run for each rendering.
 *
 *     lex.c                       text -> tokens, with Jinja's rules for white space around tags
 *     parse.c, expression.c       tokens -> a tree (tree.h); parser.c is what both stand on
 *     machine.c                   runs the tree: statements, expressions, scopes
 *     operators.c, members.c, methods.c, functions.c, filters.c, filter_lists.c, tests.c
 *                                 what it calls (call.h)
 *     value.c, dict.c             what an expression can be worth (value.h)
 *     string.c, number.c, text.c  strings with their masks, numbers, values as text
 *     run.c                       memory and bounds of one rendering
 *
 * The reference is jinja2 3.1 as transformers sets it up: trim_blocks, lstrip_blocks, loop
 * controls, an immutable sandbox, json.dumps for tojson, raise_exception, strftime_now, and a
 * generation tag. A template is a stranger's text: what it may use of time and memory is bounded
 * (jinja_value.h). No file is read here, and no clock. */
#ifndef QW_JINJA_H
#define QW_JINJA_H
#include "chat/jinja/value.h"

struct jinja;

/* Parse n bytes of a template. name is what messages call it (copied). QW_ETEMPLATE for what is not
 * a template, or uses syntax that is not supported: the message has line, column and the word. */
int  jinja_parse(struct jinja **out, const char *text, size_t n, const char *name, qw_error *err);
void jinja_free(struct jinja *t);
const char *jinja_name(const struct jinja *t);
/* A filter, test or function in the template that is not known here, with its line; NULL: none. It
 * is an error only where it is reached. */
const char *jinja_warning(const struct jinja *t);
/* Does the template mention this name? */
bool jinja_mentions(const struct jinja *t, const char *name);

/* Run the template; called inside run_protected. variables: a dict. What the template writes is
 * returned in the run's memory. */
struct string jinja_run(struct run *r, const struct jinja *t, const struct dict *variables);

#endif
