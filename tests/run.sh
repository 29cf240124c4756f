#!/bin/sh
# run.sh - runs all tests and counts their lines: "ok - NAME", "not ok - NAME", "skip - NAME: REASON". Called by make test, from the
# project's root, with BUILD, CC and MAKE. QW_CI=1 adds what takes longer: other compilers, sanitizers, fuzzing, a 0.6B checkpoint.
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.one"' EXIT
trap 'exit 130' INT TERM

# A python3 with numpy, if there is one: the first on the PATH may be another than the system's.
for PYTHON in python3 /usr/bin/python3; do "$PYTHON" -c 'import numpy' 2>/dev/null && break; done
export PYTHON

# run NAME COMMAND...: a command that fails without saying which test failed is a failed test itself.
run() {
    name=$1
    shift
    "$@" > "$log.one" 2>&1
    status=$?
    cat "$log.one"
    cat "$log.one" >> "$log"
    if [ $status -ne 0 ] && ! grep -q '^not ok' "$log.one"; then echo "not ok - $name: exit code $status" | tee -a "$log"; fi
    if [ $status -eq 0 ] && ! grep -qE '^(ok|not ok|skip)' "$log.one"; then echo "not ok - $name: ran no test" | tee -a "$log"; fi
}

run layers sh tools/layers.sh
run links sh tests/links.sh "$BUILD/qw"
for t in tests/test_*.c; do
    t=$(basename "$t" .c)
    run "$t" "$BUILD/$t"
done
run example sh tests/example.sh "$BUILD/example"
run cli sh tests/cli.sh
run generated sh tests/generated.sh
run numpy sh tests/numpy.sh
run jinja sh tests/jinja.sh
run cross sh tests/cross.sh
if [ -n "$QW_CI" ]; then
    run variants sh tests/variants.sh
    run synthetic sh tests/synthetic.sh
    run fuzz "${MAKE:-make}" -s fuzz
fi

passed=$(grep -c '^ok' "$log")
failed=$(grep -c '^not ok' "$log")
skipped=$(grep -c '^skip' "$log")
if [ "$skipped" -gt 0 ]; then
    echo
    echo "SKIPPED $skipped:"
    grep '^skip' "$log"
fi
if [ "$failed" -gt 0 ]; then
    echo
    echo "FAILED:"
    grep '^not ok' "$log"
fi
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
