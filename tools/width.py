#!/usr/bin/env python3
"""Print src/terminal/width_tables.h, made from the data files of Unicode 15.0:

    python3 tools/width.py [DIR] > src/terminal/width_tables.h

DIR is where Debian's package unicode-data puts them, /usr/share/unicode. Where they are missing or
of another version, exit code 3.
"""
import os
import re
import sys
from c_tables import array, three_stage

VERSION = "15.0"
CODE_POINTS = 0x110000
BLOCK, PART = 4, 64         # code points in a block, blocks in a part

# enum grapheme of src/terminal/width.c. Hangul syllables are one class here.
CLASSES = {"CR": 1, "LF": 1, "Control": 1, "Extend": 2, "ZWJ": 3, "Regional_Indicator": 4,
           "Prepend": 5, "SpacingMark": 6, "L": 7, "V": 8, "T": 9, "LV": 10, "LVT": 10}
PICTOGRAPH = 11
EMOJI_STYLE = 0x40      # U+FE0F after it makes it wide


def refuse(why):
    print(why, file=sys.stderr)
    sys.exit(3)


def records(directory, name):
    """The fields of each line of a data file."""
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        refuse(f"{path} is missing (unicode-data {VERSION} has it)")
    with open(path, encoding="utf-8") as f:
        head = "".join(next(f, "") for _ in range(10))
        found = re.search(r"(?:-|Emoji Version )(\d+\.\d+)", head)
        if not found or found.group(1) != VERSION:
            refuse(f"{path} is of Unicode {found.group(1) if found else '?'}, not {VERSION}")
        f.seek(0)
        for line in f:
            fields = [x.strip() for x in line.split("#")[0].split(";")]
            if fields[0]:
                yield fields


def ranges(directory, name):
    """(first, last, property) of each line of a data file."""
    for points, value, *_ in records(directory, name):
        first, _, last = points.partition("..")
        yield int(first, 16), int(last or first, 16), value


def sequences(directory, name):
    """The code points of each line."""
    for points, *_ in records(directory, name):
        yield [int(c, 16) for c in points.split()]


def widths(directory):
    """0 for what is drawn over the character before it or not at all, 2 for wide ones, else 1."""
    values = [1] * CODE_POINTS
    for first, last, width in ranges(directory, "EastAsianWidth.txt"):
        if width in ("W", "F"):
            values[first:last + 1] = [2] * (last - first + 1)
    category = ["Cn"] * CODE_POINTS
    for first, last, name in ranges(directory, "extracted/DerivedGeneralCategory.txt"):
        category[first:last + 1] = [name] * (last - first + 1)
    for first, last, name in ranges(directory, "DerivedCoreProperties.txt"):
        if name == "Default_Ignorable_Code_Point":
            for c in range(first, last + 1):
                if category[c] == "Cn":
                    values[c] = 0
    for c in range(CODE_POINTS):
        if category[c] in ("Mn", "Me", "Cf", "Zl", "Zp"):
            values[c] = 0
    values[0xAD] = 1                            # the soft hyphen, as terminals have it
    for c in list(range(0x1160, 0x1200)) + list(range(0xD7B0, 0xD800)):
        values[c] = 0                           # vowels and final consonants of Hangul
    return values


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
    width = widths(directory)
    values = [w << 4 for w in width]
    for first, last, name in ranges(directory, "auxiliary/GraphemeBreakProperty.txt"):
        for c in range(first, last + 1):
            values[c] |= CLASSES[name]
            if name == "Prepend":
                values[c] = CLASSES[name] | 1 << 4      # signs that stand before numbers
    for first, last, name in ranges(directory, "emoji/emoji-data.txt"):
        for c in range(first, last + 1):
            if name == "Extended_Pictographic" and not values[c] & 15:
                values[c] |= PICTOGRAPH
    for c, style in sequences(directory, "emoji/emoji-variation-sequences.txt"):
        if style == 0xFE0F:
            values[c] |= EMOJI_STYLE

    index, parts, blocks = three_stage(values, BLOCK, PART, usual=1 << 4)
    print("/* width_tables.h - made by tools/width.py from the data files of Unicode "
          f"{VERSION}: do not edit. */")
    print("#ifndef QW_WIDTH_TABLES_H\n#define QW_WIDTH_TABLES_H\n#include <stdint.h>\n")
    array("uint8_t", "width_index", index, f"code point / {BLOCK * PART} -> part of width_parts")
    array("uint8_t", "width_parts", parts, f"parts of {PART} blocks of width_blocks")
    array("uint8_t", "width_blocks", blocks,
          f"blocks of {BLOCK}: bits 0..3 enum grapheme, 4..5 cells, 6 wide when U+FE0F follows")
    print("#endif")


main()
