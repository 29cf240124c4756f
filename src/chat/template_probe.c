/* template_probe.c - what a chat template does, found by rendering small conversations with it. */
#include "chat/template_probe.h"
#include <string.h>

/* What the conversations say. Nothing of it occurs in templates. */
#define ASKED "qw-asks-1"
#define ASKED_AGAIN "qw-asks-2"
#define ANSWERED "qw-answers-1"
#define THOUGHT "qw-thinks-1"
#define SYSTEM "qw-system-1"
#define TOOL "qw_tool_1"

#define MESSAGE(role, content) "{\"role\":\"" role "\",\"content\":\"" content "\"}"
#define USER MESSAGE("user", ASKED)
#define USER_AGAIN MESSAGE("user", ASKED_AGAIN)
#define ANSWER MESSAGE("assistant", ANSWERED)
#define REASONED \
    "{\"role\":\"assistant\",\"content\":\"" ANSWERED "\",\"reasoning_content\":\"" THOUGHT "\"}"
#define WITH_THOUGHT MESSAGE("assistant", "<think>\\n" THOUGHT "\\n</think>\\n\\n" ANSWERED)

#define TALK(messages, more) "{\"messages\":[" messages "]" more "}"
#define PROMPT ",\"add_generation_prompt\":true"

struct probe {
    const struct jinja *t;
    const struct template_settings *settings;
};

/* Render a conversation in JSON; out->text is NUL-terminated. */
static int render(const struct probe *p, const char *json, struct rendered *out, qw_error *err) {
    struct json j;
    *out = (struct rendered){{0}, {0}};
    int rc = json_parse(&j, json, strlen(json), "a test of the template", err);
    if (rc) return rc;
    rc = template_render_json(out, p->t, p->settings, &j, err);
    json_free(&j);
    if (rc) return rc;
    buf_char(&out->text, 0);
    if (!out->text.oom) {
        out->text.n--;
        return 0;
    }
    rendered_free(out);
    return fail_memory(err, "a rendered conversation", out->text.n);
}

/* Is word in what the template makes of it? False also where it raises an exception. */
static bool shows(const struct probe *p, const char *json, const char *word) {
    struct rendered r;
    if (render(p, json, &r, NULL)) return false;
    bool found = strstr(r.text.p, word) != NULL;
    rendered_free(&r);
    return found;
}

enum prompt_thought { NO_THOUGHT, OPEN_THOUGHT, CLOSED_THOUGHT };

/* What the prompt of an answer, behind the user's message, does with thoughts. */
static enum prompt_thought thought_in(const char *text) {
    const char *prompt = strstr(text, ASKED), *open, *close;
    if (!prompt) return NO_THOUGHT;
    open = strstr(prompt, "<think>");
    close = strstr(prompt, "</think>");
    if (close) return CLOSED_THOUGHT;
    return open ? OPEN_THOUGHT : NO_THOUGHT;
}

static bool same(const struct rendered *a, const struct rendered *b) {
    return a->text.n == b->text.n && memcmp(a->text.p, b->text.p, a->text.n) == 0;
}

/* unset, on, off: the prompt with enable_thinking not given, true, false */
static void compare_prompts(struct template_traits *out, const struct rendered *unset,
                            const struct rendered *on, const struct rendered *off) {
    enum prompt_thought by_default = thought_in(unset->text.p);
    out->opens_thought = by_default == OPEN_THOUGHT;
    if (!same(on, off)) out->thinks = same(unset, off) ? THINKS_IF_TOLD : THINKS_BY_DEFAULT;
    else if (by_default == OPEN_THOUGHT) out->thinks = THINKS_ALWAYS;
    else if (by_default == CLOSED_THOUGHT) out->thinks = THINKS_NEVER;
    else out->thinks = THINKS_AS_IT_LIKES;
}

static int probe_prompts(struct template_traits *out, const struct probe *p, qw_error *err) {
    struct rendered unset, on = {{0}, {0}}, off = {{0}, {0}}, none = {{0}, {0}};
    int rc = render(p, TALK(USER, PROMPT), &unset, err);
    if (rc) return rc;
    rc = render(p, TALK(USER, PROMPT ",\"enable_thinking\":true"), &on, err);
    if (!rc) rc = render(p, TALK(USER, PROMPT ",\"enable_thinking\":false"), &off, err);
    if (!rc) rc = render(p, TALK(USER, ""), &none, err);
    if (!rc && !strstr(unset.text.p, ASKED))
        rc = fail(err, QW_ETEMPLATE, "%s: it does not show a user's message", jinja_name(p->t));
    if (!rc) {
        compare_prompts(out, &unset, &on, &off);
        out->prompts = !same(&unset, &none);
    }
    rendered_free(&unset);
    rendered_free(&on);
    rendered_free(&off);
    rendered_free(&none);
    return rc;
}

/* The text between two turns, and whether something else stands before the first. */
static void probe_turns(struct template_traits *out, const struct probe *p) {
    if (render(p, TALK(USER "," ANSWER "," USER_AGAIN, PROMPT), &out->sample, NULL)) return;
    const char *text = out->sample.text.p, *first = strstr(text, ASKED);
    const char *answer = strstr(text, ANSWERED);
    const char *second = answer ? strstr(answer, ASKED_AGAIN) : NULL;
    if (!first || !second) return;
    answer += strlen(ANSWERED);
    out->end_at = (size_t)(answer - text);
    out->end_n = (size_t)(second - answer);
    size_t same = 0, before = (size_t)(first - text);
    while (same < before && same < out->end_n && first[-1 - (ptrdiff_t)same] ==
           second[-1 - (ptrdiff_t)same])
        same++;
    const char *bos = p->settings->special_tokens[0];
    size_t rest = before - same;
    bool only_bos = bos && rest == strlen(bos) && memcmp(text, bos, rest) == 0;
    out->has_system = rest > 0 && !only_bos;
}

static void probe_thoughts(struct template_traits *out, const struct probe *p) {
    out->takes_reasoning = shows(p, TALK(USER "," REASONED, ""), THOUGHT);
    out->keeps_thoughts =
        shows(p, out->takes_reasoning ? TALK(USER "," REASONED "," USER_AGAIN, "")
                                      : TALK(USER "," WITH_THOUGHT "," USER_AGAIN, ""), THOUGHT);
    if (out->thinks == THINKS_AS_IT_LIKES && !out->takes_reasoning && out->keeps_thoughts)
        out->thinks = THINKS_NEVER;     /* to this template thoughts are text like any other */
}

int template_probe(struct template_traits *out, const struct jinja *t,
                   const struct template_settings *settings, qw_error *err) {
    const struct probe p = {t, settings};
    *out = (struct template_traits){0};
    int rc = probe_prompts(out, &p, err);
    if (rc) return rc;
    probe_turns(out, &p);
    probe_thoughts(out, &p);
    out->takes_system = shows(&p, TALK(MESSAGE("system", SYSTEM) "," USER, PROMPT), SYSTEM);
    out->takes_tools =
        shows(&p, TALK(USER, PROMPT ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\""
                                    TOOL "\",\"description\":\"x\",\"parameters\":{\"type\":"
                                    "\"object\",\"properties\":{}}}}]"), TOOL);
    return 0;
}

void template_traits_free(struct template_traits *t) { rendered_free(&t->sample); }
