/* turn_marks.c - the control tokens that a chat template puts around turns and thoughts. */
#include "engine/turn_marks.h"
#include <stdio.h>
#include <string.h>

enum { MAX_MARK = 48 };

/* Does a control text begin at p[0..n): <|word|>, <think> or </think>? Its length, or 0. (Other
 * words in angle brackets, such as <tools>, are text to most tokenizers.) */
static size_t control_text(const char *p, size_t n) {
    static const char *const bars[] = {"|", "\xEF\xBD\x9C"};        /* U+FF5C */
    if (n >= 7 && memcmp(p, "<think>", 7) == 0) return 7;
    if (n >= 8 && memcmp(p, "</think>", 8) == 0) return 8;
    for (int b = 0; b < 2; b++) {
        size_t bar = strlen(bars[b]);
        if (n < 2 + 2 * bar || p[0] != '<' || memcmp(p + 1, bars[b], bar) != 0) continue;
        for (size_t i = 1 + bar; i + bar < n && i < MAX_MARK && !memchr(" \n<>", p[i], 4); i++)
            if (memcmp(p + i, bars[b], bar) == 0 && p[i + bar] == '>') return i + bar + 1;
    }
    return 0;
}

/* Find the first control text of the template's own in from..to that is no token; false: none. */
static bool missing_token(const struct tokenizer *t, const struct rendered *r, size_t from,
                          size_t to, char out[MAX_MARK + 8]) {
    for (size_t i = from; i < to; i++) {
        size_t n = r->control.p[i] ? control_text(r->text.p + i, to - i) : 0;
        if (n == 0 || n > MAX_MARK + 4) continue;
        memcpy(out, r->text.p + i, n);
        out[n] = 0;
        if (tokenizer_added(t, out) < 0) return true;
        i += n - 1;
    }
    return false;
}

int turn_marks_find(struct turn_marks *out, const struct tokenizer *t,
                    const struct template_traits *traits, const char *t_name, qw_error *err) {
    const struct rendered *r = &traits->sample;
    char word[MAX_MARK + 8];
    struct ids ids = {0};
    *out = (struct turn_marks){
        .close = -1, .open = -1,
        .think_open = tokenizer_added(t, "<think>"), .think_close = tokenizer_added(t, "</think>"),
    };
    if (missing_token(t, r, traits->end_at, traits->end_at + traits->end_n, word))
        return fail(err, QW_ETEMPLATE,
                    "%s: the tokenizer has no %s, with which the template ends or opens a turn",
                    t_name, word);
    if (missing_token(t, r, 0, r->text.n, word))
        snprintf(out->warning, sizeof out->warning,
                 "%.120s: the tokenizer has no token %s; it is text like any other", t_name, word);
    if (traits->end_n == 0) return 0;           /* the sample may have no text at all */
    int rc = tokenizer_encode(t, r->text.p + traits->end_at, traits->end_n, ADDED_MASKED,
                              (const unsigned char *)r->control.p + traits->end_at, &ids, err);
    for (size_t i = 0; !rc && i < ids.n; i++) {
        if (!tokenizer_is_added(t, ids.p[i])) continue;
        if (out->close < 0) out->close = ids.p[i];
        else if (out->open < 0) out->open = ids.p[i];
    }
    if (!rc && ids.oom) rc = fail_memory(err, "tokens of the chat template", ids.n);
    ids_free(&ids);
    return rc;
}
