#!/usr/bin/env python3
"""guides.py - the shell lines of README.md's "Phones and boards", run in order under each POSIX
shell that is here. What they install, build and talk to are stubs; the archives hold the qw of this
machine, and the hub is one of this machine with models/tiny in it.

    python3 tests/guides.py     from the project's root; QW is the binary, ./qw by default
"""
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

from fetch_hub import Hub

QW = os.path.abspath(os.environ.get("QW", "./qw"))
SHELLS = ("dash",), ("busybox", "sh"), ("bash", "--posix")
VERSION = re.search(r'QW_VERSION "(.*)"', open("include/qw.h", encoding="ascii").read())[1]
TARGETS = "aarch64", "armv7", "armv6", "x86_64", "riscv64"
PACKED = "qwen3-0.6b-q4.safetensors"
SECONDS = 120

# What the lines call that is not to be called here: each notes how it was called.
STUBS = {
    "pkg": "",
    "apk": "",
    "apt-get": "",
    "sudo": 'exec "$@"',
    "make": 'ln -sf "$REAL_QW" qw',
    "adb": '''
device=$TOP/device
case $1 in
push) to=$device$3; mkdir -p "$(dirname "$to")"; cp -RL "$2" "$to" ;;
shell)
    shift
    [ "$1" != -t ] || shift
    exec sh -c "$(echo "$*" | sed "s#/data/local/tmp#$device/data/local/tmp#g")" ;;
*) exit 1 ;;
esac''',
}


def guides():
    """(title, lines) of each part of the section that has some."""
    text = open("README.md", encoding="ascii").read()
    section = text.split("\n## Phones and boards\n")[1].split("\n## ")[0]
    parts = re.split(r"^### (.*)$", section, flags=re.M)
    for title, body in zip(["Phones and boards"] + parts[1::2], parts[::2]):
        lines = re.findall(r"^    (\S.*)$", body, flags=re.M)
        if lines:
            yield title, lines


def archive(top, target):
    """As make dist makes it, with the qw of this machine."""
    name = "qw-%s-%s" % (VERSION, target)
    with tarfile.open(os.path.join(top, name + ".tar.gz"), "w:gz", compresslevel=1) as tar:
        tar.add(QW, name + "/qw")
        tar.add("tools/fetch-model", name + "/qw-fetch")
        tar.add("models/tiny", name + "/models/tiny")


def prepare(top, files):
    for name in os.listdir(files):
        os.symlink(os.path.join(files, name), os.path.join(top, name))
    stubs = os.path.join(top, "stubs")
    os.mkdir(stubs)
    for name, body in STUBS.items():
        path = os.path.join(stubs, name)
        with open(path, "w", encoding="ascii") as f:
            f.write('#!/bin/sh\necho "%s $*" >> "$TOP/calls"\n%s\n' % (name, body))
        os.chmod(path, stat.S_IRWXU)


def run(shell, lines, files, hub):
    """What is wrong, or None."""
    with tempfile.TemporaryDirectory() as top:
        prepare(top, files)
        env = {"PATH": top + "/stubs:" + os.environ["PATH"], "HOME": top, "TOP": top,
               "REAL_QW": QW, "HF_ENDPOINT": hub.url(hub.hub), "LC_ALL": "C"}
        script = "set -eu\n" + "\n".join(lines) + "\n"
        try:
            done = subprocess.run([*shell, "-c", script], cwd=top, env=env, timeout=SECONDS,
                                  input=b"What is 2 + 3?\n", capture_output=True, check=False)
        except subprocess.TimeoutExpired:
            return "it takes longer than %d s" % SECONDS
        said = (done.stdout[-500:] + done.stderr[-500:]).decode("utf-8", "replace")
        if done.returncode:
            return "exit code %d: %s" % (done.returncode, said)
        if " -m " in lines[-1] and not re.search(r"^2 \+ 3 = 5", said, re.M):
            return "the last line gives no answer: " + said
        calls = os.path.join(top, "calls")
        called = open(calls, encoding="ascii").read() if os.path.exists(calls) else ""
        for line in lines:
            word = line.removeprefix("sudo ").split()[0]
            if word in STUBS and word + " " not in called:
                return "%s was not called" % word
    return None


def main():
    failed = False
    text = open("README.md", encoding="ascii").read()
    named = set(re.findall(r"qw-[0-9.]+-\w+\.tar\.gz", text))
    wanted = {"qw-%s-%s.tar.gz" % (VERSION, t) for t in TARGETS}
    failed |= named != wanted
    print("%sok - guides: the archives of this version" % ("not " if named != wanted else ""))
    hub = Hub({f: open("models/tiny/" + f, "rb").read() for f in os.listdir("models/tiny")},
              "Qwen/Qwen3-0.6B")
    with tempfile.TemporaryDirectory() as files:
        for target in TARGETS:
            archive(files, target)
        subprocess.run([QW, "quantize", "-m", "models/tiny", "-q", "q4", "-o",
                        os.path.join(files, PACKED)], check=True, timeout=SECONDS,
                       stderr=subprocess.DEVNULL)
        for shell in SHELLS:
            if not shutil.which(shell[0]):
                print("skip - guides, %s: it is missing" % shell[0])
                continue
            for title, lines in guides():
                wrong = run(shell, lines, files, hub)
                failed |= wrong is not None
                print("%sok - guides, %s: %s%s" % ("not " if wrong else "", shell[0], title,
                                                  ": " + wrong if wrong else ""))
    hub.close()
    return failed


sys.exit(main())
