#!/bin/sh
# jinja.sh - chat templates against jinja2, or against what it has been recorded to render.
python=${PYTHON:-python3}
if ! command -v "$python" > /dev/null 2>&1; then
    echo "skip - jinja: python3 is missing"
    exit 0
fi
failed=0
for test in cases golden random; do
    "$python" "tests/jinja_$test.py" || failed=1
done
# A part of them; QW_CI=1 tests/jinja_hostile.py runs all, which takes minutes.
if [ -n "$QW_CI" ]; then QW_CI= "$python" tests/jinja_hostile.py || failed=1; fi
exit $failed
