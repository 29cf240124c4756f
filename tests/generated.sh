#!/bin/sh
# generated.sh - src/text/unicode_tables.h is what tools/unicode.py makes of its data files.
python=${PYTHON:-python3}
if ! command -v "$python" > /dev/null 2>&1; then
    echo "skip - generated tables: python3 is missing"
    exit 0
fi
tmp=$(mktemp) || exit 1
trap 'rm -f "$tmp"' EXIT
$python tools/unicode.py > "$tmp" || exit 1
if cmp "$tmp" src/text/unicode_tables.h; then echo "ok - generated tables"; else
    echo "not ok - generated tables: run python3 tools/unicode.py > src/text/unicode_tables.h"
    exit 1
fi
