/* template_detect.c - which of the chat templates a checkpoint's own Jinja text is.
 *
 * The text is not run. It is split into what it can write (string literals, and text outside the
 * tags) and its code. What it can write decides most: whatever none of the three templates
 * writes, such as a default system prompt, tags with other names or other instructions for
 * tools, is a reason to refuse, because rendering without it would go wrong unnoticed. The code
 * is only searched for the few expressions that matter; otherwise it may be worded in any way. */
#include "chat/template.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- splitting ---- */

/* writes: the literals and outside texts with escapes resolved, each ended by a NUL. code: the
 * tags without literals and comments, in lower case (True is true), white space only between
 * words. */
/* prompt: where the last tag with add_generation_prompt begins in writes */
struct parts { struct buf writes, code; size_t prompt; };

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

static bool ends_with(const struct buf *b, const char *s) {
    size_t n = strlen(s);
    return b->n >= n && memcmp(b->p + b->n - n, s, n) == 0;
}

/* The literal whose quote is s[i]; returns the index after it. Not kept if it is the text of an
 * error. */
static size_t split_literal(struct parts *p, const char *s, size_t n, size_t i, bool keep) {
    static const char from[] = "nrt", to[] = "\n\r\t";
    char quote = s[i++];
    for (; i < n && s[i] != quote; i++) {
        char c = s[i];
        if (c == '\\' && i + 1 < n) {
            const char *e = memchr(from, c = s[++i], 3);
            if (e) c = to[e - from];
        }
        if (keep && c) buf_char(&p->writes, c);
    }
    if (keep) buf_char(&p->writes, 0);
    buf_str(&p->code, "''");
    return i < n ? i + 1 : n;
}

/* The inside of a tag that ends with `close` and '}'; returns the index after it. */
static size_t split_tag(struct parts *p, const char *s, size_t n, size_t i, char close) {
    bool error = false;         /* within raise_exception(...) */
    size_t start = p->writes.n;
    while (i < n && !(s[i] == close && i + 1 < n && s[i + 1] == '}')) {
        if (s[i] == '\'' || s[i] == '"') {
            i = split_literal(p, s, n, i, !error);
        } else if (is_word(s[i])) {
            if (p->code.n > 0 && is_word(p->code.p[p->code.n - 1])) buf_char(&p->code, ' ');
            for (; i < n && is_word(s[i]); i++)
                buf_char(&p->code, (char)tolower((unsigned char)s[i]));
            if (ends_with(&p->code, "raise_exception")) error = true;
            if (ends_with(&p->code, "add_generation_prompt")) p->prompt = start;
        } else {
            if (s[i] && !isspace((unsigned char)s[i])) buf_char(&p->code, s[i]);
            i++;
        }
    }
    buf_char(&p->code, ';');
    return i + 2 < n ? i + 2 : n;
}

static void split(struct parts *p, const char *s, size_t n) {
    for (size_t i = 0; i < n;) {
        char open = s[i] == '{' && i + 1 < n ? s[i + 1] : 0;
        if (open == '{' || open == '%') {
            buf_char(&p->writes, 0);
            i = split_tag(p, s, n, i + 2, open == '{' ? '}' : '%');
        } else if (open == '#') {
            for (i += 2; i < n && !(s[i] == '#' && i + 1 < n && s[i + 1] == '}'); i++) {}
            i = i < n ? i + 2 : n;
        } else {
            if (s[i]) buf_char(&p->writes, s[i]);
            i++;
        }
    }
    buf_char(&p->writes, 0);
    buf_char(&p->code, 0);
}

/* ---- what it writes ---- */

/* All that the three templates write or look for, in runs between the marks of turns. */
static const char known[] =
    "system\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML "
    "tags:\n<tools>\n</tools>\n\n"
    "For each function call, return a json object with function name and arguments within "
    "<tool_call></tool_call> XML tags:\n"
    "<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>\n"
    "<tool_call>\n{\"name\": \"\", \"arguments\": }\n</tool_call>\n"
    "assistant\n<think>\n\n</think>\n\n<tool_call>\n{\"name\": \"\n"
    "user\n<tool_response>\n</tool_response>\n<tool_response>\n";

static bool has(const char *text, size_t n, const char *s) {
    size_t m = strlen(s);
    for (size_t i = 0; i + m <= n; i++)
        if (memcmp(text + i, s, m) == 0) return true;
    return false;
}

/* Is s[0..n) part of what is known, or just a word, such as a role or a key? */
static bool is_known(const char *s, size_t n) {
    bool word = true;
    for (size_t i = 0; i < n; i++) word = word && (is_word(s[i]) || (s[i] && strchr("-.,:", s[i])));
    if (word) return true;
    for (size_t i = 0; i + n < sizeof known; i++)
        if (memcmp(known + i, s, n) == 0) return true;
    return false;
}

/* Refuse because of s[0..n). The message says what it is likely to be and quotes its beginning,
 * made fit for a terminal. */
static int refuse_text(const char *s, size_t n, qw_error *err) {
    static const char system[] = "system";
    size_t tag = 0, end;
    const char *what = "a text that no known template writes";
    if (n > 6 && memcmp(s, system, 6) == 0 && isspace((unsigned char)s[6])) {
        s += 6;
        n -= 6;
        for (; n > 0 && isspace((unsigned char)*s); n--) s++;
        what = "a default system prompt";
    }
    if (n >= 8 && memcmp(s, "You are ", 8) == 0) what = "a default system prompt";
    for (size_t i = 0; i < n; i = end) {        /* the first tag that is not known explains most */
        tag = i;
        while (tag < n && s[tag] != '<') tag++;
        end = tag;
        while (end < n && s[end] != '>' && s[end] != '=' && !isspace((unsigned char)s[end])) end++;
        if (end < n) end++;
        if (tag < n && end - tag > 1 && !is_known(s + tag, end - tag)) {
            bool xml_call = end - tag >= 10 && memcmp(s + tag, "<function=", 10) == 0;
            what = xml_call ? "tool calls written as XML" : "a tag of its own";
            if (s[tag + 1] == '|') what = "a control token of its own";
            s += tag;
            n = end - tag;
            break;
        }
    }
    char quote[64];
    size_t k = n < 60 ? n : 60;
    /* Do not cut within a character. */
    while (k < n && k > 0 && ((unsigned char)s[k] & 0xC0) == 0x80) k--;
    for (size_t i = 0; i < k; i++)
        quote[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7F ? ' ' : s[i];
    return fail(err, QW_EUNSUPPORTED,
                "unsupported chat template: it has %s, \"%.*s%s\"", what,
                (int)k, quote, k < n ? "..." : "");
}

/* Length of the mark of a turn that s begins with, or 0. */
static size_t mark(const char *s, size_t n) {
    if (n >= 12 && memcmp(s, "<|im_start|>", 12) == 0) return 12;
    return n >= 10 && memcmp(s, "<|im_end|>", 10) == 0 ? 10 : 0;
}

/* A turn begins with s[0..n): its role, if it stands here, must be one of ours. */
static int check_role(const char *s, size_t n, qw_error *err) {
    static const char *const roles[] = {"", "system", "user", "assistant"};
    size_t k = 0;
    while (k < n && is_word(s[k])) k++;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strlen(roles[i]) == k && memcmp(s, roles[i], k) == 0) return 0;
    return fail(err, QW_EUNSUPPORTED,
                "unsupported chat template: it has turns of a role \"%.*s\"",
                k < 40 ? (int)k : 40, s);
}

/* One literal or outside text, cut at the marks of turns; white space at the edges of pieces
 * does not matter. */
static int check_text(const char *s, size_t n, qw_error *err) {
    while (n > 0) {
        size_t k = 0, length;
        while (k < n && mark(s + k, n - k) == 0) k++;
        const char *p = s;
        size_t m = k;
        while (m > 0 && isspace((unsigned char)p[m - 1])) m--;
        for (; m > 0 && isspace((unsigned char)*p); m--) p++;
        if (!is_known(p, m)) return refuse_text(p, m, err);
        length = mark(s + k, n - k);
        s += k + length;
        n -= k + length;
        if (length == 12) {
            int rc = check_role(s, n, err);
            if (rc) return rc;
        }
    }
    return 0;
}

/* ---- what it does ---- */

static int refuse(qw_error *err, const char *what) {
    return fail(err, QW_EUNSUPPORTED, "unsupported chat template: %s", what);
}

/* Does word stand in the code, by itself? */
static bool has_word(const char *code, const char *word) {
    size_t n = strlen(word);
    for (const char *p = strstr(code, word); p; p = strstr(p + 1, word))
        if ((p == code || !is_word(p[-1])) && !is_word(p[n])) return true;
    return false;
}

/* How the prompt for the answer ends: is there a text that opens <think> and leaves it open; one
 * that opens and closes it? */
struct prompt { bool opens, closes; };

static int check_prompt(struct prompt *out, const struct parts *p, qw_error *err) {
    *out = (struct prompt){false, false};
    for (size_t i = p->prompt; i < p->writes.n; i += strlen(p->writes.p + i) + 1) {
        const char *s = strstr(p->writes.p + i, "<think>");
        if (!s) continue;
        if (strcmp(s, "<think>\n\n</think>\n\n") == 0) out->closes = true;
        else if (strcmp(s, "<think>\n") == 0) out->opens = true;
        else return refuse(err, "its prompt for the answer does not end as Qwen3's does");
    }
    return 0;
}

/* The ways to say that thoughts are off only when enable_thinking is given and false. */
static bool thinks_by_default(const char *code) {
    static const char *const yes[] = {
        "enable_thinking is false",
        "enable_thinking==false",
        "enable_thinking is sameas false",
        "enable_thinking is defined and not enable_thinking",
        "not enable_thinking|default(true)",
    };
    static const char *const no[] = {
        "set enable_thinking",
        "enable_thinking is not defined",
        "not enable_thinking is defined",
        "enable_thinking is undefined",
        "enable_thinking|default(false",
    };
    bool found = false;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) found = found || strstr(code, yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) found = found && !strstr(code, no[i]);
    return found;
}

/* Variables and options whose effect is not known here. */
static int check_words(const char *code, qw_error *err) {
    static const char *const words[] = {
        "bos_token", "eos_token", "strftime_now", "date_string", "reasoning_effort",
        "preserve_thinking", "clear_thinking", "thinking_budget", "documents", "indent",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(code, words[i]))
            return fail(err, QW_EUNSUPPORTED,
                        "unsupported chat template: it uses %s", words[i]);
    return 0;
}

static int classify(enum chat_template *out, const struct parts *p, qw_error *err) {
    const char *w = p->writes.p, *code = p->code.p;
    if (!has(w, p->writes.n, "<|im_start|>") || !has(w, p->writes.n, "<|im_end|>"))
        return refuse(err, "it is not ChatML (<|im_start|> and <|im_end|>)");
    struct prompt prompt;
    int rc = check_words(code, err);
    for (size_t i = 0; i < p->writes.n && !rc; i += strlen(w + i) + 1)
        rc = check_text(w + i, strlen(w + i), err);
    if (!rc) rc = check_prompt(&prompt, p, err);
    if (rc) return rc;
    if (strstr(code, "|trim") || strstr(code, ".strip()"))
        return refuse(err, "it strips white space from messages");
    if (!has_word(code, "add_generation_prompt"))
        return refuse(err, "it has no add_generation_prompt");
    if (has_word(code, "enable_thinking")) {
        if (prompt.opens)
            return refuse(err, "it knows enable_thinking, yet opens <think> in the prompt for the "
                               "answer");
        if (!prompt.closes)
            return refuse(err, "it knows enable_thinking, but writes no empty <think> block where "
                               "it is false");
        if (!thinks_by_default(code))
            return refuse(err, "it thinks only if enable_thinking is given, or uses it in an "
                               "unknown way");
        *out = TEMPLATE_HYBRID;
    } else if (prompt.closes) {
        return refuse(err, "it always ends the prompt for the answer with an empty <think> block");
    } else if (prompt.opens) {
        *out = TEMPLATE_THINKING2507;
    } else if (has(w, p->writes.n, "think>")) {
        return refuse(err, "it rewrites <think> blocks in the history, but neither knows "
                           "enable_thinking nor opens <think> for the answer "
                           "(for a model that does not think, instruct2507 fits)");
    } else {
        *out = TEMPLATE_INSTRUCT2507;
    }
    return 0;
}

int template_detect(enum chat_template *out, const char *jinja, size_t n, qw_error *err) {
    struct parts p = {{0}, {0}, 0};
    split(&p, jinja, n);
    int rc = p.writes.oom || p.code.oom ? fail_memory(err, "the chat template, at least", n)
                                        : classify(out, &p, err);
    buf_free(&p.writes);
    buf_free(&p.code);
    return rc;
}

/* ---- tokenizer_config.json ---- */

/* The template in tokenizer_config.json, as the value of a node of *j; 0: there is none. */
static int find_template(uint32_t *out, const struct json *j, qw_error *err) {
    uint32_t v = json_get(j, 0, "chat_template");
    *out = 0;
    if (v == 0 || json_type(j, v) == JSON_NULL) return 0;
    if (json_type(j, v) == JSON_ARRAY) {
        uint32_t list = v;
        v = 0;
        for (uint32_t i = list + 1; i < json_end(j, list); i = json_next(j, i)) {
            uint32_t name = json_get(j, i, "name");
            if (name && json_is(j, name, "default")) v = json_get(j, i, "template");
        }
        if (v == 0)
            return fail(err, QW_EUNSUPPORTED, "none of the chat templates is named \"default\"");
    }
    if (json_type(j, v) != JSON_STRING)
        return fail(err, QW_EFORMAT,
                    "chat_template: a string, or a list of {\"name\", \"template\"} strings, was "
                    "expected");
    *out = v;
    return 0;
}

int template_detect_config(enum chat_template *out, const char *text, size_t n, qw_error *err) {
    struct json j;
    struct buf jinja = {0};
    uint32_t node;
    int rc = json_parse(&j, text, n, "JSON", err);
    if (rc) return rc;
    rc = find_template(&node, &j, err);
    if (!rc && node == 0) rc = fail(err, QW_EUNSUPPORTED, "there is no chat template");
    if (!rc) {
        json_string(&j, node, &jinja);
        rc = jinja.oom ? fail_memory(err, "the chat template, at least", jinja.n)
                       : template_detect(out, jinja.p, jinja.n, err);
    }
    buf_free(&jinja);
    json_free(&j);
    return rc;
}
