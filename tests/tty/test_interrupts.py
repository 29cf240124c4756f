"""test_interrupts.py - Ctrl-C in each phase, once and again, as the contract's table has it."""
import json
import re
import time

from harness import (ANSWER, PLAIN, QUESTION, Terminal, expect, quantising_model, slow_binary,
                     test)

STEPS = [f" step{i}" for i in range(150)]
WORDS = [f" word{i}" for i in range(120)]
LONG = "Count: " + " ".join("abcdefghijklmnopqrstuvwxyz")


def messages(t):
    path = t.path("messages.json")
    t.enter("/save " + path)
    t.see("saved; /load")
    t.prompt()
    with open(path, encoding="utf-8") as f:
        return json.load(f)["messages"]


def thinks(t, *args, program="chat"):
    """Up to the thought of an answer that would take a while."""
    args = [*t.parrot(WORDS[:100], STEPS), *args]
    if program == "run":
        t.start(["run", "-p", "go", *args], slow=30)
    else:
        t.chat(args, slow=30)
        t.enter("go")
    t.see(r"^thinking: \d+ tokens")


def answers(t, *args, program="chat"):
    """Up to the middle of an answer."""
    args = [*t.parrot(WORDS), "--no-think", *args]
    if program == "run":
        t.start(["run", "-p", "go", *args], slow=30)
    else:
        t.chat(args, slow=30)
        t.enter("go")
    t.see(r"word5 ")


# ---- loading ----

@test("Ctrl-C loading: the line is cleared, exit code 130")
def _():
    with Terminal() as t:
        t.start(["chat", "-m", quantising_model(t.path("wide")), "-t", "1", "-q", "q8"])
        t.see(r"^quantising +\d")
        t.keys("C-c")
        t.ends(130)
        t.has_screen([r"\$ qw", "rc=130"])


@test("Ctrl-C loading: in qw run, too")
def _():
    with Terminal() as t:
        t.start(["run", "-p", "x", "-m", quantising_model(t.path("wide")), "-t", "1", "-q", "q8"])
        t.see(r"^quantising +\d")
        t.keys("C-c")
        t.ends(130)
        t.has_screen([r"\$ qw", "rc=130"])


# ---- reading ----

@test("Ctrl-C reading in a chat: back at the prompt, the message in the line")
def _():
    with Terminal() as t:
        t.chat([*PLAIN, "-b", "4", "-n", "1"], slow=100)
        t.enter(LONG)
        t.see("^reading")
        t.keys("C-c")
        t.line(LONG)
        t.lacks("^reading|stopped")
        t.keys("C-u")
        t.line("")
        expect(messages(t), [], "messages")


@test("Ctrl-C reading in a chat: what was typed ahead follows the message")
def _():
    with Terminal() as t:
        t.chat([*PLAIN, "-b", "4", "-n", "1"], slow=100)
        t.enter(LONG)
        t.see("^reading")
        t.type("more")
        t.keys("C-c")
        t.see("^> " + re.escape(LONG) + r"\n\. more$")


@test("Ctrl-C reading in a chat: a press that follows within a second is swallowed")
def _():
    with Terminal() as t:
        for _ in range(5):              # a slow machine may take longer than that second
            t.chat([*PLAIN, "-b", "4", "-n", "1"], slow=100)
            t.enter(LONG)
            t.see("^reading")
            t.keys("C-c")
            began = time.monotonic()
            t.line(LONG)
            t.keys("C-c")
            quick = time.monotonic() - began < 0.8
            t.type("!")
            t.wait(lambda: t.row().endswith("!"), "the next key")
            row = t.row()
            time.sleep(max(0.0, began + 1.2 - time.monotonic()))
            t.keys("C-c")
            t.prompt()
            t.keys("C-d")
            t.ends()
            if quick:
                expect(row, "> " + LONG + "!", "the line")
                return


@test("Ctrl-C thinking in qw run, stdin a pipe: answer now")
def _():
    with Terminal() as t:
        t.start(["run", "-p", "go", *t.parrot("Fine.", STEPS)], slow=30,
                program=["sh", "-c", "echo text | \"$@\"", "sh", *slow_binary()])
        t.see("^thinking: ")
        t.keys("C-c")
        t.see("^Fine.$")
        # Ctrl-C has reached the shell, too.
        t.ends(-2)


@test("Ctrl-C reading in qw run: exit code 130")
def _():
    with Terminal() as t:
        t.start(["run", *PLAIN, "-b", "4", "-p", LONG], slow=100)
        t.see("^reading")
        t.keys("C-c")
        t.ends(130)
        t.has_screen([".*", "rc=130"])
        t.lacks("^reading")


# ---- thinking ----

@test("Ctrl-C thinking: answer now")
def _():
    with Terminal() as t:
        thinks(t)
        t.keys("C-c")
        t.see(r"^thinking: \d+ tokens, \d+ s   \^C answering now$|^thought .*Ctrl-C")
        t.see(r"^thought \d+ tokens, \d+ s.*Ctrl-C.*$")
        t.see(r"^\s*word0 word1 ")
        t.see(r"^\[1\d\d tokens")
        t.prompt()
        found = messages(t)[1]
        expect(found["content"].split(), [w.strip() for w in WORDS[:100]], "the answer")
        if "directly now." not in found["reasoning_content"]:
            t.fail(f"the thought was not closed: {found['reasoning_content'][-200:]}")


@test("Ctrl-C thinking: the line says that it answers now")
def _():
    with Terminal() as t:
        # The sentence that closes a thought is read in batches: one token each makes it slow.
        thinks(t, "-b", "1")
        t.keys("C-c")
        t.see(r"^thinking: \d+ tokens, \d+ s   \^C answering now$")
        t.see(r"^thought \d+ tokens")


@test("Ctrl-C thinking, again: the turn stops")
def _():
    with Terminal() as t:
        thinks(t)
        t.keys("C-c")
        t.see(r"answering now|^thought")
        t.keys("C-c")
        t.see(r"^\(stopped; /continue goes on\)$")
        t.prompt()
        t.enter(QUESTION)
        t.see("^thinking: ")
        t.keys("C-c")
        t.see(r"^\s*word0 ")


@test("Ctrl-C thinking: answer-now swallows no press, both may come within one token")
def _():
    with Terminal() as t:
        t.chat(t.parrot(WORDS, STEPS), slow=700)
        t.enter("go")
        t.see("^thinking: ")
        t.keys("C-c")
        time.sleep(0.15)
        t.keys("C-c")
        t.see(r"^\(stopped; /continue goes on\)$")
        t.prompt()
        t.lacks("word9")


@test("Ctrl-C thinking, again: /continue goes on")
def _():
    with Terminal() as t:
        thinks(t)
        t.keys("C-c")
        t.see(r"answering now|^thought")
        t.keys("C-c")
        t.see(r"^\(stopped; /continue goes on\)$")
        t.prompt()
        t.enter("/continue")
        t.see(r"^\[1\d\d tokens")
        t.prompt()
        expect(messages(t)[1]["content"].split(), [w.strip() for w in WORDS[:100]], "the answer")


@test("Ctrl-C thinking with --show-thoughts: answer now")
def _():
    with Terminal() as t:
        t.chat([*t.parrot("Fine.", STEPS), "--show-thoughts"], slow=30)
        t.enter("go")
        t.see("step3 ")
        t.keys("C-c")
        t.see("answering now")
        t.see("^Fine.$")
        t.prompt()


@test("Ctrl-C thinking in qw run: answer now, again: exit code 130")
def _():
    with Terminal() as t:
        thinks(t, program="run")
        t.keys("C-c")
        t.see(r"word3 ")
        t.keys("C-c")
        t.ends(130)


@test("Ctrl-C thinking in qw run: the answer comes to its end with 0")
def _():
    with Terminal() as t:
        t.start(["run", "-p", "go", *t.parrot("Fine.", STEPS)], slow=30)
        t.see("^thinking: ")
        t.keys("C-c")
        t.see("^Fine.$")
        t.ends(0)


def without_repainting(env):
    with Terminal(60, 24) as t:
        t.chat(t.parrot(WORDS[:60], STEPS), slow=30, env=env)
        t.enter("go")
        t.see("thinking")
        t.keys("C-c")
        t.see("answering now")
        t.see("word3 ")
        t.keys("C-c")
        t.see(r"^\(stopped; /continue goes on\)$")
        t.prompt()
        t.enter("/continue")
        t.see("word9 ")
        t.keys("C-z")
        t.stops()
        t.go_on()
        t.see(r"word59$")
        t.see(r"^\[")
        t.prompt()
        t.keys("C-c")
        t.see("^Ctrl-C again or Ctrl-D leaves$")
        t.prompt()
        t.keys("C-c")
        t.ends(130)


@test("Ctrl-C with TERM=dumb: thinking, answering, at the prompt")
def _():
    without_repainting({"TERM": "dumb"})


@test("Ctrl-C with ACCESSIBLE=1: thinking, answering, at the prompt")
def _():
    without_repainting({"ACCESSIBLE": "1"})


# ---- answering ----

@test("Ctrl-C answering: stops, what was said is kept, /continue goes on")
def _():
    with Terminal() as t:
        answers(t)
        t.keys("C-c")
        t.see(r"^\(stopped; /continue goes on\)$")
        t.prompt()
        kept = messages(t)[1]["content"].split()
        n = len(kept)
        if not 5 < n < 120:
            t.fail(f"{n} words are kept")
        t.enter("/continue")
        t.see(r"^\[\d+ tokens")
        t.prompt()
        expect(messages(t)[1]["content"].split(), [w.strip() for w in WORDS], "the whole answer")


@test("Ctrl-C answering, then /continue: the tokens of an uninterrupted answer")
def _():
    with Terminal() as t:
        args = ["--no-think", "-s", "11", "-n", "40"]
        t.chat(args, slow=40)
        t.enter("Tell me a story.")
        t.see(r"^\w+ \w+ \w+ \w+")
        t.keys("C-c")
        t.see(r"^\(stopped; /continue goes on\)$")
        t.prompt()
        part = messages(t)[1]["content"]
        t.enter("/continue")
        t.see(r"^\[\d+ tokens")
        t.prompt()
        found = messages(t)[1]["content"]
        t.keys("C-d")
        t.ends(0)
        t.chat(["--no-think", "-s", "11", "-n", "200"])
        t.enter("Tell me a story.")
        t.see(r"^\[\d+ tokens")
        t.prompt()
        whole = messages(t)[1]["content"]
        if not part or not found.startswith(part) or found == part or not whole.startswith(found):
            t.fail(f"not the same: {part!r}, {found!r}, {whole!r}")


@test("Ctrl-C answering in qw run: exit code 130, and no half line")
def _():
    with Terminal() as t:
        answers(t, program="run")
        t.keys("C-c")
        t.ends(130)


@test("Ctrl-C answering: a press that follows within a second is swallowed")
def _():
    with Terminal() as t:
        for _ in range(5):              # a slow machine may take longer than that second
            answers(t)
            t.keys("C-c")
            began = time.monotonic()
            t.prompt()
            t.keys("C-c")
            quick = time.monotonic() - began < 0.8
            time.sleep(max(0.0, began + 1.2 - time.monotonic()))
            told = "Ctrl-C again" in t.text()
            t.keys("C-c")
            t.see(r"^Ctrl-C again or Ctrl-D leaves$")
            t.prompt()
            t.keys("C-d")
            t.ends(0)
            if quick:
                expect(told, False, "the second press counted")
                return


@test("Ctrl-C answering: three quick presses do not end the chat")
def _():
    with Terminal() as t:
        answers(t)
        t.keys("C-c")
        time.sleep(0.15)
        t.keys("C-c")
        time.sleep(0.15)
        t.keys("C-c")
        t.see(r"^\(stopped; /continue goes on\)$")
        t.prompt()
        t.enter("/stats")
        t.see("1 turn")


@test("Ctrl-C answering: two presses half a second apart do not end the chat")
def _():
    with Terminal() as t:
        answers(t)
        t.keys("C-c")
        time.sleep(0.5)
        t.keys("C-c")
        t.prompt()
        t.enter("/stats")
        t.see("1 turn")


# ---- the prompt ----

@test("Ctrl-C at a prompt with text: the line is cleared and kept in the history")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("half a line")
        t.prompt("half a line")
        t.keys("C-c")
        t.line("")
        t.lacks("Ctrl-C again")
        t.keys("Up")
        t.line("half a line")


@test("Ctrl-C at an empty prompt: says what leaves, again: exit code 130")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.keys("C-c")
        t.see(r"^Ctrl-C again or Ctrl-D leaves$")
        t.prompt()
        t.keys("C-c")
        t.ends(130)


@test("Ctrl-C at an empty prompt: another key in between, and it begins anew")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.keys("C-c")
        t.see(r"^Ctrl-C again or Ctrl-D leaves$")
        t.type("x")
        t.prompt("x")
        t.keys("BSpace")
        t.prompt()
        t.mark(1)
        t.keys("C-c")
        t.see(r"^Ctrl-C again or Ctrl-D leaves$")
        t.prompt()
        t.enter(QUESTION)
        t.see("^" + re.escape(ANSWER) + "$")
        t.prompt()
        time.sleep(1.1)
        t.mark(1)
        t.keys("C-c")
        t.see(r"^Ctrl-C again or Ctrl-D leaves$")


@test("Ctrl-C with --json in a chat on a terminal: the object, interrupted")
def _():
    with Terminal(200, 24) as t:
        t.chat([*t.parrot(WORDS), "--no-think", "--json"], slow=30)
        t.enter("go")
        time.sleep(0.5)
        t.keys("C-c")
        def whole():    # a terminal may have read a part of it
            rows = t.tmux.tell("capture-pane", "-p", "-J", "-S", "-")
            return re.search(r'^\{"model": .*\}$', "\n".join(rows), re.M)
        found = json.loads(t.wait(whole, "the object")[0])
        expect(found["finish_reason"], "interrupted", "finish_reason")
        t.prompt()
