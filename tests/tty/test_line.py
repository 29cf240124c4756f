"""test_line.py - the line as a whole: widths, lines wider than the screen, other sizes, pastes,
several lines, what is typed ahead, terminals that cannot be repainted."""
import os
import re

from harness import ANSWER, PLAIN, QUESTION, Terminal, expect, screen_width, test
from test_keys import history_of, said

WIDE = "山高水长日月星辰"
TALK = PLAIN + ["-n", "1"]              # short answers: what counts is what was sent


def rows_of(text, columns):
    """The prompt and a text without newlines, as rows; the cursor's place at its end."""
    rows = [""]
    for c in "> " + text:
        if screen_width(rows[-1]) + screen_width(c) > columns:
            rows.append("")
        rows[-1] += c
    x = screen_width(rows[-1])
    if x == columns:
        rows.append("")
        x = 0
    return rows, x


def shows(t, text, columns):
    """The screen ends with the line, and with nothing after it."""
    rows = [row.rstrip() for row in rows_of(text, columns)[0]]
    while not rows[-1]:
        rows.pop()

    def good():
        return t.screen()[-len(rows):] == rows
    t.wait(good, f"{len(rows)} rows of {columns} columns with the line")


# ---- widths ----

def widths(env):
    with Terminal() as t:
        t.chat(PLAIN, env=env)
        # a text, and its clusters' widths
        family = "\U0001F469\u200d\U0001F469\u200d\U0001F467"
        flag, thumb = "\U0001F1E9\U0001F1EA", "\U0001F44D\U0001F3FD"
        for text, cells in (("aé山b", [1, 1, 2, 1]), ("e\u0301x", [1, 1]),
                            ("한국어", [2, 2, 2]), ("ｆｗ", [2, 2]), ("\U0001F600a", [2, 1]),
                            (family + "b", [2, 1]),
                            (flag + "c", [2, 1]), (thumb + "d", [2, 1])):
            t.type(text)
            for i in range(len(cells), -1, -1):
                column = 2 + sum(cells[:i])
                t.wait(lambda: t.cursor()[0] == column, f"{text!r}: the cursor at {column}")
                t.keys("Left")
            t.keys("C-k")
            t.line("")


@test("widths: wide, combining, emoji, flags, ZWJ sequences")
def _():
    widths({})


@test("widths: the same in the C locale")
def _():
    widths({"LC_ALL": "C"})


@test("300 wide characters edited at 40 columns")
def _():
    with Terminal(40, 24) as t:
        t.chat(TALK)
        text = (WIDE * 38)[:300]
        t.type(text)
        shows(t, text, 40)
        t.keys("Home", "x")
        text = "x" + text
        shows(t, text, 40)
        t.wait(lambda: t.cursor()[0] == 3, "the cursor after x")
        for _ in range(10):
            t.keys(*["Right"] * 15)
        t.type("yz")
        shows(t, text[:151] + "yz" + text[151:], 40)
        t.keys("BSpace", "BSpace", "BSpace", "DC")
        text = text[:150] + text[152:]
        shows(t, text, 40)
        t.keys("End", "C-w", "C-y", "!")
        text += "!"
        shows(t, text, 40)
        t.wait(lambda: t.cursor()[0] == rows_of(text, 40)[1], "the cursor at the end")
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        expect(said(t), [text], "messages")


@test("a line taller than the screen: a window around the cursor")
def _():
    with Terminal(40, 12) as t:
        t.chat(TALK)
        text = "".join(f"{i:03} " for i in range(200))[:-1]
        rows = rows_of(text, 40)[0]
        t.type(text)
        t.see(r"198 19\n9$")
        t.keys("Home")
        t.line(rows[0][2:], 0)
        t.type("x")
        t.keys("End")
        t.see(r"198 1\n99$")
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        expect(said(t), ["x" + text], "messages")


def go_down(t, rows):
    for i in range(rows):
        t.keys("Enter")
        t.wait(lambda: t.text().count("\n>") == i + 2, "a new prompt")


def is_alone(t, beginning):
    """Nothing of the line is left over, and the 18 empty lines above it are still there."""
    rows = t.screen()
    if sum(row.startswith(beginning) for row in rows) != 1:
        t.fail("a part of the line is left over")
    if rows.count(">") != 18:
        t.fail(f"{rows.count('>')} of 18 lines above are left")


@test("a resize while typing: no row is left over, the cursor is right")
def _():
    with Terminal(80, 24) as t:
        t.chat(TALK)
        go_down(t, 18)                  # tmux lets rows of a line at the top scroll away
        text = " ".join(f"word{i}" for i in range(30))
        t.type(text)
        shows(t, text, 80)
        for columns in (40, 20, 100, 37, 80):
            t.resize(columns, 24, repaints=True)
            shows(t, text, columns)
            t.type("!")
            text += "!"
            shows(t, text, columns)
            t.wait(lambda: t.cursor()[0] == rows_of(text, columns)[1], "the cursor at the end")
            is_alone(t, "> word0 ")
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        expect(said(t), [text], "messages")


@test("a resize while typing wide characters, at 80, 40 and 20 columns")
def _():
    with Terminal(80, 24) as t:
        t.chat(TALK)
        go_down(t, 18)
        text = WIDE * 8
        t.type(text)
        shows(t, text, 80)
        for columns in (41, 20, 80):
            t.resize(columns, 24, repaints=True)
            shows(t, text, columns)
            t.keys("Home", "x")
            text = "x" + text
            shows(t, text, columns)
            is_alone(t, "> x")


@test("a line is repainted from column 0")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        at = len(t.raw())
        t.type("ab")
        t.keys("Left", "x")
        t.line("axb", 2)
        out = t.raw()[at:]
        if re.search(rb"\x1b\[\d*[CD]|\x08", out):
            t.fail(f"relative moves over what was typed: {out!r}")


@test("control characters in the line are visible")
def _():
    with Terminal() as t:
        t.chat(TALK)
        t.paste("a\x1b[31mb\x07c\u202ed\u009be")
        t.line("a^[[31mb^Gc<U+202E>d<U+009B>e")
        t.keys("Home", *["Right"] * 6, "DC")
        t.line("a^[[31m^Gc<U+202E>d<U+009B>e", 7)


# ---- pastes ----

@test("a paste of 200 lines is one message")
def _():
    with Terminal() as t:
        text = "\n".join(f"line {i}" for i in range(1, 201))
        t.chat(t.parrot("Fine.") + ["--no-think"])
        t.type("before ")
        t.paste(text)
        t.prompt(f"before [pasted 200 lines, {len(text) / 1e3:.1f} KB]")
        t.type(" after")
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        expect(said(t), ["before " + text + " after"], "messages")


@test("a paste of 5 lines shows them, of 6 their number")
def _():
    with Terminal() as t:
        five = "\n".join("abcde")
        t.chat(TALK)
        t.paste(five)
        t.see(r"^> a\n\. b\n\. c\n\. d\n\. e$")
        t.keys("C-c")
        t.line("")
        t.paste(five + "\nf")
        t.line("[pasted 6 lines, 11 bytes]")
        t.keys("BSpace", "x")
        t.line("x")


@test("a paste with CR LF, and one that has no newline")
def _():
    with Terminal() as t:
        t.chat(TALK)
        t.send(b"\x1b[200~one\r\ntwo\rthree\nfour\x1b[201~")
        t.see(r"^> one\n\. two\n\. three\n\. four$")
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        t.paste("What is 2 plus 3?")
        t.line("What is 2 plus 3?")
        t.mark()
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        expect(said(t), ["one\ntwo\nthree\nfour", QUESTION], "messages")


@test("a paste that ends with a newline is not sent by it")
def _():
    with Terminal() as t:
        t.chat(TALK)
        t.paste("one\n")
        t.see(r"^> one\n\.$")
        t.keys("BSpace")
        t.line("one")


# ---- several lines ----

def typed_lines(lines, message):
    with Terminal() as t:
        t.chat(TALK)
        for i, line in enumerate(lines):
            t.type(line)
            t.see("^" + re.escape(("> " if i == 0 else ". ") + line) + "$")
            t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        expect(said(t), [message], "messages")


@test('several lines: """ on lines of its own')
def _():
    typed_lines(['"""', "one", "two", '"""'], "one\ntwo")


@test('several lines: """ with text on its lines')
def _():
    typed_lines(['"""one', "two", 'three"""'], "one\ntwo\nthree")


@test("several lines: a backslash at the end")
def _():
    typed_lines(["one\\", "two\\", "three"], "one\ntwo\nthree")


# ---- typed ahead ----

@test("type-ahead: nothing is echoed into the answer; it stands in the next line, unsent")
def _():
    with Terminal() as t:
        words = [f" word{i}" for i in range(60)]
        t.chat(t.parrot(words) + ["--no-think"], slow=25)
        t.enter("go")
        t.see("word3 ")
        t.type("next lime")
        t.keys("Enter")
        t.keys("BSpace", "BSpace", "BSpace")
        t.type("ne")
        t.see(r"^\[60 tokens")
        t.see(r"^> next line$")
        expect(b"lime" in t.raw(), False, "what was typed ahead is on the screen")
        answer = t.text().split("\n\n[")[0]
        expect(answer.split(), [w.strip() for w in words], "the answer on the screen")
        expect(len(re.findall(r"^\[", t.text(), re.M)), 1, "answers")


@test("type-ahead: several lines stay several lines of one message")
def _():
    with Terminal() as t:
        t.chat(t.parrot([f" word{i}" for i in range(40)]) + ["--no-think"], slow=25)
        t.enter("go")
        t.see("word3 ")
        t.type("one")
        t.keys("Enter")
        t.type("two")
        t.keys("Enter")
        t.see(r"^> one\n\. two$")
        t.mark()
        t.keys("Enter")
        t.see(r"^\[40 tokens")
        t.prompt()
        expect(said(t), ["go", "one\ntwo"], "messages")


@test("type-ahead: while it loads")
def _():
    with Terminal() as t:
        model = t.parrot("Fine.")
        # Reading the system message from a pipe keeps it from the first prompt.
        with Fifo(t, "system") as fifo:
            t.start(["chat", "-sysf", fifo.path, *model, "--no-think"])
            fifo.opened()
            t.type("hello")
            t.lacks("hello")
        t.line("hello")
        t.keys("Enter")
        t.see("^Fine.$")


class Fifo:
    """A named pipe that qw reads to its end, which comes when the block ends."""

    def __init__(self, t, name):
        self.path = t.path(name)
        os.mkfifo(self.path)

    def __enter__(self):
        self.fd = None
        return self

    def opened(self):
        self.fd = os.open(self.path, os.O_WRONLY)

    def __exit__(self, *_):
        if self.fd is not None:
            os.write(self.fd, b"Be brief.")
            os.close(self.fd)


# ---- no repainting ----

def plain_line(env, controls):
    with Terminal(60, 24) as t:
        history_of(t, "older")
        t.chat(PLAIN, env=env)
        t.type("What is 2 plus 33")
        t.prompt("What is 2 plus 33")
        t.keys("BSpace")
        t.prompt("What is 2 plus 3")
        t.type("?")
        t.prompt(QUESTION)
        t.keys("Enter")
        t.see("^" + re.escape(ANSWER) + "$")
        t.prompt()
        t.type("one two")
        t.keys("C-w")
        t.prompt("one")
        t.keys("C-u")
        t.prompt()
        t.keys("Up")
        t.prompt(QUESTION)
        t.keys("Up")
        t.prompt("older")
        t.keys("C-c")
        t.prompt()
        if "ACCESSIBLE" in env:
            t.paste("\n".join("abcdefg"))
            t.prompt("[pasted 7 lines, 13 bytes]")
            t.keys("C-c")
            t.prompt()
        t.keys("C-d")
        t.ends(0)
        found = re.findall(rb"\x1b[^a-zA-Z]*[a-zA-Z]", t.raw())
        left = [f for f in found if not re.fullmatch(controls, f)]
        expect(left, [], "control sequences")


@test("TERM=dumb: the line is edited without a control sequence")
def _():
    plain_line({"TERM": "dumb"}, rb"")


@test("without TERM: the same")
def _():
    plain_line({"TERM": None}, rb"")


@test("ACCESSIBLE=1: the line is edited, and nothing is repainted")
def _():
    plain_line({"ACCESSIBLE": "1"}, rb"\x1b\[(\?2004[hl]|[02]?m)")
