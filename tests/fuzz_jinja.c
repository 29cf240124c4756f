/* fuzz_jinja.c - libFuzzer target: the input as a template, rendered with a small conversation. */
#include "fuzz_jinja.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* M: the mark in its strings. */
#define M "\\ue000"
static const char conversation[] =
    "{\"messages\":["
    "{\"role\":\"system\",\"content\":\" Be brief." M "\\n\"},"
    "{\"role\":\"user\",\"content\":\"<b>Wie warm ist es in K\\u00f6ln?" M "</b>\"},"
    "{\"role\":\"assistant\",\"content\":\"<think>\\nlook " M "\\n</think>\\n\\nI look.\","
    "\"reasoning_content\":\"hm" M "\",\"tool_calls\":[{\"type\":\"function\",\"id\":\"c1\","
    "\"function\":{\"name\":\"weather" M "\",\"arguments\":{\"city\":\"K\\u00f6ln" M "\","
    "\"days\":[1,2.50,-0.0,1e16,123456789012345678901],\"exact\":true,\"unit\":null}}}]},"
    "{\"role\":\"tool\",\"name\":\"weather\",\"content\":\"{\\\"t\\\": 21" M "}\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Thanks" M "\"},{}]}],"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\","
    "\"description\":\"What's it like? " M "\",\"parameters\":{\"type\":\"object\","
    "\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"array\"}},"
    "\"required\":[\"city\"]}}}],"
    "\"documents\":null,\"add_generation_prompt\":true,\"enable_thinking\":false,"
    "\"eos_token\":\"<|im_end|>\",\"n\":7,\"f\":2.5,\"s\":\"a, b,c" M " ,\",\"empty\":\"\","
    "\"l\":[3,1,2,1],\"d\":{\"b\":1,\"a\":[2]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct jinja *t = parse(text, size);
    if (!t) return 0;
    struct json j;
    qw_error err;
    expect(json_parse(&j, conversation, strlen(conversation), "conversation", &err) == 0);
    render(t, &j, !can_write_mark(text, size));
    json_free(&j);
    jinja_free(t);
    return 0;
}
