/* template_builtin.c - the templates that Qwen3's own models ship with, in our words: they render
 * the same bytes (tests/jinja_golden.py). */
#include <stddef.h>
#include <string.h>
#include "chat/template.h"

/* The system's turn with the tools, which has the system's text in front. */
#define TOOLS \
    "{%- if tools %}\n" \
    "  {{- '<|im_start|>system\\n' }}\n" \
    "  {%- if messages[0].role == 'system' %}\n" \
    "    {{- (messages[0].content if messages[0].content is string else '') + '\\n\\n' }}\n" \
    "  {%- endif %}\n" \
    "  {{- '# Tools\\n\\nYou may call one or more functions to assist with the user query.' }}\n" \
    "  {{- '\\n\\n' }}\n" \
    "  {{- 'You are provided with function signatures within <tools></tools> XML tags:' }}\n" \
    "  {{- '\\n<tools>' }}\n" \
    "  {%- for tool in tools %}{{- '\\n' + tool|tojson }}{%- endfor %}\n" \
    "  {{- '\\n</tools>\\n\\n' }}\n" \
    "  {{- 'For each function call, return a json object with function name and '" \
    " ~ 'arguments within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{\"name\": '" \
    " ~ '<function-name>, \"arguments\": <args-json-object>}\\n</tool_call><|im_end|>\\n' }}\n" \
    "{%- endif %}\n"

/* last.query: the number of the user's last question. Thoughts after it are kept. What tools
 * answered, sent as a user's message, is no question. */
#define LAST_QUERY \
    "{%- set last = namespace(query=messages|length - 1) %}\n" \
    "{%- for m in messages[::-1] %}\n" \
    "  {%- if m.role == 'user' and m.content is string and not (" \
    "m.content.startswith('<tool_response>') and m.content.endswith('</tool_response>')) %}\n" \
    "    {%- set last.query = loop.revindex0 %}\n" \
    "    {%- break %}\n" \
    "  {%- endif %}\n" \
    "{%- endfor %}\n"

#define TURNS \
    "{%- for m in messages %}\n" \
    "  {%- set content = m.content if m.content is string else '' %}\n" \
    "  {%- if m.role == 'user' or m.role == 'system' and not (loop.first and tools) %}\n" \
    "    {{- '<|im_start|>' + m.role + '\\n' + content + '<|im_end|>\\n' }}\n" \
    "  {%- elif m.role == 'tool' %}\n" \
    "    {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}\n" \
    "      {{- '<|im_start|>user' }}\n" \
    "    {%- endif %}\n" \
    "    {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' }}\n" \
    "    {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}\n" \
    "      {{- '<|im_end|>\\n' }}\n" \
    "    {%- endif %}\n" \
    "  {%- elif m.role == 'assistant' %}\n" \
    "    {{- '<|im_start|>assistant\\n' }}\n"

/* The answer with its thoughts, which may still be part of the content. */
#define WITH_THOUGHTS \
    "    {%- set thought = '' %}\n" \
    "    {%- if m.reasoning_content is string %}\n" \
    "      {%- set thought = m.reasoning_content %}\n" \
    "    {%- elif '</think>' in content %}\n" \
    "      {%- set pieces = content.split('</think>') %}\n" \
    "      {%- set thought = pieces[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}\n" \
    "      {%- set content = pieces[-1].lstrip('\\n') %}\n" \
    "    {%- endif %}\n" \
    "    {%- if loop.index0 > last.query and (loop.last or thought) %}\n" \
    "      {{- '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' }}\n" \
    "      {{- content.lstrip('\\n') }}\n" \
    "    {%- else %}\n" \
    "      {{- content }}\n" \
    "    {%- endif %}\n"

#define AS_IT_IS "    {{- content }}\n"

#define CALLS_AND_END \
    "    {%- for call in m.tool_calls or [] %}\n" \
    "      {%- if content or not loop.first %}{{- '\\n' }}{%- endif %}\n" \
    "      {%- set call = call.function or call %}\n" \
    "      {%- set given = call.arguments if call.arguments is string" \
    " else call.arguments|tojson %}\n" \
    "      {{- '<tool_call>\\n{\"name\": \"' ~ call.name ~ '\", \"arguments\": ' ~ given }}\n" \
    "      {{- '}\\n</tool_call>' }}\n" \
    "    {%- endfor %}\n" \
    "    {{- '<|im_end|>\\n' }}\n" \
    "  {%- endif %}\n" \
    "{%- endfor %}\n"

#define PROMPT(more) \
    "{%- if add_generation_prompt %}\n" \
    "  {{- '<|im_start|>assistant\\n' }}\n" more "{%- endif %}\n"

#define NO_THOUGHT \
    "  {%- if enable_thinking is defined and enable_thinking is false %}\n" \
    "    {{- '<think>\\n\\n</think>\\n\\n' }}\n" \
    "  {%- endif %}\n"

static const struct { const char *name, *text; } builtins[] = {
    {"hybrid", TOOLS LAST_QUERY TURNS WITH_THOUGHTS CALLS_AND_END PROMPT(NO_THOUGHT)},
    {"instruct2507", TOOLS TURNS AS_IT_IS CALLS_AND_END PROMPT("")},
    {"thinking2507", TOOLS LAST_QUERY TURNS WITH_THOUGHTS CALLS_AND_END
                     PROMPT("  {{- '<think>\\n' }}\n")},
};

const char *template_builtin(const char *name) {
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (strcmp(name, builtins[i].name) == 0) return builtins[i].text;
    return NULL;
}
