"""test_exits.py - every way out, from every phase: the terminal is as it was found, by stty -a, the
cursor and bracketed paste, and no half line is left. harness.Terminal.ends looks at all of it."""
import os
import re
import signal

from harness import ANSWER, PLAIN, QUESTION, QW, Terminal, quantising_model, test

STEPS = [f" step{i}" for i in range(150)]
WORDS = [f" word{i}" for i in range(100)]
LONG = "Count: " + " ".join("abcdefghijklmnopqrstuvwxyz" * 2)


# ---- phases ----

def model_file(t):
    return os.path.join(t.model[1], "model.safetensors")


def editing(t):
    t.model = t.parrot("Fine.")
    t.chat([*t.model, "--no-think"])
    t.type("some text")
    t.prompt("some text")


def loading(t):
    t.model = ["-m", quantising_model(t.path("wide"))]
    t.start(["chat", *t.model, "-t", "1", "-q", "q8"])
    t.see(r"^quantising +\d")


def reading(t):
    t.model = t.parrot("Fine.")
    t.chat([*t.model, "--no-think", "-b", "4"], slow=60)
    t.enter(LONG)
    t.see("^reading")


def thinking(t):
    t.model = t.parrot("Fine.", STEPS)
    t.chat(t.model, slow=20)
    t.enter("go")
    t.see("^thinking: ")


def answering(t):
    t.model = t.parrot(WORDS)
    t.chat([*t.model, "--no-think"], slow=20)
    t.enter("go")
    t.see("word5")


def goes_on(t, phase):
    """What the phase comes to if nothing disturbs it."""
    if phase is editing:
        t.line("some text")
        t.type("!")
        t.line("some text!")
        t.keys("Enter")
        t.see("^Fine.$")
    elif phase is loading:
        n = len(t.tmux.output)
        t.wait(lambda: len(t.tmux.output) > n + 1, "more progress")
        t.keys("C-c")
        t.ends(130)
        return
    elif phase is answering:
        t.see("word99$")
    else:
        t.see("^Fine.$")
    t.prompt()
    t.type("x")
    t.line("x")
    t.keys("BSpace", "C-d")
    t.ends(0)


PHASES = [editing, loading, reading, thinking, answering]


# ---- ways out ----

def by_signal(name, code):
    def leave(t, phase):
        t.kill(name)
        t.ends(code)
    return leave


def by_interrupt(t, phase):
    """SIGINT from another process: as Ctrl-C."""
    t.kill("INT")
    if phase is loading:
        t.ends(130)
        return
    if phase is thinking:
        t.see("^Fine.$")
    elif phase is answering:
        t.see(r"^\(stopped")
    elif phase is reading:
        t.see("^> Count")
        t.wait(lambda: t.row().endswith("y z"), "the message in the line")
    t.keys("C-u")
    t.prompt()
    t.keys("C-d")
    t.ends(0)


def by_stop(t, phase):
    t.kill("TSTP")
    t.stops()
    t.lacks(r"^(quantising|reading|thinking)")
    t.go_on()
    goes_on(t, phase)


def by_ctrl_z(t, phase):
    t.keys("C-z")
    t.stops()
    t.lacks(r"^(quantising|reading|thinking)")
    t.go_on()
    goes_on(t, phase)


def by_hard_stop(t, phase):
    """Nothing can be done before it; the shell mends the terminal, as shells do."""
    t.kill("STOP")
    t.stops(tidy=False)
    t.go_on()
    goes_on(t, phase)


def by_truncation(t, phase):
    os.truncate(model_file(t), 0 if phase is not loading else 4096)
    if phase is editing:
        t.keys("Enter")
    t.ends(1)
    t.see("^qw: a model file can no longer be read")


def by_closed_window(t, phase):
    pid = t.pid
    t.pid = None
    t.tmux.tell("respawn-pane", "-k", "sleep 60")

    def gone():
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                return f.read().rsplit(") ", 1)[1][0] == "Z"
        except FileNotFoundError:
            return True
    try:
        t.wait(gone, "the program to end with its terminal")
    finally:
        if not gone():
            os.kill(pid, signal.SIGKILL)


WAYS = [
    ("SIGINT", by_interrupt),
    ("SIGTERM", by_signal("TERM", 143)),
    ("SIGHUP", by_signal("HUP", 129)),
    ("SIGQUIT", by_signal("QUIT", 131)),
    ("SIGTSTP and SIGCONT", by_stop),
    ("Ctrl-Z and SIGCONT", by_ctrl_z),
    ("SIGSTOP and SIGCONT", by_hard_stop),
    ("SIGSEGV", by_signal("SEGV", -signal.SIGSEGV)),
    ("SIGBUS, a truncated model file", by_truncation),
    ("a closed window", by_closed_window),
]


def exit_test(way, phase):
    def check():
        with Terminal() as t:
            phase(t)
            way(t, phase)
    return check


for what, how in WAYS:
    for when in PHASES:
        test(f"exit: {what}, {when.__name__}")(exit_test(how, when))


# ---- those that belong to one phase ----

@test("exit: an end, Ctrl-D")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.keys("C-d")
        t.ends(0)
        t.has_screen([">", "rc=0"])


@test("exit: Ctrl-D while a message is read, thought about or answered is not lost")
def _():
    with Terminal() as t:
        answering(t)
        t.keys("C-d")
        t.see("word99$")
        t.see(r"^\[\d+ tokens")
        # Typed ahead it edits the next line; an empty line it does not end unseen.
        t.prompt()
        t.keys("C-d")
        t.ends(0)


@test("exit: an error, no such model")
def _():
    with Terminal() as t:
        t.start(["chat", "-m", "/no/such/model"])
        t.ends(1)
        t.see("^qw: .*/no/such/model")


@test("exit: wrong usage")
def _():
    with Terminal() as t:
        t.start(["chat", "--bogus"])
        t.ends(2)


@test("exit: not enough memory")
def _():
    with Terminal() as t:
        t.start(["chat", "-c", "1000000", *t.parrot("Fine.", n_ctx=1000000), "-b", "65536"],
                program=["sh", "-c", "ulimit -v 200000; exec \"$@\"", "sh",
                         *QW])
        t.ends(3)


@test("exit: Ctrl-C twice")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.keys("C-c")
        t.see(r"^Ctrl-C again")
        t.prompt()
        t.keys("C-c")
        t.ends(130)


@test("exit: the end of qw run")
def _():
    with Terminal() as t:
        t.start(["run", *PLAIN, "-p", QUESTION])
        t.ends(0)
        t.see(rf"^{re.escape(ANSWER)}$")


@test("exit: qw run stopped and brought back")
def _():
    with Terminal() as t:
        t.start(["run", *t.parrot(WORDS), "--no-think", "-p", "go"], slow=20)
        t.see("word5")
        t.keys("C-z")
        t.stops()
        t.go_on()
        t.see("word99$")
        t.ends(0)


@test("exit: keys that come together with the end are not lost for the shell")
def _():
    with Terminal() as t:
        t.start(["run", *t.parrot(WORDS[:60]), "--no-think", "-p", "go"], slow=20)
        t.see("word5")
        t.type("ls -l")
        t.lacks("ls -l")
        t.ends(0)
