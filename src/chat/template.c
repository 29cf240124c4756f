/* template.c - Qwen3's chat templates, rendered in C. */
#include "chat/template.h"
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

static const char *const names[TEMPLATE_COUNT] = {"hybrid", "instruct2507", "thinking2507"};

const char *template_name(enum chat_template t) { return names[t]; }

int template_from_name(enum chat_template *out, const char *name, qw_error *err) {
    for (int t = 0; t < TEMPLATE_COUNT; t++)
        if (strcmp(name, names[t]) == 0) {
            *out = (enum chat_template)t;
            return 0;
        }
    return fail(err, QW_EARG,
                "unknown chat template '%.60s' (hybrid, instruct2507 or thinking2507)", name);
}

/* ---- output ---- */

/* What the template itself writes. */
static void put(struct rendered *r, const char *s) {
    size_t n = strlen(s);
    buf_put(&r->text, s, n);
    if (!buf_reserve(&r->control, n)) return;
    memset(r->control.p + r->control.n, 1, n);
    r->control.n += n;
}

/* What the conversation brings along. */
static void put_text(struct rendered *r, struct chat_text t) {
    if (t.n == 0) return;
    buf_put(&r->text, t.p, t.n);
    if (!buf_reserve(&r->control, t.n)) return;
    char *mask = r->control.p + r->control.n;
    for (size_t i = 0; i < t.n; i++) mask[i] = t.control && t.control[i];
    r->control.n += t.n;
}

/* ---- pieces of text ---- */

static struct chat_text piece(struct chat_text t, size_t from, size_t to) {
    return (struct chat_text){t.p + from, to - from, t.control ? t.control + from : NULL};
}

static struct chat_text lstrip(struct chat_text t) {
    size_t i = 0;
    while (i < t.n && t.p[i] == '\n') i++;
    return i ? piece(t, i, t.n) : t;
}

static struct chat_text rstrip(struct chat_text t) {
    while (t.n > 0 && t.p[t.n - 1] == '\n') t.n--;
    return t;
}

static bool at(struct chat_text t, size_t i, const char *s, size_t n) {
    return t.n >= n && i <= t.n - n && memcmp(t.p + i, s, n) == 0;
}

/* Where s begins for the first (or last) time, or t.n if it does not. */
static size_t find(struct chat_text t, const char *s, bool last) {
    size_t n = strlen(s), found = t.n;
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] == s[0] && at(t, i, s, n)) {
            found = i;
            if (!last) break;
        }
    return found;
}

/* ---- the templates ---- */

static const char role_names[][10] = {"system", "user", "assistant", "tool"};

static void put_tools(struct rendered *r, const struct conversation *c) {
    put(r, "<|im_start|>system\n");
    if (c->messages[0].role == ROLE_SYSTEM) {
        put_text(r, c->messages[0].content);
        put(r, "\n\n");
    }
    put(r, "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
           "You are provided with function signatures within <tools></tools> XML tags:\n<tools>");
    for (size_t i = 0; i < c->n_tools; i++) {
        put(r, "\n");
        put_text(r, c->tools[i]);
    }
    put(r, "\n</tools>\n\nFor each function call, return a json object with function name and "
           "arguments within <tool_call></tool_call> "
           "XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": "
           "<args-json-object>}\n</tool_call><|im_end|>\n");
}

/* The index of the user's last query: thoughts of the assistant's messages after it are
 * rendered. Tool results sent as messages of the user are not queries. */
static size_t last_query(const struct conversation *c) {
    for (size_t i = c->n_messages; i-- > 0;) {
        struct chat_text t = c->messages[i].content;
        if (c->messages[i].role != ROLE_USER || !t.p) continue;
        if (!(at(t, 0, "<tool_response>", 15) && t.n >= 16 &&
              at(t, t.n - 16, "</tool_response>", 16)))
            return i;
    }
    return c->n_messages - 1;
}

/* A message's thoughts and the content without them. Of several </think> the first ends the
 * thoughts, the last begins the answer. */
static void split_thoughts(const struct chat_message *m, struct chat_text *reasoning,
                           struct chat_text *content) {
    *content = m->content;
    *reasoning = m->reasoning;
    if (m->reasoning.p) return;
    size_t end = find(m->content, "</think>", false);
    if (end == m->content.n) return;
    *content = lstrip(piece(m->content, find(m->content, "</think>", true) + 8, m->content.n));
    *reasoning = rstrip(piece(m->content, 0, end));
    size_t start = find(*reasoning, "<think>", true);
    if (start < reasoning->n) *reasoning = piece(*reasoning, start + 7, reasoning->n);
    *reasoning = lstrip(*reasoning);
}

static void put_assistant(struct rendered *r, enum chat_template t, const struct chat_message *m,
                          bool after_query, bool last) {
    struct chat_text content = m->content, reasoning;
    put(r, "<|im_start|>assistant\n");
    if (t != TEMPLATE_INSTRUCT2507) split_thoughts(m, &reasoning, &content);
    if (t != TEMPLATE_INSTRUCT2507 && after_query && (last || reasoning.n > 0)) {
        put(r, "<think>\n");
        put_text(r, lstrip(rstrip(reasoning)));
        put(r, "\n</think>\n\n");
        put_text(r, lstrip(content));
    } else {
        put_text(r, content);
    }
    for (size_t i = 0; i < m->n_calls; i++) {
        if (i > 0 || content.n > 0) put(r, "\n");
        put(r, "<tool_call>\n{\"name\": \"");
        put_text(r, m->calls[i].name);
        put(r, "\", \"arguments\": ");
        put_text(r, m->calls[i].arguments);
        put(r, "}\n</tool_call>");
    }
    put(r, "<|im_end|>\n");
}

int template_render(struct rendered *out, enum chat_template t, const struct conversation *c,
                    qw_error *err) {
    if (c->n_messages == 0) return fail(err, QW_EARG, "a conversation needs at least one message");
    size_t query = last_query(c);
    if (c->n_tools > 0) put_tools(out, c);
    for (size_t i = 0; i < c->n_messages; i++) {
        const struct chat_message *m = &c->messages[i];
        bool last = i == c->n_messages - 1;
        if (m->role == ROLE_ASSISTANT) {
            put_assistant(out, t, m, i > query, last);
        } else if (m->role == ROLE_TOOL) {      /* a run of results is one turn of the user */
            if (i == 0 || m[-1].role != ROLE_TOOL) put(out, "<|im_start|>user");
            put(out, "\n<tool_response>\n");
            put_text(out, m->content);
            put(out, "\n</tool_response>");
            if (last || m[1].role != ROLE_TOOL) put(out, "<|im_end|>\n");
        } else if (!(m->role == ROLE_SYSTEM && i == 0 && c->n_tools > 0)) {
            put(out, "<|im_start|>");
            put(out, role_names[m->role]);
            put(out, "\n");
            put_text(out, m->content);
            put(out, "<|im_end|>\n");
        }
    }
    if (c->add_generation_prompt) {
        put(out, "<|im_start|>assistant\n");
        if (t == TEMPLATE_THINKING2507) put(out, "<think>\n");
        if (t == TEMPLATE_HYBRID && c->thinking == 0) put(out, "<think>\n\n</think>\n\n");
    }
    if (out->text.oom || out->control.oom) {
        uint64_t bytes = 2 * (uint64_t)out->text.n;
        rendered_free(out);
        return fail_memory(err, "the rendered conversation, at least", bytes);
    }
    return 0;
}

void rendered_free(struct rendered *r) {
    buf_free(&r->text);
    buf_free(&r->control);
}

/* ---- JSON as Python writes it ---- */

/* place: the node of the key */
struct member { const char *key; size_t n; uint32_t place, value; };

static int by_key(const void *pa, const void *pb) {
    const struct member *a = pa, *b = pb;
    int c = memcmp(a->key, b->key, a->n < b->n ? a->n : b->n);
    if (c == 0 && a->n != b->n) c = a->n < b->n ? -1 : 1;
    if (c != 0) return c;
    return a->place < b->place ? -1 : 1;
}

static int by_place(const void *pa, const void *pb) {
    const struct member *a = pa, *b = pb;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* The members of an object with keys that occur once, in Python's order; *n of them, 0 when
 * memory runs out. By sorting, because comparing each key with each takes hours for a hostile
 * object. *keys holds the keys' text; the caller frees it and the result. */
static struct member *members(const struct json *j, uint32_t obj, struct buf *keys, size_t *n) {
    struct member *m = alloc_zero(j->nodes[obj].len, sizeof *m);
    size_t count = 0, kept = 0, offset = 0;
    *n = 0;
    if (!m) return NULL;
    for (uint32_t k = obj + 1; k < json_end(j, obj); k = json_next(j, k + 1)) {
        size_t before = keys->n;
        json_string(j, k, keys);
        m[count++] = (struct member){NULL, keys->n - before, k, k + 1};
    }
    /* all keys are "": still a pointer for memcmp */
    if (!keys->oom && !keys->p) buf_reserve(keys, 1);
    if (keys->oom) {
        free(m);
        return NULL;
    }
    for (size_t i = 0; i < count; offset += m[i++].n) m[i].key = keys->p + offset;
    qsort(m, count, sizeof *m, by_key);
    for (size_t i = 0; i < count; i++) {
        struct member *prev = kept ? &m[kept - 1] : NULL;
        if (prev && prev->n == m[i].n && memcmp(prev->key, m[i].key, m[i].n) == 0)
            prev->value = m[i].value;
        else m[kept++] = m[i];
    }
    qsort(m, kept, sizeof *m, by_place);
    *n = kept;
    return m;
}

/* Recursion is bounded by json_parse's 200 levels. Running out of memory sets out->oom. */
static void put_json(struct buf *out, const struct json *j, uint32_t node) {
    const struct json_node *v = &j->nodes[node];
    enum json_type type = json_type(j, node);
    if (type == JSON_OBJECT) {
        struct buf keys = {0};
        size_t n;
        struct member *m = members(j, node, &keys, &n);
        if (!m) out->oom = true;
        buf_char(out, '{');
        for (size_t i = 0; i < n; i++) {
            if (i) buf_str(out, ", ");
            json_quote(out, m[i].key, m[i].n);
            buf_str(out, ": ");
            put_json(out, j, m[i].value);
        }
        buf_char(out, '}');
        free(m);
        buf_free(&keys);
    } else if (type == JSON_ARRAY) {
        buf_char(out, '[');
        for (uint32_t i = node + 1; i < v->next; i = json_next(j, i)) {
            if (i > node + 1) buf_str(out, ", ");
            put_json(out, j, i);
        }
        buf_char(out, ']');
    } else if (type == JSON_STRING) {
        struct buf s = {0};
        json_string(j, node, &s);
        if (s.oom) out->oom = true;
        else json_quote(out, s.p, s.n);
        buf_free(&s);
    } else {
        buf_put(out, j->text + v->pos, v->len);
    }
}

int template_json_text(struct buf *out, const struct json *j, uint32_t node, qw_error *err) {
    put_json(out, j, node);
    return out->oom ? fail_memory(err, "a JSON text, at least", out->n) : 0;
}

/* ---- a conversation out of JSON ---- */

static const char *const kinds[] = {"null",     "false",    "true",     "a number",
                                    "a string", "an array", "an object"};

/* What a value is, for messages; 0 is json_get's "no such key". */
static const char *kind(const struct json *j, uint32_t node) {
    return node ? kinds[json_type(j, node)] : "absent";
}

static bool is_null(const struct json *j, uint32_t node) {
    return node == 0 || json_type(j, node) == JSON_NULL;
}
static bool is_string(const struct json *j, uint32_t node) {
    return node && json_type(j, node) == JSON_STRING;
}

/* A text of its own (free it with free_text) with a string's value or, with `dump`, the value as
 * JSON. */
static int own_text(struct chat_text *out, const struct json *j, uint32_t node, bool dump,
                    qw_error *err) {
    struct buf b = {0};
    buf_reserve(&b, 1);                     /* so that '' has an address, too */
    if (dump) put_json(&b, j, node);
    else json_string(j, node, &b);
    if (b.oom) {
        uint64_t n = b.n;
        buf_free(&b);
        return fail_memory(err, "a conversation's text, at least", n);
    }
    *out = (struct chat_text){b.p, b.n, NULL};
    return 0;
}

static void free_text(struct chat_text t) { free((void *)(uintptr_t)t.p); }

/* true, false, or `otherwise` where it is absent or null. */
static int get_bool(int *out, int otherwise, const struct json *j, const char *key, qw_error *err) {
    uint32_t v = json_get(j, 0, key);
    *out = otherwise;
    if (is_null(j, v)) return 0;
    if (json_type(j, v) != JSON_TRUE && json_type(j, v) != JSON_FALSE)
        return fail(err, QW_EFORMAT, "%s: true or false was expected, not %s", key, kind(j, v));
    *out = json_type(j, v) == JSON_TRUE;
    return 0;
}

static int get_call(struct chat_call *out, const struct json *j, uint32_t call, size_t i, size_t k,
                    qw_error *err) {
    if (json_type(j, call) != JSON_OBJECT)
        return fail(err, QW_EFORMAT,
                    "messages[%zu].tool_calls[%zu]: an object was expected, not %s", i, k,
                    kind(j, call));
    uint32_t function = json_get(j, call, "function");
    if (!is_null(j, function) && json_type(j, function) != JSON_OBJECT)
        return fail(err, QW_EFORMAT,
                    "messages[%zu].tool_calls[%zu].function: an object was expected, not %s", i, k,
                    kind(j, function));
    if (!is_null(j, function) && j->nodes[function].len > 0) call = function;
    uint32_t name = json_get(j, call, "name"), arguments = json_get(j, call, "arguments");
    if (!is_string(j, name))
        return fail(err, QW_EFORMAT,
                    "messages[%zu].tool_calls[%zu]: a name (a string) was expected; it is %s", i, k,
                    kind(j, name));
    if (arguments == 0)
        return fail(err, QW_EFORMAT,
                    "messages[%zu].tool_calls[%zu]: arguments were expected; they are absent", i,
                    k);
    int rc = own_text(&out->name, j, name, false, err);
    return rc ? rc : own_text(&out->arguments, j, arguments, !is_string(j, arguments), err);
}

static int get_calls(struct chat_message *m, const struct json *j, uint32_t message, size_t i,
                     qw_error *err) {
    uint32_t list = json_get(j, message, "tool_calls");
    if (is_null(j, list)) return 0;
    if (json_type(j, list) != JSON_ARRAY)
        return fail(err, QW_EFORMAT, "messages[%zu].tool_calls: an array was expected, not %s", i,
                    kind(j, list));
    struct chat_call *calls = alloc_zero(j->nodes[list].len, sizeof *calls);
    if (!calls) return fail_memory(err, "tool calls", (uint64_t)j->nodes[list].len * sizeof *calls);
    m->calls = calls;
    for (uint32_t node = list + 1; node < json_end(j, list); node = json_next(j, node)) {
        size_t k = m->n_calls++;
        int rc = get_call(&calls[k], j, node, i, k, err);
        if (rc) return rc;
    }
    return 0;
}

static int get_role(enum chat_role *out, const struct json *j, uint32_t message, size_t i,
                    qw_error *err) {
    uint32_t role = json_get(j, message, "role");
    if (!is_string(j, role))
        return fail(err, QW_EFORMAT, "messages[%zu].role: a string was expected; it is %s", i,
                    kind(j, role));
    for (size_t r = 0; r < sizeof role_names / sizeof *role_names; r++)
        if (json_is(j, role, role_names[r])) {
            *out = (enum chat_role)r;
            return 0;
        }
    size_t n = j->nodes[role].len;
    const char *text = j->text + j->nodes[role].pos;
    if (n > 40)
        /* not within a character */
        for (n = 40; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;) n--;
    return fail(err, QW_EFORMAT,
                "messages[%zu].role: system, user, assistant or tool was expected, not \"%.*s\"", i,
                (int)n, text);
}

static int get_message(struct chat_message *m, const struct json *j, uint32_t node, size_t i,
                       qw_error *err) {
    if (json_type(j, node) != JSON_OBJECT)
        return fail(err, QW_EFORMAT, "messages[%zu]: an object was expected, not %s", i,
                    kind(j, node));
    int rc = get_role(&m->role, j, node, i, err);
    uint32_t content = json_get(j, node, "content"),
             reasoning = json_get(j, node, "reasoning_content");
    if (!rc && is_string(j, content)) rc = own_text(&m->content, j, content, false, err);
    if (!rc && is_string(j, reasoning)) rc = own_text(&m->reasoning, j, reasoning, false, err);
    if (!rc && m->role == ROLE_ASSISTANT) rc = get_calls(m, j, node, i, err);
    return rc;
}

static int get_tools(struct conversation *c, const struct json *j, qw_error *err) {
    uint32_t list = json_get(j, 0, "tools");
    if (is_null(j, list)) return 0;
    if (json_type(j, list) != JSON_ARRAY)
        return fail(err, QW_EFORMAT, "tools: an array was expected, not %s", kind(j, list));
    struct chat_text *tools = alloc_zero(j->nodes[list].len, sizeof *tools);
    if (!tools) return fail_memory(err, "tools", (uint64_t)j->nodes[list].len * sizeof *tools);
    c->tools = tools;
    for (uint32_t node = list + 1; node < json_end(j, list); node = json_next(j, node)) {
        size_t k = c->n_tools++;
        if (json_type(j, node) != JSON_OBJECT)
            return fail(err, QW_EFORMAT, "tools[%zu]: an object was expected, not %s", k,
                        kind(j, node));
        int rc = own_text(&tools[k], j, node, true, err);
        if (rc) return rc;
    }
    return 0;
}

/* Fill *c, which is empty before; release it with free_conversation, also after an error. */
static int get_conversation(struct conversation *c, const struct json *j, qw_error *err) {
    int prompt, go_on;
    if (json_type(j, 0) != JSON_OBJECT)
        return fail(err, QW_EFORMAT, "a conversation is an object with \"messages\", not %s",
                    kinds[json_type(j, 0)]);
    int rc = get_bool(&c->thinking, -1, j, "enable_thinking", err);
    if (!rc) rc = get_bool(&prompt, 0, j, "add_generation_prompt", err);
    if (!rc) rc = get_bool(&go_on, 0, j, "continue_final_message", err);
    if (rc) return rc;
    c->add_generation_prompt = prompt;
    if (go_on) return fail(err, QW_EUNSUPPORTED, "continue_final_message is not supported");
    if (!is_null(j, json_get(j, 0, "chat_template_kwargs")))
        return fail(err, QW_EUNSUPPORTED,
                    "chat_template_kwargs is not supported: its keys belong next to \"messages\"");
    uint32_t list = json_get(j, 0, "messages");
    if (list == 0 || json_type(j, list) != JSON_ARRAY)
        return fail(err, QW_EFORMAT, "messages: an array was expected; it is %s", kind(j, list));
    if (j->nodes[list].len == 0)
        return fail(err, QW_EFORMAT,
                    "messages: at least one message was expected; the array is empty");
    struct chat_message *messages = alloc_zero(j->nodes[list].len, sizeof *messages);
    if (!messages)
        return fail_memory(err, "messages", (uint64_t)j->nodes[list].len * sizeof *messages);
    c->messages = messages;
    for (uint32_t node = list + 1; node < json_end(j, list); node = json_next(j, node)) {
        size_t i = c->n_messages++;
        if ((rc = get_message(&messages[i], j, node, i, err)) != 0) return rc;
    }
    return get_tools(c, j, err);
}

static void free_conversation(struct conversation *c) {
    for (size_t i = 0; i < c->n_messages; i++) {
        const struct chat_message *m = &c->messages[i];
        free_text(m->content);
        free_text(m->reasoning);
        for (size_t k = 0; k < m->n_calls; k++) {
            free_text(m->calls[k].name);
            free_text(m->calls[k].arguments);
        }
        free((void *)(uintptr_t)m->calls);
    }
    for (size_t k = 0; k < c->n_tools; k++) free_text(c->tools[k]);
    free((void *)(uintptr_t)c->messages);
    free((void *)(uintptr_t)c->tools);
}

int template_render_json(struct rendered *out, enum chat_template t, const struct json *j,
                         qw_error *err) {
    struct conversation c = {0};
    int rc = get_conversation(&c, j, err);
    if (rc == 0) rc = template_render(out, t, &c, err);
    free_conversation(&c);
    return rc;
}
