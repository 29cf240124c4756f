#!/usr/bin/env python3
"""Print src/text/unicode_tables.h, made from unicode-classes.txt, unicode-words.txt and
unicode-nfc.txt here:

    python3 tools/unicode.py > src/text/unicode_tables.h

The output depends on nothing but those three files.
"""
import os
import re
from c_tables import array, three_stage, two_stage

HERE = os.path.dirname(os.path.abspath(__file__))
CODE_POINTS = 0x110000
WIDE = 126                      # columns of the tables


def sections(name):
    """The words below each [heading] of a data file, by heading; lines with '#' are comments."""
    found, words = {}, None
    with open(os.path.join(HERE, name), encoding="ascii") as f:
        for line in f:
            head = re.match(r"\[(.*?)\]", line)
            if head:
                words = found.setdefault(head.group(1), [])
            elif words is not None and not line.startswith("#"):
                words.extend(line.split())
    return found


def code_points(word):
    first, _, last = word.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


def classes():
    """Class of each code point: 0 other, 1 \\s, 2 \\p{L}, 3 \\p{N}; four to a byte."""
    found = sections("unicode-classes.txt")
    values = [0] * CODE_POINTS
    for cls, heading in ((1, "\\s (White_Space)"), (2, "\\p{L}"), (3, "\\p{N}")):
        for word in found[heading]:
            if not word.startswith(("codepoints=", "ranges=")):
                for c in code_points(word):
                    assert values[c] == 0
                    values[c] = cls
    return [values[i] | values[i + 1] << 2 | values[i + 2] << 4 | values[i + 3] << 6
            for i in range(0, CODE_POINTS, 4)]


def words_beyond_letters():
    """Ranges of the code points that are \\w but not \\p{L}."""
    letters = {c for word in sections("unicode-classes.txt")["\\p{L}"] if "=" not in word
               for c in code_points(word)}
    words = {c for word in sections("unicode-words.txt")["\\w"] if "=" not in word
             for c in code_points(word)}
    assert letters <= words
    ranges = []
    for c in sorted(words - letters):
        if ranges and ranges[-1][1] == c - 1:
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
    return ranges


def normalisation():
    """Combining classes, one-step decompositions, and the characters that compose.

    A decomposition is {character: (first, second or 0)}."""
    found = sections("unicode-nfc.txt")
    ccc, decompositions, composites = {}, {}, []
    for word in found["canonical combining class"]:
        if word.endswith(":") and word[:-1].isdigit():
            cls = int(word[:-1])
        elif re.fullmatch(r"[0-9A-F]+(-[0-9A-F]+)?", word):
            ccc.update((c, cls) for c in code_points(word))
    for word in found["canonical decomposition"]:
        m = re.fullmatch(r"([0-9A-F]+)=([0-9A-F]+)(?:\+([0-9A-F]+))?(!?)", word)
        if m:
            c, first, second = (int(x, 16) if x else 0 for x in m.groups()[:3])
            decompositions[c] = (first, second)
            if second and not m.group(4):
                composites.append(c)
    return ccc, decompositions, composites


def kinds(ccc, decompositions, composites):
    """The kind of each code point for normalising: 0 inert, 1..254 combining class, 255 changing.

    A changing code point is a starter that decomposes or can join the character before it."""
    values = [0] * CODE_POINTS
    for c in decompositions:
        if c not in composites:
            values[c] = 255
    for c in composites:
        values[decompositions[c][1]] = 255
    # Hangul vowels and final consonants.
    for c in list(range(0x1161, 0x1176)) + list(range(0x11A8, 0x11C3)):
        values[c] = 255
    for c, cls in ccc.items():
        assert 0 < cls < 255
        values[c] = cls
    # What the C code relies on: an inert character cannot join the one before it, not even with
    # the first character that it decomposes into; second characters do not decompose again; no
    # character takes more than 4 steps.
    for c, (first, second) in decompositions.items():
        assert second not in decompositions and not 0xAC00 <= first < 0xD7A4
        steps = 1
        while first in decompositions:
            first, steps = decompositions[first][0], steps + 1
        assert steps <= 4
        assert values[c] or not values[first]
        assert c not in composites or not ccc.get(c)
    return values


def main():
    ccc, decompositions, composites = normalisation()
    print("/* unicode_tables.h - made by tools/unicode.py from tools/unicode-classes.txt, "
          "tools/unicode-words.txt\n * and tools/unicode-nfc.txt: do not edit. */")
    print("#ifndef QW_UNICODE_TABLES_H\n#define QW_UNICODE_TABLES_H\n#include <stdint.h>\n")
    index, blocks = two_stage(classes(), 64)
    array("uint8_t", "class_index", index, "code point / 256 -> block of class_blocks", WIDE)
    array("uint8_t", "class_blocks", blocks,
          "blocks of 256 classes, four to a byte, the lowest bits first: "
          "0 other, 1 \\s, 2 \\p{L}, 3 \\p{N}", WIDE)
    array("struct range", "word_ranges",
          ["{0x%X,0x%X}" % (a, b) for a, b in words_beyond_letters()],
          "\\w without \\p{L}, in order", WIDE)
    index, parts, blocks = three_stage(kinds(ccc, decompositions, composites), 8, 32)
    array("uint8_t", "kind_index", index, "code point / 256 -> part of kind_parts", WIDE)
    array("uint8_t", "kind_parts", parts, "parts of 32 blocks of kind_blocks", WIDE)
    array("uint8_t", "kind_blocks", blocks,
          "blocks of 8 kinds: 0 inert, 1..254 combining class, 255 starter that can change", WIDE)
    characters = sorted(decompositions)
    array("struct decomposition", "decompositions",
          ["{0x%X,0x%X,0x%X}" % (c, *decompositions[c]) for c in characters],
          "one-step canonical decompositions by character", WIDE)
    composites.sort(key=lambda c: decompositions[c])
    array("uint16_t", "compositions", [characters.index(c) for c in composites],
          "those of `decompositions` that compose, by first and second", WIDE)
    print("#endif")


main()
