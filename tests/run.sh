#!/bin/sh
# run.sh - runs all tests and counts their lines: "ok - NAME", "not ok - NAME: ...", "skip - NAME:
# REASON". Called by make test from the project's root, with BUILD, CC and MAKE. QW_CI=1 adds what
# takes longer: other compilers, sanitizers, fuzzing, a 0.6B checkpoint. What measures no time runs
# at the end, as many jobs beside each other as there are cores; each prints when it is done.
dir=$QW_RUN             # what jobs and the run that started them share
if [ -z "$dir" ]; then
    dir=$(mktemp -d) || exit 1
    trap 'rm -rf "$dir"' EXIT
fi
pid=
trap 'test -z "$pid" || { kill $pid; wait $pid; } 2> /dev/null; exit 130' INT TERM

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
    out=$dir/$name.out
    began=$(date +%s)
    sh tests/limit.sh "$seconds" "$@" > "$out" 2>&1
    status=$?
    why=
    if [ $status -eq 124 ]; then why="took longer than $((seconds * ${QW_SLOW:-1})) s"
    elif [ $status -ne 0 ] && ! grep -q '^not ok' "$out"; then why="exit code $status"
    elif [ $status -eq 0 ] && ! grep -qE '^(ok|not ok|skip)' "$out"; then why='ran no test'
    fi
    if [ -n "$why" ]; then echo "not ok - $name: $why" >> "$out"; fi
    until mkdir "$dir/printing" 2> /dev/null; do sleep 0.1; done
    cat "$out"
    cat "$out" >> "$dir/log"
    echo "$name $(($(date +%s) - began))" >> "$dir/took"
    rmdir "$dir/printing"
}

# job NAME: one of those that run beside each other
job() {
    case $1 in
    dist-*) run "$1" 3600 sh tests/dist.sh "${1#dist-}" ;;
    cross-*) run "$1" 3600 sh tests/cross.sh "${1#cross-}" ;;
    variants-*) run "$1" 5400 sh tests/variants.sh "${1#variants-}" ;;
    fuzz) run fuzz $((1800 + 9 * ${FUZZ_SECONDS:-60})) "$MAKE" -s fuzz ;;
    fetch | guides)
        if command -v python3 > /dev/null; then run "$1" 600 python3 "tests/$1.py"
        else run "$1" 60 echo "skip - $1: no python3"
        fi ;;
    compilers | synthetic) run "$1" 1800 sh "tests/$1.sh" ;;
    *) run "$1" 1200 sh "tests/$1.sh" ;;
    esac
}
if [ -n "$QW_RUN" ]; then
    unset QW_RUN
    job "$1"
    exit 0
fi

run layers 60 sh tools/layers.sh
run style 60 sh tests/style.sh
run links 60 sh tests/links.sh "$BUILD/qw"
for t in tests/test_*.c; do
    t=$(basename "$t" .c)
    run "$t" 900 "$BUILD/$t"
done
run example 60 sh tests/example.sh "$BUILD/example"
run selftest 300 sh tests/selftest.sh "$BUILD/qw" "$BUILD/qw-faulty"
run shape 600 sh tests/shape.sh "$BUILD/qw" "$BUILD/qw-faulty"
run filter 200 sh tests/filter.sh "$BUILD/qw"
run cli 900 sh tests/cli.sh
if command -v python3 > /dev/null; then run terminal 600 python3 tests/terminal.py
else run terminal 60 echo "skip - terminal: no python3"
fi
run editor 300 sh tests/editor.sh
run generated 60 sh tests/generated.sh
run numpy 300 sh tests/numpy.sh

# The longest first.
{
    if [ -n "$QW_CI" ]; then
        echo fuzz
        printf 'variants-%s\n' $(sh tests/variants.sh jobs)
        printf 'dist-%s\n' $(sh tests/dist.sh jobs)
        echo compilers
    fi
    echo jinja
    printf 'cross-%s\n' $(sh tests/cross.sh jobs)
    echo fetch
    echo library
    echo guides
    if [ -n "$QW_CI" ]; then echo synthetic; fi
} > "$dir/jobs"
cores=$(nproc 2> /dev/null || getconf _NPROCESSORS_ONLN 2> /dev/null || echo 1)
# In the background, where a signal to this script alone ends it as well.
QW_RUN=$dir sh tests/limit.sh 14400 \
    sh -c "xargs -P $cores -n 1 sh tests/run.sh < \"\$QW_RUN/jobs\"" &
pid=$!
wait $pid || echo "not ok - run: the jobs did not all end" | tee -a "$dir/log"
pid=

passed=$(grep -c '^ok' "$dir/log")
failed=$(grep -c '^not ok' "$dir/log")
skipped=$(grep -c '^skip' "$dir/log")
if [ "$skipped" -gt 0 ]; then
    echo
    echo "SKIPPED $skipped:"
    grep '^skip' "$dir/log"
fi
if [ "$failed" -gt 0 ]; then
    echo
    echo "FAILED:"
    grep '^not ok' "$dir/log"
fi
echo
awk '{ printf "%s %s %s", (NR == 1 ? "seconds:" : ","), $1, $2 } END { print "" }' "$dir/took"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
