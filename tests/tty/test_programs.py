"""test_programs.py - qw's other commands as a person at a terminal sees them."""
import os
import re

from harness import ANSWER, PLAIN, QUESTION, QW, Terminal, expect, quantising_model, test


@test("qw alone is a chat")
def _():
    with Terminal() as t:
        t.start(["--no-think", "--temp", "0"])
        t.prompt()
        t.enter(QUESTION)
        t.see("^" + re.escape(ANSWER) + "$")


@test("qw run: the answer, after its thought in one line")
def _():
    with Terminal() as t:
        t.start(["run", "-p", QUESTION, "-s", "1"])
        t.ends(0)
        t.has_screen([r"\$ qw", r"thought \d+ tokens, \d+ s   --show-thoughts shows it",
                      re.escape(ANSWER), "", r"\[\d+ tokens, [\d.]+/s, context \d+ of 1024\]",
                      "rc=0"])


def coloured(env, args, wanted):
    with Terminal() as t:
        t.start(["run", "-p", QUESTION, "-s", "1", *args], env=env)
        t.ends(0)
        t.see("^" + re.escape(ANSWER) + "$")
        expect("thought" in t.dim_text(), wanted, "the thought's line is dim")
        if not wanted and re.search(rb"\x1b\[[\d;]*m", t.raw()):
            t.fail("colour is set")


@test("colour: on a terminal, thoughts are dim")
def _():
    coloured({}, [], True)


@test("colour: an empty NO_COLOR is none")
def _():
    coloured({"NO_COLOR": ""}, [], True)


@test("colour: NO_COLOR=1")
def _():
    coloured({"NO_COLOR": "1"}, [], False)


@test("colour: TERM=dumb")
def _():
    coloured({"TERM": "dumb"}, [], False)


@test("colour: no TERM")
def _():
    coloured({"TERM": None}, [], False)


@test("colour: --color off")
def _():
    coloured({}, ["--color", "off"], False)


@test("colour: --color on wins over NO_COLOR")
def _():
    coloured({"NO_COLOR": "1"}, ["--color", "on"], True)


@test("qw run: an answer cut by -n is noted")
def _():
    with Terminal() as t:
        t.start(["run", *PLAIN, "-n", "2", "-p", "Tell me a story."])
        t.ends(0)
        t.see("cut at 2 tokens")


@test("qw run: stdout elsewhere: the answer goes there, no thought is shown")
def _():
    with Terminal() as t:
        t.start(["run", "-p", QUESTION, "-s", "1"],
                program=["sh", "-c", f"exec \"$@\" > {t.path('out')}", "sh", *QW])
        t.ends(0)
        t.lacks(r"2 \+ 3")
        with open(t.path("out"), encoding="utf-8") as f:
            expect(f.read(), ANSWER + "\n", "stdout")


@test("qw run: without a prompt it does not wait for one")
def _():
    with Terminal() as t:
        t.start(["run"])
        t.ends(2)


@test("qw: no prompt, and stdout is a pipe")
def _():
    with Terminal() as t:
        t.start([], program=["sh", "-c", "\"$@\" | cat", "sh", *QW])
        t.ends(0)
        t.see("no prompt")


@test("qw run: the bundled model is named")
def _():
    with Terminal() as t:
        t.start(["run", *PLAIN, "-p", QUESTION], env={"QW_MODEL": None})
        t.ends(0)
        t.see(r"^qw: using the bundled model .*models/tiny")


@test("qw quantize: says what it wrote and how to run it, and that works")
def _():
    with Terminal(100, 24) as t:
        model = t.parrot("Fine.")[1]
        t.start(["quantize", "-m", model, "-q", "q8", "-o", "packed.safetensors"], cwd=t.dir)
        t.ends(0)
        size = os.path.getsize(t.path("packed.safetensors")) / 1e6
        t.see(rf"packed\.safetensors.*\b{size:.0f} MB|\b{size:.1f} MB")
        command = t.see(r"qw ((chat |run )?-m packed\.safetensors)")[1]
        t.start(command.split(), cwd=t.dir)
        t.prompt()
        t.enter("Well?")
        t.see("^Fine.$")


@test("qw quantize: Ctrl-C leaves no file and a clean line")
def _():
    with Terminal() as t:
        os.mkdir(t.path("out"))
        t.start(["quantize", "-m", quantising_model(t.path("wide")), "-t", "1",
                 "-o", t.path("out", "x.safetensors")])
        t.see(r"^quantising +\d+ %.* s left$")
        t.keys("C-c")
        t.ends(130)
        t.lacks("quantising")
        expect(os.listdir(t.path("out")), [], "files left")


@test("qw quantize: a failure stands on a line of its own")
def _():
    with Terminal() as t:
        t.start(["quantize", "-m", quantising_model(t.path("wide")), "-t", "1",
                 "-o", t.path("x.safetensors")],
                program=["sh", "-c", "ulimit -f 20000; exec \"$@\"", "sh", *QW])
        t.ends(1)
        t.see(r"^qw: cannot write .*")
        t.see(r"File too large")
        t.lacks("quantising")


@test("a message on a narrow terminal is wrapped at words")
def _():
    with Terminal(40, 24) as t:
        t.start(["run", "-p", "x", "-m", "/no/such/model/of/anybody"])
        t.ends(1)
        rows = t.text().split("\n")
        text = "".join(t.tmux.tell("capture-pane", "-p", "-J"))
        if max(len(r) for r in rows) > 40 or "/no/such/model/of/anybody" not in text:
            t.fail("expected whole words")
