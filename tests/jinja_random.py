#!/usr/bin/env python3
"""Random conversations in several templates, and random templates, against jinja2.

    tests/jinja_random.py [--count N] [--templates N] [--seed S] [--program $BUILD/render_jinja]

--count conversations for each of fixtures/jinja/*.jinja (and of ../shared/golden/templates, where
that is), then --templates templates made at random. A result is the same text, or an error on both
sides. A difference is printed as the line that render_jinja was given."""
import argparse
import glob
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import jinja_reference as jinja  # noqa: E402

TEMPLATES = "tests/fixtures/jinja/*.jinja"

# Pieces of texts. None is a cased letter outside of ASCII, so that upper and lower may be used on
# all of them, and none is newer than Unicode 14.
PIECES = [
    "\n", "\n", "\n\n", " ", "  ", "\t", "\r\n", "a", "B", "word", "It's", "x y", "0", "42", "-1.5",
    "<think>", "</think>", "<think>\n", "\n</think>\n\n", "<tool_response>", "</tool_response>",
    "<tool_call>", "</tool_call>", "<|im_end|>", "<|im_start|>user\n", "{{ x }}", "{% if %}", "{#",
    "\u5317\u4eac", "\u0627", "\u0301", "\U0001f642", "\U00020000", '"', "'", "\\", "/", "&<>",
    "\0", "\x01", "\x1c", "\x1f", "\x7f", "\x85", "\xa0", "\xad", "\u200b", "\u2028", "\u2029",
    "\u3000", "\ufeff", "\ue000", "\U000e0001", "%s", "{", "}", "[", ",", ":", "_", "-", ".",
]
NUMBERS = [
    "0", "1", "-1", "7", "42", "1e3", "1.50", "-0.0", "1e-7", "1e16", "1E5", "1.0e+2", "0.1", "-0",
    "123456789012345678901234567890", "-9223372036854775808", "9223372036854775807", "2.5", "1e22",
    "5e-324", "1.7976931348623157e308", "0.30000000000000004", "3.0", "100", "1e15", "0.00001",
]


class Random(random.Random):
    def often(self, p):
        return self.random() < p

    def text(self, most=6):
        return "".join(self.choice(PIECES) for _ in range(self.randrange(most + 1)))

    def number(self):
        """Spelled in a way that JSON allows (jinja_reference.py keeps it)."""
        if self.often(0.6):
            return jinja.NUMBER + self.choice(NUMBERS)
        return jinja.NUMBER + self.choice([str(self.randrange(-10**6, 10**6)),
                                           repr(self.uniform(-1e3, 1e3)),
                                           f"{self.randrange(1, 10**6)}e{self.randrange(-30, 30)}"])


class Conversations(Random):
    def value(self, depth=3):
        kind = self.randrange(9 if depth else 6)
        if kind >= 7:
            return {self.text(2): self.value(depth - 1) for _ in range(self.randrange(4))}
        if kind == 6:
            return [self.value(depth - 1) for _ in range(self.randrange(4))]
        return [None, self.often(0.5), self.number(), self.number(), self.text(4), "word"][kind]

    def part(self):
        if self.often(0.1):
            return self.choice([self.text(2), {}, {"type": "image"}, {"type": "other", "k": None}])
        return {"type": "text", "text": self.text(3)}

    def content(self):
        if self.often(0.15):
            return "<tool_response>" + self.text(2) + "</tool_response>"
        if self.often(0.8):
            return self.text()
        if self.often(0.2):
            return self.choice([True, {"a": self.text(2)}, self.number(), []])
        return None if self.often(0.4) else [self.part() for _ in range(self.randrange(4))]

    def call(self):
        call = {"name": self.text(2)}
        if self.often(0.95):
            call["arguments"] = self.text(3) if self.often(0.2) else self.value()
        form = self.randrange(4)
        if form == 0:
            return {**call, "function": self.choice([None, {}])}
        return call if form == 1 else {"type": "function", "id": "1", "function": call}

    def message(self):
        roles = ["system", "user", "user", "user", "assistant", "assistant", "tool", "tool"]
        m = {"role": self.choice(roles) if self.often(0.97) else "developer"}
        if self.often(0.95):
            m["content"] = self.content()
        if self.often(0.25):
            m["reasoning_content"] = self.choice([None, "", self.text(), self.text()])
        if self.often(0.3):
            calls = [self.call() for _ in range(self.randrange(1, 4))]
            m["tool_calls"] = self.choice([None, [], calls, calls])
        if self.often(0.1):
            m["name"] = self.text(1)
        return m

    def tool(self):
        if self.often(0.2):
            return {"type": "function", "function": self.value()}
        parameters = {"type": "object", "properties": {}}
        for _ in range(self.randrange(4)):
            kind = self.choice(["string", "integer", "array", ["string", "null"]])
            schema = {"type": kind, "description": self.text(2)}
            schema.update({self.text(1): self.value(2)} if self.often(0.4) else {})
            schema.update({"enum": [self.text(1), self.number()]} if self.often(0.2) else {})
            parameters["properties"][self.text(2)] = schema
        if self.often(0.7):
            parameters["required"] = [k for k in parameters["properties"] if self.often(0.5)]
        return {"type": "function", "function": {"name": self.text(2), "parameters": parameters,
                                                 "description": self.text(3)}}

    def variables(self):
        v = {**jinja.DEFAULTS}
        v["messages"] = [self.message() for _ in range(self.randrange(1, 8))]
        if self.often(0.02):
            v["messages"] = []
        if self.often(0.4):
            v["tools"] = self.choice([None, [], *[[self.tool() for _ in range(n)] for n in (1, 3)]])
        if self.often(0.8):
            v["add_generation_prompt"] = self.often(0.8)
        if self.often(0.6):
            v["enable_thinking"] = self.choice([True, False, None])
        if self.often(0.2):
            v["bos_token"] = self.text(1)
        if self.often(0.2):
            v["date_string"] = self.text(1)
        return v

    def write(self, variables):
        return jinja.dumps_spelled(variables, separators=self.choice([(",", ":"), (" , ", " : ")]))


# ------------------------------------------------------------------------------------------------
# Random templates. What is printed is never a generator, a method or anything else whose text is an
# address; these stand only where something else is made of them. `%` has a number on its left (a
# string there is a format), `*` a small number on its right, and numbers stay small, so that no
# result depends on how wide an integer may be. A slice is never of a literal (jinja2 folds that and
# then is more lenient). A name that is given to the template is set only from itself: jinja2 does
# not see the given value in an earlier inner block when the name is set later and not read before.

GIVEN = {"s": "text", "t": "text", "n": "number", "f": "number", "b": "bool", "z": "none",
         "l": "list", "w": "words", "q": "numbers", "d": "dict", "o": "objects", "any": "any"}
KINDS = ["text", "text", "number", "bool", "list", "dict", "any"]
KEYS = ["a", "b", "k1", "x y", "\u4e2d", "items", "name"]


class Grammar(Random):
    def __init__(self, seed):
        super().__init__(seed)
        self.count = 0

    # Variables

    def given(self, kind=None, depth=2):
        kind = kind or self.choice(["text", "number", "bool", "none", "list", "dict"])
        if kind == "any":
            return self.given(None, depth)
        if kind == "text":
            return self.choice(["", "a", "b", "Ab c", " x ", "42", self.text(3), self.text(5)])
        if kind == "number":
            return self.choice([0, 1, 2, 3, -1, 5, 10, -7, 0.0, 0.5, 2.5, -2.5, 1.0, 1e16, 1e-7,
                                3.125, 1234.5678, 0.1, 99, 100000])
        if kind in ("bool", "none"):
            return {"bool": self.often(0.5), "none": None}[kind]
        n = self.randrange(4)
        inner = {"words": "text", "numbers": "number", "objects": "dict"}.get(kind)
        if kind == "dict":
            keys = self.sample(KEYS, n)
            return {k: self.given(None, depth - 1) if depth else 1 for k in keys}
        return [self.given(inner, depth - 1) if depth else "e" for _ in range(n)]

    def variables(self):
        v = {}
        for name, kind in GIVEN.items():
            if self.often(0.97):
                v[name] = self.given(kind if self.often(0.97) else None)
        return v

    # Expressions

    def literal_text(self):
        text = self.choice(["", "a", "b", ",", " ", "-", "x", "a b", "It's", "\n", "42", "Ab",
                            self.text(2)])
        quote = self.choice("'\"")
        out = ""
        for c in text:
            if c in "\\" + quote:
                out += "\\" + c
            elif c == "\n":
                out += self.choice(["\\n", "\n"])
            elif c == "\r" or ord(c) < 32 or self.often(0.05):
                n = ord(c)
                out += f"\\x{n:02x}" if n < 256 else f"\\U{n:08x}"
            else:
                out += c
        return quote + out + quote

    def literal_number(self):
        return self.choice(["0", "1", "2", "3", "5", "10", "1.5", "2.0", "0.5", "1e3", "2.50"])

    def name(self, kind):
        names = [k for k, v in GIVEN.items() if v == kind or kind == "any"]
        if kind == "list":
            names += ["w", "q", "o"]
        if self.scope and self.often(0.25):
            return self.choice(self.scope)
        if self.often(0.01):
            return self.choice(["nowhere", "unset"])
        return self.choice(names or ["any"])

    def call(self, depth):
        """A macro, called; what it gives is a string."""
        if not self.macros:
            return self.name("text")
        name, count = self.choice(self.macros)
        n = max(0, min(count + (1 if self.often(0.1) else 0), self.randrange(count + 2)))
        arguments = [self.any(depth - 1) for _ in range(n)]
        if n < count and self.often(0.3):
            arguments.append(f"p{count - 1}={self.any(depth - 1)}")
        return f"{name}({', '.join(arguments)})"

    def loop_attribute(self):
        if not self.loops:
            return self.name("number")
        return "loop." + self.choice(["index", "index0", "revindex", "length", "first", "last"])

    def expr(self, kind, depth):
        """An expression that mostly gives a value of that kind."""
        if self.often(0.02):
            kind = self.choice(KINDS)
        if depth <= 0:
            return self.leaf(kind)
        return getattr(self, "make_" + {"any": self.choice(KINDS[:-1])}.get(kind, kind))(depth)

    def any(self, depth):
        return self.expr(self.choice(KINDS), depth)

    def leaf(self, kind):
        if kind == "text" and self.often(0.5):
            return self.literal_text()
        if kind == "number" and self.often(0.5):
            return self.literal_number()
        if kind == "number" and self.often(0.2):
            return self.loop_attribute()
        if kind == "bool" and self.often(0.4):
            return self.choice(["true", "false", "True", "False"])
        if kind == "any" and self.often(0.2):
            return self.choice(["none", "[]", "{}", "true", "ns.n", "ns.s", "ns.missing"])
        return self.name(kind)

    def operand(self, kind, depth):
        e = self.expr(kind, depth)
        return f"({e})" if self.needs_brackets(e) else e

    @staticmethod
    def needs_brackets(e):
        """Whether an expression is more than one name, literal or call."""
        level = 0
        quote = ""
        escaped = False
        for c in e:
            if quote:
                if escaped:
                    escaped = False
                elif c == "\\":
                    escaped = True
                elif c == quote:
                    quote = ""
            elif c in "'\"":
                quote = c
            elif c in "([{":
                level += 1
            elif c in ")]}":
                level -= 1
            elif level == 0 and c in " |-+*/~<>=!%":
                return True
        return False

    def maybe(self, e, p=0.3):
        return f"({e})" if self.often(p) else e

    def make_text(self, depth):
        d = depth - 1
        def t():
            return self.operand("text", d)
        def lit():
            return self.literal_text()
        forms = [
            lambda: f"{t()} ~ {self.operand('any', d)}",
            lambda: f"{t()} + {t()}",
            lambda: f"{t()} * {self.choice(['0', '1', '2', '3', '-1', '1.5', 'true'])}",
            lambda: f"{lit()} {lit()}",
            lambda: f"{t()}|{self.choice(['trim', 'upper', 'lower', 'title', 'capitalize'])}",
            lambda: f"{t()}|{self.choice(['string', 'string|reverse', 'first', 'last'])}",
            lambda: f"{t()}|trim({lit()})",
            lambda: f"{t()}|replace({lit()}, {t()})",
            lambda: f"{t()}|replace({lit()}, {lit()}, {self.choice(['0', '1', '2'])})",
            lambda: f"{t()}.replace({lit()}, {t()})",
            lambda: f"{t()}.{self.choice(['strip', 'lstrip', 'rstrip'])}()",
            lambda: f"{t()}.{self.choice(['strip', 'lstrip', 'rstrip'])}({t()})",
            lambda: f"{t()}.{self.choice(['upper', 'lower', 'title'])}()",
            lambda: f"{lit()}.join({self.operand('words', d)})",
            lambda: f"{t()}.join({self.operand('list', d)})",
            lambda: f"{self.operand('list', d)}|join",
            lambda: f"{self.operand('list', d)}|join({t()})",
            lambda: f"{self.operand('objects', d)}|join({lit()}, attribute={self.key()})",
            lambda: f"{self.operand('any', d)}|string",
            lambda: f"{self.operand('any', d)}|tojson{self.json_options()}",
            lambda: f"{self.name('text')}{self.slice(d)}",
            lambda: f"{t()}[{self.index(d)}]",
            lambda: f"{t()}.split({lit()})[{self.index(d)}]",
            lambda: f"{self.name('any')}|default({t()}{self.choice(['', ', true', ', false'])})",
            lambda: self.call(d),
            lambda: self.inline_if("text", d),
            lambda: f"{self.operand('words', d)}|{self.choice(['min', 'max', 'first', 'last'])}",
            lambda: f"{self.name('dict')}.{self.choice(['a', 'b', 'k1', 'name', 'nope'])}",
            lambda: f"{self.name('dict')}[{self.key()}]",
            lambda: f"{t()} {self.choice(['and', 'or'])} {t()}",
        ]
        return self.choice(forms)()

    def make_number(self, depth):
        d = depth - 1
        def n():
            return self.operand("number", d)
        forms = [
            lambda: f"{n()} + {n()}",
            lambda: f"{n()} - {n()}",
            lambda: f"{n()} + {n()} * {self.choice(['2', '3', '0.5', '-1', '0'])}",
            lambda: f"{n()} / {n()}",
            lambda: f"{n()} // {n()}",
            lambda: f"{n()}|int % {n()}",
            lambda: f"{self.choice(['7.5', '-7', '10', '-2.5'])} % {n()}",
            lambda: f"-{n()}",
            lambda: f"-{n()}|abs",
            lambda: f"{n()}|{self.choice(['abs', 'int', 'float', 'round', 'abs'])}",
            lambda: f"{n()}|round({self.choice(['0', '1', '2', '3'])})",
            lambda: f"{n()}|round({self.choice(['0', '1', '2'])}, "
                    f"{self.choice(['floor', 'ceil', 'common'])!r})",
            lambda: f"{self.operand('text', d)}|{self.choice(['int', 'float'])}",
            lambda: f"{self.operand('text', d)}|int({self.literal_number()})",
            lambda: f"{self.operand('any', d)}|{self.choice(['length', 'count'])}",
            lambda: f"{self.operand('text', d)}.{self.choice(['find', 'rfind', 'count'])}"
                    f"({self.operand('text', d)})",
            lambda: f"{self.operand('numbers', d)}|{self.choice(['min', 'max', 'first', 'last'])}",
            lambda: f"{self.operand('list', d)}[{self.index(d)}]",
            lambda: self.loop_attribute(),
            lambda: self.inline_if("number", d),
            lambda: f"range({self.small(d)})[{self.index(d)}]",
        ]
        return self.choice(forms)()

    def make_bool(self, depth):
        d = depth - 1
        def a():
            return self.operand("any", d)
        tests = ["string", "defined", "undefined", "none", "true", "false", "mapping", "iterable",
                 "sequence", "number", "integer", "float", "boolean"]
        compare = ["==", "!=", "<", ">", "<=", ">="]
        def same_kind():
            kind = self.choice(["number", "number", "text", "list", "any"])
            return f"{self.operand(kind, d)} {self.choice(compare)} {self.operand(kind, d)}"
        forms = [
            same_kind,
            same_kind,
            lambda: f"{same_kind()} {self.choice(compare)} {self.operand('number', d)}",
            lambda: f"{a()} {self.choice(['==', '!='])} {a()}",
            lambda: f"not {self.maybe(self.expr('bool', d))}",
            lambda: f"{self.operand('bool', d)} {self.choice(['and', 'or'])} "
                    f"{self.expr('bool', d)}",
            lambda: f"{a()} is {self.choice(['', 'not '])}{self.choice(tests)}",
            lambda: f"{self.name('any')} is {self.choice(['', 'not '])}{self.choice(tests)}",
            lambda: f"{a()} is equalto {a()}",
            lambda: f"{a()} is in {self.operand('list', d)}",
            lambda: f"{self.operand('number', d)} is {self.choice(['odd', 'even'])}",
            lambda: f"{self.operand('text', d)} {self.choice(['in', 'not in'])} "
                    f"{self.operand(self.choice(['text', 'words', 'dict', 'list']), d)}",
            lambda: f"{a()} in {self.operand('list', d)}",
            lambda: f"{self.operand('text', d)}.{self.choice(['startswith', 'endswith'])}"
                    f"({self.operand('text', d)})",
            lambda: f"{self.operand('dict', d)}.items is {self.choice(tests[:9])}",
            lambda: f"{self.lazy()} is {self.choice(tests[:9])}",
            lambda: f"{a()} in {self.lazy()}",
        ]
        return self.choice(forms)()

    def make_list(self, depth):
        d = depth - 1
        def li():
            return self.operand("list", d)
        forms = [
            lambda: "[" + ", ".join(self.any(d) for _ in range(self.randrange(4))) + "]",
            lambda: "(" + "".join(self.any(d) + ", " for _ in range(self.randrange(4))) + ")",
            lambda: f"{li()} + {li()}",
            lambda: f"{li()} * {self.choice(['0', '1', '2', '-1'])}",
            lambda: f"{self.name('list')}{self.slice(d)}",
            lambda: f"{self.operand('text', d)}.split()",
            lambda: f"{self.operand('text', d)}.split({self.literal_text()}"
                    f"{self.choice(['', ', 1', ', 2', ', -1', ', 0'])})",
            lambda: f"{self.operand('any', d)}|list",
            lambda: f"{self.operand('text', d)}|list",
            lambda: f"{self.generator(d)}|list",
            lambda: f"{self.generator(d)}|list",
            lambda: f"{li()}|sort{self.sort_options()}",
            lambda: f"{self.operand('words', d)}|sort{self.sort_options()}",
            lambda: f"{self.operand('objects', d)}|sort(attribute={self.key()})",
            lambda: f"{self.operand('dict', d)}|dictsort" + self.choice(
                ["", "(true)", "(by='value')", "(reverse=true)", "(false, 'value', true)"]),
            lambda: f"{self.operand('dict', d)}.{self.choice(['items', 'keys', 'values'])}()|list",
            lambda: f"range({self.small(d)})|list",
            lambda: f"range({self.small(d)}, {self.small(d)}"
                    f"{self.choice(['', '', ', 2', ', 3', ', -1', ', -1', ', 0'])})|list",
            lambda: self.inline_if("list", d),
        ]
        return self.choice(forms)()

    make_words = make_list
    make_numbers = make_list

    def make_objects(self, depth):
        if self.often(0.5):
            return "[" + ", ".join(self.expr("dict", depth - 1)
                                   for _ in range(self.randrange(3))) + "]"
        return self.name("objects")

    def make_dict(self, depth):
        d = depth - 1
        def pair():
            key = self.key() if self.often(0.9) else self.choice(["1", "true", "none", "1.5"])
            return f"{key}: {self.any(d)}"
        forms = [
            lambda: "{" + ", ".join(pair() for _ in range(self.randrange(4))) + "}",
            lambda: f"dict(a={self.any(d)}, name={self.any(d)})",
            lambda: f"dict({self.name('dict')}, b={self.any(d)})",
            lambda: f"{self.name('objects')}[{self.index(d)}]",
            lambda: f"{self.name('objects')}|{self.choice(['first', 'last'])}",
            lambda: f"{self.name('dict')}.get({self.key()}{self.choice(['', ', {}', ', none'])})",
            lambda: self.inline_if("dict", d),
        ]
        return self.choice(forms)()

    def generator(self, depth):
        """Something that can be walked once, for filters that walk all of it at once."""
        if self.generators and self.often(0.3):
            return self.choice(self.generators)
        d = depth - 1
        key, o = self.key(), self.operand("objects", d)
        forms = [
            lambda: f"{self.operand('list', d)}|map({self.choice(self.MAPPED)!r})",
            lambda: f"{self.operand('words', d)}|map('replace', {self.literal_text()}, 'R')",
            lambda: f"{o}|map(attribute={key})",
            lambda: f"{o}|map(attribute={key}, default={self.literal_text()})",
            lambda: f"{o}|{self.choice(['selectattr', 'rejectattr'])}({key})",
            lambda: f"{o}|{self.choice(['selectattr', 'rejectattr'])}({key}, "
                    f"{self.choice(['defined', 'string', 'none', 'number', 'odd'])!r})",
            lambda: f"{o}|selectattr({key}, 'equalto', {self.expr('any', d)})",
            lambda: f"{o}|selectattr({key}, 'in', {self.operand('list', d)})",
            lambda: f"{self.operand('list', d)}|unique",
            lambda: f"{self.operand('list', d)}|reverse",
            lambda: f"{self.operand('dict', d)}|items",
        ]
        return f"({self.choice(forms)()})"

    def lazy(self):
        """A generator that may be walked later or in part: jinja2 raises only when it comes to the
        wrong item, so nothing is wrong in these."""
        texts = ", ".join(self.literal_text() for _ in range(self.randrange(4)))
        mixed = ", ".join(self.choice(["'a'", "'A'", "1", "2", "1.0", "true", "none", "'b'"])
                          for _ in range(self.randrange(5)))
        dicts = ", ".join("{" + f"{self.key()}: {self.leaf('any')}" + "}"
                          for _ in range(self.randrange(4)))
        return "(" + self.choice([
            f"[{texts}]|map({self.choice(['upper', 'trim', 'length', 'title', 'list'])!r})",
            f"[{mixed}]|map({self.choice(['string', 'tojson', 'int', 'default'])!r})",
            f"[{mixed}]|unique",
            f"[{mixed}]|reverse",
            f"[{dicts}]|{self.choice(['selectattr', 'rejectattr'])}({self.key()})",
            f"[{dicts}]|selectattr({self.key()}, 'defined')",
            f"[{dicts}]|map(attribute={self.key()}, default=0)",
            f"dict(a={self.leaf('any')}, b={self.leaf('any')})|items"]) + ")"

    MAPPED = ["upper", "lower", "trim", "string", "length", "int", "float", "abs", "tojson",
              "title", "first", "list", "join", "capitalize", "default", "round", "max"]

    def inline_if(self, kind, d):
        other = f" else {self.expr(kind, d)}" if self.often(0.8) else ""
        return f"({self.expr(kind, d)} if {self.expr('bool', d)}{other})"

    def key(self):
        return self.choice(["'a'", "'b'", "'k1'", '"name"', "'nope'"])

    def index(self, d):
        if self.often(0.8):
            return self.choice(["0", "1", "-1", "2", "-2", "7"])
        return self.expr(self.choice(["number", "text"]), d)

    def small(self, d):
        return self.choice(["0", "1", "2", "3", "-1", f"{self.operand('number', d)}|int % 5",
                            self.leaf("list") + "|length"])

    def slice(self, d):
        def end():
            return self.choice(["", "", "0", "1", "2", "-1", "-2", "9", "-9", "none"])
        step = self.choice(["", "", "", "", "", ":", ":", ":1", ":2", ":-1", ":-2", ":0"])
        return f"[{end()}:{end()}{step}]"

    def json_options(self):
        return self.choice(["", "", "", "(ensure_ascii=true)", "(indent=2)", "(sort_keys=true)",
                            "(ensure_ascii=false, indent=1)", "(separators=(',', ':'))",
                            "(indent=0, sort_keys=true)"])

    def sort_options(self):
        return self.choice(["", "", "(reverse=true)", "(case_sensitive=true)", "(true)"])

    # Statements

    def new(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    def tag(self, text):
        left = self.choice(["", "", "", "-", "-", "+"])
        right = self.choice(["", "", "", "-", "-", "+"])
        return "{%" + left + " " + text + " " + right + "%}"

    def print(self, e):
        if e.startswith("-") or e.startswith("{") or e.endswith("}"):
            e = f"({e})"
        return "{{" + self.choice(["", "-"]) + " " + e + " " + self.choice(["", "-"]) + "}}"

    def plain(self):
        return self.choice(["", "\n", "\n", " ", "\n  ", "  ", " \n", "\n\n", "x", "y\n", " z ",
                            "\t", "<|im_end|>\n", "\u4e2d", "\r\n", "{ ", "}", "%"])

    def block(self, depth, statements=3):
        return "".join(self.plain() + self.statement(depth)
                       for _ in range(self.randrange(statements + 1))) + self.plain()

    def scoped(self, depth, names=(), **changes):
        """A body with a scope of its own; what is set in it is forgotten after it."""
        kept = {k: getattr(self, k) for k in ("scope", "macros", "generators", "loops", "breaks")}
        self.scope = self.scope + list(names)
        self.macros, self.generators = list(self.macros), list(self.generators)
        for k, v in changes.items():
            setattr(self, k, v)
        body = self.block(depth)
        for k, v in kept.items():
            setattr(self, k, v)
        return body

    def statement(self, depth):
        if depth <= 0 or self.often(0.35):
            if self.often(0.1):
                return self.comment()
            e = self.any(self.randrange(5))
            return self.print(f"({e})|safe" if self.often(0.03) else e)
        d = depth - 1
        forms = [self.make_if] * 3 + [self.make_for] * 3 + [self.make_set] * 3 + [
            self.make_namespace, self.make_set_block, self.make_macro, self.make_call_block,
            self.make_generation, self.make_raw, self.make_break, self.make_generator,
            self.make_unpack, self.make_raise]
        return self.choice(forms)(d)

    def comment(self):
        return "{#" + self.choice(["", "-"]) + " {{ no }} " + self.choice(["", "-"]) + "#}"

    def make_if(self, d):
        out = self.tag("if " + self.expr("bool", self.randrange(4))) + self.block(d)
        while self.often(0.25):
            out += self.tag("elif " + self.expr("bool", self.randrange(3))) + self.block(d)
        if self.often(0.5):
            out += self.tag("else") + self.block(d)
        return out + self.tag("endif")

    def make_for(self, d):
        depth = self.randrange(3)
        names = [self.new("v")]
        r = self.random()
        if r < 0.2:
            names.append(self.new("v"))
            over = self.operand("dict", depth)
            over += self.choice([".items()", "|items|list", "|dictsort"])
        elif r < 0.35:
            over = self.lazy()
        elif r < 0.45:
            over = f"range({self.small(depth)})"
        else:
            over = self.operand(self.choice(["list", "list", "text", "dict", "any"]), depth)
        if self.often(0.1):
            names[0] = self.choice(list(GIVEN))
        where = ""
        if self.often(0.2):
            kept, self.loops = self.loops, False
            scope, self.scope = self.scope, self.scope + names
            where = " if " + self.expr("bool", depth)
            self.loops, self.scope = kept, scope
        out = self.tag(f"for {', '.join(names)} in {over}{where}")
        extra = ""
        if self.often(0.1):
            attribute = self.choice(["previtem", "nextitem"])
            extra = self.print(f"loop.{attribute}|default('none')")
        out += extra + self.scoped(d, names, loops=True, breaks=True)
        if self.often(0.25):
            out += self.tag("else") + self.scoped(d, loops=False, breaks=False)
        return out + self.tag("endfor")

    def make_set(self, d):
        if self.often(0.15):
            name = self.choice(["s", "n", "l", "any"])
            return self.tag(f"set {name} = {name} if {self.expr('bool', 1)} else {self.any(2)}")
        value = self.any(self.randrange(5))
        name = self.choice(self.scope) if self.scope and self.often(0.3) else self.new("a")
        if name not in self.scope:
            self.scope = self.scope + [name]
        return self.tag(f"set {name} = {value}")

    def make_unpack(self, d):
        names = [self.new("a"), self.new("a")]
        values = f"{self.any(2)}, {self.any(2)}" if self.often(0.9) else self.expr("list", 1)
        self.scope = self.scope + names
        return self.tag(f"set {', '.join(names)} = {values}")

    def make_namespace(self, d):
        return self.choice([
            lambda: self.tag("set ns.n = ns.n + 1"),
            lambda: self.tag("set ns.s = ns.s ~ " + self.literal_text()),
            lambda: self.tag(f"set ns.b = {self.expr('bool', 2)}"),
            lambda: self.tag(f"set ns.b = {self.name('any')} is defined") + self.print("ns.b"),
            lambda: self.tag(f"set {self.name('any')}.x = 1") if self.often(0.2)
            else self.print("ns.n ~ ns.s"),
        ])()

    def make_set_block(self, d):
        name = self.new("a")
        body = self.scoped(d, breaks=False)
        self.scope = self.scope + [name]
        end = self.choice(["", "", "|trim", "|upper"])
        return self.tag(f"set {name}{end}") + body + self.tag("endset")

    def make_macro(self, d):
        name, count = self.new("m"), self.randrange(4)
        head = []
        for i in range(count):
            default = f"={self.leaf(self.choice(KINDS))}" if i >= count - 1 and self.often(0.5) \
                else ""
            head.append(f"p{i}{default}")
        names = [f"p{i}" for i in range(count)]
        body = self.scoped(d, names, loops=False, breaks=False)
        self.macros = self.macros + [(name, count)]
        return self.tag(f"macro {name}({', '.join(head)})") + body + self.tag("endmacro")

    def make_call_block(self, d):
        name = self.new("m")
        inside = self.scoped(d, loops=False, breaks=False)
        caller = self.choice(["{{ caller() }}", "{{ caller()|upper }}{{ caller() }}", ""])
        out = self.tag(f"macro {name}()") + inside + caller + self.tag("endmacro")
        return out + self.tag(f"call {name}()") + self.scoped(d, loops=False, breaks=False) + \
            self.tag("endcall")

    def make_generation(self, d):
        return self.tag("generation") + self.scoped(d, breaks=False) + self.tag("endgeneration")

    def make_raw(self, d):
        body = self.choice(["{{ x }}", " {% if %}\n", "{# c", "plain", "\n }} \n"])
        return self.tag("raw").replace("+%}", "%}") + body + self.tag("endraw")

    def make_break(self, d):
        if not self.breaks:
            return self.print(self.any(2))
        word = self.tag(self.choice(["break", "continue"]))
        return self.tag("if " + self.expr("bool", 2)) + word + self.tag("endif")

    def make_generator(self, d):
        """A name for a generator, used more than once."""
        name = self.new("g")
        out = self.tag(f"set {name} = {self.lazy()}")
        self.generators = self.generators + [name]
        uses = ["|list", "|join('+')", "|first", "|length", " is iterable", "|sort", "|tojson",
                "|max", "|unique|list", "|map('string')|join", "|last"]
        for _ in range(self.randrange(4)):
            out += self.print(name + self.choice(uses[:3] if self.often(0.7) else uses))
        return out

    def make_raise(self, d):
        if self.often(0.8):
            return self.print(self.any(3))
        return self.tag("if " + self.expr("bool", 1)) + \
            self.print(f"raise_exception({self.expr('text', 1)})") + self.tag("endif")

    def template(self):
        self.scope, self.macros, self.generators = [], [], []
        self.loops = self.breaks = False
        self.count = 0
        head = "{% set ns = namespace(n=0, s='', b=false) %}"
        body = "".join(self.plain() + self.statement(4) for _ in range(self.randrange(1, 6)))
        return head + body + self.plain()


# ------------------------------------------------------------------------------------------------

def show(line, got, want):
    return (f"  {line}\n    jinja2 {json.dumps(want, ensure_ascii=False)}\n"
            f"    got    {json.dumps(got, ensure_ascii=False)}")


def compare(name, lines, wanted, a):
    """lines whole, as a reader would feed them; a template is sent only where it changes"""
    sent, last = [], None
    for template, variables in lines:
        head = "" if template == last else f'"template": {jinja.dumps_spelled(template)}, '
        sent.append(f'{{{head}"variables": {variables}}}')
        last = template
    answers, why = jinja.run(a.program, sent)
    wrong = [i for i, (got, want) in enumerate(zip(answers, wanted)) if jinja.differs(got, want)]
    errors = sum("error" in w for w in wanted)
    if not wrong and not why:
        print(f"ok - {name} ({len(lines)}, {errors} of them errors)")
        return 0
    print(f"not ok - {name}: {len(wrong)} of {len(lines)} differ, {errors} are errors")
    if why:
        print(f"  {why}")
    for i in sorted(wrong, key=lambda i: len(lines[i][0]) + len(lines[i][1]))[:a.show]:
        template, variables = lines[i]
        line = f'{{"template": {jinja.dumps_spelled(template)}, "variables": {variables}}}'
        print(show(line, answers[i], wanted[i]))
    return 1


def conversations(reference, paths, a):
    failed = 0
    for path in paths:
        rng = Conversations(f"{a.seed} {os.path.basename(path)}")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        template = reference.compile(text)
        lines = [(text, rng.write(rng.variables())) for _ in range(a.count)]
        wanted = [reference.render(template, json.loads(v)) for _, v in lines]
        failed += compare(f"jinja random: {os.path.basename(path)}", lines, wanted, a)
    return failed


def templates(reference, a):
    rng = Grammar(f"{a.seed} templates")
    lines, wanted = [], []
    for _ in range(a.templates):
        text = rng.template()
        variables = jinja.dumps_spelled(rng.variables())
        lines.append((text, variables))
        wanted.append(reference.render(reference.compile(text), json.loads(variables)))
    return compare("jinja random: templates", lines, wanted, a)


def cased(a):
    """Where qw means to differ: letters with cases outside of ASCII."""
    rng = Random(f"{a.seed} cased")
    lines = []
    for _ in range(100):
        word = rng.choice(["upper", "lower", "title", "capitalize"])
        use = "|" + word if word == "capitalize" or rng.often(0.5) else f".{word}()"
        letter = rng.choice("\xe9\xc9\u0436\u0416\u03c9\xdf\u0130\U00010400")
        text = rng.text(3) + letter + rng.text(3)
        lines.append(("{{ x" + use + " }}", json.dumps({"x": text})))
    return compare("jinja random: cased letters", lines, [{"error": ""}] * len(lines), a)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--templates", type=int, default=2000)
    p.add_argument("--seed", default="1")
    p.add_argument("--show", type=int, default=5, help="differences that are printed")
    p.add_argument("--program", default=jinja.program())
    p.add_argument("--golden", default=jinja.GOLDEN)
    a = p.parse_args()
    try:
        reference = jinja.Reference()
    except ImportError as e:
        print(f"skip - jinja random: python3 has no jinja2 ({e})")
        return 0
    shared = sorted(glob.glob(os.path.join(a.golden, "*.jinja")))
    failed = 0
    if a.count:
        failed += conversations(reference, sorted(glob.glob(TEMPLATES)) + shared, a)
    if a.count and not shared:
        print(f"skip - jinja random: no templates in {a.golden}")
    if a.templates:
        failed += templates(reference, a)
        failed += cased(a)
    print(f"  seed {a.seed}, jinja2 {reference.version}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
