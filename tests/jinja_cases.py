#!/usr/bin/env python3
"""The templates of fixtures/jinja/cases.jsonl: what each renders, or that it is an error.

    tests/jinja_cases.py [--program $BUILD/render_jinja]     compares; needs no jinja2
    tests/jinja_cases.py --record     writes what jinja2 makes of them into the file

One case a line: {"name": "GROUP: WHAT", "template", "variables", and "text" or "error": true}.
"date" pins the day. "ours": true marks a case in which qw means to differ from jinja2: its result
is written by hand, as are the lists "control" and "data": pieces of the text, each of which stands
in it once and was, whole, written by the template or came in through the variables."""
import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import jinja_reference as jinja  # noqa: E402

CASES = "tests/fixtures/jinja/cases.jsonl"
INPUT = ("template", "variables", "date")


def record(cases):
    reference = jinja.Reference()
    lines = []
    for case in cases:
        if not case.get("ours"):
            reference.day(case.get("date", jinja.DAY))
            variables = json.loads(jinja.dumps_spelled(case["variables"]))
            got = reference.render(reference.compile(case["template"]), variables)
            case.pop("text", None)
            case.pop("error", None)
            case.update(got if "text" in got else {"error": True})
        lines.append(jinja.dumps_spelled(case) + "\n")
    with open(CASES, "w", encoding="utf-8") as f:
        f.writelines(lines)
    print(f"{len(lines)} cases recorded with jinja2 {reference.version}")


def wrong_mask(case, answer):
    data, mask = jinja.marked(answer)
    for field, want in (("control", 1), ("data", 0)):
        for piece in case.get(field, []):
            piece = piece.encode()
            if data.count(piece) != 1:
                return f"{piece!r} is in the text {data.count(piece)} times"
            at = data.index(piece)
            if any(m != want for m in mask[at:at + len(piece)]):
                return f"{piece!r} is not all {field}: control {answer['control']}"
    return ""


def wrong(case, answer):
    if jinja.differs(answer, case):
        return "another result"
    return wrong_mask(case, answer) if "text" in answer else ""


def compare(cases, program):
    lines = [jinja.dumps_spelled({k: c[k] for k in INPUT if k in c}) for c in cases]
    answers, why = jinja.run(program, lines)
    groups = {}
    for case, line, answer in zip(cases, lines, answers):
        group, _, name = case["name"].partition(": ")
        counts = groups.setdefault(group, [0, 0])
        counts[0] += 1
        fault = wrong(case, answer)
        if fault:
            counts[1] += 1
            want = {k: case[k] for k in ("text", "error") if k in case}
            print(f"not ok - jinja case {case['name']}: {fault}\n  {line}\n"
                  f"    want {json.dumps(want, ensure_ascii=False)}\n"
                  f"    got  {json.dumps(answer, ensure_ascii=False)}")
    for group, (count, failed) in groups.items():
        if not failed:
            print(f"ok - jinja cases: {group} ({count})")
    if why:
        print(f"not ok - jinja cases: {why}")
    return bool(why) or any(failed for _, failed in groups.values())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--program", default=jinja.program())
    p.add_argument("--record", action="store_true")
    a = p.parse_args()
    with open(CASES, encoding="utf-8") as f:
        cases = [jinja.loads_spelled(line) for line in f]
    names = [c["name"] for c in cases]
    if len(set(names)) != len(names):
        print(f"not ok - jinja cases: {CASES} has a name twice: "
              f"{next(n for n in names if names.count(n) > 1)}")
        return 1
    if a.record:
        record(cases)
        return 0
    return compare(cases, a.program)


if __name__ == "__main__":
    sys.exit(main())
