"""harness.py - a terminal that a test types at and whose screen it reads: tmux, a server for each.

    with Terminal(80, 24) as t:
        t.start(["chat"] + PLAIN)
        t.prompt()
        t.enter("What is 2 plus 3?")
        t.see("^2 \\+ 3 = 5$")
        t.keys("C-d")
        t.ends(0)

Nothing waits for a fixed time where there is a condition to wait for; a condition that does not
come true within LIMIT seconds fails the test and shows the screen.
"""
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import parrot

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.getcwd()
QW = os.environ.get("QW", os.path.join(ROOT, "qw")).split()
QW[-1] = os.path.abspath(QW[-1])
SLOW = float(os.environ.get("QW_SLOW") or "1") * (10 if len(QW) > 1 else 1)
LIMIT = 20 * SLOW
TINY = os.path.join(ROOT, "models", "tiny")
QUESTION = "What is 2 plus 3?"
ANSWER = "2 + 3 = 5"
PLAIN = ["--no-think", "--temp", "0"]

tests = []


class Skip(Exception):
    pass


def test(name):
    def add(function):
        if any(name == n for n, _ in tests):
            raise ValueError(f"two tests are called {name!r}")
        tests.append((name, function))
        return function
    return add


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, found {found!r}")


def slow_binary():
    build = os.environ.get("BUILD")
    if not build and os.path.exists(".build/last"):
        with open(".build/last", encoding="ascii") as f:
            build = f.read().strip()
    path = os.path.join(ROOT, build or "", "qw-slow")
    if not os.access(path, os.X_OK):
        raise Skip("there is no qw-slow: make $BUILD/qw-slow builds it")
    return [*QW[:-1], path]


def screen_width(text):
    """Cells of text in characters on whose width everybody agrees."""
    return sum(2 if ord(c) >= 0x1100 else 1 for c in text)


# ---- models ----

def quantising_model(directory):
    """One that quantises for seconds: a vocabulary of zeros in a file that takes no room."""
    d, rows = 1024, 524288
    os.makedirs(directory)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        os.symlink(os.path.join(TINY, name), os.path.join(directory, name))
    config = parrot.load("config.json")
    config.update(hidden_size=d, intermediate_size=1, num_hidden_layers=1, num_attention_heads=2,
                  vocab_size=rows)
    parrot.store(directory, "config.json", config)
    shapes = {"embed_tokens": [rows, d], "norm": [d], "layers.0.input_layernorm": [d],
              "layers.0.post_attention_layernorm": [d], "layers.0.self_attn.q_norm": [64],
              "layers.0.self_attn.k_norm": [64], "layers.0.self_attn.q_proj": [128, d],
              "layers.0.self_attn.k_proj": [128, d], "layers.0.self_attn.v_proj": [128, d],
              "layers.0.self_attn.o_proj": [d, 128], "layers.0.mlp.gate_proj": [1, d],
              "layers.0.mlp.up_proj": [1, d], "layers.0.mlp.down_proj": [d, 1]}
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[f"model.{name}.weight"] = {"dtype": "BF16", "shape": shape,
                                          "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(os.path.join(directory, "model.safetensors"), "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        f.truncate(8 + len(text) + at)
    return directory


# ---- tmux ----

def quote(word):
    return "'" + word.replace("'", "'\\''") + "'"


def unescape(line):
    return re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), line)


class Tmux:
    """A server with one window, and a client in control mode: commands go in, their answers and all
    that the window's program writes come out."""

    def __init__(self, directory, columns, rows, command):
        conf = os.path.join(directory, "tmux.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write("set -g status off\nset -g escape-time 0\nset -g history-limit 20000\n")
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": directory, "TERM": "xterm"}
        self.base = ["tmux", "-u", "-S", os.path.join(directory, "tmux"), "-f", conf]
        subprocess.run([*self.base, "new-session", "-d", "-x", str(columns), "-y", str(rows),
                        " ".join(quote(c) for c in command), ";",
                        "set", "-g", "window-size", "manual"], env=env, check=True,
                       stdin=subprocess.DEVNULL, timeout=LIMIT)
        self.client = subprocess.Popen([*self.base, "-C", "attach"], env=env,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.answers = queue.Queue()
        self.output = []                # pairs of a time and bytes
        self.news = threading.Event()   # there was some
        self.closed = False
        threading.Thread(target=self.listen, daemon=True).start()
        self.answers.get(timeout=LIMIT)

    def listen(self):
        block = None
        for line in self.client.stdout:
            line = line.rstrip(b"\n")
            if block is not None and line.startswith((b"%end ", b"%error ")):
                self.answers.put((line.startswith(b"%end "), block))
                block = None
            elif block is not None:
                block.append(line.decode(errors="replace"))
            elif line.startswith(b"%begin "):
                block = []
            elif line.startswith(b"%output "):
                text = unescape(line.split(b" ", 2)[2])
                self.output.append((time.monotonic(), text))
                self.news.set()
        self.closed = True
        self.answers.put((False, ["tmux has ended"]))

    def tell(self, *words):
        """A command's answer, as lines."""
        self.client.stdin.write(" ".join(quote(w) for w in words).encode() + b"\n")
        self.client.stdin.flush()
        good, lines = self.answers.get(timeout=LIMIT)
        if not good:
            raise AssertionError(f"tmux {words}: {lines}")
        return lines

    def close(self):
        subprocess.run([*self.base, "kill-server"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False, timeout=LIMIT)
        self.client.stdin.close()
        self.client.wait(timeout=LIMIT)


# ---- a terminal ----

class Terminal:
    open = set()

    def __init__(self, columns=80, rows=24):
        self.dir = tempfile.mkdtemp(prefix="qw-tty-")
        self.home = os.path.join(self.dir, "home")
        self.size = columns, rows
        self.pid = None
        self.since = 0                  # `see` looks at the rows from here on
        self.tmux = None
        self.wire = None

    def __enter__(self):
        Terminal.open.add(self)
        try:
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def begin(self):
        path = os.path.join(self.dir, "wire")
        os.mkdir(self.home)
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(1)
        server.settimeout(LIMIT)
        self.tmux = Tmux(self.dir, *self.size, [sys.executable, "-I", "-S",
                                                os.path.join(HERE, "runner.py"), path])
        self.wire = server.accept()[0]
        server.close()
        self.wire.settimeout(LIMIT)
        self.reports = self.wire.makefile("r")
        self.report()

    def close(self):
        Terminal.open.discard(self)
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.tmux:
            self.tmux.close()
        if self.wire:
            self.wire.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def parrot(self, answer, thought=None, **how):
        """-m and a model that says this."""
        name = self.path(f"parrot{len(os.listdir(self.dir))}")
        return ["-m", parrot.make(name, answer, thought, **how)]

    # ---- programs ----

    def report(self):
        try:
            line = self.reports.readline()
        except TimeoutError:
            line = ""
        if not line:
            self.fail("the program neither ended nor stopped")
        return json.loads(line)

    def start(self, args, slow=None, env=None, cwd=None, program=None):
        """qw; slow: with a model that takes so many milliseconds for a pass. A value None in env
        takes the variable away."""
        full = {"PATH": os.environ["PATH"], "HOME": self.home, "TERM": "screen",
                "LC_ALL": "C.UTF-8", "QW_MODEL": TINY, "TMPDIR": self.dir}
        if slow is not None:
            full["QW_TEST_PASS_MS"] = str(slow)
        full.update(env or {})
        full = {k: v for k, v in full.items() if v is not None}
        program = program or (QW if slow is None else slow_binary())
        job = {"argv": program + args, "env": full, "cwd": cwd or ROOT}
        self.mark()
        self.since += 1                 # the runner's own line
        self.began = self.since
        self.wire.sendall(json.dumps(job).encode() + b"\n")
        self.pid = self.report()["pid"]

    def chat(self, args=(), **how):
        """A chat up to its first prompt."""
        self.start(["chat", *args], **how)
        self.prompt()

    def ends(self, code=None, tidy=True):
        """Wait for the end. tidy: the terminal is as it was, and no half line is left."""
        end = self.report()
        self.pid = None
        if "code" not in end:
            self.fail(f"expected an end, found {end}")
        if code is not None and end["code"] != code:
            self.fail(f"expected the exit code {code}, found {end['code']}")
        self.see(rf"rc={end['code']}$" if not tidy else rf"^rc={end['code']}$")
        if tidy:
            self.is_tidy(end)
        return end["code"]

    def stops(self, tidy=True):
        """Wait until it is stopped; then the terminal belongs to the shell."""
        end = self.report()
        if "stopped" not in end:
            self.fail(f"expected a stop, found {end}")
        self.see("^stopped$" if tidy else "stopped$")
        if tidy:
            self.is_tidy(end)

    def go_on(self):
        self.wire.sendall(b'{"go": true}\n')

    def is_tidy(self, end):
        raw = self.raw()
        if end["changed"]:
            self.fail(f"not as stty -a was before: {end['changed']}")
        if raw.rfind(b"\x1b[?2004h") > raw.rfind(b"\x1b[?2004l"):
            self.fail("bracketed paste is on")
        if self.ask("cursor_flag") != "1":
            self.fail("the cursor is hidden")

    def kill(self, name):
        os.kill(self.pid, getattr(signal, "SIG" + name))

    # ---- keys ----

    def keys(self, *names):
        """By tmux's names: C-a, M-b, Up, BSpace, C-Left."""
        self.tmux.tell("send-keys", *names)

    def type(self, text):
        self.tmux.tell("send-keys", "-l", "--", text)

    def enter(self, text):
        """A line, once it is shown; then `see` looks at what comes after it."""
        end = "".join(text.split())[-20:]
        self.type(text)
        self.wait(lambda: "".join("".join(self.screen()).split()).endswith(end),
                  f"the line with {end!r}")
        self.mark()
        self.keys("Enter")

    def mark(self, keep=0):
        """From now on `see` looks at new rows, and at so many of the last ones."""
        self.since = len(self.screen()) - keep

    def send(self, data):
        """Bytes."""
        self.tmux.tell("send-keys", "-H", *[f"{b:02x}" for b in data])

    def paste(self, text):
        """As a terminal does: bracketed if the program has asked for it, and with carriage
        returns."""
        with open(self.path("clipboard"), "w", encoding="utf-8", newline="") as f:
            f.write(text)
        self.tmux.tell("load-buffer", self.path("clipboard"))
        self.tmux.tell("paste-buffer", "-p", "-d")

    def resize(self, columns, rows, repaints=False):
        """repaints: wait until the program has reacted. tmux breaks the rows at once, but tells it
        a little later, and what it writes in between would be broken twice."""
        at = len(self.tmux.output)
        self.tmux.tell("resize-window", "-x", str(columns), "-y", str(rows))
        if repaints:
            self.wait(lambda: len(self.tmux.output) > at, "a repaint")

    # ---- what is on the screen ----

    def screen(self, *flags):
        """The rows, with those that have scrolled away."""
        lines = self.tmux.tell("capture-pane", "-p", "-S", "-", *flags)
        while lines and not lines[-1].strip():
            lines.pop()
        return [line.rstrip() for line in lines]

    def text(self):
        return "\n".join(self.screen()[self.since:])

    def ask(self, name):
        return self.tmux.tell("display-message", "-p", "#{" + name + "}")[0]

    def cursor(self):
        """Column and row, from 0 at the top of the screen."""
        return tuple(int(n) for n in self.ask("cursor_x},#{cursor_y").split(","))

    def row(self):
        """The row with the cursor."""
        lines = self.tmux.tell("capture-pane", "-p")
        return lines[self.cursor()[1]].rstrip()

    def raw(self):
        """All bytes so far."""
        return b"".join(part for _, part in self.tmux.output)

    def fail(self, why):
        rows = "\n".join("  | " + row for row in self.screen()[-60:])
        raise AssertionError(f"{why}; the screen:\n{rows}")

    def wait(self, condition, what, seconds=None):
        """Until it holds; returns what it gives."""
        end = time.monotonic() + (seconds or LIMIT)
        while True:
            self.tmux.news.clear()
            result = condition()
            if result:
                return result
            if time.monotonic() > end:
                self.fail(f"expected {what}")
            self.tmux.news.wait(0.1)

    def see(self, pattern, seconds=None):
        """Until the screen has it somewhere; ^ and $ are the ends of rows."""
        found = re.compile(pattern, re.M)
        return self.wait(lambda: found.search(self.text()), f"to see {pattern!r}", seconds)

    def prompt(self, text=""):
        """Until the cursor's row is a prompt with this text."""
        self.wait(lambda: self.row() == ("> " + text).rstrip(), f"the prompt, with {text!r}")

    def line(self, text, column=None):
        """The same, and the cursor after so many cells of it, or at its end."""
        self.prompt(text)
        if column is None:
            column = screen_width(text)
        self.wait(lambda: self.cursor()[0] == 2 + column,
                  f"the cursor at {2 + column}, not {self.cursor()[0]}")

    def dim_text(self):
        """What is shown in dim letters."""
        dim, found = False, ""
        for part in re.split("(\x1b\\[[0-9;]*m)", "\n".join(self.screen("-e"))):
            if part.startswith("\x1b["):
                codes = part[2:-1].split(";")
                dim = "2" in codes or (dim and "0" not in codes and codes != [""])
            elif dim:
                found += part
        return found

    def lacks(self, pattern):
        found = re.search(pattern, self.text(), re.M)
        if found:
            self.fail(f"not expected: {found[0]!r}")

    def has_screen(self, rows, whole=False):
        """The rows that end the screen, or all since the start, are these regular expressions."""
        found = self.screen()[self.began:] if whole else self.screen()[-len(rows):]
        for wanted, row in zip(rows, found):
            if not re.fullmatch(wanted, row):
                self.fail(f"expected the row {wanted!r}, found {row!r}")
        if len(found) != len(rows):
            self.fail(f"expected {len(rows)} rows")


# ---- running them ----

def run(names, workers):
    """All tests, or those whose names contain one of these; returns how many failed."""
    chosen = [t for t in tests if not names or any(n in t[0] for n in names)]
    results = {}
    ready = threading.Condition()
    # The longest first, so that nothing runs alone at the end.
    todo = iter(sorted(enumerate(chosen), key=lambda t: "whole lines" not in t[1][0]))

    def one(function):
        try:
            function()
            return "ok", None
        except Skip as why:
            return "skip", why
        except Exception as why:        # whatever it is, the other tests go on
            return "not ok", why if isinstance(why, AssertionError) else f"{why!r}"

    def work():
        while True:
            with ready:
                i, (_, function) = next(todo, (None, (None, None)))
            if function is None:
                return
            began = time.monotonic()
            verdict = one(function)
            with ready:
                results[i] = *verdict, time.monotonic() - began
                ready.notify_all()

    def leave(*_):
        for t in list(Terminal.open):
            t.close()
        os._exit(130)

    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, leave)
    for _ in range(workers):
        threading.Thread(target=work, daemon=True).start()
    failed = 0
    times = []
    for i, (name, _) in enumerate(chosen):
        with ready:
            ready.wait_for(lambda: i in results)
            verdict, why, took = results[i]
        failed += verdict == "not ok"
        times.append((took, name))
        print(f"{verdict} - {name}" + (f": {why}" if why is not None else ""), flush=True)
    if os.environ.get("QW_TEST_TIMES"):
        for took, name in sorted(times)[-20:]:
            print(f"  {took:6.2f} s  {name}")
    return failed
