#!/usr/bin/env python3
"""Renders templates that try to exceed the bounds, each in a process of its own: text or an error
must come within a second and 64 MB, whatever the template does.

    tests/jinja_hostile.py [--show] [--write FOLDER] [NAME...]        (from the project's root)

NAME: only the cases whose names contain one of these. --show: a line for each case. --write: store
their inputs, a line of JSON each. Of the groups that take minutes a part is run, all of them with
QW_CI=1 or a NAME."""
import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
import zlib

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
BUILD = os.environ.get("BUILD") or open(".build/last").read().strip()
PROGRAM = os.path.join(BUILD, "render_jinja")
SANITIZED = any(word in BUILD for word in ("address", "undefined", "thread"))
SLOW = int(os.environ.get("QW_SLOW", "1"))
SECONDS = 1.0 * SLOW
MEGABYTES = 64
TEMPLATE_BYTES = 100_000
ONE_OF = {"growth": 8, "loops": 4}      # how many cases of these groups are run
INT_MIN, INT_MAX = -2**63, 2**63 - 1

# What must come of a case: anything that is not a crash, an error, or text. A string: that text or
# an error.
ANY, ERROR, TEXT = object(), object(), object()


def fill(piece, most=TEMPLATE_BYTES - 200):
    """The piece as often as the bound allows; {n} in it counts up."""
    out, used = [], 0
    for n in range(most):
        one = piece.replace("{n}", str(n))
        used += len(one.encode())
        if used > most:
            break
        out.append(one)
    return "".join(out)


def ns(name, start, body, then, times=100_000):
    """A value that grows in a loop, and what is done with it afterwards."""
    inner = min(times, 100_000)
    outer = max(1, times // inner)
    return (f"{{% set ns = namespace({name}={start}) %}}"
            f"{{% for i in range({outer}) %}}{{% for j in range({inner}) %}}"
            f"{{% set ns.{name} = {body} %}}{{% endfor %}}{{% endfor %}}{then}")


def nesting():
    """Depth of expressions and statements."""
    for opening, middle, closing in (("(", "1", ")"), ("[", "", "]"), ("{1:", "1", "}"),
                                     ("(1,", "1", ")"), ("f(", "", ")"), ("[1][", "0", "]"),
                                     ("'a'|join(", "'b'", ")"), ("1 is sameas(", "1", ")"),
                                     ("1 if (", "1", ") else 2"), ("2**(", "1", ")"),
                                     ("[] in [", "1", "]"), ("dict(a=", "1", ")")):
        for depth in (150, 3000, 10_000):
            most = (TEMPLATE_BYTES - 100) // (len(opening) + len(closing))
            depth = min(depth, most)
            yield (f"nested {opening} {depth} deep",
                   "{{ " + opening * depth + middle + closing * depth + " }}", None,
                   ANY if depth == 150 else ERROR)
        yield f"unclosed {opening}", "{{ " + fill(opening), None, ERROR
        if closing:
            yield f"only closed {closing}", "{{ " + fill(closing) + " }}", None, ERROR
    for word in ("not ", "-", "+", "- ", "not -", "-+", "*", "**", "~", "!", "()", "[]", "{}"):
        yield f"prefix {word}", "{{ " + fill(word) + "1 }}", None, ANY
    for word in (".a", "['a']", "[0]", "()", "(a)", "|trim", "|length", "|default(1)", " is odd",
                 " is not odd", "[::-1]", "[:]", "[1:]", ".b()", "|join()|list"):
        for first in ("a", "'a'", "[]", "(1)"):
            yield f"postfix {first} {word}", "{{ " + first + fill(word) + " }}", None, ANY
    for word in ("+1", "-1", "*1", "/1", "//1", "%1", "**1", "~1", "==1", "!=1", "<1", ">=1",
                 " and 1", " or 0", " in 1", " not in 1", " if 1", " if 1 else 1", " if 0 else 1",
                 "+'a'", "~'a'", "+[1]", ",1", " 'a'", ":1", "=1", ";1", " is 1"):
        for first in ("1", "'a'", "[]"):
            yield f"chain {first} {word}", "{{ " + first + fill(word) + " }}", None, ANY
    yield "strings side by side", "{{ " + fill("'a' ") + " }}", None, ANY
    for name, opening, closing in (
            ("if", "{% if 1 %}", "{% endif %}"), ("else", "{% if 0 %}{% else %}", "{% endif %}"),
            ("for", "{% for a in [1] %}", "{% endfor %}"),
            ("for else", "{% for a in [] %}{% else %}", "{% endfor %}"),
            ("macro", "{% macro f() %}", "{% endmacro %}"),
            ("call", "{% call f() %}", "{% endcall %}"),
            ("set", "{% set a %}", "{% endset %}"),
            ("filter", "{% filter trim %}", "{% endfilter %}"),
            ("with", "{% with a = 1 %}", "{% endwith %}"),
            ("block", "{% block a %}", "{% endblock %}"),
            ("generation", "{% generation %}", "{% endgeneration %}"),
            ("raw", "{% raw %}", "{% endraw %}"), ("comment", "{# ", " #}")):
        most = (TEMPLATE_BYTES - 100) // (len(opening) + len(closing))
        for depth in (60, 1000, most):
            yield (f"nested {name} {depth} deep", opening * depth + "x" + closing * depth, None,
                   ANY)
        yield f"unclosed {name}", fill(opening), None, ERROR
        yield f"closed {name}", "{% if 1 %}x{% endif %}" + fill(closing), None, ANY
        yield f"row of {name}", fill(opening + "x" + closing), None, ANY
    yield "elif chain", "{% if 0 %}" + fill("{% elif 0 %}") + "{% endif %}", None, ANY
    yield "else chain", "{% if 0 %}" + fill("{% else %}") + "{% endif %}", None, ERROR
    yield "elif without if", fill("{% elif 1 %}"), None, ERROR
    deep = "(" * 60 + "f(n)" + ")" * 60
    yield ("recursion inside nesting",
           "{% macro f(n) %}" + "{% if 1 %}" * 60 + "{{ " + deep + " }}" + "{% endif %}" * 60 +
           "{% endmacro %}{{ f(1) }}", None, ERROR)
    for n in (12, 200):
        loops = "".join(f"{{% for x{i} in [[1]] %}}" for i in range(n)) + "x"
        yield f"recursion inside {n} loops", (
            "{% macro f() %}" + loops + "{{ f() }}" + "{% endfor %}" * n +
            "{% endmacro %}{{ f() }}"), None, ERROR


def lexing():
    """Texts that are hardly templates."""
    for name, text in (
            ("expression", "{{"), ("statement", "{%"), ("comment", "{#"), ("trimmed", "{%-"),
            ("raw", "{% raw %}"), ("raw with a tag", "{% raw %}{% endraw"), ("string", "{{ 'a"),
            ("string with a backslash", "{{ '\\"), ("escaped quote", "{{ 'a\\' }}"),
            ("other quote", "{{ \"a' }}"), ("name", "{{ a"), ("number", "{{ 1."),
            ("filter", "{{ a| }}"), ("test", "{{ a is }}"), ("dot", "{{ a. }}"),
            ("bracket", "{{ a[ }}"), ("slice", "{{ a[1: }}"), ("call", "{{ f(a= }}"),
            ("dict", "{{ {'a': }}"), ("tag", "{% if %}"), ("for", "{% for %}"),
            ("for in", "{% for a in %}"), ("set", "{% set %}"), ("set =", "{% set a = %}"),
            ("macro", "{% macro %}"), ("macro (", "{% macro f( %}"), ("call", "{% call %}"),
            ("end", "{% endif %}"), ("unknown tag", "{% nothing %}"), ("closing", "}} %} #}")):
        yield f"unterminated {name}", text, None, ANY
        yield f"unterminated {name}, many", fill(text), None, ANY
        yield f"unterminated {name}, late", "\n" * 90_000 + text, None, ANY
    for code in (0, 1, 0x1B, 0x7F, 0x85, 0xA0, 0xAD, 0x2028, 0xFEFF, 0xFFFE, 0x1F600, 0x10FFFF):
        c = chr(code)
        for name, text in (("text", c), ("expression", "{{ " + c + " }}"),
                           ("string", "{{ '" + c + "'|length }}"), ("statement", "{% " + c + "%}"),
                           ("comment", "{#" + c + "#}"), ("name", "{{ a" + c + "b }}"),
                           ("repr", "{{ ['" + c + "'] }}"), ("json", "{{ '" + c + "'|tojson }}"),
                           ("capitals", "{{ '" + c + "'.upper() }}")):
            yield f"U+{code:04X} in {name}", text, None, ANY
    for text in ("\\x", "\\x4", "\\xZZ", "\\u", "\\u12", "\\uD800", "\\ud83d\\ude00", "\\U",
                 "\\U00110000", "\\UFFFFFFFF", "\\N", "\\N{", "\\N{DASH}", "\\777", "\\400",
                 "\\0", "\\8", "\\q", "\\\n", "\\\\", "\\\\\\", "\\"):
        for use in ("{{ 'S' }}", "{{ 'S'|length }}", "{{ ['S'] }}", "{{ 'S'|tojson }}"):
            yield f"escape {text!r} in {use}", use.replace("S", text), None, ANY
    yield "backslashes", "{{ '" + "\\" * 90_000 + "' }}", None, ANY
    yield "backslashes and a quote", "{{ '" + "\\" * 90_001 + "' }}", None, ERROR
    for name, digits in (
            ("whole", "1" * 90_000), ("with zeros before", "0" * 90_000 + "1"),
            ("fraction", "1." + "1" * 90_000), ("exponent", "1e" + "9" * 90_000),
            ("negative exponent", "1e-" + "9" * 90_000), ("1e309", "1e309"),
            ("1e-400", "1e-400"), ("underscores", "1" + "_1" * 40_000), ("__", "1__1"),
            ("_", "1_"), ("hexadecimal", "0x" + "f" * 90_000), ("0x", "0x"),
            ("octal", "0o" + "7" * 90_000), ("binary", "0b" + "1" * 90_000), ("09", "09"),
            ("many points", "1" + ".1" * 30_000), ("1e", "1e"), ("1.e5", "1.e5")):
        for use in ("N", "-N", "N + 1", "N|tojson", "N == N", "{N: 1}", "N|int", "N|float",
                    "N|string|length", "'a' * N", "[1][N]", "range(N)", "N|abs", "N|round",
                    "N is odd", "N|int * N"):
            yield f"number, {name}, {use}", "{{ " + use.replace("N", digits[:45_000]) + " }}", \
                None, ANY
    blank = " " * 300
    for name, piece in (
            ("comments", "{##}"), ("comments on lines", "{# #}\n"), ("empty tags", "{{}}"),
            ("raw blocks", "{%raw%}{%endraw%}"), ("trimmed", "{{- '' -}}\n \n"),
            ("blanks before tags", blank + "{% if 1 %}" + blank + "{% endif %}"),
            ("blanks trimmed", blank + "{%- if 1 -%}" + blank + "{%- endif -%}" + blank),
            ("kept with +", blank + "{%+ if 1 +%}" + blank + "{%+ endif +%}"),
            ("braces", "{ "), ("{", "{"), ("}", "}"), ("percent", "{%%}"), ("lines", "\r\n"),
            ("carriage returns", "\r"), ("quotes", "'"), ("expressions", "{{ 1 }}"),
            ("names", "{{ a{n} }}"), ("names set", "{% set a{n} = {n} %}{{ a{n} }}"),
            ("strings", "{{ 's{n}' }}"), ("macros", "{% macro m{n}() %}{% endmacro %}"),
            ("unknown filters", "{{ 1 if 1 else 1|f{n} }}"),
            ("unknown tests", "{{ 1 if 1 else 1 is t{n} }}"),
            ("unknown functions", "{{ 1 if 1 else f{n}() }}"),
            ("unknown methods", "{{ 1 if 1 else a.m{n}() }}")):
        yield f"many {name}", fill(piece), None, ANY
    yield "one long name", "{{ " + "a" * 90_000 + " }}", None, ANY
    yield "one long string", "{{ '" + "a" * 90_000 + "' }}", None, ANY
    yield "one long text", "a" * 99_000, None, TEXT
    yield "blanks, then a comment", " " * 90_000 + "{#- #}", None, ANY
    yield "strings in a list", "{{ [" + fill("'{n}',") + "]|length }}", None, ANY
    yield "names in a list", "{{ [" + fill("n{n},") + "]|length }}", None, ANY
    yield "keys of a dict", "{{ {" + fill("{n}:1,") + "}|length }}", None, ANY
    yield "equal keys", "{{ {" + fill("1:{n},") + "}|length }}", None, ANY
    for step in (2**16, 2**32, 2**50):
        pairs = ",".join(f"{i * step}:1" for i in range(4000))
        yield f"keys {step} apart", "{{ {" + pairs + "}|length }}", None, ANY
        yield f"float keys {step} apart", "{{ {" + pairs.replace(":", ".5:") + "}|length }}", \
            None, ANY
    yield "arguments", "{{ f(" + fill("1,") + ") }}", None, ANY
    yield "keyword arguments", "{{ dict(" + fill("a{n}=1,") + ")|length }}", None, ANY
    yield "attributes", "{% set ns = namespace(" + fill("a{n}=1,") + ") %}{{ ns.a9 }}", None, ANY
    yield "parameters", "{% macro f(" + fill("a{n},") + "a) %}{% endmacro %}{{ f(1) }}", None, ANY
    yield "parameters of one name", "{% macro f(" + fill("a,") + "a) %}{% endmacro %}{{ f(1) }}", \
        None, ANY
    yield "defaults", "{% macro f(" + fill("a{n}={n},") + "a=1) %}{% endmacro %}{{ f() }}", \
        None, ANY
    yield "targets", "{% for " + fill("a{n},") + "a in [[1]] %}{% endfor %}", None, ERROR
    yield "targets nested", "{% set " + "(" * 40_000 + "a" + ",)" * 20_000 + " = 1 %}", None, ERROR


DOUBLING = (
    ("string", "'x'", "ns.v ~ ns.v"), ("string +", "'x'", "ns.v + ns.v"),
    ("string *", "'x'", "ns.v * 2"), ("join", "'x'", "[ns.v, ns.v]|join"),
    ("method join", "'x'", "ns.v.join([ns.v, ns.v])"),
    ("replace", "'x'", "ns.v.replace('x', 'xx')"), ("filter replace", "'x'",
                                                   "ns.v|replace('x', 'xx')"),
    ("replace of nothing", "'x'", "ns.v.replace('', 'xx')"),
    ("json", "'\"'", "ns.v|tojson"), ("json of lists", "[1]", "[ns.v, ns.v]|tojson"),
    ("escapes", "'&'", "(ns.v|e)|string"), ("repr", "\"'\"", "[ns.v, ns.v]|string"),
    ("list", "[1]", "ns.v + ns.v"), ("list *", "[1]", "ns.v * 2"), ("tuple", "(1,)", "ns.v + ns.v"),
    ("tree", "[]", "[ns.v, ns.v]"), ("tree of tuples", "()", "(ns.v, ns.v)"),
    ("tree of dicts", "{}", "{'a': ns.v, 'b': ns.v}"),
    ("tree of namespaces", "1", "namespace(a=ns.v, b=ns.v)"),
    ("number *", "3", "ns.v * ns.v"), ("number +", "3", "ns.v + ns.v"),
    ("number **", "3", "ns.v ** 3"), ("number -", "-3", "ns.v + ns.v"),
    ("float", "3.5", "ns.v * ns.v"), ("indent", "'x\n'", "ns.v|indent(9, true) ~ ns.v"),
    ("reversed", "'xy'", "ns.v[::-1] ~ ns.v"), ("text of a loop", "'x'", "ns.v ~ (ns.v|list|join)"),
)
AFTER = (
    ("printed", "{{ ns.v }}"), ("as json", "{{ ns.v|tojson }}"), ("indented",
                                                                  "{{ ns.v|tojson(indent=2) }}"),
    ("compared", "{{ ns.v == [ns.v] }}{{ ns.v == ns.v }}"), ("ordered", "{{ ns.v < [ns.v] }}"),
    ("as a key", "{{ {ns.v: 1}|length }}"), ("in a tuple as a key", "{{ {(ns.v, 1): 1}|length }}"),
    ("as text", "{{ ns.v|string|length }}"), ("in itself", "{{ ns.v in ns.v }}"),
    ("sorted", "{{ [ns.v, ns.v]|sort|length }}"), ("unique", "{{ [ns.v, ns.v]|unique|list }}"),
    ("largest", "{{ [ns.v, ns.v]|max }}"), ("reversed", "{{ ns.v|reverse|list|length }}"),
    ("joined", "{{ [ns.v]|join|length }}"), ("walked", "{% for a in ns.v %}{{ a }}{% endfor %}"),
    ("counted", "{{ ns.v|length }}"), ("summed", "{{ [ns.v, ns.v]|sum }}"),
    ("replaced", "{{ ns.v.replace('x', 'y')|length }}"), ("split", "{{ ns.v.split('x')|length }}"),
    ("cut", "{{ ns.v[1:]|length }}"), ("taken", "{{ ns.v[0] }}{{ ns.v[-1] }}"),
    ("raised", "{{ raise_exception(ns.v) }}"), ("read as json", "{{ ns.v|string|from_json }}"),
    ("equal to another", "{% set o = ns.v %}{{ [o] == [ns.v] }}{{ o != ns.v }}"),
)


def growth():
    """Values that grow until something ends it."""
    for name, start, body in DOUBLING:
        yield f"doubled {name}", ns("v", start, body, "x", 100), None, ANY
        for times in (14, 20):
            for then_name, then in AFTER:
                yield f"doubled {name} {times} times, {then_name}", \
                    ns("v", start, body, then, times), None, ANY
    # Two of the same shape that share nothing with each other.
    for leaf, body in (("[]", "[V, V]"), ("()", "(V, V)"), ("{}", "{1: V, 2: V}")):
        two = "{% set ns = namespace(a=L, b=L) %}{% for i in range(50) %}{% set ns.a = A %}" \
              "{% set ns.b = B %}{% endfor %}"
        two = two.replace("L", leaf).replace("A", body.replace("V", "ns.a"))
        two = two.replace("B", body.replace("V", "ns.b"))
        for use in ("ns.a == ns.b", "ns.a != ns.b", "ns.a in [ns.b]", "[ns.a, ns.b]|unique|list",
                    "ns.a < ns.b", "[ns.a, ns.b]|sort", "{ns.a: 1, ns.b: 2}", "[ns.a].count(ns.b)"):
            yield f"trees of {leaf}: {use}", two + "{{ " + use + " }}", None, ANY
    for name, start, body in (("list", "[]", "[ns.v]"), ("tuple", "()", "(ns.v,)"),
                              ("dict", "{}", "{'a': ns.v}"), ("key", "()", "{(1,): ns.v}"),
                              ("namespace", "1", "namespace(a=ns.v)"), ("view", "{}",
                                                                        "{1: ns.v}.items()"),
                              ("generator", "[]", "[ns.v]|map('list')"),
                              ("slice", "[1]", "[ns.v][:]"), ("markup", "'a'", "ns.v|safe"),
                              ("range", "[1]", "[ns.v, range(3)]")):
        for times in (190, 1000, 100_000, 1_000_000):
            for then_name, then in AFTER:
                yield f"{times} {name} deep, {then_name}", ns("v", start, body, then, times), \
                    None, ANY
    for name, start in (("itself", "{% set ns.a = ns %}"), ("a list", "{% set ns.a = [ns] %}"),
                        ("a dict", "{% set ns.a = {'n': ns} %}"), ("a tuple",
                                                                   "{% set ns.a = (ns, ns) %}")):
        for use in ("ns", "ns.a", "ns.a|tojson", "ns == ns.a", "ns.a == [ns]", "{ns.a: 1}",
                    "[ns.a, ns.a]|sort", "ns.a|string|length", "ns.a in ns.a", "ns.a|join",
                    "ns.a|list|length", "ns.a.a.a.n", "[ns.a]|unique|list", "{(ns.a, 1): 1}",
                    "dict(ns.a)", "ns|length", "ns|items|list"):
            yield f"namespace in {name}: {use}", \
                "{% set ns = namespace() %}" + start + "{{ " + use + " }}", None, ANY
    for name, body in (("strings", "'a' * 400"), ("lists", "[0] * 50"), ("dicts", "{1: 2}"),
                       ("ranges", "range(5)|list"), ("slices", "('a' * 90)[3:80]"),
                       ("namespaces", "namespace(a=1)"), ("json", "[1, 'a', none]|tojson"),
                       ("lambdas", "[3]|map('string')"), ("parsed", "'[1, 2, [3]]'|from_json")):
        yield f"garbage of {name}", ("{% for i in range(100000) %}{% set x = " + body +
                                     " %}{% endfor %}"), None, ANY


def sizes():
    """One operation that would be too large."""
    for n in (10**5, 10**6, 10**7, 10**9, 10**10, 10**18, INT_MAX, 10**19, -1, -10**18, INT_MIN):
        for use in ("('x' * N)|length", "(N * 'é')|length", "([0] * N)|length", "((1, 2) * N)[0]",
                    "('' * N)|length", "([] * N)|length", "range(N)|length", "range(N)|list|length",
                    "range(0, N, 10**17)|list|length", "range(N, 0)|length", "range(N)|sum",
                    "range(0, N, -1)|length", "range(N)[-1]", "range(-N, N, N)|list",
                    "[1, [2]]|tojson(indent=N)|length", "'a\nb'|indent(N)|length",
                    "'a b'.split(' ', N)", "'a b'.rsplit(' ', N)", "'aaa'.replace('a', 'b', N)",
                    "'a'.ljust(N)|length", "'a'.rjust(N)|length", "'a'.center(N)|length",
                    "'a'.zfill(N)|length", "'a\tb'.expandtabs(N)|length", "'a'|center(N)|length",
                    "'a b'|wordwrap(N)", "'a b c'|truncate(N)", "[1, 2]|batch(N)|list",
                    "[1, 2]|batch(N, 0)|list|length", "[1, 2]|slice(N)|list|length",
                    "2.5|round(N)", "25|round(N)", "(0 - 1.5)|round(N, 'ceil')", "1e300|round(N)",
                    "'%Nd' % 1", "'%-Ns' % 'a'", "'%.Nf' % 1", "'%Nc' % 65", "'%0Nx' % 1",
                    "'%*d' % (N, 1)", "'%s' % N", "'%s'|format(N)", "'{:N}'.format(1)",
                    "'{:>N}'.format('a')", "'{N}'.format(1)", "'{0[N]}'.format([1])",
                    "'abc'[N]", "'abc'[N:]", "'abc'[:N]", "'abc'[::N]", "'abc'[N:N:N]",
                    "'abc'[-N:N:-N]", "[1, 2][N]", "[1, 2][N:]", "[1, 2][::N]", "[1, 2][::-N]",
                    "(1, 2)[:N]", "'a'|int(N)", "'a'|int(1, N)", "'11'|int(0, N)", "N|int(0, N)",
                    "'a'.startswith('a', N)", "'abc'.find('c', N)", "'abc'.find('c', 0, N)",
                    "'abc'.count('c', N, N)", "N|string", "N|float", "N|float|int", "N|tojson",
                    "N|filesizeformat", "{N: 1}", "[N, N]|unique|list", "N in [N]", "N|abs",
                    "N is odd", "N is even", "N is divisibleby(3)", "N is divisibleby(0)", "N % 7",
                    "N // 7", "N / 7", "7 % N", "7 // N", "7 / N", "N ** 2", "2 ** N", "N ** N",
                    "N ** -1", "1.5 ** N", "(0 - 1) ** N", "N + N", "N - (0 - N)", "N * N", "-N",
                    "N + 0.5", "[N]|sum", "[N, N]|sum", "N ~ N", "[N, 1.5, true]|sort", "[N]|max",
                    "strftime_now('%NY')", "N == N|float", "N < 1e300", "lipsum(N)", "dict(a=N)",
                    "cycler(N)", "joiner(N)"):
            # A use that is not there, or that goes beyond 64 bits, is an error.
            want = ANY
            code = use.replace("N", str(n))
            if use in ("N + N", "N * N", "-N", "N // 7", "N % 7", "7 // N", "7 % N", "N|string",
                       "N ~ N", "N is odd", "N is even", "N in [N]"):
                want = python(use, n)
            yield f"{use} with N = {n}", "{{ " + code + " }}", None, want
    for use in ("range(100000)|join('x' * 1000)|length", "range(100000)|join('x' * 1000, 'a')",
                "([1] * 100000)|tojson(separators=('x' * 1000, ':'))|length",
                "[[[[[[1]]]]]]|tojson(indent='x' * 1000000)|length",
                "[[1]]|tojson(indent=-5)", "[[1]]|tojson(indent=true)", "[[1]]|tojson(indent=1.5)",
                "('a' * 1000).replace('a', 'b' * 1000).replace('b', 'c' * 1000)|length",
                "('a' * 1000000).replace('', 'b' * 100)|length", "('a' * 100000).replace('a', '')",
                "('a' * 3000000)|list|length", "('a' * 3000000)|reverse|length",
                "('a,' * 1000000).split(',')|length", "('a ' * 1000000).split()|length",
                "('a\n' * 1000000).splitlines()|length", "'a'.split('')", "'abc'.partition('')",
                "('a' * 3000000)|unique|list", "('é' * 1000000)|sort|length",
                "('abc ' * 1000000)|title|length", "('abc ' * 1000000).upper()|length",
                "('\"' * 3000000)|tojson|length", "('\\0' * 3000000)|tojson|length",
                "['\\0' * 3000000]|string|length", "('é' * 3000000)|tojson(ensure_ascii=true)",
                "('<' * 3000000)|e|length", "('a' * 3000000)|urlencode|length",
                "('a b ' * 300000)|wordcount", "('a' * 10000000)|length",
                "range(100000)|list|sort(reverse=true)|first", "range(100000)|sort|last",
                "range(100000)|map('string')|sort|last", "range(100000)|unique|list|length",
                "range(100000)|map('string')|unique|list|length",
                "range(100000)|map('float')|unique|list|length",
                "(['x' * 100000] * 1000)|sort|length", "(['x' * 100000] * 1000)|unique|list|length",
                "(['x' * 100000] * 1000) == (['x' * 100000] * 1000)",
                "('x' * 1000000) == ('x' * 999999 ~ 'y')",
                "range(100000)|groupby('a')|list|length", "range(100000)|batch(1)|list|length",
                "range(100000)|map('tojson')|join|length", "range(100000)|list|string|length",
                "(range(100000)|list * 50)|length", "range(100000)|select('odd')|list|length",
                "range(100000)|map('upper')|map('lower')|map('trim')|join|length",
                "range(100000)|map(attribute='a.b.c')|list|length", "range(1000)|sum(start=[])",
                "([[1]] * 100000)|sum(start=[])|length", "(['a'] * 100000)|sum(start='')|length",
                "range(100000)|list|tojson(indent=100)|length", "dict(range(9))",
                "('a' * 1000000).find('a' * 500000 ~ 'b')",
                "('a' * 500000 ~ 'b') in ('a' * 1000000)",
                "('a' * 1000000).rfind('b' ~ 'a' * 500000)",
                "('a' * 1000000).count('a' * 500000 ~ 'b')",
                "('a' * 1000000).replace('a' * 500000 ~ 'b', '')|length",
                "('a' * 1000000).split('a' * 500000 ~ 'b')|length",
                "('ab' * 500000).replace('ab' * 1000 ~ 'c', '')|length",
                "('a' * 1000000).strip('b' * 1000000 ~ 'a')|length",
                "('a' * 1000000)|trim('é' * 100000 ~ 'a')|length",
                "('é' * 1000000).strip('èa' * 100000)|length",
                "(' ' * 5000000).strip()|length", "('\u3000' * 1000000).strip()|length",
                "('é' * 1000000)[999999]", "('é' * 1000000)[::-1]|length",
                "('é' * 1000000)[-1:-1000000:-1]|length", "('é' * 1000000)[::3]|length",
                "'a' in ('é' * 3000000)", "('9' * 1000000)|int", "('9' * 1000000)|float",
                "('9' * 4000)|int + 1", "('1' * 1000000)|int(0, 2)", "('f' * 100000)|int(0, 16)",
                "('0' * 1000000 ~ '1')|int", "('0.' ~ '0' * 1000000 ~ '1')|float",
                "('1e' ~ '9' * 1000000)|float", "('_1' * 1000)|int", "('1_' * 1000)|float",
                "'nan'|float", "'inf'|float|int", "'-inf'|float|round(2)", "'nan'|float|tojson",
                "['nan'|float, 1, 'nan'|float]|sort", "{'nan'|float: 1}",
                "'nan'|float == 'nan'|float",
                "'inf'|float // 1", "1 % 'inf'|float", "'inf'|float % 2", "'nan'|float|abs",
                "0.0 // 0", "1 // 0", "1 % 0", "1 / 0", "0 ** -1", "0.0 ** -1", "(-8) ** 0.5",
                "1e308 * 10", "1e308 ** 2", "10 ** 10 ** 10", "2.0 ** 5000", "1e16|int * 1e16|int",
                "'%n' % 1", "'%' % 1", "'%%%s' % ()", "'%(a)s' % {'a': 1}", "'%(' % {}",
                "'%hhhhd' % 1", "'%s%s%s%s%n' % (1,)", "('%s' * 30000) % (1,)", "'{' .format()",
                "'{0.__class__.__mro__}'.format(1)", "''.__class__.__mro__[1].__subclasses__()",
                "namespace.__init__.__globals__", "self.__init__", "self", "loop", "caller",
                "varargs", "kwargs", "strftime_now('%Y' * 100000)|length", "strftime_now('%')",
                "strftime_now('%' ~ '\\0' ~ 'Y')", "strftime_now('%Ez%Oz%-d%_d%0d%^a%#a%9999d')",
                "strftime_now('')", "strftime_now(1)", "strftime_now()", "strftime_now('é%Y')",
                "raise_exception('x' * 1000000)", "raise_exception('\n\t\\0' * 1000)",
                "raise_exception('é' * 3000)", "raise_exception('%s%n%d')", "raise_exception()",
                "raise_exception(1)", "raise_exception([[]])", "raise_exception(none)"):
        yield use, "{{ " + use + " }}", None, ANY


def python(use, n):
    """What Python makes of a use: the text that is right, where it is not an error."""
    if use == "N ~ N":
        return str(n) * 2
    code = use.replace("|string", "").replace("is odd", "% 2 == 1").replace("is even", "% 2 == 0")
    return str(eval(code.replace("N", str(n))))     # pylint: disable=eval-used


def loops():
    """Time, not memory."""
    for name, body in (
            ("empty", ""), ("text", "x"), ("numbers", "{{ j }}"), ("sets", "{% set a = j %}"),
            ("conditions", "{% if j is odd and i > j %}{% endif %}"),
            ("namespace", "{% set ns.a = ns.a + j %}"), ("loop", "{{ loop.index if 0 }}"),
            ("calls", "{{ f(j) }}"), ("lists", "{% set a = [i, j] %}"),
            ("lookups", "{% set a = d.k1 ~ d['k2'] %}"), ("continue", "{% continue %}"),
            ("filters", "{% set a = j|string|length %}"), ("strings", "{% set a = 'a' ~ j %}"),
            ("nothing", "{# #}"), ("inner", "{% for k in [1, 2, 3] %}{% endfor %}"),
            ("blocks", "{% set a %}{{ j }}{% endset %}"), ("calls back",
                                                           "{% call g() %}x{% endcall %}"),
            ("generation", "{% generation %}x{% endgeneration %}"), ("undefined", "{{ nothing }}"),
            ("times", "{% set a = strftime_now('%Y') %}"), ("failing tests",
                                                            "{% if j in 'abc' %}{% endif %}")):
        head = ("{% macro f(x) %}{{ x }}{% endmacro %}{% macro g() %}{{ caller() }}{% endmacro %}"
                "{% set d = {'k1': 1, 'k2': 2} %}{% set ns = namespace(a=0) %}")
        for outer, inner in ((1000, 1000), (100_000, 100_000)):
            yield f"{outer} x {inner} loops: {name}", (
                head + f"{{% for i in range({outer}) %}}{{% for j in range({inner}) %}}" + body +
                "{% endfor %}{% endfor %}"), None, ANY
    yield "a million empty loops", ("{% for i in range(1000) %}{% for j in range(1000) %}"
                                    "{% endfor %}{% endfor %}x"), None, "x"
    many = "".join(f"{{% for i{k} in range(100000) %}}" for k in range(6))
    yield "six nested loops", many + "{% endfor %}" * 6, None, ERROR
    for name, char in (("one byte", "a"), ("two bytes", "é"), ("four bytes", "\U0001f642")):
        for use in ("s[i]", "s[:i]", "s[i:]", "s[-i]", "s[i:i+1]", "s[::-1]", "s|length",
                    "s.find('b', i)", "s.find('b')", "'b' in s", "s.strip('b')", "s == t", "s < t",
                    "s.startswith(t)", "s.split('b')", "{s: 1}[t]", "s|first", "s|last", "s|trim",
                    "s in [t]", "s ~ t", "s|string", "s.endswith(t)", "s is string", "s|safe",
                    "s[i:][:1]", "[s, t]|sort|length", "s|reverse", "s|tojson", "s.count('b')"):
            yield f"{use}, {name}", (
                "{% set s = '" + char + "' * 100000 %}{% set t = '" + char + "' * 100000 %}"
                "{% for i in range(100000) %}{% set x = " + use + " %}{% endfor %}"), None, ANY
    for name, value in (("list", "range(100000)|list"), ("range", "range(100000)"),
                        ("tuple", "(1, 2, 3) * 30000"), ("strings", "range(30000)|map('string')"
                                                         "|list"),
                        ("lists", "[[1, 2]] * 100000"), ("string", "'ab' * 50000"),
                        ("equal floats", "[1.5] * 100000")):
        for use in ("i in s", "-1 in s", "s[i]", "s[i:]", "s[::-1]", "s|length", "s == t", "s < t",
                    "s|sort|first", "s|unique|first", "s|last", "s|min", "s|sum", "s + t",
                    "s.index(-1)", "s.count(i)", "s|reverse|first", "s|list|length",
                    "s|join|length",
                    "s|map('string')|first", "s|select|first", "(s, t)", "s|tojson|length",
                    "{(s|list|string): 1}"):
            yield f"{use}, {name}", (
                "{% set s = " + value + " %}{% set t = " + value + " %}"
                "{% for i in range(100000) %}{% set x = " + use + " %}{% endfor %}"), None, ANY
    for use in ("d[i]", "i in d", "d.k5", "d.get('k' ~ i)", "d|length", "d.items()", "d|dictsort",
                "d == e", "d|tojson|length", "d.keys()|list", "d|items|list|length", "d.values()",
                "dict(d, a=1)", "dict(d)|length", "d|string|length", "d|list|length", "d|sort"):
        yield f"{use}, dict", (
            "{% set d = v.d %}{% set e = v.e %}"
            "{% for i in range(100000) %}{% set x = " + use + " %}{% endfor %}"), \
            {"v": {key: {f"k{i}": i for i in range(5000)} for key in "de"}}, ANY


def scalars():
    """Single operations that take long for their size, as often as the bounds allow."""
    digits = "1." + "7" * 770 + "e-200"
    for use in ("[v, 1.2345678901234567e-300]|tojson", "1.2345678901234567e-300 ~ ''",
                "1.7e308 % 1.3e-308 > 1", "1.7e308 // 1.3e-308 > 1", "1.5|round(300) > 1",
                "1.2345678901234567e-300|round(300) > 1", "1.7e308|round(2) > 1", "s|float > 1",
                "s|int > 1", "t|int ~ ''", "('[' ~ s ~ ']')|from_json|length > 1",
                "strftime_now('%A%B%Y%m%d%H%M%S%j') is none",
                "'a b c d e f'.split(none, n) is none",
                "'aaaa'.replace('a', 'b', n) is none", "'aaaa'.split('a', n) is none", "k in l",
                "m == m", "l == l[:]", "d.nothing", "d[t]", "{s: 1, t: 2}[t] > 3",
                "s.count('7') > 1", "s.find(t) > 1", "s.strip('17e') == t",
                "s.split('7')|length > 1",
                "s|upper == t", "s.title() == t", "s|replace('7', '77') == t", "t ~ s == s ~ t",
                "dict(a=1, b=2, c=3, d=4, e=5, f=6) == d", "f(1, 2, 3, d=4)", "l|sort|first > 3",
                "l|max > 300", "l|unique|first > 3", "l|join == t", "l|map('string')|first == 3"):
        yield use, ("{% macro f(a, b, c=1, d=2) %}{% endmacro %}"
                    "{% for i in range(100000) %}{% for j in range(100000) %}{% if " + use +
                    " %}{% endif %}{% endfor %}{% endfor %}"), {
                        "v": 1.2345678901234567e-300, "s": digits, "t": "7" * 500, "n": INT_MIN,
                        "k": 99, "l": list(range(64)), "m": deep(60), "d": {"a": 1}}, ANY


def calls():
    """Macros, and values that outlive what made them."""
    macro = "{% macro NAME() %}BODY{% endmacro %}"

    def define(name, body):
        return macro.replace("NAME", name).replace("BODY", body)

    for name, text in (
            ("itself", define("f", "{{ f() }}") + "{{ f() }}"),
            ("itself twice", define("f", "{{ f() }}{{ f() }}") + "{{ f() }}"),
            ("two", define("f", "{{ g() }}") + define("g", "{{ f() }}") + "{{ f() }}"),
            ("caller", define("f", "{{ caller() }}") +
             define("g", "{% call f() %}{{ g() }}{% endcall %}") + "{{ g() }}"),
            ("caller of itself", define("f", "{% call f() %}{{ caller() }}{% endcall %}") +
             "{% call f() %}x{% endcall %}"),
            ("argument", "{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}"),
            ("default", "{% macro f(a=f()) %}{% endmacro %}{{ f() }}"),
            ("namespace", "{% set ns = namespace() %}" + define("f", "{{ ns.g() }}") +
             "{% set ns.g = f %}{{ f() }}"),
            ("loop", define("f", "{% for i in range(9) %}{{ f() }}{% endfor %}") + "{{ f() }}"),
            ("block", define("f", "{% set a %}{{ f() }}{% endset %}") + "{{ f() }}"),
            ("recursive loop", "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}"),
            ("a loop over its items", "{% for a in v recursive %}{{ loop(a) }}{% endfor %}")):
        yield f"recursion through {name}", text, {"v": deep(300)}, ANY
    yield "macros that call 60 others", "".join(
        define(f"f{i}", f"{{{{ f{i + 1}() }}}}" * 60) for i in range(15)) + "{{ f0() }}", None, ANY
    yield "text doubled by macros", "".join(
        define(f"f{i}", f"{{{{ f{i + 1}() ~ f{i + 1}() }}}}") for i in range(15)) + \
        define("f15", "x" * 10_000) + "{{ f0() }}", None, ANY
    keep = "{% set ns = namespace() %}"
    for name, text in (
            ("loop", "{% for i in [1, 2] %}{% set ns.v = loop %}{% endfor %}"),
            ("loop, first", "{% for i in [1, 2] %}{% if loop.first %}{% set ns.v = loop %}"
             "{% endif %}{% endfor %}"),
            ("caller", "{% macro f() %}{% set ns.v = caller %}{% endmacro %}"
             "{% for i in [7] %}{% call f() %}{{ i }}{% endcall %}{% endfor %}"),
            ("macro", "{% for i in [7] %}{% macro f() %}{{ i }}{% endmacro %}{% set ns.v = f %}"
             "{% endfor %}"),
            ("macro in a macro", "{% macro f(a) %}{% macro g() %}{{ a }}{% endmacro %}"
             "{% set ns.v = g %}{% endmacro %}{{ f(7) }}"),
            ("method", "{% set ns.v = 'a b'.split %}"), ("function", "{% set ns.v = range %}"),
            ("generator", "{% set ns.v = [1, 2]|map('string') %}"),
            ("view", "{% set ns.v = {1: 2}.items() %}"), ("namespace", "{% set ns.v = ns %}"),
            ("undefined", "{% set ns.v = nothing %}"), ("attribute", "{% set ns.v = ns.no %}")):
        for use in ("{{ ns.v }}", "{{ ns.v() }}", "{{ ns.v.index }}{{ ns.v.nextitem }}",
                    "{{ ns.v.previtem }}{{ ns.v.length }}{{ ns.v.revindex }}{{ ns.v.last }}",
                    "{{ ns.v.cycle(1, 2) }}{{ ns.v.changed(1) }}{{ ns.v.depth }}",
                    "{{ ns.v|list }}{{ ns.v|list }}", "{{ ns.v|tojson }}", "{{ ns.v == ns.v }}",
                    "{{ ns.v ~ '' }}", "{{ {ns.v: 1} }}", "{{ ns.v in [ns.v] }}",
                    "{{ ns.v|length }}", "{{ [ns.v, ns.v]|sort }}", "{{ ns.v + 1 }}",
                    "{{ ns.v.name }}{{ ns.v.arguments }}{{ ns.v.caller }}{{ ns.v.catch_kwargs }}",
                    "{% for a in ns.v %}{% for b in ns.v %}{{ a }}{{ b }}{% endfor %}{% endfor %}",
                    "{% call ns.v() %}x{% endcall %}", "{{ ns.v is callable }}",
                    "{{ ns.v|string }}",
                    "{% set ns.v.a = 1 %}", "{{ ns.v(*ns.v, **ns.v) }}", "{{ ns.v(ns.v, a=ns.v) }}",
                    "{{ [ns.v]|map('string')|list }}", "{{ ns.v.v.v.v is defined }}"):
            yield f"{name} kept: {use}", keep + text + use, None, ANY
    for name, text in (
            ("arguments missing", "{% macro f(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ f() }}"),
            ("arguments too many", "{% macro f(a) %}{% endmacro %}{{ f(1, 2, 3) }}"),
            ("argument twice", "{% macro f(a) %}{% endmacro %}{{ f(1, a=2) }}"),
            ("unknown keyword", "{% macro f(a) %}{% endmacro %}{{ f(b=2) }}"),
            ("keyword twice", "{{ dict(a=1, a=2) }}"), ("stars", "{{ range(*[1, 2], **{}) }}"),
            ("keyword first", "{{ range(a=1, 2) }}"), ("no caller", "{{ caller() }}"),
            ("call of a function", "{% call range(3) %}x{% endcall %}"),
            ("break outside", "{% break %}"), ("continue in a macro",
                                               "{% for i in [1] %}{% macro f() %}{% continue %}"
                                               "{% endmacro %}{{ f() }}{% endfor %}"),
            ("break in a block", "{% for i in [1, 2] %}{% set a %}x{% break %}{% endset %}"
             "{{ a }}{% endfor %}{{ a }}"),
            ("continue in a call", "{% macro f() %}{{ caller() }}{% endmacro %}{% for i in [1] %}"
             "{% call f() %}{% continue %}{% endcall %}{% endfor %}"),
            ("break in generation", "{% for i in [1] %}{% generation %}{% break %}"
             "{% endgeneration %}{% endfor %}"),
            ("list changed while walked", "{% for a in v %}{% set _ = v.append(a) %}{% endfor %}"),
            ("macro named as a value", "{% set f = 1 %}" + define("f", "x") + "{{ f() }}{{ f }}"),
            ("set of a function", "{% set range = 1 %}{{ range(3) }}"),
            ("set of true", "{% set true = 1 %}"), ("set of an item", "{% set a[0] = 1 %}"),
            ("set of nothing", "{% set nothing.a = 1 %}"), ("set of two", "{% set a, b = [1] %}"),
            ("set of a text", "{% set a, b = 'xy' %}{{ a }}"), ("set of loop",
                                                                "{% for i in [1] %}{% set loop = 2 "
                                                                "%}{{ loop }}{% endfor %}"),
            ("include", "{% include '/etc/passwd' %}"), ("import", "{% import 'a' as b %}"),
            ("extends", "{% extends 'a' %}"), ("do", "{% do 1 %}"), ("debug", "{% debug %}"),
            ("autoescape", "{% autoescape true %}{{ '<' }}{% endautoescape %}")):
        yield name, text, {"v": [1, 2, 3]}, ANY


def deep(depth, leaf=1):
    for _ in range(depth):
        leaf = [leaf]
    return leaf


def conversations():
    """What is rendered is a stranger's, too."""
    uses = ("v", "v|tojson", "v|tojson(indent=2)", "v == v", "v|length", "v|string|length",
            "{v: 1}", "v in v", "v|sort|length", "v|unique|list|length", "v|join", "v ~ v", "v + v",
            "v * 2", "v[0]", "v.a", "v|from_json", "v|string|from_json", "v|int ~ v|float",
            "v|round", "-v", "v.items()", "v|dictsort", "v|trim|upper", "v.split()|length",
            "v|list|length", "v|selectattr('a')|list", "v|map(attribute='a')|list")
    uses = ["{% for a in v %}{{ a }}{% endfor %}"] + ["{{ " + use + " }}" for use in uses]
    for name, value in (
            ("long", "x" * 250_000), ("long, wide", "é" * 120_000), ("blank", " " * 250_000),
            ("quotes", '"' * 120_000), ("controls", "\x01" * 40_000), ("NUL", "a\0b"),
            ("lone surrogate", "\ud800"), ("many", list(range(40_000))), ("texts", ["a"] * 40_000),
            ("lists", [[]] * 60_000), ("dicts", [{"a": 1}] * 25_000), ("empty", ""),
            ("keys", {f"k{i}": i for i in range(15_000)}), ("empty dict", {}), ("nothing", None),
            ("methods", {"items": 1, "keys": 2, "get": 3, "update": 4, "__class__": 5, "": 6}),
            ("large number", 10**5000), ("int min", INT_MIN), ("beyond", INT_MIN - 1),
            ("tiny", 5e-324), ("huge", 1.7976931348623157e308), ("minus zero", -0.0),
            ("json deep", "[" * 100_000), ("json deep, closed", "[" * 60_000 + "]" * 60_000),
            ("json wide", "[" + "1," * 80_000 + "1]"),
            ("json keys", "{" + ",".join(f'"{i}":{i}' for i in range(15_000)) + "}"),
            ("json number", "1" * 100_000), ("json text", '"' + "\\u00e9" * 30_000 + '"'),
            ("json surrogate", '"\\ud800"'), ("json bad", '{"a":}'),
            ("json twice", '{"a":1,"a":2}'), ("spaces between", "a " * 100_000),
            ("tags", "{{ v }}{% if %}" * 9000)):
        for use in uses:
            yield f"{name}: {use}", use, {"v": value}, ANY
    for depth in (150, 250, 5000):
        for use in uses:
            yield f"{depth} deep: {use}", use, {"v": "DEEP%d" % depth}, ANY
    for messages in ([], [1, 2], [[]], [None], {}, "text", None, 5, [{}], [{"role": 1}],
                     [{"role": "user", "content": [{"type": "text"}]}], [{"role": None}],
                     [{"role": "<|im_end|>", "content": "x"}],
                     [{"role": "user", "content": "x"}] * 4000):
        for use in ("{% for m in messages %}{{ m.role ~ m['content'] }}{% endfor %}",
                    "{{ messages[0].role }}{{ messages[-1].content }}", "{{ messages|tojson }}",
                    "{% for m in messages[::-1] %}{{ loop.index0 }}{{ m }}{% endfor %}",
                    "{% if messages[0]['role'] == 'system' %}x{% endif %}",
                    "{{ messages|selectattr('role', 'equalto', 'user')|list|length }}",
                    "{{ messages|map(attribute='role')|join(', ') }}",
                    "{% for m in messages %}{{ messages|length }}{{ messages[loop.index0:] }}"
                    "{% endfor %}"):
            name = json.dumps(messages)[:50]
            yield f"messages {name}: {use}", use, {"messages": messages}, ANY


def line_of(template, variables):
    text = json.dumps({"template": template, "variables": variables or {}})
    if "DEEP" in text and variables and str(variables.get("v")).startswith("DEEP"):
        depth = int(variables["v"][4:])
        text = text.replace(json.dumps(variables["v"]), "[" * depth + "]" * depth)
    return text + "\n"


def answer_of(out):
    """(kind, text or message) of an answer; the text is None where it is long."""
    size = out.seek(0, os.SEEK_END)
    out.seek(0)
    head = out.read(min(size, 100_000))
    out.seek(max(0, size - 2))
    if out.read(2) != b"}\n":
        return None, f"no whole line: {head[:60]!r}"
    if size <= 100_000:
        if head.count(b"\n") != 1:
            return None, f"more than a line: {head[:60]!r}"
        answer = json.loads(head.decode("utf-8"))
        if set(answer) == {"error"}:
            message = answer["error"]
            if not message or any(unicodedata.category(c) in ("Cc", "Zl") for c in message):
                return None, f"a message that is empty or more than a line: {message!r}"
            return "error", message
        at = 0
        for first, end in answer["control"]:
            if not at <= first < end <= len(answer["text"].encode("utf-8")):
                return None, f"control [{first},{end}] after {at}"
            at = end
        return "text", answer["text"]
    if not head.startswith(b'{"text":'):
        return None, f"a long answer, but no text: {head[:60]!r}"
    return "text", None


def run(line):
    """(CPU seconds, megabytes, exit code or None if it had to be stopped, kind and text of the
    answer) of one case."""
    with tempfile.TemporaryFile() as inp, tempfile.TemporaryFile() as out, \
            tempfile.TemporaryFile() as err:
        inp.write(line.encode())
        inp.seek(0)
        with subprocess.Popen([PROGRAM], stdin=inp, stdout=out, stderr=err) as p:
            end = time.monotonic() + 20 * SECONDS * (10 if SANITIZED else 1)
            pause, killed = 0.0005, False
            while True:
                pid, status, usage = os.wait4(p.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > end:
                    killed = True
                    p.kill()
                time.sleep(pause)
                pause = min(pause * 1.5, 0.02)
            p.returncode = os.waitstatus_to_exitcode(status)
            seconds = usage.ru_utime + usage.ru_stime
            megabytes = usage.ru_maxrss / 1024
        if killed:
            return seconds, megabytes, None, (None, None)
        if p.returncode:
            err.seek(0)
            said = err.read(3000).decode("utf-8", "replace").strip()
            return seconds, megabytes, p.returncode, (None, said)
        return seconds, megabytes, 0, answer_of(out)


def judge(want, seconds, megabytes, code, kind, said):
    """Why a case failed, or None."""
    if code is None:
        return f"did not end, {seconds:.0f} s of work and {megabytes:.0f} MB"
    if code < 0:
        return f"{signal.Signals(-code).name}: {said}"
    if code:
        return f"exit code {code}: {said}"
    if kind is None:
        return said
    if want is ERROR and kind != "error" or want is TEXT and kind != "text":
        return f"came out as {kind}: {(said or '')[:60]!r}"
    if isinstance(want, str) and kind == "text" and said != want:
        return f"{want!r} was expected, not {(said or '')[:60]!r}"
    if SANITIZED:
        return None
    if seconds > SECONDS:
        return f"took {seconds:.2f} s"
    if megabytes > MEGABYTES:
        return f"took {megabytes:.0f} MB"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--write")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if not args.write and not os.path.exists(PROGRAM):
        print(f"skip - hostile templates: {PROGRAM} is not built")
        return 0
    if not SANITIZED:
        # A runaway shall not take the machine with it.
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.RLIM_INFINITY))
    everything = bool(args.names or os.environ.get("QW_CI"))
    count, failures = {"text": 0, "error": 0}, 0
    slowest, largest = (0.0, ""), (0.0, "")
    for group in (nesting, lexing, growth, sizes, scalars, loops, calls, conversations):
        for name, template, variables, want in group():
            name = f"{group.__name__}: {name}".replace("\n", "\\n")
            if len(name) > 140:
                name = name[:140] + "..."
            if args.names and not any(part in name for part in args.names):
                continue
            every = ONE_OF.get(group.__name__, 1)
            if not everything and want is ANY and zlib.crc32(name.encode()) % every:
                continue
            assert len(template.encode()) <= TEMPLATE_BYTES, name
            line = line_of(template, variables)
            if args.write:
                number = sum(count.values())
                count["text"] += 1
                with open(os.path.join(args.write, f"{number:05}.json"), "w",
                          encoding="ascii") as f:
                    f.write(line)
                continue
            seconds, megabytes, code, (kind, said) = run(line)
            why = judge(want, seconds, megabytes, code, kind, said)
            if kind:
                count[kind] += 1
            slowest = max(slowest, (seconds, name))
            largest = max(largest, (megabytes, name))
            if args.show:
                print(f"{seconds:5.2f} s {megabytes:4.0f} MB {kind} {name}: "
                      f"{(said or '')[:90]!r}")
            if why:
                failures += 1
                print(f"  {name}: {why}", flush=True)
    if args.write:
        return 0
    total = (f"{sum(count.values())} hostile templates, {count['text']} gave text and "
             f"{count['error']} an error; at most {slowest[0]:.2f} s ({slowest[1]}) and "
             f"{largest[0]:.0f} MB ({largest[1]})")
    if failures:
        print(f"not ok - {total}: {failures} failed")
        return 1
    print(f"ok - {total}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
