#!/usr/bin/env python3
"""fetch.py - tools/fetch-model against hubs on this machine: the layout of Hugging Face's, whose
files are on another port as on a CDN, and of ModelScope's. Under each shell with each tool that
downloads.

    python3 tests/fetch.py              from the project's root; QW is the binary, ./qw by default
    python3 tests/fetch.py NAME...      only tests whose names contain one of these
"""
import concurrent.futures
import fcntl
import json
import os
import pty
import random
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

from fetch_hub import TOKEN, Hub, git_sum, sha256

SECONDS = 50 * int(os.environ.get("QW_SLOW", "1"))       # for a run
TOOL = os.path.abspath("tools/fetch-model")
QW = os.path.abspath(os.environ.get("QW", "./qw"))

SHARD = "model-00001-of-00002.safetensors"
OTHER_SHARD = "model-00002-of-00002 \u00fc\u6a21.safetensors"


def small_repository():
    noise = random.Random(1)
    return {
        "config.json": b'{\n "architectures": ["Qwen3ForCausalLM"],\n "model_type": "qwen3"\n}\n',
        SHARD: noise.randbytes(150000),
        OTHER_SHARD: noise.randbytes(70001),
        "tokenizer.json": noise.randbytes(30000),
    }


MORE_WANTED = {
    "LICENSE": b"Apache\n",
    "README.md": b"# A model\n",
    "additional_chat_templates/tool use.jinja": b"{{ tools }}",
    "chat_template.jinja": b"{{ messages }}",
    "generation_config.json": b'{"top_k": 20}',
    "model.safetensors.index.json": b'{"weight_map": {}}',
    "tokenizer_config.json": b"",
}
NOT_WANTED = {
    ".gitattributes": b"*.bin filter=lfs",
    "onnx/model.onnx": b"onnx",
    "original/model.safetensors": b"another",
    "pytorch_model.bin": b"torch" * 9999,
    "model.gguf": b"GGUF",
    "figures/qw\u00e9n.png": b"png",
}


# ---- shells and tools ----

NEEDED = ("awk cat cp cut df grep head ls mkdir mv od printf rm sed sha1sum sha256sum stty tail tr"
          .split())


class Kit:
    """A shell, and a PATH on which are only the tools that it may use."""

    def __init__(self, top, name, shell, loader, box=None, awk=None):
        self.name = name
        self.shell = shell
        self.loader = loader
        self.bin = os.path.join(top, name.replace(" ", "-"))
        os.mkdir(self.bin)
        has = subprocess.run([box], capture_output=True, text=True).stdout if box else ""
        words = has.replace(",", " ").split()
        for tool in NEEDED:
            self.link(tool, box if tool in words else (tool == "awk" and awk) or tool)
        if loader:
            self.link(loader.split()[-1], loader.split()[0])
        # No test waits; the log says for how long it would have been.
        with open(os.path.join(self.bin, "sleep"), "w", encoding="ascii") as f:
            f.write('#!/bin/sh\necho "$1" >> "$SLEEPS"\nexec %s 0.05\n' % shutil.which("sleep"))
        os.chmod(os.path.join(self.bin, "sleep"), 0o755)

    def link(self, tool, to):
        os.symlink(shutil.which(to), os.path.join(self.bin, tool))

    @property
    def is_busybox(self):
        return self.loader == "busybox wget"


def kits():
    """What this machine has of them; the others are named."""
    rows = (
        ("dash curl", ["dash"], "curl", None, "mawk"),
        ("bash wget", ["bash"], "wget", None, "gawk"),
        ("busybox busybox", ["busybox", "sh"], "busybox wget", "busybox", None),
        ("mksh toybox", ["mksh"], "curl", "toybox", "original-awk"),
    )
    found = []
    for name, shell, loader, box, awk in rows:
        missing = [x for x in (shell[0], loader.split()[0], box, awk) if x and not shutil.which(x)]
        missing = [x for x in missing if x not in ("mawk", "gawk", "original-awk")]
        if missing:
            print("skip - fetch, %s: no %s" % (name, missing[0]))
        else:
            awk = awk if awk and shutil.which(awk) else "awk"
            found.append((name, [shutil.which(shell[0])] + shell[1:], loader, box, awk))
    return found


# ---- a test ----


class Wrong(Exception):
    pass


def check(is_so, what):
    if not is_so:
        raise Wrong(what)


class Run:
    """A directory, a hub, and fetch-model in a kit."""

    def __init__(self, kit, top):
        self.kit = kit
        self.dir = tempfile.mkdtemp(dir=top)
        self.tmp = os.path.join(self.dir, "tmp")
        self.work = os.path.join(self.dir, "work")
        self.wanted = small_repository()
        self.hub = Hub(dict(self.wanted))
        for d in self.tmp, self.work:
            os.mkdir(d)
        self.to = os.path.join(self.work, "models/Qwen3-Test")
        self.out = self.err = ""

    def environment(self, **more):
        hub = self.hub.url(self.hub.hub)
        env = {"PATH": self.kit.bin, "HOME": self.dir, "TMPDIR": self.tmp, "no_proxy": "*",
               "SLEEPS": os.path.join(self.dir, "sleeps"), "HF_ENDPOINT": hub,
               "MODELSCOPE_ENDPOINT": hub + "/"}
        env.update(more)
        return {k: v for k, v in env.items() if v is not None}

    def command(self, *args):
        return self.kit.shell + [TOOL] + list(args or ["Qwen/Qwen3-Test"])

    def fetch(self, code, message, *args, limit=(), **env):
        """Runs it; checks the exit code and that stderr has the message."""
        done = subprocess.run([*limit, *self.command(*args)], cwd=self.work,
                              env=self.environment(**env), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=SECONDS)
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()
        check(done.returncode == code, "exit code %d, not %d: %s" % (done.returncode, code,
                                                                     self.err))
        check(message in self.err, "no '%s' in: %s" % (message, self.err))
        check(all(c == "\n" or " " <= c <= "~" for c in self.err), "stderr has %r" % self.err)
        check(code == 0 or self.out == "", "stdout has " + self.out)
        check(not os.listdir(self.tmp), "left behind: %s" % os.listdir(self.tmp))
        check(not self.hub.faults, ", ".join(sorted(set(self.hub.faults))))

    def file(self, name):
        with open(os.path.join(self.to, name), "rb") as f:
            return f.read()

    def put(self, name, data):
        os.makedirs(self.to, exist_ok=True)
        with open(os.path.join(self.to, name), "wb") as f:
            f.write(data)

    def found(self, to=None):
        """The names of all files, with their folders."""
        names = []
        for folder, _, files in os.walk(to or self.to):
            names += [os.path.relpath(os.path.join(folder, f), to or self.to) for f in files]
        return sorted(names)

    def check_whole(self, wanted=None):
        wanted = wanted or self.wanted
        check(self.found() == sorted(wanted), "there is %s" % self.found())
        for name, data in wanted.items():
            check(self.file(name) == data, name + " is another")

    def sleeps(self):
        try:
            with open(os.path.join(self.dir, "sleeps"), encoding="ascii") as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def requests(self, name, host=None):
        return [r[2] for r in self.hub.log if r[1] == name and host in (None, r[0])]

    def only(self, files):
        """Another repository, of these files alone."""
        self.hub.files = self.wanted = dict(sorted(files.items()))

    def whole_repository(self):
        """With all kinds of files."""
        self.wanted.update(MORE_WANTED)
        self.hub.files = dict(sorted({**self.wanted, **NOT_WANTED}.items()))


TESTS = []


def test(function):
    TESTS.append(function)
    return function


# ---- what is right ----


@test
def all_that_is_wanted(run):
    """what is wanted, from another host without the token, and nothing twice"""
    run.whole_repository()
    run.fetch(0, "", HF_TOKEN=TOKEN)
    run.check_whole()
    check(run.out == "qw -m Qwen3-Test\n", "stdout has " + run.out)
    check(run.requests(SHARD, "cdn") == [0], "requests: %s" % run.hub.log)
    other = [r for r in run.hub.log if r[1] and r[1] not in run.wanted]
    check(not other, "also asked for %s" % other)
    tokens = set(run.hub.tokens)
    if run.kit.is_busybox:
        check(tokens == {None} and "HF_TOKEN is not sent" in run.err, "tokens: %s" % tokens)
    else:
        check(tokens == {"Bearer " + TOKEN}, "tokens: %s" % tokens)
    run.hub.log.clear()
    run.fetch(0, "(is there)")
    check(run.hub.log == [("hub", "", 0)], "again: %s" % run.hub.log)


@test
def modelscope(run):
    """ModelScope, into a directory whose name needs quotes"""
    run.whole_repository()
    run.to = os.path.join(run.work, "it's a 'model'")
    run.fetch(0, "", "--from", "modelscope", "--to", "it's a 'model'", "Qwen/Qwen3-Test",
              HF_TOKEN=TOKEN)
    run.check_whole()
    check(shlex.split(run.out) == ["qw", "-m", "it's a 'model'"], "stdout has " + run.out)
    check(set(run.hub.tokens) == {None}, "tokens: %s" % run.hub.tokens)


@test
def list_only(run):
    """--list: sizes and names, and no file"""
    run.whole_repository()
    run.hub.page = 4
    run.fetch(0, "", "--list", "Qwen3-Test")
    names = [line[12:] for line in run.out.splitlines()]
    check(sorted(names) == sorted(run.wanted), "stdout has " + run.out)
    check("  150.0 KB  " + SHARD in run.out, "stdout has " + run.out)
    check(not os.listdir(run.work), "there is %s" % os.listdir(run.work))
    check(run.err == "", "stderr has " + run.err)


@test
def pages(run):
    """a list in pages; one weight file alone; names of others"""
    run.hub.repository = "some-one/Qwen3_Fine.Tune"
    run.hub.page = 2
    run.hub.files["model.safetensors"] = b"weights" * 5000
    del run.wanted[SHARD]
    del run.wanted[OTHER_SHARD]
    run.wanted["model.safetensors"] = b"weights" * 5000
    run.to = os.path.join(run.work, "models/some-one/Qwen3_Fine.Tune")
    run.fetch(0, "", "some-one/Qwen3_Fine.Tune")
    run.check_whole()
    check(run.out == "qw -m some-one/Qwen3_Fine.Tune\n", "stdout has " + run.out)


@test
def json_text(run):
    """a list in other words: escapes, white space, other keys"""
    run.only({"config.json": b"{}", "model.safetensors": b"w" * 9})
    entries = [run.hub.entry(*item) for item in run.hub.files.items()]
    entries[0].update(lastCommit={"title": 'a "b" \\', "n": [1, [2.5e3, None], {}]}, tags=[])
    text = json.dumps(entries, indent=3).replace("config.json", "\\u0063onfig.jso\\u006E")
    run.hub.text = text.replace("/", "\\/").encode()
    run.fetch(0, "")
    run.check_whole()


# ---- going on ----


@test
def resume(run):
    """a part goes on where it ends"""
    run.put(SHARD + ".part", run.wanted[SHARD][:100000])
    run.fetch(0, "")
    run.check_whole()
    check(run.requests(SHARD, "cdn") == [100000], "requests: %s" % run.hub.log)


@test
def complete_part(run):
    """a part that is complete is only checked; one that is too long is thrown away"""
    run.put(SHARD + ".part", run.wanted[SHARD])
    run.put("tokenizer.json.part", run.wanted["tokenizer.json"] + b"more")
    run.fetch(0, "")
    run.check_whole()
    check(run.requests(SHARD) == [], "requests: %s" % run.hub.log)
    check(run.requests("tokenizer.json") == [0, 0], "requests: %s" % run.hub.log)


@test
def foreign_part(run):
    """a part of another file, and a file that is another"""
    run.put(SHARD + ".part", b"x" * 1000)
    run.put("config.json", b"x" * len(run.wanted["config.json"]))
    run.put("tokenizer.json", b"short")
    run.fetch(0, "")
    run.check_whole()
    check(run.requests(SHARD, "cdn") == [1000, 0], "requests: %s" % run.hub.log)


@test
def no_ranges(run):
    """a server that ignores ranges"""
    run.hub.ranges = False
    run.hub.answers = {"tokenizer.json": [None, "drop"]}
    run.put(SHARD + ".part", run.wanted[SHARD][:100000])
    run.fetch(0, "")
    run.check_whole()


@test
def broken_connections(run):
    """connections that break off, in the middle and at once"""
    run.hub.answers = {SHARD: [None, "drop", None, "drop"], "config.json": [0], "": [0]}
    run.fetch(0, SHARD + ": the connection broke after 75.0 KB; again in 1 s")
    run.check_whole()
    check(run.requests(SHARD, "cdn") == [0, 75000, 112500], "requests: %s" % run.hub.log)
    check(run.sleeps() == ["1", "1", "1", "2"], "waited %s" % run.sleeps())


@test
def many_broken_connections(run):
    """more broken connections than attempts in a row, of a large file"""
    run.only({"config.json": b"{}", "model.safetensors": random.Random(2).randbytes(16000000)})
    run.hub.answers = {"model.safetensors": [None, "drop"] * 7}     # each gets half of the rest
    run.fetch(0, "model.safetensors: the connection broke after 15.9 MB; again in 16 s")
    run.check_whole()
    check(run.sleeps() == ["1", "1", "1", "2", "4", "8", "16"], "waited %s" % run.sleeps())


@test
def interrupted(run):
    """Ctrl-C: it says how to go on, and does"""
    run.hub.answers = {SHARD: [None, "slow"]}
    process = subprocess.Popen(run.command(), cwd=run.work, env=run.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    part = os.path.join(run.to, SHARD + ".part")
    limit = time.time() + 20
    while not (os.path.exists(part) and os.path.getsize(part) > 1000) and time.time() < limit:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    check(process.returncode == 130, "exit code %d: %s" % (process.returncode, err))
    check(b"the same command goes on from there" in err and out == b"", "stderr has %s" % err)
    check(not os.listdir(run.tmp), "left behind: %s" % os.listdir(run.tmp))
    had = os.path.getsize(part)
    check(had > 1000, "the part has %d bytes" % had)
    run.hub.log.clear()
    run.fetch(0, "")
    run.check_whole()
    check(run.requests(SHARD, "cdn") == [had], "requests: %s" % run.hub.log)


# ---- what goes wrong ----


@test
def busy(run):
    """429 with Retry-After, 500, 503: waits, and goes on"""
    run.hub.answers = {"": [(429, {"Retry-After": "7"})], "config.json": [500, 503],
                       "tokenizer.json": [(429, {"RateLimit": '"resolvers";r=0;t=08'})],
                       SHARD: [(429, {"Retry-After": "9999"})]}
    run.put(SHARD + ".part", run.wanted[SHARD][:50000])
    run.fetch(0, "too many requests (429); again in ")
    run.check_whole()
    # busybox's wget shows no more of such an answer than its first line
    want = ["7", "1", "2", "08", "300"]
    if run.kit.is_busybox:
        want = ["30", "1", "2", "30", "30"]
    check(run.sleeps() == want, "waited %s" % run.sleeps())


@test
def always_broken(run):
    """500 forever ends after six attempts, and keeps the part"""
    run.put(SHARD + ".part", run.wanted[SHARD][:50000])
    run.hub.answers = {SHARD: [500] * 20}
    run.fetch(1, SHARD + ": the server answers 500; that was the sixth attempt")
    check(run.sleeps() == ["1", "2", "4", "8", "16"], "waited %s" % run.sleeps())
    check(run.file(SHARD + ".part") == run.wanted[SHARD][:50000], "the part is another")


@test
def no_server(run):
    """no server at all"""
    run.fetch(1, "sixth attempt", HF_ENDPOINT="http://127.0.0.1:1")
    check(not os.listdir(run.work), "there is %s" % os.listdir(run.work))


@test
def refusals(run):
    """401, 403, 404, and a file that is not there"""
    run.fetch(1, "no such repository: Qwen/None (revision main) at http://127.0.0.1", "Qwen/None")
    run.hub.answers = {"": [(401, {"X-Error-Code": "GatedRepo"}), 403]}
    licence = "Qwen/Qwen3-Test needs a token (HF_TOKEN) or its licence accepted at http://"
    run.fetch(1, licence)
    run.fetch(1, licence)
    run.hub.answers = {"config.json": [404], SHARD: [403]}
    run.fetch(1, "config.json is in the list of files, but not there (404)")
    run.fetch(1, licence)
    check(not run.sleeps(), "waited %s" % run.sleeps())
    run.fetch(1, "revision v/2" if run.kit.is_busybox else "no revision 'v/2'", "--revision", "v/2",
              "Qwen/Qwen3-Test")


@test
def wrong_sums(run):
    """a wrong sha256, a wrong sum of git's: said, and not kept"""
    run.hub.sums = {SHARD: "ab" * 32}
    run.fetch(1, SHARD + " is damaged: its sum is %s" % sha256(run.wanted[SHARD]))
    check(SHARD not in run.found() and SHARD + ".part" not in run.found(), "it is there")
    run.hub.sums = {"config.json": "ab" * 20}
    run.fetch(1, "config.json is damaged: its sum is " + git_sum(run.wanted["config.json"]))
    run.hub.sums = {"tokenizer.json": None}
    run.fetch(0, "without a sum, or a tool to check it: tokenizer.json")
    run.check_whole()


@test
def wrong_sizes(run):
    """a file that is longer or shorter than in the list"""
    run.hub.sizes = {SHARD: 149999}
    run.fetch(1, SHARD + " has 150000 bytes, where the list says 149999")
    check(SHARD not in run.found() and SHARD + ".part" not in run.found(), "it is there")
    run.hub.sizes = {"config.json": 1000}
    length = len(run.wanted["config.json"])
    run.fetch(1, "config.json has %d bytes, where the list says 1000" % length)


@test
def hostile_names(run):
    """names that lead elsewhere, or that a terminal must not see"""
    names = ("../config.json", "/tmp/config.json", "a/../../b.jinja", "model\n.safetensors",
             "additional_chat_templates/../x.jinja", "model\x1b[31m.safetensors", "./x", "a//b",
             "model\\..\\x.safetensors", "model\x7f.safetensors", "")
    for name in names:
        run.hub.files = {name: b"evil", "config.json": b"{}", "model.safetensors": b"w"}
        run.fetch(1, "Qwen/Qwen3-Test: the list of files is a name that is not safe, ")
        check("\x1b" not in run.err, "stderr has %r" % run.err)
        check(not os.listdir(run.work), "there is %s" % os.listdir(run.work))


@test
def hostile_lists(run):
    """a list that is something else, has no end, or too large numbers"""
    for text in (b"", b"<html>hello</html>", b'{"error":"Access \\"x\\" \\u001b[31m"}',
                 b'[{"path":"a', b"[[[[", b"]", b'[{"a":"b"}', b"\0\0", b'"'):
        run.hub.text = text
        run.fetch(1, "Qwen/Qwen3-Test")
        check("the list of files is" in run.err, "%r: %r" % (text, run.err))
        check("\x1b" not in run.err, "stderr has %r" % run.err)
    run.hub.text = b'[{"type":"file","path":"model.safetensors","size":1e30,"oid":"x"}]'
    run.fetch(1, "has no size of model.safetensors")
    run.hub.text = None
    run.hub.page = 0
    run.fetch(1, "the list of files has no end")
    run.hub.text = b"[]"
    run.fetch(1, "Qwen/Qwen3-Test has no weights")
    run.hub.text = b'{"Code":10010205001,"Data":null,"Message":"model not exist","Success":false}'
    run.fetch(1, "model not exist", "--from", "modelscope", "Qwen/Qwen3-Test")


@test
def redirects(run):
    """redirects: a loop, a relative one, and a way back to the hub, without the token"""
    run.hub.redirect = "/%s/resolve/main/%s" % (run.hub.repository, SHARD)
    run.fetch(1, "redirect")
    run.hub.redirect = None
    host = run.hub.url(run.hub.hub)[len("http:"):]
    path = "/%s/resolve/main/" % run.hub.repository
    there = (301, {"Location": run.hub.url(run.hub.cdn) + "/cdn/config.json"})
    back = (302, {"Location": host + path + "config.json"})
    run.hub.answers = {SHARD: [(307, {"Location": path + SHARD})], "config.json": [there, back]}
    if run.kit.is_busybox:      # it follows addresses that are whole or begin with one slash
        run.hub.answers["config.json"] = [there]
    run.hub.tokens.clear()
    shutil.rmtree(run.to)
    run.fetch(0, "", HF_TOKEN=TOKEN)
    run.check_whole()
    if not run.kit.is_busybox:
        tokens = [t is not None for t in run.hub.tokens]
        check(tokens == [True, True, False, True, True, True, True], "tokens: %s" % tokens)


@test
def downgrade(run):
    """a redirect from https to http is not followed"""
    path = os.path.join(run.kit.bin, run.kit.loader)
    os.unlink(path)
    with open(path, "w", encoding="ascii") as f:        # a curl or wget that only says so
        f.write("""#!/bin/sh
if [ "$1" = --version ]; then exec echo "GNU Wget 1.21"; fi
head=/dev/stderr
for word; do
    if [ "$last" = -D ]; then head=$word; fi
    last=$word
done
printf "HTTP/2 302 \\r\\nlocation: http://localhost/x\\r\\n\\r\\n" > "$head"
""")
    os.chmod(path, 0o755)
    run.fetch(1, "a redirect from https to http, http://localhost/x",
              HF_ENDPOINT="https://localhost")


@test
def other_repositories(run):
    """repositories without what qw needs"""
    config = {"config.json": b"{}"}
    for files, what in (
            ({"a.Q4_K_M.gguf": b"g"}, "GGUF files"),
            ({"pytorch_model.bin": b"p"}, "PyTorch files"),
            ({"onnx/model.onnx": b"o"}, "ONNX files"),
            ({"adapter_model.safetensors": b"a"}, "an adapter (LoRA)"),
            ({"transformer/model.safetensors": b"a"}, "safetensors in folders only"),
            ({"consolidated.safetensors": b"a"}, "not named model*.safetensors"),
            ({}, "no weights")):
        run.only({**config, **files})
        run.fetch(1, "Qwen/Qwen3-Test has ")
        check(what in run.err and "take the original" in run.err, run.err)
    run.only({"model.safetensors": b"w"})
    run.fetch(1, "no config.json")
    run.only({"config.json": b'{"model_type":"qwen3_moe"}', "model.safetensors": b"w"})
    run.fetch(1, "model_type 'qwen3_moe'; qw runs dense Qwen3 only")
    check(run.requests("model.safetensors") == [], "requests: %s" % run.hub.log)


# ---- disks ----


@test
def little_room(run):
    """too little room is said before anything comes"""
    os.unlink(os.path.join(run.kit.bin, "df"))
    with open(os.path.join(run.kit.bin, "df"), "w", encoding="ascii") as f:
        f.write("#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted on'\n"
                "echo '/dev/my disk 1000 920 80 92% /mnt/a b'\n")
    os.chmod(os.path.join(run.kit.bin, "df"), 0o755)
    run.fetch(1, "250.1 KB are to come, and models/Qwen3-Test has room for 81.9 KB")
    check(run.found() == [], "there is %s" % run.found())
    run.hub.sizes = {SHARD: 65000000000}
    run.fetch(1, "65.00 GB are to come, ")
    run.hub.sizes = {}
    run.put(SHARD, run.wanted[SHARD])
    run.fetch(1, "100.1 KB are to come, and models/Qwen3-Test has room for 81.9 KB")
    run.put("tokenizer.json.part", run.wanted["tokenizer.json"][:29000])
    run.fetch(0, "")
    run.check_whole()


# No file over 117 KB, and no signal when that is reached.
LIMIT = [shutil.which("sh"), "-c", "trap '' XFSZ; ulimit -f 234; exec \"$@\"", "sh"]


@test
def full_disk(run):
    """a full disk while a file comes: said, and the part is kept"""
    run.fetch(1, SHARD + " cannot be written: ", limit=LIMIT)
    check("when there is room, the same command" in run.err, run.err)
    had = run.file(SHARD + ".part")
    check(len(had) > 50000 and run.wanted[SHARD].startswith(had), "%d bytes are kept" % len(had))
    run.fetch(0, "")
    run.check_whole()


@test
def full_file_system(run):
    """a file system that is full after all"""
    os.makedirs(run.to)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", run.to],
                             capture_output=True)
    if mounted.returncode != 0:
        return "cannot mount a small file system"
    try:
        run.fetch(1, "has room for 204.8 KB")
        os.unlink(os.path.join(run.kit.bin, "df"))
        run.fetch(1, ".safetensors cannot be written: ")
        check([f for f in run.found() if f.endswith(".part")], "there is %s" % run.found())
    finally:
        subprocess.run(["umount", run.to])
    return None


# ---- the command line ----


@test
def usage(run):
    """wrong usage: exit code 2, and nothing is asked for"""
    for args in (["--nonsense", "a/b"], ["a/b", "c/d"], [""], ["a/b/c"], ["../b"], ["a/.."], ["/a"],
                 ["a/"], ["a b/c"], ["--to"], ["--from", "here", "a/b"], ["a/b?c"], ["-x"],
                 ["--revision", "../x", "a/b"]):
        run.fetch(2, "see fetch-model --help", *args)
    run.fetch(2, "see fetch-model --help", "a/b", HF_ENDPOINT="ftp://x")
    if not run.kit.is_busybox:
        run.fetch(2, "HF_TOKEN is not a token", "a/b", HF_TOKEN='x"\nurl = http://y')
    run.fetch(0, "", "--help")
    check("Usage: fetch-model" in run.out, run.out)
    check(max(len(line) for line in run.out.splitlines()) <= 80, "it is wider than 80 columns")
    check(run.hub.log == [], "requests: %s" % run.hub.log)


@test
def missing_tools(run):
    """without curl and wget, without sums"""
    for tool in "sha1sum", "sha256sum":
        os.unlink(os.path.join(run.kit.bin, tool))
    run.fetch(0, "without a sum, or a tool to check it: ")
    run.check_whole()
    for tool in "curl", "wget":
        if os.path.exists(os.path.join(run.kit.bin, tool)):
            os.unlink(os.path.join(run.kit.bin, tool))
    run.fetch(1, "neither curl nor wget is there")


@test
def terminal(run):
    """on a terminal one line for each file, never wider than it; whole lines with TERM=dumb"""
    for term, columns in ("xterm", 40), ("dumb", 80):
        shutil.rmtree(run.to, ignore_errors=True)
        run.hub.answers = {SHARD: [None, "slow"]}
        run.hub.slow.clear()
        terminal_fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(run.command(), cwd=run.work, env=run.environment(TERM=term),
                                   stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        shown = b""
        limit = time.time() + 20
        while time.time() < limit:
            if select.select([terminal_fd], [], [], 0.1)[0]:
                try:
                    piece = os.read(terminal_fd, 65536)
                except OSError:
                    break
                if not piece:
                    break
                shown += piece
            if re.search(rb"(49|50) %", shown) or (term == "dumb" and b"tokenizer" in shown):
                run.hub.slow.set()
        os.close(terminal_fd)
        check(process.wait() == 0, "exit code %d: %s" % (process.returncode, shown))
        text = shown.decode()
        check(text.endswith("qw -m Qwen3-Test\r\n"), "it ends with %r" % text[-60:])
        check("\x1b" not in text, "escape sequences: %r" % text)
        if term == "dumb":
            check("%" not in text and not text.replace("\r\n", "").count("\r"), "%r" % text)
        else:
            check(re.search("(49|50) %, ", text), "no progress: %r" % text)
            painted = [x for x in text.split("\r") if " %, " in x or x.startswith("checking")]
            check(all(len(x) < columns for x in painted), "a line is too wide: %r" % text)
        run.check_whole()


@test
def answers(run):
    """models/tiny from a hub answers with the command of the last line"""
    if not os.access(QW, os.X_OK):
        return "no " + QW
    run.only({})
    for name in os.listdir("models/tiny"):
        with open(os.path.join("models/tiny", name), "rb") as f:
            run.hub.files[name] = f.read()
    run.hub.answers = {"model.safetensors": [None, "drop", None, "drop"]}
    os.symlink(QW, os.path.join(run.kit.bin, "qw"))
    run.fetch(0, "")
    command = run.out.strip() + " --no-think -p 'What is 2 + 3?'"
    done = subprocess.run([shutil.which("sh"), "-c", command], cwd=run.work,
                          env=run.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=SECONDS)
    check(done.stdout == b"2 + 3 = 5\n", "%d: %s" % (done.returncode, done.stdout + done.stderr))
    return None


# ---- all of them ----


def play(job):
    """One test under one kit, as its line."""
    function, row, top = job
    name = "fetch, %s: %s" % (row[0], function.__doc__)
    folder = tempfile.mkdtemp(dir=top)
    run = Run(Kit(folder, *row), folder)
    try:
        reason = function(run)
    except Wrong as e:
        return "not ok - %s: %s" % (name, str(e)[:2000])
    except (subprocess.TimeoutExpired, OSError, ValueError) as e:
        return "not ok - %s: %r" % (name, e)
    finally:
        run.hub.close()
    return "skip - %s: %s" % (name, reason) if reason else "ok - " + name


def main():
    # A job in the background ignores Ctrl-C, and so would its shells; a handler is not inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    top = tempfile.mkdtemp()
    failed = False
    try:
        # busybox's wget follows redirects by itself
        jobs = [(f, row, top) for row in kits() for f in TESTS
                if f is not downgrade or row[2] != "busybox wget"]
        if sys.argv[1:]:
            jobs = [j for j in jobs
                    if any(word in j[1][0] + ": " + j[0].__doc__ for word in sys.argv[1:])]
        with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
            for line in pool.map(play, jobs):
                print(line, flush=True)
                failed = failed or line.startswith("not ok")
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
