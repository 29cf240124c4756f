#!/usr/bin/env python3
"""Make texts for the loop guard: good ones that repeat themselves as tables, logs, songs and drills
do, and loops of many kinds.

    tests/loop_corpus.py > tests/fixtures/loops/generated.jsonl

What a line holds is said in tests/fixtures/loops/README.md. The texts are the same on every machine
and with every Python 3: of the random module only random() with a seed is used.
"""
import json
import random
import sys

ROUNDS_OF_KIND = 3          # texts of each kind


class Random:
    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, n):
        return int(self.random() * n)

    def number(self, first, last):
        return first + self.below(last - first + 1)

    def one(self, choices):
        return choices[self.below(len(choices))]

    def some(self, choices, n):
        """n different ones, in random order."""
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(n)]


NAMES = """Ada Bilal Carmen Dmitri Esther Farid Greta Hanako Ivo Jonas Kadri Leila Miro Nuria Oskar
Petra Quentin Rosa Samir Tove Ugo Vera Wanda Ximena Yusuf Zora""".split()
PLACES = """harbour orchard workshop library station bakery meadow lighthouse market school mill
quarry chapel garden ferry tower""".split()
THINGS = """lantern basket ladder kettle compass violin hammer blanket notebook barrel mirror candle
saddle window bucket needle map bell rope bottle""".split()
TRAITS = """old small heavy green broken quiet golden wooden narrow warm empty bright rusty round
soft plain""".split()
VERBS = """carried found painted repaired borrowed hid sold measured cleaned forgot washed lifted
opened described counted followed""".split()
TIMES = """at dawn|after lunch|in the evening|before the storm|during the fair|on Sunday|all winter|
without a word|for the second time|in great haste""".replace("\n", "").split("|")
CITIES = "Oslo Porto Turin Ghent Lodz Cork Split Vaasa Basel Brno Tartu Bergen Malmo Graz".split()
FIELDS = "width height colour status owner price weight origin".split()


def sentence(r):
    return (f"{r.one(NAMES)} {r.one(VERBS)} the {r.one(TRAITS)} {r.one(THINGS)} near the "
            f"{r.one(PLACES)} {r.one(TIMES)}.")


def prose(r, n):
    return " ".join(sentence(r) for _ in range(n))


def intro(r):
    return r.one([
        "Here is what you asked for.\n\n", "Of course. ", "Let us see.\n", "Sure, here it is:\n\n",
        "The answer has several parts. ", "I will go through it step by step.\n\n",
    ])


# ---- good texts ----

def good_prose(r):
    return "\n\n".join(prose(r, r.number(5, 8)) for _ in range(12))


def good_table(r):
    rows = [f"| {n} | {r.one(TRAITS)} | {r.one(['yes', 'no'])} | {r.one(['yes', 'no'])} |"
            for n in r.some(NAMES, 26)]
    return intro(r) + "| name | kind | paid | came |\n|------|------|------|------|\n" \
        + "\n".join(rows + rows[:8]) + "\n"


def good_blank_table(r):
    columns = r.number(4, 7)
    row = "|" + "   |" * columns
    return intro(r) + row + "\n" + "|" + "---|" * columns + "\n" + (row + "\n") * r.number(20, 30)


def good_csv(r):
    begin = r.number(1000, 5000)
    return "id,city,status,count\n" + "".join(
        f"{begin + i},{r.one(CITIES)},{r.one(['open', 'closed'])},{r.below(40)}\n"
        for i in range(90))


def good_log(r):
    minute, lines = r.below(60), []
    for i in range(70):
        level = r.one(["INFO", "INFO", "INFO", "WARN"])
        lines.append(f"2025-03-0{1 + i // 30} 12:{(minute + i) % 60:02}:{r.below(60):02} {level} "
                     f"worker-{r.below(4)} job {7000 + i} {r.one(['done', 'started', 'queued'])}")
    return "\n".join(lines) + "\n"


def good_same_log(r):
    job = r.one(THINGS)
    return "".join(f"[{i:3}/60] building {job}-{i} ... ok\n" for i in range(1, 61))


def good_json(r):
    things = [{"id": i + 1, "name": r.one(THINGS), "tags": r.some(TRAITS, 2), "price": r.below(500),
               "in_stock": r.below(2) == 0} for i in range(30)]
    return "```json\n" + json.dumps(things, indent=2) + "\n```\n"


def good_song(r):
    refrain = "\n".join(f"Oh {r.one(TRAITS)} {r.one(THINGS)}, {r.one(TRAITS)} {r.one(PLACES)}"
                        for _ in range(4))
    verses = ["\n".join(sentence(r) for _ in range(4)) for _ in range(8)]
    return "\n\n".join(f"({i + 1})\n{v}\n\n{refrain}" for i, v in enumerate(verses)) + "\n"


def good_countdown(r):
    what, place = r.one(THINGS), r.one(PLACES)
    return "\n".join(
        f"{n} {what}s stood in the {place}, {n} {what}s stood;\none fell over, and {n - 1} "
        f"{what}s stood in the {place}.\n" for n in range(60, 0, -1))


def good_products(r):
    first = r.number(2, 9)
    return "\n".join(f"{a} x {b} = {a * b}" for a in range(first, first + 8)
                     for b in range(1, 13)) + "\n"


def good_conversion(r):
    rate = r.number(2, 30)
    return "| from | to |\n|---|---|\n" + "".join(
        f"| {n} miles | {n * 1609 / 1000 * rate:.1f} units |\n" for n in range(1, 80))


def good_form(r):
    fields = r.some(FIELDS, 6)
    one = "".join(f"{f.title()}: ____________________\n" for f in fields)
    return intro(r) + "".join(f"## Person {i}\n{one}\n" for i in range(1, 9))


def good_grid(r):
    row = "+" + "---+" * 8
    return intro(r) + "".join(
        row + "\n|" + "".join(f" {r.one('.........xo')} |" for _ in range(8)) + "\n"
        for _ in range(8)) + row + "\n"


def good_zeros(r):
    n = r.number(8, 14)
    rows = "\n".join("    {" + ", ".join("0" for _ in range(n)) + "}," for _ in range(n))
    return f"```c\nstatic int board[{n}][{n}] = {{\n{rows}\n}};\n```\n"


def good_checklist(r):
    return intro(r) + "".join(f"- [ ] Call {n} and ask about the {t}\n"
                              for n, t in zip(r.some(NAMES, 26), r.some(THINGS, 20) * 2))


def good_drill(r):
    return "".join(f"Is it a {a}? No, it is not a {a}. It is a {b}.\n" for a, b in
                   zip(r.some(THINGS, 20) + r.some(PLACES, 16), r.some(PLACES, 16) * 3))


def good_getters(r):
    return "".join(
        f"    public String get{t.title()}() {{\n        return this.{t};\n    }}\n\n"
        f"    public void set{t.title()}(String {t}) {{\n        this.{t} = {t};\n    }}\n\n"
        for t in r.some(THINGS + PLACES, 18))


def good_switch(r):
    return "switch (code) {\n" + "".join(
        f"    case {i}:\n        return \"{r.one(TRAITS)} {r.one(THINGS)}\";\n"
        for i in range(50)) + "}\n"


def good_tests(r):
    part = r.some(THINGS, 6)
    return "".join(
        f"tests/test_{part[i // 12]}.py::test_case_{i % 12} PASSED [{100 * i // 72:3}%]\n"
        for i in range(72))


def good_plan(r):
    one = f"Walk to the {r.one(PLACES)}, rest, then write two pages."
    return intro(r) + "".join(f"Day {i}: {one}\n" for i in range(1, 31))


def good_sql(r):
    return "".join(f"INSERT INTO stock (id, name, city, amount) VALUES ({i}, '{r.one(THINGS)}', "
                   f"'{r.one(CITIES)}', {r.below(90)});\n" for i in range(1, 56))


def good_hexdump(r):
    return "".join(f"{16 * i:08x}  " + " ".join(f"{r.below(256) * (r.below(3) > 0):02x}"
                                              for _ in range(16)) + "\n" for i in range(28))


def good_quiz(r):
    out = ""
    for i in range(1, 25):
        out += f"**Question {i}.** What did {r.one(NAMES)} see at the {r.one(PLACES)}?\n"
        out += "".join(f"{c}) a {r.one(TRAITS)} {r.one(THINGS)}\n" for c in "ABCD")
        out += f"Answer: {r.one('ABCD')}\n\n"
    return out


def good_stars(r):
    return "".join(f"{c}: " + "\u2b50" * r.number(1, 5) + " \U0001f600" * r.number(0, 3) + "\n"
                   for c in r.some(CITIES, 14) + r.some(NAMES, 20))


def good_contents(r):
    page, lines = 1, []
    for i in range(1, 41):
        title = f"{i}. The {r.one(TRAITS)} {r.one(THINGS)} "
        lines.append(title + "." * (60 - len(title)) + f" {page}\n")
        page += r.number(2, 12)
    return "".join(lines)


def good_recheck(r):
    lines = []
    for _ in range(22):
        a, b = r.number(11, 99), r.number(3, 19)
        lines.append(f"Wait, let me check it again: {a} times {b} is {a * b}. Yes, that is right.")
    return "\n\n".join(lines)


def good_asked(r):
    return (f"I will not throw the {r.one(THINGS)} into the {r.one(PLACES)}.\n") * r.number(12, 15)


def good_german(r):
    wer = "der Müller|die Lehrerin|das Kind|der Nachbar|die Ärztin|der Schäfer".split("|")
    was = "den Brief|die Tür|das Fahrrad|den Korb|die Laterne|das Brot|den Garten".split("|")
    tat = "öffnete|suchte|fand|vergaß|malte|verkaufte|zeigte|prüfte".split("|")
    wo = "am Bahnhof|im Hof|vor der Brücke|hinter dem Haus|auf dem Markt|bei Regen".split("|")
    return " ".join(f"Am {r.number(1, 30)}. Tag {r.one(tat)} {r.one(wer)} {r.one(was)} {r.one(wo)}."
                    for _ in range(50))


def good_chinese(r):
    who = "老师 学生 医生 农民 司机 邻居 孩子 店员".split()
    what = """打开了窗户 修好了自行车 买了一本书
写了一封信 看见了一只猫 洗了衣服 画了一座山""".split()
    when = "早上 昨天 下雨的时候 吃饭以后 去年冬天 周末 放学后".split()
    return "".join(f"{r.one(when)}，{r.one(who)}{r.one(what)}。" for _ in range(70))


# ---- loops: (good beginning, loop, tokens in which it must be found) ----
# The loop is long enough for that however its text is cut into tokens.

def beginning(r):
    return intro(r) + prose(r, r.number(3, 25)) + r.one(["\n\n", " ", "\n"])


def loop_sentence(r):
    return beginning(r), (sentence(r) + r.one([" ", "\n"])) * 50, 300


def loop_word(r):
    return beginning(r), f" {r.one(THINGS)}" * 700, 300


def loop_cycle(r):
    one = " ".join(sentence(r) for _ in range(3)) + "\n"
    return beginning(r), one * 25, 300


def loop_wait(r):
    one = f"Wait, but the {r.one(THINGS)} is {r.one(TRAITS)}. Let me think about it again.\n\n"
    return beginning(r), one * 40, 300


def loop_chinese(r):
    one = r.one([
        "但是，我不知道这个问题的答案。",
        "所以我们再看一遍。",
        "他说他明天再来，",
    ])
    return good_chinese(r), one * 120, 300


def loop_character(r):
    return beginning(r), r.one(["!", "a", "0", "\u00e9", "=", "~"]) * 24000, 330


def loop_newlines(r):
    return beginning(r), r.one(["\n", " \n", "\t"]) * 24000, 330


def loop_invisible(r):
    return beginning(r), r.one(["\u200b", "\u00a0", "\u3000"]) * 8000, 330


def loop_emoji(r):
    return beginning(r), r.one(["\U0001f389\U0001f38a", "\u2728", "\U0001f525 ", "\u2764\ufe0f"]) \
        * 2000, 650


def loop_paragraph(r):
    n = r.number(4, 12)
    return beginning(r), (prose(r, n) + "\n\n") * (6 + 60 // n), max(300, 5 * 22 * n)


def loop_long_round(r):
    return beginning(r), (prose(r, 22) + "\n\n") * 7, 5 * 22 * 22


def loop_code(r):
    name = r.one(THINGS)
    one = r.one([f"    {name} = {name} + 1;\n", f"    if ({name} > 0) {{ {name}--; }}\n",
                 f"        self.{name} = None\n        return self.{name}[0];\n"])
    return f"```c\nint f(int {name}) {{\n", one * 180, 1050


def loop_rows(r):
    return beginning(r), f"| {r.one(NAMES)} | {r.one(TRAITS)} | {r.one(CITIES)} |\n" * 160, 1050


def loop_counter(r):
    end = f"{r.one(NAMES)} {r.one(VERBS)} the {r.one(THINGS)} and went back to the town again."
    begin, step = r.number(1, 50), r.one([1, 1, 2, 5])
    return beginning(r), "".join(f"Step {begin + step * i}: {end}\n" for i in range(150)), 1500


def loop_date(r):
    end = f"we met at the {r.one(PLACES)} and spoke about the {r.one(THINGS)} as we always do"
    dates = (f"{2020 + d // 336}-{1 + d // 28 % 12:02}-{1 + d % 28:02}" for d in range(150))
    return beginning(r), "".join(f"On {d} {end}.\n" for d in dates), 1500


def loop_slot(r):
    few = r.some(TRAITS, 3)
    a, b = sentence(r), sentence(r)
    return beginning(r), "".join(f"{a} It was {r.one(few)} again. {b}\n" for _ in range(90)), 1500


def loop_slot_and_counter(r):
    few, end = r.some(NAMES, 3), sentence(r)
    return beginning(r), "".join(
        f"In round {i} the winner was {r.one(few)} once more, as all of us had thought. {end}\n"
        for i in range(1, 100)), 1500


def loop_json(r):
    thing = {"id": 0, "name": r.one(THINGS), "city": r.one(CITIES),
             "note": "there is nothing to add to what was said about it"}
    return "```json\n[\n", "".join(
        json.dumps({**thing, "id": i}, indent=2) + ",\n" for i in range(1, 170)), 3600


def objects():
    kinds = [(n, f) for n, f in globals().items() if n.startswith(("good_", "loop_"))]
    for name, make in kinds:
        for i in range(1, ROUNDS_OF_KIND + 1):
            text = make(Random(f"{name} {i}"))
            kind = name.replace("_", "-")
            o = {"kind": kind, "name": f"{kind} {i}", "loop": name.startswith("loop_")}
            if o["loop"]:
                good, loop, within = text
                o["start"], o["within"] = len(good), within
                text = good + loop
            o["text"] = text
            yield o


def main():
    out = "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects())
    sys.stdout.buffer.write(out.encode())


main()
