/* int_list.c - lists of numbers, written as llama-bench takes them: 1,2,4-16*2. */
#include "cli/int_list.h"
#include <errno.h>
#include <stdlib.h>
#include "cli/cli.h"

/* A part of a list: a number is a range that ends where it begins. */
struct range {
    int64_t first, last, step;
    char by;                    /* '+' or '*' */
};

/* Read a number from lo to hi and go past it; false: there is none. */
static bool read_int(const char **s, double lo, double hi, int64_t *out) {
    char *end;
    if (**s < '0' || **s > '9') return false;
    errno = 0;
    *out = strtoll(*s, &end, 10);
    *s = end;
    return errno == 0 && (double)*out >= lo && (double)*out <= hi;
}

/* Read a part and go to its end; false: it is none. */
static bool read_part(const char **s, bool ranges, double lo, double hi, struct range *r) {
    *r = (struct range){.step = 1, .by = '+'};
    if (!read_int(s, lo, hi, &r->first)) return false;
    r->last = r->first;
    if (**s == '-' && ranges) {
        ++*s;
        if (!read_int(s, lo, hi, &r->last)) return false;
        if (**s == '+' || **s == '*') {
            r->by = *(*s)++;
            if (!read_int(s, 0, INT32_MAX, &r->step)) return false;
        }
    }
    return **s == 0 || **s == ',';
}

static int append(struct int_list *list, int64_t value, const char *name) {
    if (list->n == MOST_INTS) return usage_error("%s: more than %d numbers", name, MOST_INTS);
    int *more = realloc(list->p, (size_t)(list->n + 1) * sizeof *more);
    if (!more) return memory_error(name);
    list->p = more;
    list->p[list->n++] = (int)value;
    return 0;
}

/* part: the n bytes that r was read from */
static int append_range(struct int_list *list, const struct range *r, const char *part, int n,
                        const char *name) {
    if (r->first > r->last)
        return usage_error("%s: '%.*s' ends before it begins", name, n, part);
    for (int64_t v = r->first; v <= r->last;) {
        int64_t next = r->by == '*' ? v * r->step : v + r->step;
        if (next <= v)
            return usage_error("%s: '%.*s': the step %c%lld does not grow from %lld", name, n, part,
                               r->by, (long long)r->step, (long long)v);
        int rc = append(list, v, name);
        if (rc) return rc;
        v = next;
    }
    return 0;
}

int append_ints(struct int_list *list, const char *text, bool pairs, double lo, double hi,
                const char *name) {
    const char *kind = pairs ? "a pair" : "a list";
    const char *example = pairs ? "512,128" : "1,2,4 or 128-512+128";
    int before = list->n;
    for (const char *s = text;; s++) {
        const char *part = s;
        struct range r;
        if (!read_part(&s, !pairs, lo, hi, &r))
            return usage_error("%s: '%s' is not %s of numbers from %.10g to %.10g, such as %s",
                               name, text, kind, lo, hi, example);
        int rc = append_range(list, &r, part, (int)(s - part), name);
        if (rc) return rc;
        if (!*s) break;
    }
    if (pairs && (list->n - before) % 2)
        return usage_error("%s: '%s' is not a pair of numbers, such as 512,128", name, text);
    return 0;
}
