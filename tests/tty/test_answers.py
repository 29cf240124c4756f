"""test_answers.py - what a person sees of an answer: the screens of the contract, words wrapped to
the terminal, lines that say how far something is, and how a turn ended."""
import os
import re

from harness import (ANSWER, PLAIN, QUESTION, Terminal, expect, quantising_model, screen_width,
                     test)

SKY = ("Sunlight is scattered by the molecules of the air, and short waves are scattered much "
       "more than long ones.")
STEPS = [f" step{i}" for i in range(212)]
THOUGHT = "thought 21[2-6] tokens"


# ---- screens ----

def screen_test(columns, rows, wanted, args=(), env=None):
    """The whole screen after one answer."""
    with Terminal(columns, rows) as t:
        t.start(["chat", *t.parrot(SKY, STEPS), "-t", "2", *args], env=env)
        t.prompt()
        t.enter("Why is the sky blue?")
        t.see(r"^\[2\d tok")
        t.prompt()
        t.has_screen(wanted, whole=True)


@test("screen 80x24: the start, a thought in one line, the answer, its statistics")
def _():
    screen_test(80, 24, [
        r"parrot\d+  bf16  2 threads  context to 40960 +/help, Ctrl-D ends",
        r"> Why is the sky blue\?",
        THOUGHT + r", \d+ s   /thoughts shows it",
        "Sunlight is scattered by the molecules of the air, and short waves are scattered",
        "much more than long ones.", "",
        r"\[2\d tokens, [\d.]+/s, context 2\d\d of 40960\]",
        ">"])


@test("screen 40x12: the same, in the words that there is room for")
def _():
    screen_test(40, 12, [
        r"parrot\d+ bf16, 2 threads, /help",
        r"> Why is the sky blue\?",
        THOUGHT + r", \d+ s",
        "Sunlight is scattered by the molecules",
        "of the air, and short waves are",
        "scattered much more than long ones.", "",
        r"\[2\d tok, [\d.]+/s, 2\d\d/40960\]",
        ">"])


@test("screen 20x12: nothing but the answer wraps")
def _():
    screen_test(20, 12, [
        r"parrot\d+ bf16",
        r"> Why is the sky blu",
        r"e\?",
        r"thought \d.{0,10}",
        "Sunlight is", "scattered by the", "molecules of the", "air, and short waves",
        "are scattered much", "more than long ones.", "",
        r"\[2\d tok(, [\d.]+/s)?\]",
        ">"])


@test("screen: in the C locale the same")
def _():
    screen_test(80, 24, [
        r"parrot\d+  bf16  2 threads  context to 40960 +/help, Ctrl-D ends",
        r"> Why is the sky blue\?",
        THOUGHT + r", \d+ s   /thoughts shows it",
        "Sunlight is scattered by the molecules of the air, and short waves are scattered",
        "much more than long ones.", "",
        r"\[2\d tokens, [\d.]+/s, context 2\d\d of 40960\]",
        ">"], env={"LC_ALL": "C"})


def shown_thoughts(env, args, colour):
    with Terminal(60, 24) as t:
        model = t.parrot("Fine.", "We are asked how it is, and the question sounds friendly, so "
                                  "the answer should be short and friendly.")
        t.chat([*model, "--show-thoughts", *args], env=env)
        t.enter("How is it?")
        t.see(r"^thinking:\n  We are asked .*\n  .*friendly\.\nthought \d+ tokens, \d+ s\n\nFine.$")
        t.prompt()
        dim = t.dim_text()
        if not colour:
            expect(dim, "", "dim text")
            return
        for words in ("thinking:", "We are asked", "friendly.", "thought ", "[", "/help"):
            if words not in dim:
                t.fail(f"{words!r} is not dim")
        if "Fine." in dim or ">" in dim:
            t.fail(f"too much is dim: {dim!r}")


@test("screen: --show-thoughts, dim")
def _():
    shown_thoughts({}, [], True)


@test("screen: --show-thoughts without colour, by NO_COLOR: the marks are words")
def _():
    shown_thoughts({"NO_COLOR": "1"}, [], False)


@test("screen: --show-thoughts without colour, by --color off")
def _():
    shown_thoughts({}, ["--color", "off"], False)


@test("screen: --color on wins over NO_COLOR")
def _():
    shown_thoughts({"NO_COLOR": "1"}, ["--color", "on"], True)


@test("screen: TERM=dumb: no colour, and no control sequence at all")
def _():
    with Terminal(60, 24) as t:
        t.chat(t.parrot(SKY, STEPS), env={"TERM": "dumb"})
        t.enter("Why?")
        t.see(r"^\[2\d tok")
        t.prompt()
        t.keys("C-d")
        t.ends(0)
        if b"\x1b" in t.raw():
            t.fail(f"found {t.raw()!r}")


# ---- the start ----

@test("start: the bundled model, and how to get a real one")
def _():
    with Terminal() as t:
        t.chat([], env={"QW_MODEL": None})
        t.has_screen([r"tiny  bf16  \d+ threads?  context to 1024 +/help, Ctrl-D ends",
                      r"This is the bundled demo\..* README.md; .*-m DIR.*", ">"], whole=True)


@test("start: another model: one line")
def _():
    with Terminal() as t:
        t.chat([*t.parrot("Fine."), "-q", "bf16", "-t", "1"])
        t.has_screen([r"parrot\d+  bf16  1 thread  context to 40960 +/help, Ctrl-D ends", ">"],
                     whole=True)


@test("start: after quantising a note names the command that saves it, and that works")
def _():
    with Terminal(120, 24) as t:
        t.chat([*t.parrot("Fine."), "-q", "q8"], cwd=t.dir)
        found = t.see(r"(qw quantize -m .* -o \S+\.safetensors)")
        command = found[1].replace("\n", " ")
        t.keys("C-d")
        t.ends(0)
        t.start(command.split()[1:], cwd=t.dir)
        t.ends(0)
        t.see(command.split()[-1] + r".* MB")
        run = t.see(r"qw (.*-m " + re.escape(command.split()[-1]) + ")")[1].replace("\n", " ")
        t.start(run.split(), cwd=t.dir)
        t.prompt()
        t.lacks("quantis")
        t.enter("Well?")
        t.see("^Fine.$")


@test("start: --quiet: nothing but the prompt, the answer and errors")
def _():
    with Terminal() as t:
        t.chat([*PLAIN, "--quiet"])
        t.enter(QUESTION)
        t.see("^" + re.escape(ANSWER) + "$")
        t.wait(lambda: t.screen()[-1] == ">", "a prompt")
        t.has_screen([r"> What is 2 plus 3\?", re.escape(ANSWER), ">"], whole=True)


# ---- words ----

PROSE = ("The river below the old mill bends twice before it reaches the village, and in spring, "
         "when the snow of the northern slopes melts, it covers meadows as far as the churchyard "
         "wall. Nobody minds: donaudampfschifffahrtsgesellschaftskapitaensmuetzenfabrikantentochter"
         " is what they call a word too wide for its row. Ducks swim between apple trees.")


def wrapped(text, columns):
    """Greedy, at blanks; a word wider than a row begins where it comes and is cut by the
    terminal."""
    rows = [""]
    for word in text.split(" "):
        gap = " " if rows[-1] else ""
        if screen_width(rows[-1] + gap + word) <= columns:
            rows[-1] += gap + word
            continue
        rows.append("")
        while len(word) > columns:
            rows[-1] = word[:columns]
            word = word[columns:]
            rows.append("")
        rows[-1] = word
    return rows


def answer_rows(t, *flags):
    """The rows between the message and the statistics."""
    rows = t.screen(*flags)
    first = next(i for i, r in enumerate(rows) if r.startswith("> go")) + 1
    last = next(i for i, r in enumerate(rows) if r.startswith("[") and i > first)
    return rows[first:last - 1]


def answer_to_go(t, answer, args=(), **how):
    t.chat([*t.parrot(answer), "--no-think", *args], **how)
    t.enter("go")
    t.see(r"^\[\d+ tok")
    t.prompt()


def wrap_test(columns):
    with Terminal(columns, 40) as t:
        answer_to_go(t, PROSE)
        expect(answer_rows(t), wrapped(PROSE, columns), "rows")


@test("wrap: at words, at 80 columns")
def _():
    wrap_test(80)


@test("wrap: at words, at 40 columns")
def _():
    wrap_test(40)


@test("wrap: at words, at 20 columns")
def _():
    wrap_test(20)


@test("wrap: wide characters may part anywhere, but before a closing mark")
def _():
    with Terminal(20, 24) as t:
        text = "山高水长日月星辰春夏秋，冬东西南北中天地人。"
        answer_to_go(t, text)
        rows = answer_rows(t)
        expect("".join(rows), text, "text")
        expect([screen_width(r) for r in rows[:-1]], [20, 20], "widths")
    with Terminal(20, 24) as t:
        text = "山高水长日月星辰春夏，冬东西"
        answer_to_go(t, text)
        expect(answer_rows(t), ["山高水长日月星辰春", "夏，冬东西"], "rows")


@test("wrap: a word shows as it comes, and is moved when it does not fit")
def _():
    with Terminal(40, 24) as t:
        answer = ["One two three four ", "five six seven ", "scat", "tered", " by", " the air."]
        t.chat([*t.parrot(answer), "--no-think"], slow=400)
        t.enter("go")
        t.see(r"five six seven scat$")
        t.see(r"five six seven\nscattered by the air\.$")


@test("wrap: lines in ``` fences and lines that begin with | are not")
def _():
    with Terminal(40, 40) as t:
        code = "    return [word for word in line.split() if word and word[0] != '#']"
        table = "| one cell of this table | another cell of it | 42 |"
        text = "Look at this, will you, please do look at it:\n"
        text += f"```python\n{code}\n```\n{table}\nDone."
        answer_to_go(t, text)
        rows = answer_rows(t, "-J")
        expect(rows, wrapped(text.split("\n")[0], 40) + ["```python", code, "```", table, "Done."],
               "rows, those that the terminal has wrapped as one")


def never_wrapped(args, env):
    with Terminal(40, 40) as t:
        answer_to_go(t, PROSE, args, env=env)
        expect(answer_rows(t, "-J"), [PROSE], "rows, those that the terminal has wrapped as one")


@test("wrap: --wrap off")
def _():
    never_wrapped(["--wrap", "off"], {})


@test("wrap: not with TERM=dumb")
def _():
    never_wrapped([], {"TERM": "dumb"})


@test("wrap: thoughts are, too, with their indent")
def _():
    with Terminal(40, 24) as t:
        text = PROSE[:170].rsplit(" ", 1)[0]
        t.chat([*t.parrot("Fine.", text), "--show-thoughts"])
        t.enter("go")
        t.see(r"^thought \d+")
        rows = t.text().split("\n")
        at = rows.index("thinking:") + 1
        expect([r[2:] for r in rows[at:at + 5]], wrapped(text, 38), "rows")
        expect([r[:2] for r in rows[at:at + 5]], ["  "] * 5, "indents")


@test("wrap: after a resize while it answers, to the new width")
def _():
    with Terminal(80, 40) as t:
        words = [f" {w}{i}" for i, w in enumerate(PROSE.split()[:40] * 2)]
        t.chat([*t.parrot(words), "--no-think"], slow=40)
        t.enter("go")
        for columns in (40, 60, 30):
            n = len(t.raw())
            t.wait(lambda: len(t.raw()) > n + 100, "more of the answer")
            t.resize(columns, 40)
        t.see(r"^\[80 tok")
        t.prompt()
        rows = t.screen()
        # The terminal breaks rows that were printed before within words; none is lost.
        joined = "".join(rows[next(i for i, r in enumerate(rows) if r.startswith("> go")) + 1:])
        expect("".join(joined.split("[80")[0].split()), "".join(words).replace(" ", ""), "text")
        if max(len(r) for r in rows[-8:]) > 30:
            t.fail("not wrapped to 30 columns")


# ---- live lines ----

def updates(t, pattern):
    """The times at which the line was printed, and what it said, each part up to a control."""
    found = []
    for at, data in t.tmux.output:
        found += [(at, m[0].decode()) for m in re.finditer(pattern + rb"[^\x1b\r\n]*", data)]
    return found


def is_calm(t, found, columns):
    """At most two updates a second, and none of them fills the row."""
    if len(found) < 3:
        t.fail(f"only {len(found)} updates")
    seconds = found[-1][0] - found[0][0]
    if len(found) - 1 > 2 * seconds + 1:
        t.fail(f"{len(found)} updates in {seconds:.1f} s")
    for _, line in found:
        if len(line) >= columns:
            t.fail(f"{len(line)} characters at {columns} columns: {line!r}")


def one_live_row(t, pattern):
    rows = [r for r in t.screen() if re.match(pattern, r)]
    if len(rows) > 1:
        t.fail(f"{len(rows)} rows match {pattern!r}")


def live_thinking(columns, rows, wanted):
    with Terminal(columns, rows) as t:
        t.chat(t.parrot("Fine.", STEPS), slow=15)
        t.enter("go")
        t.see(wanted)
        t.wait(lambda: len(updates(t, rb"thinking: ")) >= 5, "five updates")
        one_live_row(t, "thinking: ")
        t.see("^Fine.$")
        t.prompt()
        t.lacks("^thinking: ")
        is_calm(t, updates(t, rb"thinking: "), columns)


@test("live 80x24: thinking")
def _():
    live_thinking(80, 24, r"^thinking: \d+ tokens, \d+ s   Ctrl-C: answer now$")


@test("live 40x12: thinking")
def _():
    live_thinking(40, 12, r"^thinking: \d+ tok, \d+ s  \^C: answer$")


@test("live 20x8: thinking")
def _():
    live_thinking(20, 8, r"^thinking: \d+(, \d+)? s$")


def live_reading(columns, rows, wanted):
    with Terminal(columns, rows) as t:
        t.chat([*PLAIN, "-b", "4", "-n", "1"], slow=100)
        t.type("Count: " + " ".join("abcdefghijklmnopqrstuvwxyz" * 2))
        t.keys("Enter")
        t.see(wanted)
        t.wait(lambda: len(updates(t, rb"reading ")) >= 3, "three updates")
        one_live_row(t, "reading ")
        t.see(r"^\[1 tok")
        t.prompt()
        t.lacks("^reading ")
        is_calm(t, updates(t, rb"reading "), columns)


@test("live 80x24: reading")
def _():
    live_reading(80, 24, r"^reading  ?\d+ of \d+ tokens, \d+ %, \d+/s, \d+ s left   Ctrl-C: back$")


@test("live 40x12: reading")
def _():
    live_reading(40, 12, r"^reading \d+ %, \d+/s, \d+ s left$")


@test("live 20x8: reading")
def _():
    live_reading(20, 8, r"^reading \d+ %$")


def live_quantising(columns, rows, wanted, program=None):
    with Terminal(columns, rows) as t:
        model = quantising_model(t.path("wide"))
        if program:
            t.start(["quantize", "-m", model, "-t", "1", "-o", t.path("out.safetensors")])
        else:
            t.start(["chat", "-m", model, "-t", "1", "-q", "q8"])
        t.see(wanted)
        t.wait(lambda: len(updates(t, rb"quantising ")) >= 3, "three updates")
        one_live_row(t, "quantising ")
        t.keys("C-c")
        t.ends(130)
        t.lacks("quantising")
        is_calm(t, updates(t, rb"quantising "), columns)


@test("live 80x24: quantising")
def _():
    live_quantising(80, 24, r"^quantising +\d+ %, \d+ MB/s, \d+ s left   "
                            r"\(qw quantize once saves this\)$")


@test("live 40x12: quantising")
def _():
    live_quantising(40, 12, r"^quantising +\d+ %, \d+( MB/s, \d+)? s left$")


@test("live 20x8: quantising")
def _():
    live_quantising(20, 8, r"^quantising +\d+ %$")


@test("live: qw quantize, at 80 and 20 columns")
def _():
    live_quantising(80, 24, r"^quantising +\d+ %, \d+ MB/s, \d+ s left$", "quantize")
    live_quantising(20, 8, r"^quantising +\d+ %$", "quantize")


@test("live: a narrower terminal while it thinks leaves nothing of the line")
def _():
    with Terminal(80, 24) as t:
        t.chat(t.parrot("Fine.", STEPS), slow=15)
        t.enter("go")
        t.see("^thinking: ")
        t.resize(30, 24)
        t.see(r"^thinking: \d+")
        t.see("^Fine.$")
        t.prompt()
        t.lacks("thinking|answer now")


def whole_lines(env):
    with Terminal(80, 24) as t:
        t.chat(t.parrot("Fine.", STEPS), slow=160, env=env)
        t.enter("go")
        t.see(r"^Fine\.$", seconds=90)
        rows = [r for r in t.text().split("\n") if r]
        said = [r for r in rows[:rows.index("Fine.")] if not r.startswith("> ")]
        if not re.search(r"thinking", said[0]) or not re.search(r"thinking: \d+ tokens, 3\d s",
                                                                said[1]):
            t.fail("expected a line at the start, and one after 30 seconds")
        if len(said) != 3 or not re.search(r"thought \d+ tokens, \d+ s", said[2]):
            t.fail("expected three lines before the answer, the last of them the end")
        t.prompt()
        if re.search(rb"\x1b\[[0-9;]*[A-KPXf]|\x1b[^\[]", t.raw()):
            t.fail("something was repainted")


@test("live: ACCESSIBLE=1: whole lines, at the start, after 30 s, at the end")
def _():
    whole_lines({"ACCESSIBLE": "1"})


@test("live: TERM=dumb: whole lines, at the same times")
def _():
    whole_lines({"TERM": "dumb"})


def whole_reading(env):
    with Terminal(80, 24) as t:
        t.chat([*PLAIN, "-b", "4", "-n", "1"], slow=100, env=env)
        t.type("Count: " + " ".join("abcdefghijklmnopqrstuvwxyz" * 2))
        t.keys("Enter")
        t.see(r"^\[1 tok")
        rows = t.screen()
        expect(len([r for r in rows if re.search(r"\breading\b.*\d", r)]), 1, "lines at the start")
        expect(len([r for r in rows if re.search(r"\bread \d+ tokens", r)]), 1, "lines at the end")


@test("live: ACCESSIBLE=1: reading in two lines")
def _():
    whole_reading({"ACCESSIBLE": "1"})


@test("live: TERM=dumb: reading in two lines")
def _():
    whole_reading({"TERM": "dumb"})


# ---- how a turn ended ----

def end_test(make, pattern, short, narrow, messages=("go",), seconds=None, **how):
    """make: the arguments of a chat in a terminal; what it says at 80, 40 and 20 columns."""
    for columns, rows, wanted in ((80, 24, pattern), (40, 20, short), (20, 20, narrow)):
        with Terminal(columns, rows) as t:
            t.chat(make(t), **how)
            for message in messages:
                t.enter(message)
                t.see(r"^(\[|qw: )", seconds)
                t.prompt()
            found = [r for r in t.screen("-J") if re.match(r"[\[(]", r)
                     and not re.match(r"\[\d+ tok", r)]
            if not any(re.fullmatch(wanted, r) for r in found):
                t.fail(f"at {columns} columns: expected the line {wanted!r}, found {found}")
            if any(len(r) > columns for r in found):
                t.fail(f"at {columns} columns it wraps: {found}")


@test("end: cut by -n")
def _():
    end_test(lambda t: [*t.parrot(SKY), "-n", "5", "--no-think"],
             r"\[cut at 5 tokens \(-n\); /continue goes on\]", r"\[cut at 5.*/continue.*\]",
             r"\[cut.*\]")


@test("end: cut by the model's max_new_tokens")
def _():
    def limited(t):
        args = t.parrot(SKY)
        with open(os.path.join(args[-1], "generation_config.json"), "w") as f:
            f.write('{"eos_token_id": 4072, "max_new_tokens": 5}')
        return [*args, "--no-think"]
    end_test(limited, r"\[cut at 5 tokens \(max_new_tokens\); /continue goes on\]",
             r"\[cut at 5.*/continue.*\]", r"\[cut.*\]")


@test("end: a loop")
def _():
    end_test(lambda t: [*t.parrot(SKY, loop=0), "--no-think"],
             r"\[stopped: it repeats itself; /regen, or /set presence-penalty 1\.5\]",
             r"\[(stopped: )?it repeats itself.*\]", r"\[it repeats itself\]")


@test("end: no answer, inside the thoughts")
def _():
    end_test(lambda t: t.parrot(SKY, STEPS[:20], silent=True),
             r"\[no answer: it ended inside its thoughts; /regen, /nothink\]",
             r"\[no answer.*\]", r"\[no answer.*\]")


@test("end: no answer, at once")
def _():
    end_test(lambda t: [*PLAIN, "-l", "4072+100000"],
             r"\[no answer: the model ended its turn at once; /regen\]",
             r"\[no answer.*\]", r"\[no answer.*\]")


@test("end: no answer, cut by -n")
def _():
    end_test(lambda t: [*t.parrot(SKY, STEPS[:20]), "-n", "5"],
             r"\[no answer: cut at 5 tokens \(-n\); /continue goes on\]",
             r"\[no answer.*\]", r"\[no answer.*\]")


@test("end: no answer, a stop text")
def _():
    end_test(lambda t: [*t.parrot(SKY), "--no-think", "-r", "Sun"],
             r"\[no answer: it began with a stop text.*\]", r"\[no answer.*\]", r"\[no answer.*\]")


@test("end: the context is full in an answer")
def _():
    end_test(lambda t: [*t.parrot(SKY), "--no-think", "-c", "40"],
             r"\[context full.*; /clear makes room\]", r"\[context full.*\]", r"\[context full.*\]")


@test("end: the context is full, the oldest turns are dropped")
def _():
    end_test(lambda t: [*t.parrot("Fine."), "--no-think", "-c", "256"],
             r"\[context full: .*\d+ of \d+ turns .*dropped; --context-full stop refuses\]",
             r"\[context full: .*dropped.*\]", r"\[.*dropped\]", ["go"] * 10)


@test("end: as many turns go as leave at most half of the context used")
def _():
    with Terminal(80, 60) as t:
        t.chat([*t.parrot("Fine."), "--no-think", "-c", "256", "-sys", "Be brief."])
        for n in range(20):
            t.enter("go")
            t.see(r"^\[")
            t.prompt()
            found = re.search(r"(\d+) of (\d+) turns", t.text())
            if found:
                break
        else:
            t.fail("the context was never full")
        used = int(re.search(r"context (\d+) of 256", t.text())[1])
        gone, all_turns = int(found[1]), int(found[2])
        each = used / (all_turns - gone)
        if used - each > 128:
            t.fail(f"{used} tokens are in use after {gone} of {all_turns} turns went")
        if used + each <= 128:
            t.fail(f"only {used} tokens are in use: more turns went than had to")


@test("end: --context-full stop refuses the message, and the chat goes on")
def _():
    with Terminal(80, 60) as t:
        t.chat([*t.parrot("Fine."), "--no-think", "-c", "256", "--context-full", "stop"])
        for n in range(20):
            t.enter("go")
            t.see(r"^(\[|qw: )")
            t.wait(lambda: t.row() in (">", "> go"), "the prompt")
            if re.search("^qw: .*context", t.text(), re.M):
                break
        else:
            t.fail("the context was never full")
        t.prompt("go")                  # nothing is lost
        t.keys("C-u")
        t.enter("/clear")
        t.prompt()
        t.enter("go")
        t.see("^Fine.$")


@test("end: a message that is too long says so, and the chat goes on")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.paste("word\n" * 4000)
        t.prompt("[pasted 4000 lines, 20.0 KB]")
        t.keys("Enter")
        t.see(r"^qw: .*context of 1024")
        t.prompt("[pasted 4000 lines, 20.0 KB]")        # nothing is lost
        t.keys("C-u")
        t.enter(QUESTION)
        t.see("^" + re.escape(ANSWER) + "$")
