#!/usr/bin/env python3
"""bench_rows.py - the rows of qw bench in json, jsonl and csv: llama-bench's fields with their
order, types and values, ours after them; and what compare-llama-bench.py asks of two files.

    QW=./qw python3 tests/bench_rows.py         from the project's root
"""
import calendar
import csv
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

QW = os.environ.get("QW", "./qw").split()
LIMIT = 60 * int(os.environ.get("QW_SLOW", "1")) * (10 if len(QW) > 1 else 1)

# llama-bench's fields, as of August 2026: names, order, types, and the values of a build without a
# GPU under default flags; None: depends.
THEIRS = [
    ("build_commit", str, None), ("build_number", int, 0), ("cpu_info", str, None),
    ("gpu_info", str, ""), ("backends", str, "CPU"), ("model_filename", str, None),
    ("model_type", str, None), ("model_size", int, None), ("model_n_params", int, None),
    ("n_batch", int, None), ("n_ubatch", int, None), ("n_threads", int, None),
    ("cpu_mask", str, "0x0"), ("cpu_strict", bool, False), ("poll", int, 50),
    ("type_k", str, None), ("type_v", str, None), ("n_gpu_layers", int, -1),
    ("n_cpu_moe", int, 0), ("split_mode", str, "layer"), ("main_gpu", int, 0),
    ("no_kv_offload", bool, False), ("flash_attn", int, -1), ("devices", str, "auto"),
    ("tensor_split", str, "0.00"), ("tensor_buft_overrides", str, "none"),
    ("load_mode", str, "mmap"), ("embeddings", bool, False), ("no_op_offload", int, 0),
    ("no_host", bool, False), ("fit_target", int, 0), ("fit_min_ctx", int, 0),
    ("n_prompt", int, None), ("n_gen", int, None), ("n_depth", int, None),
    ("test_time", str, None), ("avg_ns", int, None), ("stddev_ns", int, None),
    ("avg_ts", float, None), ("stddev_ts", float, None),
]
SAMPLES = [("samples_ns", list, None), ("samples_ts", list, None)]        # not in csv
OURS = [
    ("use_mmap", bool, True), ("use_direct_io", bool, False), ("cpu", str, None),
    ("weight_type", str, None), ("load_ns", int, None), ("ttft_ns", int, None),
    ("peak_memory", int, None), ("bytes_per_token", int, None), ("gb_per_s", float, None),
    ("read_gb_per_s", float, None), ("percent_of_read", float, None), ("logits_hash", str, None),
    ("version", str, None), ("soc", str, None), ("cores", str, None), ("n_cpus", int, None),
    ("governor", str, None), ("total_memory", int, None), ("kernel", str, None),
    ("cpus", str, None), ("celsius_before", float, None), ("celsius_after", float, None),
    ("mhz_before", int, None), ("mhz_after", int, None), ("percent_of_others", float, None),
    ("throttled", bool, None), ("throttled_by", str, None), ("disturbed", bool, None),
    ("disturbed_by", str, None), ("sustain_s", int, None), ("first_10_s_ts", float, None),
    ("rest_ts", float, None),
]
MAY_BE_NULL = {"ttft_ns", "bytes_per_token", "gb_per_s", "read_gb_per_s", "percent_of_read",
               "celsius_before", "celsius_after", "mhz_before", "mhz_after", "percent_of_others",
               "throttled", "first_10_s_ts", "rest_ts"}

# What compare-llama-bench.py joins rows by, and what else it needs of each.
KEYS = """cpu_info gpu_info backends n_gpu_layers n_cpu_moe tensor_buft_overrides model_filename
    model_type n_batch n_ubatch embeddings cpu_mask cpu_strict poll n_threads type_k type_v
    load_mode no_kv_offload split_mode main_gpu tensor_split flash_attn n_prompt n_gen n_depth
    fit_target fit_min_ctx""".split()
OLD_KEYS = [k.replace("load_mode", "use_mmap") for k in KEYS if not k.startswith("fit_")]
NEEDED = ["build_commit", "test_time", "avg_ts"]

failed = False


class Wrong(Exception):
    """What is wrong, in words."""


def expect(condition, why):
    if not condition:
        raise Wrong(why)


def test(name, function, *arguments):
    global failed
    try:
        function(*arguments)
        print(f"ok - bench rows: {name}")
    except Exception as e:                              # whatever it is, the test has failed
        failed = True
        print(f"  {type(e).__name__}: {e}\nnot ok - bench rows: {name}")


def bench(*flags):
    """stdout and stderr."""
    run = subprocess.run(QW + ["bench", *flags], stdin=subprocess.DEVNULL, capture_output=True,
                         timeout=LIMIT, check=False)
    if run.returncode:
        raise Wrong(f"exit code {run.returncode} of qw bench {' '.join(flags)}: "
                    f"{run.stderr.decode(errors='replace')}")
    return run.stdout.decode(), run.stderr.decode()


# ---- reading ----

def no_twins(pairs):
    expect(len(dict(pairs)) == len(pairs), "a name twice in one object")
    return dict(pairs)


def from_json(text):
    return json.loads(text, object_pairs_hook=no_twins)


def from_jsonl(text):
    return [from_json(line) for line in text.splitlines()]


def typed(kind, text):
    if text == "":
        return "" if kind is str else None
    return {"0": False, "1": True}[text] if kind is bool else kind(text)


def from_csv(text):
    types = {name: kind for name, kind, _ in THEIRS + OURS}
    return [{k: typed(types[k], v) for k, v in row.items()}
            for row in csv.DictReader(io.StringIO(text))]


# ---- fields ----

def check_fields(rows, fields, n_rows):
    expect(len(rows) == n_rows, f"{len(rows)} rows instead of {n_rows}")
    for row in rows:
        names = [name for name, _, _ in fields]
        expect(list(row) == names, f"fields {list(row)} instead of {names}")
        for name, kind, value in fields:
            found = row[name]
            if found is None:
                expect(name in MAY_BE_NULL, f"{name} is null")
                continue
            expect(type(found) is kind, f"{name}: {found!r} is no {kind.__name__}")
            expect(value is None or found == value, f"{name} is {found!r} instead of {value!r}")


def check_csv_text(text):
    lines = text.splitlines()
    expect(lines[0] == ",".join(name for name, _, _ in THEIRS + OURS), f"heading {lines[0]}")
    for line in lines[1:]:
        expect(re.fullmatch(r'("([^"]|"")*",)*"([^"]|"")*"', line), f"not all quoted: {line}")


def check_same(rows, others):
    """Of the same run, in two formats: all but the samples, which csv lacks."""
    expect(len(rows) == len(others), "another number of rows")
    for row, other in zip(rows, others):
        for name in other:
            expect(row[name] == other[name], f"{name}: {row[name]!r} and {other[name]!r}")


def check_tests(rows, want):
    found = [(r["n_threads"], r["n_batch"], r["n_depth"], r["n_prompt"], r["n_gen"]) for r in rows]
    expect(found == want, f"tests {found} instead of {want}")


def check_figures(rows, began, ended):
    for r in rows:
        ns, ts, tokens = r["samples_ns"], r["samples_ts"], r["n_prompt"] + r["n_gen"]
        expect(len(ns) == len(ts) == 3, "not three samples")
        expect(abs(r["avg_ns"] - statistics.mean(ns)) < 2, "avg_ns")
        expect(abs(r["stddev_ns"] - statistics.stdev(ns)) < 2, "stddev_ns")
        expect(abs(r["avg_ts"] - statistics.mean(ts)) < 1e-5 * r["avg_ts"], "avg_ts")
        expect(abs(r["stddev_ts"] - statistics.stdev(ts)) < 1e-5 * r["avg_ts"], "stddev_ts")
        expect(all(abs(t * n / 1e9 - tokens) < 1e-3 * tokens for n, t in zip(ns, ts)), "samples")
        expect(r["model_n_params"] > 0 and r["model_size"] > 0, "the model's size")
        expect(re.fullmatch("[0-9a-f]{16}", r["logits_hash"]), "logits_hash")
        expect(r["n_ubatch"] == r["n_batch"] and r["type_k"] == r["type_v"], "pairs of settings")
        expect(re.fullmatch(r"qwen3 [0-9.]+[MB] " + r["weight_type"], r["model_type"]),
               f"model_type {r['model_type']}")
        expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", r["test_time"]), "test_time")
        at = calendar.timegm(time.strptime(r["test_time"], "%Y-%m-%dT%H:%M:%SZ"))
        expect(began - 1 <= at <= ended, f"test_time {r['test_time']} is not UTC, or not now")
        generating = r["bytes_per_token"], r["gb_per_s"], r["percent_of_read"]
        if r["n_prompt"]:
            expect(r["ttft_ns"] > r["load_ns"], "ttft_ns")
            expect(generating == (None, None, None), f"{generating} with a prompt")
        else:
            expect(r["ttft_ns"] is None and all(v > 0 for v in generating), f"{generating}")


def check_cpu_info(rows):
    here = re.search(r"^model name\s*: *(.*\S)", open("/proc/cpuinfo").read(), re.M)
    name = " ".join(here[1].split())[:127] if here else ""
    for r in rows:
        expect(r["cpu_info"].strip(), "cpu_info is empty")
        if name and not name.startswith("ARMv"):
            expect(r["cpu_info"] == name, f"{r['cpu_info']}, not {name}")


def check_machine(rows):
    """What is said of this machine; nobody knows what else it does at the moment."""
    listed = re.compile(r"(\d+(-\d+)?(,\d+(-\d+)?)*)?")
    for r in rows:
        expect(r["n_cpus"] >= 1 and r["total_memory"] >= 0, "CPUs or memory")
        expect(r["kernel"] == os.uname().release, f"kernel {r['kernel']}")
        expect(listed.fullmatch(r["cpus"]), f"cpus {r['cpus']}")
        expect(bool(r["throttled_by"]) == bool(r["throttled"]), f"throttled {r['throttled']}")
        expect(bool(r["disturbed_by"]) == r["disturbed"], f"disturbed {r['disturbed']}")
        for name in "celsius_before", "celsius_after":
            expect(r[name] is None or 1 <= r[name] <= 150, f"{name} {r[name]}")
        share = r["percent_of_others"]
        expect(share is None or 0 <= share <= 100, f"percent_of_others {share}")


def check_sustained(rows, seconds):
    for r in rows:
        first, rest, most = r["first_10_s_ts"], r["rest_ts"], 1.1 * max(r["samples_ts"])
        expect(r["sustain_s"] == seconds, f"sustain_s {r['sustain_s']}")
        expect(1 <= len(r["samples_ns"]) <= 1000, f"{len(r['samples_ns'])} samples")
        expect(0 < first <= most and 0 < rest <= most, f"{first} and {rest} of {most} t/s")


def check_odd_name(flags):
    """A name with what csv and json quote."""
    model = os.path.abspath(os.environ.get("QW_MODEL", "models/tiny"))
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'a "b", \\c\nd')
        os.symlink(model, path)
        out, err = bench(*flags, "-m", path, "-o", "json", "-oe", "csv")
    rows = from_json(out)
    check_same(rows, from_csv(err))
    expect(rows[0]["model_filename"] == path, f"{rows[0]['model_filename']!r}, not {path!r}")


def check_commit(rows):
    text = subprocess.run(QW + ["--version"], capture_output=True, timeout=LIMIT, check=True)
    version, _, commit = re.match(r"qw (\S+)( \((\S+)\))?, ", text.stdout.decode()).groups()
    for r in rows:
        expect(r["build_commit"] == (commit or version), f"build_commit {r['build_commit']}")


# ---- what compare-llama-bench.py does with rows ----

def compare(rows, base, other, keys):
    """Mean t/s of both builds for each set of keys that both have: {keys: (base, other)}."""
    for r in rows:
        missing = [k for k in keys + NEEDED if k not in r]
        expect(not missing, f"missing keys {missing}")
    builds = {r["build_commit"] for r in rows}
    expect(len({len(b) for b in builds}) == 1, f"builds of several lengths: {builds}")
    speeds = {}
    for r in rows:
        key = tuple(r[k] for k in keys)
        if None in key:                     # in SQL null equals nothing
            continue
        speeds.setdefault(key, {base: [], other: []})[r["build_commit"]].append(r["avg_ts"])
    return {key: (statistics.mean(s[base]), statistics.mean(s[other]))
            for key, s in speeds.items() if s[base] and s[other]}


def other_build(rows):
    return [dict(r, build_commit=r["build_commit"][:-1] + "x") for r in rows]


def check_compare(first, second):
    second = other_build(second)
    builds = first[0]["build_commit"], second[0]["build_commit"]
    for keys in KEYS, OLD_KEYS:
        expect(len({tuple(r[k] for k in keys) for r in first}) == len(first),
               "two tests of a file count as one")
        joined = compare(first + second, *builds, keys)
        expect(len(joined) == len(first), f"{len(joined)} of {len(first)} rows are compared")
        want = [(a["avg_ts"], b["avg_ts"]) for a, b in zip(first, second)]
        expect(list(joined.values()) == want, f"{joined} instead of {want}")


def check_apart(first, second, what):
    second = other_build(second)
    builds = first[0]["build_commit"], second[0]["build_commit"]
    expect(compare(first + second, *builds, KEYS) == {}, f"{what} is compared all the same")


def check_rules(rows):
    """That the rules above can refuse."""
    second = other_build(rows)
    builds = rows[0]["build_commit"], second[0]["build_commit"]
    for key in KEYS:
        null = [dict(r, **{key: None}) for r in rows]
        expect(compare(null + second, *builds, KEYS) == {}, f"a null {key} is joined")
        less = [{k: v for k, v in r.items() if k != key} for r in rows]
        try:
            compare(less + second, *builds, KEYS)
        except Wrong:
            continue
        raise Wrong(f"{key} is not missed")


def main():
    began = int(time.time())
    flags = ["-p", "16", "-n", "4", "-r", "3", "-t", "1-2", "-b", "8,64", "-pg", "8,2", "-d",
             "0-32+32"]
    out, err = bench(*flags, "-o", "json", "-oe", "csv")
    lines, err_json = bench(*flags, "-o", "jsonl", "-oe", "json")
    ended = int(time.time())
    rows, csv_rows, jsonl_rows = from_json(out), from_csv(err), from_jsonl(lines)
    tests = [(t, b, d, p, n) for t in (1, 2) for b in (8, 64) for d in (0, 32)
             for p, n in ((16, 0), (0, 4), (8, 2))]
    test("json: names, order, types, values", check_fields, rows, THEIRS + SAMPLES + OURS, 24)
    test("jsonl: names, order, types, values", check_fields, jsonl_rows, THEIRS + SAMPLES + OURS,
         24)
    test("csv: names, order, types, values", check_fields, csv_rows, THEIRS + OURS, 24)
    test("csv: every value in quotes, no name", check_csv_text, err)
    test("json and csv of one run are the same", check_same, rows, csv_rows)
    test("jsonl and json of one run are the same", check_same, jsonl_rows, from_json(err_json))
    test("ranges and lists give these tests", check_tests, rows, tests)
    test("the figures agree", check_figures, rows, began, ended)
    test("the CPU's name", check_cpu_info, rows)
    test("the machine, and what it did", check_machine, rows)
    test("nothing was sustained", lambda: expect(
        all((r["sustain_s"], r["first_10_s_ts"], r["rest_ts"]) == (0, None, None) for r in rows),
        "something was"))
    test("--sustain", check_sustained,
         from_json(bench("-p", "0", "-n", "4", "--sustain", "11", "-o", "json")[0]), 11)
    test("the commit is that of qw --version", check_commit, rows)
    test("two files can be compared", check_compare, rows, jsonl_rows)
    test("json can be compared with csv", check_compare, rows, csv_rows)
    test("what cannot be compared is told", check_rules, rows)
    small = ["-p", "4", "-n", "0", "-r", "1", "-t", "1"]
    test("a name that must be quoted", check_odd_name, small)
    small += ["-o", "jsonl"]
    q8 = from_jsonl(bench(*small, "-q", "q8")[0])
    for what in ("-q", "q4"), ("-b", "32"), ("--kv", "f32"), ("-t", "2"):
        other = from_jsonl(bench(*small, "-q", "q8", *what)[0])
        if what[0] == "-t":
            other = [r for r in other if r["n_threads"] == 2]
        test(f"another {what[0]} is another row", check_apart, q8, other, " ".join(what))


if __name__ == "__main__":
    test("all were run", main)
    sys.exit(failed)
