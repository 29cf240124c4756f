/* filters.h - what the files of the filters share. */
#ifndef QW_JINJA_FILTERS_H
#define QW_JINJA_FILTERS_H
#include "chat/jinja/call.h"

static inline bool flag(struct value v) { return !is_absent(v) && value_true(v); }
static inline bool missing(struct value v) { return is_absent(v) || v.type == V_NONE; }

/* str(in) with letters in another case. */
struct value in_case(struct run *r, struct value in, enum letter_case to);

/* ---- filters on lists (filter_lists.c) ---- */

struct value filter_length(struct run *r, struct value in, struct value *a);
struct value filter_list(struct run *r, struct value in, struct value *a);
struct value filter_first(struct run *r, struct value in, struct value *a);
struct value filter_last(struct run *r, struct value in, struct value *a);
struct value filter_reverse(struct run *r, struct value in, struct value *a);
struct value filter_items(struct run *r, struct value in, struct value *a);
struct value filter_join(struct run *r, struct value in, struct value *a);
struct value filter_sort(struct run *r, struct value in, struct value *a);
struct value filter_dictsort(struct run *r, struct value in, struct value *a);
struct value filter_unique(struct run *r, struct value in, struct value *a);
struct value filter_min(struct run *r, struct value in, struct value *a);
struct value filter_max(struct run *r, struct value in, struct value *a);
struct value filter_default(struct run *r, struct value in, struct value *a);
struct value filter_map(struct run *r, struct value in, const struct args *a);
struct value filter_select(struct run *r, struct value in, const struct args *a);
struct value filter_reject(struct run *r, struct value in, const struct args *a);
struct value filter_selectattr(struct run *r, struct value in, const struct args *a);
struct value filter_rejectattr(struct run *r, struct value in, const struct args *a);

#endif
