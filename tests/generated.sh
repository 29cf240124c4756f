#!/bin/sh
# generated.sh - the tables of Unicode are what their scripts make: src/text/unicode_tables.h from
# data files, src/chat/jinja/unicode_tables.h from Python's own data, and the tables of widths from
# those of the system, where these have the version that the tables were made from.
python=${PYTHON:-python3}
if ! command -v "$python" > /dev/null 2>&1; then
    echo "skip - generated tables: python3 is missing"
    exit 0
fi
tmp=$(mktemp) || exit 1
trap 'rm -f "$tmp" "$tmp.why"' EXIT
failed=0
check() {                           # check NAME SCRIPT TABLES
    $python "$2" > "$tmp" 2> "$tmp.why"
    status=$?
    if [ $status -eq 3 ]; then echo "skip - $1: $(cat "$tmp.why")"
    elif [ $status -ne 0 ]; then
        cat "$tmp.why"
        echo "not ok - $1: $2 ended with exit code $status"
        failed=1
    elif cmp "$tmp" "$3"; then echo "ok - $1"
    else
        echo "not ok - $1: run python3 $2 > $3"
        failed=1
    fi
}
check "generated tables" tools/unicode.py src/text/unicode_tables.h
check "generated tables of templates" tools/chat_unicode.py src/chat/jinja/unicode_tables.h
check "generated tables of widths" tools/width.py src/terminal/width_tables.h
check "generated texts of the loop guard" tests/loop_corpus.py \
    tests/fixtures/loops/generated.jsonl
exit $failed
