"""test_keys.py - what each key of the line editor does to the line and the cursor.

tests/cli/chat_names.sh wants the name of each key of src/terminal/bindings.c in a test's name.
"""
import json
import os
import stat

from harness import PLAIN, Terminal, expect, test

# name, what is typed, keys, the line after them, the cursor in it (None: at its end)
KEYS = [
    ("Left: a character back", "abc", "Left Left", "abc", 1),
    ("Ctrl-B: the same", "abc", "C-b C-b x", "axbc", 2),
    ("Right: a character on", "abc", "C-a Right x", "axbc", 2),
    ("Ctrl-F: the same", "abc", "C-a C-f C-f x", "abxc", 3),
    ("Home: to the beginning", "abc def", "Home x", "xabc def", 1),
    ("Ctrl-A: the same", "abc def", "C-a x", "xabc def", 1),
    ("End: to the end", "abc def", "Home End x", "abc defx", None),
    ("Ctrl-E: the same", "abc def", "C-a C-e x", "abc defx", None),
    ("Left and Right stay in the line", "ab", "Left Left Left Right x Right Right y", "axby", 4),
    ("Ctrl-Left: a word back", "one two, three", "C-Left C-Left x", "one xtwo, three", 5),
    ("Alt-Left: the same", "one two, three", "M-Left M-Left x", "one xtwo, three", 5),
    ("Alt-B: the same", "one two, three", "M-b M-b x", "one xtwo, three", 5),
    ("Ctrl-Right: a word on", "one two, three", "C-a C-Right C-Right x", "one twox, three", 8),
    ("Alt-Right: the same", "one two, three", "C-a M-Right M-Right x", "one twox, three", 8),
    ("Alt-F: the same", "one two, three", "C-a M-f M-f x", "one twox, three", 8),
    ("Backspace: the character before", "abcd", "Left BSpace", "abd", 2),
    ("Ctrl-H: the same", "abcd", "Left C-h", "abd", 2),
    ("Backspace at the beginning: nothing", "abcd", "C-a BSpace", "abcd", 0),
    ("Delete: the character after", "abcd", "C-a DC DC", "cd", 0),
    ("Ctrl-D: the same, in a line with text", "abcd", "C-a C-d", "bcd", 0),
    ("Ctrl-K: all after the cursor", "abc def", "M-b C-k", "abc", 4),
    ("Ctrl-U: all before the cursor", "abc def", "M-b C-u", "def", 0),
    ("Ctrl-W: the word before, up to a blank", "ab cd/ef", "C-w x", "ab x", None),
    ("Alt-Backspace: the word before, of letters", "ab cd/ef", "M-BSpace x", "ab cd/x", None),
    ("Alt-Ctrl-H: the same", "ab cd/ef", "Escape C-h x", "ab cd/x", None),
    ("Alt-D: the word after", "one two three", "C-a M-d x", "x two three", 1),
    ("Ctrl-Delete: the same", "one two three", "C-a C-DC x", "x two three", 1),
    ("Ctrl-Y: what was cut comes back", "one two", "C-w C-a C-y", "twoone", 3),
    ("Ctrl-Y: words that were cut one after the other", "one two three", "C-w C-w C-a C-y",
     "two threeone", 9),
    ("Ctrl-T: two characters change places", "abcd", "Left C-t", "abdc", 4),
    ("Ctrl-_: undoes the last change", "abc def", "C-w C-_", "abc def", None),
    ("Ctrl-_: step by step, to the empty line", "abc def", "C-w C-w C-_ C-_ C-_ C-_", "", 0),
    ("Ctrl-X Ctrl-U: the same as Ctrl-_", "abc def", "C-w C-x C-u", "abc def", None),
    ("a key that does nothing", "abc", "C-g F5 PPage C-] x", "abcx", None),
]


def key_test(typed, keys, line, column):
    def check():
        with Terminal() as t:
            t.chat(PLAIN)
            t.type(typed)
            t.prompt(typed)
            t.keys(*keys.split())
            t.line(line, column)
            t.keys("C-c")
            t.line("")
            t.keys("C-d")
            t.ends(0)
    return check


for name, *case in KEYS:
    test("key " + name)(key_test(*case))


@test("keys as other terminals send them")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("abc")
        for home, end in ((b"\x1b[H", b"\x1b[F"), (b"\x1bOH", b"\x1bOF"), (b"\x1b[1~", b"\x1b[4~"),
                          (b"\x1b[7~", b"\x1b[8~")):
            t.send(home)
            t.line("abc", 0)
            t.send(end)
            t.line("abc", 3)
        t.send(b"\x1bOD\x1bOD")
        t.line("abc", 1)
        t.send(b"\x1bOC")
        t.line("abc", 2)
        t.send(b"\x1b[5D")              # Ctrl-Left of an old one
        t.line("abc", 0)
        t.send(b"\x1b[99;99z\x1b]10;rgb:0/0/0\x07\x1bP1$r0m\x1b\\x")
        t.line("xabc", 1)


# ---- keys that are more than one change ----

def history_of(t, *lines):
    path = t.path("home", ".local", "state", "qw")
    os.makedirs(path)
    with open(os.path.join(path, "history"), "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)


def walk(older, newer):
    with Terminal() as t:
        history_of(t, "first", "second", "two\\nlines")
        t.chat(PLAIN)
        t.type("draft")
        t.prompt("draft")
        t.keys(older)
        t.see(r"^> two\n\. lines$")
        t.keys(older)
        t.line("second")
        t.keys(older, older)
        t.line("first")
        t.keys(newer)
        t.line("second")
        t.keys(newer)
        t.see(r"^> two\n\. lines$")
        t.keys(newer)
        t.line("draft")


@test("key Up and Down: through the history, and back to what was typed")
def _():
    walk("Up", "Down")


@test("key Ctrl-P and Ctrl-N: the same")
def _():
    walk("C-p", "C-n")


@test("key Up and Down: between the lines of a message")
def _():
    with Terminal() as t:
        history_of(t, "older")
        t.chat(PLAIN)
        t.type("abc")
        t.keys("C-j")
        t.type("defgh")
        t.keys("Up", "x")
        t.see(r"^> abcx\n\. defgh$")
        t.keys("Left", "Down", "y")
        t.see(r"^> abcx\n\. defygh$")
        t.keys("Up", "Up")
        t.line("older")


@test("key Ctrl-R: searches the history, again for an older one")
def _():
    with Terminal() as t:
        history_of(t, "find the needle", "hay", "another needle", "more hay")
        t.chat(PLAIN)
        t.type("draft")
        t.prompt("draft")
        t.keys("C-r")
        t.type("NEED")
        t.see(r"^\(search 'NEED'\) another needle$")
        t.keys("C-r")
        t.see(r"^\(search 'NEED'\) find the needle$")
        t.keys("C-r")
        t.see(r"^\(no match 'NEED'\)")
        t.keys("BSpace", "BSpace", "BSpace", "BSpace")
        t.type("hay")
        t.see(r"^\(search 'hay'\) more hay$")
        t.keys("C-e", "x")
        t.line("more hayx")


@test("key Ctrl-R: Enter sends what was found")
def _():
    with Terminal() as t:
        history_of(t, "What is 2 plus 3?", "hay")
        t.chat(PLAIN)
        t.keys("C-r")
        t.type("plus")
        t.see(r"^\(search 'plus'\) What is 2 plus 3\?$")
        t.keys("Enter")
        t.see(r"^2 \+ 3 = 5$")


@test("key Ctrl-G: cancels the search, and the line is as it was")
def _():
    with Terminal() as t:
        history_of(t, "needle")
        t.chat(PLAIN)
        t.type("draft")
        t.keys("Left", "C-r", "n")
        t.see(r"^\(search 'n'\) needle$")
        t.keys("C-g")
        t.line("draft", 4)


@test("key Ctrl-C: in a search clears the line")
def _():
    with Terminal() as t:
        history_of(t, "needle")
        t.chat(PLAIN)
        t.type("draft")
        t.keys("C-r", "n")
        t.see(r"^\(search 'n'\) needle$")
        t.keys("C-c")
        t.line("")
        t.keys("Up")
        t.line("draft")


@test("key Alt-Ctrl-C: as Ctrl-C")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("abc")
        t.prompt("abc")
        t.keys("Escape", "C-c")
        t.line("")
        t.keys("Up")
        t.line("abc")


@test("key Ctrl-L: clears the screen, and the line stays")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("abc")
        t.prompt("abc")
        t.keys("Left", "C-l")
        t.wait(lambda: t.cursor() == (4, 0), "the cursor at the top")
        t.line("abc", 2)


def new_line(*keys):
    with Terminal() as t:
        t.chat(PLAIN + ["-n", "1"])
        t.type("one")
        t.keys(*keys)
        t.type("two")
        t.see(r"^> one\n\. two$")
        t.keys("Enter")
        t.see(r"^\[")
        t.prompt()
        expect(said(t), ["one\ntwo"], "messages")


def said(t):
    """What the user has said in this chat, by /save."""
    path = t.path("said.json")
    t.enter("/save " + path)
    t.see(r"saved; /load")
    t.prompt()
    with open(path, encoding="utf-8") as f:
        return [m["content"] for m in json.load(f)["messages"] if m["role"] == "user"]


@test("key Ctrl-J: a new line in the message")
def _():
    new_line("C-j")


@test("key Alt-Enter: a new line in the message")
def _():
    new_line("M-Enter")


@test("key Alt-Ctrl-J: a new line in the message")
def _():
    new_line("Escape", "C-j")


@test("key Enter: sends the line, wherever the cursor is")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("What is 2 plus 3?")
        t.keys("Home", "Enter")
        t.see(r"^> What is 2 plus 3\?\n2 \+ 3 = 5$")


@test("key Enter: an empty line sends nothing")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.keys("Enter")
        t.see(r"^>\n>$")
        t.keys("Enter")
        t.see(r"^>\n>\n>$")
        t.keys("C-d")
        t.ends(0)


def external(env, script, typed, line):
    with Terminal() as t:
        path = t.path("my editor")
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(path, stat.S_IRWXU)
        quoted = f"'{path}'"
        t.chat(PLAIN, env={k: v.replace("EDITOR", quoted) for k, v in env.items()})
        t.type(typed)
        t.prompt(typed)
        t.keys("C-x", "C-e")
        t.line(line)
        expect([n for n in os.listdir(t.dir) if n.startswith("qw-")], [], "files left")
        t.keys("C-c", "C-d")
        t.ends(0)


@test("key Ctrl-X Ctrl-E: the line in $VISUAL")
def _():
    external({"VISUAL": "EDITOR", "EDITOR": "false"}, 'sed -i s/cat/dog/ "$1"\n', "a cat", "a dog")


@test("key Ctrl-X Ctrl-E: without $VISUAL in $EDITOR, with its arguments")
def _():
    external({"VISUAL": "", "EDITOR": "EDITOR -a -b"}, '[ "$1$2" = -a-b ] && echo new > "$3"\n',
             "old", "new")


@test("key Ctrl-X Ctrl-E: an editor that fails leaves the line as it was")
def _():
    with Terminal() as t:
        t.chat(PLAIN, env={"VISUAL": "false"})
        t.type("a cat")
        t.keys("C-x", "C-e")
        t.see("^qw: the editor failed")
        t.line("a cat")


@test("key Ctrl-X Ctrl-E: the editor has the terminal as the shell had it")
def _():
    with Terminal() as t:
        # cat in the editor's place: canonical mode, echo and Ctrl-D work as ever.
        t.chat(PLAIN, env={"VISUAL": "sh -c 'stty -a | grep -o \" -*icanon\\| -*echo \"; "
                                     "cat > \"$1\"' sh"})
        t.type("a cat")
        t.keys("C-x", "C-e")
        t.see(r"^ icanon$")
        t.see(r"^ echo$")
        t.enter("a dog")
        t.keys("C-d")
        t.line("a dog")


@test("key Ctrl-C: in the editor of Ctrl-X Ctrl-E it ends that alone")
def _():
    with Terminal() as t:
        t.chat(PLAIN, env={"VISUAL": "tail -f"})
        t.type("a cat")
        t.keys("C-x", "C-e")
        t.see("^a cat$")
        t.keys("C-c")
        t.line("a cat")


@test("key Tab: completes a command")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("/st")
        t.keys("Tab", "x")
        t.line("/stats x")


@test("key Tab: as far as all commands agree, and again: the list")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("/re")
        t.keys("Tab")
        t.line("/re")
        t.keys("Tab")
        t.see(r"^/?regen +/?read$")
        t.line("/re")
        t.keys("a", "Tab")
        t.line("/read ")


@test("key Tab: the names of files, with blanks in them")
def _():
    with Terminal() as t:
        os.mkdir(t.path("a folder"))
        for name in ("first", "second one", "second two"):
            with open(t.path("a folder", name), "w", encoding="ascii") as f:
                f.write("text\n")
        t.chat(PLAIN, cwd=t.dir)
        for command in ("/read", "/save", "/load"):
            t.type(command + " a")
            t.keys("Tab", "s", "Tab")
            t.line(command + " a\\ folder/second\\ ")
            t.keys("Tab")
            t.see(r"^second\\\\? one +second\\\\? two$")
            t.keys("o", "Tab", "x")
            t.line(command + " a\\ folder/second\\ one x")
            t.keys("C-u")
            t.line("")


@test("key Tab: the names of settings")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("/set tem")
        t.keys("Tab", "1")
        t.line("/set temp 1")


@test("key Tab: in a message it does nothing")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("abc")
        t.keys("Tab", "x")
        t.line("abcx")


@test("key Ctrl-Z: stops, and the line is there again after that")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("What is 2 plus")
        t.prompt("What is 2 plus")
        t.keys("C-z")
        t.stops()
        t.go_on()
        t.line("What is 2 plus")
        t.enter(" 3?")
        t.see(r"^2 \+ 3 = 5$")
        t.prompt()
        t.keys("C-d")
        t.ends(0)


@test("key Ctrl-\\: ends at once")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("abc")
        t.prompt("abc")
        t.keys("C-\\")
        t.ends(131)


@test("key Ctrl-D: ends at an empty line")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.keys("C-d")
        t.ends(0)


@test("key Ctrl-D: at the end of a line with text it does nothing")
def _():
    with Terminal() as t:
        t.chat(PLAIN)
        t.type("abc")
        t.keys("C-d", "x")
        t.line("abcx")
