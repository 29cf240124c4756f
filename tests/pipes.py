#!/usr/bin/env python3
"""pipes.py - qw as other programs start it: from Python, Node and a shell, with stdin open, closed,
a socket or ten megabytes; and what a terminal is shown of what a model, a prompt or a file wrote.

    python3 tests/pipes.py              from the project's root; QW is the binary, ./qw by default
    python3 tests/pipes.py NAME...      only tests whose names contain one of these

CONTRACT maps each promise about prompts, pipes, streams and exit codes to a test that breaks when
it does. "FILE: NAME" is a test of tests/cli/FILE.sh or tests/FILE.c, a bare NAME one of this file.
Names that do not exist fail.
"""
import fcntl
import json
import math
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

CONTRACT = [
    # streams and exit codes
    ("stdout carries the answer alone", "Python: stdin is DEVNULL"),
    ("bytes are unchanged in a pipe", "a pipe gets the bytes of an escape sequence"),
    ("errors are always shown", "ends: no answer: --quiet says so, too"),
    ("warnings are shown, and --quiet silences them", "streams: --quiet silences warnings"),
    ("the warning about stdin is shown with --quiet", "a pipe that stays open: the warning"),
    ("notes only on a terminal or with -v", "ends: an answer cut by -n: a note"),
    ("with -v progress is whole lines in a pipe", "-v in a pipe: progress in whole lines"),
    ("stderr of a good run in a pipe is empty", "run: run -p: the answer and nothing else"),
    ("answers: controls are visible on a terminal", "a terminal sees escape sequences as text"),
    ("thoughts: controls are visible on a terminal", "a terminal sees those of thoughts, too"),
    ("prompts: controls are visible on a terminal", "a terminal sees those of a prompt, too"),
    ("messages: controls are visible", "a terminal sees those of a file name, too"),
    ("no colour in a pipe", "Python: stdin is DEVNULL"),
    ("--color auto|on|off", "usage: --color"),
    ("exit code 0, 1, 2, 3", "usage: an unknown command is named"),
    ("exit code 4", "ends: a loop ends with 4 and says why"),
    ("exit code 5", "ends: --no-loop-guard: until the context is full"),
    ("exit code 6", "ends: no answer: an end token at once"),
    ("exit code 130", "interrupt: Ctrl-C while it answers"),
    ("quiet at SIGPIPE", "a reader that leaves after 20 bytes"),
    ("an answer cut by -n ends with 0", "ends: an answer cut by -n ends with 0"),
    ("in a piped chat no answer ends the turn", "ends: chat: no answer ends the turn"),
    ("a full context, too", "ends: chat: a message too long ends the turn"),
    ("an unknown command ends it with 2", "ends: chat: an unknown command ends it"),
    ("a loop ends the turn, too", "ends: chat: a loop ends the turn"),
    ("so does -n, and the code stays 0", "ends: chat: -n ends the turn, not the chat"),
    ("without text a loop is 4", "ends: no answer: a loop counts before no answer"),
    ("without text a full context is 5", "ends: no answer: so does a full context"),
    # prompts and pipes
    ("-- ends the flags", "prompts: after -- nothing is a flag"),
    ("a first word that fits is the command", "chat: chat in a pipe: an answer a line"),
    ("one quoted word is a prompt", "prompts: one quoted word is a prompt"),
    ("words after qw run", "prompts: words after run are a prompt"),
    ("words after qw --", "prompts: words after -- are a prompt"),
    ("words after qw chat name qw run", "prompts: words after chat: run is named"),
    ("anything else names both readings", "prompts: several words: no command"),
    ("a near miss names the command", "prompts: may be "),
    ("-p and -f in the order given, stdin last", "prompts: -f and -p in the order given"),
    ("-f - is stdin", "prompts: -f - is where stdin stands"),
    ("-sysf FILE", "prompts: -sysf FILE is -sys"),
    ("a byte order mark and one final newline go", "prompts: a byte order mark and CR LF go"),
    ("only one newline goes", "prompts: only one newline goes"),
    ("lines of a chat may end in CR LF", "chat: chat: CR LF"),
    ("pipes and files are read", "Python: stdin is a pipe with text"),
    ("sockets are read", "a socket with text and an end"),
    ("one warning after a second of silence", "a pipe that stays open: the warning"),
    ("a pipe goes on waiting", "a pipe that stays open: the answer"),
    ("nothing is said where stdin is the only prompt", "without another prompt stdin is waited"),
    ("a silent socket is left alone", "a socket that stays open"),
    ("--no-stdin", "while read with --no-stdin"),
    ("QW_NO_STDIN=1", "while read with QW_NO_STDIN=1"),
    ("devices are not read", "prompts: a device is not read"),
    ("closed stdin is empty", "cron-like: stdin closed, no environment"),
    ("10 MB are refused with what would fit", "10 MB of lines are refused"),
    ("-c is named where it helps", "run: -c: a prompt longer than the context"),
    ("and only there", "run: no -c is suggested beyond the model's context"),
    ("a refusal names what would work", "run: -c: the context fills up"),
    ("the context grows", "test_turns: turns: a context that grows"),
    ("no bit depends on it", "test_turns: %s, %s: other bits"),
    ("a step that does not fit ends as context full", "test_turns: turns: a context that cannot"),
    ("a plan that does not fit is refused", "memory: a context that does not fit in memory"),
    ("--stop", "ends: --stop: the answer ends before it"),
    ("--json: the object", "--json: the fields and their types"),
    ("--json when interrupted", "--json after a SIGINT"),
    ("--json: an error gives no object", "--json: an error"),
    ("-x", "ends: -x: the whole answer where there is no block"),
    ("-x: the first block", "test_cli: cli: the first fenced block"),
    ("--think and --no-think switch", "run: --think shows no thoughts"),
    ("--show-thoughts", "run: --show-thoughts shows them in a pipe"),
    ("--reasoning-budget", "ends: --reasoning-budget 3"),
    ("a thought is closed with the documented sentence", "test_turns: turns: thoughts closed"),
    ("flags of llama.cpp are honoured", "flags: --n-predict is -n"),
    ("-ctk and -ctv must agree", "flags: bench \"one type\" -ctk f32 -ctv f16"),
    ("-s -1, -t -1", "flags: -n -1, -t -1, -tb -1 are the defaults"),
    ("--ignore-eos", "flags: --ignore-eos: it goes on"),
    ("type names in any case", "flags: QW_KV_TYPE in any case"),
    ("f16 for the cache only", "flags: unknown type 'f16' "),
    ("what is so anyway passes without a word", "flags: $taken_name: and nothing is said"),
    ("what cannot be honoured exits 2, one sentence", "flags: is refused in one line"),
    ("the words pull list show serve ps rm", "flags: qw $words is refused in one line"),
    ("llama-bench's flags", "flags: bench|-mmp 0|mapped"),
    ("a typo gets the nearest flag", "flags: did you mean $meant"),
    ("help fits 80 columns", "usage: help $c fits in 80 columns"),
    ("one table: help, manual, completions, tests", "flags: every flag stands in: $where"),
    ("an empty QW_ variable is as good as unset", "prompts: an empty QW_NO_STDIN does not"),
    ("switches are on with 1", "prompts: QW_NO_STDIN=yes is refused"),
    ("Ctrl-C: answer now", "Ctrl-C in a thought"),
    ("Ctrl-C in pipes ends at once", "Ctrl-C in a pipe ends at once"),
    ("a typed line that lost its end is refused", "a typed line of 5,000 bytes"),
]

QW = os.environ.get("QW", os.path.join(os.getcwd(), "qw")).split()
SLOW = float(os.environ.get("QW_SLOW", "1")) * (10 if len(QW) > 1 else 1)
TINY = os.path.join(os.getcwd(), "models", "tiny")
QUESTION = "What is 2 plus 3?"
ANSWER = b"2 + 3 = 5\n"
PLAIN = ["--no-think", "--temp", "0"]
RAW = ["--template", "none", "--temp", "0"]
# Token 215 is ESC, 64 is "a"; 4070 and 4072 are the end tokens.
ESCAPES = RAW + ["-p", "x", "-n", "4", "-l", "215+1000"]
ENDLESS = RAW + ["-l", "4070-100000", "-l", "4072-100000", "--no-loop-guard"]
WAITS = b"qw: reading stdin until it ends (</dev/null or --no-stdin: the prompt alone)\n"

ENV = {k: v for k, v in os.environ.items() if not k.startswith("QW")}
ENV.update(QW_MODEL=TINY, LC_ALL="C")

tests = []
failures = []


class Skip(Exception):
    pass


def test(name):
    def add(function):
        tests.append((name, function))
        return function
    return add


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, found {found!r}")


def need(program):
    if not shutil.which(program):
        raise Skip(f"no {program}")


def start(args, **how):
    how.setdefault("stdin", subprocess.DEVNULL)
    how.setdefault("env", ENV)
    return subprocess.Popen(QW + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)


def finish(process, seconds=30, text=None):
    """(exit code, stdout, stderr); a process that hangs is killed, and fails the test."""
    try:
        out, err = process.communicate(text, timeout=seconds * SLOW)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {seconds} s; stderr {err!r}") from None
    return process.returncode, out, err


def qw(args, seconds=30, text=None, **how):
    return finish(start(args, **how), seconds, text)


def good(result, out=ANSWER, err=b""):
    expect(result[2], err, "stderr")
    expect(result[1], out, "stdout")
    expect(result[0], 0, "exit code")


def shell(script, **how):
    """A script of sh in which "$@" is qw; its stdin is a pipe that has a line and ends."""
    how.setdefault("input", b"junk\n")
    return subprocess.run(["sh", "-c", script, "sh"] + QW, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=ENV, timeout=60 * SLOW, check=False, **how)


def shell_good(script, out=ANSWER, err=b"", **how):
    r = shell(script, **how)
    good((r.returncode, r.stdout, r.stderr), out, err)


ASK = "--no-think --temp 0 -p 'What is 2 plus 3?'"


# ---- Python ----

@test("Python: stdin is DEVNULL")
def _():
    good(qw(PLAIN + ["-p", QUESTION]))


@test("Python: stdin is an empty pipe")
def _():
    good(qw(PLAIN + ["-p", QUESTION], stdin=subprocess.PIPE, text=b""))


@test("Python: stdin is a pipe with text")
def _():
    good(qw(PLAIN, stdin=subprocess.PIPE, text=QUESTION.encode()))
    good(qw(PLAIN, stdin=subprocess.PIPE, text=QUESTION.encode() + b"\r\n"))


@test("Python: stdin is a file")
def _():
    with tempfile.TemporaryFile() as f:
        f.write(QUESTION.encode())
        f.seek(0)
        good(qw(PLAIN, stdin=f))


def read_until(process, wanted, seconds):
    """What stderr says until it holds `wanted`."""
    end = time.monotonic() + seconds * SLOW
    found = b""
    while wanted not in found:
        ready, _, _ = select.select([process.stderr], [], [], max(0.0, end - time.monotonic()))
        more = os.read(process.stderr.fileno(), 4096) if ready else b""
        if not more:
            process.kill()
            raise AssertionError(f"expected {wanted!r} on stderr, found {found!r}")
        found += more
    return found


def pipe_that_stays_open(extra):
    r, w = os.pipe()
    try:
        began = time.monotonic()
        p = start(PLAIN + ["-p", QUESTION] + extra, stdin=r)
        os.close(r)
        said = read_until(p, WAITS, 10)
        expect(said, WAITS, "stderr")
        if time.monotonic() - began < 0.9:
            raise AssertionError("the warning came in less than a second")
        time.sleep(1.2)
        expect(p.poll(), None, "it goes on waiting: exit code")
    finally:
        os.close(w)
    return finish(p)


@test("a pipe that stays open: the warning")
def _():
    pipe_that_stays_open(["--quiet"])


@test("a pipe that stays open: the answer when it ends")
def _():
    good(pipe_that_stays_open([]))


@test("a pipe that stays open: no warning with --no-stdin")
def _():
    r, w = os.pipe()
    try:
        good(qw(PLAIN + ["-p", QUESTION, "--no-stdin"], stdin=r))
    finally:
        os.close(r)
        os.close(w)


@test("a slow pipe: what it sends joins the prompt")
def _():
    wanted = qw(PLAIN + ["-p", "What is 2", "-p", "plus 3?"])[1]
    p = start(PLAIN + ["-p", "What is 2"], stdin=subprocess.PIPE)
    time.sleep(1.5)
    good(finish(p, text=b"plus 3?\n"), wanted, WAITS)


@test("without another prompt stdin is waited for, and nothing is said")
def _():
    p = start(PLAIN, stdin=subprocess.PIPE)
    mine, its = socket.socketpair()
    q = start(PLAIN, stdin=its)
    its.close()
    time.sleep(1.5)
    mine.sendall(QUESTION.encode())
    mine.close()
    good(finish(p, text=QUESTION.encode()))
    good(finish(q))


# ---- sockets ----

def long_model(directory):
    """The bundled model with a context that an answer does not fill while somebody waits."""
    for name in os.listdir(TINY):
        os.symlink(os.path.join(TINY, name), os.path.join(directory, name))
    path = os.path.join(directory, "config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    os.unlink(path)
    config["max_position_embeddings"] = 1048576
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    return ["-m", directory]


def with_socket(args, send=None, end=False):
    mine, its = socket.socketpair()
    try:
        began = time.monotonic()
        p = start(args, stdin=its)
        its.close()
        if send:
            mine.sendall(send)
        if end:
            mine.shutdown(socket.SHUT_WR)
        return finish(p) + (time.monotonic() - began,)
    finally:
        mine.close()


@test("a socket that stays open and has sent nothing is left alone")
def _():
    code, out, err, seconds = with_socket(PLAIN + ["-p", QUESTION, "--quiet"])
    expect((code, out), (0, ANSWER), "exit code and stdout")
    if err.count(b"\n") != 1 or b"socket" not in err or b"left alone" not in err:
        raise AssertionError(f"expected one line that says so, found {err!r}")
    if seconds < 0.9:
        raise AssertionError("it did not wait for a second")


@test("a socket with text and an end is read")
def _():
    wanted = qw(PLAIN + ["-p", "What is 2", "-p", "plus 3?"])[1]
    good(with_socket(PLAIN + ["-p", "What is 2"], b"plus 3?\n", True)[:3], wanted)
    good(with_socket(PLAIN, QUESTION.encode(), True)[:3])
    good(with_socket(PLAIN + ["-p", QUESTION], None, True)[:3])


@test("a socket that has sent something is waited for")
def _():
    mine, its = socket.socketpair()
    p = start(PLAIN + ["-p", "What is 2"], stdin=its)
    its.close()
    mine.sendall(b"plus 3")
    read_until(p, WAITS, 10)
    mine.sendall(b"?\n")
    mine.close()
    good(finish(p), qw(PLAIN + ["-p", "What is 2", "-p", "plus 3?"])[1])


# ---- a shell and its friends ----

@test("cron-like: stdin closed, no environment")
def _():
    code, out, err = qw(["-m", TINY] + PLAIN + ["-p", QUESTION], env={"PATH": os.environ["PATH"]},
                        stdin=None, close_fds=True, preexec_fn=lambda: os.close(0))
    good((code, out, err))


@test("xargs")
def _():
    need("xargs")
    shell_good("printf '%s\\n%s\\n' 2 3 | xargs -I{} \"$@\" --no-think --temp 0 "
               "-p 'What is {} plus 3?'", b"2 + 3 = 5\n3 + 3 = 6\n")


@test("find -exec")
def _():
    need("find")
    with tempfile.TemporaryDirectory() as d:
        for name in "ab":
            with open(os.path.join(d, name), "w", encoding="ascii") as f:
                f.write(QUESTION + "\n")
        shell_good(f"find {d} -type f -exec \"$@\" --no-think --temp 0 -f {{}} \\; < /dev/null",
                   ANSWER * 2)


@test("while read with --no-stdin")
def _():
    loop = f"while read q; do \"$@\" --no-stdin --no-think --temp 0 -p \"$q\"; done"
    shell_good(loop, ANSWER * 2, input=f"{QUESTION}\n{QUESTION}\n".encode())


@test("while read with QW_NO_STDIN=1")
def _():
    loop = "export QW_NO_STDIN=1; while read q; do \"$@\" --no-think --temp 0 -p \"$q\"; done"
    shell_good(loop, ANSWER * 2, input=f"{QUESTION}\n{QUESTION}\n".encode())


@test("timeout")
def _():
    need("timeout")
    shell_good(f"timeout 60 \"$@\" {ASK} < /dev/null")


@test("nohup")
def _():
    need("nohup")
    shell_good(f"nohup \"$@\" {ASK} < /dev/null")


@test("setsid")
def _():
    need("setsid")
    shell_good(f"setsid -w \"$@\" {ASK} < /dev/null")


@test("a command substitution")
def _():
    shell_good(f"a=$(\"$@\" {ASK} < /dev/null); printf '[%s]' \"$a\"", b"[2 + 3 = 5]")


@test("ksh93, whose pipes are sockets")
def _():
    need("ksh93")
    r = subprocess.run(["ksh93", "-c", "echo \"$0\" | \"$@\" --no-think --temp 0", QUESTION] + QW,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV,
                       timeout=60 * SLOW, check=False)
    good((r.returncode, r.stdout, r.stderr))


@test("a reader that leaves after 20 bytes")
def _():
    began = time.monotonic()
    r = shell("\"$@\" run " + " ".join(ENDLESS) + " -c 0 -p 'Once upon a time' < /dev/null | "
              "head -c 20")
    expect((len(r.stdout), r.stderr), (20, b""), "bytes on stdout, and stderr")
    if time.monotonic() - began > 10 * SLOW:
        raise AssertionError("it did not stop")


@test("pipes that are not blocking")
def _():
    r, w = os.pipe()
    os.set_blocking(r, False)
    p = start(PLAIN, stdin=r)
    time.sleep(0.3)
    os.write(w, QUESTION.encode())
    os.close(w)
    good(finish(p))
    os.close(r)
    # 10,000 ids are more than a pipe holds, and nobody reads for a while.
    r, w = os.pipe()
    os.set_blocking(w, False)
    p = subprocess.Popen(QW + ["tokenize"], stdin=subprocess.PIPE, stdout=w,
                         stderr=subprocess.PIPE, env=ENV)
    os.close(w)
    p.stdin.write(b"a b" * 50000)
    p.stdin.close()
    time.sleep(1)
    n = 0
    while True:
        block = os.read(r, 65536)
        if not block:
            break
        n += len(block)
    os.close(r)
    expect((p.wait(), p.stderr.read()), (0, b""), "exit code and stderr")
    if n < 100000:
        raise AssertionError(f"only {n} bytes came")


# ---- Node ----

def node(script):
    need("node")
    r = subprocess.run(["node", "-e", script] + QW, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV,
                       timeout=60 * SLOW, check=False)
    return r.returncode, r.stdout, r.stderr


NODE = """
const { spawn, spawnSync } = require('child_process');
const [program, ...first] = process.argv.slice(1);
const args = [...first, '--no-think', '--temp', '0'];
const question = 'What is 2 plus 3?';
"""


@test("Node: spawn without input leaves a socket open")
def _():
    code, out, err = node(NODE + """
const p = spawn(program, [...args, '-p', question]);
p.stdout.pipe(process.stdout);
p.stderr.pipe(process.stderr);
""")
    expect((code, out), (0, ANSWER), "exit code and stdout")
    if b"left alone" not in err:
        raise AssertionError(f"expected that stdin was left alone, found {err!r}")


@test("Node: spawn with input")
def _():
    good(node(NODE + """
const p = spawn(program, args);
p.stdout.pipe(process.stdout);
p.stderr.pipe(process.stderr);
p.stdin.end(question);
"""))


@test("Node: spawnSync with and without input")
def _():
    good(node(NODE + """
for (const r of [spawnSync(program, args, {input: question}),
                 spawnSync(program, [...args, '-p', question]),
                 spawnSync(program, [...args, '-p', question], {stdio: ['ignore']})]) {
    process.stdout.write(r.stdout);
    process.stderr.write(r.stderr);
}
"""), ANSWER * 3)


# ---- ten megabytes ----

def write_zeros(path, config):
    """A checkpoint of this shape, all zeros, in a file that takes no room."""
    d, ff, heads = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    q, kv = heads * config["num_attention_heads"], heads * config["num_key_value_heads"]
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], d], "model.norm.weight": [d]}
    for i in range(config["num_hidden_layers"]):
        shapes.update({f"model.layers.{i}.{name}.weight": shape for name, shape in {
            "input_layernorm": [d], "post_attention_layernorm": [d],
            "self_attn.q_norm": [heads], "self_attn.k_norm": [heads],
            "self_attn.q_proj": [q, d], "self_attn.k_proj": [kv, d],
            "self_attn.v_proj": [kv, d], "self_attn.o_proj": [d, q],
            "mlp.gate_proj": [ff, d], "mlp.up_proj": [ff, d], "mlp.down_proj": [d, ff],
        }.items()})
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        f.truncate(8 + len(text) + at)


def ten_megabytes(text, more=()):
    with tempfile.TemporaryFile() as f:
        f.write(text[:10 * 1000 * 1000])
        f.seek(0)
        began = time.monotonic()
        code, out, err = qw(["-p", "Sum it up.", *more], stdin=f)
        seconds = time.monotonic() - began
    expect((code, out), (5, b""), "exit code and stdout")
    found = re.search(rb"context of 1024 tokens has room for about (\d+) bytes", err)
    if not found or not 300 < int(found[1]) < 100000:
        raise AssertionError(f"expected how many bytes would fit, found {err!r}")
    if b" -c " in err:
        raise AssertionError(f"-c cannot help here: {err!r}")
    if seconds > 1 * SLOW:
        raise AssertionError(f"it took {seconds:.1f} s")


@test("10 MB of lines are refused in a second")
def _():
    ten_megabytes(b"The quick brown fox jumps over the lazy dog, again and again.\n" * 170000)


@test("10 MB without a newline are refused in a second")
def _():
    ten_megabytes(b"word " * 2000000)
    ten_megabytes(b"a" * 10000000)
    ten_megabytes("山高水长".encode() * 900000)


@test("10 MB are refused before a model is quantised")
def _():
    with tempfile.TemporaryDirectory() as d:
        # 300 MB of weights, in no time; quantised they would take longer than a second
        for name in os.listdir(TINY):
            if name != "config.json" and not name.endswith(".safetensors"):
                os.symlink(os.path.join(TINY, name), os.path.join(d, name))
        config = json.load(open(os.path.join(TINY, "config.json")))
        config.update(hidden_size=1024, intermediate_size=3072, num_hidden_layers=24,
                      num_attention_heads=16, num_key_value_heads=8, head_dim=128)
        json.dump(config, open(os.path.join(d, "config.json"), "w"))
        write_zeros(os.path.join(d, "model.safetensors"), config)
        ten_megabytes(b"The quick brown fox jumps over the lazy dog.\n" * 230000,
                      ["-m", d, "-q", "q8"])


# ---- progress ----

@test("-v in a pipe: progress in whole lines")
def _():
    slow = os.path.join(os.environ.get("BUILD", ""), "qw-slow")
    if not os.path.exists(slow):
        raise Skip("make test builds qw-slow, whose model takes its time")
    p = subprocess.Popen([slow, "-v", "-b", "64"] + PLAIN + ["-n", "2", "-p", "word " * 600],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(ENV, QW_TEST_PASS_MS="200"))
    code, _, err = finish(p)
    expect(code, 0, "exit code")
    no_controls(err)
    if not re.search(rb"^qw: reading \d+ of 6\d\d tokens, \d+ %, \d+/s, \d+ s left$", err, re.M):
        raise AssertionError(f"expected how much is read, found {err!r}")
    if not re.search(rb"^qw: read 6\d\d tokens, [\d.]+ s$", err, re.M):
        raise AssertionError(f"expected when it was read, found {err!r}")


# ---- --json ----

FIELDS = {"model": str, "text": str, "thinking": str, "finish_reason": str, "usage": dict,
          "timings": dict, "seed": int}
USAGE = ["prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens"]
TIMINGS = ["load_ms", "prompt_ms", "prompt_per_second", "predicted_ms", "predicted_per_second"]


def check_object(line):
    o = json.loads(line)
    expect(list(o), list(FIELDS), "fields")
    for name, kind in FIELDS.items():
        if not isinstance(o[name], kind):
            raise AssertionError(f"{name} is {o[name]!r}")
    expect(list(o["usage"]), USAGE, "fields of usage")
    expect(list(o["timings"]), TIMINGS, "fields of timings")
    return o


def ask_json(args, code=0):
    result = qw(["--json"] + args)
    expect((result[0], result[1].count(b"\n")), (code, 1), f"exit code and lines ({result[2]!r})")
    return check_object(result[1])


@test("--json: the fields and their types")
def _():
    o = ask_json(PLAIN + ["-p", QUESTION, "-s", "18446744073709551615"])
    expect((o["text"], o["thinking"], o["finish_reason"]), ("2 + 3 = 5", "", "stop"), "answer")
    expect(o["seed"], 2 ** 64 - 1, "seed")
    expect(o["model"], TINY, "model")


@test("--json: usage counts tokens")
def _():
    o = ask_json(["-p", QUESTION, "-s", "1"])
    u = o["usage"]
    if not (u["prompt_tokens"] > 10 and u["completion_tokens"] > u["reasoning_tokens"] > 0):
        raise AssertionError(f"found {u}")
    expect(u["cached_tokens"], 0, "cached tokens")
    if "2 + 3" not in o["thinking"]:
        raise AssertionError(f"thinking is {o['thinking']!r}")


@test("--json: finish reasons and exit codes")
def _():
    end = ["-l", "4072+100000"]
    expect(ask_json(RAW + ["-p", "Once", "-n", "3"])["finish_reason"], "length", "-n")
    expect(ask_json(["-p", QUESTION, "-n", "2", "-s", "1"], 6)["finish_reason"], "length",
           "-n within thoughts")
    expect(ask_json(PLAIN + ["-p", QUESTION] + end, 6)["finish_reason"], "empty", "no answer")


@test("--json: a loop and a full context")
def _():
    loop = RAW + ["-p", "Once upon a time", "-l", "64+1000"]
    expect(ask_json(loop, 4)["finish_reason"], "loop", "a loop")
    expect(ask_json(loop + ["--no-loop-guard"], 5)["finish_reason"], "context", "a full context")


@test("--json: control characters and the day")
def _():
    text = ask_json(ESCAPES)["text"]
    expect(text, "\x1b" * 4, "text")
    with tempfile.NamedTemporaryFile("w", suffix=".jinja") as f:
        f.write("{{ strftime_now('%Y') }} {{ messages[0].content }}")
        f.flush()
        code, out, err = qw(["--json", "--template", f.name, "--date", "2024-02-29", "-p", "hi",
                             "-n", "2"])
        expect((code, json.loads(out).get("date")), (0, "2024-02-29"), f"date ({err!r})")


@test("--json: chat prints a line for each turn")
def _():
    code, out, err = qw(["chat", "--json"] + PLAIN, stdin=subprocess.PIPE,
                        text=f"{QUESTION}\n{QUESTION}\n".encode())
    expect((code, err), (0, b""), "exit code and stderr")
    for line in out.splitlines():
        expect(check_object(line)["text"], "2 + 3 = 5", "text")
    expect(out.count(b"\n"), 2, "lines")


@test("--json after a SIGINT")
def _():
    with tempfile.TemporaryDirectory() as d:
        p = start(["--json", "-p", "Once upon a time"] + ENDLESS + long_model(d))
        time.sleep(1 * SLOW)
        p.send_signal(signal.SIGINT)
        code, out, err = finish(p)
    expect((code, err), (130, b""), "exit code and stderr")
    o = check_object(out)
    expect(o["finish_reason"], "interrupted", "finish_reason")
    if not o["text"]:
        raise AssertionError("there is no text")


@test("--json: an error gives no object")
def _():
    code, out, err = qw(["--json", "-p", QUESTION, "-c", "8"])
    expect((code, out), (5, b""), f"exit code and stdout ({err!r})")


# ---- terminals ----

def on_terminal(args, typed=(), seconds=20, columns=0, **env):
    """(exit code, all that the terminal was sent). typed: pairs of what a person waits to see, and
    what he types then, or a function that does something to the process. The program is in a
    session of its own, with nothing but the terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
            os.execvpe(QW[0], QW + args, dict(ENV, TERM="xterm", **env))
        finally:
            os._exit(127)
    seen, at, typed = b"", 0, list(typed)
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        ready, _, _ = select.select([fd], [], [], 0.1)
        if ready:
            try:
                more = os.read(fd, 65536)
            except OSError:
                more = b""
            if not more:
                break
            seen += more
        while typed and typed[0][0] in seen[at:]:
            wanted, keys = typed.pop(0)
            at = seen.index(wanted, at) + len(wanted)
            if callable(keys):
                keys(pid)
                continue
            # What is longer than the terminal's buffer can only be typed in parts.
            for i in range(0, len(keys), 1000):
                os.write(fd, keys[i:i + 1000])
                time.sleep(0.05)
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)
        raise AssertionError(f"still running after {seconds} s: {seen[-400:]!r}")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return code, seen.replace(b"\r\n", b"\n")


def no_controls(seen):
    """Nothing but text, and the colours and line ends that qw itself writes."""
    text = re.sub(rb"\x1b\[(\?7[lh]|K|[02]m)|\r", b"", seen).decode()
    found = re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    expect(found, [], f"controls in {seen!r}")


@test("a terminal sees escape sequences as text")
def _():
    code, seen = on_terminal(["run"] + ESCAPES)
    no_controls(seen)
    expect((code, b"^[^[^[^[" in seen), (0, True), f"exit code, and ^[ ({seen!r})")


@test("a pipe gets the bytes of an escape sequence")
def _():
    good(qw(["run"] + ESCAPES), b"\x1b" * 4 + b"\n")


@test("a terminal sees those of thoughts, too")
def _():
    # thinking2507 opens the thought, so that all tokens are thoughts.
    _, seen = on_terminal(["run", "--template", "thinking2507", "-p", "x", "-n", "4",
                           "-l", "215+1000", "--show-thoughts", "--color", "off"])
    no_controls(seen)
    if b"^[^[^[^[" not in seen:
        raise AssertionError(f"found {seen!r}")


HOSTILE = "a\x1b[31mb\x07\x9bc\u202ed\u2066e\x7f"
VISIBLE = "a^[[31mb^G<U+009B>c<U+202E>d<U+2066>e^?"


@test("a terminal sees those of a prompt, too")
def _():
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as f:
        json.dump({"messages": [{"role": "user", "content": HOSTILE}]}, f)
        f.flush()
        args = ["template", "--messages", f.name, "--template", "hybrid"]
        code, seen = on_terminal(args)
        no_controls(seen)
        expect((code, VISIBLE.encode() in seen), (0, True), f"exit code, and text ({seen!r})")
        expect(HOSTILE.encode() in qw(args)[1], True, "bytes in a pipe")


@test("a terminal sees those of a file name, too")
def _():
    name = "/no/such/" + HOSTILE + "\n\udc9b"
    for args in (["run", "-f", name], ["run", "-p", "x", "-m", name], ["--" + HOSTILE],
                 ["run", "-p", "x", "--template", name], [HOSTILE]):
        args = [os.fsencode(a) for a in args]
        _, seen = on_terminal(args)
        no_controls(seen)
        code, _, err = qw(args)
        if err.count(b"\n") != 1 or code == 0:
            raise AssertionError(f"expected one line and an error, found {err!r}")
        no_controls(err[:-1])


@test("a terminal sees those of detokenize, cut between tokens, too")
def _():
    ids = qw(["tokenize", "-p", "\x1b\x9b\u202e"])[1].decode().split()
    code, seen = on_terminal(["detokenize"] + ids)
    expect((code, seen), (0, b"^[<U+009B><U+202E>"), "exit code and text")
    good(qw(["detokenize"] + ids), "\x1b\x9b\u202e".encode())


PROMPT = b"\x1b[J\r> "      # of a new line


@test("a line that is typed with controls in it")
def _():
    code, seen = on_terminal(["chat", "-n", "3"] + PLAIN,
                             [(PROMPT, b"\x1b[200~/x\x1b[2J\x1b[201~\r"), (PROMPT, b"\x04")])
    seen = re.sub(rb"\x1b\[(\?2004[hl]|J|\d*[GA])", b"", seen)
    no_controls(seen)
    expect((code, b"> /x^[[2J" in seen), (0, True), f"exit code, and text ({seen!r})")


@test("/help at 30 columns: whole words, and nothing is left out")
def _():
    def help_at(columns):
        code, seen = on_terminal(["chat", "--color", "off"] + PLAIN,
                                 [(PROMPT, b"/help\r"), (PROMPT, b"\x04")], columns=columns)
        expect(code, 0, f"exit code ({seen!r})")
        return re.search(rb"  /help .*sends /x", seen, re.S)[0].decode()
    narrow = help_at(30)
    expect(max(map(len, narrow.splitlines())) < 30, True, f"narrow ({narrow!r})")
    expect(sorted(narrow.split()), sorted(help_at(80).split()), "words")


@test("/stats at 30 columns: the model by its name")
def _():
    code, seen = on_terminal(["chat"] + PLAIN, [(PROMPT, b"/stats\r"), (PROMPT, b"\x04")],
                             columns=30)
    expect((code, b"\n  model        tiny  bf16\n" in seen), (0, True),
           f"exit code, line ({seen!r})")


@test("at 30 columns the notes of commands have whole words")
def _():
    code, seen = on_terminal(["chat"] + PLAIN, [(PROMPT, b"/clear\r"), (PROMPT, b"\x04")],
                             columns=30)
    expect((code, b"\x1b[K\nforgotten)\n" in seen), (0, True),
           f"exit code, and two rows ({seen!r})")


@test("/edit without a turn says so")
def _():
    code, seen = on_terminal(["chat"] + PLAIN, [(PROMPT, b"/edit\r"), (PROMPT, b"\x04")])
    expect((code, b"no message to edit" in seen), (0, True), f"exit code, and why ({seen!r})")


@test("the text of $EDITOR, of several lines, is shown once")
def _():
    code, seen = on_terminal(["chat", "-n", "3"] + PLAIN,
                             [(PROMPT, b"x\x18\x05"), (b". three", b"\r"), (PROMPT, b"\x04")],
                             EDITOR="printf 'one\\ntwo\\nthree\\n' >")
    expect((code, seen.count(b"> one")), (0, 1), f"exit code, and how often ({seen!r})")


@test("a typed line of 5,000 bytes is refused where the terminal edits it")
def _():
    code, seen = on_terminal(["run", "-f", "-"] + PLAIN, [(b"", b"a" * 5000 + b"\n\x04")])
    expect((code, b"lost its end" in seen), (1, True), f"exit code, and why ({seen[-300:]!r})")


@test("a typed line that lost its end is refused by all that read one")
def _():
    text, jsonl = b"a" * 5000 + b"\n", b'"' + b"a" * 5000 + b'"\n'
    for args, typed in [(["run", "-f", "-"], text), (["run", "-f", "/dev/tty"], text),
                        (["run", "-p", "x", "-sysf", "-"], text), (["tokenize"], text),
                        (["tokenize", "--jsonl"], jsonl), (["detokenize"], b"1 " * 2500 + b"\n"),
                        (["template", "--messages", "-"], text)]:
        code, seen = on_terminal(args, [(b"", typed + b"\x04")])
        expect((code, b"lost its end" in seen), (1, True), f"{args}: exit code, and why")


@test("a typed line of 1,000 bytes is not")
def _():
    code, seen = on_terminal(["run", "-f", "-"] + PLAIN + ["-n", "3"],
                             [(b"", b"a " * 500 + b"\n\x04")])
    expect((code, b"lost its end" in seen), (0, False), f"exit code, and why ({seen[-300:]!r})")


# A thought that does not end: neither with </think> nor with an end token.
THINKING = ["-s", "1", "--no-loop-guard", "-l", "4095-1000", "-l", "4070-1000", "-l", "4072-1000",
            "--color", "off", "--show-thoughts", "--wrap", "off"]


@test("Ctrl-C in a thought: answer now, then the turn stops")
def _():
    with tempfile.TemporaryDirectory() as d:
        code, seen = on_terminal(["run", "-p", QUESTION] + THINKING + long_model(d),
                                 [(b"2", b"\x03"), (b"answering now\r\n", b""),
                                  (b"directly now.", b""), (b" ", b"\x03")])
    expect((code, seen.count(b"answering now")), (130, 1), f"exit code, and once ({seen!r})")


@test("Ctrl-C in a chat's thought: the next prompt comes after the second one")
def _():
    with tempfile.TemporaryDirectory() as d:
        code, seen = on_terminal(["chat"] + THINKING + long_model(d),
                                 [(b"> ", QUESTION.encode() + b"\r"), (b"+", b"\x03"),
                                  (b"directly now.", b""), (b" ", b"\x03"),
                                  (PROMPT, b"\x04")])
    expect((code, seen.count(b"answering now")), (0, 1), f"exit code, and once ({seen!r})")


@test("Ctrl-C in a thought, and its end is read a token at a time: answer now")
def _():
    with tempfile.TemporaryDirectory() as d:
        code, seen = on_terminal(["run", "-b", "1", "-p", QUESTION] + THINKING + long_model(d),
                                 [(b"2", b"\x03"), (b"directly now.", b""), (b" ", b"\x03")])
    expect((code, seen.count(b"answering now")), (130, 1), f"exit code, and once ({seen!r})")


def stop_for_a_while(pid):
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.6)                     # then the line is due again
    os.kill(pid, signal.SIGCONT)


@test("stopped in a thought (Ctrl-Z): afterwards its line is there once")
def _():
    hidden = [flag for flag in THINKING if flag != "--show-thoughts"]
    with tempfile.TemporaryDirectory() as d:
        # The terminal's session has no shell, so SIGTSTP clears the line, but does not stop. Most
        # often that happens within the computation of a token: a few times are enough.
        stop = [(b"answer now", lambda pid: os.kill(pid, signal.SIGTSTP)),
                (b"\r\x1b[K", stop_for_a_while), (b"answer now", b"")]
        code, seen = on_terminal(["run", "-p", QUESTION] + hidden + long_model(d),
                                 4 * stop + [(b"answer now", b"\x03"),
                                             (b"closed by Ctrl-C", b"\x03")])
    expect((code, seen.count(b"nowthinking")), (130, 0), f"exit code, and joined lines ({seen!r})")


@test("Ctrl-C in a pipe ends at once, also in a thought")
def _():
    with tempfile.TemporaryDirectory() as d:
        p = start(["-p", QUESTION] + THINKING[:-3] + long_model(d))
        time.sleep(0.5 * SLOW)
        p.send_signal(signal.SIGINT)
        code, out, err = finish(p)
    expect((code, out, err), (130, b"", b""), "exit code, stdout, stderr")


# ---- the table ----

@test("each promise of the contract has a test")
def _():
    texts = {}
    for promise, where in CONTRACT:
        part, _, name = where.partition(": ")
        path = os.path.join("tests", "cli", part + ".sh")
        if not os.path.exists(path):
            path = os.path.join("tests", part + ".c")
        if name and os.path.exists(path):
            if path not in texts:
                with open(path, encoding="utf-8") as f:
                    texts[path] = f.read()
            found = name in texts[path]
        else:
            found = any(n.startswith(where) for n, _ in tests)
        if not found:
            raise AssertionError(f"{promise}: there is no test {where!r}")


def main():
    for name, function in tests:
        if len(sys.argv) > 1 and not any(a in name for a in sys.argv[1:]):
            continue
        try:
            function()
            print(f"ok - {name}", flush=True)
        except Skip as why:
            print(f"skip - {name}: {why}", flush=True)
        except Exception as why:        # whatever it is, the other tests go on
            print(f"not ok - {name}: {why}", flush=True)
            failures.append(name)
    return 1 if failures else 0


sys.exit(main())
