#!/usr/bin/env python3
"""Renders random conversations with `qw template` and with the models' own Jinja text, and compares
byte for byte.

    tests/template_vs_jinja.py [--qw ./qw] [--count 3000] [--seed 1]     (from the project's root)

The Jinja runs as in transformers' apply_chat_template. Four texts are compared: the hybrid one as
in the fixtures (a revision in which content must be a string), the same with the later revision's
rules for other content, and what Thinking-2507 and Instruct-2507 make of it."""
import argparse
import json
import random
import subprocess
import sys

FIXTURE = "tests/fixtures/qwen3-tokenizer/tokenizer_config.json"


def replace(text, old, new):
    assert text.count(old) == 1, f"the fixture's template has changed: {old!r}"
    return text.replace(old, new)


def templates(hybrid):
    """name, template of qw, Jinja text, whether content may be something other than a string"""
    later = hybrid.replace("messages[0].content",
                           "(messages[0].content if messages[0].content is string else '')")
    later = replace(later, 'message.role == "user" and not(',
                    'message.role == "user" and message.content is string and not(')
    later = replace(later, "{%- for message in messages %}\n",
                    "{%- for message in messages %}\n    {%- set content = "
                    "message.content if message.content is string else '' %}\n")
    later = replace(later, "        {%- set content = message.content %}\n", "")
    later = replace(later, "message.reasoning_content is defined and "
                    "message.reasoning_content is not none", "message.reasoning_content is string")
    later = replace(later, "'</think>' in message.content", "'</think>' in content")
    later = replace(later, "message.role + '\\n' + message.content",
                    "message.role + '\\n' + content")
    later = replace(later, "{{- message.content }}", "{{- content }}")

    at = later.index("    {%- if enable_thinking is defined")
    thinking = later[:at] + "    {{- '<think>\\n' }}\n{%- endif %}"
    no_prompt = later[:at] + "{%- endif %}"
    start = no_prompt.index("        {%- set reasoning_content = '' %}")
    end = no_prompt.index("        {%- if message.tool_calls %}")
    turn = "        {{- '<|im_start|>' + message.role + '\\n' + content }}\n"
    instruct = no_prompt[:start] + turn + no_prompt[end:]
    return [("hybrid, as shipped", "hybrid", hybrid, False),
            ("hybrid, later revision", "hybrid", later, True),
            ("thinking2507", "thinking2507", thinking, True),
            ("instruct2507", "instruct2507", instruct, True)]


PIECES = [
    "\n", "\n", "\n\n", " ", "<think>", "</think>", "<think>\n", "\n</think>\n\n",
    "<tool_response>", "</tool_response>", "<tool_call>", "<|im_end|>", "<|im_start|>user\n",
    "x", "word", "é", "北京", "\U0001f642",
    '"', "\\", "/", "\t", "\r", "\0", "\x01", "\x7f", "\u2028", "{", "}",
]


class Random(random.Random):
    def text(self, most=6):
        if self.random() < 0.15:
            return "<tool_response>" + self.text(2) + "</tool_response>"
        return "".join(self.choice(PIECES) for _ in range(self.randrange(most + 1)))

    def value(self, depth=3):
        kind = self.randrange(8 if depth else 5)
        if kind >= 6:
            return {self.text(2): self.value(depth - 1) for _ in range(self.randrange(4))}
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self.randrange(4))]
        scalars = [None, self.random() < 0.5, self.randrange(-1000, 10**15),
                   self.randrange(-99, 99) / 4, self.text(4)]
        return scalars[kind]

    def content(self, strings_only):
        if strings_only or self.random() < 0.8:
            return self.text()
        return self.choice([None, [{"type": "text", "text": self.text()}], 3, True, {"a": "b"}])

    def call(self):
        call = {"name": self.text(2)}
        call["arguments"] = self.text(3) if self.random() < 0.3 else self.value()
        form = self.randrange(4)
        if form == 0:
            return {**call, "function": self.choice([None, {}])}
        return call if form == 1 else {"type": "function", "id": "1", "function": call}

    def message(self, strings_only):
        roles = ["system", "user", "user", "assistant", "assistant", "tool", "tool"]
        m = {"role": self.choice(roles)}
        if strings_only or self.random() < 0.95:
            m["content"] = self.content(strings_only)
        if self.random() < 0.25:
            m["reasoning_content"] = self.choice([None, "", self.text(), self.text()])
        if self.random() < 0.3:
            calls = [self.call() for _ in range(self.randrange(1, 4))]
            m["tool_calls"] = self.choice([None, [], calls])
        if self.random() < 0.1:
            m["name"] = self.text(1)
        return m

    def conversation(self, strings_only):
        c = {"messages": [self.message(strings_only) for _ in range(self.randrange(1, 8))]}
        if self.random() < 0.4:
            tools = [{"type": "function", "function": self.value()}
                     for _ in range(self.randrange(1, 3))]
            c["tools"] = self.choice([None, [], tools])
        if self.random() < 0.6:
            c["add_generation_prompt"] = self.random() < 0.8
        if self.random() < 0.6:
            c["enable_thinking"] = self.choice([True, False, None])
        return c

    def write(self, c):
        s = json.dumps(c, ensure_ascii=self.random() < 0.5,
                       separators=self.choice([(",", ":"), (", ", ": "), (" ,", " :")]))
        return s.replace("/", "\\/") if self.random() < 0.2 else s


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--qw", default="./qw")
    p.add_argument("--count", type=int, default=3000)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    try:
        import jinja2
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as e:
        print(f"skip - template vs jinja: python3 has no jinja2 ({e})")
        return 0
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[loopcontrols])
    env.filters["tojson"] = lambda x: json.dumps(x, ensure_ascii=False)
    with open(FIXTURE, encoding="utf-8") as f:
        hybrid = json.load(f)["chat_template"]
    failed = 0
    for name, template, jinja, others in templates(hybrid):
        rng = Random(a.seed)
        conversations = [rng.conversation(not others) for _ in range(a.count)]
        lines = [rng.write(c) for c in conversations]
        command = [a.qw, "template", "--jsonl", "--messages", "-", "--template", template]
        run = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True,
                             encoding="utf-8")
        out = run.stdout.split("\n")
        compiled = env.from_string(jinja)
        wrong = []
        if run.returncode != 0 or len(out) != a.count + 1:
            wrong.append(f"{a.qw} ended with {run.returncode} after {len(out) - 1} lines: "
                         f"{run.stderr.strip()[:500]}")
        for c, line, got in zip(conversations, lines, out):
            want = compiled.render(**c)
            try:
                same = json.loads(got) == want
            except ValueError:
                same = False
            if not same:
                wrong.append(f"{line}\n    jinja {json.dumps(want, ensure_ascii=False)}\n"
                             f"    qw    {got}")
        print(f"{'not ok' if wrong else 'ok'} - template vs jinja: {name} "
              f"({a.count} conversations, seed {a.seed}, jinja2 {jinja2.__version__})")
        for w in wrong[:3]:
            print("  " + w)
        failed += bool(wrong)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
