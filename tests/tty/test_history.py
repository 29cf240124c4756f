"""test_history.py - the lines that were typed, kept in a file."""
import os
import stat

from harness import PLAIN, Terminal, expect, test
from test_keys import history_of

PATH = ("home", ".local", "state", "qw", "history")


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def clear_each(t, *lines):
    """Type each and clear it, which keeps it."""
    for line in lines:
        t.type(line)
        t.prompt(line)
        t.keys("C-c")
        t.prompt()


def leave(t):
    t.keys("C-d")
    t.ends(0)


@test("history: in ~/.local/state/qw, for the owner alone")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        clear_each(t, "one", "two")
        leave(t)
        expect(lines_of(t.path(*PATH)), ["one", "two"], "entries")
        expect(stat.S_IMODE(os.stat(t.path(*PATH)).st_mode), 0o600, "mode of the file")
        expect(stat.S_IMODE(os.stat(t.path(*PATH[:-1])).st_mode), 0o700, "mode of its folder")
        t.chat(PLAIN)
        t.keys("Up")
        t.line("two")
        t.keys("Up")
        t.line("one")


@test("history: in XDG_STATE_HOME, if that is set")
def _():
    with Terminal() as t:
        t.chat(PLAIN, env={"XDG_STATE_HOME": t.path("state")})
        clear_each(t, "one")
        leave(t)
        expect(lines_of(t.path("state", "qw", "history")), ["one"], "entries")
        expect(os.path.exists(t.path(*PATH)), False, "another one")


@test("history: QW_HISTORY=FILE")
def _():
    with Terminal() as t:
        t.chat(PLAIN, env={"QW_HISTORY": t.path("mine")})
        clear_each(t, "one")
        leave(t)
        expect(lines_of(t.path("mine")), ["one"], "entries")
        expect(os.path.exists(t.path(*PATH)), False, "another one")


@test("history: QW_HISTORY= keeps none")
def _():
    with Terminal() as t:
        history_of(t, "older")
        t.chat(PLAIN, env={"QW_HISTORY": ""})
        clear_each(t, "one")
        t.keys("Up")
        t.line("one")
        t.keys("Up")
        t.line("one")
        t.keys("C-u")
        t.prompt()
        leave(t)
        expect(lines_of(t.path(*PATH)), ["older"], "entries")


@test("history: lines that begin with a blank are not kept, nor the same one twice")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        clear_each(t, "one", " secret", "one", "two", "one")
        leave(t)
        expect(lines_of(t.path(*PATH)), ["one", "two", "one"], "entries")


@test("history: several lines are one entry")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("one")
        t.keys("C-j")
        t.type("two")
        t.keys("C-c")
        t.prompt()
        clear_each(t, "three")
        leave(t)
        expect(lines_of(t.path(*PATH)), ["one\\ntwo", "three"], "entries")
        t.chat(PLAIN)
        t.keys("Up", "Up")
        t.see(r"^> one\n\. two$")


@test("history: 1,000 entries")
def _():
    with Terminal() as t:
        history_of(t, *[f"entry {i}" for i in range(2500)])
        t.chat(PLAIN)
        found = lines_of(t.path(*PATH))
        expect((len(found), found[0], found[-1]), (1000, "entry 1500", "entry 2499"), "entries")
        expect(stat.S_IMODE(os.stat(t.path(*PATH)).st_mode), 0o600, "mode of the file")
        t.keys("Up")
        t.line("entry 2499")
        t.keys("C-r")
        t.type("entry 1500")
        t.see(r"^\(search 'entry 1500'\) entry 1500$")
        t.keys("C-g", "C-u")
        t.line("")
        t.keys("C-r")
        t.type("entry 1499")
        t.see(r"^\(no match 'entry 1499'\)")


@test("history: of two chats at once nothing is lost")
def _():
    with Terminal() as t, Terminal() as u:
        where = {"QW_HISTORY": t.path("mine")}
        t.chat(PLAIN, env=where)
        u.chat(PLAIN, env=where)
        for i in range(5):
            clear_each(t, f"t{i}")
            clear_each(u, f"u{i}")
        leave(t)
        leave(u)
        expect(lines_of(t.path("mine")), [f"{c}{i}" for i in range(5) for c in "tu"], "entries")


@test("history: one that cannot be written is said once")
def _():
    with Terminal() as t:
        os.mkdir(t.path("mine"))
        t.chat(PLAIN, env={"QW_HISTORY": t.path("mine")})
        for _ in range(2):
            t.enter("/think")
            t.see(r"thinks before")
            t.prompt()
        expect(len([r for r in t.screen() if r.startswith("qw: history:")]), 1, "messages")
        leave(t)
