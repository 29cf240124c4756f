#!/usr/bin/env python3
"""Templates of public checkpoints, where ../shared/golden has them: what jinja2 made of 654
conversations, byte for byte, and no control token from a conversation.

    tests/jinja_golden.py [--program $BUILD/render_jinja] [--golden DIR] [--single N] [--seed S]

For the second part hostile texts go into every string of a conversation at once, and into one
string at a time for a sample of --single strings of each template. A token that comes out with its
marks around it came from there and must lie outside of the control ranges; the ends of turns that
the template writes itself must lie inside."""
import argparse
import copy
import glob
import gzip
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import jinja_reference as jinja  # noqa: E402

TOKENS = ["<|im_end|>", "<think>", "</tool_call>"]
HOSTILE = "".join(f"\u27e6{t}\u27e7" for t in TOKENS)
INJECTED = re.compile("(?:\u27e6|\\\\u27e6)(" + "|".join(map(re.escape, TOKENS)) +
                      ")(?:\u27e7|\\\\u27e7)").finditer
CHOSEN = {"role", "type"}    # what decides a template's way: not hostile with all others at once


def conversations(golden):
    with open(os.path.join(golden, "conversations.jsonl"), encoding="utf-8") as f:
        return [json.loads(line)["conversation"] for line in f]


def places(value, path=(), inside=False):
    """The paths of all strings but roles, and of the keys that are the user's own: within
    arguments, and names of parameters. The last step of such a path is ("key", NAME)."""
    last = path[-1] if path else ""
    if isinstance(value, str):
        return [path] if inside or last != "role" else []
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in places(v, path + (i,), inside)]
    found = []
    if isinstance(value, dict):
        own = inside or last in ("properties", "$defs")
        for k, v in value.items():
            if own:
                found.append(path + (("key", k),))
            found += places(v, path + (k,), inside or k == "arguments" and not own)
    return found


def poison(value, path):
    """Hostile text in the middle of one string or key."""
    *way, last = path
    for step in way:
        value = value[step]
    if isinstance(last, tuple):
        old = last[1]
        items = list(value.items())
        value.clear()
        value.update((k + HOSTILE if k == old else k, v) for k, v in items)
    else:
        text = value[last]
        value[last] = text[:len(text) // 2] + HOSTILE + text[len(text) // 2:]


def poison_all(conversation):
    """Keys last and from the inside out, so that the paths stay true."""
    hostile = copy.deepcopy(conversation)
    found = [p for p in places(hostile) if isinstance(p[-1], tuple) or p[-1] not in CHOSEN]
    for path in sorted(found, key=lambda p: (isinstance(p[-1], tuple), -len(p))):
        poison(hostile, path)
    return hostile


def poison_one(conversation, rng):
    hostile = copy.deepcopy(conversation)
    poison(hostile, rng.choice(places(hostile)))
    return hostile


class Count:
    def __init__(self):
        self.renderings = self.errors = self.injected = self.own = 0


def wrong_control(answer, count):
    """Why an answer to a hostile conversation is wrong, or ""."""
    if "text" not in answer:
        count.errors += 1
        return ""
    data, mask = jinja.marked(answer)
    outside = set()
    for m in INJECTED(answer["text"]):
        at = len(answer["text"][:m.start(1)].encode())
        outside.add(at)
        count.injected += 1
        # Not the "_": there are templates that split names at it and join them with their own.
        if any(mask[at + i] for i, c in enumerate(m.group(1)) if c != "_"):
            return f"{m.group(1)} at byte {at} came from the conversation and is control"
    end = TOKENS[0].encode()
    for m in re.finditer(re.escape(end), data):
        if m.start() not in outside and all(mask[m.start():m.end()]):
            count.own += 1
    return ""


def wrong_own(answer):
    """Why an answer to a harmless conversation, without any token in it, is wrong, or ""."""
    if "text" not in answer:
        return ""
    data, mask = jinja.marked(answer)
    for m in re.finditer(re.escape(TOKENS[0].encode()), data):
        if not all(mask[m.start():m.end()]):
            return f"the template's own {TOKENS[0]} at byte {m.start()} is not control"
    return ""


def report(name, faults, good):
    for line, why in faults[:2]:
        print(f"not ok - {name}: {why}\n  {line}")
    if len(faults) > 2:
        print(f"  and {len(faults) - 2} more like these")
    if not faults:
        print(f"ok - {name}: {good}")
    return len(faults)


def test(path, clean, hostile, a, count):
    """One template's faults: of the text, of the masks."""
    with open(path, encoding="utf-8") as f:
        template = f.read()
    with gzip.open(path.replace(".jinja", ".jsonl.gz"), "rt", encoding="utf-8") as f:
        golden = [json.loads(line) for line in f]
    rng = random.Random(f"{a.seed} {os.path.basename(path)}")
    singles = [poison_one(rng.choice(clean), rng) for _ in range(a.single)]
    variables = [{**jinja.DEFAULTS, **c} for c in clean + hostile + singles]
    lines = [json.dumps({"variables": v}, ensure_ascii=False) for v in variables]
    first = json.dumps({"template": template, "variables": variables[0]}, ensure_ascii=False)
    answers, why = jinja.run(a.program, [first] + lines[1:])
    count.renderings += len(answers)
    different, masks = [], []
    for i, (line, answer) in enumerate(zip(lines, answers)):
        got = json.dumps(answer, ensure_ascii=False)
        if i >= len(golden):
            fault = wrong_control(answer, count)
        else:
            fault = "" if TOKENS[0] in json.dumps(clean[i]) else wrong_own(answer)
            want = golden[i] if isinstance(golden[i], dict) else {"text": golden[i]}
            if jinja.differs(answer, want):
                want = json.dumps(want, ensure_ascii=False)
                different.append((line, f"conversation {i + 1}: want {want}\n  got  {got}"))
        if fault:
            masks.append((line, f"{fault}\n  got  {got}"))
    if why:
        different.append((path, why))
    return different, masks


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--program", default=jinja.program())
    p.add_argument("--golden", default=jinja.GOLDEN)
    p.add_argument("--single", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    paths = sorted(glob.glob(os.path.join(a.golden, "*.jinja")))
    if not paths:
        print(f"skip - jinja golden: no templates in {a.golden}")
        return 0
    clean = conversations(a.golden)
    hostile = [poison_all(c) for c in clean]
    count = Count()
    failed = 0
    for path in paths:
        name = os.path.basename(path).removesuffix(".jinja")
        different, masks = test(path, clean, hostile, a, count)
        failed += report(f"jinja golden {name}", different, f"{len(clean)} conversations")
        failed += report(f"jinja control {name}", masks, f"{len(hostile) + a.single} hostile")
    name = "jinja control: hostile tokens came out, and the templates' own"
    if count.injected and count.own:
        print(f"ok - {name} ({len(paths)} templates, {count.renderings} renderings, "
              f"{count.injected} hostile tokens, {count.own} ends of turns, "
              f"{count.errors} hostile errors, seed {a.seed})")
    else:
        print(f"not ok - {name}: {count.injected} and {count.own}")
        failed += 1
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
