#!/bin/sh
# run.sh - runs all tests and counts their lines: "ok - NAME", "not ok - NAME: ...", "skip - NAME:
# REASON". Called by make test from the project's root, with BUILD, CC and MAKE. QW_CI=1 adds what
# takes longer: other compilers, sanitizers, fuzzing, a 0.6B checkpoint.
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.one"' EXIT
trap 'exit 130' INT TERM

# The tests' own calls of make are not parts of the make that called this.
unset MAKEFLAGS MFLAGS MAKELEVEL

# A python3 with numpy, if there is one: the first on the PATH may be another than the system's.
for PYTHON in python3 /usr/bin/python3; do
    "$PYTHON" -c 'import numpy' 2> /dev/null && break
done
export PYTHON BUILD CC MAKE

# run NAME SECONDS COMMAND...: a command that fails without saying which test failed, says nothing,
# or takes longer is a failed test itself.
run() {
    name=$1
    seconds=$2
    shift 2
    began=$(date +%s)
    sh tests/limit.sh "$seconds" "$@" > "$log.one" 2>&1
    status=$?
    took="$took $name $(($(date +%s) - began)),"
    cat "$log.one"
    cat "$log.one" >> "$log"
    why=
    if [ $status -eq 124 ]; then why="took longer than $((seconds * ${QW_SLOW:-1})) s"
    elif [ $status -ne 0 ] && ! grep -q '^not ok' "$log.one"; then why="exit code $status"
    elif [ $status -eq 0 ] && ! grep -qE '^(ok|not ok|skip)' "$log.one"; then why='ran no test'
    fi
    if [ -n "$why" ]; then echo "not ok - $name: $why" | tee -a "$log"; fi
}

run layers 60 sh tools/layers.sh
run style 60 sh tests/style.sh
run links 60 sh tests/links.sh "$BUILD/qw"
for t in tests/test_*.c; do
    t=$(basename "$t" .c)
    run "$t" 900 "$BUILD/$t"
done
run example 60 sh tests/example.sh "$BUILD/example"
run cli 900 sh tests/cli.sh
run library 900 sh tests/library.sh
run generated 60 sh tests/generated.sh
run numpy 300 sh tests/numpy.sh
run jinja 1200 sh tests/jinja.sh
run cross 3600 sh tests/cross.sh
if [ -n "$QW_CI" ]; then
    run compilers 1800 sh tests/compilers.sh
    run variants 5400 sh tests/variants.sh
    run synthetic 1800 sh tests/synthetic.sh
    run fuzz $((1800 + 7 * ${FUZZ_SECONDS:-60})) "$MAKE" -s fuzz
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
echo "seconds:${took%,}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
