#!/usr/bin/env python3
"""terminal.py - qw at a terminal, played by tmux: a person's keys, and what the screen shows.

    python3 tests/terminal.py           from the project's root; QW is the binary, ./qw by default,
                                        BUILD where qw-slow is
    python3 tests/terminal.py NAME...   only tests whose names contain one of these
    python3 tests/terminal.py --list    the names

CONTRACT maps each promise about the chat to a test that breaks when it does. "FILE: NAME" is a test
of tests/cli/FILE.sh, a bare NAME the beginning of one in tests/tty. Names that do not exist fail.
"""
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "tty"))
sys.dont_write_bytecode = True

CONTRACT = [
    # editor keys
    ("arrows: Left", "key Left"),
    ("arrows: Right", "key Right"),
    ("arrows: Up, Down through the history", "key Up and Down: through the history"),
    ("arrows: Up, Down in several lines", "key Up and Down: between the lines"),
    ("Home", "key Home"),
    ("End", "key End"),
    ("Backspace", "key Backspace"),
    ("Delete", "key Delete"),
    ("Ctrl-A", "key Ctrl-A"),
    ("Ctrl-E", "key Ctrl-E"),
    ("Ctrl-B", "key Ctrl-B"),
    ("Ctrl-F", "key Ctrl-F"),
    ("Ctrl-K", "key Ctrl-K"),
    ("Ctrl-U", "key Ctrl-U"),
    ("Ctrl-W", "key Ctrl-W"),
    ("Ctrl-Y", "key Ctrl-Y"),
    ("Ctrl-L", "key Ctrl-L"),
    ("Ctrl-T", "key Ctrl-T"),
    ("Ctrl-D in a text", "key Ctrl-D: the same, in a line with text"),
    ("Ctrl-D ends", "key Ctrl-D: ends at an empty line"),
    ("Ctrl-Left", "key Ctrl-Left"),
    ("Ctrl-Right", "key Ctrl-Right"),
    ("Alt-B", "key Alt-B"),
    ("Alt-F", "key Alt-F"),
    ("Alt-D", "key Alt-D"),
    ("Alt-Backspace", "key Alt-Backspace"),
    ("Ctrl-_ undoes", "key Ctrl-_"),
    ("Ctrl-R searches", "key Ctrl-R: searches"),
    ("Ctrl-G cancels it", "key Ctrl-G"),
    ("several lines are one entry", "history: several lines are one entry"),
    ("Ctrl-J is a new line", "key Ctrl-J"),
    ("Alt-Enter is a new line", "key Alt-Enter"),
    ("Ctrl-X Ctrl-E: $VISUAL", "key Ctrl-X Ctrl-E: the line in $VISUAL"),
    ("Ctrl-X Ctrl-E: $EDITOR", "key Ctrl-X Ctrl-E: without $VISUAL"),
    ("Tab: commands", "key Tab: completes a command"),
    ("Tab: file names", "key Tab: the names of files"),
    ("Ctrl-Z", "key Ctrl-Z"),
    ("bracketed paste: up to 5 lines are shown", "a paste of 5 lines shows them"),
    ("bracketed paste: more is sent whole", "a paste of 200 lines is one message"),
    # the line
    ("widths of wide, combining, emoji, ZWJ", "widths: wide, combining"),
    ("in every locale", "widths: the same in the C locale"),
    ("repainted from column 0", "a line is repainted from column 0"),
    ("lines wider than the screen, at 40 columns", "300 wide characters edited at 40 columns"),
    ("after a resize", "a resize while typing: no row is left over"),
    ("taller than the screen", "a line taller than the screen"),
    ("TERM=dumb: no repainting", "TERM=dumb: the line is edited"),
    ("ACCESSIBLE: no repainting", "ACCESSIBLE=1: the line is edited"),
    # history
    ("in XDG_STATE_HOME", "history: in XDG_STATE_HOME"),
    ("else in ~/.local/state; mode 0600", "history: in ~/.local/state/qw, for the owner alone"),
    ("1,000 entries", "history: 1,000 entries"),
    ("lines that begin with a blank are not kept", "history: lines that begin with a blank"),
    ("QW_HISTORY= keeps none", "history: QW_HISTORY= keeps none"),
    # type-ahead, several lines
    ("type-ahead is not echoed, stands in the next line, unsent", "type-ahead: nothing is echoed"),
    ('several lines: """', 'several lines: """ on lines of its own'),
    ('several lines: """ with text on its line', 'several lines: """ with text'),
    ("several lines: a trailing \\", "several lines: a backslash at the end"),
    ("several lines: Ctrl-J", "key Ctrl-J"),
    ("several lines: a paste", "a paste with CR LF"),
    # answers
    ("wrapped at words", "wrap: at words, at 80 columns"),
    ("a word shows as it comes and is moved", "wrap: a word shows as it comes"),
    ("not with TERM=dumb", "wrap: not with TERM=dumb"),
    ("lines in fences and with | are never wrapped", "wrap: lines in ``` fences"),
    ("--wrap off", "wrap: --wrap off"),
    ("resized while answering", "wrap: after a resize while it answers"),
    # commands
    ("blanks around a command are trimmed", "commands: blanks around them go"),
    ("wrong arguments are errors", "commands: wrong arguments are errors"),
    ("unknown ones get a suggestion", "commands: an unknown one gets a suggestion"),
    ("a second slash makes it text, //x sends /x", "commands: a second slash makes it text"),
    ("/help", "command /help"),
    ("/exit, /quit, /bye", "command /exit, /quit and /bye"),
    ("/clear", "command /clear"),
    ("/undo", "command /undo"),
    ("/regen draws with the next seed", "command /regen"),
    ("/continue: the tokens of an uninterrupted answer, greedy",
     "command /continue: the tokens of an uninterrupted answer, greedy"),
    ("/continue: seeded", "command /continue: the tokens of an uninterrupted answer, with a seed"),
    ("/edit", "command /edit: the last message is back in the line"),
    ("/read FILE...", "command /read: files with blanks in their names"),
    ("/system TEXT", "command /system"),
    ("/set NAME VALUE", "command /set: settings work at once"),
    ("/set alone lists", "command /set: alone lists them"),
    ("/set takes the flags' names", "commands: /set takes a flag as it is"),
    ("-m -c -q -t are refused with the reason", "command /set: what needs another load"),
    ("/think and /nothink switch the sampling", "command /think and /nothink"),
    ("/thoughts", "command /thoughts"),
    ("/save, /load: greedy", "command /save and /load: go on as if the chat had not ended, greedy"),
    ("/save, /load: seeded", "command /save and /load: go on as if the chat had not ended, with"),
    ("/save: settings", "command /load: settings, thinking"),
    ("/stats", "command /stats"),
    # Ctrl-C
    ("in pipes it ends at once with 130", "interrupt: Ctrl-C while it answers"),
    ("a press that returned to the prompt swallows the next",
     "Ctrl-C answering: a press that follows within a second is swallowed"),
    ("answer-now does not", "Ctrl-C thinking: answer-now swallows no press"),
    ("with --json the object is printed", "Ctrl-C with --json"),
    ("loading", "Ctrl-C loading: the line is cleared"),
    ("reading the prompt, chat", "Ctrl-C reading in a chat: back at the prompt"),
    ("reading the prompt, one-shot", "Ctrl-C reading in qw run"),
    ("thinking: answer now", "Ctrl-C thinking: answer now"),
    ("thinking, again: the turn stops", "Ctrl-C thinking, again: the turn stops"),
    ("answering: stops, /continue goes on", "Ctrl-C answering: stops"),
    ("prompt with text: cleared, kept in history", "Ctrl-C at a prompt with text"),
    ("empty prompt: says what leaves; again: 130", "Ctrl-C at an empty prompt: says"),
    # a full context
    ("as many turns go as leave half of it", "end: as many turns go"),
    ("--context-full stop refuses", "end: --context-full stop"),
    # screens
    ("80 x 24: start, thought, answer, statistics", "screen 80x24"),
    ("40 x 12", "screen 40x12"),
    ("20 columns: nothing of ours wraps", "screen 20x12"),
    ("C locale", "screen: in the C locale"),
    ("--show-thoughts", "screen: --show-thoughts, dim"),
    ("without colour the same", "screen: --show-thoughts without colour"),
    ("the bundled model: how to get a real one", "start: the bundled model"),
    ("one line for another model", "start: another model"),
    ("the note after quantising", "start: after quantising"),
    ("qw quantize says what it wrote", "qw quantize: says what it wrote"),
    ("live: quantising, 80 columns", "live 80x24: quantising"),
    ("live: quantising, 40 columns", "live 40x12: quantising"),
    ("live: quantising, 20 columns", "live 20x8: quantising"),
    ("live: reading, 80 columns", "live 80x24: reading"),
    ("live: reading, 40 columns", "live 40x12: reading"),
    ("live: reading, 20 columns", "live 20x8: reading"),
    ("live: thinking, 80 columns", "live 80x24: thinking"),
    ("live: thinking, 40 columns", "live 40x12: thinking"),
    ("live: thinking, 20 columns", "live 20x8: thinking"),
    ("thinking: ^C answering now", "Ctrl-C thinking: the line says"),
    ("(stopped; /continue goes on)", "Ctrl-C answering: stops"),
    ("[cut at 300 tokens (-n); ...]", "end: cut by -n"),
    ("[context full: the oldest ... were dropped]", "end: the context is full, the oldest"),
    ("[stopped: it repeats itself; ...]", "end: a loop"),
    ("[no answer: it ended inside its thoughts; ...]", "end: no answer, inside the thoughts"),
    ("ACCESSIBLE: progress in whole lines", "live: ACCESSIBLE=1: whole lines"),
    ("TERM=dumb: progress in whole lines", "live: TERM=dumb: whole lines"),
    # colour
    ("colour only on a terminal, NO_COLOR", "colour: NO_COLOR=1"),
    ("TERM=dumb has none", "colour: TERM=dumb"),
    ("no TERM has none", "colour: no TERM"),
    ("--color off", "colour: --color off"),
    ("--color on", "colour: --color on"),
    # ways out
    ("end", "exit: an end, Ctrl-D"),
    ("error", "exit: an error"),
    ("Ctrl-C twice", "exit: Ctrl-C twice"),
] + [(f"{way}, {phase}", f"exit: {way}, {phase}")
     for way in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP and SIGCONT",
                 "SIGSTOP and SIGCONT", "SIGSEGV", "SIGBUS, a truncated model file")
     for phase in ("editing", "loading", "reading", "thinking", "answering")]


def check_contract(names):
    for promise, where in CONTRACT:
        part, _, name = where.partition(": ")
        path = os.path.join("tests", "cli", part + ".sh")
        found = any(n.startswith(where) for n in names)
        if not found and os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                found = name in f.read()
        if not found:
            raise AssertionError(f"{promise}: there is no test {where!r}")


def main():
    names = sys.argv[1:]
    if not shutil.which("tmux") and names != ["--list"]:
        print("skip - terminal: no tmux")
        return 0
    import harness
    for name in sorted(os.listdir(os.path.join(HERE, "tty"))):
        if name.startswith("test_") and name.endswith(".py"):
            __import__(name[:-3])
    harness.test("each promise of the contract has a test")(
        lambda: check_contract([n for n, _ in harness.tests]))
    if names == ["--list"]:
        print("\n".join(n for n, _ in harness.tests))
        return 0
    return 1 if harness.run(names, workers=4) else 0


sys.exit(main())
