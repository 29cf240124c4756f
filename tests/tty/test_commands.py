"""test_commands.py - the commands of a conversation as a person at a terminal sees them; in a pipe:
tests/cli/commands.sh."""
import json
import os
import re

from harness import ANSWER, PLAIN, QUESTION, TINY, Terminal, expect, test
from test_keys import said

STORY = "Tell me a story."
OTHER = "What is 1 plus 1?"


def ask(t, question=QUESTION, answer=ANSWER):
    t.enter(question)
    t.see("^" + re.escape(answer))
    t.prompt()


def says(t, command, pattern):
    """A command, what it says after that, and the prompt again."""
    t.enter(command)
    t.see(pattern)
    t.prompt()


def saved(t, name="saved.json"):
    path = t.path(name)
    says(t, "/save " + path.replace(" ", "\\ "), r"^\(\d+ turns? saved; /load .*\)$|goes on\)$")
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def answers(t):
    return [m["content"] for m in saved(t)["messages"] if m["role"] == "assistant"]


@test("command /help: lists all of them, in 80 columns")
def _():
    with Terminal(80, 60) as t:
        t.chat(PLAIN)
        says(t, "/help", r"^  //x")
        for name in ("help exit quit bye clear undo regen continue edit read system set think "
                     "nothink thoughts save load stats").split():
            t.see(rf"^  (/\w+ )*/{name}\b")
        for row in t.tmux.tell("capture-pane", "-p", "-J"):
            if len(row.rstrip()) > 79:
                t.fail(f"{len(row)} columns: {row!r}")


@test("command /exit, /quit and /bye: end with 0")
def _():
    with Terminal() as t:
        for command in ("/exit", "/quit", "/bye"):
            t.chat(PLAIN)
            t.enter(command)
            t.ends(0)


@test("command /clear: the model has forgotten")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        ask(t)
        says(t, "/clear", r"^\(the conversation is forgotten\)$")
        expect(saved(t)["messages"], [], "messages")


@test("command /undo: the last turn is forgotten, and the one before is there")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        ask(t)
        ask(t, OTHER, "1 + 1 = 2")
        says(t, "/undo", r"^\(the last turn is forgotten; 1 left\)$")
        expect(said(t), [QUESTION], "messages")
        says(t, "/undo", r"^\(the last turn is forgotten; 0 left\)$")
        says(t, "/undo", r"^qw: there is no turn to forget$")


@test("command /regen: answers again, with the next seed")
def _():
    with Terminal() as t:
        args = ["--no-think", "-n", "20"]
        found = []
        for seed, regen in (("5", True), ("6", False)):
            t.chat(args + ["-s", seed])
            t.enter(STORY)
            t.see(r"^\[20 tokens")
            t.prompt()
            found += answers(t)
            if regen:
                says(t, "/regen", r"^\[20 tokens")
                found += answers(t)
                says(t, "/stats", "seed 6$")
            t.keys("C-d")
            t.ends(0)
        expect(len(found), 3, "answers")
        expect(found[1], found[2], "the second answer, and that of the next seed")
        expect(found[0] != found[1], True, "another answer")


def goes_on(args):
    with Terminal() as t:
        found = []
        for n in (12, 24):
            t.chat(["--no-think", "-n", str(n), "--context-full", "stop", *args])
            t.enter(STORY)
            t.see(rf"^\[cut at {n} tokens \(-n\); /continue goes on\]$")
            t.prompt()
            if n == 12:
                t.enter("/continue")
                t.see(r"^\[cut at 12")
                t.prompt()
            found += answers(t)
            t.keys("C-d")
            t.ends(0)
        expect(found[0], found[1], "the answer in two parts, and in one")


@test("command /continue: the tokens of an uninterrupted answer, greedy")
def _():
    goes_on(["--temp", "0"])


@test("command /continue: the tokens of an uninterrupted answer, with a seed")
def _():
    goes_on(["-s", "7"])


@test("command /continue: in a thought")
def _():
    with Terminal() as t:
        t.chat(t.parrot("Fine.", [f" step{i}" for i in range(30)]) + ["-n", "10"])
        t.enter("go")
        t.see(r"^\[no answer: cut at 10 tokens \(-n\); /continue goes on\]$")
        t.prompt()
        says(t, "/set n 100", "^>")
        says(t, "/continue", "^Fine.$")
        messages = saved(t)["messages"]
        expect(messages[1]["reasoning_content"].split(), [f"step{i}" for i in range(30)],
               "the thought")
        expect(messages[1]["content"], "Fine.", "the answer")


@test("command /edit: the last message is back in the line")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        ask(t, OTHER, "1 + 1 = 2")
        ask(t)
        t.enter("/edit")
        t.line(QUESTION)
        t.keys("Left", "BSpace")
        t.type("4")
        t.keys("Enter")
        t.see(r"^2 \+ 4 = 6$")
        t.prompt()
        expect(said(t), [OTHER, "What is 2 plus 4?"], "messages")


@test("command /edit: a message of several lines")
def _():
    with Terminal() as t:
        t.chat(PLAIN + ["-n", "1"])
        t.paste("one\ntwo")
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        t.enter("/edit")
        t.see(r"^> one\n\. two$")
        t.keys("C-c")
        t.prompt()
        says(t, "/edit", "^qw: ")


@test("command /read: files with blanks in their names go before the next message")
def _():
    with Terminal() as t:
        for name, text in (("a b.txt", "one\ntwo\n"), ("c.txt", "three\n"), ("d.txt", "four\n")):
            with open(t.path(name), "w", encoding="ascii") as f:
                f.write(text)
        t.chat(PLAIN + ["-n", "1"], cwd=t.dir)
        says(t, "/read a\\ b.txt c.txt", r"^\(c.txt, .* part of the next message\)$")
        t.see(r"^\(a b.txt, .* part of the next message\)$")
        says(t, "/read nowhere d.txt", r"^qw: cannot open nowhere")
        says(t, "/read ~/nowhere", r"^qw: cannot open .*/home/nowhere")
        says(t, "/read d.txt", r"^\(d.txt")
        ask(t, "sum it up", "[cut at 1 ")
        ask(t, "again", "[cut at 1 ")
        expect(said(t), ["one\ntwo\n\nthree\n\nfour\n\nsum it up", "again"], "messages")


@test("command /read: Ctrl-C while it is read keeps the file and the message")
def _():
    with Terminal() as t:
        with open(t.path("a.txt"), "w", encoding="ascii") as f:
            f.write("word " * 20)
        t.chat(PLAIN + ["-b", "8", "-n", "1"], slow=200, cwd=t.dir)
        says(t, "/read a.txt", r"^\(a.txt, ")
        t.enter("sum it up")
        t.see("^reading")
        t.keys("C-c")
        t.see(r"^(> |\. )sum it up$")
        t.keys("Enter")
        t.see(r"^\[", seconds=60)
        t.prompt()
        expect(said(t), ["word " * 20 + "\n\nsum it up"], "messages")


@test("command /system: shows it, changes it, takes it away")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        says(t, "/system", r"^\(no system message\)$")
        says(t, "/system  be brief ", r"^\(the system message is changed\)$")
        says(t, "/system", r"^be brief$")
        ask(t, QUESTION, "")
        expect(saved(t)["messages"][0], {"role": "system", "content": "be brief"}, "message")
        says(t, '/system ""', r"^\(there is no system message now\)$")


@test("command /think and /nothink: the sampling of their mode")
def _():
    with Terminal() as t:
        t.chat(["-s", "1"])
        says(t, "/nothink", r"^\(it answers directly\)$")
        says(t, "/stats", r"direct: temp 0\.7, top-k 20, top-p 0\.8; seed 1$")
        says(t, "/think", r"^\(it thinks before it answers\)$")
        says(t, "/stats", r"thinking: temp 0\.6, top-k 20, top-p 0\.95; seed 1$")


@test("command /nothink: keeps what was set by hand")
def _():
    with Terminal() as t:
        t.chat(["-s", "1", "--top-k", "7"])
        says(t, "/set temp 0.3", "^>")
        says(t, "/nothink", r"^\(it answers directly\)$")
        says(t, "/stats", r"direct: temp 0\.3, top-k 7, top-p 0\.8; seed 1$")


@test("command /thoughts: those of the last answer, or that there are none")
def _():
    with Terminal(60, 24) as t:
        t.chat(t.parrot("Fine.", "We are asked how it is, and the question sounds friendly, so "
                                 "the answer should be short and friendly as well."))
        says(t, "/thoughts", r"^qw: /thoughts: the last answer has none$")
        t.enter("How is it?")
        t.see("^Fine.$")
        t.prompt()
        says(t, "/thoughts", r"^  We are asked .*\n  .*friendly as well\.$")
        says(t, "/nothink", "directly")
        t.enter("How is it?")
        t.see("^Fine.$")
        t.prompt()
        says(t, "/thoughts", r"^qw: /thoughts: the last answer has none$")


SETTINGS = [
    # name, a value, one that is refused, and why
    ("n", "9", "0", r"n 0 is out of range"),
    ("context-full", "stop", "x", r"drop\|stop"),
    ("seed", "5", "x", r"'x' is not"),
    ("temp", "0.5", "warm", r"'warm' is not a number"),
    ("top-k", "7", "-1", r"out of range"),
    ("top-p", "0.5", "2", r"out of range \(0 to 1\)"),
    ("min-p", "0.1", "2", r"out of range \(0 to 1\)"),
    ("presence-penalty", "1.5", "1000", r"out of range"),
    ("frequency-penalty", "0.5", "1000", r"out of range"),
    ("repeat-penalty", "1.1", "0", r"out of range"),
    ("stop", "END", None, None),
    ("no-loop-guard", "on", "maybe", r"neither on nor off"),
    ("budget", "30", "0", r"/nothink"),
    ("show-thoughts", "on", "maybe", r"neither on nor off"),
    ("wrap", "off", "maybe", r"on\|off"),
    ("color", "off", "maybe", r"auto\|on\|off"),
]


def setting_test(name, value, wrong, why):
    def check():
        with Terminal() as t:
            t.chat(PLAIN)
            t.enter(f"/set {name} {value}")
            t.prompt()
            says(t, f"/set {name}", rf"^  {name} +{re.escape(value)}$")
            if wrong:
                says(t, f"/set {name} {wrong}", "^qw: .*" + why)
            says(t, "/set", rf"^  {name} +{re.escape(value)}$")
    return check


for setting in SETTINGS:
    test(f"command /set {setting[0]}")(setting_test(*setting))


@test("command /set: alone lists them, and its list is that of these tests")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        says(t, "/set", "^  color ")
        found = re.findall(r"^  ([a-z-]+)(?: |$)", t.text(), re.M)
        expect(found, [s[0] for s in SETTINGS], "names")


@test("command /set: what needs another load is refused with the reason")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        for name in ("-m", "-c", "-q", "-t", "model", "threads"):
            says(t, f"/set {name} 4", rf"^qw: /set: {name} needs the model to be loaded again")


@test("command /set: an unknown name gets a suggestion")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        says(t, "/set tmep 1", r"^qw: /set: there is no 'tmep'; did you mean temp\?$")


@test("command /set: settings work at once")
def _():
    with Terminal() as t:
        t.chat(["-s", "1", "--no-think"])
        says(t, "/set temp 0", "^>")
        ask(t)
        says(t, "/set n 4", "^>")
        t.enter(QUESTION)
        t.see(r"^\[cut at 4 tokens")
        t.prompt()
        says(t, "/set stop +", "^>")
        t.enter(QUESTION)
        t.see(r"^2\n\n\[")
        t.prompt()


@test("command /set: wrap and color work at once")
def _():
    with Terminal(40, 24) as t:
        text = "A sentence that is so long that it would be wrapped at a word, but is not."
        t.chat([*t.parrot(text, "So be it."), "-n", "200"])
        says(t, "/set wrap off", "^>")
        says(t, "/set color off", "^>")
        t.enter("go")
        t.see(r"^\[\d+ tok")
        if text not in t.tmux.tell("capture-pane", "-p", "-J"):
            t.fail("the answer is wrapped")
        if "thought" in t.dim_text():
            t.fail("the thought's line is dim")


@test("command /set: no-loop-guard and context-full work at once")
def _():
    with Terminal(80, 40) as t:
        t.chat([*t.parrot("A short text that comes again and again.", loop=0), "--no-think",
                "-c", "4096"])
        t.enter("go")
        t.see(r"^\[stopped: it repeats itself")
        t.prompt()
        says(t, "/undo", "forgotten")
        says(t, "/set no-loop-guard on", "^>")
        says(t, "/set n 3000", "^>")
        t.enter("go")
        t.see(r"^\[cut at 3000")
        t.prompt()
        says(t, "/set context-full stop", "^>")
        t.enter("go")
        t.see(r"^\[context full.*clear makes room|^qw: .*context")


@test("command /save and /load: go on as if the chat had not ended, greedy")
def _():
    save_and_load(["--temp", "0"])


@test("command /save and /load: go on as if the chat had not ended, with a seed")
def _():
    save_and_load(["-s", "3"])


def save_and_load(args):
    with Terminal() as t:
        args = ["--no-think", "-n", "16", *args]
        t.chat(args)
        t.enter(STORY)
        t.see(r"^\[16 tokens")
        t.prompt()
        kept = saved(t, "kept.json")
        expect(list(kept), ["qw_session", "model", "messages", "settings"], "members")
        expect((kept["qw_session"], kept["model"]), (1, TINY), "version and model")
        t.enter("And then?")
        t.see(r"^\[\d+ tokens")
        t.prompt()
        wanted = answers(t)
        t.keys("C-d")
        t.ends(0)
        t.chat(args)
        says(t, "/load " + t.path("kept.json"), r"^\(1 turn loaded\)$")
        t.enter("And then?")
        t.see(r"^\[\d+ tokens")
        t.prompt()
        expect(answers(t), wanted, "answers")


@test("command /load: settings, thinking, and another model is named")
def _():
    with Terminal() as t:
        t.chat(t.parrot("Fine."))
        says(t, "/nothink", "directly")
        says(t, "/set temp 0.3", "^>")
        says(t, "/set stop END", "^>")
        saved(t, "a b.json")
        t.keys("C-d")
        t.ends(0)
        t.chat([])
        says(t, "/load " + t.path("a\\ b.json"), r"^\(it was held with parrot.*; this is tiny\)$")
        says(t, "/set", "^  temp +0.3$")
        t.see("^  stop +END$")
        says(t, "/stats", "^  thinking +off")


@test("command /save: overwrites nothing but saved chats")
def _():
    with Terminal() as t:
        with open(t.path("mine"), "w", encoding="ascii") as f:
            f.write("mine\n")
        t.chat(PLAIN)
        says(t, "/save " + t.path("mine"), r"^qw: /save: ")
        says(t, "/save " + t.path("new"), r"saved; /load")
        says(t, "/save " + t.path("new"), r"saved; /load")
        with open(t.path("mine"), encoding="ascii") as f:
            expect(f.read(), "mine\n", "the file")
        expect([n for n in os.listdir(t.dir) if n.endswith(".part")], [], "files left")


def stats(columns, rows):
    """The rows of /stats; each holds some of these fields, from the first on."""
    with Terminal(columns, 40) as t:
        model = t.parrot("Fine.", [f" step{i}" for i in range(20)])[1]
        t.chat(["-m", os.path.basename(model), "-s", "1234", "-t", "2"], cwd=t.dir)
        t.enter("Why?")
        t.see("^Fine.$")
        t.prompt()
        says(t, "/stats", "^  thinking ")
        found = t.text().split("\n")[:-1]
        if len(found) != len(rows):
            t.fail("a row wraps")
        for row, fields in zip(found, rows):
            patterns = ["".join(fields[:n + 1]) for n in range(len(fields))]
            if not any(re.fullmatch(p, row) for p in patterns):
                t.fail(f"{row!r} is not some whole fields of {patterns[-1]!r}")
            if columns >= 100 and not re.fullmatch(patterns[-1], row):
                t.fail(f"{row!r} is not all of {patterns[-1]!r}")


STATS = [
    [r"  last turn +2\d thought \+ \d answer", r" tokens", r", [\d.]+/s", r"; \d+ read",
     r" \(0 reused\)", r", [\d.]+ s"],
    [r"  context +\d+ of 40960 tokens", r", \d+ MB", r"; 1 turn"],
    [r"  model +\S*parrot\d+", r" +bf16", r", \d+ MB", r"; cache \w+", r"; 2 threads", r", \w+"],
    [r"  sampling +thinking: temp 0\.6", r", top-k 20", r", top-p 0\.95", r"; seed 1234"],
    [r"  thinking +on", r", no budget", r"; loop guard on"],
]


@test("command /stats: what there is to know")
def _():
    stats(100, STATS)


@test("command /stats: whole fields, at 80 columns")
def _():
    stats(80, STATS)


@test("command /stats: whole fields, at 40 columns")
def _():
    stats(40, STATS)


# ---- which lines are commands ----

@test("commands: blanks around them go")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        says(t, "  /clear  ", r"^\(the conversation is forgotten\)$")


@test("commands: wrong arguments are errors, and the chat goes on")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        for line in ("/help me", "/clear x", "/undo 2", "/regen x", "/continue x", "/edit x",
                     "/think x", "/nothink x", "/thoughts x", "/stats x", "/exit x"):
            says(t, line, rf"^qw: {line.split()[0]} takes no arguments$")
        for line in ("/save", "/load", "/save a b", "/read"):
            says(t, line, rf"^qw: {line.split()[0]}.* file")
        says(t, "/set temp", "^  temp +0$")
        ask(t)


@test("commands: an unknown one gets a suggestion, and the chat goes on")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        says(t, "/regne", r"^qw: unknown command /regne; did you mean /regen\?$")
        says(t, "/nonsense", r"^qw: unknown command /nonsense; /help lists them$")
        ask(t)
        t.keys("C-d")
        t.ends(0)


@test("commands: a second slash makes it text, //x sends /x")
def _():
    with Terminal() as t:
        t.chat(PLAIN + ["-n", "1"])
        for line in ("/usr/bin/env", "//x", "//set temp 1", "/2 is a half", "/"):
            t.enter(line)
            t.see(r"^\[cut at 1 ")
            t.prompt()
        expect(said(t), ["/usr/bin/env", "/x", "/set temp 1", "/2 is a half", "/"], "messages")
