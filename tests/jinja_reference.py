"""What the Jinja tests share: jinja2 set up as transformers' apply_chat_template does, JSON whose
numbers keep their spelling, and $BUILD/render_jinja fed with all its lines at once."""
import datetime
import json
import os
import re
import subprocess

DAY = "2025-11-27"  # the date where a line gives none; the clock stands at 12:00:00
GOLDEN = "../shared/golden/templates"
DEFAULTS = {"tools": None, "documents": None, "add_generation_prompt": False,
            "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
NUMBER = "\ue0f0number "


def loads_spelled(text):
    """JSON in which a number is a string that remembers how it was written."""
    return json.loads(text, parse_float=lambda s: NUMBER + s, parse_int=lambda s: NUMBER + s)


def dumps_spelled(value, **options):
    """The other way; what is invisible is escaped, so that every editor keeps it."""
    text = json.dumps(value, ensure_ascii=False, **options)
    text = re.sub(f'"{NUMBER}([^"]*)"', r"\1", text)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


class Reference:
    """jinja2; ImportError where it is missing."""

    def __init__(self):
        import jinja2
        from jinja2 import nodes
        from jinja2.ext import Extension, loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Generation(Extension):
            """A tag around what the assistant wrote; its body has a scope of its own."""
            tags = {"generation"}

            def parse(self, parser):
                line = next(parser.stream).lineno
                body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
                call = nodes.CallBlock(self.call_method("body"), [], [], body)
                return call.set_lineno(line)

            def body(self, caller):
                return caller()

        def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
            return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                              sort_keys=sort_keys)

        def raise_exception(message):
            raise jinja2.exceptions.TemplateError(message)

        self.version = jinja2.__version__
        self.env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                 extensions=[loopcontrols, Generation])
        self.env.filters["tojson"] = tojson
        self.env.globals["raise_exception"] = raise_exception
        self.env.globals["strftime_now"] = lambda form: self.now.strftime(form)
        self.day(DAY)

    def day(self, date):
        self.now = datetime.datetime.fromisoformat(date + " 12:00:00")

    def compile(self, text):
        """A template, or the exception that says why it is none."""
        try:
            return self.env.from_string(text)
        except Exception as e:
            return e

    def render(self, template, variables):
        """{"text": ...} or {"error": ...} of a compiled template"""
        if isinstance(template, Exception):
            return {"error": f"{type(template).__name__}: {template}"}
        try:
            return {"text": template.render(**variables)}
        except Exception as e:
            return {"error": f"{type(e).__name__}: {e}"}


def program():
    return os.path.join(os.environ.get("BUILD", ".build"), "render_jinja")


def run(path, lines):
    """The answers to lines of JSON, and why there are fewer ("" if there are not)."""
    data = "".join(line + "\n" for line in lines).encode()
    try:
        done = subprocess.run([path], input=data, capture_output=True)
    except OSError as e:
        return [], f"{path}: {e.strerror}"
    answers = []
    for raw in done.stdout.split(b"\n")[:-1]:
        try:
            answers.append(json.loads(raw))
            if not isinstance(answers[-1], dict):
                raise ValueError("not an object")
        except ValueError as e:
            return answers, f"answer {len(answers) + 1} is not JSON ({e}): {raw[:300]!r}"
    if len(answers) != len(lines) or done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-1000:]
        why = (f"{path} ended with {done.returncode} after {len(answers)} of {len(lines)} lines: "
               f"{said}")
        if len(answers) < len(lines):
            why += f"\n  stopped at: {lines[len(answers)]}"
        return answers, why
    return answers, ""


def differs(got, want):
    """Whether an answer is another text, or an error on one side only."""
    if "error" in want:
        return "error" not in got
    return got.get("text") != want["text"]


def marked(answer):
    """The bytes of a text, and for each byte whether the template wrote it."""
    data = answer["text"].encode()
    mask = bytearray(len(data))
    for begin, end in answer["control"]:
        if not 0 <= begin <= end <= len(data):
            raise ValueError(f"range {begin}, {end} in a text of {len(data)} bytes")
        mask[begin:end] = b"\1" * (end - begin)
    return data, mask
