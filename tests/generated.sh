#!/bin/sh
# generated.sh - src/text/unicode_tables.h is what tools/unicode.py makes of its data files.
command -v ${PYTHON:-python3} >/dev/null 2>&1 || { echo "skip - generated tables: python3 is missing"; exit 0; }
tmp=$(mktemp) || exit 1
trap 'rm -f "$tmp"' EXIT
${PYTHON:-python3} tools/unicode.py > "$tmp" || exit 1
if cmp "$tmp" src/text/unicode_tables.h; then echo "ok - generated tables"; else
    echo "not ok - generated tables: run python3 tools/unicode.py > src/text/unicode_tables.h"
    exit 1
fi
