#!/usr/bin/env python3
"""Print src/chat/jinja/unicode_tables.h, made from Python's own Unicode data:

    python3 tools/chat_unicode.py > src/chat/jinja/unicode_tables.h

A Python with another version of Unicode makes other tables: it is refused, with exit code 3.
"""
import sys
import unicodedata
from c_tables import array

VERSION = "14.0.0"
CODE_POINTS = 0x110000
PLANES = CODE_POINTS >> 16


def is_cased(c):
    return unicodedata.category(c) in ("Lu", "Ll", "Lt") or c.isupper() or c.islower()


def edges(is_in):
    """Where membership changes: at even positions a range begins, at odd ones it has ended."""
    found, inside = [], False
    for cp in range(CODE_POINTS):
        if is_in(chr(cp)) != inside:
            inside = not inside
            found.append(cp)
    return found


def table(name, is_in, comment):
    found = edges(is_in)
    array("uint16_t", f"{name}_edges", [cp & 0xFFFF for cp in found], comment)
    array("uint16_t", f"{name}_planes",
          [sum(cp >> 16 < p for cp in found) for p in range(PLANES + 1)],
          f"plane p: {name}_edges[{name}_planes[p] ... {name}_planes[p + 1])")


def main():
    if unicodedata.unidata_version != VERSION:
        print(f"this python3 has Unicode {unicodedata.unidata_version}, not {VERSION}",
              file=sys.stderr)
        sys.exit(3)
    # What the C code relies on: other characters are the same in every case.
    for c in map(chr, range(CODE_POINTS)):
        assert is_cased(c) or c == c.upper() == c.lower() == c.title()
    print("/* unicode_tables.h - made by tools/chat_unicode.py: do not edit. */")
    print("#ifndef QW_JINJA_UNICODE_TABLES_H\n#define QW_JINJA_UNICODE_TABLES_H")
    print("#include <stdint.h>\n")
    table("cased", is_cased, "where being cased changes, the low 16 bits")
    table("unprintable", lambda c: not c.isprintable(),
          "where not being printable changes, the low 16 bits")
    print("#endif")


main()
