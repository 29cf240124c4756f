#!/bin/sh
# variants.sh - the unit tests (their quick form) under other compilers and options: clang, OpenMP, sanitizers. All warnings are errors.
make=${MAKE:-make}
failed=0
tests=$(for t in tests/test_*.c; do basename "$t" .c; done)
one() {     # one NAME COMPILER VARIABLE...
    name=$1 cc=$2 build=.build/variant-$(echo "$1" | tr ' ,' '--')
    shift 2
    if ! command -v "$cc" >/dev/null 2>&1; then echo "skip - $name: $cc is missing"; return; fi
    targets="$build/qw"
    for t in $tests; do targets="$targets $build/$t"; done
    # shellcheck disable=SC2086
    if ! $make -s -j2 BUILD="$build" CC="$cc" "$@" $targets; then
        echo "not ok - $name: does not build without warnings"
        failed=1
        return
    fi
    for t in $tests; do
        if out=$("$build/$t" quick 2>&1); then echo "ok - $t, $name"; else
            echo "$out" | tail -40
            echo "not ok - $t, $name"
            failed=1
        fi
    done
    if out=$(QW="$build/qw" sh tests/cli.sh 2>&1); then echo "ok - cli, $name"; else
        echo "$out" | grep -A5 '^not ok'
        echo "not ok - cli, $name"
        failed=1
    fi
}
one "clang -O3" clang CFLAGS="-O3 -Werror"
one "gcc OpenMP" gcc CFLAGS="-O2 -Werror" OPENMP=1
one "gcc sanitizers" gcc CFLAGS="-O1 -g -Werror" SAN=address,undefined
one "clang sanitizers" clang CFLAGS="-O1 -g -Werror" SAN=address,undefined
# Races in the pool.
build=.build/variant-threads
if $make -s -j2 BUILD=$build CC=gcc CFLAGS="-O1 -g -Werror" SAN=thread $build/test_base; then
    if out=$($build/test_base 2>&1); then echo "ok - test_base, gcc thread sanitizer"; else
        echo "$out" | tail -40
        echo "not ok - test_base, gcc thread sanitizer"
        failed=1
    fi
else
    echo "not ok - gcc thread sanitizer: does not build without warnings"
    failed=1
fi
exit $failed
