/* answer_json.c - prints an answer as a JSON object. */
#include "cli/answer_json.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Print `before`, and n bytes of text as a JSON string. What is not UTF-8 in it becomes U+FFFD: a
 * path may have any bytes. */
static int put_string(struct text_out *out, const char *before, const char *text, size_t n) {
    struct text clean, quoted;
    qw_error err;
    size_t bad;
    if (qw_utf8_clean(text, n, &clean.p, &clean.n, &bad, &err)) return engine_error(&err, NULL);
    int failed = qw_json_quote(clean.p, clean.n, &quoted.p, &quoted.n, &err);
    qw_release(clean.p);
    if (failed) return engine_error(&err, NULL);
    int rc = text_put(out, before, strlen(before));
    if (!rc) rc = text_put(out, quoted.p, quoted.n);
    qw_release(quoted.p);
    return rc;
}

static double per_second(size_t n, double seconds) {
    return seconds > 0 ? (double)n / seconds : 0.0;
}

static int put_numbers(struct text_out *out, const struct generator *g,
                       const struct json_answer *a) {
    char s[640];
    const qw_usage *u = &a->usage;
    size_t read = u->prompt_tokens - u->cached_tokens;
    int n = snprintf(s, sizeof s,
                     ", \"usage\": {\"prompt_tokens\": %zu, \"cached_tokens\": %zu, "
                     "\"completion_tokens\": %zu, \"reasoning_tokens\": %zu}, "
                     "\"timings\": {\"load_ms\": %.1f, \"prompt_ms\": %.1f, "
                     "\"prompt_per_second\": %.2f, \"predicted_ms\": %.1f, "
                     "\"predicted_per_second\": %.2f}, \"seed\": %llu",
                     u->prompt_tokens, u->cached_tokens, u->completion_tokens, u->reasoning_tokens,
                     g->load_seconds * 1e3, a->prompt_seconds * 1e3,
                     per_second(read, a->prompt_seconds), a->answer_seconds * 1e3,
                     per_second(u->completion_tokens - a->drawn_before, a->answer_seconds),
                     (unsigned long long)g->o.seed);
    return text_put(out, s, (size_t)n);
}

int print_json_answer(const struct generator *g, const struct json_answer *a) {
    struct text_out out = text_out(STDOUT_FILENO);
    char name[MODEL_NAME];
    const char *model = shown_model(qw_info(g->model)->path, name), *date = qw_chat_date(g->chat);
    int rc = put_string(&out, "{\"model\": ", model, strlen(model));
    if (!rc) rc = put_string(&out, ", \"text\": ", a->text->p, a->text->n);
    if (!rc) rc = put_string(&out, ", \"thinking\": ", a->thinking->p, a->thinking->n);
    if (!rc)
        rc = put_string(&out, ", \"finish_reason\": ", a->finish_reason, strlen(a->finish_reason));
    if (!rc) rc = put_numbers(&out, g, a);
    if (!rc && date) rc = put_string(&out, ", \"date\": ", date, strlen(date));
    if (!rc) rc = text_put(&out, "}\n", 2);
    return rc ? rc : text_end(&out);
}
